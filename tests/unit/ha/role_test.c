/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: formation, faults, pauses, split brain, leaving (R47-R102, X16-X20).
 */
#include "role_sim.h"

/* ---- formation ---- */

static void
R85_R89_formation(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start(s, A);
	box_start(s, B);
	run_ms(s, 500);
	/* The peer answered that it is Standby: no waiting for silence. */
	one_owner(s, A);
	assert_int_equal(state_of(s, A), VGMP_ACTIVE);
	assert_int_equal(state_of(s, B), VGMP_STANDBY);
	assert_true(s->box[A].own[0] && s->box[A].own[2]); /* R86 */
	assert_false(s->box[B].own[0] || s->box[B].own[2]);
	assert_int_equal(s->box[A].takeovers, 2); /* R87: an announcement each */
	assert_int_equal(s->box[A].adverts, 2);	  /* R31: at once */
	assert_int_equal(s->box[B].adverts, 0);
	run_ms(s, 20000);
	one_owner(s, A);
	assert_in_range(s->box[A].adverts, 40, 44); /* R31: then every second */
	assert_int_equal(s->box[B].adverts, 0);
	assert_int_equal(status_of(s, B)->group[VGMP_GROUP_STANDBY].peer_priority, 65001);
	assert_int_equal(status_of(s, A)->takeovers, 1);
	assert_int_equal(status_of(s, B)->takeovers, 0);
	assert_true(role_owning(s->box[A].role));
	assert_false(role_owning(s->box[B].role));
	sim_free(s);
}

static void
an_active_group_alone_listens_for_misses_hellos_first(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start(s, A);
	run_ms(s, 2900);
	assert_false(owns(s, A));
	assert_int_equal(s->box[A].adverts, 0);
	run_ms(s, 200);
	one_owner(s, A);
	/* The peer comes up later: nothing changes. */
	box_start(s, B);
	run_ms(s, 10000);
	one_owner(s, A);
	assert_int_equal(state_of(s, B), VGMP_STANDBY);
	sim_free(s);
}

static void
a_standby_group_alone_takes_over_after_misses_hellos(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start(s, B);
	run_ms(s, 2900);
	assert_int_equal(state_of(s, B), VGMP_STANDBY);
	assert_false(owns(s, B));
	run_ms(s, 200);
	one_owner(s, B);
	/* R96: the Active group comes later and finds an Active peer: it stays Standby. */
	box_start(s, A);
	run_ms(s, 10000);
	one_owner(s, B);
	assert_int_equal(state_of(s, A), VGMP_STANDBY);
	sim_free(s);
}

static void
listening_waits_until_the_hrp_core_runs(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start(s, A);
	s->box[A].hrp_frozen = true;
	run_ms(s, 20000);
	assert_false(owns(s, A));
	s->box[A].hrp_frozen = false;
	run_ms(s, 2900);
	assert_false(owns(s, A));
	run_ms(s, 300);
	one_owner(s, A);
	sim_free(s);
}

/* It cannot have heard the answer: the peer owns the addresses. */
static void
R74_a_deaf_box_does_not_take_back_what_it_has_asked_to_give_away(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	set_link(s, A, 0, false);
	step(s); /* the request has left, the answer has not been read */
	s->box[A].hrp_frozen = true;
	run_ms(s, 20000);
	one_owner(s, B);
	s->box[A].hrp_frozen = false;
	run_ms(s, 5000);
	one_owner(s, B);
	assert_int_equal(state_of(s, A), VGMP_STANDBY);
	sim_free(s);
}

/* ---- interface fault ---- */

