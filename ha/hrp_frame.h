/*
 * Encapsulation of HA messages (requirements.md 3.1).  Pure.
 *
 *	multicast   Ethernet to 01-00-5e-00-00-12, IPv4 to 224.0.0.18, TTL 255, protocol 112
 *	UDP	    IPv4 to the peer's address, by routers if need be, to port 18514
 *
 * A link speaks one of them: what comes in the other is refused.
 */
#pragma once

#include "hrp_wire.h"

#include <rte_ether.h>

#include <stdbool.h>
#include <stdint.h>

#define HRP_FRAME_OVERHEAD     34 /* Ethernet and IPv4 */
#define HRP_FRAME_OVERHEAD_UDP 42 /* and UDP */

struct hrp_frame_end {
	rte_be32_t address;
	rte_be32_t remote; /* 0 = multicast */
	uint8_t prefix_len;
	struct rte_ether_addr mac;
	struct rte_ether_addr next_hop; /* UDP: MAC of the peer or of the router on the way */
};

enum hrp_frame_kind {
	HRP_FRAME_HA,
	HRP_FRAME_ARP_REQUEST, /* for our address: hrp_frame_arp_reply() turns it into the answer */
	HRP_FRAME_ARP_ANSWER,  /* to us: hrp_frame_arp_sender() */
	HRP_FRAME_OTHER,       /* nothing of ours */
	HRP_FRAME_REFUSED
};

struct hrp_frame_message {
	const uint8_t *data;
	uint16_t len;
	rte_be32_t source;
	rte_be16_t port; /* UDP: the sender's */
};

static inline uint16_t
hrp_frame_overhead(const struct hrp_frame_end *self)
{
	return self->remote != 0 ? HRP_FRAME_OVERHEAD_UDP : HRP_FRAME_OVERHEAD;
}

/* Source port of a message (as it is on the wire) that is data, or is not. */
rte_be16_t hrp_frame_source_port(const uint8_t *message, uint16_t len);

/* hrp_frame_write: the headers of a frame whose message of `len` bytes is in its place already. */
void hrp_frame_write(
	uint8_t *frame, uint16_t len, const struct hrp_frame_end *self, uint16_t ip_id);

/* hrp_frame_parse: for HRP_FRAME_HA, the message; for HRP_FRAME_REFUSED, why. */
enum hrp_frame_kind hrp_frame_parse(const uint8_t *frame, uint16_t frame_len,
	const struct hrp_frame_end *self, struct hrp_frame_message *, enum ha_refusal *why);
/* hrp_frame_parse_udp: the same from the IPv4 header on, of a packet to port 18514 of ours. */
enum hrp_frame_kind hrp_frame_parse_udp(const uint8_t *ip, uint16_t len,
	const struct hrp_frame_end *self, struct hrp_frame_message *, enum ha_refusal *why);

void hrp_frame_arp_reply(uint8_t *frame, const struct hrp_frame_end *self);
/* hrp_frame_arp_sender: who has sent an ARP frame that hrp_frame_parse() has accepted. */
void hrp_frame_arp_sender(const uint8_t *frame, rte_be32_t *address, struct rte_ether_addr *mac);
