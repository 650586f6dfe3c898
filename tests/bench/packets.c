/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bench's packets, the turns that take them through worker 0, and the floor.
 */
#include "bench.h"
#include "ipv4.h"
#include "session_key.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSIDE	IPV4(10, 0, 0, 0)
#define OUTSIDE IPV4(200, 0, 0, 0)

const struct bench_shape bench_udp = { .family = 4, .proto = IPPROTO_UDP };
const struct bench_shape bench_udp6 = { .family = 6, .proto = IPPROTO_UDP };
const struct bench_shape bench_syn = {
	.family = 4, .proto = IPPROTO_TCP, .tcp_flags = RTE_TCP_SYN_FLAG
};
const struct bench_shape bench_synack = {
	.family = 4, .proto = IPPROTO_TCP, .tcp_flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG
};
const struct bench_shape bench_ack = {
	.family = 4, .proto = IPPROTO_TCP, .tcp_flags = RTE_TCP_ACK_FLAG
};

struct endpoints {
	rte_be32_t src, dst;
	rte_be16_t sport, dport;
};

struct bench_outside {
	rte_be32_t addr;
	rte_be16_t port;
};

static struct endpoints
endpoints_of(const struct bench_rig *r, uint32_t i, unsigned int dir)
{
	struct endpoints e = { .src = rte_cpu_to_be_32(INSIDE + (i & 0xffffff)),
		.dst = RTE_BE32(OUTSIDE + 0x01010a),
		.sport = rte_cpu_to_be_16((uint16_t)(1024 + (i * 7) % 50000)),
		.dport = RTE_BE16(BENCH_PORT_SERVE) };

	if (dir != 0 && r->outside != NULL) {
		e.src = r->outside[i].addr;
		e.sport = r->outside[i].port;
	}
	if (dir != 0)
		e = (struct endpoints){
			.src = e.dst, .dst = e.src, .sport = e.dport, .dport = e.sport
		};
	return e;
}

uint64_t
bench_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
fill_tcp(struct rte_tcp_hdr *tcp, const struct bench_shape *shape, unsigned int dir)
{
	const bool syn = (shape->tcp_flags & RTE_TCP_SYN_FLAG) != 0;
	const uint32_t seq = (dir == 0 ? 1000U : 5000U) + !syn + shape->seq_add;
	const uint32_t ack = (dir == 0 ? 5001U : 1001U) + shape->ack_add;

	tcp->sent_seq = rte_cpu_to_be_32(seq);
	tcp->recv_ack = (shape->tcp_flags & RTE_TCP_ACK_FLAG) == 0 ? 0 : rte_cpu_to_be_32(ack);
	tcp->data_off = sizeof(*tcp) / 4 << 4;
	tcp->tcp_flags = shape->tcp_flags;
	tcp->rx_win = RTE_BE16(65535);
}

/* The IPv4 addresses behind 2001:db8:4::/96. */
static void
put_address6(uint8_t to[16], rte_be32_t address)
{
	static const uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x04 };

	memcpy(to, prefix, sizeof(prefix));
	memcpy(to + 12, &address, sizeof(address));
}

/* => where L4 begins */
static void *
fill_ip4(void *at, const struct bench_shape *shape, const struct endpoints *e, uint16_t l4_len)
{
	struct rte_ipv4_hdr *ip = at;

	*ip = (struct rte_ipv4_hdr){ .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + l4_len)),
		.time_to_live = 64,
		.next_proto_id = shape->proto,
		.src_addr = e->src,
		.dst_addr = e->dst };
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return ip + 1;
}

static void *
fill_ip6(void *at, const struct bench_shape *shape, const struct endpoints *e, uint16_t l4_len)
{
	struct rte_ipv6_hdr *ip6 = at;

	*ip6 = (struct rte_ipv6_hdr){ .vtc_flow = RTE_BE32(0x60000000),
		.payload_len = rte_cpu_to_be_16(l4_len),
		.proto = shape->proto,
		.hop_limits = 64 };
	put_address6(ip6->src_addr, e->src);
	put_address6(ip6->dst_addr, e->dst);
	return ip6 + 1;
}

