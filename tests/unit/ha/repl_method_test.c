/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each method of mirroring tells of sessions, and when.
 */
#include "hrp.h"
#include "repl_sides.h"
#include "worker.h" /* worker_event() */

static uint32_t
create_at_a(uint32_t n, uint8_t proto, enum session_state state, uint32_t flags)
{
	const struct session_tuple4 t = ha_box_tuple(n, proto);
	const uint32_t index = ha_box_session(&a.box, &t, state, flags, now);

	assert_int_not_equal(index, SESSION_NONE);
	session_table_set_dirty(a.box.sessions, index);
	return index;
}

static uint32_t
copy_at_b(uint32_t n, uint8_t proto)
{
	const struct session_tuple4 t = ha_box_tuple(n, proto);

	return ha_box_find(&b.box, &t);
}

static int
setup_automatic(void **state)
{
	methods = (struct repl_methods){ .period_s = 10 };
	return setup(state);
}

static int
setup_seldom(void **state)
{
	methods = (struct repl_methods){ .period_s = 900 };
	return setup(state);
}

static int
setup_by_order(void **state)
{
	methods = (struct repl_methods){ 0 };
	return setup(state);
}

static int
teardown_method(void **state)
{
	methods = (struct repl_methods){ .quick = true };
	return teardown(state);
}

/* A worker says that something has become of it. */
static void
tell(uint32_t index, enum mirror_event_type type)
{
	worker_event(engine_worker(a.box.engine, 0), ha_box_at(&a.box, index), index, type);
}

static void
drain_at(uint64_t s)
{
	now = mono_add_ms((mono_t){ .ns = 1000 * NS_PER_SEC }, s * 1000);
	for (int i = 0; i < 200; i++)
		ops->drain(a.t, &a.out, now);
}

/* R196: and each is told once it is of another kind. */
static void
R193_R195_R196_automatic_mirroring_is_periodic_and_leaves_three_kinds_out(void **state)
{
	static const struct {
		uint8_t proto, state;
		uint8_t packets;
		uint32_t flags;
		bool told;
	} rows[] = {
		{ IPPROTO_TCP, SESSION_TCP_SYN_SENT, 1, 0, false },
		{ IPPROTO_TCP, SESSION_TCP_SYN_RECEIVED, 1, 0, false },
		{ IPPROTO_TCP, SESSION_TCP_ESTABLISHED, 2, 0, true },
		{ IPPROTO_TCP, SESSION_TCP_TIME_WAIT, 5, 0, true },
		{ IPPROTO_UDP, SESSION_UDP_FIRST, 1, 0, false },
		{ IPPROTO_UDP, SESSION_UDP_FIRST, 2, 0, true }, /* one way, and goes on */
		{ IPPROTO_UDP, SESSION_UDP_REPLIED, 1, 0, true },
		{ IPPROTO_UDP, SESSION_DNS_FIRST, 1, 0, false },
		{ IPPROTO_ICMP, SESSION_ICMP_FIRST, 1, 0, true },
		{ IPPROTO_ICMP, SESSION_ICMP_REPLIED, 1, SESSION_F_LOCAL, false },
	};
	uint32_t at[RTE_DIM(rows)], told = 0;

	(void)state;
	turn(0); /* workers learn that the mirror is on */
	drain_at(0);
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct session_tuple4 t = ha_box_tuple(i, rows[i].proto);

		at[i] = ha_box_session(&a.box, &t, rows[i].state, rows[i].flags, now);
		ha_box_at(&a.box, at[i])->dir[0].packets = rows[i].packets;
		tell(at[i], MIRROR_CREATE);
		told += rows[i].told;
	}
	drain_at(9);
	assert_int_equal(a.len, 0);
	drain_at(11);
	assert_int_equal(apply(), 0);
	for (uint32_t i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(copy_at_b(i, rows[i].proto) != SESSION_NONE, rows[i].told);
	assert_int_equal(session_table_count(b.box.sessions), told);
	assert_equal_digests();

	/* The handshake ends, a second packet comes (which no worker tells of), an answer. */
	ha_box_at(&a.box, at[0])->ctl += SESSION_TCP_ESTABLISHED - SESSION_TCP_SYN_SENT;
	tell(at[0], MIRROR_UPDATE);
	ha_box_at(&a.box, at[4])->dir[0].packets++;
	ha_box_at(&a.box, at[7])->ctl++;
	tell(at[7], MIRROR_UPDATE);
	drain_at(19);
	assert_int_equal(a.len, 0);
	drain_at(22);
	assert_int_equal(apply(), 0);
	assert_int_equal(session_table_count(b.box.sessions), told + 3);
	assert_equal_digests();
	/* A deletion does not wait for the round (R201). */
	assert_true(ha_box_kill(&a.box, at[2]));
	turn(1);
	ops->drain(a.t, &a.out, now);
	assert_int_equal(apply(), 0);
	turn(1);
	assert_int_equal(copy_at_b(2, IPPROTO_TCP), SESSION_NONE);
}

/* R201: a session that is in use does not age at the peer, however long a period is. */
static void
R195_R201_a_long_period_lets_no_copy_age(void **state)
{
	(void)state;
	turn(0);
	const uint32_t index = create_at_a(1, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
	bool told = false;

	for (uint32_t s = 0; s < 2000; s += 5) {
		turn(5000);
		atomic_store(&ha_box_at(&a.box, index)->last_seen, mono_seconds(now));
		ops->drain(a.t, &a.out, now);
		assert_int_equal(apply(), 0);
		if (told && copy_at_b(1, IPPROTO_UDP) == SESSION_NONE)
			fail_msg("gone after %u s", s);
		told = copy_at_b(1, IPPROTO_UDP) != SESSION_NONE;
	}
	assert_true(told);
}

/* R197: the batch is all that tells of sessions then, and deletions go on. */
static void
R197_without_both_methods_only_a_bulk_brings_sessions(void **state)
{
	uint32_t estimate;

	(void)state;
	turn(0);
	const uint32_t one = create_at_a(1, IPPROTO_TCP, SESSION_TCP_ESTABLISHED, 0);
	tell(one, MIRROR_CREATE);
	create_at_a(2, IPPROTO_TCP, SESSION_TCP_SYN_SENT, 0);
	drain();
	assert_int_equal(a.len, 0);
	ops->walk_begin(a.t, &estimate);
	assert_true(ops->round(b.t, SESSIONS));
	while (!ops->walk(a.t, &a.out, now))
		;
	assert_int_equal(apply(), 0);
	assert_int_equal(session_table_count(b.box.sessions), 1);
	assert_equal_digests();
	create_at_a(3, IPPROTO_TCP, SESSION_TCP_ESTABLISHED, 0);
	assert_true(ha_box_kill(&a.box, one));
	turn(1);
	drain();
	assert_int_equal(apply(), 0);
	turn(1);
	assert_int_equal(session_table_count(b.box.sessions), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			R193_R195_R196_automatic_mirroring_is_periodic_and_leaves_three_kinds_out,
			setup_automatic, teardown_method),
		cmocka_unit_test_setup_teardown(
			R195_R201_a_long_period_lets_no_copy_age, setup_seldom, teardown_method),
		cmocka_unit_test_setup_teardown(
			R197_without_both_methods_only_a_bulk_brings_sessions, setup_by_order,
			teardown_method),
	};

	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
