/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The home worker's side of the session table.
 *
 * Timers: a wheel per worker, which only it touches.  Others hand it {session, op} through its
 * inbox. A timer op that finds the inbox full sets the session's bit in the `late` map and the
 * worker's `late` flag instead; the worker then sweeps the map.  So no timer is ever lost.
 *
 * Removal: DEAD in ctl -> the owner is told -> off the wheel -> out of the index -> retire queue.
 * The queue is cut into batches of 256 (or what is there after 2 ms); one grace period each, after
 * which the sessions are free again.
 */
#include "check.h"
#include "rcu.h"
#include "session_table_impl.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include <stdio.h>
#include <string.h>

#define INBOX_SIZE    16384
#define RETIRE_SIZE   16384
#define RETIRE_BATCH  256
#define RETIRE_AGE_MS 2
#define RETIRE_AHEAD  16  /* sessions fetched before they are cleared */
#define DUE_AT_ONCE   32  /* sessions whose index buckets are fetched together */
#define SWEEP_WORDS   256 /* words of the late map looked at per poll, at most; and sessions: */
#define SWEEP_LOOKS   64  /* after so many the word is finished and the rest waits */

/* What the inbox carries, by value. */
struct inbox_op {
	uint32_t index;
	uint16_t generation;
	uint8_t op;
	uint8_t pad;
};
static_assert(sizeof(struct inbox_op) == 8, "ops go through the ring by value");

