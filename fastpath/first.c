/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * First packets.  Order: source check, own address?, may this packet open a session at all, route
 * and out zone, security policy, create session, mirror event.  Whatever no rule permits is
 * dropped.
 */
#include "first.h"

#include "egress.h"
#include "l4_sum.h"
#include "policy.h"

/* A packet that has passed everything up to the policy. */
struct candidate {
	struct pkt *p;
	const struct snapshot_address *own; /* not NULL: to the firewall itself */
	struct egress egress;
	uint8_t zone; /* where it leads */
};

/* Sources that cannot be where the packet claims to come from. */
static bool
source_forged(const struct worker *w, const struct pkt *p)
{
	const struct snapshot_interface *in = &w->snap->interfaces[p->interface];
	const rte_be32_t src = p->ip->src_addr;
	uint16_t interface;
	rte_be32_t next_hop;

	if (snapshot_own_address(w->snap, src) != NULL)
		return true;
	/* A directly connected network is behind its own interface only. */
	if (route_lookup(w->routes, src, &interface, &next_hop) && next_hop == src &&
		interface != p->interface)
		return true;
	if (in->address != 0 && in->prefix_len > 0 && in->prefix_len < 31) {
		const uint32_t host = UINT32_MAX >> in->prefix_len;
		const uint32_t address = rte_be_to_cpu_32(src);

		if (((address ^ rte_be_to_cpu_32(in->address)) & ~host) == 0 &&
			((address & host) == 0 || (address & host) == host))
			return true;
	}
	return false;
}

/* Destinations no route may lead to. */
static bool
destination_bad(rte_be32_t addr)
{
	const uint32_t dst = rte_be_to_cpu_32(addr);

	return dst >> 24 == 0 || dst >> 24 == 127 || dst >= PKT_IPV4(224, 0, 0, 0);
}

static bool
address_active(const struct worker *w, const struct snapshot_address *own)
{
	return own->vrid == 0 || (w->owner && engine_vmac(w->engine, own->interface, own->vrid));
}

static bool
is_echo_request(const struct pkt *p)
{
	return p->proto == IPPROTO_ICMP && !p->icmp_error && p->icmp_type == ICMP_ECHO_REQUEST;
}

static bool
is_echo_reply(const struct pkt *p)
{
	return p->proto == IPPROTO_ICMP && !p->icmp_error && p->icmp_type == ICMP_ECHO_REPLY;
}

static void
answer(struct worker *w, struct pkt *p, const struct snapshot_address *own, struct session *s)
{
	struct rte_ether_hdr *eth = pkt_ether(p);

	if (rte_is_multicast_ether_addr(&eth->src_addr)) {
		worker_drop(w, p, DROP_not_for_us);
		return;
	}
	worker_touch(w, s, 0, p->ip_len);
	worker_touch(w, s, 1, p->ip_len);
	rewrite_echo_reply(eth, p->ip, pkt_l4(p));
	worker_queue(w, p->m, p->port, TX_ANSWERED, own->vrid != 0);
}

void
first_answer(struct worker *w, struct pkt *p, struct session *s)
{
	const struct snapshot_address *own = snapshot_own_address(w->snap, p->ip->dst_addr);

	if (own == NULL)
		worker_drop(w, p, DROP_no_service);
	else if (!address_active(w, own))
		worker_drop(w, p, DROP_not_owner);
	else if (is_echo_reply(p))
		worker_drop(w, p, DROP_icmp_reply);
	else if (!is_echo_request(p) || (p->swap ^ session_swap(s)) != 0)
		worker_drop(w, p, DROP_no_service);
	else if (p->zone != s->zone[0])
		worker_drop(w, p, DROP_zone);
	else
		answer(w, p, own, s);
}

/* session_create: make the candidate's session visible and let its packet through.
 * => false: another worker was faster; the packet has gone through that session. */
