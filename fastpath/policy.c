/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiled policy: entries in the order of their rules, and per dimension (zones, addresses,
 * protocol and destination port, protocol and source port) the sets of entries that accept a value
 * (policy_axis.h).  The first entry that is in all of a packet's sets is the match.  Neither build
 * time nor memory grow with the product of a rule's lists.
 *
 * A rule is one entry, plus one for each of its services that has source ports, because only there
 * two dimensions belong together.
 */
#include "policy.h"

#include "check.h"
#include "policy_axis.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum axis_name { AXIS_SRC4, AXIS_DST4, AXIS_SRC6, AXIS_DST6, AXIS_DPORT, AXIS_SPORT, AXES };

static const uint8_t axis_bits[AXES] = { 32, 32, 128, 128, 24, 24 };

#define RANGES_MAX (UINT64_C(4) << 20) /* ranges on one axis, lists that rules share once */

struct rule_kept {
	char name[64];
	uint32_t id;
	enum policy_action action;
	bool log;
	uint32_t first, entries; /* its entries */
};

struct policy {
	enum policy_action default_action;
	uint16_t count;
	bool has_sport; /* some entry looks at source ports */
	uint32_t entry_count;
	uint32_t words, summary; /* as in every axis */
	struct policy_axis axis[AXES];
	_Atomic(uint64_t) *active; /* [words]: M writes, any lcore reads: entries that count now */
	uint64_t *zone[2];	   /* source, destination: [MAX_ZONES][summary + words] */
	struct policy_verdict *verdict; /* [entry_count]: what it says; [entry_count] the default */
	struct rule_kept *rules;	/* [count] */
	uint32_t *ids;			/* open addressing by id: id, slot */
	uint32_t ids_mask;
};

/* Entries while the policy is built. */
struct draft_entry {
	const struct policy_rule *rule;
	const struct policy_service *services; /* NULL = any */
	uint32_t service_count;
	uint16_t slot;
	bool sport; /* its one service has source ports */
};

struct draft {
	struct draft_entry *entries;
	uint32_t count;
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
draft_create(struct draft *d, const struct policy_rule *rules, uint32_t count)
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

static uint32_t
port_value(uint8_t proto, uint16_t port)
{
	return (uint32_t)proto << 16 | port;
}

/* The list an entry has on an axis. => its address and length: who shares it is in one group. */
static const void *
list_of(const struct draft_entry *e, enum axis_name name, uint32_t *count)
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
		out[n++] = (struct axis_range){ port_value(s->proto, min),
			port_value(s->proto != 0 ? s->proto : UINT8_MAX, max) };
	}
	return n;
}

static uint32_t
ranges_of(const struct draft_entry *e, enum axis_name name, const void *list, uint32_t count,
	struct axis_range *out)
{
	uint32_t n;

	if (count == 0) { /* any */
		out[0] = (struct axis_range){ 0, ~(unsigned __int128)0 };
		return 1;
	}
	if (name == AXIS_DPORT || name == AXIS_SPORT)
		n = service_ranges(e, name == AXIS_SPORT, out);
	else
		n = address_ranges(list, count, axis_bits[name] == 32 ? 4 : 6, out);
	return axis_merge(out, n);
}

/* ---- groups: entries that share a list ---- */

struct group_list {
	struct axis_group *groups;
	uint32_t count;
	uint32_t *members; /* [entries]: of group after group */
	struct axis_range *ranges;
};

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
groups_free(struct group_list *l)
{
	free(l->groups);
	free(l->members);
	free(l->ranges);
}

