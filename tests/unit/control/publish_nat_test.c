/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address translation from configuration to snapshot: rules, groups, servers and mappings as
 * packets will find them, who answers for which address, and what a refused publish leaves.
 */
#include "nat.h"
#include "policy_count.h"
#include "publish.h"
#include "sample_config.h"
#include "test_eal.h"

#include <rte_lcore.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORTS 3

static struct engine *
engine_open(bool nat)
{
	const struct engine_params params = { .name = nat ? "natpub" : "nonatpub",
		.workers = 2,
		.max_sessions = 1024,
		.max_neighbours = 64,
		.max_routes = 16,
		.event_ring = 64,
		.nat = nat,
		.socket = SOCKET_ID_ANY };
	char err[256] = "";
	struct engine *e = engine_create(&params, err, sizeof(err));

	assert_string_equal(err, "");
	for (uint8_t i = 0; i < PORTS; i++) {
		const struct port port = {
			.queues = 2, .name = "p", .mac = { { 2, 0, 0, 0, 0, i } }
		};

		assert_int_equal(engine_add_port(e, &port, i == 1), i);
	}
	return e;
}

static int
setup(void **state)
{
	*state = engine_open(true);
	return 0;
}

static int
teardown(void **state)
{
	engine_destroy(*state);
	return 0;
}

/* The sample with the first `old` replaced and more sections. */
static struct config *
parse(const char *old, const char *new, const char *sections)
{
	static char text[sizeof(sample_config) + 8192];
	const char *at = strstr(sample_config, old);
	char err[640] = "";
	struct config *c;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s\n%s", (int)(at - sample_config), sample_config, new,
		at + strlen(old), sections);
	c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(c);
	return c;
}

/* The sample's groups, and two more on the outside interface, the lowest not first; one of them
 * brings a subnet. */
static struct publish_extra
extra(struct publish_virtual list[4])
{
	list[0] = (struct publish_virtual){ inet_addr("10.1.1.1"), 0, 1, 0, false };
	list[1] = (struct publish_virtual){ inet_addr("200.1.1.7"), 2, 9, 0, false };
	list[2] = (struct publish_virtual){ inet_addr("200.1.1.1"), 2, 2, 0, false };
	list[3] = (struct publish_virtual){ inet_addr("203.0.113.1"), 2, 10, 24, false };
	return (struct publish_extra){
		.virtuals = list, .virtual_count = 4, .heartbeat_interfaces = 1 << 1
	};
}

/* => as publish_config(); takes the configuration */
static int
try(struct engine *e, struct config *c, char *err, size_t err_size)
{
	struct publish_virtual list[4];
	const struct publish_extra x = extra(list);
	const int rc = publish_config(e, c, &x, err, err_size);

	config_free(c);
	return rc;
}

static const struct nat *
publish(struct engine *e, const char *sections)
{
	char err[256] = "";

	assert_int_equal(try(e, parse("", "", sections), err, sizeof(err)), 0);
	assert_string_equal(err, "");
	return engine_snapshot(e)->nat;
}

static struct policy_verdict
classify(const struct nat *nat, const char *src, const char *dst)
{
	const struct policy_key key = { .source_zone = 2,
		.destination_zone = 4,
		.proto = IPPROTO_TCP,
		.src = inet_addr(src),
		.dst = inet_addr(dst),
		.sport = htons(1024),
		.dport = htons(80) };
	struct policy_verdict v;

	policy_classify(nat->rules, &key, 1, &v);
	return v;
}

#define GROUPS                                                                                     \
	"nat_address_groups = ("                                                                   \
	" { name = \"pool\"; addresses = [ \"198.51.100.8/29\", \"198.51.100.1\" ]; block = 64; "  \
	"},"                                                                                       \
	" { name = \"cone\"; addresses = [ \"198.51.100.20\" ]; paired = false;"                   \
	"   filtering = \"endpoint-independent\"; },"                                              \
	" { name = \"sym\"; addresses = [ \"198.51.100.21\" ];"                                    \
	"   mapping = \"address-and-port-dependent\"; },"                                          \
	" { name = \"hosts\"; mode = \"no-pat\"; addresses = [ \"198.51.100.30-198.51.100.39\" "   \
	"]; } "                                                                                    \
	");\n"

