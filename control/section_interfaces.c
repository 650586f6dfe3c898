/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `interfaces`: what the operator calls a port, with its address and zone.
 */
#include "config.h"
#include "config_address.h"
#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const reverse_path_words[] = {
	[REVERSE_PATH_OFF] = "off",
	[REVERSE_PATH_CONNECTED] = "connected",
	[REVERSE_PATH_LOOSE] = "loose",
	[REVERSE_PATH_STRICT] = "strict",
	NULL,
};

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_interface, name),
	  .required = true, .min = 1, .max = 47,
	  .help = "Name in every command and display, such as \"GigabitEthernet1/0/1\"." },
	{ .name = "port", .type = SETTING_NAME, SETTING_AT(struct config_interface, port),
	  .required = true, .min = 1, .max = 31, .help = "The port, or the trunk, it runs on." },
	{ .name = "vlan", .type = SETTING_INT, SETTING_AT(struct config_interface, vlan),
	  .max = VLAN_ID_MAX, .fallback = "0",
	  .help = "Makes it a subinterface: its frames have this 802.1Q tag on the port; 0 = untagged. A "
		  "port has at most one untagged interface, and each tag once." },
	{ .name = "address", .type = SETTING_HOST, SETTING_AT(struct config_interface, address),
	  .min = 1, .max = 32,
	  .help = "Own IPv4 address with the length of its subnet." },
	{ .name = "address6", .type = SETTING_HOSTS6, SETTING_AT(struct config_interface, address6),
	  .min = 1, .max = 128, .max_items = MAX_ADDRESSES6,
	  .help = "Own IPv6 addresses with the lengths of their subnets; without one the interface "
		  "does not speak IPv6." },
	{ .name = "link_local", .type = SETTING_IP, SETTING_AT(struct config_interface, link_local),
	  .help = "Own IPv6 link-local address; without it one is made from the port's MAC "
		  "(EUI-64)." },
	{ .name = "zone", .type = SETTING_NAME, SETTING_AT(struct config_interface, zone),
	  .required = true, .live = true, .min = 1, .max = 31,
	  .help = "Security zone of the networks behind it." },
	{ .name = "mtu", .type = SETTING_INT, SETTING_AT(struct config_interface, mtu),
	  .min = 576, .max = 9600, .fallback = "1500", .unit = "bytes",
	  .help = "Largest IP packet sent; 1280 at least with IPv6." },
	{ .name = "tcp_mss", .type = SETTING_INT, SETTING_AT(struct config_interface, tcp_mss),
	  .live = true, .max = CONFIG_TCP_MSS_MAX, .fallback = "0", .unit = "bytes",
	  .help = "Lower the maximum segment size offered by SYNs that come in or leave here to this "
		  "value; 0, the default, means as `system.tcp_mss` says. The lowest counts." },
	{ .name = "ping", .type = SETTING_BOOL, SETTING_AT(struct config_interface, ping),
	  .live = true, .fallback = "true",
	  .help = "Answer echo requests to our addresses on it without a rule." },
	{ .name = "reverse_path", .type = SETTING_ENUM,
	  SETTING_AT(struct config_interface, reverse_path),
	  .live = true, .choices = reverse_path_words, .fallback = "connected",
	  .help = "What the source of a new session must fulfil, else it is dropped (`reverse_path`): "
		  "`connected`: of a connected network only behind its own interface; `loose`: also a route "
		  "to it besides the default route; `strict`: the route to it, the default route too, leads "
		  "to this interface; `off`: nothing." },
	{ .name = "shutdown", .type = SETTING_BOOL, SETTING_AT(struct config_interface, shutdown),
	  .live = true, .fallback = "false", .help = "Taken out of service by the operator." },
	{ .name = NULL },
};
// clang-format on

static int
check_zone(struct config *c, const struct config_interface *i)
{
	const uint8_t zone = config_zone_id(c, i->zone);

	if (zone == ZONE_NONE)
		return config_fail(c, &i->origin, "zone",
			"unknown zone \"%s\", expected trust, dmz, untrust or one of the section "
			"zones",
			i->zone);
	if (zone == ZONE_LOCAL)
		return config_fail(c, &i->origin, "zone",
			"local is the zone of the firewall itself, expected another zone");
	return 0;
}

