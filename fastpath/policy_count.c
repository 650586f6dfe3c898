/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of a policy.  Row 0 is the management thread's; row n + 1 worker n's.  A sum may be a
 * few packets behind, and row 0 may hold less than nothing: sums are modulo 2^64.
 */
#include "policy_count.h"

#include "check.h"
#include "policy_impl.h"

#include <errno.h>
#include <stdlib.h>

#define LINE 64

int
policy_counts_create(struct policy *p)
{
	p->row_size = POLICY_PAIRS + p->count + (p->count & 1U); /* whole cache lines */
	/* Fresh zero pages: rows of workers that do not exist cost nothing. */
	p->counts_memory =
		calloc((POLICY_WORKERS + 1) * (size_t)p->row_size + 2, sizeof(*p->counts));
	if (p->counts_memory == NULL)
		return -ENOMEM;
	p->counts = (void *)(((uintptr_t)p->counts_memory + LINE - 1) & ~(uintptr_t)(LINE - 1));
	return 0;
}

struct policy_counter *
policy_counters(const struct policy *p, uint16_t worker)
{
	FW_ASSERT(worker < POLICY_WORKERS);
	return &p->counts[(worker + (size_t)1) * p->row_size];
}

void
policy_counter_workers(struct policy *p, uint16_t workers)
{
	FW_ASSERT(workers <= POLICY_WORKERS);
	p->workers = workers;
}

static uint64_t
load(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static void
add(const struct policy *p, uint32_t index, struct policy_counter *sum)
{
	for (uint32_t row = 0; row <= p->workers; row++) {
		const struct policy_counter *c = &p->counts[(size_t)row * p->row_size + index];
		const uint64_t last = load(&c->last_s);

		sum->hits += load(&c->hits);
		sum->packets += load(&c->packets);
		sum->bytes += load(&c->bytes);
		sum->last_s = last > sum->last_s ? last : sum->last_s;
	}
}

void
policy_counter_read_pair(
	const struct policy *p, uint8_t from, uint8_t to, struct policy_counter *sum)
{
	*sum = (struct policy_counter){ 0 };
	add(p, policy_counter_index(0, from, to), sum);
}

void
policy_counter_read(const struct policy *p, uint16_t slot, struct policy_counter *sum)
{
	*sum = (struct policy_counter){ 0 };
	if (slot > p->count)
		return;
	if (slot > 0) {
		add(p, policy_counter_index(slot, 0, 0), sum);
		return;
	}
	for (uint32_t pair = 0; pair < POLICY_PAIRS; pair++)
		add(p, pair, sum);
}

void
policy_counter_reset(struct policy *p, uint16_t slot, uint8_t from, uint8_t to,
	const struct policy_counter *live)
{
	const uint32_t index = policy_counter_index(slot, from, to);
	struct policy_counter sum = { 0 };

	FW_ASSERT(slot <= p->count);
	add(p, index, &sum);
	p->counts[index].hits -= sum.hits;
	p->counts[index].packets -= sum.packets + live->packets;
	p->counts[index].bytes -= sum.bytes + live->bytes;
}

void
policy_counter_carry(
	struct policy *p, const struct policy *before, const uint8_t zone_was[MAX_ZONES])
{
	if (before == NULL)
		return;
	for (uint16_t slot = 1; slot <= p->count; slot++) {
		const uint16_t old = policy_slot_of(before, p->rules[slot - 1].id);

		if (old != 0)
			add(before, policy_counter_index(old, 0, 0),
				&p->counts[policy_counter_index(slot, 0, 0)]);
	}
	for (uint32_t pair = 0; pair < POLICY_PAIRS; pair++) {
		const uint8_t from = zone_was[pair / MAX_ZONES], to = zone_was[pair % MAX_ZONES];

		if (from != ZONE_NONE && to != ZONE_NONE)
			add(before, policy_counter_index(0, from, to), &p->counts[pair]);
	}
}
