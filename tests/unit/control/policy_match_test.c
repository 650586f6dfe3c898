/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer which rule a first packet would hit, and why: configuration, routes and policy of one
 * box, published as the daemon does. */
#include "management_box.h"
#include "policy.h"
#include "publish.h"
#include "sample_config.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// clang-format off
static const char rules[] =
	"address_sets = ( { name = \"servers\"; addresses = [ \"200.1.1.7\", \"2001:db8:2::/64\" ]; sets = [ \"far\" ]; },\n"
	"                 { name = \"far\"; addresses = [ \"203.0.113.10-203.0.113.20\" ]; } );\n"
	"schedules = ( { name = \"past\"; dates = ( { from = \"2001-01-01 00:00\"; to = \"2001-01-02 00:00\"; } ); } );\n"
	"security_policy = { rules = (\n"
	"  { name = \"was\"; schedule = \"past\"; action = \"deny\"; },\n"
	"  { name = \"off\"; enable = false; source_addresses = [ \"10.1.1.0/24\" ]; action = \"deny\"; },\n"
	"  { name = \"web\"; source_zones = [ \"trust\" ]; destination_zones = [ \"untrust\" ]; source_addresses = [ \"10.1.1.0/25\", \"2001:db8:1::/64\" ];\n"
	"    destination_sets = [ \"servers\" ]; service_sets = [ \"https\" ]; action = \"permit\"; },\n"
	"  { name = \"ntp\"; services = ( { protocol = \"udp\"; source_port = \"123\"; destination_port = \"123\"; } ); action = \"permit\"; },\n"
	"  { name = \"in\"; source_zones = [ \"untrust\" ]; destination_zones = [ \"local\" ]; action = \"reject\"; },\n"
	"  { name = \"server\"; source_zones = [ \"untrust\" ]; destination_addresses = [ \"10.1.1.80\" ]; services = ( { protocol = \"tcp\"; destination_port = \"8080\"; } ); action = \"permit\"; },\n"
	"  { name = \"ping6\"; source_addresses = [ \"2001:db8:1::/64\" ]; service_sets = [ \"ping\" ]; action = \"permit\"; }\n"
	"); };\n"
	"nat_servers = ( { name = \"web\"; protocol = \"tcp\"; public_address = \"198.51.100.9\"; public_port = \"80\"; inside_addresses = [ \"10.1.1.80\" ]; inside_port = 8080; } );\n"
	"nat_static = ( { name = \"lab\"; public = \"198.51.101.0/24\"; inside = \"10.1.1.0/24\"; } );\n"
	"nat_address_groups = ( { name = \"six\"; addresses = [ \"198.51.100.1\" ]; } );\n"
	"nat64 = ( { name = \"n\"; prefix = \"64:ff9b::/96\"; address_group = \"six\"; } );\n";
// clang-format on

static struct management_box *box;
static int fd;

