/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * twinwalld: reads the configuration, starts the layers from the bottom up (EAL, ports, engine,
 * control core, HA, management), runs the management loop on the main lcore and stops everything
 * from the top down.
 */
#include "config_nat.h"
#include "control_commands.h"
#include "control_sections.h"
#include "devices.h"
#include "dpdk_log.h"
#include "eal.h"
#include "ha_commands.h"
#include "ha_constants.h"
#include "ha_sections.h"
#include "lcores.h"
#include "log.h"
#include "ports.h"
#include "publish_policy.h"
#include "self_test.h"
#include "trunk.h"

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_memory.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RESIGN_MS 1000
#define ERR_SIZE  1024

struct options {
	const char *config_path;
	bool interactive, check, debug, settings;
};

/* One box, in the order it is built. */
struct box {
	struct options options;
	const struct config_section *sections[RTE_DIM(control_sections) + RTE_DIM(ha_sections)];
	const struct command *commands[RTE_DIM(control_commands) + RTE_DIM(ha_commands)];
	struct config *config;
	const struct config_system *system;
	const struct config_hrp *hrp;
	struct rte_mempool *pool;
	struct ports ports;
	struct engine *engine;
	struct core *core;
	struct ha *ha;
	struct lcores lcores;
	struct management management;
	char err[ERR_SIZE];
};

static int
usage(FILE *out)
{
	fputs("usage: twinwalld -c FILE [-i] [--check] [--debug]\n"
	      "  -c, --config FILE   configuration\n"
	      "  -i, --interactive   console on this terminal\n"
	      "      --check         check the configuration and exit\n"
	      "      --debug         log more, DPDK's own messages too\n"
	      "      --settings      print every setting as Markdown and exit\n"
	      "      --version       print the version and exit\n",
		out);
	return out == stdout ? EXIT_SUCCESS : 2;
}

/* => -1 to go on, else the exit code. */
static int
parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "interactive", no_argument, NULL, 'i' },
		{ "check", no_argument, NULL, 'k' },
		{ "debug", no_argument, NULL, 'd' },
		{ "settings", no_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:ih", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config_path = optarg;
			break;
		case 'i':
			o->interactive = true;
			break;
		case 'k':
			o->check = true;
			break;
		case 'd':
			o->debug = true;
			break;
		case 's':
			o->settings = true;
			break;
		case 'v':
			puts("twinwalld " TWINWALL_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			return usage(stdout);
		default:
			return usage(stderr);
		}
	}
	if (optind != argc || (o->config_path == NULL && !o->settings))
		return usage(stderr);
	return -1;
}

static int
fail(const struct box *b)
{
	fprintf(stderr, "twinwalld: %s\n", b->err);
	return EXIT_FAILURE;
}

static void
print_line(void *ctx, const char *text)
{
	fputs(text, ctx);
}

static void
join_lists(struct box *b)
{
	unsigned int n = 0;

	for (unsigned int i = 0; control_sections[i] != NULL; i++)
		b->sections[n++] = control_sections[i];
	for (unsigned int i = 0; ha_sections[i] != NULL; i++)
		b->sections[n++] = ha_sections[i];
	n = 0;
	for (unsigned int i = 0; control_commands[i] != NULL; i++)
		b->commands[n++] = control_commands[i];
	for (unsigned int i = 0; ha_commands[i] != NULL; i++)
		b->commands[n++] = ha_commands[i];
}

static int
create_pools(struct box *b)
{
	const struct config_system *s = b->system;
	const uint32_t heartbeats = ports_heartbeats(&b->ports);

	b->pool = port_pool_create(
		"packets", (uint32_t)s->packet_buffers, b->ports.room, SOCKET_ID_ANY);
	if (b->pool != NULL && heartbeats > 0)
		b->ports.heartbeat_pool = port_pool_create(
			"heartbeats", heartbeats * HRP_PORT_BUFFERS, b->ports.room, SOCKET_ID_ANY);
	b->ports.pool = b->pool;
	if (b->pool != NULL && (heartbeats == 0 || b->ports.heartbeat_pool != NULL))
		return 0;
	config_reason(&s->origin, "memory_mb", b->err, sizeof(b->err),
		"%d MiB do not hold packet_buffers = %d of %u bytes and %u of each heartbeat port, "
		"expected more memory or fewer buffers",
		(int)s->memory_mb, (int)s->packet_buffers, b->ports.room, HRP_PORT_BUFFERS);
	return -ENOMEM;
}

