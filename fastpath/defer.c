/* SPDX-License-Identifier: BSD-3-Clause */
#include "defer.h"

#include "worker.h"

static bool
sharing(const struct worker *w)
{
	return w->mirror && atomic_load_explicit(&w->engine->sharing, memory_order_relaxed);
}

bool
defer_first(struct worker *w, struct pkt *p, struct session *s, uint32_t index)
{
	struct defer *q = w->deferred;

	if (!sharing(w))
		return false;
	/* Answers pass the peer, which may be faster than what it tells us. */
	atomic_fetch_or_explicit(&s->ctl, SESSION_F_SHARED, memory_order_relaxed);
	if (p->fragments)
		return false;
	if (q->count == DEFER_MAX || !worker_event_held(w, s, index, (uint8_t)(q->ticket + 1))) {
		w->stats.deferred_full++;
		return false;
	}
	q->ticket++;
	q->held[(q->first + q->count) % DEFER_MAX] =
		(struct defer_held){ .p = *p, .due = { .ns = w->now.ns + w->snap->defer_ns } };
	q->count++;
	w->stats.held++;
	w->stats.deferred++;
	return true;
}

static void
go(struct worker *w, struct pkt *p)
{
	w->stats.held--;
	if (!worker_hit(w, p))
		worker_drop(w, p, DROP_session_dead);
}

void
defer_poll(struct worker *w)
{
	const uint32_t mirrored =
		atomic_load_explicit(&w->engine->mirrored[w->id], memory_order_acquire);
	const bool waits = sharing(w);
	struct defer *q = w->deferred;

	w->owner = mono_before(w->now, engine_lease(w->engine));
	while (q->count > 0) {
		struct defer_held *h = &q->held[q->first];
		const uint32_t ticket = q->ticket - q->count + 1;
		const bool acked = (int32_t)(mirrored - ticket) >= 0;

		if (!acked && waits && mono_before(w->now, h->due))
			return;
		if (acked)
			w->stats.deferred_acked++;
		else if (waits)
			w->stats.deferred_late++;
		else
			w->stats.deferred_off++;
		q->first = (q->first + 1) % DEFER_MAX;
		q->count--;
		go(w, &h->p);
	}
}

void
defer_drain(struct worker *w)
{
	struct defer *q = w->deferred;

	for (; q != NULL && q->count > 0; q->count--, q->first = (q->first + 1) % DEFER_MAX)
		rte_pktmbuf_free(q->held[q->first].p.m);
}
