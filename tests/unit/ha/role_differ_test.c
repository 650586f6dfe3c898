/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: two boxes that are configured differently.  hello_ms or misses (X29): the longer silence
 * counts on both, so none takes over before the other's lease is over.  VRRP groups (R210): told.
 */
#include "log.h"
#include "role_sim.h"

extern const struct mon_type mon_type_interface;

static char said[1024]; /* lines about VRRP groups since it was emptied */

void __wrap_log_write(enum log_level, const char *, ...) __attribute__((format(printf, 2, 3)));
void
__wrap_log_write(enum log_level level, const char *fmt, ...)
{
	const size_t used = strlen(said);
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (strstr(line, "VRRP groups") != NULL)
		snprintf(said + used, sizeof(said) - used, "%s%s\n",
			level == LOG_LEVEL_WARNING ? "! " : "", line);
}

/* Exactly these lines. */
static void
heard(const char *lines)
{
	assert_string_equal(said, lines);
	said[0] = '\0';
}

/* Both started, each with its own settings; A Active, B Standby. */
static struct sim *
formed_with(const uint32_t hello_ms[2], const uint32_t misses[2])
{
	struct sim *const s = sim_new(hello_ms[A], misses[A]);
	const uint32_t shorter = hello_ms[A] < hello_ms[B] ? hello_ms[A] : hello_ms[B];
	const uint32_t longer = hello_ms[A] < hello_ms[B] ? hello_ms[B] : hello_ms[A];

	s->step_ns = shorter * NS_PER_MS / 100;
	box_start(s, A);
	run_ms(s, (uint64_t)misses[A] * hello_ms[A] + hello_ms[A]); /* nobody else is there */
	s->hello_ms = hello_ms[B];
	s->misses = misses[B];
	box_start(s, B);
	s->hello_ms = longer; /* of the wire: what is older is dropped */
	run_ms(s, 3 * (uint64_t)longer);
	s->none_ns = s->both_ns = 0;
	return s;
}

static const struct {
	uint32_t hello_ms[2], misses[2];
} rows[] = {
	{ { 1000, 1000 }, { 10, 2 } }, /* the standby is the hasty one */
	{ { 1000, 1000 }, { 2, 10 } },
	{ { 1000, 100 }, { 3, 3 } },
	{ { 100, 1000 }, { 3, 3 } },
	{ { 100, 1000 }, { 10, 2 } },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
X29_a_hasty_standby_leaves_a_living_peer_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);
		const uint32_t epoch = status_of(s, A)->group[VGMP_GROUP_ACTIVE].epoch;

		run_ms(s, 30000);
		one_owner(s, A);
		assert_int_equal(s->none_ns, 0);
		assert_int_equal(status_of(s, B)->takeovers, 0);
		/* Nor is the standby held for dead between two of its hellos. */
		assert_int_equal(status_of(s, A)->group[VGMP_GROUP_ACTIVE].epoch, epoch);
		sim_free(s);
	}
}

/* X20: the workers go on until their lease ends. */
static void
X29_no_takeover_before_the_lease_of_the_other_is_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);

		s->box[A].hrp_frozen = true;
		run_ms(s, 15000);
		one_owner(s, B);
		sim_free(s);
	}
}

static void
X29_a_fault_is_handed_over_all_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);

		set_link(s, A, 0, false);
		run_ms(s, 50);
		one_owner(s, B);
		sim_free(s);
	}
}

static void
R210_both_boxes_tell_that_they_differ(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim *const s = formed_with(rows[i].hello_ms, rows[i].misses);

		assert_true(status_of(s, A)->hello_mismatch > 0);
		assert_true(status_of(s, B)->hello_mismatch > 0);
		sim_free(s);
	}
}

/* One vrid too many is in the same group on both boxes, the others are opposite. */
static void
R210_one_vrid_in_the_same_group_is_told_as_long_as_it_is(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	box_start(s, A); /* Active group alone */
	box_start_sharing(s, B);
	run_ms(s, 10000);
	for (int i = 0; i < 100; i++) {
		run_ms(s, 70);
		assert_true(status_of(s, A)->mispaired);
		assert_false(status_of(s, B)->mispaired);
	}
	box_kill(s, B);
	box_start(s, B); /* set right */
	run_ms(s, 10000);
	assert_false(status_of(s, A)->mispaired);
	sim_free(s);
}

