/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What two boxes have in common, as a document, and what becomes of it at the other one
 * (R178-R184).
 */
#include "sample_config.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD(name)                                                                                 \
	"version = 1; system = { name = \"" name "\"; worker_cpus = [ 0 ]; };\n"                   \
	"ports = ( { name = \"p\"; devargs = \"0000:3b:00.0\"; } );\n"                             \
	"interfaces = ( { name = \"i\"; port = \"p\"; zone = \"trust\"; } );\n"
#define RULES(text) "security_policy = { rules = ( " text " ); };\n"
#define WEB	    "{ name = \"web\"; source_zones = [ \"trust\" ]; action = \"permit\"; }"

static struct config *
parse(const char *text)
{
	char err[640] = "";
	struct config *c = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));

	assert_string_equal(err, "");
	assert_non_null(c);
	return c;
}

static void
expect_same(const struct config *a, const struct config *b, enum config_part what)
{
	char setting[160] = "";

	config_difference(a, b, what, setting, sizeof(setting));
	assert_string_equal(setting, "");
}

/* R179-R184: this list is what the design says, section by section. */
static void
R179_R180_R181_R184_sections_that_go_to_the_peer_and_those_that_stay(void **state)
{
	static const struct {
		const char *name;
		bool replicated;
	} rows[] = {
		{ "security_policy", true },
		{ "nat_policy", true },
		{ "nat_servers", true },
		{ "nat_static", true },
		{ "nat_address_groups", true },
		{ "nat64", true },
		{ "defence", true },
		{ "scan", true },
		{ "limits", true },
		{ "blacklist", true },
		{ "alg", true },
		{ "icmp", true },
		{ "fragments", true },
		{ "ageing", true },
		{ "address_sets", true },
		{ "service_sets", true },
		{ "schedules", true },
		{ "zones", true },
		{ "system", false },
		{ "ports", false },
		{ "eth_trunks", false },
		{ "interfaces", false },
		{ "routes", false },
		{ "log", false },
		{ "vrrp", false },
		{ "hrp", false },
		{ "hrp_security", false },
		{ "scripts", false },
	};
	const struct config_section *const *all = sample_sections();
	unsigned int count = 0;

	(void)state;
	for (; all[count] != NULL; count++) {
		unsigned int i = 0;

		while (i < RTE_DIM(rows) && strcmp(rows[i].name, all[count]->name) != 0)
			i++;
		if (i == RTE_DIM(rows))
			fail_msg("section %s is not in the table", all[count]->name);
		assert_int_equal(all[count]->replicated, rows[i].replicated);
	}
	assert_int_equal(count, RTE_DIM(rows));
}

static void
equal_settings_are_equal_documents(void **state)
{
	/* Local sections, order, blanks and comments do not count; values do. */
	static const struct {
		const char *other;
		bool equal;
	} rows[] = {
		{ HEAD("A") "zones = ( { name = \"z\"; priority = 9; } );" RULES(WEB), true },
		{ HEAD("B") "# a comment\n" RULES(
			  WEB) "zones = ( { name = \"z\";\n\tpriority = 0x9; } );",
			true },
		{ HEAD("A") "zones = ( { name = \"z\"; priority = 8; } );" RULES(WEB), false },
		{ HEAD("A") RULES(WEB), false },
	};
	struct config *a = parse(rows[0].other);
	char *text = config_replicated_text(a);

	(void)state;
	assert_non_null(text);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct config *b = parse(rows[i].other);
		char *again = config_replicated_text(b);

		assert_non_null(again);
		assert_int_equal(strcmp(text, again) == 0, rows[i].equal);
		free(again);
		config_free(b);
	}
	free(text);
	config_free(a);
}

