/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a correct configuration compiles to.
 */
#include "config_address.h"
#include "config_policy.h"
#include "engine.h"
#include "ha_config.h"
#include "ha_constants.h"
#include "sample_config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINIMAL                                                                                    \
	"version = 1; system = { name = \"A\"; worker_cpus = [ 0 ]; };\n"                          \
	"ports = ( { name = \"p\"; devargs = \"0000:3b:00.0\"; } );\n"

static struct config *
parse(const char *text)
{
	char err[640] = "";
	struct config *c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));

	assert_string_equal(err, "");
	assert_non_null(c);
	return c;
}

/* The sample with the first `old` replaced. */
static struct config *
parse_patched(const char *old, const char *new)
{
	static char text[sizeof(sample_config) + 1024];
	const char *at = strstr(sample_config, old);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - sample_config), sample_config, new,
		at + strlen(old));
	return parse(text);
}

static void
sample_compiles_to_its_values(void **state)
{
	struct config *c = parse(sample_config);
	const struct config_system *s = config_section_data(c, "system");
	const struct config_list *ports = config_section_data(c, "ports");
	const struct config_port *p = ports->items;
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *i = interfaces->items;
	const struct config_list *routes = config_section_data(c, "routes");
	const struct config_route *r = routes->items;

	(void)state;
	assert_string_equal(s->name, "FW1");
	assert_int_equal(s->worker_cpus.count, 2);
	assert_int_equal(s->memory_mb, 512);
	assert_false(s->hugepages);
	assert_string_equal(s->json_socket, "/run/twinwall/FW1.json");
	assert_int_equal(ports->count, 3);
	assert_string_equal(p[1].devargs, "net_af_packet1,iface=hb0");
	assert_int_equal(interfaces->count, 3);
	assert_string_equal(i[2].name, "GigabitEthernet1/0/3");
	assert_string_equal(i[2].port, "p3");
	assert_int_equal(i[2].address.address, inet_addr("200.1.1.2"));
	assert_int_equal(i[2].address.len, 24);
	assert_int_equal(routes->count, 1);
	assert_int_equal(r[0].prefix.len, 0);
	assert_int_equal(r[0].via.family, 4);
	assert_int_equal(r[0].via.v4, inet_addr("200.1.1.254"));
	assert_null(config_section_data(c, "nothing"));
	config_free(c);
}

static void
sample_rules_compile_to_their_values(void **state)
{
	struct config *c = parse(sample_config);
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_rule *rule = p->rules.items;
	const struct config_service *s = rule->services.items;
	const struct config_span *from = rule->source_addresses.items;

	(void)state;
	assert_int_equal(p->default_action, 0);
	assert_int_equal(p->rules.count, 1);
	assert_string_equal(rule->name, "out");
	assert_string_equal((const char *)rule->source_zones.items, "trust");
	assert_int_equal(from[0].first.family, 4);
	assert_int_equal(from[0].first.v4, inet_addr("10.1.1.0"));
	assert_int_equal(from[0].last.v4, inet_addr("10.1.1.255"));
	assert_int_equal(rule->destination_addresses.count, 0);
	assert_int_equal(rule->services.count, 3);
	assert_int_equal(s[0].protocol_number, 6);
	assert_int_equal(s[0].destination_port.min, 1);
	assert_int_equal(s[0].destination_port.max, 65535);
	assert_int_equal(s[0].source_port.max, 65535);
	assert_int_equal(s[1].protocol_number, 17);
	assert_int_equal(s[2].protocol_number, 1);
	assert_int_equal(rule->action, 1);
	config_free(c);
}

