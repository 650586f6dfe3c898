/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall statistics drop: why packets were dropped, by interface (ports without one by
 * port) or summed by zone.  Workers count by interface; which zone that is in is looked up here.
 */
#include "command.h"
#include "management.h"
#include "row.h"

#include <stdio.h>
#include <string.h>

/* put_drops: a row per reason with a count; `interface` and `port` NULL = null. */
static void
put_drops(json_t *rows, const char *interface, const char *port, const char *zone,
	const uint64_t drops[DROP_REASON_COUNT])
{
	const struct {
		const char *key, *value;
	} words[] = { { "interface", interface }, { "port", port }, { "zone", zone } };

	for (int r = 1; r < DROP_REASON_COUNT; r++) {
		json_t *row;

		if (drops[r] == 0)
			continue;
		row = json_object();
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (words[i].value != NULL)
				row_text(row, words[i].key, words[i].value);
			else
				json_object_set_new(row, words[i].key, json_null());
		}
		row_text(row, "reason", drop_names[r]);
		row_number(row, "packets", drops[r]);
		row_text(row, "text", drop_texts[r]);
		json_array_append_new(rows, row);
	}
}

/* The name of a place's interface or port, and its zone. */
struct place {
	const char *interface, *port, *zone; /* NULL: none */
};

static struct place
place_of(const struct management *m, const struct snapshot *s, uint16_t place)
{
	const bool is_interface = s != NULL && place < s->interface_count;
	const struct snapshot_interface *in = is_interface ? &s->interfaces[place] : NULL;
	const struct port *port = engine_port(
		m->engine, is_interface ? in->port : (uint16_t)(place - MAX_INTERFACES));

	return (struct place){
		.interface = is_interface ? in->name : NULL,
		.port = port != NULL ? port->name : NULL,
		.zone = is_interface ? row_zone(s, in->zone) : NULL,
	};
}

/* => is `want`, a string or nothing, this one? */
static bool
is(const json_t *want, const char *name)
{
	return want == NULL || (name != NULL && strcmp(json_string_value(want), name) == 0);
}

static void
collect_zones(
	const struct management *m, const struct snapshot *s, const json_t *zone, json_t *rows)
{
	for (uint8_t z = 1; z < MAX_ZONES; z++) {
		uint64_t sum[DROP_REASON_COUNT] = { 0 }, drops[DROP_REASON_COUNT];

		if (!is(zone, s->zones[z].name))
			continue;
		for (uint16_t i = 0; i < s->interface_count; i++) {
			if (s->interfaces[i].zone != z)
				continue;
			engine_drops(m->engine, i, drops);
			for (int r = 1; r < DROP_REASON_COUNT; r++)
				sum[r] += drops[r];
		}
		put_drops(rows, NULL, NULL, s->zones[z].name, sum);
	}
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const json_t *interface = json_object_get(filter, "interface");
	const json_t *zone = json_object_get(filter, "zone");

	(void)cursor;
	if (zone != NULL || json_is_true(json_object_get(filter, "per_zone"))) {
		if (s != NULL)
			collect_zones(m, s, zone, rows);
		return false;
	}
	for (uint16_t i = 0; i < DROP_PLACES; i++) {
		const struct place p = place_of(m, s, i);
		uint64_t drops[DROP_REASON_COUNT];

		if (!is(interface, p.interface))
			continue;
		engine_drops(m->engine, i, drops);
		put_drops(rows, p.interface, p.port, p.zone, drops);
	}
	return false;
}

static bool
check(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	const struct snapshot *s = engine_snapshot(m->engine);
	const json_t *interface = json_object_get(filter, "interface");
	const json_t *zone = json_object_get(filter, "zone");
	const json_t *per_zone = json_object_get(filter, "per_zone");
	bool found = false;

	if ((interface != NULL) + (zone != NULL) + (per_zone != NULL) > 1) {
		snprintf(err, err_size, "expected one of interface, zone and per_zone");
		return false;
	}
	if (per_zone != NULL && !json_is_true(per_zone)) {
		snprintf(err, err_size, "per_zone: expected true");
		return false;
	}
	for (uint16_t i = 0; interface != NULL && s != NULL && i < s->interface_count; i++)
		found |= json_is_string(interface) && is(interface, s->interfaces[i].name);
	for (uint8_t z = 1; zone != NULL && s != NULL && z < MAX_ZONES; z++)
		found |= json_is_string(zone) && s->zones[z].priority != 0 &&
			 is(zone, s->zones[z].name);
	if ((interface != NULL || zone != NULL) && !found)
		snprintf(err, err_size, "%s: expected the name of %s",
			zone != NULL ? "zone" : "interface",
			zone != NULL ? "a zone" : "an interface");
	return (interface == NULL && zone == NULL) || found;
}

static const char *const filters[] = { "interface", "zone", "per_zone", NULL };

static const struct view_column columns[] = {
	{ "interface", "Interface" },
	{ "port", "Port" },
	{ "zone", "Zone" },
	{ "reason", "Reason" },
	{ "packets", "Packets" },
	{ "text", "Explanation" },
	{ NULL, NULL },
};

static const struct view view_drops = {
	.name = "drops",
	.help = "drop reasons that have counted, by interface; of one interface, or summed by zone "
		"(zone = one zone, per_zone = true: each)",
	.columns = columns,
	.collect = collect,
	.check = check,
	.filters = filters,
};

#define STATISTICS_DROP                                                                            \
	COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("statistics"),             \
		COMMAND_WORD("drop")

COMMAND_SHOW(drop, view_drops, false, "display firewall statistics drop: drop reasons by interface",
	STATISTICS_DROP);

/* show_one: console words name the filter: "interface" or "zone". */
static void
show_one(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	json_t *filter = json_pack("{s:s}", r->word, r->argument);

	(void)cl;
	if (filter == NULL)
		console_error(client, "%s: not valid text", r->word);
	else
		console_view(client, &view_drops, filter, false);
}

static void
show_zones(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	console_view(client, &view_drops, json_pack("{s:b}", "per_zone", 1), false);
}

static cmdline_parse_inst_t inst_interface = {
	.f = show_one,
	.help_str = "display firewall statistics drop interface NAME: those of one interface",
	.tokens = { STATISTICS_DROP, COMMAND_WORD("interface"), COMMAND_ARGUMENT, NULL },
};
static cmdline_parse_inst_t inst_zone = {
	.f = show_one,
	.help_str = "display firewall statistics drop zone NAME: the sums of one zone",
	.tokens = { STATISTICS_DROP, COMMAND_WORD("zone"), COMMAND_ARGUMENT, NULL },
};
static cmdline_parse_inst_t inst_zones = {
	.f = show_zones,
	.help_str = "display firewall statistics drop zone: the sums of each zone",
	.tokens = { STATISTICS_DROP, COMMAND_WORD("zone"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_drop, &inst_interface, &inst_zone, &inst_zones,
	NULL };
static const struct view *const views[] = { &view_drops, NULL };

const struct command command_drop = { .insts = insts, .views = views };
