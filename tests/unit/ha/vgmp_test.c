/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VGMP: every state with every event (R83), and the rows of requirements.md 1.6 by name.
 */
#include "ha_config.h"
#include "vgmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define I  VGMP_INITIALIZE
#define A  VGMP_ACTIVE
#define S  VGMP_STANDBY
#define AS VGMP_ACTIVE_TO_STANDBY
#define SA VGMP_STANDBY_TO_ACTIVE

#define DOWN  VGMP_DO_STEP_DOWN
#define ASK_S VGMP_DO_ASK_STANDBY
#define ASK_A VGMP_DO_ASK_ACTIVE
#define YES   VGMP_DO_SAY_SWITCH
#define NO    VGMP_DO_SAY_NO
#define TAKE  VGMP_DO_TAKE_OVER
#define HEAR  VGMP_DO_LISTEN

struct cell {
	enum vgmp_state next;
	uint8_t action;
};

// clang-format off
static const struct cell expected[VGMP_EVENTS][VGMP_STATES] = {
	/*				Initialize	  Active	      Standby		  Active->Standby     Standby->Active */
	[VGMP_ENABLE_ACTIVE]	    = { { I, HEAR },	  { A, 0 },	      { S, 0 },		  { AS, 0 },	      { SA, 0 } },
	[VGMP_ENABLE_STANDBY]	    = { { S, HEAR },	  { A, 0 },	      { S, 0 },		  { AS, 0 },	      { SA, 0 } },
	[VGMP_DISABLE]		    = { { I, 0 },	  { I, DOWN },	      { I, 0 },		  { I, DOWN },	      { I, 0 } },
	[VGMP_FENCED]		    = { { I, HEAR },	  { I, DOWN | HEAR }, { S, HEAR },	  { I, DOWN | HEAR }, { S, HEAR } },
	[VGMP_MEMBER_FAILED]	    = { { I, 0 },	  { AS, ASK_S },      { S, 0 },		  { AS, 0 },	      { SA, 0 } },
	[VGMP_PREEMPT]		    = { { I, 0 },	  { A, 0 },	      { SA, ASK_A },	  { AS, 0 },	      { SA, 0 } },
	[VGMP_ASKED_STANDBY_HIGHER] = { { I, 0 },	  { A, YES },	      { A, YES | TAKE },  { A, YES },	      { A, YES | TAKE } },
	[VGMP_ASKED_STANDBY_LOWER]  = { { I, 0 },	  { A, YES },	      { S, NO },	  { AS, NO },	      { SA, NO } },
	[VGMP_ASKED_ACTIVE_LOWER]   = { { S, YES },	  { S, DOWN | YES },  { S, YES },	  { S, DOWN | YES },  { S, YES } },
	[VGMP_ASKED_ACTIVE_HIGHER]  = { { I, NO },	  { A, NO },	      { S, NO },	  { AS, NO },	      { SA, NO } },
	[VGMP_ANSWER_SWITCH]	    = { { I, 0 },	  { A, 0 },	      { S, 0 },		  { S, DOWN },	      { A, TAKE } },
	[VGMP_ANSWER_NO]	    = { { I, 0 },	  { A, 0 },	      { S, 0 },		  { A, 0 },	      { S, 0 } },
	[VGMP_NO_ANSWER]	    = { { I, 0 },	  { A, 0 },	      { S, 0 },		  { A, 0 },	      { S, 0 } },
	[VGMP_PEER_ACTIVE]	    = { { S, 0 },	  { A, 0 },	      { S, 0 },		  { S, DOWN },	      { SA, 0 } },
	[VGMP_PEER_IDLE]	    = { { A, TAKE },	  { A, 0 },	      { S, 0 },		  { AS, 0 },	      { SA, 0 } },
	[VGMP_PEER_GONE]	    = { { A, TAKE },	  { A, 0 },	      { A, TAKE },	  { AS, 0 },	      { A, TAKE } },
	[VGMP_PEER_WINS]	    = { { I, 0 },	  { S, DOWN },	      { S, 0 },		  { S, DOWN },	      { SA, 0 } },
};
// clang-format on

static void
R83_every_state_and_event_is_as_listed(void **state)
{
	(void)state;
	for (unsigned int e = 0; e < VGMP_EVENTS; e++) {
		for (unsigned int s = 0; s < VGMP_STATES; s++) {
			enum vgmp_state next;
			const struct vgmp_row *const r =
				vgmp_step((enum vgmp_state)s, (enum vgmp_event)e, &next);
			const struct cell *const want = &expected[e][s];

			if (next != want->next || r->action != want->action)
				fail_msg("%s on \"%s\": -> %s, actions %#x; expected %s, %#x",
					vgmp_state_names[s], vgmp_event_names[e],
					vgmp_state_names[next], r->action,
					vgmp_state_names[want->next], want->action);
		}
	}
}

