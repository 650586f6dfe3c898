/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See servermap.h.
 *
 * An entry belongs to the chain of its key and source: it is used, renewed and removed under the
 * lock of that.  So an entry for anybody and one for the packet's source lie in different chains,
 * and many sources of one destination do not make a long one.
 *
 * Entries of one parent are a list, whose first one is in a chain of the parents and counts them
 * all; the lock of that chain is taken behind the other, or alone.
 */
#include "servermap.h"

#include "chains.h"
#include "check.h"
#include "dirty_bits.h"
#include "free_list.h"
#include "keyed_hash.h"
#include "snapshot.h"

#include <errno.h>

#define SAME_MAX                                                                                   \
	16 /* entries of one key and source: they differ by parent, and lie in one chain           \
	    */

struct slot {
	struct servermap_entry entry; /* under the lock of its chain, as everybody's here */
	/* Under the lock of its parent's chain; the parent does not change while it is in there. */
	uint64_t parent;       /* see parent_of() */
	uint32_t call;	       /* as the entry's */
	uint32_t older, newer; /* of the parent's list */
	uint32_t siblings;     /* of the newest, which is the first: entries of the list */
	uint16_t generation;   /* raised when it leaves, under the lock of its chain */
};

#define CALL_STEP 16

enum stat { ADDED, USED, EXPIRED, ORPHANED, REFUSED_FULL, REFUSED_SHARE, REFUSED_SAME, STATS };

struct servermap {
	struct free_list places;
	struct chains entries, parents;
	struct keyed_hash key_hash, source_hash;
	uint32_t capacity;
	struct slot *slots;
	struct dirty_bits dirty; /* places: the mirror has not heard of a change */
	alignas(64) _Atomic(uint64_t) stats[STATS];
};

