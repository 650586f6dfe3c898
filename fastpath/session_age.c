/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lazy timing wheel of one shard; see session_age.h.
 *
 * A slot that fires moves to the pending list as a whole and is handed out from there, however many
 * calls that takes.  So a crowded second delays others but is never lost, and entries of a later
 * lap of the wheel (long timers, or after the clock jumped) go back to their slot without being
 * seen twice.
 */
#include "session_age.h"

#include "check.h"

#include <rte_prefetch.h>

static uint32_t *
slot_of(struct session_wheel *w, uint32_t due)
{
	return &w->slot[due & (SESSION_AGE_SLOTS - 1)];
}

static void
link_at(struct session_wheel *w, struct session_timer *timers, uint32_t index, uint32_t due)
{
	uint32_t *head = slot_of(w, due);

	timers[index] = (struct session_timer){ .next = *head, .prev = SESSION_NONE, .due = due };
	if (*head != SESSION_NONE)
		timers[*head].prev = index;
	*head = index;
}

void
session_age_init(struct session_wheel *w)
{
	w->cursor = 0;
	w->pending = SESSION_NONE;
	w->running = false;
	for (unsigned int i = 0; i < SESSION_AGE_SLOTS; i++)
		w->slot[i] = SESSION_NONE;
}

void
session_age_arm(struct session_wheel *w, struct session_timer *timers, uint32_t index, uint32_t due,
	uint32_t now)
{
	FW_ASSERT(timers[index].due == 0);
	if (!w->running) {
		w->cursor = now;
		w->running = true;
	}
	link_at(w, timers, index, due <= w->cursor ? w->cursor + 1 : due);
}

void
session_age_cancel(struct session_wheel *w, struct session_timer *timers, uint32_t index)
{
	struct session_timer *t = &timers[index];

	FW_ASSERT(t->due != 0);
	if (t->prev != SESSION_NONE)
		timers[t->prev].next = t->next;
	else if (w->pending == index)
		w->pending = t->next;
	else
		*slot_of(w, t->due) = t->next;
	if (t->next != SESSION_NONE)
		timers[t->next].prev = t->prev;
	t->due = 0;
}

/* Move on to the next second that has entries.  => false when the wheel has caught up.
 * At most one lap (a few microseconds), however far the clock has jumped. */
static bool
advance(struct session_wheel *w, uint32_t now)
{
	if (!w->running || w->cursor >= now)
		return false;
	/* A jump of more than one lap: each slot is visited once, none twice. */
	if (now - w->cursor > SESSION_AGE_SLOTS)
		w->cursor = now - SESSION_AGE_SLOTS;
	do {
		uint32_t *head = slot_of(w, ++w->cursor);

		w->pending = *head;
		*head = SESSION_NONE;
	} while (w->pending == SESSION_NONE && w->cursor < now);
	return w->pending != SESSION_NONE;
}

uint32_t
session_age_next(
	struct session_wheel *w, struct session_timer *timers, uint32_t now, uint32_t *steps)
{
	while (*steps > 0 && (w->pending != SESSION_NONE || advance(w, now))) {
		const uint32_t index = w->pending, due = timers[index].due;

		(*steps)--;
		session_age_cancel(w, timers, index);
		if (w->pending != SESSION_NONE)
			rte_prefetch0(&timers[w->pending]);
		if (due <= now)
			return index;
		link_at(w, timers, index, due); /* of a later lap */
	}
	return SESSION_NONE;
}
