/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `nat_servers`: hosts that are reached by a public address and port.
 */
#include "config_address.h"
#include "config_nat.h"
#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const config_nat_protocols[] = {
	[CONFIG_NAT_ANY] = "any", [CONFIG_NAT_TCP] = "tcp", [CONFIG_NAT_UDP] = "udp", NULL
};

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_nat_server, name),
	  .required = true, .live = true, .min = 1, .max = CONFIG_NAT_GROUP_NAME - 1,
	  .help = "Name of the server." },
	{ .name = "zones", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_nat_server, zones), .size = CONFIG_ZONE_NAME,
	  .live = true, .min = 1, .max = CONFIG_ZONE_NAME - 1, .max_items = MAX_ZONES,
	  .help = "Zones from which it is reached; empty = any, also that of the server itself." },
	{ .name = "protocol", .type = SETTING_ENUM, SETTING_AT(struct config_nat_server, protocol),
	  .required = true, .live = true, .choices = config_nat_protocols,
	  .help = "Protocol whose ports are translated; `any`: whatever comes to the address, and no other server takes, goes to this one; ports stay." },
	{ .name = "public_address", .type = SETTING_ADDRESS,
	  SETTING_AT(struct config_nat_server, public_address), .required = true, .live = true,
	  .help = "Address that others see. It may be one of an interface or of a PAT group." },
	{ .name = "public_port", .type = SETTING_RANGE,
	  SETTING_AT(struct config_nat_server, public_port), .live = true,
	  .help = "Port, or range of ports, that others see; not with `any`." },
	{ .name = "inside_addresses", .type = SETTING_SPANS,
	  .offset = offsetof(struct config_nat_server, inside_addresses), .required = true,
	  .live = true, .max_items = NAT_SERVER_INSIDE,
	  .help = "The server, or up to 16 that share the work: a client always gets the same one." },
	{ .name = "inside_port", .type = SETTING_INT,
	  SETTING_AT(struct config_nat_server, inside_port), .live = true, .max = UINT16_MAX,
	  .fallback = "0",
	  .help = "Port of the server that is the first public one; the others follow. 0 = the same." },
	{ .name = "vrid", .type = SETTING_INT, SETTING_AT(struct config_nat_server, vrid),
	  .live = true, .max = 255, .fallback = "0",
	  .help = "As in `nat_address_groups`; not needed where the address is an interface's or a virtual one." },
	{ .name = NULL },
};
// clang-format on

static int
check_ports(struct config *c, const struct config_nat_server *s)
{
	const struct config_range *port = &s->public_port;

	if (s->protocol == CONFIG_NAT_ANY) {
		if (!config_is_set(&s->origin, "public_port") && s->inside_port == 0)
			return 0;
		return config_fail(c, &s->origin,
			s->inside_port != 0 ? "inside_port" : "public_port",
			"is of tcp or udp, expected none with protocol = \"any\"");
	}
	if (port->min == 0)
		return config_fail(c, &s->origin, "public_port",
			"%s, expected a port or range from 1 to 65535",
			config_is_set(&s->origin, "public_port") ? "begins with 0" : "is missing");
	if (s->inside_port + port->max - port->min > UINT16_MAX)
		return config_fail(c, &s->origin, "inside_port",
			"%d is too high for %d ports, expected at most %d", (int)s->inside_port,
			port->max - port->min + 1, UINT16_MAX - (port->max - port->min));
	return 0;
}

/* The interface that has this address, NULL. */
static const struct config_interface *
own_address(const struct config *c, uint32_t from, uint32_t to)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *in = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		const uint32_t own = rte_be_to_cpu_32(in[i].address.address);

		if (in[i].address.len > 0 && own >= from && own <= to)
			return &in[i];
	}
	return NULL;
}