static int
groups_create(struct group_list *l, const struct draft *d, enum axis_name name)
{
	struct group_key *keys = calloc((size_t)d->count + 1, sizeof(*keys));
	uint64_t total = 0;
	uint32_t used = 0;

	*l = (struct group_list){ 0 };
	l->groups = calloc((size_t)d->count + 1, sizeof(*l->groups));
	l->members = calloc((size_t)d->count + 1, sizeof(*l->members));
	if (keys == NULL || l->groups == NULL || l->members == NULL) {
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

static int
build_axes(struct policy *p, const struct draft *d)
{
	for (unsigned int i = 0; i < AXES; i++) {
		struct group_list l;
		int rc = groups_create(&l, d, (enum axis_name)i);

		if (rc == 0)
			rc = axis_build(&p->axis[i], l.groups, l.count, d->count, axis_bits[i],
				POLICY_MEMORY_MAX / sizeof(uint64_t));
		groups_free(&l);
		if (rc < 0)
			return rc;
	}
	p->words = p->axis[0].words;
	p->summary = p->axis[0].summary;
	p->active = calloc(p->words, sizeof(*p->active));
	for (uint32_t i = 0; p->active != NULL && i < p->words; i++)
		atomic_init(&p->active[i], UINT64_MAX);
	return p->active != NULL ? 0 : -ENOMEM;
}

static int
build_zones(struct policy *p, const struct draft *d)
{
	const uint32_t row = p->summary + p->words;

	for (unsigned int side = 0; side < 2; side++) {
		p->zone[side] = calloc((size_t)MAX_ZONES * row, sizeof(uint64_t));
		if (p->zone[side] == NULL)
			return -ENOMEM;
		for (uint32_t i = 0; i < d->count; i++) {
			const struct policy_rule *r = d->entries[i].rule;
			const uint64_t set = side == 0 ? r->source_zones : r->destination_zones;

			for (uint32_t z = 0; z < MAX_ZONES; z++) {
				uint64_t *bits = &p->zone[side][z * row];

				if (set != 0 && (set >> z & 1) == 0)
					continue;
				bits[i / 4096] |= UINT64_C(1) << (i / 64 & 63);
				bits[p->summary + i / 64] |= UINT64_C(1) << (i & 63);
			}
		}
	}
	return 0;
}

/* ---- rules ---- */

static int
keep_rules(struct policy *p, const struct policy_rule *rules, const struct draft *d)
{
	uint32_t size = 16;

	while (size < 2 * (uint32_t)p->count)
		size *= 2;
	p->rules = calloc((size_t)p->count + 1, sizeof(*p->rules));
	p->ids = calloc(size, 2 * sizeof(*p->ids));
	p->verdict = calloc((size_t)d->count + 1, sizeof(*p->verdict));
	if (p->rules == NULL || p->ids == NULL || p->verdict == NULL)
		return -ENOMEM;
	p->ids_mask = size - 1;
	for (uint16_t i = 0; i < p->count; i++) {
		struct rule_kept *k = &p->rules[i];
		uint32_t at;

		memcpy(k->name, rules[i].name, sizeof(k->name));
		k->name[sizeof(k->name) - 1] = '\0';
		k->id = policy_rule_id(k->name);
		k->action = rules[i].action;
		k->log = rules[i].log;
		at = k->id & p->ids_mask;
		while (p->ids[2 * at] != 0 && p->ids[2 * at] != k->id)
			at = (at + 1) & p->ids_mask;
		if (p->ids[2 * at] != 0)
			continue; /* the first rule of an id has it */
		p->ids[2 * at] = k->id;
		p->ids[2 * at + 1] = i + 1U;
	}
	for (uint32_t i = 0; i < d->count; i++) {
		const uint16_t slot = d->entries[i].slot;

		p->verdict[i] = (struct policy_verdict){
			.action = rules[slot - 1].action, .slot = slot, .id = p->rules[slot - 1].id
		};
		if (p->rules[slot - 1].entries++ == 0)
			p->rules[slot - 1].first = i;
		p->has_sport = p->has_sport || d->entries[i].sport;
	}
	p->verdict[d->count].action = p->default_action;
	return 0;
}

struct policy *
policy_create(const struct policy_rule *rules, uint32_t count, enum policy_action default_action)
{
	struct draft d = { 0 };
	struct policy *p;
	int rc;

	if (count > MAX_RULES - 1) {
		errno = E2BIG;
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->default_action = default_action;
	p->count = (uint16_t)count;
	rc = draft_create(&d, rules, count);
	if (rc == 0) {
		p->entry_count = d.count;
		rc = keep_rules(p, rules, &d);
	}
	if (rc == 0)
		rc = build_axes(p, &d);
	if (rc == 0)
		rc = build_zones(p, &d);
	free(d.entries);
	if (rc == 0)
		return p;
	policy_destroy(p);
	errno = -rc;
	return NULL;
}

void
policy_destroy(struct policy *p)
{
	if (p == NULL)
		return;
	for (unsigned int i = 0; i < AXES; i++)
		axis_free(&p->axis[i]);
	free(p->active);
	free(p->zone[0]);
	free(p->zone[1]);
	free(p->verdict);
	free(p->rules);
	free(p->ids);
	free(p);
}

/* ---- classification ---- */

/* One packed set of a packet, and how many of its words lie before the current summary word. */
struct cursor {
	const uint64_t *any_summary, *any; /* entries that are in every set of this axis */
	const uint64_t *set;
	uint32_t rank;
};

static inline void
cursor_at(struct cursor *c, const struct policy_axis *a, const uint64_t *set)
{
	c->any_summary = a->any_summary;
	c->any = a->any;
	c->set = set;
	c->rank = a->summary;
}

static inline uint64_t
cursor_word(const struct cursor *c, uint32_t summary_word, uint32_t bit)
{
	const uint64_t summary = c->set[summary_word];
	uint64_t word = c->any[summary_word * 64 + bit];

	if (summary >> bit & 1)
		word |= c->set[c->rank + (uint32_t)__builtin_popcountll(
						 summary & ((UINT64_C(1) << bit) - 1))];
	return word;
}

/* The first entry that is in both zones' sets and in n packed ones. */
static inline uint32_t
first_entry(const struct policy *p, const uint64_t *from, const uint64_t *to, struct cursor *c,
	const unsigned int n)
{
	for (uint32_t s = 0; s < p->summary; s++) {
		uint64_t candidates = from[s] & to[s];

		for (unsigned int i = 0; i < n; i++)
			candidates &= c[i].any_summary[s] | c[i].set[s];
		for (; candidates != 0; candidates &= candidates - 1) {
			const uint32_t bit = (uint32_t)__builtin_ctzll(candidates);
			const uint32_t at = s * 64 + bit;
			uint64_t word = from[p->summary + at] & to[p->summary + at];

			word &= atomic_load_explicit(&p->active[at], memory_order_relaxed);
			for (unsigned int i = 0; i < n; i++)
				word &= cursor_word(&c[i], s, bit);
			if (word != 0)
				return at * 64 + (uint32_t)__builtin_ctzll(word);
		}
		for (unsigned int i = 0; i < n; i++)
			c[i].rank += (uint32_t)__builtin_popcountll(c[i].set[s]);
	}
	return p->entry_count;
}

static inline uint32_t
match(const struct policy *p, uint8_t source_zone, uint8_t destination_zone, uint32_t sport,
	uint32_t dport, struct cursor c[4])
{
	const uint32_t row = p->summary + p->words;
	const uint64_t *from = &p->zone[0][(source_zone & (MAX_ZONES - 1)) * row];
	const uint64_t *to = &p->zone[1][(destination_zone & (MAX_ZONES - 1)) * row];

	cursor_at(&c[2], &p->axis[AXIS_DPORT], axis_find(&p->axis[AXIS_DPORT], dport));
	if (!p->has_sport)
		return first_entry(p, from, to, c, 3);
	cursor_at(&c[3], &p->axis[AXIS_SPORT], axis_find(&p->axis[AXIS_SPORT], sport));
	return first_entry(p, from, to, c, 4);
}

void
policy_classify(const struct policy *p, const struct policy_key *keys, uint32_t n,
	struct policy_verdict *out)
{
	const struct policy_axis *src = &p->axis[AXIS_SRC4], *dst = &p->axis[AXIS_DST4];
	struct cursor c[4];

	for (uint32_t i = 0; i < n; i++) {
		const struct policy_key *k = &keys[i];

		cursor_at(&c[0], src, axis_find(src, rte_be_to_cpu_32(k->src)));
		cursor_at(&c[1], dst, axis_find(dst, rte_be_to_cpu_32(k->dst)));
		out[i] = p->verdict[match(p, k->source_zone, k->destination_zone,
			port_value(k->proto, rte_be_to_cpu_16(k->sport)),
			port_value(k->proto, rte_be_to_cpu_16(k->dport)), c)];
	}
}

static inline unsigned __int128
wide(const uint8_t address[IP6_LEN])
{
	uint64_t high, low;

	ip6_halves(address, &high, &low);
	return (unsigned __int128)high << 64 | low;
}

void
policy_classify6(const struct policy *p, const struct policy_key6 *keys, uint32_t n,
	struct policy_verdict *out)
{
	const struct policy_axis *src = &p->axis[AXIS_SRC6], *dst = &p->axis[AXIS_DST6];
	struct cursor c[4];

	for (uint32_t i = 0; i < n; i++) {
		const struct policy_key6 *k = &keys[i];

		cursor_at(&c[0], src, axis_find_wide(src, wide(k->src)));
		cursor_at(&c[1], dst, axis_find_wide(dst, wide(k->dst)));
		out[i] = p->verdict[match(p, k->source_zone, k->destination_zone,
			port_value(k->proto, rte_be_to_cpu_16(k->sport)),
			port_value(k->proto, rte_be_to_cpu_16(k->dport)), c)];
	}
}

/* ---- */

bool
policy_active(const struct policy *p, uint16_t slot)
{
	const struct rule_kept *k = &p->rules[slot - 1];

	FW_ASSERT(slot > 0 && slot <= p->count);
	/* All entries of a rule change together. */
	return k->entries > 0 &&
	       (atomic_load_explicit(&p->active[k->first / 64], memory_order_relaxed) >>
			       (k->first & 63) &
		       1) != 0;
}

bool
policy_set_active(struct policy *p, uint16_t slot, bool active)
{
	const struct rule_kept *k = &p->rules[slot - 1];

	if (k->entries == 0 || policy_active(p, slot) == active)
		return false;
	for (uint32_t i = k->first; i < k->first + k->entries; i++) {
		const uint64_t bit = UINT64_C(1) << (i & 63);

		if (active)
			atomic_fetch_or_explicit(&p->active[i / 64], bit, memory_order_relaxed);
		else
			atomic_fetch_and_explicit(&p->active[i / 64], ~bit, memory_order_relaxed);
	}
	return true;
}

uint16_t
policy_rule_count(const struct policy *p)
{
	return p->count;
}

const char *
policy_rule_name(const struct policy *p, uint16_t slot)
{
	return slot == 0 || slot > p->count ? NULL : p->rules[slot - 1].name;
}

bool
policy_rule_log(const struct policy *p, uint16_t slot)
{
	return slot != 0 && slot <= p->count && p->rules[slot - 1].log;
}

enum policy_action
policy_rule_action(const struct policy *p, uint16_t slot)
{
	return slot == 0 || slot > p->count ? p->default_action : p->rules[slot - 1].action;
}

uint16_t
policy_slot_of(const struct policy *p, uint32_t id)
{
	for (uint32_t at = id & p->ids_mask; p->ids[2 * at] != 0; at = (at + 1) & p->ids_mask) {
		if (p->ids[2 * at] == id)
			return (uint16_t)p->ids[2 * at + 1];
	}
	return 0;
}

uint64_t
policy_memory(const struct policy *p)
{
	uint64_t bytes = 2 * (uint64_t)MAX_ZONES * (p->summary + p->words) * sizeof(uint64_t) +
			 p->count * sizeof(*p->rules) + p->entry_count * sizeof(*p->verdict) +
			 2 * ((uint64_t)p->ids_mask + 1) * sizeof(*p->ids);

	for (unsigned int i = 0; i < AXES; i++)
		bytes += axis_memory(&p->axis[i]);
	return bytes;
}
