/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbered, acknowledged, resent streams; see hrp_stream.h.  Pure; run by the HRP core.
 */
#include "hrp_stream.h"

#include "check.h"
#include "hrp_lag.h"
#include "vgmp.h"

#include <rte_common.h>

#include <stdlib.h>
#include <string.h>

#define FLUSH_NS     NS_PER_MS	       /* a record waits at most this long for company */
#define ACK_EVERY    16		       /* frames */
#define ACK_NS	     (200 * NS_PER_US) /* ... or this long after the first */
#define ACK_GAP_NS   (200 * NS_PER_US) /* at most one acknowledgement per gap news in this time */
#define RTO_MIN_NS   (5 * NS_PER_MS)
#define RTO_MAX_NS   (200 * NS_PER_MS)
#define REORDER	     3	/* frames received beyond a missing one until it counts as lost */
#define RESEND_BURST 32 /* per turn */
#define ASK_MS	     100
#define KEEPALIVE_MS 1000
#define ASK_AGAIN_NS (20 * NS_PER_MS)
#define HISTORY	     8	 /* stream numbers already served: a repeated question is no news */
#define LONGEST_MIN  496 /* of a box: by UDP with an MTU of 576, rounded */
#define SLOT(seq)    ((seq) % HRP_STREAM_WINDOW)

static_assert((HRP_STREAM_WINDOW & (HRP_STREAM_WINDOW - 1)) == 0, "sequence numbers wrap");

struct out_frame {
	mono_t sent;  /* 0 = not yet */
	mono_t since; /* its first record */
	uint16_t module;
	uint16_t len;
	uint8_t times;
	bool acked;
	bool records;
};

struct out {
	bool offered, open, asked;
	bool scan; /* something may have to be (re)sent before a timer says so */
	uint32_t stream, asked_stream, first;
	uint16_t asked_tables, asked_longest;
	uint16_t frame_max;  /* of this stream: what both ends can take */
	uint32_t base, next; /* oldest unacknowledged; number of the frame being filled */
	uint32_t history[HISTORY];
	uint8_t history_at;
	uint8_t backoff;
	uint16_t fill, records, module; /* the frame being filled; fill 0 = none */
	mono_t fill_since;
	mono_t deadline;   /* timeout of the oldest */
	mono_t refused_at; /* last NACK, UNKNOWN */
	uint64_t srtt, rttvar;
	struct out_frame frame[HRP_STREAM_WINDOW];
	struct hrp_lag lag[HRP_MODULE_LAST + 1];
	uint64_t resent[HRP_MODULE_LAST + 1];
	uint8_t *bytes;
};

struct in {
	bool listening, started, held;
	uint32_t stream, first, next;
	uint32_t unacked; /* delivered since the last acknowledgement */
	mono_t ack_due, acked_at, ask_due, asked_at;
	uint16_t len[HRP_STREAM_WINDOW]; /* 0 = empty */
	uint8_t *bytes;
};

struct hrp_stream {
	struct hrp_stream_params p;
	struct hrp_stream_stats stats;
	uint32_t frame_bytes;
	uint64_t random;
	bool active;
	struct out out;
	struct in in;
};

/* splitmix64: stream numbers only have to differ, not to be secret (the trailer sees to that). */
static uint32_t
next_random(struct hrp_stream *s)
{
	uint64_t z;

	do {
		z = s->random += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
	} while ((uint32_t)z == 0);
	return (uint32_t)z;
}

static uint8_t *
out_bytes(const struct hrp_stream *s, uint32_t seq)
{
	return s->out.bytes + (size_t)SLOT(seq) * s->frame_bytes;
}

static uint8_t *
in_bytes(const struct hrp_stream *s, uint32_t seq)
{
	return s->in.bytes + (size_t)SLOT(seq) * s->frame_bytes;
}

