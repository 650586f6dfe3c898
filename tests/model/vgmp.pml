/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two boxes, a heartbeat and faults, for spin: the roles of docs/ha.md.  The table is the real one
 * (vgmp_table.h is written from ha/vgmp.c); the rest of ha/role*.c is told again here, small enough
 * that every order of so many faults can be looked at.  scripts/model runs it.
 *
 *	box 0	Active group, priority 3; box 1 Standby group, priority 2; 2 less with a failed member
 *	time	ticks of H / 2, N = 2.  In each tick a box that runs has one turn, in any order; what
 *		one says another hears in this tick or the next
 *	faults	kill, hang, leave, failed member, cut (each direction), and of messages: lost, late, twice;
 *		each may be repaired at any time, or never
 *	calm	no more faults, and after QUIET ticks the pair must be at rest
 *
 * Claims (tests/model/vgmp.pml is searched for a state that breaks one):
 *	OWNERS	never two owners while a path is left
 *	REST	at rest exactly one is active, and it owns the addresses; alone: that one; the better
 *		one, and of the newer epoch
 *	BURST	a box that hung and goes on sends one burst at most before it looks at its lease
 *	CHANGES	so many changes of role for one event outside, at most
 *	SYNC	nobody takes the role of a whole box that it knows to be active without its sessions
 */
#define TICKS_H	  2
#define SILENCE	  4	/* N x H: the peer is dead after more */
#define REACH	  3	/* N x H - H/4 in whole ticks: so old may the last hello be that the lease counts from */
#define TRIES	  3
#define LEAVE_MAX 10
#define NONE	  15	/* no lease */
#define QUIET	  26
#define CHANGES	  6
#define QUEUE	  4
#define SYNCED	  3
#define NO_EVENT  255

#define ROW(s, e, n, a) vgmp_next[(e) * STATES + (s)] = n; vgmp_action[(e) * STATES + (s)] = a;
#include "vgmp_table.h"

hidden byte vgmp_next[STATES * EVENTS], vgmp_action[STATES * EVENTS];
hidden byte mutant, preempt;

/* What a message says: mode, op and result. */
#define SILENT	    0
#define ANNOUNCE    1
#define ASK_HELLO   2
#define ASK_STANDBY 3
#define ASK_ACTIVE  4
#define TELL_HELLO  5
#define STANDBY_YES 6
#define STANDBY_NO  7
#define ACTIVE_YES  8
#define ACTIVE_NO   9
#define HELD	    16	/* it was held back */

#define DELAY_FIRST  1
#define DELAY_SECOND 2
#define DOUBLE_FIRST 3

typedef Box {
	bit alive, frozen, fresh, go, leaving, down, failed;
	byte st, epoch;
	byte gap, lease;
	bit hello_now, phase;
	bit listening;
	byte listen_id, listen_since, listen_asked;
	byte asking;	/* ASK_STANDBY, ASK_ACTIVE or 0 */
	byte tries, ask_id, ask_prio, ask_first, ask_last;
	byte next_id, declined;
	bit yielded, fair;
	bit known, was_active, copy, alone;
	byte peer, peer_prio, peer_epoch, heard;
	byte seen;	/* newest epoch that the peer has shown to know */
	byte silent, asked_away, leave_for;
	byte stale
}
Box b[2];

typedef Path {
	bit cut;
	bit lose;
	byte delay;		/* in the next turn of its sender */
	byte put;		/* ticks since a message went through */
	bit lossy;		/* and one was lost since */
	bit held, newer;	/* one is held back; another, sent later, has been heard */
	byte held_for, older;
	byte what, st, prio, epoch, id
}
Path p[2];
chan q[2] = [QUEUE] of { byte, byte, byte, byte, byte };	/* from box 0, from box 1 */

byte faults, calm, synced, changes, whole;
bit excused, all;
bit before[2];
byte i, first;

/* Of one d_step, worth nothing behind it: no part of a state, so not put back either. */
hidden byte ph, event, base, say, say_id, old, next, act, was, k;
hidden byte m_what, m_st, m_prio, m_epoch, m_id;
hidden byte wins, fenced, gone;

