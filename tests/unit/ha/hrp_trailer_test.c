/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trailer: numbered, signed, encrypted; every forgery is refused and named.
 */
#include "hrp_trailer.h"

#include <rte_ip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY  32 /* a probe */
#define WHOLE (BODY + sizeof(struct ha_trailer))
#define A     UINT64_C(0x1111111111111111)
#define B     UINT64_C(0x2222222222222222)
#define BOOT  1700000000

static const struct hrp_key one = { .id = 1, .len = 16, .secret = "0123456789abcdef" };
static const struct hrp_key two = { .id = 2, .len = 20, .secret = "another secret, long" };

static struct hrp_security
with(enum ha_algorithm algorithm, enum hrp_rollout rollout)
{
	return (struct hrp_security){
		.algorithm = algorithm, .rollout = rollout, .key_count = 1, .keys = { one }
	};
}

static struct hrp_trailer *
create(const struct hrp_security *s, uint64_t life)
{
	char err[128];
	struct hrp_trailer *t = hrp_trailer_create(s, life, BOOT, err, sizeof(err));

	if (t == NULL)
		fail_msg("%s", err);
	return t;
}

static void
probe(uint8_t m[BODY])
{
	const struct ha_probe p = { .hello_ms = RTE_BE16(100), .sequence = RTE_BE32(1) };

	memcpy(m + sizeof(struct ha_vrrp), &p, sizeof(p));
	ha_finish(m, BODY, HA_PROBE, 100);
}

/* Exact allocations, so that a byte too many is seen. */
static enum ha_refusal
open_copy(struct hrp_trailer *t, const uint8_t *m, uint16_t len, struct hrp_opened *o,
	uint8_t body[BODY])
{
	uint8_t *copy = malloc(len == 0 ? 1 : len), *room = malloc(len == 0 ? 1 : len);

	memcpy(copy, m, len);
	const enum ha_refusal why = hrp_trailer_open(t, copy, len, room, o);

	if (why == HA_OK && o->len == BODY)
		memcpy(body, o->data, BODY);
	free(copy);
	free(room);
	return why;
}

static void
mend(uint8_t *m, uint16_t len)
{
	memset(m + 6, 0, 2);
	const rte_be16_t sum = (rte_be16_t)~rte_raw_cksum(m, len);

	memcpy(m + 6, &sum, sizeof(sum));
}

static const enum ha_algorithm algorithms[] = { HA_ALGORITHM_NONE, HA_ALGORITHM_HMAC,
	HA_ALGORITHM_GCM };

static struct hrp_security
plain_or(enum ha_algorithm algorithm)
{
	return algorithm == HA_ALGORITHM_NONE ? (struct hrp_security){ .key_count = 0 }
					      : with(algorithm, HRP_ENFORCE);
}

static void
what_is_sealed_is_opened_and_numbered(void **state)
{
	uint8_t m[BODY] = { 0 }, wire[WHOLE], body[BODY];
	struct hrp_opened o;

	(void)state;
	probe(m);
	for (unsigned int i = 0; i < 3; i++) {
		const struct hrp_security s = plain_or(algorithms[i]);
		struct hrp_trailer *a = create(&s, A), *b = create(&s, B);

		for (uint64_t n = 1; n <= 3; n++) {
			assert_int_equal(hrp_trailer_seal(a, m, BODY, false, 9, wire), WHOLE);
			assert_int_equal(open_copy(b, wire, WHOLE, &o, body), HA_OK);
			assert_int_equal(o.number.life, A);
			assert_int_equal(o.number.sequence, n);
			assert_int_equal(o.epoch, 9);
			assert_memory_equal(body + 8, m + 8, BODY - 8);
			assert_int_equal(ha_check_body(body, BODY), HA_OK);
			/* Only GCM hides it. */
			assert_int_equal(memcmp(wire + 8, m + 8, BODY - 8) != 0,
				algorithms[i] == HA_ALGORITHM_GCM);
			assert_int_equal(hrp_trailer_seal(a, m, BODY, true, 0, wire), WHOLE);
			assert_int_equal(open_copy(b, wire, WHOLE, &o, body), HA_OK);
			assert_int_equal(o.number.sequence, n | HA_SEQUENCE_DATA);
		}
		hrp_trailer_destroy(a);
		hrp_trailer_destroy(b);
	}
}

