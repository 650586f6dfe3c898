/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blacklist as a replicated table: what was entered here by command or by scan detection goes
 * to the peer with the time that is left; the peer's entries go into our live list as copies.
 * Static entries are configuration and stay where they are.  HRP core only.
 *
 * An entry is named on the wire by its owner's {slot, generation}.  The receiver keeps, per owner's
 * slot, which local entry is its copy.  A copy ends when its owner says so; packets look at its
 * time all the same.
 *
 * A box that is not active, and hears an active peer, owns nothing: at the beginning of the peer's
 * bulk whatever it made earlier is the peer's (R191), and goes with the end of the bulk if the peer
 * does not know it.  Else an entry that was deleted on the one would be back when the roles change.
 */
#include "blacklist.h"
#include "blacklist_record.h"
#include "check.h"
#include "repl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_SLOTS    256 /* per turn */
#define WALK_SLOTS     1024
#define SWEEP_SLOTS    1024
#define ADOPT_SLOTS    1024
#define DIRTY_EVERY_NS NS_PER_MS

/* Which local entry is the copy: by the owner's slot. */
struct owned {
	uint32_t local_plus_1; /* 0: none */
	uint16_t local_generation, owner_generation;
	uint16_t round; /* of the bulk that has confirmed it last */
};

struct table {
	struct repl_bulk bulk; /* first */
	struct blacklist *list;

	/* sender */
	struct repl_sent *sent; /* by own slot */
	uint32_t dirty_cursor, found_dirty;
	mono_t dirty_due;

	/* receiver */
	struct owned *owned;
	uint32_t owner_capacity;
	uint32_t *owner_plus_1; /* by local slot: whose copy; owned[] has the last word */
	bool yield;		/* what is ours is to be the peer's */

	struct repl_counts counts;
};
static_assert(offsetof(struct table, bulk) == 0, "repl_bulk_role() and others look there");

static void
destroy(void *ctx)
{
	struct table *t = ctx;

	if (t == NULL)
		return;
	if (t->list != NULL)
		blacklist_set_follows(t->list, false);
	free(t->sent);
	free(t->owned);
	free(t->owner_plus_1);
	free(t);
}

static void *
create(const struct repl_params *p, char *err, size_t err_size)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->list = engine_blacklist(p->engine);
		t->sent = calloc(BLACKLIST_MAX, sizeof(*t->sent));
		t->owner_plus_1 = calloc(BLACKLIST_MAX, sizeof(*t->owner_plus_1));
		if (t->sent != NULL && t->owner_plus_1 != NULL)
			return t;
	}
	snprintf(err, err_size, "blacklist mirror: out of memory");
	destroy(t);
	return NULL;
}

static void
role(void *ctx, const struct repl_role *r)
{
	struct table *t = ctx;

	repl_bulk_role(t, r);
	if (r->active)
		t->yield = false;
	blacklist_set_follows(t->list, !r->active && r->peer_active);
}

/* Everything below but the ends of calls is for who holds the entries. */
static bool
hold(struct table *t)
{
	if (!blacklist_hold(t->list))
		return false;
	if (t->yield) {
		for (uint32_t i = 0; i < t->list->high; i++)
			if (blacklist_mirrored(&t->list->entries[i]))
				blacklist_yield(t->list, i);
		t->yield = false;
	}
	return true;
}

static void
let_go(struct table *t)
{
	t->counts.entries = t->list->timed + t->list->copies;
	blacklist_let_go(t->list);
}

/* ---- sender ---- */

static bool
emit_delete(struct table *t, uint32_t slot, const struct repl_out *out, mono_t now)
{
	if (!repl_put_delete(out, slot, t->sent[slot].generation, now))
		return false;
	repl_forget_sent(&t->bulk, &t->sent[slot]);
	t->counts.deleted++;
	return true;
}

/* Tell the peer what is in a slot now, whatever that is.  => false: no room. */
static bool
emit_current(struct table *t, uint32_t slot, const struct repl_out *out, mono_t now)
{
	const struct blacklist_entry *e = &t->list->entries[slot];
	struct repl_sent *sent = &t->sent[slot];
	const bool was_sent = repl_was_sent(&t->bulk, sent);
	struct hrp_record_blacklist r;

	if (was_sent && e->copy && sent->generation == e->generation) {
		repl_forget_sent(&t->bulk, sent); /* the peer's own by now */
		return true;
	}
	if (!blacklist_mirrored(e))
		return !was_sent || emit_delete(t, slot, out, now);
	blacklist_record_pack(e, slot, now, &r);
	if (!repl_put(out, &r, sizeof(r), now))
		return false;
	t->counts.sent++;
	repl_note_sent(
		&t->bulk, sent, blacklist_record_hash(e, slot, e->generation), e->generation);
	return true;
}

