/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two heartbeat links between the boxes: what becomes of one of them costs no role, no session and
 * no packet (R168, R173, R177, X08, X09).  Every round meets another phase of the hellos.
 */
#include "hrp.h"
#include "pair.h"
#include "role.h"
#include "test_eal.h"

#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HELLO_MS 100
#define ROUNDS	 4
#define TCPS	 10

static struct pair *
pair_of(struct pair_options o)
{
	o.hello_ms = HELLO_MS;
	o.tcp_count = TCPS;
	o.workers[0] = o.workers[1] = 1;
	struct pair *const p = pair_create(&o);

	pair_form(p);
	return p;
}

static struct pair *
formed_pair(uint32_t seed, uint32_t misses)
{
	return pair_of((struct pair_options){ .seed = seed, .misses = misses, .heartbeats = 2 });
}

static void
roles_of(struct pair *p, unsigned int box, struct role_status *status)
{
	role_status_read(ha_role(pair_box(p, box)->ha), status);
}

static void
links_of(struct pair *p, unsigned int box, struct hrp_status *status)
{
	hrp_status(ha_hrp(pair_box(p, box)->ha), status);
}

/* Whatever has happened to one link: nobody but the heartbeats has noticed. */
static void
nothing_else_happened(struct pair *p)
{
	static struct role_status roles;
	static struct hrp_status links;

	assert_int_equal(pair_owner(p), 0);
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	assert_int_equal(pair_figures(p)->none_owner_us, 0);
	assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
	assert_int_equal(pair_differences(p), 0);
	for (unsigned int box = 0; box < 2; box++) {
		roles_of(p, box, &roles);
		assert_int_equal(roles.takeovers, box == 0);
		assert_true(roles.peer_alive);
		assert_true(roles.synchronised);
		links_of(p, box, &links);
		assert_int_equal(links.bulks_out, box == 0); /* the stream went on */
	}
}

struct fault {
	const char *name;
	bool cut, from[2], carrier[2]; /* carrier: the box notices */
	uint8_t loss;
	bool running; /* link 0 still counts as good */
};

static const struct fault faults[] = {
	{ .name = "pulled", .cut = true, .carrier = { true, true } },
	{ .name = "pulled, box 0 sees it", .cut = true, .carrier = { true, false } },
	{ .name = "pulled, box 1 sees it", .cut = true, .carrier = { false, true } },
	{ .name = "black hole", .cut = true },
	{ .name = "black hole from box 0", .from = { true, false } },
	{ .name = "black hole from box 1", .from = { false, true } },
	{ .name = "every fifth frame lost", .loss = 20, .running = true },
};

static void
break_link(struct pair *p, unsigned int link, const struct fault *f, bool broken)
{
	struct pair_wire *w = pair_heartbeat_of(p, link);

	w->cut = broken && f->cut;
	w->loss = broken ? f->loss : 0;
	for (unsigned int box = 0; box < 2; box++) {
		w->cut_from[box] = broken && f->from[box];
		if (f->carrier[box])
			pair_heartbeat_carrier(p, box, link, !broken);
	}
}

static void
survive(struct pair *p, const struct fault *f)
{
	static struct hrp_status links;

	break_link(p, 0, f, true);
	pair_run(p, 1500);
	nothing_else_happened(p);
	for (unsigned int box = 0; box < 2 && !f->running; box++) {
		links_of(p, box, &links);
		assert_int_equal(links.running, 1);
		assert_in_range(links.links[0].state, HRP_LINK_DOWN, HRP_LINK_PEERDOWN);
	}
	/* And back, which moves everything to the first one again (R167). */
	break_link(p, 0, f, false);
	pair_run(p, 1000);
	nothing_else_happened(p);
	for (unsigned int box = 0; box < 2; box++) {
		links_of(p, box, &links);
		assert_int_equal(links.running, 0);
		assert_int_equal(links.links[0].state, HRP_LINK_RUNNING);
		assert_int_equal(links.links[1].state, HRP_LINK_READY);
	}
	/* The second one is missed by nobody. */
	break_link(p, 1, f, true);
	pair_run(p, 1000);
	nothing_else_happened(p);
}

static void
R168_R173_X08_X09_losing_one_of_two_links_changes_no_role(void **state)
{
	(void)state;
	for (uint32_t misses = 2; misses <= 3; misses++) {
		for (uint32_t i = 0; i < RTE_DIM(faults); i++) {
			/* With two misses a lost hello or two are the peer's death, by definition.
			 */
			if (misses == 2 && faults[i].loss > 0)
				continue;
			for (uint32_t seed = 0; seed < ROUNDS; seed++) {
				print_message(
					"%s, %u misses, seed %u\n", faults[i].name, misses, seed);
				survive(formed_pair(seed, misses), &faults[i]);
				pair_teardown(NULL);
			}
		}
	}
}

