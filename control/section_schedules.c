/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `schedules`: when rules hold.  Times are local ones of the box (TZ, else /etc/localtime).
 */
#include "config_policy.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DAY_MINUTES 1440

// clang-format off
static const struct config_setting_desc period_settings[] = {
	{ .name = "days", .type = SETTING_STRINGS, .offset = offsetof(struct config_period, days),
	  .size = 4, .live = true, .min = 3, .max = 3, .max_items = 7,
	  .help = "Days on which it begins: sun, mon, tue, wed, thu, fri, sat; empty = every day." },
	{ .name = "from", .type = SETTING_STRING, SETTING_AT(struct config_period, from),
	  .required = true, .live = true, .min = 5, .max = 5, .help = "Time of day, \"08:00\"." },
	{ .name = "to", .type = SETTING_STRING, SETTING_AT(struct config_period, to),
	  .required = true, .live = true, .min = 5, .max = 5,
	  .help = "First minute behind it, up to \"24:00\"; before `from`: on the next day." },
	{ .name = NULL },
};

static const struct config_setting_desc date_settings[] = {
	{ .name = "from", .type = SETTING_STRING, SETTING_AT(struct config_dates, from),
	  .required = true, .live = true, .min = 16, .max = 16,
	  .help = "First minute, \"2026-12-24 18:00\"." },
	{ .name = "to", .type = SETTING_STRING, SETTING_AT(struct config_dates, to),
	  .required = true, .live = true, .min = 16, .max = 16, .help = "First minute behind it." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_schedule, name),
	  .required = true, .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1,
	  .help = "Name that rules refer to." },
	{ .name = "description", .type = SETTING_STRING,
	  SETTING_AT(struct config_schedule, description), .live = true, .max = 127,
	  .help = "What it is for." },
	{ .name = "periods", .type = SETTING_LIST, .offset = offsetof(struct config_schedule, periods),
	  .size = sizeof(struct config_period), .live = true, .max_items = 64,
	  .settings = period_settings, .help = "Times of every week." },
	{ .name = "dates", .type = SETTING_LIST, .offset = offsetof(struct config_schedule, dates),
	  .size = sizeof(struct config_dates), .live = true, .max_items = 64,
	  .settings = date_settings, .help = "Single times, from one date to another." },
	{ .name = NULL },
};
// clang-format on

/* "HH:MM" up to 24:00. => minutes, -1 */
static int
minutes(const char *text)
{
	unsigned int hour, minute;
	int end = 0;

	if (sscanf(text, "%2u:%2u%n", &hour, &minute, &end) != 2 || end != 5 || text[0] == '+' ||
		text[3] == '+' || minute > 59 || hour * 60 + minute > DAY_MINUTES)
		return -1;
	return (int)(hour * 60 + minute);
}

static int
check_days(struct config *c, struct config_period *p)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	const char(*days)[4] = p->days.items;
	char setting[24];

	p->day_set = p->days.count == 0 ? 0x7f : 0;
	for (uint32_t i = 0; i < p->days.count; i++) {
		unsigned int day = 0;

		while (day < 7 && strcmp(names[day], days[i]) != 0)
			day++;
		if (day == 7) {
			snprintf(setting, sizeof(setting), "days[%u]", i);
			return config_fail(c, &p->origin, setting,
				"unknown day \"%s\", expected one of sun, mon, tue, wed, thu, fri, "
				"sat",
				days[i]);
		}
		p->day_set |= (uint8_t)(1U << day);
	}
	return 0;
}

static int
check_period(struct config *c, struct config_period *p)
{
	const int from = minutes(p->from), to = minutes(p->to);

	if (from < 0 || from == DAY_MINUTES)
		return config_fail(c, &p->origin, "from",
			"\"%s\" is no time of day, expected \"00:00\" to \"23:59\"", p->from);
	if (to < 0)
		return config_fail(c, &p->origin, "to",
			"\"%s\" is no time of day, expected \"00:00\" to \"24:00\"", p->to);
	if (from == to)
		return config_fail(c, &p->origin, "to",
			"is when it begins, expected another time (\"00:00\" to \"24:00\" is the "
			"whole day)");
	p->from_minute = (uint16_t)from;
	p->to_minute = (uint16_t)(to < from ? to + DAY_MINUTES : to);
	return check_days(c, p);
}

