/* SPDX-License-Identifier: BSD-3-Clause */
#include "notice_send.h"

#include "egress.h"
#include "ip6_chain.h"
#include "l4_sum.h"

/* The largest ICMP error: RFC 1812 4.3.2.3, RFC 4443 2.4 (c). */
#define ERROR_MAX4 576
#define ERROR_MAX6 IP6_MTU_MIN
/* Precedence of ICMP errors: internetwork control (RFC 1812 4.3.2.5). */
#define ERROR_TOS 0xc0

/* What the sender hears when his packet ends with a reason. */
struct message {
	uint8_t kind; /* enum notice; 0: nothing */
	uint8_t type4, code4;
	uint8_t type6, code6;
};

static const struct message messages[DROP_REASON_COUNT] = {
	[DROP_ttl] = { NOTICE_time_exceeded, 11, 0, 3, 0 },
	[DROP_mtu] = { NOTICE_too_big, 3, 4, 2, 0 },
	[DROP_no_route] = { NOTICE_unreachable, 3, 0, 1, 0 },	  /* net, no route */
	[DROP_neigh_failed] = { NOTICE_unreachable, 3, 1, 1, 3 }, /* host, address */
	[DROP_no_service] = { NOTICE_unreachable, 3, 3, 1, 4 },	  /* port */
	[DROP_policy_reject] = { NOTICE_prohibited, 3, 13, 1, 1 },
	[DROP_nat_exhausted] = { NOTICE_prohibited, 3, 13, 1, 1 }, /* RFC 5508 REQ-8 */
};

/* Is this an address of one host, as far as we can know? (RFC 1122 3.2.2, RFC 1812 4.3.2.7) */
static bool
is_host4(const struct worker *w, rte_be32_t address)
{
	return ip4_is_host(address) && !snapshot_is_edge(w->snap, address);
}

/* A fragment that is not the first has no ports by which its sender would know it. */
static bool
is_later_fragment(const struct pkt *p)
{
	struct ip6_chain chain;

	if (p->family == 4)
		return (p->ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)) != 0;
	return ip6_chain_walk(p->ip6, RTE_MIN(p->ip_len, p->l4_off), &chain) == DROP_NONE &&
	       chain.place >> 3 != 0;
}

/* These end a connection that was to be, of the port the packet is for. */
static bool
refuses_port(enum drop_reason reason)
{
	return reason == DROP_policy_reject || reason == DROP_no_service;
}

static bool
may_be_told(const struct worker *w, const struct pkt *p, enum drop_reason reason)
{
	if (p->icmp == PKT_ICMP_ERROR || is_later_fragment(p) ||
		rte_is_multicast_ether_addr(&pkt_ether(p)->src_addr))
		return false;
	if (refuses_port(reason) && p->proto == IPPROTO_TCP) {
		const struct rte_tcp_hdr *tcp = pkt_l4(p);

		return (tcp->tcp_flags & TCP_RST) == 0;
	}
	if (reason == DROP_no_service && p->proto != IPPROTO_UDP)
		return false;
	return p->family == 6 ? ip6_is_host(p->ip6->dst_addr) : is_host4(w, p->ip->dst_addr);
}

/* One virtual clock per kind: each message puts it an interval ahead, from `burst` in the past up
 * to now. */
static bool
in_rate(struct worker *w, enum notice kind)
{
	const struct notice_settings *s = &w->snap->notices;
	const uint64_t now = w->now.ns;
	const uint64_t full = now > s->burst_ns ? now - s->burst_ns : 0;
	const uint64_t next = RTE_MAX(w->notice_from[kind], full) + s->interval_ns;

	if (next > now) {
		w->stats.notices_limited++;
		return false;
	}
	w->notice_from[kind] = next;
	return true;
}

/* The address of ours that was spoken to (RFC 4443 2.2), else that of the interface the notice
 * leaves by (RFC 1812 4.3.2.4).  => false: there is none. */
static bool
own_address4(const struct worker *w, const struct pkt *p, rte_be32_t *own)
{
	const uint16_t interface = p->interface;

	if (snapshot_own_address(w->snap, p->ip->dst_addr) != NULL) {
		*own = p->ip->dst_addr;
		return true;
	}
	*own = w->snap->interfaces[interface].address;
	for (uint16_t i = 0; *own == 0 && i < w->snap->address_count; i++) {
		const struct snapshot_address *a = &w->snap->addresses[i];

		if (a->interface == interface && engine_vmac(w->engine, interface, a->vrid))
			*own = a->address;
	}
	return *own != 0;
}

