/* SPDX-License-Identifier: BSD-3-Clause */
/* Translation: what is configured, and packets that leave with other addresses, or as ones of the
 * other family. */
#include "alg.h"
#include "flow.h"
#include "servermap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* A.B.C.D, host order; *text behind it. */
static uint32_t
address_at(struct flow *f, const char **text)
{
	unsigned int a, b, c, d;
	int n = 0;

	if (sscanf(*text, "%u.%u.%u.%u%n", &a, &b, &c, &d, &n) != 4)
		flow_fail(f, "'%s'? an IPv4 address", *text);
	*text += n;
	return BOX_IPV4(a, b, c, d);
}

/* group NAME FROM[-TO] [no-pat] [paired] [block=N] */
static void
group(struct flow *f, struct words *w, struct box_nat *n)
{
	struct nat_group_params *g = &n->groups[n->group_count++];
	const char *text, *v;

	*g = (struct nat_group_params){ .mode = NAT_POOL_PAT, .block = 256, .section_count = 1 };
	snprintf(g->name, sizeof(g->name), "%s", flow_word(w));
	text = flow_word(w);
	g->sections[0].from = g->sections[0].to = address_at(f, &text);
	if (*text == '-') {
		text++;
		g->sections[0].to = address_at(f, &text);
	}
	while (w->at < w->count) {
		const char *word = flow_word(w);

		if (flow_is(word, "no-pat"))
			g->mode = NAT_POOL_NO_PAT;
		else if (flow_is(word, "paired"))
			g->paired = true;
		else if (flow_is(word, "eim"))
			g->endpoint_independent = true;
		else if (flow_is(word, "cone"))
			g->endpoint_independent = g->full_cone = true;
		else if ((v = flow_value(word, "block")) != NULL)
			g->block = (uint32_t)strtoul(v, NULL, 0);
		else
			flow_fail(f, "'%s'?", word);
	}
}

/* => its place in the draft */
static uint16_t
group_of(struct flow *f, const struct box_nat *n, const char *name)
{
	uint16_t i = 0;

	while (i < n->group_count && !flow_is(n->groups[i].name, name))
		i++;
	if (i == n->group_count)
		flow_fail(f, "group '%s'?", name);
	return i;
}

/* prefix64 PREFIX/LEN GROUP [ZONE] */
static void
prefix64(struct flow *f, struct words *w, struct box_nat *n)
{
	struct nat64_prefix *p = &n->prefixes64[n->prefix64_count++];
	struct ip_addr address;
	const char *wrong;

	*p = (struct nat64_prefix){ .name = "nat64" };
	if (!flow_prefix(f, flow_word(w), &address, &p->len))
		return;
	memcpy(p->address, address.v6, sizeof(p->address));
	wrong = address.family == 6 ? nat64_prefix_wrong(p->address, p->len) : "not IPv6";
	if (wrong != NULL)
		flow_fail(f, "%s", wrong);
	p->group = group_of(f, n, flow_word(w));
	if (w->at < w->count)
		p->zones = flow_zone_bit(f, flow_word(w));
}

/* rule NAME GROUP|easy-ip|keep ZONE > ZONE */
static void
rule(struct flow *f, struct words *w, struct box_nat *n)
{
	struct nat_source *s = &n->sources[n->rule_count];
	struct policy_rule *r = &n->rules[n->rule_count++];
	const char *what;

	*r = (struct policy_rule){ .action = POLICY_PERMIT };
	*s = (struct nat_source){ .action = NAT_SOURCE };
	snprintf(r->name, sizeof(r->name), "%s", flow_word(w));
	what = flow_word(w);
	if (flow_is(what, "easy-ip"))
		s->action = NAT_EASY_IP;
	else if (flow_is(what, "keep"))
		s->action = NAT_KEEP;
	if (s->action == NAT_SOURCE)
		s->group = group_of(f, n, what);
	r->source_zones = flow_zone_bit(f, flow_word(w));
	if (!flow_is(flow_word(w), ">"))
		flow_fail(f, "expected: nat rule NAME GROUP ZONE > ZONE");
	r->destination_zones = flow_zone_bit(f, flow_word(w));
}

