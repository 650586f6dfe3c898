/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include "config_nat.h"
#include "control_sections.h"
#include "ha_sections.h"
#include "hrp.h"
#include "hrp_frame.h"
#include "hrp_wire.h"
#include "ipv4.h"
#include "publish.h"
#include "role.h"
#include "session_recheck.h"

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIRE_SLOTS	4096
#define MANAGE_EVERY_NS (100 * NS_PER_MS) /* TICK_MS of the daemon */
#define VRID_IN		1
#define VRID_OUT	2
#define PORTS		4

/* Port and interface of a heartbeat link. */
static const uint16_t heartbeat_port[PAIR_HEARTBEATS] = { 1, 3 };

struct in_flight {
	struct rte_mbuf *m;
	uint64_t due_ns;
	uint8_t to, link;
};

struct pair {
	struct pair_options options;
	unsigned int number;			   /* of this pair in the process */
	struct rte_mempool *pool, *heartbeat_pool; /* the second: hosts, too */
	struct pair_box boxes[2];
	/* inside, heartbeat, outside, second heartbeat */
	struct lan_port ports[2][PORTS];
	struct lan inside, outside;
	struct host client, server;
	struct traffic traffic;
	struct pair_wire wire[PAIR_HEARTBEATS];
	struct rte_ether_addr mac[2][PAIR_HEARTBEATS]; /* of the heartbeat ports */
	struct in_flight flight[WIRE_SLOTS];
	uint32_t flying;
	uint64_t wire_ms[PAIR_HEARTBEATS];     /* this millisecond, and */
	uint32_t wire_frames[PAIR_HEARTBEATS]; /* what was carried in it */
	struct pair_figures figures;
	void (*tap)(void *ctx, unsigned int from, const struct rte_mbuf *);
	void *tap_ctx;
	mono_t now;
	uint32_t random;
};

static const char config_text[] =
	"version = 1;\n"
	"system = { name = \"%s\"; management_cpu = 0; control_cpu = 0; hrp_cpu = 0;\n"
	"  worker_cpus = [ %s ]; memory_mb = 256; sessions = %u;\n"
	"  console_socket = \"/run/none.console\"; json_socket = \"/run/none.json\"; };\n"
	"ports = ( { name = \"p1\"; devargs = \"net_ring1\"; }, { name = \"p2\"; devargs = "
	"\"net_ring2\"; },\n"
	"  { name = \"p3\"; devargs = \"net_ring3\"; }%s );\n"
	"interfaces = (\n"
	"  { name = \"GigabitEthernet1/0/1\"; port = \"p1\"; address = \"10.1.1.%u/24\"; zone = "
	"\"trust\";\n"
	"    address6 = [ \"2001:db8:1::%u/64\" ]; link_local = \"fe80::%u\"; },\n"
	"  { name = \"GigabitEthernet1/0/2\"; port = \"p2\"; address = \"10.%u.0.%u/24\"; zone = "
	"\"dmz\"; },\n"
	"  { name = \"GigabitEthernet1/0/3\"; port = \"p3\"; address = \"200.1.1.%u/24\"; zone = "
	"\"untrust\";\n"
	"    address6 = [ \"2001:db8:2::%u/64\" ]; link_local = \"fe80::%u\"; }%s );\n"
	"routes = ( );\n"
	"security_policy = { default = \"deny\"; rules = ( %s ); };\n"
	"vrrp = (%s\n"
	"  { vrid = 1; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.1/24\"; group = "
	"\"%s\";\n"
	"    virtual_ip6 = \"fe80::1\"; },\n"
	"  { vrid = 2; interface = \"GigabitEthernet1/0/3\"; virtual_ip = \"200.1.1.1/24\"; group "
	"= \"%s\";\n"
	"    virtual_ip6 = \"2001:db8:2::1\"; } );\n"
	"hrp = { enable = true; interfaces = ( %s );\n"
	"  hello_ms = %u; misses = %u; preempt = %s; preempt_delay_s = %u;\n"
	"  split_brain = \"%s\"; %s %s %s };\n";

static const struct config_section *const *
sections(void)
{
	static const struct config_section
		*joined[RTE_DIM(control_sections) + RTE_DIM(ha_sections)];
	unsigned int n = 0;

	if (joined[0] == NULL) {
		for (unsigned int i = 0; control_sections[i] != NULL; i++)
			joined[n++] = control_sections[i];
		for (unsigned int i = 0; ha_sections[i] != NULL; i++)
			joined[n++] = ha_sections[i];
	}
	return joined;
}

