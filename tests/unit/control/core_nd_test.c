/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv6 neighbours and our own IPv6 addresses: detection of duplicates, answers, resolution.
 * Received messages are put into the punt ring, where the workers put them.
 */
#include "core.h"
#include "core_box.h"
#include "ipv6.h"
#include "nd.h"
#include "test_eal.h"
#include "worker.h"

#include <rte_ip.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define GLOBAL "2001:db8:1::2"
#define LOCAL  "fe80::2"
#define HOST   "2001:db8:1::10"

static const struct rte_ether_addr ours = { { 2, 'T', 'W', 1, 0, BOX_TRUST } };
static const struct rte_ether_addr host = { { 2, 0, 0, 0, 0, 0x10 } };
static const struct rte_ether_addr moved = { { 2, 0, 0, 0, 0, 0x11 } };

static struct core_box *box;

/* IPv6 on the trust interface, as a publication would bring it. */
static void
give_addresses(void)
{
	struct snapshot *s = (struct snapshot *)(uintptr_t)engine_snapshot(box->box->engine);
	struct snapshot_interface *in = &s->interfaces[BOX_TRUST];

	in->address6_count = 1;
	memcpy(in->addresses6[0].address, ipv6(GLOBAL).b, IP6_LEN);
	in->addresses6[0].len = 64;
	memcpy(in->link_local, ipv6(LOCAL).b, IP6_LEN);
	free(s->addresses6);
	s->addresses6 = calloc(2, sizeof(*s->addresses6));
	assert_non_null(s->addresses6);
	s->address6_count = 2;
	memcpy(s->addresses6[0].address, ipv6(GLOBAL).b, IP6_LEN);
	memcpy(s->addresses6[1].address, ipv6(LOCAL).b, IP6_LEN);
	s->addresses6[0].interface = s->addresses6[1].interface = BOX_TRUST;
	snapshot_sort6(s);
	core_post_published(box->core);
}

static int
setup(void **state)
{
	(void)state;
	box = core_box_create(1);
	give_addresses();
	return 0;
}

static int
setup_valid(void **state)
{
	setup(state);
	core_box_wait(box, 1200, 100);
	core_box_discard(box);
	core_box_mark(box);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return core_box_destroy(box) == 0 ? 0 : -1;
}

static void
punt(const void *frame, size_t len, const struct pkt_meta *meta)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(box->box->pool);
	char *data = rte_pktmbuf_append(m, (uint16_t)len);

	assert_non_null(data);
	memcpy(data, frame, len);
	*pkt_meta(m) = *meta;
	assert_int_equal(rte_ring_enqueue(engine_worker(box->box->engine, 0)->punt, m), 0);
	core_box_turn(box, 1);
}

static void
hear(const uint8_t *frame)
{
	punt(frame, nd_frame_len(frame),
		&(struct pkt_meta){ .port = BOX_TRUST, .interface = BOX_TRUST, .why = PUNT_ND });
}

static void
hear_solicit(const struct rte_ether_addr *mac, const char *source, const char *target)
{
	uint8_t frame[ND_FRAME_LEN];

	nd_solicit(frame, mac, ipv6(source).b, ipv6(target).b, NULL);
	hear(frame);
}

static void
fix_checksum(uint8_t *frame)
{
	struct rte_ipv6_hdr ip;
	uint16_t sum;

	memcpy(&ip, frame + 14, sizeof(ip));
	memset(frame + 56, 0, 2);
	sum = rte_ipv6_udptcp_cksum(&ip, frame + 54);
	memcpy(frame + 56, &sum, sizeof(sum));
}

/* An unasked advert of `target`, with or without "override". */
static void
hear_advert(const struct rte_ether_addr *mac, const char *target, bool override)
{
	uint8_t frame[ND_FRAME_LEN];

	nd_advert(frame, NULL, NULL, mac, ipv6(target).b);
	if (!override)
		frame[58] &= (uint8_t)~ND_NA_OVERRIDE;
	fix_checksum(frame);
	hear(frame);
}

/* The next message we sent must be this one. */
static void
assert_sent(uint8_t type, const char *source, const char *target)
{
	struct core_box_frame f;
	struct nd n;

	assert_true(core_box_sent(box, BOX_TRUST, &f));
	assert_int_equal(nd_parse(f.bytes, f.len, &n), ND_OK);
	assert_int_equal(n.type, type);
	assert_memory_equal(n.source, ipv6(source).b, IP6_LEN);
	assert_memory_equal(n.target, ipv6(target).b, IP6_LEN);
	assert_memory_equal(f.bytes + 6, &ours, sizeof(ours));
}

