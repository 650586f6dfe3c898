/* SPDX-License-Identifier: BSD-3-Clause */
#include "talk.h"

#include <rte_ip.h>
#include <rte_tcp.h>

#include <netinet/in.h>
#include <string.h>

#define COMES_MS 20

struct segment {
	struct rte_ipv4_hdr ip;
	struct rte_tcp_hdr tcp;
	char text[512];
} __attribute__((packed));

static void
receive(void *ctx, struct host *h, const uint8_t *ip, uint16_t len, mono_t now)
{
	const struct segment *s = (const struct segment *)ip;
	const size_t header = sizeof(s->ip) + (size_t)(s->tcp.data_off >> 4 << 2);
	const uint16_t to = rte_be_to_cpu_16(s->tcp.dst_port);
	uint32_t text;

	(void)now;
	for (struct talk *t = ctx; t != NULL; t = t->next) {
		for (unsigned int i = 0; i < 2; i++) {
			struct talk_side *me = &t->side[i];

			if (me->host != h || me->port != to ||
				(me->peer_port != 0 &&
					me->peer_port != rte_be_to_cpu_16(s->tcp.src_port)))
				continue;
			text = (uint32_t)(len - header);
			me->peer = rte_be_to_cpu_32(s->ip.src_addr);
			me->peer_port = rte_be_to_cpu_16(s->tcp.src_port);
			me->flags = s->tcp.tcp_flags;
			me->came++;
			me->acked = rte_be_to_cpu_32(s->tcp.recv_ack);
			if (me->flags & RTE_TCP_SYN_FLAG)
				me->ack = rte_be_to_cpu_32(s->tcp.sent_seq) + 1;
			if (text == 0)
				return;
			me->last_seq = rte_be_to_cpu_32(s->tcp.sent_seq);
			if (me->last_seq == me->ack)
				me->ack += text;
			text = RTE_MIN(text, (uint32_t)sizeof(me->heard) - 1);
			memcpy(me->heard, ip + header, text);
			me->heard[text] = '\0';
			return;
		}
	}
}

void
talk_start(struct talk *t, struct pair *p, unsigned int opener, uint16_t port, uint32_t to,
	uint16_t to_port, struct talk *more)
{
	struct traffic *traffic = pair_traffic(p);
	struct host *hosts[2] = { traffic->client, traffic->server };

	*t = (struct talk){ .p = p, .opener = opener, .next = more };
	for (unsigned int i = 0; i < 2; i++)
		t->side[i] = (struct talk_side){ .host = hosts[i], .seq = 100000 * (i + 1) };
	t->side[opener].port = port;
	t->side[opener].peer = to != 0 ? to : hosts[!opener]->address;
	t->side[opener].peer_port = t->side[!opener].port = to_port;
	traffic->others = receive;
	traffic->others_ctx = t;
}

/* => has it come to the other side? */
static bool
send_segment(struct talk *t, unsigned int side, uint8_t flags, const char *text)
{
	struct talk_side *me = &t->side[side];
	const uint32_t before = t->side[!side].came;
	const uint16_t len = (uint16_t)strlen(text);
	const uint16_t all = (uint16_t)(offsetof(struct segment, text) + len);
	struct segment s;

	memset(&s, 0, sizeof(s));
	s.ip = (struct rte_ipv4_hdr){ .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(all),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = rte_cpu_to_be_32(me->host->address),
		.dst_addr = rte_cpu_to_be_32(me->peer) };
	s.ip.hdr_checksum = rte_ipv4_cksum(&s.ip);
	s.tcp = (struct rte_tcp_hdr){ .src_port = rte_cpu_to_be_16(me->port),
		.dst_port = rte_cpu_to_be_16(me->peer_port),
		.sent_seq = rte_cpu_to_be_32(me->seq),
		.recv_ack = rte_cpu_to_be_32((flags & RTE_TCP_ACK_FLAG) != 0 ? me->ack : 0),
		.data_off = sizeof(s.tcp) / 4 << 4,
		.tcp_flags = flags,
		.rx_win = RTE_BE16(32768) };
	memcpy(s.text, text, len);
	s.tcp.cksum = rte_ipv4_udptcp_cksum(&s.ip, &s.tcp);
	host_send(me->host, (const uint8_t *)&s, all, pair_now(t->p));
	for (unsigned int ms = 0; ms < COMES_MS && t->side[!side].came == before; ms++)
		pair_run(t->p, 1);
	return t->side[!side].came != before;
}

bool
talk_open(struct talk *t)
{
	const unsigned int from = t->opener;
	bool all = send_segment(t, from, RTE_TCP_SYN_FLAG, "");

	t->side[from].seq++;
	all = all && t->side[!from].flags == RTE_TCP_SYN_FLAG &&
	      send_segment(t, !from, RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG, "");
	t->side[!from].seq++;
	return all && send_segment(t, from, RTE_TCP_ACK_FLAG, "");
}

bool
talk_lost(struct talk *t, unsigned int side, const char *text)
{
	return send_segment(t, side, RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, text);
}

bool
talk_say(struct talk *t, unsigned int side, const char *text)
{
	const bool came = talk_lost(t, side, text);

	t->side[side].seq += (uint32_t)strlen(text);
	return came && send_segment(t, !side, RTE_TCP_ACK_FLAG, "") &&
	       t->side[side].acked == t->side[side].seq;
}
