/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From configuration to engine: what packets will find there, what a refused publish leaves, and
 * which settings a reload may change.
 */
#include "ipv6.h"
#include "policy.h"
#include "publish.h"
#include "sample_config.h"
#include "test_eal.h"

#include <rte_lcore.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAC(n)                                                                                     \
	{                                                                                          \
		.addr_bytes = { 2, 0, 0, 0, 0, n }                                                 \
	}

#define TEXT_SIZE (sizeof(sample_config) + 1024)

static void
patch(const char *from, const char *old, const char *new, char to[TEXT_SIZE])
{
	const char *at = strstr(from, old);
	int n;

	assert_non_null(at);
	n = snprintf(to, TEXT_SIZE, "%.*s%s%s", (int)(at - from), from, new, at + strlen(old));
	assert_in_range(n, 1, TEXT_SIZE - 1);
}

static struct config *
parse(const char *text)
{
	char err[640] = "";
	struct config *c;

	c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(c);
	return c;
}

static struct config *
parse_patched(const char *old, const char *new)
{
	static char text[TEXT_SIZE];

	if (old == NULL)
		return parse(sample_config);
	patch(sample_config, old, new, text);
	return parse(text);
}

/* An engine with three ports that carry nothing, and the main thread as the only reader. */
static int
engine_setup(void **state)
{
	static const struct port ports[] = {
		{ .queues = 1, .name = "p1", .mac = MAC(1) },
		{ .queues = 1, .name = "p2", .mac = MAC(2) },
		{ .queues = 1, .name = "p3", .mac = MAC(3) },
	};
	const struct engine_params params = { .name = "pub",
		.workers = 1,
		.max_sessions = 1024,
		.max_neighbours = 64,
		.max_routes = 16,
		.event_ring = 64,
		.socket = SOCKET_ID_ANY };
	char err[256] = "";
	struct engine *e = engine_create(&params, err, sizeof(err));

	if (e == NULL) {
		print_error("%s\n", err);
		return -1;
	}
	for (unsigned int i = 0; i < RTE_DIM(ports); i++) {
		if (engine_add_port(e, &ports[i], i == 1) < 0)
			return -1;
	}
	*state = e;
	return 0;
}

static int
engine_teardown(void **state)
{
	engine_destroy(*state);
	return 0;
}

static const struct publish_virtual virtuals[] = {
	{ .interface = 0, .vrid = 1 },
	{ .interface = 2, .vrid = 2 },
	{ .interface = 0, .vrid = 3, .len = 16 },
	{ .interface = 0, .vrid = 4 },
};

/* What ha/ would hand down: two shared addresses, one in a subnet of its own, one that is our own.
 */
static struct publish_extra
sample_extra(struct publish_virtual out[RTE_DIM(virtuals)])
{
	static const char *const addresses[] = { "10.1.1.1", "200.1.1.1", "172.16.0.1",
		"10.1.1.2" };

	for (unsigned int i = 0; i < RTE_DIM(virtuals); i++) {
		out[i] = virtuals[i];
		out[i].address = inet_addr(addresses[i]);
	}
	return (struct publish_extra){
		.virtuals = out, .virtual_count = RTE_DIM(virtuals), .heartbeat_interfaces = 1 << 1
	};
}

static void
publish(struct engine *e, const struct config *c)
{
	struct publish_virtual list[RTE_DIM(virtuals)];
	const struct publish_extra extra = sample_extra(list);
	char err[256] = "";

	assert_int_equal(publish_config(e, c, &extra, err, sizeof(err)), 0);
	assert_string_equal(err, "");
}