/* Else link-local to a link-local sender, one of his subnet, or the first. */
static bool
own_address6(const struct worker *w, const struct pkt *p, uint8_t own[IP6_LEN])
{
	const struct snapshot_interface *in = &w->snap->interfaces[p->interface];
	const uint8_t *sender = p->ip6->src_addr;
	const uint8_t *found = in->addresses6[0].address;

	if (in->address6_count == 0)
		return false;
	if (snapshot_own_address6(w->snap, p->interface, p->ip6->dst_addr) != NULL) {
		memcpy(own, p->ip6->dst_addr, IP6_LEN);
		return true;
	}
	for (uint8_t i = in->address6_count; i > 0; i--) {
		const struct snapshot_prefix6 *a = &in->addresses6[i - 1];

		if (ip6_in_prefix(sender, a->address, a->len))
			found = a->address;
	}
	memcpy(own, ip6_is_link_local(sender) ? in->link_local : found, IP6_LEN);
	return true;
}

/* => An Ethernet header back to who sent the frame, room for `len` bytes behind it; NULL without a
 * buffer. */
static struct rte_mbuf *
new_frame(const struct pkt *p, uint16_t len, void **l3)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->m->pool);
	const struct rte_ether_hdr *in = pkt_ether(p);
	struct rte_ether_hdr *eth;

	if (m == NULL)
		return NULL;
	eth = (void *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*eth) + len));
	if (eth == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	eth->dst_addr = in->src_addr;
	eth->src_addr = in->dst_addr;
	eth->ether_type = in->ether_type;
	*l3 = eth + 1;
	return m;
}

static void
fill_ip4(struct rte_ipv4_hdr *ip, const struct pkt *p, const void *own, uint8_t proto, uint16_t len)
{
	*ip = (struct rte_ipv4_hdr){ .version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = proto == IPPROTO_ICMP ? ERROR_TOS : 0,
		.total_length = rte_cpu_to_be_16(len),
		/* Atomic, so that its identification means nothing (RFC 6864). */
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = REWRITE_HOPS,
		.next_proto_id = proto,
		.dst_addr = p->ip->src_addr };
	memcpy(&ip->src_addr, own, sizeof(ip->src_addr));
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void
fill_ip6(struct rte_ipv6_hdr *ip, const struct pkt *p, const void *own, uint8_t proto, uint16_t len)
{
	*ip = (struct rte_ipv6_hdr){ .vtc_flow = RTE_BE32(0x60000000),
		.payload_len = rte_cpu_to_be_16((uint16_t)(len - sizeof(*ip))),
		.proto = proto,
		.hop_limits = REWRITE_HOPS };
	memcpy(ip->src_addr, own, IP6_LEN);
	memcpy(ip->dst_addr, p->ip6->src_addr, IP6_LEN);
}

static uint16_t
ip_header(const struct pkt *p)
{
	return p->family == 6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
}

/* A frame back to the sender from an address of p's family, up to the IP header.
 * => *l4 has room for `len` bytes; NULL without a buffer. */
static struct rte_mbuf *
new_packet(const struct pkt *p, const void *own, uint8_t proto, uint16_t len, void **l4)
{
	const uint16_t all = (uint16_t)(ip_header(p) + len);
	void *l3;
	struct rte_mbuf *m = new_frame(p, all, &l3);

	if (m == NULL)
		return NULL;
	if (p->family == 6)
		fill_ip6(l3, p, own, proto, all);
	else
		fill_ip4(l3, p, own, proto, all);
	*l4 = (uint8_t *)l3 + ip_header(p);
	return m;
}

/* What new_packet() has put in front of L4. */
static void *
l3_of(const struct pkt *p, void *l4)
{
	return (uint8_t *)l4 - ip_header(p);
}

/* How much of a packet there is to quote: of one that came in fragments, the first. */
static uint16_t
quotable(const struct pkt *p, uint16_t most)
{
	const struct pkt_part *first = pkt_part(p->m);
	const uint32_t len = p->fragments ? (uint32_t)first->data + first->len : p->ip_len;

	return (uint16_t)RTE_MIN(len, (uint32_t)most);
}

/* Behind the IP header of an ICMP error: its own header and as much of the packet as fits. */
static void
fill_error(void *at, const struct pkt *p, uint8_t type, uint8_t code, uint32_t mtu, uint16_t quoted)
{
	struct rte_icmp_hdr icmp = { .icmp_type = type, .icmp_code = code };
	const rte_be32_t word = rte_cpu_to_be_32(mtu);
	uint8_t *quote = (uint8_t *)at + sizeof(icmp);
	const uint32_t from = (uint32_t)((uint8_t *)p->l3 - rte_pktmbuf_mtod(p->m, uint8_t *));
	const void *packet = rte_pktmbuf_read(p->m, from, quoted, quote);

	memcpy(&icmp.icmp_ident, &word, sizeof(word));
	memcpy(at, &icmp, sizeof(icmp));
	if (packet != NULL && packet != quote)
		memcpy(quote, packet, quoted);
}

static struct rte_mbuf *
make_error(const struct worker *w, const struct pkt *p, const struct message *msg, uint32_t mtu)
{
	const bool six = p->family == 6;
	const uint16_t headers = (uint16_t)(ip_header(p) + sizeof(struct rte_icmp_hdr));
	const uint16_t quoted = quotable(p, (uint16_t)((six ? ERROR_MAX6 : ERROR_MAX4) - headers));
	const uint16_t len = (uint16_t)(sizeof(struct rte_icmp_hdr) + quoted);
	struct rte_icmp_hdr *icmp;
	union {
		rte_be32_t v4;
		uint8_t v6[IP6_LEN];
	} own;
	struct rte_mbuf *m;
	void *l4;

	if (six ? !own_address6(w, p, own.v6) : !own_address4(w, p, &own.v4))
		return NULL;
	m = new_packet(p, &own, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP, len, &l4);
	if (m == NULL)
		return NULL;
	icmp = l4;
	if (six) {
		fill_error(icmp, p, msg->type6, msg->code6, mtu, quoted);
		icmp->icmp_cksum = rte_ipv6_udptcp_cksum(l3_of(p, l4), icmp);
	} else {
		fill_error(icmp, p, msg->type4, msg->code4, mtu, quoted);
		icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, len);
	}
	return m;
}

