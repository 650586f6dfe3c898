/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translated sessions on their way to the peer: both keys, and the port that a group has given
 * (R23, R24: the PAT port mapping table).
 */
#include "hrp.h"
#include "repl_sides.h"
#include "session_record.h"

/* Source and its port become what the group gives. */
static struct session_outside
outside_of(struct side *s, const struct session_tuple4 *t, struct nat_got *got)
{
	const uint16_t id = nat_groups_find(groups_of(s), "office");
	const struct nat_want want = { .proto = t->proto,
		.host = t->src,
		.port = t->sport,
		.remote = t->dst,
		.remote_port = t->dport };
	struct session_outside o = { .note = nat_note(id) };

	assert_int_equal(nat_groups_take(groups_of(s), id, &want, got), NAT_OK);
	o.swap = session_key4_make(&o.key, got->addr, t->dst, got->port, t->dport, t->proto);
	return o;
}

/* What a worker does: the session of tuple n, translated. => its index */
static uint32_t
translated_at(struct side *s, uint32_t n, struct nat_got *got)
{
	const struct session_tuple4 t = ha_box_tuple(2 * n, IPPROTO_TCP);
	const struct session_outside o = outside_of(s, &t, got);
	struct session *session = session_table_alloc(s->box.sessions);
	struct session_key4 key;
	const uint8_t swap = session_key4_make(&key, t.src, t.dst, t.sport, t.dport, t.proto);
	enum session_clash clash;
	uint32_t index;

	session->zone[0] = 2;
	session->zone[1] = 4;
	session->policy = 7;
	session->dir[0].tcp_wscale = session->dir[1].tcp_wscale = 7;
	atomic_store(&session->last_seen, mono_seconds(now));
	atomic_store(&session->ctl, session_kind(4, IPPROTO_TCP, swap) | SESSION_TCP_ESTABLISHED);
	index = session_table_insert4_nat(
		s->box.sessions, session, &key, &o, SESSION_NONE, UINT16_MAX, now, &clash);
	assert_int_equal(clash, SESSION_CLASH_NONE);
	session_table_set_dirty(s->box.sessions, index);
	return index;
}

/* Session of tuple n, looked up as the responder's packets are. */
static uint32_t
by_outside(const struct side *s, uint32_t n, const struct nat_got *got)
{
	const struct session_tuple4 t = ha_box_tuple(2 * n, IPPROTO_TCP);
	struct session_key4 key;
	const struct session_key4 *keys = &key;
	uint8_t dir = session_key4_make(&key, t.dst, got->addr, t.dport, got->port, t.proto);
	uint32_t index;

	session_table_lookup4(s->box.sessions, &keys, 1, &index, &dir);
	if (index != SESSION_NONE)
		assert_int_equal(dir, 1 | SESSION_DIR_OUTSIDE);
	return index;
}

static uint32_t
by_key(const struct side *s, uint32_t n)
{
	const struct session_tuple4 t = ha_box_tuple(2 * n, IPPROTO_TCP);

	return ha_box_find(&s->box, &t);
}

static void
R23_both_keys_and_the_port_arrive_and_go(void **state)
{
	struct nat_got got;
	const uint32_t from = translated_at(&a, 1, &got);

	(void)state;
	drain();
	assert_int_equal(a.len, sizeof(struct hrp_record_session4_nat));
	assert_true(a.len <= 80);
	assert_int_equal(apply(), 0);
	assert_int_not_equal(by_key(&b, 1), SESSION_NONE);
	assert_int_equal(by_outside(&b, 1, &got), by_key(&b, 1));
	assert_int_equal(ports_used(&b), 1);
	assert_equal_digests();

	session_table_set_dirty(a.box.sessions, from); /* again: in place */
	drain();
	assert_int_equal(apply(), 0);
	assert_int_equal(ports_used(&b), 1);
	assert_int_equal(stats(&b).updated, 1);

	assert_true(ha_box_kill(&a.box, from));
	turn(1);
	drain();
	assert_int_equal(apply(), 0);
	turn(1);
	assert_int_equal(by_key(&b, 1), SESSION_NONE);
	assert_int_equal(by_outside(&b, 1, &got), SESSION_NONE);
	assert_int_equal(ports_used(&a) + ports_used(&b), 0);
	assert_equal_digests();
}

