/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the sections of address translation have in common.
 */
#include "config_nat.h"

#include "config_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
config_nat_used(const struct config *c)
{
	static const char *const lists[] = { "nat_address_groups", "nat_servers", "nat_static",
		"nat64" };
	const struct config_nat_policy *p = config_section_data(c, "nat_policy");

	for (unsigned int i = 0; i < RTE_DIM(lists); i++) {
		const struct config_list *list = config_section_data(c, lists[i]);

		if (list->count > 0)
			return true;
	}
	return p->rules.count > 0;
}

bool
config_nat_wanted(const struct config *c)
{
	const struct config_system *system = config_section_data(c, "system");

	return system->nat || config_nat_used(c);
}

bool
config_nat_easy_ip(const struct config *c)
{
	const struct config_nat_policy *p = config_section_data(c, "nat_policy");
	const struct config_nat_rule *rules = p->rules.items;

	for (uint32_t i = 0; i < p->rules.count; i++) {
		if (rules[i].match.enable && rules[i].easy_ip)
			return true;
	}
	return false;
}

const struct config_nat_group *
config_nat_group_find(const struct config *c, const char *name)
{
	const struct config_list *list = config_section_data(c, "nat_address_groups");
	const struct config_nat_group *groups = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(groups[i].name, name) == 0)
			return &groups[i];
	}
	return NULL;
}

int
config_nat_check_zones(
	struct config *c, const struct config_origin *origin, const struct config_list *list)
{
	const char(*zones)[CONFIG_ZONE_NAME] = list->items;
	char element[24];

	for (uint32_t i = 0; i < list->count; i++) {
		const uint8_t zone = config_zone_id(c, zones[i]);

		if (zone != ZONE_NONE && zone != ZONE_LOCAL)
			continue;
		snprintf(element, sizeof(element), "zones[%u]", i);
		return config_fail(c, origin, element,
			"\"%s\" is no zone that packets come from, expected trust, dmz, untrust or "
			"one of the section zones",
			zones[i]);
	}
	return 0;
}

uint64_t
config_nat_zones(const struct config *c, const struct config_list *list)
{
	const char(*zones)[CONFIG_ZONE_NAME] = list->items;
	uint64_t bits = 0;

	for (uint32_t i = 0; i < list->count; i++)
		bits |= UINT64_C(1) << config_zone_id(c, zones[i]);
	return bits;
}

bool
config_nat_span(const struct config_span *s, uint32_t *from, uint32_t *to)
{
	if (s->first.family != 4)
		return false;
	*from = rte_be_to_cpu_32(s->first.v4);
	*to = rte_be_to_cpu_32(s->last.v4);
	return true;
}

/* ---- public addresses ---- */

static uint32_t
count_publics(const struct config *c)
{
	const struct config_list *groups = config_section_data(c, "nat_address_groups");
	const struct config_list *servers = config_section_data(c, "nat_servers");
	const struct config_list *statics = config_section_data(c, "nat_static");
	const struct config_nat_group *g = groups->items;
	uint32_t n = servers->count + statics->count;

	for (uint32_t i = 0; i < groups->count; i++)
		n += g[i].addresses.count;
	return n;
}

static uint32_t
add_groups(const struct config *c, struct config_nat_public *out)
{
	const struct config_list *groups = config_section_data(c, "nat_address_groups");
	const struct config_nat_group *g = groups->items;
	uint32_t n = 0;

	for (uint32_t i = 0; i < groups->count; i++) {
		const struct config_span *spans = g[i].addresses.items;

		for (uint32_t k = 0; k < g[i].addresses.count; k++) {
			struct config_nat_public *p = &out[n++];

			*p = (struct config_nat_public){ .origin = &g[i].origin,
				.owner = g[i].mode == NAT_POOL_PAT ? CONFIG_NAT_OF_PAT
								   : CONFIG_NAT_OF_NO_PAT,
				.vrid = (uint8_t)g[i].vrid };
			snprintf(p->setting, sizeof(p->setting), "addresses[%u]", k);
			(void)config_nat_span(&spans[k], &p->from, &p->to);
		}
	}
	return n;
}

static uint32_t
add_statics(const struct config *c, struct config_nat_public *out)
{
	const struct config_list *statics = config_section_data(c, "nat_static");
	const struct config_nat_static *s = statics->items;

	for (uint32_t i = 0; i < statics->count; i++) {
		const uint32_t first = rte_be_to_cpu_32(s[i].public.address);

		out[i] = (struct config_nat_public){ .origin = &s[i].origin,
			.setting = "public",
			.from = first,
			.to = first | ~rte_be_to_cpu_32(config_address_mask(s[i].public.len)),
			.owner = CONFIG_NAT_OF_STATIC,
			.vrid = (uint8_t)s[i].vrid };
	}
	return statics->count;
}

static uint32_t
add_servers(const struct config *c, struct config_nat_public *out)
{
	const struct config_list *servers = config_section_data(c, "nat_servers");
	const struct config_nat_server *s = servers->items;

	for (uint32_t i = 0; i < servers->count; i++) {
		const uint32_t address = rte_be_to_cpu_32(s[i].public_address);

		out[i] = (struct config_nat_public){ .origin = &s[i].origin,
			.setting = "public_address",
			.from = address,
			.to = address,
			.owner = CONFIG_NAT_OF_SERVER,
			.vrid = (uint8_t)s[i].vrid,
			.ports = s[i].protocol != CONFIG_NAT_ANY };
	}
	return servers->count;
}

