/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtual addresses of the control core: announcements, defence, families, frames to one host.
 * Activation and what waits for lease and link are in core_test.c.
 */
#include "arp.h"
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
#define VIP	       IP(10, 1, 1, 1)
#define OWN	       IP(10, 1, 1, 2)

static const struct rte_ether_addr vmac = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };

static struct core_box *box;

static int
setup(void **state)
{
	(void)state;
	box = core_box_create(1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return core_box_destroy(box) == 0 ? 0 : -1;
}

static void
hear_arp_by(uint16_t port, uint8_t op, rte_be32_t sender, rte_be32_t target,
	const struct rte_ether_addr *mac)
{
	static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0 };
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, head, sizeof(head));
	frame[21] = op;
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 28, &sender, 4);
	memcpy(frame + 38, &target, 4);
	core_box_feed(box, port, frame, sizeof(frame));
}

static void
hear_arp(uint8_t op, rte_be32_t sender, rte_be32_t target, const struct rte_ether_addr *mac)
{
	hear_arp_by(BOX_TRUST, op, sender, target, mac);
}

static void
expect_silence(void)
{
	struct core_box_frame f;

	for (uint16_t port = 0; port < BOX_PORTS; port++)
		assert_false(core_box_sent(box, port, &f));
}

/* Of the first group. */
static void
expect_garp(void)
{
	uint8_t expected[ARP_FRAME_LEN];
	struct core_box_frame f;

	arp_gratuitous(expected, &vmac, VIP);
	assert_true(core_box_sent(box, BOX_TRUST, &f));
	assert_int_equal(f.len, sizeof(expected));
	assert_memory_equal(f.bytes, expected, sizeof(expected));
}

/* VRP-10: one answer to a stranger who claims the address, however often he does. */
static void
VRP10_a_claimed_address_is_announced_without_a_war(void **state)
{
	const struct rte_ether_addr stranger = { { 2, 9, 9, 9, 9, 9 } };

	(void)state;
	hear_arp(1, VIP, VIP, &stranger); /* not ours now: the peer's business */
	core_box_turn(box, 1);
	expect_silence();
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_wait(box, 2000, 50);
	core_box_discard(box);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			hear_arp(1, VIP, VIP, &stranger);
			core_box_turn(box, 1);
			if (i == 0)
				expect_garp();
			expect_silence();
		}
		core_box_wait(box, 10000, 50);
		expect_silence();
	}
}

/* R236, VRP-10: as many as set, so far apart, then one more each interval. */
static void
R236_a_group_announces_itself_as_set(void **state)
{
	const struct core_garp garp = { .count = 3, .repeat_ms = 500, .refresh_ms = 10000 };

	(void)state;
	core_virtual_garp(box->core, BOX_TRUST, 1, 6, &(struct core_garp){ .count = 9 });
	core_virtual_garp(box->core, BOX_TRUST, 1, 4, &garp);
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 0);
	expect_garp();
	for (int i = 0; i < 2; i++) {
		core_box_wait(box, 450, 50);
		expect_silence();
		core_box_wait(box, 50, 50);
		expect_garp();
	}
	for (int i = 0; i < 3; i++) {
		core_box_wait(box, 9950, 50);
		expect_silence();
		core_box_wait(box, 50, 50);
		expect_garp();
	}
	core_virtual_set(box->core, BOX_TRUST, 1, false, box->box->now);
	core_box_wait(box, 30000, 50);
	expect_silence();
}

/* Many groups at once leave room for others' frames. */
static void
VRP10_announcements_are_limited_in_rate(void **state)
{
	struct core_box_frame f;
	uint32_t sent = 0, ms = 0;

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(core_virtual_add(box->core, BOX_TRUST, 1, IP(10, 1, 2, i + 1)), 0);
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	for (; ms < 100 && sent < 201; ms++) {
		uint32_t turn = 0;

		for (int again = 0; again < 3; again++) { /* a loop that spins */
			core_box_turn(box, again == 0);
			while (core_box_sent(box, BOX_TRUST, &f))
				turn++;
		}
		assert_true(turn <= 64);
		sent += turn;
	}
	assert_int_equal(sent, 201);
	assert_in_range(ms, 15, 50);
}

/* RFC 9568 5.2.3: the same vrid of each family is a group of its own. */
static void
a_vrid_of_one_family_leaves_the_other_alone(void **state)
{
	static const uint8_t six[IP6_LEN] = { 0xfe, 0x80, [15] = 1 };

	(void)state;
	assert_int_equal(core_virtual_add6(box->core, BOX_TRUST, 1, six), 0);
	core_virtual_set_family(box->core, BOX_TRUST, 1, 6, true, box->box->now);
	assert_false(core_virtual_active(box->core, BOX_TRUST, 1, 4));
	assert_true(core_virtual_active(box->core, BOX_TRUST, 1, 6));
	assert_false(engine_vmac(box->box->engine, BOX_TRUST, 1));
	assert_true(engine_vmac(box->box->engine, BOX_TRUST, VMAC_IPV6 | 1));
	core_virtual_set_family(box->core, BOX_TRUST, 1, 4, true, box->box->now);
	core_virtual_set_family(box->core, BOX_TRUST, 1, 6, false, box->box->now);
	assert_true(core_virtual_active(box->core, BOX_TRUST, 1, 4));
	assert_false(core_virtual_active(box->core, BOX_TRUST, 1, 6));
	core_box_discard(box);
}

