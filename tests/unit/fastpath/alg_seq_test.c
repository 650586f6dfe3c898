/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_seq.h"

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ip.h>

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct alg_seq seq;

static bool
edit(uint32_t at, const char *old, const char *text)
{
	return alg_seq_edit(&seq, at, old, (uint32_t)strlen(old), text, (uint32_t)strlen(text));
}

struct row {
	uint32_t seq, out;
};

static void
check_out(const struct row *rows, size_t count, uint32_t base)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(alg_seq_out(&seq, base + rows[i].seq), base + rows[i].out);
}

/* Everywhere: to and fro never says more than there is. */
static void
check_there_and_back(uint32_t base, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		const uint32_t out = alg_seq_out(&seq, base + i);

		assert_true(out - base <= alg_seq_out(&seq, base + i + 1) - base);
		/* what is acknowledged down has all arrived; the place itself is among it */
		assert_true(alg_seq_out(&seq, alg_seq_back(&seq, base + i, false)) - base <= i);
		assert_true(alg_seq_back(&seq, out, false) - base >= i);
		assert_true(alg_seq_back(&seq, base + i, true) - base >=
			    alg_seq_back(&seq, base + i, false) - base);
	}
}

static void
ALG02_numbers_shift_both_ways(void **state)
{
	static const struct {
		const char *old, *text;
		struct row rows[6];
	} edits[] = {
		/* grows by 3 in the midst: "4,2" -> "255,255" but for what is the same */
		{ "PORT 1,4\n", "PORT 1,255\n",
			{ { 0, 0 }, { 7, 7 }, { 8, 10 }, { 9, 11 }, { 20, 22 } } },
		/* shrinks: byte o stands for byte o, the last one for none */
		{ "PORT 1,255\n", "PORT 1,4\n",
			{ { 7, 7 }, { 8, 8 }, { 9, 8 }, { 10, 8 }, { 11, 9 }, { 20, 18 } } },
		/* nothing is left */
		{ "abc", "", { { 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 1 } } },
		/* only more: a byte of the old text carries it */
		{ "abc", "abcabc", { { 0, 0 }, { 1, 4 }, { 3, 6 }, { 9, 12 } } },
		{ "abc", "abc", { { 0, 0 }, { 1, 1 }, { 3, 3 } } },
	};
	static const uint32_t bases[] = { 1000, UINT32_MAX - 4, UINT32_MAX, 0x7ffffffc };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(edits); i++) {
		for (size_t k = 0; k < RTE_DIM(bases); k++) {
			alg_seq_start(&seq, 0);
			assert_true(edit(bases[k], edits[i].old, edits[i].text));
			if (i == 3)
				assert_int_equal(seq.edits[0].was, 1);
			check_there_and_back(bases[k], 40);
			if (i == 3)
				continue; /* which byte carries it is not a rule */
			check_out(edits[i].rows, RTE_DIM(edits[i].rows), bases[k]);
		}
	}
}

static void
ALG02_an_acknowledgement_inside_of_new_text_covers_no_more(void **state)
{
	static const struct {
		uint32_t seq, down, up;
	} rows[] = {
		/* 10: "ab" -> "xyzw" */
		{ 9, 9, 9 },
		{ 10, 10, 10 },
		{ 11, 11, 11 },
		{ 12, 11, 12 },
		{ 13, 11, 12 },
		{ 14, 12, 12 },
		{ 20, 18, 18 },
	};

	(void)state;
	alg_seq_start(&seq, 0);
	assert_true(edit(10, "ab", "xyzw"));
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		assert_int_equal(alg_seq_back(&seq, rows[i].seq, false), rows[i].down);
		assert_int_equal(alg_seq_back(&seq, rows[i].seq, true), rows[i].up);
	}
	/* of what has been taken out, nothing is left to wait for */
	alg_seq_start(&seq, 0);
	assert_true(edit(10, "abc", ""));
	assert_int_equal(alg_seq_back(&seq, 10, false), 13);
}

