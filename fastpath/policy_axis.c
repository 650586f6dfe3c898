/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building an axis: sweep over the sorted ends of all groups' ranges with the list of groups that
 * are open.  A piece's set is known by the sum of its groups' fingerprints (128 bits), so a set
 * that has been there before is not built again.
 */
#include "policy_axis.h"

#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOP_BITS_MAX 16

struct event {
	unsigned __int128 at;
	uint32_t group;
	bool begin;
};

struct known_set {
	unsigned __int128 print;
	uint32_t offset;
	bool used;
};

struct builder {
	struct policy_axis *axis;
	const struct axis_group *groups;
	struct event *events;
	uint32_t event_count;
	uint32_t *open;	 /* groups whose range covers where the sweep stands */
	uint32_t *place; /* of each group in `open` */
	uint32_t open_count;
	unsigned __int128 print; /* of the open groups */
	struct known_set *known; /* open addressing */
	uint32_t known_mask, known_count;
	uint64_t *dense; /* [words] scratch */
	uint64_t pool_size, pool_max;
};

static int
range_order(const void *pa, const void *pb)
{
	const struct axis_range *a = pa, *b = pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

uint32_t
axis_merge(struct axis_range *r, uint32_t count)
{
	uint32_t n = 0;

	qsort(r, count, sizeof(*r), range_order);
	for (uint32_t i = 0; i < count; i++) {
		if (n > 0 && (r[i].first <= r[n - 1].last || r[i].first == r[n - 1].last + 1)) {
			if (r[i].last > r[n - 1].last)
				r[n - 1].last = r[i].last;
		} else {
			r[n++] = r[i];
		}
	}
	return n;
}

static int
event_order(const void *pa, const void *pb)
{
	const struct event *a = pa, *b = pb;

	return a->at < b->at ? -1 : a->at > b->at;
}

static unsigned __int128
value_max(uint8_t bits)
{
	return ~(unsigned __int128)0 >> (128 - bits);
}

static bool
covers_all(const struct axis_group *g, uint8_t bits)
{
	return g->range_count == 1 && g->ranges[0].first == 0 &&
	       g->ranges[0].last >= value_max(bits);
}

/* Two words of the splitmix64 sequence: which group this is, in 128 bits. */
static unsigned __int128
fingerprint(uint32_t group)
{
	unsigned __int128 print = 0;

	for (uint64_t i = 1; i <= 2; i++) {
		uint64_t z = (2 * (uint64_t)group + i) * UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		print = print << 64 | (z ^ z >> 31);
	}
	return print;
}

static void
add_any(struct policy_axis *a, const struct axis_group *g)
{
	for (uint32_t i = 0; i < g->entry_count; i++) {
		const uint32_t entry = g->entries[i];

		FW_ASSERT(entry / 64 < a->words);
		a->any[entry / 64] |= UINT64_C(1) << (entry & 63);
		a->any_summary[entry / 4096] |= UINT64_C(1) << (entry / 64 & 63);
	}
}

static int
collect_events(struct builder *b, uint32_t group_count)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < group_count; i++)
		total += 2 * (uint64_t)b->groups[i].range_count;
	if (total > UINT32_MAX / 2)
		return -E2BIG;
	b->events = malloc((total + 1) * sizeof(*b->events));
	if (b->events == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < group_count; i++) {
		const struct axis_group *g = &b->groups[i];

		if (covers_all(g, b->axis->bits)) {
			add_any(b->axis, g);
			continue;
		}
		for (uint32_t j = 0; j < g->range_count; j++) {
			b->events[b->event_count++] = (struct event){
				.at = g->ranges[j].first, .group = i, .begin = true
			};
			if (g->ranges[j].last < value_max(b->axis->bits))
				b->events[b->event_count++] = (struct event){
					.at = g->ranges[j].last + 1, .group = i, .begin = false
				};
		}
	}
	qsort(b->events, b->event_count, sizeof(*b->events), event_order);
	return 0;
}

static void
apply(struct builder *b, const struct event *e)
{
	b->print ^= fingerprint(e->group);
	if (e->begin) {
		b->place[e->group] = b->open_count;
		b->open[b->open_count++] = e->group;
	} else {
		const uint32_t last = b->open[--b->open_count];

		b->open[b->place[e->group]] = last;
		b->place[last] = b->place[e->group];
	}
}

/* The open groups' entries as a packed set at the end of the pool. */
static int
pack(struct builder *b, uint32_t *offset)
{
	struct policy_axis *a = b->axis;
	uint64_t *set;

	if (a->pool_words + a->summary + a->words > b->pool_size) {
		const uint64_t size = 2 * b->pool_size + a->summary + a->words;
		uint64_t *pool = realloc(a->pool, size * sizeof(*pool));

		if (pool == NULL)
			return -ENOMEM;
		a->pool = pool;
		b->pool_size = size;
	}
	memset(b->dense, 0, a->words * sizeof(*b->dense));
	for (uint32_t i = 0; i < b->open_count; i++) {
		const struct axis_group *g = &b->groups[b->open[i]];

		for (uint32_t j = 0; j < g->entry_count; j++) {
			FW_ASSERT(g->entries[j] / 64 < a->words);
			b->dense[g->entries[j] / 64] |= UINT64_C(1) << (g->entries[j] & 63);
		}
	}
	*offset = (uint32_t)a->pool_words;
	set = &a->pool[a->pool_words];
	memset(set, 0, a->summary * sizeof(*set));
	a->pool_words += a->summary;
	for (uint32_t i = 0; i < a->words; i++) {
		if (b->dense[i] == 0)
			continue;
		set[i / 64] |= UINT64_C(1) << (i & 63);
		a->pool[a->pool_words++] = b->dense[i];
	}
	return a->pool_words > b->pool_max || a->pool_words > UINT32_MAX ? -E2BIG : 0;
}

