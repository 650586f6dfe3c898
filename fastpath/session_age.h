/*
 * Private to session_table.c: the timing wheel of one shard.
 *
 * 4096 slots of one second, linked by the numbers of sessions.  Lazy: packets only write last_seen,
 * so a slot that fires may find its session alive; the caller then arms it again.
 * Home worker only, all of it.
 */
#pragma once

#include "session.h"

#define SESSION_AGE_SLOTS 4096

/* A session's place in the wheel, one for each in the table. */
struct session_timer {
	uint32_t next, prev;
	uint32_t due; /* second its slot fires; 0: not linked */
};

struct session_wheel {
	uint32_t cursor;  /* last second whose slot has been taken */
	uint32_t pending; /* first of the fired entries not yet handed out */
	bool running;	  /* cursor is valid */
	uint32_t slot[SESSION_AGE_SLOTS];
};

void session_age_init(struct session_wheel *);

/* session_age_arm: link a session that is not armed, to fire at second `due`, or at the next second
 * when that is past.  More than a lap ahead works too. */
void session_age_arm(struct session_wheel *, struct session_timer *timers, uint32_t index,
	uint32_t due, uint32_t now);
void session_age_cancel(struct session_wheel *, struct session_timer *timers, uint32_t index);

/* session_age_next: unlink and hand out a session whose slot has fired.
 * => SESSION_NONE when none has, or when *steps (entries looked at) is used up. */
uint32_t session_age_next(
	struct session_wheel *, struct session_timer *timers, uint32_t now, uint32_t *steps);