/* Fill everything in front of the body's payload and the checksum. */
static void
finish(const struct hrp_stream *s, uint8_t *m, uint16_t len, uint16_t module, uint8_t op,
	uint16_t records, uint32_t sequence)
{
	const struct ha_vgmp g = {
		.vtype = HA_HRP_DATA, .group = 1, .state = s->active ? VGMP_ACTIVE : VGMP_STANDBY
	};
	const size_t before = sizeof(struct ha_vrrp) + sizeof(g) + sizeof(struct hrp_header);
	const struct hrp_header h = {
		.source_module = rte_cpu_to_be_16(module),
		.source_sub = rte_cpu_to_be_16(HRP_SUB_IPV4),
		.dest_module = rte_cpu_to_be_16(module),
		.dest_sub = rte_cpu_to_be_16(HRP_SUB_IPV4),
		.op = op,
		.records = rte_cpu_to_be_16(records),
		.sequence = rte_cpu_to_be_32(sequence),
		.fragments = rte_cpu_to_be_16(1),
		.length = rte_cpu_to_be_32((uint32_t)(len - before)),
	};

	memcpy(m + sizeof(struct ha_vrrp), &g, sizeof(g));
	memcpy(m + sizeof(struct ha_vrrp) + sizeof(g), &h, sizeof(h));
	ha_finish(m, len, HA_VGMP, s->p.hello_ms);
}

/* A message outside the numbered sequence. `body` begins with struct hrp_stream_head. */
static bool
send_unnumbered(struct hrp_stream *s, uint16_t module, uint8_t op, uint32_t sequence,
	const void *body, uint16_t len)
{
	uint8_t m[HRP_STREAM_OVERHEAD + 64];
	const uint16_t total =
		(uint16_t)(HRP_STREAM_OVERHEAD - sizeof(struct hrp_stream_head) + len);

	FW_ASSERT(total <= sizeof(m));
	memcpy(m + HRP_STREAM_OVERHEAD - sizeof(struct hrp_stream_head), body, len);
	finish(s, m, total, module, op, 0, sequence);
	return s->p.send(s->p.send_ctx, m, total);
}

static void
send_nack(struct hrp_stream *s, uint32_t stream, enum hrp_nack_reason reason)
{
	const struct hrp_nack n = { .head.stream = rte_cpu_to_be_32(stream),
		.reason = (uint8_t)reason,
		.longest = reason == HRP_NACK_RESYNC ? hrp_longest_code(s->p.frame_max) : 0,
		.tables = rte_cpu_to_be_16(reason == HRP_NACK_RESYNC ? s->p.tables : 0) };

	if (send_unnumbered(s, HRP_MODULE_SESSION, HRP_OP_NACK, 0, &n, sizeof(n)))
		s->stats.nacks_out++;
}

struct hrp_stream *
hrp_stream_create(const struct hrp_stream_params *p)
{
	struct hrp_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->p = *p;
	s->random = p->seed;
	s->frame_bytes = RTE_ALIGN_CEIL(RTE_MAX((uint32_t)p->frame_max, UINT32_C(1500)), 64u);
	s->out.bytes = malloc((size_t)HRP_STREAM_WINDOW * s->frame_bytes);
	s->in.bytes = malloc((size_t)HRP_STREAM_WINDOW * s->frame_bytes);
	if (s->out.bytes == NULL || s->in.bytes == NULL) {
		hrp_stream_destroy(s);
		return NULL;
	}
	s->out.srtt = NS_PER_MS;
	s->out.rttvar = NS_PER_MS;
	return s;
}

void
hrp_stream_destroy(struct hrp_stream *s)
{
	if (s == NULL)
		return;
	free(s->out.bytes);
	free(s->in.bytes);
	free(s);
}

/* ---- outbound ---- */

static uint64_t
rto(const struct out *o)
{
	const uint64_t base = RTE_MAX(o->srtt + 4 * o->rttvar, RTO_MIN_NS);

	return RTE_MIN(base << o->backoff, RTO_MAX_NS);
}

static void
transmit(struct hrp_stream *s, uint32_t seq, mono_t now)
{
	struct out_frame *f = &s->out.frame[SLOT(seq)];

	if (!s->p.send(s->p.send_ctx, out_bytes(s, seq), f->len)) {
		s->out.scan |= f->sent.ns == 0;
		return;
	}
	if (f->times++ != 0) {
		s->stats.resent++;
		s->out.resent[f->module]++;
	} else {
		s->stats.frames_out++;
	}
	if (f->times == 0)
		f->times = UINT8_MAX;
	f->sent = now;
	if (seq == s->out.base)
		s->out.deadline.ns = now.ns + rto(&s->out);
}

