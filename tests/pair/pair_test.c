/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Failover as users notice it, on a fake clock: every round with another seed, so that faults meet
 * every phase of the hellos.
 */
#include "hrp.h"
#include "nat_group.h"
#include "pair.h"
#include "policy.h"
#include "role.h"
#include "session_walk.h"
#include "test_eal.h"

#include <rte_memory.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HELLO_MS 100
#define ROUNDS	 4
#define TCPS	 20

/* What a failed case leaves behind. */
static struct pair *
formed_pair(uint32_t seed, bool preempt)
{
	struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.tcp_count = TCPS,
		.seed = seed,
		.preempt = preempt,
		.preempt_delay_s = 1,
		.workers = { 2, (uint16_t)(1 + seed % 3) } });

	pair_form(p);
	return p;
}

static void
everything_kept(struct pair *p, uint64_t gap_limit_ms)
{
	pair_run(p, 1500);
	assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	assert_int_equal(pair_figures(p)->after_thaw[0] + pair_figures(p)->after_thaw[1], 0);
	if (pair_traffic(p)->longest_gap_ms > gap_limit_ms)
		fail_msg("longest gap %u ms, limit %u",
			(unsigned int)pair_traffic(p)->longest_gap_ms, (unsigned int)gap_limit_ms);
}

static bool
second_owns(struct pair *p)
{
	return pair_owner(p) == 1;
}

static bool
first_owns(struct pair *p)
{
	return pair_owner(p) == 0;
}

static bool
second_has_the_sessions(struct pair *p)
{
	return pair_sessions(p, 1) >= TCPS + 1U;
}

static uint64_t
box_forwarded(struct pair *p, unsigned int box)
{
	struct worker_stats stats;

	engine_stats(pair_box(p, box)->engine, &stats);
	return stats.forwarded;
}

static uint64_t
fences_of(struct pair *p, unsigned int box)
{
	static struct role_status status;

	role_status_read(ha_role(pair_box(p, box)->ha), &status);
	return status.fences;
}

/* Sessions that the rule has permitted, and that are the peer's or are not. */
static uint32_t
permitted_by(struct pair *p, unsigned int box, const char *rule, bool remote)
{
	const struct session_table *table = engine_sessions(pair_box(p, box)->engine);
	struct session_key4 key;
	uint32_t n = 0;

	for (uint32_t i = 0; i < session_table_capacity(table); i++) {
		const struct session *s = session_table_at(table, i);
		const uint32_t ctl = atomic_load(&s->ctl);

		n += session_table_key4(table, s, &key) && s->policy == policy_rule_id(rule) &&
		     ((ctl & SESSION_F_REMOTE) != 0) == remote;
	}
	return n;
}

static void
R85_R88_formation_makes_the_active_group_the_owner(void **state)
{
	struct pair *p = formed_pair(1, false);

	(void)state;
	assert_int_equal(pair_owner(p), 0);
	for (uint8_t vrid = 1; vrid <= 2; vrid++) {
		const uint16_t interface = vrid == 1 ? 0 : 2;

		assert_true(engine_vmac(pair_box(p, 0)->engine, interface, vrid));
		assert_false(engine_vmac(pair_box(p, 1)->engine, interface, vrid));
		assert_true(engine_vmac(pair_box(p, 0)->engine, interface, VMAC_IPV6 | vrid));
		assert_false(engine_vmac(pair_box(p, 1)->engine, interface, VMAC_IPV6 | vrid));
		assert_true(pair_lan(p, vrid == 2)->adverts6[0][vrid] > 0); /* R87 */
		assert_int_equal(pair_lan(p, vrid == 2)->adverts6[1][vrid], 0);
	}
	assert_true(pair_lan(p, false)->garps[1] > 0); /* R87 */
	assert_true(pair_lan(p, true)->garps[2] > 0);
	pair_teardown(NULL);
}

/* Ports in use of the group "office" of a box. */
static uint32_t
office_ports(struct pair *p, unsigned int box)
{
	const struct nat_groups *groups = engine_nat_groups(pair_box(p, box)->engine);
	const struct nat_usage u = nat_pool_usage(
		nat_groups_pool(groups, nat_groups_find(groups, "office")), NAT_POOL_UNOWNED);

	return u.used[0] + u.used[1] + u.used[2];
}

