/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <rte_arp.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char flag_letters[] = "FSRPAUEC"; /* bit 0 first */

bool
frame_address(const char *text, uint32_t *out)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		return false;
	*out = ntohl(a.s_addr);
	return true;
}

bool
frame_mac(const char *text, struct rte_ether_addr *out)
{
	return rte_ether_unformat_addr(text, out) == 0;
}

static bool
endpoint(char *word, uint32_t *addr, uint16_t *port)
{
	char *colon = strchr(word, ':');
	bool good;

	*port = 0;
	if (colon != NULL) {
		*colon = '\0';
		*port = (uint16_t)strtoul(colon + 1, NULL, 0);
	}
	good = frame_address(word, addr);
	if (colon != NULL)
		*colon = ':';
	return good;
}

static bool
number(const char *word, const char *name, uint32_t *out)
{
	const size_t n = strlen(name);
	char *end;

	if (strncmp(word, name, n) != 0 || word[n] != '=')
		return false;
	*out = (uint32_t)strtoul(word + n + 1, &end, 0);
	return *end == '\0' && end != word + n + 1;
}

static bool
text(const char *word, const char *name, char *out, size_t size)
{
	const size_t n = strlen(name);

	if (strncmp(word, name, n) != 0 || word[n] != '=')
		return false;
	snprintf(out, size, "%s", word + n + 1);
	return true;
}

/* Bytes in hexadecimal, up to the next multiple of 4 filled with zeros. */
static bool
hex(const char *word, uint8_t *out, size_t size, uint8_t *len)
{
	size_t n = 0;
	unsigned int v;

	for (; n < size && sscanf(word, "%2x", &v) == 1; word += 2)
		out[n++] = (uint8_t)v;
	*len = (uint8_t)((n + 3) & ~(size_t)3);
	return *word == '\0';
}

/* One attribute.  => false: not one of ours. */
static bool
attribute(struct frame_spec *f, const char *w)
{
	uint32_t v;

	if (number(w, "ttl", &v)) {
		f->ttl = (uint8_t)v;
		f->ttl_given = true;
	} else if (number(w, "seq", &v)) {
		f->seq = v;
		f->seq_given = true;
	} else if (number(w, "ack", &v)) {
		f->ack = v;
		f->ack_given = true;
	} else if (number(w, "len", &v)) {
		f->len = (uint16_t)v;
		f->len_given = true;
	} else if (number(w, "win", &v)) {
		f->window = (uint16_t)v;
	} else if (number(w, "wscale", &v)) {
		f->wscale = (uint8_t)v;
	} else if (number(w, "chunk", &v)) {
		f->chunk = (uint8_t)v;
	} else if (number(w, "mss", &v)) {
		f->mss = (uint16_t)v;
	} else if (strncmp(w, "options=", 8) == 0) {
		return hex(w + 8, f->options, sizeof(f->options), &f->options_len);
	} else if (number(w, "id", &v)) {
		f->id = (uint16_t)v;
	} else if (number(w, "code", &v)) {
		f->code = (uint8_t)v;
	} else if (number(w, "proto", &v)) {
		f->proto = (uint8_t)v;
	} else if (number(w, "version", &v)) {
		f->version = (uint8_t)v;
	} else if (number(w, "ihl", &v)) {
		f->ihl = (uint8_t)v;
	} else if (number(w, "doff", &v)) {
		f->doff = (uint8_t)v;
	} else if (number(w, "udplen", &v)) {
		f->udp_len = (int)v;
	} else if (number(w, "iplen", &v)) {
		f->ip_len = (int)v;
	} else if (number(w, "frag", &v)) {
		f->fragment = (uint16_t)v;
	} else if (number(w, "ether", &v)) {
		f->ether_type = (uint16_t)v;
	} else if (number(w, "cut", &v)) {
		f->cut = (uint16_t)v;
	} else if (number(w, "pad", &v)) {
		f->pad = (uint16_t)v;
	} else if (number(w, "split", &v)) {
		f->split = (uint16_t)v;
	} else if (strcmp(w, "sum=bad") == 0) {
		f->bad_sum = true;
	} else if (strcmp(w, "l4sum=bad") == 0) {
		f->bad_l4_sum = true;
	} else if (strcmp(w, "l4sum=none") == 0) {
		f->no_l4_sum = true;
	} else if (strcmp(w, "nic=bad") == 0) {
		f->nic_bad = true;
	} else if (strcmp(w, "ae") == 0) {
		f->ae = true;
	} else if (strcmp(w, "mf") == 0) {
		f->more = true;
	} else if (strcmp(w, "df") == 0) {
		f->df = true;
	} else {
		return text(w, "mac", f->mac, sizeof(f->mac)) ||
		       text(w, "smac", f->smac, sizeof(f->smac));
	}
	return true;
}