static void
R49_sample_groups_join_interface_address_and_group(void **state)
{
	struct config *c = parse(sample_config);
	const struct config_list *groups = config_section_data(c, "vrrp");
	const struct config_vrrp *v = groups->items;
	const struct config_hrp *hrp = config_section_data(c, "hrp");
	const struct config_heartbeat *h = hrp->interfaces.items;

	(void)state;
	assert_int_equal(groups->count, 2);
	assert_int_equal(v[1].vrid, 2);
	assert_string_equal(v[1].interface, "GigabitEthernet1/0/3");
	assert_int_equal(v[1].virtual_ip.address, inet_addr("200.1.1.1"));
	assert_int_equal(v[1].group, VGMP_GROUP_ACTIVE);
	assert_true(hrp->enable);
	assert_int_equal(hrp->interfaces.count, 1);
	assert_string_equal(h[0].interface, "GigabitEthernet1/0/2");
	assert_int_equal(h[0].remote, 0);
	config_free(c);
}

static void
every_item_knows_its_line_and_path(void **state)
{
	struct config *c = parse(sample_config);
	const struct config_system *s = config_section_data(c, "system");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *i = interfaces->items;
	const struct config_list *groups = config_section_data(c, "vrrp");
	const struct config_vrrp *v = groups->items;
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_rule *rule = p->rules.items;
	const struct config_service *service = rule->services.items;

	(void)state;
	assert_int_equal(s->origin.line, 2);
	assert_string_equal(s->origin.file, "fw.conf");
	assert_string_equal(s->origin.path, "system");
	assert_int_equal(i[2].origin.line, 21);
	assert_string_equal(i[2].origin.path, "interfaces[GigabitEthernet1/0/3]");
	assert_int_equal(v[1].origin.line, 36);
	assert_string_equal(v[1].origin.path, "vrrp[1]");
	assert_int_equal(service[1].origin.line, 30);
	assert_string_equal(service[1].origin.path, "security_policy.rules[out].services[1]");
	assert_true(config_is_set(&v[1].origin, "group"));
	assert_false(config_is_set(&v[1].origin, "priority"));
	config_free(c);
}

static void
R259_what_is_left_out_takes_its_default(void **state)
{
	struct config *c = parse(
		MINIMAL "interfaces = ( { name = \"if\"; port = \"p\"; zone = \"trust\"; } );");
	const struct config_system *s = config_section_data(c, "system");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *i = interfaces->items;
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_list *groups = config_section_data(c, "vrrp");
	const struct config_hrp *hrp = config_section_data(c, "hrp");

	(void)state;
	assert_int_equal(s->idle, IDLE_SLEEP);
	assert_int_equal(s->sessions, 100000);
	assert_true(s->hugepages);
	assert_int_equal(s->eal.count, 0);
	assert_string_equal(s->console_socket, "/run/twinwall/twinwall.console");
	assert_int_equal(i->address.len, 0);
	assert_int_equal(i->mtu, 1500);
	assert_true(i->ping);
	assert_false(i->shutdown);
	assert_int_equal(p->default_action, 0);
	assert_int_equal(p->rules.count, 0);
	assert_int_equal(groups->count, 0);
	assert_false(hrp->enable);
	assert_int_equal(hrp->hello_ms, HRP_HELLO_DEFAULT_MS);
	assert_int_equal(hrp->misses, HRP_MISSES_DEFAULT);
	assert_int_equal(hrp->preempt_delay_s, HRP_PREEMPT_DELAY_S);
	assert_false(hrp->preempt);
	config_free(c);
}

