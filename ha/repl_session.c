/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session table as a replicated table: records of sessions we own go to the peer, records of
 * the peer's sessions go straight into our live table as copies (SESSION_F_REMOTE).  HRP core only.
 *
 * A session is named on the wire by its owner's {index, generation}.  The receiver keeps, per owner
 * index, which local session is its copy, and per local session, whose copy it is.  Both are
 * checked against the generations at each use, since local sessions may end on their own.
 *
 * Sessions are read while workers change them: a torn window mark is harmless (it is learnt again
 * after a takeover), a torn identity is not, so the generation is read before and after.
 */
#include "repl_session.h"

#include "alg_record.h"
#include "check.h"
#include "hrp.h"
#include "limit.h"
#include "nat_group.h"
#include "repl_method.h"
#include "repl_session_impl.h"
#include "session_claim.h"
#include "session_record.h"
#include "session_share.h"

#include <rte_branch_prediction.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_EVENTS   1024 /* per turn */
#define WALK_SLOTS     1024 /* per turn */
#define SWEEP_SLOTS    4096
#define ADOPT_SLOTS    2048
#define PREFETCH_AHEAD 8
#define DIRTY_EVERY_NS (5 * NS_PER_MS)
#define GIVE_UP_NS     (2 * NS_PER_SEC) /* a record that cannot be installed for so long is skipped */
#define LEAVING_NS     (20 * NS_PER_MS) /* a killed copy is gone by then, and its port free */
#define MAX_CAS	       8

/* ---- life-cycle ---- */

static void
destroy(void *ctx)
{
	struct table *t = ctx;

	if (t == NULL)
		return;
	free(t->sent);
	free(t->copies);
	free(t->owned);
	free(t);
}

static void *
create(const struct repl_params *p, char *err, size_t err_size)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		goto err_memory;
	t->engine = p->engine;
	t->methods = p->methods;
	t->sessions = engine_sessions(p->engine);
	t->capacity = session_table_capacity(t->sessions);
	/* calloc of this size is fresh zero pages: only what is used costs memory. */
	t->sent = calloc(t->capacity, sizeof(*t->sent));
	t->copies = calloc(t->capacity, sizeof(*t->copies));
	if (t->sent == NULL || t->copies == NULL)
		goto err_memory;
	return t;

err_memory:
	snprintf(err, err_size, "session mirror: out of memory");
	destroy(t);
	return NULL;
}

/* ---- sender ---- */

static void
forget_sent(struct table *t, uint32_t index)
{
	struct sent *e = &t->sent[index];

	t->bulk.sent.count--;
	t->bulk.sent.sum -= session_record_hash(e->key_hash, index, e->generation);
	e->round = 0;
}

bool
repl_session_emit_delete(struct table *t, uint32_t index, const struct repl_out *out, mono_t now)
{
	if (!repl_put_delete(out, index, t->sent[index].generation, now))
		return false;
	forget_sent(t, index);
	t->stats.deleted++;
	return true;
}

bool
repl_session_left_out(const struct table *t, const struct session *s, uint32_t ctl)
{
	return (ctl & SESSION_F_REMOTE) != 0 || repl_method_leaves_out(&t->methods, s, ctl);
}

/* Notes become names of address groups, 0: of none. */
static void
name_groups(const struct table *t, struct session_outside *o)
{
	const struct nat_groups *groups = engine_nat_groups(t->engine);

	o->note = o->note != 0 ? nat_groups_name(groups, nat_note_group(o->note)) : 0;
	o->inbound = o->inbound != 0 ? nat_groups_name(groups, nat_note_group(o->inbound)) : 0;
}

/* Behind the session's record: how far its ALG is.  => false: not now. */
static bool
emit_alg(const struct table *t, uint32_t index, uint16_t generation, const struct repl_out *out,
	mono_t now)
{
	struct hrp_record_alg r;
	uint8_t edit[ALG_RECORD_MAX];
	struct alg_kept kept;

	if (!alg_session_keep(engine_algs(t->engine), index, &kept))
		return false;
	/* None any more: the session is on its way out. */
	if (kept.id == ALG_NONE ||
		generation_of(session_table_at(t->sessions, index)) != generation)
		return true;
	if (!repl_put(out, &r, alg_record_pack(&kept, index, generation, &r), now))
		return false;
	for (unsigned int d = 0; kept.has_stream && d < 2; d++) {
		const struct alg_seq_kept *seq = &kept.stream.seq[d];

		for (unsigned int i = 0; i < seq->count; i++) {
			const uint8_t len =
				alg_record_pack_edit(&seq->edits[i], d, index, generation, edit);
			if (!repl_put(out, edit, len, now))
				return false;
		}
	}
	return true;
}