/* server NAME ADDRESS[:PORT[-PORT]] tcp|udp|any INSIDE[,INSIDE...][:PORT] [ZONE] */
static void
server(struct flow *f, struct words *w, struct box_nat *n)
{
	struct nat_server *s = &n->servers[n->server_count++];
	unsigned int port = 0, last = 0;
	const char *text, *proto;

	*s = (struct nat_server){ 0 };
	snprintf(s->name, sizeof(s->name), "%s", flow_word(w));
	text = flow_word(w);
	s->address = rte_cpu_to_be_32(address_at(f, &text));
	if (sscanf(text, ":%u-%u", &port, &last) < 2)
		last = port;
	s->port = (uint16_t)port;
	s->port_last = (uint16_t)last;
	proto = flow_word(w);
	s->proto = flow_is(proto, "tcp") ? IPPROTO_TCP : flow_is(proto, "udp") ? IPPROTO_UDP : 0;
	text = flow_word(w);
	do {
		text += s->inside_count > 0;
		s->inside[s->inside_count++] = rte_cpu_to_be_32(address_at(f, &text));
	} while (*text == ',' && s->inside_count < NAT_SERVER_INSIDE);
	s->inside_port = sscanf(text, ":%u", &port) == 1 ? (uint16_t)port : s->port;
	if (w->at < w->count)
		s->zones = flow_zone_bit(f, flow_word(w));
}

/* static PUBLIC/LEN INSIDE */
static void
fixed(struct flow *f, struct words *w, struct box_nat *n)
{
	struct nat_static *s = &n->statics[n->static_count++];
	unsigned int len = 32;
	const char *text = flow_word(w);

	*s = (struct nat_static){ .name = "static" };
	s->address = rte_cpu_to_be_32(address_at(f, &text));
	(void)sscanf(text, "/%u", &len);
	s->len = (uint8_t)len;
	text = flow_word(w);
	s->inside = rte_cpu_to_be_32(address_at(f, &text));
}

/* used GROUP tcp|udp|icmp N, used GROUP hosts N, used GROUP exhausted N */
static void
used(struct flow *f, struct words *w)
{
	static const char *const what[] = { "tcp", "udp", "icmp", "hosts", "exhausted" };
	const struct nat_groups *groups = engine_nat_groups(f->box->engine);
	const char *name = flow_word(w);
	const uint16_t id = nat_groups_find(groups, name);
	const int column = flow_find(flow_word(w), what, RTE_DIM(what));
	const unsigned long want = strtoul(flow_word(w), NULL, 0);
	struct nat_usage u;
	uint64_t have;

	flow_settle(f);
	if (id == NAT_GROUP_NONE || column < 0) {
		flow_fail(f, "expected: nat used GROUP tcp|udp|icmp|hosts|exhausted N");
		return;
	}
	u = nat_pool_usage(nat_groups_pool(groups, id), NAT_POOL_UNOWNED);
	have = column < 3    ? u.used[column]
	       : column == 3 ? u.hosts
			     : nat_groups_stats(groups, id).exhausted;
	if (have != want)
		flow_fail(f, "%s: %lu %s, expected %lu", name, have, what[column], want);
}