/* R171: what is no probe leaves by the running link alone while that is well. */
static void
R167_R171_only_the_running_link_carries_messages(void **state)
{
	struct pair *p = formed_pair(1, 3);
	static struct hrp_status before, after;

	(void)state;
	for (unsigned int box = 0; box < 2; box++) {
		links_of(p, box, &before);
		pair_run(p, 1000);
		links_of(p, box, &after);
		const uint64_t probes = after.links[1].probes_out - before.links[1].probes_out;
		const uint64_t answers = after.links[1].probes_in - before.links[1].probes_in;

		assert_in_range(probes, 9, 11);
		assert_in_range(after.links[1].packets_out - before.links[1].packets_out,
			probes + answers - 1, probes + answers + 1);
		assert_true(after.links[0].packets_out - before.links[0].packets_out > 3 * probes);
	}
	pair_teardown(NULL);
}

/* R170: the boxes do not run the same one, hear each other by any, and lose either. */
static void
R170_each_box_may_run_another_link(void **state)
{
	static struct hrp_status links;

	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = pair_of((struct pair_options){
			.seed = seed, .heartbeats = 2, .other_order = true });

		for (unsigned int box = 0; box < 2; box++) {
			links_of(p, box, &links);
			assert_int_equal(links.running, 0);
			assert_int_equal(links.links[0].interface, box == 0 ? 1 : 3);
		}
		nothing_else_happened(p);
		break_link(p, seed % 2, &faults[seed / 2], true);
		pair_run(p, 1500);
		nothing_else_happened(p);
		pair_teardown(NULL);
	}
}

/* R177: dead is who is silent on every link. */
static void
R177_X16_a_dead_box_is_found_as_fast_as_by_one_link(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = formed_pair(seed, 3);
		uint32_t ms = 0;

		pair_kill(p, 0);
		for (; ms < 5 * HELLO_MS && pair_owner(p) != 1; ms++)
			pair_run(p, 1);
		assert_in_range(ms, 2 * HELLO_MS, 3 * HELLO_MS + 5);
		pair_run(p, 1000);
		assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
		pair_teardown(NULL);
	}
}

/* ---- UDP ---- */

#define HEARTBEAT_RULE(zone)                                                                       \
	"{ name = \"hb\"; source_zones = [ \"local\", \"" zone "\" ];\n"                           \
	"  destination_zones = [ \"local\", \"" zone "\" ];\n"                                     \
	"  services = ( { protocol = \"udp\"; destination_port = \"18514\"; } );\n"                \
	"  action = \"permit\"; }"

static const char permitted[] = HEARTBEAT_RULE("dmz");

static void
R154_R156_in_UDP_everything_is_as_in_multicast(void **state)
{
	static const enum pair_heartbeat_mode modes[] = { PAIR_UDP, PAIR_ROUTED };
	static struct hrp_status links;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(modes); i++) {
		for (uint32_t seed = 0; seed < ROUNDS; seed++) {
			struct pair *p = pair_of((struct pair_options){ .seed = seed,
				.heartbeats = 2,
				.mode = modes[i],
				.more_rules = permitted });

			survive(p, &faults[seed % RTE_DIM(faults)]);
			for (unsigned int box = 0; box < 2; box++) {
				links_of(p, box, &links);
				for (uint64_t l = 0; l < 2; l++)
					assert_int_equal(links.links[l].denied_in +
								 links.links[l].denied_out,
						0);
				assert_int_equal(links.refused[HA_REFUSED_mode], 0);
			}
			pair_teardown(NULL);
		}
	}
}

/* R156: both directions; what is not permitted is as good as cut, and the counters say why. */
static void
R156_without_permission_there_is_no_heartbeat(void **state)
{
	static const char *const halves[] = {
		"{ name = \"hb\"; source_zones = [ \"local\" ]; action = \"permit\"; }",
		"{ name = \"hb\"; destination_zones = [ \"local\" ]; action = \"permit\"; }", NULL
	};
	static struct hrp_status links;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(halves); i++) {
		struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
			.tcp_count = 1,
			.mode = PAIR_UDP,
			.more_rules = halves[i] });

		pair_run(p, 2000);
		for (unsigned int box = 0; box < 2; box++) {
			links_of(p, box, &links);
			assert_int_equal(links.links[0].state, HRP_LINK_PEERDOWN);
			assert_true((links.links[0].denied_out > 0) == (i != 0));
			assert_true((links.links[0].denied_in > 0) == (i == 0));
			assert_int_equal(
				links.links[0].denied_in, links.refused[HA_REFUSED_policy]);
		}
		pair_teardown(NULL);
	}
}

