/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VGMP state table.
 */
#include "vgmp.h"

#include "check.h"
#include "ha_config.h"

const char *const vgmp_state_names[VGMP_STATES] = {
	[VGMP_INITIALIZE] = "initialize",
	[VGMP_ACTIVE] = "active",
	[VGMP_STANDBY] = "standby",
	[VGMP_ACTIVE_TO_STANDBY] = "active-to-standby",
	[VGMP_STANDBY_TO_ACTIVE] = "standby-to-active",
};

const char *const vgmp_event_names[VGMP_EVENTS] = {
	[VGMP_ENABLE_ACTIVE] = "active group enabled",
	[VGMP_ENABLE_STANDBY] = "standby group enabled",
	[VGMP_DISABLE] = "disabled",
	[VGMP_FENCED] = "fenced",
	[VGMP_MEMBER_FAILED] = "member failed",
	[VGMP_PREEMPT] = "preempt",
	[VGMP_ASKED_STANDBY_HIGHER] = "peer asks to be standby, we are higher",
	[VGMP_ASKED_STANDBY_LOWER] = "peer asks to be standby, we are not higher",
	[VGMP_ASKED_ACTIVE_LOWER] = "peer asks to be active, we are lower",
	[VGMP_ASKED_ACTIVE_HIGHER] = "peer asks to be active, we are not lower",
	[VGMP_ANSWER_SWITCH] = "peer agrees",
	[VGMP_ANSWER_NO] = "peer declines",
	[VGMP_NO_ANSWER] = "no answer",
	[VGMP_PEER_ACTIVE] = "peer is active",
	[VGMP_PEER_IDLE] = "peer is not active",
	[VGMP_PEER_GONE] = "peer silent",
	[VGMP_PEER_WINS] = "both active, peer stays",
};

/* Short names make the table readable. */
#define I_	(1u << VGMP_INITIALIZE)
#define A_	(1u << VGMP_ACTIVE)
#define S_	(1u << VGMP_STANDBY)
#define AS	(1u << VGMP_ACTIVE_TO_STANDBY)
#define SA	(1u << VGMP_STANDBY_TO_ACTIVE)
#define SAME	VGMP_SAME
#define INIT	VGMP_INITIALIZE
#define ACTIVE	VGMP_ACTIVE
#define STANDBY VGMP_STANDBY
#define TO_STBY VGMP_ACTIVE_TO_STANDBY
#define TO_ACT	VGMP_STANDBY_TO_ACTIVE
#define DOWN	VGMP_DO_STEP_DOWN
#define ASK_S	VGMP_DO_ASK_STANDBY
#define ASK_A	VGMP_DO_ASK_ACTIVE
#define SAY_YES VGMP_DO_SAY_SWITCH
#define SAY_NO	VGMP_DO_SAY_NO
#define TAKE	VGMP_DO_TAKE_OVER
#define LISTEN	VGMP_DO_LISTEN

