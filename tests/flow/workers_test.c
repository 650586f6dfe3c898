/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers on threads of their own, one engine: packets of the same flows at both, first packets
 * at the same moment, ageing, resets and route changes meanwhile.  The main thread is the network,
 * the control core and the HRP core.  At the end every packet is in one counter, every session has
 * come and gone once, and nothing has leaked.  Also for the thread sanitizer (docs/testing.md).
 */
#include "engine_box.h"
#include "frag_table.h"
#include "frame.h"
#include "session_walk.h"
#include "test_eal.h"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_pause.h>

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS	 2
#define SESSIONS 1024
#define ROUNDS	 6000
#define CLIENT	 BOX_IPV4(10, 1, 1, 10)
#define SERVER	 BOX_IPV4(200, 1, 1, 10)

/* Flows, told by the client's port.  Of the roaming ones any packet may come by any queue; of the
 * others each direction keeps to a queue, as a NIC does it: with most of them the two differ. */
enum { ROAMING_UDP = 400, STEADY_UDP = 300, TCP = 300, ECHO = 100, FRAGMENTED = 100 };
#define FLOWS (ROAMING_UDP + STEADY_UDP + TCP + ECHO + FRAGMENTED)
#define PARTS 4 /* of a datagram */

static struct {
	struct engine_box *box;
	_Atomic(bool) go, stop;
	_Atomic(uint32_t) ended;
	_Atomic(uint64_t) now_ns;
	/* The main thread's own */
	uint32_t random;
	uint8_t tcp_step[TCP];
	uint16_t datagram;
	uint64_t fed, sent, punted, events[MIRROR_REFRESH + 1];
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
	while (!atomic_load(&world.go))
		sched_yield();

	const uint16_t id = *(const uint16_t *)arg;
	struct worker *w = engine_worker(world.box->engine, id);

	while (!atomic_load(&world.stop)) {
		if (worker_poll(w, (mono_t){ .ns = atomic_load(&world.now_ns) }) == 0)
			sched_yield();
	}
	atomic_fetch_add(&world.ended, 1);
	return 0;
}

/* ---- the network ---- */

static size_t
build(uint16_t port, const struct frame_spec *spec, uint8_t bytes[FRAME_MAX])
{
	const struct rte_ether_addr peer =
		engine_box_host_mac(rte_cpu_to_be_32(port == BOX_TRUST ? CLIENT : SERVER));

	return frame_build(spec, &world.box->ports[port].mac, &peer, bytes);
}

static void
feed_bytes(uint16_t port, uint16_t queue, const uint8_t *bytes, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.box->pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	if (engine_box_feed(world.box, port, queue, m))
		world.fed++;
	else
		rte_pktmbuf_free(m);
}

static void
feed(uint16_t port, uint16_t queue, const struct frame_spec *spec)
{
	uint8_t bytes[FRAME_MAX];

	feed_bytes(port, queue, bytes, build(port, spec, bytes));
}

static struct frame_spec
spec_of(enum frame_kind kind, bool reply, uint16_t client_port)
{
	static const uint8_t protos[] = { [FRAME_TCP] = 6, [FRAME_UDP] = 17, [FRAME_ICMP] = 1 };

	return (struct frame_spec){ .kind = kind,
		.proto = protos[kind],
		.src = ip_addr_v4(rte_cpu_to_be_32(reply ? SERVER : CLIENT)),
		.dst = ip_addr_v4(rte_cpu_to_be_32(reply ? CLIENT : SERVER)),
		.sport = reply ? 53 : client_port,
		.dport = reply ? client_port : 53,
		.ttl = 64,
		.wscale = 0xff,
		.window = 60000,
		.len = 20,
		.udp_len = -1,
		.ip_len = -1 };
}

static void
udp_packet(uint32_t flow)
{
	const bool roams = flow < ROAMING_UDP, reply = below(3) == 0;
	const struct frame_spec s = spec_of(FRAME_UDP, reply, (uint16_t)(10000 + flow));
	const uint16_t port = reply ? BOX_UNTRUST : BOX_TRUST;

	if (roams && !reply) { /* at both in the same moment: who is first makes the session */
		feed(port, 0, &s);
		feed(port, 1, &s);
		return;
	}
	feed(port, roams ? (uint16_t)below(WORKERS) : (uint16_t)((flow + reply) % WORKERS), &s);
}

/* Handshake, data both ways, reset, and the same ports again. */
static void
tcp_packet(uint32_t flow)
{
	static const struct {
		bool reply;
		uint8_t flags;
		uint32_t seq, ack;
		uint16_t len;
	} steps[] = { { false, 0x02, 100, 0, 0 }, { true, 0x12, 500, 101, 0 },
		{ false, 0x10, 101, 501, 0 }, { false, 0x18, 101, 501, 20 },
		{ true, 0x18, 501, 121, 20 }, { false, 0x10, 121, 521, 0 },
		{ false, 0x04, 121, 0, 0 } };
	uint8_t *step = &world.tcp_step[flow];
	struct frame_spec s = spec_of(FRAME_TCP, steps[*step].reply, (uint16_t)(20000 + flow));

	s.flags = steps[*step].flags;
	s.seq = steps[*step].seq;
	s.ack = steps[*step].ack;
	s.len = steps[*step].len;
	feed(steps[*step].reply ? BOX_UNTRUST : BOX_TRUST,
		(uint16_t)((flow + steps[*step].reply) % WORKERS), &s);
	*step = (uint8_t)((*step + 1) % RTE_DIM(steps));
}

