/*
 * The session: one tracked connection in exactly two cache lines.
 *
 * Line 0 is what a lookup reads, the key among it, plus the initiator's direction; line 1 is the
 * responder's direction, the outside key of a translated session, by which the responder's packets
 * find it, and a little that only slow work needs.  IPv6 addresses do not fit: they lie in a side
 * array of the table (session_table_key6()), and so do the links of the timer wheel.
 *
 * Life-cycle: allocated from the slab -> filled -> entered in the index (visible) -> armed on its
 * home worker's wheel -> ... -> SESSION_F_DEAD -> out of the index, unlinked -> grace period ->
 * slab, with its generation raised.  {index, generation} names a session for ever.
 *
 * Direction 0 is the initiator's (client to server), direction 1 the responder's.
 */
#pragma once

#include <rte_byteorder.h>

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_NONE	UINT32_MAX
#define SESSION_NO_HOME UINT8_MAX /* not visible */
#define NEIGH_NONE	UINT32_MAX

/*
 * Every state of every protocol, in one list, because the idle time is looked up by state alone.
 * The numbers are part of the session record on the wire (ha/hrp_wire.h): append only.
 */
enum session_state {
	SESSION_FREE = 0,
	SESSION_TCP_SYN_SENT = 1, /* SYN seen */
	SESSION_TCP_SYN_RECEIVED, /* SYN and SYN-ACK seen */
	SESSION_TCP_ESTABLISHED,  /* handshake complete */
	SESSION_TCP_FIN_WAIT,	  /* one side has sent FIN */
	SESSION_TCP_CLOSE_WAIT,	  /* ... and it has been acknowledged */
	SESSION_TCP_CLOSING,	  /* both have sent FIN, not both acknowledged */
	SESSION_TCP_TIME_WAIT,	  /* both FINs acknowledged */
	SESSION_TCP_CLOSED,	  /* valid RST seen */
	SESSION_UDP_FIRST,	  /* packets of the initiator only */
	SESSION_UDP_REPLIED,
	SESSION_ICMP_FIRST,
	SESSION_ICMP_REPLIED,
	SESSION_OTHER_FIRST,
	SESSION_OTHER_REPLIED,
	SESSION_DNS_FIRST, /* UDP to port 53 */
	SESSION_DNS_REPLIED,
	SESSION_GRE_FIRST,
	SESSION_GRE_REPLIED,
	SESSION_ESP_FIRST,
	SESSION_ESP_REPLIED,
	SESSION_AH_FIRST,
	SESSION_AH_REPLIED,
	SESSION_SCTP_FIRST, /* until the responder's first packet */
	SESSION_SCTP_REPLIED,
	SESSION_SCTP_CLOSED, /* ABORT or SHUTDOWN COMPLETE seen */
	SESSION_STATES
};

/*
 * struct session.ctl: bits 0-7 the state, bits 8-20 flags, bits 21-31 what the session is, set
 * before it is visible and never changed.  Changed by compare-and-swap only.
 */
#define SESSION_STATE_MASK UINT32_C(0x000000ff)
#define SESSION_F_LOCAL	   UINT32_C(0x00000100) /* to or from the firewall itself (R21) */
#define SESSION_F_REMOTE   UINT32_C(0x00000200) /* copy of a session the peer owns */
#define SESSION_F_DEAD	   UINT32_C(0x00000400) /* being removed; packets no longer match it */
#define SESSION_F_LEARN0                                                                           \
	UINT32_C(0x00000800) /* direction 0: window to be learnt again (takeover) */
#define SESSION_F_LEARN1  UINT32_C(0x00001000) /* direction 1: likewise */
#define SESSION_F_FIN0	  UINT32_C(0x00002000) /* direction 0 has sent FIN */
#define SESSION_F_FIN1	  UINT32_C(0x00004000)
#define SESSION_F_FINACK0 UINT32_C(0x00008000) /* the FIN of direction 0 has been acknowledged */
#define SESSION_F_FINACK1 UINT32_C(0x00010000)
/* The initiator has sent a SYN that the session lets pass but does not follow; see session_tcp.c */
#define SESSION_F_RESYN	   UINT32_C(0x00020000)
#define SESSION_F_EXPECTED UINT32_C(0x00040000) /* by the server-map: no rule permits it itself */
#define SESSION_F_ALG	   UINT32_C(0x00080000) /* an ALG follows what its packets say */
/* Load sharing: packets of it pass the peer as well, and both boxes own it.  What a box has not
 * seen of the connection it hears late, so a segment outside the window is no reason to drop it. */
#define SESSION_F_SHARED UINT32_C(0x00100000)

#define SESSION_KIND_NAT    UINT32_C(0x00200000) /* translated: has an outside key as well */
#define SESSION_KIND_IPV6   UINT32_C(0x00400000)
#define SESSION_KIND_SWAP   UINT32_C(0x00800000) /* the initiator is endpoint 1 of the key */
#define SESSION_PROTO_SHIFT 24
#define SESSION_KIND_MASK   UINT32_C(0xffe00000)

