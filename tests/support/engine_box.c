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

#define GATEWAY6   0x254
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
	if (port_start(p,
		    &(struct port_params){ .mtu = RTE_ETHER_MTU,
			    .pool = b->pool,
			    .ethdev = (uint16_t)ethdev,
			    .queues = queues },
		    err, sizeof(err)) < 0)
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

struct rte_ether_addr
engine_box_host_mac_of(const struct ip_addr *a)
{
	struct rte_ether_addr mac = { { 0x02, 0x06 } };

	if (a->family == 4)
		return engine_box_host_mac(a->v4);
	memcpy(&mac.addr_bytes[2], a->v6 + 12, 4);
	return mac;
}

const struct rte_ether_addr *
engine_box_mac(const struct engine_box *b, uint16_t interface)
{
	return &b->ports[b->places[interface].port].mac;
}

/* Host `number` of a port's IPv6 network. */
static struct ip_addr
address6(uint16_t port, uint16_t number)
{
	static const uint8_t nets[BOX_PORTS] = { 1, 3, 2 };
	uint8_t a[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8, 0, nets[port] };

	a[14] = (uint8_t)(number >> 8);
	a[15] = (uint8_t)number;
	return ip_addr_v6(a);
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
			.silent = b->silent[port],
		};
	}
	qsort(s->addresses, n, sizeof(*s->addresses), by_address);
}

static void
fill_addresses6(const struct engine_box *b, struct snapshot *s)
{
	static const uint16_t ports[] = { BOX_TRUST, BOX_UNTRUST };
	uint16_t n = 0;

	for (unsigned int i = 0; i < RTE_DIM(ports) && b->ipv6; i++) {
		const uint16_t port = ports[i];
		const uint8_t number = (uint8_t)(b->number + 1);
		const struct ip_addr own = address6(port, number), virtual = address6(port, 1);
		struct snapshot_interface *in = &s->interfaces[port];
		struct snapshot_address6 *a = &s->addresses6[n];

		memcpy(in->addresses6[0].address, own.v6, IP6_LEN);
		in->addresses6[0].len = 64;
		in->address6_count = 1;
		in->link_local[0] = 0xfe;
		in->link_local[1] = 0x80;
		in->link_local[15] = number;
		memcpy(a[0].address, own.v6, IP6_LEN);
		memcpy(a[1].address, virtual.v6, IP6_LEN);
		memcpy(a[2].address, in->link_local, IP6_LEN);
		a[0].interface = a[1].interface = a[2].interface = port;
		a[1].vrid = BOX_VRID(port);
		a[1].silent = b->silent[port];
		n = (uint16_t)(n + 3);
	}
	snapshot_sort6(s);
}

/* `other_rules` that name hosts of 172.16/12 and single ports, then the draft's. */
static struct policy *
draft_policy(const struct engine_box *b)
{
	const uint32_t n = b->other_rules, count = n + b->rule_count;
	struct policy_rule *rules = calloc(count + 1U, sizeof(*rules));
	struct policy_range *ranges = calloc(n + 1U, sizeof(*ranges));
	struct policy_service *services = calloc(n + 1U, sizeof(*services));
	struct policy *policy = NULL;

	for (uint32_t i = 0; rules != NULL && ranges != NULL && services != NULL && i < n; i++) {
		ranges[i] = policy_prefix4(
			BOX_IPV4(172, 16, 0, 0) + (i * 37 + b->other_rules_seed) % (1U << 20), 32);
		services[i] = (struct policy_service){ .proto = 17,
			.sport_max = UINT16_MAX,
			.dport_min = (uint16_t)i,
			.dport_max = (uint16_t)(i + 100) };
		snprintf(
			rules[i].name, sizeof(rules[i].name), "other%u-%u", b->other_rules_seed, i);
		rules[i].sources = &ranges[i];
		rules[i].services = &services[i];
		rules[i].source_count = rules[i].service_count = 1;
	}
	if (rules != NULL && ranges != NULL && services != NULL) {
		memcpy(&rules[n], b->rules, b->rule_count * sizeof(*rules));
		policy = policy_create(rules, count, b->default_action);
	}
	free(rules);
	free(ranges);
	free(services);
	return policy;
}

static uint16_t
acquire(struct nat *n, const struct nat_group_params *p)
{
	char err[128];
	const uint16_t id = nat_groups_acquire(n->groups, p, err, sizeof(err));

	if (id == NAT_GROUP_NONE)
		die("address group", err);
	n->group_ids[n->group_count++] = id;
	return id;
}

