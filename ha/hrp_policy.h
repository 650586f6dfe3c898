/*
 * In UDP mode the heartbeat is traffic of the box itself: the security policy must permit it
 * between the zone local and that of its interface, in both directions (R156).  Any lcore in a
 * grace period.
 */
#pragma once

#include "snapshot.h"

#include <stdbool.h>

/* hrp_policy_permits: of what we send (`out`) by an interface, or get by it.  sport: the sender's.
 * => false also before the first publication. */
bool hrp_policy_permits(const struct snapshot *, uint16_t interface, bool out, rte_be32_t src,
	rte_be32_t dst, rte_be16_t sport);
