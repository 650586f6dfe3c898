/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slab: one array of sessions.  Free indexes wait in a multi-producer/consumer ring with a
 * small cache per lcore in front of it; a thread without an lcore id uses the ring alone.
 *
 * The ring uses the relaxed tail (RTS): a producer that loses its core in the middle then does not
 * stall the others, which matters where lcores share cores.
 */
#include "check.h"
#include "session_table_impl.h"

#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include <stdio.h>
#include <string.h>

#define FETCH_AHEAD 4

int
session_slab_create(struct session_table *t, const struct session_table_params *p)
{
	char name[RTE_RING_NAMESIZE];
	const uint32_t slots = rte_align32pow2(p->max_sessions + 1);

	t->slab =
		session_table_take(t, sizeof(struct session) * (size_t)p->max_sessions, p->socket);
	t->addr6 = session_table_take(
		t, sizeof(struct session_addr6) * (size_t)p->max_sessions, p->socket);
	t->timers = session_table_take(
		t, sizeof(struct session_timer) * (size_t)p->max_sessions, p->socket);
	if (p->nat)
		t->notes = session_table_take(
			t, sizeof(struct session_notes) * (size_t)p->max_sessions, p->socket);
	t->caches = session_table_take(t, sizeof(struct session_cache) * RTE_MAX_LCORE, p->socket);
	/* What caches may hold back stays below an eighth of the slab. */
	t->cache_bulk = (uint16_t)RTE_MIN(
		(uint32_t)SESSION_CACHE_BULK, p->max_sessions / (16 * (p->shards + 2u)));
	if (t->cache_bulk < 8)
		t->cache_bulk = 0;
	t->map_words = (p->max_sessions + 63) / 64;
	t->dirty = session_table_take(t, sizeof(uint64_t) * t->map_words, p->socket);
	t->late = session_table_take(t, sizeof(uint64_t) * t->map_words, p->socket);
	snprintf(name, sizeof(name), "%s_free", p->name);
	t->free = rte_ring_create_elem(
		name, sizeof(uint32_t), slots, p->socket, RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ);
	if (t->slab == NULL || t->addr6 == NULL || t->timers == NULL || t->caches == NULL ||
		t->dirty == NULL || t->late == NULL || t->free == NULL ||
		(p->nat && t->notes == NULL))
		return -1;
	t->memory += sizeof(uint32_t) * (uint64_t)slots;
	for (uint32_t i = 0; i < p->max_sessions; i++) {
		atomic_init(&t->slab[i].home, SESSION_NO_HOME);
		rte_ring_enqueue_elem(t->free, &i, sizeof(i));
	}
	return 0;
}

void
session_slab_destroy(struct session_table *t)
{
	rte_ring_free(t->free);
	rte_free(t->slab);
	rte_free(t->addr6);
	rte_free(t->timers);
	rte_free(t->notes);
	rte_free(t->caches);
	rte_free((void *)(uintptr_t)t->dirty);
	rte_free((void *)(uintptr_t)t->late);
}

/* The calling lcore's cache; NULL for threads without an lcore id and for tiny tables. */
static struct session_cache *
own_cache(struct session_table *t)
{
	const unsigned int lcore = rte_lcore_id();

	return lcore < RTE_MAX_LCORE && t->cache_bulk != 0 ? &t->caches[lcore] : NULL;
}

static void
put_index(struct session_table *t, uint32_t index)
{
	struct session_cache *c = own_cache(t);

	if (c == NULL) {
		/* The ring holds every index there is: it cannot be full. */
		rte_ring_enqueue_elem(t->free, &index, sizeof(index));
		return;
	}
	if (c->count == 2u * t->cache_bulk) {
		c->count -= t->cache_bulk;
		rte_ring_enqueue_bulk_elem(
			t->free, &c->index[c->count], sizeof(index), t->cache_bulk, NULL);
	}
	c->index[c->count++] = index;
}

