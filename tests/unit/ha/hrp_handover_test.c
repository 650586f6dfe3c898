/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose records two mirrors take as roles change: takeover, hand-over, load sharing.
 */
#include "hrp_mirrors.h"

/* The second box takes over because the first fell silent; that one goes on and does not know. */
static void
replace(uint32_t epoch)
{
	hrp_mirror_groups(end[1].mirror, 1 << 2, epoch, false, now);
	hrp_mirror_role(end[1].mirror, true, false, now);
	run(20);
}

static void
replaced_box_brings_nothing_back(uint32_t older, uint32_t newer)
{
	const uint32_t ended = session_at_a(1), kept = session_at_a(2);

	end[0].epoch = older;
	form();
	replace(newer);
	assert_true(ha_box_kill(&end[1].box, at_b(1)));
	run(20);
	assert_int_equal(at_b(1), SESSION_NONE);
	/* Its keep-alive, a new session, a state, a deletion, a batch, the comparison of parts. */
	session_table_set_dirty(end[0].box.sessions, ended);
	session_at_a(3);
	assert_true(ha_box_kill(&end[0].box, kept));
	hrp_mirror_sync(end[0].mirror);
	run(6000);
	assert_int_equal(at_b(1), SESSION_NONE);
	assert_int_equal(at_b(3), SESSION_NONE);
	assert_int_not_equal(at_b(2), SESSION_NONE);
	assert_int_equal(ha_box_ctl(&end[1].box, at_b(2)) & SESSION_F_REMOTE, 0);
	assert_true(refused_by_epoch(1) > 0);
	/* It is heard again, and claims the same role still, by an older epoch. */
	const uint64_t before = refused_by_epoch(1);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, newer, true, now); /* said again, it is no news */
	run(1000);
	assert_int_equal(at_b(1), SESSION_NONE);
	assert_int_equal(at_b(3), SESSION_NONE);
	assert_true(refused_by_epoch(1) > before);
	/* It knows now: it is standby, and filled. */
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(1500);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_int_equal(at_b(1), SESSION_NONE);
	assert_int_equal(table(1, 0).there, 1);
}

static void
HAC07_a_session_that_has_ended_does_not_come_back_from_a_box_that_was_replaced(void **state)
{
	(void)state;
	replaced_box_brings_nothing_back(7, 8);
}

static void
HAC07_nor_does_it_where_role_epochs_go_round(void **state)
{
	(void)state;
	replaced_box_brings_nothing_back(UINT32_MAX, 0);
}

/* What is on its way reaches the second box, which has the role, before or after it has heard that
 * the first is standby; this it heard before it took the role (T10), or not (T5). */
static void
hand_over(bool heard_before, bool late)
{
	form();
	session_at_a(2);
	run(500);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	end[1].deaf = true;
	session_at_a(1);
	run(10);
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	if (heard_before)
		hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	end[1].deaf = false;
	if (!late)
		run(50);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(50);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_not_equal(at_b(2), SESSION_NONE);
	assert_int_equal(refused_by_epoch(1), 0);
}

/* The first box has handed over, and knows it, but its HRP core goes on: it is heard for as long as
 * something may be on its way, no longer. */
static void
HAC07_who_has_handed_over_is_heard_for_a_while_only(void **state)
{
	(void)state;
	form();
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	end[0].epoch = 2;
	session_at_a(1);
	run(100);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	run(250);
	session_at_a(3);
	run(100);
	assert_int_equal(at_b(3), SESSION_NONE);
	assert_true(refused_by_epoch(1) > 0);
}

static void
a_change_on_its_way_at_a_hand_over_is_taken(void **state)
{
	(void)state;
	form();
	const struct session_tuple4 t = ha_box_tuple(3, IPPROTO_TCP);
	const uint32_t index = ha_box_session(&end[0].box, &t, SESSION_TCP_SYN_SENT, 0, now);

	session_table_set_dirty(end[0].box.sessions, index);
	run(500);
	assert_int_equal(
		ha_box_ctl(&end[1].box, at_b(3)) & SESSION_STATE_MASK, SESSION_TCP_SYN_SENT);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	end[1].deaf = true;
	run(2);
	/* The old box drains: the SYN-ACK passes there. */
	atomic_fetch_xor(&ha_box_at(&end[0].box, index)->ctl,
		SESSION_TCP_SYN_SENT ^ SESSION_TCP_ESTABLISHED);
	session_table_set_dirty(end[0].box.sessions, index);
	run(8);
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	end[1].deaf = false;
	run(20);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(100);
	assert_int_equal(
		ha_box_ctl(&end[1].box, at_b(3)) & SESSION_STATE_MASK, SESSION_TCP_ESTABLISHED);
}

