/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index of sessions: its buckets alone, then the whole table beside an rte_hash that is given
 * the same random inserts, removals, replacements and look-ups, of sessions with one key and with
 * two.
 */
#include "rcu.h"
#include "session_index.h"
#include "session_table.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_hash.h>
#include <rte_jhash.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)(*x >> 32);
}

/* => the entry is where a search from its primary bucket gets. */
static bool
reachable(const struct session_index *ix, uint64_t hash, uint32_t entry)
{
	uint32_t bucket = session_index_primary(ix, hash);

	for (uint32_t i = 0; i < ix->probes; i++) {
		const struct session_bucket *b = &ix->buckets[bucket];
		uint64_t mask = session_index_match(b, session_index_tag(hash));

		for (; mask != 0; mask = session_index_rest(mask))
			if (session_index_entry(b, session_index_slot(mask)) == entry)
				return true;
		if (!session_index_passed(b))
			return false;
		bucket = session_index_next(ix, bucket);
	}
	return false;
}

static void
assert_empty(const struct session_index *ix)
{
	for (uint32_t i = 0; i < ix->count; i++) {
		const struct session_bucket *b = &ix->buckets[i];

		assert_int_equal(atomic_load(&b->passed), 0);
		for (unsigned int j = 0; j < SESSION_INDEX_SLOTS; j++) {
			assert_int_equal(atomic_load(&b->tag[j]), 0);
			assert_int_equal(atomic_load(&b->entry[j]), SESSION_INDEX_NONE);
		}
	}
}

/* Every slot of small indexes is used, wherever the keys want to be, and then all are given back.
 */
static void
a_bucket_that_is_full_sends_keys_to_the_next(void **state)
{
	static const struct {
		uint32_t sessions;
		uint64_t hash, step; /* of key i: hash + i * step */
	} rows[] = {
		{ 1, 0, 0 },				 /* one bucket */
		{ 100, 0, 0 },				 /* all want the first, with one tag */
		{ 100, UINT64_MAX, 0 },			 /* the last: wraps round */
		{ 100, UINT64_MAX, UINT64_MAX },	 /* the last, with different tags */
		{ 100, 0, UINT64_C(0x0765432100000100) } /* spread */
	};

	(void)state;
	for (size_t r = 0; r < RTE_DIM(rows); r++) {
		struct session_index ix;
		uint32_t slots;

		assert_int_equal(session_index_create(&ix, rows[r].sessions, 1, SOCKET_ID_ANY), 0);
		assert_int_equal(ix.probes, ix.count); /* every bucket can be reached */
		slots = ix.count * SESSION_INDEX_SLOTS;
		for (uint32_t i = 0; i < slots; i++)
			assert_true(session_index_add(&ix, rows[r].hash + i * rows[r].step, i));
		assert_false(session_index_add(&ix, rows[r].hash, slots)); /* full */
		for (uint32_t i = 0; i < slots; i++)
			assert_true(reachable(&ix, rows[r].hash + i * rows[r].step, i));

		/* Away with every other one: those behind them stay. */
		for (uint32_t i = 0; i < slots; i += 2)
			assert_true(session_index_remove(&ix, rows[r].hash + i * rows[r].step, i));
		for (uint32_t i = 0; i < slots; i++)
			assert_int_equal(reachable(&ix, rows[r].hash + i * rows[r].step, i), i & 1);
		assert_false(session_index_remove(&ix, rows[r].hash, 0)); /* twice is once */
		for (uint32_t i = 1; i < slots; i += 2) {
			const uint64_t hash = rows[r].hash + i * rows[r].step;

			assert_true(session_index_swap(&ix, hash, i, i + 1000));
			assert_false(session_index_swap(&ix, hash, i, i + 1000));
			assert_false(reachable(&ix, hash, i));
			assert_true(reachable(&ix, hash, i + 1000));
			assert_true(session_index_remove(&ix, hash, i + 1000));
		}
		assert_empty(&ix);
		session_index_destroy(&ix);
	}
}

