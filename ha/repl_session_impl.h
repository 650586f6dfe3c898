/*
 * Inside the replicated table of sessions: repl_session.c tells and installs, repl_session_part.c
 * compares.  HRP core only.
 */
#pragma once

#include "engine.h"
#include "hrp.h"
#include "mirror.h"
#include "repl.h"
#include "session_record.h"
#include "session_table.h"
#include "session_walk.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_BATCH 64

/* What the peer has been told: by own index. */
struct sent {
	uint32_t key_hash;
	uint32_t content; /* session_record_content() */
	uint16_t generation;
	uint16_t round; /* of the bulk it belongs to; another round = not sent */
};

enum copy_state { COPY_NONE, COPY_MAPPED, COPY_KILLED };

/* Whose copy a local session is: by local index. */
struct copy {
	uint32_t owner;	     /* the owner's index */
	uint16_t generation; /* of the local session this was written for */
	uint8_t state;
	uint8_t pad;
};

/* Which local session is the copy, and what the owner has told of it last: by the owner's index. */
struct owned {
	uint32_t local_plus_1; /* 0 = none, so that fresh zero pages need no filling */
	uint16_t local_generation, owner_generation;
	uint32_t content; /* session_record_content() */
	rte_be16_t flags; /* as in struct hrp_session_what, */
	uint8_t state;	  /* as this */
	bool turned;	  /* the local one is ours, opened from the other side */
};
static_assert(sizeof(struct sent) == 12 && sizeof(struct copy) == 8 && sizeof(struct owned) == 16,
	"36 bytes per session for the mirror");

struct table {
	struct repl_bulk bulk; /* first */
	struct engine *engine;
	struct session_table *sessions;
	uint32_t capacity;
	struct repl_methods methods;

	/* sender */
	struct sent *sent;
	uint32_t dirty_cursor;
	bool sweeping_dirty;
	uint32_t sweep_dirty, found_dirty; /* of this sweep so far; of the last one */
	mono_t dirty_due;
	uint16_t worker; /* whose ring is next */
	uint16_t from;	 /* whose `events` are */
	uint32_t at, count;
	alignas(8) struct mirror_event events[EVENT_BATCH]; /* the ring copies 8-byte words */

	/* receiver */
	struct copy *copies;
	struct owned *owned;
	uint32_t owner_capacity;
	mono_t now;    /* of this call */
	mono_t killed; /* when the last copy was */
	mono_t retry_since;
	bool retrying;
	uint32_t repair_first, repair_end; /* places of the owner whose repair is under way */
	uint32_t stray;			   /* next place to be looked at for copies of nobody's */
	uint64_t repaired;

	struct hrp_session_status stats;
};
static_assert(offsetof(struct table, bulk) == 0, "repl_bulk_role() and others look there");

static inline bool
alive(uint32_t ctl)
{
	return session_state_of(ctl) != SESSION_FREE && (ctl & SESSION_F_DEAD) == 0;
}

static inline uint16_t
generation_of(const struct session *s)
{
	return atomic_load_explicit(&s->generation, memory_order_acquire);
}

static inline bool
was_sent(const struct table *t, uint32_t index)
{
	return t->sent[index].round == t->bulk.round;
}

/* Has the bulk, or repair of a part, that came last told of it? */
static inline bool
is_confirmed(const struct table *t, const struct session *s)
{
	return atomic_load_explicit(&s->sync, memory_order_relaxed) == t->bulk.confirm;
}

/* The copy of the owner's session `owner`, if there is one: its local index, else SESSION_NONE. */
static inline uint32_t
copy_of(const struct table *t, uint32_t owner)
{
	const struct owned *o = &t->owned[owner];

	if (o->local_plus_1 == 0)
		return SESSION_NONE;
	const uint32_t local = o->local_plus_1 - 1;
	const struct copy *c = &t->copies[local];
	const struct session *s = session_table_at(t->sessions, local);
	if (c->state != COPY_MAPPED || c->owner != owner || c->generation != o->local_generation ||
		generation_of(s) != o->local_generation ||
		!alive(atomic_load_explicit(&s->ctl, memory_order_acquire)))
		return SESSION_NONE;
	return local;
}

/* Zones of the initiator and the responder, as the owner says them. */
static inline const uint8_t *
told_zones(const struct table *t, uint32_t owner, const struct session *s, uint8_t zone[2])
{
	zone[0] = s->zone[t->owned[owner].turned];
	zone[1] = s->zone[!t->owned[owner].turned];
	return zone;
}

/* Has a SYN on the ports of a closed connection put another session in its place?  Its home worker
 * has yet to end it, but what was told of it now would reach the peer behind its successor. */
static inline bool
succeeded(const struct table *t, const struct session *s, uint32_t ctl)
{
	const struct session_key4 *keys4;
	const struct session_key6 *keys6;
	union session_walk_key key;
	uint32_t there;
	uint8_t dir = 0;

	if (ctl >> SESSION_PROTO_SHIFT != IPPROTO_TCP ||
		session_state_of(ctl) < SESSION_TCP_TIME_WAIT ||
		!session_walk_read_key(t->sessions, s, &key))
		return false;
	if (session_family(s) == 6) {
		keys6 = &key.v6;
		session_table_lookup6(t->sessions, &keys6, 1, &there, &dir);
	} else {
		keys4 = &key.v4;
		session_table_lookup4(t->sessions, &keys4, 1, &there, &dir);
	}
	return there != session_table_index(t->sessions, s);
}

/* Has the session ended of which the peer knows under this index? */
static inline bool
has_ended(const struct table *t, uint32_t index)
{
	const struct session *s = session_table_at(t->sessions, index);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	return was_sent(t, index) && (t->sent[index].generation != generation_of(s) ||
					     !alive(ctl) || succeeded(t, s, ctl));
}

/* ---- repl_session.c ---- */

/* Does no record say of it? */
bool repl_session_left_out(const struct table *, const struct session *, uint32_t ctl);
/* Tell the peer how session `index` is now, whatever that is. => false: no room. */
bool repl_session_emit(struct table *, uint32_t index, const struct repl_out *, mono_t now);
/* Tell it that one of which it knows has ended.  => false: no room. */
bool repl_session_emit_delete(struct table *, uint32_t index, const struct repl_out *, mono_t now);
/* => false: the home worker's inbox is full. */
bool repl_session_kill_copy(struct table *, uint32_t local);
/* The peer has no part any more in what it had as `owner` and is ours as well. */
void repl_session_ours_alone(struct table *, uint32_t owner, uint32_t local);

/* ---- repl_session_part.c: as in struct repl_table ---- */

bool repl_session_part_told(void *t, uint32_t first, uint32_t places, const struct repl_out *,
	mono_t now, struct repl_digest *);
bool repl_session_part_walk(
	void *t, uint32_t *at, uint32_t end, const struct repl_out *, mono_t now);
bool repl_session_part_held(void *t, uint32_t first, uint32_t places, struct repl_digest *);
bool repl_session_part_begin(void *t, uint32_t first, uint32_t places);
enum repl_verdict repl_session_part_end(void *t, uint32_t first, uint32_t places);
/* repl_session_part_before, _installed: a record of the owner's session comes in, is installed:
 * what it tells is kept, and counted if it has changed anything while its part is repaired. */
uint64_t repl_session_part_before(const struct table *, uint32_t owner);
void repl_session_part_installed(
	struct table *, uint32_t owner, const union hrp_record_session *, uint64_t before);