static void
ALG02_whatever_is_sent_again_becomes_the_same(void **state)
{
	static const char old[] = "PORT 10,0,0,1,4,2\r\n",
			  text[] = "PORT 198,51,100,200,255,255\r\n";
	const uint32_t len = sizeof(old) - 1;
	struct alg_seq_piece pieces[ALG_SEQ_EDITS];

	(void)state;
	alg_seq_start(&seq, 0);
	assert_true(alg_seq_edit(&seq, 100, old, len, text, sizeof(text) - 1));
	for (uint32_t from = 0; from < len; from++) {
		for (uint32_t to = from + 1; to <= len; to++) {
			char out[64];
			uint32_t n = 0, at = from;
			const uint32_t first = alg_seq_out(&seq, 100 + from) - 100;
			const uint32_t count = alg_seq_pieces(&seq, 100 + from, to - from, pieces);

			for (uint32_t i = 0; i < count; i++) {
				memcpy(out + n, old + at, from + pieces[i].at - at);
				n += from + pieces[i].at - at;
				memcpy(out + n, pieces[i].text, pieces[i].is);
				n += pieces[i].is;
				at = from + pieces[i].at + pieces[i].was;
			}
			memcpy(out + n, old + at, to - at);
			n += to - at;
			assert_int_equal(n, alg_seq_out(&seq, 100 + to) - 100 - first);
			assert_memory_equal(out, text + first, n);
		}
	}
}

static void
edits_are_remembered_until_acknowledged(void **state)
{
	struct alg_seq_piece pieces[ALG_SEQ_EDITS];

	(void)state;
	alg_seq_start(&seq, 0);
	for (uint32_t i = 0; i < ALG_SEQ_EDITS; i++)
		assert_true(edit(100 + 10 * i, "ab", "xyz"));
	assert_false(edit(500, "ab", "xyz"));
	assert_int_equal(alg_seq_out(&seq, 400), 408);
	alg_seq_acked(&seq, 102); /* not all of the first */
	assert_false(edit(500, "ab", "xyz"));
	alg_seq_acked(&seq, 103);
	alg_seq_acked(&seq, 50); /* an old one */
	assert_true(edit(500, "ab", "xyz"));
	assert_false(edit(600, "ab", "xyz"));
	/* what is left says the same as before */
	assert_int_equal(alg_seq_out(&seq, 110), 111);
	assert_int_equal(alg_seq_out(&seq, 112), 114);
	assert_int_equal(alg_seq_out(&seq, 502), 511);
	assert_int_equal(alg_seq_pieces(&seq, 105, 20, pieces), 2);
	assert_int_equal(pieces[0].at, 5);
	assert_int_equal(pieces[0].is, 3);
	assert_memory_equal(pieces[0].text, "xyz", 3);
	/* the first one is history */
	assert_int_equal(alg_seq_stale(&seq, 95, 50), 7);
	assert_int_equal(alg_seq_stale(&seq, 95, 5), 5);
	assert_int_equal(alg_seq_stale(&seq, 102, 5), 0);
}

/* What a peer has of `seq`. */
static struct alg_seq
taken_over(struct alg_seq_kept *kept)
{
	struct alg_seq peer = { 0 };

	alg_seq_keep(&seq, kept);
	alg_seq_resume(&peer, kept);
	for (uint32_t i = 0; i < kept->count; i++)
		assert_true(alg_seq_again(&peer, &kept->edits[i]));
	return peer;
}

