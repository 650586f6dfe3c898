/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the session table behaves while it fills up, and what established traffic suffers when it is
 * full and new sessions keep coming: nothing may be lost.
 */
#include "bench.h"

#include <rte_cycles.h>

#include <stdio.h>

#define CAPACITY 1000000U

/* New sessions until the table takes no more.  => how many it has taken. */
static uint32_t
fill_up(struct bench_rig *r, uint32_t from)
{
	struct session_table *t = engine_sessions(r->engine);
	struct rte_mbuf *m[BENCH_BURST];
	uint32_t out = BENCH_BURST;

	for (; out > 0; from += BENCH_BURST) {
		for (uint32_t j = 0; j < BENCH_BURST; j++)
			m[j] = bench_packet(r, &bench_udp, from + j, 0);
		bench_turn(r, 0, m, BENCH_BURST, &out);
		if (from > 2 * CAPACITY)
			bench_fatal(
				"sessions that fill the table", from, session_table_capacity(t));
	}
	return session_table_count(t);
}

/* Bursts of half established packets, half first packets of sessions that find no room.
 * => cycles per packet; *lost counts established packets that did not come out. */
static double
under_flood(struct bench_rig *r, uint32_t sessions, uint32_t fresh, uint32_t packets,
	uint64_t *seed, uint64_t *lost)
{
	struct rte_mbuf *m[BENCH_BURST];
	uint64_t cycles = 0;
	uint32_t out;

	for (uint32_t i = 0; i < packets; i += BENCH_BURST) {
		for (uint32_t j = 0; j < BENCH_BURST; j++) {
			const uint32_t session =
				j & 1 ? fresh + i + j : (uint32_t)(bench_random(seed) % sessions);

			m[j] = bench_packet(r, &bench_udp, session, 0);
		}
		cycles += bench_turn(r, 0, m, BENCH_BURST, &out);
		if (out > BENCH_BURST / 2)
			bench_fatal("packets out of a full table", out, BENCH_BURST / 2);
		*lost += BENCH_BURST / 2 - out;
	}
	return (double)cycles / packets;
}

static void
full(const struct bench_options *o, struct bench_rig *r, uint32_t established)
{
	const uint32_t held = fill_up(r, established);
	struct bench_result part = { .name = "table full: established",
		.unit = "cycles/packet",
		.sessions = held,
		.runs = o->runs };
	struct bench_result mixed = { .name = "table full: half established, half new (refused)",
		.unit = "cycles/packet",
		.sessions = held,
		.runs = o->runs };
	struct bench_result loss = { .name = "table full: established packets lost meanwhile",
		.unit = "packets",
		.sessions = held,
		.runs = o->runs,
		.wanted = WANTED_AT_MOST };
	uint64_t seed = 362436069362436069ULL;

	for (unsigned int i = 0; i < o->runs; i++) {
		uint64_t lost = 0;

		part.values[i] = bench_random_order(r, &bench_udp, established, o->packets, &seed);
		mixed.values[i] = under_flood(
			r, established, 4 * CAPACITY, o->packets / 2 & ~31U, &seed, &lost);
		loss.values[i] = (double)lost;
	}
	part.floor = bench_floor(r, &bench_udp, established, o);
	bench_report(&part);
	bench_report(&mixed);
	bench_report(&loss);
}

void
bench_full(const struct bench_options *o)
{
	static const struct {
		const char *name;
		uint32_t percent;
	} steps[] = { { "table 10 % full: established", 10 },
		{ "table 50 % full: established", 50 }, { "table 90 % full: established", 90 } };
	const uint32_t capacity = RTE_MIN(CAPACITY, o->max_sessions);
	const struct bench_spec spec = {
		.sessions = capacity, .workers = 1, .rules = 10, .event_ring = 1024
	};
	uint64_t seed = 521288629546311ULL;
	uint32_t held = 0;
	struct bench_rig rig;

	if (!bench_rig_create(&rig, &spec)) {
		bench_rig_destroy(&rig);
		return;
	}
	for (unsigned int s = 0; s < RTE_DIM(steps); s++) {
		const uint32_t want = (uint32_t)((uint64_t)capacity * steps[s].percent / 100);
		struct bench_result result = { .name = steps[s].name,
			.unit = "cycles/packet",
			.sessions = want,
			.runs = o->runs };

		bench_pass(&rig, &bench_udp, held, want - held, 0);
		bench_pass(&rig, &bench_udp, held, want - held, 1);
		held = want;
		for (unsigned int i = 0; i < o->runs; i++)
			result.values[i] =
				bench_random_order(&rig, &bench_udp, held, o->packets, &seed);
		result.floor = bench_floor(&rig, &bench_udp, held, o);
		bench_report(&result);
	}
	full(o, &rig, held);
	bench_rig_destroy(&rig);
}
