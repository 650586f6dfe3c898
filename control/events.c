/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal of events.  A slot is a word-wise copy under a sequence number of its own, which
 * names the event in it: 2n while event n is whole, 2n - 1 while it is being written.
 */
#include "events.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define WORDS (sizeof(struct event) / sizeof(uint64_t))
static_assert(sizeof(struct event) % sizeof(uint64_t) == 0, "copied in words");
static_assert((EVENTS_KEPT & (EVENTS_KEPT - 1)) == 0, "a power of two");

struct slot {
	_Atomic(uint64_t) sequence; // control core writes, any thread reads
	_Atomic(uint64_t) words[WORDS];
};

struct events {
	_Atomic(uint64_t) next; // control core writes, any thread reads
	char instance[17];
	struct slot slots[EVENTS_KEPT];
};

const char *const event_kind_names[EVENT_KINDS] = {
#define X(kind, name) [EVENT_##kind] = name,
	EVENT_LIST(X)
#undef X
};

struct events *
events_create(void)
{
	struct events *const e = calloc(1, sizeof(*e));
	uint64_t random = 0;

	if (e == NULL)
		return NULL;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (uint64_t)(uintptr_t)e; /* early boot: better than nothing */
	snprintf(e->instance, sizeof(e->instance), "%016llx", (unsigned long long)random);
	atomic_init(&e->next, 1);
	return e;
}

void
events_destroy(struct events *e)
{
	free(e);
}

const char *
events_instance(const struct events *e)
{
	return e->instance;
}

void
events_post(struct events *e, const struct event *event)
{
	struct event numbered = *event;
	struct timespec wall;
	uint64_t word;

	if (e == NULL)
		return;
	const uint64_t number = atomic_load_explicit(&e->next, memory_order_relaxed);
	struct slot *const s = &e->slots[number % EVENTS_KEPT];

	clock_gettime(CLOCK_REALTIME, &wall);
	numbered.number = number;
	numbered.wall_ns = (uint64_t)wall.tv_sec * NS_PER_SEC + (uint64_t)wall.tv_nsec;
	atomic_store_explicit(&s->sequence, 2 * number - 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < WORDS; i++) {
		memcpy(&word, (const uint8_t *)&numbered + i * sizeof(word), sizeof(word));
		atomic_store_explicit(&s->words[i], word, memory_order_relaxed);
	}
	atomic_store_explicit(&s->sequence, 2 * number, memory_order_release);
	atomic_store_explicit(&e->next, number + 1, memory_order_release);
}

uint64_t
events_next(const struct events *e)
{
	return atomic_load_explicit(&e->next, memory_order_acquire);
}

uint64_t
events_oldest(const struct events *e)
{
	const uint64_t next = events_next(e);

	/* The slot of the next one is about to be written. */
	return next > EVENTS_KEPT - 1 ? next - (EVENTS_KEPT - 1) : 1;
}

bool
events_get(const struct events *e, uint64_t number, struct event *out)
{
	const struct slot *const s = &e->slots[number % EVENTS_KEPT];
	uint64_t word;

	if (number == 0 || atomic_load_explicit(&s->sequence, memory_order_acquire) != 2 * number)
		return false;
	for (size_t i = 0; i < WORDS; i++) {
		word = atomic_load_explicit(&s->words[i], memory_order_relaxed);
		memcpy((uint8_t *)out + i * sizeof(word), &word, sizeof(word));
	}
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->sequence, memory_order_relaxed) == 2 * number;
}
