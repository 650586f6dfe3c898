/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session table: creation, look-up, and how sessions become visible.  The other parts are named
 * in session_table_impl.h.
 *
 * One index holds the sessions of both families and of all workers, so that a packet is looked up
 * in the same place whichever worker it arrives at, and a share that is larger than the others
 * finds room.
 */
#include "check.h"
#include "rcu.h"
#include "session_table_impl.h"

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define MAX_HOMES  32
#define MAX_NAME   16 /* leaves room for our suffixes and DPDK's prefixes */
#define MAX_SLAB   (UINT32_C(1) << 26)
#define LOOKUP_MAX 64
#define INDEX_STEP UINT32_C(8192)	    /* buckets counted at a time */
#define ABSENT	   (SESSION_INDEX_NONE - 1) /* no entry: MAX_SLAB is far below */

/* Homes */

/*
 * Symmetric Toeplitz.  The key is 0x6d5a repeated, so its window at bit i depends on i mod 16
 * alone, and the hash of a tuple is that of all its 16-bit words XORed together; its two halves are
 * equal.
 * => The lower half of what a NIC reports.
 */
static void
toeplitz_init(struct session_table *t)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		for (unsigned int bit = 0; bit < 16; bit++) {
			const uint16_t window = (uint16_t)(UINT32_C(0x6d5a6d5a) >> (16 - bit));

			if (byte & (0x80u >> (bit & 7)))
				t->toeplitz[bit >> 3][byte] ^= window;
		}
	}
}

uint16_t
session_table_rss(const struct session_table *t, uint32_t fold)
{
	fold = (fold >> 16 ^ fold) & 0xffff;
	return t->toeplitz[0][fold >> 8] ^ t->toeplitz[1][fold & 0xff];
}

/* NICs hash the ports of TCP and UDP only. */
static uint32_t
ports(const rte_be16_t port[2], uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ? rte_be_to_cpu_16(port[0] ^ port[1])
							    : 0;
}

uint16_t
session_table_home_rss(const struct session_table *t, uint32_t rss)
{
	return t->reta[rss & (SESSION_RETA_SIZE - 1)];
}

uint16_t
session_table_home4(const struct session_table *t, const struct session_key4 *k)
{
	if (t->home_count == 1)
		return 0;
	return session_table_home_rss(
		t, session_table_rss(t,
			   rte_be_to_cpu_32(k->addr[0] ^ k->addr[1]) ^ ports(k->port, k->proto)));
}

uint16_t
session_table_home6(const struct session_table *t, const struct session_key6 *k)
{
	uint64_t w[4], x;

	if (t->home_count == 1)
		return 0;
	memcpy(w, k->addr, sizeof(w));
	x = rte_be_to_cpu_64(w[0] ^ w[1] ^ w[2] ^ w[3]);
	return session_table_home_rss(t,
		session_table_rss(t, (uint32_t)(x >> 32) ^ (uint32_t)x ^ ports(k->port, k->proto)));
}

/* Creation */

void *
session_table_take(struct session_table *t, size_t size, int socket)
{
	void *p = rte_zmalloc_socket("session_table", size, 128, socket);

	if (p != NULL)
		t->memory += size;
	return p;
}

static bool
params_valid(const struct session_table_params *p)
{
	return p->name != NULL && strlen(p->name) <= MAX_NAME && p->max_sessions != 0 &&
	       p->max_sessions <= MAX_SLAB && p->shards >= 1 && p->shards <= MAX_HOMES &&
	       p->rcu != NULL;
}

struct session_table *
session_table_create(const struct session_table_params *p)
{
	struct session_table *t;
	int error = ENOMEM;

	if (!params_valid(p)) {
		errno = EINVAL;
		return NULL;
	}
	t = rte_zmalloc_socket("session_table", sizeof(*t), 128, p->socket);
	if (t == NULL)
		goto err_table;
	t->memory = sizeof(*t);
	t->rcu = p->rcu;
	t->capacity = p->max_sessions;
	t->home_count = p->shards;
	for (unsigned int i = 0; i < SESSION_STATES; i++)
		atomic_store(&t->timeouts[i],
			(p->timeouts != NULL ? p->timeouts : session_default_timeouts)[i]);
	for (unsigned int i = 0; i < SESSION_RETA_SIZE; i++)
		t->reta[i] = (uint8_t)(i % p->shards);
	toeplitz_init(t);

	rte_errno = 0;
	t->homes = session_table_take(t, sizeof(struct session_home) * p->shards, p->socket);
	if (t->homes == NULL || session_slab_create(t, p) != 0 ||
		session_index_create(&t->index, p->nat ? 2 * p->max_sessions : p->max_sessions,
			p->hash_seed, p->socket) != 0)
		goto err_parts;
	t->memory += session_index_memory(&t->index);
	for (unsigned int i = 0; i < p->shards; i++)
		if (session_home_create(t, i, p) != 0)
			goto err_parts;
	return t;

err_parts:
	if (rte_errno == EEXIST || rte_errno == EINVAL)
		error = EINVAL;
	session_table_destroy(t);
err_table:
	errno = error;
	return NULL;
}

