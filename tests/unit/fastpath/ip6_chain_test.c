/* SPDX-License-Identifier: BSD-3-Clause */
/* Extension header chains; input lies in blocks of exactly its size, so that ASan sees each step
 * too far. */
#include "icmp6_rules.h"
#include "ip6_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IP6 40

/* An IPv6 header and what follows. */
static enum drop_reason
walk(uint8_t next, const uint8_t *bytes, size_t len, struct ip6_chain *c)
{
	uint8_t *block = calloc(1, IP6 + len);
	enum drop_reason reason;

	assert_non_null(block);
	block[6] = next;
	if (len > 0)
		memcpy(block + IP6, bytes, len);
	memset(c, 0xee, sizeof(*c));
	reason = ip6_chain_walk(block, (uint32_t)(IP6 + len), c);
	free(block);
	return reason;
}

static void
a_packet_without_extension_headers(void **state)
{
	struct ip6_chain c;

	(void)state;
	assert_int_equal(walk(17, NULL, 0, &c), DROP_NONE);
	assert_int_equal(c.proto, 17);
	assert_int_equal(c.l4_off, 40);
	assert_int_equal(c.fragment, 0);
	assert_false(ip6_chain_fragment(&c));
}

static void
FRG18_each_header_has_its_own_length(void **state)
{
	static const struct {
		uint8_t first;
		uint8_t bytes[40];
		size_t len;
		uint16_t l4_off;
		enum drop_reason reason;
	} rows[] = {
		/* hop-by-hop, 8 and 16 bytes; cut by one */
		{ 0, { 17 }, 8, 48, DROP_NONE },
		{ 0, { 17, 1 }, 16, 56, DROP_NONE },
		{ 0, { 17, 1 }, 15, 0, DROP_ip6_extension },
		{ 0, { 17 }, 7, 0, DROP_ip6_extension },
		{ 0, { 17 }, 0, 0, DROP_ip6_extension },
		{ 60, { 17, 255 }, 40, 0, DROP_ip6_extension },
		/* authentication counts in words, and two less */
		{ 51, { 17, 4 }, 24, 64, DROP_NONE },
		{ 51, { 17, 4 }, 23, 0, DROP_ip6_extension },
		{ 51, { 17, 0 }, 8, 48, DROP_NONE },
		/* a fragment header has no length */
		{ 44, { 17, 200 }, 8, 48, DROP_NONE },
		{ 44, { 17, 0 }, 7, 0, DROP_ip6_extension },
		/* ESP is where the chain ends: nothing behind it can be read */
		{ 50, { 0 }, 8, 40, DROP_NONE },
		/* hop-by-hop stands first or not at all; each but destination once */
		{ 60, { 0, 0, 0, 0, 0, 0, 0, 0, 17 }, 16, 0, DROP_ip6_extension },
		{ 60, { 60, 0, 0, 0, 0, 0, 0, 0, 17 }, 16, 56, DROP_NONE },
		{ 44, { 44, 0, 0, 0, 0, 0, 0, 0, 17 }, 16, 0, DROP_ip6_extension },
		{ 43, { 43, 0, 4, 0, 0, 0, 0, 0, 17, 0, 4, 0 }, 16, 0, DROP_ip6_extension },
		/* routing: type, segments left */
		{ 43, { 17, 0, 0, 0 }, 8, 0, DROP_source_route },
		{ 43, { 17, 0, 0, 3 }, 8, 0, DROP_source_route },
		{ 43, { 17, 0, 4, 0 }, 8, 48, DROP_NONE },
		{ 43, { 17, 0, 4, 1 }, 8, 0, DROP_source_route },
		{ 43, { 17, 0, 2, 1 }, 8, 48, DROP_NONE },
	};
	struct ip6_chain c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const enum drop_reason reason = walk(rows[i].first, rows[i].bytes, rows[i].len, &c);

		if (reason != rows[i].reason)
			print_error("row %zu: %s\n", i, drop_names[reason]);
		assert_int_equal(reason, rows[i].reason);
		if (reason == DROP_NONE && rows[i].first != 50) {
			assert_int_equal(c.l4_off, rows[i].l4_off);
			assert_int_equal(c.proto, 17);
		}
	}
}

static void
FRG16_place_of_a_fragment(void **state)
{
	static const struct {
		uint8_t high, low;
		uint16_t place, l4_off;
		uint8_t proto;
	} rows[] = {
		{ 0, 0x00, 0, 56, 17 }, /* atomic: goes on behind the header */
		{ 0, 0x06, 0, 56, 17 }, /* reserved bits say nothing */
		{ 0, 0x01, 1, 56, 17 }, /* the first of several */
		{ 0, 0x08, 8, 48, 60 }, /* a later one: nothing to read behind it */
		{ 1, 0x01, 257, 48, 60 },
		{ 0xff, 0xff, 0xfff9, 48, 60 },
	};
	struct ip6_chain c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t bytes[16] = { 60, 0, rows[i].high, rows[i].low, [8] = 17 };

		assert_int_equal(walk(44, bytes, sizeof(bytes), &c), DROP_NONE);
		assert_int_equal(c.fragment, 40);
		assert_int_equal(c.place, rows[i].place);
		assert_int_equal(c.l4_off, rows[i].l4_off);
		assert_int_equal(c.proto, rows[i].proto);
		assert_int_equal(ip6_chain_fragment(&c), rows[i].place != 0);
	}
}

/* Ten thousand random chains in exact blocks: no step too far, and what is said lies inside. */
static void
random_chains_stay_inside(void **state)
{
	static const uint8_t kinds[] = { 0, 43, 44, 51, 60, 6, 17, 50 };
	uint64_t x = 88172645463325252ULL;
	struct ip6_chain c;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		uint8_t bytes[96];
		size_t len;

		for (size_t j = 0; j < sizeof(bytes); j++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[j] = j % 8 == 0	? kinds[x % sizeof(kinds)]
				   : j % 8 == 1 ? (uint8_t)(x % 3)
						: (uint8_t)x;
		}
		len = (x >> 8) % (sizeof(bytes) + 1);
		if (walk(kinds[(x >> 20) % sizeof(kinds)], bytes, len, &c) != DROP_NONE)
			continue;
		assert_in_range(c.l4_off, IP6, IP6 + len);
		if (c.fragment != 0)
			assert_in_range(c.fragment, IP6, IP6 + len - 8);
	}
}

static void
ICU11_rules_name_each_type_once(void **state)
{
	unsigned int next = 1; /* 0 is reserved: dropped without a rule */

	(void)state;
	for (const struct icmp6_rule *r = icmp6_rules; r->name != NULL; r++) {
		assert_int_equal(r->first, next);
		assert_true(r->last >= r->first);
		next = r->last + 1U;
		for (unsigned int t = r->first; t < next; t++)
			assert_int_equal(icmp6_actions[t], r->action);
		/* A query and its reply are a pair of one rule, the even type first. */
		if (r->action == ICMP6_POLICY) {
			assert_int_equal(r->first & 1, 0);
			assert_int_equal(r->last, r->first + 1);
		}
	}
	assert_int_equal(next, 256);
	assert_int_equal(icmp6_actions[0], ICMP6_DROP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_without_extension_headers),
		cmocka_unit_test(FRG18_each_header_has_its_own_length),
		cmocka_unit_test(FRG16_place_of_a_fragment),
		cmocka_unit_test(random_chains_stay_inside),
		cmocka_unit_test(ICU11_rules_name_each_type_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
