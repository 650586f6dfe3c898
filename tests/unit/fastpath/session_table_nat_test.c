/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions with two keys, one thread. */
#include "rcu.h"
#include "session_table_impl.h"
#include "table_open.h"
#include "test_eal.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define UDP	17
#define NOBODY	SESSION_NONE
#define OUTSIDE SESSION_DIR_OUTSIDE

struct fixture {
	struct rcu *rcu;
	struct session_table *table;
	mono_t now;
	uint32_t gone;
};

static void
open_table(struct fixture *f, uint32_t sessions, bool nat)
{
	memset(f, 0, sizeof(*f));
	f->now.ns = 1000 * NS_PER_SEC;
	f->table = table_open(
		(struct session_table_params){
			.name = "n", .max_sessions = sessions, .shards = 1, .nat = nat },
		&f->rcu);
	assert_non_null(f->table);
}

static void
close_table(struct fixture *f)
{
	table_close(f->table, f->rcu);
}

static void
on_gone(void *ctx, struct session *s, uint32_t index, enum session_end end)
{
	struct fixture *f = ctx;
	struct session_outside out;

	(void)index;
	(void)end;
	/* Who gives back what was allocated still sees what it was. */
	assert_int_equal(session_table_outside(f->table, s, &out), session_translated(s));
	f->gone++;
}

static void
run(struct fixture *f, unsigned int ms)
{
	for (unsigned int i = 0; i <= ms; i++) {
		session_table_poll(f->table, 0, f->now, 32, on_gone, NULL, f);
		f->now.ns += i < ms ? NS_PER_MS : 0;
	}
}

static uint32_t
indexed(const struct fixture *f)
{
	uint32_t at = 0, n = 0;

	do
		n += session_table_indexed(f->table, &at);
	while (at != 0);
	return n;
}

/* The tuple of client n, at address `from` (its own or one of ours), to the server `to`. */
static uint8_t
key_of(struct session_key4 *k, uint32_t from, uint32_t n, uint32_t to)
{
	return session_key4_make(k, rte_cpu_to_be_32(from), rte_cpu_to_be_32(to),
		rte_cpu_to_be_16((uint16_t)n), RTE_BE16(53), UDP);
}

static uint8_t
key6_of(struct session_key6 *k, uint32_t n)
{
	const uint8_t client[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 5 };
	const uint8_t server[16] = { 0, 0x64, 0xff, 0x9b, [12] = 200, 1, 1, 1 };

	return session_key6_make(
		k, client, server, rte_cpu_to_be_16((uint16_t)n), RTE_BE16(53), UDP);
}

/* Who inserts what.  0 = none. */
struct wish {
	uint32_t inside, outside; /* addresses of the client */
	uint32_t n, m;		  /* its ports, inside and outside */
	uint32_t server;
};

static uint32_t
insert(struct fixture *f, const struct wish *w, uint32_t old, enum session_clash *clash)
{
	struct session *s = session_table_alloc(f->table);
	struct session_outside o = { .note = w->m + 7 };
	struct session_key4 k;
	uint32_t index;
	bool existed = false;

	assert_non_null(s);
	*clash = SESSION_CLASH_NONE;
	atomic_store(&s->ctl,
		session_kind(4, UDP, key_of(&k, w->inside, w->n, w->server)) | SESSION_UDP_FIRST);
	if (w->outside != 0) {
		o.swap = key_of(&o.key, w->outside, w->m, w->server);
		index = session_table_insert4_nat(f->table, s, &k, &o, old, 0, f->now, clash);
	} else if (old != NOBODY) {
		index = session_table_replace4(f->table, s, &k, old, 0, f->now);
	} else {
		index = session_table_insert4(f->table, s, &k, 0, f->now, &existed);
		*clash = existed ? SESSION_CLASH_KEY : SESSION_CLASH_NONE;
	}
	if (index != session_table_index(f->table, s)) {
		/* Neither visible nor with anything left over. */
		assert_int_equal(session_home_of(s), SESSION_NO_HOME);
		assert_false(session_translated(s));
		session_table_unalloc(f->table, s);
	}
	return index;
}

