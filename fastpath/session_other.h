/*
 * States of every protocol but TCP: FIRST until the responder's first packet, then REPLIED.  UDP to
 * port 53 has states of its own, since its questions are many and short.  SCTP looks at the first
 * chunk of a packet as well: an association begins with INIT, or with HEARTBEAT on a second path
 * (RFC 9260 8.3), and ends with ABORT or SHUTDOWN COMPLETE.  The verification tag is not checked;
 * a forged end only shortens the idle time, since packets that follow pass all the same.
 */
#pragma once

#include "session.h"

#include <rte_byteorder.h>

#include <netinet/in.h>

#define SCTP_INIT	       1
#define SCTP_HEARTBEAT	       4
#define SCTP_ABORT	       6
#define SCTP_SHUTDOWN_COMPLETE 14
#define SCTP_NO_CHUNK	       0xff

/* session_other_first: state of a new session; dport in network byte order. */
static inline enum session_state
session_other_first(uint8_t proto, rte_be16_t dport)
{
	switch (proto) {
	case IPPROTO_UDP:
		return dport == RTE_BE16(53) ? SESSION_DNS_FIRST : SESSION_UDP_FIRST;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return SESSION_ICMP_FIRST;
	case IPPROTO_GRE:
		return SESSION_GRE_FIRST;
	case IPPROTO_ESP:
		return SESSION_ESP_FIRST;
	case IPPROTO_AH:
		return SESSION_AH_FIRST;
	case IPPROTO_SCTP:
		return SESSION_SCTP_FIRST;
	default:
		return SESSION_OTHER_FIRST;
	}
}

/* session_other_unanswered: a FIRST; the state behind it is its REPLIED. */
static inline bool
session_other_unanswered(enum session_state state)
{
	const uint32_t first =
		UINT32_C(1) << SESSION_UDP_FIRST | UINT32_C(1) << SESSION_ICMP_FIRST |
		UINT32_C(1) << SESSION_OTHER_FIRST | UINT32_C(1) << SESSION_DNS_FIRST |
		UINT32_C(1) << SESSION_GRE_FIRST | UINT32_C(1) << SESSION_ESP_FIRST |
		UINT32_C(1) << SESSION_AH_FIRST | UINT32_C(1) << SESSION_SCTP_FIRST;

	static_assert(SESSION_STATES <= 32, "a bit for each state");
	static_assert(SESSION_UDP_REPLIED == SESSION_UDP_FIRST + 1, "");
	static_assert(SESSION_ICMP_REPLIED == SESSION_ICMP_FIRST + 1, "");
	static_assert(SESSION_OTHER_REPLIED == SESSION_OTHER_FIRST + 1, "");
	static_assert(SESSION_DNS_REPLIED == SESSION_DNS_FIRST + 1, "");
	static_assert(SESSION_GRE_REPLIED == SESSION_GRE_FIRST + 1, "");
	static_assert(SESSION_ESP_REPLIED == SESSION_ESP_FIRST + 1, "");
	static_assert(SESSION_AH_REPLIED == SESSION_AH_FIRST + 1, "");
	static_assert(SESSION_SCTP_REPLIED == SESSION_SCTP_FIRST + 1, "");
	return first >> state & 1;
}

/* session_half_open: of any protocol: begun, and not answered or not agreed on yet. */
static inline bool
session_half_open(enum session_state state)
{
	return state == SESSION_TCP_SYN_SENT || state == SESSION_TCP_SYN_RECEIVED ||
	       session_other_unanswered(state);
}

/* session_other_next: state after a packet of direction `dir`; `chunk` = SCTP's first one. */
static inline enum session_state
session_other_next(enum session_state state, unsigned int dir, uint8_t chunk)
{
	if (chunk == SCTP_ABORT || chunk == SCTP_SHUTDOWN_COMPLETE)
		return SESSION_SCTP_CLOSED;
	if (state == SESSION_SCTP_CLOSED)
		return chunk == SCTP_INIT && dir == 0 ? SESSION_SCTP_FIRST : state;
	return dir == 1 && session_other_unanswered(state) ? state + 1 : state;
}

/* session_other_opens: may this chunk open an SCTP session? */
static inline bool
session_other_opens(uint8_t chunk)
{
	return chunk == SCTP_INIT || chunk == SCTP_HEARTBEAT;
}
