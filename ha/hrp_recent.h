/*
 * The messages of the last hello interval.  When the link they left by turns out to be dead they go
 * out once more, by another: a Standby then misses none (R173).  Pure; HRP core only.
 */
#pragma once

#include "clock.h"
#include "hrp_wire.h"

#include <stdint.h>

#define HRP_RECENT     16
#define HRP_RECENT_MAX 112 /* bytes of the longest one */

struct hrp_recent {
	uint32_t next; /* messages put so far */
	struct hrp_recent_message {
		mono_t at; /* when it was sent; 0 = none */
		uint8_t group, state;
		uint8_t len;
		uint8_t data[HRP_RECENT_MAX];
	} list[HRP_RECENT];
};

/* hrp_recent_put: a message about a VGMP group has been sent: `sealed`, as it was on the wire. */
void hrp_recent_put(struct hrp_recent *, const struct ha_vgmp *, const uint8_t *sealed,
	uint16_t len, mono_t now);
/* hrp_recent_list: those no older than `age_ms` that still hold: of a group that has changed its
 * state since, what was said before is left out.
 * => How many, oldest first; `out` has room for HRP_RECENT. */
uint32_t hrp_recent_list(const struct hrp_recent *, mono_t now, uint32_t age_ms,
	const struct hrp_recent_message *out[HRP_RECENT]);
