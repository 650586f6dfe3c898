/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `defence`: the named defences (fastpath/defence.h) that can be switched, and what a full
 * session table does.
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
	{ .name = "evict", .type = SETTING_BOOL, SETTING_AT(struct config_defence, evict),
	  .live = true, .fallback = "true",
	  .help = "When the session table is nearly full, sessions that can be spared make room for new "
		  "ones, oldest first: those nobody has answered, and those that are over." },
	{ .name = "table_alarm", .type = SETTING_INT, SETTING_AT(struct config_defence, table_alarm),
	  .live = true, .max = 100, .fallback = "90", .unit = "%",
	  .help = "A warning is logged when so much of the session table is in use, and a notice when it "
		  "is a tenth of the table less again; 0: never." },
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
