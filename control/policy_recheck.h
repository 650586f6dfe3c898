/*
 * Living sessions and a changed policy: with on_change = "re-evaluate" the management thread walks
 * over them in steps between its other work.  Management thread only.
 */
#pragma once

#include "session_recheck.h"

#include <stdbool.h>

struct management;

struct policy_recheck {
	bool running;
	struct session_recheck walk;
};

/* policy_recheck_begin: the policy has changed, or interfaces are in another zone (a bit each); a
 * walk under way begins anew. */
void policy_recheck_begin(struct management *, struct policy_recheck *, uint64_t rezoned);
/* policy_recheck_step: => ms to the next step, -1: none is needed. */
int policy_recheck_step(struct management *, struct policy_recheck *);
