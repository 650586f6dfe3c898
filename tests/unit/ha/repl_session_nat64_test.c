/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions of NAT64 on their way to the peer: an IPv6 key, an IPv4 one outside, and the port that a
 * group has given.  The IPv6 side of a tuple is its twin (ha_box.h).
 */
#include "hrp.h"
#include "nat64_prefix.h"
#include "repl_sides.h"
#include "session_record.h"

/* What a worker does.  => index of the session */
static uint32_t
session_at(struct side *s, uint32_t n, uint8_t proto, struct nat_got *got)
{
	const struct session_tuple4 t = ha_box_tuple(2 * n, proto);
	const struct session_tuple6 six = ha_box_twin(&t);
	const uint16_t id = nat_groups_find(groups_of(s), "office");
	const struct nat_want want = { .proto = proto,
		.host = nat64_host(six.src),
		.port = t.sport,
		.remote = t.dst,
		.remote_port = t.dport };
	struct session_outside o = { .note = nat_note(id) };
	struct session *session = session_table_alloc(s->box.sessions);
	struct session_key6 key;
	enum session_clash clash;
	uint32_t index;
	const uint8_t swap =
		session_key6_make(&key, six.src, six.dst, six.sport, six.dport, six.proto);

	assert_int_equal(nat_groups_take(groups_of(s), id, &want, got), NAT_OK);
	o.swap = session_key4_make(&o.key, got->addr, t.dst, got->port, t.dport, proto);
	session->zone[0] = 2;
	session->zone[1] = 4;
	session->dir[0].tcp_wscale = session->dir[1].tcp_wscale = 7;
	atomic_store(&session->last_seen, mono_seconds(now));
	atomic_store(&session->ctl,
		session_kind(6, six.proto, swap) |
			(proto == IPPROTO_TCP ? SESSION_TCP_ESTABLISHED : SESSION_ICMP_REPLIED));
	index = session_table_insert6_nat(
		s->box.sessions, session, &key, &o, SESSION_NONE, UINT16_MAX, now, &clash);
	assert_int_equal(clash, SESSION_CLASH_NONE);
	session_table_set_dirty(s->box.sessions, index);
	return index;
}

/* As the responder's packets look it up: IPv4. */
static uint32_t
by_outside(const struct side *s, uint32_t n, uint8_t proto, const struct nat_got *got)
{
	const struct session_tuple4 t = ha_box_tuple(2 * n, proto);
	struct session_key4 key;
	const struct session_key4 *keys = &key;
	uint8_t dir = session_key4_make(&key, t.dst, got->addr, t.dport, got->port, proto);
	uint32_t index;

	session_table_lookup4(s->box.sessions, &keys, 1, &index, &dir);
	if (index != SESSION_NONE)
		assert_int_equal(dir, 1 | SESSION_DIR_OUTSIDE);
	return index;
}

static uint32_t
by_key(const struct side *s, uint32_t n, uint8_t proto)
{
	const struct session_tuple4 t = ha_box_tuple(2 * n, proto);

	return ha_box_find_of(&s->box, &t, 6);
}

static void
R23_both_keys_and_the_port_arrive_and_go(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_ICMP };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(protocols); i++) {
		const uint8_t proto = protocols[i];
		struct nat_got got;
		const uint32_t from = session_at(&a, 1, proto, &got);

		drain();
		assert_int_equal(a.len, sizeof(struct hrp_record_session6_nat));
		assert_int_equal(apply(), 0);
		assert_int_not_equal(by_key(&b, 1, proto), SESSION_NONE);
		assert_int_equal(by_outside(&b, 1, proto, &got), by_key(&b, 1, proto));
		assert_int_equal(ports_used(&b), 1);
		assert_equal_digests();

		session_table_set_dirty(a.box.sessions, from); /* again: in place */
		drain();
		assert_int_equal(apply(), 0);
		assert_int_equal(ports_used(&b), 1);
		assert_int_equal(stats(&b).updated, i + 1);

		assert_true(ha_box_kill(&a.box, from));
		turn(1);
		drain();
		assert_int_equal(apply(), 0);
		turn(1);
		assert_int_equal(by_key(&b, 1, proto), SESSION_NONE);
		assert_int_equal(by_outside(&b, 1, proto, &got), SESSION_NONE);
		assert_int_equal(ports_used(&a) + ports_used(&b), 0);
		assert_equal_digests();
	}
}

