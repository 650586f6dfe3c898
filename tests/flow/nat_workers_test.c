/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translation by two workers on threads of their own: the first packets of a flow at both at once,
 * replies at the worker they are for and at the other one, groups that change meanwhile.  The main
 * thread is the network and management.  At the end every port is back.
 */
#include "nat_flows.h"
#include "session_recheck.h"
#include "session_walk.h"
#include "test_eal.h"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS	  2
#define SESSIONS  32768
#define ADDRESSES 4U
#define OTHER	  BOX_IPV4(203, 0, 114, 1)
#define FLOWS	  4000U /* of each part; told by the server's port */
#define TOGETHER  500U
#define PORT	  10000U
#define ROUNDS	  4000U

static struct {
	struct engine_box *box;
	_Atomic(bool) go, stop, hold;
	_Atomic(uint32_t) ended;
	_Atomic(uint64_t) now_ns;
	/* The main thread's own */
	uint32_t random;
	uint64_t fed, sent[BOX_PORTS];
	struct frame_spec reply[2 * FLOWS];
	uint8_t seen[2 * FLOWS]; /* packets of it that have left outside */
	uint32_t moved; /* packets that have left by another endpoint than the one before */
	int reader;
	bool rechecking;
	struct session_recheck recheck;
} world;

static uint32_t
below(uint32_t n)
{
	world.random = world.random * 1664525 + 1013904223;
	return (world.random >> 8) % n;
}

static int
run_worker(void *arg)
{
	const uint16_t id = *(const uint16_t *)arg;

	while (!atomic_load(&world.go))
		sched_yield();
	while (!atomic_load(&world.stop)) {
		struct worker *w = engine_worker(world.box->engine, id);

		if (atomic_load(&world.hold)) /* its packets wait */
			continue;
		if (worker_poll(w, (mono_t){ .ns = atomic_load(&world.now_ns) }) == 0)
			sched_yield();
	}
	atomic_fetch_add(&world.ended, 1);
	return 0;
}

/* ---- the network ---- */

static void
left_outside(const uint8_t *frame)
{
	const struct frame_spec reply = nat_flow_reply(frame);
	const uint32_t flow = reply.sport - PORT;
	struct frame_spec *known;

	assert_in_range(flow, 0, 2 * FLOWS - 1);
	known = &world.reply[flow];
	if (world.seen[flow] > 0 && (known->dst.v4 != reply.dst.v4 || known->dport != reply.dport))
		world.moved++;
	*known = reply;
	world.seen[flow] += world.seen[flow] < UINT8_MAX;
}

static bool
take(void)
{
	struct rte_mbuf *m;
	bool any = false;

	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		while ((m = engine_box_collect(world.box, port)) != NULL) {
			const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
			const char *wrong = frame_sums(frame, rte_pktmbuf_pkt_len(m));

			if (wrong != NULL)
				fail_msg("%s", wrong);
			if (port == BOX_UNTRUST)
				left_outside(frame);
			world.sent[port]++;
			rte_pktmbuf_free(m);
			any = true;
		}
	}
	return any;
}

static uint64_t
received(void)
{
	struct worker_stats sum;

	engine_stats(world.box->engine, &sum);
	return sum.rx;
}

static void
settle(uint64_t most)
{
	while (world.fed - received() > most)
		if (!take())
			sched_yield();
	take();
}

static void
feed(uint16_t port, uint16_t queue, const struct frame_spec *s)
{
	while (!nat_flow_feed(world.box, port, queue, s))
		if (!take())
			sched_yield();
	world.fed++;
}

static struct frame_spec
first_packet(uint32_t flow)
{
	struct frame_spec s = nat_flow(flow);

	if (s.kind == FRAME_ICMP) {
		s.kind = FRAME_UDP;
		s.proto = IPPROTO_UDP;
	}
	s.dport = (uint16_t)(PORT + flow);
	return s;
}

/* All has been received and has ended. => Packets that were forwarded. */
static uint64_t
forwarded(void)
{
	struct worker_stats s;
	uint64_t ended;

	do {
		if (!take())
			sched_yield();
		engine_stats(world.box->engine, &s);
		ended = s.forwarded;
		for (unsigned int i = 0; i < DROP_REASON_COUNT; i++)
			ended += s.drops[i];
	} while (ended != world.fed || s.tx != s.forwarded);
	take();
	return s.forwarded;
}

