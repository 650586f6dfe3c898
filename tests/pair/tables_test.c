/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a box knows beside its sessions, when the other one takes over: control connections that an
 * ALG reads, connections that are expected, mappings.
 */
#include "blacklist.h"
#include "hrp.h"
#include "limit.h"
#include "pair.h"
#include "servermap.h"
#include "talk.h"
#include "test_eal.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS 100

/* What a failed case leaves behind. */
static const char ftp_text[] =
	"alg = { ftp = true; };\n"
	"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid = 2; } "
	");\n"
	"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ];\n"
	"  action = \"source-nat\"; address_group = \"office\"; } ); };\n";

static struct pair *
formed_pair(uint32_t seed, const char *nat)
{
	struct pair *p = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
		.seed = seed,
		.workers = { 2, (uint16_t)(1 + seed % 2) },
		.nat = nat });

	pair_form(p);
	return p;
}

static bool
second_owns(struct pair *p)
{
	return pair_owner(p) == 1;
}

static void
take_over(struct pair *p)
{
	pair_run(p, 10); /* what was said has been mirrored */
	pair_kill(p, 0);
	assert_true(pair_run_until(p, second_owns, 2000));
}

/* The endpoint in an FTP PORT. => port */
static uint16_t
announced(const struct talk_side *hearer, uint32_t *address)
{
	unsigned int a[4], port[2];

	if (sscanf(hearer->heard, "PORT %u,%u,%u,%u,%u,%u\r\n", &a[0], &a[1], &a[2], &a[3],
		    &port[0], &port[1]) != 6)
		fail_msg("the server heard: %s", hearer->heard);
	*address = a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3];
	return (uint16_t)(port[0] << 8 | port[1]);
}

/* The server connects to where the last PORT says: this port of the client. */
static void
assert_data_comes(struct talk *ftp, struct talk *data, uint16_t client_port)
{
	uint32_t address;
	const uint16_t port = announced(&ftp->side[TALK_SERVER], &address);

	assert_int_equal(address, 0xc8010164u); /* 200.1.1.100 */
	talk_start(data, ftp->p, TALK_SERVER, 20, address, port, ftp);
	data->side[TALK_CLIENT].port = client_port;
	assert_true(talk_open(data));
	assert_true(talk_say(data, TALK_SERVER, "a file"));
	assert_string_equal(data->side[TALK_CLIENT].heard, "a file");
}