void
session_table_destroy(struct session_table *t)
{
	if (t == NULL)
		return;
	for (unsigned int i = 0; t->homes != NULL && i < t->home_count; i++)
		session_home_destroy(&t->homes[i]);
	session_index_destroy(&t->index);
	session_slab_destroy(t);
	rte_free(t->homes);
	rte_free(t);
}

/* Reading */

struct session *
session_table_at(const struct session_table *t, uint32_t index)
{
	FW_ASSERT(index < t->capacity);
	return &t->slab[index];
}

uint32_t
session_table_index(const struct session_table *t, const struct session *s)
{
	return (uint32_t)(s - t->slab);
}

uint32_t
session_table_capacity(const struct session_table *t)
{
	return t->capacity;
}

uint32_t
session_table_count(const struct session_table *t)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < t->home_count; i++)
		sum += atomic_load_explicit(&t->homes[i].count, memory_order_relaxed);
	return sum;
}

uint32_t
session_table_indexed(const struct session_table *t, uint32_t *at)
{
	const uint32_t from = *at;

	*at = from + INDEX_STEP < t->index.count ? from + INDEX_STEP : 0;
	return session_index_used(&t->index, from, INDEX_STEP);
}

uint64_t
session_table_memory(const struct session_table *t)
{
	return t->memory;
}

uint32_t
session_table_timeout(const struct session_table *t, const struct session *s)
{
	return session_table_idle(t, atomic_load_explicit(&s->ctl, memory_order_relaxed));
}

uint32_t
session_table_state_timeout(const struct session_table *t, enum session_state state)
{
	return session_table_idle(t, (uint32_t)state);
}

/* Look-up.  What differs between the families is told by `v6`, a constant in each caller. */

#define DIR_BITS    (SESSION_ENTRY_SWAP | SESSION_ENTRY_OUTSIDE)
#define EACH_FAMILY static inline __attribute__((always_inline))

EACH_FAMILY uint64_t
hash_of_key(const struct session_table *t, const void *key, bool v6)
{
	return v6 ? session_index_hash6(&t->index, key) : session_index_hash4(&t->index, key);
}

/* Where the key of an entry begins: in both places the ports follow the addresses. */
static inline const void *
place_of(const struct session *s, uint32_t entry)
{
	return (const char *)s + offsetof(struct session, addr) +
	       (entry / SESSION_ENTRY_OUTSIDE & 1) *
		       (offsetof(struct session, outside_addr) - offsetof(struct session, addr));
}

static inline bool
same_ports(const void *place, const rte_be16_t port[2])
{
	uint32_t ours, theirs;

	memcpy(&ours,
		(const char *)place + offsetof(struct session, port) -
			offsetof(struct session, addr),
		sizeof(ours));
	memcpy(&theirs, port, sizeof(theirs));
	return ours == theirs;
}

#define KEY_MASK (UINT32_C(0xff) << SESSION_PROTO_SHIFT | SESSION_KIND_IPV6)

/* Without a branch on which key it is: of a translated session either comes as often.  The outside
 * key is of IPv4, whatever the session is, and NAT64 makes ICMP of ICMPv6. */
static inline bool
same_kind4(const struct session *s, uint32_t entry, uint8_t proto)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);
	const uint32_t family =
		(entry & SESSION_ENTRY_OUTSIDE) * (SESSION_KIND_IPV6 / SESSION_ENTRY_OUTSIDE);
	const uint32_t kind = (uint32_t)proto << SESSION_PROTO_SHIFT;

	return likely(((ctl ^ kind) & KEY_MASK & ~family) == 0) ||
	       ((entry & SESSION_ENTRY_OUTSIDE) != 0 && session_outside_proto(ctl) == proto);
}

