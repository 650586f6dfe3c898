/* SPDX-License-Identifier: BSD-3-Clause */
/* The console, by clients on socketpairs: editing, one-shot framing, tables, hostile clients. */
#include "console.h"
#include "management_box.h"
#include "stream.h"
#include "test_eal.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SESSIONS 3000
#define PROMPT	 "[FW1] "

static struct management_box *box;

static const char *role = "";

static const char *
role_prompt(void *ctx)
{
	(void)ctx;
	return role;
}

/* A client that has read its first prompt. */
static int
client(void)
{
	const int fd = management_box_console(box);

	free(management_box_receive(box, fd, "] ", NULL));
	return fd;
}

static uint32_t
count(const char *text, const char *what)
{
	uint32_t n = 0;

	for (text = strstr(text, what); text != NULL; text = strstr(text + 1, what))
		n++;
	return n;
}

static void
expect(int fd, const char *line, const char *until, const char *has)
{
	char *text = management_box_ask(box, fd, line, until);

	if (strstr(text, has) == NULL)
		print_error("%s: \"%s\" lacks \"%s\"\n", line, text, has);
	assert_non_null(strstr(text, has));
	free(text);
}

/* What a one-shot client gets, from BEGIN to the end of the status line. */
static char *
oneshot(const char *command)
{
	const int fd = management_box_console(box);
	char line[512], *text, *begin;

	snprintf(line, sizeof(line), "%c%s", CONSOLE_ONESHOT, command);
	text = management_box_ask(box, fd, line, NULL);
	begin = strchr(text, CONSOLE_BEGIN);
	assert_non_null(begin);
	begin = strdup(begin + 1);
	free(text);
	assert_true(management_box_closed(box, fd));
	close(fd);
	return begin;
}

static void
R189_the_prompt_carries_role_and_name(void **state)
{
	const int fd = management_box_console(box);
	char *text = management_box_receive(box, fd, "] ", NULL);

	(void)state;
	assert_string_equal(text, PROMPT);
	free(text);
	box->m.ha.prompt = role_prompt;
	role = "HRP_A";
	expect(fd, "", "] ", "HRP_A" PROMPT);
	role = "HRP_S";
	expect(fd, "", "] ", "HRP_S" PROMPT);
	role = "";
	expect(fd, "", "] ", "\n" PROMPT);
	box->m.ha.prompt = NULL;
	close(fd);
}

static void
a_wrong_command_is_an_error_and_the_prompt_returns(void **state)
{
	static const struct {
		const char *line, *has;
	} rows[] = {
		{ "frobnicate", "error: unknown command" },
		{ "display", "error: incomplete or wrong command" },
		{ "display nothing", "error: incomplete or wrong command" },
		{ "display version now", "error: incomplete or wrong command" },
		{ "display firewall session table colour red", "error: unknown filter \"colour\"" },
		{ "display firewall session table source 10.1.1",
			"error: source: expected an address" },
		{ "display firewall session table source-zone nowhere",
			"error: source_zone: expected the name of a zone" },
		{ "reset firewall session table verbose", "error: unknown filter" },
		{ "display firewall statistics drop interface nowhere",
			"error: interface: expected the name of an interface" },
		{ "display firewall statistics drop zone nowhere",
			"error: zone: expected the name of a zone" },
		{ "trace start count 0", "error: count: expected 1-1000" },
		{ "trace start count many", "error: count: expected 1-1000" },
		{ "trace start reason nothing", "error: reason: expected a drop reason" },
		{ "trace start interface nowhere",
			"error: interface: expected the name of an interface" },
		{ "trace start colour red",
			"error: unknown filter \"colour\", expected address, port, source, "
			"destination, source-port, destination-port, protocol, both, zone, "
			"interface, dropped, reason, count or seconds" },
		{ "save relative/path", "error: save: expected an absolute path" },
		{ "display security-policy rule nobody", "error: there is no rule \"nobody\"" },
		{ "display security-policy match protocol tcp",
			"error: source, destination and protocol are needed" },
		{ "display security-policy match source 10.0.0.0/8 destination 10.1.1.1 protocol "
		  "gre",
			"error: source and destination: expected two addresses of one family" },
		{ "display security-policy match source 10.1.1.1 destination 2001:db8::1 protocol "
		  "gre",
			"error: source and destination: expected two addresses of one family" },
		{ "display security-policy match source 10.1.1.1 destination 10.1.1.2 protocol tcp",
			"error: destination_port: is needed for tcp, udp and sctp" },
		{ "display security-policy match local", "error: unknown filter \"local\"" },
		{ "reset security-policy counters nobody", "error: there is no rule \"nobody\"" },
		{ "help nothing", "error: no command begins with" },
	};
	const int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(fd, rows[i].line, "\n" PROMPT, rows[i].has);
	close(fd);
}

