/* SPDX-License-Identifier: BSD-3-Clause */
#include "log_export.h"

#include "ipfix.h"
#include "log.h"
#include "syslog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 16

const char *const log_output_names[LOG_OUTPUTS] = { "syslog", "ipfix" };

/* Where records go: a connected UDP socket and a budget that fills with time. */
struct output {
	char address[48]; /* as configured, "" = off */
	uint16_t port;
	int fd;		 /* -1: off or not open */
	uint32_t rate;	 /* records/s, and the most that can be saved up */
	uint64_t budget; /* records x 1000 */
	mono_t filled;	 /* when it was filled last */
	mono_t retry;	 /* open again then */
	struct log_export_status status;
	struct log_limit limit;
};

struct log_export {
	char box[32];
	struct output outputs[LOG_OUTPUTS];
	unsigned int facility;
	uint32_t domain, sequence;
	uint64_t template_ms;
	mono_t next_template;
	struct ipfix_message message; /* being filled; empty between two polls */
};

static void
fail(struct output *o, enum log_output kind, uint32_t records, mono_t now)
{
	const bool news = o->status.error != errno;

	o->status.error = errno;
	o->status.failed += records;
	if (news && log_allowed(&o->limit, now.ns))
		LOG(WARNING, "log: %s to %s: %s", log_output_names[kind], o->status.target,
			strerror(errno));
}

static int
connect_udp(const char *address, uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	const bool is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
	const void *to = is_six ? (const void *)&six : (const void *)&four;
	int fd, error;

	if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, to, is_six ? sizeof(six) : sizeof(four)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void
set_output(struct output *o, const char *address, int64_t port, int64_t rate)
{
	const bool moved = strcmp(o->address, address) != 0 || o->port != port;

	o->rate = (uint32_t)rate;
	o->budget = o->budget > (uint64_t)rate * 1000 ? (uint64_t)rate * 1000 : o->budget;
	if (!moved)
		return;
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	snprintf(o->address, sizeof(o->address), "%s", address);
	o->port = (uint16_t)port;
	o->budget = (uint64_t)rate * 1000;
	o->retry = (mono_t){ 0 };
	o->status.on = address[0] != '\0';
	o->status.error = 0;
	o->status.target[0] = '\0';
	if (o->status.on)
		snprintf(o->status.target, sizeof(o->status.target),
			strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, o->port);
}

void
log_export_configure(struct log_export *x, const struct config_log *c)
{
	set_output(
		&x->outputs[LOG_OUTPUT_SYSLOG], c->syslog.server, c->syslog.port, c->syslog.rate);
	set_output(&x->outputs[LOG_OUTPUT_IPFIX], c->ipfix.collector, c->ipfix.port, c->ipfix.rate);
	x->facility = (unsigned int)c->syslog.facility;
	x->domain = (uint32_t)c->ipfix.domain;
	x->template_ms = (uint64_t)c->ipfix.template_s * 1000;
	x->next_template = (mono_t){ 0 };
}

struct log_export *
log_export_create(const char *box)
{
	struct log_export *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	snprintf(x->box, sizeof(x->box), "%s", box);
	for (unsigned int i = 0; i < LOG_OUTPUTS; i++)
		x->outputs[i].fd = -1;
	return x;
}

void
log_export_destroy(struct log_export *x)
{
	if (x == NULL)
		return;
	for (unsigned int i = 0; i < LOG_OUTPUTS; i++) {
		if (x->outputs[i].fd >= 0)
			close(x->outputs[i].fd);
	}
	free(x);
}

/* Is there a socket?  One that could not be opened is tried again each second. */
static bool
ready(struct output *o, enum log_output kind, mono_t now)
{
	if (!o->status.on)
		return false;
	if (o->fd >= 0)
		return true;
	if (mono_before(now, o->retry))
		return false;
	o->retry = mono_add_ms(now, 1000);
	o->fd = connect_udp(o->address, o->port);
	if (o->fd < 0)
		fail(o, kind, 0, now);
	else
		o->status.error = 0;
	return o->fd >= 0;
}

static void
fill_budget(struct output *o, mono_t now)
{
	const uint64_t ms = mono_since_ms(now, o->filled);
	const uint64_t most = (uint64_t)o->rate * 1000;

	o->filled = now;
	o->budget += (ms > 1000 ? 1000 : ms) * o->rate;
	if (o->budget > most)
		o->budget = most;
}

static bool
spend(struct output *o)
{
	if (o->budget < 1000) {
		o->status.suppressed++;
		return false;
	}
	o->budget -= 1000;
	return true;
}

static void
transmit(struct output *o, enum log_output kind, const void *data, size_t len, uint32_t records,
	mono_t now)
{
	ssize_t n = send(o->fd, data, len, 0);

	/* A refusal of an earlier datagram (ICMP) is told once and clears itself. */
	if (n < 0 && errno == ECONNREFUSED)
		n = send(o->fd, data, len, 0);
	if (n < 0) {
		fail(o, kind, records, now);
		return;
	}
	o->status.messages++;
	o->status.sent += records;
	o->status.error = 0;
}

static void
flush_ipfix(struct log_export *x, const struct log_time *time, mono_t now)
{
	const uint32_t records = x->message.records;

	if (x->message.len == 0 || records == 0)
		return;
	ipfix_finish(&x->message, time->wall_ms, x->sequence, x->domain);
	x->sequence += records;
	transmit(&x->outputs[LOG_OUTPUT_IPFIX], LOG_OUTPUT_IPFIX, x->message.data, x->message.len,
		records, now);
	x->message.len = 0;
}

static void
send_templates(struct log_export *x, const struct log_time *time, mono_t now)
{
	struct ipfix_message m;

	if (mono_before(now, x->next_template))
		return;
	x->next_template = mono_add_ms(now, x->template_ms);
	ipfix_templates(&m);
	ipfix_finish(&m, time->wall_ms, x->sequence, x->domain);
	transmit(&x->outputs[LOG_OUTPUT_IPFIX], LOG_OUTPUT_IPFIX, m.data, m.len, 0, now);
}

static void
to_ipfix(struct log_export *x, const struct traffic_log_record *r, const struct log_time *time,
	mono_t now)
{
	if (!spend(&x->outputs[LOG_OUTPUT_IPFIX]))
		return;
	if (x->message.len == 0)
		ipfix_begin(&x->message);
	if (ipfix_add(&x->message, r, time))
		return;
	flush_ipfix(x, time, now);
	ipfix_begin(&x->message);
	(void)ipfix_add(&x->message, r, time);
}

static struct syslog_source
source_of(const struct log_export *x)
{
	return (struct syslog_source){
		.facility = x->facility, .host = x->box, .pid = (int)getpid()
	};
}

static void
to_syslog(struct log_export *x, const struct snapshot *s, const struct traffic_log_record *r,
	const struct log_time *time, mono_t now)
{
	struct output *o = &x->outputs[LOG_OUTPUT_SYSLOG];
	const struct syslog_source source = source_of(x);
	char line[SYSLOG_LINE_MAX];

	if (spend(o))
		transmit(o, LOG_OUTPUT_SYSLOG, line,
			syslog_line(line, sizeof(line), &source, s, r, time), 1, now);
}

static struct log_time
time_of(mono_t now)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct log_time){
		.wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000,
		.engine_s = mono_seconds(now),
	};
}