static void
assert_silent(void)
{
	struct core_box_frame f;

	assert_false(core_box_sent(box, BOX_TRUST, &f));
}

/* The next frame sent, which must be an advert of `target`. */
static bool
next_advert(struct core_box_frame *f, struct nd *n, const uint8_t target[IP6_LEN])
{
	return core_box_sent(box, BOX_TRUST, f) && nd_parse(f->bytes, f->len, n) == ND_OK &&
	       n->type == ND_NEIGHBOR_ADVERT && n->has_mac && ip6_equal(n->target, target) &&
	       ip6_equal(n->source, target);
}

static enum neigh_state
neighbour(const char *address, struct rte_ether_addr *mac)
{
	const struct neigh_table *t = engine_neighbours(box->box->engine);
	const uint32_t index = neigh_find6(t, BOX_TRUST, ipv6(address).b);
	uint64_t word;

	if (index == NEIGH_NONE)
		return NEIGH_FREE;
	word = atomic_load(&neigh_at(t, index)->word);
	neigh_word_mac(word, mac);
	return neigh_word_state(word);
}

static void
an_address_is_asked_for_then_used_and_announced(void **state)
{
	(void)state;
	core_box_turn(box, 1);
	assert_sent(ND_NEIGHBOR_SOLICIT, "::", GLOBAL);
	assert_sent(ND_NEIGHBOR_SOLICIT, "::", LOCAL);
	assert_silent();
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, 0), "tentative");
	/* Not ours yet: no answer. */
	hear_solicit(&host, HOST, GLOBAL);
	core_box_wait(box, 990, 10);
	assert_silent();
	core_box_wait(box, 20, 10);
	assert_sent(ND_NEIGHBOR_ADVERT, GLOBAL, GLOBAL);
	assert_sent(ND_NEIGHBOR_ADVERT, LOCAL, LOCAL);
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, 0), "valid");
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, MAX_ADDRESSES6), "valid");
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, 1), "down");
	/* Nothing more to do; a publication that changes nothing starts nothing. */
	core_post_published(box->core);
	core_box_wait(box, 3000, 100);
	assert_silent();
}

static void
an_address_that_somebody_has_is_not_used(void **state)
{
	(void)state;
	core_box_turn(box, 1);
	core_box_discard(box);
	core_box_mark(box);
	hear_advert(&host, GLOBAL, true);
	hear_solicit(&moved, "::", LOCAL); /* somebody else asks at the same time */
	core_box_wait(box, 2000, 100);
	assert_silent();
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, 0), "duplicate");
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, MAX_ADDRESSES6), "duplicate");
	assert_int_equal(core_box_counted(box).nd_duplicates, 2);
	hear_solicit(&host, HOST, GLOBAL);
	assert_silent();

	/* The link comes up anew: so does the question. */
	core_post_link(box->core, BOX_TRUST, false);
	core_box_turn(box, 1);
	core_post_link(box->core, BOX_TRUST, true);
	core_box_wait(box, 1200, 100);
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, 0), "valid");
}

static void
solicitations_of_ours_are_answered_and_their_senders_learned(void **state)
{
	struct rte_ether_addr mac;

	(void)state;
	hear_solicit(&host, HOST, GLOBAL);
	assert_sent(ND_NEIGHBOR_ADVERT, GLOBAL, GLOBAL);
	assert_int_equal(neighbour(HOST, &mac), NEIGH_REACHABLE);
	assert_memory_equal(&mac, &host, sizeof(mac));
	hear_solicit(&host, "fe80::10", LOCAL);
	assert_sent(ND_NEIGHBOR_ADVERT, LOCAL, LOCAL);
	/* Defended against who would take it; nobody is learned from that. */
	hear_solicit(&moved, "::", GLOBAL);
	assert_sent(ND_NEIGHBOR_ADVERT, GLOBAL, GLOBAL);
	hear_advert(&moved, GLOBAL, true);
	assert_int_equal(core_box_counted(box).nd_conflict, 1);
	assert_string_equal(core_address6_state(box->core, BOX_TRUST, 0), "valid");
	assert_silent();
}

