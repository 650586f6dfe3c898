/* SPDX-License-Identifier: BSD-3-Clause */
#include "syslog.h"

#include "policy.h"
#include "row.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { SEVERITY_WARNING = 4, SEVERITY_NOTICE = 5, SEVERITY_INFO = 6 };

static const char *const message_ids[] = { [TRAFFIC_LOG_CREATE] = "SESSION-CREATE",
	[TRAFFIC_LOG_DELETE] = "SESSION-DELETE",
	[TRAFFIC_LOG_DENY] = "POLICY-DENY" };

static const char *const end_words[] = { [0] = "",
	[TRAFFIC_LOG_END_IDLE] = "idle",
	[TRAFFIC_LOG_END_CLOSED] = "closed",
	[TRAFFIC_LOG_END_FORCED] = "forced",
	[TRAFFIC_LOG_END_POLICY] = "policy" };

struct text {
	char *out;
	size_t size, used;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->out + t->used, t->size - t->used, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used += (size_t)n < t->size - t->used ? (size_t)n : t->size - t->used - 1;
}

/* "2026-11-27T04:30:00.123Z" */
static void
put_time(struct text *t, uint64_t wall_ms)
{
	const time_t second = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[24];

	gmtime_r(&second, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	put(t, "%s.%03uZ", text, (unsigned int)(wall_ms % 1000));
}

static void
put_protocol(struct text *t, uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		put(t, "tcp");
		break;
	case IPPROTO_UDP:
		put(t, "udp");
		break;
	case IPPROTO_ICMP:
		put(t, "icmp");
		break;
	case IPPROTO_ICMPV6:
		put(t, "icmpv6");
		break;
	default:
		put(t, "%u", proto);
		break;
	}
}

static void
put_tuple(struct text *t, const struct traffic_log_record *r)
{
	const int family = r->family == 6 ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(family, &r->src, src, sizeof(src));
	inet_ntop(family, &r->dst, dst, sizeof(dst));
	put(t, "proto=");
	put_protocol(t, r->proto);
	put(t, " src=%s sport=%u dst=%s dport=%u", src, rte_be_to_cpu_16(r->sport), dst,
		rte_be_to_cpu_16(r->dport));
}

/* What a translated session is outside. */
static void
put_outside(struct text *t, const struct traffic_log_record *r)
{
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &r->nat_src, src, sizeof(src));
	inet_ntop(AF_INET, &r->nat_dst, dst, sizeof(dst));
	put(t, " nat-src=%s nat-sport=%u nat-dst=%s nat-dport=%u", src,
		rte_be_to_cpu_16(r->nat_sport), dst, rte_be_to_cpu_16(r->nat_dport));
}

static const char *
rule_name(const struct snapshot *s, uint32_t id)
{
	const uint16_t slot = id != 0 && s != NULL ? policy_slot_of(s->policy, id) : 0;

	if (id == 0)
		return "default";
	/* A rule that is gone since. */
	return slot != 0 ? policy_rule_name(s->policy, slot) : "unknown";
}

/* RFC 5424 6.2, without structured data: the text follows. */
static void
put_head(struct text *t, const struct syslog_source *source, unsigned int severity,
	uint64_t wall_ms, const char *message_id)
{
	put(t, "<%u>1 ", source->facility * 8 + severity);
	put_time(t, wall_ms);
	put(t, " %s twinwalld %d %s - ", source->host, source->pid, message_id);
}

size_t
syslog_line(char *out, size_t size, const struct syslog_source *source, const struct snapshot *s,
	const struct traffic_log_record *r, const struct log_time *time)
{
	struct text t = { .out = out, .size = size };
	const unsigned int severity =
		r->event == TRAFFIC_LOG_DENY ? SEVERITY_NOTICE : SEVERITY_INFO;

	put_head(&t, source, severity, log_time_wall(time, r->at), message_ids[r->event]);
	put_tuple(&t, r);
	if (r->nat_src != 0)
		put_outside(&t, r);
	put(&t, " source-zone=%s destination-zone=%s rule=%s", row_zone(s, r->zone[0]),
		row_zone(s, r->zone[1]), rule_name(s, r->policy));
	if (r->event == TRAFFIC_LOG_DELETE)
		put(&t,
			" end=%s duration=%u sent-packets=%" PRIu64 " sent-bytes=%" PRIu64
			" received-packets=%" PRIu64 " received-bytes=%" PRIu64,
			end_words[r->end], r->at - r->created, r->packets[0], r->bytes[0],
			r->packets[1], r->bytes[1]);
	return t.used;
}

size_t
syslog_exhausted(char *out, size_t size, const struct syslog_source *source,
	const struct nat_alarm_event *e, uint64_t wall_ms)
{
	struct text t = { .out = out, .size = size };

	put_head(&t, source, SEVERITY_WARNING, wall_ms, "NAT-EXHAUSTED");
	/* Groups of interfaces have a blank in their names. */
	put(&t, "group=\"%s\" missing=%s refused=%" PRIu64, e->group,
		e->no_pat ? "addresses" : "ports", e->refused);
	return t.used;
}
