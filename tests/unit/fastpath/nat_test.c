/* SPDX-License-Identifier: BSD-3-Clause */
/* The snapshot's translation, and the engine's address groups over a reload. */
#include "nat.h"
#include "rcu.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IP(a, b, c, d) RTE_BE32((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define PUBLIC	       0xcb007100u /* 203.0.113.0 */
#define ZONE_A	       3
#define ZONE_B	       4

struct world {
	struct rcu *rcu;
	struct nat_groups *groups;
};

static int
setup(void **state)
{
	static struct world w;

	w.rcu = rcu_create(SOCKET_ID_ANY);
	assert_non_null(w.rcu);
	w.groups = nat_groups_create(&(struct nat_groups_params){
		.workers = 1, .max_sessions = 1024, .rcu = w.rcu, .socket = SOCKET_ID_ANY });
	assert_non_null(w.groups);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	const struct world *w = *state;

	nat_groups_destroy(w->groups);
	rcu_destroy(w->rcu);
	return 0;
}

static struct nat_group_params
group(const char *name, uint8_t from, uint8_t to)
{
	struct nat_group_params p = { .mode = NAT_POOL_PAT,
		.block = 256,
		.section_count = 1,
		.sections = { { PUBLIC + from, PUBLIC + to } } };

	snprintf(p.name, sizeof(p.name), "%s", name);
	return p;
}

static uint16_t
acquire(const struct world *w, const struct nat_group_params *p)
{
	char err[128] = "";
	const uint16_t id = nat_groups_acquire(w->groups, p, err, sizeof(err));

	assert_string_equal(err, "");
	assert_int_not_equal(id, NAT_GROUP_NONE);
	return id;
}

static void
a_server_is_found_by_zone_protocol_and_port(void **state)
{
	static const struct nat_server servers[] = {
		{ .name = "any", .address = IP(203, 0, 113, 9), .inside_count = 1 },
		{ .name = "web",
			.address = IP(203, 0, 113, 5),
			.proto = IPPROTO_TCP,
			.port = 80,
			.port_last = 89,
			.inside_count = 1 },
		{ .name = "web-b",
			.address = IP(203, 0, 113, 5),
			.proto = IPPROTO_TCP,
			.port = 80,
			.port_last = 89,
			.inside_count = 1,
			.zones = 1 << ZONE_B },
		{ .name = "dns",
			.address = IP(203, 0, 113, 5),
			.proto = IPPROTO_UDP,
			.port = 53,
			.port_last = 53,
			.inside_count = 1 },
		{ .name = "rest",
			.address = IP(203, 0, 113, 5),
			.inside_count = 1,
			.zones = 1 << ZONE_A },
	};
	static const struct {
		uint8_t zone;
		rte_be32_t dst;
		uint8_t proto;
		uint16_t port;
		const char *name;
	} rows[] = {
		{ ZONE_A, IP(203, 0, 113, 5), IPPROTO_TCP, 80, "web" },
		{ ZONE_A, IP(203, 0, 113, 5), IPPROTO_TCP, 89, "web" },
		{ ZONE_B, IP(203, 0, 113, 5), IPPROTO_TCP, 89, "web-b" },
		{ ZONE_B, IP(203, 0, 113, 5), IPPROTO_TCP, 90, NULL },
		{ ZONE_A, IP(203, 0, 113, 5), IPPROTO_TCP, 90, "rest" },
		{ ZONE_A, IP(203, 0, 113, 5), IPPROTO_TCP, 79, "rest" },
		{ ZONE_B, IP(203, 0, 113, 5), IPPROTO_UDP, 53, "dns" },
		{ ZONE_B, IP(203, 0, 113, 5), IPPROTO_UDP, 54, NULL },
		{ ZONE_A, IP(203, 0, 113, 5), IPPROTO_ICMP, 2048, "rest" },
		{ ZONE_B, IP(203, 0, 113, 5), IPPROTO_ICMP, 2048, NULL },
		{ ZONE_B, IP(203, 0, 113, 9), IPPROTO_GRE, 0, "any" },
		{ ZONE_B, IP(203, 0, 113, 6), IPPROTO_TCP, 80, NULL },
		{ ZONE_B, IP(203, 0, 113, 4), IPPROTO_TCP, 80, NULL },
	};
	const struct world *w = *state;
	struct nat *n = nat_create(w->groups, 0, RTE_DIM(servers), 0, 0);

	assert_non_null(n);
	memcpy(n->servers, servers, sizeof(servers));
	n->server_count = RTE_DIM(servers);
	nat_seal(n);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct nat_server *s = nat_server_find(n, rows[i].zone, rows[i].dst,
			rows[i].proto, rte_cpu_to_be_16(rows[i].port));

		if (rows[i].name == NULL)
			assert_null(s);
		else
			assert_string_equal(s != NULL ? s->name : "none", rows[i].name);
	}
	assert_true(nat_has_address(n, IP(203, 0, 113, 5)));
	assert_true(nat_has_address(n, IP(203, 0, 113, 9)));
	assert_false(nat_has_address(n, IP(203, 0, 113, 6)));
	nat_destroy(n);
}

