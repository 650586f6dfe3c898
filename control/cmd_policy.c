/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display / reset security-policy: the rules in order and what has matched each; what the default
 * has decided between which zones.
 */
#include "command.h"
#include "management.h"
#include "policy_row.h"
#include "policy_usage.h"
#include "publish_policy.h"
#include "row.h"

#include <stdio.h>
#include <string.h>

static const struct policy *
running(const struct management *m)
{
	return engine_snapshot(m->engine)->policy;
}

/* ---- the rules ---- */

/* Of the default's sessions, all zones. */
static struct policy_usage_of
living_default(const struct management *m)
{
	struct policy_usage_of sum = { 0 };

	for (uint32_t pair = 0; pair < POLICY_PAIRS; pair++) {
		const struct policy_usage_of one = policy_usage_get(m, pair);

		sum.sessions += one.sessions;
		sum.packets += one.packets;
		sum.bytes += one.bytes;
	}
	return sum;
}

static void
put_counters(json_t *row, struct management *m, uint16_t slot)
{
	struct policy_usage_of living;
	struct policy_counter c;

	policy_counter_read(running(m), slot, &c);
	living = slot > 0 ? policy_usage_get(m, policy_counter_index(slot, 0, 0))
			  : living_default(m);
	policy_row_counters(row, m, &c, &living);
}

static json_t *
rule_row(struct management *m, const struct config_rule *r, uint16_t slot)
{
	json_t *row = json_object();

	row_number(row, "order", slot);
	row_text(row, "rule", r->name);
	policy_row_match(row, r);
	row_text(row, "schedule", r->schedule);
	policy_row_state(row, running(m), r, slot);
	row_bool(row, "log", r->log);
	row_text(row, "description", r->description);
	row_text(row, "action", config_policy_actions[r->action]);
	put_counters(row, m, slot);
	return row;
}

/* The default is tried last. */
static json_t *
row_at(struct management *m, uint32_t index)
{
	const struct config_policy *p = config_section_data(m->config, "security_policy");
	const struct config_rule none = { .name = CONFIG_DEFAULT_RULE,
		.action = p->default_action };
	const struct config_rule *rules = p->rules.items;

	if (index < p->rules.count)
		return rule_row(m, &rules[index], (uint16_t)(index + 1));
	return rule_row(m, &none, 0);
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_policy *p = config_section_data(m->config, "security_policy");
	uint32_t index;

	(void)filter;
	if (!policy_usage_ready(m, cursor))
		return true;
	index = (uint32_t)*cursor;
	json_array_append_new(rows, row_at(m, index));
	++*cursor;
	return index < p->rules.count;
}

static const struct view_column columns[] = {
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
	{ "state", "State" },
	{ "hits", "Hits" },
	{ "bytes", "Bytes" },
	{ "sessions", "Sessions" },
	{ "last_hit", "LastHit" },
	{ NULL, NULL },
};

static const struct view view_policy = {
	.name = "security_policy",
	.help = "security policy rules in order, with their counters; an empty list matches "
		"anything",
	.columns = columns,
	.collect = collect,
};

/* ---- one rule, its sets resolved ---- */

#define RESOLVED_MAX 1000 /* elements of a list that are shown */

static void
put_resolved(json_t *row, const struct config *c, uint16_t slot)
{
	struct publish_rule *resolved = slot > 0 ? publish_rule_resolve(c, slot - 1U) : NULL;
	const struct policy_rule none = { .log = false };
	const struct policy_rule *r = resolved != NULL ? publish_rule_of(resolved) : &none;
	json_t *sources = json_array(), *destinations = json_array(), *services = json_array();

	for (uint32_t i = 0; i < r->source_count && i < RESOLVED_MAX; i++)
		json_array_append_new(sources, policy_row_range(&r->sources[i]));
	for (uint32_t i = 0; i < r->destination_count && i < RESOLVED_MAX; i++)
		json_array_append_new(destinations, policy_row_range(&r->destinations[i]));
	for (uint32_t i = 0; i < r->service_count && i < RESOLVED_MAX; i++)
		json_array_append_new(services, policy_row_service(&r->services[i]));
	json_object_set_new(row, "resolved_sources", sources);
	json_object_set_new(row, "resolved_destinations", destinations);
	json_object_set_new(row, "resolved_services", services);
	row_number(row, "resolved_source_count", r->source_count);
	row_number(row, "resolved_destination_count", r->destination_count);
	row_number(row, "resolved_service_count", r->service_count);
	publish_rule_free(resolved);
}

/* Place of the rule the filter names; the default is behind the last. */
static uint32_t
index_of(struct management *m, const json_t *filter)
{
	const struct config_policy *p = config_section_data(m->config, "security_policy");
	const char *name = json_string_value(json_object_get(filter, "rule"));
	const uint16_t slot = policy_slot_of(running(m), policy_rule_id(name));

	return slot > 0 && slot <= p->rules.count ? slot - 1U : p->rules.count;
}

