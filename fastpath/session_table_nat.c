/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions with two keys.
 *
 * Both keys are looked up and both slots claimed under the locks of both primary buckets, before
 * either can be found: so there is nothing to take back that a packet might have seen.  Then come
 * two stores, the outside key's first.  A packet in between that has the key is a first packet
 * still: it is admitted as this session's was, wants to insert the key, waits for the lock and
 * finds the session.  The other way round a packet could be translated and answered, and the
 * answer, which nothing else admits, would be dropped.
 *
 * A successor is entered beside the session whose place it takes, whose keys leave then.  Between
 * the two a packet may find either of them, as it may when it comes a moment earlier or later. Keys
 * are removed without a lock (session_table_home.c), each for itself: whoever comes second finds
 * that there is nothing left to do.
 */
#include "check.h"
#include "session_table_impl.h"

#include <string.h>

static struct session_key4
outside_key(const struct session *s)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);

	return (struct session_key4){ .addr = { s->outside_addr[0], s->outside_addr[1] },
		.port = { s->outside_port[0], s->outside_port[1] },
		.proto = session_outside_proto(ctl) };
}

uint64_t
session_outside_hash(const struct session_table *t, const struct session *s)
{
	const struct session_key4 k = outside_key(s);

	return session_table_hash(t, &k, false);
}

uint32_t
session_outside_entry(const struct session_table *t, const struct session *s)
{
	return session_table_index(t, s) << SESSION_ENTRY_SHIFT | SESSION_ENTRY_TWO |
	       SESSION_ENTRY_OUTSIDE | s->outside_swap;
}

bool
session_table_outside(
	const struct session_table *t, const struct session *s, struct session_outside *out)
{
	const uint16_t generation = atomic_load_explicit(&s->generation, memory_order_acquire);
	const struct session_notes *notes;

	if (session_home_of(s) == SESSION_NO_HOME || !session_translated(s))
		return false;
	notes = &t->notes[session_table_index(t, s)];
	*out = (struct session_outside){ .key = outside_key(s),
		.swap = s->outside_swap,
		.note = notes->note,
		.inbound = notes->inbound };
	return session_table_still(s, generation);
}

/* A session gets its outside key, or is to be without one again.  Nobody can find it yet. */
static void
set_outside(struct session_table *t, struct session *s, const struct session_outside *outside)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);

	if (outside == NULL) {
		atomic_store_explicit(&s->ctl, ctl & ~SESSION_KIND_NAT, memory_order_relaxed);
		return;
	}
	FW_ASSERT(outside->key.vsys == 0 && outside->key.pad == 0);
	FW_ASSERT(outside->key.proto == session_outside_proto(ctl));
	atomic_store_explicit(&s->ctl, ctl | SESSION_KIND_NAT, memory_order_relaxed);
	memcpy(s->outside_addr, outside->key.addr, sizeof(s->outside_addr));
	memcpy(s->outside_port, outside->key.port, sizeof(s->outside_port));
	s->outside_swap = outside->swap;
	t->notes[session_table_index(t, s)] =
		(struct session_notes){ .note = outside->note, .inbound = outside->inbound };
}

/* The locks of two keys, the lower bucket's first, so that nobody waits for each other. */
static void
lock_both(struct session_index *ix, uint64_t a, uint64_t b)
{
	const uint32_t x = session_index_primary(ix, a), y = session_index_primary(ix, b);

	rte_spinlock_lock(&ix->buckets[RTE_MIN(x, y)].lock);
	if (x != y)
		rte_spinlock_lock(&ix->buckets[RTE_MAX(x, y)].lock);
}

static void
unlock_both(struct session_index *ix, uint64_t a, uint64_t b)
{
	const uint32_t x = session_index_primary(ix, a), y = session_index_primary(ix, b);

	if (x != y)
		rte_spinlock_unlock(&ix->buckets[RTE_MAX(x, y)].lock);
	rte_spinlock_unlock(&ix->buckets[RTE_MIN(x, y)].lock);
}

/* Two keys on their way into the index. */
struct entering {
	const void *key;
	const struct session_key4 *outside;
	uint64_t hash, outside_hash;
	bool v6;
};

/* Under both locks: may the keys be entered, `old` (NULL: nobody) holding the key?
 * => SESSION_NONE, or who is in the way.  *held: `old` holds the key as it should. */
