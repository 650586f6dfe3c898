/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control core over a real engine: ARP, virtual addresses, gratuitous ARP, links, the order of
 * a turn, requests.  Neighbours are in core_resolve_test.c.
 */
#include "core.h"
#include "core_box.h"
#include "test_eal.h"

#include <rte_ip.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define IP(a, b, c, d) RTE_BE32(RTE_IPV4((uint32_t)(a), b, c, d))
#define VIP	       IP(10, 1, 1, 1)
#define OWN	       IP(10, 1, 1, 2)
#define PEER	       IP(10, 1, 1, 3)
#define CLIENT	       IP(10, 1, 1, 10)

static const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const struct rte_ether_addr vmac = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 } };
static const struct rte_ether_addr ours = { { 2, 'T', 'W', 1, 0, BOX_TRUST } };
static const struct rte_ether_addr client = { { 2, 0, 10, 1, 1, 10 } };

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

/* ---- frames ---- */

struct arp_words {
	uint8_t op;
	rte_be32_t sender, target;
	struct rte_ether_addr sender_mac;
	const struct rte_ether_addr *to;
};

static size_t
arp_frame(uint8_t frame[60], const struct arp_words *a)
{
	static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0 };

	memset(frame, 0, 60);
	memcpy(frame, a->to != NULL ? a->to : &all, 6);
	memcpy(frame + 6, &a->sender_mac, 6);
	memcpy(frame + 12, head, sizeof(head));
	frame[21] = a->op;
	memcpy(frame + 22, &a->sender_mac, 6);
	memcpy(frame + 28, &a->sender, 4);
	memcpy(frame + 38, &a->target, 4);
	return 60;
}

static void
feed_arp(uint16_t port, const struct arp_words *a)
{
	uint8_t frame[60];

	core_box_feed(box, port, frame, arp_frame(frame, a));
}

static void
ask_for(rte_be32_t target)
{
	feed_arp(BOX_TRUST,
		&(struct arp_words){
			.op = 1, .sender = CLIENT, .target = target, .sender_mac = client });
}

static void
expect_silence(void)
{
	struct core_box_frame f;

	for (uint16_t port = 0; port < BOX_PORTS; port++)
		assert_false(core_box_sent(box, port, &f));
}

static void
expect_reply(rte_be32_t asked, const struct rte_ether_addr *mac)
{
	struct core_box_frame f;
	uint8_t expected[60];

	assert_true(core_box_sent(box, BOX_TRUST, &f));
	arp_frame(expected, &(struct arp_words){ .op = 2,
				    .sender = asked,
				    .target = CLIENT,
				    .sender_mac = *mac,
				    .to = &client });
	memcpy(expected + 32, &client, 6);
	assert_int_equal(f.len, 60);
	assert_memory_equal(f.bytes, expected, 60);
}

static void
expect_garp(uint16_t port, rte_be32_t address, const struct rte_ether_addr *mac)
{
	struct core_box_frame f;
	uint8_t expected[60];

	assert_true(core_box_sent(box, port, &f));
	arp_frame(expected,
		&(struct arp_words){
			.op = 1, .sender = address, .target = address, .sender_mac = *mac });
	memset(expected + 32, 0xff, 6);
	assert_int_equal(f.len, 60);
	assert_memory_equal(f.bytes, expected, 60);
}

/* Active, its two gratuitous ARPs over. */
static void
activate(void)
{
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_wait(box, 1200, 50);
	core_box_discard(box);
	core_box_mark(box);
}

/* ---- ARP ---- */

static void
R26_R33_the_active_answers_for_the_virtual_address_with_the_virtual_mac(void **state)
{
	(void)state;
	activate();
	ask_for(VIP);
	core_box_turn(box, 1);
	expect_reply(VIP, &vmac);
	expect_silence();
	assert_int_equal(core_box_counted(box).arp_replies_out, 1);
}