/* The MAC of the peer is asked for again when another box takes its place. */
static void
UDP_finds_a_peer_with_another_MAC(void **state)
{
	struct pair *p =
		pair_of((struct pair_options){ .mode = PAIR_UDP, .more_rules = permitted });

	(void)state;
	pair_other_mac(p, 1);
	assert_true(pair_run_until(p, pair_synchronised, 3000));
	pair_run(p, 1000);
	assert_int_equal(pair_owner(p), 0);
	assert_int_equal(pair_differences(p), 0);
	pair_teardown(NULL);
}

/* ---- a way over the service network ---- */

static const char in_service[] = HEARTBEAT_RULE("trust");

static struct pair *
service_pair(uint32_t seed, const char *rules)
{
	return pair_of((struct pair_options){
		.seed = seed, .service_heartbeat = true, .more_rules = rules });
}

/* All heartbeat cables lost, both boxes alive: the service network still says so. */
static void
R176_R177_X10_the_service_network_is_a_second_opinion(void **state)
{
	static struct role_status roles;
	static struct hrp_status links;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(faults); i++) {
		for (uint32_t seed = 0; seed < 2; seed++) {
			struct pair *p = service_pair(seed, in_service);

			links_of(p, 1, &links);
			assert_int_equal(links.links[1].state, HRP_LINK_READY);
			break_link(p, 0, &faults[i], true);
			pair_run(p, 3000);
			assert_int_equal(pair_owner(p), 0);
			assert_int_equal(pair_figures(p)->two_owner_steps, 0);
			assert_int_equal(pair_figures(p)->none_owner_us, 0);
			assert_int_equal(
				traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
			for (unsigned int box = 0; box < 2; box++) {
				roles_of(p, box, &roles);
				assert_int_equal(roles.takeovers, box == 0);
				assert_true(roles.peer_alive);
			}
			break_link(p, 0, &faults[i], false);
			assert_true(pair_run_until(p, pair_synchronised, 3000));
			pair_run(p, 500);
			assert_int_equal(pair_differences(p), 0);
			pair_teardown(NULL);
		}
	}
}

/* And who is dead is dead there too: no later than by the cable. */
static void
R177_X16_silence_on_every_path_is_death(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2 * ROUNDS; seed++) {
		struct pair *p = service_pair(seed, in_service);
		uint32_t ms = 0;

		if (seed % 2 == 1) { /* the cable was gone before */
			pair_heartbeat(p)->cut = true;
			pair_run(p, 1000);
		}
		pair_kill(p, 0);
		for (; ms < 5 * HELLO_MS && pair_owner(p) != 1; ms++)
			pair_run(p, 1);
		assert_in_range(ms, 2 * HELLO_MS, 3 * HELLO_MS + 5);
		pair_run(p, 1000);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		pair_teardown(NULL);
	}
}

/* R90 with one of the ways gone by the same fault. */
static void
a_fault_on_the_side_of_the_second_way_is_handed_over(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = service_pair(seed, in_service);

		pair_link(p, 0, false, false);
		pair_run(p, 100);
		assert_int_equal(pair_owner(p), 1);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		pair_teardown(NULL);
	}
}

/* R156 holds for it as well. */
static void
R156_the_second_way_needs_permission_in_both_directions(void **state)
{
	static struct hrp_status links;
	struct pair *p = service_pair(1, NULL);

	(void)state;
	for (unsigned int box = 0; box < 2; box++) {
		links_of(p, box, &links);
		assert_int_equal(links.links[1].state, HRP_LINK_PEERDOWN);
		assert_true(links.links[1].denied_out > 0);
		assert_int_equal(links.links[1].packets_in, 0);
		assert_int_equal(links.running, 0);
	}
	pair_teardown(NULL);
}

/* ---- split brain ---- */

#define ADVERT_MS 1000

static struct pair *
split_pair(uint32_t seed, bool yield)
{
	struct pair *p = pair_of((struct pair_options){ .seed = seed, .split_yield = yield });

	pair_heartbeat(p)->cut = true;
	return p;
}

static uint8_t
split_of(struct pair *p, unsigned int box)
{
	static struct role_status roles;

	roles_of(p, box, &roles);
	return roles.split;
}

/* Both forward for three seconds, the switches learn now one, now the other; then one is left, and
 * no connection has been lost. */