static int
public_order(const void *pa, const void *pb)
{
	const struct config_nat_public *a = pa, *b = pb;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->owner != b->owner)
		return a->owner < b->owner ? -1 : 1;
	return a->origin->line < b->origin->line ? -1 : a->origin->line > b->origin->line;
}

struct config_nat_public *
config_nat_publics(const struct config *c, uint32_t *count)
{
	struct config_nat_public *all = calloc((size_t)count_publics(c) + 1, sizeof(*all));
	uint32_t n;

	if (all == NULL)
		return NULL;
	n = add_groups(c, all);
	n += add_statics(c, all + n);
	n += add_servers(c, all + n);
	qsort(all, n, sizeof(*all), public_order);
	*count = n;
	return all;
}

/* Whoever stands further down in the file is wrong. */
static int
refuse_overlap(
	struct config *c, const struct config_nat_public *a, const struct config_nat_public *b)
{
	const bool a_later = a->origin->line > b->origin->line;
	const struct config_nat_public *later = a_later ? a : b, *first = a_later ? b : a;

	return config_fail(c, later->origin, later->setting,
		"overlaps %s.%s in line %d, expected addresses of its own", first->origin->path,
		first->setting, first->origin->line);
}

/* One address is answered for in one way. */
static int
refuse_vrid(struct config *c, const struct config_nat_public *a, const struct config_nat_public *b)
{
	const bool a_later = a->origin->line > b->origin->line;
	const struct config_nat_public *later = a_later ? a : b, *first = a_later ? b : a;

	return config_fail(c, later->origin, "vrid",
		"is %u, but the same address has vrid %u in line %d, expected the same",
		later->vrid, first->vrid, first->origin->line);
}

/* A server may share an address with a PAT group: sessions are found by more than that. */
static int
check_overlaps(struct config *c, const struct config_nat_public *all, uint32_t count)
{
	const struct config_nat_public *last = NULL; /* but for servers */

	for (uint32_t i = 0; i < count; i++) {
		const struct config_nat_public *p = &all[i];
		const bool server = p->owner == CONFIG_NAT_OF_SERVER;

		if (last != NULL && p->from <= last->to &&
			!(server && last->owner == CONFIG_NAT_OF_PAT))
			return refuse_overlap(c, last, p);
		if (!server) {
			last = p;
			continue;
		}
		if (last != NULL && p->from <= last->to && p->vrid != last->vrid)
			return refuse_vrid(c, last, p);
		if (i > 0 && all[i - 1].from == p->from && all[i - 1].vrid != p->vrid)
			return refuse_vrid(c, &all[i - 1], p);
	}
	return 0;
}

static bool
within(const struct config_nat_public *p, uint32_t address)
{
	return address >= p->from && address <= p->to;
}

/* The interface's own address: a server may have some of its ports. */
static int
check_interface(
	struct config *c, const struct config_nat_public *p, const struct config_interface *in)
{
	const uint32_t own = rte_be_to_cpu_32(in->address.address);
	const uint32_t mask = rte_be_to_cpu_32(config_address_mask(in->address.len));

	if (in->address.len == 0)
		return 0;
	if (within(p, own) && !p->ports)
		return config_fail(c, p->origin, p->setting,
			"has the address of interface %s, expected %s", in->name,
			p->owner == CONFIG_NAT_OF_SERVER ? "protocol tcp or udp, or another address"
							 : "others, or a rule with easy_ip = true");
	if (in->address.len <= 30 && (within(p, own & mask) || within(p, own | ~mask)))
		return config_fail(c, p->origin, p->setting,
			"has the network or broadcast address of %s's subnet, expected hosts",
			in->name);
	return 0;
}

/* What is behind a static mapping is hosts' own. */
static int
check_static(struct config *c, const struct config_nat_public *p, const struct config_nat_static *s)
{
	const uint32_t first = rte_be_to_cpu_32(s->inside.address);
	const uint32_t last = first | ~rte_be_to_cpu_32(config_address_mask(s->inside.len));

	if (p->to < first || p->from > last)
		return 0;
	return config_fail(c, p->origin, p->setting,
		"overlaps the inside network of %s in line %d, expected addresses that no host has",
		s->origin.path, s->origin.line);
}

static int
check_public(struct config *c, const struct config_nat_public *p)
{
	const struct config_list *statics = config_section_data(c, "nat_static");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_list *routes = config_section_data(c, "routes");
	const struct config_interface *in = interfaces->items;
	const struct config_route *r = routes->items;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < interfaces->count; i++)
		rc = check_interface(c, p, &in[i]);
	for (uint32_t i = 0; rc == 0 && i < routes->count; i++) {
		if (r[i].via.family == 4 && within(p, rte_be_to_cpu_32(r[i].via.v4)))
			rc = config_fail(c, p->origin, p->setting,
				"has the next hop of the route in line %d, expected addresses that "
				"no host has",
				r[i].origin.line);
	}
	for (uint32_t i = 0; rc == 0 && i < statics->count; i++)
		rc = check_static(c, p, (const struct config_nat_static *)statics->items + i);
	return rc;
}

int
config_nat_check_publics(struct config *c)
{
	uint32_t count = 0;
	struct config_nat_public *all = config_nat_publics(c, &count);
	const struct config_system *system = config_section_data(c, "system");
	int rc;

	if (all == NULL)
		return config_fail(c, &system->origin, NULL,
			"out of memory, expected enough for address translation");
	rc = check_overlaps(c, all, count);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = check_public(c, &all[i]);
	free(all);
	return rc;
}