static void
every_table_has_its_columns(void **state)
{
	static const struct {
		const char *line, *has;
	} rows[] = {
		{ "display version", "Product" },
		{ "display firewall session aging-time", "established " },
		{ "display firewall session aging-time", "Aging time (s)" },
		{ "display version", "Sessions max" },
		{ "display interface", " GigabitEthernet1/0/1  down   10.1.1.2/24   trust" },
		{ "display arp",
			" 10.1.1.10    02:00:0a:01:01:0a  reachable  GigabitEthernet1/0/1" },
		{ "display ip routing-table",
			" 0.0.0.0/0     static     200.1.1.254  GigabitEthernet1/0/3" },
		{ "display ip routing-table", " 10.1.1.0/24   connected  -" },
		{ "display ipv6 routing-table",
			" ::/0             static     fe80::1  GigabitEthernet1/0/3" },
		{ "display ipv6 routing-table", " 2001:db8:1::/64  connected  -" },
		{ "display ipv6 neighbors",
			" fe80::1  02:00:00:00:00:06  reachable  GigabitEthernet1/0/3" },
		{ "display ipv6 interface",
			" GigabitEthernet1/0/3  2001:db8:2::2/64  global      down" },
		{ "display zone", "trust          85  GigabitEthernet1/0/1" },
		{ "display eth-trunk",
			" t1     lacp  l34   down   p4      -       down  no      unselected " },
		{ "display port", " Port  Driver    State  Mbit/s   MTU  Buffer" },
		{ "display port", " p3    net_ring  down " },
		{ "display port", "  software  software  software  software  software  " },
		{ "display port statistics p1 all", " p1    rx_good_packets  " },
		{ "display port statistics p1 all", " p1    rx_missed_errors " },
		{ "display port statistics p9", "expected the name of one in section ports" },
		{ "display firewall icmpv6-rules", "133-134  router-discovery" },
		{ "display firewall limits",
			" trust         1  1000          1    0        0        0  "
			"       100          0    0\n" },
		{ "display firewall limits sources",
			" 10.1.1.0/24  trust         1          1        0" },
		{ "display firewall scan", " 203.0.113.9/32  untrust  ports        0  no\n" },
		{ "display firewall defend", " land              on            " },
		{ "display firewall defend", " smurf             always        " },
		{ "display firewall defend", " reverse_path      by interface  " },
		{ "display security-policy", "out      trust     untrust  10.1.1.0/24" },
		{ "display security-policy", "tcp to 1-65535,udp,icmp" },
		{ "display security-policy", "default" },
		{ "display security-policy", "active     0      0      3000        -\n" },
		{ "display security-policy statistics",
			"        -       -  deny       0        0 " },
		{ "display security-policy rule out", " Rule                 : out\n" },
		{ "display security-policy rule out",
			" Services             : tcp to 1-65535\n                        udp\n" },
		{ "display security-policy rule out", " Sessions             : 3000\n" },
		{ "display security-policy rule default", " Action               : deny\n" },
		{ "display security-policy match source 10.1.1.10 destination 200.1.1.10 protocol "
		  "tcp destination-port 443",
			" Rule                : out\n" },
		{ "display security-policy match source 10.1.1.10 destination 200.1.1.10 protocol "
		  "tcp destination-port 443",
			" Matched service     : tcp to 1-65535\n" },
		{ "display security-policy match source 10.1.2.10 destination 2.3.4.5 protocol "
		  "icmp "
		  "source-zone trust",
			" Rule                : default\n" },
		{ "display address-set", "servers  10.2.0.0/24" },
		{ "display service-set", "ping" },
		{ "display service-set", "icmp type 8,icmpv6 type 128" },
		{ "display schedule", "daily     yes     daily 00:00-24:00" },
		{ "display firewall statistics", "  received " },
		{ "display firewall statistics verbose", " Worker 1\n" },
		{ "display firewall statistics drop", " GigabitEthernet1/0/3" },
		{ "display firewall statistics drop interface GigabitEthernet1/0/3",
			"untrust  runt          2  frame shorter than its headers\n" },
		{ "display firewall statistics drop zone untrust",
			"untrust  runt          2  frame" },
		{ "display firewall statistics drop zone", "untrust  runt          2  frame" },
		{ "display firewall statistics fragment",
			" Fragments are forwarded: up to 64 of a datagram, held up to 30 s\n" },
		{ "display firewall statistics fragment",
			"  max-datagrams                      64  of these there may be\n" },
		{ "display firewall statistics core", " arp         arp_requests_in " },
		{ "display firewall statistics core", " stalls " },
		{ "display firewall statistics core", " memory      session_keys          3000  " },
		{ "display firewall session table source 10.1.0.5",
			" Current Total Sessions : 3000\n tcp  VPN: public --> public "
			"10.1.0.5:1024 --> 200.1.1.10:80\n Shown : 1\n" },
		{ "display firewall session table source 10.1.0.3",
			" tcp  VPN: public --> public  Remote 10.1.0.3:1024 --> 200.1.1.10:80\n" },
		{ "display firewall session table verbose source 10.1.0.7 remote",
			" Zone: trust --> untrust  TTL: 00:40:00  Left: 00:40:00  "
			"State: established\n" },
		{ "display firewall session table verbose source 10.1.0.7",
			" <--packets: 0 bytes: 0 --> packets: 7 bytes: 0\n"
			" 10.1.0.7:1024 --> 200.1.1.10:80  PolicyName: out\n" },
	};
	const int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(fd, rows[i].line, "\n" PROMPT, rows[i].has);
	close(fd);
}

