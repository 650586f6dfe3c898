/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit.h"

#include "check.h"

#include <rte_branch_prediction.h>

#include <stdlib.h>
#include <sys/mman.h>

/* A session's owner: bit 31 always, bit 30 while it counts as half-open, zone, slot of the source
 * + 1 (0: the source is not known). */
#define OWNER_SET	 (UINT32_C(1) << 31)
#define OWNER_HALF_OPEN	 (UINT32_C(1) << 30)
#define OWNER_ZONE_SHIFT 24
#define OWNER_SLOT	 ((UINT32_C(1) << OWNER_ZONE_SHIFT) - 1)

#define HOLD_TRIES 4 /* a source that has just been replaced by another is looked for again */

static_assert(LIMIT_ZONES <= 1 << (30 - OWNER_ZONE_SHIFT), "zones fit");
static_assert(SOURCES < OWNER_SLOT, "slots fit");

static size_t
owner_bytes(uint32_t sessions)
{
	return sizeof(_Atomic(uint32_t)) * (size_t)sessions;
}

struct limit_table *
limit_table_create(uint32_t sessions)
{
	struct limit_table *t = aligned_alloc(64, sizeof(*t));
	void *owner;

	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->sessions = sessions;
	/* Plain memory, which costs nothing until limits are used. */
	owner = mmap(NULL, owner_bytes(sessions), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	t->owner = owner != MAP_FAILED ? owner : NULL;
	if (t->owner == NULL || source_table_create(&t->sources) < 0) {
		limit_table_destroy(t);
		return NULL;
	}
	return t;
}

void
limit_table_destroy(struct limit_table *t)
{
	if (t == NULL)
		return;
	source_table_destroy(&t->sources);
	if (t->owner != NULL)
		munmap((void *)(uintptr_t)t->owner, owner_bytes(t->sessions));
	free(t);
}

/* One more, unless there are `most` already (0 = no limit). */
static bool
count(_Atomic(uint32_t) *n, uint32_t most)
{
	uint32_t have = atomic_load_explicit(n, memory_order_relaxed);

	do {
		if (most != 0 && have >= most)
			return false;
	} while (!atomic_compare_exchange_weak(n, &have, have + 1));
	return true;
}

static void
uncount(_Atomic(uint32_t) *n)
{
	const uint32_t before = atomic_fetch_sub(n, 1);

	FW_ASSERT(before > 0);
	(void)before;
}

/* A rate as times: each session moves `next` on by an interval, and may be early by a second. */
static bool
keeps_to_rate(_Atomic(uint64_t) *next, uint64_t interval_ns, mono_t now)
{
	uint64_t due = atomic_load_explicit(next, memory_order_relaxed), from;

	if (interval_ns == 0)
		return true;
	do {
		from = due > now.ns ? due : now.ns;
		if (from + interval_ns > now.ns + NS_PER_SEC)
			return false;
	} while (!atomic_compare_exchange_weak(next, &due, from + interval_ns));
	return true;
}

/* What did not begin after all has not used up any of the rate. */
static void
give_rate_back(_Atomic(uint64_t) *next, uint64_t interval_ns)
{
	atomic_fetch_sub_explicit(next, interval_ns, memory_order_relaxed);
}

static enum drop_reason
take_zone(struct limit_count *z, const struct limit_rule *r, bool half_open, mono_t now)
{
	if (!count(&z->total, r->total))
		return DROP_limit_zone_total;
	if (half_open && !count(&z->half_open, r->half_open)) {
		uncount(&z->total);
		return DROP_limit_zone_halfopen;
	}
	if (keeps_to_rate(&z->next, r->interval_ns, now))
		return DROP_NONE;
	uncount(&z->total);
	if (half_open)
		uncount(&z->half_open);
	return DROP_limit_zone_rate;
}

static void
leave_zone(struct limit_count *z, const struct limit_rule *r, bool half_open)
{
	give_rate_back(&z->next, r->interval_ns);
	uncount(&z->total);
	if (half_open)
		uncount(&z->half_open);
}

static enum drop_reason
take_source(struct source *s, const struct limit_rule *r, bool half_open, mono_t now)
{
	enum drop_reason reason = DROP_NONE;

	/* It is held, so it stays. */
	if (half_open && !count(&s->half_open, r->half_open))
		reason = DROP_limit_source_halfopen;
	else if (!keeps_to_rate(&s->next, r->interval_ns, now))
		reason = DROP_limit_source_rate;
	if (reason == DROP_limit_source_rate && half_open)
		uncount(&s->half_open);
	return reason;
}

/* Hold the source of a session, unless it has `most` (0 = no limit).
 * => 1 held, 0 it has too many sessions, -1 it is not known. */
static int
hold_source(struct limit_table *t, const struct limit_zone *l, const struct limit_session *w,
	uint32_t most, mono_t now, uint32_t *slot)
{
	const uint8_t len = w->family == 6 ? l->len6 : l->len4;

	for (unsigned int i = 0; i < HOLD_TRIES; i++) {
		uint32_t tag;
		int held;

		*slot = source_find(
			&t->sources, w->zone, w->family, len, w->source, mono_seconds(now), &tag);
		if (*slot == SOURCE_NONE)
			return -1;
		held = source_hold(&t->sources.entries[*slot], tag, most);
		if (held >= 0)
			return held;
	}
	*slot = SOURCE_NONE;
	return -1;
}

/* It is counted: there, and at its source if that is known. */
static void
own(struct limit_table *t, const struct limit_session *w, const struct source *s)
{
	const uint32_t place = s != NULL ? (uint32_t)(s - t->sources.entries) + 1 : 0;

	if (unlikely(!limit_used(t)))
		atomic_store(&t->used, true);
	atomic_store(&t->owner[w->index], OWNER_SET | (w->half_open ? OWNER_HALF_OPEN : 0) |
						  (uint32_t)w->zone << OWNER_ZONE_SHIFT | place);
}

enum drop_reason
limit_take(struct limit_table *t, const struct limit_zone *l, const struct limit_session *w,
	mono_t now)
{
	struct limit_count *zone = &t->zones[w->zone];
	enum drop_reason reason = take_zone(zone, &l->zone, w->half_open, now);
	struct source *s = NULL;
	uint32_t slot;
	int held;

	if (reason == DROP_NONE) {
		held = hold_source(t, l, w, l->source.total, now, &slot);
		s = slot != SOURCE_NONE ? &t->sources.entries[slot] : NULL;
		if (held == 0)
			reason = DROP_limit_source_total;
		else if (held > 0)
			reason = take_source(s, &l->source, w->half_open, now);
		if (reason != DROP_NONE) {
			if (held > 0)
				source_release(s);
			leave_zone(zone, &l->zone, w->half_open);
			atomic_fetch_add_explicit(&s->refused, 1, memory_order_relaxed);
		}
	}
	if (reason != DROP_NONE) {
		atomic_fetch_add_explicit(&zone->refused, 1, memory_order_relaxed);
		return reason;
	}
	own(t, w, s);
	return DROP_NONE;
}

void
limit_copy(struct limit_table *t, const struct limit_zone *l, const struct limit_session *w,
	mono_t now)
{
	struct limit_count *zone = &t->zones[w->zone];
	struct source *s = NULL;
	uint32_t slot;

	if (hold_source(t, l, w, 0, now, &slot) > 0)
		s = &t->sources.entries[slot];
	(void)count(&zone->total, 0);
	if (w->half_open)
		(void)count(&zone->half_open, 0);
	if (w->half_open && s != NULL)
		(void)count(&s->half_open, 0);
	own(t, w, s);
}

/* What is told apart in a session's owner. */
static struct limit_count *
zone_of(struct limit_table *t, uint32_t owner)
{
	return &t->zones[owner >> OWNER_ZONE_SHIFT & (LIMIT_ZONES - 1)];
}

static struct source *
source_of(struct limit_table *t, uint32_t owner)
{
	const uint32_t slot = owner & OWNER_SLOT;

	return slot != 0 ? &t->sources.entries[slot - 1] : NULL;
}

static void
no_longer_half_open(struct limit_table *t, uint32_t owner)
{
	struct source *s = source_of(t, owner);

	uncount(&zone_of(t, owner)->half_open);
	if (s != NULL)
		uncount(&s->half_open);
}

void
limit_answered(struct limit_table *t, uint32_t index)
{
	uint32_t owner = atomic_load_explicit(&t->owner[index], memory_order_relaxed);

	if ((owner & OWNER_HALF_OPEN) == 0)
		return;
	owner = atomic_fetch_and(&t->owner[index], ~OWNER_HALF_OPEN);
	if (owner & OWNER_HALF_OPEN)
		no_longer_half_open(t, owner);
}

void
limit_gone(struct limit_table *t, uint32_t index)
{
	uint32_t owner = atomic_load_explicit(&t->owner[index], memory_order_relaxed);
	struct source *s;

	if (owner == 0)
		return;
	owner = atomic_exchange(&t->owner[index], 0);
	s = source_of(t, owner);
	if (owner & OWNER_HALF_OPEN)
		no_longer_half_open(t, owner);
	if (owner != 0)
		uncount(&zone_of(t, owner)->total);
	if (s != NULL)
		source_release(s);
}
