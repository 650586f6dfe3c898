/* SPDX-License-Identifier: BSD-3-Clause */
/* Which tables travel, also to a peer of an earlier version, and how they are proved and repaired.
 */
#include "hrp_check.h"
#include "hrp_mirrors.h"
#include "worker.h"

static void
R186_every_table_has_its_own_bulk_and_proof(void **state)
{
	(void)state;
	session_at_a(1);
	for (uint16_t i = 1; i <= 100; i++)
		expect_at(0, i);
	form();
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_int_equal(expected(1), 100);
	expect_at(0, 2000);
	run(20);
	assert_int_equal(expected(1), 101);
	for (unsigned int i = 0; i < 2; i++) {
		const struct hrp_table_status a = table(0, i), b = table(1, i);

		assert_int_equal(a.bulk_out, HRP_BULK_EQUAL);
		assert_int_equal(b.bulk_in, HRP_BULK_EQUAL);
		assert_int_equal(a.there, i == 0 ? 1 : 100);
		assert_int_equal(a.told, i == 0 ? 1 : 101);
		assert_int_equal(b.copies, a.there);
		assert_int_equal(b.entries, a.told);
		assert_int_equal(a.bulks_out, 1);
		assert_true(a.bulk_ns != 0 && b.bulk_ns != 0 && a.unacked == 0);
		assert_true(a.lag_max_us >= a.lag_median_us && a.lag_median_us > 0);
	}
}

static void
a_peer_of_an_earlier_version_gets_sessions_only(void **state)
{
	(void)state;
	end[1].older = true;
	session_at_a(1);
	expect_at(0, 2000);
	form();
	expect_at(0, 2001);
	session_at_a(2);
	run(100);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror)); /* nothing more will come */
	assert_int_equal(session_table_count(end[1].box.sessions), 2);
	assert_int_equal(expected(1), 0);
	assert_int_equal(table(0, 1).bulk_out, HRP_BULK_UNTAKEN);
	assert_int_equal(table(0, 1).bulks_out, 0);
	/* It is replaced by one that takes all: a new stream. */
	end[1].older = false;
	hrp_mirror_role(end[0].mirror, true, false, now);
	hrp_mirror_link(end[1].mirror, false);
	hrp_mirror_role(end[1].mirror, false, false, now);
	run(10);
	hrp_mirror_link(end[1].mirror, true);
	form();
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_int_equal(expected(1), 2);
	assert_int_equal(table(0, 1).bulk_out, HRP_BULK_EQUAL);
}

/* A bulk waits until what a dead peer has left is taken over: for one walk of each table, whatever
 * their sizes. */