static void
tab_completes_and_question_mark_helps(void **state)
{
	static const struct {
		const char *keys, *has;
	} rows[] = {
		{ "disp\t", "disp"
			    "lay " },
		{ "display ver\t", "ver"
				   "sion " },
		{ "display firewall session table source-z\t", "source-z"
							       "one " },
		{ "display security-policy match source-z\t", "source-z"
							      "one " },
		{ "display firewall session table source-zone untr\t", "untr"
								       "ust " },
		{ "display firewall session table protocol \t", "icmp" },
		{ "display firewall session table verb\t", "verb"
							   "ose " },
		{ "reset firewall session table dest\t", "dest"
							 "ination" },
		{ "blacklist add 10.1.1.7 dest\t", "dest"
						   "ination " },
		{ "blacklist del\t", "del"
				     "ete " },
		{ "display ?", "display arp: the IPv4 neighbours" },
		{ "display ?", "display ipv6 interface: IPv6 addresses and their state" },
		{ "display firewall session table ?", "destination-port" },
		{ "trace start reason no_sess\t", "no_sess"
						  "ion " },
		{ "trace start interface \t", "GigabitEthernet1/0/1" },
	};
	const int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text;

		management_box_send(box, fd, rows[i].keys, strlen(rows[i].keys));
		text = management_box_receive(box, fd, NULL, NULL);
		if (strstr(text, rows[i].has) == NULL)
			print_error("%s: %s\n", rows[i].keys, text);
		assert_non_null(strstr(text, rows[i].has));
		free(text);
		management_box_send(box, fd, "\x03", 1); /* a fresh line */
		free(management_box_receive(box, fd, PROMPT, NULL));
	}
	close(fd);
}

static void
help_lists_every_command(void **state)
{
	const int fd = client();
	char *text = management_box_ask(box, fd, "help", "\n" PROMPT);

	(void)state;
	for (const struct command *const *c = box->m.commands; *c != NULL; c++)
		for (uint32_t i = 0; (*c)->insts[i] != NULL; i++) {
			const char *help = (*c)->insts[i]->help_str;

			assert_non_null(strstr(help, ": "));
			assert_non_null(strstr(text, strstr(help, ": ") + 2));
		}
	free(text);
	close(fd);
}

