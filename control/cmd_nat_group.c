/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display nat address-group, mapping: what of each group is in use; by worker, by block of ports,
 * by host; mappings.
 */
#include "command.h"
#include "config_address.h"
#include "config_nat.h"
#include "config_span.h"
#include "filter_word.h"
#include "management.h"
#include "nat_map.h"
#include "row.h"

#include <stdio.h>
#include <string.h>

#define LOOKS_PER_STEP 4096 /* blocks or addresses */

static const struct nat_groups *
groups_of(const struct management *m)
{
	return m->engine != NULL ? engine_nat_groups(m->engine) : NULL;
}

static bool
in_use(const struct management *m, uint16_t id)
{
	const struct snapshot *s = engine_snapshot(m->engine);

	for (uint32_t i = 0; s->nat != NULL && i < s->nat->group_count; i++) {
		if (s->nat->group_ids[i] == id)
			return true;
	}
	return nat_groups_retired(groups_of(m), id);
}

/* The first group from `id` on that the filter lets pass. => NAT_GROUPS_MAX: none */
static uint16_t
next_group(const struct management *m, const json_t *filter, uint64_t id)
{
	const struct nat_groups *groups = groups_of(m);
	const char *name = json_string_value(json_object_get(filter, "group"));

	for (; groups != NULL && id < NAT_GROUPS_MAX; id++) {
		if (in_use(m, (uint16_t)id) &&
			(name == NULL ||
				strcmp(nat_groups_params(groups, (uint16_t)id)->name, name) == 0))
			return (uint16_t)id;
	}
	return NAT_GROUPS_MAX;
}

static bool
check(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	const json_t *value = json_object_get(filter, "group");
	const char *name = json_string_value(value);

	if (value == NULL)
		return true;
	if (name != NULL && m->engine != NULL && engine_snapshot(m->engine) != NULL &&
		next_group(m, filter, 0) < NAT_GROUPS_MAX)
		return true;
	snprintf(err, err_size, "there is no address group \"%.63s\"", name != NULL ? name : "");
	return false;
}

static const char *const filters[] = { "group", NULL };

/* ---- groups ---- */

static json_t *
ranges(const struct nat_group_params *p)
{
	json_t *list = json_array();
	char text[CONFIG_SPAN_TEXT];

	for (uint32_t i = 0; i < p->section_count; i++) {
		const struct config_span span = {
			.first = ip_addr_v4(rte_cpu_to_be_32(p->sections[i].from)),
			.last = ip_addr_v4(rte_cpu_to_be_32(p->sections[i].to)),
		};

		json_array_append_new(list, json_string(config_span_text(&span, text)));
	}
	return list;
}

/* What only groups with ports have. */
static void
put_pat(json_t *row, const struct nat_groups *groups, const struct nat_group_params *p)
{
	static const char *const halves[] = { [NAT_HALF_PRIMARY] = "primary",
		[NAT_HALF_SECONDARY] = "secondary",
		[NAT_WHOLE] = "whole" };

	row_text(row, "mapping",
		config_nat_mappings[p->endpoint_independent ? CONFIG_NAT_INDEPENDENT
							    : CONFIG_NAT_DEPENDENT]);
	row_text(row, "filtering",
		config_nat_mappings[p->full_cone ? CONFIG_NAT_INDEPENDENT : CONFIG_NAT_DEPENDENT]);
	row_bool(row, "paired", p->paired);
	row_number(row, "block", p->block);
	row_text(row, "half", halves[nat_groups_halves(groups)]);
}

static void
put_no_pat(json_t *row)
{
	static const char *const keys[] = { "mapping", "filtering", "paired", "block", "half" };

	for (unsigned int i = 0; i < RTE_DIM(keys); i++)
		json_object_set_new(row, keys[i], json_null());
}

static void
put_ports(json_t *row, const uint32_t used[NAT_POOL_PROTOCOLS])
{
	row_number(row, "tcp", used[0]);
	row_number(row, "udp", used[1]);
	row_number(row, "icmp", used[2]);
}

