/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translated sessions: established ones beside the same without translation, new ones from a pool
 * that is free and from one that is nearly used up, and packets that find it used up.
 */
#include "bench.h"
#include "nat_group.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDRESSES     32 /* of the group of established sessions */
#define NEW_ADDRESSES 4
#define NEW_COUNT     200000U
#define PORTS	      64512U /* of an address: 1024 and above */
#define RULES	      10

static bool
create(struct bench_rig *rig, uint32_t sessions, uint16_t addresses)
{
	const struct bench_spec spec = { .sessions = sessions + sessions / 8 + 1024,
		.workers = 1,
		.rules = RULES,
		.event_ring = 1024,
		.nat_addresses = addresses };

	return bench_rig_create(rig, &spec);
}

static void
memory_row(const struct bench_rig *r)
{
	const struct session_table *t = engine_sessions(r->engine);
	struct bench_result memory = { .name = "memory of the session table, with NAT",
		.unit = "bytes/session",
		.sessions = session_table_capacity(t),
		.runs = 1,
		.limit = 128 + 160,
		.wanted = WANTED_AT_MOST };

	memory.values[0] = (double)session_table_memory(t) / memory.sessions;
	bench_report(&memory);
}

struct kind {
	const char *plain, *pat, *extra;
	const struct bench_shape *shape;
};

/* The two rigs in turn, so that both meet the same moments of a shared machine. */
static void
established(const struct bench_options *o, const struct kind *kind, uint32_t sessions)
{
	struct bench_result plain = { .name = kind->plain,
		.unit = "cycles/packet",
		.sessions = sessions,
		.rules = RULES,
		.runs = o->runs };
	struct bench_result pat = plain, extra = plain;
	uint64_t seed = 88172645463325252ULL;
	struct bench_rig rigs[2] = { 0 };

	pat.name = kind->pat;
	extra.name = kind->extra;
	extra.wanted = WANTED_AT_MOST;
	extra.limit = 40;
	if (!create(&rigs[0], sessions, 0) || !create(&rigs[1], sessions, ADDRESSES)) {
		fprintf(stderr, "bench: %u sessions left out\n", sessions);
		goto out;
	}
	for (unsigned int i = 0; i < 2; i++) {
		bench_establish(&rigs[i], kind->shape, sessions);
		bench_random_order(&rigs[i], kind->shape, sessions, o->packets / 4 & ~31U, &seed);
	}
	for (unsigned int i = 0; i < o->runs; i++) {
		plain.values[i] =
			bench_random_order(&rigs[0], kind->shape, sessions, o->packets, &seed);
		pat.values[i] =
			bench_random_order(&rigs[1], kind->shape, sessions, o->packets, &seed);
		extra.values[i] = pat.values[i] - plain.values[i];
	}
	plain.floor = pat.floor = bench_floor(&rigs[0], kind->shape, sessions, o);
	bench_report(&plain);
	bench_report(&pat);
	bench_report(&extra);
	if (kind->shape == &bench_udp && sessions >= 100000)
		memory_row(&rigs[1]);
out:
	bench_rig_destroy(&rigs[1]);
	bench_rig_destroy(&rigs[0]);
}

static struct nat_want
want_of(uint32_t i)
{
	return (struct nat_want){ .proto = IPPROTO_UDP,
		.host = (rte_be32_t)i,
		.port = rte_cpu_to_be_16((uint16_t)(1024 + i % PORTS)),
		.remote = RTE_BE32(0xc801010a),
		.remote_port = RTE_BE16(BENCH_PORT_SERVE) };
}

/* All ports of the group are taken, then all but `used` given back, here and there. */
static void
use(struct bench_rig *rig, uint32_t used)
{
	const uint32_t all = NEW_ADDRESSES * PORTS;
	struct nat_groups *groups = engine_nat_groups(rig->engine);
	const uint16_t id = nat_groups_find(groups, "bench");
	struct nat_got *got = calloc(all, sizeof(*got));
	uint64_t seed = 88172645463325252ULL;
	uint32_t n;

	if (got == NULL)
		bench_fatal("memory for ports", 0, all);
	for (n = 0; n < all; n++) {
		const struct nat_want w = want_of(n);

		if (nat_groups_take(groups, id, &w, &got[n]) != NAT_OK)
			bench_fatal("ports taken", n, all);
	}
	for (; n > used; n--) {
		const uint32_t i = (uint32_t)(bench_random(&seed) % n);

		nat_groups_give(groups, id, IPPROTO_UDP, &got[i]);
		got[i] = got[n - 1];
	}
	free(got);
}

