/*
 * The snapshot: everything of the configuration that packets need, compiled by the management
 * thread, read-only once published, replaced as a whole (RCU).
 *
 * Routes and neighbours are not in it: they live in tables with their own reader protocol.
 */
#pragma once

#include "defence.h"
#include "ip_addr.h"
#include "limit.h"
#include "notice.h"
#include "scan.h"
#include "traffic_log.h"
#include "vlan.h"

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <stdbool.h>
#include <stdint.h>

#define MAX_INTERFACES 64 /* interface index, 0 is valid */
#define MAX_ZONES      64 /* zone id; 0 is "none", 1 is "local" */
#define MAX_PORTS      32
#define MAX_RULES      16384
#define INTERFACE_NONE UINT16_MAX
#define VLAN_NONE      UINT8_MAX /* no interface has this tag */
#define MAX_ADDRESSES6 8	 /* global IPv6 addresses of an interface */

#define FRAGMENTS_TIMEOUT 30 /* s; RFC 791 says 15, RFC 8200 60, hosts 30 */
#define FRAGMENTS_MOST	  64 /* of one datagram: all there can be from an MTU of 1280 up */

/* Bits of the filter in front of own addresses and edges: a power of two, up to 2^16. */
#define SNAPSHOT_FILTER 1024

#define ZONE_NONE  0
#define ZONE_LOCAL 1

struct nat;
struct policy;

/* An address with the length of its subnet; host bits are kept. */
struct snapshot_prefix6 {
	uint8_t address[IP6_LEN];
	uint8_t len;
};

struct snapshot_interface {
	char name[48];
	uint16_t port; /* engine port index (fastpath/port.h) */
	uint16_t vlan; /* its tag on that port, 0 = none */
	uint16_t mtu;
	uint8_t zone;
	bool heartbeat;	      /* owned by the HRP core; carries no service traffic */
	bool ping;	      /* own addresses answer echo requests without a rule */
	bool up;	      /* administratively */
	uint8_t reverse_path; /* enum reverse_path */
	rte_be16_t
		heartbeat_udp; /* UDP port of its address that is the peer's way to us, 0 = none */
	uint16_t tcp_mss;      /* largest segment size of SYNs in and out, 0 = as they are */
	rte_be32_t address;    /* 0 = none */
	uint8_t prefix_len;
	struct rte_ether_addr mac;
	uint8_t address6_count; /* 0: no IPv6 on it, link-local neither */
	struct snapshot_prefix6 addresses6[MAX_ADDRESSES6];
	uint8_t link_local[IP6_LEN];
};

struct snapshot_zone {
	char name[32];
	uint8_t priority; /* 0 = zone id unused */
};

/* An address that is ours: an interface's, or a virtual one (vrid > 0: ours while it is active). */
struct snapshot_address {
	rte_be32_t address;
	uint16_t interface;
	uint8_t vrid;
	bool silent; /* accept mode is off: no service, no echo (RFC 9568 6.4.3) */
};

/* The same for IPv6.  A link-local address is ours on its interface only. */
struct snapshot_address6 {
	uint8_t address[IP6_LEN];
	uint16_t interface;
	uint8_t vrid;
	bool silent;
};

/* Public addresses of translation in a subnet of an interface: we answer for them in ARP, with a
 * vrid
 * (> 0) only while that group is active. */
struct snapshot_claim {
	uint32_t from, to; /* host byte order, both included */
	uint16_t interface;
	uint8_t vrid;
};

/* How connections are tracked. */
struct snapshot_tracking {
	bool tcp_loose;	       /* pick up TCP sessions mid-stream (TCP-03) */
	bool tcp_window_check; /* drop segments outside the window (TCP-20) */
	bool evict;	       /* sessions that can be spared make room in a full table */
	bool verify_all;       /* software checksums of payload too, see l4_sum.h */
};

/* What becomes of fragments (fastpath/frag.h). */
struct snapshot_fragments {
	bool drop;	  /* all of them */
	uint16_t timeout; /* s, from the first of a datagram to the last */
	uint32_t most;	  /* fragments of one datagram */
};

