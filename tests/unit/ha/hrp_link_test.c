/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Heartbeat links: R163-R173, two boxes' links joined by a fake wire per slot, fake clock.
 */
#include "hrp_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS 100
#define LINKS	 3

struct rig {
	struct hrp_links box[2];
	bool cut[LINKS][2]; /* wire of a slot, by sending box */
	uint64_t ms;
};

static rte_be32_t
address(int box, int slot)
{
	return rte_cpu_to_be_32(0x0a0a0001u + (uint32_t)box + ((uint32_t)slot << 8));
}

static mono_t
at(const struct rig *r)
{
	return mono_add_ms((mono_t){ .ns = NS_PER_SEC }, r->ms);
}

static void
step(struct rig *r)
{
	struct ha_probe p;

	for (int b = 0; b < 2; b++)
		for (uint16_t s = 0; s < r->box[b].count; s++)
			while (hrp_link_due(&r->box[b], s, at(r), &p))
				if (!r->cut[s][b])
					assert_int_equal(hrp_link_probe(&r->box[!b], s, &p,
								 address(b, s), at(r)),
						HA_OK);
	for (int b = 0; b < 2; b++)
		hrp_link_poll(&r->box[b], at(r));
}

static void
run(struct rig *r, uint64_t ms)
{
	for (const uint64_t end = r->ms + ms; r->ms < end; r->ms += 5)
		step(r);
}

static void
carrier(struct rig *r, uint16_t slot, bool up)
{
	for (int b = 0; b < 2; b++)
		hrp_link_carrier(&r->box[b], slot, up, at(r));
}

static void
start(struct rig *r, int links)
{
	static const char *const names[LINKS] = { "GigabitEthernet1/0/3", "GigabitEthernet1/0/4",
		"GigabitEthernet1/0/5" };

	memset(r, 0, sizeof(*r));
	for (int b = 0; b < 2; b++) {
		hrp_link_init(&r->box[b], HELLO_MS, 77 + (uint32_t)b);
		for (int s = 0; s < links; s++)
			assert_int_equal(
				hrp_link_add(&r->box[b], address(b, s), names[s], false), s);
	}
	for (int s = 0; s < links; s++)
		carrier(r, (uint16_t)s, true);
}

#define STATE(r, b, s) ((r)->box[b].link[s].state)

static void
R163_without_an_address_a_link_is_invalid(void **state)
{
	(void)state;
	struct hrp_links ls;
	struct ha_probe p;

	hrp_link_init(&ls, HELLO_MS, 1);
	hrp_link_add(&ls, 0, "GigabitEthernet1/0/3", false);
	hrp_link_carrier(&ls, 0, true, (mono_t){ .ns = NS_PER_SEC });
	assert_int_equal(ls.link[0].state, HRP_LINK_INVALID);
	assert_false(hrp_link_due(&ls, 0, (mono_t){ .ns = 9 * NS_PER_SEC }, &p));
	assert_int_equal(hrp_link_ways(&ls, (mono_t){ .ns = 9 * NS_PER_SEC }), 0);
}

static void
R164_without_carrier_a_link_is_down_and_silent(void **state)
{
	(void)state;
	struct ha_probe p;
	struct rig r;

	start(&r, 1);
	carrier(&r, 0, false);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_DOWN);
	assert_false(hrp_link_due(&r.box[0], 0, at(&r), &p));
	run(&r, 1000);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_DOWN);
}

static void
R165_without_an_answer_a_link_is_peerdown_and_probes_on(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 1);
	r.cut[0][0] = r.cut[0][1] = true;
	run(&r, 1000);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_PEERDOWN);
	assert_int_equal(r.box[0].link[0].probes_out, 10);
	/* hellos need not wait for probes */
	assert_int_equal(hrp_link_ways(&r.box[0], at(&r)), 1u << 0);
	r.cut[0][0] = r.cut[0][1] = false;
	run(&r, 2 * HELLO_MS + 5);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_RUNNING);
	assert_int_equal(STATE(&r, 1, 0), HRP_LINK_RUNNING);
}