static void
R23_translated_connections_go_on_when_a_box_dies(void **state)
{
	static const char *const ways[] = {
		/* One worker, so that a port that is free is kept: the server knows connections by
		 * them. */
		"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid "
		"= 2; "
		"} );\n"
		"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ]; action = "
		"\"source-nat\"; address_group = \"office\"; } ); };\n",
		"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid "
		"= 2; "
		"mapping = \"address-and-port-dependent\"; } );\n"
		"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ]; action = "
		"\"source-nat\"; address_group = \"office\"; } ); };\n",
	};

	(void)state;
	for (uint32_t i = 0; i < 2 * RTE_DIM(ways); i++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.tcp_count = TCPS,
			.seed = i,
			.workers = { 1, 1 },
			.nat = ways[i / 2] });

		pair_form(p);
		assert_int_equal(pair_traffic(p)->client_seen, 0xc8010164u);
		assert_true(pair_run_until(p, second_has_the_sessions, 2000));
		assert_true(office_ports(p, 1) >= TCPS);
		pair_kill(p, 0);
		assert_true(pair_run_until(p, second_owns, 1000));
		everything_kept(p, 400);
		assert_int_equal(pair_traffic(p)->client_seen, 0xc8010164u);
		pair_restart(p, 0);
		assert_true(pair_run_until(p, pair_synchronised, 5000));
		assert_int_equal(pair_differences(p), 0);
		assert_true(office_ports(p, 0) >= TCPS);
		pair_teardown(NULL);
	}
}

static void
X16_R95_a_dead_box_is_replaced_and_every_connection_goes_on(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);
		const uint64_t garps = pair_lan(p, false)->garps[1];

		pair_kill(p, 0);
		assert_true(pair_run_until(p, second_owns, 4 * HELLO_MS));
		everything_kept(p, 4 * HELLO_MS);
		assert_true(pair_lan(p, false)->garps[1] > garps); /* R37, R91 */
		assert_int_equal(pair_lan(p, false)->adverts6[1][1], 2);
		assert_int_equal(pair_lan(p, true)->adverts6[1][2], 2);
		pair_teardown(NULL);
	}
}

static void
R90_R94_VRP11_an_interface_fault_moves_all_groups_together(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2 * ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		pair_link(p, 0, seed % 2, false);
		assert_true(pair_run_until(p, second_owns, HELLO_MS));
		assert_false(engine_vmac(pair_box(p, 0)->engine, 0, 1));
		assert_false(engine_vmac(pair_box(p, 0)->engine, 2, 2));
		assert_true(engine_vmac(pair_box(p, 1)->engine, 0, 1));
		assert_true(engine_vmac(pair_box(p, 1)->engine, 2, 2));
		assert_false(engine_vmac(pair_box(p, 0)->engine, 0, VMAC_IPV6 | 1));
		assert_false(engine_vmac(pair_box(p, 0)->engine, 2, VMAC_IPV6 | 2));
		assert_true(engine_vmac(pair_box(p, 1)->engine, 0, VMAC_IPV6 | 1));
		assert_true(engine_vmac(pair_box(p, 1)->engine, 2, VMAC_IPV6 | 2));
		everything_kept(p, 100);
		pair_teardown(NULL);
	}
}

static void
a_planned_switch_loses_no_packet(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2 * ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);
		struct pair_box *const old = pair_box(p, 0);
		const uint64_t garps = pair_lan(p, false)->garps[1];
		uint32_t sent;

		assert_true(pair_run_until(p, pair_synchronised, 5000));
		pair_run(p, 100 + 13 * seed);
		traffic_reset_figures(pair_traffic(p), pair_now(p));
		assert_int_equal(
			ha_order(old->ha, HA_ORDER_SWITCH_OVER, 0, pair_now(p)), ROLE_DONE);
		assert_true(pair_run_until(p, second_owns, 2 * HELLO_MS));
		/* Both forward for a while, by design. */
		assert_in_range(pair_figures(p)->two_owner_steps * PAIR_STEP_US, 1, 101000);
		pair_figures(p)->two_owner_steps = 0;
		assert_true(pair_lan(p, false)->garps[1] > garps);
		everything_kept(p, 5);
		sent = pair_traffic(p)->probe_sent;
		pair_traffic(p)->udp_on = false;
		pair_run(p, 50); /* the last echo */
		assert_int_equal(pair_traffic(p)->probe_received, sent);
		assert_int_equal(pair_figures(p)->none_owner_us, 0);
		pair_teardown(NULL);
	}
}

