/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs that are told of changes of role (R223, R235): real ones, told of events that the test
 * makes, with a clock of the test.
 */
#include "ha_config.h"
#include "notify.h"
#include "sample_config.h"

#include <pwd.h>
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

static char folder[] = "/tmp/twinwall-notify-XXXXXX";
static char program[64], output[64], gate[64], user[33];

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *const f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* The program writes its arguments and what it was told by the environment; it ends when the gate
 * is there, with the status that is in it. */
static int
open_folder(void **state)
{
	const struct passwd *const me = getpwuid(geteuid());
	char text[512];

	(void)state;
	if (mkdtemp(folder) == NULL || me == NULL)
		return -1;
	snprintf(user, sizeof(user), "%s", me->pw_name);
	snprintf(program, sizeof(program), "%s/program", folder);
	snprintf(output, sizeof(output), "%s/output", folder);
	snprintf(gate, sizeof(gate), "%s/gate", folder);
	snprintf(text, sizeof(text),
		"#!/bin/sh\n"
		"echo \"$1|$2|$3|$4|$5|$TWINWALL_BOX $TWINWALL_FROM $TWINWALL_EVENT ${HOME-none}\" "
		">>%s\n"
		"while [ ! -e %s ]; do sleep 0.01; done\n"
		"exit $(cat %s)\n",
		output, gate, gate);
	write_file(program, text, 0700);
	return 0;
}

static int
close_folder(void **state)
{
	(void)state;
	unlink(program);
	unlink(output);
	unlink(gate);
	return rmdir(folder);
}

static int
clean(void **state)
{
	(void)state;
	unlink(output);
	unlink(gate);
	return chmod(program, 0700);
}

/* What of the sample comes before its groups and its pair. */
static int
without_pair(void)
{
	const char *const end = strstr(sample_config, "\nvrrp = (");

	assert_non_null(end);
	return (int)(end - sample_config);
}

/* The sample with a pair and both kinds of program. */
static struct config *
config_with(const char *path, const char *of_group, int timeout_s)
{
	char text[sizeof(sample_config) + 2048], err[256];
	struct config *c;

	snprintf(text, sizeof(text),
		"%.*s\n"
		"vrrp = ( { vrid = 1; interface = \"GigabitEthernet1/0/1\"; virtual_ip = "
		"\"10.1.1.1\"; group = \"active\"; notify = \"%s\"; notify_user = \"%s\"; } );\n"
		"hrp = { enable = true; interfaces = ( { interface = \"GigabitEthernet1/0/2\"; } "
		"); notify = \"%s\"; notify_user = \"%s\"; notify_timeout_s = %d; };\n",
		without_pair(), sample_config, of_group, user, path, user, timeout_s);
	c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
	if (c == NULL)
		fail_msg("%s", err);
	return c;
}

static void
happen(struct events *all, uint8_t kind, const char *from, const char *to, bool leaving)
{
	struct event e = { .kind = kind,
		.group = "active",
		.vrid = 1,
		.priority = 65001,
		.leaving = leaving,
		.cause = "a cause; of $(words)" };

	snprintf(e.from, sizeof(e.from), "%s", from);
	snprintf(e.to, sizeof(e.to), "%s", to);
	events_post(all, &e);
}

static const mono_t start = { .ns = NS_PER_SEC };

/* Poll until it is in that state; the programs need real time. */
static void
poll_until(struct notify *n, const struct config *c, mono_t now, enum management_ha_state state)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	while (notify_poll(n, c, now) != state)
		nanosleep(&nap, NULL);
}

/* Until the programs have written so many lines. */
static void
wait_lines(struct notify *n, const struct config *c, mono_t now, int count, char *out, size_t size)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	for (;;) {
		FILE *const f = fopen(output, "r");
		int lines = 0;

		(void)notify_poll(n, c, now);
		out[0] = '\0';
		if (f != NULL) {
			out[fread(out, 1, size - 1, f)] = '\0';
			fclose(f);
		}
		for (const char *p = out; *p != '\0'; p++)
			lines += *p == '\n';
		if (lines >= count) {
			assert_int_equal(lines, count);
			return;
		}
		nanosleep(&nap, NULL);
	}
}

