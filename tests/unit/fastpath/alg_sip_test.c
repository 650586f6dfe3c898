/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UDP IPPROTO_UDP
#define TCP IPPROTO_TCP
#define SDP                                                                                        \
	"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 "     \
	"RTP/AVP 0\r\n"
#define EXPECTS                                                                                    \
	"address 10.0.0.1:* <10.0.0.1>; address 10.0.0.1:* <10.0.0.1>; "                           \
	"expect udp 10.0.0.1:4000 x2 anyone <4000>"

struct row {
	uint8_t proto;
	const char *text, *want; /* want: without the number and what is behind it */
};

/* Rows need not count their own bytes. */
static void
check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		char want[2048];

		if (strcmp(r->want, "alien") == 0 || strncmp(r->want, "part", 4) == 0)
			snprintf(want, sizeof(want), "%s", r->want);
		else
			snprintf(want, sizeof(want), "%zu%s%s", strlen(r->text),
				r->want[0] != '\0' ? ": " : "", r->want);
		alg_says_row(alg_of(ALG_SIP), 0, r->proto, r->text, strlen(r->text), want);
	}
}

static void
ALG08_descriptions_expect_media(void **state)
{
	static const struct row rows[] = {
		{ UDP,
			"INVITE sip:bob@example.com SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport\r\n"
			"From: <sip:alice@10.0.0.1>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
			"Call-ID: a@10.0.0.1\r\nCSeq: 1 INVITE\r\n"
			"Contact: <sip:alice@10.0.0.1:5062>\r\n"
			"Content-Type: application/sdp\r\nContent-Length: 85\r\n\r\n" SDP,
			"address 10.0.0.1:5060 <10.0.0.1:5060>; "
			"address 10.0.0.1:5062 <10.0.0.1:5062>; length 85 <85>; " EXPECTS },
		/* the short names; TCP */
		{ TCP,
			"SIP/2.0 200 OK\r\nv: SIP/2.0/TCP 10.0.0.1\r\nc: Application/SDP;x=y\r\n"
			"l: 85\r\n\r\n" SDP,
			"address 10.0.0.1:5060 <10.0.0.1>; length 85 <85>; " EXPECTS },
		/* UDP without Content-Length: up to its end */
		{ UDP, "SIP/2.0 183 x\r\nc: application/sdp\r\n\r\n" SDP, EXPECTS },
		/* a description of another kind */
		{ UDP, "SIP/2.0 183 x\r\nc: application/sdpx\r\n\r\n" SDP, "" },
		{ UDP, "SIP/2.0 183 x\r\nc: text/plain\r\n\r\n" SDP, "" },
		/* no body, though there is its type */
		{ TCP, "SIP/2.0 200 OK\r\nc: application/sdp\r\nl: 0\r\n\r\n", "" },
	};

	(void)state;
	check(rows, RTE_DIM(rows));
}

