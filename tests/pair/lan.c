/* SPDX-License-Identifier: BSD-3-Clause */
#include "lan.h"

#include "nd.h"

#include <rte_arp.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ip.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define RING_SIZE 1024

static struct rte_ring *
make_ring(const char *name, const char *way, uint16_t queue)
{
	char text[RTE_RING_NAMESIZE];

	snprintf(text, sizeof(text), "%s-%s%u", name, way, queue);
	return rte_ring_create(text, RING_SIZE, SOCKET_ID_ANY, 0);
}

int
lan_port_create(struct lan_port *p, const char *name, uint8_t box, uint16_t queues)
{
	int ethdev;

	*p = (struct lan_port){ .box = box, .up = true, .queues = queues };
	for (uint16_t q = 0; q < queues; q++) {
		p->to_box[q] = make_ring(name, "rx", q);
		p->from_box[q] = make_ring(name, "tx", q);
		if (p->to_box[q] == NULL || p->from_box[q] == NULL)
			return -ENOMEM;
	}
	ethdev = rte_eth_from_rings(name, p->to_box, queues, p->from_box, queues, 0);
	if (ethdev < 0)
		return -EIO;
	p->ethdev = (uint16_t)ethdev;
	return 0;
}

static void
drain(struct rte_ring *r)
{
	void *m;

	while (rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
}

void
lan_port_destroy(struct lan_port *p)
{
	for (uint16_t q = 0; q < p->queues; q++) {
		drain(p->to_box[q]);
		drain(p->from_box[q]);
		rte_ring_free(p->to_box[q]);
		rte_ring_free(p->from_box[q]);
	}
}

void
lan_attach(struct lan *l, const struct lan_port *p)
{
	l->ports[l->port_count++] = *p;
}

void
lan_attach_host(struct lan *l, struct host *h)
{
	l->host = h;
	h->lan = l;
}

struct lan_port *
lan_port_of(struct lan *l, uint8_t box)
{
	/* A pair attaches box 0 first. */
	return &l->ports[l->ports[0].box == box ? 0 : 1];
}

void
lan_discard(struct lan *l, uint8_t box)
{
	const struct lan_port *p = lan_port_of(l, box);

	for (uint16_t q = 0; q < p->queues; q++) {
		drain(p->to_box[q]);
		drain(p->from_box[q]);
	}
}

static void
learn(struct lan *l, const struct rte_ether_addr *mac, int8_t port)
{
	for (uint8_t i = 0; i < l->learned_count; i++) {
		if (rte_is_same_ether_addr(&l->learned[i].mac, mac)) {
			l->learned[i].port = port;
			return;
		}
	}
	if (l->learned_count < RTE_DIM(l->learned)) {
		l->learned[l->learned_count].mac = *mac;
		l->learned[l->learned_count++].port = port;
	}
}

/* => port, -1 the host, -2 unknown. */
static int8_t
port_of_mac(const struct lan *l, const struct rte_ether_addr *mac)
{
	for (uint8_t i = 0; i < l->learned_count; i++) {
		if (rte_is_same_ether_addr(&l->learned[i].mac, mac))
			return l->learned[i].port;
	}
	return -2;
}

static void
deliver(struct lan *l, struct lan_port *p, struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	if (!p->up)
		return;
	copy = rte_pktmbuf_copy(m, l->pool, 0, UINT32_MAX);
	l->no_buffer += copy == NULL;
	if (copy != NULL && rte_ring_enqueue(p->to_box[l->spread++ % p->queues], copy) != 0)
		rte_pktmbuf_free(copy);
}

static void host_input(struct host *, const struct rte_mbuf *, mono_t now);

/* Forward one frame that came from `from` (-1 the host). Takes the mbuf. */
static void
forward(struct lan *l, int8_t from, struct rte_mbuf *m, mono_t now)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const int8_t to =
		rte_is_multicast_ether_addr(&eth->dst_addr) ? -2 : port_of_mac(l, &eth->dst_addr);

	learn(l, &eth->src_addr, from);
	for (int8_t i = 0; i < (int8_t)l->port_count; i++) {
		if (i != from && (to == -2 || to == i))
			deliver(l, &l->ports[i], m);
	}
	if (from != -1 && (to == -2 || to == -1) && l->host != NULL)
		host_input(l->host, m, now);
	rte_pktmbuf_free(m);
}

static void
note_garp(struct lan *l, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(eth + 1);

	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP) &&
		arp->arp_data.arp_sip == arp->arp_data.arp_tip)
		l->garps[arp->arp_data.arp_sha.addr_bytes[5]]++;
}

static bool
is_lost(const struct lan *l, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(eth + 1);

	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP))
		return l->no_arp;
	return l->no_icmp6 && eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6) &&
	       ip->proto == IPPROTO_ICMPV6;
}

static void
note_advert6(struct lan *l, uint8_t box, const struct rte_mbuf *m)
{
	static const uint8_t all_nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t virtual[5] = { 0x00, 0x00, 0x5e, 0x00, 0x02 };
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(eth + 1);

	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6) && ip->proto == IPPROTO_ICMPV6 &&
		*(const uint8_t *)(ip + 1) == ND_NEIGHBOR_ADVERT &&
		memcmp(&eth->dst_addr, all_nodes, sizeof(all_nodes)) == 0 &&
		memcmp(&eth->src_addr, virtual, sizeof(virtual)) == 0)
		l->adverts6[box][eth->src_addr.addr_bytes[5]]++;
}

