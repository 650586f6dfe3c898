/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A saved file loads again to the same configuration, and at every moment of a save, also one that
 * is killed, the old or the new file is there, whole (MGT-05).
 */
#include "sample_config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KILLS 100
#define RULES 4000 /* a file of about 90 writes */

static char folder[] = "config_save.XXXXXX";
static char path[64], path_new[80];

static struct config *
parse(const char *text)
{
	char err[640] = "";
	struct config *c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));

	assert_string_equal(err, "");
	assert_non_null(c);
	return c;
}

static struct config *
load(const char *file)
{
	char err[640] = "";
	struct config *c = config_load(file, sample_sections(), err, sizeof(err));

	assert_string_equal(err, "");
	assert_non_null(c);
	return c;
}

static void
save(const struct config *c, const char *file)
{
	char err[640] = "";

	assert_int_equal(config_save(c, file, err, sizeof(err)), 0);
	assert_string_equal(err, "");
}

/* => malloc'ed content of a file, NULL when there is none */
static char *
content(const char *file)
{
	FILE *f = fopen(file, "r");
	struct stat st;
	char *text;

	if (f == NULL)
		return NULL;
	assert_int_equal(fstat(fileno(f), &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	return text;
}

static void
assert_same(const struct config *a, const struct config *b)
{
	char setting[160] = "";

	config_difference(a, b, CONFIG_ALL, setting, sizeof(setting));
	assert_string_equal(setting, "");
}

static void
saved_file_loads_to_the_same_configuration(void **state)
{
	/* Values a writer could spoil: 64 bits, escapes, empty lists. */
	static const char awkward[] =
		"version = 1; system = { name = \"B\"; worker_cpus = [ 0 ]; sessions = 2097152L;\n"
		"  console_socket = \"/a \\\"b\\\" \\\\c\"; eal = [ ]; memory_mb = 0x200; };\n"
		"ports = ( { name = \"p\"; devargs = \"0000:3b:00.0\"; } );\n"
		"interfaces = ( { name = \"i\"; port = \"p\"; zone = \"dmz\"; ping = false; } );\n"
		"security_policy = { rules = ( ); };\n";
	/* Settings that are refused where another one makes them idle: a writer must not add them.
	 */
	static const char idle[] =
		"version = 1; system = { name = \"B\"; worker_cpus = [ 0 ]; };\n"
		"ports = ( { name = \"p\"; devargs = \"0000:3b:00.0\"; } );\n"
		"interfaces = ( { name = \"i\"; port = \"p\"; zone = \"dmz\"; address = "
		"\"10.1.1.2/24\"; } );\n"
		"security_policy = { rules = ( ); };\n"
		"vrrp = (\n"
		"  { vrid = 1; interface = \"i\"; virtual_ip = \"10.1.1.1\"; },\n"
		"  { vrid = 2; interface = \"i\"; virtual_ip = \"10.1.1.3\"; auth = { type = "
		"\"none\"; }; },\n"
		"  { vrid = 3; interface = \"i\"; virtual_ip = \"10.1.1.4\"; auth = { keys = ( ); "
		"}; },\n"
		"  { vrid = 4; interface = \"i\"; virtual_ip = \"10.1.1.5\"; auth = { type = "
		"\"hmac\"; send_key = 0;\n"
		"      mode = \"enforce\"; replay = \"time\"; window_s = 0;\n"
		"      keys = ( { id = 1; secret = \"0123456789abcdef0123456789abcdef\"; } ); }; "
		"}\n"
		");\n";
	static const char *const texts[] = { sample_config, awkward, idle };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(texts); i++) {
		struct config *c = parse(texts[i]), *again, *third;
		char *once, *twice;

		save(c, path);
		once = content(path);
		again = load(path);
		assert_same(c, again);
		save(again, path);
		twice = content(path);
		assert_string_equal(once, twice);
		third = load(path);
		assert_same(c, third);
		free(once);
		free(twice);
		config_free(third);
		config_free(again);
		config_free(c);
		assert_int_equal(unlink(path), 0);
	}
}

static void
save_keeps_the_mode_and_a_new_file_is_private(void **state)
{
	struct config *c = parse(sample_config);
	struct stat st;

	(void)state;
	save(c, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 1, 2), 0);
	save(c, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 1);
		assert_int_equal(st.st_gid, 2);
	}
	assert_int_equal(unlink(path), 0);
	config_free(c);
}