/* A search is bounded: the key too many is refused, and refusing leaves no trace. */
static void
too_many_keys_in_one_place_are_refused(void **state)
{
	enum { ROOM = 32 * SESSION_INDEX_SLOTS };
	struct session_index ix;

	(void)state;
	assert_int_equal(session_index_create(&ix, 10000, 1, SOCKET_ID_ANY), 0);
	for (uint32_t i = 0; i < ROOM; i++)
		assert_true(session_index_add(&ix, UINT64_C(77) << 40, i));
	assert_false(session_index_add(&ix, UINT64_C(77) << 40, ROOM));
	for (uint32_t i = 0; i < ROOM; i++)
		assert_true(session_index_remove(&ix, UINT64_C(77) << 40, i));
	assert_empty(&ix);
	session_index_destroy(&ix);
}

/* Sets of keys as networks have them fill the buckets like random ones, whatever the secret: with
 * 5.3 keys a bucket on average one in nine has more than eight. */
static void
keys_of_real_networks_spread_evenly(void **state)
{
	enum { N = 100000 };

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		for (unsigned int kind = 0; kind < 5; kind++) {
			struct session_index ix;
			uint32_t *load, over = 0, most = 0;

			assert_int_equal(session_index_create(&ix, N, seed, SOCKET_ID_ANY), 0);
			load = calloc(ix.count, sizeof(*load));
			assert_non_null(load);
			for (uint32_t i = 0; i < N; i++) {
				const uint8_t net[16] = {
					0x20, 1, 0x0d,
					0xb8, [12] = kind == 4 ? (uint8_t)(i >> 16) : 0,
					[14] = kind == 4 ? (uint8_t)(i >> 8) : 0, [15] = (uint8_t)i
				};
				const uint8_t server[16] = { 0x20, 1, 0x0d, 0xb8, 0xff };
				struct session_key4 k4;
				struct session_key6 k6;
				uint64_t hash;

				session_key4_make(&k4,
					rte_cpu_to_be_32(
						0x0a000000 + (kind == 0		 ? i
								     : kind == 1 ? i / 60000
								     : kind == 2 ? i << 6
										 : i % 255)),
					RTE_BE32(0xc8010101),
					rte_cpu_to_be_16((uint16_t)(kind == 1	? 1024 + i % 60000
								    : kind == 3 ? i / 255 * 2
										: 40000)),
					RTE_BE16(53), 17);
				session_key6_make(&k6, net, server,
					rte_cpu_to_be_16((uint16_t)(i >> 8)), RTE_BE16(443), 6);
				hash = kind < 4 ? session_index_hash4(&ix, &k4)
						: session_index_hash6(&ix, &k6);
				load[session_index_primary(&ix, hash)]++;
			}
			for (uint32_t b = 0; b < ix.count; b++) {
				over += load[b] > SESSION_INDEX_SLOTS;
				most = RTE_MAX(most, load[b]);
			}
			if (over > ix.count * 12 / 100 || most > 24)
				fail_msg("seed %lu, kind %u: %u of %u buckets overflow, most %u",
					(unsigned long)seed, kind, over, ix.count, most);
			free(load);
			session_index_destroy(&ix);
		}
	}
}

/* Key number i of somebody who tries: any source, any port. */
static uint64_t
hash_of_try(const struct session_index *ix, bool v6, uint32_t i)
{
	const uint8_t server[16] = { 0x20, 1, 0x0d, 0xb8, 0xff };
	const uint8_t client[16] = { 0x20, 1, 0x0d,
		0xb8, [14] = (uint8_t)(i >> 24), [15] = (uint8_t)(i >> 16) };
	struct session_key4 k4;
	struct session_key6 k6;

	if (v6) {
		session_key6_make(
			&k6, client, server, rte_cpu_to_be_16((uint16_t)i), RTE_BE16(80), 6);
		return session_index_hash6(ix, &k6);
	}
	session_key4_make(&k4, rte_cpu_to_be_32(0x0a000000 + (i >> 16)), RTE_BE32(0xc8010101),
		rte_cpu_to_be_16((uint16_t)i), RTE_BE16(80), 6);
	return session_index_hash4(ix, &k4);
}