static void
headers_mention_endpoints(void **state)
{
	static const struct row rows[] = {
		{ UDP, "OPTIONS sip:10.0.0.2 SIP/2.0\r\n\r\n", "address 10.0.0.2:5060 <10.0.0.2>" },
		{ UDP, "OPTIONS sip:bob:secret@10.0.0.2:5070;transport=udp?a=b@c SIP/2.0\r\n\r\n",
			"address 10.0.0.2:5070 <10.0.0.2:5070>" },
		{ UDP, "OPTIONS sips:[2001:db8::2] SIP/2.0\r\n\r\n",
			"address [2001:db8::2]:5061 <[2001:db8::2]>" },
		{ UDP, "OPTIONS tel:110 SIP/2.0\r\n\r\n", "" },
		{ UDP, "OPTIONS sip:10.0.0.2.example.com SIP/2.0\r\n\r\n", "" },
		{ UDP, "OPTIONS sip:bob@10.0.0.2x SIP/2.0\r\n\r\n", "" },
		{ UDP, "OPTIONS sip:10.0.0.2:0 SIP/2.0\r\n\r\n", "" },
		{ UDP, "OPTIONS sip:10.0.0.2:66000 SIP/2.0\r\n\r\n", "" },
		/* what a server has noted about who sent it */
		{ UDP,
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP "
			"10.0.0.1:5060;rport=40000;received=198.51.100.1;branch=1\r\n\r\n",
			"address 10.0.0.1:5060 <10.0.0.1:5060>; address 198.51.100.1:40000 "
			"<40000>; "
			"address 198.51.100.1:40000 <198.51.100.1>" },
		{ UDP,
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP "
			"pc.example;received=198.51.100.1\r\n\r\n",
			"address 198.51.100.1:5060 <198.51.100.1>" },
		{ UDP,
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP "
			"[2001:db8::1]:5060;received=[2001:db8::2]\r\n\r\n",
			"address [2001:db8::1]:5060 <[2001:db8::1]:5060>; "
			"address [2001:db8::2]:5060 <[2001:db8::2]>" },
		/* several, in one header and in two, folded */
		{ UDP,
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:1,\r\n SIP/2.0/UDP "
			"10.0.0.2:2\r\nv:SIP/2.0/UDP 10.0.0.3:3\r\n\r\n",
			"address 10.0.0.1:1 <10.0.0.1:1>; address 10.0.0.2:2 <10.0.0.2:2>; "
			"address 10.0.0.3:3 <10.0.0.3:3>" },
		{ UDP,
			"ACK sip:a SIP/2.0\r\nRoute: <sip:10.0.0.1;lr>,<sip:10.0.0.2:5070;lr>\r\n"
			"Record-Route: \"Q, <sip:10.9.9.9>\\\"\" <sip:10.0.0.3>\r\n\r\n",
			"address 10.0.0.1:5060 <10.0.0.1>; address 10.0.0.2:5070 <10.0.0.2:5070>; "
			"address 10.0.0.3:5060 <10.0.0.3>" },
		/* names stay */
		{ UDP,
			"ACK sip:a SIP/2.0\r\nFrom: <sip:x@10.0.0.1>\r\nTo: <sip:x@10.0.0.2>\r\n"
			"P-Contact: <sip:10.0.0.3>\r\nContact: *\r\n\r\n",
			"" },
	};

	(void)state;
	check(rows, RTE_DIM(rows));
}

static void
who_registers_takes_calls_at_its_contact(void **state)
{
#define REGISTER "REGISTER sip:example.com SIP/2.0\r\n"
	static const struct row rows[] = {
		{ UDP, REGISTER "Contact: <sip:a@10.0.0.1:5062>\r\n\r\n",
			"expect udp 10.0.0.1:5062 child 3 3600s <10.0.0.1:5062>" },
		{ UDP, REGISTER "Contact: <sip:a@10.0.0.1>\r\nExpires: 120\r\n\r\n",
			"expect udp 10.0.0.1:5060 child 3 120s <10.0.0.1>" },
		{ UDP, REGISTER "m: sip:a@10.0.0.1;expires=60\r\nExpires: 120\r\n\r\n",
			"expect udp 10.0.0.1:5060 child 3 60s <10.0.0.1>" },
		{ UDP, REGISTER "m: <sip:a@10.0.0.1>;expires=4294967295\r\n\r\n",
			"expect udp 10.0.0.1:5060 child 3 3600s <10.0.0.1>" },
		{ UDP, REGISTER "m: <sip:a@10.0.0.1>;expires=100000\r\n\r\n",
			"expect udp 10.0.0.1:5060 child 3 65534s <10.0.0.1>" },
		{ UDP, REGISTER "m: <sip:a@10.0.0.1;transport=tcp>\r\n\r\n",
			"expect tcp 10.0.0.1:5060 child 3 3600s <10.0.0.1>" },
		{ TCP, REGISTER "m: <sip:a@10.0.0.1>\r\nl: 0\r\n\r\n",
			"expect tcp 10.0.0.1:5060 child 3 3600s <10.0.0.1>" },
		/* the end of a registration; TLS, which nobody here can read */
		{ UDP, REGISTER "m: <sip:a@10.0.0.1>;expires=0\r\n\r\n",
			"address udp 10.0.0.1:5060 child 3 <10.0.0.1>" },
		{ UDP, REGISTER "m: <sip:a@10.0.0.1>\r\nExpires: 0\r\n\r\n",
			"address udp 10.0.0.1:5060 child 3 <10.0.0.1>" },
		{ UDP, REGISTER "m: <sip:a@10.0.0.1;transport=tls>\r\n\r\n",
			"address 10.0.0.1:5060 <10.0.0.1>" },
		{ UDP, REGISTER "m: <sips:a@10.0.0.1>\r\n\r\n",
			"address 10.0.0.1:5061 <10.0.0.1>" },
		{ UDP, REGISTER "m: *\r\n\r\n", "" },
		/* only a request */
		{ UDP, "SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\nm: <sip:a@10.0.0.1>\r\n\r\n",
			"address 10.0.0.1:5060 <10.0.0.1>" },
	};

	(void)state;
	check(rows, RTE_DIM(rows));
}

