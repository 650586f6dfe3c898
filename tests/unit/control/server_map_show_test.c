/* SPDX-License-Identifier: BSD-3-Clause */
/* P42: what operators and programs see of the server-map. */
#include "alg.h"
#include "management_box.h"
#include "nat_map.h"
#include "servermap.h"
#include "test_eal.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct management_box *box;
static int json_fd, console_fd;
static unsigned int cone_port;

static unsigned int
take(const char *group, uint32_t host, uint16_t port)
{
	struct nat_groups *groups = engine_nat_groups(box->m.engine);
	const struct nat_want want = { .proto = IPPROTO_UDP,
		.host = rte_cpu_to_be_32(host),
		.port = rte_cpu_to_be_16(port),
		.remote = RTE_BE32(BOX_IPV4(200, 1, 1, 10)),
		.remote_port = RTE_BE16(53) };
	struct nat_got got;

	assert_int_equal(
		nat_groups_take(groups, nat_groups_find(groups, group), &want, &got), NAT_OK);
	return rte_be_to_cpu_16(got.port);
}

static void
expect_connection(struct servermap_entry e)
{
	bool renewed;

	assert_true(servermap_add(engine_servermap(box->m.engine), &e, 0, &renewed));
}

/* Beside what the box has: a server, a network, a group that lets anybody in, two expected
 * connections, one of which is over. */
static int
setup(void **state)
{
	struct box_nat *n;

	(void)state;
	box = management_box_create(1024, NULL, NULL);
	n = &box->box->nat;
	n->groups[n->group_count++] = (struct nat_group_params){ .name = "cone",
		.mode = NAT_POOL_PAT,
		.block = 256,
		.endpoint_independent = true,
		.full_cone = true,
		.section_count = 1,
		.sections = { { BOX_IPV4(198, 51, 100, 30), BOX_IPV4(198, 51, 100, 30) } } };
	/* What no rule names is not kept. */
	n->rules[n->rule_count] = (struct policy_rule){ .name = "cone" };
	n->sources[n->rule_count++] = (struct nat_source){ .action = NAT_SOURCE, .group = 2 };
	n->servers[n->server_count++] = (struct nat_server){ .name = "web",
		.zones = UINT64_C(1) << BOX_ZONE_UNTRUST,
		.address = RTE_BE32(BOX_IPV4(198, 51, 100, 9)),
		.proto = IPPROTO_TCP,
		.port = 8080,
		.port_last = 8089,
		.inside_port = 80,
		.inside_count = 2,
		.inside = { RTE_BE32(BOX_IPV4(10, 1, 2, 80)), RTE_BE32(BOX_IPV4(10, 1, 2, 81)) } };
	n->statics[n->static_count++] = (struct nat_static){ .name = "lab",
		.address = RTE_BE32(BOX_IPV4(203, 0, 113, 0)),
		.inside = RTE_BE32(BOX_IPV4(10, 1, 9, 0)),
		.len = 24 };
	engine_box_publish(box->box);
	cone_port = take("cone", BOX_IPV4(10, 1, 1, 88), 5000);
	assert_int_equal(take("cone", BOX_IPV4(10, 1, 1, 88), 5000), cone_port);
	expect_connection((struct servermap_entry){
		.key = { .dst = ip_addr_v4(RTE_BE32(BOX_IPV4(10, 1, 1, 10))),
			.dport = RTE_BE16(2097),
			.proto = IPPROTO_TCP },
		.src = ip_addr_v4(RTE_BE32(BOX_IPV4(200, 1, 1, 10))),
		.type = SERVERMAP_ASPF,
		.alg = ALG_FTP,
		.uses = 1,
		.zone = BOX_ZONE_UNTRUST,
		.parent = 56,
		.parent_generation = 3,
		.until = mono_add_ms(management_now(&box->m), 15000) });
	expect_connection((struct servermap_entry){
		.key = { .dst = ip_addr_v4(RTE_BE32(BOX_IPV4(10, 1, 1, 11))),
			.dport = RTE_BE16(2098),
			.proto = IPPROTO_UDP },
		.type = SERVERMAP_ASPF,
		.uses = 1,
		.parent = SERVERMAP_NONE,
		.until = mono_add_ms(management_now(&box->m), 1) });
	management_box_jump(box, 5000);
	json_fd = management_box_json(box);
	console_fd = management_box_console(box);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	management_box_destroy(box);
	return 0;
}

static char *
console(const char *command)
{
	char line[192];

	snprintf(line, sizeof(line), "%s\n", command);
	return management_box_ask(box, console_fd, line, "[FW1] ");
}

static void
console_says(const char *command, const char *text)
{
	char *answer = console(command);

	if (strstr(answer, text) == NULL)
		fail_msg("%s: %s", command, answer);
	free(answer);
}

