/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What operators and programs see of translation: groups and what is in use of them, rules with
 * their hits, servers, mappings, counters; translated sessions in the session table (P40).
 */
#include "management_box.h"
#include "policy_count.h"
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

static int
setup(void **state)
{
	(void)state;
	box = management_box_create(1024, NULL, NULL);
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

/* => the answer's rows; the answer is *keep, to be given back. */
static const json_t *
get(const char *line, json_t **keep)
{
	char *text = management_box_ask(box, json_fd, line, "\n");

	*keep = json_loads(text, 0, NULL);
	free(text);
	assert_true(json_is_true(json_object_get(*keep, "ok")));
	return json_object_get(*keep, "rows");
}

/* The n-th row has these members. */
static void
expect(const char *line, size_t count, size_t n, const char *members)
{
	json_t *keep, *want = json_loads(members, 0, NULL), *value;
	const json_t *rows = get(line, &keep), *row = json_array_get(rows, n);
	const char *key;

	assert_non_null(want);
	assert_int_equal(json_array_size(rows), count);
	json_object_foreach(want, key, value)
	{
		if (json_equal(json_object_get(row, key), value) == 0)
			fail_msg("%s: %s is %s", line, key,
				json_dumps(json_object_get(row, key), JSON_ENCODE_ANY));
	}
	json_decref(want);
	json_decref(keep);
}

static void
console_says(const char *command, const char *text)
{
	char line[192];
	char *answer;

	snprintf(line, sizeof(line), "%s\n", command);
	answer = management_box_ask(box, console_fd, line, "[FW1] ");
	if (strstr(answer, text) == NULL)
		fail_msg("%s: %s", command, answer);
	free(answer);
}

static void
groups_and_what_is_in_use_of_them(void **state)
{
	static const char group[] = "{\"schema\":1,\"get\":\"nat_address_group\"}";

	(void)state;
	expect(group, 2, 0,
		"{\"group\":\"pool\",\"state\":\"in use\",\"mode\":\"pat\",\"address_count\":2,"
		"\"addresses\":[\"198.51.100.1-198.51.100.2\"],\"vrid\":null,"
		"\"mapping\":\"endpoint-independent\",\"mappings\":1,"
		"\"filtering\":\"address-and-port-dependent\",\"paired\":true,\"block\":256,"
		"\"blocks\":512,\"blocks_used\":1,\"tcp\":1,\"udp\":0,\"icmp\":0,\"hosts\":0,"
		"\"taken\":1,\"given\":0,\"exhausted\":0}");
	expect(group, 2, 1,
		"{\"group\":\"hosts\",\"mode\":\"no-pat\",\"address_count\":4,"
		"\"addresses\":[\"198.51.100.16/30\"],\"mapping\":null,\"filtering\":null,"
		"\"paired\":null,\"block\":null,\"mappings\":0,\"mappings_max\":0,\"blocks\":0,"
		"\"hosts\":1,\"taken\":1}");
	expect("{\"schema\":1,\"get\":\"nat_address_group\",\"filter\":{\"group\":\"hosts\"}}", 1,
		0, "{\"group\":\"hosts\"}");
	/* Two workers and nobody: the host has kept its port, whosever block that is in. */
	expect("{\"schema\":1,\"get\":\"nat_address_group_worker\"}", 3, 0,
		"{\"group\":\"pool\",\"worker\":0,\"blocks_used\":0,\"tcp\":0}");
	expect("{\"schema\":1,\"get\":\"nat_address_group_worker\"}", 3, 2,
		"{\"group\":\"pool\",\"worker\":null,\"blocks_used\":1,\"tcp\":1}");
	expect("{\"schema\":1,\"get\":\"nat_address_group_block\"}", 1, 0,
		"{\"group\":\"pool\",\"first_port\":3840,\"last_port\":4095,\"worker\":null,"
		"\"tcp\":1,\"udp\":0,\"icmp\":0}");
	expect("{\"schema\":1,\"get\":\"nat_address_group_host\"}", 1, 0,
		"{\"group\":\"hosts\",\"host\":\"10.1.1.77\",\"sessions\":1}");
	expect("{\"schema\":1,\"get\":\"nat_mapping\"}", 1, 0,
		"{\"group\":\"pool\",\"protocol\":\"tcp\",\"inside\":\"10.1.1.77\","
		"\"inside_port\":4000,\"outside_port\":4000,\"full_cone\":false,\"sessions\":1}");
	console_says("display nat mapping", " pool   tcp       10.1.1.77        4000");
	console_says("display nat address-group hosts mapping", "Group  Protocol");
	console_says("display nat address-group pool", " Ports of TCP in use : 1\n");
	console_says("display nat address-group hosts host", "10.1.1.77         1\n");
	console_says("display nat address-group pool block", "3840  4095       -");
	console_says(
		"display nat address-group pool worker", " pool        1       0    0    0     0");
	console_says("display nat address-group none", "there is no address group \"none\"");
}

static void
rules_and_their_hits(void **state)
{
	static const char policy[] = "{\"schema\":1,\"get\":\"nat_policy\"}";
	const struct nat *nat = engine_snapshot(box->m.engine)->nat;

	(void)state;
	expect(policy, 2, 0,
		"{\"order\":1,\"rule\":\"to-pool\",\"source_zones\":[\"dmz\"],\"services\":[],"
		"\"action\":\"source-nat\",\"address_group\":\"pool\",\"easy_ip\":false,"
		"\"alg\":true,\"state\":\"active\",\"hits\":0,\"last_hit\":null}");
	expect(policy, 2, 1,
		"{\"order\":2,\"rule\":\"never\",\"action\":\"no-nat\",\"address_group\":null,"
		"\"state\":\"never matches\",\"shadowed_by\":\"to-pool\"}");
	for (unsigned int i = 0; i < 3; i++)
		policy_counter_hit(policy_counters(nat->rules, 1), 1, BOX_ZONE_DMZ,
			BOX_ZONE_UNTRUST, mono_seconds(box->box->now));
	expect(policy, 2, 0, "{\"hits\":3}");
	console_says("reset nat policy counters", " Rules reset : 2\n");
	expect(policy, 2, 0, "{\"hits\":0,\"last_hit\":null}");
}

static void
servers_mappings_and_counters(void **state)
{
	(void)state;
	expect("{\"schema\":1,\"get\":\"nat_server\"}", 1, 0,
		"{\"server\":\"web\",\"zones\":[\"untrust\"],\"protocol\":\"tcp\","
		"\"public_address\":\"198.51.100.9\",\"public_port\":\"8080-8089\","
		"\"inside_addresses\":[\"10.1.2.80/31\"],\"inside_port\":\"80-89\","
		"\"vrid\":null}");
	expect("{\"schema\":1,\"get\":\"nat_static\"}", 1, 0,
		"{\"mapping\":\"lab\",\"public\":\"203.0.113.0/24\",\"inside\":\"10.1.9.0/24\"}");
	expect("{\"schema\":1,\"get\":\"nat_statistics\"}", 13, 0,
		"{\"group\":\"groups\",\"counter\":\"groups\",\"value\":2}");
	expect("{\"schema\":1,\"get\":\"nat_statistics\"}", 13, 5,
		"{\"group\":\"groups\",\"counter\":\"held\",\"value\":2}");
	console_says("display nat static", " lab      203.0.113.0/24  10.1.9.0/24");
	console_says("display nat nat64", " internet  64:ff9b::/96  pool          trust");
	expect("{\"schema\":1,\"get\":\"nat64\"}", 1, 0,
		"{\"name\":\"internet\",\"prefix\":\"64:ff9b::/96\",\"address_group\":\"pool\","
		"\"zones\":[\"trust\"]}");
	console_says("display nat statistics", "no_mapping");
}

/* ---- sessions ---- */

struct ends {
	uint32_t src, dst;
	uint16_t sport, dport;
};

static uint8_t
key_of(struct session_key4 *k, const struct ends *e)
{
	return session_key4_make(k, rte_cpu_to_be_32(e->src), rte_cpu_to_be_32(e->dst),
		rte_cpu_to_be_16(e->sport), rte_cpu_to_be_16(e->dport), IPPROTO_TCP);
}

static void
add_session(const struct ends *in, const struct ends *out)
{
	struct session_table *t = engine_sessions(box->m.engine);
	struct session *s = session_table_alloc(t);
	struct session_outside o = { .note = 0 };
	enum session_clash clash = SESSION_CLASH_NONE;
	struct session_key4 key;
	bool existed;
	uint8_t swap;

	assert_non_null(s);
	swap = key_of(&key, in);
	s->zone[0] = BOX_ZONE_TRUST;
	s->zone[1] = BOX_ZONE_UNTRUST;
	s->dir[0].neigh = s->dir[1].neigh = NEIGH_NONE;
	s->last_seen = s->created = mono_seconds(box->box->now);
	s->ctl = session_kind(4, IPPROTO_TCP, swap) | SESSION_TCP_ESTABLISHED;
	if (out == NULL) {
		session_table_insert4(t, s, &key, UINT16_MAX, box->box->now, &existed);
	} else {
		o.swap = key_of(&o.key, out);
		session_table_insert4_nat(
			t, s, &key, &o, SESSION_NONE, UINT16_MAX, box->box->now, &clash);
	}
	assert_int_equal(clash, SESSION_CLASH_NONE);
	engine_box_poll(box->box);
}

#define CLIENT BOX_IPV4(10, 1, 1, 10)
#define SERVER BOX_IPV4(200, 1, 1, 10)
#define PUBLIC BOX_IPV4(198, 51, 100, 1)
#define WEB    BOX_IPV4(198, 51, 100, 9)
#define INSIDE BOX_IPV4(10, 1, 2, 80)

static void
P40_translated_ends_are_in_brackets(void **state)
{
	static const struct {
		struct ends in, out;
		const char *line, *members;
	} rows[] = {
		{ { CLIENT, SERVER, 40000, 80 }, { PUBLIC, SERVER, 4096, 80 },
			" tcp  VPN: public --> public 10.1.1.10:40000[198.51.100.1:4096] --> "
			"200.1.1.10:80\n",
			"{\"source\":\"10.1.1.10\",\"source_port\":40000,\"nat_source\":"
			"\"198.51.100.1\",\"nat_source_port\":4096,\"nat_destination\":null,"
			"\"nat_destination_port\":null}" },
		{ { SERVER, WEB, 5000, 8080 }, { SERVER, INSIDE, 5000, 80 },
			" tcp  VPN: public --> public 200.1.1.10:5000 --> "
			"198.51.100.9:8080[10.1.2.80:80]\n",
			"{\"nat_source\":null,\"nat_destination\":\"10.1.2.80\","
			"\"nat_destination_port\":80}" },
		{ { CLIENT, WEB, 40001, 8080 }, { PUBLIC, INSIDE, 40001, 80 },
			" tcp  VPN: public --> public 10.1.1.10:40001[198.51.100.1:40001] --> "
			"198.51.100.9:8080[10.1.2.80:80]\n",
			"{\"nat_source_port\":40001,\"nat_destination_port\":80}" },
	};
	char filter[160], command[160];

	(void)state;
	add_session(&(struct ends){ CLIENT, SERVER, 41000, 80 }, NULL);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct ends *in = &rows[i].in;

		add_session(in, &rows[i].out);
		snprintf(command, sizeof(command), "display firewall session table source-port %u",
			in->sport);
		console_says(command, rows[i].line);
		snprintf(filter, sizeof(filter),
			"{\"schema\":1,\"get\":\"sessions\",\"filter\":{\"source_port\":%u}}",
			in->sport);
		expect(filter, 1, 0, rows[i].members);
	}
	console_says(
		"display firewall session table verbose nat-destination 10.1.2.80 source-port 5000",
		"198.51.100.9:8080[10.1.2.80:80]  PolicyName");
}

