/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * First packets.  Order: blacklist, server-map, destination NAT, own address?, may this packet open
 * a session at all; source check, route and out zone; security policy; source NAT, create session,
 * mirror event. Each step takes the whole burst.  Whatever no rule permits is dropped.
 */
#include "first.h"

#include "alg_session.h"
#include "defer.h"
#include "egress.h"
#include "frag.h"
#include "l4_sum.h"
#include "nat.h"
#include "nat64.h"
#include "nat_walk.h"
#include "notice_send.h"
#include "parse_l4.h"
#include "policy_count.h"
#include "servermap.h"
#include "watch.h"

/* An address of ours, of either family. */
struct own {
	uint16_t interface;
	uint8_t vrid;
	bool silent; /* accept mode is off */
	bool found;
};

/* A packet that has passed everything up to the policy. */
struct candidate {
	struct pkt *p;
	struct own own;	   /* found: to the firewall itself */
	uint8_t child_alg; /* of what is expected */
	bool expected;	   /* by the server-map: needs no rule */
	union {
		struct nat_lead lead;  /* of IPv4; dst is always set */
		struct nat64_lead to4; /* of IPv6 */
	};
	struct egress egress;
	uint8_t zone;		  /* where it leads */
	enum drop_reason refused; /* cannot go on; its sender hears of it if the policy permits */
};

static inline bool
is_nat64(const struct candidate *c)
{
	return c->p->family == 6 && unlikely(c->to4.group != NAT_GROUP_NONE);
}

/* The family that a packet leaves as. */
static inline unsigned int
leaves_as(const struct candidate *c)
{
	return is_nat64(c) ? 4 : c->p->family;
}

static void
find_own(const struct worker *w, const struct pkt *p, struct own *own)
{
	own->found = false;
	if (p->family == 6) {
		const struct snapshot_address6 *a =
			snapshot_own_address6(w->snap, p->interface, p->ip6->dst_addr);

		if (a != NULL)
			*own = (struct own){ a->interface, a->vrid, a->silent, true };
	} else {
		const struct snapshot_address *a = snapshot_own_address(w->snap, p->ip->dst_addr);

		if (a != NULL)
			*own = (struct own){ a->interface, a->vrid, a->silent, true };
	}
}

/* Addresses between which nothing is routed. */
static enum drop_reason
unroutable(const struct candidate *c)
{
	const struct pkt *p = c->p;

	if (p->family == 6) {
		if (ip6_is_link_local(p->ip6->src_addr) || ip6_is_link_local(p->ip6->dst_addr))
			return DROP_link_local;
		if (is_nat64(c))
			return ip4_is_host(c->to4.dst) ? DROP_NONE : DROP_no_route;
		return ip6_is_host(p->ip6->dst_addr) ? DROP_NONE : DROP_no_route;
	}
	return ip4_is_host(c->lead.dst) ? DROP_NONE : DROP_no_route;
}

static bool
address_active(const struct worker *w, const struct pkt *p, const struct own *own)
{
	const uint16_t family = p->family == 6 ? VMAC_IPV6 : 0;

	return own->vrid == 0 ||
	       (w->owner && engine_vmac(w->engine, own->interface, family | own->vrid));
}

/* Of the queries that sessions know only echo is for us. */
static bool
is_echo_request(const struct pkt *p)
{
	return p->icmp == PKT_ICMP_REQUEST &&
	       (p->family == 4 || *(const uint8_t *)pkt_l4(p) == ICMP6_ECHO_REQUEST);
}

