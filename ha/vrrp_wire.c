/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP version 2 on the wire (RFC 3768, 5.1):
 *
 *	version 2, type 1 | vrid | priority | count | auth type | interval s | checksum (2)
 *	count addresses (4 each) | authentication data (8, always present)
 *
 * and version 3 (RFC 9568, 5.2):
 *
 *	version 3, type 1 | vrid | priority | count | reserved (4 bits), interval in 1/100 s (12) |
 *	checksum (2), of IPv6 with a pseudo-header | count addresses (4 or 16 each)
 *
 * A trailer (vrrp_hmac.h) may follow.  Over IPv6 it is in the checksum, which there is that of the
 * payload (a raw socket's, RFC 3542 3.1); over IPv4 it is not.
 */
#include "vrrp_wire.h"

#include "ha_constants.h"

#include <rte_ip.h>

#include <assert.h>
#include <stddef.h>
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
	union {
		struct {
			uint8_t auth_type;
			uint8_t interval_s;
		};
		rte_be16_t interval_cs; /* version 3 */
	};
	rte_be16_t checksum;
};
static_assert(sizeof(struct vrrp_header) == 8, "wire size");

#define TYPE_ADVERT    1
#define IP_TOS_CONTROL 0xc0   /* internetwork control */
#define SOUND	       0xffff /* sum over a sound message, its checksum in place */

static const uint8_t group6[IP6_LEN] = { 0xff, 0x02, [15] = 0x12 };

bool
vrrp_wire_is_group(const struct ip_addr *a)
{
	return a->family == 6 ? ip6_equal(a->v6, group6) : a->v4 == RTE_BE32(VRRP_GROUP_ADDRESS);
}

/* Of a message alone, or behind the pseudo-header of its packet. */
static uint16_t
sum(const struct vrrp_advert *a, bool pseudo, const uint8_t *message, uint16_t len)
{
	struct rte_ipv4_hdr ip = { .version_ihl = RTE_IPV4_VHL_DEF,
		.next_proto_id = VRRP_PROTOCOL,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len)) };
	struct rte_ipv6_hdr ip6 = { .proto = VRRP_PROTOCOL, .payload_len = rte_cpu_to_be_16(len) };
	uint32_t total = rte_raw_cksum(message, len);

	if (pseudo && a->source.family == 6) {
		memcpy(ip6.src_addr, a->source.v6, IP6_LEN);
		memcpy(ip6.dst_addr, a->destination.v6, IP6_LEN);
		total += rte_ipv6_phdr_cksum(&ip6, 0);
	} else if (pseudo) {
		ip.src_addr = a->source.v4;
		ip.dst_addr = a->destination.v4;
		total += rte_ipv4_phdr_cksum(&ip, 0);
	}
	return (uint16_t)((total & 0xffff) + (total >> 16));
}

static uint16_t
message_len(uint8_t family, uint8_t version, uint8_t count)
{
	const size_t each = family == 6 ? IP6_LEN : sizeof(rte_be32_t);

	return (uint16_t)(sizeof(struct vrrp_header) + count * each +
			  (version == 2 ? VRRP_WIRE_AUTH : 0));
}

/* ---- sending ---- */

static void
put_ip(uint8_t *to, const struct vrrp_advert *a, uint16_t len)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = IP_TOS_CONTROL,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len)),
		.time_to_live = 255,
		.next_proto_id = VRRP_PROTOCOL,
		.src_addr = a->source.v4,
		.dst_addr = a->destination.v4,
	};
	struct rte_ipv6_hdr ip6 = {
		.vtc_flow = rte_cpu_to_be_32(UINT32_C(6) << 28 | (uint32_t)IP_TOS_CONTROL << 20),
		.payload_len = rte_cpu_to_be_16(len),
		.proto = VRRP_PROTOCOL,
		.hop_limits = 255,
	};

	if (a->source.family == 6) {
		memcpy(ip6.src_addr, a->source.v6, IP6_LEN);
		memcpy(ip6.dst_addr, a->destination.v6, IP6_LEN);
		memcpy(to, &ip6, sizeof(ip6));
		return;
	}
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(to, &ip, sizeof(ip));
}

