/*
 * Replicated tables: what a table must be able to do to be mirrored to the peer box.  Each is one
 * file ha/repl_<table>.c with one struct repl_table and one word in meson.build.
 *
 * The mirror (hrp_mirror.h) calls everything, on the HRP core; nothing here may block.  Each call
 * does a bounded piece of work.
 */
#pragma once

#include "engine.h"
#include "hrp_wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hrp_session_status;

/* Where records go: the frame being filled. */
struct repl_out {
	void *ctx;
	/* => room for `len` bytes, or NULL: none now, try again later. */
	uint8_t *(*reserve)(void *ctx, uint16_t len, mono_t now);
	void (*commit)(void *ctx, uint16_t len);
	/* A worker holds a packet until the peer has what has just been put; NULL: nobody does. */
	void (*waits)(void *ctx, uint16_t worker, uint32_t ticket);
};

/* repl_put: a whole record.  => false: no room */
bool repl_put(const struct repl_out *, const void *record, uint16_t len, mono_t now);

/* Order-independent proof of equality: as many records, as large a sum of their hashes. */
struct repl_digest {
	uint32_t count;
	uint64_t sum;
	uint64_t content; /* of parts: what else must be alike */
	bool names_only;  /* of parts held: `content` says nothing, not even of what is alike */
};

enum repl_verdict {
	REPL_DONE,
	REPL_RETRY,  /* cannot now: the same call again at the next turn */
	REPL_REFUSED /* the record is wrong or cannot be kept: counted, go on with the next */
};

struct repl_role {
	bool active;	  /* this box has an Active group */
	bool peer_active; /* so has the peer */
	bool sending;	  /* our changes are being mirrored */
};

/* Which changes of sessions are told, and when (R193-R198).  Of neither: what a bulk brings, and
 * deletions. */
struct repl_methods {
	bool quick;	   /* each at once, of all states and kinds */
	uint32_t period_s; /* automatic: all that has changed, each so many seconds, but for R196's
			    * three kinds; 0 = off */
};

struct repl_params {
	struct engine *engine;
	struct repl_methods methods;
	const void *sessions; /* the table of sessions, which is the first; NULL: this is it */
};

/* For shows.  Since the start, but for the first two. */
struct repl_counts {
	uint64_t entries;	     /* in the table, ours and copies */
	uint64_t dirty;		     /* marks that the last sweep has found */
	uint64_t sent, deleted;	     /* records out */
	uint64_t installed, removed; /* records in */
	uint64_t conflicts;	     /* refused: ours, and in use */
	uint64_t full;		     /* refused: no room */
	uint64_t unclaimed;	     /* copies whose port is in use here */
	uint64_t unknown;	     /* deletions of what is not here */
	uint64_t adopted, swept;     /* made ours; dropped after a bulk */
	uint64_t repaired;	     /* entries that a part told again has set right */
};

struct repl_table {
	const char *name;
	uint16_t module; /* enum hrp_module */
	void *(*create)(const struct repl_params *, char *err, size_t err_size);
	void (*destroy)(void *t);
	void (*role)(void *t, const struct repl_role *);

	/* ---- sender ---- */
	/* Records of what has changed, until nothing is left or there is no room. => events taken
	 */
	uint32_t (*drain)(void *t, const struct repl_out *, mono_t now);
	/* Throw changes away. => events taken */
	uint32_t (*discard)(void *t);
	/* A bulk begins: nothing counts as sent any more. => capacity of the table */
	uint32_t (*walk_begin)(void *t, uint32_t *estimate);
	/* The next piece of the bulk. => true at the end */
	bool (*walk)(void *t, const struct repl_out *, mono_t now);
	/* What the peer must hold after all records emitted so far. */
	void (*sent)(const void *t, struct repl_digest *);

	/* ---- receiver ---- */
	/* A bulk begins. => false: cannot keep a table of that capacity */
	bool (*round)(void *t, uint32_t capacity);
	/* One record of at least sizeof(struct hrp_record) and exactly `len` bytes. */
	enum repl_verdict (*install)(void *t, const uint8_t *record, uint8_t len, mono_t now);
	/* A bulk has ended: drop what it did not confirm, and count the rest.  What is ours as well
	 * is ours alone then.
	 * => REPL_DONE with the digest, or REPL_RETRY. */
	enum repl_verdict (*sweep)(void *t, struct repl_digest *);

	/* ---- comparison between bulks, part by part (hrp_check.h) ---- */
	/* Places [first, first + places) as the owner counts them.  Owner: what the peer must hold
	 * of them after all records emitted so far; what has ended unheard is told before, what has
	 * changed soon.  => false: not now */
	bool (*part_told)(void *t, uint32_t first, uint32_t places, const struct repl_out *,
		mono_t now, struct repl_digest *);
	/* Owner: records of what it has told of places [*at, end), once more. => true at the end */
	bool (*part_walk)(void *t, uint32_t *at, uint32_t end, const struct repl_out *, mono_t now);
	/* Receiver: what it really holds of them. => false: not now */
	bool (*part_held)(void *t, uint32_t first, uint32_t places, struct repl_digest *);
	/* Receiver: they are told again. => false: no such places
	 * ... and that is over: what was not confirmed goes as after a bulk. */
	bool (*part_begin)(void *t, uint32_t first, uint32_t places);
	enum repl_verdict (*part_end)(void *t, uint32_t first, uint32_t places);

	/* The peer no longer owns anything: what it left is ours. => true when finished */
	bool (*adopt)(void *t, mono_t now);
	/* Has something been installed since that nobody owns? */
	bool (*orphans)(const void *t);

	void (*counts)(const void *t, struct repl_counts *);
	void (*status)(const void *t, struct hrp_session_status *); /* of sessions */
};

/* How far a table is with its bulks: first in the state of every table, so that what needs nothing
 * else serves all of them (repl_bulk_role() and the next two, as members of struct repl_table). */
struct repl_bulk {
	struct repl_role role;

	/* sender */
	struct repl_digest sent;
	uint16_t round; /* marks what was sent in this bulk; 0: none has begun */
	uint32_t walk;	/* next place */

	/* receiver */
	uint16_t confirm; /* marks what this bulk has confirmed */
	uint32_t sweep;	  /* next place */
	struct repl_digest held;

	uint32_t adopt; /* next place */
	bool orphans;
};

void repl_bulk_role(void *t, const struct repl_role *);
void repl_bulk_sent(const void *t, struct repl_digest *);
bool repl_bulk_orphans(const void *t);

/* repl_bulk_walk: a bulk begins. => true: rounds are counted anew, the marks must be cleared */
bool repl_bulk_walk(struct repl_bulk *);
/* repl_bulk_round: the peer's begins. */
void repl_bulk_round(struct repl_bulk *);
/* repl_bulk_sweep_end: the sweep has been everywhere. => REPL_DONE with what it has counted */
enum repl_verdict repl_bulk_sweep_end(struct repl_bulk *, struct repl_digest *);
/* repl_put_delete: the record. => false: no room */
bool repl_put_delete(const struct repl_out *, uint32_t index, uint16_t generation, mono_t now);

/* repl_tables: NULL-terminated list, from meson.build. */
const struct repl_table *const *repl_tables_get(void);
uint32_t repl_table_count(void);
