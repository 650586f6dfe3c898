/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rule is expanded to the product of its lists (zones, addresses, services) and each element
 * becomes one rte_acl rule with the priority of its rule's place, so that the highest priority
 * match is the first match.
 */
#include "policy.h"

#include "check.h"

#include <rte_acl.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXPANDED (1U << 20)

/* What rte_acl looks at: network byte order, the first field one byte, then groups of four bytes.
 */
struct acl_key {
	uint8_t proto;
	uint8_t pad[3];
	uint8_t source_zone, destination_zone;
	uint16_t pad2;
	rte_be32_t src, dst;
	rte_be16_t sport, dport;
};

enum { F_PROTO, F_SOURCE_ZONE, F_DESTINATION_ZONE, F_PAD, F_SRC, F_DST, F_SPORT, F_DPORT, F_COUNT };

// clang-format off
static const struct rte_acl_field_def field_defs[F_COUNT] = {
	{ .type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 1, .field_index = F_PROTO,
	  .input_index = 0, .offset = offsetof(struct acl_key, proto) },
	{ .type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 1, .field_index = F_SOURCE_ZONE,
	  .input_index = 1, .offset = offsetof(struct acl_key, source_zone) },
	{ .type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 1, .field_index = F_DESTINATION_ZONE,
	  .input_index = 1, .offset = offsetof(struct acl_key, destination_zone) },
	{ .type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 2, .field_index = F_PAD,
	  .input_index = 1, .offset = offsetof(struct acl_key, pad2) },
	{ .type = RTE_ACL_FIELD_TYPE_MASK, .size = 4, .field_index = F_SRC,
	  .input_index = 2, .offset = offsetof(struct acl_key, src) },
	{ .type = RTE_ACL_FIELD_TYPE_MASK, .size = 4, .field_index = F_DST,
	  .input_index = 3, .offset = offsetof(struct acl_key, dst) },
	{ .type = RTE_ACL_FIELD_TYPE_RANGE, .size = 2, .field_index = F_SPORT,
	  .input_index = 4, .offset = offsetof(struct acl_key, sport) },
	{ .type = RTE_ACL_FIELD_TYPE_RANGE, .size = 2, .field_index = F_DPORT,
	  .input_index = 4, .offset = offsetof(struct acl_key, dport) },
};
// clang-format on

RTE_ACL_RULE_DEF(acl_rule, F_COUNT);

struct policy {
	struct rte_acl_ctx *acl; /* NULL when there are no rules */
	enum policy_action default_action;
	uint16_t count;
	struct policy_rule *rules; /* copies, lists included */
	uint32_t *ids;
};

uint32_t
policy_rule_id(const char *name)
{
	/* FNV-1a: both boxes must agree, and rte_jhash reads past the end of a string. */
	uint32_t id = 2166136261U;

	for (; *name != '\0'; name++)
		id = (id ^ (uint8_t)*name) * 16777619U;
	return id != 0 ? id : 1;
}

static void *
copy_list(const void *items, size_t count, size_t size)
{
	void *copy;

	if (count == 0)
		return NULL;
	copy = malloc(count * size);
	if (copy != NULL)
		memcpy(copy, items, count * size);
	return copy;
}

static int
copy_rule(struct policy_rule *to, const struct policy_rule *from)
{
	*to = *from;
	to->sources = copy_list(from->sources, from->source_count, sizeof(*from->sources));
	to->destinations =
		copy_list(from->destinations, from->destination_count, sizeof(*from->destinations));
	to->services = copy_list(from->services, from->service_count, sizeof(*from->services));
	if ((to->sources == NULL) != (from->source_count == 0) ||
		(to->destinations == NULL) != (from->destination_count == 0) ||
		(to->services == NULL) != (from->service_count == 0))
		return -ENOMEM;
	return 0;
}

