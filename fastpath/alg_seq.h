/*
 * Sequence numbers of one direction of a TCP session whose text is edited.
 *
 * An edit replaces `was` bytes from `seq` on by `is` others; from there on all numbers are shifted.
 * "Out" is as its sender counts -> as the receiver does, "back" the other way round.  The last
 * edits are remembered with their text, so that whatever the sender sends again, in whatever
 * pieces, becomes the same bytes again: byte o of an edit stands for byte o of the new text, the
 * last one for all the rest of it.  So each position has its place on the other side, pieces meet
 * without gap or overlap, and an acknowledgement in the midst of new text never covers a byte of
 * the sender's that has not all arrived.
 *
 * An edit is forgotten when its receiver has acknowledged it and room is needed; then all up to its
 * end (`floor`) is history, and is cut off what is sent again.  When there is no room, nothing new
 * is edited: the caller does not forward that text yet, as if it had been lost.
 *
 * Numbers are in host byte order and wrap.  No lock: the caller's.
 */
#pragma once

#include "alg.h"

#include <rte_tcp.h>

#include <stdbool.h>
#include <stdint.h>

#define ALG_SEQ_EDITS 8
#define ALG_SEQ_TEXT  ALG_TEXT_MAX /* of all of them: the longest message, grown, fits */

struct alg_seq_edit {
	uint32_t seq;	  /* where it begins, as its sender counts */
	uint32_t shift;	  /* out = seq + shift, in front of it */
	uint16_t was, is; /* bytes; was is never 0 */
	uint16_t text;	  /* where the new ones lie */
};

struct alg_seq {
	uint32_t shift; /* behind the last edit */
	uint32_t floor; /* when has_floor */
	uint32_t acked; /* out; when has_acked */
	uint16_t count, used;
	bool has_floor, has_acked;
	struct alg_seq_edit edits[ALG_SEQ_EDITS]; /* oldest first */
	char text[ALG_SEQ_TEXT];
};

/* What a peer needs to go on: the numbers, and those of the last edits that may have to be sent
 * again.  What is in front of them is history. */
#define ALG_SEQ_KEPT	  2
#define ALG_SEQ_KEPT_TEXT 200 /* one that is longer is history, too */
struct alg_seq_kept_edit {
	uint32_t seq, shift; /* as in struct alg_seq_edit */
	uint16_t was, is;
	char text[ALG_SEQ_KEPT_TEXT];
};
struct alg_seq_kept {
	uint32_t shift, floor; /* as in struct alg_seq */
	bool has_floor;
	uint8_t count;
	struct alg_seq_kept_edit edits[ALG_SEQ_KEPT]; /* oldest first */
};

/* A part of a segment that an edit replaces. */
struct alg_seq_piece {
	uint32_t at, was; /* bytes of the segment */
	const char *text;
	uint32_t is;
};

void alg_seq_start(struct alg_seq *, uint32_t shift);
void alg_seq_keep(const struct alg_seq *, struct alg_seq_kept *);
/* alg_seq_resume: with the numbers of `kept`, but for its edits, which follow: alg_seq_again().
 * => false: it does not follow what is there. */
void alg_seq_resume(struct alg_seq *, const struct alg_seq_kept *);
bool alg_seq_again(struct alg_seq *, const struct alg_seq_kept_edit *);

/* alg_seq_edit: `old` at `seq`, not in front of the end of the last edit, becomes `text`.
 * => false: no room until more is acknowledged; nothing has changed. */
bool alg_seq_edit(struct alg_seq *, uint32_t seq, const char *old, uint32_t was, const char *text,
	uint32_t is);
/* alg_seq_acked: the receiver has acknowledged up to `ack`, as it counts. */
void alg_seq_acked(struct alg_seq *, uint32_t ack);

/* alg_seq_shifts: are any numbers changed? */
static inline bool
alg_seq_shifts(const struct alg_seq *s)
{
	return s->count != 0 || s->shift != 0;
}

uint32_t alg_seq_out(const struct alg_seq *, uint32_t seq);
/* alg_seq_back: up: a place inside of new text that has none of its own goes up, else down. */
uint32_t alg_seq_back(const struct alg_seq *, uint32_t seq, bool up);

/* alg_seq_stale: bytes at the front of a segment that are history. */
uint32_t alg_seq_stale(const struct alg_seq *, uint32_t seq, uint32_t len);
/* alg_seq_pieces: what of a segment is replaced, in order.  => their number */
uint32_t alg_seq_pieces(const struct alg_seq *, uint32_t seq, uint32_t len,
	struct alg_seq_piece pieces[ALG_SEQ_EDITS]);

/* alg_seq_ack: acknowledgement and SACK blocks of a segment of the receiver, back to what the
 * sender counts; checksum by difference.  Blocks of which nothing is left take the option with
 * them.
 * => Bounds of the header have been checked. */
void alg_seq_ack(const struct alg_seq *, struct rte_tcp_hdr *);
/* alg_seq_set: the sequence number of a segment of the sender; checksum by difference. */
void alg_seq_set(struct rte_tcp_hdr *, uint32_t seq);