static void
R61_R90_R94_interface_fault_hands_over_at_once(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	s->step_ns = NS_PER_MS / 10;
	set_link(s, A, 0, false);
	/* R90: the request leaves in the same turn. */
	step(s);
	assert_int_equal(s->last_request.mode, HA_REQUEST);
	assert_int_equal(s->last_request.op, HA_OP_LET_ME_STANDBY);
	assert_int_equal(s->last_request.state, VGMP_ACTIVE_TO_STANDBY);
	assert_int_equal(rte_be_to_cpu_32(s->last_request.priority), 64999);
	assert_int_equal(rte_be_to_cpu_16(s->last_request.failed), 1);
	run_ms(s, 2);
	/* R91, R92 */
	assert_true(owns(s, B));
	assert_false(owns(s, A));
	assert_int_equal(s->last_reply.result, HA_RESULT_SWITCH);
	assert_int_equal(rte_be_to_cpu_32(s->last_reply.priority), 65000);
	assert_true(s->box[B].own[0] && s->box[B].own[2]);
	assert_false(s->box[A].own[0] || s->box[A].own[2]);
	assert_int_equal(s->box[B].takeovers, 2);
	/* Never two owners; none for the way of the request. */
	assert_int_equal(s->both_ns, 0);
	assert_true(s->none_ns <= NS_PER_MS);
	run_ms(s, 20000);
	assert_int_equal(state_of(s, A), VGMP_STANDBY);
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_INITIALIZE); /* R92 */
	assert_int_equal(status_of(s, A)->vrrp[1].state, VRRP_BACKUP);
	assert_int_equal(s->requests, 1);
	one_owner(s, B); /* R94: its hellos keep A quiet */
	sim_free(s);
}

static void
R80_fault_of_the_standby_only_lowers_its_priority(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	set_link(s, B, 0, false);
	run_ms(s, 5000);
	one_owner(s, A);
	assert_int_equal(s->requests, 0);
	assert_int_equal(priority_of(s, B), 64998);
	assert_int_equal(status_of(s, A)->group[VGMP_GROUP_ACTIVE].peer_priority, 64998);
	/* Now A fails too, less than B: it asks and is refused (R74). */
	set_link(s, A, 0, false);
	run_ms(s, 100);
	one_owner(s, A);
	assert_int_equal(s->last_reply.result, HA_RESULT_NO_SWITCH);
	assert_int_equal(state_of(s, A), VGMP_ACTIVE);
	sim_free(s);
}

static void
R74_R82_three_unanswered_requests_with_one_id_then_active_again(void **state)
{
	struct sim *const s = formed(1000, 3);
	uint16_t id;

	(void)state;
	box_kill(s, B);
	set_link(s, A, 0, false);
	run_ms(s, 500);
	id = s->last_request.request_id;
	assert_int_equal(s->requests, 1);
	run_ms(s, 1000);
	assert_int_equal(s->requests, 2);
	assert_int_equal(s->last_request.request_id, id);
	set_link(
		s, A, 2, false); /* R81: the next retry carries the new priority: another request */
	run_ms(s, 1000);
	assert_int_equal(s->requests, 3);
	assert_int_not_equal(s->last_request.request_id, id);
	assert_int_equal(rte_be_to_cpu_32(s->last_request.priority), 64997);
	set_link(s, A, 2, true);
	run_ms(s, 1000);
	assert_int_equal(s->requests, 3);
	assert_int_equal(state_of(s, A), VGMP_ACTIVE); /* C13 */
	one_owner(s, A);
	sim_free(s);
}

static void
a_faulty_active_hands_over_when_a_better_peer_has_synchronised(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	box_kill(s, B);
	set_link(s, A, 0, false);
	run_ms(s, 10000);
	one_owner(s, A);
	box_start(s, B);
	run_ms(s, 10000);
	one_owner(s, A); /* X23: not before the sessions are there */
	set_sync(s, true);
	run_ms(s, 100);
	assert_true(owns(s, B));
	assert_false(owns(s, A));
	sim_free(s);
}

static void
a_lost_acknowledgement_does_not_leave_two_owners(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	s->wire[B] = false;
	set_link(s, A, 0, false);
	run_ms(s, 100);
	s->wire[B] = true;
	s->both_ns = 0;
	run_ms(s, 1100); /* the next hello or retry settles it */
	assert_true(owns(s, B));
	assert_false(owns(s, A));
	assert_int_equal(state_of(s, A), VGMP_STANDBY);
	sim_free(s);
}

/* ---- device fault ---- */

