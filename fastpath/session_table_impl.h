/*
 * Private to session_table*.c: the table's parts.
 *
 *   session_table.c       creation, look-up, insert, replace
 *   session_table_nat.c   the same with two keys
 *   session_table_slab.c  sessions free and taken, bit maps
 *   session_table_home.c  the home worker's side: inbox, timers, removal
 *   session_table_evict.c  room for new sessions in a full table
 */
#pragma once

#include "session_age.h"
#include "session_index.h"
#include "session_table.h"

#include <rte_branch_prediction.h>
#include <rte_ring.h>

#include <netinet/in.h>

#define SESSION_RETA_SIZE     128 /* the period every supported NIC can be programmed with */
#define SESSION_CACHE_BULK    64
#define SESSION_RETIRE_GROUPS 64 /* open grace periods per worker */

struct session_cache {
	alignas(64) uint32_t count; /* its lcore only, as the next */
	uint32_t index[2 * SESSION_CACHE_BULK];
};

/* A closed batch: everything in the queue before `end` may go when `token` is done. */
struct retire_group {
	uint64_t token;
	uint32_t end;
};

struct retire {
	uint32_t *queue; /* session indexes; head, open and tail run freely */
	uint32_t head;	 /* oldest not freed */
	uint32_t open;	 /* first of the batch that still grows */
	uint32_t tail;
	mono_t opened; /* when that batch got its first entry */
	uint32_t group_head, group_tail;
	struct retire_group group[SESSION_RETIRE_GROUPS];
};

/* Names a session for ever, and when it was made. */
struct session_name {
	uint32_t index;
	uint16_t generation;
	uint16_t stamp; /* session_stamp(), as much as fits */
};
static_assert(sizeof(struct session_name) == 8, "a queue of words");

/* The sessions a worker has made, oldest first; its own worker only. */
struct session_made {
	struct session_name *queue; /* a ring */
	uint32_t size;
	uint32_t first, count;
	_Atomic(uint32_t) oldest; /* others read: stamp of the first as it was last looked at */
};

/* Time in steps of 17 ms. */
static inline uint32_t
session_stamp(mono_t now)
{
	return (uint32_t)(now.ns >> 24);
}

/* One worker's sessions: their timers and their way out. */
struct session_home {
	alignas(64) struct rte_ring *inbox;  /* fixed after creation */
	alignas(64) _Atomic(uint32_t) count; /* visible sessions; any lcore */
	alignas(64) _Atomic(uint32_t) late;  /* any lcore sets, home worker takes */
	alignas(64) uint32_t sweep;	     /* home worker only, as all that follows */
	bool sweeping;
	bool hurry; /* what is to be freed waits for its grace period, not for company */
	struct retire retire;
	struct session_made made;
	struct session_wheel wheel;
};

/* Both addresses of an IPv6 session's key. */
struct session_addr6 {
	uint64_t word[4];
};

/* What is noted with an outside key: struct session_outside. */
struct session_notes {
	uint32_t note, inbound;
};

/* What the index holds for a key: the session's index, and in the bits below: */
#define SESSION_ENTRY_SWAP    1u /* the initiator is endpoint 1 of this key */
#define SESSION_ENTRY_OUTSIDE 2u /* it is the outside key; as SESSION_DIR_OUTSIDE */
#define SESSION_ENTRY_TWO     4u /* the session has an outside key */
#define SESSION_ENTRY_SHIFT   3

struct session_table {
	/* Read by every lookup, fixed after creation. */
	struct session *slab;
	struct session_addr6 *addr6; /* by session index; set before visible */
	struct session_index index;
	struct session_home *homes;
	struct rcu *rcu;
	uint32_t capacity;
	uint32_t reserve; /* kept free when there are sessions to spare */
	uint16_t home_count;
	uint16_t cache_bulk; /* 0: too few sessions to leave some in caches */
	_Atomic(uint32_t) timeouts[SESSION_STATES]; /* M writes, W and M read: seconds */
	uint8_t reta[SESSION_RETA_SIZE];
	uint16_t toeplitz[2][256]; /* by high and by low byte of the folded tuple */

	struct rte_ring *free;
	struct session_cache *caches; /* [RTE_MAX_LCORE] */
	struct session_timer *timers; /* by session index; its home worker only */
	struct session_notes *notes;  /* by session index; set before visible; NULL without NAT */
	_Atomic(uint64_t) *dirty;     /* one bit per session: the mirror owes it an update */
	_Atomic(uint64_t)
		*late; /* one bit per session: its home worker owes it a look at its timer */
	uint32_t map_words;
	uint64_t memory;
	_Atomic(uint32_t) dirty_count; /* bits set in `dirty` */
	_Atomic(uint32_t) evicting;    /* sessions that wait in inboxes to be evicted */
};

