/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HA messages: sizes, the byte vectors of requirements.md 3.4, and what is refused.
 */
#include "ha_constants.h"
#include "hrp_frame.h"
#include "hrp_wire.h"
#include "vgmp.h"

#include <rte_ip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGE_MAX 1500

/* S0-B 8.3: FW1's Active group asks to become Standby; 8.5: FW2's reply. */
static const uint8_t request_vector[24] = { 0x22, 0x00, 0x02, 0x00, 0x00, 0x01, 0xdb, 0x0e, 0x01,
	0x01, 0x01, 0x03, 0x00, 0x00, 0xfd, 0xe7, 0x00, 0x01, 0x01, 0x00, 0x00, 0x02, 0x00, 0x01 };
static const uint8_t reply_vector[24] = { 0x22, 0x00, 0x02, 0x00, 0x00, 0x01, 0xda, 0x0e, 0x01,
	0x02, 0x02, 0x01, 0x00, 0x00, 0xfd, 0xe8, 0x00, 0x01, 0x01, 0x01, 0x00, 0x02, 0x00, 0x00 };

static void
R259_constants(void **state)
{
	(void)state;
	static const struct {
		long is, must;
	} rows[] = {
		{ VGMP_PRIORITY_ACTIVE, 65001 },
		{ VGMP_PRIORITY_STANDBY, 65000 },
		{ VGMP_MEMBER_COST, 2 },
		{ VGMP_REQUEST_TRIES, 3 },
		{ HRP_HELLO_DEFAULT_MS, 1000 },
		{ HRP_MISSES_DEFAULT, 3 },
		{ HRP_PREEMPT_DELAY_S, 60 },
		{ HRP_UDP_PORT, 18514 },
		{ VRRP_PROTOCOL, 112 },
		{ VRRP_GROUP_ADDRESS, 0xe0000012 },
		{ VRRP_ADVERT_MS, 1000 },
		{ VRRP_PRIORITY_OWNER, 255 },
		{ VRRP_PRIORITY_RESIGN, 0 },
		{ HA_VERSION_TYPE, 0x22 },
		{ HA_PROBE, 1 },
		{ HA_VGMP, 2 },
		{ HA_CHECK, 5 },
		{ HA_VGMP_HELLO, 1 },
		{ HA_HRP_HELLO, 2 },
		{ HA_HRP_DATA, 3 },
		{ HRP_MODULE_ASPF, 10 },
		{ HRP_STREAM_WINDOW, 256 },
		{ HRP_OP_COMMAND, 3 },
		{ HRP_MODULE_CONFIG, 1 },
		{ HRP_CONFIG_OVERHEAD, 76 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(rows[i].is, rows[i].must);
}

static void
records_of_an_ipv4_session_fit_64_bytes(void **state)
{
	(void)state;
	assert_true(sizeof(struct hrp_record_session4) <= 64);
	assert_int_equal(offsetof(struct hrp_record_session4, src), 16);
	assert_int_equal(offsetof(struct hrp_record_session4, how.dir), 36);
	/* 3.6: records begin at 48, behind the stream's head since then. */
	assert_int_equal(
		sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp) + sizeof(struct hrp_header), 48);
}

static void
vectors_of_3_4(void **state)
{
	(void)state;
	const struct ha_vgmp request = { .vtype = HA_VGMP_HELLO,
		.mode = HA_REQUEST,
		.group = 1,
		.state = VGMP_ACTIVE_TO_STANDBY,
		.priority = RTE_BE32(64999),
		.request_id = RTE_BE16(1),
		.op = HA_OP_LET_ME_STANDBY,
		.members = RTE_BE16(2),
		.failed = RTE_BE16(1) };
	const struct ha_vgmp reply = { .vtype = HA_VGMP_HELLO,
		.mode = HA_REPLY,
		.group = 2,
		.state = VGMP_ACTIVE,
		.priority = RTE_BE32(65000),
		.request_id = RTE_BE16(1),
		.op = HA_OP_LET_ME_STANDBY,
		.result = HA_RESULT_SWITCH,
		.members = RTE_BE16(2) };
	uint8_t m[24];

	memcpy(m + 8, &request, sizeof(request));
	ha_finish(m, sizeof(m), HA_VGMP, 1000);
	assert_memory_equal(m, request_vector, sizeof(m));
	memcpy(m + 8, &reply, sizeof(reply));
	ha_finish(m, sizeof(m), HA_VGMP, 1000);
	assert_memory_equal(m, reply_vector, sizeof(m));
	assert_int_equal(ha_check(request_vector, 24), HA_OK);
	assert_int_equal(ha_check(reply_vector, 24), HA_OK);
}

static void
interval_is_rounded_up_to_seconds(void **state)
{
	(void)state;
	static const struct {
		uint32_t ms;
		uint8_t seconds;
	} rows[] = { { 10, 1 }, { 999, 1 }, { 1000, 1 }, { 1001, 2 }, { 60000, 60 },
		{ 1000000, 255 } };
	uint8_t m[24];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(m, request_vector, sizeof(m));
		ha_finish(m, sizeof(m), HA_VGMP, rows[i].ms);
		assert_int_equal(m[5], rows[i].seconds);
		assert_int_equal(ha_check(m, sizeof(m)), HA_OK);
	}
}

