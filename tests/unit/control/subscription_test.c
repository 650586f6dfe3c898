/* SPDX-License-Identifier: BSD-3-Clause */
/* Events on the JSON socket: who follows them, from where on, and readers that are slow. */
#include "events.h"
#include "json_server.h"
#include "management_box.h"
#include "stream.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct management_box *box;

static void
post(uint32_t count)
{
	struct event e = { .kind = EVENT_LINK, .interface = 2, .from = "peerdown", .to = "ready" };

	memset(e.cause, 'x', sizeof(e.cause) - 1);
	for (uint32_t i = 0; i < count; i++)
		events_post(box->m.events, &e);
}

/* What the client has got: its lines, parsed. */
static json_t *
lines_of(int fd)
{
	json_t *const lines = json_array();
	char *text, *save = NULL;

	(void)json_server_events(box->json);
	text = management_box_receive(box, fd, NULL, NULL);
	for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		json_t *const line = json_loads(l, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(line);
		assert_int_equal(json_integer_value(json_object_get(line, "schema")), JSON_SCHEMA);
		json_array_append_new(lines, line);
	}
	free(text);
	return lines;
}

static json_int_t
number_in(const json_t *line, const char *object, const char *key)
{
	const json_t *const value = json_object_get(json_object_get(line, object), key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static json_t *
ask(int fd, const char *line)
{
	char *const text = management_box_ask(box, fd, line, "\n");
	json_t *const answer =
		json_loads(text, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);

	assert_non_null(answer);
	free(text);
	return answer;
}

/* => the client, which follows from `from` on; "" = from now on. */
static int
follower(const char *from)
{
	const int fd = management_box_json(box);
	char line[100];
	json_t *answer;

	snprintf(line, sizeof(line), "{\"schema\":1,\"id\":7,\"subscribe\":\"events\"%s%s}",
		from[0] != '\0' ? ",\"from\":" : "", from);
	answer = ask(fd, line);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 7);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(answer, "subscribed"), "instance")),
		events_instance(box->m.events));
	json_decref(answer);
	return fd;
}

static void
what_cannot_be_followed_is_one_error_each(void **state)
{
	static const struct {
		const char *line, *code;
	} rows[] = {
		{ "{\"schema\":1,\"subscribe\":\"zones\"}", "request" },
		{ "{\"schema\":1,\"subscribe\":7}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"get\":\"zone\"}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"filter\":{}}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"limit\":3}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"cursor\":\"0:0\"}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"from\":0}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"from\":-1}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"from\":\"1\"}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"from\":1.0}", "request" },
		{ "{\"schema\":1,\"subscribe\":\"events\",\"from\":1000000000000}", "from" },
		{ "{\"schema\":1,\"get\":\"zone\",\"from\":1}", "request" },
		{ "{\"schema\":2,\"subscribe\":\"events\"}", "schema" },
	};
	const int fd = management_box_json(box);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *const answer = ask(fd, rows[i].line);
		const json_t *const error = json_object_get(answer, "error");

		assert_true(json_is_false(json_object_get(answer, "ok")));
		assert_string_equal(
			json_string_value(json_object_get(error, "code")), rows[i].code);
		json_decref(answer);
	}
	post(1);
	json_t *const lines = lines_of(fd);

	assert_int_equal(json_array_size(lines), 0); /* it follows nothing */
	json_decref(lines);
	close(fd);
}

static void
every_follower_gets_every_event_in_order(void **state)
{
	const uint64_t first = events_next(box->m.events);
	const int fd[] = { follower(""), follower(""), follower("") };

	(void)state;
	assert_true(json_server_events(box->json));
	for (uint32_t round = 0; round < 3; round++) {
		post(2);
		for (size_t i = 0; i < 3; i++) {
			json_t *const lines = lines_of(fd[i]);

			assert_int_equal(json_array_size(lines), 2);
			for (size_t k = 0; k < 2; k++) {
				const json_t *const e =
					json_object_get(json_array_get(lines, k), "event");

				assert_int_equal(
					number_in(json_array_get(lines, k), "event", "number"),
					first + 2 * round + k);
				assert_string_equal(
					json_string_value(json_object_get(e, "kind")), "link");
				assert_string_equal(
					json_string_value(json_object_get(e, "interface")),
					"GigabitEthernet1/0/3");
				assert_string_equal(
					json_string_value(json_object_get(e, "to")), "ready");
			}
			json_decref(lines);
		}
	}
	for (size_t i = 0; i < 3; i++)
		close(fd[i]);
	while (management_box_turn(box) > 0)
		;
	assert_false(json_server_events(box->json));
}

