/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"
#include "hrp_lag.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
the_median_is_right_within_a_fifth(void **state)
{
	(void)state;
	for (uint64_t us = 1; us < UINT64_C(200000000); us = us * 11 / 10 + 1) {
		struct hrp_lag lag = { .count = 0 };

		for (unsigned int i = 0; i < 3; i++)
			hrp_lag_add(&lag, us * NS_PER_US);
		hrp_lag_add(&lag, 0);
		hrp_lag_add(&lag, us * 100 * NS_PER_US);
		assert_int_equal(lag.max_ns, us * 100 * NS_PER_US);
		assert_in_range(hrp_lag_median(&lag), us * NS_PER_US, us * NS_PER_US * 5 / 4);
	}
}

static void
none_and_very_long_ones(void **state)
{
	struct hrp_lag lag = { .count = 0 };

	(void)state;
	assert_int_equal(hrp_lag_median(&lag), 0);
	hrp_lag_add(&lag, 1500);
	assert_int_equal(hrp_lag_median(&lag), 1000); /* whole microseconds */
	lag = (struct hrp_lag){ .count = 0 };
	hrp_lag_add(&lag, UINT64_MAX);
	assert_true(hrp_lag_median(&lag) > 200 * NS_PER_SEC);
	assert_true(lag.max_ns == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_is_right_within_a_fifth),
		cmocka_unit_test(none_and_very_long_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
