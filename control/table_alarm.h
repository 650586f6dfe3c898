/*
 * Tells the operator once that the session table is filling up, and once that it is not any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct table_alarm {
	bool raised;
};

enum table_alarm_change { TABLE_ALARM_SAME, TABLE_ALARM_RAISED, TABLE_ALARM_CLEARED };

/* table_alarm_look: `used` of `capacity` sessions, `percent` = when to tell (0 = never).  It is
 * over when a tenth of the table less is in use, or half of `percent` if that is more.
 * => what has changed; it has been logged. */
enum table_alarm_change table_alarm_look(
	struct table_alarm *, uint32_t used, uint32_t capacity, uint32_t percent);
