/* SPDX-License-Identifier: BSD-3-Clause */
/* The server-map: rows, many entries, a state test against a model, real threads. */
#include "servermap.h"
#include "snapshot.h"
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
#include <time.h>

#include <cmocka.h>

#define NOW    ((mono_t){ .ns = 100 * NS_PER_SEC })
#define AT(s)  ((mono_t){ .ns = (s)*NS_PER_SEC })
#define ENDING 4000000000u /* second in which all entries but endless ones are over */

static struct servermap *
open_map(uint32_t entries)
{
	struct servermap *m = servermap_create(entries, 4711, SOCKET_ID_ANY);

	assert_non_null(m);
	assert_int_equal(servermap_capacity(m), entries);
	return m;
}

/* Addresses of the rows: family and last byte; 0: none. */
static struct ip_addr
addr_of(unsigned int family, uint32_t last)
{
	static const uint8_t prefix[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct ip_addr a = ip_addr_v6(prefix);

	if (family == 0)
		return (struct ip_addr){ 0 };
	if (family == 4)
		return ip_addr_v4(rte_cpu_to_be_32(0x0a000000 + last));
	memcpy(&a.v6[12], &(rte_be32_t){ rte_cpu_to_be_32(last) }, 4);
	return a;
}

static struct servermap_key
key_of(unsigned int family, uint32_t dst, uint16_t port, uint8_t proto)
{
	return (struct servermap_key){
		.dst = addr_of(family, dst), .dport = rte_cpu_to_be_16(port), .proto = proto
	};
}

static struct servermap_entry
entry_of(unsigned int family, uint32_t dst, uint16_t port, uint32_t src, uint32_t parent)
{
	return (struct servermap_entry){ .key = key_of(family, dst, port, IPPROTO_TCP),
		.src = addr_of(src != 0 ? family : 0, src),
		.type = SERVERMAP_ASPF,
		.uses = 1,
		.parent = parent,
		.parent_generation = 7,
		.until = AT(200) };
}

static bool
add(struct servermap *m, const struct servermap_entry *e, uint32_t most)
{
	bool renewed;

	return servermap_add(m, e, most, &renewed) && !renewed;
}

static uint32_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)(*x >> 32);
}