static void
snapshot_holds_interfaces_and_zones(void **state)
{
	struct config *c =
		parse_patched("zone = \"trust\";", "zone = \"guest\"; mtu = 1400; ping = false;");
	const struct rte_ether_addr mac = MAC(3);
	const struct snapshot *s;

	publish(*state, c);
	s = engine_snapshot(*state);
	assert_int_equal(s->version, 1);
	assert_int_equal(s->interface_count, 3);
	assert_string_equal(s->interfaces[2].name, "GigabitEthernet1/0/3");
	assert_int_equal(s->interfaces[2].port, 2);
	assert_int_equal(s->interfaces[2].address, inet_addr("200.1.1.2"));
	assert_int_equal(s->interfaces[2].prefix_len, 24);
	assert_int_equal(s->interfaces[2].zone, 4);
	assert_memory_equal(&s->interfaces[2].mac, &mac, sizeof(mac));
	assert_true(s->interfaces[2].ping);
	assert_int_equal(s->interfaces[0].zone, 5);
	assert_int_equal(s->interfaces[0].mtu, 1400);
	assert_false(s->interfaces[0].ping);
	assert_true(s->interfaces[1].heartbeat);
	assert_false(s->interfaces[0].heartbeat);
	assert_true(s->interfaces[0].up);
	assert_int_equal(s->port_interface[1], 1);
	assert_int_equal(s->port_interface[3], INTERFACE_NONE);
	assert_string_equal(s->zones[1].name, "local");
	assert_int_equal(s->zones[4].priority, 5);
	assert_string_equal(s->zones[5].name, "guest");
	assert_int_equal(s->zones[5].priority, 20);
	assert_int_equal(s->zones[6].priority, 0);
	config_free(c);
}

static void
subinterfaces_share_a_port(void **state)
{
	struct config *c = parse_patched("zone = \"untrust\"; }",
		"zone = \"untrust\"; },\n"
		"{ name = \"GigabitEthernet1/0/3.7\"; port = \"p3\"; vlan = 7; zone = \"dmz\"; },\n"
		"{ name = \"GigabitEthernet1/0/3.4094\"; port = \"p3\"; vlan = 4094; zone = "
		"\"dmz\"; "
		"}");
	const struct snapshot *s;

	publish(*state, c);
	s = engine_snapshot(*state);
	assert_int_equal(s->interface_count, 5);
	assert_int_equal(s->interfaces[2].vlan, 0);
	assert_int_equal(s->interfaces[3].vlan, 7);
	assert_int_equal(s->interfaces[3].port, 2);
	assert_int_equal(s->port_interface[2], 2);
	assert_null(s->port_vlans[0]);
	assert_non_null(s->port_vlans[2]);
	for (unsigned int vid = 0; vid < VLAN_IDS; vid++)
		assert_int_equal(s->port_vlans[2][vid], vid == 7 ? 3 : vid == 4094 ? 4 : VLAN_NONE);
	config_free(c);
}

static void
tracking_is_what_the_settings_say(void **state)
{
	static const struct {
		const char *system, *interface;
		bool loose, check, all;
		uint16_t mss[2]; /* of the first and the last interface */
	} rows[] = {
		{ "", "", false, true, false, { 0, 0 } },
		{ "tcp_loose = true; tcp_window_check = false; verify_checksums = \"all\";", "",
			true, false, true, { 0, 0 } },
		{ "tcp_mss = 1400;", "", false, true, false, { 1400, 1400 } },
		{ "", "tcp_mss = 1300;", false, true, false, { 1300, 0 } },
		{ "tcp_mss = 1400;", "tcp_mss = 1300;", false, true, false, { 1300, 1400 } },
		{ "tcp_mss = 1400;", "tcp_mss = 1440;", false, true, false, { 1400, 1400 } },
	};
	static char once[TEXT_SIZE], twice[TEXT_SIZE];
	char system[256], interface[256];

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct snapshot *s;
		struct config *c;

		snprintf(system, sizeof(system), "memory_mb = 512; %s", rows[i].system);
		snprintf(interface, sizeof(interface), "zone = \"trust\"; %s", rows[i].interface);
		patch(sample_config, "memory_mb = 512;", system, once);
		patch(once, "zone = \"trust\";", interface, twice);
		c = parse(twice);
		publish(*state, c);
		s = engine_snapshot(*state);
		assert_int_equal(s->tracking.tcp_loose, rows[i].loose);
		assert_int_equal(s->tracking.tcp_window_check, rows[i].check);
		assert_int_equal(s->tracking.verify_all, rows[i].all);
		assert_int_equal(s->interfaces[0].tcp_mss, rows[i].mss[0]);
		assert_int_equal(s->interfaces[2].tcp_mss, rows[i].mss[1]);
		config_free(c);
	}
}