static void
put_vrid(json_t *row, const struct management *m, const char *name)
{
	const struct config_nat_group *g = config_nat_group_find(m->config, name);

	json_object_set_new(
		row, "vrid", g != NULL && g->vrid != 0 ? json_integer(g->vrid) : json_null());
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct nat_groups *groups = groups_of(m);
	const uint16_t id = next_group(m, filter, *cursor);
	const struct nat_group_params *p;
	const struct nat_map *map;
	struct nat_group_stats stats;
	struct nat_usage usage;
	json_t *row;

	if (id == NAT_GROUPS_MAX)
		return false;
	*cursor = id + 1U;
	p = nat_groups_params(groups, id);
	map = nat_groups_map(groups, id);
	stats = nat_groups_stats(groups, id);
	usage = nat_pool_usage(nat_groups_pool(groups, id), NAT_POOL_UNOWNED);
	row = json_object();
	row_text(row, "group", p->name);
	row_text(row, "state", nat_groups_retired(groups, id) ? "retired" : "in use");
	row_text(row, "mode", config_nat_modes[p->mode]);
	json_object_set_new(row, "addresses", ranges(p));
	row_number(row, "address_count", nat_pool_addresses(nat_groups_pool(groups, id)));
	put_vrid(row, m, p->name);
	if (p->mode == NAT_POOL_PAT)
		put_pat(row, groups, p);
	else
		put_no_pat(row);
	row_number(row, "blocks", nat_pool_blocks(nat_groups_pool(groups, id)));
	row_number(row, "blocks_used", usage.blocks);
	put_ports(row, usage.used);
	row_number(row, "hosts", usage.hosts);
	row_number(row, "mappings", map != NULL ? nat_map_count(map) : 0);
	row_number(row, "mappings_max", map != NULL ? nat_map_capacity(map) : 0);
	row_number(row, "taken", stats.taken);
	row_number(row, "given", stats.given);
	row_number(row, "exhausted", stats.exhausted);
	row_number(row, "memory_bytes", nat_groups_memory(groups, id));
	json_array_append_new(rows, row);
	return true;
}

static const struct view_column columns[] = {
	{ "group", "Group" },
	{ "state", "State" },
	{ "mode", "Mode" },
	{ "address_count", "Addresses" },
	{ "vrid", "Vrid" },
	{ "blocks_used", "BlocksUsed" },
	{ "blocks", "Blocks" },
	{ "tcp", "TCP" },
	{ "udp", "UDP" },
	{ "icmp", "ICMP" },
	{ "hosts", "Hosts" },
	{ "taken", "Taken" },
	{ "exhausted", "Exhausted" },
	{ NULL, NULL },
};

static const struct view view_groups = {
	.name = "nat_address_group",
	.help = "address groups, those of interfaces (easy-ip) among them: what is in use",
	.columns = columns,
	.collect = collect,
	.filters = filters,
	.check = check,
};

/* ---- one group, as lines ---- */

static void
print_group(const json_t *row, bool verbose, char *out, size_t size)
{
	static const struct {
		const char *key, *title;
	} lines[] = {
		{ "group", "Group" },
		{ "state", "State" },
		{ "mode", "Mode" },
		{ "addresses", "Addresses" },
		{ "address_count", "Number of them" },
		{ "vrid", "Vrid" },
		{ "mapping", "Mapping" },
		{ "filtering", "Filtering" },
		{ "paired", "Paired" },
		{ "block", "Block (ports)" },
		{ "half", "Half in use" },
		{ "blocks", "Blocks" },
		{ "blocks_used", "Blocks in use" },
		{ "tcp", "Ports of TCP in use" },
		{ "udp", "Ports of UDP in use" },
		{ "icmp", "Echo ids in use" },
		{ "hosts", "Hosts" },
		{ "mappings", "Mappings" },
		{ "mappings_max", "Mappings at most" },
		{ "taken", "Taken" },
		{ "given", "Given back" },
		{ "exhausted", "Exhausted" },
		{ "memory_bytes", "Memory (bytes)" },
	};
	size_t used = 0;
	char cell[512];

	(void)verbose;
	for (unsigned int i = 0; i < RTE_DIM(lines); i++)
		row_put(out, size, &used, " %-19s : %s\n", lines[i].title,
			view_cell(json_object_get(row, lines[i].key), cell, sizeof(cell)));
	row_put(out, size, &used, "\n");
}

