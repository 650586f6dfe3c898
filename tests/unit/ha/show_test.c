/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the console prints of roles: rows of JSON, and their text (requirements 2.5, R208-R210).
 */
#include "cmd_hrp_setting.h"
#include "command.h"
#include "ha_commands.h"
#include "management.h"
#include "sample_config.h"
#include "view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GROUP(name, state, priority, peer)                                                         \
	"{\"group\":\"" name "\",\"enabled\":true,\"state\":\"" state "\",\"listening\":false,"    \
	"\"priority\":" #priority ",\"peer_priority\":" #peer ",\"last_change\":null}"
#define NO_GROUP(name)                                                                             \
	"{\"group\":\"" name "\",\"enabled\":false,\"state\":\"initialize\","                      \
	"\"listening\":false,\"last_change\":null}"
#define CHANGED                                                                                    \
	"{\"group\":\"active\",\"enabled\":true,\"state\":\"active\",\"listening\":false,"         \
	"\"priority\":65001,\"peer_priority\":65000,\"last_change\":{\"time\":\"2026/11/27 "       \
	"04:30:00\",\"ago_s\":7500,\"from\":\"standby\",\"to\":\"active\",\"reason\":\"preempt\"," \
	"\"priority\":65001,\"peer_priority\":65000}}"
#define STATE(role, peer, flags, groups)                                                           \
	SIGNED_STATE(role, peer, "aes-256-gcm", "enforce", flags, groups)
#define SIGNED_STATE(role, peer, signature, rollout, flags, groups)                                \
	"{\"enabled\":true,\"role\":\"" role "\",\"peer\":\"" peer "\"," flags                     \
	"\"signature\":\"" signature "\",\"signature_rollout\":\"" rollout                         \
	"\",\"signature_key\":3,\"mirror_session\":true,\"auto_sync_period_s\":10,\"groups\":"     \
	"[" groups "],\"backup_channel_percent\":3.2"
#define MEMBERS                                                                                    \
	",\"split_brain_way_out\":\"alarm\",\"config_role\":\"master\",\"config_state\":"          \
	"\"equal\",\"config_generation\":7,\"hello_ms\":1000,\"misses\":3,\"preempt\":true,"       \
	"\"preempt_delay_s\":60,"                                                                  \
	"\"synchronised\":true,\"takeovers\":1,\"fences\":0,\"both_active\":0,"                    \
	"\"hello_mismatch\":0,\"members\":[{\"member\":\"GigabitEthernet1/0/1 vrrp vrid 1\","      \
	"\"type\":\"vrrp\",\"state\":\"up\",\"vrrp_state\":\"active\"},"                           \
	"{\"member\":\"GigabitEthernet1/0/3\",\"type\":\"interface\",\"state\":\"down\"}]"

