/*
 * Load sharing with ways that differ: the first packet of a session waits until the peer has
 * acknowledged its copy of the session, so that the answer, which passes the peer, finds it.
 * Between zones that are named in the configuration (hrp.defer), and only while both boxes are
 * active.
 *
 * One queue for each worker, in the order of arrival, of DEFER_MAX at most.  The HRP core says how
 * far the peer has acknowledged (engine_set_mirrored()); a packet that has waited for the time of
 * the configuration goes without.  What leaves the queue goes through its session as any other
 * packet.
 */
#pragma once

#include "engine.h"
#include "pkt.h"

#define DEFER_MAX 128

struct worker;

struct defer_held {
	struct pkt p;
	mono_t due;
};

struct defer {
	uint16_t first, count;
	uint32_t ticket; /* of the last that was taken */
	struct defer_held held[DEFER_MAX];
};

/* defer_first: the first packet of a session that can be found already.
 * => true: it waits, and the mirror has been told of the session.  false: it is to go now. */
bool defer_first(struct worker *, struct pkt *, struct session *, uint32_t index);
/* defer_poll: let go what need not wait any more.  => within worker_poll(), with some waiting */
void defer_poll(struct worker *);
/* defer_drain: free what waits; nothing is sent any more. */
void defer_drain(struct worker *);