struct servermap *
servermap_create(uint32_t entries, uint64_t seed, int socket)
{
	struct servermap *m;

	if (entries == 0 || entries > CHAINS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	m = rte_zmalloc_socket("servermap", sizeof(*m), alignof(struct servermap), socket);
	if (m == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	keyed_hash_init_seed(&m->key_hash, seed);
	keyed_hash_init_seed(&m->source_hash, ~seed);
	m->capacity = entries;
	m->slots =
		rte_zmalloc_socket("servermap", sizeof(struct slot) * (size_t)entries, 64, socket);
	m->dirty.places = entries;
	m->dirty.words = rte_zmalloc_socket(
		"servermap", sizeof(uint64_t) * dirty_bits_words(entries), 64, socket);
	if (m->slots == NULL || m->dirty.words == NULL ||
		free_list_create(&m->places, entries, socket) == 0 ||
		chains_create(&m->entries, entries, socket) == 0 ||
		chains_create(&m->parents, entries, socket) == 0) {
		servermap_destroy(m);
		errno = ENOMEM;
		return NULL;
	}
	return m;
}

void
servermap_destroy(struct servermap *m)
{
	if (m == NULL)
		return;
	chains_destroy(&m->entries);
	chains_destroy(&m->parents);
	free_list_destroy(&m->places);
	rte_free(m->slots);
	rte_free((void *)(uintptr_t)m->dirty.words);
	rte_free(m);
}

uint32_t
servermap_count(const struct servermap *m)
{
	return free_list_taken(&m->places);
}

uint32_t
servermap_capacity(const struct servermap *m)
{
	return m->capacity;
}

static void
count(struct servermap *m, enum stat stat)
{
	atomic_fetch_add_explicit(&m->stats[stat], 1, memory_order_relaxed);
}

/* Keys and sources */

static uint64_t
hash_address(const struct keyed_hash *h, const struct ip_addr *a, uint64_t kind)
{
	uint64_t key[2] = { 0, 0 };

	if (a->family != 0)
		keyed_hash_key(key, a->family, a->v6, a->family == 6 ? 128 : 32);
	return keyed_hash(h, key, kind);
}

static uint64_t
hash_key(const struct servermap *m, const struct servermap_key *k)
{
	return hash_address(&m->key_hash, &k->dst,
		(uint64_t)k->dst.family << 24 | (uint64_t)k->proto << 16 | k->dport);
}

static uint32_t
chain_of(const struct servermap *m, uint64_t key_hash, const struct ip_addr *src)
{
	return (uint32_t)hash_address(&m->source_hash, src, key_hash) & m->entries.mask;
}

static bool
same(const struct servermap_entry *e, const struct servermap_key *k, const struct ip_addr *src)
{
	return e->key.dport == k->dport && e->key.proto == k->proto &&
	       ip_addr_equal(&e->key.dst, &k->dst) && e->src.family == src->family &&
	       (src->family == 0 || ip_addr_equal(&e->src, src));
}

/* Parents */

static uint64_t
parent_of(uint32_t session, uint16_t generation)
{
	return (uint64_t)session << 16 | generation;
}

static bool
parentless(uint64_t parent)
{
	return parent >> 16 == SERVERMAP_NONE;
}

static uint32_t
parent_chain(const struct servermap *m, uint64_t parent)
{
	const uint64_t key[2] = { parent, 0 };

	return (uint32_t)keyed_hash(&m->source_hash, key, 0) & m->parents.mask;
}

/* => the first of a parent's list, or CHAINS_END. */
static uint32_t
find_parent(const struct servermap *m, uint32_t chain, uint64_t parent)
{
	uint32_t i = chains_first(&m->parents, chain);

	while (i != CHAINS_END && m->slots[i].parent != parent)
		i = m->parents.next[i];
	return i;
}

/* An entry in its parent's list.  => false: that has `most`. */
static bool
join_parent(struct servermap *m, uint32_t i, uint32_t most)
{
	struct slot *s = &m->slots[i], *first;
	const uint32_t chain = parent_chain(m, s->parent);
	uint32_t head;
	bool room;

	if (parentless(s->parent))
		return true;
	chains_lock(&m->parents, chain);
	head = find_parent(m, chain, s->parent);
	first = head != CHAINS_END ? &m->slots[head] : NULL;
	room = first == NULL || most == 0 || first->siblings < most;
	if (room) {
		s->newer = CHAINS_END;
		s->older = head;
		s->siblings = first != NULL ? first->siblings + 1 : 1;
		if (first != NULL) {
			first->newer = i;
			chains_unlink(&m->parents, chain, head);
		}
		chains_push(&m->parents, chain, i);
	}
	chains_unlock(&m->parents, chain);
	return room;
}

static void
leave_parent(struct servermap *m, uint32_t i)
{
	const struct slot *s = &m->slots[i];
	const uint32_t chain = parent_chain(m, s->parent);
	uint32_t head;

	if (parentless(s->parent))
		return;
	chains_lock(&m->parents, chain);
	head = find_parent(m, chain, s->parent);
	FW_ASSERT(head != CHAINS_END);
	if (s->older != CHAINS_END)
		m->slots[s->older].newer = s->newer;
	if (s->newer != CHAINS_END) {
		m->slots[s->newer].older = s->older;
		m->slots[head].siblings--;
	} else {
		chains_unlink(&m->parents, chain, i);
		if (s->older != CHAINS_END) {
			m->slots[s->older].siblings = s->siblings - 1;
			chains_push(&m->parents, chain, s->older);
		}
	}
	chains_unlock(&m->parents, chain);
}

static uint32_t
first_of_parent(const struct servermap *m, uint64_t parent)
{
	const uint32_t chain = parent_chain(m, parent);
	uint32_t i;

	if (chains_empty(&m->parents, chain))
		return CHAINS_END;
	chains_lock(&m->parents, chain);
	i = find_parent(m, chain, parent);
	chains_unlock(&m->parents, chain);
	return i;
}

/* Entries */

void
servermap_set_dirty(struct servermap *m, uint32_t i)
{
	dirty_bits_set(&m->dirty, i);
}

/* Under the lock of its chain. */
static void
take_out(struct servermap *m, uint32_t chain, uint32_t i)
{
	leave_parent(m, i);
	chains_unlink(&m->entries, chain, i);
	m->slots[i].generation++;
	servermap_set_dirty(m, i);
	free_list_give(&m->places, i);
}

/* Under the lock of its chain: a new entry, that no other is the same as.  => what it is counted
 * as; ADDED: *place */
static enum stat
enter(struct servermap *m, uint32_t chain, const struct servermap_entry *e, uint32_t most,
	uint32_t *place)
{
	const uint32_t i = free_list_take(&m->places);

	if (i == FREE_LIST_NONE)
		return REFUSED_FULL;
	*place = i;
	m->slots[i].entry = *e;
	m->slots[i].parent = parent_of(e->parent, e->parent_generation);
	m->slots[i].call = e->call;
	/* First, so that who finds it by its parent can find its chain. */
	chains_push(&m->entries, chain, i);
	if (join_parent(m, i, most))
		return ADDED;
	chains_unlink(&m->entries, chain, i);
	free_list_give(&m->places, i);
	return REFUSED_SHARE;
}

static void
renew(struct servermap_entry *mine, const struct servermap_entry *e)
{
	const uint32_t note = mine->note;

	*mine = *e;
	mine->note = note;
}

/* => its place, SERVERMAP_NONE. */
static uint32_t
add(struct servermap *m, const struct servermap_entry *e, uint32_t most, bool *renewed,
	uint16_t *generation)
{
	const uint32_t chain = chain_of(m, hash_key(m, &e->key), &e->src);
	const uint64_t parent = parent_of(e->parent, e->parent_generation);
	uint32_t i, others = 0;
	enum stat stat = ADDED;

	FW_ASSERT(e->uses > 0);
	chains_lock(&m->entries, chain);
	for (i = chains_first(&m->entries, chain); i != CHAINS_END; i = m->entries.next[i]) {
		if (!same(&m->slots[i].entry, &e->key, &e->src))
			continue;
		if (m->slots[i].parent == parent)
			break;
		others++;
	}
	*renewed = i != CHAINS_END;
	if (*renewed)
		renew(&m->slots[i].entry, e);
	else
		stat = others < SAME_MAX ? enter(m, chain, e, most, &i) : REFUSED_SAME;
	if (stat == ADDED) {
		*generation = m->slots[i].generation;
		servermap_set_dirty(m, i);
	}
	chains_unlock(&m->entries, chain);
	if (!*renewed)
		count(m, stat);
	return stat == ADDED ? i : SERVERMAP_NONE;
}

bool
servermap_add(struct servermap *m, const struct servermap_entry *e, uint32_t most, bool *renewed)
{
	uint16_t generation;

	return add(m, e, most, renewed, &generation) != SERVERMAP_NONE;
}

/* => the place of an entry that permits this, and its chain, locked; CHAINS_END: there is none. */
static uint32_t
lock_match(const struct servermap *m, const struct servermap_key *k, const struct ip_addr *src,
	uint8_t zone, mono_t now, uint32_t *chain)
{
	static const struct ip_addr anybody;
	const struct ip_addr *const sources[] = { src, &anybody };
	const uint64_t hash = hash_key(m, k);

	for (unsigned int n = 0; n < RTE_DIM(sources); n++) {
		*chain = chain_of(m, hash, sources[n]);
		if (chains_empty(&m->entries, *chain))
			continue;
		chains_lock(&m->entries, *chain);
		for (uint32_t i = chains_first(&m->entries, *chain); i != CHAINS_END;
			i = m->entries.next[i]) {
			const struct servermap_entry *e = &m->slots[i].entry;

			if (same(e, k, sources[n]) && (e->zone == ZONE_NONE || e->zone == zone) &&
				mono_before(now, e->until))
				return i;
		}
		chains_unlock(&m->entries, *chain);
	}
	return CHAINS_END;
}

bool
servermap_take(struct servermap *m, const struct servermap_key *k, const struct ip_addr *src,
	uint8_t zone, mono_t now, struct servermap_entry *found, bool *last)
{
	struct servermap_entry *e;
	uint32_t i, chain;

	if (servermap_count(m) == 0)
		return false;
	i = lock_match(m, k, src, zone, now, &chain);
	if (i == CHAINS_END)
		return false;
	e = &m->slots[i].entry;
	*found = *e;
	*last = e->uses == 1;
	if (*last) {
		take_out(m, chain, i);
	} else if (e->uses != UINT16_MAX) {
		e->uses--;
		servermap_set_dirty(m, i);
	}
	chains_unlock(&m->entries, chain);
	count(m, USED);
	return true;
}

bool
servermap_peek(const struct servermap *m, const struct servermap_key *k, const struct ip_addr *src,
	uint8_t zone, mono_t now, struct servermap_entry *found)
{
	uint32_t chain;
	const uint32_t i = lock_match(m, k, src, zone, now, &chain);

	if (i == CHAINS_END)
		return false;
	*found = m->slots[i].entry;
	chains_unlock(&m->entries, chain);
	return true;
}

/* What a place must hold to be removed: an entry of this parent, or one whose time is over. */
struct over {
	uint64_t parent;
	mono_t now;
	bool by_time;
};

/* => is it removed? */
static bool
remove_if(
	struct servermap *m, uint32_t i, const struct over *over, servermap_gone_fn gone, void *ctx)
{
	const uint32_t chain = chains_lock_of(&m->entries, i);
	struct servermap_entry e;
	bool yes;

	if (chain == CHAINS_END)
		return false;
	e = m->slots[i].entry;
	yes = over->by_time ? !e.copy && !mono_before(over->now, e.until)
			    : m->slots[i].parent == over->parent;
	if (yes)
		take_out(m, chain, i);
	chains_unlock(&m->entries, chain);
	if (!yes)
		return false;
	count(m, over->by_time ? EXPIRED : ORPHANED);
	if (gone != NULL)
		gone(ctx, &e);
	return true;
}

void
servermap_remove_parent(struct servermap *m, uint32_t parent, uint16_t generation,
	servermap_gone_fn gone, void *ctx)
{
	const struct over over = { .parent = parent_of(parent, generation) };
	uint32_t i;

	if (servermap_count(m) == 0 || parentless(over.parent))
		return;
	/* One that is gone meanwhile has left the list. */
	while ((i = first_of_parent(m, over.parent)) != CHAINS_END)
		remove_if(m, i, &over, gone, ctx);
}

/* Some of a parent's entries that belong to a call, newest first. */
static unsigned int
find_call(const struct servermap *m, uint64_t parent, uint32_t call, uint32_t found[CALL_STEP])
{
	const uint32_t chain = parent_chain(m, parent);
	unsigned int n = 0;
	uint32_t i;

	if (chains_empty(&m->parents, chain))
		return 0;
	chains_lock(&m->parents, chain);
	for (i = find_parent(m, chain, parent); i != CHAINS_END && n < CALL_STEP;
		i = m->slots[i].older) {
		if (m->slots[i].call == call)
			found[n++] = i;
	}
	chains_unlock(&m->parents, chain);
	return n;
}

void
servermap_remove_call(struct servermap *m, uint32_t parent, uint16_t generation, uint32_t call,
	servermap_gone_fn gone, void *ctx)
{
	const struct over over = { .parent = parent_of(parent, generation) };
	uint32_t found[CALL_STEP];
	unsigned int n;

	if (call == 0) {
		servermap_remove_parent(m, parent, generation, gone, ctx);
		return;
	}
	if (servermap_count(m) == 0 || parentless(over.parent))
		return;
	do {
		n = find_call(m, over.parent, call, found);
		for (unsigned int i = 0; i < n; i++)
			remove_if(m, found[i], &over, gone, ctx);
	} while (n == CALL_STEP);
}

void
servermap_age(struct servermap *m, uint32_t *cursor, uint32_t budget, mono_t now,
	servermap_gone_fn gone, void *ctx)
{
	const struct over over = { .now = now, .by_time = true };

	if (servermap_count(m) == 0)
		return;
	for (uint32_t n = RTE_MIN(budget, m->capacity); n > 0; n--) {
		if (*cursor >= m->capacity)
			*cursor = 0;
		remove_if(m, (*cursor)++, &over, gone, ctx);
	}
}

bool
servermap_at(const struct servermap *m, uint32_t place, struct servermap_entry *e)
{
	uint16_t generation;

	return servermap_look(m, place, e, &generation);
}

/* The mirror */

static_assert(SERVERMAP_NONE == DIRTY_BITS_NONE, "no place");

uint32_t
servermap_take_dirty(struct servermap *m, uint32_t *cursor)
{
	return dirty_bits_take(&m->dirty, cursor);
}

bool
servermap_look(
	const struct servermap *m, uint32_t place, struct servermap_entry *e, uint16_t *generation)
{
	const uint32_t chain = chains_lock_of(&m->entries, place);

	if (chain == CHAINS_END)
		return false;
	*e = m->slots[place].entry;
	*generation = m->slots[place].generation;
	chains_unlock(&m->entries, chain);
	return true;
}

uint32_t
servermap_copy(
	struct servermap *m, const struct servermap_entry *e, uint16_t *generation, bool *renewed)
{
	return add(m, e, 0, renewed, generation);
}

void
servermap_drop(
	struct servermap *m, uint32_t place, uint16_t generation, servermap_gone_fn gone, void *ctx)
{
	const uint32_t chain = chains_lock_of(&m->entries, place);
	struct servermap_entry e;
	bool same;

	if (chain == CHAINS_END)
		return;
	e = m->slots[place].entry;
	same = m->slots[place].generation == generation;
	if (same)
		take_out(m, chain, place);
	chains_unlock(&m->entries, chain);
	if (same && gone != NULL)
		gone(ctx, &e);
}

bool
servermap_adopt(struct servermap *m, uint32_t place, uint16_t generation)
{
	const uint32_t chain = chains_lock_of(&m->entries, place);
	struct slot *s = &m->slots[place];
	bool mine;

	if (chain == CHAINS_END)
		return false;
	mine = s->generation == generation && s->entry.copy;
	if (mine) {
		s->entry.copy = false;
		servermap_set_dirty(m, place);
	}
	chains_unlock(&m->entries, chain);
	return mine;
}

struct servermap_stats
servermap_stats(const struct servermap *m)
{
	uint64_t v[STATS];

	for (unsigned int i = 0; i < STATS; i++)
		v[i] = atomic_load_explicit(&m->stats[i], memory_order_relaxed);
	return (struct servermap_stats){ .added = v[ADDED],
		.used = v[USED],
		.expired = v[EXPIRED],
		.orphaned = v[ORPHANED],
		.refused_full = v[REFUSED_FULL],
		.refused_share = v[REFUSED_SHARE],
		.refused_same = v[REFUSED_SAME] };
}