static void
P42_all_kinds_in_the_format(void **state)
{
	static const char *const texts[] = {
		" Current Total Server-map : 9\n",
		" Type: Nat Server,  ANY -> 198.51.100.9:8080-8089[10.1.2.80:80-89],  "
		"Zone:untrust\n"
		" Protocol: tcp,  Left-Time:---\n"
		" Vpn: public -> public\n\n",
		" ANY -> 198.51.100.9:8080-8089[10.1.2.81:80-89],  Zone:untrust\n",
		" Type: Static,  ANY -> 203.0.113.0/24[10.1.9.0/24],  Zone:---\n"
		" Protocol: any,  Left-Time:---\n",
		" Type: Static Reverse,  10.1.9.0/24[203.0.113.0/24] -> ANY,  Zone:---\n",
		" Type: ASPF,  200.1.1.10 -> 10.1.1.10:2097,  Zone:untrust\n"
		" Protocol: tcp(Appro: ftp-data),  Left-Time:00:00:",
	};
	char *answer = console("display firewall server-map");
	char text[128];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(texts); i++) {
		if (strstr(answer, texts[i]) == NULL)
			fail_msg("not there: %s\n%s", texts[i], answer);
	}
	assert_null(strstr(answer, "10.1.1.11")); /* its time is over */
	free(answer);
	snprintf(text, sizeof(text),
		" Type: FullCone Src,  10.1.1.88:5000[198.51.100.30:%u] -> ANY,  Zone:---\n"
		" Protocol: udp,  Left-Time:---\n",
		cone_port);
	console_says("display firewall server-map type full-cone-src", text);
	snprintf(text, sizeof(text),
		" Type: FullCone Dst,  ANY -> 198.51.100.30:%u[10.1.1.88:5000],  Zone:---\n",
		cone_port);
	console_says("display firewall server-map type full-cone-dst", text);
	console_says("display firewall server-map verbose type aspf",
		" Owner: ---,  Parent: 000000380003,  Uses: 1,  Sessions: -\n");
	console_says("display firewall server-map verbose type full-cone-dst",
		" Owner: cone,  Parent: ---,  Uses: -,  Sessions: 2\n");
	/* The box's own host, with whatever address it has got. */
	console_says(
		"display firewall server-map type no-pat", " Type: No-Pat,  10.1.1.77[198.51.");
}

static void
entries_by_filter(void **state)
{
	static const struct {
		const char *words;
		unsigned int shown;
	} rows[] = {
		{ "type aspf", 1 },
		{ "type nat-server", 2 },
		{ "type no-pat", 1 },
		{ "type static", 1 },
		{ "type static-reverse", 1 },
		{ "protocol udp", 5 }, /* with those for any */
		{ "protocol tcp type aspf", 1 },
		{ "address 10.1.9.7", 2 },
		{ "address 10.1.9.0/25", 2 },
		{ "address 203.0.0.0/8", 2 },
		{ "address 10.1.8.7", 0 },
		{ "address 10.1.2.81", 1 },
		{ "port 8085", 2 },
		{ "port 8090", 0 },
		{ "port 89", 2 },
		{ "port 2097", 1 },
		{ "address 10.1.2.81 port 8085", 0 }, /* not there, and at that port */
		{ "address 198.51.100.9 port 8085", 2 },
		{ "address 2001:db8::/32", 0 },
	};
	char command[128], text[32];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		snprintf(command, sizeof(command), "display firewall server-map %s", rows[i].words);
		snprintf(text, sizeof(text), " Shown : %u\n", rows[i].shown);
		console_says(command, text);
	}
	console_says("display firewall server-map type other", "type: expected aspf,");
}

static void
programs_get_the_same(void **state)
{
	static const struct {
		const char *filter, *row;
	} rows[] = {
		{ "{\"type\":\"nat-server\",\"address\":\"10.1.2.81\"}",
			"{\"type\":\"nat-server\",\"source\":null,\"source_port\":null,"
			"\"nat_source\":null,\"nat_source_port\":null,"
			"\"destination\":\"198.51.100.9\",\"destination_port\":\"8080-8089\","
			"\"nat_destination\":\"10.1.2.81\",\"nat_destination_port\":\"80-89\","
			"\"protocol\":\"tcp\",\"zones\":[\"untrust\"],\"alg\":null,\"left_s\":null,"
			"\"uses\":null,\"sessions\":null,\"owner\":\"web\",\"parent\":null}" },
		{ "{\"type\":\"aspf\"}",
			"{\"type\":\"aspf\",\"source\":\"200.1.1.10\",\"source_port\":null,"
			"\"nat_source\":null,\"nat_source_port\":null,"
			"\"destination\":\"10.1.1.10\",\"destination_port\":\"2097\","
			"\"nat_destination\":null,\"nat_destination_port\":null,"
			"\"protocol\":\"tcp\",\"zones\":[\"untrust\"],\"alg\":\"ftp-data\","
			"\"uses\":1,\"sessions\":null,\"owner\":null,"
			"\"parent\":\"000000380003\"}" },
	};
	char line[256];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		json_t *answer, *want = json_loads(rows[i].row, 0, NULL), *row;
		char *text;

		snprintf(line, sizeof(line),
			"{\"schema\":1,\"get\":\"server_map\",\"filter\":%s}\n", rows[i].filter);
		text = management_box_ask(box, json_fd, line, "\n");
		answer = json_loads(text, 0, NULL);
		row = json_array_get(json_object_get(answer, "rows"), 0);
		if (json_is_integer(json_object_get(row, "left_s"))) {
			assert_in_range(json_integer_value(json_object_get(row, "left_s")), 1, 10);
			json_object_del(row, "left_s");
		}
		if (json_array_size(json_object_get(answer, "rows")) != 1 || !json_equal(row, want))
			fail_msg("%s: %s", line, text);
		free(text);
		json_decref(answer);
		json_decref(want);
	}
}

static void
counters_of_what_is_expected(void **state)
{
	(void)state;
	console_says("display firewall server-map statistics", "entries ");
	console_says("display firewall server-map statistics", "refused_share");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(P42_all_kinds_in_the_format),
		CASE(entries_by_filter),
		CASE(programs_get_the_same),
		CASE(counters_of_what_is_expected),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests_name("server_map_show", tests, NULL, NULL);
}
