/*
 * NAT64 in the walk (RFC 6146): sessions that begin in IPv6, by an address in a NAT64 prefix, and
 * leave as IPv4.  Such a session is an IPv6 session with an outside key; packets of direction 0
 * come as IPv6, those of direction 1 as IPv4.
 */
#pragma once

#include "egress.h"
#include "nat64_prefix.h"
#include "nat_group.h"
#include "worker.h"

struct nat;

/* Where a first packet leads to. */
struct nat64_lead {
	rte_be32_t dst;
	uint16_t group; /* that it leaves by; NAT_GROUP_NONE: it is not for NAT64 */
};

/* nat64_lead_find: of a snapshot with translation: where hosts of a zone are led that send to
 * `dst`.
 * => DROP_NONE, also when it is not for NAT64; DROP_nat64_destination: nowhere. */
enum drop_reason nat64_lead_find(
	const struct snapshot *, uint8_t zone, const uint8_t dst[IP6_LEN], struct nat64_lead *);

/* nat64_admit: an IPv6 first packet, while translation is configured: is it for NAT64, and where
 * does it lead?  => DROP_NONE, also when it is not. */
enum drop_reason nat64_admit(const struct worker *, const struct pkt *, struct nat64_lead *);

/* nat64_insert: session_table_insert6_nat() with an address and a port of the prefix's group, and
 * others while the outside key is somebody else's; `old` as there.
 * => Index of the session; of another one that has the key, with *existed; or SESSION_NONE with
 *    *reason.  Unless it was inserted nothing is taken. */
uint32_t nat64_insert(struct worker *, const struct pkt *, struct session *,
	const struct nat64_lead *, uint32_t old, bool *existed, enum drop_reason *reason);

/* nat64_still: is a session from `zone` to `dst`, translated to `to` with what `note` says, still
 * translated so? */
bool nat64_still(
	const struct nat *, uint8_t zone, const uint8_t dst[IP6_LEN], rte_be32_t to, uint32_t note);

/* nat64_session: does it lead from one family to the other? */
static inline bool
nat64_session(const struct session *s)
{
	const uint32_t both = SESSION_KIND_NAT | SESSION_KIND_IPV6;

	return (atomic_load_explicit(&s->ctl, memory_order_relaxed) & both) == both;
}

/* nat64_resolve: the way out of a direction of such a session, as egress_resolve(). */
enum drop_reason nat64_resolve(
	const struct worker *, const struct session *, unsigned int dir, struct egress *);

/* nat64_allowed: egress_allowed() of a packet that is to become one of the other family: with the
 * length it will have.  => Also what nat64_refused() says. */
enum drop_reason nat64_allowed(const struct worker *, struct pkt *, struct egress *, uint8_t zone);

/* nat64_way_out: of a packet of direction `dir`: egress_of() and nat64_allowed(). */
enum drop_reason nat64_way_out(
	const struct worker *, struct pkt *, struct session *, unsigned int dir, struct egress *);

/* nat64_send: a packet of direction `dir`, in fragments too, becomes one of the other family and
 * leaves.  nat64_send_error: the same of an ICMP error about a packet of the other direction.
 * => It has ended: nat64_way_out() has been asked before. */
void nat64_send(struct worker *, struct pkt *, const struct session *, unsigned int dir,
	const struct egress *);
void nat64_send_error(struct worker *, struct pkt *, const struct session *, unsigned int dir,
	const struct egress *);
