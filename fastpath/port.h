/*
 * Ports: a DPDK ethdev each, set up with one RX and one TX queue per worker (service ports) or one
 * of each (heartbeat ports).  Started by app/, used by workers, the HRP core and shows.
 */
#pragma once

#include "ip_addr.h"
#include "snapshot.h"

#include <rte_ether.h>
#include <rte_mbuf.h>

#include <stdbool.h>
#include <stdint.h>

/* Private area of every mbuf: says where a punted packet came from, where an injected one goes. */
struct pkt_meta {
	uint16_t port;	    /* RX port, or that of an unresolved next hop (engine port index) */
	uint16_t interface; /* RX interface, or TX interface of an unresolved next hop; inject: TX
				interface */
	uint8_t why;	    /* enum punt_why */
	bool fenced;	    /* inject: transmit only while the lease is held at that moment */
	uint8_t family;	    /* PUNT_UNRESOLVED: 6: next_hop6 must be asked, else next_hop */
	uint8_t pad;
	union {
		rte_be32_t next_hop;
		uint8_t next_hop6[IP6_LEN];
	};
	uint32_t neigh; /* PUNT_UNRESOLVED: entry if there is one, else NEIGH_NONE */
	uint32_t trace; /* W: id of its record while the buffer has the trace's mark */
};

/* Behind it: a fragment among those of its datagram (fastpath/frag.h). */
struct pkt_part {
	struct rte_mbuf *next; /* the one behind it, NULL = none yet */
	uint16_t offset;       /* of its payload in the datagram's */
	uint16_t len;	       /* of its payload */
	uint16_t data;	       /* from its IP header to its payload */
	uint16_t l3;	       /* from the start of its frame to its IP header */
	uint16_t port;	       /* engine port it came in */
	uint16_t interface;    /* interface it came in */
};

struct pkt_private {
	struct pkt_meta meta;
	struct pkt_part part;
};

static inline struct pkt_meta *
pkt_meta(struct rte_mbuf *m)
{
	struct pkt_private *p = rte_mbuf_to_priv(m);

	return &p->meta;
}

static inline struct pkt_part *
pkt_part(struct rte_mbuf *m)
{
	struct pkt_private *p = rte_mbuf_to_priv(m);

	return &p->part;
}

struct port {
	uint16_t ethdev;
	uint16_t queues;
	uint16_t mtu;			   /* largest IP packet it receives */
	uint16_t room;			   /* bytes of a buffer; larger frames come in several */
	uint16_t filters;		   /* MACs in its filter; 0: all frames are taken */
	bool promiscuous;		   /* 0 filters, and the driver was told so */
	bool tags_by_driver;		   /* the driver puts VLAN tags on */
	bool lacp;			   /* a trunk that speaks LACP: workers must serve it */
	bool symmetric;			   /* it spreads over its queues by the symmetric key */
	bool reta;			   /* ... in the order of the sessions' homes */
	uint64_t rx_offloads, tx_offloads; /* RTE_ETH_RX_OFFLOAD_..., in use */
	char name[64];			   /* RTE_ETH_NAME_MAX_LEN */
	char driver[32];
	struct rte_ether_addr mac;
};

/* port_pool_create: packet buffers of `room` bytes, with a struct pkt_private each.  NULL with
 * rte_errno. */
struct rte_mempool *port_pool_create(const char *name, uint32_t count, uint16_t room, int socket);

struct port_params {
	struct rte_mempool *pool;
	uint16_t ethdev;
	uint16_t queues;   /* RX and TX, each */
	uint16_t mtu;	   /* largest IP packet */
	uint16_t room_min; /* buffers must have so many bytes; 0 = a frame */
	uint16_t mac_count;
	const struct rte_ether_addr *macs; /* virtual ones */
	bool mtu_by_kernel;		   /* a kernel interface has it: nothing to be set */
	bool promiscuous;		   /* even if the driver has a filter for the MACs */
	bool tagged; /* has subinterfaces: the driver takes off and puts on tags if it can */
	bool chains; /* frames may lie in several buffers */
};

/* port_start: configure and start a port: what port_plan.c says. => 0, or -errno with a one-line
 * reason in err. */
int port_start(struct port *, const struct port_params *, char *err, size_t err_size);
void port_stop(struct port *);

/* port_member: describe a member of a trunk, which the trunk has configured and started. */
void port_member(struct port *, uint16_t ethdev, const struct port *trunk);
