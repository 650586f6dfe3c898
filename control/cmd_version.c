/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display version: what runs, for how long, and how large it is.
 */
#include "command.h"
#include "management.h"

#include <rte_version.h>

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_system *sys =
		m->config != NULL ? config_section_data(m->config, "system") : NULL;
	json_t *row = json_object();

	(void)filter;
	(void)cursor;
	json_object_set_new(row, "product", json_string("twinwall"));
	json_object_set_new(row, "version", json_string(TWINWALL_VERSION));
	json_object_set_new(row, "dpdk", json_string(rte_version()));
	json_object_set_new(row, "name", json_string(sys != NULL ? sys->name : ""));
	json_object_set_new(
		row, "configuration", json_string(m->config_path != NULL ? m->config_path : ""));
	json_object_set_new(row, "uptime_s",
		json_integer((json_int_t)(mono_since_ms(management_now(m), m->started) / 1000)));
	if (m->engine != NULL) {
		const struct session_table *t = engine_sessions(m->engine);

		json_object_set_new(row, "workers", json_integer(engine_worker_count(m->engine)));
		json_object_set_new(row, "sessions", json_integer(session_table_count(t)));
		json_object_set_new(row, "sessions_max", json_integer(session_table_capacity(t)));
		json_object_set_new(row, "session_memory_bytes",
			json_integer((json_int_t)session_table_memory(t)));
	}
	json_array_append_new(rows, row);
	return false;
}

static const struct view view_version = {
	.name = "version",
	.help = "product, versions, uptime and sizes",
	.collect = collect,
};

COMMAND_SHOW(version, view_version, false, "display version: product, versions, uptime and sizes",
	COMMAND_WORD("display"), COMMAND_WORD("version"));

static cmdline_parse_inst_t *const insts[] = { &inst_version, NULL };
static const struct view *const views[] = { &view_version, NULL };

const struct command command_version = { .insts = insts, .views = views };
