/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session table: slab, shards, and the home workers' housekeeping.
 *
 * Slab: one array of sessions.  Free indexes wait in a multi-producer/consumer ring with a small
 * cache per lcore in front of it; a thread without an lcore id uses the ring alone.
 *
 * Shard: an rte_hash with RW_CONCURRENCY_LF only.  rte_hash has no add-if-absent and its own writer
 * locks are unsafe for threads it does not know, so the shard's spinlock covers look-up-again +
 * add, delete, and the release of key slots.  EXT_TABLE, MULTI_WRITER_ADD and rte_hash's own RCU
 * are not used, each for a fault of 22.11.
 *
 * Removal, by the home worker only: DEAD in ctl -> the owner is told -> off the wheel -> key
 * deleted
 * -> retire queue.  The queue is cut into batches of 256 (or what is there after 2 ms); one grace
 * period each, after which key slots and sessions are free again.
 *
 * Both rings use the relaxed tail (RTS): a producer that loses its core in the middle then does not
 * stall the others, which matters where lcores share cores.
 *
 * A timer op that finds the inbox full sets the session's bit in the `late` map and the shard's
 * `late` flag instead; the home worker then sweeps the map.  So no timer is ever lost.
 */
#include "session_table.h"

#include "check.h"
#include "rcu.h"
#include "session_age.h"

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_spinlock.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_SHARDS    32
#define MAX_NAME      16 /* leaves room for our suffixes and DPDK's prefixes */
#define MAX_SLAB      (UINT32_C(1) << 26)
#define RETA_SIZE     128 /* the period every supported NIC can be programmed with */
#define CACHE_BULK    64
#define INBOX_SIZE    16384
#define RETIRE_SIZE   16384
#define RETIRE_BATCH  256
#define RETIRE_GROUPS 64 /* open grace periods per shard */
#define RETIRE_AGE_MS 2
#define RETIRE_UNLOCK 16  /* key slots released per hold of the lock */
#define SWEEP_WORDS   256 /* words of the late map looked at per poll */
#define LOOKUP_MAX    64

struct cache {
	alignas(64) uint32_t count; /* its lcore only, as the next */
	uint32_t index[2 * CACHE_BULK];
};

/* What the inbox carries, by value. */
struct inbox_op {
	uint32_t index;
	uint16_t generation;
	uint8_t op;
	uint8_t pad;
};
static_assert(sizeof(struct inbox_op) == 8, "ops go through the ring by value");

/* A closed batch: everything in the queue before `end` may go when `token` is done. */
struct retire_group {
	uint64_t token;
	uint32_t end;
};

struct retire {
	uint32_t *queue; /* [RETIRE_SIZE] session indexes; head, open and tail run freely */
	uint32_t head;	 /* oldest not freed */
	uint32_t open;	 /* first of the batch that still grows */
	uint32_t tail;
	mono_t opened; /* when that batch got its first entry */
	uint32_t group_head, group_tail;
	struct retire_group group[RETIRE_GROUPS];
};

struct shard {
	alignas(64) struct rte_hash *hash; /* fixed after creation, as the next */
	struct rte_ring *inbox;
	alignas(64) rte_spinlock_t lock;    /* any lcore: guards changes of `hash` */
	_Atomic(uint32_t) count;	    /* written under the lock, read by anybody */
	alignas(64) _Atomic(uint32_t) late; /* any lcore sets, home worker takes */
	alignas(64) uint32_t sweep;	    /* home worker only, as all that follows */
	bool sweeping;
	struct retire retire;
	struct session_wheel wheel;
};

struct session_table {
	/* Read by every lookup, fixed after creation. */
	struct session *slab;
	struct shard *shards;
	struct rcu *rcu;
	uint32_t capacity;
	uint32_t seed;
	uint16_t shard_count;
	uint16_t cache_bulk; /* 0: too few sessions to leave some in caches */
	uint32_t timeouts[SESSION_STATES];
	uint8_t reta[RETA_SIZE];
	uint16_t toeplitz[2][256]; /* by high and by low byte of the folded tuple */

