/*
 * The transmit rings that af_packet ports share with the kernel.
 *
 * A frame that the kernel drops because the interface has no carrier stays in its ring, and goes
 * out with the next one that is sent: when the cable is back, and the addresses in it may be the
 * peer's by then.
 */
#pragma once

#include <sys/types.h>

/* packet_ring_flush: throw away what the rings of this process hold for an interface, by sending it
 * to the loopback device, where nobody is its destination.  Management thread; a worker that sends
 * meanwhile may lose that burst.
 * => bytes thrown away; -ENETDOWN: there is no loopback that is up. */
ssize_t packet_ring_flush(int ifindex);