/* hold GROUP tcp|udp A-B: nobody can have these ports of its first address; free: any more */
static void
hold(struct flow *f, struct words *w, bool take)
{
	const struct nat_groups *groups = engine_nat_groups(f->box->engine);
	const uint16_t id = nat_groups_find(groups, flow_word(w));
	const uint8_t proto = flow_is(flow_word(w), "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
	const char *text = flow_word(w);
	unsigned int from, to;
	struct nat_got got;

	flow_settle(f);
	if (id == NAT_GROUP_NONE || sscanf(text, "%u-%u", &from, &to) != 2) {
		flow_fail(f, "expected: nat hold GROUP tcp|udp A-B");
		return;
	}
	got.addr = rte_cpu_to_be_32(nat_groups_params(groups, id)->sections[0].from);
	for (unsigned int port = from; port <= to && f->why[0] == '\0'; port++) {
		got.port = rte_cpu_to_be_16((uint16_t)port);
		if (take ? nat_pool_claim(nat_groups_pool(groups, id), proto, 0, &got) != NAT_OK
			 : !nat_pool_give(nat_groups_pool(groups, id), proto, &got))
			flow_fail(f, "port %u is %s", port, take ? "taken" : "free");
	}
}

void
flow_check_groups(struct flow *f)
{
	const struct nat_groups *groups = engine_nat_groups(f->box->engine);

	for (uint16_t i = 0; groups != NULL && i < NAT_GROUPS_MAX; i++) {
		struct nat_usage u;

		if (nat_groups_pool(groups, i) == NULL)
			continue;
		u = nat_pool_usage(nat_groups_pool(groups, i), NAT_POOL_UNOWNED);
		if (u.used[0] + u.used[1] + u.used[2] + u.hosts + u.blocks != 0)
			flow_fail(f, "group %s: ports, blocks or addresses are not given back",
				nat_groups_params(groups, i)->name);
	}
}

/* nat none | none group|rule|server|static NAME... | group ... | rule ... | server ... | static ...
 * | prefix64 ...
 * | used ... */
static void
do_nat(struct flow *f, struct words *w)
{
	struct box_nat *n;
	const char *what = flow_word(w);

	if (f->six && !f->verbatim) {
		f->skip = true;
		w->at = w->count;
		return;
	}
	n = &flow_box(f)->nat;
	if (flow_is(what, "used")) {
		used(f, w);
		return;
	}
	if (flow_is(what, "hold") || flow_is(what, "free")) {
		hold(f, w, flow_is(what, "hold"));
		return;
	}
	flow_settle(f);
	if (n->group_count == BOX_NAT || n->rule_count == BOX_NAT || n->server_count == BOX_NAT ||
		n->static_count == BOX_NAT || n->prefix64_count == BOX_NAT)
		flow_fail(f, "too many of them");
	else if (flow_is(what, "none"))
		*n = (struct box_nat){ 0 };
	else if (flow_is(what, "group"))
		group(f, w, n);
	else if (flow_is(what, "rule"))
		rule(f, w, n);
	else if (flow_is(what, "server"))
		server(f, w, n);
	else if (flow_is(what, "static"))
		fixed(f, w, n);
	else if (flow_is(what, "prefix64"))
		prefix64(f, w, n);
	else
		flow_fail(f, "nat '%s'?", what);
	if (f->why[0] == '\0')
		engine_box_publish(f->box);
}

/* expect PACKET [to=ADDRESS:PORT] [uses=N] [for=SECONDS] [anybody] [rule=NAME]: such a first packet
 * needs no rule */
static void
do_expect(struct flow *f, struct words *w)
{
	const struct engine *e = flow_box(f)->engine;
	struct servermap_entry entry = { .type = SERVERMAP_ASPF,
		.uses = 1,
		.parent = SERVERMAP_NONE,
		.policy = policy_rule_id("out"),
		.until = MONO_NEVER };
	struct frame_spec s = { 0 };
	rte_be16_t sport;
	bool renewed;
	const char *v;

	if (!flow_frame(f, w, &s, false))
		return;
	flow_key_ports(&s, &sport, &entry.key.dport);
	entry.key.dst = s.dst;
	entry.key.proto = s.proto;
	entry.src = s.src;
	frame_spec_free(&s);
	while (w->at < w->count) {
		const char *word = flow_word(w);

		if (flow_is(word, "anybody")) {
			entry.src = (struct ip_addr){ 0 };
		} else if ((v = flow_value(word, "uses")) != NULL) {
			entry.uses = (uint16_t)strtoul(v, NULL, 0);
		} else if ((v = flow_value(word, "for")) != NULL) {
			entry.until = mono_add_ms(f->box->now, strtoul(v, NULL, 0) * 1000);
		} else if ((v = flow_value(word, "rule")) != NULL) {
			entry.policy = policy_rule_id(v);
		} else if ((v = flow_value(word, "to")) != NULL) {
			entry.to = ip_addr_v4(rte_cpu_to_be_32(address_at(f, &v)));
			entry.to_port = rte_cpu_to_be_16((uint16_t)strtoul(v + 1, NULL, 0));
		} else {
			flow_fail(f, "'%s'?", word);
		}
	}
	if (!servermap_add(engine_servermap(e), &entry, 0, &renewed))
		flow_fail(f, "the server-map is full");
}

/* expected N: entries of the server-map */
static void
do_expected(struct flow *f, struct words *w)
{
	const unsigned long want = strtoul(flow_word(w), NULL, 0);
	const unsigned long have = servermap_count(engine_servermap(flow_box(f)->engine));

	flow_settle(f);
	if (have != want)
		flow_fail(f, "%lu are expected", have);
}

/* algs [NAME...]: those that read what sessions say */
static void
do_algs(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);

	b->algs = 0;
	while (w->at < w->count) {
		const enum alg_id id = alg_by_name(flow_word(w));

		if (id == ALG_NONE)
			flow_fail(f, "algs: %s?", w->word[w->at - 1]);
		b->algs |= UINT32_C(1) << id;
	}
	engine_box_publish(b);
}

/* ---- packets ---- */

/* Source port, or identifier of an echo, of a frame. */
static unsigned int
source_number(const struct leaving *l)
{
	uint8_t proto;
	const size_t at = frame_l4(l->bytes, l->len, &proto);
	const bool echo = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;

	return frame_get(l->bytes + at + (echo ? 4 : 0), 2);
}

