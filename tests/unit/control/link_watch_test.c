/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Carrier from rtnetlink, in a network namespace of the test's own: it vanishes with the process.
 */
#include "link_watch.h"
#include "test_eal.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PORTS 8

static struct {
	unsigned int reports[PORTS];
	bool again; /* link_watch_report(): what has not changed is told too */
	bool up[PORTS];
} heard;
static struct link_watch *watch;

static void
changed(void *ctx, uint16_t port, bool up)
{
	assert_ptr_equal(ctx, &heard);
	assert_in_range(port, 0, PORTS - 1);
	/* Changes only, but for the first. */
	assert_true(heard.again || heard.reports[port] == 0 || heard.up[port] != up);
	heard.reports[port]++;
	heard.up[port] = up;
}

static void
ip(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "ip %s", command);
	if (system(line) != 0)
		fail_msg("%s", line);
}

static int
setup(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	ip("link add lw0 type veth peer name lw1");
	ip("link set lw0 up");
	ip("link set lw1 up");
	watch = link_watch_create(changed, &heard);
	return watch == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	link_watch_destroy(watch);
	/* lw1 takes its peer along, wherever that is: a namespace may take its time to end. */
	return system("ip link del lw1 2>/dev/null; ip link del lw0 2>/dev/null; "
		      "ip link del lw0b 2>/dev/null; true");
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* As the management loop does: read when readable, poll every 100 ms; 1 s at most. */
static bool
becomes(uint16_t port, bool up)
{
	const uint64_t end = now_ms() + 1000;

	while (link_watch_up(watch, port) != up && now_ms() < end) {
		struct pollfd p = { .fd = link_watch_fd(watch), .events = POLLIN };

		if (poll(&p, 1, 100) > 0)
			link_watch_read(watch);
		link_watch_poll(watch);
	}
	/* What was asked and what was reported agree. */
	return link_watch_up(watch, port) == up && heard.up[port] == up;
}

/* Let the events of the set-up pass. */
static void
drain(void)
{
	struct pollfd p = { .fd = link_watch_fd(watch), .events = POLLIN };

	while (poll(&p, 1, 20) > 0)
		link_watch_read(watch);
}

static void
add(uint16_t port, const char *devargs)
{
	assert_int_equal(link_watch_add(watch, port, UINT16_MAX, devargs), 0);
}

static void
the_first_state_is_reported_at_once(void **state)
{
	(void)state;
	add(0, "net_af_packet0,iface=lw0,qpairs=2");
	ip("link set lw1 down");
	add(1, "net_af_packet1,iface=lw1");
	add(2, "net_af_packet2,iface=nosuch0");
	assert_int_equal(heard.reports[0], 1);
	assert_true(heard.up[0]);
	assert_true(link_watch_up(watch, 0));
	assert_int_equal(heard.reports[1], 1);
	assert_false(heard.up[1]);
	assert_int_equal(heard.reports[2], 1);
	assert_false(heard.up[2]);
	assert_false(link_watch_up(watch, 3));
	assert_false(link_watch_up(watch, 60000));
}

static void
X01_the_far_end_going_down_is_seen_within_a_second_and_so_is_its_return(void **state)
{
	(void)state;
	add(0, "net_af_packet0,iface=lw0");
	drain();
	for (int i = 0; i < 3; i++) {
		ip("link set lw1 down");
		assert_true(becomes(0, false));
		ip("link set lw1 up");
		assert_true(becomes(0, true));
	}
	assert_int_equal(heard.reports[0], 7);
}

static void
the_near_end_going_down_is_seen(void **state)
{
	(void)state;
	add(0, "net_af_packet0,iface=lw0");
	ip("link set lw0 down");
	assert_true(becomes(0, false));
	ip("link set lw0 up");
	assert_true(becomes(0, true));
}

static void
an_interface_that_vanishes_is_down_and_up_again_when_it_returns(void **state)
{
	(void)state;
	add(0, "net_af_packet0,iface=lw0");
	ip("link del lw0");
	assert_true(becomes(0, false));
	ip("link add lwx type veth peer name lwy"); /* takes an index, so that the next one differs
						     */
	ip("link add lw0 type veth peer name lw1");
	ip("link set lw1 up");
	ip("link set lw0 up");
	assert_true(becomes(0, true));
	ip("link del lwx");
	ip("link set lw1 down");
	assert_true(becomes(0, false));
}

static void
an_interface_that_is_renamed_is_another(void **state)
{
	(void)state;
	add(0, "net_af_packet0,iface=lw0");
	ip("link set lw0 down");
	ip("link set lw0 name lw0b");
	ip("link set lw0b up");
	assert_true(becomes(0, false));
	drain();
	assert_false(link_watch_up(watch, 0));
	ip("link set lw0b down");
	ip("link set lw0b name lw0");
	ip("link set lw0 up");
	assert_true(becomes(0, true));
}

static void
an_interface_moved_to_another_namespace_is_down(void **state)
{
	char line[128];

	(void)state;
	add(0, "net_af_packet0,iface=lw0");
	snprintf(line, sizeof(line), "ip netns add twlw-%d 2>/dev/null", (int)getpid());
	if (system(line) != 0) {
		print_message("no named namespaces here: case left out\n");
		return;
	}
	snprintf(line, sizeof(line), "link set lw0 netns twlw-%d", (int)getpid());
	ip(line);
	assert_true(becomes(0, false));
	snprintf(line, sizeof(line), "netns del twlw-%d", (int)getpid());
	ip(line);
}

static void
lost_events_lead_to_a_new_look(void **state)
{
	const int size = 1; /* the kernel's least */

	(void)state;
	add(0, "net_af_packet0,iface=lw0");
	drain();
	assert_int_equal(
		setsockopt(link_watch_fd(watch), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < 20; i++) {
		ip("link set lw1 up");
		ip("link set lw1 down");
	}
	assert_true(becomes(0, false));
	for (int i = 0; i < 20; i++) {
		ip("link set lw1 down");
		ip("link set lw1 up");
	}
	assert_true(becomes(0, true));
	drain();
	assert_true(link_watch_up(watch, 0));
}

static void
other_interfaces_events_change_nothing(void **state)
{
	(void)state;
	add(0, "net_af_packet0,iface=lw0");
	drain();
	ip("link add lwx type veth peer name lwy");
	ip("link set lwx up");
	ip("link set lwx down");
	ip("link del lwx");
	drain();
	assert_int_equal(heard.reports[0], 1);
	assert_true(link_watch_up(watch, 0));
}

/* Which kernel interface do the arguments name?  lw0 is up, so "up" tells. */
static void
devargs_name_the_kernel_interface(void **state)
{
	static const struct {
		const char *devargs;
		bool up;
	} rows[PORTS] = {
		{ "net_af_packet0,qpairs=2,iface=lw0", true },
		{ "vdev:net_af_packet7,iface=lw0,blocksz=4096", true },
		{ "eth_af_packet0,iface=lw0", true },
		{ "net_af_xdp0,iface=lw0,start_queue=0", true },
		{ "net_pcap0,iface=lw0", true },
		{ "net_tap0,iface=nosuch0,remote=lw0", true },
		{ "net_af_packet1,iface=lw", false },
		{ "net_af_packet1,myiface=nosuch,iface=lw0", true },
	};

	(void)state;
	for (uint16_t i = 0; i < PORTS; i++) {
		add(i, rows[i].devargs);
		if (link_watch_up(watch, i) != rows[i].up)
			fail_msg("%s", rows[i].devargs);
	}
}

static void
impossible_names_and_ports_are_refused(void **state)
{
	(void)state;
	assert_int_equal(link_watch_add(watch, 0, 0, "net_af_packet0,iface="), -EINVAL);
	assert_int_equal(
		link_watch_add(watch, 0, 0, "net_af_packet0,iface=sixteencharacter"), -EINVAL);
	assert_int_equal(link_watch_add(watch, 60000, 0, "net_af_packet0,iface=lw0"), -EINVAL);
	add(0, "net_af_packet0,iface=lw0");
	assert_int_equal(link_watch_add(watch, 0, 0, "net_af_packet0,iface=lw1"), -EEXIST);
}

static void
other_ports_are_asked_through_their_driver(void **state)
{
	struct rte_ring *r = rte_ring_create("lw", 64, SOCKET_ID_ANY, 0);
	int ethdev;

	(void)state;
	assert_non_null(r);
	ethdev = rte_eth_from_rings("lwring", &r, 1, &r, 1, 0);
	assert_true(ethdev >= 0);
	assert_int_equal(link_watch_add(watch, 0, (uint16_t)ethdev, "net_ring0,iface=lw0"), 0);
	assert_int_equal(heard.reports[0], 1);
	assert_false(heard.up[0]);
	assert_int_equal(rte_eth_dev_set_link_up((uint16_t)ethdev), 0);
	assert_true(becomes(0, true));
	assert_int_equal(rte_eth_dev_set_link_down((uint16_t)ethdev), 0);
	assert_true(becomes(0, false));
	assert_int_equal(heard.reports[0], 3);
}

/* A reload that shuts an interface down: what carrier means has changed, so all of it is told. */
static void
a_report_tells_every_watched_port_once_and_changes_nothing(void **state)
{
	(void)state;
	ip("link set lw1 down");
	add(0, "net_af_packet0,iface=lo");
	add(2, "net_af_packet2,iface=lw0");
	ip("link set lo up");
	assert_true(becomes(0, true));
	drain();
	memset(heard.reports, 0, sizeof(heard.reports));
	heard.up[0] = false;
	heard.up[2] = true;
	heard.again = true;
	for (unsigned int i = 1; i <= 2; i++) {
		link_watch_report(watch);
		assert_int_equal(heard.reports[0], i);
		assert_int_equal(heard.reports[1], 0); /* nobody watches it */
		assert_int_equal(heard.reports[2], i);
		assert_true(heard.up[0]);
		assert_false(heard.up[2]);
	}
	heard.again = false; /* and from now on changes only */
	ip("link set lw1 up");
	assert_true(becomes(2, true));
	assert_int_equal(heard.reports[0], 2);
	assert_int_equal(heard.reports[2], 3);
}

static void
a_report_before_any_port_tells_nothing(void **state)
{
	(void)state;
	link_watch_report(watch);
	for (unsigned int i = 0; i < PORTS; i++)
		assert_int_equal(heard.reports[i], 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_first_state_is_reported_at_once),
		CASE(X01_the_far_end_going_down_is_seen_within_a_second_and_so_is_its_return),
		CASE(the_near_end_going_down_is_seen),
		CASE(an_interface_that_vanishes_is_down_and_up_again_when_it_returns),
		CASE(an_interface_that_is_renamed_is_another),
		CASE(an_interface_moved_to_another_namespace_is_down),
		CASE(lost_events_lead_to_a_new_look),
		CASE(other_interfaces_events_change_nothing),
		CASE(devargs_name_the_kernel_interface),
		CASE(impossible_names_and_ports_are_refused),
		CASE(other_ports_are_asked_through_their_driver),
		CASE(a_report_tells_every_watched_port_once_and_changes_nothing),
		CASE(a_report_before_any_port_tells_nothing),
	};

	if (geteuid() != 0) {
		fprintf(stderr,
			"link_watch_test: skipped: needs root to make network interfaces\n");
		return 77;
	}
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "link_watch_test: no network namespace: %s\n", strerror(errno));
		return 99;
	}
	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