static void
a_oneshot_command_ends_with_its_status(void **state)
{
	static const struct {
		const char *command, *begin, *end;
	} rows[] = {
		{ "display zone", " Zone", "\x04OK\n" },
		{ "", "", "\x04OK\n" },
		{ "frobnicate", "\x04",
			"\x04"
			"ERR unknown command; help lists the commands\n" },
		{ "display firewall session table colour red", "\x04",
			"nat-destination, or verbose\n" },
		{ "quit", "\x04", "\x04OK\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = oneshot(rows[i].command);
		const size_t len = strlen(text), end = strlen(rows[i].end);

		assert_memory_equal(text, rows[i].begin, strlen(rows[i].begin));
		assert_true(len >= end);
		assert_string_equal(text + len - end, rows[i].end);
		free(text);
	}
}

static void
a_large_table_arrives_whole(void **state)
{
	char *text = oneshot("display firewall session table verbose");

	(void)state;
	assert_true(strlen(text) > 2 * STREAM_HIGH);
	assert_int_equal(count(text, "PolicyName: out"), SESSIONS);
	assert_string_equal(text + strlen(text) - 4, "\x04OK\n");
	free(text);
}

/* Found on a busy machine: the widths came from the rows of the first millisecond. */
static void
columns_are_as_wide_on_a_slow_machine(void **state)
{
	const struct clock right = box->m.clock;
	char *slow, *text = oneshot("display security-policy");

	(void)state;
	box->m.clock.start = rte_rdtsc();
	box->m.clock.mult = right.mult * 1000; /* each row takes more than a turn may */
	slow = oneshot("display security-policy");
	box->m.clock = right;
	assert_string_equal(slow, text);
	free(slow);
	free(text);
}

static void
ctrl_c_stops_a_table(void **state)
{
	const int fd = client();
	char *text;

	(void)state;
	management_box_send(box, fd, "display firewall session table verbose\n", 39);
	for (int i = 0; i < 20; i++)
		management_box_turn(box);
	management_box_send(box, fd, "\x03", 1);
	text = management_box_receive(box, fd, "\n" PROMPT, NULL);
	assert_true(count(text, "PolicyName") < SESSIONS);
	free(text);
	expect(fd, "display zone", "\n" PROMPT, "Priority");
	close(fd);
}

static void
piped_commands_are_all_answered_before_the_close(void **state)
{
	static const char lines[] = "display zone\ndisplay firewall session table\ndisplay arp\n";
	const int fd = management_box_console(box);
	char *text;

	(void)state;
	assert_int_equal(write(fd, lines, sizeof(lines) - 1), sizeof(lines) - 1);
	shutdown(fd, SHUT_WR);
	text = management_box_receive(box, fd, NULL, NULL);
	assert_int_equal(count(text, "Priority"), 1);
	assert_int_equal(count(text, "VPN: public"), SESSIONS);
	assert_int_equal(count(text, "reachable"), 3);
	assert_true(management_box_closed(box, fd));
	free(text);
	close(fd);
}

static void
a_last_line_without_an_end_is_run_if_its_sender_waits(void **state)
{
	static const struct {
		const char *bytes, *has;
		bool waits;
	} rows[] = {
		{ "display arp\ndisplay zone", "Priority", true },
		{ "\x01"
		  "display zone",
			"\x04OK\n", true },
		{ "reset firewall session table", NULL, false }, /* half a command, then Ctrl-] */
		{ "\x01reset firewall session table", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int fd = management_box_console(box);
		char *text;

		assert_int_equal(
			write(fd, rows[i].bytes, strlen(rows[i].bytes)), strlen(rows[i].bytes));
		if (rows[i].waits) {
			shutdown(fd, SHUT_WR);
			text = management_box_receive(box, fd, NULL, NULL);
			assert_int_equal(count(text, rows[i].has), 1);
			assert_true(management_box_closed(box, fd));
			free(text);
		}
		close(fd);
		while (management_box_turn(box) > 0)
			;
		engine_box_wait(box->box, 2000);
		assert_int_equal(session_table_count(engine_sessions(box->m.engine)), SESSIONS);
	}
}

static void
quit_and_end_of_file_leave(void **state)
{
	static const char *const rows[] = { "quit\n", "\x04", "quit\r\n",
		"display zone\nquit\nhelp\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int fd = client();

		management_box_send(box, fd, rows[i], strlen(rows[i]));
		assert_true(management_box_closed(box, fd));
		close(fd);
	}
	assert_int_equal(console_count(box->console), 0);
}

static void
reset_removes_what_the_filter_names(void **state)
{
	const int fd = client();

	(void)state;
	expect(fd, "reset firewall session table source 10.1.0.0/28", "\n" PROMPT,
		" Sessions reset : 16\n");
	engine_box_poll(box->box);
	expect(fd, "display firewall session table source 10.1.0.0/24", "\n" PROMPT,
		" Shown : 240\n");
	expect(fd, "reset firewall session table remote", "\n" PROMPT, " Sessions reset : 746\n");
	engine_box_wait(box->box, 2000);
	expect(fd, "display firewall session table remote", "\n" PROMPT, " Shown : 0\n");
	close(fd);
}

static void
DOS_02_the_blacklist_by_command(void **state)
{
	static const struct {
		const char *line, *has;
	} rows[] = {
		{ "blacklist add 10.9.0.0/16", PROMPT },
		{ "blacklist add 2001:db8:9::7 both timeout 90", PROMPT },
		{ "display firewall blacklist",
			" Entries : 4, of the configuration 1, of the peer 0; sessions" },
		{ "display firewall blacklist",
			" 10.9.0.0/16        source       command        here          -" },
		{ "display firewall blacklist",
			" 2001:db8:9::7/128  source       command        here  " },
		{ "blacklist add 10.9.0.0/15",
			"error: '10.9.0.0/15' has host bits, expected 10.8.0.0/15" },
		{ "blacklist add 0.0.0.0/0", "error: expected a prefix length of at least 1" },
		{ "blacklist add 10.9.0.0/33", "error: '10.9.0.0/33' is no address and no prefix" },
		{ "blacklist add here", "error: 'here' is no address" },
		{ "blacklist add 10.9.0.1 timeout", "error: expected timeout and 1 to" },
		{ "blacklist add 10.9.0.1 timeout 0", "error: expected timeout and 1 to" },
		{ "blacklist add 10.9.0.1 timeout 5s", "error: expected timeout and 1 to" },
		{ "blacklist add 10.9.0.1 sideways", "error: 'sideways'? expected source," },
		{ "blacklist delete 10.9.0.1", "error: 10.9.0.1/32 is not in the blacklist" },
		{ "blacklist delete 10.9.0.0/16 timeout 5", "error: 'timeout'? expected source," },
		{ "blacklist delete 10.9.0.0/16 destination", "error: 10.9.0.0/16 is not in" },
		{ "blacklist delete 10.9.0.0/16", PROMPT },
		{ "display firewall blacklist", " Entries : 3, of" },
		{ "blacklist add 203.0.113.9",
			"error: 203.0.113.9/32 (source) is in the configuration already" },
		{ "blacklist delete 203.0.113.9",
			"error: 203.0.113.9/32 is in the configuration:" },
		{ "reset firewall blacklist counters", PROMPT },
		{ "reset firewall blacklist", " Entries removed : 2\n" },
		{ "display firewall blacklist", " Entries : 1, of" },
	};
	const int fd = client();

	(void)state;
	engine_box_sleep(box->box);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(fd, rows[i].line, "\n" PROMPT, rows[i].has);
	engine_box_wake(box->box);
	close(fd);
}

static void
R191_the_blacklist_of_a_standby_box_is_the_peers(void **state)
{
	static const struct {
		bool follows;
		const char *line, *has;
	} rows[] = {
		{ true, "blacklist add 10.9.0.0/16", "error: this box is standby:" },
		{ true, "blacklist delete 10.8.0.0/16", "error: this box is standby:" },
		{ true, "reset firewall blacklist", "error: this box is standby:" },
		{ true, "blacklist delete 10.9.0.0/16", "error: 10.9.0.0/16 is not in" },
		{ false, "display firewall blacklist",
			" Entries : 2, of the configuration 1, of the peer 1" },
		{ false, "display firewall blacklist",
			" 10.8.0.0/16     source     scan           peer          -" },
		{ false, "blacklist delete 10.8.0.0/16",
			"error: 10.8.0.0/16 is the peer's: delete it there" },
		{ false, "reset firewall blacklist", " Entries removed : 0\n" },
		{ false, "blacklist add 10.8.0.0/16", PROMPT }, /* of both */
		{ false, "display firewall blacklist",
			" Entries : 3, of the configuration 1, of the peer 1" },
		{ false, "reset firewall blacklist", " Entries removed : 1\n" },
	};
	const struct blacklist_entry copy = { .prefix = ip_addr_v4(RTE_BE32(0x0a080000)),
		.len = 16,
		.side = BLACKLIST_SOURCE,
		.origin = BLACKLIST_SCAN,
		.copy = true,
		.until = MONO_NEVER };
	struct blacklist *list = engine_blacklist(box->box->engine);
	const int fd = client();
	uint32_t slot;

	(void)state;
	assert_true(blacklist_hold(list));
	slot = blacklist_copy(list, &copy);
	blacklist_let_go(list);
	engine_box_sleep(box->box);
	blacklist_settle(list, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		blacklist_set_follows(list, rows[i].follows);
		expect(fd, rows[i].line, "\n" PROMPT, rows[i].has);
	}
	assert_true(blacklist_hold(list));
	blacklist_drop(list, slot);
	blacklist_let_go(list);
	blacklist_settle(list, 0);
	engine_box_wake(box->box);
	close(fd);
}

/* ---- hostile clients ---- */

static void
MGT_01_an_endless_line_is_dropped_in_bounded_memory(void **state)
{
	const int hostile = client(), other = client();
	const size_t before = mallinfo2().uordblks;
	static char junk[64 * 1024];
	bool open = true;

	(void)state;
	memset(junk, 'a', sizeof(junk));
	for (int i = 0; i < 160 && open; i++) {
		open = management_box_send(box, hostile, junk, sizeof(junk));
		assert_true(mallinfo2().uordblks < before + 4 * STREAM_MAX);
		free(management_box_receive(box, hostile, NULL, NULL));
	}
	assert_false(open);
	expect(other, "display zone", "\n" PROMPT, "Priority");
	close(hostile);
	close(other);
}

static void
MGT_01_a_line_that_does_not_fit_is_not_run(void **state)
{
	char line[900];
	const int fd = client();

	(void)state;
	/* A valid command once the editor has cut it. */
	memset(line, ' ', sizeof(line));
	memcpy(line, "display zone", 12);
	memcpy(line + sizeof(line) - 4, "now", 4);
	expect(fd, line, "\n" PROMPT, "error: line too long");
	expect(fd, "display zone", "\n" PROMPT, "Priority");
	close(fd);
}

static void
MGT_01_odd_bytes_do_no_harm(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "\0\0\0\0\0\0\0\0\n", 9 },
		{ "display\0zone\n", 13 },
		{ "\x1b[A\x1b[B\x1b[C\x1b[D\x1b[999;999H\x1b]0;title\x07\n", 31 },
		{ "\xff\xfe\xc3\x28\xf0\x9f\n", 7 },
		{ "\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b[[[[[[[[[[[[[[[[[[[[[[[[[\n", 37 },
		{ "\x01\x0b\x19\x19\x19\x19\x02\x06\x10\x0e\x17\x0c\x7f\x08\n", 15 },
	};
	const int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		management_box_send(box, fd, "x", 1); /* so that the first byte is not special */
		management_box_send(box, fd, rows[i].bytes, rows[i].n);
		free(management_box_receive(box, fd, NULL, NULL));
		expect(fd,
			"\x03"
			"display zone",
			"\n" PROMPT, "Priority");
	}
	close(fd);
}

