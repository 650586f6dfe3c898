/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text, *want;
};

static void
check(unsigned int dir, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		alg_says_row(alg_of(ALG_FTP), dir, IPPROTO_TCP, rows[i].text, strlen(rows[i].text),
			rows[i].want);
}

static void
ALG01_client_announces_by_port_and_eprt(void **state)
{
	static const struct row rows[] = {
		{ "PORT 10,0,0,1,4,2\r\n", "19: expect tcp 10.0.0.1:1026 <10,0,0,1,4,2>" },
		{ "port 10,0,0,1,255,255\n", "22: expect tcp 10.0.0.1:65535 <10,0,0,1,255,255>" },
		{ "PoRt  200,1,1,10,0,21 \r\n", "24: expect tcp 200.1.1.10:21 <200,1,1,10,0,21>" },
		{ "EPRT |1|10.0.0.1|1026|\r\n", "24: expect tcp 10.0.0.1:1026 <1|10.0.0.1|1026>" },
		{ "EPRT |2|2001:db8::1|5282|\r\n",
			"27: expect tcp [2001:db8::1]:5282 <2|2001:db8::1|5282>" },
		{ "eprt !1!10.0.0.1!1026!\r\n", "24: expect tcp 10.0.0.1:1026 <1!10.0.0.1!1026>" },
		/* what the server says is nothing to say for a client, and the other way round */
		{ "227 Entering Passive Mode (10,0,0,1,4,2)\r\n", "alien" },
		{ "NOOP\r\n", "6" },
		{ "USER anonymous\r\n", "16" },
		{ "XMKD PORT 10,0,0,1,4,2\r\n", "24" },
		{ "STOR PORT 10,0,0,1,4,2\n", "23" },
		{ "\r\n", "2" },
	};

	(void)state;
	check(0, rows, RTE_DIM(rows));
}

static void
ALG03_server_announces_by_227_and_229(void **state)
{
	static const struct row rows[] = {
		{ "227 Entering Passive Mode (10,0,0,1,4,2)\r\n",
			"42: expect tcp 10.0.0.1:1026 <10,0,0,1,4,2>" },
		{ "227 Entering Passive Mode (10,0,0,1,4,2).\r\n",
			"43: expect tcp 10.0.0.1:1026 <10,0,0,1,4,2>" },
		{ "227 Entering Passive Mode 10,0,0,1,4,2\r\n",
			"40: expect tcp 10.0.0.1:1026 <10,0,0,1,4,2>" },
		{ "227 10,0,0,1,4,2\n", "17: expect tcp 10.0.0.1:1026 <10,0,0,1,4,2>" },
		{ "227 =10,0,0,1,4,2\n", "18: expect tcp 10.0.0.1:1026 <10,0,0,1,4,2>" },
		{ "229 Entering Extended Passive Mode (|||6446|)\r\n",
			"47: expect tcp speaker:6446 <6446>" },
		{ "229 ok (!!!6446!)\n", "18: expect tcp speaker:6446 <6446>" },
		/* neither is it at another place than the begin of a line */
		{ "220 227 Entering Passive Mode (10,0,0,1,4,2)\r\n", "46" },
		{ " 227 Entering Passive Mode (10,0,0,1,4,2)\r\n", "43" },
		{ "227-Entering Passive Mode (10,0,0,1,4,2)\r\n", "=" },
		{ "2270 Entering Passive Mode (10,0,0,1,4,2)\r\n", "=" },
		{ "PORT 10,0,0,1,4,2\r\n", "=" },
		{ "EPRT |1|10.0.0.1|1026|\r\n", "=" },
	};

	(void)state;
	check(1, rows, RTE_DIM(rows));
}

