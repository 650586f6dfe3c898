/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: split brain: what is told, and who gives way (R174, R176, R177, X10).
 */
#include "ha_constants.h"
#include "role_sim.h"

#define ADVERT_MS 1000

static const uint32_t hellos[] = { 20, 100, 1000 };
#define HELLOS (sizeof(hellos) / sizeof(hellos[0]))

static struct sim *
lan_formed(uint32_t hello_ms, uint32_t misses, bool yield)
{
	struct sim *const s = sim_new(hello_ms, misses);

	s->lan = true;
	s->yield = yield;
	box_start(s, A);
	box_start(s, B);
	run_ms(s, 3 * (uint64_t)hello_ms);
	assert_true(owns(s, A));
	s->none_ns = s->both_ns = 0;
	return s;
}

static void
cut(struct sim *s, bool on)
{
	s->wire[A] = s->wire[B] = !on;
}

static uint8_t
split_of(const struct sim *s, int which)
{
	return status_of(s, which)->split;
}

static uint64_t
ms_until_owner(struct sim *s, int which, uint64_t limit)
{
	const mono_t start = s->now;

	while (!owns(s, which) && mono_since_ms(s->now, start) < limit)
		step(s);
	assert_true(owns(s, which));
	return mono_since_ms(s->now, start);
}

static void
R174_both_active_is_told_on_both_with_its_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < HELLOS; i++) {
		struct sim *const s = lan_formed(hellos[i], 3, false);

		cut(s, true);
		run_ms(s, 4 * (uint64_t)hellos[i] + ADVERT_MS);
		for (int box = A; box <= B; box++) {
			const struct role_status *const st = status_of(s, box);

			assert_true(owns(s, box)); /* the operator's choice */
			assert_int_equal(st->split, ROLE_SPLIT_BOTH);
			assert_int_equal(st->splits, 1);
			assert_non_null(strstr(st->split_cause, "hb0 no carrier"));
			assert_non_null(strstr(st->split_cause,
				box == A ? "adverts of 10.1.1.3" : "adverts of 10.1.1.2"));
			assert_true(s->box[box].relearns > 1);
		}
		cut(s, false);
		run_ms(s, 3 * (uint64_t)hellos[i]);
		for (int box = A; box <= B; box++) {
			assert_int_equal(split_of(s, box), ROLE_SPLIT_NONE);
			assert_string_equal(status_of(s, box)->split_cause, "");
			assert_int_equal(status_of(s, box)->splits, 1);
		}
		s->both_ns = 0;
		run_ms(s, 5000);
		one_owner(s, A);
		sim_free(s);
	}
}

/* X11: nothing at all is heard, and the other box has given up before this one hears it again. */
static void
X11_who_stays_takes_up_what_went_by_the_other_box(void **state)
{
	(void)state;
	for (size_t i = 0; i < HELLOS; i++) {
		struct sim *const s = lan_formed(hellos[i], 3, false);

		s->lan = false;
		cut(s, true);
		run_ms(s, 5 * (uint64_t)hellos[i]);
		assert_true(owns(s, A) && owns(s, B));
		const uint32_t relearns = s->box[A].relearns, announces = s->box[A].announces;

		s->wire[A] = true; /* B hears, and yields */
		run_ms(s, 2 * (uint64_t)hellos[i]);
		assert_false(owns(s, B));
		s->both_ns = 0;
		cut(s, false);
		run_ms(s, 5 * (uint64_t)hellos[i]);
		one_owner(s, A);
		assert_int_equal(s->box[A].relearns, relearns + 1);
		assert_true(s->box[A].announces > announces);
		sim_free(s);
	}
}

/* From its start on nobody hears it, but for one answer; it hears the peer, which is a little late.
 */
