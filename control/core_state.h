/*
 * Private to the control core: struct core and what its parts (core.c, core_arp.c, core_resolve.c,
 * core_virtual.c) share.  Everything here runs on the control core, unless it says otherwise.
 */
#pragma once

#include "arp.h"
#include "check.h"
#include "core.h"
#include "log.h"

#include <stdatomic.h>

#define CORE_CLIENTS  4
#define CORE_VIRTUALS 512

struct core_virtual {
	struct ip_addr address;
	uint16_t interface;
	uint8_t vrid;
	uint8_t garps; /* gratuitous ARPs, or adverts of neighbour discovery, still to be sent */
	_Atomic(bool) active; /* C writes, M reads */
	mono_t due;	      /* of the next one; MONO_NEVER = none */
	mono_t defended;      /* when it was last claimed by another and announced again */
	struct core_garp garp;
};

/* An IPv6 address of an interface, by its place in the snapshot. */
#define CORE_LINK_LOCAL MAX_ADDRESSES6 /* place of the link-local one */
#define CORE_OWN6	(MAX_ADDRESSES6 + 1)

struct core_own6 {
	uint8_t address[IP6_LEN];
	bool used;
	_Atomic(uint8_t) state; /* C writes, M reads; core_nd.c */
	mono_t due;
};

/* Gratuitous ARP for public addresses of translation; core_claim.c */
struct core_claims {
	uint64_t interfaces;		/* bit each: of those that are announced */
	uint64_t marks[MAX_INTERFACES]; /* what they had to be announced in the last snapshot */
	uint32_t claim, address;	/* place of the round: in the snapshot, and in that range */
	uint8_t rounds;			/* still to be made, with the present one */
	bool owner;			/* as of the last turn */
	mono_t due;
};

struct resolve;

struct core {
	struct engine *engine;
	struct rte_mempool *pool;
	struct rte_ring *messages; /* MP: management, SC: control core */
	int reader;		   /* grace period slot, -1 before core_bind */
	struct core_client clients[CORE_CLIENTS];
	uint16_t client_count;

	/* This turn */
	const struct snapshot *snap; /* NULL outside a turn and before the first publication */
	mono_t now;

	_Atomic(uint64_t) beats;     /* C writes, others read, as the next two */
	_Atomic(uint64_t) last_turn; /* ns */
	_Atomic(uint64_t) links;     /* bit per interface: carrier */
	uint64_t links_known;	     /* bit per interface: a state was reported */

	/* core_request: request id << 8 | enum request_state, and what the client said */
	_Atomic(uint64_t) request; /* M and C */
	_Atomic(int) result;	   /* C writes before REQUEST_DONE */
	uint64_t request_id;	   /* M only */

	struct core_stats stats; /* C writes, others read */
	struct resolve *resolve;

	struct core_virtual virtuals[CORE_VIRTUALS];
	uint16_t virtual_count;
	mono_t garp_window; /* rate limit: since then garp_sent have left */
	uint32_t garp_sent;
	bool quiet;			      /* core_virtual_quiet() */
	uint64_t announce;		      /* bit per interface: own address to be announced */
	rte_be32_t addresses[MAX_INTERFACES]; /* as of the last snapshot */

	struct core_claims claims;

	struct core_own6 own6[MAX_INTERFACES][CORE_OWN6];
	bool own6_due; /* core_nd_tick has something to do */

	struct log_limit conflict_log, moved_log, full_log, stall_log;
};

/* ---- core.c ---- */

/* The interface if it may carry service traffic now, else NULL. */
const struct snapshot_interface *core_interface(const struct core *, uint16_t interface);
/* => false: no buffer or no room, counted. */
bool core_send_bytes(struct core *, uint16_t interface, const uint8_t *frame, uint16_t len);
/* May transit packets and frames of virtual addresses leave? */
static inline bool
core_owner(const struct core *c)
{
	return mono_before(c->now, engine_lease(c->engine));
}

/* May we answer and announce for them? */
static inline bool
core_speaks(const struct core *c)
{
	return core_owner(c) && !c->quiet;
}

/* ---- core_arp.c ---- */