static void
R95_R96_dead_device_and_return_without_preemption(void **state)
{
	static const uint32_t rows[][2] = { { 1000, 3 }, { 100, 3 }, { 10, 2 }, { 500, 10 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *const s = formed(rows[i][0], rows[i][1]);
		const uint64_t h = rows[i][0], n = rows[i][1];

		run_ms(s, h * 7 + h / 3);
		box_kill(s, A);
		s->none_ns = 0;
		run_ms(s, h * n + h);
		one_owner(s, B);
		/* Between (N - 1) x H and N x H after the death, plus two turns. */
		assert_in_range(
			s->none_ns, (n - 1) * h * NS_PER_MS, n * h * NS_PER_MS + 3 * s->step_ns);
		box_start(s, A);
		run_ms(s, h * 30);
		one_owner(s, B);
		assert_int_equal(state_of(s, A), VGMP_STANDBY);
		sim_free(s);
	}
}

static void
R97_R101_preemption_after_delay_and_synchronisation(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	s->preempt = true;
	s->preempt_delay_s = 60;
	box_start(s, A);
	box_start(s, B);
	run_ms(s, 3000);
	set_link(s, A, 0, false);
	run_ms(s, 1000);
	assert_true(owns(s, B));
	s->both_ns = s->none_ns = 0;
	set_link(s, A, 0, true); /* R97 */
	run_ms(s, 20000);
	assert_int_equal(priority_of(s, A), 65001);
	set_link(s, A, 2, false); /* R99: a fault during the delay cancels it */
	run_ms(s, 1000);
	set_link(s, A, 2, true);
	run_ms(s, 59000);
	one_owner(s, B);
	run_ms(s, 5000); /* R102: delay over, sessions not yet complete */
	one_owner(s, B);
	set_sync(s, true);
	run_ms(s, 100);
	assert_int_equal(s->last_request.op, HA_OP_LET_ME_ACTIVE); /* R100 */
	assert_int_equal(rte_be_to_cpu_32(s->last_request.priority), 65001);
	assert_int_equal(s->last_reply.result, HA_RESULT_SWITCH);
	one_owner(s, A); /* R101 */
	assert_true(s->none_ns <= 5 * s->step_ns);
	run_ms(s, 20000);
	one_owner(s, A);
	sim_free(s);
}

static void
a_restarted_active_leaves_the_role_to_the_box_that_holds_the_sessions(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	set_sync(s, true);
	run_ms(s, 5000);
	box_kill(s, A);
	run_ms(s, 300); /* quicker than the detection */
	box_start(s, A);
	run_ms(s, 100);
	one_owner(s, B);
	assert_int_equal(state_of(s, A), VGMP_STANDBY);
	run_ms(s, 10000);
	one_owner(s, B);
	sim_free(s);
}

/* ---- pauses and lease ---- */

static void
X18_a_stopped_active_is_silent_before_the_peer_takes_over_and_stays_so(void **state)
{
	static const uint32_t stop_ms[] = { 150, 299, 301, 500, 5000, 60000 };

	(void)state;
	for (size_t i = 0; i < sizeof(stop_ms) / sizeof(stop_ms[0]); i++) {
		for (uint32_t phase = 0; phase < 100; phase += 7) {
			struct sim *const s = formed(100, 3);
			uint32_t adverts, takeovers;

			set_sync(s, true);
			run_ms(s, 1000 + phase);
			freeze(s, A, true);
			run_ms(s, stop_ms[i]);
			assert_int_equal(s->both_ns, 0);
			adverts = s->box[A].adverts;
			takeovers = s->box[A].takeovers;
			freeze(s, A, false);
			run_ms(s, 1000);
			assert_int_equal(s->both_ns, 0);
			assert_true(owns(s, A) != owns(s, B));
			if (stop_ms[i] > 300) {
				assert_true(owns(s, B));
				assert_int_equal(s->box[A].adverts, adverts);
				assert_int_equal(s->box[A].takeovers, takeovers);
				assert_int_equal(state_of(s, A), VGMP_STANDBY);
				assert_int_equal(status_of(s, A)->fences, 1);
			}
			sim_free(s);
		}
	}
}

static void
X20_a_frozen_control_core_or_hrp_core_fences_the_box(void **state)
{
	(void)state;
	for (int core = 0; core < 2; core++) {
		for (uint32_t phase = 0; phase < 100; phase += 7) {
			struct sim *const s = formed(100, 3);

			run_ms(s, 1000 + phase);
			if (core == 0)
				s->box[A].control_frozen = true;
			else
				s->box[A].hrp_frozen = true;
			run_ms(s, 10000);
			one_owner(s, B);
			s->box[A].control_frozen = s->box[A].hrp_frozen = false;
			run_ms(s, 1000);
			one_owner(s, B);
			assert_int_equal(state_of(s, A), VGMP_STANDBY);
			sim_free(s);
		}
	}
}

static void
a_standby_that_was_deaf_does_not_take_over(void **state)
{
	(void)state;
	for (int what = 0; what < 3; what++) {
		struct sim *const s = formed(100, 3);

		run_ms(s, 1050);
		if (what != 1)
			s->box[B].control_frozen = true;
		if (what != 0)
			s->box[B].hrp_frozen = true;
		run_ms(s, 5000);
		s->box[B].control_frozen = s->box[B].hrp_frozen = false;
		run_ms(s, 5000);
		one_owner(s, A);
		assert_int_equal(status_of(s, B)->takeovers, 0);
		/* And it still works. */
		box_kill(s, A);
		run_ms(s, 400);
		one_owner(s, B);
		sim_free(s);
	}
}

static void
old_messages_read_after_a_pause_do_not_make_a_box_active(void **state)
{
	struct sim *const s = formed(100, 3);

	(void)state;
	/* A stops; its receive queue fills with "I am Standby" and then "I am Active" of B. */
	run_ms(s, 1000);
	freeze(s, A, true);
	run_ms(s, 2000);
	assert_true(owns(s, B));
	/* B dies while A still sleeps; A wakes and reads all of it. */
	box_kill(s, B);
	run_ms(s, 100);
	s->box[B].dead = true;
	freeze(s, A, false);
	run_ms(s, 250); /* not before a whole silence of its own waking time */
	assert_false(owns(s, A));
	run_ms(s, 200);
	assert_true(owns(s, A));
	sim_free(s);
}

static void
a_short_pause_changes_nothing(void **state)
{
	struct sim *const s = formed(100, 3);

	(void)state;
	for (int i = 0; i < 50; i++) {
		freeze(s, A, true);
		run_ms(s, 120);
		freeze(s, A, false);
		freeze(s, B, i % 3 == 0);
		run_ms(s, 137);
		freeze(s, B, false);
		run_ms(s, 31);
	}
	one_owner(s, A);
	assert_int_equal(status_of(s, A)->fences, 0);
	assert_int_equal(s->none_ns, 0);
	sim_free(s);
}

static void
X19_a_stuck_worker_hands_over(void **state)
{
	struct sim *const s = formed(100, 3);

	(void)state;
	s->box[A].worker_frozen = true;
	run_ms(s, 900);
	assert_true(owns(s, A));
	run_ms(s, 200);
	assert_true(owns(s, B));
	assert_false(owns(s, A));
	assert_int_equal(priority_of(s, A), 0);
	s->box[A].worker_frozen = false;
	run_ms(s, 1000);
	assert_int_equal(priority_of(s, A), 65001);
	assert_true(owns(s, B));
	sim_free(s);
}

/* ---- split brain ---- */

static void
R84_split_brain_heals_with_the_higher_priority(void **state)
{
	(void)state;
	for (int faulty = 0; faulty < 2; faulty++) {
		struct sim *const s = formed(100, 3);
		const int stays = faulty ? B : A;

		run_ms(s, 1000);
		s->wire[A] = s->wire[B] = false;
		run_ms(s, 2000);
		assert_true(owns(s, A) && owns(s, B)); /* unavoidable (R174) */
		if (faulty) {
			set_link(s, A, 0, false);
			run_ms(s, 1000);
		}
		s->wire[A] = s->wire[B] = true;
		run_ms(s, 110);
		assert_true(owns(s, stays));
		assert_false(owns(s, 1 - stays));
		s->both_ns = 0;
		run_ms(s, 5000);
		one_owner(s, stays);
		sim_free(s);
	}
}

static void
a_one_way_heartbeat_leaves_one_owner(void **state)
{
	(void)state;
	for (int cut = A; cut <= B; cut++) {
		struct sim *const s = formed(100, 3);

		run_ms(s, 1000);
		s->wire[cut] = false;
		run_ms(s, 2000);
		/* Whoever hears a newer Active peer yields, though nobody hears it. */
		assert_true(owns(s, A) != owns(s, B));
		s->both_ns = 0;
		run_ms(s, 5000);
		assert_int_equal(s->both_ns, 0);
		sim_free(s);
	}
}

/* ---- leaving ---- */

static void
resign_hands_over_and_stays_out(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	role_resign(s->box[A].role);
	run_ms(s, 200);
	assert_true(role_resigned(s->box[A].role));
	assert_true(owns(s, B));
	assert_false(owns(s, A));
	assert_int_equal(s->both_ns, 0);
	assert_true(s->none_ns <= 20 * NS_PER_MS); /* two steps of the simulation */
	run_ms(s, 10000);
	one_owner(s, B);
	assert_int_equal(s->box[A].lease.ns, 0);
	sim_free(s);
}

static void
R36_resign_without_a_peer_sends_priority_0(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	box_kill(s, B);
	run_ms(s, 500); /* not even known to be dead */
	role_resign(s->box[A].role);
	run_ms(s, 700);
	assert_true(role_resigned(s->box[A].role)); /* well within 2 s */
	assert_int_equal(s->box[A].resigns, 2);
	assert_false(owns(s, A));
	sim_free(s);
}

static void
resign_of_a_standby_does_nothing_to_the_active(void **state)
{
	struct sim *const s = formed(1000, 3);

	(void)state;
	role_resign(s->box[B].role);
	run_ms(s, 100);
	assert_true(role_resigned(s->box[B].role));
	assert_int_equal(s->box[B].resigns, 0);
	run_ms(s, 10000);
	one_owner(s, A);
	sim_free(s);
}

/* ---- load sharing ---- */

static void
owns_vrids(const struct sim *s, int which, bool v1, bool v2, bool v3, bool v4)
{
	const bool want[5] = { false, v1, v2, v3, v4 };

	assert_memory_equal(s->box[which].own_vrid, want, sizeof(want));
}

/* FW1.Active with FW2.Standby, FW2.Active with FW1.Standby; members belong to both groups. */
static void
R60_each_active_group_is_paired_with_the_standby_group_of_the_other(void **state)
{
	static const struct {
		int link_of; /* box whose first interface is down, -1 = none */
		uint32_t active[2], standby[2];
	} rows[] = { { -1, { 65001, 65001 }, { 65000, 65000 } },
		{ A, { 64997, 65001 }, { 64996, 65000 } },
		{ B, { 65001, 64997 }, { 65000, 64996 } } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *const s = sim_new(1000, 3);

		box_start_sharing(s, A);
		box_start_sharing(s, B);
		run_ms(s, 5000);
		if (rows[i].link_of >= 0) {
			/* both interfaces: one member of each group on each */
			set_link(s, rows[i].link_of, 0, false);
			set_link(s, rows[i].link_of, 2, false);
			run_ms(s, 5000);
		}
		for (int box = A; box <= B; box++) {
			const struct role_status *const st = status_of(s, box);
			const struct role_group_status *const active =
				&st->group[VGMP_GROUP_ACTIVE];
			const struct role_group_status *const standby =
				&st->group[VGMP_GROUP_STANDBY];

			assert_true(active->enabled && standby->enabled);
			assert_int_equal(active->members, 2);
			assert_int_equal(standby->members, 2);
			assert_int_equal(active->priority, rows[i].active[box]);
			assert_int_equal(standby->priority, rows[i].standby[box]);
			/* Each group hears of the opposite group of the peer, never of its like. */
			assert_int_equal(active->peer_priority, rows[i].standby[!box]);
			assert_int_equal(standby->peer_priority, rows[i].active[!box]);
			assert_int_not_equal(active->state, active->peer_state);
			assert_int_not_equal(standby->state, standby->peer_state);
		}
		sim_free(s);
	}
}

static void
R105_R108_R109_load_sharing(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start_sharing(s, A);
	box_start_sharing(s, B);
	run_ms(s, 10000);
	owns_vrids(s, A, true, false, true, false); /* R105 */
	owns_vrids(s, B, false, true, false, true);
	assert_true(s->now.ns < s->box[A].lease.ns && s->now.ns < s->box[B].lease.ns);
	set_link(s, A, 0, false); /* R108: 64999 < 65000; 64998 < 65001 */
	run_ms(s, 5000);
	owns_vrids(s, A, false, false, false, false);
	owns_vrids(s, B, true, true, true, true);
	assert_int_equal(s->box[A].lease.ns, 0);
	set_link(s, A, 0, true);
	run_ms(s, 5000);
	owns_vrids(s, B, true, true, true, true); /* no preemption */
	box_kill(s, B);
	run_ms(s, 4000);
	owns_vrids(s, A, true, true, true, true);
	sim_free(s);
}

/* ---- IPv6 ---- */

/* R31, R36, R52 for IPv6: with each advert of a group that has an address of it goes one of
 * version 3, once there is a link-local address to send it from. */
static void
VRP01_the_active_alone_advertises_its_address_of_ipv6(void **state)
{
	static const uint8_t link_local[2][IP6_LEN] = { { 0xfe, 0x80, [15] = 2 },
		{ 0xfe, 0x80, [15] = 3 } };
	struct sim *const s = formed(1000, 3);
	struct box *const a = &s->box[A], *const b = &s->box[B];
	struct vrrp_advert advert;

	(void)state;
	run_ms(s, 3000);
	assert_int_equal(a->adverts6, 0);
	a->link_local = link_local[A];
	b->link_local = link_local[B];
	a->adverts = 0;
	run_ms(s, 5000);
	assert_in_range(a->adverts6, 4, 6);
	assert_int_equal(a->adverts, 2 * a->adverts6); /* both groups, one of them of IPv6 too */
	assert_int_equal(b->adverts6, 0);
	assert_int_equal(
		vrrp_wire_check(a->last6 + 14, (uint16_t)(a->last6_len - 14), &advert), VRRP_OK);
	assert_int_equal(advert.vrid, 1);
	assert_int_equal(advert.priority, 120);
	assert_int_equal(advert.interval_ms, 1000);
	assert_memory_equal(advert.source.v6, link_local[A], IP6_LEN);
	assert_memory_equal(advert.addresses[0].v6, virtual6, IP6_LEN);

	box_kill(s, A);
	run_ms(s, 3 * 1000 + 1000);
	assert_true(owns(s, B));
	assert_in_range(b->adverts6, 1, 2);
	assert_memory_equal(b->last6 + 22, link_local[B], IP6_LEN);
	role_resign(b->role);
	run_ms(s, 30);
	assert_int_equal(b->resigns6, 1);
	assert_int_equal(b->resigns, VRIDS);
	sim_free(s);
}

static void
VRP06_an_advert_of_ipv6_decides_nothing(void **state)
{
	static const struct {
		uint8_t vrid, priority;
		uint16_t interface, interval_ms;
		enum vrrp_refusal why;
		uint32_t conflicts;
	} rows[] = {
		{ 1, 255, 0, 1000, VRRP_OK, 1 },
		{ 1, 0, 0, 1000, VRRP_OK, 0 },
		{ 1, 255, 0, 2000, VRRP_OK, 1 }, /* version 3: learned (RFC 9568 7.1) */
		{ 1, 255, 0, 0, VRRP_REFUSED_interval, 0 },
		{ 1, 255, 2, 1000, VRRP_REFUSED_vrid, 0 }, /* on the other interface */
		{ 2, 255, 2, 1000, VRRP_REFUSED_vrid, 0 }, /* has no address of IPv6 */
		{ 9, 255, 0, 1000, VRRP_REFUSED_vrid, 0 },
	};
	static const uint8_t stranger[IP6_LEN] = { 0xfe, 0x80, [15] = 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *const s = formed(1000, 3);
		uint8_t frame[VRRP_WIRE_FRAME_MAX];
		const struct role_status *st;
		const struct vrrp_advert a = { .version = 3,
			.vrid = rows[i].vrid,
			.priority = rows[i].priority,
			.interval_ms = rows[i].interval_ms,
			.source = ip_addr_v6(stranger),
			.count = 1,
			.addresses = { ip_addr_v6(virtual6) } };
		const uint16_t len = vrrp_wire_build(frame, &a);

		s->now.ns += s->step_ns;
		role_vrrp(s->box[A].role, rows[i].interface, frame + 14, (uint16_t)(len - 14),
			s->now);
		role_vrrp(s->box[A].role, 0, frame + 14, 3, s->now); /* cut */
		run_ms(s, 5000);
		one_owner(s, A);
		st = status_of(s, A);
		for (int why = VRRP_OK + 1; why < VRRP_REFUSAL_COUNT; why++)
			assert_int_equal(st->adverts_refused[why],
				(why == (int)rows[i].why) + (why == VRRP_REFUSED_ip));
		assert_int_equal(st->vrrp[0].adverts6_in, rows[i].why == VRRP_OK);
		assert_int_equal(st->vrrp[0].conflicts, rows[i].conflicts);
		/* R250: told for as long as it goes on, and a little longer. */
		assert_int_equal(role_rival(s->box[A].role, st, 0, s->now), rows[i].conflicts);
		run_ms(s, 6000);
		assert_false(role_rival(s->box[A].role, st, 0, s->now));
		sim_free(s);
	}
}

/* ---- everything together ---- */

static uint32_t
random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)(*x >> 32);
}

