/* SPDX-License-Identifier: BSD-3-Clause */
/* What the firewall makes itself: notices to senders, and the pieces of packets it has cut. */
#include "flow.h"

#include <rte_byteorder.h>

#define IP_AT RTE_ETHER_HDR_LEN

/* => NULL, or what is wrong with an ICMP error about the packet of `in` */
static const char *
quotes(const struct fed *in, const struct leaving *out, uint32_t mtu)
{
	const bool six = frame_is_ip6(out->bytes);
	const size_t most = six ? 1280 : 576, headers = six ? 48 : 28;
	const uint8_t *icmp = out->bytes + IP_AT + headers - 8;
	const size_t whole = frame_packet_len(in->bytes);
	const size_t quoted = whole > most - headers ? most - headers : whole;

	if (frame_get(icmp + 4, 4) != mtu)
		return "MTU";
	if (out->len != IP_AT + headers + quoted)
		return "length of the quotation";
	return memcmp(icmp + 8, in->bytes + IP_AT, quoted) != 0 ? "quotation" : NULL;
}

/* => NULL, or why `out` is not the notice that goes back to the sender of `in` */
static const char *
goes_back(const struct frame_spec *s, const struct fed *in, const struct leaving *out)
{
	const bool icmp = s->kind == FRAME_ICMP || s->kind == FRAME_ICMP6;
	const char *wrong = frame_is(s, out->bytes, out->len);

	if (wrong != NULL)
		return wrong;
	if (in->port != out->port)
		return "port";
	if (memcmp(out->bytes, in->bytes + 6, 6) != 0 || memcmp(out->bytes + 6, in->bytes, 6) != 0)
		return "MACs, which are not those of the frame turned round";
	if (out->bytes[IP_AT + (frame_is_ip6(out->bytes) ? 7 : 8)] != 64)
		return "TTL";
	if (icmp)
		return quotes(in, out, s->mtu);
	return out->len != IP_AT + (frame_is_ip6(out->bytes) ? 40u : 20u) + 20 ? "length of the RST"
									       : NULL;
}

/* notice ZONE PACKET [mtu=N]: the sender of a packet above, which has a line of its own, is told;
 * an ICMP error quotes it exactly as it was fed */
static void
do_notice(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	const char *wrong = "nothing more was sent there";
	struct frame_spec s = { 0 };

	if (!flow_frame(f, w, &s, true)) {
		frame_spec_free(&s);
		return;
	}
	for (unsigned int o = 0; o < f->leaving_count && wrong != NULL; o++) {
		struct leaving *l = &f->leaving[o];

		for (unsigned int i = 0; i < f->fed_count && wrong != NULL; i++) {
			if (l->done || l->port != port)
				continue;
			wrong = goes_back(&s, &f->fed[i], l);
			l->done = wrong == NULL;
		}
	}
	if (wrong != NULL)
		flow_fail(f, "no such notice: %s", wrong);
	frame_spec_free(&s);
}

/* Where a fragment's payload lies in its datagram. */
static size_t
place(const uint8_t *frame)
{
	return (frame_get(frame + IP_AT + 6, 2) & 0x1fff) * 8;
}

static size_t
payload_len(const uint8_t *frame)
{
	return frame_packet_len(frame) - (frame[IP_AT] & 15u) * 4;
}

/* Is `l` a piece of the IPv4 packet, or fragment, that was fed? */
static bool
is_piece(const struct fed *in, const struct leaving *l)
{
	const uint8_t *a = in->bytes + IP_AT, *b = l->bytes + IP_AT;

	return !l->done && !frame_is_ip6(l->bytes) && l->len >= IP_AT + 20 &&
	       memcmp(a + 4, b + 4, 2) == 0 && a[9] == b[9] && memcmp(a + 12, b + 12, 8) == 0 &&
	       place(l->bytes) >= place(in->bytes) &&
	       place(l->bytes) < place(in->bytes) + payload_len(in->bytes);
}

/* One piece against its place in the packet.  => NULL, or what is wrong; *from, *to: bytes of the
 * packet's payload */
static const char *
check_piece(const struct flow *f, const struct fed *in, const struct leaving *l, size_t *from,
	size_t *to)
{
	const uint8_t *a = in->bytes + IP_AT, *b = l->bytes + IP_AT;
	const size_t header = (a[0] & 15u) * 4, own = (b[0] & 15u) * 4;
	const size_t whole = payload_len(in->bytes), len = l->len - IP_AT - own;
	const uint32_t before = frame_get(a + 6, 2), now = frame_get(b + 6, 2);

	*from = place(l->bytes) - place(in->bytes);
	*to = *from + len;
	if (l->len - IP_AT > f->box->mtu[l->port])
		return "larger than the MTU";
	if (*to > whole || memcmp(b + own, a + header + *from, len) != 0)
		return "payload";
	if (*to < whole && len % 8 != 0)
		return "length, which is no multiple of 8";
	if ((now & 0x2000) != (*to < whole ? 0x2000 : before & 0x2000) || (now & 0xc000) != 0)
		return "flags";
	return b[1] == a[1] && b[8] == a[8] - 1 ? NULL : "TOS or TTL";
}

/* cut ZONE N: a packet above left as N fragments that are together its payload */
static void
do_cut(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	const unsigned long want = strtoul(flow_word(w), NULL, 0);
	struct fed *in = NULL;
	size_t covered = 0, from, to;
	unsigned long have = 0;

	for (unsigned int i = 0; i < f->fed_count && in == NULL; i++) {
		if (!f->fed[i].done)
			in = &f->fed[i];
	}
	if (in == NULL) {
		flow_fail(f, "no packet is left above");
		return;
	}
	for (unsigned int o = 0; o < f->leaving_count; o++) {
		struct leaving *l = &f->leaving[o];
		const char *wrong;

		if (l->port != port || !is_piece(in, l))
			continue;
		l->done = true;
		have++;
		wrong = check_piece(f, in, l, &from, &to);
		if (wrong == NULL && from != covered)
			wrong = "place";
		if (wrong != NULL)
			flow_fail(f, "piece %lu: %s", have, wrong);
		covered = to;
		flow_check_macs(f, l);
	}
	if (have != want)
		flow_fail(f, "it left in %lu pieces", have);
	if (covered != payload_len(in->bytes))
		flow_fail(f, "the pieces are not the whole packet");
	in->done = true;
	f->verdicts++;
}

const struct flow_statement flow_own_statements[] = {
	{ "notice", do_notice },
	{ "cut", do_cut },
	{ NULL, NULL },
};
