/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members and priorities.
 */
#include "control_sections.h"
#include "ha_constants.h"
#include "ha_sections.h"
#include "mon.h"
#include "role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

extern const struct mon_type mon_type_vrrp, mon_type_interface;

static struct mon mon;

static void
member(const struct mon_type *type, uint8_t group, uint16_t interface, bool failed)
{
	const struct mon_member m = {
		.type = type, .group = group, .interface = interface, .failed = failed
	};
	char err[100];

	assert_int_equal(mon_add(&mon, &m, err, sizeof(err)), 0);
}

static uint32_t
priority(uint8_t group)
{
	return mon_priority(&mon, group, mon_base(&mon, group));
}

static void
R56_R57_two_groups_and_their_default_priorities(void **state)
{
	(void)state;
	mon_init(&mon);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 65001);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 65000);
}

static void
R58_C24_a_chassis_has_1000_more_for_each_board(void **state)
{
	static const struct {
		uint16_t boards;
		uint32_t active, standby;
	} rows[] = { { 1, 46001, 46000 }, { 4, 49001, 49000 }, { 21, 66001, 66000 },
		{ 64, 109001, 109000 } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mon_init(&mon);
		mon.boards = rows[i].boards;
		assert_int_equal(priority(VGMP_GROUP_ACTIVE), rows[i].active);
		assert_int_equal(priority(VGMP_GROUP_STANDBY), rows[i].standby);
		member(&mon_type_vrrp, VGMP_GROUP_ACTIVE, 0, true);
		assert_int_equal(priority(VGMP_GROUP_ACTIVE), rows[i].active - 2);
	}
}

static void
R62_R63_each_failed_member_costs_2(void **state)
{
	(void)state;
	mon_init(&mon);
	member(&mon_type_vrrp, VGMP_GROUP_ACTIVE, 0, false);
	member(&mon_type_vrrp, VGMP_GROUP_ACTIVE, 2, false);
	member(&mon_type_vrrp, VGMP_GROUP_STANDBY, 0, false);
	assert_int_equal(
		mon_link(&mon, 0, false), 1u << VGMP_GROUP_ACTIVE | 1u << VGMP_GROUP_STANDBY);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 64999);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 64998);
	assert_int_equal(mon_link(&mon, 0, false), 0); /* known already */
	assert_int_equal(mon_link(&mon, 2, false), 1u << VGMP_GROUP_ACTIVE);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 64997);
	assert_int_equal(mon_link(&mon, 0, true), 0);
	assert_int_equal(mon_link(&mon, 2, true), 0);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 65001); /* R63: exactly */
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 65000);
	assert_int_equal(mon_link(&mon, 7, false), 0); /* nobody's interface */
}

static void
C7_two_members_on_one_interface_cost_2_each(void **state)
{
	(void)state;
	mon_init(&mon);
	member(&mon_type_vrrp, VGMP_GROUP_ACTIVE, 0, false);
	member(&mon_type_vrrp, VGMP_GROUP_ACTIVE, 0, false);
	member(&mon_type_interface, VGMP_GROUP_ACTIVE, 0, false);
	mon_link(&mon, 0, false);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 64995);
}

static void
R64_active_is_odd_and_standby_even_whatever_fails(void **state)
{
	(void)state;
	mon_init(&mon);
	for (uint16_t i = 0; i < 20; i++) {
		member(&mon_type_interface, VGMP_GROUP_ACTIVE, i, true);
		member(&mon_type_interface, VGMP_GROUP_STANDBY, i, true);
		assert_int_equal(priority(VGMP_GROUP_ACTIVE) % 2, 1);
		assert_int_equal(priority(VGMP_GROUP_STANDBY) % 2, 0);
	}
}

static void
R66_never_below_0_and_back_exactly(void **state)
{
	(void)state;
	mon_init(&mon);
	for (uint16_t i = 0; i < 5; i++)
		member(&mon_type_interface, VGMP_GROUP_ACTIVE, i, true);
	assert_int_equal(mon_priority(&mon, VGMP_GROUP_ACTIVE, 9), 0);
	assert_int_equal(mon_priority(&mon, VGMP_GROUP_ACTIVE, 11), 1);
	for (uint16_t i = 0; i < 5; i++)
		mon_link(&mon, i, true);
	assert_int_equal(mon_priority(&mon, VGMP_GROUP_ACTIVE, 9), 9);
}

static void
R119_a_member_added_down_costs_at_once_and_a_removed_one_gives_back(void **state)
{
	(void)state;
	mon_init(&mon);
	member(&mon_type_interface, VGMP_GROUP_STANDBY, 1, true);
	member(&mon_type_interface, VGMP_GROUP_STANDBY, 2, false);
	member(&mon_type_interface, VGMP_GROUP_STANDBY, 3, true);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 64996);
	mon_remove(&mon, 0);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 64998);
	mon_remove(&mon, 0);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 64998);
	assert_int_equal(mon.list[0].interface, 3);
	mon_remove(&mon, 0);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 65000);
	assert_int_equal(mon.count, 0);
	assert_int_equal(mon.members[VGMP_GROUP_STANDBY], 0);
}

static void
a_full_list_is_refused(void **state)
{
	const struct mon_member m = { .type = &mon_type_interface, .group = VGMP_GROUP_ACTIVE };
	char err[100] = "";

	(void)state;
	mon_init(&mon);
	for (unsigned int i = 0; i < MON_MEMBERS_MAX; i++)
		assert_int_equal(mon_add(&mon, &m, err, sizeof(err)), 0);
	assert_true(mon_add(&mon, &m, err, sizeof(err)) < 0);
	assert_true(strlen(err) > 0);
	assert_int_equal(mon.count, MON_MEMBERS_MAX);
}

