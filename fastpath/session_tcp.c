/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP tracking.  One table says what a segment may do in a state: {how to check it, next state} by
 * direction, state and event.  The closing states follow from four flags, by a second table, since
 * the two sides close independently.
 *
 * Window rules (van Rooij, "Real Stateful TCP Packet Filtering"), for a segment of side A to B:
 *	I	seq + len <= A.max_end			B's window allows it
 *	II	seq       >= A.end - B.max_win		not older than what B may still lack
 *	III	ack       <= B.end			not beyond what B has sent (RFC 5961 5)
 *	IV	ack       >= B.end - slack		not absurdly old
 * After A's FIN nothing lies beyond it, and a SYN-ACK once answered only comes again: for these the
 * limit of I is A.end.
 *
 * A RST must hit the next expected byte (RFC 5961 3).  Its sender takes either its own next
 *sequence number (end) or, answering a segment, that segment's acknowledgement (tcp_acked, of which
 *16 bits are kept and the rest comes from the window).  Once a FIN has been seen, an inexact one
 *inside the window passes too and changes nothing.
 *
 * Take-over.  Mirrored windows are old.  While SESSION_F_LEARN0/1 is set (dir.learn = 0: nothing
 * seen yet), the first segment of a direction anchors it: its own end, and the other side's end and
 * limits as far as the segment tells; as long as the other side is silent, one mirrored window
 *ahead is allowed.  Then the rules above apply, but a segment outside the window anchors again,
 *until SESSION_TCP_LEARN segments of that direction have passed.  RST and SYN teach nothing.
 *
 * With the window check switched off, and in a session of which the peer box sees a part
 * (SESSION_F_SHARED), a segment outside the window begins such a learning anew, so that the check
 * finds right windows when it is on again.
 *
 * Both ends may have forgotten the connection while we have not (power cut), or the initiator may
 * reuse its ports in TIME_WAIT with a lower number.  So a SYN of the initiator passes and is noted
 * (SESSION_F_RESYN, dir[0].tcp_acked): if the responder challenges it, nothing changes; if its
 * SYN-ACK acknowledges the noted SYN, both are of one mind and the session begins anew; if its RST
 * does, the session is closed.  The responder's SYN passes too, but opens nothing: that would need
 * a rule of its own.
 *
 * Workers only.  Both directions may be tracked by two workers at once: each field of a direction
 * has one writer (session.h) but while opening and learning, all accesses are aligned and
 * untorn, windows only grow, and ctl changes by compare-and-swap, after the window fields.
 */
#include "session_tcp.h"

#include "check.h"
#include "relaxed.h"

#define WSCALE_NONE 0xff
#define WSCALE_MAX  14	  /* RFC 7323 2.3 */
#define ACK_SLACK   66000 /* one unscaled window and a segment */
#define MAX_WINDOW  (UINT32_C(1) << 30)
#define CAS_TRIES   16

enum event { EV_SYN, EV_SYNACK, EV_ACK, EV_FIN, EV_RST, EVENTS };

/* How a segment is checked and what it changes besides the state. */
enum action {
	REFUSE = 0,  /* does not fit the state */
	PASS,	     /* nothing to check: the receiver will challenge it (RFC 5961 4) */
	NOTE,	     /* the same, of the initiator: SESSION_F_RESYN */
	REVIVE,	     /* SYN-ACK: to the SYN noted, else it must fit the window */
	REVIVE_ONLY, /* SYN-ACK: to the SYN noted */
	SYN_AGAIN,   /* the initiator's SYN: begin anew with its sequence number */
	SYN_CROSS,   /* the responder's own SYN: simultaneous open */
	ANSWER,	     /* SYN-ACK: must acknowledge the SYN */
	CHALLENGE,   /* ACK of the responder's former connection, before its SYN-ACK (TCP-06) */
	UNSEEN,	     /* third segment before the second: shared, that may have passed the peer */
	CONFIRM,     /* third segment: must acknowledge the SYN-ACK */
	WINDOW,	     /* must fit the window */
	RST_REFUSED, /* answer to the SYN */
	RST_ABORT,   /* the initiator's, before any answer */
	RST_OPENING, /* the responder's, after its SYN-ACK */
	RST_EXACT,
	RST_LAX /* exact, or inside the window without effect */
};

