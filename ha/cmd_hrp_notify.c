/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display hrp notify: the programs that are told of changes of role, and how they have ended.
 */
#include "command.h"
#include "ha.h"
#include "management.h"
#include "notify.h"

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	(void)cursor;
	if (m->ha_state != NULL && ha_notify(m->ha_state) != NULL)
		notify_rows(ha_notify(m->ha_state), m->config, rows);
	return false;
}

static const struct view_column columns[] = {
	{ "type", "Type" },
	{ "name", "Name" },
	{ "told", "Told" },
	{ "running", "Running" },
	{ "result", "Result" },
	{ "runs", "Runs" },
	{ "failed", "Failed" },
	{ "refused", "Refused" },
	{ "merged", "Merged" },
	{ "user", "User" },
	{ "program", "Program" },
	{ NULL, NULL },
};

static const struct view view_notify = {
	.name = "hrp-notify",
	.help = "programs that are told of changes of role",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(notify, view_notify, false,
	"display hrp notify: programs that are told of changes of role, and how they have ended",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("notify"));

static cmdline_parse_inst_t *const insts[] = { &inst_notify, NULL };
static const struct view *const views[] = { &view_notify, NULL };

extern const struct command command_hrp_notify;
const struct command command_hrp_notify = { .insts = insts, .views = views };
