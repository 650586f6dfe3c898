/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoint-independent mappings: rows, a state test against a model, real threads. */
#include "nat_map.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST	0xcb007101u /* 203.0.113.1 */
#define WORKERS 4

static struct nat_pool *
open_pool(uint32_t addresses)
{
	const struct nat_pool_section section = { FIRST, FIRST + addresses - 1 };
	const struct nat_pool_params p = { .mode = NAT_POOL_PAT,
		.sections = &section,
		.section_count = 1,
		.block = 64,
		.workers = WORKERS,
		.seed = 42,
		.socket = SOCKET_ID_ANY };
	struct nat_pool *pool = nat_pool_create(&p);

	assert_non_null(pool);
	return pool;
}

static struct nat_map *
open_map(uint32_t entries)
{
	struct nat_map *m = nat_map_create(entries, 4711, SOCKET_ID_ANY);

	assert_non_null(m);
	assert_int_equal(nat_map_capacity(m), entries);
	return m;
}

/* All sessions are over. */
static void
close_both(struct nat_map *m, struct nat_pool *pool)
{
	const struct nat_usage u = nat_pool_usage(pool, NAT_POOL_UNOWNED);
	struct nat_map_entry e;

	assert_int_equal(u.used[0] + u.used[1] + u.used[2] + u.blocks, 0);
	assert_int_equal(nat_map_count(m), 0);
	for (uint32_t i = 0; i < nat_map_capacity(m); i++)
		assert_false(nat_map_at(m, i, &e));
	nat_map_destroy(m);
	nat_pool_destroy(pool);
}

static uint32_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)(*x >> 32);
}

static rte_be32_t
host_of(uint32_t n)
{
	return rte_cpu_to_be_32(0x0a000000 + n);
}

static struct nat_want
want_of(uint16_t worker, uint8_t proto, uint32_t host, uint16_t port, uint32_t remote)
{
	return (struct nat_want){ .worker = worker,
		.proto = proto,
		.host = host_of(host),
		.port = rte_cpu_to_be_16(port),
		.remote = rte_cpu_to_be_32(0xc8010101u + remote),
		.remote_port = RTE_BE16(443) };
}

static bool
same_got(const struct nat_got *a, const struct nat_got *b)
{
	return a->addr == b->addr && a->port == b->port;
}

static void
wrong_sizes_are_refused(void **state)
{
	static const struct {
		uint32_t entries;
		int error;
	} rows[] = { { 0, EINVAL }, { (1u << 30) + 1, EINVAL }, { UINT32_MAX, EINVAL },
		{ 1u << 30, ENOMEM }, { 1, 0 }, { 1000, 0 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct nat_map *m;

		errno = 0;
		m = nat_map_create(rows[i].entries, 1, SOCKET_ID_ANY);
		if ((m == NULL) != (rows[i].error != 0) || errno != rows[i].error)
			fail_msg("row %zu: errno %d", i, errno);
		if (m != NULL)
			assert_true(
				nat_map_memory(m) > rows[i].entries * sizeof(struct nat_map_entry));
		nat_map_destroy(m);
	}
}

/* RFC 4787 REQ-1: whatever the destination, until the last session is over; and nothing else. */
static void
NAT_03_an_inside_endpoint_has_one_mapping(void **state)
{
	static const struct {
		uint8_t proto;
		uint32_t host;
		uint16_t port;
		bool same;	   /* as the first one's */
		uint32_t sessions; /* of its mapping then */
	} rows[] = { { IPPROTO_UDP, 1, 5000, true, 1 }, { IPPROTO_UDP, 1, 5000, true, 2 },
		{ IPPROTO_UDP, 1, 5002, false, 1 }, { IPPROTO_UDP, 2, 5000, false, 1 },
		{ IPPROTO_TCP, 1, 5000, false, 1 }, { IPPROTO_ICMP, 1, 5000, false, 1 },
		{ IPPROTO_UDP, 1, 5000, true, 3 } };
	struct nat_pool *pool = open_pool(1);
	struct nat_map *m = open_map(100);
	struct nat_got got[RTE_DIM(rows)];
	struct nat_map_entry e;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct nat_want w = want_of(
			(uint16_t)(i % WORKERS), rows[i].proto, rows[i].host, rows[i].port, i);

		assert_int_equal(nat_map_hold(m, pool, &w, &got[i]), NAT_OK);
		/* A port is its mapping's alone only within a protocol. */
		if (rows[i].proto == IPPROTO_UDP && same_got(&got[i], &got[0]) != rows[i].same)
			fail_msg("row %u", i);
		assert_true(nat_map_outside(m, rows[i].proto, &got[i], &e));
		assert_int_equal(e.host, w.host);
		assert_int_equal(e.port, w.port);
		assert_int_equal(e.proto, w.proto);
		assert_true(same_got(&e.out, &got[i]));
		assert_int_equal(e.sessions, rows[i].sessions + 1);
		assert_true(nat_map_drop(m, pool, rows[i].proto, &got[i]));
	}
	assert_int_equal(nat_map_count(m), 5);
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		assert_true(nat_map_drop(m, pool, rows[i].proto, &got[i]));
		/* The last session takes it along. */
		assert_int_equal(
			nat_map_outside(m, rows[i].proto, &got[i], &e), rows[i].same && i < 6);
		if (rows[i].same && i < 6)
			assert_true(nat_map_drop(m, pool, rows[i].proto, &got[i]));
		else
			assert_false(nat_map_drop(m, pool, rows[i].proto, &got[i]));
	}
	close_both(m, pool);
}