static uint32_t
look(const struct session_table *t, const struct entering *e, const struct session *old, bool *held,
	enum session_clash *clash)
{
	const uint32_t entry = session_table_find(t, e->key, e->hash, e->v6);
	uint32_t outside;

	*held = entry == (old == NULL ? SESSION_INDEX_NONE : session_table_entry(t, old));
	if (!*held) {
		*clash = old == NULL ? SESSION_CLASH_KEY : SESSION_CLASH_NONE;
		return entry >> SESSION_ENTRY_SHIFT;
	}
	outside = session_table_find(t, e->outside, e->outside_hash, false);
	if (outside == SESSION_INDEX_NONE || (old != NULL && session_translated(old) &&
						     outside == session_outside_entry(t, old)))
		return SESSION_NONE;
	*clash = SESSION_CLASH_OUTSIDE;
	return outside >> SESSION_ENTRY_SHIFT;
}

/* Under both locks.  => false: no room. */
static bool
enter(struct session_table *t, struct session *s, const struct entering *e)
{
	struct session_place first, second;

	if (!session_index_claim(&t->index, e->outside_hash, &second))
		return false;
	if (!session_index_claim(&t->index, e->hash, &first)) {
		session_index_abandon(&t->index, e->outside_hash, &second);
		return false;
	}
	session_index_publish(&second, session_outside_entry(t, s));
	session_index_publish(&first, session_table_entry(t, s));
	return true;
}

static uint32_t
insert(struct session_table *t, struct session *s, const void *key, bool v6,
	const struct session_outside *outside, uint32_t old_index, uint16_t self, mono_t now,
	enum session_clash *clash)
{
	const struct entering e = { .key = key,
		.outside = &outside->key,
		.hash = session_table_hash(t, key, v6),
		.outside_hash = session_table_hash(t, &outside->key, false),
		.v6 = v6 };
	const uint16_t home = session_table_home(t, key, v6);
	const struct session *old =
		old_index == SESSION_NONE ? NULL : session_table_at(t, old_index);
	const uint16_t generation = old == NULL ? 0 : atomic_load(&old->generation);
	uint32_t in_the_way;
	bool held, entered;

	FW_ASSERT(t->notes != NULL);
	session_index_fetch(&t->index, e.hash);
	session_index_fetch(&t->index, e.outside_hash);
	*clash = SESSION_CLASH_NONE;
	session_table_complete(t, s, key, mono_seconds(now), v6);
	set_outside(t, s, outside);

	lock_both(&t->index, e.hash, e.outside_hash);
	in_the_way = look(t, &e, old, &held, clash);
	entered = held && *clash == SESSION_CLASH_NONE && enter(t, s, &e);
	if (entered) {
		if (old != NULL) {
			session_index_remove(&t->index, e.hash, session_table_entry(t, old));
			if (session_translated(old))
				session_index_remove(&t->index, session_outside_hash(t, old),
					session_outside_entry(t, old));
		}
		atomic_fetch_add_explicit(&t->homes[home].count, 1, memory_order_relaxed);
		atomic_store(&s->home, (uint8_t)home);
	}
	unlock_both(&t->index, e.hash, e.outside_hash);
	if (!entered) {
		set_outside(t, s, NULL);
		return *clash == SESSION_CLASH_NONE ? SESSION_NONE : in_the_way;
	}
	session_home_arm(t, s, self, now);
	/* With a full inbox its own timer removes it: an ended session has seconds to live. */
	if (old != NULL)
		(void)session_table_post(t, old_index, generation, SESSION_OP_KILL);
	return session_table_index(t, s);
}

uint32_t
session_table_insert4_nat(struct session_table *t, struct session *s,
	const struct session_key4 *key, const struct session_outside *outside, uint32_t old,
	uint16_t self, mono_t now, enum session_clash *clash)
{
	FW_ASSERT(memcmp(key, &outside->key, sizeof(*key)) != 0);
	return insert(t, s, key, false, outside, old, self, now, clash);
}

uint32_t
session_table_insert6_nat(struct session_table *t, struct session *s,
	const struct session_key6 *key, const struct session_outside *outside, uint32_t old,
	uint16_t self, mono_t now, enum session_clash *clash)
{
	return insert(t, s, key, true, outside, old, self, now, clash);
}
