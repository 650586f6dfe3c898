/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `routes`: static routes of both families.  The subnets of interfaces are routes by
 * themselves.
 */
#include "config.h"
#include "config_address.h"

#include <stdlib.h>
#include <string.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "prefix", .type = SETTING_NET, SETTING_AT(struct config_route, prefix),
	  .required = true, .live = true,
	  .help = "Destination network; \"0.0.0.0/0\" and \"::/0\" are the default routes." },
	{ .name = "via", .type = SETTING_IP, SETTING_AT(struct config_route, via),
	  .required = true, .live = true,
	  .help = "Next hop, a host in the subnet of one of our interfaces, or a link-local IPv6 "
		  "address." },
	{ .name = "interface", .type = SETTING_NAME, SETTING_AT(struct config_route, interface),
	  .live = true, .min = 1, .max = 47,
	  .help = "Where the next hop is; needed when via is link-local." },
	{ .name = NULL },
};
// clang-format on

static const struct config_interface *
interface_at(const struct config *c, int index)
{
	const struct config_list *list = config_section_data(c, "interfaces");

	return (const struct config_interface *)list->items + index;
}

/* => The i-th address of an interface with its subnet, IPv4 first; false: there are no more. */
static bool
subnet_at(const struct config_interface *in, uint32_t i, struct config_net *out)
{
	const struct config_net *nets = in->address6.items;

	if (in->address.len > 0 && i-- == 0) {
		*out = (struct config_net){ .address = ip_addr_v4(in->address.address),
			.len = in->address.len };
		return true;
	}
	if (i >= in->address6.count)
		return false;
	*out = nets[i];
	return true;
}

static bool
in_subnet(const struct config_interface *in, const struct ip_addr *a)
{
	struct config_net net;

	for (uint32_t i = 0; subnet_at(in, i, &net); i++) {
		if (config_address_net_in(&net, a))
			return true;
	}
	return a->family == 6 && ip6_is_link_local(a->v6) && in->address6.count > 0;
}

int
config_route_interface(const struct config *c, const struct config_route *r)
{
	const struct config_list *list = config_section_data(c, "interfaces");

	if (r->interface[0] != '\0') {
		const int index = config_interface_index(c, r->interface);

		return index >= 0 && in_subnet(interface_at(c, index), &r->via) ? index : -1;
	}
	for (uint32_t i = 0; i < list->count; i++) {
		if (in_subnet(interface_at(c, (int)i), &r->via))
			return (int)i;
	}
	return -1;
}

static int
check_prefix(struct config *c, const struct config_route *r)
{
	static const struct config_net reserved[] = {
		{ .address = { .family = 6, .v6 = { 0xfe, 0x80 } }, .len = 10 },
		{ .address = { .family = 6, .v6 = { 0xff } }, .len = 8 },
	};

	if (r->prefix.address.family != r->via.family)
		return config_fail(c, &r->origin, "via",
			"is of another family than the prefix, expected an IPv%d address",
			r->prefix.address.family);
	for (unsigned int i = 0; i < RTE_DIM(reserved); i++) {
		if (r->prefix.len >= reserved[i].len &&
			config_address_net_in(&reserved[i], &r->prefix.address))
			return config_fail(c, &r->origin, "prefix",
				"is link-local or multicast, expected a network that is routed");
	}
	return 0;
}

/* The next hop is behind interface `in`: may it be this address? */
static int
check_next_hop(struct config *c, const struct config_route *r, const struct config_interface *in,
	const char *text)
{
	struct config_net net;

	if (in->link_local.family != 0 && ip_addr_equal(&in->link_local, &r->via))
		return config_fail(c, &r->origin, "via",
			"%s is our own address on %s, expected another host's", text, in->name);
	for (uint32_t i = 0; subnet_at(in, i, &net); i++) {
		if (ip_addr_equal(&net.address, &r->via))
			return config_fail(c, &r->origin, "via",
				"%s is our own address on %s, expected another host's", text,
				in->name);
		if (config_address_net_in(&net, &r->via) &&
			config_address_net_is_edge(&net, &r->via))
			return config_fail(c, &r->origin, "via",
				"%s is the %s address of %s's subnet, expected a host", text,
				r->via.family == 6 ? "subnet-router anycast"
						   : "network or broadcast",
				in->name);
	}
	return 0;
}

