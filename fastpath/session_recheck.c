/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_recheck.h"

#include "nat.h"
#include "nat64.h"
#include "nat_walk.h"
#include "policy.h"
#include "session_walk.h"

#include <netinet/in.h>
#include <string.h>

static rte_be16_t
source_port(uint8_t proto, rte_be16_t port)
{
	/* As the first packet's: of ICMP the key has the identifier there. */
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ? port : 0;
}

/* `leaving`: where direction 0 of a translated session leads, else NULL. */
static void
classify(const struct snapshot *snap, const struct session *s, const union session_walk_key *key,
	const struct session_leaving *leaving, struct policy_verdict *v)
{
	if (session_family(s) == 6) {
		const struct session_tuple6 t = session_key6_tuple(&key->v6, session_swap(s));
		struct policy_key6 k = { .source_zone = s->zone[0],
			.destination_zone = s->zone[1],
			.proto = t.proto,
			.sport = source_port(t.proto, t.sport),
			.dport = t.dport };

		memcpy(k.src, t.src, sizeof(k.src));
		memcpy(k.dst, t.dst, sizeof(k.dst));
		policy_classify6(snap->policy, &k, 1, v);
	} else {
		const struct session_tuple4 t = session_key4_tuple(&key->v4, session_swap(s));
		const struct policy_key k = { .source_zone = s->zone[0],
			.destination_zone = s->zone[1],
			.proto = t.proto,
			.src = t.src,
			.dst = leaving != NULL ? leaving->dst : t.dst,
			.sport = source_port(t.proto, t.sport),
			.dport = leaving != NULL ? leaving->dport : t.dport };

		policy_classify(snap->policy, &k, 1, v);
	}
}

/* Is it to an interface that answers pings from there without a rule? */
static bool
needs_no_rule(
	const struct snapshot *snap, const struct session *s, const union session_walk_key *key)
{
	const uint8_t swap = session_swap(s);

	if ((atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_LOCAL) == 0)
		return false;
	for (uint16_t i = 0; i < snap->interface_count; i++) {
		const struct snapshot_interface *in = &snap->interfaces[i];
		const struct snapshot_address6 *own6;
		const struct snapshot_address *own;

		if (!in->ping || in->zone != s->zone[0])
			continue;
		if (session_family(s) == 6) {
			own6 = snapshot_own_address6(snap, i, key->v6.addr[!swap]);
			if (own6 != NULL && own6->interface == i)
				return true;
		} else {
			own = snapshot_own_address(snap, key->v4.addr[!swap]);
			if (own != NULL && own->interface == i)
				return true;
		}
	}
	return false;
}

/* Does the way to an end of the session lead by one of these interfaces, which is not in the zone
 * that end has? */
static bool
rezoned(const struct engine *e, const struct snapshot *snap, const struct session *s,
	const union session_walk_key *key, const struct session_leaving *leaving,
	uint64_t interfaces)
{
	const bool local =
		(atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_LOCAL) != 0;
	const uint8_t swap = session_swap(s);

	for (unsigned int end = 0; end < (local ? 1U : 2U); end++) {
		const uint8_t *next_hop6;
		rte_be32_t next_hop;
		uint16_t by;
		bool found;

		found = session_family(s) == 6 && (end == 0 || leaving == NULL)
				? route6_lookup(engine_routes6(e), key->v6.addr[swap ^ end], &by,
					  &next_hop6)
				: route_lookup(engine_routes(e),
					  end == 1 && leaving != NULL ? leaving->dst
								      : key->v4.addr[swap ^ end],
					  &by, &next_hop);
		if (found && by < snap->interface_count && (interfaces >> by & 1) != 0 &&
			snap->interfaces[by].zone != s->zone[end])
			return true;
	}
	return false;
}

/* What was expected lives as long as the rule of the session that spoke of it permits; what came to
 * a mapping for anybody (rule 0) as long as that. */