uint16_t
vrrp_wire_message(uint8_t to[VRRP_WIRE_MESSAGE_MAX], const struct vrrp_advert *a)
{
	const uint16_t len = message_len(a->source.family, a->version, a->count);
	const size_t each = a->source.family == 6 ? IP6_LEN : sizeof(rte_be32_t);
	struct vrrp_header v = {
		.version_type = (uint8_t)(a->version << 4 | TYPE_ADVERT),
		.vrid = a->vrid,
		.priority = a->priority,
		.count = a->count,
	};

	if (a->version == 2) {
		v.auth_type = a->auth_type;
		v.interval_s = (uint8_t)(a->interval_ms / 1000);
		memcpy(to + len - VRRP_WIRE_AUTH, a->auth, VRRP_WIRE_AUTH);
	} else {
		v.interval_cs = rte_cpu_to_be_16((a->interval_ms / 10) & VRRP_WIRE_CS_MAX);
	}
	for (uint8_t i = 0; i < a->count; i++)
		memcpy(to + sizeof(v) + i * each, a->addresses[i].v6, each);
	memcpy(to, &v, sizeof(v));
	return len;
}

static uint16_t
trailer_len(const struct vrrp_advert *a)
{
	return a->has_trailer ? VRRP_WIRE_TRAILER : 0;
}

/* What the checksum is over. */
static uint16_t
summed_len(const struct vrrp_advert *a, uint16_t len)
{
	return (uint16_t)(len + (a->source.family == 6 ? trailer_len(a) : 0));
}

static void
put_message(uint8_t *to, const struct vrrp_advert *a)
{
	const uint16_t len = vrrp_wire_message(to, a);
	rte_be16_t checksum;

	if (a->has_trailer)
		memcpy(to + len, a->trailer, sizeof(a->trailer));
	checksum = (rte_be16_t)~sum(a, a->version != 2 && !a->plain_sum, to, summed_len(a, len));
	memcpy(to + offsetof(struct vrrp_header, checksum), &checksum, sizeof(checksum));
}

uint16_t
vrrp_wire_build(uint8_t frame[VRRP_WIRE_FRAME_MAX], const struct vrrp_advert *asked)
{
	struct vrrp_advert a = *asked;
	const bool six = a.source.family == 6;
	const size_t header = six ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	const uint16_t len =
		(uint16_t)(message_len(a.source.family, a.version, a.count) + trailer_len(&a));
	struct rte_ether_hdr eth = {
		.src_addr = { { 0x00, 0x00, 0x5e, 0x00, six ? 0x02 : 0x01, a.vrid } },
		.ether_type = six ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4),
	};
	const uint16_t total = (uint16_t)(sizeof(eth) + header + len);

	if (a.destination.family == 0) {
		a.destination = six ? ip_addr_v6(group6) : ip_addr_v4(RTE_BE32(VRRP_GROUP_ADDRESS));
		eth.dst_addr = six ? (struct rte_ether_addr){ { 0x33, 0x33, 0, 0, 0, 0x12 } }
				   : (struct rte_ether_addr){ { 0x01, 0, 0x5e, 0, 0, 0x12 } };
	}
	memset(frame, 0, VRRP_WIRE_FRAME_MAX);
	memcpy(frame, &eth, sizeof(eth));
	put_ip(frame + sizeof(eth), &a, len);
	put_message(frame + sizeof(eth) + header, &a);
	return total < VRRP_WIRE_FRAME_MIN ? VRRP_WIRE_FRAME_MIN : total;
}

/* ---- receiving ---- */

