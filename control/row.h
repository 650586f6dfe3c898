/*
 * Small helpers to build view rows.
 */
#pragma once

#include "snapshot.h"
#include "view.h"

#include <jansson.h>
#include <rte_byteorder.h>
#include <rte_ether.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void row_text(json_t *row, const char *key, const char *text);
void row_number(json_t *row, const char *key, uint64_t value);
void row_bool(json_t *row, const char *key, bool value);
void row_time(json_t *row, const char *key, uint64_t wall_ns); /* RFC 3339, UTC, microseconds */
void row_address(json_t *row, const char *key, rte_be32_t);    /* 0 => null */
void row_prefix(json_t *row, const char *key, rte_be32_t address, uint8_t len);
void row_ip(json_t *row, const char *key, const struct ip_addr *); /* unspecified => null */
void row_net(json_t *row, const char *key, const struct ip_addr *, uint8_t len);
void row_mac(json_t *row, const char *key, const struct rte_ether_addr *);

/* Names by number; "" when there is none (a number may be older than the snapshot). */
const char *row_interface(const struct snapshot *, uint16_t interface);
const char *row_zone(const struct snapshot *, uint8_t zone);

/* Named counters of a struct of uint64_t, one row each: "group", "counter", "value", "text". */
struct row_counter {
	const char *name; /* NULL ends a list */
	size_t offset;
	const char *text;
};

extern const struct view_column row_counter_columns[];
void row_counters(
	json_t *rows, const char *group, const void *counters, const struct row_counter *list);
void row_counter(
	json_t *rows, const char *group, const char *name, uint64_t value, const char *text);

/* For a view's print(): of a row that is to be shown; "-": no text. */
static inline const char *
row_text_of(const json_t *row, const char *key)
{
	const char *const text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "-";
}

static inline json_int_t
row_number_of(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

/* row_put: for a view's print(): more text at out[*used]; what finds no room whole is left out. */
void row_put(char *out, size_t size, size_t *used, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
