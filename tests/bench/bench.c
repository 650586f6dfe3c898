/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RESULTS 256
#define JSON_SCHEMA 2

struct part {
	const char *name;
	void (*run)(const struct bench_options *);
};

static const struct part parts[] = {
	{ "established", bench_established },
	{ "new", bench_new },
	{ "rules", bench_rules },
	{ "full", bench_full },
	{ "flood", bench_flood },
	{ "fragments", bench_fragments },
	{ "workers", bench_workers },
	{ "mirror", bench_mirror },
	{ "reload", bench_reload },
	{ "nat", bench_nat },
};

static struct {
	const struct part *part;
	struct bench_result result;
} rows[MAX_RESULTS];
static unsigned int row_count, missed;
static const struct part *current;

void
bench_fatal(const char *what, uint64_t got, uint64_t want)
{
	fprintf(stderr, "bench: %s: %" PRIu64 " instead of %" PRIu64 "\n", what, got, want);
	exit(EXIT_FAILURE);
}

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

static bool
reached(const struct bench_result *r)
{
	return r->wanted == WANTED_AT_LEAST ? median(r) >= r->limit : median(r) <= r->limit;
}

/* Rates in millions, ratios with two decimals. */
static void
print_value(double v)
{
	if (v >= 1e6)
		printf(" %10.2fM", v / 1e6);
	else
		printf(" %11.*f", v < 10 ? 2 : 1, v);
}

void
bench_report(struct bench_result *r)
{
	qsort(r->values, r->runs, sizeof(r->values[0]), compare);
	if (row_count < MAX_RESULTS) {
		rows[row_count].part = current;
		rows[row_count++].result = *r;
	}
	printf("%-50s %9u %6u", r->name, r->sessions, r->rules);
	print_value(r->floor);
	print_value(r->values[0]);
	print_value(median(r));
	print_value(r->values[r->runs - 1]);
	printf("  %-14s", r->unit);
	if (r->wanted != WANTED_NOTHING) {
		printf(" %s", r->wanted == WANTED_AT_MOST ? "<=" : ">=");
		print_value(r->limit);
		printf(" %s", reached(r) ? "ok" : "MISSED");
		missed += !reached(r);
	}
	printf("\n");
	fflush(stdout);
}

static void
write_row(FILE *f, const struct part *part, const struct bench_result *r, bool last)
{
	fprintf(f,
		" {\"part\": \"%s\", \"name\": \"%s\", \"sessions\": %u, \"rules\": %u, "
		"\"unit\": \"%s\", \"floor\": %.2f, \"min\": %.2f, \"median\": %.2f, "
		"\"max\": %.2f, \"runs\": %u",
		part->name, r->name, r->sessions, r->rules, r->unit, r->floor, r->values[0],
		median(r), r->values[r->runs - 1], r->runs);
	if (r->wanted != WANTED_NOTHING)
		fprintf(f, ", \"wanted\": {\"%s\": %.2f}, \"reached\": %s",
			r->wanted == WANTED_AT_MOST ? "at_most" : "at_least", r->limit,
			reached(r) ? "true" : "false");
	fprintf(f, "}%s\n", last ? "" : ",");
}

