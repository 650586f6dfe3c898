/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish_nat.h"

#include "config_address.h"
#include "config_nat.h"
#include "publish_policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EASY_IP_BLOCK 256

/* ---- address groups ---- */

/* => its id, held by `nat`; NAT_GROUP_NONE with the reason. */
static uint16_t
hold(struct nat *nat, const struct nat_group_params *params, char *err, size_t err_size)
{
	const uint16_t id = nat_groups_acquire(nat->groups, params, err, err_size);

	if (id != NAT_GROUP_NONE)
		nat->group_ids[nat->group_count++] = id;
	return id;
}

static int
section_order(const void *pa, const void *pb)
{
	const struct nat_pool_section *a = pa, *b = pb;

	return a->from < b->from ? -1 : a->from > b->from;
}

static struct nat_group_params
params_of(const struct config_nat_group *g)
{
	const bool pat = g->mode == NAT_POOL_PAT;
	const struct config_span *spans = g->addresses.items;
	struct nat_group_params p = { .mode = (enum nat_pool_mode)g->mode,
		.paired = pat && g->paired,
		.endpoint_independent = pat && g->mapping == CONFIG_NAT_INDEPENDENT,
		.full_cone = pat && g->filtering == CONFIG_NAT_INDEPENDENT,
		.block = (uint32_t)g->block,
		.section_count = g->addresses.count };

	snprintf(p.name, sizeof(p.name), "%s", g->name);
	for (uint32_t i = 0; i < g->addresses.count; i++)
		(void)config_nat_span(&spans[i], &p.sections[i].from, &p.sections[i].to);
	qsort(p.sections, p.section_count, sizeof(p.sections[0]), section_order);
	return p;
}

static int
hold_groups(struct nat *nat, const struct config *c, char *err, size_t err_size)
{
	const struct config_list *list = config_section_data(c, "nat_address_groups");
	const struct config_nat_group *groups = list->items;
	char why[160];

	for (uint32_t i = 0; i < list->count; i++) {
		const struct nat_group_params params = params_of(&groups[i]);

		if (hold(nat, &params, why, sizeof(why)) == NAT_GROUP_NONE) {
			config_reason(&groups[i].origin, "addresses", err, err_size, "%s", why);
			return -ENOMEM;
		}
	}
	return 0;
}

/* What sessions keep after a takeover, where there is such an address. */
static rte_be32_t
easy_ip_address(const struct publish_extra *extra, const struct snapshot *s, uint16_t interface)
{
	const struct publish_virtual *lowest = NULL;

	for (uint32_t i = 0; i < extra->virtual_count; i++) {
		const struct publish_virtual *v = &extra->virtuals[i];

		if (v->interface == interface && (lowest == NULL || v->vrid < lowest->vrid))
			lowest = v;
	}
	return lowest != NULL ? lowest->address : s->interfaces[interface].address;
}

static int
hold_easy_ip(struct nat *nat, const struct config *c, const struct publish_extra *extra,
	const struct snapshot *s, char *err, size_t err_size)
{
	const bool wanted = config_nat_easy_ip(c);

	for (uint16_t i = 0; wanted && i < s->interface_count; i++) {
		const struct snapshot_interface *in = &s->interfaces[i];
		const uint32_t address = rte_be_to_cpu_32(easy_ip_address(extra, s, i));
		struct nat_group_params params = { .mode = NAT_POOL_PAT,
			.paired = true,
			.endpoint_independent = true,
			.block = EASY_IP_BLOCK,
			.section_count = 1,
			.sections = { { .from = address, .to = address } } };
		char why[160];

		if (address == 0 || in->heartbeat)
			continue;
		snprintf(params.name, sizeof(params.name), "easy-ip %s", in->name);
		nat->easy_ip[i] = hold(nat, &params, why, sizeof(why));
		if (nat->easy_ip[i] == NAT_GROUP_NONE) {
			snprintf(err, err_size, "nat_policy: %s", why);
			return -ENOMEM;
		}
	}
	return 0;
}

/* ---- rules ---- */

