/*
 * Eth-Trunks: several ports as one, by DPDK's bonding driver.  The trunk is an ethdev like any
 * other; workers poll it and leave its members alone.
 *
 * Management thread, but for trunk_serve().
 */
#pragma once

#include <rte_ether.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRUNK_MEMBERS	8
#define TRUNK_NO_MEMBER UINT16_MAX

enum trunk_mode {
	TRUNK_LACP,	     /* 802.1AX: who may carry traffic is agreed on with the switch */
	TRUNK_ACTIVE_BACKUP, /* one member at a time */
	TRUNK_BALANCE	     /* all members that are up; the switch must be set so by hand */
};

/* By what packets are spread over the members. */
enum trunk_hash { TRUNK_L2, TRUNK_L23, TRUNK_L34 };

struct trunk_params {
	const char *name; /* unique, at most 20 characters */
	enum trunk_mode mode;
	enum trunk_hash hash;
	uint16_t members[TRUNK_MEMBERS]; /* ethdevs, not configured; the first one is preferred */
	uint16_t member_count;
};

/* trunk_create: an ethdev that port_start() takes.  Members lend it their MACs: that of the first
 * is the trunk's.
 * => 0, or -errno with a one-line reason in err. */
int trunk_create(const struct trunk_params *, uint16_t *ethdev, char *err, size_t err_size);

/* trunk_active, trunk_set_active: the member that carries the traffic of an active-backup trunk.
 * => ethdev, TRUNK_NO_MEMBER = none. */
uint16_t trunk_active(uint16_t trunk);
void trunk_set_active(uint16_t trunk, uint16_t member);

/* How a member stands. */
struct trunk_member {
	bool active; /* carries traffic, as far as the driver knows */
	/* LACP only */
	bool selected;
	uint8_t actor_state, partner_state; /* bits of 802.1AX */
	struct rte_ether_addr partner;
};

#define TRUNK_SYNCHRONIZATION 0x08
#define TRUNK_COLLECTING      0x10
#define TRUNK_DISTRIBUTING    0x20

/* trunk_member: => false: no member of this trunk. */
bool trunk_member(uint16_t trunk, uint16_t member, enum trunk_mode, struct trunk_member *);
