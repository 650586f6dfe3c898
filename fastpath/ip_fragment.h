/*
 * Cutting IPv4 packets for a way out with a smaller MTU (RFC 791 3.2).
 */
#pragma once

#include "worker.h"

struct egress;

/* ip_fragment_send: cut a packet whose TTL has been lowered to what its way out takes and send the
 * pieces, or hand them to the control core while the next hop has no MAC.  What comes in as a
 * fragment is cut further.  => The packet is finished: its first piece is counted as the packet. */
void ip_fragment_send(struct worker *, struct pkt *, const struct egress *);
