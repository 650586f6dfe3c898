/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams: two ends over a wire that loses, duplicates and reorders by seed, fake clock.  Records
 * are numbers; the receiver must see 0, 1, 2, ... of each stream, each exactly once, in order.
 */
#include "hrp_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAME_MAX 1480
#define RECORD	  60
#define IN_FLIGHT 4096

struct packet {
	uint64_t due_ns;
	uint16_t len;
	bool used;
	uint8_t bytes[FRAME_MAX];
};

struct wire {
	uint32_t loss, duplicate; /* percent */
	uint64_t delay_ns, jitter_ns;
	bool cut;
};

struct end {
	struct rig *rig;
	int id;
	struct hrp_stream *stream;
	uint64_t next_out;  /* next number to send in this stream */
	uint64_t next_in;   /* next number expected */
	uint64_t delivered; /* in all streams */
	uint32_t opened, begins, results;
	uint16_t tables; /* that the other end takes */
	bool refuse;	 /* back-pressure */
	uint64_t max_frames;
};

struct rig {
	uint64_t ns;
	uint64_t random;
	struct wire wire;
	struct end end[2];
	struct packet packet[2][IN_FLIGHT];
	uint64_t lost, sent;
	uint16_t frame_max[2]; /* of an end, 0 = FRAME_MAX */
	uint16_t longest[2];   /* that it has sent */
	bool forged;	       /* RESYNC says this instead: an earlier version, or nonsense */
	uint8_t says;
};

static uint16_t
frame_max(const struct rig *r, int id)
{
	return r->frame_max[id] != 0 ? r->frame_max[id] : FRAME_MAX;
}

static uint32_t
rnd(struct rig *r)
{
	r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(r->random >> 33);
}

static mono_t
now(const struct rig *r)
{
	return (mono_t){ .ns = r->ns };
}

static void
put(struct rig *r, int to, const uint8_t *m, uint16_t len)
{
	for (int i = 0; i < IN_FLIGHT; i++) {
		struct packet *p = &r->packet[to][i];
		if (p->used)
			continue;
		p->used = true;
		p->len = len;
		p->due_ns = r->ns + r->wire.delay_ns +
			    (r->wire.jitter_ns != 0 ? rnd(r) % r->wire.jitter_ns : 0);
		memcpy(p->bytes, m, len);
		return;
	}
	r->lost++;
}