static void
what_is_on_its_way_at_a_hand_over_is_taken(void **state)
{
	(void)state;
	hand_over(false, true);
}

static void
what_arrives_before_the_end_of_a_hand_over_is_heard_is_taken(void **state)
{
	(void)state;
	hand_over(false, false);
}

static void
what_is_on_its_way_when_the_role_is_given_on_request_is_taken(void **state)
{
	(void)state;
	hand_over(true, true);
}

/* Of what is on its way to the second box no records arrive. */
static void
lose_records(void)
{
	uint32_t kept = queue[1].out;
	struct hrp_header h;

	for (uint32_t i = queue[1].out; i != queue[1].in; i++) {
		const uint8_t *const m = queue[1].bytes[i % QUEUE];

		memcpy(&h, m + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
		if (h.op == HRP_OP_ADD)
			continue;
		memmove(queue[1].bytes[kept % QUEUE], m, queue[1].len[i % QUEUE]);
		queue[1].len[kept++ % QUEUE] = queue[1].len[i % QUEUE];
	}
	queue[1].in = kept;
}

/* The first word of a session is lost, and comes again when the second box has told all that it
 * has: it ends nowhere. */
static void
what_is_lost_on_its_way_at_a_hand_over_is_taken(void **state)
{
	(void)state;
	form();
	session_at_a(2);
	run(500);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	end[1].deaf = true;
	session_at_a(1);
	run(8);
	hrp_mirror_groups(end[0].mirror, 0, 0, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_groups(end[1].mirror, 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	run(8);
	lose_records();
	end[1].deaf = false;
	run(1000);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_not_equal(at_b(2), SESSION_NONE);
	assert_int_equal(session_table_count(end[0].box.sessions), 2);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

/* Load sharing: each has a role of its own. */
static void
share(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		hrp_mirror_groups(end[i].mirror, 1 << 1, 1, true, now);
		hrp_mirror_role(end[i].mirror, true, true, now);
		hrp_mirror_peer(end[i].mirror, 1, VGMP_ACTIVE, now);
	}
	run(500);
}

/* R110: each has a role of its own, so that no epoch is older. */
static void
with_load_sharing_both_are_heard_whatever_the_epochs(void **state)
{
	(void)state;
	end[0].epoch = 1;
	hrp_mirror_groups(end[0].mirror, 1 << 1, 1, true, now);
	hrp_mirror_groups(end[1].mirror, 1 << 1, 9, true, now);
	for (unsigned int i = 0; i < 2; i++) {
		hrp_mirror_role(end[i].mirror, true, true, now);
		hrp_mirror_peer(end[i].mirror, 1, VGMP_ACTIVE, now);
	}
	run(500);
	session_at_a(1);
	run(50);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_equal(refused_by_epoch(1), 0);
}

/* Both ends begin at once, each by another box: each has the session from its side.  It is one. */
static void
X39_a_flow_that_both_ends_begin_at_once_is_of_both_boxes(void **state)
{
	struct session_tuple4 t[2] = { ha_box_tuple(1, IPPROTO_UDP) };
	uint32_t at[2];

	(void)state;
	t[1] = (struct session_tuple4){ .src = t[0].dst,
		.dst = t[0].src,
		.sport = t[0].dport,
		.dport = t[0].sport,
		.proto = IPPROTO_UDP };
	share();
	for (unsigned int i = 0; i < 2; i++) {
		at[i] = ha_box_session(&end[i].box, &t[i], SESSION_UDP_FIRST, 0, now);
		struct session *const s = ha_box_at(&end[i].box, at[i]);
		const uint8_t inside = s->zone[0];

		if (i == 1) {
			s->zone[0] = s->zone[1];
			s->zone[1] = inside;
		}
		session_table_set_dirty(end[i].box.sessions, at[i]);
	}
	run(9000);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ha_box_find(&end[i].box, &t[i]), at[i]);
		assert_int_not_equal(ha_box_ctl(&end[i].box, at[i]) & SESSION_F_SHARED, 0);
		assert_true(hrp_mirror_synchronised(end[i].mirror));
		assert_int_equal(table(i, 0).differing, 0);
		hrp_mirror_sync(end[i].mirror);
	}
	run(1000);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(hrp_mirror_synchronised(end[i].mirror));
	/* The one box ends it, then that has the copy of the other. */
	assert_true(ha_box_kill(&end[0].box, at[0]));
	run(100);
	const uint32_t copy = ha_box_find(&end[0].box, &t[0]);
	assert_int_not_equal(copy, SESSION_NONE);
	assert_int_not_equal(ha_box_ctl(&end[0].box, copy) & SESSION_F_REMOTE, 0);
	assert_int_equal(ha_box_ctl(&end[1].box, at[1]) & SESSION_F_SHARED, 0);
	run(9000);
	assert_int_equal(table(1, 0).differing, 0);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

/* Not of TCP, whose directions are not alike: each box keeps its own. */
static void
X39_a_connection_that_both_ends_open_at_once_stays_a_conflict(void **state)
{
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	const struct session_tuple4 turned = {
		.src = t.dst, .dst = t.src, .sport = t.dport, .dport = t.sport, .proto = t.proto
	};

	(void)state;
	share();
	const uint32_t index =
		ha_box_session(&end[1].box, &turned, SESSION_TCP_ESTABLISHED, 0, now);
	session_at_a(1);
	run(100);
	assert_int_equal(ha_box_ctl(&end[1].box, index) & SESSION_F_SHARED, 0);
	assert_int_equal(table(1, 0).refused, 1);
	assert_false(hrp_mirror_synchronised(end[1].mirror));
}

/* A bulk of the second box is on its way, which leaves out what the first one owns, when this hands
 * its role over: it ends nothing. */
static void
R110_a_bulk_from_before_a_hand_over_ends_nothing(void **state)
{
	(void)state;
	share();
	session_at_a(1);
	run(500);
	end[0].deaf = true;
	hrp_mirror_sync(end[1].mirror);
	run(5);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 1 | 1 << 2, 2, true, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	run(1);
	hrp_mirror_groups(end[0].mirror, 0, 1, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	end[0].deaf = false;
	run(50);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(500);
	assert_int_not_equal(at_b(1), SESSION_NONE);
	assert_int_equal(session_table_count(end[0].box.sessions), 1);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

/* What has ended on the second box before it could say so ends on the first one, too. */
static void
R110_what_ends_as_it_is_handed_over_ends_on_both_boxes(void **state)
{
	(void)state;
	share();
	session_at_a(1);
	run(1000);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE_TO_STANDBY, now);
	hrp_mirror_groups(end[1].mirror, 1 << 1 | 1 << 2, 2, true, now);
	assert_true(ha_box_kill(&end[1].box, at_b(1)));
	run(1);
	hrp_mirror_groups(end[0].mirror, 0, 1, true, now);
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	run(1000);
	assert_int_equal(session_table_count(end[0].box.sessions), 0);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			HAC07_a_session_that_has_ended_does_not_come_back_from_a_box_that_was_replaced,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			HAC07_nor_does_it_where_role_epochs_go_round, setup, teardown),
		cmocka_unit_test_setup_teardown(
			HAC07_who_has_handed_over_is_heard_for_a_while_only, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_change_on_its_way_at_a_hand_over_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_on_its_way_at_a_hand_over_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_arrives_before_the_end_of_a_hand_over_is_heard_is_taken, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_is_on_its_way_when_the_role_is_given_on_request_is_taken, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_is_lost_on_its_way_at_a_hand_over_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			with_load_sharing_both_are_heard_whatever_the_epochs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			R110_what_ends_as_it_is_handed_over_ends_on_both_boxes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			X39_a_flow_that_both_ends_begin_at_once_is_of_both_boxes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			X39_a_connection_that_both_ends_open_at_once_stays_a_conflict, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			R110_a_bulk_from_before_a_hand_over_ends_nothing, setup, teardown),
	};

	test_eal_start(512, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
