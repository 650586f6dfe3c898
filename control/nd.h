/*
 * Neighbour discovery messages (RFC 4861) as bytes: reading, checking and writing.  Pure; what they
 * mean is decided in core_nd.c.
 */
#pragma once

#include "ip_addr.h"

#include <rte_ether.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ND_FRAME_LEN 86 /* Ethernet, IPv6, message of 24 bytes, one link-layer option */

#define ND_ROUTER_SOLICIT   133
#define ND_ROUTER_ADVERT    134
#define ND_NEIGHBOR_SOLICIT 135
#define ND_NEIGHBOR_ADVERT  136
#define ND_REDIRECT	    137

#define ND_NA_ROUTER	0x80
#define ND_NA_SOLICITED 0x40
#define ND_NA_OVERRIDE	0x20

struct nd {
	uint8_t type; /* ND_NEIGHBOR_SOLICIT or ND_NEIGHBOR_ADVERT */
	uint8_t flags;
	bool has_mac; /* the option was there: source (solicitation), target (advert) */
	struct rte_ether_addr mac;
	uint8_t source[IP6_LEN]; /* unspecified: duplicate address detection */
	uint8_t destination[IP6_LEN];
	uint8_t target[IP6_LEN];
};

enum nd_verdict {
	ND_OK,
	ND_OTHER,     /* router solicitation, router advert, redirect: not for a firewall */
	ND_SHORT,     /* cut off */
	ND_FORMAT,    /* not ICMPv6 right behind the IPv6 header, code not 0 */
	ND_HOP_LIMIT, /* not 255: came through a router */
	ND_CHECKSUM,
	ND_TARGET, /* multicast, or none a host has */
	ND_SOURCE, /* multicast, or unspecified where it may not be */
	ND_OPTION, /* of length 0 or longer than the message, or where none may be */
	ND_MAC,	   /* zero or multicast */
	ND_VERDICTS
};

/* nd_parse: check an Ethernet frame with ICMPv6 as RFC 4861 7.1 says and take it apart. */
enum nd_verdict nd_parse(const void *frame, size_t len, struct nd *);

/* nd_solicit: `mac`/`source` ask who has `target`; `whom` = ask this MAC only, NULL = the target's
 * solicited-node group.  Source unspecified: is the address taken? (RFC 4862 5.4.2; no option) */
void nd_solicit(uint8_t frame[ND_FRAME_LEN], const struct rte_ether_addr *mac,
	const uint8_t source[IP6_LEN], const uint8_t target[IP6_LEN],
	const struct rte_ether_addr *whom);
/* nd_advert: `target` is at `mac`, which is also the Ethernet source.  The answer to a
 * solicitation, or for everybody (`solicit` NULL: RFC 4861 7.2.6). */
void nd_advert(uint8_t frame[ND_FRAME_LEN], const struct nd *solicit,
	const struct rte_ether_addr *to, const struct rte_ether_addr *mac,
	const uint8_t target[IP6_LEN]);
/* Bytes of a frame written by the two: a solicitation for detection is 8 bytes shorter. */
size_t nd_frame_len(const uint8_t frame[ND_FRAME_LEN]);
