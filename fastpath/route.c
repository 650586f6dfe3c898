/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_lpm holds a 24-bit number per prefix: the slot of a hop (interface, gateway).  The default
 * route is kept beside it, since rte_lpm has no prefix of length 0.
 *
 * Changes are made as: add and overwrite, then delete, then one grace period.  So a tbl8 group or a
 * hop slot that a delete frees is never reused while a reader may still look at it, and rte_lpm's
 * own RCU mode is not needed.
 */
#include "route.h"

#include "check.h"
#include "rcu.h"

#include <rte_lpm.h>
#include <rte_memory.h>
#include <rte_prefetch.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOP_NONE UINT32_MAX

struct hop {
	uint16_t interface;
	rte_be32_t gateway;
	bool used;
};

struct route_table {
	struct rte_lpm *lpm;
	struct rcu *rcu;
	_Atomic(uint32_t) default_hop; /* M writes, every lcore reads */
	struct hop *hops;	       /* slots are filled before a route names them */
	uint32_t max_routes;
	struct route *routes; /* M only: as set, sorted */
	uint32_t *route_hops; /* M only: hop of routes[i] */
	uint32_t count;
};

static uint32_t
mask_of(uint8_t len)
{
	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

static int
route_compare(const void *pa, const void *pb)
{
	const struct route *a = pa, *b = pb;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	return (int)a->len - (int)b->len;
}

struct route_table *
route_table_create(const char *name, uint32_t max_routes, struct rcu *rcu, int socket)
{
	struct rte_lpm_config config = { .max_rules = max_routes, .number_tbl8s = 1024 };
	struct route_table *t = calloc(1, sizeof(*t));
	char lpm_name[RTE_LPM_NAMESIZE];

	if (t == NULL)
		return NULL;
	snprintf(lpm_name, sizeof(lpm_name), "%s-lpm", name);
	if (max_routes > 4 * config.number_tbl8s)
		config.number_tbl8s = RTE_MIN(max_routes / 4, 1U << 16);
	t->rcu = rcu;
	t->max_routes = max_routes;
	atomic_init(&t->default_hop, HOP_NONE);
	/* Old and new hops live side by side during a change. */
	t->hops = calloc(2 * (size_t)max_routes + 2, sizeof(*t->hops));
	t->routes = calloc(max_routes + 1, sizeof(*t->routes));
	t->route_hops = calloc(max_routes + 1, sizeof(*t->route_hops));
	t->lpm = rte_lpm_create(lpm_name, socket, &config);
	if (t->hops == NULL || t->routes == NULL || t->route_hops == NULL || t->lpm == NULL) {
		route_table_destroy(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void
route_table_destroy(struct route_table *t)
{
	if (t == NULL)
		return;
	rte_lpm_free(t->lpm);
	free(t->hops);
	free(t->routes);
	free(t->route_hops);
	free(t);
}

/* The slot of this hop: one in use, or a free one filled now.  A table has few distinct hops. */
static uint32_t
hop_slot(struct route_table *t, uint16_t interface, rte_be32_t gateway)
{
	const uint32_t slots = 2 * t->max_routes + 2;
	uint32_t free_slot = HOP_NONE;

	for (uint32_t i = 0; i < slots; i++) {
		const struct hop *h = &t->hops[i];

		if (h->used && h->interface == interface && h->gateway == gateway)
			return i;
		if (!h->used) {
			free_slot = i;
			break;
		}
	}
	FW_ASSERT(free_slot != HOP_NONE);
	t->hops[free_slot] =
		(struct hop){ .interface = interface, .gateway = gateway, .used = true };
	return free_slot;
}

static int
install(struct route_table *t, const struct route *r, uint32_t hop)
{
	if (r->len == 0) {
		atomic_store_explicit(&t->default_hop, hop, memory_order_release);
		return 0;
	}
	return rte_lpm_add(t->lpm, r->prefix, r->len, hop);
}

static void
withdraw(struct route_table *t, const struct route *r)
{
	if (r->len == 0)
		atomic_store_explicit(&t->default_hop, HOP_NONE, memory_order_release);
	else
		rte_lpm_delete(t->lpm, r->prefix, r->len);
}

static const struct route *
find(const struct route *list, uint32_t count, const struct route *r)
{
	return bsearch(r, list, count, sizeof(*list), route_compare);
}

/* Undo the first `done` installs of a failed change. */
static void
roll_back(struct route_table *t, const struct route *wanted, uint32_t done)
{
	for (uint32_t i = 0; i < done; i++) {
		const struct route *old = find(t->routes, t->count, &wanted[i]);

		if (old != NULL)
			install(t, old, t->route_hops[old - t->routes]);
		else
			withdraw(t, &wanted[i]);
	}
}

/* Forget hops that no route names. */
static void
sweep_hops(struct route_table *t)
{
	const uint32_t slots = 2 * t->max_routes + 2;
	uint32_t last = 0;

	for (uint32_t i = 0; i < slots && t->hops[i].used; i++)
		last = i + 1;
	for (uint32_t i = 0; i < last; i++)
		t->hops[i].used = false;
	for (uint32_t i = 0; i < t->count; i++)
		t->hops[t->route_hops[i]].used = true;
}

int
route_table_set(struct route_table *t, const struct route *routes, uint32_t count)
{
	struct route *wanted;
	uint32_t *hops;
	int rc = 0;

	if (count > t->max_routes)
		return -ENOSPC;
	wanted = calloc(t->max_routes + 1, sizeof(*wanted));
	hops = calloc(t->max_routes + 1, sizeof(*hops));
	if (wanted == NULL || hops == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	if (count > 0)
		memcpy(wanted, routes, count * sizeof(*wanted));
	for (uint32_t i = 0; i < count; i++) {
		if (wanted[i].len > 32 || (wanted[i].prefix & ~mask_of(wanted[i].len)) != 0) {
			rc = -EINVAL;
			goto out;
		}
	}
	qsort(wanted, count, sizeof(*wanted), route_compare);
	for (uint32_t i = 1; i < count; i++) {
		if (route_compare(&wanted[i - 1], &wanted[i]) == 0) {
			rc = -EEXIST;
			goto out;
		}
	}

	for (uint32_t i = 0; i < count; i++) {
		hops[i] = hop_slot(t, wanted[i].interface, wanted[i].gateway);
		rc = install(t, &wanted[i], hops[i]);
		if (rc < 0) {
			roll_back(t, wanted, i);
			rcu_wait(t->rcu);
			sweep_hops(t);
			goto out;
		}
	}
	for (uint32_t i = 0; i < t->count; i++) {
		if (find(wanted, count, &t->routes[i]) == NULL)
			withdraw(t, &t->routes[i]);
	}
	RTE_SWAP(t->routes, wanted);
	RTE_SWAP(t->route_hops, hops);
	t->count = count;
	rcu_wait(t->rcu);
	sweep_hops(t);
	rc = 0;
out:
	free(wanted);
	free(hops);
	return rc;
}

bool
route_lookup(const struct route_table *t, rte_be32_t dst, uint16_t *interface, rte_be32_t *next_hop)
{
	uint32_t slot;
	const struct hop *h;

	if (rte_lpm_lookup(t->lpm, rte_be_to_cpu_32(dst), &slot) != 0) {
		slot = atomic_load_explicit(&t->default_hop, memory_order_acquire);
		if (slot == HOP_NONE)
			return false;
	}
	h = &t->hops[slot];
	*interface = h->interface;
	*next_hop = h->gateway != 0 ? h->gateway : dst;
	return true;
}

bool
route_is_default(const struct route_table *t, rte_be32_t dst)
{
	uint32_t slot;

	return rte_lpm_lookup(t->lpm, rte_be_to_cpu_32(dst), &slot) != 0;
}

void
route_prefetch(const struct route_table *t, rte_be32_t src, rte_be32_t dst)
{
	rte_prefetch0(&t->lpm->tbl24[rte_be_to_cpu_32(src) >> 8]);
	rte_prefetch0(&t->lpm->tbl24[rte_be_to_cpu_32(dst) >> 8]);
}

uint32_t
route_table_list(const struct route_table *t, const struct route **routes)
{
	*routes = t->routes;
	return t->count;
}