/* The n-th zone of a set, 0 (any) for the empty set. */
static uint8_t
nth_zone(uint64_t zones, unsigned int n)
{
	while (n-- > 0)
		zones &= zones - 1;
	return zones == 0 ? 0 : (uint8_t)__builtin_ctzll(zones);
}

static uint32_t
at_least_one(uint32_t n)
{
	return n > 0 ? n : 1;
}

static uint64_t
expanded_size(const struct policy_rule *r)
{
	return (uint64_t)at_least_one((uint32_t)__builtin_popcountll(r->source_zones)) *
	       at_least_one((uint32_t)__builtin_popcountll(r->destination_zones)) *
	       at_least_one(r->source_count) * at_least_one(r->destination_count) *
	       at_least_one(r->service_count);
}

static void
fill_zone(struct rte_acl_field *f, uint8_t zone)
{
	f->value.u8 = zone;
	f->mask_range.u8 = zone != 0 ? 0xff : 0;
}

static void
fill_prefix(struct rte_acl_field *f, const struct policy_prefix *list, uint32_t i)
{
	if (list == NULL)
		return;
	f->value.u32 = list[i].address;
	f->mask_range.u32 = list[i].len;
}

static void
fill_service(struct acl_rule *rule, const struct policy_service *list, uint32_t i)
{
	static const struct policy_service any = { .sport_max = UINT16_MAX,
		.dport_max = UINT16_MAX };
	const struct policy_service *s = list != NULL ? &list[i] : &any;

	rule->field[F_PROTO].value.u8 = s->proto;
	rule->field[F_PROTO].mask_range.u8 = s->proto != 0 ? 0xff : 0;
	rule->field[F_SPORT].value.u16 = s->sport_min;
	rule->field[F_SPORT].mask_range.u16 = s->sport_max;
	rule->field[F_DPORT].value.u16 = s->dport_min;
	rule->field[F_DPORT].mask_range.u16 = s->dport_max;
}

/* Element `n` of a rule's product; the digits of n count through its lists. */
static void
expand(struct acl_rule *rule, const struct policy_rule *r, uint16_t slot, uint64_t n)
{
	const uint32_t szones = at_least_one((uint32_t)__builtin_popcountll(r->source_zones));
	const uint32_t dzones = at_least_one((uint32_t)__builtin_popcountll(r->destination_zones));
	const uint32_t sources = at_least_one(r->source_count);
	const uint32_t destinations = at_least_one(r->destination_count);

	memset(rule, 0, sizeof(*rule));
	rule->data.category_mask = 1;
	rule->data.priority = RTE_ACL_MAX_PRIORITY - slot;
	rule->data.userdata = slot;
	fill_zone(
		&rule->field[F_SOURCE_ZONE], nth_zone(r->source_zones, (unsigned int)(n % szones)));
	n /= szones;
	fill_zone(&rule->field[F_DESTINATION_ZONE],
		nth_zone(r->destination_zones, (unsigned int)(n % dzones)));
	n /= dzones;
	fill_prefix(&rule->field[F_SRC], r->sources, (uint32_t)(n % sources));
	n /= sources;
	fill_prefix(&rule->field[F_DST], r->destinations, (uint32_t)(n % destinations));
	n /= destinations;
	fill_service(rule, r->services, (uint32_t)n);
}

static int
compile(struct policy *p, const char *name, uint64_t total, int socket)
{
	struct rte_acl_param param = { .name = name,
		.socket_id = socket,
		.rule_size = RTE_ACL_RULE_SZ(F_COUNT),
		.max_rule_num = (uint32_t)total };
	struct rte_acl_config config = { .num_categories = 1, .num_fields = F_COUNT };
	struct acl_rule rule;
	int rc;

	p->acl = rte_acl_create(&param);
	if (p->acl == NULL)
		return -ENOMEM;
	for (uint16_t i = 0; i < p->count; i++) {
		const uint64_t size = expanded_size(&p->rules[i]);

		for (uint64_t n = 0; n < size; n++) {
			expand(&rule, &p->rules[i], (uint16_t)(i + 1), n);
			rc = rte_acl_add_rules(p->acl, (const struct rte_acl_rule *)&rule, 1);
			if (rc < 0)
				return rc;
		}
	}
	memcpy(config.defs, field_defs, sizeof(field_defs));
	return rte_acl_build(p->acl, &config);
}