/* One random thing at a time, over and over.  The heartbeat stays whole, so there are never two
 * owners, and there is one soon after the disturbance. */
static void
never_two_owners_while_the_heartbeat_is_whole(void **state)
{
	uint64_t x = UINT64_C(0x123456789abcdef);

	(void)state;
	for (uint32_t round = 0; round < 400; round++) {
		struct sim *const s = formed(100, 2 + round % 4);

		s->preempt = round % 2;
		set_sync(s, round % 3 != 0);
		for (int k = 0; k < 8; k++) {
			const int who = random_next(&x) % 2;
			const uint32_t for_ms = random_next(&x) % 1200;

			run_ms(s, random_next(&x) % 300);
			switch (random_next(&x) % 6) {
			case 0:
				freeze(s, who, true);
				run_ms(s, for_ms);
				freeze(s, who, false);
				break;
			case 1:
				s->box[who].control_frozen = true;
				run_ms(s, for_ms);
				s->box[who].control_frozen = false;
				break;
			case 2:
				s->box[who].hrp_frozen = true;
				run_ms(s, for_ms);
				s->box[who].hrp_frozen = false;
				break;
			case 3:
				set_link(s, who, 0, false);
				run_ms(s, for_ms);
				set_link(s, who, 0, true);
				break;
			case 4:
				box_kill(s, who);
				run_ms(s, for_ms);
				box_start(s, who);
				break;
			case 5: /* both at once, as when a host is suspended */
				freeze(s, A, true);
				freeze(s, B, true);
				run_ms(s, for_ms);
				freeze(s, A, false);
				freeze(s, B, false);
				break;
			}
			if (s->longest_both_ns > 0)
				fail_msg("round %u.%d: two owners for %u us", round, k,
					(uint32_t)(s->longest_both_ns / 1000));
		}
		run_ms(s, (s->misses + 4) * 100);
		if (owns(s, A) == owns(s, B))
			fail_msg("round %u: %d and %d", round, owns(s, A), owns(s, B));
		sim_free(s);
	}
}

