/*
 * Translated headers.  Checksums change by difference (RFC 1624 equation 3), so what was wrong
 * stays wrong and nothing is summed again.
 */
#pragma once

#include "session_table.h"

#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>

/* nat_sum_add: a checksum after its data has grown by `difference`, both in ones' complement. */
static inline rte_be16_t
nat_sum_add(rte_be16_t sum, uint16_t difference)
{
	uint32_t s = (uint16_t)~sum + (uint32_t)difference;

	s = (s & 0xffff) + (s >> 16);
	return (rte_be16_t)~s;
}

/* The same when one 16-bit word has become another. */
static inline rte_be16_t
nat_sum_replace(rte_be16_t sum, rte_be16_t was, rte_be16_t is)
{
	uint32_t s = (uint16_t)~sum + (uint32_t)(uint16_t)~was + is;

	s = (s & 0xffff) + (s >> 16);
	return (rte_be16_t) ~((s & 0xffff) + (s >> 16));
}

/* nat_sum_join: of two differences. */
static inline uint16_t
nat_sum_join(uint16_t a, uint16_t b)
{
	const uint32_t s = (uint32_t)a + b;

	return (uint16_t)((s & 0xffff) + (s >> 16));
}

static inline void
nat_rewrite_addresses(struct rte_ipv4_hdr *ip, const struct session_leaving *l)
{
	ip->src_addr = l->src;
	ip->dst_addr = l->dst;
	ip->hdr_checksum = nat_sum_add(ip->hdr_checksum, l->address_sum);
}

/* nat_rewrite_l4: ports, or the identifier of an echo, and the checksum.  Other protocols are
 * translated by their addresses alone, which they do not sum. */
static inline void
nat_rewrite_l4(void *l4, uint8_t proto, const struct session_leaving *l)
{
	const uint16_t sum = nat_sum_join(l->address_sum, l->port_sum);
	struct rte_tcp_hdr *tcp = l4;
	struct rte_udp_hdr *udp = l4;
	struct rte_icmp_hdr *icmp = l4;

	switch (proto) {
	case IPPROTO_TCP:
		tcp->src_port = l->sport;
		tcp->dst_port = l->dport;
		tcp->cksum = nat_sum_add(tcp->cksum, sum);
		break;
	case IPPROTO_UDP:
		udp->src_port = l->sport;
		udp->dst_port = l->dport;
		if (udp->dgram_cksum == 0)
			break; /* none */
		udp->dgram_cksum = nat_sum_add(udp->dgram_cksum, sum);
		if (udp->dgram_cksum == 0)
			udp->dgram_cksum = 0xffff;
		break;
	case IPPROTO_ICMP:
		/* Which side has the identifier depends on the direction: session_key.h. */
		icmp->icmp_ident = l->dport == SESSION_ICMP_ECHO_PORT ? l->sport : l->dport;
		icmp->icmp_cksum = nat_sum_add(icmp->icmp_cksum, l->port_sum);
		break;
	default:
		break;
	}
}
