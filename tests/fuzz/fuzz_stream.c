/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The numbered streams between two boxes.  Input: events: time, records and bulks to send, frames
 * on the way lost, doubled, delivered in any order, back-pressure, boxes that begin anew; and, if
 * its first octet says so, frames with altered octets that still pass ha_check() (somebody without
 * a key to find out about).
 *
 * What must hold: at most a window is on its way; what is delivered passes the check, each frame
 * once and in order; what is refused delivers nothing; a call sends a bounded number of frames.
 * Without altered frames: records arrive without a gap from the beginning of each stream, and in
 * the end, when the wire is good again, all of them.
 */
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "hrp_stream.h"

#include <rte_common.h>

#include <string.h>

#define FRAME_MAX 200
#define RECORD	  8
#define ON_WAY	  64
#define HELLO_MS  100
#define CALL_MAX  600 /* frames of one call: a window, and what answers it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint16_t len;
};

struct end {
	struct machine *m;
	unsigned int id;
	struct hrp_stream *stream;
	struct frame way[ON_WAY]; /* towards this end */
	unsigned int count;
	bool refuse;
	/* as sender, as receiver */
	uint32_t sent, taken;
	uint32_t frames; /* of this call */
	uint32_t delivered;
	uint32_t next_sequence;
	bool begun;
};

struct machine {
	struct end end[2];
	struct fuzz_input *in;
	mono_t now;
	bool hostile, good; /* good: nothing is lost any more */
};

static void
forget(struct end *e, unsigned int i)
{
	memmove(&e->way[i], &e->way[i + 1], (e->count - i - 1) * sizeof(e->way[0]));
	e->count--;
}

static bool
send_frame(void *ctx, const uint8_t *message, uint16_t len)
{
	struct end *const e = ctx, *const to = &e->m->end[!e->id];

	FUZZ_CHECK(len <= FRAME_MAX, "a frame of %u bytes", len);
	FUZZ_CHECK(ha_check(message, len) == HA_OK, "it sends what does not pass the check");
	FUZZ_CHECK(++e->frames <= CALL_MAX, "a flood of frames");
	if (to->count == ON_WAY)
		forget(to, 0); /* lost */
	memcpy(to->way[to->count].bytes, message, len);
	to->way[to->count++].len = len;
	return true;
}

