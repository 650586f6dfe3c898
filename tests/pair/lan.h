/*
 * A simulated LAN: one learning switch joining ring ports of the boxes and simulated hosts, on the
 * test's clock.  Everything a box sends is seen by the observer first, as on a mirror port.
 */
#pragma once

#include "clock.h"
#include "ip_addr.h"

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <stdbool.h>
#include <stdint.h>

#define LAN_MAX_PORTS  4
#define LAN_MAX_QUEUES 4

/* The switch's side of a box's port. */
struct lan_port {
	uint8_t box;
	bool up;
	uint16_t queues;
	uint16_t ethdev;
	struct rte_ring *to_box[LAN_MAX_QUEUES], *from_box[LAN_MAX_QUEUES];
};

struct host;
typedef void (*host_receive_fn)(
	void *ctx, struct host *, const uint8_t *ip, uint16_t len, mono_t now);

struct host {
	const char *name;
	struct rte_ether_addr mac;
	uint32_t address, gateway; /* host order */
	uint8_t address6[IP6_LEN]; /* it answers who asks for it; 0: it has none */
	struct rte_ether_addr gateway_mac;
	bool gateway_known;
	mono_t asked;
	host_receive_fn receive;
	void *ctx;
	struct lan *lan;
};

/* Sees each frame a box sends, before the switch forwards it. */
typedef void (*lan_observer_fn)(
	void *ctx, struct lan *, uint8_t box, const struct rte_mbuf *, mono_t);

struct lan {
	const char *name;
	struct rte_mempool *pool;      /* of the boxes' ports */
	struct rte_mempool *host_pool; /* of the host's */
	uint64_t no_buffer;	       /* frames for a box that found none */
	struct lan_port ports[LAN_MAX_PORTS];
	uint8_t port_count;
	struct host *host;
	struct {
		struct rte_ether_addr mac;
		int8_t port; /* -1 = the host */
	} learned[64];
	uint8_t learned_count;
	bool no_arp, no_icmp6; /* what boxes send of it is lost */
	uint32_t spread;       /* next queue of a box: any packet may come to any worker */
	lan_observer_fn observer;
	void *observer_ctx;
	uint64_t garps[256]; /* gratuitous ARP seen, by the last octet of the sender's MAC */
	/* Neighbour adverts to all nodes from a virtual MAC of IPv6, by box and vrid. */
	uint64_t adverts6[LAN_MAX_PORTS][256];
};

/* lan_port_create: a ring ethdev with `queues` queues.  => 0 or -errno. */
int lan_port_create(struct lan_port *, const char *name, uint8_t box, uint16_t queues);
void lan_port_destroy(struct lan_port *);

void lan_attach(struct lan *, const struct lan_port *);
void lan_attach_host(struct lan *, struct host *);
struct lan_port *lan_port_of(struct lan *, uint8_t box);
/* lan_poll: move everything the boxes have sent. */
void lan_poll(struct lan *, mono_t now);
/* lan_discard: throw away what a box has sent or is about to receive (it died). */
void lan_discard(struct lan *, uint8_t box);

/* host_send: an IPv4 packet by the gateway; asks for the gateway's MAC first when unknown (then the
 * packet is lost, as the sender's queue is not simulated). */
void host_send(struct host *, const uint8_t *ip, uint16_t len, mono_t now);
/* host_send6: an IPv6 packet to a MAC, which the host is taken to know. */
void host_send6(struct host *, const struct rte_ether_addr *to, const uint8_t *ip, uint16_t len,
	mono_t now);
