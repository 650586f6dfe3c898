/*
 * IP headers of one family in the place of the other's (RFC 7915 4.1, 5.1), and the checksums of
 * what they carry.
 */
#pragma once

#include "pkt.h"

#define NAT64_ATOMIC 1260 /* an IPv4 packet up to this length leaves without DF (RFC 7915 5.1) */

/* How packets of one direction leave: by the family of that side. */
struct nat64_leaving {
	uint8_t family; /* 4 or 6 */
	union {
		rte_be32_t four[2]; /* source, destination */
		uint8_t six[2][IP6_LEN];
	};
	rte_be16_t sport, dport; /* of an echo the identifier, and what stands for it */
};

/* A packet, or a fragment of one, about to get its new header. */
struct nat64_piece {
	struct rte_mbuf *m;
	uint16_t strip;	 /* bytes from the IP header to what is kept */
	uint16_t offset; /* of a fragment, in bytes */
	bool fragment, more;
	uint8_t class, hops, proto; /* proto: as it leaves */
	uint32_t len;		    /* bytes that are kept */
	uint32_t id;		    /* host byte order */
};

/* nat64_piece_of: of a packet as it came; of a datagram in fragments one of them, `m`.  The
 * identification is that of a fragment, else 0. */
struct nat64_piece nat64_piece_of(const struct pkt *, struct rte_mbuf *m);

/* nat64_length: of the packet it becomes; `family` as it leaves. */
static inline uint32_t
nat64_length(const struct nat64_piece *piece, uint8_t family)
{
	return piece->len + (family == 4	      ? (uint32_t)sizeof(struct rte_ipv4_hdr)
				    : piece->fragment ? (uint32_t)sizeof(struct rte_ipv6_hdr) + 8
						      : (uint32_t)sizeof(struct rte_ipv6_hdr));
}

/* nat64_room: `len` bytes in the place of `strip` behind the Ethernet header, which gets the type
 * of `family`.  => The first of them; NULL: no room in front, nothing has changed. */
void *nat64_room(struct rte_mbuf *, uint16_t strip, uint16_t len, uint8_t family);

/* nat64_put: the new header, and *out a packet that begins with it: the caller has filled in all
 * that comes from the old one but m, l3, family, l4_off, proto, ip_len, fragments.
 * => false: no room. */
bool nat64_put(const struct nat64_piece *, const struct nat64_leaving *, struct pkt *out);
/* nat64_fill: the header alone; *at has room for nat64_length() - piece->len bytes. */
void nat64_fill(const struct nat64_piece *, const struct nat64_leaving *, void *at);

/* nat64_l4: ports, type of an echo, and checksum of a packet that still has its old IP header.
 * UDP of IPv4 without a checksum gets one. */
void nat64_l4(const struct pkt *, const struct nat64_leaving *);

/* nat64_sums: by how much the sum of an L4 header of this protocol (as it came) changes, in ones'
 * complement, by addresses and ports alone. */
uint16_t nat64_sums(const void *addresses, uint8_t family, rte_be16_t sport, rte_be16_t dport,
	const struct nat64_leaving *);
/* nat64_pseudo6: sum of the pseudo header of ICMPv6. */
uint16_t nat64_pseudo6(const void *addresses, uint32_t len);
/* nat64_echo: type and code 0 of an echo message in the other family, as they stand in a packet. */
rte_be16_t nat64_echo(uint8_t type);

/* nat64_refused: what no translation can carry over. => DROP_nat_protocol: an authentication
 * header; DROP_source_route: hops still to come; DROP_NONE. */
enum drop_reason nat64_refused(const struct pkt *);
