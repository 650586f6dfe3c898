/*
 * Benchmarks: TSC cycles of one worker (or HRP core) over prepared packets, no NIC.  Each figure is
 * the median of several runs and stands beside a floor measured in the same run.
 */
#pragma once

#include "engine.h"

#include <rte_mempool.h>
#include <rte_ring.h>

#include <stdbool.h>
#include <stdint.h>

#define BENCH_MAX_RUNS 31

struct bench_result {
	const char *name;
	const char *unit;
	uint32_t sessions; /* 0 = does not apply */
	unsigned int runs;
	double values[BENCH_MAX_RUNS];
	double limit; /* of the issue; 0 = none */
	bool at_most;
	const char *note;
};

struct bench_options {
	unsigned int runs;
	uint32_t max_sessions;
	uint32_t packets; /* per run */
};

void bench_report(struct bench_result *);

/* A one-worker engine between two ring ports: 0 trust, 1 untrust. */
struct bench_rig {
	struct engine *engine;
	struct worker *worker;
	struct rte_mempool *pool;
	struct rte_ring *rx[2], *tx[2];
	struct port ports[2];
	uint16_t ethdev[2];
	mono_t now;
};

/* => false with a message on stderr (memory). */
bool bench_rig_create(struct bench_rig *, uint32_t sessions, uint32_t event_ring);
void bench_rig_destroy(struct bench_rig *);

/* One packet of session `i` in direction `dir`, on mbuf number `slot` of a burst. */
struct rte_mbuf *bench_packet(
	struct bench_rig *, uint32_t i, unsigned int dir, uint8_t proto, uint8_t tcp_flags);
/* Feed n <= 32 packets to port `in`, one worker turn, collect.  => cycles of the turn; *out =
 * frames that came out of the other port (freed). */
uint64_t bench_turn(
	struct bench_rig *, unsigned int in, struct rte_mbuf **, uint32_t n, uint32_t *out);

void bench_established(const struct bench_options *);
void bench_new_sessions(const struct bench_options *);
void bench_mirror(const struct bench_options *);
