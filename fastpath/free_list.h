/*
 * The free places of a table, by index; and how many are taken.  Any lcore, no lock: who is
 * stopped in between holds up nobody.
 */
#pragma once

#include "check.h"

#include <rte_malloc.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#define FREE_LIST_NONE UINT32_MAX

struct free_list {
	/* Number of changes << 32 | first place: a list that has come back to the same first place
	 * since it was read is another one. */
	alignas(64) _Atomic(uint64_t) head;
	_Atomic(uint32_t) *next; /* [places] */
	_Atomic(uint32_t) taken;
};

/* => bytes; 0: too little memory.  All places are free, the first comes first. */
static inline uint64_t
free_list_create(struct free_list *l, uint32_t places, int socket)
{
	const uint64_t bytes = sizeof(l->next[0]) * (uint64_t)places;

	l->next = rte_zmalloc_socket("free_list", bytes, 64, socket);
	if (l->next == NULL)
		return 0;
	for (uint32_t i = 0; i < places; i++)
		atomic_init(&l->next[i], i + 1 < places ? i + 1 : FREE_LIST_NONE);
	atomic_init(&l->head, places > 0 ? 0 : FREE_LIST_NONE);
	atomic_init(&l->taken, 0);
	return bytes;
}

static inline void
free_list_destroy(struct free_list *l)
{
	rte_free((void *)(uintptr_t)l->next);
}

/* => a place, or FREE_LIST_NONE. */
static inline uint32_t
free_list_take(struct free_list *l)
{
	uint64_t head = atomic_load_explicit(&l->head, memory_order_acquire), rest;

	do {
		if ((uint32_t)head == FREE_LIST_NONE)
			return FREE_LIST_NONE;
		rest = ((head >> 32) + 1) << 32 |
		       atomic_load_explicit(&l->next[(uint32_t)head], memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(
		&l->head, &head, rest, memory_order_acq_rel, memory_order_acquire));
	atomic_fetch_add_explicit(&l->taken, 1, memory_order_relaxed);
	return (uint32_t)head;
}

static inline void
free_list_give(struct free_list *l, uint32_t place)
{
	const uint32_t before = atomic_fetch_sub_explicit(&l->taken, 1, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&l->head, memory_order_relaxed);

	FW_ASSERT(before > 0);
	(void)before;
	do {
		atomic_store_explicit(&l->next[place], (uint32_t)head, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(&l->head, &head,
		((head >> 32) + 1) << 32 | place, memory_order_acq_rel, memory_order_relaxed));
}

/* One look. */
static inline uint32_t
free_list_taken(const struct free_list *l)
{
	return atomic_load_explicit(&l->taken, memory_order_relaxed);
}
