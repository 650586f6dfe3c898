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

static const char *page; /* docs/ha.md */

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

#define PAGE_MAX 16384

/* The rows of the page's table: the section's names and whether it goes. */
static char *
page_table(void)
{
	FILE *const f = fopen(page, "r");
	char line[2048], *const text = calloc(1, PAGE_MAX);
	size_t size = 0;
	bool inside = false;

	assert_non_null(f);
	assert_non_null(text);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (inside && line[0] != '|')
			break;
		if (inside && strncmp(line, "|---", 4) != 0)
			size += (size_t)snprintf(text + size, PAGE_MAX - size, "%s", line);
		assert_true(size < PAGE_MAX);
		inside = inside || strcmp(line, "| Kind | Sections | Goes to the peer |\n") == 0;
	}
	assert_true(inside);
	fclose(f);
	return text;
}

/* => the row that names `word`, the only one; NULL: none. */
static const char *
row_of(const char *table, const char *word)
{
	const char *found = NULL;
	char quoted[96];

	snprintf(quoted, sizeof(quoted), "`%s`", word);
	for (const char *at = table; (at = strstr(at, quoted)) != NULL; at++) {
		const char *row = at;

		while (row > table && row[-1] != '\n')
			row--;
		if (found != NULL)
			fail_msg("%s is there twice", word);
		found = row;
	}
	return found;
}

/* => its last cell. */
static const char *
goes(const char *row)
{
	for (int bars = 0; bars < 3; row++)
		bars += *row == '|';
	return row + 1;
}

/* R182: what a box is told to back up is in the list of docs/ha.md, each section once, and nothing
 * else; R183: orders are not in it, and no document can bring one. */
static void
R182_R183_the_page_says_of_each_section_whether_it_goes_to_the_peer(void **state)
{
	static const char *const orders[] = { "display", "reset", "debugging", "save", "reload",
		"trace", "capture", "hrp_sync", "quit" };
	const struct config_section *const *const all = sample_sections();
	char *const table = page_table();
	struct config *const own = parse(HEAD("B"));

	(void)state;
	for (unsigned int i = 0; all[i] != NULL; i++) {
		const char *const row = row_of(table, all[i]->name);

		if (row == NULL)
			fail_msg("section %s is not in the table", all[i]->name);
		if (strncmp(goes(row), all[i]->replicated ? "yes" : "no", 2) != 0)
			fail_msg("section %s: the table says otherwise", all[i]->name);
	}
	for (const char *at = strchr(table, '`'); at != NULL; at = strchr(at, '`')) {
		const int len = (int)strcspn(at + 1, "`");
		unsigned int i = 0;
		char word[80];

		snprintf(word, sizeof(word), "%.*s", len, at + 1);
		at += len + 2;
		while (all[i] != NULL && strcmp(all[i]->name, word) != 0)
			i++;
		if (all[i] == NULL && strncmp(goes(row_of(table, word)), "no", 2) != 0)
			fail_msg("%s is no section", word);
	}
	assert_non_null(strstr(table, "(R182) | see [limits.md](limits.md#hot-standby)"));
	for (unsigned int i = 0; i < RTE_DIM(orders); i++) {
		char document[80], err[640] = "";

		snprintf(document, sizeof(document), "%s = { };", orders[i]);
		assert_null(config_merge(own, document, err, sizeof(err)));
		assert_non_null(strstr(err, "a section that this version does not know"));
	}
	config_free(own);
	free(table);
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
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			R179_R180_R181_R184_sections_that_go_to_the_peer_and_those_that_stay),
		cmocka_unit_test(
			R182_R183_the_page_says_of_each_section_whether_it_goes_to_the_peer),
		cmocka_unit_test(equal_settings_are_equal_documents),
		cmocka_unit_test(R178_merged_has_the_peers_rules_and_the_own_interfaces),
		cmocka_unit_test(every_section_of_the_sample_is_carried),
		cmocka_unit_test(documents_that_do_not_fit_are_refused),
		cmocka_unit_test(difference_of_what_is_common),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s docs/ha.md\n", argv[0]);
		return 2;
	}
	page = argv[1];
	return cmocka_run_group_tests_name("config_merge", tests, NULL, NULL);
}