static const char rules_text[] =
	"{ name = \"out\"; source_zones = [ \"trust\" ]; destination_zones = [ \"untrust\" ];\n"
	"  source_addresses = [ \"10.1.1.0/24\" ]; action = \"permit\"; }";

static uint32_t
random_below(struct pair *p, uint32_t n)
{
	p->random = p->random * 1664525U + 1013904223U;
	return (p->random >> 8) % n;
}

/* Link of a box's slot. */
static unsigned int
slot_link(const struct pair *p, unsigned int box, unsigned int slot)
{
	return box == 1 && p->options.other_order ? p->options.heartbeats - 1u - slot : slot;
}

/* The network of a link, host order without the last octet: of a routed one each box has its own.
 */
static uint32_t
link_network(const struct pair *p, unsigned int box, unsigned int link)
{
	return p->options.mode == PAIR_ROUTED ? IPV4(10, 20 + box, link, 0) : IPV4(10, 10, link, 0);
}

static void
add_address(char *text, size_t size, const char *setting, uint32_t address)
{
	snprintf(text + strlen(text), size - strlen(text), " %s = \"%u.%u.%u.%u\";", setting,
		address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

static const char *
heartbeat_list(const struct pair *p, unsigned int box)
{
	static const char *const names[PAIR_HEARTBEATS] = { "GigabitEthernet1/0/2",
		"GigabitEthernet1/0/4" };
	static char text[512];

	text[0] = '\0';
	for (unsigned int slot = 0; slot < p->options.heartbeats; slot++) {
		const unsigned int link = slot_link(p, box, slot);

		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"%s{ interface = \"%s\";", slot > 0 ? ", " : "", names[link]);
		if (p->options.mode != PAIR_MULTICAST)
			add_address(text, sizeof(text), "remote",
				link_network(p, !box, link) + !box + 1);
		if (p->options.mode == PAIR_ROUTED)
			add_address(
				text, sizeof(text), "gateway", link_network(p, box, link) + 254);
		strcat(text, " }");
	}
	if (p->options.service_heartbeat) {
		strcat(text, ", { interface = \"GigabitEthernet1/0/1\"; heartbeat_only = true;");
		add_address(text, sizeof(text), "remote", IPV4(10, 1, 1, !box + 2));
		strcat(text, " }");
	}
	return text;
}

/* Before the usual ones.  Load sharing: the other box has these in its Active group. */
static const char *
further_groups(const struct pair *p, unsigned int box)
{
	static const char *const groups[] = { "standby", "active" };
	static char text[512];

	if (!p->options.sharing)
		return p->options.vrrp[box] != NULL ? p->options.vrrp[box] : "";
	snprintf(text, sizeof(text),
		"\n  { vrid = 3; interface = \"GigabitEthernet1/0/1\"; virtual_ip = "
		"\"10.1.1.4/24\"; "
		"group = \"%s\"; },"
		"\n  { vrid = 4; interface = \"GigabitEthernet1/0/3\"; virtual_ip = "
		"\"200.1.1.4/24\"; "
		"group = \"%s\"; },",
		groups[box], groups[box]);
	return text;
}

static const char *
rule_list(const struct pair *p, const char *rules)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s%s%s", rules, p->options.more_rules != NULL ? ", " : "",
		p->options.more_rules != NULL ? p->options.more_rules : "");
	return text;
}

static uint32_t
sessions_of(const struct pair *p, unsigned int box)
{
	return box == 1 && p->options.sessions_1 != 0 ? p->options.sessions_1
						      : p->options.max_sessions;
}

