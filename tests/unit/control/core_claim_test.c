/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * P34: public addresses of translation in a connected subnet: who answers for them in ARP, when,
 * and what is announced.
 */
#include "arp.h"
#include "core.h"
#include "core_box.h"
#include "test_eal.h"

#include <rte_ip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST(n)	   BOX_IPV4(10, 1, 1, n)
#define OUTSIDE(n) BOX_IPV4(200, 1, 1, n)
#define CLIENT	   HOST(10)

static const struct rte_ether_addr client = { { 2, 0, 10, 1, 1, 10 } };
static const struct rte_ether_addr vmac = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };
static const struct rte_ether_addr ours = { { 2, 'T', 'W', 1, 0, BOX_TRUST } };

/* Of the trust interface without a group (its own MAC), and with group 1. */
static const struct snapshot_claim plain[] = { { HOST(50), HOST(52), BOX_TRUST, 0 } };
static const struct snapshot_claim grouped[] = { { HOST(60), HOST(61), BOX_TRUST, 1 },
	{ HOST(70), HOST(70), BOX_TRUST, 9 } };

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

static void
publish(const struct snapshot_claim *claims, uint32_t count)
{
	struct snapshot *s = engine_box_snapshot(box->box);

	s->claims = calloc(count + 1, sizeof(*claims));
	assert_non_null(s->claims);
	if (count > 0)
		memcpy(s->claims, claims, count * sizeof(*claims));
	s->claim_count = count;
	core_sleep_begin(box->core);
	engine_box_sleep(box->box);
	engine_publish(box->box->engine, s);
	engine_box_wake(box->box);
	core_sleep_end(box->core);
	assert_true(core_post_published(box->core));
}

/* A request from the client; or (`sender` not 0) the client says that it has that address. */
static void
feed(uint32_t sender, uint32_t target)
{
	uint8_t frame[ARP_FRAME_LEN];

	arp_request(frame, &client, rte_cpu_to_be_32(sender != 0 ? sender : CLIENT),
		rte_cpu_to_be_32(target), NULL);
	core_box_feed(box, BOX_TRUST, frame, sizeof(frame));
	core_box_turn(box, 1);
}

/* The next frame on trust says that `address` is at `mac`. */
static void
expect(uint16_t op, uint32_t address, const struct rte_ether_addr *mac)
{
	struct core_box_frame f;
	struct arp a;

	assert_true(core_box_sent(box, BOX_TRUST, &f));
	assert_int_equal(arp_parse(f.bytes, f.len, &a), ARP_OK);
	assert_int_equal(a.op, op);
	assert_int_equal(rte_be_to_cpu_32(a.sender), address);
	assert_memory_equal(&a.sender_mac, mac, sizeof(*mac));
	assert_memory_equal(f.bytes + RTE_ETHER_ADDR_LEN, mac, sizeof(*mac));
	if (op == ARP_REQUEST)
		assert_int_equal(rte_be_to_cpu_32(a.target), address);
}

static void
expect_silence(void)
{
	struct core_box_frame f;

	for (uint16_t port = 0; port < BOX_PORTS; port++)
		assert_false(core_box_sent(box, port, &f));
}

static void
settle(void)
{
	core_box_wait(box, 3000, 10);
	core_box_discard(box);
	core_box_mark(box);
}

static void
P34_without_a_group_the_interfaces_mac_answers(void **state)
{
	static const struct {
		uint32_t target;
		bool answered;
	} rows[] = { { HOST(50), true }, { HOST(51), true }, { HOST(52), true },
		{ HOST(49), false }, { HOST(53), false }, { OUTSIDE(50), false } };

	(void)state;
	publish(plain, RTE_DIM(plain));
	settle();
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		feed(0, rows[i].target);
		if (rows[i].answered)
			expect(ARP_REPLY, rows[i].target, &ours);
		expect_silence();
	}
	assert_int_equal(core_box_counted(box).arp_replies_out, 3);
	assert_int_equal(core_box_counted(box).arp_ignored, 3);
	/* Gone with a reload. */
	publish(NULL, 0);
	core_box_turn(box, 1);
	feed(0, HOST(50));
	expect_silence();
}

static void
P34_without_the_lease_nobody_answers(void **state)
{
	(void)state;
	publish(plain, RTE_DIM(plain));
	settle();
	engine_set_lease(box->box->engine, box->box->now);
	feed(0, HOST(50));
	expect_silence();
	/* The peer may have it now. */
	feed(HOST(50), HOST(50));
	assert_int_equal(core_box_counted(box).arp_conflict, 0);
	engine_set_lease(box->box->engine, MONO_NEVER);
	core_box_turn(box, 1);
	for (uint32_t n = 50; n <= 52; n++)
		expect(ARP_REQUEST, HOST(n), &ours);
	feed(0, HOST(50));
	expect(ARP_REPLY, HOST(50), &ours);
}

static void
P34_with_a_group_only_the_active_box_answers_with_its_virtual_mac(void **state)
{
	(void)state;
	publish(grouped, RTE_DIM(grouped));
	settle();
	feed(0, HOST(60));
	expect_silence();
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	settle();
	feed(0, HOST(60));
	expect(ARP_REPLY, HOST(60), &vmac);
	feed(0, HOST(70)); /* of a group that is not active */
	expect_silence();
	core_virtual_set(box->core, BOX_TRUST, 1, false, box->box->now);
	feed(0, HOST(60));
	expect_silence();
}

