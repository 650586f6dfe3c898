/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_alarm.h"

#include "log.h"

#define BACK 10 /* percent of the table */

enum table_alarm_change
table_alarm_look(struct table_alarm *a, uint32_t used, uint32_t capacity, uint32_t percent)
{
	const uint32_t low = percent > 2 * BACK ? percent - BACK : percent / 2;
	const uint64_t scaled = (uint64_t)used * 100;

	if (!a->raised && percent > 0 && scaled >= (uint64_t)percent * capacity) {
		a->raised = true;
		LOG(WARNING, "session table: %u of %u sessions in use, %u %% or more", used,
			capacity, percent);
		return TABLE_ALARM_RAISED;
	}
	if (a->raised && (percent == 0 || scaled < (uint64_t)low * capacity)) {
		a->raised = false;
		LOG(NOTICE, "session table: %u of %u sessions in use, less than %u %% again", used,
			capacity, low);
		return TABLE_ALARM_CLEARED;
	}
	return TABLE_ALARM_SAME;
}