static void
X18_a_frozen_box_is_silent_until_it_has_stepped_down(void **state)
{
	static const uint32_t freezes_ms[] = { 50, 140, 160, 200, 300, 320, 1000, 5000 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(freezes_ms); i++) {
		struct pair *p = formed_pair(i, false);

		pair_freeze(p, 0, PAIR_ALL);
		pair_run(p, freezes_ms[i]);
		pair_freeze(p, 0, 0);
		everything_kept(p, 5 * HELLO_MS);
		if (freezes_ms[i] > 4 * HELLO_MS)
			assert_int_equal(pair_owner(p), 1);
		pair_teardown(NULL);
	}
}

static void
a_frozen_standby_does_not_take_over_when_it_wakes(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		pair_freeze(p, 1, PAIR_ALL);
		pair_run(p, 1000 + seed * 33);
		pair_freeze(p, 1, 0);
		everything_kept(p, 10);
		assert_int_equal(pair_owner(p), 0);
		pair_teardown(NULL);
	}
}

static void
X23_R96_R187_a_restarted_box_is_standby_is_filled_and_does_not_preempt(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		pair_kill(p, 0);
		pair_run(p, 1000);
		pair_restart(p, 0);
		traffic_reset_figures(pair_traffic(p), pair_now(p));
		assert_true(pair_run_until(p, pair_synchronised, 3000));
		assert_true(pair_sessions(p, 0) >= TCPS + 1U);
		pair_run(p, 3000);
		assert_int_equal(pair_owner(p), 1); /* R96 */
		everything_kept(p, 10);
		/* and it can take over in its turn, with what it was given */
		pair_kill(p, 1);
		assert_true(pair_run_until(p, first_owns, 4 * HELLO_MS));
		everything_kept(p, 4 * HELLO_MS);
		pair_teardown(NULL);
	}
}

static void
R97_R98_preemption_waits_for_its_delay_and_for_synchronisation(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, true);

		pair_kill(p, 0);
		pair_run(p, 1000);
		pair_restart(p, 0);
		traffic_reset_figures(pair_traffic(p), pair_now(p));
		pair_run(p, 900); /* less than the delay of 1 s */
		assert_int_equal(pair_owner(p), 1);
		assert_true(pair_run_until(p, first_owns, 5000));
		assert_true(pair_synchronised(p));
		everything_kept(p, 10);
		pair_teardown(NULL);
	}
}

static void
a_restarted_standby_is_filled_while_the_active_goes_on(void **state)
{
	struct pair *p = formed_pair(3, false);

	(void)state;
	pair_kill(p, 1);
	pair_run(p, 1000);
	pair_restart(p, 1);
	assert_true(pair_run_until(p, second_has_the_sessions, 3000));
	everything_kept(p, 10);
	assert_int_equal(pair_owner(p), 0);
	pair_teardown(NULL);
}

static void
sessions_are_mirrored_over_a_wire_that_loses_doubles_and_reorders(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		*pair_heartbeat(p) = (struct pair_wire){
			.loss = 10, .duplicate = 10, .reorder = 20, .delay_us = 500
		};
		pair_run(p, 3000);
		assert_int_equal(pair_owner(p), 0);
		pair_kill(p, 0);
		assert_true(pair_run_until(p, second_owns, 5 * HELLO_MS));
		everything_kept(p, 6 * HELLO_MS);
		pair_teardown(NULL);
	}
}