/* New sessions; `part` hundredths of the ports are in use while they are made. */
static void
new_sessions(const struct bench_options *o, const struct bench_making *m, unsigned int part)
{
	const bool nat = m->limit > 0;
	struct bench_rig rig;

	if (create(&rig, m->count, nat ? NEW_ADDRESSES : 0)) {
		if (part > 0)
			use(&rig, NEW_ADDRESSES * PORTS / 100 * part - m->count / 2);
		bench_make(&rig, o, m);
	}
	bench_rig_destroy(&rig);
}

/* First packets when no port is left: every one is dropped. */
static void
used_up(const struct bench_options *o)
{
	struct bench_result result = { .name = "PAT: first packets, no port left",
		.unit = "cycles/packet",
		.rules = RULES,
		.runs = o->runs };
	struct rte_mbuf *m[BENCH_BURST];
	struct worker_stats stats;
	struct bench_rig rig;
	uint64_t sent = 0;

	if (create(&rig, 1000, NEW_ADDRESSES)) {
		use(&rig, NEW_ADDRESSES * PORTS);
		for (unsigned int i = 0; i < o->runs; i++) {
			const uint32_t turns = o->packets / BENCH_BURST / 8;
			uint64_t cycles = 0;

			for (uint32_t turn = 0; turn < turns; turn++) {
				uint32_t out;

				for (uint32_t j = 0; j < BENCH_BURST; j++)
					m[j] = bench_packet(&rig, &bench_udp, (uint32_t)sent++, 0);
				cycles += bench_turn(&rig, 0, m, BENCH_BURST, &out);
			}
			result.values[i] = (double)cycles / (turns * BENCH_BURST);
		}
		worker_stats(rig.worker[0], &stats);
		if (stats.drops[DROP_nat_exhausted] != sent)
			bench_fatal(
				"packets without a port", stats.drops[DROP_nat_exhausted], sent);
		bench_report(&result);
	}
	bench_rig_destroy(&rig);
}

void
bench_nat(const struct bench_options *o)
{
	static const struct kind kinds[] = {
		{ "established IPv4 UDP, not translated", "established IPv4 UDP, PAT",
			"  extra for PAT", &bench_udp },
		{ "established IPv4 TCP, not translated", "established IPv4 TCP, PAT",
			"  extra for PAT", &bench_ack },
	};
	static const uint32_t sizes[] = { 1000, 100000, 1000000 };
	/* From a pool that is free at first, until three quarters are used; from one that is
	 * nearly used up. */
	static const struct bench_making makings[] = {
		{ "new UDP sessions, not translated", &bench_udp, RULES, NEW_COUNT, 1, 0 },
		{ "new UDP sessions, PAT, 4 addresses", &bench_udp, RULES, NEW_COUNT, 1, 400000 },
		{ "new TCP sessions (SYN), PAT, 4 addresses", &bench_syn, RULES, NEW_COUNT, 1,
			400000 },
	};
	static const struct bench_making nearly = { "new UDP sessions, PAT, 95 % of ports in use",
		&bench_udp, RULES, 8192, 16, 200000 };

	for (unsigned int k = 0; k < RTE_DIM(kinds); k++) {
		for (unsigned int i = 0; i < RTE_DIM(sizes); i++) {
			if (sizes[i] <= o->max_sessions)
				established(o, &kinds[k], sizes[i]);
		}
	}
	for (unsigned int i = 0; i < RTE_DIM(makings); i++)
		new_sessions(o, &makings[i], 0);
	new_sessions(o, &nearly, 95);
	used_up(o);
}
