/*
 * The index of the session table: key -> session, in cache-line buckets of eight slots.
 *
 * A slot is a 16-bit tag and a 32-bit entry.  Keys are not stored here: whoever finds a tag
 * compares the key in the session the entry names.  A key lies in its primary bucket or, when that
 * was full, in one of the next ones; each bucket counts the keys that have passed it by, and a
 * search goes on only behind a bucket with a count.  Entries never move.
 *
 * Any lcore may read and write at any time.  Readers take no lock and write nothing.  Writers claim
 * a slot by compare-and-swap of its tag and give it up through its entry; the primary bucket's lock
 * is there for "look whether the key exists, then add" and "look who has the key, then put another
 * in its place", and for nothing else: keys leave without it.  A slot may be used again at once, so
 * a reader can meet a tag and the entry of another key: it compares, and finds out.
 *
 * The hash is keyed with random numbers per boot: NH (RFC 4418 5.2) over 64-bit words, whose
 * collisions an attacker who does not know them cannot choose, then one multiplication to spread
 * it.
 */
#pragma once

#include "session_key.h"

#include <rte_prefetch.h>
#include <rte_spinlock.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SESSION_INDEX_SLOTS 8
#define SESSION_INDEX_NONE  UINT32_MAX /* no entry */

struct session_bucket {
	alignas(64) _Atomic(uint32_t) entry[SESSION_INDEX_SLOTS]; /* NONE unless in use */
	union {
		_Atomic(uint16_t) tag[SESSION_INDEX_SLOTS];	 /* 0 = free */
		_Atomic(uint64_t) tags[SESSION_INDEX_SLOTS / 4]; /* the same, for readers */
	};
	_Atomic(uint16_t) passed; /* keys that lie behind this bucket */
	rte_spinlock_t lock;	  /* of the keys whose primary bucket this is */
};
static_assert(sizeof(struct session_bucket) == 64, "a bucket is one cache line");

/* Fixed after creation. */
struct session_index {
	struct session_bucket *buckets;
	uint32_t count;	 /* of buckets */
	uint32_t probes; /* buckets a search looks at, at most */
	uint64_t secret[7];
};

/* A slot that is ours and that no reader takes for a key yet. */
struct session_place {
	struct session_bucket *bucket;
	unsigned int slot;
	uint32_t passed; /* buckets before it, from the key's primary one on */
};

/* session_index_create: an index that holds `keys` keys at two thirds of its slots.
 * => 0 or -1: too little memory. */
int session_index_create(struct session_index *, uint32_t keys, uint64_t seed, int socket);
void session_index_destroy(struct session_index *);
uint64_t session_index_memory(const struct session_index *); /* bytes */

/* session_index_used: slots in use in the `n` buckets from `bucket` on. => Any lcore. */
uint32_t session_index_used(const struct session_index *, uint32_t bucket, uint32_t n);

/* session_index_add: a key that is not there yet.
 * => Under its primary bucket's lock.  false: no free slot within `probes` buckets. */
bool session_index_add(struct session_index *, uint64_t hash, uint32_t entry);
/* session_index_claim: the same in two steps, for who must not begin what cannot be ended: first a
 * slot, then publish (which cannot fail) or abandon.  => false: as session_index_add(). */
bool session_index_claim(struct session_index *, uint64_t hash, struct session_place *);
void session_index_publish(const struct session_place *, uint32_t entry);
void session_index_abandon(struct session_index *, uint64_t hash, const struct session_place *);
/* session_index_swap: put `to` in the place of `from`, which has the same key.
 * => false: `from` is no longer there. */
bool session_index_swap(struct session_index *, uint64_t hash, uint32_t from, uint32_t to);
/* session_index_remove: => false: the entry is not there. */
bool session_index_remove(struct session_index *, uint64_t hash, uint32_t entry);

static inline uint64_t
session_index_spread(unsigned __int128 nh, uint64_t odd)
{
	const uint64_t x = ((uint64_t)nh ^ (uint64_t)(nh >> 64)) * odd;

	return x ^ x >> 32;
}

static inline uint64_t
session_index_hash4(const struct session_index *ix, const struct session_key4 *k)
{
	uint64_t w[2];

	memcpy(w, k, sizeof(w));
	return session_index_spread(
		(unsigned __int128)(w[0] + ix->secret[0]) * (w[1] + ix->secret[1]), ix->secret[6]);
}

static inline uint64_t
session_index_hash6(const struct session_index *ix, const struct session_key6 *k)
{
	uint64_t w[5];
	unsigned __int128 nh;

	/* Behind the protocol there are only zeros. */
	memcpy(w, k, sizeof(w));
	nh = (unsigned __int128)(w[0] + ix->secret[0]) * (w[1] + ix->secret[1]);
	nh += (unsigned __int128)(w[2] + ix->secret[2]) * (w[3] + ix->secret[3]);
	nh += (unsigned __int128)(w[4] + ix->secret[4]) * ix->secret[5];
	return session_index_spread(nh, ix->secret[6]);
}

static inline uint32_t
session_index_primary(const struct session_index *ix, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * ix->count >> 32);
}

/* session_index_fetch: what a change of this key will touch, into the cache. */
static inline void
session_index_fetch(const struct session_index *ix, uint64_t hash)
{
	rte_prefetch0(&ix->buckets[session_index_primary(ix, hash)]);
}

static inline uint32_t
session_index_next(const struct session_index *ix, uint32_t bucket)
{
	return bucket + 1 < ix->count ? bucket + 1 : 0;
}

static inline uint16_t
session_index_tag(uint64_t hash)
{
	const uint16_t tag = (uint16_t)hash;

	return tag != 0 ? tag : 1;
}

/* session_index_match: the slots of a bucket that hold a tag, one byte of ones each. */
static inline uint64_t
session_index_match(const struct session_bucket *b, uint16_t tag)
{
	typedef uint64_t words __attribute__((vector_size(16)));
	typedef uint16_t tags __attribute__((vector_size(16)));
	typedef int8_t bytes __attribute__((vector_size(8)));
	/* Put together in a register: by way of memory the vector would wait for both stores. */
	const words have = { atomic_load_explicit(&b->tags[0], memory_order_acquire),
		atomic_load_explicit(&b->tags[1], memory_order_acquire) };
	const bytes found = __builtin_convertvector((tags)have == tag, bytes);
	uint64_t mask;

	memcpy(&mask, &found, sizeof(mask));
	return mask;
}

/* session_index_slot: the first slot of a mask that is not 0; session_index_rest: the others. */
static inline unsigned int
session_index_slot(uint64_t mask)
{
	return (unsigned int)__builtin_ctzll(mask) / 8;
}

static inline uint64_t
session_index_rest(uint64_t mask)
{
	return mask & ~(UINT64_C(0xff) << (session_index_slot(mask) * 8));
}

static inline uint32_t
session_index_entry(const struct session_bucket *b, unsigned int slot)
{
	return atomic_load_explicit(&b->entry[slot], memory_order_acquire);
}

static inline bool
session_index_passed(const struct session_bucket *b)
{
	return atomic_load_explicit(&b->passed, memory_order_acquire) != 0;
}