/* A rule's group by its name: of those just held, not of those that are about to retire. */
static uint16_t
group_id(const struct nat *nat, const char *name)
{
	for (uint32_t i = 0; i < nat->group_count; i++) {
		if (strcmp(nat_groups_params(nat->groups, nat->group_ids[i])->name, name) == 0)
			return nat->group_ids[i];
	}
	return NAT_GROUP_NONE;
}

static int
fill_rules(struct nat *nat, const struct config *c, char *err, size_t err_size)
{
	const struct config_nat_policy *p = config_section_data(c, "nat_policy");
	const struct config_nat_rule *rules = p->rules.items;

	if (p->rules.count == 0)
		return 0;
	nat->rules = publish_rules(c, &p->rules, sizeof(*rules), POLICY_DENY);
	if (nat->rules == NULL) {
		publish_rules_explain(&p->origin, errno, err, err_size);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < p->rules.count; i++) {
		struct nat_source *to = &nat->sources[i + 1];

		to->no_alg = !rules[i].alg;
		to->group = NAT_GROUP_NONE;
		if (rules[i].action == CONFIG_NAT_KEEP)
			continue;
		to->action = rules[i].easy_ip ? NAT_EASY_IP : NAT_SOURCE;
		if (!rules[i].easy_ip)
			to->group = group_id(nat, rules[i].group);
	}
	return 0;
}

/* ---- servers and static mappings ---- */

static void
fill_inside(const struct config_nat_server *from, struct nat_server *to)
{
	const struct config_span *spans = from->inside_addresses.items;

	for (uint32_t i = 0; i < from->inside_addresses.count; i++) {
		uint32_t first = 0, last = 0;

		(void)config_nat_span(&spans[i], &first, &last);
		for (uint32_t k = 0; k <= last - first; k++)
			to->inside[to->inside_count++] = rte_cpu_to_be_32(first + k);
	}
}

static void
fill_servers(struct nat *nat, const struct config *c)
{
	static const uint8_t protocols[] = {
		[CONFIG_NAT_ANY] = 0, [CONFIG_NAT_TCP] = IPPROTO_TCP, [CONFIG_NAT_UDP] = IPPROTO_UDP
	};
	const struct config_list *list = config_section_data(c, "nat_servers");
	const struct config_nat_server *from = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		struct nat_server *to = &nat->servers[nat->server_count++];

		snprintf(to->name, sizeof(to->name), "%s", from[i].name);
		to->zones = config_nat_zones(c, &from[i].zones);
		to->address = from[i].public_address;
		to->proto = protocols[from[i].protocol];
		if (to->proto != 0) {
			to->port = from[i].public_port.min;
			to->port_last = from[i].public_port.max;
			to->inside_port =
				from[i].inside_port != 0 ? (uint16_t)from[i].inside_port : to->port;
		}
		fill_inside(&from[i], to);
	}
}

static void
fill_statics(struct nat *nat, const struct config *c)
{
	const struct config_list *list = config_section_data(c, "nat_static");
	const struct config_nat_static *from = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		struct nat_static *to = &nat->statics[nat->static_count++];

		snprintf(to->name, sizeof(to->name), "%s", from[i].name);
		to->address = from[i].public.address;
		to->inside = from[i].inside.address;
		to->len = from[i].public.len;
	}
}

static void
fill_prefixes64(struct nat *nat, const struct config *c)
{
	const struct config_list *list = config_section_data(c, "nat64");
	const struct config_nat64 *from = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		struct nat64_prefix *to = &nat->prefixes64[nat->prefix64_count++];

		snprintf(to->name, sizeof(to->name), "%s", from[i].name);
		to->zones = config_nat_zones(c, &from[i].zones);
		memcpy(to->address, from[i].prefix.address.v6, sizeof(to->address));
		to->len = from[i].prefix.len;
		to->group = group_id(nat, from[i].group);
	}
}

/* ---- ARP (P34) ---- */

/* The part of a range that is in a subnet. => false: none */
static bool
part_of(const struct config_nat_public *p, rte_be32_t address, uint8_t len,
	struct snapshot_claim *out)
{
	const uint32_t mask = rte_be_to_cpu_32(config_address_mask(len));
	const uint32_t first = rte_be_to_cpu_32(address) & mask, last = first | ~mask;