#define OWNS(s)		((s) == ACTIVE || (s) == ACTIVE_TO_STANDBY)
#define SHOWN_STANDBY(s)	((s) == STANDBY || (s) == STANDBY_TO_ACTIVE)
#define PRIO(i)		(b[i].leaving -> 0 : 3 - (i) - 2 * b[i].failed + 1)
#define BASE_PRIO(i)	(3 - (i) + 1)
#define PEER_ALIVE(i)	(b[i].known && b[i].heard <= SILENCE)
#define USES(i)		(OWNS(b[i].st) && !b[i].yielded)
#define LEASED(i)	(b[i].lease <= REACH + (mutant == M_LONG_LEASE -> TICKS_H : 0))
#define OWNER(i)	(b[i].alive && USES(i) && LEASED(i))
/* What it has given up the peer may have taken: then only an answer, or its silence, ends the asking. */
#define GIVEN(i)	(b[i].yielded && PEER_ALIVE(i))
#define NEXT_ID(i)	b[i].next_id = b[i].next_id % 7 + 1
#define HIGHER(a, c)	((a) > (c) || mutant == M_NO_PRIORITY)
#define NEWEST(i)	(b[i].seen > b[i].epoch -> b[i].seen : b[i].epoch)
/* Who owns announces with its own epoch; everything else tells the newest that its sender knows. */
#define SAID_EPOCH(i)	(say == ANNOUNCE && OWNS(b[i].st) -> b[i].epoch : NEWEST(i))
/* It has listened long enough, an Active group twice as long where it hears the peer but no answer; a peer
 * that was told "not Active" has that long to begin. */
#define LISTENS(i)	(b[i].st == INITIALIZE && PEER_ALIVE(i) -> 2 * SILENCE : SILENCE)
#define HEARD_OUT(i)	(b[i].listening && b[i].listen_since > LISTENS(i) && \
			 (b[i].st != INITIALIZE || b[i].silent > SILENCE || mutant == M_NO_PROMISE))
#define UP(v, max)	if :: v < (max) -> v++ :: else fi

/* Wrong rules: spin must find each.  The first ones are rows of the table. */
#define M_NO_LISTENING	 1
#define M_DEAF		 2
#define M_NONE_YIELDS	 3
#define M_AGREES_STAYS	 4
#define M_NEVER_ENDS	 5
#define M_NO_FENCE	 6
#define M_LONG_LEASE	 7
#define M_WRONG_WINS	 8
#define M_LATE_TAKEN	 9
#define M_NO_SYNC	 10
#define M_NO_PRIORITY	 11
#define M_NO_LOOK	 12
#define M_NO_PROMISE	 13
#define M_ASKS_DEAD	 14

/* ---- messages ---- */

inline hold_back()
{
	p[i].held = 1; p[i].newer = 0; p[i].held_for = 0; p[i].older = len(q[i]); p[i].delay = 0;
	p[i].what = say; p[i].st = b[i].st; p[i].prio = PRIO(i); p[i].epoch = SAID_EPOCH(i); p[i].id = say_id
}

inline send()
{
	printf("    box %d says %d in state %d\n", i, say, b[i].st);
	if
	:: p[i].cut || p[i].lose -> p[i].lossy = 1
	:: !p[i].cut && !p[i].lose && p[i].delay == DELAY_FIRST -> hold_back(); p[i].lossy = 1
	:: else ->
		if
		:: p[i].delay == DOUBLE_FIRST -> hold_back()
		:: p[i].delay == DELAY_SECOND -> p[i].delay = DELAY_FIRST
		:: else
		fi;
		if
		:: b[1 - i].alive && len(q[i]) < QUEUE -> q[i]!say, b[i].st, PRIO(i), SAID_EPOCH(i), say_id
		:: else
		fi;
		p[i].put = 0; p[i].lossy = 0
	fi
}

/* What was held back by `k` comes now, behind what is in the queue; the receiver sees by its number
 * whether any of that, or of what it has heard, is newer. */
inline release()
{
	if
	:: b[1 - k].alive && len(q[k]) < QUEUE && ((!p[k].newer && len(q[k]) <= p[k].older) || mutant == M_LATE_TAKEN) ->
		q[k]!p[k].what + HELD, p[k].st, p[k].prio, p[k].epoch, p[k].id
	:: else
	fi;
	p[k].held = 0; p[k].newer = 0; p[k].held_for = 0; p[k].older = 0;
	p[k].what = 0; p[k].st = 0; p[k].prio = 0; p[k].epoch = 0; p[k].id = 0
}

