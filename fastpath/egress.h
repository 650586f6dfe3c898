/*
 * The way out of a packet: interface, next hop and its MAC.  Sessions cache the neighbour of each
 * direction and find it again when the engine's route generation has moved.
 */
#pragma once

#include "frag.h"
#include "rewrite.h"
#include "tcp_option.h"
#include "worker.h"

/* In `word`, beside the neighbour's state: the packet must be cut.  So it is no state by which a
 * packet leaves at once, and the fast path needs no look of its own. */
#define EGRESS_CUT (UINT64_C(1) << 63)
/* Likewise, of a packet that is refused: it was to leave as one of the other family (NAT64). */
#define EGRESS_TRANSLATED (UINT64_C(1) << 62)

struct egress {
	struct neigh *neigh; /* NULL: nobody has asked for it yet */
	uint64_t word;	     /* of neigh; 0 when NULL; EGRESS_CUT */
	uint32_t index;	     /* of neigh, or NEIGH_NONE */
	uint16_t interface;
	union { /* by family */
		rte_be32_t next_hop;
		const uint8_t *next_hop6; /* valid for this burst */
	};
};

/* In this file `family` is the packet's, 4 or 6: a constant where speed counts, so that one source
 * gives the code of each. */

/* egress_route: interface and next hop of a destination, an address of this family; the neighbour
 * is not looked for.
 * => DROP_no_route or DROP_NONE. */
enum drop_reason egress_route(
	const struct worker *, unsigned int family, const void *dst, struct egress *);
/* egress_neighbour: the neighbour of a way out whose interface and next hop are known. */
void egress_neighbour(const struct worker *, unsigned int family, struct egress *);
/* egress_resolve: both, for the packets of a direction of a session. */
enum drop_reason egress_resolve(const struct worker *, const struct pkt *, const struct session *,
	unsigned int dir, struct egress *);

/* egress_hold: hand a frame to the control core, which asks for the next hop's MAC and sends it on
 * (TTL already lowered, pkt_meta.port = the way out).  => false: ring full. */
bool egress_hold(struct worker *, struct rte_mbuf *, unsigned int family, const struct egress *);
/* egress_slow: send a packet that must be cut (EGRESS_CUT) or whose next hop has no MAC yet. */
void egress_slow(struct worker *, struct pkt *, const struct egress *);

static inline enum neigh_state
egress_state(const struct egress *e)
{
	return neigh_word_state(e->word & ~EGRESS_CUT);
}

/* egress_too_large: a packet is longer than the way out takes.  If it came in fragments each may
 * fit by itself; IPv4 without DF will be cut. */
static inline enum drop_reason
egress_too_large(const struct pkt *p, unsigned int family, struct egress *e, uint16_t mtu)
{
	if (frag_fits(p, mtu))
		return DROP_NONE;
	if (family == 6 || (p->ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0)
		return DROP_mtu;
	e->word |= EGRESS_CUT;
	return DROP_NONE;
}

/* egress_allowed: may a packet leave this way?  zone = where it must lead. */
static __rte_always_inline enum drop_reason
egress_allowed(const struct worker *w, const struct pkt *p, unsigned int family, struct egress *e,
	uint8_t zone)
{
	const uint8_t hops = family == 6 ? p->ip6->hop_limits : p->ip->time_to_live;
	const struct snapshot_interface *out;

	if (unlikely(hops <= 1))
		return DROP_ttl;
	if (unlikely(e->interface >= w->snap->interface_count))
		return DROP_no_route;
	out = &w->snap->interfaces[e->interface];
	if (unlikely(!out->up))
		return DROP_no_route;
	if (unlikely(out->zone != zone))
		return DROP_zone;
	if (unlikely(out->heartbeat))
		return DROP_heartbeat_port;
	if (unlikely(neigh_word_state(e->word) == NEIGH_FAILED))
		return DROP_neigh_failed;
	if (unlikely(p->ip_len > out->mtu))
		return egress_too_large(p, family, e, out->mtu);
	return DROP_NONE;
}

/* egress_cache: remember a known neighbour; an unknown one is looked for again next time.  A
 * direction may roam between queues: whoever sees the generation sees the neighbour, too. */
static inline void
egress_cache(const struct worker *w, struct session_dir *d, const struct egress *e)
{
	if (e->neigh == NULL)
		return;
	__atomic_store_n(&d->neigh, e->index, __ATOMIC_RELAXED);
	__atomic_store_n(&d->route_gen, w->route_gen, __ATOMIC_RELEASE);
}

/* egress_of: the way out of a direction of a session.  => DROP_no_route or DROP_NONE. */
static __rte_always_inline enum drop_reason
egress_of(const struct worker *w, const struct pkt *p, unsigned int family, struct session *s,
	unsigned int dir, struct egress *e)
{
	struct session_dir *d = &s->dir[dir];
	enum drop_reason reason;

	if (likely(__atomic_load_n(&d->route_gen, __ATOMIC_ACQUIRE) == w->route_gen)) {
		e->index = __atomic_load_n(&d->neigh, __ATOMIC_RELAXED);
		e->neigh = neigh_at(w->neighbours, e->index);
		e->word = atomic_load_explicit(&e->neigh->word, memory_order_acquire);
		e->interface = e->neigh->interface;
		if (family == 6)
			e->next_hop6 = e->neigh->address6;
		else
			e->next_hop = e->neigh->address;
		if (likely(neigh_word_state(e->word) != NEIGH_FREE))
			return DROP_NONE;
	}
	reason = egress_resolve(w, p, s, dir, e);
	if (reason == DROP_NONE)
		egress_cache(w, d, e);
	return reason;
}

/* egress_clamp: lower the segment size a SYN offers to what the interfaces it comes in and leaves
 * by allow. */
static inline void
egress_clamp(const struct worker *w, struct pkt *p, const struct egress *e)
{
	/* 0, no limit, is the largest when 1 is taken from it. */
	const uint16_t in = (uint16_t)(w->snap->interfaces[p->interface].tcp_mss - 1);
	const uint16_t out = (uint16_t)(w->snap->interfaces[e->interface].tcp_mss - 1);
	const uint16_t mss = (uint16_t)(RTE_MIN(in, out) + 1);

	if (mss != 0)
		tcp_mss_clamp(pkt_l4(p), mss);
}

/* egress_frame: a finished packet to a neighbour that is known. */
static __rte_always_inline void
egress_frame(struct worker *w, struct rte_mbuf *m, const struct egress *e, enum tx_kind kind)
{
	if (unlikely(atomic_load_explicit(&e->neigh->used, memory_order_relaxed) == 0))
		atomic_store_explicit(&e->neigh->used, 1, memory_order_relaxed);
	rewrite_macs(rte_pktmbuf_mtod(m, struct rte_ether_hdr *), e->word, &e->neigh->source);
	worker_send(w, m, e->interface, kind, true);
}

/* egress_send: TTL, MACs, transmit; or the slow way. */
static __rte_always_inline void
egress_send(struct worker *w, struct pkt *p, unsigned int family, const struct egress *e)
{
	const enum neigh_state state = neigh_word_state(e->word);

	if (family == 6)
		p->ip6->hop_limits--;
	else
		rewrite_ttl(p->ip);
	if (unlikely(state != NEIGH_REACHABLE && state != NEIGH_STALE)) {
		egress_slow(w, p, e);
		return;
	}
	egress_frame(w, p->m, e, TX_FORWARDED);
}