static struct config *
make_config(struct pair *p, unsigned int box, const char *rules)
{
	static const char *const groups[] = { "active", "standby" };
	const char *const group = p->options.group != NULL ? p->options.group : groups[box];
	static const char *const halves[] = {
		" nat_resource = \"primary-group\"; nat_reclaim_s = 2;",
		" nat_resource = \"secondary-group\"; nat_reclaim_s = 2;"
	};
	const unsigned int host = box + 2;
	const bool second = p->options.heartbeats > 1;
	const unsigned int second_octet = link_network(p, box, 0) >> 16 & 0xff;
	char interface[128] = "", text[4096], err[256], cpus[64] = "0";
	struct config *c;

	for (uint16_t w = 1; w < p->boxes[box].workers; w++)
		snprintf(cpus + strlen(cpus), sizeof(cpus) - strlen(cpus), ", 0");
	if (second)
		snprintf(interface, sizeof(interface),
			", { name = \"GigabitEthernet1/0/4\"; port = \"p4\"; address = "
			"\"10.%u.1.%u/24\"; zone = \"dmz\"; }",
			second_octet, box + 1);
	snprintf(text, sizeof(text), config_text, box == 0 ? "FW1" : "FW2", cpus,
		sessions_of(p, box), second ? ", { name = \"p4\"; devargs = \"net_ring4\"; }" : "",
		host, host, host, second_octet, box + 1, host, host, host, interface,
		rule_list(p, rules), further_groups(p, box), group, group, heartbeat_list(p, box),
		p->options.hello_ms, p->options.misses, p->options.preempt ? "true" : "false",
		p->options.preempt_delay_s, p->options.split_yield ? "yield" : "alarm",
		p->options.hrp != NULL ? p->options.hrp : "",
		p->options.nat_halves ? halves[box] : "",
		p->options.defer ? " defer = ( { source_zone = \"trust\"; destination_zone = "
				   "\"untrust\"; } );"
				 : "");
	if (p->options.nat != NULL)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", p->options.nat);
	c = config_parse(text, "pair", sections(), err, sizeof(err));
	if (c == NULL)
		fail_msg("%s", err);
	return c;
}

static unsigned int
port_count(const struct pair *p)
{
	return 2u + p->options.heartbeats;
}

static bool
is_heartbeat(unsigned int port)
{
	return port == heartbeat_port[0] || port == heartbeat_port[1];
}

