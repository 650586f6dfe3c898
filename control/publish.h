/*
 * From configuration to engine: builds the snapshot, the policy and the routes and publishes them.
 * Management thread only.
 */
#pragma once

#include "config.h"
#include "engine.h"

#include <stddef.h>

/* An address that becomes ours while a VRRP group is active; collected from ha/'s sections. */
struct publish_virtual {
	rte_be32_t address;
	uint16_t interface;
	uint8_t vrid;
	uint8_t len; /* its subnet, when outside the interface's (R50); 0 = no route of its own */
	bool silent; /* as in struct snapshot_address */
};

/* What upper layers add to the snapshot: ha/ fills both lists from its sections. */
struct publish_extra {
	const struct publish_virtual *virtuals;
	uint32_t virtual_count;
	const struct snapshot_address6 *virtuals6;
	uint32_t virtual6_count;
	uint64_t heartbeat_interfaces;	     /* bit per interface index, as the next */
	uint64_t heartbeat_udp_interfaces;   /* service interfaces with a heartbeat in UDP */
	rte_be16_t heartbeat_udp;	     /* its port */
	uint64_t defer[MAX_ZONES], defer_ns; /* as in struct snapshot */
};

/* => 0, or -errno with a one-line reason; then the engine keeps what it had. */
int publish_config(struct engine *, const struct config *, const struct publish_extra *, char *err,
	size_t err_size);

/* publish_check_reload: may `next` replace `running` without a restart?
 * => 0; -EINVAL with the first setting that needs one ("system.sessions needs a restart"). */
int publish_check_reload(
	const struct config *running, const struct config *next, char *err, size_t err_size);
