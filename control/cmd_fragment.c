/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall statistics fragment: what the fragment table holds and what became of datagrams
 * in fragments.  Why single fragments were dropped is among the drop reasons.
 */
#include "command.h"
#include "frag_table.h"
#include "management.h"
#include "row.h"

#include <stdio.h>

/* Key, heading, explanation. */
static const struct {
	const char *key, *title, *text;
} lines[] = {
	{ "datagrams", "datagrams", "incomplete now" },
	{ "max_datagrams", "max-datagrams", "of these there may be" },
	{ "held", "held", "their fragments" },
	{ "buffers", "buffers", "packet buffers that these take" },
	{ "max_buffers", "max-buffers", "of these there may be" },
	{ "begun", "begun", "datagrams of which a fragment has come" },
	{ "complete", "complete", "datagrams that were put through as a packet" },
	{ "poisoned", "poisoned", "datagrams with overlapping or too many fragments" },
	{ "timed_out", "timed-out", "datagrams that were not complete in time" },
	{ "evicted", "evicted", "datagrams that gave way to newer ones" },
};

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct frag_table *t = engine_fragments(m->engine);
	const struct snapshot *s = engine_snapshot(m->engine);
	struct frag_stats st = { 0 };
	json_t *row = json_object();

	(void)filter;
	(void)cursor;
	if (t != NULL)
		frag_table_stats(t, &st);
	row_bool(row, "forward", t != NULL && s != NULL && !s->fragments.drop);
	row_number(row, "timeout_s", s != NULL ? s->fragments.timeout : 0);
	row_number(row, "per_datagram", s != NULL ? s->fragments.most : 0);
	row_number(row, "datagrams", st.datagrams);
	row_number(row, "max_datagrams", st.max_datagrams);
	row_number(row, "held", st.fragments);
	row_number(row, "buffers", st.buffers);
	row_number(row, "max_buffers", st.max_buffers);
	row_number(row, "begun", st.begun);
	row_number(row, "complete", st.complete);
	row_number(row, "poisoned", st.poisoned);
	row_number(row, "timed_out", st.timed_out);
	row_number(row, "evicted", st.evicted);
	json_array_append_new(rows, row);
	return false;
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	int used = snprintf(out, size,
		" Fragments are %s: up to %lld of a datagram, held up to %lld s\n",
		json_is_true(json_object_get(row, "forward")) ? "forwarded" : "dropped",
		(long long)json_integer_value(json_object_get(row, "per_datagram")),
		(long long)json_integer_value(json_object_get(row, "timeout_s")));

	(void)verbose;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && used > 0 && (size_t)used < size;
		i++)
		used += snprintf(out + used, size - (size_t)used, "  %-16s %20lld  %s\n",
			lines[i].title,
			(long long)json_integer_value(json_object_get(row, lines[i].key)),
			lines[i].text);
}

static const struct view view_fragment = {
	.name = "fragment-statistics",
	.help = "datagrams in fragments: what is held, what became of them",
	.collect = collect,
	.print = print,
};

COMMAND_SHOW(fragment, view_fragment, false,
	"display firewall statistics fragment: datagrams in fragments", COMMAND_WORD("display"),
	COMMAND_WORD("firewall"), COMMAND_WORD("statistics"), COMMAND_WORD("fragment"));

static cmdline_parse_inst_t *const insts[] = { &inst_fragment, NULL };
static const struct view *const views[] = { &view_fragment, NULL };

const struct command command_fragment = { .insts = insts, .views = views };
