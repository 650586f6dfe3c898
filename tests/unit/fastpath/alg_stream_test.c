/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A conversation over a bad wire: a client whose text is edited by the way, in segments of any
 * size, lost, repeated in other pieces, out of order.  Whatever happens, each message is read once
 * and whole, the server gets the text with every edit, and no byte of it ever changes once sent.
 */
#include "alg_stream.h"
#include "l4_sum.h"
#include "test_eal.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 65536
#define WIRE	 6
#define ROUNDS	 200
#define STEPS	 200000
#define SACKED	 5

static struct rte_mempool *pool;

struct wire {
	uint32_t count;
	struct rte_mbuf *m[WIRE];
};

struct world {
	uint32_t random;
	uint8_t family;
	bool edits;
	struct alg_streams *streams;
	struct alg_stream *stream;
	const struct alg *alg;
	/* the client: what it sends, and has */
	char text[TEXT_MAX];
	uint32_t len, isn, una, nxt;
	uint32_t mss;
	/* the server */
	char got[TEXT_MAX];
	bool has[TEXT_MAX];
	uint32_t ack; /* bytes in a row */
	bool fin;
	/* what it should get, and how much of the text has been read */
	char want[TEXT_MAX];
	uint32_t want_len, read;
	uint32_t edited, late, refused;
	struct wire there, back;
};

static uint32_t
dice(struct world *w, uint32_t n)
{
	w->random = w->random * UINT32_C(1664525) + UINT32_C(1013904223);
	return (w->random >> 8) % n;
}

static struct rte_mbuf *
segment(const struct world *w, struct pkt *p, const char *data, uint32_t len, uint32_t options)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	const uint16_t l3 = w->family == 6 ? 40 : 20;
	const uint32_t header = sizeof(struct rte_tcp_hdr) + options;
	char *frame;
	struct rte_tcp_hdr *tcp;

	assert_non_null(m);
	frame = rte_pktmbuf_append(m, (uint16_t)(14 + l3 + header + len));
	assert_non_null(frame);
	memset(frame, 0, 14 + l3 + header);
	*p = (struct pkt){ .m = m,
		.l3 = frame + 14,
		.l4_off = l3,
		.family = w->family,
		.proto = IPPROTO_TCP,
		.ip_len = l3 + header + len };
	if (w->family == 6) {
		p->ip6->vtc_flow = RTE_BE32(0x60000000);
		p->ip6->payload_len = rte_cpu_to_be_16((uint16_t)(header + len));
		p->ip6->proto = IPPROTO_TCP;
		memset(p->ip6->src_addr, 0x21, 32);
	} else {
		p->ip->version_ihl = 0x45;
		p->ip->total_length = rte_cpu_to_be_16((uint16_t)p->ip_len);
		p->ip->next_proto_id = IPPROTO_TCP;
		p->ip->src_addr = RTE_BE32(0x0a010101);
		p->ip->dst_addr = RTE_BE32(0xc801010a);
		p->ip->hdr_checksum = rte_ipv4_cksum(p->ip);
	}
	tcp = pkt_l4(p);
	tcp->data_off = (uint8_t)(header / 4 << 4);
	tcp->tcp_flags = TCP_ACK;
	if (len > 0)
		memcpy((char *)tcp + header, data, len);
	return m;
}

static void
seal(struct pkt *p)
{
	struct rte_tcp_hdr *tcp = pkt_l4(p);

	tcp->cksum = 0;
	tcp->cksum = p->family == 6 ? rte_ipv6_udptcp_cksum(p->ip6, tcp)
				    : rte_ipv4_udptcp_cksum(p->ip, tcp);
}

/* A packet as parse would find it. */
static void
reread(const struct world *w, struct rte_mbuf *m, struct pkt *p)
{
	*p = (struct pkt){ .m = m,
		.l3 = rte_pktmbuf_mtod_offset(m, void *, 14),
		.l4_off = w->family == 6 ? 40 : 20,
		.family = w->family,
		.proto = IPPROTO_TCP };
	p->ip_len = w->family == 6 ? 40U + rte_be_to_cpu_16(p->ip6->payload_len)
				   : rte_be_to_cpu_16(p->ip->total_length);
	assert_int_equal(m->data_len, 14 + p->ip_len);
	assert_int_equal(m->pkt_len, m->data_len);
	assert_true(l4_sum_good(p));
	if (w->family == 4)
		assert_int_equal(rte_raw_cksum(p->ip, 20), 0xffff);
}