static void
who_comes_later_may_ask_for_what_was(void **state)
{
	const uint64_t first = events_next(box->m.events);
	char from[24];
	json_t *lines;
	int fd;

	(void)state;
	post(5);
	snprintf(from, sizeof(from), "%llu", (unsigned long long)first + 2);
	fd = follower(from);
	post(1);
	lines = lines_of(fd);
	assert_true(json_array_size(lines) >= 1);
	assert_int_equal(
		number_in(json_array_get(lines, json_array_size(lines) - 1), "event", "number"),
		first + 5);
	json_decref(lines);
	close(fd);
	/* Nothing of what is kept is missing, and the next one may be asked for before it is. */
	post(EVENTS_KEPT);
	fd = management_box_json(box);
	management_box_send(box, fd, "{\"schema\":1,\"subscribe\":\"events\",\"from\":1}\n", 43);
	lines = lines_of(fd);
	assert_int_equal(number_in(json_array_get(lines, 0), "subscribed", "oldest"),
		events_oldest(box->m.events));
	assert_int_equal(number_in(json_array_get(lines, 1), "lost", "count"),
		events_oldest(box->m.events) - 1);
	for (size_t i = 2; i < json_array_size(lines); i++)
		assert_int_equal(number_in(json_array_get(lines, i), "event", "number"),
			events_oldest(box->m.events) + i - 2);
	assert_int_equal(json_array_size(lines), 2 + EVENTS_KEPT - 1);
	json_decref(lines);
	close(fd);
	snprintf(from, sizeof(from), "%llu", (unsigned long long)events_next(box->m.events));
	close(follower(from));
}

static void
MGT_02_a_slow_follower_is_told_what_it_lost(void **state)
{
	const int fd = follower("");
	const uint64_t first = events_next(box->m.events);
	uint64_t expected = first, lost = 0, at_most;
	json_t *lines, *line;
	size_t i;

	(void)state;
	/* It reads nothing: what waits for it is bounded, the writer does not notice. */
	for (int k = 0; k < 40; k++) {
		post(EVENTS_KEPT / 4);
		(void)json_server_events(box->json);
	}
	at_most = STREAM_MAX / 200 + EVENTS_KEPT; /* the buffer's, the socket's and the journal's */
	lines = lines_of(fd);
	json_array_foreach(lines, i, line)
	{
		if (json_object_get(line, "lost") != NULL) {
			lost += (uint64_t)number_in(line, "lost", "count");
			expected += (uint64_t)number_in(line, "lost", "count");
			assert_int_equal(number_in(line, "lost", "next"), expected);
			continue;
		}
		assert_int_equal(number_in(line, "event", "number"), expected);
		expected++;
	}
	assert_int_equal(expected, events_next(box->m.events)); /* each sent, or counted */
	assert_true(lost > 0);
	assert_in_range(json_array_size(lines), 1, at_most + 10);
	json_decref(lines);
	/* And it goes on as any other. */
	post(1);
	lines = lines_of(fd);
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
	close(fd);
}

static void
a_follower_may_be_silent_but_not_deaf(void **state)
{
	const int fd = follower("");
	json_t *lines;

	(void)state;
	management_box_jump(box, 10 * STREAM_IDLE_MS);
	post(1);
	lines = lines_of(fd);
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
	post(8 * EVENTS_KEPT);
	for (int i = 0; i < 8; i++) {
		post(EVENTS_KEPT);
		(void)json_server_events(box->json);
	}
	management_box_jump(box, STREAM_UNREAD_MS + 1000);
	assert_int_equal(json_server_count(box->json), 0);
	close(fd);
}

static void
who_closes_its_sending_side_goes_on_reading(void **state)
{
	const int fd = follower("");
	json_t *lines;

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while (management_box_turn(box) > 0)
		;
	post(3);
	lines = lines_of(fd);
	assert_int_equal(json_array_size(lines), 3);
	json_decref(lines);
	close(fd); /* the case's end sees that it is gone, without an event */
}

static void
a_follower_may_still_ask(void **state)
{
	const int fd = follower("");
	json_t *lines;

	(void)state;
	post(1);
	management_box_send(box, fd, "{\"schema\":1,\"id\":9,\"get\":\"zone\"}\n", 34);
	post(1);
	lines = lines_of(fd);
	assert_int_equal(json_array_size(lines), 3); /* each of them whole */
	json_decref(lines);
	close(fd);
}

static int
open_box(void **state)
{
	(void)state;
	box = management_box_create(64, NULL, NULL);
	box->m.events = events_create();
	return box->m.events != NULL ? 0 : -1;
}

static int
close_box(void **state)
{
	struct events *const events = box->m.events;

	(void)state;
	management_box_destroy(box);
	events_destroy(events);
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
		CASE(what_cannot_be_followed_is_one_error_each),
		CASE(every_follower_gets_every_event_in_order),
		CASE(who_comes_later_may_ask_for_what_was),
		CASE(MGT_02_a_slow_follower_is_told_what_it_lost),
		CASE(a_follower_may_be_silent_but_not_deaf),
		CASE(who_closes_its_sending_side_goes_on_reading),
		CASE(a_follower_may_still_ask),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, open_box, close_box);
}