static bool
tcp_flags(const char *w, uint8_t *flags)
{
	uint8_t f = 0;

	if (strcmp(w, "none") == 0) {
		*flags = 0;
		return true;
	}
	for (; *w != '\0'; w++) {
		const char *letter = strchr(flag_letters, *w);

		if (letter == NULL)
			return false;
		f |= (uint8_t)(1u << (letter - flag_letters));
	}
	*flags = f;
	return true;
}

static bool
icmp_type(const char *w, uint8_t *type)
{
	static const struct {
		const char *name;
		uint8_t type;
	} types[] = {
		{ "request", 8 },
		{ "reply", 0 },
		{ "unreachable", 3 },
		{ "exceeded", 11 },
		{ "parameter", 12 },
		{ "redirect", 5 },
	};
	uint32_t v;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(w, types[i].name) == 0) {
			*type = types[i].type;
			return true;
		}
	}
	if (!number(w, "type", &v))
		return false;
	*type = (uint8_t)v;
	return true;
}

static const char *
next(struct words *w)
{
	return w->at < w->count ? w->word[w->at++] : "";
}

static const char *
parse_arp(struct words *w, struct frame_spec *f)
{
	if (strcmp(next(w), "who") != 0 || !frame_address(next(w), &f->dst) ||
		strcmp(next(w), "from") != 0 || !frame_address(next(w), &f->src))
		return "expected: arp who ADDRESS from ADDRESS";
	return NULL;
}

static const char *
parse_kind(const char *w, struct frame_spec *f)
{
	static const struct {
		const char *name;
		enum frame_kind kind;
		uint8_t proto;
	} kinds[] = {
		{ "tcp", FRAME_TCP, 6 },
		{ "udp", FRAME_UDP, 17 },
		{ "icmp", FRAME_ICMP, 1 },
		{ "ip", FRAME_IP, 253 },
		{ "arp", FRAME_ARP, 0 },
		{ "sctp", FRAME_SCTP, 132 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(w, kinds[i].name) == 0) {
			f->kind = kinds[i].kind;
			f->proto = kinds[i].proto;
			return NULL;
		}
	}
	return "expected tcp, udp, icmp, sctp, ip or arp";
}

const char *
frame_parse(struct words *w, struct frame_spec *f)
{
	const char *wrong;

	*f = (struct frame_spec){ .ttl = 64,
		.wscale = 0xff,
		.chunk = 1,
		.window = 65535,
		.version = 4,
		.ihl = 5,
		.udp_len = -1,
		.ip_len = -1 };
	wrong = parse_kind(next(w), f);
	if (wrong != NULL)
		return wrong;
	if (f->kind == FRAME_ARP)
		wrong = parse_arp(w, f);
	else if (w->count - w->at < 3 || !endpoint(w->word[w->at], &f->src, &f->sport) ||
		 strcmp(w->word[w->at + 1], ">") != 0 ||
		 !endpoint(w->word[w->at + 2], &f->dst, &f->dport))
		wrong = "expected SOURCE[:PORT] > DESTINATION[:PORT]";
	else
		w->at += 3;
	if (wrong != NULL)
		return wrong;
	if (f->kind == FRAME_TCP && w->at < w->count && tcp_flags(w->word[w->at], &f->flags))
		w->at++;
	if (f->kind == FRAME_ICMP && w->at < w->count && icmp_type(w->word[w->at], &f->type))
		w->at++;
	while (w->at < w->count && attribute(f, w->word[w->at]))
		w->at++;
	if (w->at < w->count && strcmp(w->word[w->at], "quote") == 0) {
		w->at++;
		f->quote = calloc(1, sizeof(*f->quote));
		return f->quote != NULL ? frame_parse(w, f->quote) : "no memory";
	}
	return NULL;
}