static void
fragments_are_what_the_settings_say(void **state)
{
	static const struct {
		const char *section;
		struct snapshot_fragments want;
	} rows[] = {
		{ "system = {", { false, 30, 64 } },
		{ "fragments = { forward = false; };\nsystem = {", { true, 30, 64 } },
		{ "fragments = { timeout_s = 5; per_datagram = 8192; };\nsystem = {",
			{ false, 5, 8192 } },
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct config *c = parse_patched("system = {", rows[i].section);
		const struct snapshot *s;

		publish(*state, c);
		s = engine_snapshot(*state);
		assert_int_equal(s->fragments.drop, rows[i].want.drop);
		assert_int_equal(s->fragments.timeout, rows[i].want.timeout);
		assert_int_equal(s->fragments.most, rows[i].want.most);
		config_free(c);
	}
}

static void
DOS_03_defences_are_what_the_settings_say(void **state)
{
	static const struct {
		const char *defence, *interface;
		uint32_t on;
		enum reverse_path path[3];
	} rows[] = {
		{ "", "", UINT32_MAX,
			{ REVERSE_PATH_CONNECTED, REVERSE_PATH_CONNECTED,
				REVERSE_PATH_CONNECTED } },
		{ "defence = { land = false; ip_timestamp = false; };\n",
			"reverse_path = \"strict\"; ",
			~(DEFENCE_BIT(land) | DEFENCE_BIT(ip_timestamp)),
			{ REVERSE_PATH_STRICT, REVERSE_PATH_CONNECTED, REVERSE_PATH_CONNECTED } },
		{ "defence = { ip_options = false; };\n", "reverse_path = \"loose\"; ",
			~DEFENCE_BIT(ip_options),
			{ REVERSE_PATH_LOOSE, REVERSE_PATH_CONNECTED, REVERSE_PATH_CONNECTED } },
		{ "", "reverse_path = \"off\"; ", UINT32_MAX,
			{ REVERSE_PATH_OFF, REVERSE_PATH_CONNECTED, REVERSE_PATH_CONNECTED } },
	};
	const uint32_t all = (UINT32_C(1) << DEFENCE_COUNT) - 1;
	static char once[TEXT_SIZE], twice[TEXT_SIZE];
	char section[256], interface[256];

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct snapshot *s;
		struct config *c;

		snprintf(section, sizeof(section), "%sinterfaces = (", rows[i].defence);
		snprintf(interface, sizeof(interface), "zone = \"trust\"; %s", rows[i].interface);
		patch(sample_config, "interfaces = (", section, once);
		patch(once, "zone = \"trust\";", interface, twice);
		c = parse(twice);
		publish(*state, c);
		s = engine_snapshot(*state);
		assert_int_equal(s->defences, rows[i].on & all);
		for (unsigned int j = 0; j < 3; j++)
			assert_int_equal(s->interfaces[j].reverse_path, rows[i].path[j]);
		/* 10.1.1.0/24, 10.10.0.0/24, 200.1.1.0/24, and 172.16.0.0/16 of a virtual address
		 */
		assert_int_equal(s->edge_count, 8);
		assert_true(snapshot_is_edge(s, inet_addr("172.16.255.255")));
		config_free(c);
	}
}

