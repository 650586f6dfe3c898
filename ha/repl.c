/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of replicated tables, generated from meson.build, and what they share.
 */
#include "repl.h"

#include "ha_repl.h"

#include <string.h>

bool
repl_put(const struct repl_out *out, const void *record, uint16_t len, mono_t now)
{
	uint8_t *room = out->reserve(out->ctx, len, now);

	if (room == NULL)
		return false;
	memcpy(room, record, len);
	out->commit(out->ctx, len);
	return true;
}

bool
repl_put_delete(const struct repl_out *out, uint32_t index, uint16_t generation, mono_t now)
{
	const struct hrp_record r = { .type = HRP_RECORD_DELETE,
		.length = sizeof(r),
		.generation = rte_cpu_to_be_16(generation),
		.index = rte_cpu_to_be_32(index) };

	return repl_put(out, &r, sizeof(r), now);
}

void
repl_bulk_role(void *t, const struct repl_role *role)
{
	struct repl_bulk *b = t;

	b->role = *role;
	b->adopt = 0;
}

void
repl_bulk_sent(const void *t, struct repl_digest *d)
{
	*d = ((const struct repl_bulk *)t)->sent;
}

bool
repl_bulk_orphans(const void *t)
{
	return ((const struct repl_bulk *)t)->orphans;
}

bool
repl_bulk_walk(struct repl_bulk *b)
{
	const bool anew = ++b->round == 0;

	if (anew)
		b->round = 1;
	b->sent = (struct repl_digest){ 0 };
	b->walk = 0;
	return anew;
}

void
repl_bulk_round(struct repl_bulk *b)
{
	if (++b->confirm == 0)
		b->confirm = 1;
	b->sweep = 0;
	b->held = (struct repl_digest){ 0 };
}

enum repl_verdict
repl_bulk_sweep_end(struct repl_bulk *b, struct repl_digest *d)
{
	*d = b->held;
	b->sweep = 0;
	b->held = (struct repl_digest){ 0 };
	return REPL_DONE;
}

const struct repl_table *const *
repl_tables_get(void)
{
	return repl_tables;
}

uint32_t
repl_table_count(void)
{
	return (uint32_t)(sizeof(repl_tables) / sizeof(repl_tables[0])) - 1;
}
