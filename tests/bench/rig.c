/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bench's firewall: an engine with a policy, two routes and two neighbours between ring ports.
 */
#include "bench.h"
#include "blacklist.h"
#include "ipv4.h"
#include "nat.h"
#include "neigh.h"
#include "policy.h"
#include "route.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING_SIZE     1024
#define MAX_DATAGRAMS 4096
#define POOL_SIZE     16383

static const struct rte_ether_addr router_mac = { { 2, 0, 0, 0, 9, 9 } };

static bool
make_port(struct bench_rig *r, unsigned int i, unsigned int generation)
{
	char name[RTE_RING_NAMESIZE], err[128];
	int id;

	for (unsigned int q = 0; q < r->workers; q++) {
		snprintf(name, sizeof(name), "bench%u-rx%u-%u", generation, i, q);
		r->rx[i][q] = rte_ring_create(
			name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "bench%u-tx%u-%u", generation, i, q);
		r->tx[i][q] = rte_ring_create(
			name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (r->rx[i][q] == NULL || r->tx[i][q] == NULL)
			return false;
	}
	snprintf(name, sizeof(name), "bench%u-%u", generation, i);
	id = rte_eth_from_rings(name, r->rx[i], r->workers, r->tx[i], r->workers, 0);
	if (id < 0)
		return false;
	r->ethdev[i] = (uint16_t)id;
	if (port_start(&r->ports[i],
		    &(struct port_params){ .mtu = RTE_ETHER_MTU,
			    .pool = r->pool,
			    .ethdev = (uint16_t)id,
			    .queues = r->workers },
		    err, sizeof(err)) < 0) {
		fprintf(stderr, "bench: %s\n", err);
		return false;
	}
	return engine_add_port(r->engine, &r->ports[i], false) == (int)i;
}

/*
 * Rules as a large network has them: each but the last denies one service from an inside network,
 * small or wide, to an outside network, small or wide; the last permits trust to untrust.  A
 * session of the bench has the source and the destination of dozens of them.  If there are several
 * the first is about a server inside, so that a flood from outside has rules to be held against.
 */
static struct policy *
make_policy(uint16_t count)
{
	struct policy_rule *rules = calloc(count, sizeof(*rules));
	struct policy_range *prefixes = calloc(2U * count, sizeof(*prefixes));
	struct policy_service *services = calloc(count, sizeof(*services));
	const uint8_t inside6[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x04, [12] = 10 };
	const uint8_t outside6[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x04, [12] = 200 };
	struct policy_range inside[2], outside[2];
	struct policy *policy = NULL;

	for (uint32_t i = 0; rules != NULL && prefixes != NULL && services != NULL && i < count;
		i++) {
		const bool last = i == count - 1U;
		const uint16_t port = last ? 0 : (uint16_t)(6000 + i % 4096);

		prefixes[2 * i] =
			last	     ? policy_prefix4(IPV4(10, 0, 0, 0), 8)
			: i % 2 == 0 ? policy_prefix4(IPV4(10, 0, 0, 0) + (i << 8), 24)
				     : policy_prefix4(IPV4(10, 0, 0, 0) + ((i & 0xff) << 16), 16);
		prefixes[2 * i + 1] =
			last || i % 3 == 0
				? policy_prefix4(IPV4(200, 0, 0, 0), 8)
				: policy_prefix4(IPV4(200, 0, 0, 0) + ((i * 37 & 0xffff) << 8), 24);
		services[i] = (struct policy_service){ .proto = last	     ? 0
								: i % 2 == 0 ? IPPROTO_TCP
									     : IPPROTO_UDP,
			.sport_max = UINT16_MAX,
			.dport_min = port,
			.dport_max = last ? UINT16_MAX : port };
		snprintf(rules[i].name, sizeof(rules[i].name), "rule%u", i);
		rules[i].action = last ? POLICY_PERMIT : POLICY_DENY;
		rules[i].source_zones = UINT64_C(1) << BENCH_TRUST;
		rules[i].destination_zones = UINT64_C(1) << BENCH_UNTRUST;
		rules[i].source_count = rules[i].destination_count = 1;
		rules[i].sources = &prefixes[2 * i];
		rules[i].destinations = &prefixes[2 * i + 1];
		rules[i].service_count = 1;
		rules[i].services = &services[i];
	}
	if (rules != NULL && prefixes != NULL && services != NULL && count > 1) {
		rules[0].action = POLICY_PERMIT;
		rules[0].source_zones = UINT64_C(1) << BENCH_UNTRUST;
		rules[0].destination_zones = UINT64_C(1) << BENCH_TRUST;
		rules[0].source_count = 0;
		prefixes[1] = policy_prefix4(IPV4(10, 1, 1, 10), 32);
		services[0].dport_min = services[0].dport_max = 443;
	}
	/* The last rule is for both families. */
	if (rules != NULL) {
		inside[0] = policy_prefix4(IPV4(10, 0, 0, 0), 8);
		inside[1] = policy_prefix6(inside6, 104);
		outside[0] = policy_prefix4(IPV4(200, 0, 0, 0), 8);
		outside[1] = policy_prefix6(outside6, 104);
		rules[count - 1].source_count = RTE_DIM(inside);
		rules[count - 1].sources = inside;
		rules[count - 1].destination_count = RTE_DIM(outside);
		rules[count - 1].destinations = outside;
	}
	if (rules != NULL && prefixes != NULL && services != NULL)
		policy = policy_create(rules, count, POLICY_DENY);
	free(rules);
	free(prefixes);
	free(services);
	return policy;
}

/* The same networks as in IPv4, behind 2001:db8:4::/96 (packets.c); link-local routers. */
static bool
publish6(struct bench_rig *r, uint16_t ports)
{
	struct route6 routes[2];

	for (uint16_t i = 0; i < ports; i++) {
		static const uint8_t net[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x04 };
		const uint8_t router[IP6_LEN] = { 0xfe, 0x80, [15] = (uint8_t)(2 + i) };
		struct neigh_table *t = engine_neighbours(r->engine);

		routes[i] = (struct route6){ .len = 104, .interface = i };
		memcpy(routes[i].prefix, net, IP6_LEN);
		routes[i].prefix[12] = i == 0 ? 10 : 200;
		memcpy(routes[i].gateway, router, IP6_LEN);
		neigh_set(t, neigh_add6(t, i, router, i, &r->ports[i].mac), NEIGH_REACHABLE,
			&router_mac);
	}
	return route6_table_set(engine_routes6(r->engine), routes, ports) == 0;
}

/* One rule, one group of addresses. */
static struct nat *
make_nat(struct bench_rig *r)
{
	struct policy_rule rule = { .name = "out",
		.source_zones = UINT64_C(1) << BENCH_TRUST,
		.destination_zones = UINT64_C(1) << BENCH_UNTRUST };
	const struct nat_group_params group = { .name = "bench",
		.mode = NAT_POOL_PAT,
		.block = 512,
		.section_count = 1,
		.sections = { { BENCH_NAT_FIRST, BENCH_NAT_FIRST + r->nat_addresses - 1U } } };
	struct nat_groups *groups = engine_nat_groups(r->engine);
	struct nat *n = nat_create(groups, 1, 0, 0, 1);
	char err[128] = "memory";
	uint16_t id;

	if (n == NULL)
		return NULL;
	id = nat_groups_acquire(groups, &group, err, sizeof(err));
	n->rules = id == NAT_GROUP_NONE ? NULL : policy_create(&rule, 1, POLICY_PERMIT);
	if (n->rules == NULL) {
		fprintf(stderr, "bench: address group: %s\n", err);
		nat_destroy(n);
		return NULL;
	}
	n->group_ids[n->group_count++] = id;
	n->sources[1] = (struct nat_source){ .action = NAT_SOURCE, .group = id };
	nat_seal(n);
	return n;
}

static bool
publish(struct bench_rig *r, uint16_t rules)
{
	static const struct route routes[] = {
		{ IPV4(192, 168, 0, 0), 24, 0, 0 },
		{ IPV4(192, 168, 1, 0), 24, 1, 0 },
		{ IPV4(10, 0, 0, 0), 8, 0, RTE_BE32(IPV4(192, 168, 0, 2)) },
		{ IPV4(200, 0, 0, 0), 8, 1, RTE_BE32(IPV4(192, 168, 1, 2)) },
	};
	struct snapshot *s = snapshot_create(2, 0);
	struct neigh_table *neighbours = engine_neighbours(r->engine);

	if (s == NULL)
		return false;
	s->version = 1;
	s->interface_count = 2;
	s->defences = defence_default;
	for (uint16_t i = 0; i < 2; i++) {
		struct snapshot_interface *itf = &s->interfaces[i];
		const rte_be32_t address = rte_cpu_to_be_32(IPV4(192, 168, 0, 1) + i * 256U);
		const rte_be32_t router = rte_cpu_to_be_32(IPV4(192, 168, 0, 2) + i * 256U);

		snprintf(itf->name, sizeof(itf->name), "bench%u", i);
		itf->port = i;
		itf->mtu = 1500;
		itf->zone = i == 0 ? BENCH_TRUST : BENCH_UNTRUST;
		itf->up = true;
		itf->reverse_path = REVERSE_PATH_CONNECTED;
		snapshot_add_subnet(s, address, 24);
		itf->address = address;
		itf->prefix_len = 24;
		itf->mac = r->ports[i].mac;
		s->addresses[i] = (struct snapshot_address){ .address = address, .interface = i };
		neigh_set(neighbours, neigh_add(neighbours, i, router, i, &r->ports[i].mac),
			NEIGH_REACHABLE, &router_mac);
	}
	snprintf(s->zones[BENCH_TRUST].name, sizeof(s->zones[BENCH_TRUST].name), "trust");
	s->zones[BENCH_TRUST].priority = 85;
	snprintf(s->zones[BENCH_UNTRUST].name, sizeof(s->zones[BENCH_UNTRUST].name), "untrust");
	s->zones[BENCH_UNTRUST].priority = 5;
	s->policy = make_policy(rules);
	if (r->nat_addresses > 0 && (s->nat = make_nat(r)) == NULL)
		return false;
	if (s->policy == NULL || !snapshot_map_ports(s) ||
		route_table_set(engine_routes(r->engine), routes, RTE_DIM(routes)) < 0 ||
		!publish6(r, 2))
		return false;
	engine_publish(r->engine, s);
	engine_bump_routes(r->engine);
	engine_set_lease(r->engine, MONO_NEVER);
	return true;
}

bool
bench_rig_blacklist_outside(struct bench_rig *r)
{
	const struct blacklist_entry e = { .prefix = ip_addr_v4(RTE_BE32(IPV4(200, 0, 0, 0))),
		.len = 8,
		.side = BLACKLIST_SOURCE,
		.origin = BLACKLIST_MANUAL,
		.until = MONO_NEVER };
	int rc;

	for (uint16_t i = 0; i < r->workers; i++)
		worker_sleep_begin(r->worker[i]);
	rc = blacklist_add(engine_blacklist(r->engine), &e, 0);
	for (uint16_t i = 0; i < r->workers; i++)
		worker_sleep_end(r->worker[i]);
	return rc == 0;
}

bool
bench_rig_replace_policy(struct bench_rig *r, uint16_t rules)
{
	bool done;

	/* Who publishes waits for the workers, which are this thread too. */
	for (uint16_t i = 0; i < r->workers; i++)
		worker_sleep_begin(r->worker[i]);
	done = publish(r, rules);
	for (uint16_t i = 0; i < r->workers; i++)
		worker_sleep_end(r->worker[i]);
	return done;
}

bool
bench_rig_create(struct bench_rig *r, const struct bench_spec *spec)
{
	static unsigned int generation;
	char name[32], err[256] = "";

	memset(r, 0, sizeof(*r));
	generation++;
	r->now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	r->workers = spec->workers;
	r->nat_addresses = spec->nat_addresses;
	snprintf(name, sizeof(name), "bench-pool%u", generation);
	r->pool = port_pool_create(name, POOL_SIZE, RTE_MBUF_DEFAULT_DATAROOM, SOCKET_ID_ANY);
	snprintf(name, sizeof(name), "bench%u", generation);
	r->engine = engine_create(&(struct engine_params){ .name = name,
					  .workers = spec->workers,
					  .max_sessions = spec->sessions,
					  .max_neighbours = 64,
					  .max_routes = 64,
					  .event_ring = spec->event_ring,
					  .max_datagrams = MAX_DATAGRAMS,
					  .max_fragments = POOL_SIZE / 4,
					  .nat = spec->nat_addresses > 0,
					  .socket = SOCKET_ID_ANY },
		err, sizeof(err));
	if (r->pool == NULL || r->engine == NULL) {
		fprintf(stderr, "bench: %u sessions: %s\n", spec->sessions, err);
		return false;
	}
	if (!make_port(r, 0, generation) || !make_port(r, 1, generation) ||
		!publish(r, spec->rules)) {
		fprintf(stderr, "bench: %u rules: %s\n", spec->rules, strerror(errno));
		return false;
	}
	for (uint16_t i = 0; i < spec->workers; i++) {
		r->worker[i] = engine_worker(r->engine, i);
		if (worker_bind(r->worker[i]) < 0)
			return false;
	}
	return true;
}

bool
bench_rig_simple(struct bench_rig *r, uint32_t sessions, uint16_t rules)
{
	return bench_rig_create(r, &(struct bench_spec){ .sessions = sessions + sessions / 8 + 1024,
					   .workers = 1,
					   .rules = rules,
					   .event_ring = 1024 });
}

void
bench_rig_destroy(struct bench_rig *r)
{
	for (unsigned int i = 0; i < r->workers; i++) {
		if (r->worker[i] != NULL)
			worker_unbind(r->worker[i]);
	}
	engine_destroy(r->engine);
	for (unsigned int i = 0; i < 2; i++) {
		if (r->ports[i].queues > 0)
			port_stop(&r->ports[i]);
		for (unsigned int q = 0; q < r->workers; q++) {
			rte_ring_free(r->rx[i][q]);
			rte_ring_free(r->tx[i][q]);
		}
	}
	rte_mempool_free(r->pool);
	free(r->outside);
}