/* RFC 9293 3.10.7.1: the peer believes a reset that acknowledges his segment, or that stands where
 * he expects the next byte. */
static void
fill_reset(struct rte_tcp_hdr *tcp, const struct pkt *p)
{
	const struct rte_tcp_hdr *in = pkt_l4(p);
	struct tcp_segment seg;
	uint32_t end;

	pkt_tcp_segment(p, &seg);
	end = seg.seq + seg.len + ((seg.flags & TCP_SYN) != 0) + ((seg.flags & TCP_FIN) != 0);
	*tcp = (struct rte_tcp_hdr){
		.src_port = in->dst_port, .dst_port = in->src_port, .data_off = 5 << 4
	};
	if (seg.flags & TCP_ACK) {
		tcp->sent_seq = in->recv_ack;
		tcp->tcp_flags = TCP_RST;
	} else {
		tcp->recv_ack = rte_cpu_to_be_32(end);
		tcp->tcp_flags = TCP_RST | TCP_ACK;
	}
}

static struct rte_mbuf *
make_reset(const struct pkt *p)
{
	const void *own = p->family == 6 ? (const void *)p->ip6->dst_addr : &p->ip->dst_addr;
	void *l4;
	struct rte_mbuf *m = new_packet(p, own, IPPROTO_TCP, sizeof(struct rte_tcp_hdr), &l4);
	struct rte_tcp_hdr *tcp;

	if (m == NULL)
		return NULL;
	tcp = l4;
	fill_reset(tcp, p);
	tcp->cksum = p->family == 6 ? rte_ipv6_udptcp_cksum(l3_of(p, l4), tcp)
				    : rte_ipv4_udptcp_cksum(l3_of(p, l4), tcp);
	return m;
}

/* The MTU that the sender is told: no IPv6 host may be asked for less than the least of all. */
static uint32_t
next_hop_mtu(const struct worker *w, unsigned int family, const struct egress *e)
{
	uint32_t mtu = w->snap->interfaces[e->interface].mtu;

	if ((e->word & EGRESS_TRANSLATED) != 0) /* 20 bytes: what IPv6's header is longer */
		mtu = family == 6 ? mtu + 20 : mtu - 20;
	return family == 6 ? RTE_MAX(mtu, (uint32_t)IP6_MTU_MIN) : mtu;
}

static void
say(struct worker *w, const struct pkt *p, enum drop_reason reason, const struct egress *e)
{
	const struct message *msg = &messages[reason];
	const bool reset = p->proto == IPPROTO_TCP && refuses_port(reason);
	const enum notice kind = reset ? NOTICE_reset : (enum notice)msg->kind;
	const uint32_t mtu = reason == DROP_mtu ? next_hop_mtu(w, p->family, e) : 0;
	struct rte_mbuf *m;

	if (!may_be_told(w, p, reason) || !in_rate(w, kind))
		return;
	if (refuses_port(reason) && l4_sum_wrong(w, p, true))
		return; /* damaged: nobody knows what it was */
	m = reset ? make_reset(p) : make_error(w, p, msg, mtu);
	if (m == NULL) {
		w->stats.notices_lost++;
		return;
	}
	w->stats.notices_made[kind]++;
	worker_send(w, m, p->interface, TX_NOTICE, true);
}

void
notice_drop(struct worker *w, struct pkt *p, enum drop_reason reason, struct egress *e)
{
	const uint8_t kind = messages[reason].kind;

	if (kind != NOTICE_NONE && (w->snap->notices.wanted >> kind & 1) != 0 && w->owner)
		say(w, p, reason, e);
	worker_drop(w, p, reason);
}