static bool
session_create(struct worker *w, const struct candidate *c, uint32_t policy)
{
	struct pkt *p = c->p;
	const uint32_t kind = session_kind(4, p->proto, p->swap);
	enum drop_reason reason = DROP_NONE;
	struct tcp_segment seg;
	struct session *s;
	uint32_t index;
	bool existed = false;

	if (unlikely(l4_sum_wrong(w, p, true))) {
		worker_drop(w, p, DROP_l4_checksum);
		return true;
	}
	s = session_table_alloc(w->sessions);
	if (s == NULL) {
		worker_drop(w, p, DROP_table_full);
		return true;
	}
	s->zone[0] = p->zone;
	s->zone[1] = c->zone;
	s->policy = policy;
	atomic_store_explicit(&s->last_seen, w->now_s, memory_order_relaxed);
	if (c->own != NULL) {
		atomic_store_explicit(&s->ctl, kind | SESSION_ICMP_REPLIED | SESSION_F_LOCAL,
			memory_order_relaxed);
	} else if (p->proto == IPPROTO_TCP) {
		pkt_tcp_segment(p, &seg);
		atomic_store_explicit(&s->ctl, kind, memory_order_relaxed);
		reason = session_tcp_first(s, &seg, w->snap->tracking.tcp_loose);
	} else {
		atomic_store_explicit(&s->ctl,
			kind | session_other_first(p->proto, p->key.port[!p->swap]),
			memory_order_relaxed);
	}
	if (c->own == NULL)
		egress_cache(w, &s->dir[0], &c->egress);
	index = SESSION_NONE;
	if (reason == DROP_NONE) {
		index = session_table_insert4(w->sessions, s, &p->key, w->id, w->now, &existed);
		reason = DROP_table_full;
	}
	if (existed && p->proto == IPPROTO_TCP) {
		const struct session *old = session_table_at(w->sessions, index);
		uint32_t replaced = SESSION_NONE;

		if (session_tcp_reopen(old, p->swap ^ session_swap(old), &seg))
			replaced = session_table_replace4(
				w->sessions, s, &p->key, index, w->id, w->now);
		if (replaced != SESSION_NONE) {
			index = replaced;
			existed = false;
		}
	}
	if (index == SESSION_NONE || existed)
		session_table_unalloc(w->sessions, s);
	if (index == SESSION_NONE) {
		worker_drop(w, p, reason);
		return true;
	}
	if (existed) {
		if (!worker_hit(w, p, index))
			worker_drop(w, p, DROP_session_dead);
		return false;
	}
	w->stats.sessions_created++;
	if (c->own != NULL) {
		answer(w, p, c->own, s);
	} else {
		worker_touch(w, s, 0, p->ip_len);
		if (p->proto == IPPROTO_TCP && seg.flags & TCP_SYN)
			egress_clamp(w, p, &c->egress);
		egress_send(w, p, &c->egress);
	}
	traffic_log_session(w, s, index, TRAFFIC_LOG_CREATE, false);
	worker_event(w, s, index, MIRROR_CREATE);
	return true;
}

/* To one of our own addresses.
 * => DROP_NONE: ask the policy (*ask) or all done. */
static enum drop_reason
prepare_own(struct worker *w, struct candidate *c, bool *ask)
{
	struct pkt *p = c->p;

	if (p->proto == PKT_VRRP_PROTO) {
		worker_punt(w, p, PUNT_VRRP);
		return DROP_NONE;
	}
	if (!address_active(w, c->own))
		return DROP_not_owner;
	if (is_echo_reply(p))
		return DROP_icmp_reply;
	if (is_echo_request(p) && c->own->interface == p->interface &&
		w->snap->interfaces[p->interface].ping) {
		session_create(w, c, 0);
		return DROP_NONE;
	}
	*ask = true;
	return DROP_NONE;
}

