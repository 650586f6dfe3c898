/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock: cycles of the TSC to nanoseconds.  Initialised once at start; read by every lcore.
 */
#include "clock.h"

#include "check.h"

void
clock_init(struct clock *c)
{
	const uint64_t hz = rte_get_tsc_hz();

	FW_ASSERT(hz != 0);
	c->start = rte_rdtsc();
	c->mult = (uint64_t)(((unsigned __int128)NS_PER_SEC << 32) / (hz != 0 ? hz : NS_PER_SEC));
}