static void
R24_a_port_handed_to_the_next_session_waits_for_the_first_to_leave(void **state)
{
	struct nat_got first, second;
	const uint32_t from = session_at(&a, 1, IPPROTO_TCP, &first);

	(void)state;
	drain();
	assert_int_equal(apply(), 0);
	assert_true(ha_box_kill(&a.box, from));
	turn(1);
	session_at(&a, 1, IPPROTO_TCP, &second);
	assert_int_equal(second.port, first.port);
	drain();
	assert_int_equal(apply(), 0); /* delete and create, the copy's removal in between */
	assert_int_not_equal(by_outside(&b, 1, IPPROTO_TCP, &second), SESSION_NONE);
	assert_int_equal(ports_used(&b), 1);
	assert_equal_digests();
}

static void
R23_a_copy_that_was_taken_over_gives_its_port_back_when_it_ends(void **state)
{
	struct nat_got got;

	(void)state;
	session_at(&a, 1, IPPROTO_TCP, &got);
	drain();
	assert_int_equal(apply(), 0);
	set_role(&b, true, false);
	while (!ops->adopt(b.t, now))
		;
	assert_int_equal(ports_used(&b), 1);
	assert_true(ha_box_kill(&b.box, by_key(&b, 1, IPPROTO_TCP)));
	turn(1);
	assert_int_equal(ports_used(&b), 0);
}

static void
HAC_06_wrong_records_are_refused_and_change_nothing(void **state)
{
	struct hrp_record_session6_nat good;
	struct nat_got got;

	(void)state;
	session_at(&a, 1, IPPROTO_ICMP, &got);
	drain();
	memcpy(&good, a.bytes, sizeof(good));
	a.len = 0;
	for (unsigned int i = 0; i <= 9; i++) {
		struct hrp_record_session6_nat r = good;
		uint8_t len = sizeof(r);

		switch (i) {
		case 0:
			r.outside.src = 0;
			break;
		case 1:
			r.outside.dst = RTE_BE32(0xe0000001);
			break;
		case 2:
			r.outside.dport = SESSION_ICMP6_ECHO_PORT;
			break;
		case 3:
			r.outside.group = 0;
			break;
		case 4:
			r.outside.inbound = r.outside.group;
			break;
		case 5: /* a query that is no echo */
			r.inside.how.dport = RTE_BE16(144 << 8);
			break;
		case 6: /* no ports, no NAT64 */
			r.inside.what.proto = IPPROTO_GRE;
			r.inside.what.state = SESSION_GRE_FIRST;
			r.inside.how.sport = r.inside.how.dport = 0;
			break;
		case 7:
			r.inside.dst[0] = 0xff;
			break;
		case 8:
			len--;
			break;
		default:
			r.outside.group ^= RTE_BE32(1); /* a group that is not here */
		}
		if (ops->install(b.t, (const uint8_t *)&r, len, now) != REPL_REFUSED)
			fail_msg("row %u", i);
	}
	assert_int_equal(stats(&b).untranslatable, 1);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	assert_int_equal(ports_used(&b), 0);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&good, sizeof(good), now), REPL_DONE);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(R23_both_keys_and_the_port_arrive_and_go),
		CASE(R24_a_port_handed_to_the_next_session_waits_for_the_first_to_leave),
		CASE(R23_a_copy_that_was_taken_over_gives_its_port_back_when_it_ends),
		CASE(HAC_06_wrong_records_are_refused_and_change_nothing),
	};
	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
