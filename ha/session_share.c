/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_share.h"

#include "relaxed.h"

#include <netinet/in.h>

#define MAX_CAS 8

/* How the merged session is to be. */
enum stand {
	STAND_BOTH,  /* what either has seen */
	STAND_OURS,  /* the record is of the connection before */
	STAND_THEIRS /* ours is of the connection before */
};

static bool
ended(enum session_state state)
{
	return state == SESSION_TCP_TIME_WAIT || state == SESSION_TCP_CLOSED;
}

static bool
begun(enum session_state state)
{
	return state == SESSION_TCP_SYN_SENT || state == SESSION_TCP_SYN_RECEIVED;
}

/* A SYN on the ports of a connection that is over opens the next one. */
static enum stand
stand_of(uint32_t ctl, const struct hrp_session_what *what)
{
	if (what->proto != IPPROTO_TCP)
		return STAND_BOTH;
	if (begun(session_state_of(ctl)) && ended(what->state))
		return STAND_OURS;
	return ended(session_state_of(ctl)) && begun(what->state) ? STAND_THEIRS : STAND_BOTH;
}

static void
raise(uint32_t *field, uint32_t value)
{
	if ((int32_t)(value - relaxed_get(field)) > 0)
		__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

/* Of a direction: nothing of it has been seen here, or only what is newer there. */
static void
merge_window(struct session_dir *d, const struct hrp_record_dir *r, uint8_t wscale, bool unseen)
{
	void (*const take)(uint32_t *, uint32_t) = unseen ? relaxed_put : raise;

	take(&d->tcp_end, rte_be_to_cpu_32(r->tcp_end));
	take(&d->tcp_max_end, rte_be_to_cpu_32(r->tcp_max_end));
	if (unseen || rte_be_to_cpu_32(r->tcp_max_win) > relaxed_get(&d->tcp_max_win))
		relaxed_put(&d->tcp_max_win, rte_be_to_cpu_32(r->tcp_max_win));
	if (unseen || relaxed_get8(&d->tcp_wscale) == UINT8_MAX)
		relaxed_put8(&d->tcp_wscale, wscale);
}

static void
merge_windows(struct session *s, uint32_t ctl, enum stand stand, const union hrp_record_session *r)
{
	const struct hrp_session_what *what = session_record_what(r);
	const struct hrp_session_how *how = session_record_how(r);
	/* The responder's are unknown until it has answered. */
	const bool answered = session_state_of(ctl) != SESSION_TCP_SYN_SENT;

	if (what->state == SESSION_TCP_SYN_SENT && stand != STAND_THEIRS)
		return; /* it has seen no more than we */
	for (unsigned int d = 0; d < 2; d++)
		merge_window(&s->dir[d], &how->dir[d], what->wscale[d],
			stand == STAND_THEIRS || (d == 1 && !answered));
}

static uint32_t
fins_of(const struct hrp_session_what *what)
{
	const uint16_t flags = rte_be_to_cpu_16(what->flags);

	return ((flags & HRP_SESSION_FIN0) != 0 ? SESSION_F_FIN0 : 0) |
	       ((flags & HRP_SESSION_FIN1) != 0 ? SESSION_F_FIN1 : 0) |
	       ((flags & HRP_SESSION_FINACK0) != 0 ? SESSION_F_FINACK0 : 0) |
	       ((flags & HRP_SESSION_FINACK1) != 0 ? SESSION_F_FINACK1 : 0);
}

/* FINs whose acknowledgement has passed here before anything was heard of them: with the ways apart
 * that is the rule.  An initiator that has already sent the next SYN has had the responder's. */
static uint32_t
acknowledged(const struct session *s, uint32_t ctl)
{
	static const struct {
		uint32_t fin, ack;
	} of[2] = { { SESSION_F_FIN0, SESSION_F_FINACK0 }, { SESSION_F_FIN1, SESSION_F_FINACK1 } };
	const bool syn = (ctl & SESSION_F_RESYN) != 0; /* that is in dir[0].tcp_acked */
	uint32_t acks = 0;

	for (unsigned int d = 0; d < 2; d++)
		if ((ctl & of[d].fin) != 0 &&
			((syn && d == 1) || relaxed_get16(&s->dir[!d].tcp_acked) ==
						    (uint16_t)relaxed_get(&s->dir[d].tcp_end)))
			acks |= of[d].ack;
	return acks;
}

static uint32_t
merged(const struct session *s, uint32_t ctl, enum stand stand, const struct hrp_session_what *what)
{
	const uint32_t fins =
		SESSION_F_FIN0 | SESSION_F_FIN1 | SESSION_F_FINACK0 | SESSION_F_FINACK1;
	uint32_t state = session_state_of(ctl);

	if (stand == STAND_OURS)
		return ctl | SESSION_F_SHARED;
	if (stand == STAND_THEIRS) {
		state = what->state;
		ctl &= ~(fins | SESSION_F_RESYN);
	}
	/* States of a protocol are numbered in the order in which they come. */
	state = RTE_MAX(state, (uint32_t)what->state);
	ctl |= fins_of(what) | SESSION_F_SHARED;
	if (what->proto == IPPROTO_TCP && stand == STAND_BOTH)
		ctl |= acknowledged(s, ctl);
	if (what->proto == IPPROTO_TCP && (ctl & fins) == fins)
		state = RTE_MAX(state, (uint32_t)SESSION_TCP_TIME_WAIT);
	return (ctl & ~SESSION_STATE_MASK) | state;
}

bool
session_share_merge(
	struct session_table *t, struct session *s, const union hrp_record_session *r, mono_t now)
{
	const struct hrp_session_what *what = session_record_what(r);
	const uint32_t now_s = mono_seconds(now);
	const uint32_t idle = rte_be_to_cpu_16(session_record_how(r)->idle_s);
	const uint32_t seen = now_s > idle ? now_s - idle : 0;

	for (int i = 0; i < MAX_CAS; i++) {
		const uint32_t old = atomic_load_explicit(&s->ctl, memory_order_acquire);
		const enum stand stand = stand_of(old, what);

		if ((old & SESSION_F_DEAD) != 0)
			return false;
		if (what->proto == IPPROTO_TCP && stand != STAND_OURS)
			merge_windows(s, old, stand, r);
		const uint32_t ctl = merged(s, old, stand, what);
		if (atomic_load_explicit(&s->last_seen, memory_order_relaxed) < seen)
			atomic_store_explicit(&s->last_seen, seen, memory_order_relaxed);
		if (old == ctl || session_table_set_state(t, s, old, ctl, UINT16_MAX, now))
			return true;
	}
	return false;
}

bool
session_share_turned(const struct session *s, bool translated)
{
	const uint32_t proto =
		atomic_load_explicit(&s->ctl, memory_order_relaxed) >> SESSION_PROTO_SHIFT;

	return !translated && !session_translated(s) && proto != IPPROTO_TCP &&
	       proto != IPPROTO_SCTP && proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6;
}

bool
session_share_closes(const struct session *s, const struct hrp_session_what *what)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);
	const uint32_t fins =
		SESSION_F_FIN0 | SESSION_F_FIN1 | SESSION_F_FINACK0 | SESSION_F_FINACK1;

	return (ctl & fins & ~fins_of(what)) != 0 && !ended(what->state);
}

bool
session_share_knows(uint32_t ctl, const struct hrp_session_what *what)
{
	const uint32_t fins = fins_of(what);

	return stand_of(ctl, what) == STAND_OURS ||
	       (session_state_of(ctl) >= what->state && (ctl & fins) == fins);
}

bool
session_share_end(struct session *s)
{
	uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	while ((ctl & SESSION_F_SHARED) != 0) {
		const bool tcp = ctl >> SESSION_PROTO_SHIFT == IPPROTO_TCP;
		const bool learns = tcp && session_state_of(ctl) >= SESSION_TCP_ESTABLISHED;

		if (atomic_compare_exchange_weak(&s->ctl, &ctl,
			    (ctl & ~SESSION_F_SHARED) |
				    (learns ? SESSION_F_LEARN0 | SESSION_F_LEARN1 : 0)))
			return true;
	}
	return false;
}
