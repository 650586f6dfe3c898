/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours of the control core over a real engine: asking, waiting packets, ageing, moving.
 */
#include "core.h"
#include "core_box.h"
#include "test_eal.h"

#include <rte_ip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define IP(a, b, c, d) RTE_BE32(RTE_IPV4((uint32_t)(a), b, c, d))
#define OWN	       IP(200, 1, 1, 2)
#define CLIENT	       IP(10, 1, 1, 10)
#define SERVER	       IP(200, 1, 1, 10)

static const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct rte_ether_addr ours = { { 2, 'T', 'W', 1, 0, BOX_UNTRUST } };
static const struct rte_ether_addr inside = { { 2, 'T', 'W', 1, 0, BOX_TRUST } };
static const struct rte_ether_addr server = { { 2, 0, 200, 1, 1, 10 } };
static const struct rte_ether_addr moved = { { 2, 9, 9, 9, 9, 9 } };

static struct core_box *box;

static int
setup(void **state)
{
	(void)state;
	box = core_box_create(2);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return core_box_destroy(box) == 0 ? 0 : -1;
}

/* A packet of the client to somebody outside; its source port is its name. */
static void
client_sends(rte_be32_t dst, uint16_t sport)
{
	uint8_t frame[CORE_BOX_FRAME];

	core_box_feed(box, BOX_TRUST, frame, core_box_udp(frame, &inside, CLIENT, dst, sport));
}

static void
arp(uint8_t op, rte_be32_t sender, rte_be32_t target, const struct rte_ether_addr *mac,
	const struct rte_ether_addr *to)
{
	static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0 };
	uint8_t frame[60] = { 0 };

	memcpy(frame, to, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, head, sizeof(head));
	frame[21] = op;
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 28, &sender, 4);
	memcpy(frame + 38, &target, 4);
	core_box_feed(box, BOX_UNTRUST, frame, sizeof(frame));
}

static void
host_answers(rte_be32_t address, const struct rte_ether_addr *mac)
{
	arp(2, address, OWN, mac, &ours);
}

static void
expect_question(rte_be32_t about, const struct rte_ether_addr *to)
{
	static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };
	const rte_be32_t own = OWN;
	uint8_t expected[60] = { 0 };
	struct core_box_frame f;

	assert_true(core_box_sent(box, BOX_UNTRUST, &f));
	memcpy(expected, to, 6);
	memcpy(expected + 6, &ours, 6);
	memcpy(expected + 12, head, sizeof(head));
	memcpy(expected + 22, &ours, 6);
	memcpy(expected + 28, &own, 4);
	memcpy(expected + 38, &about, 4);
	assert_int_equal(f.len, 60);
	assert_memory_equal(f.bytes, expected, 60);
}

static void
expect_packet(uint16_t sport, const struct rte_ether_addr *to)
{
	struct core_box_frame f;

	assert_true(core_box_sent(box, BOX_UNTRUST, &f));
	assert_int_equal(f.bytes[12] << 8 | f.bytes[13], 0x0800);
	assert_memory_equal(f.bytes, to, 6);
	assert_memory_equal(f.bytes + 6, &ours, 6);
	assert_int_equal(f.bytes[14 + 8], 63); /* TTL lowered once */
	assert_int_equal(f.bytes[14 + 20] << 8 | f.bytes[14 + 21], sport);
	assert_int_equal(f.len, 14 + 20 + 8 + 18);
}

static void
expect_silence(void)
{
	struct core_box_frame f;

	for (uint16_t port = 0; port < BOX_PORTS; port++)
		assert_false(core_box_sent(box, port, &f));
}

static enum neigh_state
server_state(struct rte_ether_addr *mac)
{
	return core_box_neighbour(box, BOX_UNTRUST, SERVER, mac);
}

/* The server resolved, with a session of the client to it. */
static void
resolved(void)
{
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	host_answers(SERVER, &server);
	core_box_turn(box, 1);
	core_box_discard(box);
	core_box_mark(box);
	assert_int_equal(server_state(NULL), NEIGH_REACHABLE);
}

static void
the_first_packet_asks_and_leaves_when_the_answer_comes(void **state)
{
	(void)state;
	client_sends(SERVER, 1);
	client_sends(SERVER, 2);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
	expect_silence();
	assert_int_equal(server_state(NULL), NEIGH_INCOMPLETE);
	host_answers(SERVER, &server);
	core_box_turn(box, 1);
	expect_packet(1, &server);
	expect_packet(2, &server);
	expect_silence();
	assert_int_equal(server_state(NULL), NEIGH_REACHABLE);
	assert_int_equal(core_box_counted(box).pending_queued, 2);
	assert_int_equal(core_box_counted(box).pending_sent, 2);
	assert_int_equal(core_box_counted(box).arp_requests_out, 1);
	/* From now on the worker sends on its own. */
	client_sends(SERVER, 1);
	engine_box_poll(box->box);
	expect_packet(1, &server);
}