/* ---- actions ---- */

inline give_up()
{
	if
	:: !USES(i) -> b[i].lease = NONE
	:: else
	fi
}

/* A takeover's lease counts from the earliest moment at which the peer can have begun to wait. */
inline lease_take(from)
{
	if
	:: b[i].lease == NONE || from > b[i].lease -> b[i].lease = from
	:: else
	fi
}

inline yield()
{
	if
	:: PEER_ALIVE(i) -> b[i].yielded = 1; give_up()
	:: else
	fi
}

/* With another priority it is another request.  Who has not yielded has nobody to ask: a peer held for
 * dead may wake now, and agree. */
inline ask_again()
{
	b[i].ask_last = 0;
	UP(b[i].tries, TRIES);
	if
	:: b[i].asking == ASK_STANDBY && !b[i].yielded && mutant != M_ASKS_DEAD
	:: else ->
		if
		:: b[i].ask_prio != PRIO(i) + 1 -> NEXT_ID(i); b[i].ask_id = b[i].next_id
		:: else
		fi;
		b[i].ask_prio = PRIO(i) + 1;
		say = b[i].asking;
		say_id = b[i].ask_id
	fi
}

inline ask(op)
{
	b[i].asking = op;
	b[i].ask_prio = 0;
	b[i].tries = 0;
	b[i].ask_first = 0;
	ask_again()
}

/* The table, or a wrong rule. */
inline look_up()
{
	next = vgmp_next[event * STATES + old];
	act = vgmp_action[event * STATES + old];
	if
	:: mutant == M_NO_LISTENING && old == INITIALIZE && event == ENABLE_ACTIVE -> next = ACTIVE; act = DO_TAKE_OVER
	:: mutant == M_DEAF && old == STANDBY && event == PEER_GONE -> next = STANDBY; act = 0
	:: mutant == M_NONE_YIELDS && old == ACTIVE && event == PEER_WINS -> next = ACTIVE; act = 0
	:: mutant == M_AGREES_STAYS && old == ACTIVE && event == ASKED_ACTIVE_LOWER -> next = ACTIVE; act = DO_SAY_SWITCH
	:: mutant == M_NEVER_ENDS && old == ACTIVE_TO_STANDBY && event == NO_ANSWER -> next = old; act = 0
	:: mutant == M_NO_FENCE && old == ACTIVE && event == FENCED -> next = ACTIVE; act = 0
	:: else
	fi
}

/* role_raise(): `event`; `base` is the age of what a lease would count from.  What it says goes to
 * `say`, and leaves when this phase of the turn ends. */
inline raise()
{
	old = b[i].st;
	look_up();
	b[i].st = next;
	if
	:: next != old -> b[i].asking = 0; b[i].hello_now = 1
	:: else
	fi;
	if
	:: next == ACTIVE && b[i].yielded -> b[i].yielded = 0; lease_take(TICKS_H)
	:: next != ACTIVE && next != ACTIVE_TO_STANDBY -> b[i].yielded = 0
	:: else
	fi;
	if
	:: act & DO_STEP_DOWN -> b[i].silent = 0; give_up()
	:: else
	fi;
	if
	:: act & DO_ASK_STANDBY -> yield(); ask(ASK_STANDBY)
	:: act & DO_ASK_ACTIVE ->
		ask(ASK_ACTIVE);
		b[i].fair = synced == SYNCED || !OWNS(b[i].peer) || b[1 - i].failed || b[1 - i].leaving
	:: act & DO_SAY_SWITCH -> say = (m_what == ASK_STANDBY -> STANDBY_YES : ACTIVE_YES); say_id = m_id
	:: act & DO_SAY_NO ->
		say = (m_what == ASK_STANDBY -> STANDBY_NO : ACTIVE_NO); say_id = m_id;
		b[i].declined = m_id
	:: else
	fi;
	if
	:: act & DO_TAKE_OVER ->
		assert(event != ANSWER_SWITCH || b[i].fair);			/* SYNC */
		b[i].epoch = NEWEST(i) + 1;
		b[i].alone = !PEER_ALIVE(i);
		b[i].listening = 0;
		lease_take(base)
	:: else
	fi;
	if
	:: act & DO_LISTEN ->
		b[i].listening = 1; b[i].listen_id = 0; b[i].listen_since = 0; b[i].listen_asked = 0;
		b[i].asking = 0; b[i].silent = 0
	:: else
	fi;
	if
	:: next != old && (next == STANDBY || next == INITIALIZE) -> b[i].silent = 0
	:: else
	fi;
	if
	:: OWNS(old) && !OWNS(next) -> b[i].copy = 0
	:: else
	fi;
	if
	:: OWNS(old) != OWNS(next) -> changes++; assert(changes <= CHANGES)	/* CHANGES */
	:: else
	fi;
	printf("    box %d: state %d, event %d -> state %d, epoch %d\n", i, old, event, next, b[i].epoch)
}