static void
write_json(const char *path, const char *pages, const char *commit)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fprintf(f,
		"{\"schema\": %d, \"commit\": \"%s\", \"dpdk\": \"%s\", \"cpus\": %ld, "
		"\"tsc_hz\": %" PRIu64 ", \"pages\": \"%s\", \"rows\": [\n",
		JSON_SCHEMA, commit, rte_version(), sysconf(_SC_NPROCESSORS_ONLN), rte_get_tsc_hz(),
		pages);
	for (unsigned int i = 0; i < row_count; i++)
		write_row(f, rows[i].part, &rows[i].result, i + 1 == row_count);
	fprintf(f, "]}\n");
	if (fclose(f) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

/* => Is the part in the list "a,b,c"?  No list: every part is. */
static bool
listed(const char *list, const char *name)
{
	const size_t len = strlen(name);

	if (list == NULL)
		return true;
	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

/* => Every word of the list is a part. */
static bool
list_known(const char *list)
{
	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		bool known = false;
		size_t len;

		p += *p == ',';
		len = strcspn(p, ",");
		for (unsigned int i = 0; i < RTE_DIM(parts); i++)
			known |=
				strlen(parts[i].name) == len && strncmp(p, parts[i].name, len) == 0;
		if (!known)
			return false;
	}
	return true;
}

static int
usage(void)
{
	fputs("usage: bench [--runs N] [--max-sessions N] [--packets N] [--json FILE]\n"
	      "             [--commit TEXT] [--huge MiB | --no-huge MiB] [--only PART,...]\n"
	      "parts:",
		stderr);
	for (unsigned int i = 0; i < RTE_DIM(parts); i++)
		fprintf(stderr, " %s", parts[i].name);
	fputs("\n", stderr);
	return 2;
}

static bool
start_eal(bool huge, const char *mib, bool two_cpus)
{
	char name[] = "bench", private[] = "--in-memory", no_shconf[] = "--no-shconf",
	     no_pci[] = "--no-pci", m[] = "-m", no_telemetry[] = "--no-telemetry",
	     log[] = "--log-level=4", one[] = "--lcores=0", two[] = "--lcores=0,1",
	     no_huge[] = "--no-huge", iova[] = "--iova-mode=va", memory[16];
	char *argv[] = { name, huge ? private : no_shconf, no_pci, no_telemetry, log,
		two_cpus ? two : one, iova, m, memory, no_huge, NULL };

	snprintf(memory, sizeof(memory), "%s", mib);
	return rte_eal_init(huge ? 9 : 10, argv) >= 0;
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
		{ "commit", required_argument, NULL, 'c' },
		{ "only", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	struct bench_options o = { .runs = 7,
		.max_sessions = 1000000,
		.packets = 1 << 20,
		.two_cpus = sysconf(_SC_NPROCESSORS_ONLN) >= 2 };
	const char *json = NULL, *only = NULL, *commit = "", *memory = "2048", *pages;
	bool huge = false;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'r':
			o.runs = RTE_MAX(1U, RTE_MIN((unsigned int)atoi(optarg), BENCH_MAX_RUNS));
			break;
		case 's':
			o.max_sessions = RTE_MAX(1000U, (uint32_t)strtoul(optarg, NULL, 0));
			break;
		case 'p':
			o.packets = RTE_MAX(4096U, (uint32_t)strtoul(optarg, NULL, 0)) & ~127U;
			break;
		case 'm':
		case 'n':
			huge = c == 'm';
			memory = optarg;
			break;
		case 'j':
			json = optarg;
			break;
		case 'c':
			commit = optarg;
			break;
		case 'o':
			only = optarg;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc || !list_known(only))
		return usage();
	pages = huge ? "2 MiB" : "4 KiB";
	if (!start_eal(huge, memory, o.two_cpus)) {
		fprintf(stderr, "bench: DPDK does not start with %s MiB of %s pages\n", memory,
			pages);
		return EXIT_FAILURE;
	}
	printf("TSC %.2f GHz, %s pages, one process, ring ports, no NIC; %u runs\n",
		(double)rte_get_tsc_hz() / 1e9, pages, o.runs);
	printf("%-50s %9s %6s %11s %11s %11s %11s  %-14s %s\n", "", "sessions", "rules", "floor",
		"min", "median", "max", "", "wanted");
	for (unsigned int i = 0; i < RTE_DIM(parts); i++) {
		current = &parts[i];
		if (listed(only, current->name))
			current->run(&o);
	}
	printf("%u rows, %u wanted values missed\n", row_count, missed);
	if (json != NULL)
		write_json(json, pages, commit);
	return EXIT_SUCCESS;
}
