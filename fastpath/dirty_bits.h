/*
 * Which of many places have changed, a bit each: set by whoever changes one, taken by the mirror.
 * No lock.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define DIRTY_BITS_NONE UINT32_MAX

struct dirty_bits {
	_Atomic(uint64_t) *words; /* dirty_bits_words() of them, the caller's */
	uint32_t places;
	_Atomic(uint32_t) changes; /* of bits set; H has seen the last of them at: */
	uint32_t seen;
};

static inline size_t
dirty_bits_words(uint32_t places)
{
	return ((size_t)places + 63) / 64;
}

/* dirty_bits_set: any lcore. */
static inline void
dirty_bits_set(struct dirty_bits *d, uint32_t place)
{
	const uint64_t bit = UINT64_C(1) << place % 64;

	if ((atomic_fetch_or_explicit(&d->words[place / 64], bit, memory_order_release) & bit) == 0)
		atomic_fetch_add_explicit(&d->changes, 1, memory_order_release);
}

/* dirty_bits_take: => HRP core: the next place at or behind *cursor, its bit cleared;
 * DIRTY_BITS_NONE: no more, *cursor is 0 again.  One look when nothing has changed. */
static inline uint32_t
dirty_bits_take(struct dirty_bits *d, uint32_t *cursor)
{
	if (*cursor == 0) {
		const uint32_t changes = atomic_load_explicit(&d->changes, memory_order_acquire);

		if (changes == d->seen)
			return DIRTY_BITS_NONE;
		d->seen = changes;
	}
	for (size_t word = *cursor / 64; word < dirty_bits_words(d->places); word++) {
		const uint64_t bits =
			atomic_load_explicit(&d->words[word], memory_order_acquire) &
			(word == *cursor / 64 ? UINT64_MAX << *cursor % 64 : UINT64_MAX);

		if (bits == 0)
			continue;
		const uint32_t i = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
		atomic_fetch_and_explicit(
			&d->words[word], ~(UINT64_C(1) << i % 64), memory_order_acq_rel);
		*cursor = i + 1;
		if (*cursor >= d->places)
			*cursor = 0;
		return i;
	}
	*cursor = 0;
	return DIRTY_BITS_NONE;
}