static uint16_t
home_of(const struct frame_spec *s)
{
	const struct session_key4 k = nat_flow_key(s);

	return session_table_home4(engine_sessions(world.box->engine), &k);
}

/* ---- parts ---- */

/* Both first packets leave alike, and one session is made, whoever wins. */
static void
first_packets_at_both(void)
{
	const struct nat_groups *groups = engine_nat_groups(world.box->engine);
	struct worker_stats s;

	for (uint32_t i = 0; i < FLOWS; i += TOGETHER) {
		atomic_store(&world.hold, true);
		for (uint32_t j = 0; j < TOGETHER; j++) {
			const struct frame_spec first = first_packet(i + j);

			for (uint16_t w = 0; w < WORKERS; w++)
				feed(BOX_TRUST, w, &first);
		}
		atomic_store(&world.hold, false);
		(void)forwarded();
	}
	assert_int_equal(forwarded(), WORKERS * FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world.seen[i], WORKERS);
	assert_int_equal(world.moved, 0);
	engine_stats(world.box->engine, &s);
	assert_int_equal(s.sessions_created, FLOWS);
	assert_int_equal(session_table_count(engine_sessions(world.box->engine)), FLOWS);
	assert_int_equal(nat_flows_used(world.box, "pool"), FLOWS);
	print_message("%u flows at both workers at once: %lu times both took a port\n", FLOWS,
		(unsigned long)(nat_groups_stats(groups, nat_groups_find(groups, "pool")).taken -
				FLOWS));
}

/* Packets as a NIC deals them whose hash is programmed; then the replies all wrong. */
static void
replies_at_home_and_not(void)
{
	uint64_t before = forwarded();
	struct worker_stats s;
	uint32_t home = 0;

	for (uint32_t i = FLOWS; i < 2 * FLOWS; i++) {
		const struct frame_spec first = first_packet(i);

		feed(BOX_TRUST, home_of(&first), &first);
		settle(256);
	}
	assert_int_equal(forwarded() - before, FLOWS);
	for (uint32_t i = FLOWS; i < 2 * FLOWS; i++) {
		const struct frame_spec first = first_packet(i);

		assert_int_equal(world.seen[i], 1);
		home += home_of(&world.reply[i]) == home_of(&first);
	}
	print_message("%u of %u replies come home\n", home, FLOWS);
	assert_true(home >= FLOWS * 99 / 100);
	for (unsigned int wrong = 0; wrong < 2; wrong++) {
		const uint64_t inside = world.sent[BOX_TRUST];

		before = forwarded();
		for (uint32_t i = FLOWS; i < 2 * FLOWS; i++) {
			feed(BOX_UNTRUST, home_of(&world.reply[i]) ^ wrong, &world.reply[i]);
			settle(256);
		}
		assert_int_equal(forwarded() - before, FLOWS);
		assert_int_equal(world.sent[BOX_TRUST] - inside, FLOWS);
	}
	engine_stats(world.box->engine, &s);
	assert_true(s.foreign_lookups >= FLOWS);
	for (unsigned int i = 0; i < DROP_REASON_COUNT; i++)
		assert_int_equal(s.drops[i], 0);
}

/* As management does it: publish, then look at the sessions by steps. */
static void
change_group(void)
{
	struct nat_pool_section *s = &world.box->nat.groups[0].sections[0];
	const uint32_t first = s->from == OTHER ? NAT_FLOWS_FIRST : OTHER;

	*s = (struct nat_pool_section){ first, first + ADDRESSES - 1 };
	engine_publish(world.box->engine, engine_box_snapshot(world.box));
	world.recheck = (struct session_recheck){ 0 };
	world.rechecking = true;
}

static void
manage(uint32_t round)
{
	struct rcu *rcu = engine_rcu(world.box->engine);

	if (round % 400 == 399)
		change_group();
	rcu_online(rcu, world.reader);
	if (world.rechecking)
		world.rechecking = session_recheck(world.box->engine, 2000, &world.recheck);
	if (round % 700 == 699) {
		struct session_walk walk = { .slots = UINT32_MAX };

		session_walk_reset(engine_sessions(world.box->engine), &walk);
	}
	rcu_offline(rcu, world.reader);
}