static void
a_route_asks_for_its_gateway(void **state)
{
	(void)state;
	client_sends(IP(8, 8, 8, 8), 1);
	core_box_turn(box, 1);
	expect_question(IP(200, 1, 1, 254), &all);
	expect_silence();
}

static void
a_request_of_the_host_itself_resolves_it_too(void **state)
{
	struct core_box_frame f;
	unsigned int types[2];

	(void)state;
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
	arp(1, SERVER, OWN, &server, &all);
	core_box_turn(box, 1);
	/* The waiting packet leaves, and the host gets its answer, in whatever order. */
	for (unsigned int i = 0; i < RTE_DIM(types); i++) {
		assert_true(core_box_sent(box, BOX_UNTRUST, &f));
		assert_memory_equal(f.bytes, &server, 6);
		types[i] = f.bytes[13];
	}
	assert_int_equal(types[0] + types[1], 0x00 + 0x06);
	expect_silence();
}

static void
at_most_64_packets_wait_for_one_host_the_newest(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 67; i++) {
		client_sends(SERVER, i);
		core_box_turn(box, 1);
	}
	expect_question(SERVER, &all);
	host_answers(SERVER, &server);
	core_box_wait(box, 3, 1);
	for (uint16_t i = 4; i <= 67; i++)
		expect_packet(i, &server);
	expect_silence();
	assert_int_equal(core_box_counted(box).pending_dropped, 3);
}

static void
at_most_1024_packets_wait_in_all_the_newest(void **state)
{
	const unsigned int hosts = 150, each = 8;
	struct core_stats counted;
	struct core_box_frame f;

	(void)state;
	for (uint16_t round = 0; round < each; round++) {
		for (unsigned int h = 0; h < hosts; h++) {
			client_sends(IP(200, 1, 1, 100 + h), (uint16_t)(1 + round));
			if (h % 50 == 49)
				core_box_wait(box, 3, 1);
		}
	}
	counted = core_box_counted(box);
	assert_int_equal(counted.pending_queued, hosts * each);
	assert_int_equal(counted.pending_dropped, hosts * each - 1024);
	core_box_discard(box);
	/* The first host lost its oldest two: 176 dropped packets are one round and 26 more. */
	host_answers(IP(200, 1, 1, 100), &server);
	core_box_turn(box, 1);
	for (uint16_t round = 2; round < each; round++)
		expect_packet((uint16_t)(1 + round), &server);
	expect_silence();
	host_answers(IP(200, 1, 1, 249), &server);
	core_box_turn(box, 1);
	for (uint16_t round = 1; round < each; round++)
		expect_packet((uint16_t)(1 + round), &server);
	assert_false(core_box_sent(box, BOX_UNTRUST, &f));
}

static void
no_answer_three_questions_then_failed_then_forgotten(void **state)
{
	struct worker_stats before, after;
	struct core_box_frame f;

	(void)state;
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
	core_box_wait(box, 980, 10);
	expect_silence();
	core_box_wait(box, 30, 10);
	expect_question(SERVER, &all);
	core_box_wait(box, 1010, 10);
	expect_question(SERVER, &all);
	assert_int_equal(server_state(NULL), NEIGH_INCOMPLETE);
	core_box_wait(box, 1010, 10);
	assert_int_equal(server_state(NULL), NEIGH_FAILED);
	assert_int_equal(core_box_counted(box).neigh_failed, 1);
	assert_int_equal(core_box_counted(box).pending_dropped, 1);
	expect_silence();
	/* While failed the workers drop, and tell the client that the host is unreachable. */
	engine_stats(box->box->engine, &before);
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	engine_stats(box->box->engine, &after);
	assert_int_equal(after.drops[DROP_neigh_failed], before.drops[DROP_neigh_failed] + 1);
	assert_int_equal(after.notices_made[NOTICE_unreachable],
		before.notices_made[NOTICE_unreachable] + 1);
	assert_true(core_box_sent(box, BOX_TRUST, &f));
	core_box_wait(box, 4900, 10);
	assert_int_equal(server_state(NULL), NEIGH_FAILED);
	core_box_wait(box, 200, 10);
	assert_int_equal(server_state(NULL), NEIGH_FREE);
	expect_silence();
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
}

