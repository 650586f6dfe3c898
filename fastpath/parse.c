/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames to packets.  Which interface does it belong to (VLAN tag), whose frame is it (MAC), what
 * is in it (ARP, IPv4, IPv6), is the header sound, what is its session key.  IPv6 itself is in
 * parse6.c.
 */
#include "parse.h"

#include "frag.h"
#include "icmp_error.h"
#include "parse6.h"
#include "parse_l4.h"

#define VMAC_MASK RTE_BE64(UINT64_C(0xffffffffff000000))
#define VMAC4	  RTE_BE64(UINT64_C(0x00005e0001000000))
#define VMAC6	  RTE_BE64(UINT64_C(0x00005e0002000000))

enum verdict {
	VERDICT_LOOKUP,
	VERDICT_LOOKUP6,
	VERDICT_FRAGMENT,
	VERDICT_PUNT, /* p->why */
	VERDICT_DROP  /* *reason */
};

/* A port, as one burst sees it. */
struct arrival {
	uint64_t mac;
	const uint8_t *vlans; /* snapshot.port_vlans: NULL = no subinterfaces */
};

static enum verdict parse_tagged(
	const struct worker *, struct pkt *, const struct arrival *, enum drop_reason *);

static bool
vmac_configured(const struct snapshot *s, uint16_t interface, uint16_t vmac)
{
	const uint8_t vrid = (uint8_t)vmac;

	if ((vmac & VMAC_IPV6) != 0) {
		for (uint16_t i = 0; i < s->address6_count; i++) {
			if (s->addresses6[i].vrid == vrid &&
				s->addresses6[i].interface == interface)
				return true;
		}
		return false;
	}
	for (uint16_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].vrid == vrid && s->addresses[i].interface == interface)
			return true;
	}
	return false;
}

/* A frame not to the port's own MAC: is it ours all the same? */
static enum drop_reason
virtual_mac(const struct worker *w, const struct pkt *p, const struct rte_ether_hdr *eth)
{
	const uint64_t prefix = pkt_mac(eth) & VMAC_MASK;
	uint16_t vmac = eth->dst_addr.addr_bytes[5];

	if ((prefix != VMAC4 && prefix != VMAC6) || vmac == 0)
		return DROP_not_for_us;
	if (prefix == VMAC6)
		vmac |= VMAC_IPV6;
	if (engine_vmac(w->engine, p->interface, vmac) && w->owner)
		return DROP_NONE;
	return vmac_configured(w->snap, p->interface, vmac) ? DROP_not_owner : DROP_not_for_us;
}

