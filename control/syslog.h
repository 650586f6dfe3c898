/*
 * Lines of the traffic log for a syslog server (RFC 5424).  Pure: no clock, no socket.
 */
#pragma once

#include "log_time.h"
#include "nat_alarm.h"
#include "snapshot.h"
#include "traffic_log.h"

#include <stddef.h>

#define SYSLOG_LINE_MAX 640

/* Who speaks; the strings hold no blanks. */
struct syslog_source {
	unsigned int facility; /* 0-23 */
	const char *host;      /* name of the box */
	int pid;
};

/* syslog_line: one record.  `s` gives the names of zones and rules.  => length, without a newline.
 */
size_t syslog_line(char *out, size_t size, const struct syslog_source *, const struct snapshot *s,
	const struct traffic_log_record *, const struct log_time *);
/* The same of an address group that has nothing left. */
size_t syslog_exhausted(char *out, size_t size, const struct syslog_source *,
	const struct nat_alarm_event *, uint64_t wall_ms);