/* Keys that fall into one bucket, which needs the secret to find, are spread by any other secret;
 * and with the secret a search still ends after `probes` buckets. */
static void
DOS_08_keys_made_for_one_secret_collide_under_no_other(void **state)
{
	enum { N = 2000, CRAFTED = 1000 };

	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		static uint32_t crafted[CRAFTED];
		struct session_index known;
		uint32_t n = 0, taken = 0;

		assert_int_equal(session_index_create(&known, N, 1, SOCKET_ID_ANY), 0);
		for (uint32_t i = 0; n < CRAFTED; i++) {
			if (session_index_primary(&known, hash_of_try(&known, v6, i)) == 7)
				crafted[n++] = i;
		}
		for (uint32_t i = 0; i < CRAFTED; i++)
			taken += session_index_add(&known, hash_of_try(&known, v6, crafted[i]), i);
		assert_int_equal(taken, known.probes * SESSION_INDEX_SLOTS);
		for (uint64_t seed = 2; seed < 30; seed++) {
			struct session_index other;
			uint32_t *load, most = 0;

			assert_int_equal(session_index_create(&other, N, seed, SOCKET_ID_ANY), 0);
			load = calloc(other.count, sizeof(*load));
			assert_non_null(load);
			for (uint32_t i = 0; i < CRAFTED; i++) {
				const uint64_t hash = hash_of_try(&other, v6, crafted[i]);
				uint32_t *in = &load[session_index_primary(&other, hash)];

				assert_true(session_index_add(&other, hash, i));
				most = RTE_MAX(most, ++*in);
			}
			/* 2.7 in a bucket on average. */
			assert_in_range(most, 4, 16);
			free(load);
			session_index_destroy(&other);
		}
		session_index_destroy(&known);
	}
}

/* ---- beside rte_hash ---- */

#define SESSIONS 3000
#define KEYS	 4000 /* of each family: the slab runs out now and then */
#define OUTSIDES 6000 /* IPv4 keys from KEYS on */
#define NO_KEY	 UINT32_MAX
#define STEPS	 400000
#define BURST	 32

struct both {
	struct rcu *rcu;
	struct session_table *table;
	struct rte_hash *hash[2];   /* IPv4, IPv6: key -> session << 1 | it is the outside key */
	uint32_t outside[SESSIONS]; /* number of the outside key of each session */
	mono_t now;
	uint64_t random;
	uint32_t inserted, removed, replaced, found, found_outside, missed, full, two, kept;
	uint32_t clash[3];
};

/* Key n of a family, and who opens it: both ends take turns. */
static const void *
make_key(uint32_t n, bool v6, struct session_key4 *k4, struct session_key6 *k6, uint8_t *swap)
{
	const uint8_t proto = n % 3 == 0 ? 6 : n % 3 == 1 ? 17 : 47;
	const uint8_t a[16] = { 0x20, 1, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n };
	const uint8_t b[16] = { 0x20, 1, [7] = (uint8_t)(n % 7) };
	const rte_be16_t port = proto == 47 ? 0 : rte_cpu_to_be_16((uint16_t)(n * 11));
	uint8_t order;

	order = v6 ? session_key6_make(k6, a, b, port, 0, proto)
		   : session_key4_make(k4, rte_cpu_to_be_32(0x0a000000 + n),
			     rte_cpu_to_be_32(0xc8000000 + n % 7), port, 0, proto);
	*swap = n % 5 == 0 ? !order : order;
	return v6 ? (const void *)k6 : k4;
}