/* ---- plain VRRP ---- */

static void
without_hrp_the_lease_never_ends_and_VRRP_elects(void **state)
{
	struct sim *const s = sim_new(1000, 3);
	struct box *const b = &s->box[A];
	static struct mon none;
	struct vrrp v;
	struct role_params p = { .paired = false,
		.hello_ms = 1000,
		.misses = 3,
		.vrrps = &v,
		.vrrp_count = 1,
		.members = &none,
		.ops = { .ctx = b,
			.lease = op_lease,
			.own = op_own,
			.link_up = op_link_up,
			.address = op_address,
			.send = op_send,
			.send_to = op_send_to,
			.hrp_turns = op_hrp_turns } };

	(void)state;
	const struct vrrp_setup setup = vrrp_of(1, 0, VGMP_GROUP_NONE);

	vrrp_init(&v, &setup);
	b->link[0] = true;
	b->dead = false;
	b->address = RTE_BE32(0x0a010102);
	b->role = role_create(&p);
	for (int ms = 0; ms < 3610; ms++) {
		s->now.ns += NS_PER_MS;
		role_tick(b->role, s->now);
		assert_false(b->own[0]);
	}
	assert_int_equal(b->lease.ns, UINT64_MAX);
	s->now.ns += NS_PER_MS;
	role_tick(b->role, s->now);
	s->now.ns += NS_PER_MS;
	role_tick(b->role, s->now);
	assert_true(b->own[0]);
	role_resign(b->role);
	for (int ms = 0; ms < 3; ms++) {
		s->now.ns += NS_PER_MS;
		role_tick(b->role, s->now);
	}
	assert_int_equal(b->resigns, 1);
	assert_true(role_resigned(b->role));
	sim_free(s);
}