static const struct {
	const char *view;
	bool verbose;
	const char *row, *text;
} rows[] = {
	{ "hrp-state", false, "{\"enabled\":false}", " Hot standby is not enabled\n" },
	{ "hrp-state", false, STATE("active", "standby", "", CHANGED "," NO_GROUP("standby")) "}",
		" Role: active, peer: standby\n"
		" Active group : active   priority 65001, peer 65000\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Stable time: 0 days, 2 hours, 5 minutes\n"
		" Last state change: 2026/11/27 04:30:00 standby -> active, reason preempt, local "
		"65001, peer 65000\n" },
	{ "hrp-state", true,
		STATE("active", "standby", "", CHANGED "," NO_GROUP("standby")) MEMBERS "}",
		" Role: active, peer: standby\n"
		" Active group : active   priority 65001, peer 65000\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Stable time: 0 days, 2 hours, 5 minutes\n"
		" Last state change: 2026/11/27 04:30:00 standby -> active, reason preempt, local "
		"65001, peer 65000\n"
		" Configuration: hello 1000ms, misses 3, preempt 60s\n"
		" Backup of the configuration: master, equal, generation 7\n"
		" Synchronised: yes\n"
		" Mirroring: quick on, automatic each 10s\n"
		" Signature: aes-256-gcm, key 3, enforce\n"
		" Events: takeovers 1, fenced 0, both active 0, hello mismatch 0, split brain 0, "
		"averted 0\n"
		" Split brain: alarm\n"
		" Detail: GigabitEthernet1/0/1 vrrp vrid 1: active | GigabitEthernet1/0/3: "
		"down\n" },
	{ "hrp-state", false,
		SIGNED_STATE("active", "unknown", "none", "enforce", "",
			GROUP("active", "active", 65001, null) "," NO_GROUP("standby")) "}",
		" Role: active, peer: unknown\n"
		" Warning: messages between the boxes are not signed (hrp_security)\n"
		" Active group : active   priority 65001, peer unknown\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-state", false,
		SIGNED_STATE("active", "unknown", "hmac-sha256", "permissive", "",
			GROUP("active", "active", 65001, null) "," NO_GROUP("standby")) "}",
		" Role: active, peer: unknown\n"
		" Warning: messages without a signature are taken too (hrp_security)\n"
		" Active group : active   priority 65001, peer unknown\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-state", false,
		STATE("active", "unknown", "\"other_version\":true,",
			GROUP("active", "active", 65001, null) "," NO_GROUP("standby")) "}",
		" Role: active, peer: unknown\n"
		" Warning: version mismatch: the roles work, sessions are not mirrored\n"
		" Active group : active   priority 65001, peer unknown\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	/* R210: every wrong pairing is visible. */
	{ "hrp-state", false,
		STATE("active", "active", "\"wrong_pairing\":true,",
			GROUP("active", "active", 65001, 65001) "," NO_GROUP("standby")) "}",
		" Role: active, peer: active\n"
		" Warning: both boxes use the same group, expected opposite groups\n"
		" Active group : active   priority 65001, peer 65001\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-state", false,
		STATE("active", "standby", "\"vrrp_differ\":true,",
			GROUP("active", "active", 65001, 65000) "," NO_GROUP("standby")) "}",
		" Role: active, peer: standby\n"
		" Warning: the boxes have different VRRP groups (display vrrp on both)\n"
		" Active group : active   priority 65001, peer 65000\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-state", false,
		STATE("active", "active", "\"two_active\":true,",
			GROUP("active", "active", 65001, 65000) "," NO_GROUP("standby")) "}",
		" Role: active, peer: active\n"
		" Warning: both boxes are active\n"
		" Active group : active   priority 65001, peer 65000\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-state", false,
		STATE("active", "standby",
			"\"other_masters\":[\"GigabitEthernet1/0/1 vrid 1\","
			"\"GigabitEthernet1/0/3 vrid 2\"],",
			GROUP("active", "active", 65001, 65000) "," NO_GROUP("standby")) "}",
		" Role: active, peer: standby\n"
		" Warning: GigabitEthernet1/0/1 vrid 1: another master has been heard\n"
		" Warning: GigabitEthernet1/0/3 vrid 2: another master has been heard\n"
		" Active group : active   priority 65001, peer 65000\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-state", false,
		STATE("active", "unknown",
			"\"split_brain\":\"both-active\",\"split_brain_cause\":\"hb0 down\",",
			GROUP("active", "active", 65001, null) "," NO_GROUP("standby")) "}",
		" Role: active, peer: unknown\n"
		" Warning: split brain, both boxes are active\n"
		" Cause: hb0 down\n"
		" Active group : active   priority 65001, peer unknown\n"
		" Standby group: initialize\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-state", false,
		STATE("standby", "unknown",
			"\"worker_stuck\":true,\"held\":true,\"self_test_failed\":true,",
			NO_GROUP("active") ","
					   "{\"group\":\"standby\",\"enabled\":true,\"state\":"
					   "\"standby\","
					   "\"listening\":true,\"priority\":0,\"peer_priority\":"
					   "null,"
					   "\"last_change\":null}") "}",
		" Role: standby, peer: unknown\n"
		" Warning: a worker does not run\n"
		" Warning: the self-test has failed (display self-test)\n"
		" Held in standby by order (hrp standby-device)\n"
		" Active group : initialize\n"
		" Standby group: standby   priority 0, peer unknown, listening for the peer\n"
		" Backup channel usage: 3.20%\n"
		" Last state change: none\n" },
	{ "hrp-interface", false,
		"{\"interface\":\"GigabitEthernet1/0/2\",\"state\":\"running\",\"wiring\":"
		"\"straight\"}",
		"         GigabitEthernet1/0/2 : running\n" },
	{ "hrp-interface", false,
		"{\"interface\":\"GigabitEthernet1/0/4\",\"state\":\"ready\",\"wiring\":"
		"\"straight\"}",
		"         GigabitEthernet1/0/4 : ready\n" },
	{ "hrp-interface", false,
		"{\"interface\":\"GigabitEthernet1/0/4\",\"state\":\"ready\",\"wiring\":"
		"\"crossed\",\"crossed_to\":\"GigabitEthernet1/0/2\"}",
		"         GigabitEthernet1/0/4 : ready (cable crossed: it ends at "
		"GigabitEthernet1/0/2 of the peer)\n" },
};

static void
R209_what_is_printed(void **state)
{
	const struct management m = { .commands = ha_commands };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct view *const view = view_find(&m, rows[i].view);
		json_error_t error;
		json_t *const row = json_loads(rows[i].row, JSON_REJECT_DUPLICATES, &error);
		char text[4096];

		if (row == NULL)
			fail_msg("row %zu: %s", i, error.text);
		assert_non_null(view);
		assert_non_null(view->print);
		view->print(row, rows[i].verbose, text, sizeof(text));
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("row %zu:\n%s--- expected ---\n%s", i, text, rows[i].text);
		json_decref(row);
	}
}