static void
refusals_leave_nothing_behind(void **state)
{
	struct nat_pool *pool = open_pool(1);
	struct nat_map *m = open_map(2000);
	struct nat_map *small = open_map(2);
	struct nat_got got[1023], other;
	struct nat_want w;

	(void)state;
	/* The table is full: the pool keeps its ports. */
	for (uint32_t i = 0; i < 3; i++) {
		w = want_of(0, IPPROTO_TCP, i, 4000, 0);
		assert_int_equal(
			nat_map_hold(small, pool, &w, &got[i]), i < 2 ? NAT_OK : NAT_NO_PORT);
	}
	other = (struct nat_got){ .addr = RTE_BE32(FIRST), .port = RTE_BE16(9) };
	assert_int_equal(
		nat_map_claim(small, pool, IPPROTO_TCP, w.host, w.port, &other), NAT_NO_PORT);
	assert_int_equal(nat_pool_usage(pool, NAT_POOL_UNOWNED).used[0], 2);
	w = want_of(1, IPPROTO_TCP, 1, 4000, 1); /* who has one goes on */
	assert_int_equal(nat_map_hold(small, pool, &w, &other), NAT_OK);
	assert_true(same_got(&other, &got[1]));
	assert_true(nat_map_drop(small, pool, IPPROTO_TCP, &got[1]));
	for (uint32_t i = 0; i < 2; i++)
		assert_true(nat_map_drop(small, pool, IPPROTO_TCP, &got[i]));
	/* The pool has no port: the table keeps its place. */
	for (uint32_t i = 0; i < 1024; i++) {
		w = want_of(0, IPPROTO_UDP, i, 7, 0);
		assert_int_equal(nat_map_hold(m, pool, &w, i < 1023 ? &got[i] : &other),
			i < 1023 ? NAT_OK : NAT_NO_PORT);
	}
	assert_int_equal(nat_map_count(m), 1023);
	w = want_of(0, IPPROTO_GRE, 1, 0, 0);
	assert_int_equal(nat_map_hold(m, pool, &w, &other), NAT_NO_PORTS_IN_PROTOCOL);
	assert_int_equal(nat_map_count(m), 1023);
	for (uint32_t i = 0; i < 1023; i++)
		assert_true(nat_map_drop(m, pool, IPPROTO_UDP, &got[i]));
	nat_map_destroy(small);
	close_both(m, pool);
}