/* Box B sleeps while box A dies and comes back, and wakes when box A has listened for almost as
 * long as it does; what box A asked before is lost.  Box A says that it is not Active: so it gives
 * box B, which holds all sessions, the time to begin. */
static void
T2_who_has_said_that_it_is_not_active_waits_once_more(void **state)
{
	const uint32_t hello = 100;

	(void)state;
	for (uint32_t woken = 10; woken < hello; woken += 10) {
		struct sim *const s = formed(hello, 3);

		set_sync(s, true);
		run_ms(s, 2 * hello);
		freeze(s, B, true);
		box_kill(s, A);
		run_ms(s, 8 * hello);
		box_start(s, A);
		s->wire[A] = false;
		run_ms(s, 2 * hello + woken);
		assert_int_equal(state_of(s, A), VGMP_INITIALIZE);
		s->box[B].nic.head = s->box[B].nic.tail;
		s->wire[A] = true;
		freeze(s, B, false);
		s->both_ns = 0;
		run_ms(s, 10 * hello);
		assert_int_equal(s->both_ns, 0);
		assert_true(owns(s, A) != owns(s, B));
		sim_free(s);
	}
}

/* Box B has taken over, its answer is lost, and box A is whole again before it asks once more: its
 * request now has the higher priority.  Box B is Active and says so. */
