/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <rte_mbuf_core.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char flag_letters[] = "FSRPAUEC"; /* bit 0 first */

bool
frame_address(const char *text, struct ip_addr *out)
{
	struct in6_addr six;
	struct in_addr four;

	*out = (struct ip_addr){ 0 };
	if (inet_pton(AF_INET, text, &four) == 1)
		*out = ip_addr_v4(four.s_addr);
	else if (inet_pton(AF_INET6, text, &six) == 1)
		*out = ip_addr_v6(six.s6_addr);
	return out->family != 0;
}

bool
frame_mac(const char *text, struct rte_ether_addr *out)
{
	return rte_ether_unformat_addr(text, out) == 0;
}

/* ADDRESS, IPV4:PORT or [IPV6]:PORT */
static bool
endpoint(const char *word, struct ip_addr *addr, uint16_t *port)
{
	const bool bracket = word[0] == '[';
	char copy[64], *end;

	snprintf(copy, sizeof(copy), "%s", word + bracket);
	*port = 0;
	if (bracket) {
		end = strchr(copy, ']');
		if (end == NULL || end[1] != ':')
			return false;
		*port = (uint16_t)strtoul(end + 2, NULL, 0);
		*end = '\0';
	} else if (strchr(copy, '.') != NULL && (end = strchr(copy, ':')) != NULL) {
		*port = (uint16_t)strtoul(end + 1, NULL, 0);
		*end = '\0';
	}
	return frame_address(copy, addr);
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

/* Append one extension header: its first byte is what comes before it, of `size` bytes. */
static uint8_t *
add_header(struct frame_spec *f, uint8_t proto, uint16_t size)
{
	uint8_t *header = f->ext + f->ext_len;

	if (f->ext_len + size > FRAME_EXT_MAX)
		return NULL;
	if (f->ext_len == 0)
		f->ext_first = proto;
	else
		f->ext[f->ext_last] = proto;
	f->ext_last = f->ext_len;
	f->ext_len = (uint16_t)(f->ext_len + size);
	return header;
}

/* One word of ext=: hop, dst, ah, routeTYPE.SEGMENTS, frag[OFFSET][+]; then *N for N of them. */
static bool
extension(struct frame_spec *f, char *w)
{
	char *times = strchr(w, '*');
	unsigned long n = times != NULL ? strtoul(times + 1, NULL, 0) : 1;
	unsigned int type, segments;
	uint8_t *header;

	if (times != NULL)
		*times = '\0';
	for (; n > 0; n--) {
		if (strcmp(w, "hop") == 0 || strcmp(w, "dst") == 0) {
			static const uint8_t padding[8] = { 0, 0, 1, 4 };

			header = add_header(f, w[0] == 'h' ? 0 : 60, sizeof(padding));
			if (header != NULL)
				memcpy(header, padding, sizeof(padding));
		} else if (strcmp(w, "ah") == 0) {
			header = add_header(f, 51, 24);
			if (header != NULL)
				header[1] = 24 / 4 - 2;
		} else if (sscanf(w, "route%u.%u", &type, &segments) == 2) {
			header = add_header(f, 43, 24);
			if (header != NULL) {
				header[1] = 2;
				header[2] = (uint8_t)type;
				header[3] = (uint8_t)segments;
				header[8] = 0x20; /* a hop: 2000::1 */
				header[23] = 1;
			}
		} else if (strncmp(w, "frag", 4) == 0) {
			char *end;
			const unsigned long offset = strtoul(w + 4, &end, 0);

			header = add_header(f, 44, 8);
			if (header != NULL) {
				header[2] = (uint8_t)(offset >> 8);
				header[3] = (uint8_t)((offset & 0xf8) | (*end == '+'));
				header[7] = 1;
			}
		} else {
			return false;
		}
		if (header == NULL)
			return false;
	}
	return true;
}

static bool
extensions(struct frame_spec *f, const char *list)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", list);
	for (char *w = strtok_r(copy, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		if (!extension(f, w))
			return false;
	}
	return true;
}

/* nic=: what the NIC has found out about the checksums */
static bool
nic_says(const char *w, uint64_t *flags)
{
	static const struct {
		const char *word;
		uint64_t flags;
	} words[] = {
		{ "bad", RTE_MBUF_F_RX_L4_CKSUM_BAD },
		{ "good", RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD },
		{ "badip", RTE_MBUF_F_RX_IP_CKSUM_BAD },
		{ "none", RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(w, words[i].word) == 0) {
			*flags |= words[i].flags;
			return true;
		}
	}
	return false;
}

/* tag=none | TAG[,TAG...]: TAG is an identifier, or TYPE:IDENTIFIER with the EtherType in
 * hexadecimal. */
static bool
tags(struct frame_spec *f, const char *list)
{
	char copy[64], *save = NULL;

	f->tag_count = 0;
	if (strcmp(list, "none") == 0)
		return true;
	snprintf(copy, sizeof(copy), "%s", list);
	for (char *w = strtok_r(copy, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		const char *colon = strchr(w, ':');

		if (f->tag_count == (int)(sizeof(f->tags) / sizeof(f->tags[0])))
			return false;
		f->tags[f->tag_count].type =
			colon != NULL ? (uint16_t)strtoul(w, NULL, 16) : RTE_ETHER_TYPE_VLAN;
		f->tags[f->tag_count++].vid =
			(uint16_t)strtoul(colon != NULL ? colon + 1 : w, NULL, 0);
	}
	return true;
}

/* One byte of a text.  => what is behind it */
static const char *
text_byte(const char *w, char *byte)
{
	static const char letters[] = "rn0_", bytes[] = "\r\n\0_";
	const char *letter = *w == '\\' && w[1] != '\0' ? strchr(letters, w[1]) : NULL;
	unsigned int hex;

	if (letter != NULL) {
		*byte = bytes[letter - letters];
		return w + 2;
	}
	if (*w == '\\' && sscanf(w, "\\x%2x", &hex) == 1) {
		*byte = (char)hex;
		return w + 4;
	}
	*byte = *w == '_' ? ' ' : *w;
	return w + 1;
}

bool
frame_text(const char *w, struct frame_spec *f)
{
	unsigned int n;

	f->text_given = f->len_given = true;
	for (f->len = 0; *w != '\0';) {
		int braces = 0;
		char byte;

		w = text_byte(w, &byte);
		if (sscanf(w, "{%u}%n", &n, &braces) == 1 && braces > 0)
			w += braces;
		else
			n = 1;
		if (n > sizeof(f->text) - f->len)
			return false;
		memset(f->text + f->len, byte, n);
		f->len = (uint16_t)(f->len + n);
	}
	return true;
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
	} else if (number(w, "mtu", &v)) {
		f->mtu = v;
	} else if (number(w, "mss", &v)) {
		f->mss = (uint16_t)v;
	} else if (strncmp(w, "ipoptions=", 10) == 0) {
		return hex(w + 10, f->ip_options, sizeof(f->ip_options), &f->ip_options_len);
	} else if (strncmp(w, "options=", 8) == 0) {
		return hex(w + 8, f->options, sizeof(f->options), &f->options_len);
	} else if (number(w, "id", &v)) {
		f->id = (uint16_t)v;
	} else if (number(w, "ipid", &v)) {
		f->ip_id = (uint16_t)v;
	} else if (number(w, "tos", &v)) {
		f->tos = (uint8_t)v;
	} else if (number(w, "label", &v)) {
		f->label = v;
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
	} else if (number(w, "extlen", &v)) {
		f->ext[f->ext_last + 1] = (uint8_t)v;
	} else if (strncmp(w, "text=", 5) == 0) {
		return frame_text(w + 5, f);
	} else if (strncmp(w, "ext=", 4) == 0) {
		return extensions(f, w + 4);
	} else if (strncmp(w, "tag=", 4) == 0) {
		return tags(f, w + 4);
	} else if (strncmp(w, "target=", 7) == 0) {
		return frame_address(w + 7, &f->target);
	} else if (strcmp(w, "sum=bad") == 0) {
		f->bad_sum = true;
	} else if (strcmp(w, "l4sum=bad") == 0) {
		f->bad_l4_sum = true;
	} else if (strcmp(w, "l4sum=none") == 0) {
		f->no_l4_sum = true;
	} else if (strcmp(w, "nic=tag") == 0) {
		f->nic_tag = true;
	} else if (strncmp(w, "nic=", 4) == 0) {
		return nic_says(w + 4, &f->nic);
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

struct icmp_name {
	const char *name;
	uint8_t type;
};

static const struct icmp_name icmp_names[] = { { "request", 8 }, { "reply", 0 },
	{ "unreachable", 3 }, { "exceeded", 11 }, { "parameter", 12 }, { "redirect", 5 },
	{ NULL, 0 } };

static const struct icmp_name icmp6_names[] = { { "request", 128 }, { "reply", 129 },
	{ "unreachable", 1 }, { "toobig", 2 }, { "exceeded", 3 }, { "parameter", 4 }, { "rs", 133 },
	{ "ra", 134 }, { "ns", 135 }, { "na", 136 }, { "redirect", 137 }, { "mld", 131 },
	{ NULL, 0 } };

static bool
icmp_type(const char *w, const struct icmp_name *names, uint8_t *type)
{
	uint32_t v;

	for (; names->name != NULL; names++) {
		if (strcmp(w, names->name) == 0) {
			*type = names->type;
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
		uint8_t proto, type;
	} kinds[] = {
		{ "tcp", FRAME_TCP, 6, 0 },
		{ "udp", FRAME_UDP, 17, 0 },
		{ "icmp", FRAME_ICMP, 1, 8 },
		{ "icmp6", FRAME_ICMP6, 58, 128 },
		{ "ip", FRAME_IP, 253, 0 },
		{ "arp", FRAME_ARP, 0, 0 },
		{ "sctp", FRAME_SCTP, 132, 0 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(w, kinds[i].name) == 0) {
			f->kind = kinds[i].kind;
			f->proto = kinds[i].proto;
			f->type = kinds[i].type;
			return NULL;
		}
	}
	return "expected tcp, udp, icmp, icmp6, sctp, ip or arp";
}

const char *
frame_parse(struct words *w, struct frame_spec *f)
{
	const char *wrong;

	*f = (struct frame_spec){ .ttl = 64,
		.wscale = 0xff,
		.chunk = 1,
		.window = 65535,
		.udp_len = -1,
		.ip_len = -1,
		.tag_count = -1,
		.label = 0xbeef };
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
	if (wrong == NULL && f->src.family != f->dst.family)
		wrong = "addresses of two families";
	if (wrong != NULL)
		return wrong;
	if (f->kind == FRAME_TCP && w->at < w->count && tcp_flags(w->word[w->at], &f->flags))
		w->at++;
	if ((f->kind == FRAME_ICMP || f->kind == FRAME_ICMP6) && w->at < w->count &&
		icmp_type(
			w->word[w->at], f->kind == FRAME_ICMP ? icmp_names : icmp6_names, &f->type))
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

/* The box's networks in both families. */
static const struct {
	uint8_t four[3];
	uint8_t six;
} nets[] = { { { 10, 1, 1 }, 1 }, { { 200, 1, 1 }, 2 }, { { 10, 10, 0 }, 3 } };

/* 10.1.1.N is 2001:db8:1::N, 200.1.1.N is 2001:db8:2::N, as the box has them; others keep their
 * number in 2001:db8:ffff::/96 (203.0.113.9 is 2001:db8:ffff::203.0.113.9). */
void
frame_address_to6(struct ip_addr *a)
{
	uint8_t out[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff };
	uint8_t in[4];

	if (a->family != 4)
		return;
	memcpy(in, &a->v4, sizeof(in));
	memcpy(out + 12, in, sizeof(in));
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		if (memcmp(in, nets[i].four, 3) != 0)
			continue;
		memset(out + 4, 0, IP6_LEN - 4);
		out[5] = nets[i].six;
		/* The number reads the same: .254 is ::254. */
		out[14] = in[3] / 100;
		out[15] = (uint8_t)(in[3] / 10 % 10 << 4 | in[3] % 10);
	}
	*a = ip_addr_v6(out);
}

void
frame_address_from6(struct ip_addr *a)
{
	uint8_t out[4];
	struct ip_addr back;
	rte_be32_t v4;

	if (a->family != 6)
		return;
	memcpy(out, a->v6 + 12, sizeof(out));
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		if (a->v6[4] != 0 || a->v6[5] != nets[i].six)
			continue;
		memcpy(out, nets[i].four, 3);
		out[3] = (uint8_t)(a->v6[14] * 100 + (a->v6[15] >> 4) * 10 + (a->v6[15] & 15));
	}
	memcpy(&v4, out, sizeof(v4));
	back = ip_addr_v4(v4);
	frame_address_to6(&back);
	if (ip_addr_equal(&back, a))
		*a = ip_addr_v4(v4);
}

const char *
frame_to6(struct frame_spec *f)
{
	static const struct {
		uint8_t type, code, type6, code6;
	} messages[] = { { 8, 0, 128, 0 }, { 0, 0, 129, 0 }, { 3, 0, 1, 0 }, { 3, 1, 1, 3 },
		{ 3, 2, 4, 1 }, { 3, 3, 1, 4 }, { 3, 4, 2, 0 }, { 3, 13, 1, 1 }, { 11, 0, 3, 0 },
		{ 12, 0, 4, 0 } };

	const char *wrong = f->quote != NULL ? frame_to6(f->quote) : NULL;

	if (f->kind == FRAME_ARP || f->src.family != 4 || wrong != NULL)
		return wrong;
	frame_address_to6(&f->src);
	frame_address_to6(&f->dst);
	if (f->ip_len >= 0)
		f->ip_len += 20;
	if (f->kind != FRAME_ICMP)
		return NULL;
	f->kind = FRAME_ICMP6;
	f->proto = 58;
	if (f->quote != NULL && f->len_given && f->len > 0)
		f->len = (uint16_t)(f->len + 20);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (f->type != messages[i].type || f->code != messages[i].code)
			continue;
		f->type = messages[i].type6;
		f->code = messages[i].code6;
		return NULL;
	}
	return "no such message in ICMPv6: the case is for IPv4 only";
}