static void
a_failed_host_that_speaks_up_is_back(void **state)
{
	(void)state;
	client_sends(SERVER, 1);
	core_box_wait(box, 3100, 10);
	assert_int_equal(server_state(NULL), NEIGH_FAILED);
	core_box_discard(box);
	arp(1, SERVER, SERVER, &server, &all); /* gratuitous */
	core_box_turn(box, 1);
	assert_int_equal(server_state(NULL), NEIGH_REACHABLE);
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_packet(1, &server);
}

static void
a_used_entry_is_asked_again_after_60_s_while_traffic_goes_on(void **state)
{
	(void)state;
	resolved();
	client_sends(SERVER, 1);
	core_box_wait(box, 59900, 50);
	expect_packet(1, &server);
	expect_silence();
	core_box_wait(box, 200, 10);
	expect_question(SERVER, &server); /* that host only */
	assert_int_equal(server_state(NULL), NEIGH_STALE);
	client_sends(SERVER, 1);
	engine_box_poll(box->box);
	expect_packet(1, &server);
	host_answers(SERVER, &server);
	core_box_turn(box, 1);
	assert_int_equal(server_state(NULL), NEIGH_REACHABLE);
	expect_silence();
}

static void
a_stale_host_that_is_gone_is_asked_for_by_broadcast_then_fails(void **state)
{
	(void)state;
	resolved();
	client_sends(SERVER, 1);
	core_box_wait(box, 60100, 50);
	expect_packet(1, &server);
	expect_question(SERVER, &server);
	core_box_wait(box, 2100, 10);
	expect_question(SERVER, &server);
	expect_question(SERVER, &server);
	assert_int_equal(server_state(NULL), NEIGH_STALE);
	core_box_wait(box, 1000, 10);
	expect_question(SERVER, &all);
	assert_int_equal(server_state(NULL), NEIGH_INCOMPLETE);
	/* Packets wait again: the host may answer with another MAC. */
	client_sends(SERVER, 7);
	core_box_turn(box, 1);
	expect_silence();
	host_answers(SERVER, &moved);
	core_box_turn(box, 1);
	expect_packet(7, &moved);
}

static void
an_unused_entry_is_not_asked_and_goes_after_20_minutes(void **state)
{
	(void)state;
	resolved();
	core_box_wait(box, 19 * 60 * 1000, 50);
	expect_silence();
	assert_int_equal(server_state(NULL), NEIGH_REACHABLE);
	core_box_wait(box, 62 * 1000, 50);
	assert_int_equal(server_state(NULL), NEIGH_FREE);
	expect_silence();
	assert_int_equal(neigh_count(engine_neighbours(box->box->engine)), 0);
}

static void
an_old_entry_is_asked_for_within_a_second_of_new_traffic(void **state)
{
	(void)state;
	resolved();
	core_box_wait(box, 10 * 60 * 1000, 50);
	client_sends(SERVER, 1);
	core_box_wait(box, 1100, 10);
	expect_packet(1, &server);
	expect_question(SERVER, &server);
}

static void
a_host_that_moved_is_followed(void **state)
{
	static const struct {
		uint8_t op;
		rte_be32_t target;
	} ways[] = { { 1, SERVER }, { 2, SERVER }, { 2, OWN }, { 1, OWN },
		{ 1, IP(200, 1, 1, 99) } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ways); i++) {
		struct rte_ether_addr mac;

		resolved();
		arp(ways[i].op, SERVER, ways[i].target, &moved, &all);
		core_box_turn(box, 1);
		assert_int_equal(server_state(&mac), NEIGH_REACHABLE);
		assert_memory_equal(&mac, &moved, sizeof(mac));
		assert_int_equal(core_box_counted(box).neigh_moved, 1);
		core_box_discard(box);
		client_sends(SERVER, 1);
		core_box_turn(box, 1);
		expect_packet(1, &moved);
		assert_int_equal(teardown(state), 0);
		setup(state);
	}
}

static void
waiting_packets_do_not_leave_without_the_lease(void **state)
{
	(void)state;
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
	engine_set_lease(box->box->engine, box->box->now);
	host_answers(SERVER, &server);
	core_box_turn(box, 1);
	expect_silence();
	assert_int_equal(core_box_counted(box).pending_fenced, 1);
	assert_int_equal(core_box_counted(box).pending_sent, 0);
	assert_int_equal(server_state(NULL), NEIGH_REACHABLE); /* known for when it is ours again */
}

