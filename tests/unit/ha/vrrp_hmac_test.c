/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Authentication of adverts: the layout, against another program's and the draft's examples; what
 * is refused; replays; clocks.
 */
#include "clock.h"
#include "vrrp_hmac.h"
#include "vrrp_hmac_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WALL UINT64_C(1800000000500000000) /* now, in ns since 1970 */
#define SEC  NS_PER_SEC

static struct vrrp_hmac *
hmac_of(enum vrrp_hmac_mode mode, enum vrrp_hmac_replay replay)
{
	struct vrrp_hmac_setup s = {
		.mode = mode, .replay = replay, .window_s = 5, .send_key = 1, .key_count = 1
	};
	struct vrrp_hmac *h;

	s.keys[0] = (struct vrrp_hmac_key){ .id = 1, .len = 32 };
	for (uint8_t i = 0; i < 32; i++)
		s.keys[0].secret[i] = i;
	h = vrrp_hmac_create(&s);
	assert_non_null(h);
	return h;
}

static struct ip_addr
address(uint8_t family, const uint8_t *octets)
{
	struct ip_addr a = { .family = family };

	memcpy(a.v6, octets, family == 6 ? IP6_LEN : 4);
	return a;
}

static struct vrrp_advert
advert(uint8_t family, uint8_t last)
{
	const uint8_t source[IP6_LEN] = { 0xfe, 0x80, [15] = last };
	const uint8_t own[IP6_LEN] = { 0xfe, 0x80, [14] = 1 };
	const uint8_t source4[4] = { 10, 1, 1, last }, own4[4] = { 10, 1, 1, 1 };

	return (struct vrrp_advert){ .version = 3,
		.vrid = 51,
		.priority = 200,
		.interval_ms = 1000,
		.source = address(family, family == 6 ? source : source4),
		.count = 1,
		.addresses = { address(family, family == 6 ? own : own4) } };
}

/* Sent at a time by `from`, as it arrives. */
static uint8_t frame[VRRP_WIRE_FRAME_MAX];

static struct vrrp_advert
sent_by(struct vrrp_hmac *from, struct vrrp_advert a, uint64_t wall_ns)
{
	struct vrrp_advert got;

	vrrp_hmac_sign(from, &a, wall_ns);
	const uint16_t len = vrrp_wire_build(frame, &a);

	assert_int_equal(vrrp_wire_check(frame + 14, (uint16_t)(len - 14), &got), VRRP_OK);
	assert_int_equal(got.has_trailer, a.has_trailer);
	got.wall_ns = wall_ns;
	return got;
}

static enum vrrp_refusal
heard_at(struct vrrp_hmac *h, struct vrrp_advert *a, uint64_t wall_ns)
{
	a->wall_ns = wall_ns;
	return vrrp_hmac_check(h, a);
}

/* ---- layout ---- */