static void
random_traffic(void)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < 16; i++) {
			const uint32_t flow = below(2 * FLOWS);
			const struct frame_spec first = first_packet(flow);

			switch (below(4)) {
			case 0: /* at both in the same moment */
				feed(BOX_TRUST, 0, &first);
				feed(BOX_TRUST, 1, &first);
				break;
			case 1:
				feed(BOX_TRUST, (uint16_t)below(WORKERS), &first);
				break;
			default:
				feed(BOX_UNTRUST, (uint16_t)below(WORKERS), &world.reply[flow]);
				break;
			}
		}
		atomic_fetch_add(&world.now_ns, 40 * NS_PER_MS);
		settle(256);
		manage(round);
	}
}

/* All is received, then all ages. */
static void
quiet(void)
{
	settle(0);
	while (session_table_count(engine_sessions(world.box->engine)) > 0) {
		atomic_fetch_add(&world.now_ns, 500 * NS_PER_MS);
		if (!take())
			sched_yield();
	}
	atomic_store(&world.stop, true);
	while (atomic_load(&world.ended) < WORKERS)
		sched_yield();
	rte_eal_mp_wait_lcore();
	world.box->now.ns = atomic_load(&world.now_ns);
	for (unsigned int i = 0;
		i < 100 && session_table_taken(engine_sessions(world.box->engine)) > 0; i++)
		engine_box_wait(world.box, 100); /* grace periods, of batches that are not full */
	take();
}

/* Replies to a session that has ended meet an address without a mapping, or one that is not ours
 * any more; segments of TCP meet another state than they are of. */
static void
nothing_is_lost(void)
{
	struct nat_groups *groups = engine_nat_groups(world.box->engine);
	struct nat_group_stats g;
	struct worker_stats s;
	uint64_t sum = 0;

	engine_stats(world.box->engine, &s);
	for (unsigned int i = 0; i < DROP_REASON_COUNT; i++)
		sum += s.drops[i];
	assert_int_equal(s.rx, world.fed);
	assert_int_equal(s.rx, s.forwarded + sum);
	assert_int_equal(s.tx, world.sent[BOX_TRUST] + world.sent[BOX_UNTRUST]);
	assert_int_equal(sum, s.drops[DROP_nat_no_mapping] + s.drops[DROP_policy] +
				      s.drops[DROP_no_session] + s.drops[DROP_session_dead] +
				      s.drops[DROP_tcp_state] + s.drops[DROP_tcp_window]);
	assert_int_equal(s.sessions_created,
		s.sessions_closed + s.sessions_aged + s.sessions_denied + s.sessions_evicted);
	assert_true(s.sessions_denied > 0 && s.sessions_closed > 0 && s.sessions_aged > 0);
	(void)nat_groups_sweep(groups);
	engine_box_wait(world.box, 10);
	assert_int_equal(nat_groups_sweep(groups), 0);
	assert_int_equal(nat_flows_used(world.box, "pool"), 0);
	g = nat_groups_stats(groups, nat_groups_find(groups, "pool"));
	assert_int_equal(g.taken, g.given);
	assert_int_equal(g.exhausted, 0);
	assert_int_equal(session_table_taken(engine_sessions(world.box->engine)), 0);
	assert_int_equal(rte_mempool_in_use_count(world.box->pool), 0);
	print_message("%lu packets, %lu forwarded, %lu sessions, %lu ended by a change, %lu to no "
		      "mapping\n",
		(unsigned long)s.rx, (unsigned long)s.forwarded, (unsigned long)s.sessions_created,
		(unsigned long)s.sessions_denied, (unsigned long)s.drops[DROP_nat_no_mapping]);
}

static void
NAT_14_two_workers_translate_one_flow_alike(void **state)
{
	static const uint16_t ids[WORKERS] = { 0, 1 };
	unsigned int lcore, i = 0;

	(void)state;
	world.random = 1;
	world.box = nat_flows_box("nw", WORKERS, SESSIONS, ADDRESSES);
	world.reader = rcu_register(engine_rcu(world.box->engine));
	assert_true(world.reader >= 0);
	rcu_offline(engine_rcu(world.box->engine), world.reader);
	atomic_store(&world.now_ns, world.box->now.ns);
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		assert_int_equal(
			rte_eal_remote_launch(run_worker, (void *)(uintptr_t)&ids[i++], lcore), 0);
	}
	assert_int_equal(i, WORKERS);
	atomic_store(&world.go, true);
	first_packets_at_both();
	replies_at_home_and_not();
	random_traffic();
	quiet();
	nothing_is_lost();
	rcu_unregister(engine_rcu(world.box->engine), world.reader);
	engine_box_destroy(world.box);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(NAT_14_two_workers_translate_one_flow_alike),
	};

	test_eal_start(256, 3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
