/* SPDX-License-Identifier: BSD-3-Clause */
#include "hrp_lag.h"

#include "clock.h"

#include <rte_common.h>

/* Four buckets an octave: what lies in one differs by less than a fifth from its upper end. */
static uint32_t
bucket_of(uint64_t us)
{
	uint32_t octave;

	if (us < 4)
		return (uint32_t)us;
	octave = 63 - (uint32_t)__builtin_clzll(us);
	return RTE_MIN((octave - 1) * 4 + (uint32_t)(us >> (octave - 2) & 3), HRP_LAG_BUCKETS - 1u);
}

/* The largest in a bucket. */
static uint64_t
end_of(uint32_t bucket)
{
	if (bucket < 4)
		return bucket;
	return (((uint64_t)bucket % 4 + 5) << (bucket / 4 - 1)) - 1;
}

void
hrp_lag_add(struct hrp_lag *l, uint64_t ns)
{
	l->buckets[bucket_of(ns / NS_PER_US)]++;
	l->count++;
	l->max_ns = RTE_MAX(l->max_ns, ns);
}

uint64_t
hrp_lag_median(const struct hrp_lag *l)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HRP_LAG_BUCKETS; i++) {
		seen += l->buckets[i];
		if (l->count > 0 && seen * 2 >= l->count)
			return RTE_MIN(end_of(i) * NS_PER_US, l->max_ns);
	}
	return 0;
}
