/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets in, and what must become of them. */
#include "flow.h"

#include <rte_malloc.h>

static uint16_t
queue_for(struct flow *f, const struct frame_spec *s)
{
	struct session_key4 key;
	rte_be16_t sport = rte_cpu_to_be_16(s->sport), dport = rte_cpu_to_be_16(s->dport);

	if (f->spread == ONE_WORKER)
		return 0;
	if (f->spread == TWO_DEALT && !f->steered)
		return f->dealt++ & 1;
	if (s->kind == FRAME_ICMP && s->quote == NULL) {
		sport = s->type == 0 ? SESSION_ICMP_ECHO_PORT : rte_cpu_to_be_16(s->id);
		dport = s->type == 0 ? rte_cpu_to_be_16(s->id) : SESSION_ICMP_ECHO_PORT;
	}
	session_key4_make(
		&key, rte_cpu_to_be_32(s->src), rte_cpu_to_be_32(s->dst), sport, dport, s->proto);
	return session_table_home4(engine_sessions(f->box->engine), &key);
}

/* Destination MAC of a frame: as the test says, else the port's own. */
static struct rte_ether_addr
destination_mac(struct flow *f, const char *said, uint16_t port)
{
	struct rte_ether_addr mac = f->box->ports[port].mac;
	static const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	if (flow_is(said, "broadcast"))
		return all;
	if (flow_is(said, "virtual"))
		return (struct rte_ether_addr){ { 0, 0, 0x5e, 0, 1, BOX_VRID(port) } };
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
			l->port = port;
			l->done = false;
			l->len = (uint16_t)m->pkt_len;
			data = rte_pktmbuf_read(m, 0, m->pkt_len, l->bytes);
			if (data != l->bytes)
				memcpy(l->bytes, data, m->pkt_len);
			rte_pktmbuf_free(m);
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

/* Every frame that was fed must have had its line, and nothing else may have happened. */
void
flow_settle(struct flow *f)
{
	struct worker_stats now;
	struct rte_mbuf *m;

	if (f->box == NULL)
		return;
	if (f->verdicts < f->fed_count)
		flow_fail(f, "%u packet(s) above have no line that says what becomes of them",
			f->fed_count - f->verdicts);
	for (unsigned int i = 0; i < f->leaving_count; i++) {
		if (!f->leaving[i].done)
			flow_fail(f, "a frame was sent to %s that no line above expects",
				flow_zone_names[f->leaving[i].port]);
	}
	now = flow_stats(f);
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
	f->fed_count = f->verdicts = f->leaving_count = 0;
	memset(f->expected_drops, 0, sizeof(f->expected_drops));
}

void
flow_run(struct flow *f)
{
	engine_box_poll(f->box);
	collect(f);
}

/* in ZONE PACKET */
static void
do_in(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	const uint16_t port = flow_port(f, flow_word(w));
	struct frame_spec s = { 0 };
	const char *wrong = frame_parse(w, &s);
	struct rte_ether_addr dst, src = engine_box_host_mac(rte_cpu_to_be_32(s.src));
	struct rte_mbuf *m;
	struct fed *fed;

	if (!f->hold)
		flow_settle(f);
	if (f->fed_count == MAX_IN)
		flow_fail(f, "too many packets held");
	if (wrong != NULL)
		flow_fail(f, "%s", wrong);
	if (w->at < w->count)
		flow_fail(f, "'%s'?", w->word[w->at]);
	dst = destination_mac(f, s.mac, port);
	if (s.smac[0] != '\0' && !frame_mac(s.smac, &src))
		flow_fail(f, "smac?");
	if (f->why[0] == '\0') {
		fed = &f->fed[f->fed_count++];
		fed->port = port;
		fed->done = false;
		fed->len = (uint16_t)frame_build(&s, &dst, &src, fed->bytes);
		m = to_mbuf(f, fed->bytes, fed->len, s.split);
		if (m != NULL && s.nic_bad)
			m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD;
		if (m != NULL && !engine_box_feed(b, port, queue_for(f, &s), m)) {
			flow_fail(f, "port ring full");
			rte_pktmbuf_free(m);
		}
	}
	frame_spec_free(&s);
	if (!f->hold && f->why[0] == '\0')
		flow_run(f);
}

/* Packets: what comes out */

/* Length of a frame without Ethernet padding. */
static uint16_t
true_len(const struct fed *fed)
{
	return (uint16_t)(RTE_ETHER_HDR_LEN + (fed->bytes[16] << 8 | fed->bytes[17]));
}

/* Only MACs, TTL and header checksum may differ. */
static bool
forwarded_from(const struct fed *in, const struct leaving *out)
{
	const uint8_t *a = in->bytes + RTE_ETHER_HDR_LEN, *b = out->bytes + RTE_ETHER_HDR_LEN;

	return out->len == true_len(in) && memcmp(a, b, 8) == 0 && a[8] == b[8] + 1 &&
	       a[9] == b[9] && memcmp(a + 12, b + 12, out->len - RTE_ETHER_HDR_LEN - 12u) == 0;
}

/* ... and the MSS of a SYN, with its checksum. */
static bool
clamped_from(const struct fed *in, const struct leaving *out)
{
	const size_t mss = frame_mss(in->bytes, in->len), sum = RTE_ETHER_HDR_LEN + 20 + 16;
	struct leaving undone = *out;

	if (mss == 0 || out->len != true_len(in))
		return false;
	memcpy(undone.bytes + mss, in->bytes + mss, 2);
	memcpy(undone.bytes + sum, in->bytes + sum, 2);
	return forwarded_from(in, &undone);
}

static bool
answer_to(const struct fed *in, const struct leaving *out)
{
	const uint8_t *a = in->bytes + RTE_ETHER_HDR_LEN, *b = out->bytes + RTE_ETHER_HDR_LEN;

	return out->port == in->port && out->len == true_len(in) &&
	       memcmp(a + 12, b + 16, 4) == 0 && memcmp(a + 16, b + 12, 4) == 0 && b[8] == 64 &&
	       b[9] == 1 && a[20] == 8 && b[20] == 0 &&
	       memcmp(a + 24, b + 24, out->len - RTE_ETHER_HDR_LEN - 24u) == 0 &&
	       memcmp(in->bytes, out->bytes + 6, 6) == 0 &&
	       memcmp(in->bytes + 6, out->bytes, 6) == 0;
}

/* The MACs of a forwarded frame: ours on that port, and the next hop's. */
static void
check_macs(struct flow *f, const struct leaving *l)
{
	struct rte_ether_addr host;
	uint16_t interface;
	rte_be32_t dst, hop;

	memcpy(&dst, l->bytes + 30, sizeof(dst));
	if (!route_lookup(engine_routes(f->box->engine), dst, &interface, &hop) ||
		interface != l->port) {
		flow_fail(f, "sent to %s, where no route leads", flow_zone_names[l->port]);
		return;
	}
	host = engine_box_host_mac(hop);
	if (memcmp(l->bytes, &host, 6) != 0)
		flow_fail(f, "destination MAC is not the next hop's");
	if (memcmp(l->bytes + 6, &f->box->ports[l->port].mac, 6) != 0)
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

static void
complain_not_sent(struct flow *f, const char *what)
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

/* pass [ZONE]: forwarded, nothing but MACs, TTL and header checksum changed */
static void
do_pass(struct flow *f, struct words *w)
{
	const int port = w->at < w->count ? flow_port(f, flow_word(w)) : -1;
	const struct leaving *l = match(f, port, forwarded_from);

	if (l == NULL)
		complain_not_sent(f, "forwarded");
	else
		check_macs(f, l);
}

/* out ZONE PACKET: as pass, and the frame is as described; with mss= that may be another one */
static void
do_out(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	struct frame_spec s = { 0 };
	const char *wrong = frame_parse(w, &s);
	const struct leaving *l =
		wrong == NULL ? match(f, port, s.mss != 0 ? clamped_from : forwarded_from) : NULL;

	if (wrong == NULL && l == NULL)
		complain_not_sent(f, "forwarded");
	if (l != NULL) {
		check_macs(f, l);
		wrong = frame_is(&s, l->bytes, l->len);
	}
	if (wrong != NULL)
		flow_fail(f, "%s", wrong);
	frame_spec_free(&s);
}

/* answer: an echo request to the firewall was turned into its reply */
static void
do_answer(struct flow *f, struct words *w)
{
	(void)w;
	if (match(f, -1, answer_to) == NULL)
		complain_not_sent(f, "answered");
}

/* inject ZONE PACKET: the control core sends a frame; it must leave unchanged */
static void
do_inject(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	const uint16_t port = flow_port(f, flow_word(w));
	struct frame_spec s = { 0 };
	const char *wrong = frame_parse(w, &s);
	struct rte_ether_addr dst = destination_mac(f, s.mac, port);
	uint8_t bytes[FRAME_MAX];
	struct rte_mbuf *m;
	uint16_t len;

	flow_settle(f);
	if (wrong != NULL) {
		flow_fail(f, "%s", wrong);
		return;
	}
	len = (uint16_t)frame_build(&s, &dst, &b->ports[port].mac, bytes);
	frame_spec_free(&s);
	m = to_mbuf(f, bytes, len, 0);
	if (m == NULL)
		return;
	pkt_meta(m)->port = port;
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

/* drop REASON */
static void
do_drop(struct flow *f, struct words *w)
{
	const int reason = flow_find(flow_word(w), drop_names, DROP_REASON_COUNT);

	if (reason <= 0) {
		flow_fail(f, "no such drop reason");
		return;
	}
	f->expected_drops[reason]++;
	f->verdicts++;
}

/* punt arp|vrrp|unresolved [hop=ADDRESS] */
static void
do_punt(struct flow *f, struct words *w)
{
	static const char *const names[] = { "arp", "vrrp", "unresolved" };
	const int why = flow_find(flow_word(w), names, RTE_DIM(names));
	const char *hop = flow_value(flow_word(w), "hop");
	struct rte_mbuf *m = NULL;
	uint32_t address;

	for (uint16_t i = 0; i < f->box->workers && m == NULL; i++)
		engine_punt_dequeue(f->box->engine, i, &m, 1);
	if (m == NULL) {
		complain_not_sent(f, "punted");
		return;
	}
	f->verdicts++;
	if (pkt_meta(m)->why != why)
		flow_fail(f, "punted as %s", names[pkt_meta(m)->why]);
	if (hop != NULL && (!frame_address(hop, &address) ||
				   pkt_meta(m)->next_hop != rte_cpu_to_be_32(address)))
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
	{ "inject", do_inject },
	{ "hold", do_hold },
	{ "go", do_go },
	{ NULL, NULL },
};
