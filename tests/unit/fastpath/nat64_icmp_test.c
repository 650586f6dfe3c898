/* SPDX-License-Identifier: BSD-3-Clause */
/* Every row of RFC 7915 4.2 and 5.2, and what has no row. */
#include "nat64_icmp.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NONE 255

struct row {
	uint8_t type, code;
	uint32_t word;
	uint8_t to_type; /* NONE: there is no such message */
	uint8_t to_code;
	uint32_t to_word;
};

typedef bool (*translate_fn)(
	const struct nat64_message *, const struct nat64_mtus *, struct nat64_message *);

static void
check(const struct row *rows, unsigned int count, const struct nat64_mtus *mtus, translate_fn fn)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		const struct nat64_message in = { r->type, r->code, r->word };
		struct nat64_message out = { NONE, 0, 0 };

		print_message("type %u code %u word 0x%x\n", r->type, r->code, r->word);
		assert_int_equal(fn(&in, mtus, &out), r->to_type != NONE);
		if (r->to_type == NONE)
			continue;
		assert_int_equal(out.type, r->to_type);
		assert_int_equal(out.code, r->to_code);
		assert_int_equal(out.word, r->to_word);
	}
}

static void
to_ipv6(void **state)
{
	static const struct nat64_mtus mtus = { .four = 1500, .six = 1480, .quoted = 1500 };
	static const struct row rows[] = {
		{ 8, 0, 0x00070001, 128, 0, 0x00070001 },
		{ 0, 0, 0x00070001, 129, 0, 0x00070001 },
		{ 8, 1, 0, NONE, 0, 0 },
		{ 3, 0, 0, 1, 0, 0 },
		{ 3, 1, 0, 1, 0, 0 },
		{ 3, 2, 0, 4, 1, 6 },
		{ 3, 3, 0, 1, 4, 0 },
		/* min(told + 20, IPv6's, IPv4's + 20), at least 1280; no MTU: the next plateau */
		{ 3, 4, 1400, 2, 0, 1420 },
		{ 3, 4, 1470, 2, 0, 1480 },
		{ 3, 4, 576, 2, 0, 1280 },
		{ 3, 4, 0, 2, 0, 1480 },
		{ 3, 5, 0, 1, 0, 0 },
		{ 3, 6, 0, 1, 0, 0 },
		{ 3, 7, 0, 1, 0, 0 },
		{ 3, 8, 0, 1, 0, 0 },
		{ 3, 9, 0, 1, 1, 0 },
		{ 3, 10, 0, 1, 1, 0 },
		{ 3, 11, 0, 1, 0, 0 },
		{ 3, 12, 0, 1, 0, 0 },
		{ 3, 13, 0, 1, 1, 0 },
		{ 3, 14, 0, NONE, 0, 0 },
		{ 3, 15, 0, 1, 1, 0 },
		{ 3, 16, 0, NONE, 0, 0 },
		{ 4, 0, 0, NONE, 0, 0 },
		{ 5, 0, 0, NONE, 0, 0 },
		{ 11, 0, 99, 3, 0, 0 },
		{ 11, 1, 0, 3, 1, 0 },
		{ 11, 2, 0, NONE, 0, 0 },
		{ 12, 0, 0x00000000, 4, 0, 0 },
		{ 12, 0, 0x01000000, 4, 0, 1 },
		{ 12, 0, 0x02000000, 4, 0, 4 },
		{ 12, 0, 0x03000000, 4, 0, 4 },
		{ 12, 0, 0x04000000, NONE, 0, 0 },
		{ 12, 0, 0x07000000, NONE, 0, 0 },
		{ 12, 0, 0x08000000, 4, 0, 7 },
		{ 12, 2, 0x09000000, 4, 0, 6 },
		{ 12, 0, 0x0a000000, NONE, 0, 0 },
		{ 12, 0, 0x0b000000, NONE, 0, 0 },
		{ 12, 0, 0x0c000000, 4, 0, 8 },
		{ 12, 0, 0x0f000000, 4, 0, 8 },
		{ 12, 0, 0x10000000, 4, 0, 24 },
		{ 12, 0, 0x13000000, 4, 0, 24 },
		{ 12, 0, 0x14000000, NONE, 0, 0 },
		{ 12, 0, 0xff000000, NONE, 0, 0 },
		{ 12, 1, 0, NONE, 0, 0 },
		{ 13, 0, 0, NONE, 0, 0 },
	};

	(void)state;
	check(rows, RTE_DIM(rows), &mtus, nat64_message_to6);
}

static void
plateaus(void **state)
{
	static const struct {
		uint16_t quoted;
		uint32_t mtu;
	} rows[] = { { 65535, 32020 }, { 32001, 32020 }, { 32000, 17934 }, { 1501, 1512 },
		{ 1500, 1512 }, { 1492, 1280 }, { 20, 1280 } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct nat64_mtus mtus = { 65000, 65000, rows[i].quoted };
		const struct nat64_message in = { 3, 4, 0 };
		struct nat64_message out;

		assert_true(nat64_message_to6(&in, &mtus, &out));
		assert_int_equal(out.word, rows[i].mtu);
	}
}

static void
to_ipv4(void **state)
{
	static const struct nat64_mtus mtus = { .four = 1400, .six = 1500 };
	static const struct row rows[] = {
		{ 128, 0, 0x00070001, 8, 0, 0x00070001 },
		{ 129, 0, 0x00070001, 0, 0, 0x00070001 },
		{ 1, 0, 7, 3, 1, 0 },
		{ 1, 1, 0, 3, 10, 0 },
		{ 1, 2, 0, 3, 1, 0 },
		{ 1, 3, 0, 3, 1, 0 },
		{ 1, 4, 0, 3, 3, 0 },
		{ 1, 5, 0, NONE, 0, 0 },
		{ 2, 0, 1300, 3, 4, 1280 },
		{ 2, 0, 1480, 3, 4, 1400 },
		{ 2, 0, 600, 3, 4, 1260 },
		{ 3, 0, 0, 11, 0, 0 },
		{ 3, 1, 0, 11, 1, 0 },
		{ 4, 0, 0, 12, 0, 0 },
		{ 4, 0, 1, 12, 0, 0x01000000 },
		{ 4, 0, 2, NONE, 0, 0 },
		{ 4, 0, 3, NONE, 0, 0 },
		{ 4, 0, 4, 12, 0, 0x02000000 },
		{ 4, 0, 5, 12, 0, 0x02000000 },
		{ 4, 0, 6, 12, 0, 0x09000000 },
		{ 4, 0, 7, 12, 0, 0x08000000 },
		{ 4, 0, 8, 12, 0, 0x0c000000 },
		{ 4, 0, 23, 12, 0, 0x0c000000 },
		{ 4, 0, 24, 12, 0, 0x10000000 },
		{ 4, 0, 39, 12, 0, 0x10000000 },
		{ 4, 0, 40, NONE, 0, 0 },
		{ 4, 0, UINT32_MAX, NONE, 0, 0 },
		{ 4, 1, 6, 3, 2, 0 },
		{ 4, 2, 0, NONE, 0, 0 },
		{ 130, 0, 0, NONE, 0, 0 },
		{ 137, 0, 0, NONE, 0, 0 },
	};

	(void)state;
	check(rows, RTE_DIM(rows), &mtus, nat64_message_to4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_ipv6),
		cmocka_unit_test(plateaus),
		cmocka_unit_test(to_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
