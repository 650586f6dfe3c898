/* SPDX-License-Identifier: BSD-3-Clause */
/* The session table, one thread: slab, keys, shards, inbox, removal, dirty bits. */
#include "rcu.h"
#include "session_table_impl.h"
#include "table_open.h"
#include "test_eal.h"

#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_thash.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define FOREIGN UINT16_MAX /* a caller that is no worker, such as the HRP core */

struct fixture {
	struct rcu *rcu;
	struct session_table *table;
	mono_t now;
	uint32_t gone, aged, refreshed;
	uint32_t gone_count; /* session_table_count() at the last `gone` */
};

static void
open_table(struct fixture *f, uint32_t sessions, uint16_t shards)
{
	memset(f, 0, sizeof(*f));
	f->now.ns = 1000 * NS_PER_SEC;
	f->table = table_open(
		(struct session_table_params){
			.name = "t", .max_sessions = sessions, .shards = shards },
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
	struct session_key4 k;
	struct session_key6 k6;

	assert_true(atomic_load(&s->ctl) & SESSION_F_DEAD);
	assert_ptr_equal(session_table_at(f->table, index), s);
	/* Told before the key leaves. */
	assert_true(session_table_key4(f->table, s, &k) || session_table_key6(f->table, s, &k6));
	f->gone++;
	f->aged += end == SESSION_END_IDLE;
	f->gone_count = session_table_count(f->table);
}

static void
on_refresh(void *ctx, struct session *s, uint32_t index)
{
	struct fixture *f = ctx;

	(void)s;
	(void)index;
	f->refreshed++;
}

/* Poll a shard as its worker would, for `ms` of time. */
static void
run(struct fixture *f, uint16_t shard, unsigned int ms)
{
	for (unsigned int i = 0; i <= ms; i++) {
		session_table_poll(f->table, shard, f->now, 32, on_gone, on_refresh, f);
		if (i < ms)
			f->now.ns += NS_PER_MS;
	}
}

static struct session_key4
key_of(uint32_t n)
{
	struct session_key4 k;

	session_key4_make(&k, rte_cpu_to_be_32(0x0a000000 + n / 50000),
		rte_cpu_to_be_32(0xc8010101), rte_cpu_to_be_16((uint16_t)(1024 + n % 50000)),
		RTE_BE16(443), 6);
	return k;
}

static uint32_t
add(struct fixture *f, uint32_t n, uint16_t self)
{
	const struct session_key4 k = key_of(n);
	struct session *s = session_table_alloc(f->table);
	uint32_t index;
	bool existed;

	if (s == NULL)
		return SESSION_NONE;
	atomic_store(&s->ctl, session_kind(4, 6, n & 1) | SESSION_TCP_ESTABLISHED);
	index = session_table_insert4(f->table, s, &k, self, f->now, &existed);
	if (existed || index == SESSION_NONE)
		session_table_unalloc(f->table, s);
	return index;
}

static uint32_t
find(const struct fixture *f, uint32_t n)
{
	const struct session_key4 k = key_of(n), *keys[1] = { &k };
	uint32_t out;
	uint8_t swap = 0;

	session_table_lookup4(f->table, keys, 1, &out, &swap);
	if (out != SESSION_NONE)
		assert_int_equal(swap, n & 1);
	return out;
}

static bool
kill_one(struct fixture *f, uint32_t index)
{
	return session_table_post(f->table, index,
		atomic_load(&session_table_at(f->table, index)->generation), SESSION_OP_KILL);
}

static void
wrong_parameters_are_refused(void **state)
{
	struct rcu *rcu = rcu_create(SOCKET_ID_ANY);
	const struct session_table_params good = {
		.name = "p", .max_sessions = 100, .shards = 1, .socket = SOCKET_ID_ANY, .rcu = rcu
	};
	struct session_table_params p;

	(void)state;
#define REFUSED(field, value, error)                                                               \
	p = good;                                                                                  \
	p.field = value;                                                                           \
	errno = 0;                                                                                 \
	assert_null(session_table_create(&p));                                                     \
	assert_int_equal(errno, error)

	REFUSED(shards, 0, EINVAL);
	REFUSED(shards, 33, EINVAL);
	REFUSED(max_sessions, 0, EINVAL);
	REFUSED(max_sessions, UINT32_MAX, EINVAL);
	REFUSED(name, NULL, EINVAL);
	REFUSED(name, "a_name_that_is_much_too_long", EINVAL);
	REFUSED(rcu, NULL, EINVAL);
	REFUSED(max_sessions, 60000000, ENOMEM);
#undef REFUSED
	rcu_destroy(rcu);
}

static void
a_session_is_found_by_its_key_until_it_is_removed(void **state)
{
	struct fixture f;
	uint32_t index[100];
	struct session_key4 k, want;

	(void)state;
	open_table(&f, 1000, 1);
	for (uint32_t i = 0; i < 100; i++) {
		struct session *s;

		index[i] = add(&f, i, 0);
		assert_int_not_equal(index[i], SESSION_NONE);
		s = session_table_at(f.table, index[i]);
		assert_int_equal(session_table_index(f.table, s), index[i]);
		assert_int_equal(s->home, 0);
		assert_int_equal(s->created, 1000);
		assert_true(session_table_key4(f.table, s, &k));
		want = key_of(i);
		assert_memory_equal(&k, &want, sizeof(k));
	}
	assert_int_equal(session_table_count(f.table), 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(find(&f, i), index[i]);
	assert_int_equal(find(&f, 100), SESSION_NONE);

	for (uint32_t i = 0; i < 50; i++)
		assert_true(kill_one(&f, index[i]));
	run(&f, 0, 10);
	assert_int_equal(f.gone, 50);
	assert_int_equal(f.aged, 0);
	assert_int_equal(session_table_count(f.table), 50);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(find(&f, i), i < 50 ? SESSION_NONE : index[i]);
	assert_false(session_table_key4(f.table, session_table_at(f.table, index[0]), &k));
	close_table(&f);
}

static void
bulk_lookup_mixes_hits_and_misses(void **state)
{
	struct fixture f;
	struct session_key4 k[64];
	const struct session_key4 *keys[64];
	uint32_t out[64], index[64];
	uint8_t swap[64];

	(void)state;
	open_table(&f, 1000, 1);
	for (uint32_t i = 0; i < 64; i++) {
		index[i] = i % 3 == 0 ? SESSION_NONE : add(&f, i, 0);
		k[i] = key_of(i);
		keys[i] = &k[i];
	}
	for (uint32_t n = 0; n <= 64; n++) {
		memset(out, 0xee, sizeof(out));
		memset(swap, 0, sizeof(swap));
		session_table_lookup4(f.table, keys, n, out, swap);
		for (uint32_t i = 0; i < 64; i++)
			assert_int_equal(out[i], i < n ? index[i] : 0xeeeeeeee);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(swap[i], index[i] == SESSION_NONE ? 0 : i & 1);
	}
	close_table(&f);
}

static void
a_second_session_with_the_same_key_is_refused(void **state)
{
	struct fixture f;
	const struct session_key4 k = key_of(7);
	struct session *second;
	uint32_t first;
	bool existed = false;

	(void)state;
	open_table(&f, 1000, 1);
	first = add(&f, 7, 0);
	second = session_table_alloc(f.table);
	atomic_store(&second->ctl, session_kind(4, 6, 1) | SESSION_TCP_ESTABLISHED);
	assert_int_equal(session_table_insert4(f.table, second, &k, 0, f.now, &existed), first);
	assert_true(existed);
	session_table_unalloc(f.table, second);
	assert_int_equal(session_table_count(f.table), 1);
	assert_int_equal(find(&f, 7), first);
	close_table(&f);
}

static void
the_slab_runs_out_and_fills_again(void **state)
{
	static const uint32_t sizes[] = { 1, 100, 5000 };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(sizes); i++) {
		struct fixture f;

		open_table(&f, sizes[i], 1);
		assert_int_equal(session_table_capacity(f.table), sizes[i]);
		for (uint32_t n = 0; n < sizes[i]; n++)
			assert_int_not_equal(add(&f, n, 0), SESSION_NONE);
		assert_null(session_table_alloc(f.table));
		for (unsigned int round = 0; round < 3; round++) {
			for (uint32_t n = 0; n < sizes[i]; n++)
				assert_true(kill_one(&f, find(&f, n)));
			run(&f, 0, 200);
			assert_int_equal(session_table_count(f.table), 0);
			for (uint32_t n = 0; n < sizes[i]; n++)
				assert_int_not_equal(add(&f, n, 0), SESSION_NONE);
			assert_null(session_table_alloc(f.table));
		}
		close_table(&f);
	}
}

static void
a_reused_session_is_clean_and_of_a_new_generation(void **state)
{
	struct fixture f;
	const uint32_t first = (open_table(&f, 1, 1), add(&f, 1, 0));
	struct session *s = session_table_at(f.table, first);
	const uint16_t generation = atomic_load(&s->generation);

	(void)state;
	memset(s->dir, 0xff, sizeof(s->dir));
	s->policy = 9;
	assert_true(kill_one(&f, first));
	run(&f, 0, 10);
	assert_ptr_equal(session_table_alloc(f.table), s);
	assert_int_equal(atomic_load(&s->generation), (uint16_t)(generation + 1));
	assert_int_equal(s->home, SESSION_NO_HOME);
	assert_int_equal(atomic_load(&s->ctl), 0);
	assert_int_equal(s->policy, 0);
	for (size_t i = 0; i < sizeof(s->dir); i++)
		assert_int_equal(((const uint8_t *)s->dir)[i], 0);

	/* An op for the former life changes nothing. */
	session_table_unalloc(f.table, s);
	add(&f, 2, 0);
	assert_true(session_table_post(f.table, first, generation, SESSION_OP_KILL));
	run(&f, 0, 10);
	assert_int_equal(session_table_count(f.table), 1);
	close_table(&f);
}

static void
memory_waits_for_readers(void **state)
{
	struct fixture f;
	int reader;
	uint32_t index;

	(void)state;
	open_table(&f, 1, 1);
	reader = rcu_register(f.rcu);
	index = add(&f, 1, 0);
	assert_true(kill_one(&f, index));
	run(&f, 0, 50);
	assert_int_equal(f.gone, 1);
	assert_int_equal(find(&f, 1), SESSION_NONE);
	assert_null(session_table_alloc(f.table)); /* the reader may still look at it */
	rcu_quiescent(f.rcu, reader);
	run(&f, 0, 1);
	assert_non_null(session_table_alloc(f.table));
	rcu_unregister(f.rcu, reader);
	close_table(&f);
}

static void
a_stuck_reader_stops_removal_and_nothing_else(void **state)
{
	enum { N = 40000 };
	struct fixture f;
	int reader;

	(void)state;
	open_table(&f, N, 1);
	reader = rcu_register(f.rcu);
	for (uint32_t i = 0; i < N; i++)
		assert_int_not_equal(add(&f, i, 0), SESSION_NONE);
	f.now.ns += 5000 * NS_PER_SEC; /* all of them are due */
	run(&f, 0, 2000);
	assert_in_range(f.gone, 1, N - 1);
	assert_int_equal(session_table_count(f.table), N - f.gone);
	rcu_unregister(f.rcu, reader);
	run(&f, 0, 3000);
	assert_int_equal(f.aged, N);
	assert_int_equal(session_table_count(f.table), 0);
	close_table(&f);
}

/* The key of every port, as rte_softrss_be() takes it. */
#define RSS_WORDS 13

static void
rss_key(uint32_t word[RSS_WORDS])
{
	for (unsigned int i = 0; i < RSS_WORDS; i++)
		word[i] = RTE_BE32(0x6d5a6d5a);
	rte_convert_rss_key(word, word, RSS_WORDS * 4);
}

static void
homes_agree_with_the_nic(void **state)
{
	static const uint16_t shards[] = { 1, 2, 3, 7, 29, 31, 32 };
	uint32_t word[RSS_WORDS];

	(void)state;
	rss_key(word);
	for (size_t w = 0; w < RTE_DIM(shards); w++) {
		uint32_t per_shard[32] = { 0 };
		struct fixture f;

		open_table(&f, 100, shards[w]);
		for (uint32_t i = 0; i < 20000; i++) {
			const uint32_t src = i * 2654435761u, dst = ~i * 40503u;
			const uint16_t sport = (uint16_t)(i * 7919), dport = (uint16_t)(i >> 3);
			struct rte_ipv4_tuple tuple = {
				.src_addr = src, .dst_addr = dst, .dport = dport, .sport = sport
			};
			const uint8_t proto = i % 3 == 0 ? 6 : i % 3 == 1 ? 17 : 47;
			const unsigned int len =
				proto == 47 ? RTE_THASH_V4_L3_LEN : RTE_THASH_V4_L4_LEN;
			uint32_t rss =
				rte_softrss_be((uint32_t *)(void *)&tuple, len, (uint8_t *)word);
			struct session_key4 k;
			uint16_t home;

			session_key4_make(&k, rte_cpu_to_be_32(src), rte_cpu_to_be_32(dst),
				rte_cpu_to_be_16(sport), rte_cpu_to_be_16(dport), proto);
			home = session_table_home4(f.table, &k);
			assert_int_equal(home, (rss & 127) % shards[w]);
			assert_int_equal(home, session_table_home_rss(f.table, rss));
			per_shard[home]++;
		}
		for (uint16_t i = 0; i < shards[w]; i++)
			assert_true(per_shard[i] > 20000u / shards[w] / 2);
		close_table(&f);
	}
}

static struct session_key6
key6_of(uint32_t n, uint8_t proto, uint8_t *swap)
{
	uint8_t client[16] = { 0x20, 0x01, 0x0d, 0xb8 }, server[16] = { 0x20, 0x01, 0x0d, 0xb8, 1 };
	struct session_key6 k;

	memcpy(&client[12], &n, sizeof(n));
	client[5] = (uint8_t)(n * 37);
	server[15] = (uint8_t)n;
	*swap = session_key6_make(&k, n & 1 ? server : client, n & 1 ? client : server,
		rte_cpu_to_be_16((uint16_t)(1024 + n)), RTE_BE16(53), proto);
	return k;
}

static void
ipv6_homes_agree_with_the_nic(void **state)
{
	static const uint8_t protos[] = { 6, 17, 58 };
	uint32_t word[RSS_WORDS], per_home[7] = { 0 };
	struct fixture f;

	(void)state;
	rss_key(word);
	open_table(&f, 100, 7);
	for (uint32_t i = 0; i < 20000; i++) {
		const uint8_t proto = protos[i % 3];
		uint8_t swap;
		const struct session_key6 k = key6_of(i * 2654435761u, proto, &swap);
		const unsigned int len = proto == 58 ? RTE_THASH_V6_L3_LEN : RTE_THASH_V6_L4_LEN;
		struct rte_ipv6_tuple tuple = { .sport = rte_be_to_cpu_16(k.port[0]),
			.dport = rte_be_to_cpu_16(k.port[1]) };
		uint16_t home;

		for (unsigned int j = 0; j < 16; j++) { /* words in host order, as the NIC's */
			tuple.src_addr[j ^ 3] = k.addr[0][j];
			tuple.dst_addr[j ^ 3] = k.addr[1][j];
		}
		home = session_table_home6(f.table, &k);
		assert_int_equal(home,
			session_table_home_rss(f.table,
				rte_softrss_be((uint32_t *)(void *)&tuple, len, (uint8_t *)word)));
		per_home[home]++;
	}
	for (unsigned int i = 0; i < 7; i++)
		assert_true(per_home[i] > 20000 / 7 / 2);
	close_table(&f);
}

static uint32_t
add6(struct fixture *f, uint32_t n, uint32_t replaced)
{
	uint8_t swap;
	const struct session_key6 k = key6_of(n, 17, &swap);
	struct session *s = session_table_alloc(f->table);
	bool existed = false;
	uint32_t index;

	assert_non_null(s);
	atomic_store(&s->ctl, session_kind(6, 17, swap) | SESSION_UDP_FIRST);
	index = replaced == SESSION_NONE
			? session_table_insert6(f->table, s, &k, 0, f->now, &existed)
			: session_table_replace6(f->table, s, &k, replaced, 0, f->now);
	if (index == SESSION_NONE || existed)
		session_table_unalloc(f->table, s);
	return index;
}

static uint32_t
find6(const struct fixture *f, uint32_t n)
{
	uint8_t swap, dir[2] = { 0, 1 };
	const struct session_key6 k = key6_of(n, 17, &swap), *keys[2] = { &k, &k };
	uint32_t out[2];

	session_table_lookup6(f->table, keys, 2, out, dir);
	assert_int_equal(out[0], out[1]);
	if (out[0] != SESSION_NONE) { /* endpoint 0 sends, endpoint 1 sends */
		assert_int_equal(dir[0], swap);
		assert_int_equal(dir[1], !swap);
	}
	return out[0];
}

static void
ipv6_sessions_live_beside_ipv4_ones(void **state)
{
	enum { N = 3000 };
	static uint32_t four[N], six[N];
	struct session_key6 k;
	struct session_key4 k4;
	struct fixture f;

	(void)state;
	open_table(&f, 2 * N, 1);
	for (uint32_t i = 0; i < N; i++) {
		four[i] = add(&f, i, 0);
		six[i] = add6(&f, i, SESSION_NONE);
		assert_int_not_equal(six[i], SESSION_NONE);
	}
	assert_int_equal(session_table_count(f.table), 2 * N);
	for (uint32_t i = 0; i < N; i++) {
		const struct session *s = session_table_at(f.table, six[i]);
		uint8_t swap;
		const struct session_key6 want = key6_of(i, 17, &swap);

		assert_int_equal(find(&f, i), four[i]);
		assert_int_equal(find6(&f, i), six[i]);
		assert_int_equal(find6(&f, i + N), SESSION_NONE);
		assert_int_equal(session_family(s), 6);
		assert_true(session_table_key6(f.table, s, &k));
		assert_memory_equal(&k, &want, sizeof(k));
		assert_false(session_table_key4(f.table, s, &k4));
		s = session_table_at(f.table, four[i]);
		assert_false(session_table_key6(f.table, s, &k));
	}
	assert_true(kill_one(&f, six[0]));
	run(&f, 0, 10);
	assert_int_equal(add6(&f, 1, SESSION_NONE), six[1]); /* exists */
	assert_int_equal(add6(&f, 0, six[0]), SESSION_NONE); /* not there to be replaced */
	for (uint32_t i = 1; i < N; i += 3)
		assert_true(kill_one(&f, find6(&f, i)));
	run(&f, 0, 100);
	for (uint32_t i = 1; i < N; i++)
		assert_int_equal(find6(&f, i), i % 3 == 1 ? SESSION_NONE : six[i]);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(find(&f, i), four[i]);
	close_table(&f);
}

static void
a_successor_takes_the_place_of_an_ended_session(void **state)
{
	struct fixture f;
	uint32_t old, new;

	(void)state;
	open_table(&f, 100, 1);
	old = add6(&f, 5, SESSION_NONE);
	new = add6(&f, 5, old);
	assert_int_not_equal(new, SESSION_NONE);
	assert_int_not_equal(new, old);
	assert_int_equal(find6(&f, 5), new);
	assert_int_equal(add6(&f, 5, old), SESSION_NONE); /* once */
	assert_int_equal(session_table_count(f.table), 2);
	run(&f, 0, 10);
	assert_int_equal(f.gone, 1);
	assert_int_equal(find6(&f, 5), new);
	assert_int_equal(session_table_count(f.table), 1);
	assert_true(kill_one(&f, new));
	run(&f, 0, 10);
	assert_int_equal(find6(&f, 5), SESSION_NONE);
	close_table(&f);
}

/* What a foreign lcore inserts gets its timer from the home worker. */
static void
a_foreign_insert_is_armed_through_the_inbox(void **state)
{
	struct fixture f;

	(void)state;
	open_table(&f, 100, 2);
	for (uint32_t i = 0; i < 20; i++) {
		const uint32_t index = add(&f, i, FOREIGN);

		assert_int_equal(find(&f, i), index);
		assert_false(f.table->timers[index].due != 0);
	}
	run(&f, 0, 0);
	run(&f, 1, 0);
	for (uint32_t i = 0; i < 20; i++)
		assert_true(f.table->timers[find(&f, i)].due != 0);
	f.now.ns += 1202 * NS_PER_SEC;
	run(&f, 0, 0);
	run(&f, 1, 0);
	assert_int_equal(f.aged, 20);
	assert_int_equal(session_table_count(f.table), 0);
	close_table(&f);
}

static void
no_timer_is_lost_when_the_inbox_is_full(void **state)
{
	enum { N = 60000 }; /* several times the inbox */
	struct fixture f;
	uint32_t refused = 0;

	(void)state;
	open_table(&f, N, 2);
	for (uint32_t i = 0; i < N; i++)
		assert_int_not_equal(add(&f, i, FOREIGN), SESSION_NONE);
	for (uint32_t i = 0; i < N; i++)
		refused += !kill_one(&f, find(&f, i)); /* says so: try again later */
	assert_int_equal(refused, N);
	run(&f, 0, 1000);
	run(&f, 1, 1000);
	for (uint32_t i = 0; i < N; i++)
		assert_true(f.table->timers[find(&f, i)].due != 0);
	f.now.ns += 1202 * NS_PER_SEC;
	run(&f, 0, 2000);
	run(&f, 1, 2000);
	assert_int_equal(f.aged, N);
	close_table(&f);
}

static void
a_kill_before_the_arm_leaves_nothing_behind(void **state)
{
	struct fixture f;
	uint32_t index;

	(void)state;
	open_table(&f, 100, 1);
	index = add(&f, 1, FOREIGN);
	assert_true(kill_one(&f, index));
	assert_true(kill_one(&f, index)); /* twice is once */
	run(&f, 0, 10);
	assert_int_equal(f.gone, 1);
	assert_int_equal(session_table_count(f.table), 0);
	assert_false(f.table->timers[index].due != 0);
	close_table(&f);
}

/* An op that waited in the inbox while its session was freed and its index used again. */
static void
a_late_op_does_not_hit_the_next_session_of_its_index(void **state)
{
	struct fixture f;
	uint32_t old, other;
	int reader;

	(void)state;
	open_table(&f, 2, 1);
	reader = rcu_register(f.rcu);
	other = add(&f, 1, 0);
	old = add(&f, 2, 0);
	assert_true(kill_one(&f, old));
	run(&f, 0, 5);
	assert_int_equal(f.gone, 1);
	for (unsigned int i = 0; i < 10; i++)
		session_table_post(f.table, other, 0, SESSION_OP_RETIME);
	assert_true(kill_one(&f, old)); /* not freed yet: the op goes into the inbox */
	rcu_quiescent(f.rcu, reader);
	session_table_poll(f.table, 0, f.now, 1, on_gone, on_refresh, &f);
	assert_int_equal(add(&f, 3, 0), old);
	run(&f, 0, 50);
	assert_int_equal(f.gone, 1);
	assert_int_equal(find(&f, 3), old);
	rcu_unregister(f.rcu, reader);
	close_table(&f);
}

/* ---- a new connection in the place of one that has ended ---- */

static struct session *
successor(struct fixture *f)
{
	struct session *s = session_table_alloc(f->table);

	assert_non_null(s);
	atomic_store(&s->ctl, session_kind(4, 6, 0) | SESSION_TCP_SYN_SENT);
	atomic_store(&s->last_seen, mono_seconds(f->now));
	return s;
}

/* An ended session with the key n. */
static uint32_t
add_ended(struct fixture *f, uint32_t n)
{
	const uint32_t index = add(f, n, 0);
	struct session *s = session_table_at(f->table, index);

	const uint32_t ctl = atomic_load(&s->ctl);

	assert_true(session_table_set_state(
		f->table, s, ctl, (ctl & ~SESSION_STATE_MASK) | SESSION_TCP_TIME_WAIT, 0, f->now));
	return index;
}

static void
replace_puts_the_successor_behind_the_key_at_once(void **state)
{
	static const uint16_t callers[] = { 0, FOREIGN };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(callers); i++) {
		const struct session_key4 k = key_of(6);
		struct session_key4 had;
		struct session *s, *old, *late;
		struct fixture f;
		uint32_t ended, index;
		uint16_t generation;

		open_table(&f, 100, 1);
		ended = add_ended(&f, 6);
		add(&f, 8, 0); /* a neighbour that nothing happens to */
		old = session_table_at(f.table, ended);
		generation = atomic_load(&old->generation);
		f.now.ns += NS_PER_SEC;
		s = successor(&f);
		index = session_table_replace4(f.table, s, &k, ended, callers[i], f.now);
		assert_int_equal(index, session_table_index(f.table, s));
		assert_int_not_equal(index, ended);
		/* A second successor comes too late. */
		late = successor(&f);
		assert_int_equal(
			session_table_replace4(f.table, late, &k, ended, callers[i], f.now),
			SESSION_NONE);
		session_table_unalloc(f.table, late);
		/* Visible before any housekeeping, under the whole key, made now. */
		assert_int_equal(find(&f, 6), index);
		assert_true(session_table_key4(f.table, s, &had));
		assert_memory_equal(&had, &k, sizeof(k));
		assert_int_equal(s->created, 1001);
		assert_int_equal(s->home, session_table_home4(f.table, &k));
		/* The old one leaves, told of once, without taking the key along. */
		run(&f, 0, 10);
		assert_int_equal(f.gone, 1);
		assert_int_equal(f.aged, 0);
		assert_int_equal(find(&f, 6), index);
		assert_int_equal(session_table_count(f.table), 2);
		assert_int_equal(atomic_load(&old->generation), (uint16_t)(generation + 1));
		/* Its own timer runs: SYN-SENT has five seconds. */
		f.now.ns += 7 * NS_PER_SEC;
		run(&f, 0, 10);
		assert_int_equal(f.aged, 1);
		assert_int_equal(find(&f, 6), SESSION_NONE);
		assert_int_not_equal(find(&f, 8), SESSION_NONE);
		close_table(&f);
	}
}