/* => what rte_hash has for a key, or SESSION_NONE. */
static uint32_t
known(const struct both *t, const void *key, bool v6)
{
	void *data;

	return rte_hash_lookup_data(t->hash[v6], key, &data) < 0 ? SESSION_NONE
								 : (uint32_t)(uintptr_t)data;
}

static void
learn(struct both *t, const void *key, bool v6, uint32_t index, bool outside)
{
	assert_int_equal(
		rte_hash_add_key_data(t->hash[v6], key, (void *)(uintptr_t)(index << 1 | outside)),
		0);
}

/* Both sides are asked about a burst of keys and must agree. */
static void
compare(struct both *t, bool v6)
{
	const struct session_key4 *keys4[BURST];
	const struct session_key6 *keys6[BURST];
	struct session_key4 k4[BURST];
	struct session_key6 k6[BURST];
	uint8_t dir[BURST], swap[BURST], sender[BURST];
	uint32_t out[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		make_key(next(&t->random) % (v6 ? KEYS : KEYS + OUTSIDES), v6, &k4[i], &k6[i],
			&swap[i]);
		keys4[i] = &k4[i];
		keys6[i] = &k6[i];
		sender[i] = next(&t->random) & 1;
		dir[i] = sender[i];
	}
	if (v6)
		session_table_lookup6(t->table, keys6, BURST, out, dir);
	else
		session_table_lookup4(t->table, keys4, BURST, out, dir);
	for (unsigned int i = 0; i < BURST; i++) {
		const void *key = v6 ? (const void *)&k6[i] : &k4[i];
		const uint32_t have = known(t, key, v6);

		if (have == SESSION_NONE) {
			assert_int_equal(out[i], SESSION_NONE);
			t->missed++;
			continue;
		}
		assert_int_equal(out[i], have >> 1);
		assert_int_equal(
			dir[i], (sender[i] ^ swap[i]) | (have & 1 ? SESSION_DIR_OUTSIDE : 0));
		if (!(have & 1))
			assert_int_equal(session_swap(session_table_at(t->table, out[i])), swap[i]);
		t->found_outside += have & 1;
		t->found++;
	}
}

/* A key and, unless it is NO_KEY, an outside key. */
struct wish {
	const void *key;
	bool v6;
	uint8_t swap;
	uint32_t outside;
};

/* The table's answer alone. */
static uint32_t
insert(struct both *t, const struct wish *w, uint32_t old, enum session_clash *clash)
{
	struct session *s = session_table_alloc(t->table);
	const uint8_t proto = w->v6 ? ((const struct session_key6 *)w->key)->proto
				    : ((const struct session_key4 *)w->key)->proto;
	struct session_outside o = { 0 };
	bool existed = false;
	uint32_t index;

	*clash = SESSION_CLASH_NONE;
	if (s == NULL)
		return SESSION_NONE;
	atomic_store(&s->ctl, session_kind(w->v6 ? 6 : 4, proto, w->swap) | SESSION_OTHER_REPLIED);
	if (w->outside != NO_KEY) {
		make_key(w->outside, false, &o.key, NULL, &o.swap);
		index = w->v6 ? session_table_insert6_nat(
					t->table, s, w->key, &o, old, 0, t->now, clash)
			      : session_table_insert4_nat(
					t->table, s, w->key, &o, old, 0, t->now, clash);
	} else if (old != SESSION_NONE) {
		index = w->v6 ? session_table_replace6(t->table, s, w->key, old, 0, t->now)
			      : session_table_replace4(t->table, s, w->key, old, 0, t->now);
	} else {
		index = w->v6 ? session_table_insert6(t->table, s, w->key, 0, t->now, &existed)
			      : session_table_insert4(t->table, s, w->key, 0, t->now, &existed);
		*clash = existed ? SESSION_CLASH_KEY : SESSION_CLASH_NONE;
	}
	if (index == SESSION_NONE || *clash != SESSION_CLASH_NONE)
		session_table_unalloc(t->table, s);
	return index;
}