static const uint8_t *
forged_longest(const struct rig *r, const uint8_t *m, uint16_t len, uint8_t *copy)
{
	const size_t at = HRP_STREAM_OVERHEAD - sizeof(struct hrp_stream_head);
	struct hrp_header h;

	memcpy(&h, m + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
	if (h.op != HRP_OP_NACK)
		return m;
	memcpy(copy, m, len);
	copy[at + offsetof(struct hrp_nack, longest)] = r->says;
	ha_finish(copy, len, HA_VGMP, 100);
	return copy;
}

static bool
wire_send(void *ctx, const uint8_t *m, uint16_t len)
{
	struct end *e = ctx;
	struct rig *r = e->rig;
	uint8_t copy[FRAME_MAX];

	assert_true(len <= frame_max(r, e->id));
	assert_int_equal(ha_check(m, len), HA_OK);
	r->sent++;
	if (len > r->longest[e->id])
		r->longest[e->id] = len;
	if (len > frame_max(r, !e->id)) { /* its port takes no such frame */
		r->lost++;
		return true;
	}
	if (r->wire.cut || rnd(r) % 100 < r->wire.loss) {
		r->lost++;
		return true;
	}
	if (r->forged)
		m = forged_longest(r, m, len, copy);
	put(r, !e->id, m, len);
	if (rnd(r) % 100 < r->wire.duplicate)
		put(r, !e->id, m, len);
	return true;
}

static bool
deliver(void *ctx, const uint8_t *m, uint16_t len, mono_t t)
{
	struct end *e = ctx;
	struct hrp_header h;
	(void)t;

	if (e->refuse)
		return false;
	memcpy(&h, m + 24, sizeof(h));
	if (h.op == HRP_OP_BULK_BEGIN) {
		e->begins++;
		e->next_in = 0; /* a new stream starts from 0 */
		return true;
	}
	assert_int_equal(h.op, HRP_OP_ADD);
	assert_int_equal(rte_be_to_cpu_16(h.records), (len - HRP_STREAM_OVERHEAD) / RECORD);
	for (size_t at = HRP_STREAM_OVERHEAD; at < len; at += RECORD) {
		uint64_t number;
		memcpy(&number, m + at, sizeof(number));
		assert_int_equal(number, e->next_in);
		e->next_in++;
		e->delivered++;
	}
	return true;
}

static void
opened(void *ctx, uint16_t tables, mono_t t)
{
	static const struct hrp_bulk begin;
	struct end *e = ctx;

	e->tables = tables;
	e->opened++;
	e->next_out = 0;
	assert_true(hrp_stream_bulk(e->stream, HRP_MODULE_SESSION, HRP_OP_BULK_BEGIN, &begin, t));
}

static void
result(void *ctx, const struct hrp_bulk *b, mono_t t)
{
	struct end *e = ctx;

	(void)t;
	assert_int_equal(rte_be_to_cpu_32(b->round), 42);
	e->results++;
}

static void
checked(void *ctx, uint16_t module, const struct hrp_part *p, mono_t t)
{
	(void)ctx;
	(void)module;
	(void)p;
	(void)t;
}

static void
make_end_at(struct rig *r, int id, uint32_t seed, uint32_t first)
{
	struct end *e = &r->end[id];

	*e = (struct end){ .rig = r, .id = id };
	e->stream = hrp_stream_create(&(struct hrp_stream_params){ .frame_max = frame_max(r, id),
		.hello_ms = 100,
		.seed = seed,
		.first = first,
		.send_ctx = e,
		.send = wire_send,
		.ctx = e,
		.deliver = deliver,
		.tables = (uint16_t)(0x1100 + id),
		.opened = opened,
		.result = result,
		.checked = checked });
	assert_non_null(e->stream);
}

static void
make_end(struct rig *r, int id, uint32_t seed)
{
	make_end_at(r, id, seed, 0);
}

static struct rig *
start(uint64_t seed, struct wire wire)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->random = seed;
	r->wire = wire;
	r->ns = NS_PER_SEC;
	for (int i = 0; i < 2; i++)
		make_end(r, i, (uint32_t)(seed * 2 + (uint64_t)i + 1));
	return r;
}

static void
stop(struct rig *r)
{
	for (int i = 0; i < 2; i++)
		hrp_stream_destroy(r->end[i].stream);
	free(r);
}

/* As many records as there is room for, up to `upto` in this stream. */
static void
feed(struct end *e, uint64_t upto)
{
	while (e->next_out < upto) {
		uint8_t *room =
			hrp_stream_reserve(e->stream, HRP_MODULE_SESSION, RECORD, now(e->rig));
		if (room == NULL)
			return;
		memset(room, 0, RECORD);
		memcpy(room, &e->next_out, sizeof(e->next_out));
		hrp_stream_commit(e->stream, RECORD);
		e->next_out++;
	}
}

static void
step(struct rig *r, uint64_t upto0, uint64_t upto1)
{
	r->ns += 100 * NS_PER_US;
	for (int id = 0; id < 2; id++) {
		struct end *e = &r->end[id];
		for (int i = 0; i < IN_FLIGHT; i++) {
			struct packet *p = &r->packet[id][i];
			if (!p->used || p->due_ns > r->ns)
				continue;
			p->used = false;
			hrp_stream_receive(e->stream, p->bytes, p->len, now(r));
		}
		feed(e, id == 0 ? upto0 : upto1);
		hrp_stream_poll(e->stream, now(r));
		if (hrp_stream_unacked(e->stream) > e->max_frames)
			e->max_frames = hrp_stream_unacked(e->stream);
	}
}

static void
run(struct rig *r, uint64_t ms, uint64_t upto0, uint64_t upto1)
{
	for (uint64_t i = 0; i < ms * 10; i++)
		step(r, upto0, upto1);
}

static void
both(struct rig *r, bool on)
{
	for (int i = 0; i < 2; i++) {
		hrp_stream_listen(r->end[i].stream, on, now(r));
		hrp_stream_offer(r->end[i].stream, on, now(r));
	}
}

