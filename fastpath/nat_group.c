/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat_group.h"

#include "check.h"
#include "nat_map.h"
#include "policy.h"
#include "rcu.h"

#include <rte_malloc.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define MAP_SEED  UINT64_C(0x5ca1ab1e0ddba11)
#define ANNOUNCED 8192 /* mappings of a group whose ports depend on the other end */

enum life {
	LIFE_FREE,
	LIFE_USED,
	LIFE_RETIRED, /* no snapshot refers to it */
	LIFE_EMPTY    /* and nothing is taken: waits for whoever gave the last back to be out */
};

struct group {
	_Atomic(uint32_t) life; /* M writes */
	uint32_t references;	/* M only, as the next three */
	uint64_t token;		/* LIFE_EMPTY */
	uint32_t name;		/* as in records, set before LIFE_USED */
	struct nat_group_params params;
	struct nat_pool *pool;
	/* NULL: addresses alone are translated.  Where ports depend on the other end it holds only
	 * what ALGs have announced: that one other end hears, but many may send to. */
	struct nat_map *map;
	_Atomic(uint64_t) taken, given, exhausted;
};

struct nat_groups {
	struct nat_groups_params params;
	_Atomic(uint8_t) halves; /* NAT_HALF_* */
	uint32_t made;		 /* groups so far: no two pools draw the same numbers */
	struct group groups[NAT_GROUPS_MAX];
};

struct nat_groups *
nat_groups_create(const struct nat_groups_params *params)
{
	struct nat_groups *g = rte_zmalloc_socket("nat_groups", sizeof(*g), 64, params->socket);

	if (g == NULL)
		return NULL;
	g->params = *params;
	atomic_init(&g->halves, NAT_WHOLE);
	return g;
}

void
nat_groups_divide(struct nat_groups *g, uint8_t halves)
{
	FW_ASSERT(halves != 0 && halves <= NAT_WHOLE);
	atomic_store_explicit(&g->halves, halves, memory_order_release);
}

uint8_t
nat_groups_halves(const struct nat_groups *g)
{
	return atomic_load_explicit(&g->halves, memory_order_relaxed);
}

static enum life
life_of(const struct group *g)
{
	return (enum life)atomic_load_explicit(&g->life, memory_order_acquire);
}

static void
set_life(struct group *g, enum life life)
{
	atomic_store_explicit(&g->life, life, memory_order_release);
}

static void
free_group(struct group *g)
{
	nat_map_destroy(g->map);
	nat_pool_destroy(g->pool);
	g->map = NULL;
	g->pool = NULL;
	set_life(g, LIFE_FREE);
}

void
nat_groups_destroy(struct nat_groups *groups)
{
	for (uint32_t i = 0; groups != NULL && i < NAT_GROUPS_MAX; i++) {
		if (life_of(&groups->groups[i]) != LIFE_FREE)
			free_group(&groups->groups[i]);
	}
	rte_free(groups);
}

/* Do both hand out the same in the same way? */
static bool
same(const struct nat_group_params *a, const struct nat_group_params *b)
{
	return strcmp(a->name, b->name) == 0 && a->mode == b->mode && a->paired == b->paired &&
	       a->endpoint_independent == b->endpoint_independent && a->full_cone == b->full_cone &&
	       a->block == b->block && a->section_count == b->section_count &&
	       memcmp(a->sections, b->sections, a->section_count * sizeof(a->sections[0])) == 0;
}

/* As many as there are ports, or sessions. */
static uint32_t
mappings(const struct nat_groups *groups, const struct nat_pool *pool, bool all)
{
	const uint64_t ports =
		(uint64_t)nat_pool_addresses(pool) * NAT_POOL_PROTOCOLS * (UINT16_MAX + 1U);
	const uint64_t most = RTE_MIN(ports, groups->params.max_sessions);

	return (uint32_t)(all ? most : RTE_MIN(most, (uint64_t)ANNOUNCED));
}

