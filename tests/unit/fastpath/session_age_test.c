/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP-26: every session ends on its own timer, at its time, whatever its neighbours do. */
#include "rcu.h"
#include "session_table.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define START 1000 /* second */

static struct rcu *rcu;
static struct session_table *table;
static uint32_t gone, refreshed;
static mono_t now;

static int
setup(void **state)
{
	struct session_table_params p = {
		.name = "t", .max_sessions = 20000, .shards = 1, .socket = SOCKET_ID_ANY
	};

	(void)state;
	gone = 0;
	refreshed = 0;
	now.ns = START * NS_PER_SEC;
	rcu = p.rcu = rcu_create(SOCKET_ID_ANY);
	table = session_table_create(&p);
	return table == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	session_table_destroy(table);
	rcu_destroy(rcu);
	return 0;
}

static void
on_gone(void *ctx, struct session *s, uint32_t index, enum session_end end)
{
	(void)ctx;
	(void)s;
	(void)index;
	assert_int_equal(end, SESSION_END_IDLE);
	gone++;
}

static void
on_refresh(void *ctx, struct session *s, uint32_t index)
{
	(void)ctx;
	(void)s;
	(void)index;
	refreshed++;
}

static struct session *
add(uint32_t n, uint32_t ctl)
{
	struct session *s = session_table_alloc(table);
	struct session_key4 k;
	uint8_t swap;
	bool existed;

	assert_non_null(s);
	swap = session_key4_make(&k, rte_cpu_to_be_32(n), 1, 2, 3, 17);
	atomic_store(&s->ctl, session_kind(4, 17, swap) | ctl);
	assert_int_not_equal(session_table_insert4(table, s, &k, 0, now, &existed), SESSION_NONE);
	return s;
}

static bool
set_state(struct session *s, uint32_t from, uint32_t to, uint16_t self)
{
	const uint32_t kind = atomic_load(&s->ctl) & SESSION_KIND_MASK;

	return session_table_set_state(table, s, kind | from, kind | to, self, now);
}

static void
poll_once(void)
{
	session_table_poll(table, 0, now, 32, on_gone, on_refresh, NULL);
}

/* Second by second up to `second` after the start. */
static void
run_to(uint32_t second)
{
	while (mono_seconds(now) < START + second) {
		now.ns += NS_PER_SEC;
		for (unsigned int i = 0; i < 4; i++)
			poll_once();
	}
}

struct row {
	const char *what;
	uint32_t ctl, seconds;
};

static const struct row rows[] = {
	{ "SYN only", SESSION_TCP_SYN_SENT, 5 },
	{ "handshake without its last ACK", SESSION_TCP_SYN_RECEIVED, 5 },
	{ "established", SESSION_TCP_ESTABLISHED, 1200 },
	{ "one FIN", SESSION_TCP_FIN_WAIT, 900 },
	{ "half closed", SESSION_TCP_CLOSE_WAIT, 900 },
	{ "both FINs", SESSION_TCP_CLOSING, 10 },
	{ "both FINs acknowledged", SESSION_TCP_TIME_WAIT, 10 },
	{ "reset", SESSION_TCP_CLOSED, 10 },
	{ "UDP unanswered", SESSION_UDP_FIRST, 30 },
	{ "UDP", SESSION_UDP_REPLIED, 120 },
	{ "echo unanswered", SESSION_ICMP_FIRST, 20 },
	{ "echo", SESSION_ICMP_REPLIED, 20 },
	{ "other unanswered", SESSION_OTHER_FIRST, 60 },
	{ "other", SESSION_OTHER_REPLIED, 600 },
	{ "DNS unanswered", SESSION_DNS_FIRST, 30 },
	{ "DNS", SESSION_DNS_REPLIED, 30 },
	{ "GRE unanswered", SESSION_GRE_FIRST, 60 },
	{ "GRE", SESSION_GRE_REPLIED, 600 },
	{ "ESP", SESSION_ESP_REPLIED, 600 },
	{ "AH", SESSION_AH_REPLIED, 600 },
	{ "SCTP unanswered", SESSION_SCTP_FIRST, 5 },
	{ "SCTP", SESSION_SCTP_REPLIED, 600 },
	{ "SCTP ended", SESSION_SCTP_CLOSED, 10 },
	{ "copy of the peer's: twice the time", SESSION_UDP_REPLIED | SESSION_F_REMOTE, 240 },
	{ "copy of the peer's", SESSION_TCP_ESTABLISHED | SESSION_F_REMOTE, 2400 },
};

