/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `nat_policy`: whose source address is translated; the first rule that matches decides.
 */
#include "config_nat.h"

const char *const config_nat_actions[] = {
	[CONFIG_NAT_KEEP] = "no-nat", [CONFIG_NAT_SOURCE] = "source-nat", NULL
};

// clang-format off
static const struct config_setting_desc rule_settings[] = {
	CONFIG_RULE_MATCH,
	{ .name = "action", .type = SETTING_ENUM, SETTING_AT(struct config_nat_rule, action),
	  .required = true, .live = true, .choices = config_nat_actions,
	  .help = "What happens to the source of a connection that matches. `source-nat`: it is translated; `no-nat`: it stays, and no rule behind this one is tried." },
	{ .name = "address_group", .type = SETTING_STRING, SETTING_AT(struct config_nat_rule, group),
	  .live = true, .max = CONFIG_NAT_GROUP_NAME - 1,
	  .help = "With `source-nat`: the group of `nat_address_groups` it is translated to." },
	{ .name = "easy_ip", .type = SETTING_BOOL, SETTING_AT(struct config_nat_rule, easy_ip),
	  .live = true,
	  .help = "With `source-nat` instead of a group: it is translated to the address of the interface the connection leaves by, or to the virtual address with the lowest vrid where that has one." },
	{ .name = "alg", .type = SETTING_BOOL, SETTING_AT(struct config_nat_rule, alg),
	  .live = true, .fallback = "true",
	  .help = "Whether gateways for applications (FTP and others) look into what the rule matches." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "rules", .type = SETTING_LIST, .offset = offsetof(struct config_nat_policy, rules),
	  .size = sizeof(struct config_nat_rule), .live = true, .max_items = MAX_RULES - 1,
	  .settings = rule_settings, .help = "The rules, in the order they are tried. What none matches is not translated." },
	{ .name = NULL },
};
// clang-format on

static int
check_action(struct config *c, const struct config_nat_rule *r)
{
	const struct config_origin *origin = &r->match.origin;

	if (r->action == CONFIG_NAT_KEEP) {
		if (r->group[0] == '\0' && !r->easy_ip)
			return 0;
		return config_fail(c, origin, r->easy_ip ? "easy_ip" : "address_group",
			"is where to translate to, expected it with action = \"source-nat\" only");
	}
	if (r->easy_ip && r->group[0] != '\0')
		return config_fail(c, origin, "easy_ip",
			"is true beside an address group, expected one of them");
	if (!r->easy_ip && r->group[0] == '\0')
		return config_fail(c, origin, "action",
			"does not say to which address, expected address_group or easy_ip = true "
			"with source-nat");
	if (!r->easy_ip && config_nat_group_find(c, r->group) == NULL)
		return config_fail(c, origin, "address_group",
			"unknown group \"%s\", expected one of the section nat_address_groups",
			r->group);
	return 0;
}

static int
check(struct config *c)
{
	const struct config_nat_policy *p = config_section_data(c, "nat_policy");
	const struct config_nat_rule *rules = p->rules.items;
	int rc = config_rules_check(c, &p->rules, sizeof(*rules));

	for (uint32_t i = 0; rc == 0 && i < p->rules.count; i++)
		rc = check_action(c, &rules[i]);
	return rc;
}

const struct config_section config_section_nat_policy = {
	.name = "nat_policy",
	.replicated = true,
	.size = sizeof(struct config_nat_policy),
	.settings = settings,
	.check = check,
	.help = "Whose source addresses are translated, once the security policy has permitted the "
		"connection (IPv4).",
};