static uint32_t
find_tuple(const struct fixture *f, uint32_t src, uint32_t sport, uint32_t dst, uint32_t dport,
	uint8_t *dir)
{
	struct session_key4 k;
	const struct session_key4 *keys[1] = { &k };
	uint32_t out;

	*dir = session_key4_make(&k, rte_cpu_to_be_32(src), rte_cpu_to_be_32(dst),
		rte_cpu_to_be_16((uint16_t)sport), rte_cpu_to_be_16((uint16_t)dport), UDP);
	session_table_lookup4(f->table, keys, 1, &out, dir);
	return out;
}

/* The session is found by packets of both ends, by the tuples that `w` says and no others. */
static void
assert_found(const struct fixture *f, const struct wish *w, uint32_t index)
{
	uint8_t dir;

	assert_int_equal(find_tuple(f, w->inside, w->n, w->server, 53, &dir), index);
	assert_int_equal(dir, 0);
	assert_int_equal(find_tuple(f, w->server, 53, w->inside, w->n, &dir), index);
	assert_int_equal(dir, 1); /* no reply comes like this: not OUTSIDE */
	if (w->outside == 0)
		return;
	assert_int_equal(find_tuple(f, w->server, 53, w->outside, w->m, &dir), index);
	assert_int_equal(dir, 1 | OUTSIDE);
	assert_int_equal(find_tuple(f, w->outside, w->m, w->server, 53, &dir), index);
	assert_int_equal(dir, 0 | OUTSIDE);
}

static void
assert_absent(const struct fixture *f, uint32_t from, uint32_t n, uint32_t server)
{
	uint8_t dir;

	assert_int_equal(find_tuple(f, from, n, server, 53, &dir), SESSION_NONE);
	assert_int_equal(dir, 0);
}

static void
kill_one(struct fixture *f, uint32_t index)
{
	assert_true(session_table_post(f->table, index,
		atomic_load(&session_table_at(f->table, index)->generation), SESSION_OP_KILL));
}

/* Addresses below and above the server's, so that each key is in either order. */
#define LOW    0x0a010105u
#define LOW2   0x0a010106u
#define SERVER 0xc0000201u
#define HIGH   0xc6336401u
#define HIGH2  0xcb007101u

static void
a_session_is_found_by_both_of_its_keys(void **state)
{
	static const struct wish rows[] = {
		{ LOW, LOW2, 1000, 2000, SERVER }, { LOW, HIGH, 1000, 2000, SERVER },
		{ HIGH, LOW, 1000, 2000, SERVER }, { HIGH, HIGH2, 1000, 2000, SERVER },
		{ LOW, LOW, 1000, 1001, SERVER }, /* the port alone */
		{ LOW, HIGH, 1000, 1000, SERVER } /* the address alone */
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct wish *w = &rows[i], other = { LOW, 0, 5, 0, SERVER };
		struct session_outside out;
		struct session_key4 want, k;
		enum session_clash clash;
		struct session *s;
		struct fixture f;
		uint32_t index, plain;
		uint8_t swap;

		open_table(&f, 100, true);
		plain = insert(&f, &other, NOBODY, &clash);
		index = insert(&f, w, NOBODY, &clash);
		assert_int_not_equal(index, SESSION_NONE);
		assert_int_equal(clash, SESSION_CLASH_NONE);
		assert_found(&f, w, index);
		assert_found(&f, &other, plain);
		assert_int_equal(session_table_count(f.table), 2);
		assert_int_equal(indexed(&f), 3);

		s = session_table_at(f.table, index);
		swap = key_of(&want, w->inside, w->n, w->server);
		assert_true(session_table_key4(f.table, s, &k));
		assert_memory_equal(&k, &want, sizeof(k));
		assert_int_equal(session_swap(s), swap);
		swap = key_of(&want, w->outside, w->m, w->server);
		assert_true(session_table_outside(f.table, s, &out));
		assert_memory_equal(&out.key, &want, sizeof(want));
		assert_int_equal(out.swap, swap);
		assert_int_equal(out.note, w->m + 7);
		assert_false(
			session_table_outside(f.table, session_table_at(f.table, plain), &out));

		kill_one(&f, index);
		run(&f, 10);
		assert_int_equal(f.gone, 1);
		assert_absent(&f, w->inside, w->n, w->server);
		assert_absent(&f, w->outside, w->m, w->server);
		assert_false(session_table_outside(f.table, s, &out));
		assert_found(&f, &other, plain);
		assert_int_equal(indexed(&f), 1);
		close_table(&f);
	}
}

