/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
each_alg_is_found_by_id_name_and_service(void **state)
{
	static const struct {
		enum alg_id id;
		const char *name;
		uint16_t port;
		bool tcp, udp;
	} rows[] = {
		{ ALG_FTP, "ftp", 21, true, false },
		{ ALG_TFTP, "tftp", 69, false, true },
		{ ALG_SIP, "sip", 5060, true, true },
		{ ALG_RTSP, "rtsp", 554, true, false },
		{ ALG_PPTP, "pptp", 1723, true, false },
	};

	(void)state;
	assert_int_equal(RTE_DIM(rows), ALG_COUNT - 1);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct alg *alg = alg_of(rows[i].id);
		const rte_be16_t port = rte_cpu_to_be_16(rows[i].port);

		assert_non_null(alg);
		assert_string_equal(alg->name, rows[i].name);
		assert_int_equal(alg->id, rows[i].id);
		assert_int_equal(alg_by_name(rows[i].name), rows[i].id);
		assert_int_equal(
			alg_by_service(IPPROTO_TCP, port), rows[i].tcp ? rows[i].id : ALG_NONE);
		assert_int_equal(
			alg_by_service(IPPROTO_UDP, port), rows[i].udp ? rows[i].id : ALG_NONE);
		assert_int_equal(alg_by_service(0, port), ALG_NONE);
		assert_true(alg->expect_s > 0 && alg->expect_max > 0);
	}
	assert_null(alg_of(ALG_NONE));
	assert_null(alg_of(ALG_COUNT));
	assert_int_equal(alg_by_service(IPPROTO_TCP, RTE_BE16(80)), ALG_NONE);
	assert_int_equal(alg_by_name("http"), ALG_NONE);
}

static void
ALG04_no_pinhole_for_third_hosts_and_known_ports(void **state)
{
	static const struct {
		const char *addr; /* NULL: none is said */
		uint16_t port;
		uint8_t count, proto;
		enum alg_what what;
		bool hearer, permitted;
	} rows[] = {
		{ "10.0.0.1", 1024, 1, IPPROTO_TCP, ALG_EXPECT, false, true },
		{ "10.0.0.1", 1023, 1, IPPROTO_TCP, ALG_EXPECT, false, false },
		{ "10.0.0.1", 22, 1, IPPROTO_TCP, ALG_EXPECT, false, false },
		{ "10.0.0.2", 2000, 1, IPPROTO_TCP, ALG_EXPECT, false, false },
		{ "2001:db8::1", 2000, 1, IPPROTO_TCP, ALG_EXPECT, false, false },
		{ NULL, 2000, 1, IPPROTO_TCP, ALG_EXPECT, false, true },
		{ NULL, 80, 1, IPPROTO_TCP, ALG_EXPECT, false, false },
		{ NULL, 0, 1, IPPROTO_UDP, ALG_EXPECT, false, true },
		{ "10.0.0.1", 65534, 2, IPPROTO_UDP, ALG_EXPECT, false, true },
		{ "10.0.0.1", 65535, 2, IPPROTO_UDP, ALG_EXPECT, false, false },
		{ NULL, 7, 1, IPPROTO_GRE, ALG_EXPECT, false, true },
		{ NULL, 2000, 1, IPPROTO_TCP, ALG_EXPECT, true, false },
		{ NULL, 2000, 1, IPPROTO_TCP, ALG_ADDRESS, false, false },
	};
	const struct ip_addr speaker = alg_says_endpoint("10.0.0.1", 0).addr;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct alg_finding f = { .what = rows[i].what,
			.proto = rows[i].proto,
			.count = rows[i].count,
			.hearer = rows[i].hearer,
			.port = rte_cpu_to_be_16(rows[i].port) };

		if (rows[i].addr != NULL)
			f.addr = alg_says_endpoint(rows[i].addr, 0).addr;
		if (alg_permits(&f, &speaker) != rows[i].permitted)
			fail_msg("row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_alg_is_found_by_id_name_and_service),
		cmocka_unit_test(ALG04_no_pinhole_for_third_hosts_and_known_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