/* Into a wire that is full: one is lost. */
static void
put(struct world *w, struct wire *wire, struct rte_mbuf *m)
{
	if (wire->count == WIRE) {
		const uint32_t i = dice(w, WIRE);

		rte_pktmbuf_free(wire->m[i]);
		wire->m[i] = wire->m[--wire->count];
	}
	wire->m[wire->count++] = m;
}

static struct rte_mbuf *
take(struct world *w, struct wire *wire)
{
	const uint32_t i = dice(w, 4) == 0 ? dice(w, wire->count) : 0;
	struct rte_mbuf *m = wire->m[i];

	memmove(&wire->m[i], &wire->m[i + 1], (--wire->count - i) * sizeof(m));
	return m;
}

/* What a PORT line becomes: shorter, longer, or as it is. */
static uint32_t
rewritten(const struct world *w, const struct alg_message *m, char *out, uint32_t size)
{
	static const rte_be32_t addrs[] = { RTE_BE32(0x01010101), RTE_BE32(0xc6c8c8c8),
		RTE_BE32(0x0a000001) };
	struct alg_endpoint to = { .given = true };

	to.addr = ip_addr_v4(addrs[m->seq % RTE_DIM(addrs)]);
	to.port = rte_cpu_to_be_16((uint16_t)(1024 + m->seq % 60000));
	return alg_rewrite(w->alg, m->text, m->len, &m->found, &to, out, size);
}

static void
box_forward(struct world *w, struct rte_mbuf *m, bool edited)
{
	struct alg_stream_segment s;
	struct alg_message message;
	struct pkt p;

	(void)edited;
	reread(w, m, &p);
	alg_stream_in(w->stream, 0, &p);
	alg_stream_enter(&s, w->streams, w->stream, w->alg, 0, &p, w->edits);
	while (alg_stream_next(&s, &message)) {
		char out[ALG_TEXT_MAX];
		uint32_t n = message.len;

		assert_int_equal(message.seq, w->isn + w->read);
		assert_true(w->read + message.len <= w->len);
		assert_memory_equal(message.text, w->text + w->read, message.len);
		assert_int_equal(message.text[message.len - 1], '\n');
		memcpy(out, message.text, n);
		if (message.found.count != 0 && w->edits) {
			n = rewritten(w, &message, out, sizeof(out));
			assert_true(n > 0);
			if (alg_stream_edit(&s, &message, out, n)) {
				w->edited++;
			} else if (message.editable) {
				w->refused++;
				continue;
			} else {
				w->late++;
				n = message.len;
				memcpy(out, message.text, n);
			}
		}
		w->read += message.len;
		memcpy(w->want + w->want_len, out, n);
		w->want_len += n;
	}
	assert_true(alg_stream_out(&s));
	put(w, &w->there, m);
}

static void
client_sends(struct world *w)
{
	uint32_t from, len;
	struct pkt p;
	struct rte_mbuf *m;
	struct rte_tcp_hdr *tcp;

	if (w->nxt < w->len && w->nxt - w->una < 4 * w->mss && dice(w, 3) != 0) {
		from = w->nxt;
		len = RTE_MIN(1 + dice(w, w->mss), w->len - from);
		w->nxt += len;
	} else {
		/* again: from what is missing, most of the time; sometimes what is not */
		from = dice(w, 3) != 0 || w->nxt == 0 ? w->una : dice(w, w->nxt);
		if (from == w->nxt && from == w->len && w->una < w->len)
			from = w->una;
		len = RTE_MIN(1 + dice(w, w->mss), w->nxt - from);
	}
	if (dice(w, 10) == 0)
		return; /* lost in front of us */
	m = segment(w, &p, w->text + from, len, 0);
	tcp = pkt_l4(&p);
	tcp->sent_seq = rte_cpu_to_be_32(w->isn + from);
	tcp->recv_ack = RTE_BE32(7);
	if (from + len == w->len)
		tcp->tcp_flags |= TCP_FIN;
	seal(&p);
	box_forward(w, m, w->edits);
}