static void
R83_every_pair_has_exactly_one_row(void **state)
{
	unsigned int seen[VGMP_EVENTS][VGMP_STATES] = { 0 }, count;
	const struct vgmp_row *const rows = vgmp_rows(&count);

	(void)state;
	for (unsigned int i = 0; i < count; i++) {
		assert_true(rows[i].event < VGMP_EVENTS);
		assert_true(rows[i].next <= VGMP_SAME);
		assert_true(rows[i].states < 1u << VGMP_STATES);
		for (unsigned int s = 0; s < VGMP_STATES; s++)
			seen[rows[i].event][s] += rows[i].states >> s & 1;
	}
	for (unsigned int e = 0; e < VGMP_EVENTS; e++)
		for (unsigned int s = 0; s < VGMP_STATES; s++)
			assert_int_equal(seen[e][s], 1);
}

static void
every_state_and_event_has_a_name(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < VGMP_STATES; s++)
		assert_non_null(vgmp_state_names[s]);
	for (unsigned int e = 0; e < VGMP_EVENTS; e++)
		assert_non_null(vgmp_event_names[e]);
}

/* Whoever owns the addresses gives them up exactly when it leaves the owning states, and only takes
 * them when it enters them. */
static void
addresses_follow_the_state(void **state)
{
	(void)state;
	for (unsigned int e = 0; e < VGMP_EVENTS; e++) {
		for (unsigned int s = 0; s < VGMP_STATES; s++) {
			enum vgmp_state next;
			const struct vgmp_row *const r =
				vgmp_step((enum vgmp_state)s, (enum vgmp_event)e, &next);
			const bool before = vgmp_owns((enum vgmp_state)s), after = vgmp_owns(next);

			assert_int_equal((r->action & DOWN) != 0, before && !after);
			assert_int_equal((r->action & TAKE) != 0, !before && after);
		}
	}
}

static void
step(enum vgmp_state from, enum vgmp_event e, enum vgmp_state to, uint8_t action, const char *rule)
{
	enum vgmp_state next;
	const struct vgmp_row *const r = vgmp_step(from, e, &next);

	assert_int_equal(next, to);
	assert_int_equal(r->action, action);
	assert_string_equal(r->rule, rule);
}

static void
R67_users_see_three_states(void **state)
{
	static const enum vgmp_state shown[VGMP_STATES] = { I, A, S, A, S };

	(void)state;
	for (unsigned int s = 0; s < VGMP_STATES; s++)
		assert_int_equal(vgmp_shown((enum vgmp_state)s), shown[s]);
}

static void
R68_T1_enabling_hot_standby_starts_in_Initialize(void **state)
{
	(void)state;
	assert_int_equal(VGMP_INITIALIZE, 0); /* as created */
	step(I, VGMP_ENABLE_ACTIVE, I, HEAR, "T1");
}

static void
R69_T2_the_active_group_becomes_Active(void **state)
{
	(void)state;
	step(I, VGMP_PEER_IDLE, A, TAKE, "T2");
	step(I, VGMP_PEER_GONE, A, TAKE, "T2");
}

static void
R70_T3_the_standby_group_becomes_Standby(void **state)
{
	(void)state;
	step(I, VGMP_ENABLE_STANDBY, S, HEAR, "T3");
	step(I, VGMP_PEER_ACTIVE, S, 0, "T3");
}

static void
R71_T4_member_fails(void **state)
{
	(void)state;
	step(A, VGMP_MEMBER_FAILED, AS, ASK_S, "T4");
}

static void
R72_T5_request_and_we_are_higher(void **state)
{
	(void)state;
	step(S, VGMP_ASKED_STANDBY_HIGHER, A, YES | TAKE, "T5");
}

static void
R73_T6_acknowledgement_says_switch(void **state)
{
	(void)state;
	step(AS, VGMP_ANSWER_SWITCH, S, DOWN, "T6");
}

static void
R74_T7_no_switch_or_no_answer(void **state)
{
	(void)state;
	step(AS, VGMP_ANSWER_NO, A, 0, "T7");
	step(AS, VGMP_NO_ANSWER, A, 0, "T7");
}

static void
R75_T8_preempt(void **state)
{
	(void)state;
	step(S, VGMP_PREEMPT, SA, ASK_A, "T8");
}

