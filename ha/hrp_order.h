/*
 * Which of the peer's messages are new?  Every HA message has a number (requirements.md 3.9):
 * `life`, a random number that its sender has chosen when it started, and a sequence that grows by
 * one with each message of that life.  What came twice, or so late that nothing is known of it any
 * more, is refused; so is all of a life that has not shown that it is the current one, by a probe
 * that echoes one which we have sent since we trusted the life before.  Pure; HRP core only.
 *
 * Data has a sequence of its own: a message of the roles that comes late by another link must not
 * fall out of the window because much data has overtaken it.  So the probe says nothing of where it
 * stands.  Until it has answered something of ours that is new, data may have been recorded.
 */
#pragma once

#include "clock.h"
#include "hrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

#define HRP_ORDER_WINDOW 1024 /* messages behind the newest that are known one by one */
#define HRP_ORDER_SILENT 3    /* intervals without the peer until another box may take its place */

struct hrp_number {
	uint64_t life;
	uint64_t sequence; /* with HA_SEQUENCE_DATA in data */
};

struct hrp_window {
	uint64_t top; /* newest seen, 0 = none */
	uint64_t seen[HRP_ORDER_WINDOW / 64];
};

struct hrp_order {
	uint64_t own;  /* our life */
	uint64_t peer; /* the peer's that is trusted, 0 = none yet */
	mono_t heard;  /* its last message that was taken */
	struct hrp_window control, data;
	bool answered;	 /* data has been shown to be of now */
	uint64_t newest; /* sequence of what the roles were told last */
};

void hrp_order_init(struct hrp_order *, uint64_t own);
/* hrp_order_trust: a probe of `life` has shown that it is current (hrp_link_fresh()).
 * `same_box`: it comes from the address of the peer, which must have started again.
 * => false: nothing changes, since it is a third box and our peer is still heard. */
bool hrp_order_trust(
	struct hrp_order *, uint64_t life, bool same_box, uint32_t hello_ms, mono_t now);
/* => HA_OK: new, and noted; or why it is refused, and nothing has changed. */
enum ha_refusal hrp_order_take(struct hrp_order *, const struct hrp_number *, mono_t now);
/* hrp_order_answered: data of this sequence, which was taken, is of now; what is older, is not. */
void hrp_order_answered(struct hrp_order *, uint64_t sequence);

/* hrp_order_newest: may the roles be told?  Not what a newer message has overtaken: what it says
 * has changed since. */
static inline bool
hrp_order_newest(uint64_t *newest, uint64_t sequence)
{
	if (sequence <= *newest)
		return false;
	*newest = sequence;
	return true;
}
