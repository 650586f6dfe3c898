/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall statistics: where packets ended.  Each worker's row (and their sum) satisfies
 * rx = forwarded + answered + punted + held + sum of drops, but for packets in work right now.
 */
#include "command.h"
#include "management.h"
#include "row.h"

#include <stdio.h>

static json_t *
stats_row(const struct worker_stats *st, int worker)
{
	json_t *row = json_object(), *drops = json_object(), *kinds = json_object();
	uint64_t dropped = 0;

	if (worker >= 0)
		row_number(row, "worker", (uint64_t)worker);
	else
		row_text(row, "worker", "all");
	row_number(row, "rx", st->rx);
	row_number(row, "forwarded", st->forwarded);
	row_number(row, "answered", st->answered);
	row_number(row, "punted", st->punted);
	row_number(row, "held", st->held); /* of one worker it can be negative */
	for (int i = 1; i < DROP_REASON_COUNT; i++) {
		dropped += st->drops[i];
		row_number(drops, drop_names[i], st->drops[i]);
	}
	row_number(row, "dropped", dropped);
	json_object_set_new(row, "drops", drops);
	row_number(row, "tx", st->tx);
	row_number(row, "injected", st->injected);
	row_number(row, "inject_dropped", st->inject_dropped);
	row_number(row, "sessions_created", st->sessions_created);
	row_number(row, "sessions_closed", st->sessions_closed);
	row_number(row, "sessions_aged", st->sessions_aged);
	row_number(row, "sessions_denied", st->sessions_denied);
	row_number(row, "sessions_evicted", st->sessions_evicted);
	row_number(row, "scans", st->scans);
	row_number(row, "scans_lost", st->scans_lost);
	row_number(row, "mirror_by_sweep", st->events_lost_to_sweep);
	row_number(row, "deferred", st->deferred);
	row_number(row, "deferred_acked", st->deferred_acked);
	row_number(row, "deferred_late", st->deferred_late);
	row_number(row, "deferred_off", st->deferred_off);
	row_number(row, "deferred_full", st->deferred_full);
	row_number(row, "foreign_lookups", st->foreign_lookups);
	row_number(row, "notices", st->notices);
	for (int i = 1; i < NOTICE_KINDS; i++)
		row_number(kinds, notice_names[i], st->notices_made[i]);
	json_object_set_new(row, "notices_made", kinds);
	row_number(row, "notices_limited", st->notices_limited);
	row_number(row, "notices_lost", st->notices_lost);
	row_number(row, "fragmented", st->fragmented);
	row_number(row, "fragments", st->fragments);
	row_number(row, "fragments_lost", st->fragments_lost);
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct worker_stats st;

	(void)cursor;
	engine_stats(m->engine, &st);
	json_array_append_new(rows, stats_row(&st, -1));
	for (uint16_t i = 0; json_is_true(json_object_get(filter, "per_worker")) &&
			     i < engine_worker_count(m->engine);
		i++) {
		worker_stats(engine_worker(m->engine, i), &st);
		json_array_append_new(rows, stats_row(&st, i));
	}
	return false;
}

static bool
check(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	(void)m;
	if (json_is_boolean(json_object_get(filter, "per_worker")) || json_object_size(filter) == 0)
		return true;
	snprintf(err, err_size, "per_worker: expected true or false");
	return false;
}

static const char *const filters[] = { "per_worker", NULL };

