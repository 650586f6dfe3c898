/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP on the wire: our own adverts, captured ones, and everything that is refused (VRP-06).
 */
#include "vrrp_wire.h"

#include <rte_ip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGE 34 /* offset in the frame */
#define IP	14

static const rte_be32_t source = RTE_BE32(0x0a010102), virtual_ip = RTE_BE32(0x0a010101);

static void
VRP01_frame_is_exact(void **state)
{
	static const uint8_t want[VRRP_WIRE_FRAME] = { /* to the group, from the virtual MAC */
		0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 0x00, 0x00, 0x5e, 0x00, 0x01, 0x0b, 0x08, 0x00,
		/* TOS 0xc0, length 40, TTL 255, protocol 112 */
		0x45, 0xc0, 0x00, 0x28, 0x00, 0x00, 0x00, 0x00, 0xff, 0x70, 0xcf, 0x90, 0x0a, 0x01,
		0x01, 0x02, 0xe0, 0x00, 0x00, 0x12,
		/* v2, type 1, vrid 11, priority 120, 1 address, no authentication, 1 s */
		0x21, 0x0b, 0x78, 0x01, 0x00, 0x01, 0x5b, 0xf0, 0x0a, 0x01, 0x01, 0x01, 0, 0, 0, 0,
		0, 0, 0, 0
	};
	uint8_t frame[VRRP_WIRE_FRAME];
	struct vrrp_advert a;

	(void)state;
	vrrp_wire_frame(frame, source, 11, 120, 1, virtual_ip);
	assert_memory_equal(frame, want, sizeof(want));
	assert_int_equal(vrrp_wire_check(frame + IP, sizeof(frame) - IP, &a), VRRP_OK);
	assert_int_equal(a.vrid, 11);
	assert_int_equal(a.priority, 120);
	assert_int_equal(a.interval_s, 1);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.source, source);
	assert_int_equal(a.addresses[0], virtual_ip);
}

static void
R249_captured_advert_decodes(void **state)
{
	static const uint8_t m[] = { 0x21, 0x0b, 0x32, 0x01, 0x01, 0x01, 0x34, 0xb4, 0x0a, 0x0a,
		0x0a, 0xd2, 0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0 };
	struct vrrp_advert a;

	(void)state;
	assert_int_equal(vrrp_wire_decode(m, sizeof(m), &a), VRRP_OK);
	assert_int_equal(a.vrid, 11);
	assert_int_equal(a.priority, 50);
	assert_int_equal(a.interval_s, 1);
	assert_int_equal(a.auth_type, 1);
	assert_int_equal(a.addresses[0], RTE_BE32(0x0a0a0ad2));
}

static void
captured_adverts_of_keepalived(void **state)
{
	static const struct {
		uint8_t len, bytes[20];
		enum vrrp_refusal why;
	} rows[] = {
		/* v3: refused by its version */
		{ 12, { 0x31, 0x0a, 0x96, 0x01, 0x00, 0x32, 0x43, 0xce, 0x0a, 0, 0, 0x64 },
			VRRP_REFUSED_version },
		{ 12, { 0x31, 0x0a, 0x00, 0x01, 0x00, 0x32, 0xd9, 0xce, 0x0a, 0, 0, 0x64 },
			VRRP_REFUSED_version },
		/* v2 with a password: decodes */
		{ 20,
			{ 0x21, 0x0a, 0x96, 0x01, 0x01, 0x01, 0xab, 0xf9, 0x0a, 0, 0, 0x64, 0x61,
				0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68 },
			VRRP_OK },
	};
	struct vrrp_advert a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(vrrp_wire_decode(rows[i].bytes, rows[i].len, &a), rows[i].why);
}

/* A change of a good packet: byte `at` (of the IP packet) becomes `value`; `fix` recomputes the
 * VRRP checksum; `len` = readable bytes, 0 = all. */
struct bad {
	const char *name;
	uint8_t at, value;
	bool fix;
	uint8_t len;
	enum vrrp_refusal why;
};

