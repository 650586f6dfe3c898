/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions compared part by part (docs/wire.md, CHECK): a part is a range of the owner's places.
 * The owner sums what it has told, the peer what it really holds, at the same point of the stream;
 * where they differ the owner tells all of that part again.
 */
#include "repl_method.h"
#include "repl_session_impl.h"
#include "session_record.h"
#include "session_share.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>

#define AHEAD 8

static void
add(struct repl_digest *d, uint64_t hash, uint32_t content, uint32_t index)
{
	d->count++;
	d->sum += hash;
	d->content += session_record_mix((uint64_t)content << 32 | index);
}

/* ---- owner ---- */

/* A change whose event was lost: it is told with the next dirty bits. */
static void
look_over(struct table *t, uint32_t index)
{
	const struct session *s = session_table_at(t->sessions, index);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	const struct sent *e = &t->sent[index];
	const bool told = was_sent(t, index);
	bool fits;

	if (!alive(ctl) || repl_session_left_out(t, s, ctl))
		fits = !told;
	else if (!repl_method_tells(&t->methods))
		fits = !told || e->generation == generation_of(s);
	else
		fits = told && e->generation == generation_of(s) &&
		       e->content == session_record_content_of(s, ctl);
	if (!fits)
		session_table_set_dirty(t->sessions, index);
}

/* The peer has given its copy of what has ended to the next session with the same key, if there is
 * one of which it knows already. */
bool
repl_session_part_told(void *ctx, uint32_t first, uint32_t places, const struct repl_out *out,
	mono_t now, struct repl_digest *d)
{
	struct table *t = ctx;

	*d = (struct repl_digest){ 0 };
	for (uint32_t i = first; i < first + places; i++) {
		const struct sent *e = &t->sent[i];
		const struct session *s = session_table_at(t->sessions, i);

		if (i + AHEAD < t->capacity) {
			rte_prefetch0(s + AHEAD);
			rte_prefetch0(&s[AHEAD].dir[1]);
		}
		if (unlikely(has_ended(t, i)) && !repl_session_emit_delete(t, i, out, now))
			return false;
		look_over(t, i);
		if (was_sent(t, i))
			add(d, session_record_hash(e->key_hash, i, e->generation), e->content, i);
	}
	return true;
}

bool
repl_session_part_walk(
	void *ctx, uint32_t *at, uint32_t end, const struct repl_out *out, mono_t now)
{
	struct table *t = ctx;

	for (; *at < end; (*at)++)
		if (was_sent(t, *at) && !repl_session_emit(t, *at, out, now))
			return false;
	return true;
}

/* ---- peer ---- */

/* A copy that no name of the owner's leads to: it would live until it is idle. */
static void
drop_stray(struct table *t, uint32_t local)
{
	const struct session *s = session_table_at(t->sessions, local);
	const struct copy *c = &t->copies[local];
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	if ((ctl & SESSION_F_REMOTE) == 0 || !alive(ctl))
		return;
	if (c->generation == generation_of(s) &&
		(c->state == COPY_KILLED ||
			(c->state == COPY_MAPPED && c->owner < t->owner_capacity &&
				t->owned[c->owner].local_plus_1 == local + 1)))
		return;
	if (repl_session_kill_copy(t, local)) /* else at the next round */
		t->repaired++;
}

/* Of as large a share of our places as the part is of the owner's. */
static void
drop_strays(struct table *t, uint32_t places)
{
	const uint64_t share = (uint64_t)places * t->capacity / t->owner_capacity + 1;

	if (t->bulk.role.active && !t->bulk.role.peer_active)
		return; /* they are about to become ours */
	for (uint64_t i = 0; i < share; i++) {
		drop_stray(t, t->stray);
		t->stray = t->stray + 1 < t->capacity ? t->stray + 1 : 0;
	}
}

/* What must equal what the owner has told.  A copy that no packet has met is just that.  What both
 * boxes own goes on here as well: as long as it has got as far as the owner says, that is alike. */
