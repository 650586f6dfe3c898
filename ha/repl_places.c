/* SPDX-License-Identifier: BSD-3-Clause */
#include "repl_places.h"

#include "check.h"
#include "session_record.h"

#include <rte_common.h>

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_PLACES   256 /* per turn */
#define WALK_PLACES    1024
#define SWEEP_PLACES   1024
#define ADOPT_PLACES   1024
#define DIRTY_EVERY_NS NS_PER_MS

static_assert(offsetof(struct repl_places, bulk) == 0, "repl_bulk_role() and others look there");

bool
repl_places_init(struct repl_places *t, const struct repl_places_ops *ops, uint32_t capacity)
{
	t->ops = ops;
	t->capacity = capacity;
	t->sent = calloc(capacity, sizeof(*t->sent));
	t->owner_plus_1 = calloc(capacity, sizeof(*t->owner_plus_1));
	return t->sent != NULL && t->owner_plus_1 != NULL;
}

void
repl_places_fini(struct repl_places *t)
{
	free(t->sent);
	free(t->owned);
	free(t->owner_plus_1);
}

static bool
hold(struct repl_places *t)
{
	return t->ops->hold == NULL || t->ops->hold(t);
}

static void
let_go(struct repl_places *t)
{
	if (t->ops->let_go != NULL)
		t->ops->let_go(t);
}

static void
add(struct repl_digest *d, uint32_t name, uint32_t content, uint32_t index, uint16_t generation)
{
	d->count++;
	d->sum += session_record_hash(name, index, generation);
	d->content += session_record_mix((uint64_t)content << 32 | index);
}

/* ---- sender ---- */

static bool
was_sent(const struct repl_places *t, uint32_t place)
{
	return t->sent[place].round == t->bulk.round;
}

static void
forget_sent(struct repl_places *t, uint32_t place)
{
	t->bulk.sent.count--;
	t->bulk.sent.sum -=
		session_record_hash(t->sent[place].name, place, t->sent[place].generation);
	t->sent[place].round = 0;
}

static void
note_sent(struct repl_places *t, uint32_t place, const struct repl_place *p)
{
	if (was_sent(t, place))
		forget_sent(t, place); /* the receiver concludes the same from the generation */
	t->sent[place].name = p->name;
	t->sent[place].content = p->content;
	t->sent[place].generation = p->generation;
	t->sent[place].round = t->bulk.round;
	t->bulk.sent.count++;
	t->bulk.sent.sum += session_record_hash(p->name, place, p->generation);
}

static bool
emit_delete(struct repl_places *t, uint32_t place, const struct repl_out *out, mono_t now)
{
	if (!repl_put_delete(out, place, t->sent[place].generation, now))
		return false;
	forget_sent(t, place);
	t->counts.deleted++;
	return true;
}

/* Tell the peer what is in a place now, whatever that is.  => false: no room. */
static bool
emit_current(struct repl_places *t, uint32_t place, const struct repl_out *out, mono_t now)
{
	alignas(8) uint8_t record[UINT8_MAX];
	struct repl_place p;

	if (!t->ops->look(t, place, now, &p, record))
		return !was_sent(t, place) || emit_delete(t, place, out, now);
	if (p.copy) {
		/* The peer's own by now; or another one, and of the end of ours nobody was told. */
		if (was_sent(t, place) && t->sent[place].generation != p.generation)
			return emit_delete(t, place, out, now);
		if (was_sent(t, place))
			forget_sent(t, place);
		return true;
	}
	if (!repl_put(out, record, t->ops->size, now))
		return false;
	t->counts.sent++;
	note_sent(t, place, &p);
	return true;
}

uint32_t
repl_places_drain(void *ctx, const struct repl_out *out, mono_t now)
{
	struct repl_places *t = ctx;
	uint32_t taken = 0;

	FW_ASSERT(t->bulk.round != 0); /* a walk has begun */
	if ((t->dirty_cursor == 0 && mono_before(now, t->dirty_due)) || !hold(t))
		return 0;
	while (taken < DRAIN_PLACES) {
		const uint32_t place = t->ops->take_dirty(t, &t->dirty_cursor);

		if (place == REPL_NO_PLACE) {
			t->counts.dirty = t->found_dirty + taken;
			t->found_dirty = 0;
			t->dirty_due.ns = now.ns + DIRTY_EVERY_NS;
			let_go(t);
			return taken;
		}
		taken++;
		if (!emit_current(t, place, out, now)) {
			t->ops->set_dirty(t, place);
			break;
		}
	}
	t->found_dirty += taken;
	let_go(t);
	return taken;
}

