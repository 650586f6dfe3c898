/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `nat_address_groups`: the addresses that source NAT takes from.
 */
#include "config_address.h"
#include "config_nat.h"

#include <stdio.h>

const char *const config_nat_modes[] = {
	[NAT_POOL_PAT] = "pat", [NAT_POOL_NO_PAT] = "no-pat", NULL
};

const char *const config_nat_mappings[] = { [CONFIG_NAT_INDEPENDENT] = "endpoint-independent",
	[CONFIG_NAT_DEPENDENT] = "address-and-port-dependent",
	NULL };

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_nat_group, name),
	  .required = true, .live = true, .min = 1, .max = CONFIG_NAT_GROUP_NAME - 1,
	  .help = "Name that rules refer to." },
	{ .name = "mode", .type = SETTING_ENUM, SETTING_AT(struct config_nat_group, mode),
	  .live = true, .choices = config_nat_modes, .fallback = "pat",
	  .help = "`pat`: many hosts share an address, ports are translated too; `no-pat`: a host has an address to itself as long as it has sessions, ports stay." },
	{ .name = "addresses", .type = SETTING_SPANS,
	  .offset = offsetof(struct config_nat_group, addresses), .required = true, .live = true,
	  .max_items = NAT_GROUP_SECTIONS,
	  .help = "IPv4 hosts, ranges and prefixes, together at most 4096 addresses." },
	{ .name = "vrid", .type = SETTING_INT, SETTING_AT(struct config_nat_group, vrid),
	  .live = true, .max = 255, .fallback = "0",
	  .help = "VRRP group of the interface in whose subnet the addresses are: they are answered for in ARP while it is active, with its virtual MAC. 0: the interface has none, or the addresses are in no connected subnet." },
	{ .name = "block", .type = SETTING_INT, SETTING_AT(struct config_nat_group, block),
	  .live = true, .min = 64, .max = 1024, .fallback = "256", .unit = "ports",
	  .help = "How many ports a worker takes at a time: 64, 128, 256, 512 or 1024." },
	{ .name = "paired", .type = SETTING_BOOL, SETTING_AT(struct config_nat_group, paired),
	  .live = true, .fallback = "true",
	  .help = "A host keeps to one address (RFC 4787 REQ-2), and is refused when that has no port left." },
	{ .name = "mapping", .type = SETTING_ENUM, SETTING_AT(struct config_nat_group, mapping),
	  .live = true, .choices = config_nat_mappings, .fallback = "endpoint-independent",
	  .help = "`endpoint-independent`: what a host sends from a port leaves from the same address and port, wherever it goes (RFC 4787 REQ-1); `address-and-port-dependent`: each connection gets a port of its own, so that there are no more connections than ports." },
	{ .name = "filtering", .type = SETTING_ENUM, SETTING_AT(struct config_nat_group, filtering),
	  .live = true, .choices = config_nat_mappings, .fallback = "address-and-port-dependent",
	  .help = "Who may send to a mapping. `address-and-port-dependent`: whom the host has sent to, from the same port; `endpoint-independent`: anybody (full cone), without a rule of the security policy." },
	{ .name = NULL },
};
// clang-format on

/* Only ports have blocks, and are mapped. */
static int
check_mode(struct config *c, const struct config_nat_group *g)
{
	static const char *const of_pat[] = { "block", "paired", "mapping", "filtering" };

	for (unsigned int i = 0; g->mode == NAT_POOL_NO_PAT && i < RTE_DIM(of_pat); i++) {
		if (config_is_set(&g->origin, of_pat[i]))
			return config_fail(c, &g->origin, of_pat[i],
				"is of ports, which no-pat leaves alone, expected it with mode = "
				"\"pat\" only");
	}
	if ((g->block & (g->block - 1)) != 0)
		return config_fail(c, &g->origin, "block",
			"%d is no power of two, expected 64, 128, 256, 512 or 1024", (int)g->block);
	if (g->mapping == CONFIG_NAT_DEPENDENT && g->filtering == CONFIG_NAT_INDEPENDENT)
		return config_fail(c, &g->origin, "filtering",
			"lets anybody send to a mapping that is for one destination, expected "
			"mapping = \"endpoint-independent\" with it");
	return 0;
}

static int
check_addresses(struct config *c, const struct config_nat_group *g)
{
	const struct config_span *spans = g->addresses.items;
	uint64_t count = 0;

	for (uint32_t i = 0; i < g->addresses.count; i++) {
		uint32_t from = 0, to = 0;
		char element[32];

		snprintf(element, sizeof(element), "addresses[%u]", i);
		if (!config_nat_span(&spans[i], &from, &to))
			return config_fail(
				c, &g->origin, element, "is of IPv6, expected IPv4 addresses");
		if (!ip4_is_host(spans[i].first.v4) || !ip4_is_host(spans[i].last.v4))
			return config_fail(c, &g->origin, element,
				"has addresses that no host may have, expected hosts");
		count += (uint64_t)to - from + 1;
		if (count > NAT_POOL_ADDRESSES)
			return config_fail(c, &g->origin, element,
				"makes it %llu addresses, expected at most %d",
				(unsigned long long)count, NAT_POOL_ADDRESSES);
	}
	return 0;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "nat_address_groups");
	const struct config_nat_group *groups = list->items;
	int rc;

	rc = config_unique(
		c, list, sizeof(*groups), offsetof(struct config_nat_group, name), "name");
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = check_mode(c, &groups[i]);
		if (rc == 0)
			rc = check_addresses(c, &groups[i]);
	}
	return rc;
}

const struct config_section config_section_nat_groups = {
	.name = "nat_address_groups",
	.replicated = true,
	.list = true,
	.max_items = CONFIG_NAT_GROUPS,
	.size = sizeof(struct config_nat_group),
	.settings = settings,
	.check = check,
	.help = "Public addresses that source NAT takes from. A group that changes ends the "
		"sessions "
		"it has translated.",
};