static const struct bad bad[] = {
	{ "untouched", 0, 0x45, false, 0, VRRP_OK },
	{ "TTL 254", 8, 254, false, 0, VRRP_REFUSED_ttl },
	{ "TTL 1", 8, 1, false, 0, VRRP_REFUSED_ttl },
	{ "IP version 6", 0, 0x65, false, 0, VRRP_REFUSED_ip },
	{ "IP header of 16 bytes", 0, 0x44, false, 0, VRRP_REFUSED_ip },
	{ "IP header longer than the packet", 0, 0x4f, false, 0, VRRP_REFUSED_ip },
	{ "IP length beyond the frame", 3, 47, false, 46 - 2, VRRP_REFUSED_ip },
	{ "IP length of the header only", 3, 20, false, 0, VRRP_REFUSED_short },
	{ "IP length below the header", 3, 19, false, 0, VRRP_REFUSED_ip },
	{ "cut in the IP header", 0, 0x45, false, 19, VRRP_REFUSED_ip },
	{ "cut in the VRRP header", 3, 27, false, 27, VRRP_REFUSED_short },
	{ "more fragments", 6, 0x20, false, 0, VRRP_REFUSED_ip },
	{ "a later fragment", 7, 1, false, 0, VRRP_REFUSED_ip },
	{ "protocol 17", 9, 17, false, 0, VRRP_REFUSED_ip },
	{ "unicast", 19, 0x13, false, 0, VRRP_REFUSED_ip },
	{ "VRRP version 1", 20, 0x11, true, 0, VRRP_REFUSED_version },
	{ "VRRP version 3", 20, 0x31, true, 0, VRRP_REFUSED_version },
	{ "VRRP version 4", 20, 0x41, true, 0, VRRP_REFUSED_version },
	{ "type 2: an HA message", 20, 0x22, true, 0, VRRP_REFUSED_type },
	{ "type 0", 20, 0x20, true, 0, VRRP_REFUSED_type },
	{ "count 0", 23, 0, true, 0, VRRP_REFUSED_count },
	{ "count 2 in a packet for 1", 23, 2, true, 0, VRRP_REFUSED_length },
	{ "count 255 in a short packet", 23, 255, true, 0, VRRP_REFUSED_count },
	{ "CARP", 23, 7, true, 0, VRRP_REFUSED_length },
	{ "trailing bytes", 3, 44, true, 0, VRRP_REFUSED_length },
	{ "without authentication data", 3, 32, true, 0, VRRP_REFUSED_length },
	{ "wrong checksum", 26, 0xff, false, 0, VRRP_REFUSED_checksum },
	{ "flipped bit in the address", 28, 0x0b, false, 0, VRRP_REFUSED_checksum },
	{ "password", 24, 1, true, 0, VRRP_REFUSED_auth },
	{ "authentication type 254", 24, 254, true, 0, VRRP_REFUSED_auth },
};

static void
VRP06_each_wrong_packet_has_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t frame[VRRP_WIRE_FRAME];
		uint8_t *const ip = frame + IP;
		struct vrrp_advert a;
		enum vrrp_refusal why;

		vrrp_wire_frame(frame, source, 1, 120, 1, virtual_ip);
		ip[bad[i].at] = bad[i].value;
		if (bad[i].fix) {
			uint16_t sum;

			memset(ip + 26, 0, 2);
			sum = (uint16_t)~rte_raw_cksum(ip + 20, ip[3] - 20u);
			memcpy(ip + 26, &sum, 2);
		}
		why = vrrp_wire_check(ip, bad[i].len != 0 ? bad[i].len : sizeof(frame) - IP, &a);
		if (why != bad[i].why)
			fail_msg("%s: %s, expected %s", bad[i].name, vrrp_refusal_names[why],
				vrrp_refusal_names[bad[i].why]);
	}
}

static void
no_length_reads_beyond_the_packet(void **state)
{
	uint8_t frame[VRRP_WIRE_FRAME];
	struct vrrp_advert a;

	(void)state;
	vrrp_wire_frame(frame, source, 1, 120, 1, virtual_ip);
	for (uint16_t len = 0; len <= sizeof(frame) - IP; len++) {
		uint8_t *const exact = test_malloc(len + 1u); /* the sanitizer watches its end */

		memcpy(exact + 1, frame + IP, len);
		const enum vrrp_refusal why = vrrp_wire_check(exact + 1, len, &a);

		assert_int_equal(why == VRRP_OK, len >= 40);
		test_free(exact);
	}
}

static void
every_reason_has_a_name_and_a_text(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VRRP_REFUSAL_COUNT; i++) {
		assert_non_null(vrrp_refusal_names[i]);
		assert_non_null(vrrp_refusal_texts[i]);
	}
}

/* ---- IPv6 ---- */

static const uint8_t source6[IP6_LEN] = { 0xfe, 0x80, [15] = 2 };
static const uint8_t virtual6[IP6_LEN] = { 0xfe, 0x80, [15] = 1 };