/* Build a box from its configuration, as app/main.c does. */
static void
boot(struct pair *p, unsigned int index)
{
	struct pair_box *b = &p->boxes[index];
	struct publish_extra extra = { 0 };
	struct management_ha mha;
	struct ha_heartbeat heartbeats[PAIR_HEARTBEATS + 1];
	const uint16_t links = (uint16_t)(p->options.heartbeats + p->options.service_heartbeat);
	struct port ports[PORTS];
	char err[256] = "", name[16];

	snprintf(name, sizeof(name), "fw%u-%u", index + 1, b->incarnation++);
	b->config = make_config(p, index, rules_text);
	b->engine = engine_create(&(struct engine_params){ .name = name,
					  .workers = b->workers,
					  .max_sessions = sessions_of(p, index),
					  .max_neighbours = 64,
					  .max_routes = 64,
					  .event_ring = p->options.event_ring,
					  .nat = config_nat_wanted(b->config),
					  .socket = SOCKET_ID_ANY },
		err, sizeof(err));
	if (b->engine == NULL)
		fail_msg("%s", err);
	for (unsigned int i = 0; i < port_count(p); i++) {
		struct lan_port *lp = &p->ports[index][i];

		if (b->incarnation == 1) {
			if (port_start(&ports[i],
				    &(struct port_params){ .mtu = RTE_ETHER_MTU,
					    .pool = p->pool,
					    .ethdev = lp->ethdev,
					    .queues = lp->queues },
				    err, sizeof(err)) < 0)
				fail_msg("%s", err);
		} else {
			ports[i] = (struct port){ .ethdev = lp->ethdev, .queues = lp->queues };
		}
		/* Ring ports have none of their own. */
		ports[i].mac = (struct rte_ether_addr){ { 2, 0, b->other_mac && is_heartbeat(i),
			0x11, (uint8_t)index, (uint8_t)i } };
		engine_add_port(b->engine, &ports[i], is_heartbeat(i));
	}
	b->core = core_create(
		&(struct core_params){ .engine = b->engine, .pool = p->pool, .name = name });
	assert_non_null(b->core);
	for (unsigned int slot = 0; slot < p->options.heartbeats; slot++) {
		const uint16_t i = heartbeat_port[slot_link(p, index, slot)];

		p->mac[index][slot_link(p, index, slot)] = ports[i].mac;
		heartbeats[slot] = (struct ha_heartbeat){
			.ethdev = ports[i].ethdev, .interface = i, .mac = ports[i].mac
		};
	}
	heartbeats[p->options.heartbeats] = (struct ha_heartbeat){ .interface = 0 };
	b->ha = ha_create(&(struct ha_params){ .name = name,
				  .engine = b->engine,
				  .core = b->core,
				  .pool = p->heartbeat_pool,
				  .held_back = p->options.held_back[index],
				  .config = b->config,
				  .heartbeats = heartbeats,
				  .heartbeat_count = links,
				  .socket = SOCKET_ID_ANY,
				  .seed = p->options.seed * 7919 + index * 104729 + b->incarnation,
				  .life = 1 + 2 * b->incarnation + index },
		err, sizeof(err));
	if (b->ha == NULL)
		fail_msg("%s", err);
	mha = ha_management(b->ha);
	mha.collect_extra(mha.ctx, b->config, &extra);
	if (publish_config(b->engine, b->config, &extra, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	assert_int_equal(core_bind(b->core), 0);
	assert_int_equal(hrp_bind(b->ha), 0);
	for (uint16_t w = 0; w < b->workers; w++)
		assert_int_equal(worker_bind(engine_worker(b->engine, w)), 0);
	core_post_link(b->core, 0, lan_port_of(&p->inside, (uint8_t)index)->up);
	core_post_link(b->core, 2, lan_port_of(&p->outside, (uint8_t)index)->up);
	for (unsigned int i = 0; i < p->options.heartbeats; i++)
		hrp_link(b->ha, heartbeat_port[i], true);
	hrp_link(b->ha, 0, lan_port_of(&p->inside, (uint8_t)index)->up);
	b->dead = false;
	b->frozen = 0;
}

static void
destroy_box(struct pair_box *b)
{
	if (b->engine == NULL)
		return;
	for (uint16_t w = 0; w < b->workers; w++)
		worker_unbind(engine_worker(b->engine, w));
	hrp_unbind(b->ha);
	core_unbind(b->core);
	ha_destroy(b->ha);
	core_destroy(b->core);
	engine_destroy(b->engine);
	config_free(b->config);
	b->engine = NULL;
}

static void
observe(void *ctx, struct lan *l, uint8_t box, const struct rte_mbuf *m, mono_t now)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const uint8_t vrid = eth->src_addr.addr_bytes[5];
	const struct rte_ether_addr mac = core_virtual_mac(vrid), mac6 = core_virtual_mac6(vrid);
	const bool of4 = rte_is_same_ether_addr(&eth->src_addr, &mac);
	struct pair *p = ctx;

	(void)now;
	/* A box that does not hold the lease has no business using a virtual MAC. */
	if ((of4 || rte_is_same_ether_addr(&eth->src_addr, &mac6)) &&
		!engine_vmac(p->boxes[box].engine, l == &p->inside ? 0 : 2,
			of4 ? vrid : VMAC_IPV6 | vrid))
		p->figures.after_thaw[box]++;
}

static void
make_ports(struct pair *p)
{
	static const char *const ways[PORTS] = { "in", "hb", "out", "hb2" };

	for (uint8_t b = 0; b < 2; b++) {
		for (unsigned int i = 0; i < port_count(p); i++) {
			char name[24];

			snprintf(name, sizeof(name), "pair%u-%u%s", p->number, b, ways[i]);
			assert_int_equal(lan_port_create(&p->ports[b][i], name, b,
						 is_heartbeat(i) ? 1 : p->boxes[b].workers),
				0);
		}
		lan_attach(&p->inside, &p->ports[b][0]);
		lan_attach(&p->outside, &p->ports[b][2]);
	}
}

static struct pair *last;

struct pair *
pair_create(const struct pair_options *o)
{
	static unsigned int pairs;
	struct pair *p = calloc(1, sizeof(*p));
	char name[24];

	assert_non_null(p);
	p->options = *o;
	if (p->options.max_sessions == 0)
		p->options.max_sessions = 4096;
	if (p->options.event_ring == 0)
		p->options.event_ring = 1024;
	if (p->options.misses == 0)
		p->options.misses = 3;
	if (p->options.heartbeats == 0)
		p->options.heartbeats = 1;
	p->random = o->seed + 1;
	p->now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	p->number = pairs++;
	snprintf(name, sizeof(name), "pair%u", p->number);
	p->pool = port_pool_create(name, 16384, RTE_MBUF_DEFAULT_DATAROOM, SOCKET_ID_ANY);
	assert_non_null(p->pool);
	snprintf(name, sizeof(name), "pair%u-hb", p->number);
	p->heartbeat_pool = port_pool_create(name, 8192, RTE_MBUF_DEFAULT_DATAROOM, SOCKET_ID_ANY);
	assert_non_null(p->heartbeat_pool);
	p->inside = (struct lan){ .name = "inside",
		.pool = p->pool,
		.host_pool = p->heartbeat_pool,
		.observer = observe,
		.observer_ctx = p };
	p->outside = (struct lan){ .name = "outside",
		.pool = p->pool,
		.host_pool = p->heartbeat_pool,
		.observer = observe,
		.observer_ctx = p };
	p->client = (struct host){ .name = "client",
		.mac = { { 2, 0, 0, 0, 1, 10 } },
		.address = IPV4(10, 1, 1, 10),
		.gateway = IPV4(10, 1, 1, 1) };
	p->server = (struct host){ .name = "server",
		.mac = { { 2, 0, 0, 0, 2, 10 } },
		.address = IPV4(200, 1, 1, 10),
		.gateway = IPV4(200, 1, 1, o->sharing ? 4 : 1) };
	lan_attach_host(&p->inside, &p->client);
	lan_attach_host(&p->outside, &p->server);
	for (unsigned int b = 0; b < 2; b++)
		p->boxes[b].workers = o->workers[b] != 0 ? o->workers[b] : 2;
	make_ports(p);
	boot(p, 0);
	boot(p, 1);
	traffic_start(&p->traffic, &p->client, &p->server, o->tcp_count);
	return last = p;
}

void
pair_destroy(struct pair *p)
{
	if (p == NULL)
		return;
	if (p == last)
		last = NULL;
	for (unsigned int b = 0; b < 2; b++) {
		destroy_box(&p->boxes[b]);
		for (unsigned int i = 0; i < port_count(p); i++) {
			rte_eth_dev_stop(p->ports[b][i].ethdev);
			rte_eth_dev_close(p->ports[b][i].ethdev);
			lan_port_destroy(&p->ports[b][i]);
		}
	}
	for (uint32_t i = 0; i < p->flying; i++)
		rte_pktmbuf_free(p->flight[i].m);
	/* Every buffer must have come home. */
	assert_int_equal(rte_mempool_in_use_count(p->pool), 0);
	assert_int_equal(rte_mempool_in_use_count(p->heartbeat_pool), 0);
	rte_mempool_free(p->pool);
	rte_mempool_free(p->heartbeat_pool);
	free(p);
}

int
pair_teardown(void **state)
{
	(void)state;
	pair_destroy(last);
	return 0;
}

static void
launch(struct pair *p, struct rte_mbuf *m, uint8_t to, uint8_t link)
{
	uint64_t due = p->now.ns + p->wire[link].delay_us * NS_PER_US;

	if (p->wire[link].reorder > 0 && random_below(p, 100) < p->wire[link].reorder)
		due += 3 * NS_PER_MS;
	if (p->wire[link].jitter_us > 0)
		due += random_below(p, p->wire[link].jitter_us) * NS_PER_US;
	if (p->flying == WIRE_SLOTS) {
		rte_pktmbuf_free(m);
		return;
	}
	p->flight[p->flying++] =
		(struct in_flight){ .m = m, .due_ns = due, .to = to, .link = link };
}

/* The router on a wire: it answers for the gateway's address, and hands on what goes further.
 * => the box the frame goes to. */
static uint8_t
router(const struct pair *p, struct rte_mbuf *m, uint8_t from, uint8_t link)
{
	static const struct rte_ether_addr mac = { { 2, 0xee, 0, 0, 0, 0xfe } };
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);

	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP)) {
		hrp_frame_arp_reply((uint8_t *)eth,
			&(struct hrp_frame_end){ .mac = mac,
				.address = rte_cpu_to_be_32(link_network(p, from, link) + 254) });
		return from;
	}
	eth->src_addr = mac;
	eth->dst_addr = p->mac[!from][link];
	ip->time_to_live--;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return !from;
}

