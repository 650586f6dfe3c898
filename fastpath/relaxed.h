/*
 * Fields of a session that two workers may touch: plain words, never torn, in no order with others.
 */
#pragma once

#include <stdint.h>

static inline uint32_t
relaxed_get(const uint32_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* A line that does not change stays in the other worker's cache. */
static inline void
relaxed_put(uint32_t *field, uint32_t value)
{
	if (relaxed_get(field) != value)
		__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline uint8_t
relaxed_get8(const uint8_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static inline void
relaxed_put8(uint8_t *field, uint8_t value)
{
	if (relaxed_get8(field) != value)
		__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline uint16_t
relaxed_get16(const uint16_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static inline void
relaxed_put16(uint16_t *field, uint16_t value)
{
	if (relaxed_get16(field) != value)
		__atomic_store_n(field, value, __ATOMIC_RELAXED);
}
