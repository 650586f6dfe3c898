/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments: what one costs of a datagram that is forwarded, and in a flood of first fragments that
 * push each other out of a full table.
 */
#include "bench.h"
#include "frag_table.h"

#include <rte_ip.h>

#define PAYLOAD 24 /* bytes of each fragment; how many there are costs nothing */

/* Part `part` of `parts` of a datagram of session i. */
static struct rte_mbuf *
fragment(struct bench_rig *r, uint32_t i, uint16_t id, uint16_t part, uint16_t parts)
{
	struct rte_mbuf *m = bench_packet(r, &bench_udp, i, 0);
	struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	const uint16_t more = part + 1 < parts ? RTE_IPV4_HDR_MF_FLAG : 0;

	ip->packet_id = rte_cpu_to_be_16(id);
	ip->total_length = RTE_BE16(sizeof(*ip) + PAYLOAD);
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)(more | part * PAYLOAD / 8));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return m;
}

/* Datagrams of established sessions, each of `parts` fragments, in reverse order or not.
 * => cycles per fragment; all must come out. */
static double
datagrams(struct bench_rig *r, uint32_t sessions, uint16_t parts, bool reverse, uint32_t packets,
	uint64_t *seed)
{
	struct rte_mbuf *m[BENCH_BURST];
	uint32_t sent = 0, fed = 0, n = 0, out;
	uint64_t cycles = 0;

	for (uint16_t id = 0; fed + n < packets / parts * parts; id++) {
		const uint32_t session = (uint32_t)(bench_random(seed) % sessions);

		for (uint16_t part = 0; part < parts; part++) {
			const uint16_t at = reverse ? (uint16_t)(parts - 1 - part) : part;

			m[n++] = fragment(r, session, id, at, parts);
			if (n < BENCH_BURST)
				continue;
			cycles += bench_turn(r, 0, m, n, &out);
			fed += n;
			sent += out;
			n = 0;
		}
	}
	if (n > 0)
		cycles += bench_turn(r, 0, m, n, &out);
	fed += n;
	sent += n > 0 ? out : 0;
	if (sent != fed)
		bench_fatal("fragments that come out", sent, fed);
	return (double)cycles / fed;
}

/* Lone first fragments: each new one pushes the oldest out. */
static double
flood(struct bench_rig *r, uint32_t packets, uint64_t *seed)
{
	struct rte_mbuf *m[BENCH_BURST];
	struct frag_stats before, after;
	uint64_t cycles = 0;
	uint32_t out;

	frag_table_stats(engine_fragments(r->engine), &before);
	for (uint32_t i = 0; i < packets; i += BENCH_BURST) {
		for (uint32_t j = 0; j < BENCH_BURST; j++)
			m[j] = fragment(r, (uint32_t)bench_random(seed), (uint16_t)i, 0, 2);
		cycles += bench_turn(r, 0, m, BENCH_BURST, &out);
	}
	frag_table_stats(engine_fragments(r->engine), &after);
	if (after.datagrams > after.max_datagrams || after.buffers > after.max_buffers)
		bench_fatal("buffers held in a flood", after.buffers, after.max_buffers);
	if (after.begun - before.begun + after.max_datagrams < packets)
		bench_fatal("datagrams of a flood", after.begun - before.begun, packets);
	return (double)cycles / packets;
}

void
bench_fragments(const struct bench_options *o)
{
	static const struct {
		const char *name;
		uint16_t parts;
		bool reverse;
	} rows[] = {
		{ "fragments: datagrams of 2", 2, false },
		{ "fragments: datagrams of 14", 14, false },
		{ "fragments: datagrams of 14, in reverse order", 14, true },
		{ "fragments: flood of first ones", 0, false },
	};
	const uint32_t sessions = RTE_MIN(100000U, o->max_sessions);

	for (unsigned int k = 0; k < RTE_DIM(rows); k++) {
		struct bench_result result = { .name = rows[k].name,
			.unit = "cycles/packet",
			.sessions = sessions,
			.rules = 1,
			.runs = o->runs };
		uint64_t seed = 2685821657736338717ULL;
		struct bench_rig rig;

		if (bench_rig_simple(&rig, sessions, 1)) {
			bench_establish(&rig, &bench_udp, sessions);
			for (unsigned int i = 0; i < o->runs; i++)
				result.values[i] =
					rows[k].parts == 0
						? flood(&rig, o->packets, &seed)
						: datagrams(&rig, sessions, rows[k].parts,
							  rows[k].reverse, o->packets, &seed);
			bench_report(&result);
		}
		bench_rig_destroy(&rig);
	}
}
