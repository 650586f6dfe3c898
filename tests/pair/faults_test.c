/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fault list of the mirror: wires that lose, delay, double, reorder and alter, boxes that end
 * in mid-bulk, tables, rings and pools that are too small, clocks.  The same faults in
 * the lab are rows of scripts/twlab/faults.py.
 */
#include "hrp.h"
#include "pair.h"
#include "role.h"
#include "session_walk.h"
#include "talk.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HELLO_MS 100
#define TCPS	 20

/* ---- the wall clock, for everything in this program (--wrap) ---- */

static int64_t wall_shift_s;

int __real_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t, struct timespec *);
time_t __real_time(time_t *);
time_t __wrap_time(time_t *);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	const int rc = __real_clock_gettime(clock, t);

	if (clock == CLOCK_REALTIME)
		t->tv_sec += wall_shift_s;
	return rc;
}

time_t
__wrap_time(time_t *t)
{
	const time_t now = __real_time(NULL) + wall_shift_s;

	if (t != NULL)
		*t = now;
	return now;
}

/* ---- what all cases need ---- */

static int
clean_up(void **state)
{
	wall_shift_s = 0;
	return pair_teardown(state);
}

static struct pair *
formed_pair(struct pair_options o)
{
	o.hello_ms = HELLO_MS;
	o.tcp_count = TCPS;
	struct pair *const p = pair_create(&o);

	pair_form(p);
	return p;
}

static bool
first_owns(struct pair *p)
{
	return pair_owner(p) == 0;
}

static bool
second_owns(struct pair *p)
{
	return pair_owner(p) == 1;
}

static bool
equal(struct pair *p)
{
	return pair_synchronised(p) && pair_differences(p) == 0;
}

static const struct hrp_status *
status_of(struct pair *p, unsigned int box)
{
	static struct hrp_status status[2];

	hrp_status(ha_hrp(pair_box(p, box)->ha), &status[box]);
	return &status[box];
}

static uint64_t
refused(struct pair *p)
{
	uint64_t n = 0;

	for (unsigned int box = 0; box < 2; box++) {
		const struct hrp_status *const st = status_of(p, box);

		n += st->links[0].other_in;
		for (int why = 1; why < HA_REFUSAL_COUNT; why++)
			n += st->refused[why];
	}
	return n;
}

/* Nobody but the mirror has noticed anything. */
static void
roles_are_as_before(struct pair *p)
{
	assert_int_equal(pair_owner(p), 0);
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	assert_int_equal(pair_figures(p)->none_owner_us, 0);
	assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
}

static void
all_connections_go_on(struct pair *p)
{
	pair_run(p, 1500);
	assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
}

static uint32_t
tcp_sessions(struct pair *p, unsigned int box)
{
	const struct session_table *const table = engine_sessions(pair_box(p, box)->engine);
	struct session_walk w = { .slots = UINT32_MAX };
	const struct session *s;
	uint32_t n = 0;

	while ((s = session_walk_next(table, &w)) != NULL)
		n += session_proto(s) == IPPROTO_TCP;
	return n;
}

/* Of a packet from the client. */
static struct rte_ipv4_hdr
to_server(struct pair *p, uint8_t proto, uint16_t length)
{
	struct rte_ipv4_hdr ip = { .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(length),
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(pair_traffic(p)->client->address),
		.dst_addr = rte_cpu_to_be_32(pair_traffic(p)->server->address) };

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	return ip;
}

/* Sessions that only wait, of one packet each. */
static void
many_sessions(struct pair *p, uint32_t count)
{
	struct {
		struct rte_ipv4_hdr ip;
		struct rte_udp_hdr udp;
	} __attribute__((packed)) d;
	struct host *const from = pair_traffic(p)->client;

	for (uint32_t i = 0; i < count; i++) {
		memset(&d, 0, sizeof(d));
		d.ip = to_server(p, IPPROTO_UDP, sizeof(d));
		d.udp.src_port = rte_cpu_to_be_16((uint16_t)(1024 + i % 20000));
		d.udp.dst_port = rte_cpu_to_be_16((uint16_t)(2000 + i / 20000));
		d.udp.dgram_len = RTE_BE16(sizeof(d.udp));
		d.udp.dgram_cksum = rte_ipv4_udptcp_cksum(&d.ip, &d.udp);
		host_send(from, (const uint8_t *)&d, sizeof(d), pair_now(p));
		if (i % 40 == 39)
			pair_step(p);
	}
	pair_run(p, 2);
}

