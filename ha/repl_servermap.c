/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server-map as a replicated table: entries that came to be here go to the peer, the peer's
 * entries go into our live map as copies.  HRP core only.
 *
 * An entry is named on the wire by its owner's {place, generation}.  The receiver keeps, per
 * owner's place, which local entry is its copy, and checks it against the local generation at each
 * use, since local entries end on their own.
 */
#include "alg_session.h"
#include "check.h"
#include "nat_group.h"
#include "repl.h"
#include "repl_session.h"
#include "servermap_record.h"
#include "session_claim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_PLACES   256 /* per turn */
#define WALK_PLACES    1024
#define SWEEP_PLACES   1024
#define ADOPT_PLACES   1024
#define DIRTY_EVERY_NS NS_PER_MS

/* Which local entry is the copy: by the owner's place. */
struct owned {
	uint32_t local_plus_1; /* 0: none */
	uint16_t local_generation, owner_generation;
	uint16_t round; /* of the bulk that has confirmed it last */
};

struct table {
	struct repl_bulk bulk; /* first */
	struct engine *engine;
	struct servermap *map;
	const void *sessions; /* of repl_session */
	uint32_t capacity;

	/* sender */
	struct repl_sent *sent; /* by own place */
	uint32_t dirty_cursor;
	mono_t dirty_due;

	/* receiver */
	struct owned *owned;
	uint32_t owner_capacity;

	struct repl_counts counts;
};
static_assert(offsetof(struct table, bulk) == 0, "repl_bulk_role() and others look there");

static void
destroy(void *ctx)
{
	struct table *t = ctx;

	if (t == NULL)
		return;
	free(t->sent);
	free(t->owned);
	free(t);
}

static void *
create(const struct repl_params *p, char *err, size_t err_size)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->engine = p->engine;
		t->map = engine_servermap(p->engine);
		t->sessions = p->sessions;
		t->capacity = servermap_capacity(t->map);
		t->sent = calloc(t->capacity, sizeof(*t->sent));
		if (t->sent != NULL)
			return t;
	}
	snprintf(err, err_size, "server-map mirror: out of memory");
	destroy(t);
	return NULL;
}

/* What leaves unused gives its port back. */
static void
gone(void *ctx, const struct servermap_entry *e)
{
	const struct nat_got got = { .addr = e->key.dst.v4, .port = e->key.dport };
	const struct table *t = ctx;

	if (e->note != 0)
		nat_groups_give(
			engine_nat_groups(t->engine), nat_note_group(e->note), e->key.proto, &got);
}

/* ---- sender ---- */

static bool
was_sent(const struct table *t, uint32_t place)
{
	return repl_was_sent(&t->bulk, &t->sent[place]);
}

static bool
emit_delete(struct table *t, uint32_t place, const struct repl_out *out, mono_t now)
{
	if (!repl_put_delete(out, place, t->sent[place].generation, now))
		return false;
	repl_forget_sent(&t->bulk, &t->sent[place]);
	t->counts.deleted++;
	return true;
}

/* Tell the peer what is in a place now, whatever that is.  => false: no room. */
static bool
emit_current(struct table *t, uint32_t place, const struct repl_out *out, mono_t now)
{
	const struct nat_groups *groups = engine_nat_groups(t->engine);
	struct hrp_record_servermap r;
	struct servermap_entry e;
	uint16_t generation;
	uint32_t group;

	if (!servermap_look(t->map, place, &e, &generation))
		return !was_sent(t, place) || emit_delete(t, place, out, now);
	if (e.copy) {
		/* The peer's own by now; or another one, and of the end of ours nobody was told. */
		if (was_sent(t, place) && t->sent[place].generation != generation)
			return emit_delete(t, place, out, now);
		if (was_sent(t, place))
			repl_forget_sent(&t->bulk, &t->sent[place]);
		return true;
	}
	group = e.note != 0 ? nat_groups_name(groups, nat_note_group(e.note)) : 0;
	servermap_record_pack(&e, place, generation, group, now, &r);
	if (!repl_put(out, &r, sizeof(r), now))
		return false;
	t->counts.sent++;
	repl_note_sent(&t->bulk, &t->sent[place], servermap_record_hash(&e, place, generation),
		generation);
	return true;
}

static uint32_t
drain(void *ctx, const struct repl_out *out, mono_t now)
{
	struct table *t = ctx;
	uint32_t taken = 0;

	FW_ASSERT(t->bulk.round != 0); /* a walk has begun */
	if (t->dirty_cursor == 0 && mono_before(now, t->dirty_due))
		return 0;
	while (taken < DRAIN_PLACES) {
		const uint32_t place = servermap_take_dirty(t->map, &t->dirty_cursor);

		if (place == SERVERMAP_NONE) {
			t->dirty_due.ns = now.ns + DIRTY_EVERY_NS;
			break;
		}
		taken++;
		if (!emit_current(t, place, out, now)) {
			servermap_set_dirty(t->map, place);
			break;
		}
	}
	return taken;
}

