/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define POOL_CACHE     256
#define RETA_PERIOD    128

struct rte_mempool *
port_pool_create(const char *name, uint32_t count, uint16_t room, int socket)
{
	/* Small pools (tests) cannot afford the full cache. */
	const uint32_t cache = count >= 8 * POOL_CACHE ? POOL_CACHE : 0;

	return rte_pktmbuf_pool_create(name, count, cache,
		RTE_ALIGN(sizeof(struct pkt_private), RTE_MBUF_PRIV_ALIGN),
		(uint16_t)(room + RTE_PKTMBUF_HEADROOM), socket);
}

/* reta[i] = i mod 128 mod queues, the same on every NIC whatever its table size. */
static bool
reta_configure(uint16_t ethdev, uint16_t queues, uint16_t reta_size)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];

	if (reta_size == 0 || reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return false;
	memset(reta, 0, sizeof(reta));
	for (uint16_t i = 0; i < reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask = UINT64_MAX;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			(uint16_t)(i % RETA_PERIOD % queues);
	}
	/* A driver that refuses keeps its own spread: packets are then looked up in place. */
	return rte_eth_dev_rss_reta_update(ethdev, reta, reta_size) == 0;
}

static int
fail(char *err, size_t err_size, int rc, const char *what)
{
	/* -1 is "no" to many drivers, not EPERM. */
	snprintf(err, err_size, "%s: %s", what,
		rc == -1 ? "the driver refuses" : strerror(rc < 0 ? -rc : rc));
	return rc < 0 ? rc : -EIO;
}

static int
set_up_queues(const struct port_params *p, char *err, size_t err_size)
{
	const unsigned int socket = (unsigned int)rte_eth_dev_socket_id(p->ethdev);
	uint16_t rxd = RX_DESCRIPTORS, txd = TX_DESCRIPTORS;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->ethdev, &rxd, &txd);

	if (rc < 0)
		return fail(err, err_size, rc, "descriptor counts");
	for (uint16_t q = 0; q < p->queues; q++) {
		rc = rte_eth_rx_queue_setup(p->ethdev, q, rxd, socket, NULL, p->pool);
		if (rc < 0)
			return fail(err, err_size, rc, "receive queue");
		rc = rte_eth_tx_queue_setup(p->ethdev, q, txd, socket, NULL);
		if (rc < 0)
			return fail(err, err_size, rc, "transmit queue");
	}
	return 0;
}

/* Only frames to our MACs and to groups.  => false: the driver cannot, nothing has changed. */
static bool
filter(const struct port_params *p)
{
	uint16_t done = 0;

	if (rte_eth_allmulticast_enable(p->ethdev) != 0)
		return false;
	while (done < p->mac_count) {
		/* The library does not write to it. */
		struct rte_ether_addr mac = p->macs[done];

		if (rte_eth_dev_mac_addr_add(p->ethdev, &mac, 0) != 0)
			break;
		done++;
	}
	if (done == p->mac_count)
		return true;
	while (done-- > 0) {
		struct rte_ether_addr mac = p->macs[done];

		(void)rte_eth_dev_mac_addr_remove(p->ethdev, &mac);
	}
	(void)rte_eth_allmulticast_disable(p->ethdev);
	return false;
}

/* Frames to virtual MACs must arrive. */
static int
receive(struct port *port, const struct port_params *p, const struct port_plan *plan, char *err,
	size_t err_size)
{
	int rc;

	port->filters = 0;
	port->promiscuous = false;
	if (plan->filter && filter(p)) {
		port->filters = (uint16_t)(p->mac_count + 1);
		return 0;
	}
	/* Drivers without filters (rings) need nothing. */
	rc = rte_eth_promiscuous_enable(p->ethdev);
	port->promiscuous = rc == 0;
	return rc < 0 && rc != -ENOTSUP ? fail(err, err_size, rc, "promiscuous mode") : 0;
}

static void
note(struct port *port, const struct port_params *p, const struct rte_eth_dev_info *info,
	const struct port_plan *plan)
{
	port->ethdev = p->ethdev;
	port->queues = p->queues;
	port->mtu = p->mtu;
	port->lacp = false; /* whoever makes a trunk knows better */
	port->room = (uint16_t)(rte_pktmbuf_data_room_size(p->pool) - RTE_PKTMBUF_HEADROOM);
	port->rx_offloads = plan->conf.rxmode.offloads;
	port->tx_offloads = plan->conf.txmode.offloads;
	port->symmetric = plan->symmetric;
	port->tags_by_driver = (port->tx_offloads & RTE_ETH_TX_OFFLOAD_VLAN_INSERT) != 0;
	snprintf(port->driver, sizeof(port->driver), "%s", info->driver_name);
	if (rte_eth_dev_get_name_by_port(p->ethdev, port->name) < 0)
		snprintf(port->name, sizeof(port->name), "port%u", p->ethdev);
}

int
port_start(struct port *port, const struct port_params *p, char *err, size_t err_size)
{
	struct rte_eth_dev_info info;
	struct port_plan plan;
	int rc = rte_eth_dev_info_get(p->ethdev, &info);

	if (rc < 0)
		return fail(err, err_size, rc, "no information from the driver");
	rc = port_plan(p, &info, &plan, err, err_size);
	if (rc < 0)
		return rc;
	rc = rte_eth_dev_configure(p->ethdev, p->queues, p->queues, &plan.conf);
	if (rc < 0)
		return fail(err, err_size, rc, "the driver refuses the configuration");
	rc = set_up_queues(p, err, err_size);
	if (rc < 0)
		return rc;
	rc = rte_eth_dev_start(p->ethdev);
	if (rc < 0)
		return fail(err, err_size, rc, "start");
	note(port, p, &info, &plan);
	port->reta = plan.symmetric && reta_configure(p->ethdev, p->queues, info.reta_size);
	rc = receive(port, p, &plan, err, err_size);
	if (rc == 0) {
		rc = rte_eth_macaddr_get(p->ethdev, &port->mac);
		if (rc < 0)
			fail(err, err_size, rc, "MAC address");
	}
	if (rc < 0)
		rte_eth_dev_stop(p->ethdev);
	return rc;
}

void
port_stop(struct port *p)
{
	rte_eth_dev_stop(p->ethdev);
	rte_eth_dev_close(p->ethdev);
}

void
port_member(struct port *port, uint16_t ethdev, const struct port *trunk)
{
	struct rte_eth_dev_info info;

	*port = *trunk;
	port->ethdev = ethdev;
	port->queues = 0;
	port->lacp = false;
	if (trunk->promiscuous)
		(void)rte_eth_promiscuous_enable(ethdev); /* the driver tells one member only */
	(void)rte_eth_macaddr_get(ethdev, &port->mac);
	if (rte_eth_dev_info_get(ethdev, &info) == 0)
		snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	if (rte_eth_dev_get_name_by_port(ethdev, port->name) < 0)
		snprintf(port->name, sizeof(port->name), "port%u", ethdev);
}
