/*
 * One TCP connection with text between the two hosts of a pair, said step by step by the test:
 *
 *	talk_start(&ftp, p, TALK_CLIENT, 5000, 0, 21, NULL);
 *	talk_open(&ftp);
 *	talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,137\r\n");
 *	assert_string_equal(ftp.side[TALK_SERVER].heard, "PORT 200,1,1,100,...");
 *
 * Each step runs the pair until what was sent has come, or for a while.  Of translated connections
 * each side answers to what it has seen.
 */
#pragma once

#include "pair.h"

enum { TALK_CLIENT, TALK_SERVER };

struct talk_side {
	struct host *host;
	uint16_t port;
	uint32_t peer; /* as this side sees the other, host order; 0: not yet */
	uint16_t peer_port;
	uint32_t seq, ack; /* next to send, next expected */
	uint8_t flags;	   /* of the last segment that has come */
	uint32_t came;	   /* segments */
	uint32_t acked;	   /* what the last segment acknowledges */
	uint32_t last_seq; /* of the last with text */
	char heard[512];   /* text of the last */
};

struct talk {
	struct pair *p;
	struct talk_side side[2];
	unsigned int opener;
	struct talk *next; /* others of the same pair */
};

/* talk_start: `opener` will connect to the other side's port, at the address that is given (host
 * order; 0: the other host's own).  `more`: a connection that is there already, NULL. */
void talk_start(struct talk *, struct pair *, unsigned int opener, uint16_t port, uint32_t to,
	uint16_t to_port, struct talk *more);
/* talk_open: SYN, SYN-ACK, ACK. => did all come? */
bool talk_open(struct talk *);
/* talk_say: a segment with this text, and its acknowledgement.  => did both come, and is the text
 * acknowledged as who said it counts? */
bool talk_say(struct talk *, unsigned int side, const char *text);
/* talk_lost: the same, but its acknowledgement does not come: it will be said again. */
bool talk_lost(struct talk *, unsigned int side, const char *text);
