/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON socket: requests and answers, paging, and input that is no request. */
#include "farewell.h"
#include "json_server.h"
#include "management_box.h"
#include "packet_frame.h"
#include "stream.h"
#include "test_eal.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SESSIONS 3000

static struct management_box *box;

/* ask: one request, its answer parsed. */
static json_t *
ask(int fd, const char *line)
{
	char *text = management_box_ask(box, fd, line, "\n");
	json_t *answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (answer == NULL)
		print_error("%.200s: not JSON: %.200s\n", line, text);
	assert_non_null(answer);
	assert_int_equal(json_integer_value(json_object_get(answer, "schema")), JSON_SCHEMA);
	free(text);
	return answer;
}

static const char *
error_code(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_true(json_string_length(json_object_get(error, "message")) > 0);
	return json_string_value(json_object_get(error, "code"));
}

static void
every_object_can_be_got(void **state)
{
	const int fd = management_box_json(box);
	json_t *objects = ask(fd, "{\"schema\":1,\"get\":\"objects\"}");
	const json_t *rows = json_object_get(objects, "rows");
	json_t *row;
	size_t i;

	(void)state;
	assert_true(json_array_size(rows) >= 8);
	json_array_foreach(rows, i, row)
	{
		char line[128];
		json_t *answer;

		snprintf(line, sizeof(line), "{\"schema\":1,\"id\":%zu,\"get\":\"%s\"}", i,
			json_string_value(json_object_get(row, "name")));
		answer = ask(fd, line);
		assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
		if (strcmp(json_string_value(json_object_get(row, "name")),
			    "security_policy_match") == 0) {
			/* a question must be asked */
			assert_string_equal(error_code(answer), "filter");
		} else {
			assert_true(json_is_true(json_object_get(answer, "ok")));
			assert_true(json_array_size(json_object_get(answer, "rows")) > 0);
		}
		assert_true(json_string_length(json_object_get(row, "help")) > 0);
		json_decref(answer);
	}
	json_decref(objects);
	close(fd);
}

static void
the_id_comes_back_whatever_it_is(void **state)
{
	static const char *const ids[] = { "1", "\"a\"", "null", "[1,{\"x\":2}]", "true", "1.5" };
	const int fd = management_box_json(box);

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char line[128];
		json_t *answer, *id = json_loads(ids[i], JSON_DECODE_ANY, NULL);

		snprintf(line, sizeof(line), "{\"schema\":1,\"id\":%s,\"get\":\"zone\"}", ids[i]);
		answer = ask(fd, line);
		assert_true(json_equal(id, json_object_get(answer, "id")));
		json_decref(answer);
		snprintf(
			line, sizeof(line), "{\"schema\":1,\"id\":%s,\"get\":\"nothing\"}", ids[i]);
		answer = ask(fd, line);
		assert_true(json_equal(id, json_object_get(answer, "id")));
		assert_string_equal(error_code(answer), "unknown_object");
		json_decref(answer);
		json_decref(id);
	}
	close(fd);
}

static void
pages_hold_every_session_once(void **state)
{
	static const uint32_t limits[] = { 1, 7, 999, 1000, 2999, 3000, 10000 };
	const int fd = management_box_json(box);

	(void)state;
	for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
		static uint8_t seen[SESSIONS];
		uint32_t total = 0, want = limits[l] == 1 ? 50 : SESSIONS;
		char cursor[64] = "\"0:0\"", line[160];

		memset(seen, 0, sizeof(seen));
		while (total < want) {
			json_t *answer, *row;
			const json_t *rows;
			size_t i;

			snprintf(line, sizeof(line),
				"{\"schema\":1,\"get\":\"sessions\",\"limit\":%u,\"cursor\":%s}",
				limits[l], cursor);
			answer = ask(fd, line);
			rows = json_object_get(answer, "rows");
			assert_true(json_array_size(rows) <= limits[l]);
			json_array_foreach(rows, i, row)
			{
				const uint32_t n = (uint32_t)json_integer_value(
					json_object_get(row, "packets_out"));

				assert_in_range(n, 0, SESSIONS - 1);
				assert_int_equal(seen[n]++, 0);
				total++;
			}
			if (json_object_get(answer, "more") == NULL) {
				json_decref(answer);
				break;
			}
			snprintf(cursor, sizeof(cursor), "\"%s\"",
				json_string_value(json_object_get(answer, "more")));
			json_decref(answer);
		}
		assert_int_equal(total, want);
	}
	close(fd);
}

