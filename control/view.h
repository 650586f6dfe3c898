/*
 * Views: the objects operators and programs look at.  A view says how to collect rows (JSON
 * objects) and which of their keys are columns on the console, so that both outputs come from one
 * place.
 *
 * Management thread only; collect() reads other threads' data through their public, racy-safe
 * calls.
 */
#pragma once

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything a view or command can reach; filled by app/ at start. */
struct management;

struct view_column {
	const char *key;   /* of the JSON row */
	const char *title; /* console heading */
};

/* Large views are collected in steps: collect() adds rows to `rows` (a JSON array) and returns
 * true while there is more; *cursor starts at 0 and is the view's own.  A step is short (well under
 * a millisecond) and may add no row at all; views of more than some hundred rows add at most one
 * row per step, so that an answer can stop at any row. */
struct view {
	const char *name; /* JSON "get" word, for example "interface" */
	const char *help;
	const struct view_column
		*columns; /* ends with key NULL; NULL = key/value list of one row */
	bool (*collect)(struct management *, const json_t *filter, uint64_t *cursor, json_t *rows);
	const char *const *filters; /* keys `filter` may have, NULL-terminated; NULL = none */
	/* Own text for one row (the session table's format), NULL = aligned columns. */
	void (*print)(const json_t *row, bool verbose, char *out, size_t size);
	/* Text before the first row, NULL = none. */
	void (*head)(struct management *, const json_t *filter, char *out, size_t size);
	/* Are the filter's values good?  => false with a reason; NULL = any value. */
	bool (*check)(struct management *, const json_t *filter, char *err, size_t err_size);
	/* Console: say "Shown : N" after the last row when a filter was given. */
	bool count_shown;
};

#define VIEW_COLUMNS_MAX 16

/* view_collect: one step of a view, with this thread visible to grace periods. => more? */
bool view_collect(struct management *, const struct view *, const json_t *filter, uint64_t *cursor,
	json_t *rows);
/* view_check: are the filter's keys and values ones the view knows?  => false with a reason. */
bool view_check(
	struct management *, const struct view *, const json_t *filter, char *err, size_t err_size);
/* view_find: a view of any folder by its name, NULL. */
const struct view *view_find(const struct management *, const char *name);

/* view_cell: what the console prints for a value. => out. */
const char *view_cell(const json_t *value, char *out, size_t size);

/* Printing in chunks: column widths come from the titles and the first chunk. */
struct view_printer {
	const struct view *view;
	bool verbose;
	bool started; /* heading printed */
	uint32_t columns;
	uint32_t width[VIEW_COLUMNS_MAX];
	bool right[VIEW_COLUMNS_MAX]; /* numbers */
	uint64_t rows;
};
void view_print(
	struct view_printer *, const json_t *rows, void (*emit)(void *, const char *), void *ctx);
