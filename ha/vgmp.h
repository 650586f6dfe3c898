/*
 * VGMP: the state machine of one group, as a pure table {states, event, action, next}
 * (requirements.md 1.6: T1..T12).  No clock, no packets: the caller (role.c) turns time and
 * messages into events and carries out the actions.  The same code is driven by unit rows, by the
 * pair simulator and by the daemon.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Values are on the wire (struct ha_vgmp.state). */
enum vgmp_state {
	VGMP_INITIALIZE = 0,
	VGMP_ACTIVE = 1,
	VGMP_STANDBY = 2,
	VGMP_ACTIVE_TO_STANDBY = 3,
	VGMP_STANDBY_TO_ACTIVE = 4,
	VGMP_STATES
};
extern const char *const vgmp_state_names[VGMP_STATES]; /* users see only the first three (R67) */

/* "Higher" and "lower" compare our group's priority with the one in the peer's message. */
enum vgmp_event {
	VGMP_ENABLE_ACTIVE,	   /* the Active group gets members: it listens first */
	VGMP_ENABLE_STANDBY,	   /* the Standby group gets members */
	VGMP_DISABLE,		   /* no members, or the box is leaving */
	VGMP_FENCED,		   /* the box has been silent: what it knew of the peer is void */
	VGMP_MEMBER_FAILED,	   /* we should no longer be Active if the peer can be */
	VGMP_PREEMPT,		   /* recovered, higher, synchronised, delay over */
	VGMP_ASKED_STANDBY_HIGHER, /* peer asks "let me be Standby", we are higher */
	VGMP_ASKED_STANDBY_LOWER,  /* the same, we are not higher */
	VGMP_ASKED_ACTIVE_LOWER,   /* peer asks "let me be Active", we are lower */
	VGMP_ASKED_ACTIVE_HIGHER,  /* the same, we are not lower */
	VGMP_ANSWER_SWITCH,	   /* acknowledgement of our request: switch */
	VGMP_ANSWER_NO,		   /* acknowledgement of our request: do not switch */
	VGMP_NO_ANSWER,		   /* three requests unanswered */
	VGMP_PEER_ACTIVE,	   /* the paired group says it is Active */
	VGMP_PEER_IDLE,		   /* it proved, after we asked, that it is not Active */
	VGMP_PEER_GONE, /* `misses` hellos missed, or the peer came back without a past */
	VGMP_PEER_WINS, /* both Active, the peer stays: vgmp_peer_wins() */
	VGMP_EVENTS
};
extern const char *const vgmp_event_names[VGMP_EVENTS];

/* What the caller does, in this order. */
#define VGMP_DO_STEP_DOWN   0x01 /* give up addresses and lease, before anything is sent */
#define VGMP_DO_ASK_STANDBY 0x02 /* send "let me be Standby", retry until answered */
#define VGMP_DO_ASK_ACTIVE  0x04 /* send "let me be Active", retry until answered */
#define VGMP_DO_SAY_SWITCH  0x08 /* acknowledge: switch */
#define VGMP_DO_SAY_NO	    0x10 /* acknowledge: do not switch */
#define VGMP_DO_TAKE_OVER   0x20 /* lease, addresses, adverts */
#define VGMP_DO_LISTEN	    0x40 /* find out what the peer is before acting */

struct vgmp_row {
	uint8_t states;	  /* bit per enum vgmp_state */
	uint8_t event;	  /* enum vgmp_event */
	uint8_t action;	  /* VGMP_DO_* */
	uint8_t next;	  /* enum vgmp_state; VGMP_SAME = stay */
	const char *rule; /* T1..T12, R..; "" = nothing to do */
};
#define VGMP_SAME VGMP_STATES

/* vgmp_step: what a group in `state` does on `event`.
 * => A row for every pair (R83).  *next = the state afterwards. */
const struct vgmp_row *vgmp_step(
	enum vgmp_state state, enum vgmp_event event, enum vgmp_state *next);

/* vgmp_rows: the whole table, for tests and documentation. */
const struct vgmp_row *vgmp_rows(unsigned int *count);

/* What users are shown: a state that is on its way looks like the one it comes from. */
enum vgmp_state vgmp_shown(enum vgmp_state);
/* Does a group in this state own addresses and forward? */
bool vgmp_owns(enum vgmp_state);

/*
 * Two paired groups both Active (R84): the greater of (role epoch, priority, place) stays, where
 * epochs compare as serial numbers and the Standby group is the second, or (both boxes use the same
 * group) the box that role_receive.c calls so.  Both boxes compare the same values and the last
 * part always differs, so exactly one yields.
 *
 * The epoch comes first because it says who took over later: a box that was suspended without
 * noticing is the older one and yields whatever its priority.  In a true split brain both raise
 * their epoch (one takes over, the other notices that it is alone), so priority decides.
 */
bool vgmp_peer_wins(bool second, uint32_t epoch, uint32_t priority, uint32_t peer_epoch,
	uint32_t peer_priority);
/* A group that becomes Active, or stays so alone, takes the one behind the newest. */
uint32_t vgmp_newest_epoch(uint32_t epoch, uint32_t other);