static void
connections_from_reused_ports_are_opened_at_once_and_mirrored(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2 * ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		if (seed % 2 == 1)
			*pair_heartbeat(p) = (struct pair_wire){
				.loss = 5, .duplicate = 5, .reorder = 10, .delay_us = 300
			};
		traffic_churn(pair_traffic(p), 40);
		pair_run(p, 3000);
		if (seed % 4 >= 2) { /* and the other box goes on with it */
			pair_link(p, 0, false, false);
			/* A request that is lost costs an interval, and there are three. */
			assert_true(
				pair_run_until(p, second_owns, (seed % 2 == 1 ? 4 : 2) * HELLO_MS));
			pair_run(p, 200);
			pair_link(p, 0, false, true);
			assert_true(pair_run_until(p, pair_synchronised, 3000));
			pair_run(p, 2000);
		}
		/* 40 connections of 4 ms and a rest of 3 ms, for 3 s or more: thousands */
		if (traffic_churn_rounds(pair_traffic(p)) < 8000)
			fail_msg("only %u connections",
				(unsigned int)traffic_churn_rounds(pair_traffic(p)));
		traffic_churn(pair_traffic(p), 0);
		pair_run(p, 500);
		assert_int_equal(pair_differences(p), 0);
		assert_true(pair_synchronised(p));
		pair_teardown(NULL);
	}
}

static void
a_cut_heartbeat_heals_to_one_owner(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		pair_heartbeat(p)->cut = true;
		pair_run(p, 2000); /* no path is left: both may be active (R174) */
		pair_heartbeat(p)->cut = false;
		pair_run(p, 3 * HELLO_MS);
		pair_figures(p)->two_owner_steps = 0;
		pair_run(p, 1000);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		assert_in_range(pair_owner(p), 0, 1);
		pair_teardown(NULL);
	}
}

static void
a_box_alone_becomes_active_whichever_it_is(void **state)
{
	(void)state;
	for (unsigned int alone = 0; alone < 2; alone++) {
		struct pair *p = pair_create(&(struct pair_options){
			.hello_ms = HELLO_MS, .tcp_count = 4, .seed = alone });

		pair_kill(p, !alone);
		assert_true(
			pair_run_until(p, alone == 0 ? first_owns : second_owns, 10 * HELLO_MS));
		pair_teardown(NULL);
	}
}

/* The lease is all that stops the workers of a box whose other cores stand still. */
static void
X20_a_frozen_control_or_HRP_core_fences_the_box_before_the_peer_takes_over(void **state)
{
	static const uint8_t cores[] = { PAIR_CONTROL, PAIR_HRP, PAIR_CONTROL | PAIR_HRP };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(cores); i++) {
		for (uint32_t seed = 0; seed < ROUNDS; seed++) {
			struct pair *p = formed_pair(seed, false);
			const mono_t frozen_at = pair_now(p);
			uint64_t sent;
			mono_t lease;

			pair_freeze(p, 0, cores[i]);
			assert_true(pair_run_until(p, second_owns, 4 * HELLO_MS));
			lease = engine_lease(pair_box(p, 0)->engine);
			/* D = 3 x H; whoever froze may renew no lease any more */
			assert_true(mono_before(lease, mono_add_ms(frozen_at, 3 * HELLO_MS)));
			assert_true(mono_before(lease, pair_now(p)));
			/* Its workers run on, and send nothing more for virtual addresses. */
			sent = box_forwarded(p, 0);
			everything_kept(p, 4 * HELLO_MS);
			assert_int_equal(box_forwarded(p, 0), sent);
			/* Awake again it is the standby of the one that replaced it. */
			pair_freeze(p, 0, 0);
			traffic_reset_figures(pair_traffic(p), pair_now(p));
			assert_true(pair_run_until(p, pair_synchronised, 3000));
			everything_kept(p, 10);
			assert_int_equal(pair_owner(p), 1);
			/* once for the lease, once more for a deaf listener's old news */
			assert_in_range(fences_of(p, 0), 1, 2);
			pair_teardown(NULL);
		}
	}
}

/* No turn for a second: a black hole, and the control core that sees it hands over. */
static void
X19_a_box_whose_workers_stand_still_hands_over(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		pair_freeze(p, 0, PAIR_WORKERS);
		assert_true(pair_run_until(p, second_owns, 1000 + 2 * HELLO_MS));
		everything_kept(p, 1000 + 3 * HELLO_MS);
		pair_freeze(p, 0, 0);
		everything_kept(p, 1000 + 3 * HELLO_MS);
		assert_int_equal(pair_owner(p), 1);
		pair_teardown(NULL);
	}
}

