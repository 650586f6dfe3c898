/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <rte_ethdev.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define POOL_CACHE     256
#define RETA_PERIOD    128

struct rte_mempool *
port_pool_create(const char *name, uint32_t count, int socket)
{
	/* Small pools (tests) cannot afford the full cache. */
	const uint32_t cache = count >= 8 * POOL_CACHE ? POOL_CACHE : 0;

	return rte_pktmbuf_pool_create(name, count, cache,
		RTE_ALIGN(sizeof(struct pkt_private), RTE_MBUF_PRIV_ALIGN),
		RTE_MBUF_DEFAULT_BUF_SIZE, socket);
}

/* Symmetric Toeplitz: both directions of a connection hash alike, so they meet the same queue. */
static void
rss_configure(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, uint8_t *key)
{
	const uint64_t wanted = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
				RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6 |
				RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
	const uint64_t offered = wanted & info->flow_type_rss_offloads;

	if (offered == 0 || info->hash_key_size == 0 || info->hash_key_size > 64)
		return;
	for (unsigned int i = 0; i < info->hash_key_size; i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
	conf->rx_adv_conf.rss_conf.rss_key = key;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	conf->rx_adv_conf.rss_conf.rss_hf = offered;
}

/* reta[i] = i mod 128 mod queues, the same on every NIC whatever its table size. */
static void
reta_configure(uint16_t ethdev, uint16_t queues, uint16_t reta_size)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];

	if (reta_size == 0 || reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return;
	memset(reta, 0, sizeof(reta));
	for (uint16_t i = 0; i < reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask = UINT64_MAX;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			(uint16_t)(i % RETA_PERIOD % queues);
	}
	/* A driver that refuses keeps its own spread: packets are then looked up in place. */
	(void)rte_eth_dev_rss_reta_update(ethdev, reta, reta_size);
}

static int
fail(char *err, size_t err_size, int rc, const char *what)
{
	/* -1 is "no" to many drivers, not EPERM. */
	snprintf(err, err_size, "%s: %s", what,
		rc == -1 ? "the driver refuses" : strerror(rc < 0 ? -rc : rc));
	return rc < 0 ? rc : -EIO;
}

/* Without subinterfaces no offload takes tags off: they are looked for in the frame. */
static void
tags_configure(struct port *p, struct rte_eth_conf *conf, const struct rte_eth_dev_info *info)
{
	conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
	p->tags_by_driver = (conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_VLAN_INSERT) != 0;
}

int
port_start(struct port *p, const struct port_params *params, char *err, size_t err_size)
{
	const uint16_t ethdev = params->ethdev, queues = params->queues;
	struct rte_eth_conf conf = { .rxmode = { .mq_mode = RTE_ETH_MQ_RX_NONE } };
	struct rte_eth_dev_info info;
	uint16_t rxd = RX_DESCRIPTORS, txd = TX_DESCRIPTORS;
	uint8_t key[64];
	const int socket = rte_eth_dev_socket_id(ethdev);
	int rc = rte_eth_dev_info_get(ethdev, &info);

	if (rc < 0)
		return fail(err, err_size, rc, "no information from the driver");
	if (info.max_rx_queues < queues || info.max_tx_queues < queues) {
		snprintf(err, err_size,
			"%u queues are needed (one per worker), the driver offers %u receive and "
			"%u transmit",
			queues, info.max_rx_queues, info.max_tx_queues);
		return -EINVAL;
	}
	p->tags_by_driver = false;
	if (queues > 1)
		rss_configure(&conf, &info, key);
	if (params->tagged)
		tags_configure(p, &conf, &info);
	rc = rte_eth_dev_configure(ethdev, queues, queues, &conf);
	if (rc < 0)
		return fail(err, err_size, rc, "the driver refuses the configuration");
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(ethdev, &rxd, &txd);
	if (rc < 0)
		return fail(err, err_size, rc, "descriptor counts");
	for (uint16_t q = 0; q < queues; q++) {
		rc = rte_eth_rx_queue_setup(
			ethdev, q, rxd, (unsigned int)socket, NULL, params->pool);
		if (rc < 0)
			return fail(err, err_size, rc, "receive queue");
		rc = rte_eth_tx_queue_setup(ethdev, q, txd, (unsigned int)socket, NULL);
		if (rc < 0)
			return fail(err, err_size, rc, "transmit queue");
	}
	rc = rte_eth_dev_start(ethdev);
	if (rc < 0)
		return fail(err, err_size, rc, "start");
	if (conf.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS)
		reta_configure(ethdev, queues, info.reta_size);
	/* Frames to virtual MACs must arrive.  Drivers without filters (rings) need nothing. */
	rc = rte_eth_promiscuous_enable(ethdev);
	p->promiscuous = rc == 0;
	if (rc < 0 && rc != -ENOTSUP) {
		rte_eth_dev_stop(ethdev);
		return fail(err, err_size, rc, "promiscuous mode");
	}
	rc = rte_eth_macaddr_get(ethdev, &p->mac);
	if (rc < 0) {
		rte_eth_dev_stop(ethdev);
		return fail(err, err_size, rc, "MAC address");
	}
	p->ethdev = ethdev;
	p->queues = queues;
	if (rte_eth_dev_get_name_by_port(ethdev, p->name) < 0)
		snprintf(p->name, sizeof(p->name), "port%u", ethdev);
	return 0;
}

void
port_stop(struct port *p)
{
	rte_eth_dev_stop(p->ethdev);
	rte_eth_dev_close(p->ethdev);
}