static void
echo_packet(uint32_t flow)
{
	const bool reply = below(2) == 0;
	struct frame_spec s = spec_of(FRAME_ICMP, reply, 0);

	s.type = reply ? FRAME_REPLY : FRAME_REQUEST;
	s.id = (uint16_t)flow;
	feed(reply ? BOX_UNTRUST : BOX_TRUST, (uint16_t)((flow + reply) % WORKERS), &s);
}

/* FRG-11: the fragments of a datagram in any order at both workers, now and then one twice, one too
 * few, or one that overlaps. */
static void
fragments(uint32_t flow)
{
	const bool reply = below(3) == 0;
	const uint16_t port = reply ? BOX_UNTRUST : BOX_TRUST;
	struct frame_spec s = spec_of(FRAME_UDP, reply, (uint16_t)(30000 + flow));
	uint8_t whole[FRAME_MAX], part[FRAME_MAX];
	const uint32_t first = below(PARTS), odd = below(16);
	size_t len, each;

	s.len = PARTS * 24 - 8;
	len = build(port, &s, whole);
	each = (len - frame_cut_at(whole)) / PARTS;
	world.datagram++;
	for (uint32_t i = odd == 0; i < PARTS + (odd == 1); i++) {
		const uint32_t n = (first + i) % PARTS;
		const struct frame_piece p = { .offset = n * each - (odd == 2 && n == 1 ? 8 : 0),
			.len = each,
			.id = world.datagram,
			.ttl = 64,
			.more = n + 1 < PARTS };

		feed_bytes(port, (uint16_t)below(WORKERS), part, frame_cut(whole, len, &p, part));
	}
}

static void
packet(void)
{
	uint32_t flow = below(FLOWS);

	if (flow < ROAMING_UDP + STEADY_UDP) {
		udp_packet(flow);
		return;
	}
	flow -= ROAMING_UDP + STEADY_UDP;
	if (flow < TCP)
		tcp_packet(flow);
	else if (flow < TCP + ECHO)
		echo_packet(flow - TCP);
	else
		fragments(flow - TCP - ECHO);
}

/* ---- the other cores ---- */

static bool
take_what_comes_out(void)
{
	struct engine *e = world.box->engine;
	struct mirror_event events[32];
	struct rte_mbuf *m, *punted[32];
	bool any = false;
	uint32_t n, cursor = 0;

	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		while ((m = engine_box_collect(world.box, port)) != NULL) {
			world.sent++;
			any = true;
			rte_pktmbuf_free(m);
		}
	}
	for (uint16_t w = 0; w < WORKERS; w++) {
		while ((n = engine_punt_dequeue(e, w, punted, RTE_DIM(punted))) > 0) {
			rte_pktmbuf_free_bulk(punted, n);
			world.punted += n;
		}
		while ((n = engine_event_dequeue(e, w, events, RTE_DIM(events))) > 0) {
			for (uint32_t i = 0; i < n; i++) {
				assert_in_range(events[i].type, MIRROR_CREATE, MIRROR_REFRESH);
				assert_in_range(events[i].index, 0, SESSIONS - 1);
				world.events[events[i].type]++;
			}
		}
	}
	while (session_table_take_dirty(engine_sessions(e), &cursor) != SESSION_NONE)
		;
	return any;
}

/* As an operator does it; what finds an inbox full stays until the next time. */
static void
reset_all(void)
{
	struct rcu *rcu = engine_rcu(world.box->engine);
	struct session_walk walk = { .slots = UINT32_MAX };
	const int reader = rcu_register(rcu);

	assert_true(reader >= 0);
	session_walk_reset(engine_sessions(world.box->engine), &walk);
	rcu_unregister(rcu, reader);
}

static uint64_t
received(void)
{
	struct worker_stats sum;

	engine_stats(world.box->engine, &sum);
	return sum.rx;
}

static void
traffic(void)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < 16; i++)
			packet();
		/* 40 ms a round: minutes in all, so that every idle time ends now and then. */
		atomic_fetch_add(&world.now_ns, 40 * NS_PER_MS);
		while (world.fed - received() > 256)
			if (!take_what_comes_out())
				sched_yield();
		take_what_comes_out();
		if (round % 500 == 499)
			reset_all();
		if (round % 97 == 0)
			engine_bump_routes(world.box->engine);
	}
}

static uint64_t
held(void)
{
	struct frag_stats s;

	frag_table_stats(engine_fragments(world.box->engine), &s);
	return s.fragments;
}