static void
replace_is_refused_when_the_key_is_not_the_old_sessions(void **state)
{
	const struct session_key4 k = key_of(6), unknown = key_of(10);
	struct fixture f;
	struct session *s;
	uint32_t ended, other;

	(void)state;
	open_table(&f, 100, 1);
	ended = add_ended(&f, 6);
	other = add_ended(&f, 8);
	s = successor(&f);
	assert_int_equal(session_table_replace4(f.table, s, &k, other, 0, f.now), SESSION_NONE);
	assert_int_equal(
		session_table_replace4(f.table, s, &unknown, ended, 0, f.now), SESSION_NONE);
	assert_int_equal(find(&f, 6), ended);
	assert_int_equal(find(&f, 8), other);
	assert_int_equal(find(&f, 10), SESSION_NONE);
	run(&f, 0, 5);
	assert_int_equal(f.gone, 0);
	assert_int_equal(session_table_count(f.table), 2);
	/* Being removed: the key is on its way out. */
	assert_true(kill_one(&f, ended));
	run(&f, 0, 5);
	assert_int_equal(session_table_replace4(f.table, s, &k, ended, 0, f.now), SESSION_NONE);
	assert_int_equal(find(&f, 6), SESSION_NONE);
	/* What was refused is still the caller's, and good for an ordinary insert. */
	session_table_unalloc(f.table, s);
	assert_int_not_equal(add(&f, 6, 0), SESSION_NONE);
	close_table(&f);
}

