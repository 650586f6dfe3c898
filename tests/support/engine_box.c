/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_box.h"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_TURNS 8 /* enough for every worker's housekeeping to see what the others left it */

static const uint8_t zones[BOX_PORTS] = { BOX_ZONE_TRUST, BOX_ZONE_DMZ, BOX_ZONE_UNTRUST };
static const char *const interface_names[BOX_PORTS] = { "GigabitEthernet1/0/1",
	"GigabitEthernet1/0/2", "GigabitEthernet1/0/3" };
static const uint32_t networks[BOX_PORTS] = { BOX_IPV4(10, 1, 1, 0), BOX_IPV4(10, 10, 0, 0),
	BOX_IPV4(200, 1, 1, 0) };

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "engine box: %s: %s\n", what, why);
	exit(99);
}

static struct rte_ring *
new_ring(const struct engine_box *b, const char *kind, unsigned int port, unsigned int queue,
	uint32_t size)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "%s-%s%u.%u", b->name, kind, port, queue);
	r = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (r == NULL)
		die(name, rte_strerror(rte_errno));
	return r;
}

static void
open_port(struct engine_box *b, uint16_t index, uint32_t ring)
{
	const uint16_t queues = index == BOX_HEARTBEAT ? 1 : b->workers;
	struct port *p = &b->ports[index];
	char name[24], err[128];
	int ethdev;

	for (uint16_t q = 0; q < queues; q++) {
		b->in[index][q] = new_ring(b, "in", index, q, ring);
		b->out[index][q] = new_ring(b, "out", index, q, ring);
	}
	snprintf(name, sizeof(name), "%s-p%u", b->name, index);
	ethdev = rte_eth_from_rings(
		name, b->in[index], queues, b->out[index], queues, (unsigned int)rte_socket_id());
	if (ethdev < 0)
		die(name, rte_strerror(rte_errno));
	if (port_start(p, (uint16_t)ethdev, queues, b->pool, err, sizeof(err)) < 0)
		die(name, err);
	p->mac = (struct rte_ether_addr){ { 0x02, 'T', 'W', b->number, 0, (uint8_t)index } };
	if (engine_add_port(b->engine, p, index == BOX_HEARTBEAT) != index)
		die(name, "engine_add_port");
}

