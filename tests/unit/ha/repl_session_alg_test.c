/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions that an ALG reads on their way to the peer: how far it is, and what it has changed.
 */
#include "alg_record.h"
#include "hrp.h"
#include "repl_sides.h"
#include "session_record.h"

#define SHIFT0 17
#define SHIFT1 ((uint32_t)-4)

static struct alg_kept
kept_of(enum alg_id id, uint8_t proto)
{
	struct alg_kept kept = { .id = id, .has_stream = proto == IPPROTO_TCP };

	kept.stream.lines[0] = (struct alg_lines_place){ 5000, true, true };
	kept.stream.lines[1] = (struct alg_lines_place){ 7000, false, false };
	kept.stream.seq[0] =
		(struct alg_seq_kept){ .shift = SHIFT0, .floor = 4000, .has_floor = true };
	kept.stream.seq[1] = (struct alg_seq_kept){ .shift = SHIFT1 };
	return kept;
}

static enum alg_resumed
resume(struct side *s, uint32_t index, const struct alg_kept *kept)
{
	return alg_session_resume(engine_algs(s->box.engine), s->box.sessions, index,
		ha_box_generation(&s->box, index), kept);
}

/* A session of tuple n that FTP, or whatever it is, reads.  => its index at a */
static uint32_t
read_at_a(uint32_t n, uint8_t proto, const struct alg_kept *kept)
{
	const struct session_tuple4 t = ha_box_tuple(n, proto);
	const uint32_t index = ha_box_session(&a.box, &t,
		proto == IPPROTO_TCP ? SESSION_TCP_ESTABLISHED : SESSION_UDP_REPLIED, 0, now);

	assert_int_not_equal(index, SESSION_NONE);
	assert_int_equal(resume(&a, index, kept), ALG_RESUMED);
	session_table_set_dirty(a.box.sessions, index);
	return index;
}

static uint32_t
copy_at_b(uint32_t n, uint8_t proto)
{
	const struct session_tuple4 t = ha_box_tuple(n, proto);

	return ha_box_find(&b.box, &t);
}

static void
tell(void)
{
	drain();
	assert_int_equal(apply(), 0);
}

static uint32_t
places(const struct side *s)
{
	return alg_table_stats(engine_algs(s->box.engine)).streams.used;
}

static void
assert_same(uint32_t from, uint32_t to)
{
	struct alg_kept x = { 0 }, y = { 0 };

	assert_true(alg_session_keep(engine_algs(a.box.engine), from, &x));
	assert_true(alg_session_keep(engine_algs(b.box.engine), to, &y));
	assert_int_equal(x.id, y.id);
	assert_int_equal(x.has_stream, y.has_stream);
	for (unsigned int d = 0; x.has_stream && d < 2; d++) {
		const struct alg_seq_kept *p = &x.stream.seq[d], *q = &y.stream.seq[d];

		assert_int_equal(x.stream.lines[d].next, y.stream.lines[d].next);
		assert_int_equal(x.stream.lines[d].on, y.stream.lines[d].on);
		assert_int_equal(x.stream.lines[d].known, y.stream.lines[d].known);
		assert_int_equal(p->shift, q->shift);
		assert_int_equal(p->has_floor, q->has_floor);
		assert_true(!p->has_floor || p->floor == q->floor);
		assert_int_equal(p->count, q->count);
		for (unsigned int i = 0; i < p->count; i++) {
			assert_int_equal(p->edits[i].seq, q->edits[i].seq);
			assert_int_equal(p->edits[i].shift, q->edits[i].shift);
			assert_int_equal(p->edits[i].was, q->edits[i].was);
			assert_int_equal(p->edits[i].is, q->edits[i].is);
			assert_memory_equal(p->edits[i].text, q->edits[i].text, p->edits[i].is);
		}
	}
}

