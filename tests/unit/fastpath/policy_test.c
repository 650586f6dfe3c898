/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipv4.h"
#include "policy.h"

#include <rte_common.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRUST	2
#define DMZ	3
#define UNTRUST 4

/* Literals of this page: prefixes are filled in by lists(). */
static struct policy_range lan[4], bad_host[2], six_only[1];

static const struct policy_service web[] = {
	{ IPPROTO_TCP, 0, 65535, 80, 80 },
	{ IPPROTO_TCP, 0, 65535, 443, 443 },
};
static const struct policy_service dns[] = { { IPPROTO_UDP, 1024, 65535, 53, 53 } };
/* One service with source ports beside one without: they must not mix. */
static const struct policy_service mixed[] = {
	{ IPPROTO_UDP, 123, 123, 123, 123 },
	{ IPPROTO_TCP, 0, 65535, 22, 22 },
};
static const struct policy_service echo[] = { { IPPROTO_ICMP, 0, 65535, 8 << 8, 8 << 8 | 255 } };

static const struct policy_rule rules[] = {
	{ .name = "quarantine", .action = POLICY_DENY, .source_count = 2, .sources = bad_host },
	{ .name = "web",
		.action = POLICY_PERMIT,
		.source_zones = 1ULL << TRUST | 1ULL << DMZ,
		.destination_zones = 1ULL << UNTRUST,
		.source_count = 4,
		.sources = lan,
		.service_count = 2,
		.services = web },
	{ .name = "dns",
		.action = POLICY_PERMIT,
		.destination_zones = 1ULL << UNTRUST,
		.service_count = 1,
		.services = dns },
	{ .name = "off", .action = POLICY_PERMIT, .disabled = true },
	{ .name = "web again", .action = POLICY_REJECT, .service_count = 2, .services = web },
	{ .name = "mixed", .action = POLICY_PERMIT, .service_count = 2, .services = mixed },
	{ .name = "ping", .action = POLICY_PERMIT, .service_count = 1, .services = echo },
	{ .name = "six", .action = POLICY_PERMIT, .source_count = 1, .sources = six_only },
};

