/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `defence`: the named defences (fastpath/defence.h) that can be switched.
 */
#include "config.h"

/* A row for each of them. */
#define SWITCH(defence, value, text)                                                               \
	{ .name = #defence,                                                                        \
		.type = SETTING_BOOL,                                                              \
		.offset = offsetof(struct config_defence, on) + DEFENCE_OF_##defence,              \
		.size = sizeof(bool),                                                              \
		.live = true,                                                                      \
		.fallback = value,                                                                 \
		.help = "Drop packets " text "." },
#define ROW_ON(defence, text)  SWITCH(defence, "true", text)
#define ROW_OFF(defence, text) SWITCH(defence, "false", text)
#define ROW_ALWAYS(defence, text)
#define ROW_INTERFACE(defence, text)

// clang-format off
static const struct config_setting_desc settings[] = {
#define X(defence, mode, text) ROW_##mode(defence, text)
	DEFENCES(X)
#undef X
	{ .name = NULL },
};
// clang-format on

const struct config_section config_section_defence = {
	.name = "defence",
	.replicated = true,
	.size = sizeof(struct config_defence),
	.settings = settings,
	.help = "Named defences against packets that no honest host sends. `display firewall "
		"defend` lists them with their counters, with those that are always on.",
};
