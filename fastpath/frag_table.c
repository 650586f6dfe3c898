/* SPDX-License-Identifier: BSD-3-Clause */
#include "frag_table.h"

#include "check.h"
#include "port.h"

#include <rte_jhash.h>
#include <rte_malloc.h>
#include <rte_random.h>
#include <rte_spinlock.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#define NONE		  UINT32_MAX
#define MAX_SHARDS	  16
#define SHARD_DATAGRAMS	  64 /* at least, where there are several shards */
#define SHARD_BUFFERS	  64 /* the same, of its own */
#define EVICTIONS	  8  /* for one fragment, at most */
#define EXPIRED_DATAGRAMS 8  /* in one step, at most */
#define EXPIRED_BUFFERS	  32 /* then no further datagram */

struct entry {
	struct frag_key key;
	mono_t start;	/* when its first fragment came */
	uint32_t chain; /* next of its bucket; of a free one: next free */
	uint32_t bucket;
	uint32_t older, newer;
	struct rte_mbuf *first, *last; /* in order of offset, no two overlapping */
	uint32_t have;		       /* bytes */
	uint32_t total;		       /* 0 until the last fragment has come */
	uint32_t count, buffers;
	enum drop_reason poison; /* DROP_NONE: sound so far */
};

struct shard {
	alignas(64) rte_spinlock_t lock;
	uint32_t free;
	uint32_t oldest, newest;
	uint32_t held; /* buffers */
	uint32_t *buckets;
	struct entry *entries;
	struct frag_stats stats;
	_Atomic(uint64_t) due; /* start of the oldest, UINT64_MAX without one: read without lock */
};

struct frag_table {
	uint32_t shard_count; /* power of two */
	uint32_t bucket_mask;
	uint32_t entries; /* of a shard */
	uint32_t own;	  /* buffers of a shard alone */
	uint32_t buffers; /* of all */
	uint32_t seed[2];
	void *memory;
	alignas(64) _Atomic(int32_t) spare; /* buffers left that any shard may take */
	struct shard shards[MAX_SHARDS];
};

/* Creation */

static void
shard_init(struct shard *s, struct entry *entries, uint32_t count, uint32_t *buckets,
	uint32_t bucket_count)
{
	rte_spinlock_init(&s->lock);
	s->entries = entries;
	s->buckets = buckets;
	s->oldest = s->newest = NONE;
	for (uint32_t i = 0; i < count; i++)
		entries[i].chain = i + 1 < count ? i + 1 : NONE;
	for (uint32_t i = 0; i < bucket_count; i++)
		buckets[i] = NONE;
	atomic_store_explicit(&s->due, UINT64_MAX, memory_order_relaxed);
}

struct frag_table *
frag_table_create(uint32_t datagrams, uint32_t buffers, int socket)
{
	struct frag_table *t =
		rte_zmalloc_socket("fragments", sizeof(*t), alignof(struct frag_table), socket);
	uint32_t buckets;
	uint8_t *at;

	if (t == NULL)
		return NULL;
	t->shard_count = 1;
	while (t->shard_count < MAX_SHARDS && datagrams / 2 >= t->shard_count * SHARD_DATAGRAMS &&
		buffers / 4 >= t->shard_count * SHARD_BUFFERS)
		t->shard_count *= 2;
	t->entries = datagrams / t->shard_count;
	t->own = RTE_MAX(buffers / 2 / t->shard_count, 1U);
	t->buffers = RTE_MAX(buffers, t->own * t->shard_count);
	atomic_store_explicit(
		&t->spare, (int32_t)(t->buffers - t->own * t->shard_count), memory_order_relaxed);
	buckets = rte_align32pow2(2 * t->entries);
	t->bucket_mask = buckets - 1;
	t->seed[0] = (uint32_t)rte_rand();
	t->seed[1] = (uint32_t)rte_rand();
	at = t->memory = rte_zmalloc_socket("fragments",
		(size_t)t->shard_count *
			(t->entries * sizeof(struct entry) + buckets * sizeof(uint32_t)),
		RTE_CACHE_LINE_SIZE, socket);
	if (at == NULL) {
		rte_free(t);
		return NULL;
	}
	for (uint32_t i = 0; i < t->shard_count; i++) {
		uint8_t *const b = at + t->entries * sizeof(struct entry);

		shard_init(&t->shards[i], (struct entry *)(void *)at, t->entries,
			(uint32_t *)(void *)b, buckets);
		at = b + buckets * sizeof(uint32_t);
	}
	return t;
}

