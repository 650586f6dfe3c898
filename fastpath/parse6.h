/*
 * IPv6: the part of parse behind EtherType 0x86dd.
 */
#pragma once

#include "worker.h"

/* parse6_packet: a frame to a MAC of ours; p->m and p->l3 are set.
 * => DROP_NONE with everything of p set, or with *punt = true and p->why; DROP_fragment: sound, but
 * part of a datagram only. */
enum drop_reason parse6_packet(const struct worker *, struct pkt *, bool *punt);

/* parse6_datagram: the same for a datagram in fragments, once it is complete. */
enum drop_reason parse6_datagram(const struct worker *, struct pkt *);

/* parse6_group: the same for a frame to a group MAC, of which only neighbour discovery and VRRP
 * concern us.
 * => DROP_NONE (punt, p->why is set) or a reason. */
enum drop_reason parse6_group(struct pkt *);
