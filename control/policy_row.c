/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules and objects as text.  Management thread only.
 */
#include "policy_row.h"

#include "config_span.h"
#include "filter_word.h"
#include "log_time.h"
#include "management.h"
#include "policy_usage.h"
#include "row.h"

#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

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
	return json_sprintf(
		"%s%s%s", proto == 0 ? "any" : filter_protocol(proto, name), source, destination);
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
policy_row_service(const struct policy_service *s)
{
	return service(s->proto, &(struct config_range){ s->sport_min, s->sport_max },
		&(struct config_range){ s->dport_min, s->dport_max });
}

json_t *
policy_row_range(const struct policy_range *r)
{
	const struct config_span span = { .first = r->first, .last = r->last };
	char text[CONFIG_SPAN_TEXT];

	return json_string(config_span_text(&span, text));
}

json_t *
policy_row_builtin(const char *name)
{
	uint32_t count = 0;
	const struct policy_service *s = config_builtin_service(name, &count);
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, policy_row_service(&s[i]));
	return list;
}

void
policy_row_match(json_t *row, const struct config_rule *r)
{
	json_object_set_new(
		row, "source_zones", policy_row_names(&r->source_zones, CONFIG_ZONE_NAME));
	json_object_set_new(row, "destination_zones",
		policy_row_names(&r->destination_zones, CONFIG_ZONE_NAME));
	json_object_set_new(row, "source_addresses", policy_row_addresses(&r->source_addresses));
	json_object_set_new(
		row, "source_sets", policy_row_names(&r->source_sets, CONFIG_OBJECT_NAME));
	json_object_set_new(
		row, "destination_addresses", policy_row_addresses(&r->destination_addresses));
	json_object_set_new(row, "destination_sets",
		policy_row_names(&r->destination_sets, CONFIG_OBJECT_NAME));
	json_object_set_new(row, "services", policy_row_services(&r->services));
	json_object_set_new(
		row, "service_sets", policy_row_names(&r->service_sets, CONFIG_OBJECT_NAME));
}

static const char *
state(const struct policy *p, const struct config_rule *r, uint16_t slot)
{
	if (slot == 0)
		return "active";
	if (!r->enable)
		return "disabled";
	if (!policy_active(p, slot))
		return "outside its schedule";
	return policy_rule_shadow(p, slot) != 0 ? "never matches" : "active";
}

void
policy_row_state(json_t *row, const struct policy *p, const struct config_rule *r, uint16_t slot)
{
	const char *by = policy_rule_name(p, policy_rule_shadow(p, slot));

	row_text(row, "state", state(p, r, slot));
	json_object_set_new(row, "shadowed_by", by != NULL ? json_string(by) : json_null());
}

static void
put_time(json_t *row, const char *key, const struct management *m, uint32_t second)
{
	const struct log_time now = { .wall_ms = (uint64_t)time(NULL) * 1000,
		.engine_s = mono_seconds(management_now(m)) };
	const time_t then = (time_t)(log_time_wall(&now, second) / 1000);
	char text[32];
	struct tm utc;

	gmtime_r(&then, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	row_text(row, key, text);
}

/* Sessions may end between the two looks: never less than nothing. */
static uint64_t
with_living(uint64_t ended, uint64_t living)
{
	const uint64_t sum = ended + living;

	return sum >> 63 ? 0 : sum;
}

static void
put_last_hit(json_t *row, const struct management *m, const struct policy_counter *c)
{
	if (c->hits > 0)
		put_time(row, "last_hit", m, (uint32_t)c->last_s);
	else
		json_object_set_new(row, "last_hit", json_null());
}

void
policy_row_hits(json_t *row, const struct management *m, const struct policy_counter *c)
{
	row_number(row, "hits", c->hits);
	put_last_hit(row, m, c);
}

void
policy_row_counters(json_t *row, const struct management *m, const struct policy_counter *c,
	const struct policy_usage_of *living)
{
	row_number(row, "hits", c->hits);
	row_number(row, "packets", with_living(c->packets, living->packets));
	row_number(row, "bytes", with_living(c->bytes, living->bytes));
	row_number(row, "sessions", living->sessions);
	put_last_hit(row, m, c);
}