/* It is to be from a box that speaks another version, without keys and by multicast. */
static void
of_another_version(const struct pair *p, struct rte_mbuf *m)
{
	uint8_t *const message = rte_pktmbuf_mtod(m, uint8_t *) + HRP_FRAME_OVERHEAD;
	const uint16_t len = (uint16_t)(rte_pktmbuf_data_len(m) - HRP_FRAME_OVERHEAD);
	const uint8_t *const frame = rte_pktmbuf_mtod(m, uint8_t *);
	struct ha_trailer end;
	struct ha_vrrp v;

	if (frame[12] != 0x08 || frame[13] != 0x00)
		return; /* ARP */
	memcpy(&v, message, sizeof(v));
	memcpy(&end, message + len - sizeof(end), sizeof(end));
	end.version = (uint8_t)(HA_VERSION + p->options.version_ahead);
	memcpy(message + len - sizeof(end), &end, sizeof(end));
	v.checksum = 0;
	memcpy(message, &v, sizeof(v));
	v.checksum = (rte_be16_t)~rte_raw_cksum(message, len);
	memcpy(message, &v, sizeof(v));
}

/* => false: the wire carries no more in this millisecond. */
static bool
wire_has_room(struct pair *p, uint8_t link)
{
	const uint64_t ms = p->now.ns / NS_PER_MS;

	if (p->wire_ms[link] != ms) {
		p->wire_ms[link] = ms;
		p->wire_frames[link] = 0;
	}
	return p->wire[link].frames_ms == 0 || p->wire_frames[link]++ < p->wire[link].frames_ms;
}

