/* SPDX-License-Identifier: BSD-3-Clause */
#include "arp.h"

#include "ip_addr.h"

#include <rte_arp.h>

#include <string.h>

static const struct rte_ether_addr broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

enum arp_verdict
arp_parse(const void *frame, size_t len, struct arp *out)
{
	struct rte_ether_hdr eth;
	struct rte_arp_hdr arp;

	if (len < sizeof(eth) + sizeof(arp))
		return ARP_SHORT;
	memcpy(&eth, frame, sizeof(eth));
	memcpy(&arp, (const uint8_t *)frame + sizeof(eth), sizeof(arp));
	if (eth.ether_type != RTE_BE16(RTE_ETHER_TYPE_ARP) ||
		arp.arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
		arp.arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
		arp.arp_hlen != RTE_ETHER_ADDR_LEN || arp.arp_plen != sizeof(rte_be32_t))
		return ARP_FORMAT;
	*out = (struct arp){
		.op = rte_be_to_cpu_16(arp.arp_opcode),
		.sender_mac = arp.arp_data.arp_sha,
		.target_mac = arp.arp_data.arp_tha,
		.sender = arp.arp_data.arp_sip,
		.target = arp.arp_data.arp_tip,
	};
	if (out->op != ARP_REQUEST && out->op != ARP_REPLY)
		return ARP_OPCODE;
	if (!rte_is_valid_assigned_ether_addr(&out->sender_mac))
		return ARP_SENDER_MAC;
	if (!ip4_is_host(out->sender) && !(out->sender == 0 && out->op == ARP_REQUEST))
		return ARP_SENDER_ADDRESS;
	return ARP_OK;
}

static void
write_frame(uint8_t frame[ARP_FRAME_LEN], const struct rte_ether_addr *dst, const struct arp *a)
{
	const struct rte_ether_hdr eth = { .dst_addr = *dst,
		.src_addr = a->sender_mac,
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP) };
	const struct rte_arp_hdr arp = {
		.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = sizeof(rte_be32_t),
		.arp_opcode = rte_cpu_to_be_16(a->op),
		.arp_data = { .arp_sha = a->sender_mac,
			.arp_sip = a->sender,
			.arp_tha = a->target_mac,
			.arp_tip = a->target },
	};

	memset(frame, 0, ARP_FRAME_LEN);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &arp, sizeof(arp));
}

void
arp_request(uint8_t frame[ARP_FRAME_LEN], const struct rte_ether_addr *mac, rte_be32_t sender,
	rte_be32_t target, const struct rte_ether_addr *whom)
{
	const struct arp a = {
		.op = ARP_REQUEST, .sender_mac = *mac, .sender = sender, .target = target
	};

	write_frame(frame, whom != NULL ? whom : &broadcast, &a);
}

void
arp_reply(uint8_t frame[ARP_FRAME_LEN], const struct arp *request, const struct rte_ether_addr *mac)
{
	const struct arp a = {
		.op = ARP_REPLY,
		.sender_mac = *mac,
		.sender = request->target,
		.target_mac = request->sender_mac,
		.target = request->sender,
	};

	write_frame(frame, &request->sender_mac, &a);
}

void
arp_gratuitous(uint8_t frame[ARP_FRAME_LEN], const struct rte_ether_addr *mac, rte_be32_t address)
{
	const struct arp a = {
		.op = ARP_REQUEST,
		.sender_mac = *mac,
		.sender = address,
		.target_mac = broadcast,
		.target = address,
	};

	write_frame(frame, &broadcast, &a);
}