	if (len == 0 || p->to < first || p->from > last)
		return false;
	out->from = RTE_MAX(p->from, first);
	out->to = RTE_MIN(p->to, last);
	return true;
}

static int
claim_order(const void *pa, const void *pb)
{
	const struct snapshot_claim *a = pa, *b = pb;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->to > b->to ? -1 : a->to < b->to;
}

/* Whose first address is claimed by the one before is another server's, or on a group's address. */
static void
sort_claims(struct snapshot *s)
{
	struct snapshot_claim *shrunk;
	uint32_t kept = 0;

	qsort(s->claims, s->claim_count, sizeof(*s->claims), claim_order);
	for (uint32_t i = 0; i < s->claim_count; i++) {
		if (kept == 0 || s->claims[i].from > s->claims[kept - 1].to)
			s->claims[kept++] = s->claims[i];
	}
	s->claim_count = kept;
	shrunk = realloc(s->claims, (kept + 1) * sizeof(*s->claims));
	s->claims = shrunk != NULL ? shrunk : s->claims;
}

static bool
is_own(const struct snapshot *s, const struct config_nat_public *p)
{
	for (uint16_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].address == rte_cpu_to_be_32(p->from))
			return true;
	}
	return false;
}

static int
fill_claims(const struct config *c, const struct publish_extra *extra, struct snapshot *s)
{
	uint32_t count = 0;
	struct config_nat_public *all = config_nat_publics(c, &count);

	if (all != NULL)
		s->claims = calloc((size_t)count * (s->interface_count + extra->virtual_count) + 1,
			sizeof(*s->claims));
	if (s->claims == NULL) {
		free(all);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct config_nat_public *p = &all[i];
		struct snapshot_claim claim = { .vrid = p->vrid };

		/* Of an own or virtual address somebody else takes care. */
		if (p->owner == CONFIG_NAT_OF_SERVER && is_own(s, p))
			continue;
		for (uint16_t k = 0; k < s->interface_count; k++) {
			const struct snapshot_interface *in = &s->interfaces[k];

			claim.interface = k;
			if (!in->heartbeat && part_of(p, in->address, in->prefix_len, &claim))
				s->claims[s->claim_count++] = claim;
		}
		for (uint32_t k = 0; k < extra->virtual_count; k++) {
			const struct publish_virtual *v = &extra->virtuals[k];

			claim.interface = v->interface;
			if (part_of(p, v->address, v->len, &claim))
				s->claims[s->claim_count++] = claim;
		}
	}
	free(all);
	sort_claims(s);
	return 0;
}

/* ---- */

static struct nat *
create(struct engine *engine, const struct config *c, const struct snapshot *s)
{
	const struct config_list *groups = config_section_data(c, "nat_address_groups");
	const struct config_list *servers = config_section_data(c, "nat_servers");
	const struct config_list *statics = config_section_data(c, "nat_static");
	const struct config_nat_policy *p = config_section_data(c, "nat_policy");

	return nat_create(engine_nat_groups(engine), p->rules.count, servers->count, statics->count,
		groups->count + s->interface_count);
}

int
publish_nat(struct engine *engine, const struct config *c, const struct publish_extra *extra,
	struct snapshot *s, char *err, size_t err_size)
{
	int rc;

	if (!config_nat_used(c))
		return 0;
	if (engine_nat_groups(engine) == NULL) {
		snprintf(err, err_size,
			"address translation needs a restart: there was none at the start, nor "
			"system.nat = true");
		return -EINVAL;
	}
	s->nat = create(engine, c, s);
	if (s->nat == NULL || fill_claims(c, extra, s) < 0) {
		snprintf(err, err_size, "address translation: out of memory");
		return -ENOMEM;
	}
	rc = hold_groups(s->nat, c, err, err_size);
	if (rc == 0)
		rc = hold_easy_ip(s->nat, c, extra, s, err, err_size);
	if (rc == 0)
		rc = fill_rules(s->nat, c, err, err_size);
	if (rc < 0)
		return rc;
	fill_servers(s->nat, c);
	fill_statics(s->nat, c);
	fill_prefixes64(s->nat, c);
	nat_seal(s->nat);
	return 0;
}
