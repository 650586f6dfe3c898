/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One table of fields says what a template and a record hold.  Numbers are IANA's IPFIX information
 * elements.
 */
#include "ipfix.h"

#include "check.h"

#include <rte_common.h>

#include <string.h>

#define VERSION	       10
#define HEADER_SIZE    16
#define SET_HEADER     4
#define TEMPLATE_SET   2
#define FIRST_TEMPLATE 256 /* + 2 x (event - 1) + (1 for IPv6) */

enum { IN_CREATE = 1, IN_DELETE = 2, IN_DENY = 4, IN_ALL = 7 };

/* RFC 5102, IANA registry; what `put` writes is `len` bytes long (addresses: by family). */
enum field_kind {
	F_TIME,
	F_EVENT,
	F_SRC,
	F_DST,
	F_SPORT,
	F_DPORT,
	F_PROTO,
	F_FLOW,
	F_START,
	F_END,
	F_REASON,
	F_PACKETS0,
	F_BYTES0,
	F_PACKETS1,
	F_BYTES1
};

static const struct {
	enum field_kind kind;
	uint16_t element, element6; /* element6: with IPv6, 0 = the same */
	uint8_t len, len6;
	uint8_t in;
} fields[] = {
	{ F_TIME, 323, 0, 8, 8, IN_ALL },  /* observationTimeMilliseconds */
	{ F_EVENT, 233, 0, 1, 1, IN_ALL }, /* firewallEvent */
	{ F_SRC, 8, 27, 4, 16, IN_ALL },   /* sourceIPv4Address, sourceIPv6Address */
	{ F_DST, 12, 28, 4, 16, IN_ALL },  /* destinationIPv4Address, ...IPv6Address */
	{ F_SPORT, 7, 0, 2, 2, IN_ALL },   /* sourceTransportPort */
	{ F_DPORT, 11, 0, 2, 2, IN_ALL },  /* destinationTransportPort */
	{ F_PROTO, 4, 0, 1, 1, IN_ALL },   /* protocolIdentifier */
	{ F_FLOW, 148, 0, 8, 8, IN_CREATE | IN_DELETE }, /* flowId */
	{ F_START, 152, 0, 8, 8, IN_DELETE },		 /* flowStartMilliseconds */
	{ F_END, 153, 0, 8, 8, IN_DELETE },		 /* flowEndMilliseconds */
	{ F_REASON, 136, 0, 1, 1, IN_DELETE },		 /* flowEndReason */
	{ F_PACKETS0, 298, 0, 8, 8, IN_DELETE },	 /* initiatorPackets */
	{ F_BYTES0, 231, 0, 8, 8, IN_DELETE },		 /* initiatorOctets */
	{ F_PACKETS1, 299, 0, 8, 8, IN_DELETE },	 /* responderPackets */
	{ F_BYTES1, 232, 0, 8, 8, IN_DELETE },		 /* responderOctets */
};

static void
put(uint8_t *at, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static void
append(struct ipfix_message *m, uint64_t value, size_t len)
{
	FW_ASSERT(m->len + len <= sizeof(m->data));
	put(m->data + m->len, value, len);
	m->len += len;
}

static unsigned int
event_bit(uint8_t event)
{
	return 1U << (event - TRAFFIC_LOG_CREATE);
}

static uint16_t
template_of(uint8_t event, uint8_t family)
{
	return (uint16_t)(FIRST_TEMPLATE + 2 * (event - TRAFFIC_LOG_CREATE) + (family == 6));
}

static size_t
record_size(uint8_t event, uint8_t family)
{
	size_t size = 0;

	for (unsigned int i = 0; i < RTE_DIM(fields); i++) {
		if (fields[i].in & event_bit(event))
			size += family == 6 ? fields[i].len6 : fields[i].len;
	}
	return size;
}

void
ipfix_begin(struct ipfix_message *m)
{
	m->len = HEADER_SIZE;
	m->set = 0;
	m->records = 0;
}

static void
end_set(struct ipfix_message *m)
{
	if (m->set != 0)
		put(m->data + m->set + 2, m->len - m->set, 2);
	m->set = 0;
}

static void
begin_set(struct ipfix_message *m, uint16_t id)
{
	end_set(m);
	m->set = m->len;
	m->template = id;
	append(m, id, 2);
	append(m, 0, 2);
}

void
ipfix_templates(struct ipfix_message *m)
{
	ipfix_begin(m);
	begin_set(m, TEMPLATE_SET);
	for (uint8_t event = TRAFFIC_LOG_CREATE; event <= TRAFFIC_LOG_DENY; event++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			const size_t count_at = m->len + 2;
			uint16_t count = 0;

			append(m, template_of(event, family), 2);
			append(m, 0, 2);
			for (unsigned int i = 0; i < RTE_DIM(fields); i++) {
				const bool other = family == 6 && fields[i].element6 != 0;

				if (!(fields[i].in & event_bit(event)))
					continue;
				append(m, other ? fields[i].element6 : fields[i].element, 2);
				append(m, family == 6 ? fields[i].len6 : fields[i].len, 2);
				count++;
			}
			put(m->data + count_at, count, 2);
		}
	}
}