static void
T2_a_box_that_hears_its_peer_but_no_answer_lets_it_go_first(void **state)
{
	(void)state;
	for (uint32_t after_ms = 10; after_ms <= 90; after_ms += 10) {
		struct sim *const s = sim_new(100, 3);

		s->wire[A] = false;
		box_start(s, A);
		run_ms(s, after_ms);
		box_start(s, B);
		s->wire[A] = true; /* B asks, and is answered */
		run_ms(s, 5);
		s->wire[A] = false;
		run_ms(s, 290);
		s->box[B].control_frozen = true;
		run_ms(s, 30);
		s->box[B].control_frozen = false;
		run_ms(s, 2000);
		one_owner(s, B);
		s->wire[A] = true;
		run_ms(s, 1000);
		one_owner(s, B);
		assert_int_equal(s->both_ns, 0);
		sim_free(s);
	}
}

/* The heartbeat works: whatever else is heard is a hand-over, or a stranger. */
static void
R174_no_alarm_without_a_split(void **state)
{
	(void)state;
	for (int yield = 0; yield < 2; yield++) {
		struct sim *s = lan_formed(100, 3, yield);

		set_sync(s, true);
		run_ms(s, 2000);
		assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_DONE);
		run_ms(s, 2000);
		set_link(s, B, 0, false); /* and back, for a fault */
		run_ms(s, 2000);
		one_owner_after(s, A);
		for (int box = A; box <= B; box++)
			assert_int_equal(
				status_of(s, box)->splits + status_of(s, box)->splits_averted, 0);
		assert_int_equal(s->box[A].questions + s->box[B].questions, 0);
		/* A dead peer is none either. */
		set_link(s, B, 0, true);
		run_ms(s, 2000);
		box_kill(s, A);
		run_ms(s, 5000);
		one_owner_after(s, B);
		assert_int_equal(status_of(s, B)->splits + status_of(s, B)->splits_averted, 0);
		sim_free(s);
	}
}

static void
send_advert(struct sim *s, int to, uint8_t priority, rte_be32_t address)
{
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	const struct vrrp_advert a = { .version = 2,
		.vrid = 1,
		.priority = priority,
		.interval_ms = 1000,
		.source = ip_addr_v4(RTE_BE32(0x0a010109)),
		.count = 1,
		.addresses = { ip_addr_v4(address) } };
	const uint16_t len = vrrp_wire_build(frame, &a);

	role_vrrp(s->box[to].role, 0, frame + 14, (uint16_t)(len - 14), s->now);
}

/* Another router with our number is no peer of ours: that has a line of its own. */
static void
R174_a_stranger_with_our_vrid_is_no_split(void **state)
{
	struct sim *const s = lan_formed(100, 3, true);

	(void)state;
	box_kill(s, A);
	run_ms(s, 1000);
	one_owner_after(s, B);
	send_advert(s, B, 200, RTE_BE32(0x0a010101));
	send_advert(s, B, VRRP_PRIORITY_VGMP, RTE_BE32(0x0a010163));
	run_ms(s, 100);
	assert_int_equal(split_of(s, B), ROLE_SPLIT_NONE);
	one_owner_after(s, B);
	send_advert(s, B, VRRP_PRIORITY_VGMP, RTE_BE32(0x0a010101));
	assert_false(owns(s, B)); /* while this is what the other box would say */
	sim_free(s);
}

/* X10: never two owners, and the one stays whose role it is. */
static void
X10_with_yield_the_standby_asks_and_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < HELLOS; i++) {
		for (uint32_t misses = 2; misses <= 3; misses++) {
			struct sim *const s = lan_formed(hellos[i], misses, true);

			run_ms(s, hellos[i] / 3);
			cut(s, true);
			run_ms(s, 40 * (uint64_t)hellos[i]);
			one_owner(s, A);
			assert_int_equal(s->none_ns, 0);
			assert_int_equal(split_of(s, A), ROLE_SPLIT_NONE);
			assert_int_equal(split_of(s, B), ROLE_SPLIT_AVERTED);
			assert_int_equal(status_of(s, B)->splits_averted, 1);
			assert_non_null(strstr(status_of(s, B)->split_cause, "hb0 no carrier"));
			/* Two of a question a half interval, and no more. */
			assert_in_range(s->box[B].questions, 2 * 60, 2 * 3 * 40);
			cut(s, false);
			run_ms(s, 5 * (uint64_t)hellos[i]);
			one_owner(s, A);
			assert_int_equal(split_of(s, B), ROLE_SPLIT_NONE);
			assert_int_equal(status_of(s, B)->takeovers, 0);
			sim_free(s);
		}
	}
}