static void
alter(struct pair *p, struct pair_wire *w, struct rte_mbuf *m)
{
	if (w->flip != 0 && random_below(p, 100) < w->flip) {
		const uint32_t bit = RTE_ETHER_HDR_LEN * 8u +
				     random_below(p, (m->data_len - RTE_ETHER_HDR_LEN) * 8u);

		rte_pktmbuf_mtod(m, uint8_t *)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		w->flipped++;
	}
}

static void
launch_copy(struct pair *p, const struct rte_mbuf *m, uint8_t to, uint8_t link)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, p->heartbeat_pool, 0, UINT32_MAX);

	if (copy != NULL)
		launch(p, copy, to, link);
}

/* What a box has sent by a heartbeat link sets out, or not. */
static void
wire_take(struct pair *p, uint8_t box, uint8_t link)
{
	struct pair_wire *w = &p->wire[link];
	void *m;

	while (rte_ring_dequeue(p->ports[box][heartbeat_port[link]].from_box[0], &m) == 0) {
		w->carried++;
		if (p->tap != NULL)
			p->tap(p->tap_ctx, box, m);
		if (p->options.version_ahead != 0)
			of_another_version(p, m);
		if (w->cut || w->cut_from[box] || random_below(p, 100) < w->loss ||
			!wire_has_room(p, link)) {
			w->lost++;
			rte_pktmbuf_free(m);
			continue;
		}
		const uint8_t to = p->options.mode == PAIR_ROUTED ? router(p, m, box, link) : !box;

		alter(p, w, m);
		if (w->duplicate > 0 && random_below(p, 100) < w->duplicate)
			launch_copy(p, m, to, link);
		if (w->loop)
			launch_copy(p, m, box, link);
		launch(p, m, to, link);
	}
}

static void
wire_poll(struct pair *p)
{
	for (uint8_t b = 0; b < 2; b++)
		for (uint8_t link = 0; link < p->options.heartbeats; link++)
			wire_take(p, b, link);
	for (uint32_t i = 0; i < p->flying;) {
		struct in_flight *f = &p->flight[i];

		if (f->due_ns > p->now.ns) {
			i++;
			continue;
		}
		if (p->boxes[f->to].dead ||
			rte_ring_enqueue(
				p->ports[f->to][heartbeat_port[f->link]].to_box[0], f->m) != 0)
			rte_pktmbuf_free(f->m);
		/* Keep the order of those that stay. */
		memmove(f, f + 1, (p->flying - i - 1) * sizeof(*f));
		p->flying--;
	}
}

static bool
some_vmac(const struct engine *e)
{
	return engine_vmac(e, 0, VRID_IN) || engine_vmac(e, 2, VRID_OUT) ||
	       engine_vmac(e, 0, VMAC_IPV6 | VRID_IN) || engine_vmac(e, 2, VMAC_IPV6 | VRID_OUT);
}

static bool
owns(const struct pair *p, unsigned int box)
{
	const struct pair_box *b = &p->boxes[box];

	return !b->dead && (b->frozen & PAIR_WORKERS) == 0 &&
	       mono_before(p->now, engine_lease(b->engine)) && some_vmac(b->engine);
}

int
pair_owner(const struct pair *p)
{
	const bool a = owns(p, 0), b = owns(p, 1);

	return a && b ? 2 : a ? 0 : b ? 1 : -1;
}

/* Who publishes waits for the others, which are this thread too. */
static void
rest(struct pair_box *b)
{
	for (uint16_t w = 0; w < b->workers; w++)
		worker_sleep_begin(engine_worker(b->engine, w));
	core_sleep_begin(b->core);
	hrp_sleep_begin(b->ha);
}

static void
wake(struct pair_box *b)
{
	for (uint16_t w = 0; w < b->workers; w++)
		worker_sleep_end(engine_worker(b->engine, w));
	core_sleep_end(b->core);
	hrp_sleep_end(b->ha);
}

int
pair_blacklist(struct pair *p, unsigned int box, const struct blacklist_entry *e, bool on)
{
	struct pair_box *b = &p->boxes[box];
	struct blacklist *list = engine_blacklist(b->engine);
	int rc;

	rest(b);
	rc = on ? blacklist_add(list, e, p->options.max_sessions)
		: blacklist_delete(list, &e->prefix, e->len, (enum blacklist_side)e->side);
	wake(b);
	return rc;
}

