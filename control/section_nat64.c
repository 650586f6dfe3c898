/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `nat64`: prefixes by which hosts that have IPv6 only reach IPv4.
 */
#include "config_address.h"
#include "config_nat.h"
#include "snapshot.h"

#include <stdio.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_nat64, name),
	  .required = true, .live = true, .min = 1, .max = CONFIG_NAT_GROUP_NAME - 1,
	  .help = "Name of the prefix." },
	{ .name = "prefix", .type = SETTING_NET, SETTING_AT(struct config_nat64, prefix),
	  .required = true, .live = true,
	  .help = "IPv6 prefix of length 32, 40, 48, 56, 64 or 96, in whose addresses the IPv4 ones lie (RFC 6052). The well-known `64:ff9b::/96` leads to global addresses only." },
	{ .name = "address_group", .type = SETTING_STRING,
	  SETTING_AT(struct config_nat64, group), .required = true, .live = true, .min = 1,
	  .max = CONFIG_NAT_GROUP_NAME - 1,
	  .help = "Group of `nat_address_groups` with mode `pat` and without `filtering = \"endpoint-independent\"`, whose addresses and ports the hosts leave by." },
	{ .name = "zones", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_nat64, zones), .size = CONFIG_ZONE_NAME,
	  .live = true, .min = 1, .max = CONFIG_ZONE_NAME - 1, .max_items = MAX_ZONES,
	  .help = "Zones of the hosts; empty = any." },
	{ .name = NULL },
};
// clang-format on

static int
check_group(struct config *c, const struct config_nat64 *p)
{
	const struct config_nat_group *g = config_nat_group_find(c, p->group);

	if (g == NULL)
		return config_fail(c, &p->origin, "address_group",
			"\"%s\" is not there, expected one of nat_address_groups", p->group);
	if (g->mode != NAT_POOL_PAT)
		return config_fail(c, &p->origin, "address_group",
			"\"%s\" leaves ports alone, expected one with mode = \"pat\"", p->group);
	if (g->filtering == CONFIG_NAT_INDEPENDENT)
		return config_fail(c, &p->origin, "address_group",
			"\"%s\" lets anybody send to its mappings, which leads to IPv4 hosts only, "
			"expected one with filtering = \"address-and-port-dependent\"",
			p->group);
	return 0;
}

/* An address of ours would be out of reach. */
static int
check_interfaces(struct config *c, const struct config_nat64 *p)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *in = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct config_net *nets = in[i].address6.items;

		for (uint32_t k = 0; k < in[i].address6.count; k++) {
			const struct config_net net = config_address_network(&nets[k]);

			if (config_address_net_overlap(&net, &p->prefix))
				return config_fail(c, &p->origin, "prefix",
					"overlaps the subnet of interface %s, expected a prefix "
					"that nobody has",
					in[i].name);
		}
	}
	return 0;
}

static int
check_one(struct config *c, const struct config_nat64 *p)
{
	const char *wrong = p->prefix.address.family == 6
				    ? nat64_prefix_wrong(p->prefix.address.v6, p->prefix.len)
				    : "it is of IPv4";
	int rc;

	if (wrong != NULL)
		return config_fail(c, &p->origin, "prefix",
			"%s, expected an IPv6 prefix such as \"64:ff9b::/96\"", wrong);
	rc = check_group(c, p);
	if (rc == 0)
		rc = check_interfaces(c, p);
	return rc == 0 ? config_nat_check_zones(c, &p->origin, &p->zones) : rc;
}

/* Two prefixes that overlap are for different zones. */
static int
check_overlap(struct config *c, const struct config_nat64 *all, uint32_t i)
{
	const uint64_t mine = config_nat_zones(c, &all[i].zones);

	for (uint32_t k = 0; k < i; k++) {
		const uint64_t other = config_nat_zones(c, &all[k].zones);

		if (config_address_net_overlap(&all[i].prefix, &all[k].prefix) &&
			(mine == 0 || other == 0 || (mine & other) != 0))
			return config_fail(c, &all[i].origin, "prefix",
				"overlaps that of %s, expected another or zones that have nothing "
				"in common",
				all[k].name);
	}
	return 0;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "nat64");
	const struct config_nat64 *all = list->items;
	int rc;

	rc = config_unique(c, list, sizeof(*all), offsetof(struct config_nat64, name), "name");
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = check_one(c, &all[i]);
		if (rc == 0)
			rc = check_overlap(c, all, i);
	}
	return rc;
}

const struct config_section config_section_nat64 = {
	.name = "nat64",
	.replicated = true,
	.list = true,
	.max_items = NAT64_PREFIXES_MAX,
	.size = sizeof(struct config_nat64),
	.settings = settings,
	.check = check,
	.help = "Prefixes by which hosts that have IPv6 only reach IPv4 (RFC 6146). The security "
		"policy sees the IPv6 addresses, and the zone that the IPv4 address leads to.",
};
