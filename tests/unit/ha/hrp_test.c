/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two HRP cores on a bad wire: links, mirror, strange frames.
 */
#include "hrp_sides.h"

/* ---- cases ---- */

static void
two_cores_link_up_and_report_it(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(2, 1);
	run(2 * HELLO_MS);
	for (int i = 0; i < 2; i++) {
		assert_true(side[i].linked);
		hrp_status(side[i].hrp, &st);
		assert_int_equal(st.links_count, 2);
		assert_int_equal(st.running, 0);
		assert_int_equal(st.links[0].state, HRP_LINK_RUNNING);
		assert_int_equal(st.links[1].state, HRP_LINK_READY);
		assert_int_equal(st.links[0].interface, HB_INTERFACE);
	}
	wire.cut[0] = wire.cut[1] = true;
	run(5 * HELLO_MS);
	assert_false(side[0].linked);
	teardown();
}

static void
hellos_go_out_before_any_probe_was_answered(void **state)
{
	(void)state;
	setup(1, 2);
	run(1);
	hello(0, VGMP_ACTIVE, stamp());
	run(2);
	assert_int_equal(side[1].received, 1);
	assert_int_equal(side[1].last.len, 24);
	assert_int_equal(side[1].last.slot, 0);
	teardown();
}

static void
X18_hellos_from_before_a_stall_are_not_sent(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 3);
	run(3 * HELLO_MS);
	hello(0, VGMP_ACTIVE, stamp() - HELLO_MS - 1);
	hello(0, VGMP_ACTIVE, stamp() - HELLO_MS / 2);
	run(HELLO_MS);
	assert_int_equal(side[1].received, 1);
	hrp_status(side[0].hrp, &st);
	assert_int_equal(st.stale_dropped, 1);
	teardown();
}

static void
sessions_are_mirrored_bulk_first_then_live(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 4);
	for (uint32_t n = 0; n < 3000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	assert_mirrored(0, 3000);
	for (uint32_t n = 3000; n < 3500; n++)
		create(0, n);
	run(20);
	assert_mirrored(0, 3500);
	for (uint32_t n = 0; n < 3500; n += 3) {
		const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
		while (!ha_box_kill(&side[0].box, ha_box_find(&side[0].box, &t)))
			step();
	}
	run(50);
	assert_mirrored(0, 3500);
	assert_int_equal(count(1), 3500 - 1167);
	hrp_status(side[0].hrp, &st);
	assert_true(st.synchronised && st.mirroring && st.active && !st.peer_active);
	assert_int_equal(st.stream.resent, 0);
	assert_int_equal(st.bulks_out, 1);
	hrp_status(side[1].hrp, &st);
	assert_true(st.synchronised && !st.mirroring && st.peer_active);
	assert_int_equal(st.sessions.sent, 0);
	assert_int_equal(st.bulk_in, HRP_BULK_EQUAL);
	teardown();
}

static void
an_empty_table_is_synchronised_too(void **state)
{
	(void)state;
	setup(1, 5);
	form();
	until_synchronised(500);
	teardown();
}

static void
X12_X14_tables_are_equal_on_a_bad_wire(void **state)
{
	(void)state;
	static const struct wire rows[] = { { 1, 0, 0, { false } }, { 5, 0, 0, { false } },
		{ 20, 0, 0, { false } }, { 0, 10, 10, { false } }, { 20, 20, 20, { false } } };
	for (uint32_t row = 0; row < RTE_DIM(rows); row++) {
		setup(1, 100 + row);
		run(2 * HELLO_MS);
		for (uint32_t n = 0; n < 1000; n++)
			create(0, n);
		form();
		wire = rows[row];
		/* Sessions come and go while the bulk runs and afterwards. */
		for (uint32_t i = 0; i < 4000; i++) {
			const uint32_t n = rnd() % 2000;
			const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
			const uint32_t index = ha_box_find(&side[0].box, &t);
			if (index == SESSION_NONE)
				create(0, n);
			else if (rnd() % 2 == 0)
				ha_box_kill(&side[0].box, index);
			if (i % 4 == 0)
				step();
		}
		until_synchronised(20000);
		run(2000);
		assert_mirrored(0, 2000);
		teardown();
	}
}