static uint32_t
discard(void *ctx)
{
	struct table *t = ctx;
	uint32_t taken = 0;

	while (taken < DRAIN_PLACES &&
		servermap_take_dirty(t->map, &t->dirty_cursor) != SERVERMAP_NONE)
		taken++;
	return taken;
}

static uint32_t
walk_begin(void *ctx, uint32_t *estimate)
{
	struct table *t = ctx;

	if (repl_bulk_walk(&t->bulk))
		memset(t->sent, 0, sizeof(*t->sent) * t->capacity);
	*estimate = servermap_count(t->map);
	return t->capacity;
}

static bool
walk(void *ctx, const struct repl_out *out, mono_t now)
{
	struct table *t = ctx;

	for (uint32_t i = 0; i < WALK_PLACES && t->bulk.walk < t->capacity; i++, t->bulk.walk++)
		if (!was_sent(t, t->bulk.walk) && !emit_current(t, t->bulk.walk, out, now))
			return false;
	return t->bulk.walk == t->capacity;
}

/* ---- receiver ---- */

/* The copy of the owner's entry, if there is one.  => its place, SERVERMAP_NONE */
static uint32_t
copy_of(const struct table *t, const struct owned *o, struct servermap_entry *e)
{
	uint16_t generation;

	if (o->local_plus_1 == 0 || !servermap_look(t->map, o->local_plus_1 - 1, e, &generation) ||
		generation != o->local_generation)
		return SERVERMAP_NONE;
	return o->local_plus_1 - 1;
}

static void
drop_copy(struct table *t, struct owned *o)
{
	servermap_drop(t->map, o->local_plus_1 - 1, o->local_generation, gone, t);
	o->local_plus_1 = 0;
}

/* Copies of a peer whose places were others. */
static void
drop_all(struct table *t)
{
	struct servermap_entry e;
	uint16_t generation;

	for (uint32_t i = 0; i < t->capacity; i++)
		if (servermap_look(t->map, i, &e, &generation) && e.copy)
			servermap_drop(t->map, i, generation, gone, t);
}

static bool
round_begin(void *ctx, uint32_t capacity)
{
	struct table *t = ctx;

	if (capacity == 0 || capacity > HRP_CAPACITY_MAX)
		return false;
	if (capacity != t->owner_capacity) {
		struct owned *fresh = calloc(capacity, sizeof(*fresh));

		if (fresh == NULL)
			return false;
		drop_all(t);
		free(t->owned);
		t->owned = fresh;
		t->owner_capacity = capacity;
	}
	repl_bulk_round(&t->bulk);
	return true;
}

static bool
same_entry(const struct servermap_entry *a, const struct servermap_entry *b)
{
	return a->key.proto == b->key.proto && a->key.dport == b->key.dport &&
	       ip_addr_equal(&a->key.dst, &b->key.dst) && a->src.family == b->src.family &&
	       (a->src.family == 0 || ip_addr_equal(&a->src, &b->src)) && a->parent == b->parent &&
	       a->parent_generation == b->parent_generation;
}

/* The port that it holds at its owner, here too.  => false: it cannot be held. */
static bool
claim(const struct table *t, struct servermap_entry *e, uint32_t group)
{
	const struct nat_got got = { .addr = e->key.dst.v4, .port = e->key.dport };
	struct nat_groups *groups = engine_nat_groups(t->engine);

	if (group == 0)
		return true;
	return groups != NULL && claim_announced(groups, group, e->key.proto, e->to.v4, e->to_port,
					 &got, &e->note) == NAT_OK;
}