static void
wrong_sizes_are_refused(void **state)
{
	static const struct {
		uint32_t entries;
		int error;
	} rows[] = { { 0, EINVAL }, { (1u << 30) + 1, EINVAL }, { 1u << 30, ENOMEM }, { 1, 0 },
		{ 1000, 0 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct servermap *m;

		errno = 0;
		m = servermap_create(rows[i].entries, 1, SOCKET_ID_ANY);
		if ((m == NULL) != (rows[i].error != 0) || errno != rows[i].error)
			fail_msg("row %zu: errno %d", i, errno);
		servermap_destroy(m);
	}
}

/* Which entry a first packet gets, by its note; 0: none. */
static void
entries_match_what_they_say(void **state)
{
	static const struct {
		uint8_t dst, proto, src, zone;
		uint16_t port;
		uint32_t until;
	} entries[] = {
		{ 1, IPPROTO_TCP, 0, ZONE_NONE, 2000, 200 }, /* note 1: anybody */
		{ 1, IPPROTO_TCP, 9, ZONE_NONE, 2000, 200 }, /* note 2: this source */
		{ 1, IPPROTO_TCP, 8, 3, 2000, 200 },	     /* note 3: source from a zone */
		{ 1, IPPROTO_UDP, 0, 3, 2000, 200 },	     /* note 4: anybody from a zone */
		{ 1, 47, 9, ZONE_NONE, 0, 200 },	     /* note 5: no port */
		{ 2, IPPROTO_TCP, 9, ZONE_NONE, 2000, 100 }, /* note 6: over */
		{ 2, IPPROTO_TCP, 0, ZONE_NONE, 2000, 101 }, /* note 7 */
	};
	static const struct {
		uint8_t dst, proto, src, zone;
		uint16_t port;
		uint32_t note;
	} rows[] = {
		{ 1, IPPROTO_TCP, 9, 3, 2000, 2 }, /* the specific one first */
		{ 1, IPPROTO_TCP, 9, 4, 2000, 2 },
		{ 1, IPPROTO_TCP, 8, 3, 2000, 3 },
		{ 1, IPPROTO_TCP, 8, 4, 2000, 1 }, /* wrong zone: back to anybody's */
		{ 1, IPPROTO_TCP, 7, 3, 2000, 1 },
		{ 1, IPPROTO_TCP, 9, 3, 2001, 0 }, /* port */
		{ 3, IPPROTO_TCP, 9, 3, 2000, 0 }, /* destination */
		{ 1, IPPROTO_UDP, 9, 3, 2000, 4 },
		{ 1, IPPROTO_UDP, 9, 4, 2000, 0 },
		{ 1, IPPROTO_SCTP, 9, 3, 2000, 0 },
		{ 1, 47, 9, 3, 0, 5 },
		{ 1, 47, 7, 3, 0, 0 },
		{ 2, IPPROTO_TCP, 9, 3, 2000, 7 },
	};

	(void)state;
	for (unsigned int family = 4; family <= 6; family += 2) {
		struct servermap *m = open_map(100);
		struct servermap_entry e;
		bool last;

		for (uint32_t i = 0; i < RTE_DIM(entries); i++) {
			e = entry_of(family, entries[i].dst, entries[i].port, entries[i].src, i);
			e.key.proto = entries[i].proto;
			e.zone = entries[i].zone;
			e.until = AT(entries[i].until);
			e.uses = UINT16_MAX;
			e.note = i + 1;
			e.child_alg = (uint8_t)i;
			assert_true(add(m, &e, 1));
		}
		for (size_t i = 0; i < RTE_DIM(rows); i++) {
			const struct servermap_key k =
				key_of(family, rows[i].dst, rows[i].port, rows[i].proto);
			const struct ip_addr src = addr_of(family, rows[i].src);

			e.note = 0;
			if (servermap_peek(m, &k, &src, rows[i].zone, NOW, &e) !=
					(rows[i].note != 0) ||
				e.note != rows[i].note)
				fail_msg("IPv%u row %zu: peek: %u", family, i, e.note);
			e.note = 0;
			if (servermap_take(m, &k, &src, rows[i].zone, NOW, &e, &last) !=
					(rows[i].note != 0) ||
				e.note != rows[i].note)
				fail_msg("IPv%u row %zu: take: %u", family, i, e.note);
			if (rows[i].note != 0) {
				assert_false(last);
				assert_int_equal(e.child_alg, rows[i].note - 1);
			}
		}
		/* The other family has nothing. */
		assert_false(servermap_peek(m,
			&(struct servermap_key){ .dst = addr_of(10 - family, 1),
				.dport = RTE_BE16(2000),
				.proto = IPPROTO_TCP },
			&(struct ip_addr){ .family = (uint8_t)(10 - family) }, 3, NOW, &e));
		assert_int_equal(servermap_count(m), RTE_DIM(entries));
		servermap_destroy(m);
	}
}

static void
the_last_use_takes_the_note_along(void **state)
{
	static const uint16_t uses[] = { 1, 2, 3, UINT16_MAX - 1 };
	struct servermap *m = open_map(10);
	const struct ip_addr src = addr_of(4, 5);
	struct servermap_entry e, found;
	bool last;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(uses); i++) {
		e = entry_of(4, 1, 80, 0, 1);
		e.uses = uses[i];
		e.note = 77;
		assert_true(add(m, &e, 0));
		for (uint32_t n = uses[i]; n > 0; n--) {
			assert_true(servermap_take(m, &e.key, &src, 1, NOW, &found, &last));
			assert_int_equal(found.uses, n);
			assert_int_equal(found.note, 77);
			assert_int_equal(last, n == 1);
		}
		assert_false(servermap_take(m, &e.key, &src, 1, NOW, &found, &last));
		assert_int_equal(servermap_count(m), 0);
	}
	e.uses = UINT16_MAX;
	assert_true(add(m, &e, 0));
	for (uint32_t n = 0; n < 70000; n++)
		assert_true(servermap_take(m, &e.key, &src, 1, NOW, &found, &last) && !last);
	assert_int_equal(servermap_count(m), 1);
	assert_int_equal(servermap_stats(m).used, 1 + 2 + 3 + UINT16_MAX - 1 + 70000);
	servermap_destroy(m);
}