/* Those there are. => their number */
static uint32_t
pools(const struct nat_groups *groups, const struct nat_pool *list[NAT_GROUPS_MAX])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < NAT_GROUPS_MAX; i++) {
		if (life_of(&groups->groups[i]) != LIFE_FREE)
			list[n++] = groups->groups[i].pool;
	}
	return n;
}

static int
make(struct nat_groups *groups, struct group *g, const struct nat_group_params *params)
{
	const struct nat_pool *others[NAT_GROUPS_MAX];
	const struct nat_pool_params pool = {
		.mode = params->mode,
		.sections = params->sections,
		.section_count = params->section_count,
		.block = params->block,
		.paired = params->paired,
		.workers = groups->params.workers,
		.homes = groups->params.workers > 1 ? groups->params.homes : NULL,
		.halves = &groups->halves,
		.seed = groups->params.seed + ++groups->made,
		.socket = groups->params.socket,
		.others = others,
		.other_count = pools(groups, others),
	};

	g->pool = nat_pool_create(&pool);
	if (g->pool == NULL)
		return -errno;
	if (params->mode == NAT_POOL_PAT) {
		g->map = nat_map_create(mappings(groups, g->pool, params->endpoint_independent),
			pool.seed ^ MAP_SEED, groups->params.socket);
		if (g->map == NULL) {
			const int rc = -errno;

			nat_pool_destroy(g->pool);
			g->pool = NULL;
			return rc;
		}
	}
	g->params = *params;
	g->name = policy_rule_id(params->name);
	g->references = 0;
	atomic_store_explicit(&g->taken, 0, memory_order_relaxed);
	atomic_store_explicit(&g->given, 0, memory_order_relaxed);
	atomic_store_explicit(&g->exhausted, 0, memory_order_relaxed);
	return 0;
}

/* => a group with these parameters, else a free place, else NULL. */
static struct group *
place_for(struct nat_groups *groups, const struct nat_group_params *params)
{
	struct group *free_place = NULL;

	for (uint32_t i = 0; i < NAT_GROUPS_MAX; i++) {
		struct group *g = &groups->groups[i];

		if (life_of(g) == LIFE_FREE)
			free_place = free_place == NULL ? g : free_place;
		else if (same(&g->params, params))
			return g;
	}
	return free_place;
}

uint16_t
nat_groups_acquire(struct nat_groups *groups, const struct nat_group_params *params, char *err,
	size_t err_size)
{
	struct group *g;

	(void)nat_groups_sweep(groups);
	FW_ASSERT(params->section_count <= NAT_GROUP_SECTIONS);
	g = place_for(groups, params);
	if (g == NULL) {
		snprintf(err, err_size,
			"%s: %d address groups are in use, with those whose sessions still end",
			params->name, NAT_GROUPS_MAX);
		return NAT_GROUP_NONE;
	}
	if (life_of(g) == LIFE_FREE) {
		const int rc = make(groups, g, params);

		if (rc < 0) {
			snprintf(err, err_size, "%s: %s", params->name,
				rc == -ENOMEM ? "too little memory" : strerror(-rc));
			return NAT_GROUP_NONE;
		}
	}
	set_life(g, LIFE_USED);
	g->references++;
	return (uint16_t)(g - groups->groups);
}

void
nat_groups_release(struct nat_groups *groups, uint16_t id)
{
	struct group *g = &groups->groups[id];

	FW_ASSERT(id < NAT_GROUPS_MAX && g->references > 0);
	if (--g->references == 0)
		set_life(g, LIFE_RETIRED);
}

static bool
empty(const struct group *g)
{
	const struct nat_usage u = nat_pool_usage(g->pool, NAT_POOL_UNOWNED);

	/* Without PAT the addresses' hosts may be another group's. */
	if (g->params.mode == NAT_POOL_NO_PAT)
		return atomic_load(&g->taken) == atomic_load(&g->given);
	return u.used[0] == 0 && u.used[1] == 0 && u.used[2] == 0;
}