/* What a variable stands for that comes behind `before`, a part of a word. */
static unsigned int
number_behind(const struct flow *f, const char *before)
{
	struct frame_spec s = { 0 };
	char digits[6] = "";
	uint8_t proto;
	size_t at, header;

	if (strncmp(before, "text=", 5) != 0 || f->sent == NULL || !frame_text(before + 5, &s))
		return f->unknown;
	at = frame_l4(f->sent->bytes, f->sent->len, &proto);
	header = proto == IPPROTO_TCP ? (size_t)(f->sent->bytes[at + 12] >> 4) * 4 : 8;
	at += header + s.len;
	for (size_t i = 0; i < sizeof(digits) - 1 && at + i < f->sent->len; i++)
		digits[i] = (char)f->sent->bytes[at + i];
	return (unsigned int)strtoul(digits, NULL, 10);
}

void
flow_variables(struct flow *f, struct words *w)
{
	for (unsigned int i = w->at; i < w->count; i++) {
		const char *text = w->word[i], *at;
		char *out = f->expanded[i];
		size_t used = 0;

		while ((at = strchr(text, '$')) != NULL) {
			const unsigned int v = (unsigned char)at[1] - 'a';

			if (v >= FLOW_VARIABLES) {
				flow_fail(f, "variables are $a to $%c", 'a' + FLOW_VARIABLES - 1);
				return;
			}
			used += (size_t)snprintf(out + used, sizeof(f->expanded[i]) - used, "%.*s",
				(int)(at - text), text);
			if (used + sizeof("65535") >= sizeof(f->expanded[i])) {
				flow_fail(f, "'%s' is too long", w->word[i]);
				return;
			}
			if (f->variables[v] == 0)
				f->variables[v] = number_behind(f, out);
			used += (size_t)snprintf(
				out + used, sizeof(f->expanded[i]) - used, "%u", f->variables[v]);
			text = at + 2;
		}
		if (text == w->word[i])
			continue;
		snprintf(out + used, sizeof(f->expanded[i]) - used, "%s", text);
		w->word[i] = out;
	}
}

/* Of what a frame carries: ICMPv6 counts as ICMP. */
static size_t
payload_of(const uint8_t *frame, size_t len, uint8_t *proto)
{
	const size_t at = frame_l4(frame, len, proto);

	if (*proto == IPPROTO_ICMPV6)
		*proto = IPPROTO_ICMP;
	return RTE_ETHER_HDR_LEN + frame_packet_len(frame) - at;
}

/* A frame that was fed and has not ended, of the same protocol, which carried `grown` bytes less.
 */
static struct fed *
origin(struct flow *f, const struct leaving *l, int grown)
{
	uint8_t proto, of;
	const size_t len = payload_of(l->bytes, l->len, &proto);

	for (unsigned int i = 0; i < f->fed_count; i++) {
		struct fed *fed = &f->fed[i];

		if (!fed->done && (int)payload_of(fed->bytes, fed->len, &of) + grown == (int)len &&
			of == proto)
			return fed;
	}
	return NULL;
}

static uint8_t
hops_of(const uint8_t *frame)
{
	return frame[RTE_ETHER_HDR_LEN + (frame_is_ip6(frame) ? 7 : 8)];
}

/* The first frame sent to a port that no line has claimed. */
static struct leaving *
next_leaving(struct flow *f, uint16_t port)
{
	for (unsigned int i = 0; i < f->leaving_count; i++) {
		if (!f->leaving[i].done && f->leaving[i].port == port)
			return &f->leaving[i];
	}
	return NULL;
}

/* Byte for byte, MACs aside.  `made`: of a packet of the other family. */
static void
compare(struct flow *f, const struct frame_spec *s, const uint8_t *frame, size_t len, bool made)
{
	static const struct rte_ether_addr none = { { 0 } };
	uint8_t want[FRAME_MAX];
	const size_t want_len = frame_build(s, &none, &none, want);

	/* An IPv4 packet made of IPv6 has any identification. */
	if (made && !frame_is_ip6(frame))
		frame_identify(want, (uint16_t)frame_get(frame + RTE_ETHER_HDR_LEN + 4, 2));
	if (want_len != len)
		flow_fail(f, "%zu bytes, expected %zu", len, want_len);
	for (size_t i = RTE_ETHER_HDR_LEN; i < len && f->why[0] == '\0'; i++) {
		if (want[i] != frame[i])
			flow_fail(f, "byte %zu of the packet is 0x%02x, expected 0x%02x",
				i - RTE_ETHER_HDR_LEN, frame[i], want[i]);
	}
}

/* xlate ZONE PACKET [grown=N]: forwarded as exactly this packet, TTL one less than it came with
 * unless given.  A variable that is not known yet becomes the source port, or identifier; in
 * `text=` the number that stands at its place. */