static uint32_t
content_held(const struct owned *told, const struct session *s, uint32_t ctl)
{
	const struct hrp_session_what what = { .proto = (uint8_t)(ctl >> SESSION_PROTO_SHIFT),
		.state = told->state,
		.flags = told->flags };

	if ((ctl & SESSION_F_REMOTE) == 0 && session_share_knows(ctl, &what))
		return told->content;
	return session_record_content_of(s, ctl);
}

static void
hold(const struct table *t, uint32_t owner, uint32_t local, struct repl_digest *d)
{
	const struct session *s = session_table_at(t->sessions, local);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	const bool translated = session_translated(s);
	struct session_outside o;
	union session_walk_key key;
	uint8_t zone[2];

	/* One that this box has made its own is none any more, but with load sharing: there both
	 * may carry it. */
	if (((ctl & SESSION_F_REMOTE) == 0 && !t->bulk.role.active) ||
		!session_walk_read_key(t->sessions, s, &key) ||
		(translated && !session_table_outside(t->sessions, s, &o)))
		return;
	add(d,
		session_record_hash(session_record_key_hash(&key, session_family(s),
					    translated ? &o : NULL, told_zones(t, owner, s, zone)),
			owner, t->owned[owner].owner_generation),
		content_held(&t->owned[owner], s, ctl), owner);
}

bool
repl_session_part_held(void *ctx, uint32_t first, uint32_t places, struct repl_digest *d)
{
	struct table *t = ctx;

	*d = (struct repl_digest){ 0 };
	if (first >= t->owner_capacity || places > t->owner_capacity - first)
		return true;
	drop_strays(t, places);
	for (uint32_t owner = first; owner < first + places; owner++) {
		const uint32_t next = owner + AHEAD < t->owner_capacity
					      ? t->owned[owner + AHEAD].local_plus_1
					      : 0;
		const uint32_t local = copy_of(t, owner);

		if (next != 0) {
			rte_prefetch0(session_table_at(t->sessions, next - 1));
			rte_prefetch0(&session_table_at(t->sessions, next - 1)->dir[1]);
		}
		if (local != SESSION_NONE)
			hold(t, owner, local, d);
	}
	return true;
}

bool
repl_session_part_begin(void *ctx, uint32_t first, uint32_t places)
{
	struct table *t = ctx;

	if (first >= t->owner_capacity || places > t->owner_capacity - first)
		return false;
	repl_bulk_round(&t->bulk);
	t->repair_first = first;
	t->repair_end = first + places;
	return true;
}

enum repl_verdict
repl_session_part_end(void *ctx, uint32_t first, uint32_t places)
{
	struct table *t = ctx;

	if (first != t->repair_first || first + places != t->repair_end)
		return REPL_REFUSED;
	for (uint32_t owner = first; owner < t->repair_end; owner++) {
		const uint32_t local = copy_of(t, owner);
		const struct session *s;

		if (local == SESSION_NONE)
			continue;
		s = session_table_at(t->sessions, local);
		if (is_confirmed(t, s))
			continue;
		if ((atomic_load_explicit(&s->ctl, memory_order_acquire) & SESSION_F_REMOTE) == 0) {
			repl_session_ours_alone(t, owner, local);
			continue;
		}
		if (!repl_session_kill_copy(t, local))
			return REPL_RETRY;
		t->repaired++;
	}
	t->repair_first = t->repair_end = 0;
	return REPL_DONE;
}

uint64_t
repl_session_part_before(const struct table *t, uint32_t owner)
{
	uint32_t local;
	const struct session *s;

	if (owner < t->repair_first || owner >= t->repair_end)
		return 0;
	local = copy_of(t, owner);
	if (local == SESSION_NONE)
		return 1;
	s = session_table_at(t->sessions, local);
	return 2 | (uint64_t)session_record_content_of(
			   s, atomic_load_explicit(&s->ctl, memory_order_acquire))
			   << 32;
}

void
repl_session_part_installed(
	struct table *t, uint32_t owner, const union hrp_record_session *r, uint64_t before)
{
	struct owned *o = &t->owned[owner];

	o->content = session_record_content(r);
	o->flags = session_record_what(r)->flags;
	o->state = session_record_what(r)->state;
	t->repaired += before != 0 && repl_session_part_before(t, owner) != before;
}