bool
repl_session_emit(struct table *t, uint32_t index, const struct repl_out *out, mono_t now)
{
	const struct session *s = session_table_at(t->sessions, index);
	const uint16_t generation = generation_of(s);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	const bool translated = session_translated(s);
	union session_walk_key key;
	struct session_outside outside;
	union hrp_record_session r;
	struct sent *e = &t->sent[index];

	if (!alive(ctl) || !session_walk_read_key(t->sessions, s, &key) ||
		(translated && !session_table_outside(t->sessions, s, &outside)) ||
		succeeded(t, s, ctl)) {
		if (was_sent(t, index))
			return repl_session_emit_delete(t, index, out, now);
		t->stats.skipped++;
		return true;
	}
	if (repl_session_left_out(t, s, ctl) ||
		((ctl & SESSION_F_LOCAL) != 0 &&
			!session_record_carries(&key, session_family(s)))) {
		/* The peer's own by now, or not what is told (R196) any more. */
		if (was_sent(t, index) && (ctl & SESSION_F_REMOTE) != 0)
			forget_sent(t, index);
		else if (was_sent(t, index))
			return repl_session_emit_delete(t, index, out, now);
		else if (repl_method_waits(&t->methods, ctl))
			session_table_set_dirty(t->sessions, index); /* next time */
		t->stats.skipped++;
		return true;
	}
	if (translated)
		name_groups(t, &outside);
	const struct session_outside *const o = translated ? &outside : NULL;
	const uint8_t len =
		session_record_pack(s, &key, o, index, generation, ctl, mono_seconds(now), &r);
	const uint32_t hash = session_record_key_hash(
		&key, session_record_family(&r), o, session_record_what(&r)->zone);
	const uint32_t content = session_record_content(&r);
	atomic_thread_fence(memory_order_acquire);
	if (generation_of(s) != generation) {
		t->stats.skipped++; /* freed meanwhile: its own event follows */
		return true;
	}
	if (!repl_put(out, &r, len, now))
		return false;
	t->stats.sent++;
	if (unlikely((ctl & SESSION_F_ALG) != 0) && !emit_alg(t, index, generation, out, now))
		session_table_set_dirty(t->sessions, index); /* all of it again, soon */

	if (was_sent(t, index)) {
		if (e->generation == generation && e->key_hash == hash) {
			e->content = content;
			return true;
		}
		forget_sent(t, index); /* the receiver concludes the same from the generation */
	}
	*e = (struct sent){ .key_hash = hash,
		.content = content,
		.generation = generation,
		.round = t->bulk.round };
	t->bulk.sent.count++;
	t->bulk.sent.sum += session_record_hash(hash, index, generation);
	return true;
}

static bool
emit_event(struct table *t, const struct mirror_event *ev, const struct repl_out *out, mono_t now)
{
	if (ev->index >= t->capacity)
		return true;
	/* A copy lives for two idle times, which a period may be longer than. */
	const bool ages = ev->type == MIRROR_REFRESH && was_sent(t, ev->index) &&
			  t->sent[ev->index].generation == ev->generation;

	if (ev->type != MIRROR_DELETE &&
		(t->methods.quick || ages || ev->type == MIRROR_CREATE_HELD)) {
		if (!repl_session_emit(t, ev->index, out, now))
			return false;
		if (ev->type == MIRROR_CREATE_HELD && out->waits != NULL)
			out->waits(out->ctx, t->from, engine_ticket(t->engine, t->from, ev));
		return true;
	}
	if (ev->type != MIRROR_DELETE) {
		if (repl_method_tells(&t->methods))
			session_table_set_dirty(t->sessions, ev->index);
		return true;
	}
	if (was_sent(t, ev->index) && t->sent[ev->index].generation == ev->generation)
		return repl_session_emit_delete(t, ev->index, out, now);
	t->stats.skipped++;
	return true;
}

static void
prefetch_event(const struct table *t, uint32_t i)
{
	if (i >= t->count || t->events[i].index >= t->capacity)
		return;
	const struct session *s = session_table_at(t->sessions, t->events[i].index);
	rte_prefetch0(s);
	rte_prefetch0(&s->dir[1]);
	rte_prefetch0(&t->sent[t->events[i].index]);
}

/* => false: nothing in any worker's ring. */
static bool
fetch_events(struct table *t)
{
	const uint16_t workers = engine_worker_count(t->engine);

	t->at = t->count = 0;
	for (uint16_t i = 0; i < workers && t->count == 0; i++) {
		t->from = t->worker;
		t->count = engine_event_dequeue(t->engine, t->worker, t->events, EVENT_BATCH);
		t->worker = (uint16_t)(t->worker + 1) % workers;
	}
	for (uint32_t i = 0; i < PREFETCH_AHEAD; i++)
		prefetch_event(t, i);
	return t->count != 0;
}

