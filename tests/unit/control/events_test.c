/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal of events: numbers, what is kept, and a reader beside the writer. */
#include "events.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Every part of it says which one it is. */
static struct event
event_number(uint64_t n)
{
	struct event e = { .kind = EVENT_LINK, .at_ns = n, .change = n, .epoch = (uint32_t)n };

	snprintf(e.member, sizeof(e.member), "%llu", (unsigned long long)n);
	memset(e.cause, (int)('a' + n % 26), sizeof(e.cause) - 1);
	return e;
}

static bool
is_whole(const struct event *e)
{
	struct event expected = event_number(e->number);

	expected.number = e->number;
	expected.wall_ns = e->wall_ns;
	return memcmp(&expected, e, sizeof(expected)) == 0;
}

static void
numbers_run_from_1_on_and_the_last_ones_are_kept(void **state)
{
	/* posted, oldest kept then */
	static const uint64_t rows[][2] = { { 0, 1 }, { 1, 1 }, { 5, 1 }, { EVENTS_KEPT - 2, 1 },
		{ EVENTS_KEPT - 1, 1 }, { EVENTS_KEPT, 2 }, { EVENTS_KEPT + 1, 3 },
		{ 3 * EVENTS_KEPT, 2 * EVENTS_KEPT + 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct events *const all = events_create();
		struct event e;

		for (uint64_t n = 1; n <= rows[i][0]; n++) {
			e = event_number(n);
			events_post(all, &e);
		}
		assert_int_equal(events_next(all), rows[i][0] + 1);
		assert_int_equal(events_oldest(all), rows[i][1]);
		for (uint64_t n = rows[i][1]; n <= rows[i][0]; n++) {
			assert_true(events_get(all, n, &e));
			assert_int_equal(e.number, n);
			assert_true(is_whole(&e));
		}
		assert_false(events_get(all, 0, &e));
		assert_false(events_get(all, events_next(all), &e));
		if (rows[i][1] > 2)
			assert_false(events_get(all, rows[i][1] - 2, &e));
		events_destroy(all);
	}
}

static void
nobody_needs_to_listen(void **state)
{
	const struct event e = event_number(1);

	(void)state;
	events_post(NULL, &e);
}

static void
each_start_has_an_instance_of_its_own(void **state)
{
	struct events *const one = events_create(), *const other = events_create();

	(void)state;
	assert_int_equal(strlen(events_instance(one)), 16);
	assert_string_not_equal(events_instance(one), events_instance(other));
	events_destroy(one);
	events_destroy(other);
}

#define STRESS 200000

static void *
write_all(void *all)
{
	for (uint64_t n = 1; n <= STRESS; n++) {
		const struct event e = event_number(n);

		events_post(all, &e);
	}
	return NULL;
}

/* Whoever reads beside the writer sees whole events, in order, and knows what he missed. */
static void
a_reader_beside_the_writer_sees_whole_events_only(void **state)
{
	struct events *const all = events_create();
	uint64_t next = 1, got = 0, lost = 0;
	pthread_t writer;
	struct event e;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_all, all), 0);
	while (next <= STRESS) {
		if (next >= events_next(all))
			continue;
		if (events_get(all, next, &e)) {
			assert_int_equal(e.number, next);
			assert_true(is_whole(&e));
			got++;
			next++;
		} else {
			const uint64_t oldest = events_oldest(all);
			const uint64_t to = oldest > next ? oldest : next + 1;

			lost += to - next;
			next = to;
		}
	}
	pthread_join(writer, NULL);
	assert_int_equal(got + lost, STRESS);
	assert_true(got > 0);
	events_destroy(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_run_from_1_on_and_the_last_ones_are_kept),
		cmocka_unit_test(nobody_needs_to_listen),
		cmocka_unit_test(each_start_has_an_instance_of_its_own),
		cmocka_unit_test(a_reader_beside_the_writer_sees_whole_events_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
