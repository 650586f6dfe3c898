/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load sharing with ways that differ: what clients send passes the first box, what the server sends
 * passes the second (R7, R198).
 */
#include "hrp.h"
#include "nat_group.h"
#include "pair.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS 100
#define TCPS	 20

/* What a failed case leaves behind. */
static uint64_t
forwarded(struct pair *p, unsigned int box)
{
	struct worker_stats stats;

	engine_stats(pair_box(p, box)->engine, &stats);
	return stats.forwarded;
}

static uint64_t
dropped(struct pair *p, unsigned int box, enum drop_reason reason)
{
	struct worker_stats stats;

	engine_stats(pair_box(p, box)->engine, &stats);
	return stats.drops[reason];
}

static struct pair *
shared_pair(uint32_t seed, uint32_t lag_ms)
{
	struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.tcp_count = TCPS,
		.seed = seed,
		.sharing = true,
		.preempt = true,
		.preempt_delay_s = 1,
		.workers = { 2, (uint16_t)(1 + seed % 2) } });

	pair_heartbeat(p)->delay_us = lag_ms * 1000;
	pair_form(p);
	return p;
}

static void
X39_connections_that_pass_one_box_each_way(void **state)
{
	static const uint32_t lags_ms[] = { 0, 5, 50 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(lags_ms); i++) {
		struct pair *p = shared_pair(i, lags_ms[i]);
		struct traffic *t = pair_traffic(p);
		const uint64_t before[2] = { forwarded(p, 0), forwarded(p, 1) };
		const uint64_t formed = t->again.syns + t->again.segments;

		print_message("lag %u ms: %u segments again until all are open\n", lags_ms[i],
			(unsigned int)formed);
		pair_run(p, 2000);
		t->udp_on = false;
		pair_run(p, 10);
		assert_int_equal(traffic_tcp_alive(t, 500, pair_now(p)), TCPS);
		assert_int_equal(t->resets, 0);
		assert_int_equal(t->again.syns + t->again.segments - formed, 0);
		assert_int_equal(t->probe_received, t->probe_sent);
		for (unsigned int b = 0; b < 2; b++) { /* each box has had its direction */
			assert_true(forwarded(p, b) - before[b] > 2000);
			assert_int_equal(dropped(p, b, DROP_tcp_window), 0);
		}
		assert_true(pair_synchronised(p));
		pair_teardown(NULL);
	}
}

static void
X39_X40_and_go_on_when_either_box_dies_and_comes_back(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 4; seed++) {
		struct pair *p = shared_pair(seed, seed % 2);
		struct traffic *t = pair_traffic(p);
		const unsigned int box = seed / 2;

		pair_kill(p, box);
		pair_run(p, 2500);
		assert_int_equal(traffic_tcp_alive(t, 1000, pair_now(p)), TCPS);
		assert_true(t->longest_gap_ms <= 4 * HELLO_MS);
		/* It comes back with nothing, and is active again for its half. */
		pair_restart(p, box);
		assert_true(pair_run_until(p, pair_synchronised, 5000));
		pair_run(p, 3000);
		assert_int_equal(traffic_tcp_alive(t, 1000, pair_now(p)), TCPS);
		assert_int_equal(t->resets, 0);
		pair_teardown(NULL);
	}
}

static struct worker_stats
stats_of(struct pair *p, unsigned int box)
{
	struct worker_stats stats;

	engine_stats(pair_box(p, box)->engine, &stats);
	return stats;
}

static bool
all_open(struct pair *p)
{
	return traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)) == TCPS;
}

/* Both boxes are active before the first connection opens. */
static struct pair *
deferring_pair(uint32_t seed, uint32_t lag_ms)
{
	struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.seed = seed,
		.sharing = true,
		.defer = true,
		.workers = { 2, (uint16_t)(1 + seed % 2) } });

	pair_heartbeat(p)->delay_us = lag_ms * 1000;
	pair_form(p);
	return p;
}

static void
open_connections(struct pair *p)
{
	struct traffic *t = pair_traffic(p);

	for (uint16_t i = 0; i < TCPS; i++) {
		t->tcp[i].port = (uint16_t)(40000 + i);
		t->tcp[i].client.seq = t->tcp[i].client.acked = 1000U * i + 1;
	}
	t->tcp_count = TCPS;
}

