/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Views: collecting and printing.  Management thread only.
 */
#include "view.h"

#include "management.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_TEXT 1024
#define CELL_MAX      256
#define PRINT_MAX     8192 /* a row's own text */

bool
view_collect(struct management *m, const struct view *view, const json_t *filter, uint64_t *cursor,
	json_t *rows)
{
	bool more;

	management_read_begin(m);
	more = view->collect(m, filter, cursor, rows);
	management_read_end(m);
	return more;
}

bool
view_check(struct management *m, const struct view *view, const json_t *filter, char *err,
	size_t err_size)
{
	const char *key;
	const json_t *value;

	/* The iterator of jansson 2.14 wants a pointer that may be written through; it only reads.
	 */
	for (void *i = json_object_iter((json_t *)(uintptr_t)filter); filter != NULL && i != NULL;
		i = json_object_iter_next((json_t *)(uintptr_t)filter, i)) {
		bool known = false;

		key = json_object_iter_key(i);
		value = json_object_iter_value(i);
		for (const char *const *f = view->filters; f != NULL && *f != NULL && !known; f++)
			known = strcmp(*f, key) == 0;
		if (!known) {
			snprintf(err, err_size, "%s has no filter \"%.40s\"", view->name, key);
			return false;
		}
		if (json_is_object(value) || json_is_array(value) || json_is_null(value)) {
			snprintf(err, err_size,
				"filter \"%s\": expected a string, number or boolean", key);
			return false;
		}
	}
	return view->check == NULL || view->check(m, filter, err, err_size);
}

const struct view *
view_find(const struct management *m, const char *name)
{
	for (const struct command *const *c = m->commands; c != NULL && *c != NULL; c++)
		for (const struct view *const *v = (*c)->views; v != NULL && *v != NULL; v++)
			if (strcmp((*v)->name, name) == 0)
				return *v;
	return NULL;
}

const char *
view_cell(const json_t *value, char *out, size_t size)
{
	size_t used = 0, i;
	json_t *item;
	char *text;

	out[0] = '\0';
	switch (value == NULL ? JSON_NULL : json_typeof(value)) {
	case JSON_STRING:
		snprintf(out, size, "%s",
			json_string_length(value) > 0 ? json_string_value(value) : "-");
		break;
	case JSON_INTEGER:
		snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		snprintf(out, size, "%.2f", json_real_value(value));
		break;
	case JSON_TRUE:
		snprintf(out, size, "yes");
		break;
	case JSON_FALSE:
		snprintf(out, size, "no");
		break;
	case JSON_NULL:
		snprintf(out, size, "-");
		break;
	case JSON_ARRAY:
		if (json_array_size(value) == 0)
			snprintf(out, size, "-");
		json_array_foreach(value, i, item)
		{
			char cell[CELL_MAX];

			view_cell(item, cell, sizeof(cell));
			used += (size_t)snprintf(
				out + used, size - used, "%s%s", i > 0 ? "," : "", cell);
			if (used >= size) {
				snprintf(out + size - 4, 4, "...");
				break;
			}
		}
		break;
	case JSON_OBJECT:
		text = json_dumps(value, JSON_COMPACT);
		snprintf(out, size, "%s", text != NULL ? text : "-");
		free(text);
		break;
	}
	return out;
}

