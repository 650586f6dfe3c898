/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session table under two workers and one foreign thread at once: create, look up, change and
 * remove sessions of both shards, with ageing, over a small set of keys so that they meet often.
 * Most sessions are translated, to fewer outside keys than there are keys.  At the end nothing is
 * left and nothing has leaked.
 */
#include "rcu.h"
#include "session_table.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <rte_pause.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS	 2
#define SESSIONS 4096
#define KEYS	 4500 /* more than fit: the slab runs out now and then */
#define TURNS	 20000
#define REPLACED 1000 /* at least: how many fit into TURNS depends on who runs when */
#define OUTSIDES 3000
#define BURST	 32

/* Wrong results are counted, since cmocka's asserts belong to the main thread. */
struct shared {
	struct rcu *rcu;
	struct session_table *table;
	_Atomic(uint32_t) running;
	_Atomic(uint32_t) finished; /* workers that have made their turns */
	_Atomic(uint32_t) offline;  /* workers that read no more */
	_Atomic(uint32_t) wrong_key, wrong_home, wrong_dir, half, dead_twice;
	_Atomic(uint64_t) two, found_outside, clash, looked;
	_Atomic(uint64_t) created, gone, found, existed, full, refused, replaced, overtaken;
};

/* Set when all is set up: the EAL's own signal to its threads is not seen by the sanitizer. */
static _Atomic(bool) go;

struct thread {
	struct shared *shared;
	uint16_t self; /* shard, or UINT16_MAX */
	uint32_t random;
	int reader;
	mono_t now;
};

static uint32_t
next(struct thread *t)
{
	t->random = t->random * 1664525 + 1013904223;
	return t->random >> 8;
}

static struct session_key4
key_of(uint32_t n)
{
	struct session_key4 k;

	session_key4_make(&k, rte_cpu_to_be_32(0x0a000000 + n % 97), rte_cpu_to_be_32(0xc8010101),
		rte_cpu_to_be_16((uint16_t)(n * 7)), RTE_BE16(443), 17);
	return k;
}

/* A session of key n has this outside key, or none; replaced, perhaps another one. */
static bool
outside_of(struct session_outside *o, uint32_t n)
{
	if (n % 4 == 3)
		return false;
	o->swap = session_key4_make(&o->key, RTE_BE32(0xcb007101), RTE_BE32(0xc8010101),
		rte_cpu_to_be_16((uint16_t)(n % OUTSIDES * 5)), RTE_BE16(443), 17);
	o->note = n;
	return true;
}

/* => the session, or SESSION_NONE. */
static uint32_t
insert(struct thread *t, struct session *s, const struct session_key4 *k, uint32_t old)
{
	struct session_table *table = t->shared->table;
	struct session_outside o;
	enum session_clash clash;
	bool existed = false;
	uint32_t index;

	atomic_store(&s->ctl, session_kind(4, 17, 0) | SESSION_UDP_FIRST);
	if (!outside_of(&o, next(t) % KEYS) || memcmp(&o.key, k, sizeof(*k)) == 0) {
		if (old != SESSION_NONE)
			return session_table_replace4(table, s, k, old, t->self, t->now);
		index = session_table_insert4(table, s, k, t->self, t->now, &existed);
		clash = existed ? SESSION_CLASH_KEY : SESSION_CLASH_NONE;
	} else {
		index = session_table_insert4_nat(table, s, k, &o, old, t->self, t->now, &clash);
		if (clash == SESSION_CLASH_NONE && index != SESSION_NONE)
			atomic_fetch_add(&t->shared->two, 1);
	}
	if (clash == SESSION_CLASH_NONE)
		return index;
	atomic_fetch_add(clash == SESSION_CLASH_KEY ? &t->shared->existed : &t->shared->clash, 1);
	return SESSION_NONE;
}

