/* SPDX-License-Identifier: BSD-3-Clause */
/* Session filters: words to JSON, JSON to a filter, matching, completion. */
#include "ipv6.h"
#include "session_filter.h"

#include <rte_ip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct snapshot snapshot;

/* words: what the operator types; json: what it means, or NULL and the reason. */
static void
words_become_the_same_object_a_program_sends(void **state)
{
	static const struct {
		const char *words, *json, *reason;
		bool verbose;
	} rows[] = {
		{ "", "{}", NULL, false },
		{ "verbose", "{}", NULL, true },
		{ "  source 10.1.1.0/24  ", "{\"source\":\"10.1.1.0/24\"}", NULL, false },
		{ "protocol tcp destination-port 80 verbose source-zone trust",
			"{\"destination_port\":80,\"protocol\":\"tcp\",\"source_zone\":\"trust\"}",
			NULL, true },
		{ "address 10.1.1.1 port 80 zone trust",
			"{\"address\":\"10.1.1.1\",\"port\":80,\"zone\":\"trust\"}", NULL, false },
		{ "port", NULL, "port needs a value", false },
		{ "local", "{\"remote\":false}", NULL, false },
		{ "remote verbose", "{\"remote\":true}", NULL, true },
		{ "protocol 47", "{\"protocol\":47}", NULL, false },
		{ "source-port", NULL, "source-port needs a value", false },
		{ "local remote", NULL, "remote is given twice", false },
		{ "source 1.1.1.1 source 2.2.2.2", NULL, "source is given twice", false },
		{ "source-port 99999999999999999999", "{\"source_port\":\"99999999999999999999\"}",
			NULL, false },
		{ "source-port -1", "{\"source_port\":\"-1\"}", NULL, false },
		{ "source \xff\xfe", NULL, "source: not valid text", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool verbose;
		char err[256] = "";
		json_t *filter = filter_words(
			session_filter_table, rows[i].words, &verbose, err, sizeof(err));

		if (rows[i].json == NULL) {
			assert_null(filter);
			assert_string_equal(err, rows[i].reason);
			continue;
		}
		assert_non_null(filter);
		char *text = json_dumps(filter, JSON_COMPACT | JSON_SORT_KEYS);

		assert_string_equal(text, rows[i].json);
		assert_int_equal(verbose, rows[i].verbose);
		free(text);
		json_decref(filter);
	}
}

static void
an_unknown_word_names_the_ones_there_are(void **state)
{
	char err[256];

	(void)state;
	assert_null(filter_words(session_filter_table, "colour red", NULL, err, sizeof(err)));
	assert_non_null(
		strstr(err, "unknown filter \"colour\", expected address, port, zone, source"));
	assert_null(filter_words(session_filter_table, "verbose", NULL, err, sizeof(err)));
}

static void
wrong_values_are_refused(void **state)
{
	static const char *const rows[] = { "{\"source\":\"10.1.1\"}",
		"{\"source\":\"10.1.1.1/33\"}", "{\"source\":\"2001:db8::/129\"}",
		"{\"source\":\"fe80::1%eth0\"}", "{\"source\":7}", "{\"source\":\"\"}",
		"{\"address\":\"10.1.1.1/33\"}", "{\"port\":65536}", "{\"zone\":\"nowhere\"}",
		"{\"source_port\":65536}", "{\"source_port\":\"80\"}", "{\"destination_port\":-1}",
		"{\"protocol\":\"tpc\"}", "{\"protocol\":256}", "{\"protocol\":true}",
		"{\"source_zone\":\"nowhere\"}", "{\"source_zone\":1}", "{\"remote\":\"yes\"}",
		"{\"remote\":1}", "{\"source_port\":9223372036854775807}" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *filter = json_loads(rows[i], 0, NULL);
		struct session_filter f;
		char err[128] = "";

		assert_false(session_filter_compile(&f, filter, &snapshot, err, sizeof(err)));
		assert_non_null(strstr(err, ": expected "));
		json_decref(filter);
	}
}

/* The session: 10.1.1.10:40001 (untrust side lower or higher) -> 200.1.1.10:80 tcp. */
static void
filters_apply_to_the_initiators_tuple(void **state)
{
	static const struct {
		const char *words;
		bool match;
	} rows[] = {
		{ "", true },
		{ "address 10.1.1.10", true },
		{ "address 200.1.1.0/24", true },
		{ "address 0.0.0.0/0", true },
		{ "address ::/0", false }, /* of the other family */
		{ "source 2001:db8::/32", false },
		{ "address 10.1.1.11", false },
		{ "port 40001", true },
		{ "port 80", true },
		{ "port 81", false },
		{ "zone trust", true },
		{ "zone untrust", true },
		{ "zone local", false },
		{ "address 10.1.1.10 port 80 zone untrust", true },
		{ "address 10.1.1.10 destination 10.1.1.10", false },
		{ "source 10.1.1.10", true },
		{ "source 10.1.1.0/24", true },
		{ "source 0.0.0.0/0", true },
		{ "source 200.1.1.10", false },
		{ "destination 200.1.1.10", true },
		{ "destination 10.1.1.10", false },
		{ "source-port 40001", true },
		{ "source-port 80", false },
		{ "destination-port 80", true },
		{ "protocol tcp", true },
		{ "protocol 6", true },
		{ "protocol udp", false },
		{ "source-zone trust", true },
		{ "source-zone untrust", false },
		{ "destination-zone untrust", true },
		{ "local", true },
		{ "remote", false },
		{ "local protocol tcp source 10.0.0.0/8 destination-port 80", true },
		{ "local protocol tcp source 10.0.0.0/8 destination-port 81", false },
	};

	(void)state;
	/* Both canonical orders: the initiator as endpoint 0 and as endpoint 1. */
	for (int order = 0; order < 2; order++) {
		struct session s = { .zone = { 2, 4 } };
		union session_walk_key walked;
		struct session_key4 key;

		uint8_t swap = session_key4_make(&key, RTE_BE32(RTE_IPV4(10, 1, 1, 10)),
			RTE_BE32(RTE_IPV4(200u, 1, 1, 10)), RTE_BE16(40001), RTE_BE16(80), 6);
		if (order == 1) { /* as a box would keep it that orders the other way */
			const struct session_key4 k = key;

			key.addr[0] = k.addr[1];
			key.addr[1] = k.addr[0];
			key.port[0] = k.port[1];
			key.port[1] = k.port[0];
			swap = !swap;
		}
		s.ctl = session_kind(4, 6, swap) | SESSION_TCP_ESTABLISHED;
		walked.v4 = key;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			char err[256];
			json_t *filter = filter_words(
				session_filter_table, rows[i].words, NULL, err, sizeof(err));
			struct session_filter f;

			assert_true(
				session_filter_compile(&f, filter, &snapshot, err, sizeof(err)));
			assert_int_equal(
				session_filter_match(&f, NULL, &s, &walked), rows[i].match);
			json_decref(filter);
		}
	}
}