/* rte_hash no longer knows the outside key of a session. */
static void
forget_outside(struct both *t, uint32_t index)
{
	struct session_key4 k4;
	uint8_t swap;

	if (t->outside[index] == NO_KEY)
		return;
	make_key(t->outside[index], false, &k4, NULL, &swap);
	assert_true(rte_hash_del_key(t->hash[0], &k4) >= 0);
}

/* Insert, in the place of `old` if there is one, and compare what became of it. */
static bool
try(struct both *t, const struct wish *w, uint32_t old)
{
	const uint32_t at_key = known(t, w->key, w->v6);
	uint32_t at_outside = SESSION_NONE, want = SESSION_NONE, index;
	enum session_clash clash, want_clash = SESSION_CLASH_NONE;
	struct session_key4 k4;
	uint8_t swap;

	if (w->outside != NO_KEY) {
		make_key(w->outside, false, &k4, NULL, &swap);
		at_outside = known(t, &k4, false);
	}
	if (old == SESSION_NONE && at_key != SESSION_NONE) {
		want_clash = SESSION_CLASH_KEY;
		want = at_key >> 1;
	} else if (at_outside != SESSION_NONE && at_outside != (old << 1 | 1)) {
		want_clash = SESSION_CLASH_OUTSIDE;
		want = at_outside >> 1;
	}
	index = insert(t, w, old, &clash);
	if (index == SESSION_NONE) { /* no session left */
		assert_int_equal(session_table_taken(t->table), SESSIONS);
		t->full++;
		return false;
	}
	assert_int_equal(clash, want_clash);
	t->clash[clash]++;
	if (clash != SESSION_CLASH_NONE) {
		assert_int_equal(index, want);
		return false;
	}
	if (old != SESSION_NONE) {
		t->kept += t->outside[old] != NO_KEY && t->outside[old] == w->outside;
		forget_outside(t, old);
		/* The outside key of one that is replaced in the old way leaves with it. */
		session_table_poll(t->table, 0, t->now, 32, NULL, NULL, NULL);
	}
	learn(t, w->key, w->v6, index, false);
	if (w->outside != NO_KEY)
		learn(t, &k4, false, index, true);
	t->two += w->outside != NO_KEY;
	t->outside[index] = w->outside;
	return true;
}

static void
remove_one(struct both *t, const void *key, bool v6, uint32_t index)
{
	assert_true(session_table_post(t->table, index,
		atomic_load(&session_table_at(t->table, index)->generation), SESSION_OP_KILL));
	session_table_poll(t->table, 0, t->now, 32, NULL, NULL, NULL);
	assert_true(rte_hash_del_key(t->hash[v6], key) >= 0);
	forget_outside(t, index);
	t->removed++;
}

static void
change(struct both *t, bool v6)
{
	struct session_key4 k4;
	struct session_key6 k6;
	struct wish w = { .v6 = v6, .outside = NO_KEY };
	uint32_t have, n;

	/* Now and then a key that is used as an outside one, and the other way round. */
	n = (uint32_t)(next(&t->random) % (v6 || next(&t->random) % 16 ? KEYS : KEYS + OUTSIDES));
	w.key = make_key(n, v6, &k4, &k6, &w.swap);
	if (next(&t->random) & 1) {
		w.outside = (uint32_t)(next(&t->random) % 16 ? KEYS + next(&t->random) % OUTSIDES
							     : next(&t->random) % KEYS);
		w.outside += n % 3 - w.outside % 3; /* of the same protocol */
	}
	have = known(t, w.key, v6);
	if (w.outside != NO_KEY && !v6) {
		struct session_key4 o;
		uint8_t swap;

		make_key(w.outside, false, &o, NULL, &swap);
		if (memcmp(&o, &k4, sizeof(o)) == 0)
			return; /* the two must differ */
	}
	if (have == SESSION_NONE) {
		t->inserted += try(t, &w, SESSION_NONE);
		return;
	}
	if (have & 1) { /* somebody's outside key: exists */
		assert_false(try(t, &w, SESSION_NONE));
		return;
	}
	switch (next(&t->random) % 4) {
	case 0: /* exists */
		assert_false(try(t, &w, SESSION_NONE));
		break;
	case 1:
		if (next(&t->random) & 1)
			w.outside = t->outside[have >> 1];
		t->replaced += try(t, &w, have >> 1);
		break;
	default:
		remove_one(t, w.key, v6, have >> 1);
	}
}