uint32_t
repl_places_discard(void *ctx)
{
	struct repl_places *t = ctx;
	uint32_t taken = 0;

	while (taken < DRAIN_PLACES && t->ops->take_dirty(t, &t->dirty_cursor) != REPL_NO_PLACE)
		taken++;
	return taken;
}

uint32_t
repl_places_walk_begin(void *ctx, uint32_t *estimate)
{
	struct repl_places *t = ctx;

	if (repl_bulk_walk(&t->bulk))
		memset(t->sent, 0, sizeof(*t->sent) * t->capacity);
	*estimate = t->ops->entries(t);
	return t->capacity;
}

bool
repl_places_walk(void *ctx, const struct repl_out *out, mono_t now)
{
	struct repl_places *t = ctx;
	bool room = true;

	if (!hold(t))
		return false;
	for (uint32_t i = 0; i < WALK_PLACES && t->bulk.walk < t->capacity && room; i++) {
		if (!was_sent(t, t->bulk.walk)) /* else a live update was faster */
			room = emit_current(t, t->bulk.walk, out, now);
		t->bulk.walk += room;
	}
	let_go(t);
	return t->bulk.walk == t->capacity;
}

/* ---- receiver ---- */

bool
repl_places_mapped(const struct repl_places *t, uint32_t place, uint16_t generation)
{
	const uint32_t plus_1 = t->owner_plus_1[place];

	return plus_1 != 0 && plus_1 <= t->owner_capacity &&
	       t->owned[plus_1 - 1].local_plus_1 == place + 1 &&
	       t->owned[plus_1 - 1].local_generation == generation;
}

/* The copy of the owner's entry, if there is one; ours, if it was.  => its place, REPL_NO_PLACE */
static uint32_t
copy_of(const struct repl_places *t, uint32_t owner, struct repl_place *p)
{
	const uint32_t place = t->owned[owner].local_plus_1 - 1;

	if (place == REPL_NO_PLACE || t->owner_plus_1[place] != owner + 1 ||
		!t->ops->look(t, place, (mono_t){ .ns = 0 }, p, NULL) ||
		p->generation != t->owned[owner].local_generation)
		return REPL_NO_PLACE;
	return place;
}