/* A packet of any protocol; TCP: a SYN. */
static void
send_odd(struct pair *p, uint8_t proto, uint16_t sport, uint16_t dport)
{
	struct {
		struct rte_ipv4_hdr ip;
		union {
			struct rte_udp_hdr udp;
			struct rte_tcp_hdr tcp;
		};
	} __attribute__((packed)) d;
	struct host *const from = pair_traffic(p)->client;

	memset(&d, 0, sizeof(d));
	d.ip = to_server(p, proto, sizeof(d));
	if (proto == IPPROTO_TCP) {
		d.tcp = (struct rte_tcp_hdr){ .src_port = rte_cpu_to_be_16(sport),
			.dst_port = rte_cpu_to_be_16(dport),
			.data_off = sizeof(d.tcp) / 4 << 4,
			.tcp_flags = RTE_TCP_SYN_FLAG };
		d.tcp.cksum = rte_ipv4_udptcp_cksum(&d.ip, &d.tcp);
	} else if (proto == IPPROTO_UDP) {
		d.udp = (struct rte_udp_hdr){ .src_port = rte_cpu_to_be_16(sport),
			.dst_port = rte_cpu_to_be_16(dport),
			.dgram_len = RTE_BE16(sizeof(d) - sizeof(d.ip)) };
		d.udp.dgram_cksum = rte_ipv4_udptcp_cksum(&d.ip, &d.udp);
	}
	host_send(from, (const uint8_t *)&d, sizeof(d), pair_now(p));
}

/* ---- the wire ---- */

/* 10 s; TWINWALL_X12_S=3600 is the hour that the case asks for. */
static void
X12_lost_heartbeats_switch_nothing_and_tables_are_equal(void **state)
{
	static const uint8_t loss[] = { 1, 5, 20 };
	const char *const seconds = getenv("TWINWALL_X12_S");

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(loss); i++) {
		struct pair *p = formed_pair(
			(struct pair_options){ .seed = i, .heartbeats = 2, .workers = { 1, 2 } });

		for (unsigned int link = 0; link < 2; link++)
			pair_heartbeat_of(p, link)->loss = loss[i];
		traffic_churn(pair_traffic(p), 10);
		pair_run(p, 2000);
		traffic_churn(pair_traffic(p), 0);
		pair_run(p, seconds != NULL ? (uint32_t)atoi(seconds) * 1000 : 8000);
		if (loss[i] <= 5)
			roles_are_as_before(p);
		assert_true(pair_run_until(p, equal, 5000));
		assert_true(pair_heartbeat(p)->lost > 0);
		clean_up(NULL);
	}
}

static void
X13_late_heartbeats_switch_nothing_and_tables_are_equal(void **state)
{
	struct pair *p = formed_pair((struct pair_options){ .seed = 5 });

	(void)state;
	/* D is 300 ms; the wire grows longer, or the first gap alone would be an interval more. */
	pair_heartbeat(p)->delay_us = 100000;
	pair_heartbeat(p)->jitter_us = 40000;
	pair_run(p, 500);
	pair_heartbeat(p)->delay_us = 200000;
	traffic_churn(pair_traffic(p), 10);
	pair_run(p, 4000);
	roles_are_as_before(p);
	traffic_churn(pair_traffic(p), 0);
	pair_run(p, 1000);
	assert_int_equal(pair_differences(p), 0);
	*pair_heartbeat(p) = (struct pair_wire){ 0 };
	assert_true(pair_run_until(p, equal, 3000));
	roles_are_as_before(p);
	clean_up(NULL);
}

static void
X14_doubled_and_reordered_records_leave_no_ghosts(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p =
			formed_pair((struct pair_options){ .seed = seed, .workers = { 2, 1 } });

		pair_heartbeat(p)->duplicate = pair_heartbeat(p)->reorder = 10;
		traffic_churn(pair_traffic(p), 30);
		pair_run(p, 2000);
		traffic_churn(pair_traffic(p), 0);
		pair_run(p, 500);
		assert_true(pair_run_until(p, equal, 3000));
		roles_are_as_before(p);
		/* What has ended here has ended there, too. */
		assert_int_equal(pair_sessions(p, 0), pair_sessions(p, 1));
		assert_true(status_of(p, 1)->refused[HA_REFUSED_replayed] > 0);
		clean_up(NULL);
	}
}

