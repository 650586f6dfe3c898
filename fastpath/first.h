/*
 * First packets: those no session matches.  Decides, in strict order, whether a session is made.
 */
#pragma once

#include "worker.h"

/* first_burst: n <= WORKER_BURST packets of one family without a session; each is finished. */
void first_burst(struct worker *, struct pkt *const *, uint32_t n);

/* first_answer: an echo request to one of our addresses that belongs to a local session: answered
 * in place; anything else is dropped. */
void first_answer(struct worker *, struct pkt *, struct session *);
