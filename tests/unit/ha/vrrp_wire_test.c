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

#define IP 14 /* offset in the frame */

static const rte_be32_t source = RTE_BE32(0x0a010102), virtual_ip = RTE_BE32(0x0a010101);
static const uint8_t source6[IP6_LEN] = { 0xfe, 0x80, [15] = 2 };
static const uint8_t virtual6[IP6_LEN] = { 0xfe, 0x80, [15] = 1 };

static struct vrrp_advert
advert(uint8_t family, uint8_t version, uint8_t vrid)
{
	return (struct vrrp_advert){ .version = version,
		.vrid = vrid,
		.priority = 120,
		.interval_ms = 1000,
		.source = family == 6 ? ip_addr_v6(source6) : ip_addr_v4(source),
		.count = 1,
		.addresses = { family == 6 ? ip_addr_v6(virtual6) : ip_addr_v4(virtual_ip) } };
}

/* => length of the packet, without the Ethernet header */
static uint16_t
build(uint8_t frame[VRRP_WIRE_FRAME_MAX], uint8_t family, uint8_t version, uint8_t vrid)
{
	const struct vrrp_advert a = advert(family, version, vrid);

	return (uint16_t)(vrrp_wire_build(frame, &a) - IP);
}

static void
same_but_for_the_way(const struct vrrp_advert *got, const struct vrrp_advert *want)
{
	assert_int_equal(got->version, want->version);
	assert_int_equal(got->vrid, want->vrid);
	assert_int_equal(got->priority, want->priority);
	assert_int_equal(got->interval_ms, want->interval_ms);
	assert_int_equal(got->auth_type, want->auth_type);
	assert_memory_equal(got->auth, want->auth, sizeof(got->auth));
	assert_true(ip_addr_equal(&got->source, &want->source));
	assert_int_equal(got->count, want->count);
	assert_int_equal(got->ttl, 255);
	for (uint8_t i = 0; i < got->count; i++)
		assert_true(ip_addr_equal(&got->addresses[i], &want->addresses[i]));
}

static void
VRP01_frame_is_exact(void **state)
{
	static const uint8_t want[VRRP_WIRE_FRAME_MIN] = { /* to the group, from the virtual MAC */
		0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 0x00, 0x00, 0x5e, 0x00, 0x01, 0x0b, 0x08, 0x00,
		/* TOS 0xc0, length 40, TTL 255, protocol 112 */
		0x45, 0xc0, 0x00, 0x28, 0x00, 0x00, 0x00, 0x00, 0xff, 0x70, 0xcf, 0x90, 0x0a, 0x01,
		0x01, 0x02, 0xe0, 0x00, 0x00, 0x12,
		/* v2, type 1, vrid 11, priority 120, 1 address, no authentication, 1 s */
		0x21, 0x0b, 0x78, 0x01, 0x00, 0x01, 0x5b, 0xf0, 0x0a, 0x01, 0x01, 0x01, 0, 0, 0, 0,
		0, 0, 0, 0
	};
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	const struct vrrp_advert sent = advert(4, 2, 11);
	struct vrrp_advert a;

	(void)state;
	assert_int_equal(vrrp_wire_build(frame, &sent), sizeof(want));
	assert_memory_equal(frame, want, sizeof(want));
	assert_int_equal(vrrp_wire_check(frame + IP, sizeof(want) - IP, &a), VRRP_OK);
	same_but_for_the_way(&a, &sent);
}

/* An IPv4 packet with these octets, from and to. => its length */
static uint16_t
packet(uint8_t *to, rte_be32_t from, rte_be32_t dst, uint8_t ttl, const uint8_t *m, uint8_t len)
{
	struct rte_ipv4_hdr ip = { .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len)),
		.time_to_live = ttl,
		.next_proto_id = 112,
		.src_addr = from,
		.dst_addr = dst };

	memcpy(to, &ip, sizeof(ip));
	memcpy(to + sizeof(ip), m, len);
	return (uint16_t)(sizeof(ip) + len);
}

#define GROUP	   RTE_BE32(0xe0000012)
#define KEEPALIVED RTE_BE32(0x0a000001)
#define PEER	   RTE_BE32(0x0a000002)