/* All is received, then all ages. */
static void
quiet(void)
{
	while (received() != world.fed)
		if (!take_what_comes_out())
			sched_yield();
	while (session_table_count(engine_sessions(world.box->engine)) > 0 || held() > 0) {
		atomic_fetch_add(&world.now_ns, 500 * NS_PER_MS);
		if (!take_what_comes_out())
			sched_yield();
	}
	atomic_store(&world.stop, true);
	while (atomic_load(&world.ended) < WORKERS)
		sched_yield();
	rte_eal_mp_wait_lcore();
	world.box->now.ns = atomic_load(&world.now_ns);
	engine_box_wait(world.box, 100); /* grace periods */
	take_what_comes_out();
}

/* ---- what must hold ---- */

static uint64_t
sum_of_drops(const struct worker_stats *s)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < DROP_REASON_COUNT; i++)
		sum += s->drops[i];
	return sum;
}

static void
every_packet_is_in_one_counter(void)
{
	struct worker_stats s;

	for (uint16_t w = 0; w < WORKERS; w++) {
		worker_stats(engine_worker(world.box->engine, w), &s);
		assert_int_equal(
			s.rx, s.forwarded + s.answered + s.punted + s.held + sum_of_drops(&s));
		assert_true(s.forwarded > 0 && s.sessions_created > 0);
		assert_true(s.foreign_lookups > 0);
	}
	engine_stats(world.box->engine, &s);
	assert_int_equal(s.rx, world.fed);
	assert_int_equal(s.tx, s.forwarded + s.answered + s.injected + s.notices + s.fragments);
	assert_int_equal(s.tx, world.sent);
	assert_int_equal(s.punted, world.punted);
	/* Replies and segments may overtake what they answer; nothing else goes wrong. */
	assert_int_equal(sum_of_drops(&s),
		s.drops[DROP_policy] + s.drops[DROP_no_session] + s.drops[DROP_icmp_reply] +
			s.drops[DROP_tcp_state] + s.drops[DROP_tcp_window] +
			s.drops[DROP_table_full] + s.drops[DROP_session_dead] +
			s.drops[DROP_frag_overlap] + s.drops[DROP_frag_duplicate] +
			s.drops[DROP_frag_timeout]);
	assert_int_equal(s.held, 0);
	assert_true(s.drops[DROP_frag_overlap] > 0 && s.drops[DROP_frag_timeout] > 0);
	assert_true(s.forwarded > world.fed / 2);
	print_message("%lu packets, %lu forwarded, %lu sessions, %lu closed, %lu aged, %lu foreign "
		      "lookups\n",
		(unsigned long)s.rx, (unsigned long)s.forwarded, (unsigned long)s.sessions_created,
		(unsigned long)s.sessions_closed, (unsigned long)s.sessions_aged,
		(unsigned long)s.foreign_lookups);
}

static int
take_all(void *arg)
{
	struct session_table *t = engine_sessions(world.box->engine);
	int n = 0;

	(void)arg;
	while (session_table_alloc(t) != NULL)
		n++;
	atomic_fetch_add(&world.ended, 1); /* with the load below: seen by the sanitizer */
	return n;
}

static void
every_session_has_come_and_gone_once(void)
{
	struct worker_stats s;
	unsigned int lcore;
	int n = 0;

	engine_stats(world.box->engine, &s);
	assert_int_equal(
		s.sessions_created, s.sessions_closed + s.sessions_aged + s.sessions_evicted);
	assert_true(s.sessions_closed > 0 && s.sessions_aged > 0);
	if (s.events_lost_to_sweep == 0) {
		assert_int_equal(world.events[MIRROR_CREATE], s.sessions_created);
		assert_int_equal(world.events[MIRROR_DELETE], s.sessions_created);
	}
	/* What each lcore has in its cache, and the rest. */
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		assert_int_equal(rte_eal_remote_launch(take_all, NULL, lcore), 0);
		n += rte_eal_wait_lcore(lcore);
		assert_true(atomic_load(&world.ended) > WORKERS);
	}
	assert_int_equal(n + take_all(NULL), SESSIONS);
}

static void
R17_two_workers_on_threads_count_every_packet_and_leak_nothing(void **state)
{
	static const uint16_t ids[WORKERS] = { 0, 1 };
	unsigned int lcore, i = 0;

	(void)state;
	world.random = 1;
	world.box = engine_box_create(&(struct engine_box_params){ .name = "two",
		.number = 1,
		.workers = WORKERS,
		.sessions = SESSIONS,
		.buffers = 4095,
		.ring = 1024,
		.event_ring = 1024,
		.datagrams = 1024,
		.fragments = 2048 });
	engine_set_mirror(world.box->engine, true);
	atomic_store(&world.now_ns, world.box->now.ns);
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		assert_int_equal(
			rte_eal_remote_launch(run_worker, (void *)(uintptr_t)&ids[i++], lcore), 0);
	}
	assert_int_equal(i, WORKERS);
	atomic_store(&world.go, true);
	traffic();
	quiet();
	every_packet_is_in_one_counter();
	assert_int_equal(rte_mempool_in_use_count(world.box->pool), 0);
	every_session_has_come_and_gone_once();
	engine_box_destroy(world.box);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R17_two_workers_on_threads_count_every_packet_and_leak_nothing),
	};

	/* Three lcores that share what there is: each loses its CPU in the middle now and then. */
	test_eal_start(256, 3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