static void
P44_zones_have_fixed_ids_then_file_order(void **state)
{
	struct config *c = parse_patched("{ name = \"guest\"; priority = 20; }",
		"{ name = \"guest\"; priority = 20; }, { name = \"lab\"; priority = 30; }");
	static const struct {
		const char *name;
		int id;
	} rows[] = { { "local", 1 }, { "trust", 2 }, { "dmz", 3 }, { "untrust", 4 }, { "guest", 5 },
		{ "lab", 6 }, { "other", 0 }, { "", 0 } };
	static const int priorities[] = { 100, 85, 50, 5 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(config_zone_id(c, rows[i].name), rows[i].id);
	for (unsigned int i = 0; i < RTE_DIM(priorities); i++)
		assert_int_equal(config_builtin_zones[i].priority, priorities[i]);
	assert_int_equal(config_interface_index(c, "GigabitEthernet1/0/2"), 1);
	assert_int_equal(config_interface_index(c, "GigabitEthernet1/0/9"), -1);
	assert_int_equal(config_port_index(c, "p3"), 2);
	assert_int_equal(config_port_index(c, "p4"), -1);
	config_free(c);
}

static void
R50_mask_is_optional_inside_the_subnet_only(void **state)
{
	static const struct {
		const char *written;
		const char *address;
		int len;
	} rows[] = {
		{ "10.1.1.1", "10.1.1.1", 24 },
		{ "10.1.1.1/24", "10.1.1.1", 24 },
		{ "10.1.1.1/32", "10.1.1.1", 32 },
		{ "172.16.0.1/16", "172.16.0.1", 16 },
	};
	char text[64];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct config *c;
		const struct config_list *groups;
		const struct config_vrrp *v;

		snprintf(text, sizeof(text), "virtual_ip = \"%s\"", rows[i].written);
		c = parse_patched("virtual_ip = \"10.1.1.1/24\"", text);
		groups = config_section_data(c, "vrrp");
		v = groups->items;
		assert_int_equal(v->virtual_ip.address, inet_addr(rows[i].address));
		assert_int_equal(v->virtual_ip.len, rows[i].len);
		config_free(c);
	}
}