/* A burst in which every kind of packet is: by key, by outside key, of plain sessions, of none. */
static void
bulk_lookup_mixes_both_keys(void **state)
{
	enum { N = 64 };
	struct session_key4 k[N];
	const struct session_key4 *keys[N];
	uint32_t out[N], index[N / 4];
	uint8_t dir[N];
	struct fixture f;

	(void)state;
	open_table(&f, 100, true);
	for (uint32_t i = 0; i < N / 4; i++) {
		const struct wish w = { LOW, i % 3 == 0 ? 0 : HIGH, 100 + i, 900 - i, SERVER };
		enum session_clash clash;

		index[i] = insert(&f, &w, NOBODY, &clash);
		for (uint32_t j = 0; j < 4; j++)
			keys[4 * i + j] = &k[4 * i + j];
		dir[4 * i] = key_of(&k[4 * i], LOW, w.n, SERVER);
		dir[4 * i + 1] = !key_of(&k[4 * i + 1], HIGH, w.m, SERVER);
		dir[4 * i + 2] = key_of(&k[4 * i + 2], LOW2, w.n, SERVER);
		dir[4 * i + 3] = !key_of(&k[4 * i + 3], LOW, w.n, SERVER);
	}
	session_table_lookup4(f.table, keys, N, out, dir);
	for (uint32_t i = 0; i < N / 4; i++) {
		const bool plain = i % 3 == 0;

		assert_int_equal(out[4 * i], index[i]);
		assert_int_equal(dir[4 * i], 0);
		assert_int_equal(out[4 * i + 1], plain ? SESSION_NONE : index[i]);
		assert_int_equal(dir[4 * i + 1], plain ? 0 : 1 | OUTSIDE);
		assert_int_equal(out[4 * i + 2], SESSION_NONE);
		assert_int_equal(out[4 * i + 3], index[i]);
		assert_int_equal(dir[4 * i + 3], 1);
	}
	close_table(&f);
}

/* NAT64: the key is IPv6, the outside key IPv4. */
static void
an_ipv6_session_has_an_ipv4_outside_key(void **state)
{
	struct session_outside o = { .note = 3 }, out;
	struct session_key6 k, had;
	const struct session_key6 *keys[1] = { &k };
	enum session_clash clash;
	struct session_key4 k4;
	struct session *s;
	struct fixture f;
	uint32_t index, found;
	uint8_t swap, dir;

	(void)state;
	open_table(&f, 100, true);
	s = session_table_alloc(f.table);
	swap = key6_of(&k, 1000);
	atomic_store(&s->ctl, session_kind(6, UDP, swap) | SESSION_UDP_FIRST);
	o.swap = key_of(&o.key, HIGH, 2000, SERVER);
	index = session_table_insert6_nat(f.table, s, &k, &o, NOBODY, 0, f.now, &clash);
	assert_ptr_equal(session_table_at(f.table, index), s);
	dir = swap;
	session_table_lookup6(f.table, keys, 1, &found, &dir);
	assert_int_equal(found, index);
	assert_int_equal(dir, 0);
	assert_int_equal(find_tuple(&f, SERVER, 53, HIGH, 2000, &dir), index);
	assert_int_equal(dir, 1 | OUTSIDE);
	assert_int_equal(session_family(s), 6);
	assert_true(session_table_key6(f.table, s, &had));
	assert_memory_equal(&had, &k, sizeof(k));
	assert_false(session_table_key4(f.table, s, &k4));
	assert_true(session_table_outside(f.table, s, &out));
	assert_memory_equal(&out.key, &o.key, sizeof(o.key));
	kill_one(&f, index);
	run(&f, 10);
	assert_int_equal(indexed(&f), 0);
	close_table(&f);
}

