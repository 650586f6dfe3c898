/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Self-test at start: see self_test.h.
 */
#include "self_test.h"

#include "log.h"

#include <rte_cpuflags.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS	     20000 /* of the computation on each CPU */
#define EXPECTED     UINT64_C(0x4840f50695bd522b)
#define HOPS	     8 /* over all CPUs, looking at the clock */
#define RATE_MS	     20
#define RATE_TRIES   5
#define RATE_PERCENT 2 /* how far the two clocks may be apart */

static bool say(char *text, size_t size, bool passed, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static bool
say(char *text, size_t size, bool passed, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, size, fmt, args);
	va_end(args);
	return passed;
}

/* ---- CPUs ---- */

static int
move_to(int cpu)
{
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return EINVAL;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* A computation over the integer units, with a known end. */
static uint64_t
compute(void)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15), sum = 0;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += x * i + x / i + (x % (i + 1));
		sum = sum << 9 | sum >> 55;
	}
	return sum;
}

static bool
test_cpu(const struct self_test_input *in, char *text, size_t size)
{
	if (!rte_cpu_is_supported())
		return say(text, size, false,
			"this CPU lacks instructions that the program was built with");
	for (uint32_t i = 0; i < in->cpu_count; i++) {
		const int rc = move_to(in->cpus[i]);

		if (rc != 0)
			return say(text, size, false, "CPU %d cannot be used: %s", in->cpus[i],
				strerror(rc));
		if (compute() != EXPECTED)
			return say(text, size, false, "CPU %d computes wrong", in->cpus[i]);
	}
	return say(text, size, true, "%u CPUs compute right", in->cpu_count);
}

/* ---- memory ---- */

/* Every word of every buffer differs, so that lines of address which stick are found too. */
static uint64_t
pattern(const uint64_t *word, uint64_t flip)
{
	return ((uint64_t)(uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15)) ^ flip;
}

static bool
look_at(struct rte_mbuf **buffers, uint32_t count, uint64_t flip, bool write)
{
	bool good = true;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t *const words = buffers[i]->buf_addr;

		for (uint32_t k = 0; k < buffers[i]->buf_len / sizeof(words[0]); k++) {
			if (write)
				words[k] = pattern(&words[k], flip);
			else
				good = good && words[k] == pattern(&words[k], flip);
		}
	}
	return good;
}

static bool
test_memory(const struct self_test_input *in, char *text, size_t size)
{
	struct rte_mbuf **const buffers = calloc(SELF_TEST_BUFFERS, sizeof(struct rte_mbuf *));
	uint32_t count = 0;
	bool good = true;

	if (buffers == NULL)
		return say(text, size, false, "out of memory");
	while (count < SELF_TEST_BUFFERS && (buffers[count] = rte_pktmbuf_alloc(in->pool)) != NULL)
		count++;
	for (int pass = 0; pass < 2 && good; pass++) {
		const uint64_t flip = pass == 0 ? 0 : UINT64_MAX;

		look_at(buffers, count, flip, true);
		if (in->written != NULL)
			in->written(in->ctx, buffers, count);
		good = look_at(buffers, count, flip, false);
	}
	for (uint32_t i = 0; i < count; i++)
		rte_pktmbuf_free(buffers[i]);
	free(buffers);
	if (count == 0)
		return say(text, size, false, "there is no packet buffer");
	if (!good)
		return say(text, size, false, "packet buffers do not keep what is written to them");
	return say(text, size, true, "%u packet buffers keep what is written to them", count);
}

/* ---- ports ---- */

