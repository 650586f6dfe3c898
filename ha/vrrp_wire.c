/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP version 2 on the wire (RFC 3768, 5.1):
 *
 *	version 2, type 1 | vrid | priority | count | auth type | interval s | checksum (2)
 *	count addresses (4 each) | authentication data (8, always present)
 *
 * and version 3 over IPv6 (RFC 9568, 5.2):
 *
 *	version 3, type 1 | vrid | priority | count | reserved (4 bits), interval in 1/100 s (12) |
 *	checksum (2), with a pseudo-header | count addresses (16 each)
 */
#include "vrrp_wire.h"

#include "ha_constants.h"

#include <rte_ether.h>
#include <rte_ip.h>

#include <assert.h>
#include <string.h>

const char *const vrrp_refusal_names[VRRP_REFUSAL_COUNT] = { [VRRP_OK] = "none",
#define X(name, text) [VRRP_REFUSED_##name] = #name,
	VRRP_REFUSALS(X)
#undef X
};

const char *const vrrp_refusal_texts[VRRP_REFUSAL_COUNT] = { [VRRP_OK] = "accepted",
#define X(name, text) [VRRP_REFUSED_##name] = text,
	VRRP_REFUSALS(X)
#undef X
};

struct vrrp_header {
	uint8_t version_type;
	uint8_t vrid;
	uint8_t priority;
	uint8_t count;
	uint8_t auth_type;
	uint8_t interval;
	rte_be16_t checksum;
};
static_assert(sizeof(struct vrrp_header) == 8, "wire size");

#define AUTH_DATA      8
#define ONE_ADDRESS    (sizeof(struct vrrp_header) + sizeof(rte_be32_t) + AUTH_DATA)
#define IP_TOS_CONTROL 0xc0 /* internetwork control */

void
vrrp_wire_frame(uint8_t frame[VRRP_WIRE_FRAME], rte_be32_t source, uint8_t vrid, uint8_t priority,
	uint8_t interval_s, rte_be32_t address)
{
	struct rte_ether_hdr eth = {
		.dst_addr = { { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x12 } },
		.src_addr = { { 0x00, 0x00, 0x5e, 0x00, 0x01, vrid } },
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4),
	};
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = IP_TOS_CONTROL,
		.total_length = rte_cpu_to_be_16(sizeof(ip) + ONE_ADDRESS),
		.time_to_live = 255,
		.next_proto_id = VRRP_PROTOCOL,
		.src_addr = source,
		.dst_addr = RTE_BE32(VRRP_GROUP_ADDRESS),
	};
	struct vrrp_header v = {
		.version_type = 0x21,
		.vrid = vrid,
		.priority = priority,
		.count = 1,
		.interval = interval_s,
	};
	uint8_t *const message = frame + sizeof(eth) + sizeof(ip);

	memset(frame, 0, VRRP_WIRE_FRAME);
	memcpy(message, &v, sizeof(v));
	memcpy(message + sizeof(v), &address, sizeof(address));
	v.checksum = (rte_be16_t)~rte_raw_cksum(message, ONE_ADDRESS);
	memcpy(message, &v, sizeof(v));
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
}

enum vrrp_refusal
vrrp_wire_decode(const uint8_t *message, uint16_t len, struct vrrp_advert *a)
{
	struct vrrp_header v;

	if (len < sizeof(v))
		return VRRP_REFUSED_short;
	memcpy(&v, message, sizeof(v));
	if (v.version_type >> 4 != 2)
		return VRRP_REFUSED_version;
	if ((v.version_type & 0x0f) != 1)
		return VRRP_REFUSED_type;
	if (v.count == 0 || v.count > VRRP_WIRE_ADDRESSES)
		return VRRP_REFUSED_count;
	/* Exactly: this also tells CARP apart, which looks the same up to here. */
	if (len != sizeof(v) + v.count * sizeof(rte_be32_t) + AUTH_DATA)
		return VRRP_REFUSED_length;
	if (rte_raw_cksum(message, len) != 0xffff)
		return VRRP_REFUSED_checksum;

	*a = (struct vrrp_advert){
		.vrid = v.vrid,
		.priority = v.priority,
		.interval_s = v.interval,
		.auth_type = v.auth_type,
		.count = v.count,
	};
	memcpy(a->addresses, message + sizeof(v), v.count * sizeof(rte_be32_t));
	return VRRP_OK;
}

enum vrrp_refusal
vrrp_wire_check(const uint8_t *packet, uint16_t len, struct vrrp_advert *a)
{
	struct rte_ipv4_hdr ip;

	if (len < sizeof(ip))
		return VRRP_REFUSED_ip;
	memcpy(&ip, packet, sizeof(ip));
	const uint16_t header = rte_ipv4_hdr_len(&ip);
	const uint16_t total = rte_be_to_cpu_16(ip.total_length);

	if (ip.version_ihl >> 4 != 4 || header < sizeof(ip) || total < header || total > len)
		return VRRP_REFUSED_ip;
	if (ip.next_proto_id != VRRP_PROTOCOL || ip.dst_addr != RTE_BE32(VRRP_GROUP_ADDRESS) ||
		(ip.fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)))
		return VRRP_REFUSED_ip;
	if (ip.time_to_live != 255)
		return VRRP_REFUSED_ttl;

	const enum vrrp_refusal why =
		vrrp_wire_decode(packet + header, (uint16_t)(total - header), a);
	if (why != VRRP_OK)
		return why;
	a->source = ip.src_addr;
	return a->auth_type != 0 ? VRRP_REFUSED_auth : VRRP_OK;
}