	struct rte_ring *free;
	struct cache *caches;	  /* [RTE_MAX_LCORE] */
	_Atomic(uint64_t) *dirty; /* one bit per session: the mirror owes it an update */
	_Atomic(uint64_t)
		*late; /* one bit per session: its home worker owes it a look at its timer */
	uint32_t map_words;
	uint64_t memory;
	_Atomic(uint32_t) dirty_count; /* bits set in `dirty` */
};

/* Hashes */

static hash_sig_t
key4_hash(const struct session_key4 *k, uint32_t seed)
{
	uint32_t word[4];

	memcpy(word, k, sizeof(word));
	return rte_jhash_32b(word, 4, seed);
}

/* For the few rte_hash functions that hash by themselves. */
static uint32_t
hash_callback(const void *key, uint32_t len, uint32_t seed)
{
	(void)len;
	return key4_hash(key, seed);
}

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

static uint16_t
toeplitz4(const struct session_table *t, const struct session_key4 *k)
{
	const uint32_t a = rte_be_to_cpu_32(k->addr[0] ^ k->addr[1]);
	uint32_t fold = (a >> 16 ^ a) & 0xffff;

	/* NICs hash the ports of TCP and UDP only. */
	if (k->proto == 6 || k->proto == 17)
		fold ^= rte_be_to_cpu_16(k->port[0] ^ k->port[1]);
	return t->toeplitz[0][fold >> 8] ^ t->toeplitz[1][fold & 0xff];
}

uint16_t
session_table_home_rss(const struct session_table *t, uint32_t rss)
{
	return t->reta[rss & (RETA_SIZE - 1)];
}

uint16_t
session_table_home4(const struct session_table *t, const struct session_key4 *k)
{
	if (t->shard_count == 1)
		return 0;
	return session_table_home_rss(t, toeplitz4(t, k));
}

/* Creation */

/*
 * Keys one shard's hash is made for: about a third above its share, so that buckets stay below 80%
 * and keys waiting for their grace period have room.  A share that fits just under a power of two
 * at 5/6 stays there, because the next size of the bucket table is twice as large.
 */
static uint32_t
shard_entries(uint32_t sessions, uint16_t shards)
{
	uint64_t share = (sessions + shards - 1) / shards;
	uint32_t want = (uint32_t)(share * 4 / 3), fit;

	if (shards > 1) {
		share += share / 32 + 64; /* the shares are never quite even */
		want = (uint32_t)(share * 5 / 4);
	}
	if (want < 64)
		return 64;
	fit = rte_align32prevpow2(want) - 1;
	return share * 6 <= (uint64_t)fit * 5 ? fit : want;
}

/* What rte_hash takes for that many 16-byte keys: key slots, bucket lines, ring of free slots. */
static uint64_t
hash_memory(uint32_t entries)
{
	return (uint64_t)(entries + 1) * 32 + (uint64_t)rte_align32pow2(entries) * 8 +
	       (uint64_t)rte_align32pow2(entries + 1) * 4;
}

static void *
take(struct session_table *t, size_t size, int socket)
{
	void *p = rte_zmalloc_socket("session_table", size, 128, socket);

	if (p != NULL)
		t->memory += size;
	return p;
}

