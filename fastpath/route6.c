/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of routes is compiled into a fib that never changes again: an rte_fib6 (trie) whose number
 * per prefix is the slot of a hop (interface, gateway), with the default route as the trie's own
 * default.  A change compiles a second fib, swaps the pointer, waits for a grace period and frees
 * the first.  So a failed change leaves nothing to undo, and readers never see a trie in motion,
 * which rte_fib6 of DPDK 22.11 does not allow.
 *
 * rte_fib6 rather than rte_lpm6: half the memory for the first 24 bits.
 */
#include "route6.h"

#include "check.h"
#include "rcu.h"

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_fib6.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* rte_fib6 keeps one bit of each number to itself. */
#define SMALL_NUMBERS 0x7fff
#define LARGE_NUMBERS 0x7fffffff
#define SPARE_TBL8    16 /* the library wants room for one more prefix than there are */

struct hop {
	uint16_t interface;
	uint8_t gateway[IP6_LEN];
};

struct fib {
	struct rte_fib6 *trie;
	uint32_t hop_count; /* as a number: no route */
	uint32_t own;	    /* 1: the first hop is the default route's own, else 0 */
	struct hop hops[];
};

struct route6_table {
	_Atomic(struct fib *) fib; /* M writes, every lcore reads; NULL: no routes */
	struct rcu *rcu;
	char name[16];
	uint32_t max_routes;
	int socket;
	/* M only from here */
	bool odd;	       /* two fibs live at once: each needs a name */
	struct route6 *routes; /* as set, sorted */
	uint32_t count;
};

struct route6_draft {
	struct fib *fib; /* NULL: no routes, or the same as before */
	struct route6 *routes;
	uint32_t count;
	bool same;
};

static int
route_compare(const void *pa, const void *pb)
{
	const struct route6 *a = pa, *b = pb;
	const int order = ip6_compare(a->prefix, b->prefix);

	return order != 0 ? order : (int)a->len - (int)b->len;
}

struct route6_table *
route6_table_create(const char *name, uint32_t max_routes, struct rcu *rcu, int socket)
{
	struct route6_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	snprintf(t->name, sizeof(t->name), "%.12s", name);
	t->rcu = rcu;
	t->socket = socket;
	t->max_routes = max_routes;
	return t;
}

static void
fib_destroy(struct fib *f)
{
	if (f == NULL)
		return;
	rte_fib6_free(f->trie);
	free(f);
}

void
route6_table_destroy(struct route6_table *t)
{
	if (t == NULL)
		return;
	fib_destroy(atomic_load(&t->fib));
	free(t->routes);
	free(t);
}

/* The slot of this hop, new if need be.  A table has few distinct hops.  The default route keeps
 * its own, so that it can be told from others. */
static uint32_t
hop_slot(struct fib *f, const struct route6 *r)
{
	for (uint32_t i = f->own; i < f->hop_count; i++) {
		if (f->hops[i].interface == r->interface &&
			ip6_equal(f->hops[i].gateway, r->gateway))
			return i;
	}
	f->hops[f->hop_count].interface = r->interface;
	memcpy(f->hops[f->hop_count].gateway, r->gateway, IP6_LEN);
	return f->hop_count++;
}

/* Tables of 8 bits that the prefixes take at most. */
static uint32_t
tbl8_count(const struct route6 *routes, uint32_t count)
{
	uint64_t n = SPARE_TBL8;

	for (uint32_t i = 0; i < count; i++)
		n += routes[i].len > 24 ? (routes[i].len - 24 + 7) / 8 : 0;
	return (uint32_t)RTE_MIN(n, (uint64_t)LARGE_NUMBERS);
}

/* `routes` is sorted and checked.  => 0 or -errno. */
static int
fib_create(struct route6_table *t, const struct route6 *routes, uint32_t count, struct fib **out)
{
	struct rte_fib6_conf conf = { .type = RTE_FIB6_TRIE, .max_routes = (int)count + 1 };
	struct fib *f = calloc(1, sizeof(*f) + (size_t)count * sizeof(f->hops[0]));
	uint32_t *slots = calloc(count, sizeof(*slots));
	char name[32];
	int rc = -ENOMEM;

	if (f == NULL || slots == NULL)
		goto out;
	for (uint32_t i = 0; i < count; i++) {
		slots[i] = hop_slot(f, &routes[i]);
		f->own = routes[0].len == 0;
	}
	/* The default route is the first if there is one. */
	conf.default_nh = routes[0].len == 0 ? slots[0] : f->hop_count;
	conf.trie.num_tbl8 = tbl8_count(routes, count);
	conf.trie.nh_sz = RTE_MAX(conf.trie.num_tbl8, f->hop_count) < SMALL_NUMBERS
				  ? RTE_FIB6_TRIE_2B
				  : RTE_FIB6_TRIE_4B;
	snprintf(name, sizeof(name), "%s-fib6.%d", t->name, t->odd);
	f->trie = rte_fib6_create(name, t->socket, &conf);
	if (f->trie == NULL) {
		rc = rte_errno != 0 ? -rte_errno : -ENOMEM;
		goto out;
	}
	rc = 0;
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		if (routes[i].len > 0)
			rc = rte_fib6_add(f->trie, routes[i].prefix, routes[i].len, slots[i]);
	}