static bool
arrived(const struct rig *r, int to, uint64_t upto)
{
	return r->end[to].next_in == upto && hrp_stream_unacked(r->end[!to].stream) == 0;
}

static void
a_stream_begins_when_the_receiver_asks(void **state)
{
	(void)state;
	struct rig *r = start(1, (struct wire){ .delay_ns = NS_PER_MS / 10 });

	hrp_stream_offer(r->end[0].stream, true, now(r));
	run(r, 50, 10, 0);
	assert_false(hrp_stream_is_open(r->end[0].stream));
	hrp_stream_listen(r->end[1].stream, true, now(r));
	run(r, 20, 10, 0);
	assert_true(hrp_stream_is_open(r->end[0].stream));
	assert_true(hrp_stream_hears(r->end[1].stream));
	assert_true(arrived(r, 1, 10));
	assert_int_equal(r->end[0].opened, 1);
	assert_int_equal(r->end[0].tables, 0x1101);	  /* as the receiver says */
	assert_false(hrp_stream_hears(r->end[0].stream)); /* the other direction is its own */
	stop(r);
}

static void
asked_before_offered_is_remembered(void **state)
{
	(void)state;
	struct rig *r = start(2, (struct wire){ .delay_ns = NS_PER_MS / 10 });

	hrp_stream_listen(r->end[1].stream, true, now(r));
	run(r, 50, 10, 0);
	hrp_stream_offer(r->end[0].stream, true, now(r));
	assert_true(hrp_stream_is_open(r->end[0].stream));
	run(r, 20, 10, 0);
	assert_true(arrived(r, 1, 10));
	stop(r);
}

