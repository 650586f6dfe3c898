/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What management does for the backup of the configuration: which reloads are refused.
 */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R194_a_reload_with_more_than_can_be_sent_is_refused),
	};

	test_eal_start(64, NULL);
	return cmocka_run_group_tests_name("ha_backup", tests, begin, finish);
}
