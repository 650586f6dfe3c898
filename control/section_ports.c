/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `ports`: the DPDK ports, by device arguments: a PCI address on bare metal, a vdev in the
 * lab.
 */
#include "config.h"
#include "device.h"
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_port, name),
	  .required = true, .min = 1, .max = 31, .help = "Name that interfaces refer to." },
	{ .name = "devargs", .type = SETTING_STRING, SETTING_AT(struct config_port, devargs),
	  .required = true, .min = 1, .max = 255,
	  .help = "DPDK device: a PCI address such as \"0000:3b:00.0\", or a virtual device with its "
		  "arguments such as \"net_af_packet0,iface=eth1\"." },
	{ .name = "mtu", .type = SETTING_INT, SETTING_AT(struct config_port, mtu),
	  .min = 576, .max = 9600, .fallback = "1500", .unit = "bytes",
	  .help = "Largest IP packet received: set in the NIC; a kernel interface must have it already." },
	{ .name = "promiscuous", .type = SETTING_BOOL, SETTING_AT(struct config_port, promiscuous),
	  .fallback = "false",
	  .help = "Take every frame; else only those to own and virtual MACs and to groups, where the "
		  "NIC's filter has room for them." },
	{ .name = NULL },
};
// clang-format on

static int
check_device(struct config *c, const struct config_port *ports, uint32_t i)
{
	char device[DEVICE_NAME_MAX], kernel[IFNAMSIZ];

	if (strpbrk(ports[i].devargs, " \"'") != NULL)
		return config_fail(c, &ports[i].origin, "devargs",
			"has a blank or a quote in it, expected DEVICE or DEVICE,KEY=VALUE,...");
	if (device_interface(ports[i].devargs, kernel) < 0)
		return config_fail(c, &ports[i].origin, "devargs",
			"names no kernel interface, expected 1 to %d characters", IFNAMSIZ - 1);
	device_name(ports[i].devargs, device);
	for (uint32_t j = 0; j < i; j++) {
		char other[DEVICE_NAME_MAX], other_kernel[IFNAMSIZ];

		device_name(ports[j].devargs, other);
		if (strcmp(device, other) == 0)
			return config_fail(c, &ports[i].origin, "devargs",
				"device %s is port %s already, expected another device", device,
				ports[j].name);
		if (device_interface(ports[j].devargs, other_kernel) == 0 && kernel[0] != '\0' &&
			strcmp(kernel, other_kernel) == 0)
			return config_fail(c, &ports[i].origin, "devargs",
				"kernel interface %s is used by port %s already, expected another "
				"one",
				kernel, ports[j].name);
	}
	return 0;
}

/* The kernel cuts what does not fit in a slot. */
static int
check_mtu(struct config *c, const struct config_port *p)
{
	const int size = device_frame_size(p->devargs);

	if (size < 0 || p->mtu + DEVICE_FRAME_HEAD <= size)
		return 0;
	return config_fail(c, &p->origin, "devargs",
		"framesz=%d holds no packet of %d bytes (mtu), expected framesz=%d at least", size,
		(int)p->mtu, (int)p->mtu + DEVICE_FRAME_HEAD);
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "ports");
	int rc;

	rc = config_unique(
		c, list, sizeof(struct config_port), offsetof(struct config_port, name), "name");
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = check_device(c, list->items, i);
		if (rc == 0)
			rc = check_mtu(c, (const struct config_port *)list->items + i);
	}
	return rc;
}

const struct config_section config_section_ports = {
	.name = "ports",
	.required = true,
	.list = true,
	.max_items = MAX_PORTS,
	.size = sizeof(struct config_port),
	.settings = settings,
	.check = check,
	.help = "The network ports, as DPDK devices.",
};
