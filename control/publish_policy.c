/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
zone_set(const struct config *c, const struct config_list *list, size_t name_size)
{
	uint64_t set = 0;

	for (uint32_t i = 0; i < list->count; i++)
		set |= UINT64_C(1) << config_zone_id(c, (const char *)list->items + i * name_size);
	return set;
}

static struct policy_range *
range_list(const struct config_list *list)
{
	const struct config_span *from = list->items;
	struct policy_range *to = calloc((size_t)list->count + 1, sizeof(*to));

	for (uint32_t i = 0; to != NULL && i < list->count; i++)
		to[i] = (struct policy_range){ .first = from[i].first, .last = from[i].last };
	return to;
}

static struct policy_service *
service_list(const struct config_list *list)
{
	const struct config_service *from = list->items;
	struct policy_service *to = calloc((size_t)list->count + 1, sizeof(*to));

	for (uint32_t i = 0; to != NULL && i < list->count; i++)
		to[i] = (struct policy_service){ .proto = (uint8_t)from[i].protocol_number,
			.sport_min = from[i].source_port.min,
			.sport_max = from[i].source_port.max,
			.dport_min = from[i].destination_port.min,
			.dport_max = from[i].destination_port.max };
	return to;
}

/* The lists made for one rule. */
struct lists {
	struct policy_range *sources, *destinations;
	struct policy_service *services;
};

static bool
fill_rule(const struct config *c, const struct config_rule *from, struct policy_rule *to,
	struct lists *lists)
{
	snprintf(to->name, sizeof(to->name), "%s", from->name);
	to->action = (enum policy_action)from->action;
	to->source_zones = zone_set(c, &from->source_zones, 32);
	to->destination_zones = zone_set(c, &from->destination_zones, 32);
	to->source_count = from->source_addresses.count;
	to->sources = lists->sources = range_list(&from->source_addresses);
	to->destination_count = from->destination_addresses.count;
	to->destinations = lists->destinations = range_list(&from->destination_addresses);
	to->service_count = from->services.count;
	to->services = lists->services = service_list(&from->services);
	return to->sources != NULL && to->destinations != NULL && to->services != NULL;
}

static void
explain(int error, char *err, size_t err_size)
{
	snprintf(err, err_size, "security_policy: %s",
		error == E2BIG ? "more rules or combinations than fit" : strerror(error));
}

struct policy *
publish_policy(const struct config *c, char *err, size_t err_size)
{
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_rule *from = p->rules.items;
	struct policy_rule *rules = calloc((size_t)p->rules.count + 1, sizeof(*rules));
	struct lists *lists = calloc((size_t)p->rules.count + 1, sizeof(*lists));
	bool filled = rules != NULL && lists != NULL;
	struct policy *policy = NULL;
	int error = ENOMEM;

	for (uint32_t i = 0; filled && i < p->rules.count; i++)
		filled = fill_rule(c, &from[i], &rules[i], &lists[i]);
	if (filled) {
		policy =
			policy_create(rules, p->rules.count, (enum policy_action)p->default_action);
		error = errno;
	}
	for (uint32_t i = 0; lists != NULL && i < p->rules.count; i++) {
		free(lists[i].sources);
		free(lists[i].destinations);
		free(lists[i].services);
	}
	free(lists);
	free(rules);
	if (policy == NULL)
		explain(error, err, err_size);
	return policy;
}
