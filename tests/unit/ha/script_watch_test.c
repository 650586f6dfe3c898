/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts that are run every so often (R224): interval, timeout, rise, fall.  The clock is fake,
 * the programs are real.
 */
#include "control_sections.h"
#include "ha_config.h"
#include "ha_sections.h"
#include "script_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define INTERVAL_MS 5000
#define TIMEOUT_MS  4000

static char folder[] = "/tmp/twinwall-watch-XXXXXX";

struct bench {
	struct config *config;
	struct script_watch *watch;
	mono_t now;
};

static void
in_folder(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static void
touch(const char *name, const char *text)
{
	char path[100];
	FILE *f;

	in_folder(name, path, sizeof(path));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void
remove_file(const char *name)
{
	char path[100];

	in_folder(name, path, sizeof(path));
	unlink(path);
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	return chmod(folder, 0755);
}

static int
teardown(void **state)
{
	(void)state;
	remove_file("flag");
	remove_file("check");
	assert_int_equal(rmdir(folder), 0);
	strcpy(folder, "/tmp/twinwall-watch-XXXXXX");
	return 0;
}

/* With one script, whose other settings these are. */
static struct bench
bench_of(const char *settings)
{
	static const char head[] =
		"version = 1;\n"
		"system = { name = \"T\"; management_cpu = 0; control_cpu = 0; hrp_cpu = 0;"
		" worker_cpus = [ 0 ]; };\n"
		"ports = ( { name = \"a\"; devargs = \"net_null0\"; } );\n"
		"interfaces = ( { name = \"in\"; port = \"a\"; address = \"10.1.1.2/24\"; zone = "
		"\"trust\"; } );\n";
	const size_t control = sizeof(control_sections) / sizeof(control_sections[0]) - 1;
	const struct config_section
		*sections[sizeof(control_sections) / sizeof(control_sections[0]) +
			  sizeof(ha_sections) / sizeof(ha_sections[0])] = { NULL };
	struct bench b = { .now = { .ns = NS_PER_SEC } };
	char text[1200], err[300] = "";

	memcpy(sections, control_sections, control * sizeof(sections[0]));
	memcpy(sections + control, ha_sections, sizeof(ha_sections));
	snprintf(text, sizeof(text),
		"%sscripts = ( { name = \"s\"; interval_ms = %d; timeout_ms = %d; user = \"root\"; "
		"%s } );\n",
		head, INTERVAL_MS, TIMEOUT_MS, settings);
	b.config = config_parse(text, "test", sections, err, sizeof(err));
	if (b.config == NULL)
		fail_msg("%s", err);
	b.watch = script_watch_create(b.config, err, sizeof(err));
	if (b.watch == NULL)
		fail_msg("%s", err);
	assert_int_equal(script_watch_count(b.watch), 1);
	return b;
}

static void
bench_end(struct bench *b)
{
	script_watch_destroy(b->watch);
	config_free(b->config);
}

static struct script_status
status(const struct bench *b)
{
	struct script_status s;

	script_watch_status(b->watch, 0, &s);
	return s;
}

/* Until the run that is due has ended; then the next one is. */
static struct script_status
one_run(struct bench *b)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	const uint64_t before = status(b).runs;

	for (int i = 0; i < 60000 && status(b).runs == before; i++) {
		script_watch_tick(b->watch, b->now);
		nanosleep(&nap, NULL);
	}
	assert_int_equal(status(b).runs, before + 1);
	script_watch_tick(b->watch, mono_add_ms(b->now, INTERVAL_MS - 1));
	assert_false(status(b).running); /* not before its time */
	b->now = mono_add_ms(b->now, INTERVAL_MS);
	return status(b);
}

static void
R224_rise_and_fall(void **state)
{
	/* What the script says, and what it counts as then. */
	static const struct {
		bool good;
		int up;
	} rows[] = { { true, 1 }, /* the first run decides */
		{ false, 1 }, { false, 1 }, { true, 1 }, { false, 1 }, { false, 1 }, { false, 0 },
		{ false, 0 }, { true, 0 }, { false, 0 }, { true, 0 }, { true, 1 }, { true, 1 } };
	char settings[300];
	struct bench b;

	(void)state;
	snprintf(settings, sizeof(settings),
		"path = \"/usr/bin/test\"; arguments = [ \"-e\", \"%s/flag\" ]; rise = 2; fall = "
		"3;",
		folder);
	b = bench_of(settings);
	assert_int_equal(script_watch_up(b.watch, 0), -1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].good)
			touch("flag", "");
		else
			remove_file("flag");
		const struct script_status s = one_run(&b);

		assert_string_equal(s.last, rows[i].good ? "exit status 0" : "exit status 1");
		assert_int_equal(script_watch_up(b.watch, 0), rows[i].up);
		assert_int_equal(s.up, rows[i].up);
	}
	assert_int_equal(status(&b).changes, 3);
	assert_int_equal(status(&b).failures, 7);
	assert_int_equal(status(&b).timeouts + status(&b).refused, 0);
	bench_end(&b);
}

static void
R224_a_run_that_takes_too_long_has_failed(void **state)
{
	struct bench b = bench_of("path = \"/bin/sleep\"; arguments = [ \"1000\" ];");
	const struct timespec nap = { .tv_nsec = 1000000 };

	(void)state;
	script_watch_tick(b.watch, b.now);
	assert_true(status(&b).running);
	script_watch_tick(b.watch, mono_add_ms(b.now, TIMEOUT_MS - 1));
	assert_int_equal(script_watch_up(b.watch, 0), -1);
	b.now = mono_add_ms(b.now, TIMEOUT_MS);
	for (int i = 0; i < 60000 && status(&b).runs == 0; i++) {
		script_watch_tick(b.watch, b.now);
		nanosleep(&nap, NULL);
	}
	assert_int_equal(script_watch_up(b.watch, 0), 0);
	assert_int_equal(status(&b).timeouts, 1);
	assert_int_equal(status(&b).failures, 1);
	assert_int_equal(status(&b).last_ms, TIMEOUT_MS);
	assert_string_equal(status(&b).last, "no end in time");
	bench_end(&b); /* one that runs is killed */
}

static void
R223_a_script_that_others_may_change_meanwhile_is_down(void **state)
{
	char settings[200], path[100];
	struct bench b;

	(void)state;
	touch("check", "#!/bin/sh\nexit 0\n");
	in_folder("check", path, sizeof(path));
	snprintf(settings, sizeof(settings), "path = \"%s\";", path);
	b = bench_of(settings);
	one_run(&b);
	assert_int_equal(script_watch_up(b.watch, 0), 1);
	assert_int_equal(chmod(path, 0777), 0);
	script_watch_tick(b.watch, b.now);
	assert_int_equal(script_watch_up(b.watch, 0), 0);
	assert_int_equal(status(&b).refused, 1);
	assert_non_null(strstr(status(&b).last, "is writable by others"));
	assert_false(status(&b).running);
	assert_int_equal(chmod(path, 0755), 0);
	b.now = mono_add_ms(b.now, INTERVAL_MS);
	one_run(&b);
	assert_int_equal(script_watch_up(b.watch, 0), 1);
	bench_end(&b);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(R224_rise_and_fall),
		CASE(R224_a_run_that_takes_too_long_has_failed),
		CASE(R223_a_script_that_others_may_change_meanwhile_is_down),
	};

	if (geteuid() != 0) {
		puts("programs are started as users by root alone");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
