/* SPDX-License-Identifier: BSD-3-Clause */
#include "frag.h"

#include "egress.h"
#include "frag_table.h"
#include "icmp6_rules.h"
#include "ip6_chain.h"
#include "nat_rewrite.h"

#define DATAGRAM_MAX	65535
#define FRAGMENT_ID	4  /* where the identification is in IPv6's fragment header */
#define FRAGMENT_HEADER 8  /* bytes of that header */
#define L4_HEADER_MAX	60 /* TCP with all options */
#define SCTP_FIRST_CHUNK                                                                           \
	16 /* the header, and the chunk's that says whether it may open a session */

/* What is known of a fragment besides its pkt_part(). */
struct fragment {
	struct frag_key key;
	bool more;
};

/* The buffers of a list are no longer in the table. */
static void
let_go(struct worker *w, struct rte_mbuf *m)
{
	for (; m != NULL; m = pkt_part(m)->next)
		w->stats.held--;
}

static void
drop_list(struct worker *w, struct rte_mbuf *m, enum drop_reason reason)
{
	while (m != NULL) {
		struct rte_mbuf *const next = pkt_part(m)->next;

		worker_drop_mbuf(w, m, pkt_part(m)->interface, reason);
		m = next;
	}
}

static void
drop_held(struct worker *w, struct rte_mbuf *m, enum drop_reason reason)
{
	let_go(w, m);
	drop_list(w, m, reason);
}

void
frag_drop(struct worker *w, const struct pkt *p, enum drop_reason reason)
{
	drop_list(w, p->m, reason);
}

/* What can be read from the IP header on. */
static uint32_t
readable(const struct pkt *p, uint16_t l3)
{
	return RTE_MIN(p->ip_len, (uint32_t)p->m->data_len - l3);
}

/* How much of L4 the first fragment must have (RFC 1858, RFC 7112).  => At least what parse reads
 * before it looks at lengths. */
static uint32_t
header_needed(const struct pkt *p, uint32_t have)
{
	const struct rte_tcp_hdr *tcp = pkt_l4(p);

	switch (p->proto) {
	case IPPROTO_TCP:
		return have < sizeof(*tcp) ? sizeof(*tcp) : (uint32_t)(tcp->data_off >> 4) * 4;
	case IPPROTO_UDP:
		return sizeof(struct rte_udp_hdr);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sizeof(struct rte_icmp_hdr);
	case IPPROTO_SCTP:
		return SCTP_FIRST_CHUNK;
	default:
		return 0;
	}
}

/* ICMP errors are never so long that they need fragments (RFC 1812 4.3.2.3, RFC 4443 2.4). */
static bool
is_icmp_error(const struct pkt *p)
{
	const uint8_t *type = pkt_l4(p);

	if (p->proto == IPPROTO_ICMPV6)
		return icmp6_actions[*type] == ICMP6_RELATED;
	return p->proto == IPPROTO_ICMP &&
	       (*type == ICMP_UNREACHABLE || *type == ICMP_TIME_EXCEEDED ||
		       *type == ICMP_PARAMETER);
}

/* The first fragment alone must say what the datagram is. */
static enum drop_reason
first_sound(const struct pkt *p, const struct pkt_part *part)
{
	const uint32_t have = p->ip_len - p->l4_off;

	if (readable(p, part->l3) < RTE_MIN(p->ip_len, p->l4_off + (uint32_t)L4_HEADER_MAX))
		return DROP_runt;
	if (have < header_needed(p, have))
		return DROP_frag_tiny;
	return is_icmp_error(p) ? DROP_frag_invalid : DROP_NONE;
}

/* `before`: bytes in front of the payload in a datagram that is put together. */
static enum drop_reason
sound(const struct pkt *p, const struct pkt_part *part, bool more, uint32_t before)
{
	if (part->len == 0 || (more && (part->len & 7) != 0) ||
		before + part->offset + part->len > DATAGRAM_MAX)
		return DROP_frag_invalid;
	return part->offset == 0 ? first_sound(p, part) : DROP_NONE;
}