static void
pages_of_a_view_that_collects_in_one_step_stop_anywhere(void **state)
{
	const int fd = management_box_json(box);
	json_t *one = ask(fd, "{\"schema\":1,\"get\":\"zone\",\"limit\":1}");
	json_t *two = ask(fd, "{\"schema\":1,\"get\":\"zone\",\"limit\":2,\"cursor\":\"0:1\"}");
	json_t *all = ask(fd, "{\"schema\":1,\"get\":\"zone\"}");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(one, "more")), "0:1");
	assert_int_equal(json_array_size(json_object_get(one, "rows")), 1);
	assert_int_equal(json_array_size(json_object_get(two, "rows")), 2);
	assert_true(json_equal(json_array_get(json_object_get(two, "rows"), 0),
		json_array_get(json_object_get(all, "rows"), 1)));
	assert_null(json_object_get(all, "more"));
	json_decref(one);
	json_decref(two);
	json_decref(all);
	close(fd);
}

static void
filters_are_the_consoles(void **state)
{
	static const struct {
		const char *filter;
		size_t rows;
	} rows[] = {
		{ "{}", 1000 }, /* the default limit */
		{ "{\"source\":\"10.1.0.0/28\"}", 16 },
		{ "{\"source\":\"10.1.0.0/28\",\"remote\":true}", 4 },
		{ "{\"source\":\"10.1.0.0/28\",\"remote\":false,\"protocol\":\"tcp\"}", 12 },
		{ "{\"address\":\"10.1.0.0/28\",\"port\":80,\"zone\":\"untrust\"}", 16 },
		{ "{\"address\":\"200.1.1.11\"}", 0 },
		{ "{\"protocol\":17}", 0 },
		{ "{\"source_zone\":\"untrust\"}", 0 },
		{ "{\"source_port\":1024,\"destination_port\":80,\"source\":\"10.1.0.1\"}", 1 },
	};
	const int fd = management_box_json(box);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256];
		json_t *answer;

		snprintf(line, sizeof(line), "{\"schema\":1,\"get\":\"sessions\",\"filter\":%s}",
			rows[i].filter);
		answer = ask(fd, line);
		assert_int_equal(json_array_size(json_object_get(answer, "rows")), rows[i].rows);
		json_decref(answer);
	}
	close(fd);
}

/* sum: of a member over the rows of an object. */
static json_int_t
sum(int fd, const char *object, const char *filter, const char *member)
{
	char line[256];
	json_t *answer, *row;
	json_int_t total = 0;
	size_t i;

	snprintf(line, sizeof(line), "{\"schema\":1,\"get\":\"%s\",\"filter\":%s}", object, filter);
	answer = ask(fd, line);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_array_foreach(json_object_get(answer, "rows"), i, row) total +=
		json_integer_value(json_object_get(row, member));
	json_decref(answer);
	return total;
}

static void
drops_by_interface_and_by_zone_add_up(void **state)
{
	static const struct {
		const char *filter;
		json_int_t packets;
	} rows[] = {
		{ "{}", 3 },
		{ "{\"interface\":\"GigabitEthernet1/0/3\"}", 3 },
		{ "{\"interface\":\"GigabitEthernet1/0/1\"}", 0 },
		{ "{\"zone\":\"untrust\"}", 3 },
		{ "{\"zone\":\"trust\"}", 0 },
		{ "{\"per_zone\":true}", 3 },
	};
	static const char *const bad[] = { "{\"interface\":1}", "{\"zone\":\"nowhere\"}",
		"{\"interface\":\"GigabitEthernet1/0/3\",\"zone\":\"trust\"}",
		"{\"per_zone\":false}" };
	const int fd = management_box_json(box);

	(void)state;
	assert_int_equal(sum(fd, "statistics", "{}", "dropped"), 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(sum(fd, "drops", rows[i].filter, "packets"), rows[i].packets);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[256];
		json_t *answer;

		snprintf(line, sizeof(line), "{\"schema\":1,\"get\":\"drops\",\"filter\":%s}",
			bad[i]);
		answer = ask(fd, line);
		assert_string_equal(error_code(answer), "filter");
		json_decref(answer);
	}
	close(fd);
}