static void
R24_a_port_handed_to_the_next_session_waits_for_the_first_to_leave(void **state)
{
	struct nat_got first, second;
	const uint32_t from = translated_at(&a, 1, &first);

	(void)state;
	drain();
	assert_int_equal(apply(), 0);
	assert_true(ha_box_kill(&a.box, from));
	turn(1);
	translated_at(&a, 1, &second);
	assert_int_equal(second.port, first.port);
	drain();
	assert_int_equal(apply(), 0); /* delete and create, the copy's removal in between */
	assert_int_not_equal(by_outside(&b, 1, &second), SESSION_NONE);
	assert_int_equal(ports_used(&b), 1);
	assert_equal_digests();
}

static void
a_delete_that_was_lost_does_not_keep_the_port(void **state)
{
	struct nat_got first, second;
	const uint32_t from = translated_at(&a, 1, &first);
	const struct session_tuple4 mine = ha_box_tuple(2, IPPROTO_TCP);
	struct session_tuple4 other = mine;

	(void)state;
	drain();
	assert_int_equal(apply(), 0);
	assert_true(ha_box_kill(&a.box, from));
	turn(1);
	drain();
	a.len = 0; /* lost */
	/* Another host's session gets the port of the first. */
	other.src = rte_cpu_to_be_32(0x0a0101feu);
	const struct session_outside o = outside_of(&a, &other, &second);
	struct session *s = session_table_alloc(a.box.sessions);
	struct session_key4 key;
	enum session_clash clash;
	const uint8_t swap = session_key4_make(
		&key, other.src, other.dst, other.sport, other.dport, other.proto);
	assert_int_equal(second.port, first.port);
	s->zone[0] = 2;
	s->zone[1] = 4;
	atomic_store(&s->ctl, session_kind(4, IPPROTO_TCP, swap) | SESSION_TCP_ESTABLISHED);
	const uint32_t index = session_table_insert4_nat(
		a.box.sessions, s, &key, &o, SESSION_NONE, UINT16_MAX, now, &clash);
	session_table_set_dirty(a.box.sessions, index);
	drain();
	assert_int_equal(apply(), 0);
	assert_int_equal(by_key(&b, 1), SESSION_NONE);
	assert_int_not_equal(ha_box_find(&b.box, &other), SESSION_NONE);
	assert_int_equal(ports_used(&b), 1);
}

static void
a_translation_that_has_changed_replaces_the_copy(void **state)
{
	struct nat_got first, second;
	const uint32_t from = translated_at(&a, 1, &first);
	struct nat_got held;

	(void)state;
	drain();
	assert_int_equal(apply(), 0);
	assert_true(ha_box_kill(&a.box, from));
	turn(1);
	/* Somebody else has the port meanwhile. */
	const struct session_tuple4 other = ha_box_tuple(2, IPPROTO_TCP);
	(void)outside_of(&a, &other, &held);
	assert_int_equal(held.port, first.port);
	translated_at(&a, 1, &second);
	assert_int_not_equal(second.port, first.port);
	drain();
	assert_int_equal(apply(), 0);
	assert_int_equal(by_outside(&b, 1, &first), SESSION_NONE);
	assert_int_not_equal(by_outside(&b, 1, &second), SESSION_NONE);
	assert_int_equal(ports_used(&b), 1);
	assert_equal_digests();
}

/* A session of b's own, and its record as a would send it: from another inside host. */
static struct hrp_record_session4_nat
rival(uint32_t n, struct nat_got *mine, rte_be32_t remote)
{
	struct hrp_record_session4_nat r;
	struct nat_got theirs;

	translated_at(&b, n, mine);
	translated_at(&a, n, &theirs);
	drain();
	memcpy(&r, a.bytes, sizeof(r));
	a.len = 0;
	r.inside.src = RTE_BE32(0x0a0101fe);
	r.outside.src = mine->addr;
	r.outside.sport = mine->port;
	if (remote != 0)
		r.inside.dst = r.outside.dst = remote;
	return r;
}

static void
what_this_box_speaks_from_itself_is_not_given_to_a_copy(void **state)
{
	struct nat_got mine;
	const struct hrp_record_session4_nat r = rival(3, &mine, 0);

	(void)state;
	set_role(&b, true, true); /* load sharing: both are active */
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, sizeof(r), now), REPL_REFUSED);
	assert_int_equal(stats(&b).conflicts, 1);
	assert_int_equal(by_outside(&b, 3, &mine), by_key(&b, 3));
	assert_int_equal(ports_used(&b), 1);
}

