/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RX_CHECKSUMS                                                                               \
	(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |                            \
		RTE_ETH_RX_OFFLOAD_TCP_CKSUM)

/* A virtual machine's host that is told we check nothing ourselves sends checksums that are not
 * finished, and we would send them on. */
static bool
checksums_may_be_unfinished(const struct rte_eth_dev_info *info)
{
	return info->driver_name != NULL && (strstr(info->driver_name, "virtio") != NULL ||
						    strstr(info->driver_name, "vhost") != NULL);
}

/* Symmetric Toeplitz: both directions of a connection hash alike, so they meet the same queue. */
static void
plan_rss(const struct rte_eth_dev_info *info, struct port_plan *plan)
{
	const uint64_t wanted = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
				RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6 |
				RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
	const uint64_t offered = wanted & info->flow_type_rss_offloads;
	struct rte_eth_conf *conf = &plan->conf;

	if (offered == 0 || info->hash_key_size == 0 || info->hash_key_size > sizeof(plan->key))
		return;
	for (unsigned int i = 0; i < info->hash_key_size; i++)
		plan->key[i] = i % 2 == 0 ? 0x6d : 0x5a;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
	conf->rx_adv_conf.rss_conf.rss_key = plan->key;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	conf->rx_adv_conf.rss_conf.rss_hf = offered;
	plan->symmetric = true;
}

/* The largest IP packet a driver takes. */
static uint32_t
largest(const struct rte_eth_dev_info *info)
{
	const uint32_t extra = info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu
				       ? info->max_rx_pktlen - info->max_mtu
				       : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	return RTE_MIN((uint32_t)info->max_mtu, info->max_rx_pktlen - extra);
}

static int
plan_mtu(const struct port_params *p, const struct rte_eth_dev_info *info, struct port_plan *plan,
	char *err, size_t err_size)
{
	/* The default is what drivers start with, and some know no other. */
	if (p->mtu_by_kernel || p->mtu == RTE_ETHER_MTU)
		return 0;
	if (p->mtu > largest(info) || p->mtu < info->min_mtu) {
		snprintf(err, err_size, "%u bytes: the driver takes %u to %u", p->mtu,
			info->min_mtu, largest(info));
		return -EMSGSIZE;
	}
	plan->conf.rxmode.mtu = p->mtu;
	return 0;
}

int
port_plan(const struct port_params *p, const struct rte_eth_dev_info *info, struct port_plan *plan,
	char *err, size_t err_size)
{
	struct rte_eth_conf *conf = &plan->conf;
	int rc;

	memset(plan, 0, sizeof(*plan));
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	if (info->max_rx_queues < p->queues || info->max_tx_queues < p->queues) {
		snprintf(err, err_size,
			"%u queues are needed (one per worker), the driver offers %u receive and "
			"%u transmit",
			p->queues, info->max_rx_queues, info->max_tx_queues);
		return -EINVAL;
	}
	rc = plan_mtu(p, info, plan, err, err_size);
	if (rc < 0)
		return rc;
	if (p->queues > 1)
		plan_rss(info, plan);
	if (!checksums_may_be_unfinished(info))
		conf->rxmode.offloads |= info->rx_offload_capa & RX_CHECKSUMS;
	/* Without subinterfaces no offload takes tags off: they are looked for in the frame. */
	if (p->tagged) {
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
		conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
	}
	if (p->chains) {
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
		conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	/* One entry is the port's own.  Filters of tags are another matter: promiscuous again. */
	plan->filter = !p->promiscuous && !p->tagged && info->max_mac_addrs > 1 &&
		       info->max_mac_addrs > p->mac_count;
	return 0;
}

uint16_t
port_plan_room(struct port_params *p, const struct rte_eth_dev_info *info, uint32_t n)
{
	uint32_t room = RTE_MBUF_DEFAULT_DATAROOM, whole = room;
	bool chains = true;

	for (uint32_t i = 0; i < n; i++) {
		const uint32_t frame = p[i].mtu + PORT_FRAME_EXTRA;

		room = RTE_MAX(room, (uint32_t)p[i].room_min);
		whole = RTE_MAX(whole, frame);
		chains &= (info[i].tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
		if (frame > RTE_MBUF_DEFAULT_DATAROOM && p[i].room_min == 0)
			chains &= (info[i].rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
	}
	whole = RTE_MAX(whole, room);
	chains &= whole > room;
	for (uint32_t i = 0; i < n; i++)
		p[i].chains = chains;
	return (uint16_t)RTE_ALIGN(chains ? room : whole, RTE_CACHE_LINE_SIZE);
}
