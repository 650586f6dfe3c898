/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display security-policy: the rules in order, with the packets that matched each.
 */
#include "command.h"
#include "management.h"
#include "policy.h"
#include "policy_row.h"
#include "row.h"

static const char *
state(struct management *m, const struct config_rule *r, uint16_t slot)
{
	const struct snapshot *s = engine_snapshot(m->engine);

	if (slot == 0)
		return "active";
	if (!r->enable)
		return "disabled";
	if (s == NULL || slot > policy_rule_count(s->policy) || policy_active(s->policy, slot))
		return "active";
	return "outside its schedule";
}

static json_t *
rule_row(struct management *m, const struct config_rule *r, uint16_t slot)
{
	json_t *row = json_object();

	row_number(row, "order", slot);
	row_text(row, "rule", r->name);
	json_object_set_new(row, "source_zones", policy_row_names(&r->source_zones, 32));
	json_object_set_new(row, "destination_zones", policy_row_names(&r->destination_zones, 32));
	json_object_set_new(row, "source_addresses", policy_row_addresses(&r->source_addresses));
	json_object_set_new(
		row, "source_sets", policy_row_names(&r->source_sets, CONFIG_OBJECT_NAME));
	json_object_set_new(
		row, "destination_addresses", policy_row_addresses(&r->destination_addresses));
	json_object_set_new(row, "destination_sets",
		policy_row_names(&r->destination_sets, CONFIG_OBJECT_NAME));
	json_object_set_new(row, "services", policy_row_services(&r->services));
	json_object_set_new(
		row, "service_sets", policy_row_names(&r->service_sets, CONFIG_OBJECT_NAME));
	row_text(row, "schedule", r->schedule);
	row_text(row, "state", state(m, r, slot));
	row_bool(row, "log", r->log);
	row_text(row, "description", r->description);
	row_text(row, "action", config_policy_actions[r->action]);
	row_number(row, "hits", engine_rule_hits(m->engine, slot));
	return row;
}

static json_t *
default_row(struct management *m, const struct config_policy *p)
{
	const struct config_rule none = { .name = "default", .action = p->default_action };

	return rule_row(m, &none, 0);
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_policy *p = config_section_data(m->config, "security_policy");
	const struct config_rule *rules = p->rules.items;

	(void)filter;
	if (*cursor < p->rules.count) {
		json_array_append_new(rows, rule_row(m, &rules[*cursor], (uint16_t)(*cursor + 1)));
		++*cursor;
		return true;
	}
	json_array_append_new(rows, default_row(m, p)); /* tried last */
	return false;
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
	{ NULL, NULL },
};

static const struct view view_policy = {
	.name = "security_policy",
	.help = "security policy rules in order, with hit counts; an empty list matches anything",
	.columns = columns,
	.collect = collect,
};

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	console_view(client, &view_policy, NULL, false);
}

static cmdline_parse_inst_t inst_show = {
	.f = show,
	.help_str = "display security-policy: rules in order, with hit counts",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("security-policy"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_policy, NULL };

const struct command command_policy = { .insts = insts, .views = views };
