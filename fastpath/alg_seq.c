/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_seq.h"

#include "nat_rewrite.h"
#include "tcp_option.h"

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ip.h>

#include <string.h>

#define OPTION_NOP  1
#define OPTION_SACK 5
#define SACK_BLOCK  8
#define SACK_BLOCKS 4

/* Is a behind b?  Numbers wrap. */
static bool
behind(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* The shift behind edit i - 1, in front of edit i. */
static uint32_t
shift_at(const struct alg_seq *s, uint32_t i)
{
	return i < s->count ? s->edits[i].shift : s->shift;
}

void
alg_seq_start(struct alg_seq *s, uint32_t shift)
{
	s->shift = shift;
	s->count = 0;
	s->used = 0;
	s->has_floor = s->has_acked = false;
}

/* Its receiver has all of it. */
static bool
is_acked(const struct alg_seq *s, const struct alg_seq_edit *e)
{
	return s->has_acked && !behind(e->seq + e->shift + e->is, s->acked);
}

void
alg_seq_keep(const struct alg_seq *s, struct alg_seq_kept *kept)
{
	uint32_t first = s->count;

	while (first > 0 && s->count - first < ALG_SEQ_KEPT &&
		s->edits[first - 1].is <= ALG_SEQ_KEPT_TEXT && !is_acked(s, &s->edits[first - 1]))
		first--;
	kept->shift = s->shift;
	kept->floor = s->floor;
	kept->has_floor = s->has_floor;
	kept->count = (uint8_t)(s->count - first);
	if (first > 0) {
		kept->floor = s->edits[first - 1].seq + s->edits[first - 1].was;
		kept->has_floor = true;
	}
	for (uint32_t i = first; i < s->count; i++) {
		const struct alg_seq_edit *e = &s->edits[i];
		struct alg_seq_kept_edit *k = &kept->edits[i - first];

		k->seq = e->seq;
		k->shift = e->shift;
		k->was = e->was;
		k->is = e->is;
		memcpy(k->text, s->text + e->text, e->is);
	}
}

void
alg_seq_resume(struct alg_seq *s, const struct alg_seq_kept *kept)
{
	alg_seq_start(s, kept->shift);
	s->floor = kept->floor;
	s->has_floor = kept->has_floor;
}

bool
alg_seq_again(struct alg_seq *s, const struct alg_seq_kept_edit *k)
{
	const struct alg_seq_edit *last = s->count > 0 ? &s->edits[s->count - 1] : NULL;

	if (k->was == 0 || k->is > ALG_SEQ_KEPT_TEXT || s->count == ALG_SEQ_KEPT ||
		(last != NULL && behind(last->seq + last->was, k->seq)) ||
		(s->has_floor && behind(s->floor, k->seq)))
		return false;
	s->edits[s->count++] = (struct alg_seq_edit){
		.seq = k->seq, .shift = k->shift, .was = k->was, .is = k->is, .text = s->used
	};
	memcpy(s->text + s->used, k->text, k->is);
	s->used = (uint16_t)(s->used + k->is);
	return true;
}

static void
forget_oldest(struct alg_seq *s)
{
	const struct alg_seq_edit *e = &s->edits[0];
	const uint16_t bytes = e->is;

	s->floor = e->seq + e->was;
	s->has_floor = true;
	s->used = (uint16_t)(s->used - bytes);
	memmove(s->text, s->text + bytes, s->used);
	s->count--;
	memmove(&s->edits[0], &s->edits[1], s->count * sizeof(s->edits[0]));
	for (uint32_t i = 0; i < s->count; i++)
		s->edits[i].text = (uint16_t)(s->edits[i].text - bytes);
}

static bool
make_room(struct alg_seq *s, uint32_t bytes)
{
	while (s->count == ALG_SEQ_EDITS || s->used + bytes > ALG_SEQ_TEXT) {
		if (s->count == 0 || !is_acked(s, &s->edits[0]))
			return false;
		forget_oldest(s);
	}
	return true;
}

bool
alg_seq_edit(struct alg_seq *s, uint32_t seq, const char *old, uint32_t was, const char *text,
	uint32_t is)
{
	struct alg_seq_edit *e;

	if (was == is && memcmp(old, text, was) == 0)
		return true;
	/* What is the same on both ends is no part of it; a byte of the old text is left. */
	while (was > 1 && is > 0 && old[was - 1] == text[is - 1]) {
		was--;
		is--;
	}
	while (was > 1 && is > 0 && *old == *text) {
		old++;
		text++;
		seq++;
		was--;
		is--;
	}
	if (was == 0 || was > UINT16_MAX || !make_room(s, is))
		return false;
	e = &s->edits[s->count++];
	*e = (struct alg_seq_edit){ .seq = seq,
		.shift = s->shift,
		.was = (uint16_t)was,
		.is = (uint16_t)is,
		.text = s->used };
	memcpy(s->text + s->used, text, is);
	s->used = (uint16_t)(s->used + is);
	s->shift += is - was;
	return true;
}

void
alg_seq_acked(struct alg_seq *s, uint32_t ack)
{
	if (!s->has_acked || behind(ack, s->acked))
		s->acked = ack;
	s->has_acked = true;
}

/* Byte o of an edit, in the new text. */
static uint32_t
place(const struct alg_seq_edit *e, uint32_t o)
{
	return o >= e->was ? e->is : RTE_MIN(o, (uint32_t)e->is);
}

uint32_t
alg_seq_out(const struct alg_seq *s, uint32_t seq)
{
	for (uint32_t i = s->count; i > 0; i--) {
		const struct alg_seq_edit *e = &s->edits[i - 1];

		if (!behind(seq, e->seq))
			continue;
		if (seq - e->seq >= e->was)
			return seq + shift_at(s, i);
		return e->seq + e->shift + place(e, seq - e->seq);
	}
	return seq + shift_at(s, 0);
}

uint32_t
alg_seq_back(const struct alg_seq *s, uint32_t seq, bool up)
{
	for (uint32_t i = s->count; i > 0; i--) {
		const struct alg_seq_edit *e = &s->edits[i - 1];
		const uint32_t o = seq - (e->seq + e->shift);

		if ((int32_t)o < 0)
			continue;
		if (o >= e->is)
			return seq - shift_at(s, i);
		if (o < e->was)
			return e->seq + o;
		return e->seq + e->was - (up ? 0 : 1);
	}
	return seq - shift_at(s, 0);
}

uint32_t
alg_seq_stale(const struct alg_seq *s, uint32_t seq, uint32_t len)
{
	if (!s->has_floor || !behind(s->floor, seq))
		return 0;
	return RTE_MIN(s->floor - seq, len);
}

uint32_t
alg_seq_pieces(const struct alg_seq *s, uint32_t seq, uint32_t len,
	struct alg_seq_piece pieces[ALG_SEQ_EDITS])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct alg_seq_edit *e = &s->edits[i];
		const uint32_t end = e->seq + e->was;
		const uint32_t from = behind(seq, e->seq) ? seq : e->seq;
		const uint32_t to = behind(end, seq + len) ? seq + len : end;
		uint32_t first;

		if (!behind(to, from))
			continue;
		first = place(e, from - e->seq);
		pieces[n++] = (struct alg_seq_piece){ .at = from - seq,
			.was = to - from,
			.text = s->text + e->text + first,
			.is = place(e, to - e->seq) - first };
	}
	return n;
}

