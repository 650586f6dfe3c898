/*
 * TCP state and window tracking (RFC 9293 3.10, RFC 5961; van Rooij's window rules), one segment at
 * a time.  Strict: a segment is accepted only when state and window allow it.
 *
 * A session taken over from the peer box learns each direction's window again from its first
 * plausible segments (SESSION_F_LEARN0/1), bounded in number, then is strict again.
 */
#pragma once

#include "clock.h"
#include "drop.h"
#include "session.h"
#include "session_table.h"

#include <stdbool.h>
#include <stdint.h>

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* While SESSION_F_LEARN0/1 is set: segments of that direction accepted outside the window. */
#define SESSION_TCP_LEARN 8

/* The parts of a segment that tracking needs; host byte order. */
struct tcp_segment {
	uint32_t seq, ack;
	uint32_t len;	 /* payload bytes */
	uint16_t window; /* as in the header, unscaled */
	uint8_t flags;	 /* TCP_*; ECN bits cleared */
	uint8_t wscale;	 /* window scale option of a SYN, 0xff = absent */
};

/* session_tcp_flags_valid: false for combinations no stack sends (SYN+FIN, SYN+RST, none, ...). */
bool session_tcp_flags_valid(uint8_t flags);

/* session_tcp_may_open: can a segment with these flags begin a session?  What session_tcp_first()
 * decides, for those who only want to know. */
static inline bool
session_tcp_may_open(uint8_t flags, bool loose)
{
	if (flags & TCP_RST)
		return false;
	if (flags & TCP_SYN)
		return !(flags & TCP_ACK);
	return loose && flags & TCP_ACK;
}

/* session_tcp_first: set up a new session from its first segment (direction 0).
 * => DROP_NONE; or DROP_no_session: no segment that may open a session (TCP-02..04).  `loose`
 *    allows a mid-stream segment with ACK and without RST. */
enum drop_reason session_tcp_first(struct session *, const struct tcp_segment *, bool loose);

/* session_tcp_track: check a segment of direction `dir` and advance state and window.
 * => DROP_NONE, or DROP_tcp_state / DROP_tcp_window / DROP_session_dead (its home worker has begun
 *    to remove it meanwhile) and nothing is changed.  *changed = the state
 *    changed in a way the peer box must hear of.  `self` = the calling worker's shard.
 *    With `strict` false, segments outside the window pass and are learnt from; resets and the
 *    handshake are checked all the same. */
enum drop_reason session_tcp_track(struct session_table *, struct session *, unsigned int dir,
	const struct tcp_segment *, bool strict, uint16_t self, mono_t now, bool *changed);

/* session_tcp_reopen: may this SYN replace the closed session (TIME_WAIT, CLOSED)?  (TCP-10, 13,
 * 17.)  The caller kills the old session and creates anew. */
bool session_tcp_reopen(const struct session *, unsigned int dir, const struct tcp_segment *);

/* session_tcp_quoted: can a segment of direction `dir` with this sequence number be in flight, so
 * that an ICMP error may quote it?  (RFC 5927 4.1) */
bool session_tcp_quoted(const struct session *, unsigned int dir, uint32_t seq);