static void
R76_T9_request_and_peer_is_higher(void **state)
{
	(void)state;
	step(A, VGMP_ASKED_ACTIVE_LOWER, S, DOWN | YES, "T9");
}

static void
R77_T10_preemption_complete(void **state)
{
	(void)state;
	step(SA, VGMP_ANSWER_SWITCH, A, TAKE, "T10");
}

static void
R78_T11_preemption_refused_or_unanswered(void **state)
{
	(void)state;
	step(SA, VGMP_ANSWER_NO, S, 0, "T11");
	step(SA, VGMP_NO_ANSWER, S, 0, "T11");
}

static void
R79_T12_missed_hellos(void **state)
{
	(void)state;
	step(S, VGMP_PEER_GONE, A, TAKE, "T12");
}

static void
R80_R81_member_fails_while_standby_or_on_the_way(void **state)
{
	(void)state;
	step(S, VGMP_MEMBER_FAILED, S, 0, "R80");
	step(AS, VGMP_MEMBER_FAILED, AS, 0, "R81");
}

static void
R65_nothing_enabled_stays_Initialize(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < VGMP_STATES; s++) {
		enum vgmp_state next;

		vgmp_step((enum vgmp_state)s, VGMP_DISABLE, &next);
		assert_int_equal(next, I);
	}
}

static void
R84_of_two_actives_exactly_one_yields(void **state)
{
	static const uint32_t values[] = { 0, 1, 2, 64999, 65000, 65001, 0x7fffffff, 0xffffffff };
	const size_t n = sizeof(values) / sizeof(values[0]);

	(void)state;
	for (size_t e1 = 0; e1 < n; e1++)
		for (size_t e2 = 0; e2 < n; e2++)
			for (size_t p1 = 0; p1 < n; p1++)
				for (size_t p2 = 0; p2 < n; p2++) {
					const bool active_yields = vgmp_peer_wins(false, values[e1],
						values[p1], values[e2], values[p2]);
					const bool standby_yields = vgmp_peer_wins(true, values[e2],
						values[p2], values[e1], values[p1]);

					assert_int_not_equal(active_yields, standby_yields);
				}
	/* Same epoch: the lower priority; same priority: the Standby group. */
	assert_true(vgmp_peer_wins(false, 3, 64999, 3, 65000));
	assert_false(vgmp_peer_wins(false, 3, 65001, 3, 65000));
	assert_true(vgmp_peer_wins(true, 3, 65000, 3, 65000));
	/* A newer epoch stays whatever the priority. */
	assert_true(vgmp_peer_wins(false, 3, 65001, 4, 65000));
	assert_true(vgmp_peer_wins(false, UINT32_MAX, 65001, 1, 65000));
}

static void
the_newer_epoch_of_two(void **state)
{
	(void)state;
	assert_int_equal(vgmp_newest_epoch(0, 0), 0);
	assert_int_equal(vgmp_newest_epoch(3, 7), 7);
	assert_int_equal(vgmp_newest_epoch(7, 3), 7);
	assert_int_equal(vgmp_newest_epoch(UINT32_MAX, UINT32_MAX - 5), UINT32_MAX);
	assert_int_equal(vgmp_newest_epoch(UINT32_MAX, 2), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R83_every_state_and_event_is_as_listed),
		cmocka_unit_test(R83_every_pair_has_exactly_one_row),
		cmocka_unit_test(every_state_and_event_has_a_name),
		cmocka_unit_test(addresses_follow_the_state),
		cmocka_unit_test(R67_users_see_three_states),
		cmocka_unit_test(R68_T1_enabling_hot_standby_starts_in_Initialize),
		cmocka_unit_test(R69_T2_the_active_group_becomes_Active),
		cmocka_unit_test(R70_T3_the_standby_group_becomes_Standby),
		cmocka_unit_test(R71_T4_member_fails),
		cmocka_unit_test(R72_T5_request_and_we_are_higher),
		cmocka_unit_test(R73_T6_acknowledgement_says_switch),
		cmocka_unit_test(R74_T7_no_switch_or_no_answer),
		cmocka_unit_test(R75_T8_preempt),
		cmocka_unit_test(R76_T9_request_and_peer_is_higher),
		cmocka_unit_test(R77_T10_preemption_complete),
		cmocka_unit_test(R78_T11_preemption_refused_or_unanswered),
		cmocka_unit_test(R79_T12_missed_hellos),
		cmocka_unit_test(R80_R81_member_fails_while_standby_or_on_the_way),
		cmocka_unit_test(R65_nothing_enabled_stays_Initialize),
		cmocka_unit_test(R84_of_two_actives_exactly_one_yields),
		cmocka_unit_test(the_newer_epoch_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
