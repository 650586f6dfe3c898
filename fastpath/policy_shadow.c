/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that never decide: those whose every packet an earlier rule takes.
 *
 * Only cover by one rule is found, not by several together.  Candidates come from the compiled
 * sets: whoever covers a rule's lists is in the sets of the values at their ends.  Those that are
 * left (few) are compared list by list.
 */
#include "check.h"
#include "policy_impl.h"

#define SAMPLES 4 /* values looked up of a list */

/* What an entry's coverers must be in. */
struct sample {
	const uint64_t *zones[4];
	struct cursor set[AXES * SAMPLES];
	unsigned int count;
};

static const struct axis_group *
group_of(const struct draft *d, unsigned int axis, uint32_t entry)
{
	return &d->axis[axis].groups[d->axis[axis].group_of[entry]];
}

/* Addresses of this family on both sides? Else no packet of it can match. */
static bool
has_family(const struct draft *d, uint32_t entry, enum policy_axis_name src)
{
	return group_of(d, src, entry)->range_count > 0 &&
	       group_of(d, src + 1, entry)->range_count > 0;
}

static void
sample_list(struct sample *s, const struct policy_axis *a, const struct axis_group *g)
{
	const uint32_t n = g->range_count;
	const unsigned __int128 value[SAMPLES] = { g->ranges[0].first, g->ranges[n - 1].last,
		g->ranges[n / 2].last, g->ranges[n / 2].first };

	for (unsigned int i = 0; i < SAMPLES; i++)
		cursor_at(&s->set[s->count++], a,
			a->bits > 32 ? axis_find_wide(a, value[i])
				     : axis_find(a, (uint32_t)value[i]));
}

/* Any zone: only who accepts zone 0 as well, which no rule can name. */
static void
sample_zones(const struct policy *p, unsigned int side, uint64_t set, const uint64_t **rows)
{
	const uint32_t row = p->summary + p->words;
	const uint32_t first = set != 0 ? (uint32_t)__builtin_ctzll(set) : ZONE_NONE;
	const uint32_t last = set != 0 ? 63U - (uint32_t)__builtin_clzll(set) : ZONE_NONE;

	rows[0] = &p->zone[side][first * row];
	rows[1] = &p->zone[side][last * row];
}

static void
sample_entry(struct sample *s, const struct policy *p, const struct draft *d, uint32_t entry)
{
	const struct policy_rule *r = d->entries[entry].rule;

	s->count = 0;
	sample_zones(p, 0, r->source_zones, &s->zones[0]);
	sample_zones(p, 1, r->destination_zones, &s->zones[2]);
	for (unsigned int i = 0; i < AXES; i++) {
		if ((i == AXIS_SRC4 || i == AXIS_DST4) && !has_family(d, entry, AXIS_SRC4))
			continue;
		if ((i == AXIS_SRC6 || i == AXIS_DST6) && !has_family(d, entry, AXIS_SRC6))
			continue;
		if (i == AXIS_SPORT && !p->has_sport)
			continue;
		sample_list(s, &p->axis[i], group_of(d, i, entry));
	}
}

/* ---- exact cover ---- */

static bool
list_covers(const struct axis_group *outer, const struct axis_group *inner)
{
	if (outer == inner)
		return true;
	for (uint32_t i = 0; i < inner->range_count; i++) {
		const struct axis_range *r = &inner->ranges[i];
		uint32_t low = 0, n = outer->range_count;

		while (n > 1) {
			const uint32_t half = n >> 1;

			low += outer->ranges[low + half].first <= r->first ? half : 0;
			n -= half;
		}
		if (n == 0 || outer->ranges[low].first > r->first ||
			outer->ranges[low].last < r->last)
			return false;
	}
	return true;
}

static bool
zones_cover(uint64_t outer, uint64_t inner)
{
	return outer == 0 || (inner != 0 && (inner & ~outer) == 0);
}