/* Rows that must be accepted although a neighbour of theirs is refused. */
static void
R39_R60_accepted_neighbours_of_refused_settings(void **state)
{
	static const struct {
		const char *rule, *old, *new;
	} rows[] = {
		{ "address owner in plain VRRP", "virtual_ip = \"10.1.1.1/24\"; group = \"active\"",
			"virtual_ip = \"10.1.1.2/24\"; group = \"none\"; priority = 254" },
		{ "both groups on one interface",
			"{ vrid = 2; interface = \"GigabitEthernet1/0/3\"; virtual_ip = "
			"\"200.1.1.1/24\"",
			"{ vrid = 9; interface = \"GigabitEthernet1/0/1\"; virtual_ip = "
			"\"10.1.1.9\"; "
			"group = \"standby\"; },\n"
			"{ vrid = 2; interface = \"GigabitEthernet1/0/3\"; virtual_ip = "
			"\"200.1.1.1/24\"" },
		{ "one vrid on two interfaces", "vrid = 2", "vrid = 1" },
		{ "tracked in both groups", "track = ( )",
			"track = ( { interface = \"GigabitEthernet1/0/1\"; group = \"active\"; },"
			" { interface = \"GigabitEthernet1/0/1\"; group = \"standby\"; } )" },
		{ "hello at its shortest", "hello_ms = 1000", "hello_ms = 10" },
		{ "hello at its longest", "hello_ms = 1000", "hello_ms = 60000" },
		{ "preemption at once", "preempt_delay_s = 60", "preempt_delay_s = 0" },
		{ "addresses of a /31",
			"200.1.1.2/24\"; zone = \"untrust\"; }\n);\n"
			"routes = ( { prefix = \"0.0.0.0/0\"; via = \"200.1.1.254\"; } );",
			"200.1.1.2/31\"; zone = \"untrust\"; }\n);\n"
			"routes = ( { prefix = \"0.0.0.0/0\"; via = \"200.1.1.3\"; } );" },
		{ "protocol by number", "protocol = \"udp\"",
			"protocol_number = 17; source_port = \"9\"" },
		{ "a list where an array is usual", "[ \"trust\" ]", "( \"trust\" )" },
		{ "NAT: no room asked for, no section", "memory_mb = 512;",
			"memory_mb = 512; nat = false;" },
		{ "P34: addresses of a group in a subnet with its vrid, and in none", "system = {",
			"nat_address_groups = ( { name = \"g\"; vrid = 2; addresses = [ "
			"\"200.1.1.10-200.1.1.19\", \"198.51.100.0/28\" ]; },\n{ name = \"h\"; "
			"mode = \"no-pat\"; addresses = [ \"198.51.100.16/28\" ]; } );\nsystem = "
			"{" },
		{ "full cone", "system = {",
			"nat_address_groups = ( { name = \"g\"; addresses = [ \"1.1.1.1\" ]; "
			"filtering = \"endpoint-independent\"; block = 1024; paired = false; } "
			");\nsystem = {" },
		{ "NAT servers: one port for two zones, ports side by side", "system = {",
			"nat_servers = ( { name = \"a\"; protocol = \"tcp\"; public_address = "
			"\"1.1.1.1\"; public_port = \"80-89\"; zones = [ \"trust\" ]; "
			"inside_addresses = [ \"10.1.1.16/28\" ]; inside_port = 65526; }, { name = "
			"\"b\"; protocol = \"tcp\"; public_address = \"1.1.1.1\"; public_port = "
			"\"80-89\"; zones = [ \"dmz\" ]; inside_addresses = [ \"10.1.1.9\" ]; }, { "
			"name = \"c\"; protocol = \"tcp\"; public_address = \"1.1.1.1\"; "
			"public_port "
			"= \"90\"; inside_addresses = [ \"10.1.1.9\" ]; }, { name = \"d\"; "
			"protocol "
			"= \"any\"; public_address = \"1.1.1.1\"; "
			"inside_addresses = [ \"10.1.1.9\" ]; } );\nsystem = {" },
		{ "NAT servers on a PAT group's, an own and a virtual address", "system = {",
			"nat_address_groups = ( { name = \"g\"; addresses = [ "
			"\"1.1.1.0-1.1.1.7\" ]; } );\nnat_servers = ( { name = \"a\"; protocol = "
			"\"any\"; public_address = \"1.1.1.1\"; inside_addresses = [ \"10.1.1.9\" "
			"]; "
			"}, { name = \"b\"; protocol = \"tcp\"; public_address = \"200.1.1.2\"; "
			"public_port = \"80\"; inside_addresses = [ \"10.1.1.9\" ]; }, { name = "
			"\"c\"; protocol = \"tcp\"; public_address = \"200.1.1.1\"; public_port = "
			"\"80\"; vrid = 2; inside_addresses = [ \"10.1.1.9\" ]; }, { name = \"d\"; "
			"protocol = \"tcp\"; public_address = \"200.1.1.1\"; public_port = \"81\"; "
			"inside_addresses = [ \"10.1.1.9\" ]; vrid = 2; } );\nsystem = {" },
		{ "static mappings of a subnet with our address inside", "system = {",
			"nat_static = ( { name = \"s\"; public = \"1.1.1.0/24\"; inside = "
			"\"10.1.1.0/24\"; }, { name = \"t\"; public = \"200.1.1.8/29\"; inside = "
			"\"10.2.0.8/29\"; vrid = 2; } );\nsystem = {" },
		{ "NAT64: one prefix for two zones, the well-known one, easy on room", "system = {",
			"nat_address_groups = ( { name = \"g\"; addresses = [ \"1.1.1.1\" ]; } );\n"
			"nat64 = ( { name = \"a\"; prefix = \"2001:db8:64::/48\"; address_group = "
			"\"g\"; zones = [ \"trust\" ]; }, { name = \"b\"; prefix = "
			"\"2001:db8:64::/48\"; address_group = \"g\"; zones = [ \"dmz\" ]; }, { "
			"name "
			"= \"c\"; prefix = \"64:ff9b::/96\"; address_group = \"g\"; } );\nsystem = "
			"{" },
		{ "comments", "version = 1;", "# one\n// two\n/* three\n @ */ version = 1;" },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		config_free(parse_patched(rows[i].old, rows[i].new));
}

/* The table of routes holds 16: of 3 interfaces, of 13 or 12 routes, and of a virtual address that
 * is or is not in a subnet of its own. */
static void
R50_a_virtual_subnet_is_a_route(void **state)
{
	static const struct {
		uint32_t routes;
		const char *virtual_ip;
		bool accepted;
	} rows[] = {
		{ 13, "10.1.1.1/24", true },
		{ 13, "172.16.0.1/16", false },
		{ 12, "172.16.0.1/16", true },
		{ 14, "10.1.1.1/24", false },
	};
	char text[8192], list[4096], err[640];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		size_t n = 0;
		struct config *c;

		for (uint32_t k = 0; k < rows[i].routes; k++)
			n += (size_t)snprintf(list + n, sizeof(list) - n,
				"%s{ prefix = \"10.%u.0.0/16\"; via = \"200.1.1.254\"; }",
				k > 0 ? ", " : "", k + 20);
		snprintf(text, sizeof(text),
			"version = 1;\n"
			"system = { name = \"FW1\"; worker_cpus = [ 0 ]; routes = 16; };\n"
			"ports = ( { name = \"p1\"; devargs = \"net_ring0\"; }, { name = "
			"\"p2\"; devargs = \"net_ring1\"; }, { name = \"p3\"; devargs = "
			"\"net_ring2\"; } );\n"
			"interfaces = ( { name = \"i1\"; port = \"p1\"; address = "
			"\"10.1.1.2/24\"; zone = \"trust\"; }, { name = \"i2\"; port = \"p2\"; "
			"address = \"10.10.0.1/24\"; zone = \"dmz\"; }, { name = \"i3\"; port = "
			"\"p3\"; address = \"200.1.1.2/24\"; zone = \"untrust\"; } );\n"
			"routes = ( %s );\n"
			"vrrp = ( { vrid = 1; interface = \"i1\"; virtual_ip = \"%s\"; } );\n",
			list, rows[i].virtual_ip);
		err[0] = '\0';
		c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
		assert_int_equal(c != NULL, rows[i].accepted);
		if (c == NULL)
			assert_non_null(strstr(err,
				"fw.conf:2: system.routes: 16 is too few, expected at least 17"));
		config_free(c);
	}
}

