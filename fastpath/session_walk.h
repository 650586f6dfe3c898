/*
 * Walks over the session table for shows and resets: a step looks at a bounded number of slots, so
 * that ten million sessions hold up nobody.  Sessions that come or go meanwhile may be missed.
 *
 * The caller is a grace-period reader (or the only thread there is).
 */
#pragma once

#include "session.h"
#include "session_key.h"

#include <stdbool.h>
#include <stdint.h>

struct session_table;

/* Which of them: session_family(). */
union session_walk_key {
	struct session_key4 v4;
	struct session_key6 v6;
};

/* session_walk_read_key: the key of a session of either family, as session_table_key4() reads it.
 * => false: it is not in the table. */
bool session_walk_read_key(
	const struct session_table *, const struct session *, union session_walk_key *);

struct session_walk {
	bool (*match)(void *ctx, const struct session *, const union session_walk_key *);
	void *ctx;
	uint32_t next;	/* slot; the walk is over at session_table_capacity() */
	uint32_t slots; /* this step may look at so many more */
	/* The session found last, as it was when `match` saw it */
	union session_walk_key key;
	uint16_t generation;
};

/* session_walk_next: the next living session that `match` (NULL = any) accepts.
 * => NULL: the step is used up, or the walk is over. */
struct session *session_walk_next(const struct session_table *, struct session_walk *);

/* session_walk_still: is `s` still the session the walk found, and in the table? */
bool session_walk_still(
	const struct session_table *, const struct session *s, const struct session_walk *);

/* session_walk_reset: one step of administrative removal: each session `match` accepts is handed to
 * its home worker to kill.  When an inbox is full the step ends early, and the next one begins with
 * the session that found no room: call again a little later.
 * => number of sessions handed over. */
uint32_t session_walk_reset(struct session_table *, struct session_walk *);