static bool
date(const char *text, time_t *out)
{
	struct tm tm = { .tm_isdst = -1 }, back;
	int end = 0;

	if (sscanf(text, "%4d-%2d-%2d %2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		    &tm.tm_min, &end) != 5 ||
		end != 16)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	back = tm;
	*out = mktime(&back);
	/* mktime() makes a valid date of any; hours may move where summer time begins. */
	return *out != (time_t)-1 && back.tm_mday == tm.tm_mday && back.tm_mon == tm.tm_mon &&
	       back.tm_min == tm.tm_min && tm.tm_hour >= 0 && tm.tm_hour < 24 && tm.tm_year >= 70;
}

static int
check_dates(struct config *c, struct config_dates *d)
{
	static const char expected[] = "expected a date and time such as \"2026-12-24 18:00\"";

	if (!date(d->from, &d->begin))
		return config_fail(c, &d->origin, "from", "\"%s\" is none, %s", d->from, expected);
	if (!date(d->to, &d->end))
		return config_fail(c, &d->origin, "to", "\"%s\" is none, %s", d->to, expected);
	if (d->begin >= d->end)
		return config_fail(c, &d->origin, "to", "is not after from, expected a later one");
	return 0;
}

static int
check(struct config *c)
{
	struct config_list *list = config_section_fill(c, "schedules");
	struct config_schedule *s = list->items;
	int rc = config_unique(c, list, sizeof(*s), offsetof(struct config_schedule, name), "name");

	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		struct config_period *periods = s[i].periods.items;
		struct config_dates *dates = s[i].dates.items;

		if (s[i].periods.count == 0 && s[i].dates.count == 0)
			return config_fail(c, &s[i].origin, NULL,
				"is empty, expected at least one element of periods or dates");
		for (uint32_t j = 0; rc == 0 && j < s[i].periods.count; j++)
			rc = check_period(c, &periods[j]);
		for (uint32_t j = 0; rc == 0 && j < s[i].dates.count; j++)
			rc = check_dates(c, &dates[j]);
	}
	return rc;
}

const struct config_schedule *
config_schedule_find(const struct config *c, const char *name)
{
	const struct config_list *list = config_section_data(c, "schedules");
	const struct config_schedule *s = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(s[i].name, name) == 0)
			return &s[i];
	}
	return NULL;
}

static bool
period_active(const struct config_period *p, const struct tm *local)
{
	const int minute = local->tm_hour * 60 + local->tm_min;
	const int yesterday = (local->tm_wday + 6) % 7;

	if ((p->day_set >> local->tm_wday & 1) != 0 && minute >= p->from_minute &&
		minute < p->to_minute)
		return true;
	return (p->day_set >> yesterday & 1) != 0 && minute + DAY_MINUTES < p->to_minute;
}

bool
config_schedule_active(const struct config_schedule *s, time_t now, const struct tm *local)
{
	const struct config_period *periods = s->periods.items;
	const struct config_dates *dates = s->dates.items;

	for (uint32_t i = 0; i < s->dates.count; i++) {
		if (dates[i].begin <= now && now < dates[i].end)
			return true;
	}
	for (uint32_t i = 0; i < s->periods.count; i++) {
		if (period_active(&periods[i], local))
			return true;
	}
	return false;
}

const struct config_section config_section_schedules = {
	.name = "schedules",
	.replicated = true,
	.list = true,
	.max_items = 1024,
	.size = sizeof(struct config_schedule),
	.settings = settings,
	.check = check,
	.help = "When rules hold: times of the week, or from one date to another, in the box's "
		"local "
		"time zone.",
};