static void
do_xlate(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	struct leaving *l = next_leaving(f, port);
	struct frame_spec s = { 0 };
	const char *v;
	struct fed *in;
	int grown = 0;

	if (l == NULL) {
		flow_complain_not_sent(f, "translated");
		w->at = w->count;
		return;
	}
	f->unknown = source_number(l);
	f->sent = l;
	if ((v = flow_value(w->word[w->count - 1], "grown")) != NULL) {
		grown = atoi(v);
		w->count--;
	}
	in = origin(f, l, grown);
	if (in == NULL) {
		flow_fail(f, "a frame was sent whose length and protocol none has that came");
	} else if (flow_frame(f, w, &s, true)) {
		if (!s.ttl_given)
			s.ttl = hops_of(in->bytes) - 1;
		in->done = l->done = true;
		f->verdicts++;
		flow_check_macs(f, l);
		compare(f, &s, l->bytes, l->len, frame_is_ip6(in->bytes) != frame_is_ip6(l->bytes));
	}
	f->sent = NULL;
	frame_spec_free(&s);
}

/* The packet that fragments are of, so far. */
struct together {
	size_t len; /* of the frame */
	uint8_t bytes[FRAME_MAX];
};

/* One more of them.  Of the first the headers are kept, without what says that it is one. */
static void
add_piece(struct flow *f, struct together *t, const struct leaving *l)
{
	const bool six = frame_is_ip6(l->bytes);
	const size_t ip = RTE_ETHER_HDR_LEN, header = ip + (six ? 40 : 20),
		     skip = header + (six ? 8 : 0);
	const size_t at = header + (frame_place(l->bytes, l->len) & ~1u);

	if (l->len < skip || at + l->len - skip > sizeof(t->bytes)) {
		flow_fail(f, "fragments of too large a packet");
		return;
	}
	memcpy(t->bytes + at, l->bytes + skip, l->len - skip);
	t->len = RTE_MAX(t->len, at + l->len - skip);
	if (at != header)
		return;
	f->unknown = source_number(l);
	memcpy(t->bytes, l->bytes, header);
	if (six)
		t->bytes[ip + 6] = l->bytes[header]; /* next header */
	else
		memset(t->bytes + ip + 4, 0, 4); /* identification and place */
}

/* xpieces ZONE N PACKET: N fragments that together are this packet */
static void
do_xpieces(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	const unsigned long n = strtoul(flow_word(w), NULL, 0);
	struct together whole = { 0 };
	struct frame_spec s = { 0 };

	for (unsigned long i = 0; i < n && f->why[0] == '\0'; i++) {
		struct leaving *l = next_leaving(f, port);

		if (l == NULL) {
			flow_complain_not_sent(f, "translated");
			break;
		}
		add_piece(f, &whole, l);
		flow_check_macs(f, l);
		l->done = true;
	}
	/* What came in fewer pieces was cut. */
	for (unsigned int i = 0, left = (unsigned int)n; i < f->fed_count && left > 0; i++) {
		left -= !f->fed[i].done;
		f->verdicts += !f->fed[i].done;
		f->fed[i].done = true;
	}
	if (f->why[0] == '\0' && flow_frame(f, w, &s, true)) {
		frame_set_len(whole.bytes, whole.len);
		if (!s.ttl_given)
			s.ttl = hops_of(whole.bytes);
		compare(f, &s, whole.bytes, whole.len, false);
	}
	w->at = w->count;
	frame_spec_free(&s);
}

/* same $a $b, differ $a $b */
static void
compare_variables(struct flow *f, struct words *w, bool same)
{
	const unsigned int a = (unsigned char)flow_word(w)[1] - 'a',
			   b = (unsigned char)flow_word(w)[1] - 'a';

	if (a >= FLOW_VARIABLES || b >= FLOW_VARIABLES)
		flow_fail(f, "variables are $a to $%c", 'a' + FLOW_VARIABLES - 1);
	else if ((f->variables[a] == f->variables[b]) != same)
		flow_fail(f, "they are %u and %u", f->variables[a], f->variables[b]);
}

static void
do_same(struct flow *f, struct words *w)
{
	compare_variables(f, w, true);
}

static void
do_differ(struct flow *f, struct words *w)
{
	compare_variables(f, w, false);
}

const struct flow_statement flow_nat_statements[] = {
	{ "nat", do_nat },
	{ "algs", do_algs },
	{ "expect", do_expect },
	{ "expected", do_expected },
	{ "xlate", do_xlate },
	{ "xpieces", do_xpieces },
	{ "same", do_same },
	{ "differ", do_differ },
	{ NULL, NULL },
};
