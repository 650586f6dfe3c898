/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SETUP "SETUP rtsp://h/a RTSP/1.0\r\nCSeq: 3\r\n"
#define REPLY "RTSP/1.0 200 OK\r\nCSeq: 3\r\n"

static void
setup_expects_media_at_both_ends(void **state)
{
	static const struct {
		unsigned int dir;
		const char *text, *want; /* want: without the number */
	} rows[] = {
		{ 0, SETUP "Transport: RTP/AVP;unicast;client_port=4588-4589\r\n\r\n",
			"expect udp speaker:4588 x2 <4588-4589>" },
		{ 0, SETUP "transport:RTP/AVP/UDP;unicast; client_port = 4588 \r\n\r\n",
			"expect udp speaker:4588 <4588>" },
		{ 0,
			SETUP "Transport: RTP/AVP/TCP;interleaved=0-1,\r\n "
			      "RTP/AVP;client_port=4588-4589\r\n\r\n",
			"expect udp speaker:4588 x2 <4588-4589>" },
		{ 1,
			REPLY "Transport: RTP/AVP;unicast;client_port=4588-4589;"
			      "server_port=6256-6257;ssrc=1\r\n\r\n",
			"address udp hearer:4588 x2 <4588-4589>; "
			"expect udp speaker:6256 x2 <6256-6257>" },
		{ 1, REPLY "Transport: RTP/AVP;source=200.1.1.10;server_port=6256\r\n\r\n",
			"address 200.1.1.10:* <200.1.1.10>; expect udp 200.1.1.10:6256 <6256>" },
		/* a third host is named: whoever asks whether it is permitted will see it */
		{ 0, SETUP "Transport: RTP/AVP;destination=10.0.0.9;client_port=4588\r\n\r\n",
			"address 10.0.0.9:* <10.0.0.9>; expect udp 10.0.0.9:4588 <4588>" },
		{ 0, "TEARDOWN rtsp://h/a RTSP/1.0\r\n\r\n", "end" },
		/* said by the wrong side, in the wrong message, refused */
		{ 1, SETUP "Transport: RTP/AVP;client_port=4588-4589\r\n\r\n", "" },
		{ 0, REPLY "Transport: RTP/AVP;client_port=4588;server_port=5\r\n\r\n", "" },
		{ 0, SETUP "Transport: RTP/AVP;server_port=6256-6257\r\n\r\n", "" },
		{ 0, "PLAY rtsp://h/a RTSP/1.0\r\nTransport: RTP/AVP;client_port=4588\r\n\r\n",
			"" },
		{ 1, "RTSP/1.0 461 no\r\nTransport: RTP/AVP;client_port=1;server_port=2\r\n\r\n",
			"" },
		{ 0, SETUP "Transport: RTP/AVP/TCP;client_port=4588\r\n\r\n", "" },
		/* malformed */
		{ 0, SETUP "Transport: RTP/AVP;client_port=4589-4588\r\n\r\n", "" },
		{ 0, SETUP "Transport: RTP/AVP;client_port=4588-4700\r\n\r\n", "" },
		{ 0, SETUP "Transport: RTP/AVP;client_port=0-1\r\n\r\n", "" },
		{ 0, SETUP "Transport: RTP/AVP;client_port=65535-65536\r\n\r\n", "" },
		{ 0, SETUP "Transport: RTP/AVP;client_port=4588-\r\n\r\n", "" },
		{ 0, SETUP "Transport: RTP/AVP;client_port\r\n\r\n", "" },
		{ 0, SETUP "Transport: ;;,,;=\r\n\r\n", "" },
		/* with a body */
		{ 0, "ANNOUNCE rtsp://h/a RTSP/1.0\r\nContent-Length: 3\r\n\r\nabc", "" },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		char want[256];

		snprintf(want, sizeof(want), "%zu%s%s", strlen(rows[i].text),
			rows[i].want[0] != '\0' ? ": " : "", rows[i].want);
		alg_says_row(alg_of(ALG_RTSP), rows[i].dir, IPPROTO_TCP, rows[i].text,
			strlen(rows[i].text), want);
	}
}

static void
frames_of_media_are_passed_over(void **state)
{
	(void)state;
	alg_says_row(alg_of(ALG_RTSP), 1, IPPROTO_TCP, "$\0\0\3abc", 7, "7");
	alg_says_row(alg_of(ALG_RTSP), 1, IPPROTO_TCP, "$\0\0\0", 4, "4");
	alg_says_row(alg_of(ALG_RTSP), 1, IPPROTO_TCP,
		"$\0\xff\xff"
		"abc",
		7, "part of 65539");
	alg_says_row(alg_of(ALG_RTSP), 1, IPPROTO_TCP, "$\0\0", 3, "part of 4");
}

static void
ALG07_other_protocols_end_it(void **state)
{
	static const char *const rows[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\n" SETUP,
		"HTTP/1.1 200 OK\r\n",
		"RTSP/2.0 200 OK\r\n",
		"RTSP/1.0 99 OK\r\n",
		"\x16\x03\x01",
		"x\r\n",
		SETUP "Content-Length: a\r\n\r\n",
		SETUP "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		alg_says_row(alg_of(ALG_RTSP), 0, IPPROTO_TCP, rows[i], strlen(rows[i]), "alien");
}

static void
ports_and_hosts_are_rewritten(void **state)
{
	struct alg_endpoint to[2] = { alg_says_endpoint("198.51.100.1", 40000),
		alg_says_endpoint("198.51.100.2", 50000) };

	(void)state;
	alg_says_edited(alg_of(ALG_RTSP), 0, IPPROTO_TCP,
		SETUP "Transport: RTP/AVP;client_port=4588-4589\r\n\r\n", to,
		SETUP "Transport: RTP/AVP;client_port=40000-40001\r\n\r\n");
	alg_says_edited(alg_of(ALG_RTSP), 1, IPPROTO_TCP,
		REPLY "Transport: RTP/AVP;source=200.1.1.10;server_port=6256\r\n\r\n", to,
		REPLY "Transport: RTP/AVP;source=198.51.100.1;server_port=50000\r\n\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setup_expects_media_at_both_ends),
		cmocka_unit_test(frames_of_media_are_passed_over),
		cmocka_unit_test(ALG07_other_protocols_end_it),
		cmocka_unit_test(ports_and_hosts_are_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
