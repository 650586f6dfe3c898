/*
 * Which packets an operator wants to see (trace, capture).  Reads frames by itself, before anything
 * else has looked at them, so that those are found too that no session or rule ever sees.
 *
 * Management fills a filter, workers match; nothing here is on the path of packets while nobody
 * looks.
 */
#pragma once

#include "ip_addr.h"

#include <rte_mbuf.h>

#include <stdbool.h>
#include <stdint.h>

/* What a frame says of itself; as much of it as is there. */
struct packet_fields {
	struct ip_addr src, dst; /* family 0: no IP, or its header is cut short */
	rte_be16_t sport, dport; /* TCP, UDP, SCTP; else 0 */
	rte_be16_t ether_type;	 /* behind VLAN tags */
	uint16_t vlan; /* of the first tag, which the driver may have taken off; 0: none */
	uint8_t proto; /* behind IPv6 extension headers */
	bool fragment; /* part of a packet */
	bool ports;    /* there are some */
	bool icmp;     /* of either family, type and code are there */
	uint8_t icmp_type, icmp_code;
	uint8_t tcp_flags;
};

struct packet_net {
	struct ip_addr address; /* family 0: any */
	uint8_t len;
};

struct packet_filter {
	struct packet_net address; /* of either side */
	struct packet_net source, destination;
	int port; /* of either side; -1 = any, as the next three */
	int source_port, destination_port;
	int protocol;
	bool both;	    /* source and destination may be the other way round */
	uint8_t zone;	    /* of the interface; 0 = any */
	uint16_t interface; /* INTERFACE_NONE = any */
};

/* packet_read: of a frame that begins with Ethernet. */
void packet_read(const struct rte_mbuf *, struct packet_fields *);

/* packet_matches: addresses, protocol and ports; interface and zone are the caller's. */
bool packet_matches(const struct packet_filter *, const struct packet_fields *);