static const uint8_t six_lan[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
static const uint8_t six_bad[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x66 };
static const uint8_t six_far[16] = { 0x2a, 0x00, [15] = 1 };
static const uint8_t six_server[16] = { 0x26, 0x00, [15] = 1 };

static int
lists(void **state)
{
	(void)state;
	lan[0] = policy_prefix4(IPV4(10, 1, 1, 0), 24);
	lan[1] = policy_prefix4(IPV4(10, 2, 0, 0), 16);
	lan[2] = policy_prefix6(six_lan, 48);
	/* a range that no prefix describes */
	lan[3] = (struct policy_range){ ip_addr_v4(RTE_BE32(IPV4(10, 3, 0, 7))),
		ip_addr_v4(RTE_BE32(IPV4(10, 3, 0, 9))) };
	bad_host[0] = policy_prefix4(IPV4(10, 1, 1, 66), 32);
	bad_host[1] = policy_prefix6(six_bad, 128);
	six_only[0] = policy_prefix6(six_far, 32);
	return 0;
}

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

static struct policy_key6
key6(uint8_t from, uint8_t to, const uint8_t src[16], uint8_t proto, uint16_t sport, uint16_t dport)
{
	struct policy_key6 k = { .source_zone = from,
		.destination_zone = to,
		.proto = proto,
		.sport = rte_cpu_to_be_16(sport),
		.dport = rte_cpu_to_be_16(dport) };

	memcpy(k.src, src, 16);
	memcpy(k.dst, six_server, 16);
	return k;
}

static struct policy *
make(const struct policy_rule *list, uint32_t count, enum policy_action action)
{
	struct policy *p = policy_create(list, count, action);

	assert_non_null(p);
	return p;
}

static void
assert_verdict(unsigned int row, const struct policy_verdict *v, uint16_t slot)
{
	if (v->slot != slot)
		fail_msg("row %u: slot %u", row, v->slot);
	assert_int_equal(v->action, slot == 0 ? POLICY_DENY : rules[slot - 1].action);
	assert_int_equal(v->id, slot == 0 ? 0 : policy_rule_id(rules[slot - 1].name));
}

static void
first_match_wins_over_zones_addresses_and_services(void **state)
{
	static const struct {
		uint8_t from, to;
		uint32_t src;
		uint8_t proto;
		uint16_t sport, dport, slot;
	} rows[] = {
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 40001, 80, 2 },
		{ DMZ, UNTRUST, IPV4(10, 2, 9, 9), IPPROTO_TCP, 1, 443, 2 },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 66), IPPROTO_TCP, 40001, 80, 1 },
		{ TRUST, UNTRUST, IPV4(10, 1, 2, 10), IPPROTO_TCP, 40001, 80, 5 },
		{ UNTRUST, TRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 40001, 80, 5 },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 40001, 81, 0 },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_UDP, 1024, 53, 3 },
		{ TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_UDP, 1023, 53, 0 },
		{ TRUST, DMZ, IPV4(10, 1, 1, 10), IPPROTO_UDP, 5000, 53, 0 },
		{ TRUST, UNTRUST, IPV4(10, 3, 0, 6), IPPROTO_TCP, 1, 80, 5 },
		{ TRUST, UNTRUST, IPV4(10, 3, 0, 7), IPPROTO_TCP, 1, 80, 2 },
		{ TRUST, UNTRUST, IPV4(10, 3, 0, 9), IPPROTO_TCP, 1, 80, 2 },
		{ TRUST, UNTRUST, IPV4(10, 3, 0, 10), IPPROTO_TCP, 1, 80, 5 },
		{ TRUST, UNTRUST, IPV4(0, 0, 0, 0), IPPROTO_UDP, 123, 123, 6 },
		{ TRUST, UNTRUST, IPV4(255, 255, 255, 255), IPPROTO_UDP, 124, 123, 0 },
		{ TRUST, UNTRUST, IPV4(1, 1, 1, 1), IPPROTO_TCP, 123, 123, 0 },
		{ TRUST, UNTRUST, IPV4(1, 1, 1, 1), IPPROTO_TCP, 124, 22, 6 },
		{ TRUST, UNTRUST, IPV4(1, 1, 1, 1), IPPROTO_ICMP, 0, 8 << 8, 7 },
		{ TRUST, UNTRUST, IPV4(1, 1, 1, 1), IPPROTO_ICMP, 0, 13 << 8, 0 },
		{ 63, 0, IPV4(1, 1, 1, 1), IPPROTO_TCP, 9, 22, 6 },
	};
	struct policy *p = make(rules, RTE_DIM(rules), POLICY_DENY);
	struct policy_key keys[RTE_DIM(rows)];
	struct policy_verdict out[RTE_DIM(rows)];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		keys[i] = key(rows[i].from, rows[i].to, rows[i].src, rows[i].proto, rows[i].sport,
			rows[i].dport);
	policy_classify(p, keys, RTE_DIM(rows), out);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		assert_verdict(i, &out[i], rows[i].slot);
	policy_destroy(p);
}

static void
ipv6_matches_by_the_same_rules(void **state)
{
	static const struct {
		uint8_t from, to;
		const uint8_t *src;
		uint8_t proto;
		uint16_t sport, dport, slot;
	} rows[] = {
		{ TRUST, UNTRUST, six_lan, IPPROTO_TCP, 40001, 80, 2 },
		{ TRUST, UNTRUST, six_bad, IPPROTO_TCP, 40001, 80, 1 },
		{ TRUST, UNTRUST, six_far, IPPROTO_TCP, 40001, 80, 5 },
		{ TRUST, UNTRUST, six_far, IPPROTO_TCP, 40001, 81, 8 },
		{ TRUST, UNTRUST, six_lan, IPPROTO_TCP, 40001, 81, 0 },
		{ UNTRUST, TRUST, six_server, IPPROTO_UDP, 1024, 53, 0 },
		{ TRUST, UNTRUST, six_server, IPPROTO_UDP, 1024, 53, 3 },
		{ TRUST, UNTRUST, six_server, IPPROTO_TCP, 1, 22, 6 },
	};
	struct policy *p = make(rules, RTE_DIM(rules), POLICY_DENY);
	struct policy_verdict out[RTE_DIM(rows)];
	struct policy_key6 keys[RTE_DIM(rows)];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		keys[i] = key6(rows[i].from, rows[i].to, rows[i].src, rows[i].proto, rows[i].sport,
			rows[i].dport);
	policy_classify6(p, keys, RTE_DIM(rows), out);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		assert_verdict(i, &out[i], rows[i].slot);
	policy_destroy(p);
}

