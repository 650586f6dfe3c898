/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks over the session table: bounded steps, each session once, removal by the home worker. */
#include "rcu.h"
#include "session_table.h"
#include "session_walk.h"
#include "test_eal.h"

#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS	 131072
#define SESSIONS 80000 /* half of them are more than the inboxes of two workers hold */

static struct rcu *rcu;
static struct session_table *table;
static mono_t now;

static void
add(uint32_t n)
{
	struct session *s = session_table_alloc(table);
	struct session_key4 key;
	uint8_t swap;
	bool existed;

	assert_non_null(s);
	swap = session_key4_make(&key, rte_cpu_to_be_32(0x0a000000 + n),
		rte_cpu_to_be_32(0xc8010101), RTE_BE16(1024), RTE_BE16(53), 17);
	atomic_store(&s->ctl, SESSION_UDP_FIRST | session_kind(4, 17, swap));
	session_table_insert4(table, s, &key, UINT16_MAX, now, &existed);
	assert_false(existed);
}

static void
on_gone(void *ctx, struct session *s, uint32_t index, enum session_end end)
{
	uint32_t *gone = ctx;

	(void)s;
	(void)index;
	assert_int_equal(end, SESSION_END_REMOVED);
	(*gone)++;
}

static void
on_refresh(void *ctx, struct session *s, uint32_t index)
{
	(void)ctx;
	(void)s;
	(void)index;
}

/* What the workers do: => sessions removed. */
static uint32_t
work(unsigned int turns)
{
	uint32_t gone = 0;

	for (unsigned int i = 0; i < turns; i++) {
		session_table_poll(table, 0, now, 64, on_gone, on_refresh, &gone);
		session_table_poll(table, 1, now, 64, on_gone, on_refresh, &gone);
		now.ns += NS_PER_MS;
	}
	return gone;
}

static int
setup(void **state)
{
	struct session_table_params p = {
		.name = "w", .max_sessions = SLOTS, .shards = 2, .socket = SOCKET_ID_ANY
	};

	(void)state;
	now.ns = 1000 * NS_PER_SEC;
	rcu = p.rcu = rcu_create(SOCKET_ID_ANY);
	table = session_table_create(&p);
	for (uint32_t i = 0; table != NULL && i < SESSIONS; i++) {
		add(i);
		if (i % 64 == 0)
			work(1);
	}
	work(1);
	return table == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	session_table_destroy(table);
	rcu_destroy(rcu);
	return 0;
}

/* Sources 10.0.0.0+n with odd n. */
static bool
odd(void *ctx, const struct session *s, const union session_walk_key *key)
{
	const struct session_tuple4 t = session_key4_tuple(&key->v4, session_swap(s));
	uint32_t *seen = ctx;

	if (session_family(s) != 4 || (rte_be_to_cpu_32(t.src) & 1) == 0)
		return false;
	if (seen != NULL)
		seen[rte_be_to_cpu_32(t.src) & 0xffffff]++;
	return true;
}

static void
a_walk_in_steps_finds_each_session_once(void **state)
{
	static const uint32_t steps[] = { 1, 7, 16384, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		static uint32_t seen[SESSIONS];
		struct session_walk w = { .match = odd, .ctx = seen };
		uint32_t found = 0;

		memset(seen, 0, sizeof(seen));
		while (w.next < SLOTS) {
			const uint32_t before = w.next;

			w.slots = steps[i];
			while (session_walk_next(table, &w) != NULL)
				found++;
			assert_true(w.next - before <= steps[i]);
			assert_true(w.next > before);
		}
		assert_int_equal(found, SESSIONS / 2);
		for (uint32_t n = 1; n < SESSIONS; n += 2)
			assert_int_equal(seen[n], 1);
	}
}

static void
a_reset_goes_on_where_an_inbox_was_full(void **state)
{
	struct session_walk w = { .match = odd };
	uint32_t handed = 0, gone = 0, steps = 0;

	(void)state;
	while (w.next < SLOTS) {
		w.slots = UINT32_MAX;
		handed += session_walk_reset(table, &w);
		steps++;
		gone += work(400);
		assert_true(steps < 100);
	}
	assert_true(steps > 1); /* an inbox was full */
	assert_int_equal(handed, SESSIONS / 2);
	assert_int_equal(gone, SESSIONS / 2);
	assert_int_equal(session_table_count(table), SESSIONS / 2);
	w = (struct session_walk){ .match = odd, .slots = UINT32_MAX };
	assert_null(session_walk_next(table, &w));
}

static bool
replaced_meanwhile(void *ctx, const struct session *s, const union session_walk_key *key)
{
	struct session *slot = session_table_at(table, session_table_index(table, s));

	(void)ctx;
	(void)key;
	atomic_fetch_add(&slot->generation, 1);
	return true;
}

static void
a_reset_never_hits_who_took_the_slot_since(void **state)
{
	struct session_walk w = { .match = replaced_meanwhile, .slots = 1000 };

	(void)state;
	session_walk_reset(table, &w);
	assert_int_equal(work(200), 0);
	assert_int_equal(session_table_count(table), SESSIONS);
}

static bool
ipv6(void *ctx, const struct session *s, const union session_walk_key *key)
{
	const struct session_key6 *want = ctx;

	return session_family(s) == 6 && memcmp(&key->v6, want, sizeof(*want)) == 0;
}

static void
sessions_of_both_families_are_found(void **state)
{
	struct session *s = session_table_alloc(table);
	const uint8_t src[16] = { 0x20, 0x01, [15] = 1 }, dst[16] = { 0x20, 0x01, [15] = 2 };
	struct session_key6 key;
	struct session_walk w = { .match = ipv6, .ctx = &key, .slots = UINT32_MAX };
	bool existed;

	(void)state;
	assert_non_null(s);
	atomic_store(
		&s->ctl, SESSION_UDP_FIRST | session_kind(6, 17,
						     session_key6_make(&key, src, dst,
							     RTE_BE16(1024), RTE_BE16(53), 17)));
	session_table_insert6(table, s, &key, UINT16_MAX, now, &existed);
	assert_int_equal(session_walk_reset(table, &w), 1);
	assert_int_equal(work(200), 1);
	assert_int_equal(session_table_count(table), SESSIONS);
}

static void
dead_sessions_are_passed_over(void **state)
{
	struct session_walk w = { .slots = UINT32_MAX };
	struct session *s = session_walk_next(table, &w);

	(void)state;
	assert_non_null(s);
	atomic_fetch_or(&s->ctl, SESSION_F_DEAD);
	w = (struct session_walk){ .slots = UINT32_MAX };
	assert_ptr_not_equal(session_walk_next(table, &w), s);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_walk_in_steps_finds_each_session_once),
		CASE(a_reset_goes_on_where_an_inbox_was_full),
		CASE(a_reset_never_hits_who_took_the_slot_since),
		CASE(sessions_of_both_families_are_found),
		CASE(dead_sessions_are_passed_over),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