struct row {
	uint8_t action;
	uint8_t next;
};

#define SS SESSION_TCP_SYN_SENT
#define SR SESSION_TCP_SYN_RECEIVED
#define ES SESSION_TCP_ESTABLISHED
#define FW SESSION_TCP_FIN_WAIT
#define CW SESSION_TCP_CLOSE_WAIT
#define CG SESSION_TCP_CLOSING
#define TW SESSION_TCP_TIME_WAIT
#define CL SESSION_TCP_CLOSED

// clang-format off
static const struct row table[2][CL + 1][EVENTS] = {
	[0] = { /* SYN            SYN-ACK        ACK              FIN            RST */
	[SS] = {{SYN_AGAIN, SS}, {REFUSE,  SS}, {UNSEEN,    ES}, {REFUSE,  SS}, {RST_ABORT,   CL}},
	[SR] = {{PASS,      SR}, {CONFIRM, ES}, {CONFIRM,   ES}, {CONFIRM, ES}, {RST_EXACT,   CL}},
	[ES] = {{NOTE,      ES}, {WINDOW,  ES}, {WINDOW,    ES}, {WINDOW,  ES}, {RST_EXACT,   CL}},
	[FW] = {{NOTE,      FW}, {WINDOW,  FW}, {WINDOW,    FW}, {WINDOW,  FW}, {RST_LAX,     CL}},
	[CW] = {{NOTE,      CW}, {WINDOW,  CW}, {WINDOW,    CW}, {WINDOW,  CW}, {RST_LAX,     CL}},
	[CG] = {{NOTE,      CG}, {WINDOW,  CG}, {WINDOW,    CG}, {WINDOW,  CG}, {RST_LAX,     CL}},
	[TW] = {{NOTE,      TW}, {REFUSE,  TW}, {WINDOW,    TW}, {WINDOW,  TW}, {RST_LAX,     TW}},
	[CL] = {{REFUSE,    CL}, {REFUSE,  CL}, {WINDOW,    CL}, {WINDOW,  CL}, {RST_LAX,     CL}},
	},
	[1] = { /* SYN            SYN-ACK        ACK              FIN            RST */
	[SS] = {{SYN_CROSS, SR}, {ANSWER,  SR}, {CHALLENGE, SS}, {REFUSE,  SS}, {RST_REFUSED, CL}},
	[SR] = {{PASS,      SR}, {ANSWER,  SR}, {WINDOW,    SR}, {WINDOW,  SR}, {RST_OPENING, CL}},
	[ES] = {{PASS,      ES}, {REVIVE,  ES}, {WINDOW,    ES}, {WINDOW,  ES}, {RST_EXACT,   CL}},
	[FW] = {{PASS,      FW}, {REVIVE,  FW}, {WINDOW,    FW}, {WINDOW,  FW}, {RST_LAX,     CL}},
	[CW] = {{PASS,      CW}, {REVIVE,  CW}, {WINDOW,    CW}, {WINDOW,  CW}, {RST_LAX,     CL}},
	[CG] = {{PASS,      CG}, {REVIVE,  CG}, {WINDOW,    CG}, {WINDOW,  CG}, {RST_LAX,     CL}},
	[TW] = {{REFUSE,    TW}, {REVIVE_ONLY, TW}, {WINDOW, TW}, {WINDOW, TW}, {RST_LAX,     TW}},
	[CL] = {{REFUSE,    CL}, {REFUSE,  CL}, {WINDOW,    CL}, {WINDOW,  CL}, {RST_LAX,     CL}},
	},
};

/* State by the FIN flags, lowest bit first: FIN0, FIN1, FINACK0, FINACK1.  FREE: not closing. */
static const uint8_t closing[16] = {
	/* FINACK --   */ SESSION_FREE, FW, FW, CG,
	/* FINACK 0    */ SESSION_FREE, CW, FW, CG,
	/* FINACK 1    */ SESSION_FREE, FW, CW, CG,
	/* FINACK 0, 1 */ SESSION_FREE, CW, CW, TW,
};
// clang-format on