/* Quick, the dirty bits are what did not fit in a worker's ring; automatic, all that has changed.
 */
static uint64_t
sweep_ns(const struct table *t)
{
	return t->methods.quick || t->methods.period_s == 0
		       ? DIRTY_EVERY_NS
		       : (uint64_t)t->methods.period_s * NS_PER_SEC;
}

static void
drain_dirty(struct table *t, const struct repl_out *out, mono_t now)
{
	if (t->dirty_due.ns == 0)
		t->dirty_due.ns = now.ns + sweep_ns(t);
	if (!t->sweeping_dirty && mono_before(now, t->dirty_due))
		return;
	t->sweeping_dirty = true;
	for (uint32_t i = 0; i < EVENT_BATCH; i++) {
		const uint32_t index = session_table_take_dirty(t->sessions, &t->dirty_cursor);
		if (index == SESSION_NONE) {
			t->sweeping_dirty = false;
			t->found_dirty = t->sweep_dirty;
			t->sweep_dirty = 0;
			t->dirty_due.ns = now.ns + sweep_ns(t);
			return;
		}
		if (!repl_method_tells(&t->methods) && !has_ended(t, index))
			continue;
		if (!repl_session_emit(t, index, out, now)) {
			session_table_set_dirty(t->sessions, index);
			return;
		}
		t->sweep_dirty++;
	}
}

static uint32_t
drain(void *ctx, const struct repl_out *out, mono_t now)
{
	struct table *t = ctx;
	uint32_t taken = 0;

	FW_ASSERT(t->bulk.round != 0); /* a walk has begun */
	while (taken < DRAIN_EVENTS) {
		if (t->at == t->count && !fetch_events(t))
			break;
		for (; t->at < t->count; t->at++, taken++) {
			prefetch_event(t, t->at + PREFETCH_AHEAD);
			if (unlikely(!emit_event(t, &t->events[t->at], out, now)))
				return taken;
		}
	}
	drain_dirty(t, out, now);
	return taken;
}

static uint32_t
discard(void *ctx)
{
	struct table *t = ctx;
	uint32_t taken = t->count - t->at;

	while (taken < DRAIN_EVENTS && fetch_events(t))
		taken += t->count;
	t->at = t->count = 0;
	t->stats.discarded += taken;
	return taken;
}

static uint32_t
walk_begin(void *ctx, uint32_t *estimate)
{
	struct table *t = ctx;

	if (repl_bulk_walk(&t->bulk))
		memset(t->sent, 0, sizeof(*t->sent) * t->capacity);
	*estimate = session_table_count(t->sessions);
	t->dirty_due.ns = 0;
	return t->capacity;
}

static bool
walk(void *ctx, const struct repl_out *out, mono_t now)
{
	struct table *t = ctx;

	for (uint32_t i = 0; i < WALK_SLOTS && t->bulk.walk < t->capacity; i++, t->bulk.walk++) {
		const struct session *s = session_table_at(t->sessions, t->bulk.walk);
		if (t->bulk.walk + PREFETCH_AHEAD < t->capacity) {
			rte_prefetch0(s + PREFETCH_AHEAD);
			rte_prefetch0(&s[PREFETCH_AHEAD].dir[1]);
		}
		const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
		if (!alive(ctl) || repl_session_left_out(t, s, ctl))
			continue;
		if (was_sent(t, t->bulk.walk) &&
			t->sent[t->bulk.walk].generation == generation_of(s))
			continue; /* a live update was faster */
		if (!repl_session_emit(t, t->bulk.walk, out, now))
			return false;
	}
	return t->bulk.walk == t->capacity;
}

/* ---- receiver ---- */

static bool
round_begin(void *ctx, uint32_t capacity)
{
	struct table *t = ctx;

	if (capacity == 0 || capacity > HRP_CAPACITY_MAX)
		return false;
	if (capacity != t->owner_capacity) {
		/* Once per peer: zero pages, no filling. Without the old map, copies are found
		 * again by their keys. */
		struct owned *fresh = calloc(capacity, sizeof(*fresh));
		if (fresh == NULL)
			return false;
		free(t->owned);
		t->owned = fresh;
		t->owner_capacity = capacity;
	}
	repl_bulk_round(&t->bulk);
	t->repair_first = t->repair_end = 0;
	return true;
}

static void
map_copy(struct table *t, uint32_t owner, uint16_t owner_generation, uint32_t local)
{
	struct copy *c = &t->copies[local];
	const uint16_t generation = generation_of(session_table_at(t->sessions, local));

	/* It was the copy of another of the owner's sessions, one that is gone by now. */
	if (c->state == COPY_MAPPED && c->generation == generation && c->owner != owner &&
		c->owner < t->owner_capacity && t->owned[c->owner].local_plus_1 == local + 1)
		t->owned[c->owner].local_plus_1 = 0;
	*c = (struct copy){ .owner = owner, .generation = generation, .state = COPY_MAPPED };
	t->owned[owner] = (struct owned){ .local_plus_1 = local + 1,
		.local_generation = generation,
		.owner_generation = owner_generation };
}

