/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display / reset nat: rules with what has matched each, servers, static mappings, counters.
 * Address groups: cmd_nat_group.c.
 */
#include "command.h"
#include "config_address.h"
#include "config_nat.h"
#include "management.h"
#include "policy_count.h"
#include "policy_row.h"
#include "row.h"

#include <stdio.h>

static const struct nat *
running(const struct management *m)
{
	const struct snapshot *s = m->engine != NULL ? engine_snapshot(m->engine) : NULL;

	return s != NULL ? s->nat : NULL;
}

/* ---- rules ---- */

static void
put_counters(json_t *row, const struct management *m, const struct config_rule *r, uint16_t slot)
{
	const struct nat *nat = running(m);
	struct policy_counter c = { 0 };

	if (nat != NULL && nat->rules != NULL && slot <= policy_rule_count(nat->rules)) {
		policy_counter_read(nat->rules, slot, &c);
		policy_row_state(row, nat->rules, r, slot);
	}
	policy_row_hits(row, m, &c);
}

static json_t *
rule_row(const struct management *m, const struct config_nat_rule *r, uint16_t slot)
{
	json_t *row = json_object();

	row_number(row, "order", slot);
	row_text(row, "rule", r->match.name);
	policy_row_match(row, &r->match);
	row_text(row, "description", r->match.description);
	row_text(row, "action", config_nat_actions[r->action]);
	json_object_set_new(
		row, "address_group", r->group[0] != '\0' ? json_string(r->group) : json_null());
	row_bool(row, "easy_ip", r->easy_ip);
	row_bool(row, "alg", r->alg);
	put_counters(row, m, &r->match, slot);
	return row;
}

static bool
collect_policy(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_nat_policy *p = config_section_data(m->config, "nat_policy");
	const struct config_nat_rule *rules = p->rules.items;

	(void)filter;
	if (*cursor >= p->rules.count)
		return false;
	json_array_append_new(rows, rule_row(m, &rules[*cursor], (uint16_t)(*cursor + 1)));
	++*cursor;
	return *cursor < p->rules.count;
}

static const struct view_column policy_columns[] = {
	{ "order", "No" },
	{ "rule", "Rule" },
	{ "source_zones", "FromZone" },
	{ "destination_zones", "ToZone" },
	{ "source_addresses", "Source" },
	{ "destination_addresses", "Destination" },
	{ "source_sets", "SourceSets" },
	{ "destination_sets", "DestinationSets" },
	{ "services", "Services" },
	{ "service_sets", "ServiceSets" },
	{ "action", "Action" },
	{ "address_group", "Group" },
	{ "easy_ip", "EasyIP" },
	{ "state", "State" },
	{ "hits", "Hits" },
	{ NULL, NULL },
};

static const struct view view_policy = {
	.name = "nat_policy",
	.help = "source NAT rules in order, with their counters; an empty list matches anything",
	.columns = policy_columns,
	.collect = collect_policy,
};

static bool
collect_reset(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	static const struct policy_counter none;
	const struct nat *nat = running(m);
	const uint16_t count =
		nat != NULL && nat->rules != NULL ? policy_rule_count(nat->rules) : 0;

	(void)filter;
	(void)cursor;
	for (uint16_t slot = 1; slot <= count; slot++)
		policy_counter_reset(nat->rules, slot, 0, 0, &none);
	json_array_append_new(rows, json_pack("{s:I}", "reset", (json_int_t)count));
	return false;
}

static void
print_reset(const json_t *row, bool verbose, char *out, size_t size)
{
	(void)verbose;
	snprintf(out, size, " Rules reset : %lld\n",
		(long long)json_integer_value(json_object_get(row, "reset")));
}

static const struct view view_reset = {
	.name = "reset",
	.collect = collect_reset,
	.print = print_reset,
};

/* ---- servers ---- */

static void
put_vrid(json_t *row, int64_t vrid)
{
	json_object_set_new(row, "vrid", vrid != 0 ? json_integer(vrid) : json_null());
}

/* "80" or "8080-8089"; null where ports stay. */
static void
put_ports(json_t *row, const char *key, uint32_t first, uint32_t last)
{
	if (first == 0)
		json_object_set_new(row, key, json_null());
	else if (first == last)
		json_object_set_new(row, key, json_sprintf("%u", first));
	else
		json_object_set_new(row, key, json_sprintf("%u-%u", first, last));
}