static inline bool
same4(const struct session *s, uint32_t entry, const struct session_key4 *k)
{
	const void *place = place_of(s, entry);
	uint64_t ours, theirs;

	memcpy(&ours, place, sizeof(ours));
	memcpy(&theirs, k->addr, sizeof(theirs));
	return ours == theirs && same_ports(place, k->port) && same_kind4(s, entry, k->proto);
}

static inline bool
same6(const struct session *s, uint32_t entry, const struct session_addr6 *a,
	const struct session_key6 *k)
{
	const uint32_t kind = (uint32_t)k->proto << SESSION_PROTO_SHIFT | SESSION_KIND_IPV6;
	uint64_t w[4];

	memcpy(w, k->addr, sizeof(w));
	return (entry & SESSION_ENTRY_OUTSIDE) == 0 && same_ports(s->addr, k->port) &&
	       ((atomic_load_explicit(&s->ctl, memory_order_relaxed) ^ kind) & KEY_MASK) == 0 &&
	       ((w[0] ^ a->word[0]) | (w[1] ^ a->word[1]) | (w[2] ^ a->word[2]) |
		       (w[3] ^ a->word[3])) == 0;
}

/* Is this the key of an entry? */
EACH_FAMILY bool
same(const struct session_table *t, uint32_t entry, const void *key, bool v6)
{
	const uint32_t index = entry >> SESSION_ENTRY_SHIFT;

	return v6 ? same6(&t->slab[index], entry, &t->addr6[index], key)
		  : same4(&t->slab[index], entry, key);
}

/* Search the key in all buckets where it may be.  => its entry or SESSION_INDEX_NONE. */
EACH_FAMILY uint32_t
find(const struct session_table *t, const void *key, uint64_t hash, bool v6)
{
	const struct session_index *ix = &t->index;
	const uint16_t tag = session_index_tag(hash);
	uint32_t bucket = session_index_primary(ix, hash);

	for (uint32_t i = 0; i < ix->probes; i++) {
		const struct session_bucket *b = &ix->buckets[bucket];
		uint64_t mask = session_index_match(b, tag);

		for (; mask != 0; mask = session_index_rest(mask)) {
			const uint32_t entry = session_index_entry(b, session_index_slot(mask));

			if (entry != SESSION_INDEX_NONE && same(t, entry, key, v6))
				return entry;
		}
		if (!session_index_passed(b))
			break;
		bucket = session_index_next(ix, bucket);
	}
	return SESSION_INDEX_NONE;
}

static __rte_noinline uint32_t
find4(const struct session_table *t, const struct session_key4 *key, uint64_t hash)
{
	return find(t, key, hash, false);
}

static __rte_noinline uint32_t
find6(const struct session_table *t, const struct session_key6 *key, uint64_t hash)
{
	return find(t, key, hash, true);
}

/*
 * Three rounds over the keys, so that the fetches of all of them overlap: buckets, then the
 * sessions of the first tag that matches, then the comparison.  Whatever is not found that way
 * takes the long one, find().
 */
EACH_FAMILY void
lookup(const struct session_table *t, const void *const *keys, uint32_t n, uint32_t *out,
	uint8_t *dir, bool v6)
{
	const struct session_index *ix = &t->index;
	const struct session_bucket *bucket[LOOKUP_MAX];
	uint64_t hash[LOOKUP_MAX];

	FW_ASSERT(n <= LOOKUP_MAX);
	for (uint32_t i = 0; i < n; i++) {
		hash[i] = hash_of_key(t, keys[i], v6);
		bucket[i] = &ix->buckets[session_index_primary(ix, hash[i])];
		rte_prefetch0(bucket[i]);
	}
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t mask = session_index_match(bucket[i], session_index_tag(hash[i]));
		const uint8_t proto = v6 ? ((const struct session_key6 *)keys[i])->proto
					 : ((const struct session_key4 *)keys[i])->proto;
		const struct session *s;

		out[i] =
			mask == 0 && !session_index_passed(bucket[i]) ? ABSENT : SESSION_INDEX_NONE;
		if (unlikely(mask == 0))
			continue;
		out[i] = session_index_entry(bucket[i], session_index_slot(mask));
		if (unlikely(out[i] == SESSION_INDEX_NONE))
			continue;
		s = &t->slab[out[i] >> SESSION_ENTRY_SHIFT];
		rte_prefetch0(s);
		if (v6)
			rte_prefetch0(&t->addr6[out[i] >> SESSION_ENTRY_SHIFT]);
		/* Tracking TCP reads both directions.  Of two keys one is that of the packet, the
		 * other it is to be given. */
		if (proto == IPPROTO_TCP ||
			(((out[i] ^ dir[i]) & 1) | (out[i] & SESSION_ENTRY_TWO)) != 0)
			rte_prefetch0(&s->dir[1]);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t entry = out[i];

		if (unlikely(entry == ABSENT))
			entry = SESSION_INDEX_NONE;
		else if (unlikely(entry == SESSION_INDEX_NONE || !same(t, entry, keys[i], v6)))
			entry = v6 ? find6(t, keys[i], hash[i]) : find4(t, keys[i], hash[i]);
		out[i] = entry == SESSION_INDEX_NONE ? SESSION_NONE : entry >> SESSION_ENTRY_SHIFT;
		dir[i] = entry == SESSION_INDEX_NONE ? 0 : dir[i] ^ (entry & DIR_BITS);
	}
}