static void
R174_R84_connections_outlive_a_split_brain(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = split_pair(seed, false);

		pair_run(p, 3 * HELLO_MS + 100 + 3 * ADVERT_MS);
		assert_int_equal(pair_owner(p), 2); /* the operator's choice */
		for (unsigned int box = 0; box < 2; box++)
			assert_int_equal(split_of(p, box), ROLE_SPLIT_BOTH);
		assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
		pair_heartbeat(p)->cut = false;
		assert_true(pair_run_until(p, pair_synchronised, 3000));
		assert_int_equal(pair_owner(p), 0);
		for (unsigned int box = 0; box < 2; box++)
			assert_int_equal(split_of(p, box), ROLE_SPLIT_NONE);
		pair_run(p, 1000);
		assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
		assert_int_equal(pair_differences(p), 0);
		pair_teardown(NULL);
	}
}

static bool
second_owns(struct pair *p)
{
	return pair_owner(p) == 1;
}

static void
X10_with_yield_one_owner_stays_and_nothing_is_lost(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = split_pair(seed, true);

		pair_run(p, 5000);
		assert_int_equal(pair_owner(p), 0);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		assert_int_equal(pair_figures(p)->none_owner_us, 0);
		assert_int_equal(split_of(p, 1), ROLE_SPLIT_AVERTED);
		assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
		if (seed % 2 == 0) { /* then it dies */
			pair_kill(p, 0);
			assert_true(pair_run_until(p, second_owns, 4 * HELLO_MS + 10));
		} else { /* or the cable is repaired */
			pair_heartbeat(p)->cut = false;
			assert_true(pair_run_until(p, pair_synchronised, 3000));
			assert_int_equal(pair_owner(p), 0);
		}
		pair_run(p, 1000);
		assert_int_equal(pair_figures(p)->two_owner_steps, 0);
		assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
		pair_teardown(NULL);
	}
}

/* No question of either family arrives. */
static void
lose_questions(struct pair *p)
{
	for (int outside = 0; outside < 2; outside++) {
		pair_lan(p, outside != 0)->no_arp = true;
		pair_lan(p, outside != 0)->no_icmp6 = true;
	}
}

/* The questions are lost, so both are active for a moment, once. */
static void
R174_with_yield_the_standby_group_gives_way(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++) {
		struct pair *p = split_pair(seed, true);

		lose_questions(p);
		pair_run(p, 5000);
		assert_int_equal(pair_owner(p), 0);
		assert_in_range(pair_figures(p)->two_owner_steps, 1, 5000 / PAIR_STEP_US);
		assert_int_equal(pair_figures(p)->none_owner_us, 0);
		assert_int_equal(traffic_tcp_alive(pair_traffic(p), 1000, pair_now(p)), TCPS);
		pair_teardown(NULL);
	}
}

/* Over IPv6 they ask by neighbour solicitation. */
static void
X10_with_yield_asks_by_IPv6_as_well(void **state)
{
	struct pair *p = split_pair(1, true);

	(void)state;
	pair_run(p, 2000);
	pair_lan(p, false)->no_arp = pair_lan(p, true)->no_arp = true;
	pair_figures(p)->two_owner_steps = 0;
	pair_run(p, 3000);
	assert_int_equal(pair_figures(p)->two_owner_steps, 0);
	assert_int_equal(split_of(p, 1), ROLE_SPLIT_AVERTED);
	pair_teardown(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R168_R173_X08_X09_losing_one_of_two_links_changes_no_role, pair_teardown),
		cmocka_unit_test_teardown(
			R167_R171_only_the_running_link_carries_messages, pair_teardown),
		cmocka_unit_test_teardown(R170_each_box_may_run_another_link, pair_teardown),
		cmocka_unit_test_teardown(
			R177_X16_a_dead_box_is_found_as_fast_as_by_one_link, pair_teardown),
		cmocka_unit_test_teardown(
			R154_R156_in_UDP_everything_is_as_in_multicast, pair_teardown),
		cmocka_unit_test_teardown(
			R156_without_permission_there_is_no_heartbeat, pair_teardown),
		cmocka_unit_test_teardown(UDP_finds_a_peer_with_another_MAC, pair_teardown),
		cmocka_unit_test_teardown(
			R176_R177_X10_the_service_network_is_a_second_opinion, pair_teardown),
		cmocka_unit_test_teardown(R177_X16_silence_on_every_path_is_death, pair_teardown),
		cmocka_unit_test_teardown(
			a_fault_on_the_side_of_the_second_way_is_handed_over, pair_teardown),
		cmocka_unit_test_teardown(
			R156_the_second_way_needs_permission_in_both_directions, pair_teardown),
		cmocka_unit_test_teardown(
			R174_R84_connections_outlive_a_split_brain, pair_teardown),
		cmocka_unit_test_teardown(
			X10_with_yield_one_owner_stays_and_nothing_is_lost, pair_teardown),
		cmocka_unit_test_teardown(
			R174_with_yield_the_standby_group_gives_way, pair_teardown),
		cmocka_unit_test_teardown(X10_with_yield_asks_by_IPv6_as_well, pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