int
session_home_create(struct session_table *t, unsigned int id, const struct session_table_params *p)
{
	struct session_home *h = &t->homes[id];
	char name[RTE_RING_NAMESIZE];

	session_age_init(&h->wheel);
	snprintf(name, sizeof(name), "%s_i%u", p->name, id);
	h->inbox = rte_ring_create_elem(name, sizeof(struct inbox_op), INBOX_SIZE, p->socket,
		RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (h->inbox == NULL)
		return -1;
	t->memory += sizeof(struct inbox_op) * INBOX_SIZE;
	h->retire.queue = session_table_take(t, sizeof(uint32_t) * RETIRE_SIZE, p->socket);
	return h->retire.queue != NULL ? session_evict_create(t, id, p) : -1;
}

void
session_home_destroy(struct session_home *h)
{
	rte_ring_free(h->inbox);
	rte_free(h->retire.queue);
	rte_free(h->made.queue);
}

/* First second in which a session that stays idle is gone: idle for its whole timeout, whatever
 * part of a second the last packet came in. */
static uint32_t
deadline(const struct session_table *t, const struct session *s)
{
	return atomic_load_explicit(&s->last_seen, memory_order_relaxed) +
	       session_table_timeout(t, s) + 1;
}

/* Home worker: put on the wheel, or bring forward, never back. */
static void
retime(struct session_table *t, struct session_home *h, uint32_t index, uint32_t now)
{
	const uint32_t due = deadline(t, &t->slab[index]);

	if (t->timers[index].due != 0) {
		if (due >= t->timers[index].due)
			return;
		session_age_cancel(&h->wheel, t->timers, index);
	}
	session_age_arm(&h->wheel, t->timers, index, due, now);
}

static bool
post(struct session_home *h, uint32_t index, uint16_t generation, enum session_op op)
{
	struct inbox_op o = { .index = index, .generation = generation, .op = (uint8_t)op };

	return rte_ring_enqueue_elem(h->inbox, &o, sizeof(o)) == 0;
}

static void
set_late(struct session_table *t, uint32_t index, struct session_home *h)
{
	session_slab_map_set(t->late, index);
	atomic_store(&h->late, 1);
}

bool
session_table_post(struct session_table *t, uint32_t index, uint16_t generation, enum session_op op)
{
	const struct session *s;
	struct session_home *h;
	uint8_t home;

	if (index >= t->capacity)
		return true; /* no such session: nothing is owed */
	s = &t->slab[index];
	home = session_home_of(s);
	if (home == SESSION_NO_HOME ||
		atomic_load_explicit(&s->generation, memory_order_relaxed) != generation)
		return true; /* gone already */
	h = &t->homes[home];
	if (post(h, index, generation, op))
		return true;
	if (op == SESSION_OP_KILL || op == SESSION_OP_DENY || op == SESSION_OP_EVICT)
		return false;
	set_late(t, index, h);
	return true;
}

void
session_table_set_timeouts(struct session_table *t, const uint32_t seconds[SESSION_STATES])
{
	bool shorter = false;

	for (unsigned int i = 0; i < SESSION_STATES; i++) {
		shorter |= seconds[i] < atomic_load(&t->timeouts[i]);
		atomic_store(&t->timeouts[i], seconds[i]);
	}
	if (!shorter)
		return; /* a slot that fires too early is armed again */
	/* Every session is late: its home worker looks at its deadline again. */
	for (uint32_t index = 0; index < t->capacity; index++)
		session_slab_map_set(t->late, index);
	for (uint16_t i = 0; i < t->home_count; i++)
		atomic_store(&t->homes[i].late, 1);
}

bool
session_table_set_state(struct session_table *t, struct session *s, uint32_t old_ctl,
	uint32_t new_ctl, uint16_t self, mono_t now)
{
	const uint32_t index = session_table_index(t, s);
	uint8_t home;

	FW_ASSERT(!(new_ctl & SESSION_F_DEAD));
	new_ctl = (new_ctl & ~SESSION_KIND_MASK) | (old_ctl & SESSION_KIND_MASK);
	if (!atomic_compare_exchange_strong(&s->ctl, &old_ctl, new_ctl))
		return false;
	if (session_table_idle(t, new_ctl) >= session_table_idle(t, old_ctl))
		return true;
	/* Not visible yet: whoever makes it so sets the timer after that. */
	home = session_home_of(s);
	if (home == SESSION_NO_HOME)
		return true;
	if (self != home)
		session_table_post(t, index, atomic_load(&s->generation), SESSION_OP_RETIME);
	else if (t->timers[index].due != 0)
		retime(t, &t->homes[home], index, mono_seconds(now));
	return true;
}

void
session_home_arm(struct session_table *t, struct session *s, uint16_t self, mono_t now)
{
	const uint32_t index = session_table_index(t, s);
	const uint16_t generation = atomic_load(&s->generation);

	if (self < t->home_count)
		session_evict_note(t, self, index, generation, now);
	if (self == session_home_of(s))
		session_age_arm(
			&t->homes[self].wheel, t->timers, index, deadline(t, s), mono_seconds(now));
	else
		session_table_post(t, index, generation, SESSION_OP_ARM);
}

/* Removal */

static uint32_t
retire_room(const struct retire *r)
{
	return RETIRE_SIZE - (r->tail - r->head);
}

static void
retire_close(struct session_table *t, struct retire *r)
{
	struct retire_group *g = &r->group[r->group_tail % SESSION_RETIRE_GROUPS];

	if (r->group_tail - r->group_head == SESSION_RETIRE_GROUPS)
		return; /* the batch grows on until a grace period ends */
	*g = (struct retire_group){ .token = rcu_start(t->rcu), .end = r->tail };
	r->group_tail++;
	r->open = r->tail;
}

static void
retire_add(struct session_table *t, struct retire *r, uint32_t index, mono_t now)
{
	FW_ASSERT(retire_room(r) > 0);
	if (r->tail == r->open)
		r->opened = now;
	r->queue[r->tail++ % RETIRE_SIZE] = index;
	if (r->tail - r->open >= RETIRE_BATCH)
		retire_close(t, r);
}

/* Free what has passed its grace period, one batch per call. */
static void
retire_free(struct session_table *t, struct session_home *h, mono_t now)
{
	struct retire *r = &h->retire;
	const struct retire_group *g = &r->group[r->group_head % SESSION_RETIRE_GROUPS];

	if (r->tail != r->open && (h->hurry || mono_since_ms(now, r->opened) >= RETIRE_AGE_MS))
		retire_close(t, r);
	h->hurry = false;
	if (r->group_head == r->group_tail || !rcu_done(t->rcu, g->token))
		return;
	while (r->head != g->end) {
		const uint32_t n = RTE_MIN(g->end - r->head, (uint32_t)RETIRE_AHEAD);
		struct session *s[RETIRE_AHEAD];

		for (uint32_t i = 0; i < n; i++) {
			s[i] = &t->slab[r->queue[(r->head + i) % RETIRE_SIZE]];
			rte_prefetch0(s[i]);
			rte_prefetch0(&s[i]->dir[1]);
		}
		for (uint32_t i = 0; i < n; i++)
			session_slab_release(t, s[i]);
		r->head += n;
	}
	r->group_head++;
}

struct gone {
	session_gone_fn fn;
	void *ctx;
};

/* Home worker: take a session out of the table.  The caller has made sure of room to retire it. */
static void
remove_session(struct session_table *t, struct session_home *h, uint32_t index, mono_t now,
	enum session_end end, const struct gone *gone)
{
	struct session *s = &t->slab[index];

	if (atomic_fetch_or(&s->ctl, SESSION_F_DEAD) & SESSION_F_DEAD)
		return;
	if (gone->fn != NULL)
		gone->fn(gone->ctx, s, index, end);
	if (t->timers[index].due != 0)
		session_age_cancel(&h->wheel, t->timers, index);

	/* Not there when a successor has taken its place. */
	session_index_remove(&t->index, session_table_hash_of(t, s), session_table_entry(t, s));
	if (session_translated(s))
		session_index_remove(
			&t->index, session_outside_hash(t, s), session_outside_entry(t, s));
	atomic_fetch_sub_explicit(&h->count, 1, memory_order_relaxed);
	retire_add(t, &h->retire, index, now);
}

bool
session_home_evict(struct session_table *t, uint16_t self, uint32_t index, mono_t now,
	session_gone_fn gone, void *ctx)
{
	struct session_home *h = &t->homes[self];

	if (retire_room(&h->retire) == 0)
		return false;
	remove_session(
		t, h, index, now, SESSION_END_EVICTED, &(struct gone){ .fn = gone, .ctx = ctx });
	h->hurry = true;
	return true;
}

/* Housekeeping */

static void
poll_inbox(struct session_table *t, uint16_t self, mono_t now, uint32_t budget,
	const struct gone *gone)
{
	struct session_home *h = &t->homes[self];
	struct inbox_op op[32];

	budget = RTE_MIN(budget, retire_room(&h->retire));
	while (budget > 0) {
		const uint32_t want = RTE_MIN(budget, (uint32_t)RTE_DIM(op));
		const uint32_t n =
			rte_ring_dequeue_burst_elem(h->inbox, op, sizeof(op[0]), want, NULL);

		for (uint32_t i = 0; i < n; i++) {
			rte_prefetch0(&t->slab[op[i].index]);
			rte_prefetch0(&t->slab[op[i].index].dir[1]);
			rte_prefetch0(&t->timers[op[i].index]);
		}
		for (uint32_t i = 0; i < n; i++) {
			struct session *s = &t->slab[op[i].index];

			if (op[i].op == SESSION_OP_EVICT)
				atomic_fetch_sub(&t->evicting, 1);
			if (atomic_load(&s->generation) != op[i].generation ||
				atomic_load(&s->ctl) & SESSION_F_DEAD)
				continue;
			if (op[i].op == SESSION_OP_KILL)
				remove_session(t, h, op[i].index, now, SESSION_END_REMOVED, gone);
			else if (op[i].op == SESSION_OP_DENY)
				remove_session(t, h, op[i].index, now, SESSION_END_DENIED, gone);
			else if (op[i].op == SESSION_OP_EVICT)
				(void)session_home_evict(
					t, self, op[i].index, now, gone->fn, gone->ctx);
			else
				retime(t, h, op[i].index, mono_seconds(now));
		}
		if (n < want)
			return;
		budget -= n;
	}
}

/* Timers that found the inbox full.  Bits of other shards stay for their own workers. */
static void
sweep_late(struct session_table *t, uint16_t self, mono_t now)
{
	struct session_home *h = &t->homes[self];
	uint32_t end, looks = 0;

	if (!h->sweeping) {
		if (atomic_load_explicit(&h->late, memory_order_relaxed) == 0)
			return;
		atomic_store(&h->late, 0);
		h->sweeping = true;
		h->sweep = 0;
	}
	end = RTE_MIN(h->sweep + SWEEP_WORDS, t->map_words);
	for (; h->sweep < end && looks < SWEEP_LOOKS; h->sweep++) {
		uint64_t bits = atomic_load(&t->late[h->sweep]);

		looks += (uint32_t)__builtin_popcountll(bits);
		for (; bits != 0; bits &= bits - 1) {
			const uint32_t index = h->sweep * 64 + (uint32_t)__builtin_ctzll(bits);
			const struct session *s = &t->slab[index];
			uint8_t home = session_home_of(s);

			if (home != SESSION_NO_HOME && home != self)
				continue;
			/* Clear, then look again: it may have become visible between the two. */
			session_slab_map_clear(t->late, index);
			home = session_home_of(s);
			if (home == SESSION_NO_HOME)
				continue;
			if (home != self)
				set_late(t, index, &t->homes[home]);
			else if (!(atomic_load(&s->ctl) & SESSION_F_DEAD))
				retime(t, h, index, mono_seconds(now));
		}
	}
	h->sweeping = h->sweep < t->map_words;
}

/* Take up to DUE_AT_ONCE sessions off the wheel that have been idle for too long, and set the
 * timers of those found alive again.  => how many. */
static uint32_t
find_due(struct session_table *t, struct session_home *h, uint32_t now_s, uint32_t *steps,
	uint32_t *due, void (*refresh)(void *, struct session *, uint32_t), void *ctx)
{
	uint32_t n = 0, index;

	while (n < DUE_AT_ONCE &&
		(index = session_age_next(&h->wheel, t->timers, now_s, steps)) != SESSION_NONE) {
		struct session *s = &t->slab[index];

		if (h->wheel.pending != SESSION_NONE) { /* the next one */
			rte_prefetch0(&t->slab[h->wheel.pending]);
			rte_prefetch0(&t->slab[h->wheel.pending].dir[1]);
		}
		if (deadline(t, s) <= now_s) {
			session_index_fetch(&t->index, session_table_hash_of(t, s));
			if (session_translated(s))
				session_index_fetch(&t->index, session_outside_hash(t, s));
			due[n++] = index;
			continue;
		}
		if (refresh != NULL)
			refresh(ctx, s, index);
		session_age_arm(&h->wheel, t->timers, index, deadline(t, s), now_s);
	}
	return n;
}

void
session_table_poll(struct session_table *t, uint16_t self, mono_t now, uint32_t budget,
	session_gone_fn gone_fn, void (*refresh)(void *, struct session *, uint32_t), void *ctx)
{
	const struct gone gone = { .fn = gone_fn, .ctx = ctx };
	const uint32_t now_s = mono_seconds(now);
	struct session_home *h = &t->homes[self];
	uint32_t due[DUE_AT_ONCE], steps, n;

	FW_ASSERT(self < t->home_count);
	poll_inbox(t, self, now, 4 * budget, &gone);
	sweep_late(t, self, now);

	steps = RTE_MIN(budget, retire_room(&h->retire));
	do {
		n = find_due(t, h, now_s, &steps, due, refresh, ctx);
		for (uint32_t i = 0; i < n; i++)
			remove_session(t, h, due[i], now, SESSION_END_IDLE, &gone);
	} while (n == DUE_AT_ONCE);
	retire_free(t, h, now);
}
