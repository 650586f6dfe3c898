/*
 * The blacklist: prefixes of either family from or to which no session may begin, and whose
 * sessions have ended.  One per engine, changed by the management thread (M) only, read by every
 * lcore without a lock.
 *
 * Entries are static (configuration) or timed.  Each change compiles the other of two sets and
 * swaps it in; nothing is allocated, so no change can fail but for want of room.
 *
 * Of a pair each box has the other's timed entries, too, as copies: the HRP core (H) puts them in
 * and takes them out, M compiles them (blacklist_settle()).  The entries are under a lock; H only
 * tries it, and M never holds it while it waits for a grace period.
 */
#pragma once

#include "clock.h"
#include "dirty_bits.h"
#include "ip_addr.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BLACKLIST_STATIC_MAX 8192 /* entries of the configuration */
#define BLACKLIST_TIMED_MAX  8192 /* others, of each box */
#define BLACKLIST_MAX	     (BLACKLIST_STATIC_MAX + 2 * BLACKLIST_TIMED_MAX)
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
	uint8_t side;	     /* enum blacklist_side */
	uint8_t origin;	     /* enum blacklist_origin */
	bool kept;	     /* while the configuration's entries are replaced */
	bool copy;	     /* the peer's: it ends when the peer says so */
	uint16_t generation; /* with the slot: names the entry for ever */
	mono_t until;	     /* MONO_NEVER: until it is removed */
	uint64_t ended;	     /* sessions ended by it */
	uint64_t hits_base;  /* what the slot's counters had when it was taken */
};

/* What packets look at. */
struct blacklist_set;

struct blacklist {
	_Atomic(struct blacklist_set *) set; /* M writes, every lcore reads; NULL: empty */
	struct blacklist_set *sets[2];	     /* M */
	uint64_t *hits; /* [workers][BLACKLIST_MAX]: each worker writes its own */
	uint16_t workers;
	struct rcu *rcu;
	_Atomic(bool) follows; /* H writes, M reads: the peer alone makes entries */

	pthread_mutex_t lock;		 /* of what follows, M's and H's */
	struct blacklist_entry *entries; /* [BLACKLIST_MAX], by slot */
	uint32_t count;			 /* entries */
	uint32_t timed, copies;		 /* of them: neither static nor copies; copies */
	uint32_t high;			 /* slots that have ever been in use */
	uint32_t low;			 /* no slot below is free */
	_Atomic(uint8_t) pending;	 /* what M has to do for H; one look without the lock */
	struct dirty_bits dirty;	 /* slots: the mirror has not heard of a change */

	mono_t next;		    /* M from here: the first `until`, of copies not */
	uint32_t sweep, sweep_left; /* slots of the session table still to be looked at */
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
 * => May block.  0, -ENOSPC, -EEXIST: it is static already; or -EREMOTE: of origin MANUAL, where
 * the peer alone makes entries (blacklist_set_follows()). */
int blacklist_add(struct blacklist *, const struct blacklist_entry *, uint32_t sessions);
/* blacklist_delete: => 0, -ENOENT, -EPERM: it is static, or -EREMOTE: it is the peer's.  May block,
 * as the next three. */
int blacklist_delete(
	struct blacklist *, const struct ip_addr *prefix, uint8_t len, enum blacklist_side);
/* blacklist_clear: remove all that are neither static nor the peer's.  => how many. */
uint32_t blacklist_clear(struct blacklist *);
/* blacklist_expire: remove those whose time is over; packets do not wait for that. */
void blacklist_expire(struct blacklist *, mono_t now);
/* blacklist_settle: make packets see what H has changed. */
void blacklist_settle(struct blacklist *, uint32_t sessions);

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
uint64_t blacklist_hits(struct blacklist *, uint32_t slot);
void blacklist_reset_hits(struct blacklist *);

/* blacklist_next: for shows: the first entry in *slot or behind it, and its slot.
 * => false: no more. */
bool blacklist_next(struct blacklist *, uint32_t *slot, struct blacklist_entry *);
struct blacklist_counts {
	uint32_t entries, fixed, copies; /* all; of them static ones, the peer's */
};
struct blacklist_counts blacklist_count(struct blacklist *);

/* ---- H: the mirror (repl_blacklist.c) ---- */

/* blacklist_set_follows: is it the peer alone that makes entries? */
static inline void
blacklist_set_follows(struct blacklist *b, bool on)
{
	atomic_store_explicit(&b->follows, on, memory_order_relaxed);
}
static inline bool
blacklist_follows(const struct blacklist *b)
{
	return atomic_load_explicit(&b->follows, memory_order_relaxed);
}

/* blacklist_take_dirty: => the next slot at or behind *cursor that has changed since it was asked
 * for last; BLACKLIST_NONE: no more, *cursor is 0 again.
 * blacklist_set_dirty: once more, later. */
static inline uint32_t
blacklist_take_dirty(struct blacklist *b, uint32_t *cursor)
{
	return dirty_bits_take(&b->dirty, cursor);
}
static inline void
blacklist_set_dirty(struct blacklist *b, uint32_t slot)
{
	dirty_bits_set(&b->dirty, slot);
}

/* blacklist_hold: what follows is for who holds the entries.
 * => false: M is changing them; a moment later. */
bool blacklist_hold(struct blacklist *);
void blacklist_let_go(struct blacklist *);

/* blacklist_mirrored: is it for the peer to know? */
static inline bool
blacklist_mirrored(const struct blacklist_entry *e)
{
	return !e->copy && (e->origin == BLACKLIST_MANUAL || e->origin == BLACKLIST_SCAN);
}
/* blacklist_copy: the peer has this entry.  => slot, BLACKLIST_NONE: no room */
uint32_t blacklist_copy(struct blacklist *, const struct blacklist_entry *);
/* blacklist_renew: the same, of a copy that is there. */
void blacklist_renew(struct blacklist *, uint32_t slot, const struct blacklist_entry *);
/* blacklist_find_timed: => slot of one like this, ours or a copy, that packets see; BLACKLIST_NONE
 */
uint32_t blacklist_find_timed(const struct blacklist *, const struct blacklist_entry *);
void blacklist_drop(struct blacklist *, uint32_t slot); /* of a copy */
/* blacklist_adopt: the copy is ours; blacklist_yield: a timed one of ours is the peer's. */
void blacklist_adopt(struct blacklist *, uint32_t slot);
void blacklist_yield(struct blacklist *, uint32_t slot);

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
