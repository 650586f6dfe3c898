/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the log says of heartbeat links: rows of news, and the lines they must bring.
 */
#include "ha_links.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 0xff

static struct ha_links links;
static mono_t now;
static FILE *file;
static int real_stderr;

static int
begin(void **state)
{
	const struct hrp_heartbeat list[] = { { .name = "GE2", .address = 1 },
		{ .name = "GE4", .address = 1 },
		{ .name = "GE1", .address = 1, .heartbeat_only = true }, { .name = "GE9" } };

	(void)state;
	links = (struct ha_links){ .count = 0 };
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		ha_links_add(&links, &list[i]);
	now.ns = 10 * NS_PER_SEC;
	file = tmpfile();
	assert_non_null(file);
	real_stderr = dup(STDERR_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	fclose(file);
	return 0;
}

/* News of a link, half a minute after the last; the log has these lines more, "" none. */
static void
news(uint8_t slot, enum hrp_link_state state, enum hrp_wiring wiring, uint8_t to,
	const char *expected)
{
	const struct ha_msg m = { .type = HA_MSG_LINK,
		.slot = slot,
		.flag = (uint8_t)state,
		.value = wiring,
		.len = 1,
		.data = { to } };
	char text[2048];
	ssize_t n;

	assert_int_equal(ftruncate(fileno(file), 0), 0);
	lseek(fileno(file), 0, SEEK_SET);
	now = mono_add_ms(now, 30000);
	ha_links_news(&links, &m, now);
	n = pread(fileno(file), text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

#define TAG "twinwalld: "

static void
R163_R168_R174_states_are_told(void **state)
{
	(void)state;
	news(0, HRP_LINK_PEERDOWN, HRP_WIRING_STRAIGHT, NOBODY, "");
	news(0, HRP_LINK_READY, HRP_WIRING_STRAIGHT, NOBODY,
		"notice " TAG "heartbeat GE2: peerdown -> ready\n"
		"notice " TAG "heartbeat: the peer is reached\n");
	news(0, HRP_LINK_RUNNING, HRP_WIRING_STRAIGHT, NOBODY,
		"notice " TAG "heartbeat GE2: ready -> running\n");
	news(1, HRP_LINK_READY, HRP_WIRING_STRAIGHT, NOBODY,
		"notice " TAG "heartbeat GE4: down -> ready\n");
	news(2, HRP_LINK_READY, HRP_WIRING_STRAIGHT, NOBODY,
		"notice " TAG "heartbeat GE1: down -> ready\n");
	news(0, HRP_LINK_DOWN, HRP_WIRING_STRAIGHT, NOBODY,
		"warning " TAG "heartbeat GE2: running -> down, no carrier\n");
	news(1, HRP_LINK_PEERDOWN, HRP_WIRING_STRAIGHT, NOBODY,
		"warning " TAG "heartbeat GE4: ready -> peerdown, no answer from the peer\n"
		"error " TAG "heartbeat: only heartbeat_only links are left: sessions are not "
		"mirrored\n");
	news(2, HRP_LINK_PEERDOWN, HRP_WIRING_STRAIGHT, NOBODY,
		"warning " TAG "heartbeat GE1: ready -> peerdown, no answer from the peer\n"
		"error " TAG "heartbeat: no link works, the peer is dead or every way to it is "
		"cut: GE2 no carrier, GE4 no answer, GE1 no answer, GE9 no address\n");
	news(2, HRP_LINK_PEERDOWN, HRP_WIRING_STRAIGHT, NOBODY, ""); /* once */
	news(0, HRP_LINK_RUNNING, HRP_WIRING_STRAIGHT, NOBODY,
		"notice " TAG "heartbeat GE2: down -> running\n"
		"notice " TAG "heartbeat: the peer is reached\n");
}

static void
R159_wrong_cables_are_told(void **state)
{
	(void)state;
	news(0, HRP_LINK_DOWN, HRP_WIRING_CROSSED, 1,
		"warning " TAG "heartbeat GE2: its cable is crossed, it ends at GE4 of the peer\n");
	news(1, HRP_LINK_DOWN, HRP_WIRING_CROSSED, NOBODY,
		"warning " TAG
		"heartbeat GE4: its cable is crossed, it ends at another interface of the peer\n");
	news(1, HRP_LINK_DOWN, HRP_WIRING_SERVICE, NOBODY,
		"warning " TAG "heartbeat GE4: VRRP adverts are heard, its cable leads into a "
		"service network\n");
	news(0, HRP_LINK_DOWN, HRP_WIRING_STRAIGHT, NOBODY,
		"notice " TAG "heartbeat GE2: its cable ends where it should\n");
}

/* What no HRP core says changes nothing. */
static void
nonsense_is_ignored(void **state)
{
	(void)state;
	news(4, HRP_LINK_READY, HRP_WIRING_STRAIGHT, NOBODY, "");
	news(0, HRP_LINK_STATES, HRP_WIRING_STRAIGHT, NOBODY, "");
	news(0, HRP_LINK_READY, HRP_WIRINGS, NOBODY, "");
	assert_int_equal(links.list[0].state, HRP_LINK_DOWN);
}

static void
a_long_list_is_cut(void **state)
{
	char text[24];

	(void)state;
	ha_links_text(&links, text, sizeof(text));
	assert_string_equal(text, "GE2 no carrier, GE4 no ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(R163_R168_R174_states_are_told, begin, end),
		cmocka_unit_test_setup_teardown(R159_wrong_cables_are_told, begin, end),
		cmocka_unit_test_setup_teardown(nonsense_is_ignored, begin, end),
		cmocka_unit_test_setup_teardown(a_long_list_is_cut, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
