/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules and objects as text.  Management thread only.
 */
#include "policy_row.h"

#include "config_span.h"
#include "session_filter.h"

#include <netinet/in.h>
#include <stdio.h>

json_t *
policy_row_names(const struct config_list *names, size_t name_size)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < names->count; i++)
		json_array_append_new(
			list, json_string((const char *)names->items + i * name_size));
	return list;
}

json_t *
policy_row_addresses(const struct config_list *spans)
{
	const struct config_span *span = spans->items;
	json_t *list = json_array();
	char text[CONFIG_SPAN_TEXT];

	for (uint32_t i = 0; i < spans->count; i++)
		json_array_append_new(list, json_string(config_span_text(&span[i], text)));
	return list;
}

/* ports: " WORD N" or " WORD N-M"; nothing when any port will do. */
static void
ports(char *out, size_t size, const char *word, uint16_t min, uint16_t max)
{
	out[0] = '\0';
	if (min == 0 && max == UINT16_MAX)
		return;
	if (min == max)
		snprintf(out, size, " %s %u", word, min);
	else
		snprintf(out, size, " %s %u-%u", word, min, max);
}

static json_t *
service(uint8_t proto, const struct config_range *from, const struct config_range *to)
{
	const bool icmp = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
	char name[8], source[32], destination[32];

	ports(source, sizeof(source), "from", from->min, from->max);
	ports(destination, sizeof(destination), "to", to->min, to->max);
	if (icmp && to->min == to->max)
		snprintf(destination, sizeof(destination), " type %u code %u", to->min >> 8,
			to->min & 255);
	else if (icmp && to->max - to->min == 255)
		snprintf(destination, sizeof(destination), " type %u", to->min >> 8);
	return json_sprintf("%s%s%s", proto == 0 ? "any" : session_filter_protocol(proto, name),
		source, destination);
}

json_t *
policy_row_services(const struct config_list *from)
{
	const struct config_service *p = from->items;
	json_t *list = json_array();

	for (uint32_t i = 0; i < from->count; i++)
		json_array_append_new(list, service((uint8_t)p[i].protocol_number,
						    &p[i].source_port, &p[i].destination_port));
	return list;
}

json_t *
policy_row_builtin(const char *name)
{
	static const struct config_range any = { 0, UINT16_MAX };
	uint32_t count = 0;
	const struct policy_service *s = config_builtin_service(name, &count);
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++) {
		const struct config_range to = { s[i].dport_min, s[i].dport_max };

		json_array_append_new(list, service(s[i].proto, &any, &to));
	}
	return list;
}
