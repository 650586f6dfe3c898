/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets in, and what must become of them. */
#include "flow.h"

#include <rte_malloc.h>

void
flow_key_ports(const struct frame_spec *s, rte_be16_t *sport, rte_be16_t *dport)
{
	const bool six = s->kind == FRAME_ICMP6;
	const rte_be16_t service = six ? SESSION_ICMP6_ECHO_PORT : SESSION_ICMP_ECHO_PORT;
	const bool reply = s->type == (six ? 129 : 0);

	*sport = rte_cpu_to_be_16(s->sport);
	*dport = rte_cpu_to_be_16(s->dport);
	if ((s->kind != FRAME_ICMP && !six) || s->quote != NULL)
		return;
	*sport = reply ? service : rte_cpu_to_be_16(s->id);
	*dport = reply ? rte_cpu_to_be_16(s->id) : service;
}

static uint16_t
queue_for(struct flow *f, const struct frame_spec *s)
{
	const struct session_table *t = engine_sessions(f->box->engine);
	rte_be16_t sport, dport;

	if (f->spread == ONE_WORKER)
		return 0;
	if (f->spread == TWO_DEALT && !f->steered)
		return f->dealt++ & 1;
	flow_key_ports(s, &sport, &dport);
	if (s->src.family == 6) {
		struct session_key6 key;

		session_key6_make(&key, s->src.v6, s->dst.v6, sport, dport, s->proto);
		return session_table_home6(t, &key);
	} else {
		struct session_key4 key;

		session_key4_make(&key, s->src.v4, s->dst.v4, sport, dport, s->proto);
		return session_table_home4(t, &key);
	}
}

struct rte_ether_addr
flow_destination(struct flow *f, const struct frame_spec *s, uint16_t port)
{
	struct rte_ether_addr mac = *engine_box_mac(f->box, port);
	const char *said = s->mac;
	static const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	if (flow_is(said, "broadcast"))
		return all;
	if (flow_is(said, "virtual"))
		return (struct rte_ether_addr){ { 0, 0, 0x5e, 0, s->dst.family == 6 ? 2 : 1,
			BOX_VRID(port) } };
	if (said[0] == '\0' && s->dst.family == 6 && ip6_is_multicast(s->dst.v6))
		ip6_multicast_mac(&mac, s->dst.v6);
	if (said[0] != '\0' && !frame_mac(said, &mac))
		flow_fail(f, "MAC '%s'? virtual, broadcast or aa:bb:cc:dd:ee:ff", said);
	return mac;
}

static struct rte_mbuf *
to_mbuf(struct flow *f, const uint8_t *bytes, uint16_t len, uint16_t split)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(f->box->pool), *tail;
	const uint16_t head = split > 0 && split < len ? split : len;

	if (m == NULL) {
		flow_fail(f, "out of packet buffers");
		return NULL;
	}
	memcpy(rte_pktmbuf_append(m, head), bytes, head);
	if (head == len)
		return m;
	tail = rte_pktmbuf_alloc(f->box->pool);
	if (tail == NULL) {
		flow_fail(f, "out of packet buffers");
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(rte_pktmbuf_append(tail, (uint16_t)(len - head)), bytes + head,
		(size_t)(len - head));
	rte_pktmbuf_chain(m, tail);
	return m;
}

/* By whose name a frame leaves. */
static uint16_t
interface_of(struct flow *f, uint16_t port, uint16_t vlan)
{
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		if (f->box->places[i].port == port && f->box->places[i].vlan == vlan)
			return i;
	}
	flow_fail(f, "a frame was sent with tag %u, which no interface has", vlan);
	return 0;
}

static void
collect(struct flow *f)
{
	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		struct rte_mbuf *m;

		while ((m = engine_box_collect(f->box, port)) != NULL) {
			struct leaving *l = &f->leaving[f->leaving_count];
			const char *wrong;
			const void *data;

			if (f->leaving_count == MAX_LEAVING || m->pkt_len > FRAME_MAX) {
				flow_fail(f, "too many frames are sent");
				rte_pktmbuf_free(m);
				continue;
			}
			f->leaving_count++;
			l->done = false;
			l->len = (uint16_t)m->pkt_len;
			data = rte_pktmbuf_read(m, 0, m->pkt_len, l->bytes);
			if (data != l->bytes)
				memcpy(l->bytes, data, m->pkt_len);
			rte_pktmbuf_free(m);
			l->port = interface_of(f, port, frame_untag(l->bytes, &l->len));
			wrong = frame_sums(l->bytes, l->len);
			if (wrong != NULL)
				flow_fail(f, "frame sent with a wrong %s", wrong);
		}
	}
}