/* ---- one valid message of each kind ---- */

enum kind { PROBE, VGMP, HELLO, ADD, BEGIN, END, RESULT, ACK, NACK, COMMAND, CHECK, KINDS };

static uint16_t
build(uint8_t *m, enum kind kind)
{
	static const struct {
		uint8_t op;
		uint16_t body;
	} hrp[KINDS] = {
		[ADD] = { HRP_OP_ADD, 8 + 60 + 8 },
		[BEGIN] = { HRP_OP_BULK_BEGIN, sizeof(struct hrp_bulk) },
		[END] = { HRP_OP_BULK_END, sizeof(struct hrp_bulk) },
		[RESULT] = { HRP_OP_RESULT, sizeof(struct hrp_bulk) },
		[ACK] = { HRP_OP_ACK, 8 + HRP_STREAM_WINDOW / 8 },
		[NACK] = { HRP_OP_NACK, sizeof(struct hrp_nack) },
		[COMMAND] = { HRP_OP_COMMAND, sizeof(struct hrp_config) + 4 },
	};
	struct ha_vgmp g = { .vtype = HA_HRP_DATA, .group = 1, .state = VGMP_ACTIVE };
	struct hrp_header h = { .source_module = RTE_BE16(HRP_MODULE_SESSION),
		.dest_module = RTE_BE16(HRP_MODULE_SESSION),
		.fragments = RTE_BE16(1) };
	uint16_t len;

	memset(m, 0, MESSAGE_MAX);
	switch (kind) {
	case PROBE:
		ha_finish(m, len = 32, HA_PROBE, 1000);
		return len;
	case VGMP:
		memcpy(m, request_vector, 24);
		return 24;
	case HELLO:
		g.vtype = HA_HRP_HELLO;
		memcpy(m + 8, &g, sizeof(g));
		ha_finish(m, len = 48, HA_VGMP, 1000);
		return len;
	case CHECK:
		m[8] = 1;
		m[11] = 2; /* two modules of 40 bytes */
		ha_finish(m, len = 8 + 8 + 80, HA_CHECK, 1000);
		return len;
	default:
		h.op = hrp[kind].op;
		h.length = rte_cpu_to_be_32(hrp[kind].body);
		if (kind == COMMAND) { /* a chunk of 4 bytes, the document */
			h.source_module = h.dest_module = RTE_BE16(HRP_MODULE_CONFIG);
			m[48] = HRP_CONFIG_CHUNK;
			m[71] = 4;
		}
		memcpy(m + 8, &g, sizeof(g));
		memcpy(m + 24, &h, sizeof(h));
		ha_finish(m, len = (uint16_t)(48 + hrp[kind].body), HA_VGMP, 1000);
		return len;
	}
}

/* A copy of exactly `len` bytes, so that the sanitizer sees every over-read. */
static enum ha_refusal
check_exact(const uint8_t *m, uint16_t len)
{
	uint8_t *copy = test_malloc(len != 0 ? len : 1);
	memcpy(copy, m, len);
	const enum ha_refusal why = ha_check(copy, len);
	test_free(copy);
	return why;
}