/* Nobody gets a key that is another's, whether as its one or its other, and who is refused leaves
 * everything as it was. */
static void
NAT_13_no_key_belongs_to_two_sessions(void **state)
{
	static const struct wish plain = { LOW, 0, 1, 0, SERVER };
	static const struct wish two = { LOW, HIGH, 2, 20, SERVER };
	static const struct {
		struct wish w;
		enum session_clash clash;
		bool with_two;
	} rows[] = {
		{ { LOW, HIGH, 1, 30, SERVER }, SESSION_CLASH_KEY, false },
		{ { LOW, HIGH, 2, 30, SERVER }, SESSION_CLASH_KEY, true },
		{ { HIGH, HIGH, 20, 30, SERVER }, SESSION_CLASH_KEY, true },
		{ { LOW, HIGH, 2, 20, SERVER }, SESSION_CLASH_KEY, true }, /* the very same */
		{ { LOW2, LOW, 3, 1, SERVER }, SESSION_CLASH_OUTSIDE, false },
		{ { LOW2, LOW, 3, 2, SERVER }, SESSION_CLASH_OUTSIDE, true },
		{ { LOW2, HIGH, 3, 20, SERVER }, SESSION_CLASH_OUTSIDE, true },
		{ { HIGH, 0, 20, 0, SERVER }, SESSION_CLASH_KEY, true }, /* one key only */
	};
	enum session_clash clash;
	struct fixture f;
	uint32_t a, b;

	(void)state;
	open_table(&f, 100, true);
	a = insert(&f, &plain, NOBODY, &clash);
	b = insert(&f, &two, NOBODY, &clash);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		assert_int_equal(insert(&f, &rows[i].w, NOBODY, &clash), rows[i].with_two ? b : a);
		assert_int_equal(clash, rows[i].clash);
		assert_int_equal(indexed(&f), 3);
		assert_int_equal(session_table_count(f.table), 2);
		assert_found(&f, &plain, a);
		assert_found(&f, &two, b);
	}
	close_table(&f);
}

/* Refused with one outside key, a session may be tried with another, or with none. */
static void
what_was_refused_may_be_tried_again(void **state)
{
	static const struct wish first = { LOW, HIGH, 1, 20, SERVER };
	struct session_outside o = { .note = 0 }, out;
	enum session_clash clash;
	struct session_key4 k;
	struct session *s;
	struct fixture f;
	bool existed;
	uint32_t one;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		open_table(&f, 100, true);
		one = insert(&f, &first, NOBODY, &clash);
		s = session_table_alloc(f.table);
		atomic_store(&s->ctl,
			session_kind(4, UDP, key_of(&k, LOW, 2, SERVER)) | SESSION_UDP_FIRST);
		o.swap = key_of(&o.key, HIGH, 20, SERVER);
		assert_int_equal(
			session_table_insert4_nat(f.table, s, &k, &o, NOBODY, 0, f.now, &clash),
			one);
		assert_int_equal(clash, SESSION_CLASH_OUTSIDE);
		if (i == 0) {
			o.swap = key_of(&o.key, HIGH, 21, SERVER);
			session_table_insert4_nat(f.table, s, &k, &o, NOBODY, 0, f.now, &clash);
			assert_int_equal(clash, SESSION_CLASH_NONE);
		} else {
			session_table_insert4(f.table, s, &k, 0, f.now, &existed);
			assert_false(existed);
		}
		assert_int_equal(session_table_outside(f.table, s, &out), i == 0);
		assert_found(&f, &(struct wish){ LOW, i == 0 ? HIGH : 0, 2, 21, SERVER },
			session_table_index(f.table, s));
		assert_int_equal(indexed(&f), i == 0 ? 4 : 3);
		close_table(&f);
	}
}

