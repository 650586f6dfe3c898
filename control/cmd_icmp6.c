/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall icmpv6-rules: the built-in rules for ICMPv6 (RFC 4890), which stand before the
 * security policy.
 */
#include "command.h"
#include "icmp6_rules.h"
#include "management.h"
#include "row.h"

#include <stdio.h>

static const char *const actions[] = {
	[ICMP6_DROP] = "drop",
	[ICMP6_RELATED] = "permit-related",
	[ICMP6_POLICY] = "policy",
	[ICMP6_LINK] = "link-local-only",
};

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)m;
	(void)filter;
	(void)cursor;
	for (const struct icmp6_rule *r = icmp6_rules; r->name != NULL; r++) {
		json_t *row = json_object();
		char types[16];

		if (r->first == r->last)
			snprintf(types, sizeof(types), "%u", r->first);
		else
			snprintf(types, sizeof(types), "%u-%u", r->first, r->last);
		row_text(row, "types", types);
		row_text(row, "name", r->name);
		row_text(row, "action", actions[r->action]);
		row_text(row, "reference", r->reference);
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view_column columns[] = {
	{ "types", "Types" },
	{ "name", "Name" },
	{ "action", "Action" },
	{ "reference", "Reference" },
	{ NULL, NULL },
};

static const struct view view_icmp6 = {
	.name = "icmpv6-rules",
	.help = "built-in rules for ICMPv6 (RFC 4890)",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(icmp6, view_icmp6, false,
	"display firewall icmpv6-rules: built-in rules for ICMPv6 (RFC 4890)",
	COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("icmpv6-rules"));

static cmdline_parse_inst_t *const insts[] = { &inst_icmp6, NULL };
static const struct view *const views[] = { &view_icmp6, NULL };

const struct command command_icmp6 = { .insts = insts, .views = views };