static uint32_t
indexed(const struct both *t)
{
	uint32_t at = 0, n = 0;

	do
		n += session_table_indexed(t->table, &at);
	while (at != 0);
	return n;
}

static void
run_both(uint64_t seed)
{
	struct both t = { .random = seed, .now = { .ns = 1000 * NS_PER_SEC } };
	struct session_table_params p = { .name = "both",
		.max_sessions = SESSIONS,
		.shards = 1,
		.hash_seed = seed,
		.socket = SOCKET_ID_ANY,
		.nat = true };

	p.rcu = t.rcu = rcu_create(SOCKET_ID_ANY);
	t.table = session_table_create(&p);
	assert_non_null(t.table);
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		const struct rte_hash_parameters h = { .name = v6 ? "both6" : "both4",
			.entries = 4 * SESSIONS,
			.key_len = v6 ? sizeof(struct session_key6) : sizeof(struct session_key4),
			.hash_func = rte_jhash };

		t.hash[v6] = rte_hash_create(&h);
		assert_non_null(t.hash[v6]);
	}
	for (uint32_t step = 0; step < STEPS; step++) {
		change(&t, next(&t.random) & 1);
		t.now.ns += 10000; /* retire batches close after 2 ms */
		if (step % 16 == 0) {
			compare(&t, false);
			compare(&t, true);
		}
		if (step % 1000 == 0) {
			session_table_poll(t.table, 0, t.now, 32, NULL, NULL, NULL);
			assert_int_equal(
				indexed(&t), rte_hash_count(t.hash[0]) + rte_hash_count(t.hash[1]));
			assert_int_equal(session_table_count(t.table), t.inserted - t.removed);
		}
	}
	print_message("seed %lu: inserted %u, removed %u, replaced %u (%u kept the outside key), "
		      "full %u, "
		      "found %u (%u outside), missed %u, with two keys %u, clashes %u and %u\n",
		(unsigned long)seed, t.inserted, t.removed, t.replaced, t.kept, t.full, t.found,
		t.found_outside, t.missed, t.two, t.clash[1], t.clash[2]);
	assert_true(t.inserted > SESSIONS && t.removed > SESSIONS && t.replaced > SESSIONS);
	assert_true(t.full > 0 && t.found > STEPS / 100 && t.missed > STEPS / 100);
	assert_true(t.two > SESSIONS && t.found_outside > STEPS / 100 && t.kept > SESSIONS / 4);
	assert_true(t.clash[SESSION_CLASH_KEY] > SESSIONS && t.clash[SESSION_CLASH_OUTSIDE] > 0);
	session_table_destroy(t.table);
	rte_hash_free(t.hash[0]);
	rte_hash_free(t.hash[1]);
	rcu_destroy(t.rcu);
}

static void
random_changes_agree_with_rte_hash(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		run_both(seed * 0x9e3779b97f4a7c15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_that_is_full_sends_keys_to_the_next),
		cmocka_unit_test(too_many_keys_in_one_place_are_refused),
		cmocka_unit_test(keys_of_real_networks_spread_evenly),
		cmocka_unit_test(DOS_08_keys_made_for_one_secret_collide_under_no_other),
		cmocka_unit_test(random_changes_agree_with_rte_hash),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
