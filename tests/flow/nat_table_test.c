/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A million translated sessions at a time: nothing outside is ever given out twice, a session keeps
 * to its memory, and everything comes back.
 */
#include "nat_flows.h"
#include "rcu.h"
#include "test_eal.h"

#include <rte_mempool.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sanitizers take ten times as long, and several times the memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SESSIONS 100000U
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SESSIONS 100000U
#endif
#endif
#ifndef SESSIONS
#define SESSIONS 1000000U
#endif

#define ADDRESSES     32U
#define WORKERS	      2
#define BATCH	      512
#define SESSION_BYTES (128 + 160) /* slab; index and side tables */

static struct {
	struct engine_box *box;
	uint64_t *seen; /* bit per address, protocol and port */
	uint32_t made, sent;
} world;

static void
drain(void)
{
	struct rte_mbuf *m;

	engine_box_poll(world.box);
	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		while ((m = engine_box_collect(world.box, port)) != NULL) {
			world.sent++;
			rte_pktmbuf_free(m);
		}
	}
}

static void
make(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, world.made++) {
		const struct frame_spec s = nat_flow(world.made);

		assert_true(nat_flow_feed(
			world.box, BOX_TRUST, (uint16_t)(world.made / 3 % WORKERS), &s));
		if (i % BATCH == BATCH - 1)
			drain();
	}
	drain();
}

/* => true: it was not marked before. */
static bool
mark(const struct session_outside *o)
{
	const uint32_t address = rte_be_to_cpu_32(o->key.addr[o->swap]) - NAT_FLOWS_FIRST;
	const uint32_t proto = o->key.proto == IPPROTO_TCP   ? 0
			       : o->key.proto == IPPROTO_UDP ? 1
							     : 2;
	const uint32_t bit = (address * 3 + proto) << 16 | rte_be_to_cpu_16(o->key.port[o->swap]);
	const uint64_t mask = UINT64_C(1) << (bit % 64);
	const bool is_new = (world.seen[bit / 64] & mask) == 0;

	assert_in_range(address, 0, ADDRESSES - 1);
	world.seen[bit / 64] |= mask;
	return is_new;
}

/* The whole table: as many sessions as there should be, each with an outside endpoint of its own,
 * and the pool knows of exactly these. */
static void
nothing_is_twice(uint32_t want)
{
	const struct session_table *t = engine_sessions(world.box->engine);
	const size_t words = ADDRESSES * 3 * (65536 / 64);
	uint32_t found = 0;

	memset(world.seen, 0, words * sizeof(world.seen[0]));
	for (uint32_t i = 0; i < session_table_capacity(t); i++) {
		struct session_outside o;

		if (!session_table_outside(t, session_table_at(t, i), &o))
			continue;
		if (!mark(&o))
			fail_msg("session %u: its outside endpoint is another's as well", i);
		found++;
	}
	assert_int_equal(found, want);
	assert_int_equal(session_table_count(t), want);
	assert_int_equal(nat_flows_used(world.box, "pool"), want);
}

/* Half of them, here and there, by an operator. */
static uint32_t
end_half(void)
{
	struct session_table *t = engine_sessions(world.box->engine);
	uint32_t ended = 0;

	for (uint32_t i = 0; i < session_table_capacity(t); i++) {
		const struct session *s = session_table_at(t, i);
		struct session_outside o;

		if ((i * UINT32_C(0x9e3779b1) >> 31) == 0 || !session_table_outside(t, s, &o))
			continue;
		while (!session_table_post(t, i, atomic_load(&s->generation), SESSION_OP_KILL))
			drain();
		ended++;
	}
	/* As long as something goes: batches wait for their grace periods. */
	for (uint32_t left = UINT32_MAX; left > session_table_taken(t);) {
		left = session_table_taken(t);
		engine_box_wait(world.box, 10);
	}
	return ended;
}

static void
NAT_05_a_million_sessions_have_a_million_outside_endpoints(void **state)
{
	const struct nat_groups *groups;
	struct worker_stats s;
	uint64_t bytes;
	uint32_t ended;

	(void)state;
	world.seen = calloc(ADDRESSES * 3 * (65536 / 64), sizeof(world.seen[0]));
	assert_non_null(world.seen);
	world.box = nat_flows_box("nt", WORKERS, SESSIONS + SESSIONS / 16, ADDRESSES);
	groups = engine_nat_groups(world.box->engine);

	bytes = session_table_memory(engine_sessions(world.box->engine)) +
		nat_pool_memory(nat_groups_pool(groups, nat_groups_find(groups, "pool")));
	print_message("%u sessions: %.1f bytes each\n", SESSIONS, (double)bytes / SESSIONS);
	assert_true(bytes <= (uint64_t)SESSION_BYTES * SESSIONS);

	for (uint32_t i = 1; i <= 4; i++) {
		make(SESSIONS / 4);
		nothing_is_twice(SESSIONS / 4 * i);
	}
	ended = end_half();
	nothing_is_twice(SESSIONS - ended);
	assert_in_range(ended, SESSIONS / 3, SESSIONS / 3 * 2);
	make(ended);
	nothing_is_twice(SESSIONS);
	engine_stats(world.box->engine, &s);
	assert_int_equal(s.forwarded, world.made);
	assert_int_equal(world.sent, world.made);
	assert_int_equal(s.sessions_created, world.made);

	/* All age. */
	for (unsigned int i = 0; session_table_taken(engine_sessions(world.box->engine)) > 0; i++) {
		assert_true(i < 20000);
		engine_box_wait(world.box, 100);
	}
	nothing_is_twice(0);
	assert_int_equal(rte_mempool_in_use_count(world.box->pool), 0);
	engine_box_destroy(world.box);
	free(world.seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(NAT_05_a_million_sessions_have_a_million_outside_endpoints),
	};

	test_eal_start(160 + SESSIONS / 1000 * 320 / 1000, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
