/*
 * Messages about the configuration between the management thread, which has it, and the HRP core,
 * which has the links: two SP/SC rings of values, as struct ha_bus.  What a ring has no room for is
 * lost as if on the wire.
 */
#pragma once

#include "events.h"
#include "hrp_wire.h"

#include <rte_ring.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct config_frame {
	uint16_t len; /* of text */
	uint16_t padding[3];
	struct hrp_config head;
	uint8_t text[HRP_CONFIG_CHUNK_MAX];
};
static_assert(sizeof(struct config_frame) % 4 == 0, "ring element");

#define CONFIG_STANDING_ACTIVE	    0x01 /* this box */
#define CONFIG_STANDING_ALIVE	    0x02 /* the peer */
#define CONFIG_STANDING_PEER_ACTIVE 0x04
#define CONFIG_STANDING_FIRST	    0x08 /* of two alike this box comes before the peer */

struct config_bus {
	struct rte_ring *to_hrp, *to_management;
	struct rte_ring *to_core; /* struct event: how transfers ended; only the core posts them */

	_Atomic(uint32_t) standing; /* the HRP core writes, management reads */

	/* Management writes, for hellos (control core) and the HRP core. */
	_Atomic(uint32_t) generation;	   /* 0: knows no backup */
	_Atomic(uint8_t) role, flags;	   /* as in the hello */
	_Atomic(bool) pending;		   /* another configuration is about to go or to come */
	_Atomic(uint64_t) digest, refused; /* bytes as they are; refused: a document of the peer */
};

int config_bus_create(struct config_bus *, const char *name, int socket); /* => 0 or -errno */
void config_bus_destroy(struct config_bus *);
/* Never block; false = full, empty. */
bool config_bus_put(struct rte_ring *, const struct config_frame *);
bool config_bus_get(struct rte_ring *, struct config_frame *);
bool config_bus_tell(struct config_bus *, const struct event *);
bool config_bus_told(struct config_bus *, struct event *);