static void
MGT_04_what_is_no_request_is_one_error_each(void **state)
{
	static const struct {
		const char *line, *code;
	} rows[] = {
		{ "x", "parse" },
		{ "{", "parse" },
		{ "{\"schema\":1,\"get\":\"zone\"", "parse" },
		{ "{\"schema\":1,\"get\":\"zone\"}}", "parse" },
		{ "{\"schema\":1,\"schema\":1,\"get\":\"zone\"}", "parse" },
		{ "{\"schema\":1,\"get\":\"zone\",\"limit\":1e999}", "parse" },
		{ "{\"schema\":1,\"get\":\"zone\",\"limit\":18446744073709551616}", "parse" },
		{ "{\"schema\":1,\"get\":\"\\ud800\"}", "parse" },
		{ "{\"schema\":1,\"get\":\"\\u0000\"}", "parse" },
		{ "{\"schema\":1,\"get\":\"\xff\xfe\"}", "parse" },
		{ "\xc3\x28", "parse" },
		{ "\x1b[2J\x1b]0;t\x07", "parse" },
		{ "[]", "request" },
		{ "1", "request" },
		{ "null", "request" },
		{ "\"zone\"", "request" },
		{ "{}", "schema" },
		{ "{\"get\":\"zone\"}", "schema" },
		{ "{\"schema\":2,\"get\":\"zone\"}", "schema" },
		{ "{\"schema\":\"1\",\"get\":\"zone\"}", "schema" },
		{ "{\"schema\":1}", "request" },
		{ "{\"schema\":1,\"get\":1}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"set\":1}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"limit\":0}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"limit\":-1}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"limit\":10001}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"limit\":1.5}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"filter\":[]}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"cursor\":0}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"cursor\":\"\"}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"cursor\":\"-1:0\"}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"cursor\":\"1\"}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"cursor\":\"1:2x\"}", "request" },
		{ "{\"schema\":1,\"get\":\"zone\",\"cursor\":\"99999999999999999999:0\"}",
			"request" },
		{ "{\"schema\":1,\"get\":\"\"}", "unknown_object" },
		{ "{\"schema\":1,\"get\":\"reset\"}", "unknown_object" },
		{ "{\"schema\":1,\"get\":\"zone\",\"filter\":{\"x\":1}}", "filter" },
		{ "{\"schema\":1,\"get\":\"sessions\",\"filter\":{\"source\":\"x\"}}", "filter" },
		{ "{\"schema\":1,\"get\":\"sessions\",\"filter\":{\"source\":{}}}", "filter" },
		{ "{\"schema\":1,\"get\":\"statistics\",\"filter\":{\"per_worker\":1}}", "filter" },
	};
	const int fd = management_box_json(box);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *answer = ask(fd, rows[i].line);

		if (strcmp(error_code(answer), rows[i].code) != 0)
			print_error("%s: %s\n", rows[i].line, error_code(answer));
		assert_string_equal(error_code(answer), rows[i].code);
		json_decref(answer);
	}
	close(fd);
}

static void
MGT_04_deep_nesting_is_one_error(void **state)
{
	static char line[60001];
	const int fd = management_box_json(box);
	json_t *answer;

	(void)state;
	memset(line, '[', sizeof(line) - 1);
	answer = ask(fd, line);
	assert_string_equal(error_code(answer), "parse");
	json_decref(answer);
	close(fd);
}

static void
MGT_04_bytes_may_come_one_by_one(void **state)
{
	static const char line[] = "{\"schema\":1,\"get\":\"zone\"}";
	const int fd = management_box_json(box);
	json_t *answer;

	(void)state;
	for (size_t i = 0; i < sizeof(line) - 1; i++)
		management_box_send(box, fd, &line[i], 1);
	answer = ask(fd, "");
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	close(fd);
}

static void
requests_in_one_piece_are_answered_in_order(void **state)
{
	static const char lines[] = "{\"schema\":1,\"id\":1,\"get\":\"sessions\"}\r\n\n"
				    "nonsense\n"
				    "{\"schema\":1,\"id\":3,\"get\":\"sessions\",\"limit\":3000}\n"
				    "{\"schema\":1,\"id\":4,\"get\":\"zone\"}\n"
				    "{\"schema\":1,\"id\":5,\"get\":\"zone\"}"; /* no end */
	static const size_t sizes[] = { 1000, 0, 3000, 4, 4 };
	const int fd = management_box_json(box);
	char *text, *at;

	(void)state;
	assert_int_equal(write(fd, lines, sizeof(lines) - 1), sizeof(lines) - 1);
	shutdown(fd, SHUT_WR);
	text = at = management_box_receive(box, fd, NULL, NULL);
	for (size_t i = 0; i < 5; i++) {
		char *end = strchr(at, '\n');
		json_t *answer;

		assert_non_null(end);
		answer = json_loadb(at, (size_t)(end - at), 0, NULL);
		assert_non_null(answer);
		assert_int_equal(json_array_size(json_object_get(answer, "rows")), sizes[i]);
		json_decref(answer);
		at = end + 1;
	}
	assert_int_equal(*at, '\0');
	assert_true(management_box_closed(box, fd));
	free(text);
	close(fd);
}

static void
MGT_01_a_line_over_64_KiB_is_an_error_and_the_end(void **state)
{
	static char junk[64 * 1024];
	const int fd = management_box_json(box), other = management_box_json(box);
	const size_t before = mallinfo2().uordblks;
	json_t *answer;
	char *text;
	bool open = true;

	(void)state;
	memset(junk, ' ', sizeof(junk));
	for (int i = 0; i < 160 && open; i++) {
		open = management_box_send(box, fd, junk, sizeof(junk));
		assert_true(mallinfo2().uordblks < before + 2 * JSON_LINE_MAX);
	}
	assert_false(open);
	text = management_box_receive(box, fd, NULL, NULL);
	assert_non_null(strstr(text, "\"too_long\""));
	free(text);
	answer = ask(other, "{\"schema\":1,\"get\":\"zone\"}");
	json_decref(answer);
	close(fd);
	close(other);
}