static void
answer(struct worker *w, struct pkt *p, const struct own *own, struct session *s)
{
	struct rte_ether_hdr *eth = pkt_ether(p);

	if (rte_is_multicast_ether_addr(&eth->src_addr)) {
		worker_drop(w, p, DROP_not_for_us);
		return;
	}
	worker_touch(w, s, 0, p->ip_len);
	worker_touch(w, s, 1, p->ip_len);
	if (unlikely(p->fragments)) {
		frag_answer(w, p, own->vrid != 0);
		return;
	}
	if (p->family == 6)
		rewrite_echo_reply6(eth, p->ip6, pkt_l4(p));
	else
		rewrite_echo_reply(eth, p->ip, pkt_l4(p));
	worker_send(w, p->m, p->interface, TX_ANSWERED, own->vrid != 0);
}

void
first_answer(struct worker *w, struct pkt *p, struct session *s)
{
	struct own own;

	find_own(w, p, &own);
	if (!own.found)
		worker_drop(w, p, DROP_no_service);
	else if (!address_active(w, p, &own))
		worker_drop(w, p, DROP_not_owner);
	else if (p->icmp == PKT_ICMP_REPLY)
		worker_drop(w, p, DROP_icmp_reply);
	else if (!is_echo_request(p) || (p->swap ^ session_swap(s)) != 0)
		worker_drop(w, p, DROP_no_service);
	else if (p->zone != s->zone[0])
		worker_drop(w, p, DROP_zone);
	else
		answer(w, p, &own, s);
}

/* => the limit that a session which is about to begin would pass, or DROP_NONE: it is counted. */
static __rte_noinline enum drop_reason
limited(struct worker *w, const struct pkt *p, const struct session *s)
{
	const struct limit_session begins = {
		.index = session_table_index(w->sessions, s),
		.zone = p->zone,
		.family = p->family,
		.half_open = session_half_open(
			session_state_of(atomic_load_explicit(&s->ctl, memory_order_relaxed))),
		.source = p->family == 6 ? (const void *)p->ip6->src_addr : &p->ip->src_addr,
	};

	return limit_take(w->limits, &w->snap->limits[p->zone], &begins, w->now);
}

/* insert: make a session visible, in the place of `old` if that is one.  plan: NULL, nothing is
 * translated.
 * => Its index; that of another with the same key, and *existed; or SESSION_NONE and *reason. */
static uint32_t
insert(struct worker *w, const struct candidate *c, struct nat_plan *plan, struct session *s,
	uint32_t old, bool *existed, enum drop_reason *reason)
{
	const struct pkt *p = c->p;

	*reason = DROP_table_full;
	if (is_nat64(c))
		return nat64_insert(w, p, s, &c->to4, old, existed, reason);
	if (unlikely(plan != NULL) && nat_plan_translates(plan))
		return nat_walk_insert(w, p, s, plan, old, existed, reason);
	if (likely(old == SESSION_NONE))
		return p->family == 6 ? session_table_insert6(
						w->sessions, s, &p->key6, w->id, w->now, existed)
				      : session_table_insert4(
						w->sessions, s, &p->key, w->id, w->now, existed);
	return p->family == 6 ? session_table_replace6(w->sessions, s, &p->key6, old, w->id, w->now)
			      : session_table_replace4(w->sessions, s, &p->key, old, w->id, w->now);
}

/* Fill a session that nobody can find yet.  => why the packet cannot begin one, or DROP_NONE. */
static enum drop_reason
fill(struct worker *w, const struct candidate *c, struct session *s, uint32_t policy,
	struct tcp_segment *seg)
{
	struct pkt *p = c->p;
	const uint32_t kind = session_kind(p->family, p->proto, p->swap);
	enum drop_reason reason = DROP_NONE;

	s->zone[0] = p->zone;
	s->zone[1] = c->zone;
	atomic_store_explicit(&s->policy, policy, memory_order_relaxed);
	atomic_store_explicit(&s->last_seen, w->now_s, memory_order_relaxed);
	if (c->own.found) {
		atomic_store_explicit(&s->ctl, kind | SESSION_ICMP_REPLIED | SESSION_F_LOCAL,
			memory_order_relaxed);
		return DROP_NONE;
	}
	if (p->proto == IPPROTO_TCP) {
		pkt_tcp_segment(p, seg);
		atomic_store_explicit(&s->ctl, kind, memory_order_relaxed);
		reason = session_tcp_first(s, seg, w->snap->tracking.tcp_loose);
	} else {
		atomic_store_explicit(&s->ctl,
			kind | session_other_first(p->proto, parse_key_ports(p).dst),
			memory_order_relaxed);
	}
	egress_cache(w, &s->dir[0], &c->egress);
	return reason;
}

