/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments of frames. */
#include "frame.h"

#include <rte_common.h>

#include <string.h>

#define IP6_HEADER 40
#define EXT_HEADER 8

size_t
frame_cut_at(const uint8_t *frame)
{
	return RTE_ETHER_HDR_LEN + (frame_is_ip6(frame) ? IP6_HEADER : (frame[14] & 0x0fu) * 4);
}

static void
put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The headers of a piece, behind Ethernet.  => Their bytes. */
static size_t
headers4(const uint8_t *from, const struct frame_piece *p, uint8_t *ip)
{
	const size_t n = (from[0] & 0x0fu) * 4;
	const size_t flags = (p->df ? 0x4000u : 0u) | (p->more ? 0x2000u : 0u);

	memcpy(ip, from, n);
	put16(ip + 2, n + p->len);
	put16(ip + 4, p->id);
	put16(ip + 6, flags | p->offset / 8);
	ip[8] = p->ttl;
	put16(ip + 10, 0);
	put16(ip + 10, frame_checksum(ip, n, 0));
	return n;
}

static size_t
headers6(const uint8_t *from, const struct frame_piece *p, uint8_t *ip)
{
	static const uint8_t hop_by_hop[EXT_HEADER] = { 44, 0, 1, 4 };
	uint8_t *fragment = ip + IP6_HEADER;

	memcpy(ip, from, IP6_HEADER);
	ip[6] = 44;
	ip[7] = p->ttl;
	if (p->hop) {
		ip[6] = 0;
		memcpy(fragment, hop_by_hop, sizeof(hop_by_hop));
		fragment += EXT_HEADER;
	}
	fragment[0] = from[6];
	fragment[1] = 0;
	put16(fragment + 2, p->offset | p->more);
	put16(fragment + 4, p->id >> 16);
	put16(fragment + 6, p->id);
	put16(ip + 4, (size_t)(fragment + EXT_HEADER - ip) - IP6_HEADER + p->len);
	return (size_t)(fragment + EXT_HEADER - ip);
}

size_t
frame_cut(const uint8_t *frame, size_t len, const struct frame_piece *p, uint8_t bytes[FRAME_MAX])
{
	const size_t from = frame_cut_at(frame) + p->offset;
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	size_t at = RTE_ETHER_HDR_LEN;

	memset(bytes, 0, FRAME_MAX);
	memcpy(bytes, frame, RTE_ETHER_HDR_LEN);
	at += frame_is_ip6(frame) ? headers6(ip, p, bytes + at) : headers4(ip, p, bytes + at);
	if (at + p->len > FRAME_MAX)
		return 0;
	if (from < len)
		memcpy(bytes + at, frame + from, RTE_MIN(p->len, len - from));
	return at + p->len;
}
