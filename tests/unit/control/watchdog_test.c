/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hardware watchdog: R215, against a pipe that stands for the device.
 */
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CORES 3

static const mono_t start = { .ns = NS_PER_SEC };

/* => the reading end. */
static int
device(struct watchdog *w, uint32_t timeout_s)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	watchdog_attach(w, fd[1], timeout_s, start);
	return fd[0];
}

static void
gets(int fd, const char *text)
{
	char got[64];
	const ssize_t n = read(fd, got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, text);
}

static void
turn(uint64_t turns[CORES], int stuck)
{
	for (int i = 0; i < CORES; i++)
		turns[i] += i != stuck;
}

static void
R215_it_is_fed_only_while_every_core_turns(void **state)
{
	uint64_t turns[CORES] = { 0 };
	struct watchdog w;
	const int fd = device(&w, 30);
	mono_t now = start;

	(void)state;
	for (int stuck = -1; stuck < CORES; stuck++) {
		assert_true(watchdog_due(&w, now));
		turn(turns, stuck);
		assert_int_equal(watchdog_feed(&w, turns, CORES, now), stuck);
		gets(fd, stuck < 0 ? "." : "");
		assert_false(watchdog_due(&w, mono_add_ms(now, 9999)));
		now = mono_add_ms(now, 10000); /* a third of its time */
		turn(turns, -1);
		assert_true(watchdog_due(&w, now));
		assert_int_equal(watchdog_feed(&w, turns, CORES, now), -1); /* it runs again */
		gets(fd, ".");
		now = mono_add_ms(now, 10000);
	}
	watchdog_close(&w);
	close(fd);
}

static void
R215_a_regular_end_disarms_it_and_nothing_else_does(void **state)
{
	struct watchdog w;
	int fd = device(&w, 10);
	uint64_t turns[CORES] = { 1, 1, 1 };

	(void)state;
	watchdog_feed(&w, turns, CORES, start);
	gets(fd, ".");
	watchdog_close(&w);
	gets(fd, "V");
	watchdog_close(&w); /* once */
	close(fd);
	fd = device(&w, 10);
	close(w.fd); /* what a crash does */
	gets(fd, "");
	close(fd);
}

static void
one_that_takes_nothing_is_counted(void **state)
{
	struct watchdog w;
	const int fd = device(&w, 10);
	uint64_t turns[CORES] = { 0 };
	char full[4096];

	(void)state;
	memset(full, '.', sizeof(full));
	while (write(w.fd, full, sizeof(full)) > 0)
		;
	for (int i = 0; i < 2; i++) {
		turn(turns, -1);
		assert_int_equal(watchdog_feed(&w, turns, CORES, start), -1);
	}
	assert_int_equal(w.failed, 2);
	assert_int_equal(w.fed, 0);
	watchdog_close(&w);
	close(fd);
}

static void
what_is_no_watchdog_is_refused_and_not_touched(void **state)
{
	static const struct {
		const char *path, *reason;
		bool device;
	} rows[] = {
		{ "/nonexistent/watchdog", "No such file", false },
		{ "/etc/passwd", "is no device", false },
		{ "/", "is no device", false },
		{ "/dev/null", "is no watchdog", true },
		{ "/dev/zero", "is no watchdog", true },
	};
	struct watchdog w = { .fd = -1 };
	char err[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err[0] = '\0';
		assert_int_equal(
			watchdog_check(rows[i].path, err, sizeof(err)) == 0, rows[i].device);
		assert_true(watchdog_open(&w, rows[i].path, 10, start, err, sizeof(err)) < 0);
		assert_non_null(strstr(err, rows[i].path));
		assert_non_null(strstr(err, rows[i].reason));
		assert_int_equal(w.fd, -1);
	}
	assert_false(watchdog_due(&w, start));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R215_it_is_fed_only_while_every_core_turns),
		cmocka_unit_test(R215_a_regular_end_disarms_it_and_nothing_else_does),
		cmocka_unit_test(one_that_takes_nothing_is_counted),
		cmocka_unit_test(what_is_no_watchdog_is_refused_and_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