static bool
family_covers(const struct draft *d, uint32_t outer, uint32_t inner, enum policy_axis_name src)
{
	return !has_family(d, inner, src) ||
	       (list_covers(group_of(d, src, outer), group_of(d, src, inner)) &&
		       list_covers(group_of(d, src + 1, outer), group_of(d, src + 1, inner)));
}

static bool
entry_covers(const struct draft *d, uint32_t outer, uint32_t inner)
{
	const struct policy_rule *a = d->entries[outer].rule, *b = d->entries[inner].rule;

	return zones_cover(a->source_zones, b->source_zones) &&
	       zones_cover(a->destination_zones, b->destination_zones) &&
	       list_covers(group_of(d, AXIS_DPORT, outer), group_of(d, AXIS_DPORT, inner)) &&
	       list_covers(group_of(d, AXIS_SPORT, outer), group_of(d, AXIS_SPORT, inner)) &&
	       family_covers(d, outer, inner, AXIS_SRC4) &&
	       family_covers(d, outer, inner, AXIS_SRC6);
}

/* Does some entry of the rule cover this one? */
static bool
rule_covers(const struct policy_kept *outer, const struct draft *d, uint32_t inner)
{
	for (uint32_t i = outer->first; i < outer->first + outer->entries; i++) {
		if (entry_covers(d, i, inner))
			return true;
	}
	return false;
}

static bool
covers(const struct policy *p, const struct draft *d, uint16_t outer, uint16_t inner)
{
	const struct policy_kept *a = &p->rules[outer - 1], *b = &p->rules[inner - 1];
	const uint32_t when = d->entries[a->first].rule->schedule;

	if (when != 0 && when != d->entries[b->first].rule->schedule)
		return false; /* not always there */
	for (uint32_t i = b->first; i < b->first + b->entries; i++) {
		if (!rule_covers(a, d, i))
			return false;
	}
	return true;
}

/* ---- */

/* The first rule before `slot` that covers it, of those in all sets of its first entry. */
static uint16_t
find_cover(const struct policy *p, const struct draft *d, uint16_t slot, struct sample *s)
{
	const uint32_t end = p->rules[slot - 1].first;
	uint16_t looked_at = 0;

	for (uint32_t w = 0; w < p->summary && w * 4096 < end; w++) {
		uint64_t words = UINT64_MAX;

		for (unsigned int i = 0; i < 4; i++)
			words &= s->zones[i][w];
		for (unsigned int i = 0; i < s->count; i++)
			words &= s->set[i].any_summary[w] | s->set[i].set[w];
		for (; words != 0; words &= words - 1) {
			const uint32_t bit = (uint32_t)__builtin_ctzll(words), at = w * 64 + bit;
			uint64_t entries = UINT64_MAX;

			if (at * 64 >= end)
				return 0;
			for (unsigned int i = 0; i < 4; i++)
				entries &= s->zones[i][p->summary + at];
			for (unsigned int i = 0; i < s->count && entries != 0; i++)
				entries &= cursor_word(&s->set[i], w, bit);
			for (; entries != 0; entries &= entries - 1) {
				const uint32_t e = at * 64 + (uint32_t)__builtin_ctzll(entries);

				if (e >= end)
					return 0;
				if (d->entries[e].slot == looked_at)
					continue;
				looked_at = d->entries[e].slot;
				if (covers(p, d, looked_at, slot))
					return looked_at;
			}
		}
		for (unsigned int i = 0; i < s->count; i++)
			s->set[i].rank += (uint32_t)__builtin_popcountll(s->set[i].set[w]);
	}
	return 0;
}

void
policy_find_shadows(struct policy *p, const struct draft *d)
{
	struct sample s;

	for (uint16_t slot = 1; slot <= p->count; slot++) {
		struct policy_kept *k = &p->rules[slot - 1];

		if (k->entries == 0)
			continue; /* disabled */
		if (!has_family(d, k->first, AXIS_SRC4) && !has_family(d, k->first, AXIS_SRC6)) {
			k->shadow = slot;
			continue;
		}
		sample_entry(&s, p, d, k->first);
		k->shadow = find_cover(p, d, slot, &s);
	}
}
