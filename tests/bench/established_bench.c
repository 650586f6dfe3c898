/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Established sessions: cycles per packet in uniformly random order over tables of a thousand to
 * ten million.
 */
#include "bench.h"

#include <stdio.h>

struct kind {
	const char *name;
	const struct bench_shape *shape;
	bool wanted; /* the limits below are meant for it */
};

static const struct kind kinds[] = {
	{ "established IPv4 UDP", &bench_udp, true }, { "established IPv4 TCP", &bench_ack, false },
	{ "established IPv6 UDP", &bench_udp6, false }, /* wanted: at most 1.35 x IPv4 */
};

static const struct size {
	uint32_t sessions;
	double limit; /* cycles per packet, 0 = none */
} sizes[] = { { 1000, 0 }, { 100000, 190 }, { 1000000, 260 }, { 10000000, 320 } };

static void
memory_row(const struct bench_rig *r)
{
	const struct session_table *t = engine_sessions(r->engine);
	struct bench_result memory = { .name = "memory of the session table",
		.unit = "bytes/session",
		.sessions = session_table_capacity(t),
		.runs = 1,
		.limit = 208,
		.wanted = WANTED_AT_MOST };

	memory.values[0] = (double)session_table_memory(t) / memory.sessions;
	bench_report(&memory);
}

static void
established(const struct bench_options *o, const struct kind *kind, const struct size *size)
{
	struct bench_result result = { .name = kind->name,
		.unit = "cycles/packet",
		.sessions = size->sessions,
		.rules = 10,
		.runs = o->runs,
		.limit = size->limit,
		.wanted = kind->wanted && size->limit > 0 ? WANTED_AT_MOST : WANTED_NOTHING };
	uint64_t seed = 88172645463325252ULL;
	struct bench_rig rig;

	if (!bench_rig_simple(&rig, size->sessions, 10)) {
		fprintf(stderr, "bench: %u sessions left out\n", size->sessions);
		bench_rig_destroy(&rig);
		return;
	}
	bench_establish(&rig, kind->shape, size->sessions);
	bench_random_order(&rig, kind->shape, size->sessions, o->packets / 4 & ~31U, &seed);
	for (unsigned int i = 0; i < o->runs; i++)
		result.values[i] =
			bench_random_order(&rig, kind->shape, size->sessions, o->packets, &seed);
	result.floor = bench_floor(&rig, kind->shape, size->sessions, o);
	bench_report(&result);
	/* A table of a thousand is mostly its fixed parts. */
	if (kind == &kinds[0] && size->sessions >= 100000)
		memory_row(&rig);
	bench_rig_destroy(&rig);
}

void
bench_established(const struct bench_options *o)
{
	for (unsigned int k = 0; k < RTE_DIM(kinds); k++) {
		for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
			if (sizes[i].sessions <= o->max_sessions)
				established(o, &kinds[k], &sizes[i]);
		}
	}
}