/* A successor takes the key over, and keeps or changes the outside key; what leaves takes nothing
 * along that is the successor's. */
static void
a_successor_keeps_or_moves_the_outside_key(void **state)
{
	static const struct {
		uint32_t old_outside, new_outside; /* ports; 0 = none */
	} rows[] = { { 20, 20 }, { 20, 21 }, { 0, 21 }, { 20, 0 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const uint32_t a = rows[i].old_outside, b = rows[i].new_outside;
		const struct wish was = { LOW, a != 0 ? HIGH : 0, 1, a, SERVER };
		const struct wish is = { LOW, b != 0 ? HIGH : 0, 1, b, SERVER };
		const struct wish other = { LOW, HIGH, 9, 99, SERVER };
		enum session_clash clash;
		struct fixture f;
		uint32_t old, new, neighbour;

		open_table(&f, 100, true);
		neighbour = insert(&f, &other, NOBODY, &clash);
		old = insert(&f, &was, NOBODY, &clash);
		new = insert(&f, &is, old, &clash);
		assert_int_not_equal(new, SESSION_NONE);
		assert_int_not_equal(new, old);
		assert_int_equal(clash, SESSION_CLASH_NONE);
		assert_found(&f, &is, new); /* before any housekeeping */
		/* Once: the key is not the old one's any more. */
		assert_int_equal(insert(&f, &is, old, &clash), SESSION_NONE);
		assert_int_equal(clash, SESSION_CLASH_NONE);
		run(&f, 10);
		assert_int_equal(f.gone, 1);
		assert_int_equal(session_table_count(f.table), 2);
		assert_found(&f, &is, new);
		assert_found(&f, &other, neighbour);
		if (a != b && a != 0)
			assert_absent(&f, HIGH, a, SERVER);
		assert_int_equal(indexed(&f), b != 0 ? 4 : 3);
		kill_one(&f, new);
		run(&f, 10);
		assert_int_equal(indexed(&f), 2);
		assert_absent(&f, LOW, 1, SERVER);
		assert_found(&f, &other, neighbour);
		close_table(&f);
	}
}

static void
a_successor_is_refused_as_a_whole(void **state)
{
	static const struct wish a = { LOW, HIGH, 1, 20, SERVER };
	static const struct wish b = { LOW, HIGH, 2, 21, SERVER };
	/* The outside key is b's; the key is not a's; the key is a's outside key only. */
	static const struct {
		struct wish w;
		enum session_clash clash;
	} rows[] = { { { LOW, HIGH, 1, 21, SERVER }, SESSION_CLASH_OUTSIDE },
		{ { LOW, HIGH, 1, 2, LOW }, SESSION_CLASH_NONE },
		{ { LOW, HIGH, 2, 30, SERVER }, SESSION_CLASH_NONE },
		{ { HIGH, HIGH, 20, 30, SERVER }, SESSION_CLASH_NONE } };
	enum session_clash clash;
	struct fixture f;
	uint32_t first, second;

	(void)state;
	open_table(&f, 100, true);
	first = insert(&f, &a, NOBODY, &clash);
	second = insert(&f, &b, NOBODY, &clash);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		assert_int_equal(insert(&f, &rows[i].w, first, &clash),
			rows[i].clash == SESSION_CLASH_NONE ? SESSION_NONE : second);
		assert_int_equal(clash, rows[i].clash);
		run(&f, 5);
		assert_int_equal(f.gone, 0);
		assert_int_equal(indexed(&f), 4);
		assert_found(&f, &a, first);
		assert_found(&f, &b, second);
	}
	close_table(&f);
}

