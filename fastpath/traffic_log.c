/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy.h"
#include "worker.h"

#include <rte_ring_elem.h>

#include <string.h>

static bool
wanted(enum traffic_log_scope scope, const struct policy *policy, uint32_t rule)
{
	uint16_t slot;

	if (scope != TRAFFIC_LOG_RULES)
		return scope == TRAFFIC_LOG_ALL;
	slot = policy_slot_of(policy, rule);
	return policy_rule_log(policy, slot);
}

static void
post(struct worker *w, struct traffic_log_record *r)
{
	if (unlikely(rte_ring_sp_enqueue_elem(w->log, r, sizeof(*r)) != 0))
		w->stats.log_lost++;
}

/* Addresses and ports as endpoint `swap` sees them. */
static void
fill_tuple4(struct traffic_log_record *r, const struct session_key4 *key, uint8_t swap)
{
	const struct session_tuple4 t = session_key4_tuple(key, swap);

	r->family = 4;
	r->src.v4 = t.src;
	r->dst.v4 = t.dst;
	r->sport = t.sport;
	r->dport = t.dport;
	r->proto = t.proto;
}

static void
fill_tuple6(struct traffic_log_record *r, const struct session_key6 *key, uint8_t swap)
{
	const struct session_tuple6 t = session_key6_tuple(key, swap);

	r->family = 6;
	memcpy(r->src.v6, t.src, sizeof(r->src.v6));
	memcpy(r->dst.v6, t.dst, sizeof(r->dst.v6));
	r->sport = t.sport;
	r->dport = t.dport;
	r->proto = t.proto;
}

static void
fill_outside(const struct worker *w, const struct session *s, struct traffic_log_record *r)
{
	struct session_outside o;
	struct session_tuple4 t;

	if (!session_table_outside(w->sessions, s, &o))
		return;
	t = session_key4_tuple(&o.key, o.swap);
	r->nat_src = t.src;
	r->nat_dst = t.dst;
	r->nat_sport = t.sport;
	r->nat_dport = t.dport;
}

static bool
fill_session(const struct worker *w, const struct session *s, struct traffic_log_record *r)
{
	struct session_key4 key4;
	struct session_key6 key6;

	if (session_table_key4(w->sessions, s, &key4))
		fill_tuple4(r, &key4, session_swap(s));
	else if (session_table_key6(w->sessions, s, &key6))
		fill_tuple6(r, &key6, session_swap(s));
	fill_outside(w, s, r);
	return r->family != 0;
}

static enum traffic_log_end
end_of(uint32_t ctl, enum session_end end)
{
	if (end == SESSION_END_DENIED)
		return TRAFFIC_LOG_END_POLICY;
	switch (session_state_of(ctl)) {
	case SESSION_TCP_TIME_WAIT:
	case SESSION_TCP_CLOSED:
	case SESSION_SCTP_CLOSED:
		return TRAFFIC_LOG_END_CLOSED;
	default:
		return end == SESSION_END_IDLE ? TRAFFIC_LOG_END_IDLE : TRAFFIC_LOG_END_FORCED;
	}
}

void
traffic_log_session(struct worker *w, const struct session *s, uint32_t index,
	enum traffic_log_event event, enum session_end end)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);
	struct traffic_log_record r = { 0 };

	/* The owner tells of its sessions, not who holds a copy. */
	if (likely(w->snap == NULL || w->snap->log_sessions == TRAFFIC_LOG_OFF) ||
		(ctl & SESSION_F_REMOTE) != 0 ||
		!wanted(w->snap->log_sessions, w->snap->policy, s->policy) ||
		!fill_session(w, s, &r))
		return;
	for (unsigned int i = 0; i < 2; i++) {
		r.packets[i] = s->dir[i].packets;
		r.bytes[i] = s->dir[i].bytes;
		r.zone[i] = s->zone[i];
	}
	r.event = (uint8_t)event;
	r.end = event == TRAFFIC_LOG_DELETE ? (uint8_t)end_of(ctl, end) : 0;
	r.index = index;
	r.generation = atomic_load_explicit(&s->generation, memory_order_relaxed);
	r.policy = s->policy;
	r.created = s->created;
	r.at = w->now_s;
	post(w, &r);
}

void
traffic_log_denied(struct worker *w, const struct pkt *p, uint8_t zone, uint32_t rule)
{
	struct traffic_log_record r = { .packets = { 1 },
		.bytes = { p->ip_len },
		.zone = { p->zone, zone },
		.event = TRAFFIC_LOG_DENY,
		.policy = rule,
		.created = w->now_s,
		.at = w->now_s };

	if (likely(w->snap->log_denied == TRAFFIC_LOG_OFF) ||
		!wanted(w->snap->log_denied, w->snap->policy, rule))
		return;
	if (p->family == 6)
		fill_tuple6(&r, &p->key6, p->swap);
	else
		fill_tuple4(&r, &p->key, p->swap);
	post(w, &r);
}
