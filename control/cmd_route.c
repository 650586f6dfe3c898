/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display ip routing-table, display ipv6 routing-table: the routes as set, connected and static.
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

static bool
collect6(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const struct route6 *list;
	const uint32_t count = route6_table_list(engine_routes6(m->engine), &list);
	struct ip_addr prefix, gateway;
	const struct route6 *r;
	json_t *row;

	(void)filter;
	if (*cursor >= count)
		return false;
	r = &list[(*cursor)++];
	prefix = ip_addr_v6(r->prefix);
	gateway = ip_addr_v6(r->gateway);
	row = json_object();
	row_net(row, "destination", &prefix, r->len);
	row_text(row, "protocol", ip6_is_unspecified(r->gateway) ? "connected" : "static");
	row_ip(row, "next_hop", &gateway);
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

static const struct view view_route6 = {
	.name = "ipv6_route",
	.help = "IPv6 routes",
	.columns = columns,
	.collect = collect6,
};

COMMAND_SHOW(show, view_route, false, "display ip routing-table: IPv4 routes",
	COMMAND_WORD("display"), COMMAND_WORD("ip"), COMMAND_WORD("routing-table"));
COMMAND_SHOW(show6, view_route6, false, "display ipv6 routing-table: IPv6 routes",
	COMMAND_WORD("display"), COMMAND_WORD("ipv6"), COMMAND_WORD("routing-table"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_show6, NULL };
static const struct view *const views[] = { &view_route, &view_route6, NULL };

const struct command command_route = { .insts = insts, .views = views };
