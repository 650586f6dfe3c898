/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_filter.h"

#include "ip6_chain.h"
#include "vlan.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include <netinet/in.h>
#include <string.h>

#define HEADERS	     512 /* as much of a frame as is looked at */
#define TAGS_MAX     2
#define VLAN_ID_BITS 0xfff

/* Ports, flags, type: `l4` points to what `len` bytes are of. */
static void
read_l4(struct packet_fields *f, const uint8_t *l4, uint32_t len)
{
	switch (f->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if (len < 4)
			return;
		if (f->proto == IPPROTO_TCP && len > offsetof(struct rte_tcp_hdr, tcp_flags))
			f->tcp_flags = l4[offsetof(struct rte_tcp_hdr, tcp_flags)];
		f->ports = true;
		memcpy(&f->sport, l4, sizeof(f->sport));
		memcpy(&f->dport, l4 + 2, sizeof(f->dport));
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (len < 2)
			return;
		f->icmp = true;
		f->icmp_type = l4[0];
		f->icmp_code = l4[1];
		return;
	default:
		return;
	}
}

static void
read_ipv4(struct packet_fields *f, const uint8_t *at, uint32_t len)
{
	struct rte_ipv4_hdr ip;
	uint32_t header;
	uint16_t place;

	if (len < sizeof(ip))
		return;
	memcpy(&ip, at, sizeof(ip));
	header = (uint32_t)(ip.version_ihl & 0x0f) * 4;
	f->src = ip_addr_v4(ip.src_addr);
	f->dst = ip_addr_v4(ip.dst_addr);
	f->proto = ip.next_proto_id;
	place = rte_be_to_cpu_16(ip.fragment_offset);
	f->fragment = (place & 0x3fff) != 0;
	if ((place & 0x1fff) == 0 && header >= sizeof(ip) && header < len)
		read_l4(f, at + header, len - header);
}

static void
read_ipv6(struct packet_fields *f, const uint8_t *at, uint32_t len)
{
	struct ip6_chain chain = { 0 };

	if (len < sizeof(struct rte_ipv6_hdr))
		return;
	f->src = ip_addr_v6(at + offsetof(struct rte_ipv6_hdr, src_addr));
	f->dst = ip_addr_v6(at + offsetof(struct rte_ipv6_hdr, dst_addr));
	f->proto = at[offsetof(struct rte_ipv6_hdr, proto)];
	if (ip6_chain_walk(at, len, &chain) != DROP_NONE)
		return;
	f->proto = chain.proto;
	f->fragment = ip6_chain_fragment(&chain);
	if ((chain.place & ~1U) == 0 && chain.l4_off < len)
		read_l4(f, at + chain.l4_off, len - chain.l4_off);
}

void
packet_read(const struct rte_mbuf *m, struct packet_fields *f)
{
	uint8_t copy[HEADERS];
	uint32_t len = RTE_MIN(m->pkt_len, (uint32_t)HEADERS);
	const uint8_t *at = rte_pktmbuf_read(m, 0, len, copy);
	uint32_t off = offsetof(struct rte_ether_hdr, ether_type);
	rte_be16_t tci;

	memset(f, 0, sizeof(*f));
	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		f->vlan = m->vlan_tci & VLAN_ID_BITS;
	for (int tags = 0; at != NULL && off + sizeof(f->ether_type) <= len; tags++) {
		memcpy(&f->ether_type, at + off, sizeof(f->ether_type));
		off += sizeof(f->ether_type);
		if (tags == TAGS_MAX || !vlan_is_tag(f->ether_type) || off + sizeof(tci) > len)
			break;
		memcpy(&tci, at + off, sizeof(tci));
		if (tags == 0 && (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0)
			f->vlan = rte_be_to_cpu_16(tci) & VLAN_ID_BITS;
		off += sizeof(tci);
	}
	if (at == NULL || off > len)
		return;
	if (f->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		read_ipv4(f, at + off, len - off);
	else if (f->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		read_ipv6(f, at + off, len - off);
}

static bool
in_net(const struct packet_net *net, const struct ip_addr *a)
{
	if (net->address.family == 0)
		return true;
	if (net->address.family != a->family)
		return false;
	if (a->family == 6)
		return ip6_in_prefix(a->v6, net->address.v6, net->len);
	return net->len == 0 || rte_be_to_cpu_32(a->v4 ^ net->address.v4) >> (32 - net->len) == 0;
}

/* A filter that names a port wants packets that have one. */
static bool
is_port(int want, bool there, rte_be16_t port)
{
	return want < 0 || (there && rte_be_to_cpu_16(port) == want);
}

static bool
one_way(const struct packet_filter *f, const struct packet_fields *p, bool swapped)
{
	const struct ip_addr *src = swapped ? &p->dst : &p->src;
	const struct ip_addr *dst = swapped ? &p->src : &p->dst;
	const rte_be16_t sport = swapped ? p->dport : p->sport;
	const rte_be16_t dport = swapped ? p->sport : p->dport;

	return in_net(&f->source, src) && in_net(&f->destination, dst) &&
	       is_port(f->source_port, p->ports, sport) &&
	       is_port(f->destination_port, p->ports, dport);
}

bool
packet_matches(const struct packet_filter *f, const struct packet_fields *p)
{
	if (f->protocol >= 0 && (p->src.family == 0 || p->proto != f->protocol))
		return false;
	if (!in_net(&f->address, &p->src) && !in_net(&f->address, &p->dst))
		return false;
	if (!is_port(f->port, p->ports, p->sport) && !is_port(f->port, p->ports, p->dport))
		return false;
	return one_way(f, p, false) || (f->both && one_way(f, p, true));
}