static enum repl_verdict
install_entry(struct table *t, uint32_t owner, uint16_t generation, struct servermap_entry *e,
	const struct servermap_names *names)
{
	struct owned *o = &t->owned[owner];
	struct servermap_entry had;
	uint16_t local_generation;
	uint32_t place;
	bool renewed;

	if (names->parent != SERVERMAP_NONE &&
		!repl_session_copy(t->sessions, names->parent, names->parent_generation, &e->parent,
			&e->parent_generation))
		e->parent =
			SERVERMAP_NONE; /* it has ended here: the entry goes by its owner's word */
	place = copy_of(t, o, &had);
	if (place != SERVERMAP_NONE && !had.copy && t->bulk.role.active) {
		t->counts.conflicts++;
		return REPL_REFUSED; /* ours, and in use here */
	}
	if (place != SERVERMAP_NONE &&
		(o->owner_generation != generation || !same_entry(&had, e))) {
		drop_copy(t, o);
		place = SERVERMAP_NONE;
	}
	if (place == SERVERMAP_NONE && !claim(t, e, names->group))
		t->counts.unclaimed++; /* goes without */
	const uint32_t note = e->note;
	place = servermap_copy(t->map, e, &local_generation, &renewed);
	if ((place == SERVERMAP_NONE || renewed) && note != 0)
		gone(t, e);
	if (place == SERVERMAP_NONE) {
		t->counts.full++;
		return REPL_REFUSED;
	}
	*o = (struct owned){ .local_plus_1 = place + 1,
		.local_generation = local_generation,
		.owner_generation = generation,
		.round = t->bulk.confirm };
	t->counts.installed++;
	t->bulk.orphans |= t->bulk.role.active && !t->bulk.role.peer_active;
	return REPL_DONE;
}

static enum repl_verdict
install_delete(struct table *t, uint32_t owner, uint16_t generation)
{
	struct owned *o = &t->owned[owner];
	struct servermap_entry had;

	if (copy_of(t, o, &had) == SERVERMAP_NONE || o->owner_generation != generation ||
		!had.copy) {
		t->counts.unknown++; /* used up, or ours by now */
		o->local_plus_1 = 0;
		return REPL_DONE;
	}
	drop_copy(t, o);
	t->counts.removed++;
	return REPL_DONE;
}

static enum repl_verdict
install(void *ctx, const uint8_t *record, uint8_t len, mono_t now)
{
	struct hrp_record_servermap r;
	struct servermap_names names;
	struct servermap_entry e;
	struct table *t = ctx;

	memcpy(&r.head, record, sizeof(r.head));
	const uint32_t owner = rte_be_to_cpu_32(r.head.index);
	const uint16_t generation = rte_be_to_cpu_16(r.head.generation);
	switch (r.head.type) {
	case HRP_RECORD_SERVERMAP:
		if (len != sizeof(r) || owner >= t->owner_capacity)
			return REPL_REFUSED;
		memcpy(&r, record, sizeof(r));
		if (!servermap_record_unpack(&r, engine_snapshot(t->engine), now, &e, &names))
			return REPL_REFUSED;
		return install_entry(t, owner, generation, &e, &names);
	case HRP_RECORD_DELETE:
		if (len != sizeof(r.head) || owner >= t->owner_capacity)
			return REPL_REFUSED;
		return install_delete(t, owner, generation);
	default:
		return REPL_DONE; /* of a later version: skipped by its length */
	}
}

static enum repl_verdict
sweep(void *ctx, struct repl_digest *d)
{
	struct table *t = ctx;

	for (uint32_t i = 0; i < SWEEP_PLACES && t->bulk.sweep < t->owner_capacity;
		i++, t->bulk.sweep++) {
		struct owned *o = &t->owned[t->bulk.sweep];
		struct servermap_entry e;

		if (copy_of(t, o, &e) == SERVERMAP_NONE || !e.copy) {
			o->local_plus_1 = 0;
			continue;
		}
		if (o->round == t->bulk.confirm) {
			t->bulk.held.count++;
			t->bulk.held.sum +=
				servermap_record_hash(&e, t->bulk.sweep, o->owner_generation);
			continue;
		}
		drop_copy(t, o);
		t->counts.swept++;
	}
	if (t->bulk.sweep < t->owner_capacity)
		return REPL_RETRY;
	return repl_bulk_sweep_end(&t->bulk, d);
}

/* ---- takeover ---- */

static bool
adopt(void *ctx, mono_t now)
{
	struct table *t = ctx;
	struct servermap_entry e;
	uint16_t generation;

	(void)now;
	if (t->bulk.adopt == 0)
		t->bulk.orphans = false;
	for (uint32_t i = 0; i < ADOPT_PLACES && t->bulk.adopt < t->capacity; i++, t->bulk.adopt++)
		if (servermap_look(t->map, t->bulk.adopt, &e, &generation) && e.copy)
			t->counts.adopted += servermap_adopt(t->map, t->bulk.adopt, generation);
	if (t->bulk.adopt < t->capacity)
		return false;
	t->bulk.adopt = 0;
	return true;
}

static void
counts(const void *ctx, struct repl_counts *c)
{
	const struct table *t = ctx;

	*c = t->counts;
	c->entries = servermap_count(t->map);
}

extern const struct repl_table repl_servermap;
const struct repl_table repl_servermap = {
	.name = "server-map",
	.module = HRP_MODULE_SERVERMAP,
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
	.adopt = adopt,
	.orphans = repl_bulk_orphans,
	.whole = true,
	.counts = counts,
};
