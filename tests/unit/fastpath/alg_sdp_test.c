/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"
#include "sdp_alg.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define V "v=0\r\n"

static void
streams_are_expected_where_they_say(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ V "o=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
		    "m=audio 49170 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n",
			"=: address 10.0.0.1:* <10.0.0.1>; address 10.0.0.1:* <10.0.0.1>; "
			"expect udp 10.0.0.1:49170 x2 anyone <49170>" },
		/* the address behind m= is the stream's */
		{ "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\nm=video 5000 RTP/SAVPF 96\n"
		  "c=IN IP4 10.0.0.9\n",
			"=: address 10.0.0.1:* <10.0.0.1>; expect udp 10.0.0.1:4000 x2 anyone "
			"<4000>; "
			"expect udp 10.0.0.9:5000 x2 anyone <5000>; address 10.0.0.9:* "
			"<10.0.0.9>" },
		{ "m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n",
			"=: expect udp [2001:db8::1]:4000 x2 anyone <4000>; "
			"address [2001:db8::1]:* <2001:db8::1>" },
		/* no LF behind the last line */
		{ "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0",
			"=: address 10.0.0.1:* <10.0.0.1>; "
			"expect udp 10.0.0.1:4000 x2 anyone <4000>" },
		/* RFC 3605 */
		{ "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\na=rtcp:4007\n",
			"=: address 10.0.0.1:* <10.0.0.1>; expect udp 10.0.0.1:4000 anyone "
			"<4000>; "
			"expect udp 10.0.0.1:4007 anyone <4007>" },
		{ "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\na=rtcp:4007 IN IP4 10.0.0.2\n",
			"=: address 10.0.0.1:* <10.0.0.1>; expect udp 10.0.0.1:4000 anyone "
			"<4000>; "
			"expect udp 10.0.0.2:4007 anyone <4007>; address 10.0.0.2:* <10.0.0.2>" },
		{ "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\na=rtcp-mux\n",
			"=: address 10.0.0.1:* <10.0.0.1>; "
			"expect udp 10.0.0.1:4000 x2 anyone <4000>" },
		{ "c=IN IP4 10.0.0.1\nm=audio 4000/2 RTP/AVP 0\n",
			"=: address 10.0.0.1:* <10.0.0.1>; "
			"expect udp 10.0.0.1:4000 x4 anyone <4000>" },
		/* fax has no RTCP */
		{ "c=IN IP4 10.0.0.1\nm=image 4000 udptl t38\n",
			"=: address 10.0.0.1:* <10.0.0.1>; expect udp 10.0.0.1:4000 anyone "
			"<4000>" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		alg_says_row(
			&sdp_alg, 0, IPPROTO_UDP, rows[i].text, strlen(rows[i].text), rows[i].want);
}

static void
what_is_refused_held_or_broken_expects_nothing(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "part" },
		{ "\n\r\n=\nm\nm=\nc=\no=\na=\n", "=" },
		{ "m=audio 4000 RTP/AVP 0\n", "=" },
		{ "c=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0\n", "=" },
		{ "c=IN IP4 224.2.1.1/127\nm=audio 4000 RTP/AVP 0\n", "=" },
		{ "c=IN IP4 10.0.0.1/127\nm=audio 4000 RTP/AVP 0\n", "=" },
		{ "c=IN IP4 host.example\nm=audio 4000 RTP/AVP 0\n", "=" },
		{ "c=IN IP6 10.0.0.1\nm=audio 4000 RTP/AVP 0\n", "=" },
		{ "c=IN IP4 10.0.0.1\nm=audio 0 RTP/AVP 0\n", "=: address 10.0.0.1:* <10.0.0.1>" },
		{ "c=IN IP4 10.0.0.1\nm=audio 70000 RTP/AVP 0\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		{ "c=IN IP4 10.0.0.1\nm=audio 4000/0 RTP/AVP 0\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		{ "c=IN IP4 10.0.0.1\nm=audio 4000/5 RTP/AVP 0\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		{ "c=IN IP4 10.0.0.1\nm=audio 4000x RTP/AVP 0\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		{ "c=IN IP4 10.0.0.1\nm=message 4000 TCP/MSRP *\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		{ "c=IN IP4 10.0.0.1\nm=application 4000 RTP/AVP 0\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		/* on hold behind an address of the session */
		{ "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		/* RTCP of no stream */
		{ "c=IN IP4 10.0.0.1\na=rtcp:4007\nm=audio 0 RTP/AVP 0\na=rtcp:4009\n",
			"=: address 10.0.0.1:* <10.0.0.1>" },
		/* once */
		{ "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\na=rtcp:4007\na=rtcp:4008\n",
			"=: address 10.0.0.1:* <10.0.0.1>; expect udp 10.0.0.1:4000 anyone "
			"<4000>; "
			"expect udp 10.0.0.1:4007 anyone <4007>" },
		{ "o=- 1 1 IN IP4 host\n", "=" },
		{ "o=- 1 IN IP4 10.0.0.1\n", "=" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		char says[512];

		if (rows[i].text[0] == '\0') {
			assert_string_equal(
				alg_says(&sdp_alg, 0, IPPROTO_UDP, "", 0, says, sizeof(says)),
				rows[i].want);
			continue;
		}
		alg_says_row(
			&sdp_alg, 0, IPPROTO_UDP, rows[i].text, strlen(rows[i].text), rows[i].want);
	}
}

static void
more_streams_than_there_is_room_for_expect_nothing(void **state)
{
	char text[1024] = "c=IN IP4 10.0.0.1\n", says[256], want[32];
	size_t n = strlen(text);

	(void)state;
	for (unsigned int i = 0; i < ALG_FINDINGS_MAX; i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "m=audio %u RTP/AVP 0\n", 4000 + 2 * i);
	snprintf(want, sizeof(want), "%zu: many", n);
	assert_string_equal(alg_says(&sdp_alg, 0, IPPROTO_UDP, text, n, says, sizeof(says)), want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_expected_where_they_say),
		cmocka_unit_test(what_is_refused_held_or_broken_expects_nothing),
		cmocka_unit_test(more_streams_than_there_is_room_for_expect_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