void
lan_poll(struct lan *l, mono_t now)
{
	for (uint8_t i = 0; i < l->port_count; i++) {
		struct lan_port *p = &l->ports[i];

		for (uint16_t q = 0; q < p->queues; q++) {
			void *m;

			while (rte_ring_dequeue(p->from_box[q], &m) == 0) {
				if (!p->up || is_lost(l, m)) {
					rte_pktmbuf_free(m);
					continue;
				}
				note_garp(l, m);
				note_advert6(l, p->box, m);
				if (l->observer != NULL)
					l->observer(l->observer_ctx, l, p->box, m, now);
				forward(l, (int8_t)i, m, now);
			}
		}
	}
}

static struct rte_mbuf *
frame(struct host *h, const struct rte_ether_addr *dst, uint16_t type, uint16_t len, uint8_t **body)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(h->lan->host_pool);
	struct rte_ether_hdr *eth;

	if (m == NULL)
		return NULL;
	eth = (void *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*eth) + len));
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	eth->dst_addr = *dst;
	eth->src_addr = h->mac;
	eth->ether_type = rte_cpu_to_be_16(type);
	*body = (uint8_t *)(eth + 1);
	return m;
}

static void
host_arp(struct host *h, uint16_t op, const struct rte_ether_addr *to, uint32_t target, mono_t now)
{
	static const struct rte_ether_addr broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct rte_arp_hdr *arp;
	uint8_t *body;
	struct rte_mbuf *m = frame(h, op == RTE_ARP_OP_REQUEST ? &broadcast : to,
		RTE_ETHER_TYPE_ARP, sizeof(*arp), &body);

	if (m == NULL)
		return;
	arp = (void *)body;
	*arp = (struct rte_arp_hdr){ .arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = 6,
		.arp_plen = 4,
		.arp_opcode = rte_cpu_to_be_16(op),
		.arp_data = { .arp_sha = h->mac,
			.arp_sip = rte_cpu_to_be_32(h->address),
			.arp_tip = rte_cpu_to_be_32(target) } };
	if (op == RTE_ARP_OP_REPLY)
		arp->arp_data.arp_tha = *to;
	forward(h->lan, -1, m, now);
}

static void
host_input_arp(struct host *h, const struct rte_arp_hdr *arp, mono_t now)
{
	const uint32_t sender = rte_be_to_cpu_32(arp->arp_data.arp_sip);

	if (sender == h->gateway) {
		h->gateway_mac = arp->arp_data.arp_sha;
		h->gateway_known = true;
	}
	if (arp->arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST) &&
		arp->arp_data.arp_tip == rte_cpu_to_be_32(h->address))
		host_arp(h, RTE_ARP_OP_REPLY, &arp->arp_data.arp_sha, sender, now);
}

static void
host_input6(struct host *h, const struct rte_mbuf *m, mono_t now)
{
	uint8_t answer[ND_FRAME_LEN];
	struct rte_mbuf *out;
	struct nd nd;
	uint8_t *body;

	if (nd_parse(rte_pktmbuf_mtod(m, const void *), rte_pktmbuf_data_len(m), &nd) != ND_OK ||
		nd.type != ND_NEIGHBOR_SOLICIT || memcmp(nd.target, h->address6, IP6_LEN) != 0)
		return;
	nd_advert(answer, &nd, &nd.mac, &h->mac, h->address6);
	out = frame(h, &nd.mac, RTE_ETHER_TYPE_IPV6,
		(uint16_t)(nd_frame_len(answer) - RTE_ETHER_HDR_LEN), &body);
	if (out == NULL)
		return;
	memcpy(body, answer + RTE_ETHER_HDR_LEN, nd_frame_len(answer) - RTE_ETHER_HDR_LEN);
	forward(h->lan, -1, out, now);
}

static void
host_input(struct host *h, const struct rte_mbuf *m, mono_t now)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6)) {
		host_input6(h, m, now);
		return;
	}

	if (!rte_is_same_ether_addr(&eth->dst_addr, &h->mac) &&
		!rte_is_broadcast_ether_addr(&eth->dst_addr))
		return;
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP))
		host_input_arp(h, (const struct rte_arp_hdr *)(eth + 1), now);
	else if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) && h->receive != NULL) {
		const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);

		h->receive(h->ctx, h, (const uint8_t *)ip, rte_be_to_cpu_16(ip->total_length), now);
	}
}

void
host_send(struct host *h, const uint8_t *ip, uint16_t len, mono_t now)
{
	struct rte_mbuf *m;
	uint8_t *body;

	if (!h->gateway_known) {
		if (h->asked.ns == 0 || mono_since_ms(now, h->asked) >= 1000) {
			h->asked = now;
			host_arp(h, RTE_ARP_OP_REQUEST, NULL, h->gateway, now);
		}
		if (!h->gateway_known)
			return;
	}
	m = frame(h, &h->gateway_mac, RTE_ETHER_TYPE_IPV4, len, &body);
	if (m == NULL)
		return;
	memcpy(body, ip, len);
	forward(h->lan, -1, m, now);
}

void
host_send6(struct host *h, const struct rte_ether_addr *to, const uint8_t *ip, uint16_t len,
	mono_t now)
{
	uint8_t *body;
	struct rte_mbuf *const m = frame(h, to, RTE_ETHER_TYPE_IPV6, len, &body);

	if (m == NULL)
		return;
	memcpy(body, ip, len);
	forward(h->lan, -1, m, now);
}