/* The same key, source and parent: the entry goes on, with its note. */
static void
entries_are_renewed(void **state)
{
	struct servermap *m = open_map(10);
	struct servermap_entry e = entry_of(6, 1, 80, 0, 1), found;
	const struct ip_addr src = addr_of(6, 5);
	bool renewed;

	(void)state;
	e.note = 5;
	assert_true(servermap_add(m, &e, 1, &renewed) && !renewed);
	e.note = 6;
	e.uses = 4;
	e.zone = 3;
	e.to = addr_of(6, 44);
	e.until = AT(300);
	assert_true(servermap_add(m, &e, 1, &renewed) && renewed);
	assert_true(servermap_peek(m, &e.key, &src, 3, AT(250), &found));
	assert_int_equal(found.note, 5);
	assert_int_equal(found.uses, 4);
	assert_true(ip_addr_equal(&found.to, &e.to));
	/* Also one whose time is over. */
	e.until = AT(500);
	assert_true(servermap_add(m, &e, 1, &renewed) && renewed);
	assert_true(servermap_peek(m, &e.key, &src, 3, AT(450), &found));
	/* Another source, generation or parent is another one. */
	e.src = addr_of(6, 9);
	assert_true(add(m, &e, 0));
	e.parent_generation++;
	assert_true(add(m, &e, 0));
	e.parent++;
	assert_true(add(m, &e, 0));
	assert_int_equal(servermap_count(m), 4);
	assert_int_equal(servermap_stats(m).added, 4);
	servermap_destroy(m);
}

static void
what_is_too_much_is_refused(void **state)
{
	struct servermap *m = open_map(20);
	struct servermap_entry e;
	struct servermap_stats s;
	bool renewed;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) { /* the share of a parent */
		e = entry_of(4, 1, (uint16_t)i, 0, 1);
		assert_int_equal(add(m, &e, 4), i < 4);
	}
	e = entry_of(4, 1, 2, 0, 1); /* which keeps what it has */
	assert_true(servermap_add(m, &e, 4, &renewed) && renewed);
	e = entry_of(4, 1, 9, 0, SERVERMAP_NONE); /* without parent there is no share */
	assert_true(add(m, &e, 1));
	e.key.dport++;
	assert_true(add(m, &e, 1));
	for (uint32_t i = 0; i < 18; i++) { /* parents of one key and source; then it is full */
		e = entry_of(4, 2, 80, 0, 100 + i);
		assert_int_equal(add(m, &e, 1), i < 14);
	}
	s = servermap_stats(m);
	assert_int_equal(s.refused_share, 1);
	assert_int_equal(s.refused_full, 4);
	assert_int_equal(s.refused_same, 0);
	assert_int_equal(servermap_count(m), 20);
	servermap_remove_parent(m, 1, 7, NULL, NULL);
	for (uint32_t i = 0; i < 4; i++) {
		e = entry_of(4, 2, 80, 0, 200 + i);
		assert_int_equal(add(m, &e, 1), i < 2);
	}
	s = servermap_stats(m);
	assert_int_equal(s.refused_same, 2);
	assert_int_equal(s.added, 4 + 2 + 14 + 2);
	assert_int_equal(s.orphaned, 4);
	assert_int_equal(servermap_count(m), 18);
	servermap_destroy(m);
}

struct gone {
	uint32_t count;
	uint64_t notes; /* sum */
};

static void
note_gone(void *ctx, const struct servermap_entry *e)
{
	struct gone *g = ctx;

	g->count++;
	g->notes += e->note;
}

/* Only its own, of its generation, and in whatever order some have gone before. */
static void
entries_end_with_their_parent(void **state)
{
	static const uint16_t used_first[][3] = { { 0, 1, 2 }, { 9, 8, 7 }, { 4, 0, 9 },
		{ 9, 0, 5 }, { 3, 4, 5 } };

	(void)state;
	for (size_t row = 0; row < RTE_DIM(used_first); row++) {
		struct servermap *m = open_map(100);
		struct servermap_entry e, found;
		struct gone gone = { 0 };
		bool last;

		for (uint32_t i = 0; i < 30; i++) {
			e = entry_of(4, 1, (uint16_t)(i / 3), 0, i % 3 == 2 ? 6 : 5);
			e.parent_generation = i % 3 == 1 ? 8 : 7;
			e.src = addr_of(4, 50 + i % 3);
			e.note = i % 3 == 0 ? 1u << i / 3 : 1u << 20;
			assert_true(add(m, &e, 10));
		}
		for (size_t i = 0; i < 3; i++) {
			e = entry_of(4, 1, used_first[row][i], 50, 5);
			assert_true(servermap_take(m, &e.key, &e.src, 1, NOW, &found, &last));
			assert_int_equal(found.note, 1u << used_first[row][i]);
			gone.notes += found.note;
			/* There is room for one more, and no second. */
			e.key.dport = rte_cpu_to_be_16((uint16_t)(100 + i));
			assert_true(add(m, &e, 10));
			e.key.dport = rte_cpu_to_be_16((uint16_t)(200 + i));
			assert_false(add(m, &e, 10));
		}
		servermap_remove_parent(m, 5, 7, note_gone, &gone);
		assert_int_equal(gone.count, 10);
		assert_int_equal(gone.notes, 1023);
		assert_int_equal(servermap_count(m), 20);
		servermap_remove_parent(m, 5, 7, note_gone, &gone);
		servermap_remove_parent(m, 4, 7, note_gone, &gone);
		servermap_remove_parent(m, SERVERMAP_NONE, 7, note_gone, &gone);
		assert_int_equal(gone.count, 10);
		servermap_remove_parent(m, 6, 7, note_gone, &gone);
		servermap_remove_parent(m, 5, 8, note_gone, &gone);
		assert_int_equal(servermap_count(m), 0);
		servermap_destroy(m);
	}
}

