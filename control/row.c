/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building view rows.  Management thread only.
 */
#include "row.h"

#include "config_address.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
row_text(json_t *row, const char *key, const char *text)
{
	json_t *value = json_string(text);

	/* Names come from files: one that is no UTF-8 must not lose the row. */
	json_object_set_new(row, key, value != NULL ? value : json_string("?"));
}

void
row_number(json_t *row, const char *key, uint64_t value)
{
	json_object_set_new(row, key, json_integer((json_int_t)value));
}

void
row_bool(json_t *row, const char *key, bool value)
{
	json_object_set_new(row, key, json_boolean(value));
}

void
row_time(json_t *row, const char *key, uint64_t wall_ns)
{
	const time_t second = (time_t)(wall_ns / NS_PER_SEC);
	char text[48];
	struct tm utc;
	size_t len;

	gmtime_r(&second, &utc);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, sizeof(text) - len, ".%06uZ",
		(unsigned int)(wall_ns % NS_PER_SEC / NS_PER_US));
	row_text(row, key, text);
}

void
row_address(json_t *row, const char *key, rte_be32_t address)
{
	char text[CONFIG_ADDRESS_TEXT];

	json_object_set_new(row, key,
		address != 0 ? json_string(config_address_text(address, text)) : json_null());
}

void
row_prefix(json_t *row, const char *key, rte_be32_t address, uint8_t len)
{
	const struct config_prefix prefix = { .address = address, .len = len };
	char text[CONFIG_ADDRESS_TEXT];

	row_text(row, key, config_address_prefix_text(&prefix, text));
}

void
row_ip(json_t *row, const char *key, const struct ip_addr *a)
{
	const bool none = a->family == 6 ? ip6_is_unspecified(a->v6) : a->v4 == 0;
	char text[CONFIG_IP_TEXT];

	json_object_set_new(
		row, key, none ? json_null() : json_string(config_address_ip_text(a, text)));
}

void
row_net(json_t *row, const char *key, const struct ip_addr *a, uint8_t len)
{
	const struct config_net net = { .address = *a, .len = len };
	char text[CONFIG_IP_TEXT];

	row_text(row, key, config_address_net_text(&net, text));
}

void
row_mac(json_t *row, const char *key, const struct rte_ether_addr *mac)
{
	const uint8_t *b = mac->addr_bytes;
	char text[24];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		b[5]);
	row_text(row, key, text);
}

const char *
row_interface(const struct snapshot *s, uint16_t interface)
{
	return s != NULL && interface < s->interface_count ? s->interfaces[interface].name : "";
}

const char *
row_zone(const struct snapshot *s, uint8_t zone)
{
	return s != NULL && zone < MAX_ZONES && s->zones[zone].priority != 0 ? s->zones[zone].name
									     : "";
}

const struct view_column row_counter_columns[] = {
	{ "group", "Group" },
	{ "counter", "Counter" },
	{ "value", "Value" },
	{ "text", "Meaning" },
	{ NULL, NULL },
};

void
row_counter(json_t *rows, const char *group, const char *name, uint64_t value, const char *text)
{
	json_t *row = json_object();

	row_text(row, "group", group);
	row_text(row, "counter", name);
	row_number(row, "value", value);
	row_text(row, "text", text);
	json_array_append_new(rows, row);
}

void
row_counters(json_t *rows, const char *group, const void *counters, const struct row_counter *list)
{
	for (; list->name != NULL; list++) {
		uint64_t value;

		memcpy(&value, (const char *)counters + list->offset, sizeof(value));
		row_counter(rows, group, list->name, value, list->text);
	}
}

void
row_put(char *out, size_t size, size_t *used, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(out + *used, size - *used, fmt, args);
	va_end(args);
	*used += n > 0 && (size_t)n < size - *used ? (size_t)n : 0;
}