/* ---- VRRP groups that only one of the two boxes has ---- */

/* vrid, and up to two addresses of 10.1.1.0/24 */
struct more {
	uint8_t vrid, address[2];
};

static struct vrrp_setup
more_of(const struct more *m)
{
	struct vrrp_setup s = vrrp_of(m->vrid, 0, VGMP_GROUP_NONE);

	s.address_count = 0;
	for (int i = 0; i < 2 && m->address[i] != 0; i++)
		s.addresses[s.address_count++] =
			ip_addr_v4(rte_cpu_to_be_32(0x0a010100u + m->address[i]));
	return s;
}

/* A Active, B Standby, each with one more group, and what it tracks beside it. */
static struct sim *
formed_of(const struct more more[2], const bool track[2])
{
	const struct mon_member tracked = { .type = &mon_type_interface, .interface = 2 };
	struct sim *const s = sim_new(1000, 3);

	said[0] = '\0';
	for (int i = A; i <= B; i++) {
		s->more[i] = more_of(&more[i]);
		s->extra = track[i] ? tracked : (struct mon_member){ .type = NULL };
		box_start(s, i);
	}
	return s;
}

static bool
differs(const struct sim *s, int which)
{
	const uint8_t group = which == A ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY;

	return status_of(s, which)->group[group].vrids == ROLE_VRIDS_DIFFER;
}

