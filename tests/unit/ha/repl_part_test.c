/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions compared part by part: what ends and begins anew, and what a box has of a peer that is
 * back, must not look like a difference.  Two engines, records carried by hand.
 */
#include "hrp.h"
#include "repl_sides.h"
#include "session_record.h"

#define PLACES	256 /* of the part that is compared */
#define OWNER	7   /* the peer's name of it, */
#define RESTART 0   /* the generation that its places begin with */

/* The comparison of the first part: what a has told, and b holds at that point of the stream. */
static void
assert_part_alike(uint32_t count)
{
	struct repl_digest told, held;

	assert_true(ops->part_told(a.t, 0, PLACES, &a.out, now, &told));
	assert_int_equal(apply(), 0);
	assert_true(ops->part_held(b.t, 0, PLACES, &held));
	assert_int_equal(told.count, count);
	assert_int_equal(held.count, count);
	assert_true(told.sum == held.sum && told.content == held.content);
}

/* What a worker does with a SYN on the ports of a closed connection. */
static uint32_t
succeed(uint32_t old, const struct session_tuple4 *t, unsigned int family)
{
	struct session *const s = session_table_alloc(a.box.sessions);
	struct session_key4 k4;
	struct session_key6 k6;
	uint32_t index;

	assert_non_null(s);
	const uint8_t swap = ha_box_key(t, family, &k4, &k6);
	s->zone[0] = 2;
	s->zone[1] = 4;
	s->dir[0].neigh = s->dir[1].neigh = NEIGH_NONE;
	atomic_store(&s->last_seen, mono_seconds(now));
	atomic_store(
		&s->ctl, session_kind((uint8_t)family, IPPROTO_TCP, swap) | SESSION_TCP_SYN_SENT);
	index = family == 6 ? session_table_replace6(a.box.sessions, s, &k6, old, UINT16_MAX, now)
			    : session_table_replace4(a.box.sessions, s, &k4, old, UINT16_MAX, now);
	assert_int_not_equal(index, SESSION_NONE);
	return index;
}

/* a tells of a connection, of its end, and of the next one on its ports, whose worker is quicker
 * than that which is to end the first.  => both */
static void
tell_two(unsigned int family, uint32_t index[2])
{
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);

	index[0] = ha_box_session_of(&a.box, &t, family, SESSION_TCP_TIME_WAIT, 0, now);
	session_table_set_dirty(a.box.sessions, index[0]);
	drain();
	assert_int_equal(apply(), 0);
	index[1] = succeed(index[0], &t, family);
	session_table_set_dirty(a.box.sessions, index[1]);
	drain();
	assert_int_equal(apply(), 0);
}

static uint32_t
copy_at_b(unsigned int family)
{
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);

	return ha_box_find_of(&b.box, &t, family);
}

static void
HAC_07_R197_an_end_is_told_before_its_part_is_compared(void **state)
{
	uint32_t index[2];

	for (unsigned int family = 4; family <= 6; family += 2) {
		tell_two(family, index);
		assert_part_alike(1);
		assert_part_alike(1); /* the first is not told of again */
		drain();
		assert_int_equal(apply(), 0);
		assert_part_alike(1);
		/* The workers get on: what they say of the end is late. */
		turn(1);
		drain();
		assert_int_equal(apply(), 0);
		turn(1);
		assert_part_alike(1);
		assert_int_not_equal(copy_at_b(family), SESSION_NONE);
		assert_int_equal(ha_box_ctl(&b.box, copy_at_b(family)) & SESSION_STATE_MASK,
			SESSION_TCP_SYN_SENT);
		teardown(state);
		setup(state);
	}
}

/* Neither by a late change of it, nor by a repair or a bulk. */
static void
HAC_07_R197_nothing_is_told_of_a_connection_behind_its_successor(void **state)
{
	enum { CHANGE, REPAIR, BULK, WAYS };
	uint32_t index[2], at, estimate;

	for (unsigned int way = 0; way < WAYS; way++) {
		tell_two(4, index);
		at = 0;
		if (way == CHANGE) {
			session_table_set_dirty(a.box.sessions, index[0]);
			drain();
		} else if (way == REPAIR) {
			assert_true(ops->part_begin(b.t, 0, PLACES));
			while (!ops->part_walk(a.t, &at, PLACES, &a.out, now))
				;
		} else {
			ops->walk_begin(a.t, &estimate);
			assert_true(ops->round(b.t, SESSIONS));
			while (!ops->walk(a.t, &a.out, now))
				;
		}
		assert_int_equal(apply(), 0);
		if (way == REPAIR)
			assert_int_equal(ops->part_end(b.t, 0, PLACES), REPL_DONE);
		else if (way == BULK)
			assert_equal_digests();
		assert_part_alike(1);
		turn(1);
		assert_int_equal(ha_box_ctl(&b.box, copy_at_b(4)) & SESSION_STATE_MASK,
			SESSION_TCP_SYN_SENT);
		teardown(state);
		setup(state);
	}
}