/* What the peer says: agreed with, or refused. */
static void
claims_agree_or_are_refused(void **state)
{
	static const struct {
		uint32_t host;
		uint16_t port;
		uint32_t addr;
		uint16_t out;
		enum nat_refusal refusal;
	} rows[] = {
		{ 1, 5000, FIRST, 6000, NAT_OK },
		{ 1, 5000, FIRST, 6000, NAT_OK },    /* another session of it */
		{ 1, 5000, FIRST, 6002, NAT_TAKEN }, /* it has another one */
		{ 2, 5000, FIRST, 6000, NAT_TAKEN }, /* somebody else's */
		{ 3, 5000, FIRST, 7000, NAT_TAKEN }, /* a session's without mapping */
		{ 2, 5000, FIRST + 9, 6000, NAT_NOT_OURS },
		{ 2, 5000, FIRST, 6001, NAT_OK },
	};
	struct nat_pool *pool = open_pool(1);
	struct nat_map *m = open_map(10);
	const struct nat_got foreign = { .addr = RTE_BE32(FIRST), .port = RTE_BE16(7000) };
	const struct nat_want w = want_of(3, IPPROTO_UDP, 1, 5000, 0);
	struct nat_got got;

	(void)state;
	assert_int_equal(nat_pool_claim(pool, IPPROTO_UDP, host_of(3), &foreign), NAT_OK);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		got = (struct nat_got){ .addr = rte_cpu_to_be_32(rows[i].addr),
			.port = rte_cpu_to_be_16(rows[i].out) };
		if (nat_map_claim(m, pool, IPPROTO_UDP, host_of(rows[i].host),
			    rte_cpu_to_be_16(rows[i].port), &got) != rows[i].refusal)
			fail_msg("row %zu", i);
	}
	assert_int_equal(nat_map_count(m), 2);
	/* A packet of ours goes on where the peer's session is. */
	assert_int_equal(nat_map_hold(m, pool, &w, &got), NAT_OK);
	assert_int_equal(got.port, RTE_BE16(6000));
	for (unsigned int i = 0; i < 3; i++)
		assert_true(nat_map_drop(m, pool, IPPROTO_UDP, &got));
	assert_false(nat_map_drop(m, pool, IPPROTO_UDP, &got));
	assert_false(nat_map_drop(m, pool, IPPROTO_UDP, &foreign));
	got.port = RTE_BE16(6001);
	assert_true(nat_map_drop(m, pool, IPPROTO_UDP, &got));
	assert_true(nat_pool_give(pool, IPPROTO_UDP, &foreign));
	close_both(m, pool);
}

/* ---- against a model ---- */

#define HOSTS	  20
#define PORTS	  10
#define ENDPOINTS (3 * HOSTS * PORTS)
#define CAPACITY  300
#define LIVE	  2000

static const uint8_t protos[3] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };

struct model {
	struct nat_map *map;
	struct nat_pool *pool;
	uint64_t random;
	struct {
		struct nat_got out;
		uint32_t sessions; /* 0: it has no mapping */
	} of[ENDPOINTS];
	uint32_t live[LIVE]; /* endpoints of sessions */
	uint32_t sessions, mappings;
	uint32_t made, joined, full, claims, refused_claims, outside, nobody;
};

static struct nat_want
want_of_endpoint(uint16_t worker, uint32_t endpoint, uint32_t remote)
{
	return want_of(worker, protos[endpoint % 3], endpoint / 3 % HOSTS,
		(uint16_t)(2000 + endpoint / 3 / HOSTS), remote);
}

/* => the endpoint that has this mapping, or ENDPOINTS. */
static uint32_t
model_outside(const struct model *m, uint32_t proto, const struct nat_got *out)
{
	uint32_t e = proto;

	while (e < ENDPOINTS && (m->of[e].sessions == 0 || !same_got(&m->of[e].out, out)))
		e += 3;
	return e < ENDPOINTS ? e : ENDPOINTS;
}

static void
model_hold(struct model *m, uint32_t endpoint, const struct nat_got *out)
{
	if (m->of[endpoint].sessions == 0) {
		assert_int_equal(model_outside(m, endpoint % 3, out), ENDPOINTS);
		m->of[endpoint].out = *out;
		m->mappings++;
		m->made++;
	} else {
		assert_true(same_got(&m->of[endpoint].out, out));
		m->joined++;
	}
	m->of[endpoint].sessions++;
	m->live[m->sessions++] = endpoint;
}

static void
step_hold(struct model *m, uint32_t endpoint)
{
	const struct nat_want w = want_of_endpoint(
		(uint16_t)(next(&m->random) % WORKERS), endpoint, next(&m->random));
	struct nat_got got;

	if (nat_map_hold(m->map, m->pool, &w, &got) == NAT_OK) {
		model_hold(m, endpoint, &got);
		return;
	}
	assert_int_equal(m->mappings, CAPACITY);
	assert_int_equal(m->of[endpoint].sessions, 0);
	m->full++;
}