static void
rules_lead_to_their_groups(void **state)
{
	static const struct {
		const char *source, *rule;
		enum nat_action action;
		const char *group;
		bool no_alg;
	} rows[] = {
		{ "10.1.1.5", "keep", NAT_KEEP, NULL, false },
		{ "10.1.1.6", "pool", NAT_SOURCE, "pool", true },
		{ "10.1.2.1", "cone", NAT_SOURCE, "cone", false },
		{ "10.1.3.1", "hosts", NAT_SOURCE, "hosts", false },
		{ "10.1.4.1", "easy", NAT_EASY_IP, NULL, false },
		{ "10.1.5.1", NULL, NAT_KEEP, NULL, false },
		{ "10.1.6.1", NULL, NAT_KEEP, NULL, false }, /* its rule is off */
	};
	const struct nat *nat = publish(*state, GROUPS
		"address_sets = ( { name = \"four\"; addresses = [ \"10.1.4.0/24\" ]; } );\n"
		"nat_policy = { rules = (\n"
		"{ name = \"keep\"; source_addresses = [ \"10.1.1.5\" ]; action = \"no-nat\"; },\n"
		"{ name = \"pool\"; source_addresses = [ \"10.1.1.0/24\" ]; action = "
		"\"source-nat\"; address_group = \"pool\"; alg = false; },\n"
		"{ name = \"off\"; source_addresses = [ \"10.1.6.0/24\" ]; action = "
		"\"source-nat\"; address_group = \"pool\"; enable = false; },\n"
		"{ name = \"cone\"; source_addresses = [ \"10.1.2.0/24\" ]; action = "
		"\"source-nat\"; address_group = \"cone\"; },\n"
		"{ name = \"hosts\"; source_addresses = [ \"10.1.3.0/24\" ]; action = "
		"\"source-nat\"; address_group = \"hosts\"; },\n"
		"{ name = \"easy\"; source_sets = [ \"four\" ]; destination_zones = [ \"untrust\" "
		"]; "
		"service_sets = [ \"http\" ]; action = \"source-nat\"; easy_ip = true; } ); };");

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct policy_verdict v = classify(nat, rows[i].source, "9.9.9.9");
		const struct nat_source *s = &nat->sources[v.slot];

		if (rows[i].rule == NULL)
			assert_int_equal(v.slot, 0);
		else
			assert_string_equal(policy_rule_name(nat->rules, v.slot), rows[i].rule);
		assert_int_equal(s->action, rows[i].action);
		assert_int_equal(s->no_alg, rows[i].no_alg);
		if (rows[i].group != NULL)
			assert_string_equal(
				nat_groups_params(nat->groups, s->group)->name, rows[i].group);
	}
}

static void
groups_are_what_the_settings_say(void **state)
{
	static const struct {
		const char *name;
		enum nat_pool_mode mode;
		bool paired, independent, cone;
		uint32_t block, sections, addresses;
	} rows[] = {
		{ "pool", NAT_POOL_PAT, true, true, false, 64, 2, 9 },
		{ "cone", NAT_POOL_PAT, false, true, true, 256, 1, 1 },
		{ "sym", NAT_POOL_PAT, true, false, false, 256, 1, 1 },
		{ "hosts", NAT_POOL_NO_PAT, false, false, false, 256, 1, 10 },
	};
	const struct nat *nat = publish(*state, GROUPS);

	assert_null(nat->rules);
	assert_int_equal(nat->group_count, RTE_DIM(rows));
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const uint16_t id = nat_groups_find(nat->groups, rows[i].name);
		const struct nat_group_params *p;

		assert_int_not_equal(id, NAT_GROUP_NONE);
		p = nat_groups_params(nat->groups, id);
		assert_int_equal(p->mode, rows[i].mode);
		assert_int_equal(p->paired, rows[i].paired);
		assert_int_equal(p->endpoint_independent, rows[i].independent);
		assert_int_equal(p->full_cone, rows[i].cone);
		assert_int_equal(p->block, rows[i].block);
		assert_int_equal(p->section_count, rows[i].sections);
		assert_int_equal(
			nat_pool_addresses(nat_groups_pool(nat->groups, id)), rows[i].addresses);
	}
	/* In order, whatever that of the file is. */
	assert_int_equal(nat_groups_params(nat->groups, nat->group_ids[0])->sections[0].from,
		ntohl(inet_addr("198.51.100.1")));
}