static uint32_t
drain(void *ctx, const struct repl_out *out, mono_t now)
{
	struct table *t = ctx;
	uint32_t taken = 0;

	FW_ASSERT(t->bulk.round != 0); /* a walk has begun */
	if ((t->dirty_cursor == 0 && mono_before(now, t->dirty_due)) || !hold(t))
		return 0;
	while (taken < DRAIN_SLOTS) {
		const uint32_t slot = blacklist_take_dirty(t->list, &t->dirty_cursor);

		if (slot == BLACKLIST_NONE) {
			t->counts.dirty = t->found_dirty;
			t->found_dirty = 0;
			t->dirty_due.ns = now.ns + DIRTY_EVERY_NS;
			break;
		}
		taken++;
		if (!emit_current(t, slot, out, now)) {
			blacklist_set_dirty(t->list, slot);
			break;
		}
	}
	t->found_dirty += taken;
	let_go(t);
	return taken;
}

static uint32_t
discard(void *ctx)
{
	struct table *t = ctx;
	uint32_t taken = 0;

	while (taken < DRAIN_SLOTS &&
		blacklist_take_dirty(t->list, &t->dirty_cursor) != BLACKLIST_NONE)
		taken++;
	return taken;
}

static uint32_t
walk_begin(void *ctx, uint32_t *estimate)
{
	struct table *t = ctx;

	if (repl_bulk_walk(&t->bulk))
		memset(t->sent, 0, sizeof(*t->sent) * BLACKLIST_MAX);
	*estimate = (uint32_t)t->counts.entries;
	return BLACKLIST_MAX;
}

static bool
walk(void *ctx, const struct repl_out *out, mono_t now)
{
	struct table *t = ctx;
	bool room = true;

	if (!hold(t))
		return false;
	for (uint32_t i = 0; i < WALK_SLOTS && t->bulk.walk < t->list->high; i++) {
		if (!repl_was_sent(&t->bulk, &t->sent[t->bulk.walk]))
			room = emit_current(t, t->bulk.walk, out, now);
		if (!room)
			break;
		t->bulk.walk++;
	}
	const bool end = t->bulk.walk >= t->list->high;
	let_go(t);
	return end;
}

/* ---- receiver ---- */

/* The copy of the owner's entry, if there is one.  => its slot, BLACKLIST_NONE */
static uint32_t
copy_of(const struct table *t, uint32_t owner)
{
	const struct owned *o = &t->owned[owner];
	const struct blacklist_entry *e;

	if (o->local_plus_1 == 0 || t->owner_plus_1[o->local_plus_1 - 1] != owner + 1)
		return BLACKLIST_NONE;
	e = &t->list->entries[o->local_plus_1 - 1];
	return e->copy && e->generation == o->local_generation ? o->local_plus_1 - 1
							       : BLACKLIST_NONE;
}

/* => Is it the copy of an entry that its owner may still have? */
static bool
owned_slot(const struct table *t, uint32_t slot)
{
	const uint32_t plus_1 = t->owner_plus_1[slot];

	return plus_1 != 0 && plus_1 <= t->owner_capacity && copy_of(t, plus_1 - 1) == slot;
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
		free(t->owned);
		t->owned = fresh;
		t->owner_capacity = capacity;
	}
	repl_bulk_round(&t->bulk);
	t->yield = !t->bulk.role.active;
	return true;
}

static bool
same_prefix(const struct blacklist_entry *a, const struct blacklist_entry *b)
{
	return a->side == b->side && a->len == b->len && ip_addr_equal(&a->prefix, &b->prefix);
}