static void
a_port_in_use_for_another_destination_does_not_stop_the_mirror(void **state)
{
	struct nat_got mine;
	const struct hrp_record_session4_nat r = rival(3, &mine, RTE_BE32(0xc80101fe));

	(void)state;
	set_role(&b, true, true);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, sizeof(r), now), REPL_DONE);
	assert_int_equal(stats(&b).unclaimed, 1);
	assert_int_equal(session_table_count(b.box.sessions), 2);
	assert_int_equal(ports_used(&b), 1);
	assert_true(ha_box_kill(&b.box, by_key(&b, 3)));
	turn(1);
	assert_int_equal(ports_used(&b), 0);
}

static void
a_group_that_is_not_here_is_refused_and_counted(void **state)
{
	struct nat_got got;
	struct hrp_record_session4_nat r;

	(void)state;
	translated_at(&a, 1, &got);
	drain();
	memcpy(&r, a.bytes, sizeof(r));
	a.len = 0;
	r.outside.group = RTE_BE32(12345);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, sizeof(r), now), REPL_REFUSED);
	assert_int_equal(stats(&b).untranslatable, 1);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	r.outside.group = 0; /* a static mapping, a NAT server: nothing is taken */
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, sizeof(r), now), REPL_DONE);
	assert_int_equal(ports_used(&b), 0);
	assert_int_not_equal(by_outside(&b, 1, &got), SESSION_NONE);
}

static void
R23_a_copy_that_was_taken_over_gives_its_port_back_when_it_ends(void **state)
{
	struct nat_got got;

	(void)state;
	translated_at(&a, 1, &got);
	drain();
	assert_int_equal(apply(), 0);
	set_role(&b, true, false);
	while (!ops->adopt(b.t, now))
		;
	assert_int_equal(ports_used(&b), 1);
	assert_true(ha_box_kill(&b.box, by_key(&b, 1)));
	turn(1);
	assert_int_equal(ports_used(&b), 0);
}

static void
HAC_06_wrong_outside_keys_are_refused_and_change_nothing(void **state)
{
	static const struct {
		const char *what;
		struct hrp_session_outside o;
	} rows[] = {
		{ "no source", { 0, RTE_BE32(0xc8010101), RTE_BE16(9), RTE_BE16(443), 0, 0 } },
		{ "group destination", { RTE_BE32(0xcb007101), RTE_BE32(0xe0000001), RTE_BE16(9),
					       RTE_BE16(443), 0, 0 } },
		{ "no source port",
			{ RTE_BE32(0xcb007101), RTE_BE32(0xc8010101), 0, RTE_BE16(443), 0, 0 } },
		{ "no destination port",
			{ RTE_BE32(0xcb007101), RTE_BE32(0xc8010101), RTE_BE16(9), 0, 0, 0 } },
	};
	struct hrp_record_session4_nat r;
	struct nat_got got;

	(void)state;
	translated_at(&a, 1, &got);
	drain();
	memcpy(&r, a.bytes, sizeof(r));
	a.len = 0;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct hrp_record_session4_nat bad = r;

		bad.outside = rows[i].o;
		if (ops->install(b.t, (const uint8_t *)&bad, sizeof(bad), now) != REPL_REFUSED)
			fail_msg("%s", rows[i].what);
	}
	r.outside.src = r.inside.src; /* no translation */
	r.outside.dst = r.inside.dst;
	r.outside.sport = r.inside.how.sport;
	r.outside.dport = r.inside.how.dport;
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, sizeof(r), now), REPL_REFUSED);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, sizeof(r) - 1, now), REPL_REFUSED);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	assert_int_equal(ports_used(&b), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(R23_both_keys_and_the_port_arrive_and_go),
		CASE(R24_a_port_handed_to_the_next_session_waits_for_the_first_to_leave),
		CASE(a_delete_that_was_lost_does_not_keep_the_port),
		CASE(a_translation_that_has_changed_replaces_the_copy),
		CASE(what_this_box_speaks_from_itself_is_not_given_to_a_copy),
		CASE(a_port_in_use_for_another_destination_does_not_stop_the_mirror),
		CASE(a_group_that_is_not_here_is_refused_and_counted),
		CASE(R23_a_copy_that_was_taken_over_gives_its_port_back_when_it_ends),
		CASE(HAC_06_wrong_outside_keys_are_refused_and_change_nothing),
	};
	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