static void
R166_two_boxes_are_ready_within_two_intervals(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 1);
	run(&r, 2 * HELLO_MS);
	for (int b = 0; b < 2; b++) {
		assert_int_equal(STATE(&r, b, 0), HRP_LINK_RUNNING);
		assert_int_equal(r.box[b].link[0].peer_address, address(!b, 0));
		assert_int_equal(r.box[b].link[0].peer_hello_ms, HELLO_MS);
		assert_false(r.box[b].link[0].crossed);
	}
}

static void
R166_one_way_is_peerdown_at_both_ends(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 1);
	run(&r, 500);
	r.cut[0][0] = true;
	run(&r, 2 * HRP_LINK_SILENT * HELLO_MS + HELLO_MS + 5);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_PEERDOWN);
	assert_int_equal(STATE(&r, 1, 0), HRP_LINK_PEERDOWN);
}

static void
three_silent_intervals_make_peerdown_and_two_do_not(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 1);
	run(&r, 1000);
	r.cut[0][1] = true;
	const uint64_t silent_since = r.ms;
	run(&r, 2 * HELLO_MS);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_RUNNING);
	while (STATE(&r, 0, 0) == HRP_LINK_RUNNING)
		run(&r, 5);
	assert_in_range(r.ms - silent_since, 2 * HELLO_MS, 3 * HELLO_MS + 5);
	assert_int_equal(r.box[0].running, -1);
}

static void
R167_R169_the_first_configured_of_the_ready_runs(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 2);
	run(&r, 500);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_RUNNING);
	assert_int_equal(STATE(&r, 0, 1), HRP_LINK_READY);
	assert_int_equal(r.box[0].running, 0);
}

static void
R168_the_next_one_takes_over_and_gives_back(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 3);
	run(&r, 500);
	carrier(&r, 0, false);
	assert_true(hrp_link_poll(&r.box[0], at(&r)));
	assert_int_equal(r.box[0].running, 1); /* at once */
	assert_int_equal(STATE(&r, 0, 1), HRP_LINK_RUNNING);
	assert_int_equal(STATE(&r, 0, 2), HRP_LINK_READY);
	assert_false(hrp_link_poll(&r.box[0], at(&r)));
	carrier(&r, 0, true);
	run(&r, 500);
	assert_int_equal(r.box[0].running, 0);
	assert_int_equal(STATE(&r, 0, 1), HRP_LINK_READY);
}

static void
R170_each_box_may_run_another_link(void **state)
{
	(void)state;
	struct rig r;

	/* Link 0 of box 0 hears nothing: it runs 1; both links still carry probes of both. */
	start(&r, 2);
	run(&r, 500);
	hrp_link_carrier(&r.box[0], 0, false, at(&r));
	hrp_link_poll(&r.box[0], at(&r));
	hrp_link_poll(&r.box[1], at(&r));
	assert_int_equal(r.box[0].running, 1);
	assert_int_equal(r.box[1].running, 0);
	run(&r, 1000);
	assert_int_equal(r.box[1].running, 1);
}

static void
R171_probes_go_out_on_every_link_each_interval(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 3);
	run(&r, 1000);
	for (int s = 0; s < 3; s++)
		assert_in_range(r.box[0].link[s].probes_out, 10, 12);
}

static void
a_stall_is_not_made_up_for_by_a_burst(void **state)
{
	(void)state;
	struct ha_probe p;
	struct rig r;
	int n = 0;

	start(&r, 1);
	run(&r, 500);
	r.ms += 5000;
	while (hrp_link_due(&r.box[0], 0, at(&r), &p))
		n++;
	assert_int_equal(n, 1);
}