static void
X23_a_peer_that_restarts_empty_is_filled_again(void **state)
{
	(void)state;
	setup(1, 6);
	for (uint32_t n = 0; n < 2000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	stop_hrp(1);
	ha_box_stop(&side[1].box);
	run(10);
	role(0, true, false); /* hellos are missing */
	run(5 * HELLO_MS);
	assert_false(side[0].synchronised);
	for (uint32_t n = 2000; n < 2500; n++)
		create(0, n);
	run(100);
	assert_int_equal(count(0), 2500);

	start_engine(1);
	start_hrp(1);
	run(3 * HELLO_MS);
	assert_false(side[1].synchronised);
	assert_int_equal(count(0), 2500); /* the survivor's table is untouched */
	role(0, true, true);
	hello(0, VGMP_ACTIVE, stamp());
	role(1, false, true);
	until_synchronised(2000);
	assert_mirrored(0, 2500);
	teardown();
}

static void
X26_after_takeover_the_new_active_mirrors_everything_back(void **state)
{
	(void)state;
	setup(1, 7);
	for (uint32_t n = 0; n < 2000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	/* Box 0 dies; 1 takes over; not one packet comes for the sessions. */
	stop_hrp(0);
	ha_box_stop(&side[0].box);
	role(1, true, false);
	run(100);
	for (uint32_t n = 0; n < 2000; n++) {
		const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
		assert_int_equal(
			ha_box_ctl(&side[1].box, ha_box_find(&side[1].box, &t)) & SESSION_F_REMOTE,
			0);
	}
	/* 0 comes back empty as standby, gets all, and takes over again. */
	start_engine(0);
	start_hrp(0);
	run(3 * HELLO_MS);
	hello(1, VGMP_ACTIVE, stamp());
	hello(0, VGMP_STANDBY, stamp());
	role(1, true, true);
	role(0, false, true);
	until_synchronised(2000);
	assert_mirrored(1, 2000);
	stop_hrp(1);
	role(0, true, false);
	run(100);
	assert_int_equal(count(0), 2000);
	teardown();
}

static void
a_planned_switch_turns_the_mirror_around(void **state)
{
	(void)state;
	setup(1, 8);
	for (uint32_t n = 0; n < 1000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	for (uint32_t n = 1000; n < 1100; n++)
		create(0, n); /* in the last moment */
	role(0, false, true);
	role(1, true, true);
	hello(0, VGMP_STANDBY, stamp());
	hello(1, VGMP_ACTIVE, stamp());
	run(500);
	until_synchronised(2000);
	assert_mirrored(1, 1100);
	for (uint32_t n = 1100; n < 1200; n++)
		create(1, n);
	run(50);
	assert_mirrored(1, 1200);
	struct hrp_status st;
	hrp_status(side[0].hrp, &st);
	assert_int_equal(st.sessions.conflicts, 0);
	for (uint32_t n = 0; n < 1200; n++) {
		const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
		assert_int_equal(
			ha_box_ctl(&side[1].box, ha_box_find(&side[1].box, &t)) & SESSION_F_REMOTE,
			0);
		assert_int_not_equal(
			ha_box_ctl(&side[0].box, ha_box_find(&side[0].box, &t)) & SESSION_F_REMOTE,
			0);
	}
	teardown();
}

static void
R168_the_mirror_moves_to_the_next_link(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(2, 9);
	for (uint32_t n = 0; n < 1000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	wire.cut[0] = true;
	for (uint32_t n = 1000; n < 1500; n++)
		create(0, n);
	run(6 * HELLO_MS);
	assert_true(side[0].linked && side[1].linked);
	assert_mirrored(0, 1500);
	hrp_status(side[0].hrp, &st);
	assert_int_equal(st.running, 1);
	assert_int_equal(st.bulks_out, 1); /* the same stream went on */
	assert_true(st.synchronised);
	teardown();
}

static void
X41_without_any_link_events_wait_and_nothing_is_lost(void **state)
{
	(void)state;
	setup(1, 10);
	form();
	until_synchronised(1000);
	wire.cut[0] = true;
	for (uint32_t n = 0; n < 6000; n++) {
		create(0, n);
		if (n % 10 == 0)
			step();
	}
	run(10 * HELLO_MS);
	assert_true(count(1) < 6000);
	wire.cut[0] = false;
	run(10 * HELLO_MS);
	assert_mirrored(0, 6000);
	teardown();
}

static void
load_sharing_mirrors_both_ways(void **state)
{
	(void)state;
	setup(1, 11);
	for (uint32_t n = 0; n < 500; n++)
		create(0, n);
	for (uint32_t n = 500; n < 1000; n++)
		create(1, n);
	run(2 * HELLO_MS);
	hello(0, VGMP_ACTIVE, stamp());
	hello(1, VGMP_ACTIVE, stamp());
	run(1);
	role(0, true, true);
	role(1, true, true);
	until_synchronised(1000);
	run(100);
	assert_mirrored(0, 1000);
	assert_mirrored(1, 1000);
	teardown();
}

static void
sessions_of_a_zone_the_peer_lacks_are_refused_and_shown(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 12);
	for (uint32_t n = 0; n < 10; n++)
		create(0, n);
	ha_box_at(&side[0].box, create(0, 10))->zone[0] = 40;
	form();
	run(500);
	assert_int_equal(count(1), 10);
	assert_false(side[1].synchronised);
	hrp_status(side[1].hrp, &st);
	assert_true(st.refused[HA_REFUSED_record] >= 1);
	assert_int_equal(st.bulk_in, HRP_BULK_DIFFERS);
	teardown();
}

static void
strange_frames_are_counted_and_freed(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 13);
	run(3 * HELLO_MS);
	for (uint32_t i = 0; i < 500; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		const uint16_t len = (uint16_t)(rnd() % 200);
		uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, len);
		for (uint16_t k = 0; k < len; k++)
			p[k] = (uint8_t)rnd();
		if (i % 2 == 0 && len > 40) { /* looks like ours up to the message */
			static const uint8_t head[] = { 1, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 1, 8,
				0, 0x45, 0 };
			struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(void *)(p + 14);
			memcpy(p, head, sizeof(head));
			ip->total_length = rte_cpu_to_be_16((uint16_t)(len - 14));
			ip->fragment_offset = 0;
			ip->time_to_live = 255;
			ip->next_proto_id = 112;
			ip->src_addr = rte_cpu_to_be_32(0x0a0a0001);
			ip->dst_addr = rte_cpu_to_be_32(0xe0000012);
			ip->hdr_checksum = 0;
			ip->hdr_checksum = rte_ipv4_cksum(ip);
		}
		arrive(1, 0, m);
		if (i % 50 == 0)
			step();
	}
	run(100);
	hrp_status(side[1].hrp, &st);
	uint64_t refused = 0;
	for (int i = 1; i < HA_REFUSAL_COUNT; i++)
		refused += st.refused[i];
	assert_true(refused >= 150);
	assert_true(st.links[0].other_in >= 150);
	assert_true(side[1].linked);
	teardown();
}

/* Whoever hears a router's advert on a heartbeat cable hears a service network. */
static void
R159_an_advert_on_a_heartbeat_link_tells_where_its_cable_ends(void **state)
{
	const struct hrp_frame_end router = { .address = RTE_BE32(0x0a0a0009), .prefix_len = 24 };
	const uint8_t advert[8] = { 0x21, 1, 100, 1, 0, 1, 0, 0 };
	struct hrp_status st;

	(void)state;
	setup(1, 17);
	run(3 * HELLO_MS);
	hrp_status(side[1].hrp, &st);
	assert_int_equal(st.links[0].wiring, HRP_WIRING_STRAIGHT);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t frame[HRP_FRAME_OVERHEAD + sizeof(advert)];
	char *room = rte_pktmbuf_append(m, sizeof(frame));

	memcpy(frame + HRP_FRAME_OVERHEAD, advert, sizeof(advert));
	hrp_frame_write(frame, sizeof(advert), &router, 1);
	for (unsigned int i = 0; i < sizeof(frame); i++)
		room[i] = (char)frame[i];
	arrive(1, 0, m);
	run(100);
	hrp_status(side[1].hrp, &st);
	assert_int_equal(st.links[0].wiring, HRP_WIRING_SERVICE);
	assert_int_equal(st.refused[HA_REFUSED_type], 1);
	assert_true(side[1].linked); /* it works all the same */
	run(11000);
	hrp_status(side[1].hrp, &st);
	assert_int_equal(st.links[0].wiring, HRP_WIRING_STRAIGHT);
	teardown();
}

/* Each end has the subnet of the other's cable. */
static void
R159_another_subnet_on_a_heartbeat_link_is_a_crossed_cable(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(2, 23);
	crossed = true;
	run(3 * HELLO_MS);
	for (int i = 0; i < 2; i++) {
		hrp_status(side[i].hrp, &st);
		for (int l = 0; l < 2; l++) {
			assert_int_equal(st.links[l].state, HRP_LINK_PEERDOWN);
			assert_int_equal(st.links[l].wiring, HRP_WIRING_CROSSED);
			assert_int_equal(st.links[l].crossed_to, UINT32_MAX);
		}
		assert_true(st.refused[HA_REFUSED_subnet] > 0);
	}
	crossed = false;
	run(11000);
	for (int i = 0; i < 2; i++) {
		hrp_status(side[i].hrp, &st);
		assert_int_equal(st.links[0].wiring, HRP_WIRING_STRAIGHT);
		assert_true(side[i].linked);
	}
	teardown();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cores_link_up_and_report_it),
		cmocka_unit_test(hellos_go_out_before_any_probe_was_answered),
		cmocka_unit_test(X18_hellos_from_before_a_stall_are_not_sent),
		cmocka_unit_test(sessions_are_mirrored_bulk_first_then_live),
		cmocka_unit_test(an_empty_table_is_synchronised_too),
		cmocka_unit_test(X12_X14_tables_are_equal_on_a_bad_wire),
		cmocka_unit_test(X23_a_peer_that_restarts_empty_is_filled_again),
		cmocka_unit_test(X26_after_takeover_the_new_active_mirrors_everything_back),
		cmocka_unit_test(a_planned_switch_turns_the_mirror_around),
		cmocka_unit_test(R168_the_mirror_moves_to_the_next_link),
		cmocka_unit_test(X41_without_any_link_events_wait_and_nothing_is_lost),
		cmocka_unit_test(load_sharing_mirrors_both_ways),
		cmocka_unit_test(sessions_of_a_zone_the_peer_lacks_are_refused_and_shown),
		cmocka_unit_test(strange_frames_are_counted_and_freed),
		cmocka_unit_test(R159_an_advert_on_a_heartbeat_link_tells_where_its_cable_ends),
		cmocka_unit_test(R159_another_subnet_on_a_heartbeat_link_is_a_crossed_cable),
	};
	test_eal_start(768, 1);
	pool = rte_pktmbuf_pool_create(
		"hrp-pool", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
