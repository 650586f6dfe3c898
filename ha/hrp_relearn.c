/* SPDX-License-Identifier: BSD-3-Clause */
#include "hrp_relearn.h"

#define SLOTS 1024 /* a turn */

void
hrp_relearn_order(struct hrp_relearn *l)
{
	atomic_fetch_add_explicit(&l->orders, 1, memory_order_release);
}

/* A handshake is no window; copies learn anyway, and what is closed has nothing to learn. */
static bool
is_old(uint32_t ctl)
{
	const enum session_state state = session_state_of(ctl);

	return state >= SESSION_TCP_ESTABLISHED && state <= SESSION_TCP_CLOSING &&
	       (ctl & (SESSION_F_DEAD | SESSION_F_REMOTE | SESSION_F_LOCAL)) == 0;
}

static uint32_t
relearn(struct session *s)
{
	uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	while (is_old(ctl)) {
		if (atomic_compare_exchange_weak(
			    &s->ctl, &ctl, ctl | SESSION_F_LEARN0 | SESSION_F_LEARN1))
			return 1;
	}
	return 0;
}

uint32_t
hrp_relearn_poll(struct hrp_relearn *l, const struct session_table *t)
{
	const uint32_t capacity = session_table_capacity(t);
	uint32_t n = 0;

	if (l->at == 0) {
		const uint32_t orders = atomic_load_explicit(&l->orders, memory_order_acquire);

		if (orders == l->done)
			return 0;
		l->done = orders;
	}
	for (uint32_t i = 0; i < SLOTS && l->at < capacity; i++, l->at++)
		n += relearn(session_table_at(t, l->at));
	if (l->at >= capacity)
		l->at = 0;
	return n;
}
