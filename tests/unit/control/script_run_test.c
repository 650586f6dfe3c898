/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operators' programs: R223, what is not run; R224, how it is run, and for how long.
 */
#include "script_run.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY	65534
#define NOGROUP 65534

static const mono_t start = { .ns = NS_PER_SEC };
static char folder[] = "/tmp/twinwall-script-XXXXXX";
static struct script_user root, nobody;

static const char *
in_folder(const char *name, char path[SCRIPT_PATH_MAX])
{
	snprintf(path, SCRIPT_PATH_MAX, "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *name, const char *text)
{
	char path[SCRIPT_PATH_MAX];
	FILE *const f = fopen(in_folder(name, path), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void
read_file(const char *name, char *buf, size_t size)
{
	char path[SCRIPT_PATH_MAX];
	FILE *const f = fopen(in_folder(name, path), "r");

	assert_non_null(f);
	buf[fread(buf, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void
remove_folder(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
	strcpy(folder, "/tmp/twinwall-script-XXXXXX");
}

static int
setup(void **state)
{
	char why[200];

	(void)state;
	if (geteuid() != 0)
		return 0;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(script_user_find("root", &root, why, sizeof(why)), 0);
	assert_int_equal(script_user_find("nobody", &nobody, why, sizeof(why)), 0);
	assert_int_equal(nobody.uid, NOBODY);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (geteuid() == 0)
		remove_folder();
	return 0;
}

static void
need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* What is at folder/d/f, and whether it may be run. */
static const struct check_row {
	const char *name;
	uid_t folder_owner;
	mode_t folder_mode;
	uid_t owner;
	gid_t group;
	mode_t mode;
	const struct script_user *user;
	int rc;
	const char *why;
} check_rows[] = {
	{ "roots", 0, 0755, 0, 0, 0755, &root, 0, NULL },
	{ "roots, as a user", 0, 0755, 0, 0, 0755, &nobody, 0, NULL },
	{ "for root alone", 0, 0755, 0, 0, 0700, &root, 0, NULL },
	{ "for root alone, as a user", 0, 0755, 0, 0, 0700, &nobody, -EACCES, "not executable" },
	{ "for the user's group", 0, 0755, 0, NOGROUP, 0750, &nobody, 0, NULL },
	{ "not executable", 0, 0755, 0, 0, 0644, &root, -EACCES, "not executable" },
	{ "writable by others", 0, 0755, 0, 0, 0757, &root, -EPERM, "writable by others" },
	{ "writable by others, as a user", 0, 0755, 0, 0, 0757, &nobody, -EPERM, "by others" },
	{ "writable by root's group", 0, 0755, 0, 0, 0775, &root, 0, NULL },
	{ "writable by a group", 0, 0755, 0, NOGROUP, 0775, &root, -EPERM, "by its group" },
	{ "a user's, as root", 0, 0755, NOBODY, NOGROUP, 0755, &root, -EPERM, "neither to root" },
	{ "a user's, as that user", 0, 0755, NOBODY, NOGROUP, 0700, &nobody, 0, NULL },
	{ "another user's", 0, 0755, 1, 1, 0755, &nobody, -EPERM, "neither to root" },
	{ "folder of others", 0, 0777, 0, 0, 0755, &root, -EPERM, "writable by others" },
	{ "folder of others, sticky", 0, 01777, 0, 0, 0755, &root, 0, NULL },
	{ "folder of a user, as root", NOBODY, 0755, 0, 0, 0755, &root, -EPERM, "neither to root" },
	{ "folder of a user, as that user", NOBODY, 0755, 0, 0, 0755, &nobody, 0, NULL },
};

static void
R223_what_others_can_change_is_not_run(void **state)
{
	char path[SCRIPT_PATH_MAX], dir[SCRIPT_PATH_MAX], real[SCRIPT_PATH_MAX], why[600];

	(void)state;
	need_root();
	in_folder("d", dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	write_file("d/f", "#!/bin/sh\n");
	in_folder("d/f", path);
	for (size_t i = 0; i < sizeof(check_rows) / sizeof(check_rows[0]); i++) {
		const struct check_row *const r = &check_rows[i];

		assert_int_equal(chown(dir, r->folder_owner, 0), 0);
		assert_int_equal(chmod(dir, r->folder_mode), 0);
		assert_int_equal(chown(path, r->owner, r->group), 0);
		assert_int_equal(chmod(path, r->mode), 0);
		why[0] = '\0';
		const int rc = script_check(path, r->user, real, why, sizeof(why));

		if (rc != r->rc || (rc < 0 && strstr(why, r->why) == NULL))
			fail_msg("%s: %d, %s", r->name, rc, why);
		if (rc == 0)
			assert_string_equal(real, path);
	}
}

static void
link_at(const char *name, const char *target, uid_t owner)
{
	char path[SCRIPT_PATH_MAX];

	in_folder(name, path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(lchown(path, owner, 0), 0);
}

static void
refused(const char *name, int rc, const char *text)
{
	char path[SCRIPT_PATH_MAX], real[SCRIPT_PATH_MAX], why[600] = "";

	assert_int_equal(script_check(in_folder(name, path), &root, real, why, sizeof(why)), rc);
	if (strstr(why, text) == NULL)
		fail_msg("%s: %s", name, why);
}

static void
R223_links_are_followed_and_looked_at(void **state)
{
	char path[SCRIPT_PATH_MAX], file[SCRIPT_PATH_MAX], real[SCRIPT_PATH_MAX], why[600];
	static char deep[SCRIPT_PATH_MAX + 10];

	(void)state;
	need_root();
	write_file("f", "#!/bin/sh\n");
	in_folder("f", file);
	assert_int_equal(mkdir(in_folder("d", path), 0755), 0);
	assert_int_equal(mkdir(in_folder("open", path), 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	link_at("relative", "d/../f", 0);
	link_at("absolute", file, 0);
	link_at("d/up", "../relative", 0);
	link_at("theirs", "f", NOBODY);
	link_at("open/way", file, 0);
	link_at("by-open", "open/way", 0);
	link_at("loop", "loop", 0);
	link_at("nowhere", "none", 0);
	link_at("folder", "d", 0);
	static const char *const good[] = { "relative", "absolute", "d/up", "d//./up", "d/../f" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (script_check(in_folder(good[i], path), &root, real, why, sizeof(why)) != 0)
			fail_msg("%s: %s", good[i], why);
		assert_string_equal(real, file);
	}
	refused("theirs", -EPERM, "neither to root");
	refused("by-open", -EPERM, "writable by others");
	refused("loop", -ELOOP, "loop");
	refused("nowhere", -ENOENT, "No such file");
	refused("f/x", -ENOTDIR, "Not a directory");
	refused("folder", -EACCES, "is no file");
	assert_int_equal(script_check("bin/true", &root, real, why, sizeof(why)), -EINVAL);
	assert_int_equal(script_check("", &root, real, why, sizeof(why)), -EINVAL);
	memset(deep, '/', sizeof(deep) - 1);
	assert_int_equal(script_check(deep, &root, real, why, sizeof(why)), -EINVAL);
	assert_int_equal(script_check("/", &root, real, why, sizeof(why)), -EACCES);
}

static void
R223_users_are_named(void **state)
{
	struct script_user u;
	char why[200];

	(void)state;
	assert_int_equal(script_user_find("no-such-user-here", &u, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "no-such-user-here"));
	if (geteuid() != 0)
		assert_int_equal(script_user_find("root", &u, why, sizeof(why)), -EPERM);
}

/* ---- running ---- */

/* Until it has ended; a machine may be slow, but not for ever. */
static enum script_state
wait_end(struct script_job *job, mono_t now)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	for (int i = 0; i < 60000 && script_poll(job, now) == SCRIPT_RUNNING; i++)
		nanosleep(&nap, NULL);
	return job->state;
}

static enum script_state
run(struct script_job *job, const struct script_user *user, const char *const *args,
	const char *const *env)
{
	const struct script_call call = {
		.path = "/bin/sh", .args = args, .env = env, .user = user, .timeout_ms = 10000
	};
	char why[300] = "";

	if (script_start(job, &call, start, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_int_equal(job->state, SCRIPT_RUNNING);
	return wait_end(job, start);
}

static void
R224_the_end_is_told(void **state)
{
	static const struct {
		const char *text;
		enum script_state state;
		int code;
		const char *told;
	} rows[] = {
		{ "exit 0", SCRIPT_EXITED, 0, "exit status 0" },
		{ "exit 3", SCRIPT_EXITED, 3, "exit status 3" },
		{ "kill -9 $$", SCRIPT_KILLED, 9, "signal 9" },
		{ "kill -PIPE $$", SCRIPT_KILLED, 13, "signal 13" },
	};
	struct script_job job = { .state = SCRIPT_IDLE };
	char text[40];

	(void)state;
	need_root();
	assert_string_equal(script_end_text(&job, text, sizeof(text)), "never run");
	signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const args[] = { "-c", rows[i].text, NULL };

		assert_int_equal(run(&job, &nobody, args, NULL), rows[i].state);
		assert_int_equal(job.code, rows[i].code);
		assert_string_equal(script_end_text(&job, text, sizeof(text)), rows[i].told);
		assert_int_equal(script_poll(&job, start), rows[i].state);
	}
	signal(SIGPIPE, SIG_DFL);
}

/* Nothing of the daemon's reaches it: user, groups, descriptors, folder, environment, signals. */
static void
R223_it_runs_as_the_user_and_with_nothing_of_ours(void **state)
{
	static const char *const text =
		"exec >out; id -u; id -g; id -G; pwd; "
		"for i in 0 1 2 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$i ] || echo $i; done; "
		"grep -E '^Sig(Blk|Ign)' /proc/self/status; umask; "
		"echo \"$NAME,$HOME\"";
	char command[SCRIPT_PATH_MAX + 400], path[SCRIPT_PATH_MAX], got[600];
	const char *const args[] = { "-c", command, NULL };
	const char *const env[] = { "NAME=value", "PATH=/usr/bin:/bin", NULL };
	const int open_here = open("/dev/zero", O_RDONLY); /* no O_CLOEXEC */
	struct script_job job = { .state = SCRIPT_IDLE };
	sigset_t blocked, old, now;

	(void)state;
	need_root();
	assert_true(open_here > 2);
	write_file("out", "");
	in_folder("out", path);
	assert_int_equal(chown(path, NOBODY, NOGROUP), 0);
	snprintf(command, sizeof(command), "exec >%s%s", path, text + strlen("exec >out"));
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(run(&job, &nobody, args, env), SCRIPT_EXITED);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_true(sigismember(&now, SIGTERM)); /* ours is as it was */
	assert_false(sigismember(&now, SIGUSR1));
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(job.code, 0);
	assert_int_equal(geteuid(), 0);
	read_file("out", got, sizeof(got));
	assert_string_equal(got,
		"65534\n65534\n65534\n/\n0\n1\n2\n"
		"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0022\nvalue,\n");
	close(open_here);
}

static void
R224_a_program_that_does_not_end_is_killed_with_all_it_has_started(void **state)
{
	char command[SCRIPT_PATH_MAX + 60], path[SCRIPT_PATH_MAX], got[40] = "";
	const char *const args[] = { "-c", command, NULL };
	const struct script_call call = {
		.path = "/bin/sh", .args = args, .user = &root, .timeout_ms = 500
	};
	const struct timespec nap = { .tv_nsec = 1000000 };
	struct script_job job = { .state = SCRIPT_IDLE };
	char why[300];
	int left = 60000;

	(void)state;
	need_root();
	write_file("pid", "");
	snprintf(
		command, sizeof(command), "sleep 1000 & echo $! >%s; wait", in_folder("pid", path));
	assert_int_equal(script_start(&job, &call, start, why, sizeof(why)), 0);
	while (strchr(got, '\n') == NULL && left-- > 0) {
		nanosleep(&nap, NULL);
		read_file("pid", got, sizeof(got));
	}
	assert_int_equal(script_poll(&job, mono_add_ms(start, 499)), SCRIPT_RUNNING);
	assert_int_equal(wait_end(&job, mono_add_ms(start, 500)), SCRIPT_TIMED_OUT);
	assert_string_equal(script_end_text(&job, why, sizeof(why)), "no end in time");
	/* What it has started is a zombie at most, until whoever inherits it takes notice. */
	snprintf(command, sizeof(command), "! grep -q '^State:.[^ZX]' /proc/%d/status 2>/dev/null",
		atoi(got));
	while (left-- > 0 && system(command) != 0)
		nanosleep(&nap, NULL);
	assert_true(left > 0);
}

static void
R224_a_stop_kills(void **state)
{
	static const char *const args[] = { "1000", NULL };
	const struct script_call call = {
		.path = "/bin/sleep", .args = args, .user = &nobody, .timeout_ms = 100000
	};
	struct script_job job = { .state = SCRIPT_IDLE };
	char why[300];

	(void)state;
	need_root();
	assert_int_equal(script_start(&job, &call, start, why, sizeof(why)), 0);
	const pid_t pid = job.pid;

	script_stop(&job);
	assert_int_equal(job.state, SCRIPT_IDLE);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	script_stop(&job);
}

static void
what_cannot_be_executed_fails_at_once(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = { { "#!/no/such/interpreter\n", -ENOENT }, { "\x7f"
								"ELF?",
								      -ENOEXEC } };
	struct script_job job = { .state = SCRIPT_IDLE };
	char path[SCRIPT_PATH_MAX], why[600];
	const struct script_call call = { .path = path, .user = &nobody, .timeout_ms = 100 };

	(void)state;
	need_root();
	in_folder("f", path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file("f", rows[i].text);
		why[0] = '\0';
		assert_int_equal(script_start(&job, &call, start, why, sizeof(why)), rows[i].rc);
		assert_non_null(strstr(why, path));
		assert_int_equal(job.state, SCRIPT_IDLE);
	}
	assert_int_equal(chmod(path, 0757), 0); /* looked at before each run */
	assert_int_equal(script_start(&job, &call, start, why, sizeof(why)), -EPERM);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(R223_what_others_can_change_is_not_run),
		CASE(R223_links_are_followed_and_looked_at),
		CASE(R223_users_are_named),
		CASE(R224_the_end_is_told),
		CASE(R223_it_runs_as_the_user_and_with_nothing_of_ours),
		CASE(R224_a_program_that_does_not_end_is_killed_with_all_it_has_started),
		CASE(R224_a_stop_kills),
		CASE(what_cannot_be_executed_fails_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
