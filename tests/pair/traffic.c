/* SPDX-License-Identifier: BSD-3-Clause */
#include "traffic.h"

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <string.h>

#define PROBE_PORT    7
#define SERVER_PORT   80
#define FIRST_PORT    40000
#define PAYLOAD	      100
#define RTO_MS	      200
#define TCP_TICK_MS   10
#define CHURN_PORT    50000
#define CHURN_RTO     50
#define CHURN_REST_MS 3

struct tcp_packet {
	struct rte_ipv4_hdr ip;
	struct rte_tcp_hdr tcp;
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

static void
fill_ip(struct rte_ipv4_hdr *ip, const struct host *from, uint32_t to, uint8_t proto, uint16_t len)
{
	*ip = (struct rte_ipv4_hdr){ .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(len),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(from->address),
		.dst_addr = rte_cpu_to_be_32(to) };
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

void
traffic_send_udp(
	struct host *from, uint32_t to, uint16_t sport, uint16_t dport, uint32_t number, mono_t now)
{
	struct udp_packet p;

	memset(&p, 0, sizeof(p));
	p.udp.src_port = rte_cpu_to_be_16(sport);
	p.udp.dst_port = rte_cpu_to_be_16(dport);
	p.udp.dgram_len = RTE_BE16(sizeof(p.udp) + sizeof(p.number));
	p.number = rte_cpu_to_be_32(number);
	fill_ip(&p.ip, from, to, IPPROTO_UDP, sizeof(p));
	p.udp.dgram_cksum = rte_ipv4_udptcp_cksum(&p.ip, &p.udp);
	host_send(from, (const uint8_t *)&p, sizeof(p), now);
}

static void
send_tcp(struct host *from, uint32_t to, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
	uint8_t flags, uint16_t payload, mono_t now)
{
	struct tcp_packet p;
	const uint16_t len = (uint16_t)(sizeof(p.ip) + sizeof(p.tcp) + payload);

	memset(&p, 0, sizeof(p));
	p.tcp.src_port = rte_cpu_to_be_16(sport);
	p.tcp.dst_port = rte_cpu_to_be_16(dport);
	p.tcp.sent_seq = rte_cpu_to_be_32(seq);
	p.tcp.recv_ack = rte_cpu_to_be_32(ack);
	p.tcp.data_off = sizeof(p.tcp) / 4 << 4;
	p.tcp.tcp_flags = flags;
	p.tcp.rx_win = RTE_BE16(32768);
	fill_ip(&p.ip, from, to, IPPROTO_TCP, len);
	p.tcp.cksum = rte_ipv4_udptcp_cksum(&p.ip, &p.tcp);
	host_send(from, (const uint8_t *)&p, len, now);
}

static void
udp_input(struct traffic *t, struct host *h, const struct udp_packet *p, mono_t now)
{
	if (h == t->server) {
		traffic_send_udp(h, rte_be_to_cpu_32(p->ip.src_addr), PROBE_PORT,
			rte_be_to_cpu_16(p->udp.src_port), rte_be_to_cpu_32(p->number), now);
		return;
	}
	t->probe_received++;
	if (mono_since_ms(now, t->last_echo) > t->longest_gap_ms)
		t->longest_gap_ms = mono_since_ms(now, t->last_echo);
	t->last_echo = now;
}

static void churn_server(struct traffic *, const struct tcp_packet *, uint32_t len, mono_t now);
static void churn_client(struct traffic *, const struct tcp_packet *, uint32_t len, mono_t now);

/* One side of a connection takes a segment: in order or not at all, as the simplest stack does. */
static void
tcp_input(struct traffic *t, struct host *h, const struct tcp_packet *p, mono_t now)
{
	const bool at_server = h == t->server;
	const uint16_t port = rte_be_to_cpu_16(at_server ? p->tcp.src_port : p->tcp.dst_port);
	const uint32_t seq = rte_be_to_cpu_32(p->tcp.sent_seq);
	const uint32_t ack = rte_be_to_cpu_32(p->tcp.recv_ack);
	const uint8_t flags = p->tcp.tcp_flags;
	const uint32_t len =
		(uint32_t)(rte_be_to_cpu_16(p->ip.total_length) - sizeof(p->ip) - sizeof(p->tcp));
	struct tcp_conn *c;
	struct tcp_peer *me;

	if (port >= CHURN_PORT && port < CHURN_PORT + t->churn_count) {
		if (at_server)
			churn_server(t, p, len, now);
		else
			churn_client(t, p, len, now);
		return;
	}
	if (port < FIRST_PORT || port >= FIRST_PORT + t->tcp_count) {
		if (t->others != NULL)
			t->others(t->others_ctx, h, (const uint8_t *)p,
				rte_be_to_cpu_16(p->ip.total_length), now);
		return;
	}
	if (at_server)
		t->client_seen = rte_be_to_cpu_32(p->ip.src_addr);
	c = &t->tcp[port - FIRST_PORT];
	me = at_server ? &c->server : &c->client;
	if ((flags & RTE_TCP_RST_FLAG) != 0) {
		me->reset = true;
		t->resets++;
		return;
	}
	if (at_server && (flags & RTE_TCP_SYN_FLAG) != 0) {
		me->ack = seq + 1;
		me->seq = me->acked = 5000U + port;
		send_tcp(h, t->client_seen, SERVER_PORT, port, me->seq, me->ack,
			RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG, 0, now);
		me->seq++;
		return;
	}
	if (!at_server && (flags & RTE_TCP_SYN_FLAG) != 0) {
		me->ack = seq + 1;
		me->acked = ack;
		me->open = true;
		c->last_progress = now;
		return;
	}
	if ((int32_t)(ack - me->acked) > 0) {
		me->acked = ack;
		me->open = true;
		c->last_progress = now;
		c->exchanges++;
	}
	if (len == 0 || seq != me->ack)
		return;
	me->ack += len;
	if (at_server) { /* answer data with as much data */
		send_tcp(h, t->client_seen, SERVER_PORT, port, me->seq, me->ack,
			RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, PAYLOAD, now);
		me->seq += PAYLOAD;
	}
}

/* ---- churn ---- */

static void
churn_send(struct traffic *t, struct churn_conn *c, mono_t now)
{
	static const struct {
		uint8_t flags;
		uint16_t payload;
	} what[] = { [CHURN_SYN] = { RTE_TCP_SYN_FLAG, 0 },
		[CHURN_DATA] = { RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, PAYLOAD },
		[CHURN_FIN] = { RTE_TCP_ACK_FLAG | RTE_TCP_FIN_FLAG, 0 } };

	c->due = mono_add_ms(now, CHURN_RTO);
	send_tcp(t->client, t->server->address, c->port, SERVER_PORT, c->seq, c->ack,
		what[c->state].flags, what[c->state].payload, now);
}

/* The server keeps no state: what to say follows from the segment itself. */
static void
churn_server(struct traffic *t, const struct tcp_packet *p, uint32_t len, mono_t now)
{
	const uint32_t seq = rte_be_to_cpu_32(p->tcp.sent_seq);
	const uint32_t ack = rte_be_to_cpu_32(p->tcp.recv_ack);
	const uint16_t port = rte_be_to_cpu_16(p->tcp.src_port);
	const uint8_t flags = p->tcp.tcp_flags;

	if ((flags & RTE_TCP_SYN_FLAG) != 0)
		send_tcp(t->server, t->client_seen, SERVER_PORT, port, seq ^ 0x5a5a5a5a, seq + 1,
			RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG, 0, now);
	else if ((flags & RTE_TCP_FIN_FLAG) != 0)
		send_tcp(t->server, t->client_seen, SERVER_PORT, port, ack, seq + 1,
			RTE_TCP_ACK_FLAG | RTE_TCP_FIN_FLAG, 0, now);
	else if (len > 0)
		send_tcp(t->server, t->client_seen, SERVER_PORT, port, ack, seq + len,
			RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, PAYLOAD, now);
}

static void
churn_client(struct traffic *t, const struct tcp_packet *p, uint32_t len, mono_t now)
{
	struct churn_conn *c = &t->churn[rte_be_to_cpu_16(p->tcp.dst_port) - CHURN_PORT];
	const uint32_t seq = rte_be_to_cpu_32(p->tcp.sent_seq);
	const uint32_t ack = rte_be_to_cpu_32(p->tcp.recv_ack);
	const uint8_t flags = p->tcp.tcp_flags;

	if (c->state == CHURN_SYN && (flags & RTE_TCP_SYN_FLAG) != 0 && ack == c->isn + 1) {
		c->seq = c->isn + 1;
		c->ack = seq + 1;
		c->state = CHURN_DATA;
		churn_send(t, c, now);
	} else if (c->state == CHURN_DATA && len > 0 && ack == c->seq + PAYLOAD) {
		c->seq = ack;
		c->ack = seq + len;
		if (!t->churn_on) { /* stays open */
			send_tcp(t->client, t->server->address, c->port, SERVER_PORT, c->seq,
				c->ack, RTE_TCP_ACK_FLAG, 0, now);
			c->due = MONO_NEVER;
			return;
		}
		c->state = CHURN_FIN;
		churn_send(t, c, now);
	} else if (c->state == CHURN_FIN && (flags & RTE_TCP_FIN_FLAG) != 0 && ack == c->seq + 1) {
		send_tcp(t->client, t->server->address, c->port, SERVER_PORT, ack, seq + 1,
			RTE_TCP_ACK_FLAG, 0, now);
		c->state = CHURN_REST;
		c->due = mono_add_ms(now, CHURN_REST_MS);
		c->rounds++;
	}
}

static void
churn_turn(struct traffic *t, struct churn_conn *c, mono_t now)
{
	if (mono_before(now, c->due))
		return;
	if (c->state == CHURN_REST) {
		c->isn += 1000000;
		c->seq = c->isn;
		c->ack = 0;
		c->state = CHURN_SYN;
	}
	churn_send(t, c, now);
}

void
traffic_churn(struct traffic *t, uint16_t count)
{
	t->churn_on = count > 0;
	if (count == 0)
		return;
	t->churn_count = count;
	for (uint16_t i = 0; i < count; i++)
		t->churn[i] = (struct churn_conn){
			.port = (uint16_t)(CHURN_PORT + i), .state = CHURN_REST, .isn = 7000U * i
		};
}

uint64_t
traffic_churn_rounds(const struct traffic *t)
{
	uint64_t rounds = 0;

	for (uint16_t i = 0; i < t->churn_count; i++)
		rounds += t->churn[i].rounds;
	return rounds;
}

static void
receive(void *ctx, struct host *h, const uint8_t *ip, uint16_t len, mono_t now)
{
	struct traffic *t = ctx;
	const struct rte_ipv4_hdr *hdr = (const struct rte_ipv4_hdr *)ip;

	if (hdr->next_proto_id == IPPROTO_UDP && len == sizeof(struct udp_packet))
		udp_input(t, h, (const struct udp_packet *)ip, now);
	else if (hdr->next_proto_id == IPPROTO_TCP &&
		 len >= sizeof(hdr[0]) + sizeof(struct rte_tcp_hdr))
		tcp_input(t, h, (const struct tcp_packet *)ip, now);
}

void
traffic_start(struct traffic *t, struct host *client, struct host *server, uint16_t tcp_count)
{
	*t = (struct traffic){ .client = client,
		.server = server,
		.client_seen = client->address,
		.udp_on = true,
		.tcp_on = true,
		.tcp_count = tcp_count };
	client->receive = server->receive = receive;
	client->ctx = server->ctx = t;
	for (uint16_t i = 0; i < tcp_count; i++) {
		t->tcp[i].port = (uint16_t)(FIRST_PORT + i);
		t->tcp[i].client.seq = t->tcp[i].client.acked = 1000U * i + 1;
	}
}

/* The client's turn of one connection: SYN until open, then data when the last is acknowledged,
 * the same again after a timeout.  The server resends by being asked: its data rides on answers. */
static void
tcp_turn(struct traffic *t, struct tcp_conn *c, mono_t now)
{
	struct tcp_peer *me = &c->client;
	const bool waiting = me->seq != me->acked;

	if (!me->open) {
		if (c->last_sent.ns == 0 || mono_since_ms(now, c->last_sent) >= RTO_MS) {
			me->seq = me->acked = 1000U * (uint32_t)(c - t->tcp) + 1;
			send_tcp(t->client, t->server->address, c->port, SERVER_PORT, me->seq, 0,
				RTE_TCP_SYN_FLAG, 0, now);
			me->seq++;
			t->again.syns += c->last_sent.ns != 0;
			c->last_sent = now;
		}
		return;
	}
	if (waiting && mono_since_ms(now, c->last_sent) < RTO_MS)
		return;
	if (waiting && c->server.ack == me->seq && c->server.seq - c->server.acked > 0) {
		/* Our data arrived, the answer was lost: the server sends it again. */
		t->again.segments++;
		send_tcp(t->server, t->client_seen, SERVER_PORT, c->port, c->server.seq - PAYLOAD,
			c->server.ack, RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, PAYLOAD, now);
		c->last_sent = now;
		return;
	}
	t->again.segments += waiting;
	send_tcp(t->client, t->server->address, c->port, SERVER_PORT, me->acked, me->ack,
		RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, PAYLOAD, now);
	me->seq = me->acked + PAYLOAD;
	c->last_sent = now;
}

void
traffic_poll(struct traffic *t, mono_t now)
{
	if (t->udp_on && !mono_before(now, t->next_probe)) {
		if (t->next_probe.ns == 0)
			t->last_echo = now;
		t->next_probe = mono_add_ms(now, 1);
		traffic_send_udp(
			t->client, t->server->address, 30000, PROBE_PORT, t->probe_sent++, now);
	}
	for (uint16_t i = 0; i < t->churn_count; i++)
		churn_turn(t, &t->churn[i], now);
	if (t->tcp_on && !mono_before(now, t->next_tcp)) {
		t->next_tcp = mono_add_ms(now, TCP_TICK_MS);
		for (uint16_t i = 0; i < t->tcp_count; i++)
			tcp_turn(t, &t->tcp[i], now);
	}
}

uint16_t
traffic_tcp_alive(const struct traffic *t, uint32_t within_ms, mono_t now)
{
	uint16_t alive = 0;

	for (uint16_t i = 0; i < t->tcp_count; i++) {
		const struct tcp_conn *c = &t->tcp[i];

		if (c->client.open && !c->client.reset && !c->server.reset && c->exchanges > 0 &&
			mono_since_ms(now, c->last_progress) <= within_ms)
			alive++;
	}
	return alive;
}

void
traffic_reset_figures(struct traffic *t, mono_t now)
{
	t->probe_sent = t->probe_received = 0;
	t->longest_gap_ms = 0;
	t->last_echo = now;
}
