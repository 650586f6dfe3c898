/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random life of a pair: connections of both families, expected ones, entries of the blacklist that
 * come and go, a wire that gets worse and better, links and
 * boxes that fail, other rules.  TWINWALL_SEED=N repeats a run, TWINWALL_SOAK_S=N makes it longer.
 * After each part the pair is mended, and everything is mirrored once more: then all tables'
 * digests are equal.  In the end every session is reset, and no session, port or buffer may be
 * left.
 */
#include "blacklist.h"
#include "hrp.h"
#include "ipv4.h"
#include "nat_group.h"
#include "pair.h"
#include "random_below.h"
#include "servermap.h"
#include "session_walk.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS 100
#define PART_S	 10
#define TCPS	 10

static uint64_t random_state;

static uint32_t
below(uint32_t n)
{
	return random_below(&random_state, n);
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
	const char *const text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static bool
whole(struct pair *p)
{
	const int owner = pair_owner(p);

	return (owner == 0 || owner == 1) && pair_synchronised(p);
}

static bool
equal(struct pair *p)
{
	static struct hrp_status status;

	if (!whole(p) || pair_differences(p) != 0)
		return false;
	hrp_status(ha_hrp(pair_box(p, (unsigned int)pair_owner(p))->ha), &status);
	for (uint64_t i = 0; i < status.tables_count; i++)
		if (status.tables[i].bulk_out != HRP_BULK_EQUAL)
			return false;
	return pair_sessions(p, 0) == pair_sessions(p, 1);
}

/* Ports that the address group has given away. */
static uint32_t
ports_used(struct pair *p, unsigned int box)
{
	struct nat_groups *const groups = engine_nat_groups(pair_box(p, box)->engine);
	const struct nat_usage u = nat_pool_usage(
		nat_groups_pool(groups, nat_groups_find(groups, "office")), NAT_POOL_UNOWNED);

	return u.used[0] + u.used[1] + u.used[2];
}

static struct servermap *
map_of(struct pair *p, unsigned int box)
{
	return engine_servermap(pair_box(p, box)->engine);
}

static struct blacklist *
list_of(struct pair *p, unsigned int box)
{
	return engine_blacklist(pair_box(p, box)->engine);
}

static bool
empty(struct pair *p)
{
	for (unsigned int b = 0; b < 2; b++)
		if (pair_sessions(p, b) + ports_used(p, b) + servermap_count(map_of(p, b)) +
				blacklist_count(list_of(p, b)).entries !=
			0)
			return false;
	return true;
}

/* ---- what lives ---- */

/* One IPv6 datagram of one of 100 conversations, either way. */
static void
send_ipv6(struct pair *p)
{
	static const uint8_t client[IP6_LEN] = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 10 };
	static const uint8_t server[IP6_LEN] = { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 10 };
	const bool answer = below(3) == 0;
	struct host *const from = answer ? pair_traffic(p)->server : pair_traffic(p)->client;
	const struct rte_ether_addr gateway = core_virtual_mac6(answer ? 2 : 1);
	const rte_be16_t port = rte_cpu_to_be_16((uint16_t)(1024 + below(100)));
	struct {
		struct rte_ipv6_hdr ip;
		struct rte_udp_hdr udp;
	} d = { .ip = { .vtc_flow = RTE_BE32(6u << 28),
			.payload_len = RTE_BE16(sizeof(d.udp)),
			.proto = IPPROTO_UDP,
			.hop_limits = 64 },
		.udp = { .src_port = answer ? RTE_BE16(9000) : port,
			.dst_port = answer ? port : RTE_BE16(9000),
			.dgram_len = RTE_BE16(sizeof(d.udp)) } };

	memcpy(pair_traffic(p)->client->address6, client, IP6_LEN);
	memcpy(pair_traffic(p)->server->address6, server, IP6_LEN);
	memcpy(d.ip.src_addr, answer ? server : client, IP6_LEN);
	memcpy(d.ip.dst_addr, answer ? client : server, IP6_LEN);
	d.udp.dgram_cksum = rte_ipv6_udptcp_cksum(&d.ip, &d.udp);
	host_send6(from, &gateway, (const uint8_t *)&d, sizeof(d), pair_now(p));
}

