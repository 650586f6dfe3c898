/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers that do not fit: of another version (HAC-04, X30), in the same group (X31, R210), such as
 * have forgotten what they were, and whose self-test has failed (R216).  Never more than one of
 * them owns the addresses.
 */
#include "ha_constants.h"
#include "hrp.h"
#include "pair.h"
#include "role.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS 100
#define SEEDS	 6

static struct role_status status;

static struct pair *
new_pair(uint32_t seed, const char *group, int version_ahead)
{
	return pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.tcp_count = 2,
		.workers = { 1, 1 },
		.seed = seed,
		.group = group,
		.version_ahead = version_ahead });
}

static bool
one_owns(struct pair *p)
{
	return pair_owner(p) == 0 || pair_owner(p) == 1;
}

static bool
first_owns(struct pair *p)
{
	return pair_owner(p) == 0;
}

static bool
second_owns(struct pair *p)
{
	return pair_owner(p) == 1;
}

static const struct role_status *
role_of(const struct pair *p, unsigned int box)
{
	role_status_read(ha_role(pair_box((struct pair *)(uintptr_t)p, box)->ha), &status);
	return &status;
}

/* Killed, started, and cut off for a while: one owner at any time but while nobody hears. */
static void
every_fault_leaves_one_owner(struct pair *p)
{
	assert_true(pair_run_until(p, one_owns, 30 * HELLO_MS));
	pair_run(p, 20 * HELLO_MS);
	for (unsigned int turn = 0; turn < 4; turn++) {
		const int owner = pair_owner(p);

		assert_in_range(owner, 0, 1);
		pair_kill(p, (unsigned int)owner);
		assert_true(pair_run_until(p, owner == 0 ? second_owns : first_owns, 6 * HELLO_MS));
		pair_restart(p, (unsigned int)owner);
		pair_run(p, 30 * HELLO_MS);
		assert_int_equal(pair_owner(p), !owner); /* it does not disturb */
	}
	/* The standby box stands still for long, and then the active one. */
	for (unsigned int turn = 0; turn < 2; turn++) {
		const int owner = pair_owner(p);
		const unsigned int frozen = turn == 0 ? !owner : (unsigned int)owner;

		pair_freeze(p, frozen, PAIR_ALL);
		pair_run(p, 10 * HELLO_MS);
		pair_freeze(p, frozen, 0);
		pair_run(p, 20 * HELLO_MS);
		assert_int_equal(pair_owner(p), turn == 0 ? owner : !owner);
	}
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	/* Both believe to be alone; one is left when they hear each other again. */
	pair_heartbeat(p)->cut = true;
	pair_run(p, 10 * HELLO_MS);
	pair_heartbeat(p)->cut = false;
	assert_true(pair_run_until(p, one_owns, 3 * HELLO_MS));
	pair_run(p, 20 * HELLO_MS);
	assert_true(one_owns(p));
}

/* ---- another version ---- */

static void
HAC_04_X30_with_a_peer_of_another_version_one_box_is_active(void **state)
{
	static const int versions[] = { 1, -1, 100 };
	struct hrp_status hrp;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct pair *p = new_pair(i, NULL, versions[i]);

		every_fault_leaves_one_owner(p);
		for (unsigned int box = 0; box < 2; box++) {
			hrp_status(ha_hrp(pair_box(p, box)->ha), &hrp);
			assert_true(hrp.other_version);
			assert_false(role_of(p, box)->synchronised);
			assert_true(role_of(p, box)->peer_alive);
			assert_int_equal(hrp.links[0].state, HRP_LINK_RUNNING);
		}
		pair_teardown(NULL);
	}
}

/* ---- the same group ---- */

static void
X31_of_two_boxes_in_the_same_group_one_is_active(void **state)
{
	static const char *const groups[] = { "active", "standby" };

	(void)state;
	for (uint32_t seed = 0; seed < SEEDS; seed++) {
		struct pair *p = new_pair(seed, groups[seed % 2], 0);

		every_fault_leaves_one_owner(p);
		for (unsigned int box = 0; box < 2; box++)
			assert_true(role_of(p, box)->mispaired); /* told all the while */
		pair_teardown(NULL);
	}
}

/* A fault of a member is a reason to hand over there, too. */
static void
X31_a_fault_hands_over_to_the_box_in_the_same_group(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p = new_pair(seed, "active", 0);

		assert_true(pair_run_until(p, one_owns, 30 * HELLO_MS));
		pair_run(p, 20 * HELLO_MS);
		const int owner = pair_owner(p);

		pair_link(p, (unsigned int)owner, false, false);
		assert_true(pair_run_until(p, owner == 0 ? second_owns : first_owns, 6 * HELLO_MS));
		pair_run(p, 20 * HELLO_MS);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		pair_teardown(NULL);
	}
}

static uint32_t sessions_before;

static bool
both_have_them(struct pair *p)
{
	return pair_sessions(p, 0) >= sessions_before && pair_sessions(p, 1) >= sessions_before &&
	       pair_synchronised(p);
}