uint32_t
nat_groups_sweep(struct nat_groups *groups)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < NAT_GROUPS_MAX; i++) {
		struct group *g = &groups->groups[i];

		if (life_of(g) == LIFE_RETIRED && empty(g)) {
			g->token = rcu_start(groups->params.rcu);
			set_life(g, LIFE_EMPTY);
		}
		if (life_of(g) == LIFE_EMPTY && rcu_done(groups->params.rcu, g->token)) {
			if (empty(g))
				free_group(g);
			else
				set_life(g, LIFE_RETIRED); /* the peer's session came late */
		}
		left += life_of(g) == LIFE_RETIRED || life_of(g) == LIFE_EMPTY;
	}
	return left;
}

struct nat_pool *
nat_groups_pool(const struct nat_groups *groups, uint16_t id)
{
	FW_ASSERT(id < NAT_GROUPS_MAX);
	return groups->groups[id].pool;
}

const struct nat_group_params *
nat_groups_params(const struct nat_groups *groups, uint16_t id)
{
	FW_ASSERT(id < NAT_GROUPS_MAX);
	return &groups->groups[id].params;
}

bool
nat_groups_retired(const struct nat_groups *groups, uint16_t id)
{
	const enum life life = id < NAT_GROUPS_MAX ? life_of(&groups->groups[id]) : LIFE_FREE;

	return life == LIFE_RETIRED || life == LIFE_EMPTY;
}

uint16_t
nat_groups_find(const struct nat_groups *groups, const char *name)
{
	for (uint16_t i = 0; i < NAT_GROUPS_MAX; i++) {
		const struct group *g = &groups->groups[i];

		if (life_of(g) == LIFE_USED && strcmp(g->params.name, name) == 0)
			return i;
	}
	return NAT_GROUP_NONE;
}

uint32_t
nat_groups_name(const struct nat_groups *groups, uint16_t id)
{
	FW_ASSERT(id < NAT_GROUPS_MAX);
	return groups->groups[id].name;
}

uint16_t
nat_groups_named(const struct nat_groups *groups, uint32_t name)
{
	for (uint16_t i = 0; i < NAT_GROUPS_MAX; i++) {
		if (life_of(&groups->groups[i]) == LIFE_USED && groups->groups[i].name == name)
			return i;
	}
	return NAT_GROUP_NONE;
}

static enum nat_refusal
took(struct group *g, enum nat_refusal refusal)
{
	if (refusal == NAT_OK)
		atomic_fetch_add_explicit(&g->taken, 1, memory_order_relaxed);
	else if (refusal == NAT_NO_PORT || refusal == NAT_NO_ADDRESS || refusal == NAT_NOT_OURS)
		atomic_fetch_add_explicit(&g->exhausted, 1, memory_order_relaxed);
	return refusal;
}

enum nat_refusal
nat_groups_take(
	struct nat_groups *groups, uint16_t id, const struct nat_want *want, struct nat_got *got)
{
	struct group *g = &groups->groups[id];

	FW_ASSERT(id < NAT_GROUPS_MAX);
	if (g->map == NULL)
		return took(g, nat_pool_take(g->pool, want, got));
	if (g->params.endpoint_independent)
		return took(g, nat_map_hold(g->map, g->pool, want, got));
	if (nat_map_count(g->map) != 0 &&
		nat_map_again(g->map, want->proto, want->host, want->port, true, got))
		return took(g, NAT_OK);
	return took(g, nat_pool_take(g->pool, want, got));
}

enum nat_refusal
nat_groups_announce(
	struct nat_groups *groups, uint16_t id, const struct nat_want *want, struct nat_got *got)
{
	struct group *g = &groups->groups[id];

	FW_ASSERT(id < NAT_GROUPS_MAX);
	return took(g, g->map != NULL ? nat_map_hold(g->map, g->pool, want, got)
				      : nat_pool_take(g->pool, want, got));
}

