/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall limits [sources]: what is counted where sessions are limited.
 */
#include "command.h"
#include "management.h"
#include "row.h"

#include <stdio.h>

#define SLOTS_PER_STEP 4096

static json_t *
counts(uint32_t sessions, uint32_t half_open, uint64_t refused)
{
	json_t *row = json_object();

	row_number(row, "sessions", sessions);
	row_number(row, "half_open", half_open);
	row_number(row, "refused", refused);
	return row;
}

static void
put_rule(json_t *row, const char *total, const char *half_open, const char *rate,
	const struct limit_rule *r)
{
	row_number(row, total, r->total);
	row_number(row, half_open, r->half_open);
	row_number(row, rate, r->interval_ns > 0 ? NS_PER_SEC / r->interval_ns : 0);
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const struct limit_table *t = engine_limits(m->engine);

	(void)filter;
	(void)cursor;
	for (uint8_t zone = 0; s != NULL && zone < MAX_ZONES; zone++) {
		const struct limit_count *n = &t->zones[zone];
		json_t *row;

		if ((s->limit_zones >> zone & 1) == 0)
			continue;
		row = counts(n->total, n->half_open, n->refused);
		row_text(row, "zone", row_zone(s, zone));
		put_rule(row, "total_max", "half_open_max", "rate_max", &s->limits[zone].zone);
		put_rule(row, "source_total_max", "source_half_open_max", "source_rate_max",
			&s->limits[zone].source);
		row_number(row, "source_length", s->limits[zone].len4);
		row_number(row, "source_length6", s->limits[zone].len6);
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view_column columns[] = {
	{ "zone", "Zone" },
	{ "sessions", "Sessions" },
	{ "total_max", "Max" },
	{ "half_open", "Half-open" },
	{ "half_open_max", "Max" },
	{ "rate_max", "Max 1/s" },
	{ "refused", "Refused" },
	{ "source_total_max", "Source max" },
	{ "source_half_open_max", "Half-open" },
	{ "source_rate_max", "1/s" },
	{ NULL, NULL },
};

static const struct view view_limits = {
	.name = "limits",
	.help = "zones whose sessions are limited",
	.columns = columns,
	.collect = collect,
};

/* ---- sources ---- */

static bool
collect_sources(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *snapshot = engine_snapshot(m->engine);
	const struct limit_table *t = engine_limits(m->engine);
	const uint32_t now = mono_seconds(management_now(m));

	(void)filter;
	if (!limit_used(t))
		return false;
	for (uint32_t i = 0; i < SLOTS_PER_STEP && *cursor < SOURCES; i++) {
		const struct source *s = &t->sources.entries[(*cursor)++];
		const uint32_t tag = source_tag(s);
		struct ip_addr address;
		uint32_t seen;
		json_t *row;

		if (!source_used(s) || (source_sessions(s) == 0 && s->refused == 0))
			continue;
		address = source_address(s);
		seen = s->seen;
		row = counts(source_sessions(s), s->half_open, s->refused);
		row_net(row, "source", &address, s->len);
		row_text(row, "zone", row_zone(snapshot, s->zone));
		row_number(row, "idle_s", now > seen ? now - seen : 0);
		if (source_tag(s) != tag) { /* another one by now */
			json_decref(row);
			continue;
		}
		json_array_append_new(rows, row);
		break;
	}
	return *cursor < SOURCES;
}

static void
head_sources(struct management *m, const json_t *filter, char *out, size_t size)
{
	(void)filter;
	snprintf(out, size, " Sources that found no room : %llu\n",
		(unsigned long long)engine_limits(m->engine)->sources.unknown);
}

static const struct view_column source_columns[] = {
	{ "source", "Source" },
	{ "zone", "Zone" },
	{ "sessions", "Sessions" },
	{ "half_open", "Half-open" },
	{ "refused", "Refused" },
	{ "idle_s", "Idle (s)" },
	{ NULL, NULL },
};

static const struct view view_sources = {
	.name = "limit-sources",
	.help = "sources in zones whose sessions are limited, with sessions or refusals",
	.columns = source_columns,
	.collect = collect_sources,
	.head = head_sources,
};

COMMAND_SHOW(limits, view_limits, false,
	"display firewall limits: zones whose sessions are limited", COMMAND_WORD("display"),
	COMMAND_WORD("firewall"), COMMAND_WORD("limits"));
COMMAND_SHOW(sources, view_sources, false,
	"display firewall limits sources: their sources, with sessions or refusals",
	COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("limits"),
	COMMAND_WORD("sources"));

static cmdline_parse_inst_t *const insts[] = { &inst_limits, &inst_sources, NULL };
static const struct view *const views[] = { &view_limits, &view_sources, NULL };

const struct command command_limit = { .insts = insts, .views = views };