/* Appendix of the draft, which keepalived's own test has too. */
static void
the_examples_of_the_draft(void **state)
{
	static const uint8_t four[] = { 0x31, 0x33, 0xc8, 0x01, 0x00, 0x64, 0x44, 0x02, 0xc0, 0x00,
		0x02, 0x64, 0x01, 0x01, 0x00, 0x00, 0x68, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00,
		0x1b, 0x84, 0xbc, 0x4e, 0x8e, 0x43, 0x89, 0x2d, 0xc6, 0xd9, 0x84, 0x48, 0xf8, 0xee,
		0x22, 0x65 };
	static const uint8_t six[] = { 0x31, 0x33, 0xc8, 0x01, 0x00, 0x64, 0xa2, 0xe9, 0xfe,
		0x80, [22] = 0x01, 0x00, 0x01, 0x01, 0x00, 0x00, 0x68, 0x00, 0x00, 0x00, 0x80, 0x00,
		0x00, 0x00, 0xc8, 0xc5, 0x61, 0x46, 0xeb, 0xfd, 0x66, 0xee, 0x10, 0xec, 0x4d, 0x81,
		0x86, 0x46, 0x1b, 0x78 };
	static const struct {
		uint8_t family, source[IP6_LEN];
		const uint8_t *octets;
		uint16_t len;
	} rows[] = { { 4, { 198, 51, 100, 10 }, four, sizeof(four) },
		{ 6, { 0xfe, 0x80, [15] = 0x10 }, six, sizeof(six) } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct vrrp_hmac *const h = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
		struct vrrp_advert a = { .version = 3,
			.vrid = 51,
			.source = address(rows[i].family, rows[i].source),
			.has_trailer = true,
			.message = rows[i].octets,
			.message_len = (uint16_t)(rows[i].len - VRRP_WIRE_TRAILER),
			.wall_ns = WALL };

		memcpy(a.trailer, rows[i].octets + a.message_len, sizeof(a.trailer));
		assert_int_equal(vrrp_hmac_check(h, &a), VRRP_OK);
		assert_int_equal(vrrp_hmac_skew(&a), (int32_t)(1800000000 - 0x68000000));
		vrrp_hmac_destroy(h);
	}
}

static struct vrrp_advert
advert_of(const struct vector *v)
{
	struct vrrp_advert a = { .version = v->version,
		.vrid = v->vrid,
		.priority = v->priority,
		.interval_ms = v->interval_ms,
		.plain_sum = v->plain_sum,
		.source = address(v->family, v->source),
		.destination = address(v->family, v->destination),
		.count = v->count };

	for (uint8_t i = 0; i < v->count; i++)
		a.addresses[i] = address(v->family, v->addresses[i]);
	return a;
}

static void
octet_for_octet_as_the_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *const v = &vectors[i];
		struct vrrp_hmac_setup s = { .mode = VRRP_HMAC_ENFORCE,
			.window_s = 5,
			.send_key = v->key_id,
			.key_count = 1,
			.keys = { { .id = v->key_id, .len = v->secret_len } } };
		struct vrrp_advert a = advert_of(v), got;

		memcpy(s.keys[0].secret, v->secret, sizeof(v->secret));
		struct vrrp_hmac *const h = vrrp_hmac_create(&s);
		const size_t header = 14 + (v->family == 6 ? 40 : 20);

		assert_non_null(h);
		vrrp_hmac_sign(h, &a, v->wall_ns);
		const uint16_t len = vrrp_wire_build(frame, &a);

		assert_memory_equal(frame + header, v->payload, v->len);
		assert_true(len == header + v->len);
		assert_int_equal(vrrp_wire_check(frame + 14, (uint16_t)(len - 14), &got), VRRP_OK);
		assert_int_equal(heard_at(h, &got, v->wall_ns), VRRP_OK);
		vrrp_hmac_destroy(h);
	}
}

/* ---- what is refused ---- */

/* Whichever octet is changed.  The checksum is not covered: its own check is. */
static enum vrrp_refusal
expected_of(size_t at, size_t message_len)
{
	const size_t in = at - message_len;

	if (at < message_len)
		return at == 6 || at == 7 ? VRRP_OK : VRRP_REFUSED_bad_hmac;
	switch (in) {
	case 0:
	case 2:
	case 3:
		return VRRP_REFUSED_trailer_form;
	case 1:
		return VRRP_REFUSED_unknown_key;
	default:
		return VRRP_REFUSED_bad_hmac;
	}
}