static void
MGT_01_random_bytes_do_no_harm(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 40; round++) {
		const int fd = client();
		char bytes[2000];

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
		}
		bytes[0] = round % 2 ? CONSOLE_ONESHOT : 'x';
		management_box_send(box, fd, bytes, sizeof(bytes));
		free(management_box_receive(box, fd, NULL, NULL));
		close(fd);
	}
	while (management_box_turn(box) > 0)
		;
	assert_int_equal(console_count(box->console), 0);
}

static void
MGT_01_a_oneshot_line_is_bounded_and_has_no_NUL(void **state)
{
	static char bytes[5000];
	int fd = management_box_console(box);
	char *text;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	bytes[0] = CONSOLE_ONESHOT;
	management_box_send(box, fd, bytes, sizeof(bytes));
	text = management_box_receive(box, fd, NULL, NULL);
	assert_non_null(strstr(text, "\x04"
				     "ERR line too long"));
	free(text);
	close(fd);

	fd = management_box_console(box);
	memcpy(bytes + 1, "display\0zone\n", 13);
	management_box_send(box, fd, bytes, 14);
	text = management_box_receive(box, fd, NULL, NULL);
	assert_non_null(strstr(text, "\x04"
				     "ERR NUL character"));
	free(text);
	close(fd);
}