/* A box without a replicated section: its document is empty, and goes too. */
static void
R194_an_empty_document_is_one_empty_chunk(void **state)
{
	uint8_t m[MESSAGE_MAX];
	const uint16_t len = (uint16_t)(build(m, COMMAND) - 4);
	struct hrp_header h;

	(void)state;
	memcpy(&h, m + 24, sizeof(h));
	h.length = rte_cpu_to_be_32(sizeof(struct hrp_config));
	memcpy(m + 24, &h, sizeof(h));
	for (uint8_t size = 0; size < 2; size++) {
		m[71] = size;
		for (uint8_t offset = 0; offset < 3; offset++) {
			m[75] = offset;
			ha_finish(m, len, HA_VGMP, 1000);
			assert_int_equal(
				check_exact(m, len), offset > size ? HA_REFUSED_field : HA_OK);
		}
	}
}

static void
HAC_03_every_truncation_is_refused(void **state)
{
	(void)state;
	uint8_t m[MESSAGE_MAX];

	for (enum kind k = 0; k < KINDS; k++) {
		const uint16_t len = build(m, k);
		assert_int_equal(check_exact(m, len), HA_OK);
		for (uint16_t cut = 0; cut < len; cut++) {
			/* As cut on the way, and as if the cutter had mended the checksum. */
			assert_int_not_equal(check_exact(m, cut), HA_OK);
			if (cut < 8)
				continue;
			uint8_t mended[MESSAGE_MAX];
			memcpy(mended, m, cut);
			ha_finish(mended, cut, m[2], 1000);
			assert_int_not_equal(check_exact(mended, cut), HA_OK);
		}
		ha_finish(m, (uint16_t)(len + 1), m[2], 1000);
		assert_int_not_equal(check_exact(m, (uint16_t)(len + 1)), HA_OK);
	}
}