static int
shard_create(struct session_table *t, struct shard *sh, unsigned int id,
	const struct session_table_params *p)
{
	char name[RTE_HASH_NAMESIZE];
	const uint32_t entries = shard_entries(p->max_sessions, p->shards);
	const struct rte_hash_parameters hash = {
		.name = name,
		.entries = entries,
		.key_len = sizeof(struct session_key4),
		.hash_func = hash_callback,
		.hash_func_init_val = p->hash_seed,
		.socket_id = p->socket,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};

	rte_spinlock_init(&sh->lock);
	session_age_init(&sh->wheel);
	snprintf(name, sizeof(name), "%s_h%u", p->name, id);
	sh->hash = rte_hash_create(&hash);
	if (sh->hash == NULL)
		return -1;
	t->memory += hash_memory(entries);
	snprintf(name, sizeof(name), "%s_i%u", p->name, id);
	sh->inbox = rte_ring_create_elem(name, sizeof(struct inbox_op), INBOX_SIZE, p->socket,
		RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (sh->inbox == NULL)
		return -1;
	t->memory += sizeof(struct inbox_op) * INBOX_SIZE;
	sh->retire.queue = take(t, sizeof(uint32_t) * RETIRE_SIZE, p->socket);
	return sh->retire.queue != NULL ? 0 : -1;
}

static int
slab_create(struct session_table *t, const struct session_table_params *p)
{
	char name[RTE_RING_NAMESIZE];
	const uint32_t slots = rte_align32pow2(p->max_sessions + 1);

	t->slab = take(t, sizeof(struct session) * (size_t)p->max_sessions, p->socket);
	t->caches = take(t, sizeof(struct cache) * RTE_MAX_LCORE, p->socket);
	t->map_words = (p->max_sessions + 63) / 64;
	t->dirty = take(t, sizeof(uint64_t) * t->map_words, p->socket);
	t->late = take(t, sizeof(uint64_t) * t->map_words, p->socket);
	snprintf(name, sizeof(name), "%s_free", p->name);
	t->free = rte_ring_create_elem(
		name, sizeof(uint32_t), slots, p->socket, RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ);
	if (t->slab == NULL || t->caches == NULL || t->dirty == NULL || t->late == NULL ||
		t->free == NULL)
		return -1;
	t->memory += sizeof(uint32_t) * (uint64_t)slots;
	for (uint32_t i = 0; i < p->max_sessions; i++) {
		t->slab[i].pos = SESSION_NO_POS;
		t->slab[i].pos_nat = SESSION_NO_POS;
		rte_ring_enqueue_elem(t->free, &i, sizeof(i));
	}
	return 0;
}

static bool
params_valid(const struct session_table_params *p)
{
	return p->name != NULL && strlen(p->name) <= MAX_NAME && p->max_sessions != 0 &&
	       p->max_sessions <= MAX_SLAB && p->shards >= 1 && p->shards <= MAX_SHARDS &&
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
	t->seed = p->hash_seed;
	t->shard_count = p->shards;
	/* What caches may hold back stays below an eighth of the slab. */
	t->cache_bulk =
		(uint16_t)RTE_MIN((uint32_t)CACHE_BULK, p->max_sessions / (16 * (p->shards + 2u)));
	if (t->cache_bulk < 8)
		t->cache_bulk = 0;
	memcpy(t->timeouts, p->timeouts != NULL ? p->timeouts : session_default_timeouts,
		sizeof(t->timeouts));
	for (unsigned int i = 0; i < RETA_SIZE; i++)
		t->reta[i] = (uint8_t)(i % p->shards);
	toeplitz_init(t);

	rte_errno = 0;
	t->shards = take(t, sizeof(struct shard) * p->shards, p->socket);
	if (t->shards == NULL || slab_create(t, p) != 0)
		goto err_parts;
	for (unsigned int i = 0; i < p->shards; i++)
		if (shard_create(t, &t->shards[i], i, p) != 0)
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
	for (unsigned int i = 0; t->shards != NULL && i < t->shard_count; i++) {
		rte_hash_free(t->shards[i].hash);
		rte_ring_free(t->shards[i].inbox);
		rte_free(t->shards[i].retire.queue);
	}
	rte_ring_free(t->free);
	rte_free(t->shards);
	rte_free(t->slab);
	rte_free(t->caches);
	rte_free((void *)(uintptr_t)t->dirty);
	rte_free((void *)(uintptr_t)t->late);
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

	for (unsigned int i = 0; i < t->shard_count; i++)
		sum += atomic_load_explicit(&t->shards[i].count, memory_order_relaxed);
	return sum;
}

uint64_t
session_table_memory(const struct session_table *t)
{
	return t->memory;
}

static uint32_t
timeout_of(const struct session_table *t, uint32_t ctl)
{
	const uint32_t state = ctl & SESSION_STATE_MASK;
	const uint32_t seconds = t->timeouts[state < SESSION_STATES ? state : 0];

	/* The peer deletes what it owns; twice the time is for the peer that no longer can. */
	return ctl & SESSION_F_REMOTE ? 2 * seconds : seconds;
}

uint32_t
session_table_timeout(const struct session_table *t, const struct session *s)
{
	return timeout_of(t, atomic_load_explicit(&s->ctl, memory_order_relaxed));
}

void
session_table_lookup4(const struct session_table *t, uint16_t shard,
	const struct session_key4 *const *keys, uint32_t n, uint32_t *out, uint8_t *swap)
{
	hash_sig_t sig[LOOKUP_MAX];
	void *data[LOOKUP_MAX];
	uint64_t hits = 0;

	FW_ASSERT(n <= LOOKUP_MAX && shard < t->shard_count);
	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		sig[i] = key4_hash(keys[i], t->seed);
	rte_hash_lookup_with_hash_bulk_data(
		t->shards[shard].hash, (const void **)(uintptr_t)keys, sig, n, &hits, data);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t value = (uint32_t)(uintptr_t)data[i];

		if (!(hits >> i & 1)) {
			out[i] = SESSION_NONE;
			swap[i] = 0;
			continue;
		}
		out[i] = value >> 1;
		swap[i] = value & 1;
		rte_prefetch0(&t->slab[out[i]]);
		rte_prefetch0(&t->slab[out[i]].dir[1]);
	}
}

