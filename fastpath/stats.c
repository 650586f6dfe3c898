/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters, read by anybody: each belongs to one worker, so that a sum may be a few packets behind
 * but never wrong.
 */
#include "worker.h"

#include <string.h>

/* Counter structs are arrays of uint64_t with names. */
static void
add(uint64_t *sum, const uint64_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		sum[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static_assert(sizeof(struct worker_stats) % sizeof(uint64_t) == 0, "only counters");
static_assert(sizeof(struct interface_stats) % sizeof(uint64_t) == 0, "only counters");

static void
add_worker(struct worker_stats *sum, const struct worker *w)
{
	add((uint64_t *)sum, (const uint64_t *)&w->stats, sizeof(*sum));
	for (unsigned int place = 0; place < DROP_PLACES; place++)
		add(sum->drops, w->drops[place], sizeof(sum->drops));
}

void
worker_stats(const struct worker *w, struct worker_stats *out)
{
	memset(out, 0, sizeof(*out));
	add_worker(out, w);
}

void
engine_stats(const struct engine *e, struct worker_stats *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint16_t i = 0; i < e->worker_count; i++)
		add_worker(sum, e->workers[i]);
}

void
engine_drops(const struct engine *e, uint16_t place, uint64_t drops[DROP_REASON_COUNT])
{
	memset(drops, 0, DROP_REASON_COUNT * sizeof(drops[0]));
	for (uint16_t i = 0; place < DROP_PLACES && i < e->worker_count; i++)
		add(drops, e->workers[i]->drops[place], sizeof(e->workers[i]->drops[place]));
}

void
engine_interface_stats(const struct engine *e, uint16_t interface, struct interface_stats *sum)
{
	uint64_t drops[DROP_REASON_COUNT];

	memset(sum, 0, sizeof(*sum));
	if (interface >= MAX_INTERFACES)
		return;
	for (uint16_t i = 0; i < e->worker_count; i++)
		add((uint64_t *)sum, (const uint64_t *)&e->workers[i]->interfaces[interface],
			sizeof(*sum));
	engine_drops(e, interface, drops);
	for (unsigned int r = 0; r < DROP_REASON_COUNT; r++)
		sum->drops += drops[r];
}