static void
MGT_02_a_client_that_does_not_read_costs_only_its_buffer(void **state)
{
	const int deaf = client(), other = client();
	const size_t before = mallinfo2().uordblks;
	int turns = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		(void)!write(deaf, "display firewall session table verbose\n", 39);
	while (management_box_turn(box) > 0)
		assert_true(++turns < 10000); /* it comes to rest: no spinning for its sake */
	assert_true(mallinfo2().uordblks < before + 4 * STREAM_MAX);
	expect(other, "display zone", "\n" PROMPT, "Priority");
	management_box_jump(box, STREAM_UNREAD_MS / 2);
	assert_int_equal(console_count(box->console), 2);
	expect(other, "display zone", "\n" PROMPT, "Priority");
	management_box_jump(box, STREAM_UNREAD_MS);
	assert_int_equal(console_count(box->console), 1);
	close(deaf);
	close(other);
}

static void
MGT_02_one_byte_at_a_time_ends_after_ten_minutes(void **state)
{
	const int slow = client(), busy = client();

	(void)state;
	for (int minute = 0; minute < 9; minute++) {
		management_box_send(box, slow, "d", 1);
		expect(busy, "display zone", "\n" PROMPT, "Priority");
		management_box_jump(box, 60000);
		assert_int_equal(console_count(box->console), 2);
	}
	management_box_jump(box, 60000);
	assert_int_equal(console_count(box->console), 1);
	assert_true(management_box_closed(box, slow));
	expect(busy, "display zone", "\n" PROMPT, "Priority");
	close(slow);
	close(busy);
}

