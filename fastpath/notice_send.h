/*
 * Saying notices (fastpath/notice.h has the rules): everything here runs for packets that are
 * dropped anyway.
 */
#pragma once

#include "worker.h"

struct egress;

/* notice_drop: drop a packet, and tell its sender why if that is a reason to tell.  The packet is
 * as it was received.
 * => `e`: its way out, looked at for DROP_mtu only. */
void notice_drop(struct worker *, struct pkt *, enum drop_reason, struct egress *e);