/* With one slot left neither key is entered. */
static void
without_room_for_both_keys_none_is_entered(void **state)
{
	static const struct wish w = { LOW, HIGH, 1, 20, SERVER };
	enum { SLOTS = 2 * SESSION_INDEX_SLOTS };
	struct session_place place[SLOTS];
	enum session_clash clash;
	struct fixture f;
	uint64_t hash = 0;

	(void)state;
	for (uint32_t left = 0; left <= 2; left++) {
		open_table(&f, 4, true);
		assert_int_equal(f.table->index.count, 2);
		for (uint32_t i = 0; i < SLOTS - left; i++)
			assert_true(session_index_claim(&f.table->index, hash, &place[i]));
		assert_int_equal(insert(&f, &w, NOBODY, &clash) != SESSION_NONE, left == 2);
		assert_int_equal(clash, SESSION_CLASH_NONE);
		assert_int_equal(indexed(&f), left == 2 ? SLOTS : SLOTS - left);
		assert_int_equal(session_table_count(f.table), left == 2);
		for (uint32_t i = 0; i < SLOTS - left; i++)
			session_index_abandon(&f.table->index, hash, &place[i]);
		if (left < 2)
			insert(&f, &w, NOBODY, &clash);
		assert_int_equal(indexed(&f), 2);
		assert_found(&f, &w, find_tuple(&f, LOW, 1, SERVER, 53, &(uint8_t){ 0 }));
		close_table(&f);
	}
}

/* Also in an index of one bucket, where both keys have the same lock. */
static void
a_whole_table_of_sessions_with_two_keys(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 5000, 50000 };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(sizes); i++) {
		enum session_clash clash;
		struct fixture f;

		open_table(&f, sizes[i], true);
		for (unsigned int round = 0; round < 2; round++) {
			for (uint32_t n = 0; n < sizes[i]; n++) {
				const struct wish w = { LOW, HIGH, n, sizes[i] - n, SERVER };

				assert_int_not_equal(insert(&f, &w, NOBODY, &clash), SESSION_NONE);
			}
			assert_int_equal(indexed(&f), 2 * sizes[i]);
			for (uint32_t n = 0; n < sizes[i]; n++) {
				const struct wish w = { LOW, HIGH, n, sizes[i] - n, SERVER };
				uint8_t dir;

				assert_found(&f, &w, find_tuple(&f, LOW, n, SERVER, 53, &dir));
			}
			f.now.ns += 200 * NS_PER_SEC; /* UDP has two minutes */
			run(&f, 3000);
			assert_int_equal(session_table_count(f.table), 0);
			assert_int_equal(indexed(&f), 0);
			assert_int_equal(session_table_taken(f.table), 0);
		}
		close_table(&f);
	}
}

static void
without_nat_there_is_nothing_to_pay_for(void **state)
{
	enum { N = 100000 };
	struct fixture with, without;
	uint64_t more;

	(void)state;
	open_table(&without, N, false);
	assert_null(without.table->notes);
	more = session_table_memory(without.table);
	close_table(&without);
	open_table(&with, N, true);
	more = session_table_memory(with.table) - more;
	assert_in_range(more, 20ull * N, 20ull * N + 200);
	/* Issue 4: at most 128 B slab + 160 B index per session. */
	assert_true(session_table_memory(with.table) <= 288ull * N + 360000);
	close_table(&with);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_found_by_both_of_its_keys),
		cmocka_unit_test(bulk_lookup_mixes_both_keys),
		cmocka_unit_test(an_ipv6_session_has_an_ipv4_outside_key),
		cmocka_unit_test(NAT_13_no_key_belongs_to_two_sessions),
		cmocka_unit_test(what_was_refused_may_be_tried_again),
		cmocka_unit_test(a_successor_keeps_or_moves_the_outside_key),
		cmocka_unit_test(a_successor_is_refused_as_a_whole),
		cmocka_unit_test(without_room_for_both_keys_none_is_entered),
		cmocka_unit_test(a_whole_table_of_sessions_with_two_keys),
		cmocka_unit_test(without_nat_there_is_nothing_to_pay_for),
	};

	test_eal_start(512, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
