/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_addr.h"
#include "ipv6.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
kinds_of_addresses(void **state)
{
	static const struct {
		const char *text;
		bool host, multicast, link_local;
	} rows[] = {
		{ "::", false, false, false },
		{ "::1", false, false, false },
		{ "::10.1.1.1", false, false, false },
		{ "::ffff:10.1.1.1", false, false, false },
		{ "::1:0:0:1", true, false, false },
		{ "64:ff9b::a01:101", true, false, false },
		{ "2001:db8::1", true, false, false },
		{ "fc00::1", true, false, false },
		{ "fe7f:ffff::1", true, false, false },
		{ "fe80::1", true, false, true },
		{ "febf:ffff::1", true, false, true },
		{ "fec0::1", true, false, false },
		{ "ff02::1", false, true, false },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct ipv6 a = ipv6(rows[i].text);

		assert_int_equal(ip6_is_host(a.b), rows[i].host);
		assert_int_equal(ip6_is_multicast(a.b), rows[i].multicast);
		assert_int_equal(ip6_is_link_local(a.b), rows[i].link_local);
	}
	assert_true(ip6_is_unspecified(ipv6("::").b));
	assert_false(ip6_is_unspecified(ipv6("::1").b));
	assert_true(ip6_is_loopback(ipv6("::1").b));
	assert_false(ip6_is_loopback(ipv6("::").b));
}

static void
prefixes_hold_what_begins_like_them(void **state)
{
	static const struct {
		const char *address, *prefix;
		uint8_t len;
		bool in;
	} rows[] = {
		{ "2001:db8::1", "::", 0, true },
		{ "8000::", "::", 1, false },
		{ "7fff::", "::", 1, true },
		{ "2001:db8:1::1", "2001:db8::", 32, true },
		{ "2001:db9::1", "2001:db8::", 32, false },
		{ "2001:db8:0:1::", "2001:db8::", 63, true },
		{ "2001:db8:0:1::", "2001:db8::", 64, false },
		{ "2001:db8::8000:0:0:0", "2001:db8::", 64, true },
		{ "2001:db8::8000:0:0:0", "2001:db8::", 65, false },
		{ "2001:db8::3", "2001:db8::2", 127, true },
		{ "2001:db8::3", "2001:db8::2", 128, false },
		{ "2001:db8::2", "2001:db8::2", 128, true },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(
			ip6_in_prefix(ipv6(rows[i].address).b, ipv6(rows[i].prefix).b, rows[i].len),
			rows[i].in);
}

static void
masking_clears_the_host_bits(void **state)
{
	static const struct {
		uint8_t len;
		const char *masked;
	} rows[] = {
		{ 0, "::" },
		{ 1, "8000::" },
		{ 7, "fe00::" },
		{ 8, "ff00::" },
		{ 64, "ffff:ffff:ffff:ffff::" },
		{ 77, "ffff:ffff:ffff:ffff:fff8::" },
		{ 127, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
		{ 128, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct ipv6 a;

		memset(&a, 0xff, sizeof(a));
		ip6_mask(a.b, rows[i].len);
		assert_memory_equal(a.b, ipv6(rows[i].masked).b, IP6_LEN);
	}
}

static void
derived_addresses(void **state)
{
	/* RFC 4291 appendix A and 2.7.1, RFC 2464 7 */
	const struct rte_ether_addr mac = { { 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde } };
	const struct rte_ether_addr group_mac = { { 0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c } };
	uint8_t a[IP6_LEN];
	struct rte_ether_addr m;

	(void)state;
	ip6_link_local(a, &mac);
	assert_memory_equal(a, ipv6("fe80::3656:78ff:fe9a:bcde").b, IP6_LEN);
	ip6_solicited_node(a, ipv6("4037::01:800:200e:8c6c").b);
	assert_memory_equal(a, ipv6("ff02::1:ff0e:8c6c").b, IP6_LEN);
	ip6_multicast_mac(&m, a);
	assert_memory_equal(&m, &group_mac, sizeof(m));
}

static void
addresses_of_two_families_differ(void **state)
{
	const struct ip_addr a = ip_addr_v4(RTE_BE32(0x0a010101));
	const struct ip_addr b = ip_addr_v6(ipv6("a01:101::").b);
	const struct ip_addr c = ip_addr_v6(ipv6("a01:101::1").b);

	(void)state;
	assert_true(ip_addr_equal(&a, &a));
	assert_true(ip_addr_equal(&b, &b));
	assert_false(ip_addr_equal(&a, &b));
	assert_false(ip_addr_equal(&b, &c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_addresses),
		cmocka_unit_test(prefixes_hold_what_begins_like_them),
		cmocka_unit_test(masking_clears_the_host_bits),
		cmocka_unit_test(derived_addresses),
		cmocka_unit_test(addresses_of_two_families_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
