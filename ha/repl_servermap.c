/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server-map as a replicated table: entries that came to be here go to the peer, the peer's
 * entries go into our live map as copies.  HRP core only.
 */
#include "alg_session.h"
#include "nat_group.h"
#include "repl.h"
#include "repl_places.h"
#include "repl_session.h"
#include "servermap_record.h"
#include "session_claim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
	struct repl_places places; /* first */
	struct engine *engine;
	struct servermap *map;
	const void *sessions; /* of repl_session */
};
static_assert(offsetof(struct table, places) == 0, "repl_places.c looks there");
static_assert(SERVERMAP_NONE == REPL_NO_PLACE, "places are places");

static void
destroy(void *ctx)
{
	struct table *t = ctx;

	if (t != NULL)
		repl_places_fini(&t->places);
	free(t);
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

static bool
look(const void *ctx, uint32_t place, mono_t now, struct repl_place *p, void *record)
{
	const struct table *t = ctx;
	const struct nat_groups *groups = engine_nat_groups(t->engine);
	struct servermap_entry e;
	uint16_t generation;
	uint32_t group;

	if (!servermap_look(t->map, place, &e, &generation))
		return false;
	*p = (struct repl_place){ .copy = e.copy,
		.generation = generation,
		.name = servermap_record_name(&e),
		.content = servermap_record_content(&e) };
	if (record != NULL && !e.copy) {
		group = e.note != 0 ? nat_groups_name(groups, nat_note_group(e.note)) : 0;
		servermap_record_pack(&e, place, generation, group, now, record);
	}
	return true;
}

static uint32_t
take_dirty(void *ctx, uint32_t *cursor)
{
	const struct table *t = ctx;

	return servermap_take_dirty(t->map, cursor);
}

static void
set_dirty(void *ctx, uint32_t place)
{
	const struct table *t = ctx;

	servermap_set_dirty(t->map, place);
}

static void
drop(void *ctx, uint32_t place, uint16_t generation)
{
	struct table *t = ctx;

	servermap_drop(t->map, place, generation, gone, t);
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
install(void *ctx, const void *record, uint32_t had_place, mono_t now, uint32_t *place)
{
	struct table *t = ctx;
	struct hrp_record_servermap r;
	struct servermap_names names;
	struct servermap_entry e, had;
	uint16_t generation;
	bool there, renewed;

	memcpy(&r, record, sizeof(r));
	if (!servermap_record_unpack(&r, engine_snapshot(t->engine), now, &e, &names))
		return REPL_REFUSED;
	/* If its parent has ended here, the entry goes by its owner's word. */
	if (names.parent != SERVERMAP_NONE &&
		!repl_session_copy(t->sessions, names.parent, names.parent_generation, &e.parent,
			&e.parent_generation))
		e.parent = SERVERMAP_NONE;
	there = had_place != SERVERMAP_NONE && servermap_look(t->map, had_place, &had, &generation);
	const bool ours = there && !had.copy && t->places.bulk.role.active;
	if (ours && same_entry(&had, &e)) {
		t->places.counts.conflicts++;
		return REPL_REFUSED; /* and in use here */
	}
	/* An owner that has restarted uses the same names for other entries. */
	if (there && !same_entry(&had, &e)) {
		if (!ours)
			drop(t, had_place, generation);
		there = false;
	}
	if (!there && !claim(t, &e, names.group))
		t->places.counts.unclaimed++; /* goes without */
	*place = servermap_copy(t->map, &e, &generation, &renewed);
	if ((*place == SERVERMAP_NONE || renewed) && e.note != 0)
		gone(t, &e);
	t->places.counts.full += *place == SERVERMAP_NONE;
	return *place == SERVERMAP_NONE ? REPL_REFUSED : REPL_DONE;
}

static bool
adopt(void *ctx, uint32_t place, uint16_t generation)
{
	const struct table *t = ctx;

	return servermap_adopt(t->map, place, generation);
}

static uint32_t
entries(const void *ctx)
{
	return servermap_count(((const struct table *)ctx)->map);
}

static const struct repl_places_ops places_ops = {
	.record = HRP_RECORD_SERVERMAP,
	.size = sizeof(struct hrp_record_servermap),
	.spent = true,
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
		t->engine = p->engine;
		t->map = engine_servermap(p->engine);
		t->sessions = p->sessions;
		if (repl_places_init(&t->places, &places_ops, servermap_capacity(t->map)))
			return t;
	}
	snprintf(err, err_size, "server-map mirror: out of memory");
	destroy(t);
	return NULL;
}

extern const struct repl_table repl_servermap;
const struct repl_table repl_servermap = {
	.name = "server-map",
	.module = HRP_MODULE_SERVERMAP,
	.create = create,
	.destroy = destroy,
	.role = repl_bulk_role,
	REPL_PLACES_MEMBERS,
};
