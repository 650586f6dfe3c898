/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drivers are shared objects that rte_eal_init() loads from DPDK's folder and from arguments "-d";
 * loading them earlier (and then again, which only counts) tells which names they know.
 *
 * A reservation is an abstract unix socket named after the device: it is as wide as a network
 * namespace, as interface names are, and ends with the process, however that ends.  A PCI device
 * that another namespace uses is refused by the kernel (vfio).
 */
#include "devices.h"

#include "device.h"

#include <rte_config.h>
#include <rte_devargs.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* One that does not load (its libraries are missing) is one that DPDK does not have either. */
static void
load(const char *path)
{
	struct dirent **list;
	struct stat st;
	char file[PATH_MAX];
	int n;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		(void)dlopen(path, RTLD_NOW);
		return;
	}
	n = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (strstr(list[i]->d_name, ".so") != NULL &&
			snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name) <
				(int)sizeof(file))
			(void)dlopen(file, RTLD_NOW);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static void
load_drivers(const struct config_system *s)
{
	const char(*arg)[128] = s->eal.items;

	load(RTE_EAL_PMD_PATH);
	for (uint32_t i = 0; i < s->eal.count; i++) {
		if (strcmp(arg[i], "-d") == 0 && i + 1 < s->eal.count)
			load(arg[++i]);
		else if (strncmp(arg[i], "-d", 2) == 0)
			load(arg[i] + 2);
	}
}

/* Virtual devices are of all kinds; DPDK names those of the network so. */
static bool
is_network(const char *name)
{
	return strncmp(name, "net_", 4) == 0 || strncmp(name, "eth_", 4) == 0;
}

int
devices_check(const struct config *config, char *err, size_t err_size)
{
	const struct config_list *list = config_section_data(config, "ports");
	const struct config_port *ports = list->items;

	load_drivers(config_section_data(config, "system"));
	for (uint32_t i = 0; i < list->count; i++) {
		struct rte_devargs args = { 0 };
		char name[DEVICE_NAME_MAX];
		const int rc = rte_devargs_parse(&args, ports[i].devargs);

		free(args.data);
		device_name(ports[i].devargs, name);
		if (rc == 0 && (device_is_pci(ports[i].devargs) || is_network(name)))
			continue;
		config_reason(&ports[i].origin, "devargs", err, err_size,
			"DPDK has no network driver for \"%s\", expected a PCI address such as "
			"0000:3b:00.0 or a device such as net_af_packet0,iface=eth1",
			name);
		return -1;
	}
	return 0;
}

/* => process that holds the name, 0 = not known. */
static int
holder(const struct sockaddr_un *addr, socklen_t len)
{
	struct ucred who = { 0 };
	socklen_t size = sizeof(who);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)addr, len) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		who.pid = 0;
	close(fd);
	return who.pid;
}

/* => descriptor or -errno. */
static int
reserve(const char *kind, const char *name, int *pid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int n = snprintf(
		addr.sun_path + 1, sizeof(addr.sun_path) - 1, "twinwall/%s/%s", kind, name);
	const socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : 0;

	if (rc == 0 && (bind(fd, (struct sockaddr *)&addr, len) != 0 || listen(fd, 1) != 0))
		rc = -errno;
	if (rc == 0)
		return fd;
	*pid = rc == -EADDRINUSE ? holder(&addr, len) : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

int
devices_lock(const struct config *config, char *err, size_t err_size)
{
	const struct config_list *list = config_section_data(config, "ports");
	const struct config_port *ports = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		const bool pci = device_is_pci(ports[i].devargs);
		char name[DEVICE_NAME_MAX], who[32] = "";
		int rc, pid = 0;

		if (pci)
			device_name(ports[i].devargs, name);
		else if (device_interface(ports[i].devargs, name) < 0 || name[0] == '\0')
			continue;
		rc = reserve(pci ? "pci" : "interface", name, &pid);
		if (rc >= 0)
			continue; /* kept until the process ends */
		if (pid > 0)
			snprintf(who, sizeof(who), ", process %d", pid);
		config_reason(&ports[i].origin, "devargs", err, err_size,
			rc == -EADDRINUSE ? "%s %s is in use by a running daemon%s"
					  : "%s %s cannot be reserved%s: %s",
			pci ? "PCI device" : "kernel interface", name, who, strerror(-rc));
		return -1;
	}
	return 0;
}

int
devices_mtu(const char *interface)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	int mtu;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	mtu = ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : -errno;
	close(fd);
	return mtu;
}
