/* SPDX-License-Identifier: BSD-3-Clause */
#include "ports.h"

#include "core.h"
#include "device.h"
#include "devices.h"
#include "dpdk_log.h"
#include "eal.h"
#include "ha_config.h"
#include "port_plan.h"
#include "trunk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool
is_heartbeat(const struct config *c, const char *port_name)
{
	const struct config_hrp *hrp = config_section_data(c, "hrp");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_heartbeat *h = hrp->interfaces.items;
	const struct config_interface *all = interfaces->items;

	for (uint32_t i = 0; hrp->enable && i < hrp->interfaces.count; i++) {
		const int index = config_interface_index(c, h[i].interface);

		if (index >= 0 && !h[i].heartbeat_only && strcmp(all[index].port, port_name) == 0)
			return true;
	}
	return false;
}

static bool
has_subinterfaces(const struct config *c, const char *port_name)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *all = interfaces->items;

	for (uint32_t i = 0; i < interfaces->count; i++) {
		if (all[i].vlan != 0 && strcmp(all[i].port, port_name) == 0)
			return true;
	}
	return false;
}

/* The virtual MACs of a port's interfaces, each once.  They stay in its filter whatever the role:
 * workers refuse what is not theirs, and a switch of roles does not wait for the NIC. */
static uint16_t
virtual_macs(const struct config *c, const char *port_name, struct rte_ether_addr *macs)
{
	const struct config_list *groups = config_section_data(c, "vrrp");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_vrrp *v = groups->items;
	const struct config_interface *all = interfaces->items;
	bool known[256] = { false }, known6[256] = { false };
	uint16_t n = 0;

	for (uint32_t i = 0; i < groups->count; i++) {
		const int index = config_interface_index(c, v[i].interface);

		if (index < 0 || strcmp(all[index].port, port_name) != 0)
			continue;
		if (v[i].virtual_ip6.family == 6 && !known6[v[i].vrid & 0xff] && n < PORTS_MACS) {
			known6[v[i].vrid & 0xff] = true;
			macs[n++] = core_virtual_mac6((uint8_t)v[i].vrid);
		}
		if (v[i].virtual_ip.address == 0 || known[v[i].vrid & 0xff])
			continue;
		known[v[i].vrid & 0xff] = true;
		if (n < PORTS_MACS)
			macs[n++] = core_virtual_mac((uint8_t)v[i].vrid);
	}
	return n;
}

/* The MTU of a kernel interface is its owner's business, but it must do. */
static int
check_kernel_mtu(const struct config_port *p, char *err, size_t err_size)
{
	char name[IFNAMSIZ];
	int mtu;

	if (device_interface(p->devargs, name) < 0 || name[0] == '\0')
		return 0;
	mtu = devices_mtu(name);
	if (mtu < 0 || mtu >= p->mtu)
		return 0;
	config_reason(&p->origin, "mtu", err, err_size,
		"kernel interface %s has an MTU of %d, expected at most that, or: ip link set %s "
		"mtu %d",
		name, mtu, name, (int)p->mtu);
	return -EINVAL;
}

/* What a port and a trunk have in common. */
static void
fill_common(struct ports *ports, const struct config *c, uint32_t i, const char *name)
{
	const struct config_system *system = config_section_data(c, "system");
	struct port_params *params = &ports->params[i];

	ports->heartbeat[i] = is_heartbeat(c, name);
	params->queues = ports->heartbeat[i] ? 1 : (uint16_t)system->worker_cpus.count;
	params->tagged = has_subinterfaces(c, name);
	params->mtu = (uint16_t)config_port_mtu(c, (uint16_t)i);
	params->macs = ports->macs[i];
	params->mac_count = virtual_macs(c, name, ports->macs[i]);
}

static void
fill_params(struct ports *ports, const struct config *c, uint32_t i)
{
	const struct config_list *list = config_section_data(c, "ports");
	const struct config_port *p = (const struct config_port *)list->items + i;
	const int frame = device_frame_size(p->devargs);
	struct port_params *params = &ports->params[i];
	char kernel[IFNAMSIZ];

	fill_common(ports, c, i, p->name);
	ports->member[i] = strcmp(config_port_user(c, p->name), p->name) != 0;
	params->promiscuous = p->promiscuous;
	params->mtu_by_kernel = device_interface(p->devargs, kernel) == 0 && kernel[0] != '\0';
	params->room_min = frame > 0 ? (uint16_t)(frame - DEVICE_FRAME_ROOM) : 0;
}

int
ports_probe(struct ports *ports, const struct config *c, char *err, size_t err_size)
{
	const struct config_list *list = config_section_data(c, "ports");
	const struct config_port *p = list->items;
	struct rte_eth_dev_info info[MAX_PORTS];

	for (uint32_t i = 0; i < list->count; i++) {
		char why[512];

		fill_params(ports, c, i);
		if (eal_probe(p[i].devargs, &ports->params[i].ethdev, why, sizeof(why)) < 0) {
			config_reason(&p[i].origin, "devargs", err, err_size, "%s", why);
			return -ENODEV;
		}
		if (check_kernel_mtu(&p[i], err, err_size) < 0)
			return -EINVAL;
		if (rte_eth_dev_info_get(ports->params[i].ethdev, &info[i]) < 0)
			memset(&info[i], 0, sizeof(info[i])); /* port_start() will say so */
	}
	ports->room = port_plan_room(ports->params, info, list->count);
	return 0;
}