static void
TCP_26_alive_a_second_before_its_time_gone_two_after(void **state)
{
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		print_message("%s\n", rows[i].what);
		setup(state);
		add(1, rows[i].ctl);
		run_to(rows[i].seconds - 1);
		assert_int_equal(gone, 0);
		run_to(rows[i].seconds);
		assert_int_equal(gone, 0);
		run_to(rows[i].seconds + 2);
		assert_int_equal(gone, 1);
		assert_int_equal(session_table_count(table), 0);
		if (i + 1 < RTE_DIM(rows))
			teardown(state);
	}
}

static void
TCP_26_idle_flow_beside_busy_ones(void **state)
{
	struct session *busy[100];

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(busy); i++) {
		if (i == 50)
			add(1000, SESSION_UDP_FIRST);
		busy[i] = add(i, SESSION_UDP_FIRST);
	}
	for (uint32_t second = 0; second < 300; second += 10) {
		run_to(second);
		assert_int_equal(gone, second > 30);
		for (size_t i = 0; i < RTE_DIM(busy); i++)
			atomic_store(&busy[i]->last_seen, mono_seconds(now));
	}
	assert_int_equal(session_table_count(table), RTE_DIM(busy));
	assert_in_range(refreshed, 900, 1000); /* each about every 30 s */
	run_to(300 + 32);
	assert_int_equal(session_table_count(table), 0);
}

static void
a_shorter_state_brings_the_timer_forward(void **state)
{
	struct session *s = add(1, SESSION_TCP_ESTABLISHED);

	(void)state;
	run_to(100);
	atomic_store(&s->last_seen, mono_seconds(now));
	assert_true(set_state(s, SESSION_TCP_ESTABLISHED, SESSION_TCP_CLOSED, 0));
	run_to(110);
	assert_int_equal(gone, 0);
	run_to(112);
	assert_int_equal(gone, 1);
}

/* The packet that changes the state may be counted only after the change. */
static void
a_shorter_state_after_long_idling_does_not_end_it_at_once(void **state)
{
	struct session *s = add(1, SESSION_TCP_ESTABLISHED);

	(void)state;
	run_to(500);
	assert_true(set_state(s, SESSION_TCP_ESTABLISHED, SESSION_TCP_CLOSED, 0));
	atomic_store(&s->last_seen, mono_seconds(now));
	run_to(510);
	assert_int_equal(gone, 0);
	run_to(512);
	assert_int_equal(gone, 1);
}

static void
a_change_made_elsewhere_brings_the_timer_forward(void **state)
{
	struct session *s = add(1, SESSION_TCP_ESTABLISHED | SESSION_F_REMOTE);

	(void)state;
	assert_true(set_state(
		s, SESSION_TCP_ESTABLISHED | SESSION_F_REMOTE, SESSION_TCP_CLOSED, UINT16_MAX));
	run_to(10);
	assert_int_equal(gone, 0);
	run_to(12);
	assert_int_equal(gone, 1);
}

static void
a_longer_state_is_found_alive_when_its_old_slot_fires(void **state)
{
	struct session *s = add(1, SESSION_UDP_FIRST);

	(void)state;
	assert_true(set_state(s, SESSION_UDP_FIRST, SESSION_UDP_REPLIED, 0));
	run_to(119);
	assert_int_equal(gone, 0);
	assert_int_equal(refreshed, 1);
	run_to(122);
	assert_int_equal(gone, 1);
}

