/*
 * The chain of IPv6 extension headers (RFC 8200 4): from the IPv6 header to what it carries.  Used
 * for packets and for packets quoted by ICMPv6 errors.
 */
#pragma once

#include "drop.h"

#include <stdbool.h>
#include <stdint.h>

#define IP6_CHAIN_MAX 8 /* extension headers of one packet; RFC 8504 5.3 lets hosts stop there */

struct ip6_chain {
	uint16_t l4_off;   /* from the IPv6 header to what follows the chain */
	uint16_t fragment; /* from the IPv6 header to the fragment header, 0 = there is none */
	uint16_t place;	   /* its offset (multiple of 8) and more-fragments bit (1), host order */
	uint8_t proto;	   /* of what follows; of a fragment other than the first: as it says */
};

/* ip6_chain_fragment: => part of a packet.  An atomic fragment (RFC 6946) is a whole one. */
static inline bool
ip6_chain_fragment(const struct ip6_chain *c)
{
	return c->place != 0;
}

/* ip6_chain_walk: `len` bytes are there from the IPv6 header on; the IPv6 header itself must be.
 * Stops behind the fragment header of a fragment that is not the first.
 * => DROP_NONE; DROP_ip6_extension (out of order, twice, too many, or longer than `len`);
 *    DROP_source_route (routing header of type 0, or one that names hops still to come). */
enum drop_reason ip6_chain_walk(const void *ip6, uint32_t len, struct ip6_chain *);
