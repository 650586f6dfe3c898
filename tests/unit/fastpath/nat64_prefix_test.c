/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipv6.h"
#include "nat64_prefix.h"

#include <rte_common.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct nat64_prefix
prefix(const char *text, uint8_t len)
{
	const struct ipv6 a = ipv6(text);
	struct nat64_prefix p = { .len = len };

	memcpy(p.address, a.b, IP6_LEN);
	return p;
}

/* The table of RFC 6052 2.4. */
static void
addresses_of_every_length(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t len;
		const char *address;
	} rows[] = {
		{ "2001:db8::", 32, "2001:db8:c000:221::" },
		{ "2001:db8:100::", 40, "2001:db8:1c0:2:21::" },
		{ "2001:db8:122::", 48, "2001:db8:122:c000:2:2100::" },
		{ "2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::" },
		{ "2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::" },
		{ "2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33" },
	};
	const rte_be32_t four = inet_addr("192.0.2.33");

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct nat64_prefix p = prefix(rows[i].prefix, rows[i].len);
		const struct ipv6 want = ipv6(rows[i].address);
		uint8_t out[IP6_LEN];
		rte_be32_t back = 0;

		assert_null(nat64_prefix_wrong(p.address, p.len));
		nat64_embed(&p, four, out);
		assert_memory_equal(out, want.b, IP6_LEN);
		assert_true(nat64_extract(&p, out, &back));
		assert_int_equal(back, four);
		out[15] ^= p.len < 96; /* what follows means nothing (2.2) */
		assert_true(nat64_extract(&p, out, &back));
		out[8] = 1;
		assert_false(nat64_extract(&p, out, &back));
	}
}

static void
well_known_names_global_addresses_only(void **state)
{
	static const struct {
		const char *address;
		bool good;
	} rows[] = {
		{ "1.1.1.1", true },
		{ "9.255.255.255", true },
		{ "10.0.0.0", false },
		{ "10.255.255.255", false },
		{ "11.0.0.0", true },
		{ "100.63.255.255", true },
		{ "100.64.0.1", false },
		{ "100.127.255.255", false },
		{ "100.128.0.0", true },
		{ "127.0.0.1", false },
		{ "169.254.1.1", false },
		{ "172.15.255.255", true },
		{ "172.16.0.1", false },
		{ "172.31.255.255", false },
		{ "172.32.0.0", true },
		{ "192.0.0.8", false },
		{ "192.0.1.1", true },
		{ "192.0.2.33", false },
		{ "192.168.1.1", false },
		{ "198.17.255.255", true },
		{ "198.18.0.1", false },
		{ "198.19.255.255", false },
		{ "198.20.0.0", true },
		{ "198.51.100.1", false },
		{ "203.0.113.1", false },
		{ "223.255.255.255", true },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "0.0.0.0", false },
	};
	const struct nat64_prefix known = prefix("64:ff9b::", 96);
	const struct nat64_prefix own = prefix("2001:db8:64::", 96);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		uint8_t address[IP6_LEN];
		rte_be32_t out;

		nat64_embed(&known, inet_addr(rows[i].address), address);
		assert_int_equal(nat64_extract(&known, address, &out), rows[i].good);
		assert_int_equal(out, inet_addr(rows[i].address));
		nat64_embed(&own, inet_addr(rows[i].address), address);
		assert_true(nat64_extract(&own, address, &out));
	}
}

static void
prefixes_that_are_none(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t len;
	} rows[] = { { "2001:db8::", 0 }, { "2001:db8::", 33 }, { "2001:db8::", 24 },
		{ "2001:db8::", 72 }, { "2001:db8::", 80 }, { "2001:db8::", 128 },
		{ "2001:db8::1", 96 }, { "2001:db8:1::", 32 }, { "2001:db8:0:0:100::", 96 },
		{ "fe80::", 96 }, { "ff02::", 96 }, { "::", 96 }, { "::ffff:0:0", 96 } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct ipv6 a = ipv6(rows[i].prefix);

		assert_non_null(nat64_prefix_wrong(a.b, rows[i].len));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_every_length),
		cmocka_unit_test(well_known_names_global_addresses_only),
		cmocka_unit_test(prefixes_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
