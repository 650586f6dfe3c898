/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The traffic log on its way out: real records of an engine, real UDP sockets, a fake clock for the
 * rates.
 */
#include "engine_box.h"
#include "log_export.h"
#include "syslog.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct engine_box *box;
	struct log_export *x;
	struct config_log config;
	int fd; /* the server's socket */
};

static int
server(struct fixture *f, bool six)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = six ? sizeof(a6) : sizeof(a4);
	struct sockaddr *a = six ? (void *)&a6 : (void *)&a4;

	f->fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(f->fd >= 0);
	assert_int_equal(bind(f->fd, a, len), 0);
	assert_int_equal(getsockname(f->fd, a, &len), 0);
	return ntohs(six ? a6.sin6_port : a4.sin_port);
}

static int
setup(void **state)
{
	const struct engine_box_params params = { .name = "lg",
		.number = 1,
		.workers = 1,
		.sessions = 8192,
		.buffers = 8191,
		.ring = 8192,
		.event_ring = 256 };
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->box = engine_box_create(&params);
	f->box->log_sessions = f->box->log_denied = TRAFFIC_LOG_ALL;
	engine_box_publish(f->box);
	f->x = log_export_create("FW1");
	f->fd = -1;
	f->config = (struct config_log){ .syslog = { .rate = 1000, .facility = 16, .port = 514 },
		.ipfix = { .rate = 1000, .domain = 5, .template_s = 60, .port = 4739 } };
	*state = f;
	return f->x != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	log_export_destroy(f->x);
	engine_box_destroy(f->box);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
	return 0;
}

/* One UDP packet of a flow of its own. */
static void
open_flow(struct fixture *f, uint16_t sport)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(f->box->pool);
	const struct rte_ether_addr from = engine_box_host_mac(RTE_BE32(BOX_IPV4(10, 1, 1, 10)));
	struct {
		struct rte_ether_hdr eth;
		struct rte_ipv4_hdr ip;
		struct rte_udp_hdr udp;
	} frame = { .eth = { .ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4) },
		.ip = { .version_ihl = 0x45,
			.total_length = RTE_BE16(28),
			.time_to_live = 64,
			.next_proto_id = IPPROTO_UDP,
			.src_addr = RTE_BE32(BOX_IPV4(10, 1, 1, 10)),
			.dst_addr = RTE_BE32(BOX_IPV4(200, 1, 1, 10)) },
		.udp = { .dst_port = RTE_BE16(53), .dgram_len = RTE_BE16(8) } };

	assert_non_null(m);
	static_assert(sizeof(frame) == 42, "no holes");
	frame.eth.dst_addr = f->box->ports[BOX_TRUST].mac;
	frame.eth.src_addr = from;
	frame.udp.src_port = rte_cpu_to_be_16(sport);
	frame.ip.hdr_checksum = rte_ipv4_cksum(&frame.ip);
	memcpy(rte_pktmbuf_append(m, sizeof(frame)), &frame, sizeof(frame));
	assert_true(engine_box_feed(f->box, BOX_TRUST, 0, m));
}

static void
forward(struct fixture *f)
{
	struct rte_mbuf *m;

	engine_box_poll(f->box);
	while ((m = engine_box_collect(f->box, BOX_UNTRUST)) != NULL)
		rte_pktmbuf_free(m);
}

static uint32_t
poll_log(struct fixture *f)
{
	return log_export_poll(f->x, f->box->engine, f->box->now, 4096);
}

static struct log_export_status
status(const struct fixture *f, enum log_output kind)
{
	struct log_export_status st;

	log_export_status(f->x, kind, &st);
	return st;
}

static ssize_t
receive(const struct fixture *f, char *out, size_t size)
{
	const ssize_t n = recv(f->fd, out, size - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	return n;
}

static void
a_session_becomes_a_syslog_line(void **state)
{
	struct fixture *f = *state;
	char line[1024], expected[256];
	const char *rest;

	strcpy(f->config.syslog.server, "127.0.0.1");
	f->config.syslog.port = server(f, false);
	log_export_configure(f->x, &f->config);
	open_flow(f, 40000);
	forward(f);
	assert_int_equal(poll_log(f), 1);
	assert_true(receive(f, line, sizeof(line)) > 0);
	/* RFC 5424: PRI = 16 * 8 + 6, version, time, host, application, process, message id */
	snprintf(expected, sizeof(expected), " FW1 twinwalld %d SESSION-CREATE - ", (int)getpid());
	assert_memory_equal(line, "<134>1 20", 9);
	rest = strchr(line + 7, ' ');
	assert_non_null(rest);
	assert_int_equal(rest - line, strlen("<134>1 2026-11-27T04:30:00.123Z"));
	assert_memory_equal(rest, expected, strlen(expected));
	assert_string_equal(rest + strlen(expected),
		"proto=udp src=10.1.1.10 sport=40000 dst=200.1.1.10 dport=53 source-zone=trust "
		"destination-zone=untrust rule=out");
	assert_int_equal(receive(f, line, sizeof(line)), -1);
	engine_box_wait(f->box, 40000);
	assert_int_equal(poll_log(f), 1);
	assert_true(receive(f, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, " SESSION-DELETE - proto=udp src=10.1.1.10 sport=40000 "));
	assert_non_null(strstr(line, " rule=out end=idle duration=3"));
	assert_non_null(strstr(line, " sent-packets=1 sent-bytes=28 received-packets=0 "
				     "received-bytes=0"));
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).sent, 2);
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).messages, 2);
}