/* The message to remove the old one is lost: its own timer still does. */
static void
a_replaced_session_leaves_by_its_timer_when_the_inbox_is_full(void **state)
{
	enum { FILL = 60000 }; /* several times the inbox */
	const struct session_key4 k = key_of(6);
	struct fixture f;
	struct session *s;
	uint32_t ended, other, index;

	(void)state;
	open_table(&f, 100, 1);
	ended = add_ended(&f, 6);
	other = add(&f, 8, 0);
	run(&f, 0, 5);
	for (uint32_t i = 0; i < FILL; i++)
		session_table_post(f.table, other,
			atomic_load(&session_table_at(f.table, other)->generation),
			SESSION_OP_RETIME);
	s = successor(&f);
	index = session_table_replace4(f.table, s, &k, ended, 0, f.now);
	assert_int_equal(index, session_table_index(f.table, s));
	assert_int_equal(find(&f, 6), index);
	assert_false(kill_one(&f, other)); /* it is full indeed */
	for (unsigned int second = 0; second < 25; second++) {
		atomic_store(&s->last_seen, mono_seconds(f.now)); /* the successor is used */
		f.now.ns += NS_PER_SEC;
		run(&f, 0, 100);
	}
	assert_int_equal(f.gone, 1);
	assert_int_equal(f.aged, 1);
	assert_int_equal(session_table_count(f.table), 2);
	assert_int_equal(find(&f, 6), index);
	close_table(&f);
}

