/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: what programs are told: each change once, in order, with its cause.
 */
#include "role_sim.h"

/* An event as a row: what of it a program looks at; "" = any cause. */
struct row {
	uint8_t kind;
	const char *group, *from, *to, *cause;
};

/* Those of one kind from `*next` on, in order, and no other of that kind. */
static void
expect(struct events *all, uint64_t *next, const struct row *rows, size_t count)
{
	uint64_t n = *next;
	struct event e;

	for (size_t i = 0; i < count; i++) {
		do {
			if (n >= events_next(all))
				fail_msg("no event %s %s -> %s", event_kind_names[rows[i].kind],
					rows[i].from, rows[i].to);
			assert_true(events_get(all, n++, &e));
		} while (e.kind != rows[i].kind);
		assert_string_equal(e.group, rows[i].group);
		assert_string_equal(e.from, rows[i].from);
		assert_string_equal(e.to, rows[i].to);
		if (rows[i].cause[0] != '\0')
			assert_string_equal(e.cause, rows[i].cause);
	}
	for (; count > 0 && n < events_next(all); n++) {
		assert_true(events_get(all, n, &e));
		if (e.kind == rows[0].kind)
			fail_msg("event too many: %s %s -> %s, %s", event_kind_names[e.kind],
				e.from, e.to, e.cause);
	}
}

static void
R246_every_change_of_role_is_told_as_the_history_has_it(void **state)
{
	struct sim *const s = formed(100, 3);
	uint64_t seen = 0;

	(void)state;
	set_sync(s, true);
	run_ms(s, 100);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(
			role_switch_over(s->box[i % 2 == 0 ? A : B].role, s->now), ROLE_DONE);
		run_ms(s, 500);
	}
	for (int which = A; which <= B; which++) {
		const struct role_status *const st = status_of(s, which);
		struct event e;

		seen = 0;
		for (uint64_t n = 1; n < events_next(s->box[which].events); n++) {
			assert_true(events_get(s->box[which].events, n, &e));
			if (e.kind != EVENT_ROLE)
				continue;
			const struct role_change *const c = &st->changes[seen++ % ROLE_CHANGES];

			assert_int_equal(e.change, seen);
			assert_int_equal(e.at_ns, c->at_ns);
			assert_int_equal(e.priority, c->priority);
			assert_int_equal(e.peer_priority, c->peer_priority);
			assert_int_equal(e.epoch, c->epoch);
			assert_string_equal(e.from, vgmp_state_names[c->from]);
			assert_string_equal(e.to, vgmp_state_names[c->to]);
			assert_string_equal(e.cause, c->cause);
		}
		assert_int_equal(seen, st->change_count);
	}
	sim_free(s);
}

static void
a_member_that_fails_is_told_before_the_role_that_it_costs(void **state)
{
	static const struct row rows[] = {
		{ EVENT_MEMBER, "active", "up", "down", "1 of 2 members failed" },
		{ EVENT_MEMBER, "active", "down", "up", "0 of 2 members failed" },
	};
	static const struct row roles[] = {
		{ EVENT_ROLE, "active", "active", "standby",
			"interface fault, 1 of 2 members failed" },
	};
	struct sim *const s = formed(100, 3);
	uint64_t next, member = 0, role = 0;
	struct event e;

	(void)state;
	set_sync(s, true);
	run_ms(s, 200);
	next = events_next(s->box[A].events);
	set_link(s, A, 0, false);
	run_ms(s, 500);
	set_link(s, A, 0, true);
	run_ms(s, 500);
	expect(s->box[A].events, &next, rows, 2);
	expect(s->box[A].events, &next, roles, 1);
	for (uint64_t n = next; n < events_next(s->box[A].events); n++) {
		assert_true(events_get(s->box[A].events, n, &e));
		if (e.kind == EVENT_MEMBER && member == 0) {
			member = n;
			assert_string_equal(e.type, "vrrp");
		} else if (e.kind == EVENT_ROLE) {
			role = n;
		}
	}
	assert_in_range(member, 1, role - 1);
	sim_free(s);
}

static void
a_planned_switch_is_told_from_its_begin_to_its_end(void **state)
{
	static const struct row done[] = {
		{ EVENT_SWITCH_OVER, "", "none", "begun", "switch-over by order" },
		{ EVENT_SWITCH_OVER, "", "begun", "done", "" },
	};
	static const struct row failed[] = {
		{ EVENT_SWITCH_OVER, "", "none", "begun", "switch-over by order" },
		{ EVENT_SWITCH_OVER, "", "begun", "failed", "" },
	};
	struct sim *s = formed(100, 3);
	uint64_t next;

	(void)state;
	set_sync(s, true);
	run_ms(s, 100);
	next = events_next(s->box[A].events);
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_DONE);
	run_ms(s, 500);
	expect(s->box[A].events, &next, done, 2);
	sim_free(s);

	s = formed(100, 3);
	set_sync(s, true);
	run_ms(s, 100);
	next = events_next(s->box[A].events);
	s->wire[A] = s->wire[B] = false; /* nobody answers */
	assert_int_equal(role_switch_over(s->box[A].role, s->now), ROLE_DONE);
	run_ms(s, 1000);
	expect(s->box[A].events, &next, failed, 2);
	sim_free(s);
}