static void
server_takes(struct world *w, struct rte_mbuf *m)
{
	struct pkt p;
	const struct rte_tcp_hdr *tcp;
	const char *data;
	uint32_t at, len;

	reread(w, m, &p);
	tcp = pkt_l4(&p);
	data = (const char *)(tcp + 1);
	len = pkt_l4_len(&p) - (uint32_t)sizeof(*tcp);
	at = rte_be_to_cpu_32(tcp->sent_seq) - w->isn;
	for (uint32_t i = 0; i < len; i++) {
		assert_true(at + i < TEXT_MAX);
		if (w->has[at + i] && w->got[at + i] != data[i])
			fail_msg("byte %u was '%c' and is '%c'", at + i, w->got[at + i], data[i]);
		w->has[at + i] = true;
		w->got[at + i] = data[i];
	}
	while (w->has[w->ack])
		w->ack++;
	if (tcp->tcp_flags & TCP_FIN && at + len == w->ack)
		w->fin = true;
	rte_pktmbuf_free(m);
}

/* An acknowledgement, with the first block behind a hole, when there is one. */
static void
server_acks(struct world *w)
{
	uint32_t left = w->ack, right, options = 0;
	struct rte_tcp_hdr *tcp;
	struct rte_mbuf *m;
	struct pkt p;
	uint8_t *at;

	while (left < TEXT_MAX && left < w->ack + 8192 && !w->has[left])
		left++;
	if (left < TEXT_MAX && w->has[left] && left > w->ack)
		options = 12;
	m = segment(w, &p, NULL, 0, options);
	tcp = pkt_l4(&p);
	tcp->recv_ack = rte_cpu_to_be_32(w->isn + w->ack + (w->fin ? 1 : 0));
	if (options != 0) {
		rte_be32_t edge[2];

		for (right = left; w->has[right]; right++)
			;
		edge[0] = rte_cpu_to_be_32(w->isn + left);
		edge[1] = rte_cpu_to_be_32(w->isn + right);
		at = (uint8_t *)(tcp + 1);
		memcpy(at, "\1\1\5\12", 4);
		memcpy(at + 4, edge, sizeof(edge));
	}
	seal(&p);
	put(w, &w->back, m);
}

static void
client_takes(struct world *w, struct rte_mbuf *m)
{
	struct alg_stream_segment s;
	struct alg_message message;
	struct rte_tcp_hdr *tcp;
	struct pkt p;
	uint32_t ack;

	reread(w, m, &p);
	alg_stream_in(w->stream, 1, &p);
	alg_stream_enter(&s, w->streams, w->stream, w->alg, 1, &p, w->edits);
	assert_false(alg_stream_next(&s, &message));
	assert_true(alg_stream_out(&s));
	reread(w, m, &p);
	tcp = pkt_l4(&p);
	ack = rte_be_to_cpu_32(tcp->recv_ack) - w->isn;
	if (ack == w->len + 1)
		ack = w->len;
	if ((int32_t)ack <= (int32_t)w->una) { /* old: nobody looks at it */
		rte_pktmbuf_free(m);
		return;
	}
	assert_true(ack <= w->nxt); /* never of what has not been sent */
	if (tcp->data_off >> 4 == 8 && *(uint8_t *)(tcp + 1) == 1 &&
		((uint8_t *)(tcp + 1))[2] == SACKED) {
		rte_be32_t edge[2];

		memcpy(edge, (uint8_t *)(tcp + 1) + 4, sizeof(edge));
		assert_true(
			rte_be_to_cpu_32(edge[0]) - w->isn < rte_be_to_cpu_32(edge[1]) - w->isn);
		assert_true(rte_be_to_cpu_32(edge[1]) - w->isn <= w->nxt);
		assert_true(rte_be_to_cpu_32(edge[0]) - w->isn >= ack);
	}
	w->una = ack;
	rte_pktmbuf_free(m);
}

