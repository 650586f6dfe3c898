/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `blacklist`: the entries that stay.
 */
#include "blacklist.h"
#include "config.h"
#include "config_address.h"

static const char *const direction_words[] = {
	[BLACKLIST_SOURCE] = "source",
	[BLACKLIST_DESTINATION] = "destination",
	[BLACKLIST_SIDES] = "both",
	NULL,
};

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "address", .type = SETTING_NET, SETTING_AT(struct config_blacklist, address),
	  .required = true, .live = true,
	  .help = "Prefix of either family; /32 or /128 for one host." },
	{ .name = "direction", .type = SETTING_ENUM, SETTING_AT(struct config_blacklist, direction),
	  .live = true, .choices = direction_words, .fallback = "source",
	  .help = "No session may begin from it (`source`), to it (`destination`), or either." },
	{ .name = NULL },
};
// clang-format on

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "blacklist");
	const struct config_blacklist *entries = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (entries[i].address.len == 0)
			return config_fail(c, &entries[i].origin, "address",
				"is every address of its family, expected a prefix length of at "
				"least 1");
	}
	return 0;
}

const struct config_section config_section_blacklist = {
	.name = "blacklist",
	.replicated = true,
	.list = true,
	.max_items = BLACKLIST_STATIC_MAX / BLACKLIST_SIDES,
	.size = sizeof(struct config_blacklist),
	.settings = settings,
	.check = check,
	.help = "Prefixes from or to which no session may begin; sessions that exist end. Entries "
		"for a time are made by command: docs/defence.md.",
};