/* ---- what the peer says ---- */

inline take_message()
{
	q[1 - i]?m_what, m_st, m_prio, m_epoch, m_id;
	if
	:: m_what >= HELD -> m_what = m_what - HELD
	:: m_what < HELD && p[1 - i].held && p[1 - i].older > 0 -> p[1 - i].older--
	:: m_what < HELD && p[1 - i].held && p[1 - i].older == 0 -> p[1 - i].newer = 1
	:: else
	fi;
	was = b[i].peer;
	b[i].known = 1; b[i].peer = m_st; b[i].peer_prio = m_prio; b[i].heard = 0; b[i].alone = 0;
	b[i].seen = (m_epoch > b[i].seen -> m_epoch : b[i].seen);
	if
	:: OWNS(m_st) ->
		b[i].silent = 0;
		b[i].copy = (b[i].copy && b[i].was_active && OWNS(was)) || synced == SYNCED;
		b[i].was_active = 1
	:: m_st == INITIALIZE && b[i].st == STANDBY && !b[i].listening && b[i].copy && b[i].was_active ->
		event = PEER_GONE
	:: else
	fi
}

inline read_reply(op, yes)
{
	if
	:: b[i].asking != op || m_id != b[i].ask_id
	:: b[i].asking == op && m_id == b[i].ask_id && !(yes) -> event = ANSWER_NO
	:: b[i].asking == op && m_id == b[i].ask_id && yes ->
		base = b[i].ask_first;
		/* Too late to be Active on this answer. */
		event = (op == ASK_ACTIVE && b[i].ask_first + 1 > REACH -> ANSWER_NO : ANSWER_SWITCH)
	fi
}

inline read_announce()
{
	if
	:: OWNS(m_st) ->
		b[i].peer_epoch = m_epoch;
		wins = m_epoch > b[i].epoch || (m_epoch == b[i].epoch && m_prio > PRIO(i));
		if
		:: mutant == M_WRONG_WINS -> wins = 1 - wins
		:: else
		fi;
		if
		:: b[i].st == ACTIVE && m_st == ACTIVE -> b[i].hello_now = 1
		:: else
		fi;
		if
		:: OWNS(b[i].st) && wins -> event = PEER_WINS
		:: else
		fi
	:: else
	fi
}

inline read_message()
{
	/* A request that was declined stays so; numbers are few here, so an old one is forgotten. */
	if
	:: m_what >= ASK_HELLO && m_what <= ASK_ACTIVE && m_id != b[i].declined -> b[i].declined = 0
	:: else
	fi;
	if
	:: m_what == ANNOUNCE -> read_announce()
	:: m_what == ASK_HELLO -> b[i].silent = 0; b[i].copy = 0; say = TELL_HELLO; say_id = m_id
	:: m_what == ASK_ACTIVE ->
		event = (HIGHER(m_prio, PRIO(i)) && m_id != b[i].declined -> ASKED_ACTIVE_LOWER : ASKED_ACTIVE_HIGHER)
	:: m_what == ASK_STANDBY && !b[i].listening ->
		event = (HIGHER(PRIO(i), m_prio) && m_id != b[i].declined -> ASKED_STANDBY_HIGHER : ASKED_STANDBY_LOWER)
	:: m_what == TELL_HELLO && b[i].listening && m_id == b[i].listen_id && b[i].listen_asked <= TICKS_H ->
		b[i].listening = 0;
		base = b[i].listen_asked;
		event = (OWNS(m_st) -> PEER_ACTIVE : PEER_IDLE)
	:: m_what == STANDBY_YES || m_what == STANDBY_NO -> read_reply(ASK_STANDBY, m_what == STANDBY_YES)
	:: m_what == ACTIVE_YES || m_what == ACTIVE_NO -> read_reply(ASK_ACTIVE, m_what == ACTIVE_YES)
	:: else
	fi
}

