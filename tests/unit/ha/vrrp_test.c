/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP groups: the plain election (R28-R41, VRP-03..05) and groups driven by VGMP (R47-R55).
 */
#include "ha_config.h"
#include "ha_constants.h"
#include "vrrp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OWN   RTE_BE32(0x0a010102)
#define LOWER RTE_BE32(0x0a010101)
#define OTHER RTE_BE32(0x0a010103)
#define VIP   RTE_BE32(0x0a0101fe)

static struct vrrp v;
static mono_t now;

static void
plain(uint8_t priority, bool preempt, bool owner)
{
	now.ns = 5 * NS_PER_SEC;
	vrrp_init(&v, 7, 0, VIP, VGMP_GROUP_NONE, priority, VRRP_ADVERT_MS, preempt, owner);
}

static void
driven(void)
{
	now.ns = 5 * NS_PER_SEC;
	vrrp_init(&v, 7, 0, VIP, VGMP_GROUP_ACTIVE, 100, VRRP_ADVERT_MS, true, false);
}

static uint32_t
hear(uint8_t priority, rte_be32_t source)
{
	const struct vrrp_advert a = { .vrid = 7,
		.priority = priority,
		.interval_s = 1,
		.count = 1,
		.source = source,
		.addresses = { VIP } };
	enum vrrp_refusal why;
	const uint32_t action = vrrp_receive(&v, &a, OWN, now, &why);

	assert_int_equal(why, VRRP_OK);
	return action;
}

/* => milliseconds until the next action (at most `limit`); *action = it. */
static uint32_t
wait(uint32_t limit, uint32_t *action)
{
	for (uint32_t ms = 1; ms <= limit; ms++) {
		now = mono_add_ms(now, 1);
		*action = vrrp_tick(&v, now);
		if (*action != 0)
			return ms;
	}
	*action = 0;
	return limit;
}

static void
R28_R29_Initialize_then_Backup_then_Master(void **state)
{
	uint32_t action;

	(void)state;
	plain(100, true, false);
	assert_int_equal(v.state, VRRP_INITIALIZE);
	assert_int_equal(wait(10000, &action), 10000); /* unavailable while the interface is down */
	assert_int_equal(hear(255, OTHER), 0);	       /* and deaf */
	assert_int_equal(v.adverts_in, 0);
	assert_int_equal(vrrp_link(&v, true, now), 0);
	assert_int_equal(v.state, VRRP_BACKUP);
	wait(10000, &action);
	assert_int_equal(v.state, VRRP_MASTER);
	/* R31, R32, R37: gratuitous ARP and an advert at once */
	assert_int_equal(action, VRRP_DO_OWN | VRRP_DO_ADVERT);
}

static void
VRP03_R30_R35_takeover_after_three_adverts_and_skew(void **state)
{
	static const struct {
		uint8_t priority;
		uint32_t down_ms;
	} rows[] = { { 254, 3007 }, { 200, 3218 }, { 150, 3414 }, { 100, 3609 }, { 1, 3996 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t action, ms;

		plain(rows[i].priority, true, false);
		assert_int_equal(vrrp_master_down_ms(&v), rows[i].down_ms);
		vrrp_link(&v, true, now);
		now = mono_add_ms(now, 1500);
		hear(255, OTHER); /* the timer starts again with every advert */
		ms = wait(10000, &action);
		assert_in_range(ms, rows[i].down_ms - 1, rows[i].down_ms + 1);
		assert_int_equal(v.state, VRRP_MASTER);
		if (i > 0) /* R30: the higher the priority, the shorter the timer */
			assert_true(rows[i].down_ms > rows[i - 1].down_ms);
	}
}

static void
R31_a_master_advertises_every_second(void **state)
{
	uint32_t action;

	(void)state;
	plain(100, true, false);
	vrrp_link(&v, true, now);
	wait(10000, &action);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(wait(2000, &action), 1000);
		assert_int_equal(action, VRRP_DO_ADVERT);
	}
	now = mono_add_ms(now, 30000); /* a pause leaves no burst behind */
	assert_int_equal(vrrp_tick(&v, now), VRRP_DO_ADVERT);
	assert_int_equal(wait(2000, &action), 1000);
}

static void
R36_VRP05_priority_0_hands_over_after_skew(void **state)
{
	uint32_t action;

	(void)state;
	plain(100, true, false);
	vrrp_link(&v, true, now);
	now = mono_add_ms(now, 100);
	assert_int_equal(hear(0, OTHER), 0);
	assert_in_range(wait(10000, &action), 608, 610);
	assert_int_equal(v.state, VRRP_MASTER);
	/* A master that hears it says at once that it is there. */
	assert_int_equal(hear(0, OTHER), VRRP_DO_ADVERT);
	/* And sends it when it leaves. */
	assert_int_equal(vrrp_stop(&v, now), VRRP_DO_RELEASE | VRRP_DO_RESIGN);
	assert_int_equal(vrrp_stop(&v, now), 0);
}