/* easy-ip: the ports of an interface's virtual address. */
static void
draft_easy_ip(struct nat *n)
{
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		const uint32_t address = networks[i] | 1;
		struct nat_group_params p = { .mode = NAT_POOL_PAT,
			.block = 256,
			.section_count = 1,
			.sections = { { address, address } } };

		if (i == BOX_HEARTBEAT)
			continue;
		snprintf(p.name, sizeof(p.name), "easy-ip %s", interface_names[i]);
		n->easy_ip[i] = acquire(n, &p);
	}
}

/* => NULL: the draft translates nothing. */
static struct nat *
draft_nat(struct engine_box *b)
{
	const struct box_nat *d = &b->nat;
	uint16_t ids[BOX_NAT] = { 0 };
	bool easy = false;
	struct nat *n;

	if (d->rule_count + d->server_count + d->static_count + d->group_count == 0)
		return NULL;
	n = nat_create(engine_nat_groups(b->engine), d->rule_count, d->server_count,
		d->static_count, BOX_NAT + BOX_PORTS);
	if (n == NULL)
		die("nat", strerror(ENOMEM));
	for (uint16_t i = 0; i < d->group_count; i++)
		ids[i] = acquire(n, &d->groups[i]);
	for (uint16_t i = 0; i < d->rule_count; i++) {
		n->sources[i + 1] = d->sources[i];
		n->sources[i + 1].group = ids[d->sources[i].group];
		easy |= d->sources[i].action == NAT_EASY_IP;
	}
	if (easy)
		draft_easy_ip(n);
	n->rules = policy_create(d->rules, d->rule_count, POLICY_PERMIT);
	if (n->rules == NULL)
		die("nat rules", strerror(errno));
	n->server_count = d->server_count;
	n->static_count = d->static_count;
	memcpy(n->servers, d->servers, d->server_count * sizeof(d->servers[0]));
	memcpy(n->statics, d->statics, d->static_count * sizeof(d->statics[0]));
	n->prefix64_count = d->prefix64_count;
	for (uint16_t i = 0; i < d->prefix64_count; i++) {
		n->prefixes64[i] = d->prefixes64[i];
		n->prefixes64[i].group = ids[d->prefixes64[i].group];
	}
	nat_seal(n);
	return n;
}

struct snapshot *
engine_box_snapshot(struct engine_box *b)
{
	static const struct snapshot_zone zone_table[BOX_ZONES] = {
		[BOX_ZONE_LOCAL] = { "local", 100 },
		[BOX_ZONE_TRUST] = { "trust", 85 },
		[BOX_ZONE_DMZ] = { "dmz", 50 },
		[BOX_ZONE_UNTRUST] = { "untrust", 5 },
	};
	struct snapshot *s = snapshot_create(BOX_PORTS + 2, b->ipv6 ? 6 : 0);

	if (s == NULL)
		die("snapshot", strerror(ENOMEM));
	s->version = ++b->version;
	s->log_sessions = b->log_sessions;
	s->log_denied = b->log_denied;
	s->tracking = b->tracking;
	s->defences = b->defences;
	s->algs = b->algs;
	s->limit_zones = b->limit_zones;
	s->scan_zones = b->scan_zones;
	s->scan = b->scan;
	memcpy(s->limits, b->limits, sizeof(b->limits));
	s->fragments = b->fragments;
	s->notices = b->notices;
	s->interface_count = BOX_PORTS;
	memcpy(s->zones, zone_table, sizeof(zone_table));
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		struct snapshot_interface *in = &s->interfaces[i];

		snprintf(in->name, sizeof(in->name), "%s", interface_names[i]);
		in->port = b->places[i].port;
		in->vlan = b->places[i].vlan;
		in->mtu = b->mtu[i];
		in->tcp_mss = b->tcp_mss[i];
		in->zone = b->zones[i];
		in->heartbeat = i == BOX_HEARTBEAT;
		in->ping = b->ping[i];
		in->up = b->up[i];
		in->address = engine_box_address(b, i);
		in->prefix_len = 24;
		in->reverse_path = b->reverse_path[i];
		snapshot_add_subnet(s, in->address, 24);
		in->mac = *engine_box_mac(b, i);
	}
	if (!snapshot_map_ports(s))
		die("snapshot", strerror(ENOMEM));
	fill_addresses(b, s);
	fill_addresses6(b, s);
	s->nat = draft_nat(b);
	s->policy = draft_policy(b);
	if (s->policy == NULL)
		die("policy", strerror(errno));
	return s;
}

