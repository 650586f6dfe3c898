/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp_error.h"

#include "alg_session.h"
#include "egress.h"
#include "icmp6_rules.h"
#include "ip6_chain.h"
#include "nat64.h"
#include "nat_walk.h"
#include "parse_l4.h"

/* RFC 792: at least 8 bytes of the quoted packet's payload follow its header. */
#define QUOTED_L4 8

/* Ports of the key from the first bytes of the quoted L4 header. */
static enum drop_reason
quoted_ports(struct pkt *p, const uint8_t l4[QUOTED_L4], uint8_t proto, struct parse_ports *ports)
{
	const uint8_t type = l4[0];
	rte_be16_t words[QUOTED_L4 / 2];
	rte_be16_t service;
	bool request;

	memcpy(words, l4, sizeof(words));
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		*ports = (struct parse_ports){ .src = words[0], .dst = words[1] };
		p->quoted_seq =
			(uint32_t)rte_be_to_cpu_16(words[2]) << 16 | rte_be_to_cpu_16(words[3]);
		return DROP_NONE;
	case IPPROTO_ICMP:
		if (type != ICMP_ECHO_REQUEST && type != ICMP_ECHO_REPLY)
			return DROP_icmp_no_session; /* no error about an error: RFC 1122 3.2.2 */
		request = type == ICMP_ECHO_REQUEST;
		service = SESSION_ICMP_ECHO_PORT;
		break;
	case IPPROTO_ICMPV6:
		if (icmp6_actions[type] != ICMP6_POLICY)
			return DROP_icmp_no_session; /* RFC 4443 2.4 (e) */
		request = (type & 1) == 0;
		service = rte_cpu_to_be_16((uint16_t)((type & 0xfe) << 8));
		break;
	default:
		*ports = (struct parse_ports){ 0 };
		return DROP_NONE;
	}
	ports->src = request ? words[2] : service;
	ports->dst = request ? service : words[2];
	return DROP_NONE;
}

enum drop_reason
icmp_error_parse(struct pkt *p)
{
	const uint8_t *quote = (const uint8_t *)pkt_l4(p) + sizeof(struct rte_icmp_hdr);
	const uint32_t room = pkt_l4_len(p) - (uint32_t)sizeof(struct rte_icmp_hdr);
	struct parse_ports ports;
	struct rte_ipv4_hdr ip;
	enum drop_reason reason;
	uint32_t header;

	if (room < sizeof(ip))
		return DROP_l4_header;
	memcpy(&ip, quote, sizeof(ip));
	header = (uint32_t)(ip.version_ihl & 0x0f) * 4;
	if (ip.version_ihl >> 4 != 4 || header < sizeof(ip) || room < header + QUOTED_L4)
		return DROP_l4_header;
	/* Later fragments have no ports; the first sender must be who is told (CVE-2019-5598). */
	if ((ip.fragment_offset & RTE_BE16(0x1fff)) != 0 || ip.src_addr != p->ip->dst_addr ||
		ip.next_proto_id == IPPROTO_ICMPV6)
		return DROP_icmp_no_session;
	reason = quoted_ports(p, quote + header, ip.next_proto_id, &ports);
	if (reason == DROP_NONE)
		p->swap = session_key4_make(
			&p->key, ip.src_addr, ip.dst_addr, ports.src, ports.dst, ip.next_proto_id);
	return reason;
}

enum drop_reason
icmp_error_parse6(struct pkt *p, uint32_t readable)
{
	const uint32_t at = p->l4_off + (uint32_t)sizeof(struct rte_icmp_hdr);
	const uint8_t *quote = (const uint8_t *)p->l3 + at;
	const uint32_t room = readable > at ? readable - at : 0;
	struct parse_ports ports;
	struct ip6_chain chain;
	struct rte_ipv6_hdr ip6;
	enum drop_reason reason;

	if (room < sizeof(ip6))
		return DROP_l4_header;
	memcpy(&ip6, quote, sizeof(ip6));
	if ((ip6.vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(0x60000000) ||
		ip6_chain_walk(quote, room, &chain) != DROP_NONE ||
		room < (uint32_t)chain.l4_off + QUOTED_L4)
		return DROP_l4_header;
	if ((chain.place & ~1) != 0 || !ip6_equal(ip6.src_addr, p->ip6->dst_addr) ||
		chain.proto == IPPROTO_ICMP)
		return DROP_icmp_no_session;
	reason = quoted_ports(p, quote + chain.l4_off, chain.proto, &ports);
	if (reason == DROP_NONE)
		p->swap = session_key6_make(
			&p->key6, ip6.src_addr, ip6.dst_addr, ports.src, ports.dst, chain.proto);
	return reason;
}

void
icmp_error_hit(struct worker *w, struct pkt *p, struct session *s, unsigned int found_as)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	const unsigned int quoted = found_as & 1; /* direction of the quoted packet */
	const unsigned int dir = !quoted;	  /* the error travels against it */
	const bool between = nat64_session(s);
	struct egress e;
	enum drop_reason reason;

	if (ctl & SESSION_F_DEAD)
		reason = DROP_session_dead;
	else if (ctl & SESSION_F_LOCAL)
		reason = DROP_no_service;
	else if (!w->owner)
		reason = DROP_not_owner;
	else if (p->zone != s->zone[dir])
		reason = DROP_zone;
	else if ((ctl & SESSION_KIND_NAT) != 0 && found_as != (0 | SESSION_DIR_OUTSIDE) &&
		 found_as != 1)
		reason = DROP_nat_direction; /* who is told knows the packet as it left us */
	else if (between)
		reason = nat64_way_out(w, p, s, dir, &e);
	else
		reason = egress_of(w, p, p->family, s, dir, &e);
	if (reason == DROP_NONE && !between)
		reason = egress_allowed(w, p, p->family, &e, s->zone[quoted]);
	if ((ctl & SESSION_F_ALG) != 0 && session_proto(s) == IPPROTO_TCP)
		p->quoted_seq = alg_session_quoted(w, s, quoted, p->quoted_seq);
	if (reason == DROP_NONE && session_proto(s) == IPPROTO_TCP &&
		!session_tcp_quoted(s, quoted, p->quoted_seq))
		reason = DROP_icmp_quote;
	if (reason != DROP_NONE) {
		worker_drop(w, p, reason);
		return;
	}
	if (between) {
		nat64_send_error(w, p, s, dir, &e);
		return;
	}
	if ((ctl & SESSION_KIND_NAT) != 0 && p->family == 4)
		nat_translate_error(p, s, dir);
	egress_send(w, p, p->family, &e);
}
