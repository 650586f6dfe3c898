/*
 * Other bytes in the payload of a packet: UDP, or TCP, of either family.  Lengths and checksums
 * follow.  The checksum is changed by the difference of old and new payload, so that a damaged
 * packet stays one that its receiver will refuse.
 */
#pragma once

#include "pkt.h"

struct alg_edit {
	struct pkt *p;
	uint16_t header; /* bytes of the L4 header */
	uint16_t sum;	 /* of the payload and the length, as it was */
};

/* alg_edit_payload: where the payload of a TCP or UDP packet lies.  Segments of the buffer are put
 * together when there is room.  => NULL: fragments, buffers that stay apart, or a UDP length that
 * is not the packet's: it cannot be looked into.  *len: its bytes. */
char *alg_edit_payload(struct pkt *, uint32_t *len);

/* alg_edit_begin: of a packet whose payload alg_edit_payload() has given. */
void alg_edit_begin(struct alg_edit *, struct pkt *);
/* alg_edit_replace: `was` bytes at `at` of the payload by `is` others.  A packet that grows takes
 * room behind it or in front of it: pointers into it are no longer good, those of struct pkt are.
 * => false: no room; nothing has changed */
bool alg_edit_replace(struct alg_edit *, uint32_t at, uint32_t was, const char *text, uint32_t is);
/* alg_edit_end: lengths and checksums. */
void alg_edit_end(struct alg_edit *);
