/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one turn of its loop, and the way of packets that have a session.  Read it from
 * worker_poll() at the bottom upwards.
 */
#include "worker.h"

#include "alg_session.h"
#include "defer.h"
#include "egress.h"
#include "first.h"
#include "frag.h"
#include "icmp_error.h"
#include "ip_fragment.h"
#include "l4_sum.h"
#include "nat64.h"
#include "nat_walk.h"
#include "notice_send.h"
#include "parse.h"
#include "policy_count.h"
#include "servermap.h"
#include "watch.h"

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include <stdio.h>

#define PUNT_RING	   1024
#define PUNT_WAITING	   768 /* of these: packets without a MAC leave the rest to ARP, ND, VRRP */
#define LOG_RING	   4096
#define HOUSEKEEPING_STEP  32  /* timer wheel entries per turn */
#define HOUSEKEEPING_EVERY 4   /* turns, a power of two; every one while the table is crowded */
#define SERVERMAP_STEP	   64  /* places per turn */
#define EVICT_STEP	   256 /* sessions per turn */
#define LACP_EVERY	   16 /* turns, a power of two: far less than the 100 ms LACP can do without */

/* To the control core; the frame's meta data says why.  => false: ring full. */
static bool
punt(struct worker *w, struct rte_mbuf *m, const struct pkt_meta *meta)
{
	struct trace_record *r = unlikely(w->watching) ? trace_take(w, m) : NULL;

	*pkt_meta(m) = *meta;
	if (likely(rte_ring_sp_enqueue(w->punt, m) == 0)) {
		if (unlikely(r != NULL))
			trace_close(w, r, TRACE_PUNTED, meta->why, meta->port);
		return true;
	}
	if (unlikely(r != NULL))
		trace_mark(w, m, r);
	return false;
}

void
worker_punt(struct worker *w, struct pkt *p, enum punt_why why)
{
	if (unlikely(p->fragments)) {
		worker_drop(w, p, DROP_fragment);
		return;
	}
	if (punt(w, p->m,
		    &(struct pkt_meta){ .port = p->port,
			    .interface = p->interface,
			    .why = (uint8_t)why,
			    .neigh = NEIGH_NONE }))
		w->stats.punted++;
	else
		worker_drop(w, p, DROP_punt_full);
}

bool
egress_hold(struct worker *w, struct rte_mbuf *m, unsigned int family, const struct egress *e)
{
	struct pkt_meta meta = { .port = w->snap->interfaces[e->interface].port,
		.interface = e->interface,
		.why = PUNT_UNRESOLVED,
		.family = (uint8_t)family,
		.neigh = e->index };

	if (unlikely(rte_ring_count(w->punt) >= PUNT_WAITING))
		return false;
	if (family == 6)
		memcpy(meta.next_hop6, e->next_hop6, sizeof(meta.next_hop6));
	else
		meta.next_hop = e->next_hop;
	return punt(w, m, &meta);
}

void
egress_slow(struct worker *w, struct pkt *p, const struct egress *e)
{
	const enum neigh_state state = egress_state(e);

	if ((e->word & EGRESS_CUT) != 0 && p->ip_len > w->snap->interfaces[e->interface].mtu)
		ip_fragment_send(w, p, e);
	else if (state == NEIGH_REACHABLE || state == NEIGH_STALE)
		egress_frame(w, p->m, e, TX_FORWARDED); /* one of fragments, which is no problem */
	else if (egress_hold(w, p->m, p->family, e))
		w->stats.punted++;
	else
		worker_drop(w, p, DROP_punt_full);
}

enum drop_reason
egress_route(const struct worker *w, unsigned int family, const void *dst, struct egress *e)
{
	rte_be32_t four;
	bool found;

	e->neigh = NULL;
	e->word = 0;
	if (family == 6) {
		found = route6_lookup(w->routes6, dst, &e->interface, &e->next_hop6);
	} else {
		memcpy(&four, dst, sizeof(four)); /* in a packet it lies at any address */
		found = route_lookup(w->routes, four, &e->interface, &e->next_hop);
	}
	return found ? DROP_NONE : DROP_no_route;
}

void
egress_neighbour(const struct worker *w, unsigned int family, struct egress *e)
{
	e->index = family == 6 ? neigh_find6(w->neighbours, e->interface, e->next_hop6)
			       : neigh_find(w->neighbours, e->interface, e->next_hop);
	if (e->index != NEIGH_NONE) {
		e->neigh = neigh_at(w->neighbours, e->index);
		e->word |= atomic_load_explicit(&e->neigh->word, memory_order_acquire);
	}
}

