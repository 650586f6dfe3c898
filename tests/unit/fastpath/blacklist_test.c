/* SPDX-License-Identifier: BSD-3-Clause */
/* The blacklist against a search through a list, and what its entries go through (DOS-02). */
#include "blacklist.h"
#include "ipv4.h"
#include "ipv6.h"
#include "rcu.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORKERS 2
#define TABLE	1000 /* slots of a session table there is none of */

static const mono_t now = { .ns = 100 * NS_PER_SEC };
static struct rcu *rcu;
static struct blacklist *list;

static int
setup(void **state)
{
	(void)state;
	rcu = rcu_create(SOCKET_ID_ANY);
	list = blacklist_create(WORKERS, rcu);
	return rcu == NULL || list == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	blacklist_destroy(list);
	rcu_destroy(rcu);
	return 0;
}

static struct blacklist_entry
entry4(uint32_t address, uint8_t len, enum blacklist_side side)
{
	return (struct blacklist_entry){ .prefix = ip_addr_v4(rte_cpu_to_be_32(address)),
		.len = len,
		.side = (uint8_t)side,
		.origin = BLACKLIST_MANUAL,
		.until = MONO_NEVER };
}

/* => slot of the entry that forbids a session between these two, or BLACKLIST_NONE. */
static uint32_t
find4(uint32_t src, uint32_t dst, mono_t at)
{
	const struct blacklist_set *s = blacklist_current(list);
	const rte_be32_t from = rte_cpu_to_be_32(src), to = rte_cpu_to_be_32(dst);

	return s == NULL ? BLACKLIST_NONE : blacklist_find(s, 4, &from, &to, at);
}

static bool
covers(const struct blacklist_entry *e, const struct ip_addr *a)
{
	struct ip_addr masked = *a;

	if (e->prefix.family != a->family)
		return false;
	if (a->family == 6)
		return ip6_in_prefix(a->v6, e->prefix.v6, e->len);
	masked.v4 &= rte_cpu_to_be_32((uint32_t)(UINT64_C(0xffffffff) << (32 - e->len)));
	return masked.v4 == e->prefix.v4;
}

/* An address near others, so that prefixes meet. */
static struct ip_addr
some_address(bool six)
{
	struct ip_addr a = { .family = six ? 6 : 4 };

	if (six) {
		a.v6[0] = 0x20;
		a.v6[7] = (uint8_t)(rand() & 3);
		a.v6[8] = (uint8_t)(rand() & 0x81);
		a.v6[15] = (uint8_t)(rand() & 15);
	} else {
		a.v4 = rte_cpu_to_be_32(
			IPV4(10, 0, 0, 0) | (uint32_t)(rand() & 0x30303) | (rand() & 15U));
	}
	return a;
}

static struct ip_addr
network(const struct ip_addr *a, uint8_t len)
{
	struct ip_addr n = *a;

	if (a->family == 6)
		ip6_mask(n.v6, len);
	else
		n.v4 &= rte_cpu_to_be_32((uint32_t)(UINT64_C(0xffffffff) << (32 - len)));
	return n;
}

static void
the_same_answer_as_a_search_through_the_list(void **state)
{
	unsigned int found = 0;

	(void)state;
	srand(1);
	for (unsigned int round = 0; round < 40; round++) {
		for (unsigned int i = 0; i < 30; i++) {
			const bool six = rand() & 1;
			const struct ip_addr a = some_address(six);
			const uint8_t len = (uint8_t)(1 + rand() % (six ? 128 : 32));
			const struct blacklist_entry e = { .prefix = network(&a, len),
				.len = len,
				.side = rand() & 1,
				.origin = BLACKLIST_MANUAL,
				.until = { .ns = now.ns + (uint64_t)(rand() % 3) - 1 } };

			assert_int_equal(blacklist_add(list, &e, TABLE), 0);
		}
		for (unsigned int i = 0; i < 300; i++) {
			const bool six = rand() & 1;
			const struct ip_addr ends[] = { some_address(six), some_address(six) };
			const uint32_t slot = blacklist_find(
				blacklist_current(list), six ? 6 : 4, ends[0].v6, ends[1].v6, now);
			bool want = false;

			for (uint32_t j = 0; j < list->high; j++) {
				const struct blacklist_entry *e = &list->entries[j];

				want |= e->origin != BLACKLIST_FREE && mono_before(now, e->until) &&
					covers(e, &ends[e->side]);
			}
			assert_int_equal(slot != BLACKLIST_NONE, want);
			if (slot != BLACKLIST_NONE) {
				assert_true(covers(
					&list->entries[slot], &ends[list->entries[slot].side]));
				found++;
			}
		}
		blacklist_clear(list);
		assert_int_equal(list->count, 0);
		assert_null(blacklist_current(list));
	}
	assert_in_range(found, 100, 12000);
}

