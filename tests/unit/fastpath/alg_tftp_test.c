/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROW(literal) literal, sizeof(literal) - 1

static void
ALG08_requests_of_a_client_expect_the_server(void **state)
{
	static const struct {
		unsigned int dir;
		const char *text;
		size_t len;
		const char *want;
	} rows[] = {
		{ 0, ROW("\0\1file\0octet\0"), "13: expect udp speaker:*" },
		{ 0, ROW("\0\2file\0netascii\0"), "16: expect udp speaker:*" },
		{ 0, ROW("\0\1a\0OCTET\0blksize\0001400\0tsize\0000\0"),
			"31: expect udp speaker:*" },
		{ 0, ROW("\0\1d\xc3\xbc\0octet\0"), "12: expect udp speaker:*" },
		/* not the server's to ask */
		{ 1, ROW("\0\1file\0octet\0"), "alien" },
		/* data, acknowledgement, error, option acknowledgement */
		{ 0, ROW("\0\3\0\1abc"), "alien" },
		{ 0, ROW("\0\4\0\1"), "alien" },
		{ 0, ROW("\0\5\0\1no\0"), "alien" },
		{ 0, ROW("\0\6blksize\0001400\0"), "alien" },
		/* malformed */
		{ 0, ROW(""), "alien" },
		{ 0, ROW("\0"), "alien" },
		{ 0, ROW("\0\1"), "alien" },
		{ 0, ROW("\1\1file\0octet\0"), "alien" },
		{ 0, ROW("\0\1file"), "alien" },
		{ 0, ROW("\0\1file\0"), "alien" },
		{ 0, ROW("\0\1file\0octet"), "alien" },
		{ 0, ROW("\0\1\0octet\0"), "alien" },
		{ 0, ROW("\0\1file\0binary\0"), "alien" },
		{ 0, ROW("\0\1fi\nle\0octet\0"), "alien" },
		{ 0, ROW("\0\1file\0octet\0blksize\0"), "alien" },
		{ 0, ROW("\0\1file\0octet\0blksize\0001400"), "alien" },
		{ 0, ROW("\0\1file\0octet\0\0"), "alien" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		alg_says_row(alg_of(ALG_TFTP), rows[i].dir, IPPROTO_UDP, rows[i].text, rows[i].len,
			rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ALG08_requests_of_a_client_expect_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