// clang-format off
static const struct vgmp_row rows[] = {
	/* Start and end.  The Active group listens before it becomes Active (T1, T2): a restarted box
	 * must not disturb a peer that has taken over.  The Standby group is Standby at once (T3). */
	{ I_,				VGMP_ENABLE_ACTIVE,		LISTEN,		SAME,	 "T1" },
	{ A_ | S_ | AS | SA,		VGMP_ENABLE_ACTIVE,		0,		SAME,	 "" },
	{ I_,				VGMP_ENABLE_STANDBY,		LISTEN,		STANDBY, "T3" },
	{ A_ | S_ | AS | SA,		VGMP_ENABLE_STANDBY,		0,		SAME,	 "" },
	{ A_ | AS,			VGMP_DISABLE,			DOWN,		INIT,	 "R65" },
	{ S_ | SA,			VGMP_DISABLE,			0,		INIT,	 "R65" },
	{ I_,				VGMP_DISABLE,			0,		SAME,	 "" },

	/* Awake again after silence: start over as after power-on. */
	{ A_ | AS,			VGMP_FENCED,			DOWN | LISTEN,	INIT,	 "fence" },
	{ SA,				VGMP_FENCED,			LISTEN,		STANDBY, "fence" },
	{ I_ | S_,			VGMP_FENCED,			LISTEN,		SAME,	 "fence" },

	/* A fault here: hand over if the peer can (R71).  A Standby only lowers its priority (R80);
	 * on the way to Standby the next retry carries the new priority (R81); on the way to Active
	 * the peer decides by the priority of the next retry. */
	{ A_,				VGMP_MEMBER_FAILED,		ASK_S,		TO_STBY, "T4" },
	{ AS,				VGMP_MEMBER_FAILED,		0,		SAME,	 "R81" },
	{ S_,				VGMP_MEMBER_FAILED,		0,		SAME,	 "R80" },
	{ I_ | SA,			VGMP_MEMBER_FAILED,		0,		SAME,	 "" },
	{ S_,				VGMP_PREEMPT,			ASK_A,		TO_ACT,	 "T8" },
	{ I_ | A_ | AS | SA,		VGMP_PREEMPT,			0,		SAME,	 "" },

	/* The peer asks.  Who is Active already says so again: our answer was lost.  Initialize does
	 * not answer a request to take over; the peer asks again when we know more. */
	{ S_,				VGMP_ASKED_STANDBY_HIGHER,	SAY_YES | TAKE,	ACTIVE,	 "T5" },
	{ SA,				VGMP_ASKED_STANDBY_HIGHER,	SAY_YES | TAKE,	ACTIVE,	 "T5" },
	{ A_,				VGMP_ASKED_STANDBY_HIGHER,	SAY_YES,	SAME,	 "R82" },
	{ AS,				VGMP_ASKED_STANDBY_HIGHER,	SAY_YES,	ACTIVE,	 "T7" },
	{ I_,				VGMP_ASKED_STANDBY_HIGHER,	0,		SAME,	 "" },
	{ S_ | AS | SA,			VGMP_ASKED_STANDBY_LOWER,	SAY_NO,		SAME,	 "R74" },
	{ A_,				VGMP_ASKED_STANDBY_LOWER,	SAY_YES,	SAME,	 "R82" },
	{ I_,				VGMP_ASKED_STANDBY_LOWER,	0,		SAME,	 "" },
	{ A_ | AS,			VGMP_ASKED_ACTIVE_LOWER,	DOWN | SAY_YES,	STANDBY, "T9" },
	{ I_ | SA,			VGMP_ASKED_ACTIVE_LOWER,	SAY_YES,	STANDBY, "T9" },
	{ S_,				VGMP_ASKED_ACTIVE_LOWER,	SAY_YES,	SAME,	 "R82" },
	{ I_ | A_ | S_ | AS | SA,	VGMP_ASKED_ACTIVE_HIGHER,	SAY_NO,		SAME,	 "R78" },

	/* The peer answers, or does not. */
	{ AS,				VGMP_ANSWER_SWITCH,		DOWN,		STANDBY, "T6" },
	{ SA,				VGMP_ANSWER_SWITCH,		TAKE,		ACTIVE,	 "T10" },
	{ I_ | A_ | S_,			VGMP_ANSWER_SWITCH,		0,		SAME,	 "" },
	{ AS,				VGMP_ANSWER_NO,			0,		ACTIVE,	 "T7" },
	{ SA,				VGMP_ANSWER_NO,			0,		STANDBY, "T11" },
	{ I_ | A_ | S_,			VGMP_ANSWER_NO,			0,		SAME,	 "" },
	{ AS,				VGMP_NO_ANSWER,			0,		ACTIVE,	 "T7" },
	{ SA,				VGMP_NO_ANSWER,			0,		STANDBY, "T11" },
	{ I_ | A_ | S_,			VGMP_NO_ANSWER,			0,		SAME,	 "" },

	/* What is known of the peer's group.  Two Actives are resolved by VGMP_PEER_WINS alone, since
	 * only an HRP hello carries the epoch; but a group that asked to be Standby and now hears an
	 * Active peer has its answer (the acknowledgement was lost). */
	{ I_,				VGMP_PEER_ACTIVE,		0,		STANDBY, "T3" },
	{ AS,				VGMP_PEER_ACTIVE,		DOWN,		STANDBY, "T6" },
	{ A_ | S_ | SA,			VGMP_PEER_ACTIVE,		0,		SAME,	 "" },
	{ I_,				VGMP_PEER_IDLE,			TAKE,		ACTIVE,	 "T2" },
	{ A_ | S_ | AS | SA,		VGMP_PEER_IDLE,			0,		SAME,	 "" },
	{ I_,				VGMP_PEER_GONE,			TAKE,		ACTIVE,	 "T2" },
	{ S_ | SA,			VGMP_PEER_GONE,			TAKE,		ACTIVE,	 "T12" },
	{ A_ | AS,			VGMP_PEER_GONE,			0,		SAME,	 "" },
	{ A_ | AS,			VGMP_PEER_WINS,			DOWN,		STANDBY, "R84" },
	{ I_ | S_ | SA,			VGMP_PEER_WINS,			0,		SAME,	 "" },
};
// clang-format on

const struct vgmp_row *
vgmp_rows(unsigned int *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct vgmp_row *
vgmp_step(enum vgmp_state state, enum vgmp_event event, enum vgmp_state *next)
{
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vgmp_row *r = &rows[i];

		if (r->event != event || (r->states & (1u << state)) == 0)
			continue;
		*next = r->next == VGMP_SAME ? state : (enum vgmp_state)r->next;
		return r;
	}
	/* The table is total: vgmp_test counts a row for every pair. */
	static const struct vgmp_row nothing = { 0, 0, 0, VGMP_SAME, "" };
	FW_ASSERT(false);
	*next = state;
	return &nothing;
}

enum vgmp_state
vgmp_shown(enum vgmp_state s)
{
	switch (s) {
	case VGMP_ACTIVE_TO_STANDBY:
		return VGMP_ACTIVE;
	case VGMP_STANDBY_TO_ACTIVE:
		return VGMP_STANDBY;
	default:
		return s;
	}
}

bool
vgmp_owns(enum vgmp_state s)
{
	return vgmp_shown(s) == VGMP_ACTIVE;
}

/* Serial numbers; two that are half the circle apart still have one order. */
static bool
newer(uint32_t a, uint32_t b)
{
	const uint32_t ahead = a - b;

	return ahead == UINT32_C(1) << 31 ? a > b : (int32_t)ahead > 0;
}

bool
vgmp_peer_wins(
	bool second, uint32_t epoch, uint32_t priority, uint32_t peer_epoch, uint32_t peer_priority)
{
	if (epoch != peer_epoch)
		return newer(peer_epoch, epoch);
	if (priority != peer_priority)
		return peer_priority > priority;
	return second;
}

uint32_t
vgmp_newest_epoch(uint32_t epoch, uint32_t other)
{
	return newer(other, epoch) ? other : epoch;
}
