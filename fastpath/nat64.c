/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat64.h"

#include "ip_fragment.h"
#include "nat.h"
#include "nat64_error.h"
#include "nat64_header.h"

#define CLASHES	  4  /* ports tried when the outside key is another session's */
#define FRAGMENT6 48 /* IPv6 header and fragment header */
#define TCP4	  40 /* headers of a TCP packet */
#define TCP6	  60

bool
nat64_still(const struct nat *nat, uint8_t zone, const uint8_t dst[IP6_LEN], rte_be32_t to,
	uint32_t note)
{
	const struct nat64_prefix *p = nat64_find(nat, zone, dst);
	rte_be32_t today;

	return p != NULL && nat64_extract(p, dst, &today) && today == to &&
	       !nat_groups_retired(nat->groups, nat_note_group(note));
}

enum drop_reason
nat64_lead_find(const struct snapshot *snap, uint8_t zone, const uint8_t dst[IP6_LEN],
	struct nat64_lead *lead)
{
	const struct nat64_prefix *p = nat64_find(snap->nat, zone, dst);

	lead->group = p != NULL ? p->group : NAT_GROUP_NONE;
	if (p == NULL)
		return DROP_NONE;
	/* Ours and those of translation: packets would have to turn round here. */
	if (!nat64_extract(p, dst, &lead->dst) || snapshot_own_address(snap, lead->dst) != NULL ||
		nat_has_address(snap->nat, lead->dst))
		return DROP_nat64_destination;
	return DROP_NONE;
}

enum drop_reason
nat64_admit(const struct worker *w, const struct pkt *p, struct nat64_lead *lead)
{
	const enum drop_reason reason = nat64_lead_find(w->snap, p->zone, p->ip6->dst_addr, lead);

	if (lead->group != NAT_GROUP_NONE && p->icmp == PKT_ICMP_REQUEST &&
		*(const uint8_t *)pkt_l4(p) != ICMP6_ECHO_REQUEST)
		return DROP_icmp_type;
	return reason;
}

static struct session_tuple4
outside_tuple(const struct pkt *p, const struct nat64_lead *lead, const struct nat_got *got)
{
	const bool icmp = p->proto == IPPROTO_ICMPV6;

	return (struct session_tuple4){ .src = got->addr,
		.dst = lead->dst,
		.sport = got->port,
		.dport = icmp ? SESSION_ICMP_ECHO_PORT : p->key6.port[!p->swap],
		.proto = icmp ? IPPROTO_ICMP : p->proto };
}

static enum drop_reason
take(struct worker *w, const struct pkt *p, const struct nat64_lead *lead, struct nat_got *got)
{
	const struct nat_got none = { 0 };
	const struct session_tuple4 t = outside_tuple(p, lead, &none);
	const struct nat_want want = { .worker = w->id,
		.proto = t.proto,
		.host = nat64_host(p->ip6->src_addr),
		.port = p->key6.port[p->swap],
		.remote = t.dst,
		.remote_port = t.dport };

	switch (nat_groups_take(w->engine->nat_groups, lead->group, &want, got)) {
	case NAT_OK:
		return DROP_NONE;
	case NAT_NO_PORTS_IN_PROTOCOL:
		return DROP_nat_protocol;
	default:
		return DROP_nat_exhausted;
	}
}

static void
give(const struct worker *w, const struct nat64_lead *lead, uint8_t proto,
	const struct nat_got *got)
{
	nat_groups_give(w->engine->nat_groups, lead->group, proto, got);
}

uint32_t
nat64_insert(struct worker *w, const struct pkt *p, struct session *s,
	const struct nat64_lead *lead, uint32_t old, bool *existed, enum drop_reason *reason)
{
	struct nat_got got, was = { 0 };

	*reason = take(w, p, lead, &got);
	for (unsigned int i = 0; i < CLASHES && *reason == DROP_NONE; i++) {
		const struct session_tuple4 t = outside_tuple(p, lead, &got);
		struct session_outside o = { .note = nat_note(lead->group) };
		enum session_clash clash;
		uint32_t index;

		o.swap = session_key4_make(&o.key, t.src, t.dst, t.sport, t.dport, t.proto);
		index = session_table_insert6_nat(
			w->sessions, s, &p->key6, &o, old, w->id, w->now, &clash);
		*existed = clash == SESSION_CLASH_KEY;
		*reason = DROP_table_full;
		if (clash == SESSION_CLASH_NONE && index != SESSION_NONE)
			return index;
		if (clash != SESSION_CLASH_OUTSIDE) {
			give(w, lead, t.proto, &got);
			return index;
		}
		/* Another port, before this one is given back. */
		was = got;
		*reason = take(w, p, lead, &got);
		give(w, lead, t.proto, &was);
	}
	if (*reason == DROP_NONE)
		give(w, lead, outside_tuple(p, lead, &got).proto, &got);
	*reason = was.addr != 0 ? DROP_nat_clash : *reason;
	return SESSION_NONE;
}

