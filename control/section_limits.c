/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `limits`: how many sessions may begin in a zone.
 */
#include "config.h"
#include "snapshot.h"

#define TOTAL_MAX 67108864
#define RATE_MAX  10000000

#define LIMIT(member, most, what, text)                                                            \
	{                                                                                          \
		.name = #member, .type = SETTING_INT, SETTING_AT(struct config_limit, member),     \
		.live = true, .max = most, .fallback = "0", .unit = what, .help = text             \
	}

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "zone", .type = SETTING_NAME, SETTING_AT(struct config_limit, zone),
	  .required = true, .live = true, .min = 1, .max = 31,
	  .help = "Zone in which the sessions begin: that of who begins them." },
	LIMIT(source_total, TOTAL_MAX, "sessions", "Of one source; 0, here and below: no limit."),
	LIMIT(source_half_open, TOTAL_MAX, "sessions", "Of one source, those that are not answered, or whose TCP handshake is not complete."),
	LIMIT(source_rate, RATE_MAX, "1/s", "Of one source, new ones in a second; a second's worth may come at once."),
	{ .name = "source_length", .type = SETTING_INT, SETTING_AT(struct config_limit, source_length),
	  .live = true, .min = 1, .max = 32, .fallback = "32", .unit = "bits",
	  .help = "IPv4 addresses that are alike in so many bits are one source." },
	{ .name = "source_length6", .type = SETTING_INT, SETTING_AT(struct config_limit, source_length6),
	  .live = true, .min = 1, .max = 128, .fallback = "64", .unit = "bits",
	  .help = "IPv6 addresses that are alike in so many bits are one source." },
	LIMIT(total, TOTAL_MAX, "sessions", "Of the zone."),
	LIMIT(half_open, TOTAL_MAX, "sessions", "Of the zone, those that are not answered, or whose TCP handshake is not complete."),
	LIMIT(rate, RATE_MAX, "1/s", "Of the zone, new ones in a second; a second's worth may come at once."),
	{ .name = NULL },
};
// clang-format on

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "limits");
	const struct config_limit *limits = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		const uint8_t zone = config_zone_id(c, limits[i].zone);

		if (zone == ZONE_NONE)
			return config_fail(c, &limits[i].origin, "zone",
				"unknown zone \"%s\", expected trust, dmz, untrust or one of the "
				"section zones",
				limits[i].zone);
		if (zone == ZONE_LOCAL)
			return config_fail(c, &limits[i].origin, "zone",
				"the firewall itself begins no sessions, expected another zone");
	}
	return config_unique(c, list, sizeof(*limits), offsetof(struct config_limit, zone), "zone");
}

const struct config_section config_section_limits = {
	.name = "limits",
	.replicated = true,
	.list = true,
	.max_items = MAX_ZONES,
	.size = sizeof(struct config_limit),
	.settings = settings,
	.check = check,
	.help = "How many sessions may begin in a zone, by each source and in all. Sessions that "
		"exist when a limit is set or lowered stay.",
};
