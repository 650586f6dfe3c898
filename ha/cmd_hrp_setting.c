/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hrp enable, hrp interface, ..., vrrp vrid: nothing is configured by command.  Each is answered by
 * the place of the setting in the configuration file, its present value, and what applies a change.
 */
#include "cmd_hrp_setting.h"

#include "command.h"
#include "ha_config.h"
#include "management.h"

#include <stdio.h>
#include <string.h>

/* ---- present values ---- */

static void
add(char *out, size_t size, const char *separator, const char *text)
{
	const size_t len = strlen(out);

	snprintf(out + len, size - len, "%s%s", len == 0 ? "" : separator, text);
}

static const char *
yes(bool on)
{
	return on ? "true" : "false";
}

static void
say_enable(const struct config_hrp *hrp, const struct config_list *vrrp, char *out, size_t size)
{
	(void)vrrp;
	snprintf(out, size, "%s", yes(hrp->enable));
}

static void
say_auto_sync(const struct config_hrp *hrp, const struct config_list *vrrp, char *out, size_t size)
{
	(void)vrrp;
	snprintf(out, size, "%s", yes(hrp->auto_sync));
}

static void
say_mirror(const struct config_hrp *hrp, const struct config_list *vrrp, char *out, size_t size)
{
	(void)vrrp;
	snprintf(out, size, "%s", yes(hrp->mirror_session));
}

static void
say_interfaces(const struct config_hrp *hrp, const struct config_list *vrrp, char *out, size_t size)
{
	const struct config_heartbeat *const h = hrp->interfaces.items;

	(void)vrrp;
	for (uint32_t i = 0; i < hrp->interfaces.count; i++)
		add(out, size, ", ", h[i].interface);
}

static void
say_track(const struct config_hrp *hrp, const struct config_list *vrrp, char *out, size_t size)
{
	(void)vrrp;
	if (hrp->track.count > 0)
		snprintf(out, size, "%u members", hrp->track.count);
}

static void
say_vrrp(const struct config_hrp *hrp, const struct config_list *vrrp, char *out, size_t size)
{
	const struct config_vrrp *const v = vrrp->items;
	char text[16];

	(void)hrp;
	for (uint32_t i = 0; i < vrrp->count; i++) {
		snprintf(text, sizeof(text), "vrid %u", (unsigned int)v[i].vrid);
		add(out, size, ", ", text);
	}
}

/* ---- commands ---- */

enum {
	HRP_ENABLE,
	HRP_INTERFACE,
	HRP_TRACK,
	HRP_OSPF_COST,
	HRP_AUTO_SYNC,
	HRP_MIRROR_SESSION,
	VRRP_VRID,
	COMMANDS
};

static const struct {
	const char *command, *setting; /* setting NULL: there is none */
	void (*say)(const struct config_hrp *, const struct config_list *vrrp, char *, size_t);
} table[COMMANDS] = {
	[HRP_ENABLE] = { "hrp enable", "hrp.enable", say_enable },
	[HRP_INTERFACE] = { "hrp interface", "hrp.interfaces", say_interfaces },
	[HRP_TRACK] = { "hrp track", "hrp.track", say_track },
	[HRP_OSPF_COST] = { "hrp ospf-cost adjust-enable", NULL, NULL },
	[HRP_AUTO_SYNC] = { "hrp auto-sync", "hrp.auto_sync", say_auto_sync },
	[HRP_MIRROR_SESSION] = { "hrp mirror session enable", "hrp.mirror_session", say_mirror },
	[VRRP_VRID] = { "vrrp vrid", "vrrp", say_vrrp },
};

void
hrp_setting_answer(const struct config *config, const char *command, char *out, size_t size)
{
	char value[512] = "";

	out[0] = '\0';
	for (int i = 0; i < COMMANDS; i++) {
		if (strcmp(table[i].command, command) != 0)
			continue;
		if (table[i].setting == NULL) {
			snprintf(out, size,
				"there is no OSPF here: traffic follows the virtual "
				"MACs");
			return;
		}
		table[i].say(config_section_data(config, "hrp"),
			config_section_data(config, "vrrp"), value, sizeof(value));
		snprintf(out, size,
			"not configured by command: %s in the configuration file is %s; edit it, "
			"then restart",
			table[i].setting, value[0] == '\0' ? "empty" : value);
	}
}

static void
answer(struct console_client *client, int command)
{
	const struct management *const m = console_management(client);
	char text[640];

	hrp_setting_answer(m->config, table[command].command, text, sizeof(text));
	console_error(client, "%s\n", text);
}

/* The command alone, with arguments, and both taken back. */
#define SETTING(id, which, help, ...)                                                              \
	static void run_##id(void *parsed, struct cmdline *cl, void *client)                       \
	{                                                                                          \
		(void)parsed;                                                                      \
		(void)cl;                                                                          \
		answer(client, which);                                                             \
	}                                                                                          \
	static cmdline_parse_inst_t inst_##id = { .f = run_##id,                                   \
		.help_str = help ": where it is set",                                              \
		.tokens = { __VA_ARGS__, NULL } };                                                 \
	static cmdline_parse_inst_t inst_##id##_tail = { .f = run_##id,                            \
		.help_str = help " ARGUMENTS: where it is set",                                    \
		.tokens = { __VA_ARGS__, COMMAND_TAIL, NULL } };                                   \
	static cmdline_parse_inst_t inst_undo_##id = { .f = run_##id,                              \
		.help_str = "undo " help ": where it is set",                                      \
		.tokens = { COMMAND_WORD("undo"), __VA_ARGS__, NULL } };                           \
	static cmdline_parse_inst_t inst_undo_##id##_tail = { .f = run_##id,                       \
		.help_str = "undo " help " ARGUMENTS: where it is set",                            \
		.tokens = { COMMAND_WORD("undo"), __VA_ARGS__, COMMAND_TAIL, NULL } }

SETTING(enable, HRP_ENABLE, "hrp enable", COMMAND_WORD("hrp"), COMMAND_WORD("enable"));
SETTING(interface, HRP_INTERFACE, "hrp interface", COMMAND_WORD("hrp"), COMMAND_WORD("interface"));
SETTING(track, HRP_TRACK, "hrp track", COMMAND_WORD("hrp"), COMMAND_WORD("track"));
SETTING(ospf, HRP_OSPF_COST, "hrp ospf-cost adjust-enable", COMMAND_WORD("hrp"),
	COMMAND_WORD("ospf-cost"), COMMAND_WORD("adjust-enable"));
SETTING(auto_sync, HRP_AUTO_SYNC, "hrp auto-sync", COMMAND_WORD("hrp"), COMMAND_WORD("auto-sync"));
SETTING(mirror, HRP_MIRROR_SESSION, "hrp mirror session enable", COMMAND_WORD("hrp"),
	COMMAND_WORD("mirror"), COMMAND_WORD("session"), COMMAND_WORD("enable"));
SETTING(vrid, VRRP_VRID, "vrrp vrid", COMMAND_WORD("vrrp"), COMMAND_WORD("vrid"));

#define ALL(id) &inst_##id, &inst_##id##_tail, &inst_undo_##id, &inst_undo_##id##_tail

static cmdline_parse_inst_t *const insts[] = { ALL(enable), ALL(interface), ALL(track), ALL(ospf),
	ALL(auto_sync), ALL(mirror), ALL(vrid), NULL };

extern const struct command command_hrp_setting;
const struct command command_hrp_setting = { .insts = insts };