/* chars: width of UTF-8 text, one per character. */
static uint32_t
chars(const char *text)
{
	uint32_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
measure(struct view_printer *p, const json_t *rows)
{
	char cell[CELL_MAX];
	json_t *row;
	size_t i;

	for (uint32_t c = 0; c < p->columns; c++) {
		p->width[c] = chars(p->view->columns[c].title);
		p->right[c] = json_array_size(rows) > 0;
	}
	json_array_foreach(rows, i, row)
	{
		for (uint32_t c = 0; c < p->columns; c++) {
			const json_t *value = json_object_get(row, p->view->columns[c].key);
			const uint32_t width = chars(view_cell(value, cell, sizeof(cell)));

			if (width > p->width[c])
				p->width[c] = width;
			if (value != NULL && !json_is_number(value) && !json_is_null(value))
				p->right[c] = false;
		}
	}
}

/* put_line: one table line; `row` NULL = the heading. */
static void
put_line(const struct view_printer *p, const json_t *row, void (*emit)(void *, const char *),
	void *ctx)
{
	char line[LINE_MAX_TEXT], cell[CELL_MAX];
	size_t used = 0;

	for (uint32_t c = 0; c < p->columns; c++) {
		const struct view_column *column = &p->view->columns[c];
		const char *text = row == NULL ? column->title
					       : view_cell(json_object_get(row, column->key), cell,
							 sizeof(cell));
		const uint32_t width = chars(text);
		const int pad = width < p->width[c] ? (int)(p->width[c] - width) : 0;
		const bool last = c + 1 == p->columns;
		const int n =
			snprintf(line + used, sizeof(line) - used, "%s%*s%s%*s", c > 0 ? "  " : " ",
				p->right[c] ? pad : 0, "", text, p->right[c] || last ? 0 : pad, "");

		if (n < 0 || (size_t)n >= sizeof(line) - used - 2) {
			used = sizeof(line) - 2;
			break;
		}
		used += (size_t)n;
	}
	line[used] = '\n';
	line[used + 1] = '\0';
	emit(ctx, line);
}

/* pair_title: "uptime_s" -> "Uptime (s)". */
static void
pair_title(const char *key, char *out, size_t size)
{
	static const char *const units[] = { "s", "ms", "us", "bytes" };
	const char *last = strrchr(key, '_');
	bool unit = false;

	for (size_t i = 0; last != NULL && i < sizeof(units) / sizeof(units[0]); i++)
		unit |= strcmp(last + 1, units[i]) == 0;
	if (unit)
		snprintf(out, size, "%.*s (%s)", (int)(last - key), key, last + 1);
	else
		snprintf(out, size, "%s", key);
	for (char *t = out; *t != '\0'; t++)
		if (*t == '_')
			*t = ' ';
	if (out[0] >= 'a' && out[0] <= 'z')
		out[0] = (char)(out[0] - 'a' + 'A');
}

/* put_pairs: one row as "Key : value" lines. */
static void
put_pairs(const json_t *row, void (*emit)(void *, const char *), void *ctx)
{
	char line[LINE_MAX_TEXT], title[64], cell[CELL_MAX];
	json_t *object = (json_t *)(uintptr_t)row; /* see view_check() */
	int width = 0;

	for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
		pair_title(json_object_iter_key(i), title, sizeof(title));
		if ((int)strlen(title) > width)
			width = (int)strlen(title);
	}
	for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
		pair_title(json_object_iter_key(i), title, sizeof(title));
		snprintf(line, sizeof(line), " %-*s : %s\n", width, title,
			view_cell(json_object_iter_value(i), cell, sizeof(cell)));
		emit(ctx, line);
	}
}

void
view_print(
	struct view_printer *p, const json_t *rows, void (*emit)(void *, const char *), void *ctx)
{
	char *text = p->view->print != NULL ? malloc(PRINT_MAX) : NULL;
	json_t *row;
	size_t i;

	if (p->view->columns != NULL && p->columns == 0)
		while (p->columns < VIEW_COLUMNS_MAX && p->view->columns[p->columns].key != NULL)
			p->columns++;
	if (p->columns > 0 && p->view->print == NULL && !p->started) {
		measure(p, rows);
		put_line(p, NULL, emit, ctx);
	}
	p->started = true;
	json_array_foreach(rows, i, row)
	{
		p->rows++;
		if (text != NULL) {
			text[0] = '\0';
			p->view->print(row, p->verbose, text, PRINT_MAX);
			emit(ctx, text);
		} else if (p->columns > 0) {
			put_line(p, row, emit, ctx);
		} else {
			put_pairs(row, emit, ctx);
		}
	}
	free(text);
}