static void
R33_VRP02_a_standby_never_answers_for_the_virtual_address(void **state)
{
	(void)state;
	ask_for(VIP);
	core_box_turn(box, 1);
	expect_silence();
	assert_int_equal(core_box_counted(box).arp_ignored, 1);
	activate();
	core_virtual_set(box->core, BOX_TRUST, 1, false, box->box->now);
	ask_for(VIP);
	core_box_turn(box, 1);
	expect_silence();
	assert_false(engine_vmac(box->box->engine, BOX_TRUST, 1));
}

static void
R33_without_the_lease_the_active_is_silent_too(void **state)
{
	(void)state;
	activate();
	engine_set_lease(box->box->engine, box->box->now);
	ask_for(VIP);
	core_box_turn(box, 1);
	expect_silence();
	ask_for(OWN);
	core_box_turn(box, 1);
	expect_reply(OWN, &ours);
}

/* The owner of a virtual address (R39) has it as its interface's address too. */
static void
R33_a_virtual_address_is_never_answered_with_the_real_mac(void **state)
{
	const struct rte_ether_addr vmac3 = { { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x03 } };

	(void)state;
	assert_int_equal(core_virtual_add(box->core, BOX_TRUST, 3, OWN), 0);
	ask_for(OWN);
	core_box_turn(box, 1);
	expect_silence();
	core_virtual_set(box->core, BOX_TRUST, 3, true, box->box->now);
	core_box_turn(box, 1);
	expect_garp(BOX_TRUST, OWN, &vmac3);
	ask_for(OWN);
	core_box_turn(box, 1);
	expect_reply(OWN, &vmac3);
	core_post_link(box->core, BOX_TRUST, false);
	core_post_link(box->core, BOX_TRUST, true);
	core_box_turn(box, 1);
	expect_garp(BOX_TRUST, OWN, &vmac3);
	expect_silence();
}

static void
own_addresses_are_answered_with_the_interfaces_mac(void **state)
{
	(void)state;
	activate();
	ask_for(OWN);
	core_box_turn(box, 1);
	expect_reply(OWN, &ours);
	expect_silence();
}

#define COUNTED(field) offsetof(struct core_stats, field)

/* Frames on the trust port while the virtual address is active: is there an answer, what is
 * counted, and is the sender known afterwards? */
