/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display hrp sync: what is mirrored, table by table.  hrp sync connection-status: all of it once
 * more.
 */
#include "command.h"
#include "ha.h"
#include "hrp.h"
#include "management.h"
#include "row.h"

#include <stdlib.h>
#include <string.h>

static const struct view_column columns[] = {
	{ "table", "Table" },
	{ "here", "Here" },
	{ "told", "Told" },
	{ "there", "There" },
	{ "copies", "Copies" },
	{ "out", "Out" },
	{ "in", "In" },
	{ "lag_median_ms", "Lag(ms)" },
	{ "lag_max_ms", "Max(ms)" },
	{ "unacked", "Unacked" },
	{ "resent", "Resent" },
	{ "dirty", "Dirty" },
	{ "last_bulk_s", "Bulk(s ago)" },
	{ "last_check_s", "Check(s ago)" },
	{ "differing", "Differed" },
	{ "repaired", "Repaired" },
	{ NULL, NULL },
};

/* Not shown as columns. */
static const struct {
	const char *key;
	size_t offset;
} counts[] = {
#define COUNT(member)                                                                              \
	{                                                                                          \
#member, offsetof(struct hrp_table_status, member)                                 \
	}
	COUNT(checked),
	COUNT(differing),
	COUNT(unrepaired),
	COUNT(repaired),
	COUNT(bulks_out),
	COUNT(bulks_in),
	COUNT(sent),
	COUNT(deleted),
	COUNT(installed),
	COUNT(removed),
	COUNT(refused),
	COUNT(unclaimed),
	COUNT(unknown),
	COUNT(adopted),
	COUNT(swept),
#undef COUNT
};

/* Seconds since; null: never. */
static void
row_ago(json_t *row, const char *key, uint64_t then_ns, mono_t now)
{
	if (then_ns != 0)
		row_number(row, key, now.ns > then_ns ? (now.ns - then_ns) / NS_PER_SEC : 0);
	else
		json_object_set_new(row, key, json_null());
}

static json_t *
row_of(const struct hrp_table_status *t, mono_t now)
{
	json_t *row = json_object();

	row_text(row, "table", t->name);
	row_number(row, "here", t->entries);
	row_number(row, "told", t->told);
	row_number(row, "there", t->there);
	row_number(row, "copies", t->copies);
	row_text(row, "out", hrp_bulk_state_names[t->bulk_out]);
	row_text(row, "in", hrp_bulk_state_names[t->bulk_in]);
	json_object_set_new(row, "lag_median_ms", json_real((double)t->lag_median_us / 1000));
	json_object_set_new(row, "lag_max_ms", json_real((double)t->lag_max_us / 1000));
	row_number(row, "unacked", t->unacked);
	row_number(row, "resent", t->resent);
	row_number(row, "dirty", t->dirty);
	row_ago(row, "last_bulk_s", t->bulk_ns, now);
	row_ago(row, "last_check_s", t->check_ns, now);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint64_t value;

		memcpy(&value, (const char *)t + counts[i].offset, sizeof(value));
		row_number(row, counts[i].key, value);
	}
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct hrp *const hrp = m->ha_state != NULL ? ha_hrp(m->ha_state) : NULL;
	struct hrp_status *const h = hrp != NULL ? malloc(sizeof(*h)) : NULL;

	(void)filter;
	(void)cursor;
	if (h == NULL)
		return false;
	hrp_status(hrp, h);
	for (uint64_t i = 0; i < h->tables_count; i++)
		json_array_append_new(rows, row_of(&h->tables[i], management_now(m)));
	free(h);
	return false;
}

static const struct view view_sync = {
	.name = "hrp-sync",
	.help = "what is mirrored, table by table: entries, proof, lag",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(sync, view_sync, false,
	"display hrp sync: what is mirrored, table by table: entries, proof, lag",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("sync"));

static void
run_batch(void *parsed, struct cmdline *cl, void *client)
{
	const struct management *const m = console_management(client);

	(void)parsed;
	(void)cl;
	if (m->ha_state == NULL || !ha_sync(m->ha_state))
		console_error(client, "refused: this box mirrors nothing: it is not active, or no "
				      "peer hears it\n");
	else
		console_print(client, " Begun; display hrp sync tells how it ends.\n");
}

static cmdline_parse_inst_t inst_batch = {
	.f = run_batch,
	.help_str = "hrp sync connection-status: mirror everything once more, repair what differs",
	.tokens = { COMMAND_WORD("hrp"), COMMAND_WORD("sync"), COMMAND_WORD("connection-status"),
		NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_sync, &inst_batch, NULL };
static const struct view *const views[] = { &view_sync, NULL };

extern const struct command command_hrp_sync;
const struct command command_hrp_sync = { .insts = insts, .views = views };
