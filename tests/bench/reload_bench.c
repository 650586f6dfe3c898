/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reload of the policy: compile the rules, shadowed ones among them looked for, and publish.  The
 * workers' part of it is one grace period.
 */
#include "bench.h"

#include <rte_cycles.h>

void
bench_reload(const struct bench_options *o)
{
	static const uint16_t counts[] = { 100, 1000, 10000 };

	for (unsigned int i = 0; i < RTE_DIM(counts); i++) {
		struct bench_result result = { .name = "reload: compile and publish",
			.unit = "ms",
			.rules = counts[i],
			.runs = o->runs,
			.limit = 1000,
			.wanted = WANTED_AT_MOST };
		struct bench_rig rig;

		if (bench_rig_simple(&rig, 1000, 1)) {
			for (unsigned int run = 0; run < o->runs; run++) {
				const uint64_t start = rte_rdtsc();

				if (!bench_rig_replace_policy(&rig, counts[i]))
					bench_fatal("rules published", 0, counts[i]);
				result.values[run] = 1e3 * (double)(rte_rdtsc() - start) /
						     (double)rte_get_tsc_hz();
			}
			bench_report(&result);
		}
		bench_rig_destroy(&rig);
	}
}