/* The cursor goes round; only what is over leaves, at most `budget` places at a time. */
static void
entries_age(void **state)
{
	struct servermap *m = open_map(50);
	uint32_t cursor = 0, places = 0;
	struct gone gone = { 0 };
	struct servermap_entry e;

	(void)state;
	servermap_age(m, &cursor, 10, NOW, note_gone, &gone); /* nothing there */
	for (uint32_t i = 0; i < 50; i++) {
		e = entry_of(4, 1, (uint16_t)i, 0, i % 2 ? 1 : SERVERMAP_NONE);
		e.until = i == 49 ? MONO_NEVER : AT(100 + i / 10);
		e.note = 1;
		assert_true(add(m, &e, 0));
	}
	for (uint32_t i = 0; i < 5; i++) {
		servermap_age(m, &cursor, 10, AT(102), note_gone, &gone);
		assert_int_equal(gone.count, RTE_MIN(10 * (i + 1), 30u)); /* 10 places each */
	}
	servermap_age(m, &cursor, UINT32_MAX, AT(ENDING), note_gone, &gone);
	assert_int_equal(gone.count, 49);
	assert_int_equal(gone.notes, 49);
	for (uint32_t i = 0; i < 50; i++)
		places += servermap_at(m, i, &e);
	assert_int_equal(places, 1);
	assert_int_equal(servermap_count(m), 1);
	assert_int_equal(servermap_stats(m).expired, 49);
	servermap_remove_parent(m, 1, 7, note_gone, &gone);
	assert_int_equal(servermap_count(m), 0);
	servermap_destroy(m);
}

/* Of CPU: other programs do not count. */
static uint64_t
ns_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* One parent with very many: no step walks its list or the table.  A walk each would be more than
 * 10^10 steps. */
static void
ALG_06_many_entries_of_one_parent_are_bounded(void **state)
{
	enum { N = 150000, KEPT = 1000 };
	struct servermap *m = open_map(N);
	struct servermap_entry e, found;
	struct gone gone = { 0 };
	uint64_t start = ns_now(), added, used, removed;
	const struct ip_addr src = addr_of(4, 3);
	bool last;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		e = entry_of(4, i / 1000, (uint16_t)(i % 1000), 0, i < N - KEPT ? 1 : i);
		assert_true(add(m, &e, N));
	}
	added = ns_now();
	for (uint32_t i = 0; i < N / 2; i++) { /* the oldest first */
		e = entry_of(4, i / 1000, (uint16_t)(i % 1000), 0, 1);
		assert_true(servermap_take(m, &e.key, &src, 1, NOW, &found, &last));
	}
	used = ns_now();
	for (uint32_t i = 0; i < KEPT; i++) /* of one entry each: no scan */
		servermap_remove_parent(m, N - 1 - i, 7, note_gone, &gone);
	servermap_remove_parent(m, 1, 7, note_gone, &gone);
	removed = ns_now();
	assert_int_equal(gone.count, N - N / 2);
	assert_int_equal(servermap_count(m), 0);
	print_message("ns each: add %u, take %u, remove %u\n", (uint32_t)((added - start) / N),
		(uint32_t)((used - added) / (N / 2)), (uint32_t)((removed - used) / (N - N / 2)));
	assert_true(removed - start < 5 * NS_PER_SEC);
	start = ns_now();
	for (uint32_t i = 0; i < N; i++)
		assert_false(servermap_take(m, &e.key, &src, 1, NOW, &found, &last));
	print_message(
		"ns of a look into the empty table: %u\n", (uint32_t)((ns_now() - start) / N));
	servermap_destroy(m);
}

