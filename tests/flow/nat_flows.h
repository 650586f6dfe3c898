/*
 * A box that translates, and many flows through it: hosts of 10.2.0.0/15 behind a router inside,
 * which share few source ports, to two hosts outside.  For the C tests of translation at scale.
 */
#pragma once

#include "engine_box.h"
#include "frame.h"

#include <rte_mbuf.h>

#define NAT_FLOWS_FIRST BOX_IPV4(203, 0, 113, 1) /* address of the group */

/* nat_flows_box: with one group "pool" of so many addresses and one rule, "out", from trust to
 * untrust; published. */
struct engine_box *nat_flows_box(
	const char *name, uint16_t workers, uint32_t sessions, uint32_t addresses);

/* nat_flow: the first packet of flow i: UDP, each eighth TCP (SYN) or ICMP (echo request). */
struct frame_spec nat_flow(uint32_t i);
/* nat_flow_reply: the answer to a frame that was sent outside. */
struct frame_spec nat_flow_reply(const uint8_t *sent);

/* nat_flow_key: of its packets. */
struct session_key4 nat_flow_key(const struct frame_spec *);

/* nat_flow_feed: the frame arrives.  => false: no room in the ring. */
bool nat_flow_feed(struct engine_box *, uint16_t port, uint16_t queue, const struct frame_spec *);

/* nat_flows_used: ports in use, of the group with this name; 0: there is none. */
uint32_t nat_flows_used(const struct engine_box *, const char *group);