/* Tags as another implementation makes them (Python's hmac and cryptography) by docs/wire.md. */
static void
the_signature_is_the_documented_one(void **state)
{
	static const struct {
		enum ha_algorithm algorithm;
		uint8_t tag[16];
	} rows[] = {
		{ HA_ALGORITHM_HMAC, { 0xd2, 0xa4, 0x06, 0x05, 0x11, 0xe5, 0x29, 0x6d, 0x1e, 0x83,
					     0x5b, 0x2e, 0x19, 0x42, 0x1e, 0x8f } },
		{ HA_ALGORITHM_GCM, { 0xf8, 0x81, 0xd2, 0xd4, 0xce, 0x7f, 0x86, 0xc8, 0xc3, 0x33,
					    0x09, 0xb3, 0x53, 0xbb, 0xbd, 0xbc } },
	};
	uint8_t m[BODY] = { 0 }, wire[WHOLE];

	(void)state;
	probe(m);
	for (unsigned int i = 0; i < 2; i++) {
		const struct hrp_security s = with(rows[i].algorithm, HRP_ENFORCE);
		struct hrp_trailer *a = create(&s, A);

		hrp_trailer_seal(a, m, BODY, false, 9, wire);
		assert_memory_equal(wire + WHOLE - 16, rows[i].tag, 16);
		hrp_trailer_destroy(a);
	}
}

static void
HAC_02_every_flipped_bit_is_refused(void **state)
{
	uint8_t m[BODY] = { 0 }, wire[WHOLE], body[BODY];
	struct hrp_opened o;

	(void)state;
	probe(m);
	for (unsigned int i = 1; i < 3; i++) {
		const struct hrp_security s = with(algorithms[i], HRP_ENFORCE);
		struct hrp_trailer *a = create(&s, A), *b = create(&s, B);

		hrp_trailer_seal(a, m, BODY, false, 9, wire);
		for (uint16_t bit = 0; bit < WHOLE * 8; bit++) {
			if (bit / 8 == 6 || bit / 8 == 7) /* the checksum, which is mended */
				continue;
			uint8_t bad[WHOLE];

			memcpy(bad, wire, WHOLE);
			bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_not_equal(open_copy(b, bad, WHOLE, &o, body), HA_OK);
			mend(bad, WHOLE);
			if (open_copy(b, bad, WHOLE, &o, body) == HA_OK)
				fail_msg("algorithm %u, bit %u", i, bit);
		}
		assert_int_equal(open_copy(b, wire, WHOLE, &o, body), HA_OK);
		hrp_trailer_destroy(a);
		hrp_trailer_destroy(b);
	}
}

static void
HAC_03_every_cut_is_refused(void **state)
{
	uint8_t m[BODY] = { 0 }, wire[WHOLE], body[BODY];
	struct hrp_opened o;

	(void)state;
	probe(m);
	for (unsigned int i = 0; i < 3; i++) {
		const struct hrp_security s = plain_or(algorithms[i]);
		struct hrp_trailer *a = create(&s, A), *b = create(&s, B);

		hrp_trailer_seal(a, m, BODY, false, 9, wire);
		for (uint16_t len = 0; len < WHOLE; len++) {
			uint8_t cut[WHOLE];

			memcpy(cut, wire, len);
			if (len >= 8)
				mend(cut, len);
			if (open_copy(b, cut, len, &o, body) == HA_OK)
				fail_msg("algorithm %u, %u bytes", i, len);
		}
		hrp_trailer_destroy(a);
		hrp_trailer_destroy(b);
	}
}