uint32_t
log_export_poll(struct log_export *x, struct engine *e, mono_t now, uint32_t max)
{
	struct traffic_log_record records[BATCH];
	const struct snapshot *s = engine_snapshot(e);
	const struct log_time time = time_of(now);
	bool on[LOG_OUTPUTS];
	uint32_t taken = 0;

	for (unsigned int i = 0; i < LOG_OUTPUTS; i++) {
		on[i] = ready(&x->outputs[i], (enum log_output)i, now);
		fill_budget(&x->outputs[i], now);
	}
	if (on[LOG_OUTPUT_IPFIX])
		send_templates(x, &time, now);
	for (uint16_t w = 0; w < engine_worker_count(e); w++) {
		uint32_t n = BATCH;

		for (uint32_t left = max; left > 0 && n == BATCH; left -= n) {
			n = engine_log_dequeue(e, w, records, left < BATCH ? left : BATCH);
			for (uint32_t i = 0; i < n; i++) {
				if (on[LOG_OUTPUT_SYSLOG])
					to_syslog(x, s, &records[i], &time, now);
				if (on[LOG_OUTPUT_IPFIX])
					to_ipfix(x, &records[i], &time, now);
			}
			for (unsigned int i = 0; i < LOG_OUTPUTS; i++) {
				if (!on[i] && x->outputs[i].status.on)
					x->outputs[i].status.failed += n;
			}
			taken += n;
		}
	}
	flush_ipfix(x, &time, now);
	return taken;
}

/* => is there an output, and is it within its rate? */
static bool
wanted(struct log_export *x, enum log_output kind, mono_t now)
{
	struct output *o = &x->outputs[kind];

	if (!ready(o, kind, now)) {
		o->status.failed += o->status.on;
		return false;
	}
	fill_budget(o, now);
	return spend(o);
}

void
log_export_exhausted(struct log_export *x, const struct nat_alarm_event *e, mono_t now)
{
	const struct syslog_source source = source_of(x);
	const struct log_time time = time_of(now);
	char line[SYSLOG_LINE_MAX];

	if (wanted(x, LOG_OUTPUT_SYSLOG, now))
		transmit(&x->outputs[LOG_OUTPUT_SYSLOG], LOG_OUTPUT_SYSLOG, line,
			syslog_exhausted(line, sizeof(line), &source, e, time.wall_ms), 1, now);
	if (!wanted(x, LOG_OUTPUT_IPFIX, now))
		return;
	send_templates(x, &time, now);
	ipfix_begin(&x->message); /* empty between two polls */
	(void)ipfix_add_exhausted(&x->message, e, time.wall_ms);
	flush_ipfix(x, &time, now);
}

void
log_export_status(const struct log_export *x, enum log_output kind, struct log_export_status *st)
{
	*st = x->outputs[kind].status;
}