/* ---- against a model ---- */

#define CAPACITY 120
#define MOST	 12

struct model {
	struct servermap *map;
	uint64_t random;
	struct servermap_entry of[CAPACITY];
	uint32_t count, cursor;
	mono_t now;
	uint32_t added, renewed, share, full, used, lasts, none, expired, orphaned;
};

static bool
same_key(const struct servermap_entry *a, const struct servermap_entry *b)
{
	return memcmp(&a->key.dst, &b->key.dst, sizeof(a->key.dst)) == 0 &&
	       a->key.dport == b->key.dport && memcmp(&a->src, &b->src, sizeof(a->src)) == 0;
}

static bool
same_parent(const struct servermap_entry *a, const struct servermap_entry *b)
{
	return a->parent == b->parent && a->parent_generation == b->parent_generation;
}

static void
model_remove(struct model *m, uint32_t i)
{
	m->of[i] = m->of[--m->count];
}

static void
step_add(struct model *m)
{
	const unsigned int family = next(&m->random) % 2 ? 4 : 6;
	struct servermap_entry e = entry_of(family, next(&m->random) % 3,
		(uint16_t)(next(&m->random) % 12), next(&m->random) % 3, next(&m->random) % 6);
	uint32_t i = 0, siblings = 0;
	bool renewed, ok;

	e.parent_generation = next(&m->random) % 2;
	e.uses = (uint16_t)(1 + next(&m->random) % 3);
	e.until = AT(m->now.ns / NS_PER_SEC + 1 + next(&m->random) % 300);
	e.note = next(&m->random);
	while (i < m->count && !(same_key(&m->of[i], &e) && same_parent(&m->of[i], &e)))
		i++;
	for (uint32_t j = 0; j < m->count; j++)
		siblings += same_parent(&m->of[j], &e);
	ok = servermap_add(m->map, &e, MOST, &renewed);
	if (i < m->count) {
		assert_true(ok && renewed);
		e.note = m->of[i].note;
		m->of[i] = e;
		m->renewed++;
		return;
	}
	assert_false(renewed);
	m->full += m->count == CAPACITY;
	m->share += m->count < CAPACITY && siblings == MOST;
	assert_int_equal(ok, m->count < CAPACITY && siblings < MOST);
	if (ok) {
		m->of[m->count++] = e;
		m->added++;
	}
}

static void
step_take(struct model *m)
{
	const unsigned int family = next(&m->random) % 2 ? 4 : 6;
	const struct servermap_entry like = entry_of(family, next(&m->random) % 3,
		(uint16_t)(next(&m->random) % 12), 1 + next(&m->random) % 2, 0);
	struct servermap_entry found, anybody = like;
	bool ok, last, specific = false, any = false;
	uint32_t i = 0;

	anybody.src = addr_of(0, 0);
	for (uint32_t j = 0; j < m->count; j++) {
		if (!mono_before(m->now, m->of[j].until))
			continue;
		specific |= same_key(&m->of[j], &like);
		any |= same_key(&m->of[j], &anybody);
	}
	ok = servermap_take(m->map, &like.key, &like.src, 1, m->now, &found, &last);
	assert_int_equal(ok, specific || any);
	if (!ok) {
		m->none++;
		return;
	}
	assert_true(same_key(&found, specific ? &like : &anybody));
	while (i < m->count && !(same_key(&m->of[i], &found) && same_parent(&m->of[i], &found)))
		i++;
	assert_true(i < m->count);
	assert_true(mono_before(m->now, m->of[i].until));
	assert_int_equal(found.note, m->of[i].note);
	assert_int_equal(found.uses, m->of[i].uses);
	assert_int_equal(last, m->of[i].uses == 1);
	m->used++;
	m->lasts += last;
	if (last)
		model_remove(m, i);
	else
		m->of[i].uses--;
}

static void
model_gone(void *ctx, const struct servermap_entry *e)
{
	struct model *m = ctx;
	uint32_t i = 0;

	while (i < m->count && !(same_key(&m->of[i], e) && same_parent(&m->of[i], e)))
		i++;
	assert_true(i < m->count);
	assert_int_equal(e->note, m->of[i].note);
	model_remove(m, i);
}