static uint32_t
pos_of(const struct session *s)
{
	return __atomic_load_n(&s->pos, __ATOMIC_ACQUIRE);
}

bool
session_table_key4(const struct session_table *t, const struct session *s, struct session_key4 *out)
{
	const uint32_t pos = pos_of(s);
	void *key;

	if (pos >= SESSION_POS_TAKEN || s->family != 4 || s->home >= t->shard_count)
		return false;
	if (rte_hash_get_key_with_position(t->shards[s->home].hash, (int32_t)pos, &key) != 0)
		return false;
	memcpy(out, key, sizeof(*out));
	return true;
}

/* Slab */

/* The calling lcore's cache; NULL for threads without an lcore id and for tiny tables. */
static struct cache *
own_cache(struct session_table *t)
{
	const unsigned int lcore = rte_lcore_id();

	return lcore < RTE_MAX_LCORE && t->cache_bulk != 0 ? &t->caches[lcore] : NULL;
}

static void
put_index(struct session_table *t, uint32_t index)
{
	struct cache *c = own_cache(t);

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
	struct cache *c = own_cache(t);

	if (c == NULL)
		return rte_ring_dequeue_elem(t->free, index, sizeof(*index)) == 0;
	if (c->count == 0)
		c->count = rte_ring_dequeue_burst_elem(
			t->free, c->index, sizeof(*index), t->cache_bulk, NULL);
	if (c->count == 0)
		return false;
	*index = c->index[--c->count];
	return true;
}

struct session *
session_table_alloc(struct session_table *t)
{
	uint32_t index;

	if (!get_index(t, &index))
		return NULL;
	FW_ASSERT(index < t->capacity && t->slab[index].pos == SESSION_NO_POS);
	return &t->slab[index];
}

/* Clear and give back.  Sessions are cleared when they leave, not when they come, because a walker
 * of the slab may still be looking at one that a reader could have found a moment ago. */
static void
release(struct session_table *t, struct session *s)
{
	FW_ASSERT(!s->armed);
	atomic_store_explicit(&s->ctl, 0, memory_order_relaxed);
	__atomic_store_n(&s->pos, SESSION_NO_POS, __ATOMIC_RELEASE);
	atomic_fetch_add_explicit(&s->generation, 1, memory_order_relaxed);
	atomic_store_explicit(&s->last_seen, 0, memory_order_relaxed);
	atomic_store_explicit(&s->sync, 0, memory_order_relaxed);
	s->pos_nat = SESSION_NO_POS;
	s->proto = 0;
	s->home = 0;
	s->family = 0;
	s->zone[0] = 0;
	s->zone[1] = 0;
	s->swap = 0;
	s->policy = 0;
	s->created = 0;
	s->wheel_next = 0;
	s->wheel_prev = 0;
	s->wheel_due = 0;
	memset(s->dir, 0, sizeof(s->dir));
	put_index(t, session_table_index(t, s));
}