/* What the management thread does by itself. */
static void
manage(struct pair *p, struct pair_box *b)
{
	struct blacklist *list = engine_blacklist(b->engine);

	rest(b);
	blacklist_expire(list, p->now);
	blacklist_settle(list, p->options.max_sessions);
	wake(b);
	(void)blacklist_sweep(list, engine_sessions(b->engine), p->options.max_sessions, p->now);
}

void
pair_step(struct pair *p)
{
	const mono_t was = p->now;
	int owner;

	p->now = mono_add_us(p->now, PAIR_STEP_US);
	for (unsigned int i = 0; i < 2; i++) {
		struct pair_box *b = &p->boxes[i];

		if (b->dead)
			continue;
		if ((b->frozen & PAIR_HRP) == 0)
			hrp_poll(b->ha, p->now);
		if ((b->frozen & PAIR_CONTROL) == 0)
			core_poll(b->core, p->now);
		for (uint16_t w = 0; (b->frozen & PAIR_WORKERS) == 0 && w < b->workers; w++)
			worker_poll(engine_worker(b->engine, w), p->now);
		if (b->frozen == 0 && p->now.ns / MANAGE_EVERY_NS != was.ns / MANAGE_EVERY_NS)
			manage(p, b);
	}
	lan_poll(&p->inside, p->now);
	lan_poll(&p->outside, p->now);
	wire_poll(p);
	traffic_poll(&p->traffic, p->now);
	owner = pair_owner(p);
	if (owner == 2)
		p->figures.two_owner_steps++;
	if (owner == -1)
		p->figures.none_owner_us += PAIR_STEP_US;
}

void
pair_run(struct pair *p, uint32_t ms)
{
	for (uint64_t i = 0; i < (uint64_t)ms * 1000 / PAIR_STEP_US; i++)
		pair_step(p);
}

bool
pair_run_until(struct pair *p, bool (*done)(struct pair *), uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		pair_run(p, 1);
		if (done(p))
			return true;
	}
	return false;
}

static bool
formed(struct pair *p)
{
	return pair_owner(p) == 0 && pair_synchronised(p) && p->traffic.probe_received > 10 &&
	       traffic_tcp_alive(&p->traffic, 1000, p->now) == p->traffic.tcp_count;
}

void
pair_form(struct pair *p)
{
	if (!pair_run_until(p, formed, 20000))
		fail_msg("the pair does not form: owner %d, synchronised %d, probes %u of %u, tcp "
			 "%u",
			pair_owner(p), pair_synchronised(p), p->traffic.probe_received,
			p->traffic.probe_sent, traffic_tcp_alive(&p->traffic, 1000, p->now));
	pair_run(p, random_below(p, p->options.hello_ms)); /* any phase of the hello */
	traffic_reset_figures(&p->traffic, p->now);
	p->figures = (struct pair_figures){ 0 };
}

void
pair_kill(struct pair *p, unsigned int box)
{
	p->boxes[box].dead = true;
	lan_discard(&p->inside, (uint8_t)box);
	lan_discard(&p->outside, (uint8_t)box);
}

void
pair_restart(struct pair *p, unsigned int box)
{
	void *m;

	destroy_box(&p->boxes[box]);
	lan_discard(&p->inside, (uint8_t)box);
	lan_discard(&p->outside, (uint8_t)box);
	for (uint8_t link = 0; link < p->options.heartbeats; link++) {
		const struct lan_port *port = &p->ports[box][heartbeat_port[link]];

		while (rte_ring_dequeue(port->to_box[0], &m) == 0)
			rte_pktmbuf_free(m);
		while (rte_ring_dequeue(port->from_box[0], &m) == 0)
			rte_pktmbuf_free(m);
	}
	boot(p, box);
}

void
pair_other_mac(struct pair *p, unsigned int box)
{
	p->boxes[box].other_mac = true;
	pair_restart(p, box);
}

void
pair_freeze(struct pair *p, unsigned int box, uint8_t cores)
{
	p->boxes[box].frozen = cores;
}

void
pair_link(struct pair *p, unsigned int box, bool outside, bool up)
{
	lan_port_of(outside ? &p->outside : &p->inside, (uint8_t)box)->up = up;
	core_post_link(p->boxes[box].core, outside ? 2 : 0, up);
	hrp_link(p->boxes[box].ha, outside ? 2 : 0, up);
}

