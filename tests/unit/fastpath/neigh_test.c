/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipv6.h"
#include "neigh.h"
#include "rcu.h"
#include "test_eal.h"

#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MAX 32

static const struct rte_ether_addr ours = { { 2, 0, 0, 0, 0, 1 } };
static const struct rte_ether_addr theirs = { { 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee } };
static struct rcu *rcu;
static struct neigh_table *table;
static int reader;

static int
setup(void **state)
{
	(void)state;
	rcu = rcu_create(SOCKET_ID_ANY);
	table = neigh_table_create("t", MAX, rcu, SOCKET_ID_ANY);
	reader = rcu_register(rcu);
	return rcu == NULL || table == NULL || reader < 0;
}

static int
teardown(void **state)
{
	(void)state;
	rcu_unregister(rcu, reader);
	neigh_table_destroy(table);
	rcu_destroy(rcu);
	return 0;
}

static void
an_entry_is_found_by_interface_and_address(void **state)
{
	const uint32_t a = neigh_add(table, 1, RTE_BE32(0x0a010109), 3, &ours);
	const uint32_t b = neigh_add(table, 2, RTE_BE32(0x0a010109), 4, &ours);
	struct rte_ether_addr mac;
	uint64_t word;

	(void)state;
	assert_int_not_equal(a, b);
	assert_int_equal(neigh_find(table, 1, RTE_BE32(0x0a010109)), a);
	assert_int_equal(neigh_find(table, 2, RTE_BE32(0x0a010109)), b);
	assert_int_equal(neigh_find(table, 3, RTE_BE32(0x0a010109)), NEIGH_NONE);
	assert_int_equal(neigh_add(table, 1, RTE_BE32(0x0a010109), 3, &ours), a);
	assert_int_equal(
		neigh_word_state(atomic_load(&neigh_at(table, a)->word)), NEIGH_INCOMPLETE);
	neigh_set(table, a, NEIGH_REACHABLE, &theirs);
	neigh_set(table, a, NEIGH_STALE, NULL);
	word = atomic_load(&neigh_at(table, a)->word);
	assert_int_equal(neigh_word_state(word), NEIGH_STALE);
	neigh_word_mac(word, &mac);
	assert_memory_equal(&mac, &theirs, sizeof(mac));
	assert_int_equal(neigh_count(table), 2);
}

static void
both_families_share_the_slots_and_never_meet(void **state)
{
	const struct ipv6 one = ipv6("fe80::1"), like_v4 = ipv6("a01:109::");
	const uint32_t v4 = neigh_add(table, 1, RTE_BE32(0x0a010109), 3, &ours);
	const uint32_t a = neigh_add6(table, 1, one.b, 3, &ours);
	const uint32_t b = neigh_add6(table, 2, one.b, 4, &ours);
	const uint32_t c = neigh_add6(table, 1, like_v4.b, 3, &ours);
	const struct ip_addr address = ip_addr_v6(one.b);
	struct ip_addr of;

	(void)state;
	assert_int_equal(neigh_count(table), 4);
	assert_int_equal(neigh_add6(table, 1, one.b, 3, &ours), a);
	assert_int_equal(neigh_find6(table, 1, one.b), a);
	assert_int_equal(neigh_find6(table, 2, one.b), b);
	assert_int_equal(neigh_find6(table, 3, one.b), NEIGH_NONE);
	assert_int_equal(neigh_find6(table, 1, like_v4.b), c);
	assert_int_equal(neigh_find(table, 1, RTE_BE32(0x0a010109)), v4);
	of = neigh_address(neigh_at(table, b));
	assert_true(ip_addr_equal(&of, &address));
	of = neigh_address(neigh_at(table, v4));
	assert_int_equal(of.family, 4);

	/* The key of a removed entry is free again after the grace period. */
	neigh_remove(table, a);
	assert_int_equal(neigh_find6(table, 1, one.b), NEIGH_NONE);
	assert_int_equal(neigh_find6(table, 2, one.b), b);
	neigh_poll(table);
	rcu_quiescent(rcu, reader);
	neigh_poll(table);
	assert_int_equal(neigh_add6(table, 1, one.b, 3, &ours), a);
}

static void
a_removed_slot_waits_for_its_readers(void **state)
{
	uint32_t removed;

	(void)state;
	for (uint32_t i = 0; i < MAX; i++)
		assert_int_not_equal(
			neigh_add(table, 0, rte_cpu_to_be_32(i), 0, &ours), NEIGH_NONE);
	assert_int_equal(neigh_add(table, 0, RTE_BE32(99), 0, &ours), NEIGH_NONE);

	removed = neigh_find(table, 0, RTE_BE32(7));
	neigh_remove(table, removed);
	neigh_remove(table, removed); /* twice does no harm */
	assert_int_equal(neigh_find(table, 0, RTE_BE32(7)), NEIGH_NONE);
	neigh_poll(table); /* the reader may still look at it */
	assert_int_equal(neigh_add(table, 0, RTE_BE32(99), 0, &ours), NEIGH_NONE);

	rcu_quiescent(rcu, reader);
	neigh_poll(table);
	assert_int_equal(neigh_add(table, 0, RTE_BE32(99), 0, &ours), removed);
	assert_int_equal(neigh_count(table), MAX);
}

static void
slots_do_not_leak_over_many_rounds(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 1000; round++) {
		for (uint32_t i = 0; i < MAX; i++) {
			const uint32_t number = round * MAX + i;
			struct ipv6 address = ipv6("fe80::");
			uint32_t n;

			memcpy(&address.b[12], &number, sizeof(number));
			n = i % 2 == 0 ? neigh_add(table, 0, number, 0, &ours)
				       : neigh_add6(table, 0, address.b, 0, &ours);

			assert_int_not_equal(n, NEIGH_NONE);
			neigh_remove(table, n);
		}
		neigh_poll(table);
		rcu_quiescent(rcu, reader);
		neigh_poll(table);
	}
	assert_int_equal(neigh_count(table), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_entry_is_found_by_interface_and_address, setup, teardown),
		cmocka_unit_test_setup_teardown(
			both_families_share_the_slots_and_never_meet, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_removed_slot_waits_for_its_readers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			slots_do_not_leak_over_many_rounds, setup, teardown),
	};

	test_eal_start(128, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