void
session_table_unalloc(struct session_table *t, struct session *s)
{
	FW_ASSERT(s->pos == SESSION_NO_POS);
	release(t, s);
}

/* Bit maps */

/* => true when this call set the bit.  Always a full barrier, even when the bit is set already: who
 * takes the bit and then looks at the session must see what the caller has written before. */
static bool
map_set(_Atomic(uint64_t) *map, uint32_t index)
{
	const uint64_t bit = UINT64_C(1) << (index % 64);

	return !(atomic_fetch_or(&map[index / 64], bit) & bit);
}

static void
map_clear(_Atomic(uint64_t) *map, uint32_t index)
{
	atomic_fetch_and(&map[index / 64], ~(UINT64_C(1) << (index % 64)));
}

void
session_table_set_dirty(struct session_table *t, uint32_t index)
{
	FW_ASSERT(index < t->capacity);
	if (map_set(t->dirty, index))
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
			map_clear(t->dirty, index);
			atomic_fetch_sub(&t->dirty_count, 1);
			*cursor = index + 1;
			return index;
		}
		index = (index & ~UINT32_C(63)) + 64;
	}
	*cursor = 0;
	return SESSION_NONE;
}

/* Timers */

/* First second in which a session that stays idle is gone: idle for its whole timeout, whatever
 * part of a second the last packet came in. */
static uint32_t
deadline(const struct session_table *t, const struct session *s)
{
	return atomic_load_explicit(&s->last_seen, memory_order_relaxed) +
	       session_table_timeout(t, s) + 1;
}

/* Home worker: put on the wheel, or bring forward, never back. */
static void
retime(struct session_table *t, struct shard *sh, uint32_t index, uint32_t now)
{
	struct session *s = &t->slab[index];
	const uint32_t due = deadline(t, s);

	if (s->armed) {
		if (due >= s->wheel_due)
			return;
		session_age_cancel(&sh->wheel, t->slab, index);
	}
	session_age_arm(&sh->wheel, t->slab, index, due, now);
}

static bool
post(struct shard *sh, uint32_t index, uint16_t generation, enum session_op op)
{
	struct inbox_op o = { .index = index, .generation = generation, .op = (uint8_t)op };

	return rte_ring_enqueue_elem(sh->inbox, &o, sizeof(o)) == 0;
}

static void
set_late(struct session_table *t, uint32_t index)
{
	map_set(t->late, index);
	atomic_store(&t->shards[t->slab[index].home].late, 1);
}

bool
session_table_post(struct session_table *t, uint32_t index, uint16_t generation, enum session_op op)
{
	struct session *s;
	struct shard *sh;

	if (index >= t->capacity)
		return true; /* no such session: nothing is owed */
	s = &t->slab[index];
	if (pos_of(s) == SESSION_NO_POS ||
		atomic_load_explicit(&s->generation, memory_order_relaxed) != generation)
		return true; /* gone already */
	sh = &t->shards[s->home];
	if (post(sh, index, generation, op))
		return true;
	if (op == SESSION_OP_KILL)
		return false;
	set_late(t, index);
	return true;
}

bool
session_table_set_state(struct session_table *t, struct session *s, uint32_t old_ctl,
	uint32_t new_ctl, uint16_t self, mono_t now)
{
	const uint32_t index = session_table_index(t, s);
	struct shard *sh;

	FW_ASSERT(!(new_ctl & SESSION_F_DEAD));
	if (!atomic_compare_exchange_strong(&s->ctl, &old_ctl, new_ctl))
		return false;
	if (timeout_of(t, new_ctl) >= timeout_of(t, old_ctl) || pos_of(s) == SESSION_NO_POS)
		return true;
	sh = &t->shards[s->home];
	if (self != s->home)
		session_table_post(t, index, atomic_load(&s->generation), SESSION_OP_RETIME);
	else if (s->armed)
		retime(t, sh, index, mono_seconds(now));
	return true;
}

