/*
 * Punt and inject: packets between workers and the control core.
 *
 * Punt: one SP/SC ring per worker, read by the control core; the packet's struct pkt_meta says why.
 * Inject: one ring to worker 0, which transmits the finished frame by pkt_meta.interface.  Those
 * marked pkt_meta.fenced (transit, frames from a virtual MAC) leave only under the role lease, as
 * looked at when worker 0 transmits; others (ARP, ND, answers) always.
 */
#pragma once

enum punt_why {
	PUNT_ARP,
	PUNT_VRRP,	 /* protocol 112 */
	PUNT_UNRESOLVED, /* forwarded packet whose next hop has no MAC yet */
	PUNT_ND,	 /* ICMPv6 133 to 137: router and neighbour discovery, redirect */
	PUNT_HEARTBEAT	 /* UDP of the peer to an interface's own address */
};