static uint16_t
header_sum(const struct rte_tcp_hdr *tcp)
{
	return rte_raw_cksum(tcp, (size_t)(tcp->data_off >> 4 << 2));
}

static void
sack_blocks(const struct alg_seq *s, uint8_t *option)
{
	for (uint8_t *at = option + 2; at < option + option[1]; at += SACK_BLOCK) {
		rte_be32_t edge[2];
		uint32_t left, right;

		memcpy(edge, at, sizeof(edge));
		left = alg_seq_back(s, rte_be_to_cpu_32(edge[0]), true);
		right = alg_seq_back(s, rte_be_to_cpu_32(edge[1]), false);
		if (!behind(right, left)) {
			memset(option, OPTION_NOP, option[1]);
			return;
		}
		edge[0] = rte_cpu_to_be_32(left);
		edge[1] = rte_cpu_to_be_32(right);
		memcpy(at, edge, sizeof(edge));
	}
}

void
alg_seq_ack(const struct alg_seq *s, struct rte_tcp_hdr *tcp)
{
	uint16_t before;

	if (!alg_seq_shifts(s))
		return;
	before = header_sum(tcp);
	tcp->recv_ack = rte_cpu_to_be_32(alg_seq_back(s, rte_be_to_cpu_32(tcp->recv_ack), false));
	for (uint8_t n = 1; n <= SACK_BLOCKS; n++) {
		uint8_t *option = tcp_option(tcp, OPTION_SACK, (uint8_t)(2 + n * SACK_BLOCK));

		if (option == NULL)
			continue;
		sack_blocks(s, option);
		break;
	}
	tcp->cksum = nat_sum_replace(tcp->cksum, before, header_sum(tcp));
}

void
alg_seq_set(struct rte_tcp_hdr *tcp, uint32_t seq)
{
	const uint16_t before = header_sum(tcp);

	tcp->sent_seq = rte_cpu_to_be_32(seq);
	tcp->cksum = nat_sum_replace(tcp->cksum, before, header_sum(tcp));
}
