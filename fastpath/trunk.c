/* SPDX-License-Identifier: BSD-3-Clause */
#include "trunk.h"

#include <rte_eth_bond.h>
#include <rte_eth_bond_8023ad.h>
#include <rte_lcore.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINK_POLL_MS 10 /* members that cannot interrupt */

static const uint8_t modes[] = { [TRUNK_LACP] = BONDING_MODE_8023AD,
	[TRUNK_ACTIVE_BACKUP] = BONDING_MODE_ACTIVE_BACKUP,
	[TRUNK_BALANCE] = BONDING_MODE_BALANCE };
static const uint8_t policies[] = { [TRUNK_L2] = BALANCE_XMIT_POLICY_LAYER2,
	[TRUNK_L23] = BALANCE_XMIT_POLICY_LAYER23,
	[TRUNK_L34] = BALANCE_XMIT_POLICY_LAYER34 };

static int
fill(uint16_t trunk, const struct trunk_params *p, char *err, size_t err_size)
{
	for (uint16_t i = 0; i < p->member_count; i++) {
		if (rte_eth_bond_slave_add(trunk, p->members[i]) != 0) {
			snprintf(err, err_size, "the driver refuses member %u", i + 1U);
			return -EINVAL;
		}
	}
	if (p->mode != TRUNK_ACTIVE_BACKUP &&
		rte_eth_bond_xmit_policy_set(trunk, policies[p->hash]) != 0) {
		snprintf(err, err_size, "the driver refuses the hash");
		return -EINVAL;
	}
	if (rte_eth_bond_link_monitoring_set(trunk, LINK_POLL_MS) != 0 ||
		rte_eth_bond_primary_set(trunk, p->members[0]) != 0) {
		snprintf(err, err_size, "the driver refuses to watch its members");
		return -EINVAL;
	}
	return 0;
}

int
trunk_create(const struct trunk_params *p, uint16_t *ethdev, char *err, size_t err_size)
{
	char name[40];
	int trunk, rc;

	snprintf(name, sizeof(name), "net_bonding_%s", p->name);
	trunk = rte_eth_bond_create(name, modes[p->mode], (uint8_t)rte_socket_id());
	if (trunk < 0) {
		snprintf(err, err_size, "the driver refuses a trunk of this mode");
		return trunk;
	}
	rc = fill((uint16_t)trunk, p, err, err_size);
	if (rc < 0) {
		rte_eth_bond_free(name);
		return rc;
	}
	*ethdev = (uint16_t)trunk;
	return 0;
}

uint16_t
trunk_active(uint16_t trunk)
{
	const int member = rte_eth_bond_primary_get(trunk);

	return member < 0 ? TRUNK_NO_MEMBER : (uint16_t)member;
}

void
trunk_set_active(uint16_t trunk, uint16_t member)
{
	(void)rte_eth_bond_primary_set(trunk, member);
}

bool
trunk_member(uint16_t trunk, uint16_t member, enum trunk_mode mode, struct trunk_member *out)
{
	uint16_t active[TRUNK_MEMBERS];
	const int n = rte_eth_bond_active_slaves_get(trunk, active, TRUNK_MEMBERS);
	struct rte_eth_bond_8023ad_slave_info info;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < n; i++)
		out->active |= active[i] == member;
	if (mode == TRUNK_ACTIVE_BACKUP)
		out->active &= trunk_active(trunk) == member;
	if (mode != TRUNK_LACP)
		return n >= 0;
	if (rte_eth_bond_8023ad_slave_info(trunk, member, &info) != 0)
		return false;
	out->selected = info.selected == SELECTED;
	out->actor_state = info.actor_state;
	out->partner_state = info.partner_state;
	out->partner = info.partner.system;
	out->active &= (info.actor_state & TRUNK_DISTRIBUTING) != 0;
	return true;
}
