/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects that rules refer to: what packets find of nested sets, predefined services and schedules.
 */
#include "config_policy.h"
#include "publish_policy.h"
#include "sample_config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// clang-format off
static const char objects[] =
	"address_sets = (\n"
	"  { name = \"all\"; sets = [ \"servers\", \"six\" ]; addresses = [ \"10.9.0.0/16\" ]; },\n"
	"  { name = \"servers\"; addresses = [ \"10.2.0.1\", \"10.2.0.7-10.2.0.9\" ]; sets = [ \"deep\" ]; },\n"
	"  { name = \"deep\"; addresses = [ \"10.3.0.0/24\" ]; },\n"
	"  { name = \"six\"; addresses = [ \"2001:db8::/32\" ]; sets = [ \"deep\" ]; }\n"
	");\n"
	"service_sets = (\n"
	"  { name = \"work\"; sets = [ \"https\", \"odd\" ]; services = ( { protocol = \"tcp\"; destination_port = \"8080-8081\"; } ); },\n"
	"  { name = \"odd\"; services = ( { protocol = \"udp\"; source_port = \"500\"; destination_port = \"500\"; },\n"
	"                                { protocol = \"icmp\"; icmp_type = 13; icmp_code = 2; } ); }\n"
	");\n"
	"schedules = (\n"
	"  { name = \"office\"; periods = ( { days = [ \"mon\", \"fri\" ]; from = \"08:00\"; to = \"18:00\"; } ); },\n"
	"  { name = \"night\"; periods = ( { days = [ \"fri\" ]; from = \"22:00\"; to = \"06:00\"; } ); },\n"
	"  { name = \"always\"; periods = ( { from = \"00:00\"; to = \"24:00\"; } ); },\n"
	"  { name = \"move\"; dates = ( { from = \"2026-03-28 12:00\"; to = \"2026-03-29 12:00\"; } ); }\n"
	");\n"
	"security_policy = { rules = (\n"
	"  { name = \"one-set\"; destination_sets = [ \"all\" ]; service_sets = [ \"work\" ]; action = \"permit\"; },\n"
	"  { name = \"off\"; enable = false; action = \"permit\"; },\n"
	"  { name = \"mixed\"; source_sets = [ \"six\", \"servers\" ]; source_addresses = [ \"10.7.0.1\" ];\n"
	"    services = ( { protocol = \"gre\"; } ); service_sets = [ \"ssh\", \"ping\" ]; action = \"permit\"; log = true; },\n"
	"  { name = \"web\"; service_sets = [ \"http\" ]; schedule = \"office\"; action = \"reject\"; }\n"
	"); };\n";
// clang-format on

static struct config *config;

static int
parse(void **state)
{
	static char text[sizeof(sample_config) + sizeof(objects)];
	const char *begin = strstr(sample_config, "security_policy"), *end = strstr(begin, "vrrp");
	char err[640] = "";

	(void)state;
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(begin - sample_config), sample_config,
		objects, end);
	config = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
	if (config == NULL)
		print_error("%s\n", err);
	return config != NULL ? 0 : -1;
}

static int
drop(void **state)
{
	(void)state;
	config_free(config);
	return 0;
}

/* Local time of the test's zone, UTC. 2026-11-27 is a Friday. */
static time_t
at(int month, int day, int hour, int minute)
{
	struct tm tm = { .tm_year = 126,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute };

	return mktime(&tm);
}

static struct policy_verdict
ask(const struct policy *p, const char *src, const char *dst, uint8_t proto, uint16_t sport,
	uint16_t dport)
{
	const bool six = strchr(src, ':') != NULL;
	struct policy_key6 key6 = { .source_zone = 2,
		.destination_zone = 4,
		.proto = proto,
		.sport = rte_cpu_to_be_16(sport),
		.dport = rte_cpu_to_be_16(dport) };
	const struct policy_key key = { .source_zone = 2,
		.destination_zone = 4,
		.proto = proto,
		.src = six ? 0 : inet_addr(src),
		.dst = six ? 0 : inet_addr(dst),
		.sport = rte_cpu_to_be_16(sport),
		.dport = rte_cpu_to_be_16(dport) };
	struct policy_verdict v;

	if (six) {
		assert_int_equal(inet_pton(AF_INET6, src, key6.src), 1);
		assert_int_equal(inet_pton(AF_INET6, dst, key6.dst), 1);
		policy_classify6(p, &key6, 1, &v);
	} else {
		policy_classify(p, &key, 1, &v);
	}
	return v;
}