static void
set_state_succeeds_only_on_the_ctl_the_caller_saw(void **state)
{
	struct fixture f;
	const uint32_t kind = session_kind(4, 6, 1);
	struct session *s;

	(void)state;
	open_table(&f, 100, 1);
	s = session_table_at(f.table, add(&f, 1, 0));
	assert_false(session_table_set_state(
		f.table, s, kind | SESSION_TCP_SYN_SENT, SESSION_TCP_CLOSED, 0, f.now));
	assert_int_equal(atomic_load(&s->ctl), kind | SESSION_TCP_ESTABLISHED);
	/* What the session is stays, whatever the caller says. */
	assert_true(session_table_set_state(f.table, s, kind | SESSION_TCP_ESTABLISHED,
		SESSION_TCP_CLOSED | SESSION_F_REMOTE, 0, f.now));
	assert_int_equal(atomic_load(&s->ctl), kind | SESSION_TCP_CLOSED | SESSION_F_REMOTE);
	assert_int_equal(session_table_timeout(f.table, s), 20);
	close_table(&f);
}

static void
dirty_bits_are_taken_once_each_in_order(void **state)
{
	static const uint32_t set[] = { 0, 1, 63, 64, 65, 500, 999 };
	struct fixture f;
	uint32_t cursor = 0;

	(void)state;
	open_table(&f, 1000, 1);
	assert_int_equal(session_table_take_dirty(f.table, &cursor), SESSION_NONE);
	for (unsigned int round = 0; round < 2; round++) {
		for (size_t i = 0; i < RTE_DIM(set); i++) {
			session_table_set_dirty(f.table, set[i]);
			session_table_set_dirty(f.table, set[i]);
		}
		for (size_t i = 0; i < RTE_DIM(set); i++)
			assert_int_equal(session_table_take_dirty(f.table, &cursor), set[i]);
		assert_int_equal(session_table_take_dirty(f.table, &cursor), SESSION_NONE);
		assert_int_equal(cursor, 0);
	}
	/* One set behind the cursor comes in the next round. */
	session_table_set_dirty(f.table, 700);
	assert_int_equal(session_table_take_dirty(f.table, &cursor), 700);
	session_table_set_dirty(f.table, 3);
	assert_int_equal(session_table_take_dirty(f.table, &cursor), SESSION_NONE);
	assert_int_equal(session_table_take_dirty(f.table, &cursor), 3);
	close_table(&f);
}

