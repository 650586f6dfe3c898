/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `system`: the box itself: name, CPUs, memory, table sizes, sockets.
 */
#include "config_nat.h"
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES 2400 /* of a packet, and what describes it */
#define ROUTES_MB    64	  /* the first table of rte_lpm */

#define CPU_MAX 1023

static const char *const verify_words[] = {
	[VERIFY_DECIDING] = "deciding", [VERIFY_ALL] = "all", NULL
};
static const char *const idle_words[] = { [IDLE_SLEEP] = "sleep", [IDLE_POLL] = "poll", NULL };

static const char *const self_test_words[] = { [SELF_TEST_OFF] = "off",
	[SELF_TEST_WARN] = "warn",
	[SELF_TEST_HOLD] = "hold",
	[SELF_TEST_REFUSE] = "refuse",
	NULL };

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_system, name),
	  .required = true, .min = 1, .max = 12,
	  .help = "Name of the box, in the console's prompt and in logs." },
	{ .name = "management_cpu", .type = SETTING_INT, SETTING_AT(struct config_system, management_cpu),
	  .max = CPU_MAX, .fallback = "0",
	  .help = "CPU of the management thread: console, JSON socket, configuration." },
	{ .name = "control_cpu", .type = SETTING_INT, SETTING_AT(struct config_system, control_cpu),
	  .max = CPU_MAX, .fallback = "0",
	  .help = "CPU of the control core: roles, VRRP, ARP." },
	{ .name = "hrp_cpu", .type = SETTING_INT, SETTING_AT(struct config_system, hrp_cpu),
	  .max = CPU_MAX, .fallback = "0",
	  .help = "CPU of the HRP core: heartbeat links and the session mirror." },
	{ .name = "worker_cpus", .type = SETTING_INTS,
	  .offset = offsetof(struct config_system, worker_cpus), .size = sizeof(int64_t),
	  .required = true, .max = CPU_MAX, .max_items = MAX_WORKERS,
	  .help = "One packet worker on each of these CPUs. A CPU may be named twice only with idle = "
		  "\"sleep\", for machines with few CPUs: it gives no speed." },
	{ .name = "idle", .type = SETTING_ENUM, SETTING_AT(struct config_system, idle),
	  .choices = idle_words, .fallback = "sleep",
	  .help = "What a core without work does: sleep for a moment, so that cores may share a CPU, or "
		  "poll on, which needs a CPU for each thread." },
	{ .name = "idle_sleep_us", .type = SETTING_INT, SETTING_AT(struct config_system, idle_sleep_us),
	  .min = 1, .max = 100, .fallback = "50", .unit = "us",
	  .help = "Longest sleep with idle = \"sleep\"; the control core of a box without hrp.enable "
		  "sleeps 20 times longer." },
	{ .name = "realtime", .type = SETTING_BOOL, SETTING_AT(struct config_system, realtime),
	  .fallback = "true",
	  .help = "With idle = \"sleep\": the control core and the HRP core run before every ordinary "
		  "program of the machine (SCHED_FIFO), workers at nice -10." },
	{ .name = "memory_mb", .type = SETTING_INT, SETTING_AT(struct config_system, memory_mb),
	  .min = 64, .max = 1048576, .fallback = "1024", .unit = "MiB",
	  .help = "Memory for packet buffers and tables." },
	{ .name = "hugepages", .type = SETTING_BOOL, SETTING_AT(struct config_system, hugepages),
	  .fallback = "true", .help = "Take that memory from hugepages." },
	{ .name = "sessions", .type = SETTING_INT, SETTING_AT(struct config_system, sessions),
	  .min = 64, .max = 67108864, .fallback = "100000", .unit = "sessions",
	  .help = "Size of the session table, about 200 bytes for each." },
	{ .name = "nat", .type = SETTING_BOOL, SETTING_AT(struct config_system, nat),
	  .help = "Sessions have room for a translation, 20 bytes more for each. Without it they have it when "
		  "the configuration at the start has an item in one of the sections `nat_...`, and the first "
		  "such item needs a restart." },
	{ .name = "neighbours", .type = SETTING_INT, SETTING_AT(struct config_system, neighbours),
	  .min = 16, .max = 1048576, .fallback = "4096", .unit = "entries",
	  .help = "Size of the neighbour table (ARP and ND together)." },
	{ .name = "routes", .type = SETTING_INT, SETTING_AT(struct config_system, routes),
	  .min = 16, .max = 1048576, .fallback = "4096", .unit = "entries",
	  .help = "Size of the routing table of each family, connected subnets included." },
	{ .name = "packet_buffers", .type = SETTING_INT, SETTING_AT(struct config_system, packet_buffers),
	  .min = 1024, .max = 16777216, .fallback = "16384", .unit = "buffers",
	  .help = "Packet buffers, about 2.4 KiB each, for all ports together; heartbeat ports have 3072 each "
		  "of their own." },
	{ .name = "datagrams", .type = SETTING_INT, SETTING_AT(struct config_system, datagrams),
	  .min = 16, .max = 262144, .fallback = "4096", .unit = "datagrams",
	  .help = "Size of the fragment table, about 110 bytes for each datagram that is not complete; the "
		  "oldest gives way to a new one." },
	{ .name = "fragment_buffers", .type = SETTING_INT,
	  SETTING_AT(struct config_system, fragment_buffers),
	  .min = 1, .max = 75, .fallback = "25", .unit = "%",
	  .help = "Share of the packet buffers that fragments may hold until their datagrams are complete; "
		  "the rest is left for other traffic, whatever comes." },
	{ .name = "event_ring", .type = SETTING_INT, SETTING_AT(struct config_system, event_ring),
	  .min = 64, .max = 1048576, .fallback = "8192", .unit = "events",
	  .help = "Mirror events a worker may have waiting for the HRP core; a power of two." },
	{ .name = "tcp_loose", .type = SETTING_BOOL, SETTING_AT(struct config_system, tcp_loose),
	  .live = true, .fallback = "false",
	  .help = "Take up TCP connections from the middle, without having seen their SYN." },
	{ .name = "tcp_window_check", .type = SETTING_BOOL,
	  SETTING_AT(struct config_system, tcp_window_check),
	  .live = true, .fallback = "true",
	  .help = "Drop TCP segments outside the window; resets and the handshake are checked with "
		  "`false` too." },
	{ .name = "tcp_mss", .type = SETTING_INT, SETTING_AT(struct config_system, tcp_mss),
	  .live = true, .max = CONFIG_TCP_MSS_MAX, .fallback = "0", .unit = "bytes",
	  .help = "Lower the maximum segment size that SYNs offer to this value, on every interface; 0, "
		  "the default, leaves them as they are." },
	{ .name = "verify_checksums", .type = SETTING_ENUM,
	  SETTING_AT(struct config_system, verify_checksums),
	  .live = true, .choices = verify_words, .fallback = "deciding",
	  .help = "Which TCP, UDP and ICMP checksums software verifies when the NIC has not: of packets "
		  "that open, close or change a session, or of all." },
	{ .name = "console_socket", .type = SETTING_STRING,
	  SETTING_AT(struct config_system, console_socket),
	  .min = 1, .max = 103, .fallback = "/run/twinwall/twinwall.console",
	  .help = "Unix socket of the console, for twinctl." },
	{ .name = "json_socket", .type = SETTING_STRING, SETTING_AT(struct config_system, json_socket),
	  .min = 1, .max = 103, .fallback = "/run/twinwall/twinwall.json",
	  .help = "Unix socket of the JSON interface." },
	{ .name = "capture_folder", .type = SETTING_STRING,
	  SETTING_AT(struct config_system, capture_folder), .live = true, .max = 103,
	  .help = "Folder into which captures are written, and nowhere else; empty: none can be made." },
	{ .name = "self_test", .type = SETTING_ENUM, SETTING_AT(struct config_system, self_test),
	  .choices = self_test_words, .fallback = "hold",
	  .help = "Test CPUs, memory, ports and clocks at the start; what a failure means: a line in the "
		  "log (warn), the lowest priority, so that this box serves only while nobody else does "
		  "(hold), or no start at all (refuse)." },
	{ .name = "watchdog", .type = SETTING_STRING, SETTING_AT(struct config_system, watchdog),
	  .max = 63,
	  .help = "Hardware watchdog that is fed while control core, HRP core and every worker turn, for "
		  "example /dev/watchdog: else it resets the machine. A regular end stops it. Empty: none." },
	{ .name = "watchdog_s", .type = SETTING_INT, SETTING_AT(struct config_system, watchdog_s),
	  .min = 3, .max = 3600, .fallback = "30", .unit = "s",
	  .help = "Time without a sign of life after which it resets the machine; a device may have a "
		  "time of its own." },
	{ .name = "eal", .type = SETTING_STRINGS, .offset = offsetof(struct config_system, eal),
	  .size = 128, .min = 1, .max = 127, .max_items = 32,
	  .help = "Further arguments for DPDK's EAL, one per element." },
	{ .name = NULL },
};
// clang-format on