static void
VRP01_frame_of_ipv6_is_exact(void **state)
{
	/* tshark finds the checksum right. */
	static const uint8_t want[VRRP_WIRE_FRAME6] = { 0x33, 0x33, 0x00, 0x00, 0x00, 0x12, 0x00,
		0x00, 0x5e, 0x00, 0x02, 0x0b, 0x86, 0xdd, 0x6c, 0x00, 0x00, 0x00, 0x00, 0x18, 0x70,
		0xff, 0xfe, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x02, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x12, 0x31, 0x0b, 0x78, 0x01, 0x00, 0x64, 0x59, 0xed, 0xfe,
		0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x01 };
	uint8_t frame[VRRP_WIRE_FRAME6];
	struct vrrp_advert6 a;

	(void)state;
	vrrp_wire_frame6(frame, source6, 11, 120, 100, virtual6);
	assert_memory_equal(frame, want, sizeof(want));
	assert_int_equal(vrrp_wire_check6(frame + IP, sizeof(frame) - IP, &a), VRRP_OK);
	assert_int_equal(a.vrid, 11);
	assert_int_equal(a.priority, 120);
	assert_int_equal(a.interval_cs, 100);
	assert_int_equal(a.count, 1);
	assert_memory_equal(a.source, source6, IP6_LEN);
	assert_memory_equal(a.address, virtual6, IP6_LEN);
}

static const struct bad bad6[] = {
	{ "untouched", 0, 0x6c, false, 0, VRRP_OK },
	{ "reserved bits", 44, 0xf0, true, 0, VRRP_OK },
	{ "hop limit 254", 7, 254, false, 0, VRRP_REFUSED_ttl },
	{ "IP version 4", 0, 0x4c, false, 0, VRRP_REFUSED_ip },
	{ "from a global address", 8, 0x20, true, 0, VRRP_REFUSED_ip },
	{ "an extension header", 6, 0, true, 0, VRRP_REFUSED_ip },
	{ "to another group", 39, 0x13, true, 0, VRRP_REFUSED_ip },
	{ "length beyond the frame", 5, 25, false, 0, VRRP_REFUSED_ip },
	{ "cut in the IPv6 header", 0, 0x6c, false, 39, VRRP_REFUSED_ip },
	{ "shorter than its header", 5, 7, false, 0, VRRP_REFUSED_short },
	{ "version 2", 40, 0x21, true, 0, VRRP_REFUSED_version },
	{ "version 4", 40, 0x41, true, 0, VRRP_REFUSED_version },
	{ "type 2", 40, 0x32, true, 0, VRRP_REFUSED_type },
	{ "count 0", 43, 0, true, 0, VRRP_REFUSED_count },
	{ "count 255", 43, 255, true, 0, VRRP_REFUSED_count },
	{ "count 2 in a packet for 1", 43, 2, true, 0, VRRP_REFUSED_length },
	{ "half an address", 5, 16, true, 0, VRRP_REFUSED_length },
	{ "wrong checksum", 46, 0xff, false, 0, VRRP_REFUSED_checksum },
	{ "flipped bit in the source", 23, 3, false, 0, VRRP_REFUSED_checksum },
};

static void
VRP06_each_wrong_packet_of_ipv6_has_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
		uint8_t frame[VRRP_WIRE_FRAME6];
		uint8_t *const ip = frame + IP;
		struct vrrp_advert6 a;
		struct rte_ipv6_hdr header;
		enum vrrp_refusal why;

		vrrp_wire_frame6(frame, source6, 1, 120, 100, virtual6);
		ip[bad6[i].at] = bad6[i].value;
		if (bad6[i].fix) {
			uint16_t sum;

			memset(ip + 46, 0, 2);
			memcpy(&header, ip, sizeof(header));
			sum = rte_ipv6_udptcp_cksum(&header, ip + 40);
			memcpy(ip + 46, &sum, 2);
		}
		why = vrrp_wire_check6(ip, bad6[i].len != 0 ? bad6[i].len : sizeof(frame) - IP, &a);
		if (why != bad6[i].why)
			fail_msg("%s: %s, expected %s", bad6[i].name, vrrp_refusal_names[why],
				vrrp_refusal_names[bad6[i].why]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(VRP01_frame_is_exact),
		cmocka_unit_test(R249_captured_advert_decodes),
		cmocka_unit_test(captured_adverts_of_keepalived),
		cmocka_unit_test(VRP01_frame_of_ipv6_is_exact),
		cmocka_unit_test(VRP06_each_wrong_packet_of_ipv6_has_its_own_reason),
		cmocka_unit_test(VRP06_each_wrong_packet_has_its_own_reason),
		cmocka_unit_test(no_length_reads_beyond_the_packet),
		cmocka_unit_test(every_reason_has_a_name_and_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