enum drop_reason
egress_resolve(const struct worker *w, const struct pkt *p, const struct session *s,
	unsigned int dir, struct egress *e)
{
	const void *dst = p->family == 6 ? (const void *)p->ip6->dst_addr : &p->ip->dst_addr;
	struct session_leaving l;
	enum drop_reason reason;

	if (nat64_session(s))
		return nat64_resolve(w, s, dir, e);
	if (session_translated(s)) {
		session_leaving(s, dir, &l);
		dst = &l.dst;
	}
	reason = egress_route(w, p->family, dst, e);
	if (reason == DROP_NONE)
		egress_neighbour(w, p->family, e);
	return reason;
}

void
worker_event(struct worker *w, struct session *s, uint32_t index, enum mirror_event_type type)
{
	struct mirror_event event = {
		.index = index,
		.generation = atomic_load_explicit(&s->generation, memory_order_relaxed),
		.type = (uint8_t)type,
	};

	if (!w->mirror ||
		(atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_REMOTE) != 0)
		return;
	if (likely(rte_ring_sp_enqueue_elem(w->events, &event, sizeof(event)) == 0))
		return;
	session_table_set_dirty(w->sessions, index);
	w->stats.events_lost_to_sweep++;
}

bool
worker_event_held(struct worker *w, struct session *s, uint32_t index, uint8_t ticket)
{
	struct mirror_event event = {
		.index = index,
		.generation = atomic_load_explicit(&s->generation, memory_order_relaxed),
		.type = MIRROR_CREATE_HELD,
		.ticket = ticket,
	};

	return rte_ring_sp_enqueue_elem(w->events, &event, sizeof(event)) == 0;
}

/* Traffic of a session that the peer owned arrives here while we hold the lease: it is ours now;
 * and the peer's as well, when that is active too. */
static bool
claim(const struct worker *w, struct session *s)
{
	const uint32_t shared = atomic_load_explicit(&w->engine->sharing, memory_order_relaxed)
					? SESSION_F_SHARED
					: 0;
	uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	while ((ctl & SESSION_F_REMOTE) != 0 && (ctl & SESSION_F_DEAD) == 0) {
		if (session_table_set_state(
			    w->sessions, s, ctl, (ctl & ~SESSION_F_REMOTE) | shared, w->id, w->now))
			return true;
		ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	}
	return false;
}

/* UDP, ICMP and the rest: follow the state. => it has changed */
static bool
follow(const struct worker *w, struct session *s, unsigned int dir, uint8_t chunk)
{
	uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	while ((ctl & SESSION_F_DEAD) == 0) {
		const enum session_state state = session_state_of(ctl);
		const enum session_state next = session_other_next(state, dir, chunk);

		if (likely(next == state))
			return false;
		if (session_table_set_state(
			    w->sessions, s, ctl, (ctl & ~SESSION_STATE_MASK) | next, w->id, w->now))
			return true;
		ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	}
	return false;
}

/* An echo session carries requests one way and replies the other (ICU-04). */
static inline enum drop_reason
echo_direction(const struct pkt *p, unsigned int dir)
{
	if (dir == 0)
		return p->icmp == PKT_ICMP_REQUEST ? DROP_NONE : DROP_icmp_reply;
	return p->icmp == PKT_ICMP_REPLY ? DROP_NONE : DROP_icmp_type;
}

/* Packets whose checksum is verified whoever else may do it: see l4_sum.h. */
static inline bool
segment_decides(uint32_t ctl, const struct tcp_segment *seg)
{
	return seg->flags & (TCP_SYN | TCP_FIN | TCP_RST) ||
	       session_state_of(ctl) != SESSION_TCP_ESTABLISHED;
}

static inline bool
first_answer_to(uint32_t ctl, unsigned int dir)
{
	return dir == 1 && session_other_unanswered(session_state_of(ctl));
}

