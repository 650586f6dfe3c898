/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Floods: what one packet costs that is to be dropped.  Random senders, a table with established
 * sessions in it, so that the look-up misses as it does in a real flood.
 */
#include "bench.h"

#include <stdio.h>

struct flood {
	const char *name;
	const struct bench_shape *shape;
	uint16_t rules;
	unsigned int dir;	 /* 1: from outside to a server inside; 0: from inside to it */
	enum drop_reason reason; /* why every one of them must be dropped */
};

static double
drop(struct bench_rig *r, const struct flood *flood, uint32_t packets, uint64_t *seed)
{
	struct rte_mbuf *m[BENCH_BURST];
	struct worker_stats before, after;
	uint64_t cycles = 0;
	uint32_t out;

	worker_stats(r->worker[0], &before);
	for (uint32_t i = 0; i < packets; i += BENCH_BURST) {
		for (uint32_t j = 0; j < BENCH_BURST; j++)
			m[j] = bench_flood_packet(r, flood->shape, flood->dir, bench_random(seed));
		cycles += bench_turn(r, flood->dir, m, BENCH_BURST, &out);
	}
	worker_stats(r->worker[0], &after);
	if (after.drops[flood->reason] - before.drops[flood->reason] != packets)
		bench_fatal("packets of a flood dropped for the expected reason",
			after.drops[flood->reason] - before.drops[flood->reason], packets);
	return (double)cycles / packets;
}

void
bench_flood(const struct bench_options *o)
{
	static const struct flood floods[] = {
		{ "flood: SYN no rule permits", &bench_syn, 10, 1, DROP_policy },
		{ "flood: UDP no rule permits", &bench_udp, 10, 1, DROP_policy },
		{ "flood: SYN no rule permits", &bench_syn, 10000, 1, DROP_policy },
		{ "flood: SYN between zones without a rule", &bench_syn, 10000, 0, DROP_policy },
		{ "flood: UDP from a blacklisted network", &bench_udp, 10, 1, DROP_blacklist },
		{ "flood: segment without a session", &bench_ack, 10, 1, DROP_no_session },
	};
	const uint32_t sessions = RTE_MIN(100000U, o->max_sessions);

	for (unsigned int f = 0; f < RTE_DIM(floods); f++) {
		struct bench_result result = { .name = floods[f].name,
			.unit = "cycles/packet",
			.sessions = sessions,
			.rules = floods[f].rules,
			.runs = o->runs,
			.limit = 100,
			.wanted = WANTED_AT_MOST };
		uint64_t seed = 2685821657736338717ULL;
		struct bench_rig rig;

		if (bench_rig_simple(&rig, sessions, floods[f].rules)) {
			bench_establish(&rig, &bench_udp, sessions);
			if (floods[f].reason == DROP_blacklist &&
				!bench_rig_blacklist_outside(&rig))
				bench_fatal("entries in the blacklist", 0, 1);
			drop(&rig, &floods[f], o->packets / 4 & ~31U, &seed);
			for (unsigned int i = 0; i < o->runs; i++)
				result.values[i] = drop(&rig, &floods[f], o->packets, &seed);
			result.floor = bench_floor(&rig, floods[f].shape, sessions, o);
			bench_report(&result);
		}
		bench_rig_destroy(&rig);
	}
}