/* Insert and remove */

static void
arm_new(struct session_table *t, struct session *s, uint32_t index, uint16_t self, uint32_t now_s)
{
	if (self == s->home)
		session_age_arm(&t->shards[self].wheel, t->slab, index, deadline(t, s), now_s);
	else
		session_table_post(t, index, atomic_load(&s->generation), SESSION_OP_ARM);
}

uint32_t
session_table_insert4(struct session_table *t, struct session *s, const struct session_key4 *key,
	uint16_t self, mono_t now, bool *existed)
{
	const uint16_t home = session_table_home4(t, key);
	struct shard *sh = &t->shards[home];
	const hash_sig_t sig = key4_hash(key, t->seed);
	const uint32_t index = session_table_index(t, s);
	const uint32_t now_s = mono_seconds(now);
	void *data = NULL;
	int32_t pos = -1;

	FW_ASSERT(s->pos == SESSION_NO_POS && index < t->capacity);
	*existed = false;
	s->family = 4;
	s->home = (uint8_t)home;
	s->created = now_s;
	if (atomic_load_explicit(&s->last_seen, memory_order_relaxed) == 0)
		atomic_store_explicit(&s->last_seen, now_s, memory_order_relaxed);

	rte_spinlock_lock(&sh->lock);
	if (rte_hash_lookup_with_hash_data(sh->hash, key, sig, &data) >= 0) {
		rte_spinlock_unlock(&sh->lock);
		*existed = true;
		return (uint32_t)(uintptr_t)data >> 1;
	}
	data = (void *)((uintptr_t)index << 1 | (s->swap & 1));
	if (rte_hash_add_key_with_hash_data(sh->hash, key, sig, data) == 0) {
		/* The call that takes data does not tell the slot. */
		pos = rte_hash_lookup_with_hash(sh->hash, key, sig);
		FW_ASSERT(pos >= 0);
		__atomic_store_n(&s->pos, (uint32_t)pos, __ATOMIC_RELEASE);
		atomic_fetch_add_explicit(&sh->count, 1, memory_order_relaxed);
	}
	rte_spinlock_unlock(&sh->lock);
	if (pos < 0)
		return SESSION_NONE;

	arm_new(t, s, index, self, now_s);
	return index;
}

uint32_t
session_table_replace4(struct session_table *t, struct session *s, const struct session_key4 *key,
	uint32_t old_index, uint16_t self, mono_t now)
{
	const uint16_t home = session_table_home4(t, key);
	struct shard *sh = &t->shards[home];
	const hash_sig_t sig = key4_hash(key, t->seed);
	const uint32_t index = session_table_index(t, s);
	struct session *old = session_table_at(t, old_index);
	const uint16_t generation = atomic_load(&old->generation);
	void *data = NULL;

	FW_ASSERT(s->pos == SESSION_NO_POS);
	s->family = 4;
	s->home = (uint8_t)home;
	s->created = mono_seconds(now);

	rte_spinlock_lock(&sh->lock);
	if (rte_hash_lookup_with_hash_data(sh->hash, key, sig, &data) < 0 ||
		(uint32_t)(uintptr_t)data >> 1 != old_index ||
		(atomic_load(&old->ctl) & SESSION_F_DEAD) != 0) {
		rte_spinlock_unlock(&sh->lock);
		return SESSION_NONE;
	}
	/* The slot of the key stays; adding a key that exists swaps its data in one store. */
	__atomic_store_n(&s->pos, pos_of(old), __ATOMIC_RELEASE);
	__atomic_store_n(&old->pos, SESSION_POS_TAKEN, __ATOMIC_RELEASE);
	data = (void *)((uintptr_t)index << 1 | (s->swap & 1));
	(void)rte_hash_add_key_with_hash_data(sh->hash, key, sig, data);
	atomic_fetch_add_explicit(&sh->count, 1, memory_order_relaxed);
	rte_spinlock_unlock(&sh->lock);

	arm_new(t, s, index, self, mono_seconds(now));
	/* With a full inbox its own timer removes it: an ended session has seconds to live. */
	(void)session_table_post(t, old_index, generation, SESSION_OP_KILL);
	return index;
}