/* ---- timers ---- */

inline enter()
{
	/* A worker looks at the lease before it sends. */
	if
	:: USES(i) && LEASED(i) -> b[i].stale = 0
	:: USES(i) && !LEASED(i) && mutant == M_NO_LOOK -> b[i].stale++
	:: else
	fi;
	assert(b[i].stale <= 1);						/* BURST */
	fenced = (b[i].lease != NONE && !LEASED(i)) || (!USES(i) && b[i].gap > TICKS_H);
	if
	:: fenced -> event = FENCED
	:: else
	fi
}

inline timer_listen()
{
	if
	:: HEARD_OUT(i) ->
		b[i].listening = 0;
		event = (b[i].st == INITIALIZE -> PEER_GONE : NO_EVENT)
	:: b[i].listening && !HEARD_OUT(i) && (b[i].listen_id == 0 || b[i].listen_asked >= TICKS_H) ->
		NEXT_ID(i);
		b[i].listen_id = b[i].next_id;
		b[i].listen_asked = 0;
		say = ASK_HELLO; say_id = b[i].listen_id
	:: else
	fi
}

inline timer_ask()
{
	if
	:: b[i].asking && b[i].ask_last >= TICKS_H && (b[i].tries < TRIES || GIVEN(i)) ->
		if
		:: b[i].asking == ASK_STANDBY && !b[i].yielded -> yield()
		:: else
		fi;
		ask_again()
	:: b[i].asking && b[i].ask_last >= TICKS_H && !(b[i].tries < TRIES || GIVEN(i)) -> event = NO_ANSWER
	:: else
	fi
}

inline timer_alone()
{
	if
	:: OWNS(b[i].st) && !b[i].alone && !PEER_ALIVE(i) ->
		b[i].alone = 1;
		b[i].epoch = (b[i].known -> NEWEST(i) + 1 : b[i].epoch)
	:: else
	fi
}

inline timer_silence()
{
	if
	:: !SHOWN_STANDBY(b[i].st)
	:: SHOWN_STANDBY(b[i].st) && SHOWN_STANDBY(b[i].peer) && PEER_ALIVE(i) && PRIO(i) != b[i].peer_prio ->
		if
		:: PRIO(i) > b[i].peer_prio && !b[i].listening && b[i].silent > TICKS_H + TICKS_H / 2 -> event = PREEMPT
		:: else
		fi
	:: else ->
		if
		:: b[i].silent > SILENCE -> b[i].listening = 0; event = PEER_GONE
		:: else
		fi
	fi
}

inline timer_preempt()
{
	if
	:: preempt && b[i].st == STANDBY && !b[i].listening && OWNS(b[i].peer) && PEER_ALIVE(i) &&
	   HIGHER(PRIO(i), b[i].peer_prio) && (synced == SYNCED || mutant == M_NO_SYNC) -> event = PREEMPT
	:: else
	fi
}

inline timer_better_peer()
{
	if
	:: PRIO(i) < BASE_PRIO(i) && PRIO(i) < b[i].peer_prio && b[i].st == ACTIVE && b[i].peer == STANDBY &&
	   synced == SYNCED && PEER_ALIVE(i) && b[i].asked_away >= TRIES * TICKS_H ->
		b[i].asked_away = 0;
		event = MEMBER_FAILED
	:: else
	fi
}

inline leave_begin()
{
	if
	:: b[i].go && !b[i].leaving ->
		b[i].leaving = 1;
		event = (PEER_ALIVE(i) -> MEMBER_FAILED : NO_ANSWER)
	:: else
	fi
}

inline leave_end()
{
	gone = b[i].leaving && (b[i].st != ACTIVE_TO_STANDBY || b[i].leave_for >= LEAVE_MAX);
	if
	:: gone -> b[i].lease = NONE; event = DISABLE
	:: else
	fi
}

inline hello()
{
	b[i].phase = 1 - b[i].phase;
	if
	:: b[i].phase || b[i].hello_now ->
		b[i].hello_now = 0;
		say = ANNOUNCE;
		if
		:: OWNS(b[i].st) && b[i].lease != NONE && LEASED(i) -> b[i].lease = 0
		:: else
		fi
	:: else
	fi
}

