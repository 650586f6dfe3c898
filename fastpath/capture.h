/*
 * Capture: whole frames as they came in, went out or were dropped, for a file that management
 * writes.
 *
 * A worker copies matching frames into its own SP/SC ring of 64-byte elements: one for the head,
 * then the bytes.  No packet buffer is held and none is taken: a ring without room costs the copy,
 * which is counted, never a packet.  DPDK's rte_pcapng_copy() is not used: it knows ports, not
 * interfaces, has no place for a drop reason, needs a pool, and is experimental.
 */
#pragma once

#include "packet_filter.h"

#include <rte_mbuf.h>

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_SNAPLEN_MAX 65535
#define CAPTURE_ELEMENT	    64

struct engine;
struct capture;

/* Where in its life a frame is captured; bits. */
enum { CAPTURE_IN = 1, CAPTURE_OUT = 2, CAPTURE_DROPPED = 4 };

struct capture_params {
	struct packet_filter filter;
	uint8_t where;	/* CAPTURE_IN | ... */
	uint8_t reason; /* of drops; DROP_NONE = any */
	uint32_t snaplen;
};

struct capture_head {
	uint64_t at;	/* ns of the engine's clock, of the worker's turn */
	uint32_t len;	/* of the frame */
	uint32_t kept;	/* bytes that follow */
	uint16_t place; /* DROP_PLACES: the interface it came in by or leaves by, or a port without
			 */
	uint8_t where;
	uint8_t reason; /* enum drop_reason, of CAPTURE_DROPPED */
	uint8_t pad[CAPTURE_ELEMENT - 28];
	uint32_t elements; /* this one and those that follow */
};
static_assert(sizeof(struct capture_head) == CAPTURE_ELEMENT, "an element of the ring");

/* M.  capture_create: => NULL with a reason.  It begins with engine_set_capture(). */
struct capture *capture_create(
	struct engine *, const struct capture_params *, char *err, size_t err_size);
/* Neither a worker nor the writer may have it any more. */
void capture_destroy(struct capture *);

/* capture_take: the writer's side, one thread.  data: room for CAPTURE_SNAPLEN_MAX and an element
 * more.  => false: this worker's ring is empty. */
bool capture_take(struct capture *, uint16_t worker, struct capture_head *, uint8_t *data);
/* Frames that matched; those of a place that found no room. */
uint64_t capture_matched(const struct capture *);
uint64_t capture_missed(const struct capture *, uint16_t place);
