/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display self-test: what the self-test at the start has found (R216).
 */
#include "command.h"
#include "management.h"
#include "row.h"

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	(void)cursor;
	for (uint32_t i = 0; i < m->self_test.count; i++) {
		const struct self_test_result *const r = &m->self_test.results[i];
		json_t *const row = json_object();

		row_text(row, "test", r->name);
		row_text(row, "result", r->passed ? "passed" : "failed");
		row_number(row, "took_ms", r->ms);
		row_text(row, "text", r->text);
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view_column columns[] = {
	{ "test", "Test" },
	{ "result", "Result" },
	{ "took_ms", "ms" },
	{ "text", "" },
	{ NULL, NULL },
};

static const struct view view_self_test = {
	.name = "self_test",
	.help = "what the self-test at the start has found",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(self_test, view_self_test, false,
	"display self-test: what the self-test at the start has found", COMMAND_WORD("display"),
	COMMAND_WORD("self-test"));

static cmdline_parse_inst_t *const insts[] = { &inst_self_test, NULL };
static const struct view *const views[] = { &view_self_test, NULL };

const struct command command_self_test = { .insts = insts, .views = views };
