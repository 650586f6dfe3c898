/*
 * Cutting IPv4 packets for a way out with a smaller MTU (RFC 791 3.2).
 */
#pragma once

#include "worker.h"

struct egress;

/* What becomes of the pieces of a packet. */
struct ip_fragment_as {
	uint16_t mtu;	     /* of IPv4: none is longer */
	unsigned int family; /* that they leave as */
	/* Makes them so: frames, but for their MACs.  NULL: they stay IPv4.  => false: no room. */
	bool (*convert)(struct rte_mbuf *, void *ctx);
	void *ctx;
};

/* ip_fragment_send_as: ip_fragment_send(), but the pieces leave as said there. */
void ip_fragment_send_as(
	struct worker *, struct pkt *, const struct egress *, const struct ip_fragment_as *);

/* ip_fragment_send: cut a packet whose TTL has been lowered to what its way out takes and send the
 * pieces, or hand them to the control core while the next hop has no MAC.  What comes in as a
 * fragment is cut further.  => The packet is finished: its first piece is counted as the packet. */
void ip_fragment_send(struct worker *, struct pkt *, const struct egress *);