static void
X15_each_altered_frame_is_refused_and_counted(void **state)
{
	struct pair *p = formed_pair((struct pair_options){ .seed = 9 });
	uint64_t before;

	(void)state;
	pair_run(p, 100);
	before = refused(p);
	pair_heartbeat(p)->flip = 5;
	traffic_churn(pair_traffic(p), 30);
	pair_run(p, 3000);
	pair_heartbeat(p)->flip = 0;
	traffic_churn(pair_traffic(p), 0);
	pair_run(p, 500);
	roles_are_as_before(p);
	assert_true(pair_run_until(p, equal, 3000));
	assert_true(pair_heartbeat(p)->flipped > 100);
	assert_int_equal(refused(p) - before, pair_heartbeat(p)->flipped);
	clean_up(NULL);
}

/* ---- ends and starts ---- */

static void
X24_the_active_box_dies_in_mid_bulk_and_what_was_copied_lives_on(void **state)
{
	static const uint32_t per_cent[] = { 10, 50, 90 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(per_cent); i++) {
		struct pair *p =
			formed_pair((struct pair_options){ .seed = i, .max_sessions = 32768 });
		uint32_t all, copied;

		pair_kill(p, 1);
		many_sessions(p, 12000);
		all = pair_sessions(p, 0);
		assert_true(all > 12000);
		pair_heartbeat(p)->frames_ms = 40; /* so that there is a middle */
		pair_restart(p, 1);
		for (uint32_t step = 0; pair_sessions(p, 1) < all * per_cent[i] / 100; step++) {
			assert_true(step < 20000);
			pair_step(p);
		}
		copied = pair_sessions(p, 1);
		assert_true(copied < all);
		pair_kill(p, 0);
		assert_true(pair_run_until(p, second_owns, 10 * HELLO_MS));
		pair_run(p, 500);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		assert_true(pair_sessions(p, 1) >= copied);
		print_message("X24 %u %%: %u of %u sessions were copied, %u lost\n", per_cent[i],
			copied, all, all - copied);
		pair_restart(p, 0);
		assert_true(pair_run_until(p, pair_synchronised, 5000));
		assert_int_equal(pair_differences(p), 0);
		assert_int_equal(pair_owner(p), 1);
		clean_up(NULL);
	}
}

static void
X25_a_standby_that_restarts_in_the_bulk_again_and_again_costs_the_active_one_nothing(void **state)
{
	struct pair *p = formed_pair((struct pair_options){ .seed = 3, .max_sessions = 8192 });
	struct traffic *const t = pair_traffic(p);
	struct worker_stats stats;
	uint32_t all, buffers;

	(void)state;
	many_sessions(p, 6000);
	assert_true(pair_run_until(p, equal, 3000));
	all = pair_sessions(p, 0);
	buffers = rte_mempool_in_use_count(pair_pool(p));
	traffic_reset_figures(t, pair_now(p));
	for (unsigned int i = 0; i < 20; i++) {
		pair_kill(p, 1);
		pair_run(p, 20);
		pair_heartbeat(p)->frames_ms = 40;
		pair_restart(p, 1);
		for (uint32_t step = 0; pair_sessions(p, 1) < all / 4; step++) {
			assert_true(step < 20000);
			pair_step(p);
		}
	}
	pair_heartbeat(p)->frames_ms = 0;
	assert_true(pair_run_until(p, equal, 5000));
	roles_are_as_before(p);
	engine_stats(pair_box(p, 0)->engine, &stats);
	assert_int_equal(pair_sessions(p, 0) + stats.sessions_aged, all);
	assert_int_equal(pair_sessions(p, 1), pair_sessions(p, 0));
	assert_in_range(t->longest_gap_ms, 0, 5);
	assert_in_range(t->probe_sent - t->probe_received, 0, 3); /* on their way */
	assert_in_range(
		rte_mempool_in_use_count(pair_pool(p)), 0, buffers + 200); /* what is under way */
	clean_up(NULL);
}

