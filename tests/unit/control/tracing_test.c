/* SPDX-License-Identifier: BSD-3-Clause */
/* Traces: how they begin and end, and what console and JSON say of packets. */
#include "console.h"
#include "management_box.h"
#include "packet_frame.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct management_box *box;

/* arrive: a UDP packet 10.1.1.10:sport -> 200.1.1.10:dport in trust. */
static void
arrive(uint16_t sport, uint16_t dport)
{
	packet_frame_udp(box->box, BOX_TRUST, sport, dport);
}

static void
begin(const char *words)
{
	char err[512] = "";

	if (!tracing_start(&box->m, words, err, sizeof(err)))
		print_error("%s: %s\n", words, err);
	assert_string_equal(err, "");
}

/* rows: of an object. */
static json_t *
rows(const char *object)
{
	const int fd = management_box_json(box);
	char line[128], *text;
	json_t *answer, *list;

	snprintf(line, sizeof(line), "{\"schema\":1,\"get\":\"%s\"}", object);
	text = management_box_ask(box, fd, line, "\n");
	answer = json_loads(text, 0, NULL);
	assert_non_null(answer);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	list = json_incref(json_object_get(answer, "rows"));
	json_decref(answer);
	free(text);
	close(fd);
	return list;
}

static void
state_is(const char *state, json_int_t packets)
{
	json_t *list = rows("trace-state");
	const json_t *row = json_array_get(list, 0);

	assert_string_equal(json_string_value(json_object_get(row, "state")), state);
	assert_int_equal(json_integer_value(json_object_get(row, "packets")), packets);
	json_decref(list);
}

/* end_trace: and let the workers see it, so that the next one can begin. */
static void
end_trace(void)
{
	(void)tracing_stop(&box->m);
	engine_box_poll(box->box);
	engine_box_wait(box->box, 1);
}

static void
a_trace_ends_when_its_count_is_reached(void **state)
{
	(void)state;
	begin("count 2");
	state_is("on", 0);
	for (uint16_t i = 0; i < 5; i++)
		arrive(5000, 53);
	tracing_poll(&box->m);
	state_is("ended: count reached", 2);
	assert_false(tracing_stop(&box->m));
	end_trace();
}

static void
a_trace_ends_after_its_time(void **state)
{
	(void)state;
	begin("seconds 2");
	arrive(5000, 53);
	management_box_jump(box, 1900);
	tracing_poll(&box->m);
	state_is("on", 1);
	management_box_jump(box, 200);
	tracing_poll(&box->m);
	state_is("ended: time over", 1);
	end_trace();
	arrive(5000, 53);
	state_is("ended: time over", 1);
}

static void
one_trace_at_a_time_and_the_last_one_stays(void **state)
{
	char err[256];

	(void)state;
	begin("destination-port 53");
	assert_false(tracing_start(&box->m, "", err, sizeof(err)));
	assert_string_equal(err, "a trace is on; trace stop ends it");
	arrive(5000, 53);
	arrive(5000, 54);
	assert_true(tracing_stop(&box->m));
	state_is("ended: stopped", 1);
	/* A worker may still be in the middle of a burst. */
	assert_false(tracing_start(&box->m, "", err, sizeof(err)));
	assert_string_equal(err, "the last trace is not quite over, try again");
	state_is("ended: stopped", 1);
	end_trace();
	assert_false(tracing_start(&box->m, "count 0", err, sizeof(err)));
	state_is("ended: stopped", 1);
	begin("");
	state_is("on", 0);
	end_trace();
}

static void
JSON_says_what_each_stage_found(void **state)
{
	static const struct {
		const char *key, *value;
	} members[] = {
		{ "interface", "GigabitEthernet1/0/1" },
		{ "zone", "trust" },
		{ "protocol", "udp" },
		{ "source", "10.1.1.10" },
		{ "destination", "200.1.1.10" },
		{ "direction", "initiator" },
		{ "state", "udp-first" },
		{ "policy", "out" },
		{ "action", "permit" },
		{ "out_interface", "GigabitEthernet1/0/3" },
		{ "out_zone", "untrust" },
		{ "next_hop", "200.1.1.10" },
		{ "neighbour", "reachable" },
		{ "verdict", "forwarded" },
	};
	json_t *list, *row;

	(void)state;
	begin("");
	arrive(5001, 80);
	list = rows("trace");
	assert_int_equal(json_array_size(list), 1);
	row = json_array_get(list, 0);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *value = json_string_value(json_object_get(row, members[i].key));

		if (value == NULL || strcmp(value, members[i].value) != 0)
			print_error("%s: %s\n", members[i].key, value != NULL ? value : "none");
		assert_non_null(value);
		assert_string_equal(value, members[i].value);
	}
	assert_int_equal(json_integer_value(json_object_get(row, "source_port")), 5001);
	assert_int_equal(json_integer_value(json_object_get(row, "destination_port")), 80);
	assert_true(json_is_true(json_object_get(row, "created")));
	assert_int_equal(json_integer_value(json_object_get(row, "number")), 1);
	assert_int_equal(strlen(json_string_value(json_object_get(row, "time"))),
		strlen("2026-11-27T04:30:00.123456Z"));
	json_decref(list);
	end_trace();
}

/* show: what a console prints. */
static char *
show(const char *line)
{
	const int fd = management_box_console(box);
	char *text;

	management_box_send(box, fd, "\x01", 1);
	text = management_box_ask(box, fd, line, "\x04OK\n");
	close(fd);
	return text;
}

static void
the_console_says_it_in_lines(void **state)
{
	static const char *const has[] = {
		" Trace : on, filter: protocol udp\n Packets : 2 of 100, matched 2, missed 0, "
		"seconds left ",
		"udp 10.1.1.10:5002 > 200.1.1.10:80\n"
		"   received  GigabitEthernet1/0/1, zone trust, port ",
		"   session   none, created ",
		"   way out   GigabitEthernet1/0/3, zone untrust, next hop 200.1.1.10 reachable\n"
		"   policy    permit, rule out\n"
		"   end       forwarded by ",
		"   session   none\n"
		"   way out   GigabitEthernet1/0/1, zone trust, next hop 10.1.1.10 reachable\n"
		"   policy    deny, rule default\n"
		"   end       dropped, policy: denied by a security policy rule or the default\n",
	};
	char *text;

	(void)state;
	text = show("trace start protocol udp");
	assert_non_null(strstr(text, " Trace started"));
	free(text);
	arrive(5002, 80);
	packet_frame_udp(box->box, BOX_UNTRUST, 53, 5009);
	text = show("display trace");
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		if (strstr(text, has[i]) == NULL)
			print_error("%s\nnot in\n%s\n", has[i], text);
		assert_non_null(strstr(text, has[i]));
	}
	free(text);
	free(show("trace stop"));
	end_trace();
}

static int
open_box(void **state)
{
	(void)state;
	box = management_box_create(1024, NULL, NULL);
	return 0;
}

static int
close_box(void **state)
{
	(void)state;
	management_box_destroy(box);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_ends_when_its_count_is_reached),
		cmocka_unit_test(a_trace_ends_after_its_time),
		cmocka_unit_test(one_trace_at_a_time_and_the_last_one_stays),
		cmocka_unit_test(JSON_says_what_each_stage_found),
		cmocka_unit_test(the_console_says_it_in_lines),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, open_box, close_box);
}
