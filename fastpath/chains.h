/*
 * Hash chains of the places of a table, by index, each with a lock.  A place is in one chain at
 * most; what it holds is read and written under the lock of that chain.  Who comes with nothing but
 * a place's index locks its chain with chains_lock_of().
 *
 * Any lcore.  Nothing is allocated after creation.
 */
#pragma once

#include "check.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_spinlock.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CHAINS_END UINT32_MAX
#define CHAINS_MAX (UINT32_C(1) << 30) /* places */

struct chain {
	rte_spinlock_t lock;
	_Atomic(uint32_t) first; /* CHAINS_END: it is empty */
};

struct chains {
	struct chain *chain; /* [mask + 1] */
	uint32_t mask;
	uint32_t *next;		 /* [places], under the lock of the place's chain */
	_Atomic(uint32_t) *home; /* [places]: its chain + 1, 0: it is in none.  Written under the
				  * lock of that chain */
};

static inline void
chains_destroy(struct chains *c)
{
	rte_free(c->chain);
	rte_free(c->next);
	rte_free((void *)(uintptr_t)c->home);
}

/* chains_create: for 1..CHAINS_MAX places, a chain each.  => bytes; 0: too little memory, then
 * chains_destroy() all the same. */
static inline uint64_t
chains_create(struct chains *c, uint32_t places, int socket)
{
	const uint32_t count = rte_align32pow2(places);

	c->mask = count - 1;
	c->chain = rte_zmalloc_socket("chains", sizeof(*c->chain) * (size_t)count, 64, socket);
	c->next = rte_zmalloc_socket("chains", sizeof(c->next[0]) * (size_t)places, 64, socket);
	c->home = rte_zmalloc_socket("chains", sizeof(c->home[0]) * (size_t)places, 64, socket);
	if (c->chain == NULL || c->next == NULL || c->home == NULL)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		rte_spinlock_init(&c->chain[i].lock);
		atomic_init(&c->chain[i].first, CHAINS_END);
	}
	return sizeof(*c->chain) * (uint64_t)count +
	       (sizeof(c->next[0]) + sizeof(c->home[0])) * (uint64_t)places;
}

static inline void
chains_lock(const struct chains *c, uint32_t chain)
{
	rte_spinlock_lock(&c->chain[chain].lock);
}

static inline void
chains_unlock(const struct chains *c, uint32_t chain)
{
	rte_spinlock_unlock(&c->chain[chain].lock);
}

/* chains_lock_of: lock the chain that a place is in.  => the chain; CHAINS_END: it is in none, or
 * has just left it. */
static inline uint32_t
chains_lock_of(const struct chains *c, uint32_t place)
{
	const uint32_t home = atomic_load_explicit(&c->home[place], memory_order_acquire);

	if (home == 0)
		return CHAINS_END;
	chains_lock(c, home - 1);
	if (atomic_load_explicit(&c->home[place], memory_order_relaxed) == home)
		return home - 1;
	chains_unlock(c, home - 1);
	return CHAINS_END;
}

/* Without the lock: is it worth locking? */
static inline bool
chains_empty(const struct chains *c, uint32_t chain)
{
	return atomic_load_explicit(&c->chain[chain].first, memory_order_acquire) == CHAINS_END;
}

/* All below: under the chain's lock. */

static inline uint32_t
chains_first(const struct chains *c, uint32_t chain)
{
	return atomic_load_explicit(&c->chain[chain].first, memory_order_relaxed);
}

static inline void
chains_push(struct chains *c, uint32_t chain, uint32_t place)
{
	FW_ASSERT(atomic_load_explicit(&c->home[place], memory_order_relaxed) == 0);
	c->next[place] = chains_first(c, chain);
	atomic_store_explicit(&c->home[place], chain + 1, memory_order_release);
	atomic_store_explicit(&c->chain[chain].first, place, memory_order_release);
}

/* It is in this chain. */
static inline void
chains_unlink(struct chains *c, uint32_t chain, uint32_t place)
{
	uint32_t at = chains_first(c, chain);

	FW_ASSERT(atomic_load_explicit(&c->home[place], memory_order_relaxed) == chain + 1);
	if (at == place) {
		atomic_store_explicit(&c->chain[chain].first, c->next[place], memory_order_release);
	} else {
		while (c->next[at] != place)
			at = c->next[at];
		c->next[at] = c->next[place];
	}
	atomic_store_explicit(&c->home[place], 0, memory_order_release);
}