static void
ALG02_a_peer_shifts_the_same_and_edits_what_may_be_sent_again(void **state)
{
	struct alg_seq_piece mine[ALG_SEQ_EDITS], its[ALG_SEQ_EDITS];
	char old[ALG_SEQ_KEPT_TEXT + 8], text[ALG_SEQ_KEPT_TEXT + 8];
	struct alg_seq_kept kept;
	struct alg_seq peer;

	(void)state;
	memset(old, 'a', sizeof(old));
	memset(text, 'b', sizeof(text));
	for (uint32_t edits = 0; edits <= 4; edits++) {
		for (uint32_t acked = 0; acked <= edits; acked++) {
			uint32_t waiting = RTE_MIN(edits - acked, (uint32_t)ALG_SEQ_KEPT);

			alg_seq_start(&seq, 0);
			for (uint32_t i = 0; i < edits; i++)
				assert_true(edit(100 + 10 * i, "ab", "xyz"));
			if (acked > 0)
				alg_seq_acked(&seq, 100 + 11 * (acked - 1) + 3);
			peer = taken_over(&kept);
			assert_int_equal(kept.count, waiting);
			for (uint32_t at = 92 + 10 * (edits - waiting); at < 160; at++) {
				assert_int_equal(alg_seq_out(&seq, at), alg_seq_out(&peer, at));
				assert_int_equal(alg_seq_pieces(&seq, at, 9, mine),
					alg_seq_pieces(&peer, at, 9, its));
			}
			/* in front of that is history */
			assert_int_equal(alg_seq_stale(&peer, 80, 100),
				edits > waiting ? 12 + 10 * (edits - waiting) : 0);
		}
	}
	/* one that is too long is history, too */
	alg_seq_start(&seq, 0);
	assert_true(alg_seq_edit(&seq, 100, old, 10, text, ALG_SEQ_KEPT_TEXT + 1));
	peer = taken_over(&kept);
	assert_int_equal(kept.count, 0);
	assert_int_equal(alg_seq_stale(&peer, 100, 20), 10);
	assert_int_equal(alg_seq_out(&peer, 110), alg_seq_out(&seq, 110));
	assert_true(alg_seq_edit(&seq, 110, old, 10, text, ALG_SEQ_KEPT_TEXT));
	peer = taken_over(&kept);
	assert_int_equal(kept.count, 1);
	assert_int_equal(alg_seq_pieces(&peer, 110, 10, its), 1);
	assert_int_equal(its[0].is, ALG_SEQ_KEPT_TEXT);
	/* a second takeover */
	seq = peer;
	peer = taken_over(&kept);
	assert_int_equal(alg_seq_stale(&peer, 100, 20), 10);
	assert_int_equal(alg_seq_pieces(&peer, 110, 10, its), 1);
}

static void
HAC06_edits_that_do_not_follow_are_refused(void **state)
{
	static const struct {
		struct alg_seq_kept_edit edit;
		bool good;
	} rows[] = {
		{ { .seq = 99, .was = 1 }, false },  /* in front of what is history */
		{ { .seq = 100, .was = 0 }, false }, /* replaces nothing */
		{ { .seq = 100, .was = 5, .is = ALG_SEQ_KEPT_TEXT + 1 }, false },
		{ { .seq = 100, .was = 5, .is = 3 }, true },
		{ { .seq = 104, .was = 1 }, false }, /* overlaps */
		{ { .seq = 105, .was = 1 }, true },
		{ { .seq = 200, .was = 1 }, false }, /* more than a peer sends */
	};

	(void)state;
	alg_seq_resume(&seq, &(struct alg_seq_kept){ .floor = 100, .has_floor = true });
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(alg_seq_again(&seq, &rows[i].edit), rows[i].good);
	assert_int_equal(seq.count, 2);
}

