/*
 * TCP sessions whose text an ALG reads: what is kept of each, and what happens to a segment.  The
 * places are made at creation; a session that finds none free goes without ALG.
 *
 * Of a segment of such a session, in this order, under its lock:
 *
 *   alg_stream_in()      in front of tracking: acknowledgements as the sender of the text counts
 *   (tracking)
 *   alg_stream_enter()   what of the payload is new
 *   alg_stream_next()    a message, until there are no more; for each:
 *     alg_stream_edit()    if it is to say something else
 *   alg_stream_out()     cut what may not go yet, edit, shift the sequence number
 *
 * The two directions of a session may be in the hands of two workers, hence the lock.
 */
#pragma once

#include "alg_edit.h"
#include "alg_lines.h"
#include "alg_seq.h"

#include <rte_spinlock.h>

#define ALG_STREAM_NONE UINT32_MAX

struct alg_stream {
	rte_spinlock_t lock;
	uint32_t id; /* place in the pool */
	uint32_t next_free;
	uint64_t token;		   /* grace period of one that waits to be free */
	struct alg_lines lines[2]; /* by direction of its sender */
	struct alg_seq seq[2];
};

struct alg_streams_stats {
	uint32_t used, places;
	uint64_t none_free; /* sessions that went without */
	uint64_t ended;	    /* directions no longer looked into: another protocol, or out of step */
	uint64_t messages;  /* whole ones, read */
	uint64_t edited;
	uint64_t late;	     /* an edit was due, but a part had been forwarded */
	uint64_t cut;	     /* segments that went without a part of their payload, for now */
	uint64_t unreadable; /* segments whose payload could not be looked into */
};

/* alg_streams_create: => NULL: out of memory */
struct alg_streams *alg_streams_create(uint32_t places, int socket);
void alg_streams_destroy(struct alg_streams *); /* takes NULL */
struct alg_streams_stats alg_streams_stats(struct alg_streams *);

/* alg_stream_get: a place for a new session, whose directions begin with alg_lines_start() when
 * their SYN is seen.  => any lcore; NULL: none is free, counted */
struct alg_stream *alg_stream_get(struct alg_streams *);
/* What the peer needs of a session to go on with it when it takes over. */
struct alg_stream_kept {
	struct alg_lines_place lines[2];
	struct alg_seq_kept seq[2];
};
/* alg_stream_keep, alg_stream_resume, alg_stream_again: of a session of ours; of the peer's: what
 * is kept of it, then one by one the edits that may have to be sent again.  Nobody waits:
 * => HRP core; BUSY: in the hands of a worker, later; WRONG: makes no sense, nothing has changed.
 */
enum alg_stream_verdict { ALG_STREAM_DONE, ALG_STREAM_BUSY, ALG_STREAM_WRONG };
enum alg_stream_verdict alg_stream_keep(struct alg_stream *, struct alg_stream_kept *);
enum alg_stream_verdict alg_stream_resume(
	struct alg_stream *, const struct alg *, const struct alg_stream_kept *);
enum alg_stream_verdict alg_stream_again(
	struct alg_stream *, unsigned int dir, const struct alg_seq_kept_edit *);
/* alg_stream_mark: under its lock: another one means that the peer should be told. */
uint32_t alg_stream_mark(const struct alg_stream *);
/* alg_stream_of: => the place of an id that alg_stream_get() has given */
struct alg_stream *alg_stream_of(struct alg_streams *, uint32_t id);
/* alg_stream_put: its session has ended and no worker can have it in its hands. */
void alg_stream_put(struct alg_streams *, struct alg_stream *);

/* A segment on its way through. */
struct alg_stream_segment {
	struct alg_streams *streams;
	struct alg_stream *stream;
	struct pkt *p;
	const struct alg *alg;
	unsigned int dir;
	uint32_t growth; /* of the edits of this segment so far */
	struct alg_lines_segment text;
};

/* alg_stream_in: in front of tracking. */
void alg_stream_in(struct alg_stream *, unsigned int dir, struct pkt *);
/* alg_stream_syn: a SYN that tracking has accepted: text of that direction begins behind it.
 * Nothing else is called for it: text in a SYN is not looked into. */
void alg_stream_syn(struct alg_stream *, unsigned int dir, const struct pkt *);
/* alg_stream_enter: behind tracking.  edits: the session's text is to be edited (it is
 * translated). */
void alg_stream_enter(struct alg_stream_segment *, struct alg_streams *, struct alg_stream *,
	const struct alg *, unsigned int dir, struct pkt *, bool edits);
bool alg_stream_next(struct alg_stream_segment *, struct alg_message *);
/* alg_stream_edit: the message becomes `text`.  => false: not this time: it is read again when it
 * is sent again, or (message.editable = false) it has left already: counted */
bool alg_stream_edit(
	struct alg_stream_segment *, const struct alg_message *, const char *text, uint32_t len);
/* alg_stream_out: => false: no room for its text, or it cannot be edited: drop it */
bool alg_stream_out(struct alg_stream_segment *);
