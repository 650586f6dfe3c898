/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which messages of the peer are new: windows, lives, order.
 */
#include "hrp_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWN   77
#define HELLO 100

static const mono_t start = { .ns = 1000 * NS_PER_SEC };

static enum ha_refusal
take(struct hrp_order *o, uint64_t life, uint64_t sequence)
{
	const struct hrp_number n = { .life = life, .sequence = sequence };

	return hrp_order_take(o, &n, start);
}

static void
trusting(struct hrp_order *o, uint64_t life)
{
	hrp_order_init(o, OWN);
	assert_true(hrp_order_trust(o, life, false, HELLO, start));
}

static void
HAC_01_what_comes_twice_or_too_late_is_refused(void **state)
{
	static const struct {
		uint64_t sequence;
		enum ha_refusal why;
	} rows[] = {
		{ 0, HA_REFUSED_replayed },
		{ 2, HA_OK },
		{ 5, HA_OK },
		{ 5, HA_REFUSED_replayed },
		{ 3, HA_OK },
		{ 4, HA_OK },
		{ 3, HA_REFUSED_replayed },
		{ 6, HA_OK },
		{ 1000, HA_OK },
		{ 7, HA_OK },
		{ 7, HA_REFUSED_replayed },
		{ 1030, HA_OK },
		{ 1, HA_REFUSED_replayed }, /* behind the window */
		{ 64, HA_OK },
		{ 64, HA_REFUSED_replayed },
		{ UINT64_C(1) << 40, HA_OK },
		{ 1031, HA_REFUSED_replayed },
		{ (UINT64_C(1) << 40) - 1, HA_OK },
		{ (UINT64_C(1) << 40) - 1, HA_REFUSED_replayed },
		{ HA_SEQUENCE_DATA | 5, HA_OK }, /* data is numbered apart */
		{ HA_SEQUENCE_DATA | 5, HA_REFUSED_replayed },
		{ HA_SEQUENCE_DATA, HA_REFUSED_replayed },
		{ (UINT64_C(1) << 40) + 1, HA_OK },
	};
	struct hrp_order o;

	(void)state;
	trusting(&o, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (take(&o, 1, rows[i].sequence) != rows[i].why)
			fail_msg("row %zu", i);
}

/* Against a list of all that was taken. */
static void
HAC_01_random_numbers_as_a_plain_list_says(void **state)
{
	enum { NUMBERS = 1 << 15 };
	static bool seen[NUMBERS + 4096];
	struct hrp_order o;
	uint64_t top = 0;

	(void)state;
	trusting(&o, 1);
	assert_int_equal(take(&o, 1, 1), HA_OK); /* what follows is as old at most */
	seen[1] = true;
	srand(1);
	for (unsigned int i = 0; i < 200000; i++) {
		const uint64_t floor = top > 1500 ? top - 1500 : 0;
		const uint64_t n = 1 + floor + (uint64_t)rand() % 1600;

		if (n > NUMBERS)
			break;
		const bool taken = take(&o, 1, n) == HA_OK;

		if (taken && (seen[n] || n + HRP_ORDER_WINDOW < top))
			fail_msg("%u was taken at %u", (unsigned int)n, (unsigned int)top);
		/* A word's worth less may be known. */
		if (!taken && !seen[n] && n + HRP_ORDER_WINDOW - 64 > top)
			fail_msg("%u was not taken at %u", (unsigned int)n, (unsigned int)top);
		seen[n] = seen[n] || taken;
		top = taken && n > top ? n : top;
	}
	assert_true(top > 4096);
}

/* We have started again, and the peer has not: what it has said before, it may have said to our
 * earlier life. */
static void
HAC_01_nothing_from_before_our_own_start_counts(void **state)
{
	static const uint64_t first[] = { 63, 64, 65, 5000, UINT64_C(1) << 40 };
	struct hrp_order o;

	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		for (unsigned int data = 0; data < 2; data++) {
			const uint64_t kind = data ? HA_SEQUENCE_DATA : 0;

			trusting(&o, 1);
			assert_int_equal(take(&o, 1, kind | first[i]), HA_OK);
			for (uint64_t back = 0; back < first[i] && back < 3000; back++)
				assert_int_equal(
					take(&o, 1, kind | (first[i] - back)), HA_REFUSED_replayed);
			/* From there on the window is as ever. */
			assert_int_equal(take(&o, 1, kind | (first[i] + 130)), HA_OK);
			for (uint64_t n = 1; n < 130; n++)
				assert_int_equal(take(&o, 1, kind | (first[i] + n)), HA_OK);
			for (uint64_t n = 1; n < 200; n++)
				if (n < first[i])
					assert_int_equal(take(&o, 1, kind | (first[i] - n)),
						HA_REFUSED_replayed);
		}
	}
}

