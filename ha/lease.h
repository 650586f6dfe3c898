/*
 * The role lease: until when this box may forward transit traffic and own virtual addresses.
 * Pure; the clock is an argument.  Control core only.
 *
 * The inequality.  H = hello interval, N = misses, M = H / 4.
 *   A Standby takes over when it has heard no hello of the Active for more than N x H.  A hello
 *that left this box at or after time c is heard at or after c, so the peer takes over no earlier
 *than c + N x H.  The lease is therefore never longer than
 *
 *	until = c + N x H - M
 *
 *   where c is the time a hello was handed to the HRP core that is KNOWN to have left: the HRP core
 *   was seen to make two more turns within H / 2 (it drops hellos older than H).  The lease ends at
 *   least M before the peer's earliest takeover, whatever stops and whenever: the control core or
 *   the HRP core (no newer c), or the whole process (the workers compare `until` with the clock).
 *   M covers clock rates and the burst already past the check.
 *   While all is well c is at most H + one turn old, so the control core or the HRP core may pause
 *   for (N - 1) x H - M without any effect: 0.75 H for N = 2, 1.75 H for N = 3.
 *
 * The first lease of a takeover has no hello yet: lease_begin() gets the earliest time at which the
 * peer can have started its silence timer.
 */
#pragma once

#include "clock.h"

#include <stdbool.h>
#include <stdint.h>

struct lease {
	uint64_t hello_ns;
	uint64_t reach_ns; /* N x H - M */
	mono_t until;	   /* 0 = none */
	bool pending;	   /* a hello is on its way to the HRP core */
	mono_t given;	   /* when it was handed over */
	uint64_t turns;	   /* turns of the HRP core at that moment */
};

void lease_init(struct lease *, uint32_t hello_ms, uint32_t misses);

/* lease_begin: this box takes over; the peer's silence timer started no earlier than `base`. */
void lease_begin(struct lease *, mono_t base);
/* lease_end: step-down or fence. */
void lease_end(struct lease *);

/* lease_hello: a hello of an Active group went into the ring to the HRP core, which had made
 * `turns` turns (read after the ring was written). */
void lease_hello(struct lease *, mono_t now, uint64_t turns);
/* lease_turns: the HRP core has now made `turns` turns. */
void lease_turns(struct lease *, mono_t now, uint64_t turns);

/* lease_shorten: it ends at `until` at the latest, and no hello that is on its way makes it longer
 * again. */
void lease_shorten(struct lease *, mono_t until);

/* lease_lapsed: it was granted and is over: the box has been silent, or must be. */
bool lease_lapsed(const struct lease *, mono_t now);