static int
grow_known(struct builder *b)
{
	const uint32_t size = b->known != NULL ? 2 * (b->known_mask + 1) : 1024;
	struct known_set *old = b->known, *known = calloc(size, sizeof(*known));

	if (known == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; old != NULL && i <= b->known_mask; i++) {
		uint32_t at = (uint32_t)old[i].print & (size - 1);

		if (!old[i].used)
			continue;
		while (known[at].used)
			at = (at + 1) & (size - 1);
		known[at] = old[i];
	}
	free(old);
	b->known = known;
	b->known_mask = size - 1;
	return 0;
}

/* The set of the open groups: one that exists, or a new one. */
static int
current_set(struct builder *b, uint32_t *offset)
{
	uint32_t at;
	int rc;

	if (b->known == NULL || b->known_count > b->known_mask / 2) {
		rc = grow_known(b);
		if (rc < 0)
			return rc;
	}
	at = (uint32_t)b->print & b->known_mask;
	while (b->known[at].used && b->known[at].print != b->print)
		at = (at + 1) & b->known_mask;
	if (!b->known[at].used) {
		rc = pack(b, &b->known[at].offset);
		if (rc < 0)
			return rc;
		b->known[at].print = b->print;
		b->known[at].used = true;
		b->known_count++;
	}
	*offset = b->known[at].offset;
	return 0;
}

static int
sweep(struct builder *b)
{
	struct policy_axis *a = b->axis;
	uint32_t i = 0;

	do {
		const unsigned __int128 at = a->count == 0 ? 0 : b->events[i].at;
		uint32_t set;
		int rc;

		while (i < b->event_count && b->events[i].at == at)
			apply(b, &b->events[i++]);
		rc = current_set(b, &set);
		if (rc < 0)
			return rc;
		/* Nothing changed: one list ends where another of the same entries begins. */
		if (a->count > 0 && a->set[a->count - 1] == set)
			continue;
		if (a->bits > 32)
			a->start_wide[a->count] = at;
		else
			a->start[a->count] = (uint32_t)at;
		a->set[a->count++] = set;
	} while (i < b->event_count);
	return 0;
}

/* The first look: where to search by the value's high bits. */
static int
build_top(struct policy_axis *a)
{
	uint8_t top_bits = 0;
	uint32_t piece = 0, size;

	while (top_bits < TOP_BITS_MAX && top_bits < a->bits && (1U << top_bits) < a->count)
		top_bits++;
	a->top_shift = (uint8_t)(a->bits - top_bits);
	if (a->top_shift == 32) { /* one piece: a shift by the whole width means nothing */
		a->top_shift = 31;
		top_bits = 1;
	}
	size = 1U << top_bits;
	a->top = calloc((size_t)size + 1, sizeof(*a->top));
	if (a->top == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++) {
		const uint64_t low = (uint64_t)i << a->top_shift;

		while (piece + 1 < a->count && a->start[piece + 1] <= low)
			piece++;
		a->top[i] = piece;
	}
	a->top[size] = a->count - 1;
	return 0;
}

int
axis_build(struct policy_axis *a, const struct axis_group *groups, uint32_t count, uint32_t entries,
	uint8_t bits, uint64_t max_words)
{
	struct builder b = { .axis = a, .groups = groups, .pool_max = max_words };
	int rc;

	FW_ASSERT(bits <= 32 || bits == 128);
	*a = (struct policy_axis){ .bits = bits };
	a->words = (uint16_t)((entries + 63) / 64);
	if (a->words == 0)
		a->words = 1;
	FW_ASSERT(a->words <= AXIS_WORDS_MAX);
	a->summary = (uint16_t)((a->words + 63) / 64);
	a->any = calloc(a->words, sizeof(*a->any));
	a->any_summary = calloc(a->summary, sizeof(*a->any_summary));
	b.dense = calloc(a->words, sizeof(*b.dense));
	b.open = calloc((size_t)count + 1, sizeof(*b.open));
	b.place = calloc((size_t)count + 1, sizeof(*b.place));
	rc = -ENOMEM;
	if (a->any != NULL && a->any_summary != NULL && b.dense != NULL && b.open != NULL &&
		b.place != NULL)
		rc = collect_events(&b, count);
	if (rc == 0) {
		const size_t pieces = (size_t)b.event_count + 1;

		a->set = calloc(pieces, sizeof(*a->set));
		if (bits > 32)
			a->start_wide = calloc(pieces, sizeof(*a->start_wide));
		else
			a->start = calloc(pieces, sizeof(*a->start));
		rc = a->set == NULL || (a->start == NULL && a->start_wide == NULL) ? -ENOMEM
										   : sweep(&b);
	}
	if (rc == 0 && bits <= 32)
		rc = build_top(a);
	free(b.known);
	free(b.place);
	free(b.open);
	free(b.dense);
	free(b.events);
	return rc;
}

void
axis_free(struct policy_axis *a)
{
	free(a->start);
	free(a->start_wide);
	free(a->top);
	free(a->set);
	free(a->pool);
	free(a->any);
	free(a->any_summary);
	*a = (struct policy_axis){ 0 };
}

uint64_t
axis_memory(const struct policy_axis *a)
{
	const uint64_t piece =
		sizeof(*a->set) + (a->bits > 32 ? sizeof(*a->start_wide) : sizeof(*a->start));

	return a->pool_words * sizeof(*a->pool) + a->count * piece +
	       (a->words + a->summary) * sizeof(*a->any);
}
