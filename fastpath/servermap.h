/*
 * The server-map: connections that are expected, or may come without a rule.  One table for both
 * families, the whole engine; looked at for first packets only, before the policy.
 *
 * Here are the entries that come and go: what an ALG has heard announced (ASPF), and mappings that
 * anybody may send to (full cone).  NAT servers, static mappings and NO-PAT addresses are in the
 * snapshot and the pools; shows list all of them together.
 *
 * Nothing is allocated after creation.  Writers lock a bucket; who finds an entry takes a copy.
 * Addresses and ports are in network byte order.
 */
#pragma once

#include "clock.h"
#include "ip_addr.h"

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stdint.h>

#define SERVERMAP_NONE UINT32_MAX /* no parent: the entry belongs to no session */

enum servermap_type { SERVERMAP_ASPF, SERVERMAP_FULL_CONE };

/* What a first packet must look like. */
struct servermap_key {
	struct ip_addr dst; /* as the packet comes in */
	rte_be16_t dport;   /* 0 for protocols without */
	uint8_t proto;
};

struct servermap_entry {
	struct servermap_key key;
	struct ip_addr src; /* only from there; family 0: anybody */
	uint8_t type;	    /* enum servermap_type */
	uint8_t alg;	    /* enum alg_id of the ALG that made it, for shows; 0: none */
	uint8_t child_alg;  /* of the session it permits, 0: none */
	uint8_t zone;	    /* of the packet; ZONE_NONE: any */
	uint16_t uses;	    /* sessions it may still permit; UINT16_MAX: no end */
	/* Translation of the session it permits: family 0 = that side stays as it is. */
	struct ip_addr to; /* destination, and its port */
	rte_be16_t to_port;
	struct ip_addr from; /* source; its port stays */
	uint32_t note;	     /* as in session_outside: the port that the entry holds, 0: none; goes
			      * to the session with the last use, else to the `gone` callback */
	uint32_t policy;     /* rule id of the parent */
	uint32_t parent;     /* session, and its generation: ends with it; or SERVERMAP_NONE */
	uint16_t parent_generation;
	uint32_t call; /* of the parent, which may have several at a time; 0: none */
	mono_t until;  /* MONO_NEVER: until it is removed */
	bool copy;     /* of an entry that the peer owns: it ends when the peer says so */
};

/* servermap_create: room for `entries`, 1 to 2^30; `seed`: random, so that nobody can aim at a
 * bucket.  => NULL with errno EINVAL or ENOMEM. */
struct servermap *servermap_create(uint32_t entries, uint64_t seed, int socket);
void servermap_destroy(struct servermap *);
uint32_t servermap_count(const struct servermap *); /* one look, any lcore */
uint32_t servermap_capacity(const struct servermap *);

/* servermap_add: any lcore; at least one use.  An entry of the same key and source and parent is
 * renewed, also one whose time is over (*renewed = true: it is as the caller says now, but its note
 * stays, the caller's is not needed).  `most`: entries a parent may have, 0 = any.
 * => false: full, the parent has its share, or 16 other parents have the same key and source:
 *    counted. */
bool servermap_add(
	struct servermap *, const struct servermap_entry *, uint32_t most, bool *renewed);

/* servermap_take: the entry for a first packet: uses one up; the last removes the entry.  One for
 * this source comes before one for anybody, a younger one before an older one.  The copy is of the
 * entry before.  An empty table costs one look.
 * => Any lcore; false: there is none that lives.  `last`: the note is the caller's now. */
bool servermap_take(struct servermap *, const struct servermap_key *, const struct ip_addr *src,
	uint8_t zone, mono_t now, struct servermap_entry *, bool *last);
/* The same without using it up, e.g. for a trace. */
bool servermap_peek(const struct servermap *, const struct servermap_key *,
	const struct ip_addr *src, uint8_t zone, mono_t now, struct servermap_entry *);

/* What leaves unused: its time is over or its parent is gone.  Called without a lock; may be
 * NULL. */
typedef void (*servermap_gone_fn)(void *ctx, const struct servermap_entry *);

/* servermap_remove_parent: all entries of a session that ends; as much work as it has entries.
 * Whoever adds must know that the session lives, or what it adds stays until its time is over.
 * => Any lcore. */
void servermap_remove_parent(struct servermap *, uint32_t parent, uint16_t generation,
	servermap_gone_fn gone, void *ctx);
/* servermap_remove_call: those of one call of a session; call 0: all of it. */
void servermap_remove_call(struct servermap *, uint32_t parent, uint16_t generation, uint32_t call,
	servermap_gone_fn gone, void *ctx);
/* servermap_age: look at `budget` places from *cursor (0 at first) on; remove what is over.  => Any
 * lcore with a cursor of its own. */
void servermap_age(struct servermap *, uint32_t *cursor, uint32_t budget, mono_t now,
	servermap_gone_fn gone, void *ctx);
/* servermap_at: for shows: the entry in a place 0..capacity-1. => false: it is free. */
bool servermap_at(const struct servermap *, uint32_t place, struct servermap_entry *);

/* For the mirror; HRP core.  {place, generation} names an entry for ever.
 * servermap_take_dirty: => the next place at or behind *cursor that has changed since it was asked
 * for last; SERVERMAP_NONE: no more, *cursor is 0 again.  One look when nothing has changed.
 * servermap_set_dirty: once more, later.
 * servermap_look: as servermap_at(), with its generation.
 * servermap_copy: as servermap_add(), of a copy; => its place, or SERVERMAP_NONE.
 * servermap_drop: remove it.
 * servermap_adopt: the copy is no longer one.  => false: it is none, or gone. */
uint32_t servermap_take_dirty(struct servermap *, uint32_t *cursor);
void servermap_set_dirty(struct servermap *, uint32_t place);
bool servermap_look(
	const struct servermap *, uint32_t place, struct servermap_entry *, uint16_t *generation);
uint32_t servermap_copy(
	struct servermap *, const struct servermap_entry *, uint16_t *generation, bool *renewed);
void servermap_drop(
	struct servermap *, uint32_t place, uint16_t generation, servermap_gone_fn gone, void *ctx);
bool servermap_adopt(struct servermap *, uint32_t place, uint16_t generation);

struct servermap_stats {
	uint64_t added, used, expired, orphaned, refused_full, refused_share, refused_same;
};
struct servermap_stats servermap_stats(const struct servermap *);
