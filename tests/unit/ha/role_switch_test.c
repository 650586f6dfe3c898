/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: planned switch, hand-over to a peer that is held for dead, hold, history.
 */
#include "role_sim.h"

static void
switch_over_is_refused_when_the_peer_could_not_serve(void **state)
{
	struct sim *s = formed(1000, 3);

	(void)state;
	assert_int_equal(role_switch_over(s->box[B].role, s->now), ROLE_REFUSED_NOT_ACTIVE);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_REFUSED_NOT_SYNCHRONISED);
	assert_int_equal(role_hold(s->box[A].role, true, s->now), ROLE_REFUSED_NOT_SYNCHRONISED);
	set_sync(s, true);
	set_link(s, B, 0, false);
	run_ms(s, 1500);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_REFUSED_PEER_FAULTS);
	set_link(s, B, 0, true);
	s->box[B].worker_frozen = true;
	run_ms(s, 5000);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_REFUSED_PEER_UNFIT);
	s->box[B].worker_frozen = false;
	run_ms(s, 1500);
	assert_int_equal(role_hold(s->box[B].role, true, s->now), ROLE_DONE);
	run_ms(s, 100);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_REFUSED_PEER_UNFIT);
	box_kill(s, B);
	run_ms(s, 5000);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_REFUSED_NO_PEER);
	one_owner(s, A);
	assert_int_equal(status_of(s, A)->takeovers, 1);
	assert_false(s->box[A].quiet);
	sim_free(s);
}

static void
switch_over_forwards_what_is_on_its_way_and_announces_nothing(void **state)
{
	static const uint32_t hellos[] = { 20, 100, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		struct sim *const s = formed(hellos[i], 3);
		const uint32_t drain = hellos[i] < 100 ? hellos[i] : 100;
		uint32_t adverts;

		set_sync(s, true);
		run_ms(s, hellos[i]);
		adverts = s->box[A].adverts;
		assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_DONE);
		assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_REFUSED_UNDER_WAY);
		assert_true(owns(s, A) && s->box[A].quiet);
		assert_in_range(s->box[A].lease.ns, s->now.ns,
			s->now.ns + (drain + hellos[i] / 4) * NS_PER_MS);
		run_ms(s, 10 * (uint64_t)hellos[i]);
		one_owner_after(s, B);
		assert_int_equal(s->none_ns, 0); /* make before break */
		assert_in_range(s->both_ns, 1, (drain + 1) * NS_PER_MS);
		assert_int_equal(s->box[A].adverts, adverts);
		assert_false(s->box[A].quiet);
		assert_int_equal(s->box[A].lease.ns, 0);
		assert_int_equal(status_of(s, A)->switch_over, ROLE_SWITCH_DONE);
		assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_REFUSED_NOT_ACTIVE);
		assert_int_equal(status_of(s, A)->fences, 0);
		assert_int_equal(status_of(s, A)->dual_active, 0);
		assert_int_equal(status_of(s, A)->vrrp[0].conflicts, 0);
		assert_int_equal(priority_of(s, A), 65001);
		/* And back again. */
		s->both_ns = s->none_ns = 0;
		assert_int_equal(role_switch_over(s->box[B].role, s->now), ROLE_DONE);
		run_ms(s, 10 * (uint64_t)hellos[i]);
		one_owner_after(s, A);
		assert_int_equal(s->none_ns, 0);
		sim_free(s);
	}
}

static void
R246_the_history_holds_the_last_changes_with_their_causes(void **state)
{
	struct sim *const s = formed(100, 3);
	const struct role_status *st;
	const struct role_change *c;

	(void)state;
	set_sync(s, true);
	run_ms(s, 100);
	for (int i = 0; i < ROLE_CHANGES + 8; i++) {
		const int active = i % 2 == 0 ? A : B;

		assert_int_equal(role_switch_over(s->box[active].role, s->now), ROLE_DONE);
		run_ms(s, 500);
		assert_true(owns(s, 1 - active));
	}
	st = status_of(s, A);
	/* After "active" at the start: two for each round trip. */
	assert_int_equal(st->change_count, 1 + ROLE_CHANGES + 8);
	c = &st->changes[(st->change_count - 1) % ROLE_CHANGES];
	assert_int_equal(c->from, VGMP_STANDBY);
	assert_int_equal(c->to, VGMP_ACTIVE);
	assert_string_equal(c->cause, "request of peer");
	assert_int_equal(c->peer_priority, 0);
	c = &st->changes[(st->change_count - 2) % ROLE_CHANGES];
	assert_int_equal(c->to, VGMP_STANDBY);
	assert_string_equal(c->cause, "switch-over by order");
	assert_int_equal(c->priority, 65001);
	assert_int_equal(c->peer_priority, 65000);
	for (uint64_t n = 1; n < ROLE_CHANGES; n++) /* in order of time */
		assert_true(st->changes[(st->change_count - n) % ROLE_CHANGES].at_ns >
			    st->changes[(st->change_count - n - 1) % ROLE_CHANGES].at_ns);
	sim_free(s);
}

static void
switch_over_without_an_answer_ends_as_any_hand_over(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	set_sync(s, true);
	run_ms(s, 500);
	s->wire[A] = false; /* requests are lost */
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_DONE);
	run_ms(s, 90);
	assert_true(owns(s, A));
	run_ms(s, 60);
	assert_false(owns(s, A) || s->box[A].quiet);
	s->wire[A] = true;
	run_ms(s, 1500); /* the second request */
	one_owner(s, B);
	assert_int_equal(status_of(s, A)->switch_over, ROLE_SWITCH_DONE);
	sim_free(s);
}