void
session_table_lookup4(const struct session_table *t, const struct session_key4 *const *keys,
	uint32_t n, uint32_t *out, uint8_t *dir)
{
	lookup(t, (const void *const *)keys, n, out, dir, false);
}

void
session_table_lookup6(const struct session_table *t, const struct session_key6 *const *keys,
	uint32_t n, uint32_t *out, uint8_t *dir)
{
	lookup(t, (const void *const *)keys, n, out, dir, true);
}

/* The key of a session, as its maker set it. */
static void
get_key4(const struct session *s, struct session_key4 *k)
{
	*k = (struct session_key4){ .addr = { s->addr[0], s->addr[1] },
		.port = { s->port[0], s->port[1] },
		.proto = session_proto(s) };
}

static void
get_key6(const struct session_table *t, const struct session *s, struct session_key6 *k)
{
	*k = (struct session_key6){ .port = { s->port[0], s->port[1] }, .proto = session_proto(s) };
	memcpy(k->addr, &t->addr6[session_table_index(t, s)], sizeof(k->addr));
}

bool
session_table_still(const struct session *s, uint16_t generation)
{
	atomic_thread_fence(memory_order_acquire);
	return session_home_of(s) != SESSION_NO_HOME &&
	       atomic_load_explicit(&s->generation, memory_order_relaxed) == generation;
}

bool
session_table_key4(const struct session_table *t, const struct session *s, struct session_key4 *out)
{
	const uint16_t generation = atomic_load_explicit(&s->generation, memory_order_acquire);

	(void)t; /* only an IPv6 key is kept outside the session */
	if (session_home_of(s) == SESSION_NO_HOME || session_family(s) != 4)
		return false;
	get_key4(s, out);
	return session_table_still(s, generation);
}

bool
session_table_key6(const struct session_table *t, const struct session *s, struct session_key6 *out)
{
	const uint16_t generation = atomic_load_explicit(&s->generation, memory_order_acquire);

	if (session_home_of(s) == SESSION_NO_HOME || session_family(s) != 6)
		return false;
	get_key6(t, s, out);
	return session_table_still(s, generation);
}

const uint8_t *
session_table_address6(
	const struct session_table *t, const struct session *s, unsigned int endpoint)
{
	return (const uint8_t *)&t->addr6[session_table_index(t, s)].word[2 * endpoint];
}

uint64_t
session_table_hash_of(const struct session_table *t, const struct session *s)
{
	struct session_key4 k4;
	struct session_key6 k6;

	if (session_family(s) == 4) {
		get_key4(s, &k4);
		return hash_of_key(t, &k4, false);
	}
	get_key6(t, s, &k6);
	return hash_of_key(t, &k6, true);
}

uint32_t
session_table_find(const struct session_table *t, const void *key, uint64_t hash, bool v6)
{
	return v6 ? find6(t, key, hash) : find4(t, key, hash);
}

uint64_t
session_table_hash(const struct session_table *t, const void *key, bool v6)
{
	return hash_of_key(t, key, v6);
}

uint16_t
session_table_home(const struct session_table *t, const void *key, bool v6)
{
	return v6 ? session_table_home6(t, key) : session_table_home4(t, key);
}

/* Becoming visible */

