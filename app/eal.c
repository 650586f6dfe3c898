/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include "lcores.h"

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

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

/* "0000:3b:00.0" or "3b:00.0", perhaps followed by ",key=value". */
static bool
is_pci(const char *devargs)
{
	const char *dot = strchr(devargs, '.');
	const char *colon = strchr(devargs, ':');

	return isxdigit((unsigned char)devargs[0]) && colon != NULL && dot != NULL && dot > colon;
}

int
eal_start(const struct config *config, char *err, size_t err_size)
{
	static struct arguments a; /* rte_eal_init keeps pointers into it */
	const struct config_system *s = config_section_data(config, "system");
	const struct config_list *ports = config_section_data(config, "ports");
	const struct config_port *port = ports->items;
	const char(*extra)[128] = s->eal.items;
	char text[256];
	bool pci = false;

	add(&a, "twinwalld");
	/* Nothing is shared with other processes, so several daemons run side by side. */
	if (s->hugepages) {
		add(&a, "--in-memory");
	} else {
		add(&a, "--no-huge");
		add(&a, "--no-shconf");
	}
	add(&a, "--no-telemetry");
	add(&a, "--log-level=4");
	add(&a, "--main-lcore=0");
	lcores_map(s, text, sizeof(text));
	add(&a, "--lcores");
	add(&a, text);
	add(&a, "-m");
	snprintf(text, sizeof(text), "%d", (int)s->memory_mb);
	add(&a, text);
	for (uint32_t i = 0; i < ports->count; i++) {
		if (is_pci(port[i].devargs)) {
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
	if (rte_eal_init(a.count, a.list) < 0) {
		snprintf(err, err_size, "system: DPDK does not start with %d MiB of %s (%s)",
			(int)s->memory_mb, s->hugepages ? "hugepages" : "memory",
			rte_strerror(rte_errno));
		return -1;
	}
	return 0;
}

int
eal_probe(const char *devargs, uint16_t *ethdev, char *err, size_t err_size)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	int rc;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	if (rte_eth_dev_get_port_by_name(name, ethdev) == 0)
		return 0;
	if (is_pci(devargs)) {
		snprintf(err, err_size, "no such device, or not bound to vfio-pci");
		return -1;
	}
	rc = rte_dev_probe(devargs);
	if (rc < 0) {
		snprintf(err, err_size, "no such device (%s)", strerror(-rc));
		return -1;
	}
	if (rte_eth_dev_get_port_by_name(name, ethdev) != 0) {
		snprintf(err, err_size, "the device is not a network port");
		return -1;
	}
	return 0;
}