static int
start_engine(struct box *b)
{
	const struct config_system *s = b->system;
	const struct engine_params params = {
		.name = s->name,
		.workers = (uint16_t)s->worker_cpus.count,
		.max_sessions = (uint32_t)s->sessions,
		.max_neighbours = (uint32_t)s->neighbours,
		.max_routes = (uint32_t)s->routes,
		.event_ring = (uint32_t)s->event_ring,
		.max_datagrams = (uint32_t)s->datagrams,
		.max_fragments = (uint32_t)(s->packet_buffers * s->fragment_buffers / 100),
		.alg_sessions =
			(uint32_t)((const struct config_alg *)config_section_data(b->config, "alg"))
				->sessions,
		.nat = config_nat_wanted(b->config),
		.socket = SOCKET_ID_ANY,
	};
	char why[256];

	if (create_pools(b) < 0)
		return -ENOMEM;
	b->engine = engine_create(&params, why, sizeof(why));
	if (b->engine == NULL) {
		config_reason(&s->origin, "memory_mb", b->err, sizeof(b->err),
			"%d MiB: %s, expected more memory or smaller tables", (int)s->memory_mb,
			why);
		return -ENOMEM;
	}
	return 0;
}

static int
start_ha(struct box *b)
{
	struct ha_heartbeat heartbeats[MAX_PORTS] = { 0 };
	const struct config_heartbeat *links = b->hrp->interfaces.items;
	const struct config_list *interfaces = config_section_data(b->config, "interfaces");
	const struct config_interface *itf = interfaces->items;
	struct ha_params params = {
		.name = b->system->name,
		.engine = b->engine,
		.core = b->core,
		.pool = b->ports.heartbeat_pool != NULL ? b->ports.heartbeat_pool : b->pool,
		.events = b->management.events,
		.held_back =
			b->management.self_test.failed && b->system->self_test == SELF_TEST_HOLD,
		.config = b->config,
		.heartbeats = heartbeats,
		.socket = SOCKET_ID_ANY,
		.boot = (uint32_t)time(NULL),
	};

	if (getrandom(&params.seed, sizeof(params.seed), 0) != sizeof(params.seed))
		params.seed = (uint32_t)rte_rdtsc();
	while (params.life == 0)
		if (getrandom(&params.life, sizeof(params.life), 0) != sizeof(params.life))
			params.life = rte_rdtsc();
	for (uint32_t i = 0; b->hrp->enable && i < b->hrp->interfaces.count; i++) {
		const int index = config_interface_index(b->config, links[i].interface);
		const struct port *port =
			&b->ports.list[config_port_index(b->config, itf[index].port)];

		heartbeats[i] = (struct ha_heartbeat){
			.ethdev = port->ethdev, .interface = (uint16_t)index, .mac = port->mac
		};
		params.heartbeat_count++;
	}
	b->ha = ha_create(&params, b->err, sizeof(b->err));
	return b->ha != NULL ? 0 : -EINVAL;
}

/* Carrier of a port, for each interface on it: to the HRP core for heartbeat links, to the control
 * core if workers have it. */
static void
link_changed(void *ctx, uint16_t port, bool up)
{
	struct box *b = ctx;
	const struct snapshot *s = engine_snapshot(b->engine);

	for (uint16_t i = 0; i < s->interface_count; i++) {
		if (s->interfaces[i].port != port)
			continue;
		hrp_link(b->ha, i, up && s->interfaces[i].up);
		if (!s->interfaces[i].heartbeat)
			core_post_link(b->core, i, up && s->interfaces[i].up);
	}
}

/* A trunk's traffic goes by another cable now: the switches must learn where our addresses are. */
static void
link_moved(void *ctx, uint16_t port, uint16_t member)
{
	struct box *b = ctx;
	const struct snapshot *s = engine_snapshot(b->engine);

	LOG(NOTICE, "Eth-Trunk %s: %s carries the traffic", config_port_name(b->config, port),
		config_port_name(b->config, member));
	for (uint16_t i = 0; i < s->interface_count; i++) {
		if (s->interfaces[i].port == port && !s->interfaces[i].heartbeat)
			core_post_moved(b->core, i);
	}
}