static const struct view view_group = {
	.name = "nat_address_group",
	.collect = collect,
	.filters = filters,
	.check = check,
	.print = print_group,
};

/* ---- by worker ---- */

static void
put_worker(json_t *rows, const char *group, json_t *worker, const struct nat_usage *u)
{
	json_t *row = json_object();

	row_text(row, "group", group);
	json_object_set_new(row, "worker", worker);
	row_number(row, "blocks_used", u->blocks);
	put_ports(row, u->used);
	json_array_append_new(rows, row);
}

/* By owner, nobody's last: a host that may keep its port gets it from whatever block. */
static void
count_blocks(const struct nat_pool *pool, uint16_t workers, struct nat_usage by[MAX_WORKERS + 1])
{
	for (uint32_t n = 0; n < nat_pool_blocks(pool); n++) {
		const struct nat_block_usage u = nat_pool_block(pool, n);
		struct nat_usage *to = &by[u.owner < workers ? u.owner : workers];

		to->blocks += u.owner < workers || (u.used[0] | u.used[1] | u.used[2]) != 0;
		for (unsigned int i = 0; i < NAT_POOL_PROTOCOLS; i++)
			to->used[i] += u.used[i];
	}
}

static bool
collect_workers(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct nat_groups *groups = groups_of(m);
	const uint16_t id = next_group(m, filter, *cursor);
	const uint16_t workers = engine_worker_count(m->engine);
	struct nat_usage by[MAX_WORKERS + 1] = { 0 };
	const char *name;

	if (id == NAT_GROUPS_MAX)
		return false;
	*cursor = id + 1U;
	name = nat_groups_params(groups, id)->name;
	if (nat_pool_blocks(nat_groups_pool(groups, id)) == 0)
		return true; /* no-pat */
	count_blocks(nat_groups_pool(groups, id), workers, by);
	for (uint16_t w = 0; w < workers; w++)
		put_worker(rows, name, json_integer(w), &by[w]);
	put_worker(rows, name, json_null(), &by[workers]);
	return true;
}

static const struct view_column worker_columns[] = {
	{ "group", "Group" },
	{ "worker", "Worker" },
	{ "blocks_used", "Blocks" },
	{ "tcp", "TCP" },
	{ "udp", "UDP" },
	{ "icmp", "ICMP" },
	{ NULL, NULL },
};

static const struct view view_workers = {
	.name = "nat_address_group_worker",
	.help = "blocks of ports that each worker owns, and the ports in use there",
	.columns = worker_columns,
	.collect = collect_workers,
	.filters = filters,
	.check = check,
};

/* ---- by block and by host: a cursor of group and place ---- */

static json_t *
block_row(const struct nat_groups *groups, uint16_t id, uint32_t place)
{
	const struct nat_block_usage u = nat_pool_block(nat_groups_pool(groups, id), place);
	const struct nat_group_params *p = nat_groups_params(groups, id);
	const uint32_t used[NAT_POOL_PROTOCOLS] = { u.used[0], u.used[1], u.used[2] };
	json_t *row;

	if (u.owner == NAT_POOL_UNOWNED && (used[0] | used[1] | used[2]) == 0)
		return NULL;
	row = json_object();
	row_text(row, "group", p->name);
	row_address(row, "address", u.addr);
	row_number(row, "first_port", u.first);
	row_number(row, "last_port", u.first + p->block - 1);
	json_object_set_new(
		row, "worker", u.owner != NAT_POOL_UNOWNED ? json_integer(u.owner) : json_null());
	put_ports(row, used);
	return row;
}