/* What the session has carried goes to the rule that had permitted it, if that is still there. */
static void
count_bytes(const struct worker *w, const struct session *s)
{
	const uint32_t id = atomic_load_explicit(&s->policy, memory_order_relaxed);
	const struct policy *policy = w->snap != NULL ? w->snap->policy : NULL;
	struct policy_counter *row;
	uint16_t slot;

	if (policy == NULL || !session_counts(s))
		return;
	slot = policy_slot_of(policy, id);
	if (slot == 0 && id != 0)
		return;
	row = policy_counters(policy, w->id);
	row += policy_counter_index(slot, s->zone[0], s->zone[1]);
	row->packets += s->dir[0].packets + s->dir[1].packets;
	row->bytes += s->dir[0].bytes + s->dir[1].bytes;
}

static void
session_gone(void *ctx, struct session *s, uint32_t index, enum session_end end)
{
	struct worker *w = ctx;

	switch (end) {
	case SESSION_END_IDLE:
		w->stats.sessions_aged++;
		break;
	case SESSION_END_REMOVED:
		w->stats.sessions_closed++;
		break;
	case SESSION_END_DENIED:
		w->stats.sessions_denied++;
		break;
	case SESSION_END_EVICTED:
		w->stats.sessions_evicted++;
		break;
	}
	if (unlikely(limit_used(w->limits)))
		limit_gone(w->limits, index);
	count_bytes(w, s);
	traffic_log_session(w, s, index, TRAFFIC_LOG_DELETE, end);
	worker_event(w, s, index, MIRROR_DELETE);
	if (session_translated(s))
		nat_session_gone(w, s);
	if (unlikely((atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_ALG) != 0))
		alg_session_gone(w, s, index);
}

static void
session_refresh(void *ctx, struct session *s, uint32_t index)
{
	worker_event(ctx, s, index, MIRROR_REFRESH);
}

/* In a crowded table sessions that can be spared make room for new ones. */
static void
evict(struct worker *w)
{
	w->crowded = session_table_wanted(w->sessions) > 0;
	if (likely(!w->crowded) || w->snap == NULL || !w->snap->tracking.evict)
		return;
	(void)session_table_evict(w->sessions, w->id, w->now, EVICT_STEP, session_gone, w);
}

/* Inbox, timers and freeing of this worker's shard; fragments whose time is over. */
static void
housekeep(struct worker *w)
{
	session_table_poll(
		w->sessions, w->id, w->now, HOUSEKEEPING_STEP, session_gone, session_refresh, w);
	evict(w);
	frag_age(w);
	alg_session_age(w);
	if (w->id == 0 && unlikely(servermap_count(w->servermap) > 0))
		servermap_age(w->servermap, &w->servermap_cursor, SERVERMAP_STEP, w->now,
			nat_expected_gone, w);
}

/* Its state is another one. */
static __rte_noinline void
session_changed(struct worker *w, struct session *s, uint32_t index)
{
	worker_event(w, s, index, MIRROR_UPDATE);
	if (unlikely(limit_used(w->limits)) &&
		!session_half_open(
			session_state_of(atomic_load_explicit(&s->ctl, memory_order_relaxed))))
		limit_answered(w->limits, index);
}