static void
templates_go_first_and_again(void **state)
{
	struct fixture *f = *state;
	char data[2048];

	strcpy(f->config.ipfix.collector, "::1");
	f->config.ipfix.port = server(f, true);
	log_export_configure(f->x, &f->config);
	assert_string_equal(status(f, LOG_OUTPUT_IPFIX).target[0] == '[' ? "[" : "", "[");
	open_flow(f, 40000);
	open_flow(f, 40001);
	forward(f);
	assert_int_equal(poll_log(f), 2);
	assert_true(receive(f, data, sizeof(data)) > 16);
	assert_int_equal(data[17], 2); /* template set, sequence 0 */
	assert_int_equal(data[11], 0);
	assert_true(receive(f, data, sizeof(data)) > 16);
	assert_int_equal(data[16], 1); /* template 256: two records in one message */
	assert_int_equal(data[11], 0);
	assert_int_equal(receive(f, data, sizeof(data)), -1);
	open_flow(f, 40002);
	forward(f);
	assert_int_equal(poll_log(f), 1);
	assert_true(receive(f, data, sizeof(data)) > 16);
	assert_int_equal(data[11], 2); /* two records went before */
	assert_int_equal(status(f, LOG_OUTPUT_IPFIX).sent, 3);
	f->box->now = mono_add_ms(f->box->now, 61000);
	poll_log(f);
	assert_true(receive(f, data, sizeof(data)) > 16);
	assert_int_equal(data[17], 2);
	assert_int_equal(data[11], 3);
}

static void
the_rate_bounds_what_is_sent_and_the_rest_is_counted(void **state)
{
	struct fixture *f = *state;
	char line[1024];

	strcpy(f->config.syslog.server, "127.0.0.1");
	f->config.syslog.port = server(f, false);
	f->config.syslog.rate = 10;
	log_export_configure(f->x, &f->config);
	for (uint16_t i = 0; i < 25; i++)
		open_flow(f, (uint16_t)(40000 + i));
	forward(f);
	assert_int_equal(poll_log(f), 25);
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).sent, 10);
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).suppressed, 15);
	/* 300 ms later there is room for three more. */
	f->box->now = mono_add_ms(f->box->now, 300);
	for (uint16_t i = 0; i < 5; i++)
		open_flow(f, (uint16_t)(41000 + i));
	forward(f);
	assert_int_equal(poll_log(f), 5);
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).sent, 13);
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).suppressed, 17);
	for (unsigned int i = 0; i < 13; i++)
		assert_true(receive(f, line, sizeof(line)) > 0);
	assert_int_equal(receive(f, line, sizeof(line)), -1);
}

static void
a_full_ring_costs_records_and_no_packet(void **state)
{
	struct fixture *f = *state;
	struct worker_stats st;

	for (uint16_t i = 0; i < 5000; i++)
		open_flow(f, (uint16_t)(10000 + i));
	forward(f);
	engine_stats(f->box->engine, &st);
	assert_int_equal(st.forwarded, 5000);
	assert_int_equal(st.log_lost, 5000 - 4095);
	assert_int_equal(poll_log(f), 4095);
}

/* Nobody listens: the kernel says so by ICMP; nothing blocks, and what failed is counted. */
static void
an_absent_server_is_an_error_in_the_status_only(void **state)
{
	struct fixture *f = *state;
	struct log_export_status st;

	strcpy(f->config.syslog.server, "127.0.0.1");
	f->config.syslog.port = server(f, false);
	close(f->fd);
	f->fd = -1;
	log_export_configure(f->x, &f->config);
	for (uint16_t i = 0; i < 20; i++)
		open_flow(f, (uint16_t)(40000 + i));
	forward(f);
	assert_int_equal(poll_log(f), 20);
	st = status(f, LOG_OUTPUT_SYSLOG);
	assert_int_equal(st.sent + st.failed, 20);
	assert_int_equal(st.suppressed, 0);
}

static void
a_reload_moves_the_target_and_keeps_the_counters(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	int first;

	strcpy(f->config.syslog.server, "127.0.0.1");
	f->config.syslog.port = server(f, false);
	log_export_configure(f->x, &f->config);
	first = f->fd;
	f->config.syslog.port = server(f, false);
	log_export_configure(f->x, &f->config);
	open_flow(f, 40000);
	forward(f);
	assert_int_equal(poll_log(f), 1);
	assert_true(receive(f, line, sizeof(line)) > 0);
	assert_int_equal(recv(first, line, sizeof(line), 0), -1);
	close(first);
	f->config.syslog.server[0] = '\0';
	log_export_configure(f->x, &f->config);
	open_flow(f, 40001);
	forward(f);
	assert_int_equal(poll_log(f), 1);
	assert_false(status(f, LOG_OUTPUT_SYSLOG).on);
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).sent, 1);
}

