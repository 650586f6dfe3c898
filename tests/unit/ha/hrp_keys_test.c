/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Secrets come from files that nobody else can read.
 */
#include "hrp_keys.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/hrp_keys_test.XXXXXX";

static const char *
file_with(const char *text, mode_t mode)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/key", dir);
	unlink(path);
	const int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static void
the_first_line_is_the_secret(void **state)
{
	static const struct {
		const char *text, *secret;
	} rows[] = {
		{ "0123456789abcdef", "0123456789abcdef" },
		{ "0123456789abcdef\n", "0123456789abcdef" },
		{ "0123456789abcdef \nmore\n", "0123456789abcdef " },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
	};
	struct hrp_key key;
	char err[160];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			hrp_keys_read(file_with(rows[i].text, 0600), &key, err, sizeof(err)), 0);
		assert_int_equal(key.len, strlen(rows[i].secret));
		assert_memory_equal(key.secret, rows[i].secret, key.len);
	}
	assert_int_equal(hrp_keys_read(file_with(rows[0].text, 0400), &key, err, sizeof(err)), 0);
}

static void
files_that_hold_no_secret_are_refused(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *why;
	} rows[] = {
		{ "", 0600, "first line of 0 characters" },
		{ "\n0123456789abcdef", 0600, "first line of 0 characters" },
		{ "0123456789abcde\n", 0600, "first line of 15 characters" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!\n", 0600,
			"first line of at least 65 characters" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!and more", 0600,
			"first line of at least 66 characters" },
		{ "0123456789abcdef\n", 0640, "expected mode 0600" },
		{ "0123456789abcdef\n", 0604, "expected mode 0600" },
		{ "0123456789abcdef\n", 0620, "expected mode 0600" },
	};
	struct hrp_key key;
	char err[160];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(hrp_keys_read(file_with(rows[i].text, rows[i].mode), &key, err,
					 sizeof(err)),
			-1);
		if (strstr(err, rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, err);
	}
	assert_int_equal(hrp_keys_read(dir, &key, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "not a regular file"));
	assert_int_equal(hrp_keys_read("/no/such/file", &key, err, sizeof(err)), -1);
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlink(file_with("", 0600));
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_is_the_secret),
		cmocka_unit_test(files_that_hold_no_secret_are_refused),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
