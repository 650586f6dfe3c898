/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipv4.h"
#include "rcu.h"
#include "route.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_memory.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rcu *rcu;
static struct route_table *table;

#define GW(last) RTE_BE32(IPV4(200, 1, 1, (last)))

static const struct route first[] = {
	{ IPV4(10, 1, 1, 0), 24, 0, 0 },
	{ IPV4(200, 1, 1, 0), 24, 2, 0 },
	{ 0, 0, 2, GW(254) },
	{ IPV4(172, 16, 0, 0), 12, 2, GW(253) },
	{ IPV4(172, 16, 5, 128), 25, 0, RTE_BE32(IPV4(10, 1, 1, 9)) },
};

/* Look `dst` up; => interface, or -1; *via = next hop in host order. */
static int
look(uint32_t dst, uint32_t *via)
{
	uint16_t interface;
	rte_be32_t hop;

	if (!route_lookup(table, rte_cpu_to_be_32(dst), &interface, &hop))
		return -1;
	*via = rte_be_to_cpu_32(hop);
	return interface;
}

static int
setup(void **state)
{
	(void)state;
	rcu = rcu_create(SOCKET_ID_ANY);
	table = route_table_create("t", 64, rcu, SOCKET_ID_ANY);
	return rcu == NULL || table == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	route_table_destroy(table);
	rcu_destroy(rcu);
	return 0;
}

static void
longest_prefix_wins_and_connected_routes_are_their_own_next_hop(void **state)
{
	static const struct {
		uint32_t dst;
		int interface;
		uint32_t via;
	} rows[] = {
		{ IPV4(10, 1, 1, 77), 0, IPV4(10, 1, 1, 77) },
		{ IPV4(8, 8, 8, 8), 2, IPV4(200, 1, 1, 254) },
		{ IPV4(172, 16, 5, 1), 2, IPV4(200, 1, 1, 253) },
		{ IPV4(172, 16, 5, 129), 0, IPV4(10, 1, 1, 9) },
		{ IPV4(200, 1, 1, 10), 2, IPV4(200, 1, 1, 10) },
	};
	uint32_t via = 0;

	(void)state;
	assert_int_equal(look(IPV4(10, 1, 1, 1), &via), -1);
	assert_int_equal(route_table_set(table, first, RTE_DIM(first)), 0);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		assert_int_equal(look(rows[i].dst, &via), rows[i].interface);
		assert_int_equal(via, rows[i].via);
	}
}

static void
a_new_set_replaces_the_old_one(void **state)
{
	const struct route second[] = { { IPV4(10, 1, 1, 0), 24, 5, 0 },
		{ IPV4(172, 16, 0, 0), 12, 2, GW(99) } };
	const struct route *list;
	uint32_t via = 0;

	(void)state;
	assert_int_equal(route_table_set(table, first, RTE_DIM(first)), 0);
	assert_int_equal(route_table_set(table, second, RTE_DIM(second)), 0);
	assert_int_equal(look(IPV4(10, 1, 1, 1), &via), 5);
	assert_int_equal(look(IPV4(172, 16, 5, 129), &via), 2);
	assert_int_equal(via, IPV4(200, 1, 1, 99));
	assert_int_equal(look(IPV4(8, 8, 8, 8), &via), -1);
	assert_int_equal(route_table_list(table, &list), 2);
}

static void
a_refused_set_changes_nothing(void **state)
{
	const struct route twice[] = { { IPV4(10, 9, 0, 0), 16, 1, 0 },
		{ IPV4(10, 9, 0, 0), 16, 2, 0 } };
	const struct route host_bits[] = { { IPV4(10, 9, 0, 1), 16, 1, 0 } };
	struct route many[65] = { 0 };
	uint32_t via = 0;

	(void)state;
	assert_int_equal(route_table_set(table, first, RTE_DIM(first)), 0);
	assert_int_equal(route_table_set(table, twice, 2), -EEXIST);
	assert_int_equal(route_table_set(table, host_bits, 1), -EINVAL);
	assert_int_equal(route_table_set(table, many, 65), -ENOSPC);
	assert_int_equal(look(IPV4(172, 16, 5, 129), &via), 0);
	assert_int_equal(look(IPV4(10, 9, 0, 1), &via), 2); /* by the default route */
}

static void
hops_do_not_run_out_over_many_changes(void **state)
{
	uint32_t via = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct route r[64];

		for (uint32_t k = 0; k < RTE_DIM(r); k++)
			r[k] = (struct route){ IPV4(10, k, 0, 0), 16, 1,
				rte_cpu_to_be_32(IPV4(200, 1, 0, 0) + i * 64 + k) };
		assert_int_equal(route_table_set(table, r, RTE_DIM(r)), 0);
		assert_int_equal(look(IPV4(10, 63, 1, 1), &via), 1);
		assert_int_equal(via, IPV4(200, 1, 0, 0) + i * 64 + 63);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			longest_prefix_wins_and_connected_routes_are_their_own_next_hop, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_new_set_replaces_the_old_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_set_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			hops_do_not_run_out_over_many_changes, setup, teardown),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