static bool
collect_rule(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_policy *p = config_section_data(m->config, "security_policy");
	const bool one = json_object_get(filter, "rule") != NULL;
	uint32_t index;
	json_t *row;

	if (!policy_usage_ready(m, cursor))
		return true;
	index = one ? index_of(m, filter) : (uint32_t)*cursor;
	row = row_at(m, index);
	put_resolved(row, m->config, (uint16_t)(index < p->rules.count ? index + 1 : 0));
	json_array_append_new(rows, row);
	++*cursor;
	return !one && index < p->rules.count;
}

/* A value, or a list with an element a line. => characters written */
static size_t
print_value(const char *title, const json_t *value, char *out, size_t size)
{
	const size_t count = json_is_array(value) ? json_array_size(value) : 1;
	size_t used = 0;

	for (size_t i = 0; i < count || i == 0; i++) {
		const json_t *item =
			json_is_array(value) && count > 0 ? json_array_get(value, i) : value;
		char cell[256];
		int n;

		if (size - used < sizeof(cell)) {
			n = snprintf(out + used, size - used, "%25s%zu more\n", "", count - i);
			return used + (n > 0 ? (size_t)n : 0);
		}
		n = snprintf(out + used, size - used, " %-21s%s%s\n", i == 0 ? title : "",
			i == 0 ? ": " : "  ", view_cell(item, cell, sizeof(cell)));
		used += n > 0 ? (size_t)n : 0;
	}
	return used;
}

static void
print_rule(const json_t *row, bool verbose, char *out, size_t size)
{
	static const struct {
		const char *key, *title;
		size_t room; /* a third for each list, what stands before needs little */
	} lines[] = {
		{ "rule", "Rule", 512 },
		{ "order", "No", 512 },
		{ "description", "Description", 512 },
		{ "action", "Action", 512 },
		{ "state", "State", 512 },
		{ "shadowed_by", "Shadowed by", 512 },
		{ "schedule", "Schedule", 512 },
		{ "log", "Log", 512 },
		{ "source_zones", "Source zones", 1024 },
		{ "destination_zones", "Destination zones", 1024 },
		{ "source_sets", "Source sets", 768 },
		{ "destination_sets", "Destination sets", 768 },
		{ "service_sets", "Service sets", 768 },
		{ "resolved_sources", "Sources", 1280 },
		{ "resolved_destinations", "Destinations", 1280 },
		{ "resolved_services", "Services", 1280 },
		{ "hits", "Hits", 512 },
		{ "packets", "Packets", 512 },
		{ "bytes", "Bytes", 512 },
		{ "sessions", "Sessions", 512 },
		{ "last_hit", "Last hit", 512 },
	};
	size_t used = 0;

	(void)verbose;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && size - used > lines[i].room; i++)
		used += print_value(lines[i].title, json_object_get(row, lines[i].key), out + used,
			lines[i].room);
}

static bool check_rule(struct management *, const json_t *filter, char *err, size_t err_size);

static const char *const rule_filter[] = { "rule", NULL };

static const struct view view_rule = {
	.name = "security_policy_rule",
	.help = "a rule with its sets resolved; without the filter every rule",
	.collect = collect_rule,
	.filters = rule_filter,
	.check = check_rule,
	.print = print_rule,
};

/* ---- the default, by zones ---- */

/* `from` and `to` ZONE_NONE: the sum of all. */
static json_t *
default_row(struct management *m, uint8_t from, uint8_t to)
{
	const struct config_policy *p = config_section_data(m->config, "security_policy");
	const struct snapshot *s = engine_snapshot(m->engine);
	const bool all = from == ZONE_NONE && to == ZONE_NONE;
	struct policy_usage_of living;
	struct policy_counter c;
	json_t *row;

	if (all) {
		policy_counter_read(s->policy, 0, &c);
		living = living_default(m);
	} else {
		policy_counter_read_pair(s->policy, from, to, &c);
		living = policy_usage_get(m, policy_counter_index(0, from, to));
		if (c.hits == 0 && living.sessions == 0)
			return NULL;
	}
	row = json_object();
	json_object_set_new(row, "source_zone", all ? json_null() : json_string(row_zone(s, from)));
	json_object_set_new(
		row, "destination_zone", all ? json_null() : json_string(row_zone(s, to)));
	row_text(row, "action", config_policy_actions[p->default_action]);
	policy_row_counters(row, m, &c, &living);
	return row;
}

static bool
collect_default(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	if (!policy_usage_ready(m, cursor))
		return true;
	for (uint8_t from = 1; from < MAX_ZONES; from++) {
		for (uint8_t to = 1; to < MAX_ZONES; to++) {
			json_t *row = default_row(m, from, to);

			if (row != NULL)
				json_array_append_new(rows, row);
		}
	}
	json_array_append_new(rows, default_row(m, ZONE_NONE, ZONE_NONE));
	return false;
}

