/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams that are fed in pieces: as fragments, good ones and bad ones. */
#include "flow.h"

#define IP6_HEADER 40
#define EXT_HEADER 8

static struct flow_datagram *
datagram(struct flow *f, const char *name)
{
	static const char *const names[FLOW_DATAGRAMS] = { "a", "b", "c", "d" };
	const int i = flow_find(name, names, FLOW_DATAGRAMS);

	if (i < 0)
		flow_fail(f, "datagram '%s'? a, b, c or d", name);
	return i < 0 ? NULL : &f->datagrams[i];
}

/* datagram NAME ZONE PACKET: of IPv6 the extension headers lie behind the fragment header */
static void
do_datagram(struct flow *f, struct words *w)
{
	struct flow_datagram *d = datagram(f, flow_word(w));
	struct frame_spec s = { 0 };
	struct rte_ether_addr dst, src;

	flow_box(f);
	if (d == NULL)
		return;
	d->port = flow_port(f, flow_word(w));
	if (flow_frame(f, w, &s, true)) {
		dst = flow_destination(f, &s, d->port);
		src = engine_box_host_mac_of(&s.src);
		d->len = frame_build(&s, &dst, &src, d->bytes);
		d->header = RTE_ETHER_HDR_LEN +
			    (s.src.family == 6 ? IP6_HEADER : (d->bytes[14] & 0x0fu) * 4);
	}
	frame_spec_free(&s);
}

/* What a line says of a piece. */
struct piece {
	unsigned long offset, len;
	uint32_t id;
	uint16_t split;
	uint8_t ttl;
	bool more, df, hop, next;
};

static bool
piece_attribute(struct piece *p, const char *word)
{
	const char *v;

	if (flow_is(word, "more"))
		p->more = true;
	else if (flow_is(word, "last"))
		p->more = false;
	else if (flow_is(word, "df"))
		p->df = true;
	else if (flow_is(word, "hop"))
		p->hop = true;
	else if (flow_is(word, "next"))
		p->next = true;
	else if ((v = flow_value(word, "id")) != NULL)
		p->id = (uint32_t)strtoul(v, NULL, 0);
	else if ((v = flow_value(word, "ttl")) != NULL)
		p->ttl = (uint8_t)strtoul(v, NULL, 0);
	else if ((v = flow_value(word, "split")) != NULL)
		p->split = (uint16_t)strtoul(v, NULL, 0);
	else
		return false;
	return true;
}

static void
put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The headers of a piece, behind Ethernet.  => Their bytes. */
static size_t
headers4(const struct flow_datagram *d, const struct piece *p, uint8_t *ip)
{
	const size_t n = d->header - RTE_ETHER_HDR_LEN;
	const size_t flags = (p->df ? 0x4000u : 0u) | (p->more ? 0x2000u : 0u);

	memcpy(ip, d->bytes + RTE_ETHER_HDR_LEN, n);
	put16(ip + 2, n + p->len);
	put16(ip + 4, p->id);
	put16(ip + 6, flags | p->offset / 8);
	ip[8] = p->ttl;
	put16(ip + 10, 0);
	put16(ip + 10, frame_checksum(ip, n, 0));
	return n;
}

static size_t
headers6(const struct flow_datagram *d, const struct piece *p, uint8_t *ip)
{
	static const uint8_t hop_by_hop[EXT_HEADER] = { 44, 0, 1, 4 };
	const uint8_t next = d->bytes[RTE_ETHER_HDR_LEN + 6];
	uint8_t *fragment = ip + IP6_HEADER;

	memcpy(ip, d->bytes + RTE_ETHER_HDR_LEN, IP6_HEADER);
	ip[6] = 44;
	ip[7] = p->ttl;
	if (p->hop) {
		ip[6] = 0;
		memcpy(fragment, hop_by_hop, sizeof(hop_by_hop));
		fragment += EXT_HEADER;
	}
	fragment[0] = next;
	fragment[1] = 0;
	put16(fragment + 2, p->offset | p->more);
	put16(fragment + 4, p->id >> 16);
	put16(fragment + 6, p->id);
	put16(ip + 4, (size_t)(fragment + EXT_HEADER - ip) - IP6_HEADER + p->len);
	return (size_t)(fragment + EXT_HEADER - ip);
}