static struct servermap_key
expected_key(const struct pkt *p)
{
	return (struct servermap_key){ .dst = p->family == 6 ? ip_addr_v6(p->ip6->dst_addr)
							     : ip_addr_v4(p->ip->dst_addr),
		.dport = parse_key_ports(p).dst,
		.proto = p->proto };
}

static struct ip_addr
source_of(const struct pkt *p)
{
	return p->family == 6 ? ip_addr_v6(p->ip6->src_addr) : ip_addr_v4(p->ip->src_addr);
}

/* Is it expected?  Nothing is used up yet: much may still stand in its way. */
static __rte_noinline bool
expected_look(const struct worker *w, struct candidate *c)
{
	const struct servermap_key key = expected_key(c->p);
	const struct ip_addr src = source_of(c->p);
	struct servermap_entry e;

	if (!servermap_peek(w->servermap, &key, &src, c->p->zone, w->now, &e))
		return false;
	c->expected = true;
	c->child_alg = e.child_alg;
	if (c->p->family == 4) {
		c->lead = (struct nat_lead){ .dst = key.dst.v4, .dport = key.dport };
		if (e.to.family == 4) {
			c->lead = (struct nat_lead){
				.dst = e.to.v4, .dport = e.to_port, .translated = true
			};
		}
	}
	return true;
}

/* The session that was expected begins.  => DROP_NONE, or its entry is somebody else's by now. */
static __rte_noinline enum drop_reason
expected_take(struct worker *w, const struct candidate *c, struct session *s, struct nat_plan *plan)
{
	const struct servermap_key key = expected_key(c->p);
	const struct ip_addr src = source_of(c->p);
	struct servermap_entry e;
	bool last;

	atomic_fetch_or_explicit(&s->ctl, SESSION_F_EXPECTED, memory_order_relaxed);
	if (plan != NULL && plan->lead.behind) {
		atomic_store_explicit(&s->policy, 0, memory_order_relaxed);
		return nat_walk_hold(w, c->p, plan) ? DROP_NONE : DROP_nat_no_mapping;
	}
	if (!servermap_take(w->servermap, &key, &src, c->p->zone, w->now, &e, &last))
		return DROP_session_dead;
	atomic_store_explicit(&s->policy, e.policy, memory_order_relaxed);
	if (plan != NULL) {
		plan->inbound = last ? e.note : 0;
		plan->at = e.from.family == 4 ? e.from.v4 : 0;
	}
	return DROP_NONE;
}

/* The first packet goes on its way. */
static void
leave(struct worker *w, struct candidate *c, struct session *s, bool syn)
{
	struct pkt *p = c->p;

	if (unlikely(nat64_session(s))) {
		nat64_send(w, p, s, 0, &c->egress);
		return;
	}
	if (syn)
		egress_clamp(w, p, &c->egress);
	if (unlikely((atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_ALG) != 0) &&
		!alg_session_first(w, s, p, w->snap->interfaces[c->egress.interface].mtu)) {
		worker_drop(w, p, DROP_alg);
		return;
	}
	if (unlikely(session_translated(s)))
		nat_translate(p, s, 0);
	if (unlikely(p->fragments))
		frag_send(w, p, &c->egress);
	else
		egress_send(w, p, p->family, &c->egress);
}

/* session_create: make the candidate's session visible and let its packet through.
 * => false: another worker was faster; the packet has gone through that session. */