static void
ALG08_calls_end(void **state)
{
	static const struct row rows[] = {
		{ UDP, "BYE sip:a SIP/2.0\r\nCall-ID: 1\r\n\r\n", "end" },
		{ TCP, "CANCEL sip:a SIP/2.0\r\nl: 0\r\n\r\n", "end" },
		{ UDP, "SIP/2.0 486 Busy\r\nCSeq: 1 INVITE\r\n\r\n", "end" },
		{ UDP, "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n", "" },
		{ UDP, "SIP/2.0 401 Who\r\nCSeq: 1 REGISTER\r\n\r\n", "" },
		{ UDP, "ACK sip:a SIP/2.0\r\nCSeq: 1 ACK\r\n\r\n", "" },
	};
	struct alg_findings invite, bye, other;

	(void)state;
	check(rows, RTE_DIM(rows));
#define SCAN(text, found)                                                                          \
	assert_int_equal(                                                                          \
		alg_of(ALG_SIP)->scan(0, UDP, text, sizeof(text) - 1, found), sizeof(text) - 1)
	SCAN("INVITE sip:10.0.0.1 SIP/2.0\r\nCall-ID: x1@h\r\n\r\n", &invite);
	SCAN("BYE sip:a SIP/2.0\r\ni:  x1@h \r\n\r\n", &bye);
	SCAN("BYE sip:a SIP/2.0\r\ni: x2@h\r\n\r\n", &other);
	assert_true(invite.list[0].call != 0);
	assert_int_equal(invite.list[0].call, bye.list[0].call);
	assert_int_not_equal(other.list[0].call, bye.list[0].call);
}

static void
ALG07_what_is_malformed_or_alien_says_nothing(void **state)
{
#define PIN "c: application/sdp\r\n"
	static const struct row rows[] = {
		{ TCP, "POST /x HTTP/1.1\r\nHost: a\r\n\r\n", "alien" },
		{ TCP, "POST sip:a@b HTTP/1.1\r\n", "alien" },
		{ TCP, "INVITE sip:a@b SIP/2.0x\r\n\r\n", "alien" },
		{ TCP, "INVITE sip:a@b\r\n\r\n", "alien" },
		{ TCP, "INVITE  SIP/2.0\r\nl: 0\r\n\r\n", "" }, /* no target: nothing is said */
		{ TCP, "SIP/2.0 20 OK\r\n\r\n", "alien" },
		{ TCP, "SIP/2.0 x\r\n\r\n", "alien" },
		{ TCP, "SIP/3.0 200 OK\r\n\r\n", "alien" },
		{ TCP, "Host: x\r\n", "alien" },
		{ TCP, "\x16\x03\x01", "alien" },
		{ TCP, "SIP", "part" },
		{ TCP, "INVITE sip:a@b SIP/2.0\r\nContact: <sip:10.0.0.1>\r\n", "part" },
		{ TCP, "SIP/2.0 200 OK\r\nl: 500\r\n\r\n", "part of 526" },
		{ TCP, "SIP/2.0 200 OK\r\nl: 5000\r\n\r\n", "part of 5027" },
		/* a length that is not one, twice, or longer than the datagram */
		{ TCP, "SIP/2.0 200 OK\r\nl: 0x5\r\n\r\n", "alien" },
		{ TCP, "SIP/2.0 200 OK\r\nl: -1\r\n\r\n", "alien" },
		{ TCP, "SIP/2.0 200 OK\r\nl: 99999999999\r\n\r\n", "alien" },
		{ TCP, "SIP/2.0 200 OK\r\nl: 0\r\nContent-Length: 5\r\n\r\n", "alien" },
		{ UDP, "SIP/2.0 200 OK\r\nm: <sip:10.0.0.1>\r\nl: 1\r\n\r\n", "alien" },
		{ UDP, "SIP/2.0 200 OK\r\nm: <sip:10.0.0.1>\r\n", "alien" },
		{ UDP, "SIP/2.0 200 OK", "alien" },
		{ UDP, "", "alien" },
		{ UDP, "\r\n\r\n", "alien" },
		{ TCP, "\r\n\r\n", "" }, /* keep-alive */
		{ UDP, "x\r\nINVITE sip:a@b SIP/2.0\r\n" PIN "\r\n" SDP, "alien" },
		/* lines without a name */
		{ UDP, "SIP/2.0 200 OK\r\nx\r\n: y\r\nContact <sip:10.0.0.1>\r\n\r\n", "" },
		/* brackets and quotes that do not close */
		{ UDP, "SIP/2.0 200 OK\r\nm: \"<sip:10.0.0.1>\r\n\r\n", "" },
		{ UDP, "SIP/2.0 200 OK\r\nm: <sip:10.0.0.1\r\n\r\n",
			"address 10.0.0.1:5060 <10.0.0.1>" },
		{ UDP, "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP\r\nv:\r\nv: ,,;;=\r\n\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		if (rows[i].text[0] == '\0' || strcmp(rows[i].text, "\r\n\r\n") == 0) {
			char says[64];

			assert_string_equal(
				alg_says(alg_of(ALG_SIP), 0, rows[i].proto, rows[i].text,
					strlen(rows[i].text), says, sizeof(says)),
				rows[i].want[0] != '\0' ? rows[i].want : "1");
			continue;
		}
		check(&rows[i], 1);
	}
}

