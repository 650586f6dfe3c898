/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules of every kind refer to must exist.
 */
#include "config_policy.h"
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
check_zones(struct config *c, const struct config_rule *r, const struct config_list *list,
	const char *setting)
{
	const char(*names)[CONFIG_ZONE_NAME] = list->items;
	char element[48];

	for (uint32_t i = 0; i < list->count; i++) {
		if (config_zone_id(c, names[i]) != ZONE_NONE)
			continue;
		snprintf(element, sizeof(element), "%s[%u]", setting, i);
		return config_fail(c, &r->origin, element,
			"unknown zone \"%s\", expected local, trust, dmz, untrust or one of the "
			"section "
			"zones",
			names[i]);
	}
	return 0;
}

/* Names of objects that must exist. */
static int
check_names(struct config *c, const struct config_rule *r, const struct config_list *list,
	const char *setting, const char *section, size_t item_size)
{
	const char(*names)[CONFIG_OBJECT_NAME] = list->items;
	char element[48];
	uint32_t count;

	for (uint32_t i = 0; i < list->count; i++) {
		if (config_set_find(config_section_data(c, section), item_size, names[i]) >= 0)
			continue;
		if (list == &r->service_sets && config_builtin_service(names[i], &count) != NULL)
			continue;
		snprintf(element, sizeof(element), "%s[%u]", setting, i);
		return config_fail(c, &r->origin, element,
			"unknown set \"%s\", expected one of the section %s", names[i], section);
	}
	return 0;
}

static int
check_objects(struct config *c, const struct config_rule *r)
{
	int rc;

	rc = check_names(c, r, &r->source_sets, "source_sets", "address_sets",
		sizeof(struct config_address_set));
	if (rc == 0)
		rc = check_names(c, r, &r->destination_sets, "destination_sets", "address_sets",
			sizeof(struct config_address_set));
	if (rc == 0)
		rc = check_names(c, r, &r->service_sets, "service_sets", "service_sets",
			sizeof(struct config_service_set));
	if (rc == 0 && r->schedule[0] != '\0' && config_schedule_find(c, r->schedule) == NULL)
		return config_fail(c, &r->origin, "schedule",
			"unknown schedule \"%s\", expected one of the section schedules",
			r->schedule);
	return rc;
}

static int
check_rule(struct config *c, const struct config_rule *r)
{
	struct config_service *services = r->services.items;
	int rc;

	rc = check_zones(c, r, &r->source_zones, "source_zones");
	if (rc == 0)
		rc = check_zones(c, r, &r->destination_zones, "destination_zones");
	for (uint32_t i = 0; rc == 0 && i < r->services.count; i++)
		rc = config_service_check(c, &services[i]);
	return rc == 0 ? check_objects(c, r) : rc;
}

static const struct config_rule *
rule_at(const struct config_list *list, size_t item_size, uint32_t i)
{
	return (const void *)((const char *)list->items + i * item_size);
}

struct rule_id {
	uint32_t id, index;
};

static int
id_order(const void *pa, const void *pb)
{
	const struct rule_id *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Sessions and the peer know a rule by a hash of its name. */
static int
check_ids(struct config *c, const struct config_list *list, size_t item_size)
{
	struct rule_id *ids = calloc((size_t)list->count + 1, sizeof(*ids));
	int rc = 0;

	if (ids == NULL)
		return config_fail(c, &rule_at(list, item_size, 0)->origin, NULL,
			"out of memory, expected enough for it");
	for (uint32_t i = 0; i < list->count; i++)
		ids[i] = (struct rule_id){ policy_rule_id(rule_at(list, item_size, i)->name), i };
	qsort(ids, list->count, sizeof(*ids), id_order);
	for (uint32_t i = 1; rc == 0 && i < list->count; i++) {
		if (ids[i].id == ids[i - 1].id)
			rc = config_fail(c, &rule_at(list, item_size, ids[i].index)->origin, "name",
				"has by chance the same id as rule %s, expected another name",
				rule_at(list, item_size, ids[i - 1].index)->name);
	}
	free(ids);
	return rc;
}

int
config_rules_check(struct config *c, const struct config_list *list, size_t item_size)
{
	int rc = config_unique(c, list, item_size, offsetof(struct config_rule, name), "name");

	if (rc == 0 && list->count > 0)
		rc = check_ids(c, list, item_size);
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		const struct config_rule *r = rule_at(list, item_size, i);

		if (strcmp(r->name, CONFIG_DEFAULT_RULE) == 0)
			rc = config_fail(c, &r->origin, "name",
				"is the name of what no rule matches, expected another");
		else
			rc = check_rule(c, r);
	}
	return rc;
}