static void
DOS_02_the_blacklist_is_what_the_section_says(void **state)
{
	static const char section[] =
		"blacklist = ( { address = \"10.9.0.0/16\"; }, "
		"{ address = \"2001:db8:9::7/128\"; direction = \"both\"; } );\ninterfaces = (";
	struct config *c = parse_patched("interfaces = (", section);
	const struct blacklist *b = engine_blacklist(*state);

	publish(*state, c);
	assert_int_equal(b->count, 3);
	assert_int_equal(b->timed, 0);
	assert_true(blacklist_sweeping(b));
	config_free(c);
	c = parse_patched(NULL, NULL);
	publish(*state, c);
	assert_int_equal(b->count, 0);
	assert_null(blacklist_current(b));
	config_free(c);
}

static void
DOS_07_limits_are_what_the_section_says(void **state)
{
	static const char section[] =
		"limits = ( { zone = \"untrust\"; source_total = 5; source_half_open = 3; "
		"source_rate = 1000; source_length = 24; rate = 3; } );\ninterfaces = (";
	struct config *c = parse_patched("interfaces = (", section);
	const struct snapshot *s;
	const struct limit_zone *l;

	publish(*state, c);
	s = engine_snapshot(*state);
	assert_int_equal(s->limit_zones, UINT64_C(1) << config_zone_id(c, "untrust"));
	l = &s->limits[config_zone_id(c, "untrust")];
	assert_int_equal(l->source.total, 5);
	assert_int_equal(l->source.half_open, 3);
	assert_int_equal(l->source.interval_ns, 1000000);
	assert_int_equal(l->zone.total, 0);
	assert_int_equal(l->zone.half_open, 0);
	assert_int_equal(l->zone.interval_ns, 333333333);
	assert_int_equal(l->len4, 24);
	assert_int_equal(l->len6, 64);
	config_free(c);
	c = parse_patched(NULL, NULL);
	publish(*state, c);
	assert_int_equal(engine_snapshot(*state)->limit_zones, 0);
	config_free(c);
}

static void
DOS_04_scan_detection_is_what_the_section_says(void **state)
{
	static const char section[] = "scan = { zones = [ \"untrust\", \"guest\" ]; ports = 100; "
				      "hosts = 0; interval = 7; "
				      "};\ninterfaces = (";
	struct config *c = parse_patched("interfaces = (", section);
	const struct snapshot *s;

	publish(*state, c);
	s = engine_snapshot(*state);
	assert_int_equal(s->scan_zones, UINT64_C(1) << config_zone_id(c, "untrust") |
						UINT64_C(1) << config_zone_id(c, "guest"));
	assert_int_equal(s->scan.bits[SCAN_PORTS], 83); /* 256 (1 - (255 / 256)^100) */
	assert_int_equal(s->scan.bits[SCAN_HOSTS], 0);
	assert_int_equal(s->scan.interval_s, 7);
	config_free(c);
}

static void
own_addresses_are_sorted_and_each_once(void **state)
{
	static const struct {
		const char *address;
		int interface, vrid;
	} rows[] = { { "10.1.1.1", 0, 1 }, { "10.1.1.2", 0, 0 }, { "10.10.0.1", 1, 0 },
		{ "172.16.0.1", 0, 3 }, { "200.1.1.1", 2, 2 }, { "200.1.1.2", 2, 0 } };
	struct config *c = parse_patched(NULL, NULL);
	const struct snapshot *s;

	publish(*state, c);
	s = engine_snapshot(*state);
	assert_int_equal(s->address_count, RTE_DIM(rows));
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct snapshot_address *a = &s->addresses[i];

		assert_ptr_equal(snapshot_own_address(s, inet_addr(rows[i].address)), a);
		assert_int_equal(a->interface, rows[i].interface);
		assert_int_equal(a->vrid, rows[i].vrid);
	}
	assert_null(snapshot_own_address(s, inet_addr("10.1.1.3")));
	config_free(c);
}

struct route_row {
	const char *dst;
	int interface; /* -1 = none */
	const char *next_hop;
};