static void
every_changed_bit_is_refused(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct vrrp_hmac *const from = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
		const struct vrrp_advert sent = sent_by(from, advert(family, 2), WALL);
		const size_t len = sent.message_len;
		uint8_t octets[VRRP_WIRE_MESSAGE_MAX + VRRP_WIRE_TRAILER];

		for (size_t bit = 0; bit < (len + VRRP_WIRE_TRAILER) * 8; bit++) {
			struct vrrp_hmac *const to =
				hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
			struct vrrp_advert a = sent;

			memcpy(octets, sent.message, len);
			memcpy(octets + len, sent.trailer, sizeof(sent.trailer));
			octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
			a.message = octets;
			memcpy(a.trailer, octets + len, sizeof(a.trailer));
			assert_int_equal(vrrp_hmac_check(to, &a), expected_of(bit / 8, len));
			/* Nothing was learned from it: the true one is new. */
			if (expected_of(bit / 8, len) != VRRP_OK) {
				a = sent;
				assert_int_equal(vrrp_hmac_check(to, &a), VRRP_OK);
			}
			vrrp_hmac_destroy(to);
		}
		vrrp_hmac_destroy(from);
	}
}

/* Source, vrid, version and family are in the HMAC though the message does not have all of them. */
static void
an_advert_of_another_place_is_refused(void **state)
{
	struct vrrp_hmac *const h = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_TIME);
	const struct vrrp_advert sent = sent_by(h, advert(6, 2), WALL);
	struct vrrp_advert a = sent;

	(void)state;
	a.source.v6[15]++;
	assert_int_equal(vrrp_hmac_check(h, &a), VRRP_REFUSED_bad_hmac);
	a = sent;
	a.vrid++;
	assert_int_equal(vrrp_hmac_check(h, &a), VRRP_REFUSED_bad_hmac);
	a = sent;
	a.version = 2;
	assert_int_equal(vrrp_hmac_check(h, &a), VRRP_REFUSED_bad_hmac);
	a = sent;
	assert_int_equal(vrrp_hmac_check(h, &a), VRRP_OK);
	vrrp_hmac_destroy(h);
}

static void
receive_only_sends_none(void **state)
{
	struct vrrp_hmac *const h = hmac_of(VRRP_HMAC_RECEIVE_ONLY, VRRP_HMAC_TIME);
	const struct vrrp_advert a = advert(4, 2);
	struct vrrp_advert b = a;

	(void)state;
	vrrp_hmac_sign(h, &b, WALL);
	assert_memory_equal(&a, &b, sizeof(a));
	vrrp_hmac_destroy(h);
}

/* Both routers learn the new key, then each sends with it, then the old one goes. */
static void
keys_are_changed_without_loss(void **state)
{
	static const struct {
		uint8_t count, ids[2], send;
	} steps[] = { { 1, { 1 }, 1 }, { 2, { 1, 2 }, 1 }, { 2, { 1, 2 }, 2 }, { 1, { 2 }, 2 } };
	uint64_t wall = WALL;

	(void)state;
	for (size_t ours = 0; ours < 4; ours++) {
		for (size_t theirs = 0; theirs < 4; theirs++) {
			struct vrrp_hmac *h[2];
			const size_t at[2] = { ours, theirs };

			for (size_t i = 0; i < 2; i++) {
				struct vrrp_hmac_setup s = { .mode = VRRP_HMAC_ENFORCE,
					.window_s = 5,
					.send_key = steps[at[i]].send,
					.key_count = steps[at[i]].count };

				for (uint8_t k = 0; k < s.key_count; k++) {
					s.keys[k].id = steps[at[i]].ids[k];
					s.keys[k].len = 40;
					memset(s.keys[k].secret, s.keys[k].id, 40);
				}
				h[i] = vrrp_hmac_create(&s);
				assert_non_null(h[i]);
			}
			struct vrrp_advert a = sent_by(h[0], advert(4, 2), wall += SEC);
			const enum vrrp_refusal why = vrrp_hmac_check(h[1], &a);

			/* Steps next to each other go together. */
			if (ours == theirs || ours + 1 == theirs || theirs + 1 == ours)
				assert_int_equal(why, VRRP_OK);
			else if (why != VRRP_OK)
				assert_int_equal(why, VRRP_REFUSED_unknown_key);
			vrrp_hmac_destroy(h[0]);
			vrrp_hmac_destroy(h[1]);
		}
	}
}

/* ---- replays and clocks ---- */