static void
step_claim(struct model *m, uint32_t endpoint)
{
	const struct nat_want w = want_of_endpoint(0, endpoint, 0);
	/* Its own, another one's, or any port near those that are taken. */
	const uint32_t from = next(&m->random) % 2 ? endpoint : next(&m->random) % ENDPOINTS;
	struct nat_got got = m->of[from].out;
	uint32_t owner;
	bool good;

	if (got.addr == 0 || next(&m->random) % 4 == 0)
		got = (struct nat_got){ .addr = RTE_BE32(FIRST),
			.port = rte_cpu_to_be_16((uint16_t)(2000 + next(&m->random) % 40)) };
	owner = model_outside(m, endpoint % 3, &got);
	good = m->of[endpoint].sessions > 0 ? owner == endpoint
					    : owner == ENDPOINTS && m->mappings < CAPACITY;
	assert_int_equal(
		nat_map_claim(m->map, m->pool, w.proto, w.host, w.port, &got) == NAT_OK, good);
	if (good)
		model_hold(m, endpoint, &got);
	m->claims += good;
	m->refused_claims += !good;
}

static void
step_outside(struct model *m, uint32_t proto)
{
	const struct nat_got got = { .addr = RTE_BE32(FIRST),
		.port = rte_cpu_to_be_16((uint16_t)(2000 + next(&m->random) % 40)) };
	const uint32_t owner = model_outside(m, proto, &got);
	struct nat_map_entry e;

	assert_int_equal(nat_map_outside(m->map, protos[proto], &got, &e), owner != ENDPOINTS);
	if (owner != ENDPOINTS) {
		const struct nat_want w = want_of_endpoint(0, owner, 0);

		assert_true(e.host == w.host && e.port == w.port && e.proto == w.proto);
		model_hold(m, owner, &got);
		assert_int_equal(e.sessions, m->of[owner].sessions);
		m->outside++;
	} else {
		assert_false(nat_map_drop(m->map, m->pool, protos[proto], &got));
		m->nobody++;
	}
}

static void
step_drop(struct model *m)
{
	const uint32_t i = next(&m->random) % m->sessions, endpoint = m->live[i];
	const struct nat_got out = m->of[endpoint].out;

	assert_true(nat_map_drop(m->map, m->pool, protos[endpoint % 3], &out));
	m->mappings -= --m->of[endpoint].sessions == 0;
	m->live[i] = m->live[--m->sessions];
}

static void
compare(const struct model *m)
{
	const struct nat_usage u = nat_pool_usage(m->pool, NAT_POOL_UNOWNED);
	uint32_t n = 0;

	assert_int_equal(nat_map_count(m->map), m->mappings);
	assert_int_equal(u.used[0] + u.used[1] + u.used[2], m->mappings);
	for (uint32_t i = 0; i < CAPACITY; i++) {
		struct nat_map_entry e;
		uint32_t owner;

		if (!nat_map_at(m->map, i, &e))
			continue;
		owner = model_outside(m,
			e.proto == protos[0]   ? 0
			: e.proto == protos[1] ? 1
					       : 2,
			&e.out);
		assert_true(owner < ENDPOINTS);
		assert_int_equal(e.sessions, m->of[owner].sessions);
		n++;
	}
	assert_int_equal(n, m->mappings);
}

static void
random_use_agrees_with_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct model *m = calloc(1, sizeof(*m));

		assert_non_null(m);
		m->random = seed * 0x9e3779b97f4a7c15;
		m->pool = open_pool(2);
		m->map = open_map(CAPACITY);
		for (uint32_t i = 0; i < 200000; i++) {
			/* Now it fills, now it empties. */
			const uint32_t what = next(&m->random) % 16, grow = i / 4000 % 2 ? 4 : 13;
			const uint32_t endpoint = next(&m->random) % ENDPOINTS;

			if (m->sessions == LIVE || (what >= grow && m->sessions > 0))
				step_drop(m);
			else if (what % 4 == 0)
				step_claim(m, endpoint);
			else if (what % 4 == 1)
				step_outside(m, endpoint % 3);
			else
				step_hold(m, endpoint);
			if (i % 1000 == 0)
				compare(m);
		}
		print_message("seed %lu: made %u, joined %u, full %u, claimed %u (not %u), from "
			      "outside %u (nobody %u)\n",
			(unsigned long)seed, m->made, m->joined, m->full, m->claims,
			m->refused_claims, m->outside, m->nobody);
		assert_true(m->full > 100 && m->claims > 100 && m->refused_claims > 100 &&
			    m->outside > 100 && m->nobody > 100);
		while (m->sessions > 0)
			step_drop(m);
		close_both(m->map, m->pool);
		free(m);
	}
}