bool
repl_places_round(void *ctx, uint32_t capacity)
{
	struct repl_places *t = ctx;

	if (capacity == 0 || capacity > HRP_CAPACITY_MAX)
		return false;
	if (capacity != t->owner_capacity) {
		struct repl_owned *fresh = calloc(capacity, sizeof(*fresh));

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

static enum repl_verdict
install_entry(struct repl_places *t, uint32_t owner, uint16_t generation, const uint8_t *record,
	mono_t now)
{
	struct repl_owned *o = &t->owned[owner];
	struct repl_place p;
	uint32_t place, had = copy_of(t, owner, &p);
	enum repl_verdict v;

	if (had != REPL_NO_PLACE && o->owner_generation != generation) {
		if (p.copy) {
			t->ops->drop(t, had, p.generation);
			t->counts.removed++;
		}
		had = REPL_NO_PLACE;
	}
	v = t->ops->install(t, record, had, now, &place);
	if (v == REPL_REFUSED && had != REPL_NO_PLACE)
		o->round = t->bulk.confirm; /* ours, and the peer's as well */
	if (v != REPL_DONE)
		return v;
	if (!t->ops->look(t, place, now, &p, NULL)) {
		o->round = t->bulk.confirm;
		return REPL_DONE; /* used up already */
	}
	t->owner_plus_1[place] = owner + 1;
	*o = (struct repl_owned){ .local_plus_1 = place + 1,
		.local_generation = p.generation,
		.owner_generation = generation,
		.name = p.name,
		.round = t->bulk.confirm };
	t->counts.installed++;
	t->bulk.orphans |= t->bulk.role.active && !t->bulk.role.peer_active;
	return REPL_DONE;
}

static void
install_delete(struct repl_places *t, uint32_t owner, uint16_t generation)
{
	struct repl_owned *o = &t->owned[owner];
	struct repl_place p;
	const uint32_t place = copy_of(t, owner, &p);

	if (o->owner_generation != generation || place == REPL_NO_PLACE ||
		(!p.copy && t->bulk.role.active)) {
		t->counts.unknown++; /* used up, or ours by now */
	} else {
		t->ops->drop(t, place, p.generation);
		t->counts.removed++;
	}
	if (o->owner_generation == generation)
		o->local_plus_1 = 0;
}

/* What a repair may change of an entry. */
static uint64_t
seen(const struct repl_places *t, uint32_t owner)
{
	struct repl_place p;

	if (owner < t->repair_first || owner >= t->repair_end)
		return 0;
	return copy_of(t, owner, &p) == REPL_NO_PLACE
		       ? 1
		       : session_record_mix((uint64_t)p.name << 32 | p.content) | 2;
}

enum repl_verdict
repl_places_install(void *ctx, const uint8_t *record, uint8_t len, mono_t now)
{
	struct repl_places *t = ctx;
	enum repl_verdict v = REPL_DONE;
	struct hrp_record head;

	memcpy(&head, record, sizeof(head));
	const uint32_t owner = rte_be_to_cpu_32(head.index);
	const uint16_t generation = rte_be_to_cpu_16(head.generation);
	const bool entry = head.type == t->ops->record;
	if (!entry && head.type != HRP_RECORD_DELETE)
		return REPL_DONE; /* of a later version: skipped by its length */
	if (len != (entry ? t->ops->size : sizeof(head)) || owner >= t->owner_capacity)
		return REPL_REFUSED;
	if (!hold(t))
		return REPL_RETRY;
	const uint64_t before = seen(t, owner);
	if (entry)
		v = install_entry(t, owner, generation, record, now);
	else
		install_delete(t, owner, generation);
	t->counts.repaired += v == REPL_DONE && seen(t, owner) != before;
	let_go(t);
	return v;
}

/* Does the end of a bulk end it, if that has not confirmed it?  A standby owns nothing. */
static bool
is_peers(const struct repl_places *t, const struct repl_place *p)
{
	return p->copy || (!t->bulk.role.active && t->bulk.role.peer_active);
}

/* What the peer has not told of again it has no part in, if it is not a copy and goes: of before it
 * has restarted, or of what this box has taken over and used up. */
static void
forget_unconfirmed(struct repl_places *t, uint32_t owner)
{
	if (owner < t->owner_capacity && t->owned[owner].round != t->bulk.confirm)
		t->owned[owner].local_plus_1 = 0;
}

enum repl_verdict
repl_places_sweep(void *ctx, struct repl_digest *d)
{
	struct repl_places *t = ctx;
	const uint32_t places = RTE_MAX(t->capacity, t->owner_capacity);

	if (!hold(t))
		return REPL_RETRY;
	for (uint32_t i = 0; i < SWEEP_PLACES && t->bulk.sweep < places; i++) {
		const uint32_t place = t->bulk.sweep++;
		const struct repl_owned *o;
		struct repl_place p;

		forget_unconfirmed(t, place);
		if (place >= t->capacity ||
			!t->ops->look(t, place, (mono_t){ .ns = 0 }, &p, NULL) || !is_peers(t, &p))
			continue;
		if (p.copy && repl_places_mapped(t, place, p.generation)) {
			const uint32_t owner = t->owner_plus_1[place] - 1;

			o = &t->owned[owner];
			if (o->round == t->bulk.confirm) {
				add(&t->bulk.held, p.name, p.content, owner, o->owner_generation);
				continue;
			}
		}
		t->ops->drop(t, place, p.generation);
		t->counts.swept++;
	}
	let_go(t);
	return t->bulk.sweep < places ? REPL_RETRY : repl_bulk_sweep_end(&t->bulk, d);
}

/* ---- parts ---- */

/* A change that was not marked: it is told with the next dirty bits.  An end is told at once, since
 * the peer may have given its copy to the next entry of the same name.  => false: no room */
static bool
look_over(struct repl_places *t, uint32_t place, const struct repl_out *out, mono_t now)
{
	struct repl_place p;
	const bool ours = t->ops->look(t, place, (mono_t){ .ns = 0 }, &p, NULL) && !p.copy;

	if (!ours && was_sent(t, place))
		return emit_current(t, place, out, now);
	if (ours != was_sent(t, place) || (ours && (p.generation != t->sent[place].generation ||
							   p.name != t->sent[place].name ||
							   p.content != t->sent[place].content)))
		t->ops->set_dirty(t, place);
	return true;
}

bool
repl_places_part_told(void *ctx, uint32_t first, uint32_t places, const struct repl_out *out,
	mono_t now, struct repl_digest *d)
{
	struct repl_places *t = ctx;
	bool room = true;

	if (!hold(t))
		return false;
	*d = (struct repl_digest){ 0 };
	for (uint32_t i = first; i < first + places && room; i++) {
		room = look_over(t, i, out, now);
		if (was_sent(t, i))
			add(d, t->sent[i].name, t->sent[i].content, i, t->sent[i].generation);
	}
	let_go(t);
	return room;
}

bool
repl_places_part_walk(void *ctx, uint32_t *at, uint32_t end, const struct repl_out *out, mono_t now)
{
	struct repl_places *t = ctx;

	if (!hold(t))
		return false;
	while (*at < end && (!was_sent(t, *at) || emit_current(t, *at, out, now)))
		(*at)++;
	let_go(t);
	return *at == end;
}

/* Copies that no name of the owner's leads to would live for ever: of as large a share of our
 * places as the part is of the owner's. */
static void
drop_strays(struct repl_places *t, uint32_t places)
{
	const uint64_t share = (uint64_t)places * t->capacity / t->owner_capacity + 1;
	struct repl_place p;

	if (t->bulk.role.active && !t->bulk.role.peer_active)
		return; /* they are about to become ours */
	for (uint64_t i = 0; i < share; i++) {
		const uint32_t place = t->stray;

		t->stray = place + 1 < t->capacity ? place + 1 : 0;
		if (!t->ops->look(t, place, (mono_t){ .ns = 0 }, &p, NULL) || !p.copy ||
			repl_places_mapped(t, place, p.generation))
			continue;
		t->ops->drop(t, place, p.generation);
		t->counts.repaired++;
	}
}

bool
repl_places_part_held(void *ctx, uint32_t first, uint32_t places, struct repl_digest *d)
{
	struct repl_places *t = ctx;
	const bool spent = t->ops->spent && t->bulk.role.active;
	struct repl_place p;

	/* How far each box has used up the same entry says nothing. */
	*d = (struct repl_digest){ .names_only = spent };
	if (first >= t->owner_capacity || places > t->owner_capacity - first)
		return true;
	if (!hold(t))
		return false;
	drop_strays(t, places);
	for (uint32_t owner = first; owner < first + places; owner++) {
		const struct repl_owned *o = &t->owned[owner];

		if (copy_of(t, owner, &p) != REPL_NO_PLACE) {
			/* One that this box has made its own is none any more, but with load
			 * sharing: there both have it. */
			if (p.copy || t->bulk.role.active)
				add(d, p.name, p.content, owner, o->owner_generation);
		} else if (spent && o->local_plus_1 != 0) {
			add(d, o->name, 0, owner, o->owner_generation);
		}
	}
	let_go(t);
	return true;
}

bool
repl_places_part_begin(void *ctx, uint32_t first, uint32_t places)
{
	struct repl_places *t = ctx;

	if (first >= t->owner_capacity || places > t->owner_capacity - first)
		return false;
	repl_bulk_round(&t->bulk);
	t->repair_first = first;
	t->repair_end = first + places;
	return true;
}

enum repl_verdict
repl_places_part_end(void *ctx, uint32_t first, uint32_t places)
{
	struct repl_places *t = ctx;
	struct repl_place p;

	if (first != t->repair_first || first + places != t->repair_end)
		return REPL_REFUSED;
	if (!hold(t))
		return REPL_RETRY;
	for (uint32_t owner = first; owner < t->repair_end; owner++) {
		const uint32_t place = copy_of(t, owner, &p);

		if (t->owned[owner].round == t->bulk.confirm)
			continue;
		if (place != REPL_NO_PLACE && p.copy) {
			t->ops->drop(t, place, p.generation);
			t->counts.repaired++;
		}
		forget_unconfirmed(t, owner);
	}
	let_go(t);
	t->repair_first = t->repair_end = 0;
	return REPL_DONE;
}

/* ---- takeover ---- */

bool
repl_places_adopt(void *ctx, mono_t now)
{
	struct repl_places *t = ctx;
	struct repl_place p;

	if (!hold(t))
		return false;
	if (t->bulk.adopt == 0)
		t->bulk.orphans = false;
	for (uint32_t i = 0; i < ADOPT_PLACES && t->bulk.adopt < t->capacity; i++, t->bulk.adopt++)
		if (t->ops->look(t, t->bulk.adopt, now, &p, NULL) && p.copy)
			t->counts.adopted += t->ops->adopt(t, t->bulk.adopt, p.generation);
	let_go(t);
	if (t->bulk.adopt < t->capacity)
		return false;
	t->bulk.adopt = 0;
	return true;
}

void
repl_places_counts(const void *ctx, struct repl_counts *c)
{
	const struct repl_places *t = ctx;

	*c = t->counts;
	c->entries = t->ops->entries(t);
}
