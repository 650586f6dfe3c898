/*
 * One axis of the policy: from a value (an address, or a protocol and port) to the set of entries
 * that accept it.  Private to policy*.c.  Built by one thread, then read-only.
 *
 * The axis is cut wherever a list of some entry begins or ends.  Between two cuts the same entries
 * accept, so each piece has one set, and pieces with the same entries share it.  Entries that
 * accept every value stand in `any` instead, so that the sets stay small.
 *
 * A set is packed: `summary` words with a bit per word of 64 entries that is not empty, then those
 * words alone.  Sets are intersected by their summaries first (Baboescu and Varghese, "Scalable
 * packet classification", 2001): of thousands of entries only a few words are ever looked at.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define AXIS_WORDS_MAX	 512 /* of 64 entries each */
#define AXIS_SUMMARY_MAX (AXIS_WORDS_MAX / 64)

struct axis_range {
	unsigned __int128 first, last; /* inclusive */
};

/* Entries with the same list of values.  No ranges = they accept nothing on this axis. */
struct axis_group {
	struct axis_range *ranges; /* sorted, disjoint, not touching: axis_merge() */
	uint32_t range_count;
	uint32_t entry_count;
	uint32_t *entries;
};

struct policy_axis {
	uint8_t bits;	   /* width of a value: up to 32, or 128 */
	uint8_t top_shift; /* up to 32 bits: value >> top_shift is the place in top */
	uint16_t words;	   /* of the policy, up to AXIS_WORDS_MAX */
	uint16_t summary;  /* words of a summary */
	uint32_t count;	   /* pieces; the first begins at 0 */
	uint32_t *start;   /* [count], up to 32 bits */
	uint32_t *top;	   /* piece in which the range of values of a place begins, and one more */
	unsigned __int128 *start_wide; /* [count], 128 bits */
	uint32_t *set;		       /* [count]: its set, an offset into pool */
	uint64_t *pool;
	uint64_t pool_words;
	uint64_t *any;	       /* [words] */
	uint64_t *any_summary; /* [summary] */
};

/* axis_merge: sort ranges and join those that overlap or touch, in place. => how many are left */
uint32_t axis_merge(struct axis_range *, uint32_t count);

/* axis_build: `groups` over entries 0 .. words x 64 - 1, each entry in one group at most.
 * => 0; -ENOMEM; -E2BIG when the sets need more than `max_words` words.  After an error the axis is
 *    to be freed as well. */
int axis_build(struct policy_axis *, const struct axis_group *, uint32_t count, uint32_t entries,
	uint8_t bits, uint64_t max_words);
void axis_free(struct policy_axis *);

/* => bytes */
uint64_t axis_memory(const struct policy_axis *);

/* axis_find: the set of a value: its summary, followed by its words. */
static inline const uint64_t *
axis_find(const struct policy_axis *a, uint32_t value)
{
	const uint32_t *place = &a->top[value >> a->top_shift];
	uint32_t low = place[0], n = place[1] - low + 1;

	/* The last piece that begins at or below the value. */
	while (n > 1) {
		const uint32_t half = n >> 1;

		low += a->start[low + half] <= value ? half : 0;
		n -= half;
	}
	return &a->pool[a->set[low]];
}

static inline const uint64_t *
axis_find_wide(const struct policy_axis *a, unsigned __int128 value)
{
	uint32_t low = 0, n = a->count;

	while (n > 1) {
		const uint32_t half = n >> 1;

		low += a->start_wide[low + half] <= value ? half : 0;
		n -= half;
	}
	return &a->pool[a->set[low]];
}
