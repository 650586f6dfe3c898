/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
	unsigned int dir;
	uint8_t type, result;
	uint16_t len;
	const char *want;
};

/* A message with call id 0x1112 at 12, 0x1314 at 14. */
static void
message(char *text, const struct row *r)
{
	memset(text, 0, r->len);
	memcpy(text, "\0\0\0\1\x1a\x2b\x3c\x4d\0\0\0\0\x11\x12\x13\x14", 16);
	text[0] = (char)(r->len >> 8);
	text[1] = (char)r->len;
	text[9] = (char)r->type;
	if (r->len > 16)
		text[16] = (char)r->result;
}

static void
calls_expect_gre(void **state)
{
	static const struct row rows[] = {
		{ 0, 1, 0, 156, "156" },
		{ 1, 2, 1, 156, "156" },
		{ 0, 7, 0, 168, "168: expect gre speaker:4370 <\\11\\12>" },
		{ 1, 8, 1, 32,
			"32: expect gre speaker:4370 <\\11\\12>; address gre hearer:4884 "
			"<\\13\\14>" },
		/* refused: there is no call on that side */
		{ 1, 8, 4, 32, "32: address gre hearer:4884 <\\13\\14>" },
		{ 1, 9, 0, 220, "220: expect gre speaker:4370 <\\11\\12>" },
		{ 0, 10, 1, 24,
			"24: expect gre speaker:4370 <\\11\\12>; address gre hearer:4884 "
			"<\\13\\14>" },
		{ 1, 11, 0, 28, "28: address gre hearer:4370 <\\11\\12>" },
		{ 0, 12, 0, 16, "16: end" },
		{ 1, 13, 0, 148, "148: end" },
		{ 0, 3, 0, 16, "16: end" },
		{ 1, 14, 0, 40, "40: address gre hearer:4370 <\\11\\12>" },
		{ 0, 15, 0, 24, "24: address gre hearer:4370 <\\11\\12>" },
		/* said by the wrong side */
		{ 1, 7, 0, 168, "168" },
		{ 0, 8, 1, 32, "32" },
		/* a length or type that does not exist */
		{ 0, 7, 0, 167, "alien" },
		{ 0, 12, 0, 168, "alien" },
		{ 0, 0, 0, 16, "alien" },
		{ 0, 16, 0, 16, "alien" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		char text[256];

		message(text, &rows[i]);
		alg_says_row(alg_of(ALG_PPTP), rows[i].dir, IPPROTO_TCP, text, rows[i].len,
			rows[i].want);
	}
}

static void
ALG07_other_protocols_end_it(void **state)
{
	(void)state;
	alg_says_row(alg_of(ALG_PPTP), 0, IPPROTO_TCP, "POST / HTTP/1.1\r\n", 17, "alien");
	alg_says_row(alg_of(ALG_PPTP), 0, IPPROTO_TCP, "\0\x9c\0\1\x1a\x2b\x3c\x4e\0\1\0\0", 12,
		"alien");
	alg_says_row(alg_of(ALG_PPTP), 0, IPPROTO_TCP, "\0\x9c\0\2\x1a\x2b\x3c\x4d\0\1\0\0", 12,
		"alien");
	alg_says_row(alg_of(ALG_PPTP), 0, IPPROTO_TCP, "\0\x9c\0\1\x1a\x2b\x3c\x4d\0\1\0", 11,
		"part of 12");
	alg_says_row(alg_of(ALG_PPTP), 0, IPPROTO_TCP, "\0\x9c\0\1\x1a\x2b\x3c\x4d\0\1\0\0", 12,
		"part of 156");
}

static void
call_ids_are_rewritten_in_place(void **state)
{
	const struct row reply = { 1, 8, 1, 32, "" };
	const struct alg_endpoint to[2] = { alg_says_endpoint("198.51.100.1", 0xa1a2),
		alg_says_endpoint("198.51.100.1", 0xb1b2) };
	struct alg_findings found;
	char text[32], out[32];

	(void)state;
	message(text, &reply);
	assert_int_equal(alg_of(ALG_PPTP)->scan(1, IPPROTO_TCP, text, 32, &found), 32);
	assert_int_equal(alg_rewrite(alg_of(ALG_PPTP), text, 32, &found, to, out, sizeof(out)), 32);
	assert_memory_equal(out + 12, "\xa1\xa2\xb1\xb2", 4);
	memcpy(out + 12, text + 12, 4);
	assert_memory_equal(out, text, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_expect_gre),
		cmocka_unit_test(ALG07_other_protocols_end_it),
		cmocka_unit_test(call_ids_are_rewritten_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
