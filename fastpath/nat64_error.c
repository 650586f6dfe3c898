/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat64_error.h"

#include "ip6_chain.h"
#include "l4_sum.h"
#include "nat.h"
#include "nat64_icmp.h"
#include "nat_rewrite.h"

#include <netinet/in.h>

#define ICMP		sizeof(struct rte_icmp_hdr)
#define UNIT4		4 /* of the length of what is quoted, where objects follow (RFC 4884) */
#define UNIT6		8
#define PARAMETER6	4 /* ICMPv6 type, whose word is no length */
#define PACKET_TOO_BIG	2
#define QUOTED_L4	8	    /* bytes of it that every quotation has (icmp_error.c) */
#define ICMP6_ERROR_MAX IP6_MTU_MIN /* RFC 4443 2.4 (c) */
#define HEADERS_MAX	(40 + 8 + 48)

/* An error taken apart. */
struct error {
	struct nat64_message message;
	struct nat64_piece quoted; /* the packet it quotes: strip from its IP header to its L4 */
	uint32_t l4;		   /* from the error's IP header to the quoted L4 */
	uint32_t rest;		   /* bytes of it that are there */
	bool from_end;		   /* its author is the host that the packet was for */
	union {
		rte_be32_t four[2];
		uint8_t six[2][IP6_LEN];
	} addresses; /* of the quoted packet */
};

/* How the quoted packet leaves: against the error. */
static struct nat64_leaving
against(const struct nat64_leaving *l)
{
	struct nat64_leaving r = { .family = l->family, .sport = l->dport, .dport = l->sport };

	if (l->family == 4) {
		r.four[0] = l->four[1];
		r.four[1] = l->four[0];
	} else {
		memcpy(r.six[0], l->six[1], IP6_LEN);
		memcpy(r.six[1], l->six[0], IP6_LEN);
	}
	return r;
}

/* Objects behind what is quoted are left out, and so is its length (RFC 4884).  A length that would
 * leave no ports is none. */
static void
leave_out_objects(struct error *e, uint32_t length, uint32_t header)
{
	if (length >= header + QUOTED_L4)
		e->rest = RTE_MIN(e->rest, length - header);
}

static void
take_apart4(const struct pkt *p, struct error *e, struct nat64_mtus *mtus)
{
	const uint8_t *quote = (const uint8_t *)pkt_l4(p) + ICMP;
	struct rte_ipv4_hdr ip;
	uint32_t header;
	uint16_t place;

	memcpy(&ip, quote, sizeof(ip));
	header = (uint32_t)(ip.version_ihl & 0x0f) * 4;
	place = rte_be_to_cpu_16(ip.fragment_offset);
	mtus->quoted = rte_be_to_cpu_16(ip.total_length);
	e->l4 = p->l4_off + (uint32_t)ICMP + header;
	e->rest = p->ip_len - e->l4;
	e->from_end = ip.dst_addr == p->ip->src_addr;
	e->quoted = (struct nat64_piece){ .strip = (uint16_t)header,
		.fragment = (place & RTE_IPV4_HDR_MF_FLAG) != 0,
		.more = (place & RTE_IPV4_HDR_MF_FLAG) != 0,
		.class = ip.type_of_service,
		.hops = ip.time_to_live,
		.proto = ip.next_proto_id,
		.len = mtus->quoted > header ? mtus->quoted - header : 0,
		.id = rte_be_to_cpu_16(ip.packet_id) };
	e->addresses.four[0] = ip.src_addr;
	e->addresses.four[1] = ip.dst_addr;
	if (e->message.type != ICMP_PARAMETER || (e->message.word >> 16 & 0xff) != 0)
		leave_out_objects(e, (e->message.word >> 16 & 0xff) * UNIT4, header);
}