static void
watch_trunks(struct box *b)
{
	const struct config_list *trunks = config_section_data(b->config, "eth_trunks");
	const struct config_trunk *t = trunks->items;

	for (uint32_t i = 0; i < trunks->count; i++) {
		const char(*names)[CONFIG_PORT_NAME] = t[i].members.items;
		const int port = config_port_index(b->config, t[i].name);
		uint32_t members = 0;

		for (uint32_t k = 0; k < t[i].members.count; k++)
			members |= UINT32_C(1) << config_port_index(b->config, names[k]);
		link_watch_add_trunk(b->management.links, (uint16_t)port,
			b->ports.list[port].ethdev, members, t[i].mode == TRUNK_ACTIVE_BACKUP);
	}
}

static int
start_management(struct box *b)
{
	struct management *m = &b->management;
	const struct config_list *list = config_section_data(b->config, "ports");
	const struct config_port *ports = list->items;
	struct publish_extra extra = { 0 };

	m->engine = b->engine;
	m->core = b->core;
	m->ha = ha_management(b->ha);
	m->ha_state = b->ha;
	m->clock = b->lcores.clock;
	m->started = clock_now(&b->lcores.clock);
	m->rcu_reader = rcu_register(engine_rcu(b->engine));
	management_read_end(m);
	m->ha.collect_extra(m->ha.ctx, b->config, &extra);
	if (publish_config(b->engine, b->config, &extra, b->err, sizeof(b->err)) < 0)
		return -EINVAL;
	link_watch_on_move(m->links, link_moved);
	for (uint32_t i = 0; i < list->count; i++) {
		if (link_watch_add(
			    m->links, (uint16_t)i, b->ports.list[i].ethdev, ports[i].devargs) < 0) {
			config_reason(&ports[i].origin, "devargs", b->err, sizeof(b->err),
				"its carrier cannot be watched");
			return -EIO;
		}
	}
	watch_trunks(b);
	return 0;
}

/* Sockets first: a second start on the same ones ends here, before it touches a port. */
static int
open_management(struct box *b)
{
	b->management.rcu_reader = -1;
	b->management.events = events_create();
	if (b->management.events == NULL) {
		snprintf(b->err, sizeof(b->err), "events: %s", strerror(errno));
		return -ENOMEM;
	}
	b->management.links = link_watch_create(link_changed, b);
	if (b->management.links == NULL) {
		snprintf(b->err, sizeof(b->err), "netlink: %s", strerror(errno));
		return -errno;
	}
	return management_open(&b->management, b->err, sizeof(b->err));
}

/* Stop from the top down; every step copes with what never started. */
static void
stop(struct box *b)
{
	link_watch_destroy(b->management.links);
	management_close(&b->management);
	ha_destroy(b->ha);
	events_destroy(b->management.events);
	core_destroy(b->core);
	engine_destroy(b->engine);
	ports_stop(&b->ports);
	log_drain();
	log_stop();
	config_free(b->management.config);
}

/* => -1: a test has failed and the configuration says that this box does not start then. */
static int
test_self(struct box *b)
{
	const struct config_system *s = b->system;
	struct self_test *t = &b->management.self_test;
	const int64_t *workers = s->worker_cpus.items;
	const int64_t others[] = { s->management_cpu, s->control_cpu, s->hrp_cpu };
	int cpus[MAX_WORKERS + RTE_DIM(others)] = { 0 };
	uint16_t ethdevs[MAX_PORTS];
	const struct config_list *ports = config_section_data(b->config, "ports");
	struct self_test_input in = {
		.pool = b->pool, .clock = &b->lcores.clock, .cpus = cpus, .ethdevs = ethdevs
	};

	if (s->self_test == SELF_TEST_OFF)
		return 0;
	for (uint32_t i = 0; i < s->worker_cpus.count + RTE_DIM(others); i++) {
		const int cpu =
			(int)(i < RTE_DIM(others) ? others[i] : workers[i - RTE_DIM(others)]);
		uint32_t known = 0;

		while (known < in.cpu_count && cpus[known] != cpu)
			known++;
		cpus[known] = cpu;
		in.cpu_count += known == in.cpu_count; /* each once */
	}
	for (uint32_t i = 0; i < ports->count; i++)
		ethdevs[in.ethdev_count++] = b->ports.list[i].ethdev;
	self_test_run(t, &in);
	if (!t->failed || s->self_test != SELF_TEST_REFUSE)
		return 0;
	for (uint32_t i = 0; i < t->count; i++) {
		if (!t->results[i].passed)
			snprintf(b->err, sizeof(b->err), "self-test: %s: %s", t->results[i].name,
				t->results[i].text);
	}
	return -1;
}