struct worker_stats
flow_stats(const struct flow *f)
{
	struct worker_stats s;

	engine_stats(f->box->engine, &s);
	return s;
}

/* Fragments that are held stay among those fed: they can still be sent. */
static void
keep_held(struct flow *f, int held)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; held > 0 && i < f->fed_count; i++) {
		if (!f->fed[i].done)
			f->fed[kept++] = f->fed[i];
	}
	f->fed_count = kept;
	f->held_before = held;
	f->held_said = -1;
}

/* Every frame that was fed must have had its line, and nothing else may have happened. */
void
flow_settle(struct flow *f)
{
	struct worker_stats now;
	struct rte_mbuf *m;
	int held, untold;

	if (f->box == NULL)
		return;
	now = flow_stats(f);
	held = (int)now.held;
	untold = (int)f->arrived + f->held_before - held - (int)f->verdicts;
	if (untold > 0)
		flow_fail(f, "%d packet(s) above have no line that says what becomes of them",
			untold);
	if (held > 0 && held != f->held_before && held != f->held_said)
		flow_fail(f, "%d fragment(s) are held, and no line says so", held);
	for (unsigned int i = 0; i < f->leaving_count; i++) {
		if (!f->leaving[i].done)
			flow_fail(f, "a frame was sent to %s that no line above expects",
				flow_zone_names[f->leaving[i].port]);
	}
	for (unsigned int r = 1; r < DROP_REASON_COUNT; r++) {
		const uint64_t got = now.drops[r] - f->before.drops[r];

		if (got != f->expected_drops[r])
			flow_fail(f, "%lu drop(s) with reason %s, expected %lu", got, drop_names[r],
				f->expected_drops[r]);
	}
	for (uint16_t i = 0; i < f->box->workers; i++) {
		while (engine_punt_dequeue(f->box->engine, i, &m, 1) == 1) {
			flow_fail(f, "a packet was punted that no line above expects");
			rte_pktmbuf_free(m);
		}
	}
	f->before = now;
	f->arrived = f->verdicts = f->leaving_count = 0;
	keep_held(f, held);
	memset(f->expected_drops, 0, sizeof(f->expected_drops));
}

void
flow_run(struct flow *f)
{
	engine_box_poll(f->box);
	collect(f);
}

/* Remember a frame until it is sent; of equal ones, one is enough. */
static void
remember(struct flow *f, uint16_t port, const uint8_t *bytes, uint16_t len)
{
	struct fed *fed = &f->fed[f->fed_count];

	for (unsigned int i = 0; f->arrived > f->fed_count && i < f->fed_count; i++) {
		if (!f->fed[i].done && f->fed[i].port == port && f->fed[i].len == len &&
			memcmp(f->fed[i].bytes, bytes, len) == 0)
			return;
	}
	if (f->fed_count == MAX_IN) { /* the oldest can no longer be matched */
		memmove(&f->fed[0], &f->fed[1], (MAX_IN - 1) * sizeof(f->fed[0]));
		fed--;
	} else {
		f->fed_count++;
	}
	fed->port = port;
	fed->done = false;
	fed->len = len;
	memcpy(fed->bytes, bytes, len);
}

void
flow_feed(struct flow *f, uint16_t port, uint16_t queue, const uint8_t *bytes, uint16_t len,
	const struct frame_spec *s)
{
	uint8_t frame[FRAME_MAX];
	uint16_t full = (uint16_t)frame_tag(s, f->box->places[port].vlan, bytes, len, frame);
	const uint16_t more = (uint16_t)(full - len);
	const uint16_t vid = s->nic_tag ? frame_untag(frame, &full) : 0;
	struct rte_mbuf *m =
		to_mbuf(f, frame, full, s->split > 0 ? (uint16_t)(s->split + more) : 0);

	remember(f, port, bytes, len);
	f->arrived++;
	if (m != NULL)
		m->ol_flags |= s->nic;
	if (m != NULL && s->nic_tag) {
		m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
		m->vlan_tci = vid;
	}
	if (m != NULL && !engine_box_feed(f->box, f->box->places[port].port, queue, m)) {
		flow_fail(f, "port ring full");
		rte_pktmbuf_free(m);
	}
	if (!f->hold && f->why[0] == '\0')
		flow_run(f);
}

