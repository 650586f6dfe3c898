/*
 * Last words: a client that the server parts with must be able to read why.  Closing a socket while
 * input lies unread in it resets the client, which then fails in the middle of its own writing and
 * may never look at the answer.  So the server only stops sending, throws away what still comes,
 * and closes when the client has closed, after FAREWELL_MS or after FAREWELL_BYTES.
 *
 * Management thread only.  At most FAREWELL_MAX clients are on their way out, then the oldest goes.
 */
#pragma once

#include "clock.h"
#include "loop.h"

#include <stdint.h>

#define FAREWELL_MAX   64
#define FAREWELL_MS    1000
#define FAREWELL_BYTES (1024 * 1024)

struct farewell_client {
	struct loop_source source; /* first */
	int fd;			   /* -1: free */
	int epfd;
	uint32_t bytes; /* thrown away so far */
	mono_t since;
};

struct farewell {
	int epfd;
	struct farewell_client client[FAREWELL_MAX];
};

void farewell_init(struct farewell *, int epfd);
/* farewell_say: part with a client whose output has been written; takes the socket. */
void farewell_say(struct farewell *, int fd, mono_t now);
void farewell_tick(struct farewell *, mono_t now); /* about every 100 ms */
void farewell_end(struct farewell *);		   /* closes all */