#define FIN_SHIFT 13
#define FIN_FLAGS (SESSION_F_FIN0 | SESSION_F_FIN1 | SESSION_F_FINACK0 | SESSION_F_FINACK1)
static_assert(SESSION_F_FIN0 == 1 << FIN_SHIFT && FIN_FLAGS == 15 << FIN_SHIFT, "index of closing");

static const uint32_t fin_flag[2] = { SESSION_F_FIN0, SESSION_F_FIN1 };
static const uint32_t finack_flag[2] = { SESSION_F_FINACK0, SESSION_F_FINACK1 };
static const uint32_t learn_flag[2] = { SESSION_F_LEARN0, SESSION_F_LEARN1 };

/* What is computed once per segment. */
struct view {
	const struct tcp_segment *seg;
	uint32_t end;	 /* sequence after the segment, SYN and FIN counted */
	uint32_t window; /* scaled, at least 1 so that zero window probes fit */
};

/* Sequence numbers wrap. */
static bool
after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static void
raise(uint32_t *field, uint32_t value)
{
	if (after(value, relaxed_get(field)))
		__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static void
put_acked(struct session_dir *d, uint32_t ack)
{
	relaxed_put16(&d->tcp_acked, (uint16_t)ack);
}

static uint8_t
offered_wscale(const struct tcp_segment *g)
{
	return g->wscale != WSCALE_NONE && g->wscale > WSCALE_MAX ? WSCALE_MAX : g->wscale;
}

/* Scaling counts only when both sides have offered it (RFC 7323 2.2). */
static unsigned int
scale_of(const struct session *s, unsigned int d)
{
	const uint8_t w[2] = { relaxed_get8(&s->dir[0].tcp_wscale),
		relaxed_get8(&s->dir[1].tcp_wscale) };

	return w[0] > WSCALE_MAX || w[1] > WSCALE_MAX ? 0 : w[d];
}

static uint32_t
at_least_1(uint32_t window)
{
	return window != 0 ? window : 1;
}

static struct view
view_of(const struct session *s, unsigned int d, const struct tcp_segment *g)
{
	const bool syn = g->flags & TCP_SYN;

	return (struct view){
		.seg = g,
		.end = g->seq + g->len + syn + !!(g->flags & TCP_FIN),
		.window = at_least_1((uint32_t)g->window << (syn ? 0 : scale_of(s, d))),
	};
}

static enum event
event_of(uint8_t flags)
{
	if (flags & TCP_RST)
		return EV_RST;
	if (flags & TCP_SYN)
		return flags & TCP_ACK ? EV_SYNACK : EV_SYN;
	if (!(flags & TCP_ACK))
		return EVENTS;
	return flags & TCP_FIN ? EV_FIN : EV_ACK;
}

static bool
in_window(const struct session *s, uint32_t ctl, unsigned int d, const struct view *v)
{
	const struct session_dir *a = &s->dir[d], *b = &s->dir[!d];
	const uint32_t a_end = relaxed_get(&a->tcp_end), b_end = relaxed_get(&b->tcp_end);
	const bool complete = ctl & fin_flag[d] || v->seg->flags & TCP_SYN;
	const uint32_t limit = complete ? a_end : relaxed_get(&a->tcp_max_end);
	const uint32_t a_win = relaxed_get(&a->tcp_max_win), b_win = relaxed_get(&b->tcp_max_win);
	uint32_t slack = a_win < MAX_WINDOW / 2 ? 2 * a_win : MAX_WINDOW;

	if (slack < ACK_SLACK)
		slack = ACK_SLACK;
	return !after(v->end, limit) && !after(a_end - at_least_1(b_win), v->seg->seq) &&
	       !after(v->seg->ack, b_end) && !after(b_end - slack, v->seg->ack);
}

static void
advance(struct session *s, unsigned int d, const struct view *v)
{
	struct session_dir *a = &s->dir[d], *b = &s->dir[!d];

	raise(&a->tcp_end, v->end);
	if (v->window > relaxed_get(&a->tcp_max_win))
		relaxed_put(&a->tcp_max_win, v->window);
	raise(&b->tcp_max_end, v->seg->ack + v->window);
	put_acked(a, v->seg->ack);
}

/*
 * Learning: take the segment as the truth about its side, and for the other side too as far as that
 * has not spoken itself.
 */
static void
anchor(struct session *s, uint32_t ctl, unsigned int d, const struct view *v)
{
	struct session_dir *a = &s->dir[d], *b = &s->dir[!d];
	const bool first = relaxed_get8(&a->learn) == 0;
	const bool other_silent = ctl & learn_flag[!d] && relaxed_get8(&b->learn) == 0;
	uint32_t ahead = relaxed_get(&b->tcp_max_win);

	relaxed_put(&a->tcp_end, v->end);
	if (first) {
		relaxed_put(&a->tcp_max_win, v->window);
		relaxed_put(&b->tcp_max_end, v->seg->ack + v->window);
	}
	if (other_silent) {
		if (ahead <= 1)
			ahead = UINT32_C(65535) << scale_of(s, !d);
		relaxed_put(&b->tcp_end, v->seg->ack);
		relaxed_put(&a->tcp_max_end, v->end + ahead);
	}
	raise(&b->tcp_end, v->seg->ack);
	raise(&a->tcp_max_end, v->end);
	advance(s, d, v);
}

/* The window check of a session in LEARN: accepts, and counts, up to SESSION_TCP_LEARN segments.
 * => ctl, without the flag when that was the last. */
static uint32_t
learn(struct session *s, uint32_t ctl, unsigned int d, const struct view *v)
{
	struct session_dir *a = &s->dir[d];
	uint8_t left = relaxed_get8(&a->learn);

	if (left != 0 && in_window(s, ctl, d, v))
		advance(s, d, v);
	else
		anchor(s, ctl, d, v);
	if (left == 0 || left > SESSION_TCP_LEARN)
		left = SESSION_TCP_LEARN;
	relaxed_put8(&a->learn, --left);
	return left != 0 ? ctl : ctl & ~learn_flag[d];
}

static void
learn_anew(struct session *s)
{
	relaxed_put8(&s->dir[0].learn, 0);
	relaxed_put8(&s->dir[1].learn, 0);
}

/* Opening */

static void
open_first(struct session *s, const struct view *v)
{
	struct session_dir *a = &s->dir[0];

	relaxed_put(&a->tcp_end, v->end);
	relaxed_put(&a->tcp_max_end, v->seg->seq + 1); /* until answered: the lowest valid answer */
	relaxed_put(&a->tcp_max_win, v->window);
	relaxed_put8(&a->tcp_wscale, offered_wscale(v->seg));
}

/* The responder's SYN or SYN-ACK. max_end - the initiator's max_win stays ISN + 1 until CONFIRM. */
static void
open_second(struct session *s, const struct view *v, uint32_t acked)
{
	struct session_dir *a = &s->dir[1], *b = &s->dir[0];

	relaxed_put(&a->tcp_end, v->end);
	relaxed_put(&a->tcp_max_end, v->seg->seq + 1 + relaxed_get(&b->tcp_max_win));
	relaxed_put(&a->tcp_max_win, v->window);
	relaxed_put8(&a->tcp_wscale, offered_wscale(v->seg));
	relaxed_put(&b->tcp_max_end, acked + v->window);
}

static uint32_t
responder_first_byte(const struct session *s)
{
	return relaxed_get(&s->dir[1].tcp_max_end) - relaxed_get(&s->dir[0].tcp_max_win);
}

static bool
answer(struct session *s, uint32_t ctl, const struct view *v)
{
	const uint32_t end = relaxed_get(&s->dir[0].tcp_end), ack = v->seg->ack;

	if (session_state_of(ctl) == SS) {
		/* Data on the SYN (fast open) may be acknowledged or not. */
		if (after(ack, end) || after(relaxed_get(&s->dir[0].tcp_max_end), ack))
			return false;
	} else {
		if (ack != end && (after(ack, end) || end - ack > UINT16_MAX ||
					  (uint16_t)ack != relaxed_get16(&s->dir[1].tcp_acked)))
			return false;
		if (v->seg->seq + 1 == responder_first_byte(s)) {
			put_acked(&s->dir[1], ack);
			return true; /* the same SYN-ACK again */
		}
	}
	open_second(s, v, ack);
	put_acked(&s->dir[1], ack);
	return true;
}

static bool
confirm(struct session *s, uint32_t ctl, const struct view *v)
{
	if (!in_window(s, ctl, 0, v) || after(responder_first_byte(s), v->seg->ack))
		return false;
	advance(s, 0, v);
	return true;
}

/* A SYN of the initiator on a living session */

static bool
answers_noted_syn(const struct session *s, uint32_t ctl, unsigned int d, const struct view *v)
{
	return d == 1 && ctl & SESSION_F_RESYN && v->seg->flags & TCP_ACK &&
	       (uint16_t)v->seg->ack == relaxed_get16(&s->dir[0].tcp_acked);
}

/* Begin anew.  The SYN's own window and scale were not kept: assume the largest. */
static uint32_t
revive(struct session *s, uint32_t ctl, const struct view *v)
{
	struct session_dir *a = &s->dir[0];

	relaxed_put(&a->tcp_end, v->seg->ack);
	if (relaxed_get(&a->tcp_max_win) < UINT16_MAX)
		relaxed_put(&a->tcp_max_win, UINT16_MAX);
	relaxed_put8(&a->tcp_wscale, WSCALE_MAX);
	open_second(s, v, v->seg->ack);
	put_acked(&s->dir[1], v->seg->ack);
	ctl &= ~(SESSION_STATE_MASK | FIN_FLAGS | SESSION_F_LEARN0 | SESSION_F_LEARN1 |
		 SESSION_F_RESYN);
	return ctl | SR;
}

/* Resets */

static bool
reset_in_window(const struct session *s, unsigned int d, uint32_t seq)
{
	const uint32_t end = relaxed_get(&s->dir[d].tcp_end),
		       limit = relaxed_get(&s->dir[d].tcp_max_end);

	return !after(seq, after(limit, end) ? limit : end) &&
	       !after(end - at_least_1(relaxed_get(&s->dir[!d].tcp_max_win)), seq);
}

static bool
reset_exact(const struct session *s, unsigned int d, uint32_t seq)
{
	const uint32_t end = relaxed_get(&s->dir[d].tcp_end);
	const uint16_t acked = relaxed_get16(&s->dir[!d].tcp_acked);

	if (seq == end)
		return true;
	return (uint16_t)seq == acked && !after(seq, end) && reset_in_window(s, d, seq);
}

/* => Acknowledges the SYN in answer to which it was sent (RFC 9293 3.10.7.3). */
static bool
reset_acks_syn(const struct session *s, const struct view *v, uint32_t lowest)
{
	return v->seg->flags & TCP_ACK && !after(v->seg->ack, relaxed_get(&s->dir[0].tcp_end)) &&
	       !after(lowest, v->seg->ack);
}

/* Check a RST.  => DROP_NONE; *closes tells whether it ends the connection. */
static enum drop_reason
check_reset(const struct session *s, uint32_t ctl, enum action action, unsigned int d,
	const struct view *v, bool *closes)
{
	const uint32_t seq = v->seg->seq, end = relaxed_get(&s->dir[0].tcp_end);
	bool pass;

	*closes = true;
	if (seq == 0 && answers_noted_syn(s, ctl, d, v))
		return DROP_NONE;
	switch (action) {
	case RST_REFUSED:
		pass = reset_acks_syn(s, v, relaxed_get(&s->dir[0].tcp_max_end));
		break;
	case RST_ABORT:
		/* Not our SYN's number: the answer to a challenge, the SYN will come again. */
		*closes = seq == end;
		pass = *closes || (uint16_t)seq == relaxed_get16(&s->dir[1].tcp_acked);
		break;
	case RST_OPENING:
		pass = reset_exact(s, d, seq) || (seq == 0 && reset_acks_syn(s, v, end));
		break;
	case RST_LAX:
		*closes = reset_exact(s, d, seq);
		pass = *closes || reset_in_window(s, d, seq);
		break;
	default:
		pass = reset_exact(s, d, seq);
		break;
	}
	return pass ? DROP_NONE : DROP_tcp_window;
}

/*
 * A segment against the window, or what stands in its place: learning, or no check at all.
 * => false: outside.
 */
static bool
fits(struct session *s, unsigned int d, const struct view *v, bool strict, uint32_t *ctl)
{
	const uint32_t learning = SESSION_F_LEARN0 | SESSION_F_LEARN1;

	if (!(*ctl & learn_flag[d]) || v->seg->flags & TCP_SYN) {
		if (in_window(s, *ctl, d, v)) {
			advance(s, d, v);
			return true;
		}
		if ((strict && !(*ctl & SESSION_F_SHARED)) || v->seg->flags & TCP_SYN)
			return false;
		learn_anew(s);
		*ctl |= learning;
	}
	*ctl = learn(s, *ctl, d, v);
	return true;
}

/*
 * Check a segment by its row and write the window fields.
 * => DROP_NONE and *ctl as it should become; or a reason and nothing is changed.
 */
static enum drop_reason
apply(struct session *s, const struct row *row, unsigned int d, const struct view *v, bool strict,
	uint32_t *ctl)
{
	const uint32_t old = *ctl;
	bool pass = true, closes;
	enum drop_reason reason;

	switch ((enum action)row->action) {
	case REFUSE:
		return DROP_tcp_state;
	case PASS:
		return DROP_NONE;
	case NOTE:
		put_acked(&s->dir[0], v->end);
		*ctl = old | SESSION_F_RESYN;
		return DROP_NONE;
	case REVIVE_ONLY:
		if (!answers_noted_syn(s, old, d, v))
			return DROP_tcp_state;
		*ctl = revive(s, old, v);
		return DROP_NONE;
	case REVIVE:
		if (answers_noted_syn(s, old, d, v)) {
			*ctl = revive(s, old, v);
			return DROP_NONE;
		}
		pass = fits(s, d, v, strict, ctl);
		break;
	case SYN_AGAIN:
		open_first(s, v);
		break;
	case SYN_CROSS:
		open_second(s, v, relaxed_get(&s->dir[0].tcp_end));
		break;
	case ANSWER:
		pass = answer(s, old, v);
		break;
	case CHALLENGE:
		if (v->seg->len != 0)
			return DROP_tcp_state;
		put_acked(&s->dir[1], v->seg->ack);
		break;
	case UNSEEN:
		if (!(old & SESSION_F_SHARED) || v->seg->seq != relaxed_get(&s->dir[0].tcp_end))
			return DROP_tcp_state;
		learn_anew(s);
		*ctl = learn(s, old | SESSION_F_LEARN0 | SESSION_F_LEARN1, d, v);
		break;
	case CONFIRM:
		if (!(old & learn_flag[d]) || v->seg->flags & TCP_SYN) {
			pass = confirm(s, old, v);
			break;
		}
		__attribute__((fallthrough));
	case WINDOW:
		pass = fits(s, d, v, strict, ctl);
		break;
	case RST_REFUSED:
	case RST_ABORT:
	case RST_OPENING:
	case RST_EXACT:
	case RST_LAX:
		reason = check_reset(s, old, row->action, d, v, &closes);
		if (reason == DROP_NONE && closes)
			*ctl = (old & ~SESSION_STATE_MASK) | row->next;
		return reason;
	}
	if (!pass)
		return DROP_tcp_window;
	*ctl = (*ctl & ~SESSION_STATE_MASK) | row->next;
	return DROP_NONE;
}

/* FINs sent and acknowledged by an accepted segment, and the state that follows. */
static uint32_t
close_by_fin(const struct session *s, uint32_t ctl, unsigned int d, const struct view *v)
{
	const enum session_state state = session_state_of(ctl);
	uint8_t next;

	if (state < SR || state > CG)
		return ctl;
	if (v->seg->flags & TCP_FIN)
		ctl |= fin_flag[d];
	if (ctl & fin_flag[!d] && v->seg->ack == relaxed_get(&s->dir[!d].tcp_end))
		ctl |= finack_flag[!d];
	next = closing[(ctl & FIN_FLAGS) >> FIN_SHIFT];
	return next != SESSION_FREE ? (ctl & ~SESSION_STATE_MASK) | next : ctl;
}

bool
session_tcp_flags_valid(uint8_t flags)
{
	switch (flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG)) {
	case TCP_SYN:
	case TCP_SYN | TCP_URG:
	case TCP_SYN | TCP_ACK:
	case TCP_RST:
	case TCP_RST | TCP_ACK:
	case TCP_FIN | TCP_ACK:
	case TCP_FIN | TCP_ACK | TCP_URG:
	case TCP_ACK:
	case TCP_ACK | TCP_URG:
		return true;
	default:
		return false;
	}
}