/* Box k is as after power-on: nothing is left of what it knew. */
inline forget()
{
	b[k].frozen = 0; b[k].fresh = 0; b[k].go = 0; b[k].leaving = 0; b[k].failed = b[k].down;
	b[k].st = INITIALIZE; b[k].epoch = 0; b[k].gap = 0; b[k].lease = NONE;
	b[k].hello_now = 0; b[k].phase = 0; b[k].listening = 0; b[k].listen_id = 0; b[k].listen_since = 0;
	b[k].listen_asked = 0; b[k].asking = 0; b[k].tries = 0; b[k].ask_id = 0; b[k].ask_prio = 0; b[k].declined = 0; b[1 - k].declined = 0; b[k].ask_first = 0;
	b[k].ask_last = 0; b[k].next_id = 0; b[k].yielded = 0; b[k].fair = 0; b[k].known = 0;
	b[k].was_active = 0; b[k].copy = 0; b[k].alone = 0; b[k].peer = 0; b[k].peer_prio = 0;
	b[k].peer_epoch = 0; b[k].seen = 0; b[k].heard = 0; b[k].silent = 0; b[k].asked_away = TRIES * TICKS_H; b[k].leave_for = 0;
	b[k].stale = 0;
	do
	:: len(q[1 - k]) > 0 -> q[1 - k]?m_what, m_st, m_prio, m_epoch, m_id
	:: else -> break
	od;
	p[1 - k].newer = 0; p[1 - k].older = 0
}

/* The same state must look the same: what counts for nothing is 0. */
inline tidy()
{
	if
	:: !b[i].asking -> b[i].tries = 0; b[i].ask_id = 0; b[i].ask_prio = 0; b[i].ask_first = 0; b[i].ask_last = 0; b[i].fair = 0
	:: else
	fi;
	if
	:: !b[i].listening -> b[i].listen_id = 0; b[i].listen_since = 0; b[i].listen_asked = 0
	:: else
	fi;
	if
	:: OWNS(b[i].st) -> b[i].silent = 0
	:: else
	fi;
	if
	:: !OWNS(b[i].st) -> b[i].alone = 0
	:: else
	fi;
	p[i].lose = 0; p[i].delay = 0;
	b[i].gap = 0
}

/* ---- a turn of box i, in phases: each raises one event at most and says one thing at most ---- */

inline turn()
{
	ph = 0; fenced = 0; gone = 0;
	do
	:: !b[i].alive || b[i].frozen -> break
	:: b[i].alive && !b[i].frozen && ph == 16 -> tidy(); break
	:: b[i].alive && !b[i].frozen && ph < 16 ->
		event = NO_EVENT; base = TICKS_H; say = SILENT; say_id = 0;
		if
		:: ph == 0 -> event = (b[i].fresh -> (i == 0 -> ENABLE_ACTIVE : ENABLE_STANDBY) : NO_EVENT); b[i].fresh = 0; ph++
		:: ph == 1 -> enter(); ph++
		:: ph == 2 -> event = (fenced && i == 1 -> ENABLE_STANDBY : NO_EVENT); ph++
		:: ph == 3 ->
			if
			:: b[i].failed != b[i].down ->
				b[i].failed = b[i].down; b[i].hello_now = 1;
				event = (b[i].failed -> MEMBER_FAILED : NO_EVENT)
			:: else
			fi;
			ph++
		:: ph == 4 ->
			if
			:: len(q[1 - i]) > 0 -> take_message(); ph++
			:: else -> ph = 7
			fi
		:: ph == 5 -> read_message(); ph++
		:: ph == 6 ->
			if
			:: m_what == ASK_ACTIVE -> b[i].silent = 0; b[i].copy = 0
			:: else
			fi;
			event = (m_st == ACTIVE -> PEER_ACTIVE : NO_EVENT); ph = 4
		:: ph == 7 -> timer_listen(); ph++
		:: ph == 8 -> timer_ask(); ph++
		:: ph == 9 -> timer_alone(); ph++
		:: ph == 10 -> timer_silence(); ph++
		:: ph == 11 -> timer_preempt(); ph++
		:: ph == 12 -> timer_better_peer(); ph++
		:: ph == 13 -> leave_begin(); ph++
		:: ph == 14 -> leave_end(); ph++
		:: ph == 15 -> hello(); ph++
		fi;
		if
		:: event != NO_EVENT -> raise()
		:: else
		fi;
		say = (gone -> ANNOUNCE : say);
		if
		:: say != SILENT -> send()
		:: else
		fi;
		if
		:: gone -> b[i].alive = 0; k = i; forget(); p[i].lose = 0; p[i].delay = 0
		:: else
		fi
	od
}