static void
sessions_by_their_translation(void **state)
{
	static const struct {
		const char *words;
		unsigned int shown;
	} rows[] = {
		{ "nat", 2 },
		{ "nat source-port 41000", 0 },
		{ "nat-source 198.51.100.0/24", 1 },
		{ "nat-source 198.51.100.1 nat-source-port 4096", 1 },
		{ "nat-source-port 4097", 0 },
		{ "nat-source-port 41000", 0 }, /* its port, but it is not translated */
		{ "nat-destination 10.1.2.80", 1 },
		{ "nat-destination 200.1.1.10", 1 }, /* stays, of a translated one */
		{ "source 10.1.1.10", 2 },
	};
	char command[160], text[32];

	(void)state;
	add_session(&(struct ends){ CLIENT, SERVER, 41000, 80 }, NULL);
	add_session(&(struct ends){ CLIENT, SERVER, 40000, 80 },
		&(struct ends){ PUBLIC, SERVER, 4096, 80 });
	add_session(&(struct ends){ SERVER, WEB, 5000, 8080 },
		&(struct ends){ SERVER, INSIDE, 5000, 80 });
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		snprintf(command, sizeof(command), "display firewall session table %s",
			rows[i].words);
		snprintf(text, sizeof(text), " Shown : %u\n", rows[i].shown);
		console_says(command, text);
	}
	expect("{\"schema\":1,\"get\":\"sessions\",\"filter\":{\"nat\":false}}", 1, 0,
		"{\"source_port\":41000}");
	console_says("reset firewall session table nat-source-port 4096", " Sessions reset : 1\n");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(groups_and_what_is_in_use_of_them),
		CASE(rules_and_their_hits),
		CASE(servers_mappings_and_counters),
		CASE(P40_translated_ends_are_in_brackets),
		CASE(sessions_by_their_translation),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests_name("nat_show", tests, NULL, NULL);
}