static enum repl_verdict
install_entry(struct table *t, uint32_t owner, uint16_t generation, const struct blacklist_entry *e)
{
	uint32_t slot = copy_of(t, owner);

	if (slot != BLACKLIST_NONE && (t->owned[owner].owner_generation != generation ||
					      !same_prefix(&t->list->entries[slot], e))) {
		blacklist_drop(t->list, slot);
		t->counts.removed++;
		slot = BLACKLIST_NONE;
	}
	if (slot == BLACKLIST_NONE) {
		slot = blacklist_find_copy(t->list, e);
		if (slot != BLACKLIST_NONE && owned_slot(t, slot))
			slot = BLACKLIST_NONE; /* whose end will follow */
	}
	if (slot != BLACKLIST_NONE)
		blacklist_renew(t->list, slot, e);
	else
		slot = blacklist_copy(t->list, e);
	if (slot == BLACKLIST_NONE) {
		t->owned[owner].local_plus_1 = 0;
		t->counts.full++;
		return REPL_REFUSED;
	}
	t->owner_plus_1[slot] = owner + 1;
	t->owned[owner] = (struct owned){ .local_plus_1 = slot + 1,
		.local_generation = t->list->entries[slot].generation,
		.owner_generation = generation,
		.round = t->bulk.confirm };
	t->counts.installed++;
	t->bulk.orphans |= t->bulk.role.active && !t->bulk.role.peer_active;
	return REPL_DONE;
}

static enum repl_verdict
install_delete(struct table *t, uint32_t owner, uint16_t generation)
{
	const uint32_t slot = copy_of(t, owner);

	if (slot == BLACKLIST_NONE || t->owned[owner].owner_generation != generation) {
		t->counts.unknown++; /* ours by now */
		return REPL_DONE;
	}
	blacklist_drop(t->list, slot);
	t->counts.removed++;
	return REPL_DONE;
}

static enum repl_verdict
install(void *ctx, const uint8_t *record, uint8_t len, mono_t now)
{
	struct hrp_record_blacklist r;
	struct blacklist_entry e;
	struct table *t = ctx;
	enum repl_verdict v;

	memcpy(&r.head, record, sizeof(r.head));
	const uint32_t owner = rte_be_to_cpu_32(r.head.index);
	const uint16_t generation = rte_be_to_cpu_16(r.head.generation);
	const bool entry = r.head.type == HRP_RECORD_BLACKLIST;
	if (!entry && r.head.type != HRP_RECORD_DELETE)
		return REPL_DONE; /* of a later version: skipped by its length */
	if (len != (entry ? sizeof(r) : sizeof(r.head)) || owner >= t->owner_capacity)
		return REPL_REFUSED;
	if (entry) {
		memcpy(&r, record, sizeof(r));
		if (!blacklist_record_unpack(&r, now, &e))
			return REPL_REFUSED;
	}
	if (!hold(t))
		return REPL_RETRY;
	v = entry ? install_entry(t, owner, generation, &e) : install_delete(t, owner, generation);
	let_go(t);
	return v;
}

static enum repl_verdict
sweep(void *ctx, struct repl_digest *d)
{
	struct table *t = ctx;

	if (!hold(t))
		return REPL_RETRY;
	for (uint32_t i = 0; i < SWEEP_SLOTS && t->bulk.sweep < t->list->high;
		i++, t->bulk.sweep++) {
		const uint32_t slot = t->bulk.sweep;
		const struct blacklist_entry *e = &t->list->entries[slot];
		const uint32_t owner = t->owner_plus_1[slot] - 1;

		if (!e->copy)
			continue;
		if (owned_slot(t, slot) && t->owned[owner].round == t->bulk.confirm) {
			t->bulk.held.count++;
			t->bulk.held.sum +=
				blacklist_record_hash(e, owner, t->owned[owner].owner_generation);
			continue;
		}
		blacklist_drop(t->list, slot);
		t->counts.swept++;
	}
	const bool end = t->bulk.sweep >= t->list->high;
	let_go(t);
	return end ? repl_bulk_sweep_end(&t->bulk, d) : REPL_RETRY;
}

/* ---- takeover ---- */

static bool
adopt(void *ctx, mono_t now)
{
	struct table *t = ctx;

	(void)now;
	if (!hold(t))
		return false;
	if (t->bulk.adopt == 0)
		t->bulk.orphans = false;
	for (uint32_t i = 0; i < ADOPT_SLOTS && t->bulk.adopt < t->list->high;
		i++, t->bulk.adopt++) {
		if (!t->list->entries[t->bulk.adopt].copy)
			continue;
		blacklist_adopt(t->list, t->bulk.adopt);
		t->counts.adopted++;
	}
	const bool end = t->bulk.adopt >= t->list->high;
	let_go(t);
	if (end)
		t->bulk.adopt = 0;
	return end;
}

static void
counts(const void *ctx, struct repl_counts *c)
{
	*c = ((const struct table *)ctx)->counts;
}

extern const struct repl_table repl_blacklist;
const struct repl_table repl_blacklist = {
	.name = "blacklist",
	.module = HRP_MODULE_BLACKLIST,
	.create = create,
	.destroy = destroy,
	.role = role,
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
	.counts = counts,
};