/* The peer hears us, but is not heard, and would agree: two owners for the way of its answer. */
static void
a_peer_that_is_held_for_dead_is_asked_when_it_is_heard(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	s->wire[B] = false;
	run_ms(s, 4500);
	one_owner(s, A);
	s->both_ns = s->none_ns = 0;
	s->wire[B] = true; /* from now on it is heard, but has not spoken yet */
	set_link(s, A, 0, false);
	run_ms(s, 400);
	one_owner(s, A);
	assert_int_equal(s->requests, 0);
	run_ms(s, 2000);
	one_owner(s, B);
	assert_int_equal(s->requests, 1);
	assert_int_equal(s->both_ns, 0);
	assert_true(s->none_ns <= 10 * NS_PER_MS); /* the way of the request */
	sim_free(s);
}

static void
a_peer_that_is_never_heard_again_is_not_asked(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	box_kill(s, B);
	run_ms(s, 4500);
	set_link(s, A, 0, false);
	run_ms(s, 2500);
	run_ms(s, 1500);
	assert_int_equal(state_of(s, A), VGMP_ACTIVE);
	assert_int_equal(s->requests, 0);
	one_owner(s, A);
	assert_int_equal(s->none_ns, 0);
	sim_free(s);
}

static void
a_box_that_stops_in_a_switch_over_is_silent_when_the_drain_is_over(void **state)
{
	struct sim *const s = formed(100, 3);

	(void)state;
	set_sync(s, true);
	run_ms(s, 100);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_DONE);
	step(s);
	step(s);
	s->box[A].control_frozen = true;
	run_ms(s, 1000);
	assert_true(owns(s, B));
	assert_true(s->both_ns <= 126 * NS_PER_MS); /* 100 ms, and H / 4 */
	s->box[A].control_frozen = false;
	run_ms(s, 500);
	one_owner_after(s, B);
	assert_int_equal(state_of(s, A), VGMP_STANDBY);
	assert_false(s->box[A].quiet);
	sim_free(s);
}

static void
a_held_box_is_standby_as_long_as_the_peer_lives(void **state)
{
	struct sim *const s = sim_new(100, 3);

	(void)state;
	s->preempt = true;
	box_start(s, A);
	box_start(s, B);
	run_ms(s, 500);
	set_sync(s, true);
	run_ms(s, 100);
	assert_int_equal(role_hold(s->box[A].role, true, s->now), ROLE_DONE);
	assert_int_equal(role_hold(s->box[A].role, true, s->now), ROLE_DONE); /* again */
	run_ms(s, 2000);
	one_owner_after(s, B); /* preempt is on, and does nothing */
	assert_int_equal(priority_of(s, A), 0);
	assert_true(status_of(s, A)->held);
	box_kill(s, B);
	set_sync(s, false);
	run_ms(s, 1000);
	one_owner_after(s, A);
	box_start(s, B);
	run_ms(s, 1000);
	assert_true(owns(s, A)); /* not before it holds the sessions */
	set_sync(s, true);
	run_ms(s, 1000);
	one_owner_after(s, B);
	assert_int_equal(role_hold(s->box[A].role, false, s->now), ROLE_DONE);
	run_ms(s, 1000);
	one_owner_after(s, A); /* preempts: the delay is 0 */
	sim_free(s);
}

static void
R103_switch_over_of_one_of_two_sharing_boxes(void **state)
{
	struct sim *const s = sim_new(100, 3);

	(void)state;
	box_start_sharing(s, A);
	box_start_sharing(s, B);
	run_ms(s, 500);
	set_sync(s, true);
	run_ms(s, 100);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_DONE);
	assert_false(s->box[A].quiet);
	run_ms(s, 500);
	for (uint8_t vrid = 1; vrid <= 4; vrid++) {
		assert_false(s->box[A].own_vrid[vrid]);
		assert_true(s->box[B].own_vrid[vrid]);
	}
	sim_free(s);
}

static void
R216_a_box_whose_self_test_failed_serves_only_alone(void **state)
{
	struct sim *const s = sim_new(100, 3);

	(void)state;
	s->held_back[A] = true;
	box_start(s, A);
	run_ms(s, 1000);
	one_owner(s, A); /* nobody else does */
	assert_int_equal(priority_of(s, A), 0);
	box_start(s, B);
	run_ms(s, 500);
	set_sync(s, true);
	run_ms(s, 1000);
	one_owner_after(s, B);
	assert_int_equal(role_switch_over(s->box[B].role, s->now), ROLE_REFUSED_PEER_UNFIT);
	box_kill(s, B);
	run_ms(s, 1000);
	one_owner_after(s, A);
	sim_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switch_over_is_refused_when_the_peer_could_not_serve),
		cmocka_unit_test(switch_over_forwards_what_is_on_its_way_and_announces_nothing),
		cmocka_unit_test(R246_the_history_holds_the_last_changes_with_their_causes),
		cmocka_unit_test(switch_over_without_an_answer_ends_as_any_hand_over),
		cmocka_unit_test(a_peer_that_is_held_for_dead_is_asked_when_it_is_heard),
		cmocka_unit_test(a_peer_that_is_never_heard_again_is_not_asked),
		cmocka_unit_test(
			a_box_that_stops_in_a_switch_over_is_silent_when_the_drain_is_over),
		cmocka_unit_test(a_held_box_is_standby_as_long_as_the_peer_lives),
		cmocka_unit_test(R103_switch_over_of_one_of_two_sharing_boxes),
		cmocka_unit_test(R216_a_box_whose_self_test_failed_serves_only_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