static void
open_stream(struct hrp_stream *s, mono_t now)
{
	struct out *o = &s->out;

	o->open = true;
	o->asked = false;
	o->stream = o->asked_stream;
	/* Links of the two boxes may have different MTUs: what is too long for the peer it would
	 * never see. */
	o->frame_max = s->p.frame_max;
	if (o->asked_longest != 0)
		o->frame_max = RTE_MIN(o->frame_max, RTE_MAX(o->asked_longest, LONGEST_MIN));
	o->history[o->history_at++ % HISTORY] = o->stream;
	o->first = o->base = o->next = s->p.first != 0 ? s->p.first : next_random(s);
	o->fill = 0;
	o->backoff = 0;
	o->scan = false;
	o->deadline = MONO_NEVER;
	memset(o->lag, 0, sizeof(o->lag));
	memset(o->resent, 0, sizeof(o->resent));
	s->stats.opened++;
	s->p.opened(s->p.ctx, o->asked_tables, now);
}

void
hrp_stream_offer(struct hrp_stream *s, bool on, mono_t now)
{
	s->out.offered = on;
	if (on && s->out.asked)
		open_stream(s, now);
}

void
hrp_stream_close(struct hrp_stream *s)
{
	s->out.open = s->out.asked = false;
	s->out.fill = 0;
	s->out.base = s->out.next;
}

bool
hrp_stream_is_open(const struct hrp_stream *s)
{
	return s->out.open;
}

static void
put_head(const struct hrp_stream *s, uint8_t *frame)
{
	const struct hrp_stream_head h = { .stream = rte_cpu_to_be_32(s->out.stream),
		.first = rte_cpu_to_be_32(s->out.first) };

	memcpy(frame + HRP_STREAM_OVERHEAD - sizeof(h), &h, sizeof(h));
}

/* Close frame `next`, whose body is complete, and send it. */
static void
close_frame(struct hrp_stream *s, uint8_t op, mono_t now)
{
	struct out *o = &s->out;
	const uint32_t seq = o->next++;

	put_head(s, out_bytes(s, seq));
	finish(s, out_bytes(s, seq), o->fill, o->module, op, o->records, seq);
	o->frame[SLOT(seq)] = (struct out_frame){ .len = o->fill,
		.since = o->fill_since,
		.module = o->module,
		.records = op == HRP_OP_ADD };
	o->fill = 0;
	transmit(s, seq, now);
}

void
hrp_stream_flush(struct hrp_stream *s, mono_t now)
{
	if (s->out.fill != 0)
		close_frame(s, HRP_OP_ADD, now);
}

static bool
begin_frame(struct hrp_stream *s, uint16_t module, mono_t now)
{
	struct out *o = &s->out;

	if (o->next - o->base >= HRP_STREAM_WINDOW) {
		s->stats.window_full++;
		return false;
	}
	o->fill = HRP_STREAM_OVERHEAD;
	o->records = 0;
	o->module = module;
	o->fill_since = now;
	return true;
}

uint8_t *
hrp_stream_reserve(struct hrp_stream *s, uint16_t module, uint16_t len, mono_t now)
{
	struct out *o = &s->out;

	FW_ASSERT(HRP_STREAM_OVERHEAD + len <= s->p.frame_max && module <= HRP_MODULE_LAST);
	if (!o->open)
		return NULL;
	if (o->fill != 0 && (o->module != module || o->fill + len > o->frame_max))
		close_frame(s, HRP_OP_ADD, now);
	if (o->fill == 0 && !begin_frame(s, module, now))
		return NULL;
	return out_bytes(s, o->next) + o->fill;
}

void
hrp_stream_commit(struct hrp_stream *s, uint16_t len)
{
	s->out.fill = (uint16_t)(s->out.fill + len);
	s->out.records++;
}

uint32_t
hrp_stream_filling(const struct hrp_stream *s)
{
	return s->out.next;
}

bool
hrp_stream_has(const struct hrp_stream *s, uint32_t frame)
{
	return (int32_t)(s->out.base - frame) > 0;
}