static const struct view_column default_columns[] = {
	{ "source_zone", "FromZone" },
	{ "destination_zone", "ToZone" },
	{ "action", "Action" },
	{ "hits", "Hits" },
	{ "packets", "Packets" },
	{ "bytes", "Bytes" },
	{ "sessions", "Sessions" },
	{ "last_hit", "LastHit" },
	{ NULL, NULL },
};

static const struct view view_default = {
	.name = "security_policy_default",
	.help = "what no rule matched, between which zones; the last row is the sum",
	.columns = default_columns,
	.collect = collect_default,
};

/* ---- reset of the counters ---- */

static void
reset_slot(struct management *m, uint16_t slot, uint8_t from, uint8_t to)
{
	/* The snapshot is const for everybody who does not own it: this thread does. */
	struct policy *p = engine_snapshot(m->engine)->policy;
	const struct policy_usage_of living =
		policy_usage_get(m, policy_counter_index(slot, from, to));
	const struct policy_counter carried = { .packets = living.packets, .bytes = living.bytes };

	policy_counter_reset(p, slot, from, to, &carried);
}

static bool
collect_reset(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const char *name = json_string_value(json_object_get(filter, "rule"));
	const bool all = name == NULL;
	uint32_t done = 0;

	if (!policy_usage_ready(m, cursor))
		return true;
	for (uint16_t slot = 1; slot <= policy_rule_count(running(m)); slot++) {
		if (!all && strcmp(policy_rule_name(running(m), slot), name) != 0)
			continue;
		reset_slot(m, slot, 0, 0);
		done++;
	}
	if (all || strcmp(name, CONFIG_DEFAULT_RULE) == 0) {
		for (uint32_t pair = 0; pair < POLICY_PAIRS; pair++)
			reset_slot(m, 0, (uint8_t)(pair / MAX_ZONES), (uint8_t)(pair % MAX_ZONES));
		done++;
	}
	json_array_append_new(rows, json_pack("{s:I}", "reset", (json_int_t)done));
	return false;
}

static void
print_reset(const json_t *row, bool verbose, char *out, size_t size)
{
	(void)verbose;
	snprintf(out, size, " Rules reset : %lld\n",
		(long long)json_integer_value(json_object_get(row, "reset")));
}

static bool
check_rule(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	const char *name = json_string_value(json_object_get(filter, "rule"));

	if (json_object_get(filter, "rule") == NULL)
		return true;
	if (name != NULL && (strcmp(name, CONFIG_DEFAULT_RULE) == 0 ||
				    policy_slot_of(running(m), policy_rule_id(name)) != 0))
		return true;
	snprintf(err, err_size, "there is no rule \"%.63s\"", name != NULL ? name : "");
	return false;
}

static const struct view view_reset = {
	.name = "reset",
	.collect = collect_reset,
	.filters = rule_filter,
	.check = check_rule,
	.print = print_reset,
};

static void
show_rule(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;

	(void)cl;
	console_view(client, &view_rule, json_pack("{s:s}", "rule", r->argument), false);
}

static void
reset_rule(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;

	(void)cl;
	console_view(client, &view_reset, json_pack("{s:s}", "rule", r->argument), false);
}

#define POLICY COMMAND_WORD("security-policy")

COMMAND_SHOW(show, view_policy, false, "display security-policy: rules in order, with counters",
	COMMAND_WORD("display"), POLICY);
COMMAND_SHOW(default, view_default, false,
	"display security-policy statistics: what no rule matched, between which zones",
	COMMAND_WORD("display"), POLICY, COMMAND_WORD("statistics"));
COMMAND_SHOW(reset, view_reset, false,
	"reset security-policy counters: of all rules and the default", COMMAND_WORD("reset"),
	POLICY, COMMAND_WORD("counters"));

static cmdline_parse_inst_t inst_rule = {
	.f = show_rule,
	.help_str = "display security-policy rule RULE: one rule, its sets resolved",
	.tokens = { COMMAND_WORD("display"), POLICY, COMMAND_WORD("rule"), COMMAND_ARGUMENT, NULL },
};
static cmdline_parse_inst_t inst_reset_rule = {
	.f = reset_rule,
	.help_str = "reset security-policy counters RULE: of one rule, or of \"default\"",
	.tokens = { COMMAND_WORD("reset"), POLICY, COMMAND_WORD("counters"), COMMAND_ARGUMENT,
		NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_rule, &inst_default, &inst_reset,
	&inst_reset_rule, NULL };
static const struct view *const views[] = { &view_policy, &view_rule, &view_default, NULL };

const struct command command_policy = { .insts = insts, .views = views };