static int
times(const char *text)
{
	int n = 0;

	for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

static void
R210_a_vrid_that_only_one_box_has_is_told(void **state)
{
	static const struct {
		struct more more[2];
		bool track[2], told[2]; /* the active box knows only what is sure by numbers */
	} cases[] = {
		{ .told = { false, false } },
		{ .more = { { 9, { 9 } } }, .told = { true, true } },
		{ .more = { { 0 }, { 9, { 9 } } }, .told = { false, true } },
		{ .more = { { 8, { 9 } }, { 9, { 9 } } }, .told = { false, true } },
		{ .more = { { 9, { 8 } }, { 9, { 9 } } }, .told = { false, true } },
		{ .more = { { 9, { 9 } }, { 9, { 9, 8 } } }, .told = { false, true } },
		{ .more = { { 9, { 9 } }, { 9, { 9 } } } },
		{ .more = { { 9, { 8, 9 } }, { 9, { 9, 8 } } } },
		/* What a box tracks is its own. */
		{ .track = { true, false } },
		{ .track = { false, true } },
		{ .more = { { 9, { 9 } } }, .track = { false, true }, .told = { false, true } },
		{ .more = { { 9, { 9 } } }, .track = { true, false }, .told = { true, true } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim *const s = formed_of(cases[i].more, cases[i].track);

		run_ms(s, 5000);
		heard(""); /* boxes start one after the other */
		assert_false(differs(s, A));
		assert_false(differs(s, B));
		run_ms(s, 5000);
		one_owner(s, A);
		for (int box = A; box <= B; box++)
			assert_int_equal(differs(s, box), cases[i].told[box]);
		run_ms(s, 60000); /* once */
		assert_int_equal(times("group active:"), cases[i].told[A]);
		assert_int_equal(times("group standby:"), cases[i].told[B]);
		assert_int_equal(times("\n"), cases[i].told[A] + cases[i].told[B]);
		sim_free(s);
	}
}

static void
R210_what_is_told_of_a_vrid_that_only_one_box_has(void **state)
{
	static const struct more more[2] = { { 9, { 9 } } };
	static const bool track[2] = { false, false };
	struct sim *const s = formed_of(more, track);

	(void)state;
	run_ms(s, 10000);
	heard("! group active: VRRP groups not known -> differ, cause the peer, not active, has 2 "
	      "members, we 3 VRRP groups\n"
	      "! group standby: VRRP groups not known -> differ, cause the peer has other vrids "
	      "and addresses\n");
	/* The standby box gets the group, too. */
	box_kill(s, B);
	run_ms(s, 4000);
	heard("group active: VRRP groups differ -> not known, cause the peer is silent\n");
	s->more[B] = s->more[A];
	box_start(s, B);
	run_ms(s, 20000);
	heard("");
	assert_false(differs(s, A));
	assert_false(differs(s, B));
	/* For a moment only: it is started without, and again. */
	box_kill(s, B);
	s->more[B].vrid = 0;
	box_start(s, B);
	run_ms(s, 4000);
	box_kill(s, B);
	s->more[B].vrid = 9;
	box_start(s, B);
	run_ms(s, 20000);
	heard("");
	/* Roles change: the other box knows it now. */
	box_kill(s, B);
	s->more[B].vrid = 8;
	box_start(s, B);
	run_ms(s, 10000);
	heard("! group standby: VRRP groups not known -> differ, cause the peer has other vrids "
	      "and addresses\n");
	set_link(s, A, 0, false);
	run_ms(s, 10000);
	one_owner_after(s, B);
	assert_true(differs(s, A));
	assert_false(differs(s, B));
	heard("group standby: VRRP groups differ -> not known, cause the peer, not active, has 3 "
	      "members, we 3 VRRP groups\n"
	      "! group active: VRRP groups not known -> differ, cause the peer has other vrids "
	      "and addresses\n");
	/* It is set right; that is told, too, as soon as it is seen. */
	box_kill(s, A);
	run_ms(s, 4000);
	s->more[A] = s->more[B];
	box_start(s, A);
	run_ms(s, 10000);
	heard("");
	set_link(s, B, 0, false);
	run_ms(s, 10000);
	one_owner_after(s, A);
	heard("group standby: VRRP groups not known -> alike, cause the peer has the same vrids "
	      "and addresses\n");
	sim_free(s);
}

/* Which vrid has which address, of addresses that differ in a few bits, is seen. */
static void
R210_addresses_that_are_swapped_between_two_vrids_are_told(void **state)
{
	static const uint8_t octets[][2] = { { 1, 3 }, { 1, 17 }, { 2, 4 }, { 100, 102 },
		{ 1, 2 } };
	const struct mon_member none = { .type = NULL };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(octets); i++) {
		struct sim *const s = sim_new(1000, 3);

		for (int box = A; box <= B; box++) {
			s->octet[box][0] = octets[i][box];
			s->octet[box][1] = octets[i][1 - box];
			s->extra = none;
			box_start(s, box);
		}
		run_ms(s, 10000);
		one_owner(s, A);
		assert_true(differs(s, B));
		assert_false(differs(s, A));
		sim_free(s);
	}
}

/* An active peer of a version that says no mark is compared by numbers, and not called idle. */
static void
R210_an_active_peer_that_says_no_mark_is_known_by_its_members(void **state)
{
	static const struct more more[2] = { { 0 }, { 9, { 9 } } };
	const struct mon_member none = { .type = NULL };
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	said[0] = '\0';
	s->unmarked[A] = true;
	for (int i = A; i <= B; i++) {
		s->more[i] = more_of(&more[i]);
		s->extra = none;
		box_start(s, i);
	}
	run_ms(s, 30000);
	one_owner(s, A);
	heard("! group standby: VRRP groups not known -> differ, cause the peer, which says no "
	      "vrids, has 2 members, we 3 VRRP groups\n");
	assert_true(differs(s, B));
	assert_false(differs(s, A));
	sim_free(s);
}

/* All VRRP groups of a VGMP group, so that the peer has none to be paired with it. */
static void
R210_a_vgmp_group_that_only_one_box_has_is_told(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	said[0] = '\0';
	box_start_sharing(s, A);
	box_start(s, B); /* Standby group alone */
	run_ms(s, 30000);
	assert_true(status_of(s, A)->group[VGMP_GROUP_STANDBY].vrids == ROLE_VRIDS_DIFFER);
	assert_true(status_of(s, B)->mispaired);
	assert_int_equal(times("! group standby: VRRP groups not known -> differ, cause the peer, "
			       "which is heard, has no group for our 2 VRRP groups\n"),
		1);
	/* A peer that is dead says nothing of it. */
	box_kill(s, B);
	run_ms(s, 10000);
	assert_true(status_of(s, A)->group[VGMP_GROUP_STANDBY].vrids == ROLE_VRIDS_UNKNOWN);
	said[0] = '\0';
	box_start_sharing(s, B); /* set right */
	run_ms(s, 30000);
	assert_true(status_of(s, A)->group[VGMP_GROUP_STANDBY].vrids != ROLE_VRIDS_DIFFER);
	assert_int_equal(times("-> differ"), 0);
	sim_free(s);
}

/* One that only tracks something has no VRRP groups that could be missing. */
static void
R210_a_vgmp_group_without_vrids_may_be_one_box_s_own(void **state)
{
	struct sim *const s = sim_new(1000, 3);

	(void)state;
	said[0] = '\0';
	s->extra = (struct mon_member){
		.type = &mon_type_interface, .interface = 2, .group = VGMP_GROUP_STANDBY
	};
	box_start(s, A); /* Active group, and a Standby group of that alone */
	box_start(s, B);
	run_ms(s, 30000);
	assert_true(status_of(s, A)->group[VGMP_GROUP_STANDBY].enabled);
	heard("");
	sim_free(s);
}

/* As docs/wire.md describes it, calculated by another program. */
static void
R210_the_mark_on_the_wire(void **state)
{
	static const struct {
		struct more more;
		uint16_t mark;
	} marks[] = { { { 0 }, 0x37e3 }, { { 8, { 6, 139 } }, 1 /* for 0 */ } };
	static const bool track[2] = { false, false };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(marks); i++) {
		const struct more more[2] = { marks[i].more, marks[i].more };
		struct sim *const s = formed_of(more, track);

		run_ms(s, 10000);
		assert_int_equal(s->mark, marks[i].mark);
		assert_int_equal(
			status_of(s, B)->group[VGMP_GROUP_STANDBY].vrids, ROLE_VRIDS_ALIKE);
		sim_free(s);
	}
}