static bool
test_ports(const struct self_test_input *in, char *text, size_t size)
{
	for (uint32_t i = 0; i < in->ethdev_count; i++) {
		const uint16_t id = in->ethdevs[i];
		char name[RTE_ETH_NAME_MAX_LEN] = "?";
		struct rte_eth_dev_info info;
		struct rte_ether_addr mac;
		struct rte_eth_stats stats;
		uint16_t mtu;

		if (!rte_eth_dev_is_valid_port(id))
			return say(text, size, false, "port %u is gone", id);
		rte_eth_dev_get_name_by_port(id, name);
		if (rte_eth_dev_info_get(id, &info) != 0 || rte_eth_dev_get_mtu(id, &mtu) != 0 ||
			rte_eth_macaddr_get(id, &mac) != 0 || rte_eth_stats_get(id, &stats) != 0)
			return say(text, size, false, "port %s does not answer", name);
	}
	return say(text, size, true, "%u ports answer", in->ethdev_count);
}

/* ---- time ---- */

static uint64_t
kernel_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Both clocks at one moment; who is interrupted between them looks again. */
static uint64_t
both(const struct clock *c, uint64_t *ours)
{
	uint64_t best = UINT64_MAX, kernel = 0;

	for (int i = 0; i < RATE_TRIES; i++) {
		const uint64_t before = kernel_ns();
		const uint64_t now = clock_now(c).ns;
		const uint64_t after = kernel_ns();

		if (after - before >= best)
			continue;
		best = after - before;
		kernel = before;
		*ours = now;
	}
	return kernel;
}

/* => percent that ours is off. */
static uint64_t
rate_error(const struct clock *c)
{
	const struct timespec nap = { .tv_nsec = RATE_MS * (long)NS_PER_MS };
	uint64_t ours[2] = { 0 }, kernel[2];

	kernel[0] = both(c, &ours[0]);
	nanosleep(&nap, NULL);
	kernel[1] = both(c, &ours[1]);
	const uint64_t is = ours[1] - ours[0], should = kernel[1] - kernel[0];

	return (is > should ? is - should : should - is) * 100 / should;
}

static bool
test_time(const struct self_test_input *in, char *text, size_t size)
{
	uint64_t error = UINT64_MAX, last = 0;

	for (int i = 0; i < RATE_TRIES && error > RATE_PERCENT; i++)
		error = rate_error(in->clock);
	if (error > RATE_PERCENT)
		return say(text, size, false, "the CPUs' clock is %" PRIu64 " %% off the kernel's",
			error);
	for (uint32_t i = 0; i < HOPS * in->cpu_count; i++) {
		const int cpu = in->cpus[i % in->cpu_count];
		uint64_t now;

		if (move_to(cpu) != 0)
			continue; /* the test of CPUs says so */
		now = clock_now(in->clock).ns;
		if (now <= last)
			return say(
				text, size, false, "the clock of CPU %d is behind another's", cpu);
		last = now;
	}
	return say(text, size, true, "the clocks of %u CPUs go together and as the kernel's",
		in->cpu_count);
}

static const struct {
	const char *name;
	bool (*test)(const struct self_test_input *, char *text, size_t size);
} tests[SELF_TESTS] = {
	{ "cpu", test_cpu },
	{ "memory", test_memory },
	{ "ports", test_ports },
	{ "time", test_time },
};

void
self_test_run(struct self_test *t, const struct self_test_input *in)
{
	cpu_set_t before;
	const bool moved = pthread_getaffinity_np(pthread_self(), sizeof(before), &before) == 0;

	*t = (struct self_test){ .count = SELF_TESTS };
	for (uint32_t i = 0; i < SELF_TESTS; i++) {
		struct self_test_result *const r = &t->results[i];
		const uint64_t start = kernel_ns();

		r->name = tests[i].name;
		r->passed = tests[i].test(in, r->text, sizeof(r->text));
		r->ms = (uint32_t)((kernel_ns() - start) / NS_PER_MS);
		t->failed = t->failed || !r->passed;
		if (r->passed)
			LOG(INFO, "self-test: %s: passed, %s", r->name, r->text);
		else
			LOG(ERROR, "self-test: %s: failed, %s", r->name, r->text);
	}
	if (moved)
		pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
}