static void
a_length_in_a_byte_is_never_more(void **state)
{
	static const struct {
		uint16_t bytes;
		uint8_t code;
		uint16_t said;
	} rows[] = { { 500, 62, 496 }, { 1424, 178, 1424 }, { 1432, 179, 1432 },
		{ 1607, 200, 1600 }, { 1759, 200, 1600 }, { 1760, 201, 1760 }, { 8932, 245, 8800 },
		{ 9532, 249, 9440 }, { UINT16_MAX, 255, 10400 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(hrp_longest_code(rows[i].bytes), rows[i].code);
		assert_int_equal(hrp_longest_bytes(rows[i].code), rows[i].said);
	}
	for (uint32_t bytes = 0; bytes <= UINT16_MAX; bytes++)
		assert_true(hrp_longest_bytes(hrp_longest_code((uint16_t)bytes)) <= bytes);
}

/* The MTUs of the boxes' heartbeat links differ. */
static void
no_message_is_too_long_for_the_other_end(void **state)
{
	static const struct {
		uint16_t max[2], longest; /* as configured; sent by the first */
	} rows[] = {
		{ { 1432, 1432 }, 1432 }, /* an MTU of 1500: exact */
		{ { 1424, 1424 }, 1424 }, /* by UDP */
		{ { 1432, 1412 }, 1408 }, /* rounded down */
		{ { 1432, 700 }, 696 },
		{ { 700, 1432 }, 700 },
		{ { 1432, 500 }, 496 },
		{ { 500, 500 }, 496 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = start(i + 1, (struct wire){ .delay_ns = NS_PER_MS / 10 });

		for (int id = 0; id < 2; id++) {
			hrp_stream_destroy(r->end[id].stream);
			r->frame_max[id] = rows[i].max[id];
			make_end(r, id, (uint32_t)(i * 2 + (size_t)id + 1));
		}
		both(r, true);
		run(r, 500, 2000, 2000);
		assert_true(arrived(r, 1, 2000));
		assert_true(arrived(r, 0, 2000));
		assert_int_equal(r->lost, 0);
		/* As many records as there is room for. */
		assert_in_range(r->longest[0], rows[i].longest - RECORD + 1, rows[i].longest);
		stop(r);
	}
}

/* An earlier version says nothing, and takes what it always has; no message is made shorter than
 * any link allows. */
static void
HAC_02_what_a_peer_says_of_its_longest_message(void **state)
{
	static const struct {
		uint8_t says;
		uint16_t longest;
	} rows[] = { { 0, FRAME_MAX }, { 1, 496 }, { 61, 496 }, { 100, 800 }, { 255, FRAME_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = start(i + 1, (struct wire){ .delay_ns = NS_PER_MS / 10 });

		r->forged = true;
		r->says = rows[i].says;
		both(r, true);
		run(r, 500, 2000, 2000);
		assert_true(arrived(r, 1, 2000));
		assert_in_range(r->longest[0], rows[i].longest - RECORD + 1, rows[i].longest);
		stop(r);
	}
}

static void
HAC_07_everything_arrives_once_and_in_order(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct wire wire;
		uint64_t records, ms;
	} rows[] = {
		{ "clean", { 0, 0, NS_PER_MS / 5, 0, false }, 20000, 2000 },
		{ "loss 1%", { 1, 0, NS_PER_MS / 5, NS_PER_MS / 5, false }, 20000, 4000 },
		{ "loss 20%", { 20, 0, NS_PER_MS / 5, NS_PER_MS / 5, false }, 20000, 10000 },
		{ "duplicates", { 0, 50, NS_PER_MS / 5, 0, false }, 20000, 4000 },
		{ "reordered", { 0, 0, NS_PER_MS / 5, 5 * NS_PER_MS, false }, 20000, 8000 },
		{ "all of it", { 20, 20, NS_PER_MS, 5 * NS_PER_MS, false }, 10000, 20000 },
		{ "half lost", { 50, 10, NS_PER_MS, 2 * NS_PER_MS, false }, 2000, 20000 },
		{ "far away", { 5, 5, 50 * NS_PER_MS, 20 * NS_PER_MS, false }, 10000, 20000 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint64_t seed = 1; seed <= 5; seed++) {
			struct rig *r = start(seed * 1000 + i, rows[i].wire);
			both(r, true);
			/* A stream may begin twice when the questions come late: then from 0 again.
			 */
			for (uint64_t ms = 0; ms < rows[i].ms; ms += 10) {
				run(r, 10, rows[i].records, rows[i].records / 2);
				if (arrived(r, 1, rows[i].records) &&
					arrived(r, 0, rows[i].records / 2))
					break;
			}
			if (!arrived(r, 1, rows[i].records) || !arrived(r, 0, rows[i].records / 2))
				fail_msg("%s, seed %u: %u and %u arrived, %u unacked", rows[i].name,
					(unsigned int)seed, (unsigned int)r->end[1].next_in,
					(unsigned int)r->end[0].next_in,
					hrp_stream_unacked(r->end[0].stream));
			stop(r);
		}
	}
}

static void
loss_is_repaired_without_resending_what_arrived(void **state)
{
	(void)state;
	struct rig *r = start(9, (struct wire){ .loss = 1, .delay_ns = NS_PER_MS / 5 });
	struct hrp_stream_stats s;

	both(r, true);
	run(r, 3000, 50000, 0);
	assert_true(arrived(r, 1, 50000));
	hrp_stream_stats(r->end[0].stream, &s);
	assert_true(s.resent > 0);
	assert_true(s.resent * 20 < s.frames_out); /* about 1% was lost */
	assert_true(s.timeouts <= 1); /* gaps are seen in the acknowledgements, long before */
	stop(r);
}

static void
window_full_stops_the_feeder_and_nothing_is_lost(void **state)
{
	(void)state;
	struct rig *r = start(3, (struct wire){ .delay_ns = NS_PER_MS / 5 });
	struct hrp_stream_stats s;

	both(r, true);
	run(r, 20, 100, 0);
	r->wire.cut = true;
	run(r, 500, UINT64_MAX, 0);
	hrp_stream_stats(r->end[0].stream, &s);
	assert_true(s.window_full > 0);
	assert_int_equal(hrp_stream_unacked(r->end[0].stream), HRP_STREAM_WINDOW);
	const uint64_t accepted = r->end[0].next_out;
	r->wire.cut = false;
	run(r, 1000, accepted, 0);
	assert_true(arrived(r, 1, accepted));
	assert_int_equal(r->end[0].opened, 1);
	stop(r);
}

static void
a_receiver_that_cannot_take_holds_the_sender_back(void **state)
{
	(void)state;
	struct rig *r =
		start(4, (struct wire){ .delay_ns = NS_PER_MS / 5, .jitter_ns = NS_PER_MS });
	struct hrp_stream_stats s;

	both(r, true);
	run(r, 20, 100, 0);
	r->end[1].refuse = true;
	run(r, 1000, 40000, 0);
	const uint64_t before = r->end[1].next_in;
	hrp_stream_stats(r->end[0].stream, &s);
	assert_int_equal(before, 100);
	assert_true(
		s.resent < 3 * HRP_STREAM_WINDOW); /* what arrived is not sent again and again */
	r->end[1].refuse = false;
	run(r, 3000, 40000, 0);
	assert_true(arrived(r, 1, 40000));
	stop(r);
}

static void
records_wait_at_most_a_millisecond(void **state)
{
	(void)state;
	struct rig *r = start(5, (struct wire){ .delay_ns = NS_PER_MS / 10 });

	both(r, true);
	run(r, 20, 0, 0);
	run(r, 2, 1, 0);
	assert_int_equal(r->end[1].next_in, 1);
	stop(r);
}

static void
a_restarted_receiver_gets_a_new_stream(void **state)
{
	(void)state;
	struct rig *r = start(
		6, (struct wire){ .loss = 5, .delay_ns = NS_PER_MS / 5, .jitter_ns = NS_PER_MS });

	both(r, true);
	run(r, 1000, 5000, 0);
	assert_true(arrived(r, 1, 5000));
	hrp_stream_destroy(r->end[1].stream);
	make_end(r, 1, 991);
	hrp_stream_listen(r->end[1].stream, true, now(r));
	run(r, 1000, 7000, 0);
	assert_true(arrived(r, 1, 7000));
	assert_int_equal(r->end[1].begins, 1);
	assert_true(r->end[0].opened >= 2);
	stop(r);
}

static void
a_restarted_sender_is_asked_again(void **state)
{
	(void)state;
	struct rig *r = start(
		7, (struct wire){ .loss = 5, .delay_ns = NS_PER_MS / 5, .jitter_ns = NS_PER_MS });

	both(r, true);
	run(r, 1000, 5000, 0);
	hrp_stream_destroy(r->end[0].stream);
	make_end(r, 0, 992);
	hrp_stream_offer(r->end[0].stream, true, now(r));
	run(r, 2000, 3000, 0);
	assert_true(arrived(r, 1, 3000));
	assert_int_equal(r->end[0].opened, 1);
	stop(r);
}

static void
a_sender_that_dropped_its_window_is_asked_again(void **state)
{
	(void)state;
	struct rig *r = start(8, (struct wire){ .delay_ns = NS_PER_MS / 5 });

	both(r, true);
	run(r, 200, 500, 0);
	r->wire.cut = true;
	run(r, 300, 900, 0);
	hrp_stream_close(r->end[0].stream); /* "the peer is dead" */
	run(r, 100, 0, 0);
	r->wire.cut = false;
	run(r, 2000, 600, 0);
	assert_true(arrived(r, 1, 600));
	assert_int_equal(r->end[0].opened, 2);
	stop(r);
}

static void
a_stream_that_was_never_seen_to_begin_is_replaced(void **state)
{
	(void)state;
	struct rig *r = start(12, (struct wire){ .delay_ns = NS_PER_MS / 5 });

	hrp_stream_listen(r->end[1].stream, true, now(r));
	run(r, 10, 0, 0);
	r->wire.cut = true;
	hrp_stream_offer(r->end[0].stream, true, now(r)); /* opened, but nothing gets through */
	run(r, 50, 5, 0);
	hrp_stream_close(r->end[0].stream);
	r->wire.cut = false;
	run(r, 1000, 5, 0);
	assert_true(arrived(r, 1, 5));
	stop(r);
}

static void
HAC_01_frames_of_an_older_stream_are_refused(void **state)
{
	(void)state;
	struct rig *r = start(10, (struct wire){ .delay_ns = NS_PER_MS / 5 });
	static struct packet kept[32];
	int n = 0;

	both(r, true);
	run(r, 20, 0, 0);
	feed(&r->end[0], 200);
	hrp_stream_flush(r->end[0].stream, now(r));
	for (int i = 0; i < IN_FLIGHT && n < 32; i++)
		if (r->packet[1][i].used)
			kept[n++] = r->packet[1][i];
	assert_true(n > 5);
	run(r, 100, 200, 0);
	hrp_stream_listen(r->end[1].stream, false, now(r));
	for (int round = 0; round < 2; round++) {
		const uint64_t delivered = r->end[1].delivered;
		for (int i = 0; i < n; i++)
			assert_int_equal(hrp_stream_receive(r->end[1].stream, kept[i].bytes,
						 kept[i].len, now(r)),
				HA_REFUSED_sequence);
		assert_int_equal(r->end[1].delivered, delivered);
		hrp_stream_listen(r->end[1].stream, true, now(r));
		run(r, 300, 50, 0); /* second round: against the new stream */
	}
	assert_true(hrp_stream_hears(r->end[1].stream));
	stop(r);
}

static void
HAC_01_a_replayed_question_does_not_restart_a_stream(void **state)
{
	(void)state;
	struct rig *r = start(17, (struct wire){ .delay_ns = NS_PER_MS / 5 });
	struct packet question;

	hrp_stream_offer(r->end[0].stream, true, now(r));
	hrp_stream_listen(r->end[1].stream, true, now(r));
	hrp_stream_poll(r->end[1].stream, now(r));
	question = r->packet[0][0];
	assert_true(question.used);
	run(r, 50, 10, 0);
	hrp_stream_listen(r->end[1].stream, false, now(r));
	hrp_stream_listen(r->end[1].stream, true, now(r));
	run(r, 200, 10, 0);
	assert_int_equal(r->end[0].opened, 2);
	assert_int_equal(hrp_stream_receive(r->end[0].stream, question.bytes, question.len, now(r)),
		HA_REFUSED_sequence);
	run(r, 200, 20, 0);
	assert_int_equal(r->end[0].opened, 2);
	assert_true(arrived(r, 1, 20));
	stop(r);
}

static void
sequence_numbers_wrap(void **state)
{
	(void)state;
	struct rig *r = start(11, (struct wire){ .loss = 10,
					  .duplicate = 10,
					  .delay_ns = NS_PER_MS / 5,
					  .jitter_ns = NS_PER_MS });

	hrp_stream_destroy(r->end[0].stream);
	make_end_at(r, 0, 11, UINT32_MAX - 100);
	both(r, true);
	run(r, 4000, 20000, 0);
	assert_true(arrived(r, 1, 20000));
	assert_int_equal(r->end[0].opened, 1);
	stop(r);
}

static void
numbers_outside_the_window_are_refused(void **state)
{
	(void)state;
	struct rig *r = start(13, (struct wire){ .delay_ns = NS_PER_MS / 5 });
	struct hrp_header h;
	int i = 0;

	both(r, true);
	run(r, 20, 0, 0);
	feed(&r->end[0], 1);
	hrp_stream_flush(r->end[0].stream, now(r));
	while (i < IN_FLIGHT - 1 && !r->packet[1][i].used)
		i++;
	struct packet *p = &r->packet[1][i];
	assert_true(p->used);
	memcpy(&h, p->bytes + 24, sizeof(h));
	h.sequence = rte_cpu_to_be_32(rte_be_to_cpu_32(h.sequence) + HRP_STREAM_WINDOW);
	memcpy(p->bytes + 24, &h, sizeof(h));
	assert_int_equal(hrp_stream_receive(r->end[1].stream, p->bytes, p->len, now(r)),
		HA_REFUSED_sequence);
	stop(r);
}

static void
acknowledgements_beyond_what_was_sent_are_refused(void **state)
{
	(void)state;
	struct rig *r = start(14, (struct wire){ .delay_ns = NS_PER_MS / 5 });

	both(r, true);
	run(r, 20, 100, 0);
	for (int i = 0; i < IN_FLIGHT; i++)
		r->packet[0][i].used = false;
	run(r, 3, 200, 0); /* an acknowledgement is on its way */
	for (int i = 0; i < IN_FLIGHT; i++) {
		struct packet *p = &r->packet[0][i];
		struct hrp_header h;
		memcpy(&h, p->bytes + 24, sizeof(h));
		if (p->len == 0 || h.op != HRP_OP_ACK)
			continue;
		h.sequence = rte_cpu_to_be_32(rte_be_to_cpu_32(h.sequence) + 100000);
		memcpy(p->bytes + 24, &h, sizeof(h));
		assert_int_equal(hrp_stream_receive(r->end[0].stream, p->bytes, p->len, now(r)),
			HA_REFUSED_sequence);
	}
	run(r, 200, 300, 0);
	assert_true(arrived(r, 1, 300));
	stop(r);
}

static void
results_reach_the_sender_of_the_bulk(void **state)
{
	(void)state;
	const struct hrp_bulk b = { .round = RTE_BE32(42) };
	struct rig *r = start(15, (struct wire){ .delay_ns = NS_PER_MS / 5 });

	both(r, true);
	run(r, 20, 10, 0);
	hrp_stream_result(r->end[1].stream, HRP_MODULE_SESSION, &b);
	run(r, 2, 10, 0);
	assert_int_equal(r->end[0].results, 1);
	assert_int_equal(r->end[1].results, 0);
	stop(r);
}

/* Random bytes behind a valid checksum: no crash, and the stream still works afterwards. */
static void
HAC_03_noise_does_not_disturb_a_stream(void **state)
{
	(void)state;
	struct rig *r = start(16, (struct wire){ .delay_ns = NS_PER_MS / 5 });
	uint8_t m[FRAME_MAX];

	both(r, true);
	run(r, 100, 500, 100);
	for (int i = 0; i < 20000; i++) {
		/* Mutate a message that was on the wire. */
		const struct packet *p = &r->packet[i % 2][rnd(r) % 8];
		if (p->len < 48)
			continue;
		memcpy(m, p->bytes, p->len);
		uint16_t len = p->len;
		for (uint32_t k = rnd(r) % 4; k < 4; k++)
			m[8 + rnd(r) % (uint32_t)(len - 8)] = (uint8_t)rnd(r);
		ha_finish(m, len, HA_VGMP, 100);
		/* The stream's number is what keeps strangers out: spare it half of the time only
		 * for messages that carry no records, which the test's receiver does not forgive.
		 */
		struct hrp_header h;
		memcpy(&h, m + 24, sizeof(h));
		if (h.op == HRP_OP_ADD || h.op == HRP_OP_BULK_BEGIN || h.op == HRP_OP_BULK_END ||
			h.op == HRP_OP_RESULT)
			m[48] ^= 0x80;
		ha_finish(m, len, HA_VGMP, 100);
		if (ha_check(m, len) == HA_OK)
			hrp_stream_receive(r->end[i % 2].stream, m, len, now(r));
	}
	run(r, 5000, 1000, 200);
	assert_true(arrived(r, 1, 1000));
	stop(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_begins_when_the_receiver_asks),
		cmocka_unit_test(asked_before_offered_is_remembered),
		cmocka_unit_test(a_length_in_a_byte_is_never_more),
		cmocka_unit_test(no_message_is_too_long_for_the_other_end),
		cmocka_unit_test(HAC_02_what_a_peer_says_of_its_longest_message),
		cmocka_unit_test(HAC_07_everything_arrives_once_and_in_order),
		cmocka_unit_test(loss_is_repaired_without_resending_what_arrived),
		cmocka_unit_test(window_full_stops_the_feeder_and_nothing_is_lost),
		cmocka_unit_test(a_receiver_that_cannot_take_holds_the_sender_back),
		cmocka_unit_test(records_wait_at_most_a_millisecond),
		cmocka_unit_test(a_restarted_receiver_gets_a_new_stream),
		cmocka_unit_test(a_restarted_sender_is_asked_again),
		cmocka_unit_test(a_sender_that_dropped_its_window_is_asked_again),
		cmocka_unit_test(a_stream_that_was_never_seen_to_begin_is_replaced),
		cmocka_unit_test(HAC_01_frames_of_an_older_stream_are_refused),
		cmocka_unit_test(HAC_01_a_replayed_question_does_not_restart_a_stream),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(numbers_outside_the_window_are_refused),
		cmocka_unit_test(acknowledgements_beyond_what_was_sent_are_refused),
		cmocka_unit_test(results_reach_the_sender_of_the_bulk),
		cmocka_unit_test(HAC_03_noise_does_not_disturb_a_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
