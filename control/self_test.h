/*
 * Self-test at start (R216): CPUs, memory, ports, time.  What it finds stays as it is until the
 * next start; `system.self_test` says what a failed one means.
 *
 * Management thread, before the lcores run.
 */
#pragma once

#include "clock.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <stdbool.h>
#include <stdint.h>

#define SELF_TESTS	  4
#define SELF_TEST_BUFFERS 32768 /* of the pool, at most: so many are done in some 100 ms */

struct self_test_input {
	struct rte_mempool *pool;
	const struct clock *clock;
	const int *cpus; /* that threads of ours run on */
	uint32_t cpu_count;
	const uint16_t *ethdevs; /* started */
	uint32_t ethdev_count;
	/* Tests of the test: called while the pattern is in the buffers; NULL. */
	void (*written)(void *ctx, struct rte_mbuf **buffers, uint32_t count);
	void *ctx;
};

struct self_test_result {
	const char *name; /* "cpu", "memory", "ports", "time" */
	bool passed;
	uint32_t ms;
	char text[120]; /* what was tested, or what is wrong */
};

struct self_test {
	uint32_t count; /* 0: not run */
	bool failed;	/* one of them */
	struct self_test_result results[SELF_TESTS];
};

/* self_test_run: every test, each with a line in the log. */
void self_test_run(struct self_test *, const struct self_test_input *);
