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
#define FIRST_TEMPLATE 256   /* + 2 x enum record_kind + (1 for IPv6) */
#define VARIABLE       65535 /* length in a template: the record has it, RFC 7011 7 */

/* What a record tells; sessions that are translated say more. */
enum record_kind {
	RECORD_CREATE,
	RECORD_DELETE,
	RECORD_DENY,
	RECORD_NAT_CREATE,
	RECORD_NAT_DELETE,
	RECORD_EXHAUSTED, /* IPv4 only */
	RECORD_KINDS
};

/* natEvent of a group that has nothing left: which of the two. */
enum { NAT_EVENT_ADDRESSES = 3, NAT_EVENT_PORTS = 12 };

/* Sets of them. */
#define IN(kind)   (1U << RECORD_##kind)
#define IN_NAT	   (IN(NAT_CREATE) | IN(NAT_DELETE))
#define IN_DELETED (IN(DELETE) | IN(NAT_DELETE))
#define IN_SESSION (IN(CREATE) | IN(DELETE) | IN_NAT)
#define IN_FLOW	   (IN_SESSION | IN(DENY))

/* RFC 5102, RFC 8158, IANA registry; what `put` writes is `len` bytes long (addresses: by family;
 * 0: as long as its text). */
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
	F_BYTES1,
	F_NAT_EVENT,
	F_NAT_SRC,
	F_NAT_DST,
	F_NAT_SPORT,
	F_NAT_DPORT,
	F_POOL,
	F_POOL_NAME
};

