/*
 * Address translation in the walk of IPv4 packets: what a first packet's session is translated to,
 * and the translation itself.
 */
#pragma once

#include "frag.h"
#include "nat_group.h"
#include "nat_rewrite.h"
#include "worker.h"

struct nat;
struct servermap_entry;

/* Where a first packet leads to. */
struct nat_lead {
	rte_be32_t dst;
	rte_be16_t dport; /* as in a session's key; set when translated, or with NAT */
	bool translated;
	bool behind; /* by a mapping, which is to be held: nat_walk_hold() */
};

/* How a first packet is to leave, and so its session. */
struct nat_plan {
	struct nat_lead lead;
	rte_be32_t src;
	rte_be16_t sport;
	bool source;		/* is translated */
	bool no_alg;		/* by its rule: nothing it says is looked into */
	uint32_t note, inbound; /* what it holds of address groups, as in session_outside */
	rte_be32_t at;		/* the source shall be this address of its group; 0: any */
};

static inline bool
nat_plan_translates(const struct nat_plan *plan)
{
	return plan->source || plan->lead.translated;
}

/* nat_lead_find: where a first packet from `zone` leads to, as it stands without a NAT server or
 * static mapping. */
void nat_lead_find(
	const struct nat *, uint8_t zone, const struct session_tuple4 *, struct nat_lead *);

/* nat_walk_destination: the same for a packet.  => lead->translated */
bool nat_walk_destination(const struct worker *, const struct pkt *, struct nat_lead *);

/* nat_walk_behind: is it for a mapping that anybody may send to (full cone)?  nat_walk_hold: the
 * same, and the plan holds the mapping. */
bool nat_walk_behind(const struct worker *, const struct pkt *, struct nat_lead *);
bool nat_walk_hold(const struct worker *, const struct pkt *, struct nat_plan *);

/* nat_walk_source: its source, when the policy has permitted it to go to `zone` by `interface`.
 * => DROP_NONE, also when it stays as it is; then a port that it took is the plan's. */
enum drop_reason nat_walk_source(
	struct worker *, const struct pkt *, uint8_t zone, uint16_t interface, struct nat_plan *);

/* nat_walk_insert: session_table_insert4_nat() by the plan, with other ports while the outside key
 * is somebody else's; `old` as there.
 * => Index of the session; of another one that has the key, with *existed; or SESSION_NONE with
 *    *reason.  Unless it was inserted the plan still has its port. */
uint32_t nat_walk_insert(struct worker *, const struct pkt *, struct session *, struct nat_plan *,
	uint32_t old, bool *existed, enum drop_reason *reason);

/* nat_walk_release: give back what the plan has taken. */
void nat_walk_release(struct worker *, const struct pkt *, struct nat_plan *);

/* nat_expected_gone: servermap_gone_fn with a worker: what an entry holds goes back. */
void nat_expected_gone(void *worker, const struct servermap_entry *);

/* nat_session_gone: a translated session is being removed; its keys are still in the table. */
void nat_session_gone(struct worker *, const struct session *);

/* nat_translate: a packet of direction `dir` of a translated session, in fragments too. */
static inline void
nat_translate(const struct pkt *p, const struct session *s, unsigned int dir)
{
	struct session_leaving l;

	session_leaving(s, dir, &l);
	nat_rewrite_addresses(p->ip, &l);
	nat_rewrite_l4(pkt_l4(p), p->proto, &l);
	if (unlikely(p->fragments))
		frag_translate(p, &l);
}

/* nat_translate_error: an ICMP error about such a packet, itself of direction `dir`: outside and
 * in what it quotes.  RFC 5508 4.2, 7. */
void nat_translate_error(const struct pkt *, const struct session *, unsigned int dir);