static void
P34_who_claims_an_address_of_ours_is_counted_and_not_answered(void **state)
{
	(void)state;
	publish(grouped, RTE_DIM(grouped));
	settle();
	feed(HOST(60), HOST(60)); /* the active box says so while we stand by */
	assert_int_equal(core_box_counted(box).arp_conflict, 0);
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	settle();
	feed(HOST(60), HOST(60));
	expect_silence();
	assert_int_equal(core_box_counted(box).arp_conflict, 1);
}

/* The virtual address first; all of it again a second later. */
static void
P34_R236_a_takeover_announces_them_twice(void **state)
{
	(void)state;
	publish(grouped, RTE_DIM(grouped));
	settle();
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 0);
	for (unsigned int round = 0; round < 2; round++) {
		expect(ARP_REQUEST, HOST(1), &vmac);
		expect(ARP_REQUEST, HOST(60), &vmac);
		expect(ARP_REQUEST, HOST(61), &vmac);
		expect_silence();
		core_box_wait(box, 990, 10);
		expect_silence();
		core_box_turn(box, 10);
	}
	expect_silence();
	core_box_wait(box, 5000, 10);
	expect_silence();
	assert_int_equal(core_box_counted(box).garp_out, 6);
}

static void
what_is_given_up_is_announced_no_more(void **state)
{
	(void)state;
	publish(grouped, RTE_DIM(grouped));
	settle();
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 0);
	core_box_discard(box);
	core_virtual_set(box->core, BOX_TRUST, 1, false, box->box->now);
	core_box_wait(box, 3000, 10);
	expect_silence();
}

static void
an_announcement_waits_for_the_lease_and_the_link(void **state)
{
	(void)state;
	publish(plain, RTE_DIM(plain));
	settle();
	core_post_link(box->core, BOX_TRUST, false);
	engine_set_lease(box->box->engine, (mono_t){ .ns = 0 });
	core_box_wait(box, 3000, 10);
	engine_set_lease(box->box->engine, MONO_NEVER);
	core_box_wait(box, 3000, 10);
	expect_silence();
	core_post_link(box->core, BOX_TRUST, true);
	core_box_turn(box, 1);
	expect(ARP_REQUEST, HOST(2), &ours); /* the interface's own */
	for (uint32_t n = 50; n <= 52; n++)
		expect(ARP_REQUEST, HOST(n), &ours);
	expect_silence();
}

/* A new snapshot: those of an interface whose ranges are others now. */
static void
a_reload_announces_what_has_changed(void **state)
{
	static const struct snapshot_claim more[] = { { HOST(50), HOST(52), BOX_TRUST, 0 },
		{ OUTSIDE(80), OUTSIDE(80), BOX_UNTRUST, 0 } };
	struct core_box_frame f;

	(void)state;
	publish(plain, RTE_DIM(plain));
	core_box_turn(box, 1);
	for (uint32_t n = 50; n <= 52; n++)
		expect(ARP_REQUEST, HOST(n), &ours);
	settle();
	publish(plain, RTE_DIM(plain));
	core_box_wait(box, 3000, 10);
	expect_silence();
	publish(more, RTE_DIM(more));
	core_box_turn(box, 1);
	assert_true(core_box_sent(box, BOX_UNTRUST, &f));
	expect_silence();
	publish(NULL, 0);
	settle();
	core_box_wait(box, 3000, 10);
	expect_silence();
}

/* 4096 addresses of a range that has more, 32 in 10 ms, twice; each once a round. */
static void
a_large_range_is_announced_at_a_pace(void **state)
{
	static const struct snapshot_claim large[] = {
		{ BOX_IPV4(10, 1, 0, 0), BOX_IPV4(10, 1, 63, 255), BOX_TRUST, 0 },
		{ HOST(255) + (64 << 8), HOST(255) + (64 << 8), BOX_TRUST, 0 },
	};
	struct core_box_frame f;
	uint32_t next = BOX_IPV4(10, 1, 0, 0), in_turn, rounds = 0;
	struct arp a;

	(void)state;
	publish(large, RTE_DIM(large));
	for (unsigned int turn = 0; turn < 600; turn++) {
		core_box_turn(box, 10);
		for (in_turn = 0; core_box_sent(box, BOX_TRUST, &f); in_turn++) {
			assert_int_equal(arp_parse(f.bytes, f.len, &a), ARP_OK);
			if (rte_be_to_cpu_32(a.sender) == large[1].from) {
				assert_int_equal(next, BOX_IPV4(10, 1, 16, 0));
				next = BOX_IPV4(10, 1, 0, 0);
				rounds++;
			} else {
				assert_int_equal(rte_be_to_cpu_32(a.sender), next);
				next++;
			}
		}
		assert_in_range(in_turn, 0, 32);
	}
	assert_int_equal(rounds, 2);
	assert_int_equal(core_box_counted(box).garp_out, 2 * 4097);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(P34_without_a_group_the_interfaces_mac_answers),
		CASE(P34_without_the_lease_nobody_answers),
		CASE(P34_with_a_group_only_the_active_box_answers_with_its_virtual_mac),
		CASE(P34_who_claims_an_address_of_ours_is_counted_and_not_answered),
		CASE(P34_R236_a_takeover_announces_them_twice),
		CASE(what_is_given_up_is_announced_no_more),
		CASE(an_announcement_waits_for_the_lease_and_the_link),
		CASE(a_reload_announces_what_has_changed),
		CASE(a_large_range_is_announced_at_a_pace),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests_name("core_claim", tests, NULL, NULL);
}
