/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set is a hash table of all entries, each under its prefix without the host bits, and for each
 * side and family the prefix lengths that occur: a look-up probes once for each of those, of which
 * there are few.
 *
 * The hash is keyed: scan detection enters addresses that an attacker has chosen.
 */
#include "blacklist.h"

#include "check.h"
#include "keyed_hash.h"
#include "rcu.h"
#include "session_table.h"
#include "session_walk.h"

#include <rte_common.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* At least half of them stay empty. */
#define CELLS_MAX (2 * BLACKLIST_MAX)
#define CELLS_MIN 64
#define LENGTHS	  (IP6_BITS + 1)

struct cell {
	uint64_t key[2]; /* the prefix as two numbers; IPv4 in the upper half of the first */
	uint64_t until;	 /* ns */
	uint32_t slot;
	uint16_t kind; /* 0 = empty; kind_of() */
};
static_assert(sizeof(struct cell) == 32, "two in a cache line");

struct lengths {
	uint8_t count;
	uint8_t len[LENGTHS];
};

struct blacklist_set {
	struct keyed_hash hash;
	uint32_t mask;				    /* cells in use - 1, a power of two less one */
	struct lengths lengths[BLACKLIST_SIDES][2]; /* by side, by family */
	struct cell cells[CELLS_MAX];
};

static uint16_t
kind_of(unsigned int side, bool six, uint8_t len)
{
	return (uint16_t)(1U << 15 | side << 9 | (unsigned int)six << 8 | len);
}

/* => the cell of this prefix, or the empty one where it would be. */
static inline const struct cell *
probe(const struct blacklist_set *s, const uint64_t key[2], uint16_t kind)
{
	uint32_t place = (uint32_t)(keyed_hash(&s->hash, key, kind) >> 32) & s->mask;

	for (;;) {
		const struct cell *c = &s->cells[place];

		if (c->kind == 0 || (c->kind == kind && c->key[0] == key[0] && c->key[1] == key[1]))
			return c;
		place = (place + 1) & s->mask;
	}
}

static uint32_t
find_side(const struct blacklist_set *s, unsigned int side, unsigned int family,
	const void *address, mono_t now)
{
	const struct lengths *l = &s->lengths[side][family == 6];

	for (uint8_t i = 0; i < l->count; i++) {
		const struct cell *c;
		uint64_t key[2];

		keyed_hash_key(key, family, address, l->len[i]);
		c = probe(s, key, kind_of(side, family == 6, l->len[i]));
		if (c->kind != 0 && now.ns < c->until)
			return c->slot;
	}
	return BLACKLIST_NONE;
}

uint32_t
blacklist_find(const struct blacklist_set *s, unsigned int family, const void *src, const void *dst,
	mono_t now)
{
	const uint32_t slot = find_side(s, 0, family, src, now);

	return slot != BLACKLIST_NONE ? slot : find_side(s, 1, family, dst, now);
}

/* ---- compiling a set ---- */

/* => false: there is one like it already. */
static bool
add_cell(struct blacklist_set *s, const struct blacklist_entry *e, uint32_t slot)
{
	const bool six = e->prefix.family == 6;
	const uint16_t kind = kind_of(e->side, six, e->len);
	struct lengths *l = &s->lengths[e->side][six];
	uint64_t key[2];
	uint32_t place;

	keyed_hash_key(key, e->prefix.family, e->prefix.v6, e->len);
	place = (uint32_t)(probe(s, key, kind) - s->cells);
	if (s->cells[place].kind != 0)
		return false;
	if (memchr(l->len, e->len, l->count) == NULL)
		l->len[l->count++] = e->len;
	s->cells[place] = (struct cell){
		.key = { key[0], key[1] }, .until = e->until.ns, .slot = slot, .kind = kind
	};
	return true;
}

static void
free_entry(struct blacklist *b, uint32_t slot)
{
	b->count--;
	b->timed -= b->entries[slot].origin != BLACKLIST_STATIC;
	b->entries[slot] = (struct blacklist_entry){ .origin = BLACKLIST_FREE };
}

/* Make packets see the entries as they are now.  Blocks for a grace period, after which the former
 * set may be written. */