EACH_FAMILY void
complete(struct session_table *t, struct session *s, const void *key, uint32_t now_s, bool v6)
{
	const struct session_key4 *k4 = key;
	const struct session_key6 *k6 = key;

	FW_ASSERT(session_home_of(s) == SESSION_NO_HOME);
	FW_ASSERT(session_family(s) == (v6 ? 6 : 4));
	FW_ASSERT(session_proto(s) == (v6 ? k6->proto : k4->proto));
	if (v6)
		memcpy(&t->addr6[session_table_index(t, s)], k6->addr, sizeof(k6->addr));
	else
		memcpy(s->addr, k4->addr, sizeof(s->addr));
	memcpy(s->port, v6 ? k6->port : k4->port, sizeof(s->port));
	s->created = now_s;
	if (atomic_load_explicit(&s->last_seen, memory_order_relaxed) == 0)
		atomic_store_explicit(&s->last_seen, now_s, memory_order_relaxed);
}

void
session_table_complete(
	struct session_table *t, struct session *s, const void *key, uint32_t now_s, bool v6)
{
	complete(t, s, key, now_s, v6);
}

EACH_FAMILY uint32_t
insert(struct session_table *t, struct session *s, const void *key, uint16_t self, mono_t now,
	bool *existed, bool v6)
{
	const uint16_t home = session_table_home(t, key, v6);
	const uint64_t hash = hash_of_key(t, key, v6);
	const uint32_t index = session_table_index(t, s);
	const uint32_t now_s = mono_seconds(now);
	rte_spinlock_t *lock = &t->index.buckets[session_index_primary(&t->index, hash)].lock;
	uint32_t entry;
	bool added;

	*existed = false;
	complete(t, s, key, now_s, v6);

	rte_spinlock_lock(lock);
	entry = find(t, key, hash, v6);
	if (entry != SESSION_INDEX_NONE) {
		rte_spinlock_unlock(lock);
		*existed = true;
		return entry >> SESSION_ENTRY_SHIFT;
	}
	added = session_index_add(&t->index, hash, session_table_entry(t, s));
	if (added) {
		atomic_fetch_add_explicit(&t->homes[home].count, 1, memory_order_relaxed);
		/* Orders this before the look at ctl that sets the timer. */
		atomic_store(&s->home, (uint8_t)home);
	}
	rte_spinlock_unlock(lock);
	if (!added)
		return SESSION_NONE;
	session_home_arm(t, s, self, now);
	return index;
}

uint32_t
session_table_insert4(struct session_table *t, struct session *s, const struct session_key4 *key,
	uint16_t self, mono_t now, bool *existed)
{
	return insert(t, s, key, self, now, existed, false);
}

uint32_t
session_table_insert6(struct session_table *t, struct session *s, const struct session_key6 *key,
	uint16_t self, mono_t now, bool *existed)
{
	return insert(t, s, key, self, now, existed, true);
}

EACH_FAMILY uint32_t
replace(struct session_table *t, struct session *s, const void *key, uint32_t old_index,
	uint16_t self, mono_t now, bool v6)
{
	const uint16_t home = session_table_home(t, key, v6);
	const uint64_t hash = hash_of_key(t, key, v6);
	const struct session *old = session_table_at(t, old_index);
	const uint16_t generation = atomic_load(&old->generation);
	rte_spinlock_t *lock = &t->index.buckets[session_index_primary(&t->index, hash)].lock;
	bool swapped;

	complete(t, s, key, mono_seconds(now), v6);
	/* Against successors with two keys; see session_table_nat.c. */
	rte_spinlock_lock(lock);
	swapped = session_index_swap(
		&t->index, hash, session_table_entry(t, old), session_table_entry(t, s));
	rte_spinlock_unlock(lock);
	if (!swapped)
		return SESSION_NONE;
	atomic_fetch_add_explicit(&t->homes[home].count, 1, memory_order_relaxed);
	atomic_store(&s->home, (uint8_t)home);
	session_home_arm(t, s, self, now);
	/* With a full inbox its own timer removes it: an ended session has seconds to live. */
	(void)session_table_post(t, old_index, generation, SESSION_OP_KILL);
	return session_table_index(t, s);
}

uint32_t
session_table_replace4(struct session_table *t, struct session *s, const struct session_key4 *key,
	uint32_t old, uint16_t self, mono_t now)
{
	return replace(t, s, key, old, self, now, false);
}

uint32_t
session_table_replace6(struct session_table *t, struct session *s, const struct session_key6 *key,
	uint32_t old, uint16_t self, mono_t now)
{
	return replace(t, s, key, old, self, now, true);
}
