/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include "cgroup.h"
#include "device.h"
#include "dpdk_log.h"
#include "lcores.h"

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 96

struct arguments {
	int count;
	char *list[MAX_ARGS + 1];
	char text[MAX_ARGS][256];
};

static void
add(struct arguments *a, const char *arg)
{
	if (a->count == MAX_ARGS)
		return;
	snprintf(a->text[a->count], sizeof(a->text[0]), "%s", arg);
	a->list[a->count] = a->text[a->count];
	a->count++;
}

/* Free hugepages of every size, in MiB; the kernel keeps one folder for each size. */
static int64_t
free_hugepages_mb(void)
{
	static const char pattern[] = "/sys/kernel/mm/hugepages/hugepages-*kB";
	char path[PATH_MAX];
	glob_t found = { 0 };
	int64_t kb = 0;

	(void)glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *size = strstr(found.gl_pathv[i], "hugepages-");
		long long pages = 0;
		FILE *f;

		snprintf(path, sizeof(path), "%s/free_hugepages", found.gl_pathv[i]);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		if (fscanf(f, "%lld", &pages) == 1)
			kb += pages * strtoll(size + strlen("hugepages-"), NULL, 10);
		fclose(f);
	}
	globfree(&found);
	return kb >> 10;
}

/* What the kernel would give to a new program, in MiB; -1 = it does not say. */
static int64_t
available_mb(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	long long kb = -1024;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %lld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb / 1024;
}

/* DPDK would find out slowly, or hand out what is not there; the kernel would kill us later. */
static int
check_memory(const struct config_system *s, char *err, size_t err_size)
{
	const int64_t mb = s->hugepages ? free_hugepages_mb() : available_mb();
	const int64_t limit = cgroup_memory_limit_mb("/proc/self/cgroup", "/sys/fs/cgroup");

	/* Hugepages count for no group's memory. */
	if (!s->hugepages && limit >= 0 && s->memory_mb > limit) {
		config_reason(&s->origin, "memory_mb", err, err_size,
			"%d MiB are wanted, the service or container may use %d MiB: raise its "
			"limit (MemoryMax) or ask for less",
			(int)s->memory_mb, (int)limit);
		return -1;
	}
	if (mb < 0 || s->memory_mb <= mb)
		return 0;
	config_reason(&s->origin, "memory_mb", err, err_size,
		s->hugepages ? "%d MiB are wanted, %d MiB of hugepages are free: reserve more "
			       "(vm.nr_hugepages), ask for less, or set hugepages = false"
			     : "%d MiB are wanted, %d MiB of memory are free: ask for less",
		(int)s->memory_mb, (int)mb);
	return -1;
}

/* start_dpdk: rte_eal_init, which prints past its log when it does not like an argument: its help,
 * and a line of its own.  One reason is enough, so these go nowhere unless `verbose`. */
static int
start_dpdk(struct arguments *a, bool verbose)
{
	const int null = verbose ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
	int saved[2] = { -1, -1 };
	int rc;

	for (int i = 0; i < 2 && null >= 0; i++) {
		saved[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, 3);
		if (saved[i] >= 0)
			dup2(null, STDOUT_FILENO + i);
	}
	rc = rte_eal_init(a->count, a->list);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		if (saved[i] < 0)
			continue;
		dup2(saved[i], STDOUT_FILENO + i);
		close(saved[i]);
	}
	if (null >= 0)
		close(null);
	return rc;
}

int
eal_start(const struct config *config, bool verbose, char *err, size_t err_size)
{
	static struct arguments a; /* rte_eal_init keeps pointers into it */
	const struct config_system *s = config_section_data(config, "system");
	const struct config_list *ports = config_section_data(config, "ports");
	const struct config_port *port = ports->items;
	const char(*extra)[128] = s->eal.items;
	char text[256];
	bool pci = false;

	if (check_memory(s, err, err_size) < 0)
		return -1;
	add(&a, "twinwalld");
	/* Nothing is shared with other processes, so several daemons run side by side. */
	if (s->hugepages) {
		add(&a, "--in-memory");
	} else {
		add(&a, "--no-huge");
		add(&a, "--no-shconf");
	}
	add(&a, "--no-telemetry");
	add(&a, verbose ? "--log-level=7" : "--log-level=4");
	add(&a, "--main-lcore=0");
	lcores_map(s, text, sizeof(text));
	add(&a, "--lcores");
	add(&a, text);
	add(&a, "-m");
	snprintf(text, sizeof(text), "%d", (int)s->memory_mb);
	add(&a, text);
	for (uint32_t i = 0; i < ports->count; i++) {
		if (device_is_pci(port[i].devargs)) {
			add(&a, "-a");
			add(&a, port[i].devargs);
			pci = true;
		}
	}
	if (!pci) {
		add(&a, "--no-pci");
		add(&a, "--iova-mode=va");
	}
	for (uint32_t i = 0; i < s->eal.count; i++)
		add(&a, extra[i]);
	dpdk_log_forget();
	if (start_dpdk(&a, verbose) < 0) {
		const bool arguments = rte_errno == EINVAL && s->eal.count > 0;

		dpdk_log_reason(text, sizeof(text));
		config_reason(&s->origin, arguments ? "eal" : "memory_mb", err, err_size,
			arguments ? "DPDK refuses the arguments: %s" : "DPDK does not start: %s",
			text[0] != '\0' ? text : rte_strerror(rte_errno));
		return -1;
	}
	return 0;
}

/* The driver a PCI device is bound to now, for the reason. => out */
static const char *
kernel_driver(const char *device, char *out, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", device);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	snprintf(out, size, "%s", n > 0 ? strrchr(target, '/') + 1 : "no driver");
	return out;
}

static int
no_pci_device(const char *device, char *err, size_t err_size)
{
	char path[PATH_MAX], driver[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", device);
	if (access(path, F_OK) != 0)
		snprintf(err, err_size, "there is no PCI device %s", device);
	else
		snprintf(err, err_size,
			"PCI device %s is bound to %s, expected vfio-pci and a network card that "
			"DPDK knows",
			device, kernel_driver(device, driver, sizeof(driver)));
	return -1;
}

int
eal_probe(const char *devargs, uint16_t *ethdev, char *err, size_t err_size)
{
	char name[DEVICE_NAME_MAX], interface[IFNAMSIZ], why[256];
	int rc;

	device_name(devargs, name);
	if (rte_eth_dev_get_port_by_name(name, ethdev) == 0)
		return 0;
	if (device_is_pci(devargs))
		return no_pci_device(name, err, err_size);
	if (device_interface(devargs, interface) == 0 && interface[0] != '\0' &&
		if_nametoindex(interface) == 0) {
		snprintf(err, err_size, "there is no kernel interface %s here", interface);
		return -1;
	}
	dpdk_log_forget();
	rc = rte_dev_probe(devargs);
	if (rc < 0) {
		/* Most drivers return -1 whatever happened: what they said first is the cause. */
		dpdk_log_reason(why, sizeof(why));
		snprintf(err, err_size, "the driver refuses device %s: %s", name,
			why[0] != '\0' ? why : strerror(-rc));
		return -1;
	}
	if (rte_eth_dev_get_port_by_name(name, ethdev) != 0) {
		snprintf(err, err_size, "device %s is not a network port", name);
		return -1;
	}
	return 0;
}
