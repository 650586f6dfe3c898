/*
 * What is asked of a driver, by what it says it can do.  Pure: port.c does it.
 */
#pragma once

#include "port.h"

#include <rte_ethdev.h>

/* Bytes around an IP packet: Ethernet and two tags.  The CRC is the driver's. */
#define PORT_FRAME_EXTRA 22

struct port_plan {
	struct rte_eth_conf conf; /* its RSS key points to `key` */
	uint8_t key[64];
	bool symmetric; /* the driver spreads by the symmetric key */
	bool filter;	/* it has room for our MACs: not promiscuous */
};

/* port_plan: => 0, or -EINVAL with a one-line reason in err; -EMSGSIZE: the MTU is the reason. */
int port_plan(const struct port_params *, const struct rte_eth_dev_info *, struct port_plan *,
	char *err, size_t err_size);

/* port_plan_room: how large buffers must be for `n` ports that share a pool: a whole frame of each,
 * unless all can do with several; of those that need `room_min` at least that.  Sets `chains` of
 * every port. => bytes, headroom not counted. */
uint16_t port_plan_room(struct port_params *, const struct rte_eth_dev_info *, uint32_t n);