static json_int_t
counter(const struct notify *n, const struct config *c, size_t row, const char *key)
{
	json_t *const rows = json_array();
	json_int_t value;

	notify_rows(n, c, rows);
	value = json_integer_value(json_object_get(json_array_get(rows, row), key));
	json_decref(rows);
	return value;
}

static void
result_is(const struct notify *n, const struct config *c, size_t row, const char *text)
{
	json_t *const rows = json_array();

	notify_rows(n, c, rows);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(rows, row), "result")), text);
	json_decref(rows);
}

static void
R235_a_program_is_told_who_and_what_and_why(void **state)
{
	static const struct {
		uint8_t kind;
		const char *from, *to;
		bool leaving;
		const char *line;
	} rows[] = {
		{ EVENT_ROLE, "standby", "active", false, "GROUP|active|MASTER|65001" },
		{ EVENT_ROLE, "active", "standby", false, "GROUP|active|BACKUP|65001" },
		{ EVENT_ROLE, "active", "initialize", false, "GROUP|active|FAULT|65001" },
		{ EVENT_ROLE, "standby", "initialize", true, "GROUP|active|STOP|65001" },
		{ EVENT_VRRP, "Backup", "Master", false,
			"INSTANCE|GigabitEthernet1/0/1 vrid 1|MASTER|65001" },
		{ EVENT_VRRP, "Master", "Backup", false,
			"INSTANCE|GigabitEthernet1/0/1 vrid 1|BACKUP|65001" },
		{ EVENT_VRRP, "Master", "Initialize", false,
			"INSTANCE|GigabitEthernet1/0/1 vrid 1|FAULT|65001" },
		{ EVENT_VRRP, "Backup", "Initialize", true,
			"INSTANCE|GigabitEthernet1/0/1 vrid 1|STOP|65001" },
	};
	struct events *const all = events_create();
	struct config *const c = config_with(program, program, 30);
	struct notify *const n = notify_create(all);
	char got[2048], expected[256];

	(void)state;
	write_file(gate, "0\n", 0600);
	assert_int_equal(notify_poll(n, c, start), MANAGEMENT_HA_WAITING);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink(output);
		happen(all, rows[i].kind, rows[i].from, rows[i].to, rows[i].leaving);
		wait_lines(n, c, start, 1, got, sizeof(got));
		snprintf(expected, sizeof(expected), "%s|a cause; of $(words)|FW1 %s %zu none\n",
			rows[i].line, rows[i].from, i + 1);
		assert_string_equal(got, expected);
		poll_until(n, c, start, MANAGEMENT_HA_WAITING);
	}
	for (size_t row = 0; row < 3; row += 2) { /* between them: the Standby group */
		result_is(n, c, row, "exit status 0");
		assert_int_equal(counter(n, c, row, "runs"), 4);
		assert_int_equal(counter(n, c, row, "failed"), 0);
	}
	notify_destroy(n);
	config_free(c);
	events_destroy(all);
}

static void
one_at_a_time_then_the_newest(void **state)
{
	struct events *const all = events_create();
	struct config *const c = config_with(program, "", 30);
	struct notify *const n = notify_create(all);
	char got[2048];

	(void)state;
	happen(all, EVENT_ROLE, "standby", "active", false);
	wait_lines(n, c, start, 1, got, sizeof(got));
	/* While it runs: three more, of which the last counts. */
	happen(all, EVENT_ROLE, "active", "standby", false);
	happen(all, EVENT_ROLE, "standby", "active", false);
	happen(all, EVENT_ROLE, "active", "standby", false);
	assert_int_equal(notify_poll(n, c, start), MANAGEMENT_HA_BUSY);
	assert_int_equal(counter(n, c, 0, "runs"), 1);
	assert_int_equal(counter(n, c, 0, "merged"), 2);
	write_file(gate, "0\n", 0600);
	wait_lines(n, c, start, 2, got, sizeof(got));
	poll_until(n, c, start, MANAGEMENT_HA_WAITING);
	assert_non_null(strstr(got, "|MASTER|"));
	assert_non_null(strstr(strstr(got, "|MASTER|"), "|BACKUP|"));
	assert_int_equal(counter(n, c, 0, "runs"), 2);
	notify_destroy(n);
	config_free(c);
	events_destroy(all);
}

