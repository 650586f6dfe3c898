/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Encapsulation on heartbeat links.  Pure functions.
 */
#include "hrp_frame.h"

#include "ha_constants.h"

#include <rte_arp.h>
#include <rte_ip.h>

#include <string.h>

static_assert(HRP_FRAME_OVERHEAD == sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr),
	"no VLAN tag, no IPv4 options");

static const struct rte_ether_addr group_mac = { { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x12 } };

void
hrp_frame_write(uint8_t *frame, uint16_t len, const struct hrp_frame_end *self, uint16_t ip_id)
{
	const struct rte_ether_hdr eth = { .dst_addr = group_mac,
		.src_addr = self->mac,
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4) };
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = 0xc0, /* network control */
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len)),
		.packet_id = rte_cpu_to_be_16(ip_id),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = 255,
		.next_proto_id = VRRP_PROTOCOL,
		.src_addr = self->address,
		.dst_addr = RTE_BE32(VRRP_GROUP_ADDRESS),
	};

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
}

static bool
same_subnet(rte_be32_t a, const struct hrp_frame_end *self)
{
	const uint32_t mask =
		self->prefix_len == 0 ? 0 : UINT32_MAX << (32 - (self->prefix_len & 63));

	return ((rte_be_to_cpu_32(a) ^ rte_be_to_cpu_32(self->address)) & mask) == 0;
}

static enum hrp_frame_kind
parse_arp(const uint8_t *frame, uint16_t frame_len, const struct hrp_frame_end *self)
{
	struct rte_arp_hdr arp;

	if (frame_len < sizeof(struct rte_ether_hdr) + sizeof(arp))
		return HRP_FRAME_OTHER;
	memcpy(&arp, frame + sizeof(struct rte_ether_hdr), sizeof(arp));
	if (arp.arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
		arp.arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) || arp.arp_hlen != 6 ||
		arp.arp_plen != 4 || arp.arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST) ||
		arp.arp_data.arp_tip != self->address || arp.arp_data.arp_sip == self->address)
		return HRP_FRAME_OTHER;
	return HRP_FRAME_ARP_REQUEST;
}

enum hrp_frame_kind
hrp_frame_parse(const uint8_t *frame, uint16_t frame_len, const struct hrp_frame_end *self,
	const uint8_t **message, uint16_t *len, rte_be32_t *source, enum ha_refusal *why)
{
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;

	if (frame_len < sizeof(eth))
		return HRP_FRAME_OTHER;
	memcpy(&eth, frame, sizeof(eth));
	if (eth.ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP))
		return parse_arp(frame, frame_len, self);
	if (eth.ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		!rte_is_same_ether_addr(&eth.dst_addr, &group_mac) ||
		frame_len < HRP_FRAME_OVERHEAD)
		return HRP_FRAME_OTHER;
	memcpy(&ip, frame + sizeof(eth), sizeof(ip));
	if (ip.next_proto_id != VRRP_PROTOCOL)
		return HRP_FRAME_OTHER;

	/* From here on it claims to be for us. */
	const uint16_t total = rte_be_to_cpu_16(ip.total_length);
	*why = HA_REFUSED_ip;
	if (ip.version_ihl != RTE_IPV4_VHL_DEF || total < sizeof(ip) ||
		total > frame_len - sizeof(eth) || ip.dst_addr != RTE_BE32(VRRP_GROUP_ADDRESS) ||
		(ip.fragment_offset & ~RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0 ||
		rte_raw_cksum(frame + sizeof(eth), sizeof(ip)) != 0xffff)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_ttl;
	if (ip.time_to_live != 255)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_source;
	if (ip.src_addr == self->address)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_subnet;
	if (!same_subnet(ip.src_addr, self))
		return HRP_FRAME_REFUSED;
	*why = HA_OK;
	*message = frame + HRP_FRAME_OVERHEAD;
	*len = (uint16_t)(total - sizeof(ip));
	*source = ip.src_addr;
	return HRP_FRAME_HA;
}

void
hrp_frame_arp_reply(uint8_t *frame, const struct hrp_frame_end *self)
{
	struct rte_ether_hdr eth;
	struct rte_arp_hdr arp;

	memcpy(&eth, frame, sizeof(eth));
	memcpy(&arp, frame + sizeof(eth), sizeof(arp));
	arp.arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	arp.arp_data.arp_tha = arp.arp_data.arp_sha;
	arp.arp_data.arp_tip = arp.arp_data.arp_sip;
	arp.arp_data.arp_sha = self->mac;
	arp.arp_data.arp_sip = self->address;
	eth.dst_addr = arp.arp_data.arp_tha;
	eth.src_addr = self->mac;
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &arp, sizeof(arp));
}