static void
free_list(struct rte_mbuf *m)
{
	while (m != NULL) {
		struct rte_mbuf *const next = pkt_part(m)->next;

		rte_pktmbuf_free(m);
		m = next;
	}
}

void
frag_table_destroy(struct frag_table *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->shard_count; i++) {
		const struct shard *s = &t->shards[i];

		for (uint32_t e = s->oldest; e != NONE; e = s->entries[e].newer)
			free_list(s->entries[e].first);
	}
	rte_free(t->memory);
	rte_free(t);
}

/* Entries.  All below is done with the shard locked. */

static void
note_oldest(struct shard *s)
{
	atomic_store_explicit(&s->due,
		s->oldest != NONE ? s->entries[s->oldest].start.ns : UINT64_MAX,
		memory_order_relaxed);
}

static uint32_t
find(const struct shard *s, const struct frag_key *key, uint32_t bucket)
{
	uint32_t i = s->buckets[bucket];

	while (i != NONE && memcmp(&s->entries[i].key, key, sizeof(*key)) != 0)
		i = s->entries[i].chain;
	return i;
}

/* => NONE: full */
static uint32_t
begin(struct shard *s, const struct frag_key *key, uint32_t bucket, mono_t now)
{
	const uint32_t i = s->free;
	struct entry *e = &s->entries[i];

	if (i == NONE)
		return NONE;
	s->free = e->chain;
	*e = (struct entry){ .key = *key,
		.start = now,
		.chain = s->buckets[bucket],
		.bucket = bucket,
		.older = s->newest,
		.newer = NONE };
	s->buckets[bucket] = i;
	if (s->newest != NONE)
		s->entries[s->newest].newer = i;
	else
		s->oldest = i;
	s->newest = i;
	s->stats.datagrams++;
	s->stats.begun++;
	note_oldest(s);
	return i;
}

/* Room for n more buffers.  => false: not left. */
static bool
reserve(struct frag_table *t, struct shard *s, uint32_t n)
{
	const int32_t need = (int32_t)(RTE_MAX(s->held + n, t->own) - RTE_MAX(s->held, t->own));

	if (need > 0 && atomic_fetch_sub_explicit(&t->spare, need, memory_order_relaxed) < need) {
		atomic_fetch_add_explicit(&t->spare, need, memory_order_relaxed);
		return false;
	}
	s->held += n;
	return true;
}

static void
give_back(struct frag_table *t, struct shard *s, uint32_t n)
{
	const uint32_t before = RTE_MAX(s->held, t->own);

	s->held -= n;
	atomic_fetch_add_explicit(
		&t->spare, (int32_t)(before - RTE_MAX(s->held, t->own)), memory_order_relaxed);
}

/* Take an entry's buffers from it. */
static struct rte_mbuf *
empty(struct frag_table *t, struct shard *s, struct entry *e)
{
	struct rte_mbuf *const list = e->first;

	give_back(t, s, e->buffers);
	s->stats.fragments -= e->count;
	e->first = e->last = NULL;
	e->count = e->buffers = 0;
	return list;
}

