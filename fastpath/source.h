/*
 * Sources of new sessions: what limits and scan detection know about each.  A bounded table, shared
 * by all workers; one entry for each prefix and zone.
 *
 * An entry is found, or made in the place of a free one or of the one that has been quiet for the
 * longest among the few where it may stand.  Whoever counts sessions in it holds it: `word` has its
 * tag and the number of sessions, so that a source cannot be replaced between the look and the
 * count.  When all its places are held, a source is not known and counted in `unknown`.
 *
 * Any worker, no lock.
 */
#pragma once

#include "keyed_hash.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SOURCES		 65536 /* entries, a power of two */
#define SOURCE_NONE	 UINT32_MAX
#define SOURCE_PORT_BITS 256 /* of the maps of what a source has tried */
#define SOURCE_HOST_BITS 128

struct source {
	alignas(64) _Atomic(uint64_t) word; /* tag << 32 | sessions; tag 0 = free, 1 = being made */
	uint64_t key[2];		    /* set while it is made, as the next three */
	uint8_t family, len, zone;
	_Atomic(uint32_t) seen; /* second of the last first packet */
	/* Limits */
	_Atomic(uint32_t) half_open;
	_Atomic(uint64_t) next;	   /* ns: when a session would keep to the rate */
	_Atomic(uint64_t) refused; /* sessions */
	/* Scan detection: what it has tried since `window` */
	alignas(64) _Atomic(uint32_t) window; /* second */
	_Atomic(uint32_t) alarmed;	      /* kinds of scan told of in this window, a bit each */
	_Atomic(uint64_t) ports[SOURCE_PORT_BITS / 64];
	_Atomic(uint64_t) hosts[SOURCE_HOST_BITS / 64];
};
static_assert(sizeof(struct source) == 128, "two cache lines, one for each purpose");

struct source_table {
	struct source *entries; /* plain memory, which costs nothing until it is used */
	struct keyed_hash hash;
	_Atomic(uint64_t) unknown; /* lookups that found every place held */
};

/* => 0 or -1: out of memory. */
int source_table_create(struct source_table *);
void source_table_destroy(struct source_table *);

/* source_find: the entry of the first `len` bits of an address (network byte order, family 4 or 6)
 * seen in a zone; made when there is none.
 * => its index and, for source_hold(), its tag; or SOURCE_NONE: all its places are held. */
uint32_t source_find(struct source_table *, uint8_t zone, uint8_t family, uint8_t len,
	const void *address, uint32_t now_s, uint32_t *tag);

/* source_hold: count one more session, unless it has `most` (0 = no limit).
 * => 1; 0 when it has; -1 when the entry is another source's now. */
int source_hold(struct source *, uint32_t tag, uint32_t most);
static inline void
source_release(struct source *s)
{
	atomic_fetch_sub_explicit(&s->word, 1, memory_order_release);
}

static inline uint32_t
source_tag(const struct source *s)
{
	return (uint32_t)(atomic_load_explicit(&s->word, memory_order_acquire) >> 32);
}

static inline uint32_t
source_sessions(const struct source *s)
{
	return (uint32_t)atomic_load_explicit(&s->word, memory_order_relaxed);
}

static inline bool
source_used(const struct source *s)
{
	return source_tag(s) > 1;
}

/* The address of an entry. */
struct ip_addr source_address(const struct source *);