/* Who sends how, who takes how. */
static void
HAC_02_algorithms_keys_and_rollout(void **state)
{
	static const struct {
		enum ha_algorithm from;
		enum hrp_rollout from_rollout;
		enum ha_algorithm to;
		enum hrp_rollout to_rollout;
		enum ha_refusal why;
	} rows[] = {
		{ 0, 0, 0, 0, HA_OK },
		{ 0, 0, HA_ALGORITHM_HMAC, HRP_ENFORCE, HA_REFUSED_algorithm },
		{ 0, 0, HA_ALGORITHM_HMAC, HRP_PERMISSIVE, HA_OK },
		{ 0, 0, HA_ALGORITHM_HMAC, HRP_RECEIVE_ONLY, HA_OK },
		{ HA_ALGORITHM_HMAC, HRP_RECEIVE_ONLY, HA_ALGORITHM_HMAC, HRP_ENFORCE,
			HA_REFUSED_algorithm },
		{ HA_ALGORITHM_HMAC, HRP_RECEIVE_ONLY, HA_ALGORITHM_HMAC, HRP_PERMISSIVE, HA_OK },
		{ HA_ALGORITHM_HMAC, HRP_PERMISSIVE, HA_ALGORITHM_HMAC, HRP_ENFORCE, HA_OK },
		{ HA_ALGORITHM_HMAC, HRP_PERMISSIVE, HA_ALGORITHM_HMAC, HRP_RECEIVE_ONLY, HA_OK },
		{ HA_ALGORITHM_HMAC, HRP_ENFORCE, 0, 0, HA_REFUSED_algorithm },
		{ HA_ALGORITHM_HMAC, HRP_ENFORCE, HA_ALGORITHM_GCM, HRP_ENFORCE,
			HA_REFUSED_algorithm }, /* no downgrade */
		{ HA_ALGORITHM_HMAC, HRP_ENFORCE, HA_ALGORITHM_GCM, HRP_PERMISSIVE,
			HA_REFUSED_algorithm },
		{ HA_ALGORITHM_GCM, HRP_ENFORCE, HA_ALGORITHM_HMAC, HRP_ENFORCE,
			HA_REFUSED_algorithm },
		{ HA_ALGORITHM_GCM, HRP_ENFORCE, HA_ALGORITHM_GCM, HRP_ENFORCE, HA_OK },
	};
	uint8_t m[BODY] = { 0 }, wire[WHOLE], body[BODY];
	struct hrp_opened o;

	(void)state;
	probe(m);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hrp_security from = plain_or(rows[i].from), to = plain_or(rows[i].to);

		from.rollout = rows[i].from_rollout;
		to.rollout = rows[i].to_rollout;
		struct hrp_trailer *a = create(&from, A), *b = create(&to, B);

		hrp_trailer_seal(a, m, BODY, false, 9, wire);
		const enum ha_refusal why = open_copy(b, wire, WHOLE, &o, body);

		if (why != rows[i].why)
			fail_msg("row %zu: %s", i, ha_refusal_names[why]);
		hrp_trailer_destroy(a);
		hrp_trailer_destroy(b);
	}
}

static void
HAC_02_keys_are_changed_one_box_after_the_other(void **state)
{
	uint8_t m[BODY] = { 0 }, wire[WHOLE], body[BODY];
	struct hrp_opened o;
	struct hrp_key wrong = one;

	(void)state;
	probe(m);
	wrong.secret[3] ^= 1;
	const struct {
		struct hrp_key from[2], to[2];
		uint16_t from_count, to_count;
		enum ha_refusal why;
	} rows[] = {
		{ { one }, { one, two }, 1, 2, HA_OK },
		{ { one, two }, { one }, 2, 1, HA_OK },
		{ { two, one }, { one, two }, 2, 2, HA_OK },
		{ { two, one }, { two }, 2, 1, HA_OK },
		{ { two }, { two, one }, 1, 2, HA_OK },
		{ { two }, { one }, 1, 1, HA_REFUSED_key },
		{ { one }, { two, wrong }, 1, 2, HA_REFUSED_tag },
		{ { one }, { wrong }, 1, 1, HA_REFUSED_tag },
	};
	for (unsigned int k = 1; k < 3; k++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct hrp_security from = with(algorithms[k], HRP_ENFORCE), to = from;

			memcpy(from.keys, rows[i].from, sizeof(from.keys));
			memcpy(to.keys, rows[i].to, sizeof(to.keys));
			from.key_count = rows[i].from_count;
			to.key_count = rows[i].to_count;
			struct hrp_trailer *a = create(&from, A), *b = create(&to, B);

			hrp_trailer_seal(a, m, BODY, false, 9, wire);
			assert_int_equal(open_copy(b, wire, WHOLE, &o, body), rows[i].why);
			hrp_trailer_destroy(a);
			hrp_trailer_destroy(b);
		}
	}
}

