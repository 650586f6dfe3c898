/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <rte_cycles.h>
#include <rte_eal.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RESULTS 128

static struct bench_result results[MAX_RESULTS];
static unsigned int result_count;

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(const struct bench_result *r)
{
	return r->values[r->runs / 2];
}

static const char *
verdict(const struct bench_result *r)
{
	if (r->limit == 0)
		return "";
	return (r->at_most ? median(r) <= r->limit : median(r) >= r->limit) ? "ok" : "MISSED";
}

void
bench_report(struct bench_result *r)
{
	char limit[32] = "";

	qsort(r->values, r->runs, sizeof(r->values[0]), compare);
	if (result_count < MAX_RESULTS)
		results[result_count++] = *r;
	if (r->limit != 0)
		snprintf(limit, sizeof(limit), "%s %.0f", r->at_most ? "<=" : ">=", r->limit);
	printf("%-52s %10u %12.1f %12.1f %12.1f  %-22s %-10s %s\n", r->name, r->sessions,
		r->values[0], median(r), r->values[r->runs - 1], r->unit, limit, verdict(r));
	fflush(stdout);
}

static void
write_json(const char *path, const char *pages)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fprintf(f, "{\"schema\": 1, \"tsc_hz\": %llu, \"pages\": \"%s\", \"results\": [",
		(unsigned long long)rte_get_tsc_hz(), pages);
	for (unsigned int i = 0; i < result_count; i++) {
		const struct bench_result *r = &results[i];

		fprintf(f,
			"%s\n {\"name\": \"%s\", \"sessions\": %u, \"unit\": \"%s\", \"min\": "
			"%.1f, "
			"\"median\": %.1f, \"max\": %.1f, \"runs\": %u, \"limit\": %.0f}",
			i > 0 ? "," : "", r->name + strspn(r->name, " "), r->sessions, r->unit,
			r->values[0], median(r), r->values[r->runs - 1], r->runs, r->limit);
	}
	fprintf(f, "\n]}\n");
	fclose(f);
}

static int
usage(void)
{
	fputs("usage: bench [--runs N] [--max-sessions N] [--packets N] [--huge MiB | --no-huge "
	      "MiB]\n"
	      "             [--json FILE] [--only established|new|mirror]\n",
		stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "runs", required_argument, NULL, 'r' },
		{ "max-sessions", required_argument, NULL, 's' },
		{ "packets", required_argument, NULL, 'p' },
		{ "huge", required_argument, NULL, 'm' },
		{ "no-huge", required_argument, NULL, 'n' },
		{ "json", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	static const struct {
		const char *name;
		void (*run)(const struct bench_options *);
	} parts[] = { { "established", bench_established }, { "new", bench_new_sessions },
		{ "mirror", bench_mirror } };
	struct bench_options o = { .runs = 7, .max_sessions = 1000000, .packets = 1 << 20 };
	char name[] = "bench", private[] = "--in-memory", no_shconf[] = "--no-shconf",
	     no_pci[] = "--no-pci", m[] = "-m", no_telemetry[] = "--no-telemetry",
	     log[] = "--log-level=4", lcores[] = "--lcores=0", no_huge[] = "--no-huge",
	     memory[16] = "2048", iova[] = "--iova-mode=va";
	char *eal[] = { name, private, no_pci, no_telemetry, log, lcores, iova, m, memory, no_huge,
		NULL };
	const char *json = NULL, *only = NULL;
	bool huge = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'r':
			o.runs = RTE_MAX(1U, RTE_MIN((unsigned int)atoi(optarg), BENCH_MAX_RUNS));
			break;
		case 's':
			o.max_sessions = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'p':
			o.packets = RTE_MAX(4096U, (uint32_t)strtoul(optarg, NULL, 0)) & ~127U;
			break;
		case 'm':
		case 'n':
			huge = c == 'm';
			snprintf(memory, sizeof(memory), "%s", optarg);
			break;
		case 'j':
			json = optarg;
			break;
		case 'o':
			only = optarg;
			break;
		default:
			return usage();
		}
	}
	if (!huge)
		eal[1] = no_shconf;
	if (rte_eal_init(huge ? 9 : 10, eal) < 0) {
		fprintf(stderr, "bench: DPDK does not start with %s MiB of %s\n", memory,
			huge ? "hugepages" : "memory");
		return EXIT_FAILURE;
	}
	printf("TSC %.2f GHz, %s pages, one process, one thread, ring ports, no NIC; %u runs\n",
		(double)rte_get_tsc_hz() / 1e9, huge ? "2 MiB" : "4 KiB", o.runs);
	printf("%-52s %10s %12s %12s %12s  %-22s %-10s\n", "", "sessions", "min", "median", "max",
		"", "wanted");
	for (unsigned int i = 0; i < RTE_DIM(parts); i++) {
		if (only == NULL || strcmp(only, parts[i].name) == 0)
			parts[i].run(&o);
	}
	if (json != NULL)
		write_json(json, huge ? "2 MiB" : "4 KiB");
	return EXIT_SUCCESS;
}