/* The rest of what is to be read: => 0 at a clean end, -1 when the server has reset us. */
static ssize_t
read_end(int fd)
{
	char byte;

	return read(fd, &byte, 1);
}

static void
MGT_01_who_goes_on_writing_still_reads_too_long(void **state)
{
	static char junk[300 * 1024];
	const int fd = management_box_json(box);
	char *text;

	(void)state;
	memset(junk, ' ', sizeof(junk));
	assert_true(management_box_send(box, fd, junk, sizeof(junk)));
	text = management_box_receive(box, fd, NULL, NULL);
	assert_non_null(strstr(text, "\"too_long\""));
	assert_int_equal(read_end(fd), 0);
	assert_true(management_box_send(box, fd, junk, sizeof(junk)));
	assert_int_equal(read_end(fd), 0);
	management_box_jump(box, FAREWELL_MS + 1);
	assert_false(management_box_send(box, fd, junk, sizeof(junk)));
	free(text);
	close(fd);
}

static void
MGT_02_a_client_that_does_not_read_costs_only_its_buffer(void **state)
{
	static const char line[] = "{\"schema\":1,\"get\":\"sessions\",\"limit\":10000}\n";
	const int deaf = management_box_json(box), other = management_box_json(box);
	const size_t before = mallinfo2().uordblks;
	json_t *answer;
	int turns = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		(void)!write(deaf, line, sizeof(line) - 1);
	while (management_box_turn(box) > 0)
		assert_true(++turns < 10000);
	assert_true(mallinfo2().uordblks < before + 4 * STREAM_MAX);
	answer = ask(other, "{\"schema\":1,\"get\":\"zone\"}");
	json_decref(answer);
	management_box_jump(box, STREAM_UNREAD_MS + 1000);
	assert_int_equal(json_server_count(box->json), 1);
	management_box_jump(box, STREAM_IDLE_MS);
	assert_int_equal(json_server_count(box->json), 0);
	close(deaf);
	close(other);
}

static void
MGT_02_the_65th_client_is_told_and_closed(void **state)
{
	int fd[JSON_CLIENTS], extra;
	char *text;

	(void)state;
	for (int i = 0; i < JSON_CLIENTS; i++)
		fd[i] = management_box_json(box);
	extra = management_box_json(box);
	/* As clients do: the request first, then the answer. */
	assert_true(management_box_send(box, extra, "{\"schema\":1,\"get\":\"zone\"}\n", 27));
	text = management_box_receive(box, extra, NULL, NULL);
	assert_non_null(strstr(text, "\"too_many_clients\""));
	free(text);
	assert_int_equal(read_end(extra), 0);
	close(extra);
	for (int i = 0; i < JSON_CLIENTS; i++)
		close(fd[i]);
}

static int
open_box(void **state)
{
	char err[128];

	(void)state;
	box = management_box_create(4096, NULL, NULL);
	management_box_sessions(box, SESSIONS);
	if (!tracing_start(&box->m, "count 1", err, sizeof(err)))
		return -1;
	packet_frame_udp(box->box, BOX_UNTRUST, 53, 5000); /* for the trace to show */
	return 0;
}

static int
close_box(void **state)
{
	(void)state;
	management_box_destroy(box);
	return 0;
}

static int
none_left(void **state)
{
	(void)state;
	while (management_box_turn(box) > 0)
		;
	return json_server_count(box->json) == 0 ? 0 : -1;
}

#define CASE(f) cmocka_unit_test_teardown(f, none_left)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_object_can_be_got),
		CASE(the_id_comes_back_whatever_it_is),
		CASE(pages_hold_every_session_once),
		CASE(pages_of_a_view_that_collects_in_one_step_stop_anywhere),
		CASE(filters_are_the_consoles),
		CASE(drops_by_interface_and_by_zone_add_up),
		CASE(MGT_04_what_is_no_request_is_one_error_each),
		CASE(MGT_04_deep_nesting_is_one_error),
		CASE(MGT_04_bytes_may_come_one_by_one),
		CASE(requests_in_one_piece_are_answered_in_order),
		CASE(MGT_01_a_line_over_64_KiB_is_an_error_and_the_end),
		CASE(MGT_01_who_goes_on_writing_still_reads_too_long),
		CASE(MGT_02_a_client_that_does_not_read_costs_only_its_buffer),
		CASE(MGT_02_the_65th_client_is_told_and_closed),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, open_box, close_box);
}
