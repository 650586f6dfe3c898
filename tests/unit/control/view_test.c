/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: cells, alignment, filters that a view does not know. */
#include "management.h"
#include "view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct out {
	char text[2048];
};

static void
emit(void *ctx, const char *text)
{
	struct out *o = ctx;

	snprintf(o->text + strlen(o->text), sizeof(o->text) - strlen(o->text), "%s", text);
}

static const struct view_column columns[] = { { "name", "Name" }, { "n", "Count" },
	{ "list", "List" }, { NULL, NULL } };
static const char *const filters[] = { "zone", NULL };
static const struct view table = { .name = "table", .columns = columns, .filters = filters };
static const struct view pairs = { .name = "pairs" };

static void
print_rows(const struct view *view, const char *rows, struct out *o)
{
	struct view_printer p = { .view = view };
	json_t *json = json_loads(rows, 0, NULL);

	assert_non_null(json);
	o->text[0] = '\0';
	view_print(&p, json, emit, o);
	json_decref(json);
}

static void
columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct out o;

	(void)state;
	print_rows(&table,
		"[{\"name\":\"a\",\"n\":5,\"list\":[\"x\",\"y\"]},"
		" {\"name\":\"long name\",\"n\":12345678,\"list\":[]}]",
		&o);
	assert_string_equal(o.text, " Name          Count  List\n"
				    " a                 5  x,y\n"
				    " long name  12345678  -\n");
}

static void
an_empty_table_is_its_heading(void **state)
{
	struct out o;

	(void)state;
	print_rows(&table, "[]", &o);
	assert_string_equal(o.text, " Name  Count  List\n");
}

static void
width_counts_characters_not_bytes(void **state)
{
	struct out o;

	(void)state;
	print_rows(&table,
		"[{\"name\":\"\xc3\xa9t\xc3\xa9\",\"n\":1,\"list\":null},"
		" {\"name\":\"abcde\",\"n\":2,\"list\":null}]",
		&o);
	assert_string_equal(o.text, " Name   Count  List\n"
				    " \xc3\xa9t\xc3\xa9        1     -\n"
				    " abcde      2     -\n");
}

static void
later_chunks_keep_the_first_chunks_widths(void **state)
{
	struct view_printer p = { .view = &table };
	json_t *one = json_loads("[{\"name\":\"abcdefgh\",\"n\":1,\"list\":[\"a\"]}]", 0, NULL);
	json_t *two = json_loads("[{\"name\":\"b\",\"n\":2,\"list\":[\"c\"]}]", 0, NULL);
	struct out o = { "" };

	(void)state;
	view_print(&p, one, emit, &o);
	view_print(&p, two, emit, &o);
	assert_string_equal(o.text, " Name      Count  List\n"
				    " abcdefgh      1  a\n"
				    " b             2  c\n");
	assert_int_equal(p.rows, 2);
	json_decref(one);
	json_decref(two);
}

static void
a_single_row_is_pairs(void **state)
{
	struct out o;

	(void)state;
	print_rows(&pairs, "[{\"product\":\"twinwall\",\"uptime_s\":7,\"on\":true}]", &o);
	assert_string_equal(o.text, " Product    : twinwall\n"
				    " Uptime (s) : 7\n"
				    " On         : yes\n");
}

static void
an_overlong_row_is_cut_at_the_line_buffer(void **state)
{
	json_t *rows = json_array(), *row = json_object();
	struct view_printer p = { .view = &table };
	struct out o = { "" };
	char name[1500];

	(void)state;
	memset(name, 'x', sizeof(name));
	json_object_set_new(row, "name", json_stringn(name, sizeof(name)));
	json_array_append_new(rows, row);
	view_print(&p, rows, emit, &o);
	assert_int_equal(o.text[strlen(o.text) - 1], '\n');
	json_decref(rows);
}

static void
a_filter_the_view_does_not_know_is_refused(void **state)
{
	static const struct {
		const char *filter, *reason;
	} rows[] = {
		{ "{\"zone\":\"trust\"}", NULL },
		{ "{}", NULL },
		{ "{\"colour\":1}", "table has no filter \"colour\"" },
		{ "{\"zone\":{}}", "filter \"zone\": expected a string, number or boolean" },
		{ "{\"zone\":null}", "filter \"zone\": expected a string, number or boolean" },
	};
	struct management m = { .rcu_reader = -1 };
	char err[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *filter = json_loads(rows[i].filter, 0, NULL);
		const bool good = view_check(&m, &table, filter, err, sizeof(err));

		assert_int_equal(good, rows[i].reason == NULL);
		if (!good)
			assert_string_equal(err, rows[i].reason);
		json_decref(filter);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(an_empty_table_is_its_heading),
		cmocka_unit_test(width_counts_characters_not_bytes),
		cmocka_unit_test(later_chunks_keep_the_first_chunks_widths),
		cmocka_unit_test(a_single_row_is_pairs),
		cmocka_unit_test(an_overlong_row_is_cut_at_the_line_buffer),
		cmocka_unit_test(a_filter_the_view_does_not_know_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
