/*
 * How long things take: maximum and median, in steps of a fifth.  Pure.
 */
#pragma once

#include <stdint.h>

#define HRP_LAG_BUCKETS 112 /* 1 us to 4 minutes */

struct hrp_lag {
	uint32_t buckets[HRP_LAG_BUCKETS];
	uint64_t count, max_ns;
};

void hrp_lag_add(struct hrp_lag *, uint64_t ns);
uint64_t hrp_lag_median(const struct hrp_lag *); /* => ns, at most max_ns; 0: of none */
