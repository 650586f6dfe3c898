/*
 * IPv4 addresses in IPv6 ones (RFC 6052): how hosts that have IPv6 only name those that have IPv4
 * only.  Pure, any thread.  Addresses are in network byte order.
 */
#pragma once

#include "ip_addr.h"

#define NAT64_PREFIXES_MAX 16

/* Hosts of some zones reach all of IPv4 by this prefix. */
struct nat64_prefix {
	char name[64];
	uint64_t zones; /* bit per zone id the packet comes from; 0 = any */
	uint8_t address[IP6_LEN];
	uint8_t len;	/* 32, 40, 48, 56, 64 or 96 */
	uint16_t group; /* id of the address group that its hosts leave by */
};

/* nat64_prefix_wrong: => why it can be no such prefix (RFC 6052 2.2), NULL: it can. */
const char *nat64_prefix_wrong(const uint8_t address[IP6_LEN], uint8_t len);

/* nat64_embed: what an IPv4 host is called; bits behind its address are 0. */
void nat64_embed(const struct nat64_prefix *, rte_be32_t, uint8_t out[IP6_LEN]);

/* nat64_extract: the IPv4 host that an address of this prefix means.
 * => false: none: bits 64 to 71 are not 0; or, of the well-known prefix 64:ff9b::/96, an address
 * that is not global (RFC 6052 3.1). */
bool nat64_extract(const struct nat64_prefix *, const uint8_t address[IP6_LEN], rte_be32_t *out);

/* nat64_host: what an address group, which knows its hosts by 32 bits, knows an IPv6 host by: the
 * same on both boxes, in 240/4 where no IPv4 host is.  Few hosts share one. */
rte_be32_t nat64_host(const uint8_t address[IP6_LEN]);
