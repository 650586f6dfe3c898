/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blacklist as a replicated table: what was entered here by command or by scan detection goes
 * to the peer with the time that is left; the peer's entries go into our live list as copies.
 * Static entries are configuration and stay where they are.  HRP core only.
 *
 * A copy ends when its owner says so; packets look at its time all the same.
 *
 * A box that is not active, and hears an active peer, owns nothing: whatever it made earlier is the
 * peer's (R191), and goes with the end of its bulk if the peer does not know it.  Else an entry
 * that was deleted on the one would be back when the roles change.
 */
#include "blacklist.h"
#include "blacklist_record.h"
#include "repl.h"
#include "repl_places.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
	struct repl_places places; /* first */
	struct blacklist *list;
	uint32_t entries; /* at the last look */
};
static_assert(offsetof(struct table, places) == 0, "repl_places.c looks there");
static_assert(BLACKLIST_NONE == REPL_NO_PLACE, "slots are places");

static void
destroy(void *ctx)
{
	struct table *t = ctx;

	if (t == NULL)
		return;
	if (t->list != NULL)
		blacklist_set_follows(t->list, false);
	repl_places_fini(&t->places);
	free(t);
}

static void
role(void *ctx, const struct repl_role *r)
{
	struct table *t = ctx;

	repl_bulk_role(t, r);
	blacklist_set_follows(t->list, !r->active && r->peer_active);
}

static bool
hold(void *ctx)
{
	const struct table *t = ctx;

	return blacklist_hold(t->list);
}

static void
let_go(void *ctx)
{
	struct table *t = ctx;

	t->entries = t->list->timed + t->list->copies;
	blacklist_let_go(t->list);
}

static uint32_t
entries(const void *ctx)
{
	return ((const struct table *)ctx)->entries;
}

static bool
look(const void *ctx, uint32_t slot, mono_t now, struct repl_place *p, void *record)
{
	const struct table *t = ctx;
	const struct blacklist_entry *e = &t->list->entries[slot];

	if (slot >= t->list->high || (!e->copy && !blacklist_mirrored(e)))
		return false;
	*p = (struct repl_place){ .copy = e->copy,
		.generation = e->generation,
		.name = blacklist_record_name(e),
		.content = blacklist_record_content(e) };
	if (record != NULL && !e->copy)
		blacklist_record_pack(e, slot, now, record);
	return true;
}

static uint32_t
take_dirty(void *ctx, uint32_t *cursor)
{
	const struct table *t = ctx;

	return blacklist_take_dirty(t->list, cursor);
}

static void
set_dirty(void *ctx, uint32_t slot)
{
	const struct table *t = ctx;

	blacklist_set_dirty(t->list, slot);
}

static bool
same_prefix(const struct blacklist_entry *a, const struct blacklist_entry *b)
{
	return a->side == b->side && a->len == b->len && ip_addr_equal(&a->prefix, &b->prefix);
}

static void
drop(void *ctx, uint32_t slot, uint16_t generation)
{
	const struct table *t = ctx;

	(void)generation; /* the list is held */
	if (!t->list->entries[slot].copy)
		blacklist_yield(t->list, slot);
	blacklist_drop(t->list, slot);
}

/* Where the peer's entry goes: where it is, or else to one like it that is not the copy of another,
 * whose end will follow, nor ours as long as we own any.  => BLACKLIST_NONE: nowhere yet */
static uint32_t
place_for(struct table *t, const struct blacklist_entry *e, uint32_t had)
{
	const bool active = t->places.bulk.role.active;
	struct blacklist_entry *const all = t->list->entries;
	uint32_t like;

	if (had != BLACKLIST_NONE && (all[had].copy || !active)) {
		if (same_prefix(&all[had], e))
			return had;
		drop(t, had, all[had].generation);
		t->places.counts.removed++;
	}
	like = blacklist_find_timed(t->list, e);
	if (like == BLACKLIST_NONE)
		return BLACKLIST_NONE;
	if (!all[like].copy)
		return active ? BLACKLIST_NONE : like;
	return repl_places_mapped(&t->places, like, all[like].generation) ? BLACKLIST_NONE : like;
}

static enum repl_verdict
install(void *ctx, const void *record, uint32_t had, mono_t now, uint32_t *slot)
{
	struct hrp_record_blacklist r;
	struct table *t = ctx;
	struct blacklist_entry e;

	memcpy(&r, record, sizeof(r));
	if (!blacklist_record_unpack(&r, now, &e))
		return REPL_REFUSED;
	*slot = place_for(t, &e, had);
	if (*slot == BLACKLIST_NONE) {
		*slot = blacklist_copy(t->list, &e);
		t->places.counts.full += *slot == BLACKLIST_NONE;
		return *slot == BLACKLIST_NONE ? REPL_REFUSED : REPL_DONE;
	}
	if (!t->list->entries[*slot].copy)
		blacklist_yield(t->list, *slot);
	blacklist_renew(t->list, *slot, &e);
	return REPL_DONE;
}

static bool
adopt(void *ctx, uint32_t slot, uint16_t generation)
{
	const struct table *t = ctx;

	(void)generation;
	blacklist_adopt(t->list, slot);
	return true;
}

static const struct repl_places_ops places_ops = {
	.record = HRP_RECORD_BLACKLIST,
	.size = sizeof(struct hrp_record_blacklist),
	.hold = hold,
	.let_go = let_go,
	.look = look,
	.take_dirty = take_dirty,
	.set_dirty = set_dirty,
	.install = install,
	.drop = drop,
	.adopt = adopt,
	.entries = entries,
};

static void *
create(const struct repl_params *p, char *err, size_t err_size)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->list = engine_blacklist(p->engine);
		if (repl_places_init(&t->places, &places_ops, BLACKLIST_MAX))
			return t;
	}
	snprintf(err, err_size, "blacklist mirror: out of memory");
	destroy(t);
	return NULL;
}

extern const struct repl_table repl_blacklist;
const struct repl_table repl_blacklist = {
	.name = "blacklist",
	.module = HRP_MODULE_BLACKLIST,
	.create = create,
	.destroy = destroy,
	.role = role,
	REPL_PLACES_MEMBERS,
};
