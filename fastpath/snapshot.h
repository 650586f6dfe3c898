/*
 * The snapshot: everything of the configuration that packets need, compiled by the management
 * thread, read-only once published, replaced as a whole (RCU).
 *
 * Routes and neighbours are not in it: they live in tables with their own reader protocol.
 */
#pragma once

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <stdbool.h>
#include <stdint.h>

#define MAX_INTERFACES 64 /* interface index, 0 is valid */
#define MAX_ZONES      64 /* zone id; 0 is "none", 1 is "local" */
#define MAX_PORTS      32
#define MAX_RULES      16384
#define INTERFACE_NONE UINT16_MAX

#define ZONE_NONE  0
#define ZONE_LOCAL 1

struct policy;

struct snapshot_interface {
	char name[48];
	uint16_t port; /* engine port index (fastpath/port.h) */
	uint16_t mtu;
	uint8_t zone;
	bool heartbeat;	    /* owned by the HRP core; carries no service traffic */
	bool ping;	    /* own addresses answer echo requests without a rule */
	bool up;	    /* administratively */
	rte_be32_t address; /* 0 = none */
	uint8_t prefix_len;
	struct rte_ether_addr mac;
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
};

struct snapshot {
	uint32_t version;
	uint16_t interface_count;
	uint16_t address_count;
	struct snapshot_interface interfaces[MAX_INTERFACES];
	uint16_t port_interface[MAX_PORTS]; /* port index -> interface, INTERFACE_NONE */
	struct snapshot_zone zones[MAX_ZONES];
	struct snapshot_address *addresses; /* sorted by address (host order) */
	struct policy *policy;		    /* owned by the snapshot */
};

struct snapshot *snapshot_create(uint16_t address_count);
void snapshot_destroy(struct snapshot *); /* policy included */

/* snapshot_own_address: => entry of `addr` or NULL. */
const struct snapshot_address *snapshot_own_address(const struct snapshot *, rte_be32_t addr);
