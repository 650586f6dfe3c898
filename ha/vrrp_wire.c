/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP version 2 on the wire (RFC 3768, 5.1):
 *
 *	version 2, type 1 | vrid | priority | count | auth type | interval s | checksum (2)
 *	count addresses (4 each) | authentication data (8, always present)
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
