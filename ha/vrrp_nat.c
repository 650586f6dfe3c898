/* SPDX-License-Identifier: BSD-3-Clause */
#include "vrrp_nat.h"

#include "config_address.h"
#include "config_nat.h"
#include "ha_config.h"

#include <stdlib.h>
#include <string.h>

struct groups {
	const struct config_vrrp *all;
	uint32_t count;
};

static bool
within(const struct config_nat_public *p, rte_be32_t address)
{
	const uint32_t a = rte_be_to_cpu_32(address);

	return a >= p->from && a <= p->to;
}

/* Does a subnet have some of them? */
static bool
meets(const struct config_nat_public *p, const struct config_prefix *subnet)
{
	const uint32_t mask = rte_be_to_cpu_32(config_address_mask(subnet->len));
	const uint32_t first = rte_be_to_cpu_32(subnet->address) & mask;

	return subnet->len > 0 && p->from <= (first | ~mask) && p->to >= first;
}

static bool
has_one_within(const struct config_nat_public *p, const struct config_vrrp *v)
{
	struct ip_addr all[VRRP_ADDRESSES];
	const uint32_t n = config_vrrp_addresses(v, all);

	for (uint32_t i = 0; i < n; i++) {
		if (all[i].family == 4 && within(p, all[i].v4))
			return true;
	}
	return false;
}

/* Of an interface: of this vrid, or (0) of any; with IPv4 addresses. */
static const struct config_vrrp *
find(const struct groups *g, const char *interface, uint8_t vrid)
{
	for (uint32_t i = 0; i < g->count; i++) {
		if (g->all[i].virtual_ip.address != 0 &&
			strcmp(g->all[i].interface, interface) == 0 &&
			(vrid == 0 || g->all[i].vrid == vrid))
			return &g->all[i];
	}
	return NULL;
}

/* They are in a subnet of this interface. */
static int
check_group(struct config *c, const struct groups *g, const struct config_nat_public *p,
	const char *interface)
{
	const struct config_vrrp *any = find(g, interface, 0);

	if (any != NULL && p->vrid == 0)
		return config_fail(c, p->origin, "vrid",
			"is missing: the addresses are in a subnet of %s, which has VRRP groups, "
			"expected the vrid of one, such as %d, so that only the active box answers",
			interface, (int)any->vrid);
	if (p->vrid != 0 && find(g, interface, p->vrid) == NULL)
		return config_fail(c, p->origin, "vrid",
			"%u is no VRRP group of %s, in whose subnet the addresses are, expected %s",
			p->vrid, interface, any != NULL ? "one of its groups" : "none");
	return 0;
}

/* A server on an address that we have anyway: somebody answers for it already. */
static int
check_shared(struct config *c, const struct config_nat_public *p, uint8_t vrid)
{
	if (p->vrid == 0 || p->vrid == vrid)
		return 0;
	return config_fail(c, p->origin, "vrid",
		"%u is not that of the address, which is %s, expected none", p->vrid,
		vrid == 0 ? "an interface's own" : "a virtual one");
}

static int
check_public(struct config *c, const struct groups *g, const struct config_nat_public *p)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *in = list->items;
	int rc = 0;

	for (uint32_t i = 0; i < g->count; i++) {
		if (!has_one_within(p, &g->all[i]))
			continue;
		if (p->ports)
			return check_shared(c, p, (uint8_t)g->all[i].vrid);
		return config_fail(c, p->origin, p->setting,
			"has the virtual address of line %d, expected %s", g->all[i].origin.line,
			p->owner == CONFIG_NAT_OF_SERVER ? "protocol tcp or udp, or another address"
							 : "others, or a rule with easy_ip = true");
	}
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		if (in[i].address.len > 0 && within(p, in[i].address.address))
			return check_shared(c, p, 0);
		if (meets(p, &in[i].address))
			rc = check_group(c, g, p, in[i].name);
	}
	for (uint32_t i = 0; rc == 0 && i < g->count; i++) {
		if (meets(p, &g->all[i].virtual_ip))
			rc = check_group(c, g, p, g->all[i].interface);
	}
	return rc;
}

static bool
connected(const struct config *c, const struct groups *g, const struct config_nat_public *p)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *in = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (meets(p, &in[i].address))
			return true;
	}
	for (uint32_t i = 0; i < g->count; i++) {
		if (meets(p, &g->all[i].virtual_ip))
			return true;
	}
	return false;
}

/* Of a group, a server or a mapping with a vrid some addresses at least are asked for. */
static int
check_needed(struct config *c, const struct groups *g, const struct config_nat_public *all,
	uint32_t count, const struct config_nat_public *p)
{
	if (p->vrid == 0)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (all[i].origin == p->origin && connected(c, g, &all[i]))
			return 0;
	}
	return config_fail(c, p->origin, "vrid",
		"is set, but the addresses are in no connected subnet, where nobody asks for them "
		"by ARP, expected none");
}

int
vrrp_nat_check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "vrrp");
	const struct groups g = { .all = list->items, .count = list->count };
	const struct config_system *system = config_section_data(c, "system");
	uint32_t count = 0;
	struct config_nat_public *all = config_nat_publics(c, &count);
	int rc = 0;

	if (all == NULL)
		return config_fail(c, &system->origin, NULL,
			"out of memory, expected enough for address translation");
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		rc = check_public(c, &g, &all[i]);
		if (rc == 0)
			rc = check_needed(c, &g, all, count, &all[i]);
	}
	free(all);
	return rc;
}