/* core_arp_input: a received ARP frame, still the caller's. */
void core_arp_input(struct core *, uint16_t interface, const struct rte_mbuf *);
/* core_arp_ask: who has the address?  whom NULL = everybody. */
void core_arp_ask(
	struct core *, uint16_t interface, rte_be32_t address, const struct rte_ether_addr *whom);

/* ---- core_resolve.c: neighbours ---- */

struct resolve *core_resolve_create(const struct core *);
void core_resolve_destroy(struct resolve *);
/* core_resolve_packet: a transit packet whose next hop has no MAC yet.  Takes the mbuf. */
void core_resolve_packet(struct core *, struct rte_mbuf *);
/* core_resolve_learn: `address` is at `mac`.  create = also when nobody has asked for it. */
void core_resolve_learn(struct core *, uint16_t interface, const struct ip_addr *address,
	const struct rte_ether_addr *mac, bool create);
/* Timers. => Entries that something happened to. */
uint32_t core_resolve_tick(struct core *);
/* Forget the neighbours of an interface whose link went down. */
void core_resolve_flush(struct core *, uint16_t interface);
/* Forget the neighbours that a new snapshot leaves without a network. */
void core_resolve_published(struct core *);
/* Is the address directly connected to the interface, and one that a host there may have? */
bool core_resolve_on_link(const struct core *, uint16_t interface, const struct ip_addr *address);

/* ---- core_nd.c: IPv6 neighbour discovery ---- */

/* core_nd_input: a received ICMPv6 message of discovery, still the caller's. */
void core_nd_input(struct core *, uint16_t interface, const struct rte_mbuf *);
/* core_nd_ask: who has the address?  whom NULL = everybody. */
void core_nd_ask(struct core *, uint16_t interface, const uint8_t address[IP6_LEN],
	const struct rte_ether_addr *whom);
/* Duplicate address detection and announcements that are due. => Frames sent. */
uint32_t core_nd_tick(struct core *);
void core_nd_link_changed(struct core *, uint16_t interface);
/* Tell all nodes that `address` is at `mac`. => false: no room now. */
bool core_nd_tell(struct core *, uint16_t interface, const struct rte_ether_addr *mac,
	const uint8_t address[IP6_LEN]);
/* Tell the link again where our addresses are. */
void core_nd_announce(struct core *, uint16_t interface);
/* Interfaces' own addresses may have changed. */
void core_nd_published(struct core *);

/* ---- core_virtual.c ---- */

/* core_virtual_find: the virtual address of an interface, or NULL. */
const struct core_virtual *core_virtual_find(
	const struct core *, uint16_t interface, const struct ip_addr *address);
/* core_virtual_owned: may we speak for it at this moment? */
bool core_virtual_owned(const struct core *, const struct core_virtual *);
/* core_virtual_defend: another host claims this address; if it is an active virtual one, it is
 * announced, but not in answer to each such frame. */
void core_virtual_defend(struct core *, uint16_t interface, const struct ip_addr *);
/* core_virtual_claimed: another host says that this address is at `mac`: the clients hear of it if
 * both are those of a group. */
void core_virtual_claimed(struct core *, uint16_t interface, const struct ip_addr *address,
	const struct rte_ether_addr *mac);
/* Send what is due. => Frames sent. */
uint32_t core_virtual_tick(struct core *);
/* The interface came up: switches must learn anew where our addresses are. */
void core_virtual_link_up(struct core *, uint16_t interface);
/* Interfaces' own addresses may have changed. */
void core_virtual_published(struct core *);
/* core_send_garp: tell the link that `address` is at `mac`. => false: no room, counted */
bool core_send_garp(
	struct core *, uint16_t interface, const struct rte_ether_addr *mac, rte_be32_t address);

/* ---- core_claim.c: public addresses of translation ---- */

/* core_claim_active: do we answer for it now, and with which MAC? */
bool core_claim_active(
	const struct core *, const struct snapshot_claim *, struct rte_ether_addr *mac);
/* core_claim_announce: some of the interface's have become ours, or its link has. */
void core_claim_announce(struct core *, uint16_t interface);
void core_claim_published(struct core *);
/* Send what is due. => Frames sent. */
uint32_t core_claim_tick(struct core *);