/* With what the driver said, if it said anything: the numbers drivers return say little. */
static int
start(struct port *port, const struct port_params *params, char *why, size_t why_size)
{
	char said[256];
	int rc;

	dpdk_log_forget();
	rc = port_start(port, params, why, why_size);
	if (rc < 0 && dpdk_log_reason(said, sizeof(said))[0] != '\0')
		snprintf(why + strlen(why), why_size - strlen(why), " (%s)", said);
	return rc;
}

static int
add(struct ports *ports, struct engine *engine, const struct config_origin *origin, uint32_t i,
	char *err, size_t err_size)
{
	const bool unpolled = ports->heartbeat[i] || ports->member[i];

	if (engine_add_port(engine, &ports->list[i], unpolled) == (int)i)
		return 0;
	config_reason(origin, "name", err, err_size, "there is no room for it in the engine");
	return -ENOSPC;
}

/* The trunk's ethdev, of members that have been found. */
static int
make_trunk(struct ports *ports, const struct config *c, const struct config_trunk *t, uint32_t i,
	char *why, size_t why_size)
{
	const char(*names)[CONFIG_PORT_NAME] = t->members.items;
	struct port_params *params = &ports->params[i];
	struct trunk_params trunk = { .name = t->name,
		.mode = (enum trunk_mode)t->mode,
		.hash = (enum trunk_hash)t->hash,
		.member_count = (uint16_t)t->members.count };

	fill_common(ports, c, i, t->name);
	for (uint32_t k = 0; k < t->members.count; k++) {
		const struct port_params *member = &ports->params[config_port_index(c, names[k])];

		trunk.members[k] = member->ethdev;
		params->mtu_by_kernel |= member->mtu_by_kernel;
		params->promiscuous |= member->promiscuous;
		params->chains |= member->chains;
	}
	return trunk_create(&trunk, &params->ethdev, why, why_size);
}

/* Members get their place in the engine when their trunk runs, which comes later in the list: so
 * they are described twice. */
static void
describe_members(struct ports *ports, const struct config *c, const struct config_trunk *t,
	uint32_t i, struct engine *engine)
{
	const char(*names)[CONFIG_PORT_NAME] = t->members.items;

	for (uint32_t k = 0; k < t->members.count; k++) {
		const int member = config_port_index(c, names[k]);

		port_member(&ports->list[member], ports->params[member].ethdev, &ports->list[i]);
		engine_update_port(engine, (uint16_t)member, &ports->list[member]);
	}
}

static struct rte_mempool *
pool_of(const struct ports *ports, uint32_t i)
{
	return ports->heartbeat[i] ? ports->heartbeat_pool : ports->pool;
}

static int
start_trunks(struct ports *ports, const struct config *c, struct engine *engine, char *err,
	size_t err_size)
{
	const struct config_list *list = config_section_data(c, "eth_trunks");
	const struct config_list *plain = config_section_data(c, "ports");
	const struct config_trunk *t = list->items;

	for (uint32_t k = 0; k < list->count; k++) {
		const uint32_t i = plain->count + k;
		char why[512];
		int rc;

		ports->params[i].pool = pool_of(ports, i);
		dpdk_log_forget();
		rc = make_trunk(ports, c, &t[k], i, why, sizeof(why));
		if (rc == 0)
			rc = start(&ports->list[i], &ports->params[i], why, sizeof(why));
		if (rc < 0) {
			config_reason(&t[k].origin, "members", err, err_size, "%s", why);
			return -ENODEV;
		}
		ports->list[i].lacp = t[k].mode == TRUNK_LACP;
		ports->started++;
		rc = add(ports, engine, &t[k].origin, i, err, err_size);
		if (rc < 0)
			return rc;
		describe_members(ports, c, &t[k], i, engine);
	}
	return 0;
}

uint16_t
ports_heartbeats(const struct ports *ports)
{
	uint16_t n = 0;

	for (uint32_t i = 0; i < MAX_PORTS; i++)
		n = (uint16_t)(n + ports->heartbeat[i]);
	return n;
}

int
ports_start(struct ports *ports, const struct config *c, struct engine *engine, char *err,
	size_t err_size)
{
	const struct config_list *list = config_section_data(c, "ports");
	const struct config_port *p = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		char why[512];
		int rc = 0;

		ports->params[i].pool = pool_of(ports, i);
		ports->list[i].ethdev = ports->params[i].ethdev;
		if (!ports->member[i])
			rc = start(&ports->list[i], &ports->params[i], why, sizeof(why));
		if (rc < 0) {
			config_reason(&p[i].origin, rc == -EMSGSIZE ? "mtu" : "devargs", err,
				err_size, "%s", why);
			return -ENODEV;
		}
		ports->started++;
		rc = add(ports, engine, &p[i].origin, i, err, err_size);
		if (rc < 0)
			return rc;
	}
	return start_trunks(ports, c, engine, err, err_size);
}

/* Trunks first: they let their members go. */
void
ports_stop(struct ports *ports)
{
	while (ports->started > 0)
		port_stop(&ports->list[--ports->started]);
}