/* A frame of its own.  `body` begins with struct hrp_stream_head. */
static bool
put_alone(struct hrp_stream *s, uint16_t module, enum hrp_op op, const void *body, size_t len,
	mono_t now)
{
	const size_t before = HRP_STREAM_OVERHEAD - sizeof(struct hrp_stream_head);
	struct out *o = &s->out;

	if (!o->open)
		return false;
	hrp_stream_flush(s, now);
	if (!begin_frame(s, module, now))
		return false;
	memcpy(out_bytes(s, o->next) + before, body, len);
	o->fill = (uint16_t)(before + len);
	close_frame(s, (uint8_t)op, now);
	return true;
}

bool
hrp_stream_bulk(
	struct hrp_stream *s, uint16_t module, enum hrp_op op, const struct hrp_bulk *b, mono_t now)
{
	return put_alone(s, module, op, b, sizeof(*b), now);
}

bool
hrp_stream_part(
	struct hrp_stream *s, uint16_t module, enum hrp_op op, const struct hrp_part *p, mono_t now)
{
	return put_alone(s, module, op, p, sizeof(*p), now);
}

void
hrp_stream_role(struct hrp_stream *s, bool active)
{
	s->active = active;
}

static void
sample_rtt(struct out *o, uint64_t rtt)
{
	const uint64_t diff = rtt > o->srtt ? rtt - o->srtt : o->srtt - rtt;

	o->rttvar += (diff >> 2) - (o->rttvar >> 2);
	o->srtt += (rtt >> 3) - (o->srtt >> 3);
}

/* Frames that were overtaken by REORDER others are lost; frames never sent are due. */
static void
resend_lost(struct hrp_stream *s, uint32_t newest_acked, bool any_acked, mono_t now)
{
	struct out *o = &s->out;
	uint32_t budget = RESEND_BURST;

	o->scan = false;
	for (uint32_t seq = o->base; seq != o->next; seq++) {
		const struct out_frame *f = &o->frame[SLOT(seq)];
		if (f->acked)
			continue;
		if (f->sent.ns == 0 || (any_acked && (int32_t)(newest_acked - seq) >= REORDER &&
					       now.ns - f->sent.ns > o->srtt + o->rttvar)) {
			if (budget-- == 0) {
				o->scan = true;
				return;
			}
			transmit(s, seq, now);
		}
	}
}

/* The peer has this frame. */
static void
arrived(struct out *o, uint32_t seq, mono_t now)
{
	struct out_frame *f = &o->frame[SLOT(seq)];

	if (!f->acked && f->records)
		hrp_lag_add(&o->lag[f->module], now.ns - f->since.ns);
	f->acked = true;
}

static enum ha_refusal
receive_ack(struct hrp_stream *s, uint32_t stream, uint32_t upto, const uint8_t *bitmap, mono_t now)
{
	struct out *o = &s->out;
	uint32_t newest = 0;
	bool any = false;

	if (!o->open || stream != o->stream) {
		if (now.ns - o->refused_at.ns >= ASK_AGAIN_NS) {
			o->refused_at = now;
			send_nack(s, stream, HRP_NACK_UNKNOWN);
		}
		return HA_REFUSED_sequence;
	}
	if (upto - o->base > o->next - o->base) {
		/* Older than one we have had: harmless; beyond what was sent: nonsense. */
		return (int32_t)(upto - o->base) < 0 ? HA_OK : HA_REFUSED_sequence;
	}
	s->stats.acks_in++;
	s->stats.answers++; /* the first of them was random */
	if (upto != o->base) {
		const struct out_frame *last = &o->frame[SLOT(upto - 1)];
		if (last->times == 1 && !last->acked)
			sample_rtt(o, now.ns - last->sent.ns);
		for (; o->base != upto; o->base++)
			arrived(o, o->base, now);
		o->backoff = 0;
		o->deadline = MONO_NEVER;
		if (o->base != o->next && o->frame[SLOT(o->base)].sent.ns != 0)
			o->deadline.ns = RTE_MAX(o->frame[SLOT(o->base)].sent.ns, now.ns) + rto(o);
	}
	for (uint32_t i = 0; i < HRP_STREAM_WINDOW && upto + i != o->next; i++) {
		if ((bitmap[i / 8] & 1 << i % 8) == 0)
			continue;
		arrived(o, upto + i, now);
		newest = upto + i;
		any = true;
	}
	if (any || o->scan)
		resend_lost(s, newest, any, now);
	return HA_OK;
}