bool
repl_session_kill_copy(struct table *t, uint32_t local)
{
	struct copy *c = &t->copies[local];
	const uint16_t generation = generation_of(session_table_at(t->sessions, local));

	if (c->state == COPY_KILLED && c->generation == generation)
		return true; /* on its way */
	if (!session_table_post(t->sessions, local, generation, SESSION_OP_KILL))
		return false;
	if (c->state == COPY_MAPPED && c->owner < t->owner_capacity &&
		t->owned[c->owner].local_plus_1 == local + 1)
		t->owned[c->owner].local_plus_1 = 0;
	*c = (struct copy){ .generation = generation, .state = COPY_KILLED };
	t->killed = t->now;
	return true;
}

/* Who has the outside key of a record whose session is not here?  A copy that the owner has given
 * up, whatever it says of it later: it is killed.  => false: nobody that will leave. */
static bool
holder_leaves(struct table *t, const struct session_outside *o)
{
	const struct session_key4 *keys = &o->key;
	uint32_t holder;
	uint8_t dir = 0;

	session_table_lookup4(t->sessions, &keys, 1, &holder, &dir);
	if (holder == SESSION_NONE)
		return true; /* left already */
	const uint32_t ctl = atomic_load_explicit(
		&session_table_at(t->sessions, holder)->ctl, memory_order_acquire);
	if ((ctl & SESSION_F_DEAD) != 0)
		return true;
	if ((ctl & SESSION_F_REMOTE) == 0 && t->bulk.role.active) {
		t->stats.conflicts++;
		return false;
	}
	(void)repl_session_kill_copy(t, holder);
	return true;
}

/* The peer may have said that a session is no longer half-open. */
static void
answered(struct table *t, const struct session *s)
{
	if (unlikely(limit_used(engine_limits(t->engine))) &&
		!session_half_open(
			session_state_of(atomic_load_explicit(&s->ctl, memory_order_relaxed))))
		limit_answered(engine_limits(t->engine), session_table_index(t->sessions, s));
}

/* A session of ours, in use here: what the peer has seen of it counts as well, and never goes
 * backwards.  A peer without a role is heard for as long only as what it has sent before it handed
 * over may be on its way (hrp_mirror.c). */
static enum repl_verdict
merge_copy(struct table *t, struct session *s, const union hrp_record_session *r, mono_t now)
{
	if (!session_share_merge(t->sessions, s, r, now))
		return REPL_RETRY;
	if (!t->bulk.role.peer_active)
		(void)session_share_end(s);
	if (unlikely(session_share_closes(s, session_record_what(r))))
		session_table_set_dirty(t->sessions, session_table_index(t->sessions, s));
	answered(t, s);
	atomic_store_explicit(&s->sync, t->bulk.confirm, memory_order_relaxed);
	t->stats.updated++;
	return REPL_DONE;
}

/* Make a visible session the copy described by the record. */
static enum repl_verdict
refresh_copy(struct table *t, uint32_t local, const union hrp_record_session *r, mono_t now)
{
	const struct hrp_session_what *what = session_record_what(r);
	struct session *s = session_table_at(t->sessions, local);

	for (int i = 0; i < MAX_CAS; i++) {
		const uint32_t old = atomic_load_explicit(&s->ctl, memory_order_acquire);
		if (!alive(old))
			return REPL_RETRY; /* leaving: its key is free soon */
		if ((old & SESSION_F_REMOTE) == 0 && t->bulk.role.active)
			return merge_copy(t, s, r, now);
		s->zone[0] = what->zone[0];
		s->zone[1] = what->zone[1];
		const uint32_t ctl = (old & (SESSION_KIND_MASK | SESSION_F_ALG)) |
				     session_record_unpack(r, mono_seconds(now), s);
		if (old != ctl &&
			!session_table_set_state(t->sessions, s, old, ctl, UINT16_MAX, now))
			continue;
		answered(t, s);
		atomic_store_explicit(&s->sync, t->bulk.confirm, memory_order_relaxed);
		t->stats.updated++;
		return REPL_DONE;
	}
	return REPL_RETRY;
}

/* Two keys.  What a group has given is claimed first, so that nobody here takes it meanwhile; a
 * session of ours that is leaving may still hold it. */
