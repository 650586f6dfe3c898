/*
 * Fields of a session that two workers may touch: plain words, never torn, in no order with others.
 */
#pragma once

#include <stdint.h>

/* relaxed_put: a line that does not change stays in the other worker's cache. */
#define RELAXED(bits, suffix)                                                                      \
	static inline uint##bits##_t relaxed_get##suffix(const uint##bits##_t *field)              \
	{                                                                                          \
		return __atomic_load_n(field, __ATOMIC_RELAXED);                                   \
	}                                                                                          \
	static inline void relaxed_put##suffix(uint##bits##_t *field, uint##bits##_t value)        \
	{                                                                                          \
		if (relaxed_get##suffix(field) != value)                                           \
			__atomic_store_n(field, value, __ATOMIC_RELAXED);                          \
	}

RELAXED(8, 8)
RELAXED(16, 16)
RELAXED(32, )

#undef RELAXED