/* What the console prints: key, heading, explanation. */
static const struct {
	const char *key, *title, *text;
} lines[] = {
	{ "rx", "received", "packets taken from the ports" },
	{ "forwarded", "forwarded", "sent on to another interface" },
	{ "answered", "answered", "echo requests to own addresses" },
	{ "punted", "punted", "ARP, ND, VRRP and unresolved next hops, to the control core" },
	{ "held", "held", "fragments that wait for the rest, first packets for the peer" },
	{ "dropped", "dropped", "sum of the reasons below" },
	{ "tx", "transmitted", "handed to the ports, own packets included" },
	{ "injected", "injected", "own packets from the control core" },
	{ "inject_dropped", "inject-dropped", "own packets that could not be sent" },
	{ "sessions_created", "sessions-created", "" },
	{ "sessions_closed", "sessions-closed", "removed by their protocol or by reset" },
	{ "sessions_aged", "sessions-aged", "removed after their idle time" },
	{ "sessions_denied", "sessions-denied", "ended by a change of the policy" },
	{ "sessions_evicted", "sessions-evicted", "ended to make room in a full table" },
	{ "scans", "scans", "sources seen to try many ports or hosts" },
	{ "scans_lost", "scans-lost", "of these, not reported: too many at once" },
	{ "mirror_by_sweep", "mirror-by-sweep",
		"changes the peer hears of later: event ring full" },
	{ "deferred", "deferred", "first packets that waited for the peer" },
	{ "deferred_acked", "deferred-acked", "of these, until it had the session" },
	{ "deferred_late", "deferred-late", "of these, until their time was over" },
	{ "deferred_off", "deferred-off", "of these, until the peer was not active any more" },
	{ "deferred_full", "deferred-full", "did not wait: too many" },
	{ "foreign_lookups", "foreign-lookups", "packets that arrived at another worker's queue" },
	{ "notices", "notices", "ICMP errors and resets of our own, by kind below" },
	{ "notices_limited", "notices-limited", "not made: too many, see icmp.rate" },
	{ "notices_lost", "notices-lost", "no buffer, no address, or not sent" },
	{ "fragmented", "fragmented", "packets cut for a smaller MTU" },
	{ "fragments", "fragments", "their pieces sent beyond the first" },
	{ "fragments_lost", "fragments-lost", "such pieces that could not be sent" },
};

static uint64_t
number(const json_t *row, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(row, key));
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	const json_t *worker = json_object_get(row, "worker");
	const json_t *drops = json_object_get(row, "drops");
	const json_t *kinds = json_object_get(row, "notices_made");
	size_t used = 0;

	(void)verbose;
#define PUT(...) row_put(out, size, &used, __VA_ARGS__)
	if (json_is_integer(worker))
		PUT(" Worker %lld\n", (long long)json_integer_value(worker));
	else
		PUT(" All workers\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		PUT("  %-16s %20lld%s%s\n", lines[i].title, (long long)number(row, lines[i].key),
			lines[i].text[0] ? "  " : "", lines[i].text);
	for (int i = 1; i < DROP_REASON_COUNT; i++)
		if (number(drops, drop_names[i]) > 0)
			PUT("  drop %-15s %16llu  %s\n", drop_names[i],
				(unsigned long long)number(drops, drop_names[i]), drop_texts[i]);
	for (int i = 1; i < NOTICE_KINDS; i++)
		if (number(kinds, notice_names[i]) > 0)
			PUT("  notice %-13s %16llu  %s\n", notice_names[i],
				(unsigned long long)number(kinds, notice_names[i]),
				notice_texts[i]);
#undef PUT
}

static const struct view view_statistics = {
	.name = "statistics",
	.help = "where packets ended, and the drop reasons; per_worker = true adds a row per "
		"worker",
	.collect = collect,
	.filters = filters,
	.check = check,
	.print = print,
};

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	console_view(client, &view_statistics, NULL, false);
}

static void
show_verbose(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	console_view(client, &view_statistics, json_pack("{s:b}", "per_worker", 1), true);
}

static cmdline_parse_inst_t inst_show = {
	.f = show,
	.help_str = "display firewall statistics: where packets ended, and the drop reasons",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("statistics"),
		NULL },
};
static cmdline_parse_inst_t inst_verbose = {
	.f = show_verbose,
	.help_str = "display firewall statistics verbose: the same, and for each worker",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("statistics"),
		COMMAND_WORD("verbose"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_verbose, NULL };
static const struct view *const views[] = { &view_statistics, NULL };

const struct command command_statistics = { .insts = insts, .views = views };
