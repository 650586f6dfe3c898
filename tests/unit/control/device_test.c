/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port's devargs say. */
#include "device.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
devargs_name_a_device_and_a_kernel_interface(void **state)
{
	static const struct {
		const char *devargs, *name, *interface;
		bool pci;
	} rows[] = {
		{ "0000:3b:00.0", "0000:3b:00.0", "", true },
		{ "3b:00.1", "0000:3b:00.1", "", true },
		{ "pci:3B:00.1,representor=0", "0000:3b:00.1", "", true },
		{ "10000:e1:00.0", "10000:e1:00.0", "", false }, /* domains have 4 digits in DPDK */
		{ "0001:3b:00.0,iface=eth0", "0001:3b:00.0", "", true },
		{ "3b:00.0x", "3b:00.0x", "", false },
		{ "3b:00", "3b:00", "", false },
		{ "3b: 0.0", "3b: 0.0", "", false },
		{ "-b:00.0", "-b:00.0", "", false },
		{ "", "", "", false },
		{ "net_af_packet0,iface=eth1,qpairs=2", "net_af_packet0", "eth1", false },
		{ "vdev:net_af_packet0,iface=eth1", "net_af_packet0", "eth1", false },
		{ "eth_af_packet0,qpairs=1,iface=a:b.0", "eth_af_packet0", "a:b.0", false },
		{ "net_tap0,iface=tap0,remote=eth2", "net_tap0", "eth2", false },
		{ "net_tap0,iface=tap0", "net_tap0", "", false },
		{ "net_vhost0,iface=/run/v.sock", "net_vhost0", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[DEVICE_NAME_MAX], interface[IFNAMSIZ];

		device_name(rows[i].devargs, name);
		assert_string_equal(name, rows[i].name);
		assert_int_equal(device_interface(rows[i].devargs, interface), 0);
		assert_string_equal(interface, rows[i].interface);
		assert_int_equal(device_is_pci(rows[i].devargs), rows[i].pci);
	}
}

static void
no_name_an_interface_can_have(void **state)
{
	static const char *const rows[] = { "net_af_packet0,iface=",
		"net_af_packet0,iface=,qpairs=2", "net_af_packet0,iface=abcdefghijklmnop",
		"net_af_packet0", "net_af_xdp0,start_queue=0" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char interface[IFNAMSIZ];

		assert_int_equal(device_interface(rows[i], interface), -EINVAL);
		assert_string_equal(interface, "");
	}
}

static void
queues_that_the_arguments_ask_for(void **state)
{
	static const struct {
		const char *devargs;
		int queues;
	} rows[] = { { "net_af_packet0,iface=eth1", 1 },
		{ "net_af_packet0,iface=eth1,qpairs=4", 4 },
		{ "vdev:eth_af_packet0,qpairs=2,iface=eth1", 2 },
		{ "net_af_packet0,iface=eth1,qpairs=0", 0 }, { "0000:3b:00.0,qpairs=2", -1 },
		{ "net_tap0,iface=tap0", -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(device_queues(rows[i].devargs), rows[i].queues);
}

static void
frames_that_the_arguments_ask_for(void **state)
{
	(void)state;
	assert_int_equal(device_frame_size("net_af_packet0,iface=eth1"), 2048);
	assert_int_equal(device_frame_size("net_af_packet0,framesz=16384,iface=eth1"), 16384);
	assert_int_equal(device_frame_size("net_ring0,framesz=16384"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devargs_name_a_device_and_a_kernel_interface),
		cmocka_unit_test(no_name_an_interface_can_have),
		cmocka_unit_test(queues_that_the_arguments_ask_for),
		cmocka_unit_test(frames_that_the_arguments_ask_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