/* How packets of a direction leave.  => false: the session is gone. */
static bool
leaving(const struct worker *w, const struct session *s, unsigned int dir, struct nat64_leaving *l)
{
	struct session_outside o;
	struct session_key6 key;

	if (!session_table_key6(w->sessions, s, &key) || !session_table_outside(w->sessions, s, &o))
		return false;
	if (dir == 0) {
		const struct session_tuple4 t = session_key4_tuple(&o.key, o.swap);

		*l = (struct nat64_leaving){ .family = 4, .sport = t.sport, .dport = t.dport };
		l->four[0] = t.src;
		l->four[1] = t.dst;
	} else {
		const struct session_tuple6 t = session_key6_tuple(&key, session_swap(s));

		*l = (struct nat64_leaving){ .family = 6, .sport = t.dport, .dport = t.sport };
		memcpy(l->six[0], t.dst, IP6_LEN);
		memcpy(l->six[1], t.src, IP6_LEN);
	}
	return true;
}

enum drop_reason
nat64_resolve(const struct worker *w, const struct session *s, unsigned int dir, struct egress *e)
{
	const unsigned int family = dir == 0 ? 4 : 6;
	const void *dst = session_table_address6(w->sessions, s, session_swap(s));
	struct session_leaving l;
	enum drop_reason reason;

	if (dir == 0) {
		session_leaving(s, 0, &l);
		dst = &l.dst;
	}
	reason = egress_route(w, family, dst, e);
	if (reason == DROP_NONE)
		egress_neighbour(w, family, e);
	return reason;
}

/* The longest packet or fragment that a packet becomes. */
static uint32_t
longest(const struct pkt *p, uint8_t family)
{
	uint32_t len = 0;

	for (struct rte_mbuf *m = p->m; m != NULL; m = p->fragments ? pkt_part(m)->next : NULL) {
		const struct nat64_piece piece = nat64_piece_of(p, m);

		len = RTE_MAX(len, nat64_length(&piece, family));
	}
	return len;
}

/* May a packet that is too long for its way out be cut?  An IPv6 host does not expect it, but of
 * what it has cut itself, or would not be told to make shorter. */
static bool
may_cut(const struct pkt *p, uint32_t len)
{
	if (p->family == 6)
		return p->fragments || len <= NAT64_ATOMIC;
	return (p->ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) == 0;
}

enum drop_reason
nat64_allowed(const struct worker *w, struct pkt *p, struct egress *e, uint8_t zone)
{
	const uint32_t ip_len = p->ip_len;
	enum drop_reason reason;
	uint32_t len;

	p->ip_len = 0; /* it will have another one */
	reason = egress_allowed(w, p, p->family, e, zone);
	p->ip_len = ip_len;
	if (reason == DROP_NONE)
		reason = nat64_refused(p);
	if (reason != DROP_NONE)
		return reason;
	len = longest(p, p->family == 6 ? 4 : 6);
	if (likely(len <= w->snap->interfaces[e->interface].mtu))
		return DROP_NONE;
	if (!may_cut(p, len)) {
		e->word |= EGRESS_TRANSLATED;
		return DROP_mtu;
	}
	if (p->family == 6)
		e->word |= EGRESS_CUT;
	return DROP_NONE;
}

enum drop_reason
nat64_way_out(const struct worker *w, struct pkt *p, struct session *s, unsigned int dir,
	struct egress *e)
{
	enum drop_reason reason;

	if (p->family == 6)
		reason = egress_of(w, p, 4, s, dir, e);
	else
		reason = egress_of(w, p, 6, s, dir, e);
	return reason == DROP_NONE ? nat64_allowed(w, p, e, s->zone[!dir]) : reason;
}

/* A SYN offers what fits into either side, since its sender knows one of them only; and no more
 * than the interfaces allow. */
static void
clamp(const struct worker *w, struct pkt *p, const struct egress *e)
{
	const struct snapshot_interface *in = &w->snap->interfaces[p->interface];
	const struct snapshot_interface *out = &w->snap->interfaces[e->interface];
	const uint16_t headers_in = p->family == 6 ? TCP6 : TCP4;
	const uint16_t headers_out = TCP4 + TCP6 - headers_in;
	struct rte_tcp_hdr *tcp = pkt_l4(p);

	if (p->proto != IPPROTO_TCP || (tcp->tcp_flags & TCP_SYN) == 0)
		return;
	egress_clamp(w, p, e);
	if (in->mtu > headers_in && out->mtu > headers_out)
		tcp_mss_clamp(tcp, RTE_MIN(in->mtu - headers_in, out->mtu - headers_out));
}

