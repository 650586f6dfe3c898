/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits and copies: what the peer's sessions take of them here.
 */
#include "hrp.h"
#include "limit.h"
#include "repl_sides.h"
#include "session_other.h"

#define ZONE 2 /* where sessions of ha_box_session() begin */

/* Publishing waits for the workers, which are this thread: the settings go into the snapshot that
 * is there, before anything runs. */
static int
limit_setup(void **state)
{
	const struct snapshot *snap;
	struct snapshot *s;

	setup(state);
	snap = engine_snapshot(b.box.engine);
	memcpy(&s, &snap, sizeof(s));
	s->limit_zones = UINT64_C(1) << ZONE;
	s->limits[ZONE] = (struct limit_zone){
		.len4 = 32, .len6 = 64, .source = { .total = 3, .half_open = 1 }, .zone = { 0 }
	};
	return 0;
}

static const struct limit_count *
zone_count(void)
{
	return &engine_limits(b.box.engine)->zones[ZONE];
}

/* Sessions of all sources of b together, and half-open ones. */
static uint32_t
at_sources(uint32_t *half_open)
{
	const struct source_table *t = &engine_limits(b.box.engine)->sources;
	uint32_t sum = 0;

	*half_open = 0;
	for (uint32_t i = 0; i < SOURCES; i++) {
		sum += source_sessions(&t->entries[i]);
		*half_open += t->entries[i].half_open;
	}
	return sum;
}

static void
assert_counted(uint32_t total, uint32_t half_open)
{
	uint32_t half;

	assert_int_equal(zone_count()->total, total);
	assert_int_equal(zone_count()->half_open, half_open);
	assert_int_equal(at_sources(&half), total);
	assert_int_equal(half, half_open);
}

static void
mirror(void)
{
	drain();
	assert_int_equal(apply(), 0);
	turn(1);
}

static void
change(uint32_t index, enum session_state to)
{
	struct session *s = ha_box_at(&a.box, index);
	const uint32_t ctl = atomic_load(&s->ctl);

	assert_true(session_table_set_state(a.box.sessions, s, ctl,
		(ctl & ~SESSION_STATE_MASK) | (uint32_t)to, UINT16_MAX, now));
	session_table_set_dirty(a.box.sessions, index);
}

/* Would a session of this source's be refused at b? */
static enum drop_reason
asks(const struct session_tuple4 *t, unsigned int family)
{
	const struct session_tuple6 six = ha_box_twin(t);
	const struct limit_session w = { .index = SESSIONS - 1,
		.zone = ZONE,
		.family = (uint8_t)family,
		.half_open = true,
		.source = family == 6 ? (const void *)six.src : &t->src };
	struct limit_table *limits = engine_limits(b.box.engine);
	const enum drop_reason reason =
		limit_take(limits, &engine_snapshot(b.box.engine)->limits[ZONE], &w, now);

	if (reason == DROP_NONE)
		limit_gone(limits, w.index);
	return reason;
}

static void
R186_DOS07_copies_count_as_what_they_are_until_they_end(void **state)
{
	const struct session_tuple4 t = ha_box_tuple(2, IPPROTO_TCP);
	struct session_tuple4 more[2] = { t, t };
	uint32_t index[3];

	(void)state;
	for (unsigned int family = 4; family <= 6; family += 2) {
		index[0] = ha_box_session_of(&a.box, &t, family, SESSION_TCP_SYN_SENT, 0, now);
		session_table_set_dirty(a.box.sessions, index[0]);
		mirror();
		assert_counted(1, 1);
		assert_int_equal(asks(&t, family), DROP_limit_source_halfopen);
		change(index[0], SESSION_TCP_ESTABLISHED);
		mirror();
		assert_counted(1, 0);
		assert_int_equal(asks(&t, family), DROP_NONE);
		for (unsigned int i = 0; i < 2; i++) {
			more[i].sport = rte_cpu_to_be_16((uint16_t)(2000 + i));
			index[1 + i] = ha_box_session_of(
				&a.box, &more[i], family, SESSION_TCP_ESTABLISHED, 0, now);
			session_table_set_dirty(a.box.sessions, index[1 + i]);
		}
		mirror();
		assert_counted(3, 0);
		assert_int_equal(asks(&t, family), DROP_limit_source_total);
		/* Told again, and by a bulk: counted once. */
		for (unsigned int i = 0; i < 3; i++)
			session_table_set_dirty(a.box.sessions, index[i]);
		mirror();
		assert_counted(3, 0);
		for (unsigned int i = 0; i < 3; i++)
			assert_true(ha_box_kill(&a.box, index[i]));
		turn(20);
		mirror();
		turn(20);
		assert_int_equal(session_table_count(b.box.sessions), 0);
		assert_counted(0, 0);
	}
}

static void
R186_after_a_takeover_nothing_is_left_to_be_done(void **state)
{
	const struct session_tuple4 t = ha_box_tuple(2, IPPROTO_TCP);
	uint32_t index;

	(void)state;
	index = ha_box_session(&a.box, &t, SESSION_TCP_ESTABLISHED, 0, now);
	session_table_set_dirty(a.box.sessions, index);
	mirror();
	set_role(&b, true, false);
	while (!ops->adopt(b.t, now))
		;
	assert_counted(1, 0);
	assert_true(ha_box_kill(&b.box, ha_box_find(&b.box, &t)));
	turn(20);
	assert_counted(0, 0);
}

static void
what_is_merged_into_our_own_session_is_not_counted_again(void **state)
{
	const struct session_tuple4 t = ha_box_tuple(2, IPPROTO_TCP);
	uint32_t index;

	(void)state;
	/* b has this very session, and owns it. */
	set_role(&b, true, false);
	assert_int_not_equal(
		ha_box_session(&b.box, &t, SESSION_TCP_ESTABLISHED, 0, now), SESSION_NONE);
	index = ha_box_session(&a.box, &t, SESSION_TCP_ESTABLISHED, 0, now);
	session_table_set_dirty(a.box.sessions, index);
	drain();
	assert_int_equal(apply(), 0);
	assert_int_equal(stats(&b).conflicts, 0);
	assert_counted(0, 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, limit_setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(R186_DOS07_copies_count_as_what_they_are_until_they_end),
		CASE(R186_after_a_takeover_nothing_is_left_to_be_done),
		CASE(what_is_merged_into_our_own_session_is_not_counted_again),
	};

	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
