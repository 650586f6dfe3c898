/*
 * A client's byte stream: non-blocking descriptors, a bounded input buffer and an output buffer
 * that the owner stops filling at STREAM_HIGH.  Shared by the console and the JSON socket.
 *
 * Nothing here blocks: what a client does not read stays in its buffer, and the owner stops working
 * for it until the buffer has drained.
 */
#pragma once

#include "clock.h"
#include "loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_HIGH (256 * 1024)      /* stop producing above this */
#define STREAM_MAX  (2 * STREAM_HIGH) /* never more: what comes then is cut */

/* Clients that only cost a slot are dropped after these. */
#define STREAM_IDLE_MS	 600000 /* no complete line */
#define STREAM_UNREAD_MS 60000	/* output waiting and not one byte taken */

struct stream {
	struct loop_source source; /* first: the owner's ready() gets its address */
	int epfd, in_fd, out_fd;   /* in_fd == out_fd for a socket */
	uint32_t armed_in, armed_out;
	bool eof;	/* the client will send no more */
	bool open_line; /* the last byte was no end of line */
	bool dead;	/* close now */
	bool cut;	/* STREAM_MAX was reached */
	char *in;
	size_t in_len, in_max;
	char *out;
	size_t out_head, out_len, out_cap; /* bytes wait at out[out_head .. out_head + out_len) */
	mono_t last_line, last_taken;
};

/* stream_open: takes the descriptors (made non-blocking).  => 0 or -errno, then they are closed. */
int stream_open(struct stream *, int epfd, int in_fd, int out_fd, size_t in_max,
	void (*ready)(struct loop_source *, uint32_t), mono_t now);
void stream_close(struct stream *);
/* stream_release: the same, but a socket stays open and is the caller's.
 * => descriptor, -1 when there is none. */
int stream_release(struct stream *);

/* stream_read: more input into in[in_len..in_max).  Sets eof or dead.  At the end of input a last
 * line without an end gets one, if its sender still waits for the answer. */
void stream_read(struct stream *);
void stream_consume(struct stream *, size_t n); /* of the input's front */

/* stream_flush: write what the client takes.  Sets dead. */
void stream_flush(struct stream *, mono_t now);
/* stream_arm: what epoll shall wake us for; output waiting is always included. */
void stream_arm(struct stream *, bool want_in, bool busy);

void stream_raw(struct stream *, const void *, size_t);
/* stream_text: with control characters but \n and \t replaced by '?'. */
void stream_text(struct stream *, const char *, size_t);

static inline bool
stream_full(const struct stream *s)
{
	return s->out_len >= STREAM_HIGH;
}

/* stream_expired: has the client been idle or deaf for too long?  `busy`: its owner waits for room.
 * => reason or NULL. */
const char *stream_expired(const struct stream *, bool busy, mono_t now);
