/*
 * Benchmarks: TSC cycles of workers (or HRP cores) over prepared packets, no NIC.  Each figure is
 * the median of several runs and stands beside a floor measured in the same rig.
 */
#pragma once

#include "engine.h"

#include <rte_mempool.h>
#include <rte_ring.h>

#include <stdbool.h>
#include <stdint.h>

#define BENCH_MAX_RUNS	 31
#define BENCH_WORKERS	 2
#define BENCH_BURST	 32
#define BENCH_TRUST	 2 /* zone ids */
#define BENCH_UNTRUST	 4
#define BENCH_PORT_SERVE 53	     /* destination port of every session */
#define BENCH_NAT_FIRST	 0xc6336401U /* 198.51.100.1: first address of the group */

enum bench_wanted { WANTED_NOTHING, WANTED_AT_MOST, WANTED_AT_LEAST };

/* One row of the report. */
struct bench_result {
	const char *name;
	const char *unit;
	uint32_t sessions; /* in the table or made; 0 = does not apply */
	uint32_t rules;	   /* 0 = does not apply */
	unsigned int runs;
	double values[BENCH_MAX_RUNS];
	double floor; /* cycles per packet of the same packets through a loop that swaps MAC
			 addresses; 0 = does not apply */
	enum bench_wanted wanted;
	double limit;
};

struct bench_options {
	unsigned int runs;
	uint32_t max_sessions;
	uint32_t packets; /* per run */
	bool two_cpus;	  /* lcore 1 is there */
};

/* bench_report: print the row and keep it for the JSON file.  Sorts its values. */
void bench_report(struct bench_result *);
/* bench_fatal: the bench itself is wrong (packets lost that must not be): no figure is better. */
_Noreturn void bench_fatal(const char *what, uint64_t got, uint64_t want);

struct bench_outside;

/* An engine between two ring ports, 0 trust and 1 untrust, one queue per worker. */
struct bench_rig {
	struct engine *engine;
	struct worker *worker[BENCH_WORKERS];
	struct rte_mempool *pool;
	struct rte_ring *rx[2][BENCH_WORKERS], *tx[2][BENCH_WORKERS];
	struct port ports[2];
	uint16_t ethdev[2];
	uint16_t workers;
	uint16_t nat_addresses;
	struct bench_outside *outside; /* of session i, learnt; NULL: is not translated */
	mono_t now;
};

struct bench_spec {
	uint32_t sessions; /* capacity of the table */
	uint16_t workers;
	uint16_t rules; /* the last one permits trust to untrust, the others deny */
	uint32_t event_ring;
	uint16_t nat_addresses; /* of the group that trust to untrust is translated to; 0: is not */
};

/* => false with a message on stderr (memory); bench_rig_destroy() in either case. */
bool bench_rig_create(struct bench_rig *, const struct bench_spec *);
void bench_rig_destroy(struct bench_rig *);
/* A table with room for that many sessions and what waits for its grace period, one worker. */
bool bench_rig_simple(struct bench_rig *, uint32_t sessions, uint16_t rules);

/* What kind of packet: everything but its session. */
struct bench_shape {
	uint8_t family; /* 4 or 6 */
	uint8_t proto;	/* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t tcp_flags;
	uint8_t seq_add, ack_add; /* to what a segment right after the handshake has */
};
extern const struct bench_shape bench_udp, bench_udp6, bench_syn, bench_synack, bench_ack;

/* One packet of session `i` in direction `dir`; its mbuf comes from the rig's pool. */
struct rte_mbuf *bench_packet(
	struct bench_rig *, const struct bench_shape *, uint32_t i, unsigned int dir);
/* One packet of a flood to one host inside, from outside (dir 1) or from inside as well (0): sender
 * and ports from `random`. */
struct rte_mbuf *bench_flood_packet(
	struct bench_rig *, const struct bench_shape *, unsigned int dir, uint64_t random);
/* The worker whose queue session `i` is for. */
uint16_t bench_home(const struct bench_rig *, const struct bench_shape *, uint32_t i);

/* Feed n <= 32 packets to port `in` of worker 0, one turn, collect.  => cycles of the turn; *out =
 * frames that came out of the other port (freed). */
uint64_t bench_turn(
	struct bench_rig *, unsigned int in, struct rte_mbuf **, uint32_t n, uint32_t *out);
uint64_t bench_random(uint64_t *seed);
/* First packets of sessions first..first+n-1 in one direction.  => cycles; all must come out. */
uint64_t bench_pass(struct bench_rig *, const struct bench_shape *, uint32_t first, uint32_t n,
	unsigned int dir);
/* Make n sessions that have seen both directions. */
void bench_establish(struct bench_rig *, const struct bench_shape *, uint32_t n);
/* Packets of n established sessions in random order, bursts of either direction in turn.
 * => cycles per packet; all must come out. */
double bench_random_order(struct bench_rig *, const struct bench_shape *, uint32_t n,
	uint32_t packets, uint64_t *seed);
/* The same bursts through a loop that only swaps MAC addresses.  => cycles per packet, median. */
double bench_floor(
	struct bench_rig *, const struct bench_shape *, uint32_t n, const struct bench_options *);
/* bench_learn_outside: where the replies of the table's n sessions, 0..n-1, are to be sent: from
 * now on packets of direction 1 are. */
void bench_learn_outside(struct bench_rig *, uint32_t n);
/* Let every session age away.  => cycles of worker 0. */
uint64_t bench_age(struct bench_rig *);

/* Compile the policy of a rig of so many rules, and put it in the place of the running one. */
bool bench_rig_replace_policy(struct bench_rig *, uint16_t rules);
/* bench_rig_blacklist_outside: the network from which floods come. => false: no room */
bool bench_rig_blacklist_outside(struct bench_rig *);

/* New sessions in `batches` of `count` a run, each removed before the next.  Three rows: the rate,
 * and the two halves of its cost. */
struct bench_making {
	const char *name;
	const struct bench_shape *shape;
	uint16_t rules;
	uint32_t count, batches;
	double limit; /* sessions a second per worker, removal included; 0 = none */
};
void bench_make(struct bench_rig *, const struct bench_options *, const struct bench_making *);

/* Parts: see docs/testing.md. */
void bench_established(const struct bench_options *);
void bench_new(const struct bench_options *);
void bench_rules(const struct bench_options *);
void bench_full(const struct bench_options *);
void bench_flood(const struct bench_options *);
void bench_fragments(const struct bench_options *);
void bench_workers(const struct bench_options *);
void bench_mirror(const struct bench_options *);
void bench_reload(const struct bench_options *);
void bench_nat(const struct bench_options *);
