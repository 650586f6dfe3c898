/*
 * One packet of a generated list with our verdict, as `lists` writes and `replay` reads it;
 * followed by `len` bytes of frame.  Both run on one machine: native byte order.
 */
#pragma once

#include <stdint.h>

/* The server of list n has the address RECORD_SERVER + n: each list is known by its packets. */
#define RECORD_SERVER 0x64400000U /* 100.64.0.0 */
#define RECORD_LISTS  0x3fff00U

struct record {
	uint32_t list;
	uint16_t packet; /* in its list; also the IPv4 identification */
	uint16_t len;
	uint8_t from; /* 0 client, 1 server */
	uint8_t forwarded;
	char label[30];	 /* what the packet is */
	char state[16];	 /* of our session before it */
	char reason[18]; /* why we dropped it, "pass" */
	char text[96];	 /* the packet for people */
};