static void
what_is_malformed_announces_nothing(void **state)
{
	static const struct row client[] = {
		{ "PORT 10,0,0,1,4\r\n", "=" },
		{ "PORT 10,0,0,1,4,\r\n", "=" },
		{ "PORT 10,0,0,1,4,2,3\r\n", "=" },
		{ "PORT 10,0,0,1,4,256\r\n", "=" },
		{ "PORT 10,0,0,300,4,2\r\n", "=" },
		{ "PORT 10,0,0,1,4,-2\r\n", "=" },
		{ "PORT 10,0,0,1,4,02\r\n", "=" }, /* ten or eight? */
		{ "PORT 10,0,0,1,4,4294967298\r\n", "=" },
		{ "PORT 10.0.0.1,4,2\r\n", "=" },
		{ "PORT 10, 0,0,1,4,2\r\n", "=" },
		{ "PORT (10,0,0,1,4,2)\r\n", "=" },
		{ "PORT 0,0,0,0,4,2\r\n", "=" },
		{ "PORT 127,0,0,1,4,2\r\n", "=" },
		{ "PORT 224,0,0,1,4,2\r\n", "=" },
		{ "PORT 10,0,0,1,0,0\r\n", "=" },
		{ "PORT\r\n", "=" },
		{ "PORT \r\n", "=" },
		{ "PORT 10,0,0,1,4,2\rX\n", "=" },
		{ "PORT 10,0,0,1,4,2\r\r\n", "=" },
		{ "EPRT |1|10.0.0.1|1026\r\n", "=" },
		{ "EPRT |1|10.0.0.1|1026||\r\n", "=" },
		{ "EPRT |1|10.0.0.1!1026|\r\n", "=" },
		{ "EPRT |2|10.0.0.1|1026|\r\n", "=" },
		{ "EPRT |1|2001:db8::1|1026|\r\n", "=" },
		{ "EPRT |3|10.0.0.1|1026|\r\n", "=" },
		{ "EPRT |1|10.0.0.1|65536|\r\n", "=" },
		{ "EPRT |1|10.0.0.1|0|\r\n", "=" },
		{ "EPRT |1|10.0.0.1||\r\n", "=" },
		{ "EPRT |1|10.0.0|1026|\r\n", "=" },
		{ "EPRT |1|host|1026|\r\n", "=" },
		{ "EPRT |2|::1|1026|\r\n", "=" },
		{ "EPRT |2|ff02::1|1026|\r\n", "=" },
		{ "EPRT |2|fe80::1%eth0|1026|\r\n", "=" },
		{ "EPRT |||1026|\r\n", "=" },
		{ "EPRT 1110.0.0.1110261\r\n", "=" },
	};
	static const struct row server[] = {
		{ "227 Entering Passive Mode (10,0,0,1,4)\r\n", "=" },
		{ "227 Entering Passive Mode (10,0,0,1,4,2\r\n", "=" },
		{ "227 Entering Passive Mode 10,0,0,1,4,2)\r\n", "=" },
		{ "227 Entering Passive Mode (10,0,0,1,4,2,3)\r\n", "=" },
		{ "227 Entering Passive Mode (010,0,0,1,4,2)\r\n", "=" },
		{ "227 Mode 1 (10,0,0,1,4,2)\r\n", "=" },
		{ "227 \r\n", "=" },
		{ "227\r\n", "=" },
		{ "229 Extended (|1|10.0.0.1|6446|)\r\n", "=" },
		{ "229 Extended (||6446|)\r\n", "=" },
		{ "229 Extended |||6446|\r\n", "=" },
		{ "229 Extended (|||6446|\r\n", "=" },
		{ "229 Extended (|||66446|)\r\n", "=" },
		{ "229 Extended (|||0|)\r\n", "=" },
		{ "229 Extended (|||!6446|)\r\n", "=" },
	};

	(void)state;
	check(0, client, RTE_DIM(client));
	check(1, server, RTE_DIM(server));
}

static void
interrupts_and_zeros_in_a_line_announce_nothing(void **state)
{
	(void)state;
	alg_says_row(alg_of(ALG_FTP), 0, IPPROTO_TCP,
		"\xff\xf4\xff\xf2"
		"ABOR\r\n",
		10, "10");
	alg_says_row(alg_of(ALG_FTP), 0, IPPROTO_TCP, "PORT 10,0,0,1,4,2\xff\xf1\r\n", 21, "21");
	alg_says_row(alg_of(ALG_FTP), 0, IPPROTO_TCP, "PORT 10,0,0,1,4,2\0\r\n", 20, "20");
	alg_says_row(alg_of(ALG_FTP), 1, IPPROTO_TCP,
		"227 Entering\xff\xf1 Passive Mode (10,0,0,1,4,2)\r\n", 44, "44");
}