/* Where ports depend on the other end: is this endpoint announced, at just this port? */
static bool
announced_at(const struct group *g, uint8_t proto, rte_be32_t host, rte_be16_t port,
	const struct nat_got *got)
{
	struct nat_got at;

	return g->map != NULL && nat_map_again(g->map, proto, host, port, false, &at) &&
	       at.addr == got->addr && at.port == got->port;
}

static enum nat_refusal
claim(struct group *g, bool mapped, uint8_t proto, rte_be32_t host, rte_be16_t port,
	const struct nat_got *got)
{
	enum nat_refusal refusal;

	if (life_of(g) != LIFE_USED)
		return NAT_NOT_OURS;
	mapped = mapped || announced_at(g, proto, host, port, got);
	refusal = mapped && g->map != NULL ? nat_map_claim(g->map, g->pool, proto, host, port, got)
					   : nat_pool_claim(g->pool, proto, host, got);
	if (refusal == NAT_OK)
		atomic_fetch_add_explicit(&g->taken, 1, memory_order_relaxed);
	return refusal;
}

enum nat_refusal
nat_groups_claim(struct nat_groups *groups, uint16_t id, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *got)
{
	if (id >= NAT_GROUPS_MAX)
		return NAT_NOT_OURS;
	return claim(&groups->groups[id], groups->groups[id].params.endpoint_independent, proto,
		host, port, got);
}

enum nat_refusal
nat_groups_announce_at(struct nat_groups *groups, uint16_t id, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *got)
{
	FW_ASSERT(id < NAT_GROUPS_MAX);
	return claim(&groups->groups[id], true, proto, host, port, got);
}

bool
nat_groups_mapped(const struct nat_groups *groups, uint16_t id, uint8_t proto, rte_be32_t host,
	rte_be16_t port, struct nat_got *got)
{
	const struct group *g = &groups->groups[id];

	FW_ASSERT(id < NAT_GROUPS_MAX);
	return g->map != NULL && nat_map_again(g->map, proto, host, port, false, got);
}

void
nat_groups_give(struct nat_groups *groups, uint16_t id, uint8_t proto, const struct nat_got *got)
{
	struct group *g = &groups->groups[id];
	bool given;

	FW_ASSERT(id < NAT_GROUPS_MAX);
	given = g->map != NULL && nat_map_count(g->map) != 0 &&
		nat_map_drop(g->map, g->pool, proto, got);
	if (!given && (g->map == NULL || !g->params.endpoint_independent))
		given = nat_pool_give(g->pool, proto, got);
	if (given)
		atomic_fetch_add_explicit(&g->given, 1, memory_order_relaxed);
}

bool
nat_groups_behind(const struct nat_groups *groups, uint16_t id, uint8_t proto,
	const struct nat_got *out, struct nat_map_entry *e)
{
	const struct group *g = &groups->groups[id];

	FW_ASSERT(id < NAT_GROUPS_MAX);
	return g->params.full_cone && life_of(g) == LIFE_USED &&
	       nat_map_outside(g->map, proto, out, e);
}

const struct nat_map *
nat_groups_map(const struct nat_groups *groups, uint16_t id)
{
	FW_ASSERT(id < NAT_GROUPS_MAX);
	return groups->groups[id].params.endpoint_independent ? groups->groups[id].map : NULL;
}

uint64_t
nat_groups_memory(const struct nat_groups *groups, uint16_t id)
{
	const struct group *g = &groups->groups[id];

	FW_ASSERT(id < NAT_GROUPS_MAX);
	return nat_pool_memory(g->pool) + (g->map != NULL ? nat_map_memory(g->map) : 0);
}

struct nat_group_stats
nat_groups_stats(const struct nat_groups *groups, uint16_t id)
{
	const struct group *g = &groups->groups[id];

	FW_ASSERT(id < NAT_GROUPS_MAX);
	return (struct nat_group_stats){
		.taken = atomic_load_explicit(&g->taken, memory_order_relaxed),
		.given = atomic_load_explicit(&g->given, memory_order_relaxed),
		.exhausted = atomic_load_explicit(&g->exhausted, memory_order_relaxed),
	};
}
