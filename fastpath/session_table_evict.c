/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Room for new sessions when the table is nearly full: those that can be spared end, oldest first.
 *
 * Each worker remembers the sessions it has made, in order, in a queue as long as its share of the
 * table: a store of eight bytes for each, and nothing when a session goes on or ends.  Who looks
 * for something to spare passes over what has become of the others.  An entry that is overwritten
 * is forgotten: as many sessions have been made since as there is room for, and its session ends
 * by its timer.
 *
 * Each worker ends those it has made itself, as long as they are not younger than the oldest of
 * the others': what is oldest in the whole table goes first, whoever has made it.
 */
#include "check.h"
#include "session_other.h"
#include "session_table_impl.h"

#include <rte_common.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#define AHEAD 8 /* sessions fetched before they are looked at */
#define SLACK                                                                                      \
	2 /* steps of the stamp by which a session may be younger than the oldest of others        \
	   */

/* Part of the table that is kept free for what comes while evicted sessions wait for their grace
 * period, beside what the lcores' caches may hold back. */
#define RESERVE_SHIFT 5

int
session_evict_create(struct session_table *t, unsigned int id, const struct session_table_params *p)
{
	struct session_made *m = &t->homes[id].made;

	/* Shares differ: twice the average. */
	m->size = p->shards == 1 ? p->max_sessions
				 : RTE_MIN(p->max_sessions, 2 * (p->max_sessions / p->shards) + 64);
	m->queue = session_table_take(t, sizeof(m->queue[0]) * m->size, p->socket);
	t->reserve = RTE_MAX(p->max_sessions >> RESERVE_SHIFT, 1u) +
		     2u * t->cache_bulk * (p->shards + 1u);
	return m->queue != NULL ? 0 : -1;
}

/* What a session in this state is to the table: nobody has answered it yet, it is over, or it is
 * the firewall's own and begins anew with the next packet.  Copies are the peer's business. */
static bool
can_be_spared(uint32_t ctl)
{
	const uint32_t over = UINT32_C(1) << SESSION_TCP_TIME_WAIT |
			      UINT32_C(1) << SESSION_TCP_CLOSED |
			      UINT32_C(1) << SESSION_SCTP_CLOSED;
	const enum session_state state = session_state_of(ctl);

	if (ctl & (SESSION_F_DEAD | SESSION_F_REMOTE))
		return false;
	return (ctl & SESSION_F_LOCAL) != 0 || (over >> state & 1) != 0 || session_half_open(state);
}

uint32_t
session_table_wanted(const struct session_table *t)
{
	const uint32_t used = session_table_count(t);
	/* What is on its way out is as good as free. */
	const uint32_t spare = (t->capacity > used ? t->capacity - used : 0) +
			       atomic_load_explicit(&t->evicting, memory_order_relaxed);

	return spare < t->reserve ? t->reserve - spare : 0;
}

static struct session *
fetch(const struct session_table *t, const struct session_made *m, uint32_t ahead)
{
	uint32_t at = m->first + ahead;

	if (ahead >= m->count)
		return NULL;
	at -= at >= m->size ? m->size : 0;
	return &t->slab[m->queue[at].index];
}

static void
forget(struct session_made *m)
{
	m->first = m->first + 1 == m->size ? 0 : m->first + 1;
	m->count--;
}

/* Stamp of the first entry, in full. */
static uint32_t
stamp_of(const struct session_made *m, uint32_t now)
{
	return now - (uint16_t)(now - m->queue[m->first].stamp);
}

/* How young may a session be?  As old as the oldest of each other worker, or any when there is next
 * to no room left: somebody may not run. */
static uint32_t
youngest(const struct session_table *t, uint16_t self, uint32_t wanted)
{
	uint32_t stamp = UINT32_MAX - SLACK;

	for (uint16_t i = 0; wanted < t->reserve - t->reserve / 4 && i < t->home_count; i++) {
		const uint32_t other =
			atomic_load_explicit(&t->homes[i].made.oldest, memory_order_relaxed);

		if (i != self && other < stamp)
			stamp = other;
	}
	return stamp + SLACK;
}

static bool
still_spared(const struct session_table *t, const struct session_name *name)
{
	const struct session *s = &t->slab[name->index];

	return session_home_of(s) != SESSION_NO_HOME &&
	       atomic_load_explicit(&s->generation, memory_order_acquire) == name->generation &&
	       can_be_spared(atomic_load_explicit(&s->ctl, memory_order_acquire));
}

/* => false: no room for it where it must go; the next turn. */
static bool
evict(struct session_table *t, uint16_t self, const struct session_name *name, mono_t now,
	session_gone_fn gone, void *ctx)
{
	if (session_home_of(&t->slab[name->index]) == self)
		return session_home_evict(t, self, name->index, now, gone, ctx);
	atomic_fetch_add(&t->evicting, 1);
	if (session_table_post(t, name->index, name->generation, SESSION_OP_EVICT))
		return true;
	atomic_fetch_sub(&t->evicting, 1);
	return false;
}

uint32_t
session_table_evict(struct session_table *t, uint16_t self, mono_t now, uint32_t most,
	session_gone_fn gone, void *ctx)
{
	const uint32_t wanted = session_table_wanted(t), stamp = session_stamp(now);
	const uint32_t limit = youngest(t, self, wanted);
	struct session_made *m = &t->homes[self].made;
	uint32_t looks = 4 * most, n = 0;

	most = RTE_MIN(most, wanted);
	for (uint32_t i = 0; i < AHEAD; i++)
		rte_prefetch0(fetch(t, m, i));
	for (; n < most && looks > 0 && m->count > 0; looks--) {
		const struct session_name name = m->queue[m->first];

		rte_prefetch0(fetch(t, m, AHEAD));
		if (still_spared(t, &name)) {
			if (stamp_of(m, stamp) > limit || !evict(t, self, &name, now, gone, ctx))
				break;
			n++;
		}
		forget(m);
	}
	atomic_store_explicit(
		&m->oldest, m->count > 0 ? stamp_of(m, stamp) : UINT32_MAX, memory_order_relaxed);
	return n;
}