static void
ALG07_other_protocols_end_it(void **state)
{
	static const struct row rows[] = {
		{ "POST / HTTP/1.1\r\nHost: a\r\n\r\nPORT 10,0,0,1,4,2\r\n", "17" },
		{ "Host: attacker.example\r\n\r\nPORT 10,0,0,1,4,2\r\n", "alien" },
		{ "Content-Type: text/plain\r\n", "alien" },
		{ "Conte", "alien" },
		{ "\x16\x03\x01\x02\x05\x01\x01\xfc", "alien" },
		{ "a\r\n", "alien" },
		{ "ab", "part" },
		{ "abcd efgh", "part" },
		{ "SSH-2.0-OpenSSH_9.2\r\n", "alien" },
		{ "--boundary\r\n", "alien" },
		{ " PORT 10,0,0,1,4,2\r\n", "alien" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		char says[256];

		assert_string_equal(alg_says(alg_of(ALG_FTP), 0, IPPROTO_TCP, rows[i].text,
					    strlen(rows[i].text), says, sizeof(says)),
			rows[i].want);
	}
}

static void
ALG02_lines_are_rewritten_in_their_own_form(void **state)
{
	static const struct {
		unsigned int dir;
		const char *text, *addr;
		uint16_t port;
		const char *want;
	} rows[] = {
		{ 0, "PORT 10,0,0,1,4,2\r\n", "198.51.100.200", 65535,
			"PORT 198,51,100,200,255,255\r\n" },
		{ 0, "port 198,51,100,200,255,255\n", "10.0.0.1", 1026, "port 10,0,0,1,4,2\n" },
		{ 0, "EPRT |1|10.0.0.1|1026|\r\n", "198.51.100.200", 65535,
			"EPRT |1|198.51.100.200|65535|\r\n" },
		{ 0, "EPRT !2!2001:db8::1!1026!\r\n", "2001:db8:1::2", 1027,
			"EPRT !2!2001:db8:1::2!1027!\r\n" },
		/* NAT64 changes the family */
		{ 0, "EPRT |2|2001:db8::1|1026|\r\n", "198.51.100.2", 1027,
			"EPRT |1|198.51.100.2|1027|\r\n" },
		{ 1, "227 Entering Passive Mode (10,0,0,1,4,2).\r\n", "198.51.100.200", 40000,
			"227 Entering Passive Mode (198,51,100,200,156,64).\r\n" },
		{ 1, "229 Entering Extended Passive Mode (|||6446|)\r\n", "198.51.100.200", 40000,
			"229 Entering Extended Passive Mode (|||40000|)\r\n" },
		{ 0, "PORT 10,0,0,1,4,2\r\n", "2001:db8::1", 1026, NULL },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct alg_endpoint to = alg_says_endpoint(rows[i].addr, rows[i].port);

		alg_says_edited(
			alg_of(ALG_FTP), rows[i].dir, IPPROTO_TCP, rows[i].text, &to, rows[i].want);
	}
}

static void
lines_that_cannot_announce_are_known_by_their_begin(void **state)
{
	static const struct {
		unsigned int dir;
		const char *text;
		bool dull;
	} rows[] = {
		{ 0, "P", false },
		{ 0, "pOrT", false },
		{ 0, "PORT 1", false },
		{ 0, "EPRT |", false },
		{ 0, "PASS x", true },
		{ 0, "PORTS", true },
		{ 0, "227 1", true },
		{ 1, "22", false },
		{ 1, "229 Ent", false },
		{ 1, "227-", true },
		{ 1, "220 hello", true },
		{ 1, " text of a long reply", true },
		{ 1, "PORT 1", true },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		if (alg_of(ALG_FTP)->dull(rows[i].dir, rows[i].text,
			    (uint32_t)strlen(rows[i].text)) != rows[i].dull)
			fail_msg("%s", rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ALG01_client_announces_by_port_and_eprt),
		cmocka_unit_test(ALG03_server_announces_by_227_and_229),
		cmocka_unit_test(what_is_malformed_announces_nothing),
		cmocka_unit_test(interrupts_and_zeros_in_a_line_announce_nothing),
		cmocka_unit_test(lines_that_cannot_announce_are_known_by_their_begin),
		cmocka_unit_test(ALG07_other_protocols_end_it),
		cmocka_unit_test(ALG02_lines_are_rewritten_in_their_own_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