static void
write_text(struct world *w)
{
	while (w->len < 3000) {
		char *at = w->text + w->len;
		const size_t room = TEXT_MAX - w->len;
		int n;

		switch (dice(w, 4)) {
		case 0:
			n = snprintf(at, room, "PORT 10,0,0,%u,%u,%u\r\n", 1 + dice(w, 200),
				4 + dice(w, 250), dice(w, 256));
			break;
		case 1:
			n = snprintf(at, room, "RETR file-%u\r\n", dice(w, 100000));
			break;
		case 2:
			n = snprintf(at, room, "NOOP\n");
			break;
		default:
			n = snprintf(at, room, "PORT 10,0,0,1,4,%u\n", dice(w, 256));
		}
		w->len += (uint32_t)n;
	}
}

static void
empty(struct wire *wire)
{
	while (wire->count > 0)
		rte_pktmbuf_free(wire->m[--wire->count]);
}

static void
converse(struct alg_streams *streams, uint32_t seed, bool edits, uint32_t *edited, uint32_t *late)
{
	struct world *w = calloc(1, sizeof(*w));
	struct rte_mbuf *syn;
	struct pkt p;
	uint32_t steps = 0;

	assert_non_null(w);
	w->random = seed * 7919 + 1;
	w->family = seed & 1 ? 6 : 4;
	w->edits = edits;
	w->streams = streams;
	w->alg = alg_of(ALG_FTP);
	w->stream = alg_stream_get(streams);
	assert_non_null(w->stream);
	w->mss = 10 + dice(w, 300);
	w->isn = dice(w, 2) == 0 ? UINT32_MAX - 700 : seed; /* numbers wrap */
	write_text(w);
	syn = segment(w, &p, NULL, 0, 0);
	((struct rte_tcp_hdr *)pkt_l4(&p))->sent_seq = rte_cpu_to_be_32(w->isn - 1);
	alg_stream_syn(w->stream, 0, &p);
	((struct rte_tcp_hdr *)pkt_l4(&p))->sent_seq = RTE_BE32(6);
	alg_stream_syn(w->stream, 1, &p);
	rte_pktmbuf_free(syn);
	while (w->una < w->len && steps++ < STEPS) {
		switch (dice(w, 4)) {
		case 0:
			client_sends(w);
			break;
		case 1:
			if (w->there.count > 0)
				server_takes(w, take(w, &w->there));
			break;
		case 2:
			server_acks(w);
			break;
		case 3:
			if (w->back.count > 0)
				client_takes(w, take(w, &w->back));
			break;
		}
	}
	if (w->una < w->len)
		fail_msg("seed %u: stands still at %u of %u", seed, w->una, w->len);
	assert_int_equal(w->read, w->len);
	assert_int_equal(w->ack, w->want_len);
	assert_memory_equal(w->got, w->want, w->want_len);
	assert_true(w->stream->lines[0].on);
	*edited += w->edited;
	*late += w->late;
	empty(&w->there);
	empty(&w->back);
	alg_stream_put(streams, w->stream);
	free(w);
}

