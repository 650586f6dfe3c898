/*
 * Text of one direction of a TCP session, in order: an ALG gets each message once, whole, and never
 * half of one (ALG-05).
 *
 * Only what comes next is taken.  What comes too early is not forwarded, as if it had been lost:
 * its sender sends it again behind what is missing.  What has been taken already is not looked at
 * again.
 *
 * A message that is not whole at the end of a segment is copied.  In a session whose text is edited
 * it is not forwarded either: the segment is cut where the message begins.  When the rest comes,
 * the message is read, edited as a whole (alg_seq.h), and the part that the last segment has of it
 * leaves with it; the first part leaves, edited, when its sender sends it again.  A sender that
 * will not send the rest before the first part is acknowledged (RFC 896) gets that through by
 * sending it ALG_LINES_TRIES times more; the message is then read when it is whole, but cannot be
 * edited.
 *
 * A message that will say nothing, however it goes on (dull() of struct alg), does not wait.
 *
 * The looking ends for good with text of another protocol, and when the receiver acknowledges what
 * has not been seen here.
 *
 * Numbers are as the sender of this direction counts, host byte order.  No lock: the caller's.
 */
#pragma once

#include "alg.h"

#define ALG_LINES_TRIES 2

struct alg_lines {
	uint32_t next;	  /* behind what has been taken */
	uint32_t skip;	  /* bytes of a message that is too long */
	uint16_t held;	  /* bytes in `text`, of a message that is not whole; they end at next */
	uint16_t need;	  /* bytes that message has at least; 0: not known */
	uint8_t withheld; /* they have not been forwarded, and will so often not be; 0: they have */
	bool on;	  /* false: not looked into */
	bool skip_line;	  /* up to the next LF */
	bool learn;	  /* taken over: the next segment tells how far it is since */
	bool by_line;	  /* with learn: a message is a line */
	char text[ALG_LINE_MAX];
};

struct alg_message {
	const char *text; /* until the next call */
	uint32_t len, seq;
	bool editable; /* nothing of it has been forwarded */
	struct alg_findings found;
};

/* A segment on its way through. */
struct alg_lines_segment {
	uint32_t seq, len;
	const char *data;
	uint32_t at;   /* bytes that are taken */
	uint32_t keep; /* bytes that may be forwarded */
	bool edits;    /* the session's text is edited */
};

/* alg_lines_start: the first byte will be `seq`: behind a SYN. */
void alg_lines_start(struct alg_lines *, uint32_t seq);
void alg_lines_stop(struct alg_lines *);
/* How far the looking has come, for the peer to go on from there. */
struct alg_lines_place {
	uint32_t next; /* with `known`: a message begins here */
	bool on, known;
};
struct alg_lines_place alg_lines_place(const struct alg_lines *);
/* alg_lines_resume: in the midst of a session that has been looked into elsewhere (taken over from
 * the peer).  Where the next message begins is not known, also when the text has gone on since:
 * then from the begin of the next line on, and where a message is no line the looking has ended. */
void alg_lines_resume(struct alg_lines *, const struct alg *, const struct alg_lines_place *);

/* alg_lines_enter: a segment that tracking has accepted.  => `keep` of it is what may be forwarded
 * as long as there are no messages. */
void alg_lines_enter(struct alg_lines *, struct alg_lines_segment *);
/* alg_lines_next: the next message that has become whole by this segment.  => false: no more */
bool alg_lines_next(struct alg_lines *, const struct alg *, unsigned int dir,
	struct alg_lines_segment *, struct alg_message *);
/* alg_lines_refuse: that message cannot go yet: it is taken when it is sent again, and nothing
 * behind it before.  => No further alg_lines_next() of this segment. */
void alg_lines_refuse(struct alg_lines *, struct alg_lines_segment *, const struct alg_message *);
/* alg_lines_acked: the receiver has this much.  => false: it has more than came by here; the
 * looking has ended */
bool alg_lines_acked(struct alg_lines *, uint32_t ack);
