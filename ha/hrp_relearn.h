/*
 * TCP windows that are old: while two boxes were active, or since this one has lost its role
 * without a mirror, the other has forwarded connections that are in this one's table too.  Their
 * windows are learnt again from the next segments (session_tcp.h), as those of copies are.
 */
#pragma once

#include "session_table.h"

#include <stdatomic.h>
#include <stdint.h>

struct hrp_relearn {
	_Atomic(uint32_t) orders; // control core writes, HRP core reads
	uint32_t done;		  /* orders of which the walk has begun; HRP core, as the next */
	uint32_t at;		  /* next place */
};

/* Control core. */
void hrp_relearn_order(struct hrp_relearn *);
/* HRP core: the next piece of the walk.  => sessions that will learn */
uint32_t hrp_relearn_poll(struct hrp_relearn *, const struct session_table *);
