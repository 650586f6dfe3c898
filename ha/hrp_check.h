/*
 * Are the peer's copies what they should be?  A box that mirrors asks, part by part and without end
 * (docs/wire.md, CHECK): a round of all parts takes some seconds, costs a message for each, and
 * finds an entry that is missing, too much, or of another content.  That part is told again.  HRP
 * core only.
 */
#pragma once

#include "clock.h"
#include "hrp_stream.h"
#include "repl.h"

#include <stdbool.h>
#include <stdint.h>

#define HRP_CHECK_ROUND_MS 4000
#define HRP_CHECK_PARTS	   32768 /* at most */

/* One table, and how it is told. */
struct hrp_checked {
	const struct repl_table *ops;
	void *t;
	struct hrp_stream *stream;
	const struct repl_out *out;
};

/* A part that was told again in vain is left alone. */
struct hrp_check_hold {
	uint8_t rounds; /* for so many; 0 = it was not */
	uint8_t left;	/* of them */
};

/* The box that asks. */
struct hrp_check {
	enum { CHECK_OFF, CHECK_IDLE, CHECK_ASKED, CHECK_BEGIN, CHECK_WALK, CHECK_END } step;
	uint32_t capacity, first, places, at;
	uint32_t number; /* of the last question */
	bool again;	 /* this part has been told again */
	bool unproved;	 /* some part of this round differs still */
	struct hrp_part asked;
	mono_t due;
	struct hrp_check_hold hold[HRP_CHECK_PARTS];

	/* Since the start. */
	uint64_t checked, differing, unrepaired; /* parts */
	mono_t round_at;			 /* end of the last round that found all equal */
};

/* hrp_check_begin: a bulk has proved all, of a table with so many places.
 * hrp_check_stop: another bulk is about to, or nothing is mirrored. */
void hrp_check_begin(struct hrp_check *, uint32_t capacity, mono_t now);
void hrp_check_stop(struct hrp_check *);
uint32_t hrp_check_poll(struct hrp_check *, const struct hrp_checked *, mono_t now); /* => work */
/* hrp_check_answer: what the peer holds. */
void hrp_check_answer(struct hrp_check *, const struct hrp_part *, mono_t now);

/* The box that is asked. */
struct hrp_held {
	bool lacking; /* it could not take all it was told, and no whole round since was equal */
	bool differs; /* some part of this round does */
};

/* hrp_check_receive: `capacity`: places of the peer's table, as its bulk has said.
 * => false: not now, the same message again at the next turn
 * hrp_check_lacking: a record of the peer's could not be taken. */
bool hrp_check_receive(const struct hrp_checked *, struct hrp_held *, uint32_t capacity, uint8_t op,
	const struct hrp_part *);
void hrp_check_lacking(struct hrp_held *);