static enum ha_refusal
receive_nack(struct hrp_stream *s, const struct hrp_nack *n, mono_t now)
{
	const uint32_t stream = rte_be_to_cpu_32(n->head.stream);
	struct out *o = &s->out;

	s->stats.nacks_in++;
	switch (n->reason) {
	case HRP_NACK_RESYNC:
		if (stream == 0)
			return HA_REFUSED_field;
		if (o->open && stream == o->stream)
			return HA_OK;
		for (uint32_t i = 0; i < HISTORY; i++)
			if (o->history[i] == stream) {
				/* Late copy, or a receiver that never saw it begin: if it still
				 * waits for this number, it will choose another. */
				send_nack(s, stream, HRP_NACK_UNKNOWN);
				return HA_REFUSED_sequence;
			}
		o->asked = true;
		o->asked_stream = stream;
		o->asked_tables = rte_be_to_cpu_16(n->tables);
		o->asked_longest = hrp_longest_bytes(n->longest);
		if (o->offered)
			open_stream(s, now);
		return HA_OK;
	case HRP_NACK_UNKNOWN:
		if (!s->in.listening || stream != s->in.stream)
			return HA_REFUSED_sequence;
		hrp_stream_listen(s, false, now);
		hrp_stream_listen(s, true, now);
		return HA_OK;
	default:
		return HA_REFUSED_field;
	}
}

static uint32_t
poll_out(struct hrp_stream *s, mono_t now)
{
	struct out *o = &s->out;
	uint32_t budget = RESEND_BURST;

	if (!o->open)
		return 0;
	if (o->fill > HRP_STREAM_OVERHEAD && now.ns - o->fill_since.ns >= FLUSH_NS)
		hrp_stream_flush(s, now);
	if (o->scan)
		resend_lost(s, 0, false, now);
	if (o->base == o->next || mono_before(now, o->deadline))
		return 0;

	/* Timeout: everything that was on its way for so long, the oldest first. */
	const uint64_t age = rto(o) / 2;
	for (uint32_t seq = o->base; seq != o->next && budget != 0; seq++) {
		const struct out_frame *f = &o->frame[SLOT(seq)];
		if (f->acked || (f->sent.ns != 0 && now.ns - f->sent.ns < age))
			continue;
		transmit(s, seq, now);
		budget--;
	}
	s->stats.timeouts++;
	if (rto(o) < RTO_MAX_NS)
		o->backoff++;
	o->deadline.ns = now.ns + rto(o);
	return RESEND_BURST - budget;
}

/* ---- inbound ---- */

static void
send_ack(struct hrp_stream *s, mono_t now)
{
	struct {
		struct hrp_stream_head head;
		uint8_t bitmap[HRP_STREAM_WINDOW / 8];
	} body = { .head.stream = rte_cpu_to_be_32(s->in.stream) };
	struct in *in = &s->in;

	for (uint32_t i = 0; i < HRP_STREAM_WINDOW; i++)
		if (in->len[SLOT(in->next + i)] != 0)
			body.bitmap[i / 8] |= (uint8_t)(1 << i % 8);
	in->ack_due = MONO_NEVER;
	in->acked_at = now;
	in->unacked = 0;
	if (send_unnumbered(s, HRP_MODULE_SESSION, HRP_OP_ACK, in->next, &body, sizeof(body)))
		s->stats.acks_out++;
}

static void
ack_by(struct in *in, uint64_t ns)
{
	if (ns < in->ack_due.ns)
		in->ack_due.ns = ns;
}

static void
count_delivered(struct hrp_stream *s, mono_t now)
{
	s->in.next++;
	s->stats.frames_in++;
	if (++s->in.unacked >= ACK_EVERY)
		send_ack(s, now);
	else
		ack_by(&s->in, now.ns + ACK_NS);
}

/* Deliver what has been kept, as far as it is in order and wanted. */
static uint32_t
deliver_kept(struct hrp_stream *s, mono_t now)
{
	struct in *in = &s->in;
	uint32_t n = 0;

	in->held = false;
	while (in->len[SLOT(in->next)] != 0) {
		const uint32_t seq = in->next;
		if (!s->p.deliver(s->p.ctx, in_bytes(s, seq), in->len[SLOT(seq)], now)) {
			in->held = true;
			break;
		}
		in->len[SLOT(seq)] = 0;
		count_delivered(s, now);
		n++;
	}
	return n;
}

