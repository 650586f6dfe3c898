/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `routes`: static routes.  The subnets of interfaces are routes by themselves.
 */
#include "config.h"
#include "config_address.h"

#include <stdlib.h>
#include <string.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "prefix", .type = SETTING_PREFIX, SETTING_AT(struct config_route, prefix),
	  .required = true, .live = true, .max = 32,
	  .help = "Destination network; \"0.0.0.0/0\" is the default route." },
	{ .name = "via", .type = SETTING_ADDRESS, SETTING_AT(struct config_route, via),
	  .required = true, .live = true,
	  .help = "Next hop, a host in the subnet of one of our interfaces." },
	{ .name = NULL },
};
// clang-format on

static int
check_via(struct config *c, const struct config_route *r)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *all = list->items;
	char text[CONFIG_ADDRESS_TEXT];

	config_address_text(r->via, text);
	for (uint32_t i = 0; i < list->count; i++) {
		if (all[i].address.len == 0 || !config_address_in(&all[i].address, r->via))
			continue;
		if (all[i].address.address == r->via)
			return config_fail(c, &r->origin, "via",
				"%s is our own address on %s, expected another host's", text,
				all[i].name);
		if (config_address_is_edge(&all[i].address, r->via))
			return config_fail(c, &r->origin, "via",
				"%s is the network or broadcast address of %s's subnet, expected a "
				"host",
				text, all[i].name);
		return 0;
	}
	return config_fail(c, &r->origin, "via",
		"%s is not reachable, expected a host in the subnet of an interface", text);
}

static int
check_connected(struct config *c, const struct config_route *r)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *all = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (all[i].address.len > 0 && all[i].address.len == r->prefix.len &&
			config_address_in(&all[i].address, r->prefix.address))
			return config_fail(c, &r->origin, "prefix",
				"is the subnet of interface %s, expected another network",
				all[i].name);
	}
	return 0;
}

/* Routes in order of prefix, then of the file. */
static int
route_compare(const void *pa, const void *pb)
{
	const struct config_route *a = *(const struct config_route *const *)pa;
	const struct config_route *b = *(const struct config_route *const *)pb;
	const uint32_t na = rte_be_to_cpu_32(a->prefix.address);
	const uint32_t nb = rte_be_to_cpu_32(b->prefix.address);

	if (na != nb)
		return na < nb ? -1 : 1;
	if (a->prefix.len != b->prefix.len)
		return (int)a->prefix.len - (int)b->prefix.len;
	return a < b ? -1 : 1;
}

static int
check_unique(struct config *c, const struct config_list *list)
{
	const struct config_route *routes = list->items, *again = NULL, *first = NULL;
	const struct config_route **sorted = calloc((size_t)list->count + 1, sizeof(*sorted));

	if (sorted == NULL)
		return config_fail(
			c, &routes[0].origin, NULL, "out of memory, expected enough for it");
	for (uint32_t i = 0; i < list->count; i++)
		sorted[i] = &routes[i];
	qsort(sorted, list->count, sizeof(*sorted), route_compare);
	for (uint32_t i = 1; i < list->count; i++) {
		const struct config_route *a = sorted[i - 1], *b = sorted[i];

		if (a->prefix.address == b->prefix.address && a->prefix.len == b->prefix.len &&
			(again == NULL || b < again)) {
			first = a;
			again = b;
		}
	}
	free(sorted);
	if (again == NULL)
		return 0;
	return config_fail(c, &again->origin, "prefix",
		"has a route in line %d already, expected one route for each network",
		first->origin.line);
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "routes");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_system *system = config_section_data(c, "system");
	const struct config_route *routes = list->items;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = check_via(c, &routes[i]);
		if (rc == 0)
			rc = check_connected(c, &routes[i]);
	}
	if (rc < 0 || list->count == 0)
		return rc;
	if ((int64_t)list->count + interfaces->count > system->routes)
		return config_fail(c, &system->origin, "routes",
			"%d is too few, expected at least %u for the routes and interfaces of this "
			"file",
			(int)system->routes, list->count + interfaces->count);
	return check_unique(c, list);
}

const struct config_section config_section_routes = {
	.name = "routes",
	.list = true,
	.size = sizeof(struct config_route),
	.settings = settings,
	.check = check,
	.help = "Static IPv4 routes. The interfaces' subnets are routes by themselves.",
};
