/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devargs.
 */
#include "device.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Drivers whose port is a kernel interface, and the argument that names it.  Others use the same
 * words for other things (iface= of net_vhost is a socket's path). */
static const struct {
	const char *driver, *argument;
	bool required;
} backed[] = {
	{ "net_af_packet", "iface=", true },
	{ "eth_af_packet", "iface=", true },
	{ "net_af_xdp", "iface=", true },
	{ "net_pcap", "iface=", false },
	{ "net_tap", "remote=", false },
};

static const char *
without_bus(const char *devargs)
{
	if (strncmp(devargs, "vdev:", 5) == 0)
		return devargs + 5;
	return strncmp(devargs, "pci:", 4) == 0 ? devargs + 4 : devargs;
}

/* => false: no PCI address. */
static bool
parse_pci(const char *devargs, char name[DEVICE_NAME_MAX])
{
	static const char form[] = "xxxx:xx:xx.x";
	const char *at = without_bus(devargs);
	const int len = (int)strcspn(at, ",");

	if (len != (int)strlen(form) && len != (int)strlen(form + 5))
		return false;
	snprintf(name, DEVICE_NAME_MAX, "%s%.*s", len == (int)strlen(form) ? "" : "0000:", len, at);
	for (unsigned int i = 0; form[i] != '\0'; i++) {
		if (form[i] == 'x' ? !isxdigit((unsigned char)name[i]) : name[i] != form[i])
			return false;
		name[i] = (char)tolower((unsigned char)name[i]);
	}
	return true;
}

void
device_name(const char *devargs, char name[DEVICE_NAME_MAX])
{
	const char *at = without_bus(devargs);

	if (!parse_pci(devargs, name))
		snprintf(name, DEVICE_NAME_MAX, "%.*s", (int)strcspn(at, ","), at);
}

bool
device_is_pci(const char *devargs)
{
	char name[DEVICE_NAME_MAX];

	return parse_pci(devargs, name);
}

int
device_interface(const char *devargs, char name[IFNAMSIZ])
{
	const char *at = without_bus(devargs), *argument = NULL;
	bool required = false;
	size_t len;

	name[0] = '\0';
	for (unsigned int i = 0; i < sizeof(backed) / sizeof(backed[0]); i++) {
		if (strncmp(at, backed[i].driver, strlen(backed[i].driver)) != 0)
			continue;
		argument = backed[i].argument;
		required = backed[i].required;
	}
	if (argument == NULL)
		return 0;
	for (at = strchr(at, ','); at != NULL; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, argument, strlen(argument)) != 0)
			continue;
		at += strlen(argument);
		len = strcspn(at, ",");
		if (len == 0 || len >= IFNAMSIZ)
			return -EINVAL;
		memcpy(name, at, len);
		name[len] = '\0';
		return 0;
	}
	return required ? -EINVAL : 0;
}

/* A number among the arguments of af_packet, whose defaults are known. => -1: another driver. */
static int
af_packet_number(const char *devargs, const char *argument, int fallback)
{
	const char *at = without_bus(devargs);

	if (strncmp(at, "net_af_packet", 13) != 0 && strncmp(at, "eth_af_packet", 13) != 0)
		return -1;
	for (at = strchr(at, ','); at != NULL; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, argument, strlen(argument)) == 0)
			return atoi(at + strlen(argument));
	}
	return fallback;
}

int
device_queues(const char *devargs)
{
	return af_packet_number(devargs, "qpairs=", 1);
}

int
device_frame_size(const char *devargs)
{
	return af_packet_number(devargs, "framesz=", 2048);
}