static void
create(struct thread *t, const struct session_key4 *k)
{
	struct shared *sh = t->shared;
	struct session *s = session_table_alloc(sh->table);

	if (s == NULL) {
		atomic_fetch_add(&sh->full, 1);
		return;
	}
	if (insert(t, s, k, SESSION_NONE) != SESSION_NONE)
		atomic_fetch_add(&sh->created, 1);
	else
		session_table_unalloc(sh->table, s);
}

/* Put a new session in the place of one that was found, as a SYN does. */
static void
replace(struct thread *t, const struct session_key4 *k, uint32_t old)
{
	struct shared *sh = t->shared;
	struct session *s = session_table_alloc(sh->table);

	if (s == NULL) {
		atomic_fetch_add(&sh->full, 1);
		return;
	}
	atomic_store(&s->last_seen, mono_seconds(t->now));
	if (insert(t, s, k, old) != SESSION_NONE) {
		atomic_fetch_add(&sh->created, 1);
		atomic_fetch_add(&sh->replaced, 1);
		return;
	}
	atomic_fetch_add(&sh->overtaken, 1);
	session_table_unalloc(sh->table, s);
}

static uint32_t
lookup(const struct shared *sh, const struct session_key4 *k, uint8_t *dir)
{
	uint32_t out;

	session_table_lookup4(sh->table, &k, 1, &out, dir);
	return out;
}

/* Who has found a session by its key finds it by its outside key, as long as it stays. */
static void
look_at_both(struct thread *t, const struct session_key4 *k, uint32_t index)
{
	struct shared *sh = t->shared;
	const struct session *s = session_table_at(sh->table, index);
	struct session_outside o;
	uint8_t dir = 0;
	uint32_t other;

	if (!session_table_outside(sh->table, s, &o))
		return;
	other = lookup(sh, &o.key, &dir);
	if (other == SESSION_NONE) {
		if (lookup(sh, k, &dir) == index && !(atomic_load(&s->ctl) & SESSION_F_DEAD))
			atomic_fetch_add(&sh->half, 1);
		return;
	}
	/* Another one may have it by now, as whatever. */
	if (other == index && dir != (SESSION_DIR_OUTSIDE | o.swap))
		atomic_fetch_add(&sh->wrong_dir, 1);
	atomic_fetch_add(&sh->looked, 1);
}

/* By its outside key a session is looked at only. */
static void
use_outside(struct thread *t, const struct session_key4 *k, uint32_t index)
{
	struct shared *sh = t->shared;
	const struct session *s = session_table_at(sh->table, index);
	struct session_outside o;

	atomic_fetch_add(&sh->found_outside, 1);
	if (session_table_outside(sh->table, s, &o) && memcmp(&o.key, k, sizeof(*k)) != 0)
		atomic_fetch_add(&sh->wrong_key, 1);
}

/* What a found session is used for: its key must be the one looked up, as long as it is alive. */
static void
use(struct thread *t, const struct session_key4 *k, uint32_t index)
{
	struct shared *sh = t->shared;
	struct session *s = session_table_at(sh->table, index);
	const uint16_t generation = atomic_load(&s->generation);
	uint32_t ctl = atomic_load(&s->ctl);
	struct session_key4 had;
	uint8_t home;

	if (ctl & SESSION_F_DEAD)
		return;
	if (session_table_key4(sh->table, s, &had) && memcmp(&had, k, sizeof(had)) != 0)
		atomic_fetch_add(&sh->wrong_key, 1);
	home = atomic_load(&s->home);
	/* Its home is noted a moment after it can be found. */
	if (home != SESSION_NO_HOME && home != session_table_home4(sh->table, k))
		atomic_fetch_add(&sh->wrong_home, 1);
	atomic_fetch_add(&sh->found, 1);
	look_at_both(t, k, index);
	switch (next(t) % 9) {
	case 0:
	case 1:
		if (!session_table_post(sh->table, index, generation, SESSION_OP_KILL))
			atomic_fetch_add(&sh->refused, 1);
		break;
	case 2:
		session_table_set_state(sh->table, s, ctl, ctl ^ SESSION_F_REMOTE, t->self, t->now);
		break;
	case 3:
		session_table_set_dirty(sh->table, index);
		break;
	case 4:
		replace(t, k, index);
		break;
	default:
		atomic_store_explicit(&s->last_seen, mono_seconds(t->now), memory_order_relaxed);
		break;
	}
}

