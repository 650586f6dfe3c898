/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `scripts`: programs whose end says whether something works (R224).
 */
#include "ha_config.h"
#include "script_run.h"

#include <string.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_script, name),
	  .required = true, .min = 1, .max = SCRIPT_NAME - 1,
	  .help = "By which `vrrp[].track` and `hrp.track` refer to it." },
	{ .name = "path", .type = SETTING_STRING, SETTING_AT(struct config_script, path),
	  .required = true, .min = 1, .max = SCRIPT_PATH_MAX - 1,
	  .help = "Absolute path of the program. Neither it nor a folder on the way to it may be "
		  "writable by anybody but root and `user`." },
	{ .name = "arguments", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_script, arguments), .size = SCRIPT_ARGUMENT,
	  .max = SCRIPT_ARGUMENT - 1, .max_items = SCRIPT_ARGS, .help = "Its arguments, as they are." },
	{ .name = "user", .type = SETTING_NAME, SETTING_AT(struct config_script, user),
	  .min = 1, .max = SCRIPT_NAME - 1, .fallback = "nobody", .help = "User it runs as." },
	{ .name = "interval_ms", .type = SETTING_INT, SETTING_AT(struct config_script, interval_ms),
	  .min = 100, .max = 86400000, .fallback = "1000", .unit = "ms",
	  .help = "From one start to the next; a run that takes longer puts the next one off." },
	{ .name = "timeout_ms", .type = SETTING_INT, SETTING_AT(struct config_script, timeout_ms),
	  .min = 100, .max = 3600000, .fallback = "1000", .unit = "ms",
	  .help = "A run that takes longer is killed, and has failed." },
	{ .name = "rise", .type = SETTING_INT, SETTING_AT(struct config_script, rise),
	  .min = 1, .max = 255, .fallback = "1", .unit = "runs",
	  .help = "So many must succeed in a row (exit status 0) until it is up again." },
	{ .name = "fall", .type = SETTING_INT, SETTING_AT(struct config_script, fall),
	  .min = 1, .max = 255, .fallback = "1", .unit = "runs",
	  .help = "So many must fail in a row until it is down." },
	{ .name = NULL },
};
// clang-format on

int
config_script_index(const struct config *c, const char *name)
{
	const struct config_list *const list = config_section_data(c, "scripts");
	const struct config_script *const all = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(all[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static int
check(struct config *c)
{
	const struct config_list *const list = config_section_data(c, "scripts");
	const struct config_script *const all = list->items;
	char why[SCRIPT_PATH_MAX + 80], real[SCRIPT_PATH_MAX];
	struct script_user user;

	for (uint32_t i = 0; i < list->count; i++) {
		if (script_user_find(all[i].user, &user, why, sizeof(why)) < 0)
			return config_fail(c, &all[i].origin, "user",
				"%s, expected one that this machine has", why);
		if (script_check(all[i].path, &user, real, why, sizeof(why)) < 0)
			return config_fail(c, &all[i].origin, "path",
				"%s, expected a program that only root and %s can change", why,
				all[i].user);
	}
	return config_unique(c, list, sizeof(all[0]), offsetof(struct config_script, name), "name");
}

const struct config_section config_section_scripts = {
	.name = "scripts",
	.list = true,
	.max_items = SCRIPTS_MAX,
	.size = sizeof(struct config_script),
	.settings = settings,
	.check = check,
	.help = "Programs that are run every so often, for what follows how they end.",
};
