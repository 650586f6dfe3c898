/*
 * The box's ports and trunks: found, measured, started, stopped.  Their order is that of
 * config_port_index().
 */
#pragma once

#include "config.h"
#include "engine.h"

#include <stddef.h>
#include <stdint.h>

#define PORTS_MACS 510 /* virtual MACs of a port: one for each vrid and family */

struct ports {
	struct port list[MAX_PORTS];
	struct port_params params[MAX_PORTS];
	bool heartbeat[MAX_PORTS];
	bool member[MAX_PORTS]; /* of a trunk */
	struct rte_ether_addr macs[MAX_PORTS][PORTS_MACS];
	uint16_t started;
	uint16_t room; /* bytes of a packet buffer that suit all of them */
	/* The caller's.  Heartbeats have buffers of their own: however many packets are held
	 * elsewhere, hellos are sent and heard. */
	struct rte_mempool *pool, *heartbeat_pool;
};

/* ports_probe: the devices of the configuration and what they can do; nothing is started.
 * ports_start: start them with buffers of `room` bytes and add them to the engine.
 * => 0, or -errno with "FILE:LINE: SETTING: reason". */
int ports_probe(struct ports *, const struct config *, char *err, size_t err_size);
int ports_start(struct ports *, const struct config *, struct engine *, char *err, size_t err_size);
/* ports_heartbeats: how many ports are heartbeat ports, once they are probed. */
uint16_t ports_heartbeats(const struct ports *);
void ports_stop(struct ports *);
