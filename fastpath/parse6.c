/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse6.h"

#include "icmp6_rules.h"
#include "icmp_error.h"
#include "ip6_chain.h"
#include "parse_l4.h"

#define ND_HOP_LIMIT  255
#define L4_HEADER_MAX 60 /* TCP with all options */

static const uint8_t all_vrrp[IP6_LEN] = { 0xff, 0x02, [15] = 0x12 };

/* The IPv6 header; trailing padding of the frame is cut off. */
static enum drop_reason
parse_header(struct pkt *p)
{
	struct rte_mbuf *m = p->m;
	const struct rte_ipv6_hdr *ip6 = p->ip6;
	const uint32_t room = m->pkt_len - RTE_ETHER_HDR_LEN;
	uint32_t len;

	if (unlikely(room < sizeof(*ip6)))
		return DROP_runt;
	len = (uint32_t)sizeof(*ip6) + rte_be_to_cpu_16(ip6->payload_len);
	if (unlikely((ip6->vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(0x60000000) || len > room ||
		     len > UINT16_MAX))
		return DROP_ip_header;
	if (room > len && unlikely(rte_pktmbuf_trim(m, (uint16_t)(room - len)) != 0))
		return DROP_ip_header;
	p->family = 6;
	p->ip_len = len;
	return DROP_NONE;
}

/* => the first `bytes` from the IPv6 header on lie in one piece (the buffer may move). */
static bool
in_one_piece(struct pkt *p, uint32_t bytes)
{
	if (likely(RTE_ETHER_HDR_LEN + bytes <= p->m->data_len))
		return true;
	if (rte_pktmbuf_linearize(p->m) != 0)
		return false;
	p->ip6 = rte_pktmbuf_mtod_offset(p->m, struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
	return true;
}

/* What can be read from the IPv6 header on. */
static uint32_t
readable(const struct pkt *p)
{
	return RTE_MIN(p->ip_len, (uint32_t)p->m->data_len - RTE_ETHER_HDR_LEN);
}

/* From the IPv6 header to L4.  A packet that is too large to be put into one piece may have its
 * extension headers in its first buffer only. */
static enum drop_reason
parse_chain(struct pkt *p, struct ip6_chain *chain)
{
	const uint8_t next = p->ip6->proto;
	enum drop_reason reason;

	p->l4_off = sizeof(struct rte_ipv6_hdr);
	p->proto = next;
	chain->fragment = 0;
	if (likely(next == IPPROTO_TCP || next == IPPROTO_UDP))
		return DROP_NONE;
	in_one_piece(p, p->ip_len);
	reason = ip6_chain_walk(p->ip6, readable(p), chain);
	if (reason != DROP_NONE)
		return reason;
	p->l4_off = chain->l4_off;
	p->proto = chain->proto;
	if (ip6_chain_fragment(chain))
		return DROP_fragment;
	return readable(p) < RTE_MIN(p->ip_len, p->l4_off + (uint32_t)L4_HEADER_MAX) ? DROP_runt
										     : DROP_NONE;
}

/* A message that must not come from beyond its link (RFC 4861 6.1, 7.1; RFC 6980: in one piece). */
static enum drop_reason
link_message(struct pkt *p, const struct ip6_chain *chain)
{
	if (p->ip6->hop_limits != ND_HOP_LIMIT || chain->fragment != 0)
		return DROP_nd_invalid;
	p->why = PUNT_ND;
	return DROP_NONE;
}

static enum drop_reason
parse_icmp6(struct pkt *p, const struct ip6_chain *chain, struct parse_ports *ports, bool *punt)
{
	const struct rte_icmp_hdr *icmp = pkt_l4(p);
	rte_be16_t service;
	uint8_t type;

	if (unlikely(pkt_l4_len(p) < sizeof(*icmp)))
		return DROP_l4_header;
	type = icmp->icmp_type;
	switch ((enum icmp6_action)icmp6_actions[type]) {
	case ICMP6_RELATED:
		p->icmp = PKT_ICMP_ERROR;
		return ip6_is_link_local(p->ip6->src_addr) ? DROP_link_local
							   : icmp_error_parse6(p, readable(p));
	case ICMP6_LINK:
		*punt = true;
		return link_message(p, chain);
	case ICMP6_DROP:
		return DROP_icmp_type;
	case ICMP6_POLICY:
		break;
	}
	if (unlikely(icmp->icmp_code != 0))
		return DROP_icmp_type;
	/* Each query has an even type and is followed by its reply. */
	p->icmp = (type & 1) == 0 ? PKT_ICMP_REQUEST : PKT_ICMP_REPLY;
	service = rte_cpu_to_be_16((uint16_t)((type & 0xfe) << 8));
	ports->src = p->icmp == PKT_ICMP_REQUEST ? icmp->icmp_ident : service;
	ports->dst = p->icmp == PKT_ICMP_REQUEST ? service : icmp->icmp_ident;
	return DROP_NONE;
}

/* Ports of the key, by protocol. */
static enum drop_reason
parse_ports(const struct worker *w, struct pkt *p, const struct ip6_chain *chain,
	struct parse_ports *ports, bool *punt)
{
	enum drop_reason reason;

	switch (p->proto) {
	case IPPROTO_TCP:
		return parse_l4_tcp(w, p, ports);
	case IPPROTO_UDP:
		reason = parse_l4_udp(p, ports);
		if (likely(reason == DROP_NONE) &&
			unlikely(((const struct rte_udp_hdr *)pkt_l4(p))->dgram_cksum == 0))
			return DROP_udp_checksum; /* RFC 8200 8.1 */
		return reason;
	case IPPROTO_SCTP:
		return parse_l4_sctp(p, ports);
	case IPPROTO_ICMPV6:
		return parse_icmp6(p, chain, ports, punt);
	case IPPROTO_ICMP:
		return DROP_l4_header; /* of the other family */
	default:
		return DROP_NONE;
	}
}

/* What lies behind the chain. */
static enum drop_reason
parse_payload(const struct worker *w, struct pkt *p, const struct ip6_chain *chain, bool *punt)
{
	struct parse_ports ports = { 0 };
	enum drop_reason reason;

	p->icmp = PKT_NOT_ICMP;
	reason = parse_ports(w, p, chain, &ports, punt);
	if (likely(reason == DROP_NONE) && likely(p->icmp != PKT_ICMP_ERROR))
		p->swap = session_key6_make(&p->key6, p->ip6->src_addr, p->ip6->dst_addr, ports.src,
			ports.dst, p->proto);
	return reason;
}

enum drop_reason
parse6_packet(const struct worker *w, struct pkt *p, bool *punt)
{
	struct ip6_chain chain;
	enum drop_reason reason = parse_header(p);
	bool host;

	*punt = false;
	if (unlikely(reason != DROP_NONE))
		return reason;
	host = ip6_is_host(p->ip6->src_addr);
	if (unlikely(!host || ip6_equal(p->ip6->src_addr, p->ip6->dst_addr))) {
		reason = defence_addresses(w, host);
		if (reason != DROP_NONE)
			return reason;
	}
	reason = parse_chain(p, &chain);
	return likely(reason == DROP_NONE) ? parse_payload(w, p, &chain, punt) : reason;
}

enum drop_reason
parse6_datagram(const struct worker *w, struct pkt *p)
{
	struct ip6_chain chain;
	const enum drop_reason reason = ip6_chain_walk(p->ip6, readable(p), &chain);
	bool punt = false; /* never: what would be punted must not be in fragments */

	if (reason != DROP_NONE)
		return reason;
	p->l4_off = chain.l4_off;
	p->proto = chain.proto;
	return parse_payload(w, p, &chain, &punt);
}

enum drop_reason
parse6_group(struct pkt *p)
{
	struct ip6_chain chain;
	enum drop_reason reason = parse_header(p);

	if (reason != DROP_NONE)
		return reason;
	if (!ip6_is_multicast(p->ip6->dst_addr))
		return DROP_not_for_us;
	/* Who looks for an address of his own does not have one yet. */
	if (!ip6_is_host(p->ip6->src_addr) && !ip6_is_unspecified(p->ip6->src_addr))
		return DROP_ip_source;
	reason = parse_chain(p, &chain);
	if (reason != DROP_NONE)
		return reason;
	if (p->proto == PKT_VRRP_PROTO && ip6_equal(p->ip6->dst_addr, all_vrrp)) {
		p->why = PUNT_VRRP;
		return DROP_NONE;
	}
	if (p->proto != IPPROTO_ICMPV6 || pkt_l4_len(p) < sizeof(struct rte_icmp_hdr) ||
		icmp6_actions[*(const uint8_t *)pkt_l4(p)] != ICMP6_LINK)
		return DROP_not_for_us;
	return link_message(p, &chain);
}