/* The way of R19's example: PC1 10.1.1.10 to PC2 200.1.1.10, permitted by the rule "out". */
static void
R17_R19_each_connection_of_the_permit_rule_is_one_session_and_survives_the_switch(void **state)
{
	struct pair *p = formed_pair(1, false);
	const uint32_t sessions = TCPS + 1U; /* and the probe */

	(void)state;
	for (unsigned int box = 0; box < 2; box++) {
		assert_int_equal(pair_sessions(p, box), sessions);
		assert_int_equal(permitted_by(p, box, "out", box == 1), sessions);
	}
	pair_link(p, 0, false, false);
	assert_true(pair_run_until(p, second_owns, HELLO_MS));
	everything_kept(p, 100);
	/* The same sessions, now the second box's own; the first one has the copies. */
	for (unsigned int box = 0; box < 2; box++) {
		assert_int_equal(pair_sessions(p, box), sessions);
		assert_int_equal(permitted_by(p, box, "out", box == 0), sessions);
	}
	pair_teardown(NULL);
}

/* The hand-over of a fault is no preemption: it was due when the fault came and nobody could take
 * over then. */
/* Sessions of a protocol that a rule has permitted; rule NULL = any. */
static uint32_t
sessions_of(struct pair *p, unsigned int box, uint8_t proto, const char *rule)
{
	const struct session_table *table = engine_sessions(pair_box(p, box)->engine);
	struct session_walk w = { .slots = UINT32_MAX };
	const struct session *s;
	uint32_t n = 0;

	while ((s = session_walk_next(table, &w)) != NULL)
		n += session_proto(s) == proto &&
		     (rule == NULL || s->policy == policy_rule_id(rule));
	return n;
}

static void
DOS_09_a_denied_session_ends_on_both_boxes_and_another_rule_is_told(void **state)
{
	static const char rules[] = "{ name = \"probe\"; services = ( { protocol = \"udp\"; } ); "
				    "action = \"permit\"; }";

	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		if (seed % 2 == 1)
			*pair_heartbeat(p) = (struct pair_wire){
				.loss = 10, .duplicate = 10, .reorder = 20, .delay_us = 500
			};
		for (unsigned int box = 0; box < 2; box++) {
			assert_int_equal(sessions_of(p, box, IPPROTO_TCP, "out"), TCPS);
			assert_int_equal(sessions_of(p, box, IPPROTO_UDP, "out"), 1);
		}
		pair_policy(p, 0, rules);
		pair_run(p, 500);
		for (unsigned int box = 0; box < 2; box++) {
			assert_int_equal(sessions_of(p, box, IPPROTO_TCP, NULL), 0);
			assert_int_equal(sessions_of(p, box, IPPROTO_UDP, NULL), 1);
			assert_int_equal(sessions_of(p, box, IPPROTO_UDP, "probe"), 1);
		}
		assert_int_equal(pair_owner(p), 0);
		assert_int_equal(pair_differences(p), 0);
		pair_teardown(NULL);
	}
}

static void
a_box_with_a_fault_hands_over_to_the_repaired_peer_without_preempt(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		pair_link(p, 1, true, false); /* the standby has a fault of its own */
		pair_run(p, 500);
		pair_link(p, 0, false, false);
		pair_run(p, 2000);
		assert_int_equal(pair_owner(p), 0); /* R74: 64999 against 64998 */
		pair_link(p, 1, true, true);
		traffic_reset_figures(pair_traffic(p), pair_now(p));
		assert_true(pair_run_until(p, second_owns, 5 * HELLO_MS));
		pair_run(p, 2000);
		assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		/* And no preemption it stays: the first one repaired waits as standby (R96). */
		pair_link(p, 0, false, true);
		traffic_reset_figures(pair_traffic(p), pair_now(p));
		pair_run(p, 3000);
		assert_int_equal(pair_owner(p), 1);
		everything_kept(p, 10);
		pair_teardown(NULL);
	}
}