static enum ha_refusal
receive_numbered(struct hrp_stream *s, const struct hrp_stream_head *head, uint32_t seq,
	const uint8_t *message, uint16_t len, mono_t now)
{
	const uint32_t first = rte_be_to_cpu_32(head->first);
	struct in *in = &s->in;

	if (!in->listening || rte_be_to_cpu_32(head->stream) != in->stream) {
		if (in->listening && !in->started &&
			in->ask_due.ns > in->asked_at.ns + ASK_AGAIN_NS)
			in->ask_due.ns = in->asked_at.ns + ASK_AGAIN_NS;
		return HA_REFUSED_sequence;
	}
	if (len > s->frame_bytes)
		return HA_REFUSED_field;
	s->stats.answers++;
	if (!in->started) {
		if (seq - first >= HRP_STREAM_WINDOW)
			return HA_REFUSED_sequence;
		in->started = true;
		in->first = in->next = first;
		in->ack_due = MONO_NEVER;
		in->acked_at = now;
	}
	if (first != in->first)
		return HA_REFUSED_sequence;

	const uint32_t ahead = seq - in->next;
	if (ahead >= HRP_STREAM_WINDOW) {
		if ((int32_t)ahead >= 0)
			return HA_REFUSED_sequence;
		s->stats.duplicates++; /* its acknowledgement was lost */
		ack_by(in, RTE_MAX(now.ns, in->acked_at.ns + ACK_GAP_NS));
		return HA_OK;
	}
	if (in->len[SLOT(seq)] != 0) {
		s->stats.duplicates++;
		return HA_OK;
	}
	if (ahead == 0 && s->p.deliver(s->p.ctx, message, len, now)) {
		count_delivered(s, now);
		deliver_kept(s, now);
		return HA_OK;
	}
	memcpy(in_bytes(s, seq), message, len);
	in->len[SLOT(seq)] = len;
	if (ahead == 0) {
		in->held = true;
	} else {
		s->stats.reordered++;
		ack_by(in, RTE_MAX(now.ns, in->acked_at.ns + ACK_GAP_NS));
	}
	return HA_OK;
}

void
hrp_stream_listen(struct hrp_stream *s, bool on, mono_t now)
{
	struct in *in = &s->in;

	if (in->listening == on)
		return;
	in->listening = on;
	in->started = in->held = false;
	in->unacked = 0;
	in->ack_due = MONO_NEVER;
	memset(in->len, 0, sizeof(in->len));
	if (on) {
		in->stream = next_random(s);
		in->ask_due = now;
	}
}

bool
hrp_stream_hears(const struct hrp_stream *s)
{
	return s->in.listening && s->in.started;
}

void
hrp_stream_result(struct hrp_stream *s, uint16_t module, const struct hrp_bulk *b)
{
	struct hrp_bulk r = *b;

	r.head = (struct hrp_stream_head){ .stream = rte_cpu_to_be_32(s->in.stream) };
	send_unnumbered(s, module, HRP_OP_RESULT, 0, &r, sizeof(r));
}

void
hrp_stream_checked(struct hrp_stream *s, uint16_t module, const struct hrp_part *p)
{
	struct hrp_part r = *p;

	r.head = (struct hrp_stream_head){ .stream = rte_cpu_to_be_32(s->in.stream) };
	send_unnumbered(s, module, HRP_OP_CHECKED, 0, &r, sizeof(r));
}

static uint32_t
poll_in(struct hrp_stream *s, mono_t now)
{
	struct in *in = &s->in;
	uint32_t n = 0;

	if (!in->listening)
		return 0;
	if (!in->started) {
		if (mono_before(now, in->ask_due))
			return 0;
		in->asked_at = now;
		in->ask_due = mono_add_ms(now, RTE_MIN(s->p.hello_ms, (uint32_t)ASK_MS));
		send_nack(s, in->stream, HRP_NACK_RESYNC);
		return 1;
	}
	if (in->held)
		n = deliver_kept(s, now) + 1;
	/* Also with nothing to say: a sender that lost the stream learns of it from this. */
	if (!mono_before(now, in->ack_due) ||
		!mono_before(now,
			mono_add_ms(in->acked_at, RTE_MIN(s->p.hello_ms, (uint32_t)KEEPALIVE_MS))))
		send_ack(s, now);
	return n;
}