/* VRP-02, R33 for IPv6. */
static void
the_active_answers_for_the_virtual_address_with_the_virtual_mac(void **state)
{
	static const char *const virtuals[] = { "fe80::1", "2001:db8:1::1" };
	static const struct rte_ether_addr vmac[] = { { { 0, 0, 0x5e, 0, 2, 5 } },
		{ { 0, 0, 0x5e, 0, 2, 7 } } };
	struct core_box_frame f;
	struct nd n;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(virtuals); i++) {
		const uint8_t vrid = vmac[i].addr_bytes[5];

		assert_int_equal(
			core_virtual_add6(box->core, BOX_TRUST, vrid, ipv6(virtuals[i]).b), 0);
		assert_int_equal(core_virtual_add6(box->core, BOX_TRUST, vrid, ipv6(virtuals[i]).b),
			-EEXIST);
		hear_solicit(&host, HOST, virtuals[i]);
		hear_solicit(&moved, "::", virtuals[i]);
		hear_advert(&moved, virtuals[i], true); /* the peer's: no conflict */
		assert_silent();
		assert_int_equal(core_box_counted(box).nd_conflict, 2 * i);

		/* At once and again after a second: to all nodes, router and override set. */
		core_virtual_set(box->core, BOX_TRUST, vrid, true, box->box->now);
		assert_true(engine_vmac(box->box->engine, BOX_TRUST, VMAC_IPV6 | vrid));
		core_box_wait(box, 1200, 100);
		for (int k = 0; k < 2; k++) {
			assert_true(next_advert(&f, &n, ipv6(virtuals[i]).b));
			assert_memory_equal(f.bytes, "\x33\x33\0\0\0\1", 6);
			assert_memory_equal(f.bytes + 6, &vmac[i], sizeof(vmac[i]));
			assert_memory_equal(n.destination, ipv6("ff02::1").b, IP6_LEN);
			assert_int_equal(n.flags, ND_NA_ROUTER | ND_NA_OVERRIDE);
		}
		core_box_discard(box);

		hear_solicit(&host, HOST, virtuals[i]);
		assert_true(next_advert(&f, &n, ipv6(virtuals[i]).b));
		assert_memory_equal(f.bytes, &host, sizeof(host));
		assert_memory_equal(f.bytes + 6, &vmac[i], sizeof(vmac[i]));
		assert_memory_equal(&n.mac, &vmac[i], sizeof(vmac[i]));
		assert_int_equal(n.flags, ND_NA_ROUTER | ND_NA_SOLICITED | ND_NA_OVERRIDE);
		hear_advert(&moved, virtuals[i], true);
		assert_int_equal(core_box_counted(box).nd_conflict, 2 * i + 1);
		/* VRP-10: announced again, but not for each claim. */
		assert_true(next_advert(&f, &n, ipv6(virtuals[i]).b));
		assert_memory_equal(n.destination, ipv6("ff02::1").b, IP6_LEN);
		core_box_discard(box);
		hear_advert(&moved, virtuals[i], true);
		assert_silent();

		engine_set_lease(box->box->engine, (mono_t){ 0 });
		hear_solicit(&host, HOST, virtuals[i]);
		assert_silent();
		engine_set_lease(box->box->engine, MONO_NEVER);
		core_virtual_set(box->core, BOX_TRUST, vrid, false, box->box->now);
		assert_false(engine_vmac(box->box->engine, BOX_TRUST, VMAC_IPV6 | vrid));
		hear_solicit(&host, HOST, virtuals[i]);
		assert_silent();
	}
}

static void
strangers_and_bad_messages_change_nothing(void **state)
{
	struct rte_ether_addr mac;
	uint8_t frame[ND_FRAME_LEN];

	(void)state;
	hear_solicit(&host, HOST, "2001:db8:1::99");   /* for somebody else */
	hear_advert(&host, HOST, true);		       /* nobody asked */
	hear_solicit(&host, "2001:db8:5::10", GLOBAL); /* from another network */
	nd_solicit(frame, &host, ipv6(HOST).b, ipv6(GLOBAL).b, NULL);
	frame[21] = 254;
	hear(frame);
	nd_solicit(frame, &host, ipv6(HOST).b, ipv6(GLOBAL).b, NULL);
	frame[80] ^= 1;
	hear(frame);
	nd_solicit(frame, &ours, ipv6(LOCAL).b, ipv6(GLOBAL).b, NULL); /* a loop */
	hear(frame);
	nd_solicit(frame, &host, ipv6(HOST).b, ipv6(GLOBAL).b, NULL);
	frame[54] = ND_REDIRECT;
	fix_checksum(frame);
	hear(frame);
	assert_silent();
	assert_int_equal(neighbour(HOST, &mac), NEIGH_FREE);
	assert_int_equal(neighbour("2001:db8:5::10", &mac), NEIGH_FREE);
	assert_int_equal(core_box_counted(box).nd_ignored, 2);
	assert_int_equal(core_box_counted(box).nd_bad, 3);
	assert_int_equal(core_box_counted(box).nd_off_link, 1);
	assert_int_equal(core_box_counted(box).nd_hop_limit, 1);
	assert_int_equal(core_box_counted(box).nd_checksum, 1);
	assert_int_equal(core_box_counted(box).nd_own, 1);
	assert_int_equal(core_box_counted(box).nd_router, 1);
}