/* But never to an empty box: what it would gain is less than the sessions it would lose. */
static void
a_box_with_a_fault_keeps_its_role_until_the_peer_has_the_sessions(void **state)
{
	struct pair *p = formed_pair(2, false);

	(void)state;
	pair_kill(p, 1);
	pair_run(p, 1000);
	pair_link(p, 0, false, false);
	pair_run(p, 1000);
	assert_int_equal(pair_owner(p), 0);
	pair_restart(p, 1);
	for (uint32_t ms = 0; ms < 5000 && pair_owner(p) != 1; ms++) {
		pair_run(p, 1);
		if (pair_owner(p) == 1)
			assert_true(pair_sessions(p, 1) >= TCPS + 1U);
	}
	assert_int_equal(pair_owner(p), 1);
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	pair_teardown(NULL);
}

static void
rtt_of_a_link_is_twice_its_delay(void **state)
{
	struct pair *p = formed_pair(1, false);
	struct hrp_status status;

	(void)state;
	pair_heartbeat(p)->delay_us = 2000;
	pair_run(p, 10 * HELLO_MS);
	for (unsigned int box = 0; box < 2; box++) {
		hrp_status(ha_hrp(pair_box(p, box)->ha), &status);
		/* and a turn of each box */
		assert_in_range(status.links[0].rtt_us, 4000, 4000 + 4 * PAIR_STEP_US);
	}
	pair_teardown(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R85_R88_formation_makes_the_active_group_the_owner, pair_teardown),
		cmocka_unit_test_teardown(
			R23_translated_connections_go_on_when_a_box_dies, pair_teardown),
		cmocka_unit_test_teardown(
			X16_R95_a_dead_box_is_replaced_and_every_connection_goes_on, pair_teardown),
		cmocka_unit_test_teardown(
			R90_R94_VRP11_an_interface_fault_moves_all_groups_together, pair_teardown),
		cmocka_unit_test_teardown(a_planned_switch_loses_no_packet, pair_teardown),
		cmocka_unit_test_teardown(
			X18_a_frozen_box_is_silent_until_it_has_stepped_down, pair_teardown),
		cmocka_unit_test_teardown(
			a_frozen_standby_does_not_take_over_when_it_wakes, pair_teardown),
		cmocka_unit_test_teardown(
			X23_R96_R187_a_restarted_box_is_standby_is_filled_and_does_not_preempt,
			pair_teardown),
		cmocka_unit_test_teardown(
			R97_R98_preemption_waits_for_its_delay_and_for_synchronisation,
			pair_teardown),
		cmocka_unit_test_teardown(
			a_restarted_standby_is_filled_while_the_active_goes_on, pair_teardown),
		cmocka_unit_test_teardown(
			sessions_are_mirrored_over_a_wire_that_loses_doubles_and_reorders,
			pair_teardown),
		cmocka_unit_test_teardown(
			connections_from_reused_ports_are_opened_at_once_and_mirrored,
			pair_teardown),
		cmocka_unit_test_teardown(
			X20_a_frozen_control_or_HRP_core_fences_the_box_before_the_peer_takes_over,
			pair_teardown),
		cmocka_unit_test_teardown(
			X19_a_box_whose_workers_stand_still_hands_over, pair_teardown),
		cmocka_unit_test_teardown(
			R17_R19_each_connection_of_the_permit_rule_is_one_session_and_survives_the_switch,
			pair_teardown),
		cmocka_unit_test_teardown(
			DOS_09_a_denied_session_ends_on_both_boxes_and_another_rule_is_told,
			pair_teardown),
		cmocka_unit_test_teardown(
			a_box_with_a_fault_hands_over_to_the_repaired_peer_without_preempt,
			pair_teardown),
		cmocka_unit_test_teardown(
			a_box_with_a_fault_keeps_its_role_until_the_peer_has_the_sessions,
			pair_teardown),
		cmocka_unit_test_teardown(rtt_of_a_link_is_twice_its_delay, pair_teardown),
		cmocka_unit_test_teardown(a_cut_heartbeat_heals_to_one_owner, pair_teardown),
		cmocka_unit_test_teardown(
			a_box_alone_becomes_active_whichever_it_is, pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
