/*
 * Monotonic time.  Every poll function takes `now` as an argument, so that a test drives the same
 * code with a fake clock; only the lcore loops read the TSC.
 */
#pragma once

#include <rte_cycles.h>

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds since an arbitrary start.  A struct, so that it never mixes with other integers. */
typedef struct {
	uint64_t ns;
} mono_t;

#define MONO_NEVER ((mono_t){ .ns = UINT64_MAX })
#define NS_PER_US  UINT64_C(1000)
#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_SEC UINT64_C(1000000000)

static inline mono_t
mono_add_ms(mono_t t, uint64_t ms)
{
	return (mono_t){ .ns = t.ns + ms * NS_PER_MS };
}

static inline mono_t
mono_add_us(mono_t t, uint64_t us)
{
	return (mono_t){ .ns = t.ns + us * NS_PER_US };
}

static inline bool
mono_before(mono_t a, mono_t b)
{
	return a.ns < b.ns;
}

/* mono_since_ms: whole milliseconds from `then` to `now`, 0 when `then` lies in the future. */
static inline uint64_t
mono_since_ms(mono_t now, mono_t then)
{
	return now.ns > then.ns ? (now.ns - then.ns) / NS_PER_MS : 0;
}

/* Conversion of TSC cycles to nanoseconds by one multiplication: ns = cycles * mult >> 32. */
struct clock {
	uint64_t start;
	uint64_t mult;
};

void clock_init(struct clock *);

static inline mono_t
clock_now(const struct clock *c)
{
	const unsigned __int128 cycles = rte_rdtsc() - c->start;

	/* One second is added so that `now` is never 0 and "long ago" can be written as 0. */
	return (mono_t){ .ns = (uint64_t)((cycles * c->mult) >> 32) + NS_PER_SEC };
}

/* Session ages are kept in whole seconds of the same clock. */
static inline uint32_t
mono_seconds(mono_t t)
{
	return (uint32_t)(t.ns / NS_PER_SEC);
}
