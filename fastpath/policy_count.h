/*
 * Counters of a policy: of each rule, and of the default for each pair of zones.
 *
 * They belong to the compiled policy, so a packet is counted where it was decided, also while
 * policies change: a row for each worker, which alone writes it, and one of the management thread,
 * which holds what was counted before this policy was made, less what has been reset.
 *
 * Sessions are counted when they are made; their packets and bytes when they end.  What living
 * sessions have is in the sessions.
 */
#pragma once

#include "policy.h"

#include <assert.h>

#define POLICY_WORKERS 32 /* rows there are */
#define POLICY_PAIRS   (MAX_ZONES * MAX_ZONES)

struct policy_counter {
	uint64_t hits; /* first packets: sessions made, packets refused */
	uint64_t packets,
		bytes;	 /* of sessions that have ended, both ways, and of refused packets */
	uint64_t last_s; /* second of the last hit, engine's clock; when there is one */
};
static_assert(sizeof(struct policy_counter) == 32, "two in a cache line");

/* policy_counter_index: place in a row: of the default between two zones (slot 0), or of a rule. */
static inline uint32_t
policy_counter_index(uint16_t slot, uint8_t from, uint8_t to)
{
	if (slot != 0)
		return POLICY_PAIRS + slot - 1U;
	return (from & (MAX_ZONES - 1U)) * MAX_ZONES + (to & (MAX_ZONES - 1U));
}

/* policy_counters: a worker's row. => That worker, up to its next quiescent report. */
struct policy_counter *policy_counters(const struct policy *, uint16_t worker);

/* policy_counter_hit: one first packet. => The counter, for more. */
static inline struct policy_counter *
policy_counter_hit(
	struct policy_counter *row, uint16_t slot, uint8_t from, uint8_t to, uint32_t now_s)
{
	struct policy_counter *c = &row[policy_counter_index(slot, from, to)];

	c->hits++;
	c->last_s = now_s;
	return c;
}

/* ---- management thread ---- */

/* policy_counter_workers: so many workers will count. => Before the first does. */
void policy_counter_workers(struct policy *, uint16_t workers);

/* policy_counter_read: the sum of a rule's counters; slot 0: of the default, all zones.  Between
 * two zones: policy_counter_read_pair(). */
void policy_counter_read(const struct policy *, uint16_t slot, struct policy_counter *);
void policy_counter_read_pair(
	const struct policy *, uint8_t from, uint8_t to, struct policy_counter *);

/* policy_counter_reset: counts from now on; `live` (packets and bytes of living sessions, which
 * are going to be added when they end) does not count either.  slot 0: `from` and `to` too. */
void policy_counter_reset(struct policy *, uint16_t slot, uint8_t from, uint8_t to,
	const struct policy_counter *live);

/* policy_counter_carry: begin with what rules of the same id had in `before`, which nobody uses any
 * more; NULL = nothing.  zone_was[z]: what zone z was then, ZONE_NONE = new. */
void policy_counter_carry(
	struct policy *, const struct policy *before, const uint8_t zone_was[MAX_ZONES]);