static void
publish(struct blacklist *b)
{
	struct blacklist_set *s = atomic_load(&b->set) == b->sets[0] ? b->sets[1] : b->sets[0];
	uint32_t cells = CELLS_MIN;

	b->next = MONO_NEVER;
	while (cells < 2 * b->count)
		cells *= 2;
	s->mask = cells - 1;
	memset(s->lengths, 0, sizeof(s->lengths));
	memset(s->cells, 0, sizeof(s->cells[0]) * cells);
	for (uint32_t slot = 0; slot < b->high; slot++) {
		const struct blacklist_entry *e = &b->entries[slot];

		if (e->origin == BLACKLIST_FREE)
			continue;
		if (!add_cell(s, e, slot))
			free_entry(b, slot);
		else if (mono_before(e->until, b->next))
			b->next = e->until;
	}
	atomic_store_explicit(&b->set, b->count > 0 ? s : NULL, memory_order_release);
	rcu_wait(b->rcu);
}

struct blacklist *
blacklist_create(uint16_t workers, struct rcu *rcu)
{
	struct blacklist *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->rcu = rcu;
	b->next = MONO_NEVER;
	b->workers = workers;
	b->entries = calloc(BLACKLIST_MAX, sizeof(*b->entries));
	b->hits = calloc((size_t)workers * BLACKLIST_MAX, sizeof(*b->hits));
	for (unsigned int i = 0; i < RTE_DIM(b->sets); i++) {
		b->sets[i] = calloc(1, sizeof(*b->sets[i]));
		if (b->sets[i] != NULL)
			keyed_hash_init(&b->sets[i]->hash);
	}
	if (b->entries == NULL || b->hits == NULL || b->sets[0] == NULL || b->sets[1] == NULL) {
		blacklist_destroy(b);
		return NULL;
	}
	return b;
}

void
blacklist_destroy(struct blacklist *b)
{
	if (b == NULL)
		return;
	free(b->sets[0]);
	free(b->sets[1]);
	free(b->entries);
	free(b->hits);
	free(b);
}

/* ---- entries ---- */

static uint32_t
find_entry(const struct blacklist *b, const struct ip_addr *prefix, uint8_t len,
	enum blacklist_side side)
{
	const struct blacklist_set *s = blacklist_current(b);
	const struct cell *c;
	uint64_t key[2];

	if (s == NULL)
		return BLACKLIST_NONE;
	keyed_hash_key(key, prefix->family, prefix->v6, len);
	c = probe(s, key, kind_of(side, prefix->family == 6, len));
	return c->kind != 0 ? c->slot : BLACKLIST_NONE;
}

static uint64_t
slot_hits(const struct blacklist *b, uint32_t slot)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < b->workers; i++)
		sum += __atomic_load_n(
			&b->hits[(uint32_t)i * BLACKLIST_MAX + slot], __ATOMIC_RELAXED);
	return sum;
}

/* Put an entry into the first free slot from `slot` on.  => the slot, there is one. */
static uint32_t
take_slot(struct blacklist *b, const struct blacklist_entry *e, uint32_t slot)
{
	while (slot < b->high && b->entries[slot].origin != BLACKLIST_FREE)
		slot++;
	FW_ASSERT(slot < BLACKLIST_MAX);
	b->high = RTE_MAX(b->high, slot + 1);
	b->entries[slot] = *e;
	b->entries[slot].ended = 0;
	b->entries[slot].hits_base = slot_hits(b, slot);
	b->count++;
	b->timed += e->origin != BLACKLIST_STATIC;
	return slot;
}

void
blacklist_set_static(
	struct blacklist *b, const struct blacklist_entry *list, uint32_t count, uint32_t sessions)
{
	bool changed = false;
	uint32_t slot;

	FW_ASSERT(count <= BLACKLIST_STATIC_MAX);
	for (uint32_t i = 0; i < count; i++) {
		const struct blacklist_entry *e = &list[i];

		slot = find_entry(b, &e->prefix, e->len, (enum blacklist_side)e->side);
		if (slot == BLACKLIST_NONE)
			continue;
		if (b->entries[slot].origin != BLACKLIST_STATIC) {
			b->timed--;
			changed = true;
		}
		b->entries[slot].origin = BLACKLIST_STATIC;
		b->entries[slot].until = MONO_NEVER;
		b->entries[slot].kept = true;
	}
	for (slot = 0; slot < b->high; slot++) {
		struct blacklist_entry *e = &b->entries[slot];

		if (e->origin == BLACKLIST_STATIC && !e->kept) {
			free_entry(b, slot);
			changed = true;
		}
		e->kept = false;
	}
	slot = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct blacklist_entry e = list[i];

		if (find_entry(b, &e.prefix, e.len, (enum blacklist_side)e.side) != BLACKLIST_NONE)
			continue;
		e.origin = BLACKLIST_STATIC;
		e.until = MONO_NEVER;
		slot = take_slot(b, &e, slot);
		changed = true;
	}
	if (changed) {
		publish(b);
		b->sweep_left = sessions;
	}
}