static void
ALG02_ALG05_text_arrives_edited_over_a_bad_wire(void **state)
{
	struct alg_streams *streams = alg_streams_create(2, -1);
	uint32_t edited = 0, late = 0;

	(void)state;
	assert_non_null(streams);
	for (uint32_t seed = 0; seed < ROUNDS; seed++)
		converse(streams, seed, true, &edited, &late);
	print_message("%u messages edited, %u too late\n", edited, late);
	assert_true(edited > 50 * ROUNDS / 10);
	assert_int_equal(alg_streams_stats(streams).edited, edited);
	assert_int_equal(alg_streams_stats(streams).late, late);
	assert_int_equal(alg_streams_stats(streams).ended, 0);
	assert_int_equal(alg_streams_stats(streams).used, 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	alg_streams_destroy(streams);
}

static void
ALG05_text_is_read_once_over_a_bad_wire(void **state)
{
	struct alg_streams *streams = alg_streams_create(1, -1);
	uint32_t edited = 0, late = 0;

	(void)state;
	for (uint32_t seed = 0; seed < ROUNDS; seed++)
		converse(streams, seed + ROUNDS, false, &edited, &late);
	assert_int_equal(edited, 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	alg_streams_destroy(streams);
}

static void
a_session_that_finds_no_place_is_counted(void **state)
{
	struct alg_streams *streams = alg_streams_create(2, -1);
	struct alg_stream *a, *b;

	(void)state;
	a = alg_stream_get(streams);
	b = alg_stream_get(streams);
	assert_true(a != NULL && b != NULL && a != b);
	assert_ptr_equal(alg_stream_of(streams, a->id), a);
	assert_null(alg_stream_get(streams));
	assert_int_equal(alg_streams_stats(streams).none_free, 1);
	alg_stream_put(streams, a);
	assert_ptr_equal(alg_stream_get(streams), a);
	assert_false(a->lines[0].on);
	alg_streams_destroy(streams);
	alg_streams_destroy(NULL);
}

static void
a_session_taken_over_keeps_its_shift(void **state)
{
	struct alg_streams *streams = alg_streams_create(2, -1);
	struct alg_stream *mine = alg_stream_get(streams), *its = alg_stream_get(streams);
	const struct alg_seq_kept_edit edit = { .seq = 90, .shift = 1, .was = 2, .is = 3 };
	struct alg_stream_kept kept = { .lines = { { 50, true, true }, { 0, false, false } },
		.seq = { { .shift = 5 }, { .shift = (uint32_t)-3 } } };
	uint32_t mark;

	(void)state;
	assert_int_equal(alg_stream_resume(mine, alg_of(ALG_FTP), &kept), ALG_STREAM_DONE);
	assert_int_equal(alg_stream_again(mine, 0, &edit), ALG_STREAM_DONE);
	assert_int_equal(alg_stream_again(mine, 0, &edit), ALG_STREAM_WRONG); /* overlaps */
	memset(&kept, 0, sizeof(kept));
	assert_int_equal(alg_stream_keep(mine, &kept), ALG_STREAM_DONE);
	assert_int_equal(alg_stream_resume(its, alg_of(ALG_FTP), &kept), ALG_STREAM_DONE);
	assert_true(its->lines[0].on && !its->lines[1].on);
	assert_int_equal(alg_stream_mark(its), alg_stream_mark(mine));
	assert_int_equal(alg_seq_out(&its->seq[0], 100), 105);
	assert_int_equal(alg_seq_back(&its->seq[1], 100, false), 103);
	assert_int_equal(kept.seq[0].count, 1);

	/* what the peer must be told of shows in the mark */
	mark = alg_stream_mark(its);
	its->lines[0].next++;
	assert_int_not_equal(alg_stream_mark(its), mark);
	its->lines[0].next--;
	its->seq[1].shift++;
	assert_int_not_equal(alg_stream_mark(its), mark);
	its->seq[1].shift--;
	alg_lines_stop(&its->lines[0]);
	assert_int_not_equal(alg_stream_mark(its), mark);

	/* nobody waits for a worker */
	rte_spinlock_lock(&its->lock);
	assert_int_equal(alg_stream_keep(its, &kept), ALG_STREAM_BUSY);
	assert_int_equal(alg_stream_resume(its, alg_of(ALG_FTP), &kept), ALG_STREAM_BUSY);
	assert_int_equal(alg_stream_again(its, 0, &edit), ALG_STREAM_BUSY);
	rte_spinlock_unlock(&its->lock);
	alg_streams_destroy(streams);
}

static int
setup(void **state)
{
	(void)state;
	test_eal_start(256, 1);
	pool = rte_pktmbuf_pool_create("text", 255, 0, 0, 2048, SOCKET_ID_ANY);
	return pool != NULL ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ALG02_ALG05_text_arrives_edited_over_a_bad_wire),
		cmocka_unit_test(ALG05_text_is_read_once_over_a_bad_wire),
		cmocka_unit_test(a_session_taken_over_keeps_its_shift),
		cmocka_unit_test(a_session_that_finds_no_place_is_counted),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
