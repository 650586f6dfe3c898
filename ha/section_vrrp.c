/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `vrrp`: VRRP groups, driven by a VGMP group (R49) or standing alone (plain VRRP).
 */
#include "config_address.h"
#include "ha_config.h"
#include "ha_constants.h"
#include "vrrp_nat.h"

#include <stdio.h>
#include <string.h>

static const char *const group_words[] = { [VGMP_GROUP_NONE] = "none",
	[VGMP_GROUP_ACTIVE] = "active",
	[VGMP_GROUP_STANDBY] = "standby",
	NULL };

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "vrid", .type = SETTING_INT, SETTING_AT(struct config_vrrp, vrid),
	  .required = true, .min = 1, .max = 255,
	  .help = "Virtual router id, once per interface; the peer's group has the same." },
	{ .name = "interface", .type = SETTING_NAME, SETTING_AT(struct config_vrrp, interface),
	  .required = true, .min = 1, .max = 47, .help = "Service interface; it needs an address." },
	{ .name = "virtual_ip", .type = SETTING_HOST, SETTING_AT(struct config_vrrp, virtual_ip),
	  .required = true, .min = 0, .max = 32,
	  .help = "Address that the pair shares; the length may be left out inside the interface's "
		  "subnet." },
	{ .name = "virtual_ip6", .type = SETTING_IP, SETTING_AT(struct config_vrrp, virtual_ip6),
	  .help = "IPv6 address that the pair shares beside it, link-local or of a subnet of the "
		  "interface's address6; groups \"active\" and \"standby\" only." },
	{ .name = "group", .type = SETTING_ENUM, SETTING_AT(struct config_vrrp, group),
	  .choices = group_words, .fallback = "none",
	  .help = "VGMP group it follows; none = plain VRRP with its own priority." },
	{ .name = "priority", .type = SETTING_INT, SETTING_AT(struct config_vrrp, priority),
	  .min = 1, .max = 254, .fallback = "100",
	  .help = "Plain VRRP only: the highest becomes master." },
	{ .name = "advert_ms", .type = SETTING_INT, SETTING_AT(struct config_vrrp, advert_ms),
	  .min = 1000, .max = 40000, .fallback = "1000", .unit = "ms",
	  .help = "Time between adverts, whole seconds; the same on all routers of the group." },
	{ .name = "preempt", .type = SETTING_BOOL, SETTING_AT(struct config_vrrp, preempt),
	  .fallback = "true",
	  .help = "Plain VRRP only: take over from a master of lower priority." },
	{ .name = NULL },
};
// clang-format on

static int
check_alone(struct config *c, const struct config_vrrp *v)
{
	static const char *const plain_only[] = { "priority", "preempt" };
	const struct config_hrp *hrp = config_section_data(c, "hrp");

	if (v->advert_ms % 1000 != 0)
		return config_fail(c, &v->origin, "advert_ms",
			"%d is no whole second, expected 1000, 2000, ...", (int)v->advert_ms);
	if (v->group == VGMP_GROUP_NONE)
		return 0;
	if (!hrp->enable)
		return config_fail(c, &v->origin, "group",
			"follows a VGMP group but hrp is off, expected hrp.enable = true or group "
			"= "
			"\"none\"");
	for (unsigned int i = 0; i < RTE_DIM(plain_only); i++) {
		if (config_is_set(&v->origin, plain_only[i]))
			return config_fail(c, &v->origin, plain_only[i],
				"is decided by the VGMP group, expected it with group = \"none\" "
				"only");
	}
	return 0;
}

/* R50, R51; completes a length that was left out. */
static int
check_subnet(struct config *c, struct config_vrrp *v, const struct config_interface *own)
{
	char text[CONFIG_ADDRESS_TEXT];
	const bool inside = config_address_in(&own->address, v->virtual_ip.address);

	if (!inside && v->virtual_ip.len == 0)
		return config_fail(c, &v->origin, "virtual_ip",
			"%s is outside the subnet of %s, expected it with a prefix length",
			config_address_text(v->virtual_ip.address, text), own->name);
	if (inside && config_address_is_edge(&own->address, v->virtual_ip.address))
		return config_fail(c, &v->origin, "virtual_ip",
			"%s is the network or broadcast address of %s's subnet, expected a host",
			config_address_text(v->virtual_ip.address, text), own->name);
	if (v->virtual_ip.len == 0)
		v->virtual_ip.len = own->address.len;
	return 0;
}

/* Whose address is it already? */
static int
check_taken(struct config *c, const struct config_vrrp *v, int own)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_list *routes = config_section_data(c, "routes");
	const struct config_interface *all = interfaces->items;
	const struct config_route *r = routes->items;
	char text[CONFIG_ADDRESS_TEXT];

	config_address_text(v->virtual_ip.address, text);
	for (int i = 0; i < (int)interfaces->count; i++) {
		if (all[i].address.len == 0)
			continue;
		/* R39: in plain VRRP the address may be the interface's own. */
		if (all[i].address.address == v->virtual_ip.address &&
			(i != own || v->group != VGMP_GROUP_NONE))
			return config_fail(c, &v->origin, "virtual_ip",
				"%s is the address of interface %s, expected one that no box has",
				text, all[i].name);
		if (i != own && config_address_in(&all[i].address, v->virtual_ip.address))
			return config_fail(c, &v->origin, "virtual_ip",
				"%s belongs to the subnet of interface %s, expected a host of %s's",
				text, all[i].name, all[own].name);
	}
	for (uint32_t i = 0; i < routes->count; i++) {
		if (r[i].via.family == 4 && r[i].via.v4 == v->virtual_ip.address)
			return config_fail(c, &v->origin, "virtual_ip",
				"%s is the next hop of the route in line %d, expected one that no "
				"host "
				"has",
				text, r[i].origin.line);
	}
	return 0;
}

