/* SPDX-License-Identifier: BSD-3-Clause */
/* NAT-05: one line when a group has nothing left, one when that is over. */
#include "nat_alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
NAT_05_the_alarm_has_a_memory(void **state)
{
	static const struct {
		uint64_t second;
		uint32_t name;
		uint64_t exhausted;
		enum nat_alarm_change change;
		uint64_t refused; /* since before the alarm */
	} rows[] = {
		{ 1, 7, 0, NAT_ALARM_SAME, 0 },
		{ 2, 7, 3, NAT_ALARM_RAISED, 3 },
		{ 3, 7, 3, NAT_ALARM_SAME, 3 },
		{ 11, 7, 4, NAT_ALARM_SAME, 4 }, /* goes on */
		{ 20, 7, 4, NAT_ALARM_SAME, 4 },
		{ 21, 7, 4, NAT_ALARM_CLEARED, 4 },
		{ 22, 7, 4, NAT_ALARM_SAME, 4 },
		{ 40, 7, 6, NAT_ALARM_RAISED, 2 }, /* only the new ones */
		{ 41, 8, 0, NAT_ALARM_SAME, 0 },   /* another group in its place */
		{ 42, 8, 1, NAT_ALARM_RAISED, 1 },
		{ 43, 8, 0, NAT_ALARM_SAME, 0 }, /* came back with new counters */
		{ 44, 8, 1, NAT_ALARM_RAISED, 1 },
		{ 45, 9, 5, NAT_ALARM_RAISED, 5 },
	};
	struct nat_alarm_group g = { 0 };

	(void)state;
	for (unsigned int i = 0; i < COUNT(rows); i++) {
		const mono_t now = { rows[i].second * NS_PER_SEC };

		assert_int_equal(
			nat_alarm_step(&g, rows[i].name, rows[i].exhausted, now), rows[i].change);
		assert_int_equal(g.exhausted - g.before, rows[i].refused);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(NAT_05_the_alarm_has_a_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
