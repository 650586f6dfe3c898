/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display script: what the section `scripts` runs, and how it ends.
 */
#include "command.h"
#include "ha.h"
#include "management.h"
#include "row.h"
#include "script_watch.h"

static json_t *
row_script(const struct script_status *s)
{
	static const char *const states[] = { "unknown", "down", "up" };
	json_t *const row = json_object();

	row_text(row, "name", s->name);
	row_text(row, "state", states[s->up + 1]);
	row_bool(row, "running", s->running);
	row_number(row, "runs", s->runs);
	row_number(row, "failures", s->failures);
	row_number(row, "timeouts", s->timeouts);
	row_number(row, "refused", s->refused);
	row_number(row, "changes", s->changes);
	row_number(row, "last_ms", s->last_ms);
	row_text(row, "last", s->last);
	row_text(row, "user", s->user);
	row_text(row, "path", s->path);
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct script_status s;

	(void)filter;
	(void)cursor;
	if (m->ha_state == NULL)
		return false;
	for (uint16_t i = 0; i < script_watch_count(ha_scripts(m->ha_state)); i++) {
		script_watch_status(ha_scripts(m->ha_state), i, &s);
		json_array_append_new(rows, row_script(&s));
	}
	return false;
}

static const struct view_column columns[] = {
	{ "name", "Script" },
	{ "state", "State" },
	{ "runs", "Runs" },
	{ "failures", "Failures" },
	{ "timeouts", "Timeouts" },
	{ "refused", "Refused" },
	{ "changes", "Changes" },
	{ "last_ms", "Last ms" },
	{ "last", "Last end" },
	{ NULL, NULL },
};

static const struct view view_script = {
	.name = "script",
	.help = "scripts that groups depend on: states, how they end",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(show, view_script, false,
	"display script: scripts that groups depend on, and how they end", COMMAND_WORD("display"),
	COMMAND_WORD("script"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_script, NULL };

extern const struct command command_script;
const struct command command_script = { .insts = insts, .views = views };