static struct policy_verdict
parent_verdict(const struct snapshot *snap, uint32_t rule)
{
	const uint16_t slot = rule != 0 ? policy_slot_of(snap->policy, rule) : 0;
	struct policy_verdict v = { .action = POLICY_PERMIT, .slot = slot, .id = rule };

	if (rule != 0 && (slot == 0 || !policy_active(snap->policy, slot) ||
				 policy_rule_action(snap->policy, slot) != POLICY_PERMIT))
		v.action = POLICY_DENY;
	return v;
}

/* What a session holds by a note (nat_note(), 0: nothing): is it still of a group that is in use?
 */
static bool
group_lives(const struct nat *nat, uint32_t note)
{
	return note == 0 || !nat_groups_retired(nat->groups, nat_note_group(note));
}

/* Is a session translated as the configuration says now?  Of a source NAT rule that has changed
 * only the group matters: what sessions have taken stays theirs. */
static bool
still_translated(const struct engine *e, const struct snapshot *snap, const struct session *s,
	const union session_walk_key *key, const struct session_leaving *l)
{
	const struct session_tuple4 t = session_key4_tuple(&key->v4, session_swap(s));
	struct session_outside o;
	rte_be32_t address;
	struct nat_lead lead;

	if (snap->nat == NULL || !session_table_outside(engine_sessions(e), s, &o))
		return false;
	if (session_family(s) == 6)
		return nat64_still(
			snap->nat, s->zone[0], key->v6.addr[!session_swap(s)], l->dst, o.note);
	if (!group_lives(snap->nat, o.inbound) || !group_lives(snap->nat, o.note))
		return false;
	/* Translated as its parent said, to what no server or mapping says. */
	if ((atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_EXPECTED) != 0)
		return (l->dst == t.dst || nat_has_address(snap->nat, t.dst)) &&
		       (l->src == t.src || nat_has_address(snap->nat, l->src));
	nat_lead_find(snap->nat, s->zone[0], &t, &lead);
	if (lead.dst != l->dst || lead.dport != l->dport)
		return false;
	return o.note != 0 || l->src == t.src ||
	       (nat_static_inside(snap->nat, t.src, &address) && address == l->src);
}

bool
session_recheck(const struct engine *e, uint32_t slots, struct session_recheck *r)
{
	struct session_table *t = engine_sessions(e);
	const struct snapshot *snap = engine_snapshot(e);
	struct session_walk w = { .next = r->next, .slots = slots };
	struct session *s;

	while ((s = session_walk_next(t, &w)) != NULL) {
		const uint32_t index = session_table_index(t, s);
		struct policy_verdict v = { .action = POLICY_PERMIT };
		uint32_t was = atomic_load_explicit(&s->policy, memory_order_relaxed);
		struct session_leaving l;
		const bool nat = session_translated(s);

		if (nat)
			session_leaving(s, 0, &l);
		if (nat && !still_translated(e, snap, s, &w.key, &l))
			v.action = POLICY_DENY;
		else if (r->rezoned != 0 &&
			 rezoned(e, snap, s, &w.key, nat ? &l : NULL, r->rezoned))
			v.action = POLICY_DENY;
		else if ((atomic_load_explicit(&s->ctl, memory_order_relaxed) &
				 SESSION_F_EXPECTED) != 0)
			v = parent_verdict(snap, was);
		else if (!needs_no_rule(snap, s, &w.key))
			classify(snap, s, &w.key, nat ? &l : NULL, &v);
		if (v.action != POLICY_PERMIT) {
			if (!session_table_post(t, index, w.generation, SESSION_OP_DENY)) {
				w.next = index; /* inbox full */
				break;
			}
			r->denied++;
		} else if (v.id != was && session_walk_still(t, s, &w) &&
			   atomic_compare_exchange_strong(&s->policy, &was, v.id)) {
			session_table_set_dirty(t, index); /* the peer hears of it */
			r->moved++;
		}
	}
	r->next = w.next;
	return w.next < session_table_capacity(t);
}