/* One hello is lost, at a start or before the peer dies; the next one comes after more than 5 s. */
static void
R210_a_hello_that_is_lost_is_no_group_that_is_missing(void **state)
{
	struct sim *const s = sim_new(10000, 3);

	(void)state;
	said[0] = '\0';
	s->lose[B] = VGMP_GROUP_STANDBY;
	box_start_sharing(s, A);
	box_start_sharing(s, B);
	run_ms(s, 8000);
	s->lose[B] = 0;
	run_ms(s, 100000);
	heard("");
	s->lose[B] = VGMP_GROUP_STANDBY;
	run_ms(s, 10000);
	box_kill(s, B);
	run_ms(s, 100000);
	heard("");
	sim_free(s);
}

/* A box that is set right counts as such with its first hello. */
static void
X29_what_is_set_right_ends_it(void **state)
{
	struct sim *const s = formed_with(rows[0].hello_ms, rows[0].misses);
	uint64_t told;

	(void)state;
	box_kill(s, A);
	s->misses = 2;
	run_ms(s, 11000);
	one_owner_after(s, B);
	box_start(s, A);
	run_ms(s, 3000);
	told = status_of(s, B)->hello_mismatch;
	s->none_ns = 0;
	freeze(s, B, true);
	run_ms(s, 3100);
	assert_true(owns(s, A));
	assert_int_equal(status_of(s, B)->hello_mismatch, told);
	sim_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(X29_a_hasty_standby_leaves_a_living_peer_alone),
		cmocka_unit_test(X29_no_takeover_before_the_lease_of_the_other_is_over),
		cmocka_unit_test(X29_a_fault_is_handed_over_all_the_same),
		cmocka_unit_test(R210_both_boxes_tell_that_they_differ),
		cmocka_unit_test(R210_one_vrid_in_the_same_group_is_told_as_long_as_it_is),
		cmocka_unit_test(R210_a_vrid_that_only_one_box_has_is_told),
		cmocka_unit_test(R210_what_is_told_of_a_vrid_that_only_one_box_has),
		cmocka_unit_test(R210_an_active_peer_that_says_no_mark_is_known_by_its_members),
		cmocka_unit_test(R210_addresses_that_are_swapped_between_two_vrids_are_told),
		cmocka_unit_test(R210_a_vgmp_group_that_only_one_box_has_is_told),
		cmocka_unit_test(R210_a_vgmp_group_without_vrids_may_be_one_box_s_own),
		cmocka_unit_test(R210_the_mark_on_the_wire),
		cmocka_unit_test(R210_a_hello_that_is_lost_is_no_group_that_is_missing),
		cmocka_unit_test(X29_what_is_set_right_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