static void
assert_routes(const struct engine *e, const struct route_row *rows, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		rte_be32_t next_hop = 0;
		uint16_t interface = 0;
		const bool found = route_lookup(
			engine_routes(e), inet_addr(rows[i].dst), &interface, &next_hop);

		assert_int_equal(found, rows[i].interface >= 0);
		if (!found)
			continue;
		assert_int_equal(interface, rows[i].interface);
		assert_int_equal(next_hop, inet_addr(rows[i].next_hop));
	}
}

static void
routes_are_connected_subnets_and_static_ones(void **state)
{
	static const struct route_row rows[] = {
		{ "10.1.1.10", 0, "10.1.1.10" },
		{ "10.10.0.2", 1, "10.10.0.2" },
		{ "200.1.1.10", 2, "200.1.1.10" },
		{ "172.16.3.4", 0, "172.16.3.4" }, /* subnet of a virtual address */
		{ "8.8.8.8", 2, "200.1.1.254" },
	};
	struct config *c = parse_patched(NULL, NULL);

	publish(*state, c);
	assert_routes(*state, rows, RTE_DIM(rows));
	config_free(c);
}

/* IPv6 on both service interfaces, a default route over a link-local next hop and one more. */
static struct config *
parse_ipv6(const char *more)
{
	static char text[2 * sizeof(sample_config)];
	char err[640] = "";
	struct config *c;

	snprintf(text, sizeof(text),
		"version = 1;\n"
		"system = { name = \"FW1\"; management_cpu = 0; control_cpu = 0; hrp_cpu = 0;\n"
		"  worker_cpus = [ 0 ]; memory_mb = 512; hugepages = false; };\n"
		"ports = ( { name = \"p1\"; devargs = \"net_null0\"; },\n"
		"  { name = \"p3\"; devargs = \"net_null1\"; } );\n"
		"interfaces = (\n"
		"  { name = \"in\"; port = \"p1\"; zone = \"trust\";\n"
		"    address6 = [ \"2001:db8:1::2/64\", \"2001:db8:1::3/64\", \"fd00:1::1/48\" ]; "
		"},\n"
		"  { name = \"out\"; port = \"p3\"; zone = \"untrust\"; %s\n"
		"    address6 = [ \"2001:db8:200::2/64\" ]; link_local = \"fe80::2\"; } );\n"
		"routes = ( { prefix = \"::/0\"; via = \"fe80::1\"; interface = \"out\"; },\n"
		"  { prefix = \"2001:db8:50::/44\"; via = \"2001:db8:1::9\"; } );\n"
		"security_policy = { };\n",
		more);
	c = config_parse(text, "v6.conf", sample_sections(), err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(c);
	return c;
}

static void
assert_route6(const struct engine *e, const char *dst, int interface, const char *next_hop)
{
	const struct ipv6 to = ipv6(dst);
	const uint8_t *hop = NULL;
	uint16_t out = 0;
	const bool found = route6_lookup(engine_routes6(e), to.b, &out, &hop);

	assert_int_equal(found ? (int)out : -1, interface);
	if (found)
		assert_memory_equal(hop, ipv6(next_hop).b, IP6_LEN);
}

static void
ipv6_addresses_and_routes_are_published(void **state)
{
	struct config *c = parse_ipv6("");
	const struct rte_ether_addr mac = MAC(1);
	const struct snapshot_address6 *own;
	const struct snapshot *s;
	uint8_t link_local[IP6_LEN];
	char err[256] = "";

	assert_int_equal(publish_config(*state, c, NULL, err, sizeof(err)), 0);
	s = engine_snapshot(*state);
	assert_int_equal(s->interfaces[0].address6_count, 3);
	ip6_link_local(link_local, &mac);
	assert_memory_equal(s->interfaces[0].link_local, link_local, IP6_LEN);
	assert_memory_equal(s->interfaces[1].link_local, ipv6("fe80::2").b, IP6_LEN);
	assert_int_equal(s->address6_count, 6);
	own = snapshot_own_address6(s, 1, ipv6("fd00:1::1").b);
	assert_non_null(own);
	assert_int_equal(own->interface, 0);
	assert_non_null(snapshot_own_address6(s, 1, ipv6("fe80::2").b));
	assert_null(snapshot_own_address6(s, 0, ipv6("fe80::2").b));

	assert_route6(*state, "2001:db8:1::77", 0, "2001:db8:1::77");
	assert_route6(*state, "fd00:1:0:5::1", 0, "fd00:1:0:5::1");
	assert_route6(*state, "2001:db8:200::9", 1, "2001:db8:200::9");
	assert_route6(*state, "2001:db8:55::9", 0, "2001:db8:1::9");
	assert_route6(*state, "2001:db9::1", 1, "fe80::1");
	config_free(c);

	c = parse_ipv6("shutdown = true;");
	assert_int_equal(publish_config(*state, c, NULL, err, sizeof(err)), 0);
	assert_route6(*state, "2001:db9::1", -1, NULL);
	assert_route6(*state, "2001:db8:200::9", -1, NULL);
	assert_route6(*state, "2001:db8:55::9", 0, "2001:db8:1::9");
	config_free(c);
}

static void
interface_that_is_shut_down_takes_its_routes_along(void **state)
{
	static const struct route_row rows[] = {
		{ "10.1.1.10", 0, "10.1.1.10" },
		{ "200.1.1.10", -1, NULL },
		{ "8.8.8.8", -1, NULL },
	};
	struct config *c =
		parse_patched("zone = \"untrust\";", "zone = \"untrust\"; shutdown = true;");

	publish(*state, c);
	assert_routes(*state, rows, RTE_DIM(rows));
	assert_false(engine_snapshot(*state)->interfaces[2].up);
	config_free(c);
}

/* P46: zones, addresses, protocol and ports of a rule. */
static void
P46_policy_is_what_the_rules_say(void **state)
{
	static const struct {
		int from, to, proto;
		const char *src, *dst;
		int dport;
		bool permit;
	} rows[] = {
		{ 2, 4, 6, "10.1.1.10", "200.1.1.10", 80, true },
		{ 2, 4, 17, "10.1.1.10", "200.1.1.10", 0, true },
		{ 2, 4, 1, "10.1.1.10", "200.1.1.10", 0, true },
		{ 2, 4, 6, "10.1.1.10", "200.1.1.10", 0, false }, /* ports from 1 */
		{ 2, 4, 47, "10.1.1.10", "200.1.1.10", 0, false },
		{ 2, 4, 6, "10.1.2.10", "200.1.1.10", 80, false },
		{ 4, 2, 6, "200.1.1.10", "10.1.1.10", 80, false },
		{ 2, 3, 6, "10.1.1.10", "10.10.0.2", 80, false },
	};
	struct config *c = parse_patched(NULL, NULL);
	const struct policy *p;

	publish(*state, c);
	p = engine_snapshot(*state)->policy;
	assert_int_equal(policy_rule_count(p), 1);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct policy_key key = { .source_zone = (uint8_t)rows[i].from,
			.destination_zone = (uint8_t)rows[i].to,
			.proto = (uint8_t)rows[i].proto,
			.src = inet_addr(rows[i].src),
			.dst = inet_addr(rows[i].dst),
			.sport = rte_cpu_to_be_16(40000),
			.dport = rte_cpu_to_be_16((uint16_t)rows[i].dport) };
		struct policy_verdict verdict;

		policy_classify(p, &key, 1, &verdict);
		assert_int_equal(verdict.action == POLICY_PERMIT, rows[i].permit);
		assert_int_equal(verdict.id, rows[i].permit ? policy_rule_id("out") : 0);
	}
	config_free(c);
}