static bool
is_own6(const struct config_interface *own, const struct ip_addr *a)
{
	const struct config_net *nets = own->address6.items;

	for (uint32_t i = 0; i < own->address6.count; i++) {
		if (ip_addr_equal(&nets[i].address, a))
			return true;
	}
	return false;
}

/* Who speaks IPv6 on it, and whose address is it already? */
static int
check_address6(struct config *c, const struct config_vrrp *v, const struct config_interface *own)
{
	const struct config_net *nets = own->address6.items;
	const struct config_list *routes = config_section_data(c, "routes");
	const struct config_route *r = routes->items;
	const bool link_local = ip6_is_link_local(v->virtual_ip6.v6);
	static const uint8_t anycast[IP6_LEN] = { 0xfe, 0x80 };
	bool inside = link_local;
	char text[CONFIG_IP_TEXT];

	config_address_ip_text(&v->virtual_ip6, text);
	if (v->virtual_ip6.family != 6)
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s is no IPv6 address, expected one, link-local for example", text);
	if (v->group == VGMP_GROUP_NONE)
		return config_fail(c, &v->origin, "virtual_ip6",
			"is set in a plain group, expected it with group = \"active\" or "
			"\"standby\"");
	if (own->address6.count == 0)
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s has no address6, expected an interface with one", own->name);
	if (ip6_equal(v->virtual_ip6.v6, anycast))
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s is the subnet-router anycast address of every link, expected a host",
			text);
	for (uint32_t i = 0; i < own->address6.count; i++) {
		if (!config_address_net_in(&nets[i], &v->virtual_ip6))
			continue;
		inside = true;
		if (config_address_net_is_edge(&nets[i], &v->virtual_ip6))
			return config_fail(c, &v->origin, "virtual_ip6",
				"%s is the subnet-router anycast address of %s's subnet, expected "
				"a host",
				text, own->name);
	}
	if (ip_addr_equal(&own->link_local, &v->virtual_ip6) || is_own6(own, &v->virtual_ip6))
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s is the address of interface %s, expected one that no box has", text,
			own->name);
	if (!inside)
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s is outside the subnets of %s, expected a link-local address or a host "
			"of one",
			text, own->name);
	for (uint32_t i = 0; i < routes->count; i++) {
		if (!ip_addr_equal(&r[i].via, &v->virtual_ip6) ||
			(link_local && strcmp(r[i].interface, v->interface) != 0))
			continue;
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s is the next hop of the route in line %d, expected one that no host has",
			text, r[i].origin.line);
	}
	return 0;
}

static int
check_others(struct config *c, const struct config_vrrp *all, uint32_t mine)
{
	const struct config_vrrp *v = &all[mine];

	for (uint32_t j = 0; j < mine; j++) {
		if (v->vrid == all[j].vrid && strcmp(v->interface, all[j].interface) == 0)
			return config_fail(c, &v->origin, "vrid",
				"%d is on %s already in line %d, expected another number",
				(int)v->vrid, v->interface, all[j].origin.line);
		if (v->virtual_ip.address == all[j].virtual_ip.address)
			return config_fail(c, &v->origin, "virtual_ip",
				"is taken by the group in line %d, expected an address of its own",
				all[j].origin.line);
		if (v->virtual_ip6.family == 6 &&
			ip_addr_equal(&v->virtual_ip6, &all[j].virtual_ip6) &&
			strcmp(v->interface, all[j].interface) == 0)
			return config_fail(c, &v->origin, "virtual_ip6",
				"is taken by the group in line %d, expected an address of its own",
				all[j].origin.line);
	}
	return 0;
}

static int
check_group(struct config *c, struct config_vrrp *all, uint32_t mine)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	struct config_vrrp *v = &all[mine];
	const struct config_interface *own;
	const int index = config_interface_index(c, v->interface);
	int rc;

	if (index < 0)
		return config_fail(c, &v->origin, "interface",
			"unknown interface \"%s\", expected the name of one in the section "
			"interfaces",
			v->interface);
	own = (const struct config_interface *)interfaces->items + index;
	if (own->address.len == 0)
		return config_fail(c, &v->origin, "interface",
			"%s has no address, expected an interface with one", v->interface);
	rc = check_alone(c, v);
	if (rc == 0)
		rc = check_subnet(c, v, own);
	if (rc == 0)
		rc = check_taken(c, v, index);
	if (rc == 0 && v->virtual_ip6.family != 0)
		rc = check_address6(c, v, own);
	return rc < 0 ? rc : check_others(c, all, mine);
}

/* R50: a virtual address outside its interface's subnet brings a subnet, which is a route. */
static uint32_t
count_subnets(const struct config *c, const struct config_list *list)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *all = interfaces->items;
	const struct config_vrrp *v = list->items;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->count; i++)
		n += !config_address_in(&all[config_interface_index(c, v[i].interface)].address,
			v[i].virtual_ip.address);
	return n;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_fill(c, "vrrp");
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < list->count; i++)
		rc = check_group(c, list->items, i);
	if (rc == 0)
		rc = config_route_check_room(c, config_route_count(c, 4) + count_subnets(c, list));
	return rc == 0 ? vrrp_nat_check(c) : rc;
}

const struct config_section config_section_vrrp = {
	.name = "vrrp",
	.list = true,
	.max_items = VRRP_MAX_GROUPS,
	.size = sizeof(struct config_vrrp),
	.settings = settings,
	.check = check,
	.help = "VRRP groups: the addresses that the pair shares.",
};