/* => bytes of the frame, 0 when it would be too long.  Behind the datagram's end it is zeros. */
static size_t
build(const struct flow_datagram *d, const struct piece *p, uint8_t bytes[FRAME_MAX])
{
	const bool six = d->bytes[12] == 0x86;
	const size_t from = d->header + p->offset;
	size_t at = RTE_ETHER_HDR_LEN;

	memset(bytes, 0, FRAME_MAX);
	memcpy(bytes, d->bytes, RTE_ETHER_HDR_LEN);
	at += six ? headers6(d, p, bytes + at) : headers4(d, p, bytes + at);
	if (at + p->len > FRAME_MAX)
		return 0;
	if (from < d->len)
		memcpy(bytes + at, d->bytes + from, RTE_MIN(p->len, d->len - from));
	return at + p->len;
}

static void
feed(struct flow *f, const struct flow_datagram *d, const struct piece *p)
{
	uint8_t bytes[FRAME_MAX];
	const size_t len = build(d, p, bytes);

	if (len == 0) {
		flow_fail(f, "a piece of that length has no room");
		return;
	}
	/* Fragments meet any worker, wherever their session is at home. */
	flow_feed(f, d->port, f->spread == ONE_WORKER ? 0 : f->dealt++ & 1, bytes, (uint16_t)len,
		&(struct frame_spec){ .split = p->split, .tag_count = -1 });
}

/* piece NAME OFFSET LEN [more|last] [id=] [ttl=] [split=] [df] [hop] [*N [next]]: a fragment
 * arrives; N of them, each with the next number */
static void
do_piece(struct flow *f, struct words *w)
{
	const unsigned long times = flow_times(w);
	struct flow_datagram *d = datagram(f, flow_word(w));
	struct piece p = { .ttl = 64 };

	if (!f->hold)
		flow_settle(f);
	if (d == NULL || d->len == 0) {
		flow_fail(f, "no such datagram");
		return;
	}
	p.offset = strtoul(flow_word(w), NULL, 0);
	p.len = strtoul(flow_word(w), NULL, 0);
	p.more = d->header + p.offset + p.len < d->len;
	p.id = 1 + (uint32_t)(d - f->datagrams);
	while (w->at < w->count && piece_attribute(&p, w->word[w->at]))
		w->at++;
	for (unsigned long i = 0; i < times && f->why[0] == '\0'; i++) {
		feed(f, d, &p);
		p.id += p.next;
	}
}

/* pieces NAME LEN [reverse] [id=] [ttl=]: all of it, each piece but the last of LEN bytes */
static void
do_pieces(struct flow *f, struct words *w)
{
	struct flow_datagram *d = datagram(f, flow_word(w));
	const unsigned long len = strtoul(flow_word(w), NULL, 0);
	struct piece p = { .ttl = 64 };
	bool reverse = false;
	size_t bytes, count;

	if (!f->hold)
		flow_settle(f);
	if (d == NULL || d->len == 0 || len == 0) {
		flow_fail(f, "no such datagram, or no length");
		return;
	}
	p.id = 1 + (uint32_t)(d - f->datagrams);
	bytes = d->len - d->header;
	count = (bytes + len - 1) / len;
	if (w->at < w->count && flow_is(w->word[w->at], "reverse")) {
		reverse = true;
		w->at++;
	}
	while (w->at < w->count && piece_attribute(&p, w->word[w->at]))
		w->at++;
	for (size_t i = 0; i < count && f->why[0] == '\0'; i++) {
		const size_t n = reverse ? count - 1 - i : i;

		p.offset = n * len;
		p.len = RTE_MIN(len, bytes - p.offset);
		p.more = n + 1 < count;
		feed(f, d, &p);
	}
}

const struct flow_statement flow_piece_statements[] = {
	{ "datagram", do_datagram },
	{ "piece", do_piece },
	{ "pieces", do_pieces },
	{ NULL, NULL },
};