static int
check_inside(struct config *c, const struct config_nat_server *s)
{
	const struct config_span *spans = s->inside_addresses.items;
	const uint32_t public = rte_be_to_cpu_32(s->public_address);
	uint64_t count = 0;

	for (uint32_t i = 0; i < s->inside_addresses.count; i++) {
		const struct config_interface *own;
		uint32_t from = 0, to = 0;
		char element[32];

		snprintf(element, sizeof(element), "inside_addresses[%u]", i);
		if (!config_nat_span(&spans[i], &from, &to))
			return config_fail(c, &s->origin, element, "is of IPv6, expected IPv4");
		count += (uint64_t)to - from + 1;
		if (count > NAT_SERVER_INSIDE)
			return config_fail(c, &s->origin, element,
				"makes it %llu servers, expected at most %d",
				(unsigned long long)count, NAT_SERVER_INSIDE);
		if (!ip4_is_host(spans[i].first.v4) || !ip4_is_host(spans[i].last.v4))
			return config_fail(c, &s->origin, element,
				"has addresses that no host may have, expected hosts");
		if (public >= from && public <= to)
			return config_fail(c, &s->origin, element,
				"has the public address, expected what it is translated to");
		own = own_address(c, from, to);
		if (own != NULL)
			return config_fail(c, &s->origin, element,
				"has our own address on %s, expected other hosts", own->name);
	}
	return 0;
}

/* ---- together ---- */

static int
server_order(const void *pa, const void *pb)
{
	const struct config_nat_server *a = *(const struct config_nat_server *const *)pa;
	const struct config_nat_server *b = *(const struct config_nat_server *const *)pb;
	const uint32_t na = rte_be_to_cpu_32(a->public_address);
	const uint32_t nb = rte_be_to_cpu_32(b->public_address);

	if (na != nb)
		return na < nb ? -1 : 1;
	return a < b ? -1 : 1;
}

static bool
zones_overlap(const struct config_nat_server *a, const struct config_nat_server *b)
{
	const char(*mine)[CONFIG_ZONE_NAME] = a->zones.items;
	const char(*others)[CONFIG_ZONE_NAME] = b->zones.items;

	if (a->zones.count == 0 || b->zones.count == 0)
		return true;
	for (uint32_t i = 0; i < a->zones.count; i++) {
		for (uint32_t k = 0; k < b->zones.count; k++) {
			if (strcmp(mine[i], others[k]) == 0)
				return true;
		}
	}
	return false;
}

/* Two of one address: another protocol, of which `any` gets what no other takes; other ports, or
 * the same ones for other zones. */
static int
check_pair(
	struct config *c, const struct config_nat_server *first, const struct config_nat_server *s)
{
	const struct config_range *a = &first->public_port, *b = &s->public_port;
	const bool equal = a->min == b->min && a->max == b->max;

	if (first->protocol != s->protocol || a->max < b->min || b->max < a->min)
		return 0;
	if (equal && !zones_overlap(first, s))
		return 0;
	return config_fail(c, &s->origin,
		s->protocol == CONFIG_NAT_ANY ? "public_address" : "public_port",
		"is taken by server %s in line %d, expected %s", first->name, first->origin.line,
		equal ? "another or zones that have nothing in common"
		      : "others, or the same for other zones");
}

static int
check_together(struct config *c, const struct config_list *list)
{
	const struct config_nat_server *servers = list->items;
	const struct config_nat_server **sorted = calloc((size_t)list->count + 1, sizeof(*sorted));
	int rc = 0;

	if (sorted == NULL)
		return config_fail(
			c, &servers[0].origin, NULL, "out of memory, expected enough for it");
	for (uint32_t i = 0; i < list->count; i++)
		sorted[i] = &servers[i];
	qsort(sorted, list->count, sizeof(*sorted), server_order);
	for (uint32_t i = 1; rc == 0 && i < list->count; i++) {
		for (uint32_t k = i; rc == 0 && k-- > 0 &&
				     sorted[k]->public_address == sorted[i]->public_address;)
			rc = check_pair(c, sorted[k], sorted[i]);
	}
	free(sorted);
	return rc;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "nat_servers");
	const struct config_nat_server *servers = list->items;
	int rc;

	rc = config_unique(
		c, list, sizeof(*servers), offsetof(struct config_nat_server, name), "name");
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = config_nat_check_zones(c, &servers[i].origin, &servers[i].zones);
		if (rc == 0)
			rc = check_ports(c, &servers[i]);
		if (rc == 0)
			rc = check_inside(c, &servers[i]);
	}
	return rc == 0 && list->count > 0 ? check_together(c, list) : rc;
}

const struct config_section config_section_nat_servers = {
	.name = "nat_servers",
	.replicated = true,
	.list = true,
	.max_items = NAT_SERVERS_MAX,
	.size = sizeof(struct config_nat_server),
	.settings = settings,
	.check = check,
	.help = "Hosts that are reached by a public address and port (IPv4). The security policy "
		"sees "
		"the inside address and port, and decides.",
};
