/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a box knows beside its sessions, when the other one takes over: control connections that an
 * ALG reads, connections that are expected, mappings.
 */
#include "nat_group.h"
#include "pair.h"
#include "talk.h"
#include "test_eal.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HELLO_MS 100

/* What a failed case leaves behind. */
static struct pair *current;

static int
clean_up(void **state)
{
	(void)state;
	pair_destroy(current);
	current = NULL;
	return 0;
}

static const char ftp_text[] =
	"alg = { ftp = true; };\n"
	"nat_address_groups = ( { name = \"office\"; addresses = [ \"200.1.1.100\" ]; vrid = 2; } "
	");\n"
	"nat_policy = { rules = ( { name = \"out\"; source_zones = [ \"trust\" ];\n"
	"  action = \"source-nat\"; address_group = \"office\"; } ); };\n";

static struct pair *
formed_pair(uint32_t seed, const char *nat)
{
	struct pair *p = current = pair_create(&(struct pair_options){ .hello_ms = HELLO_MS,
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

/* The server connects to where the last PORT says. */
static void
assert_data_comes(struct talk *ftp, struct talk *data)
{
	uint32_t address;
	const uint16_t port = announced(&ftp->side[TALK_SERVER], &address);

	assert_int_equal(address, 0xc8010164u); /* 200.1.1.100 */
	talk_start(data, ftp->p, TALK_SERVER, 20, address, port, ftp);
	data->side[TALK_CLIENT].port = 5001;
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
		assert_data_comes(&ftp, &data);
		assert_true(talk_say(&ftp, TALK_SERVER, "226 done\r\n"));

		take_over(p);
		assert_true(talk_say(&ftp, TALK_SERVER, "200 still here\r\n"));
		assert_string_equal(ftp.side[TALK_CLIENT].heard, "200 still here\r\n");
		assert_true(talk_say(&data, TALK_SERVER, "and more"));
		assert_true(talk_say(&ftp, TALK_CLIENT, "PORT 10,1,1,10,19,137\r\n"));
		assert_data_comes(&ftp, &data);
		assert_true(talk_say(&ftp, TALK_CLIENT, "QUIT\r\n"));
		assert_string_equal(ftp.side[TALK_SERVER].heard, "QUIT\r\n");
		clean_up(NULL);
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
		clean_up(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R186_ALG02_an_ftp_control_connection_goes_on_and_opens_data_connections,
			clean_up),
		cmocka_unit_test_teardown(
			R186_ALG02_a_command_that_is_sent_again_after_the_takeover_becomes_the_same,
			clean_up),
	};

	test_eal_start(1024, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