static void
R186_how_far_an_alg_is_arrives(void **state)
{
	static const struct {
		enum alg_id id;
		uint8_t proto;
	} rows[] = {
		{ ALG_FTP, IPPROTO_TCP },
		{ ALG_SIP, IPPROTO_UDP },
		{ ALG_SIP, IPPROTO_TCP },
		{ ALG_TFTP, IPPROTO_UDP },
		{ ALG_PPTP, IPPROTO_TCP },
	};

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct alg_kept kept = kept_of(rows[i].id, rows[i].proto);
		const uint32_t from = read_at_a(i, rows[i].proto, &kept);

		tell();
		const uint32_t to = copy_at_b(i, rows[i].proto);
		assert_int_not_equal(to, SESSION_NONE);
		assert_true(ha_box_ctl(&b.box, to) & SESSION_F_ALG);
		assert_same(from, to);
		/* and again */
		session_table_set_dirty(a.box.sessions, from);
		tell();
		assert_true(ha_box_ctl(&b.box, to) & SESSION_F_ALG);
		assert_same(from, to);
	}
	assert_int_equal(places(&b), 3);
	assert_int_equal(stats(&b).unread, 0);
	assert_equal_digests();
	/* one ends, as its owner says; its place is free */
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct session_tuple4 t = ha_box_tuple(i, rows[i].proto);
		const uint32_t from = ha_box_find(&a.box, &t);

		if (from != SESSION_NONE)
			ha_box_kill(&a.box, from);
	}
	turn(5);
	tell();
	turn(5);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	assert_int_equal(places(&b), 0);
}

static void
R186_edits_that_may_be_sent_again_arrive(void **state)
{
	struct alg_kept kept = kept_of(ALG_FTP, IPPROTO_TCP);
	struct alg_seq_kept_edit edit = {
		.seq = 4200, .shift = 10, .was = 7, .is = ALG_SEQ_KEPT_TEXT
	};
	const uint32_t from = read_at_a(1, IPPROTO_TCP, &kept);
	struct alg_table *algs = engine_algs(a.box.engine);

	(void)state;
	for (uint32_t i = 0; i < sizeof(edit.text); i++)
		edit.text[i] = (char)i;
	assert_int_equal(alg_session_again(algs, from, 0, &edit), ALG_RESUMED);
	assert_int_equal(alg_session_again(algs, from, 1, &edit), ALG_RESUMED);
	edit.seq += 100;
	edit.is = 0;
	assert_int_equal(alg_session_again(algs, from, 0, &edit), ALG_RESUMED);
	tell();
	assert_same(from, copy_at_b(1, IPPROTO_TCP));
	/* Told once more they do not add up. */
	session_table_set_dirty(a.box.sessions, from);
	tell();
	assert_same(from, copy_at_b(1, IPPROTO_TCP));
}

static void
a_full_frame_delays_the_alg_only(void **state)
{
	const struct alg_kept kept = kept_of(ALG_FTP, IPPROTO_TCP);
	const uint32_t from = read_at_a(1, IPPROTO_TCP, &kept);

	(void)state;
	a.room = sizeof(struct hrp_record_session4);
	tell();
	assert_int_not_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
	assert_int_equal(places(&b), 0);
	a.room = BUFFER;
	turn(10);
	tell();
	assert_same(from, copy_at_b(1, IPPROTO_TCP));
}

static void
HAC06_records_that_make_no_sense_change_nothing(void **state)
{
	struct alg_kept kept = kept_of(ALG_FTP, IPPROTO_TCP);
	const uint32_t from = read_at_a(1, IPPROTO_TCP, &kept);
	const uint16_t generation = ha_box_generation(&a.box, from);
	struct alg_seq_kept_edit edit = { .seq = 4200, .was = 7, .is = 3 };
	uint8_t record[ALG_RECORD_MAX], bad[ALG_RECORD_MAX + 1] = { 0 };
	struct hrp_record_alg r;

	(void)state;
	tell();
	const uint32_t to = copy_at_b(1, IPPROTO_TCP);
	assert_int_equal(alg_record_pack(&kept, from, generation, &r), sizeof(r));
	static const uint8_t algs[] = { ALG_NONE, ALG_COUNT, 255 };
	for (uint32_t i = 0; i < RTE_DIM(algs); i++) {
		r.alg = algs[i];
		assert_int_equal(ops->install(b.t, (uint8_t *)&r, sizeof(r), now), REPL_REFUSED);
	}
	/* another length, a session that is not there, an index beyond the table */
	r.alg = ALG_FTP;
	assert_int_equal(ops->install(b.t, (uint8_t *)&r, sizeof(r) - 1, now), REPL_REFUSED);
	memcpy(bad, &r, sizeof(r));
	assert_int_equal(ops->install(b.t, bad, sizeof(r) + 1, now), REPL_REFUSED);
	r.head.index = rte_cpu_to_be_32(SESSIONS);
	assert_int_equal(ops->install(b.t, (uint8_t *)&r, sizeof(r), now), REPL_REFUSED);
	r.head.index = rte_cpu_to_be_32(from);
	r.head.generation = rte_cpu_to_be_16(generation + 1);
	assert_int_equal(ops->install(b.t, (uint8_t *)&r, sizeof(r), now), REPL_DONE);
	assert_int_equal(stats(&b).unknown, 1);
	/* of another protocol, or with another ALG than before */
	kept.has_stream = false;
	alg_record_pack(&kept, from, generation, &r);
	assert_int_equal(ops->install(b.t, (uint8_t *)&r, sizeof(r), now), REPL_DONE);
	kept = kept_of(ALG_SIP, IPPROTO_TCP);
	alg_record_pack(&kept, from, generation, &r);
	assert_int_equal(ops->install(b.t, (uint8_t *)&r, sizeof(r), now), REPL_DONE);
	assert_int_equal(stats(&b).unread, 2);

	const uint8_t len = alg_record_pack_edit(&edit, 0, from, generation, record);
	record[offsetof(struct hrp_record_alg_edit, dir)] = 2;
	assert_int_equal(ops->install(b.t, record, len, now), REPL_REFUSED);
	alg_record_pack_edit(&edit, 0, from, generation, record);
	assert_int_equal(ops->install(b.t, record, sizeof(struct hrp_record_alg_edit) - 1, now),
		REPL_REFUSED);
	edit.was = 0;
	alg_record_pack_edit(&edit, 0, from, generation, record);
	assert_int_equal(ops->install(b.t, record, len, now), REPL_REFUSED);
	/* an edit in front of what is history */
	edit.was = 7;
	edit.seq = 3990;
	alg_record_pack_edit(&edit, 0, from, generation, record);
	assert_int_equal(ops->install(b.t, record, len, now), REPL_DONE);
	assert_int_equal(stats(&b).unread, 3);
	assert_same(from, to);
}

