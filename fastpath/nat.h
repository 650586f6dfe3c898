/*
 * Address translation as the configuration has it: part of the snapshot, compiled by the management
 * thread, read-only once published.
 *
 * Order of a first packet: NAT server or static mapping (destination), route, security policy, then
 * source: static mapping, else the first source NAT rule that matches.  The policy and the source
 * NAT rules see the destination as it is behind its translation, and the source as it came.
 *
 * Addresses are in network byte order, ports in host byte order where they are ranges.
 */
#pragma once

#include "nat64_prefix.h"
#include "nat_group.h"
#include "policy.h"

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stdint.h>

#define NAT_SERVERS_MAX	  4096
#define NAT_STATICS_MAX	  1024
#define NAT_SERVER_INSIDE 16 /* hosts that share the work of one public address and port */

enum nat_action {
	NAT_KEEP,   /* no translation */
	NAT_SOURCE, /* from an address group */
	NAT_EASY_IP /* from the addresses of the interface the packet leaves by */
};

/* What a source NAT rule does; by its slot in `rules`, slot 0 (no rule matches) is NAT_KEEP. */
struct nat_source {
	enum nat_action action;
	uint16_t group; /* id of NAT_SOURCE's group */
	bool no_alg;	/* sessions it translates are not looked into */
};

/* A service behind a public address. */
struct nat_server {
	char name[64];
	uint64_t zones;		  /* bit per zone id the packet comes from; 0 = any */
	rte_be32_t address;	  /* public */
	uint8_t proto;		  /* TCP or UDP; 0 = whatever comes to the address */
	uint16_t port, port_last; /* public, both included; 0 with proto 0 */
	uint16_t inside_port;	  /* of `port`; the others follow one by one; 0 with proto 0 */
	uint16_t inside_count;	  /* 1-NAT_SERVER_INSIDE */
	rte_be32_t inside[NAT_SERVER_INSIDE];
};

/* One to one, host bits kept: public.0-255 <-> inside.0-255. */
struct nat_static {
	char name[64];
	rte_be32_t address, inside; /* networks */
	uint8_t len;		    /* of both */
};

struct nat {
	struct nat_groups *groups; /* the engine's; this holds a reference on each of its own */
	struct policy *rules;	   /* first match; the action of its rules means nothing; or NULL */
	struct nat_source *sources; /* [slot of rules] */
	uint32_t server_count;
	struct nat_server *servers; /* sorted by nat_seal() */
	uint32_t static_count;
	struct nat_static *statics;	  /* sorted by public address */
	struct nat_static *by_inside;	  /* the same, sorted by inside address */
	uint16_t easy_ip[MAX_INTERFACES]; /* group of an interface's address, NAT_GROUP_NONE */
	uint32_t group_count;
	uint16_t *group_ids; /* referred to: address groups and easy_ip */
	uint32_t prefix64_count;
	struct nat64_prefix
		prefixes64[NAT64_PREFIXES_MAX]; /* do not overlap, but for other zones */
};

/* nat_create: empty, with room for so much; every list zeroed, every easy_ip NAT_GROUP_NONE.
 * => M; NULL: out of memory. */
struct nat *nat_create(
	struct nat_groups *, uint32_t rules, uint32_t servers, uint32_t statics, uint32_t groups);
/* Lists are complete: sort them.  What overlaps was refused before, except servers of the same
 * address and ports for different zones. */
void nat_seal(struct nat *);
void nat_destroy(struct nat *); /* gives back its references on groups; takes NULL */

/* nat_server_find: => the server that takes this destination, or NULL. */
const struct nat_server *nat_server_find(
	const struct nat *, uint8_t zone, rte_be32_t dst, uint8_t proto, rte_be16_t dport);
/* nat_static_public, nat_static_inside: the other address of a static mapping. => false: none. */
bool nat_static_public(const struct nat *, rte_be32_t address, rte_be32_t *inside);
bool nat_static_inside(const struct nat *, rte_be32_t inside, rte_be32_t *address);
/* nat_has_address: is it a public address of a server, a static mapping or a group of this
 * configuration?  What comes to one that no session, server or mapping takes is dropped. */
bool nat_has_address(const struct nat *, rte_be32_t);

/* nat64_find: the prefix that hosts of this zone reach `dst` by, or NULL. */
const struct nat64_prefix *nat64_find(const struct nat *, uint8_t zone, const uint8_t dst[IP6_LEN]);