/* IPv6 of one interface. */
static int
check_ipv6(struct config *c, const struct config_interface *i)
{
	const struct config_net *nets = i->address6.items;
	char setting[24];

	if (i->link_local.family != 0 &&
		(i->link_local.family != 6 || !ip6_is_link_local(i->link_local.v6)))
		return config_fail(c, &i->origin, "link_local",
			"is not link-local, expected an address of fe80::/10");
	if (i->link_local.family != 0 && i->address6.count == 0)
		return config_fail(c, &i->origin, "link_local",
			"is set without address6, expected both or none");
	if (i->address6.count > 0 && i->mtu < IP6_MTU_MIN)
		return config_fail(c, &i->origin, "mtu",
			"%d is too small for IPv6, expected at least %d bytes", (int)i->mtu,
			IP6_MTU_MIN);
	for (uint32_t j = 1; j < i->address6.count; j++) {
		for (uint32_t k = 0; k < j; k++) {
			snprintf(setting, sizeof(setting), "address6[%u]", j);
			if (ip_addr_equal(&nets[j].address, &nets[k].address))
				return config_fail(c, &i->origin, setting,
					"is there already, expected each address once");
			/* Several addresses in one subnet are fine. */
			if (nets[j].len != nets[k].len &&
				config_address_net_overlap(&nets[j], &nets[k]))
				return config_fail(c, &i->origin, setting,
					"overlaps the subnet of address6[%u], expected the same "
					"subnet or another one",
					k);
		}
	}
	return 0;
}

static int
check_subnets6(struct config *c, const struct config_interface *i, const struct config_interface *o)
{
	const struct config_net *mine = i->address6.items, *others = o->address6.items;
	char setting[24];

	for (uint32_t j = 0; j < i->address6.count; j++) {
		for (uint32_t k = 0; k < o->address6.count; k++) {
			if (!config_address_net_overlap(&mine[j], &others[k]))
				continue;
			snprintf(setting, sizeof(setting), "address6[%u]", j);
			return config_fail(c, &i->origin, setting,
				"overlaps a subnet of interface %s in line %d, expected a subnet "
				"of its own",
				o->name, o->origin.line);
		}
	}
	return 0;
}

static int
check_others(struct config *c, const struct config_interface *all, uint32_t mine)
{
	const struct config_interface *i = &all[mine];

	for (uint32_t j = 0; j < mine; j++) {
		const struct config_interface *o = &all[j];

		if (strcmp(i->port, o->port) == 0 && i->vlan == o->vlan)
			return i->vlan == 0 ? config_fail(c, &i->origin, "port",
						      "port %s has interface %s already, expected "
						      "a port of its own or a vlan",
						      i->port, o->name)
					    : config_fail(c, &i->origin, "vlan",
						      "VLAN %d of port %s has interface %s "
						      "already, expected another one",
						      (int)i->vlan, i->port, o->name);
		if (i->address.len > 0 && o->address.len > 0 &&
			config_address_overlap(&i->address, &o->address))
			return config_fail(c, &i->origin, "address",
				"overlaps the subnet of interface %s in line %d, expected a subnet "
				"of "
				"its own",
				o->name, o->origin.line);
		if (check_subnets6(c, i, o) < 0)
			return -EINVAL;
	}
	return 0;
}

static int
check_port(struct config *c, const struct config_interface *i)
{
	const int port = config_port_index(c, i->port);
	int mtu;

	if (port < 0)
		return config_fail(c, &i->origin, "port",
			"unknown port \"%s\", expected the name of one in the sections ports and "
			"eth_trunks",
			i->port);
	mtu = (int)config_port_mtu(c, (uint16_t)port);
	if (mtu > 0 && i->mtu > mtu)
		return config_fail(c, &i->origin, "mtu",
			"%d is more than that of port %s, expected at most %d, or ports[%s].mtu = "
			"%d",
			(int)i->mtu, i->port, mtu, i->port, (int)i->mtu);
	return 0;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *all = list->items;
	int rc;

	rc = config_unique(c, list, sizeof(*all), offsetof(struct config_interface, name), "name");
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = check_port(c, &all[i]);
		if (rc == 0)
			rc = check_zone(c, &all[i]);
		if (rc == 0 && all[i].tcp_mss != 0 && all[i].tcp_mss < CONFIG_TCP_MSS_MIN)
			rc = config_fail(c, &all[i].origin, "tcp_mss",
				"%d is too small, expected 0 or %d to %d", (int)all[i].tcp_mss,
				CONFIG_TCP_MSS_MIN, CONFIG_TCP_MSS_MAX);
		if (rc == 0)
			rc = check_ipv6(c, &all[i]);
		if (rc == 0)
			rc = check_others(c, all, i);
	}
	return rc;
}

const struct config_section config_section_interfaces = {
	.name = "interfaces",
	.required = true,
	.list = true,
	.max_items = MAX_INTERFACES,
	.size = sizeof(struct config_interface),
	.settings = settings,
	.check = check,
	.help = "Interfaces: a port, or a VLAN of one, with its address and zone.",
};
