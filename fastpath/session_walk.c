/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over the session table.
 */
#include "session_walk.h"

#include "session_table.h"

#include <stdatomic.h>

bool
session_walk_read_key(
	const struct session_table *t, const struct session *s, union session_walk_key *key)
{
	return session_family(s) == 6 ? session_table_key6(t, s, &key->v6)
				      : session_table_key4(t, s, &key->v4);
}

struct session *
session_walk_next(const struct session_table *t, struct session_walk *w)
{
	const uint32_t capacity = session_table_capacity(t);

	while (w->next < capacity && w->slots > 0) {
		struct session *s = session_table_at(t, w->next++);
		uint32_t ctl;

		w->slots--;
		/* Before anything else: who acts on {index, generation} later then never means a
		 * session that has taken the slot since. */
		w->generation = atomic_load_explicit(&s->generation, memory_order_acquire);
		ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
		if (session_state_of(ctl) == SESSION_FREE ||
			session_state_of(ctl) >= SESSION_STATES || (ctl & SESSION_F_DEAD) != 0)
			continue;
		if (session_walk_read_key(t, s, &w->key) &&
			(w->match == NULL || w->match(w->ctx, s, &w->key)))
			return s;
	}
	return NULL;
}

bool
session_walk_still(
	const struct session_table *t, const struct session *s, const struct session_walk *w)
{
	union session_walk_key key;

	return atomic_load_explicit(&s->generation, memory_order_acquire) == w->generation &&
	       session_walk_read_key(t, s, &key);
}

uint32_t
session_walk_reset(struct session_table *t, struct session_walk *w)
{
	const struct session *s;
	uint32_t handed = 0;

	while ((s = session_walk_next(t, w)) != NULL) {
		const uint32_t index = session_table_index(t, s);

		if (!session_table_post(t, index, w->generation, SESSION_OP_KILL)) {
			w->next = index;
			break;
		}
		handed++;
	}
	return handed;
}