/* A crowded second is worked off in bounded steps, and none is lost. */
static void
one_call_handles_no_more_than_its_budget(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10000; i++)
		add(i, SESSION_UDP_FIRST);
	now.ns += 40 * NS_PER_SEC;
	for (uint32_t calls = 1; gone < 10000; calls++) {
		poll_once();
		assert_true(gone <= 32 * calls);
		assert_true(calls < 400);
	}
	assert_int_equal(session_table_count(table), 0);
}

static void
after_a_jump_of_the_clock_the_wheel_catches_up(void **state)
{
	static const uint32_t jumps[] = { 1, 31, 4095, 4096, 4097, 100000, 10000000 };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(jumps); i++) {
		struct session *alive = add(1, SESSION_UDP_FIRST);
		const uint32_t before = gone;

		add(2, SESSION_UDP_FIRST);
		poll_once();
		now.ns += jumps[i] * NS_PER_SEC;
		atomic_store(&alive->last_seen, mono_seconds(now));
		add(3, SESSION_UDP_FIRST); /* before the wheel has moved */
		poll_once();
		assert_int_equal(gone - before, jumps[i] > 30);
		run_to(mono_seconds(now) - START + 30);
		assert_true(session_table_count(table) >= 2);
		run_to(mono_seconds(now) - START + 2);
		assert_int_equal(session_table_count(table), 0);
	}
}

static void
P43_new_times_hold_for_living_sessions(void **state)
{
	uint32_t times[SESSION_STATES];

	(void)state;
	memcpy(times, session_default_timeouts, sizeof(times));
	for (uint32_t i = 0; i < 200; i++)
		add(i, i % 2 ? SESSION_UDP_REPLIED : SESSION_TCP_ESTABLISHED);
	run_to(100);
	times[SESSION_UDP_REPLIED] = 50; /* idle for longer: at once */
	times[SESSION_TCP_ESTABLISHED] = 110;
	session_table_set_timeouts(table, times);
	run_to(103);
	assert_int_equal(gone, 100);
	run_to(109);
	assert_int_equal(gone, 100);
	run_to(112);
	assert_int_equal(gone, 200);

	times[SESSION_UDP_REPLIED] = 1000;
	add(1, SESSION_UDP_REPLIED);
	session_table_set_timeouts(table, times);
	run_to(112 + 999);
	assert_int_equal(gone, 200);
	run_to(112 + 1003);
	assert_int_equal(gone, 201);
}

static void
idle_times_longer_than_the_wheel_work(void **state)
{
	static const uint32_t times[SESSION_STATES] = { [SESSION_UDP_FIRST] = 10000 };
	struct session_table_params p = { .name = "l",
		.max_sessions = 10,
		.shards = 1,
		.socket = SOCKET_ID_ANY,
		.rcu = rcu,
		.timeouts = times };

	teardown(state);
	p.rcu = rcu = rcu_create(SOCKET_ID_ANY);
	table = session_table_create(&p);
	assert_non_null(table);
	add(1, SESSION_UDP_FIRST);
	run_to(9999);
	assert_int_equal(gone, 0);
	run_to(10002);
	assert_int_equal(gone, 1);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			TCP_26_alive_a_second_before_its_time_gone_two_after, teardown),
		CASE(TCP_26_idle_flow_beside_busy_ones),
		CASE(a_shorter_state_brings_the_timer_forward),
		CASE(a_shorter_state_after_long_idling_does_not_end_it_at_once),
		CASE(a_change_made_elsewhere_brings_the_timer_forward),
		CASE(a_longer_state_is_found_alive_when_its_old_slot_fires),
		CASE(one_call_handles_no_more_than_its_budget),
		CASE(after_a_jump_of_the_clock_the_wheel_catches_up),
		CASE(P43_new_times_hold_for_living_sessions),
		CASE(idle_times_longer_than_the_wheel_work),
	};

	test_eal_start(128, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