/* A SYN that begins a connection anew, on the ports of one that has ended. */
static inline bool
reopens(const struct session *s, unsigned int dir, const struct tcp_segment *seg)
{
	return (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && session_tcp_reopen(s, dir, seg);
}

/* Does a packet fit what its session has seen?  `read`: its text will be.  => DROP_NONE: the
 * session has followed it. */
static __rte_always_inline enum drop_reason
track(struct worker *w, struct pkt *p, struct session *s, uint32_t ctl, unsigned int dir,
	const struct tcp_segment *seg, bool read, bool *changed)
{
	enum drop_reason reason = DROP_NONE;

	if (p->proto == IPPROTO_TCP) {
		if (unlikely(l4_sum_wrong(w, p, read || segment_decides(ctl, seg))))
			return DROP_l4_checksum;
		return session_tcp_track(w->sessions, s, dir, seg,
			w->snap->tracking.tcp_window_check, w->id, w->now, changed);
	}
	if (p->icmp != PKT_NOT_ICMP)
		reason = echo_direction(p, dir);
	else if (unlikely(l4_sum_wrong(w, p, read || first_answer_to(ctl, dir))))
		reason = DROP_l4_checksum;
	if (likely(reason == DROP_NONE))
		*changed = follow(w, s, dir, pkt_chunk(p));
	return reason;
}

/* What is to be done with a packet of a session that is not simply forwarded. */
enum special {
	SPECIAL_FORWARD, /* forward it after all */
	SPECIAL_ENDED,	 /* it has ended */
	SPECIAL_FIRST	 /* a first packet, which takes the ended session's place */
};

/* A packet of a session between the families, which leaves as one of the other: as hit(). */
static __rte_noinline enum special
hit64(struct worker *w, struct pkt *p, struct session *s, unsigned int dir)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	enum drop_reason reason;
	struct tcp_segment seg;
	struct egress e;
	bool changed = false;

	if (!w->owner)
		reason = DROP_not_owner;
	else if (p->zone != s->zone[dir])
		reason = DROP_zone;
	else
		reason = nat64_way_out(w, p, s, dir, &e);
	if (reason != DROP_NONE) {
		notice_drop(w, p, reason, &e);
		return SPECIAL_ENDED;
	}
	if (p->proto == IPPROTO_TCP) {
		pkt_tcp_segment(p, &seg);
		if (unlikely(reopens(s, dir, &seg)))
			return SPECIAL_FIRST;
	}
	reason = track(w, p, s, ctl, dir, &seg, false, &changed);
	if (reason != DROP_NONE) {
		worker_drop(w, p, reason);
		return SPECIAL_ENDED;
	}
	if (unlikely(ctl & SESSION_F_REMOTE) && claim(w, s))
		changed = true;
	worker_touch(w, s, dir, p->ip_len);
	nat64_send(w, p, s, dir, &e);
	if (unlikely(changed))
		session_changed(w, s, session_table_index(w->sessions, s));
	return SPECIAL_ENDED;
}

static inline enum special
hit_specially(struct worker *w, struct pkt *p, struct session *s, unsigned int found_as)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	if (unlikely(ctl & SESSION_F_DEAD)) {
		worker_drop(w, p, DROP_session_dead);
		return SPECIAL_ENDED;
	}
	if (unlikely(ctl & SESSION_F_LOCAL)) {
		first_answer(w, p, s);
		return SPECIAL_ENDED;
	}
	if ((ctl & SESSION_KIND_NAT) == 0)
		return SPECIAL_FORWARD;
	/* The initiator is known by its own address, the responder sends to the outside one. */
	if (unlikely(((found_as ^ found_as / SESSION_DIR_OUTSIDE) & 1) != 0)) {
		worker_drop(w, p, DROP_nat_direction);
		return SPECIAL_ENDED;
	}
	return likely((ctl & SESSION_KIND_IPV6) == 0) ? SPECIAL_FORWARD
						      : hit64(w, p, s, found_as & 1);
}

static bool hit_alg(struct worker *, struct pkt *, uint32_t index, unsigned int found_as);

/* A packet with a session, of one family, a constant: the code of each is made from this.  The same
 * holds for `fragments` and `alg`: only datagrams in fragments, and sessions that an ALG reads, pay
 * for them.  `found_as`: as the look-up says it. */
