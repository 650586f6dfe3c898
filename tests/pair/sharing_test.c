/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load sharing with ways that differ: what clients send passes the first box, what the server sends
 * passes the second (R7, R198).
 */
#include "pair.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define HELLO_MS 100
#define TCPS	 20

/* What a failed case leaves behind. */
static struct pair *current;

static int
clean_up(void **state)
{
	(void)state;
	pair_destroy(current);
	current = NULL;
	return 0;
}

static uint64_t
forwarded(struct pair *p, unsigned int box)
{
	struct worker_stats stats;

	engine_stats(pair_box(p, box)->engine, &stats);
	return stats.forwarded;
}

static uint64_t
dropped(struct pair *p, unsigned int box, enum drop_reason reason)
{
	struct worker_stats stats;

	engine_stats(pair_box(p, box)->engine, &stats);
	return stats.drops[reason];
}

static struct pair *
shared_pair(uint32_t seed, uint32_t lag_ms)
{
	struct pair *p = current = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.tcp_count = TCPS,
		.seed = seed,
		.sharing = true,
		.preempt = true,
		.preempt_delay_s = 1,
		.workers = { 2, (uint16_t)(1 + seed % 2) } });

	pair_heartbeat(p)->delay_us = lag_ms * 1000;
	pair_form(p);
	return p;
}

static void
X39_connections_that_pass_one_box_each_way(void **state)
{
	static const uint32_t lags_ms[] = { 0, 5, 50 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(lags_ms); i++) {
		struct pair *p = shared_pair(i, lags_ms[i]);
		struct traffic *t = pair_traffic(p);
		const uint64_t before[2] = { forwarded(p, 0), forwarded(p, 1) };
		const uint64_t formed = t->again.syns + t->again.segments;

		print_message("lag %u ms: %u segments again until all are open\n", lags_ms[i],
			(unsigned int)formed);
		pair_run(p, 2000);
		t->udp_on = false;
		pair_run(p, 10);
		assert_int_equal(traffic_tcp_alive(t, 500, pair_now(p)), TCPS);
		assert_int_equal(t->resets, 0);
		assert_int_equal(t->again.syns + t->again.segments - formed, 0);
		assert_int_equal(t->probe_received, t->probe_sent);
		for (unsigned int b = 0; b < 2; b++) { /* each box has had its direction */
			assert_true(forwarded(p, b) - before[b] > 2000);
			assert_int_equal(dropped(p, b, DROP_tcp_window), 0);
		}
		assert_true(pair_synchronised(p));
		clean_up(NULL);
	}
}

static void
X39_X40_and_go_on_when_either_box_dies_and_comes_back(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 4; seed++) {
		struct pair *p = shared_pair(seed, seed % 2);
		struct traffic *t = pair_traffic(p);
		const unsigned int box = seed / 2;

		pair_kill(p, box);
		pair_run(p, 2500);
		assert_int_equal(traffic_tcp_alive(t, 1000, pair_now(p)), TCPS);
		assert_true(t->longest_gap_ms <= 4 * HELLO_MS);
		/* It comes back with nothing, and is active again for its half. */
		pair_restart(p, box);
		assert_true(pair_run_until(p, pair_synchronised, 5000));
		pair_run(p, 3000);
		assert_int_equal(traffic_tcp_alive(t, 1000, pair_now(p)), TCPS);
		assert_int_equal(t->resets, 0);
		clean_up(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(X39_connections_that_pass_one_box_each_way, clean_up),
		cmocka_unit_test_teardown(
			X39_X40_and_go_on_when_either_box_dies_and_comes_back, clean_up),
	};

	test_eal_start(1024, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
