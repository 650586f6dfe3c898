/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of the session index; see session_index.h.
 *
 * Order of stores.  Add: claim the tag, count up the buckets passed, then the entry: a reader that
 * sees the entry sees all of it.  Remove: the entry, then the tag, then the counts: whoever claims
 * the slot finds its entry free, and no reader stops short of an entry that is there.
 */
#include "session_index.h"

#include "check.h"

#include <rte_common.h>
#include <rte_malloc.h>

/* At two thirds of the slots, thirty-two full buckets in a row do not happen by chance. */
#define PROBES 32

/* Five keys and a third per bucket of eight. */
static uint32_t
buckets_for(uint32_t keys)
{
	return (uint32_t)((uint64_t)keys * 3 / (2 * SESSION_INDEX_SLOTS)) + 1;
}

/* splitmix64: good enough to make several numbers of one random one. */
static uint64_t
next_secret(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

int
session_index_create(struct session_index *ix, uint32_t keys, uint64_t seed, int socket)
{
	ix->count = buckets_for(keys);
	ix->probes = RTE_MIN(ix->count, (uint32_t)PROBES);
	for (unsigned int i = 0; i < RTE_DIM(ix->secret); i++)
		ix->secret[i] = next_secret(&seed);
	ix->secret[6] |= 1;
	ix->buckets = rte_zmalloc_socket("session_index",
		sizeof(struct session_bucket) * (size_t)ix->count, sizeof(struct session_bucket),
		socket);
	if (ix->buckets == NULL)
		return -1;
	for (uint32_t i = 0; i < ix->count; i++) {
		rte_spinlock_init(&ix->buckets[i].lock);
		for (unsigned int j = 0; j < SESSION_INDEX_SLOTS; j++)
			atomic_init(&ix->buckets[i].entry[j], SESSION_INDEX_NONE);
	}
	return 0;
}

void
session_index_destroy(struct session_index *ix)
{
	rte_free(ix->buckets);
	ix->buckets = NULL;
}

uint64_t
session_index_memory(const struct session_index *ix)
{
	return sizeof(struct session_bucket) * (uint64_t)ix->count;
}

uint32_t
session_index_used(const struct session_index *ix, uint32_t bucket, uint32_t n)
{
	uint32_t used = 0;

	for (uint32_t i = bucket; i < bucket + n && i < ix->count; i++) {
		for (unsigned int j = 0; j < SESSION_INDEX_SLOTS; j++)
			used += atomic_load_explicit(
					&ix->buckets[i].tag[j], memory_order_relaxed) != 0;
	}
	return used;
}

/* The `n` buckets from `bucket` on have one key more (or less) behind them. */
static void
count_passed(struct session_index *ix, uint32_t bucket, uint32_t n, int by)
{
	for (; n > 0; n--) {
		atomic_fetch_add(&ix->buckets[bucket].passed, (uint16_t)by);
		bucket = session_index_next(ix, bucket);
	}
}

/* => a slot of the bucket that is ours now, or -1. */
static int
claim(struct session_bucket *b, uint16_t tag)
{
	uint64_t mask;

	while ((mask = session_index_match(b, 0)) != 0) {
		const unsigned int slot = session_index_slot(mask);
		uint16_t none = 0;

		if (atomic_compare_exchange_strong(&b->tag[slot], &none, tag))
			return (int)slot;
	}
	return -1;
}

bool
session_index_claim(struct session_index *ix, uint64_t hash, struct session_place *place)
{
	const uint32_t primary = session_index_primary(ix, hash);
	const uint16_t tag = session_index_tag(hash);
	uint32_t bucket = primary;

	for (uint32_t i = 0; i < ix->probes; i++) {
		struct session_bucket *b = &ix->buckets[bucket];
		const int slot = claim(b, tag);

		if (slot >= 0) {
			count_passed(ix, primary, i, 1);
			FW_ASSERT(session_index_entry(b, (unsigned int)slot) == SESSION_INDEX_NONE);
			*place = (struct session_place){
				.bucket = b, .slot = (unsigned int)slot, .passed = i
			};
			return true;
		}
		bucket = session_index_next(ix, bucket);
	}
	return false;
}

void
session_index_publish(const struct session_place *place, uint32_t entry)
{
	FW_ASSERT(entry != SESSION_INDEX_NONE);
	atomic_store_explicit(&place->bucket->entry[place->slot], entry, memory_order_release);
}

void
session_index_abandon(struct session_index *ix, uint64_t hash, const struct session_place *place)
{
	atomic_store_explicit(&place->bucket->tag[place->slot], 0, memory_order_release);
	count_passed(ix, session_index_primary(ix, hash), place->passed, -1);
}

bool
session_index_add(struct session_index *ix, uint64_t hash, uint32_t entry)
{
	struct session_place place;

	if (!session_index_claim(ix, hash, &place))
		return false;
	session_index_publish(&place, entry);
	return true;
}

/* Make `from` into `to` (NONE: free the slot). */
static bool
change(struct session_index *ix, uint64_t hash, uint32_t from, uint32_t to)
{
	const uint16_t tag = session_index_tag(hash);
	uint32_t bucket = session_index_primary(ix, hash);

	for (uint32_t i = 0; i < ix->probes; i++) {
		struct session_bucket *b = &ix->buckets[bucket];
		uint64_t mask = session_index_match(b, tag);

		for (; mask != 0; mask = session_index_rest(mask)) {
			const unsigned int slot = session_index_slot(mask);
			uint32_t have = from;

			if (!atomic_compare_exchange_strong(&b->entry[slot], &have, to))
				continue;
			if (to == SESSION_INDEX_NONE)
				session_index_abandon(ix, hash,
					&(struct session_place){
						.bucket = b, .slot = slot, .passed = i });
			return true;
		}
		if (!session_index_passed(b))
			return false;
		bucket = session_index_next(ix, bucket);
	}
	return false;
}

bool
session_index_swap(struct session_index *ix, uint64_t hash, uint32_t from, uint32_t to)
{
	return change(ix, hash, from, to);
}

bool
session_index_remove(struct session_index *ix, uint64_t hash, uint32_t entry)
{
	return change(ix, hash, entry, SESSION_INDEX_NONE);
}