static mono_t
some_time(struct pair *p)
{
	return below(8) == 0 ? MONO_NEVER : mono_add_ms(pair_now(p), 500 + below(20000));
}

/* An entry of the blacklist comes, is renewed or goes; a standby refuses that. */
static void
change_blacklist(struct pair *p)
{
	const struct blacklist_entry e = { .prefix = ip_addr_v4(
						   rte_cpu_to_be_32(IPV4(11, 0, 0, 0) + below(50))),
		.len = 32,
		.side = (uint8_t)below(BLACKLIST_SIDES),
		.origin = (uint8_t)(below(2) == 0 ? BLACKLIST_MANUAL : BLACKLIST_SCAN),
		.until = some_time(p) };

	(void)pair_blacklist(p, (unsigned int)pair_owner(p), &e, below(3) != 0);
}

/* A connection is expected, or comes. */
static void
change_servermap(struct pair *p)
{
	struct servermap *const map = map_of(p, (unsigned int)pair_owner(p));
	const struct ip_addr host = ip_addr_v4(RTE_BE32(IPV4(10, 1, 1, 10)));
	struct servermap_entry e = { .key = { .dst = host,
					     .dport =
						     rte_cpu_to_be_16((uint16_t)(2000 + below(50))),
					     .proto = IPPROTO_TCP },
		.zone = ZONE_NONE,
		.uses = (uint16_t)(1 + below(3)),
		.parent = SERVERMAP_NONE,
		.until = some_time(p) };
	struct servermap_entry found;
	bool flag;

	if (below(3) == 0)
		(void)servermap_take(map, &e.key, &host, ZONE_NONE, pair_now(p), &found, &flag);
	else
		(void)servermap_add(map, &e, 0, &flag);
}

static void
live(struct pair *p)
{
	for (unsigned int i = 0; i < 8; i++)
		send_ipv6(p);
	if (pair_owner(p) != 0 && pair_owner(p) != 1)
		return;
	for (unsigned int i = 0; i < 4; i++) {
		change_blacklist(p);
		change_servermap(p);
	}
}

/* For a while. */
static void
go_on(struct pair *p, uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i += 20) {
		live(p);
		pair_run(p, 20);
	}
}

/* As `reset firewall session table` does, on the owner: its peer is told. */
static void
reset_sessions(struct pair *p)
{
	struct session_table *const table =
		engine_sessions(pair_box(p, (unsigned int)pair_owner(p))->engine);
	struct session_walk w = { .slots = UINT32_MAX };
	const struct session *s;

	while ((s = session_walk_next(table, &w)) != NULL)
		session_table_post(table, session_table_index(table, s),
			atomic_load(&s->generation), SESSION_OP_KILL);
}

/* The other tables likewise. */
static void
reset_entries(struct pair *p)
{
	const unsigned int owner = (unsigned int)pair_owner(p);
	struct servermap_entry e;
	uint16_t generation;

	for (uint32_t i = 0; i < servermap_capacity(map_of(p, owner)); i++)
		if (servermap_look(map_of(p, owner), i, &e, &generation))
			servermap_drop(map_of(p, owner), i, generation, NULL, NULL);
	for (uint32_t i = 0; i < list_of(p, owner)->high; i++) {
		const struct blacklist_entry b = list_of(p, owner)->entries[i];

		if (b.origin != BLACKLIST_FREE)
			assert_int_equal(pair_blacklist(p, owner, &b, false), 0);
	}
}

