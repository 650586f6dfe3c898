/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of rules as shown: what sessions that live have, what those that ended had, reset. */
#include "management_box.h"
#include "policy.h"
#include "session_walk.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SESSIONS 1000
#define SUM	 (SESSIONS * (SESSIONS - 1) / 2) /* packets of management_box_sessions() */

static struct management_box *box;
static int json_fd, console_fd;

static int
setup(void **state)
{
	(void)state;
	box = management_box_create(4096, NULL, NULL);
	management_box_sessions(box, SESSIONS);
	json_fd = management_box_json(box);
	console_fd = management_box_console(box);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	management_box_destroy(box);
	return 0;
}

/* The row of a rule, or of a pair of zones; NULL = the last row. */
static json_t *
row_of(const char *object, const char *key, const char *value)
{
	char line[80], *text;
	json_t *answer, *rows, *row, *found = NULL;
	size_t i;

	snprintf(line, sizeof(line), "{\"schema\":1,\"get\":\"%s\"}", object);
	text = management_box_ask(box, json_fd, line, "\n");
	answer = json_loads(text, 0, NULL);
	rows = json_object_get(answer, "rows");
	json_array_foreach(rows, i, row)
	{
		const char *is = json_string_value(json_object_get(row, key));

		if (value == NULL || (is != NULL && strcmp(is, value) == 0))
			found = row;
	}
	assert_non_null(found);
	json_incref(found);
	json_decref(answer);
	free(text);
	return found;
}

static void
expect(json_t *row, uint64_t hits, uint64_t packets, uint64_t sessions)
{
	assert_int_equal(json_integer_value(json_object_get(row, "hits")), hits);
	assert_int_equal(json_integer_value(json_object_get(row, "packets")), packets);
	assert_int_equal(json_integer_value(json_object_get(row, "bytes")), 100 * packets);
	assert_int_equal(json_integer_value(json_object_get(row, "sessions")), sessions);
	assert_true(json_is_null(json_object_get(row, "last_hit")) == (hits == 0));
	json_decref(row);
}

static void
for_each_session(void (*change)(struct session *, uint32_t), uint32_t arg)
{
	struct session_walk w = { .slots = UINT32_MAX };
	struct session *s;

	while ((s = session_walk_next(engine_sessions(box->m.engine), &w)) != NULL)
		change(s, arg);
}

static void
set_bytes(struct session *s, uint32_t arg)
{
	s->dir[0].bytes = arg * s->dir[0].packets;
}

static void
add_reply(struct session *s, uint32_t arg)
{
	s->dir[1].packets += arg;
	s->dir[1].bytes += 100 * arg;
}

static void
set_rule(struct session *s, uint32_t arg)
{
	atomic_store(&s->policy, arg);
}

static void
run(const char *command)
{
	free(management_box_ask(box, console_fd, command, "[FW1] "));
}

static void
DOS_01_living_and_ended_sessions_add_up(void **state)
{
	(void)state;
	for_each_session(set_bytes, 100);
	expect(row_of("security_policy", "rule", "out"), 0, SUM, SESSIONS);
	for_each_session(add_reply, 2);
	expect(row_of("security_policy", "rule", "out"), 0, SUM + 2 * SESSIONS, SESSIONS);
	run("reset firewall session table source 10.1.0.0/24"); /* 256 of them */
	engine_box_poll(box->box);
	expect(row_of("security_policy", "rule", "out"), 0, SUM + 2 * SESSIONS, SESSIONS - 256);
	run("reset firewall session table");
	engine_box_poll(box->box);
	expect(row_of("security_policy", "rule", "out"), 0, SUM + 2 * SESSIONS, 0);
	engine_box_publish(box->box);
	expect(row_of("security_policy", "rule", "out"), 0, SUM + 2 * SESSIONS, 0);
}

static void
DOS_01_reset_counts_from_now_on_for_living_sessions_too(void **state)
{
	(void)state;
	for_each_session(set_bytes, 100);
	run("reset security-policy counters out");
	expect(row_of("security_policy", "rule", "out"), 0, 0, SESSIONS);
	for_each_session(add_reply, 3);
	expect(row_of("security_policy", "rule", "out"), 0, 3 * SESSIONS, SESSIONS);
	run("reset firewall session table");
	engine_box_poll(box->box);
	expect(row_of("security_policy", "rule", "out"), 0, 3 * SESSIONS, 0);
	run("reset security-policy counters");
	expect(row_of("security_policy", "rule", "out"), 0, 0, 0);
}

static void
DOS_01_sessions_of_the_default_stand_between_their_zones(void **state)
{
	(void)state;
	for_each_session(set_bytes, 100);
	for_each_session(set_rule, 0);
	expect(row_of("security_policy", "rule", "out"), 0, 0, 0);
	expect(row_of("security_policy", "rule", "default"), 0, SUM, SESSIONS);
	expect(row_of("security_policy_default", "source_zone", "trust"), 0, SUM, SESSIONS);
	expect(row_of("security_policy_default", "source_zone", NULL), 0, SUM, SESSIONS);
	run("reset security-policy counters default");
	expect(row_of("security_policy_default", "source_zone", "trust"), 0, 0, SESSIONS);
	/* A rule that is gone has no row. */
	for_each_session(set_rule, policy_rule_id("gone"));
	expect(row_of("security_policy_default", "source_zone", NULL), 0, 0, 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(DOS_01_living_and_ended_sessions_add_up),
		CASE(DOS_01_reset_counts_from_now_on_for_living_sessions_too),
		CASE(DOS_01_sessions_of_the_default_stand_between_their_zones),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
