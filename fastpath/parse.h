/*
 * Parse: from frames to packets with a session key.  Every field is checked before it is used.
 */
#pragma once

#include "worker.h"

/* parse_burst: examine n <= WORKER_BURST frames of one port; ours that carry IPv4 are left in
 * w->pkts, the rest is punted or dropped.  => How many are left. */
uint32_t parse_burst(struct worker *, struct rte_mbuf **, uint32_t n, uint16_t port);