/* Something happens, for a while. */
static void
fault(struct pair *p)
{
	static const char *const rules[] = {
		"{ name = \"out\"; source_zones = [ \"trust\" ]; action = \"permit\"; }",
		"{ name = \"some\"; source_zones = [ \"trust\" ]; services = ( { protocol = "
		"\"tcp\"; }, { protocol = \"udp\"; } ); action = \"permit\"; }",
	};
	const unsigned int box = below(2);
	const uint32_t ms = 50 + below(700);
	struct pair_wire *const w = pair_heartbeat_of(p, below(2));

	switch (below(8)) {
	case 0:
		w->loss = (uint8_t)below(20);
		w->duplicate = (uint8_t)below(10);
		w->reorder = (uint8_t)below(20);
		break;
	case 1:
		w->delay_us = below(20000);
		w->jitter_us = below(5000);
		break;
	case 2:
		w->flip = (uint8_t)below(3);
		break;
	case 3:
		w->cut = true;
		go_on(p, ms);
		w->cut = false;
		break;
	case 4:
		pair_kill(p, box);
		go_on(p, ms);
		pair_restart(p, box);
		break;
	case 5:
		pair_link(p, box, ms % 2 == 0, false);
		go_on(p, ms);
		pair_link(p, box, ms % 2 == 0, true);
		break;
	case 6:
		for (unsigned int b = 0; b < 2; b++)
			pair_policy(p, b, rules[ms % RTE_DIM(rules)]);
		break;
	default:
		traffic_churn(pair_traffic(p), (uint16_t)(1 + below(12)));
	}
	go_on(p, ms);
}

static void
mend(struct pair *p)
{
	for (unsigned int link = 0; link < 2; link++)
		*pair_heartbeat_of(p, link) = (struct pair_wire){ 0 };
	traffic_churn(pair_traffic(p), 0);
	if (!pair_run_until(p, whole, 20000))
		fail_msg("the pair does not become whole: owner %d", pair_owner(p));
	assert_true(ha_sync(pair_box(p, (unsigned int)pair_owner(p))->ha));
	if (!pair_run_until(p, equal, 40000))
		fail_msg("tables differ: %u and %u sessions, %u differences", pair_sessions(p, 0),
			pair_sessions(p, 1), pair_differences(p));
}

static void
the_mirror_survives_a_random_life(void **state)
{
	static const char nat[] =
		"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid "
		"= 2; } );\n"
		"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ]; action = "
		"\"source-nat\"; address_group = \"office\"; } ); };\n";
	const uint64_t seed = setting("TWINWALL_SEED", 1);
	const uint64_t seconds = setting("TWINWALL_SOAK_S", 300);
	struct pair *p;

	(void)state;
	print_message("TWINWALL_SEED=%llu, %llu s\n", (unsigned long long)seed,
		(unsigned long long)seconds);
	random_state = seed;
	p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.tcp_count = TCPS,
		.seed = (uint32_t)seed,
		.heartbeats = 2,
		.max_sessions = 1024,
		.nat = nat,
		.workers = { 1, 2 } });
	pair_form(p);
	const mono_t begun = pair_now(p);

	while (mono_since_ms(pair_now(p), begun) < seconds * 1000) {
		const mono_t part = pair_now(p);

		while (mono_since_ms(pair_now(p), part) < PART_S * 1000)
			fault(p);
		mend(p);
	}
	pair_traffic(p)->udp_on = pair_traffic(p)->tcp_on = false;
	pair_traffic(p)->churn_count = 0;
	pair_run(p, 1000);
	reset_entries(p);
	reset_sessions(p);
	if (!pair_run_until(p, empty, 5000))
		fail_msg("%u and %u sessions, %u and %u ports, %u and %u of the server-map, %u "
			 "and %u of the blacklist are left",
			pair_sessions(p, 0), pair_sessions(p, 1), ports_used(p, 0),
			ports_used(p, 1), servermap_count(map_of(p, 0)),
			servermap_count(map_of(p, 1)), blacklist_count(list_of(p, 0)).entries,
			blacklist_count(list_of(p, 1)).entries);
	pair_teardown(NULL); /* which counts the buffers */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_mirror_survives_a_random_life, pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