static json_t *
host_row(const struct nat_groups *groups, uint16_t id, uint32_t place)
{
	const struct nat_group_params *p = nat_groups_params(groups, id);
	const struct nat_pool_section *s = p->sections;
	rte_be32_t address, host;
	uint32_t sessions;
	json_t *row;

	for (; place > s->to - s->from; s++)
		place -= s->to - s->from + 1;
	address = rte_cpu_to_be_32(s->from + place);
	if (!nat_pool_host(nat_groups_pool(groups, id), address, &host, &sessions))
		return NULL;
	row = json_object();
	row_text(row, "group", p->name);
	row_address(row, "address", address);
	row_address(row, "host", host);
	row_number(row, "sessions", sessions);
	return row;
}

static json_t *
mapping_row(const struct nat_groups *groups, uint16_t id, uint32_t place)
{
	struct nat_map_entry e;
	char proto[8];
	json_t *row;

	if (!nat_map_at(nat_groups_map(groups, id), place, &e))
		return NULL;
	row = json_object();
	row_text(row, "group", nat_groups_params(groups, id)->name);
	row_text(row, "protocol", filter_protocol(e.proto, proto));
	row_address(row, "inside", e.host);
	row_number(row, "inside_port", rte_be_to_cpu_16(e.port));
	row_address(row, "outside", e.out.addr);
	row_number(row, "outside_port", rte_be_to_cpu_16(e.out.port));
	row_bool(row, "full_cone", nat_groups_params(groups, id)->full_cone);
	row_number(row, "sessions", e.sessions);
	return row;
}

/* Some places of one group: at most one row. */
static bool
walk(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows,
	uint32_t (*places)(const struct nat_groups *, uint16_t id),
	json_t *(*make)(const struct nat_groups *, uint16_t id, uint32_t place))
{
	const struct nat_groups *groups = groups_of(m);
	const uint16_t id = next_group(m, filter, *cursor >> 32);
	uint32_t place = id == *cursor >> 32 ? (uint32_t)*cursor : 0, count;

	if (id == NAT_GROUPS_MAX)
		return false;
	count = places(groups, id);
	for (unsigned int i = 0; i < LOOKS_PER_STEP && place < count; i++) {
		json_t *row = make(groups, id, place++);

		if (row != NULL) {
			json_array_append_new(rows, row);
			break;
		}
	}
	*cursor = place < count ? (uint64_t)id << 32 | place : (id + UINT64_C(1)) << 32;
	return true;
}

static uint32_t
blocks(const struct nat_groups *groups, uint16_t id)
{
	return nat_pool_blocks(nat_groups_pool(groups, id));
}

static uint32_t
addresses(const struct nat_groups *groups, uint16_t id)
{
	return nat_pool_addresses(nat_groups_pool(groups, id));
}

static uint32_t
mappings(const struct nat_groups *groups, uint16_t id)
{
	const struct nat_map *map = nat_groups_map(groups, id);

	return map != NULL ? nat_map_capacity(map) : 0;
}

static bool
collect_blocks(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	return walk(m, filter, cursor, rows, blocks, block_row);
}

static bool
collect_hosts(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	return walk(m, filter, cursor, rows, addresses, host_row);
}

static bool
collect_mappings(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	return walk(m, filter, cursor, rows, mappings, mapping_row);
}

static const struct view_column block_columns[] = {
	{ "group", "Group" },
	{ "address", "Address" },
	{ "first_port", "From" },
	{ "last_port", "To" },
	{ "worker", "Worker" },
	{ "tcp", "TCP" },
	{ "udp", "UDP" },
	{ "icmp", "ICMP" },
	{ NULL, NULL },
};
static const struct view_column host_columns[] = {
	{ "group", "Group" },
	{ "address", "Address" },
	{ "host", "Host" },
	{ "sessions", "Sessions" },
	{ NULL, NULL },
};

