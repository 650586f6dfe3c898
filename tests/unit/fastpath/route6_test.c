/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipv6.h"
#include "rcu.h"
#include "route6.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MAX    4096
#define RANDOM 600

static struct rcu *rcu;
static struct route6_table *table;

static struct route6
route(const char *prefix, uint8_t len, uint16_t interface, const char *gateway)
{
	struct route6 r = { .len = len, .interface = interface };

	memcpy(r.prefix, ipv6(prefix).b, IP6_LEN);
	memcpy(r.gateway, ipv6(gateway).b, IP6_LEN);
	return r;
}

/* Look `dst` up and compare; interface -1: no route expected. */
static void
expect(const char *dst, int interface, const char *via)
{
	const struct ipv6 to = ipv6(dst);
	const uint8_t *hop = NULL;
	uint16_t out = UINT16_MAX;

	if (!route6_lookup(table, to.b, &out, &hop)) {
		assert_int_equal(interface, -1);
		return;
	}
	assert_int_equal(out, interface);
	assert_memory_equal(hop, ipv6(via).b, IP6_LEN);
}

static int
setup(void **state)
{
	(void)state;
	rcu = rcu_create(SOCKET_ID_ANY);
	table = route6_table_create("t", MAX, rcu, SOCKET_ID_ANY);
	return rcu == NULL || table == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	route6_table_destroy(table);
	rcu_destroy(rcu);
	return 0;
}

static uint32_t
first_set(struct route6 *r)
{
	uint32_t n = 0;

	r[n++] = route("2001:db8:1::", 64, 0, "::");
	r[n++] = route("2001:db8:200::", 64, 2, "::");
	r[n++] = route("::", 0, 2, "fe80::fe");
	r[n++] = route("2001:db8:5000::", 36, 2, "2001:db8:200::fd");
	r[n++] = route("2001:db8:5000:8000::", 49, 0, "2001:db8:1::9");
	r[n++] = route("2001:db8:5000:8000::7", 128, 1, "2001:db8:3::9");
	return n;
}

static void
longest_prefix_wins_and_connected_routes_are_their_own_next_hop(void **state)
{
	struct route6 r[8];
	const uint32_t n = first_set(r);

	(void)state;
	expect("2001:db8:1::1", -1, NULL);
	assert_int_equal(route6_table_set(table, r, n), 0);
	expect("2001:db8:1::77", 0, "2001:db8:1::77");
	expect("2001:db8:200::a", 2, "2001:db8:200::a");
	expect("2001:db8:1:1::77", 2, "fe80::fe");
	expect("8000::1", 2, "fe80::fe");
	expect("2001:db8:5001::1", 2, "2001:db8:200::fd");
	expect("2001:db8:5000:8000::6", 0, "2001:db8:1::9");
	expect("2001:db8:5000:8000::7", 1, "2001:db8:3::9");
	expect("2001:db8:5000:7fff::7", 2, "2001:db8:200::fd");
}

static void
a_new_set_replaces_the_old_one(void **state)
{
	struct route6 r[8];
	const uint32_t n = first_set(r);
	const struct route6 second[] = { route("2001:db8:1::", 64, 5, "::") };
	const struct route6 *list;

	(void)state;
	assert_int_equal(route6_table_set(table, r, n), 0);
	assert_int_equal(route6_table_set(table, second, 1), 0);
	expect("2001:db8:1::1", 5, "2001:db8:1::1");
	expect("8000::1", -1, NULL);
	assert_int_equal(route6_table_list(table, &list), 1);
	assert_int_equal(list[0].interface, 5);
	assert_int_equal(route6_table_set(table, NULL, 0), 0);
	expect("2001:db8:1::1", -1, NULL);
	assert_int_equal(route6_table_list(table, &list), 0);
}

static void
a_refused_set_changes_nothing(void **state)
{
	const struct route6 twice[] = { route("2001:db8:9::", 48, 1, "::"),
		route("2001:db8:9::", 48, 2, "::") };
	const struct route6 host_bits[] = { route("2001:db8:9::1", 64, 1, "::") };
	static struct route6 many[MAX + 1];
	struct route6 r[8];
	const uint32_t n = first_set(r);

	(void)state;
	assert_int_equal(route6_table_set(table, r, n), 0);
	assert_int_equal(route6_table_set(table, twice, 2), -EEXIST);
	assert_int_equal(route6_table_set(table, host_bits, 1), -EINVAL);
	assert_int_equal(route6_table_set(table, many, MAX + 1), -ENOSPC);
	expect("2001:db8:5000:8000::7", 1, "2001:db8:3::9");
	expect("2001:db8:9::1", 2, "fe80::fe"); /* by the default route */
}

static void
memory_does_not_run_out_over_many_changes(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 100; i++) {
		const struct route6 r[] = { route("2001:db8::", 32, i, "fe80::1") };

		assert_int_equal(route6_table_set(table, r, 1), 0);
		assert_int_equal(route6_table_set(table, r, 1), 0); /* the same: no work */
		expect("2001:db8::9", i, "fe80::1");
	}
}

/* A small generator that gives the same numbers everywhere. */
static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Few different bytes, so that prefixes lie inside each other. */
static void
random_address(uint64_t *seed, uint8_t a[IP6_LEN])
{
	for (unsigned int i = 0; i < IP6_LEN; i++)
		a[i] = (uint8_t)(next_random(seed) & 0x81);
}

static void
the_same_answer_as_a_search_through_the_list(void **state)
{
	static struct route6 r[RANDOM];
	uint64_t seed = 42;
	uint32_t n = 0, found = 0;

	(void)state;
	while (n < RANDOM) {
		bool known = false;

		memset(&r[n], 0, sizeof(r[n]));
		random_address(&seed, r[n].prefix);
		r[n].len = (uint8_t)(next_random(&seed) % 129);
		ip6_mask(r[n].prefix, r[n].len);
		r[n].interface = (uint16_t)n;
		r[n].gateway[0] = 0xfe;
		r[n].gateway[15] = (uint8_t)(n % 7 + 1);
		for (uint32_t i = 0; i < n && !known; i++)
			known = r[i].len == r[n].len && ip6_equal(r[i].prefix, r[n].prefix);
		n += !known && r[n].len > 3;
	}
	assert_int_equal(route6_table_set(table, r, n), 0);
	for (unsigned int k = 0; k < 20000; k++) {
		const struct route6 *best = NULL;
		const uint8_t *hop;
		uint8_t dst[IP6_LEN];
		uint16_t interface;

		random_address(&seed, dst);
		for (uint32_t i = 0; i < n; i++) {
			if (ip6_in_prefix(dst, r[i].prefix, r[i].len) &&
				(best == NULL || r[i].len > best->len))
				best = &r[i];
		}
		assert_int_equal(route6_lookup(table, dst, &interface, &hop), best != NULL);
		if (best == NULL)
			continue;
		found++;
		assert_int_equal(interface, best->interface);
		assert_memory_equal(hop, best->gateway, IP6_LEN);
	}
	assert_true(found > 10000);
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
			memory_does_not_run_out_over_many_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_same_answer_as_a_search_through_the_list, setup, teardown),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