/* ---- both ---- */

bool
hrp_stream_numbered(uint8_t op)
{
	return op == HRP_OP_ADD || op == HRP_OP_BULK_BEGIN || op == HRP_OP_BULK_END ||
	       op == HRP_OP_CHECK || op == HRP_OP_PART_BEGIN || op == HRP_OP_PART_END;
}

enum ha_refusal
hrp_stream_receive(struct hrp_stream *s, const uint8_t *message, uint16_t len, mono_t now)
{
	const uint8_t *body = message + HRP_STREAM_OVERHEAD - sizeof(struct hrp_stream_head);
	enum ha_refusal why = HA_REFUSED_field;
	struct hrp_stream_head head;
	struct hrp_header h;
	struct hrp_nack nack;
	struct hrp_bulk bulk;
	struct hrp_part part;

	memcpy(&h, message + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
	memcpy(&head, body, sizeof(head));
	const uint32_t seq = rte_be_to_cpu_32(h.sequence);
	if (hrp_stream_numbered(h.op))
		why = receive_numbered(s, &head, seq, message, len, now);
	switch (h.op) {
	case HRP_OP_ACK:
		why = receive_ack(s, rte_be_to_cpu_32(head.stream), seq, body + sizeof(head), now);
		break;
	case HRP_OP_NACK:
		memcpy(&nack, body, sizeof(nack));
		why = receive_nack(s, &nack, now);
		break;
	case HRP_OP_RESULT:
		memcpy(&bulk, body, sizeof(bulk));
		if (!s->out.open || rte_be_to_cpu_32(head.stream) != s->out.stream) {
			why = HA_REFUSED_sequence;
			break;
		}
		s->p.result(s->p.ctx, &bulk, now);
		return HA_OK;
	case HRP_OP_CHECKED:
		memcpy(&part, body, sizeof(part));
		if (!s->out.open || rte_be_to_cpu_32(head.stream) != s->out.stream) {
			why = HA_REFUSED_sequence;
			break;
		}
		s->p.checked(s->p.ctx, rte_be_to_cpu_16(h.dest_module), &part, now);
		return HA_OK;
	}
	if (why != HA_OK)
		s->stats.refused++;
	return why;
}

uint32_t
hrp_stream_poll(struct hrp_stream *s, mono_t now)
{
	return poll_in(s, now) + poll_out(s, now);
}

void
hrp_stream_lag(const struct hrp_stream *s, uint16_t module, struct hrp_stream_lag *lag)
{
	const struct out *o = &s->out;

	FW_ASSERT(module <= HRP_MODULE_LAST);
	*lag = (struct hrp_stream_lag){ .median_us = hrp_lag_median(&o->lag[module]) / NS_PER_US,
		.max_us = o->lag[module].max_ns / NS_PER_US,
		.resent = o->resent[module] };
	for (uint32_t seq = o->base; seq != o->next; seq++)
		lag->unacked += o->frame[SLOT(seq)].module == module;
}

uint32_t
hrp_stream_unacked(const struct hrp_stream *s)
{
	return s->out.next - s->out.base;
}

uint64_t
hrp_stream_lag_ns(const struct hrp_stream *s, mono_t now)
{
	const struct out *o = &s->out;
	const struct out_frame *oldest = &o->frame[SLOT(o->base)];

	if (!o->open)
		return 0;
	if (o->base != o->next)
		return oldest->sent.ns != 0 && now.ns > oldest->sent.ns ? now.ns - oldest->sent.ns
									: 0;
	return o->fill != 0 && now.ns > o->fill_since.ns ? now.ns - o->fill_since.ns : 0;
}

uint64_t
hrp_stream_rtt_ns(const struct hrp_stream *s)
{
	return s->out.srtt;
}

void
hrp_stream_stats(const struct hrp_stream *s, struct hrp_stream_stats *stats)
{
	*stats = s->stats;
}