static void
X39_the_first_packet_waits_for_the_peer(void **state)
{
	static const uint32_t lags_ms[] = { 0, 5, 20 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(lags_ms); i++) {
		struct pair *p = deferring_pair(i, lags_ms[i]);
		struct traffic *t = pair_traffic(p);
		const struct worker_stats before = stats_of(p, 0);

		open_connections(p);
		assert_true(pair_run_until(p, all_open, 1000));
		assert_int_equal(t->again.syns + t->again.segments, 0);
		assert_int_equal(t->resets, 0);
		const struct worker_stats after = stats_of(p, 0);
		assert_int_equal(after.deferred - before.deferred, TCPS);
		assert_int_equal(after.deferred_acked - before.deferred_acked, TCPS);
		assert_int_equal(after.deferred_late - before.deferred_late, 0);
		pair_teardown(NULL);
	}
}

/* Each box sees an acknowledgement before it hears of the FIN, which passed the other. */
static void
X39_connections_end_on_both_boxes_and_open_again_from_the_same_ports(void **state)
{
	static const uint32_t lags_ms[] = { 0, 5 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(lags_ms); i++) {
		struct pair *p = deferring_pair(i, lags_ms[i]);
		struct traffic *t = pair_traffic(p);

		t->udp_on = false;
		traffic_churn(t, TCPS);
		pair_run(p, 3000);
		print_message("lag %u ms: %u times each\n", lags_ms[i],
			(unsigned int)traffic_churn_rounds(t) / TCPS);
		assert_true(traffic_churn_rounds(t) > TCPS * 10);
		pair_teardown(NULL);
	}
}

static void
R198_no_first_packet_waits_for_ever(void **state)
{
	struct pair *p = deferring_pair(1, 0);
	struct traffic *t = pair_traffic(p);
	struct worker_stats before = stats_of(p, 0), after;

	(void)state;
	/* The mirror is cut for less than it takes to declare the peer dead. */
	pair_heartbeat(p)->cut = true;
	open_connections(p);
	pair_run(p, 150);
	pair_heartbeat(p)->cut = false;
	after = stats_of(p, 0);
	assert_int_equal(after.deferred - before.deferred, TCPS);
	assert_int_equal(after.deferred_late - before.deferred_late, TCPS);
	assert_int_equal(after.held, 0);
	assert_true(pair_run_until(p, all_open, 2000));

	/* A dead peer: nobody waits. */
	pair_kill(p, 1);
	pair_run(p, 1000);
	before = stats_of(p, 0);
	traffic_churn(t, 10);
	pair_run(p, 200);
	after = stats_of(p, 0);
	assert_true(after.sessions_created > before.sessions_created);
	assert_int_equal(after.deferred, before.deferred);
	assert_int_equal(after.held, 0);
	pair_teardown(NULL);
}

/* More first packets than tickets have bits for, and none of them acknowledged: none goes as if it
 * had been. */
static void
R198_no_first_packet_goes_early_while_the_mirror_is_cut(void **state)
{
	struct pair *p = deferring_pair(3, 0);
	struct traffic *t = pair_traffic(p);
	struct worker_stats before, after;

	(void)state;
	pair_run(p, 100);
	pair_heartbeat(p)->cut = true;
	before = stats_of(p, 0);
	/* Some 250 of each worker, a hundred milliseconds each, before the peer counts as dead. */
	for (uint32_t ms = 0; ms < 200; ms++) {
		for (uint32_t i = 0; i < 6; i++)
			traffic_send_udp(t->client, t->server->address, (uint16_t)(2000 + ms),
				(uint16_t)(3000 + i), 0, pair_now(p));
		pair_run(p, 1);
	}
	after = stats_of(p, 0);
	assert_true(after.deferred - before.deferred > 300);
	assert_true(after.deferred_late > before.deferred_late);
	assert_int_equal(after.deferred_acked, before.deferred_acked);
	pair_heartbeat(p)->cut = false;
	pair_teardown(NULL);
}

/* ---- address groups ---- */

#define FLOWS 1500 /* at most, of a test */

struct flow {
	uint32_t host;
	uint16_t port;
	uint16_t outside; /* 0: has not come */
};

