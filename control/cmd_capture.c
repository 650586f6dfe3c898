/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capture start, capture stop, display capture: packets into a pcapng file.
 */
#include "command.h"
#include "management.h"
#include "packet_words.h"
#include "row.h"

#include <string.h>

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	static const char *const states[] = { [CAPTURING_NONE] = "none",
		[CAPTURING_ON] = "on",
		[CAPTURING_ENDING] = "ending",
		[CAPTURING_ENDED] = "ended" };
	const struct capturing *c = &m->capturing;
	json_t *row = json_object();

	(void)filter;
	(void)cursor;
	capturing_poll(m);
	row_text(row, "state", states[c->state]);
	row_text(row, "ended_by", c->why != NULL ? c->why : "");
	row_text(row, "file", c->file);
	row_text(row, "filter", c->words);
	row_number(row, "packets", c->status.packets);
	row_number(row, "written_bytes", c->status.bytes);
	row_number(row, "matched", c->matched);
	row_number(row, "missed", c->missed);
	row_number(row, "left_s",
		c->state == CAPTURING_ON ? mono_since_ms(c->until, management_now(m)) / 1000 : 0);
	json_array_append_new(rows, row);
	return false;
}

static const struct view view_capture = {
	.name = "capture",
	.help = "the capture that is on, or the last one",
	.collect = collect,
};

static void
start(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	struct management *m = console_management(client);
	char err[512];

	(void)cl;
	if (capturing_start(m, r->argument, r->tail, err, sizeof(err)))
		console_print(client, " Capture started into %s\n", m->capturing.file);
	else
		console_error(client, "%s", err);
}

static void
stop(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	if (!capturing_stop(console_management(client)))
		console_error(client, "no capture is on");
}

static int
complete(struct management *m, const char *line, const char *words[COMMAND_WORDS_MAX])
{
	static const char begin[] = "capture start ";
	const char *name;

	if (strncmp(line, begin, sizeof(begin) - 1) != 0)
		return -1;
	name = strchr(line + sizeof(begin) - 1, ' ');
	return name != NULL ? capturing_complete(m, name + 1, words, COMMAND_WORDS_MAX) : 0;
}

COMMAND_SHOW(show, view_capture, false, "display capture: the capture that is on, or the last one",
	COMMAND_WORD("display"), COMMAND_WORD("capture"));

static cmdline_parse_inst_t inst_start = {
	.f = start,
	.help_str = "capture start NAME: every packet into the file NAME of system.capture_folder",
	.tokens = { COMMAND_WORD("capture"), COMMAND_WORD("start"), COMMAND_ARGUMENT, NULL },
};
static cmdline_parse_inst_t inst_start_filter = {
	.f = start,
	.help_str = "capture start NAME [FILTER...]: packets by " PACKET_WORDS_HELP
		    ", direction in|out|both|all, dropped, reason DROP-REASON; overwrite; until "
		    "count N, size MIB (64), seconds N (600); snaplen BYTES",
	.tokens = { COMMAND_WORD("capture"), COMMAND_WORD("start"), COMMAND_ARGUMENT, COMMAND_TAIL,
		NULL },
};
static cmdline_parse_inst_t inst_stop = {
	.f = stop,
	.help_str = "capture stop: end the capture",
	.tokens = { COMMAND_WORD("capture"), COMMAND_WORD("stop"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_start, &inst_start_filter,
	&inst_stop, NULL };
static const struct view *const views[] = { &view_capture, NULL };

const struct command command_capture = { .insts = insts, .views = views, .complete = complete };
