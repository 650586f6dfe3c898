/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall defend: the named defences, whether they are on, and what they have dropped.
 */
#include "command.h"
#include "management.h"
#include "row.h"

static const char *
state_of(const struct snapshot *s, enum defence d)
{
	if (defences[d].mode == DEFENCE_ALWAYS)
		return "always";
	if (defences[d].mode == DEFENCE_INTERFACE)
		return "by interface";
	return s != NULL && (s->defences >> d & 1) != 0 ? "on" : "off";
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	struct worker_stats st;

	(void)filter;
	(void)cursor;
	engine_stats(m->engine, &st);
	for (unsigned int i = 0; i < DEFENCE_COUNT; i++) {
		json_t *row = json_object();

		row_text(row, "defence", defences[i].name);
		row_text(row, "state", state_of(s, (enum defence)i));
		row_number(row, "dropped", st.drops[defences[i].reason]);
		row_text(row, "text", defences[i].text);
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view_column columns[] = {
	{ "defence", "Defence" },
	{ "state", "State" },
	{ "dropped", "Dropped" },
	{ "text", "Packets" },
	{ NULL, NULL },
};

static const struct view view_defend = {
	.name = "defence",
	.help = "named defences and what they have dropped",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(show, view_defend, false,
	"display firewall defend: named defences and what they have dropped",
	COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("defend"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_defend, NULL };

const struct command command_defend = { .insts = insts, .views = views };
