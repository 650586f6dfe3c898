/* SPDX-License-Identifier: BSD-3-Clause */
#include "hrp_usage.h"

#include <rte_ethdev.h>

uint32_t
hrp_usage_speed(const struct engine *e, const struct hrp_link_status *l)
{
	const struct snapshot *const s = engine_snapshot(e);
	struct rte_eth_link link = { 0 };

	if (s == NULL || l->interface >= s->interface_count)
		return 0;
	const uint16_t port = s->interfaces[l->interface].port;

	if (port >= engine_port_count(e) ||
		rte_eth_link_get_nowait(engine_port(e, port)->ethdev, &link) != 0 ||
		link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return 0;
	return link.link_speed;
}

double
hrp_usage_percent(const struct engine *e, const struct hrp_link_status *l)
{
	const uint32_t speed = hrp_usage_speed(e, l);
	const uint64_t rate = RTE_MAX(l->bytes_out_rate, l->bytes_in_rate);

	return speed == 0 ? -1 : (double)rate * 8 * 100 / ((double)speed * 1e6);
}