static const struct arp_row {
	const char *name;
	struct arp_words arp;
	bool answered;
	enum neigh_state learned; /* of arp.sender */
	size_t counted;
} rows[] = {
	{ "request for our address", { 1, CLIENT, OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, true,
		NEIGH_REACHABLE, COUNTED(arp_requests_in) },
	{ "the same, to our MAC only", { 1, CLIENT, OWN, { { 2, 0, 10, 1, 1, 10 } }, &ours }, true,
		NEIGH_REACHABLE, COUNTED(arp_requests_in) },
	{ "the same, to the virtual MAC", { 1, CLIENT, VIP, { { 2, 0, 10, 1, 1, 10 } }, &vmac },
		true, NEIGH_REACHABLE, COUNTED(arp_requests_in) },
	{ "request for another host",
		{ 1, CLIENT, IP(10, 1, 1, 77), { { 2, 0, 10, 1, 1, 10 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_ignored) },
	{ "request for the other side's address",
		{ 1, CLIENT, IP(200, 1, 1, 2), { { 2, 0, 10, 1, 1, 10 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_ignored) },
	{ "request for the other side's virtual address",
		{ 1, CLIENT, IP(200, 1, 1, 1), { { 2, 0, 10, 1, 1, 10 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_ignored) },
	{ "gratuitous, stranger", { 1, CLIENT, CLIENT, { { 2, 0, 10, 1, 1, 10 } }, NULL }, false,
		NEIGH_FREE, COUNTED(garp_in) },
	{ "gratuitous reply, stranger", { 2, CLIENT, CLIENT, { { 2, 0, 10, 1, 1, 10 } }, NULL },
		false, NEIGH_FREE, COUNTED(garp_in) },
	{ "reply nobody asked for", { 2, CLIENT, OWN, { { 2, 0, 10, 1, 1, 10 } }, &ours }, false,
		NEIGH_FREE, COUNTED(arp_replies_in) },
	{ "probe for our address", { 1, 0, OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, true,
		NEIGH_FREE, COUNTED(arp_probes) },
	{ "probe for another address", { 1, 0, IP(10, 1, 1, 9), { { 2, 0, 10, 1, 1, 10 } }, NULL },
		false, NEIGH_FREE, COUNTED(arp_probes) },
	{ "sender of another network",
		{ 1, IP(10, 1, 2, 10), OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, false, NEIGH_FREE,
		COUNTED(arp_off_subnet) },
	{ "sender of the other side",
		{ 1, IP(200, 1, 1, 10), OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, false, NEIGH_FREE,
		COUNTED(arp_off_subnet) },
	{ "sender = network", { 1, IP(10, 1, 1, 0), OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_off_subnet) },
	{ "sender = broadcast address",
		{ 1, IP(10, 1, 1, 255), OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, false, NEIGH_FREE,
		COUNTED(arp_off_subnet) },
	{ "sender loopback", { 1, IP(127, 0, 0, 1), OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_sender_address) },
	{ "sender MAC multicast", { 1, CLIENT, OWN, { { 3, 0, 10, 1, 1, 10 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_sender_mac) },
	{ "opcode 3", { 3, CLIENT, OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL }, false, NEIGH_FREE,
		COUNTED(arp_opcode) },
	{ "claims our address (request)", { 1, OWN, CLIENT, { { 2, 9, 9, 9, 9, 9 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_conflict) },
	{ "claims our address (gratuitous)", { 1, OWN, OWN, { { 2, 9, 9, 9, 9, 9 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_conflict) },
	{ "claims our address (reply)", { 2, OWN, CLIENT, { { 2, 9, 9, 9, 9, 9 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_conflict) },
	{ "VRP-10 claims the virtual address", { 1, VIP, VIP, { { 2, 9, 9, 9, 9, 9 } }, NULL },
		true, NEIGH_FREE, COUNTED(arp_conflict) }, /* announced again */
	{ "VRP-10 the same with the virtual MAC",
		{ 1, VIP, VIP, { { 0, 0, 0x5e, 0, 1, 1 } }, NULL }, true, NEIGH_FREE,
		COUNTED(arp_conflict) },
	{ "our own frame comes back", { 1, OWN, CLIENT, { { 2, 'T', 'W', 1, 0, 0 } }, NULL }, false,
		NEIGH_FREE, COUNTED(arp_own) },
};

static uint64_t
counter(const struct core_stats *s, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)s + offset, sizeof(value));
	return value;
}

static void
each_arp_frame_is_answered_learned_and_counted_as_it_should(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct arp_row *r = &rows[i];
		struct core_stats counted;
		struct core_box_frame f;
		bool answered;

		activate();
		feed_arp(BOX_TRUST, &r->arp);
		core_box_turn(box, 1);
		counted = core_box_counted(box);
		answered = core_box_sent(box, BOX_TRUST, &f);
		if (answered != r->answered)
			fail_msg("%s: answered %d", r->name, answered);
		if (counter(&counted, r->counted) != 1)
			fail_msg("%s: not counted", r->name);
		if (counted.arp_bad != counted.arp_short + counted.arp_format + counted.arp_opcode +
					       counted.arp_sender_mac + counted.arp_sender_address +
					       counted.arp_off_subnet)
			fail_msg("%s: arp_bad is not the sum of its kinds", r->name);
		if (core_box_neighbour(box, BOX_TRUST, r->arp.sender, NULL) != r->learned)
			fail_msg("%s: neighbour state %d", r->name,
				core_box_neighbour(box, BOX_TRUST, r->arp.sender, NULL));
		expect_silence();
		assert_int_equal(teardown(state), 0);
		setup(state);
	}
}

static void
an_arp_frame_cut_off_anywhere_is_never_answered(void **state)
{
	uint8_t frame[60];
	const struct arp_words a = { 1, CLIENT, OWN, { { 2, 0, 10, 1, 1, 10 } }, NULL };

	(void)state;
	arp_frame(frame, &a);
	for (size_t len = 1; len < 42; len++) {
		core_box_feed(box, BOX_TRUST, frame, len);
		core_box_turn(box, 1);
		expect_silence();
	}
	/* Below an Ethernet header the worker drops them. */
	assert_int_equal(core_box_counted(box).arp_short, 42 - 14);
	core_box_feed(box, BOX_TRUST, frame, 42);
	core_box_turn(box, 1);
	expect_reply(OWN, &ours);
}

static void
a_standby_hears_the_actives_gratuitous_arp_without_a_conflict(void **state)
{
	(void)state;
	feed_arp(BOX_TRUST,
		&(struct arp_words){ .op = 1, .sender = VIP, .target = VIP, .sender_mac = vmac });
	core_box_turn(box, 1);
	expect_silence();
	assert_int_equal(core_box_counted(box).arp_conflict, 0);
	assert_int_equal(core_box_counted(box).garp_in, 1);
}

static void
a_flood_of_requests_is_worked_off_over_turns(void **state)
{
	struct core_box_frame f;
	unsigned int replies = 0;

	(void)state;
	for (unsigned int i = 0; i < 500; i++)
		ask_for(OWN);
	engine_box_poll(box->box);
	assert_true(core_poll(box->core, box->box->now) <= 2 * 32);
	core_box_wait(box, 50, 1);
	while (core_box_sent(box, BOX_TRUST, &f))
		replies++;
	assert_int_equal(replies, 500);
}

/* ---- gratuitous ARP ---- */

static void
R32_R37_R236_activation_announces_at_once_and_again_after_1_s(void **state)
{
	(void)state;
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	assert_true(core_virtual_active(box->core, BOX_TRUST, 1, 4));
	assert_true(engine_vmac(box->box->engine, BOX_TRUST, 1));
	core_box_turn(box, 0);
	expect_garp(BOX_TRUST, VIP, &vmac);
	expect_silence();
	core_box_wait(box, 990, 10);
	expect_silence();
	core_box_turn(box, 10);
	expect_garp(BOX_TRUST, VIP, &vmac);
	core_box_wait(box, 5000, 50);
	expect_silence();
	assert_int_equal(core_box_counted(box).garp_out, 2);
	/* Said twice, done once. */
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 1);
	expect_silence();
}

static void
an_address_given_up_is_announced_no_more(void **state)
{
	(void)state;
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 0);
	expect_garp(BOX_TRUST, VIP, &vmac);
	core_virtual_set(box->core, BOX_TRUST, 1, false, box->box->now);
	core_box_wait(box, 3000, 50);
	expect_silence();
}

static void
an_announcement_waits_for_the_lease(void **state)
{
	(void)state;
	engine_set_lease(box->box->engine, (mono_t){ .ns = 0 });
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_wait(box, 3000, 50);
	expect_silence();
	engine_set_lease(box->box->engine, MONO_NEVER);
	core_box_turn(box, 1);
	expect_garp(BOX_TRUST, VIP, &vmac);
	core_box_wait(box, 1000, 50);
	expect_garp(BOX_TRUST, VIP, &vmac);
}

static void
X01_a_link_that_comes_up_is_told_of_every_address(void **state)
{
	(void)state;
	activate();
	core_post_link(box->core, BOX_TRUST, false);
	core_box_turn(box, 1);
	assert_false(core_link_up(box->core, BOX_TRUST));
	expect_silence();
	core_post_link(box->core, BOX_TRUST, true);
	core_box_turn(box, 1);
	assert_true(core_link_up(box->core, BOX_TRUST));
	expect_garp(BOX_TRUST, OWN, &ours);
	expect_garp(BOX_TRUST, VIP, &vmac);
	expect_silence();
	core_box_wait(box, 1500, 50);
	expect_garp(BOX_TRUST, VIP, &vmac);
	expect_silence();
}

static void
a_link_that_goes_by_another_cable_is_told_of_every_address(void **state)
{
	(void)state;
	activate();
	core_post_moved(box->core, BOX_TRUST);
	core_box_turn(box, 1);
	assert_true(core_link_up(box->core, BOX_TRUST));
	expect_garp(BOX_TRUST, OWN, &ours);
	expect_garp(BOX_TRUST, VIP, &vmac);
	expect_silence();
	core_box_wait(box, 1500, 50);
	expect_garp(BOX_TRUST, VIP, &vmac);
	expect_silence();
	assert_false(core_post_moved(box->core, MAX_INTERFACES));
}

static void
nothing_is_announced_while_the_link_is_down(void **state)
{
	(void)state;
	core_post_link(box->core, BOX_TRUST, false);
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_wait(box, 3000, 50);
	expect_silence();
}

static void
all_addresses_of_a_group_change_together(void **state)
{
	struct core_box_frame f;

	(void)state;
	assert_int_equal(core_virtual_add(box->core, BOX_TRUST, 1, IP(10, 1, 1, 99)), 0);
	assert_int_equal(core_virtual_add(box->core, BOX_TRUST, 1, IP(10, 1, 1, 99)), -EEXIST);
	assert_int_equal(core_virtual_add(box->core, BOX_TRUST, 0, IP(10, 1, 1, 98)), -EINVAL);
	assert_int_equal(core_virtual_add(box->core, MAX_INTERFACES, 1, VIP), -EINVAL);
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 0);
	assert_true(core_box_sent(box, BOX_TRUST, &f));
	assert_true(core_box_sent(box, BOX_TRUST, &f));
	expect_silence();
}

static void
a_published_change_of_the_own_address_is_announced(void **state)
{
	(void)state;
	core_sleep_begin(box->core);
	box->box->number = 2; /* 10.1.1.3 and 200.1.1.3 */
	engine_box_publish(box->box);
	core_sleep_end(box->core);
	assert_true(core_post_published(box->core));
	core_box_turn(box, 1);
	expect_garp(BOX_TRUST, PEER, &ours);
	core_box_discard(box);
	/* Nothing changed: nothing to say. */
	assert_true(core_post_published(box->core));
	core_box_turn(box, 1);
	expect_silence();
	ask_for(OWN);
	core_box_turn(box, 1);
	expect_silence();
	ask_for(PEER);
	core_box_turn(box, 1);
	expect_reply(PEER, &ours);
}

/* ---- clients ---- */

struct recorder {
	struct core *core;
	uint64_t gap_ms; /* largest that the tick saw */
	bool steps_down; /* when the gap is larger than 100 ms */
	unsigned int ticks, links, adverts, requests;
	uint16_t interface;
	bool up;
	uint16_t len;
	uint8_t first;
	uint64_t arg;
};

static void
recorder_tick(void *ctx, mono_t now)
{
	struct recorder *r = ctx;
	const uint64_t gap = mono_since_ms(now, core_last_turn(r->core));

	r->ticks++;
	r->gap_ms = RTE_MAX(r->gap_ms, gap);
	if (r->steps_down && gap > 100)
		core_virtual_set(r->core, BOX_TRUST, 1, false, now);
}

static void
recorder_link(void *ctx, uint16_t interface, bool up, mono_t now)
{
	struct recorder *r = ctx;

	(void)now;
	r->links++;
	r->interface = interface;
	r->up = up;
}

static void
recorder_vrrp(void *ctx, uint16_t interface, const uint8_t *data, uint16_t len, mono_t now)
{
	struct recorder *r = ctx;

	(void)now;
	r->adverts++;
	r->interface = interface;
	r->len = len;
	r->first = data[0];
}

static int
recorder_request(void *ctx, uint32_t what, uint64_t arg, mono_t now)
{
	struct recorder *r = ctx;

	(void)now;
	r->requests++;
	r->arg = arg;
	return -(int)what;
}

static struct recorder
new_recorder(void)
{
	return (struct recorder){ .core = box->core };
}

static void
attach(struct recorder *r)
{
	assert_int_equal(core_add_client(box->core, &(struct core_client){ .ctx = r,
							    .tick = recorder_tick,
							    .link = recorder_link,
							    .vrrp = recorder_vrrp,
							    .request = recorder_request }),
		0);
}

static void
a_box_that_wakes_fences_itself_before_it_answers_or_announces(void **state)
{
	struct recorder r = new_recorder();

	(void)state;
	attach(&r);
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 1);
	core_box_discard(box);
	core_box_wait(box, 500, 10);
	core_box_mark(box);
	r.steps_down = true;
	/* The request is in the punt ring, and the second gratuitous ARP is due, when it stops. */
	ask_for(VIP);
	engine_box_poll(box->box);
	core_box_turn(box, 5000);
	assert_int_equal(r.gap_ms, 5000);
	expect_silence();
	assert_int_equal(core_box_counted(box).arp_ignored, 1);
	assert_int_equal(core_box_counted(box).garp_out, 0);
	core_box_wait(box, 3000, 50);
	expect_silence();
	/* The same turn answers for what is still ours. */
	ask_for(OWN);
	core_box_turn(box, 5000);
	expect_reply(OWN, &ours);
}

static void
what_lies_in_the_inject_ring_when_the_box_stops_does_not_leave_after(void **state)
{
	(void)state;
	activate();
	core_virtual_set(box->core, BOX_TRUST, 1, false, box->box->now);
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	engine_set_lease(box->box->engine, mono_add_ms(box->box->now, 100));
	ask_for(VIP);
	ask_for(OWN);
	engine_box_poll(box->box);
	core_poll(box->core, box->box->now); /* answer and announcement wait for worker 0 */
	assert_int_equal(core_box_counted(box).garp_out, 1);
	assert_int_equal(core_box_counted(box).arp_replies_out, 2);
	box->box->now = mono_add_ms(box->box->now, 5000);
	engine_box_poll(box->box);
	expect_reply(OWN, &ours);
	expect_silence();
}

static void
late_turns_are_counted_and_the_tick_sees_the_gap(void **state)
{
	struct recorder r = new_recorder();

	(void)state;
	attach(&r);
	core_box_turn(box, 50);
	assert_int_equal(core_box_counted(box).stalls, 0);
	assert_int_equal(core_last_turn(box->core).ns, box->box->now.ns);
	core_box_turn(box, 51);
	assert_int_equal(core_box_counted(box).stalls, 1);
	assert_int_equal(r.gap_ms, 51);
	assert_int_equal(r.ticks, 2);
}

static void
every_turn_is_a_beat(void **state)
{
	const uint64_t before = core_beats(box->core);

	(void)state;
	core_box_wait(box, 10, 1);
	assert_int_equal(core_beats(box->core), before + 10);
}

static void
clients_hear_of_changes_of_a_link_only(void **state)
{
	struct recorder r = new_recorder();

	(void)state;
	attach(&r);
	core_post_link(box->core, BOX_UNTRUST, true); /* as it is */
	core_box_turn(box, 1);
	assert_int_equal(r.links, 0);
	core_post_link(box->core, BOX_UNTRUST, false);
	core_box_turn(box, 1);
	assert_int_equal(r.links, 1);
	assert_int_equal(r.interface, BOX_UNTRUST);
	assert_false(r.up);
	/* The first report about an interface is passed on, even if it is "down". */
	core_post_link(box->core, 7, false);
	core_box_turn(box, 1);
	assert_int_equal(r.links, 2);
	assert_int_equal(r.interface, 7);
	assert_false(core_post_link(box->core, MAX_INTERFACES, true));
	assert_false(core_link_up(box->core, MAX_INTERFACES));
}

static void
an_advert_reaches_the_client_from_its_ip_header_on(void **state)
{
	struct recorder r = new_recorder();
	const struct rte_ether_addr group = { { 1, 0, 0x5e, 0, 0, 18 } };
	uint8_t frame[CORE_BOX_FRAME];
	struct rte_ipv4_hdr ip;

	(void)state;
	attach(&r);
	core_box_udp(frame, &group, PEER, IP(224, 0, 0, 18), 1);
	memcpy(&ip, frame + 14, sizeof(ip));
	ip.next_proto_id = 112;
	ip.total_length = RTE_BE16(40);
	ip.hdr_checksum = 0;
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(frame + 14, &ip, sizeof(ip));
	core_box_feed(box, BOX_TRUST, frame, 60);
	core_box_turn(box, 1);
	assert_int_equal(r.adverts, 1);
	assert_int_equal(r.interface, BOX_TRUST);
	assert_int_equal(r.first, 0x45);
	assert_int_equal(r.len, 40); /* without the frame's padding */
	assert_int_equal(core_box_counted(box).vrrp_in, 1);
}

/* ---- sending ---- */

static bool
send_some(uint16_t interface, uint16_t len)
{
	struct rte_mbuf *m = core_frame(box->core);
	char *data;

	assert_non_null(m);
	data = rte_pktmbuf_append(m, len);
	assert_non_null(data);
	memset(data, 0x55, len);
	return core_send(box->core, interface, m);
}

static struct {
	bool padded, large, heartbeat, unknown, tiny;
} sent;

static void
sender_tick(void *ctx, mono_t now)
{
	(void)ctx;
	(void)now;
	sent.padded = send_some(BOX_TRUST, 20);
	sent.large = send_some(BOX_UNTRUST, 1514);
	sent.heartbeat = send_some(BOX_HEARTBEAT, 60);
	sent.unknown = send_some(MAX_INTERFACES, 60);
	sent.tiny = send_some(BOX_TRUST, 13);
}

static void
frames_of_clients_leave_padded_or_are_counted(void **state)
{
	static const uint8_t zeros[40];
	struct core_box_frame f;

	(void)state;
	core_add_client(box->core, &(struct core_client){ .tick = sender_tick });
	core_box_turn(box, 1);
	assert_true(sent.padded && sent.large);
	assert_false(sent.heartbeat || sent.unknown || sent.tiny);
	assert_true(core_box_sent(box, BOX_TRUST, &f));
	assert_int_equal(f.len, 60);
	assert_memory_equal(f.bytes + 20, zeros, 40);
	assert_true(core_box_sent(box, BOX_UNTRUST, &f));
	assert_int_equal(f.len, 1514);
	expect_silence();
	assert_int_equal(core_box_counted(box).sent, 2);
	assert_int_equal(core_box_counted(box).send_failed, 3);
}

static unsigned int turns_without_buffer;

static void
starved_tick(void *ctx, mono_t now)
{
	struct rte_mbuf *m = core_frame(box->core);

	(void)ctx;
	(void)now;
	turns_without_buffer += m == NULL;
	rte_pktmbuf_free(m);
}

static void
without_packet_buffers_nothing_is_sent_and_nothing_breaks(void **state)
{
	static struct rte_mbuf *taken[4096];
	unsigned int n = 0;

	(void)state;
	core_add_client(box->core, &(struct core_client){ .tick = starved_tick });
	ask_for(OWN);
	engine_box_poll(box->box);
	while (n < RTE_DIM(taken) && (taken[n] = rte_pktmbuf_alloc(box->box->pool)) != NULL)
		n++;
	core_virtual_set(box->core, BOX_TRUST, 1, true, box->box->now);
	core_box_turn(box, 1);
	assert_int_equal(turns_without_buffer, 1);
	/* The request's own buffer is free only after the answer was tried. */
	assert_int_equal(core_box_counted(box).arp_replies_out, 0);
	core_box_discard(box);
	while (n > 0)
		rte_pktmbuf_free(taken[--n]);
	/* The announcement was not forgotten. */
	core_box_wait(box, 1500, 50);
	assert_int_equal(core_box_counted(box).garp_out, 2);
	core_box_discard(box);
}

/* ---- requests ---- */

struct driver {
	_Atomic(bool) stop;
	pthread_t thread;
};

static void *
drive(void *arg)
{
	struct driver *d = arg;

	while (!atomic_load(&d->stop))
		core_poll(box->core, box->box->now);
	return NULL;
}

static void
a_request_is_answered_by_the_loop_of_another_thread(void **state)
{
	struct recorder r = new_recorder();
	struct driver d = { .stop = false };

	(void)state;
	attach(&r);
	assert_int_equal(pthread_create(&d.thread, NULL, drive, &d), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(core_request(box->core, (uint32_t)i, 1000 + (uint64_t)i), -i);
	atomic_store(&d.stop, true);
	pthread_join(d.thread, NULL);
	assert_int_equal(r.requests, 50);
	assert_int_equal(r.arg, 1049);
}

static void
a_request_that_timed_out_is_not_carried_out_later(void **state)
{
	struct recorder r = new_recorder();

	(void)state;
	attach(&r);
	assert_int_equal(core_request(box->core, 5, 0), -ETIMEDOUT);
	core_box_turn(box, 1);
	assert_int_equal(r.requests, 0);
}

static void
a_request_without_a_client_is_refused(void **state)
{
	(void)state;
	assert_int_equal(core_request(box->core, 1, 0), -ENOTSUP);
	core_add_client(box->core, &(struct core_client){ .tick = NULL });
	assert_int_equal(core_request(box->core, 1, 0), -ENOTSUP);
}

static void
messages_beyond_the_ring_are_refused_not_lost_silently(void **state)
{
	unsigned int posted = 0;

	(void)state;
	while (posted < 10000 && core_post_link(box->core, BOX_TRUST, posted % 2 == 0))
		posted++;
	assert_in_range(posted, 200, 256);
	core_box_wait(box, 100, 1);
	assert_true(core_post_published(box->core));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(R26_R33_the_active_answers_for_the_virtual_address_with_the_virtual_mac),
		CASE(R33_VRP02_a_standby_never_answers_for_the_virtual_address),
		CASE(R33_without_the_lease_the_active_is_silent_too),
		CASE(R33_a_virtual_address_is_never_answered_with_the_real_mac),
		CASE(own_addresses_are_answered_with_the_interfaces_mac),
		CASE(each_arp_frame_is_answered_learned_and_counted_as_it_should),
		CASE(an_arp_frame_cut_off_anywhere_is_never_answered),
		CASE(a_standby_hears_the_actives_gratuitous_arp_without_a_conflict),
		CASE(a_flood_of_requests_is_worked_off_over_turns),
		CASE(R32_R37_R236_activation_announces_at_once_and_again_after_1_s),
		CASE(an_address_given_up_is_announced_no_more),
		CASE(an_announcement_waits_for_the_lease),
		CASE(X01_a_link_that_comes_up_is_told_of_every_address),
		CASE(a_link_that_goes_by_another_cable_is_told_of_every_address),
		CASE(nothing_is_announced_while_the_link_is_down),
		CASE(all_addresses_of_a_group_change_together),
		CASE(a_published_change_of_the_own_address_is_announced),
		CASE(a_box_that_wakes_fences_itself_before_it_answers_or_announces),
		CASE(what_lies_in_the_inject_ring_when_the_box_stops_does_not_leave_after),
		CASE(late_turns_are_counted_and_the_tick_sees_the_gap),
		CASE(every_turn_is_a_beat),
		CASE(clients_hear_of_changes_of_a_link_only),
		CASE(an_advert_reaches_the_client_from_its_ip_header_on),
		CASE(frames_of_clients_leave_padded_or_are_counted),
		CASE(without_packet_buffers_nothing_is_sent_and_nothing_breaks),
		CASE(a_request_is_answered_by_the_loop_of_another_thread),
		CASE(a_request_that_timed_out_is_not_carried_out_later),
		CASE(a_request_without_a_client_is_refused),
		CASE(messages_beyond_the_ring_are_refused_not_lost_silently),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