static void
save_through_a_symlink_changes_its_target(void **state)
{
	struct config *c = parse(sample_config);
	char link[64], err[640];
	struct stat st;

	(void)state;
	snprintf(link, sizeof(link), "%s/link.conf", folder);
	save(c, path);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(symlink("fw.conf", link), 0);
	save(c, link);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	config_free(load(path));
	assert_int_equal(unlink(path), 0);

	/* A link to nowhere is not filled in. */
	assert_true(config_save(c, link, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "a symbolic link to nowhere"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(unlink(link), 0);
	config_free(c);
}

static void
link_in_the_place_of_the_new_file_is_not_followed(void **state)
{
	struct config *c = parse(sample_config);
	char victim[64];
	char *text;
	FILE *f;

	(void)state;
	snprintf(victim, sizeof(victim), "%s/victim", folder);
	f = fopen(victim, "w");
	assert_non_null(f);
	fputs("mine", f);
	fclose(f);
	assert_int_equal(symlink("victim", path_new), 0);
	save(c, path);
	text = content(victim);
	assert_string_equal(text, "mine");
	free(text);
	config_free(load(path));
	assert_int_equal(access(path_new, F_OK), -1);
	assert_int_equal(unlink(victim), 0);
	assert_int_equal(unlink(path), 0);
	config_free(c);
}

static void
save_that_cannot_work_says_why_and_changes_nothing(void **state)
{
	struct config *c = parse(sample_config);
	char file[128], err[640];

	(void)state;
	snprintf(file, sizeof(file), "%s/none/fw.conf", folder);
	assert_true(config_save(c, file, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "cannot be saved: No such file or directory"));
	assert_true(config_save(c, folder, err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "not a regular file"));
	assert_true(config_save(c, "/dev/null", err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "not a regular file"));
	/* The new file's place is taken by a folder. */
	save(c, path);
	assert_int_equal(mkdir(path_new, 0700), 0);
	assert_true(config_save(c, path, err, sizeof(err)) < 0);
	config_free(load(path));
	assert_int_equal(rmdir(path_new), 0);
	assert_int_equal(unlink(path), 0);
	config_free(c);
}

static void
save_on_a_full_disk_keeps_the_old_file(void **state)
{
	struct config *c = parse(sample_config);
	struct rlimit limit, small;
	char err[640];
	void (*old)(int);
	int rc;

	(void)state;
	save(c, path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ .rlim_cur = 1000, .rlim_max = limit.rlim_max };
	old = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = config_save(c, path, err, sizeof(err));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, old);
	assert_int_equal(rc, -EFBIG);
	assert_non_null(strstr(err, "cannot be saved: File too large"));
	config_free(load(path));
	assert_int_equal(access(path_new, F_OK), -1);
	assert_int_equal(unlink(path), 0);
	config_free(c);
}

/* ---- MGT-05 ---- */

/* A configuration with RULES rules whose names begin with `mark`. */
static struct config *
large(const char *mark)
{
	char *text = NULL;
	size_t size;
	struct config *c;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fprintf(f,
		"version = 1; system = { name = \"%s\"; worker_cpus = [ 0 ]; };\n"
		"ports = ( { name = \"p\"; devargs = \"0000:3b:00.0\"; } );\n"
		"interfaces = ( { name = \"i\"; port = \"p\"; zone = \"dmz\"; } );\n"
		"security_policy = { rules = (\n",
		mark);
	for (unsigned int i = 0; i < RULES; i++)
		fprintf(f, "%s{ name = \"%s%u\"; action = \"permit\"; }", i > 0 ? ",\n" : "", mark,
			i);
	fprintf(f, ");};\n");
	fclose(f);
	c = parse(text);
	free(text);
	return c;
}

/* Let a child save `c` and kill it with SIGKILL at its system call number `stop`, counted on the
 * way in and on the way out. => calls made when it was killed, or the total when it ended before */
static unsigned int
save_killed_at(const struct config *c, unsigned int stop)
{
	unsigned int calls = 0;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		char err[640];

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(2);
		raise(SIGSTOP);
		_exit(config_save(c, path, err, sizeof(err)) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	for (;;) {
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return calls;
		}
		assert_true(WIFSTOPPED(status));
		if (calls == stop) {
			assert_int_equal(kill(child, SIGKILL), 0);
			assert_int_equal(waitpid(child, &status, 0), child);
			assert_true(WIFSIGNALED(status));
			return calls;
		}
		calls++;
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
}

static void
MGT_05_killed_save_leaves_the_old_or_the_new_file(void **state)
{
	struct config *old = large("old"), *new = large("new");
	unsigned int total, was_old = 0, was_new = 0, partial = 0;
	char *old_text, *new_text;

	(void)state;
	save(new, path);
	new_text = content(path);
	save(old, path);
	old_text = content(path);
	total = save_killed_at(old, UINT32_MAX);
	assert_true(total > KILLS);
	for (unsigned int i = 0; i < KILLS; i++) {
		char *found, *left;

		/* The last points are the last calls, around the rename. */
		save_killed_at(new, i < KILLS / 2 ? i * total / (KILLS / 2) : total - KILLS + i);
		found = content(path);
		assert_non_null(found);
		if (strcmp(found, old_text) == 0)
			was_old++;
		else if (strcmp(found, new_text) == 0)
			was_new++;
		else
			fail_msg("kill %u of %u: neither the old file nor the new one", i, KILLS);
		config_free(load(path));
		left = content(path_new);
		if (left != NULL && strcmp(left, new_text) != 0)
			partial++;
		free(left);
		free(found);
		/* What it left does not stop the next save. */
		save(old, path);
		assert_int_equal(access(path_new, F_OK), -1);
	}
	print_message("%u kills over %u calls: %u old, %u new, %u with half a new file beside\n",
		KILLS, total, was_old, was_new, partial);
	assert_true(was_old > 0 && was_new > 0 && partial > 0);
	free(old_text);
	free(new_text);
	config_free(old);
	config_free(new);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saved_file_loads_to_the_same_configuration),
		cmocka_unit_test(save_keeps_the_mode_and_a_new_file_is_private),
		cmocka_unit_test(save_through_a_symlink_changes_its_target),
		cmocka_unit_test(link_in_the_place_of_the_new_file_is_not_followed),
		cmocka_unit_test(save_that_cannot_work_says_why_and_changes_nothing),
		cmocka_unit_test(save_on_a_full_disk_keeps_the_old_file),
		cmocka_unit_test(MGT_05_killed_save_leaves_the_old_or_the_new_file),
	};
	int rc;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/fw.conf", folder);
	snprintf(path_new, sizeof(path_new), "%s.new", path);
	rc = cmocka_run_group_tests_name("config_save", tests, NULL, NULL);
	rmdir(folder);
	return rc;
}