/* `header` bytes: a constant where there are no options. */
static __rte_always_inline bool
header_sum_good(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint32_t header)
{
	const uint64_t known = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	const uint8_t *words = (const uint8_t *)ip;
	uint64_t sum = 0;

	if (known == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return true;
	if (known == RTE_MBUF_F_RX_IP_CKSUM_BAD)
		return false;
	for (uint32_t i = 0; i < header; i += sizeof(uint32_t)) {
		uint32_t word;

		memcpy(&word, words + i, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static __rte_noinline enum drop_reason
parse_options(const struct worker *w, const struct pkt *p, uint32_t header)
{
	if (!header_sum_good(p->m, p->ip, header))
		return DROP_ip_header;
	return defence_options(w, p->l3, header, p->ip->next_proto_id);
}

/* The IPv4 header; trailing padding of the frame is cut off.
 * => DROP_fragment: sound, but part of a datagram only. */
static enum drop_reason
parse_ipv4(const struct worker *w, struct pkt *p)
{
	struct rte_mbuf *m = p->m;
	const struct rte_ipv4_hdr *ip = p->ip;
	const uint32_t room = m->pkt_len - RTE_ETHER_HDR_LEN;
	enum drop_reason reason;
	uint32_t header;
	bool host;

	if (unlikely(room < sizeof(*ip)))
		return DROP_runt;
	header = (uint32_t)(ip->version_ihl & 0x0f) * 4;
	p->ip_len = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(ip->version_ihl >> 4 != 4 || header < sizeof(*ip) || p->ip_len < header ||
		     p->ip_len > room))
		return DROP_ip_header;
	if (unlikely(header > sizeof(*ip))) {
		reason = parse_options(w, p, header);
		if (reason != DROP_NONE)
			return reason;
	} else if (unlikely(!header_sum_good(m, ip, sizeof(*ip)))) {
		return DROP_ip_header;
	}
	if (room > p->ip_len && unlikely(rte_pktmbuf_trim(m, (uint16_t)(room - p->ip_len)) != 0))
		return DROP_ip_header;
	host = ip4_is_host(ip->src_addr);
	if (unlikely(!host || ip->src_addr == ip->dst_addr)) {
		reason = defence_addresses(w, host);
		if (reason != DROP_NONE)
			return reason;
	}
	p->family = 4;
	p->l4_off = (uint16_t)header;
	p->proto = ip->next_proto_id;
	return unlikely((ip->fragment_offset & RTE_BE16(0x3fff)) != 0) ? DROP_fragment : DROP_NONE;
}

static enum drop_reason
parse_icmp(struct pkt *p, struct parse_ports *ports)
{
	const struct rte_icmp_hdr *icmp = pkt_l4(p);

	if (unlikely(pkt_l4_len(p) < sizeof(*icmp)))
		return DROP_l4_header;
	switch (icmp->icmp_type) {
	case ICMP_ECHO_REQUEST:
		p->icmp = PKT_ICMP_REQUEST;
		ports->src = icmp->icmp_ident;
		ports->dst = SESSION_ICMP_ECHO_PORT;
		break;
	case ICMP_ECHO_REPLY:
		p->icmp = PKT_ICMP_REPLY;
		ports->src = SESSION_ICMP_ECHO_PORT;
		ports->dst = icmp->icmp_ident;
		break;
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER:
		p->icmp = PKT_ICMP_ERROR;
		return icmp_error_parse(p);
	default:
		return DROP_icmp_type;
	}
	return likely(icmp->icmp_code == 0) ? DROP_NONE : DROP_icmp_type;
}

static enum drop_reason
parse_l4(const struct worker *w, struct pkt *p)
{
	struct parse_ports ports = { 0 };
	enum drop_reason reason = DROP_NONE;

	p->icmp = PKT_NOT_ICMP;
	switch (p->proto) {
	case IPPROTO_TCP:
		reason = parse_l4_tcp(w, p, &ports);
		break;
	case IPPROTO_UDP:
		reason = parse_l4_udp(p, &ports);
		break;
	case IPPROTO_ICMP:
		reason = parse_icmp(p, &ports);
		break;
	case IPPROTO_SCTP:
		reason = parse_l4_sctp(p, &ports);
		break;
	default:
		break;
	}
	if (likely(reason == DROP_NONE) && likely(p->icmp != PKT_ICMP_ERROR))
		p->swap = session_key4_make(
			&p->key, p->ip->src_addr, p->ip->dst_addr, ports.src, ports.dst, p->proto);
	return reason;
}

/* Group frames: ARP, ND and VRRP concern the control core, nothing else concerns us. */
static enum verdict
parse_group(const struct worker *w, struct pkt *p, rte_be16_t type, enum drop_reason *reason)
{
	if (type == RTE_BE16(RTE_ETHER_TYPE_ARP)) {
		p->why = PUNT_ARP;
		return VERDICT_PUNT;
	}
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6)) {
		*reason = parse6_group(p);
		return *reason == DROP_NONE ? VERDICT_PUNT : VERDICT_DROP;
	}
	*reason = DROP_not_for_us;
	if (type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return VERDICT_DROP;
	*reason = parse_ipv4(w, p);
	if (*reason != DROP_NONE)
		return VERDICT_DROP;
	*reason = DROP_not_for_us;
	if (p->proto != PKT_VRRP_PROTO || p->ip->dst_addr != RTE_BE32(PKT_IPV4(224, 0, 0, 18)))
		return VERDICT_DROP;
	p->why = PUNT_VRRP;
	return VERDICT_PUNT;
}

/* Neither IPv4 nor to a group. */
static enum verdict
parse_other(const struct worker *w, struct pkt *p, const struct arrival *from, rte_be16_t type,
	enum drop_reason *reason)
{
	bool punt;

	if (likely(type == RTE_BE16(RTE_ETHER_TYPE_IPV6))) {
		*reason = parse6_packet(w, p, &punt);
		if (unlikely(*reason != DROP_NONE))
			return *reason == DROP_fragment ? VERDICT_FRAGMENT : VERDICT_DROP;
		return unlikely(punt) ? VERDICT_PUNT : VERDICT_LOOKUP6;
	}
	if (vlan_is_tag(type))
		return parse_tagged(w, p, from, reason);
	*reason = DROP_ether_type;
	p->why = PUNT_ARP;
	return type == RTE_BE16(RTE_ETHER_TYPE_ARP) ? VERDICT_PUNT : VERDICT_DROP;
}

/* A frame without a tag. */
static enum verdict
parse_untagged(
	const struct worker *w, struct pkt *p, const struct arrival *from, enum drop_reason *reason)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(p->m, const struct rte_ether_hdr *);
	const rte_be16_t type = eth->ether_type;

	p->ip = rte_pktmbuf_mtod_offset(p->m, struct rte_ipv4_hdr *, sizeof(*eth));
	if (unlikely(pkt_mac(eth) != from->mac)) {
		if (rte_is_multicast_ether_addr(&eth->dst_addr))
			return vlan_is_tag(type) ? parse_tagged(w, p, from, reason)
						 : parse_group(w, p, type, reason);
		*reason = virtual_mac(w, p, eth);
		if (*reason != DROP_NONE)
			return VERDICT_DROP;
	}
	if (unlikely(type != RTE_BE16(RTE_ETHER_TYPE_IPV4)))
		return parse_other(w, p, from, type, reason);
	*reason = parse_ipv4(w, p);
	if (likely(*reason == DROP_NONE))
		*reason = parse_l4(w, p);
	else if (*reason == DROP_fragment)
		return VERDICT_FRAGMENT;
	return likely(*reason == DROP_NONE) ? VERDICT_LOOKUP : VERDICT_DROP;
}

/* One more fragment.  => its datagram is complete and stands in *d. */
static bool
parse_fragment(struct worker *w, struct pkt *p, struct pkt *d)
{
	enum drop_reason reason;

	if (!frag_take(w, p, d))
		return false;
	reason = d->family == 6 ? parse6_datagram(w, d) : parse_l4(w, d);
	if (reason == DROP_NONE)
		return true;
	worker_drop(w, d, reason);
	return false;
}

/* Does this interface carry service traffic at all? */
static enum drop_reason
refuses(const struct worker *w, uint16_t interface)
{
	const struct snapshot_interface *in;

	if (w->snap == NULL || interface >= w->snap->interface_count)
		return DROP_no_interface;
	in = &w->snap->interfaces[interface];
	if (in->heartbeat)
		return DROP_heartbeat_port;
	return in->up ? DROP_NONE : DROP_no_interface;
}

/* One that has a tag, or may have one: the tag says to which interface it belongs. */
static enum verdict
parse_tagged(
	const struct worker *w, struct pkt *p, const struct arrival *from, enum drop_reason *reason)
{
	uint16_t vid;

	*reason = vlan_take(p->m, &vid);
	if (*reason != DROP_NONE)
		return VERDICT_DROP;
	if (vid != 0) {
		*reason = DROP_vlan_unknown;
		if (from->vlans == NULL || from->vlans[vid] == VLAN_NONE)
			return VERDICT_DROP;
		p->interface = from->vlans[vid];
	}
	*reason = refuses(w, p->interface);
	if (*reason != DROP_NONE)
		return VERDICT_DROP;
	p->zone = w->snap->interfaces[p->interface].zone;
	return parse_untagged(w, p, from, reason);
}

static enum verdict
parse_frame(
	const struct worker *w, struct pkt *p, const struct arrival *from, enum drop_reason *reason)
{
	struct rte_mbuf *m = p->m;

	*reason = DROP_runt;
	if (unlikely(m->pkt_len < RTE_ETHER_HDR_LEN))
		return VERDICT_DROP;
	if (unlikely(m->nb_segs > 1 &&
		     m->data_len < RTE_MIN(m->pkt_len, (uint32_t)PKT_HEADERS_MAX) &&
		     rte_pktmbuf_linearize(m) != 0))
		return VERDICT_DROP;
	return unlikely(from->vlans != NULL) ? parse_tagged(w, p, from, reason)
					     : parse_untagged(w, p, from, reason);
}

/* By its first EtherType. */
static inline bool
is_ip6(const struct rte_mbuf *m)
{
	return likely(m->data_len >= RTE_ETHER_HDR_LEN) &&
	       rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->ether_type ==
		       RTE_BE16(RTE_ETHER_TYPE_IPV6);
}

/* Frames of an interface; those of a port without one are counted as drops only. */
static inline void
count(struct worker *w, uint16_t interface, uint32_t packets, uint64_t bytes)
{
	if (unlikely(interface >= MAX_INTERFACES))
		return;
	w->interfaces[interface].rx_packets += packets;
	w->interfaces[interface].rx_bytes += bytes;
}

struct parsed
parse_burst(struct worker *w, struct rte_mbuf **m, uint32_t n, uint16_t port)
{
	const struct arrival from = { .mac = w->engine->port_mac[port],
		.vlans = w->snap != NULL ? w->snap->port_vlans[port] : NULL };
	const uint16_t interface = w->snap != NULL ? w->snap->port_interface[port] : INTERFACE_NONE;
	enum drop_reason reason = refuses(w, interface);
	const uint8_t zone = reason == DROP_NONE ? w->snap->interfaces[interface].zone : ZONE_NONE;
	struct parsed left = { 0 };
	uint64_t bytes = 0;

	w->stats.rx += n;
	if (unlikely(reason != DROP_NONE) && from.vlans == NULL) {
		for (uint32_t i = 0; i < n; i++)
			worker_drop_mbuf(w, m[i], worker_drop_place(interface, port), reason);
		return left;
	}
	for (uint32_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], const void *));
	for (uint32_t i = 0; i < n; i++) {
		/* Where it will be looked up from: a copy of what has just been written is slow. */
		const bool six = is_ip6(m[i]);
		struct pkt *p = six ? &w->pkts6[left.v6] : &w->pkts[left.v4];
		const uint32_t len = m[i]->pkt_len;
		enum verdict verdict;

		p->m = m[i];
		p->port = port;
		p->interface = interface;
		p->zone = zone;
		verdict = parse_frame(w, p, &from, &reason);
		if (unlikely(from.vlans != NULL))
			count(w, p->interface, 1, len);
		else
			bytes += len;
		switch (verdict) {
		case VERDICT_LOOKUP:
			left.v4++;
			break;
		case VERDICT_LOOKUP6:
			if (unlikely(!six)) /* behind a tag */
				w->pkts6[left.v6] = *p;
			left.v6++;
			break;
		case VERDICT_FRAGMENT:
			left.datagrams += parse_fragment(w, p, &w->datagrams[left.datagrams]);
			break;
		case VERDICT_PUNT:
			worker_punt(w, p, p->why);
			break;
		case VERDICT_DROP:
			if (reason == DROP_tcp_flags &&
				unlikely(w->snap->scan_zones >> p->zone & 1))
				scan_note(w, p);
			worker_drop_mbuf(w, p->m, worker_drop_place(p->interface, port), reason);
			break;
		}
	}
	if (likely(from.vlans == NULL))
		count(w, interface, n, bytes);
	return left;
}
