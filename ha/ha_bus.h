/*
 * Messages between the control core (roles) and the HRP core (heartbeat ports, mirror): two SP/SC
 * rings of values, so that neither reads the other's state.
 */
#pragma once

#include <rte_ring.h>

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum ha_msg_type {
	/* control core -> HRP core */
	HA_MSG_SEND = 1, /* data = a whole HA message (VGMP or HRP hello), without its trailer,
			  * value = when it was made, ms of the monotonic clock: one older than a
			  * hello interval is not sent, since a pause may have made it wrong */
	HA_MSG_ARRIVED,	 /* data = a message from the service interface of link `slot`, flag = enum
			  * ha_refusal */
	HA_MSG_UNSENT,	 /* one of HA_MSG_TRANSMIT was not sent: flag = HA_REFUSED_policy, or 0: no
			  * way, or the next hop is being asked for */
	HA_MSG_ROLE,	 /* flag = this box has an Active group, value = newest role epoch known,
			  * data[0] = the peer is known to be alive, data[1] = bit per
			  * active group, that of the other one if the peer uses the same one,
			  * data[2] = no heartbeat works, but the peer may be alive */
	/* HRP core -> control core */
	HA_MSG_TRANSMIT, /* data = a message for the service interface of link `slot`, value as in
			  * HA_MSG_SEND */
	HA_MSG_LINK,	 /* link `slot` has changed: flag = enum hrp_link_state, value = enum
			  * hrp_wiring, data[0] = crossed_to as in struct hrp_link */
	HA_MSG_RECEIVED, /* data = a checked VGMP or HRP hello from the peer, newer than all
			  * before it, without its trailer; flag = HA_RECEIVED_*, value = the newest
			  * role epoch that its sender knew, 0 = none */
	HA_MSG_LINKS,	 /* flag = some heartbeat link is ready or running, value = running slot */
	HA_MSG_SYNC	 /* flag = synchronised with the peer (bulk complete, digests agree) */
};

#define HA_RECEIVED_FIRST	  0x01 /* of two alike this box comes before the sender */
#define HA_RECEIVED_OTHER_VERSION 0x02

struct ha_msg {
	uint8_t type;
	uint8_t len; /* of data */
	uint8_t flag;
	uint8_t slot; /* heartbeat link it came by */
	uint32_t value;
	uint8_t data[120];
};
static_assert(sizeof(struct ha_msg) == 128, "ring element");

struct ha_bus {
	struct rte_ring *to_hrp, *to_core; /* single producer, single consumer each */
};

int ha_bus_create(struct ha_bus *, const char *name, int socket); /* => 0 or -errno */
void ha_bus_destroy(struct ha_bus *);
/* Never block; false = full, empty. */
bool ha_bus_put(struct rte_ring *, const struct ha_msg *);
bool ha_bus_get(struct rte_ring *, struct ha_msg *);