static __rte_always_inline bool
hit(struct worker *w, struct pkt *p, uint32_t index, unsigned int found_as, unsigned int family,
	bool fragments, bool alg)
{
	struct session *s = session_table_at(w->sessions, index);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	const unsigned int dir = found_as & 1;
	enum drop_reason reason = DROP_NONE;
	struct tcp_segment seg;
	struct egress e;
	struct alg_pass pass;
	bool changed = false;

	if (p->icmp != PKT_NOT_ICMP && unlikely(l4_sum_wrong(w, p, true))) {
		worker_drop(w, p, DROP_l4_checksum);
		return true;
	}
	if (unlikely(p->icmp == PKT_ICMP_ERROR)) {
		icmp_error_hit(w, p, s, found_as);
		return true;
	}
	if (unlikely(ctl & (SESSION_F_DEAD | SESSION_F_LOCAL | SESSION_KIND_NAT | SESSION_F_ALG))) {
		const enum special special = hit_specially(w, p, s, found_as);

		if (special != SPECIAL_FORWARD)
			return special == SPECIAL_ENDED;
		if (!alg && (ctl & SESSION_F_ALG) != 0)
			return hit_alg(w, p, index, found_as);
	}
	if (unlikely(!w->owner))
		reason = DROP_not_owner;
	else if (unlikely(p->zone != s->zone[dir]))
		reason = DROP_zone;
	else
		reason = egress_of(w, p, family, s, dir, &e);
	if (likely(reason == DROP_NONE))
		reason = egress_allowed(w, p, family, &e, s->zone[!dir]);
	if (unlikely(reason != DROP_NONE)) {
		notice_drop(w, p, reason, &e);
		return true;
	}

	if (alg)
		alg_session_begin(w, s, index, dir, p, &pass);
	if (p->proto == IPPROTO_TCP) {
		pkt_tcp_segment(p, &seg);
		if (unlikely(reopens(s, dir, &seg))) {
			if (alg)
				alg_session_end(w, &pass);
			return false; /* a first packet, which takes the ended session's place */
		}
	}
	reason = track(w, p, s, ctl, dir, &seg, alg, &changed);
	if (alg) {
		if (reason == DROP_NONE &&
			!alg_session_text(w, p, w->snap->interfaces[e.interface].mtu, &pass))
			reason = DROP_alg;
		alg_session_end(w, &pass);
		if (p->ip_len > w->snap->interfaces[e.interface].mtu)
			e.word |= EGRESS_CUT; /* it has grown */
	}
	if (unlikely(reason != DROP_NONE)) {
		worker_drop(w, p, reason);
		return true;
	}
	if (unlikely(ctl & SESSION_F_REMOTE) && claim(w, s))
		changed = true;
	worker_touch(w, s, dir, p->ip_len);
	if (p->proto == IPPROTO_TCP && unlikely(seg.flags & TCP_SYN))
		egress_clamp(w, p, &e);
	if (family == 4 && unlikely(ctl & SESSION_KIND_NAT))
		nat_translate(p, s, dir);
	if (fragments)
		frag_send(w, p, &e);
	else
		egress_send(w, p, family, &e);
	if (unlikely(changed))
		session_changed(w, s, index);
	return true;
}

static __rte_noinline bool
hit_alg(struct worker *w, struct pkt *p, uint32_t index, unsigned int found_as)
{
	return p->family == 6 ? hit(w, p, index, found_as, 6, p->fragments, true)
			      : hit(w, p, index, found_as, 4, p->fragments, true);
}

/* Look up packets of one family.  `dir`: as session_table_lookup4() says. */
static __rte_always_inline void
lookup(struct worker *w, const struct pkt *pkts, uint32_t n, unsigned int family, uint32_t *found,
	uint8_t *dir)
{
	union {
		const struct session_key4 *v4[WORKER_BURST];
		const struct session_key6 *v6[WORKER_BURST];
	} keys;

	for (uint32_t i = 0; i < n; i++) {
		if (family == 6)
			keys.v6[i] = &pkts[i].key6;
		else
			keys.v4[i] = &pkts[i].key;
		dir[i] = pkts[i].swap;
	}
	if (family == 6)
		session_table_lookup6(w->sessions, keys.v6, n, found, dir);
	else
		session_table_lookup4(w->sessions, keys.v4, n, found, dir);
	/* The NIC's RSS hash would do if it equalled ours; that depends on driver and packet. */
	for (uint32_t i = 0; w->several && i < n; i++)
		w->stats.foreign_lookups +=
			(family == 6 ? session_table_home6(w->sessions, keys.v6[i])
				     : session_table_home4(w->sessions, keys.v4[i])) != w->id;
}

/* The packets of one family, from parse to their end. */
static __rte_always_inline void
walk(struct worker *w, struct pkt *pkts, uint32_t n, unsigned int family)
{
	uint32_t found[WORKER_BURST];
	uint8_t dir[WORKER_BURST];
	struct pkt *first[WORKER_BURST];
	uint32_t first_count = 0;

	lookup(w, pkts, n, family, found, dir);
	for (uint32_t i = 0; i < n; i++) {
		struct pkt *p = &pkts[i];

		if (unlikely(found[i] == SESSION_NONE) ||
			unlikely(!hit(w, p, found[i], dir[i], family, false, false)))
			first[first_count++] = p;
	}
	if (unlikely(first_count > 0))
		first_burst(w, first, first_count);
}

/* Room in the queues and the list of drops, so that no packet ends before all of its stages have
 * been noted. */
static void
make_room(struct worker *w)
{
	worker_free_dropped(w);
	for (uint64_t left = w->queued; left != 0; left &= left - 1) {
		const uint16_t interface = (uint16_t)__builtin_ctzll(left);

		if (w->own[interface].n > TX_QUEUE / 2)
			worker_flush(w, interface, &w->own[interface], false);
		if (w->fenced[interface].n > TX_QUEUE / 2)
			worker_flush(w, interface, &w->fenced[interface], true);
	}
}

