/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: two boxes whose hello_ms or misses differ (X29).  The longer silence counts on both: so
 * none takes over before the other's lease is over.
 */
#include "role_sim.h"

/* Both started, each with its own settings; A Active, B Standby. */
static struct sim *
formed_with(const uint32_t hello_ms[2], const uint32_t misses[2])
{
	struct sim *const s = sim_new(hello_ms[A], misses[A]);
	const uint32_t shorter = hello_ms[A] < hello_ms[B] ? hello_ms[A] : hello_ms[B];
	const uint32_t longer = hello_ms[A] < hello_ms[B] ? hello_ms[B] : hello_ms[A];

	s->step_ns = shorter * NS_PER_MS / 100;
	box_start(s, A);
	run_ms(s, (uint64_t)misses[A] * hello_ms[A] + hello_ms[A]); /* nobody else is there */
	s->hello_ms = hello_ms[B];
	s->misses = misses[B];
	box_start(s, B);
	s->hello_ms = longer; /* of the wire: what is older is dropped */
	run_ms(s, 3 * (uint64_t)longer);
	s->none_ns = s->both_ns = 0;
	return s;
}

static const struct {
	uint32_t hello_ms[2], misses[2];
} rows[] = {
	{ { 1000, 1000 }, { 10, 2 } }, /* the standby is the hasty one */
	{ { 1000, 1000 }, { 2, 10 } },
	{ { 1000, 100 }, { 3, 3 } },
	{ { 100, 1000 }, { 3, 3 } },
	{ { 100, 1000 }, { 10, 2 } },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
X29_a_hasty_standby_leaves_a_living_peer_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);
		const uint32_t epoch = status_of(s, A)->group[VGMP_GROUP_ACTIVE].epoch;

		run_ms(s, 30000);
		one_owner(s, A);
		assert_int_equal(s->none_ns, 0);
		assert_int_equal(status_of(s, B)->takeovers, 0);
		/* Nor is the standby held for dead between two of its hellos. */
		assert_int_equal(status_of(s, A)->group[VGMP_GROUP_ACTIVE].epoch, epoch);
		sim_free(s);
	}
}

/* X20: the workers go on until their lease ends. */
static void
X29_no_takeover_before_the_lease_of_the_other_is_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);

		s->box[A].hrp_frozen = true;
		run_ms(s, 15000);
		one_owner(s, B);
		sim_free(s);
	}
}

static void
X29_a_fault_is_handed_over_all_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);

		set_link(s, A, 0, false);
		run_ms(s, 50);
		one_owner(s, B);
		sim_free(s);
	}
}

static void
R210_both_boxes_tell_that_they_differ(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);

		assert_true(status_of(s, A)->hello_mismatch > 0);
		assert_true(status_of(s, B)->hello_mismatch > 0);
		sim_free(s);
	}
}

/* One vrid too many is in the same group on both boxes, the others are opposite. */
static void
R210_one_vrid_in_the_same_group_is_told_as_long_as_it_is(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start(s, A); /* Active group alone */
	box_start_sharing(s, B);
	run_ms(s, 10000);
	for (int i = 0; i < 100; i++) {
		run_ms(s, 70);
		assert_true(status_of(s, A)->mispaired);
		assert_false(status_of(s, B)->mispaired);
	}
	box_kill(s, B);
	box_start(s, B); /* set right */
	run_ms(s, 10000);
	assert_false(status_of(s, A)->mispaired);
	sim_free(s);
}

/* A box that is set right counts as such with its first hello. */
static void
X29_what_is_set_right_ends_it(void **state)
{
	struct sim *const s = formed_with(rows[0].hello_ms, rows[0].misses);
	uint64_t told;

	(void)state;
	box_kill(s, A);
	s->misses = 2;
	run_ms(s, 11000);
	one_owner_after(s, B);
	box_start(s, A);
	run_ms(s, 3000);
	told = status_of(s, B)->hello_mismatch;
	s->none_ns = 0;
	freeze(s, B, true);
	run_ms(s, 3100);
	assert_true(owns(s, A));
	assert_int_equal(status_of(s, B)->hello_mismatch, told);
	sim_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(X29_a_hasty_standby_leaves_a_living_peer_alone),
		cmocka_unit_test(X29_no_takeover_before_the_lease_of_the_other_is_over),
		cmocka_unit_test(X29_a_fault_is_handed_over_all_the_same),
		cmocka_unit_test(R210_both_boxes_tell_that_they_differ),
		cmocka_unit_test(R210_one_vrid_in_the_same_group_is_told_as_long_as_it_is),
		cmocka_unit_test(X29_what_is_set_right_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