static int
check_cpu(struct config *c, const struct config_system *s, const char *setting, int64_t cpu)
{
	/* Not the affinity: after the start this thread is bound to one CPU. */
	const long count = sysconf(_SC_NPROCESSORS_CONF);

	if (cpu < count)
		return 0;
	return config_fail(c, &s->origin, setting,
		"CPU %d is not present on this machine, expected 0 to %ld", (int)cpu, count - 1);
}

/* Threads that never sleep starve each other on one CPU. */
static int
check_sharing(struct config *c, const struct config_system *s)
{
	const int64_t *workers = s->worker_cpus.items;
	const int64_t others[] = { s->management_cpu, s->control_cpu, s->hrp_cpu };
	bool taken[CPU_MAX + 1] = { false };
	char setting[32];

	if (s->idle != IDLE_POLL)
		return 0;
	for (unsigned int i = 0; i < RTE_DIM(others); i++) {
		if (taken[others[i]])
			return config_fail(c, &s->origin, i == 1 ? "control_cpu" : "hrp_cpu",
				"CPU %d has two threads that never sleep, expected a CPU for each "
				"thread or idle = \"sleep\"",
				(int)others[i]);
		taken[others[i]] = true;
	}
	for (uint32_t i = 0; i < s->worker_cpus.count; i++) {
		snprintf(setting, sizeof(setting), "worker_cpus[%u]", i);
		if (taken[workers[i]])
			return config_fail(c, &s->origin, setting,
				"CPU %d has two threads that never sleep, expected a CPU for each "
				"thread or idle = \"sleep\"",
				(int)workers[i]);
		taken[workers[i]] = true;
	}
	return 0;
}