static struct rte_mbuf *
make_packet(struct bench_rig *r, const struct bench_shape *shape, const struct endpoints *e,
	unsigned int dir)
{
	static const struct rte_ether_addr router = { { 2, 0, 0, 0, 9, 9 } };
	const bool six = shape->family == 6;
	const uint16_t l4_len = shape->proto == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr) : 8 + 18;
	const uint16_t len = (uint16_t)(RTE_ETHER_HDR_LEN + (six ? 40 : 20) + 26);
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);
	struct rte_ether_hdr *eth = m == NULL ? NULL : (void *)rte_pktmbuf_append(m, len);
	struct rte_udp_hdr *udp;
	void *ip;

	if (eth == NULL)
		bench_fatal("packet buffers left", 0, 1);
	memset(eth, 0, len);
	eth->dst_addr = r->ports[dir].mac;
	eth->src_addr = router;
	eth->ether_type = six ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	ip = eth + 1;
	udp = six ? fill_ip6(ip, shape, e, l4_len) : fill_ip4(ip, shape, e, l4_len);
	/* The ports are in the same place. */
	*udp = (struct rte_udp_hdr){
		.src_port = e->sport, .dst_port = e->dport, .dgram_len = RTE_BE16(8 + 18)
	};
	if (shape->proto == IPPROTO_TCP) {
		struct rte_tcp_hdr *tcp = (void *)udp;

		fill_tcp(tcp, shape, dir);
		tcp->cksum = six ? rte_ipv6_udptcp_cksum(ip, tcp) : rte_ipv4_udptcp_cksum(ip, tcp);
	} else if (six) {
		udp->dgram_cksum =
			rte_ipv6_udptcp_cksum(ip, udp); /* over IPv4 it may be left out */
	}
	return m;
}

struct rte_mbuf *
bench_packet(struct bench_rig *r, const struct bench_shape *shape, uint32_t i, unsigned int dir)
{
	const struct endpoints e = endpoints_of(r, i, dir);

	return make_packet(r, shape, &e, dir);
}

struct rte_mbuf *
bench_flood_packet(
	struct bench_rig *r, const struct bench_shape *shape, unsigned int dir, uint64_t random)
{
	const uint32_t net = dir == 0 ? INSIDE : OUTSIDE;
	const struct endpoints e = { .src = rte_cpu_to_be_32(net + (random & 0xffffff)),
		.dst = RTE_BE32(INSIDE + 0x01010a),
		.sport = (rte_be16_t)(random >> 24),
		.dport = RTE_BE16(80) };

	return make_packet(r, shape, &e, dir);
}

uint16_t
bench_home(const struct bench_rig *r, const struct bench_shape *shape, uint32_t i)
{
	const struct endpoints e = endpoints_of(r, i, 0);
	struct session_key4 key;

	if (shape->family == 6) {
		uint8_t src[16], dst[16];
		struct session_key6 key6;

		put_address6(src, e.src);
		put_address6(dst, e.dst);
		session_key6_make(&key6, src, dst, e.sport, e.dport, shape->proto);
		return session_table_home6(engine_sessions(r->engine), &key6);
	}
	session_key4_make(&key, e.src, e.dst, e.sport, e.dport, shape->proto);
	return session_table_home4(engine_sessions(r->engine), &key);
}

uint64_t
bench_turn(struct bench_rig *r, unsigned int in, struct rte_mbuf **m, uint32_t n, uint32_t *out)
{
	struct rte_mbuf *done[2 * BENCH_BURST];
	uint64_t start, cycles;

	rte_ring_enqueue_bulk(r->rx[in][0], (void *const *)m, n, NULL);
	start = rte_rdtsc_precise();
	worker_poll(r->worker[0], r->now);
	cycles = rte_rdtsc_precise() - start;
	*out = rte_ring_dequeue_burst(r->tx[!in][0], (void **)done, RTE_DIM(done), NULL);
	rte_pktmbuf_free_bulk(done, *out);
	return cycles;
}

uint64_t
bench_pass(struct bench_rig *r, const struct bench_shape *shape, uint32_t first, uint32_t n,
	unsigned int dir)
{
	struct rte_mbuf *m[BENCH_BURST];
	uint64_t cycles = 0;
	uint32_t out;

	for (uint32_t i = 0; i < n; i += BENCH_BURST) {
		const uint32_t k = RTE_MIN((uint32_t)BENCH_BURST, n - i);

		for (uint32_t j = 0; j < k; j++)
			m[j] = bench_packet(r, shape, first + i + j, dir);
		cycles += bench_turn(r, dir, m, k, &out);
		if (out != k)
			bench_fatal("packets of new sessions that came through", out, k);
	}
	return cycles;
}

