/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: members that are asked: ways to hosts (R43) and scripts (R224).
 */
#include "role_sim.h"

extern const struct mon_type mon_type_route, mon_type_script;

struct kind {
	const struct mon_type *type;
	size_t answer; /* in struct box */
	const char *cause;
};

static const struct kind kinds[] = {
	{ &mon_type_route, offsetof(struct box, reaches), "route fault, 1 of 3 members failed" },
	{ &mon_type_script, offsetof(struct box, script), "script fault, 1 of 3 members failed" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
answer(struct sim *s, int which, const struct kind *k, int value)
{
	memcpy((uint8_t *)&s->box[which] + k->answer, &value, sizeof(value));
}

/* Two boxes with such a member each, which works on both. */
static struct sim *
formed_with(const struct kind *k)
{
	struct sim *const s = sim_new(1000, 3);

	s->extra = (struct mon_member){ .type = k->type, .failed = true, .name = "extra" };
	for (int i = A; i <= B; i++) {
		box_start(s, i);
		answer(s, i, k, 1);
	}
	run_ms(s, 3000);
	one_owner(s, A);
	assert_int_equal(priority_of(s, A), 65001);
	s->none_ns = 0;
	return s;
}

static void
R43_R62_R224_a_member_that_fails_moves_the_role(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct sim *const s = formed_with(&kinds[i]);
		const struct role_status *status;

		answer(s, A, &kinds[i], 0);
		run_ms(s, 200);
		one_owner(s, B);
		assert_int_equal(priority_of(s, A), 64999);
		assert_int_equal(s->last_request.op, HA_OP_LET_ME_STANDBY);
		status = status_of(s, A);
		assert_int_equal(status->member_failed[2], 1);
		assert_string_equal(
			status->changes[(status->change_count - 1) % ROLE_CHANGES].cause,
			kinds[i].cause);
		/* Works again: no preemption, so it stays; then the other one fails. */
		answer(s, A, &kinds[i], 1);
		run_ms(s, 5000);
		one_owner(s, B);
		assert_int_equal(priority_of(s, A), 65001);
		answer(s, B, &kinds[i], 0);
		run_ms(s, 200);
		one_owner(s, A);
		assert_int_equal(s->both_ns, 0);
		sim_free(s);
	}
}

static void
what_is_not_known_now_is_as_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct sim *const s = formed_with(&kinds[i]);

		answer(s, A, &kinds[i], -1);
		run_ms(s, 5000);
		one_owner(s, A);
		assert_int_equal(priority_of(s, A), 65001);
		answer(s, A, &kinds[i], 0);
		run_ms(s, 200);
		answer(s, A, &kinds[i], -1);
		run_ms(s, 5000);
		one_owner(s, B);
		assert_int_equal(priority_of(s, A), 64999);
		sim_free(s);
	}
}

/* Until it is known a box does not begin: it would take a role and lose it again.  What has failed
 * is given a second for links and next hops. */
static void
a_box_begins_when_it_knows_its_members(void **state)
{
	static const struct {
		int answer;
		uint32_t before_ms, priority; /* not yet then, but so 100 ms later */
	} rows[] = { { -1, 10, 65001 - 6 }, { 0, 950, 64999 }, { 1, 0, 65001 } };

	(void)state;
	for (size_t i = 0; i < KINDS * 3; i++) {
		const struct kind *const k = &kinds[i / 3];
		struct sim *const s = sim_new(1000, 3);

		s->extra = (struct mon_member){ .type = k->type, .failed = true };
		box_start(s, A);
		answer(s, A, k, rows[i % 3].answer);
		run_ms(s, rows[i % 3].before_ms);
		assert_int_equal(priority_of(s, A), 65001 - 6); /* as created */
		run_ms(s, 100);
		assert_int_equal(priority_of(s, A), rows[i % 3].priority);
		if (rows[i % 3].answer < 0) {
			run_ms(s, 20000);
			assert_false(owns(s, A));
			answer(s, A, k, 1);
		}
		run_ms(s, 4000); /* listening, three hellos */
		one_owner(s, A);
		sim_free(s);
	}
}

static void
a_box_that_never_began_can_leave(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	s->extra = (struct mon_member){ .type = &mon_type_script, .failed = true };
	box_start(s, A);
	answer(s, A, &kinds[1], -1);
	run_ms(s, 1000);
	role_resign(s->box[A].role);
	run_ms(s, 1000);
	assert_true(role_resigned(s->box[A].role));
	assert_false(owns(s, A));
	sim_free(s);
}

static void
R99_a_member_that_fails_during_the_delay_ends_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		struct sim *const s = sim_new(1000, 3);

		s->preempt = true;
		s->preempt_delay_s = 10;
		s->extra = (struct mon_member){ .type = kinds[i].type, .failed = true };
		for (int which = A; which <= B; which++) {
			box_start(s, which);
			answer(s, which, &kinds[i], which == B);
		}
		set_sync(s, true);
		run_ms(s, 5000);
		one_owner(s, B);
		answer(s, A, &kinds[i], 1);
		run_ms(s, 8000);
		answer(s, A, &kinds[i], 0);
		run_ms(s, 200);
		answer(s, A, &kinds[i], 1);
		run_ms(s, 9000);
		one_owner(s, B);
		run_ms(s, 3000);
		one_owner(s, A);
		sim_free(s);
	}
}

/* A box with a fault waits for its peer's sessions, but not for ever: they may never be there. */
static void
R61_a_faulty_active_hands_over_to_a_better_peer_that_cannot_be_filled(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start(s, A);
	run_ms(s, 5000);
	set_link(s, A, 0, false);
	run_ms(s, 10000);
	box_start(s, B);
	run_ms(s, 175000);
	one_owner(s, A);
	run_ms(s, 10000);
	one_owner(s, B);
	assert_int_equal(s->both_ns, 0);
	sim_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R43_R62_R224_a_member_that_fails_moves_the_role),
		cmocka_unit_test(what_is_not_known_now_is_as_before),
		cmocka_unit_test(
			R61_a_faulty_active_hands_over_to_a_better_peer_that_cannot_be_filled),
		cmocka_unit_test(a_box_begins_when_it_knows_its_members),
		cmocka_unit_test(a_box_that_never_began_can_leave),
		cmocka_unit_test(R99_a_member_that_fails_during_the_delay_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
