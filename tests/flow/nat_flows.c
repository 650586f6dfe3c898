/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat_flows.h"

#include "session_key.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_EACH 40 /* flows a host */
#define ROUTER	   BOX_IPV4(10, 1, 1, 10)
#define INSIDE	   BOX_IPV4(10, 2, 0, 0)
#define SERVER	   BOX_IPV4(200, 1, 1, 10)
#define FAR_SERVER BOX_IPV4(198, 18, 0, 1)

struct engine_box *
nat_flows_box(const char *name, uint16_t workers, uint32_t sessions, uint32_t addresses)
{
	static struct policy_range inside;
	struct engine_box *b = engine_box_create(&(struct engine_box_params){ .name = name,
		.number = 1,
		.workers = workers,
		.sessions = sessions,
		.buffers = 4095,
		.ring = 1024,
		.event_ring = 1024,
		.nat = true });
	struct nat_group_params *g = &b->nat.groups[0];

	inside = policy_prefix4(BOX_IPV4(10, 0, 0, 0), 8);
	b->rules[0].sources = &inside;
	b->rules[0].source_count = 1;
	b->routes[b->route_count++] = (struct box_route){
		.prefix = ip_addr_v4(rte_cpu_to_be_32(INSIDE)),
		.len = 15,
		.interface = BOX_TRUST,
		.gateway = ip_addr_v4(rte_cpu_to_be_32(ROUTER)),
	};
	*g = (struct nat_group_params){ .name = "pool",
		.mode = NAT_POOL_PAT,
		.block = 256,
		.section_count = 1,
		.sections = { { NAT_FLOWS_FIRST, NAT_FLOWS_FIRST + addresses - 1 } } };
	b->nat.group_count = 1;
	b->nat.rules[0] = (struct policy_rule){ .name = "out",
		.action = POLICY_PERMIT,
		.source_zones = UINT64_C(1) << BOX_ZONE_TRUST,
		.destination_zones = UINT64_C(1) << BOX_ZONE_UNTRUST };
	b->nat.sources[0] = (struct nat_source){ .action = NAT_SOURCE };
	b->nat.rule_count = 1;
	engine_box_publish(b);
	return b;
}

static struct frame_spec
spec_of(enum frame_kind kind, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	static const uint8_t protos[] = {
		[FRAME_TCP] = IPPROTO_TCP, [FRAME_UDP] = IPPROTO_UDP, [FRAME_ICMP] = IPPROTO_ICMP
	};

	return (struct frame_spec){ .kind = kind,
		.proto = protos[kind],
		.src = ip_addr_v4(rte_cpu_to_be_32(src)),
		.dst = ip_addr_v4(rte_cpu_to_be_32(dst)),
		.sport = sport,
		.dport = dport,
		.ttl = 64,
		.wscale = 0xff,
		.window = 60000,
		.udp_len = -1,
		.ip_len = -1 };
}

struct frame_spec
nat_flow(uint32_t i)
{
	const uint16_t port = (uint16_t)(2000 + 7 * (i % PORTS_EACH));
	const enum frame_kind kind = i % 8 == 3 ? FRAME_TCP : i % 8 == 7 ? FRAME_ICMP : FRAME_UDP;
	struct frame_spec s = spec_of(
		kind, INSIDE + i / PORTS_EACH, port, i & 1 ? SERVER : FAR_SERVER, i & 2 ? 443 : 53);

	if (kind == FRAME_TCP) {
		s.flags = 0x02;
		s.seq = 1000;
	} else if (kind == FRAME_ICMP) {
		s.type = FRAME_REQUEST;
		s.id = port;
	}
	return s;
}

struct frame_spec
nat_flow_reply(const uint8_t *sent)
{
	const uint8_t *ip = sent + RTE_ETHER_HDR_LEN, *l4 = ip + 20;
	const enum frame_kind kind = ip[9] == IPPROTO_TCP   ? FRAME_TCP
				     : ip[9] == IPPROTO_UDP ? FRAME_UDP
							    : FRAME_ICMP;
	struct frame_spec s = spec_of(kind, frame_get(ip + 16, 4), (uint16_t)frame_get(l4 + 2, 2),
		frame_get(ip + 12, 4), (uint16_t)frame_get(l4, 2));

	if (kind == FRAME_TCP) {
		s.flags = 0x12;
		s.seq = 5000;
		s.ack = frame_get(l4 + 4, 4) + 1;
	} else if (kind == FRAME_ICMP) {
		s.type = FRAME_REPLY;
		s.id = (uint16_t)frame_get(l4 + 4, 2);
	}
	return s;
}

struct session_key4
nat_flow_key(const struct frame_spec *s)
{
	const bool request = s->kind == FRAME_ICMP && s->type == FRAME_REQUEST;
	const bool reply = s->kind == FRAME_ICMP && s->type == FRAME_REPLY;
	const rte_be16_t id = rte_cpu_to_be_16(s->id);
	struct session_key4 k;

	session_key4_make(&k, s->src.v4, s->dst.v4,
		request ? id
		: reply ? SESSION_ICMP_ECHO_PORT
			: rte_cpu_to_be_16(s->sport),
		reply	  ? id
		: request ? SESSION_ICMP_ECHO_PORT
			  : rte_cpu_to_be_16(s->dport),
		s->proto);
	return k;
}

bool
nat_flow_feed(struct engine_box *b, uint16_t port, uint16_t queue, const struct frame_spec *s)
{
	const struct rte_ether_addr peer =
		engine_box_host_mac(rte_cpu_to_be_32(port == BOX_TRUST ? ROUTER : SERVER));
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);
	uint8_t bytes[FRAME_MAX];
	size_t len;

	if (m == NULL)
		return false;
	len = frame_build(s, &b->ports[port].mac, &peer, bytes);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	if (engine_box_feed(b, port, queue, m))
		return true;
	rte_pktmbuf_free(m);
	return false;
}

uint32_t
nat_flows_used(const struct engine_box *b, const char *group)
{
	const struct nat_groups *groups = engine_nat_groups(b->engine);
	const uint16_t id = nat_groups_find(groups, group);
	struct nat_usage u = { 0 };

	if (id != NAT_GROUP_NONE)
		u = nat_pool_usage(nat_groups_pool(groups, id), NAT_POOL_UNOWNED);
	return u.used[0] + u.used[1] + u.used[2];
}