static enum repl_verdict
enter_translated(struct table *t, struct session *s, struct session_record_key *k, uint32_t *local,
	bool *existed, mono_t now)
{
	struct nat_groups *groups = engine_nat_groups(t->engine);
	const bool can = groups != NULL;
	const enum nat_refusal refusal = can ? session_claim(groups, k) : NAT_NOT_OURS;
	enum session_clash clash;

	if (refusal != NAT_OK && refusal != NAT_TAKEN) {
		t->stats.untranslatable++;
		return REPL_REFUSED;
	}
	if (refusal == NAT_TAKEN && now.ns - t->killed.ns < LEAVING_NS) {
		const struct session_key4 *keys4 = &k->key.v4;
		const struct session_key6 *keys6 = &k->key.v6;
		uint8_t dir = 0;

		/* Perhaps by the very session that this is: then it is refreshed, or killed.  Else
		 * most likely by a copy that was killed a moment ago. */
		if (k->family == 6)
			session_table_lookup6(t->sessions, &keys6, 1, local, &dir);
		else
			session_table_lookup4(t->sessions, &keys4, 1, local, &dir);
		*existed = *local != SESSION_NONE && (dir & SESSION_DIR_OUTSIDE) == 0;
		return *existed ? REPL_DONE : REPL_RETRY;
	}
	/* Still taken: the session goes without holding the port.  Another that is given the same
	 * one differs in its destination, or is refused by the session table. */
	t->stats.unclaimed += refusal == NAT_TAKEN;
	*local = k->family == 6 ? session_table_insert6_nat(t->sessions, s, &k->key.v6, &k->outside,
					  SESSION_NONE, UINT16_MAX, now, &clash)
				: session_table_insert4_nat(t->sessions, s, &k->key.v4, &k->outside,
					  SESSION_NONE, UINT16_MAX, now, &clash);
	if (clash == SESSION_CLASH_NONE && *local != SESSION_NONE)
		return REPL_DONE;
	session_unclaim(groups, k);
	if (clash == SESSION_CLASH_KEY) {
		*existed = true;
		return REPL_DONE;
	}
	t->stats.full += clash == SESSION_CLASH_NONE;
	return clash == SESSION_CLASH_OUTSIDE && holder_leaves(t, &k->outside) ? REPL_RETRY
									       : REPL_REFUSED;
}

/* enter_copy: make it visible.  => DONE, with *existed when a session with this key is there. */
static enum repl_verdict
enter_copy(struct table *t, struct session *s, struct session_record_key *k, uint32_t *local,
	bool *existed, mono_t now)
{
	if (k->translated)
		return enter_translated(t, s, k, local, existed, now);
	*local = k->family == 6 ? session_table_insert6(
					  t->sessions, s, &k->key.v6, UINT16_MAX, now, existed)
				: session_table_insert4(
					  t->sessions, s, &k->key.v4, UINT16_MAX, now, existed);
	t->stats.full += *local == SESSION_NONE;
	return *local == SESSION_NONE ? REPL_REFUSED : REPL_DONE;
}

/* Limits count it from now on, so that they hold after a takeover. */
static void
count_copy(struct table *t, const struct session *s, const struct session_record_key *k, mono_t now)
{
	const struct snapshot *snap = engine_snapshot(t->engine);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);
	struct limit_session copy = { .index = session_table_index(t->sessions, s),
		.zone = s->zone[0],
		.family = k->family,
		.half_open = session_half_open(session_state_of(ctl)) };
	struct session_tuple6 six;
	struct session_tuple4 four;

	if (likely((snap->limit_zones >> copy.zone & 1) == 0))
		return;
	if (k->family == 6) {
		six = session_key6_tuple(&k->key.v6, k->swap);
		copy.source = six.src;
	} else {
		four = session_key4_tuple(&k->key.v4, k->swap);
		copy.source = &four.src;
	}
	limit_copy(engine_limits(t->engine), &snap->limits[copy.zone], &copy, now);
}

static enum repl_verdict
insert_copy(struct table *t, const union hrp_record_session *r, struct session_record_key *k,
	uint32_t *local, bool *existed, mono_t now)
{
	const struct hrp_session_what *what = session_record_what(r);
	struct session *s = session_table_alloc(t->sessions);

	if (s == NULL) {
		t->stats.full++;
		return REPL_REFUSED;
	}
	s->zone[0] = what->zone[0];
	s->zone[1] = what->zone[1];
	s->dir[0].neigh = s->dir[1].neigh = NEIGH_NONE;
	atomic_store_explicit(&s->sync, t->bulk.confirm, memory_order_relaxed);
	atomic_store_explicit(&s->ctl,
		session_kind(k->family, what->proto, k->swap) |
			session_record_unpack(r, mono_seconds(now), s),
		memory_order_release);
	const uint32_t created = s->created;
	count_copy(t, s, k, now);
	enum repl_verdict v = enter_copy(t, s, k, local, existed, now);
	if (v != REPL_DONE || *existed) {
		if (unlikely(limit_used(engine_limits(t->engine))))
			limit_gone(engine_limits(t->engine), session_table_index(t->sessions, s));
		session_table_unalloc(t->sessions, s);
		return v;
	}
	s->created = created;
	t->stats.installed++;
	return REPL_DONE;
}

