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