bool
worker_hit(struct worker *w, struct pkt *p)
{
	uint32_t found;
	uint8_t dir;

	if (p->family == 6)
		lookup(w, p, 1, 6, &found, &dir);
	else
		lookup(w, p, 1, 4, &found, &dir);
	if (found == SESSION_NONE)
		return false;
	return p->family == 6 ? hit(w, p, found, dir, 6, p->fragments, false)
			      : hit(w, p, found, dir, 4, p->fragments, false);
}

/* Datagrams whose last fragment has just come: few, so one by one. */
static void
walk_datagrams(struct worker *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct pkt *p = &w->datagrams[i];

		if (unlikely(w->watching) && trace_datagram(w, p))
			make_room(w);
		if (!worker_hit(w, p))
			first_burst(w, &p, 1);
		if (unlikely(w->traced != NULL))
			trace_walked(w);
	}
}

static void
burst(struct worker *w, struct rte_mbuf **m, uint32_t n, uint16_t port)
{
	const struct parsed left = parse_burst(w, m, n, port);

	if (left.v4 > 0)
		walk(w, w->pkts, left.v4, 4);
	if (left.v6 > 0)
		walk(w, w->pkts6, left.v6, 6);
	if (unlikely(left.datagrams > 0))
		walk_datagrams(w, left.datagrams);
}

/* One packet that a trace follows. */
static void
traced(struct worker *w, struct rte_mbuf *m, uint16_t port, struct trace_record *r)
{
	struct parsed left;

	make_room(w);
	w->traced = r;
	left = parse_burst(w, &m, 1, port);
	if (left.v4 > 0) {
		trace_parsed(w, &w->pkts[0]);
		walk(w, w->pkts, 1, 4);
	} else if (left.v6 > 0) {
		trace_parsed(w, &w->pkts6[0]);
		walk(w, w->pkts6, 1, 6);
	}
	if (w->traced != NULL)
		trace_walked(w);
	if (left.datagrams > 0)
		walk_datagrams(w, left.datagrams);
}

/* A burst while somebody watches.  What a trace follows goes alone, the rest as ever, in order. */
static __rte_noinline void
watched_burst(struct worker *w, struct rte_mbuf **m, uint32_t n, uint16_t port)
{
	uint32_t from = 0;

	for (uint32_t i = 0; w->capture != NULL && i < n; i++)
		capture_received(w, m[i], port);
	for (uint32_t i = 0; w->trace != NULL && i < n; i++) {
		struct trace_record *r = trace_begin(w, m[i], port);

		if (r == NULL)
			continue;
		if (i > from)
			burst(w, m + from, i - from, port);
		traced(w, m[i], port, r);
		from = i + 1;
	}
	if (n > from)
		burst(w, m + from, n - from, port);
}

/* Frames of the control core: finished, sent as they are, with or without the lease. */
static uint32_t
inject(struct worker *w)
{
	struct rte_mbuf *m[WORKER_BURST];
	const uint32_t n =
		rte_ring_sc_dequeue_burst(w->engine->inject, (void **)m, WORKER_BURST, NULL);

	for (uint32_t i = 0; i < n; i++) {
		const uint16_t interface = pkt_meta(m[i])->interface;

		if (w->snap != NULL && interface < w->snap->interface_count &&
			!w->snap->interfaces[interface].heartbeat) {
			worker_send(w, m[i], interface, TX_INJECTED, pkt_meta(m[i])->fenced);
		} else {
			w->stats.inject_dropped++;
			rte_pktmbuf_free(m[i]);
		}
	}
	return n;
}

/* Where a frame ends that could not be sent.  => NULL: as its packet, in a drop reason. */
static uint64_t *
unsent_counter(struct worker *w, enum tx_kind kind)
{
	switch (kind) {
	case TX_INJECTED:
		return &w->stats.inject_dropped;
	case TX_NOTICE:
		return &w->stats.notices_lost;
	case TX_FRAGMENT:
		return &w->stats.fragments_lost;
	case TX_FORWARDED:
	case TX_ANSWERED:
	case TX_KINDS:
		break;
	}
	return NULL;
}

