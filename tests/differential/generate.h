/*
 * Lists of packets: an honest conversation of a client and a server, into which a third of the time
 * something dishonest, damaged, late or lost is mixed.  The same seed and number give the same
 * list.
 */
#pragma once

#include "frame.h"

#include <stdbool.h>
#include <stdint.h>

#define LIST_MAX 32

struct packet {
	struct frame_spec f;
	struct frame_spec quote; /* of an ICMP error: f.quote points here */
	unsigned int from;	 /* 0 client, 1 server */
	const char *label;
};

struct list {
	struct packet packet[LIST_MAX];
	unsigned int count;
	/* Client to server, host order; an echo's identifier is sport. */
	uint32_t client, server;
	uint16_t sport, dport;
	uint8_t proto;
};

void generate(struct list *, uint64_t seed, uint32_t number);
