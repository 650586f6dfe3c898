/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Encapsulation on heartbeat links.  Pure functions.
 */
#include "hrp_frame.h"

#include "ha_constants.h"

#include <rte_arp.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

static_assert(HRP_FRAME_OVERHEAD_UDP == HRP_FRAME_OVERHEAD + sizeof(struct rte_udp_hdr), "UDP");
static_assert(HRP_FRAME_OVERHEAD == sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr),
	"no VLAN tag, no IPv4 options");

static const struct rte_ether_addr group_mac = { { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x12 } };

rte_be16_t
hrp_frame_source_port(const uint8_t *message, uint16_t len)
{
	struct ha_trailer end = { .sequence = 0 };

	if (len >= sizeof(end))
		memcpy(&end, message + len - sizeof(end), sizeof(end));
	return (end.sequence & RTE_BE64(HA_SEQUENCE_DATA)) != 0 ? RTE_BE16(HRP_UDP_SOURCE_DATA)
								: RTE_BE16(HRP_UDP_SOURCE_CONTROL);
}

static void
write_udp(uint8_t *udp_at, uint16_t len, const struct rte_ipv4_hdr *ip)
{
	struct rte_udp_hdr udp = {
		.src_port = hrp_frame_source_port(udp_at + sizeof(udp), len),
		.dst_port = RTE_BE16(HRP_UDP_PORT),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(udp) + len)),
	};

	memcpy(udp_at, &udp, sizeof(udp));
	udp.dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp_at);
	memcpy(udp_at, &udp, sizeof(udp));
}

void
hrp_frame_write(uint8_t *frame, uint16_t len, const struct hrp_frame_end *self, uint16_t ip_id)
{
	const bool udp = self->remote != 0;
	const struct rte_ether_hdr eth = { .dst_addr = udp ? self->next_hop : group_mac,
		.src_addr = self->mac,
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4) };
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = 0xc0, /* network control */
		.total_length =
			rte_cpu_to_be_16((uint16_t)(hrp_frame_overhead(self) - sizeof(eth) + len)),
		.packet_id = rte_cpu_to_be_16(ip_id),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = 255,
		.next_proto_id = udp ? IPPROTO_UDP : VRRP_PROTOCOL,
		.src_addr = self->address,
		.dst_addr = udp ? self->remote : RTE_BE32(VRRP_GROUP_ADDRESS),
	};

	if (udp)
		write_udp(frame + HRP_FRAME_OVERHEAD, len, &ip);
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
		arp.arp_plen != 4 || arp.arp_data.arp_tip != self->address ||
		arp.arp_data.arp_sip == self->address ||
		!rte_is_valid_assigned_ether_addr(&arp.arp_data.arp_sha))
		return HRP_FRAME_OTHER;
	if (arp.arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST))
		return HRP_FRAME_ARP_REQUEST;
	return arp.arp_opcode == RTE_BE16(RTE_ARP_OP_REPLY) ? HRP_FRAME_ARP_ANSWER
							    : HRP_FRAME_OTHER;
}

/* Is the IPv4 header one of ours, and does the packet fit in `len` bytes? */
static bool
ip_sound(const uint8_t *at, const struct rte_ipv4_hdr *ip, uint16_t len)
{
	const uint16_t total = rte_be_to_cpu_16(ip->total_length);

	return ip->version_ihl == RTE_IPV4_VHL_DEF && total >= sizeof(*ip) && total <= len &&
	       (ip->fragment_offset & ~RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) == 0 &&
	       rte_raw_cksum(at, sizeof(*ip)) == 0xffff;
}

static enum hrp_frame_kind
parse_multicast(const uint8_t *at, const struct rte_ipv4_hdr *ip, uint16_t len,
	const struct hrp_frame_end *self, struct hrp_frame_message *m, enum ha_refusal *why)
{
	*why = HA_REFUSED_ip;
	if (ip->dst_addr != RTE_BE32(VRRP_GROUP_ADDRESS) || !ip_sound(at, ip, len))
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_mode;
	if (self->remote != 0)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_ttl;
	if (ip->time_to_live != 255)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_source;
	if (ip->src_addr == self->address)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_subnet;
	if (!same_subnet(ip->src_addr, self))
		return HRP_FRAME_REFUSED;
	*why = HA_OK;
	*m = (struct hrp_frame_message){ .data = at + sizeof(*ip),
		.len = (uint16_t)(rte_be_to_cpu_16(ip->total_length) - sizeof(*ip)),
		.source = ip->src_addr };
	return HRP_FRAME_HA;
}

