/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_claim.h"

#include "nat64_prefix.h"

static enum nat_refusal
claim_by(enum nat_refusal (*how)(struct nat_groups *, uint16_t, uint8_t, rte_be32_t, rte_be16_t,
		 const struct nat_got *),
	struct nat_groups *groups, uint32_t name, uint8_t proto, rte_be32_t host, rte_be16_t port,
	const struct nat_got *got, uint32_t *note)
{
	enum nat_refusal refusal;
	uint16_t id;

	*note = 0;
	if (name == 0)
		return NAT_OK;
	id = nat_groups_named(groups, name);
	if (id == NAT_GROUP_NONE)
		return NAT_NOT_OURS;
	refusal = how(groups, id, proto, host, port, got);
	if (refusal == NAT_OK)
		*note = nat_note(id);
	return refusal;
}

enum nat_refusal
claim_named(struct nat_groups *groups, uint32_t name, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *got, uint32_t *note)
{
	return claim_by(nat_groups_claim, groups, name, proto, host, port, got, note);
}

enum nat_refusal
claim_announced(struct nat_groups *groups, uint32_t name, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *got, uint32_t *note)
{
	return claim_by(nat_groups_announce_at, groups, name, proto, host, port, got, note);
}

static void
give_back(struct nat_groups *groups, uint8_t proto, const struct nat_got *got, uint32_t *note)
{
	if (*note != 0)
		nat_groups_give(groups, nat_note_group(*note), proto, got);
	*note = 0;
}

/* What the session of a record holds outside, and where its initiator sends to: in IPv4, in IPv6
 * that is outside only. */
struct held {
	struct session_tuple4 in, out;
	struct nat_got source, inbound;
};

static struct held
held_by(const struct session_record_key *k)
{
	struct held h = { .out = session_key4_tuple(&k->outside.key, k->outside.swap) };

	if (k->family == 6) {
		const struct session_tuple6 in = session_key6_tuple(&k->key.v6, k->swap);

		h.in = (struct session_tuple4){ .src = nat64_host(in.src), .sport = in.sport };
	} else {
		h.in = session_key4_tuple(&k->key.v4, k->swap);
	}
	h.source = (struct nat_got){ .addr = h.out.src, .port = h.out.sport };
	h.inbound = (struct nat_got){ .addr = h.in.dst, .port = h.in.dport };
	return h;
}

void
session_unclaim(struct nat_groups *groups, struct session_record_key *k)
{
	const struct held h = held_by(k);

	give_back(groups, h.out.proto, &h.source, &k->outside.note);
	give_back(groups, h.out.proto, &h.inbound, &k->outside.inbound);
}

enum nat_refusal
session_claim(struct nat_groups *groups, struct session_record_key *k)
{
	const struct held h = held_by(k);
	enum nat_refusal refusal;

	k->outside.note = k->outside.inbound = 0;
	refusal = claim_named(
		groups, k->group, h.out.proto, h.in.src, h.in.sport, &h.source, &k->outside.note);
	if (refusal == NAT_OK)
		refusal = claim_named(groups, k->inbound, h.out.proto, h.out.dst, h.out.dport,
			&h.inbound, &k->outside.inbound);
	if (refusal != NAT_OK)
		session_unclaim(groups, k);
	return refusal;
}
