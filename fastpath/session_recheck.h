/*
 * After a change of the policy, or of the zones interfaces are in: look at every session again, in
 * steps, outside the packet path.
 *
 * Direction 0's tuple and the zones the session has are classified as its first packet would be
 * now.  What is denied is handed to its home worker to remove; what another rule permits gets that
 * rule's id.  A session whose way leads by an interface that is in another zone now is removed as
 * well: all of its packets would be dropped, and would keep a new one from being made.  Sessions
 * made meanwhile were decided by the new policy already.
 */
#pragma once

#include "engine.h"

#include <stdbool.h>
#include <stdint.h>

struct session_recheck {
	uint64_t rezoned; /* bit per interface: it is in another zone than before */
	uint32_t next;	  /* slot */
	uint32_t denied, moved;
};

/* session_recheck: one step of at most `slots` slots, with the engine's snapshot; shorter when the
 * inbox of a worker is full: go on a little later.
 * => M, as a grace-period reader.  false: the end has been reached. */
bool session_recheck(const struct engine *, uint32_t slots, struct session_recheck *);
