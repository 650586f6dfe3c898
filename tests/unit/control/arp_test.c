/* SPDX-License-Identifier: BSD-3-Clause */
#include "arp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Positions in an Ethernet frame with ARP. */
enum {
	AT_ETHER_TYPE = 12,
	AT_HTYPE = 14,
	AT_PTYPE = 16,
	AT_HLEN = 18,
	AT_PLEN = 19,
	AT_OP = 20,
	AT_SHA = 22,
	AT_SIP = 28,
	AT_THA = 32,
	AT_TIP = 38,
	ARP_END = 42
};

/* 10.1.1.10 at 02:00:0a:01:01:0a asks who has 10.1.1.1. */
static const uint8_t good[ARP_FRAME_LEN] = {
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0xff,
	0x02,
	0x00,
	0x0a,
	0x01,
	0x01,
	0x0a,
	0x08,
	0x06,
	0x00,
	0x01,
	0x08,
	0x00,
	0x06,
	0x04,
	0x00,
	0x01,
	0x02,
	0x00,
	0x0a,
	0x01,
	0x01,
	0x0a,
	0x0a,
	0x01,
	0x01,
	0x0a,
	0x00,
	0x00,
	0x00,
	0x00,
	0x00,
	0x00,
	0x0a,
	0x01,
	0x01,
	0x01,
};
static const struct rte_ether_addr host = { { 0x02, 0x00, 0x0a, 0x01, 0x01, 0x0a } };
static const struct rte_ether_addr vmac = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };

/* One change of the good frame, and what must be said about it. */
static const struct {
	const char *name;
	uint8_t at, len;
	uint8_t bytes[6];
	enum arp_verdict verdict;
} rows[] = {
	{ "as it is", 0, 0, { 0 }, ARP_OK },
	{ "reply", AT_OP, 2, { 0, 2 }, ARP_OK },
	{ "opcode 0", AT_OP, 2, { 0, 0 }, ARP_OPCODE },
	{ "opcode 3 (RARP)", AT_OP, 2, { 0, 3 }, ARP_OPCODE },
	{ "opcode 9 (InARP)", AT_OP, 2, { 0, 9 }, ARP_OPCODE },
	{ "opcode 256", AT_OP, 2, { 1, 0 }, ARP_OPCODE },
	{ "EtherType IPv4", AT_ETHER_TYPE, 2, { 0x08, 0x00 }, ARP_FORMAT },
	{ "hardware type 0", AT_HTYPE, 2, { 0, 0 }, ARP_FORMAT },
	{ "hardware type 6 (IEEE 802)", AT_HTYPE, 2, { 0, 6 }, ARP_FORMAT },
	{ "protocol IPv6", AT_PTYPE, 2, { 0x86, 0xdd }, ARP_FORMAT },
	{ "hardware length 8", AT_HLEN, 1, { 8 }, ARP_FORMAT },
	{ "hardware length 0", AT_HLEN, 1, { 0 }, ARP_FORMAT },
	{ "protocol length 16", AT_PLEN, 1, { 16 }, ARP_FORMAT },
	{ "sender MAC zero", AT_SHA, 6, { 0 }, ARP_SENDER_MAC },
	{ "sender MAC broadcast", AT_SHA, 6, { 255, 255, 255, 255, 255, 255 }, ARP_SENDER_MAC },
	{ "sender MAC multicast", AT_SHA, 6, { 1, 0, 0x5e, 0, 0, 18 }, ARP_SENDER_MAC },
	{ "sender virtual MAC", AT_SHA, 6, { 0, 0, 0x5e, 0, 1, 7 }, ARP_OK },
	{ "sender 0.0.0.0 asks: probe", AT_SIP, 4, { 0, 0, 0, 0 }, ARP_OK },
	{ "sender 0.0.0.1", AT_SIP, 4, { 0, 0, 0, 1 }, ARP_SENDER_ADDRESS },
	{ "sender 127.0.0.1", AT_SIP, 4, { 127, 0, 0, 1 }, ARP_SENDER_ADDRESS },
	{ "sender 224.0.0.1", AT_SIP, 4, { 224, 0, 0, 1 }, ARP_SENDER_ADDRESS },
	{ "sender 240.0.0.1", AT_SIP, 4, { 240, 0, 0, 1 }, ARP_SENDER_ADDRESS },
	{ "sender 255.255.255.255", AT_SIP, 4, { 255, 255, 255, 255 }, ARP_SENDER_ADDRESS },
	{ "target anything", AT_TIP, 4, { 255, 255, 255, 255 }, ARP_OK },
	{ "target MAC anything", AT_THA, 6, { 255, 255, 255, 255, 255, 255 }, ARP_OK },
};

static void
every_field_is_checked(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t frame[ARP_FRAME_LEN];
		struct arp a;

		memcpy(frame, good, sizeof(frame));
		memcpy(frame + rows[i].at, rows[i].bytes, rows[i].len);
		if (arp_parse(frame, sizeof(frame), &a) != rows[i].verdict)
			fail_msg("%s: %d", rows[i].name, arp_parse(frame, sizeof(frame), &a));
	}
}