static void
what_was_heard_before_is_refused(void **state)
{
	(void)state;
	for (enum vrrp_hmac_replay replay = VRRP_HMAC_TIME; replay <= VRRP_HMAC_MONOTONIC;
		replay++) {
		struct vrrp_hmac *const from = hmac_of(VRRP_HMAC_ENFORCE, replay);
		struct vrrp_hmac *const to = hmac_of(VRRP_HMAC_ENFORCE, replay);
		struct vrrp_hmac *const other = hmac_of(VRRP_HMAC_ENFORCE, replay);
		static uint8_t old_frame[VRRP_WIRE_FRAME_MAX];
		struct vrrp_advert old = sent_by(from, advert(4, 2), WALL), new;

		memcpy(old_frame, frame, sizeof(frame));
		old.message = old_frame + (old.message - frame);
		assert_int_equal(vrrp_hmac_check(to, &old), VRRP_OK);
		assert_int_equal(vrrp_hmac_check(to, &old), VRRP_REFUSED_replayed);
		new = sent_by(from, advert(4, 2), WALL); /* within one tick of its clock */
		assert_int_equal(vrrp_hmac_check(to, &new), VRRP_OK);
		assert_int_equal(vrrp_hmac_check(to, &old), VRRP_REFUSED_replayed);
		assert_int_equal(vrrp_hmac_check(to, &new), VRRP_REFUSED_replayed);
		/* The same copy goes to several routers. */
		assert_int_equal(vrrp_hmac_check(other, &old), VRRP_OK);
		assert_int_equal(vrrp_hmac_check(other, &new), VRRP_OK);
		/* From another sender it is new. */
		new = sent_by(from, advert(4, 3), WALL);
		assert_int_equal(vrrp_hmac_check(to, &new), VRRP_OK);
		vrrp_hmac_destroy(from);
		vrrp_hmac_destroy(to);
		vrrp_hmac_destroy(other);
	}
}

static void
what_is_far_from_our_time_is_stale(void **state)
{
	static const struct {
		int64_t by_s; /* that its time is behind ours */
		enum vrrp_refusal why;
	} rows[] = { { 0, VRRP_OK }, { 5, VRRP_OK }, { -5, VRRP_OK }, { 6, VRRP_REFUSED_stale },
		{ -6, VRRP_REFUSED_stale }, { 86400, VRRP_REFUSED_stale },
		{ -(INT64_C(1) << 31), VRRP_REFUSED_stale } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp_hmac *const from = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_TIME);
		struct vrrp_hmac *const to = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_TIME);
		struct vrrp_hmac *const patient = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
		struct vrrp_advert a =
			sent_by(from, advert(6, 2), WALL - (uint64_t)rows[i].by_s * SEC);

		assert_int_equal(heard_at(to, &a, WALL), rows[i].why);
		assert_int_equal(vrrp_hmac_skew(&a), (int32_t)rows[i].by_s);
		assert_int_equal(heard_at(patient, &a, WALL), VRRP_OK);
		/* Nor does a flood of old ones cost an HMAC: it is not looked at. */
		a.trailer[20] ^= 1;
		if (rows[i].why == VRRP_REFUSED_stale)
			assert_int_equal(heard_at(to, &a, WALL), VRRP_REFUSED_stale);
		vrrp_hmac_destroy(from);
		vrrp_hmac_destroy(to);
		vrrp_hmac_destroy(patient);
	}
}