static void
X26_two_failovers_within_two_seconds_lose_no_connection(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p = formed_pair((struct pair_options){ .seed = seed });
		const mono_t begun = pair_now(p);

		traffic_churn(pair_traffic(p), 10);
		pair_kill(p, 0);
		assert_true(pair_run_until(p, second_owns, 4 * HELLO_MS));
		pair_restart(p, 0);
		assert_true(pair_run_until(p, pair_synchronised, 1000));
		pair_kill(p, 1);
		assert_true(pair_run_until(p, first_owns, 4 * HELLO_MS));
		assert_in_range(mono_since_ms(pair_now(p), begun), 0, 2000);
		traffic_churn(pair_traffic(p), 0);
		all_connections_go_on(p);
		clean_up(NULL);
	}
}

/* ---- boxes that differ ---- */

/* Packets that no sensible host sends, and that the rules permit, begin sessions like any other:
 * the peer must be able to hold each, or the boxes would never be equal again. */
static void
X23_odd_packets_do_not_keep_a_restarted_standby_from_being_filled(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t sport, dport;
	} odd[] = {
		{ IPPROTO_UDP, 5000, 0 },
		{ IPPROTO_UDP, 0, 5000 },
		{ IPPROTO_TCP, 5000, 0 },
		{ IPPROTO_TCP, 0, 5000 },
		{ 0, 0, 0 },
		{ IPPROTO_ICMPV6, 0, 0 },
		{ IPPROTO_NONE, 0, 0 },
	};
	uint32_t kept = 0;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(odd); i++) {
		struct pair *p = formed_pair((struct pair_options){ .seed = 11 + i });
		const uint32_t before = pair_sessions(p, 0);

		pair_kill(p, 1);
		pair_run(p, 500);
		pair_restart(p, 1);
		for (uint32_t ms = 0; ms < 3000; ms += 100) { /* a half-open one lives 5 s */
			send_odd(p, odd[i].proto, odd[i].sport, odd[i].dport);
			pair_run(p, 100);
		}
		assert_true(pair_sessions(p, 0) > before);
		if (!pair_synchronised(p)) {
			print_error("protocol %u, ports %u and %u: not synchronised, %u refused\n",
				odd[i].proto, odd[i].sport, odd[i].dport,
				(unsigned int)status_of(p, 1)->refused[HA_REFUSED_record]);
			kept++;
		}
		clean_up(NULL);
	}
	assert_int_equal(kept, 0);
}

static void
X32_a_smaller_standby_refuses_what_is_too_much_and_keeps_what_it_has(void **state)
{
	struct pair *p = formed_pair(
		(struct pair_options){ .seed = 1, .sessions_1 = 1024, .workers = { 1, 1 } });

	(void)state;
	assert_int_equal(tcp_sessions(p, 1), TCPS);
	many_sessions(p, 2500);
	assert_true(ha_sync(pair_box(p, 0)->ha));
	pair_run(p, 3000); /* bulks that try to repair it */
	assert_true(status_of(p, 1)->sessions.full > 1000);
	assert_false(pair_synchronised(p));
	roles_are_as_before(p);
	assert_true(pair_sessions(p, 0) > 2500);
	assert_int_equal(tcp_sessions(p, 1), TCPS);
	pair_kill(p, 0);
	assert_true(pair_run_until(p, second_owns, 4 * HELLO_MS));
	all_connections_go_on(p);
	clean_up(NULL);
}

static bool
neither_is_synchronised(struct pair *p)
{
	static struct role_status first, second;

	role_status_read(ha_role(pair_box(p, 0)->ha), &first);
	role_status_read(ha_role(pair_box(p, 1)->ha), &second);
	return !first.synchronised && !second.synchronised;
}

/* What came after the bulk counts as well: such a box takes no role back (R97), and gets none. */
static void
X32_a_box_that_could_not_take_a_session_is_handed_no_role(void **state)
{
	struct pair *p = formed_pair(
		(struct pair_options){ .seed = 1, .sessions_1 = 1024, .workers = { 1, 1 } });

	(void)state;
	assert_true(pair_synchronised(p));
	many_sessions(p, 2500);
	assert_true(pair_run_until(p, neither_is_synchronised, 3 * HELLO_MS));
	assert_int_equal(ha_order(pair_box(p, 0)->ha, HA_ORDER_SWITCH_OVER, 0, pair_now(p)),
		ROLE_REFUSED_NOT_SYNCHRONISED);
	roles_are_as_before(p);
	clean_up(NULL);
}

