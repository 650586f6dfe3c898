/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `address_sets`: addresses under one name, for rules and for other sets.
 */
#include "config_policy.h"

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_address_set, set.name),
	  .required = true, .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1,
	  .help = "Name that rules and other sets refer to." },
	{ .name = "description", .type = SETTING_STRING,
	  SETTING_AT(struct config_address_set, set.description), .live = true, .max = 127,
	  .help = "What it is for." },
	{ .name = "addresses", .type = SETTING_SPANS,
	  .offset = offsetof(struct config_address_set, addresses), .live = true, .max_items = 65535,
	  .help = "Hosts, prefixes and ranges of both families." },
	{ .name = "sets", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_address_set, set.sets), .size = CONFIG_OBJECT_NAME,
	  .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 1024,
	  .help = "Other sets of this section whose addresses belong to it." },
	{ .name = NULL },
};
// clang-format on

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "address_sets");
	const struct config_address_set *sets = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (sets[i].addresses.count == 0 && sets[i].set.sets.count == 0)
			return config_fail(c, &sets[i].set.origin, NULL,
				"is empty, expected at least one address or set");
	}
	return config_set_check(c, list, sizeof(*sets), NULL);
}

const struct config_section config_section_address_sets = {
	.name = "address_sets",
	.replicated = true,
	.list = true,
	.max_items = 4096,
	.size = sizeof(struct config_address_set),
	.settings = settings,
	.check = check,
	.help = "Addresses under one name, for rules and for other sets.",
};