/* ---- real threads ---- */

#define THREADS	     4
#define SHARED	     24 /* inside endpoints at most, the same for all threads */
#define HELD	     40 /* each, at most */
#define SHARED_PORTS 1024
#define THREAD_OPS   200000

/* Who says what while it holds a mapping: count << 48 | what; two that hold at once must agree. */
struct shared {
	uint32_t endpoints, ports, most;
	struct nat_map *map;
	struct nat_pool *pool;
	_Atomic(uint64_t) outside_of[SHARED];
	_Atomic(uint64_t) inside_of[SHARED_PORTS];
	_Atomic(uint32_t) disagreed, wrong, held, refused, outside, nobody, claimed;
};

struct thread {
	struct shared *shared;
	uint16_t id;
	uint64_t random;
	struct {
		struct nat_got got;
		uint32_t endpoint;
	} held[HELD];
	uint32_t n;
};

#define ONE (UINT64_C(1) << 48)

static bool
agree(_Atomic(uint64_t) *word, uint64_t what)
{
	uint64_t w = atomic_load(word);

	do {
		if (w != 0 && (w & (ONE - 1)) != what)
			return false;
	} while (!atomic_compare_exchange_weak(word, &w, w == 0 ? ONE | what : w + ONE));
	return true;
}

static void
leave(_Atomic(uint64_t) *word)
{
	uint64_t w = atomic_load(word);

	while (!atomic_compare_exchange_weak(word, &w, w >> 48 == 1 ? 0 : w - ONE))
		;
}

static uint16_t
port_index(const struct nat_got *g)
{
	return rte_be_to_cpu_16(g->port) % SHARED_PORTS;
}

static void
note_held(struct thread *t, uint32_t endpoint, const struct nat_got *got)
{
	struct shared *sh = t->shared;

	if (!agree(&sh->outside_of[endpoint], rte_be_to_cpu_16(got->port)) ||
		!agree(&sh->inside_of[port_index(got)], endpoint + 1))
		atomic_fetch_add(&sh->disagreed, 1);
	t->held[t->n].got = *got;
	t->held[t->n++].endpoint = endpoint;
}

static void
drop_one(struct thread *t)
{
	const uint32_t i = next(&t->random) % t->n, endpoint = t->held[i].endpoint;
	const struct nat_got got = t->held[i].got;

	t->held[i] = t->held[--t->n];
	leave(&t->shared->outside_of[endpoint]);
	leave(&t->shared->inside_of[port_index(&got)]);
	if (!nat_map_drop(t->shared->map, t->shared->pool, IPPROTO_UDP, &got))
		atomic_fetch_add(&t->shared->wrong, 1);
}

/* Ports below 1024: all but those of the map are taken, so that the pool hands the same ones out
 * again and again. */
static struct nat_want
shared_want(uint16_t worker, uint32_t endpoint)
{
	return want_of(worker, IPPROTO_UDP, endpoint % 5, (uint16_t)(100 + endpoint / 5), 0);
}

static void
look_from_outside(struct thread *t)
{
	struct shared *sh = t->shared;
	const struct nat_got got = { .addr = RTE_BE32(FIRST),
		.port = rte_cpu_to_be_16((uint16_t)(1 + next(&t->random) % sh->ports)) };
	struct nat_map_entry e;
	uint32_t endpoint = 0;

	if (!nat_map_outside(sh->map, IPPROTO_UDP, &got, &e)) {
		atomic_fetch_add(&sh->nobody, 1);
		return;
	}
	while (endpoint < sh->endpoints && (shared_want(0, endpoint).host != e.host ||
						   shared_want(0, endpoint).port != e.port))
		endpoint++;
	atomic_fetch_add(&sh->outside, 1);
	if (endpoint < sh->endpoints && e.sessions >= 2 && same_got(&e.out, &got))
		note_held(t, endpoint, &got);
	else
		atomic_fetch_add(&sh->wrong, 1);
}

static void
hold_or_claim(struct thread *t)
{
	struct shared *sh = t->shared;
	const uint32_t endpoint = next(&t->random) % sh->endpoints;
	const struct nat_want w = shared_want(t->id, endpoint);
	const bool claim = next(&t->random) % 8 == 0;
	struct nat_got got = { .addr = RTE_BE32(FIRST),
		.port = rte_cpu_to_be_16((uint16_t)(1 + next(&t->random) % sh->ports)) };
	const enum nat_refusal refusal =
		claim ? nat_map_claim(sh->map, sh->pool, IPPROTO_UDP, w.host, w.port, &got)
		      : nat_map_hold(sh->map, sh->pool, &w, &got);

	if (refusal == NAT_OK)
		note_held(t, endpoint, &got);
	atomic_fetch_add(refusal != NAT_OK ? &sh->refused : claim ? &sh->claimed : &sh->held, 1);
}

