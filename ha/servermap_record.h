/*
 * Entries of the server-map on the wire: pure functions of repl_servermap.c that tests and fuzzers
 * call directly.
 */
#pragma once

#include "clock.h"
#include "hrp_wire.h"
#include "servermap.h"
#include "snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* What names an entry's surroundings in the same way on both boxes. */
struct servermap_names {
	uint32_t group;	 /* of the address group that its port is from (nat_groups_name()), 0 */
	uint32_t parent; /* its owner's session, SERVERMAP_NONE */
	uint16_t parent_generation;
};

void servermap_record_pack(const struct servermap_entry *, uint32_t place, uint16_t generation,
	uint32_t group, mono_t now, struct hrp_record_servermap *);
/* servermap_record_unpack: note and parent are left to the caller.  => false: a value makes no
 * sense (HAC-06); its zone must exist in the snapshot. */
bool servermap_record_unpack(const struct hrp_record_servermap *, const struct snapshot *,
	mono_t now, struct servermap_entry *, struct servermap_names *);
/* servermap_record_name: of what makes it this entry, for the digest; servermap_record_content: of
 * what else must be alike on both boxes.  The time left runs: only whether there is an end counts.
 */
uint32_t servermap_record_name(const struct servermap_entry *);
uint32_t servermap_record_content(const struct servermap_entry *);
