/*
 * Addresses and ports of groups that the peer has given: claimed here too, so that nobody here is
 * given them, and held by the copy of what holds them there.
 */
#pragma once

#include "nat_group.h"
#include "session_record.h"

/* claim_named: of the group with this name (0: nothing to claim), for an inside endpoint.  =>
 * NAT_OK and *note, 0 with nothing claimed; NAT_NOT_OURS: no such group here; else as
 * nat_groups_claim() */
enum nat_refusal claim_named(struct nat_groups *, uint32_t name, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *, uint32_t *note);

/* claim_announced: the same of one that an ALG has announced. */
enum nat_refusal claim_announced(struct nat_groups *, uint32_t name, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *, uint32_t *note);

/* session_claim: what a translated session of the peer's holds: notes in k->outside.
 * => as above; nothing is held then.
 * session_unclaim: it did not become visible. */
enum nat_refusal session_claim(struct nat_groups *, struct session_record_key *k);
void session_unclaim(struct nat_groups *, struct session_record_key *k);
