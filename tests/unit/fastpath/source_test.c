/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of sources (DOS-07): bounded, and nobody who is counted is lost. */
#include "ipv4.h"
#include "scan.h"
#include "source.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct source_table table;

static int
setup(void **state)
{
	(void)state;
	return source_table_create(&table);
}

static int
teardown(void **state)
{
	(void)state;
	source_table_destroy(&table);
	table = (struct source_table){ 0 };
	return 0;
}

static uint32_t
find4(uint8_t zone, uint8_t len, uint32_t address, uint32_t now_s, uint32_t *tag)
{
	const rte_be32_t a = rte_cpu_to_be_32(address);

	return source_find(&table, zone, 4, len, &a, now_s, tag);
}

static void
a_source_is_a_prefix_in_a_zone(void **state)
{
	static const struct {
		uint8_t zone, len;
		uint32_t address;
		bool same;
	} rows[] = {
		{ 2, 32, IPV4(10, 1, 1, 10), true },
		{ 3, 32, IPV4(10, 1, 1, 10), false },
		{ 2, 32, IPV4(10, 1, 1, 11), false },
		{ 2, 31, IPV4(10, 1, 1, 10), false },
		{ 2, 24, IPV4(10, 1, 1, 10), false },
	};
	uint32_t tag, first = find4(2, 32, IPV4(10, 1, 1, 10), 1, &tag);
	uint32_t net;
	struct ip_addr a;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			find4(rows[i].zone, rows[i].len, rows[i].address, 1, &tag) == first,
			rows[i].same);
	net = find4(2, 24, IPV4(10, 1, 1, 200), 1, &tag);
	assert_int_equal(net, find4(2, 24, IPV4(10, 1, 1, 10), 1, &tag));
	a = source_address(&table.entries[net]);
	assert_int_equal(a.family, 4);
	assert_int_equal(a.v4, RTE_BE32(IPV4(10, 1, 1, 0)));
}

static void
an_IPv6_source_is_told_by_all_its_bits_up_to_the_length(void **state)
{
	uint8_t address[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	uint32_t tag, net, host;
	struct ip_addr a;

	(void)state;
	net = source_find(&table, 2, 6, 64, address, 1, &tag);
	host = source_find(&table, 2, 6, 128, address, 1, &tag);
	address[15] = 2;
	assert_int_equal(source_find(&table, 2, 6, 64, address, 1, &tag), net);
	assert_int_not_equal(source_find(&table, 2, 6, 128, address, 1, &tag), host);
	address[7] = 1;
	assert_int_not_equal(source_find(&table, 2, 6, 64, address, 1, &tag), net);
	a = source_address(&table.entries[host]);
	assert_int_equal(a.v6[15], 1);
	assert_int_equal(source_address(&table.entries[net]).v6[15], 0);
}

static void
a_limit_holds_and_a_release_makes_room(void **state)
{
	uint32_t tag, slot = find4(2, 32, 1, 1, &tag);
	struct source *s = &table.entries[slot];

	(void)state;
	assert_int_equal(source_hold(s, tag, 2), 1);
	assert_int_equal(source_hold(s, tag, 2), 1);
	assert_int_equal(source_hold(s, tag, 2), 0);
	assert_int_equal(source_hold(s, tag, 0), 1); /* no limit */
	assert_int_equal(source_sessions(s), 3);
	source_release(s);
	source_release(s);
	assert_int_equal(source_hold(s, tag, 2), 1);
	assert_int_equal(source_hold(s, tag ^ 4, 0), -1); /* it is another one's */
}

static void
DOS_07_the_table_is_bounded_and_who_is_held_stays(void **state)
{
	const uint32_t many = 3 * SOURCES;
	uint32_t held = 0, refused = 0, sessions = 0, tag;

	(void)state;
	for (uint32_t i = 0; i < many; i++) {
		const uint32_t slot = find4(2, 32, i, 1 + i / 1000, &tag);

		if (slot == SOURCE_NONE) {
			refused++;
			continue;
		}
		assert_int_equal(source_hold(&table.entries[slot], tag, 0), 1);
		held++;
	}
	assert_int_equal(held + refused, many);
	assert_int_equal(table.unknown, refused);
	assert_in_range(held, SOURCES / 2, SOURCES);
	for (uint32_t i = 0; i < SOURCES; i++)
		sessions += source_sessions(&table.entries[i]);
	assert_int_equal(sessions, held);
}

static void
who_has_been_quiet_for_the_longest_makes_room(void **state)
{
	uint32_t tag, kept, lost = 0;

	(void)state;
	for (uint32_t i = 0; i < 4 * SOURCES; i++)
		assert_int_not_equal(find4(2, 32, i, 1, &tag), SOURCE_NONE);
	/* Some that go on are never replaced by those that come once. */
	for (uint32_t i = 0; i < 100; i++)
		(void)find4(3, 32, i, 2, &tag);
	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 1000; i++)
			(void)find4(2, 32, 1000000 + round * 1000 + i, 3 + round, &tag);
		for (uint32_t i = 0; i < 100; i++) {
			kept = find4(3, 32, i, 3 + round, &tag);
			/* `refused` tells whether it is the entry of before. */
			lost += round > 0 && table.entries[kept].refused != round;
			table.entries[kept].refused = round + 1;
		}
	}
	assert_int_equal(table.unknown, 0);
	assert_int_equal(lost, 0);
}

static void
DOS_04_bits_of_a_map_for_so_many_tries(void **state)
{
	static const struct {
		uint32_t size, tries, bits;
	} rows[] = { { 256, 0, 0 }, { 256, 1, 1 }, { 256, 5, 5 }, { 256, 100, 83 },
		{ 256, SCAN_PORTS_MAX, 220 }, { 128, 100, 70 }, { 128, SCAN_HOSTS_MAX, 110 } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(scan_bits(rows[i].size, rows[i].tries), rows[i].bits);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_source_is_a_prefix_in_a_zone),
		CASE(an_IPv6_source_is_told_by_all_its_bits_up_to_the_length),
		CASE(a_limit_holds_and_a_release_makes_room),
		CASE(DOS_07_the_table_is_bounded_and_who_is_held_stays),
		CASE(who_has_been_quiet_for_the_longest_makes_room),
		CASE(DOS_04_bits_of_a_map_for_so_many_tries),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