static int
check_via(struct config *c, const struct config_route *r)
{
	const int index = config_route_interface(c, r);
	char text[CONFIG_IP_TEXT];

	config_address_ip_text(&r->via, text);
	if (r->interface[0] == '\0' && r->via.family == 6 && ip6_is_link_local(r->via.v6))
		return config_fail(c, &r->origin, "interface",
			"is missing, expected the interface behind which the link-local %s is",
			text);
	if (r->interface[0] != '\0' && config_interface_index(c, r->interface) < 0)
		return config_fail(c, &r->origin, "interface",
			"unknown interface \"%s\", expected the name of one in the section "
			"interfaces",
			r->interface);
	if (index >= 0)
		return check_next_hop(c, r, interface_at(c, index), text);
	if (r->interface[0] != '\0')
		return config_fail(c, &r->origin, "via",
			"%s is not reachable by %s, expected a host in one of its subnets", text,
			r->interface);
	return config_fail(c, &r->origin, "via",
		"%s is not reachable, expected a host in the subnet of an interface", text);
}

static int
check_connected(struct config *c, const struct config_route *r)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	struct config_net net;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct config_interface *in = interface_at(c, (int)i);

		for (uint32_t k = 0; subnet_at(in, k, &net); k++) {
			if (net.len == r->prefix.len &&
				config_address_net_in(&net, &r->prefix.address))
				return config_fail(c, &r->origin, "prefix",
					"is the subnet of interface %s, expected another network",
					in->name);
		}
	}
	return 0;
}

static int
prefix_compare(const struct config_net *a, const struct config_net *b)
{
	const uint32_t na = rte_be_to_cpu_32(a->address.v4);
	const uint32_t nb = rte_be_to_cpu_32(b->address.v4);
	int order;

	if (a->address.family != b->address.family)
		return (int)a->address.family - (int)b->address.family;
	if (a->address.family == 6)
		order = ip6_compare(a->address.v6, b->address.v6);
	else
		order = na < nb ? -1 : na > nb;
	return order != 0 ? order : (int)a->len - (int)b->len;
}

/* Routes in order of prefix, then of the file. */
static int
route_compare(const void *pa, const void *pb)
{
	const struct config_route *a = *(const struct config_route *const *)pa;
	const struct config_route *b = *(const struct config_route *const *)pb;
	const int order = prefix_compare(&a->prefix, &b->prefix);

	if (order != 0)
		return order;
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

		if (prefix_compare(&a->prefix, &b->prefix) == 0 && (again == NULL || b < again)) {
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

uint32_t
config_route_count(const struct config *c, uint8_t family)
{
	const struct config_list *list = config_section_data(c, "routes");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_route *routes = list->items;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->count; i++)
		n += routes[i].prefix.address.family == family;
	if (family == 4)
		return n + interfaces->count;
	for (uint32_t i = 0; i < interfaces->count; i++)
		n += interface_at(c, (int)i)->address6.count;
	return n;
}

int
config_route_check_room(struct config *c, uint32_t needed)
{
	const struct config_system *system = config_section_data(c, "system");

	if ((int64_t)needed <= system->routes)
		return 0;
	return config_fail(c, &system->origin, "routes",
		"%d is too few, expected at least %u for the routes and interfaces of this file",
		(int)system->routes, needed);
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "routes");
	const struct config_route *routes = list->items;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = check_prefix(c, &routes[i]);
		if (rc == 0)
			rc = check_via(c, &routes[i]);
		if (rc == 0)
			rc = check_connected(c, &routes[i]);
	}
	if (rc == 0)
		rc = config_route_check_room(
			c, RTE_MAX(config_route_count(c, 4), config_route_count(c, 6)));
	if (rc < 0)
		return rc;
	return list->count > 0 ? check_unique(c, list) : 0;
}

const struct config_section config_section_routes = {
	.name = "routes",
	.list = true,
	.size = sizeof(struct config_route),
	.settings = settings,
	.check = check,
	.help = "Static routes. The interfaces' subnets are routes by themselves.",
};