out:
	free(slots);
	if (rc < 0) {
		fib_destroy(f);
		return rc;
	}
	*out = f;
	return 0;
}

/* Sort and check. => 0 or -errno. */
static int
prepare(struct route6 *routes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint8_t masked[IP6_LEN];

		memcpy(masked, routes[i].prefix, IP6_LEN);
		ip6_mask(masked, routes[i].len);
		if (routes[i].len > IP6_BITS || !ip6_equal(masked, routes[i].prefix))
			return -EINVAL;
	}
	qsort(routes, count, sizeof(*routes), route_compare);
	for (uint32_t i = 1; i < count; i++) {
		if (route_compare(&routes[i - 1], &routes[i]) == 0)
			return -EEXIST;
	}
	return 0;
}

static bool
same(const struct route6 *a, const struct route6 *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (route_compare(&a[i], &b[i]) != 0 || a[i].interface != b[i].interface ||
			!ip6_equal(a[i].gateway, b[i].gateway))
			return false;
	}
	return true;
}

int
route6_table_build(struct route6_table *t, const struct route6 *routes, uint32_t count,
	struct route6_draft **out)
{
	struct route6_draft *d;
	int rc;

	if (count > t->max_routes)
		return -ENOSPC;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return -ENOMEM;
	d->count = count;
	d->routes = calloc((size_t)count + 1, sizeof(*d->routes));
	if (d->routes == NULL) {
		rc = -ENOMEM;
		goto err_draft;
	}
	if (count > 0)
		memcpy(d->routes, routes, count * sizeof(*d->routes));
	rc = prepare(d->routes, count);
	if (rc < 0)
		goto err_draft;
	d->same = count == t->count && same(d->routes, t->routes, count);
	if (!d->same && count > 0) {
		rc = fib_create(t, d->routes, count, &d->fib);
		if (rc < 0)
			goto err_draft;
	}
	*out = d;
	return 0;

err_draft:
	route6_table_discard(d);
	return rc;
}

void
route6_table_discard(struct route6_draft *d)
{
	fib_destroy(d->fib);
	free(d->routes);
	free(d);
}

void
route6_table_commit(struct route6_table *t, struct route6_draft *d)
{
	if (!d->same) {
		d->fib = atomic_exchange_explicit(&t->fib, d->fib, memory_order_acq_rel);
		RTE_SWAP(t->routes, d->routes);
		t->count = d->count;
		t->odd = !t->odd;
		rcu_wait(t->rcu);
	}
	route6_table_discard(d); /* what was in force before */
}

int
route6_table_set(struct route6_table *t, const struct route6 *routes, uint32_t count)
{
	struct route6_draft *d;
	const int rc = route6_table_build(t, routes, count, &d);

	if (rc == 0)
		route6_table_commit(t, d);
	return rc;
}

/* => slot of the hop, hop_count or more when there is none. */
static inline uint64_t
slot_of(const struct fib *f, const uint8_t dst[IP6_LEN])
{
	uint8_t ips[1][IP6_LEN];
	uint64_t slot;

	memcpy(ips[0], dst, IP6_LEN); /* the library's argument is not const */
	rte_fib6_lookup_bulk(f->trie, ips, &slot, 1);
	return slot;
}

bool
route6_is_default(const struct route6_table *t, const uint8_t dst[IP6_LEN])
{
	const struct fib *f = atomic_load_explicit(&t->fib, memory_order_acquire);
	uint64_t slot;

	if (f == NULL)
		return true;
	slot = slot_of(f, dst);
	return slot < f->own || slot >= f->hop_count;
}

bool
route6_lookup(const struct route6_table *t, const uint8_t dst[IP6_LEN], uint16_t *interface,
	const uint8_t **next_hop)
{
	const struct fib *f = atomic_load_explicit(&t->fib, memory_order_acquire);
	const struct hop *h;
	uint64_t slot;

	if (f == NULL)
		return false;
	slot = slot_of(f, dst);
	if (slot >= f->hop_count)
		return false;
	h = &f->hops[slot];
	*interface = h->interface;
	*next_hop = ip6_is_unspecified(h->gateway) ? dst : h->gateway;
	return true;
}

uint32_t
route6_table_list(const struct route6_table *t, const struct route6 **routes)
{
	*routes = t->routes;
	return t->count;
}
