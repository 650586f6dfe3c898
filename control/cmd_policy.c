/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display security-policy: the rules in order, with the packets that matched each.
 */
#include "command.h"
#include "config_span.h"
#include "management.h"
#include "policy.h"
#include "row.h"
#include "session_filter.h"

#include <stdio.h>

static json_t *
zones(const struct config_list *names, size_t name_size)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < names->count; i++)
		json_array_append_new(
			list, json_string((const char *)names->items + i * name_size));
	return list;
}

static json_t *
addresses(const struct config_list *spans)
{
	const struct config_span *span = spans->items;
	json_t *list = json_array();
	char text[CONFIG_SPAN_TEXT];

	for (uint32_t i = 0; i < spans->count; i++)
		json_array_append_new(list, json_string(config_span_text(&span[i], text)));
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
services(const struct config_list *from)
{
	const struct config_service *p = from->items;
	json_t *list = json_array();

	for (uint32_t i = 0; i < from->count; i++) {
		const uint8_t number = (uint8_t)p[i].protocol_number;
		char proto[8], source[32], destination[32];

		ports(source, sizeof(source), "from", p[i].source_port.min, p[i].source_port.max);
		ports(destination, sizeof(destination), "to", p[i].destination_port.min,
			p[i].destination_port.max);
		json_array_append_new(
			list, json_sprintf("%s%s%s",
				      number == 0 ? "any" : session_filter_protocol(number, proto),
				      source, destination));
	}
	return list;
}

static json_t *
rule_row(struct management *m, const struct config_rule *r, uint16_t slot)
{
	json_t *row = json_object();

	row_number(row, "order", slot);
	row_text(row, "rule", r->name);
	json_object_set_new(row, "source_zones", zones(&r->source_zones, 32));
	json_object_set_new(row, "destination_zones", zones(&r->destination_zones, 32));
	json_object_set_new(row, "source_addresses", addresses(&r->source_addresses));
	json_object_set_new(row, "destination_addresses", addresses(&r->destination_addresses));
	json_object_set_new(row, "services", services(&r->services));
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
