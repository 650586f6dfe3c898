/*
 * Load sharing with ways that differ: packets of one connection pass both boxes, each sees a part,
 * and both own the session (SESSION_F_SHARED).  What one has seen moves the session on both.  HRP
 * core only; pure but for the session.
 *
 * A session is shared from when a packet meets a copy on a box whose peer is active too (worker.c),
 * or such a peer's record meets a session of ours, until the peer removes its own or is not active
 * any more.
 */
#pragma once

#include "session_record.h"

#include <stdbool.h>

/* session_share_merge: what the record says the peer has seen of our session, which has its key.
 * States only go forward, windows only grow; a connection that has ended on one side and begun
 * again on the other is the new one.  => false: the session is leaving, or changes too fast: try
 * again */
bool session_share_merge(
	struct session_table *, struct session *, const union hrp_record_session *, mono_t now);

/* session_share_turned: our session was opened from the other side than the peer's with the same
 * key.  Is it the same flow all the same?  Of a protocol without a handshake, to which both ends
 * may begin to send at once.  `translated`: the peer's is. */
bool session_share_turned(const struct session *, bool translated);

/* session_share_closes: does the peer, whose record has just been merged, know less of the end of
 * the connection than we? */
bool session_share_closes(const struct session *, const struct hrp_session_what *);

/* session_share_knows: has our session got as far as that says?  Merging it would change neither
 * state nor FINs. */
bool session_share_knows(uint32_t ctl, const struct hrp_session_what *);

/* session_share_end: it is ours alone from now on, and strict again as soon as its windows are
 * learnt.  => false: it was not shared */
bool session_share_end(struct session *);
