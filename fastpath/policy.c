/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiled policy: entries in the order of their rules, and per dimension (zones, addresses,
 * protocol and destination port, protocol and source port) the sets of entries that accept a value
 * (policy_axis.h).  The first entry that is in all of a packet's sets is the match.  Neither build
 * time nor memory grow with the product of a rule's lists.
 *
 * Zones are asked first: no rule between two zones, or rules in one word of 64 entries only, is
 * what a flood finds, and needs no set, or only those up to the first that excludes all.
 *
 * A rule is one entry, plus one for each of its services that has source ports, because only there
 * two dimensions belong together.
 */
#include "policy.h"

#include "check.h"
#include "policy_impl.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

uint32_t
policy_rule_id(const char *name)
{
	/* FNV-1a: both boxes must agree, and rte_jhash reads past the end of a string. */
	uint32_t id = 2166136261U;

	for (; *name != '\0'; name++)
		id = (id ^ (uint8_t)*name) * 16777619U;
	return id != 0 ? id : 1;
}

static int
build_axes(struct policy *p, const struct draft *d)
{
	for (unsigned int i = 0; i < AXES; i++) {
		const int rc = axis_build(&p->axis[i], d->axis[i].groups, d->axis[i].count,
			d->count, policy_axis_bits[i], POLICY_MEMORY_MAX / sizeof(uint64_t));

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

	for (uint32_t i = 0; i < d->count; i++) {
		const struct policy_rule *r = d->entries[i].rule;
		const uint64_t to = r->destination_zones != 0 ? r->destination_zones : UINT64_MAX;

		for (uint32_t z = 0; z < MAX_ZONES; z++) {
			if (r->source_zones == 0 || (r->source_zones >> z & 1) != 0)
				p->pairs[z] |= to;
		}
	}
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
		struct policy_kept *k = &p->rules[i];
		uint32_t at;

		memcpy(k->name, rules[i].name, sizeof(k->name));
		k->name[sizeof(k->name) - 1] = '\0';
		k->id = policy_rule_id(k->name);
		k->action = rules[i].action;
		k->log = rules[i].log;
		k->no_alg = rules[i].no_alg;
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
	rc = policy_draft_create(&d, rules, count);
	p->entry_count = d.count;
	if (rc == 0)
		rc = keep_rules(p, rules, &d);
	if (rc == 0)
		rc = build_axes(p, &d);
	if (rc == 0)
		rc = build_zones(p, &d);
	if (rc == 0)
		rc = policy_counts_create(p);
	if (rc == 0)
		policy_find_shadows(p, &d);
	policy_draft_free(&d);
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
	free(p->counts_memory);
	free(p);
}

/* ---- classification ---- */

/* The first entry that is in both zones' sets and in n packed ones. */
static __rte_always_inline uint32_t
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

/* What a packet is asked about, ports as values of their axes. */
struct question {
	uint8_t source_zone, destination_zone;
	uint32_t sport, dport;
	const void *src, *dst; /* of the family: rte_be32_t, or IP6_LEN bytes */
};

static inline const uint64_t *
find_address(const struct policy_axis *a, unsigned int family, const void *address)
{
	uint64_t high, low;

	if (family == 4)
		return axis_find(a, rte_be_to_cpu_32(*(const rte_be32_t *)address));
	ip6_halves(address, &high, &low);
	return axis_find_wide(a, (unsigned __int128)high << 64 | low);
}

/* One word of a packed set. */
static inline uint64_t
word_of(const struct policy_axis *a, const uint64_t *set, uint32_t summary_word, uint32_t bit)
{
	struct cursor c;

	cursor_at(&c, a, set);
	for (uint32_t s = 0; s < summary_word; s++)
		c.rank += (uint32_t)__builtin_popcountll(set[s]);
	return cursor_word(&c, summary_word, bit);
}

/* => the entry that decides, entry_count = none: the default does */
static __rte_always_inline uint32_t
match(const struct policy *p, unsigned int family, const struct question *q)
{
	const struct policy_axis *src = &p->axis[family == 4 ? AXIS_SRC4 : AXIS_SRC6],
				 *dst = &p->axis[family == 4 ? AXIS_DST4 : AXIS_DST6],
				 *sport = &p->axis[AXIS_SPORT], *dport = &p->axis[AXIS_DPORT];
	const uint32_t row = p->summary + p->words;
	const uint8_t source = q->source_zone & (MAX_ZONES - 1),
		      destination = q->destination_zone & (MAX_ZONES - 1);
	const uint64_t *from = &p->zone[0][source * row], *to = &p->zone[1][destination * row];
	uint32_t words = 0, s = 0, bit, at;
	struct cursor c[4];
	uint64_t word;

	if ((p->pairs[source] >> destination & 1) == 0)
		return p->entry_count;
	for (uint32_t i = 0; i < p->summary; i++) {
		const uint64_t both = from[i] & to[i];

		if (both != 0)
			s = i;
		words += (uint32_t)__builtin_popcountll(both);
	}
	if (words > 1) {
		cursor_at(&c[0], dport, axis_find(dport, q->dport));
		cursor_at(&c[1], dst, find_address(dst, family, q->dst));
		cursor_at(&c[2], src, find_address(src, family, q->src));
		if (!p->has_sport)
			return first_entry(p, from, to, c, 3);
		cursor_at(&c[3], sport, axis_find(sport, q->sport));
		return first_entry(p, from, to, c, 4);
	}
	/* Rules between these zones are in one word: a flood mostly ends at the port. */
	bit = (uint32_t)__builtin_ctzll(from[s] & to[s]);
	at = s * 64 + bit;
	word = from[p->summary + at] & to[p->summary + at] &
	       atomic_load_explicit(&p->active[at], memory_order_relaxed);
	if (word != 0)
		word &= word_of(dport, axis_find(dport, q->dport), s, bit);
	if (word != 0)
		word &= word_of(dst, find_address(dst, family, q->dst), s, bit);
	if (word != 0)
		word &= word_of(src, find_address(src, family, q->src), s, bit);
	if (word != 0 && p->has_sport)
		word &= word_of(sport, axis_find(sport, q->sport), s, bit);
	return word != 0 ? at * 64 + (uint32_t)__builtin_ctzll(word) : p->entry_count;
}

void
policy_classify(const struct policy *p, const struct policy_key *keys, uint32_t n,
	struct policy_verdict *out)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct policy_key *k = &keys[i];
		const struct question q = { .source_zone = k->source_zone,
			.destination_zone = k->destination_zone,
			.sport = policy_port_value(k->proto, rte_be_to_cpu_16(k->sport)),
			.dport = policy_port_value(k->proto, rte_be_to_cpu_16(k->dport)),
			.src = &k->src,
			.dst = &k->dst };

		out[i] = p->verdict[match(p, 4, &q)];
	}
}