/* Is a session translated as a record says, or not as it does not say? */
static bool
translated_as(const struct table *t, const struct session *s, const struct session_record_key *k)
{
	struct session_outside o;

	if (!session_translated(s) || !k->translated)
		return session_translated(s) == k->translated;
	return session_table_outside(t->sessions, s, &o) && o.swap == k->outside.swap &&
	       memcmp(&o.key, &k->outside.key, sizeof(o.key)) == 0;
}

static bool
has_key(const struct table *t, const struct session *s, const struct session_record_key *k)
{
	union session_walk_key had;

	if (session_family(s) != k->family || session_swap(s) != k->swap ||
		!session_walk_read_key(t->sessions, s, &had) || !translated_as(t, s, k))
		return false;
	return k->family == 6 ? memcmp(&had.v6, &k->key.v6, sizeof(had.v6)) == 0
			      : memcmp(&had.v4, &k->key.v4, sizeof(had.v4)) == 0;
}

static enum repl_verdict
install_session(struct table *t, const union hrp_record_session *r, mono_t now)
{
	const uint32_t owner = rte_be_to_cpu_32(r->head.index);
	const uint16_t generation = rte_be_to_cpu_16(r->head.generation);
	struct session_record_key key;
	enum repl_verdict v;
	bool existed = false, turned = false;

	session_record_key(r, &key);
	uint32_t local = copy_of(t, owner);
	if (local != SESSION_NONE) {
		const struct session *s = session_table_at(t->sessions, local);
		/* The key too: a restarted owner uses the same names for other sessions. */
		if (t->owned[owner].owner_generation == generation && has_key(t, s, &key))
			return refresh_copy(t, local, r, now);
		/* The owner's slot has a new tenant, so the old session is gone. */
		const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);
		if ((ctl & SESSION_F_REMOTE) != 0 && !repl_session_kill_copy(t, local))
			return REPL_RETRY;
		t->stats.removed += (ctl & SESSION_F_REMOTE) != 0;
	}

	v = insert_copy(t, r, &key, &local, &existed, now);
	if (v != REPL_DONE)
		return v;
	if (existed) {
		const struct session *s = session_table_at(t->sessions, local);
		const struct copy *c = &t->copies[local];
		const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
		if (c->state == COPY_KILLED && c->generation == generation_of(s))
			return REPL_RETRY;
		turned = session_swap(s) != key.swap;
		const bool other = turned || !translated_as(t, s, &key);
		if (other && ((ctl & SESSION_F_REMOTE) != 0 || !t->bulk.role.active)) {
			/* Opened from the other side this time, or translated in another way:
			 * another session with the same key. */
			repl_session_kill_copy(t, local);
			return REPL_RETRY;
		}
		if (other && !session_share_turned(s, key.translated)) {
			t->stats.conflicts++; /* ours, and in use here */
			return REPL_REFUSED;
		}
		v = refresh_copy(t, local, r, now);
		if (v != REPL_DONE)
			return v;
	}
	map_copy(t, owner, generation, local);
	t->owned[owner].turned = turned;
	t->bulk.orphans |= t->bulk.role.active && !t->bulk.role.peer_active;
	return REPL_DONE;
}

void
repl_session_ours_alone(struct table *t, uint32_t owner, uint32_t local)
{
	t->owned[owner].local_plus_1 = 0;
	if (session_share_end(session_table_at(t->sessions, local)))
		session_table_set_dirty(t->sessions, local); /* as a copy again, at the peer */
}

static enum repl_verdict
install_delete(struct table *t, uint32_t owner, uint16_t generation)
{
	const uint32_t local = copy_of(t, owner);

	if (local == SESSION_NONE || t->owned[owner].owner_generation != generation) {
		t->stats.unknown++;
		return REPL_DONE;
	}
	const uint32_t ctl = atomic_load_explicit(
		&session_table_at(t->sessions, local)->ctl, memory_order_acquire);
	if ((ctl & SESSION_F_REMOTE) == 0 &&
		(t->bulk.role.active || (ctl & SESSION_F_LOCAL) != 0)) {
		t->stats.unknown++;
		repl_session_ours_alone(t, owner, local);
		return REPL_DONE;
	}
	if (!repl_session_kill_copy(t, local))
		return REPL_RETRY;
	t->stats.removed++;
	return REPL_DONE;
}