/* That it is standby is lost: what it has handed over is the other's all the same. */
static void
X31_a_hand_over_in_the_same_group_ends_no_session(void **state)
{
	static const char *const groups[] = { "active", "standby" };

	(void)state;
	for (uint32_t seed = 0; seed < 4; seed++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = 1000,
			.workers = { 1, 1 },
			.seed = seed,
			.group = groups[seed % 2] });
		const struct traffic *t = pair_traffic(p);

		assert_true(pair_run_until(p, one_owns, 10000));
		pair_run(p, 5000);
		const int owner = pair_owner(p);

		sessions_before = 0;
		for (uint16_t i = 0; i < 50; i++)
			traffic_send_udp(t->client, t->server->address, (uint16_t)(3000 + i), 4000,
				i, pair_now(p));
		pair_run(p, 20);
		sessions_before = pair_sessions(p, (unsigned int)owner);
		assert_true(sessions_before >= 50);
		assert_true(pair_run_until(p, both_have_them, 2000));
		pair_link(p, (unsigned int)owner, false, false);
		assert_true(pair_run_until(p, owner == 0 ? second_owns : first_owns, 6000));
		pair_heartbeat(p)->cut_from[owner] = true;
		pair_run(p, 2);
		pair_heartbeat(p)->cut_from[owner] = false;
		pair_run(p, 3000);
		assert_int_equal(pair_owner(p), !owner);
		assert_int_equal(pair_table(p, (unsigned int)owner, "session")->swept, 0);
		assert_true(pair_sessions(p, !owner) >= sessions_before);
		assert_true(pair_run_until(p, both_have_them, 2000));
		pair_teardown(NULL);
	}
}

/* ---- a vrid that one box has ---- */

#define NINE(group)                                                                                \
	"{ vrid = 9; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.9\"; group = "    \
	"\"" group "\"; },"

static void
R210_a_vrid_that_only_one_box_has_is_told_before_a_switch(void **state)
{
	static const struct {
		const char *vrrp[2];
		bool told[2];
	} rows[] = {
		{ { NINE("active") }, { true, true } },
		{ { NULL, NINE("standby") }, { false, true } }, /* numbers are not sure */
		{ { NINE("active"), NINE("standby") }, { false, false } },
	};

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.seed = i,
			.vrrp = { rows[i].vrrp[0], rows[i].vrrp[1] } });

		pair_form(p);
		pair_run(p, 6000);
		assert_int_equal(role_of(p, 0)->group[VGMP_GROUP_ACTIVE].vrids == ROLE_VRIDS_DIFFER,
			rows[i].told[0]);
		assert_int_equal(
			role_of(p, 1)->group[VGMP_GROUP_STANDBY].vrids == ROLE_VRIDS_DIFFER,
			rows[i].told[1]);
		pair_teardown(NULL);
	}
}

/* ---- epochs ---- */

/* Both boxes have been restarted, one after the other, and roles have changed: who becomes Active
 * is never behind what the other has known. */
static void
an_active_box_that_started_again_is_not_behind_its_standby(void **state)
{
	struct pair *p = new_pair(3, NULL, 0);
	uint32_t newest = 0;

	(void)state;
	pair_form(p);
	for (unsigned int turn = 0; turn < 6; turn++) {
		const int owner = pair_owner(p);
		const struct role_status *s;

		assert_in_range(owner, 0, 1);
		s = role_of(p, (unsigned int)owner);
		const uint32_t epoch =
			s->group[owner == 0 ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY].epoch;

		assert_true(epoch > newest);
		newest = epoch;
		/* It starts again, and the other one stands still: nobody takes over meanwhile. */
		pair_freeze(p, !owner, PAIR_ALL);
		pair_restart(p, (unsigned int)owner);
		pair_run(p, HELLO_MS / 2);
		pair_freeze(p, !owner, 0);
		assert_true(pair_run_until(p, one_owns, 30 * HELLO_MS));
		pair_run(p, 20 * HELLO_MS);
		assert_true(one_owns(p));
	}
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	pair_teardown(NULL);
}

/* ---- a failed self-test ---- */

/* A plain VRRP group of such a box is the last to be master, whatever it tracks works. */
static void
R216_nothing_raises_a_group_of_a_box_whose_self_test_has_failed(void **state)
{
	(void)state;
	for (unsigned int failed = 0; failed < 2; failed++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.vrrp = { "{ vrid = 9; interface = \"GigabitEthernet1/0/1\"; virtual_ip = "
				  "\"10.1.1.9\"; priority = 100;\n"
				  "  track = ( { interface = \"GigabitEthernet1/0/3\"; weight = "
				  "50; } ); }," },
			.held_back = { failed } });

		assert_true(pair_run_until(p, failed ? second_owns : first_owns, 30 * HELLO_MS));
		pair_run(p, 20 * HELLO_MS);
		assert_int_equal(role_of(p, 0)->group[VGMP_GROUP_ACTIVE].priority,
			failed ? 0 : VGMP_PRIORITY_STANDBY + 1);
		assert_int_equal(status.vrrp[0].priority, failed ? 1 : 150);
		pair_link(p, 0, true, false); /* it is as low as it can be */
		pair_run(p, HELLO_MS);
		assert_int_equal(role_of(p, 0)->vrrp[0].priority, failed ? 1 : 100);
		pair_teardown(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			HAC_04_X30_with_a_peer_of_another_version_one_box_is_active, pair_teardown),
		cmocka_unit_test_teardown(
			X31_of_two_boxes_in_the_same_group_one_is_active, pair_teardown),
		cmocka_unit_test_teardown(
			X31_a_fault_hands_over_to_the_box_in_the_same_group, pair_teardown),
		cmocka_unit_test_teardown(
			X31_a_hand_over_in_the_same_group_ends_no_session, pair_teardown),
		cmocka_unit_test_teardown(
			R210_a_vrid_that_only_one_box_has_is_told_before_a_switch, pair_teardown),
		cmocka_unit_test_teardown(
			an_active_box_that_started_again_is_not_behind_its_standby, pair_teardown),
		cmocka_unit_test_teardown(
			R216_nothing_raises_a_group_of_a_box_whose_self_test_has_failed,
			pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
