/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display arp, display ipv6 neighbors: the neighbour table, read word by word while the control
 * core changes it.
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
collect(struct management *m, uint8_t family, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const struct neigh_table *t = engine_neighbours(m->engine);
	const uint32_t capacity = neigh_capacity(t);

	for (uint32_t looked = 0; *cursor < capacity && looked < SLOTS_PER_STEP; looked++) {
		const struct neigh *n = neigh_at(t, (uint32_t)(*cursor)++);
		const uint64_t word = atomic_load_explicit(&n->word, memory_order_acquire);
		const enum neigh_state state = neigh_word_state(word);
		const struct ip_addr address = neigh_address(n);
		struct rte_ether_addr mac;
		json_t *row;

		if (state == NEIGH_FREE || state > NEIGH_FAILED || address.family != family)
			continue;
		row = json_object();
		row_ip(row, "address", &address);
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

static bool
collect4(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	return collect(m, 4, cursor, rows);
}

static bool
collect6(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	return collect(m, 6, cursor, rows);
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
	.help = "IPv4 neighbours: who has which MAC, behind which interface",
	.columns = columns,
	.collect = collect4,
};

static const struct view view_neighbor6 = {
	.name = "ipv6_neighbor",
	.help = "IPv6 neighbours: who has which MAC, behind which interface",
	.columns = columns,
	.collect = collect6,
};

COMMAND_SHOW(show, view_arp, false, "display arp: the IPv4 neighbours", COMMAND_WORD("display"),
	COMMAND_WORD("arp"));
COMMAND_SHOW(show6, view_neighbor6, false, "display ipv6 neighbors: the IPv6 neighbours",
	COMMAND_WORD("display"), COMMAND_WORD("ipv6"), COMMAND_WORD("neighbors"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_show6, NULL };
static const struct view *const views[] = { &view_arp, &view_neighbor6, NULL };

const struct command command_arp = { .insts = insts, .views = views };