static bool
session_create(struct worker *w, struct candidate *c, const struct policy_verdict *v)
{
	struct pkt *p = c->p;
	const bool nat = unlikely(w->engine->nat_groups != NULL) && p->family == 4 && !c->own.found;
	struct nat_plan plan, *const planned = nat ? &plan : NULL;
	uint32_t index = SESSION_NONE;
	enum drop_reason reason;
	struct tcp_segment seg;
	struct session *s;
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
	if (nat)
		plan = (struct nat_plan){ .lead = c->lead };
	reason = fill(w, c, s, v->id, &seg);
	if (reason == DROP_NONE && unlikely(w->snap->limit_zones >> p->zone & 1))
		reason = limited(w, p, s);
	if (reason == DROP_NONE && unlikely(c->expected))
		reason = expected_take(w, c, s, planned);
	if (reason == DROP_NONE && nat)
		reason = nat_walk_source(w, p, c->zone, c->egress.interface, &plan);
	if (reason == DROP_NONE && unlikely(w->snap->algs != 0) && !c->own.found && !is_nat64(c) &&
		!(nat && plan.no_alg))
		alg_session_start(w, s, p->proto,
			p->family == 4 && c->lead.translated ? c->lead.dport
							     : parse_key_ports(p).dst,
			c->child_alg, v->slot);
	if (reason == DROP_NONE)
		index = insert(w, c, planned, s, SESSION_NONE, &existed, &reason);
	if (existed && p->proto == IPPROTO_TCP) {
		const struct session *old = session_table_at(w->sessions, index);
		uint32_t replaced = SESSION_NONE;
		enum drop_reason why;
		bool again = false;

		if (session_tcp_reopen(old, p->swap ^ session_swap(old), &seg))
			replaced = insert(w, c, planned, s, index, &again, &why);
		if (replaced != SESSION_NONE && !again) {
			index = replaced;
			existed = false;
		}
	}
	if (index == SESSION_NONE || existed) {
		limit_gone(w->limits, session_table_index(w->sessions, s));
		alg_session_unstart(w, s);
		session_table_unalloc(w->sessions, s);
		if (nat)
			nat_walk_release(w, p, &plan);
	}
	if (index == SESSION_NONE) {
		notice_drop(w, p, reason, &c->egress);
		return true;
	}
	if (existed) {
		if (!worker_hit(w, p))
			worker_drop(w, p, DROP_session_dead);
		return false;
	}
	w->stats.sessions_created++;
	if (unlikely(w->snap->defer[p->zone] >> c->zone & 1) && defer_first(w, p, s, index)) {
		traffic_log_session(w, s, index, TRAFFIC_LOG_CREATE, SESSION_END_IDLE);
		return true;
	}
	if (c->own.found) {
		answer(w, p, &c->own, s);
	} else {
		worker_touch(w, s, 0, p->ip_len);
		leave(w, c, s, p->proto == IPPROTO_TCP && seg.flags & TCP_SYN);
	}
	traffic_log_session(w, s, index, TRAFFIC_LOG_CREATE, SESSION_END_IDLE);
	worker_event(w, s, index, MIRROR_CREATE);
	return true;
}

static const struct policy_verdict no_rule = { .action = POLICY_PERMIT };

/* To one of our own addresses.
 * => DROP_NONE: ask the policy (*ask) or all done. */
static enum drop_reason
prepare_own(struct worker *w, struct candidate *c, bool *ask)
{
	struct pkt *p = c->p;

	if (p->proto == PKT_VRRP_PROTO && c->own.interface == p->interface) {
		worker_punt(w, p, PUNT_VRRP);
		return DROP_NONE;
	}
	if (!address_active(w, c->p, &c->own))
		return DROP_not_owner;
	if (c->own.silent)
		return DROP_no_service;
	if (p->icmp == PKT_ICMP_REPLY)
		return DROP_icmp_reply;
	if (is_echo_request(p) && c->own.interface == p->interface &&
		w->snap->interfaces[p->interface].ping) {
		session_create(w, c, &no_rule);
		return DROP_NONE;
	}
	*ask = true;
	return DROP_NONE;
}

