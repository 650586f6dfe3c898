/*
 * Sessions on the wire: pure functions of repl_session.c that tests and fuzzers call directly.
 */
#pragma once

#include "clock.h"
#include "hrp_wire.h"
#include "session.h"
#include "session_key.h"
#include "snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* repl_session_pack: the record of a session; `generation` as read before. */
void repl_session_pack(const struct session *, const struct session_key4 *, uint32_t index,
	uint16_t generation, uint32_t ctl, uint32_t now_s, struct hrp_record_session4 *);
/* repl_session_check: every value of a record that must make sense before it is used (HAC-06).
 * The zone must exist in the snapshot. */
bool repl_session_check(const struct hrp_record_session4 *, const struct snapshot *);
/* repl_session_unpack: fill a session that is not visible yet, or refresh a visible copy (all but
 * ctl).  => ctl to be set. */
uint32_t repl_session_unpack(const struct hrp_record_session4 *, uint32_t now_s, struct session *);
/* repl_session_hash: share of one session in the digest. */
uint64_t repl_session_hash(uint32_t key_hash, uint32_t index, uint16_t generation);
uint32_t repl_session_key_hash(const struct session_key4 *, const uint8_t zone[2]);