/* ---- time ---- */

/* H / 2 goes by, for box k and what it has sent. */
inline grow_old()
{
	if
	:: b[k].alive ->
		UP(b[k].gap, TICKS_H + 1);
		if
		:: b[k].lease != NONE -> UP(b[k].lease, REACH + TICKS_H + 1)
		:: else
		fi;
		UP(b[k].asked_away, TRIES * TICKS_H);
		if
		:: b[k].asking -> UP(b[k].ask_first, REACH + 1)
		:: else
		fi;
		if
		:: b[k].listening -> UP(b[k].listen_asked, TICKS_H + 1)
		:: else
		fi
	:: else
	fi;
	/* Time in which it could not hear is no silence of the peer. */
	if
	:: b[k].alive && !b[k].frozen ->
		UP(b[k].silent, SILENCE + 1);
		UP(b[k].heard, SILENCE + 1);
		if
		:: b[k].asking -> UP(b[k].ask_last, TICKS_H)
		:: else
		fi;
		if
		:: b[k].listening -> UP(b[k].listen_since, 2 * SILENCE + 1)
		:: else
		fi;
		if
		:: b[k].leaving -> UP(b[k].leave_for, LEAVE_MAX)
		:: else
		fi
	:: else
	fi;
	UP(p[k].put, SILENCE);
	if
	:: p[k].held && p[k].held_for >= TICKS_H -> release()
	:: p[k].held && p[k].held_for < TICKS_H -> p[k].held_for++
	:: else
	fi
}

/* No path is left when something was lost and, for all but half an interval of the N that a box
 * waits, nothing sent since has got through; then the pair has 2 H to find together, from the last
 * change of a priority on: while a priority is on its way each may take itself for the better one. */
inline look_at_paths()
{
	if
	:: (p[0].lossy && p[0].put >= SILENCE - 1) || (p[1].lossy && p[1].put >= SILENCE - 1) ->
		excused = 1; whole = 0
	:: else ->
		if
		:: !excused || p[0].lossy || p[1].lossy || p[0].held || p[1].held || b[0].frozen || b[1].frozen -> whole = 0
		:: else -> whole++
		fi;
		if
		:: whole == 2 * TICKS_H || !b[0].alive || !b[1].alive -> excused = 0; whole = 0
		:: else
		fi
	fi
}

inline synchronise()
{
	if
	:: b[0].alive && b[1].alive && !b[0].frozen && !b[1].frozen && OWNS(b[0].st) != OWNS(b[1].st) &&
	   p[0].put <= TICKS_H && p[1].put <= TICKS_H -> UP(synced, SYNCED)
	:: else -> synced = 0
	fi
}

/* ---- what happens to box k, or to what it sends ---- */

inline start_box()
{
	b[k].alive = 1;
	forget();
	b[k].fresh = 1
}

inline kill_box()
{
	b[k].alive = 0;
	forget();
	p[k].lossy = 0; p[k].put = 0
}

inline thaw()
{
	/* A worker that was stopped between its look and its send sends this burst now. */
	b[k].stale = (USES(k) && !LEASED(k) -> 1 : 0);
	b[k].frozen = 0
}

inline repair()
{
	k = 0;
	do
	:: k == 2 -> break
	:: k < 2 ->
		if
		:: b[k].frozen -> thaw()
		:: else
		fi;
		if
		:: all -> whole = (b[k].down -> 0 : whole); b[k].down = 0; p[k].cut = 0
		:: else
		fi;
		if
		:: all && !b[k].alive -> start_box()
		:: else
		fi;
		k++
	od;
	/* Half a path is none: who hears, but is not heard, waits for ever. */
	if
	:: p[0].cut || p[1].cut -> p[0].cut = 1; p[1].cut = 1
	:: else
	fi
}

/* ---- claims at rest ---- */