/* VRP-04: who hears whom. */
static void
R38_preemption_and_comparison(void **state)
{
	static const struct {
		const char *name;
		bool master, preempt;
		uint8_t heard;
		rte_be32_t from;
		enum vrrp_state next;
		bool timer_restarted;
	} rows[] = {
		{ "backup, higher", false, true, 101, OTHER, VRRP_BACKUP, true },
		{ "backup, equal", false, true, 100, LOWER, VRRP_BACKUP, true },
		{ "backup, lower, preempting", false, true, 99, OTHER, VRRP_BACKUP, false },
		{ "backup, lower, not preempting", false, false, 99, OTHER, VRRP_BACKUP, true },
		{ "master, higher", true, true, 101, LOWER, VRRP_BACKUP, true },
		{ "master, owner", true, true, 255, LOWER, VRRP_BACKUP, true },
		{ "master, equal, higher address", true, true, 100, OTHER, VRRP_BACKUP, true },
		{ "master, equal, lower address", true, true, 100, LOWER, VRRP_MASTER, false },
		{ "master, lower", true, true, 99, OTHER, VRRP_MASTER, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t action;
		mono_t due;

		plain(100, rows[i].preempt, false);
		vrrp_link(&v, true, now);
		if (rows[i].master)
			wait(10000, &action);
		now = mono_add_ms(now, 500);
		due = v.due;
		action = hear(rows[i].heard, rows[i].from);
		if (v.state != rows[i].next ||
			(v.due.ns == mono_add_ms(now, 3609).ns) != rows[i].timer_restarted)
			fail_msg("%s: %s", rows[i].name, vrrp_state_names[v.state]);
		assert_int_equal(action,
			rows[i].master && rows[i].next == VRRP_BACKUP ? VRRP_DO_RELEASE : 0);
		if (!rows[i].timer_restarted)
			assert_int_equal(v.due.ns, due.ns);
	}
}

static void
R39_the_owner_is_master_at_once_and_never_yields(void **state)
{
	const struct vrrp_advert a = { .priority = 255, .interval_s = 1, .source = OTHER };
	enum vrrp_refusal why;

	(void)state;
	plain(100, true, true);
	assert_int_equal(v.priority, 255);
	assert_int_equal(vrrp_link(&v, true, now), VRRP_DO_OWN | VRRP_DO_ADVERT);
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(vrrp_receive(&v, &a, OWN, now, &why), 0);
	assert_int_equal(why, VRRP_REFUSED_owner);
	assert_int_equal(v.state, VRRP_MASTER);
}

static void
R41_of_three_routers_the_next_highest_takes_over(void **state)
{
	struct vrrp all[3];
	const uint8_t priorities[3] = { 200, 150, 100 };
	uint32_t masters[3] = { 0 };

	(void)state;
	now.ns = NS_PER_SEC;
	for (int i = 0; i < 3; i++) {
		vrrp_init(&all[i], 7, 0, VIP, VGMP_GROUP_NONE, priorities[i], 1000, true, false);
		vrrp_link(&all[i], true, now);
	}
	for (int ms = 0; ms < 20000; ms++) {
		now = mono_add_ms(now, 1);
		if (ms == 10000)
			vrrp_link(&all[0], false, now); /* the highest fails without a word */
		for (int i = 0; i < 3; i++) {
			const uint32_t action = vrrp_tick(&all[i], now);
			const struct vrrp_advert a = { .priority = priorities[i],
				.interval_s = 1,
				.source = OWN + rte_cpu_to_be_32((uint32_t)i) };
			enum vrrp_refusal why;

			if (action & VRRP_DO_OWN)
				masters[i]++;
			for (int k = 0; k < 3 && (action & VRRP_DO_ADVERT); k++)
				if (k != i)
					vrrp_receive(&all[k], &a,
						OWN + rte_cpu_to_be_32((uint32_t)k), now, &why);
		}
		if (ms == 9999)
			assert_int_equal(all[0].state, VRRP_MASTER);
	}
	assert_int_equal(all[1].state, VRRP_MASTER);
	assert_int_equal(all[2].state, VRRP_BACKUP);
	assert_int_equal(masters[0], 1);
	assert_int_equal(masters[1], 1);
	assert_int_equal(masters[2], 0);
}

static void
VRP06_what_does_not_fit_our_configuration_changes_nothing(void **state)
{
	static const struct {
		struct vrrp_advert a;
		enum vrrp_refusal why;
	} rows[] = {
		{ { .priority = 200, .interval_s = 1, .source = OWN }, VRRP_REFUSED_source },
		{ { .priority = 200, .interval_s = 2, .source = OTHER }, VRRP_REFUSED_interval },
		{ { .priority = 0, .interval_s = 9, .source = OTHER }, VRRP_REFUSED_interval },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp before;
		enum vrrp_refusal why;

		plain(100, true, false);
		vrrp_link(&v, true, now);
		before = v;
		assert_int_equal(vrrp_receive(&v, &rows[i].a, OWN, now, &why), 0);
		assert_int_equal(why, rows[i].why);
		assert_memory_equal(&v, &before, sizeof(v));
	}
}

static void
R47_R48_R52_a_driven_group_follows_VGMP_only(void **state)
{
	uint32_t action;

	(void)state;
	driven();
	assert_int_equal(v.priority, 120); /* R52, C17 */
	vrrp_link(&v, true, now);
	assert_int_equal(wait(60000, &action), 60000); /* silence is nothing to it */
	assert_int_equal(v.state, VRRP_BACKUP);
	assert_int_equal(vrrp_drive(&v, true, false, now), VRRP_DO_OWN | VRRP_DO_ADVERT);
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
	assert_int_equal(hear(254, OTHER), 0); /* adverts do not decide */
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(v.conflicts, 1);
	assert_int_equal(wait(2000, &action), 1000);
	assert_int_equal(vrrp_drive(&v, false, false, now), VRRP_DO_RELEASE);
	assert_int_equal(v.state, VRRP_BACKUP);
	assert_int_equal(hear(120, OTHER), 0);
	assert_int_equal(v.master, OTHER);
	assert_int_equal(v.conflicts, 1);
}

static void
R54_link_down_is_Initialize_whatever_VGMP_says(void **state)
{
	(void)state;
	driven();
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
	assert_int_equal(v.state, VRRP_INITIALIZE);
	vrrp_link(&v, true, now);
	vrrp_drive(&v, true, false, now);
	assert_int_equal(vrrp_link(&v, false, now), VRRP_DO_RELEASE);
	assert_int_equal(v.state, VRRP_INITIALIZE);
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
}

static void
R55_link_up_is_Backup_until_VGMP_says_otherwise(void **state)
{
	uint32_t action;

	(void)state;
	driven();
	assert_int_equal(vrrp_link(&v, true, now), 0);
	assert_int_equal(v.state, VRRP_BACKUP);
	wait(10000, &action);
	assert_int_equal(v.state, VRRP_BACKUP);
}

static void
a_group_that_hands_over_advertises_at_once_when_it_stays_after_all(void **state)
{
	(void)state;
	driven();
	vrrp_link(&v, true, now);
	vrrp_drive(&v, true, false, now);
	now = mono_add_ms(now, 300);
	assert_int_equal(vrrp_drive(&v, true, true, now), 0); /* the caller does not tick it now */
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
	assert_int_equal(vrrp_tick(&v, now), VRRP_DO_ADVERT);
}

/* R250 for IPv6: adverts decide nothing under VGMP, another Master is an alarm. */
static void
R52_adverts_of_ipv6_only_announce(void **state)
{
	static const uint8_t own[IP6_LEN] = { 0xfe, 0x80, [15] = 2 };
	struct vrrp_advert6 a = { .vrid = 7,
		.priority = 255,
		.count = 1,
		.interval_cs = VRRP_ADVERT_MS / 10,
		.source = { 0xfe, 0x80, [15] = 3 } };
	enum vrrp_refusal why;

	(void)state;
	vrrp_init(&v, 7, 0, VIP, VGMP_GROUP_ACTIVE, 100, VRRP_ADVERT_MS, true, false);
	vrrp_receive6(&v, &a, own, &why); /* Initialize */
	assert_int_equal(v.adverts6_in, 0);
	vrrp_link(&v, true, now);
	vrrp_receive6(&v, &a, own, &why);
	assert_int_equal(why, VRRP_OK);
	assert_int_equal(v.adverts6_in, 1);
	assert_int_equal(v.conflicts, 0);
	vrrp_drive(&v, true, false, now);
	vrrp_receive6(&v, &a, NULL, &why);
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(v.conflicts, 1);
	a.priority = VRRP_PRIORITY_RESIGN;
	vrrp_receive6(&v, &a, own, &why);
	assert_int_equal(v.conflicts, 1);
	a.interval_cs++;
	vrrp_receive6(&v, &a, own, &why);
	assert_int_equal(why, VRRP_REFUSED_interval);
	a.source[15] = 2;
	vrrp_receive6(&v, &a, own, &why);
	assert_int_equal(why, VRRP_REFUSED_source);
	assert_int_equal(v.adverts6_in, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R52_adverts_of_ipv6_only_announce),
		cmocka_unit_test(R28_R29_Initialize_then_Backup_then_Master),
		cmocka_unit_test(VRP03_R30_R35_takeover_after_three_adverts_and_skew),
		cmocka_unit_test(R31_a_master_advertises_every_second),
		cmocka_unit_test(R36_VRP05_priority_0_hands_over_after_skew),
		cmocka_unit_test(R38_preemption_and_comparison),
		cmocka_unit_test(R39_the_owner_is_master_at_once_and_never_yields),
		cmocka_unit_test(R41_of_three_routers_the_next_highest_takes_over),
		cmocka_unit_test(VRP06_what_does_not_fit_our_configuration_changes_nothing),
		cmocka_unit_test(R47_R48_R52_a_driven_group_follows_VGMP_only),
		cmocka_unit_test(R54_link_down_is_Initialize_whatever_VGMP_says),
		cmocka_unit_test(R55_link_up_is_Backup_until_VGMP_says_otherwise),
		cmocka_unit_test(
			a_group_that_hands_over_advertises_at_once_when_it_stays_after_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