static enum drop_reason
describe4(const struct pkt *p, struct pkt_part *part, struct fragment *f)
{
	const struct rte_ipv4_hdr *ip = p->ip;
	const uint16_t place = rte_be_to_cpu_16(ip->fragment_offset);

	f->more = (place & RTE_IPV4_HDR_MF_FLAG) != 0;
	f->key = (struct frag_key){
		.id = ip->packet_id, .scope = p->zone, .proto = ip->next_proto_id, .family = 4
	};
	memcpy(f->key.src, &ip->src_addr, sizeof(ip->src_addr));
	memcpy(f->key.dst, &ip->dst_addr, sizeof(ip->dst_addr));
	part->offset = (uint16_t)((place & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS);
	part->data = p->l4_off;
	part->len = (uint16_t)(p->ip_len - part->data);
	/* RFC 3128: nothing but the first may have part of the TCP header. */
	if (p->proto == IPPROTO_TCP && part->offset == RTE_IPV4_HDR_OFFSET_UNITS)
		return DROP_frag_tiny;
	return sound(p, part, f->more, part->data);
}

static enum drop_reason
describe6(const struct pkt *p, struct pkt_part *part, struct fragment *f)
{
	const struct rte_ipv6_hdr *ip6 = p->ip6;
	const bool local = ip6_is_link_local(ip6->src_addr) || ip6_is_link_local(ip6->dst_addr);
	struct ip6_chain chain;
	const enum drop_reason reason = ip6_chain_walk(ip6, readable(p, part->l3), &chain);

	if (reason != DROP_NONE)
		return reason;
	f->more = chain.place & 1;
	f->key = (struct frag_key){ .family = 6,
		/* Link-local addresses mean the same on their link only. */
		.scope = (uint16_t)(local ? MAX_ZONES + p->interface : p->zone) };
	memcpy(&f->key.id, (const uint8_t *)ip6 + chain.fragment + FRAGMENT_ID, sizeof(f->key.id));
	memcpy(f->key.src, ip6->src_addr, sizeof(ip6->src_addr));
	memcpy(f->key.dst, ip6->dst_addr, sizeof(ip6->dst_addr));
	part->offset = chain.place & 0xfff8;
	part->data = (uint16_t)(chain.fragment + FRAGMENT_HEADER);
	part->len = (uint16_t)(p->ip_len - part->data);
	return sound(p, part, f->more,
		part->data - FRAGMENT_HEADER - (uint32_t)sizeof(struct rte_ipv6_hdr));
}

/* A packet that stands for one fragment of p. */
static struct pkt
fragment_of(const struct pkt *p, struct rte_mbuf *m)
{
	const struct pkt_part *part = pkt_part(m);

	return (struct pkt){ .m = m,
		.l3 = rte_pktmbuf_mtod_offset(m, void *, part->l3),
		.port = part->port,
		.interface = part->interface,
		.ip_len = (uint32_t)part->data + part->len,
		.family = p->family,
		.zone = p->zone };
}

/* => false: the interface it came in by is no more. */
static bool
make_datagram(const struct worker *w, uint8_t family, const struct frag_result *r, struct pkt *d)
{
	const struct pkt_part *first = pkt_part(r->list);

	*d = (struct pkt){ .m = r->list,
		.l3 = rte_pktmbuf_mtod_offset(r->list, void *, first->l3),
		.port = first->port,
		.interface = first->interface,
		.l4_off = first->data,
		.family = family,
		.fragments = true,
		.ip_len = first->data + r->bytes };
	/* A NIC can say nothing about the sum of a part. */
	d->m->ol_flags &= ~(uint64_t)RTE_MBUF_F_RX_L4_CKSUM_MASK;
	if (family == 4)
		d->proto = d->ip->next_proto_id;
	if (d->interface >= w->snap->interface_count)
		return false;
	d->zone = w->snap->interfaces[d->interface].zone;
	return true;
}

bool
frag_take(struct worker *w, struct pkt *p, struct pkt *datagram)
{
	struct frag_table *t = w->engine->fragments;
	struct pkt_part *part = pkt_part(p->m);
	struct frag_result r;
	struct fragment f;
	enum drop_reason reason;
	enum frag_fate fate;

	if (t == NULL || w->snap->fragments.drop) {
		worker_drop(w, p, DROP_fragment);
		return false;
	}
	part->l3 = (uint16_t)((const uint8_t *)p->l3 - rte_pktmbuf_mtod(p->m, const uint8_t *));
	part->port = p->port;
	part->interface = p->interface;
	reason = p->family == 6 ? describe6(p, part, &f) : describe4(p, part, &f);
	if (reason != DROP_NONE) {
		worker_drop(w, p, reason);
		return false;
	}
	fate = frag_table_add(t, &f.key, p->m, f.more, w->snap->fragments.most, w->now, &r);
	w->stats.held++;
	drop_held(w, r.evicted, DROP_frag_full);
	if (fate == FRAG_REFUSED)
		drop_held(w, r.list, r.reason);
	if (fate != FRAG_COMPLETE)
		return false;
	let_go(w, r.list);
	if (make_datagram(w, p->family, &r, datagram))
		return true;
	frag_drop(w, datagram, DROP_no_interface);
	return false;
}

bool
frag_fits(const struct pkt *p, uint16_t mtu)
{
	if (!p->fragments)
		return false;
	for (struct rte_mbuf *m = p->m; m != NULL; m = pkt_part(m)->next) {
		if ((uint32_t)pkt_part(m)->data + pkt_part(m)->len > mtu)
			return false;
	}
	return true;
}

void
frag_translate(const struct pkt *p, const struct session_leaving *l)
{
	for (struct rte_mbuf *m = pkt_part(p->m)->next; m != NULL; m = pkt_part(m)->next)
		nat_rewrite_addresses(
			rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, pkt_part(m)->l3), l);
}

