/*
 * One firewall engine in a box: ring ports instead of NICs, a fake clock, the sample configuration
 * (trust 10.1.1.0/24, heartbeat 10.10.0.0/24, untrust 200.1.1.0/24, one rule "out"), its neighbours
 * resolved.  With ipv6 also 2001:db8:1::/64 in trust and 2001:db8:2::/64 in untrust: the same hosts
 * with the same last numbers, link-local addresses fe80::2 (FW1) and fe80::3.  For flow tests, pair
 * tests and the bench; several boxes may live in one process.
 *
 * The box plays the role of every thread: its functions must be called by one thread only.
 */
#pragma once

#include "engine.h"
#include "nat.h"
#include "policy.h"
#include "snapshot.h"

/* Port index; interface index, which is on that port unless the box was made otherwise. */
enum { BOX_TRUST, BOX_HEARTBEAT, BOX_UNTRUST, BOX_PORTS };

enum { BOX_ZONE_LOCAL = ZONE_LOCAL, BOX_ZONE_TRUST, BOX_ZONE_DMZ, BOX_ZONE_UNTRUST, BOX_ZONES };

/* Host order; RTE_IPV4 shifts into the sign bit. */
#define BOX_IPV4(a, b, c, d)                                                                       \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

#define BOX_RULES      32
#define BOX_ROUTES     16
#define BOX_VRID(port) ((port) == BOX_TRUST ? 1 : 2)

/* Where an interface is. */
struct box_place {
	uint16_t port, vlan;
};

struct engine_box_params {
	const char *name; /* unique in the process, at most 8 characters */
	uint8_t number;	  /* 1: FW1 (10.1.1.2, 200.1.1.2), 2: FW2 (.3) */
	uint16_t workers;
	uint32_t sessions;
	uint32_t buffers;    /* mbufs of the box's pool */
	uint32_t ring;	     /* size of each port ring, power of two */
	uint32_t event_ring; /* power of two */
	uint32_t datagrams;  /* in fragments, at a time; 0: 64 */
	uint32_t fragments;  /* buffers they may take; 0: a quarter of all */
	bool nat;	     /* sessions may be translated */
	bool ipv6; /* both families; its route table is large, so only where it is wanted */
	const struct box_place *places; /* [BOX_PORTS]; NULL: each on its own port, untagged */
};

/* A route of either family; gateway.family 0 = connected. */
struct box_route {
	struct ip_addr prefix, gateway;
	uint16_t interface;
	uint8_t len;
};

/* The draft's translation.  A source's group: its place here; easy-ip: the virtual address. */
#define BOX_NAT 8
struct box_nat {
	uint16_t group_count, rule_count, server_count, static_count, prefix64_count;
	struct nat_group_params groups[BOX_NAT];
	struct policy_rule rules[BOX_NAT]; /* lists belong to whoever sets them */
	struct nat_source sources[BOX_NAT];
	struct nat_server servers[BOX_NAT];
	struct nat_static statics[BOX_NAT];
	struct nat64_prefix prefixes64[BOX_NAT]; /* group: likewise */
};

struct engine_box {
	struct engine *engine;
	struct rte_mempool *pool;
	mono_t now;
	char name[12];
	uint8_t number;
	bool ipv6;
	uint16_t workers;
	struct port ports[BOX_PORTS];
	struct box_place places[BOX_PORTS]; /* of interfaces */
	struct rte_ring *in[BOX_PORTS][MAX_WORKERS], *out[BOX_PORTS][MAX_WORKERS];

	/* The draft: change it, then engine_box_publish(). */
	uint32_t version;
	uint16_t mtu[BOX_PORTS];
	uint16_t tcp_mss[BOX_PORTS];
	bool ping[BOX_PORTS], up[BOX_PORTS], silent[BOX_PORTS]; /* silent: virtual addresses */
	uint8_t zones[BOX_PORTS];				/* of the interfaces */
	uint64_t rezoned;		 /* bit per interface: in another zone than before */
	uint8_t reverse_path[BOX_PORTS]; /* enum reverse_path */
	uint32_t defences;		 /* DEFENCE_BIT() */
	uint64_t limit_zones;		 /* bit per zone */
	struct limit_zone limits[BOX_ZONES];
	uint64_t scan_zones; /* bit per zone */
	struct scan_limits scan;
	enum traffic_log_scope log_sessions, log_denied;
	struct snapshot_tracking tracking;
	uint32_t algs; /* bit per enum alg_id */
	struct snapshot_fragments fragments;
	struct notice_settings notices; /* as configured by default */
	enum policy_action default_action;
	struct policy_rule rules[BOX_RULES]; /* lists belong to whoever sets them */
	uint16_t rule_count;
	struct box_nat nat;
	uint32_t other_rules;	   /* so many before them, which match nothing the tests send */
	uint32_t other_rules_seed; /* others than with another seed */
	struct box_route routes[BOX_ROUTES]; /* connected ones included */
	uint32_t route_count;
};

/* engine_box_create: a running box: published, lease granted for ever, both virtual MACs active,
 * 10.1.1.10, 200.1.1.10 and 200.1.1.254 resolved (IPv6 likewise), mirror off.
 * => Exits the program with a message when it cannot. */
struct engine_box *engine_box_create(const struct engine_box_params *);
void engine_box_destroy(struct engine_box *);

void engine_box_publish(struct engine_box *);
/* engine_box_snapshot: the draft, for who publishes by himself. */
struct snapshot *engine_box_snapshot(struct engine_box *);
/* engine_box_sleep, engine_box_wake: around what waits for a grace period. */
void engine_box_sleep(struct engine_box *);
void engine_box_wake(struct engine_box *);
/* engine_box_neighbour: mac NULL for states without one; NEIGH_FREE removes the entry. */
void engine_box_neighbour(struct engine_box *, uint16_t interface, rte_be32_t, enum neigh_state,
	const struct rte_ether_addr *mac);

void engine_box_neighbour_of(struct engine_box *, uint16_t interface, const struct ip_addr *,
	enum neigh_state, const struct rte_ether_addr *mac);

/* MAC of a host as the box knows it: 02:00 and its IPv4 address, 02:06 and the end of its IPv6
 * address. */
struct rte_ether_addr engine_box_host_mac(rte_be32_t);
struct rte_ether_addr engine_box_host_mac_of(const struct ip_addr *);
/* Interface address of the box itself. */
rte_be32_t engine_box_address(const struct engine_box *, uint16_t port);

/* engine_box_blacklist: as management does, sessions that exist ended.  => as blacklist_add(). */
int engine_box_blacklist(struct engine_box *, const struct blacklist_entry *);
/* engine_box_unlist: => as blacklist_delete(). */
int engine_box_unlist(
	struct engine_box *, const struct ip_addr *prefix, uint8_t len, enum blacklist_side);
/* MAC of an interface: that of its port. */
const struct rte_ether_addr *engine_box_mac(const struct engine_box *, uint16_t interface);

/* engine_box_feed: a frame arrives.  => false: ring full, the caller still owns it. */
bool engine_box_feed(struct engine_box *, uint16_t port, uint16_t queue, struct rte_mbuf *);
/* engine_box_collect: the next frame sent on a port (any queue), or NULL. */
struct rte_mbuf *engine_box_collect(struct engine_box *, uint16_t port);
/* engine_box_poll: run all workers until there is nothing left to do at this moment. */
void engine_box_poll(struct engine_box *);
/* engine_box_wait: let time pass, with the workers running. */
void engine_box_wait(struct engine_box *, uint64_t ms);
