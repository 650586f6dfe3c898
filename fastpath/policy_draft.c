/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The draft of a policy: rules as entries, and per axis the lists of values they accept.  Entries
 * that share a list share its ranges.
 */
#include "check.h"
#include "policy_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RANGES_MAX (UINT64_C(4) << 20) /* ranges on one axis, lists that rules share once */

const uint8_t policy_axis_bits[AXES] = { 32, 32, 128, 128, 24, 24 };

/* ---- entries ---- */

static bool
has_sport(const struct policy_service *s)
{
	return s->sport_min != 0 || s->sport_max != UINT16_MAX;
}

/* => entries of the rule; written to `out` unless it is NULL.  Services without source ports share
 * one entry, which has to be looked up by protocol: `services` of a mixed rule stays whole and the
 * axis leaves out those with source ports. */
static uint32_t
split_rule(const struct policy_rule *r, uint16_t slot, struct draft_entry *out)
{
	struct draft_entry e = { .rule = r, .slot = slot };
	uint32_t n = 0, plain = 0;

	for (uint32_t i = 0; i < r->service_count; i++) {
		if (!has_sport(&r->services[i])) {
			plain++;
			continue;
		}
		e.services = &r->services[i];
		e.service_count = 1;
		e.sport = true;
		if (out != NULL)
			out[n] = e;
		n++;
	}
	if (plain == 0 && r->service_count > 0)
		return n;
	e.services = r->services;
	e.service_count = r->service_count;
	e.sport = false;
	if (out != NULL)
		out[n] = e;
	return n + 1;
}

static int
create_entries(struct draft *d, const struct policy_rule *rules, uint32_t count)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++)
		total += rules[i].disabled ? 0 : split_rule(&rules[i], 0, NULL);
	if (total > POLICY_ENTRIES_MAX)
		return -E2BIG;
	d->entries = calloc(total + 1, sizeof(*d->entries));
	if (d->entries == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		if (!rules[i].disabled)
			d->count += split_rule(&rules[i], (uint16_t)(i + 1), &d->entries[d->count]);
	}
	return 0;
}

/* ---- what an entry accepts on an axis ---- */

static unsigned __int128
address_value(const struct ip_addr *a)
{
	uint64_t high, low;

	if (a->family == 4)
		return rte_be_to_cpu_32(a->v4);
	ip6_halves(a->v6, &high, &low);
	return (unsigned __int128)high << 64 | low;
}

/* The list an entry has on an axis. => its address and length: who shares it is in one group. */
static const void *
list_of(const struct draft_entry *e, enum policy_axis_name name, uint32_t *count)
{
	switch (name) {
	case AXIS_SRC4:
	case AXIS_SRC6:
		*count = e->rule->source_count;
		return e->rule->sources;
	case AXIS_DST4:
	case AXIS_DST6:
		*count = e->rule->destination_count;
		return e->rule->destinations;
	case AXIS_DPORT:
		*count = e->service_count;
		return e->services;
	case AXIS_SPORT:
		*count = e->sport ? 1 : 0;
		return e->sport ? e->services : NULL;
	case AXES:
		break;
	}
	FW_ASSERT(false);
	return NULL;
}

static uint32_t
address_ranges(
	const struct policy_range *list, uint32_t count, uint8_t family, struct axis_range *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (list[i].first.family == family)
			out[n++] = (struct axis_range){ address_value(&list[i].first),
				address_value(&list[i].last) };
	}
	return n;
}

static uint32_t
service_ranges(const struct draft_entry *e, bool source, struct axis_range *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->service_count; i++) {
		const struct policy_service *s = &e->services[i];
		const uint16_t min = source ? s->sport_min : s->dport_min;
		const uint16_t max = source ? s->sport_max : s->dport_max;

		if (!e->sport && has_sport(s))
			continue; /* an entry of its own */
		out[n++] = (struct axis_range){ policy_port_value(s->proto, min),
			policy_port_value(s->proto != 0 ? s->proto : UINT8_MAX, max) };
	}
	return n;
}