static void
burst(struct thread *t)
{
	struct shared *sh = t->shared;
	struct session_key4 k[BURST];
	const struct session_key4 *keys[BURST];
	uint32_t out[BURST];
	uint8_t swap[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		struct session_outside o;
		const uint32_t n = next(t) % KEYS;

		k[i] = i % 2 == 1 && outside_of(&o, n) ? o.key : key_of(n);
		keys[i] = &k[i];
		swap[i] = 0;
	}
	session_table_lookup4(sh->table, keys, BURST, out, swap);
	for (uint32_t i = 0; i < BURST; i++) {
		if (swap[i] & SESSION_DIR_OUTSIDE)
			use_outside(t, &k[i], out[i]);
		else if (out[i] != SESSION_NONE)
			use(t, &k[i], out[i]);
		else if (k[i].addr[1] != RTE_BE32(0xcb007101) || next(t) % 16 == 0)
			create(t, &k[i]); /* in sessions of their own, too */
	}
}

static void
on_gone(void *ctx, struct session *s, uint32_t index, enum session_end end)
{
	struct shared *sh = ctx;

	(void)index;
	(void)end;
	if (!(atomic_load(&s->ctl) & SESSION_F_DEAD) || atomic_load(&s->home) == SESSION_NO_HOME)
		atomic_fetch_add(&sh->dead_twice, 1);
	atomic_fetch_add(&sh->gone, 1);
}

static void
housekeeping(struct thread *t)
{
	session_table_poll(t->shared->table, t->self, t->now, 32, on_gone, NULL, t->shared);
	rcu_quiescent(t->shared->rcu, t->reader);
}

static int
worker(void *arg)
{
	while (!atomic_load(&go))
		rte_pause();

	struct thread *t = arg;
	struct shared *sh = t->shared;

	t->reader = rcu_register(sh->rcu);
	for (uint32_t turn = 0;
		turn < TURNS || (turn < 100 * TURNS && atomic_load(&sh->replaced) <= REPLACED);
		turn++) {
		burst(t);
		t->now.ns += 5 * NS_PER_MS;
		housekeeping(t);
	}
	/* Then let everything age; go on until the other worker and the foreign thread are done. */
	atomic_fetch_add(&sh->finished, 1);
	while (atomic_load(&sh->running) != 0 || session_table_count(sh->table) != 0) {
		t->now.ns += 20 * NS_PER_MS;
		housekeeping(t);
	}
	rcu_offline(sh->rcu, t->reader);
	atomic_fetch_add(&sh->offline, 1);
	while (atomic_load(&sh->offline) < WORKERS)
		rte_pause();
	for (unsigned int i = 0; i < 1000; i++) {
		t->now.ns += NS_PER_MS;
		session_table_poll(sh->table, t->self, t->now, 32, on_gone, NULL, sh);
	}
	rcu_unregister(sh->rcu, t->reader);
	return 0;
}

/* As the HRP core: inserts into and removes from any shard, walks the slab, takes dirty bits. */
static void *
foreign(void *arg)
{
	struct thread *t = arg;
	struct shared *sh = t->shared;
	uint32_t cursor = 0;

	t->reader = rcu_register(sh->rcu);
	while (atomic_load(&sh->finished) < WORKERS) {
		burst(t);
		t->now.ns += 5 * NS_PER_MS;
		while (session_table_take_dirty(sh->table, &cursor) != SESSION_NONE)
			;
		for (uint32_t i = 0; i < SESSIONS; i += 7) {
			struct session_outside o;
			struct session_key4 k;

			session_table_key4(sh->table, session_table_at(sh->table, i), &k);
			session_table_outside(sh->table, session_table_at(sh->table, i), &o);
		}
		rcu_quiescent(sh->rcu, t->reader);
	}
	rcu_unregister(sh->rcu, t->reader);
	atomic_store(&sh->running, 0);
	return NULL;
}