/* R178: the rule is at the other box; R184: what is that one's own stays. */
static void
R178_merged_has_the_peers_rules_and_the_own_interfaces(void **state)
{
	static const char own[] = HEAD("B") "zones = ( { name = \"old\"; priority = 7; } );"
					    "limits = ( { zone = \"old\"; total = 5; } );";
	static const char peer[] =
		HEAD("A") RULES(WEB) "blacklist = ( { address = \"9.9.9.9/32\"; } );";
	struct config *a = parse(peer), *b = parse(own), *merged, *again;
	char *text = config_replicated_text(a), *carried, err[640] = "";

	(void)state;
	merged = config_merge(b, text, err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(merged);
	expect_same(merged, a, CONFIG_REPLICATED);
	const struct config_system *const system = config_section_data(merged, "system");

	assert_string_equal(system->name, "B");
	/* What the peer has not is gone here, too. */
	assert_int_equal(
		((const struct config_list *)config_section_data(merged, "limits"))->count, 0);
	carried = config_replicated_text(merged);
	assert_non_null(carried);
	assert_string_equal(carried, text);
	/* Once more changes nothing. */
	again = config_merge(merged, text, err, sizeof(err));
	assert_non_null(again);
	expect_same(merged, again, CONFIG_ALL);
	config_free(again);
	config_free(merged);
	free(carried);
	free(text);
	config_free(b);
	config_free(a);
}

static void
every_section_of_the_sample_is_carried(void **state)
{
	struct config *a = parse(sample_config), *merged;
	char *text = config_replicated_text(a), err[640] = "";

	(void)state;
	assert_non_null(text);
	merged = config_merge(a, text, err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(merged);
	expect_same(a, merged, CONFIG_ALL);
	config_free(merged);
	free(text);
	config_free(a);
}

/* Whatever is wrong: one line that says so, and nothing else. */
static void
documents_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		const char *document, *why;
	} rows[] = {
		{ "zones = ( {", "the peer's configuration:1: syntax" },
		{ "@include \"/etc/hostname\"\n", "is not supported" },
		{ "blacklist = ( { address = \"9.9.9.9/32\"; x = 99999999999; } );", "too large" },
		{ "hrp = { enable = true; };", "\"hrp\": a section of each box" },
		{ "version = 1;", "\"version\": a section that this version does not know" },
		{ "lasers = { };", "\"lasers\": a section that this version does not know" },
		{ "zones = ( { name = \"trust\"; priority = 1; } );", "is built in" },
		{ "limits = ( { zone = \"nowhere\"; total = 1; } );", "nowhere" },
		{ "zones = 5;", "zones" },
	};
	struct config *own = parse(HEAD("B"));

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		char err[640] = "";

		assert_null(config_merge(own, rows[i].document, err, sizeof(err)));
		if (strstr(err, rows[i].why) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err, rows[i].why);
		assert_null(strchr(err, '\n'));
	}
	config_free(own);
}

static void
difference_of_what_is_common(void **state)
{
	static const struct {
		const char *other, *setting; /* "" = none */
	} rows[] = {
		{ HEAD("B"), "" },
		{ HEAD("A") "blacklist = ( { address = \"9.9.9.9/32\"; } );", "blacklist" },
		{ HEAD("A") "zones = ( );", "" },
	};
	struct config *a = parse(HEAD("A"));

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct config *b = parse(rows[i].other);
		char setting[160] = "";

		assert_int_equal(
			config_difference(a, b, CONFIG_REPLICATED, setting, sizeof(setting)),
			rows[i].setting[0] != '\0');
		assert_string_equal(setting, rows[i].setting);
		config_free(b);
	}
	config_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			R179_R180_R181_R184_sections_that_go_to_the_peer_and_those_that_stay),
		cmocka_unit_test(equal_settings_are_equal_documents),
		cmocka_unit_test(R178_merged_has_the_peers_rules_and_the_own_interfaces),
		cmocka_unit_test(every_section_of_the_sample_is_carried),
		cmocka_unit_test(documents_that_do_not_fit_are_refused),
		cmocka_unit_test(difference_of_what_is_common),
	};

	return cmocka_run_group_tests_name("config_merge", tests, NULL, NULL);
}
