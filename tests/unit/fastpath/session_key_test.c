/* SPDX-License-Identifier: BSD-3-Clause */
/* Canonical keys: both directions of a connection give one key and opposite swap bits. */
#include "session_key.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *what;
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto, swap;
};

static const struct row rows[] = {
	{ "lower address first", 0x0a010101, 0xc8010101, 40000, 80, 6, 0 },
	{ "higher address first", 0xc8010101, 0x0a010101, 80, 40000, 6, 1 },
	{ "order is of numbers, not of bytes in memory", 0x01000002, 0x02000001, 5, 5, 17, 0 },
	{ "same address, lower port", 0x7f000001, 0x7f000001, 10, 300, 17, 0 },
	{ "same address, higher port", 0x7f000001, 0x7f000001, 300, 10, 17, 1 },
	{ "both endpoints equal", 0x7f000001, 0x7f000001, 7, 7, 6, 0 },
	{ "highest values", 0xffffffff, 0xfffffffe, 65535, 65535, 6, 1 },
	{ "no ports", 0x0a010101, 0xc8010101, 0, 0, 47, 0 },
};

static uint8_t
make(struct session_key4 *k, const struct row *r, bool reply)
{
	const uint32_t src = reply ? r->dst : r->src, dst = reply ? r->src : r->dst;
	const uint16_t sport = reply ? r->dport : r->sport, dport = reply ? r->sport : r->dport;

	memset(k, 0xee, sizeof(*k)); /* every byte must be written */
	return session_key4_make(k, rte_cpu_to_be_32(src), rte_cpu_to_be_32(dst),
		rte_cpu_to_be_16(sport), rte_cpu_to_be_16(dport), r->proto);
}

static void
both_directions_give_one_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct row *r = &rows[i];
		const bool same = r->src == r->dst && r->sport == r->dport;
		struct session_key4 k, reply;

		print_message("%s\n", r->what);
		assert_int_equal(make(&k, r, false), r->swap);
		assert_int_equal(make(&reply, r, true), same ? 0 : !r->swap);
		assert_memory_equal(&k, &reply, sizeof(k));
		assert_int_equal(k.pad, 0);
		assert_int_equal(k.vsys, 0);
	}
}

static void
the_tuple_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct row *r = &rows[i];
		struct session_key4 k;
		const uint8_t swap = make(&k, r, false);
		const struct session_tuple4 t = session_key4_tuple(&k, swap);

		assert_int_equal(rte_be_to_cpu_32(t.src), r->src);
		assert_int_equal(rte_be_to_cpu_32(t.dst), r->dst);
		assert_int_equal(rte_be_to_cpu_16(t.sport), r->sport);
		assert_int_equal(rte_be_to_cpu_16(t.dport), r->dport);
		assert_int_equal(t.proto, r->proto);
	}
}

static void
different_tuples_give_different_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		for (size_t j = 0; j < RTE_DIM(rows); j++) {
			struct session_key4 a, b;

			make(&a, &rows[i], false);
			make(&b, &rows[j], false);
			if (i == j || (i < 2 && j < 2) || (i - 3 < 2 && j - 3 < 2))
				continue; /* those are each other's reverse */
			assert_memory_not_equal(&a, &b, sizeof(a));
		}
}

/* The same for IPv6, with the difference at either end of the address, and none. */
static void
ipv6_both_directions_give_one_key_and_the_tuple_comes_back(void **state)
{
	static const struct {
		uint8_t src[16], dst[16];
		uint16_t sport, dport;
		uint8_t swap;
	} table[] = {
		{ { 0x20, 1 }, { 0x20, 2 }, 9, 1, 0 },
		{ { 0x20, 2 }, { 0x20, 1 }, 1, 9, 1 },
		{ { 0x20, [15] = 1 }, { 0x20, [15] = 0x80 }, 9, 1, 0 },
		{ { 0x20, [8] = 1 }, { 0x20, [15] = 0x80 }, 1, 9, 1 },
		{ { 0x20, [7] = 1, [8] = 9 }, { 0x20, [7] = 2, [8] = 1 }, 9, 1, 0 },
		{ { 0x20 }, { 0x20 }, 256, 255, 1 },
		{ { 0x20 }, { 0x20 }, 255, 256, 0 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(table); i++) {
		const rte_be16_t sport = rte_cpu_to_be_16(table[i].sport);
		const rte_be16_t dport = rte_cpu_to_be_16(table[i].dport);
		struct session_key6 k, reply;
		struct session_tuple6 t;

		memset(&k, 0xee, sizeof(k));
		assert_int_equal(
			session_key6_make(&k, table[i].src, table[i].dst, sport, dport, 17),
			table[i].swap);
		assert_int_equal(
			session_key6_make(&reply, table[i].dst, table[i].src, dport, sport, 17),
			!table[i].swap);
		assert_memory_equal(&k, &reply, sizeof(k));
		t = session_key6_tuple(&k, table[i].swap);
		assert_memory_equal(t.src, table[i].src, 16);
		assert_memory_equal(t.dst, table[i].dst, 16);
		assert_int_equal(t.sport, sport);
		assert_int_equal(t.dport, dport);
		assert_int_equal(t.proto, 17);
	}
}

/* Key and direction of an echo message as parse makes them: identifier at the asking side. */
static uint8_t
echo(struct session_key4 *k, uint32_t src, uint32_t dst, bool reply, uint16_t id)
{
	return session_key4_make(k, rte_cpu_to_be_32(src), rte_cpu_to_be_32(dst),
		reply ? SESSION_ICMP_ECHO_PORT : rte_cpu_to_be_16(id),
		reply ? rte_cpu_to_be_16(id) : SESSION_ICMP_ECHO_PORT, 1);
}

static void
ICU_04_only_the_asked_side_can_reply(void **state)
{
	const uint32_t a = 0x0a010101, b = 0xc8010101;
	struct session_key4 request, answer, forged, counter;
	uint8_t swap;

	(void)state;
	swap = echo(&request, a, b, false, 77);
	assert_int_equal(echo(&answer, b, a, true, 77), !swap);
	assert_memory_equal(&request, &answer, sizeof(request));

	/* A reply in the request's own direction, and a request from the other side, are no part
	 * of that session. */
	echo(&forged, a, b, true, 77);
	assert_memory_not_equal(&request, &forged, sizeof(request));
	echo(&counter, b, a, false, 77);
	assert_memory_not_equal(&request, &counter, sizeof(request));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_give_one_key),
		cmocka_unit_test(the_tuple_comes_back),
		cmocka_unit_test(different_tuples_give_different_keys),
		cmocka_unit_test(ipv6_both_directions_give_one_key_and_the_tuple_comes_back),
		cmocka_unit_test(ICU_04_only_the_asked_side_can_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
