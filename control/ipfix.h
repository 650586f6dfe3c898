/*
 * IPFIX (RFC 7011): the messages of the traffic log.  Pure: encodes into a buffer; no clock, no
 * socket.  Field lists: docs/log.md.
 */
#pragma once

#include "log_time.h"
#include "nat_alarm.h"
#include "traffic_log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPFIX_MESSAGE_MAX 1400 /* fits every path, also with IPv6 and a tunnel */

struct ipfix_message {
	uint8_t data[IPFIX_MESSAGE_MAX];
	size_t len;	   /* 0 = nothing begun */
	size_t set;	   /* offset of the set being filled, 0 = none */
	uint16_t template; /* of that set */
	uint32_t records;  /* data records in it */
};

void ipfix_begin(struct ipfix_message *);
/* ipfix_templates: a message of its own with every template. */
void ipfix_templates(struct ipfix_message *);
/* ipfix_add: => false: it does not fit, finish and begin anew. */
bool ipfix_add(struct ipfix_message *, const struct traffic_log_record *, const struct log_time *);
/* The same of an address group that has nothing left (RFC 8158 natEvent 12, 3). */
bool ipfix_add_exhausted(struct ipfix_message *, const struct nat_alarm_event *, uint64_t wall_ms);
/* ipfix_finish: lengths and header; `sequence` counts the data records sent before this message. */
void ipfix_finish(struct ipfix_message *, uint64_t wall_ms, uint32_t sequence, uint32_t domain);
