/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `zones`: security zones beside the built-in local, trust, dmz and untrust.
 */
#include "config.h"
#include "snapshot.h"

#include <string.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_zone, name),
	  .required = true, .live = true, .min = 1, .max = 31,
	  .help = "Name that interfaces and rules refer to." },
	{ .name = "priority", .type = SETTING_INT, SETTING_AT(struct config_zone, priority),
	  .required = true, .live = true, .min = 1, .max = 100,
	  .help = "How far the zone is trusted; 100 is the most." },
	{ .name = NULL },
};
// clang-format on

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "zones");
	const struct config_zone *zones = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		for (unsigned int j = 0; j < CONFIG_BUILTIN_ZONES; j++) {
			if (strcmp(zones[i].name, config_builtin_zones[j].name) == 0)
				return config_fail(c, &zones[i].origin, "name",
					"\"%s\" is built in, expected a name of its own",
					zones[i].name);
		}
	}
	return config_unique(c, list, sizeof(*zones), offsetof(struct config_zone, name), "name");
}

const struct config_section config_section_zones = {
	.name = "zones",
	.replicated = true,
	.list = true,
	.max_items = MAX_ZONES - CONFIG_BUILTIN_ZONES - ZONE_LOCAL,
	.size = sizeof(struct config_zone),
	.settings = settings,
	.check = check,
	.help = "Security zones, beside the built-in `local` (100), `trust` (85), `dmz` (50) and "
		"`untrust` (5). Both boxes need the same zones in the same order.",
};