inline check_rest()
{
	if
	:: b[0].alive && b[1].alive && !p[0].cut ->
		assert(OWNS(b[0].st) != OWNS(b[1].st));				/* REST */
		k = (OWNS(b[0].st) -> 0 : 1);
		assert(OWNER(k));
		assert(PRIO(k) > PRIO(1 - k) || !(preempt || b[k].failed));
		assert(b[k].epoch >= b[k].peer_epoch)
	:: else ->
		assert(!b[0].alive || OWNER(0));
		assert(!b[1].alive || OWNER(1))
	fi
}

inline calm_turn()
{
	if
	:: all -> repair()	/* who was leaving has left */
	:: else
	fi;
	if
	:: calm == QUIET -> check_rest(); before[0] = OWNS(b[0].st); before[1] = OWNS(b[1].st)
	:: calm > QUIET -> assert(OWNS(b[0].st) == before[0] && OWNS(b[1].st) == before[1])
	:: else
	fi;
	calm++
}

/* ---- the world ---- */

#define FAULT	faults > 0 && calm == 0
#define RUNS	b[i].alive && !b[i].frozen

active proctype world()
{
	d_step {
		c_code {
			const char *s = getenv("MUTANT");
			mutant = s ? atoi(s) : 0;
			s = getenv("PREEMPT");
			preempt = s ? atoi(s) : 1;
			s = getenv("FAULTS");
			now.faults = s ? atoi(s) : 1;
		};
		vgmp_fill();
		k = 0; kill_box(); start_box();
		k = 1; kill_box(); start_box()
	};
	do
	:: calm > QUIET + 2 * TICKS_H -> break
	:: calm <= QUIET + 2 * TICKS_H ->
		atomic {
			if
			:: i = 0
			:: calm == 0 -> i = 1
			fi;
			if
			:: i == 0	/* nothing happens */
			:: else		/* nothing can happen to box 1 */
			:: FAULT && b[i].alive -> faults--; changes = 0; printf("kill %d\n", i); d_step { k = i; kill_box() }
			:: FAULT && RUNS -> faults--; changes = 0; printf("hang %d\n", i); b[i].frozen = 1
			:: FAULT && RUNS && !b[i].go -> faults--; changes = 0; whole = 0; printf("leave %d\n", i); b[i].go = 1
			:: FAULT && !b[i].down -> faults--; changes = 0; whole = 0; printf("fail %d\n", i); b[i].down = 1
			:: FAULT && !p[i].cut -> faults--; changes = 0; printf("cut %d\n", i); p[i].cut = 1
			:: FAULT && RUNS && !p[i].cut -> faults--; changes = 0; printf("lose %d\n", i); p[i].lose = 1
			:: FAULT && RUNS && !p[i].cut && !p[i].held ->
				faults--; changes = 0;
				if
				:: p[i].delay = DELAY_FIRST
				:: p[i].delay = DELAY_SECOND
				:: p[i].delay = DOUBLE_FIRST
				fi;
				printf("hold back %d: %d\n", i, p[i].delay)
			:: calm == 0 && !b[i].alive -> changes = 0; printf("start %d\n", i); d_step { k = i; start_box() }
			:: calm == 0 && b[i].frozen -> changes = 0; printf("continue %d\n", i); d_step { k = i; thaw() }
			:: calm == 0 && b[i].down -> changes = 0; whole = 0; printf("repair %d\n", i); b[i].down = 0
			:: calm == 0 && p[i].cut -> changes = 0; printf("heal %d\n", i); p[i].cut = 0
			:: calm == 0 && p[i].held -> printf("release %d\n", i); d_step { k = i; release() }
			:: calm == 0 && i == 0 ->
				if
				:: all = 1
				:: all = 0
				fi;
				changes = 0; calm = 1; printf("calm, all repaired: %d\n", all); d_step { repair() }
			fi;
			if
			:: first = 0
			:: first = 1
			fi;
			d_step {
				k = 0; grow_old(); k = 1; grow_old();
				assert(!(OWNER(0) && OWNER(1)) || excused);	/* OWNERS */
				i = first;
				do
				:: turn(); assert(!(OWNER(0) && OWNER(1)) || excused);
					if
					:: i == first -> i = 1 - first
					:: else -> break
					fi
				od;
				i = 0; first = 0; k = 0;
				look_at_paths();
				synchronise();
				assert(!(OWNER(0) && OWNER(1)) || excused);
				if
				:: calm > 0 -> calm_turn()
				:: else
				fi
			}
		}
	od
}
