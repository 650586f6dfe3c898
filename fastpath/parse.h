/*
 * Parse: from frames to packets with a session key.  Every field is checked before it is used.
 */
#pragma once

#include "worker.h"

struct parsed {
	uint32_t v4;	    /* packets left in w->pkts */
	uint32_t v6;	    /* packets left in w->pkts6 */
	uint32_t datagrams; /* datagrams of either family left in w->datagrams */
};

/* parse_burst: examine n <= WORKER_BURST frames of one port; ours that carry IP are left in
 * w->pkts and w->pkts6, or, once their datagram is complete, in w->datagrams; the rest is punted,
 * held or dropped. */
struct parsed parse_burst(struct worker *, struct rte_mbuf **, uint32_t n, uint16_t port);