/* Nothing but a look at the packet: what most of a flood ends with. */
static enum drop_reason
cannot_open(const struct worker *w, const struct pkt *p)
{
	if (!w->owner)
		return DROP_not_owner;
	if (p->icmp == PKT_ICMP_REPLY)
		return DROP_icmp_reply;
	if (p->proto == IPPROTO_TCP) {
		const struct rte_tcp_hdr *tcp = pkt_l4(p);

		if (!session_tcp_may_open(tcp->tcp_flags & 0x3f, w->snap->tracking.tcp_loose))
			return DROP_no_session;
	}
	if (p->proto == IPPROTO_SCTP && !session_other_opens(pkt_chunk(p)))
		return DROP_no_session;
	return DROP_NONE;
}

/* Where would this packet's session go?  The neighbour is looked for when the policy permits. */
static enum drop_reason
prepare_transit(const struct worker *w, struct candidate *c)
{
	struct pkt *p = c->p;
	const bool to4 = is_nat64(c);
	const rte_be32_t *dst4 = to4 ? &c->to4.dst : &c->lead.dst;
	const unsigned int family = leaves_as(c);
	enum drop_reason reason = unroutable(c);

	if (reason == DROP_NONE)
		reason = egress_route(
			w, family, family == 6 ? (const void *)p->ip6->dst_addr : dst4, &c->egress);
	if (reason != DROP_NONE)
		return reason;
	if (c->egress.interface >= w->snap->interface_count)
		return DROP_no_route;
	if (family == 4 && unlikely(c->egress.next_hop == *dst4) &&
		snapshot_is_edge(w->snap, *dst4))
		return DROP_smurf;
	c->zone = w->snap->interfaces[c->egress.interface].zone;
	reason = to4 ? nat64_allowed(w, p, &c->egress, c->zone)
		     : egress_allowed(w, p, p->family, &c->egress, c->zone);
	if (unlikely(reason == DROP_ttl || reason == DROP_mtu)) {
		c->refused = reason; /* whom the policy denies gets no answer from us */
		return DROP_NONE;
	}
	return reason;
}

static __rte_noinline bool
blacklisted(const struct worker *w, const struct pkt *p, const struct blacklist_set *set)
{
	const uint32_t slot =
		p->family == 6 ? blacklist_find(set, 6, p->ip6->src_addr, p->ip6->dst_addr, w->now)
			       : blacklist_find(set, 4, &p->ip->src_addr, &p->ip->dst_addr, w->now);

	if (slot == BLACKLIST_NONE)
		return false;
	blacklist_hit(w->blacklist, w->id, slot);
	return true;
}

/* Where addresses are translated: whose is this packet? */
static __rte_noinline enum drop_reason
admit_nat(struct worker *w, struct candidate *c)
{
	const struct pkt *p = c->p;

	if (!nat_walk_destination(w, p, &c->lead) && !nat_walk_behind(w, p, &c->lead)) {
		find_own(w, p, &c->own);
		if (c->own.found)
			return DROP_NONE;
		if (nat_has_address(w->snap->nat, p->ip->dst_addr))
			return w->owner ? DROP_nat_no_mapping : DROP_not_owner;
	}
	c->expected = c->lead.behind;
	return cannot_open(w, p);
}