static bool
collect_servers(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_list *list = config_section_data(m->config, "nat_servers");
	const struct config_nat_server *s = list->items;
	uint32_t inside;
	json_t *row;

	(void)filter;
	if (*cursor >= list->count)
		return false;
	s += (*cursor)++;
	inside = s->inside_port != 0 ? (uint32_t)s->inside_port : s->public_port.min;
	row = json_object();
	row_text(row, "server", s->name);
	json_object_set_new(row, "zones", policy_row_names(&s->zones, CONFIG_ZONE_NAME));
	row_text(row, "protocol", config_nat_protocols[s->protocol]);
	row_address(row, "public_address", s->public_address);
	put_ports(row, "public_port", s->public_port.min, s->public_port.max);
	json_object_set_new(row, "inside_addresses", policy_row_addresses(&s->inside_addresses));
	put_ports(row, "inside_port", inside, inside + s->public_port.max - s->public_port.min);
	put_vrid(row, s->vrid);
	json_array_append_new(rows, row);
	return *cursor < list->count;
}

static const struct view_column server_columns[] = {
	{ "server", "Server" },
	{ "zones", "FromZone" },
	{ "protocol", "Protocol" },
	{ "public_address", "Public" },
	{ "public_port", "PublicPort" },
	{ "inside_addresses", "Inside" },
	{ "inside_port", "InsidePort" },
	{ "vrid", "Vrid" },
	{ NULL, NULL },
};

static const struct view view_servers = {
	.name = "nat_server",
	.help = "hosts that are reached by a public address and port",
	.columns = server_columns,
	.collect = collect_servers,
};

/* ---- static mappings ---- */

static bool
collect_statics(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_list *list = config_section_data(m->config, "nat_static");
	const struct config_nat_static *s = list->items;
	json_t *row;

	(void)filter;
	if (*cursor >= list->count)
		return false;
	s += (*cursor)++;
	row = json_object();
	row_text(row, "mapping", s->name);
	row_prefix(row, "public", s->public.address, s->public.len);
	row_prefix(row, "inside", s->inside.address, s->inside.len);
	put_vrid(row, s->vrid);
	json_array_append_new(rows, row);
	return *cursor < list->count;
}

static const struct view_column static_columns[] = {
	{ "mapping", "Mapping" },
	{ "public", "Public" },
	{ "inside", "Inside" },
	{ "vrid", "Vrid" },
	{ NULL, NULL },
};

static const struct view view_statics = {
	.name = "nat_static",
	.help = "one to one mappings of addresses",
	.columns = static_columns,
	.collect = collect_statics,
};

/* ---- NAT64 ---- */

static bool
collect_prefixes64(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_list *list = config_section_data(m->config, "nat64");
	const struct config_nat64 *p = list->items;
	json_t *row;

	(void)filter;
	if (*cursor >= list->count)
		return false;
	p += (*cursor)++;
	row = json_object();
	row_text(row, "name", p->name);
	row_net(row, "prefix", &p->prefix.address, p->prefix.len);
	row_text(row, "address_group", p->group);
	json_object_set_new(row, "zones", policy_row_names(&p->zones, CONFIG_ZONE_NAME));
	json_array_append_new(rows, row);
	return *cursor < list->count;
}

static const struct view_column prefix64_columns[] = {
	{ "name", "Name" },
	{ "prefix", "Prefix" },
	{ "address_group", "AddressGroup" },
	{ "zones", "FromZone" },
	{ NULL, NULL },
};

static const struct view view_prefixes64 = {
	.name = "nat64",
	.help = "prefixes by which IPv6 hosts reach IPv4",
	.columns = prefix64_columns,
	.collect = collect_prefixes64,
};

/* ---- counters ---- */

struct totals {
	uint64_t groups, retired, addresses, taken, given, held, exhausted;
};

#define TOTAL(member, words)                                                                       \
	{                                                                                          \
#member, offsetof(struct totals, member), words                                    \
	}