/* ---- the generic compiler, with a section that has every type ---- */

struct inner {
	struct config_origin origin;
	int64_t number;
};

struct all_types {
	struct config_origin origin;
	bool flag;
	int64_t integer;
	char string[16];
	char name[16];
	int word;
	rte_be32_t address;
	struct config_prefix prefix, host;
	struct config_range range;
	struct {
		int64_t deep;
		bool deeper;
	} group;
	struct config_list list, strings, prefixes, ints;
};

#define ALL(member)  SETTING_AT(struct all_types, member)
#define LIST(member) .offset = offsetof(struct all_types, member)

// clang-format off
static const char *const words[] = { "red", "green", NULL };
static const struct config_setting_desc group_settings[] = {
	{ .name = "deep", .type = SETTING_INT, .offset = 0, .size = 8, .min = -5, .max = 5,
	  .fallback = "-3", .help = "h" },
	{ .name = "deeper", .type = SETTING_BOOL, .offset = 8, .size = 1, .fallback = "true", .help = "h" },
	{ .name = NULL },
};
static const struct config_setting_desc inner_settings[] = {
	{ .name = "number", .type = SETTING_INT, SETTING_AT(struct inner, number), .max = INT64_MAX,
	  .fallback = "7", .help = "h" },
	{ .name = NULL },
};
static const struct config_setting_desc all_settings[] = {
	{ .name = "flag", .type = SETTING_BOOL, ALL(flag), .help = "h" },
	{ .name = "integer", .type = SETTING_INT, ALL(integer), .min = -10, .max = 10000000000,
	  .fallback = "4", .unit = "kg", .help = "h" },
	{ .name = "string", .type = SETTING_STRING, ALL(string), .max = 15, .fallback = "a b", .help = "h" },
	{ .name = "name", .type = SETTING_NAME, ALL(name), .max = 15, .fallback = "n", .help = "h" },
	{ .name = "word", .type = SETTING_ENUM, ALL(word), .choices = words, .fallback = "green", .help = "h" },
	{ .name = "address", .type = SETTING_ADDRESS, ALL(address), .fallback = "10.0.0.1", .help = "h" },
	{ .name = "prefix", .type = SETTING_PREFIX, ALL(prefix), .max = 32, .fallback = "10.0.0.0/8", .help = "h" },
	{ .name = "host", .type = SETTING_HOST, ALL(host), .max = 32, .fallback = "10.0.0.1/8", .help = "h" },
	{ .name = "range", .type = SETTING_RANGE, ALL(range), .fallback = "1-2", .help = "h" },
	{ .name = "group", .type = SETTING_GROUP, ALL(group), .settings = group_settings, .live = true,
	  .help = "h" },
	{ .name = "list", .type = SETTING_LIST, LIST(list), .size = sizeof(struct inner),
	  .settings = inner_settings, .help = "h" },
	{ .name = "strings", .type = SETTING_STRINGS, LIST(strings), .size = 8, .max = 7, .help = "h" },
	{ .name = "prefixes", .type = SETTING_PREFIXES, LIST(prefixes), .max = 32, .help = "h" },
	{ .name = "ints", .type = SETTING_INTS, LIST(ints), .min = -1, .max = 9, .max_items = 3, .help = "h" },
	{ .name = NULL },
};
static const struct config_section all_section = {
	.name = "all", .size = sizeof(struct all_types), .settings = all_settings, .help = "h",
};
static const struct config_section *const all_sections[] = { &all_section, NULL };