/* in ZONE PACKET */
static void
do_in(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	struct frame_spec s = { 0 };
	struct rte_ether_addr dst, src;
	uint8_t bytes[FRAME_MAX];
	uint16_t len;

	flow_box(f);
	if (!f->hold)
		flow_settle(f);
	if (!flow_frame(f, w, &s, true)) {
		frame_spec_free(&s);
		return;
	}
	dst = flow_destination(f, &s, port);
	src = engine_box_host_mac_of(&s.src);
	if (s.smac[0] != '\0' && !frame_mac(s.smac, &src))
		flow_fail(f, "smac?");
	if (f->why[0] == '\0') {
		len = (uint16_t)frame_build(&s, &dst, &src, bytes);
		flow_feed(f, port, queue_for(f, &s), bytes, len, &s);
	}
	frame_spec_free(&s);
}

/* Packets: what comes out */

/* Length of a frame without Ethernet padding. */
static uint16_t
true_len(const struct fed *fed)
{
	return (uint16_t)(RTE_ETHER_HDR_LEN + frame_packet_len(fed->bytes));
}

/* Only MACs, TTL and header checksum may differ. */
static bool
forwarded_from(const struct fed *in, const struct leaving *out)
{
	const uint8_t *a = in->bytes + RTE_ETHER_HDR_LEN, *b = out->bytes + RTE_ETHER_HDR_LEN;
	const bool six = frame_is_ip6(in->bytes);
	const size_t hops = six ? 7 : 8, rest = six ? 8 : 12;

	return out->len == true_len(in) && memcmp(in->bytes + 12, out->bytes + 12, 2) == 0 &&
	       memcmp(a, b, hops) == 0 && a[hops] == b[hops] + 1 && (six || a[9] == b[9]) &&
	       memcmp(a + rest, b + rest, out->len - RTE_ETHER_HDR_LEN - rest) == 0;
}

/* ... and the MSS of a SYN, with its checksum. */
static bool
clamped_from(const struct fed *in, const struct leaving *out)
{
	const size_t mss = frame_mss(in->bytes, in->len);
	struct leaving undone = *out;
	uint8_t proto;
	size_t sum;

	if (mss == 0 || out->len != true_len(in))
		return false;
	sum = frame_l4(in->bytes, in->len, &proto) + 16;
	memcpy(undone.bytes + mss, in->bytes + mss, 2);
	memcpy(undone.bytes + sum, in->bytes + sum, 2);
	return forwarded_from(in, &undone);
}

/* MACs and addresses changed places, hops are new, the request has become its reply, the rest is
 * the same (checksums are looked at elsewhere). */
static bool
answer_to(const struct fed *in, const struct leaving *out)
{
	const uint8_t *a = in->bytes + RTE_ETHER_HDR_LEN, *b = out->bytes + RTE_ETHER_HDR_LEN;
	const bool six = frame_is_ip6(in->bytes);
	const size_t address = six ? IP6_LEN : 4, from = six ? 8 : 12;
	size_t l4;
	uint8_t proto;
	bool first;

	if (out->port != in->port || out->len != true_len(in) || frame_is_ip6(out->bytes) != six)
		return false;
	l4 = frame_l4(in->bytes, in->len, &proto) - RTE_ETHER_HDR_LEN;
	first = frame_place(in->bytes, in->len) <= 1;
	return memcmp(a + from, b + from + address, address) == 0 &&
	       memcmp(a + from + address, b + from, address) == 0 && b[six ? 7 : 8] == 64 &&
	       proto == (six ? 58 : 1) &&
	       (!first || (a[l4] == (six ? 128 : 8) && b[l4] == (six ? 129 : 0))) &&
	       memcmp(a + l4 + 4 * first, b + l4 + 4 * first,
		       out->len - RTE_ETHER_HDR_LEN - l4 - 4 * first) == 0 &&
	       memcmp(in->bytes, out->bytes + 6, 6) == 0 &&
	       memcmp(in->bytes + 6, out->bytes, 6) == 0;
}