struct snapshot {
	uint32_t version;
	struct snapshot_tracking tracking;
	uint32_t defences;    /* DEFENCE_BIT() of those that are on */
	uint64_t limit_zones; /* bit per zone id: sessions that begin there are limited */
	struct limit_zone limits[MAX_ZONES];
	/* By zone id of the initiator, bit per zone id of the responder: first packets wait for the
	 * peer (defer.h), at most so long. */
	uint64_t defer[MAX_ZONES], defer_ns;
	uint64_t scan_zones; /* bit per zone id: sources there are watched */
	struct scan_limits scan;
	struct snapshot_fragments fragments;
	struct notice_settings notices;
	uint16_t interface_count;
	uint16_t address_count;
	uint16_t address6_count;
	uint16_t edge_count;
	enum traffic_log_scope log_sessions, log_denied;
	struct snapshot_interface interfaces[MAX_INTERFACES];
	uint16_t port_interface[MAX_PORTS]; /* port -> untagged interface, INTERFACE_NONE */
	uint8_t *port_vlans[MAX_PORTS];	    /* [VLAN_IDS] tag -> interface, VLAN_NONE; NULL: no
						subinterfaces */
	struct snapshot_zone zones[MAX_ZONES];
	struct snapshot_address *addresses;   /* sorted by address (host order) */
	struct snapshot_address6 *addresses6; /* sorted by snapshot_sort6() */
	uint32_t *edges; /* network and broadcast addresses of connected subnets, sorted, host order
			  */
	struct snapshot_claim *claims; /* sorted, apart from each other */
	uint32_t claim_count;
	struct policy *policy; /* owned by the snapshot */
	uint32_t algs;	       /* bit per enum alg_id that is on */
	struct nat *nat;       /* likewise; NULL: nothing is translated */
	/* Own IPv4 addresses and edges, a bit each: most packets have neither, and need no search.
	 */
	uint64_t filter[SNAPSHOT_FILTER / 64];
};

/* snapshot_create: with room for so many own addresses, and the subnet of each of IPv4; empty but
 * for `fragments`, which has its defaults. */
struct snapshot *snapshot_create(uint16_t address_count, uint16_t address6_count);
void snapshot_destroy(struct snapshot *); /* policy and nat included */

/* snapshot_map_ports: after the interfaces have their ports and tags: make the way back.
 * => false: out of memory. */
bool snapshot_map_ports(struct snapshot *);

/* snapshot_sort6: put addresses6 in order; of equal ones (of one interface, where they are
 * link-local) only that with the lowest vrid stays, so an interface's own (0) wins (R39). */
void snapshot_sort6(struct snapshot *);

/* snapshot_add_subnet: a connected subnet; those of /31 and longer have no edges. */
void snapshot_add_subnet(struct snapshot *, rte_be32_t address, uint8_t len);

/* snapshot_seal: own addresses and subnets are complete.  => engine_publish() calls it; nothing of
 * IPv4 is found before. */
void snapshot_seal(struct snapshot *);

static inline uint32_t
snapshot_filter_bit(rte_be32_t address)
{
	return (uint32_t)(address * UINT32_C(0x9e3779b1)) >> 16 & (SNAPSHOT_FILTER - 1);
}

/* snapshot_may_know: => false: it is neither an address of ours nor an edge. */
static inline bool
snapshot_may_know(const struct snapshot *s, rte_be32_t address)
{
	const uint32_t bit = snapshot_filter_bit(address);

	return (s->filter[bit / 64] >> (bit % 64) & 1) != 0;
}

/* snapshot_claim_of: what this address belongs to on this interface, NULL.  => By the control core;
 * packets do not ask. */
const struct snapshot_claim *snapshot_claim_of(
	const struct snapshot *, uint16_t interface, rte_be32_t);

bool snapshot_find_edge(const struct snapshot *, rte_be32_t);
const struct snapshot_address *snapshot_find_address(const struct snapshot *, rte_be32_t);

/* snapshot_is_edge: is it the network or broadcast address of a connected subnet? */
static inline bool
snapshot_is_edge(const struct snapshot *s, rte_be32_t address)
{
	return snapshot_may_know(s, address) && snapshot_find_edge(s, address);
}

/* snapshot_own_address: => entry of `addr` or NULL. */
static inline const struct snapshot_address *
snapshot_own_address(const struct snapshot *s, rte_be32_t addr)
{
	return snapshot_may_know(s, addr) ? snapshot_find_address(s, addr) : NULL;
}
/* snapshot_own_address6: the same; `interface` is where a link-local `addr` was seen. */
const struct snapshot_address6 *snapshot_own_address6(
	const struct snapshot *, uint16_t interface, const uint8_t addr[IP6_LEN]);
/* snapshot_on_link6: is `addr` in a subnet of the interface, or link-local where it has IPv6? */
bool snapshot_on_link6(const struct snapshot_interface *, const uint8_t addr[IP6_LEN]);