static void
a_bulk_waits_for_one_walk_of_each_table(void **state)
{
	(void)state;
	session_at_a(1);
	expect_at(0, 2000);
	hrp_mirror_role(end[0].mirror, true, true, now);
	hrp_mirror_role(end[1].mirror, false, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
	run(100); /* of 250 us a turn: a walk of the sessions takes 62 */
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
}

/* The roles change, and a command is at the blacklist in that very moment. */
static void
a_takeover_ends_though_a_table_was_held_for_a_turn(void **state)
{
	struct blacklist *const list = engine_blacklist(end[1].box.engine);

	(void)state;
	form();
	hrp_mirror_role(end[0].mirror, false, true, now);
	hrp_mirror_peer(end[1].mirror, 1, VGMP_STANDBY, now);
	hrp_mirror_role(end[1].mirror, true, true, now);
	hrp_mirror_peer(end[0].mirror, 2, VGMP_ACTIVE, now);
	assert_true(blacklist_hold(list));
	hrp_mirror_poll(end[1].mirror, now);
	blacklist_let_go(list);
	run(1000);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_true(hrp_mirror_synchronised(end[0].mirror));
}

static void
R197_a_batch_repairs_what_has_drifted(void **state)
{
	uint16_t generation;
	struct servermap_entry e;

	(void)state;
	session_at_a(1);
	session_at_a(2);
	for (uint16_t i = 1; i <= 10; i++)
		expect_at(0, i);
	hrp_mirror_sync(end[0].mirror); /* nothing to say yet */
	form();
	/* Somebody has taken the peer's copies away. */
	struct servermap *map = engine_servermap(end[1].box.engine);
	assert_true(servermap_look(map, 3, &e, &generation));
	servermap_drop(map, 3, generation, NULL, NULL);
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	assert_true(ha_box_kill(&end[1].box, ha_box_find(&end[1].box, &t)));
	run(100);
	assert_int_equal(expected(1), 9);
	assert_int_equal(session_table_count(end[1].box.sessions), 1);
	hrp_mirror_sync(end[1].mirror); /* the standby has nothing to say */
	hrp_mirror_sync(end[0].mirror);
	assert_false(hrp_mirror_synchronised(end[0].mirror));
	run(500);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_int_equal(expected(1), 10);
	assert_int_equal(session_table_count(end[1].box.sessions), 2);
	assert_int_equal(table(0, 0).bulks_out, 2);
	assert_int_equal(table(1, 1).bulks_in, 2);
	assert_int_equal(table(1, 0).swept, 0);
}

/* The standby could not take all, and the active box knows. */
static bool
both_lack(void)
{
	return !hrp_mirror_synchronised(end[0].mirror) && !hrp_mirror_synchronised(end[1].mirror) &&
	       table(0, 0).bulk_out == HRP_BULK_LACKING && table(1, 0).bulk_in == HRP_BULK_LACKING;
}

/* The message that says so may be lost: another follows. */
static void
R97_an_active_box_learns_that_its_standby_lacks_a_session_also_after_a_loss(void **state)
{
	(void)state;
	form();
	for (uint32_t i = 0; i < SMALL + 50; i++)
		session_at_a(i + 1);
	end[0].deaf = true;
	run(100);
	assert_false(hrp_mirror_synchronised(end[1].mirror));
	queue[0].out = queue[0].in;
	end[0].deaf = false;
	run(1);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	run(500);
	assert_true(both_lack());
}

/* What the peer had no room for comes when there is room, without a bulk. */
static void
R197_a_part_that_stays_different_is_told_again_later(void **state)
{
	uint32_t at[SMALL + 50];

	(void)state;
	form();
	for (uint32_t i = 0; i < RTE_DIM(at); i++)
		at[i] = session_at_a(i + 1);
	run(9000);
	const uint64_t in_vain = table(0, 0).unrepaired;
	assert_true(in_vain > 0);
	assert_true(both_lack());
	for (uint32_t i = 0; i < 100; i++)
		assert_true(ha_box_kill(&end[0].box, at[i]));
	run(500); /* there is room, but what was refused is not there */
	assert_true(both_lack());
	run(23500); /* it is left alone for 8 s, and for 16 */
	assert_int_equal(session_table_count(end[1].box.sessions), RTE_DIM(at) - 100);
	run(5000); /* a round without a difference */
	const uint64_t differing = table(0, 0).differing;
	run(5000);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	run(2000); /* so long its peer believes what it has said last */
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_int_equal(table(0, 0).bulk_out, HRP_BULK_EQUAL);
	assert_int_equal(table(1, 0).bulk_in, HRP_BULK_EQUAL);
	assert_int_equal(table(0, 0).differing, differing);
	assert_int_equal(table(0, 0).bulks_out, 1);
}

/* It is told again after 8 s, 16, 32, 64, not before. */
static void
R197_a_part_told_in_vain_is_left_alone_for_longer_each_time(void **state)
{
	static const uint32_t hold_ms[] = { 8000, 16000, 32000, 64000, 64000 };

	(void)state;
	form();
	for (uint32_t i = 0; i < SMALL + 50; i++)
		session_at_a(i + 1);
	run(HRP_CHECK_ROUND_MS);
	for (uint32_t i = 0; i < RTE_DIM(hold_ms); i++) {
		run(HRP_CHECK_ROUND_MS); /* the end of that in which it was told in vain */
		const uint64_t in_vain = table(0, 0).unrepaired;
		assert_true(in_vain > 0);
		run(hold_ms[i] - HRP_CHECK_ROUND_MS);
		assert_int_equal(table(0, 0).unrepaired, in_vain);
		for (uint32_t ms = 0; table(0, 0).unrepaired == in_vain; ms += 100) {
			assert_true(ms < 3 * HRP_CHECK_ROUND_MS);
			run(100);
		}
	}
}

/* One entry that the peer can never take, in the last part: what lacks in another comes within ten
 * seconds all the same. */
static void
R197_a_part_that_stays_different_keeps_no_other_from_being_repaired(void **state)
{
	uint32_t first = 0, last = 0, ms; /* number of one, place of one */

	(void)state;
	form();
	for (uint32_t n = 1; n < SESSIONS; n++) {
		const uint32_t index = session_at_a(n);

		first = index < SMALL ? n : first;
		last = index >= SESSIONS - SMALL ? index : last;
	}
	assert_true(first != 0 && last != 0);
	run(2000);
	ha_box_at(&end[0].box, last)->zone[0] = MAX_ZONES - 1; /* the peer has none such */
	session_table_set_dirty(end[0].box.sessions, last);
	run(80000); /* by then it is left alone for long */
	assert_true(table(0, 0).unrepaired > 0);
	assert_true(ha_box_kill(&end[1].box, at_b(first)));
	run(100);
	assert_int_equal(at_b(first), SESSION_NONE);
	for (ms = 0; at_b(first) == SESSION_NONE && ms < 10000; ms += 100)
		run(100);
	assert_true(ms < 10000);
}

/* A box lacks what it refused though its part was asked for before; all is told again at once as
 * soon as nothing differs any more. */
static void
R97_R197_a_refused_record_counts_until_a_round_finds_no_difference(void **state)
{
	(void)state;
	form();
	const uint32_t at = session_at_a(1);

	run(1500);					    /* in the middle of a round */
	ha_box_at(&end[0].box, at)->dir[0].tcp_wscale = 15; /* no box takes that */
	session_table_set_dirty(end[0].box.sessions, at);
	run(100);
	while (table(0, 0).unrepaired < 3) {
		assert_false(hrp_mirror_synchronised(end[1].mirror));
		run(100);
	}
	ha_box_at(&end[0].box, at)->dir[0].tcp_wscale = 7;
	session_table_set_dirty(end[0].box.sessions, at);
	run(2 * HRP_CHECK_ROUND_MS + 1000);
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_true(ha_box_kill(&end[1].box, at_b(1)));
	run(HRP_CHECK_ROUND_MS + 1000);
	assert_int_not_equal(at_b(1), SESSION_NONE);
}

/* What waits for a frame of a stream that the peer has given up waits no longer, and holds up
 * nobody behind it. */
static void
R198_a_new_stream_of_the_peer_holds_no_first_packet_up(void **state)
{
	struct worker *const w = engine_worker(end[0].box.engine, 0);

	(void)state;
	form();
	for (uint8_t ticket = 1; ticket <= 16;) {
		end[1].deaf = true;
		const uint32_t lost = session_at_a(ticket);
		assert_true(worker_event_held(w, ha_box_at(&end[0].box, lost), lost, ticket++));
		run(5);
		/* The peer begins anew, as one that has started again does. */
		hrp_mirror_link(end[1].mirror, false);
		hrp_mirror_role(end[1].mirror, false, false, now);
		run(1);
		queue[1].out = queue[1].in;
		end[1].deaf = false;
		hrp_mirror_link(end[1].mirror, true);
		hrp_mirror_role(end[1].mirror, false, true, now);
		hrp_mirror_peer(end[1].mirror, 1, VGMP_ACTIVE, now);
		run(300);
		const uint32_t told = session_at_a(ticket);
		assert_true(worker_event_held(w, ha_box_at(&end[0].box, told), told, ticket));
		run(20);
		assert_int_equal(atomic_load(&w->engine->mirrored[0]), ticket);
		ticket++;
	}
}

/* A bulk that a box cannot take is answered too, so that another one follows. */
static void
X35_a_bulk_that_was_refused_is_tried_again(void **state)
{
	(void)state;
	end[0].huge = true;
	session_at_a(1);
	form();
	assert_int_equal(table(0, 0).bulk_out, HRP_BULK_DIFFERS);
	assert_int_equal(table(1, 0).bulk_in, HRP_BULK_DIFFERS);
	assert_false(hrp_mirror_synchronised(end[0].mirror));
	end[0].huge = false;
	run(3000);
	assert_true(hrp_mirror_synchronised(end[0].mirror));
	assert_true(hrp_mirror_synchronised(end[1].mirror));
	assert_int_not_equal(at_b(1), SESSION_NONE);
}

/* The records of a frame of three sessions that is on its way to the second box. */
static uint8_t *
three_on_their_way(void)
{
	const uint16_t size = sizeof(struct hrp_record_session4);
	struct hrp_header h;

	for (uint32_t i = queue[1].out; i != queue[1].in; i++) {
		uint8_t *const m = queue[1].bytes[i % QUEUE];

		memcpy(&h, m + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
		if (h.op == HRP_OP_ADD && queue[1].len[i % QUEUE] == HRP_STREAM_OVERHEAD + 3 * size)
			return m + HRP_STREAM_OVERHEAD;
	}
	return NULL;
}

/* The second of three records: where the next one begins is known, or is not. */
static void
HAC_03_a_record_of_no_length_ends_its_frame_and_one_of_no_known_type_is_skipped(void **state)
{
	const uint16_t size = sizeof(struct hrp_record_session4);
	static const struct {
		uint8_t type, length, refused;
		bool third; /* is installed */
	} rows[] = {
		{ HRP_RECORD_SESSION4, 0, 1, false },
		{ HRP_RECORD_SESSION4, 1, 1, false },
		{ HRP_RECORD_SESSION4, 7, 1, false },
		{ HRP_RECORD_SESSION4, 121, 1, false }, /* one octet beyond the end */
		{ HRP_RECORD_SESSION4, 255, 1, false },
		{ HRP_RECORD_SESSION4, 120, 1, false }, /* known, and of another length */
		{ 77, 0, 1, false },
		{ 77, 255, 1, false },
		{ 77, 120, 0, false },
		{ 77, 60, 0, true },
	};

	(void)state;
	form();
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct hrp_table_status had = table(1, 0);
		struct hrp_status before = { 0 }, after = { 0 };
		uint8_t *records;

		hrp_mirror_status(end[1].mirror, &before, now);
		end[1].deaf = true;
		for (uint32_t k = 0; k < 3; k++)
			session_at_a(10 * i + k);
		run(20);
		records = three_on_their_way();
		if (records == NULL) {
			fail_msg("row %u: no frame with three records is on its way",
				(unsigned int)i);
			return; /* the compiler does not know */
		}
		records[size] = rows[i].type;
		records[size + 1] = rows[i].length;
		end[1].deaf = false;
		run(10);
		hrp_mirror_status(end[1].mirror, &after, now);
		assert_int_equal(
			after.refused[HA_REFUSED_record] - before.refused[HA_REFUSED_record],
			rows[i].refused);
		assert_int_equal(table(1, 0).installed - had.installed, rows[i].third ? 2 : 1);
		run(6000); /* what is missing is found */
		for (uint32_t k = 0; k < 3; k++)
			assert_int_not_equal(at_b(10 * i + k), SESSION_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			R186_every_table_has_its_own_bulk_and_proof, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_peer_of_an_earlier_version_gets_sessions_only, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_bulk_waits_for_one_walk_of_each_table, setup_many, teardown),
		cmocka_unit_test_setup_teardown(
			a_takeover_ends_though_a_table_was_held_for_a_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_batch_repairs_what_has_drifted, setup, teardown),
		cmocka_unit_test_setup_teardown(
			R97_an_active_box_learns_that_its_standby_lacks_a_session_also_after_a_loss,
			setup_small, teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_part_that_stays_different_is_told_again_later, setup_small,
			teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_part_told_in_vain_is_left_alone_for_longer_each_time, setup_small,
			teardown),
		cmocka_unit_test_setup_teardown(
			R197_a_part_that_stays_different_keeps_no_other_from_being_repaired, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			R97_R197_a_refused_record_counts_until_a_round_finds_no_difference, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			X35_a_bulk_that_was_refused_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			HAC_03_a_record_of_no_length_ends_its_frame_and_one_of_no_known_type_is_skipped,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			R198_a_new_stream_of_the_peer_holds_no_first_packet_up, setup, teardown),
	};

	test_eal_start(512, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
