/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `security_policy`: rules, the first that matches decides.
 */
#include "config_policy.h"
#include "snapshot.h"

const char *const config_policy_actions[] = {
	[POLICY_DENY] = "deny", [POLICY_PERMIT] = "permit", [POLICY_REJECT] = "reject", NULL
};

static const char *const on_change_choices[] = {
	[POLICY_RE_EVALUATE] = "re-evaluate", [POLICY_KEEP] = "keep", NULL
};

// clang-format off
static const struct config_setting_desc rule_settings[] = {
	CONFIG_RULE_MATCH,
	{ .name = "schedule", .type = SETTING_STRING, SETTING_AT(struct config_rule, schedule),
	  .live = true, .max = CONFIG_OBJECT_NAME - 1,
	  .help = "Schedule outside which it matches nothing; none = always." },
	{ .name = "action", .type = SETTING_ENUM, SETTING_AT(struct config_rule, action),
	  .required = true, .live = true, .choices = config_policy_actions,
	  .help = "What happens to a connection that matches. `deny`: it is dropped; `permit`: it may be made; `reject`: it is dropped and the sender is told so (section `icmp`)." },
	{ .name = "log", .type = SETTING_BOOL, SETTING_AT(struct config_rule, log), .live = true,
	  .help = "Its sessions and refusals go to the traffic log (section `log`)." },
	{ .name = "alg", .type = SETTING_BOOL, SETTING_AT(struct config_rule, alg), .live = true,
	  .fallback = "true",
	  .help = "Whether gateways for applications (section `alg`) read what its sessions say." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "default", .type = SETTING_ENUM, SETTING_AT(struct config_policy, default_action),
	  .live = true, .choices = config_policy_actions, .fallback = "deny",
	  .help = "What happens to a connection that no rule matches." },
	{ .name = "on_change", .type = SETTING_ENUM, SETTING_AT(struct config_policy, on_change),
	  .live = true, .choices = on_change_choices, .fallback = "re-evaluate",
	  .help = "Sessions that exist when the policy changes. `re-evaluate`: those that are no longer permitted end; `keep`: all go on." },
	{ .name = "rules", .type = SETTING_LIST, .offset = offsetof(struct config_policy, rules),
	  .size = sizeof(struct config_rule), .live = true, .max_items = MAX_RULES - 1,
	  .settings = rule_settings, .help = "The rules, in the order they are tried." },
	{ .name = NULL },
};
// clang-format on

static int
check(struct config *c)
{
	const struct config_policy *p = config_section_data(c, "security_policy");

	return config_rules_check(c, &p->rules, sizeof(struct config_rule));
}

const struct config_section config_section_policy = {
	.name = "security_policy",
	.replicated = true,
	.size = sizeof(struct config_policy),
	.settings = settings,
	.check = check,
	.help = "Which connections may be made: the first rule that matches decides, then the "
		"default.",
};
