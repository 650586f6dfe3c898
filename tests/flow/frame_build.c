/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <rte_arp.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <arpa/inet.h>
#include <string.h>

/* The Internet checksum of any bytes. */
uint16_t
frame_checksum(const void *data, size_t len, uint32_t sum)
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

uint32_t
frame_pseudo_sum(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, size_t len)
{
	const size_t bytes = src->family == 6 ? IP6_LEN : sizeof(src->v4);
	uint32_t sum = proto + (uint32_t)len;

	for (size_t i = 0; i < bytes; i += 2) {
		sum += (uint32_t)src->v6[i] << 8 | src->v6[i + 1];
		sum += (uint32_t)dst->v6[i] << 8 | dst->v6[i + 1];
	}
	return sum;
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
		out[header + i] = f->text_given ? (uint8_t)f->text[i] : (uint8_t)(i + f->seq);
	put_sum(out + 16, frame_checksum(out, header + f->len,
				  frame_pseudo_sum(&f->src, &f->dst, 6, header + f->len)));
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
		out[sizeof(udp) + i] = f->text_given ? (uint8_t)f->text[i] : (uint8_t)(i * 7);
	put_sum(out + 6, frame_checksum(out, len, frame_pseudo_sum(&f->src, &f->dst, 17, len)));
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
	put_sum(out + 14, chunk_len);
	return 12 + chunk_len;
}

/* Router discovery and the like: how long their fixed parts are, the target in them or not. */
static size_t
build_discovery(const struct frame_spec *f, uint8_t *out)
{
	if (f->target.family == 0)
		return f->type == 134 ? 16 : 8;
	memcpy(out + 8, f->target.v6, IP6_LEN);
	return 24;
}

static size_t
build_icmp(const struct frame_spec *f, uint8_t *out)
{
	const bool six = f->kind == FRAME_ICMP6;
	size_t len = sizeof(struct rte_icmp_hdr) + f->len;

	out[0] = f->type;
	out[1] = f->code;
	if (f->quote != NULL) {
		const size_t header = six ? 40u + f->quote->ext_len : 20;
		size_t quoted = build_ip(f->quote, out + 8);

		/* What a router quotes: header and 8 bytes, or less when the test says so. */
		if (quoted > header + 8)
			quoted = header + 8;
		len = 8 + (f->len_given ? f->len : quoted);
		out[4] = (uint8_t)(f->mtu >> 24);
		out[5] = (uint8_t)(f->mtu >> 16);
		put_sum(out + 6, (uint16_t)f->mtu);
	} else if (six && f->type >= 133 && f->type <= 137) {
		len = build_discovery(f, out) + f->len;
	} else {
		out[4] = (uint8_t)(f->id >> 8);
		out[5] = (uint8_t)f->id;
		out[6] = (uint8_t)(f->seq >> 8);
		out[7] = (uint8_t)f->seq;
		for (uint16_t i = 0; i < f->len; i++)
			out[8 + i] = (uint8_t)(i + 1);
	}
	put_sum(out + 2,
		frame_checksum(out, len, six ? frame_pseudo_sum(&f->src, &f->dst, 58, len) : 0));
	return len;
}

/* => bytes of L4 */
static size_t
build_l4(const struct frame_spec *f, uint8_t *l4)
{
	const size_t sum = f->kind == FRAME_TCP ? 16 : f->kind == FRAME_UDP ? 6 : 2;
	size_t len = 0;

	switch (f->kind) {
	case FRAME_TCP:
		len = build_tcp(f, l4);
		break;
	case FRAME_UDP:
		len = build_udp(f, l4);
		break;
	case FRAME_ICMP:
	case FRAME_ICMP6:
		len = build_icmp(f, l4);
		break;
	case FRAME_SCTP:
		return build_sctp(f, l4);
	case FRAME_IP:
	case FRAME_ARP:
		return f->len;
	}
	if (f->bad_l4_sum)
		l4[sum + 1] ^= 1;
	if (f->no_l4_sum)
		l4[sum] = l4[sum + 1] = 0;
	return len;
}

static size_t
build_ip4(const struct frame_spec *f, uint8_t *out)
{
	const uint8_t words = f->ihl != 0 ? f->ihl : (uint8_t)(5 + (f->ip_options_len + 3) / 4);
	const size_t header = words > 5 ? (size_t)words * 4 : 20;
	uint16_t fragment = f->fragment;
	struct rte_ipv4_hdr ip = {
		.version_ihl = (uint8_t)((f->version != 0 ? f->version : 4) << 4 | words),
		.type_of_service = f->tos,
		.packet_id = htons(f->ip_id),
		.time_to_live = f->ttl,
		.next_proto_id = f->proto,
		.src_addr = f->src.v4,
		.dst_addr = f->dst.v4,
	};
	size_t len;

	memset(out + sizeof(ip), 1, header - sizeof(ip)); /* options: no operation */
	memcpy(out + sizeof(ip), f->ip_options, f->ip_options_len);
	len = header + build_l4(f, out + header);
	fragment |= (uint16_t)((f->df ? 0x4000 : 0) | (f->more ? 0x2000 : 0));
	ip.fragment_offset = htons(fragment);
	ip.total_length = htons((uint16_t)(f->ip_len >= 0 ? f->ip_len : (int)len));
	memcpy(out, &ip, sizeof(ip));
	put_sum(out + 10, (uint16_t)(frame_checksum(out, header, 0) + (f->bad_sum ? 1 : 0)));
	return len;
}