static int
fake_reaches(void *ctx, const struct ip_addr *host)
{
	const int *const answers = ctx;

	assert_int_equal(host->v4, RTE_BE32(0xc8010109));
	return answers[0];
}

static int
fake_script(void *ctx, uint16_t script)
{
	const int *const answers = ctx;

	assert_int_equal(script, 1);
	return answers[1];
}

/* Every member type of meson.build finds its members in a configuration. */
static void
R59_members_come_from_the_configuration(void **state)
{
	static const char text[] =
		"version = 1;\n"
		"system = { name = \"T\"; management_cpu = 0; control_cpu = 0; hrp_cpu = 0;"
		" worker_cpus = [ 0 ]; };\n"
		"ports = ( { name = \"a\"; devargs = \"net_null0\"; },"
		" { name = \"b\"; devargs = \"net_null1\"; }, { name = \"c\"; devargs = "
		"\"net_null2\"; },"
		" { name = \"d\"; devargs = \"net_null3\"; } );\n"
		"interfaces = ("
		" { name = \"in\"; port = \"a\"; address = \"10.1.1.2/24\"; zone = \"trust\"; },"
		" { name = \"hb\"; port = \"b\"; address = \"10.10.0.1/24\"; zone = \"dmz\"; },"
		" { name = \"out\"; port = \"c\"; address = \"200.1.1.2/24\"; zone = \"untrust\"; "
		"},"
		" { name = \"up\"; port = \"d\"; address = \"10.9.0.1/24\"; zone = \"untrust\"; } "
		");\n"
		"scripts = ( { name = \"a\"; path = \"/bin/true\"; user = \"root\"; },"
		" { name = \"gw\"; path = \"/bin/true\"; user = \"root\"; } );\n"
		"vrrp = ("
		" { vrid = 1; interface = \"in\"; virtual_ip = \"10.1.1.1/24\"; group = "
		"\"active\"; },"
		" { vrid = 2; interface = \"out\"; virtual_ip = \"200.1.1.1/24\"; group = "
		"\"standby\"; },"
		" { vrid = 3; interface = \"up\"; virtual_ip = \"10.9.0.9/24\"; } );\n"
		"hrp = { enable = true; interfaces = ( { interface = \"hb\"; } );"
		" track = ( { interface = \"up\"; group = \"active\"; },"
		" { destination = \"200.1.1.9\"; group = \"active\"; },"
		" { script = \"gw\"; group = \"standby\"; } ); };\n";
	const size_t control = sizeof(control_sections) / sizeof(control_sections[0]) - 1;
	const struct config_section
		*sections[sizeof(control_sections) / sizeof(control_sections[0]) +
			  sizeof(ha_sections) / sizeof(ha_sections[0])] = { NULL };
	struct config *config;
	char err[300] = "";
	int answers[2] = { -1, -1 };
	const struct role_ops ops = {
		.ctx = answers, .reaches = fake_reaches, .script = fake_script
	};

	(void)state;
	memcpy(sections, control_sections, control * sizeof(sections[0]));
	memcpy(sections + control, ha_sections, sizeof(ha_sections));
	config = config_parse(text, "test", sections, err, sizeof(err));
	if (config == NULL)
		fail_msg("%s", err);
	mon_init(&mon);
	assert_int_equal(mon_collect(&mon, config, err, sizeof(err)), 0);
	assert_int_equal(mon.count, 5); /* plain VRRP is nobody's member */
	assert_int_equal(mon.members[VGMP_GROUP_ACTIVE], 3);
	assert_int_equal(mon.members[VGMP_GROUP_STANDBY], 2);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 64995); /* down until heard of */
	for (uint16_t i = 0; i < 4; i++)
		mon_link(&mon, i, true);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 64999);
	assert_int_equal(mon_ask(&mon, &ops), 0);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 64999); /* not known yet */
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 64998);
	answers[0] = answers[1] = 1;
	assert_int_equal(mon_ask(&mon, &ops), 0);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 65001);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 65000);
	answers[1] = 0;
	assert_int_equal(mon_ask(&mon, &ops), 1u << VGMP_GROUP_STANDBY);
	assert_int_equal(mon_ask(&mon, &ops), 0); /* known already */
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 64998);
	answers[0] = answers[1] = -1;
	assert_int_equal(mon_ask(&mon, &ops), 0); /* as before */
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 65001);
	assert_int_equal(priority(VGMP_GROUP_STANDBY), 64998);
	mon_link(&mon, 3, false);
	assert_int_equal(priority(VGMP_GROUP_ACTIVE), 64999);
	assert_string_equal(mon.list[0].name, "in vrrp vrid 1");
	assert_string_equal(mon.list[2].name, "up");
	assert_string_equal(mon.list[3].name, "way to 200.1.1.9");
	assert_string_equal(mon.list[4].name, "script gw");
	config_free(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R56_R57_two_groups_and_their_default_priorities),
		cmocka_unit_test(R58_C24_a_chassis_has_1000_more_for_each_board),
		cmocka_unit_test(R62_R63_each_failed_member_costs_2),
		cmocka_unit_test(C7_two_members_on_one_interface_cost_2_each),
		cmocka_unit_test(R64_active_is_odd_and_standby_even_whatever_fails),
		cmocka_unit_test(R66_never_below_0_and_back_exactly),
		cmocka_unit_test(
			R119_a_member_added_down_costs_at_once_and_a_removed_one_gives_back),
		cmocka_unit_test(a_full_list_is_refused),
		cmocka_unit_test(R59_members_come_from_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
