/*
 * A replicated table of numbered places with one entry each, whose changes are marked by dirty
 * bits: what the server-map and the blacklist have in common.  Sessions are told by events of the
 * workers instead (repl_session.c).
 *
 * An entry is named on the wire by its owner's {place, generation}.  The receiver keeps, per
 * owner's place, which local entry is its copy, and checks it against the local generation at each
 * use, since local entries may end on their own.  HRP core only.
 */
#pragma once

#include "repl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPL_NO_PLACE UINT32_MAX

/* What is in a place. */
struct repl_place {
	bool copy;	     /* of an entry that the peer owns */
	uint16_t generation; /* with the place: names it for ever */
	uint32_t name;	     /* hash of what makes it this entry */
	uint32_t content;    /* hash of what else must be alike at the peer */
};

/* `t` is the table's state, which begins with a struct repl_places. */
struct repl_places_ops {
	uint8_t record; /* type of its records, */
	uint8_t size;	/* which have this length */
	/* Copies are used up by packets: a box that is active as well lacks them rightly. */
	bool spent;
	/* What follows needs entries that stand still; NULL: it does not. => false: not now */
	bool (*hold)(void *t);
	void (*let_go)(void *t);
	/* => false: nothing that the peer is to know; `record`, of `size` bytes, is filled unless
	 * it is NULL or the entry a copy. */
	bool (*look)(const void *t, uint32_t place, mono_t now, struct repl_place *, void *record);
	/* => the next place at or behind *cursor that has changed; REPL_NO_PLACE: none. */
	uint32_t (*take_dirty)(void *t, uint32_t *cursor);
	void (*set_dirty)(void *t, uint32_t place);
	/* A record of the peer's, of `size` bytes; `had`: where its entry is here, REPL_NO_PLACE:
	 * nowhere.  => DONE with the place of the copy, REFUSED: counted, but for wrong values */
	enum repl_verdict (*install)(
		void *t, const void *record, uint32_t had, mono_t now, uint32_t *place);
	void (*drop)(void *t, uint32_t place, uint16_t generation);
	bool (*adopt)(void *t, uint32_t place, uint16_t generation); /* => it was a copy */
	uint32_t (*entries)(const void *t);
};

struct repl_places {
	struct repl_bulk bulk; /* first */
	const struct repl_places_ops *ops;
	uint32_t capacity;

	/* sender: what the peer has been told, by own place */
	struct {
		uint32_t name, content;
		uint16_t generation;
		uint16_t round; /* of the bulk it belongs to; another round = not sent */
	} * sent;
	uint32_t dirty_cursor, found_dirty;
	mono_t dirty_due;

	/* receiver: which local entry is the copy, by the owner's place */
	struct repl_owned {
		uint32_t local_plus_1; /* 0: none */
		uint16_t local_generation, owner_generation;
		uint32_t name;
		uint16_t round; /* of the bulk that has confirmed it last */
	} * owned;
	uint32_t owner_capacity;
	uint32_t *owner_plus_1; /* by local place: whose copy; owned[] has the last word */
	uint32_t repair_first, repair_end; /* places of the owner whose repair is under way */
	uint32_t stray;			   /* next place to be looked at for copies of nobody's */

	struct repl_counts counts;
};

/* repl_places_init: => false: out of memory; repl_places_fini() is needed all the same. */
bool repl_places_init(struct repl_places *, const struct repl_places_ops *, uint32_t capacity);
void repl_places_fini(struct repl_places *);

/* repl_places_mapped: is it the copy of an entry that its owner may still have? */
bool repl_places_mapped(const struct repl_places *, uint32_t place, uint16_t generation);

/* Members of struct repl_table: as there. */
uint32_t repl_places_drain(void *t, const struct repl_out *, mono_t now);
uint32_t repl_places_discard(void *t);
uint32_t repl_places_walk_begin(void *t, uint32_t *estimate);
bool repl_places_walk(void *t, const struct repl_out *, mono_t now);
bool repl_places_round(void *t, uint32_t capacity);
enum repl_verdict repl_places_install(void *t, const uint8_t *record, uint8_t len, mono_t now);
enum repl_verdict repl_places_sweep(void *t, struct repl_digest *);
bool repl_places_part_told(void *t, uint32_t first, uint32_t places, const struct repl_out *,
	mono_t now, struct repl_digest *);
bool repl_places_part_walk(
	void *t, uint32_t *at, uint32_t end, const struct repl_out *, mono_t now);
bool repl_places_part_held(void *t, uint32_t first, uint32_t places, struct repl_digest *);
bool repl_places_part_begin(void *t, uint32_t first, uint32_t places);
enum repl_verdict repl_places_part_end(void *t, uint32_t first, uint32_t places);
bool repl_places_adopt(void *t, mono_t now);
void repl_places_counts(const void *t, struct repl_counts *);

#define REPL_PLACES_MEMBERS                                                                        \
	.drain = repl_places_drain, .discard = repl_places_discard,                                \
	.walk_begin = repl_places_walk_begin, .walk = repl_places_walk, .sent = repl_bulk_sent,    \
	.round = repl_places_round, .install = repl_places_install, .sweep = repl_places_sweep,    \
	.part_told = repl_places_part_told, .part_walk = repl_places_part_walk,                    \
	.part_held = repl_places_part_held, .part_begin = repl_places_part_begin,                  \
	.part_end = repl_places_part_end, .adopt = repl_places_adopt,                              \
	.orphans = repl_bulk_orphans, .counts = repl_places_counts