/* R178: what the standby box is not told of by its own configuration, it does not permit. */
static void
R178_without_the_rule_on_the_new_active_box_new_connections_are_denied(void **state)
{
	static const char both_ways[] =
		"{ name = \"out\"; source_zones = [ \"trust\" ]; destination_zones = [ \"untrust\" "
		"]; action = \"permit\"; }, { name = \"in\"; source_zones = [ \"untrust\" ]; "
		"destination_zones = [ \"trust\" ]; action = \"permit\"; }";
	struct pair *p = formed_pair((struct pair_options){ .seed = 2 });
	struct talk before, after;

	(void)state;
	pair_policy(p, 0, both_ways);
	talk_start(&before, p, TALK_SERVER, 7000, 0, 7001, NULL);
	assert_true(talk_open(&before));
	pair_run(p, 20);
	pair_kill(p, 0);
	assert_true(pair_run_until(p, second_owns, 4 * HELLO_MS));
	assert_true(talk_say(&before, TALK_SERVER, "mirrored")); /* the session is there */
	talk_start(&after, p, TALK_SERVER, 7002, 0, 7001, &before);
	assert_false(talk_open(&after));
	clean_up(NULL);
}

/* ---- what runs out ---- */

#define TAKEN_MAX 32768

static void
X33_without_a_packet_buffer_hellos_go_on(void **state)
{
	static struct rte_mbuf *taken[TAKEN_MAX];
	struct pair *p = formed_pair((struct pair_options){ .seed = 4 });
	struct rte_mbuf *m;
	uint64_t probes, unanswered;
	uint32_t n = 0;

	(void)state;
	while (n < TAKEN_MAX && (m = rte_pktmbuf_alloc(pair_pool(p))) != NULL)
		taken[n++] = m;
	probes = status_of(p, 1)->links[0].probes_in;
	unanswered = pair_traffic(p)->probe_received;
	pair_run(p, 3000);
	assert_true(pair_lan(p, false)->no_buffer >= 2900);
	assert_in_range(pair_traffic(p)->probe_received - unanswered, 0, 10);
	assert_in_range(status_of(p, 1)->links[0].probes_in - probes, 29, 62);
	assert_int_equal(pair_owner(p), 0);
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	assert_int_equal(pair_figures(p)->none_owner_us, 0);
	rte_pktmbuf_free_bulk(taken, n);
	pair_run(p, 1000);
	roles_are_as_before(p);
	assert_true(pair_run_until(p, equal, 3000));
	clean_up(NULL);
}

static void
X34_a_full_event_ring_delays_the_mirror_and_loses_nothing(void **state)
{
	struct pair *p = formed_pair((struct pair_options){
		.seed = 6, .event_ring = 16, .max_sessions = 8192, .workers = { 2, 1 } });
	struct worker_stats stats;

	(void)state;
	traffic_churn(pair_traffic(p), 40);
	many_sessions(p, 5000);
	pair_run(p, 1000);
	traffic_churn(pair_traffic(p), 0);
	engine_stats(pair_box(p, 0)->engine, &stats);
	assert_true(stats.events_lost_to_sweep > 1000);
	assert_true(pair_run_until(p, equal, 3000));
	pair_run(p, 500);
	assert_int_equal(pair_sessions(p, 0), pair_sessions(p, 1));
	roles_are_as_before(p);
	clean_up(NULL);
}

/* ---- clocks ---- */

static void
X36_a_wall_clock_that_jumps_changes_nothing(void **state)
{
	static const int64_t jumps_s[] = { 3600, -3600, INT64_C(315360000), INT64_C(-315360000) };
	struct pair *p = formed_pair((struct pair_options){ .seed = 7 });

	(void)state;
	traffic_churn(pair_traffic(p), 10);
	for (uint32_t i = 0; i < RTE_DIM(jumps_s); i++) {
		wall_shift_s = jumps_s[i];
		pair_run(p, 1000);
		roles_are_as_before(p);
	}
	traffic_churn(pair_traffic(p), 0);
	assert_true(pair_run_until(p, equal, 3000));
	/* A box that starts with such a clock is known and filled, and takes over. */
	pair_kill(p, 1);
	pair_run(p, 500);
	pair_restart(p, 1);
	wall_shift_s = 0;
	assert_true(pair_run_until(p, equal, 3000));
	pair_kill(p, 0);
	assert_true(pair_run_until(p, second_owns, 4 * HELLO_MS));
	all_connections_go_on(p);
	clean_up(NULL);
}

/* ---- whoever takes the mirror's records ---- */