static void
a_reply_from_0_0_0_0_is_refused(void **state)
{
	uint8_t frame[ARP_FRAME_LEN];
	struct arp a;

	(void)state;
	memcpy(frame, good, sizeof(frame));
	memset(frame + AT_SIP, 0, 4);
	frame[AT_OP + 1] = ARP_REPLY;
	assert_int_equal(arp_parse(frame, sizeof(frame), &a), ARP_SENDER_ADDRESS);
}

static void
a_frame_cut_off_anywhere_is_short(void **state)
{
	struct arp a;

	(void)state;
	for (size_t len = 0; len <= ARP_FRAME_LEN; len++) {
		/* Exactly as many bytes, so that the sanitizer sees a read beyond them. */
		uint8_t *copy = malloc(len > 0 ? len : 1);

		assert_non_null(copy);
		memcpy(copy, good, len);
		assert_int_equal(arp_parse(copy, len, &a), len < ARP_END ? ARP_SHORT : ARP_OK);
		free(copy);
	}
}

static void
a_request_is_taken_apart(void **state)
{
	struct arp a;

	(void)state;
	assert_int_equal(arp_parse(good, sizeof(good), &a), ARP_OK);
	assert_int_equal(a.op, ARP_REQUEST);
	assert_memory_equal(&a.sender_mac, &host, sizeof(host));
	assert_int_equal(a.sender, RTE_BE32(0x0a01010a));
	assert_int_equal(a.target, RTE_BE32(0x0a010101));
}

static void
R33_a_reply_has_the_virtual_mac_twice(void **state)
{
	static const uint8_t expected[ARP_FRAME_LEN] = {
		0x02,
		0x00,
		0x0a,
		0x01,
		0x01,
		0x0a,
		0x00,
		0x00,
		0x5e,
		0x00,
		0x01,
		0x01,
		0x08,
		0x06,
		0x00,
		0x01,
		0x08,
		0x00,
		0x06,
		0x04,
		0x00,
		0x02,
		0x00,
		0x00,
		0x5e,
		0x00,
		0x01,
		0x01,
		0x0a,
		0x01,
		0x01,
		0x01,
		0x02,
		0x00,
		0x0a,
		0x01,
		0x01,
		0x0a,
		0x0a,
		0x01,
		0x01,
		0x0a,
	};
	uint8_t frame[ARP_FRAME_LEN];
	struct arp a;

	(void)state;
	assert_int_equal(arp_parse(good, sizeof(good), &a), ARP_OK);
	arp_reply(frame, &a, &vmac);
	assert_memory_equal(frame, expected, sizeof(frame));
}

static void
R32_a_gratuitous_arp_is_a_broadcast_request_about_itself(void **state)
{
	static const uint8_t expected[ARP_FRAME_LEN] = {
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0x00,
		0x00,
		0x5e,
		0x00,
		0x01,
		0x01,
		0x08,
		0x06,
		0x00,
		0x01,
		0x08,
		0x00,
		0x06,
		0x04,
		0x00,
		0x01,
		0x00,
		0x00,
		0x5e,
		0x00,
		0x01,
		0x01,
		0x0a,
		0x01,
		0x01,
		0x01,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0xff,
		0x0a,
		0x01,
		0x01,
		0x01,
	};
	uint8_t frame[ARP_FRAME_LEN];

	(void)state;
	arp_gratuitous(frame, &vmac, RTE_BE32(0x0a010101));
	assert_memory_equal(frame, expected, sizeof(frame));
}

static void
a_request_goes_to_everybody_or_to_one(void **state)
{
	static const struct rte_ether_addr ours = { { 2, 'T', 'W', 1, 0, 0 } };
	uint8_t frame[ARP_FRAME_LEN];
	struct arp a;

	(void)state;
	for (int unicast = 0; unicast < 2; unicast++) {
		arp_request(frame, &ours, RTE_BE32(0x0a010102), RTE_BE32(0x0a01010a),
			unicast ? &host : NULL);
		assert_int_equal(arp_parse(frame, sizeof(frame), &a), ARP_OK);
		assert_int_equal(a.op, ARP_REQUEST);
		assert_memory_equal(&a.sender_mac, &ours, sizeof(ours));
		assert_int_equal(a.sender, RTE_BE32(0x0a010102));
		assert_int_equal(a.target, RTE_BE32(0x0a01010a));
		assert_int_equal(frame[0], unicast ? 0x02 : 0xff);
		assert_memory_equal(frame + 6, &ours, sizeof(ours));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_checked),
		cmocka_unit_test(a_reply_from_0_0_0_0_is_refused),
		cmocka_unit_test(a_frame_cut_off_anywhere_is_short),
		cmocka_unit_test(a_request_is_taken_apart),
		cmocka_unit_test(R33_a_reply_has_the_virtual_mac_twice),
		cmocka_unit_test(R32_a_gratuitous_arp_is_a_broadcast_request_about_itself),
		cmocka_unit_test(a_request_goes_to_everybody_or_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