static void
servers_and_mappings_are_found(void **state)
{
	static const struct {
		uint8_t zone;
		const char *address;
		uint8_t proto;
		uint16_t port;
		const char *server;
		uint16_t inside_port, inside_count;
	} rows[] = {
		{ 4, "198.51.100.1", IPPROTO_TCP, 8080, "web", 80, 2 },
		{ 4, "198.51.100.1", IPPROTO_TCP, 8089, "web", 80, 2 },
		{ 4, "198.51.100.1", IPPROTO_TCP, 8090, "rest", 0, 1 },
		{ 4, "198.51.100.1", IPPROTO_UDP, 8080, "rest", 0, 1 },
		{ 4, "198.51.100.1", IPPROTO_GRE, 0, "rest", 0, 1 },
		{ 4, "200.1.1.2", IPPROTO_UDP, 53, "dns", 53, 1 },
		{ 2, "200.1.1.2", IPPROTO_UDP, 53, NULL, 0, 0 },
		{ 4, "200.1.1.2", IPPROTO_TCP, 53, NULL, 0, 0 },
	};
	const struct nat *nat = publish(*state,
		"nat_servers = (\n"
		"{ name = \"rest\"; protocol = \"any\"; public_address = \"198.51.100.1\"; "
		"inside_addresses = [ \"10.1.1.90\" ]; },\n"
		"{ name = \"web\"; protocol = \"tcp\"; public_address = \"198.51.100.1\"; "
		"public_port = \"8080-8089\"; inside_addresses = [ \"10.1.1.80-10.1.1.81\" ]; "
		"inside_port = 80; },\n"
		"{ name = \"dns\"; protocol = \"udp\"; public_address = \"200.1.1.2\"; public_port "
		"= \"53\"; inside_addresses = [ \"10.1.1.53\" ]; zones = [ \"untrust\", \"dmz\" "
		"]; } );\n"
		"nat_static = (\n"
		"{ name = \"net\"; public = \"198.51.101.0/24\"; inside = \"10.1.9.0/24\"; },\n"
		"{ name = \"one\"; public = \"198.51.100.99/32\"; inside = \"10.1.1.99/32\"; } );");
	rte_be32_t other = 0;

	assert_int_equal(nat->server_count, 3);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct nat_server *s = nat_server_find(nat, rows[i].zone,
			inet_addr(rows[i].address), rows[i].proto, htons(rows[i].port));

		if (rows[i].server == NULL) {
			assert_null(s);
			continue;
		}
		assert_non_null(s);
		assert_string_equal(s->name, rows[i].server);
		assert_int_equal(s->inside_port, rows[i].inside_port);
		assert_int_equal(s->inside_count, rows[i].inside_count);
	}
	assert_true(nat_static_public(nat, inet_addr("198.51.101.77"), &other));
	assert_int_equal(other, inet_addr("10.1.9.77"));
	assert_true(nat_static_inside(nat, inet_addr("10.1.1.99"), &other));
	assert_int_equal(other, inet_addr("198.51.100.99"));
	assert_false(nat_static_inside(nat, inet_addr("10.1.1.98"), &other));
}

