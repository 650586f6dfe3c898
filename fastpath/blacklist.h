/*
 * The blacklist: prefixes of either family from or to which no session may begin, and whose
 * sessions have ended.  One per engine, changed by the management thread (M) only, read by every
 * lcore without a lock.
 *
 * Entries are static (configuration) or timed.  Each change compiles the other of two sets and
 * swaps it in; nothing is allocated, so no change can fail but for want of room.
 */
#pragma once

#include "clock.h"
#include "ip_addr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BLACKLIST_STATIC_MAX 8192 /* entries of the configuration */
#define BLACKLIST_TIMED_MAX  8192 /* others */
#define BLACKLIST_MAX	     (BLACKLIST_STATIC_MAX + BLACKLIST_TIMED_MAX)
#define BLACKLIST_NONE	     UINT32_MAX

struct rcu;
struct session_table;

/* Whose address: who begins a session, or to whom. */
enum blacklist_side { BLACKLIST_SOURCE, BLACKLIST_DESTINATION, BLACKLIST_SIDES };

enum blacklist_origin {
	BLACKLIST_FREE, /* slot not in use */
	BLACKLIST_STATIC,
	BLACKLIST_MANUAL,
	BLACKLIST_SCAN
};

struct blacklist_entry {
	struct ip_addr prefix; /* host bits 0 */
	uint8_t len;
	uint8_t side;	    /* enum blacklist_side */
	uint8_t origin;	    /* enum blacklist_origin */
	bool kept;	    /* while the configuration's entries are replaced */
	mono_t until;	    /* MONO_NEVER: until it is removed */
	uint64_t ended;	    /* sessions ended by it */
	uint64_t hits_base; /* what the slot's counters had when it was taken */
};

/* What packets look at. */
struct blacklist_set;

struct blacklist {
	_Atomic(struct blacklist_set *) set; /* M writes, every lcore reads; NULL: empty */
	struct blacklist_set *sets[2];	     /* M from here */
	uint64_t *hits; /* [workers][BLACKLIST_MAX]: each worker writes its own */
	uint16_t workers;
	struct rcu *rcu;
	struct blacklist_entry *entries; /* [BLACKLIST_MAX], by slot */
	uint32_t count, timed;		 /* entries, and those of them that are not static */
	uint32_t high;			 /* slots that have ever been in use */
	mono_t next;			 /* the first `until` */
	uint32_t sweep, sweep_left;	 /* slots of the session table still to be looked at */
};

struct blacklist *blacklist_create(uint16_t workers, struct rcu *); /* => NULL: out of memory */
void blacklist_destroy(struct blacklist *);

/* ---- M ---- */

/* blacklist_set_static: the configuration's entries from now on; the others stay.  Entries that are
 * there twice count once.  `sessions`: slots of the session table, for the sweep that follows.
 * => May block for a grace period.  count <= BLACKLIST_STATIC_MAX. */
void blacklist_set_static(
	struct blacklist *, const struct blacklist_entry *, uint32_t count, uint32_t sessions);

/* blacklist_add: an entry of origin MANUAL or SCAN; one with the same prefix and side gets the new
 * time if that is later.
 * => May block.  0, -ENOSPC, or -EEXIST: it is static already. */
int blacklist_add(struct blacklist *, const struct blacklist_entry *, uint32_t sessions);
/* blacklist_delete: => 0, -ENOENT, or -EPERM: it is static.  May block, as the next two. */
int blacklist_delete(
	struct blacklist *, const struct ip_addr *prefix, uint8_t len, enum blacklist_side);
/* blacklist_clear: remove all that are not static.  => how many. */
uint32_t blacklist_clear(struct blacklist *);
/* blacklist_expire: remove those whose time is over; packets do not wait for that. */
void blacklist_expire(struct blacklist *, mono_t now);

/* blacklist_sweep: end sessions that entries added since forbid; looks at so many slots.  Copies of
 * the peer's sessions are left to the peer.
 * => As a reader of grace periods.  false: all done. */
bool blacklist_sweep(struct blacklist *, struct session_table *, uint32_t slots, mono_t now);
static inline bool
blacklist_sweeping(const struct blacklist *b)
{
	return b->sweep_left > 0;
}

/* blacklist_hits: packets that an entry has stopped. */
uint64_t blacklist_hits(const struct blacklist *, uint32_t slot);
void blacklist_reset_hits(struct blacklist *);

/* ---- workers ---- */

/* blacklist_find: is a session from src to dst forbidden?  Addresses in network byte order, of one
 * family, 4 or 6.
 * => slot of an entry, BLACKLIST_NONE. */
uint32_t blacklist_find(const struct blacklist_set *, unsigned int family, const void *src,
	const void *dst, mono_t now);

static inline void
blacklist_hit(const struct blacklist *b, uint16_t worker, uint32_t slot)
{
	b->hits[(uint32_t)worker * BLACKLIST_MAX + slot]++;
}

/* blacklist_current: => NULL: nothing is forbidden. */
static inline const struct blacklist_set *
blacklist_current(const struct blacklist *b)
{
	return atomic_load_explicit(&b->set, memory_order_acquire);
}