/* R249 and what keepalived sends (ha.md 4.2); built anew they are the same octets. */
static void
R249_captured_adverts(void **state)
{
	static const struct {
		const char *name;
		rte_be32_t from, to;
		uint8_t len, bytes[20];
		uint8_t version, vrid, priority, auth_type;
		uint32_t interval_ms;
		rte_be32_t address;
		bool plain_sum;
	} rows[] = {
		{ "R249, R231: v2 with a password, unicast", RTE_BE32(0x0a0a0a02),
			RTE_BE32(0x0a0a0a03), 20,
			{ 0x21, 0x0b, 0x32, 0x01, 0x01, 0x01, 0x34, 0xb4, 0x0a, 0x0a, 0x0a, 0xd2,
				0x31, 0x31, 0x31, 0x31 },
			2, 11, 50, 1, 1000, RTE_BE32(0x0a0a0ad2), true },
		{ "v2, 8 characters", KEEPALIVED, GROUP, 20,
			{ 0x21, 0x0a, 0x96, 0x01, 0x01, 0x01, 0xab, 0xf9, 0x0a, 0, 0, 0x64, 0x61,
				0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68 },
			2, 10, 150, 1, 1000, RTE_BE32(0x0a000064), true },
		{ "v3, pseudo-header", KEEPALIVED, GROUP, 12,
			{ 0x31, 0x0a, 0x96, 0x01, 0x00, 0x32, 0x43, 0xce, 0x0a, 0, 0, 0x64 }, 3, 10,
			150, 0, 500, RTE_BE32(0x0a000064), false },
		{ "v3, RFC 9568", KEEPALIVED, GROUP, 12,
			{ 0x31, 0x0a, 0x96, 0x01, 0x00, 0x32, 0x2e, 0x5e, 0x0a, 0, 0, 0x64 }, 3, 10,
			150, 0, 500, RTE_BE32(0x0a000064), true },
		{ "v3, unicast", KEEPALIVED, PEER, 12,
			{ 0x31, 0x0a, 0x96, 0x01, 0x00, 0x32, 0x19, 0xdf, 0x0a, 0, 0, 0x64 }, 3, 10,
			150, 0, 500, RTE_BE32(0x0a000064), false },
		{ "v3, resign", KEEPALIVED, GROUP, 12,
			{ 0x31, 0x0a, 0x00, 0x01, 0x00, 0x32, 0xd9, 0xce, 0x0a, 0, 0, 0x64 }, 3, 10,
			0, 0, 500, RTE_BE32(0x0a000064), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t p[64], frame[VRRP_WIRE_FRAME_MAX];
		const uint16_t len =
			packet(p, rows[i].from, rows[i].to, 255, rows[i].bytes, rows[i].len);
		struct vrrp_advert a;

		assert_int_equal(vrrp_wire_check(p, len, &a), VRRP_OK);
		assert_int_equal(a.version, rows[i].version);
		assert_int_equal(a.vrid, rows[i].vrid);
		assert_int_equal(a.priority, rows[i].priority);
		assert_int_equal(a.auth_type, rows[i].auth_type);
		assert_int_equal(a.interval_ms, rows[i].interval_ms);
		assert_int_equal(a.plain_sum, rows[i].plain_sum);
		assert_int_equal(a.count, 1);
		assert_int_equal(a.addresses[0].v4, rows[i].address);
		assert_int_equal(vrrp_wire_is_group(&a.destination), rows[i].to == GROUP);
		if (rows[i].to == GROUP)
			a.destination.family = 0;
		vrrp_wire_build(frame, &a);
		if (memcmp(frame + IP + 20, rows[i].bytes, rows[i].len) != 0)
			fail_msg("%s: built with other octets", rows[i].name);
	}
}

/* What was built is what is read: versions, families, both checksums, one to 20 addresses, with a
 * password, to one peer. */
static void
R232_adverts_of_several_addresses(void **state)
{
	static const struct {
		uint8_t family, version;
		bool plain_sum, unicast, password;
	} rows[] = { { 4, 2, true, false, false }, { 4, 2, true, true, true },
		{ 4, 3, false, false, false }, { 4, 3, true, false, false },
		{ 4, 3, false, true, false }, { 6, 3, false, false, false },
		{ 6, 3, false, true, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint8_t n = 1; n <= VRRP_WIRE_ADDRESSES; n++) {
			struct vrrp_advert a = advert(rows[i].family, rows[i].version, n), got;
			uint8_t frame[VRRP_WIRE_FRAME_MAX];

			a.interval_ms = rows[i].version == 2 ? n * 1000u : n * 10u;
			a.plain_sum = rows[i].plain_sum;
			a.count = n;
			for (uint8_t k = 1; k < n; k++) {
				a.addresses[k] = a.addresses[0];
				a.addresses[k].v6[3] = k;
			}
			if (rows[i].unicast)
				a.destination = a.source;
			if (rows[i].password) {
				a.auth_type = VRRP_AUTH_PASSWORD;
				memcpy(a.auth, "test123", 7);
			}
			const uint16_t len = vrrp_wire_build(frame, &a);

			assert_int_equal(
				vrrp_wire_check(frame + IP, (uint16_t)(len - IP), &got), VRRP_OK);
			same_but_for_the_way(&got, &a);
			assert_int_equal(got.plain_sum, rows[i].plain_sum);
			assert_int_equal(vrrp_wire_is_group(&got.destination), !rows[i].unicast);
			assert_int_equal(frame[0] & 1, !rows[i].unicast);
		}
	}
}

/* RFC 3768 5.3.5, RFC 9568 5.2.4: up to 255.  More than we could have are not kept, but count. */
static void
up_to_255_addresses_are_taken(void **state)
{
	static const struct {
		uint8_t family, version, count;
	} rows[] = { { 4, 2, VRRP_WIRE_ADDRESSES + 1 }, { 4, 2, 255 }, { 4, 3, 255 },
		{ 6, 3, VRRP_WIRE_ADDRESSES + 1 }, { 6, 3, 255 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool six = rows[i].family == 6;
		const uint16_t header = six ? 40 : 20, each = six ? IP6_LEN : 4;
		const uint16_t len = (uint16_t)(8 + rows[i].count * each +
						(rows[i].version == 2 ? VRRP_WIRE_AUTH : 0));
		uint8_t frame[VRRP_WIRE_FRAME_MAX];
		uint8_t *const ip = test_calloc(1, header + len), *const message = ip + header;
		struct vrrp_advert a;
		uint32_t sum;

		build(frame, rows[i].family, rows[i].version, 1);
		memcpy(ip, frame + IP, header + 8u);
		for (uint16_t k = 0; k < rows[i].count; k++)
			message[8 + k * each] = (uint8_t)(k + 1);
		message[3] = rows[i].count;
		memset(message + 6, 0, 2);
		if (six) {
			ip[4] = (uint8_t)(len >> 8);
			ip[5] = (uint8_t)len;
			sum = rte_ipv6_phdr_cksum((const struct rte_ipv6_hdr *)(const void *)ip, 0);
		} else {
			ip[2] = (uint8_t)((header + len) >> 8);
			ip[3] = (uint8_t)(header + len);
			sum = 0;
		}
		sum += rte_raw_cksum(message, len);
		const uint16_t checksum = (uint16_t) ~((sum & 0xffff) + (sum >> 16));

		memcpy(message + 6, &checksum, 2);
		assert_int_equal(vrrp_wire_check(ip, (uint16_t)(header + len), &a), VRRP_OK);
		assert_int_equal(a.count, rows[i].count);
		for (uint8_t k = 0; k < VRRP_WIRE_ADDRESSES; k++)
			assert_int_equal(a.addresses[k].v6[0], k + 1);
		assert_int_equal(
			vrrp_wire_check(ip, (uint16_t)(header + len - each), &a), VRRP_REFUSED_ip);
		test_free(ip);
	}
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
	{ "to another group", 19, 0x13, false, 0, VRRP_REFUSED_ip },
	{ "from a group", 12, 0xe0, false, 0, VRRP_REFUSED_ip },
	{ "VRRP version 1", 20, 0x11, true, 0, VRRP_REFUSED_version },
	{ "VRRP version 3", 20, 0x31, true, 0, VRRP_REFUSED_length },
	{ "VRRP version 4", 20, 0x41, true, 0, VRRP_REFUSED_version },
	{ "type 2: an HA message", 20, 0x22, true, 0, VRRP_REFUSED_type },
	{ "type 0", 20, 0x20, true, 0, VRRP_REFUSED_type },
	{ "count 0", 23, 0, true, 0, VRRP_REFUSED_count },
	{ "count 2 in a packet for 1", 23, 2, true, 0, VRRP_REFUSED_length },
	{ "count 255 in a short packet", 23, 255, true, 0, VRRP_REFUSED_length },
	{ "CARP", 24, 7, true, 0, VRRP_REFUSED_carp },
	{ "trailing bytes", 3, 44, true, 0, VRRP_REFUSED_length },
	{ "without authentication data", 3, 32, true, 0, VRRP_REFUSED_length },
	{ "wrong checksum", 26, 0xff, false, 0, VRRP_REFUSED_checksum },
	{ "flipped bit in the address", 28, 0x0b, false, 0, VRRP_REFUSED_checksum },
	{ "authentication type 254", 24, 254, true, 0, VRRP_REFUSED_carp },
};

static void
VRP06_each_wrong_packet_has_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t frame[VRRP_WIRE_FRAME_MAX];
		uint8_t *const ip = frame + IP;
		struct vrrp_advert a;
		enum vrrp_refusal why;

		const uint16_t len = build(frame, 4, 2, 1);

		ip[bad[i].at] = bad[i].value;
		if (bad[i].fix) {
			uint16_t sum;

			memset(ip + 26, 0, 2);
			sum = (uint16_t)~rte_raw_cksum(ip + 20, ip[3] - 20u);
			memcpy(ip + 26, &sum, 2);
		}
		why = vrrp_wire_check(ip, bad[i].len != 0 ? bad[i].len : len, &a);
		if (why != bad[i].why)
			fail_msg("%s: %s, expected %s", bad[i].name, vrrp_refusal_names[why],
				vrrp_refusal_names[bad[i].why]);
	}
}