/* A transit packet for HOST, as a worker punts it. */
static void
punt_transit(const char *next_hop)
{
	struct pkt_meta meta = { .port = BOX_TRUST,
		.interface = BOX_TRUST,
		.why = PUNT_UNRESOLVED,
		.family = 6,
		.neigh = NEIGH_NONE };
	uint8_t frame[64] = { [12] = 0x86, [13] = 0xdd, [14] = 0x60, [63] = 0x77 };

	memcpy(meta.next_hop6, ipv6(next_hop).b, IP6_LEN);
	punt(frame, sizeof(frame), &meta);
}

static void
a_next_hop_is_asked_for_and_the_packet_sent_on(void **state)
{
	struct core_box_frame f;
	struct rte_ether_addr mac;

	(void)state;
	punt_transit(HOST);
	assert_sent(ND_NEIGHBOR_SOLICIT, LOCAL, HOST);
	assert_int_equal(neighbour(HOST, &mac), NEIGH_INCOMPLETE);
	core_box_wait(box, 1010, 10);
	assert_sent(ND_NEIGHBOR_SOLICIT, LOCAL, HOST);
	hear_advert(&host, HOST, true);
	assert_true(core_box_sent(box, BOX_TRUST, &f));
	assert_int_equal(f.bytes[63], 0x77);
	assert_memory_equal(f.bytes, &host, 6);
	assert_memory_equal(f.bytes + 6, &ours, 6);
	assert_int_equal(neighbour(HOST, &mac), NEIGH_REACHABLE);
	assert_silent();

	/* RFC 4861 7.2.5: without "override" it does not move, with it does. */
	hear_advert(&moved, HOST, false);
	neighbour(HOST, &mac);
	assert_memory_equal(&mac, &host, sizeof(mac));
	hear_advert(&moved, HOST, true);
	neighbour(HOST, &mac);
	assert_memory_equal(&mac, &moved, sizeof(mac));
	assert_int_equal(core_box_counted(box).neigh_moved, 1);
}

static void
a_next_hop_that_does_not_answer_fails(void **state)
{
	struct rte_ether_addr mac;

	(void)state;
	punt_transit("fe80::99");
	core_box_wait(box, 3100, 10);
	assert_int_equal(neighbour("fe80::99", &mac), NEIGH_FAILED);
	assert_int_equal(core_box_counted(box).nd_solicits_out, 3);
	assert_int_equal(core_box_counted(box).pending_dropped, 1);
}

static void
nobody_is_asked_for_what_is_not_on_the_link_or_ours(void **state)
{
	(void)state;
	punt_transit("2001:db8:5::1");
	punt_transit(GLOBAL);
	punt_transit("ff02::1");
	assert_silent();
	assert_int_equal(core_box_counted(box).pending_dropped, 3);
	assert_int_equal(neigh_count(engine_neighbours(box->box->engine)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_address_is_asked_for_then_used_and_announced, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_address_that_somebody_has_is_not_used, setup, teardown),
		cmocka_unit_test_setup_teardown(
			solicitations_of_ours_are_answered_and_their_senders_learned, setup_valid,
			teardown),
		cmocka_unit_test_setup_teardown(
			the_active_answers_for_the_virtual_address_with_the_virtual_mac,
			setup_valid, teardown),
		cmocka_unit_test_setup_teardown(
			strangers_and_bad_messages_change_nothing, setup_valid, teardown),
		cmocka_unit_test_setup_teardown(
			a_next_hop_is_asked_for_and_the_packet_sent_on, setup_valid, teardown),
		cmocka_unit_test_setup_teardown(
			a_next_hop_that_does_not_answer_fails, setup_valid, teardown),
		cmocka_unit_test_setup_teardown(
			nobody_is_asked_for_what_is_not_on_the_link_or_ours, setup_valid, teardown),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
