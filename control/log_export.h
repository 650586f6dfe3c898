/*
 * The traffic log's way out: takes the workers' records (fastpath/traffic_log.h) and sends them as
 * syslog lines (RFC 5424) and IPFIX messages (RFC 7011) over UDP, each within its rate.
 *
 * Never blocks: what a socket does not take, or is beyond the rate, is counted and lost.
 * Management thread only.
 */
#pragma once

#include "config.h"
#include "engine.h"
#include "nat_alarm.h"

#include <stdbool.h>
#include <stdint.h>

struct log_export;

enum log_output { LOG_OUTPUT_SYSLOG, LOG_OUTPUT_IPFIX, LOG_OUTPUTS };
extern const char *const log_output_names[LOG_OUTPUTS];

struct log_export_status {
	bool on;
	char target[64];     /* "10.0.0.5:514", "[2001:db8::5]:514" */
	int error;	     /* errno of the newest failure to open or send, 0 = none */
	uint64_t sent;	     /* records */
	uint64_t messages;   /* datagrams */
	uint64_t suppressed; /* records beyond the rate */
	uint64_t failed;     /* records the socket did not take */
};

struct log_export *log_export_create(const char *box); /* NULL: no memory */
void log_export_destroy(struct log_export *);

/* log_export_configure: at start and after a reload; opens what has changed.  A target that cannot
 * be reached is an output in error, never a refused configuration: networks come and go. */
void log_export_configure(struct log_export *, const struct config_log *);

/* log_export_poll: take and send what the workers have said, at most `max` records a worker.
 * => How many were taken.  Records are taken also when there is no output. */
uint32_t log_export_poll(struct log_export *, struct engine *, mono_t now, uint32_t max);

/* log_export_exhausted: an address group has nothing left; told at once. */
void log_export_exhausted(struct log_export *, const struct nat_alarm_event *, mono_t now);

void log_export_status(const struct log_export *, enum log_output, struct log_export_status *);