static void
an_order_that_is_refused_is_no_event(void **state)
{
	struct sim *const s = formed(100, 3);
	const uint64_t next = events_next(s->box[B].events);

	(void)state;
	assert_int_equal(role_switch_over(s->box[B].role, s->now), ROLE_REFUSED_NOT_ACTIVE);
	assert_int_equal(events_next(s->box[B].events), next);
	sim_free(s);
}

static void
standby_by_order_is_told(void **state)
{
	static const struct row rows[] = {
		{ EVENT_HOLD, "", "off", "on", "order" },
		{ EVENT_HOLD, "", "on", "off", "order" },
	};
	struct sim *const s = formed(100, 3);
	uint64_t next = events_next(s->box[B].events);

	(void)state;
	assert_int_equal(role_hold(s->box[B].role, true, s->now), ROLE_DONE);
	assert_int_equal(role_hold(s->box[B].role, true, s->now), ROLE_DONE); /* it is already */
	assert_int_equal(role_hold(s->box[B].role, false, s->now), ROLE_DONE);
	expect(s->box[B].events, &next, rows, 2);
	sim_free(s);
}

static void
R174_a_split_brain_is_told(void **state)
{
	static const struct row both[] = {
		{ EVENT_SPLIT_BRAIN, "", "none", "both-active",
			"peer: adverts of 10.1.1.2, ; heartbeat: hb0 no carrier" },
		{ EVENT_SPLIT_BRAIN, "", "both-active", "averted", "" },
		{ EVENT_SPLIT_BRAIN, "", "averted", "none", "the heartbeat works again" },
	};
	struct sim *const s = formed(100, 3);
	uint64_t next = events_next(s->box[B].events);

	(void)state;
	s->lan = true;
	s->wire[A] = s->wire[B] = false;
	run_ms(s, 2000);
	assert_int_equal(role_hold(s->box[B].role, true, s->now), ROLE_DONE);
	run_ms(s, 100);
	s->wire[A] = s->wire[B] = true;
	run_ms(s, 500);
	expect(s->box[B].events, &next, both, 3);
	sim_free(s);
}

static void
a_dead_peer_is_silent_and_its_addresses_come_here(void **state)
{
	static const struct row peer[] = {
		{ EVENT_PEER, "", "heard", "silent", "" },
		{ EVENT_PEER, "", "silent", "heard", "" },
	};
	static const struct row vrrp[] = {
		{ EVENT_VRRP, "", "Backup", "Master", "its VGMP group is active" },
		{ EVENT_VRRP, "", "Backup", "Master", "its VGMP group is active" },
	};
	struct sim *const s = formed(100, 3);
	uint64_t next = events_next(s->box[B].events);
	uint8_t vrids = 0;
	struct event e;

	(void)state;
	box_kill(s, A);
	run_ms(s, 1000);
	expect(s->box[B].events, &next, vrrp, 2);
	for (uint64_t n = next; n < events_next(s->box[B].events); n++) {
		assert_true(events_get(s->box[B].events, n, &e));
		if (e.kind != EVENT_VRRP)
			continue;
		assert_int_equal(e.interface, e.place * 2);
		assert_int_equal(e.vrid, e.place + 1);
		vrids |= (uint8_t)(1u << e.vrid);
	}
	assert_int_equal(vrids, 1u << 1 | 1u << 2);
	box_start(s, A);
	run_ms(s, 1000);
	expect(s->box[B].events, &next, peer, 2);
	sim_free(s);
}

static void
R247_who_leaves_says_so_last(void **state)
{
	static const struct row rows[] = {
		{ EVENT_ROLE, "active", "active", "standby", "resign" },
		{ EVENT_ROLE, "active", "standby", "initialize", "resign" },
	};
	struct sim *const s = formed(100, 3);
	uint64_t next = events_next(s->box[A].events);

	(void)state;
	role_resign(s->box[A].role);
	run_ms(s, 1000);
	assert_true(role_resigned(s->box[A].role));
	expect(s->box[A].events, &next, rows, 2);
	sim_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R246_every_change_of_role_is_told_as_the_history_has_it),
		cmocka_unit_test(a_member_that_fails_is_told_before_the_role_that_it_costs),
		cmocka_unit_test(a_planned_switch_is_told_from_its_begin_to_its_end),
		cmocka_unit_test(an_order_that_is_refused_is_no_event),
		cmocka_unit_test(standby_by_order_is_told),
		cmocka_unit_test(R174_a_split_brain_is_told),
		cmocka_unit_test(a_dead_peer_is_silent_and_its_addresses_come_here),
		cmocka_unit_test(R247_who_leaves_says_so_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
