/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display alg: whose control connections are read, and what became of what they said.
 */
#include "alg_session.h"
#include "command.h"
#include "management.h"
#include "row.h"

#include <stdio.h>

/* Key, heading, explanation. */
static const struct {
	const char *key, *title, *text;
} lines[] = {
	{ "sessions", "sessions", "TCP sessions that are read now" },
	{ "max_sessions", "max-sessions", "of these there may be" },
	{ "unread", "unread", "TCP sessions that found no place and are forwarded unread" },
	{ "ended", "ended", "directions no longer read: another protocol, or out of step" },
	{ "messages", "messages", "of TCP sessions, whole ones" },
	{ "datagrams", "datagrams", "messages of UDP sessions" },
	{ "edited", "edited", "messages of TCP sessions that say other addresses now" },
	{ "late", "late", "messages that should have, but a part of which had left" },
	{ "cut", "cut", "segments without the part of a message, which is sent again" },
	{ "unreadable", "unreadable", "segments whose payload could not be read" },
	{ "unprintable", "unprintable", "messages without room for other addresses" },
	{ "expected", "expected", "connections announced, in the server-map" },
	{ "refused", "refused", "announced for a third host or a well-known port" },
	{ "no_port", "no-port", "announced, but no outside port was left" },
	{ "full", "full", "announced, but the server-map or the session's share was full" },
};

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct alg_table_stats st = alg_table_stats(engine_algs(m->engine));
	const struct snapshot *s = engine_snapshot(m->engine);
	json_t *row = json_object(), *on = json_array();

	(void)filter;
	(void)cursor;
	for (unsigned int id = ALG_NONE + 1; id < ALG_COUNT; id++) {
		if (s != NULL && (s->algs >> id & 1) != 0)
			json_array_append_new(on, json_string(alg_of((enum alg_id)id)->name));
	}
	json_object_set_new(row, "on", on);
	row_number(row, "sessions", st.streams.used);
	row_number(row, "max_sessions", st.streams.places);
	row_number(row, "unread", (long long)st.streams.none_free);
	row_number(row, "ended", (long long)st.streams.ended);
	row_number(row, "messages", (long long)st.streams.messages);
	row_number(row, "datagrams", (long long)st.datagrams);
	row_number(row, "edited", (long long)st.streams.edited);
	row_number(row, "late", (long long)st.streams.late);
	row_number(row, "cut", (long long)st.streams.cut);
	row_number(row, "unreadable", (long long)st.streams.unreadable);
	row_number(row, "unprintable", (long long)st.unprintable);
	row_number(row, "expected", (long long)st.expected);
	row_number(row, "refused", (long long)st.refused);
	row_number(row, "no_port", (long long)st.no_port);
	row_number(row, "full", (long long)st.full);
	json_array_append_new(rows, row);
	return false;
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	const json_t *on = json_object_get(row, "on"), *name;
	int used = snprintf(out, size, " Read:");
	size_t i;

	(void)verbose;
	json_array_foreach(on, i, name) if (used > 0 && (size_t)used < size) used +=
		snprintf(out + used, size - (size_t)used, " %s", json_string_value(name));
	if (used > 0 && (size_t)used < size)
		used += snprintf(out + used, size - (size_t)used, "%s\n",
			json_array_size(on) == 0 ? " nothing" : "");
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]) && used > 0 && (size_t)used < size; i++)
		used += snprintf(out + used, size - (size_t)used, "  %-16s %20lld  %s\n",
			lines[i].title,
			(long long)json_integer_value(json_object_get(row, lines[i].key)),
			lines[i].text);
}

static const struct view view_alg = {
	.name = "alg",
	.help = "application layer gateways: which are on, what they have read",
	.collect = collect,
	.print = print,
};

COMMAND_SHOW(alg, view_alg, false, "display alg: application layer gateways",
	COMMAND_WORD("display"), COMMAND_WORD("alg"));

static cmdline_parse_inst_t *const insts[] = { &inst_alg, NULL };
static const struct view *const views[] = { &view_alg, NULL };

const struct command command_alg = { .insts = insts, .views = views };