/* ---- one packet, or one fragment ---- */

/* One of ip_fragment_send_as()'s pieces becomes a fragment of IPv6. */
static bool
piece_to6(struct rte_mbuf *m, void *ctx)
{
	const struct nat64_leaving *l = ctx;
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	const struct pkt p = { .m = m,
		.l3 = rte_pktmbuf_mtod_offset(m, void *, RTE_ETHER_HDR_LEN),
		.family = 4,
		.proto = ip->next_proto_id,
		.l4_off = rte_ipv4_hdr_len(ip),
		.ip_len = rte_be_to_cpu_16(ip->total_length) };
	struct nat64_piece piece = nat64_piece_of(&p, m);
	struct pkt out;

	piece.fragment = true;
	piece.id = rte_be_to_cpu_16(ip->packet_id);
	return nat64_put(&piece, l, &out);
}

/* IPv4 that may be cut, and would be longer than every IPv6 link takes (RFC 7915 4). */
static bool
to_be_cut(const struct pkt *f, uint32_t len, uint16_t mtu)
{
	const bool whole = (f->ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0;

	return len > (whole ? mtu : RTE_MIN((uint32_t)mtu, (uint32_t)IP6_MTU_MIN));
}

static void
send_cut(struct worker *w, struct pkt *f, const struct nat64_leaving *l, const struct egress *e,
	uint16_t mtu)
{
	struct nat64_leaving copy = *l;
	const uint16_t limit = (uint16_t)(RTE_MIN(mtu, (uint16_t)IP6_MTU_MIN) - FRAGMENT6 +
					  rte_ipv4_hdr_len(f->ip));

	rewrite_ttl(f->ip);
	ip_fragment_send_as(w, f, e,
		&(struct ip_fragment_as){
			.mtu = limit, .family = 6, .convert = piece_to6, .ctx = &copy });
}

/* `p`: the packet as it came, L4 done; `m` one of its fragments, or all of it. */
static void
send_one(struct worker *w, const struct pkt *p, struct rte_mbuf *m, const struct nat64_leaving *l,
	const struct egress *e)
{
	struct nat64_piece piece = nat64_piece_of(p, m);
	const uint16_t mtu = w->snap->interfaces[e->interface].mtu;
	struct pkt out = *p;

	out.m = m;
	out.fragments = false;
	if (p->fragments) {
		out.port = pkt_part(m)->port;
		out.interface = pkt_part(m)->interface;
		out.l3 = rte_pktmbuf_mtod_offset(m, void *, pkt_part(m)->l3);
		out.l4_off = pkt_part(m)->data;
		out.ip_len = (uint32_t)pkt_part(m)->data + pkt_part(m)->len;
		if (piece.hops <= 1) { /* it went another way than the first */
			worker_drop(w, &out, DROP_ttl);
			return;
		}
	}
	if (p->family == 4 && unlikely(to_be_cut(&out, nat64_length(&piece, 6), mtu))) {
		send_cut(w, &out, l, e, mtu);
		return;
	}
	if (l->family == 4 && !piece.fragment)
		piece.id = w->ip_id++;
	if (!nat64_put(&piece, l, &out))
		worker_drop(w, &out, DROP_no_mbuf);
	else if (l->family == 4)
		egress_send(w, &out, 4, e);
	else
		egress_send(w, &out, 6, e);
}

void
nat64_send(struct worker *w, struct pkt *p, const struct session *s, unsigned int dir,
	const struct egress *e)
{
	struct nat64_leaving l;
	struct rte_mbuf *m = p->m;

	if (!leaving(w, s, dir, &l)) {
		worker_drop(w, p, DROP_session_dead);
		return;
	}
	clamp(w, p, e);
	nat64_l4(p, &l);
	while (m != NULL) {
		struct rte_mbuf *const next = p->fragments ? pkt_part(m)->next : NULL;

		send_one(w, p, m, &l, e);
		m = next;
	}
}

void
nat64_send_error(struct worker *w, struct pkt *p, const struct session *s, unsigned int dir,
	const struct egress *e)
{
	struct nat64_leaving l;
	enum drop_reason reason = DROP_session_dead;

	if (leaving(w, s, dir, &l))
		reason = nat64_error(w, p, &l, e->interface);
	if (reason != DROP_NONE)
		worker_drop(w, p, reason);
	else
		egress_send(w, p, p->family, e);
}