/* Whoever is dead is found: at once by the heartbeat, an interval later while it is cut. */
static void
R177_with_yield_a_death_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < HELLOS; i++) {
		for (int was_cut = 0; was_cut < 2; was_cut++) {
			const uint32_t h = hellos[i];
			struct sim *const s = lan_formed(h, 3, true);
			uint64_t ms;

			cut(s, was_cut != 0);
			run_ms(s, was_cut ? 10 * (uint64_t)h + h / 3 : h / 3);
			box_kill(s, A);
			ms = ms_until_owner(s, B, 10 * (uint64_t)h);
			if (was_cut)
				assert_in_range(ms, 3 * h + h / 4, 4 * h + h / 10);
			else
				assert_in_range(ms, 2 * h, 3 * h + h / 10);
			assert_int_equal(s->both_ns, 0);
			run_ms(s, 20);
			assert_int_equal(split_of(s, B), ROLE_SPLIT_NONE);
			sim_free(s);
		}
	}
}

/* The lease holds as well when answers are the sign of life: whatever stops for however long. */
static void
R84_with_yield_a_box_that_stops_is_silent_before_it_is_replaced(void **state)
{
	static const char *const what[] = { "box", "control", "hrp" };

	(void)state;
	for (uint32_t part = 0; part < 3; part++) {
		for (uint32_t tenths = 5; tenths < 60; tenths += 3) {
			struct sim *const s = lan_formed(100, 3, true);
			struct box *const a = &s->box[A];

			cut(s, true);
			run_ms(s, 1000 + tenths);
			a->control_frozen = part != 2;
			a->hrp_frozen = part != 1;
			run_ms(s, tenths * 10);
			a->control_frozen = a->hrp_frozen = false;
			run_ms(s, 2000);
			if (s->both_ns != 0)
				fail_msg("%s stopped for %u ms: two owners for %u us", what[part],
					tenths * 10, (uint32_t)(s->both_ns / NS_PER_US));
			assert_true(owns(s, A) != owns(s, B));
			sim_free(s);
		}
	}
}

/* Questions are lost, adverts are not: the standby group gives way at the first that it hears. */
static void
R174_with_yield_the_standby_group_gives_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < HELLOS; i++) {
		struct sim *const s = lan_formed(hellos[i], 3, true);

		s->lan_deaf = true;
		cut(s, true);
		run_ms(s, 4 * (uint64_t)hellos[i]);
		one_owner_after(s, A);
		assert_true(s->both_ns <= 20 * s->step_ns + 10 * NS_PER_MS);
		assert_int_equal(status_of(s, B)->splits, 1);
		assert_int_equal(split_of(s, B), ROLE_SPLIT_AVERTED);
		assert_true(s->box[A].relearns > 1);
		/* Adverts are what it goes by now. */
		s->both_ns = 0;
		run_ms(s, 10000);
		one_owner(s, A);
		box_kill(s, A);
		assert_in_range(ms_until_owner(s, B, 10000), 3 * hellos[i] + ADVERT_MS,
			4 * hellos[i] + 2 * ADVERT_MS);
		sim_free(s);
	}
}

