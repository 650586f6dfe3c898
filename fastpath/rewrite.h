/*
 * Changes to a packet on its way out, by difference: nothing is summed again.
 */
#pragma once

#include "neigh.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include <string.h>

#define REWRITE_HOPS 64 /* TTL and hop limit of what we send ourselves */

/* rewrite_ttl: TTL - 1 and the header checksum to match (RFC 1624). => TTL is at least 1. */
static inline void
rewrite_ttl(struct rte_ipv4_hdr *ip)
{
	const uint32_t sum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);

	ip->time_to_live--;
	ip->hdr_checksum = (rte_be16_t)(sum + (sum >= 0xffff));
}

/* rewrite_macs: destination from a neighbour's word, source is ours on that interface. */
static inline void
rewrite_macs(struct rte_ether_hdr *eth, uint64_t word, const struct rte_ether_addr *source)
{
	const uint64_t destination = rte_cpu_to_be_64(word << 16);

	/* 8 bytes: the last two are overwritten by the source at once. */
	memcpy(eth, &destination, sizeof(destination));
	memcpy(&eth->src_addr, source, sizeof(*source));
}

/* rewrite_return: send a packet back: MACs, addresses, TTL. */
static inline void
rewrite_return(struct rte_ether_hdr *eth, struct rte_ipv4_hdr *ip)
{
	const struct rte_ether_addr mac = eth->src_addr;
	const rte_be32_t addr = ip->src_addr;

	eth->src_addr = eth->dst_addr;
	eth->dst_addr = mac;
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = addr;
	ip->time_to_live = REWRITE_HOPS;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* rewrite_return6: the same for IPv6. */
static inline void
rewrite_return6(struct rte_ether_hdr *eth, struct rte_ipv6_hdr *ip6)
{
	const struct rte_ether_addr mac = eth->src_addr;
	uint8_t addr[sizeof(ip6->src_addr)];

	eth->src_addr = eth->dst_addr;
	eth->dst_addr = mac;
	memcpy(addr, ip6->src_addr, sizeof(addr));
	memcpy(ip6->src_addr, ip6->dst_addr, sizeof(addr));
	memcpy(ip6->dst_addr, addr, sizeof(addr));
	ip6->hop_limits = REWRITE_HOPS;
}

/* rewrite_echo_reply: turn a good echo request, or its first fragment, around. */
static inline void
rewrite_echo_reply(struct rte_ether_hdr *eth, struct rte_ipv4_hdr *ip, struct rte_icmp_hdr *icmp)
{
	uint32_t sum;

	rewrite_return(eth, ip);
	sum = (uint32_t)icmp->icmp_cksum + RTE_BE16(0x0800);
	icmp->icmp_type = 0;
	/* Not 0 for 0xffff: of a message that is all zeros but for its type it would be wrong. */
	icmp->icmp_cksum = (rte_be16_t)((sum & 0xffff) + (sum >> 16));
}

/* rewrite_echo_reply6: the same for ICMPv6, whose type grows by one. */
static inline void
rewrite_echo_reply6(struct rte_ether_hdr *eth, struct rte_ipv6_hdr *ip6, struct rte_icmp_hdr *icmp)
{
	uint32_t sum;

	rewrite_return6(eth, ip6);
	sum = (uint32_t)icmp->icmp_cksum + RTE_BE16(0xfeff);
	icmp->icmp_type++;
	icmp->icmp_cksum = (rte_be16_t)((sum & 0xffff) + (sum >> 16));
}
