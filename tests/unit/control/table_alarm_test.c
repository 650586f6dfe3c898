/* SPDX-License-Identifier: BSD-3-Clause */
/* DOS-06: one line when the session table fills up, one when it is over. */
#include "table_alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
DOS_06_the_alarm_has_a_memory(void **state)
{
	static const struct {
		uint32_t used, percent;
		enum table_alarm_change change;
	} rows[] = {
		{ 0, 90, TABLE_ALARM_SAME },
		{ 899, 90, TABLE_ALARM_SAME },
		{ 900, 90, TABLE_ALARM_RAISED },
		{ 1000, 90, TABLE_ALARM_SAME },
		{ 850, 90, TABLE_ALARM_SAME }, /* neither full nor over */
		{ 900, 90, TABLE_ALARM_SAME },
		{ 800, 90, TABLE_ALARM_SAME },
		{ 799, 90, TABLE_ALARM_CLEARED },
		{ 850, 90, TABLE_ALARM_SAME },
		{ 950, 90, TABLE_ALARM_RAISED },
		{ 950, 0, TABLE_ALARM_CLEARED }, /* switched off */
		{ 1000, 0, TABLE_ALARM_SAME },
		{ 60, 6, TABLE_ALARM_RAISED },
		{ 31, 6, TABLE_ALARM_SAME },
		{ 29, 6, TABLE_ALARM_CLEARED },
		{ 0, 1, TABLE_ALARM_SAME },
		{ 1000, 100, TABLE_ALARM_RAISED },
		{ 900, 100, TABLE_ALARM_SAME },
		{ 899, 100, TABLE_ALARM_CLEARED },
	};
	struct table_alarm a = { 0 };

	(void)state;
	for (unsigned int i = 0; i < COUNT(rows); i++)
		assert_int_equal(
			table_alarm_look(&a, rows[i].used, 1000, rows[i].percent), rows[i].change);
	/* No sum overflows in the largest table. */
	a.raised = false;
	assert_int_equal(table_alarm_look(&a, UINT32_C(1) << 26, UINT32_C(1) << 26, 100),
		TABLE_ALARM_RAISED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(DOS_06_the_alarm_has_a_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