static void
DOS_02_an_entry_ends_on_time_and_is_removed(void **state)
{
	struct blacklist_entry e = entry4(IPV4(10, 1, 1, 0), 24, BLACKLIST_SOURCE);
	const mono_t end = mono_add_ms(now, 5000);

	(void)state;
	e.until = end;
	assert_int_equal(blacklist_add(list, &e, TABLE), 0);
	assert_int_equal(find4(IPV4(10, 1, 1, 7), 1, (mono_t){ .ns = end.ns - 1 }), 0);
	assert_int_equal(find4(IPV4(10, 1, 1, 7), 1, end), BLACKLIST_NONE);
	blacklist_expire(list, (mono_t){ .ns = end.ns - 1 });
	assert_int_equal(list->count, 1);
	blacklist_expire(list, end);
	assert_int_equal(list->count, 0);
	assert_null(blacklist_current(list));
}

static void
adding_again_makes_it_longer_never_shorter(void **state)
{
	struct blacklist_entry e = entry4(IPV4(10, 1, 1, 7), 32, BLACKLIST_SOURCE);

	(void)state;
	e.origin = BLACKLIST_SCAN;
	e.until = mono_add_ms(now, 5000);
	blacklist_add(list, &e, TABLE);
	e.until = mono_add_ms(now, 3000);
	blacklist_add(list, &e, TABLE);
	assert_int_equal(find4(IPV4(10, 1, 1, 7), 1, mono_add_ms(now, 4999)), 0);
	e.until = mono_add_ms(now, 9000);
	e.origin = BLACKLIST_MANUAL;
	blacklist_add(list, &e, TABLE);
	assert_int_equal(find4(IPV4(10, 1, 1, 7), 1, mono_add_ms(now, 8999)), 0);
	assert_int_equal(list->count, 1);
	assert_int_equal(list->timed, 1);
	assert_int_equal(list->entries[0].origin, BLACKLIST_MANUAL);
}

static void
a_configuration_replaces_its_own_entries_only(void **state)
{
	const struct blacklist_entry rows[] = {
		entry4(IPV4(10, 1, 0, 0), 16, BLACKLIST_SOURCE),
		entry4(IPV4(10, 2, 0, 0), 16, BLACKLIST_SOURCE),
		entry4(IPV4(10, 2, 0, 0), 16, BLACKLIST_SOURCE), /* twice */
		entry4(IPV4(10, 3, 0, 0), 16, BLACKLIST_DESTINATION),
	};
	const struct blacklist_entry timed[] = {
		entry4(IPV4(10, 3, 0, 0), 16, BLACKLIST_SOURCE),
		entry4(IPV4(10, 2, 0, 0), 16, BLACKLIST_SOURCE),
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(timed); i++)
		assert_int_equal(blacklist_add(list, &timed[i], TABLE), 0);
	list->sweep_left = 0;
	blacklist_set_static(list, rows, RTE_DIM(rows), TABLE);
	assert_int_equal(list->count, 4);
	assert_int_equal(list->timed, 1); /* the other is the configuration's now */
	assert_int_equal(list->sweep_left, TABLE);
	assert_int_equal(blacklist_add(list, &timed[1], TABLE), -EEXIST);
	assert_int_equal(blacklist_delete(list, &rows[0].prefix, 16, BLACKLIST_SOURCE), -EPERM);
	assert_int_equal(
		blacklist_delete(list, &rows[0].prefix, 16, BLACKLIST_DESTINATION), -ENOENT);
	assert_int_equal(blacklist_delete(list, &rows[0].prefix, 17, BLACKLIST_SOURCE), -ENOENT);

	list->sweep_left = 0;
	blacklist_set_static(list, rows, RTE_DIM(rows), TABLE); /* the same again */
	assert_int_equal(list->sweep_left, 0);
	blacklist_set_static(list, &rows[3], 1, TABLE);
	assert_int_equal(list->count, 2);
	assert_int_equal(find4(IPV4(10, 1, 0, 1), 1, now), BLACKLIST_NONE);
	assert_int_equal(find4(IPV4(10, 2, 0, 1), 1, now), BLACKLIST_NONE);
	assert_int_not_equal(find4(1, IPV4(10, 3, 0, 1), now), BLACKLIST_NONE);
	assert_int_not_equal(find4(IPV4(10, 3, 0, 1), 1, now), BLACKLIST_NONE);
	assert_int_equal(blacklist_clear(list), 1);
	blacklist_set_static(list, NULL, 0, TABLE);
	assert_null(blacklist_current(list));
}