struct policy *
policy_create(const char *name, const struct policy_rule *rules, uint16_t count,
	enum policy_action default_action, int socket)
{
	struct policy *p;
	uint64_t total = 0;
	int rc;

	if (count > MAX_RULES - 1) {
		errno = E2BIG;
		return NULL;
	}
	for (uint16_t i = 0; i < count; i++)
		total += expanded_size(&rules[i]);
	if (total > MAX_EXPANDED) {
		errno = E2BIG;
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->default_action = default_action;
	p->rules = calloc((size_t)count + 1, sizeof(*p->rules));
	p->ids = calloc((size_t)count + 1, sizeof(*p->ids));
	if (p->rules == NULL || p->ids == NULL) {
		rc = -ENOMEM;
		goto err_policy;
	}
	for (uint16_t i = 0; i < count; i++) {
		rc = copy_rule(&p->rules[i], &rules[i]);
		p->count = (uint16_t)(i + 1); /* what policy_destroy frees */
		if (rc < 0)
			goto err_policy;
		p->ids[i] = policy_rule_id(rules[i].name);
	}
	if (count > 0) {
		rc = compile(p, name, total, socket);
		if (rc < 0)
			goto err_policy;
	}
	return p;
err_policy:
	policy_destroy(p);
	errno = -rc;
	return NULL;
}

void
policy_destroy(struct policy *p)
{
	if (p == NULL)
		return;
	rte_acl_free(p->acl);
	for (uint16_t i = 0; i < p->count; i++) {
		free(p->rules[i].sources);
		free(p->rules[i].destinations);
		free(p->rules[i].services);
	}
	free(p->rules);
	free(p->ids);
	free(p);
}

void
policy_classify(const struct policy *p, const struct policy_key *keys, uint32_t n,
	struct policy_verdict *out)
{
	struct acl_key acl_keys[32];
	const uint8_t *data[32];
	uint32_t slots[32] = { 0 };

	FW_ASSERT(n <= RTE_DIM(acl_keys));
	if (p->acl != NULL && n > 0) {
		for (uint32_t i = 0; i < n; i++) {
			const struct policy_key *k = &keys[i];

			acl_keys[i] = (struct acl_key){ .proto = k->proto,
				.source_zone = k->source_zone,
				.destination_zone = k->destination_zone,
				.src = k->src,
				.dst = k->dst,
				.sport = k->sport,
				.dport = k->dport };
			data[i] = (const uint8_t *)&acl_keys[i];
		}
		/* Fails only for bad arguments; slot 0, the default, then stands. */
		(void)rte_acl_classify(p->acl, data, slots, n, 1);
	}
	for (uint32_t i = 0; i < n; i++) {
		const uint16_t slot = (uint16_t)slots[i];

		out[i] = (struct policy_verdict){
			.action = slot == 0 ? p->default_action : p->rules[slot - 1].action,
			.slot = slot,
			.id = slot == 0 ? 0 : p->ids[slot - 1],
		};
	}
}

uint16_t
policy_rule_count(const struct policy *p)
{
	return p->count;
}

const struct policy_rule *
policy_rule_at(const struct policy *p, uint16_t slot)
{
	return slot == 0 || slot > p->count ? NULL : &p->rules[slot - 1];
}

enum policy_action
policy_default_action(const struct policy *p)
{
	return p->default_action;
}

uint16_t
policy_slot_of(const struct policy *p, uint32_t id)
{
	for (uint16_t i = 0; i < p->count; i++) {
		if (p->ids[i] == id)
			return (uint16_t)(i + 1);
	}
	return 0;
}