/* => what it held */
static struct rte_mbuf *
end(struct frag_table *t, struct shard *s, uint32_t i)
{
	struct entry *e = &s->entries[i];
	struct rte_mbuf *const list = empty(t, s, e);
	uint32_t *link = &s->buckets[e->bucket];

	while (*link != i)
		link = &s->entries[*link].chain;
	*link = e->chain;
	*(e->older != NONE ? &s->entries[e->older].newer : &s->oldest) = e->newer;
	*(e->newer != NONE ? &s->entries[e->newer].older : &s->newest) = e->older;
	e->chain = s->free;
	s->free = i;
	s->stats.datagrams--;
	note_oldest(s);
	return list;
}

/* list: an end of another one; *all grows in front. */
static void
put_before(struct rte_mbuf **all, struct rte_mbuf *list)
{
	struct rte_mbuf *last = list;

	if (list == NULL)
		return;
	while (pkt_part(last)->next != NULL)
		last = pkt_part(last)->next;
	pkt_part(last)->next = *all;
	*all = list;
}

/* Room for n more buffers, and for an entry if it needs one: the oldest datagrams give way.
 * => false: there is none, since those held too little. */
static bool
make_room(struct frag_table *t, struct shard *s, uint32_t n, bool entry, struct rte_mbuf **evicted)
{
	bool reserved = reserve(t, s, n);

	for (unsigned int i = 0;
		i < EVICTIONS && s->oldest != NONE && (!reserved || (entry && s->free == NONE));
		i++) {
		put_before(evicted, end(t, s, s->oldest));
		s->stats.evicted++;
		reserved = reserved || reserve(t, s, n);
	}
	return reserved;
}

/* Where a fragment goes.  => DROP_NONE with *before set (NULL: to the front), or why it cannot. */
static enum drop_reason
place(const struct entry *e, const struct pkt_part *new, bool more, struct rte_mbuf **before)
{
	const uint32_t from = new->offset, to = from + new->len;
	const struct pkt_part *next;
	struct rte_mbuf *prev = NULL, *at = e->first;

	if (e->last != NULL && pkt_part(e->last)->offset < from) {
		prev = e->last; /* as senders send: behind all others */
		at = NULL;
	}
	while (at != NULL && pkt_part(at)->offset < from) {
		prev = at;
		at = pkt_part(at)->next;
	}
	next = at != NULL ? pkt_part(at) : NULL;
	if (next != NULL && next->offset == from &&
		next->len == new->len &&more == (e->total != to))
		return DROP_frag_duplicate;
	if ((prev != NULL && pkt_part(prev)->offset + (uint32_t)pkt_part(prev)->len > from) ||
		(next != NULL && to > next->offset))
		return DROP_frag_overlap;
	/* Nothing lies behind the last one, and there is one last one only. */
	if (more ? e->total != 0 && to >= e->total : next != NULL || e->total != 0)
		return DROP_frag_overlap;
	*before = prev;
	return DROP_NONE;
}

static void
insert(struct entry *e, struct rte_mbuf *m, struct rte_mbuf *before, bool more)
{
	struct pkt_part *new = pkt_part(m);
	struct rte_mbuf **link = before != NULL ? &pkt_part(before)->next : &e->first;

	new->next = *link;
	*link = m;
	if (new->next == NULL)
		e->last = m;
	if (!more)
		e->total = (uint32_t) new->offset + new->len;
	e->have += new->len;
	e->count++;
	e->buffers += m->nb_segs;
}

/* With its buffers reserved.  => REFUSED: these have not been used. */
static enum frag_fate
add(struct frag_table *t, struct shard *s, const struct frag_key *key, uint32_t bucket,
	struct rte_mbuf *m, bool more, uint32_t most, mono_t now, struct frag_result *r)
{
	struct rte_mbuf *before = NULL;
	uint32_t i = find(s, key, bucket);
	struct entry *e;

