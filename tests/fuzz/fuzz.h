/*
 * Fuzz targets: one file each, fuzz_<target>.c, which defines the three functions at the end.  The
 * rest, fuzz.c, is an engine on ring ports and what must hold after every input:
 * rx = forwarded + answered + punted + held + drops, every buffer but those held back in its pool.
 *
 * Frames lie in heap blocks of exactly their size, attached to their buffers: inside an ordinary
 * mbuf ASan would not see a read behind the packet.
 */
#pragma once

#include "engine_box.h"
#include "fuzz_check.h"
#include "fuzz_input.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* fuzz_feed: one frame arrives.  split > 0: its second segment begins there.  nic: what it says
 * about checksums, ol_flags. */
void fuzz_feed(struct engine_box *, uint16_t port, uint16_t queue, const void *frame, size_t len,
	size_t split, uint64_t nic);
/* fuzz_run: let the workers finish, throw away what they send and punt, check the sums. */
void fuzz_run(struct engine_box *);
/* fuzz_age: past the longest timer; no session may be left. */
void fuzz_age(struct engine_box *);

/* ---- the target's ---- */

extern const uint16_t fuzz_workers;
void fuzz_start(struct engine_box *);
void fuzz_one(struct engine_box *, struct fuzz_input *);