static bool
get_index(struct session_table *t, uint32_t *index)
{
	struct session_cache *c = own_cache(t);

	if (c == NULL)
		return rte_ring_dequeue_elem(t->free, index, sizeof(*index)) == 0;
	if (c->count == 0)
		c->count = rte_ring_dequeue_burst_elem(
			t->free, c->index, sizeof(*index), t->cache_bulk, NULL);
	if (c->count == 0)
		return false;
	*index = c->index[--c->count];
	/* One that will be asked for soon: free sessions have long been out of the cache. */
	if (c->count >= FETCH_AHEAD) {
		const struct session *s = &t->slab[c->index[c->count - FETCH_AHEAD]];

		rte_prefetch0(s);
		rte_prefetch0(&s->dir[1]);
		rte_prefetch0(&t->timers[s - t->slab]);
	}
	return true;
}

struct session *
session_table_alloc(struct session_table *t)
{
	uint32_t index;

	if (!get_index(t, &index))
		return NULL;
	FW_ASSERT(index < t->capacity && session_home_of(&t->slab[index]) == SESSION_NO_HOME);
	return &t->slab[index];
}

/* Clear and give back.  Sessions are cleared when they leave, not when they come, because a walker
 * of the slab may still be looking at one that a reader could have found a moment ago. */
void
session_slab_release(struct session_table *t, struct session *s)
{
	FW_ASSERT(t->timers[session_table_index(t, s)].due == 0);
	atomic_store_explicit(&s->ctl, 0, memory_order_relaxed);
	atomic_store_explicit(&s->home, SESSION_NO_HOME, memory_order_release);
	atomic_fetch_add_explicit(&s->generation, 1, memory_order_relaxed);
	atomic_store_explicit(&s->last_seen, 0, memory_order_relaxed);
	atomic_store_explicit(&s->sync, 0, memory_order_relaxed);
	s->addr[0] = s->addr[1] = 0;
	s->port[0] = s->port[1] = 0;
	s->zone[0] = 0;
	s->zone[1] = 0;
	atomic_store_explicit(&s->policy, 0, memory_order_relaxed);
	s->created = 0;
	s->outside_addr[0] = s->outside_addr[1] = 0;
	s->outside_port[0] = s->outside_port[1] = 0;
	s->outside_swap = 0;
	memset(s->dir, 0, sizeof(s->dir));
	put_index(t, session_table_index(t, s));
}

void
session_table_unalloc(struct session_table *t, struct session *s)
{
	FW_ASSERT(session_home_of(s) == SESSION_NO_HOME);
	session_slab_release(t, s);
}

uint32_t
session_table_taken(const struct session_table *t)
{
	uint32_t free = rte_ring_count(t->free);

	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		free += __atomic_load_n(&t->caches[i].count, __ATOMIC_RELAXED);
	return free < t->capacity ? t->capacity - free : 0;
}

/* Bit maps */

bool
session_slab_map_set(_Atomic(uint64_t) *map, uint32_t index)
{
	const uint64_t bit = UINT64_C(1) << (index % 64);

	return !(atomic_fetch_or(&map[index / 64], bit) & bit);
}

void
session_slab_map_clear(_Atomic(uint64_t) *map, uint32_t index)
{
	atomic_fetch_and(&map[index / 64], ~(UINT64_C(1) << (index % 64)));
}

void
session_table_set_dirty(struct session_table *t, uint32_t index)
{
	FW_ASSERT(index < t->capacity);
	if (session_slab_map_set(t->dirty, index))
		atomic_fetch_add(&t->dirty_count, 1);
}

uint32_t
session_table_take_dirty(struct session_table *t, uint32_t *cursor)
{
	uint32_t index = *cursor;

	if (atomic_load(&t->dirty_count) == 0)
		index = t->capacity;
	while (index < t->capacity) {
		_Atomic(uint64_t) *word = &t->dirty[index / 64];
		const uint64_t bits = atomic_load(word) & UINT64_MAX << (index % 64);

		if (bits != 0) {
			index = (index & ~UINT32_C(63)) + (uint32_t)__builtin_ctzll(bits);
			session_slab_map_clear(t->dirty, index);
			atomic_fetch_sub(&t->dirty_count, 1);
			*cursor = index + 1;
			return index;
		}
		index = (index & ~UINT32_C(63)) + 64;
	}
	*cursor = 0;
	return SESSION_NONE;
}
