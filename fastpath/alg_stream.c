/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_stream.h"

#include "check.h"
#include "nat_rewrite.h"

#include <rte_malloc.h>

#include <stdatomic.h>

enum count { ENDED, MESSAGES, EDITED, LATE, CUT, UNREADABLE, COUNTS };

struct alg_streams {
	rte_spinlock_t lock; /* of the list of free places */
	uint32_t places, used, free;
	uint64_t none_free;
	_Atomic(uint64_t) counts[COUNTS];
	struct alg_stream stream[];
};

static void
count(struct alg_streams *s, enum count what)
{
	atomic_fetch_add_explicit(&s->counts[what], 1, memory_order_relaxed);
}

struct alg_streams *
alg_streams_create(uint32_t places, int socket)
{
	struct alg_streams *s = rte_zmalloc_socket("alg_streams",
		sizeof(*s) + places * sizeof(s->stream[0]), RTE_CACHE_LINE_SIZE, socket);

	if (s == NULL)
		return NULL;
	rte_spinlock_init(&s->lock);
	s->places = places;
	s->free = places > 0 ? 0 : ALG_STREAM_NONE;
	for (uint32_t i = 0; i < places; i++) {
		rte_spinlock_init(&s->stream[i].lock);
		s->stream[i].id = i;
		s->stream[i].next_free = i + 1 < places ? i + 1 : ALG_STREAM_NONE;
	}
	return s;
}

void
alg_streams_destroy(struct alg_streams *s)
{
	rte_free(s);
}

struct alg_streams_stats
alg_streams_stats(struct alg_streams *s)
{
	uint64_t none_free;
	uint32_t used;

	rte_spinlock_lock(&s->lock);
	used = s->used;
	none_free = s->none_free;
	rte_spinlock_unlock(&s->lock);
	return (struct alg_streams_stats){ .used = used,
		.places = s->places,
		.none_free = none_free,
		.ended = s->counts[ENDED],
		.messages = s->counts[MESSAGES],
		.edited = s->counts[EDITED],
		.late = s->counts[LATE],
		.cut = s->counts[CUT],
		.unreadable = s->counts[UNREADABLE] };
}

struct alg_stream *
alg_stream_get(struct alg_streams *s)
{
	struct alg_stream *stream = NULL;

	rte_spinlock_lock(&s->lock);
	if (s->free == ALG_STREAM_NONE) {
		s->none_free++;
	} else {
		stream = &s->stream[s->free];
		s->free = stream->next_free;
		s->used++;
	}
	rte_spinlock_unlock(&s->lock);
	if (stream == NULL)
		return NULL;
	for (unsigned int dir = 0; dir < 2; dir++) {
		alg_lines_stop(&stream->lines[dir]);
		alg_seq_start(&stream->seq[dir], 0);
	}
	return stream;
}

enum alg_stream_verdict
alg_stream_keep(struct alg_stream *stream, struct alg_stream_kept *kept)
{
	if (rte_spinlock_trylock(&stream->lock) == 0)
		return ALG_STREAM_BUSY;
	for (unsigned int dir = 0; dir < 2; dir++) {
		kept->lines[dir] = alg_lines_place(&stream->lines[dir]);
		alg_seq_keep(&stream->seq[dir], &kept->seq[dir]);
	}
	rte_spinlock_unlock(&stream->lock);
	return ALG_STREAM_DONE;
}

enum alg_stream_verdict
alg_stream_resume(
	struct alg_stream *stream, const struct alg *alg, const struct alg_stream_kept *kept)
{
	if (rte_spinlock_trylock(&stream->lock) == 0)
		return ALG_STREAM_BUSY;
	for (unsigned int dir = 0; dir < 2; dir++) {
		alg_lines_resume(&stream->lines[dir], alg, &kept->lines[dir]);
		alg_seq_resume(&stream->seq[dir], &kept->seq[dir]);
	}
	rte_spinlock_unlock(&stream->lock);
	return ALG_STREAM_DONE;
}

enum alg_stream_verdict
alg_stream_again(struct alg_stream *stream, unsigned int dir, const struct alg_seq_kept_edit *edit)
{
	bool follows;

	if (rte_spinlock_trylock(&stream->lock) == 0)
		return ALG_STREAM_BUSY;
	follows = alg_seq_again(&stream->seq[dir], edit);
	rte_spinlock_unlock(&stream->lock);
	return follows ? ALG_STREAM_DONE : ALG_STREAM_WRONG;
}

uint32_t
alg_stream_mark(const struct alg_stream *stream)
{
	uint32_t mark = 0;

	for (unsigned int dir = 0; dir < 2; dir++) {
		const struct alg_lines_place at = alg_lines_place(&stream->lines[dir]);

		/* Numbers only grow, so two changes do not cancel out each other. */
		mark = (mark + at.next + stream->seq[dir].shift) * UINT32_C(0x9e3779b1) +
		       (uint32_t)at.on * 2 + at.known;
	}
	return mark;
}

struct alg_stream *
alg_stream_of(struct alg_streams *s, uint32_t id)
{
	FW_ASSERT(id < s->places);
	return &s->stream[id];
}

void
alg_stream_put(struct alg_streams *s, struct alg_stream *stream)
{
	rte_spinlock_lock(&s->lock);
	FW_ASSERT(s->used > 0);
	stream->next_free = s->free;
	s->free = stream->id;
	s->used--;
	rte_spinlock_unlock(&s->lock);
}

void
alg_stream_in(struct alg_stream *stream, unsigned int dir, struct pkt *p)
{
	alg_seq_ack(&stream->seq[!dir], pkt_l4(p));
}

