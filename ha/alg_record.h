/*
 * What an ALG knows of a session, on the wire behind the session's own record: pure functions of
 * repl_session.c that tests and fuzzers call directly.
 */
#pragma once

#include "alg_session.h"
#include "hrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

#define ALG_RECORD_MAX (sizeof(struct hrp_record_alg_edit) + ALG_SEQ_KEPT_TEXT)
static_assert(ALG_RECORD_MAX <= UINT8_MAX, "a record's length is a byte");

/* alg_record_pack, alg_record_pack_edit: into ALG_RECORD_MAX bytes.  => length */
uint8_t alg_record_pack(
	const struct alg_kept *, uint32_t index, uint16_t generation, struct hrp_record_alg *);
uint8_t alg_record_pack_edit(const struct alg_seq_kept_edit *, unsigned int dir, uint32_t index,
	uint16_t generation, uint8_t *record);

/* alg_record_unpack, alg_record_unpack_edit: of exactly `len` bytes, one whose type is known.
 * => false: a value makes no sense. */
bool alg_record_unpack(const uint8_t *record, uint8_t len, struct alg_kept *);
bool alg_record_unpack_edit(
	const uint8_t *record, uint8_t len, unsigned int *dir, struct alg_seq_kept_edit *);