/* ---- IPv6 ---- */

struct vrrp6_header {
	uint8_t version_type;
	uint8_t vrid;
	uint8_t priority;
	uint8_t count;
	rte_be16_t interval;
	rte_be16_t checksum;
};
static_assert(sizeof(struct vrrp6_header) == 8, "wire size");

#define INTERVAL_CS 0x0fff

static const uint8_t group6[IP6_LEN] = { 0xff, 0x02, [15] = 0x12 };

/* With the checksum in place the sum of a sound message is 0xffff. */
static uint16_t
sum6(const struct rte_ipv6_hdr *ip, const uint8_t *message, uint16_t len)
{
	const uint32_t sum = (uint32_t)rte_ipv6_phdr_cksum(ip, 0) + rte_raw_cksum(message, len);

	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

void
vrrp_wire_frame6(uint8_t frame[VRRP_WIRE_FRAME6], const uint8_t source[IP6_LEN], uint8_t vrid,
	uint8_t priority, uint16_t interval_cs, const uint8_t address[IP6_LEN])
{
	const struct rte_ether_hdr eth = {
		.dst_addr = { { 0x33, 0x33, 0x00, 0x00, 0x00, 0x12 } },
		.src_addr = { { 0x00, 0x00, 0x5e, 0x00, 0x02, vrid } },
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6),
	};
	struct rte_ipv6_hdr ip = {
		.vtc_flow = rte_cpu_to_be_32(UINT32_C(6) << 28 | (uint32_t)IP_TOS_CONTROL << 20),
		.payload_len = rte_cpu_to_be_16(sizeof(struct vrrp6_header) + IP6_LEN),
		.proto = VRRP_PROTOCOL,
		.hop_limits = 255,
	};
	struct vrrp6_header v = {
		.version_type = 0x31,
		.vrid = vrid,
		.priority = priority,
		.count = 1,
		.interval = rte_cpu_to_be_16(interval_cs & INTERVAL_CS),
	};
	uint8_t *const message = frame + sizeof(eth) + sizeof(ip);

	memcpy(ip.src_addr, source, IP6_LEN);
	memcpy(ip.dst_addr, group6, IP6_LEN);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	memcpy(message, &v, sizeof(v));
	memcpy(message + sizeof(v), address, IP6_LEN);
	v.checksum = (rte_be16_t)~sum6(&ip, message, sizeof(v) + IP6_LEN);
	memcpy(message, &v, sizeof(v));
}

enum vrrp_refusal
vrrp_wire_check6(const uint8_t *packet, uint16_t len, struct vrrp_advert6 *a)
{
	struct rte_ipv6_hdr ip;
	struct vrrp6_header v;
	uint16_t payload;

	if (len < sizeof(ip))
		return VRRP_REFUSED_ip;
	memcpy(&ip, packet, sizeof(ip));
	payload = rte_be_to_cpu_16(ip.payload_len);
	if (rte_be_to_cpu_32(ip.vtc_flow) >> 28 != 6 || payload > len - sizeof(ip) ||
		ip.proto != VRRP_PROTOCOL || !ip6_equal(ip.dst_addr, group6) ||
		!ip6_is_link_local(ip.src_addr))
		return VRRP_REFUSED_ip;
	if (ip.hop_limits != 255)
		return VRRP_REFUSED_ttl;
	if (payload < sizeof(v))
		return VRRP_REFUSED_short;
	packet += sizeof(ip);
	memcpy(&v, packet, sizeof(v));
	if (v.version_type >> 4 != 3)
		return VRRP_REFUSED_version;
	if ((v.version_type & 0x0f) != 1)
		return VRRP_REFUSED_type;
	if (v.count == 0 || v.count > VRRP_WIRE_ADDRESSES)
		return VRRP_REFUSED_count;
	/* An authentication trailer (a draft) would stand behind it: not known here. */
	if (payload != sizeof(v) + v.count * IP6_LEN)
		return VRRP_REFUSED_length;
	if (sum6(&ip, packet, payload) != 0xffff)
		return VRRP_REFUSED_checksum;
	*a = (struct vrrp_advert6){
		.vrid = v.vrid,
		.priority = v.priority,
		.count = v.count,
		.interval_cs = rte_be_to_cpu_16(v.interval) & INTERVAL_CS,
	};
	memcpy(a->source, ip.src_addr, IP6_LEN);
	memcpy(a->address, packet + sizeof(v), IP6_LEN);
	return VRRP_OK;
}
