/* SPDX-License-Identifier: BSD-3-Clause */
#include "generate.h"

#include "record.h"

#include <rte_common.h>

#include <string.h>

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define URG 0x20

/* One side as it sees itself: what it has sent, and what of it the other has acknowledged. */
struct side {
	uint32_t isn, next, acked;
	uint16_t window;
	uint8_t wscale; /* 0xff: not offered */
	bool fin;
};

enum phase { NOTHING, SYN_SENT, ANSWERED, OPEN, OVER };

struct gen {
	struct list *l;
	uint64_t random;
	struct side side[2];
	enum phase phase;
};

/* splitmix64 */
static uint32_t
rnd(struct gen *g, uint32_t n)
{
	uint64_t z = (g->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

static struct packet *
add(struct gen *g, unsigned int from, enum frame_kind kind, const char *label)
{
	struct list *l = g->l;
	struct packet *p = &l->packet[l->count < LIST_MAX ? l->count++ : LIST_MAX - 1];

	*p = (struct packet){ .from = from, .label = label };
	p->f = (struct frame_spec){ .kind = kind,
		.proto = l->proto,
		.ttl = 64,
		.wscale = 0xff,
		.window = 65535,
		.udp_len = -1,
		.ip_len = -1,
		.src = ip_addr_v4(rte_cpu_to_be_32(from == 0 ? l->client : l->server)),
		.dst = ip_addr_v4(rte_cpu_to_be_32(from == 0 ? l->server : l->client)),
		.sport = from == 0 ? l->sport : l->dport,
		.dport = from == 0 ? l->dport : l->sport };
	return p;
}

static struct packet *
tcp(struct gen *g, unsigned int d, uint8_t flags, uint32_t seq, uint32_t ack, uint16_t len,
	const char *label)
{
	struct packet *p = add(g, d, FRAME_TCP, label);

	p->f.flags = flags;
	p->f.seq = seq;
	p->f.ack = flags & ACK ? ack : 0;
	p->f.len = len;
	p->f.window = g->side[d].window;
	if (flags & SYN)
		p->f.wscale = g->side[d].wscale;
	return p;
}

/* Dishonest segments: offsets from what the side would send next, and would acknowledge. */
enum base { NEXT, ZERO, INITIAL };

struct mutation {
	const char *label;
	uint8_t flags;
	enum base base;
	int32_t seq, ack;
	uint16_t len;
};

// clang-format off
static const struct mutation mutations[] = {
	{ "rst exact",            RST,       NEXT, 0, 0, 0 },
	{ "rst-ack exact",        RST | ACK, NEXT, 0, 0, 0 },
	{ "rst + 1",              RST,       NEXT, 1, 0, 0 },
	{ "rst - 1",              RST,       NEXT, -1, 0, 0 },
	{ "rst in window",        RST,       NEXT, 700, 0, 0 },
	{ "rst in old data",      RST,       NEXT, -700, 0, 0 },
	{ "rst far ahead",        RST,       NEXT, 0x50000000, 0, 0 },
	{ "rst seq 0",            RST,       ZERO, 0, 0, 0 },
	{ "rst-ack seq 0",        RST | ACK, ZERO, 0, 0, 0 },
	{ "ack of 1 not sent",    ACK,       NEXT, 0, 1, 0 },
	{ "ack of much not sent", ACK,       NEXT, 0, 100000, 0 },
	{ "data, ack not sent",   ACK | PSH, NEXT, 0, 1, 20 },
	{ "ack 1 older",          ACK,       NEXT, 0, -1, 0 },
	{ "ack 1000 older",       ACK,       NEXT, 0, -1000, 0 },
	{ "ack 70000 older",      ACK,       NEXT, 0, -70000, 0 },
	{ "ack 300 M older",      ACK,       NEXT, 0, -300000000, 0 },
	{ "data beyond window",   ACK,       NEXT, 0x50000000, 0, 100 },
	{ "data far behind",      ACK,       NEXT, -0x30000000, 0, 100 },
	{ "data 100 behind",      ACK,       NEXT, -100, 0, 100 },
	{ "data half behind",     ACK,       NEXT, -50, 0, 100 },
	{ "data behind a hole",   ACK,       NEXT, 500, 0, 100 },
	{ "ack 1 behind",         ACK,       NEXT, -1, 0, 0 },
	{ "byte 1 behind",        ACK,       NEXT, -1, 0, 1 },
	{ "syn higher",           SYN,       NEXT, 123456789, 0, 0 },
	{ "syn lower",            SYN,       NEXT, -123456789, 0, 0 },
	{ "syn in window",        SYN,       NEXT, 300, 0, 0 },
	{ "syn again",            SYN,       INITIAL, 0, 0, 0 },
	{ "syn-ack again",        SYN | ACK, INITIAL, 0, 0, 0 },
	{ "syn-ack, ack wrong",   SYN | ACK, INITIAL, 0, -9999, 0 },
	{ "syn-ack, other isn",   SYN | ACK, INITIAL, 7777, 0, 0 },
	{ "fin beyond window",    FIN | ACK, NEXT, 0x50000000, 0, 0 },
	{ "fin behind a hole",    FIN | ACK, NEXT, 500, 0, 0 },
	{ "no flags",             0,         NEXT, 0, 0, 0 },
	{ "xmas",                 FIN | PSH | URG, NEXT, 0, 0, 0 },
	{ "syn-fin",              SYN | FIN, NEXT, 0, 0, 0 },
	{ "syn-rst",              SYN | RST, NEXT, 0, 0, 0 },
	{ "fin without ack",      FIN,       NEXT, 0, 0, 0 },
	{ "urgent",               ACK | URG, NEXT, 0, 0, 0 },
};
// clang-format on

/* An ICMP error to `to` about the last packet it sent. */
static void
icmp_error(struct gen *g, unsigned int to)
{
	static const struct {
		const char *label;
		uint8_t type, code;
	} kinds[] = { { "unreachable", 3, 1 }, { "port unreachable", 3, 3 },
		{ "fragmentation needed", 3, 4 }, { "time exceeded", 11, 0 }, { "redirect", 5, 1 },
		{ "parameter problem", 12, 0 } };
	const unsigned int kind = rnd(g, RTE_DIM(kinds));
	const struct packet *about = NULL;
	struct packet *p;

	for (unsigned int i = 0; i < g->l->count; i++) {
		if (g->l->packet[i].from == to && g->l->packet[i].f.quote == NULL)
			about = &g->l->packet[i];
	}
	if (about == NULL)
		return;
	p = add(g, !to, FRAME_ICMP, kinds[kind].label);
	p->f.proto = 1;
	p->f.type = kinds[kind].type;
	p->f.code = kinds[kind].code;
	p->quote = about->f;
	p->f.quote = &p->quote;
	switch (rnd(g, 12)) {
	case 0:
		p->label = "error, unknown flow";
		p->quote.dport ^= 0x5555;
		p->quote.id ^= 0x5555;
		break;
	case 1:
		p->label = "error, cut quote";
		p->f.len = 24;
		p->f.len_given = true;
		break;
	case 2:
		p->label = "error, wrong checksum";
		p->f.bad_l4_sum = true;
		break;
	case 3:
		if (p->quote.kind == FRAME_TCP) {
			p->label = "error, number not in flight";
			p->quote.seq += 0x50000000;
		}
		break;
	case 4:
		p->label = "error, not to the sender";
		if (to == 0)
			p->f.dst.v4 = rte_cpu_to_be_32(rte_be_to_cpu_32(p->f.dst.v4) + 1);
		break;
	default:
		break;
	}
}

static void
mutate(struct gen *g)
{
	const struct mutation *m = &mutations[rnd(g, RTE_DIM(mutations))];
	const unsigned int d = rnd(g, 2);
	const struct side *s = &g->side[d];
	const uint32_t from = m->base == NEXT ? s->next : m->base == INITIAL ? s->isn : 0;
	struct packet *p;

	p = tcp(g, d, m->flags, from + (uint32_t)m->seq, g->side[!d].next + (uint32_t)m->ack,
		m->len, m->label);
	if (rnd(g, 30) == 0 && g->phase != OPEN) {
		p->label = "wrong checksum";
		p->f.bad_l4_sum = true;
	}
}

/* What is acknowledged now. */
static void
ack_all(struct gen *g, unsigned int d)
{
	g->side[!d].acked = g->side[!d].next;
}

static void
opening(struct gen *g)
{
	struct side *c = &g->side[0], *s = &g->side[1];
	const uint32_t n = rnd(g, 20);

	if (g->phase == NOTHING) {
		tcp(g, 0, SYN, c->isn, 0, 0, "syn");
		c->next = c->isn + 1;
		g->phase = SYN_SENT;
	} else if (g->phase == SYN_SENT && n < 14) {
		tcp(g, 1, SYN | ACK, s->isn, c->next, 0, "syn-ack");
		s->next = s->isn + 1;
		ack_all(g, 1);
		g->phase = ANSWERED;
	} else if (g->phase == SYN_SENT && n < 16) {
		tcp(g, 1, RST | ACK, 0, c->next, 0, "refused");
		g->phase = OVER;
	} else if (g->phase == SYN_SENT && n < 17) {
		tcp(g, 1, SYN, s->isn, 0, 0, "syn crossing");
		s->next = s->isn + 1;
		tcp(g, 0, SYN | ACK, c->isn, s->next, 0, "syn-ack crossing");
		tcp(g, 1, SYN | ACK, s->isn, c->next, 0, "syn-ack crossing");
		ack_all(g, 0);
		ack_all(g, 1);
		g->phase = OPEN;
	} else if (g->phase == SYN_SENT) {
		tcp(g, 0, SYN, c->isn, 0, 0, "syn again");
	} else if (n < 16) {
		tcp(g, 0, ACK, c->next, s->next, 0, "third ack");
		ack_all(g, 0);
		g->phase = OPEN;
	} else if (n < 18) {
		tcp(g, 1, SYN | ACK, s->isn, c->next, 0, "syn-ack again");
	} else {
		tcp(g, 0, ACK | PSH, c->next, s->next, 50, "third ack with data");
		c->next += 50;
		ack_all(g, 0);
		g->phase = OPEN;
	}
}

/* Room the other side has offered, without its scale: always inside the window. */
static bool
room(const struct gen *g, unsigned int d, uint32_t len)
{
	return g->side[d].next - g->side[d].acked + len <= g->side[!d].window;
}

static void
conversation(struct gen *g)
{
	const unsigned int d = rnd(g, 2);
	struct side *a = &g->side[d], *b = &g->side[!d];
	const uint16_t len = (uint16_t)(1 + rnd(g, 1400));
	const uint32_t n = rnd(g, 100);

	if (n < 40 && !a->fin && room(g, d, len)) {
		tcp(g, d, ACK | PSH, a->next, b->next, len, "data");
		a->next += len;
		ack_all(g, d);
	} else if (n < 65) {
		tcp(g, d, ACK, a->next, b->next, 0, "ack");
		ack_all(g, d);
	} else if (n < 75 && !a->fin && a->next - a->isn > 1 + (uint32_t)len) {
		tcp(g, d, ACK, a->next - len, b->next, len, "data again");
	} else if (n < 78 && a->fin) {
		tcp(g, d, FIN | ACK, a->next - 1, b->next, 0, "fin again");
	} else if (n < 90 && !a->fin) {
		tcp(g, d, FIN | ACK, a->next, b->next, 0, "fin");
		a->next++;
		a->fin = true;
		ack_all(g, d);
	} else if (n < 94) {
		tcp(g, d, RST | ACK, a->next, b->next, 0, "abort");
		g->phase = OVER;
	} else if (n < 97) {
		tcp(g, d, ACK, a->next, b->next, 0, "window closed")->f.window = 0;
	}
	if (a->fin && b->fin && a->acked == a->next && b->acked == b->next)
		g->phase = OVER;
}

/* After the end: the same ports again, with a higher or a lower number. */
static void
again(struct gen *g)
{
	const bool higher = rnd(g, 2);

	g->side[0].isn = g->side[0].next + (higher ? 1 : (uint32_t)-1) * (1000 + rnd(g, 1 << 20));
	g->side[1].isn += 50000 + rnd(g, 1 << 20);
	g->side[0].next = g->side[0].acked = g->side[0].isn + 1;
	g->side[1].next = g->side[1].acked = g->side[1].isn;
	g->side[0].fin = g->side[1].fin = false;
	tcp(g, 0, SYN, g->side[0].isn, 0, 0, higher ? "new syn, higher" : "new syn, lower");
	g->phase = SYN_SENT;
}

static void
tcp_list(struct gen *g)
{
	static const uint8_t scales[] = { 0xff, 0, 2, 7, 7, 7, 10, 14 };
	const unsigned int steps = 6 + rnd(g, 20);
	const uint32_t honesty = rnd(g, 4) == 0 ? 100 : 70;

	for (unsigned int d = 0; d < 2; d++) {
		struct side *s = &g->side[d];

		s->isn = rnd(g, 8) == 0 ? 0 - rnd(g, 2000) : rnd(g, UINT32_MAX);
		s->next = s->acked = s->isn;
		s->window = (uint16_t)(8000 + rnd(g, 57000));
		s->wscale = scales[rnd(g, RTE_DIM(scales))];
	}
	/* A few begin in the middle. */
	if (rnd(g, 20) == 0)
		mutate(g);
	while (g->l->count < steps) {
		const uint32_t n = rnd(g, 100);

		if (n >= honesty && n >= 96)
			icmp_error(g, rnd(g, 2));
		else if (n >= honesty)
			mutate(g);
		else if (g->phase == OVER && rnd(g, 2) == 0)
			again(g);
		else if (g->phase == OVER)
			tcp(g, rnd(g, 2), ACK, g->side[0].next, g->side[1].next, 0, "late ack")
				->f.seq = 0;
		else if (g->phase == OPEN)
			conversation(g);
		else
			opening(g);
		if (g->phase == OVER && g->l->count > 0) {
			struct packet *last = &g->l->packet[g->l->count - 1];

			if (strcmp(last->label, "late ack") == 0) {
				last->f.seq = g->side[last->from].next;
				last->f.ack = g->side[!last->from].next;
			}
		}
	}
}

static void
udp_list(struct gen *g)
{
	const unsigned int steps = 3 + rnd(g, 10);

	while (g->l->count < steps) {
		const unsigned int d = rnd(g, 2);
		struct packet *p;

		if (rnd(g, 6) == 0) {
			icmp_error(g, d);
			if (g->l->count > 0)
				continue;
		}
		p = add(g, d, FRAME_UDP, d == 0 ? "request" : "reply");
		p->f.len = (uint16_t)rnd(g, 500);
		switch (rnd(g, 20)) {
		case 0:
			p->label = "wrong checksum";
			p->f.bad_l4_sum = true;
			break;
		case 1:
			p->label = "no checksum";
			p->f.no_l4_sum = true;
			break;
		case 2:
			p->label = "length below 8";
			p->f.udp_len = 7;
			break;
		case 3:
			p->label = "length beyond packet";
			p->f.udp_len = p->f.len + 9;
			break;
		case 4:
			if (d == 1) {
				p->label = "reply, other port";
				p->f.sport ^= 1;
			}
			break;
		default:
			break;
		}
	}
}

static void
echo_list(struct gen *g)
{
	const unsigned int steps = 3 + rnd(g, 10);

	while (g->l->count < steps) {
		const unsigned int d = rnd(g, 2);
		struct packet *p;

		if (rnd(g, 6) == 0) {
			icmp_error(g, 0);
			if (g->l->count > 0)
				continue;
		}
		p = add(g, d, FRAME_ICMP, d == 0 ? "echo request" : "echo reply");
		p->f.type = d == 0 ? FRAME_REQUEST : FRAME_REPLY;
		p->f.id = g->l->sport;
		p->f.seq = g->l->count;
		p->f.len = (uint16_t)rnd(g, 200);
		switch (rnd(g, 20)) {
		case 0:
			p->label = "echo, wrong checksum";
			p->f.bad_l4_sum = true;
			break;
		case 1:
			p->label =
				d == 0 ? "echo reply of the client" : "echo request of the server";
			p->f.type = d == 0 ? FRAME_REPLY : FRAME_REQUEST;
			break;
		case 2:
			p->label = d == 0 ? "other identifier" : "echo reply, other identifier";
			p->f.id ^= 0x100;
			break;
		case 3:
			p->label = "timestamp request";
			p->f.type = 13;
			p->f.len = 12;
			break;
		case 4:
			p->label = "echo, code 1";
			p->f.code = 1;
			break;
		default:
			break;
		}
	}
}

void
generate(struct list *l, uint64_t seed, uint32_t number)
{
	struct gen g = { .l = l, .random = seed * UINT64_C(0x2545f4914f6cdd1d) + number };
	const uint32_t kind = rnd(&g, 20);

	l->count = 0;
	l->client = 0x0a01010a;
	l->server = RECORD_SERVER + number;
	l->sport = (uint16_t)(1024 + rnd(&g, 60000));
	l->dport = (uint16_t)(1 + rnd(&g, 60000));
	l->proto = kind < 15 ? 6 : kind < 18 ? 17 : 1;
	if (l->proto == 6)
		tcp_list(&g);
	else if (l->proto == 17)
		udp_list(&g);
	else
		echo_list(&g);
}