/* A sender's clock is set back an hour. */
static void
a_clock_that_was_set_back(void **state)
{
	struct vrrp_hmac *const from = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_TIME);
	struct vrrp_hmac *const to = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_TIME);
	struct vrrp_hmac *const counts = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
	struct vrrp_hmac *const hears = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
	const uint64_t back = WALL - 3600 * SEC;
	struct vrrp_advert a;

	(void)state;
	a = sent_by(from, advert(4, 2), WALL);
	assert_int_equal(heard_at(to, &a, WALL), VRRP_OK);
	/* Ours too: what goes on from the last number would be stale. */
	a = sent_by(from, advert(4, 2), back);
	assert_int_equal(heard_at(to, &a, back), VRRP_OK);
	assert_int_equal(heard_at(to, &a, back), VRRP_REFUSED_replayed);
	/* By less than the window the number grows all the same. */
	a = sent_by(from, advert(4, 2), back - 3 * SEC);
	assert_int_equal(heard_at(to, &a, back - 3 * SEC), VRRP_OK);
	/* Monotonic: it always grows, on both sides. */
	a = sent_by(counts, advert(4, 2), WALL);
	assert_int_equal(heard_at(hears, &a, WALL), VRRP_OK);
	a = sent_by(counts, advert(4, 2), back);
	assert_int_equal(heard_at(hears, &a, back), VRRP_OK);
	assert_int_equal(vrrp_hmac_skew(&a), -3600);
	vrrp_hmac_destroy(from);
	vrrp_hmac_destroy(to);
	vrrp_hmac_destroy(counts);
	vrrp_hmac_destroy(hears);
}

/* 2038 and 2106: the seconds have 32 bits. */
static void
numbers_wrap(void **state)
{
	static const uint64_t edges_s[] = { UINT64_C(1) << 31, UINT64_C(1) << 32 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct vrrp_hmac *const from = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_TIME);
		struct vrrp_hmac *const to = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_TIME);

		for (uint64_t s = edges_s[i] - 3; s < edges_s[i] + 3; s++) {
			struct vrrp_advert a = sent_by(from, advert(4, 2), s * SEC);

			assert_int_equal(vrrp_hmac_check(to, &a), VRRP_OK);
			assert_int_equal(vrrp_hmac_check(to, &a), VRRP_REFUSED_replayed);
		}
		vrrp_hmac_destroy(from);
		vrrp_hmac_destroy(to);
	}
}

/* Of 17 senders the one that has been silent longest is forgotten, and no other. */
static void
sixteen_senders_are_remembered(void **state)
{
	struct vrrp_hmac *const from = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
	struct vrrp_hmac *const to = hmac_of(VRRP_HMAC_ENFORCE, VRRP_HMAC_MONOTONIC);
	static uint8_t frames[17][VRRP_WIRE_FRAME_MAX];
	struct vrrp_advert a[17];

	(void)state;
	for (uint8_t i = 0; i < 17; i++) {
		a[i] = sent_by(from, advert(i % 2 == 0 ? 4 : 6, (uint8_t)(i + 2)), WALL);
		memcpy(frames[i], frame, sizeof(frame));
		a[i].message = frames[i] + (a[i].message - frame);
	}
	for (uint8_t i = 0; i < 16; i++)
		assert_int_equal(vrrp_hmac_check(to, &a[i]), VRRP_OK);
	assert_int_equal(vrrp_hmac_check(to, &a[0]), VRRP_REFUSED_replayed);
	assert_int_equal(vrrp_hmac_check(to, &a[16]), VRRP_OK); /* in the place of 1 */
	for (uint8_t i = 0; i < 17; i++) {
		if (i != 1)
			assert_int_equal(vrrp_hmac_check(to, &a[i]), VRRP_REFUSED_replayed);
	}
	assert_int_equal(vrrp_hmac_check(to, &a[1]), VRRP_OK);
	vrrp_hmac_destroy(from);
	vrrp_hmac_destroy(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_draft),
		cmocka_unit_test(octet_for_octet_as_the_reference),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(an_advert_of_another_place_is_refused),
		cmocka_unit_test(receive_only_sends_none),
		cmocka_unit_test(keys_are_changed_without_loss),
		cmocka_unit_test(what_was_heard_before_is_refused),
		cmocka_unit_test(what_is_far_from_our_time_is_stale),
		cmocka_unit_test(a_clock_that_was_set_back),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(sixteen_senders_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