/* One way: hosts inside to the server, each packet by the box that is told. */
static struct flows {
	struct pair *p;
	struct flow flow[FLOWS];
	uint32_t count, twice;
	uint32_t by[NAT_WHOLE + 1]; /* that have come, by half */
	uint16_t owner[UINT16_MAX + 1];
	uint64_t random;
} flows;

struct datagram {
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	rte_be32_t flow;
} __attribute__((packed));

static uint32_t
next_random(void)
{
	flows.random = flows.random * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)(flows.random >> 33);
}

static void
at_server(void *ctx, struct host *h, const uint8_t *ip, uint16_t len, mono_t now)
{
	const struct datagram *d = (const struct datagram *)ip;
	const uint32_t n = rte_be_to_cpu_32(d->flow);
	const uint16_t outside = rte_be_to_cpu_16(d->udp.src_port);

	(void)ctx;
	(void)h;
	(void)now;
	if (d->ip.next_proto_id != IPPROTO_UDP || len != sizeof(*d) || n >= flows.count)
		return;
	flows.flow[n].outside = outside;
	flows.by[nat_pool_half(outside)]++;
	flows.twice += flows.owner[outside] != 0 && flows.owner[outside] != n + 1;
	flows.owner[outside] = (uint16_t)(n + 1);
}

/* The first packet of another flow, by a box's virtual MAC. */
static void
begin_flow(unsigned int box)
{
	struct host *client = pair_traffic(flows.p)->client;
	const struct flow f = { .host = 0x0a010114 + next_random() % 100,
		.port = (uint16_t)(1024 + next_random() % 64000) };
	const rte_be32_t number = rte_cpu_to_be_32(flows.count);
	struct datagram d;

	memset(&d, 0, sizeof(d));
	d.ip = (struct rte_ipv4_hdr){ .version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = RTE_BE16(sizeof(d)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(f.host),
		.dst_addr = rte_cpu_to_be_32(pair_traffic(flows.p)->server->address) };
	d.ip.hdr_checksum = rte_ipv4_cksum(&d.ip);
	d.udp = (struct rte_udp_hdr){ .src_port = rte_cpu_to_be_16(f.port),
		.dst_port = RTE_BE16(9000),
		.dgram_len = RTE_BE16(sizeof(d) - sizeof(d.ip)) };
	d.flow = number;
	d.udp.dgram_cksum = rte_ipv4_udptcp_cksum(&d.ip, &d.udp);
	for (uint32_t i = 0; i < flows.count; i++)
		if (flows.flow[i].host == f.host && flows.flow[i].port == f.port)
			return;
	assert_true(flows.count < FLOWS);
	flows.flow[flows.count++] = f;
	client->gateway_mac = core_virtual_mac(box == 0 ? 1 : 3);
	client->gateway_known = true;
	host_send(client, (const uint8_t *)&d, sizeof(d), pair_now(flows.p));
}

/* => how many have come of those that began, by half. */
static void
begin_flows(uint32_t n)
{
	flows.by[NAT_HALF_PRIMARY] = flows.by[NAT_HALF_SECONDARY] = 0;
	for (uint32_t i = 0; i < n; i++) {
		begin_flow(next_random() & 1);
		if (i % 4 == 3)
			pair_run(flows.p, 1);
	}
	pair_run(flows.p, 100);
}

static uint8_t
halves_of(struct pair *p, unsigned int box)
{
	return nat_groups_halves(engine_nat_groups(pair_box(p, box)->engine));
}

static uint64_t
unclaimed(struct pair *p, unsigned int box)
{
	static struct hrp_status st;

	hrp_status(ha_hrp(pair_box(p, box)->ha), &st);
	return st.sessions.unclaimed + st.sessions.conflicts;
}

static void
X40_P24_no_port_is_ever_handed_out_twice(void **state)
{
	static const char *const groups[] = {
		"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid "
		"= 2;\n"
		"  mapping = \"address-and-port-dependent\"; } );\n"
		"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ];\n"
		"  action = \"source-nat\"; address_group = \"office\"; } ); };\n",
		"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid "
		"= 2; } );\n"
		"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ];\n"
		"  action = \"source-nat\"; address_group = \"office\"; } ); };\n",
	};

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(groups); i++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.seed = i,
			.sharing = true,
			.preempt = true,
			.preempt_delay_s = 1,
			.nat_halves = true,
			.nat = groups[i],
			.workers = { 2, 2 } });

		pair_form(p);
		pair_traffic(p)->udp_on = false;
		memset(&flows, 0, sizeof(flows));
		flows.p = p;
		flows.random = 77 + i;
		pair_traffic(p)->server->receive = at_server;

		/* Each box its half. */
		begin_flows(400);
		assert_true(flows.by[NAT_HALF_PRIMARY] > 150);
		assert_true(flows.by[NAT_HALF_SECONDARY] > 150);
		assert_int_equal(halves_of(p, 0), NAT_HALF_PRIMARY);
		assert_int_equal(halves_of(p, 1), NAT_HALF_SECONDARY);

		/* One dies: the other's half alone, for 2 s, then both. */
		pair_kill(p, i);
		pair_run(p, 1000);
		begin_flows(100);
		assert_int_equal(flows.by[i == 0 ? NAT_HALF_PRIMARY : NAT_HALF_SECONDARY], 0);
		pair_run(p, 2000);
		assert_int_equal(halves_of(p, !i), NAT_WHOLE);
		begin_flows(400);
		/* Half of them keep their ports, those that lead home to the worker, in either
		 * half; the others' blocks lie where chance wills. */
		assert_true(flows.by[NAT_HALF_PRIMARY] > 50);
		assert_true(flows.by[NAT_HALF_SECONDARY] > 50);

		/* It comes back: its half is its own again, but for what is held. */
		pair_restart(p, i);
		assert_true(pair_run_until(p, pair_synchronised, 5000));
		assert_int_equal(halves_of(p, !i), i == 0 ? NAT_HALF_SECONDARY : NAT_HALF_PRIMARY);
		begin_flows(100);
		pair_run(p, 3000);
		begin_flows(400);
		assert_true(flows.by[NAT_HALF_PRIMARY] > 150);
		assert_true(flows.by[NAT_HALF_SECONDARY] > 150);
		assert_int_equal(flows.twice, 0);
		assert_int_equal(unclaimed(p, 0) + unclaimed(p, 1), 0);
		pair_teardown(NULL);
	}
}