int
blacklist_add(struct blacklist *b, const struct blacklist_entry *e, uint32_t sessions)
{
	const uint32_t slot = find_entry(b, &e->prefix, e->len, (enum blacklist_side)e->side);

	FW_ASSERT(e->origin == BLACKLIST_MANUAL || e->origin == BLACKLIST_SCAN);
	if (slot != BLACKLIST_NONE) {
		if (b->entries[slot].origin == BLACKLIST_STATIC)
			return -EEXIST;
		if (mono_before(b->entries[slot].until, e->until))
			b->entries[slot].until = e->until;
		if (e->origin == BLACKLIST_MANUAL)
			b->entries[slot].origin = BLACKLIST_MANUAL;
	} else if (b->timed == BLACKLIST_TIMED_MAX) {
		return -ENOSPC;
	} else {
		take_slot(b, e, 0);
	}
	publish(b);
	b->sweep_left = sessions;
	return 0;
}

int
blacklist_delete(
	struct blacklist *b, const struct ip_addr *prefix, uint8_t len, enum blacklist_side side)
{
	const uint32_t slot = find_entry(b, prefix, len, side);

	if (slot == BLACKLIST_NONE)
		return -ENOENT;
	if (b->entries[slot].origin == BLACKLIST_STATIC)
		return -EPERM;
	free_entry(b, slot);
	publish(b);
	return 0;
}

/* Remove what is not static and, unless `now` is MONO_NEVER, whose time is over. */
static uint32_t
remove_until(struct blacklist *b, mono_t now)
{
	uint32_t n = 0;

	for (uint32_t slot = 0; slot < b->high; slot++) {
		const struct blacklist_entry *e = &b->entries[slot];

		if (e->origin == BLACKLIST_FREE || e->origin == BLACKLIST_STATIC ||
			mono_before(now, e->until))
			continue;
		free_entry(b, slot);
		n++;
	}
	if (n > 0)
		publish(b);
	return n;
}

uint32_t
blacklist_clear(struct blacklist *b)
{
	return remove_until(b, MONO_NEVER);
}

void
blacklist_expire(struct blacklist *b, mono_t now)
{
	if (!mono_before(now, b->next))
		remove_until(b, now);
}

uint64_t
blacklist_hits(const struct blacklist *b, uint32_t slot)
{
	return slot_hits(b, slot) - b->entries[slot].hits_base;
}

void
blacklist_reset_hits(struct blacklist *b)
{
	for (uint32_t slot = 0; slot < b->high; slot++) {
		b->entries[slot].hits_base = slot_hits(b, slot);
		b->entries[slot].ended = 0;
	}
}

/* ---- sessions there are already ---- */

struct sweep {
	const struct blacklist_set *set;
	mono_t now;
	uint32_t slot; /* of the entry that forbids the session found last */
};

static bool
forbidden(void *ctx, const struct session *s, const union session_walk_key *key)
{
	const uint8_t swap = session_swap(s), family = session_family(s);
	struct sweep *sweep = ctx;

	if (atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_REMOTE)
		return false;
	if (family == 6)
		sweep->slot = blacklist_find(
			sweep->set, 6, key->v6.addr[swap], key->v6.addr[!swap], sweep->now);
	else
		sweep->slot = blacklist_find(
			sweep->set, 4, &key->v4.addr[swap], &key->v4.addr[!swap], sweep->now);
	return sweep->slot != BLACKLIST_NONE;
}

bool
blacklist_sweep(struct blacklist *b, struct session_table *t, uint32_t slots, mono_t now)
{
	struct sweep sweep = { .set = blacklist_current(b), .now = now };
	struct session_walk w = { .match = forbidden, .ctx = &sweep };
	const struct session *s;
	uint32_t from;

	if (sweep.set == NULL)
		b->sweep_left = 0;
	if (b->sweep_left == 0)
		return false;
	if (b->sweep >= session_table_capacity(t))
		b->sweep = 0;
	from = w.next = b->sweep;
	w.slots = RTE_MIN(slots, b->sweep_left);
	while ((s = session_walk_next(t, &w)) != NULL) {
		const uint32_t index = session_table_index(t, s);

		if (!session_table_post(t, index, w.generation, SESSION_OP_KILL)) {
			w.next = index; /* inbox full: again a little later */
			break;
		}
		b->entries[sweep.slot].ended++;
	}
	b->sweep = w.next;
	b->sweep_left -= RTE_MIN(b->sweep_left, w.next - from);
	return b->sweep_left > 0;
}