static bool
take_apart6(const struct pkt *p, struct error *e)
{
	const uint32_t at = p->l4_off + (uint32_t)ICMP;
	const uint8_t *quote = (const uint8_t *)p->l3 + at;
	const uint32_t readable = rte_pktmbuf_data_len(p->m) - RTE_ETHER_HDR_LEN;
	struct rte_ipv6_hdr ip6;
	struct ip6_chain chain;
	uint32_t len;

	memcpy(&ip6, quote, sizeof(ip6));
	if (ip6_chain_walk(quote, RTE_MIN(p->ip_len, readable) - at, &chain) != DROP_NONE)
		return false;
	len = (uint32_t)sizeof(ip6) + rte_be_to_cpu_16(ip6.payload_len);
	e->l4 = at + chain.l4_off;
	e->rest = p->ip_len - e->l4;
	e->from_end = ip6_equal(ip6.dst_addr, p->ip6->src_addr);
	e->quoted = (struct nat64_piece){ .strip = chain.l4_off,
		.fragment = ip6_chain_fragment(&chain),
		.more = (chain.place & 1) != 0,
		.class = (uint8_t)(rte_be_to_cpu_32(ip6.vtc_flow) >> 20),
		.hops = ip6.hop_limits,
		.proto = chain.proto,
		.len = len > chain.l4_off ? len - chain.l4_off : 0 };
	if (e->quoted.fragment) {
		memcpy(&e->quoted.id, quote + chain.fragment + 4, sizeof(e->quoted.id));
		e->quoted.id = rte_be_to_cpu_32(e->quoted.id);
	}
	memcpy(e->addresses.six[0], ip6.src_addr, IP6_LEN);
	memcpy(e->addresses.six[1], ip6.dst_addr, IP6_LEN);
	if (e->message.type != PACKET_TOO_BIG && e->message.type != PARAMETER6)
		leave_out_objects(e, (e->message.word >> 24) * UNIT6, chain.l4_off);
	return true;
}