static struct policy *
compile(time_t now)
{
	char err[256] = "";
	struct policy *p = publish_policy(config, now, err, sizeof(err));

	assert_string_equal(err, "");
	assert_non_null(p);
	return p;
}

static void
sets_hold_what_is_in_the_sets_in_them(void **state)
{
	static const struct {
		const char *src, *dst;
		uint8_t proto;
		uint16_t sport, dport, slot;
	} rows[] = {
		{ "1.1.1.1", "10.9.1.1", 6, 1000, 443, 1 },
		{ "1.1.1.1", "10.2.0.1", 6, 1000, 8081, 1 },
		{ "1.1.1.1", "10.2.0.2", 6, 1000, 443, 0 },
		{ "1.1.1.1", "10.2.0.8", 6, 1000, 443, 1 },
		{ "1.1.1.1", "10.3.0.255", 6, 1000, 443, 1 },
		{ "2001:db8::1", "2001:db8::2", 6, 1000, 443, 1 },
		{ "2001:db8::1", "2001:db9::2", 6, 1000, 443, 0 },
		{ "1.1.1.1", "10.9.1.1", 17, 500, 500, 1 },
		{ "1.1.1.1", "10.9.1.1", 17, 501, 500, 0 },
		{ "1.1.1.1", "10.9.1.1", 1, 0, 13 << 8 | 2, 1 },
		{ "1.1.1.1", "10.9.1.1", 1, 0, 13 << 8 | 1, 0 },
		{ "10.7.0.1", "1.1.1.1", 6, 1000, 22, 3 },
		{ "10.3.0.1", "1.1.1.1", 47, 0, 0, 3 },
		{ "10.3.0.1", "1.1.1.1", 1, 0, 8 << 8, 3 },
		{ "2001:db8::1", "2001:db9::2", 58, 0, 128 << 8, 3 },
		{ "10.8.0.1", "1.1.1.1", 6, 1000, 22, 0 },
	};
	struct policy *p = compile(at(11, 28, 12, 0));

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct policy_verdict v = ask(
			p, rows[i].src, rows[i].dst, rows[i].proto, rows[i].sport, rows[i].dport);

		if (v.slot != rows[i].slot)
			fail_msg("row %u: slot %u", i, v.slot);
	}
	policy_destroy(p);
}

static void
a_schedule_holds_from_its_first_to_before_its_last_minute(void **state)
{
	static const struct {
		const char *schedule;
		int month, day, hour, minute;
		bool active;
	} rows[] = {
		{ "office", 11, 27, 7, 59, false }, /* Friday */
		{ "office", 11, 27, 8, 0, true },
		{ "office", 11, 27, 17, 59, true },
		{ "office", 11, 27, 18, 0, false },
		{ "office", 11, 26, 12, 0, false },
		{ "office", 11, 30, 12, 0, true },
		{ "night", 11, 27, 21, 59, false },
		{ "night", 11, 27, 22, 0, true },
		{ "night", 11, 28, 0, 0, true },
		{ "night", 11, 28, 5, 59, true },
		{ "night", 11, 28, 6, 0, false },
		{ "night", 11, 27, 5, 0, false },
		{ "night", 11, 28, 22, 0, false },
		{ "always", 11, 27, 0, 0, true },
		{ "always", 11, 27, 23, 59, true },
		{ "move", 3, 28, 11, 59, false },
		{ "move", 3, 28, 12, 0, true },
		{ "move", 3, 29, 11, 59, true },
		{ "move", 3, 29, 12, 0, false },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		const struct config_schedule *s = config_schedule_find(config, rows[i].schedule);
		const time_t now = at(rows[i].month, rows[i].day, rows[i].hour, rows[i].minute);
		struct tm local;

		assert_non_null(s);
		localtime_r(&now, &local);
		if (config_schedule_active(s, now, &local) != rows[i].active)
			fail_msg("row %u", i);
	}
}

