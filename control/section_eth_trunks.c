/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `eth_trunks`: several ports as one.  An interface names a trunk as its port.
 */
#include "config.h"
#include "device.h"
#include "snapshot.h"
#include "trunk.h"

#include <string.h>

static const char *const modes[] = {
	[TRUNK_LACP] = "lacp",
	[TRUNK_ACTIVE_BACKUP] = "active-backup",
	[TRUNK_BALANCE] = "balance",
	NULL,
};
static const char *const hashes[] = {
	[TRUNK_L2] = "l2", [TRUNK_L23] = "l23", [TRUNK_L34] = "l34", NULL
};

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_trunk, name),
	  .required = true, .min = 1, .max = 20,
	  .help = "Name that interfaces refer to as their port." },
	{ .name = "members", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_trunk, members), .size = CONFIG_PORT_NAME,
	  .required = true, .min = 1, .max = CONFIG_PORT_NAME - 1, .max_items = TRUNK_MEMBERS,
	  .help = "Names of ports, which have no interface of their own; the first is preferred." },
	{ .name = "mode", .type = SETTING_ENUM, SETTING_AT(struct config_trunk, mode),
	  .choices = modes, .fallback = "lacp",
	  .help = "lacp: the switch agrees on who carries traffic (802.1AX); active-backup: one member at "
		  "a time; balance: all that are up, and the switch must be set so by hand." },
	{ .name = "hash", .type = SETTING_ENUM, SETTING_AT(struct config_trunk, hash),
	  .choices = hashes, .fallback = "l34",
	  .help = "By what packets are spread over the members: MACs, MACs and addresses, addresses and "
		  "ports; not with active-backup." },
	{ .name = NULL },
};
// clang-format on

static const struct config_port *
find_port(const struct config *c, const char *name)
{
	const struct config_list *list = config_section_data(c, "ports");
	const struct config_port *ports = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(ports[i].name, name) == 0)
			return &ports[i];
	}
	return NULL;
}

/* Is the port a member elsewhere? */
static const char *
other_user(const struct config *c, const struct config_trunk *t, uint32_t member)
{
	const char(*names)[CONFIG_PORT_NAME] = t->members.items;
	const char *user = config_port_user(c, names[member]);

	for (uint32_t k = 0; k < member; k++) {
		if (strcmp(names[k], names[member]) == 0)
			return t->name;
	}
	return strcmp(user, t->name) == 0 ? NULL : user;
}

static int
check_member(struct config *c, const struct config_trunk *t, uint32_t member)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *all = interfaces->items;
	const char(*names)[CONFIG_PORT_NAME] = t->members.items;
	const char *name = names[member], *user;
	const struct config_port *p = find_port(c, name), *first = find_port(c, names[0]);
	char kernel[IFNAMSIZ];

	if (p == NULL)
		return config_fail(c, &t->origin, "members",
			"unknown port \"%s\", expected the name of one in the section ports", name);
	user = other_user(c, t, member);
	if (user != NULL)
		return config_fail(c, &t->origin, "members",
			"port %s is a member of %s already, expected each port once", name, user);
	for (uint32_t i = 0; i < interfaces->count; i++) {
		if (strcmp(all[i].port, name) == 0)
			return config_fail(c, &t->origin, "members",
				"port %s has interface %s, expected a port without one", name,
				all[i].name);
	}
	if (p->mtu != first->mtu)
		return config_fail(c, &t->origin, "members",
			"port %s has an mtu of %d, expected that of port %s, %d", name, (int)p->mtu,
			names[0], (int)first->mtu);
	if (t->mode == TRUNK_BALANCE && device_interface(p->devargs, kernel) == 0 &&
		kernel[0] != '\0')
		return config_fail(c, &t->origin, "mode",
			"balance does not notice when the kernel interface of port %s loses its "
			"carrier, expected lacp or active-backup",
			name);
	return 0;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "eth_trunks");
	const struct config_list *ports = config_section_data(c, "ports");
	const struct config_trunk *t = list->items;
	int rc = config_unique(c, list, sizeof(*t), offsetof(struct config_trunk, name), "name");

	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		if (find_port(c, t[i].name) != NULL)
			return config_fail(c, &t[i].origin, "name",
				"a port has this name, expected another one");
		if (ports->count + list->count > MAX_PORTS)
			return config_fail(c, &t[i].origin, "name",
				"there are %u ports and trunks, expected at most %d",
				ports->count + list->count, MAX_PORTS);
		for (uint32_t k = 0; rc == 0 && k < t[i].members.count; k++)
			rc = check_member(c, &t[i], k);
	}
	return rc;
}

const struct config_section config_section_eth_trunks = {
	.name = "eth_trunks",
	.list = true,
	.max_items = MAX_PORTS,
	.size = sizeof(struct config_trunk),
	.settings = settings,
	.check = check,
	.help = "Link aggregation: several ports as one.",
};