static size_t
build_ip6(const struct frame_spec *f, uint8_t *out)
{
	const uint32_t version = f->version != 0 ? f->version : 6;
	struct rte_ipv6_hdr ip = { .vtc_flow =
					   htonl(version << 28 | (uint32_t)f->tos << 20 | f->label),
		.proto = f->ext_len > 0 ? f->ext_first : f->proto,
		.hop_limits = f->ttl };
	size_t len = sizeof(ip) + f->ext_len;

	memcpy(ip.src_addr, f->src.v6, IP6_LEN);
	memcpy(ip.dst_addr, f->dst.v6, IP6_LEN);
	memcpy(out + sizeof(ip), f->ext, f->ext_len);
	if (f->ext_len > 0)
		out[sizeof(ip) + f->ext_last] = f->proto;
	len += build_l4(f, out + len);
	ip.payload_len = htons((uint16_t)((f->ip_len >= 0 ? f->ip_len : (int)len) - 40));
	memcpy(out, &ip, sizeof(ip));
	return len;
}

static size_t
build_ip(const struct frame_spec *f, uint8_t *out)
{
	memset(out, 0, FRAME_MAX / 2);
	return f->src.family == 6 ? build_ip6(f, out) : build_ip4(f, out);
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
	arp.arp_data.arp_sip = f->src.v4;
	arp.arp_data.arp_tip = f->dst.v4;
	memcpy(out, &arp, sizeof(arp));
	return sizeof(arp);
}

static void
sum_ip4(uint8_t *ip)
{
	memset(ip + 10, 0, 2);
	put_sum(ip + 10, frame_checksum(ip, (ip[0] & 0x0fu) * 4, 0));
}

void
frame_identify(uint8_t *frame, uint16_t id)
{
	put_sum(frame + RTE_ETHER_HDR_LEN + 4, id);
	sum_ip4(frame + RTE_ETHER_HDR_LEN);
}

void
frame_set_len(uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + RTE_ETHER_HDR_LEN;

	if (frame_is_ip6(frame)) {
		put_sum(ip + 4, (uint16_t)(len - RTE_ETHER_HDR_LEN - 40));
	} else {
		put_sum(ip + 2, (uint16_t)(len - RTE_ETHER_HDR_LEN));
		sum_ip4(ip);
	}
}

static uint16_t
ether_type(const struct frame_spec *f)
{
	if (f->ether_type != 0)
		return f->ether_type;
	if (f->kind == FRAME_ARP)
		return RTE_ETHER_TYPE_ARP;
	return f->src.family == 6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4;
}

size_t
frame_tag(const struct frame_spec *f, uint16_t vid, const uint8_t *frame, size_t len,
	uint8_t out[FRAME_MAX])
{
	const size_t addresses = 2 * RTE_ETHER_ADDR_LEN;
	const int count = f->tag_count >= 0 ? f->tag_count : vid != 0;
	size_t at = addresses;

	memcpy(out, frame, len);
	if (len < addresses || len + (size_t)count * 4 > FRAME_MAX)
		return len;
	for (int i = 0; i < count; i++) {
		const bool said = f->tag_count >= 0;

		put_sum(out + at, said ? f->tags[i].type : RTE_ETHER_TYPE_VLAN);
		put_sum(out + at + 2, said ? f->tags[i].vid : vid);
		at += 4;
	}
	memcpy(out + at, frame + addresses, len - addresses);
	return at + len - addresses;
}

uint16_t
frame_untag(uint8_t *frame, uint16_t *len)
{
	const size_t addresses = 2 * RTE_ETHER_ADDR_LEN;
	uint16_t vid;

	if (*len < RTE_ETHER_HDR_LEN + 4 || frame[addresses] != 0x81 || frame[addresses + 1] != 0)
		return 0;
	vid = (uint16_t)(frame[addresses + 2] << 8 | frame[addresses + 3]);
	*len = (uint16_t)(*len - 4);
	memmove(frame + addresses, frame + addresses + 4, *len - addresses);
	return vid;
}

size_t
frame_build(const struct frame_spec *f, const struct rte_ether_addr *dst,
	const struct rte_ether_addr *src, uint8_t bytes[FRAME_MAX])
{
	const struct rte_ether_hdr eth = {
		.dst_addr = *dst,
		.src_addr = *src,
		.ether_type = htons(ether_type(f)),
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