static void
a_message_that_says_too_much_is_passed_over(void **state)
{
	char text[4096] = "SIP/2.0 200 OK\r\n", says[256], want[32];
	size_t n = strlen(text);

	(void)state;
	for (unsigned int i = 0; i <= ALG_FINDINGS_MAX; i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "v: SIP/2.0/UDP 10.0.0.1:%u\r\n", 5000 + i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	snprintf(want, sizeof(want), "%zu: many", n);
	assert_string_equal(alg_says(alg_of(ALG_SIP), 0, UDP, text, n, says, sizeof(says)), want);
}

static void
ALG08_edits_adjust_the_length_of_the_body(void **state)
{
	struct alg_endpoint to[6];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(to); i++)
		to[i] = alg_says_endpoint("198.51.100.200", 40000);
	/* header, length, o=, c=, m= */
	alg_says_edited(alg_of(ALG_SIP), 0, TCP,
		"SIP/2.0 200 OK\r\nm: <sip:10.0.0.1:5060;x>\r\nl: 85\r\n" PIN "\r\n" SDP, to,
		"SIP/2.0 200 OK\r\nm: <sip:198.51.100.200:40000;x>\r\nl: 98\r\n" PIN "\r\n"
		"v=0\r\no=- 1 1 IN IP4 198.51.100.200\r\ns=-\r\nc=IN IP4 198.51.100.200\r\n"
		"t=0 0\r\nm=audio 40000 RTP/AVP 0\r\n");
	/* only the body's ports */
	to[0].given = to[2].given = to[3].given = false;
	alg_says_edited(alg_of(ALG_SIP), 0, TCP,
		"SIP/2.0 200 OK\r\nm: <sip:10.0.0.1:5060;x>\r\nl: 85\r\n" PIN "\r\n" SDP, to,
		"SIP/2.0 200 OK\r\nm: <sip:10.0.0.1:5060;x>\r\nl: 86\r\n" PIN "\r\n"
		"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\n"
		"t=0 0\r\nm=audio 40000 RTP/AVP 0\r\n");
	/* IPv6 in brackets, what was noted by a server */
	to[0] = alg_says_endpoint("2001:db8::9", 7);
	to[1] = to[2] = alg_says_endpoint("198.51.100.1", 8);
	alg_says_edited(alg_of(ALG_SIP), 1, UDP,
		"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP "
		"[2001:db8::1]:5060;received=10.0.0.1;rport=5060\r\n\r\n",
		to,
		"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP "
		"[2001:db8::9]:7;received=198.51.100.1;rport=8\r\n\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ALG08_descriptions_expect_media),
		cmocka_unit_test(headers_mention_endpoints),
		cmocka_unit_test(who_registers_takes_calls_at_its_contact),
		cmocka_unit_test(ALG08_calls_end),
		cmocka_unit_test(ALG07_what_is_malformed_or_alien_says_nothing),
		cmocka_unit_test(a_message_that_says_too_much_is_passed_over),
		cmocka_unit_test(ALG08_edits_adjust_the_length_of_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
