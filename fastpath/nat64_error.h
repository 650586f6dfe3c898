/*
 * ICMP errors from one family to the other: the message, and the packet it quotes (RFC 7915 4.2,
 * 4.3, 5.2, 5.3).
 */
#pragma once

#include "nat64_header.h"
#include "worker.h"

/* nat64_error: `p`, an error about a packet of a NAT64 session, becomes one of the family that it
 * leaves by: *p describes it then.  `l`: how packets of its direction leave; `out`: the interface.
 * => DROP_NONE; DROP_icmp_type: the other family has no such message; DROP_no_mbuf. */
enum drop_reason nat64_error(
	struct worker *, struct pkt *, const struct nat64_leaving *, uint16_t out);