static const char all_values[] =
	"version = 1; all = { flag = true; integer = 9999999999L; string = \"x y\"; name = \"a/b:c\";\n"
	"word = \"red\"; address = \"1.2.3.4\"; prefix = \"0.0.0.0/0\"; host = \"1.2.3.4\";\n"
	"range = \"80\"; group = { deep = -5; }; list = ( { number = 1; }, { } );\n"
	"strings = [ \"a\", \"\" ]; prefixes = [ \"10.0.0.0/8\", \"1.2.3.4/32\" ]; ints = [ -1, 9 ]; };\n";
// clang-format on

static struct config *
parse_all(const char *text)
{
	char err[640] = "";
	struct config *c = config_parse(text, "all", all_sections, err, sizeof(err));

	assert_string_equal(err, "");
	return c;
}

static void
every_type_compiles_from_the_file(void **state)
{
	struct config *c = parse_all(all_values);
	const struct all_types *a = config_section_data(c, "all");
	const struct inner *inner = a->list.items;
	const int64_t *ints = a->ints.items;
	const char(*strings)[8] = a->strings.items;
	const struct config_prefix *prefixes = a->prefixes.items;

	(void)state;
	assert_true(a->flag);
	assert_int_equal(a->integer, 9999999999);
	assert_string_equal(a->string, "x y");
	assert_string_equal(a->name, "a/b:c");
	assert_int_equal(a->word, 0);
	assert_int_equal(a->address, inet_addr("1.2.3.4"));
	assert_int_equal(a->prefix.len, 0);
	assert_int_equal(a->host.address, inet_addr("1.2.3.4"));
	assert_int_equal(a->host.len, 0);
	assert_int_equal(a->range.min, 80);
	assert_int_equal(a->range.max, 80);
	assert_int_equal(a->group.deep, -5);
	assert_true(a->group.deeper);
	assert_int_equal(a->list.count, 2);
	assert_int_equal(inner[0].number, 1);
	assert_int_equal(inner[1].number, 7);
	assert_int_equal(a->strings.count, 2);
	assert_string_equal(strings[0], "a");
	assert_string_equal(strings[1], "");
	assert_int_equal(prefixes[1].len, 32);
	assert_int_equal(ints[0], -1);
	assert_int_equal(ints[1], 9);
	config_free(c);
}

