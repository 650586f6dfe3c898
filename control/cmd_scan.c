/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall scan: who has scanned lately.
 */
#include "command.h"
#include "management.h"
#include "row.h"
#include "scan_watch.h"

#include <stdio.h>

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct scan_watch *w = m->scans;
	const uint64_t count = w == NULL		   ? 0
			       : w->seen > SCAN_WATCH_LAST ? SCAN_WATCH_LAST
							   : w->seen;
	const mono_t now = management_now(m);

	(void)filter;
	(void)cursor;
	for (uint64_t i = 1; i <= count; i++) { /* the latest first */
		const struct scan_seen *s = &w->last[(w->seen - i) % SCAN_WATCH_LAST];
		json_t *row = json_object();

		row_net(row, "source", &s->event.source, s->event.len);
		row_text(row, "zone", row_zone(engine_snapshot(m->engine), s->event.zone));
		row_text(row, "kind", s->event.kind == SCAN_PORTS ? "ports" : "hosts");
		row_number(row, "ago_s", mono_since_ms(now, s->when) / 1000);
		row_bool(row, "blacklisted", s->listed);
		json_array_append_new(rows, row);
	}
	return false;
}

static void
head(struct management *m, const json_t *filter, char *out, size_t size)
{
	const struct scan_watch *w = m->scans;
	struct worker_stats st;

	(void)filter;
	engine_stats(m->engine, &st);
	snprintf(out, size, " Scans : %llu, reported %llu, excepted %llu, blacklisted %llu\n",
		(unsigned long long)st.scans, w != NULL ? (unsigned long long)w->seen : 0,
		w != NULL ? (unsigned long long)w->excepted : 0,
		w != NULL ? (unsigned long long)w->listed : 0);
}

static const struct view_column columns[] = {
	{ "source", "Source" },
	{ "zone", "Zone" },
	{ "kind", "Tries" },
	{ "ago_s", "Ago (s)" },
	{ "blacklisted", "Blacklisted" },
	{ NULL, NULL },
};

static const struct view view_scan = {
	.name = "scan",
	.help = "who has scanned lately, the latest first",
	.columns = columns,
	.collect = collect,
	.head = head,
};

COMMAND_SHOW(scan, view_scan, false, "display firewall scan: who has scanned lately",
	COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("scan"));

static cmdline_parse_inst_t *const insts[] = { &inst_scan, NULL };
static const struct view *const views[] = { &view_scan, NULL };

const struct command command_scan = { .insts = insts, .views = views };