static void
unsent(struct worker *w, struct tx_queue *q, uint32_t from, uint32_t n, uint16_t place,
	enum drop_reason reason)
{
	for (uint32_t i = from; i < n; i++) {
		uint64_t *const lost = unsent_counter(w, (enum tx_kind)q->kind[i]);

		if (lost == NULL) {
			worker_drop_mbuf(w, q->m[i], place, reason);
			continue;
		}
		++*lost;
		rte_pktmbuf_free(q->m[i]);
	}
}

/* The lease once more, as late as can be: this thread may have been stopped since the poll began.
 */
static bool
still_owner(const struct worker *w)
{
	const mono_t now = w->clock != NULL ? clock_now(w->clock) : w->now;

	return mono_before(now, engine_lease(w->engine));
}

/* Tags of a subinterface's frames; those without room for one are dropped. */
static void
put_tags(struct worker *w, struct tx_queue *q, uint16_t interface, bool by_driver)
{
	const uint16_t vlan = w->snap->interfaces[interface].vlan;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < q->n; i++) {
		if (unlikely(!vlan_put(q->m[i], vlan, by_driver))) {
			unsent(w, q, i, i + 1U, interface, DROP_no_mbuf);
			continue;
		}
		q->m[kept] = q->m[i];
		q->kind[kept++] = q->kind[i];
	}
	q->n = kept;
}

void
worker_flush(struct worker *w, uint16_t interface, struct tx_queue *q, bool fenced)
{
	const struct snapshot_interface *out = &w->snap->interfaces[interface];
	const struct port *port = &w->engine->ports[out->port];
	struct trace_record *records[TX_QUEUE];
	uint64_t ended[TX_KINDS] = { 0 };
	uint16_t n;
	uint64_t bytes = 0;
	uint16_t sent = 0;

	if (fenced && unlikely(!still_owner(w))) {
		unsent(w, q, 0, q->n, interface, DROP_not_owner);
		q->n = 0;
		return;
	}
	if (unlikely(out->vlan != 0))
		put_tags(w, q, interface, port->tags_by_driver);
	n = q->n;
	q->n = 0;
	for (uint16_t i = 0; i < n; i++)
		bytes += q->m[i]->pkt_len;
	if (unlikely(w->watching))
		watch_sending(w, q, n, interface, records);
	sent = rte_eth_tx_burst(port->ethdev, w->id, q->m, n);
	if (unlikely(sent < n))
		sent = (uint16_t)(sent + rte_eth_tx_burst(port->ethdev, w->id, q->m + sent,
						 (uint16_t)(n - sent)));
	if (unlikely(w->watching))
		watch_sent(w, q, n, sent, interface, records);
	for (uint16_t i = 0; i < sent; i++)
		ended[q->kind[i]]++;
	for (uint16_t i = sent; i < n; i++)
		bytes -= q->m[i]->pkt_len;
	w->stats.tx += sent;
	w->stats.forwarded += ended[TX_FORWARDED];
	w->stats.answered += ended[TX_ANSWERED];
	w->stats.injected += ended[TX_INJECTED];
	w->interfaces[interface].tx_packets += sent;
	w->interfaces[interface].tx_bytes += bytes;
	w->stats.notices += ended[TX_NOTICE];
	w->stats.fragments += ended[TX_FRAGMENT];
	if (unlikely(sent < n))
		unsent(w, q, sent, n, interface, DROP_tx_full);
}

/* LACP's own frames leave when somebody sends, be it nothing. */
static void
serve_lacp(const struct worker *w)
{
	for (uint32_t left = w->engine->lacp; left != 0; left &= left - 1)
		(void)rte_eth_tx_burst(
			w->engine->ports[__builtin_ctz(left)].ethdev, w->id, NULL, 0);
}