void
pair_policy(struct pair *p, unsigned int box, const char *rules)
{
	struct pair_box *b = &p->boxes[box];
	struct config *c = make_config(p, box, rules);
	const struct management_ha mha = ha_management(b->ha);
	struct session_recheck r = { 0 };
	struct publish_extra extra = { 0 };
	char err[256] = "";

	rest(b);
	mha.collect_extra(mha.ctx, c, &extra);
	if (publish_config(b->engine, c, &extra, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	wake(b);
	config_free(c);
	while (session_recheck(b->engine, 512, &r))
		pair_run(p, 1);
}

mono_t
pair_now(const struct pair *p)
{
	return p->now;
}

struct pair_box *
pair_box(struct pair *p, unsigned int box)
{
	return &p->boxes[box];
}

struct rte_mempool *
pair_pool(struct pair *p)
{
	return p->pool;
}

struct traffic *
pair_traffic(struct pair *p)
{
	return &p->traffic;
}

struct pair_wire *
pair_heartbeat(struct pair *p)
{
	return &p->wire[0];
}

struct pair_wire *
pair_heartbeat_of(struct pair *p, unsigned int link)
{
	return &p->wire[link];
}

void
pair_heartbeat_carrier(struct pair *p, unsigned int box, unsigned int link, bool up)
{
	hrp_link(p->boxes[box].ha, heartbeat_port[link], up);
}

struct pair_figures *
pair_figures(struct pair *p)
{
	return &p->figures;
}

void
pair_tap(struct pair *p, void (*tap)(void *ctx, unsigned int from, const struct rte_mbuf *),
	void *ctx)
{
	p->tap = tap;
	p->tap_ctx = ctx;
}

void
pair_inject(struct pair *p, unsigned int to, unsigned int link, const uint8_t *frame, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
	char *room = m != NULL ? rte_pktmbuf_append(m, len) : NULL;

	assert_non_null(room);
	memcpy(room, frame, len);
	assert_int_equal(rte_ring_enqueue(p->ports[to][heartbeat_port[link]].to_box[0], m), 0);
}

struct lan *
pair_lan(struct pair *p, bool outside)
{
	return outside ? &p->outside : &p->inside;
}

uint32_t
pair_sessions(const struct pair *p, unsigned int box)
{
	return session_table_count(engine_sessions(p->boxes[box].engine));
}

bool
pair_synchronised(struct pair *p)
{
	struct hrp_status status;

	for (unsigned int b = 0; b < 2; b++) {
		if (p->boxes[b].dead)
			return false;
		hrp_status(ha_hrp(p->boxes[b].ha), &status);
		if (!status.synchronised)
			return false;
	}
	return true;
}

uint32_t
pair_differences(const struct pair *p)
{
	const int owner = pair_owner(p);
	uint32_t differences = 0;

	if (owner != 0 && owner != 1)
		return UINT32_MAX;
	const struct session_table *ours = engine_sessions(p->boxes[owner].engine);
	const struct session_table *theirs = engine_sessions(p->boxes[!owner].engine);

	for (uint32_t i = 0; i < session_table_capacity(ours); i++) {
		const struct session *s = session_table_at(ours, i);
		const uint32_t ctl = atomic_load(&s->ctl);
		const enum session_state state = session_state_of(ctl);
		const struct session_key4 *key_list[1];
		struct session_key4 key;
		uint32_t found;
		uint8_t swap = 0;

		if ((ctl & (SESSION_F_DEAD | SESSION_F_LOCAL)) != 0 ||
			(state != SESSION_TCP_ESTABLISHED && state != SESSION_UDP_REPLIED) ||
			!session_table_key4(ours, s, &key))
			continue;
		key_list[0] = &key;
		session_table_lookup4(theirs, key_list, 1, &found, &swap);
		if (found != SESSION_NONE &&
			session_state_of(atomic_load(&session_table_at(theirs, found)->ctl)) ==
				state)
			continue;
		if (differences++ == 0)
			print_message("session of ports %u and %u: %s here, %s there\n",
				rte_be_to_cpu_16(key.port[0]), rte_be_to_cpu_16(key.port[1]),
				session_state_names[state],
				found == SESSION_NONE
					? "missing"
					: session_state_names[session_state_of(atomic_load(
						  &session_table_at(theirs, found)->ctl))]);
	}
	return differences;
}

const struct hrp_table_status *
pair_table(struct pair *p, unsigned int box, const char *name)
{
	static struct hrp_status status;

	hrp_status(ha_hrp(pair_box(p, box)->ha), &status);
	for (uint64_t i = 0; i < status.tables_count; i++)
		if (strcmp(status.tables[i].name, name) == 0)
			return &status.tables[i];
	fail_msg("no table %s", name);
	abort();
}