static void
a_copy_without_a_place_is_counted_and_goes_on_unread(void **state)
{
	const struct alg_kept kept = kept_of(ALG_FTP, IPPROTO_TCP);
	struct alg_table *algs = engine_algs(b.box.engine);
	const uint32_t all = alg_table_stats(algs).streams.places;

	(void)state;
	for (uint32_t i = 0; i < all; i++) {
		const struct session_tuple4 t = ha_box_tuple(1000 + i, IPPROTO_TCP);
		const uint32_t index = ha_box_session(&b.box, &t, SESSION_TCP_ESTABLISHED, 0, now);

		assert_int_equal(resume(&b, index, &kept), ALG_RESUMED);
	}
	read_at_a(1, IPPROTO_TCP, &kept);
	tell();
	assert_int_equal(ha_box_ctl(&b.box, copy_at_b(1, IPPROTO_TCP)) & SESSION_F_ALG, 0);
	assert_int_equal(stats(&b).unread, 1);
}

static void
a_session_of_ours_and_one_that_is_over_are_left_alone(void **state)
{
	const struct alg_kept kept = kept_of(ALG_FTP, IPPROTO_TCP);
	struct alg_kept later = kept;
	uint32_t to;

	(void)state;
	const uint32_t from = read_at_a(1, IPPROTO_TCP, &kept);
	tell();
	to = copy_at_b(1, IPPROTO_TCP);
	set_role(&b, true, false);
	while (!ops->adopt(b.t, now))
		;
	later.stream.seq[0].shift = 99;
	assert_int_equal(resume(&a, from, &later), ALG_RESUMED);
	session_table_set_dirty(a.box.sessions, from);
	drain();
	apply(); /* the session itself is refused: it is ours */
	assert_true(alg_session_keep(engine_algs(b.box.engine), to, &later));
	assert_int_equal(later.stream.seq[0].shift, SHIFT0);

	/* DEAD, or with another generation: no place is taken */
	const struct session_tuple4 t = ha_box_tuple(2, IPPROTO_TCP);
	const uint32_t other = ha_box_session(&b.box, &t, SESSION_TCP_ESTABLISHED, 0, now);
	assert_int_equal(alg_session_resume(engine_algs(b.box.engine), b.box.sessions, other,
				 (uint16_t)(ha_box_generation(&b.box, other) + 1), &kept),
		ALG_RESUME_NOT);
	assert_int_equal(places(&b), 1);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(R186_how_far_an_alg_is_arrives),
		CASE(R186_edits_that_may_be_sent_again_arrive),
		CASE(a_full_frame_delays_the_alg_only),
		CASE(HAC06_records_that_make_no_sense_change_nothing),
		CASE(a_copy_without_a_place_is_counted_and_goes_on_unread),
		CASE(a_session_of_ours_and_one_that_is_over_are_left_alone),
	};

	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
