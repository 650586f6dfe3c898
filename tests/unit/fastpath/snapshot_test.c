/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipv6.h"
#include "snapshot.h"

#include <rte_common.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct snapshot *
with_addresses(void)
{
	static const struct {
		const char *address;
		uint16_t interface;
		uint8_t vrid;
	} rows[] = {
		{ "2001:db8:2::2", 2, 0 },
		{ "fe80::1", 2, 0 },
		{ "2001:db8:1::1", 1, 7 },
		{ "fe80::1", 1, 0 }, /* the same link-local address on two links */
		{ "2001:db8:1::2", 1, 0 },
		{ "2001:db8:1::2", 1, 9 }, /* virtual too: the interface's own wins */
		{ "fe80::2", 2, 0 },
	};
	struct snapshot *s = snapshot_create(0, RTE_DIM(rows));

	assert_non_null(s);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		memcpy(s->addresses6[i].address, ipv6(rows[i].address).b, IP6_LEN);
		s->addresses6[i].interface = rows[i].interface;
		s->addresses6[i].vrid = rows[i].vrid;
	}
	snapshot_sort6(s);
	return s;
}

static void
own_addresses_are_found_link_local_ones_on_their_link(void **state)
{
	static const struct {
		const char *address;
		uint16_t interface; /* where it was seen */
		int owner;	    /* -1: not ours */
		int vrid;
	} rows[] = {
		{ "2001:db8:2::2", 2, 2, 0 },
		{ "2001:db8:2::2", 1, 2, 0 }, /* by any way */
		{ "2001:db8:1::1", 1, 1, 7 },
		{ "2001:db8:1::2", 1, 1, 0 },
		{ "2001:db8:1::3", 1, -1, 0 },
		{ "fe80::1", 1, 1, 0 },
		{ "fe80::1", 2, 2, 0 },
		{ "fe80::1", 0, -1, 0 },
		{ "fe80::1", 3, -1, 0 },
		{ "fe80::2", 2, 2, 0 },
		{ "fe80::2", 1, -1, 0 },
		{ "::", 1, -1, 0 },
		{ "ffff::", 1, -1, 0 },
	};
	struct snapshot *s = with_addresses();

	(void)state;
	assert_int_equal(s->address6_count, 6);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct snapshot_address6 *own =
			snapshot_own_address6(s, rows[i].interface, ipv6(rows[i].address).b);

		assert_int_equal(own != NULL ? own->interface : -1, rows[i].owner);
		if (own != NULL)
			assert_int_equal(own->vrid, rows[i].vrid);
	}
	snapshot_destroy(s);
}

static void
without_addresses_nothing_is_ours(void **state)
{
	struct snapshot *s = snapshot_create(0, 0);

	(void)state;
	assert_null(snapshot_own_address6(s, 0, ipv6("::").b));
	snapshot_sort6(s);
	assert_int_equal(s->address6_count, 0);
	snapshot_destroy(s);
}

static void
on_link_are_the_subnets_and_the_link_local_network(void **state)
{
	struct snapshot_interface in = { .address6_count = 2,
		.addresses6 = { { .len = 64 }, { .len = 127 } } };
	const struct snapshot_interface without = { 0 };

	(void)state;
	memcpy(in.addresses6[0].address, ipv6("2001:db8:1::2").b, IP6_LEN);
	memcpy(in.addresses6[1].address, ipv6("2001:db8:9::2").b, IP6_LEN);
	assert_true(snapshot_on_link6(&in, ipv6("2001:db8:1::ffff").b));
	assert_true(snapshot_on_link6(&in, ipv6("2001:db8:9::3").b));
	assert_false(snapshot_on_link6(&in, ipv6("2001:db8:9::4").b));
	assert_false(snapshot_on_link6(&in, ipv6("2001:db8:2::1").b));
	assert_true(snapshot_on_link6(&in, ipv6("fe80::77").b));
	assert_false(snapshot_on_link6(&without, ipv6("fe80::77").b));
}

static void
edges_are_the_ends_of_connected_subnets(void **state)
{
	static const struct {
		const char *address;
		bool edge;
	} rows[] = {
		{ "10.1.1.0", true },
		{ "10.1.1.255", true },
		{ "10.1.1.1", false },
		{ "10.1.0.255", false },
		{ "10.1.2.0", false },
		{ "172.16.0.0", true },
		{ "172.16.255.255", true },
		{ "172.16.0.255", false },
		{ "192.0.2.5", false }, /* of a /31 */
		{ "192.0.2.8", false }, /* of a /32 */
		{ "192.0.2.12", true },
		{ "192.0.2.15", true },
		{ "0.0.0.0", false },
	};
	struct snapshot *s = snapshot_create(6, 0);

	(void)state;
	snapshot_add_subnet(s, inet_addr("172.16.3.1"), 16);
	snapshot_add_subnet(s, inet_addr("10.1.1.2"), 24);
	snapshot_add_subnet(s, inet_addr("10.1.1.1"), 24); /* again */
	snapshot_add_subnet(s, inet_addr("192.0.2.5"), 31);
	snapshot_add_subnet(s, inet_addr("192.0.2.8"), 32);
	snapshot_add_subnet(s, inet_addr("192.0.2.13"), 30);
	snapshot_add_subnet(s, 0, 0); /* an interface without an address */
	assert_int_equal(s->edge_count, 6);
	snapshot_seal(s);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(snapshot_is_edge(s, inet_addr(rows[i].address)), rows[i].edge);
	snapshot_destroy(s);
}

static void
the_filter_hides_no_address_of_ours(void **state)
{
	enum { COUNT = 300 };
	struct snapshot *s = snapshot_create(COUNT, 0);
	uint32_t others = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++)
		s->addresses[i] = (struct snapshot_address){ .address = rte_cpu_to_be_32(
								     0x0a000001 + 257 * i) };
	snapshot_seal(s);
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_ptr_equal(
			snapshot_own_address(s, s->addresses[i].address), &s->addresses[i]);
		assert_null(snapshot_own_address(s, rte_cpu_to_be_32(0x0a000002 + 257 * i)));
		others += snapshot_may_know(s, rte_cpu_to_be_32(0xc0000000 + 7919 * i));
	}
	assert_true(others < COUNT / 2); /* and keeps most others from the search */
	snapshot_destroy(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_addresses_are_found_link_local_ones_on_their_link),
		cmocka_unit_test(without_addresses_nothing_is_ours),
		cmocka_unit_test(the_filter_hides_no_address_of_ours),
		cmocka_unit_test(edges_are_the_ends_of_connected_subnets),
		cmocka_unit_test(on_link_are_the_subnets_and_the_link_local_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
