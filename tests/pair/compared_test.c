/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The comparison between bulks (docs/wire.md, Parts), while users come and go and the heartbeat
 * loses: nothing may differ that is not wrong.  Else a repair is in vain, and what is wrong waits.
 */
#include "blacklist.h"
#include "hrp.h"
#include "hrp_check.h"
#include "ipv4.h"
#include "pair.h"
#include "random_below.h"
#include "servermap.h"
#include "test_eal.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS  100
#define TCPS	  10
#define CHURN	  40
#define ROUNDS_MS (2 * HRP_CHECK_ROUND_MS + 1000)

static const struct hrp_status *
status_of(struct pair *p, unsigned int box)
{
	static struct hrp_status status;

	hrp_status(ha_hrp(pair_box(p, box)->ha), &status);
	return &status;
}

/* ---- what users do ---- */

static uint64_t random_state;

static uint32_t
below(uint32_t n)
{
	return random_below(&random_state, n);
}

/* Datagrams of one conversation from both sides within a moment, so that either may be the first;
 * and entries of the other tables. */
static void
live(struct pair *p)
{
	struct traffic *const t = pair_traffic(p);
	const unsigned int box = below(2);
	const uint16_t port = (uint16_t)(2000 + below(500));
	const struct blacklist_entry listed = { .prefix = ip_addr_v4(rte_cpu_to_be_32(
							IPV4(11, 0, 0, 0) + below(50))),
		.len = 32,
		.side = (uint8_t)below(BLACKLIST_SIDES),
		.origin = BLACKLIST_MANUAL,
		.until = mono_add_ms(pair_now(p), 500 + below(20000)) };
	const struct servermap_entry expected = {
		.key = { .dst = ip_addr_v4(RTE_BE32(IPV4(10, 1, 1, 10))),
			.dport = rte_cpu_to_be_16((uint16_t)(3000 + 1000 * box + below(50))),
			.proto = IPPROTO_TCP },
		.zone = ZONE_NONE,
		.uses = 2,
		.parent = SERVERMAP_NONE,
		.until = mono_add_ms(pair_now(p), 500 + below(20000))
	};
	bool renewed;

	if (below(2) == 0)
		traffic_send_udp(t->client, t->server->address, port, 4000, 0, pair_now(p));
	else
		traffic_send_udp(t->server, t->client->address, 4000, port, 0, pair_now(p));
	if (pair_box(p, box)->dead || !status_of(p, box)->active)
		return;
	(void)pair_blacklist(p, box, &listed, below(3) != 0);
	(void)servermap_add(engine_servermap(pair_box(p, box)->engine), &expected, 0, &renewed);
}

static void
live_on(struct pair *p, uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		if (i % 5 == 0)
			live(p);
		pair_run(p, 1);
	}
}

static const struct pair_wire bad_wire = {
	.loss = 5, .duplicate = 5, .reorder = 20, .delay_us = 300, .jitter_us = 300
};

static const char both_ways[] = "{ name = \"in\"; source_zones = [ \"untrust\" ]; "
				"destination_zones = [ \"trust\" ]; action = \"permit\"; }";

/* Of all tables, as long as each box has run. */
static void
assert_differing(struct pair *p, const char *row, uint64_t most)
{
	for (unsigned int b = 0; b < 2; b++) {
		const struct hrp_status *const s = status_of(p, b);

		for (uint64_t i = 0; i < s->tables_count; i++)
			if (s->tables[i].differing > most || s->tables[i].unrepaired != 0)
				fail_msg("%s: FW%u, %s: %u of %u parts differed, %u repaired in "
					 "vain",
					row, b + 1, s->tables[i].name,
					(unsigned int)s->tables[i].differing,
					(unsigned int)s->tables[i].checked,
					(unsigned int)s->tables[i].unrepaired);
	}
}

/* A lasting connection that the standby has lost; SESSION_NONE: it has not. */
static uint32_t
find_lasting(struct pair *p)
{
	struct session_key4 key;
	const struct session_key4 *const keys[] = { &key };
	uint32_t index;
	uint8_t swap = 0;

	session_key4_make(&key, RTE_BE32(IPV4(10, 1, 1, 10)), RTE_BE32(IPV4(200, 1, 1, 10)),
		RTE_BE16(40003), RTE_BE16(80), IPPROTO_TCP);
	session_table_lookup4(engine_sessions(pair_box(p, 1)->engine), keys, 1, &index, &swap);
	return index;
}

