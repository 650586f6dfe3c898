/*
 * Heartbeat over service interfaces (UDP, heartbeat_only): the control core sends what the HRP core
 * hands over, and hands over what workers have punted.  The messages themselves are the HRP core's
 * business.  Control core only, but for ha_udp_add().
 */
#pragma once

#include "core.h"
#include "engine.h"
#include "ha_bus.h"
#include "hrp_frame.h"
#include "hrp_link.h"

struct ha_udp {
	struct engine *engine;
	struct core *core;
	uint32_t hello_ms;
	uint16_t count;
	struct ha_udp_path {
		uint8_t slot; /* of the heartbeat link */
		uint16_t interface;
		uint16_t ip_id;
		struct hrp_frame_end self; /* MACs unused */
	} paths[HRP_LINKS_MAX];
};

/* At start. */
void ha_udp_add(
	struct ha_udp *, uint8_t slot, uint16_t interface, rte_be32_t address, rte_be32_t remote);
/* ha_udp_send: an HA_MSG_TRANSMIT.  => true: *news, for the HRP core: it was not sent. */
bool ha_udp_send(struct ha_udp *, const struct ha_msg *, mono_t now, struct ha_msg *news);
/* ha_udp_receive: a packet to the heartbeat's port, from its IPv4 header on.
 * => false: no link has this interface.  true: *news for the HRP core, also when refused. */
bool ha_udp_receive(const struct ha_udp *, uint16_t interface, const uint8_t *data, uint16_t len,
	struct ha_msg *news);
