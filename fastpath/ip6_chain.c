/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip6_chain.h"

#include <rte_branch_prediction.h>
#include <rte_ip.h>

#include <netinet/in.h>
#include <stddef.h>

#define ROUTING_MOBILE 2 /* RFC 6275 6.4: names the receiver's own home address */

/* How often each kind of header may stand in one packet (RFC 8200 4.1). */
enum kind { HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION, KINDS };

static const uint8_t often[KINDS] = {
	[HOP_BY_HOP] = 1, [ROUTING] = 1, [FRAGMENT] = 1, [AUTHENTICATION] = 1, [DESTINATION] = 2
};

static enum kind
kind_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
		return HOP_BY_HOP;
	case IPPROTO_ROUTING:
		return ROUTING;
	case IPPROTO_FRAGMENT:
		return FRAGMENT;
	case IPPROTO_AH:
		return AUTHENTICATION;
	case IPPROTO_DSTOPTS:
		return DESTINATION;
	default:
		return KINDS;
	}
}

/* A packet on the way to a further hop is not where its header says it goes: neither policy nor
 * session could be right.  Type 0 is dead in any case (RFC 5095). */
static bool
routes_on(const uint8_t *routing)
{
	const uint8_t type = routing[2], segments_left = routing[3];

	return type == 0 || (type != ROUTING_MOBILE && segments_left != 0);
}

enum drop_reason
ip6_chain_walk(const void *ip6, uint32_t len, struct ip6_chain *c)
{
	const uint8_t *bytes = ip6;
	uint8_t seen[KINDS] = { 0 };
	uint32_t at = sizeof(struct rte_ipv6_hdr);

	c->proto = bytes[offsetof(struct rte_ipv6_hdr, proto)];
	c->fragment = c->place = 0;
	for (unsigned int n = 0;; n++) {
		const enum kind kind = kind_of(c->proto);
		const uint8_t *header = bytes + at;
		uint32_t size;

		c->l4_off = (uint16_t)at;
		if (likely(kind == KINDS))
			return DROP_NONE;
		if (n == IP6_CHAIN_MAX || ++seen[kind] > often[kind] || len < at + 8 ||
			(kind == HOP_BY_HOP && n > 0))
			return DROP_ip6_extension;
		size = kind == FRAGMENT		? 8
		       : kind == AUTHENTICATION ? (header[1] + 2U) * 4
						: (header[1] + 1U) * 8;
		if (len < at + size)
			return DROP_ip6_extension;
		if (kind == ROUTING && routes_on(header))
			return DROP_source_route;
		c->proto = header[0];
		at += size;
		if (kind != FRAGMENT)
			continue;
		c->fragment = (uint16_t)(at - size);
		c->place = (uint16_t)(header[2] << 8 | (header[3] & 0xf9));
		if ((c->place & ~1U) != 0) {
			c->l4_off = (uint16_t)at;
			return DROP_NONE;
		}
	}
}