static void
step_end(struct model *m)
{
	const struct servermap_entry like = { .parent = next(&m->random) % 6,
		.parent_generation = next(&m->random) % 2 };
	uint32_t before = m->count, siblings = 0;

	for (uint32_t j = 0; j < m->count; j++)
		siblings += same_parent(&m->of[j], &like);
	servermap_remove_parent(m->map, like.parent, like.parent_generation, model_gone, m);
	assert_int_equal(before - m->count, siblings);
	m->orphaned += siblings;
	before = m->count;
	servermap_age(m->map, &m->cursor, CAPACITY, m->now, model_gone, m);
	m->expired += before - m->count;
	for (uint32_t j = 0; j < m->count; j++)
		assert_true(mono_before(m->now, m->of[j].until));
}

static void
random_use_agrees_with_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct model *m = calloc(1, sizeof(*m));
		struct servermap_stats s;

		assert_non_null(m);
		m->random = seed * 0x9e3779b97f4a7c15;
		m->map = open_map(CAPACITY);
		m->now = NOW;
		for (uint32_t i = 0; i < 100000; i++) {
			const uint32_t what = next(&m->random) % 200;

			if (what < 120)
				step_add(m);
			else if (what < 199)
				step_take(m);
			else
				step_end(m);
			m->now.ns += next(&m->random) % 2 * NS_PER_SEC;
			assert_int_equal(servermap_count(m->map), m->count);
		}
		s = servermap_stats(m->map);
		assert_int_equal(s.added, m->added);
		assert_int_equal(s.used, m->used);
		assert_int_equal(s.expired, m->expired);
		assert_int_equal(s.orphaned, m->orphaned);
		assert_int_equal(s.refused_full, m->full);
		assert_int_equal(s.refused_share, m->share);
		print_message(
			"seed %lu: added %u, renewed %u, share %u, full %u, used %u (last %u), "
			"none %u, expired %u, orphaned %u\n",
			(unsigned long)seed, m->added, m->renewed, m->share, m->full, m->used,
			m->lasts, m->none, m->expired, m->orphaned);
		assert_true(m->renewed > 100 && m->share > 100 && m->lasts > 100 && m->none > 100 &&
			    m->expired > 100 && m->orphaned > 100);
		servermap_destroy(m->map);
		free(m);
	}
}

/* ---- real threads ---- */

#define THREADS	   4
#define THREAD_OPS 200000
#define NOTES	   (THREADS * THREAD_OPS + 1)

/* A note is its entry's from before it is added until whoever the entry hands it to takes it. */
struct shared {
	struct servermap *map;
	_Atomic(uint8_t) *held; /* [NOTES] */
	_Atomic(uint32_t) wrong, added, renewed, refused, lasts, used, gone;
};

struct thread {
	struct shared *shared;
	uint16_t id;
	uint32_t ending; /* the parent that ends, or SERVERMAP_NONE: entries age */
	uint32_t places; /* of the map */
};

static void
give_note(struct shared *sh, uint32_t note)
{
	if (note == 0 || atomic_exchange(&sh->held[note], 0) != 1)
		atomic_fetch_add(&sh->wrong, 1);
}

static void
give_gone(void *ctx, const struct servermap_entry *e)
{
	const struct thread *t = ctx;
	struct shared *sh = t->shared;

	if (t->ending != SERVERMAP_NONE ? e->parent != t->ending : mono_before(AT(50), e->until))
		atomic_fetch_add(&sh->wrong, 1);
	atomic_fetch_add(&sh->gone, 1);
	give_note(sh, e->note);
}

static void
add_one(struct shared *sh, uint64_t *random, uint32_t note)
{
	struct servermap_entry e = entry_of(next(random) % 2 ? 4 : 6, 1,
		(uint16_t)(next(random) % 8), next(random) % 3, next(random) % 4);
	bool renewed;

	e.uses = (uint16_t)(1 + next(random) % 2);
	e.until = AT(1 + next(random) % 200);
	e.note = note;
	e.to_port = e.key.dport; /* a copy must be whole */
	e.to = e.key.dst;
	atomic_store(&sh->held[note], 1);
	if (!servermap_add(sh->map, &e, 10, &renewed)) {
		atomic_fetch_add(&sh->refused, 1);
		give_note(sh, note);
	} else if (renewed) {
		atomic_fetch_add(&sh->renewed, 1);
		give_note(sh, note);
	} else {
		atomic_fetch_add(&sh->added, 1);
	}
}