static void
prefixes_of_nat64_are_found(void **state)
{
	static const struct {
		uint8_t zone;
		const char *address, *prefix, *group;
	} rows[] = {
		{ 2, "64:ff9b::1.1.1.1", "all", "pool" },
		{ 4, "64:ff9b::1.1.1.1", "all", "pool" },
		{ 2, "2001:db8:64:101:1:100::", "inside", "sym" },
		{ 3, "2001:db8:64:101:1:100::", "dmz", "pool" },
		{ 4, "2001:db8:64:101:1:100::", NULL, NULL },
		{ 2, "2001:db8:65::", NULL, NULL },
	};
	const struct nat *nat =
		publish(*state, GROUPS "nat64 = ( { name = \"all\"; prefix = \"64:ff9b::/96\"; "
				       "address_group = \"pool\"; },\n"
				       "{ name = \"inside\"; prefix = \"2001:db8:64::/48\"; "
				       "address_group = \"sym\"; zones "
				       "= [ \"trust\" ]; },\n"
				       "{ name = \"dmz\"; prefix = \"2001:db8:64::/48\"; "
				       "address_group = \"pool\"; zones = [ "
				       "\"dmz\" ]; } );");

	assert_int_equal(nat->prefix64_count, 3);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct nat64_prefix *p;
		uint8_t address[IP6_LEN];
		rte_be32_t four = 0;

		assert_int_equal(inet_pton(AF_INET6, rows[i].address, address), 1);
		p = nat64_find(nat, rows[i].zone, address);
		if (rows[i].prefix == NULL) {
			assert_null(p);
			continue;
		}
		assert_non_null(p);
		assert_string_equal(p->name, rows[i].prefix);
		assert_string_equal(nat_groups_params(nat->groups, p->group)->name, rows[i].group);
		assert_true(nat64_extract(p, address, &four));
		assert_int_equal(four, inet_addr("1.1.1.1"));
	}
}

#define EASY                                                                                       \
	"nat_policy = { rules = ( { name = \"e\"; action = \"source-nat\"; easy_ip = true; %s } "  \
	"); };"

/* On the virtual address with the lowest vrid, else the interface's own; none on the heartbeat's.
 */
static void
P34_easy_ip_takes_what_survives_a_takeover(void **state)
{
	static const char *const addresses[PORTS] = { "10.1.1.1", NULL, "200.1.1.1" };
	char sections[256], name[64];
	const struct nat *nat;

	snprintf(sections, sizeof(sections), EASY, "");
	nat = publish(*state, sections);
	assert_int_equal(nat->group_count, 2);
	for (unsigned int i = 0; i < PORTS; i++) {
		const struct nat_group_params *p;

		if (addresses[i] == NULL) {
			assert_int_equal(nat->easy_ip[i], NAT_GROUP_NONE);
			continue;
		}
		p = nat_groups_params(nat->groups, nat->easy_ip[i]);
		snprintf(name, sizeof(name), "easy-ip GigabitEthernet1/0/%u", i + 1);
		assert_string_equal(p->name, name);
		assert_int_equal(p->section_count, 1);
		assert_int_equal(p->sections[0].from, ntohl(inet_addr(addresses[i])));
		assert_int_equal(p->sections[0].to, ntohl(inet_addr(addresses[i])));
		assert_int_equal(p->mode, NAT_POOL_PAT);
	}
	/* Nobody asks for them. */
	snprintf(sections, sizeof(sections), EASY, "enable = false;");
	nat = publish(*state, sections);
	assert_int_equal(nat->group_count, 0);
	assert_int_equal(nat->easy_ip[0], NAT_GROUP_NONE);
	assert_null(publish(*state, ""));
}