static void
HAC_01_our_own_and_other_lives_are_refused(void **state)
{
	uint8_t m[BODY] = { 0 }, hello[24] = { 0 }, wire[WHOLE], body[BODY];
	struct hrp_opened o;

	(void)state;
	probe(m);
	ha_finish(hello, sizeof(hello), HA_VGMP, 100);
	for (unsigned int i = 0; i < 3; i++) {
		const struct hrp_security s = plain_or(algorithms[i]);
		struct hrp_trailer *a = create(&s, A), *b = create(&s, B);

		hrp_trailer_seal(b, m, BODY, false, 9, wire);
		assert_int_equal(open_copy(b, wire, WHOLE, &o, body), HA_REFUSED_reflected);
		const uint16_t len = hrp_trailer_seal(a, hello, sizeof(hello), false, 9, wire);

		assert_int_equal(open_copy(b, wire, len, &o, body), HA_REFUSED_life);
		hrp_trailer_seal(a, m, BODY, false, 9, wire);
		assert_int_equal(open_copy(b, wire, WHOLE, &o, body), HA_OK);
		hrp_trailer_trust(b, A);
		hrp_trailer_seal(a, hello, sizeof(hello), false, 9, wire);
		assert_int_equal(open_copy(b, wire, len, &o, body), HA_OK);
		hrp_trailer_destroy(a);
		hrp_trailer_destroy(b);
	}
}

/* `b` hears what `from` says of `m`. */
static enum ha_refusal
hears(struct hrp_trailer *b, struct hrp_trailer *from, const uint8_t m[BODY])
{
	uint8_t wire[WHOLE], body[BODY];
	struct hrp_opened o;

	hrp_trailer_seal(from, m, BODY, false, 9, wire);
	return open_copy(b, wire, WHOLE, &o, body);
}

/* The same with one octet changed on the way, behind a checksum that fits. */
static enum ha_refusal
hears_changed(struct hrp_trailer *b, struct hrp_trailer *from, const uint8_t m[BODY], size_t at)
{
	uint8_t wire[WHOLE], body[BODY];
	struct hrp_opened o;

	hrp_trailer_seal(from, m, BODY, false, 9, wire);
	wire[at] ^= 1;
	mend(wire, WHOLE);
	return open_copy(b, wire, WHOLE, &o, body);
}

/* The life that is trusted has begun once: what names another time is no message of it, and costs
 * no key. */
static void
HAC_02_a_life_has_one_boot(void **state)
{
	uint8_t m[BODY] = { 0 };
	char err[128];

	(void)state;
	probe(m);
	for (unsigned int i = 1; i < 3; i++) {
		const struct hrp_security s = plain_or(algorithms[i]);
		struct hrp_trailer *a = create(&s, A), *b = create(&s, B);
		struct hrp_trailer *other = hrp_trailer_create(&s, A, BOOT + 1, err, sizeof(err));

		assert_non_null(other);
		assert_int_equal(hears(b, a, m), HA_OK);
		hrp_trailer_trust(b, A);
		assert_int_equal(hears(b, other, m), HA_REFUSED_tag);
		assert_int_equal(hears(b, a, m), HA_OK);
		hrp_trailer_destroy(other);
		hrp_trailer_destroy(a);
		hrp_trailer_destroy(b);
	}
}

/* Nothing forged comes in the way of a key that the trusted life has not used yet: neither one that
 * it changes to, nor the one that trust was lent by, displaced meanwhile by other lives.
 */