/* The first data that is heard may have been recorded: what answers us begins anew. */
static void
HAC_01_data_before_what_answers_us_does_not_count(void **state)
{
	struct hrp_order o;

	(void)state;
	trusting(&o, 1);
	assert_int_equal(take(&o, 1, HA_SEQUENCE_DATA | 10), HA_OK);
	assert_false(o.answered);
	assert_int_equal(take(&o, 1, HA_SEQUENCE_DATA | 700), HA_OK);
	hrp_order_answered(&o, HA_SEQUENCE_DATA | 700);
	assert_true(o.answered);
	for (uint64_t n = 1; n <= 700; n++)
		assert_int_equal(take(&o, 1, HA_SEQUENCE_DATA | n), HA_REFUSED_replayed);
	assert_int_equal(take(&o, 1, HA_SEQUENCE_DATA | 701), HA_OK);
	assert_true(hrp_order_trust(&o, 2, true, 100, mono_add_ms(start, 1)));
	assert_false(o.answered); /* of another start of the peer nothing is known */
}

static void
HAC_01_only_the_life_that_is_trusted_counts(void **state)
{
	struct hrp_order o;

	(void)state;
	hrp_order_init(&o, OWN);
	assert_int_equal(take(&o, 1, 1), HA_REFUSED_life);
	assert_int_equal(take(&o, 0, 1), HA_REFUSED_life);
	assert_int_equal(take(&o, OWN, 1), HA_REFUSED_reflected);
	assert_false(hrp_order_trust(&o, OWN, true, HELLO, start));
	assert_false(hrp_order_trust(&o, 0, true, HELLO, start));
	assert_true(hrp_order_trust(&o, 1, false, HELLO, start));
	assert_int_equal(take(&o, 1, 9), HA_OK);
	assert_int_equal(take(&o, 2, 10), HA_REFUSED_life);
	/* A third box that shows that it lives: not while ours is heard. */
	assert_false(hrp_order_trust(&o, 2, false, HELLO, mono_add_ms(start, 3 * HELLO - 1)));
	assert_int_equal(take(&o, 1, 10), HA_OK);
	assert_true(hrp_order_trust(&o, 2, false, HELLO, mono_add_ms(start, 3 * HELLO)));
	assert_int_equal(take(&o, 2, 9), HA_OK); /* its numbers are its own */
	assert_int_equal(take(&o, 1, 11), HA_REFUSED_life);
	/* Our peer, which has started again, need not wait. */
	assert_true(hrp_order_trust(&o, 3, true, HELLO, start));
	assert_int_equal(take(&o, 3, 1), HA_OK);
}

static void
X12_an_overtaken_message_is_not_told(void **state)
{
	uint64_t newest = 0;

	(void)state;
	assert_true(hrp_order_newest(&newest, 3));
	assert_false(hrp_order_newest(&newest, 3));
	assert_false(hrp_order_newest(&newest, 2));
	assert_true(hrp_order_newest(&newest, 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(HAC_01_what_comes_twice_or_too_late_is_refused),
		cmocka_unit_test(HAC_01_random_numbers_as_a_plain_list_says),
		cmocka_unit_test(HAC_01_nothing_from_before_our_own_start_counts),
		cmocka_unit_test(HAC_01_data_before_what_answers_us_does_not_count),
		cmocka_unit_test(HAC_01_only_the_life_that_is_trusted_counts),
		cmocka_unit_test(X12_an_overtaken_message_is_not_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
