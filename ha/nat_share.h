/*
 * Load sharing: which ports of the address groups this box hands out (P24).  Each has a half of its
 * own.  The other one is taken over when the peer has been dead for a while, and given back as soon
 * as it is heard: it does not become active before it has our sessions, and with them the ports of
 * its half that they hold.  HRP core only.
 */
#pragma once

#include "clock.h"
#include "nat_group.h"

struct nat_share {
	uint8_t own; /* NAT_HALF_*, NAT_WHOLE: nothing is shared */
	uint64_t reclaim_ns;
	mono_t alone; /* since when the peer is not there, 0 = it is */
};

/* half: NAT_HALF_*, 0 = the whole. */
void nat_share_init(struct nat_share *, uint8_t half, uint32_t reclaim_s);
/* nat_share_poll: tell the groups (NULL: there are none) what to hand out.  `peer_there`: it is
 * alive, or it is not known to be dead. */
void nat_share_poll(struct nat_share *, struct nat_groups *, bool peer_there, mono_t now);
