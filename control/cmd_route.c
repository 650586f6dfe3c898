/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display ip routing-table: the routes as set, connected and static.
 */
#include "command.h"
#include "management.h"
#include "row.h"

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const struct route *list;
	const uint32_t count = route_table_list(engine_routes(m->engine), &list);
	const struct route *r;
	json_t *row;

	(void)filter;
	if (*cursor >= count)
		return false;
	r = &list[(*cursor)++];
	row = json_object();
	row_prefix(row, "destination", rte_cpu_to_be_32(r->prefix), r->len);
	row_text(row, "protocol", r->gateway != 0 ? "static" : "connected");
	row_address(row, "next_hop", r->gateway);
	row_text(row, "interface", row_interface(s, r->interface));
	json_array_append_new(rows, row);
	return *cursor < count;
}

static const struct view_column columns[] = {
	{ "destination", "Destination" },
	{ "protocol", "Protocol" },
	{ "next_hop", "NextHop" },
	{ "interface", "Interface" },
	{ NULL, NULL },
};

static const struct view view_route = {
	.name = "route",
	.help = "IPv4 routes",
	.columns = columns,
	.collect = collect,
};

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	console_view(client, &view_route, NULL, false);
}

static cmdline_parse_inst_t inst_show = {
	.f = show,
	.help_str = "display ip routing-table: IPv4 routes",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("ip"), COMMAND_WORD("routing-table"),
		NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_route, NULL };

const struct command command_route = { .insts = insts, .views = views };
