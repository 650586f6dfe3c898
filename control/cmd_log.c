/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display log: where the traffic log goes and what became of its records.
 */
#include "command.h"
#include "management.h"
#include "row.h"

#include <string.h>

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	static const char *const scopes[] = { "off", "rules", "all" };
	const struct snapshot *s = engine_snapshot(m->engine);
	struct worker_stats workers;

	(void)filter;
	(void)cursor;
	engine_stats(m->engine, &workers);
	for (unsigned int i = 0; i < LOG_OUTPUTS; i++) {
		struct log_export_status st;
		json_t *row = json_object();

		log_export_status(m->log_export, (enum log_output)i, &st);
		row_text(row, "output", log_output_names[i]);
		row_text(row, "target", st.on ? st.target : "none");
		row_text(row, "sessions", st.on && s != NULL ? scopes[s->log_sessions] : "off");
		row_text(row, "denied", st.on && s != NULL ? scopes[s->log_denied] : "off");
		row_number(row, "sent", st.sent);
		row_number(row, "messages", st.messages);
		row_number(row, "suppressed", st.suppressed);
		row_number(row, "failed", st.failed);
		row_number(row, "lost", workers.log_lost);
		row_text(row, "error", st.error != 0 ? strerror(st.error) : "");
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view_column columns[] = {
	{ "output", "Output" },
	{ "target", "Target" },
	{ "sessions", "Sessions" },
	{ "denied", "Denied" },
	{ "sent", "Sent" },
	{ "messages", "Messages" },
	{ "suppressed", "Suppressed" },
	{ "failed", "Failed" },
	{ "lost", "Lost" },
	{ "error", "Error" },
	{ NULL, NULL },
};

static const struct view view_log = {
	.name = "log",
	.help = "where the traffic log goes and what became of its records",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(log, view_log, false,
	"display log: where the traffic log goes and what became of its records",
	COMMAND_WORD("display"), COMMAND_WORD("log"));

static cmdline_parse_inst_t *const insts[] = { &inst_log, NULL };
static const struct view *const views[] = { &view_log, NULL };

const struct command command_log = { .insts = insts, .views = views };
