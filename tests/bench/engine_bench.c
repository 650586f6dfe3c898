/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_tcp.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST 32

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
give_up(const char *what, uint32_t got, uint32_t want)
{
	fprintf(stderr, "bench: %s: %u of %u packets came through\n", what, got, want);
	exit(EXIT_FAILURE);
}

/* One packet of each session first..first+n-1.  => cycles. */
static uint64_t
pass(struct bench_rig *r, uint32_t first, uint32_t n, unsigned int dir, uint8_t proto,
	uint8_t flags)
{
	struct rte_mbuf *m[BURST];
	uint64_t cycles = 0;
	uint32_t out;

	for (uint32_t i = 0; i < n; i += BURST) {
		const uint32_t k = RTE_MIN((uint32_t)BURST, n - i);

		for (uint32_t j = 0; j < k; j++)
			m[j] = bench_packet(r, first + i + j, dir, proto, flags);
		cycles += bench_turn(r, dir, m, k, &out);
		if (out != k)
			give_up("set-up", out, k);
	}
	return cycles;
}

static void
establish(struct bench_rig *r, uint32_t sessions, uint8_t proto)
{
	if (proto == IPPROTO_UDP) {
		pass(r, 0, sessions, 0, proto, 0);
		pass(r, 0, sessions, 1, proto, 0);
		return;
	}
	pass(r, 0, sessions, 0, proto, RTE_TCP_SYN_FLAG);
	pass(r, 0, sessions, 1, proto, RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG);
	pass(r, 0, sessions, 0, proto, RTE_TCP_ACK_FLAG);
}

/* Packets of sessions in random order, bursts of either direction in turn.  => cycles per packet.
 */
static double
random_order(
	struct bench_rig *r, uint32_t sessions, uint32_t packets, uint8_t proto, uint64_t *seed)
{
	struct rte_mbuf *m[BURST];
	uint64_t cycles = 0;
	uint32_t out;

	for (uint32_t i = 0; i < packets; i += BURST) {
		const unsigned int dir = (i / BURST) & 1;

		for (uint32_t j = 0; j < BURST; j++)
			m[j] = bench_packet(r, (uint32_t)(next_random(seed) % sessions), dir, proto,
				RTE_TCP_ACK_FLAG);
		cycles += bench_turn(r, dir, m, BURST, &out);
		if (out != BURST)
			give_up("established", out, BURST);
	}
	return (double)cycles / packets;
}

/* The same bursts through a loop that only swaps MAC addresses. */
static double
floor_of(struct bench_rig *r, uint32_t sessions, uint32_t packets, uint64_t *seed)
{
	struct rte_mbuf *m[BURST], *got[BURST];
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < packets; i += BURST) {
		const unsigned int in = (i / BURST) & 1;
		uint64_t start;
		uint32_t out;

		for (uint32_t j = 0; j < BURST; j++)
			m[j] = bench_packet(
				r, (uint32_t)(next_random(seed) % sessions), in, IPPROTO_UDP, 0);
		rte_ring_enqueue_bulk(r->rx[in], (void *const *)m, BURST, NULL);
		start = rte_rdtsc_precise();
		for (unsigned int p = 0; p < 2; p++) {
			const uint16_t n = rte_eth_rx_burst(r->ethdev[p], 0, got, BURST);

			for (uint16_t j = 0; j < n; j++) {
				struct rte_ether_hdr *eth =
					rte_pktmbuf_mtod(got[j], struct rte_ether_hdr *);
				const struct rte_ether_addr src = eth->src_addr;

				eth->src_addr = eth->dst_addr;
				eth->dst_addr = src;
			}
			if (n > 0)
				rte_eth_tx_burst(r->ethdev[!p], 0, got, n);
		}
		cycles += rte_rdtsc_precise() - start;
		out = rte_ring_dequeue_burst(r->tx[!in], (void **)got, BURST, NULL);
		rte_pktmbuf_free_bulk(got, out);
		if (out != BURST)
			give_up("floor", out, BURST);
	}
	return (double)cycles / packets;
}

static double
limit_of(uint8_t proto, uint32_t sessions)
{
	if (proto != IPPROTO_UDP)
		return 0;
	return sessions == 100000 ? 260 : sessions == 1000000 ? 370 : 0;
}