static void
R18_no_rule_means_the_default(void **state)
{
	const struct policy_key k = key(TRUST, UNTRUST, IPV4(10, 1, 1, 10), IPPROTO_TCP, 1, 80);
	const struct policy_key6 k6 = key6(TRUST, UNTRUST, six_lan, IPPROTO_TCP, 1, 80);
	struct policy_verdict v, v6;

	(void)state;
	for (enum policy_action action = POLICY_DENY; action <= POLICY_REJECT; action++) {
		struct policy *p = make(NULL, 0, action);

		policy_classify(p, &k, 1, &v);
		policy_classify6(p, &k6, 1, &v6);
		assert_int_equal(v.action, action);
		assert_int_equal(v.slot, 0);
		assert_int_equal(v6.action, action);
		assert_int_equal(v6.slot, 0);
		policy_destroy(p);
	}
}

static void
rule_ids_depend_on_the_name_alone(void **state)
{
	struct policy *p = make(rules, RTE_DIM(rules), POLICY_DENY);

	(void)state;
	assert_int_equal(policy_slot_of(p, policy_rule_id("dns")), 3);
	assert_int_equal(policy_slot_of(p, policy_rule_id("off")), 4);
	assert_int_equal(policy_slot_of(p, policy_rule_id("unknown")), 0);
	assert_int_not_equal(policy_rule_id("web"), policy_rule_id("web again"));
	assert_string_equal(policy_rule_name(p, 2), "web");
	assert_int_equal(policy_rule_action(p, 5), POLICY_REJECT);
	assert_null(policy_rule_name(p, 0));
	assert_null(policy_rule_name(p, RTE_DIM(rules) + 1));
	policy_destroy(p);
}

static void
too_much_is_refused(void **state)
{
	static struct policy_service ports[1000];
	struct policy_rule *many = calloc(MAX_RULES, sizeof(*many));

	(void)state;
	assert_null(policy_create(many, MAX_RULES, POLICY_DENY));
	assert_int_equal(errno, E2BIG);
	/* each service with a source port is an entry of its own */
	for (unsigned int i = 0; i < RTE_DIM(ports); i++)
		ports[i] = (struct policy_service){ IPPROTO_UDP, 7, 7, 0, 65535 };
	for (unsigned int i = 0; i < 33; i++) {
		many[i].services = ports;
		many[i].service_count = RTE_DIM(ports);
	}
	assert_null(policy_create(many, 33, POLICY_DENY));
	assert_int_equal(errno, E2BIG);
	policy_destroy(make(many, 32, POLICY_DENY));
	free(many);
}

/* The product of its lists does not matter: 2000 x 2000 addresses are as good as any. */
static void
long_lists_on_both_sides_are_no_product(void **state)
{
	static struct policy_range many[2000];
	const struct policy_rule r = { .name = "huge",
		.action = POLICY_PERMIT,
		.source_count = RTE_DIM(many),
		.sources = many,
		.destination_count = RTE_DIM(many),
		.destinations = many };
	struct policy_verdict v;
	struct policy_key k;
	struct policy *p;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(many); i++)
		many[i] = policy_prefix4(IPV4(10, 0, 0, 0) + 2 * i, 32);
	p = make(&r, 1, POLICY_DENY);
	for (uint32_t i = 0; i < 2 * RTE_DIM(many); i++) {
		k = key(TRUST, UNTRUST, IPV4(10, 0, 0, 0) + i, IPPROTO_TCP, 1, 2);
		k.dst = rte_cpu_to_be_32(IPV4(10, 0, 0, 0) + 3998 - (i & ~1U));
		policy_classify(p, &k, 1, &v);
		assert_int_equal(v.slot, i % 2 == 0);
	}
	policy_destroy(p);
}

/* ---- against a reference that looks at one rule after the other ---- */

static uint32_t seed = 1;

static uint32_t
any_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static bool
in_range(const struct policy_range *r, const struct ip_addr *a)
{
	if (a->family != r->first.family)
		return false;
	if (a->family == 6)
		return ip6_compare(r->first.v6, a->v6) <= 0 && ip6_compare(a->v6, r->last.v6) <= 0;
	return rte_be_to_cpu_32(r->first.v4) <= rte_be_to_cpu_32(a->v4) &&
	       rte_be_to_cpu_32(a->v4) <= rte_be_to_cpu_32(r->last.v4);
}