static int
check_cpus(struct config *c, const struct config_system *s)
{
	const int64_t *workers = s->worker_cpus.items;
	char setting[32];
	int rc;

	rc = check_cpu(c, s, "management_cpu", s->management_cpu);
	if (rc == 0)
		rc = check_cpu(c, s, "control_cpu", s->control_cpu);
	if (rc == 0)
		rc = check_cpu(c, s, "hrp_cpu", s->hrp_cpu);
	for (uint32_t i = 0; rc == 0 && i < s->worker_cpus.count; i++) {
		snprintf(setting, sizeof(setting), "worker_cpus[%u]", i);
		rc = check_cpu(c, s, setting, workers[i]);
	}
	return rc < 0 ? rc : check_sharing(c, s);
}

#define ALG_SESSION_BYTES 20000 /* struct alg_stream */

/* Too much: DPDK would take minutes to find out.  Too little: what the tables need at the least;
 * the start finds out the rest. */
int
config_buffers_mb(int64_t buffers)
{
	return (int)(buffers * BUFFER_BYTES >> 20);
}

static int
sessions_mb(const struct config *c, const struct config_system *s)
{
	const struct config_alg *alg = config_section_data(c, "alg");
	/* 4 of each for what is expected. */
	const int64_t each = config_nat_wanted(c) ? 216 : 196;
	const int64_t read = engine_alg_sessions((uint32_t)alg->sessions, (uint32_t)s->sessions);

	return (int)((s->sessions * each + read * ALG_SESSION_BYTES) >> 20);
}