uint32_t
worker_poll(struct worker *w, mono_t now)
{
	const struct engine *e = w->engine;
	const uint64_t beat = atomic_load_explicit(&w->beats, memory_order_relaxed);
	uint32_t handled = 0;

	FW_ASSERT(w->reader >= 0);
	w->now = now;
	w->now_s = mono_seconds(now);
	w->route_gen = atomic_load_explicit(&e->route_gen, memory_order_acquire);
	w->snap = atomic_load_explicit(&e->snapshot, memory_order_acquire);
	w->mirror = atomic_load_explicit(&e->mirror, memory_order_relaxed);
	w->trace = atomic_load_explicit(&e->trace, memory_order_acquire);
	w->capture = atomic_load_explicit(&e->capture, memory_order_acquire);
	w->watching = w->trace != NULL || w->capture != NULL;

	if (w->id == 0)
		handled += inject(w);
	for (uint16_t port = 0; port < e->port_count; port++) {
		struct rte_mbuf *m[WORKER_BURST];
		uint16_t n;

		if (e->unpolled[port])
			continue;
		n = rte_eth_rx_burst(e->ports[port].ethdev, w->id, m, WORKER_BURST);
		if (n == 0)
			continue;
		w->owner = mono_before(now, engine_lease(e));
		if (unlikely(w->watching))
			watched_burst(w, m, n, port);
		else
			burst(w, m, n, port);
		handled += n;
	}
	if (unlikely(w->deferred->count > 0))
		defer_poll(w);
	for (; w->queued != 0; w->queued &= w->queued - 1) {
		const uint16_t interface = (uint16_t)__builtin_ctzll(w->queued);

		if (w->own[interface].n > 0)
			worker_flush(w, interface, &w->own[interface], false);
		if (w->fenced[interface].n > 0)
			worker_flush(w, interface, &w->fenced[interface], true);
	}
	if (unlikely(e->lacp != 0) && (beat & (LACP_EVERY - 1)) == 0)
		serve_lacp(w);
	if (handled == 0 || w->crowded || (beat & (HOUSEKEEPING_EVERY - 1)) == 0)
		housekeep(w);
	if (w->dropped_count > 0)
		worker_free_dropped(w);
	rcu_quiescent(e->rcu, w->reader);
	atomic_store_explicit(&w->beats, beat + 1, memory_order_release);
	return handled;
}

int
worker_bind(struct worker *w)
{
	FW_ASSERT(w->reader < 0);
	w->reader = rcu_register(w->engine->rcu);
	return w->reader < 0 ? -EBUSY : 0;
}

void
worker_unbind(struct worker *w)
{
	if (w->reader >= 0)
		rcu_unregister(w->engine->rcu, w->reader);
	w->reader = -1;
}

void
worker_sleep_begin(struct worker *w)
{
	rcu_offline(w->engine->rcu, w->reader);
}

void
worker_sleep_end(struct worker *w)
{
	rcu_online(w->engine->rcu, w->reader);
}

void
worker_set_clock(struct worker *w, const struct clock *c)
{
	w->clock = c;
}

uint64_t
worker_beats(const struct worker *w)
{
	return atomic_load_explicit(&w->beats, memory_order_acquire);
}

struct worker *
worker_create(
	struct engine *e, uint16_t id, uint32_t event_ring, int socket, char *err, size_t err_size)
{
	struct worker *w = rte_zmalloc_socket("worker", sizeof(*w), alignof(struct worker), socket);
	char name[RTE_RING_NAMESIZE];

	if (w == NULL)
		goto no_memory;
	w->engine = e;
	w->id = id;
	w->several = e->worker_count > 1;
	w->reader = -1;
	w->sessions = e->sessions;
	w->neighbours = e->neighbours;
	w->routes = e->routes;
	w->routes6 = e->routes6;
	w->blacklist = e->blacklist;
	w->limits = e->limits;
	w->servermap = e->servermap;
	snprintf(name, sizeof(name), "%s-punt%u", e->name, id);
	w->punt = rte_ring_create(name, PUNT_RING, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "%s-event%u", e->name, id);
	w->events = rte_ring_create_elem(name, sizeof(struct mirror_event), event_ring, socket,
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "%s-log%u", e->name, id);
	w->log = rte_ring_create_elem(name, sizeof(struct traffic_log_record), LOG_RING, socket,
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	w->deferred = rte_zmalloc_socket("deferred", sizeof(*w->deferred), 64, socket);
	if (w->punt != NULL && w->events != NULL && w->log != NULL && w->deferred != NULL)
		return w;
	worker_destroy(w);
no_memory:
	snprintf(err, err_size, "worker %u: %s", id, rte_strerror(rte_errno));
	return NULL;
}

void
worker_destroy(struct worker *w)
{
	struct rte_mbuf *m;

	if (w == NULL)
		return;
	defer_drain(w);
	rte_free(w->deferred);
	while (w->punt != NULL && rte_ring_dequeue(w->punt, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(w->punt);
	rte_ring_free(w->events);
	rte_ring_free(w->log);
	rte_free(w);
}