/* 2001:db8:1::10:40001 -> 2001:db8:200::10:443 tcp */
static void
filters_take_ipv6_addresses(void **state)
{
	static const struct {
		const char *words;
		bool match;
	} rows[] = {
		{ "", true },
		{ "address 2001:db8:1::10", true },
		{ "address 2001:db8:200::/48", true },
		{ "address ::/0", true },
		{ "address 0.0.0.0/0", false }, /* of the other family */
		{ "address 2001:db8:1::11", false },
		{ "source 2001:db8:1::/64", true },
		{ "source 2001:db8:200::10", false },
		{ "destination 2001:db8:200::10 destination-port 443", true },
		{ "source-port 40001 protocol tcp", true },
		{ "protocol icmpv6", false },
	};
	union session_walk_key key;
	struct session s = { .zone = { 2, 4 } };
	const uint8_t swap = session_key6_make(&key.v6, ipv6("2001:db8:1::10").b,
		ipv6("2001:db8:200::10").b, RTE_BE16(40001), RTE_BE16(443), 6);

	(void)state;
	s.ctl = session_kind(6, 6, swap) | SESSION_TCP_ESTABLISHED;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char err[256];
		json_t *filter =
			filter_words(session_filter_table, rows[i].words, NULL, err, sizeof(err));
		struct session_filter f;

		assert_true(session_filter_compile(&f, filter, &snapshot, err, sizeof(err)));
		assert_int_equal(session_filter_match(&f, NULL, &s, &key), rows[i].match);
		json_decref(filter);
	}
}

static void
completion_offers_what_may_follow(void **state)
{
	static const struct {
		const char *tail, *has, *has_not;
	} rows[] = {
		{ "", "source-zone", "trust" },
		{ "source-zone ", "trust", "source" },
		{ "zone ", "trust", "zone" },
		{ "add", "address", "trust" },
		{ "source-zone tr", "untrust", "source" },
		{ "source-zone trust ", "protocol", "source-zone" },
		{ "protocol ", "icmp", "local" },
		{ "local ", "source", "local" },
		{ "source 10.1.1.1 ", "destination", "source" },
		{ "sour", "source", "trust" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *words[64];
		const int n =
			filter_complete(session_filter_table, rows[i].tail, &snapshot, words, 64);
		bool has = false, has_not = true;

		for (int w = 0; w < n; w++) {
			has |= strcmp(words[w], rows[i].has) == 0;
			has_not &= strcmp(words[w], rows[i].has_not) != 0;
		}
		assert_true(has);
		assert_true(has_not);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_the_same_object_a_program_sends),
		cmocka_unit_test(an_unknown_word_names_the_ones_there_are),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(filters_apply_to_the_initiators_tuple),
		cmocka_unit_test(filters_take_ipv6_addresses),
		cmocka_unit_test(completion_offers_what_may_follow),
	};

	snapshot.zones[1] = (struct snapshot_zone){ "local", 100 };
	snapshot.zones[2] = (struct snapshot_zone){ "trust", 85 };
	snapshot.zones[4] = (struct snapshot_zone){ "untrust", 5 };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