static bool
in_list(const struct policy_range *list, uint32_t count, const struct ip_addr *a)
{
	bool found = count == 0;

	for (uint32_t i = 0; i < count && !found; i++)
		found = in_range(&list[i], a);
	return found;
}

struct packet {
	uint8_t from, to, proto;
	uint16_t sport, dport;
	struct ip_addr src, dst;
};

static bool
rule_matches(const struct policy_rule *r, const struct packet *p)
{
	bool service = r->service_count == 0;

	for (uint32_t i = 0; i < r->service_count && !service; i++) {
		const struct policy_service *s = &r->services[i];

		service = (s->proto == 0 || s->proto == p->proto) && s->sport_min <= p->sport &&
			  p->sport <= s->sport_max && s->dport_min <= p->dport &&
			  p->dport <= s->dport_max;
	}
	return service && !r->disabled &&
	       (r->source_zones == 0 || r->source_zones >> p->from & 1) &&
	       (r->destination_zones == 0 || r->destination_zones >> p->to & 1) &&
	       in_list(r->sources, r->source_count, &p->src) &&
	       in_list(r->destinations, r->destination_count, &p->dst);
}

/* Few values, so that rules overlap and packets hit their edges. */
static struct ip_addr
any_address(uint8_t family, uint32_t host)
{
	uint8_t six[16] = { 0x20, 0x01, [15] = (uint8_t)host };

	return family == 4 ? ip_addr_v4(rte_cpu_to_be_32(IPV4(10, 0, 0, 0) + host))
			   : ip_addr_v6(six);
}

enum { RANDOM_RULES = 300, RANDOM_MANY = 6000, RANDOM_LIST = 3, RANDOM_PACKETS = 4000 };

struct random_lists {
	struct policy_range sources[RANDOM_LIST], destinations[RANDOM_LIST];
	struct policy_service services[RANDOM_LIST];
};

static uint32_t
random_ranges(struct policy_range *r)
{
	const uint32_t count = any_below(RANDOM_LIST + 1);

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t family = any_below(2) != 0 ? 4 : 6;
		const uint32_t first = any_below(250);

		r[i].first = any_address(family, first);
		r[i].last = any_address(family, first + any_below(any_below(2) != 0 ? 5 : 1));
	}
	return count;
}

static void
random_rule(struct policy_rule *r, struct random_lists *l)
{
	static const uint8_t protocols[] = { 6, 17, 1, 47 };

	*r = (struct policy_rule){ .action = (enum policy_action)any_below(3),
		.disabled = any_below(20) == 0,
		.source_zones = any_below(2) * any_below(32),
		.destination_zones = any_below(2) * any_below(32),
		.sources = l->sources,
		.destinations = l->destinations,
		.services = l->services };
	snprintf(r->name, sizeof(r->name), "r%u", any_below(1000000));
	r->source_count = random_ranges(l->sources);
	r->destination_count = random_ranges(l->destinations);
	r->service_count = any_below(RANDOM_LIST + 1);
	for (uint32_t i = 0; i < r->service_count; i++) {
		struct policy_service *s = &l->services[i];

		*s = (struct policy_service){ .proto = protocols[any_below(4)],
			.sport_max = 65535,
			.dport_min = (uint16_t)any_below(10) };
		s->dport_max = (uint16_t)(s->dport_min + any_below(5));
		if (any_below(8) == 0)
			*s = (struct policy_service){ .sport_max = 65535, .dport_max = 65535 };
		if (any_below(4) == 0 && s->proto != 0)
			s->sport_max = (uint16_t)any_below(10);
	}
}

static uint16_t
reference(const struct policy_rule *list, uint32_t count, const struct packet *p)
{
	for (uint16_t i = 0; i < count; i++) {
		if (rule_matches(&list[i], p))
			return (uint16_t)(i + 1);
	}
	return 0;
}

static uint16_t
classify(const struct policy *p, const struct packet *k)
{
	struct policy_key four = { k->from, k->to, k->proto, k->src.v4, k->dst.v4,
		rte_cpu_to_be_16(k->sport), rte_cpu_to_be_16(k->dport) };
	struct policy_key6 six = { .source_zone = k->from,
		.destination_zone = k->to,
		.proto = k->proto,
		.sport = rte_cpu_to_be_16(k->sport),
		.dport = rte_cpu_to_be_16(k->dport) };
	struct policy_verdict v;

	memcpy(six.src, k->src.v6, 16);
	memcpy(six.dst, k->dst.v6, 16);
	if (k->src.family == 4)
		policy_classify(p, &four, 1, &v);
	else
		policy_classify6(p, &six, 1, &v);
	return v.slot;
}