static void
one_that_fails_or_does_not_end_is_counted(void **state)
{
	struct events *const all = events_create();
	struct config *const c = config_with(program, "", 5);
	struct notify *const n = notify_create(all);
	char got[2048];

	(void)state;
	write_file(gate, "3\n", 0600);
	happen(all, EVENT_ROLE, "standby", "active", false);
	wait_lines(n, c, start, 1, got, sizeof(got));
	poll_until(n, c, start, MANAGEMENT_HA_WAITING);
	result_is(n, c, 0, "exit status 3");
	assert_int_equal(counter(n, c, 0, "failed"), 1);
	unlink(gate);
	happen(all, EVENT_ROLE, "active", "standby", false);
	wait_lines(n, c, start, 2, got, sizeof(got));
	assert_int_equal(notify_poll(n, c, mono_add_ms(start, 4999)), MANAGEMENT_HA_BUSY);
	poll_until(n, c, mono_add_ms(start, 5000), MANAGEMENT_HA_WAITING);
	result_is(n, c, 0, "no end in time");
	assert_int_equal(counter(n, c, 0, "failed"), 2);
	notify_destroy(n);
	config_free(c);
	events_destroy(all);
}

static void
R223_what_became_writable_by_others_is_not_run(void **state)
{
	struct events *const all = events_create();
	struct config *const c = config_with(program, program, 30);
	struct notify *const n = notify_create(all);
	struct stat st;

	(void)state;
	assert_int_equal(chmod(program, 0702), 0);
	happen(all, EVENT_ROLE, "standby", "active", false);
	happen(all, EVENT_VRRP, "Backup", "Master", false);
	poll_until(n, c, start, MANAGEMENT_HA_WAITING);
	for (size_t row = 0; row < 3; row += 2) { /* between them: the Standby group */
		assert_int_equal(counter(n, c, row, "refused"), 1);
		assert_int_equal(counter(n, c, row, "runs"), 0);
		result_is(n, c, row, "not run");
	}
	assert_int_not_equal(stat(output, &st), 0);
	notify_destroy(n);
	config_free(c);
	events_destroy(all);
}

static void
R223_the_configuration_is_refused_with_such_a_program(void **state)
{
	static const struct {
		const char *notify, *as, *reason;
		mode_t mode;
	} rows[] = {
		{ program, user, "writable by others", 0702 },
		{ program, user, "not executable", 0600 },
		{ program, "no-such-user", "no-such-user", 0700 },
		{ "relative", user, "absolute", 0700 },
		{ folder, user, "is no file", 0700 },
		{ "/nonexistent", user, "No such file", 0700 },
	};
	char text[sizeof(sample_config) + 1024], extra[256], err[512];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t r = i / 2;
		const bool of_group = i % 2 == 1;

		assert_int_equal(chmod(program, rows[r].mode), 0);
		snprintf(extra, sizeof(extra), "notify = \"%s\"; notify_user = \"%s\";",
			rows[r].notify, rows[r].as);
		snprintf(text, sizeof(text),
			"%.*s\nvrrp = ( { vrid = 1; interface = \"GigabitEthernet1/0/1\"; "
			"virtual_ip "
			"= \"10.1.1.1\"; %s } );\nhrp = { %s };\n",
			without_pair(), sample_config, of_group ? extra : "",
			of_group ? "" : extra);
		assert_null(config_parse(text, "fw.conf", sample_sections(), err, sizeof(err)));
		if (strstr(err, rows[r].reason) == NULL)
			fail_msg("%s: %s", rows[r].reason, err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(R235_a_program_is_told_who_and_what_and_why, clean),
		cmocka_unit_test_teardown(one_at_a_time_then_the_newest, clean),
		cmocka_unit_test_teardown(one_that_fails_or_does_not_end_is_counted, clean),
		cmocka_unit_test_teardown(R223_what_became_writable_by_others_is_not_run, clean),
		cmocka_unit_test_teardown(
			R223_the_configuration_is_refused_with_such_a_program, clean),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