static uint32_t
ranges_of(const struct draft_entry *e, enum policy_axis_name name, const void *list, uint32_t count,
	struct axis_range *out)
{
	uint32_t n;

	if (count == 0) { /* any */
		out[0] = (struct axis_range){ 0,
			~(unsigned __int128)0 >> (128 - policy_axis_bits[name]) };
		return 1;
	}
	if (name == AXIS_DPORT || name == AXIS_SPORT)
		n = service_ranges(e, name == AXIS_SPORT, out);
	else
		n = address_ranges(list, count, policy_axis_bits[name] == 32 ? 4 : 6, out);
	return axis_merge(out, n);
}

/* ---- groups: entries that share a list ---- */

struct group_key {
	const void *list;
	uint32_t count;
	uint32_t entry;
	bool sport;
};

static int
key_order(const void *pa, const void *pb)
{
	const struct group_key *a = pa, *b = pb;

	if (a->list != b->list)
		return (uintptr_t)a->list < (uintptr_t)b->list ? -1 : 1;
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	if (a->sport != b->sport)
		return a->sport ? 1 : -1;
	return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static bool
same_list(const struct group_key *a, const struct group_key *b)
{
	return a->list == b->list && a->count == b->count && a->sport == b->sport;
}

static void
groups_free(struct draft_groups *l)
{
	free(l->groups);
	free(l->members);
	free(l->group_of);
	free(l->ranges);
}

static int
groups_create(struct draft_groups *l, const struct draft *d, enum policy_axis_name name)
{
	struct group_key *keys = calloc((size_t)d->count + 1, sizeof(*keys));
	uint64_t total = 0;
	uint32_t used = 0;

	l->groups = calloc((size_t)d->count + 1, sizeof(*l->groups));
	l->members = calloc((size_t)d->count + 1, sizeof(*l->members));
	l->group_of = calloc((size_t)d->count + 1, sizeof(*l->group_of));
	if (keys == NULL || l->groups == NULL || l->members == NULL || l->group_of == NULL) {
		free(keys);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < d->count; i++) {
		keys[i].list = list_of(&d->entries[i], name, &keys[i].count);
		keys[i].entry = i;
		keys[i].sport = d->entries[i].sport;
		if (keys[i].count == 0)
			keys[i] = (struct group_key){ .entry = i };
	}
	qsort(keys, d->count, sizeof(*keys), key_order);
	for (uint32_t i = 0; i < d->count; i++) {
		if (i == 0 || !same_list(&keys[i - 1], &keys[i])) {
			total += keys[i].count > 0 ? keys[i].count : 1;
			l->groups[l->count++].entries = &l->members[i];
		}
		l->groups[l->count - 1].entry_count++;
		l->members[i] = keys[i].entry;
		l->group_of[keys[i].entry] = l->count - 1;
	}
	if (total <= RANGES_MAX)
		l->ranges = calloc(total + 1, sizeof(*l->ranges));
	for (uint32_t i = 0; l->ranges != NULL && i < l->count; i++) {
		struct axis_group *g = &l->groups[i];
		const struct draft_entry *e = &d->entries[g->entries[0]];
		uint32_t count;
		const void *list = list_of(e, name, &count);

		g->ranges = &l->ranges[used];
		g->range_count = ranges_of(e, name, list, count, g->ranges);
		used += g->range_count;
	}
	free(keys);
	if (l->ranges == NULL)
		return total > RANGES_MAX ? -E2BIG : -ENOMEM;
	return 0;
}

int
policy_draft_create(struct draft *d, const struct policy_rule *rules, uint32_t count)
{
	int rc;

	*d = (struct draft){ 0 };
	rc = create_entries(d, rules, count);
	for (unsigned int i = 0; rc == 0 && i < AXES; i++)
		rc = groups_create(&d->axis[i], d, (enum policy_axis_name)i);
	return rc;
}

void
policy_draft_free(struct draft *d)
{
	for (unsigned int i = 0; i < AXES; i++)
		groups_free(&d->axis[i]);
	free(d->entries);
}
