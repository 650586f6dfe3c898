/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display zone: zones, their priorities and interfaces.
 */
#include "command.h"
#include "management.h"
#include "row.h"

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);

	(void)filter;
	(void)cursor;
	for (uint8_t z = 1; s != NULL && z < MAX_ZONES; z++) {
		json_t *row, *interfaces;

		if (s->zones[z].priority == 0)
			continue;
		row = json_object();
		interfaces = json_array();
		row_text(row, "zone", s->zones[z].name);
		row_number(row, "id", z);
		row_number(row, "priority", s->zones[z].priority);
		for (uint16_t i = 0; i < s->interface_count; i++)
			if (s->interfaces[i].zone == z)
				json_array_append_new(
					interfaces, json_string(s->interfaces[i].name));
		json_object_set_new(row, "interfaces", interfaces);
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view_column columns[] = {
	{ "zone", "Zone" },
	{ "priority", "Priority" },
	{ "interfaces", "Interfaces" },
	{ NULL, NULL },
};

static const struct view view_zone = {
	.name = "zone",
	.help = "zones, their priorities and interfaces",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(show, view_zone, false, "display zone: zones, their priorities and interfaces",
	COMMAND_WORD("display"), COMMAND_WORD("zone"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_zone, NULL };

const struct command command_zone = { .insts = insts, .views = views };
