/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display hrp history: the last changes of role, newest first.
 */
#include "command.h"
#include "ha.h"
#include "management.h"
#include "role.h"
#include "row.h"

#include <stdlib.h>
#include <time.h>

static const char *const group_names[] = { "none", "active", "standby" };

static json_t *
row_of(const struct role_change *c, uint64_t number, uint64_t wall)
{
	const time_t when = (time_t)((wall + c->at_ns) / NS_PER_SEC);
	json_t *const row = json_object();
	struct tm tm;
	char text[32];

	localtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y/%m/%d %H:%M:%S", &tm);
	row_number(row, "number", number);
	row_text(row, "time", text);
	row_text(row, "group", group_names[c->group]);
	row_text(row, "from", vgmp_state_names[c->from]);
	row_text(row, "to", vgmp_state_names[c->to]);
	row_number(row, "priority", c->priority);
	row_number(row, "peer_priority", c->peer_priority);
	row_number(row, "epoch", c->epoch);
	row_text(row, "cause", c->cause);
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct role_status *const s = m->ha_state != NULL ? malloc(sizeof(*s)) : NULL;

	(void)filter;
	(void)cursor;
	if (s == NULL)
		return false;
	role_status_read(ha_role(m->ha_state), s);
	const uint64_t count =
		s->change_count < ROLE_CHANGES ? s->change_count : (uint64_t)ROLE_CHANGES;

	for (uint64_t i = 0; i < count; i++) {
		const uint64_t number = s->change_count - i;

		json_array_append_new(rows, row_of(&s->changes[(number - 1) % ROLE_CHANGES], number,
						    management_wall(m)));
	}
	free(s);
	return false;
}

static const struct view_column columns[] = {
	{ "number", "No." },
	{ "time", "Time" },
	{ "group", "Group" },
	{ "from", "From" },
	{ "to", "To" },
	{ "priority", "Local" },
	{ "peer_priority", "Peer" },
	{ "epoch", "Epoch" },
	{ "cause", "Cause" },
	{ NULL, NULL },
};

static const struct view view_history = {
	.name = "hrp-history",
	.help = "the last changes of role, newest first",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(history, view_history, false,
	"display hrp history: the last changes of role, with cause and priorities",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("history"));

static cmdline_parse_inst_t *const insts[] = { &inst_history, NULL };
static const struct view *const views[] = { &view_history, NULL };

extern const struct command command_hrp_history;
const struct command command_hrp_history = { .insts = insts, .views = views };
