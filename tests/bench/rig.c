/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"
#include "ipv4.h"
#include "neigh.h"
#include "policy.h"
#include "route.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRUST	2
#define UNTRUST 4
#define RULES	10

static const struct rte_ether_addr router_mac = { { 2, 0, 0, 0, 9, 9 } };

static bool
make_port(struct bench_rig *r, unsigned int i, unsigned int generation)
{
	char name[RTE_RING_NAMESIZE], err[128];
	int id;

	snprintf(name, sizeof(name), "bench%u-rx%u", generation, i);
	r->rx[i] = rte_ring_create(name, 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "bench%u-tx%u", generation, i);
	r->tx[i] = rte_ring_create(name, 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (r->rx[i] == NULL || r->tx[i] == NULL)
		return false;
	snprintf(name, sizeof(name), "bench%u-%u", generation, i);
	id = rte_eth_from_rings(name, &r->rx[i], 1, &r->tx[i], 1, 0);
	if (id < 0)
		return false;
	r->ethdev[i] = (uint16_t)id;
	if (port_start(&r->ports[i], r->ethdev[i], 1, r->pool, err, sizeof(err)) < 0) {
		fprintf(stderr, "bench: %s\n", err);
		return false;
	}
	return engine_add_port(r->engine, &r->ports[i], false) == (int)i;
}

/* Ten rules, of which the last one matches: what a small office has. */
static struct policy *
make_policy(unsigned int generation)
{
	static struct policy_service services[RULES];
	static struct policy_prefix inside = { IPV4(10, 0, 0, 0), 8 };
	struct policy_rule rules[RULES];
	char name[32];

	memset(rules, 0, sizeof(rules));
	for (unsigned int i = 0; i < RULES; i++) {
		const bool last = i == RULES - 1;

		snprintf(rules[i].name, sizeof(rules[i].name), "rule%u", i);
		rules[i].action = last ? POLICY_PERMIT : POLICY_DENY;
		rules[i].source_zones = UINT64_C(1) << TRUST;
		rules[i].destination_zones = UINT64_C(1) << UNTRUST;
		rules[i].source_count = 1;
		rules[i].sources = &inside;
		rules[i].service_count = 1;
		services[i] = (struct policy_service){ .proto = last ? 0 : IPPROTO_TCP,
			.sport_max = UINT16_MAX,
			.dport_min = last ? 0 : (uint16_t)(6000 + i),
			.dport_max = last ? UINT16_MAX : (uint16_t)(6000 + i) };
		rules[i].services = &services[i];
	}
	snprintf(name, sizeof(name), "bench-policy%u", generation);
	return policy_create(name, rules, RULES, POLICY_DENY, SOCKET_ID_ANY);
}

static bool
publish(struct bench_rig *r, unsigned int generation)
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
	for (uint16_t i = 0; i < 2; i++) {
		struct snapshot_interface *itf = &s->interfaces[i];
		const rte_be32_t address = rte_cpu_to_be_32(IPV4(192, 168, 0, 1) + i * 256U);
		const rte_be32_t router = rte_cpu_to_be_32(IPV4(192, 168, 0, 2) + i * 256U);

		snprintf(itf->name, sizeof(itf->name), "bench%u", i);
		itf->port = i;
		itf->mtu = 1500;
		itf->zone = i == 0 ? TRUST : UNTRUST;
		itf->up = true;
		itf->address = address;
		itf->prefix_len = 24;
		itf->mac = r->ports[i].mac;
		s->port_interface[i] = i;
		s->addresses[i] = (struct snapshot_address){ .address = address, .interface = i };
		neigh_set(neighbours, neigh_add(neighbours, i, router, i, &r->ports[i].mac),
			NEIGH_REACHABLE, &router_mac);
	}
	snprintf(s->zones[TRUST].name, sizeof(s->zones[TRUST].name), "trust");
	s->zones[TRUST].priority = 85;
	snprintf(s->zones[UNTRUST].name, sizeof(s->zones[UNTRUST].name), "untrust");
	s->zones[UNTRUST].priority = 5;
	s->policy = make_policy(generation);
	if (s->policy == NULL ||
		route_table_set(engine_routes(r->engine), routes, RTE_DIM(routes)) < 0)
		return false;
	engine_publish(r->engine, s);
	engine_bump_routes(r->engine);
	engine_set_lease(r->engine, MONO_NEVER);
	return true;
}

