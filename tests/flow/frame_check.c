/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <rte_byteorder.h>

#include <string.h>

static void
addresses(const uint8_t *frame, struct ip_addr *src, struct ip_addr *dst)
{
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN;

	if (frame_is_ip6(frame)) {
		*src = ip_addr_v6(ip + 8);
		*dst = ip_addr_v6(ip + 24);
	} else {
		rte_be32_t four[2];

		memcpy(four, ip + 12, sizeof(four));
		*src = ip_addr_v4(four[0]);
		*dst = ip_addr_v4(four[1]);
	}
}

/* As frame_l4(); *place of a fragment, which a later one's chain ends with. */
static size_t
walk(const uint8_t *frame, size_t len, uint8_t *proto, uint32_t *place)
{
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	size_t at = RTE_ETHER_HDR_LEN + 40;

	*place = 0;
	if (!frame_is_ip6(frame)) {
		*place = (frame_get(ip + 6, 2) & 0x1fff) * 8 | (frame_get(ip + 6, 2) >> 13 & 1);
		*proto = ip[9];
		return RTE_ETHER_HDR_LEN + (ip[0] & 0x0fu) * 4;
	}
	*proto = ip[6];
	while (at + 8 <= len) {
		const uint8_t *header = frame + at;

		if (*proto == 0 || *proto == 43 || *proto == 60)
			at += (header[1] + 1u) * 8;
		else if (*proto == 51)
			at += (header[1] + 2u) * 4;
		else if (*proto == 44)
			at += 8;
		else
			break;
		if (*proto == 44)
			*place = frame_get(header + 2, 2) & 0xfff9;
		*proto = header[0];
		if (*place > 1)
			break;
	}
	return at;
}

size_t
frame_l4(const uint8_t *frame, size_t len, uint8_t *proto)
{
	uint32_t place;

	return walk(frame, len, proto, &place);
}

uint32_t
frame_place(const uint8_t *frame, size_t len)
{
	uint32_t place;
	uint8_t proto;

	walk(frame, len, &proto, &place);
	return place;
}

size_t
frame_part_sum(const uint8_t *frame, size_t len, uint32_t *sum)
{
	uint8_t proto;
	const size_t at = frame_l4(frame, len, &proto);

	*sum += (uint16_t)~frame_checksum(frame + at, len - at, 0);
	return len - at;
}

uint16_t
frame_whole_sum(const uint8_t *frame, uint32_t sum, size_t bytes)
{
	struct ip_addr src, dst;

	addresses(frame, &src, &dst);
	if (src.family == 6)
		sum += frame_pseudo_sum(&src, &dst, 58, bytes);
	return frame_checksum(NULL, 0, sum);
}

const char *
frame_sums(const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	struct ip_addr src, dst;
	size_t at, l4_len;
	uint32_t pseudo;
	uint8_t proto;

	if (len < RTE_ETHER_HDR_LEN ||
		(frame_get(frame + 12, 2) != RTE_ETHER_TYPE_IPV4 && !frame_is_ip6(frame)))
		return NULL;
	if (len < RTE_ETHER_HDR_LEN + (frame_is_ip6(frame) ? 40u : 20u) ||
		len != RTE_ETHER_HDR_LEN + frame_packet_len(frame))
		return "length of the frame is not that of its packet";
	if (!frame_is_ip6(frame) && frame_checksum(ip, (ip[0] & 0x0fu) * 4, 0) != 0)
		return "IPv4 header checksum";
	at = frame_l4(frame, len, &proto);
	if (at > len)
		return "chain of extension headers";
	if (frame_place(frame, len) != 0)
		return NULL; /* its datagram has one */
	l4_len = len - at;
	addresses(frame, &src, &dst);
	pseudo = frame_pseudo_sum(&src, &dst, proto, l4_len);
	switch (proto) {
	case 1:
		return frame_checksum(frame + at, l4_len, 0) != 0 ? "ICMP checksum" : NULL;
	case 58:
		return frame_checksum(frame + at, l4_len, pseudo) != 0 ? "ICMPv6 checksum" : NULL;
	case 6:
	case 17:
		if (proto == 17 && !frame_is_ip6(frame) && frame_get(frame + at + 6, 2) == 0)
			return NULL; /* none */
		return frame_checksum(frame + at, l4_len, pseudo) != 0 ? "TCP or UDP checksum"
								       : NULL;
	default:
		return NULL;
	}
}

size_t
frame_mss(const uint8_t *frame, size_t len)
{
	uint8_t proto;
	const size_t tcp = frame_l4(frame, len, &proto);
	size_t at = tcp + 20, end;

	if (len < at || proto != 6)
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
	const bool ports = f->kind == FRAME_TCP || f->kind == FRAME_UDP || f->kind == FRAME_SCTP;
	const bool icmp = f->kind == FRAME_ICMP || f->kind == FRAME_ICMP6;
	const size_t mss = frame_mss(frame, len);
	struct ip_addr src, dst;
	const uint8_t *l4;
	uint8_t proto;
	size_t at;

	if (len < RTE_ETHER_HDR_LEN + 28)
		return "too short";
	if (frame_is_ip6(frame) != (f->src.family == 6))
		return "family";
	at = frame_l4(frame, len, &proto);
	if (at + 8 > len)
		return "too short";
	l4 = frame + at;
	addresses(frame, &src, &dst);
	if (proto != f->proto)
		return "protocol";
	if (!ip_addr_equal(&src, &f->src) || !ip_addr_equal(&dst, &f->dst))
		return "addresses";
	if (f->ttl_given && ip[frame_is_ip6(frame) ? 7 : 8] != f->ttl)
		return "TTL";
	if (ports && (frame_get(l4, 2) != f->sport || frame_get(l4 + 2, 2) != f->dport))
		return "ports";
	if (icmp && (l4[0] != f->type || l4[1] != f->code))
		return "ICMP type or code";
	if (icmp && f->quote == NULL && frame_get(l4 + 4, 2) != f->id)
		return "ICMP identifier";
	if (f->kind != FRAME_TCP)
		return NULL;
	if (l4[13] != f->flags)
		return "TCP flags";
	if (f->seq_given && frame_get(l4 + 4, 4) != f->seq)
		return "TCP sequence";
	if (f->ack_given && frame_get(l4 + 8, 4) != f->ack)
		return "TCP acknowledgement";
	if (f->ae != (l4[12] & 1))
		return "AE bit";
	if (f->mss != 0 && (mss == 0 || frame_get(frame + mss, 2) != f->mss))
		return "MSS";
	if (f->len_given && len - at - (l4[12] >> 4) * 4u != f->len)
		return "payload length";
	return NULL;
}