static void
X01_a_link_that_goes_down_takes_its_neighbours_and_their_packets_along(void **state)
{
	const uint32_t inside_host = IP(10, 1, 1, 10);

	(void)state;
	resolved();
	client_sends(IP(200, 1, 1, 77), 1);
	engine_box_neighbour(box->box, BOX_TRUST, inside_host, NEIGH_REACHABLE, &moved);
	core_box_turn(box, 1);
	core_box_discard(box);
	core_post_link(box->core, BOX_UNTRUST, false);
	core_box_turn(box, 1);
	assert_int_equal(server_state(NULL), NEIGH_FREE);
	assert_int_equal(core_box_neighbour(box, BOX_UNTRUST, IP(200, 1, 1, 77), NULL), NEIGH_FREE);
	assert_int_equal(core_box_neighbour(box, BOX_TRUST, inside_host, NULL), NEIGH_REACHABLE);
	assert_int_equal(core_box_counted(box).pending_dropped, 1);
	/* The session resolves its way out again: it asks, instead of using the old MAC. */
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
	expect_silence();
}

static void
a_session_does_not_follow_its_old_slot_to_another_neighbour(void **state)
{
	const struct neigh_table *t = engine_neighbours(box->box->engine);
	const rte_be32_t other = IP(200, 1, 1, 77);
	uint32_t slot;

	(void)state;
	resolved();
	client_sends(SERVER, 1); /* the session remembers the slot */
	core_box_turn(box, 1);
	expect_packet(1, &server);
	slot = neigh_find(t, BOX_UNTRUST, SERVER);
	core_post_link(box->core, BOX_UNTRUST, false);
	core_post_link(box->core, BOX_UNTRUST, true);
	core_box_wait(box, 5, 1);
	client_sends(other, 2);
	core_box_turn(box, 1);
	host_answers(other, &moved);
	core_box_turn(box, 1);
	core_box_discard(box);
	assert_int_equal(neigh_find(t, BOX_UNTRUST, other), slot);
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
	expect_silence();
}

static void
a_session_does_not_follow_a_slot_that_aged_out(void **state)
{
	const struct neigh_table *t = engine_neighbours(box->box->engine);
	const rte_be32_t other = IP(200, 1, 1, 77);
	uint32_t slot;

	(void)state;
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	slot = neigh_find(t, BOX_UNTRUST, SERVER);
	client_sends(SERVER, 1); /* the session remembers the slot, unresolved as it is */
	core_box_wait(box, 8500, 10);
	assert_int_equal(server_state(NULL), NEIGH_FREE);
	client_sends(other, 2);
	core_box_turn(box, 1);
	host_answers(other, &moved);
	core_box_turn(box, 1);
	core_box_discard(box);
	assert_int_equal(neigh_find(t, BOX_UNTRUST, other), slot);
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
	expect_silence();
}

static void
a_snapshot_without_the_interface_takes_its_neighbours_along(void **state)
{
	(void)state;
	resolved();
	core_sleep_begin(box->core);
	engine_box_publish(box->box);
	core_sleep_end(box->core);
	core_post_published(box->core);
	core_box_turn(box, 1);
	assert_int_equal(server_state(NULL), NEIGH_REACHABLE);
	core_sleep_begin(box->core);
	box->box->up[BOX_UNTRUST] = false;
	engine_box_publish(box->box);
	core_sleep_end(box->core);
	core_post_published(box->core);
	core_box_turn(box, 1);
	assert_int_equal(server_state(NULL), NEIGH_FREE);
}

/* Next hops that nobody can be asked about. */
static void
packets_to_no_host_are_refused(void **state)
{
	const rte_be32_t to[] = { IP(200, 1, 1, 0), IP(200, 1, 1, 255) };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(to); i++) {
		core_box_mark(box);
		client_sends(to[i], 1);
		core_box_turn(box, 1);
		expect_silence();
		assert_int_equal(core_box_neighbour(box, BOX_UNTRUST, to[i], NULL), NEIGH_FREE);
	}
}

static void
strangers_cannot_fill_the_table(void **state)
{
	const uint32_t capacity = neigh_capacity(engine_neighbours(box->box->engine));

	(void)state;
	assert_int_equal(capacity, 256);
	for (unsigned int i = 10; i < 250; i++) {
		struct rte_ether_addr mac = server;

		mac.addr_bytes[5] = (uint8_t)i;
		arp(1, IP(200, 1, 1, i), OWN, &mac, &all);
		if (i % 16 == 0)
			core_box_turn(box, 1);
	}
	core_box_wait(box, 20, 1);
	core_box_discard(box);
	assert_int_equal(neigh_count(engine_neighbours(box->box->engine)), 192);
	client_sends(IP(200, 1, 1, 254), 1);
	core_box_turn(box, 1);
	expect_question(IP(200, 1, 1, 254), &all);
}