static uint32_t
retire_room(const struct retire *r)
{
	return RETIRE_SIZE - (r->tail - r->head);
}

static void
retire_close(struct session_table *t, struct retire *r)
{
	struct retire_group *g = &r->group[r->group_tail % RETIRE_GROUPS];

	if (r->group_tail - r->group_head == RETIRE_GROUPS)
		return; /* the batch grows on until a grace period ends */
	*g = (struct retire_group){ .token = rcu_start(t->rcu), .end = r->tail };
	r->group_tail++;
	r->open = r->tail;
}

static void
retire_add(struct session_table *t, struct retire *r, uint32_t index, mono_t now)
{
	FW_ASSERT(retire_room(r) > 0);
	if (r->tail == r->open)
		r->opened = now;
	r->queue[r->tail++ % RETIRE_SIZE] = index;
	if (r->tail - r->open >= RETIRE_BATCH)
		retire_close(t, r);
}

/* Free what has passed its grace period, one batch per call. */
static void
retire_free(struct session_table *t, struct shard *sh, mono_t now)
{
	struct retire *r = &sh->retire;
	const struct retire_group *g = &r->group[r->group_head % RETIRE_GROUPS];

	if (r->tail != r->open && mono_since_ms(now, r->opened) >= RETIRE_AGE_MS)
		retire_close(t, r);
	if (r->group_head == r->group_tail || !rcu_done(t->rcu, g->token))
		return;
	while (r->head != g->end) {
		const uint32_t n = RTE_MIN(g->end - r->head, (uint32_t)RETIRE_UNLOCK);
		struct session *s[RETIRE_UNLOCK];

		for (uint32_t i = 0; i < n; i++) {
			s[i] = &t->slab[r->queue[(r->head + i) % RETIRE_SIZE]];
			rte_prefetch0(s[i]);
			rte_prefetch0(&s[i]->dir[1]);
		}
		rte_spinlock_lock(&sh->lock);
		for (uint32_t i = 0; i < n; i++)
			if (s[i]->pos != SESSION_POS_TAKEN)
				rte_hash_free_key_with_position(sh->hash, (int32_t)s[i]->pos);
		rte_spinlock_unlock(&sh->lock);
		for (uint32_t i = 0; i < n; i++)
			release(t, s[i]);
		r->head += n;
	}
	r->group_head++;
}

struct gone {
	session_gone_fn fn;
	void *ctx;
};

/* Home worker: take a session out of the table.  The caller has made sure of room to retire it. */
static void
remove_session(struct session_table *t, struct shard *sh, uint32_t index, mono_t now, bool aged,
	const struct gone *gone)
{
	struct session *s = &t->slab[index];
	void *key;

	if (atomic_fetch_or(&s->ctl, SESSION_F_DEAD) & SESSION_F_DEAD)
		return;
	if (gone->fn != NULL)
		gone->fn(gone->ctx, s, index, aged);
	if (s->armed)
		session_age_cancel(&sh->wheel, t->slab, index);

	/* pos is read under the lock: a foreign inserter may just be about to set it. */
	rte_spinlock_lock(&sh->lock);
	if (s->pos != SESSION_POS_TAKEN &&
		rte_hash_get_key_with_position(sh->hash, (int32_t)s->pos, &key) == 0) {
		const int32_t deleted =
			rte_hash_del_key_with_hash(sh->hash, key, key4_hash(key, t->seed));

		FW_ASSERT(deleted == (int32_t)s->pos);
		(void)deleted;
	}
	atomic_fetch_sub_explicit(&sh->count, 1, memory_order_relaxed);
	rte_spinlock_unlock(&sh->lock);
	retire_add(t, &sh->retire, index, now);
}