static const struct view_column mapping_columns[] = {
	{ "group", "Group" },
	{ "protocol", "Protocol" },
	{ "inside", "Inside" },
	{ "inside_port", "InsidePort" },
	{ "outside", "Outside" },
	{ "outside_port", "OutsidePort" },
	{ "full_cone", "FullCone" },
	{ "sessions", "Sessions" },
	{ NULL, NULL },
};

static const struct view view_blocks = {
	.name = "nat_address_group_block",
	.help = "blocks of ports that are in use, and whose they are",
	.columns = block_columns,
	.collect = collect_blocks,
	.filters = filters,
	.check = check,
};
static const struct view view_hosts = {
	.name = "nat_address_group_host",
	.help = "hosts that have an address to themselves (no-pat)",
	.columns = host_columns,
	.collect = collect_hosts,
	.filters = filters,
	.check = check,
};

static const struct view view_mappings = {
	.name = "nat_mapping",
	.help = "endpoint-independent mappings: inside ports and what they leave as",
	.columns = mapping_columns,
	.collect = collect_mappings,
	.filters = filters,
	.check = check,
};

/* ---- */

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	const struct view *v = &view_group;

	(void)cl;
	if (strcmp(r->word, "worker") == 0)
		v = &view_workers;
	else if (strcmp(r->word, "block") == 0)
		v = &view_blocks;
	else if (strcmp(r->word, "host") == 0)
		v = &view_hosts;
	else if (strcmp(r->word, "mapping") == 0)
		v = &view_mappings;
	console_view(client, v, json_pack("{s:s}", "group", r->argument), false);
}

#define GROUP COMMAND_WORD("display"), COMMAND_WORD("nat"), COMMAND_WORD("address-group")

COMMAND_SHOW(groups, view_groups, false,
	"display nat address-group: address groups, and what of each is in use", GROUP);

COMMAND_SHOW(mappings, view_mappings, false,
	"display nat mapping: endpoint-independent mappings of all groups", COMMAND_WORD("display"),
	COMMAND_WORD("nat"), COMMAND_WORD("mapping"));

static cmdline_parse_inst_t inst_group_mappings = {
	.f = show,
	.help_str = "display nat address-group GROUP mapping: its endpoint-independent mappings",
	.tokens = { GROUP, COMMAND_ARGUMENT, COMMAND_WORD("mapping"), NULL },
};
static cmdline_parse_inst_t inst_group = {
	.f = show,
	.help_str = "display nat address-group GROUP: one group",
	.tokens = { GROUP, COMMAND_ARGUMENT, NULL },
};
static cmdline_parse_inst_t inst_workers = {
	.f = show,
	.help_str = "display nat address-group GROUP worker: what each worker has of it",
	.tokens = { GROUP, COMMAND_ARGUMENT, COMMAND_WORD("worker"), NULL },
};
static cmdline_parse_inst_t inst_blocks = {
	.f = show,
	.help_str = "display nat address-group GROUP block: blocks of ports in use",
	.tokens = { GROUP, COMMAND_ARGUMENT, COMMAND_WORD("block"), NULL },
};
static cmdline_parse_inst_t inst_hosts = {
	.f = show,
	.help_str = "display nat address-group GROUP host: hosts that have an address (no-pat)",
	.tokens = { GROUP, COMMAND_ARGUMENT, COMMAND_WORD("host"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_groups, &inst_group, &inst_workers,
	&inst_blocks, &inst_hosts, &inst_group_mappings, &inst_mappings, NULL };
static const struct view *const views[] = { &view_groups, &view_workers, &view_blocks, &view_hosts,
	&view_mappings, NULL };

const struct command command_nat_group = { .insts = insts, .views = views };