void
frame_spec_free(struct frame_spec *f)
{
	if (f->quote != NULL)
		frame_spec_free(f->quote);
	free(f->quote);
	f->quote = NULL;
}

/* The Internet checksum of any bytes. */
static uint16_t
checksum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint32_t
pseudo_sum(uint32_t src, uint32_t dst, uint8_t proto, size_t len)
{
	return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + proto + (uint32_t)len;
}

static void
put_sum(uint8_t *at, uint16_t sum)
{
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

static size_t build_ip(const struct frame_spec *f, uint8_t *out);

static size_t
build_tcp(const struct frame_spec *f, uint8_t *out)
{
	struct rte_tcp_hdr tcp = { .src_port = htons(f->sport),
		.dst_port = htons(f->dport),
		.sent_seq = htonl(f->seq),
		.recv_ack = htonl(f->ack),
		.tcp_flags = f->flags,
		.rx_win = htons(f->window) };
	size_t header = sizeof(tcp);

	memcpy(out + header, f->options, f->options_len);
	header += f->options_len;
	if (f->mss != 0) {
		const uint8_t option[4] = { 2, 4, (uint8_t)(f->mss >> 8), (uint8_t)f->mss };

		memcpy(out + header, option, sizeof(option));
		header += sizeof(option);
	}
	if (f->wscale != 0xff) {
		const uint8_t option[4] = { 1, 3, 3, f->wscale };

		memcpy(out + header, option, sizeof(option));
		header += sizeof(option);
	}
	tcp.data_off = (uint8_t)((f->doff != 0 ? f->doff : header / 4) << 4 | f->ae);
	memcpy(out, &tcp, sizeof(tcp));
	for (uint16_t i = 0; i < f->len; i++)
		out[header + i] = (uint8_t)(i + f->seq);
	put_sum(out + 16,
		checksum(out, header + f->len, pseudo_sum(f->src, f->dst, 6, header + f->len)));
	return header + f->len;
}

static size_t
build_udp(const struct frame_spec *f, uint8_t *out)
{
	const size_t len = sizeof(struct rte_udp_hdr) + f->len;
	const struct rte_udp_hdr udp = { .src_port = htons(f->sport),
		.dst_port = htons(f->dport),
		.dgram_len = htons((uint16_t)(f->udp_len >= 0 ? f->udp_len : (int)len)) };

	memcpy(out, &udp, sizeof(udp));
	for (uint16_t i = 0; i < f->len; i++)
		out[sizeof(udp) + i] = (uint8_t)(i * 7);
	put_sum(out + 6, checksum(out, len, pseudo_sum(f->src, f->dst, 17, len)));
	return len;
}

/* The CRC is left out: no firewall checks it. */
static size_t
build_sctp(const struct frame_spec *f, uint8_t *out)
{
	const uint16_t chunk_len = (uint16_t)(4 + f->len);

	out[0] = (uint8_t)(f->sport >> 8);
	out[1] = (uint8_t)f->sport;
	out[2] = (uint8_t)(f->dport >> 8);
	out[3] = (uint8_t)f->dport;
	out[12] = f->chunk;
	out[14] = (uint8_t)(chunk_len >> 8);
	out[15] = (uint8_t)chunk_len;
	return 12 + chunk_len;
}

static size_t
build_icmp(const struct frame_spec *f, uint8_t *out)
{
	size_t len = sizeof(struct rte_icmp_hdr) + f->len;

	out[0] = f->type;
	out[1] = f->code;
	if (f->quote != NULL) {
		size_t quoted = build_ip(f->quote, out + 8);

		/* What a router quotes: header and 8 bytes, or less when the test says so. */
		if (quoted > 28)
			quoted = 28;
		len = 8 + (f->len_given ? f->len : quoted);
	} else {
		out[4] = (uint8_t)(f->id >> 8);
		out[5] = (uint8_t)f->id;
		out[6] = (uint8_t)(f->seq >> 8);
		out[7] = (uint8_t)f->seq;
		for (uint16_t i = 0; i < f->len; i++)
			out[8 + i] = (uint8_t)(i + 1);
	}
	put_sum(out + 2, checksum(out, len, 0));
	return len;
}

static size_t
build_ip(const struct frame_spec *f, uint8_t *out)
{
	const size_t header = f->ihl > 5 ? (size_t)f->ihl * 4 : 20;
	uint16_t fragment = f->fragment;
	struct rte_ipv4_hdr ip = { .version_ihl = (uint8_t)(f->version << 4 | f->ihl),
		.time_to_live = f->ttl,
		.next_proto_id = f->proto,
		.src_addr = htonl(f->src),
		.dst_addr = htonl(f->dst) };
	uint8_t *l4 = out + header;
	size_t len = header;

	memset(out, 0, FRAME_MAX / 2);
	memset(out + sizeof(ip), 1, header - sizeof(ip)); /* options: no operation */
	switch (f->kind) {
	case FRAME_TCP:
		len += build_tcp(f, l4);
		break;
	case FRAME_UDP:
		len += build_udp(f, l4);
		break;
	case FRAME_ICMP:
		len += build_icmp(f, l4);
		break;
	case FRAME_SCTP:
		len += build_sctp(f, l4);
		break;
	case FRAME_IP:
	case FRAME_ARP:
		len += f->len;
		break;
	}
	if (f->no_l4_sum)
		put_sum(l4 + 6, 0); /* UDP only */
	if (f->bad_l4_sum)
		l4[f->kind == FRAME_TCP ? 17 : f->kind == FRAME_UDP ? 7 : 3] ^= 1;
	fragment |= (uint16_t)((f->df ? 0x4000 : 0) | (f->more ? 0x2000 : 0));
	ip.fragment_offset = htons(fragment);
	ip.total_length = htons((uint16_t)(f->ip_len >= 0 ? f->ip_len : (int)len));
	memcpy(out, &ip, sizeof(ip));
	put_sum(out + 10, (uint16_t)(checksum(out, header, 0) + (f->bad_sum ? 1 : 0)));
	return len;
}

static size_t
build_arp(const struct frame_spec *f, const struct rte_ether_addr *src, uint8_t *out)
{
	struct rte_arp_hdr arp = { .arp_hardware = htons(1),
		.arp_protocol = htons(0x0800),
		.arp_hlen = 6,
		.arp_plen = 4,
		.arp_opcode = htons(1) };

	arp.arp_data.arp_sha = *src;
	arp.arp_data.arp_sip = htonl(f->src);
	arp.arp_data.arp_tip = htonl(f->dst);
	memcpy(out, &arp, sizeof(arp));
	return sizeof(arp);
}

size_t
frame_build(const struct frame_spec *f, const struct rte_ether_addr *dst,
	const struct rte_ether_addr *src, uint8_t bytes[FRAME_MAX])
{
	const struct rte_ether_hdr eth = {
		.dst_addr = *dst,
		.src_addr = *src,
		.ether_type = htons(f->ether_type != 0	   ? f->ether_type
				    : f->kind == FRAME_ARP ? 0x0806
							   : 0x0800),
	};
	size_t len = sizeof(eth);

	memset(bytes, 0, FRAME_MAX);
	memcpy(bytes, &eth, sizeof(eth));
	len += f->kind == FRAME_ARP ? build_arp(f, src, bytes + len) : build_ip(f, bytes + len);
	if (f->pad > 0)
		memset(bytes + len, 0xee, f->pad);
	len += f->pad;
	return f->cut > 0 && f->cut < len ? f->cut : len;
}

const char *
frame_sums(const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	const uint8_t *l4 = ip + 20;
	uint32_t src, dst;
	size_t l4_len;

	if (len < RTE_ETHER_HDR_LEN || frame[12] != 0x08 || frame[13] != 0)
		return NULL;
	if (len < RTE_ETHER_HDR_LEN + 20 || len != RTE_ETHER_HDR_LEN + (size_t)(ip[2] << 8 | ip[3]))
		return "length of the frame is not that of its packet";
	if (checksum(ip, 20, 0) != 0)
		return "IPv4 header checksum";
	l4_len = len - RTE_ETHER_HDR_LEN - 20;
	memcpy(&src, ip + 12, 4);
	memcpy(&dst, ip + 16, 4);
	if (ip[9] == 1)
		return checksum(l4, l4_len, 0) != 0 ? "ICMP checksum" : NULL;
	if ((ip[9] != 6 && ip[9] != 17) || (ip[9] == 17 && l4[6] == 0 && l4[7] == 0))
		return NULL;
	return checksum(l4, l4_len, pseudo_sum(ntohl(src), ntohl(dst), ip[9], l4_len)) != 0
		       ? "TCP or UDP checksum"
		       : NULL;
}

static uint32_t
get(const uint8_t *p, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

size_t
frame_mss(const uint8_t *frame, size_t len)
{
	const size_t tcp = RTE_ETHER_HDR_LEN + 20;
	size_t at = tcp + 20, end;

	if (len < at || frame[23] != 6)
		return 0;
	end = tcp + (size_t)(frame[tcp + 12] >> 4) * 4;
	while (at + 4 <= end && end <= len && frame[at] != 0) {
		if (frame[at] == 2)
			return at + 2;
		at += frame[at] == 1 ? 1 : frame[at + 1] > 1 ? frame[at + 1] : end;
	}
	return 0;
}

const char *
frame_is(const struct frame_spec *f, const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	const uint8_t *l4 = ip + 20;
	const bool ports = f->kind == FRAME_TCP || f->kind == FRAME_UDP || f->kind == FRAME_SCTP;
	const size_t mss = frame_mss(frame, len);

	if (len < RTE_ETHER_HDR_LEN + 28)
		return "too short";
	if (ip[9] != f->proto)
		return "protocol";
	if (get(ip + 12, 4) != f->src || get(ip + 16, 4) != f->dst)
		return "addresses";
	if (f->ttl_given && ip[8] != f->ttl)
		return "TTL";
	if (ports && (get(l4, 2) != f->sport || get(l4 + 2, 2) != f->dport))
		return "ports";
	if (f->kind == FRAME_ICMP && (l4[0] != f->type || l4[1] != f->code))
		return "ICMP type or code";
	if (f->kind == FRAME_ICMP && f->quote == NULL && get(l4 + 4, 2) != f->id)
		return "ICMP identifier";
	if (f->kind != FRAME_TCP)
		return NULL;
	if (l4[13] != f->flags)
		return "TCP flags";
	if (f->seq_given && get(l4 + 4, 4) != f->seq)
		return "TCP sequence";
	if (f->ack_given && get(l4 + 8, 4) != f->ack)
		return "TCP acknowledgement";
	if (f->ae != (l4[12] & 1))
		return "AE bit";
	if (f->mss != 0 && (mss == 0 || get(frame + mss, 2) != f->mss))
		return "MSS";
	if (f->len_given && get(ip + 2, 2) - 20u - (l4[12] >> 4) * 4u != f->len)
		return "payload length";
	return NULL;
}
