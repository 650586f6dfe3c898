/*
 * 802.1Q tags.  They exist outside of the engine only: a received frame's is taken off before the
 * frame is looked at (parse.c), and one is put on when a frame is handed to the driver (worker.c).
 * In between, and for the control core, a frame of a subinterface is one like any other; its
 * interface says which tag it had or gets.
 */
#pragma once

#include "drop.h"

#include <rte_mbuf.h>

#include <stdbool.h>
#include <stdint.h>

#define VLAN_IDS     4096 /* 0: no VLAN, a priority alone; 4095 is reserved */
#define VLAN_ID_MAX  4094
#define VLAN_TAG_LEN 4

/* vlan_is_tag: is an EtherType that of a tag, the customer's or one a provider puts before it? */
bool vlan_is_tag(rte_be16_t ether_type);

/* vlan_take: take the tag off a frame, unless the driver has done so.  *vid: 0 = untagged, or
 * tagged with a priority alone.
 * => DROP_NONE, DROP_runt, or DROP_vlan_stacked: there is a second tag, or a provider's.  The first
 * 18 bytes must lie in one piece, if there are so many. */
enum drop_reason vlan_take(struct rte_mbuf *, uint16_t *vid);

/* vlan_put: give a finished frame its tag, with priority 0.  `by_driver`: the driver shall.
 * => false: no room in front of the frame. */
bool vlan_put(struct rte_mbuf *, uint16_t vid, bool by_driver);