static const struct {
	enum field_kind kind;
	uint16_t element, element6; /* element6: with IPv6, 0 = the same */
	uint8_t len, len6;
	uint8_t in;
} fields[] = {
	{ F_TIME, 323, 0, 8, 8, IN_FLOW | IN(EXHAUSTED) }, /* observationTimeMilliseconds */
	{ F_EVENT, 233, 0, 1, 1, IN_FLOW },		   /* firewallEvent */
	{ F_SRC, 8, 27, 4, 16, IN_FLOW },	  /* sourceIPv4Address, sourceIPv6Address */
	{ F_DST, 12, 28, 4, 16, IN_FLOW },	  /* destinationIPv4Address, ...IPv6Address */
	{ F_SPORT, 7, 0, 2, 2, IN_FLOW },	  /* sourceTransportPort */
	{ F_DPORT, 11, 0, 2, 2, IN_FLOW },	  /* destinationTransportPort */
	{ F_PROTO, 4, 0, 1, 1, IN_FLOW },	  /* protocolIdentifier */
	{ F_FLOW, 148, 0, 8, 8, IN_SESSION },	  /* flowId */
	{ F_START, 152, 0, 8, 8, IN_DELETED },	  /* flowStartMilliseconds */
	{ F_END, 153, 0, 8, 8, IN_DELETED },	  /* flowEndMilliseconds */
	{ F_REASON, 136, 0, 1, 1, IN_DELETED },	  /* flowEndReason */
	{ F_PACKETS0, 298, 0, 8, 8, IN_DELETED }, /* initiatorPackets */
	{ F_BYTES0, 231, 0, 8, 8, IN_DELETED },	  /* initiatorOctets */
	{ F_PACKETS1, 299, 0, 8, 8, IN_DELETED }, /* responderPackets */
	{ F_BYTES1, 232, 0, 8, 8, IN_DELETED },	  /* responderOctets */
	{ F_NAT_EVENT, 230, 0, 1, 1, IN_NAT | IN(EXHAUSTED) }, /* natEvent */
	{ F_NAT_SRC, 225, 0, 4, 4, IN_NAT },		       /* postNATSourceIPv4Address */
	{ F_NAT_DST, 226, 0, 4, 4, IN_NAT },		       /* postNATDestinationIPv4Address */
	{ F_NAT_SPORT, 227, 0, 2, 2, IN_NAT },		       /* postNAPTSourceTransportPort */
	{ F_NAT_DPORT, 228, 0, 2, 2, IN_NAT },	      /* postNAPTDestinationTransportPort */
	{ F_POOL, 283, 0, 4, 4, IN(EXHAUSTED) },      /* natPoolID */
	{ F_POOL_NAME, 284, 0, 0, 0, IN(EXHAUSTED) }, /* natPoolName */
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

static enum record_kind
kind_of(const struct traffic_log_record *r)
{
	switch (r->event) {
	case TRAFFIC_LOG_CREATE:
		return r->nat_src != 0 ? RECORD_NAT_CREATE : RECORD_CREATE;
	case TRAFFIC_LOG_DELETE:
		return r->nat_src != 0 ? RECORD_NAT_DELETE : RECORD_DELETE;
	default:
		return RECORD_DENY;
	}
}

static uint16_t
template_of(enum record_kind kind, uint8_t family)
{
	return (uint16_t)(FIRST_TEMPLATE + 2 * kind + (family == 6));
}

/* Of what is as long in every record. */
static size_t
record_size(enum record_kind kind, uint8_t family)
{
	size_t size = 0;

	for (unsigned int i = 0; i < RTE_DIM(fields); i++) {
		if (fields[i].in & 1U << kind)
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

static void
add_template(struct ipfix_message *m, enum record_kind kind, uint8_t family)
{
	const size_t count_at = m->len + 2;
	uint16_t count = 0;

	append(m, template_of(kind, family), 2);
	append(m, 0, 2);
	for (unsigned int i = 0; i < RTE_DIM(fields); i++) {
		const bool other = family == 6 && fields[i].element6 != 0;
		const uint8_t len = family == 6 ? fields[i].len6 : fields[i].len;

		if (!(fields[i].in & 1U << kind))
			continue;
		append(m, other ? fields[i].element6 : fields[i].element, 2);
		append(m, len != 0 ? len : VARIABLE, 2);
		count++;
	}
	put(m->data + count_at, count, 2);
}

void
ipfix_templates(struct ipfix_message *m)
{
	ipfix_begin(m);
	begin_set(m, TEMPLATE_SET);
	for (unsigned int kind = 0; kind < RECORD_KINDS; kind++) {
		add_template(m, (enum record_kind)kind, 4);
		if (kind != RECORD_EXHAUSTED)
			add_template(m, (enum record_kind)kind, 6);
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

/* natEvent: NAT44 session create 4, delete 5; NAT64 6, 7. */
static uint8_t
nat_event(const struct traffic_log_record *r)
{
	return (uint8_t)((r->family == 6 ? 6 : 4) + (r->event == TRAFFIC_LOG_DELETE));
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
	case F_NAT_EVENT:
		return nat_event(r);
	case F_NAT_SRC:
		return rte_be_to_cpu_32(r->nat_src);
	case F_NAT_DST:
		return rte_be_to_cpu_32(r->nat_dst);
	case F_NAT_SPORT:
		return rte_be_to_cpu_16(r->nat_sport);
	case F_NAT_DPORT:
		return rte_be_to_cpu_16(r->nat_dport);
	case F_SRC:
	case F_DST:
	case F_POOL:
	case F_POOL_NAME:
		break;
	}
	return 0;
}

/* Room for a record of `size` bytes, in its set. => false: it does not fit. */
static bool
make_room(struct ipfix_message *m, uint16_t id, size_t size)
{
	const bool new_set = m->set == 0 || m->template != id;

	if (m->len + size + (new_set ? SET_HEADER : 0) > sizeof(m->data))
		return false;
	if (new_set)
		begin_set(m, id);
	m->records++;
	return true;
}

bool
ipfix_add(struct ipfix_message *m, const struct traffic_log_record *r, const struct log_time *t)
{
	const enum record_kind kind = kind_of(r);

	if (!make_room(m, template_of(kind, r->family), record_size(kind, r->family)))
		return false;
	for (unsigned int i = 0; i < RTE_DIM(fields); i++) {
		const size_t len = r->family == 6 ? fields[i].len6 : fields[i].len;

		if (!(fields[i].in & 1U << kind))
			continue;
		if (fields[i].kind == F_SRC || fields[i].kind == F_DST) {
			/* Both members of the union begin at the same byte. */
			memcpy(m->data + m->len, fields[i].kind == F_SRC ? &r->src : &r->dst, len);
			m->len += len;
		} else {
			append(m, number(fields[i].kind, r, t), len);
		}
	}
	return true;
}

bool
ipfix_add_exhausted(struct ipfix_message *m, const struct nat_alarm_event *e, uint64_t wall_ms)
{
	const size_t name = strnlen(e->group, 254); /* 255: longer lengths begin so */

	if (!make_room(m, template_of(RECORD_EXHAUSTED, 4),
		    record_size(RECORD_EXHAUSTED, 4) + 1 + name))
		return false;
	/* In the order of the fields. */
	append(m, wall_ms, 8);
	append(m, e->no_pat ? NAT_EVENT_ADDRESSES : NAT_EVENT_PORTS, 1);
	append(m, e->id, 4);
	append(m, name, 1);
	memcpy(m->data + m->len, e->group, name);
	m->len += name;
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