static void
established(const struct bench_options *o, uint32_t sessions, uint8_t proto)
{
	struct bench_result result = { .name = proto == IPPROTO_UDP ? "established IPv4 UDP"
								    : "established IPv4 TCP",
		.unit = "cycles/packet",
		.sessions = sessions,
		.runs = o->runs,
		.limit = limit_of(proto, sessions),
		.at_most = true };
	struct bench_result floor_result = { .name = "floor: swap MACs",
		.unit = "cycles/packet",
		.sessions = sessions,
		.runs = o->runs };
	uint64_t seed = 88172645463325252ULL;
	struct bench_rig rig;

	if (!bench_rig_create(&rig, sessions + sessions / 8 + 1024, 1024)) {
		fprintf(stderr, "bench: %u sessions left out\n", sessions);
		bench_rig_destroy(&rig);
		return;
	}
	establish(&rig, sessions, proto);
	random_order(&rig, sessions, o->packets / 4, proto, &seed); /* warm up */
	for (unsigned int i = 0; i < o->runs; i++) {
		result.values[i] = random_order(&rig, sessions, o->packets, proto, &seed);
		floor_result.values[i] = floor_of(&rig, sessions, o->packets / 4, &seed);
	}
	bench_report(&result);
	bench_report(&floor_result);
	/* A table of a thousand is mostly its fixed parts. */
	if (proto == IPPROTO_UDP && sessions >= 100000) {
		struct bench_result memory = { .name = "memory of the session table",
			.unit = "bytes/session",
			.sessions = session_table_capacity(engine_sessions(rig.engine)),
			.runs = 1,
			.limit = 208,
			.at_most = true,
			.note = "128 slab + 80 index" };

		memory.values[0] =
			(double)session_table_memory(engine_sessions(rig.engine)) / memory.sessions;
		bench_report(&memory);
	}
	bench_rig_destroy(&rig);
}

void
bench_established(const struct bench_options *o)
{
	static const uint32_t sizes[] = { 1000, 100000, 1000000, 10000000 };
	static const uint8_t protocols[] = { IPPROTO_UDP, IPPROTO_TCP };

	for (unsigned int p = 0; p < RTE_DIM(protocols); p++) {
		for (unsigned int i = 0; i < RTE_DIM(sizes) && sizes[i] <= o->max_sessions; i++)
			established(o, sizes[i], protocols[p]);
	}
}

void
bench_new_sessions(const struct bench_options *o)
{
	const uint32_t count = RTE_MIN(500000U, o->max_sessions);
	struct bench_result result = { .name = "new IPv4 UDP sessions, policy and removal included",
		.unit = "sessions/s per worker",
		.sessions = count,
		.runs = o->runs,
		.limit = 400000 };
	struct bench_result create = { .name = "  of which creation",
		.unit = "cycles/session",
		.sessions = count,
		.runs = o->runs };
	struct bench_result removal = { .name = "  of which removal",
		.unit = "cycles/session",
		.sessions = count,
		.runs = o->runs };
	struct bench_rig rig;

	if (!bench_rig_create(&rig, count + count / 8 + 1024, 1024)) {
		bench_rig_destroy(&rig);
		return;
	}
	for (unsigned int i = 0; i < o->runs; i++) {
		uint64_t made, removed = 0;

		made = pass(&rig, i * count, count, 0, IPPROTO_UDP, 0);
		for (uint32_t turn = 0; session_table_count(engine_sessions(rig.engine)) > 0;
			turn++) {
			uint64_t start;

			rig.now = mono_add_ms(rig.now, 10);
			start = rte_rdtsc_precise();
			worker_poll(rig.worker, rig.now);
			removed += rte_rdtsc_precise() - start;
			if (turn > 10000000) {
				fprintf(stderr, "bench: sessions do not age\n");
				exit(EXIT_FAILURE);
			}
		}
		create.values[i] = (double)made / count;
		removal.values[i] = (double)removed / count;
		result.values[i] = (double)rte_get_tsc_hz() * count / (double)(made + removed);
	}
	bench_report(&result);
	bench_report(&create);
	bench_report(&removal);
	bench_rig_destroy(&rig);
}
