/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of replicated tables, generated from meson.build.
 */
#include "repl.h"

#include "ha_repl.h"

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