static void
set_routes(struct engine_box *b)
{
	struct route routes[BOX_ROUTES];
	struct route6 routes6[BOX_ROUTES];
	uint32_t n = 0, n6 = 0;

	for (uint32_t i = 0; i < b->route_count; i++) {
		const struct box_route *r = &b->routes[i];

		if (r->prefix.family == 4) {
			routes[n++] = (struct route){ .prefix = rte_be_to_cpu_32(r->prefix.v4),
				.len = r->len,
				.interface = r->interface,
				.gateway = r->gateway.v4 };
		} else {
			routes6[n6] = (struct route6){ .len = r->len, .interface = r->interface };
			memcpy(routes6[n6].prefix, r->prefix.v6, IP6_LEN);
			memcpy(routes6[n6].gateway, r->gateway.v6, IP6_LEN);
			n6++;
		}
	}
	if (route_table_set(engine_routes(b->engine), routes, n) < 0 ||
		route6_table_set(engine_routes6(b->engine), routes6, n6) < 0)
		die("routes", "refused");
}

/* The thread that waits for a grace period waits for the workers, which are this thread too. */
void
engine_box_sleep(struct engine_box *b)
{
	for (uint16_t i = 0; i < b->workers; i++)
		worker_sleep_begin(engine_worker(b->engine, i));
}

void
engine_box_wake(struct engine_box *b)
{
	for (uint16_t i = 0; i < b->workers; i++)
		worker_sleep_end(engine_worker(b->engine, i));
}

int
engine_box_blacklist(struct engine_box *b, const struct blacklist_entry *e)
{
	struct blacklist *list = engine_blacklist(b->engine);
	struct session_table *t = engine_sessions(b->engine);
	int rc;

	engine_box_sleep(b);
	rc = blacklist_add(list, e, session_table_capacity(t));
	engine_box_wake(b);
	while (blacklist_sweep(list, t, 64, b->now))
		engine_box_poll(b);
	engine_box_poll(b);
	return rc;
}

int
engine_box_unlist(
	struct engine_box *b, const struct ip_addr *prefix, uint8_t len, enum blacklist_side side)
{
	int rc;

	engine_box_sleep(b);
	rc = blacklist_delete(engine_blacklist(b->engine), prefix, len, side);
	engine_box_wake(b);
	return rc;
}

void
engine_box_publish(struct engine_box *b)
{
	struct snapshot *s = engine_box_snapshot(b);

	engine_box_sleep(b);
	engine_publish(b->engine, s);
	set_routes(b);
	engine_bump_routes(b->engine);
	engine_box_wake(b);
}

void
engine_box_neighbour_of(struct engine_box *b, uint16_t interface, const struct ip_addr *address,
	enum neigh_state state, const struct rte_ether_addr *mac)
{
	struct neigh_table *t = engine_neighbours(b->engine);
	const bool six = address->family == 6;
	uint32_t index;

	if (state == NEIGH_FREE) {
		index = six ? neigh_find6(t, interface, address->v6)
			    : neigh_find(t, interface, address->v4);
		if (index != NEIGH_NONE)
			neigh_remove(t, index);
		engine_bump_routes(b->engine);
		return;
	}
	index = six ? neigh_add6(t, interface, address->v6, b->places[interface].port,
			      engine_box_mac(b, interface))
		    : neigh_add(t, interface, address->v4, b->places[interface].port,
			      engine_box_mac(b, interface));
	if (index == NEIGH_NONE)
		die("neighbour", "table full");
	neigh_set(t, index, state, mac);
}

void
engine_box_neighbour(struct engine_box *b, uint16_t interface, rte_be32_t address,
	enum neigh_state state, const struct rte_ether_addr *mac)
{
	const struct ip_addr a = ip_addr_v4(address);

	engine_box_neighbour_of(b, interface, &a, state, mac);
}

static void
add_route(struct engine_box *b, struct ip_addr prefix, uint8_t len, uint16_t interface,
	struct ip_addr gateway)
{
	b->routes[b->route_count++] = (struct box_route){
		.prefix = prefix, .len = len, .interface = interface, .gateway = gateway
	};
}