bool
bench_rig_create(struct bench_rig *r, uint32_t sessions, uint32_t event_ring)
{
	static unsigned int generation;
	char name[32], err[256] = "";

	memset(r, 0, sizeof(*r));
	generation++;
	r->now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	snprintf(name, sizeof(name), "bench-pool%u", generation);
	r->pool = port_pool_create(name, 8191, SOCKET_ID_ANY);
	snprintf(name, sizeof(name), "bench%u", generation);
	r->engine = engine_create(&(struct engine_params){ .name = name,
					  .workers = 1,
					  .max_sessions = sessions,
					  .max_neighbours = 64,
					  .max_routes = 64,
					  .event_ring = event_ring,
					  .socket = SOCKET_ID_ANY },
		err, sizeof(err));
	if (r->pool == NULL || r->engine == NULL) {
		fprintf(stderr, "bench: %u sessions: %s\n", sessions, err);
		return false;
	}
	if (!make_port(r, 0, generation) || !make_port(r, 1, generation) || !publish(r, generation))
		return false;
	r->worker = engine_worker(r->engine, 0);
	return worker_bind(r->worker) == 0;
}

void
bench_rig_destroy(struct bench_rig *r)
{
	if (r->worker != NULL)
		worker_unbind(r->worker);
	engine_destroy(r->engine);
	for (unsigned int i = 0; i < 2 && r->ports[i].queues > 0; i++) {
		port_stop(&r->ports[i]);
		rte_ring_free(r->rx[i]);
		rte_ring_free(r->tx[i]);
	}
	rte_mempool_free(r->pool);
}

struct rte_mbuf *
bench_packet(struct bench_rig *r, uint32_t i, unsigned int dir, uint8_t proto, uint8_t tcp_flags)
{
	const rte_be32_t client = rte_cpu_to_be_32(IPV4(10, 0, 0, 0) + (i & 0xffffff));
	const rte_be32_t server = RTE_BE32(IPV4(200, 1, 1, 10));
	const rte_be16_t cport = rte_cpu_to_be_16((uint16_t)(1024 + (i * 7) % 50000));
	const rte_be16_t sport = RTE_BE16(53);
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);
	struct rte_ether_hdr *eth;
	struct rte_ipv4_hdr *ip;

	eth = m == NULL ? NULL : (void *)rte_pktmbuf_append(m, 60);
	if (eth == NULL) {
		fprintf(stderr, "bench: packet buffers leak\n");
		exit(EXIT_FAILURE);
	}
	memset(eth, 0, 60);
	eth->dst_addr = r->ports[dir].mac;
	eth->src_addr = router_mac;
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	ip = (struct rte_ipv4_hdr *)(eth + 1);
	*ip = (struct rte_ipv4_hdr){ .version_ihl = RTE_IPV4_VHL_DEF,
		.time_to_live = 64,
		.next_proto_id = proto,
		.src_addr = dir == 0 ? client : server,
		.dst_addr = dir == 0 ? server : client };
	if (proto == IPPROTO_UDP) {
		struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

		udp->src_port = dir == 0 ? cport : sport;
		udp->dst_port = dir == 0 ? sport : cport;
		udp->dgram_len = RTE_BE16(sizeof(*udp) + 18);
		ip->total_length = RTE_BE16(sizeof(*ip) + sizeof(*udp) + 18);
	} else {
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
		const bool syn = (tcp_flags & RTE_TCP_SYN_FLAG) != 0;

		tcp->src_port = dir == 0 ? cport : sport;
		tcp->dst_port = dir == 0 ? sport : cport;
		tcp->sent_seq = rte_cpu_to_be_32((dir == 0 ? 1000U : 5000U) + !syn);
		tcp->recv_ack = (tcp_flags & RTE_TCP_ACK_FLAG) == 0
					? 0
					: rte_cpu_to_be_32(dir == 0 ? 5001U : 1001U);
		tcp->data_off = sizeof(*tcp) / 4 << 4;
		tcp->tcp_flags = tcp_flags;
		tcp->rx_win = RTE_BE16(65535);
		ip->total_length = RTE_BE16(sizeof(*ip) + sizeof(*tcp));
	}
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return m;
}

uint64_t
bench_turn(struct bench_rig *r, unsigned int in, struct rte_mbuf **m, uint32_t n, uint32_t *out)
{
	struct rte_mbuf *done[64];
	uint64_t start, cycles;

	rte_ring_enqueue_bulk(r->rx[in], (void *const *)m, n, NULL);
	start = rte_rdtsc_precise();
	worker_poll(r->worker, r->now);
	cycles = rte_rdtsc_precise() - start;
	*out = rte_ring_dequeue_burst(r->tx[!in], (void **)done, RTE_DIM(done), NULL);
	rte_pktmbuf_free_bulk(done, *out);
	return cycles;
}