static void
probes_that_prove_nothing_do_not_make_a_link_ready(void **state)
{
	(void)state;
	static const struct {
		uint8_t flags;
		int32_t echo; /* relative to our last sequence */
		enum hrp_link_state state;
	} rows[] = {
		{ 0, 0, HRP_LINK_PEERDOWN },
		{ HA_PROBE_HEARD, 1, HRP_LINK_PEERDOWN },  /* not sent yet */
		{ HA_PROBE_HEARD, -8, HRP_LINK_PEERDOWN }, /* too old */
		{ HA_PROBE_HEARD, -1000, HRP_LINK_PEERDOWN },
		{ HA_PROBE_HEARD, -7, HRP_LINK_RUNNING },
		{ HA_PROBE_HEARD, 0, HRP_LINK_RUNNING },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ha_probe p;
		struct rig r;
		start(&r, 1);
		r.cut[0][0] = r.cut[0][1] = true;
		run(&r, 2000);
		const uint32_t last = r.box[0].link[0].sequence;
		p = (struct ha_probe){ .flags = rows[i].flags,
			.hello_ms = RTE_BE16(HELLO_MS),
			.address = address(1, 0),
			.sequence = RTE_BE32(5),
			.echo = rte_cpu_to_be_32(last + (uint32_t)rows[i].echo) };
		assert_int_equal(hrp_link_probe(&r.box[0], 0, &p, address(1, 0), at(&r)), HA_OK);
		hrp_link_poll(&r.box[0], at(&r));
		if (STATE(&r, 0, 0) != rows[i].state)
			fail_msg("row %zu: %s", i, hrp_link_state_names[STATE(&r, 0, 0)]);
	}
}

static void
malformed_probes_are_refused(void **state)
{
	(void)state;
	const struct ha_probe good = {
		.hello_ms = RTE_BE16(100), .address = address(1, 0), .sequence = RTE_BE32(1)
	};
	struct ha_probe p;
	struct rig r;

	start(&r, 1);
	p = good;
	p.address = address(1, 1); /* says another address than it comes from */
	assert_int_equal(hrp_link_probe(&r.box[0], 0, &p, address(1, 0), at(&r)), HA_REFUSED_field);
	p = good;
	p.hello_ms = 0;
	assert_int_equal(hrp_link_probe(&r.box[0], 0, &p, address(1, 0), at(&r)), HA_REFUSED_field);
	p = good;
	p.sequence = 0;
	assert_int_equal(hrp_link_probe(&r.box[0], 0, &p, address(1, 0), at(&r)), HA_REFUSED_field);
	p = good;
	p.slot = 200;
	assert_int_equal(hrp_link_probe(&r.box[0], 0, &p, address(1, 0), at(&r)), HA_REFUSED_field);
	assert_int_equal(r.box[0].link[0].probes_in, 0);
}

static void
crossed_cables_are_seen_and_still_work(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 1);
	r.box[1].link[0].name_crc++;
	run(&r, 500);
	assert_true(r.box[0].link[0].crossed);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_RUNNING);
}

static void
R173_losing_one_of_two_links_leaves_a_way_out(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 2);
	run(&r, 500);
	r.cut[0][0] = r.cut[0][1] = true;
	for (int i = 0; i < 100; i++) {
		run(&r, 5);
		assert_true(r.box[0].running >= 0 && r.box[1].running >= 0);
	}
	assert_int_equal(r.box[0].running, 1);
}

/* R173, X08: long before the peer would lose patience (N x H, at least 2 H) the other links help.
 */
static void
R173_a_link_that_proves_nothing_is_soon_in_doubt(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		for (uint64_t phase = 0; phase < HELLO_MS; phase += 5) {
			struct rig r;

			start(&r, 3);
			run(&r, 500 + phase);
			assert_int_equal(hrp_link_ways(&r.box[0], at(&r)), 1u << 0);
			assert_int_equal(hrp_link_data(&r.box[0], at(&r)), 0);
			carrier(&r, 2, false);
			r.cut[0][way] = true;
			run(&r, HELLO_MS * 3 / 2 + 10);
			for (int b = 0; b < 2; b++) {
				assert_int_equal(
					hrp_link_ways(&r.box[b], at(&r)), 1u << 0 | 1u << 1);
				assert_int_equal(hrp_link_data(&r.box[b], at(&r)), 1);
				assert_true(r.box[b].running == 0);
			}
			run(&r, 1000);
			for (int b = 0; b < 2; b++)
				assert_int_equal(hrp_link_ways(&r.box[b], at(&r)), 1u << 1);
			r.cut[0][way] = false;
			run(&r, 1000);
			assert_int_equal(hrp_link_ways(&r.box[0], at(&r)), 1u << 0);
		}
	}
}