static int
start(struct box *b)
{
	if (eal_start(b->config, b->options.debug, b->err, sizeof(b->err)) < 0)
		return -1;
	clock_init(&b->lcores.clock);
	if (ports_probe(&b->ports, b->config, b->err, sizeof(b->err)) < 0 || start_engine(b) < 0 ||
		ports_start(&b->ports, b->config, b->engine, b->err, sizeof(b->err)) < 0)
		return -1;
	if (test_self(b) < 0)
		return -1;
	b->core = core_create(&(struct core_params){
		.engine = b->engine, .pool = b->pool, .name = b->system->name });
	if (b->core == NULL) {
		snprintf(b->err, sizeof(b->err), "control core: %s", strerror(errno));
		return -1;
	}
	if (start_ha(b) < 0 || start_management(b) < 0)
		return -1;
	b->lcores.engine = b->engine;
	b->lcores.core = b->core;
	b->lcores.ha = b->ha;
	b->lcores.paired = ha_hrp(b->ha) != NULL;
	b->lcores.idle = (enum idle_mode)b->system->idle;
	b->lcores.realtime = b->system->realtime;
	b->lcores.idle_sleep_us = (uint32_t)b->system->idle_sleep_us;
	if (lcores_start(&b->lcores) < 0) {
		snprintf(b->err, sizeof(b->err), "lcores: cannot launch");
		return -1;
	}
	return 0;
}

static void
print_warning(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "twinwalld: warning: %s\n", line);
}

/* --check: what the configuration compiles to has limits of its own. */
static int
check(struct box *b)
{
	struct policy *p = publish_policy(b->config, time(NULL), b->err, sizeof(b->err));

	if (p == NULL)
		return fail(b);
	publish_policy_warn(p, b->config, UINT32_MAX, print_warning, NULL);
	policy_destroy(p);
	printf("%s: configuration is valid\n", b->options.config_path);
	config_free(b->config);
	return EXIT_SUCCESS;
}

static int
open_logs(struct box *b)
{
	int rc = log_start(b->system->name, b->options.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);

	if (rc == 0)
		rc = dpdk_log_open();
	if (rc < 0)
		snprintf(b->err, sizeof(b->err), "log: %s", strerror(-rc));
	return rc;
}

int
main(int argc, char **argv)
{
	static struct box box;
	struct box *b = &box;
	int code = parse_options(&b->options, argc, argv);

	if (code >= 0)
		return code;
	join_lists(b);
	if (b->options.settings) {
		config_describe(b->sections, print_line, stdout);
		return EXIT_SUCCESS;
	}
	b->config = config_load(b->options.config_path, b->sections, b->err, sizeof(b->err));
	if (b->config == NULL)
		return fail(b);
	b->system = config_section_data(b->config, "system");
	if (open_logs(b) < 0 || devices_check(b->config, b->err, sizeof(b->err)) < 0)
		return fail(b);
	if (b->options.check)
		return check(b);
	b->hrp = config_section_data(b->config, "hrp");
	b->management = (struct management){ .config_path = b->options.config_path,
		.config = b->config,
		.sections = b->sections,
		.commands = b->commands };
	if (open_management(b) < 0 || devices_lock(b->config, b->err, sizeof(b->err)) < 0)
		return fail(b);
	if (start(b) < 0) {
		code = fail(b);
		if (b->lcores.engine != NULL)
			lcores_stop(&b->lcores);
		stop(b);
		return code;
	}
	dpdk_log_started();
	LOG(NOTICE, "twinwalld %s: started, %u workers, %u ports", TWINWALL_VERSION,
		engine_worker_count(b->engine), b->ports.started);
	if (lcores_shared_cpu(b->system) >= 0)
		LOG(WARNING, "system.worker_cpus: CPU %d has two workers, which gives no speed",
			lcores_shared_cpu(b->system));
	code = management_run(&b->management, b->options.interactive);
	ha_resign(b->ha, RESIGN_MS);
	management_last_words(&b->management);
	lcores_stop(&b->lcores);
	LOG(NOTICE, "twinwalld: stopped");
	stop(b);
	return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