void
frag_send(struct worker *w, const struct pkt *p, const struct egress *e)
{
	struct rte_mbuf *m = p->m;

	while (m != NULL) {
		struct rte_mbuf *const next = pkt_part(m)->next;
		struct pkt f = fragment_of(p, m);
		const uint8_t hops = f.family == 6 ? f.ip6->hop_limits : f.ip->time_to_live;

		if (hops <= 1) /* it went another way than the first */
			worker_drop(w, &f, DROP_ttl);
		else
			egress_send(w, &f, f.family, e);
		m = next;
	}
}

void
frag_answer(struct worker *w, const struct pkt *p, bool fenced)
{
	struct rte_mbuf *m = p->m;

	while (m != NULL) {
		struct rte_mbuf *const next = pkt_part(m)->next;
		const struct pkt f = fragment_of(p, m);

		if (p->family == 6 && m == p->m)
			rewrite_echo_reply6(pkt_ether(&f), f.ip6, pkt_l4(p));
		else if (p->family == 6)
			rewrite_return6(pkt_ether(&f), f.ip6);
		else if (m == p->m)
			rewrite_echo_reply(pkt_ether(&f), f.ip, pkt_l4(p));
		else
			rewrite_return(pkt_ether(&f), f.ip);
		worker_send(w, m, p->interface, TX_ANSWERED, fenced);
		m = next;
	}
}

void
frag_age(struct worker *w)
{
	struct frag_table *t = w->engine->fragments;
	uint64_t keep;

	if (t == NULL || w->snap == NULL)
		return;
	keep = w->snap->fragments.timeout * NS_PER_SEC;
	drop_held(w,
		frag_table_expire(t, &w->fragments_cursor,
			(mono_t){ .ns = w->now.ns > keep ? w->now.ns - keep : 0 }),
		DROP_frag_timeout);
}
