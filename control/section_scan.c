/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `scan`: detection of port scans and address sweeps.
 */
#include "config.h"
#include "snapshot.h"

#include <stdio.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "zones", .type = SETTING_STRINGS, .offset = offsetof(struct config_scan, zones),
	  .size = CONFIG_ZONE_NAME, .live = true, .min = 1, .max = CONFIG_ZONE_NAME - 1,
	  .max_items = MAX_ZONES,
	  .help = "Sources in these zones are watched; none: nobody is." },
	{ .name = "ports", .type = SETTING_INT, SETTING_AT(struct config_scan, ports),
	  .live = true, .max = SCAN_PORTS_MAX, .fallback = "100", .unit = "ports",
	  .help = "A source that tries about so many different ports in an interval scans; 0: never." },
	{ .name = "hosts", .type = SETTING_INT, SETTING_AT(struct config_scan, hosts),
	  .live = true, .max = SCAN_HOSTS_MAX, .fallback = "100", .unit = "hosts",
	  .help = "A source that tries about so many different hosts in an interval scans; 0: never." },
	{ .name = "interval", .type = SETTING_INT, SETTING_AT(struct config_scan, interval),
	  .live = true, .min = 1, .max = 60, .fallback = "10", .unit = "s",
	  .help = "The interval." },
	{ .name = "blacklist", .type = SETTING_INT, SETTING_AT(struct config_scan, blacklist),
	  .live = true, .max = 2592000, .fallback = "0", .unit = "s",
	  .help = "Who scans is on the blacklist for so long, as a source; 0: is only logged." },
	{ .name = "except", .type = SETTING_SPANS, .offset = offsetof(struct config_scan, except),
	  .size = sizeof(struct config_span), .live = true, .max_items = 1024,
	  .help = "Sources that may scan: neither logged nor on the blacklist for it." },
	{ .name = NULL },
};
// clang-format on

static int
check(struct config *c)
{
	const struct config_scan *s = config_section_data(c, "scan");
	const char(*zones)[CONFIG_ZONE_NAME] = s->zones.items;
	char setting[24];

	for (uint32_t i = 0; i < s->zones.count; i++) {
		const uint8_t zone = config_zone_id(c, zones[i]);

		if (zone != ZONE_NONE && zone != ZONE_LOCAL)
			continue;
		snprintf(setting, sizeof(setting), "zones[%u]", i);
		return config_fail(c, &s->origin, setting,
			"\"%s\" is no zone that packets come from, expected trust, dmz, untrust or "
			"one of the section zones",
			zones[i]);
	}
	return 0;
}

const struct config_section config_section_scan = {
	.name = "scan",
	.replicated = true,
	.size = sizeof(struct config_scan),
	.settings = settings,
	.check = check,
	.help = "Detection of port scans and address sweeps, by first packets whether they are "
		"permitted or not.",
};
