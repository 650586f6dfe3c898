/* SPDX-License-Identifier: BSD-3-Clause */
#include "source.h"

#include <rte_pause.h>

#include <sys/mman.h>

#define PLACES 8  /* where an entry may stand, one behind the other */
#define TRIES  64 /* while somebody else is making an entry */

#define TAG_BUSY UINT64_C(1)

int
source_table_create(struct source_table *t)
{
	void *p = mmap(NULL, sizeof(struct source) * SOURCES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	t->entries = p;
	keyed_hash_init(&t->hash);
	return 0;
}

void
source_table_destroy(struct source_table *t)
{
	if (t->entries != NULL)
		munmap(t->entries, sizeof(struct source) * SOURCES);
	t->entries = NULL;
}

/* What is asked for. */
struct wanted {
	uint64_t key[2];
	uint32_t tag;
	uint8_t family, len, zone;
};

static bool
is(const struct source *s, const struct wanted *w)
{
	return s->key[0] == w->key[0] && s->key[1] == w->key[1] && s->family == w->family &&
	       s->len == w->len && s->zone == w->zone;
}

/* Take the place of `word`, as it was read: free, or a source without sessions. */
static bool
make(struct source *s, uint64_t word, const struct wanted *w, uint32_t now_s)
{
	if (!atomic_compare_exchange_strong(&s->word, &word, TAG_BUSY << 32))
		return false;
	s->key[0] = w->key[0];
	s->key[1] = w->key[1];
	s->family = w->family;
	s->len = w->len;
	s->zone = w->zone;
	atomic_store_explicit(&s->seen, now_s, memory_order_relaxed);
	atomic_store_explicit(&s->half_open, 0, memory_order_relaxed);
	atomic_store_explicit(&s->next, 0, memory_order_relaxed);
	atomic_store_explicit(&s->refused, 0, memory_order_relaxed);
	atomic_store_explicit(&s->window, 0, memory_order_relaxed);
	atomic_store_explicit(&s->word, (uint64_t)w->tag << 32, memory_order_release);
	return true;
}

enum found { FOUND, MADE, BUSY, FULL };

static enum found
look(struct source_table *t, uint32_t place, const struct wanted *w, uint32_t now_s,
	uint32_t *index)
{
	uint64_t best_word = 0;
	uint32_t best = SOURCE_NONE, best_seen = 0;

	for (uint32_t i = 0; i < PLACES; i++) {
		const uint32_t at = (place + i) & (SOURCES - 1);
		struct source *s = &t->entries[at];
		const uint64_t word = atomic_load_explicit(&s->word, memory_order_acquire);
		const uint32_t seen = atomic_load_explicit(&s->seen, memory_order_relaxed);

		*index = at;
		if (word >> 32 == w->tag && is(s, w)) {
			if (seen != now_s)
				atomic_store_explicit(&s->seen, now_s, memory_order_relaxed);
			return FOUND;
		}
		if (word >> 32 == TAG_BUSY)
			return BUSY;
		if (word == 0) { /* nothing stands behind a free place */
			best = at;
			best_word = word;
			break;
		}
		if ((uint32_t)word == 0 && (best == SOURCE_NONE || seen < best_seen)) {
			best = at;
			best_word = word;
			best_seen = seen;
		}
	}
	if (best == SOURCE_NONE)
		return FULL;
	*index = best;
	return make(&t->entries[best], best_word, w, now_s) ? MADE : BUSY;
}

uint32_t
source_find(struct source_table *t, uint8_t zone, uint8_t family, uint8_t len, const void *address,
	uint32_t now_s, uint32_t *tag)
{
	struct wanted w = { .family = family, .len = len, .zone = zone };
	uint32_t index = SOURCE_NONE;
	uint64_t hash;

	keyed_hash_key(w.key, family, address, len);
	hash = keyed_hash(&t->hash, w.key, (uint64_t)zone << 16 | (uint64_t)family << 8 | len);
	w.tag = (uint32_t)(hash >> 32) | 2; /* neither free nor busy */
	*tag = w.tag;
	for (unsigned int i = 0; i < TRIES; i++) {
		switch (look(t, (uint32_t)hash & (SOURCES - 1), &w, now_s, &index)) {
		case FOUND:
		case MADE:
			return index;
		case BUSY:
			rte_pause();
			continue;
		case FULL:
			break;
		}
		break;
	}
	atomic_fetch_add_explicit(&t->unknown, 1, memory_order_relaxed);
	return SOURCE_NONE;
}

int
source_hold(struct source *s, uint32_t tag, uint32_t most)
{
	uint64_t word = atomic_load_explicit(&s->word, memory_order_acquire);

	do {
		if (word >> 32 != tag)
			return -1;
		if (most != 0 && (uint32_t)word >= most)
			return 0;
	} while (!atomic_compare_exchange_weak(&s->word, &word, word + 1));
	return 1;
}

struct ip_addr
source_address(const struct source *s)
{
	struct ip_addr a = { .family = s->family };
	const rte_be64_t words[2] = { rte_cpu_to_be_64(s->key[0]), rte_cpu_to_be_64(s->key[1]) };

	memcpy(a.v6, words, s->family == 6 ? sizeof(words) : sizeof(a.v4));
	return a;
}