/* The VRRP part, `all` exactly; source and destination are known. */
static enum vrrp_refusal
check_message(const uint8_t *message, uint16_t all, struct vrrp_advert *a)
{
	const uint8_t family = a->source.family;
	const size_t each = family == 6 ? IP6_LEN : sizeof(rte_be32_t);
	struct vrrp_header v;
	uint16_t len, summed;

	if (all < sizeof(v))
		return VRRP_REFUSED_short;
	memcpy(&v, message, sizeof(v));
	a->version = v.version_type >> 4;
	if (a->version != 3 && (a->version != 2 || family == 6))
		return VRRP_REFUSED_version;
	if ((v.version_type & 0x0f) != TYPE_ADVERT)
		return VRRP_REFUSED_type;
	/* CARP has the same protocol, group, MAC, first octet and checksum. */
	if (a->version == 2 && v.auth_type > VRRP_AUTH_HEADER)
		return VRRP_REFUSED_carp;
	if (v.count == 0)
		return VRRP_REFUSED_count;
	len = message_len(family, a->version, v.count);
	a->has_trailer = all == len + VRRP_WIRE_TRAILER;
	if (all != len && !a->has_trailer)
		return VRRP_REFUSED_length;
	summed = summed_len(a, len);
	a->plain_sum = family == 4 && sum(a, false, message, summed) == SOUND;
	if (!a->plain_sum && (a->version == 2 || sum(a, true, message, summed) != SOUND))
		return VRRP_REFUSED_checksum;

	a->message = message;
	a->message_len = len;
	if (a->has_trailer)
		memcpy(a->trailer, message + len, sizeof(a->trailer));
	a->vrid = v.vrid;
	a->priority = v.priority;
	a->count = v.count;
	if (a->version == 2) {
		a->auth_type = v.auth_type;
		a->interval_ms = v.interval_s * 1000u;
		memcpy(a->auth, message + len - VRRP_WIRE_AUTH, VRRP_WIRE_AUTH);
	} else {
		a->interval_ms = (rte_be_to_cpu_16(v.interval_cs) & VRRP_WIRE_CS_MAX) * 10u;
	}
	for (uint8_t i = 0; i < v.count && i < VRRP_WIRE_ADDRESSES; i++) {
		a->addresses[i].family = family;
		memcpy(a->addresses[i].v6, message + sizeof(v) + i * each, each);
	}
	return VRRP_OK;
}

static enum vrrp_refusal
check4(const uint8_t *packet, uint16_t len, struct vrrp_advert *a)
{
	struct rte_ipv4_hdr ip;

	if (len < sizeof(ip))
		return VRRP_REFUSED_ip;
	memcpy(&ip, packet, sizeof(ip));
	const uint16_t header = rte_ipv4_hdr_len(&ip);
	const uint16_t total = rte_be_to_cpu_16(ip.total_length);

	if (ip.version_ihl >> 4 != 4 || header < sizeof(ip) || total < header || total > len)
		return VRRP_REFUSED_ip;
	if (ip.next_proto_id != VRRP_PROTOCOL || !ip4_is_host(ip.src_addr) ||
		(ip.fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)))
		return VRRP_REFUSED_ip;
	a->source = ip_addr_v4(ip.src_addr);
	a->destination = ip_addr_v4(ip.dst_addr);
	a->ttl = ip.time_to_live;
	if (!vrrp_wire_is_group(&a->destination) && !ip4_is_host(ip.dst_addr))
		return VRRP_REFUSED_ip;
	if (vrrp_wire_is_group(&a->destination) && a->ttl != 255)
		return VRRP_REFUSED_ttl;
	return check_message(packet + header, (uint16_t)(total - header), a);
}

static enum vrrp_refusal
check6(const uint8_t *packet, uint16_t len, struct vrrp_advert *a)
{
	struct rte_ipv6_hdr ip;

	if (len < sizeof(ip))
		return VRRP_REFUSED_ip;
	memcpy(&ip, packet, sizeof(ip));
	const uint16_t payload = rte_be_to_cpu_16(ip.payload_len);

	/* Extension headers are refused: the message must follow the IPv6 header. */
	if (payload > len - sizeof(ip) || ip.proto != VRRP_PROTOCOL || !ip6_is_host(ip.src_addr))
		return VRRP_REFUSED_ip;
	a->source = ip_addr_v6(ip.src_addr);
	a->destination = ip_addr_v6(ip.dst_addr);
	a->ttl = ip.hop_limits;
	if (vrrp_wire_is_group(&a->destination) ? !ip6_is_link_local(ip.src_addr)
						: !ip6_is_host(ip.dst_addr))
		return VRRP_REFUSED_ip;
	if (vrrp_wire_is_group(&a->destination) && a->ttl != 255)
		return VRRP_REFUSED_ttl;
	return check_message(packet + sizeof(ip), payload, a);
}

enum vrrp_refusal
vrrp_wire_check(const uint8_t *packet, uint16_t len, struct vrrp_advert *a)
{
	memset(a, 0, sizeof(*a));
	return len > 0 && packet[0] >> 4 == 6 ? check6(packet, len, a) : check4(packet, len, a);
}