static void
every_type_has_its_default(void **state)
{
	struct config *c = parse_all("version = 1;");
	const struct all_types *a = config_section_data(c, "all");

	(void)state;
	assert_false(a->flag);
	assert_int_equal(a->integer, 4);
	assert_string_equal(a->string, "a b");
	assert_string_equal(a->name, "n");
	assert_int_equal(a->word, 1);
	assert_int_equal(a->address, inet_addr("10.0.0.1"));
	assert_int_equal(a->prefix.len, 8);
	assert_int_equal(a->host.len, 8);
	assert_int_equal(a->range.max, 2);
	assert_int_equal(a->group.deep, -3);
	assert_true(a->group.deeper);
	assert_int_equal(a->list.count + a->strings.count + a->prefixes.count + a->ints.count, 0);
	assert_int_equal(a->origin.line, 1);
	config_free(c);
}

static void
difference_names_the_first_setting_of_every_type(void **state)
{
	static const struct {
		const char *old, *new, *setting;
	} rows[] = {
		{ "flag = true", "flag = false", "all.flag" },
		{ "9999999999L", "9999999998L", "all.integer" },
		{ "x y", "x z", "all.string" },
		{ "a/b:c", "a", "all.name" },
		{ "red", "green", "all.word" },
		{ "address = \"1.2.3.4\"", "address = \"1.2.3.5\"", "all.address" },
		{ "0.0.0.0/0", "0.0.0.0/1", "all.prefix" },
		{ "host = \"1.2.3.4\"", "host = \"1.2.3.4/8\"", "all.host" },
		{ "\"80\"", "\"80-81\"", "all.range" },
		{ "deep = -5", "deep = 5", "all.group.deep" },
		{ "number = 1", "number = 2", "all.list[0].number" },
		{ "{ number = 1; }, { }", "{ number = 1; }", "all.list" },
		{ "\"a\"", "\"b\"", "all.strings" },
		{ "1.2.3.4/32", "1.2.3.5/32", "all.prefixes" },
		{ "-1, 9", "-1, 8", "all.ints" },
		{ "-1, 9", "-1", "all.ints" },
	};
	struct config *a = parse_all(all_values);
	char text[1024], setting[64];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const char *at = strstr(all_values, rows[i].old);
		struct config *b;

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - all_values), all_values,
			rows[i].new, at + strlen(rows[i].old));
		b = parse_all(text);
		assert_true(config_difference(a, b, CONFIG_ALL, setting, sizeof(setting)));
		assert_string_equal(setting, rows[i].setting);
		/* The group is the one setting that may change by a reload. */
		assert_int_equal(config_difference(a, b, CONFIG_RESTART, setting, sizeof(setting)),
			strcmp(rows[i].setting, "all.group.deep") != 0);
		config_free(b);
	}
	config_free(a);
}

static void
bounds_of_lists_are_checked(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "ints = [ 1, 2, 3, 4 ];", "all:1: all.ints: has 4 elements, expected at most 3" },
		{ "ints = [ 1, 20 ];", "all:1: all.ints[1]: 20 is out of range, expected an "
				       "integer from -1 to 9" },
		{ "strings = [ \"12345678\" ];",
			"all:1: all.strings[0]: has 8 characters, expected a string of 0 to 7 "
			"characters" },
		{ "group = 1;", "all:1: all.group: is an integer, expected a group { ... }" },
		{ "group = { deep = 6; };", "all:1: all.group.deep: 6 is out of range, expected an "
					    "integer from -5 to 5" },
		{ "list = ( { number = -1; } );", "all:1: all.list[0].number: -1 is out of range, "
						  "expected an integer from 0 to "
						  "9223372036854775807" },
	};
	char text[128], err[640];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		snprintf(text, sizeof(text), "version = 1; all = { %s };", rows[i].text);
		assert_null(config_parse(text, "all", all_sections, err, sizeof(err)));
		assert_string_equal(err, rows[i].error);
	}
}