static void
without_a_ready_link_messages_leave_by_all_that_have_carrier(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 3);
	/* One way here, the other way there: no link is ready, yet both hear each other. */
	r.cut[0][0] = r.cut[1][1] = true;
	carrier(&r, 2, false);
	run(&r, 1000);
	for (int b = 0; b < 2; b++) {
		assert_int_equal(r.box[b].running, -1);
		assert_int_equal(hrp_link_ways(&r.box[b], at(&r)), 1u << 0 | 1u << 1);
		assert_int_equal(hrp_link_data(&r.box[b], at(&r)), -1);
	}
	carrier(&r, 0, false);
	carrier(&r, 1, false);
	assert_int_equal(hrp_link_ways(&r.box[0], at(&r)), 0);
}

/* It is one more way for messages, and never runs. */
static void
R176_a_heartbeat_only_link_helps_and_never_runs(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 3);
	for (int b = 0; b < 2; b++)
		r.box[b].link[0].heartbeat_only = true;
	run(&r, 500);
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_READY);
	assert_int_equal(r.box[0].running, 1);
	assert_int_equal(hrp_link_ways(&r.box[0], at(&r)), 1u << 1);
	carrier(&r, 2, false);
	r.cut[1][0] = true;
	run(&r, HELLO_MS * 3 / 2 + 10);
	assert_int_equal(hrp_link_ways(&r.box[0], at(&r)), 1u << 0 | 1u << 1);
	assert_int_equal(hrp_link_data(&r.box[0], at(&r)), 1); /* in doubt, but there is no other */
	run(&r, 1000);
	assert_int_equal(r.box[0].running, -1);
	assert_int_equal(hrp_link_data(&r.box[0], at(&r)), -1);
	assert_true((hrp_link_ways(&r.box[0], at(&r)) & 1u << 0) != 0);
}

/* A long way is no doubtful one. */
static void
a_long_round_trip_is_no_doubt(void **state)
{
	(void)state;
	struct ha_probe flight[64];
	struct rig r;
	int sure = 0;

	start(&r, 1);
	memset(flight, 0, sizeof(flight));
	/* Box 1 answers at once what box 0 sent 180 ms ago; nothing else delays it. */
	for (int i = 0; i < 400; i++, r.ms += 5) {
		struct ha_probe p;

		if (flight[i % 36].sequence != 0)
			hrp_link_probe(&r.box[1], 0, &flight[i % 36], address(0, 0), at(&r));
		flight[i % 36] = (struct ha_probe){ 0 };
		while (hrp_link_due(&r.box[0], 0, at(&r), &p))
			if ((p.flags & HA_PROBE_ANSWER) == 0)
				flight[i % 36] = p;
		while (hrp_link_due(&r.box[1], 0, at(&r), &p))
			hrp_link_probe(&r.box[0], 0, &p, address(1, 0), at(&r));
		hrp_link_poll(&r.box[0], at(&r));
		hrp_link_poll(&r.box[1], at(&r));
		if (i >= 200)
			sure += hrp_link_sure(&r.box[0], 0, at(&r));
	}
	assert_int_equal(r.box[0].link[0].rtt_us, 180000);
	assert_int_equal(sure, 200);
}

static void
probe_sequences_wrap(void **state)
{
	(void)state;
	struct rig r;

	start(&r, 1);
	r.box[0].link[0].sequence = UINT32_MAX - 5;
	for (int i = 0; i < 400; i++) {
		run(&r, 5);
		if (r.ms > 2 * HELLO_MS)
			assert_int_equal(STATE(&r, 0, 0), HRP_LINK_RUNNING);
		assert_int_not_equal(r.box[0].link[0].sequence, 0);
	}
}

/* The next probe of a box, which must be one of the wanted kind. */
static struct ha_probe
next_probe(struct rig *r, int box, bool answer)
{
	struct ha_probe p = { 0 };

	assert_true(hrp_link_due(&r->box[box], 0, at(r), &p));
	assert_int_equal((p.flags & HA_PROBE_ANSWER) != 0, answer);
	return p;
}

static void
deliver(struct rig *r, int from, const struct ha_probe *p)
{
	assert_int_equal(hrp_link_probe(&r->box[!from], 0, p, address(from, 0), at(r)), HA_OK);
}