/* admit: what needs a look at the packet only.  => false: it is done. */
static bool
admit(struct worker *w, struct candidate *c)
{
	const struct blacklist_set *blacklist = blacklist_current(w->blacklist);
	struct pkt *p = c->p;
	enum drop_reason reason;

	c->own.found = false;
	c->expected = false;
	c->child_alg = ALG_NONE;
	if (p->family == 4)
		c->lead = (struct nat_lead){ .dst = p->ip->dst_addr };
	else
		c->to4.group = NAT_GROUP_NONE;
	if (unlikely(blacklist != NULL) && blacklisted(w, p, blacklist)) {
		worker_drop(w, p, DROP_blacklist);
		return false;
	}
	if (unlikely(w->snap->scan_zones >> p->zone & 1))
		scan_note(w, p);
	if (p->icmp == PKT_ICMP_ERROR) {
		reason = DROP_icmp_no_session;
	} else if (unlikely(servermap_count(w->servermap) > 0) && expected_look(w, c)) {
		reason = cannot_open(w, p);
	} else if (unlikely(w->snap->nat != NULL) && p->family == 4) {
		reason = admit_nat(w, c);
	} else {
		find_own(w, p, &c->own);
		reason = c->own.found ? DROP_NONE : cannot_open(w, p);
		if (unlikely(w->snap->nat != NULL) && reason == DROP_NONE && !c->own.found)
			reason = nat64_admit(w, p, &c->to4);
	}
	if (reason == DROP_NONE)
		return true;
	worker_drop(w, p, reason);
	return false;
}

/* prepare: where it comes from and leads to.  => true: ask the policy; false: it is done. */
static bool
prepare(struct worker *w, struct candidate *c)
{
	enum drop_reason reason = defence_source(w, c->p);
	bool ask = false;

	c->zone = ZONE_LOCAL;
	c->refused = DROP_NONE;
	if (reason == DROP_NONE && c->own.found) {
		reason = prepare_own(w, c, &ask);
	} else if (reason == DROP_NONE) {
		reason = prepare_transit(w, c);
		ask = reason == DROP_NONE;
	}
	if (reason == DROP_no_route)
		notice_drop(w, c->p, reason, &c->egress);
	else if (reason != DROP_NONE)
		worker_drop(w, c->p, reason);
	return ask;
}

/* Ports as the policy sees them: for an ICMP query its type and code, which its key has too. */
static struct parse_ports
policy_ports(const struct pkt *p)
{
	struct parse_ports ports = parse_key_ports(p);

	switch (p->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return ports;
	default:
		ports.src = 0; /* of ICMP the identifier, of others 0 already */
		return ports;
	}
}

/* Candidates of one family. */
union policy_keys {
	struct policy_key v4[WORKER_BURST];
	struct policy_key6 v6[WORKER_BURST];
};

static void
policy_key_of(const struct candidate *c, union policy_keys *keys, uint32_t i)
{
	const struct pkt *p = c->p;
	struct parse_ports ports = policy_ports(p);

	if (p->family == 6) {
		struct policy_key6 *k = &keys->v6[i];

		*k = (struct policy_key6){ .source_zone = p->zone,
			.destination_zone = c->zone,
			.proto = p->proto,
			.sport = ports.src,
			.dport = ports.dst };
		memcpy(k->src, p->ip6->src_addr, sizeof(k->src));
		memcpy(k->dst, p->ip6->dst_addr, sizeof(k->dst));
	} else {
		struct policy_key *k = &keys->v4[i];

		if (unlikely(c->lead.translated))
			ports.dst = c->lead.dport;
		*k = (struct policy_key){ .source_zone = p->zone,
			.destination_zone = c->zone,
			.proto = p->proto,
			.src = p->ip->src_addr,
			.dst = c->lead.dst,
			.sport = ports.src,
			.dport = ports.dst };
	}
}

/* => false: its MAC was asked for in vain a moment ago. */
static bool
next_hop_answers(const struct worker *w, unsigned int family, struct egress *e)
{
	egress_neighbour(w, family, e);
	return egress_state(e) != NEIGH_FAILED;
}

/* One hit of the rule, or of the default, that has decided.  `row`: this worker's counters. */
static struct policy_counter *
count(const struct worker *w, struct policy_counter *row, const struct candidate *c,
	const struct policy_verdict *v)
{
	return policy_counter_hit(row, v->slot, c->p->zone, c->zone, w->now_s);
}