static bool
udp_sum_right(const struct rte_ipv4_hdr *ip, const uint8_t *udp, uint16_t len)
{
	const uint32_t sum = (uint32_t)rte_raw_cksum(udp, len) + rte_ipv4_phdr_cksum(ip, 0);

	return (uint16_t)((sum >> 16) + sum) == 0xffff;
}

enum hrp_frame_kind
hrp_frame_parse_udp(const uint8_t *at, uint16_t len, const struct hrp_frame_end *self,
	struct hrp_frame_message *m, enum ha_refusal *why)
{
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;

	*why = HA_REFUSED_ip;
	if (len < sizeof(ip) + sizeof(udp))
		return HRP_FRAME_REFUSED;
	memcpy(&ip, at, sizeof(ip));
	memcpy(&udp, at + sizeof(ip), sizeof(udp));
	const uint16_t payload =
		(uint16_t)(rte_be_to_cpu_16(ip.total_length) - sizeof(ip)); /* of IP */

	if (!ip_sound(at, &ip, len))
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_mode;
	if (self->remote == 0)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_source;
	if (ip.src_addr != self->remote)
		return HRP_FRAME_REFUSED;
	*why = HA_REFUSED_udp;
	if (payload < sizeof(udp) || rte_be_to_cpu_16(udp.dgram_len) != payload ||
		udp.dgram_cksum == 0 || !udp_sum_right(&ip, at + sizeof(ip), payload))
		return HRP_FRAME_REFUSED;
	*why = HA_OK;
	*m = (struct hrp_frame_message){ .data = at + sizeof(ip) + sizeof(udp),
		.len = (uint16_t)(payload - sizeof(udp)),
		.source = ip.src_addr,
		.port = udp.src_port };
	return HRP_FRAME_HA;
}

enum hrp_frame_kind
hrp_frame_parse(const uint8_t *frame, uint16_t frame_len, const struct hrp_frame_end *self,
	struct hrp_frame_message *m, enum ha_refusal *why)
{
	const uint8_t *at = frame + sizeof(struct rte_ether_hdr);
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;

	if (frame_len < sizeof(eth))
		return HRP_FRAME_OTHER;
	memcpy(&eth, frame, sizeof(eth));
	if (eth.ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP))
		return parse_arp(frame, frame_len, self);
	if (eth.ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || frame_len < HRP_FRAME_OVERHEAD)
		return HRP_FRAME_OTHER;
	const uint16_t len = (uint16_t)(frame_len - sizeof(eth));

	memcpy(&ip, at, sizeof(ip));
	if (rte_is_same_ether_addr(&eth.dst_addr, &group_mac) && ip.next_proto_id == VRRP_PROTOCOL)
		return parse_multicast(at, &ip, len, self, m, why);
	if (!rte_is_same_ether_addr(&eth.dst_addr, &self->mac) || ip.dst_addr != self->address ||
		ip.next_proto_id != IPPROTO_UDP || frame_len < HRP_FRAME_OVERHEAD_UDP)
		return HRP_FRAME_OTHER;
	memcpy(&udp, at + sizeof(ip), sizeof(udp));
	return udp.dst_port == RTE_BE16(HRP_UDP_PORT) ? hrp_frame_parse_udp(at, len, self, m, why)
						      : HRP_FRAME_OTHER;
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

void
hrp_frame_arp_sender(const uint8_t *frame, rte_be32_t *address, struct rte_ether_addr *mac)
{
	struct rte_arp_hdr arp;

	memcpy(&arp, frame + sizeof(struct rte_ether_hdr), sizeof(arp));
	*address = arp.arp_data.arp_sip;
	*mac = arp.arp_data.arp_sha;
}
