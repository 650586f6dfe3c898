/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display hrp sync: what is mirrored, table by table.  display hrp sync config: the backup of the
 * configuration.  hrp sync: both once more, or one of them.
 */
#include "command.h"
#include "ha.h"
#include "ha_backup.h"
#include "hrp.h"
#include "management.h"
#include "row.h"

#include <stdio.h>
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

/* ---- the configuration ---- */

static const struct view_column config_columns[] = {
	{ "role", "Role" },
	{ "state", "State" },
	{ "automatic", "Automatic" },
	{ "generation", "Generation" },
	{ "digest", "Digest" },
	{ "peer_digest", "Peer's digest" },
	{ "last", "Last" },
	{ "last_s", "Last(s ago)" },
	{ "result", "Result" },
	{ "reason", "Reason" },
	{ NULL, NULL },
};

/* null: not known. */
static void
row_digest(json_t *row, const char *key, const uint8_t digest[CONFIG_DIGEST], bool known)
{
	char text[2 * CONFIG_DIGEST + 1];

	for (int i = 0; i < CONFIG_DIGEST; i++)
		snprintf(text + 2 * i, sizeof(text) - 2 * (size_t)i, "%02x", digest[i]);
	if (known)
		row_text(row, key, text);
	else
		json_object_set_new(row, key, json_null());
}

static json_t *
row_of_config(const struct config_backup_status *s, mono_t now)
{
	json_t *const row = json_object();

	row_text(row, "role", config_role_names[s->role]);
	row_text(row, "state", config_backup_state_names[s->state]);
	json_object_set_new(row, "automatic", json_boolean(s->automatic));
	row_number(row, "generation", s->generation);
	row_digest(row, "digest", s->digest, s->generation != 0);
	row_text(row, "peer_role", config_role_names[s->peer_role]);
	json_object_set_new(row, "peer_automatic", json_boolean(s->peer_automatic));
	row_number(row, "peer_generation", s->peer_generation);
	row_digest(row, "peer_digest", s->peer_digest, s->known);
	row_text(row, "last", s->ended.ns == 0 ? "none" : s->inbound ? "received" : "sent");
	row_ago(row, "last_s", s->ended.ns, now);
	row_text(row, "result", config_result_names[s->result]);
	row_text(row, "reason", s->reason);
	row_number(row, "bytes", s->size);
	row_number(row, "bytes_done", s->arrived);
	row_number(row, "chunks_out", s->sent);
	row_number(row, "chunks_in", s->received);
	row_number(row, "chunks_resent", s->resent);
	return row;
}

static bool
collect_config(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct ha_backup *const b =
		m->ha_state != NULL ? ha_config_backup(m->ha_state) : NULL;
	struct config_backup_status s;

	(void)filter;
	(void)cursor;
	if (b == NULL)
		return false;
	ha_backup_status(b, &s);
	json_array_append_new(rows, row_of_config(&s, management_now(m)));
	return false;
}

static const struct view view_sync_config = {
	.name = "hrp-sync-config",
	.help = "backup of the configuration: role, whether both boxes are equal, the last "
		"transfer",
	.columns = config_columns,
	.collect = collect_config,
};

COMMAND_SHOW(sync_config, view_sync_config, false,
	"display hrp sync config: backup of the configuration: role, whether both boxes are equal",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("sync"), COMMAND_WORD("config"));

/* ---- orders ---- */

static const char *
sync_states(const struct management *m)
{
	return m->ha_state != NULL && ha_sync(m->ha_state)
		       ? NULL
		       : "this box mirrors nothing: it is not active, or no peer hears it";
}

static const char *
sync_config(const struct management *m)
{
	struct ha_backup *const b = m->ha_state != NULL ? ha_config_backup(m->ha_state) : NULL;

	return b != NULL ? ha_backup_push(b) : "hot standby is not enabled";
}

static void
tell_order(struct console_client *client, const char *why, const char *show)
{
	if (why != NULL)
		console_error(client, "refused: %s\n", why);
	else
		console_print(client, " Begun; %s tells how it ends.\n", show);
}

static void
run_states(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	tell_order(client, sync_states(console_management(client)), "display hrp sync");
}

static void
run_config(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	tell_order(client, sync_config(console_management(client)), "display hrp sync config");
}

static void
run_both(void *parsed, struct cmdline *cl, void *client)
{
	run_config(parsed, cl, client);
	run_states(parsed, cl, client);
}

static cmdline_parse_inst_t inst_states = {
	.f = run_states,
	.help_str = "hrp sync connection-status: mirror everything once more, repair what differs",
	.tokens = { COMMAND_WORD("hrp"), COMMAND_WORD("sync"), COMMAND_WORD("connection-status"),
		NULL },
};
static cmdline_parse_inst_t inst_config = {
	.f = run_config,
	.help_str = "hrp sync config: send the configuration to the peer now, whatever it has",
	.tokens = { COMMAND_WORD("hrp"), COMMAND_WORD("sync"), COMMAND_WORD("config"), NULL },
};
static cmdline_parse_inst_t inst_both = {
	.f = run_both,
	.help_str = "hrp sync: both of them",
	.tokens = { COMMAND_WORD("hrp"), COMMAND_WORD("sync"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_sync, &inst_sync_config, &inst_states,
	&inst_config, &inst_both, NULL };
static const struct view *const views[] = { &view_sync, &view_sync_config, NULL };

extern const struct command command_hrp_sync;
const struct command command_hrp_sync = { .insts = insts, .views = views };
