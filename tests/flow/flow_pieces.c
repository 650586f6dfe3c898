/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams that are fed in pieces: as fragments, good ones and bad ones. */
#include "flow.h"

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
		d->header = frame_cut_at(d->bytes);
	}
	frame_spec_free(&s);
}

/* What a line says of a piece. */
struct piece {
	struct frame_piece of;
	uint16_t split;
	bool next;
};

static bool
piece_attribute(struct piece *p, const char *word)
{
	const char *v;

	if (flow_is(word, "more"))
		p->of.more = true;
	else if (flow_is(word, "last"))
		p->of.more = false;
	else if (flow_is(word, "df"))
		p->of.df = true;
	else if (flow_is(word, "hop"))
		p->of.hop = true;
	else if (flow_is(word, "next"))
		p->next = true;
	else if ((v = flow_value(word, "id")) != NULL)
		p->of.id = (uint32_t)strtoul(v, NULL, 0);
	else if ((v = flow_value(word, "ttl")) != NULL)
		p->of.ttl = (uint8_t)strtoul(v, NULL, 0);
	else if ((v = flow_value(word, "split")) != NULL)
		p->split = (uint16_t)strtoul(v, NULL, 0);
	else
		return false;
	return true;
}

static void
feed(struct flow *f, const struct flow_datagram *d, const struct piece *p)
{
	uint8_t bytes[FRAME_MAX];
	const size_t len = frame_cut(d->bytes, d->len, &p->of, bytes);

	if (len == 0) {
		flow_fail(f, "a piece of that length has no room");
		return;
	}
	/* Fragments meet any worker, wherever their session is at home. */
	flow_feed(f, d->port, f->spread == ONE_WORKER ? 0 : f->dealt++ & 1, bytes, (uint16_t)len,
		&(struct frame_spec){ .split = p->split, .tag_count = -1 });
}

/* piece NAME OFFSET LEN [more|last] [id=] [ttl=] [split=] [df] [hop] [next] [*N]: a fragment
 * arrives; N of them, each with the next number */
static void
do_piece(struct flow *f, struct words *w)
{
	const unsigned long times = flow_times(w);
	struct flow_datagram *d = datagram(f, flow_word(w));
	struct piece p = { .of.ttl = 64 };

	if (!f->hold)
		flow_settle(f);
	if (d == NULL || d->len == 0) {
		flow_fail(f, "no such datagram");
		return;
	}
	p.of.offset = strtoul(flow_word(w), NULL, 0);
	p.of.len = strtoul(flow_word(w), NULL, 0);
	p.of.more = d->header + p.of.offset + p.of.len < d->len;
	p.of.id = 1 + (uint32_t)(d - f->datagrams);
	while (w->at < w->count && piece_attribute(&p, w->word[w->at]))
		w->at++;
	for (unsigned long i = 0; i < times && f->why[0] == '\0'; i++) {
		feed(f, d, &p);
		p.of.id += p.next;
	}
}

/* pieces NAME LEN [reverse] [id=] [ttl=]: all of it, each piece but the last of LEN bytes */
static void
do_pieces(struct flow *f, struct words *w)
{
	struct flow_datagram *d = datagram(f, flow_word(w));
	const unsigned long len = strtoul(flow_word(w), NULL, 0);
	struct piece p = { .of.ttl = 64 };
	bool reverse = false;
	size_t bytes, count;

	if (!f->hold)
		flow_settle(f);
	if (d == NULL || d->len == 0 || len == 0) {
		flow_fail(f, "no such datagram, or no length");
		return;
	}
	p.of.id = 1 + (uint32_t)(d - f->datagrams);
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

		p.of.offset = n * len;
		p.of.len = RTE_MIN(len, bytes - p.of.offset);
		p.of.more = n + 1 < count;
		feed(f, d, &p);
	}
}

const struct flow_statement flow_piece_statements[] = {
	{ "datagram", do_datagram },
	{ "piece", do_piece },
	{ "pieces", do_pieces },
	{ NULL, NULL },
};