/* Who starts without a heartbeat finds the other active, and does not disturb it. */
static void
R177_with_yield_a_start_without_heartbeat_waits(void **state)
{
	struct sim *const s = lan_formed(100, 3, true);

	(void)state;
	box_kill(s, A);
	run_ms(s, 1000);
	one_owner_after(s, B);
	cut(s, true);
	s->both_ns = 0;
	box_start(s, A);
	run_ms(s, 5000);
	one_owner(s, B);
	assert_int_equal(state_of(s, A), VGMP_STANDBY);
	assert_int_equal(split_of(s, A), ROLE_SPLIT_AVERTED);
	box_kill(s, B);
	run_ms(s, 1000);
	one_owner(s, A);
	sim_free(s);
}

static void
R36_with_yield_a_resignation_is_taken_at_its_word_once_nobody_answers(void **state)
{
	struct sim *const s = lan_formed(1000, 3, true);
	uint64_t ms;

	(void)state;
	cut(s, true);
	run_ms(s, 10000);
	/* A forged one does no harm. */
	send_advert(s, B, VRRP_PRIORITY_RESIGN, RTE_BE32(0x0a010101));
	run_ms(s, 5000);
	one_owner(s, A);
	role_resign(s->box[A].role);
	ms = ms_until_owner(s, B, 5000);
	assert_in_range(ms, 250, 1000); /* asked for a quarter of an interval */
	assert_int_equal(s->both_ns, 0);
	sim_free(s);
}

/* The way out by hand, on either box. */
static void
R174_the_operator_holds_one_box(void **state)
{
	(void)state;
	for (int held = A; held <= B; held++) {
		struct sim *const s = lan_formed(100, 3, false);

		cut(s, true);
		assert_int_equal(
			role_hold(s->box[A].role, true, s->now), ROLE_REFUSED_NOT_SYNCHRONISED);
		run_ms(s, 1500);
		assert_int_equal(split_of(s, held), ROLE_SPLIT_BOTH);
		assert_int_equal(role_hold(s->box[held].role, true, s->now), ROLE_DONE);
		s->both_ns = 0;
		run_ms(s, 10000);
		one_owner(s, 1 - held);
		assert_int_equal(split_of(s, held), ROLE_SPLIT_AVERTED);
		assert_int_equal(split_of(s, 1 - held), ROLE_SPLIT_NONE);
		/* Held or not, it is there when the other dies. */
		box_kill(s, 1 - held);
		run_ms(s, 1000);
		one_owner(s, held);
		sim_free(s);
	}
}

static void
R174_alone_there_is_no_way_out(void **state)
{
	struct sim *const s = lan_formed(100, 3, false);

	(void)state;
	box_kill(s, B);
	run_ms(s, 5000);
	assert_int_equal(role_hold(s->box[A].role, true, s->now), ROLE_REFUSED_NO_PEER);
	one_owner(s, A);
	sim_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R174_both_active_is_told_on_both_with_its_cause),
		cmocka_unit_test(X11_who_stays_takes_up_what_went_by_the_other_box),
		cmocka_unit_test(T2_a_box_that_hears_its_peer_but_no_answer_lets_it_go_first),
		cmocka_unit_test(R174_no_alarm_without_a_split),
		cmocka_unit_test(R174_a_stranger_with_our_vrid_is_no_split),
		cmocka_unit_test(X10_with_yield_the_standby_asks_and_waits),
		cmocka_unit_test(R177_with_yield_a_death_is_found),
		cmocka_unit_test(R84_with_yield_a_box_that_stops_is_silent_before_it_is_replaced),
		cmocka_unit_test(R174_with_yield_the_standby_group_gives_way),
		cmocka_unit_test(R177_with_yield_a_start_without_heartbeat_waits),
		cmocka_unit_test(
			R36_with_yield_a_resignation_is_taken_at_its_word_once_nobody_answers),
		cmocka_unit_test(R174_the_operator_holds_one_box),
		cmocka_unit_test(R174_alone_there_is_no_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