/* What stays the same keeps its pool; what has changed gets a new one, and the old one is over. */
static void
NAT_17_a_reload_keeps_groups_that_are_the_same(void **state)
{
	static const char one[] = "nat_address_groups = ( { name = \"a\"; addresses = [ "
				  "\"198.51.100.1\" ]; }, { name = \"b\"; addresses = [ "
				  "\"198.51.100.2\" ]; } );",
			  two[] = "nat_address_groups = ( { name = \"b\"; addresses = [ "
				  "\"198.51.100.2-198.51.100.3\" ]; }, { name = \"a\"; addresses = "
				  "[ \"198.51.100.1\" ]; } );";
	struct nat_groups *groups = engine_nat_groups(*state);
	uint16_t a, b;

	(void)publish(*state, one);
	a = nat_groups_find(groups, "a");
	b = nat_groups_find(groups, "b");
	(void)publish(*state, two);
	assert_int_equal(nat_groups_find(groups, "a"), a);
	assert_int_not_equal(nat_groups_find(groups, "b"), b);
	assert_true(nat_groups_retired(groups, b));
	assert_false(nat_groups_retired(groups, a));
	assert_null(publish(*state, ""));
	assert_int_equal(nat_groups_find(groups, "a"), NAT_GROUP_NONE);
	assert_int_equal(nat_groups_find(groups, "b"), NAT_GROUP_NONE);
}

/* 20 routes do not fit the engine: found out when the groups are held already. */
static void
a_refused_publish_gives_everything_back(void **state)
{
	static const char before[] = "nat_address_groups = ( { name = \"a\"; addresses = [ "
				     "\"198.51.100.1\" ]; } );";
	struct nat_groups *groups = engine_nat_groups(*state);
	const struct snapshot *s;
	char routes[2048] = "routes = ( ", err[256] = "";
	size_t used = strlen(routes);
	uint16_t a;

	for (unsigned int i = 0; i < 20; i++)
		used += (size_t)snprintf(routes + used, sizeof(routes) - used,
			"{ prefix = \"10.%u.0.0/16\"; via = \"200.1.1.254\"; }, ", i + 20);
	(void)publish(*state, before);
	s = engine_snapshot(*state);
	a = nat_groups_find(groups, "a");
	assert_true(try(*state,
			    parse("routes = ( ", routes,
				    "nat_address_groups = ( { name = \"c\"; addresses = [ "
				    "\"198.51.100.2\" ]; }, { name = \"a\"; addresses = [ "
				    "\"198.51.100.1\" ]; } );"),
			    err, sizeof(err)) < 0);
	assert_non_null(strstr(err, "routes: "));
	assert_ptr_equal(engine_snapshot(*state), s);
	assert_int_equal(nat_groups_find(groups, "c"), NAT_GROUP_NONE);
	assert_int_equal(nat_groups_find(groups, "a"), a);
	/* The reference that was given back was the second one. */
	assert_null(publish(*state, ""));
	assert_int_equal(nat_groups_find(groups, "a"), NAT_GROUP_NONE);
}

static void
without_room_in_the_sessions_the_first_item_needs_a_restart(void **state)
{
	static const char *const items[] = { GROUPS,
		"nat_policy = { rules = ( { name = \"r\"; action = \"no-nat\"; } ); };",
		"nat_servers = ( { name = \"s\"; protocol = \"any\"; public_address = \"9.9.9.9\"; "
		"inside_addresses = [ \"10.1.1.80\" ]; } );",
		"nat_static = ( { name = \"s\"; public = \"9.9.9.9/32\"; inside = "
		"\"10.1.1.80/32\"; } );" };
	struct engine *e = engine_open(false);
	char err[256] = "";

	(void)state;
	assert_null(engine_nat_groups(e));
	for (unsigned int i = 0; i < RTE_DIM(items); i++) {
		assert_int_equal(try(e, parse("", "", items[i]), err, sizeof(err)), -EINVAL);
		assert_non_null(strstr(err, "needs a restart"));
		assert_null(engine_snapshot(e));
	}
	assert_null(publish(e, "nat_policy = { };"));
	engine_destroy(e);
}