static rte_be16_t
get16(const uint8_t *at)
{
	rte_be16_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static void
put16(uint8_t *at, rte_be16_t v)
{
	memcpy(at, &v, sizeof(v));
}

/* The quoted echo; what it has behind its header is as long as its IP header says. */
static void
quoted_echo(uint8_t *l4, const struct error *e, const struct nat64_leaving *l)
{
	const rte_be16_t was = get16(l4), is = nat64_echo(l4[0]);
	const bool request = l4[0] == ICMP_ECHO_REQUEST || l4[0] == ICMP6_ECHO_REQUEST;
	const rte_be16_t id = request ? l->sport : l->dport;
	uint8_t *const sum = l4 + offsetof(struct rte_icmp_hdr, icmp_cksum);
	uint8_t *const ident = l4 + offsetof(struct rte_icmp_hdr, icmp_ident);
	const uint16_t pseudo = l->family == 4
					? (uint16_t)~nat64_pseudo6(e->addresses.six, e->quoted.len)
					: nat64_pseudo6(l->six, e->quoted.len);

	put16(sum, nat_sum_add(get16(sum), pseudo));
	put16(sum, nat_sum_replace(get16(sum), was, is));
	put16(sum, nat_sum_replace(get16(sum), get16(ident), id));
	put16(l4, is);
	put16(ident, id);
}

/* Ports or identifier, and checksum if it is there, of the quoted packet. */
static void
quoted_l4(uint8_t *l4, uint32_t there, const struct error *e, const struct nat64_leaving *l)
{
	const bool tcp = e->quoted.proto == IPPROTO_TCP;
	const uint32_t at = tcp ? offsetof(struct rte_tcp_hdr, cksum)
				: offsetof(struct rte_udp_hdr, dgram_cksum);
	const uint16_t change =
		nat64_sums(&e->addresses, l->family == 4 ? 6 : 4, get16(l4), get16(l4 + 2), l);

	if (e->quoted.proto == IPPROTO_ICMP || e->quoted.proto == IPPROTO_ICMPV6) {
		quoted_echo(l4, e, l);
		return;
	}
	put16(l4, l->sport);
	put16(l4 + 2, l->dport);
	if (there >= at + sizeof(rte_be16_t) && (tcp || get16(l4 + at) != 0))
		put16(l4 + at, nat_sum_add(get16(l4 + at), change));
}

/* Whom the error is from, on the other side: the host that the packet was for, as it is known
 * there; a router, by its own address where IPv6 can name it, else it is hidden behind that host.
 */
static void
author(const struct worker *w, const struct pkt *p, const struct error *e, uint16_t out,
	struct nat64_leaving *l)
{
	const struct nat64_prefix *prefix;

	if (l->family == 4 || e->from_end || w->snap->nat == NULL)
		return;
	prefix = nat64_find(w->snap->nat, w->snap->interfaces[out].zone, l->six[0]);
	if (prefix != NULL)
		nat64_embed(prefix, p->ip->src_addr, l->six[0]);
}

/* Everything in front of the quoted L4.  => its length. */
static uint16_t
headers(const struct error *e, const struct nat64_piece *outer, const struct nat64_leaving *l,
	const struct nat64_leaving *back, uint8_t bytes[HEADERS_MAX])
{
	const rte_be32_t word = rte_cpu_to_be_32(e->message.word);
	struct nat64_piece quoted = e->quoted;
	const uint16_t ip = l->family == 4 ? 20 : 40;
	uint8_t *icmp = bytes + ip;

	quoted.proto = quoted.proto == IPPROTO_ICMP	? IPPROTO_ICMPV6
		       : quoted.proto == IPPROTO_ICMPV6 ? IPPROTO_ICMP
							: quoted.proto;
	nat64_fill(outer, l, bytes);
	icmp[0] = e->message.type;
	icmp[1] = e->message.code;
	icmp[2] = icmp[3] = 0;
	memcpy(icmp + 4, &word, sizeof(word));
	nat64_fill(&quoted, back, icmp + ICMP);
	return (uint16_t)(ip + ICMP + nat64_length(&quoted, l->family) - quoted.len);
}

static void
sum_error(struct pkt *p)
{
	struct rte_icmp_hdr *icmp = pkt_l4(p);
	uint16_t sum = l4_sum_payload(p, pkt_l4_len(p));

	if (p->family == 6)
		sum = nat_sum_join(sum, nat64_pseudo6(p->ip6->src_addr, pkt_l4_len(p)));
	icmp->icmp_cksum = (rte_be16_t)~sum;
}

/* Cut off what is behind the first `rest` bytes of the quoted L4. */
static bool
shorten(struct pkt *p, struct error *e, uint32_t rest)
{
	if (rest >= e->rest && e->l4 + e->rest == p->ip_len)
		return true;
	rest = RTE_MIN(rest, e->rest);
	if (p->m->nb_segs > 1 && rte_pktmbuf_linearize(p->m) != 0)
		return false;
	p->l3 = rte_pktmbuf_mtod_offset(p->m, void *, RTE_ETHER_HDR_LEN);
	if (rte_pktmbuf_trim(p->m, (uint16_t)(p->ip_len - e->l4 - rest)) != 0)
		return false;
	p->ip_len = e->l4 + rest;
	e->rest = rest;
	return true;
}

enum drop_reason
nat64_error(struct worker *w, struct pkt *p, const struct nat64_leaving *leaving, uint16_t out)
{
	const struct rte_icmp_hdr *icmp = pkt_l4(p);
	const bool to6 = leaving->family == 6;
	const uint16_t near = w->snap->interfaces[p->interface].mtu;
	const uint16_t far = w->snap->interfaces[out].mtu;
	struct nat64_mtus mtus = { .four = to6 ? near : far, .six = to6 ? far : near };
	struct nat64_piece outer = nat64_piece_of(p, p->m);
	struct nat64_leaving l = *leaving;
	const struct nat64_leaving back = against(leaving);
	struct nat64_message said = { .type = icmp->icmp_type, .code = icmp->icmp_code };
	struct error e;
	uint8_t bytes[HEADERS_MAX];
	uint16_t len;
	void *at;

	memcpy(&said.word, &icmp->icmp_ident, sizeof(said.word));
	said.word = rte_be_to_cpu_32(said.word);
	e.message = said;
	if (to6)
		take_apart4(p, &e, &mtus);
	else if (!take_apart6(p, &e))
		return DROP_icmp_type;
	if (!(to6 ? nat64_message_to6(&said, &mtus, &e.message)
		  : nat64_message_to4(&said, &mtus, &e.message)))
		return DROP_icmp_type;
	if (!shorten(p, &e, to6 ? ICMP6_ERROR_MAX - HEADERS_MAX : e.rest))
		return DROP_no_mbuf;
	author(w, p, &e, out, &l);
	outer.len = (uint32_t)ICMP + e.rest + nat64_length(&e.quoted, l.family) - e.quoted.len;
	outer.id = to6 ? 0 : w->ip_id++;
	len = headers(&e, &outer, &l, &back, bytes);
	at = nat64_room(p->m, (uint16_t)e.l4, len, l.family);
	if (at == NULL)
		return DROP_no_mbuf;
	memcpy(at, bytes, len);
	p->l3 = at;
	p->family = l.family;
	p->l4_off = to6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	p->proto = to6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	p->ip_len = len + e.rest;
	quoted_l4((uint8_t *)at + len,
		RTE_MIN(e.rest, rte_pktmbuf_data_len(p->m) - (uint32_t)RTE_ETHER_HDR_LEN - len), &e,
		&back);
	sum_error(p);
	return DROP_NONE;
}
