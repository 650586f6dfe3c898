/*
 * Entries of the blacklist on the wire: pure functions of repl_blacklist.c that tests and fuzzers
 * call directly.
 */
#pragma once

#include "blacklist.h"
#include "clock.h"
#include "hrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

void blacklist_record_pack(
	const struct blacklist_entry *, uint32_t slot, mono_t now, struct hrp_record_blacklist *);
/* blacklist_record_unpack: a copy.  => false: a value makes no sense (HAC-06) */
bool blacklist_record_unpack(
	const struct hrp_record_blacklist *, mono_t now, struct blacklist_entry *);
/* blacklist_record_name: of what makes it this entry, for the digest; blacklist_record_content: of
 * what else must be alike on both boxes.  The time left runs: only whether there is an end counts.
 */
uint32_t blacklist_record_name(const struct blacklist_entry *);
uint32_t blacklist_record_content(const struct blacklist_entry *);
