/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connected subnets first, then static routes whose interface is in service.  The IPv6 table is
 * built beside the old one, the IPv4 table is changed as a whole or not at all, then the built one
 * is swapped in, which cannot fail.
 */
#include "publish_routes.h"

#include "config_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct route_list {
	struct route *routes;
	uint32_t count, connected;
};

/* A network that is connected already is not routed elsewhere. */
static void
add_route(struct route_list *list, const struct config_prefix *p, uint16_t interface,
	rte_be32_t gateway)
{
	const uint32_t prefix = rte_be_to_cpu_32(p->address & config_address_mask(p->len));

	for (uint32_t i = 0; i < list->connected; i++) {
		if (list->routes[i].prefix == prefix && list->routes[i].len == p->len)
			return;
	}
	list->routes[list->count++] = (struct route){
		.prefix = prefix, .len = p->len, .interface = interface, .gateway = gateway
	};
	if (gateway == 0)
		list->connected = list->count;
}

/* => The interface of a static route if it is in service, else INTERFACE_NONE. */
static uint16_t
static_interface(const struct config *c, const struct snapshot *s, const struct config_route *r)
{
	const int index = config_route_interface(c, r);

	return index >= 0 && s->interfaces[index].up ? (uint16_t)index : INTERFACE_NONE;
}

/* => index of the interface in service whose subnet holds the address, INTERFACE_NONE */
static uint16_t
interface_of(const struct snapshot *s, rte_be32_t address)
{
	for (uint16_t i = 0; i < s->interface_count; i++) {
		const struct config_prefix p = { .address = s->interfaces[i].address,
			.len = s->interfaces[i].prefix_len };

		if (s->interfaces[i].up && p.address != 0 && config_address_in(&p, address))
			return i;
	}
	return INTERFACE_NONE;
}

static bool
build_routes(const struct config *c, const struct snapshot *s, const struct publish_extra *extra,
	struct route_list *list)
{
	const struct config_list *from = config_section_data(c, "routes");
	const struct config_route *fixed = from->items;

	list->routes = calloc((size_t)s->interface_count + extra->virtual_count + from->count + 1,
		sizeof(*list->routes));
	if (list->routes == NULL)
		return false;
	for (uint16_t i = 0; i < s->interface_count; i++) {
		const struct config_prefix p = { .address = s->interfaces[i].address,
			.len = s->interfaces[i].prefix_len };

		if (s->interfaces[i].up && p.address != 0)
			add_route(list, &p, i, 0);
	}
	for (uint32_t i = 0; i < extra->virtual_count; i++) {
		const struct publish_virtual *v = &extra->virtuals[i];
		const struct config_prefix p = { .address = v->address, .len = v->len };

		if (v->len > 0 && s->interfaces[v->interface].up &&
			interface_of(s, v->address) == INTERFACE_NONE)
			add_route(list, &p, v->interface, 0);
	}
	for (uint32_t i = 0; i < from->count; i++) {
		const struct config_prefix p = { .address = fixed[i].prefix.address.v4,
			.len = fixed[i].prefix.len };
		const uint16_t interface = static_interface(c, s, &fixed[i]);

		if (fixed[i].via.family == 4 && interface != INTERFACE_NONE)
			add_route(list, &p, interface, fixed[i].via.v4);
	}
	return true;
}

struct route6_list {
	struct route6 *routes;
	uint32_t count;
};

/* Connected ones come first: several addresses of an interface may share a subnet, and a network
 * that is connected already is not routed elsewhere. */
static void
add_route6(struct route6_list *list, const uint8_t prefix[IP6_LEN], uint8_t len, uint16_t interface,
	const uint8_t gateway[IP6_LEN])
{
	struct route6 *r = &list->routes[list->count];

	*r = (struct route6){ .len = len, .interface = interface };
	memcpy(r->prefix, prefix, IP6_LEN);
	ip6_mask(r->prefix, len);
	memcpy(r->gateway, gateway, IP6_LEN);
	for (uint32_t i = 0; i < list->count; i++) {
		if (list->routes[i].len == len && ip6_equal(list->routes[i].prefix, r->prefix))
			return;
	}
	list->count++;
}

static bool
build_routes6(const struct config *c, const struct snapshot *s, struct route6_list *list)
{
	static const uint8_t connected[IP6_LEN];
	const struct config_list *from = config_section_data(c, "routes");
	const struct config_route *fixed = from->items;

	list->routes = calloc((size_t)s->interface_count * MAX_ADDRESSES6 + from->count + 1,
		sizeof(*list->routes));
	if (list->routes == NULL)
		return false;
	for (uint16_t i = 0; i < s->interface_count; i++) {
		const struct snapshot_interface *in = &s->interfaces[i];

		for (uint8_t k = 0; in->up && k < in->address6_count; k++)
			add_route6(list, in->addresses6[k].address, in->addresses6[k].len, i,
				connected);
	}
	for (uint32_t i = 0; i < from->count; i++) {
		const uint16_t interface = static_interface(c, s, &fixed[i]);

		if (fixed[i].via.family == 6 && interface != INTERFACE_NONE)
			add_route6(list, fixed[i].prefix.address.v6, fixed[i].prefix.len, interface,
				fixed[i].via.v6);
	}
	return true;
}

static int
refuse(int rc, const char *family, uint32_t count, char *err, size_t err_size)
{
	snprintf(err, err_size, "routes: %u%s do not fit the table: %s", count, family,
		strerror(-rc));
	return rc;
}

int
publish_routes(struct engine *engine, const struct config *c, const struct snapshot *s,
	const struct publish_extra *extra, char *err, size_t err_size)
{
	struct route_list list = { 0 };
	struct route6_list list6 = { 0 };
	struct route6_draft *draft = NULL;
	int rc = -ENOMEM;

	if (!build_routes(c, s, extra, &list) || !build_routes6(c, s, &list6)) {
		snprintf(err, err_size, "routes: out of memory");
		goto out;
	}
	rc = route6_table_build(engine_routes6(engine), list6.routes, list6.count, &draft);
	if (rc < 0) {
		refuse(rc, " of IPv6", list6.count, err, err_size);
		goto out;
	}
	rc = route_table_set(engine_routes(engine), list.routes, list.count);
	if (rc < 0) {
		route6_table_discard(draft);
		refuse(rc, "", list.count, err, err_size);
		goto out;
	}
	route6_table_commit(engine_routes6(engine), draft);
out:
	free(list.routes);
	free(list6.routes);
	return rc;
}