static void
no_length_reads_beyond_the_packet(void **state)
{
	static const struct {
		uint8_t family, version;
		uint16_t whole;
	} rows[] = { { 4, 2, 40 }, { 4, 3, 32 }, { 6, 3, 64 } };
	struct vrrp_advert a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t frame[VRRP_WIRE_FRAME_MAX];
		const uint16_t all = build(frame, rows[i].family, rows[i].version, 1);

		for (uint16_t len = 0; len <= all; len++) {
			/* The sanitizer watches its end. */
			uint8_t *const exact = test_malloc(len + 1u);

			memcpy(exact + 1, frame + IP, len);
			const enum vrrp_refusal why = vrrp_wire_check(exact + 1, len, &a);

			assert_int_equal(why == VRRP_OK, len >= rows[i].whole);
			test_free(exact);
		}
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

static void
VRP01_frame_of_ipv6_is_exact(void **state)
{
	/* tshark finds the checksum right. */
	static const uint8_t want[78] = { 0x33, 0x33, 0x00, 0x00, 0x00, 0x12, 0x00, 0x00, 0x5e,
		0x00, 0x02, 0x0b, 0x86, 0xdd, 0x6c, 0x00, 0x00, 0x00, 0x00, 0x18, 0x70, 0xff, 0xfe,
		0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x02, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x12, 0x31, 0x0b, 0x78, 0x01, 0x00, 0x64, 0x59, 0xed, 0xfe, 0x80, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01 };
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	const struct vrrp_advert sent = advert(6, 3, 11);
	struct vrrp_advert a;

	(void)state;
	assert_int_equal(vrrp_wire_build(frame, &sent), sizeof(want));
	assert_memory_equal(frame, want, sizeof(want));
	assert_int_equal(vrrp_wire_check(frame + IP, sizeof(want) - IP, &a), VRRP_OK);
	same_but_for_the_way(&a, &sent);
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
	{ "count 255 in a short packet", 43, 255, true, 0, VRRP_REFUSED_length },
	{ "count 2 in a packet for 1", 43, 2, true, 0, VRRP_REFUSED_length },
	{ "half an address", 5, 16, true, 0, VRRP_REFUSED_length },
	{ "wrong checksum", 46, 0xff, false, 0, VRRP_REFUSED_checksum },
	{ "flipped bit in the source", 23, 3, false, 0, VRRP_REFUSED_checksum },
};

/* Behind the message; summed over IPv6 alone. Only one of exactly its length is one. */
static void
a_trailer_follows_the_message(void **state)
{
	static const struct {
		uint8_t family, version;
		bool summed;
	} rows[] = { { 4, 2, false }, { 4, 3, false }, { 6, 3, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint8_t n = 1; n <= VRRP_WIRE_ADDRESSES; n++) {
			struct vrrp_advert a = advert(rows[i].family, rows[i].version, n), got;
			const size_t header = rows[i].family == 6 ? 40 : 20;
			uint8_t frame[VRRP_WIRE_FRAME_MAX + 1], *const ip = frame + IP;

			a.count = n;
			for (uint8_t k = 1; k < n; k++)
				a.addresses[k] = a.addresses[0];
			const uint16_t bare = vrrp_wire_message(frame, &a);

			a.has_trailer = true;
			memset(a.trailer, 0xa5, sizeof(a.trailer));
			const uint16_t len = (uint16_t)(vrrp_wire_build(frame, &a) - IP);

			assert_int_equal(len, header + bare + VRRP_WIRE_TRAILER);
			assert_int_equal(vrrp_wire_check(ip, len, &got), VRRP_OK);
			same_but_for_the_way(&got, &a);
			assert_true(got.has_trailer);
			assert_memory_equal(got.trailer, a.trailer, sizeof(a.trailer));
			assert_ptr_equal(got.message, ip + header);
			assert_int_equal(got.message_len, bare);
			ip[len - 1] ^= 1;
			assert_int_equal(vrrp_wire_check(ip, len, &got),
				rows[i].summed ? VRRP_REFUSED_checksum : VRRP_OK);
			ip[len - 1] ^= 1;
			for (int by = -1; by <= 1; by += 2) {
				const rte_be16_t told = rte_cpu_to_be_16(
					(uint16_t)(len + by -
						   (rows[i].family == 6 ? (int)header : 0)));

				memcpy(ip + (rows[i].family == 6 ? 4 : 2), &told, sizeof(told));
				assert_int_equal(vrrp_wire_check(ip, (uint16_t)(len + 1), &got),
					VRRP_REFUSED_length);
			}
		}
	}
}

static void
VRP06_each_wrong_packet_of_ipv6_has_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
		uint8_t frame[VRRP_WIRE_FRAME_MAX];
		uint8_t *const ip = frame + IP;
		struct vrrp_advert a;
		struct rte_ipv6_hdr header;
		enum vrrp_refusal why;

		const uint16_t len = build(frame, 6, 3, 1);

		ip[bad6[i].at] = bad6[i].value;
		if (bad6[i].fix) {
			uint16_t sum;

			memset(ip + 46, 0, 2);
			memcpy(&header, ip, sizeof(header));
			sum = rte_ipv6_udptcp_cksum(&header, ip + 40);
			memcpy(ip + 46, &sum, 2);
		}
		why = vrrp_wire_check(ip, bad6[i].len != 0 ? bad6[i].len : len, &a);
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
		cmocka_unit_test(R249_captured_adverts),
		cmocka_unit_test(R232_adverts_of_several_addresses),
		cmocka_unit_test(up_to_255_addresses_are_taken),
		cmocka_unit_test(VRP01_frame_of_ipv6_is_exact),
		cmocka_unit_test(a_trailer_follows_the_message),
		cmocka_unit_test(VRP06_each_wrong_packet_of_ipv6_has_its_own_reason),
		cmocka_unit_test(VRP06_each_wrong_packet_has_its_own_reason),
		cmocka_unit_test(no_length_reads_beyond_the_packet),
		cmocka_unit_test(every_reason_has_a_name_and_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