static void
R82_who_has_taken_over_does_not_decline_the_next_request(void **state)
{
	const uint32_t hello = 100;
	struct sim *const s = formed(hello, 3);

	(void)state;
	run_ms(s, hello / 2); /* its request comes between two hellos of box B */
	s->wire[B] = false;
	set_link(s, A, 0, false);
	run_ms(s, hello - 10);
	assert_true(owns(s, B));
	set_link(s, A, 0, true);
	s->wire[B] = true;
	run_ms(s, 10 * hello);
	assert_int_equal(s->both_ns, 0);
	one_owner(s, B);
	sim_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R85_R89_formation),
		cmocka_unit_test(an_active_group_alone_listens_for_misses_hellos_first),
		cmocka_unit_test(a_standby_group_alone_takes_over_after_misses_hellos),
		cmocka_unit_test(listening_waits_until_the_hrp_core_runs),
		cmocka_unit_test(R74_a_deaf_box_does_not_take_back_what_it_has_asked_to_give_away),
		cmocka_unit_test(R61_R90_R94_interface_fault_hands_over_at_once),
		cmocka_unit_test(R80_fault_of_the_standby_only_lowers_its_priority),
		cmocka_unit_test(R74_R82_three_unanswered_requests_with_one_id_then_active_again),
		cmocka_unit_test(a_faulty_active_hands_over_when_a_better_peer_has_synchronised),
		cmocka_unit_test(a_lost_acknowledgement_does_not_leave_two_owners),
		cmocka_unit_test(R95_R96_dead_device_and_return_without_preemption),
		cmocka_unit_test(R97_R101_preemption_after_delay_and_synchronisation),
		cmocka_unit_test(
			a_restarted_active_leaves_the_role_to_the_box_that_holds_the_sessions),
		cmocka_unit_test(
			X18_a_stopped_active_is_silent_before_the_peer_takes_over_and_stays_so),
		cmocka_unit_test(X20_a_frozen_control_core_or_hrp_core_fences_the_box),
		cmocka_unit_test(a_standby_that_was_deaf_does_not_take_over),
		cmocka_unit_test(old_messages_read_after_a_pause_do_not_make_a_box_active),
		cmocka_unit_test(a_short_pause_changes_nothing),
		cmocka_unit_test(X19_a_stuck_worker_hands_over),
		cmocka_unit_test(R84_split_brain_heals_with_the_higher_priority),
		cmocka_unit_test(a_one_way_heartbeat_leaves_one_owner),
		cmocka_unit_test(resign_hands_over_and_stays_out),
		cmocka_unit_test(R36_resign_without_a_peer_sends_priority_0),
		cmocka_unit_test(resign_of_a_standby_does_nothing_to_the_active),
		cmocka_unit_test(
			R60_each_active_group_is_paired_with_the_standby_group_of_the_other),
		cmocka_unit_test(R105_R108_R109_load_sharing),
		cmocka_unit_test(VRP01_the_active_alone_advertises_its_address_of_ipv6),
		cmocka_unit_test(VRP06_an_advert_of_ipv6_decides_nothing),
		cmocka_unit_test(T2_who_has_said_that_it_is_not_active_waits_once_more),
		cmocka_unit_test(R82_who_has_taken_over_does_not_decline_the_next_request),
		cmocka_unit_test(never_two_owners_while_the_heartbeat_is_whole),
		cmocka_unit_test(without_hrp_the_lease_never_ends_and_VRRP_elects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
