/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Self-test at start: R216, with a machine that works, and with each part broken.
 */
#include "engine_box.h"
#include "self_test.h"
#include "test_eal.h"

#include <rte_mbuf.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BUFFERS 255

static struct rte_mempool *pool;
static struct engine_box *box;
static struct clock clk;
static uint16_t ethdevs[3];
static int cpus[1];

static struct self_test_input
works(void)
{
	return (struct self_test_input){ .pool = pool,
		.clock = &clk,
		.cpus = cpus,
		.cpu_count = 1,
		.ethdevs = ethdevs,
		.ethdev_count = 3 };
}

/* Only that test has failed, for that reason. */
static void
only(const struct self_test *t, const char *name, const char *reason)
{
	assert_int_equal(t->count, SELF_TESTS);
	assert_int_equal(t->failed, name != NULL);
	for (uint32_t i = 0; i < t->count; i++) {
		const bool this = name != NULL && strcmp(t->results[i].name, name) == 0;

		if (t->results[i].passed == this)
			fail_msg("%s: %s", t->results[i].name, t->results[i].text);
		if (this)
			assert_non_null(strstr(t->results[i].text, reason));
	}
}

static void
R216_a_machine_that_works_passes(void **state)
{
	const struct self_test_input in = works();
	struct self_test t;
	cpu_set_t before, after;

	(void)state;
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	self_test_run(&t, &in);
	only(&t, NULL, NULL);
	pthread_getaffinity_np(pthread_self(), sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	assert_int_equal(rte_mempool_avail_count(pool), BUFFERS); /* all are given back */
}

static void
R216_a_cpu_that_is_not_there_fails(void **state)
{
	static const int none[] = { -1, CPU_SETSIZE, CPU_SETSIZE - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		const int both[] = { cpus[0], none[i] };
		struct self_test_input in = works();
		struct self_test t;

		in.cpus = both;
		in.cpu_count = 2;
		self_test_run(&t, &in);
		only(&t, "cpu", "cannot be used");
	}
}

struct flip {
	uint32_t buffer, byte, bit, pass, seen;
};

/* One bit of one buffer does not keep its value. */
static void
flip_bit(void *ctx, struct rte_mbuf **buffers, uint32_t count)
{
	struct flip *const f = ctx;

	assert_int_equal(count, BUFFERS);
	if (f->seen++ == f->pass)
		((uint8_t *)buffers[f->buffer]->buf_addr)[f->byte] ^= (uint8_t)(1u << f->bit);
}

static void
R216_one_bit_of_memory_fails(void **state)
{
	static const struct flip rows[] = { { 0, 0, 0, 0, 0 }, { BUFFERS - 1, 2047, 7, 0, 0 },
		{ 100, 1000, 3, 1, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct self_test_input in = works();
		struct flip f = rows[i];
		struct self_test t;

		in.written = flip_bit;
		in.ctx = &f;
		self_test_run(&t, &in);
		only(&t, "memory", "do not keep");
		assert_int_equal(rte_mempool_avail_count(pool), BUFFERS);
	}
}

static void
R216_memory_that_is_not_there_fails(void **state)
{
	struct rte_mbuf *all[BUFFERS];
	const struct self_test_input in = works();
	struct self_test t;

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, all, BUFFERS), 0);
	self_test_run(&t, &in);
	only(&t, "memory", "no packet buffer");
	rte_pktmbuf_free_bulk(all, BUFFERS);
}

static void
R216_a_port_that_is_not_there_fails(void **state)
{
	const uint16_t gone[] = { ethdevs[0], 31 };
	struct self_test_input in = works();
	struct self_test t;

	(void)state;
	in.ethdevs = gone;
	in.ethdev_count = 2;
	self_test_run(&t, &in);
	only(&t, "ports", "31 is gone");
}

static void
R216_a_clock_that_runs_wrong_fails(void **state)
{
	static const uint32_t percent[] = { 0, 50, 90, 110, 300 };

	(void)state;
	for (size_t i = 0; i < sizeof(percent) / sizeof(percent[0]); i++) {
		const struct clock wrong = { .start = clk.start,
			.mult = clk.mult * percent[i] / 100 };
		struct self_test_input in = works();
		struct self_test t;

		in.clock = &wrong;
		self_test_run(&t, &in);
		only(&t, "time", "off the kernel's");
	}
}

static int
open_box(void **state)
{
	const struct engine_box_params params = { .name = "st",
		.workers = 1,
		.sessions = 64,
		.buffers = 255,
		.ring = 64,
		.event_ring = 64 };

	(void)state;
	clock_init(&clk);
	cpus[0] = sched_getcpu();
	pool = rte_pktmbuf_pool_create("self-test", BUFFERS, 0, 0, 2048, SOCKET_ID_ANY);
	box = engine_box_create(&params);
	for (uint16_t i = 0; i < 3; i++)
		ethdevs[i] = i;
	return pool != NULL && cpus[0] >= 0 ? 0 : -1;
}

static int
close_box(void **state)
{
	(void)state;
	engine_box_destroy(box);
	rte_mempool_free(pool);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R216_a_machine_that_works_passes),
		cmocka_unit_test(R216_a_cpu_that_is_not_there_fails),
		cmocka_unit_test(R216_one_bit_of_memory_fails),
		cmocka_unit_test(R216_memory_that_is_not_there_fails),
		cmocka_unit_test(R216_a_port_that_is_not_there_fails),
		cmocka_unit_test(R216_a_clock_that_runs_wrong_fails),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, open_box, close_box);
}
