/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments: pieces of a few datagrams in any order, good and bad, whole and overlapping, at two
 * workers, while time passes.  Input: operations of a byte each, with the bytes they ask for.
 *
 * The pieces are cut from packets with right checksums, so that what is put together in the right
 * way is permitted, opens sessions, and is answered.
 */
#include "frag_table.h"
#include "frame.h"
#include "fuzz.h"

#include <string.h>

#define PIECES 64 /* of one input */

enum choice {
	TEMPLATE = 7, /* its number; behind the last one: time passes */
	MORE = 8,     /* the more-fragments bit is turned round */
	SECOND_WORKER = 16,
	SPLIT = 32,   /* one more byte: where */
	ODD = 64,     /* one more byte: enum odd, and what that asks for */
	UNTRUST = 128 /* it comes in on the other side */
};

enum odd {
	HOP_BY_HOP = 1,
	FAR = 2,      /* one more byte: how far from the end of all offsets */
	DAMAGE = 4,   /* two more bytes: where and what */
	WITH_NEXT = 8 /* in one burst with the next piece */
};

static const struct {
	enum frame_kind kind;
	uint8_t proto, flags, type, ihl;
	bool six, own;
} kinds[] = {
	{ FRAME_UDP, 17, 0, 0, 0, false, false },
	{ FRAME_TCP, 6, 2, 0, 0, false, false },
	{ FRAME_ICMP, 1, 0, 8, 0, false, true },
	{ FRAME_UDP, 17, 0, 0, 6, false, false },
	{ FRAME_UDP, 17, 0, 0, 0, true, false },
	{ FRAME_ICMP6, 58, 0, 128, 0, true, true },
};

static struct {
	uint8_t bytes[FRAME_MAX];
	size_t len;
} templates[RTE_DIM(kinds)];

const uint16_t fuzz_workers = 2;

void
fuzz_start(struct engine_box *b)
{
	const struct rte_ether_addr src = { { 2, 0, 0, 0, 0, 1 } };

	for (unsigned int i = 0; i < RTE_DIM(kinds); i++) {
		struct frame_spec f = { .kind = kinds[i].kind,
			.proto = kinds[i].proto,
			.flags = kinds[i].flags,
			.type = kinds[i].type,
			.ihl = kinds[i].ihl,
			.len = 100,
			.ttl = 64,
			.udp_len = -1,
			.ip_len = -1,
			.wscale = 0xff,
			.id = 7,
			.sport = 4000,
			.dport = 53,
			.src = ip_addr_v4(RTE_BE32(BOX_IPV4(10, 1, 1, 10))),
			.dst = ip_addr_v4(kinds[i].own ? engine_box_address(b, BOX_TRUST)
						       : RTE_BE32(BOX_IPV4(200, 1, 1, 10))) };

		if (kinds[i].six) {
			frame_address_to6(&f.src);
			frame_address_to6(&f.dst);
		}
		templates[i].len =
			frame_build(&f, &b->ports[BOX_TRUST].mac, &src, templates[i].bytes);
	}
	b->fragments.most = 16;
	b->defences &= ~DEFENCE_BIT(ip_options);
	engine_box_publish(b);
}

static void
damage(struct fuzz_input *in, uint8_t *frame, size_t len)
{
	frame[RTE_ETHER_HDR_LEN + fuzz_byte(in) % (len - RTE_ETHER_HDR_LEN)] ^= fuzz_byte(in);
}

/* => false: it waits for the next one. */
static bool
piece(struct engine_box *b, struct fuzz_input *in, uint8_t choice)
{
	const unsigned int t = choice & TEMPLATE;
	const uint8_t where = fuzz_byte(in); /* two bits of identification, then the offset */
	struct frame_piece p = {
		.offset = (where & 63u) * 8, .len = fuzz_byte(in), .id = where >> 6, .ttl = 64
	};
	const size_t split = choice & SPLIT ? fuzz_byte(in) : 0;
	const uint8_t odd = choice & ODD ? fuzz_byte(in) : 0;
	const uint16_t port = choice & UNTRUST ? BOX_UNTRUST : BOX_TRUST;
	uint8_t frame[FRAME_MAX];
	size_t len;

	p.more = frame_cut_at(templates[t].bytes) + p.offset + p.len < templates[t].len;
	if (choice & MORE)
		p.more = !p.more;
	p.hop = odd & HOP_BY_HOP;
	if (odd & FAR)
		p.offset = 65528 - fuzz_byte(in) * 8u;
	len = frame_cut(templates[t].bytes, templates[t].len, &p, frame);
	memcpy(frame, &b->ports[port].mac, sizeof(b->ports[port].mac));
	if (odd & DAMAGE)
		damage(in, frame, len);
	fuzz_feed(b, port, choice & SECOND_WORKER ? 1 : 0, frame, len, split, 0);
	return !(odd & WITH_NEXT);
}

static void
table_agrees(const struct engine_box *b)
{
	struct worker_stats s;
	struct frag_stats f;

	frag_table_stats(engine_fragments(b->engine), &f);
	engine_stats(b->engine, &s);
	FUZZ_CHECK(f.fragments == s.held, "%lu fragments in the table, %lu are held", f.fragments,
		s.held);
	FUZZ_CHECK(f.datagrams <= f.max_datagrams && f.buffers <= f.max_buffers,
		"%lu datagrams and %lu buffers in the table", f.datagrams, f.buffers);
}

void
fuzz_one(struct engine_box *b, struct fuzz_input *in)
{
	struct worker_stats s;

	for (unsigned int i = 0; in->at < in->size && i < PIECES; i++) {
		const uint8_t choice = fuzz_byte(in);
		bool run = true;

		if ((choice & TEMPLATE) < RTE_DIM(kinds))
			run = piece(b, in, choice);
		else
			b->now = mono_add_ms(b->now, fuzz_byte(in) * 200u);
		if (run) {
			fuzz_run(b);
			table_agrees(b);
		}
	}
	fuzz_run(b);
	fuzz_age(b);
	fuzz_run(b);
	engine_stats(b->engine, &s);
	FUZZ_CHECK(s.held == 0, "%lu fragments are held after all timers", s.held);
}