static void
X41_where_the_mirror_goes_down_forwarding_goes_on(void **state)
{
	struct pair *p = formed_pair((struct pair_options){ .seed = 8 });
	struct traffic *const t = pair_traffic(p);

	(void)state;
	pair_kill(p, 1);
	traffic_churn(t, 20);
	pair_run(p, 3000);
	roles_are_as_before(p);
	assert_in_range(t->longest_gap_ms, 0, 5);
	assert_int_equal(status_of(p, 0)->stream.open, 0);
	traffic_churn(t, 0);
	pair_restart(p, 1);
	assert_true(pair_run_until(p, equal, 3000));
	clean_up(NULL);
}

static void
X41_where_the_mirror_is_slow_forwarding_goes_on(void **state)
{
	struct pair *p = formed_pair(
		(struct pair_options){ .seed = 9, .max_sessions = 8192, .event_ring = 256 });
	struct traffic *const t = pair_traffic(p);
	uint64_t free_rounds, slow_rounds;

	(void)state;
	traffic_churn(t, 30);
	pair_run(p, 1000);
	free_rounds = traffic_churn_rounds(t);
	pair_heartbeat(p)->frames_ms = 3; /* enough for hellos not to be lost three in a row */
	pair_heartbeat(p)->delay_us = 20000;
	many_sessions(p, 5000);
	slow_rounds = traffic_churn_rounds(t);
	pair_run(p, 1000);
	slow_rounds = traffic_churn_rounds(t) - slow_rounds;
	assert_true(slow_rounds * 100 >= free_rounds * 95);
	roles_are_as_before(p);
	assert_in_range(t->longest_gap_ms, 0, 5);
	pair_heartbeat(p)->frames_ms = 0;
	traffic_churn(t, 0);
	assert_true(pair_run_until(p, equal, 5000));
	clean_up(NULL);
}

static void
X41_what_comes_back_to_the_box_that_has_sent_it_is_refused(void **state)
{
	struct pair *p = formed_pair((struct pair_options){ .seed = 10 });
	uint64_t carried;

	(void)state;
	pair_run(p, 100);
	carried = pair_heartbeat(p)->carried;
	pair_heartbeat(p)->loop = true;
	traffic_churn(pair_traffic(p), 20);
	pair_run(p, 2000);
	pair_heartbeat(p)->loop = false;
	carried = pair_heartbeat(p)->carried - carried;
	traffic_churn(pair_traffic(p), 0);
	pair_run(p, 500);
	assert_int_equal(status_of(p, 0)->refused[HA_REFUSED_source] +
				 status_of(p, 1)->refused[HA_REFUSED_source],
		carried);
	roles_are_as_before(p);
	assert_true(pair_run_until(p, equal, 3000));
	clean_up(NULL);
}

int
main(int argc, char **argv)
{
#define CASE(f) cmocka_unit_test_teardown(f, clean_up)
	const struct CMUnitTest tests[] = {
		CASE(X12_lost_heartbeats_switch_nothing_and_tables_are_equal),
		CASE(X13_late_heartbeats_switch_nothing_and_tables_are_equal),
		CASE(X14_doubled_and_reordered_records_leave_no_ghosts),
		CASE(X15_each_altered_frame_is_refused_and_counted),
		CASE(X24_the_active_box_dies_in_mid_bulk_and_what_was_copied_lives_on),
		CASE(X25_a_standby_that_restarts_in_the_bulk_again_and_again_costs_the_active_one_nothing),
		CASE(X26_two_failovers_within_two_seconds_lose_no_connection),
		CASE(X23_odd_packets_do_not_keep_a_restarted_standby_from_being_filled),
		CASE(X32_a_smaller_standby_refuses_what_is_too_much_and_keeps_what_it_has),
		CASE(X32_a_box_that_could_not_take_a_session_is_handed_no_role),
		CASE(R178_without_the_rule_on_the_new_active_box_new_connections_are_denied),
		CASE(X33_without_a_packet_buffer_hellos_go_on),
		CASE(X34_a_full_event_ring_delays_the_mirror_and_loses_nothing),
		CASE(X36_a_wall_clock_that_jumps_changes_nothing),
		CASE(X41_where_the_mirror_goes_down_forwarding_goes_on),
		CASE(X41_where_the_mirror_is_slow_forwarding_goes_on),
		CASE(X41_what_comes_back_to_the_box_that_has_sent_it_is_refused),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