static void
R208_commands_are_there_in_flat_form(void **state)
{
	static const char *const commands[] = { "display hrp state", "display hrp state verbose",
		"display hrp interface", "display hrp history", "display hrp statistics",
		"display vrrp", "display vrrp verbose", "display vrrp statistics",
		"hrp switch-over", "hrp standby-device", "undo hrp standby-device", "hrp enable",
		"undo hrp enable", "hrp interface", "hrp interface ARGUMENTS",
		"hrp track ARGUMENTS", "hrp ospf-cost adjust-enable", "hrp auto-sync",
		"undo hrp auto-sync ARGUMENTS", "hrp mirror session enable",
		"vrrp vrid ARGUMENTS" };

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		bool found = false;

		for (const struct command *const *c = ha_commands; *c != NULL; c++) {
			for (cmdline_parse_inst_t *const *p = (*c)->insts; *p != NULL; p++) {
				const size_t len = strlen(commands[i]);

				found = found || (strncmp((*p)->help_str, commands[i], len) == 0 &&
							 (*p)->help_str[len] == ':');
			}
		}
		if (!found)
			fail_msg("no command \"%s\"", commands[i]);
	}
}

static void
R208_commands_that_configure_tell_where_the_setting_stands(void **state)
{
#define NOT_BY_COMMAND(setting, value)                                                             \
	"not configured by command: " setting " in the configuration file is " value               \
	"; edit it, then restart"
	static const struct {
		const char *command, *answer;
	} answers[] = {
		{ "hrp enable", NOT_BY_COMMAND("hrp.enable", "true") },
		{ "hrp interface", NOT_BY_COMMAND("hrp.interfaces", "GigabitEthernet1/0/2") },
		{ "hrp track", NOT_BY_COMMAND("hrp.track", "empty") },
		{ "hrp ospf-cost adjust-enable",
			"there is no OSPF here: traffic follows the virtual MACs" },
		{ "hrp auto-sync", NOT_BY_COMMAND("hrp.auto_sync", "true") },
		{ "hrp mirror session enable", NOT_BY_COMMAND("hrp.mirror_session", "true") },
		{ "vrrp vrid", NOT_BY_COMMAND("vrrp", "vrid 1, vrid 2") },
		{ "hrp", "" },
	};
	char err[256], text[640];
	struct config *const c =
		config_parse(sample_config, "fw.conf", sample_sections(), err, sizeof(err));

	(void)state;
	if (c == NULL)
		fail_msg("%s", err);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		hrp_setting_answer(c, answers[i].command, text, sizeof(text));
		assert_string_equal(text, answers[i].answer);
	}
	/* Every such setting needs a restart. */
	for (const struct config_setting_desc *s = config_section_hrp.settings; s->name != NULL;
		s++)
		if (strcmp(s->name, "enable") == 0 || strcmp(s->name, "interfaces") == 0 ||
			strcmp(s->name, "track") == 0 || strcmp(s->name, "auto_sync") == 0 ||
			strcmp(s->name, "mirror_session") == 0)
			assert_false(s->live);
	config_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R209_what_is_printed),
		cmocka_unit_test(R208_commands_are_there_in_flat_form),
		cmocka_unit_test(R208_commands_that_configure_tell_where_the_setting_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
