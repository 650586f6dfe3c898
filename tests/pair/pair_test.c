/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Failover as users notice it, on a fake clock: every round with another seed, so that faults meet
 * every phase of the hellos.
 */
#include "pair.h"
#include "test_eal.h"

#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HELLO_MS 100
#define ROUNDS	 4
#define TCPS	 20

/* What a failed case leaves behind. */
static struct pair *current;

static int
clean_up(void **state)
{
	(void)state;
	pair_destroy(current);
	current = NULL;
	return 0;
}

static struct pair *
formed_pair(uint32_t seed, bool preempt)
{
	struct pair *p = current = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
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
	}
	assert_true(pair_lan(p, false)->garps[1] > 0); /* R87 */
	assert_true(pair_lan(p, true)->garps[2] > 0);
	clean_up(NULL);
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
		clean_up(NULL);
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
		everything_kept(p, 100);
		clean_up(NULL);
	}
}

static void
X18_a_frozen_box_is_silent_until_it_has_stepped_down(void **state)
{
	static const uint32_t freezes_ms[] = { 50, 140, 160, 200, 300, 320, 1000, 5000 };

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(freezes_ms); i++) {
		struct pair *p = formed_pair(i, false);

		pair_freeze(p, 0, true);
		pair_run(p, freezes_ms[i]);
		pair_freeze(p, 0, false);
		everything_kept(p, 5 * HELLO_MS);
		if (freezes_ms[i] > 4 * HELLO_MS)
			assert_int_equal(pair_owner(p), 1);
		clean_up(NULL);
	}
}

static void
a_frozen_standby_does_not_take_over_when_it_wakes(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, false);

		pair_freeze(p, 1, true);
		pair_run(p, 1000 + seed * 33);
		pair_freeze(p, 1, false);
		everything_kept(p, 10);
		assert_int_equal(pair_owner(p), 0);
		clean_up(NULL);
	}
}

static void
X23_R96_a_restarted_box_is_standby_is_filled_and_does_not_preempt(void **state)
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
		clean_up(NULL);
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
		clean_up(NULL);
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
	clean_up(NULL);
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
		clean_up(NULL);
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
			assert_true(pair_run_until(p, second_owns, 2 * HELLO_MS));
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
		clean_up(NULL);
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
		clean_up(NULL);
	}
}

static void
a_box_alone_becomes_active_whichever_it_is(void **state)
{
	(void)state;
	for (unsigned int alone = 0; alone < 2; alone++) {
		struct pair *p = current = pair_create(&(struct pair_options){
			.hello_ms = HELLO_MS, .tcp_count = 4, .seed = alone });

		pair_kill(p, !alone);
		assert_true(
			pair_run_until(p, alone == 0 ? first_owns : second_owns, 10 * HELLO_MS));
		clean_up(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R85_R88_formation_makes_the_active_group_the_owner, clean_up),
		cmocka_unit_test_teardown(
			X16_R95_a_dead_box_is_replaced_and_every_connection_goes_on, clean_up),
		cmocka_unit_test_teardown(
			R90_R94_VRP11_an_interface_fault_moves_all_groups_together, clean_up),
		cmocka_unit_test_teardown(
			X18_a_frozen_box_is_silent_until_it_has_stepped_down, clean_up),
		cmocka_unit_test_teardown(
			a_frozen_standby_does_not_take_over_when_it_wakes, clean_up),
		cmocka_unit_test_teardown(
			X23_R96_a_restarted_box_is_standby_is_filled_and_does_not_preempt,
			clean_up),
		cmocka_unit_test_teardown(
			R97_R98_preemption_waits_for_its_delay_and_for_synchronisation, clean_up),
		cmocka_unit_test_teardown(
			a_restarted_standby_is_filled_while_the_active_goes_on, clean_up),
		cmocka_unit_test_teardown(
			sessions_are_mirrored_over_a_wire_that_loses_doubles_and_reorders,
			clean_up),
		cmocka_unit_test_teardown(
			connections_from_reused_ports_are_opened_at_once_and_mirrored, clean_up),
		cmocka_unit_test_teardown(a_cut_heartbeat_heals_to_one_owner, clean_up),
		cmocka_unit_test_teardown(a_box_alone_becomes_active_whichever_it_is, clean_up),
	};

	test_eal_start(1024, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