void
policy_classify6(const struct policy *p, const struct policy_key6 *keys, uint32_t n,
	struct policy_verdict *out)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct policy_key6 *k = &keys[i];
		const struct question q = { .source_zone = k->source_zone,
			.destination_zone = k->destination_zone,
			.sport = policy_port_value(k->proto, rte_be_to_cpu_16(k->sport)),
			.dport = policy_port_value(k->proto, rte_be_to_cpu_16(k->dport)),
			.src = k->src,
			.dst = k->dst };

		out[i] = p->verdict[match(p, 6, &q)];
	}
}

/* ---- */

bool
policy_active(const struct policy *p, uint16_t slot)
{
	const struct policy_kept *k = &p->rules[slot - 1];

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
	const struct policy_kept *k = &p->rules[slot - 1];

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

bool
policy_rule_no_alg(const struct policy *p, uint16_t slot)
{
	return slot != 0 && slot <= p->count && p->rules[slot - 1].no_alg;
}

enum policy_action
policy_rule_action(const struct policy *p, uint16_t slot)
{
	return slot == 0 || slot > p->count ? p->default_action : p->rules[slot - 1].action;
}

uint16_t
policy_rule_shadow(const struct policy *p, uint16_t slot)
{
	return slot == 0 || slot > p->count ? 0 : p->rules[slot - 1].shadow;
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
