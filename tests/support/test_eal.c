/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_eal.h"

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define LCORES_TEXT 4096

/* "0@(0,1),1@(0,1)": each lcore may run on every CPU that this process may, so that programs side
 * by side share all of them.  EAL alone would pin each program's first lcore to the first CPU.
 */
static void
lcores_text(unsigned int lcores, char text[LCORES_TEXT])
{
	cpu_set_t cpus;
	size_t at = 0;

	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0) {
		perror("sched_getaffinity");
		exit(99);
	}
	for (unsigned int i = 0; i < lcores; i++) {
		char next = '(';

		at += (size_t)snprintf(text + at, LCORES_TEXT - at, "%s%u@", i == 0 ? "" : ",", i);
		for (unsigned int cpu = 0; cpu < RTE_MAX_LCORE; cpu++) {
			if (!CPU_ISSET(cpu, &cpus))
				continue;
			at += (size_t)snprintf(text + at, LCORES_TEXT - at, "%c%u", next, cpu);
			next = ',';
		}
		at += (size_t)snprintf(text + at, LCORES_TEXT - at, ")");
	}
}

void
test_eal_start(unsigned int memory_mb, unsigned int lcores)
{
	char mem[16];
	char arg0[] = "test", no_huge[] = "--no-huge", no_conf[] = "--no-shconf",
	     no_pci[] = "--no-pci", no_tel[] = "--no-telemetry", m[] = "-m", l[] = "--lcores",
	     log[] = "--log-level=4", iova[] = "--iova-mode=va";
	char lc[LCORES_TEXT];
	char *argv[] = { arg0, no_huge, no_conf, no_pci, no_tel, iova, log, m, mem, l, lc, NULL };

	snprintf(mem, sizeof(mem), "%u", memory_mb);
	lcores_text(lcores, lc);
	if (rte_eal_init(11, argv) < 0) {
		fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
		exit(99);
	}
}