static void
a_full_list_refuses_and_nothing_is_lost(void **state)
{
	struct blacklist_entry *rows = calloc(BLACKLIST_STATIC_MAX, sizeof(*rows));
	const struct blacklist_entry one = entry4(IPV4(9, 9, 9, 9), 32, BLACKLIST_SOURCE);

	(void)state;
	for (uint32_t i = 0; i < BLACKLIST_STATIC_MAX; i++)
		rows[i] = entry4(IPV4(10, 0, 0, 0) + i, 32, BLACKLIST_SOURCE);
	/* Put there by hand, since each that is added is published. */
	for (uint32_t i = 0; i < BLACKLIST_TIMED_MAX - 1; i++)
		list->entries[i] = entry4(IPV4(11, 0, 0, 0) + i, 32, BLACKLIST_SOURCE);
	list->count = list->timed = list->high = BLACKLIST_TIMED_MAX - 1;
	blacklist_set_static(list, rows, BLACKLIST_STATIC_MAX, TABLE);
	rows[0] = entry4(IPV4(11, 0, 0, 0) + BLACKLIST_TIMED_MAX - 1, 32, BLACKLIST_SOURCE);
	assert_int_equal(blacklist_add(list, &rows[0], TABLE), 0);
	assert_int_equal(list->count, BLACKLIST_STATIC_MAX + BLACKLIST_TIMED_MAX);
	assert_int_equal(blacklist_add(list, &one, TABLE), -ENOSPC);
	for (uint32_t i = 0; i < BLACKLIST_STATIC_MAX; i++) {
		assert_int_not_equal(find4(IPV4(10, 0, 0, 0) + i, 1, now), BLACKLIST_NONE);
		assert_int_not_equal(find4(IPV4(11, 0, 0, 0) + i, 1, now), BLACKLIST_NONE);
	}
	assert_int_equal(find4(IPV4(9, 9, 9, 9), 1, now), BLACKLIST_NONE);
	assert_int_equal(blacklist_clear(list), BLACKLIST_TIMED_MAX);
	assert_int_equal(blacklist_add(list, &one, TABLE), 0);
	free(rows);
}

static void
hits_are_the_entrys_own(void **state)
{
	const struct blacklist_entry a = entry4(IPV4(10, 1, 1, 1), 32, BLACKLIST_SOURCE);
	const struct blacklist_entry b = entry4(IPV4(10, 1, 1, 2), 32, BLACKLIST_SOURCE);

	(void)state;
	blacklist_add(list, &a, TABLE);
	blacklist_hit(list, 0, 0);
	blacklist_hit(list, 1, 0);
	assert_int_equal(blacklist_hits(list, 0), 2);
	blacklist_delete(list, &a.prefix, a.len, BLACKLIST_SOURCE);
	blacklist_add(list, &b, TABLE); /* takes the slot */
	assert_int_equal(blacklist_hits(list, 0), 0);
	blacklist_hit(list, 1, 0);
	assert_int_equal(blacklist_hits(list, 0), 1);
	blacklist_reset_hits(list);
	assert_int_equal(blacklist_hits(list, 0), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_answer_as_a_search_through_the_list),
		CASE(DOS_02_an_entry_ends_on_time_and_is_removed),
		CASE(adding_again_makes_it_longer_never_shorter),
		CASE(a_configuration_replaces_its_own_entries_only),
		CASE(a_full_list_refuses_and_nothing_is_lost),
		CASE(hits_are_the_entrys_own),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