static void
refuse(struct worker *w, struct policy_counter *row, struct candidate *c,
	const struct policy_verdict *v)
{
	struct policy_counter *counter = count(w, row, c, v);
	struct pkt *p = c->p;

	counter->packets++;
	counter->bytes += p->ip_len;
	traffic_log_denied(w, p, c->zone, v->id);
	if (v->action == POLICY_REJECT)
		notice_drop(w, p, DROP_policy_reject, &c->egress);
	else
		worker_drop(w, p, DROP_policy);
}

/* The peer's heartbeat, to the address of the interface it comes in by? */
static bool
is_heartbeat(const struct worker *w, const struct pkt *p, const struct own *own)
{
	const struct snapshot_interface *in = &w->snap->interfaces[p->interface];

	return in->heartbeat_udp != 0 && p->family == 4 && p->proto == IPPROTO_UDP &&
	       own->vrid == 0 && own->interface == p->interface &&
	       parse_key_ports(p).dst == in->heartbeat_udp;
}

/* Out of line: a flood must not pay for its variables. */
static __rte_noinline void
permit(struct worker *w, struct policy_counter *row, struct candidate *c,
	const struct policy_verdict *v)
{
	struct pkt *p = c->p;

	if (c->own.found && !is_echo_request(p)) {
		count(w, row, c, v);
		if (is_heartbeat(w, p, &c->own))
			worker_punt(w, p, PUNT_HEARTBEAT);
		else
			notice_drop(w, p, DROP_no_service, &c->egress);
	} else if (c->refused != DROP_NONE) {
		notice_drop(w, p, c->refused, &c->egress);
	} else if (!c->own.found && !next_hop_answers(w, leaves_as(c), &c->egress)) {
		notice_drop(w, p, DROP_neigh_failed, &c->egress);
	} else if (session_create(w, c, v) && !c->expected) {
		count(w, row, c, v);
	}
}

void
first_burst(struct worker *w, struct pkt *const *p, uint32_t n)
{
	struct candidate candidates[WORKER_BURST];
	union policy_keys keys;
	struct policy_verdict verdicts[WORKER_BURST];
	struct policy_counter *row;
	uint32_t admitted = 0, asked = 0;

	FW_ASSERT(n <= WORKER_BURST);
	for (uint32_t i = 0; i < n; i++) {
		struct candidate *c = &candidates[admitted];

		c->p = p[i];
		c->egress.interface = INTERFACE_NONE;
		if (!admit(w, c))
			continue;
		admitted++;
		if (p[i]->family == 4)
			route_prefetch(w->routes, p[i]->ip->src_addr, p[i]->ip->dst_addr);
	}
	for (uint32_t i = 0; i < admitted; i++) {
		if (!prepare(w, &candidates[i]))
			continue;
		if (asked != i)
			candidates[asked] = candidates[i];
		policy_key_of(&candidates[asked], &keys, asked);
		asked++;
	}
	if (asked == 0) {
		if (unlikely(w->traced != NULL))
			trace_first(w, &candidates[0].egress, leaves_as(&candidates[0]),
				candidates[0].own.found, NULL);
		return;
	}
	if (p[0]->family == 6)
		policy_classify6(w->snap->policy, keys.v6, asked, verdicts);
	else
		policy_classify(w->snap->policy, keys.v4, asked, verdicts);
	if (unlikely(w->traced != NULL))
		trace_first(w, &candidates[0].egress, leaves_as(&candidates[0]),
			candidates[0].own.found, &verdicts[0]);
	row = policy_counters(w->snap->policy, w->id);
	for (uint32_t i = 0; i < asked; i++) {
		if (verdicts[i].action == POLICY_PERMIT || unlikely(candidates[i].expected))
			permit(w, row, &candidates[i], &verdicts[i]);
		else
			refuse(w, row, &candidates[i], &verdicts[i]);
	}
}