static void
lose_one_for_ten_seconds_at_most(struct pair *p)
{
	struct session_table *const t = engine_sessions(pair_box(p, 1)->engine);
	const uint32_t index = find_lasting(p);
	uint32_t ms = 0;

	assert_int_not_equal(index, SESSION_NONE);
	assert_true(session_table_post(
		t, index, atomic_load(&session_table_at(t, index)->generation), SESSION_OP_KILL));
	live_on(p, 5);
	assert_int_equal(find_lasting(p), SESSION_NONE);
	for (; ms < 10000 && find_lasting(p) == SESSION_NONE; ms++)
		live_on(p, 1);
	assert_int_not_equal(find_lasting(p), SESSION_NONE);
}

static void
R197_no_part_differs_because_connections_end_and_begin_anew(void **state)
{
	static const struct {
		const char *name, *hrp, *rules;
		bool sharing;
	} rows[] = {
		{ "quick", "", NULL, false },
		{ "automatic", "mirror_session = false; auto_sync_period_s = 2;", NULL, false },
		{ "by order", "mirror_session = false; auto_sync = false;", NULL, false },
		{ "quick, either side begins", "", both_ways, false },
		{ "sharing", "", NULL, true },
	};

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		random_state = i;
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.misses = 5,
			.tcp_count = TCPS,
			.seed = 1 + i,
			.sharing = rows[i].sharing,
			.more_rules = rows[i].rules,
			.hrp = rows[i].hrp,
			.workers = { 2, (uint16_t)(1 + i % 2) } });

		pair_traffic(p)->server->gateway = IPV4(200, 1, 1, 1);
		pair_form(p);
		pair_run(p, 500); /* with load sharing either tells the other all */
		*pair_heartbeat(p) = bad_wire;
		traffic_churn(pair_traffic(p), CHURN);
		live_on(p, ROUNDS_MS);
		assert_differing(p, rows[i].name, 0);
		if (find_lasting(p) != SESSION_NONE) /* not by order */
			lose_one_for_ten_seconds_at_most(p);
		assert_differing(p, rows[i].name, 1);
		pair_teardown(NULL);
	}
}

static bool
shared(struct pair *p)
{
	return status_of(p, 0)->active && status_of(p, 1)->active && pair_synchronised(p);
}

static void
restart(struct pair *p, unsigned int box)
{
	pair_kill(p, box);
	live_on(p, 1000);
	pair_restart(p, box);
}

/* Both take all over. */
static void
split(struct pair *p, unsigned int box)
{
	(void)box;
	pair_heartbeat(p)->cut = true;
	live_on(p, 1000);
	pair_heartbeat(p)->cut = false;
}

/* What a box has taken over from the other, which is back, is its own; no name of before counts. */
static void
X39_R197_a_box_that_is_back_leaves_nothing_that_differs(void **state)
{
	static const struct {
		const char *name;
		void (*away)(struct pair *, unsigned int box);
		unsigned int box, server_by;
	} rows[] = {
		{ "FW1 was away", restart, 0, 0 },
		{ "FW2 was away", restart, 1, 0 },
		{ "FW1 was away, ways differ", restart, 0, 1 },
		{ "FW2 was away, ways differ", restart, 1, 1 },
		{ "split", split, 0, 0 },
		{ "split, ways differ", split, 0, 1 },
	};

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		random_state = i;
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.tcp_count = TCPS,
			.seed = 1 + i,
			.sharing = true,
			.preempt = true,
			.preempt_delay_s = 1,
			.workers = { 2, (uint16_t)(1 + i % 2) } });

		pair_traffic(p)->server->gateway = IPV4(200, 1, 1, rows[i].server_by == 0 ? 1 : 4);
		pair_form(p);
		live_on(p, 1000);
		rows[i].away(p, rows[i].box);
		if (!pair_run_until(p, shared, 8000))
			fail_msg("%s: not shared again", rows[i].name);
		pair_run(p, ROUNDS_MS);
		assert_differing(p, rows[i].name, 0);
		pair_teardown(NULL);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R197_no_part_differs_because_connections_end_and_begin_anew, pair_teardown),
		cmocka_unit_test_teardown(
			X39_R197_a_box_that_is_back_leaves_nothing_that_differs, pair_teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