static void
check_copy(struct shared *sh, const struct servermap_entry *e)
{
	if (e->to_port != e->key.dport || !ip_addr_equal(&e->to, &e->key.dst) || e->note == 0)
		atomic_fetch_add(&sh->wrong, 1);
}

static void
take_one(struct shared *sh, uint64_t *random)
{
	const struct servermap_entry like = entry_of(
		next(random) % 2 ? 4 : 6, 1, (uint16_t)(next(random) % 8), 1 + next(random) % 3, 0);
	struct servermap_entry found;
	bool last;

	if (servermap_peek(sh->map, &like.key, &like.src, 1, AT(100), &found))
		check_copy(sh, &found);
	if (!servermap_take(sh->map, &like.key, &like.src, 1, AT(100), &found, &last))
		return;
	check_copy(sh, &found);
	atomic_fetch_add(&sh->used, 1);
	if (last) {
		atomic_fetch_add(&sh->lasts, 1);
		give_note(sh, found.note);
	}
}

static void *
add_and_take(void *arg)
{
	struct thread *t = arg;
	struct shared *sh = t->shared;
	uint64_t random = (t->id + 1) * 0x9e3779b97f4a7c15;
	struct servermap_entry e;
	uint32_t cursor = 0;

	for (uint32_t i = 0; i < THREAD_OPS; i++) {
		const uint32_t what = next(&random) % 64;

		if (what < 36) {
			add_one(sh, &random, t->id * THREAD_OPS + i + 1);
		} else if (what < 58) {
			take_one(sh, &random);
		} else if (what < 61) {
			t->ending = next(&random) % 4;
			servermap_remove_parent(sh->map, t->ending, 7, give_gone, t);
		} else if (what < 63) {
			t->ending = SERVERMAP_NONE;
			servermap_age(sh->map, &cursor, 4, AT(50), give_gone, t);
		} else if (servermap_at(sh->map, next(&random) % t->places, &e)) {
			check_copy(sh, &e);
		}
	}
	return NULL;
}

static void
run_threads(struct shared *sh, uint32_t places)
{
	struct thread thread[THREADS];
	pthread_t id[THREADS];

	for (uint16_t i = 0; i < THREADS; i++) {
		thread[i] = (struct thread){ .shared = sh, .id = i, .places = places };
		assert_int_equal(pthread_create(&id[i], NULL, add_and_take, &thread[i]), 0);
	}
	for (uint16_t i = 0; i < THREADS; i++)
		pthread_join(id[i], NULL);
	print_message("added %u, renewed %u, refused %u, used %u (last %u), gone %u\n", sh->added,
		sh->renewed, sh->refused, sh->used, sh->lasts, sh->gone);
	assert_int_equal(sh->wrong, 0);
	assert_int_equal(sh->added - sh->lasts - sh->gone, servermap_count(sh->map));
	for (uint32_t parent = 0; parent < 4; parent++) {
		thread[0].ending = parent;
		servermap_remove_parent(sh->map, parent, 7, give_gone, &thread[0]);
	}
	assert_int_equal(sh->wrong, 0);
	assert_int_equal(servermap_count(sh->map), 0);
}

static void
threads_hand_every_note_over_once(void **state)
{
	static const uint32_t places[] = { 30, 3 }; /* where the same place is another's at once */

	(void)state;
	for (size_t row = 0; row < RTE_DIM(places); row++) {
		struct shared *sh = calloc(1, sizeof(*sh));
		struct servermap_stats s;
		uint32_t left = 0;

		assert_non_null(sh);
		sh->held = calloc(NOTES, sizeof(sh->held[0]));
		assert_non_null((void *)(uintptr_t)sh->held);
		sh->map = open_map(places[row]);
		run_threads(sh, places[row]);
		for (uint32_t i = 0; i < NOTES; i++)
			left += sh->held[i];
		assert_int_equal(left, 0);
		s = servermap_stats(sh->map);
		assert_int_equal(s.added, sh->added);
		assert_int_equal(s.used, sh->used);
		assert_int_equal(s.expired + s.orphaned, sh->gone);
		assert_int_equal(s.refused_full + s.refused_share + s.refused_same, sh->refused);
		assert_true(sh->renewed > 1000 && sh->refused > 1000 && sh->lasts > 1000 &&
			    s.expired > 1000 && s.orphaned > 1000);
		servermap_destroy(sh->map);
		free((void *)(uintptr_t)sh->held);
		free(sh);
	}
}

