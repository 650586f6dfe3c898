/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 10,000 rules are replaced again and again while two workers on threads of their own forward: no
 * packet may be lost, and every session's packets are counted for its rule.  The main thread is the
 * network; another one compiles and publishes, as the management thread does.
 */
#include "engine_box.h"
#include "frame.h"
#include "policy_count.h"
#include "test_eal.h"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define WORKERS	  2
#define RULES	  10000
#define PUBLISHES 6
#define FLOWS	  1000 /* old ones; each packet of them, and as many of new ones */
#define CLIENT	  BOX_IPV4(10, 1, 1, 10)
#define SERVER	  BOX_IPV4(200, 1, 1, 10)

static struct {
	struct engine_box *box;
	_Atomic(bool) go, stop, published;
	double longest_ms;
	uint64_t fed, received, made;
} world;

static int
run_worker(void *arg)
{
	const uint16_t id = *(const uint16_t *)arg;
	struct worker *w = engine_worker(world.box->engine, id);

	while (!atomic_load(&world.go))
		sched_yield();
	while (!atomic_load(&world.stop)) {
		if (worker_poll(w, world.box->now) == 0)
			sched_yield();
	}
	return 0;
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* Each time other rules before the one that permits; the last publish has none. */
static void *
publish(void *arg)
{
	(void)arg;
	for (uint32_t i = 1; i <= PUBLISHES; i++) {
		const double start = now_ms();
		double ms;

		world.box->other_rules = i < PUBLISHES ? RULES : 0;
		world.box->other_rules_seed = i;
		engine_publish(world.box->engine, engine_box_snapshot(world.box));
		ms = now_ms() - start;
		world.longest_ms = ms > world.longest_ms ? ms : world.longest_ms;
	}
	atomic_store(&world.published, true);
	return NULL;
}

/* ---- the network ---- */

static void
take(void)
{
	struct rte_mbuf *m;

	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		while ((m = engine_box_collect(world.box, port)) != NULL) {
			world.received++;
			rte_pktmbuf_free(m);
		}
	}
}

static void
feed(uint32_t flow)
{
	struct engine_box *b = world.box;
	const struct frame_spec spec = { .kind = FRAME_UDP,
		.proto = 17,
		.src = ip_addr_v4(rte_cpu_to_be_32(CLIENT)),
		.dst = ip_addr_v4(rte_cpu_to_be_32(SERVER)),
		.sport = (uint16_t)(1024 + flow % 60000),
		.dport = (uint16_t)(1024 + flow / 60000),
		.ttl = 64,
		.wscale = 0xff,
		.len = 20,
		.udp_len = -1,
		.ip_len = -1 };
	const struct rte_ether_addr peer = engine_box_host_mac(rte_cpu_to_be_32(CLIENT));
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);
	uint8_t bytes[FRAME_MAX];
	const size_t len = frame_build(&spec, &b->ports[BOX_TRUST].mac, &peer, bytes);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	while (!engine_box_feed(b, BOX_TRUST, (uint16_t)(flow % WORKERS), m))
		sched_yield();
	world.fed++;
	while (world.fed - world.received > 256) {
		take();
		sched_yield();
	}
}

static void
DOS_01_ten_thousand_rules_are_replaced_without_a_lost_packet(void **state)
{
	static const uint16_t ids[WORKERS] = { 0, 1 };
	const double deadline = now_ms() + 100000;
	unsigned int lcore, i = 0;
	struct policy_counter c;
	struct worker_stats s;
	const struct policy *p;
	pthread_t publisher;

	(void)state;
	world.box = engine_box_create(&(struct engine_box_params){ .name = "rl",
		.number = 1,
		.workers = WORKERS,
		.sessions = 1 << 20,
		.buffers = 4095,
		.ring = 1024,
		.event_ring = 1024 });
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		assert_int_equal(
			rte_eal_remote_launch(run_worker, (void *)(uintptr_t)&ids[i++], lcore), 0);
	}
	atomic_store(&world.go, true);
	for (world.made = 0; world.made < FLOWS; world.made++)
		feed((uint32_t)world.made);
	assert_int_equal(pthread_create(&publisher, NULL, publish, NULL), 0);
	for (uint32_t n = 0; !atomic_load(&world.published); n++) {
		feed(n % FLOWS);
		if (n % 16 == 0 && world.made < (1 << 20) - 1024)
			feed((uint32_t)world.made++);
		assert_true(now_ms() < deadline);
	}
	pthread_join(publisher, NULL);
	while (world.received < world.fed) {
		take();
		sched_yield();
		assert_true(now_ms() < deadline);
	}
	atomic_store(&world.stop, true);
	rte_eal_mp_wait_lcore();

	engine_stats(world.box->engine, &s);
	assert_int_equal(s.forwarded, world.fed);
	assert_int_equal(s.sessions_created, world.made);
	p = engine_snapshot(world.box->engine)->policy;
	policy_counter_read(p, policy_slot_of(p, policy_rule_id("out")), &c);
	assert_int_equal(c.hits, world.made); /* carried over every time */
	print_message("%lu packets, %lu sessions, %u policies of %u rules, at most %.0f ms each\n",
		(unsigned long)world.fed, (unsigned long)world.made, PUBLISHES - 1, RULES,
		world.longest_ms);
	engine_box_destroy(world.box);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(DOS_01_ten_thousand_rules_are_replaced_without_a_lost_packet),
	};

	test_eal_start(512, 3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