static void
close_port(struct engine_box *b, uint16_t index)
{
	const uint16_t queues = index == BOX_HEARTBEAT ? 1 : b->workers;
	struct rte_mbuf *m;
	char name[48];

	port_stop(&b->ports[index]);
	snprintf(name, sizeof(name), "net_ring_%s-p%u", b->name, index);
	rte_vdev_uninit(name);
	for (uint16_t q = 0; q < queues; q++) {
		while (rte_ring_dequeue(b->in[index][q], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		while (rte_ring_dequeue(b->out[index][q], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(b->in[index][q]);
		rte_ring_free(b->out[index][q]);
	}
}

rte_be32_t
engine_box_address(const struct engine_box *b, uint16_t port)
{
	const uint32_t host = port == BOX_HEARTBEAT ? b->number : b->number + 1U;

	return rte_cpu_to_be_32(networks[port] | host);
}

struct rte_ether_addr
engine_box_host_mac(rte_be32_t address)
{
	struct rte_ether_addr mac = { { 0x02, 0 } };

	memcpy(&mac.addr_bytes[2], &address, sizeof(address));
	return mac;
}

static int
by_address(const void *a, const void *b)
{
	const uint32_t x = rte_be_to_cpu_32(((const struct snapshot_address *)a)->address);
	const uint32_t y = rte_be_to_cpu_32(((const struct snapshot_address *)b)->address);

	return x < y ? -1 : x > y;
}

static void
fill_addresses(const struct engine_box *b, struct snapshot *s)
{
	uint16_t n = 0;

	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		s->addresses[n++] =
			(struct snapshot_address){ .address = engine_box_address(b, port),
				.interface = port };
		if (port == BOX_HEARTBEAT)
			continue;
		s->addresses[n++] = (struct snapshot_address){
			.address = rte_cpu_to_be_32(networks[port] | 1),
			.interface = port,
			.vrid = BOX_VRID(port),
		};
	}
	qsort(s->addresses, n, sizeof(*s->addresses), by_address);
}

static struct snapshot *
draft_snapshot(struct engine_box *b)
{
	static const struct snapshot_zone zone_table[BOX_ZONES] = {
		[BOX_ZONE_LOCAL] = { "local", 100 },
		[BOX_ZONE_TRUST] = { "trust", 85 },
		[BOX_ZONE_DMZ] = { "dmz", 50 },
		[BOX_ZONE_UNTRUST] = { "untrust", 5 },
	};
	struct snapshot *s = snapshot_create(BOX_PORTS + 2, 0);

	if (s == NULL)
		die("snapshot", strerror(ENOMEM));
	s->version = ++b->version;
	s->log_sessions = b->log_sessions;
	s->log_denied = b->log_denied;
	s->tracking = b->tracking;
	s->interface_count = BOX_PORTS;
	memcpy(s->zones, zone_table, sizeof(zone_table));
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		struct snapshot_interface *in = &s->interfaces[i];

		snprintf(in->name, sizeof(in->name), "%s", interface_names[i]);
		in->port = i;
		in->mtu = b->mtu[i];
		in->tcp_mss = b->tcp_mss[i];
		in->zone = zones[i];
		in->heartbeat = i == BOX_HEARTBEAT;
		in->ping = b->ping[i];
		in->up = b->up[i];
		in->address = engine_box_address(b, i);
		in->prefix_len = 24;
		in->mac = b->ports[i].mac;
		s->port_interface[i] = i;
	}
	fill_addresses(b, s);
	s->policy = policy_create(b->rules, b->rule_count, b->default_action);
	if (s->policy == NULL)
		die("policy", strerror(errno));
	return s;
}

void
engine_box_publish(struct engine_box *b)
{
	struct snapshot *s = draft_snapshot(b);

	/* The thread that publishes waits for the workers, which are this thread too. */
	for (uint16_t i = 0; i < b->workers; i++)
		worker_sleep_begin(engine_worker(b->engine, i));
	engine_publish(b->engine, s);
	if (route_table_set(engine_routes(b->engine), b->routes, b->route_count) < 0)
		die("routes", "refused");
	engine_bump_routes(b->engine);
	for (uint16_t i = 0; i < b->workers; i++)
		worker_sleep_end(engine_worker(b->engine, i));
}

void
engine_box_neighbour(struct engine_box *b, uint16_t interface, rte_be32_t address,
	enum neigh_state state, const struct rte_ether_addr *mac)
{
	struct neigh_table *t = engine_neighbours(b->engine);
	uint32_t index;

	if (state == NEIGH_FREE) {
		index = neigh_find(t, interface, address);
		if (index != NEIGH_NONE)
			neigh_remove(t, index);
		engine_bump_routes(b->engine);
		return;
	}
	index = neigh_add(t, interface, address, interface, &b->ports[interface].mac);
	if (index == NEIGH_NONE)
		die("neighbour", "table full");
	neigh_set(t, index, state, mac);
}

static void
base_draft(struct engine_box *b)
{
	/* Empty lists match anything, so the services are the only ones that need naming. */
	static struct policy_range inside;
	static const struct policy_service services[] = {
		{ .proto = 6, .sport_max = 65535, .dport_min = 1, .dport_max = 65535 },
		{ .proto = 17, .sport_max = 65535, .dport_max = 65535 },
		{ .proto = 1, .sport_max = 65535, .dport_max = 65535 },
	};

	inside = policy_prefix4(BOX_IPV4(10, 1, 1, 0), 24);
	b->default_action = POLICY_DENY;
	b->tracking.tcp_window_check = true;
	b->rules[0] = (struct policy_rule){
		.name = "out",
		.action = POLICY_PERMIT,
		.source_zones = UINT64_C(1) << BOX_ZONE_TRUST,
		.destination_zones = UINT64_C(1) << BOX_ZONE_UNTRUST,
		.source_count = 1,
		.sources = &inside,
		.service_count = RTE_DIM(services),
		.services = services,
	};
	b->rule_count = 1;
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		b->mtu[i] = 1500;
		b->up[i] = true;
		b->routes[i] = (struct route){ .prefix = networks[i], .len = 24, .interface = i };
	}
	b->routes[BOX_PORTS] = (struct route){ .interface = BOX_UNTRUST,
		.gateway = RTE_BE32(BOX_IPV4(200, 1, 1, 254)) };
	b->route_count = BOX_PORTS + 1;
}

struct engine_box *
engine_box_create(const struct engine_box_params *params)
{
	static const struct {
		uint16_t interface;
		rte_be32_t address;
	} hosts[] = {
		{ BOX_TRUST, RTE_BE32(BOX_IPV4(10, 1, 1, 10)) },
		{ BOX_UNTRUST, RTE_BE32(BOX_IPV4(200, 1, 1, 10)) },
		{ BOX_UNTRUST, RTE_BE32(BOX_IPV4(200, 1, 1, 254)) },
	};
	struct engine_box *b = calloc(1, sizeof(*b));
	const struct engine_params engine = { .name = params->name,
		.workers = params->workers,
		.max_sessions = params->sessions,
		.max_neighbours = 256,
		.max_routes = 256,
		.event_ring = params->event_ring,
		.socket = SOCKET_ID_ANY };
	char err[128], name[24];

	if (b == NULL)
		die(params->name, strerror(ENOMEM));
	snprintf(b->name, sizeof(b->name), "%s", params->name);
	b->number = params->number;
	b->workers = params->workers;
	b->now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	snprintf(name, sizeof(name), "%s-pool", b->name);
	b->pool = port_pool_create(name, params->buffers, SOCKET_ID_ANY);
	if (b->pool == NULL)
		die(name, rte_strerror(rte_errno));
	b->engine = engine_create(&engine, err, sizeof(err));
	if (b->engine == NULL)
		die("engine", err);
	for (uint16_t i = 0; i < BOX_PORTS; i++)
		open_port(b, i, params->ring);
	for (uint16_t i = 0; i < b->workers; i++) {
		if (worker_bind(engine_worker(b->engine, i)) < 0)
			die("worker_bind", "no grace period slot");
	}
	base_draft(b);
	engine_box_publish(b);
	for (unsigned int i = 0; i < RTE_DIM(hosts); i++) {
		const struct rte_ether_addr mac = engine_box_host_mac(hosts[i].address);

		engine_box_neighbour(
			b, hosts[i].interface, hosts[i].address, NEIGH_REACHABLE, &mac);
	}
	engine_set_lease(b->engine, MONO_NEVER);
	engine_set_vmac(b->engine, BOX_TRUST, BOX_VRID(BOX_TRUST), true);
	engine_set_vmac(b->engine, BOX_UNTRUST, BOX_VRID(BOX_UNTRUST), true);
	return b;
}

void
engine_box_destroy(struct engine_box *b)
{
	if (b == NULL)
		return;
	for (uint16_t i = 0; i < b->workers; i++)
		worker_unbind(engine_worker(b->engine, i));
	engine_destroy(b->engine);
	for (uint16_t i = 0; i < BOX_PORTS; i++)
		close_port(b, i);
	rte_mempool_free(b->pool);
	free(b);
}

bool
engine_box_feed(struct engine_box *b, uint16_t port, uint16_t queue, struct rte_mbuf *m)
{
	return rte_ring_enqueue(b->in[port][queue], m) == 0;
}

struct rte_mbuf *
engine_box_collect(struct engine_box *b, uint16_t port)
{
	const uint16_t queues = port == BOX_HEARTBEAT ? 1 : b->workers;
	struct rte_mbuf *m;

	for (uint16_t q = 0; q < queues; q++) {
		if (rte_ring_dequeue(b->out[port][q], (void **)&m) == 0)
			return m;
	}
	return NULL;
}

void
engine_box_poll(struct engine_box *b)
{
	for (unsigned int idle = 0; idle < IDLE_TURNS; idle++) {
		for (uint16_t i = 0; i < b->workers; i++) {
			if (worker_poll(engine_worker(b->engine, i), b->now) > 0)
				idle = 0;
		}
	}
}

void
engine_box_wait(struct engine_box *b, uint64_t ms)
{
	while (ms > 0) {
		const uint64_t step = RTE_MIN(ms, UINT64_C(500));

		b->now = mono_add_ms(b->now, step);
		ms -= step;
		for (uint16_t i = 0; i < b->workers; i++)
			worker_poll(engine_worker(b->engine, i), b->now);
	}
	engine_box_poll(b);
}