static void
a_translated_session_says_what_it_is_outside(void **state)
{
	const struct syslog_source source = { .facility = 16, .host = "box", .pid = 1 };
	const struct traffic_log_record r = { .event = TRAFFIC_LOG_CREATE,
		.family = 4,
		.proto = 17,
		.src.v4 = RTE_BE32(0x0a01010a),
		.sport = RTE_BE16(5000),
		.dst.v4 = RTE_BE32(0xc8010178),
		.dport = RTE_BE16(53),
		.nat_src = RTE_BE32(0xc8010164),
		.nat_sport = RTE_BE16(1024),
		.nat_dst = RTE_BE32(0xc801010a),
		.nat_dport = RTE_BE16(5353) };
	const struct log_time now = { .wall_ms = 1, .engine_s = 0 };
	char line[SYSLOG_LINE_MAX];

	(void)state;
	syslog_line(line, sizeof(line), &source, NULL, &r, &now);
	assert_string_equal(line,
		"<134>1 1970-01-01T00:00:00.001Z box twinwalld 1 SESSION-CREATE - proto=udp "
		"src=10.1.1.10 sport=5000 dst=200.1.1.120 dport=53 nat-src=200.1.1.100 "
		"nat-sport=1024 nat-dst=200.1.1.10 nat-dport=5353 source-zone= destination-zone= "
		"rule=default");
}

static void
NAT_05_an_exhausted_group_is_told_to_both(void **state)
{
	struct fixture *f = *state;
	const struct nat_alarm_event e = {
		.group = "easy-ip wan", .id = 5, .no_pat = false, .refused = 3
	};
	char text[2048];
	ssize_t n;
	int ipfix;

	log_export_exhausted(f->x, &e, f->box->now); /* nobody listens */
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).failed, 0);
	strcpy(f->config.ipfix.collector, "127.0.0.1");
	f->config.ipfix.port = server(f, false);
	ipfix = f->fd;
	strcpy(f->config.syslog.server, "127.0.0.1");
	f->config.syslog.port = server(f, false);
	f->config.syslog.rate = 1;
	log_export_configure(f->x, &f->config);
	log_export_exhausted(f->x, &e, f->box->now);
	log_export_exhausted(f->x, &e, f->box->now);
	assert_true(receive(f, text, sizeof(text)) > 0);
	assert_memory_equal(text, "<132>1 20", 9);
	assert_non_null(
		strstr(text, " NAT-EXHAUSTED - group=\"easy-ip wan\" missing=ports refused=3"));
	assert_int_equal(receive(f, text, sizeof(text)), -1);
	assert_int_equal(status(f, LOG_OUTPUT_SYSLOG).suppressed, 1);
	assert_int_equal(recv(ipfix, text, sizeof(text), 0) > 0, 1);
	assert_int_equal(text[17], 2); /* templates */
	for (unsigned int i = 0; i < 2; i++) {
		n = recv(ipfix, text, sizeof(text), 0);
		assert_true(n > 12);
		assert_int_equal(text[11], i);
		assert_memory_equal(text + n - 12, "\013easy-ip wan", 12);
	}
	assert_int_equal(status(f, LOG_OUTPUT_IPFIX).sent, 2);
	close(ipfix);
}

static void
lines_are_cut_at_their_bound(void **state)
{
	const struct syslog_source source = { .facility = 23, .host = "box", .pid = 1 };
	const struct traffic_log_record r = { .event = TRAFFIC_LOG_DENY, .family = 6, .proto = 58 };
	const struct log_time now = { .wall_ms = 1, .engine_s = 0 };
	char line[SYSLOG_LINE_MAX];

	(void)state;
	for (size_t size = 1; size < 200; size++) {
		memset(line, 'x', sizeof(line));
		assert_true(syslog_line(line, size, &source, NULL, &r, &now) < size);
		assert_int_equal(line[size], 'x');
	}
	syslog_line(line, sizeof(line), &source, NULL, &r, &now);
	assert_string_equal(line,
		"<189>1 1970-01-01T00:00:00.001Z box twinwalld 1 POLICY-DENY - proto=icmpv6 src=:: "
		"sport=0 dst=:: dport=0 source-zone= destination-zone= rule=default");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(a_session_becomes_a_syslog_line),
		CASE(templates_go_first_and_again),
		CASE(the_rate_bounds_what_is_sent_and_the_rest_is_counted),
		CASE(a_full_ring_costs_records_and_no_packet),
		CASE(an_absent_server_is_an_error_in_the_status_only),
		CASE(a_reload_moves_the_target_and_keeps_the_counters),
		CASE(NAT_05_an_exhausted_group_is_told_to_both),
		cmocka_unit_test(a_translated_session_says_what_it_is_outside),
		cmocka_unit_test(lines_are_cut_at_their_bound),
#undef CASE
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
