/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall session aging-time: how long sessions of each state may be idle.
 */
#include "command.h"
#include "management.h"

static const struct view_column columns[] = {
	{ "state", "State" },
	{ "aging_time_s", "Aging time (s)" },
	{ "default_s", "Default (s)" },
	{ NULL, NULL },
};

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct session_table *t = engine_sessions(m->engine);

	(void)filter;
	(void)cursor;
	for (unsigned int i = SESSION_FREE + 1; i < SESSION_STATES; i++) {
		json_t *row = json_object();

		json_object_set_new(row, "state", json_string(session_state_names[i]));
		json_object_set_new(row, "aging_time_s",
			json_integer(session_table_state_timeout(t, (enum session_state)i)));
		json_object_set_new(row, "default_s", json_integer(session_default_timeouts[i]));
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view view_ageing = {
	.name = "session-aging-time",
	.help = "how long sessions of each state may be idle",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(ageing, view_ageing, false,
	"display firewall session aging-time: idle time of each state", COMMAND_WORD("display"),
	COMMAND_WORD("firewall"), COMMAND_WORD("session"), COMMAND_WORD("aging-time"));

static cmdline_parse_inst_t *const insts[] = { &inst_ageing, NULL };
static const struct view *const views[] = { &view_ageing, NULL };

const struct command command_ageing = { .insts = insts, .views = views };
