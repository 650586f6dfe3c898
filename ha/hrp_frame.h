/*
 * Encapsulation of HA messages on a heartbeat link, multicast mode (requirements.md 3.1): Ethernet
 * to 01-00-5e-00-00-12, IPv4 to 224.0.0.18, TTL 255, protocol 112.  Pure.
 */
#pragma once

#include "hrp_wire.h"

#include <rte_ether.h>

#include <stdbool.h>
#include <stdint.h>

#define HRP_FRAME_OVERHEAD 34 /* Ethernet and IPv4 */

struct hrp_frame_end {
	rte_be32_t address;
	uint8_t prefix_len;
	struct rte_ether_addr mac;
};

enum hrp_frame_kind {
	HRP_FRAME_HA,
	HRP_FRAME_ARP_REQUEST, /* for our address: hrp_frame_arp_reply() turns it into the answer */
	HRP_FRAME_OTHER,       /* nothing of ours */
	HRP_FRAME_REFUSED
};

/* hrp_frame_write: the headers of a frame whose message of `len` bytes is at HRP_FRAME_OVERHEAD. */
void hrp_frame_write(
	uint8_t *frame, uint16_t len, const struct hrp_frame_end *self, uint16_t ip_id);

/* hrp_frame_parse: for HRP_FRAME_HA, message, length and source; for HRP_FRAME_REFUSED, why. */
enum hrp_frame_kind hrp_frame_parse(const uint8_t *frame, uint16_t frame_len,
	const struct hrp_frame_end *self, const uint8_t **message, uint16_t *len,
	rte_be32_t *source, enum ha_refusal *why);

void hrp_frame_arp_reply(uint8_t *frame, const struct hrp_frame_end *self);
