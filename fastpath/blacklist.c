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

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* At least half of them stay empty; a power of two. */
#define CELLS_MAX (1 << 16)
#define CELLS_MIN 64
#define LENGTHS	  (IP6_BITS + 1)

struct cell {
	uint64_t key[2]; /* the prefix as two numbers; IPv4 in the upper half of the first */
	uint64_t until;	 /* ns */
	uint32_t slot;
	uint16_t kind; /* 0 = empty; kind_of() */
};
static_assert(sizeof(struct cell) == 32, "two in a cache line");
static_assert(CELLS_MAX >= 2 * BLACKLIST_MAX && (CELLS_MAX & (CELLS_MAX - 1)) == 0, "see above");

/* blacklist.pending */
#define PENDING_SET   1 /* the set is not that of the entries */
#define PENDING_SWEEP 2 /* there are entries whose sessions have not been ended */

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

static bool
fixed(const struct blacklist_entry *e)
{
	return e->origin == BLACKLIST_STATIC;
}

static void
free_entry(struct blacklist *b, uint32_t slot)
{
	struct blacklist_entry *e = &b->entries[slot];

	b->count--;
	b->timed -= blacklist_mirrored(e);
	b->copies -= e->copy;
	if (blacklist_mirrored(e))
		blacklist_set_dirty(b, slot);
	*e = (struct blacklist_entry){ .origin = BLACKLIST_FREE,
		.generation = (uint16_t)(e->generation + 1) };
	b->low = RTE_MIN(b->low, slot);
}

/* Two of one prefix and side, neither a copy: after a takeover, or twice in the configuration.  One
 * stays.  => its slot */
static uint32_t
join(struct blacklist *b, uint32_t first, uint32_t second)
{
	const uint32_t stays =
		fixed(&b->entries[second]) && !fixed(&b->entries[first]) ? second : first;
	const uint32_t goes = stays == first ? second : first;
	struct blacklist_entry *e = &b->entries[stays];

	if (mono_before(e->until, b->entries[goes].until)) {
		e->until = b->entries[goes].until;
		blacklist_set_dirty(b, stays);
	}
	free_entry(b, goes);
	return stays;
}

/* Of an entry and a copy of the peer's like it both stay, since each ends by its own time; packets
 * see them as one, and it is ours that counts. */
static void
add_cell(struct blacklist *b, struct blacklist_set *s, uint32_t slot)
{
	const struct blacklist_entry *e = &b->entries[slot];
	const uint64_t until = e->until.ns;
	const bool six = e->prefix.family == 6;
	const uint16_t kind = kind_of(e->side, six, e->len);
	struct lengths *l = &s->lengths[e->side][six];
	struct cell *c;
	uint64_t key[2];

	keyed_hash_key(key, e->prefix.family, e->prefix.v6, e->len);
	c = &s->cells[probe(s, key, kind) - s->cells];
	if (c->kind == 0) {
		if (memchr(l->len, e->len, l->count) == NULL)
			l->len[l->count++] = e->len;
		*c = (struct cell){
			.key = { key[0], key[1] }, .until = until, .slot = slot, .kind = kind
		};
		return;
	}
	if (!e->copy)
		c->slot = b->entries[c->slot].copy ? slot : join(b, c->slot, slot);
	c->until = RTE_MAX(c->until, until);
}

/* Make packets see the entries as they are now.  Lets go of them and blocks for a grace period,
 * after which the former set may be written. */
static void
publish(struct blacklist *b)
{
	struct blacklist_set *s = atomic_load(&b->set) == b->sets[0] ? b->sets[1] : b->sets[0];
	uint32_t cells = CELLS_MIN;

	while (cells < 2 * b->count)
		cells *= 2;
	s->mask = cells - 1;
	memset(s->lengths, 0, sizeof(s->lengths));
	memset(s->cells, 0, sizeof(s->cells[0]) * cells);
	for (uint32_t slot = 0; slot < b->high; slot++)
		if (b->entries[slot].origin != BLACKLIST_FREE)
			add_cell(b, s, slot);
	b->next = MONO_NEVER;
	for (uint32_t slot = 0; slot < b->high; slot++)
		if (blacklist_mirrored(&b->entries[slot]) &&
			mono_before(b->entries[slot].until, b->next))
			b->next = b->entries[slot].until;
	atomic_fetch_and(&b->pending, (uint8_t)~PENDING_SET);
	atomic_store_explicit(&b->set, b->count > 0 ? s : NULL, memory_order_release);
	blacklist_let_go(b);
	rcu_wait(b->rcu);
}