static void
random_rules_match_as_the_reference_does(void **state)
{
	static struct policy_rule list[RANDOM_MANY];
	static struct random_lists own[RANDOM_MANY];
	static const uint8_t protocols[] = { 6, 17, 1, 47, 50 };
	unsigned int hits = 0;

	(void)state;
	for (unsigned int round = 0; round < 13; round++) {
		/* Some rounds have the rules of each pair of zones in one word of 64 entries. */
		const bool blocks = round % 3 == 2;
		const uint32_t count = round < 12 ? RANDOM_RULES : RANDOM_MANY;
		struct policy *p;

		for (unsigned int i = 0; i < count; i++) {
			random_rule(&list[i], &own[i]);
			if (blocks || round == 12) {
				list[i].source_zones = UINT64_C(1) << i * 7 / count;
				list[i].destination_zones = UINT64_C(1) << i / 64 % 16;
			}
			/* some rules share their lists */
			if (i > 0 && any_below(3) == 0) {
				list[i].sources = list[i - 1].sources;
				list[i].source_count = list[i - 1].source_count;
			}
			if (i > 0 && any_below(3) == 0) {
				list[i].services = list[i - 1].services;
				list[i].service_count = list[i - 1].service_count;
			}
		}
		p = make(list, count, POLICY_DENY);
		for (unsigned int i = 0; i < RANDOM_PACKETS; i++) {
			const uint8_t family = any_below(2) != 0 ? 4 : 6;
			const struct packet k = { .from = (uint8_t)any_below(7),
				.to = (uint8_t)any_below(7),
				.proto = protocols[any_below(5)],
				.sport = (uint16_t)any_below(12),
				.dport = (uint16_t)any_below(16),
				.src = any_address(family, any_below(256)),
				.dst = any_address(family, any_below(256)) };
			const uint16_t want = reference(list, count, &k);

			if (classify(p, &k) != want)
				fail_msg("round %u packet %u: slot %u, expected %u", round, i,
					classify(p, &k), want);
			hits += want != 0;
		}
		policy_destroy(p);
	}
	/* Neither everything nor nothing hit something. */
	assert_in_range(hits, 13 * RANDOM_PACKETS / 20, 13 * RANDOM_PACKETS * 19 / 20);
}

static void
ten_thousand_rules_match_in_order(void **state)
{
	enum { COUNT = 10000 };
	struct policy_rule *many = calloc(COUNT, sizeof(*many));
	struct policy_range *ranges = calloc(COUNT, sizeof(*ranges));
	struct policy *p;

	(void)state;
	for (unsigned int i = 0; i < COUNT; i++) {
		ranges[i] = policy_prefix4(IPV4(10, 0, 0, 0) + i / 2, 32);
		many[i].source_count = 1;
		many[i].sources = &ranges[i];
		many[i].action = i % 2 == 0 ? POLICY_PERMIT : POLICY_DENY;
		snprintf(many[i].name, sizeof(many[i].name), "rule %u", i);
	}
	p = make(many, COUNT, POLICY_DENY);
	for (unsigned int i = 0; i < COUNT / 2; i++) {
		const struct policy_key k =
			key(TRUST, UNTRUST, IPV4(10, 0, 0, 0) + i, IPPROTO_TCP, 1, 2);
		struct policy_verdict v;

		policy_classify(p, &k, 1, &v);
		assert_int_equal(v.slot, 2 * i + 1);
		assert_int_equal(v.action, POLICY_PERMIT);
	}
	policy_destroy(p);
	free(many);
	free(ranges);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_match_wins_over_zones_addresses_and_services),
		cmocka_unit_test(ipv6_matches_by_the_same_rules),
		cmocka_unit_test(R18_no_rule_means_the_default),
		cmocka_unit_test(rule_ids_depend_on_the_name_alone),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(long_lists_on_both_sides_are_no_product),
		cmocka_unit_test(random_rules_match_as_the_reference_does),
		cmocka_unit_test(ten_thousand_rules_match_in_order),
	};

	return cmocka_run_group_tests(tests, lists, NULL);
}
