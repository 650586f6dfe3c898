/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbour discovery messages: what we write is what RFC 4861 asks for, and what it calls invalid
 * (7.1.1, 7.1.2) is refused.
 */
#include "ipv6.h"
#include "nd.h"

#include <rte_ip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define IP_AT	14
#define ICMP_AT 54
#define TARGET	62 /* in the frame */
#define OPTION	78
#define HOPS	21
#define SOURCE	22
#define DEST	38
#define PAYLOAD 18

static const struct rte_ether_addr host = { { 2, 0, 0, 0, 0, 0x10 } };
static const struct rte_ether_addr ours = { { 2, 0, 0, 0, 0, 1 } };

static void
fix_checksum(uint8_t *frame)
{
	struct rte_ipv6_hdr ip;
	uint16_t sum;

	memcpy(&ip, frame + IP_AT, sizeof(ip));
	memset(frame + ICMP_AT + 2, 0, 2);
	sum = rte_ipv6_udptcp_cksum(&ip, frame + ICMP_AT);
	memcpy(frame + ICMP_AT + 2, &sum, sizeof(sum));
}

static void
solicitation(uint8_t frame[ND_FRAME_LEN])
{
	nd_solicit(frame, &host, ipv6("fe80::10").b, ipv6("2001:db8:1::2").b, NULL);
}

static void
a_solicitation_goes_to_the_group_of_its_target(void **state)
{
	const struct rte_ether_addr group = { { 0x33, 0x33, 0xff, 0, 0, 2 } };
	uint8_t frame[ND_FRAME_LEN];
	struct nd n;

	(void)state;
	solicitation(frame);
	assert_int_equal(nd_frame_len(frame), ND_FRAME_LEN);
	assert_memory_equal(frame, &group, 6);
	assert_memory_equal(frame + DEST, ipv6("ff02::1:ff00:2").b, IP6_LEN);
	assert_int_equal(frame[HOPS], 255);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_OK);
	assert_int_equal(n.type, ND_NEIGHBOR_SOLICIT);
	assert_true(n.has_mac);
	assert_memory_equal(&n.mac, &host, 6);
	assert_memory_equal(n.source, ipv6("fe80::10").b, IP6_LEN);
	assert_memory_equal(n.target, ipv6("2001:db8:1::2").b, IP6_LEN);

	/* One host alone */
	nd_solicit(frame, &host, ipv6("fe80::10").b, ipv6("2001:db8:1::2").b, &ours);
	assert_memory_equal(frame, &ours, 6);
	assert_memory_equal(frame + DEST, ipv6("2001:db8:1::2").b, IP6_LEN);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_OK);
}

static void
detection_has_no_sender_and_no_option(void **state)
{
	uint8_t frame[ND_FRAME_LEN];
	struct nd n;

	(void)state;
	nd_solicit(frame, &ours, ipv6("::").b, ipv6("2001:db8:1::2").b, NULL);
	assert_int_equal(nd_frame_len(frame), OPTION);
	assert_int_equal(nd_parse(frame, OPTION, &n), ND_OK);
	assert_false(n.has_mac);
	assert_true(ip6_is_unspecified(n.source));
}

static void
answers_go_to_the_asker_or_to_all(void **state)
{
	const struct rte_ether_addr all = { { 0x33, 0x33, 0, 0, 0, 1 } };
	uint8_t frame[ND_FRAME_LEN];
	struct nd n, answer;

	(void)state;
	solicitation(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_OK);
	nd_advert(frame, &n, &host, &ours, n.target);
	assert_memory_equal(frame, &host, 6);
	assert_int_equal(nd_parse(frame, sizeof(frame), &answer), ND_OK);
	assert_int_equal(answer.flags, ND_NA_ROUTER | ND_NA_SOLICITED | ND_NA_OVERRIDE);
	assert_memory_equal(&answer.mac, &ours, 6);
	assert_memory_equal(answer.destination, ipv6("fe80::10").b, IP6_LEN);

	/* To a detection, and unasked: everybody, not "solicited". */
	memset(n.source, 0, sizeof(n.source));
	for (unsigned int i = 0; i < 2; i++) {
		nd_advert(frame, i == 0 ? &n : NULL, &host, &ours, n.target);
		assert_memory_equal(frame, &all, 6);
		assert_int_equal(nd_parse(frame, sizeof(frame), &answer), ND_OK);
		assert_int_equal(answer.flags, ND_NA_ROUTER | ND_NA_OVERRIDE);
		assert_memory_equal(answer.destination, ipv6("ff02::1").b, IP6_LEN);
	}
}