static void *
without_lcore(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(rte_lcore_id(), LCORE_ID_ANY);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_not_equal(add(f, i, FOREIGN), SESSION_NONE);
	assert_null(session_table_alloc(f->table));
	return NULL;
}

static void
threads_without_an_lcore_may_insert(void **state)
{
	struct fixture f;
	pthread_t thread;

	(void)state;
	open_table(&f, 5000, 2);
	assert_int_equal(pthread_create(&thread, NULL, without_lcore, &f), 0);
	pthread_join(thread, NULL);
	assert_int_equal(session_table_count(f.table), 5000);
	close_table(&f);
}

/* "At most 128 B slab + 80 B index per session"; and the figure shown is the memory taken. */
static void
memory_per_session_stays_within_its_bound(void **state)
{
	/* Just below, at and just above where tables double. */
	static const struct {
		uint32_t sessions;
		uint16_t shards;
	} rows[] = { { 100000, 1 }, { 100000, 2 }, { 104800, 1 }, { 104900, 1 }, { 131071, 1 },
		{ 131072, 1 }, { 209000, 2 }, { 210000, 2 }, { 260000, 2 }, { 300000, 3 },
		{ 267000, 5 }, { 500000, 1 }, { 1000000, 1 }, { 1000000, 2 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct rte_malloc_socket_stats before, after;
		struct fixture f;
		double each, heap;

		rte_malloc_get_socket_stats(0, &before);
		open_table(&f, rows[i].sessions, rows[i].shards);
		rte_malloc_get_socket_stats(0, &after);
		each = (double)session_table_memory(f.table) / rows[i].sessions;
		heap = (double)(after.heap_allocsz_bytes - before.heap_allocsz_bytes) /
		       rows[i].sessions;
		print_message("%u sessions, %u shards: %.1f B each, heap says %.1f\n",
			rows[i].sessions, rows[i].shards, each, heap);
		/* Inboxes, wheels and queues do not grow with the sessions. */
		assert_true(session_table_memory(f.table) <=
			    208ull * rows[i].sessions + rows[i].shards * 260000ull + 100000);
		assert_true(each > heap * 0.99 && each < heap * 1.01);
		close_table(&f);
	}
}

static void
every_shard_holds_its_share(void **state)
{
	static const struct {
		uint32_t sessions;
		uint16_t shards;
	} rows[] = { { 109225, 1 }, { 109226, 1 }, { 200000, 1 }, { 200000, 2 }, { 200000, 5 },
		{ 200000, 32 } };

	(void)state;
	for (size_t w = 0; w < RTE_DIM(rows); w++) {
		struct fixture f;

		open_table(&f, rows[w].sessions, rows[w].shards);
		for (uint32_t i = 0; i < rows[w].sessions; i++)
			assert_int_not_equal(add(&f, i, FOREIGN), SESSION_NONE);
		assert_int_equal(session_table_count(f.table), rows[w].sessions);
		close_table(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_parameters_are_refused),
		cmocka_unit_test(a_session_is_found_by_its_key_until_it_is_removed),
		cmocka_unit_test(bulk_lookup_mixes_hits_and_misses),
		cmocka_unit_test(a_second_session_with_the_same_key_is_refused),
		cmocka_unit_test(the_slab_runs_out_and_fills_again),
		cmocka_unit_test(a_reused_session_is_clean_and_of_a_new_generation),
		cmocka_unit_test(memory_waits_for_readers),
		cmocka_unit_test(a_stuck_reader_stops_removal_and_nothing_else),
		cmocka_unit_test(homes_agree_with_the_nic),
		cmocka_unit_test(ipv6_homes_agree_with_the_nic),
		cmocka_unit_test(ipv6_sessions_live_beside_ipv4_ones),
		cmocka_unit_test(a_successor_takes_the_place_of_an_ended_session),
		cmocka_unit_test(a_foreign_insert_is_armed_through_the_inbox),
		cmocka_unit_test(no_timer_is_lost_when_the_inbox_is_full),
		cmocka_unit_test(a_kill_before_the_arm_leaves_nothing_behind),
		cmocka_unit_test(a_late_op_does_not_hit_the_next_session_of_its_index),
		cmocka_unit_test(replace_puts_the_successor_behind_the_key_at_once),
		cmocka_unit_test(replace_is_refused_when_the_key_is_not_the_old_sessions),
		cmocka_unit_test(a_replaced_session_leaves_by_its_timer_when_the_inbox_is_full),
		cmocka_unit_test(set_state_succeeds_only_on_the_ctl_the_caller_saw),
		cmocka_unit_test(dirty_bits_are_taken_once_each_in_order),
		cmocka_unit_test(threads_without_an_lcore_may_insert),
		cmocka_unit_test(memory_per_session_stays_within_its_bound),
		cmocka_unit_test(every_shard_holds_its_share),
	};

	test_eal_start(512, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