static int
setup(void **state)
{
	static char text[sizeof(sample_config) + sizeof(rules)];
	const char *begin = strstr(sample_config, "security_policy"), *end = strstr(begin, "vrrp");
	char err[640] = "";

	(void)state;
	box = management_box_create(1024, NULL, NULL);
	config_free(box->m.config);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(begin - sample_config), sample_config, rules,
		end);
	box->m.config = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
	assert_string_equal(err, "");
	for (uint16_t i = 0; i < box->box->workers; i++)
		worker_sleep_begin(engine_worker(box->m.engine, i));
	if (publish_config(box->m.engine, box->m.config, NULL, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	for (uint16_t i = 0; i < box->box->workers; i++)
		worker_sleep_end(engine_worker(box->m.engine, i));
	fd = management_box_json(box);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	management_box_destroy(box);
	return 0;
}

static void
DOS_01_the_answer_names_rule_zones_and_what_matched(void **state)
{
	static const struct {
		const char *filter, *has[6];
	} rows[] = {
		{ "'source':'10.1.1.9','destination':'200.1.1.7','protocol':'tcp','destination_"
		  "port':443",
			{ "'rule':'web','order':3,'action':'permit'",
				"'source_zone':'trust','source_zone_by':'route by "
				"GigabitEthernet1/0/1'",
				"'matched_source':'10.1.1.0/25','matched_destination':'200.1.1.7'",
				"'matched_service':'tcp to 443'", "'skipped':['was','off']",
				"'note':null" } },
		/* by the default route, a range in a set of a set */
		{ "'source':'10.1.1.9','destination':'203.0.113.15','protocol':'tcp','destination_"
		  "port':443",
			{ "'rule':'web'", "'destination_zone_by':'route by GigabitEthernet1/0/3'",
				"'matched_destination':'203.0.113.10-203.0.113.20'" } },
		{ "'source':'10.1.1.200','destination':'200.1.1.7','protocol':'tcp','destination_"
		  "port':443",
			{ "'rule':'default','order':0,'action':'deny'", "'matched_source':null",
				"'skipped':['was','off']" } },
		/* source ports count when they are given */
		{ "'source':'10.1.1.9','destination':'200.1.1.7','protocol':'udp','destination_"
		  "port':123",
			{ "'rule':'default'" } },
		{ "'source':'10.1.1.9','destination':'200.1.1.7','protocol':'udp','destination_"
		  "port':123,'source_port':123",
			{ "'rule':'ntp'", "'matched_service':'udp from 123 to 123'" } },
		/* the box itself */
		{ "'source':'200.1.1.10','destination':'200.1.1.2','protocol':'tcp','destination_"
		  "port':22",
			{ "'rule':'in','order':5,'action':'reject'",
				"'destination_zone':'local','destination_zone_by':'address of the "
				"box'",
				"no_service" } },
		{ "'source':'10.1.1.9','destination':'10.1.1.2','protocol':'icmp'",
			{ "answered without a rule" } },
		{ "'source':'10.1.1.2','destination':'200.1.1.7','protocol':'icmp'",
			{ "dropped, own_source" } },
		/* what NAT makes of it comes first */
		{ "'source':'200.1.1.10','destination':'198.51.100.9','protocol':'tcp','"
		  "destination_port':80",
			{ "'rule':'server','order':6,'action':'permit'",
				"'translated_to':'10.1.1.80:8080'",
				"'destination_zone':'trust','destination_zone_by':'route by "
				"GigabitEthernet1/0/1'",
				"'matched_destination':'10.1.1.80'", "'note':null" } },
		{ "'source':'200.1.1.10','destination':'198.51.101.80','protocol':'icmp'",
			{ "'rule':'default'", "'translated_to':'10.1.1.80'" } },
		{ "'source':'200.1.1.10','destination':'198.51.100.9','protocol':'tcp','"
		  "destination_port':81",
			{ "'translated_to':null", "dropped, nat_no_mapping" } },
		/* NAT64: the policy sees IPv6, routes see IPv4 */
		{ "'source':'2001:db8:1::9','destination':'64:ff9b::200.1.1.7','protocol':'icmpv6',"
		  "'source_zone':'trust'",
			{ "'rule':'ping6','order':7,'action':'permit'",
				"'translated_to':'200.1.1.7'",
				"'destination_zone':'untrust','destination_zone_by':'route by "
				"GigabitEthernet1/0/3'" } },
		{ "'source':'2001:db8:1::9','destination':'64:ff9b::1.1.1.1','protocol':'tcp','"
		  "destination_port':443,'source_zone':'trust'",
			{ "'rule':'default'", "'translated_to':'1.1.1.1:443'" } },
		{ "'source':'2001:db8:1::9','destination':'64:ff9b::200.1.1.2','protocol':'icmpv6',"
		  "'source_zone':'trust'",
			{ "'translated_to':null", "dropped, nat64_destination" } },
		/* zones by hand; without a route they are needed */
		{ "'source':'10.1.1.9','destination':'200.1.1.7','protocol':'tcp','destination_"
		  "port':443,'destination_zone':'dmz'",
			{ "'rule':'default'",
				"'destination_zone':'dmz','destination_zone_by':'given'" } },
		{ "'source':'2001:db8:1::9','destination':'2001:db8:ffff::1','protocol':'tcp','"
		  "destination_port':443",
			{ "'rule':null,'action':null", "'source_zone_by':'no route'" } },
		{ "'source':'2001:db8:1::9','destination':'2001:db8:2::1','protocol':'tcp','"
		  "destination_port':443,'source_zone':'trust','destination_zone':'untrust'",
			{ "'rule':'web'", "'matched_destination':'2001:db8:2::/64'" } },
		{ "'source':'2001:db8:1::9','destination':'2001:db8:7::1','protocol':'icmpv6','"
		  "source_zone':'trust','destination_zone':'dmz'",
			{ "'rule':'ping6'", "'matched_service':'icmpv6 type 128'" } },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		char line[320], *answer;

		snprintf(line, sizeof(line),
			"{'schema':1,'get':'security_policy_match','filter':{%s}}", rows[i].filter);
		for (char *p = line; *p != '\0'; p++)
			*p = *p == '\'' ? '"' : *p;
		answer = management_box_ask(box, fd, line, "\n");
		for (char *p = answer; *p != '\0'; p++)
			*p = *p == '"' ? '\'' : *p;
		for (unsigned int k = 0; k < RTE_DIM(rows[i].has) && rows[i].has[k] != NULL; k++) {
			if (strstr(answer, rows[i].has[k]) == NULL)
				fail_msg("row %u lacks %s: %s", i, rows[i].has[k], answer);
		}
		free(answer);
	}
}

static void
a_rule_is_shown_with_its_sets_resolved(void **state)
{
	char *answer = management_box_ask(box, fd,
		"{\"schema\":1,\"get\":\"security_policy_rule\",\"filter\":{\"rule\":\"web\"}}",
		"\n");

	(void)state;
	assert_non_null(strstr(answer, "\"resolved_destinations\":[\"200.1.1.7\",\"2001:db8:2::/"
				       "64\",\"203.0.113.10-203.0.113.20\"]"));
	assert_non_null(strstr(answer, "\"resolved_services\":[\"tcp to 443\"]"));
	assert_non_null(strstr(answer, "\"resolved_destination_count\":3"));
	assert_null(strstr(answer, "\"rule\":\"ntp\""));
	free(answer);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(DOS_01_the_answer_names_rule_zones_and_what_matched),
		CASE(a_rule_is_shown_with_its_sets_resolved),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