/* Where a frame goes next, by the routes.  => false: nowhere. */
static bool
next_hop_of(struct flow *f, const uint8_t *frame, uint16_t *interface, struct ip_addr *hop)
{
	const struct engine *e = f->box->engine;

	if (frame_is_ip6(frame)) {
		const uint8_t *next;

		if (!route6_lookup(engine_routes6(e), frame + 38, interface, &next))
			return false;
		*hop = ip_addr_v6(next);
	} else {
		rte_be32_t dst, next;

		memcpy(&dst, frame + 30, sizeof(dst));
		if (!route_lookup(engine_routes(e), dst, interface, &next))
			return false;
		*hop = ip_addr_v4(next);
	}
	return true;
}

void
flow_check_macs(struct flow *f, const struct leaving *l)
{
	struct rte_ether_addr host;
	struct ip_addr hop;
	uint16_t interface;

	if (!next_hop_of(f, l->bytes, &interface, &hop) || interface != l->port) {
		flow_fail(f, "sent to %s, where no route leads", flow_zone_names[l->port]);
		return;
	}
	host = engine_box_host_mac_of(&hop);
	if (memcmp(l->bytes, &host, 6) != 0)
		flow_fail(f, "destination MAC is not the next hop's");
	if (memcmp(l->bytes + 6, engine_box_mac(f->box, l->port), 6) != 0)
		flow_fail(f, "source MAC is not ours");
}

/* Match one frame sent with one fed.  port < 0: any. */
static struct leaving *
match(struct flow *f, int port, bool (*same)(const struct fed *, const struct leaving *))
{
	for (unsigned int o = 0; o < f->leaving_count; o++) {
		struct leaving *l = &f->leaving[o];

		if (l->done || (port >= 0 && l->port != port))
			continue;
		for (unsigned int i = 0; i < f->fed_count; i++) {
			if (f->fed[i].done || !same(&f->fed[i], l))
				continue;
			f->fed[i].done = true;
			l->done = true;
			f->verdicts++;
			return l;
		}
	}
	return NULL;
}

void
flow_complain_not_sent(struct flow *f, const char *what)
{
	const struct worker_stats now = flow_stats(f);

	for (unsigned int r = 1; r < DROP_REASON_COUNT; r++) {
		if (now.drops[r] - f->before.drops[r] > f->expected_drops[r]) {
			flow_fail(f, "not %s, but dropped with reason %s", what, drop_names[r]);
			return;
		}
	}
	flow_fail(f, "not %s%s", what, f->leaving_count > 0 ? ", or not as it should be" : "");
}

/* pass [ZONE] [*N]: forwarded, nothing but MACs, TTL and header checksum changed */
static void
do_pass(struct flow *f, struct words *w)
{
	const unsigned long times = flow_times(w);
	const int port = w->at < w->count ? flow_port(f, flow_word(w)) : -1;

	for (unsigned long i = 0; i < times && f->why[0] == '\0'; i++) {
		const struct leaving *l = match(f, port, forwarded_from);

		if (l == NULL)
			flow_complain_not_sent(f, "forwarded");
		else
			flow_check_macs(f, l);
	}
}

/* out ZONE PACKET: as pass, and the frame is as described; with mss= that may be another one */
static void
do_out(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	struct frame_spec s = { 0 };
	const struct leaving *l;
	const char *wrong;

	if (flow_frame(f, w, &s, true)) {
		l = match(f, port, s.mss != 0 ? clamped_from : forwarded_from);
		if (l == NULL) {
			flow_complain_not_sent(f, "forwarded");
		} else {
			flow_check_macs(f, l);
			wrong = frame_is(&s, l->bytes, l->len);
			if (wrong != NULL)
				flow_fail(f, "%s", wrong);
		}
	}
	frame_spec_free(&s);
}

/* answer [*N]: an echo request to the firewall, in N fragments, was turned into its reply */
static void
do_answer(struct flow *f, struct words *w)
{
	const unsigned long times = flow_times(w);
	uint32_t sum = 0;
	size_t bytes = 0;

	for (unsigned long i = 0; i < times; i++) {
		const struct leaving *l = match(f, -1, answer_to);

		if (l == NULL) {
			flow_complain_not_sent(f, "answered");
			return;
		}
		bytes += frame_part_sum(l->bytes, l->len, &sum);
		if (i + 1 == times && times > 1 && frame_whole_sum(l->bytes, sum, bytes) != 0)
			flow_fail(f, "ICMP checksum of the answer's fragments together");
	}
}