/* One direction's counters, cached way out and TCP window (all sequence numbers in host order). */
struct session_dir {
	uint64_t packets;     /* W: the worker that receives this direction */
	uint64_t bytes;	      /* W: IP bytes */
	uint32_t neigh;	      /* W: neighbour (fastpath/neigh.h) packets of this direction go to */
	uint32_t route_gen;   /* W: engine route generation `neigh` was resolved in; 0 = never */
	uint32_t tcp_end;     /* W: highest sequence + length this side has sent */
	uint32_t tcp_max_end; /* W of the other direction: highest sequence it may send */
	uint32_t tcp_max_win; /* W: largest window this side has offered, scaled */
	uint8_t tcp_wscale;   /* W: its window scale, 0-14; 0xff = option not seen */
	uint8_t learn;	      /* W: packets still accepted while SESSION_F_LEARNx is set */
	uint16_t tcp_acked;   /* W: low half of the last acknowledgement this side has sent; with
			       * SESSION_F_RESYN, dir 0: of the end of its SYN */
};

struct session {
	/* Line 0 */
	alignas(64) _Atomic(uint32_t) ctl; /* any lcore, by CAS; see SESSION_* above */
	_Atomic(uint32_t) last_seen;	   /* W, H: second of the last packet; written on change */
	rte_be32_t addr[2];		   /* of the key, IPv4; set before visible, as port */
	rte_be16_t port[2];		   /* of the key */
	_Atomic(uint16_t) generation;	   /* raised when freed */
	uint8_t zone[2];		   /* zone of initiator, of responder */
	struct session_dir dir[2];	   /* dir[1] begins line 1 */
	/* rest of line 1 */
	rte_be32_t outside_addr[2]; /* with SESSION_KIND_NAT: the outside key, always IPv4 */
	rte_be16_t outside_port[2];
	_Atomic(uint32_t) policy; /* id of the rule that permits it (policy_rule_id()), 0 = the
				   * default or built in; M: another one, when the policy changes */
	uint32_t created;	  /* second */
	_Atomic(uint16_t) sync;	  /* H: bulk round in which the peer last confirmed it */
	uint8_t outside_swap;	  /* the initiator is this endpoint of the outside key */
	_Atomic(uint8_t) home;	  /* worker that has its timer; SESSION_NO_HOME until visible */
};

static_assert(sizeof(struct session_dir) == 40, "a direction is 40 bytes");
static_assert(offsetof(struct session, addr) % 8 == 0, "both addresses compare as one word");
static_assert(offsetof(struct session, dir) == 24, "header of line 0");
static_assert(offsetof(struct session, dir[1]) == 64, "responder's direction begins line 1");
static_assert(
	offsetof(struct session, port) - offsetof(struct session, addr) ==
		offsetof(struct session, outside_port) - offsetof(struct session, outside_addr),
	"both keys compare alike");
static_assert(sizeof(struct session) == 128, "a session is two cache lines");

/* What shows and logs print; index is enum session_state. */
extern const char *const session_state_names[SESSION_STATES];

/* Idle seconds per state; defaults of requirements.md P43. */
extern const uint32_t session_default_timeouts[SESSION_STATES];

static inline enum session_state
session_state_of(uint32_t ctl)
{
	return (enum session_state)(ctl & SESSION_STATE_MASK);
}

/* session_kind: the constant bits of ctl.  swap = 1: the initiator is endpoint 1 of the key. */
static inline uint32_t
session_kind(uint8_t family, uint8_t proto, uint8_t swap)
{
	return (uint32_t)proto << SESSION_PROTO_SHIFT | (swap != 0 ? SESSION_KIND_SWAP : 0) |
	       (family == 6 ? SESSION_KIND_IPV6 : 0);
}

static inline uint8_t
session_ctl_swap(uint32_t ctl)
{
	return (ctl & SESSION_KIND_SWAP) != 0;
}

static inline uint8_t
session_swap(const struct session *s)
{
	return session_ctl_swap(atomic_load_explicit(&s->ctl, memory_order_relaxed));
}

static inline uint8_t
session_proto(const struct session *s)
{
	return (uint8_t)(atomic_load_explicit(&s->ctl, memory_order_relaxed) >>
			 SESSION_PROTO_SHIFT);
}

/* session_counts: does the policy count it?  Echo requests that are answered without a rule have
 * nobody to count them. */
static inline bool
session_counts(const struct session *s)
{
	return atomic_load_explicit(&s->policy, memory_order_relaxed) != 0 ||
	       (atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_LOCAL) == 0;
}

/* session_translated: has it an outside key? */
static inline bool
session_translated(const struct session *s)
{
	return (atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_KIND_NAT) != 0;
}

/* session_family: => 4 or 6. */
static inline uint8_t
session_family(const struct session *s)
{
	return atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_KIND_IPV6 ? 6 : 4;
}