static void
R186_ALG02_an_ftp_control_connection_goes_on_and_opens_data_connections(void **state)
{
	struct talk ftp, data;

	(void)state;
	for (uint32_t seed = 0; seed < 4; seed++) {
		struct pair *p = formed_pair(seed, ftp_text);

		talk_start(&ftp, p, TALK_CLIENT, 5000, 0, 21, NULL);
		assert_true(talk_open(&ftp));
		assert_true(talk_say(&ftp, TALK_SERVER, "220 ready\r\n"));
		assert_true(talk_say(&ftp, TALK_CLIENT, "USER someone\r\n"));
		for (unsigned int i = 0; i < 3; i++) /* the numbers are shifted more and more */
			assert_true(talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,137\r\n"));
		assert_data_comes(&ftp, &data, 5001);
		assert_true(talk_say(&ftp, TALK_SERVER, "226 done\r\n"));

		take_over(p);
		assert_true(talk_say(&ftp, TALK_SERVER, "200 still here\r\n"));
		assert_string_equal(ftp.side[TALK_CLIENT].heard, "200 still here\r\n");
		assert_true(talk_say(&data, TALK_SERVER, "and more"));
		assert_true(talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,137\r\n"));
		assert_data_comes(&ftp, &data, 5001);
		assert_true(talk_say(&ftp, TALK_CLIENT, "QUIT\r\n"));
		assert_string_equal(ftp.side[TALK_SERVER].heard, "QUIT\r\n");
		pair_teardown(NULL);
	}
}

static void
R186_ALG02_a_command_that_is_sent_again_after_the_takeover_becomes_the_same(void **state)
{
	struct talk ftp;
	char first[512];

	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p = formed_pair(seed, ftp_text);

		talk_start(&ftp, p, TALK_CLIENT, 5000, 0, 21, NULL);
		assert_true(talk_open(&ftp));
		assert_true(talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,137\r\n"));
		assert_true(talk_lost(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,138\r\n"));
		strcpy(first, ftp.side[TALK_SERVER].heard);
		const uint32_t at = ftp.side[TALK_SERVER].last_seq;

		take_over(p);
		assert_true(talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,138\r\n"));
		assert_string_equal(ftp.side[TALK_SERVER].heard, first);
		assert_int_equal(ftp.side[TALK_SERVER].last_seq, at);
		assert_true(talk_say(&ftp, TALK_CLIENT, "NOOP\r\n"));
		assert_string_equal(ftp.side[TALK_SERVER].heard, "NOOP\r\n");
		pair_teardown(NULL);
	}
}

/* Entries that are expected of a box, and that are the peer's or are not. */
static uint32_t
expected(struct pair *p, unsigned int box, bool copy)
{
	const struct servermap *map = engine_servermap(pair_box(p, box)->engine);
	struct servermap_entry e;
	uint32_t n = 0;

	for (uint32_t i = 0; i < servermap_capacity(map); i++)
		n += servermap_at(map, i, &e) && e.copy == copy;
	return n;
}

static void
R186_what_was_announced_on_one_box_is_let_in_by_the_other(void **state)
{
	struct talk ftp, data;

	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p = formed_pair(seed, ftp_text);

		talk_start(&ftp, p, TALK_CLIENT, 5000, 0, 21, NULL);
		assert_true(talk_open(&ftp));
		assert_true(talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,137\r\n"));
		take_over(p);
		assert_int_equal(expected(p, 1, true) + expected(p, 1, false), 1);
		assert_data_comes(&ftp, &data, 5001);
		assert_int_equal(expected(p, 1, true) + expected(p, 1, false), 0);
		/* Once, and nobody else. */
		assert_true(talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,137\r\n"));
		pair_run(p, 100);
		assert_int_equal(expected(p, 1, false), 1);
		assert_true(talk_say(&ftp, TALK_CLIENT, "QUIT\r\n"));
		pair_teardown(NULL);
	}
}

static bool
maps_agree(struct pair *p)
{
	return expected(p, 0, false) == expected(p, 1, true) && expected(p, 1, false) == 0;
}

static void
X14_the_server_map_is_mirrored_over_a_wire_that_loses_doubles_and_reorders(void **state)
{
	struct talk talks[8], data;
	char port[64];

	(void)state;
	for (uint32_t seed = 0; seed < 1; seed++) {
		struct pair *p = formed_pair(seed, ftp_text);

		pair_heartbeat(p)->loss = 5;
		pair_heartbeat(p)->duplicate = pair_heartbeat(p)->reorder = 10;
		for (uint16_t i = 0; i < 8; i++) {
			talk_start(&talks[i], p, TALK_CLIENT, (uint16_t)(5000 + i), 0, 21,
				i > 0 ? &talks[i - 1] : NULL);
			assert_true(talk_open(&talks[i]));
			for (unsigned int k = 0; k <= i % 4; k++) {
				snprintf(port, sizeof(port), "PORT 10,1,1,10,19,%u\r\n",
					100 + i * 10 + k);
				assert_true(talk_say(&talks[i], TALK_CLIENT, port));
			}
		}
		assert_data_comes(&talks[7], &data, 19 * 256 + 173);
		assert_true(talk_say(&talks[3], TALK_SERVER, "200 ok\r\n"));
		assert_true(pair_run_until(p, maps_agree, 2000));
		assert_int_equal(expected(p, 0, false), 2 * (1 + 2 + 3 + 4) - 1);
		pair_heartbeat(p)->loss = 0;
		assert_true(pair_run_until(p, pair_synchronised, 5000));
		assert_int_equal(pair_table(p, 0, "server-map")->bulk_out, HRP_BULK_EQUAL);
		assert_true(pair_table(p, 0, "server-map")->lag_max_us > 0);

		/* X23: the standby comes back empty. */
		pair_kill(p, 1);
		pair_run(p, 500);
		pair_restart(p, 1);
		assert_true(pair_run_until(p, pair_synchronised, 10000));
		assert_true(maps_agree(p));
		assert_int_equal(pair_table(p, 0, "server-map")->there, 19);
		assert_int_equal(pair_table(p, 1, "server-map")->copies, 19);
		/* Their time is over: on both. */
		pair_run(p, 31000);
		assert_int_equal(expected(p, 0, false), 0);
		assert_int_equal(expected(p, 1, true), 0);
		pair_teardown(NULL);
	}
}

static const char cone_text[] =
	"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid = 2;\n"
	"  mapping = \"endpoint-independent\"; filtering = \"endpoint-independent\"; } );\n"
	"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ];\n"
	"  action = \"source-nat\"; address_group = \"office\"; } ); };\n";

/* The PAT mapping of an inside endpoint lives as long as a session holds it, so the copies of
 * sessions bring it along. */
static void
R23_R24_anybody_can_send_to_a_mapping_after_the_takeover(void **state)
{
	struct talk first, other;

	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p = formed_pair(seed, cone_text);

		talk_start(&first, p, TALK_CLIENT, 5000, 0, 80, NULL);
		assert_true(talk_open(&first));
		const uint16_t port = first.side[TALK_SERVER].peer_port;
		take_over(p);
		/* From another port of the server: another connection to the same mapping. */
		talk_start(&other, p, TALK_SERVER, 999, 0xc8010164u, port, &first);
		other.side[TALK_CLIENT].port = 5000;
		assert_true(talk_open(&other));
		assert_true(talk_say(&other, TALK_SERVER, "hello"));
		assert_string_equal(other.side[TALK_CLIENT].heard, "hello");
		/* And what the client begins leaves by it. */
		talk_start(&other, p, TALK_CLIENT, 5000, 0, 81, &first);
		assert_true(talk_open(&other));
		assert_int_equal(other.side[TALK_SERVER].peer_port, port);
		pair_teardown(NULL);
	}
}

/* ---- the blacklist ---- */

/* An entry for what a host begins, or (destination) what is begun to it. */
static struct blacklist_entry
listed(struct pair *p, uint32_t address, enum blacklist_side side, uint32_t ms)
{
	return (struct blacklist_entry){ .prefix = ip_addr_v4(rte_cpu_to_be_32(address)),
		.len = 32,
		.side = (uint8_t)side,
		.origin = BLACKLIST_MANUAL,
		.until = mono_add_ms(pair_now(p), ms) };
}

static struct blacklist *
list_of(struct pair *p, unsigned int box)
{
	return engine_blacklist(pair_box(p, box)->engine);
}

static bool
lists_agree(struct pair *p)
{
	const struct blacklist_counts here = blacklist_count(list_of(p, 0));
	const struct blacklist_counts there = blacklist_count(list_of(p, 1));

	return here.entries - here.copies == there.copies && there.entries == there.copies;
}

static bool
can_begin(struct pair *p, uint16_t port, struct talk *t, struct talk *more)
{
	talk_start(t, p, TALK_CLIENT, port, 0, 80, more);
	return talk_open(t);
}

static void
DOS02_a_source_stays_refused_after_a_takeover_for_the_time_that_is_left(void **state)
{
	struct talk before, t[4];

	(void)state;
	for (uint32_t seed = 0; seed < 4; seed++) {
		const enum blacklist_side side =
			seed < 2 ? BLACKLIST_SOURCE : BLACKLIST_DESTINATION;
		struct pair *p = formed_pair(seed, NULL);
		const struct traffic *traffic = pair_traffic(p);
		const struct blacklist_entry e = listed(p,
			seed < 2 ? traffic->client->address : traffic->server->address, side, 8000);
		struct blacklist_entry other = e;

		assert_true(can_begin(p, 5000, &before, NULL));
		assert_true(talk_say(&before, TALK_CLIENT, "hello"));
		assert_int_equal(pair_blacklist(p, 0, &e, true), 0);
		other.side = !other.side;
		assert_int_equal(pair_blacklist(p, 0, &other, true), 0);
		assert_true(pair_run_until(p, lists_agree, 1000));
		assert_int_equal(pair_blacklist(p, 0, &other, false), 0);
		assert_int_equal(pair_blacklist(p, 1, &e, false), -EREMOTE);
		pair_run(p, 250);
		assert_true(lists_agree(p));
		assert_int_equal(pair_table(p, 1, "blacklist")->entries, 1);
		assert_false(talk_say(&before, TALK_CLIENT, "ended")); /* what existed */
		assert_false(can_begin(p, 5001, &t[0], &before));

		take_over(p);
		pair_run(p, 250);
		assert_int_equal(blacklist_count(list_of(p, 1)).entries, 1);
		assert_int_equal(blacklist_count(list_of(p, 1)).copies, 0); /* its own now */
		assert_false(can_begin(p, 5002, &t[1], &t[0]));
		/* It says so to the other one when that comes back. */
		pair_restart(p, 0);
		assert_true(pair_run_until(p, pair_synchronised, 10000));
		pair_run(p, 250);
		if (mono_before(pair_now(p), e.until)) {
			assert_int_equal(blacklist_count(list_of(p, 0)).copies, 1);
			assert_false(can_begin(p, 5003, &t[2], &t[0]));
			pair_run(p, (uint32_t)mono_since_ms(e.until, pair_now(p)) + 1);
		}
		assert_true(can_begin(p, 5004, &t[3], &t[0]));
		pair_run(p, 350);
		assert_int_equal(blacklist_count(list_of(p, 0)).entries, 0);
		assert_int_equal(blacklist_count(list_of(p, 1)).entries, 0);
		pair_teardown(NULL);
	}
}

static void
X14_the_blacklist_is_mirrored_over_a_wire_that_loses_doubles_and_reorders(void **state)
{
	struct pair *p = formed_pair(1, NULL);

	(void)state;
	pair_heartbeat(p)->loss = 5;
	pair_heartbeat(p)->duplicate = pair_heartbeat(p)->reorder = 10;
	for (uint32_t i = 0; i < 200; i++) {
		const struct blacklist_entry e =
			listed(p, 0x0b000000u + i, i & 1, 10000 + i % 4 * 2000);

		assert_int_equal(pair_blacklist(p, 0, &e, true), 0);
		if (i % 3 == 2)
			assert_int_equal(pair_blacklist(p, 0, &e, false), 0);
		pair_run(p, i % 5);
	}
	assert_true(pair_run_until(p, lists_agree, 2000));
	pair_heartbeat(p)->loss = 0;
	assert_true(pair_run_until(p, pair_synchronised, 5000));
	assert_int_equal(pair_table(p, 0, "blacklist")->bulk_out, HRP_BULK_EQUAL);
	assert_int_equal(blacklist_count(list_of(p, 1)).copies, 200 - 200 / 3);

	/* X23: the standby comes back empty. */
	pair_kill(p, 1);
	pair_run(p, 500);
	pair_restart(p, 1);
	assert_true(pair_run_until(p, pair_synchronised, 10000));
	assert_true(lists_agree(p));
	assert_int_equal(pair_table(p, 0, "blacklist")->there, 200 - 200 / 3);
	assert_int_equal(pair_table(p, 1, "blacklist")->copies, 200 - 200 / 3);
	/* Their time is over: on both, a few at a time. */
	pair_run(p, 10000);
	assert_true(blacklist_count(list_of(p, 0)).entries < 200 - 200 / 3);
	assert_true(lists_agree(p));
	pair_run(p, 8000);
	assert_int_equal(blacklist_count(list_of(p, 0)).entries, 0);
	assert_int_equal(blacklist_count(list_of(p, 1)).entries, 0);
	assert_true(pair_synchronised(p));
}

/* ---- sessions per source ---- */

static const char limit_text[] = "limits = ( { zone = \"trust\"; source_total = 8; } );\n"
				 "ageing = { tcp_established = 30; udp = 30; };\n";

/* Sessions that limits know of: of all sources, which must be those of all zones. */
static uint32_t
limited(struct pair *p, unsigned int box)
{
	const struct limit_table *t = engine_limits(pair_box(p, box)->engine);
	uint32_t sources = 0, zones = 0;

	for (uint32_t i = 0; i < SOURCES; i++)
		sources += source_sessions(&t->sources.entries[i]);
	for (uint32_t i = 0; i < LIMIT_ZONES; i++)
		zones += t->zones[i].total;
	assert_int_equal(sources, zones);
	return sources;
}

static bool
no_sessions(struct pair *p)
{
	return pair_sessions(p, 0) == 0 && pair_sessions(p, 1) == 0;
}

static void
R186_DOS07_a_source_has_its_limit_once_for_both_boxes(void **state)
{
	struct talk t[12], late;
	unsigned int n = 0;

	(void)state;
	for (uint32_t seed = 0; seed < 2; seed++) {
		struct pair *p = formed_pair(seed, limit_text);

		n = 0;
		while (n < 11 &&
			can_begin(p, (uint16_t)(5000 + n), &t[n], n > 0 ? &t[n - 1] : NULL))
			n++;
		assert_in_range(n, 1, 8);
		assert_int_equal(limited(p, 0), 8);
		pair_run(p, 20);
		assert_int_equal(limited(p, 1), 8);
		take_over(p);
		assert_int_equal(limited(p, 1), 8);
		pair_traffic(p)->others_ctx = &t[n - 1]; /* the refused one hears nothing */
		assert_true(talk_say(&t[0], TALK_CLIENT, "still here"));
		assert_false(can_begin(p, 6000, &late, &t[n - 1]));
		assert_int_equal(limited(p, 1), 8);
		/* The other one comes back, and counts them too. */
		pair_restart(p, 0);
		assert_true(pair_run_until(p, pair_synchronised, 10000));
		assert_int_equal(limited(p, 0), 8);
		/* Their idle time is over: nothing is left, on either. */
		pair_traffic(p)->udp_on = pair_traffic(p)->tcp_on = false;
		assert_true(pair_run_until(p, no_sessions, 100 * 1000));
		assert_int_equal(limited(p, 0), 0);
		assert_int_equal(limited(p, 1), 0);
		assert_true(can_begin(p, 6001, &late, NULL));
		assert_int_equal(limited(p, 1), 1);
		pair_teardown(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R186_ALG02_an_ftp_control_connection_goes_on_and_opens_data_connections,
			pair_teardown),
		cmocka_unit_test_teardown(
			R186_ALG02_a_command_that_is_sent_again_after_the_takeover_becomes_the_same,
			pair_teardown),
		cmocka_unit_test_teardown(
			R186_what_was_announced_on_one_box_is_let_in_by_the_other, pair_teardown),
		cmocka_unit_test_teardown(
			X14_the_server_map_is_mirrored_over_a_wire_that_loses_doubles_and_reorders,
			pair_teardown),
		cmocka_unit_test_teardown(
			R23_R24_anybody_can_send_to_a_mapping_after_the_takeover, pair_teardown),
		cmocka_unit_test_teardown(
			DOS02_a_source_stays_refused_after_a_takeover_for_the_time_that_is_left,
			pair_teardown),
		cmocka_unit_test_teardown(
			X14_the_blacklist_is_mirrored_over_a_wire_that_loses_doubles_and_reorders,
			pair_teardown),
		cmocka_unit_test_teardown(
			R186_DOS07_a_source_has_its_limit_once_for_both_boxes, pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