static void
a_rule_matches_within_its_schedule_only(void **state)
{
	struct policy *p = compile(at(11, 27, 7, 59));

	(void)state;
	assert_int_equal(ask(p, "1.1.1.1", "2.2.2.2", 6, 1000, 80).slot, 0);
	assert_false(policy_active(p, 4));
	assert_true(policy_active(p, 1));
	assert_false(policy_active(p, 2)); /* enable = false */
	assert_true(policy_rule_log(p, 3));
	assert_false(policy_rule_log(p, 4));
	assert_true(publish_policy_schedules(p, config, at(11, 27, 8, 0)));
	assert_int_equal(ask(p, "1.1.1.1", "2.2.2.2", 6, 1000, 80).slot, 4);
	assert_int_equal(ask(p, "1.1.1.1", "2.2.2.2", 6, 1000, 80).action, POLICY_REJECT);
	assert_false(publish_policy_schedules(p, config, at(11, 27, 8, 1)));
	assert_true(publish_policy_schedules(p, config, at(11, 27, 18, 0)));
	assert_int_equal(ask(p, "1.1.1.1", "2.2.2.2", 6, 1000, 80).slot, 0);
	policy_destroy(p);
}

struct lines {
	unsigned int count;
	char text[4][256];
};

static void
note(void *ctx, const char *line)
{
	struct lines *l = ctx;

	assert_true(l->count < RTE_DIM(l->text));
	snprintf(l->text[l->count++], sizeof(l->text[0]), "%s", line);
}

static void
rules_that_never_decide_are_named_with_their_lines(void **state)
{
	static const char rules[] =
		"security_policy = { rules = (\n"
		"  { name = \"wide\"; source_addresses = [ \"10.0.0.0/8\" ]; action = \"deny\"; "
		"},\n"
		"  { name = \"set\"; source_sets = [ \"deep\" ]; service_sets = [ \"https\" ]; "
		"action = \"permit\"; },\n"
		"  { name = \"noon\"; destination_sets = [ \"six\" ]; schedule = \"office\"; "
		"action = \"permit\"; },\n"
		"  { name = \"all-day\"; destination_sets = [ \"six\" ]; action = \"permit\"; },\n"
		"  { name = \"never\"; source_addresses = [ \"11.0.0.1\" ];\n"
		"    destination_addresses = [ \"2001:db8::1\" ]; action = \"permit\"; },\n"
		"  { name = \"noon-2\"; destination_sets = [ \"six\" ]; schedule = \"office\"; "
		"action = \"deny\"; }\n"
		"); };\n";
	static char text[sizeof(sample_config) + sizeof(objects) + sizeof(rules)];
	const char *begin = strstr(sample_config, "security_policy"), *end = strstr(begin, "vrrp");
	const char *without = strstr(objects, "security_policy");
	char err[640] = "";
	struct lines all = { 0 }, two = { 0 };
	struct config *c;
	struct policy *p;

	(void)state;
	snprintf(text, sizeof(text), "%.*s%.*s%s%s", (int)(begin - sample_config), sample_config,
		(int)(without - objects), objects, rules, end);
	c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
	assert_string_equal(err, "");
	p = publish_policy(c, at(11, 27, 7, 59), err, sizeof(err));
	assert_non_null(p);
	publish_policy_warn(p, c, UINT32_MAX, note, &all);
	assert_int_equal(all.count, 3);
	assert_non_null(strstr(all.text[0],
		": security_policy.rules[set].name: never matches: rule wide in line "));
	assert_non_null(strstr(all.text[0], " takes all of its packets (deny)"));
	assert_non_null(strstr(all.text[1], "rules[never].name: never matches: its source and "
					    "destination are of different families"));
	assert_non_null(
		strstr(all.text[2], "rules[noon-2].name: never matches: rule noon in line "));
	publish_policy_warn(p, c, 1, note, &two);
	assert_int_equal(two.count, 2);
	assert_string_equal(
		two.text[1], "security_policy: 2 more rules never match: display security-policy");
	policy_destroy(p);
	config_free(c);
}

static void
predefined_services_have_names_and_ports(void **state)
{
	const char *name, *last = "";
	uint32_t count = 0;

	(void)state;
	for (unsigned int i = 0; (name = config_builtin_service_name(i)) != NULL; i++) {
		assert_true(strcmp(last, name) < 0); /* in order, none twice */
		last = name;
		assert_non_null(config_builtin_service(name, &count));
		assert_in_range(count, 1, 3);
	}
	assert_int_equal(config_builtin_service("dns", &count)[0].dport_min, 53);
	assert_int_equal(count, 2);
	assert_null(config_builtin_service("DNS", &count));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_hold_what_is_in_the_sets_in_them),
		cmocka_unit_test(a_schedule_holds_from_its_first_to_before_its_last_minute),
		cmocka_unit_test(a_rule_matches_within_its_schedule_only),
		cmocka_unit_test(rules_that_never_decide_are_named_with_their_lines),
		cmocka_unit_test(predefined_services_have_names_and_ports),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, parse, drop);
}
