/*
 * Limits on sessions, by the zone they begin in: of each source and of all together, on how many
 * there are, how many are half-open, and how many begin in a second.
 *
 * A session that was counted knows where (`owner`, beside the session table), and is taken off
 * there when it ends, and as a half-open one when it is answered, whichever worker sees that.
 * So settings may change meanwhile.  Copies of the peer's sessions are counted as they come,
 * whatever the limits say: so what a limit allows, it allows the pair, and after a takeover there
 * is nothing to be done.
 */
#pragma once

#include "clock.h"
#include "drop.h"
#include "source.h"

#define LIMIT_ZONES 64

/* 0 = no limit. */
struct limit_rule {
	uint32_t total, half_open;
	uint64_t interval_ns; /* between two sessions that begin; a second's worth may come at once
			       */
};

/* Of the sessions that begin in a zone. */
struct limit_zone {
	uint8_t len4, len6; /* bits of an address that make a source */
	struct limit_rule source, zone;
};

struct limit_count {
	alignas(64) _Atomic(uint32_t) total, half_open;
	_Atomic(uint64_t) next; /* ns: when a session would keep to the rate */
	_Atomic(uint64_t) refused;
};

struct limit_table {
	struct source_table sources;
	struct limit_count zones[LIMIT_ZONES];
	_Atomic(uint32_t) *owner; /* by session index; 0 = not counted */
	uint32_t sessions;
	_Atomic(bool) used; /* some session has been counted: look at `owner` */
};

/* => NULL: out of memory. */
struct limit_table *limit_table_create(uint32_t sessions);
void limit_table_destroy(struct limit_table *);

/* What begins. */
struct limit_session {
	uint32_t index; /* of the session */
	uint8_t zone, family;
	bool half_open;
	const void *source; /* address in network byte order */
};

/* limit_take: count a session that is about to begin.
 * => DROP_NONE, or the limit that it would pass, then nothing has been counted. */
enum drop_reason limit_take(
	struct limit_table *, const struct limit_zone *, const struct limit_session *, mono_t now);

/* limit_copy: count a copy of a session of the peer's, before it is visible.  => HRP core. */
void limit_copy(
	struct limit_table *, const struct limit_zone *, const struct limit_session *, mono_t now);

/* limit_answered, limit_gone: a session is no longer half-open; has ended (or never began). */
void limit_answered(struct limit_table *, uint32_t index);
void limit_gone(struct limit_table *, uint32_t index);

static inline bool
limit_used(const struct limit_table *t)
{
	return atomic_load_explicit(&t->used, memory_order_relaxed);
}