int
config_tables_mb(const struct config *c)
{
	const struct config_system *s = config_section_data(c, "system");

	return ROUTES_MB + sessions_mb(c, s) + config_buffers_mb(s->packet_buffers);
}

static int
check_memory(struct config *c, const struct config_system *s)
{
	const int mb = (int)(sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20);

	if (s->memory_mb > mb)
		return config_fail(c, &s->origin, "memory_mb",
			"%d MiB are more than this machine has, expected at most %d",
			(int)s->memory_mb, mb);
	if (s->memory_mb < config_tables_mb(c))
		return config_fail(c, &s->origin, "memory_mb",
			"%d MiB do not hold the tables (routes %d, sessions %d, packet buffers "
			"%d), "
			"expected more than %d or smaller tables",
			(int)s->memory_mb, ROUTES_MB, sessions_mb(c, s),
			config_buffers_mb(s->packet_buffers), config_tables_mb(c));
	return 0;
}

/* Arguments with which DPDK prints and ends instead of starting. */
static int
check_eal(struct config *c, const struct config_system *s)
{
	const char(*arg)[128] = s->eal.items;
	char setting[32];

	for (uint32_t i = 0; i < s->eal.count; i++) {
		if (strcmp(arg[i], "-h") != 0 && strcmp(arg[i], "--help") != 0 &&
			strcmp(arg[i], "--log-level=help") != 0)
			continue;
		snprintf(setting, sizeof(setting), "eal[%u]", i);
		return config_fail(c, &s->origin, setting,
			"%s prints help and ends, expected an argument to run with", arg[i]);
	}
	return 0;
}

static int
check(struct config *c)
{
	const struct config_system *s = config_section_data(c, "system");

	if (s->tcp_mss != 0 && s->tcp_mss < CONFIG_TCP_MSS_MIN)
		return config_fail(c, &s->origin, "tcp_mss",
			"%d is too small, expected 0 or %d to %d", (int)s->tcp_mss,
			CONFIG_TCP_MSS_MIN, CONFIG_TCP_MSS_MAX);
	if (s->console_socket[0] != '/')
		return config_fail(c, &s->origin, "console_socket",
			"is a relative path, expected one that begins with /");
	if (s->json_socket[0] != '/')
		return config_fail(c, &s->origin, "json_socket",
			"is a relative path, expected one that begins with /");
	if (s->capture_folder[0] != '\0' && s->capture_folder[0] != '/')
		return config_fail(c, &s->origin, "capture_folder",
			"is a relative path, expected one that begins with /");
	if (s->watchdog[0] != '\0' && s->watchdog[0] != '/')
		return config_fail(c, &s->origin, "watchdog",
			"is a relative path, expected one that begins with /");
	if (strcmp(s->console_socket, s->json_socket) == 0)
		return config_fail(c, &s->origin, "json_socket",
			"is the console's socket, expected a path of its own");
	if ((s->event_ring & (s->event_ring - 1)) != 0)
		return config_fail(c, &s->origin, "event_ring",
			"%d is not a power of two, expected 4096 or 8192, for example",
			(int)s->event_ring);
	if (check_memory(c, s) < 0 || check_eal(c, s) < 0)
		return -EINVAL;
	return check_cpus(c, s);
}

const struct config_section config_section_system = {
	.name = "system",
	.required = true,
	.size = sizeof(struct config_system),
	.settings = settings,
	.check = check,
	.help = "The box: name, CPUs, memory, table sizes, sockets.",
};