void
alg_stream_syn(struct alg_stream *stream, unsigned int dir, const struct pkt *p)
{
	const struct rte_tcp_hdr *tcp = pkt_l4(p);

	alg_lines_start(&stream->lines[dir], rte_be_to_cpu_32(tcp->sent_seq) + 1);
	alg_seq_start(&stream->seq[dir], 0);
}

/* What the other side has sent has come this far. */
static void
acked(struct alg_streams *streams, struct alg_stream *stream, unsigned int dir,
	const struct rte_tcp_hdr *tcp)
{
	const uint32_t ack = rte_be_to_cpu_32(tcp->recv_ack);

	if (!(tcp->tcp_flags & TCP_ACK))
		return;
	alg_seq_acked(&stream->seq[dir], alg_seq_out(&stream->seq[dir], ack));
	if (!alg_lines_acked(&stream->lines[dir], ack))
		count(streams, ENDED);
}

void
alg_stream_enter(struct alg_stream_segment *s, struct alg_streams *streams,
	struct alg_stream *stream, const struct alg *alg, unsigned int dir, struct pkt *p,
	bool edits)
{
	const struct rte_tcp_hdr *tcp = pkt_l4(p);

	*s = (struct alg_stream_segment){
		.streams = streams, .stream = stream, .p = p, .alg = alg, .dir = dir
	};
	acked(streams, stream, !dir, tcp);
	s->text.seq = rte_be_to_cpu_32(tcp->sent_seq);
	s->text.edits = edits;
	s->text.data = alg_edit_payload(p, &s->text.len);
	tcp = pkt_l4(p);
	if (s->text.data == NULL) {
		const uint32_t header = tcp->data_off >> 4 << 2;

		s->text.len = s->text.keep = s->text.at = pkt_l4_len(p) - header;
		count(streams, UNREADABLE);
		return;
	}
	alg_lines_enter(&stream->lines[dir], &s->text);
}

bool
alg_stream_next(struct alg_stream_segment *s, struct alg_message *m)
{
	struct alg_lines *lines = &s->stream->lines[s->dir];
	const bool on = lines->on;

	if (alg_lines_next(lines, s->alg, s->dir, &s->text, m)) {
		count(s->streams, MESSAGES);
		return true;
	}
	if (on && !lines->on)
		count(s->streams, ENDED);
	return false;
}

bool
alg_stream_edit(
	struct alg_stream_segment *s, const struct alg_message *m, const char *text, uint32_t len)
{
	if (!m->editable) {
		count(s->streams, LATE);
		return false;
	}
	/* The first of a segment may grow as it likes. */
	if (s->growth != 0 && len > m->len && s->growth + len - m->len > ALG_GROWTH_MAX) {
		alg_lines_refuse(&s->stream->lines[s->dir], &s->text, m);
		return false;
	}
	if (!alg_seq_edit(&s->stream->seq[s->dir], m->seq, m->text, m->len, text, len)) {
		alg_lines_refuse(&s->stream->lines[s->dir], &s->text, m);
		return false;
	}
	s->growth += len > m->len ? len - m->len : 0;
	count(s->streams, EDITED);
	return true;
}

/* Replace from behind, so that the places in front stay good. */
static bool
edit_payload(const struct alg_stream_segment *s, uint32_t stale)
{
	struct alg_seq_piece pieces[ALG_SEQ_EDITS];
	const struct alg_seq *seq = &s->stream->seq[s->dir];
	uint32_t n = alg_seq_pieces(seq, s->text.seq + stale, s->text.keep - stale, pieces);
	struct alg_edit edit;
	bool room = true;

	if (n == 0 && stale == 0 && s->text.keep == s->text.len)
		return true;
	if (s->text.data == NULL)
		return false;
	alg_edit_begin(&edit, s->p);
	alg_edit_replace(&edit, s->text.keep, s->text.len - s->text.keep, "", 0);
	for (; n > 0 && room; n--) {
		const struct alg_seq_piece *piece = &pieces[n - 1];

		room = alg_edit_replace(
			&edit, stale + piece->at, piece->was, piece->text, piece->is);
	}
	alg_edit_replace(&edit, 0, stale, "", 0);
	alg_edit_end(&edit);
	return room;
}

/* Not all of the payload goes: what ends it does not go either. */
static void
clear_fin(struct rte_tcp_hdr *tcp)
{
	const uint8_t before = tcp->tcp_flags;

	tcp->tcp_flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	tcp->cksum = nat_sum_replace(
		tcp->cksum, rte_cpu_to_be_16(before), rte_cpu_to_be_16(tcp->tcp_flags));
}

bool
alg_stream_out(struct alg_stream_segment *s)
{
	const struct alg_seq *seq = &s->stream->seq[s->dir];
	const uint32_t stale = alg_seq_stale(seq, s->text.seq, s->text.keep);
	struct rte_tcp_hdr *tcp;
	uint32_t out;

	if (s->text.keep < s->text.len) {
		count(s->streams, CUT);
		clear_fin(pkt_l4(s->p));
	}
	if (s->text.keep == s->text.len && !alg_seq_shifts(seq))
		return true;
	if (!edit_payload(s, stale))
		return false;
	tcp = pkt_l4(s->p);
	out = alg_seq_out(seq, s->text.seq + stale);
	/* Nothing but history: an old number makes the receiver say again what it has. */
	if (stale != 0 && stale == s->text.len && !(tcp->tcp_flags & TCP_FIN))
		out--;
	if (out != s->text.seq)
		alg_seq_set(tcp, out);
	return true;
}
