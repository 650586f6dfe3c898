/*
 * Sessions of either family on the wire: pure functions of repl_session.c that tests and fuzzers
 * call directly.
 */
#pragma once

#include "clock.h"
#include "hrp_wire.h"
#include "session.h"
#include "session_table.h"
#include "session_walk.h"
#include "snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* What a record says of a session's name in the table. */
struct session_record_key {
	union session_walk_key key; /* unused bytes are 0 */
	uint8_t family;
	uint8_t swap; /* 1: the initiator is endpoint 1 */
	bool translated;
	struct session_outside outside; /* note: 0 */
	uint32_t group, inbound;	/* names of its address groups, 0: none */
};

static inline uint8_t
session_record_family(const union hrp_record_session *r)
{
	return r->head.type == HRP_RECORD_SESSION6 || r->head.type == HRP_RECORD_SESSION6_NAT ? 6
											      : 4;
}

/* session_record_outside: => NULL: it is not translated. */
static inline const struct hrp_session_outside *
session_record_outside(const union hrp_record_session *r)
{
	switch (r->head.type) {
	case HRP_RECORD_SESSION4_NAT:
		return &r->v4_nat.outside;
	case HRP_RECORD_SESSION6_NAT:
		return &r->v6_nat.outside;
	default:
		return NULL;
	}
}

/* session_record_size: length of a record of that type; 0 when it is no session's. */
static inline uint8_t
session_record_size(uint8_t type)
{
	switch (type) {
	case HRP_RECORD_SESSION4:
		return sizeof(struct hrp_record_session4);
	case HRP_RECORD_SESSION4_NAT:
		return sizeof(struct hrp_record_session4_nat);
	case HRP_RECORD_SESSION6:
		return sizeof(struct hrp_record_session6);
	case HRP_RECORD_SESSION6_NAT:
		return sizeof(struct hrp_record_session6_nat);
	default:
		return 0;
	}
}

/* session_record_what, session_record_how: the parts both families have. */
static inline const struct hrp_session_what *
session_record_what(const union hrp_record_session *r)
{
	return &r->v4.what; /* at the same place in both */
}

static inline const struct hrp_session_how *
session_record_how(const union hrp_record_session *r)
{
	return session_record_family(r) == 6 ? &r->v6.how : &r->v4.how;
}

/* session_record_pack: the record of a session; `generation` as read before.  `outside`: of a
 * translated session, with the names of its groups in the place of notes; else NULL.
 * => length; the record's other bytes are not written. */
uint8_t session_record_pack(const struct session *, const union session_walk_key *,
	const struct session_outside *outside, uint32_t index, uint16_t generation, uint32_t ctl,
	uint32_t now_s, union hrp_record_session *);
/* session_record_check: every value of a record that must make sense before it is used (HAC-06).
 * The zone must exist in the snapshot. */
bool session_record_check(const union hrp_record_session *, const struct snapshot *);
void session_record_key(const union hrp_record_session *, struct session_record_key *);
/* session_record_carries: would the peer take a record of such ends?  Not of link-local ones, which
 * only sessions of the box itself have. */
bool session_record_carries(const union session_walk_key *, uint8_t family);
/* session_record_unpack: fill a session that is not visible yet, or refresh a visible copy (all but
 * ctl and the key).  => ctl to be set, without what the session is. */
uint32_t session_record_unpack(const union hrp_record_session *, uint32_t now_s, struct session *);
/* session_record_zone: is there such a zone, or the box itself? */
bool session_record_zone(const struct snapshot *, uint8_t zone);
/* session_record_content: what two boxes must agree on beside the key and the zones: state, flags,
 * rule, window scales.  session_record_content_of: of a session. */
uint32_t session_record_content(const union hrp_record_session *);
uint32_t session_record_content_of(const struct session *, uint32_t ctl);
uint64_t session_record_mix(uint64_t); /* the finisher of splitmix64 */
/* session_record_hash: share of one session in the digest. */
uint64_t session_record_hash(uint32_t key_hash, uint32_t index, uint16_t generation);
/* `outside` NULL: not translated. */
uint32_t session_record_key_hash(const union session_walk_key *, uint8_t family,
	const struct session_outside *outside, const uint8_t zone[2]);