/* ---- addresses ---- */

static void
addresses_are_parsed_strictly(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} prefixes[] = { { "10.0.0.0/8", true }, { "0.0.0.0/0", true }, { "1.2.3.4/32", true },
		{ "1.2.3.4/33", false }, { "1.2.3.4/", false }, { "1.2.3.4/+8", false },
		{ "1.2.3.4/8x", false }, { "/8", false }, { "1.2.3/8", false },
		{ "01.2.3.4/8", false }, { "1.2.3.4/99999999999", false }, { "", false },
		{ "111.111.111.111111/8", false } },
	  ranges[] = { { "0", true }, { "80", true }, { "1-65535", true }, { "80-80", true },
		  { "2-1", false }, { "-1", false }, { "1-", false }, { "65536", false },
		  { "", false }, { "1-2-3", false }, { "1 - 2", false }, { "0x50", false } };
	struct config_prefix prefix;
	struct config_range range;
	bool has_len;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(prefixes); i++)
		assert_int_equal(config_address_parse_prefix(prefixes[i].text, &prefix, &has_len),
			prefixes[i].good);
	for (unsigned int i = 0; i < RTE_DIM(ranges); i++)
		assert_int_equal(
			config_address_parse_range(ranges[i].text, &range), ranges[i].good);
}

/* ---- what is replicated, what documents itself ---- */

static void
R179_R184_sections_are_replicated_or_local(void **state)
{
	static const char *const replicated[] = { "zones", "address_sets", "service_sets",
		"schedules", "security_policy", "ageing", "defence", "blacklist", "fragments",
		"limits", "scan", "icmp", "nat_address_groups", "nat_policy", "nat_servers",
		"nat_static", "nat64", "alg" };
	const struct config_section *const *s = sample_sections();

	(void)state;
	for (; *s != NULL; s++) {
		bool expected = false;

		for (unsigned int i = 0; i < RTE_DIM(replicated); i++)
			expected |= strcmp((*s)->name, replicated[i]) == 0;
		assert_int_equal((*s)->replicated, expected);
	}
}

static void
assert_described(const struct config_setting_desc *settings)
{
	for (const struct config_setting_desc *d = settings; d->name != NULL; d++) {
		assert_non_null(d->help);
		assert_null(strchr(d->help, '|'));
		assert_null(strchr(d->help, '\n'));
		assert_false(d->required && d->fallback != NULL);
		if (d->settings != NULL)
			assert_described(d->settings);
	}
}

static void
every_setting_has_a_sentence(void **state)
{
	(void)state;
	for (const struct config_section *const *s = sample_sections(); *s != NULL; s++) {
		assert_non_null((*s)->help);
		assert_described((*s)->settings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_compiles_to_its_values),
		cmocka_unit_test(sample_rules_compile_to_their_values),
		cmocka_unit_test(R49_sample_groups_join_interface_address_and_group),
		cmocka_unit_test(every_item_knows_its_line_and_path),
		cmocka_unit_test(R259_what_is_left_out_takes_its_default),
		cmocka_unit_test(P44_zones_have_fixed_ids_then_file_order),
		cmocka_unit_test(R50_mask_is_optional_inside_the_subnet_only),
		cmocka_unit_test(R39_R60_accepted_neighbours_of_refused_settings),
		cmocka_unit_test(R50_a_virtual_subnet_is_a_route),
		cmocka_unit_test(every_type_compiles_from_the_file),
		cmocka_unit_test(every_type_has_its_default),
		cmocka_unit_test(difference_names_the_first_setting_of_every_type),
		cmocka_unit_test(bounds_of_lists_are_checked),
		cmocka_unit_test(addresses_are_parsed_strictly),
		cmocka_unit_test(R179_R184_sections_are_replicated_or_local),
		cmocka_unit_test(every_setting_has_a_sentence),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