enum drop_reason
session_tcp_first(struct session *s, const struct tcp_segment *g, bool loose)
{
	const enum event event = event_of(g->flags);
	uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed) & ~SESSION_STATE_MASK;
	struct view v;

	if (event == EV_SYN) {
		relaxed_put8(&s->dir[1].tcp_wscale, WSCALE_NONE);
		v = view_of(s, 0, g);
		open_first(s, &v);
		ctl |= SS;
	} else if (loose && (event == EV_ACK || event == EV_FIN)) {
		/* Its window scale is not known: assume the largest, so that nothing is lost. */
		relaxed_put8(&s->dir[0].tcp_wscale, WSCALE_MAX);
		relaxed_put8(&s->dir[1].tcp_wscale, WSCALE_MAX);
		v = view_of(s, 0, g);
		ctl |= ES | SESSION_F_LEARN0 | SESSION_F_LEARN1;
		ctl = close_by_fin(s, learn(s, ctl, 0, &v), 0, &v);
	} else {
		return DROP_no_session;
	}
	atomic_store_explicit(&s->ctl, ctl, memory_order_relaxed);
	return DROP_NONE;
}

enum drop_reason
session_tcp_track(struct session_table *t, struct session *s, unsigned int dir,
	const struct tcp_segment *g, bool strict, uint16_t self, mono_t now, bool *changed)
{
	const enum event event = event_of(g->flags);
	const unsigned int d = dir & 1;
	const struct view v = view_of(s, d, g);

	*changed = false;
	if (event == EVENTS)
		return DROP_tcp_state;
	/* Somebody else may change ctl meanwhile; that many times in a row is a fault, not a race.
	 */
	for (unsigned int tries = 0; tries < CAS_TRIES; tries++) {
		const uint32_t old = atomic_load_explicit(&s->ctl, memory_order_acquire);
		const enum session_state state = session_state_of(old);
		uint32_t ctl = old;
		enum drop_reason reason;

		if (state < SS || state > CL)
			return DROP_tcp_state;
		if ((old & SESSION_F_DEAD) != 0)
			return DROP_session_dead; /* since the caller looked */
		reason = apply(s, &table[d][state][event], d, &v, strict, &ctl);
		if (reason != DROP_NONE)
			return reason;
		if (d == 0 && event != EV_SYN)
			ctl &= ~SESSION_F_RESYN; /* its note is overwritten */
		if (event == EV_ACK || event == EV_FIN)
			ctl = close_by_fin(s, ctl, d, &v);
		if (ctl == old)
			return DROP_NONE;
		if (session_table_set_state(t, s, old, ctl, self, now)) {
			*changed = (ctl ^ old) & (SESSION_STATE_MASK | FIN_FLAGS);
			return DROP_NONE;
		}
	}
	return DROP_tcp_state;
}

bool
session_tcp_reopen(const struct session *s, unsigned int dir, const struct tcp_segment *g)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	if (event_of(g->flags) != EV_SYN)
		return false;
	/* From TIME_WAIT only a SYN that cannot be an old duplicate (RFC 9293 3.6.1, RFC 6191). */
	return session_state_of(ctl) == CL ||
	       (session_state_of(ctl) == TW &&
		       after(g->seq, relaxed_get(&s->dir[dir & 1].tcp_end)));
}

bool
session_tcp_quoted(const struct session *s, unsigned int dir, uint32_t seq)
{
	const struct session_dir *a = &s->dir[dir & 1];
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	const uint32_t end = relaxed_get(&a->tcp_end);
	uint32_t flight = at_least_1(relaxed_get(&s->dir[!(dir & 1)].tcp_max_win));

	if (ctl & (SESSION_F_LEARN0 | SESSION_F_LEARN1))
		return true; /* the windows are not known */
	if (session_state_of(ctl) == SS || flight < UINT16_MAX)
		flight = UINT16_MAX; /* a SYN with data; a window that was opened again */
	return !after(seq, end) && !after(end - flight, seq);
}