/* 3 ms there, 5 ms back, whatever the phase of the peer's own beat. */
static void
rtt_is_the_round_trip_and_not_the_peers_beat(void **state)
{
	(void)state;
	for (uint64_t phase = 10; phase < HELLO_MS; phase += 15) {
		struct ha_probe probe, answer, none;
		struct rig r;

		start(&r, 1);
		hrp_link_carrier(&r.box[1], 0, false, at(&r));
		run(&r, phase);
		hrp_link_carrier(&r.box[1], 0, true, at(&r));
		run(&r, 500);
		while (!hrp_link_due(&r.box[0], 0, at(&r), &probe))
			r.ms++;
		r.ms += 3;
		deliver(&r, 0, &probe);
		answer = next_probe(&r, 1, true);
		assert_int_equal(answer.echo, probe.sequence);
		r.ms += 5;
		deliver(&r, 1, &answer);
		assert_int_equal(r.box[0].link[0].rtt_us, 8000);
		/* An answer is not answered, and its copy measures nothing. */
		assert_true(!hrp_link_due(&r.box[0], 0, at(&r), &none) ||
			    (none.flags & HA_PROBE_ANSWER) == 0);
		r.ms += 20;
		deliver(&r, 1, &answer);
		assert_int_equal(r.box[0].link[0].rtt_us, 8000);
		/* What is no answer measures nothing either. */
		answer.flags = HA_PROBE_HEARD;
		deliver(&r, 1, &answer);
		assert_int_equal(r.box[0].link[0].rtt_us, 8000);
		hrp_link_carrier(&r.box[0], 0, false, at(&r));
		assert_int_equal(r.box[0].link[0].rtt_us, 0);
	}
}

/* A box of an earlier version sends no answers: the link works, its round trip is not known. */
static void
without_answers_a_link_runs_and_has_no_rtt(void **state)
{
	struct ha_probe p;
	struct rig r;

	(void)state;
	start(&r, 1);
	for (const uint64_t end = r.ms + 1000; r.ms < end; r.ms += 5) {
		for (int b = 0; b < 2; b++) {
			while (hrp_link_due(&r.box[b], 0, at(&r), &p))
				if ((p.flags & HA_PROBE_ANSWER) == 0)
					deliver(&r, b, &p);
			hrp_link_poll(&r.box[b], at(&r));
		}
	}
	assert_int_equal(STATE(&r, 0, 0), HRP_LINK_RUNNING);
	assert_int_equal(r.box[0].link[0].rtt_us, 0);
	assert_in_range(r.box[0].link[0].probes_in, 10, 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R163_without_an_address_a_link_is_invalid),
		cmocka_unit_test(R164_without_carrier_a_link_is_down_and_silent),
		cmocka_unit_test(R165_without_an_answer_a_link_is_peerdown_and_probes_on),
		cmocka_unit_test(R166_two_boxes_are_ready_within_two_intervals),
		cmocka_unit_test(R166_one_way_is_peerdown_at_both_ends),
		cmocka_unit_test(three_silent_intervals_make_peerdown_and_two_do_not),
		cmocka_unit_test(R167_R169_the_first_configured_of_the_ready_runs),
		cmocka_unit_test(R168_the_next_one_takes_over_and_gives_back),
		cmocka_unit_test(R170_each_box_may_run_another_link),
		cmocka_unit_test(R171_probes_go_out_on_every_link_each_interval),
		cmocka_unit_test(a_stall_is_not_made_up_for_by_a_burst),
		cmocka_unit_test(probes_that_prove_nothing_do_not_make_a_link_ready),
		cmocka_unit_test(malformed_probes_are_refused),
		cmocka_unit_test(crossed_cables_are_seen_and_still_work),
		cmocka_unit_test(R173_losing_one_of_two_links_leaves_a_way_out),
		cmocka_unit_test(R173_a_link_that_proves_nothing_is_soon_in_doubt),
		cmocka_unit_test(without_a_ready_link_messages_leave_by_all_that_have_carrier),
		cmocka_unit_test(R176_a_heartbeat_only_link_helps_and_never_runs),
		cmocka_unit_test(a_long_round_trip_is_no_doubt),
		cmocka_unit_test(probe_sequences_wrap),
		cmocka_unit_test(rtt_is_the_round_trip_and_not_the_peers_beat),
		cmocka_unit_test(without_answers_a_link_runs_and_has_no_rtt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
