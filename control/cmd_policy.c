/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display security-policy: the rules in order, with the packets that matched each.
 */
#include "command.h"
#include "management.h"
#include "policy.h"
#include "row.h"
#include "session_filter.h"

#include <stdio.h>

static json_t *
zones(const struct snapshot *s, uint64_t set)
{
	json_t *list = json_array();

	for (uint8_t z = 0; z < MAX_ZONES; z++)
		if (set & (UINT64_C(1) << z))
			json_array_append_new(list, json_string(row_zone(s, z)));
	return list;
}

static json_t *
prefixes(const struct policy_prefix *p, uint16_t count)
{
	json_t *list = json_array(), *item = json_object();

	for (uint16_t i = 0; i < count; i++) {
		row_prefix(item, "p", rte_cpu_to_be_32(p[i].address), p[i].len);
		json_array_append(list, json_object_get(item, "p"));
	}
	json_decref(item);
	return list;
}

/* ports: " WORD N" or " WORD N-M"; nothing when any port will do. */
static void
ports(char *out, size_t size, const char *word, uint16_t min, uint16_t max)
{
	out[0] = '\0';
	if (min == 0 && max == UINT16_MAX)
		return;
	if (min == max)
		snprintf(out, size, " %s %u", word, min);
	else
		snprintf(out, size, " %s %u-%u", word, min, max);
}

static json_t *
services(const struct policy_service *p, uint16_t count)
{
	json_t *list = json_array();

	for (uint16_t i = 0; i < count; i++) {
		char proto[8], source[32], destination[32];

		ports(source, sizeof(source), "from", p[i].sport_min, p[i].sport_max);
		ports(destination, sizeof(destination), "to", p[i].dport_min, p[i].dport_max);
		json_array_append_new(
			list, json_sprintf("%s%s%s",
				      p[i].proto == 0 ? "any"
						      : session_filter_protocol(p[i].proto, proto),
				      source, destination));
	}
	return list;
}

static json_t *
default_row(struct management *m, const struct policy *policy)
{
	json_t *row = json_object();

	row_number(row, "order", 0);
	row_text(row, "rule", "default");
	for (int i = 0; i < 5; i++) {
		static const char *const lists[] = { "source_zones", "destination_zones",
			"source_addresses", "destination_addresses", "services" };

		json_object_set_new(row, lists[i], json_array());
	}
	row_text(row, "action", policy_default_action(policy) == POLICY_PERMIT ? "permit" : "deny");
	row_number(row, "hits", engine_rule_hits(m->engine, 0));
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const uint16_t count = s != NULL && s->policy != NULL ? policy_rule_count(s->policy) : 0;
	const struct policy_rule *rule;
	json_t *row;
	uint16_t slot;

	(void)filter;
	if (s == NULL || s->policy == NULL || *cursor > count)
		return false;
	slot = (uint16_t)(++*cursor); /* rules have slots from 1; the default comes last */
	if (slot > count) {
		json_array_append_new(rows, default_row(m, s->policy));
		return false;
	}
	rule = policy_rule_at(s->policy, slot);
	if (rule == NULL)
		return true;
	row = json_object();
	row_number(row, "order", slot);
	row_text(row, "rule", rule->name);
	json_object_set_new(row, "source_zones", zones(s, rule->source_zones));
	json_object_set_new(row, "destination_zones", zones(s, rule->destination_zones));
	json_object_set_new(row, "source_addresses", prefixes(rule->sources, rule->source_count));
	json_object_set_new(row, "destination_addresses",
		prefixes(rule->destinations, rule->destination_count));
	json_object_set_new(row, "services", services(rule->services, rule->service_count));
	row_text(row, "action", rule->action == POLICY_PERMIT ? "permit" : "deny");
	row_number(row, "hits", engine_rule_hits(m->engine, slot));
	json_array_append_new(rows, row);
	return true;
}

static const struct view_column columns[] = {
	{ "order", "No" },
	{ "rule", "Rule" },
	{ "source_zones", "FromZone" },
	{ "destination_zones", "ToZone" },
	{ "source_addresses", "Source" },
	{ "destination_addresses", "Destination" },
	{ "services", "Services" },
	{ "action", "Action" },
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