	r->reason = DROP_frag_full;
	if (i == NONE)
		i = begin(s, key, bucket, now);
	if (i == NONE)
		return FRAG_REFUSED;
	e = &s->entries[i];
	r->reason = e->poison != DROP_NONE ? e->poison : place(e, pkt_part(m), more, &before);
	if (r->reason == DROP_NONE && e->count >= most)
		r->reason = DROP_frag_full;
	if (e->poison != DROP_NONE || r->reason == DROP_frag_duplicate)
		return FRAG_REFUSED;
	if (r->reason != DROP_NONE) {
		e->poison = r->reason;
		s->stats.poisoned++;
		put_before(&r->list, empty(t, s, e));
		return FRAG_REFUSED;
	}
	insert(e, m, before, more);
	s->stats.fragments++;
	if (e->have != e->total)
		return FRAG_HELD;
	r->bytes = e->total;
	r->list = end(t, s, i);
	s->stats.complete++;
	return FRAG_COMPLETE;
}

enum frag_fate
frag_table_add(struct frag_table *t, const struct frag_key *key, struct rte_mbuf *m, bool more,
	uint32_t most, mono_t now, struct frag_result *r)
{
	uint32_t words[sizeof(*key) / sizeof(uint32_t)];
	uint32_t a = t->seed[0], b = t->seed[1];
	enum frag_fate fate = FRAG_REFUSED;
	struct shard *s;
	bool reserved;

	FW_ASSERT(pkt_part(m)->len > 0 && (!more || (pkt_part(m)->len & 7) == 0));
	memcpy(words, key, sizeof(words));
	rte_jhash_32b_2hashes(words, RTE_DIM(words), &a, &b);
	s = &t->shards[a & (t->shard_count - 1)];
	pkt_part(m)->next = NULL;
	*r = (struct frag_result){ .list = m, .reason = DROP_frag_full };
	b &= t->bucket_mask;
	rte_spinlock_lock(&s->lock);
	/* Its own datagram may be the oldest and give way. */
	reserved = make_room(t, s, m->nb_segs, find(s, key, b) == NONE, &r->evicted);
	if (reserved)
		fate = add(t, s, key, b, m, more, most, now, r);
	if (reserved && fate == FRAG_REFUSED)
		give_back(t, s, m->nb_segs);
	rte_spinlock_unlock(&s->lock);
	return fate;
}

struct rte_mbuf *
frag_table_expire(struct frag_table *t, uint32_t *cursor, mono_t before)
{
	struct shard *s = &t->shards[(*cursor)++ & (t->shard_count - 1)];
	struct rte_mbuf *list = NULL;
	uint32_t held;

	if (atomic_load_explicit(&s->due, memory_order_relaxed) >= before.ns)
		return NULL;
	rte_spinlock_lock(&s->lock);
	held = s->held;
	for (unsigned int n = 0;
		n < EXPIRED_DATAGRAMS && held - s->held < EXPIRED_BUFFERS && s->oldest != NONE &&
		mono_before(s->entries[s->oldest].start, before);
		n++) {
		s->stats.timed_out += s->entries[s->oldest].poison == DROP_NONE;
		put_before(&list, end(t, s, s->oldest));
	}
	rte_spinlock_unlock(&s->lock);
	return list;
}

void
frag_table_stats(struct frag_table *t, struct frag_stats *sum)
{
	*sum = (struct frag_stats){ .max_datagrams = (uint64_t)t->shard_count * t->entries,
		.max_buffers = t->buffers };
	for (uint32_t i = 0; i < t->shard_count; i++) {
		struct shard *s = &t->shards[i];

		rte_spinlock_lock(&s->lock);
		sum->datagrams += s->stats.datagrams;
		sum->fragments += s->stats.fragments;
		sum->buffers += s->held;
		sum->begun += s->stats.begun;
		sum->complete += s->stats.complete;
		sum->poisoned += s->stats.poisoned;
		sum->timed_out += s->stats.timed_out;
		sum->evicted += s->stats.evicted;
		rte_spinlock_unlock(&s->lock);
	}
}