struct to_send {
	struct ip_addr host;
	bool wanted, sent;
};

static void
send_once(void *ctx, mono_t now)
{
	struct to_send *const x = ctx;
	uint8_t frame[60] = { [12] = 0x08 };

	(void)now;
	if (x->wanted)
		x->sent = core_send_to(box->core, BOX_TRUST, &x->host, frame, sizeof(frame));
	x->wanted = false;
}

static bool
send_to(struct to_send *x, rte_be32_t host)
{
	*x = (struct to_send){ .host = ip_addr_v4(host), .wanted = true };
	core_box_turn(box, 1);
	return x->sent;
}

/* R230: a frame of ours to a neighbour; asks for its MAC when it must. */
static void
R230_a_frame_to_a_host_of_the_link(void **state)
{
	struct to_send x = { .wanted = false };
	const struct rte_ether_addr there = { { 2, 0, 0, 0, 7, 7 } };
	const rte_be32_t host = IP(10, 1, 1, 77);
	struct core_box_frame f;

	(void)state;
	assert_int_equal(
		core_add_client(box->core, &(struct core_client){ .ctx = &x, .tick = send_once }),
		0);
	assert_false(send_to(&x, IP(8, 8, 8, 8)));
	assert_false(send_to(&x, OWN));
	expect_silence();
	assert_false(send_to(&x, host));
	assert_true(core_box_sent(box, BOX_TRUST, &f)); /* who has it? */
	assert_int_equal(f.bytes[12] << 8 | f.bytes[13], 0x0806);
	assert_false(send_to(&x, host));
	hear_arp(2, host, OWN, &there);
	core_box_turn(box, 1);
	core_box_discard(box);
	assert_true(send_to(&x, host));
	assert_true(core_box_sent(box, BOX_TRUST, &f));
	assert_memory_equal(f.bytes, &there, 6);
	expect_silence();
}

/* Its interface has the address, too, but is not its Master: who asks for a host does not say that
 * he has it, since hosts believe that. */
static void
R39_an_owner_that_is_no_master_claims_nothing_by_asking(void **state)
{
	const rte_be32_t senders[] = { OWN, 0, OWN };
	struct to_send x = { .wanted = false };
	struct core_box_frame f;

	(void)state;
	assert_int_equal(
		core_add_client(box->core, &(struct core_client){ .ctx = &x, .tick = send_once }),
		0);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			assert_int_equal(core_virtual_add(box->core, BOX_TRUST, 3, OWN), 0);
		core_virtual_set(box->core, BOX_TRUST, 3, i == 2, box->box->now);
		core_box_turn(box, 1);
		core_box_discard(box);
		assert_false(send_to(&x, IP(10, 1, 1, 77 + i)));
		assert_true(core_box_sent(box, BOX_TRUST, &f));
		assert_int_equal(f.bytes[12] << 8 | f.bytes[13], 0x0806);
		assert_memory_equal(f.bytes + 28, &senders[i], sizeof(senders[i]));
		expect_silence();
	}
}

struct to_reach {
	struct ip_addr host;
	int answer;
};

static void
reach_once(void *ctx, mono_t now)
{
	struct to_reach *const x = ctx;

	(void)now;
	x->answer = core_reaches(box->core, &x->host);
}

static int
reaches(struct to_reach *x, rte_be32_t host)
{
	x->host = ip_addr_v4(host);
	core_box_turn(box, 1);
	core_box_discard(box);
	return x->answer;
}

/* R43: route, interface and next hop. */
static void
R43_a_way_is_there_while_its_next_hop_answers(void **state)
{
	const rte_be32_t gateway = IP(200, 1, 1, 254), far = IP(9, 9, 9, 9);
	const struct rte_ether_addr there = { { 2, 0, 0, 0, 7, 7 } };
	struct to_reach x = { .answer = 5 };

	(void)state;
	assert_int_equal(
		core_add_client(box->core, &(struct core_client){ .ctx = &x, .tick = reach_once }),
		0);
	assert_int_equal(reaches(&x, far), -1); /* asked for now */
	hear_arp_by(BOX_UNTRUST, 2, gateway, IP(200, 1, 1, 2), &there);
	core_box_turn(box, 1);
	assert_int_equal(reaches(&x, far), 1);
	core_post_link(box->core, BOX_UNTRUST, false);
	core_box_turn(box, 1);
	assert_int_equal(reaches(&x, far), 0);
	assert_int_equal(reaches(&x, IP(10, 1, 1, 77)), -1);
	core_box_wait(box, 3500, 50); /* it does not answer */
	assert_int_equal(reaches(&x, IP(10, 1, 1, 77)), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(R236_a_group_announces_itself_as_set),
		CASE(VRP10_announcements_are_limited_in_rate),
		CASE(VRP10_a_claimed_address_is_announced_without_a_war),
		CASE(a_vrid_of_one_family_leaves_the_other_alone),
		CASE(R230_a_frame_to_a_host_of_the_link),
		CASE(R39_an_owner_that_is_no_master_claims_nothing_by_asking),
		CASE(R43_a_way_is_there_while_its_next_hop_answers),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