static void
HAC_02_a_forged_boot_keeps_no_key_out(void **state)
{
	const size_t boot = BODY + offsetof(struct ha_trailer, boot);
	uint8_t m[BODY] = { 0 };

	(void)state;
	probe(m);
	for (unsigned int i = 1; i < 3; i++) {
		const struct hrp_security old = with(algorithms[i], HRP_ENFORCE);
		struct hrp_security new = old, both = old;

		new.keys[0] = two;
		both.keys[1] = two;
		both.key_count = 2;
		struct hrp_trailer *a = create(&old, A), *changed = create(&new, A);
		struct hrp_trailer *b = create(&both, B), *stranger = create(&old, A + 7);

		assert_int_equal(hears(b, a, m), HA_OK);
		assert_int_equal(hears_changed(b, stranger, m, WHOLE - 1), HA_REFUSED_tag);
		hrp_trailer_trust(b, A);
		for (unsigned int key = 0; key < 2; key++) {
			struct hrp_trailer *const peer = key == 0 ? a : changed;

			assert_int_equal(hears_changed(b, peer, m, boot), HA_REFUSED_tag);
			assert_int_equal(hears(b, peer, m), HA_OK);
		}
		hrp_trailer_destroy(a);
		hrp_trailer_destroy(changed);
		hrp_trailer_destroy(stranger);
		hrp_trailer_destroy(b);
	}
}

static void
HAC_04_another_version_is_named(void **state)
{
	const struct hrp_security none = { .key_count = 0 };
	uint8_t m[BODY] = { 0 }, wire[WHOLE], body[BODY];
	struct hrp_opened o;

	(void)state;
	probe(m);
	struct hrp_trailer *a = create(&none, A), *b = create(&none, B);

	hrp_trailer_seal(a, m, BODY, false, 9, wire);
	for (unsigned int version = 0; version < 256; version++) {
		wire[BODY + 4] = (uint8_t)version;
		mend(wire, WHOLE);
		assert_int_equal(open_copy(b, wire, WHOLE, &o, body), HA_OK);
		assert_int_equal(o.version, version);
	}
	assert_int_equal(open_copy(b, m, BODY, &o, body), HA_REFUSED_auth); /* none at all */
	hrp_trailer_destroy(a);
	hrp_trailer_destroy(b);
}

static void
wrong_settings_are_refused(void **state)
{
	struct hrp_key zero = one, small = one, large = one;
	char err[128];

	(void)state;
	zero.id = 0;
	small.len = HRP_SECRET_MIN - 1;
	large.len = HRP_SECRET_MAX + 1;
	const struct hrp_security rows[] = {
		{ .algorithm = HA_ALGORITHM_HMAC },
		{ .algorithm = HA_ALGORITHM_NONE, .key_count = 1, .keys = { one } },
		{ .algorithm = HA_ALGORITHMS, .key_count = 1, .keys = { one } },
		{ .algorithm = HA_ALGORITHM_GCM,
			.rollout = HRP_ROLLOUTS,
			.key_count = 1,
			.keys = { one } },
		{ .algorithm = HA_ALGORITHM_GCM, .key_count = 3, .keys = { one, two } },
		{ .algorithm = HA_ALGORITHM_GCM, .key_count = 2, .keys = { one, one } },
		{ .algorithm = HA_ALGORITHM_GCM, .key_count = 1, .keys = { zero } },
		{ .algorithm = HA_ALGORITHM_GCM, .key_count = 1, .keys = { small } },
		{ .algorithm = HA_ALGORITHM_GCM, .key_count = 1, .keys = { large } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err[0] = '\0';
		assert_null(hrp_trailer_create(&rows[i], A, BOOT, err, sizeof(err)));
		assert_string_not_equal(err, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_is_opened_and_numbered),
		cmocka_unit_test(the_signature_is_the_documented_one),
		cmocka_unit_test(HAC_02_every_flipped_bit_is_refused),
		cmocka_unit_test(HAC_03_every_cut_is_refused),
		cmocka_unit_test(HAC_02_algorithms_keys_and_rollout),
		cmocka_unit_test(HAC_02_keys_are_changed_one_box_after_the_other),
		cmocka_unit_test(HAC_01_our_own_and_other_lives_are_refused),
		cmocka_unit_test(HAC_02_a_life_has_one_boot),
		cmocka_unit_test(HAC_02_a_forged_boot_keeps_no_key_out),
		cmocka_unit_test(HAC_04_another_version_is_named),
		cmocka_unit_test(wrong_settings_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