/* Housekeeping */

static void
poll_inbox(struct session_table *t, uint16_t self, mono_t now, uint32_t budget,
	const struct gone *gone)
{
	struct shard *sh = &t->shards[self];
	struct inbox_op op[32];

	budget = RTE_MIN(budget, retire_room(&sh->retire));
	while (budget > 0) {
		const uint32_t want = RTE_MIN(budget, (uint32_t)RTE_DIM(op));
		const uint32_t n =
			rte_ring_dequeue_burst_elem(sh->inbox, op, sizeof(op[0]), want, NULL);

		for (uint32_t i = 0; i < n; i++) {
			rte_prefetch0(&t->slab[op[i].index]);
			rte_prefetch0(&t->slab[op[i].index].dir[1]);
		}
		for (uint32_t i = 0; i < n; i++) {
			struct session *s = &t->slab[op[i].index];

			if (atomic_load(&s->generation) != op[i].generation ||
				atomic_load(&s->ctl) & SESSION_F_DEAD)
				continue;
			if (op[i].op == SESSION_OP_KILL)
				remove_session(t, sh, op[i].index, now, false, gone);
			else
				retime(t, sh, op[i].index, mono_seconds(now));
		}
		if (n < want)
			return;
		budget -= n;
	}
}

/* Timers that found the inbox full.  Bits of other shards stay for their own workers. */
static void
sweep_late(struct session_table *t, uint16_t self, mono_t now)
{
	struct shard *sh = &t->shards[self];
	uint32_t end;

	if (!sh->sweeping) {
		if (atomic_load_explicit(&sh->late, memory_order_relaxed) == 0)
			return;
		atomic_store(&sh->late, 0);
		sh->sweeping = true;
		sh->sweep = 0;
	}
	end = RTE_MIN(sh->sweep + SWEEP_WORDS, t->map_words);
	for (; sh->sweep < end; sh->sweep++) {
		uint64_t bits = atomic_load(&t->late[sh->sweep]);

		for (; bits != 0; bits &= bits - 1) {
			const uint32_t index = sh->sweep * 64 + (uint32_t)__builtin_ctzll(bits);
			struct session *s = &t->slab[index];

			if (pos_of(s) != SESSION_NO_POS && s->home != self)
				continue;
			/* Clear, then look again: it may have become visible between the two. */
			map_clear(t->late, index);
			if (pos_of(s) == SESSION_NO_POS)
				continue;
			if (s->home != self)
				set_late(t, index);
			else if (!(atomic_load(&s->ctl) & SESSION_F_DEAD))
				retime(t, sh, index, mono_seconds(now));
		}
	}
	sh->sweeping = sh->sweep < t->map_words;
}

void
session_table_poll(struct session_table *t, uint16_t self, mono_t now, uint32_t budget,
	session_gone_fn gone_fn, void (*refresh)(void *, struct session *, uint32_t), void *ctx)
{
	const struct gone gone = { .fn = gone_fn, .ctx = ctx };
	const uint32_t now_s = mono_seconds(now);
	struct shard *sh = &t->shards[self];
	uint32_t index, steps;

	FW_ASSERT(self < t->shard_count);
	poll_inbox(t, self, now, 2 * budget, &gone);
	sweep_late(t, self, now);

	steps = RTE_MIN(budget, retire_room(&sh->retire));
	while ((index = session_age_next(&sh->wheel, t->slab, now_s, &steps)) != SESSION_NONE) {
		if (deadline(t, &t->slab[index]) <= now_s) {
			remove_session(t, sh, index, now, true, &gone);
			continue;
		}
		if (refresh != NULL)
			refresh(ctx, &t->slab[index], index);
		session_age_arm(&sh->wheel, t->slab, index, deadline(t, &t->slab[index]), now_s);
	}
	retire_free(t, sh, now);
}