static void
HAC_02_every_flipped_bit_is_refused(void **state)
{
	(void)state;
	uint8_t m[MESSAGE_MAX];

	for (enum kind k = 0; k < KINDS; k++) {
		const uint16_t len = build(m, k);
		for (uint32_t bit = 0; bit < len * 8u; bit++) {
			m[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(ha_check(m, len), HA_OK);
			m[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
fields_outside_their_range_are_refused(void **state)
{
	(void)state;
	static const struct {
		enum kind kind;
		uint8_t offset, value;
		enum ha_refusal why;
	} rows[] = {
		{ VGMP, 0, 0x21, HA_REFUSED_type },
		{ VGMP, 0, 0x32, HA_REFUSED_type },
		{ VGMP, 1, 1, HA_REFUSED_vrid },
		{ VGMP, 2, 3, HA_REFUSED_type2 },
		{ VGMP, 2, 0, HA_REFUSED_type2 },
		{ VGMP, 3, 1, HA_REFUSED_field },
		{ VGMP, 4, 254, HA_REFUSED_auth },
		{ VGMP, 4, 1, HA_REFUSED_auth },
		{ VGMP, 5, 0, HA_REFUSED_field },
		{ VGMP, 8, 0, HA_REFUSED_vtype },
		{ VGMP, 8, 4, HA_REFUSED_vtype },
		{ VGMP, 9, 3, HA_REFUSED_field },
		{ VGMP, 10, 0, HA_REFUSED_field },
		{ VGMP, 10, 3, HA_REFUSED_field },
		{ VGMP, 11, 5, HA_REFUSED_field },
		{ VGMP, 11, 255, HA_REFUSED_field },
		{ VGMP, 18, 3, HA_REFUSED_field },
		{ VGMP, 19, 3, HA_REFUSED_field },
		{ VGMP, 23, 3, HA_REFUSED_field }, /* more failed than there are */
		{ HELLO, 28, 3, HA_REFUSED_field },
		{ ADD, 29, 0, HA_REFUSED_module },
		{ ADD, 28, 1, HA_REFUSED_module },
		{ ADD, 29, 11, HA_REFUSED_module },
		{ ADD, 32, 0, HA_REFUSED_field },
		{ ADD, 32, 2, HA_REFUSED_field },
		{ ADD, 32, 9, HA_REFUSED_field },
		{ ADD, 41, 1, HA_REFUSED_field }, /* fragments are not used */
		{ ADD, 43, 2, HA_REFUSED_field },
		{ ADD, 47, 200, HA_REFUSED_field },
		{ ADD, 44, 1, HA_REFUSED_field },
		{ ADD, 29, 1, HA_REFUSED_field },     /* no records of the configuration */
		{ COMMAND, 29, 2, HA_REFUSED_field }, /* no documents of sessions */
		{ COMMAND, 48, 0, HA_REFUSED_field }, /* kind */
		{ COMMAND, 48, 5, HA_REFUSED_field },
		{ COMMAND, 48, 3, HA_REFUSED_field }, /* text behind an ACK */
		{ COMMAND, 49, 3, HA_REFUSED_field }, /* role */
		{ COMMAND, 51, 3, HA_REFUSED_field }, /* result */
		{ COMMAND, 68, 3, HA_REFUSED_field }, /* more than 32 MiB */
		{ COMMAND, 71, 3, HA_REFUSED_field }, /* beyond the document's end */
		{ COMMAND, 71, 0, HA_REFUSED_field },
		{ COMMAND, 75, 1, HA_REFUSED_field },
		{ COMMAND, 72, 255, HA_REFUSED_field },
		{ CHECK, 8, 0, HA_REFUSED_field },
		{ CHECK, 9, 3, HA_REFUSED_field },
		{ CHECK, 11, 3, HA_REFUSED_field },
		{ CHECK, 10, 255, HA_REFUSED_field },
	};
	uint8_t m[MESSAGE_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint16_t len = build(m, rows[i].kind);
		m[rows[i].offset] = rows[i].value;
		m[6] = m[7] = 0;
		const rte_be16_t sum = (rte_be16_t)~rte_raw_cksum(m, len);
		memcpy(m + 6, &sum, sizeof(sum));
		if (ha_check(m, len) != rows[i].why)
			fail_msg("row %zu: %s", i, ha_refusal_names[ha_check(m, len)]);
	}
}

/* The checksum is right in each: what is refused is the content. */
static enum ha_refusal
check_changed(enum kind kind, uint16_t offset, uint8_t value)
{
	uint8_t m[MESSAGE_MAX];
	const uint16_t len = build(m, kind);

	m[offset] = value;
	m[6] = m[7] = 0;
	const rte_be16_t sum = (rte_be16_t)~rte_raw_cksum(m, len);

	memcpy(m + 6, &sum, sizeof(sum));
	return check_exact(m, len);
}

static void
HAC_04_another_version_has_its_own_reason(void **state)
{
	static const uint8_t others[] = { 0x12, 0x32, 0x02, 0xf2, 0x23, 0x21 };

	(void)state;
	for (enum kind k = 0; k < KINDS; k++)
		for (size_t i = 0; i < sizeof(others); i++)
			assert_int_equal(check_changed(k, 0, others[i]), HA_REFUSED_type);
}

/* Of another version: what decides who is active, in front of what that may have added. */
static void
HAC_04_what_all_versions_read_alike(void **state)
{
	static const struct {
		enum kind kind;
		bool known;
	} rows[] = { { PROBE, true }, { VGMP, true }, { HELLO, true }, { ADD, false },
		{ BEGIN, false }, { ACK, false }, { CHECK, false } };
	uint8_t m[MESSAGE_MAX + 20];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint16_t len = build(m, rows[i].kind);

		for (uint16_t more = 0; more <= 20; more++) {
			uint16_t left = (uint16_t)(len + more);

			assert_int_equal(ha_known(m, &left), rows[i].known);
			if (rows[i].known)
				assert_int_equal(left, len);
		}
		for (uint16_t cut = 0; cut < len; cut++) { /* no more is made of it */
			uint16_t left = cut;

			ha_known(m, &left);
			assert_int_equal(left, cut);
		}
	}
}

/* A newer version may say more by bits that this one does not know. */
static void
HAC_04_unknown_feature_bits_are_ignored(void **state)
{
	static const struct {
		enum kind kind;
		uint16_t offset;
	} rows[] = { { PROBE, 8 }, { HELLO, 29 }, { ADD, 33 }, { BEGIN, 33 }, { ACK, 33 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned int bit = 0; bit < 8; bit++)
			assert_int_equal(
				check_changed(rows[i].kind, rows[i].offset, (uint8_t)(1 << bit)),
				HA_OK);
}

static void
every_refusal_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < HA_REFUSAL_COUNT; i++) {
		assert_non_null(ha_refusal_names[i]);
		assert_non_null(ha_refusal_texts[i]);
	}
	assert_string_equal(ha_refusal_names[HA_REFUSED_ttl], "ttl");
}

/* ---- frames ---- */

static const struct hrp_frame_end fw1 = {
	.address = RTE_BE32(0x0a0a0001), .prefix_len = 24, .mac = { { 2, 0, 0, 0, 0, 1 } }
};
static const struct hrp_frame_end fw2 = {
	.address = RTE_BE32(0x0a0a0002), .prefix_len = 24, .mac = { { 2, 0, 0, 0, 0, 2 } }
};

static enum hrp_frame_kind
parse(const uint8_t *f, uint16_t len, const struct hrp_frame_end *self, enum ha_refusal *why)
{
	struct hrp_frame_message m = { 0 };
	uint8_t *copy = test_malloc(len != 0 ? len : 1);

	memcpy(copy, f, len);
	*why = HA_OK;
	const enum hrp_frame_kind k = hrp_frame_parse(copy, len, self, &m, why);
	if (k == HRP_FRAME_HA) {
		assert_int_equal(m.len, 24);
		assert_memory_equal(m.data, request_vector, 24);
		assert_int_equal(m.source, fw1.address);
	}
	test_free(copy);
	return k;
}

static uint16_t
frame(uint8_t *f)
{
	memset(f, 0, 64);
	memcpy(f + HRP_FRAME_OVERHEAD, request_vector, 24);
	hrp_frame_write(f, 24, &fw1, 7);
	return 60; /* padded, as Ethernet does */
}

static void
frames_go_to_the_vrrp_group_with_ttl_255(void **state)
{
	(void)state;
	static const uint8_t head[] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 2, 0, 0, 0, 0, 1, 0x08,
		0x00, 0x45 };
	static const uint8_t to[] = { 10, 10, 0, 1, 224, 0, 0, 18 };
	enum ha_refusal why;
	uint8_t f[64];

	const uint16_t len = frame(f);
	assert_memory_equal(f, head, sizeof(head));
	assert_int_equal(f[22], 255);
	assert_int_equal(f[23], 112);
	assert_memory_equal(f + 26, to, sizeof(to));
	assert_int_equal(parse(f, len, &fw2, &why), HRP_FRAME_HA);
	assert_int_equal(parse(f, 58, &fw2, &why), HRP_FRAME_HA);
}

static void
wrong_frames_are_refused_by_cause(void **state)
{
	(void)state;
	static const struct {
		uint8_t offset, value;
		enum hrp_frame_kind kind;
		enum ha_refusal why;
		bool mend;
	} rows[] = {
		{ 0, 0x03, HRP_FRAME_OTHER, HA_OK, false },
		{ 12, 0x86, HRP_FRAME_OTHER, HA_OK, false },
		{ 23, 17, HRP_FRAME_OTHER, HA_OK, true },
		{ 14, 0x46, HRP_FRAME_REFUSED, HA_REFUSED_ip, true },
		{ 14, 0x55, HRP_FRAME_REFUSED, HA_REFUSED_ip, true },
		{ 16, 1, HRP_FRAME_REFUSED, HA_REFUSED_ip, true },    /* longer than the frame */
		{ 17, 19, HRP_FRAME_REFUSED, HA_REFUSED_ip, true },   /* shorter than its header */
		{ 20, 0x20, HRP_FRAME_REFUSED, HA_REFUSED_ip, true }, /* fragment */
		{ 21, 0x01, HRP_FRAME_REFUSED, HA_REFUSED_ip, true },
		{ 24, 0xaa, HRP_FRAME_REFUSED, HA_REFUSED_ip, false }, /* checksum */
		{ 33, 5, HRP_FRAME_REFUSED, HA_REFUSED_ip, true },     /* other group */
		{ 22, 254, HRP_FRAME_REFUSED, HA_REFUSED_ttl, true },
		{ 29, 2, HRP_FRAME_REFUSED, HA_REFUSED_source, true },
		{ 28, 1, HRP_FRAME_REFUSED, HA_REFUSED_subnet, true },
	};
	enum ha_refusal why;
	uint8_t f[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint16_t len = frame(f);
		f[rows[i].offset] = rows[i].value;
		if (rows[i].mend) {
			f[24] = f[25] = 0;
			const rte_be16_t sum = (rte_be16_t)~rte_raw_cksum(f + 14, 20);
			memcpy(f + 24, &sum, sizeof(sum));
		}
		const enum hrp_frame_kind kind = parse(f, len, &fw2, &why);
		if (kind != rows[i].kind || why != rows[i].why)
			fail_msg("row %zu: kind %d, %s", i, kind, ha_refusal_names[why]);
	}
	const uint16_t len = frame(f);
	for (uint16_t cut = 0; cut < 58 && cut < len; cut++)
		assert_int_not_equal(parse(f, cut, &fw2, &why), HRP_FRAME_HA);
}

/* ---- UDP mode ---- */

#define UDP_LEN (HRP_FRAME_OVERHEAD_UDP + 24)

static const struct hrp_frame_end udp1 = { .address = RTE_BE32(0x0a0a0001),
	.remote = RTE_BE32(0x0a0a0002),
	.prefix_len = 24,
	.mac = { { 2, 0, 0, 0, 0, 1 } },
	.next_hop = { { 2, 0, 0, 0, 0, 2 } } };
static const struct hrp_frame_end udp2 = { .address = RTE_BE32(0x0a0a0002),
	.remote = RTE_BE32(0x0a0a0001),
	.prefix_len = 24,
	.mac = { { 2, 0, 0, 0, 0, 2 } },
	.next_hop = { { 2, 0, 0, 0, 0, 1 } } };

static void
udp_frame(uint8_t f[UDP_LEN])
{
	memcpy(f + HRP_FRAME_OVERHEAD_UDP, request_vector, 24);
	hrp_frame_write(f, 24, &udp1, 7);
}

static void
R154_udp_frames_go_to_the_remote_and_its_port(void **state)
{
	(void)state;
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45 };
	static const uint8_t to[] = { 10, 10, 0, 1, 10, 10, 0, 2, 0xc0, 0x00, 0x48, 0x52, 0, 32 };
	uint8_t f[UDP_LEN], data[sizeof(struct ha_vrrp) + sizeof(struct ha_trailer)];
	struct ha_trailer end = { .sequence = RTE_BE64(HA_SEQUENCE_DATA | 7) };
	enum ha_refusal why;

	memset(data, 0, sizeof(data));
	memcpy(data + sizeof(data) - sizeof(end), &end, sizeof(end));
	udp_frame(f);
	assert_memory_equal(f, head, sizeof(head));
	assert_int_equal(f[23], 17);
	assert_memory_equal(f + 26, to, sizeof(to));
	assert_int_equal(parse(f, UDP_LEN, &udp2, &why), HRP_FRAME_HA);
	f[22] = 7; /* routers on the way count it down */
	f[24] = f[25] = 0;
	const rte_be16_t sum = (rte_be16_t)~rte_raw_cksum(f + 14, 20);
	memcpy(f + 24, &sum, sizeof(sum));
	assert_int_equal(parse(f, UDP_LEN, &udp2, &why), HRP_FRAME_HA);
	assert_int_equal(hrp_frame_source_port(request_vector, 24), RTE_BE16(49152));
	assert_int_equal(hrp_frame_source_port(data, sizeof(data)), RTE_BE16(16384));
	assert_int_equal(hrp_frame_source_port(data, 8), RTE_BE16(49152));
	end.sequence = RTE_BE64(7);
	memcpy(data + sizeof(data) - sizeof(end), &end, sizeof(end));
	assert_int_equal(hrp_frame_source_port(data, sizeof(data)), RTE_BE16(49152));
}

/* Either end may be set the other way: that is told, and nothing is taken. */
static void
R154_a_link_speaks_one_encapsulation(void **state)
{
	(void)state;
	struct hrp_frame_end other = udp2;
	enum ha_refusal why;
	uint8_t f[UDP_LEN];

	udp_frame(f);
	assert_int_equal(parse(f, UDP_LEN, &fw2, &why), HRP_FRAME_REFUSED);
	assert_int_equal(why, HA_REFUSED_mode);
	other.remote = RTE_BE32(0x0a0a0009);
	assert_int_equal(parse(f, UDP_LEN, &other, &why), HRP_FRAME_REFUSED);
	assert_int_equal(why, HA_REFUSED_source);
	other.address = RTE_BE32(0x0a0a0009); /* not to us */
	assert_int_equal(parse(f, UDP_LEN, &other, &why), HRP_FRAME_OTHER);
	const uint16_t len = frame(f);
	assert_int_equal(parse(f, len, &udp2, &why), HRP_FRAME_REFUSED);
	assert_int_equal(why, HA_REFUSED_mode);
}

static void
HAC_02_HAC_03_every_flipped_bit_and_every_cut_of_a_udp_frame_is_refused(void **state)
{
	(void)state;
	enum ha_refusal why;
	uint8_t f[UDP_LEN];

	for (uint32_t bit = 14 * 8; bit < UDP_LEN * 8; bit++) {
		udp_frame(f);
		f[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (parse(f, UDP_LEN, &udp2, &why) == HRP_FRAME_HA)
			fail_msg("bit %u of octet %u", bit % 8, bit / 8);
	}
	udp_frame(f);
	for (uint16_t cut = 0; cut < UDP_LEN; cut++)
		assert_int_not_equal(parse(f, cut, &udp2, &why), HRP_FRAME_HA);
	f[HRP_FRAME_OVERHEAD + 6] = f[HRP_FRAME_OVERHEAD + 7] = 0; /* no checksum at all */
	assert_int_equal(parse(f, UDP_LEN, &udp2, &why), HRP_FRAME_REFUSED);
	assert_int_equal(why, HA_REFUSED_udp);
}

static void
arp_for_our_address_is_answered(void **state)
{
	(void)state;
	uint8_t f[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x06, 0, 1, 8,
		0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 10, 0, 1, 0, 0, 0, 0, 0, 0, 10, 10, 0, 2 };
	static const uint8_t answer[42] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06, 0, 1, 8,
		0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 10, 0, 2, 2, 0, 0, 0, 0, 1, 10, 10, 0, 1 };
	enum ha_refusal why;

	assert_int_equal(parse(f, sizeof(f), &fw1, &why), HRP_FRAME_OTHER);
	assert_int_equal(parse(f, 41, &fw2, &why), HRP_FRAME_OTHER);
	assert_int_equal(parse(f, sizeof(f), &fw2, &why), HRP_FRAME_ARP_REQUEST);
	hrp_frame_arp_reply(f, &fw2);
	assert_memory_equal(f, answer, sizeof(answer));

	struct rte_ether_addr mac;
	rte_be32_t address;

	assert_int_equal(parse(f, sizeof(f), &fw1, &why), HRP_FRAME_ARP_ANSWER);
	hrp_frame_arp_sender(f, &address, &mac);
	assert_int_equal(address, fw2.address);
	assert_memory_equal(&mac, &fw2.mac, sizeof(mac));
	f[22] = 1; /* no host has a group's address */
	assert_int_equal(parse(f, sizeof(f), &fw1, &why), HRP_FRAME_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R259_constants),
		cmocka_unit_test(records_of_an_ipv4_session_fit_64_bytes),
		cmocka_unit_test(vectors_of_3_4),
		cmocka_unit_test(interval_is_rounded_up_to_seconds),
		cmocka_unit_test(R194_an_empty_document_is_one_empty_chunk),
		cmocka_unit_test(HAC_03_every_truncation_is_refused),
		cmocka_unit_test(HAC_02_every_flipped_bit_is_refused),
		cmocka_unit_test(fields_outside_their_range_are_refused),
		cmocka_unit_test(HAC_04_another_version_has_its_own_reason),
		cmocka_unit_test(HAC_04_what_all_versions_read_alike),
		cmocka_unit_test(HAC_04_unknown_feature_bits_are_ignored),
		cmocka_unit_test(every_refusal_has_a_name),
		cmocka_unit_test(frames_go_to_the_vrrp_group_with_ttl_255),
		cmocka_unit_test(wrong_frames_are_refused_by_cause),
		cmocka_unit_test(R154_udp_frames_go_to_the_remote_and_its_port),
		cmocka_unit_test(R154_a_link_speaks_one_encapsulation),
		cmocka_unit_test(
			HAC_02_HAC_03_every_flipped_bit_and_every_cut_of_a_udp_frame_is_refused),
		cmocka_unit_test(arp_for_our_address_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