/* ---- a peer that is back ---- */

/* The peer has told of a connection, which b has taken over; it is back, and active as well. */
static uint32_t
take_over(void)
{
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	const struct hrp_record_session4 r = { .head = { .type = HRP_RECORD_SESSION4,
						       .length = sizeof(r),
						       .generation = RTE_BE16(RESTART),
						       .index = RTE_BE32(OWNER) },
		.what = { .proto = IPPROTO_TCP,
			.state = SESSION_TCP_ESTABLISHED,
			.zone = { 2, 4 },
			.wscale = { 7, 7 } },
		.src = t.src,
		.dst = t.dst,
		.how = { .sport = t.sport, .dport = t.dport } };

	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, sizeof(r), now), REPL_DONE);
	set_role(&b, true, false);
	while (!ops->adopt(b.t, now))
		;
	set_role(&b, true, true);
	return copy_at_b(4);
}

static uint32_t
held_at_b(void)
{
	struct repl_digest d;

	assert_true(ops->part_held(b.t, 0, PLACES, &d));
	return d.count;
}

/* a owns the same connection in the place that the peer had it in. */
static void
tell_a_bulk(bool of_it)
{
	uint32_t estimate;

	for (uint32_t i = 0; of_it && i <= OWNER; i++) {
		const struct session_tuple4 t = ha_box_tuple(i == OWNER ? 1 : 100 + i, IPPROTO_TCP);

		ha_box_session(&a.box, &t, SESSION_TCP_ESTABLISHED, 0, now);
	}
	set_role(&a, true, true);
	ops->walk_begin(a.t, &estimate);
	assert_true(ops->round(b.t, SESSIONS));
	while (!ops->walk(a.t, &a.out, now))
		;
	assert_int_equal(apply(), 0);
	assert_equal_digests();
}

static void
X39_R197_what_was_taken_over_of_a_peer_that_is_back_is_none_of_its_own(void **state)
{
	const uint32_t ours = take_over();

	(void)state;
	tell_a_bulk(false);
	assert_int_equal(held_at_b(), 0);
	assert_int_equal(copy_at_b(4), ours);
	assert_int_equal(ha_box_ctl(&b.box, ours) & SESSION_F_REMOTE, 0);
}

static void
X39_R197_what_it_tells_of_again_both_own(void **state)
{
	const uint32_t ours = take_over();

	(void)state;
	tell_a_bulk(true);
	assert_part_alike(OWNER + 1);
	assert_int_equal(copy_at_b(4), ours);
	assert_int_not_equal(ha_box_ctl(&b.box, ours) & SESSION_F_SHARED, 0);
	/* It is over there, and nobody says so: the next bulk does. */
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	assert_true(ha_box_kill(&a.box, ha_box_find(&a.box, &t)));
	turn(1);
	ops->discard(a.t);
	tell_a_bulk(false);
	assert_part_alike(OWNER);
	assert_int_equal(copy_at_b(4), ours);
	assert_int_equal(ha_box_ctl(&b.box, ours) & SESSION_F_SHARED, 0);
}

/* Of one part, without a bulk. */
static void
X39_R197_what_a_repair_does_not_tell_of_is_ours_alone(void **state)
{
	const uint32_t ours = take_over();

	(void)state;
	assert_true(ops->part_begin(b.t, PLACES, PLACES));
	assert_int_equal(ops->part_end(b.t, PLACES, PLACES), REPL_DONE);
	assert_int_equal(held_at_b(), 1); /* of another part */
	assert_true(ops->part_begin(b.t, 0, PLACES));
	assert_int_equal(ops->part_end(b.t, 0, PLACES), REPL_DONE);
	assert_int_equal(held_at_b(), 0);
	assert_int_equal(copy_at_b(4), ours);
}

/* However many other parts have been repaired since it was told of: more than a mark can count. */
static void
R197_what_was_told_stays_told_for_any_number_of_repairs(void **state)
{
	(void)state;
	take_over();
	tell_a_bulk(true);
	for (uint32_t i = 0; i < 2 * (UINT16_MAX + 2); i++) {
		assert_true(ops->part_begin(b.t, PLACES, PLACES));
		assert_int_equal(ops->part_end(b.t, PLACES, PLACES), REPL_DONE);
		if (i % 1000 == 0 || (i + 2) % (UINT16_MAX + 1) < 4)
			assert_part_alike(OWNER + 1);
	}
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(HAC_07_R197_an_end_is_told_before_its_part_is_compared),
		CASE(HAC_07_R197_nothing_is_told_of_a_connection_behind_its_successor),
		CASE(X39_R197_what_was_taken_over_of_a_peer_that_is_back_is_none_of_its_own),
		CASE(X39_R197_what_it_tells_of_again_both_own),
		CASE(X39_R197_what_a_repair_does_not_tell_of_is_ours_alone),
		CASE(R197_what_was_told_stays_told_for_any_number_of_repairs),
	};

	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