static void
publishing_again_replaces_everything(void **state)
{
	static const struct route_row rows[] = { { "8.8.8.8", 0, "10.1.1.99" } };
	struct config *first = parse_patched(NULL, NULL);
	struct config *second = parse_patched("via = \"200.1.1.254\"", "via = \"10.1.1.99\"");

	for (unsigned int i = 0; i < 5; i++)
		publish(*state, first);
	publish(*state, second);
	assert_int_equal(engine_snapshot(*state)->version, 6);
	assert_routes(*state, rows, RTE_DIM(rows));
	config_free(first);
	config_free(second);
}

static void
refused_publish_changes_nothing(void **state)
{
	static const struct route_row rows[] = { { "8.8.8.8", 2, "200.1.1.254" },
		{ "172.16.3.4", 0, "172.16.3.4" }, { "50.1.0.1", 2, "200.1.1.254" } };
	struct config *good = parse_patched(NULL, NULL), *bad;
	const struct snapshot *before;
	char routes[1024] = "routes = ( ", err[256] = "";

	publish(*state, good);
	before = engine_snapshot(*state);
	/* The engine's table has room for 16. */
	for (unsigned int i = 0; i < 16; i++)
		snprintf(routes + strlen(routes), sizeof(routes) - strlen(routes),
			"{ prefix = \"50.%u.0.0/16\"; via = \"10.1.1.99\"; }, ", i);
	bad = parse_patched("routes = ( ", routes);
	assert_int_equal(publish_config(*state, bad, NULL, err, sizeof(err)), -ENOSPC);
	assert_non_null(strstr(err, "routes: 20 do not fit the table"));
	assert_ptr_equal(engine_snapshot(*state), before);
	assert_routes(*state, rows, RTE_DIM(rows));
	config_free(bad);

	/* A port the engine has not started. */
	bad = parse_patched(
		"{ name = \"p1\"", "{ name = \"p0\"; devargs = \"net_null0\"; }, { name = \"p1\"");
	assert_int_equal(publish_config(*state, bad, NULL, err, sizeof(err)), -ENODEV);
	assert_non_null(strstr(err, "restart"));
	assert_ptr_equal(engine_snapshot(*state), before);
	config_free(bad);
	config_free(good);
}