/* The places that have changed since the last call, as bits. */
static uint64_t
changed(struct servermap *m)
{
	uint32_t cursor = 0, place;
	uint64_t bits = 0;

	while ((place = servermap_take_dirty(m, &cursor)) != SERVERMAP_NONE)
		bits |= UINT64_C(1) << place;
	assert_int_equal(cursor, 0);
	return bits;
}

static void
R186_the_mirror_hears_of_every_change_once(void **state)
{
	struct servermap *m = open_map(64);
	struct servermap_entry e = entry_of(4, 1, 2000, 0, 5), found;
	const struct ip_addr src = addr_of(4, 9);
	uint16_t first, second;
	uint32_t cursor = 0;
	bool renewed, last;

	(void)state;
	assert_int_equal(changed(m), 0);
	e.uses = 2;
	assert_true(add(m, &e, 0));
	assert_int_equal(changed(m), 1);
	assert_int_equal(changed(m), 0);
	assert_true(servermap_look(m, 0, &found, &first));
	assert_true(servermap_add(m, &e, 0, &renewed) && renewed);
	assert_int_equal(changed(m), 1);
	assert_true(servermap_take(m, &e.key, &src, ZONE_NONE, NOW, &found, &last) && !last);
	assert_int_equal(changed(m), 1);
	assert_true(servermap_take(m, &e.key, &src, ZONE_NONE, NOW, &found, &last) && last);
	assert_int_equal(changed(m), 1);
	assert_false(servermap_look(m, 0, &found, &first));
	/* another entry in its place has another name */
	assert_true(add(m, &e, 0));
	assert_true(servermap_look(m, 0, &found, &second));
	assert_int_not_equal(first, second);
	servermap_remove_parent(m, 5, 7, NULL, NULL);
	assert_int_equal(changed(m), 1);
	assert_true(add(m, &e, 0));
	servermap_age(m, &cursor, 64, AT(ENDING), NULL, NULL);
	assert_int_equal(changed(m), 1);
	servermap_set_dirty(m, 63);
	servermap_set_dirty(m, 0);
	servermap_set_dirty(m, 0);
	assert_true(changed(m) == (UINT64_C(1) << 63 | 1));
	servermap_destroy(m);
}

static void
R201_a_copy_ends_by_its_owners_word(void **state)
{
	struct servermap *m = open_map(8);
	struct servermap_entry e = entry_of(4, 1, 2000, 0, SERVERMAP_NONE), found;
	uint32_t cursor = 0, place;
	uint16_t generation;
	bool renewed;

	(void)state;
	e.copy = true;
	place = servermap_copy(m, &e, &generation, &renewed);
	assert_int_not_equal(place, SERVERMAP_NONE);
	assert_false(renewed);
	assert_int_equal(servermap_copy(m, &e, &generation, &renewed), place);
	assert_true(renewed);
	servermap_age(m, &cursor, 8, AT(ENDING), NULL, NULL);
	assert_int_equal(servermap_count(m), 1);
	servermap_drop(m, place, (uint16_t)(generation + 1), NULL, NULL); /* another one */
	assert_int_equal(servermap_count(m), 1);
	servermap_drop(m, place, generation, NULL, NULL);
	servermap_drop(m, place, generation, NULL, NULL);
	assert_int_equal(servermap_count(m), 0);
	/* adopted, it ends as any other */
	place = servermap_copy(m, &e, &generation, &renewed);
	assert_false(servermap_adopt(m, place, (uint16_t)(generation + 1)));
	assert_true(servermap_adopt(m, place, generation));
	assert_false(servermap_adopt(m, place, generation));
	assert_true(servermap_at(m, place, &found) && !found.copy);
	servermap_age(m, &cursor, 8, AT(ENDING), NULL, NULL);
	assert_int_equal(servermap_count(m), 0);
	servermap_destroy(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_sizes_are_refused),
		cmocka_unit_test(entries_match_what_they_say),
		cmocka_unit_test(the_last_use_takes_the_note_along),
		cmocka_unit_test(entries_are_renewed),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(entries_end_with_their_parent),
		cmocka_unit_test(entries_age),
		cmocka_unit_test(ALG_06_many_entries_of_one_parent_are_bounded),
		cmocka_unit_test(R186_the_mirror_hears_of_every_change_once),
		cmocka_unit_test(R201_a_copy_ends_by_its_owners_word),
		cmocka_unit_test(random_use_agrees_with_a_model),
		cmocka_unit_test(threads_hand_every_note_over_once),
	};

	test_eal_start(128, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