static void
text_of_edits_has_its_bounds(void **state)
{
	static char old[ALG_SEQ_TEXT + 1], text[ALG_SEQ_TEXT + 1];

	(void)state;
	memset(old, 'a', sizeof(old));
	memset(text, 'b', sizeof(text));
	alg_seq_start(&seq, 0);
	assert_false(alg_seq_edit(&seq, 0, old, 5, text, ALG_SEQ_TEXT + 1));
	assert_true(alg_seq_edit(&seq, 0, old, 5, text, ALG_SEQ_TEXT));
	assert_false(alg_seq_edit(&seq, 10, old, 5, text, 1));
	assert_true(alg_seq_edit(&seq, 10, old, 5, text, 0)); /* needs none */
	alg_seq_acked(&seq, ALG_SEQ_TEXT);
	assert_true(alg_seq_edit(&seq, 20, old, 5, text, 7));
	assert_int_equal(seq.used, 7);
}

/* A header with SACK blocks, and a sum that only its changes matter for. */
static void
check_header(const uint32_t *edges, uint32_t blocks, uint32_t ack, const uint32_t *want,
	uint32_t want_ack)
{
	alignas(8) uint8_t buf[60] = { 0 };
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)buf;
	uint8_t *option = buf + sizeof(*tcp) + 1; /* at an odd place */
	const uint32_t header = sizeof(*tcp) + 4 + blocks * 8;

	memset(buf + sizeof(*tcp), 1, header - sizeof(*tcp));
	tcp->data_off = (uint8_t)(header / 4 << 4);
	tcp->recv_ack = rte_cpu_to_be_32(ack);
	option[0] = 5;
	option[1] = (uint8_t)(2 + 8 * blocks);
	for (uint32_t i = 0; i < 2 * blocks; i++) {
		const rte_be32_t edge = rte_cpu_to_be_32(edges[i]);

		memcpy(option + 2 + 4 * i, &edge, 4);
	}
	tcp->cksum = (rte_be16_t)~rte_raw_cksum(buf, header);
	alg_seq_ack(&seq, tcp);
	assert_int_equal(rte_raw_cksum(buf, header), 0xffff);
	assert_int_equal(rte_be_to_cpu_32(tcp->recv_ack), want_ack);
	if (want == NULL) {
		assert_int_equal(option[0], 1);
		return;
	}
	for (uint32_t i = 0; i < 2 * blocks; i++) {
		rte_be32_t edge;

		memcpy(&edge, option + 2 + 4 * i, 4);
		assert_int_equal(rte_be_to_cpu_32(edge), want[i]);
	}
	alg_seq_set(tcp, 0x12345678);
	assert_int_equal(tcp->sent_seq, RTE_BE32(0x12345678));
	assert_int_equal(rte_raw_cksum(buf, header), 0xffff);
}

static void
ALG02_sack_blocks_shift(void **state)
{
	static const uint32_t edges[] = { 30, 40, 50, 60, 100, 200, 300, 400 };
	static const uint32_t shifted[] = { 28, 38, 48, 58, 98, 198, 298, 398 };
	static const uint32_t inside[] = { 12, 14 }, over[] = { 12, 20 }, over_want[] = { 12, 18 };

	(void)state;
	alg_seq_start(&seq, 0);
	check_header(edges, 2, 20, edges, 20); /* nothing is edited */
	assert_true(edit(10, "ab", "xyzw"));
	for (uint32_t blocks = 1; blocks <= 4; blocks++)
		check_header(edges, blocks, 20, shifted, 18);
	check_header(over, 1, 10, over_want, 10);
	check_header(inside, 1, 10, NULL, 10); /* nothing of the sender's is left of it */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ALG02_numbers_shift_both_ways),
		cmocka_unit_test(ALG02_an_acknowledgement_inside_of_new_text_covers_no_more),
		cmocka_unit_test(ALG02_whatever_is_sent_again_becomes_the_same),
		cmocka_unit_test(edits_are_remembered_until_acknowledged),
		cmocka_unit_test(ALG02_a_peer_shifts_the_same_and_edits_what_may_be_sent_again),
		cmocka_unit_test(HAC06_edits_that_do_not_follow_are_refused),
		cmocka_unit_test(text_of_edits_has_its_bounds),
		cmocka_unit_test(ALG02_sack_blocks_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