/* A scan of a connected network asks for hosts that do not exist; one that speaks is learnt. */
static void
a_scan_keeps_nobody_out_who_speaks(void **state)
{
	struct rte_ether_addr mac;

	(void)state;
	for (unsigned int h = 11; h < 250; h++) {
		client_sends(IP(200, 1, 1, h), 1);
		if (h % 16 == 0)
			core_box_turn(box, 1);
	}
	core_box_turn(box, 1);
	core_box_discard(box);
	assert_int_equal(neigh_count(engine_neighbours(box->box->engine)), 192);
	assert_int_equal(core_box_counted(box).neigh_full, 250 - 11 - 192);
	arp(1, IP(200, 1, 1, 253), OWN, &server, &all);
	core_box_turn(box, 1);
	assert_int_equal(
		core_box_neighbour(box, BOX_UNTRUST, IP(200, 1, 1, 253), &mac), NEIGH_REACHABLE);
	/* When the scan is over there is room again. */
	core_box_wait(box, 10000, 20);
	assert_int_equal(neigh_count(engine_neighbours(box->box->engine)), 1);
	core_box_discard(box);
	client_sends(SERVER, 1);
	core_box_turn(box, 1);
	expect_question(SERVER, &all);
}

/* Packets that wait for a MAC are many; what decides about neighbours and roles is not lost for it.
 */
static void
a_flood_to_no_host_leaves_room_for_control_frames(void **state)
{
	struct worker_stats s;
	struct rte_ether_addr mac;

	(void)state;
	for (unsigned int i = 0; i < 1200; i++) {
		client_sends(IP(200, 1, 1, 77), (uint16_t)(1 + i));
		if (i % 32 == 0)
			engine_box_poll(box->box);
	}
	engine_box_poll(box->box);
	engine_stats(box->box->engine, &s);
	assert_true(s.drops[DROP_punt_full] >= 1200 - 1024);
	arp(1, IP(200, 1, 1, 253), OWN, &server, &all);
	engine_box_poll(box->box);
	core_box_wait(box, 1000, 1);
	assert_int_equal(
		core_box_neighbour(box, BOX_UNTRUST, IP(200, 1, 1, 253), &mac), NEIGH_REACHABLE);
}

static void
slots_of_removed_entries_are_used_again(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int h = 0; h < 60; h++)
			client_sends(IP(200, 1, 1, 100 + h), 1);
		core_box_wait(box, 5, 1);
		assert_int_equal(neigh_count(engine_neighbours(box->box->engine)), 60);
		core_post_link(box->core, BOX_UNTRUST, false);
		core_post_link(box->core, BOX_UNTRUST, true);
		core_box_wait(box, 3, 1);
		assert_int_equal(neigh_count(engine_neighbours(box->box->engine)), 0);
		core_box_discard(box);
	}
	assert_int_equal(core_box_counted(box).neigh_full, 0);
	assert_int_equal(
		core_box_counted(box).pending_dropped, core_box_counted(box).pending_queued);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_first_packet_asks_and_leaves_when_the_answer_comes),
		CASE(a_route_asks_for_its_gateway),
		CASE(a_request_of_the_host_itself_resolves_it_too),
		CASE(at_most_64_packets_wait_for_one_host_the_newest),
		CASE(at_most_1024_packets_wait_in_all_the_newest),
		CASE(no_answer_three_questions_then_failed_then_forgotten),
		CASE(a_failed_host_that_speaks_up_is_back),
		CASE(a_used_entry_is_asked_again_after_60_s_while_traffic_goes_on),
		CASE(a_stale_host_that_is_gone_is_asked_for_by_broadcast_then_fails),
		CASE(an_unused_entry_is_not_asked_and_goes_after_20_minutes),
		CASE(an_old_entry_is_asked_for_within_a_second_of_new_traffic),
		CASE(a_host_that_moved_is_followed),
		CASE(waiting_packets_do_not_leave_without_the_lease),
		CASE(X01_a_link_that_goes_down_takes_its_neighbours_and_their_packets_along),
		CASE(a_session_does_not_follow_its_old_slot_to_another_neighbour),
		CASE(a_session_does_not_follow_a_slot_that_aged_out),
		CASE(a_snapshot_without_the_interface_takes_its_neighbours_along),
		CASE(packets_to_no_host_are_refused),
		CASE(strangers_cannot_fill_the_table),
		CASE(a_scan_keeps_nobody_out_who_speaks),
		CASE(a_flood_to_no_host_leaves_room_for_control_frames),
		CASE(slots_of_removed_entries_are_used_again),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