/* Memory of the table: zeroed, counted in `memory`.  => NULL: too little. */
void *session_table_take(struct session_table *, size_t size, int socket);

/* session_table_slab.c.  => 0 or -1: too little memory. */
int session_slab_create(struct session_table *, const struct session_table_params *);
void session_slab_destroy(struct session_table *);
/* Clear a session that nobody can find any more and give it back. */
void session_slab_release(struct session_table *, struct session *);
/* => true when this call set the bit.  Always a full barrier, even when the bit is set already: who
 * takes the bit and then looks at the session must see what the caller has written before. */
bool session_slab_map_set(_Atomic(uint64_t) *map, uint32_t index);
void session_slab_map_clear(_Atomic(uint64_t) *map, uint32_t index);

/* session_table_home.c */
int session_home_create(
	struct session_table *, unsigned int id, const struct session_table_params *);
void session_home_destroy(struct session_home *);
/* Put a session that has just become visible on its home worker's wheel; `self` remembers it. */
void session_home_arm(struct session_table *, struct session *, uint16_t self, mono_t now);
/* Home worker: take a session out of the table at once, for the room it takes.  => false: no room
 * to retire it. */
bool session_home_evict(struct session_table *, uint16_t self, uint32_t index, mono_t now,
	session_gone_fn gone, void *ctx);

/* session_table_evict.c.  => 0 or -1: too little memory. */
int session_evict_create(
	struct session_table *, unsigned int id, const struct session_table_params *);

/* session_evict_note: worker `self` has made a session. */
static inline void
session_evict_note(
	struct session_table *t, uint16_t self, uint32_t index, uint16_t generation, mono_t now)
{
	struct session_made *m = &t->homes[self].made;
	uint32_t at = m->first + m->count;

	at -= at >= m->size ? m->size : 0;
	m->queue[at] = (struct session_name){
		.index = index, .generation = generation, .stamp = (uint16_t)session_stamp(now)
	};
	if (likely(m->count < m->size))
		m->count++;
	else
		m->first = m->first + 1 == m->size ? 0 : m->first + 1;
}

/* session_table.c */
uint64_t session_table_hash_of(const struct session_table *, const struct session *);
/* The entry of a key (struct session_key4 or 6) or SESSION_INDEX_NONE. */
uint32_t session_table_find(const struct session_table *, const void *key, uint64_t hash, bool v6);
uint64_t session_table_hash(const struct session_table *, const void *key, bool v6);
uint16_t session_table_home(const struct session_table *, const void *key, bool v6);
/* What a session still lacks, before anybody can find it. */
void session_table_complete(
	struct session_table *, struct session *, const void *key, uint32_t now_s, bool v6);
/* Is what was at this session a moment ago, when it had `generation`, still there?  Whoever walks
 * the slab may look at one that is just being freed, and used again. */
bool session_table_still(const struct session *, uint16_t generation);

/* session_outside_proto: of the outside key, where NAT64 makes ICMP of ICMPv6. */
static inline uint8_t
session_outside_proto(uint32_t ctl)
{
	const uint8_t proto = (uint8_t)(ctl >> SESSION_PROTO_SHIFT);

	return (ctl & SESSION_KIND_IPV6) != 0 && proto == IPPROTO_ICMPV6 ? IPPROTO_ICMP : proto;
}

/* session_table_nat.c: the outside key of a session that has one. */
uint64_t session_outside_hash(const struct session_table *, const struct session *);
uint32_t session_outside_entry(const struct session_table *, const struct session *);

static inline uint8_t
session_home_of(const struct session *s)
{
	return atomic_load_explicit(&s->home, memory_order_acquire);
}

/* What the index holds for a session's key. */
static inline uint32_t
session_table_entry(const struct session_table *t, const struct session *s)
{
	return (uint32_t)(s - t->slab) << SESSION_ENTRY_SHIFT |
	       (session_translated(s) ? SESSION_ENTRY_TWO : 0) | session_swap(s);
}

/* Seconds a session in this state may be idle. */
static inline uint32_t
session_table_idle(const struct session_table *t, uint32_t ctl)
{
	const uint32_t state = ctl & SESSION_STATE_MASK;
	const uint32_t seconds = atomic_load_explicit(
		&t->timeouts[state < SESSION_STATES ? state : 0], memory_order_relaxed);

	/* The peer deletes what it owns; twice the time is for the peer that no longer can. */
	return ctl & SESSION_F_REMOTE ? 2 * seconds : seconds;
}