/* How far the ALG of a session is that came just before. */
static enum repl_verdict
install_alg(struct table *t, const struct hrp_record *head, const uint8_t *record, uint8_t len)
{
	const uint32_t owner = rte_be_to_cpu_32(head->index);
	const uint32_t local = copy_of(t, owner);
	struct alg_table *algs = engine_algs(t->engine);
	struct alg_seq_kept_edit edit;
	enum alg_resumed resumed;
	struct alg_kept kept;
	unsigned int dir;

	if (head->type == HRP_RECORD_ALG ? !alg_record_unpack(record, len, &kept)
					 : !alg_record_unpack_edit(record, len, &dir, &edit))
		return REPL_REFUSED;
	if (local == SESSION_NONE ||
		t->owned[owner].owner_generation != rte_be_to_cpu_16(head->generation)) {
		t->stats.unknown++;
		return REPL_DONE;
	}
	const struct session *s = session_table_at(t->sessions, local);
	if ((atomic_load_explicit(&s->ctl, memory_order_acquire) & SESSION_F_REMOTE) == 0) {
		t->stats.unknown++; /* ours by now */
		return REPL_DONE;
	}
	resumed = head->type == HRP_RECORD_ALG ? alg_session_resume(algs, t->sessions, local,
							 t->owned[owner].local_generation, &kept)
					       : alg_session_again(algs, local, dir, &edit);
	if (resumed == ALG_RESUME_LATER)
		return REPL_RETRY;
	t->stats.unread += resumed == ALG_RESUME_NOT;
	return REPL_DONE;
}

static enum repl_verdict
install(void *ctx, const uint8_t *record, uint8_t len, mono_t now)
{
	union hrp_record_session r;
	struct table *t = ctx;
	enum repl_verdict v;
	uint64_t before;

	t->now = now;
	memcpy(&r.head, record, sizeof(r.head));
	const uint32_t owner = rte_be_to_cpu_32(r.head.index);
	switch (r.head.type) {
	case HRP_RECORD_SESSION4:
	case HRP_RECORD_SESSION4_NAT:
	case HRP_RECORD_SESSION6:
	case HRP_RECORD_SESSION6_NAT:
		if (len != session_record_size(r.head.type) || owner >= t->owner_capacity)
			return REPL_REFUSED;
		memcpy(&r, record, len);
		if (!session_record_check(&r, engine_snapshot(t->engine)))
			return REPL_REFUSED;
		before = repl_session_part_before(t, owner);
		v = install_session(t, &r, now);
		if (v == REPL_DONE)
			repl_session_part_installed(t, owner, &r, before);
		break;
	case HRP_RECORD_DELETE:
		if (len != sizeof(r.head) || owner >= t->owner_capacity)
			return REPL_REFUSED;
		v = install_delete(t, owner, rte_be_to_cpu_16(r.head.generation));
		break;
	case HRP_RECORD_ALG:
	case HRP_RECORD_ALG_EDIT:
		if (owner >= t->owner_capacity)
			return REPL_REFUSED;
		v = install_alg(t, &r.head, record, len);
		break;
	default:
		return REPL_DONE; /* of a later version: skipped by its length */
	}

	if (v != REPL_RETRY) {
		t->retrying = false;
		return v;
	}
	t->stats.retries++;
	if (!t->retrying) {
		t->retrying = true;
		t->retry_since = now;
	}
	if (now.ns - t->retry_since.ns < GIVE_UP_NS)
		return REPL_RETRY;
	t->retrying = false; /* a stuck worker must not stop the mirror; the digest will tell */
	return REPL_REFUSED;
}

/* A standby owns no sessions, but its own as a host.  One that the peer has known and does not tell
 * of has ended there; what the peer never had ages by itself. */
static bool
ended_there(const struct table *t, uint32_t local, uint32_t ctl)
{
	const struct repl_role *role = &t->bulk.role;
	const struct copy *c = &t->copies[local];
	const uint16_t generation = generation_of(session_table_at(t->sessions, local));

	if (role->active || !role->peer_active || (ctl & SESSION_F_LOCAL) != 0)
		return false;
	return (t->bulk.round != 0 && was_sent(t, local) &&
		       t->sent[local].generation == generation) ||
	       (c->state == COPY_MAPPED && c->generation == generation);
}

