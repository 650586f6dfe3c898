/*
 * An engine box with a control core in front of it: frames in, one turn at a time on a fake clock,
 * frames out.  Starts with nothing resolved, both links up, no virtual address active.
 */
#pragma once

#include "core.h"
#include "engine_box.h"

#define CORE_BOX_FRAME 2048

struct core_box {
	struct engine_box *box;
	struct core *core;
	struct core_stats before; /* core_box_mark() */
};

/* A frame that was sent. */
struct core_box_frame {
	uint16_t len;
	uint8_t bytes[CORE_BOX_FRAME];
};

struct core_box *core_box_create(uint16_t workers);
/* core_box_destroy: => number of packet buffers that were lost, to be 0. */
unsigned int core_box_destroy(struct core_box *);

/* core_box_turn: `ms` pass; workers, control core, workers. */
void core_box_turn(struct core_box *, uint64_t ms);
/* core_box_wait: `ms` pass in steps of at most `step` ms. */
void core_box_wait(struct core_box *, uint64_t ms, uint64_t step);
/* core_box_feed: a frame arrives on a port; => it stays there until the next turn. */
void core_box_feed(struct core_box *, uint16_t port, const void *frame, size_t len);
/* core_box_sent: the next frame that left a port. => false: none. */
bool core_box_sent(struct core_box *, uint16_t port, struct core_box_frame *);
void core_box_discard(struct core_box *); /* whatever was sent */

/* What was counted since the last mark. */
void core_box_mark(struct core_box *);
struct core_stats core_box_counted(const struct core_box *);

/* core_box_udp: a UDP packet of 18 bytes from `src` to `dst` into the box. => Length. */
size_t core_box_udp(uint8_t frame[CORE_BOX_FRAME], const struct rte_ether_addr *to, rte_be32_t src,
	rte_be32_t dst, uint16_t sport);
/* State of a neighbour, NEIGH_FREE = no entry. */
enum neigh_state core_box_neighbour(
	const struct core_box *, uint16_t interface, rte_be32_t, struct rte_ether_addr *mac);