static void
whatever_is_cut_off_is_refused(void **state)
{
	uint8_t frame[ND_FRAME_LEN];
	struct nd n;

	(void)state;
	solicitation(frame);
	for (size_t len = 0; len < sizeof(frame); len++) {
		/* In a block of its own, so that the sanitizer sees every byte read behind it. */
		uint8_t *copy = malloc(len + 1);

		memcpy(copy, frame, len);
		assert_int_equal(nd_parse(copy, len, &n), ND_SHORT);
		free(copy);
	}
	frame[PAYLOAD + 1] = 20; /* the message says so itself */
	fix_checksum(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_SHORT);
}

static void
invalid_messages_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t at, value;
		enum nd_verdict verdict;
	} rows[] = {
		{ "hop limit 254", HOPS, 254, ND_HOP_LIMIT },
		{ "code", ICMP_AT + 1, 1, ND_FORMAT },
		{ "echo request", ICMP_AT, 128, ND_FORMAT },
		{ "router solicitation", ICMP_AT, 133, ND_OTHER },
		{ "router advert", ICMP_AT, 134, ND_OTHER },
		{ "redirect", ICMP_AT, 137, ND_OTHER },
		{ "version 4", IP_AT, 0x40, ND_FORMAT },
		{ "behind another header", 20, 0, ND_FORMAT },
		{ "multicast target", TARGET, 0xff, ND_TARGET },
		{ "multicast source", SOURCE, 0xff, ND_SOURCE },
		{ "option of length 0", OPTION + 1, 0, ND_OPTION },
		{ "option longer than the message", OPTION + 1, 2, ND_OPTION },
		{ "multicast MAC", OPTION + 2, 3, ND_MAC },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		uint8_t frame[ND_FRAME_LEN];
		struct nd n;

		solicitation(frame);
		frame[rows[i].at] = rows[i].value;
		fix_checksum(frame);
		if (nd_parse(frame, sizeof(frame), &n) != rows[i].verdict)
			fail_msg("%s: %d", rows[i].name, nd_parse(frame, sizeof(frame), &n));
	}
}

static void
addresses_that_contradict_the_message_are_refused(void **state)
{
	uint8_t frame[ND_FRAME_LEN];
	struct nd n, asked;

	(void)state;
	/* Detection with an option; to somewhere else than the group. */
	solicitation(frame);
	memset(frame + SOURCE, 0, IP6_LEN);
	fix_checksum(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_OPTION);
	nd_solicit(frame, &ours, ipv6("::").b, ipv6("2001:db8:1::2").b, &host);
	fix_checksum(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_SOURCE);
	/* An advert for all that claims to be asked for; from nobody. */
	solicitation(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &asked), ND_OK);
	nd_advert(frame, NULL, NULL, &ours, asked.target);
	frame[ICMP_AT + 4] |= ND_NA_SOLICITED;
	fix_checksum(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_FORMAT);
	nd_advert(frame, &asked, &host, &ours, asked.target);
	memset(frame + SOURCE, 0, IP6_LEN);
	fix_checksum(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_SOURCE);
}

static void
a_wrong_checksum_is_refused(void **state)
{
	uint8_t frame[ND_FRAME_LEN];
	struct nd n;

	(void)state;
	solicitation(frame);
	frame[TARGET + 15] ^= 1;
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_CHECKSUM);
}

static void
unknown_options_are_passed_over(void **state)
{
	uint8_t frame[ND_FRAME_LEN];
	struct nd n;

	(void)state;
	solicitation(frame);
	frame[OPTION] = 14; /* nonce */
	fix_checksum(frame);
	assert_int_equal(nd_parse(frame, sizeof(frame), &n), ND_OK);
	assert_false(n.has_mac);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_solicitation_goes_to_the_group_of_its_target),
		cmocka_unit_test(detection_has_no_sender_and_no_option),
		cmocka_unit_test(answers_go_to_the_asker_or_to_all),
		cmocka_unit_test(whatever_is_cut_off_is_refused),
		cmocka_unit_test(invalid_messages_are_refused),
		cmocka_unit_test(addresses_that_contradict_the_message_are_refused),
		cmocka_unit_test(a_wrong_checksum_is_refused),
		cmocka_unit_test(unknown_options_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
