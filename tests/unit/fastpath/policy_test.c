/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipv4.h"
#include "policy.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_memory.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TRUST	2
#define DMZ	3
#define UNTRUST 4

static struct policy_prefix lan[] = { { IPV4(10, 1, 1, 0), 24 }, { IPV4(10, 2, 0, 0), 16 } };
static struct policy_prefix bad_host[] = { { IPV4(10, 1, 1, 66), 32 } };
static struct policy_service web[] = {
	{ IPPROTO_TCP, 0, 65535, 80, 80 },
	{ IPPROTO_TCP, 0, 65535, 443, 443 },
};
static struct policy_service dns[] = { { IPPROTO_UDP, 1024, 65535, 53, 53 } };

static const struct policy_rule rules[] = {
	{ .name = "quarantine", .action = POLICY_DENY, .source_count = 1, .sources = bad_host },
	{ .name = "web",
		.action = POLICY_PERMIT,
		.source_zones = 1ULL << TRUST | 1ULL << DMZ,
		.destination_zones = 1ULL << UNTRUST,
		.source_count = 2,
		.sources = lan,
		.service_count = 2,
		.services = web },
	{ .name = "dns",
		.action = POLICY_PERMIT,
		.destination_zones = 1ULL << UNTRUST,
		.service_count = 1,
		.services = dns },
	{ .name = "web again", .action = POLICY_DENY, .service_count = 2, .services = web },
};

static struct policy_key
key(uint8_t from, uint8_t to, uint32_t src, uint8_t proto, uint16_t sport, uint16_t dport)
{
	return (struct policy_key){ .source_zone = from,
		.destination_zone = to,
		.proto = proto,
		.src = rte_cpu_to_be_32(src),
		.dst = rte_cpu_to_be_32(IPV4(200, 1, 1, 10)),
		.sport = rte_cpu_to_be_16(sport),
		.dport = rte_cpu_to_be_16(dport) };
}

static void
first_match_wins_over_zones_addresses_and_services(void **state)
{
	static const struct {
		uint8_t from, to;
		uint32_t src;
		uint8_t proto;
		uint16_t sport, dport, slot;
		enum policy_action action;
	} rows[] = {
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 40001, 80, 2, POLICY_PERMIT },
		{ DMZ, UNTRUST, IPV4(10, 2, 9, 9), IPPROTO_TCP, 1, 443, 2, POLICY_PERMIT },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 66), IPPROTO_TCP, 40001, 80, 1, POLICY_DENY },
		{ TRUST, UNTRUST, IPV4(10, 1, 2, 10), IPPROTO_TCP, 40001, 80, 4, POLICY_DENY },
		{ UNTRUST, TRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 40001, 80, 4, POLICY_DENY },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 40001, 81, 0, POLICY_DENY },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_UDP, 1024, 53, 3, POLICY_PERMIT },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_UDP, 1023, 53, 0, POLICY_DENY },
		{ TRUST, DMZ, IPV4(10, 1, 1, 10), IPPROTO_UDP, 5000, 53, 0, POLICY_DENY },
	};
	struct policy *p =
		policy_create("first", rules, RTE_DIM(rules), POLICY_DENY, SOCKET_ID_ANY);
	struct policy_key keys[RTE_DIM(rows)];
	struct policy_verdict out[RTE_DIM(rows)];

	(void)state;
	assert_non_null(p);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		keys[i] = key(rows[i].from, rows[i].to, rows[i].src, rows[i].proto, rows[i].sport,
			rows[i].dport);
	policy_classify(p, keys, RTE_DIM(rows), out);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		if (out[i].slot != rows[i].slot || out[i].action != rows[i].action)
			fail_msg("row %u: slot %u action %d", i, out[i].slot, out[i].action);
		assert_int_equal(out[i].id,
			rows[i].slot == 0 ? 0 : policy_rule_id(rules[rows[i].slot - 1].name));
	}
	policy_destroy(p);
}

static void
R18_no_rule_means_the_default(void **state)
{
	const struct policy_key k = key(TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 1, 80);
	struct policy_verdict v;

	(void)state;
	for (enum policy_action action = POLICY_DENY; action <= POLICY_PERMIT; action++) {
		struct policy *p = policy_create("empty", NULL, 0, action, SOCKET_ID_ANY);

		assert_non_null(p);
		policy_classify(p, &k, 1, &v);
		assert_int_equal(v.action, action);
		assert_int_equal(v.slot, 0);
		policy_destroy(p);
	}
}

static void
rule_ids_depend_on_the_name_alone(void **state)
{
	struct policy *p = policy_create("ids", rules, RTE_DIM(rules), POLICY_DENY, SOCKET_ID_ANY);

	(void)state;
	assert_non_null(p);
	assert_int_equal(policy_slot_of(p, policy_rule_id("dns")), 3);
	assert_int_equal(policy_slot_of(p, policy_rule_id("unknown")), 0);
	assert_int_not_equal(policy_rule_id("web"), policy_rule_id("web again"));
	assert_string_equal(policy_rule_at(p, 2)->name, "web");
	assert_null(policy_rule_at(p, 0));
	assert_null(policy_rule_at(p, 5));
	policy_destroy(p);
}

static void
a_rule_that_expands_too_far_is_refused(void **state)
{
	static struct policy_prefix many[2000];
	struct policy_rule r = { .name = "huge",
		.source_count = 2000,
		.sources = many,
		.destination_count = 2000,
		.destinations = many };

	(void)state;
	assert_null(policy_create("huge", &r, 1, POLICY_DENY, SOCKET_ID_ANY));
	assert_int_equal(errno, E2BIG);
}

static void
a_thousand_rules_match_in_order(void **state)
{
	struct policy_rule *many = calloc(1000, sizeof(*many));
	struct policy_prefix *prefixes = calloc(1000, sizeof(*prefixes));
	struct policy *p;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		prefixes[i] = (struct policy_prefix){ IPV4(10, 0, 0, 0) + i / 2, 32 };
		many[i].source_count = 1;
		many[i].sources = &prefixes[i];
		many[i].action = i % 2 == 0 ? POLICY_PERMIT : POLICY_DENY;
		snprintf(many[i].name, sizeof(many[i].name), "rule %u", i);
	}
	p = policy_create("thousand", many, 1000, POLICY_DENY, SOCKET_ID_ANY);
	assert_non_null(p);
	for (unsigned int i = 0; i < 500; i++) {
		const struct policy_key k =
			key(TRUST, UNTRUST, IPV4(10, 0, 0, 0) + i, IPPROTO_TCP, 1, 2);
		struct policy_verdict v;

		policy_classify(p, &k, 1, &v);
		assert_int_equal(v.slot, 2 * i + 1);
		assert_int_equal(v.action, POLICY_PERMIT);
	}
	policy_destroy(p);
	free(many);
	free(prefixes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_match_wins_over_zones_addresses_and_services),
		cmocka_unit_test(R18_no_rule_means_the_default),
		cmocka_unit_test(rule_ids_depend_on_the_name_alone),
		cmocka_unit_test(a_rule_that_expands_too_far_is_refused),
		cmocka_unit_test(a_thousand_rules_match_in_order),
	};

	test_eal_start(256, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