static void
a_virtual_address_of_ipv6_is_the_groups_and_never_the_boxs_own(void **state)
{
	const struct rte_ether_addr mac = MAC(1);
	struct snapshot_address6 groups[2] = { { .interface = 0, .vrid = 7 },
		{ .interface = 1, .vrid = 8 } };
	const struct publish_extra extra = { .virtuals6 = groups, .virtual6_count = 2 };
	const struct snapshot_address6 *found;
	const struct snapshot *before;
	struct config *c = parse_ipv6("");
	char err[256] = "";

	memcpy(groups[0].address, ipv6("fe80::1").b, IP6_LEN);
	memcpy(groups[1].address, ipv6("fe80::1").b, IP6_LEN);
	assert_int_equal(publish_config(*state, c, &extra, err, sizeof(err)), 0);
	before = engine_snapshot(*state);
	for (uint16_t i = 0; i < RTE_DIM(groups); i++) {
		found = snapshot_own_address6(before, i, ipv6("fe80::1").b);
		assert_non_null(found);
		assert_int_equal(found->vrid, groups[i].vrid);
	}
	assert_null(snapshot_own_address6(before, 2, ipv6("fe80::1").b));

	/* Made from the port's MAC, so that no configuration shows it. */
	ip6_link_local(groups[0].address, &mac);
	assert_int_equal(publish_config(*state, c, &extra, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "vrrp: vrid 7: fe80::ff:fe00:1 is the link-local address"));
	assert_ptr_equal(engine_snapshot(*state), before);
	config_free(c);
}

