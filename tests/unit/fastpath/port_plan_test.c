/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver is asked for, by what it says it can: no such NIC is at hand. */
#include "port_plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RX_SUMS                                                                                    \
	(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |                            \
		RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define CHAINS_RX RTE_ETH_RX_OFFLOAD_SCATTER
#define CHAINS_TX RTE_ETH_TX_OFFLOAD_MULTI_SEGS
#define TAGS_RX	  RTE_ETH_RX_OFFLOAD_VLAN_STRIP
#define TAGS_TX	  RTE_ETH_TX_OFFLOAD_VLAN_INSERT

/* A NIC with everything. */
static struct rte_eth_dev_info
rich(void)
{
	return (struct rte_eth_dev_info){
		.driver_name = "net_rich",
		.min_mtu = 68,
		.max_mtu = 9000,
		.max_rx_pktlen = 9026,
		.max_rx_queues = 16,
		.max_tx_queues = 16,
		.max_mac_addrs = 64,
		.rx_offload_capa = RX_SUMS | CHAINS_RX | TAGS_RX | RTE_ETH_RX_OFFLOAD_RSS_HASH |
				   RTE_ETH_RX_OFFLOAD_TCP_LRO,
		.tx_offload_capa = CHAINS_TX | TAGS_TX | RTE_ETH_TX_OFFLOAD_TCP_CKSUM,
		.flow_type_rss_offloads = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP,
		.hash_key_size = 40,
		.reta_size = 128,
	};
}

/* One that can move frames, like net_ring without its chains. */
static struct rte_eth_dev_info
poor(void)
{
	return (struct rte_eth_dev_info){ .driver_name = "net_poor",
		.max_mtu = UINT16_MAX,
		.max_rx_pktlen = RTE_ETHER_MAX_LEN,
		.max_rx_queues = 1,
		.max_tx_queues = 1,
		.max_mac_addrs = 1 };
}

static struct port_params
wish(void)
{
	return (struct port_params){ .queues = 1, .mtu = RTE_ETHER_MTU };
}

static struct port_plan
plan_of(const struct port_params *p, const struct rte_eth_dev_info *info)
{
	struct port_plan plan;
	char err[128] = "";

	assert_int_equal(port_plan(p, info, &plan, err, sizeof(err)), 0);
	assert_string_equal(err, "");
	return plan;
}

static void
checksums_are_the_drivers_where_it_can(void **state)
{
	const struct port_params p = wish();
	struct rte_eth_dev_info info = rich();

	(void)state;
	assert_int_equal(plan_of(&p, &info).conf.rxmode.offloads, RX_SUMS);
	assert_int_equal(plan_of(&p, &info).conf.txmode.offloads, 0);
	info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	assert_int_equal(plan_of(&p, &info).conf.rxmode.offloads, RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
	/* Its host would send sums that are not finished. */
	info.driver_name = "net_virtio";
	assert_int_equal(plan_of(&p, &info).conf.rxmode.offloads, 0);
	info = poor();
	assert_int_equal(plan_of(&p, &info).conf.rxmode.offloads, 0);
}

static void
several_queues_spread_by_the_symmetric_key(void **state)
{
	struct port_params p = wish();
	struct rte_eth_dev_info info = rich();
	struct port_plan plan = plan_of(&p, &info);

	(void)state;
	assert_false(plan.symmetric); /* one queue: nothing to spread */
	assert_int_equal(plan.conf.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
	p.queues = 4;
	assert_int_equal(port_plan(&p, &info, &plan, NULL, 0), 0);
	assert_true(plan.symmetric);
	assert_int_equal(plan.conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
	assert_int_equal(plan.conf.rx_adv_conf.rss_conf.rss_hf, info.flow_type_rss_offloads);
	assert_int_equal(plan.conf.rx_adv_conf.rss_conf.rss_key_len, 40);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(
			plan.conf.rx_adv_conf.rss_conf.rss_key[i], i % 2 == 0 ? 0x6d : 0x5a);
	assert_true((plan.conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH) != 0);
	info.hash_key_size = 52;
	assert_int_equal(plan_of(&p, &info).conf.rx_adv_conf.rss_conf.rss_key_len, 52);
	info.hash_key_size = 0; /* its key cannot be set: it spreads as it likes */
	assert_false(plan_of(&p, &info).symmetric);
}

static void
too_few_queues_are_refused(void **state)
{
	struct port_params p = wish();
	const struct rte_eth_dev_info info = poor();
	struct port_plan plan;
	char err[128];

	(void)state;
	p.queues = 2;
	assert_int_equal(port_plan(&p, &info, &plan, err, sizeof(err)), -EINVAL);
	assert_string_equal(err,
		"2 queues are needed (one per worker), the driver offers 1 receive "
		"and 1 transmit");
}

static void
tags_are_the_drivers_on_ports_with_subinterfaces(void **state)
{
	struct port_params p = wish();
	const struct rte_eth_dev_info info = rich(), without = poor();

	(void)state;
	p.tagged = true;
	assert_int_equal(plan_of(&p, &info).conf.rxmode.offloads, RX_SUMS | TAGS_RX);
	assert_int_equal(plan_of(&p, &info).conf.txmode.offloads, TAGS_TX);
	assert_int_equal(plan_of(&p, &without).conf.txmode.offloads, 0);
}

static void
the_filter_takes_our_macs_when_it_has_room(void **state)
{
	struct port_params p = wish();
	struct rte_eth_dev_info info = rich();

	(void)state;
	p.mac_count = 63; /* and the port's own */
	assert_true(plan_of(&p, &info).filter);
	p.mac_count = 64;
	assert_false(plan_of(&p, &info).filter);
	p.mac_count = 1;
	p.promiscuous = true;
	assert_false(plan_of(&p, &info).filter);
	p.promiscuous = false;
	p.tagged = true; /* a NIC may filter tags as well */
	assert_false(plan_of(&p, &info).filter);
	p.tagged = false;
	p.mac_count = 0;
	info = poor();
	assert_false(plan_of(&p, &info).filter);
}

static void
mtu_up_to_what_the_driver_takes(void **state)
{
	static const struct {
		uint16_t mtu, max_mtu;
		uint32_t max_rx_pktlen;
		bool by_kernel;
		int asked; /* -1: refused */
		const char *reason;
	} rows[] = {
		{ 1500, 9000, 9026, false, 0, "" }, /* what it starts with */
		{ 9000, 9000, 9026, false, 9000, "" },
		{ 9001, 9000, 9026, false, -1, "9001 bytes: the driver takes 68 to 9000" },
		{ 1400, 9000, 9026, false, 1400, "" },
		{ 576, 9000, 9026, false, 576, "" },
		{ 1600, UINT16_MAX, 1518, false, -1, "1600 bytes: the driver takes 68 to 1500" },
		{ 9600, UINT16_MAX, UINT32_MAX, false, 9600, "" },
		{ 9000, UINT16_MAX, 1518, true, 0, "" },
		{ 2000, 1500, 9728, false, -1, "2000 bytes: the driver takes 68 to 1500" },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct port_params p = wish();
		struct rte_eth_dev_info info = rich();
		struct port_plan plan;
		char err[128] = "";

		p.mtu = rows[i].mtu;
		p.mtu_by_kernel = rows[i].by_kernel;
		info.max_mtu = rows[i].max_mtu;
		info.max_rx_pktlen = rows[i].max_rx_pktlen;
		assert_int_equal(port_plan(&p, &info, &plan, err, sizeof(err)),
			rows[i].asked < 0 ? -EMSGSIZE : 0);
		if (rows[i].asked >= 0)
			assert_int_equal(plan.conf.rxmode.mtu, rows[i].asked);
		assert_string_equal(err, rows[i].reason);
	}
}

static void
buffers_hold_a_frame_unless_all_can_do_with_several(void **state)
{
	static const struct {
		uint16_t mtu[2], room_min[2];
		bool rx_chains[2], tx_chains[2];
		uint32_t room;
		bool chains;
	} rows[] = {
		{ { 1500, 1500 }, { 0 }, { false, false }, { false, false }, 2048, false },
		{ { 2026, 1500 }, { 0 }, { false, false }, { false, false }, 2048, false },
		{ { 2027, 1500 }, { 0 }, { false, false }, { false, false }, 2112, false },
		/* The one that gets them can chain, and both can send what it got. */
		{ { 9000, 1500 }, { 0 }, { true, false }, { true, true }, 2048, true },
		{ { 9000, 1500 }, { 0 }, { true, false }, { true, false }, 9024, false },
		{ { 9000, 9000 }, { 0 }, { true, false }, { true, true }, 9024, false },
		/* What a kernel port's ring hands over must fit in one buffer. */
		{ { 1500, 1500 }, { 2016, 0 }, { false, false }, { true, true }, 2048, false },
		{ { 9000, 1500 }, { 16352, 2016 }, { false, false }, { true, true }, 16384, false },
		{ { 9000, 1500 }, { 0, 4064 }, { true, false }, { true, true }, 4096, true },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct port_params p[2] = { wish(), wish() };
		struct rte_eth_dev_info info[2] = { poor(), poor() };

		for (unsigned int k = 0; k < 2; k++) {
			p[k].mtu = rows[i].mtu[k];
			p[k].room_min = rows[i].room_min[k];
			info[k].rx_offload_capa = rows[i].rx_chains[k] ? CHAINS_RX : 0;
			info[k].tx_offload_capa = rows[i].tx_chains[k] ? CHAINS_TX : 0;
		}
		assert_int_equal(port_plan_room(p, info, 2), rows[i].room);
		assert_int_equal(p[0].chains, rows[i].chains);
		assert_int_equal(p[1].chains, rows[i].chains);
	}
}

static void
chains_are_asked_for_when_they_are_wanted(void **state)
{
	struct port_params p = wish();
	const struct rte_eth_dev_info info = rich();

	(void)state;
	p.chains = true;
	assert_int_equal(plan_of(&p, &info).conf.rxmode.offloads, RX_SUMS | CHAINS_RX);
	assert_int_equal(plan_of(&p, &info).conf.txmode.offloads, CHAINS_TX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_are_the_drivers_where_it_can),
		cmocka_unit_test(several_queues_spread_by_the_symmetric_key),
		cmocka_unit_test(too_few_queues_are_refused),
		cmocka_unit_test(tags_are_the_drivers_on_ports_with_subinterfaces),
		cmocka_unit_test(the_filter_takes_our_macs_when_it_has_room),
		cmocka_unit_test(mtu_up_to_what_the_driver_takes),
		cmocka_unit_test(buffers_hold_a_frame_unless_all_can_do_with_several),
		cmocka_unit_test(chains_are_asked_for_when_they_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