/* firewallEvent: 1 created, 2 deleted, 3 denied: the same numbers as enum traffic_log_event. */
static_assert(TRAFFIC_LOG_CREATE == 1 && TRAFFIC_LOG_DELETE == 2 && TRAFFIC_LOG_DENY == 3, "");

/* flowEndReason: 1 idle timeout, 3 end of flow detected, 4 forced end. */
static uint8_t
end_reason(uint8_t end)
{
	if (end == TRAFFIC_LOG_END_IDLE)
		return 1;
	return end == TRAFFIC_LOG_END_CLOSED ? 3 : 4;
}

static uint64_t
number(enum field_kind kind, const struct traffic_log_record *r, const struct log_time *t)
{
	switch (kind) {
	case F_TIME:
	case F_END:
		return log_time_wall(t, r->at);
	case F_START:
		return log_time_wall(t, r->created);
	case F_EVENT:
		return r->event;
	case F_SPORT:
		return rte_be_to_cpu_16(r->sport);
	case F_DPORT:
		return rte_be_to_cpu_16(r->dport);
	case F_PROTO:
		return r->proto;
	case F_FLOW:
		return (uint64_t)r->generation << 32 | r->index;
	case F_REASON:
		return end_reason(r->end);
	case F_PACKETS0:
		return r->packets[0];
	case F_BYTES0:
		return r->bytes[0];
	case F_PACKETS1:
		return r->packets[1];
	case F_BYTES1:
		return r->bytes[1];
	case F_SRC:
	case F_DST:
		break;
	}
	return 0;
}

bool
ipfix_add(struct ipfix_message *m, const struct traffic_log_record *r, const struct log_time *t)
{
	const uint16_t id = template_of(r->event, r->family);
	const bool new_set = m->set == 0 || m->template != id;
	const size_t need = record_size(r->event, r->family) + (new_set ? SET_HEADER : 0);

	if (m->len + need > sizeof(m->data))
		return false;
	if (new_set)
		begin_set(m, id);
	for (unsigned int i = 0; i < RTE_DIM(fields); i++) {
		const size_t len = r->family == 6 ? fields[i].len6 : fields[i].len;

		if (!(fields[i].in & event_bit(r->event)))
			continue;
		if (fields[i].kind == F_SRC || fields[i].kind == F_DST) {
			/* Both members of the union begin at the same byte. */
			memcpy(m->data + m->len, fields[i].kind == F_SRC ? &r->src : &r->dst, len);
			m->len += len;
		} else {
			append(m, number(fields[i].kind, r, t), len);
		}
	}
	m->records++;
	return true;
}

void
ipfix_finish(struct ipfix_message *m, uint64_t wall_ms, uint32_t sequence, uint32_t domain)
{
	end_set(m);
	put(m->data, VERSION, 2);
	put(m->data + 2, m->len, 2);
	put(m->data + 4, wall_ms / 1000, 4);
	put(m->data + 8, sequence, 4);
	put(m->data + 12, domain, 4);
}
