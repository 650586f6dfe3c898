/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What management does for the backup of the configuration: which reloads are refused, and
 * what is kept beside the file.
 */
#include "config_lineage.h"
#include "ha_backup.h"
#include "sample_config.h"
#include "test_eal.h"

#include <rte_common.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A section with as much text as the test wants. */
#define BLOB_MAX (33 << 20)
struct blob {
	struct config_origin origin;
	char text[BLOB_MAX];
};
static const struct config_setting_desc blob_settings[] = {
	{ .name = "text",
		.type = SETTING_STRING,
		SETTING_AT(struct blob, text),
		.max = BLOB_MAX - 1,
		.fallback = "",
		.live = true,
		.help = "Text." },
	{ .name = NULL },
};
static const struct config_section blob = { .name = "blob",
	.replicated = true,
	.size = sizeof(struct blob),
	.settings = blob_settings,
	.help = "A large section." };

static const struct config_section *sections[40];
static struct ha_backup *backup;

static int
begin(void **state)
{
	const struct config_section *const *const all = sample_sections();
	char err[256] = "";
	unsigned int n = 0;

	(void)state;
	for (; all[n] != NULL; n++)
		sections[n] = all[n];
	assert_true(n < RTE_DIM(sections) - 1);
	sections[n] = &blob;
	backup = ha_backup_create("test", 0, 1, err, sizeof(err));
	return backup != NULL ? 0 : -1;
}

static int
finish(void **state)
{
	(void)state;
	ha_backup_destroy(backup);
	return 0;
}

/* The sample with hot standby's automatic backup on or off, and `bytes` of text. */
static struct config *
config_of(size_t bytes, bool automatic)
{
	const size_t size = sizeof(sample_config) + bytes + 200;
	char *const text = calloc(1, size), err[640] = "";

	assert_non_null(text);
	int at = snprintf(text, size, "%s", sample_config);

	if (!automatic) {
		char *const track = strstr(text, "track = ( );");

		memcpy(track, "            ", strlen("track = ( );"));
		at = (int)(strrchr(text, '}') - text);
		at += snprintf(text + at, size - (size_t)at, "auto_sync_config = false;\n};\n");
	}
	at += snprintf(text + at, size - (size_t)at, "blob = { text = \"");
	memset(text + at, 'x', bytes);
	strcpy(text + at + bytes, "\"; };\n");
	struct config *const c = config_parse(text, "fw.conf", sections, err, sizeof(err));

	assert_string_equal(err, "");
	assert_non_null(c);
	free(text);
	return c;
}

/* It would never be at the other box: better not begun at all. */
static void
R194_a_reload_with_more_than_can_be_sent_is_refused(void **state)
{
	static const struct {
		size_t bytes;
		bool automatic;
		int rc;
	} rows[] = {
		{ 0, true, 0 },
		{ (32u << 20) - 4096, true, 0 },
		{ 32u << 20, true, -EFBIG },
		{ 32u << 20, false, 0 },
	};
	struct config *const running = config_of(0, true);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct config *const next = config_of(rows[i].bytes, rows[i].automatic);
		char err[320] = "";

		assert_int_equal(
			ha_backup_check(backup, running, next, err, sizeof(err)), rows[i].rc);
		if (rows[i].rc == 0) {
			assert_string_equal(err, "");
		} else {
			assert_non_null(strstr(err, "expected at most 32 MiB"));
			assert_non_null(strstr(err, "auto_sync_config"));
		}
		config_free(next);
	}
	config_free(running);
}

/* ---- beside the file ---- */

static char folder[] = "/tmp/twinwall-lineage-XXXXXX";
static char config_path[64], state_path[80];

static void
put(const char *text, mode_t mode)
{
	FILE *const f = fopen(state_path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(state_path, mode), 0);
}

