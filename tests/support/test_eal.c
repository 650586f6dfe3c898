/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_eal.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <stdio.h>
#include <stdlib.h>

void
test_eal_start(unsigned int memory_mb, const char *lcores)
{
	char mem[16];
	char arg0[] = "test", no_huge[] = "--no-huge", no_conf[] = "--no-shconf",
	     no_pci[] = "--no-pci", no_tel[] = "--no-telemetry", m[] = "-m", l[] = "--lcores",
	     log[] = "--log-level=4", iova[] = "--iova-mode=va";
	char lc[128];
	char *argv[] = { arg0, no_huge, no_conf, no_pci, no_tel, iova, log, m, mem, l, lc, NULL };

	snprintf(mem, sizeof(mem), "%u", memory_mb);
	snprintf(lc, sizeof(lc), "%s", lcores != NULL ? lcores : "0");
	if (rte_eal_init(11, argv) < 0) {
		fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
		exit(99);
	}
}