/* inject ZONE PACKET: the control core sends a frame; it must leave unchanged */
static void
do_inject(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	const uint16_t port = flow_port(f, flow_word(w));
	struct frame_spec s = { 0 };
	struct rte_ether_addr dst;
	uint8_t bytes[FRAME_MAX];
	struct rte_mbuf *m;
	uint16_t len;

	flow_settle(f);
	if (!flow_frame(f, w, &s, true)) {
		frame_spec_free(&s);
		return;
	}
	dst = flow_destination(f, &s, port);
	len = (uint16_t)frame_build(&s, &dst, engine_box_mac(b, port), bytes);
	frame_spec_free(&s);
	m = to_mbuf(f, bytes, len, 0);
	if (m == NULL)
		return;
	pkt_meta(m)->interface = port;
	if (!engine_inject(b->engine, m)) {
		rte_pktmbuf_free(m);
		flow_fail(f, "inject ring full");
		return;
	}
	flow_run(f);
	if (f->leaving_count != 1 || f->leaving[0].port != port || f->leaving[0].len != len ||
		memcmp(f->leaving[0].bytes, bytes, len) != 0)
		flow_fail(f, "the injected frame did not leave as it was");
	f->leaving_count = 0;
}

/* drop REASON [*N] */
static void
do_drop(struct flow *f, struct words *w)
{
	const unsigned int times = (unsigned int)flow_times(w);
	const int reason = flow_find(flow_word(w), drop_names, DROP_REASON_COUNT);

	if (reason <= 0) {
		flow_fail(f, "no such drop reason");
		return;
	}
	f->expected_drops[reason] += times;
	f->verdicts += times;
}

/* held N: so many fragments wait for the rest of their datagrams */
static void
do_held(struct flow *f, struct words *w)
{
	const int want = atoi(flow_word(w));

	flow_box(f);
	f->held_said = (int)flow_stats(f).held;
	if (f->held_said != want)
		flow_fail(f, "%d fragment(s) are held", f->held_said);
}

/* The next hop of a punted packet. */
static struct ip_addr
punted_hop(const struct pkt_meta *meta)
{
	return meta->family == 6 ? ip_addr_v6(meta->next_hop6) : ip_addr_v4(meta->next_hop);
}

/* punt arp|vrrp|unresolved|nd [hop=ADDRESS] */
static void
do_punt(struct flow *f, struct words *w)
{
	static const char *const names[] = { "arp", "vrrp", "unresolved", "nd", "heartbeat" };
	const int why = flow_find(flow_word(w), names, RTE_DIM(names));
	const char *hop = flow_value(flow_word(w), "hop");
	struct rte_mbuf *m = NULL;
	struct ip_addr want, have;

	for (uint16_t i = 0; i < f->box->workers && m == NULL; i++)
		engine_punt_dequeue(f->box->engine, i, &m, 1);
	if (m == NULL) {
		flow_complain_not_sent(f, "punted");
		return;
	}
	f->verdicts++;
	if (pkt_meta(m)->why != why)
		flow_fail(f, "punted as %s", names[pkt_meta(m)->why]);
	have = punted_hop(pkt_meta(m));
	if (hop != NULL && flow_address(f, hop, &want) && !ip_addr_equal(&want, &have))
		flow_fail(f, "next hop is another");
	rte_pktmbuf_free(m);
}

static void
do_hold(struct flow *f, struct words *w)
{
	(void)w;
	flow_box(f);
	flow_settle(f);
	f->hold = true;
}

static void
do_go(struct flow *f, struct words *w)
{
	(void)w;
	f->hold = false;
	flow_run(f);
}

const struct flow_statement flow_packet_statements[] = {
	{ "in", do_in },
	{ "pass", do_pass },
	{ "out", do_out },
	{ "drop", do_drop },
	{ "punt", do_punt },
	{ "answer", do_answer },
	{ "held", do_held },
	{ "inject", do_inject },
	{ "hold", do_hold },
	{ "go", do_go },
	{ NULL, NULL },
};