static void
what_is_kept_over_a_restart_is_there_again(void **state)
{
	struct config_lineage l = { .origin = { .generation = UINT32_MAX,
					    .digest = { 1, 2, 3, 4, 5, 6, 7, 0xff },
					    .has_common = true,
					    .common = { 9 } },
		.has_written = true,
		.written = { 8 } };
	struct config_lineage again;
	char err[320] = "";
	struct stat st;

	(void)state;
	assert_int_equal(config_lineage_load(config_path, &again, err, sizeof(err)), -ENOENT);
	for (int i = 0; i < 4; i++) {
		l.origin.has_common = (i & 1) != 0;
		l.has_written = (i & 2) != 0;
		memset(l.origin.common, l.origin.has_common ? 9 : 0, CONFIG_DIGEST);
		memset(l.written, l.has_written ? 8 : 0, CONFIG_DIGEST);
		assert_int_equal(config_lineage_save(config_path, &l, err, sizeof(err)), 0);
		assert_int_equal(config_lineage_load(config_path, &again, err, sizeof(err)), 0);
		assert_true(config_lineage_same(&l, &again));
	}
	assert_int_equal(stat(state_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(unlink(state_path), 0);
}

/* What others could have written counts for nothing, nor what is no whole file of this version. */
static void
what_is_kept_is_believed_only_if_nobody_else_could_write_it(void **state)
{
#define GOOD "version 1\ngeneration 5\ndigest 0102030405060708\n"
	static const struct {
		const char *text;
		mode_t mode;
		const char *why; /* NULL = good */
	} rows[] = {
		{ GOOD, 0600, NULL },
		{ GOOD "common 0102030405060708\nwritten 0102030405060708\n", 0644, NULL },
		{ GOOD, 0660, "writable by others" },
		{ GOOD, 0602, "writable by others" },
		{ "", 0600, "damaged" },
		{ "version 1\n", 0600, "damaged" },
		{ "version 2\ngeneration 5\n", 0600, "of another version" },
		{ "generation 5\nversion 1\n", 0600, "damaged" },
		{ "version 1\ngeneration 0\n", 0600, "damaged" },
		{ "version 1\ngeneration 4294967296\n", 0600, "damaged" },
		{ "version 1\ngeneration -1\n", 0600, "damaged" },
		{ "version 1\ngeneration 5\ndigest 01\n", 0600, "damaged" },
		{ "version 1\ngeneration 5\ndigest 0102030405060x08\n", 0600, "damaged" },
		{ GOOD "later", 0600, "damaged" },
		{ GOOD "colour red\n", 0600, "damaged" },
	};
	static const struct config_lineage none;
	struct config_lineage l;
	char err[320];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		put(rows[i].text, rows[i].mode);
		const int rc = config_lineage_load(config_path, &l, err, sizeof(err));

		if ((rc == 0) != (rows[i].why == NULL))
			fail_msg("row %u: %d", i, rc);
		if (rc == 0)
			continue;
		assert_non_null(strstr(err, rows[i].why));
		assert_true(config_lineage_same(&l, &none));
	}
	assert_int_equal(unlink(state_path), 0);
	assert_int_equal(symlink("/etc/hostname", state_path), 0);
	assert_int_equal(config_lineage_load(config_path, &l, err, sizeof(err)), -ELOOP);
	assert_int_equal(unlink(state_path), 0);
	assert_int_equal(mkdir(state_path, 0700), 0);
	assert_int_equal(config_lineage_load(config_path, &l, err, sizeof(err)), -EINVAL);
	assert_int_equal(rmdir(state_path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R194_a_reload_with_more_than_can_be_sent_is_refused),
		cmocka_unit_test(what_is_kept_over_a_restart_is_there_again),
		cmocka_unit_test(what_is_kept_is_believed_only_if_nobody_else_could_write_it),
	};
	int failed;

	test_eal_start(64, 1);
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(config_path, sizeof(config_path), "%s/fw.conf", folder);
	snprintf(state_path, sizeof(state_path), "%s.state", config_path);
	failed = cmocka_run_group_tests_name("ha_backup", tests, begin, finish);
	rmdir(folder);
	return failed;
}
