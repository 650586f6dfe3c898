/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display arp: the neighbour table, read word by word while the control core changes it.
 */
#include "command.h"
#include "management.h"
#include "row.h"

#define SLOTS_PER_STEP 4096

static const char *const state_names[] = {
	[NEIGH_FREE] = "free",
	[NEIGH_INCOMPLETE] = "incomplete",
	[NEIGH_REACHABLE] = "reachable",
	[NEIGH_STALE] = "stale",
	[NEIGH_FAILED] = "failed",
};

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const struct neigh_table *t = engine_neighbours(m->engine);
	const uint32_t capacity = neigh_capacity(t);

	(void)filter;
	for (uint32_t looked = 0; *cursor < capacity && looked < SLOTS_PER_STEP; looked++) {
		const struct neigh *n = neigh_at(t, (uint32_t)(*cursor)++);
		const uint64_t word = atomic_load_explicit(&n->word, memory_order_acquire);
		const enum neigh_state state = neigh_word_state(word);
		struct rte_ether_addr mac;
		json_t *row;

		if (state == NEIGH_FREE || state > NEIGH_FAILED)
			continue;
		row = json_object();
		row_address(row, "address", n->address);
		neigh_word_mac(word, &mac);
		if (state == NEIGH_REACHABLE || state == NEIGH_STALE)
			row_mac(row, "mac", &mac);
		else
			json_object_set_new(row, "mac", json_null());
		row_text(row, "state", state_names[state]);
		row_text(row, "interface", row_interface(s, n->interface));
		json_array_append_new(rows, row);
		break; /* one row a step: an answer can stop anywhere */
	}
	return *cursor < capacity;
}

static const struct view_column columns[] = {
	{ "address", "Address" },
	{ "mac", "MAC" },
	{ "state", "State" },
	{ "interface", "Interface" },
	{ NULL, NULL },
};

static const struct view view_arp = {
	.name = "arp",
	.help = "neighbours: who has which MAC, behind which interface",
	.columns = columns,
	.collect = collect,
};

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	console_view(client, &view_arp, NULL, false);
}

static cmdline_parse_inst_t inst_show = {
	.f = show,
	.help_str = "display arp: the neighbour table",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("arp"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_arp, NULL };

const struct command command_arp = { .insts = insts, .views = views };
