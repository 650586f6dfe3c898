/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `security_policy`: rules, the first that matches decides.
 */
#include "config_policy.h"
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SIZE 32
const char *const config_policy_actions[] = {
	[POLICY_DENY] = "deny", [POLICY_PERMIT] = "permit", [POLICY_REJECT] = "reject", NULL
};

static const char *const on_change_choices[] = {
	[POLICY_RE_EVALUATE] = "re-evaluate", [POLICY_KEEP] = "keep", NULL
};

// clang-format off
static const struct config_setting_desc rule_settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_rule, name),
	  .required = true, .live = true, .min = 1, .max = 63,
	  .help = "Name of the rule, in hit counts and sessions." },
	{ .name = "description", .type = SETTING_STRING,
	  SETTING_AT(struct config_rule, description), .live = true, .max = 127,
	  .help = "What it is for." },
	{ .name = "enable", .type = SETTING_BOOL, SETTING_AT(struct config_rule, enable),
	  .live = true, .fallback = "true", .help = "Whether it counts at all." },
	{ .name = "source_zones", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_rule, source_zones), .size = NAMES_SIZE,
	  .live = true, .min = 1, .max = NAMES_SIZE - 1, .max_items = MAX_ZONES,
	  .help = "Zones packets come from; empty = any." },
	{ .name = "destination_zones", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_rule, destination_zones), .size = NAMES_SIZE,
	  .live = true, .min = 1, .max = NAMES_SIZE - 1, .max_items = MAX_ZONES,
	  .help = "Zones packets go to; empty = any." },
	{ .name = "source_addresses", .type = SETTING_SPANS,
	  .offset = offsetof(struct config_rule, source_addresses), .live = true,
	  .max_items = 4096, .help = "Source addresses; with `source_sets` empty as well = any." },
	{ .name = "source_sets", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_rule, source_sets), .size = CONFIG_OBJECT_NAME, .live = true,
	  .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 256,
	  .help = "Address sets that belong to the source addresses." },
	{ .name = "destination_addresses", .type = SETTING_SPANS,
	  .offset = offsetof(struct config_rule, destination_addresses), .live = true,
	  .max_items = 4096, .help = "Destination addresses; with `destination_sets` empty as well = any." },
	{ .name = "destination_sets", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_rule, destination_sets), .size = CONFIG_OBJECT_NAME, .live = true,
	  .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 256,
	  .help = "Address sets that belong to the destination addresses." },
	{ .name = "services", .type = SETTING_LIST, .offset = offsetof(struct config_rule, services),
	  .size = sizeof(struct config_service), .live = true, .max_items = 1024,
	  .settings = config_service_settings,
	  .help = "Protocols and ports; with `service_sets` empty as well = any." },
	{ .name = "service_sets", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_rule, service_sets), .size = CONFIG_OBJECT_NAME, .live = true,
	  .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 256,
	  .help = "Service sets, own or predefined, that belong to the services." },
	{ .name = "schedule", .type = SETTING_STRING, SETTING_AT(struct config_rule, schedule),
	  .live = true, .max = CONFIG_OBJECT_NAME - 1,
	  .help = "Schedule outside which it matches nothing; none = always." },
	{ .name = "action", .type = SETTING_ENUM, SETTING_AT(struct config_rule, action),
	  .required = true, .live = true, .choices = config_policy_actions,
	  .help = "What happens to a connection that matches. `deny`: it is dropped; `permit`: it may be made; `reject`: it is dropped and the sender is told so (section `icmp`)." },
	{ .name = "log", .type = SETTING_BOOL, SETTING_AT(struct config_rule, log), .live = true,
	  .help = "Its sessions and refusals go to the traffic log (section `log`)." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "default", .type = SETTING_ENUM, SETTING_AT(struct config_policy, default_action),
	  .live = true, .choices = config_policy_actions, .fallback = "deny",
	  .help = "What happens to a connection that no rule matches." },
	{ .name = "on_change", .type = SETTING_ENUM, SETTING_AT(struct config_policy, on_change),
	  .live = true, .choices = on_change_choices, .fallback = "re-evaluate",
	  .help = "Sessions that exist when the policy changes. `re-evaluate`: those that are no longer permitted end; `keep`: all go on." },
	{ .name = "rules", .type = SETTING_LIST, .offset = offsetof(struct config_policy, rules),
	  .size = sizeof(struct config_rule), .live = true, .max_items = MAX_RULES - 1,
	  .settings = rule_settings, .help = "The rules, in the order they are tried." },
	{ .name = NULL },
};
// clang-format on

static int
check_zones(struct config *c, const struct config_rule *r, const struct config_list *list,
	const char *setting)
{
	const char(*names)[NAMES_SIZE] = list->items;
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
check_ids(struct config *c, const struct config_list *list)
{
	const struct config_rule *rules = list->items;
	struct rule_id *ids = calloc((size_t)list->count + 1, sizeof(*ids));
	int rc = 0;

	if (ids == NULL)
		return config_fail(
			c, &rules->origin, NULL, "out of memory, expected enough for it");
	for (uint32_t i = 0; i < list->count; i++)
		ids[i] = (struct rule_id){ policy_rule_id(rules[i].name), i };
	qsort(ids, list->count, sizeof(*ids), id_order);
	for (uint32_t i = 1; rc == 0 && i < list->count; i++) {
		if (ids[i].id == ids[i - 1].id)
			rc = config_fail(c, &rules[ids[i].index].origin, "name",
				"has by chance the same id as rule %s, expected another name",
				rules[ids[i - 1].index].name);
	}
	free(ids);
	return rc;
}

static int
check(struct config *c)
{
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_rule *rules = p->rules.items;
	int rc;

	rc = config_unique(
		c, &p->rules, sizeof(*rules), offsetof(struct config_rule, name), "name");
	if (rc == 0)
		rc = check_ids(c, &p->rules);
	for (uint32_t i = 0; rc == 0 && i < p->rules.count; i++) {
		if (strcmp(rules[i].name, CONFIG_DEFAULT_RULE) == 0)
			rc = config_fail(c, &rules[i].origin, "name",
				"is the name of what no rule matches, expected another");
		else
			rc = check_rule(c, &rules[i]);
	}
	return rc;
}

const struct config_section config_section_policy = {
	.name = "security_policy",
	.replicated = true,
	.size = sizeof(struct config_policy),
	.settings = settings,
	.check = check,
	.help = "Which connections may be made: the first rule that matches decides, then the "
		"default.",
};
