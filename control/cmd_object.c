/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display address-set, service-set, schedule: the objects rules refer to.
 */
#include "command.h"
#include "config_span.h"
#include "management.h"
#include "policy_row.h"
#include "row.h"

#include <string.h>
#include <time.h>

static bool
collect_addresses(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_list *list = config_section_data(m->config, "address_sets");
	const struct config_address_set *s = list->items;
	json_t *row;

	(void)filter;
	if (*cursor >= list->count)
		return false;
	s += (*cursor)++;
	row = json_object();
	row_text(row, "set", s->set.name);
	json_object_set_new(row, "addresses", policy_row_addresses(&s->addresses));
	json_object_set_new(row, "sets", policy_row_names(&s->set.sets, CONFIG_OBJECT_NAME));
	row_text(row, "description", s->set.description);
	json_array_append_new(rows, row);
	return *cursor < list->count;
}

/* The predefined ones first. */
static bool
collect_services(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_list *list = config_section_data(m->config, "service_sets");
	const struct config_service_set *s = list->items;
	const char *builtin = config_builtin_service_name((unsigned int)*cursor);
	unsigned int builtins = 0;
	json_t *row;

	(void)filter;
	if (builtin == NULL) {
		while (config_builtin_service_name(builtins) != NULL)
			builtins++;
		if (*cursor - builtins >= list->count)
			return false;
		s += *cursor - builtins;
	}
	++*cursor;
	row = json_object();
	row_text(row, "set", builtin != NULL ? builtin : s->set.name);
	row_bool(row, "predefined", builtin != NULL);
	json_object_set_new(row, "services",
		builtin != NULL ? policy_row_builtin(builtin) : policy_row_services(&s->services));
	json_object_set_new(row, "sets",
		builtin != NULL ? json_array()
				: policy_row_names(&s->set.sets, CONFIG_OBJECT_NAME));
	row_text(row, "description", builtin != NULL ? "" : s->set.description);
	json_array_append_new(rows, row);
	return true;
}

static json_t *
periods(const struct config_list *list)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	const struct config_period *p = list->items;
	json_t *out = json_array();

	for (uint32_t i = 0; i < list->count; i++) {
		char days[32] = "";

		for (unsigned int d = 0; d < 7; d++) {
			if (p[i].day_set >> d & 1) {
				strcat(days, names[d]);
				strcat(days, " ");
			}
		}
		json_array_append_new(
			out, json_sprintf("%s%s-%s", p[i].day_set == 0x7f ? "daily " : days,
				     p[i].from, p[i].to));
	}
	return out;
}

static json_t *
dates(const struct config_list *list)
{
	const struct config_dates *d = list->items;
	json_t *out = json_array();

	for (uint32_t i = 0; i < list->count; i++)
		json_array_append_new(out, json_sprintf("%s - %s", d[i].from, d[i].to));
	return out;
}

static bool
collect_schedules(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_list *list = config_section_data(m->config, "schedules");
	const struct config_schedule *s = list->items;
	const time_t now = time(NULL);
	struct tm local;
	json_t *row;

	(void)filter;
	if (*cursor >= list->count)
		return false;
	s += (*cursor)++;
	localtime_r(&now, &local);
	row = json_object();
	row_text(row, "schedule", s->name);
	row_bool(row, "active", config_schedule_active(s, now, &local));
	json_object_set_new(row, "periods", periods(&s->periods));
	json_object_set_new(row, "dates", dates(&s->dates));
	row_text(row, "description", s->description);
	json_array_append_new(rows, row);
	return *cursor < list->count;
}

static const struct view_column address_columns[] = {
	{ "set", "Set" },
	{ "addresses", "Addresses" },
	{ "sets", "Sets" },
	{ "description", "Description" },
	{ NULL, NULL },
};
static const struct view_column service_columns[] = {
	{ "set", "Set" },
	{ "services", "Services" },
	{ "sets", "Sets" },
	{ "description", "Description" },
	{ NULL, NULL },
};
static const struct view_column schedule_columns[] = {
	{ "schedule", "Schedule" },
	{ "active", "Active" },
	{ "periods", "Periods" },
	{ "dates", "Dates" },
	{ "description", "Description" },
	{ NULL, NULL },
};

static const struct view view_addresses = {
	.name = "address_set",
	.help = "address sets, as configured",
	.columns = address_columns,
	.collect = collect_addresses,
};
static const struct view view_services = {
	.name = "service_set",
	.help = "service sets: the predefined ones, then the configured ones",
	.columns = service_columns,
	.collect = collect_services,
};
static const struct view view_schedules = {
	.name = "schedule",
	.help = "schedules, and whether each holds now",
	.columns = schedule_columns,
	.collect = collect_schedules,
};

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	const struct view *v = &view_schedules;

	(void)cl;
	if (strcmp(r->word, "address-set") == 0)
		v = &view_addresses;
	else if (strcmp(r->word, "service-set") == 0)
		v = &view_services;
	console_view(client, v, NULL, false);
}

static cmdline_parse_inst_t inst_addresses = {
	.f = show,
	.help_str = "display address-set: address sets, as configured",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("address-set"), NULL },
};
static cmdline_parse_inst_t inst_services = {
	.f = show,
	.help_str = "display service-set: predefined and configured service sets",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("service-set"), NULL },
};
static cmdline_parse_inst_t inst_schedules = {
	.f = show,
	.help_str = "display schedule: schedules, and whether each holds now",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("schedule"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_addresses, &inst_services, &inst_schedules,
	NULL };
static const struct view *const views[] = { &view_addresses, &view_services, &view_schedules,
	NULL };

const struct command command_object = { .insts = insts, .views = views };