static enum repl_verdict
sweep(void *ctx, struct repl_digest *d)
{
	struct table *t = ctx;

	for (uint32_t i = 0; i < SWEEP_SLOTS && t->bulk.sweep < t->capacity; i++, t->bulk.sweep++) {
		const struct session *s = session_table_at(t->sessions, t->bulk.sweep);
		const struct copy *c = &t->copies[t->bulk.sweep];
		const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
		const bool translated = session_translated(s), copy = ctl & SESSION_F_REMOTE;
		struct session_outside o;
		union session_walk_key key;
		uint8_t zone[2];

		if (!alive(ctl) || !session_walk_read_key(t->sessions, s, &key) ||
			(translated && !session_table_outside(t->sessions, s, &o)))
			continue;
		const bool same = c->generation == generation_of(s);
		if (c->state == COPY_KILLED && same)
			continue;
		const bool mapped = c->state == COPY_MAPPED && same &&
				    c->owner < t->owner_capacity &&
				    t->owned[c->owner].local_plus_1 == t->bulk.sweep + 1;
		const bool told = mapped && is_confirmed(t, s);
		/* Those that both boxes own count on both. */
		if (told && (ctl & (SESSION_F_REMOTE | SESSION_F_SHARED)) != 0) {
			t->bulk.held.count++;
			t->bulk.held.sum += session_record_hash(
				session_record_key_hash(&key, session_family(s),
					translated ? &o : NULL, told_zones(t, c->owner, s, zone)),
				c->owner, t->owned[c->owner].owner_generation);
			continue;
		}
		if (!copy && !ended_there(t, t->bulk.sweep, ctl)) {
			if (mapped && !told)
				repl_session_ours_alone(t, c->owner, t->bulk.sweep);
			continue;
		}
		if (!repl_session_kill_copy(t, t->bulk.sweep))
			return REPL_RETRY;
		t->stats.swept++;
	}
	if (t->bulk.sweep < t->capacity)
		return REPL_RETRY;
	return repl_bulk_sweep_end(&t->bulk, d);
}

/* ---- takeover ---- */

static bool
adopt(void *ctx, mono_t now)
{
	struct table *t = ctx;

	if (t->bulk.adopt == 0)
		t->bulk.orphans = false;
	for (uint32_t i = 0; i < ADOPT_SLOTS && t->bulk.adopt < t->capacity; i++, t->bulk.adopt++) {
		struct session *s = session_table_at(t->sessions, t->bulk.adopt);
		(void)session_share_end(s);
		uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
		if ((ctl & SESSION_F_REMOTE) == 0 || !alive(ctl))
			continue;
		/* The full idle time begins anew (P20). The timer stays where it is, at twice that
		 * time: it looks at the session again when it fires, so nothing is posted. */
		atomic_store_explicit(&s->last_seen, mono_seconds(now), memory_order_relaxed);
		if (!atomic_compare_exchange_strong(&s->ctl, &ctl, ctl & ~SESSION_F_REMOTE)) {
			t->bulk.orphans = true; /* a worker was faster: look again */
			continue;
		}
		t->stats.adopted++;
		if (t->bulk.role.sending)
			session_table_set_dirty(t->sessions, t->bulk.adopt);
	}
	if (t->bulk.adopt < t->capacity)
		return false;
	t->bulk.adopt = 0;
	return true;
}

bool
repl_session_copy(const void *ctx, uint32_t owner, uint16_t owner_generation, uint32_t *local,
	uint16_t *generation)
{
	const struct table *t = ctx;

	if (owner >= t->owner_capacity || t->owned[owner].owner_generation != owner_generation)
		return false;
	*local = copy_of(t, owner);
	*generation = t->owned[owner].local_generation;
	return *local != SESSION_NONE;
}

static void
counts(const void *ctx, struct repl_counts *c)
{
	const struct table *t = ctx;
	const struct hrp_session_status *st = &t->stats;

	*c = (struct repl_counts){ .entries = session_table_count(t->sessions),
		.dirty = t->found_dirty,
		.sent = st->sent,
		.deleted = st->deleted,
		.installed = st->installed + st->updated,
		.removed = st->removed,
		.conflicts = st->conflicts,
		.full = st->full,
		.unclaimed = st->unclaimed,
		.unknown = st->unknown,
		.adopted = st->adopted,
		.swept = st->swept,
		.repaired = t->repaired };
}

static void
status(const void *ctx, struct hrp_session_status *st)
{
	*st = ((const struct table *)ctx)->stats;
}

extern const struct repl_table repl_session;
const struct repl_table repl_session = {
	.name = "session",
	.module = HRP_MODULE_SESSION,
	.create = create,
	.destroy = destroy,
	.role = repl_bulk_role,
	.drain = drain,
	.discard = discard,
	.walk_begin = walk_begin,
	.walk = walk,
	.sent = repl_bulk_sent,
	.round = round_begin,
	.install = install,
	.sweep = sweep,
	.part_told = repl_session_part_told,
	.part_walk = repl_session_part_walk,
	.part_held = repl_session_part_held,
	.part_begin = repl_session_part_begin,
	.part_end = repl_session_part_end,
	.adopt = adopt,
	.orphans = repl_bulk_orphans,
	.counts = counts,
	.status = status,
};