static bool
deliver(void *ctx, const uint8_t *message, uint16_t len, mono_t now)
{
	struct end *const e = ctx;
	struct hrp_header h;
	uint32_t number;

	(void)now;
	FUZZ_CHECK(ha_check(message, len) == HA_OK, "it delivers what does not pass the check");
	if (e->refuse)
		return false;
	memcpy(&h, message + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
	FUZZ_CHECK(!e->begun || rte_be_to_cpu_32(h.sequence) == e->next_sequence,
		"frame %u, expected was %u", rte_be_to_cpu_32(h.sequence), e->next_sequence);
	e->begun = true;
	e->next_sequence = rte_be_to_cpu_32(h.sequence) + 1;
	e->delivered++;
	if (e->m->hostile)
		return true;
	if (h.op == HRP_OP_BULK_BEGIN) {
		e->taken = 0;
		return true;
	}
	for (size_t at = HRP_STREAM_OVERHEAD; h.op == HRP_OP_ADD && at < len; at += RECORD) {
		memcpy(&number, message + at, sizeof(number));
		FUZZ_CHECK(number == e->taken, "record %u, expected was %u", number, e->taken);
		e->taken++;
	}
	return true;
}

static void
opened(void *ctx, uint16_t tables, mono_t now)
{
	static const struct hrp_bulk begin;
	struct end *const e = ctx;

	(void)tables;
	e->sent = 0;
	e->m->end[!e->id].begun = false;
	FUZZ_CHECK(hrp_stream_bulk(e->stream, HRP_MODULE_SESSION, HRP_OP_BULK_BEGIN, &begin, now),
		"a new stream has no room for its first frame");
}

static void
result(void *ctx, const struct hrp_bulk *b, mono_t now)
{
	(void)ctx;
	(void)b;
	(void)now;
}

static void
checked(void *ctx, uint16_t module, const struct hrp_part *p, mono_t now)
{
	(void)ctx;
	(void)module;
	(void)p;
	(void)now;
}

static void
listen_anew(struct machine *m, struct end *e)
{
	hrp_stream_listen(e->stream, false, m->now);
	hrp_stream_listen(e->stream, true, m->now);
	e->begun = false;
}

static void
start(struct machine *m)
{
	const uint8_t how = fuzz_byte(m->in);

	m->hostile = (how & 1) != 0;
	m->now.ns = NS_PER_SEC;
	for (unsigned int b = 0; b < 2; b++) {
		struct end *const e = &m->end[b];

		*e = (struct end){ .m = m, .id = b };
		e->stream = hrp_stream_create(&(struct hrp_stream_params){ .frame_max = FRAME_MAX,
			.hello_ms = HELLO_MS,
			.seed = 7 + b,
			.first = (how & 2) != 0 ? UINT32_MAX - 5 : 0, /* numbers wrap */
			.send_ctx = e,
			.send = send_frame,
			.ctx = e,
			.deliver = deliver,
			.opened = opened,
			.result = result,
			.checked = checked });
		FUZZ_CHECK(e->stream != NULL, "out of memory");
		hrp_stream_offer(e->stream, true, m->now);
		hrp_stream_listen(e->stream, true, m->now);
	}
}

static void
check(struct machine *m)
{
	for (unsigned int b = 0; b < 2; b++) {
		struct end *const e = &m->end[b];

		FUZZ_CHECK(hrp_stream_unacked(e->stream) <= HRP_STREAM_WINDOW,
			"%u frames are on their way", hrp_stream_unacked(e->stream));
		e->frames = 0;
	}
}

static void
say(struct machine *m, struct end *e, unsigned int records)
{
	for (unsigned int i = 0; i < records; i++) {
		uint8_t *const room =
			hrp_stream_reserve(e->stream, HRP_MODULE_SESSION, RECORD, m->now);

		if (room == NULL)
			return;
		memset(room, 0, RECORD);
		memcpy(room, &e->sent, sizeof(e->sent));
		hrp_stream_commit(e->stream, RECORD);
		e->sent++;
	}
}

/* Frame i on its way comes, in a block of its size. */
static void
come(struct machine *m, struct end *e, unsigned int i, bool again)
{
	const struct frame f = e->way[i];
	uint8_t *const exact = malloc(f.len);
	const uint32_t delivered = e->delivered;
	enum ha_refusal why;

	FUZZ_CHECK(exact != NULL, "out of memory");
	if (!again)
		forget(e, i);
	memcpy(exact, f.bytes, f.len);
	why = hrp_stream_receive(e->stream, exact, f.len, m->now);
	FUZZ_CHECK(why == HA_OK || e->delivered == delivered, "refused (%s), and delivered",
		ha_refusal_names[why]);
	free(exact);
}

/* An altered frame, if ha_check() has nothing against it. */
static void
alter(struct machine *m, struct end *e, unsigned int i)
{
	struct frame *const f = &e->way[i];
	struct frame g = *f;
	struct ha_vrrp v;

	fuzz_alter(m->in, g.bytes, g.len);
	memcpy(&v, g.bytes, sizeof(v));
	ha_finish(g.bytes, g.len, (enum ha_type2)v.type2, HELLO_MS);
	/* The mirror hands over nothing else. */
	memcpy(&v, g.bytes, sizeof(v));
	if (v.type2 == HA_VGMP && g.bytes[sizeof(v)] == HA_HRP_DATA &&
		ha_check(g.bytes, g.len) == HA_OK)
		*f = g;
}

static void
turn(struct machine *m, uint32_t us)
{
	m->now = mono_add_us(m->now, us);
	for (unsigned int b = 0; b < 2; b++)
		hrp_stream_poll(m->end[b].stream, m->now);
}

static void
event(struct machine *m, uint8_t what)
{
	static const struct hrp_bulk bulk;
	struct end *const e = &m->end[what & 1];
	const uint8_t arg = fuzz_byte(m->in);
	const unsigned int i = e->count != 0 ? arg % e->count : 0;

	switch (what >> 1 & 15) {
	case 0:
	case 1:
		turn(m, (uint32_t)arg * 100 * (1 + (what >> 5)));
		break;
	case 2:
	case 3:
		say(m, e, arg);
		break;
	case 4:
		hrp_stream_flush(e->stream, m->now);
		break;
	case 5:
		hrp_stream_bulk(e->stream, HRP_MODULE_SESSION, HRP_OP_BULK_END, &bulk, m->now);
		break;
	case 6:
	case 7:
	case 8:
		for (unsigned int n = 1 + (what >> 5); n > 0 && e->count > 0; n--)
			come(m, e, arg % e->count, false);
		break;
	case 9:
		if (e->count > 0)
			come(m, e, i, true);
		break;
	case 10:
		if (e->count > 0)
			forget(e, i);
		break;
	case 11:
		e->refuse = (arg & 1) != 0;
		break;
	case 12:
		if (arg < 16)
			hrp_stream_close(e->stream);
		break;
	case 13:
		if (arg < 16)
			listen_anew(m, e);
		break;
	case 14:
		hrp_stream_offer(e->stream, (arg & 1) != 0, m->now);
		break;
	default:
		if (m->hostile && e->count > 0)
			alter(m, e, i);
	}
}

static bool
quiet(const struct machine *m)
{
	for (unsigned int b = 0; b < 2; b++) {
		const struct end *const from = &m->end[b], *const to = &m->end[!b];

		if (to->count != 0 || !hrp_stream_is_open(from->stream) ||
			!hrp_stream_hears(to->stream) || hrp_stream_unacked(from->stream) != 0 ||
			to->taken != from->sent)
			return false;
	}
	return true;
}

/* A good wire: everything that was said in the streams that are open arrives. */
static void
mend(struct machine *m)
{
	const unsigned int longest = m->hostile ? 20 : 4000; /* ms */

	for (unsigned int b = 0; b < 2; b++) {
		m->end[b].refuse = false;
		hrp_stream_offer(m->end[b].stream, true, m->now);
	}
	for (unsigned int i = 0; i < longest && (i < 5 || !quiet(m)); i++) {
		turn(m, 1000);
		check(m);
		for (unsigned int b = 0; b < 2; b++)
			for (unsigned int n = m->end[b].count; n > 0 && m->end[b].count > 0; n--)
				come(m, &m->end[b], 0, false);
		check(m);
	}
	for (unsigned int b = 0; b < 2 && !m->hostile; b++) {
		const struct end *const from = &m->end[b], *const to = &m->end[!b];

		FUZZ_CHECK(hrp_stream_is_open(from->stream) && hrp_stream_hears(to->stream),
			"no stream on a good wire");
		FUZZ_CHECK(hrp_stream_unacked(from->stream) == 0, "%u are not acknowledged",
			hrp_stream_unacked(from->stream));
		FUZZ_CHECK(to->taken == from->sent, "%u of %u records have come", to->taken,
			from->sent);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m;
	struct fuzz_input in = { .data = data, .size = size };

	m = (struct machine){ .in = &in };
	start(&m);
	while (in.at < in.size) {
		event(&m, fuzz_byte(&in));
		check(&m);
	}
	mend(&m);
	for (unsigned int b = 0; b < 2; b++)
		hrp_stream_destroy(m.end[b].stream);
	return 0;
}