static void
reload_names_the_first_setting_that_needs_a_restart(void **state)
{
	static const struct {
		const char *old, *new;
		const char *setting; /* NULL = may be reloaded */
	} rows[] = {
		{ NULL, NULL, NULL },
		{ "zone = \"trust\";", "zone = \"guest\";", NULL },
		{ "zone = \"trust\";", "zone = \"trust\"; ping = false;", NULL },
		{ "zone = \"trust\";", "zone = \"trust\"; shutdown = true;", NULL },
		{ "priority = 20; }", "priority = 21; }, { name = \"lab\"; priority = 7; }", NULL },
		{ "200.1.1.254", "200.1.1.253", NULL },
		{ "routes = ( { prefix = \"0.0.0.0/0\"; via = \"200.1.1.254\"; } );", "", NULL },
		{ "default = \"deny\"", "default = \"permit\"", NULL },
		{ "1-65535", "80", NULL },
		{ "name = \"out\"", "name = \"out2\"", NULL },
		{ "sessions = 100000", "sessions = 200000", "system.sessions" },
		{ "name = \"FW1\"", "name = \"FW9\"", "system.name" },
		{ "[ 0, 0 ]", "[ 0 ]", "system.worker_cpus" },
		{ "idle_sleep_us = 50", "idle_sleep_us = 51", "system.idle_sleep_us" },
		{ "FW1.json", "FW1.other", "system.json_socket" },
		{ "iface=in0", "iface=in1", "ports[p1].devargs" },
		{ "qpairs=2\"; }", "qpairs=2\"; mtu = 1600; }", "ports[p1].mtu" },
		{ "qpairs=2\"; }", "qpairs=2\"; promiscuous = true; }", "ports[p1].promiscuous" },
		{ "{ name = \"p1\"",
			"{ name = \"p0\"; devargs = \"net_null0\"; },\n{ name = \"p1\"", "ports" },
		{ "10.1.1.2/24", "10.1.1.4/24", "interfaces[GigabitEthernet1/0/1].address" },
		{ "zone = \"trust\";", "zone = \"trust\"; mtu = 1400;",
			"interfaces[GigabitEthernet1/0/1].mtu" },
		{ "vrid = 1", "vrid = 3", "vrrp[0].vrid" },
		{ "virtual_ip = \"10.1.1.1/24\"", "virtual_ip = \"10.1.1.5\"",
			"vrrp[0].virtual_ip" },
		{ "virtual_ip = \"10.1.1.1/24\"", "virtual_ip = \"10.1.1.1\"",
			NULL }, /* the same */
		{ "hello_ms = 1000", "hello_ms = 100", "hrp.hello_ms" },
		{ "track = ( )",
			"track = ( { interface = \"GigabitEthernet1/0/1\"; group = \"active\"; } )",
			"hrp.track" },
	};
	struct config *running = parse_patched(NULL, NULL);
	char err[256], expected[256];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct config *next = parse_patched(rows[i].old, rows[i].new);
		const int rc = publish_check_reload(running, next, err, sizeof(err));

		assert_int_equal(rc, rows[i].setting == NULL ? 0 : -EINVAL);
		if (rows[i].setting != NULL) {
			snprintf(expected, sizeof(expected), "%s needs a restart", rows[i].setting);
			assert_string_equal(err, expected);
		}
		config_free(next);
	}
	config_free(running);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(snapshot_holds_interfaces_and_zones),
		CASE(subinterfaces_share_a_port),
		CASE(tracking_is_what_the_settings_say),
		CASE(fragments_are_what_the_settings_say),
		CASE(DOS_03_defences_are_what_the_settings_say),
		CASE(DOS_02_the_blacklist_is_what_the_section_says),
		CASE(DOS_07_limits_are_what_the_section_says),
		CASE(DOS_04_scan_detection_is_what_the_section_says),
		CASE(own_addresses_are_sorted_and_each_once),
		CASE(routes_are_connected_subnets_and_static_ones),
		CASE(ipv6_addresses_and_routes_are_published),
		CASE(interface_that_is_shut_down_takes_its_routes_along),
		CASE(P46_policy_is_what_the_rules_say),
		CASE(publishing_again_replaces_everything),
		CASE(refused_publish_changes_nothing),
		CASE(a_virtual_address_of_ipv6_is_the_groups_and_never_the_boxs_own),
		cmocka_unit_test(reload_names_the_first_setting_that_needs_a_restart),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