/* Ranges, as far as they are in a subnet; neither own and virtual addresses, nor one twice. */
static void
P34_who_is_answered_for(void **state)
{
	static const struct {
		const char *address;
		uint16_t interface;
		int vrid; /* -1: nobody answers */
	} rows[] = {
		{ "200.1.1.10", 2, 2 },
		{ "200.1.1.19", 2, 2 },
		{ "200.1.1.10", 0, -1 },
		{ "200.1.1.20", 2, -1 },
		{ "200.1.1.9", 2, -1 },
		{ "198.51.100.1", 2, -1 },  /* in no subnet */
		{ "203.0.113.255", 2, 10 }, /* of the virtual subnet; the range goes on */
		{ "203.0.114.0", 2, -1 },
		{ "200.1.1.2", 2, -1 }, /* servers on an own and on a virtual address */
		{ "200.1.1.1", 2, -1 },
		{ "200.1.1.30", 2, 2 }, /* two servers */
		{ "200.1.1.47", 2, 2 }, /* static */
		{ "10.10.0.9", 1, -1 }, /* the heartbeat's */
		{ "10.1.1.200", 0, 1 },
	};
	static const char sections[] =
		"nat_address_groups = (\n"
		"{ name = \"a\"; vrid = 2; addresses = [ \"200.1.1.10-200.1.1.19\", "
		"\"198.51.100.1\" ]; },\n"
		"{ name = \"b\"; vrid = 10; addresses = [ \"203.0.113.200-203.0.114.5\" ]; },\n"
		"{ name = \"c\"; addresses = [ \"10.10.0.9\" ]; },\n"
		"{ name = \"d\"; vrid = 1; mode = \"no-pat\"; addresses = [ \"10.1.1.200\" ]; } "
		");\n"
		"nat_servers = (\n"
		"{ name = \"a\"; protocol = \"tcp\"; public_port = \"80\"; public_address = "
		"\"200.1.1.2\"; inside_addresses = [ \"10.1.1.80\" ]; },\n"
		"{ name = \"b\"; protocol = \"tcp\"; public_port = \"80\"; public_address = "
		"\"200.1.1.1\"; inside_addresses = [ \"10.1.1.80\" ]; },\n"
		"{ name = \"c\"; protocol = \"tcp\"; public_port = \"80\"; public_address = "
		"\"200.1.1.30\"; vrid = 2; inside_addresses = [ \"10.1.1.80\" ]; },\n"
		"{ name = \"d\"; protocol = \"udp\"; public_port = \"80\"; public_address = "
		"\"200.1.1.30\"; vrid = 2; inside_addresses = [ \"10.1.1.80\" ]; },\n"
		"{ name = \"e\"; protocol = \"udp\"; public_port = \"80\"; public_address = "
		"\"200.1.1.11\"; vrid = 2; inside_addresses = [ \"10.1.1.80\" ]; } );\n"
		"nat_static = ( { name = \"s\"; vrid = 2; public = \"200.1.1.40/29\"; inside = "
		"\"10.1.7.0/29\"; } );";
	const struct snapshot *s;
	char err[256] = "";

	assert_int_equal(try(*state,
				 parse("vrrp = (\n",
					 "vrrp = ( { vrid = 10; interface = "
					 "\"GigabitEthernet1/0/3\"; virtual_ip = "
					 "\"203.0.113.1/24\"; group = \"active\"; },\n",
					 sections),
				 err, sizeof(err)),
		0);
	assert_string_equal(err, "");
	s = engine_snapshot(*state);
	assert_int_equal(s->claim_count, 5);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct snapshot_claim *claim =
			snapshot_claim_of(s, rows[i].interface, inet_addr(rows[i].address));

		assert_int_equal(claim != NULL ? claim->vrid : -1, rows[i].vrid);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rules_lead_to_their_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(groups_are_what_the_settings_say, setup, teardown),
		cmocka_unit_test_setup_teardown(servers_and_mappings_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(prefixes_of_nat64_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(
			P34_easy_ip_takes_what_survives_a_takeover, setup, teardown),
		cmocka_unit_test_setup_teardown(
			NAT_17_a_reload_keeps_groups_that_are_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_refused_publish_gives_everything_back, setup, teardown),
		cmocka_unit_test(without_room_in_the_sessions_the_first_item_needs_a_restart),
		cmocka_unit_test_setup_teardown(P34_who_is_answered_for, setup, teardown),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests_name("publish_nat", tests, NULL, NULL);
}