void
bench_learn_outside(struct bench_rig *r, uint32_t n)
{
	const struct session_table *t = engine_sessions(r->engine);
	uint32_t learnt = 0;

	if (r->nat_addresses == 0)
		return;
	free(r->outside);
	r->outside = calloc(n, sizeof(*r->outside));
	for (uint32_t i = 0; r->outside != NULL && i < session_table_capacity(t); i++) {
		const struct session *s = session_table_at(t, i);
		struct session_outside o;
		struct session_tuple4 in;
		struct session_key4 key;

		if (!session_table_key4(t, s, &key) || !session_table_outside(t, s, &o))
			continue;
		in = session_key4_tuple(&key, session_swap(s));
		r->outside[rte_be_to_cpu_32(in.src) - INSIDE] =
			(struct bench_outside){ .addr = o.key.addr[o.swap],
				.port = o.key.port[o.swap] };
		learnt++;
	}
	if (learnt != n)
		bench_fatal("translated sessions", learnt, n);
}

void
bench_establish(struct bench_rig *r, const struct bench_shape *shape, uint32_t n)
{
	if (shape->proto == IPPROTO_UDP) {
		bench_pass(r, shape, 0, n, 0);
		bench_learn_outside(r, n);
		bench_pass(r, shape, 0, n, 1);
		return;
	}
	bench_pass(r, &bench_syn, 0, n, 0);
	bench_learn_outside(r, n);
	bench_pass(r, &bench_synack, 0, n, 1);
	bench_pass(r, &bench_ack, 0, n, 0);
}

double
bench_random_order(struct bench_rig *r, const struct bench_shape *shape, uint32_t n,
	uint32_t packets, uint64_t *seed)
{
	struct rte_mbuf *m[BENCH_BURST];
	uint64_t cycles = 0;
	uint32_t out;

	for (uint32_t i = 0; i < packets; i += BENCH_BURST) {
		const unsigned int dir = (i / BENCH_BURST) & 1;

		for (uint32_t j = 0; j < BENCH_BURST; j++)
			m[j] = bench_packet(r, shape, (uint32_t)(bench_random(seed) % n), dir);
		cycles += bench_turn(r, dir, m, BENCH_BURST, &out);
		if (out != BENCH_BURST)
			bench_fatal("packets of established sessions that came through", out,
				BENCH_BURST);
	}
	return (double)cycles / packets;
}

static double
floor_run(struct bench_rig *r, const struct bench_shape *shape, uint32_t n, uint32_t packets,
	uint64_t *seed)
{
	struct rte_mbuf *m[BENCH_BURST], *got[BENCH_BURST];
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < packets; i += BENCH_BURST) {
		const unsigned int in = (i / BENCH_BURST) & 1;
		uint64_t start;
		uint32_t out;

		for (uint32_t j = 0; j < BENCH_BURST; j++)
			m[j] = bench_packet(r, shape, (uint32_t)(bench_random(seed) % n), in);
		rte_ring_enqueue_bulk(r->rx[in][0], (void *const *)m, BENCH_BURST, NULL);
		start = rte_rdtsc_precise();
		for (unsigned int p = 0; p < 2; p++) {
			const uint16_t k = rte_eth_rx_burst(r->ethdev[p], 0, got, BENCH_BURST);

			for (uint16_t j = 0; j < k; j++) {
				struct rte_ether_hdr *eth =
					rte_pktmbuf_mtod(got[j], struct rte_ether_hdr *);
				const struct rte_ether_addr src = eth->src_addr;

				eth->src_addr = eth->dst_addr;
				eth->dst_addr = src;
			}
			if (k > 0)
				rte_eth_tx_burst(r->ethdev[!p], 0, got, k);
		}
		cycles += rte_rdtsc_precise() - start;
		out = rte_ring_dequeue_burst(r->tx[!in][0], (void **)got, BENCH_BURST, NULL);
		rte_pktmbuf_free_bulk(got, out);
		if (out != BENCH_BURST)
			bench_fatal("packets of the floor that came through", out, BENCH_BURST);
	}
	return (double)cycles / packets;
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_floor(struct bench_rig *r, const struct bench_shape *shape, uint32_t n,
	const struct bench_options *o)
{
	uint64_t seed = 4101842887655102017ULL;
	double values[BENCH_MAX_RUNS];

	for (unsigned int i = 0; i < o->runs; i++)
		values[i] = floor_run(r, shape, n, o->packets / 8 & ~31U, &seed);
	qsort(values, o->runs, sizeof(values[0]), compare);
	return values[o->runs / 2];
}

uint64_t
bench_age(struct bench_rig *r)
{
	uint64_t cycles = 0;

	for (uint32_t turn = 0; session_table_count(engine_sessions(r->engine)) > 0; turn++) {
		uint64_t start;

		r->now = mono_add_ms(r->now, 10);
		start = rte_rdtsc_precise();
		worker_poll(r->worker[0], r->now);
		cycles += rte_rdtsc_precise() - start;
		if (turn > 20000000)
			bench_fatal("sessions left after ageing",
				session_table_count(engine_sessions(r->engine)), 0);
	}
	return cycles;
}
