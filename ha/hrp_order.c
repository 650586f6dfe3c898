/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers of the peer's messages: the window of RFC 6479 (a ring of bits), and the peer's lives.
 */
#include "hrp_order.h"

#include <string.h>

void
hrp_order_init(struct hrp_order *o, uint64_t own)
{
	*o = (struct hrp_order){ .own = own };
}

bool
hrp_order_trust(struct hrp_order *o, uint64_t life, bool same_box, uint32_t hello_ms, mono_t now)
{
	if (life == o->own || life == 0)
		return false;
	if (o->peer != 0 && !same_box &&
		mono_before(now, mono_add_ms(o->heard, HRP_ORDER_SILENT * (uint64_t)hello_ms)))
		return false;
	o->peer = life;
	o->newest = 0;
	memset(&o->control, 0, sizeof(o->control));
	memset(&o->data, 0, sizeof(o->data));
	o->answered = false;
	return true;
}

static uint64_t *
word_of(struct hrp_window *w, uint64_t sequence)
{
	return &w->seen[sequence / 64 % (HRP_ORDER_WINDOW / 64)];
}

/* An earlier life of ours may have heard all before this one. */
static void
window_begin(struct hrp_window *w, uint64_t sequence)
{
	const uint64_t bit = UINT64_C(1) << sequence % 64;

	memset(w->seen, 0xff, sizeof(w->seen));
	*word_of(w, sequence) = bit | (bit - 1);
	w->top = sequence;
}

static bool
window_take(struct hrp_window *w, uint64_t sequence)
{
	const uint64_t bit = UINT64_C(1) << sequence % 64;

	if (sequence == 0)
		return false;
	if (w->top == 0) {
		window_begin(w, sequence);
		return true;
	}
	if (sequence > w->top) {
		/* The words from here to there begin again. */
		uint64_t words = sequence / 64 - w->top / 64;

		if (words > HRP_ORDER_WINDOW / 64)
			words = HRP_ORDER_WINDOW / 64;
		for (uint64_t i = 0; i < words; i++)
			*word_of(w, sequence - i * 64) = 0;
		w->top = sequence;
	} else if (w->top / 64 - sequence / 64 >= HRP_ORDER_WINDOW / 64) {
		return false; /* its word has been used again */
	} else if ((*word_of(w, sequence) & bit) != 0) {
		return false;
	}
	*word_of(w, sequence) |= bit;
	return true;
}

enum ha_refusal
hrp_order_take(struct hrp_order *o, const struct hrp_number *n, mono_t now)
{
	const bool data = (n->sequence & HA_SEQUENCE_DATA) != 0;

	if (n->life == o->own)
		return HA_REFUSED_reflected;
	if (n->life == 0 || n->life != o->peer)
		return HA_REFUSED_life;
	if (!window_take(data ? &o->data : &o->control, n->sequence & ~HA_SEQUENCE_DATA))
		return HA_REFUSED_replayed;
	o->heard = now;
	return HA_OK;
}

void
hrp_order_answered(struct hrp_order *o, uint64_t sequence)
{
	window_begin(&o->data, sequence & ~HA_SEQUENCE_DATA);
	o->answered = true;
}