static bool
told_of_same_half(struct pair *p, unsigned int box)
{
	return hrp_same_half(ha_hrp(pair_box(p, box)->ha));
}

static void
R210_P24_the_same_half_on_both_boxes_is_told(void **state)
{
	static const char primary[] = "nat_resource = \"primary-group\";";
	static const struct {
		const char *hrp;
		bool sharing, halves, told;
	} rows[] = {
		{ primary, true, false, true },
		{ primary, false, false, true },
		{ NULL, true, true, false }, /* a half each */
		{ NULL, true, false, false },
	};

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.seed = i,
			.sharing = rows[i].sharing,
			.nat_halves = rows[i].halves,
			.hrp = rows[i].hrp });

		pair_form(p);
		pair_run(p, 100);
		for (unsigned int b = 0; b < 2; b++)
			assert_int_equal(told_of_same_half(p, b), rows[i].told);
		/* A dead peer hands out nothing. */
		pair_kill(p, 1);
		pair_run(p, 1000);
		assert_false(told_of_same_half(p, 0));
		pair_teardown(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			X39_connections_that_pass_one_box_each_way, pair_teardown),
		cmocka_unit_test_teardown(
			X39_X40_and_go_on_when_either_box_dies_and_comes_back, pair_teardown),
		cmocka_unit_test_teardown(X39_the_first_packet_waits_for_the_peer, pair_teardown),
		cmocka_unit_test_teardown(
			X39_connections_end_on_both_boxes_and_open_again_from_the_same_ports,
			pair_teardown),
		cmocka_unit_test_teardown(R198_no_first_packet_waits_for_ever, pair_teardown),
		cmocka_unit_test_teardown(
			R198_no_first_packet_goes_early_while_the_mirror_is_cut, pair_teardown),
		cmocka_unit_test_teardown(X40_P24_no_port_is_ever_handed_out_twice, pair_teardown),
		cmocka_unit_test_teardown(
			R210_P24_the_same_half_on_both_boxes_is_told, pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