static const struct row_counter totals[] = {
	TOTAL(groups, "address groups in use, those of interfaces among them"),
	TOTAL(retired, "address groups that are over, but for sessions that still end"),
	TOTAL(addresses, "addresses of both"),
	TOTAL(taken, "ports, or addresses, taken for sessions"),
	TOTAL(given, "of those: given back"),
	TOTAL(held, "of those: held now"),
	TOTAL(exhausted, "first packets dropped since a group had nothing left"),
	{ NULL, 0, NULL },
};

static void
add_totals(const struct nat_groups *groups, uint16_t id, struct totals *t)
{
	const struct nat_group_stats s = nat_groups_stats(groups, id);

	t->addresses += nat_pool_addresses(nat_groups_pool(groups, id));
	t->taken += s.taken;
	t->given += s.given;
	t->held += s.taken > s.given ? s.taken - s.given : 0;
	t->exhausted += s.exhausted;
}

static bool
collect_statistics(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	static const struct {
		enum drop_reason reason;
		const char *name, *text;
	} drops[] = {
		{ DROP_nat_no_mapping, "no_mapping",
			"dropped: to a public address, and nothing is known there" },
		{ DROP_nat_exhausted, "exhausted", "dropped: no address or port left" },
		{ DROP_nat_protocol, "protocol",
			"dropped: a protocol without ports, to be translated to a port" },
		{ DROP_nat_clash, "clash", "dropped: would be the packet of another session" },
		{ DROP_nat_direction, "direction",
			"dropped: of a translated session, past the translation" },
		{ DROP_nat64_destination, "nat64_destination",
			"dropped: NAT64 to an IPv4 address that is no destination" },
	};
	const struct nat_groups *groups = engine_nat_groups(m->engine);
	const struct nat *nat = running(m);
	struct worker_stats stats;
	struct totals t = { .groups = nat != NULL ? nat->group_count : 0 };

	(void)filter;
	(void)cursor;
	for (uint32_t i = 0; i < t.groups; i++)
		add_totals(groups, nat->group_ids[i], &t);
	for (uint16_t id = 0; groups != NULL && id < NAT_GROUPS_MAX; id++) {
		if (!nat_groups_retired(groups, id))
			continue;
		t.retired++;
		add_totals(groups, id, &t);
	}
	row_counters(rows, "groups", &t, totals);
	engine_stats(m->engine, &stats);
	for (unsigned int i = 0; i < RTE_DIM(drops); i++)
		row_counter(rows, "packets", drops[i].name, stats.drops[drops[i].reason],
			drops[i].text);
	return false;
}

static const struct view view_statistics = {
	.name = "nat_statistics",
	.help = "what translation has taken, given back and refused",
	.columns = row_counter_columns,
	.collect = collect_statistics,
};

/* ---- */

#define NAT COMMAND_WORD("nat")

COMMAND_SHOW(policy, view_policy, false,
	"display nat policy: source NAT rules in order, with counters", COMMAND_WORD("display"),
	NAT, COMMAND_WORD("policy"));
COMMAND_SHOW(server, view_servers, false,
	"display nat server: hosts that are reached by a public address and port",
	COMMAND_WORD("display"), NAT, COMMAND_WORD("server"));
COMMAND_SHOW(static, view_statics, false, "display nat static: one to one mappings of addresses",
	COMMAND_WORD("display"), NAT, COMMAND_WORD("static"));
COMMAND_SHOW(nat64, view_prefixes64, false,
	"display nat nat64: prefixes by which IPv6 hosts reach IPv4", COMMAND_WORD("display"), NAT,
	COMMAND_WORD("nat64"));
COMMAND_SHOW(statistics, view_statistics, false,
	"display nat statistics: what translation has taken, given back and refused",
	COMMAND_WORD("display"), NAT, COMMAND_WORD("statistics"));
COMMAND_SHOW(reset, view_reset, false, "reset nat policy counters: of all rules",
	COMMAND_WORD("reset"), NAT, COMMAND_WORD("policy"), COMMAND_WORD("counters"));

static cmdline_parse_inst_t *const insts[] = { &inst_policy, &inst_server, &inst_static,
	&inst_nat64, &inst_statistics, &inst_reset, NULL };
static const struct view *const views[] = { &view_policy, &view_servers, &view_statics,
	&view_prefixes64, &view_statistics, NULL };

const struct command command_nat = { .insts = insts, .views = views };
