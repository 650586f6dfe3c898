/*
 * A UDP packet that arrives at an engine box, for tests that need a packet and care little which.
 */
#pragma once

#include "engine_box.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

/* packet_frame_udp: 10.1.1.10 -> 200.1.1.10 in trust, 200.1.1.10 -> 10.1.1.10 in untrust, with 20
 * bytes of payload; the box runs until it has ended, and what it sends is thrown away. */
static inline void
packet_frame_udp(struct engine_box *b, uint16_t port, uint16_t sport, uint16_t dport)
{
	const rte_be32_t inside = rte_cpu_to_be_32(BOX_IPV4(10, 1, 1, 10));
	const rte_be32_t outside = rte_cpu_to_be_32(BOX_IPV4(200, 1, 1, 10));
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);
	struct {
		struct rte_ether_hdr eth;
		struct rte_ipv4_hdr ip;
		struct rte_udp_hdr udp;
		uint8_t payload[20];
	} __attribute__((packed, aligned(2))) frame = { 0 };
	char *data = m != NULL ? rte_pktmbuf_append(m, sizeof(frame)) : NULL;
	bool fed;

	assert(data != NULL);
	frame.eth.dst_addr = b->ports[port].mac;
	frame.eth.src_addr = engine_box_host_mac(port == BOX_TRUST ? inside : outside);
	frame.eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	frame.ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = RTE_BE16(sizeof(frame) - sizeof(frame.eth)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.src_addr = port == BOX_TRUST ? inside : outside,
		.dst_addr = port == BOX_TRUST ? outside : inside,
	};
	frame.udp.src_port = rte_cpu_to_be_16(sport);
	frame.udp.dst_port = rte_cpu_to_be_16(dport);
	frame.udp.dgram_len = RTE_BE16(sizeof(frame.udp) + sizeof(frame.payload));
	memcpy(data, &frame, sizeof(frame));
	((struct rte_ipv4_hdr *)(data + sizeof(frame.eth)))->hdr_checksum =
		rte_ipv4_cksum((struct rte_ipv4_hdr *)(data + sizeof(frame.eth)));
	fed = engine_box_feed(b, port, 0, m);
	assert(fed);
	(void)fed;
	engine_box_poll(b);
	for (uint16_t p = 0; p < BOX_PORTS; p++)
		while ((m = engine_box_collect(b, p)) != NULL)
			rte_pktmbuf_free(m);
}