static void
base_draft(struct engine_box *b)
{
	/* Empty lists match anything, so the services are the only ones that need naming. */
	static struct policy_range inside[2];
	static const struct policy_service services[] = {
		{ .proto = 6, .sport_max = 65535, .dport_min = 1, .dport_max = 65535 },
		{ .proto = 17, .sport_max = 65535, .dport_max = 65535 },
		{ .proto = 1, .sport_max = 65535, .dport_max = 65535 },
		{ .proto = 58, .sport_max = 65535, .dport_max = 65535 },
	};
	const struct ip_addr none = { 0 }, inside6 = address6(BOX_TRUST, 0);

	inside[0] = policy_prefix4(BOX_IPV4(10, 1, 1, 0), 24);
	inside[1] = policy_prefix6(inside6.v6, 64);
	b->default_action = POLICY_DENY;
	b->tracking.tcp_window_check = true;
	b->tracking.evict = true;
	b->defences = defence_default;
	b->fragments =
		(struct snapshot_fragments){ .timeout = FRAGMENTS_TIMEOUT, .most = FRAGMENTS_MOST };
	b->notices.wanted = UINT32_MAX;
	notice_settings_rate(&b->notices, 1000, 100);
	b->rules[0] = (struct policy_rule){
		.name = "out",
		.action = POLICY_PERMIT,
		.source_zones = UINT64_C(1) << BOX_ZONE_TRUST,
		.destination_zones = UINT64_C(1) << BOX_ZONE_UNTRUST,
		.source_count = RTE_DIM(inside),
		.sources = inside,
		.service_count = RTE_DIM(services),
		.services = services,
	};
	b->rule_count = 1;
	for (uint16_t i = 0; i < BOX_PORTS; i++) {
		b->mtu[i] = 1500;
		b->zones[i] = zones[i];
		b->up[i] = true;
		b->reverse_path[i] = REVERSE_PATH_CONNECTED;
		add_route(b, ip_addr_v4(rte_cpu_to_be_32(networks[i])), 24, i, none);
		if (b->ipv6)
			add_route(b, address6(i, 0), 64, i, none);
	}
	add_route(b, ip_addr_v4(0), 0, BOX_UNTRUST, ip_addr_v4(RTE_BE32(BOX_IPV4(200, 1, 1, 254))));
	if (b->ipv6)
		add_route(b, (struct ip_addr){ .family = 6 }, 0, BOX_UNTRUST,
			address6(BOX_UNTRUST, GATEWAY6));
}

struct engine_box *
engine_box_create(const struct engine_box_params *params)
{
	static const struct {
		uint16_t interface;
		rte_be32_t address;
		uint16_t number; /* in the IPv6 network, which reads the same */
	} hosts[] = {
		{ BOX_TRUST, RTE_BE32(BOX_IPV4(10, 1, 1, 10)), 0x10 },
		{ BOX_UNTRUST, RTE_BE32(BOX_IPV4(200, 1, 1, 10)), 0x10 },
		{ BOX_UNTRUST, RTE_BE32(BOX_IPV4(200, 1, 1, 254)), GATEWAY6 },
	};
	struct engine_box *b = calloc(1, sizeof(*b));
	const struct engine_params engine = { .name = params->name,
		.workers = params->workers,
		.max_sessions = params->sessions,
		.max_neighbours = 256,
		.max_routes = 256,
		.event_ring = params->event_ring,
		.max_datagrams = params->datagrams > 0 ? params->datagrams : 64,
		.max_fragments = params->fragments > 0 ? params->fragments : params->buffers / 4,
		.nat = params->nat,
		.socket = SOCKET_ID_ANY };
	char err[128], name[24];

	if (b == NULL)
		die(params->name, strerror(ENOMEM));
	snprintf(b->name, sizeof(b->name), "%s", params->name);
	b->number = params->number;
	b->ipv6 = params->ipv6;
	b->workers = params->workers;
	for (uint16_t i = 0; i < BOX_PORTS; i++)
		b->places[i] = params->places != NULL ? params->places[i]
						      : (struct box_place){ .port = i };
	b->now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	snprintf(name, sizeof(name), "%s-pool", b->name);
	b->pool = port_pool_create(name, params->buffers, RTE_MBUF_DEFAULT_DATAROOM, SOCKET_ID_ANY);
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
		const struct ip_addr six = address6(hosts[i].interface, hosts[i].number);
		struct rte_ether_addr mac = engine_box_host_mac(hosts[i].address);

		engine_box_neighbour(
			b, hosts[i].interface, hosts[i].address, NEIGH_REACHABLE, &mac);
		if (!b->ipv6)
			continue;
		mac = engine_box_host_mac_of(&six);
		engine_box_neighbour_of(b, hosts[i].interface, &six, NEIGH_REACHABLE, &mac);
	}
	engine_set_lease(b->engine, MONO_NEVER);
	engine_set_vmac(b->engine, BOX_TRUST, BOX_VRID(BOX_TRUST), true);
	engine_set_vmac(b->engine, BOX_UNTRUST, BOX_VRID(BOX_UNTRUST), true);
	engine_set_vmac(b->engine, BOX_TRUST, VMAC_IPV6 | BOX_VRID(BOX_TRUST), b->ipv6);
	engine_set_vmac(b->engine, BOX_UNTRUST, VMAC_IPV6 | BOX_VRID(BOX_UNTRUST), b->ipv6);
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
