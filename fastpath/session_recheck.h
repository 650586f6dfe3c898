/*
 * After a change of the policy: look at every session again, in steps, outside the packet path.
 *
 * Direction 0's tuple and the zones the session has are classified as its first packet would be
 * now.  What is denied is handed to its home worker to remove; what another rule permits gets that
 * rule's id.  Sessions made meanwhile were decided by the new policy already.
 */
#pragma once

#include "session_table.h"
#include "snapshot.h"

#include <stdbool.h>
#include <stdint.h>

struct session_recheck {
	uint32_t next; /* slot */
	uint32_t denied, moved;
};

/* session_recheck: one step of at most `slots` slots, with the policy of `snap`; shorter when the
 * inbox of a worker is full: go on a little later.
 * => M, as a grace-period reader.  false: the end has been reached. */
bool session_recheck(struct session_table *, const struct snapshot *snap, uint32_t slots,
	struct session_recheck *);
