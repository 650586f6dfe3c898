/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat64_header.h"

#include "frag_table.h"
#include "l4_sum.h"
#include "nat_rewrite.h"

#include <netinet/in.h>

#define FRAGMENT_HEADER 8

#define OPTION_END  0
#define OPTION_NOP  1
#define OPTION_LSRR 131
#define OPTION_SSRR 137

static void
piece_of4(const struct pkt *p, const struct rte_ipv4_hdr *ip, uint16_t header, uint32_t ip_len,
	struct nat64_piece *piece)
{
	const uint16_t place = rte_be_to_cpu_16(ip->fragment_offset);

	piece->strip = header;
	piece->len = ip_len - header;
	piece->class = ip->type_of_service;
	piece->hops = ip->time_to_live;
	piece->offset = (uint16_t)((place & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS);
	piece->more = (place & RTE_IPV4_HDR_MF_FLAG) != 0;
	piece->proto = p->proto == IPPROTO_ICMP ? IPPROTO_ICMPV6 : p->proto;
	piece->id = rte_be_to_cpu_16(ip->packet_id);
}

/* Of a fragment `data` is where its payload begins.  What extension headers the first fragment has
 * behind the fragment header are left out, so all others move to the front by as much. */
static void
piece_of6(const struct pkt *p, const struct rte_ipv6_hdr *ip6, uint16_t data, uint32_t ip_len,
	struct nat64_piece *piece)
{
	piece->strip = p->l4_off;
	piece->class = (uint8_t)(rte_be_to_cpu_32(ip6->vtc_flow) >> 20);
	piece->hops = ip6->hop_limits;
	piece->proto = p->proto == IPPROTO_ICMPV6 ? IPPROTO_ICMP : p->proto;
	if (piece->fragment) {
		const uint8_t *header = (const uint8_t *)ip6 + data - FRAGMENT_HEADER;
		const uint16_t place = (uint16_t)(header[2] << 8 | header[3]);
		const uint16_t left_out = (uint16_t)(p->l4_off - pkt_part(p->m)->data);

		piece->offset = place & 0xfff8;
		piece->more = place & 1;
		memcpy(&piece->id, header + 4, sizeof(piece->id));
		piece->id = rte_be_to_cpu_32(piece->id);
		if (piece->offset != 0) {
			piece->strip = data;
			piece->offset = (uint16_t)(piece->offset - left_out);
		}
	}
	piece->len = ip_len - piece->strip;
}

struct nat64_piece
nat64_piece_of(const struct pkt *p, struct rte_mbuf *m)
{
	struct nat64_piece piece = { .m = m, .fragment = p->fragments };
	const struct pkt_part *part = pkt_part(m);
	const void *l3 = p->l3;
	uint16_t data = p->l4_off;
	uint32_t ip_len = p->ip_len;

	if (p->fragments) {
		l3 = rte_pktmbuf_mtod_offset(m, const void *, part->l3);
		data = part->data;
		ip_len = (uint32_t)part->data + part->len;
	}
	if (p->family == 4)
		piece_of4(p, l3, data, ip_len, &piece);
	else
		piece_of6(p, l3, data, ip_len, &piece);
	if (!piece.fragment)
		piece.id = 0;
	return piece;
}

void *
nat64_room(struct rte_mbuf *m, uint16_t strip, uint16_t len, uint8_t family)
{
	struct rte_ether_hdr eth = *rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	char *head = len > strip ? rte_pktmbuf_prepend(m, (uint16_t)(len - strip))
				 : rte_pktmbuf_adj(m, (uint16_t)(strip - len));

	if (head == NULL)
		return NULL;
	eth.ether_type =
		family == 6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	memcpy(head, &eth, sizeof(eth));
	return head + sizeof(eth);
}

static void
fill4(const struct nat64_piece *piece, const struct nat64_leaving *l, void *at)
{
	const uint32_t len = nat64_length(piece, 4);
	uint16_t place = (uint16_t)(piece->offset / RTE_IPV4_HDR_OFFSET_UNITS);
	struct rte_ipv4_hdr ip = { .version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = piece->class,
		.total_length = rte_cpu_to_be_16((uint16_t)len),
		.packet_id = rte_cpu_to_be_16((uint16_t)piece->id),
		.time_to_live = piece->hops,
		.next_proto_id = piece->proto,
		.src_addr = l->four[0],
		.dst_addr = l->four[1] };

	if (piece->more)
		place |= RTE_IPV4_HDR_MF_FLAG;
	if (!piece->fragment && len > NAT64_ATOMIC)
		place |= RTE_IPV4_HDR_DF_FLAG;
	ip.fragment_offset = rte_cpu_to_be_16(place);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(at, &ip, sizeof(ip));
}

static void
fill6(const struct nat64_piece *piece, const struct nat64_leaving *l, void *at)
{
	const uint32_t len = nat64_length(piece, 6) - (uint32_t)sizeof(struct rte_ipv6_hdr);
	const struct rte_ipv6_hdr ip6 = { .vtc_flow = rte_cpu_to_be_32(
						  UINT32_C(6) << 28 | (uint32_t)piece->class << 20),
		.payload_len = rte_cpu_to_be_16((uint16_t)len),
		.proto = piece->fragment ? IPPROTO_FRAGMENT : piece->proto,
		.hop_limits = piece->hops };
	const rte_be32_t id = rte_cpu_to_be_32(piece->id);
	uint8_t *to = at;

	memcpy(to, &ip6, offsetof(struct rte_ipv6_hdr, src_addr));
	memcpy(to + offsetof(struct rte_ipv6_hdr, src_addr), l->six, sizeof(l->six));
	if (!piece->fragment)
		return;
	to += sizeof(ip6);
	to[0] = piece->proto;
	to[1] = 0;
	to[2] = (uint8_t)(piece->offset >> 8);
	to[3] = (uint8_t)((piece->offset & 0xf8) | piece->more);
	memcpy(to + 4, &id, sizeof(id));
}

void
nat64_fill(const struct nat64_piece *piece, const struct nat64_leaving *l, void *at)
{
	if (l->family == 4)
		fill4(piece, l, at);
	else
		fill6(piece, l, at);
}

bool
nat64_put(const struct nat64_piece *piece, const struct nat64_leaving *l, struct pkt *out)
{
	const uint32_t len = nat64_length(piece, l->family);
	const uint16_t header = (uint16_t)(len - piece->len);
	void *at = nat64_room(piece->m, piece->strip, header, l->family);

	if (at == NULL)
		return false;
	nat64_fill(piece, l, at);
	out->m = piece->m;
	out->l3 = at;
	out->family = l->family;
	out->l4_off = header;
	out->proto = piece->proto;
	out->ip_len = len;
	out->fragments = false;
	return true;
}

static uint16_t
address_sum(const void *addresses, uint8_t family)
{
	return rte_raw_cksum(addresses, family == 6 ? 2 * IP6_LEN : 2 * sizeof(rte_be32_t));
}

uint16_t
nat64_sums(const void *addresses, uint8_t family, rte_be16_t sport, rte_be16_t dport,
	const struct nat64_leaving *l)
{
	const uint16_t was =
		nat_sum_join(address_sum(addresses, family), nat_sum_join(sport, dport));
	const uint16_t is =
		nat_sum_join(address_sum(l->six, l->family), nat_sum_join(l->sport, l->dport));

	return nat_sum_join(is, (uint16_t)~was);
}

uint16_t
nat64_pseudo6(const void *addresses, uint32_t len)
{
	const uint16_t rest =
		nat_sum_join(rte_cpu_to_be_16((uint16_t)len), rte_cpu_to_be_16(IPPROTO_ICMPV6));

	return nat_sum_join(address_sum(addresses, 6), rest);
}

rte_be16_t
nat64_echo(uint8_t type)
{
	const uint8_t to = type == ICMP_ECHO_REQUEST	? ICMP6_ECHO_REQUEST
			   : type == ICMP_ECHO_REPLY	? ICMP6_ECHO_REPLY
			   : type == ICMP6_ECHO_REQUEST ? ICMP_ECHO_REQUEST
							: ICMP_ECHO_REPLY;

	return rte_cpu_to_be_16((uint16_t)(to << 8));
}

/* Source and destination of an IP header lie side by side. */
static const void *
addresses_of(const struct pkt *p)
{
	return (const uint8_t *)p->l3 + (p->family == 6 ? offsetof(struct rte_ipv6_hdr, src_addr)
							: offsetof(struct rte_ipv4_hdr, src_addr));
}

/* ICMPv6 sums a pseudo header, ICMP does not. */
static void
echo(const struct pkt *p, const struct nat64_leaving *l)
{
	struct rte_icmp_hdr *icmp = pkt_l4(p);
	const rte_be16_t id =
		icmp->icmp_type == ICMP_ECHO_REQUEST || icmp->icmp_type == ICMP6_ECHO_REQUEST
			? l->sport
			: l->dport;
	const rte_be16_t type = nat64_echo(icmp->icmp_type);
	const uint16_t pseudo = p->family == 6
					? (uint16_t)~nat64_pseudo6(addresses_of(p), pkt_l4_len(p))
					: nat64_pseudo6(l->six, pkt_l4_len(p));
	rte_be16_t was;

	memcpy(&was, icmp, sizeof(was));
	icmp->icmp_cksum = nat_sum_add(icmp->icmp_cksum, pseudo);
	icmp->icmp_cksum = nat_sum_replace(icmp->icmp_cksum, was, type);
	icmp->icmp_cksum = nat_sum_replace(icmp->icmp_cksum, icmp->icmp_ident, id);
	memcpy(icmp, &type, sizeof(type));
	icmp->icmp_ident = id;
}

/* A datagram whose sender made no checksum, which IPv6 wants. */
static void
sum_udp(const struct pkt *p, struct rte_udp_hdr *udp, const struct nat64_leaving *l)
{
	const uint16_t len = rte_be_to_cpu_16(udp->dgram_len);
	uint16_t sum = l4_sum_payload(p, len);

	sum = nat_sum_join(sum, address_sum(l->six, 6));
	sum = nat_sum_join(sum, nat_sum_join(udp->dgram_len, rte_cpu_to_be_16(IPPROTO_UDP)));
	udp->dgram_cksum = (rte_be16_t)~sum;
}

static void
udp_l4(const struct pkt *p, const struct nat64_leaving *l)
{
	struct rte_udp_hdr *udp = pkt_l4(p);
	const uint16_t change =
		nat64_sums(addresses_of(p), p->family, udp->src_port, udp->dst_port, l);

	udp->src_port = l->sport;
	udp->dst_port = l->dport;
	if (unlikely(udp->dgram_cksum == 0))
		sum_udp(p, udp, l);
	else
		udp->dgram_cksum = nat_sum_add(udp->dgram_cksum, change);
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff;
}

void
nat64_l4(const struct pkt *p, const struct nat64_leaving *l)
{
	struct rte_tcp_hdr *tcp = pkt_l4(p);

	switch (p->proto) {
	case IPPROTO_TCP:
		tcp->cksum = nat_sum_add(tcp->cksum,
			nat64_sums(addresses_of(p), p->family, tcp->src_port, tcp->dst_port, l));
		tcp->src_port = l->sport;
		tcp->dst_port = l->dport;
		break;
	case IPPROTO_UDP:
		udp_l4(p, l);
		break;
	default: /* nothing else has a session (nat_pool.h) */
		echo(p, l);
		break;
	}
}

/* Extension headers up to L4, which parse has found sound. */
static enum drop_reason
refused6(const struct pkt *p)
{
	uint8_t proto = p->ip6->proto;

	for (uint32_t at = sizeof(struct rte_ipv6_hdr); at < p->l4_off;) {
		const uint8_t *header = (const uint8_t *)p->l3 + at;

		if (proto == IPPROTO_AH)
			return DROP_nat_protocol;
		if (proto == IPPROTO_ROUTING && header[3] != 0)
			return DROP_source_route;
		at += proto == IPPROTO_FRAGMENT ? FRAGMENT_HEADER : (header[1] + 1U) * 8;
		proto = header[0];
	}
	return DROP_NONE;
}

/* A source route that has not come to its end (RFC 7915 4.1). */
static enum drop_reason
refused4(const struct pkt *p)
{
	const uint8_t *option = (const uint8_t *)(p->ip + 1);
	const uint8_t *const end = (const uint8_t *)p->l3 + p->l4_off;

	while (option < end && *option != OPTION_END) {
		if (*option == OPTION_NOP) {
			option++;
			continue;
		}
		if (end - option < 3 || option[1] < 2)
			break;
		if ((*option == OPTION_LSRR || *option == OPTION_SSRR) && option[2] <= option[1])
			return DROP_source_route;
		option += option[1];
	}
	return DROP_NONE;
}

enum drop_reason
nat64_refused(const struct pkt *p)
{
	if (p->family == 6)
		return likely(p->l4_off == sizeof(struct rte_ipv6_hdr)) ? DROP_NONE : refused6(p);
	return likely(p->l4_off == sizeof(struct rte_ipv4_hdr)) ? DROP_NONE : refused4(p);
}