static void *
hold_and_drop(void *arg)
{
	struct thread *t = arg;

	for (uint32_t i = 0; i < THREAD_OPS; i++) {
		/* While it is held it is there, and this endpoint's. */
		if (t->n == t->shared->most || (t->n > 0 && next(&t->random) % 2))
			drop_one(t);
		else if (next(&t->random) % 4 == 0)
			look_from_outside(t);
		else
			hold_or_claim(t);
		if (t->n > 0 && i % 8 == 0) {
			struct nat_map_entry e;
			const struct nat_got got = t->held[0].got;

			if (!nat_map_outside(t->shared->map, IPPROTO_UDP, &got, &e) ||
				!nat_map_drop(t->shared->map, t->shared->pool, IPPROTO_UDP, &got) ||
				e.host != shared_want(0, t->held[0].endpoint).host)
				atomic_fetch_add(&t->shared->wrong, 1);
		}
	}
	while (t->n > 0)
		drop_one(t);
	return NULL;
}

/* All ports of the class from this one on belong to others, or to nobody again. */
static void
occupy(struct nat_pool *pool, uint32_t from, bool yes)
{
	for (uint32_t port = from; port < 1024; port++) {
		const struct nat_got got = { .addr = RTE_BE32(FIRST),
			.port = rte_cpu_to_be_16((uint16_t)port) };

		if (yes)
			assert_int_equal(nat_pool_claim(pool, IPPROTO_UDP, 0, &got), NAT_OK);
		else
			assert_true(nat_pool_give(pool, IPPROTO_UDP, &got));
	}
}

static void
run_threads(struct shared *sh)
{
	struct thread *thread = calloc(THREADS, sizeof(*thread));
	pthread_t id[THREADS];

	assert_non_null(thread);
	for (uint16_t i = 0; i < THREADS; i++) {
		thread[i].shared = sh;
		thread[i].id = i;
		thread[i].random = (i + 1) * 0x9e3779b97f4a7c15;
		assert_int_equal(pthread_create(&id[i], NULL, hold_and_drop, &thread[i]), 0);
	}
	for (uint16_t i = 0; i < THREADS; i++)
		pthread_join(id[i], NULL);
	free(thread);
}

static void
threads_agree_on_the_mapping_of_an_endpoint(void **state)
{
	static const struct {
		uint32_t places, ports, endpoints, most;
	} rows[] = {
		{ 20, 20, SHARED, HELD }, /* many sessions of a mapping */
		{ 30, 10, SHARED, HELD }, /* the pool runs out first */
		{ 2, 6, 5, 2 },		  /* mappings come and go, in the same places */
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct shared *sh = calloc(1, sizeof(*sh));

		assert_non_null(sh);
		sh->endpoints = rows[i].endpoints;
		sh->ports = rows[i].ports;
		sh->most = rows[i].most;
		sh->pool = open_pool(1);
		sh->map = open_map(rows[i].places);
		occupy(sh->pool, rows[i].ports + 1, true);
		run_threads(sh);
		print_message("held %u, claimed %u, refused %u, from outside %u (nobody %u)\n",
			sh->held, sh->claimed, sh->refused, sh->outside, sh->nobody);
		assert_int_equal(sh->disagreed, 0);
		assert_int_equal(sh->wrong, 0);
		assert_true(sh->held > 1000 && sh->claimed > 100 && sh->refused > 100 &&
			    sh->outside > 100 && sh->nobody > 10);
		occupy(sh->pool, rows[i].ports + 1, false);
		close_both(sh->map, sh->pool);
		free(sh);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_sizes_are_refused),
		cmocka_unit_test(NAT_03_an_inside_endpoint_has_one_mapping),
		cmocka_unit_test(refusals_leave_nothing_behind),
		cmocka_unit_test(claims_agree_or_are_refused),
		cmocka_unit_test(random_use_agrees_with_a_model),
		cmocka_unit_test(threads_agree_on_the_mapping_of_an_endpoint),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