static void
a_static_mapping_keeps_host_bits(void **state)
{
	static const struct nat_static statics[] = {
		{ .name = "net",
			.address = IP(203, 0, 113, 64),
			.inside = IP(10, 9, 0, 16),
			.len = 28 },
		{ .name = "host",
			.address = IP(203, 0, 113, 1),
			.inside = IP(10, 1, 1, 1),
			.len = 32 },
	};
	static const struct {
		rte_be32_t address, inside; /* 0: not mapped */
	} rows[] = {
		{ IP(203, 0, 113, 64), IP(10, 9, 0, 16) },
		{ IP(203, 0, 113, 79), IP(10, 9, 0, 31) },
		{ IP(203, 0, 113, 80), 0 },
		{ IP(203, 0, 113, 63), 0 },
		{ IP(203, 0, 113, 1), IP(10, 1, 1, 1) },
		{ IP(203, 0, 113, 0), 0 },
		{ 0, IP(10, 9, 0, 32) },
		{ 0, IP(10, 1, 1, 2) },
	};
	const struct world *w = *state;
	struct nat *n = nat_create(w->groups, 0, 0, RTE_DIM(statics), 0);

	assert_non_null(n);
	memcpy(n->statics, statics, sizeof(statics));
	n->static_count = RTE_DIM(statics);
	nat_seal(n);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		rte_be32_t other = 0;

		if (rows[i].address != 0) {
			assert_int_equal(
				nat_static_public(n, rows[i].address, &other), rows[i].inside != 0);
			assert_int_equal(other, rows[i].inside);
			assert_int_equal(nat_has_address(n, rows[i].address), rows[i].inside != 0);
		}
		other = 0;
		if (rows[i].inside != 0) {
			assert_int_equal(
				nat_static_inside(n, rows[i].inside, &other), rows[i].address != 0);
			assert_int_equal(other, rows[i].address);
		}
	}
	nat_destroy(n);
}

/* NAT-17: what sessions hold of a group outlives the snapshot that had it. */
static void
NAT_17_a_retired_group_stays_until_all_is_given_back(void **state)
{
	const struct world *w = *state;
	const struct nat_group_params before = group("office", 10, 11),
				      after = group("office", 10, 12);
	const struct nat_want want = { .proto = IPPROTO_UDP,
		.host = IP(10, 0, 0, 1),
		.port = RTE_BE16(5000),
		.remote = IP(8, 8, 8, 8),
		.remote_port = RTE_BE16(53) };
	const uint16_t old = acquire(w, &before);
	struct nat_got got;
	uint16_t next;

	assert_int_equal(acquire(w, &before), old); /* a reload that changes nothing */
	nat_groups_release(w->groups, old);
	assert_false(nat_groups_retired(w->groups, old));
	assert_int_equal(nat_groups_take(w->groups, old, &want, &got), NAT_OK);

	next = acquire(w, &after);
	assert_int_not_equal(next, old);
	nat_groups_release(w->groups, old);
	assert_true(nat_groups_retired(w->groups, old));
	assert_int_equal(nat_groups_find(w->groups, "office"), next);
	assert_int_equal(nat_groups_claim(w->groups, old, IPPROTO_UDP, want.host, want.port, &got),
		NAT_NOT_OURS);
	assert_int_equal(nat_groups_sweep(w->groups), 1); /* its session lives */

	nat_groups_give(w->groups, old, IPPROTO_UDP, &got);
	for (unsigned int i = 0; i < 3 && nat_groups_sweep(w->groups) > 0; i++)
		;
	assert_int_equal(nat_groups_sweep(w->groups), 0);
	assert_false(nat_groups_retired(w->groups, old));
	nat_groups_release(w->groups, next);
	assert_int_equal(nat_groups_find(w->groups, "office"), NAT_GROUP_NONE);
}

static void
a_group_that_comes_back_goes_on(void **state)
{
	const struct world *w = *state;
	const struct nat_group_params p = group("guests", 20, 20);
	const struct nat_want want = {
		.proto = IPPROTO_TCP, .host = IP(10, 0, 0, 1), .port = RTE_BE16(5000)
	};
	const uint16_t id = acquire(w, &p);
	struct nat_got got;

	assert_int_equal(nat_groups_take(w->groups, id, &want, &got), NAT_OK);
	nat_groups_release(w->groups, id);
	assert_true(nat_groups_retired(w->groups, id));
	assert_int_equal(acquire(w, &p), id);
	assert_false(nat_groups_retired(w->groups, id));
	nat_groups_give(w->groups, id, IPPROTO_TCP, &got);
	assert_int_equal(nat_groups_stats(w->groups, id).taken, 1);
	assert_int_equal(nat_groups_stats(w->groups, id).given, 1);
	nat_groups_release(w->groups, id);
}

static void
too_many_groups_are_refused(void **state)
{
	const struct world *w = *state;
	uint16_t ids[NAT_GROUPS_MAX];
	unsigned int n = 0;
	char err[128] = "";

	for (; n < NAT_GROUPS_MAX; n++) {
		char name[16];
		struct nat_group_params p;

		snprintf(name, sizeof(name), "g%u", n);
		p = group(name, 1, 1);
		p.mode = NAT_POOL_NO_PAT;
		ids[n] = nat_groups_acquire(w->groups, &p, err, sizeof(err));
		if (ids[n] == NAT_GROUP_NONE)
			break;
	}
	assert_true(n >= NAT_GROUPS_MAX - 2); /* those of the cases before may still end */
	if (n == NAT_GROUPS_MAX) {
		const struct nat_group_params p = group("more", 1, 1);

		assert_int_equal(
			nat_groups_acquire(w->groups, &p, err, sizeof(err)), NAT_GROUP_NONE);
	}
	assert_non_null(strstr(err, "256 address groups are in use"));
	for (unsigned int i = 0; i < n; i++)
		nat_groups_release(w->groups, ids[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_found_by_zone_protocol_and_port),
		cmocka_unit_test(a_static_mapping_keeps_host_bits),
		cmocka_unit_test(NAT_17_a_retired_group_stays_until_all_is_given_back),
		cmocka_unit_test(a_group_that_comes_back_goes_on),
		cmocka_unit_test(too_many_groups_are_refused),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, setup, teardown);
}