/* May this packet open a session, and where would it go? */
static enum drop_reason
prepare_transit(const struct worker *w, struct candidate *c)
{
	const struct pkt *p = c->p;
	enum drop_reason reason;

	if (!w->owner)
		return DROP_not_owner;
	if (is_echo_reply(p))
		return DROP_icmp_reply;
	if (p->proto == IPPROTO_TCP) {
		struct session probe = { 0 };
		struct tcp_segment seg;

		pkt_tcp_segment(p, &seg);
		reason = session_tcp_first(&probe, &seg, w->snap->tracking.tcp_loose);
		if (reason != DROP_NONE)
			return reason;
	}
	if (p->proto == IPPROTO_SCTP && !session_other_opens(pkt_chunk(p)))
		return DROP_no_session;
	if (destination_bad(p->ip->dst_addr))
		return DROP_no_route;
	reason = egress_resolve(w, p->ip->dst_addr, &c->egress);
	if (reason != DROP_NONE)
		return reason;
	if (c->egress.interface >= w->snap->interface_count)
		return DROP_no_route;
	c->zone = w->snap->interfaces[c->egress.interface].zone;
	return egress_allowed(w, p, &c->egress, c->zone);
}

/* prepare: everything before the policy.  => true: ask the policy; false: the packet is done. */
static bool
prepare(struct worker *w, struct candidate *c)
{
	struct pkt *p = c->p;
	enum drop_reason reason;
	bool ask = false;

	c->zone = ZONE_LOCAL;
	c->own = NULL;
	if (p->icmp_error) {
		reason = DROP_icmp_no_session;
	} else if (source_forged(w, p)) {
		reason = DROP_ip_source;
	} else {
		c->own = snapshot_own_address(w->snap, p->ip->dst_addr);
		if (c->own != NULL) {
			reason = prepare_own(w, c, &ask);
		} else {
			reason = prepare_transit(w, c);
			ask = reason == DROP_NONE;
		}
	}
	if (reason != DROP_NONE)
		worker_drop(w, p, reason);
	return ask;
}

static void
policy_key_of(const struct candidate *c, struct policy_key *k)
{
	const struct pkt *p = c->p;
	const bool ports =
		p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP || p->proto == IPPROTO_SCTP;

	k->source_zone = p->zone;
	k->destination_zone = c->zone;
	k->proto = p->proto;
	k->src = p->ip->src_addr;
	k->dst = p->ip->dst_addr;
	k->sport = ports ? p->key.port[p->swap] : 0;
	k->dport = ports ? p->key.port[!p->swap] : 0;
}

static void
conclude(struct worker *w, const struct candidate *c, const struct policy_verdict *v)
{
	struct pkt *p = c->p;

	if (v->action != POLICY_PERMIT) {
		w->rule_hits[v->slot]++;
		traffic_log_denied(w, p, c->zone, v->id);
		worker_drop(w, p, v->action == POLICY_REJECT ? DROP_policy_reject : DROP_policy);
	} else if (c->own != NULL && !is_echo_request(p)) {
		w->rule_hits[v->slot]++;
		worker_drop(w, p, DROP_no_service);
	} else if (session_create(w, c, v->id)) {
		w->rule_hits[v->slot]++;
	}
}

void
first_burst(struct worker *w, struct pkt *const *p, uint32_t n)
{
	struct candidate candidates[WORKER_BURST];
	struct policy_key keys[WORKER_BURST];
	struct policy_verdict verdicts[WORKER_BURST];
	uint32_t asked = 0;

	FW_ASSERT(n <= WORKER_BURST);
	for (uint32_t i = 0; i < n; i++) {
		struct candidate *c = &candidates[asked];

		c->p = p[i];
		if (prepare(w, c))
			policy_key_of(c, &keys[asked++]);
	}
	if (asked == 0)
		return;
	policy_classify(w->snap->policy, keys, asked, verdicts);
	for (uint32_t i = 0; i < asked; i++)
		conclude(w, &candidates[i], &verdicts[i]);
}