static int
take_all(void *arg)
{
	struct shared *sh = arg;
	int n = 0;

	while (session_table_alloc(sh->table) != NULL)
		n++;
	return n;
}

static void
nothing_is_lost_wrong_or_leaked(void **state)
{
	static const uint32_t timeouts[SESSION_STATES] = { [SESSION_UDP_FIRST] = 1 };
	struct shared sh = { .running = 1 };
	const struct session_table_params p = { .name = "stress",
		.max_sessions = SESSIONS,
		.shards = WORKERS,
		.hash_seed = 99,
		.socket = SOCKET_ID_ANY,
		.rcu = sh.rcu = rcu_create(SOCKET_ID_ANY),
		.timeouts = timeouts,
		.nat = true };
	struct thread thread[WORKERS + 1];
	const unsigned int lcore = rte_get_next_lcore((unsigned int)-1, 1, 0);
	uint32_t at = 0;
	pthread_t hrp;
	int free_sessions;

	(void)state;
	sh.table = session_table_create(&p);
	assert_non_null(sh.table);
	for (unsigned int i = 0; i <= WORKERS; i++)
		thread[i] = (struct thread){ .shared = &sh,
			.self = i < WORKERS ? (uint16_t)i : UINT16_MAX,
			.random = i + 1,
			.now = { .ns = 100 * NS_PER_SEC } };

	assert_int_equal(pthread_create(&hrp, NULL, foreign, &thread[WORKERS]), 0);
	assert_int_equal(rte_eal_remote_launch(worker, &thread[1], lcore), 0);
	atomic_store(&go, true);
	worker(&thread[0]);
	rte_eal_wait_lcore(lcore);
	pthread_join(hrp, NULL);

	print_message("created %lu, gone %lu, found %lu, existed %lu, full %lu, inbox full %lu, "
		      "replaced %lu, overtaken %lu; with two keys %lu, found outside %lu, outside "
		      "key taken %lu, both looked at %lu\n",
		(unsigned long)sh.created, (unsigned long)sh.gone, (unsigned long)sh.found,
		(unsigned long)sh.existed, (unsigned long)sh.full, (unsigned long)sh.refused,
		(unsigned long)sh.replaced, (unsigned long)sh.overtaken, (unsigned long)sh.two,
		(unsigned long)sh.found_outside, (unsigned long)sh.clash, (unsigned long)sh.looked);
	assert_int_equal(sh.wrong_key, 0);
	assert_int_equal(sh.wrong_home, 0);
	assert_int_equal(sh.wrong_dir, 0);
	assert_int_equal(sh.half, 0);
	assert_int_equal(sh.dead_twice, 0);
	assert_true(sh.two > SESSIONS && sh.found_outside > SESSIONS && sh.looked > SESSIONS);
	assert_true(sh.created > SESSIONS);
	assert_true(sh.replaced > REPLACED);
	assert_int_equal(sh.created, sh.gone);
	assert_int_equal(session_table_count(sh.table), 0);
	do
		assert_int_equal(session_table_indexed(sh.table, &at), 0);
	while (at != 0);

	assert_int_equal(rte_eal_remote_launch(take_all, &sh, lcore), 0);
	free_sessions = rte_eal_wait_lcore(lcore);
	free_sessions += take_all(&sh);
	assert_int_equal(free_sessions, SESSIONS);
	session_table_destroy(sh.table);
	rcu_destroy(sh.rcu);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_wrong_or_leaked),
	};

	/* Two lcores that may share a core: a lock holder then loses it now and then, too. */
	test_eal_start(64, 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