static void
MGT_02_the_65th_client_is_told_and_closed(void **state)
{
	int fd[CONSOLE_CLIENTS];
	int extra;
	char *text;

	(void)state;
	for (int i = 0; i < CONSOLE_CLIENTS; i++)
		fd[i] = client();
	extra = management_box_console(box);
	assert_true(management_box_send(box, extra,
		"\x01"
		"display zone\n",
		14));
	text = management_box_receive(box, extra, NULL, NULL);
	assert_string_equal(text, "too many clients\n");
	free(text);
	assert_true(management_box_closed(box, extra));
	close(extra);
	expect(fd[0], "display zone", "\n" PROMPT, "Priority");
	for (int i = 0; i < CONSOLE_CLIENTS; i++)
		close(fd[i]);
	while (management_box_turn(box) > 0)
		;
	assert_int_equal(console_count(box->console), 0);
}

static int
open_box(void **state)
{
	(void)state;
	box = management_box_create(4096, NULL, NULL);
	management_box_sessions(box, SESSIONS);
	return 0;
}

static int
close_box(void **state)
{
	(void)state;
	management_box_destroy(box);
	return 0;
}

/* Each case closes its clients; the console has to notice. */
static int
none_left(void **state)
{
	(void)state;
	while (management_box_turn(box) > 0)
		;
	return console_count(box->console) == 0 ? 0 : -1;
}

#define CASE(f) cmocka_unit_test_teardown(f, none_left)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(R189_the_prompt_carries_role_and_name),
		CASE(a_wrong_command_is_an_error_and_the_prompt_returns),
		CASE(every_table_has_its_columns), CASE(tab_completes_and_question_mark_helps),
		CASE(help_lists_every_command), CASE(a_oneshot_command_ends_with_its_status),
		CASE(a_large_table_arrives_whole), CASE(columns_are_as_wide_on_a_slow_machine),
		CASE(ctrl_c_stops_a_table), CASE(piped_commands_are_all_answered_before_the_close),
		CASE(a_last_line_without_an_end_is_run_if_its_sender_waits),
		CASE(quit_and_end_of_file_leave),
		CASE(MGT_01_an_endless_line_is_dropped_in_bounded_memory),
		CASE(MGT_01_a_line_that_does_not_fit_is_not_run), CASE(MGT_01_odd_bytes_do_no_harm),
		CASE(MGT_01_random_bytes_do_no_harm),
		CASE(MGT_01_a_oneshot_line_is_bounded_and_has_no_NUL),
		CASE(MGT_02_a_client_that_does_not_read_costs_only_its_buffer),
		CASE(MGT_02_one_byte_at_a_time_ends_after_ten_minutes),
		CASE(MGT_02_the_65th_client_is_told_and_closed),
		CASE(reset_removes_what_the_filter_names), /* last: it empties the table */
		CASE(R191_the_blacklist_of_a_standby_box_is_the_peers),
		CASE(DOS_02_the_blacklist_by_command), /* last: it empties the table */
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, open_box, close_box);
}