/* M: hold the entries, which are what the set says. */
static void
hold_settled(struct blacklist *b)
{
	pthread_mutex_lock(&b->lock);
	if (atomic_load(&b->pending) & PENDING_SET) {
		publish(b);
		pthread_mutex_lock(&b->lock);
	}
}

bool
blacklist_hold(struct blacklist *b)
{
	return pthread_mutex_trylock(&b->lock) == 0;
}

void
blacklist_let_go(struct blacklist *b)
{
	pthread_mutex_unlock(&b->lock);
}

struct blacklist *
blacklist_create(uint16_t workers, struct rcu *rcu)
{
	struct blacklist *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	b->rcu = rcu;
	b->next = MONO_NEVER;
	b->workers = workers;
	b->dirty.places = BLACKLIST_MAX;
	b->dirty.words = calloc(dirty_bits_words(BLACKLIST_MAX), sizeof(uint64_t));
	b->entries = calloc(BLACKLIST_MAX, sizeof(*b->entries));
	b->hits = calloc((size_t)workers * BLACKLIST_MAX, sizeof(*b->hits));
	for (unsigned int i = 0; i < RTE_DIM(b->sets); i++) {
		b->sets[i] = calloc(1, sizeof(*b->sets[i]));
		if (b->sets[i] != NULL)
			keyed_hash_init(&b->sets[i]->hash);
	}
	if (b->entries == NULL || b->hits == NULL || b->dirty.words == NULL || b->sets[0] == NULL ||
		b->sets[1] == NULL) {
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
	free((void *)(uintptr_t)b->dirty.words);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* ---- entries ---- */

/* => slot of what packets see of this prefix: a copy only if that is all; BLACKLIST_NONE.  H may
 * have changed entries since. */
static uint32_t
find_entry(const struct blacklist *b, const struct ip_addr *prefix, uint8_t len,
	enum blacklist_side side)
{
	const struct blacklist_set *s = blacklist_current(b);
	const struct blacklist_entry *e;
	const struct cell *c;
	uint64_t key[2];

	if (s == NULL)
		return BLACKLIST_NONE;
	keyed_hash_key(key, prefix->family, prefix->v6, len);
	c = probe(s, key, kind_of(side, prefix->family == 6, len));
	if (c->kind == 0)
		return BLACKLIST_NONE;
	e = &b->entries[c->slot];
	return e->origin != BLACKLIST_FREE && e->len == len && e->side == side &&
			       ip_addr_equal(&e->prefix, prefix)
		       ? c->slot
		       : BLACKLIST_NONE;
}

static uint32_t
find_own(const struct blacklist *b, const struct blacklist_entry *e)
{
	const uint32_t slot = find_entry(b, &e->prefix, e->len, (enum blacklist_side)e->side);

	return slot != BLACKLIST_NONE && !b->entries[slot].copy ? slot : BLACKLIST_NONE;
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

/* Put an entry into the first free slot, of which there is one. */
static uint32_t
take_slot(struct blacklist *b, const struct blacklist_entry *e)
{
	uint32_t slot = b->low;
	uint16_t generation;

	while (slot < b->high && b->entries[slot].origin != BLACKLIST_FREE)
		slot++;
	FW_ASSERT(slot < BLACKLIST_MAX);
	b->high = RTE_MAX(b->high, slot + 1);
	b->low = slot + 1;
	generation = b->entries[slot].generation;
	b->entries[slot] = *e;
	b->entries[slot].generation = generation;
	b->entries[slot].ended = 0;
	b->entries[slot].hits_base = slot_hits(b, slot);
	b->count++;
	b->timed += blacklist_mirrored(e);
	b->copies += e->copy;
	if (blacklist_mirrored(e))
		blacklist_set_dirty(b, slot);
	return slot;
}

static bool
timed_full(const struct blacklist *b)
{
	return b->timed + b->copies >= 2 * BLACKLIST_TIMED_MAX;
}

/* An entry of the configuration that is there as a timed one. */
static bool
fix(struct blacklist *b, uint32_t slot)
{
	struct blacklist_entry *e = &b->entries[slot];
	const bool was_timed = !fixed(e);

	e->kept = true;
	if (was_timed) {
		b->timed--;
		e->origin = BLACKLIST_STATIC;
		e->until = MONO_NEVER;
		blacklist_set_dirty(b, slot);
	}
	return was_timed;
}

void
blacklist_set_static(
	struct blacklist *b, const struct blacklist_entry *list, uint32_t count, uint32_t sessions)
{
	bool changed = false;
	uint32_t slot;

	FW_ASSERT(count <= BLACKLIST_STATIC_MAX);
	hold_settled(b);
	for (uint32_t i = 0; i < count; i++) {
		slot = find_own(b, &list[i]);
		if (slot != BLACKLIST_NONE)
			changed |= fix(b, slot);
	}
	for (slot = 0; slot < b->high; slot++) {
		struct blacklist_entry *e = &b->entries[slot];

		if (fixed(e) && !e->kept) {
			free_entry(b, slot);
			changed = true;
		}
		e->kept = false;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct blacklist_entry e = list[i];

		if (find_own(b, &e) != BLACKLIST_NONE)
			continue;
		e.origin = BLACKLIST_STATIC;
		e.until = MONO_NEVER;
		take_slot(b, &e);
		changed = true;
	}
	if (!changed) {
		blacklist_let_go(b);
		return;
	}
	publish(b);
	b->sweep_left = sessions;
}

/* => 0, or why not */
static int
add_timed(struct blacklist *b, const struct blacklist_entry *e)
{
	const uint32_t slot = find_own(b, e);
	struct blacklist_entry *had = slot != BLACKLIST_NONE ? &b->entries[slot] : NULL;

	if (had != NULL && fixed(had))
		return -EEXIST;
	if (e->origin == BLACKLIST_MANUAL && blacklist_follows(b))
		return -EREMOTE;
	if (had == NULL) {
		if (b->timed >= BLACKLIST_TIMED_MAX || timed_full(b))
			return -ENOSPC;
		take_slot(b, e);
		return 0;
	}
	if (mono_before(had->until, e->until))
		had->until = e->until;
	if (e->origin == BLACKLIST_MANUAL)
		had->origin = BLACKLIST_MANUAL;
	blacklist_set_dirty(b, slot);
	return 0;
}

int
blacklist_add(struct blacklist *b, const struct blacklist_entry *e, uint32_t sessions)
{
	int rc;

	FW_ASSERT((e->origin == BLACKLIST_MANUAL || e->origin == BLACKLIST_SCAN) && !e->copy);
	hold_settled(b);
	rc = add_timed(b, e);
	if (rc != 0) {
		blacklist_let_go(b);
		return rc;
	}
	publish(b);
	b->sweep_left = sessions;
	return 0;
}

int
blacklist_delete(
	struct blacklist *b, const struct ip_addr *prefix, uint8_t len, enum blacklist_side side)
{
	uint32_t slot;
	int rc = 0;

	hold_settled(b);
	slot = find_entry(b, prefix, len, side);
	if (slot == BLACKLIST_NONE)
		rc = -ENOENT;
	else if (fixed(&b->entries[slot]))
		rc = -EPERM;
	else if (b->entries[slot].copy || blacklist_follows(b))
		rc = -EREMOTE;
	if (rc != 0) {
		blacklist_let_go(b);
		return rc;
	}
	free_entry(b, slot);
	publish(b);
	return 0;
}

/* Remove what is neither static nor the peer's and, unless `now` is MONO_NEVER, whose time is over.
 */
static uint32_t
remove_until(struct blacklist *b, mono_t now)
{
	uint32_t n = 0;

	pthread_mutex_lock(&b->lock);
	for (uint32_t slot = 0; slot < b->high; slot++) {
		if (!blacklist_mirrored(&b->entries[slot]) ||
			mono_before(now, b->entries[slot].until))
			continue;
		free_entry(b, slot);
		n++;
	}
	if (n > 0)
		publish(b);
	else
		blacklist_let_go(b);
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

void
blacklist_settle(struct blacklist *b, uint32_t sessions)
{
	if (likely(atomic_load_explicit(&b->pending, memory_order_relaxed) == 0))
		return;
	pthread_mutex_lock(&b->lock);
	if (atomic_fetch_and(&b->pending, (uint8_t)~PENDING_SWEEP) & PENDING_SWEEP)
		b->sweep_left = sessions;
	publish(b);
}

uint64_t
blacklist_hits(struct blacklist *b, uint32_t slot)
{
	uint64_t base;

	pthread_mutex_lock(&b->lock);
	base = b->entries[slot].hits_base;
	blacklist_let_go(b);
	return slot_hits(b, slot) - base;
}

void
blacklist_reset_hits(struct blacklist *b)
{
	pthread_mutex_lock(&b->lock);
	for (uint32_t slot = 0; slot < b->high; slot++) {
		b->entries[slot].hits_base = slot_hits(b, slot);
		b->entries[slot].ended = 0;
	}
	blacklist_let_go(b);
}

bool
blacklist_next(struct blacklist *b, uint32_t *slot, struct blacklist_entry *e)
{
	bool found;

	pthread_mutex_lock(&b->lock);
	while (*slot < b->high && b->entries[*slot].origin == BLACKLIST_FREE)
		(*slot)++;
	found = *slot < b->high;
	if (found)
		*e = b->entries[*slot];
	blacklist_let_go(b);
	return found;
}

struct blacklist_counts
blacklist_count(struct blacklist *b)
{
	struct blacklist_counts c;

	pthread_mutex_lock(&b->lock);
	c = (struct blacklist_counts){
		.entries = b->count, .fixed = b->count - b->timed - b->copies, .copies = b->copies
	};
	blacklist_let_go(b);
	return c;
}

/* ---- the mirror ---- */

static void
changed(struct blacklist *b, uint8_t what)
{
	atomic_fetch_or(&b->pending, what);
}

uint32_t
blacklist_copy(struct blacklist *b, const struct blacklist_entry *e)
{
	FW_ASSERT(e->copy);
	if (timed_full(b))
		return BLACKLIST_NONE;
	changed(b, PENDING_SET | PENDING_SWEEP);
	return take_slot(b, e);
}

void
blacklist_renew(struct blacklist *b, uint32_t slot, const struct blacklist_entry *e)
{
	b->entries[slot].until = e->until;
	b->entries[slot].origin = e->origin;
	changed(b, PENDING_SET);
}

uint32_t
blacklist_find_timed(const struct blacklist *b, const struct blacklist_entry *e)
{
	const uint32_t slot = find_entry(b, &e->prefix, e->len, (enum blacklist_side)e->side);

	return slot != BLACKLIST_NONE && b->entries[slot].origin != BLACKLIST_STATIC
		       ? slot
		       : BLACKLIST_NONE;
}

void
blacklist_drop(struct blacklist *b, uint32_t slot)
{
	FW_ASSERT(b->entries[slot].copy);
	free_entry(b, slot);
	changed(b, PENDING_SET);
}

void
blacklist_adopt(struct blacklist *b, uint32_t slot)
{
	b->copies--;
	b->timed++;
	b->entries[slot].copy = false;
	blacklist_set_dirty(b, slot);
	changed(b, PENDING_SET);
}

void
blacklist_yield(struct blacklist *b, uint32_t slot)
{
	b->copies++;
	b->timed--;
	b->entries[slot].copy = true;
	changed(b, PENDING_SET);
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
		pthread_mutex_lock(&b->lock);
		b->entries[sweep.slot].ended++;
		blacklist_let_go(b);
	}
	b->sweep = w.next;
	b->sweep_left -= RTE_MIN(b->sweep_left, w.next - from);
	return b->sweep_left > 0;
}
