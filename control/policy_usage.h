/*
 * What living sessions add to the counters of the policy: sessions, packets and bytes of each rule,
 * and of the default for each pair of zones.  Found by walking the session table in steps; one walk
 * serves everybody who waits for it.  Management thread only.
 */
#pragma once

#include "policy_count.h"

#include <stdbool.h>
#include <stdint.h>

struct management;

struct policy_usage_of {
	uint32_t sessions;
	uint64_t packets, bytes;
};

/* policy_usage_ready: a step of a walk that began after this cursor was 0; the upper half of
 * *cursor is kept for that, the lower is the caller's.
 * => true: it has ended, for the policy that is in force: policy_usage_get() tells of it.  As a
 *    grace-period reader. */
bool policy_usage_ready(struct management *, uint64_t *cursor);
/* policy_usage_get: `index`: policy_counter_index(). */
struct policy_usage_of policy_usage_get(const struct management *, uint32_t index);
void policy_usage_free(struct management *);
