/* SPDX-License-Identifier: BSD-3-Clause */
#include "management_box.h"

#include "console.h"
#include "control_commands.h"
#include "json_server.h"
#include "loop.h"
#include "policy_usage.h"
#include "sample_config.h"
#include "scan_watch.h"

#include <rte_ip.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_TURNS 3

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "management box: %s: %s\n", what, why);
	exit(99);
}

/* Something for views to show: an IPv6 address, two routes, a neighbour; an entry of the blacklist;
 * a session that is limited. */
static void
add_things(struct engine_box *b)
{
	static const uint8_t own[IP6_LEN] = { 0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 2 };
	static const uint8_t link_local[IP6_LEN] = { 0xfe, 0x80, [15] = 2 };
	static const struct route6 routes[] = {
		{ .interface = BOX_UNTRUST, .gateway = { 0xfe, 0x80, [15] = 1 } },
		{ .prefix = { 0x20, 0x01, 0x0d, 0xb8, 0, 1 }, .len = 64 },
	};
	const struct rte_ether_addr mac = { { 2, 0, 0, 0, 0, 6 } };
	const rte_be32_t source = RTE_BE32(BOX_IPV4(10, 1, 1, 77));
	struct neigh_table *t = engine_neighbours(b->engine);
	/* Nobody reads it yet. */
	struct snapshot *s = (struct snapshot *)(uintptr_t)engine_snapshot(b->engine);
	struct snapshot_interface *in = &s->interfaces[BOX_UNTRUST];

	memcpy(in->addresses6[0].address, own, sizeof(own));
	memcpy(in->link_local, link_local, sizeof(link_local));
	in->addresses6[0].len = 64;
	in->address6_count = 1;
	s->limit_zones = UINT64_C(1) << BOX_ZONE_TRUST;
	s->limits[BOX_ZONE_TRUST] = (struct limit_zone){
		.len4 = 24, .len6 = 64, .source = { .total = 100 }, .zone = { .total = 1000 }
	};
	limit_take(engine_limits(b->engine), &s->limits[BOX_ZONE_TRUST],
		&(struct limit_session){
			.zone = BOX_ZONE_TRUST, .family = 4, .half_open = true, .source = &source },
		b->now);
	/* The thread that sets routes waits for the workers, which are this thread too. */
	engine_box_sleep(b);
	if (route6_table_set(engine_routes6(b->engine), routes, RTE_DIM(routes)) < 0)
		die("IPv6 routes", "refused");
	blacklist_set_static(engine_blacklist(b->engine),
		&(struct blacklist_entry){
			.prefix = ip_addr_v4(RTE_BE32(BOX_IPV4(203, 0, 113, 9))), .len = 32 },
		1, 0);
	engine_box_wake(b);
	neigh_set(t, neigh_add6(t, BOX_UNTRUST, routes[0].gateway, BOX_UNTRUST, &mac),
		NEIGH_REACHABLE, &mac);
}

/* Something of translation: a port and an address are taken, and a session is translated.  What the
 * tests send matches none of it. */
static void
add_nat(struct engine_box *b)
{
	const struct nat_want want = { .proto = IPPROTO_TCP,
		.host = RTE_BE32(BOX_IPV4(10, 1, 1, 77)),
		.port = RTE_BE16(4000),
		.remote = RTE_BE32(BOX_IPV4(200, 1, 1, 10)),
		.remote_port = RTE_BE16(80) };
	struct nat_got got;

	b->nat = (struct box_nat){ .group_count = 2,
		.rule_count = 2,
		.groups = { { .name = "pool",
				    .mode = NAT_POOL_PAT,
				    .paired = true,
				    .endpoint_independent = true,
				    .block = 256,
				    .section_count = 1,
				    .sections = { { BOX_IPV4(198, 51, 100, 1),
					    BOX_IPV4(198, 51, 100, 2) } } },
			{ .name = "hosts",
				.mode = NAT_POOL_NO_PAT,
				.block = 256,
				.section_count = 1,
				.sections = { { BOX_IPV4(198, 51, 100, 16),
					BOX_IPV4(198, 51, 100, 19) } } } },
		.rules = { { .name = "to-pool", .source_zones = UINT64_C(1) << BOX_ZONE_DMZ },
			{ .name = "never", .source_zones = UINT64_C(1) << BOX_ZONE_DMZ } },
		.sources = { { .action = NAT_SOURCE, .group = 0 } } };
	engine_box_publish(b);
	for (uint16_t i = 0; i < b->nat.group_count; i++) {
		const uint16_t id =
			nat_groups_find(engine_nat_groups(b->engine), b->nat.groups[i].name);

		if (nat_groups_take(engine_nat_groups(b->engine), id, &want, &got) != NAT_OK)
			die("address group", "nothing to take");
	}
}

/* Something for the drops to show: two frames shorter than an Ethernet header. */
static void
drop_frames(struct engine_box *b)
{
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);

		if (m == NULL || rte_pktmbuf_append(m, 10) == NULL ||
			!engine_box_feed(b, BOX_UNTRUST, 0, m))
			die("frame", "no buffer");
	}
	engine_box_poll(b);
}

struct management_box *
management_box_create(uint32_t sessions, const char *console_path, const char *json_path)
{
	const struct engine_box_params params = { .name = "mg",
		.number = 1,
		.workers = 2,
		.sessions = sessions,
		.buffers = 1023,
		.ring = 256,
		.event_ring = 256,
		.nat = true };
	/* One object of each kind for the views. */
	static const char objects[] =
		"address_sets = ( { name = \"servers\"; addresses = [ \"10.2.0.0/24\" ]; } );\n"
		"schedules = ( { name = \"daily\"; periods = ( { from = \"00:00\"; to = "
		"\"24:00\"; } ); } );\n"
		"eth_trunks = ( { name = \"t1\"; members = [ \"p4\" ]; } );\n"
		"nat_address_groups = ( { name = \"pool\"; addresses = [ "
		"\"198.51.100.1-198.51.100.2\" ]; }, { name = \"hosts\"; mode = \"no-pat\"; "
		"addresses = [ \"198.51.100.16/30\" ]; } );\n"
		"nat_policy = { rules = ( { name = \"to-pool\"; source_zones = [ \"dmz\" ]; action "
		"= \"source-nat\"; address_group = \"pool\"; }, { name = \"never\"; source_zones = "
		"[ \"dmz\" ]; action = \"no-nat\"; } ); };\n"
		"nat_servers = ( { name = \"web\"; zones = [ \"untrust\" ]; protocol = \"tcp\"; "
		"public_address = \"198.51.100.9\"; public_port = \"8080-8089\"; inside_addresses "
		"= [ \"10.1.2.80-10.1.2.81\" ]; inside_port = 80; } );\n"
		"nat64 = ( { name = \"internet\"; prefix = \"64:ff9b::/96\"; address_group = "
		"\"pool\"; zones = [ \"trust\" ]; } );\n"
		"nat_static = ( { name = \"lab\"; public = \"203.0.113.0/24\"; inside = "
		"\"10.1.9.0/24\"; } );\n";
	static const char spare[] = ",\n{ name = \"p4\"; devargs = \"net_ring9\"; }";
	const char *ports_end = strstr(sample_config, "\n);\nzones");
	struct management_box *b = calloc(1, sizeof(*b));
	char text[sizeof(sample_config) + sizeof(objects) + sizeof(spare)];
	char err[256];

	if (b == NULL)
		die("box", strerror(ENOMEM));
	signal(SIGPIPE, SIG_IGN);
	b->m.rcu_reader = -1;
	b->m.commands = control_commands;
	snprintf(text, sizeof(text), "%.*s%s%s%s", (int)(ports_end - sample_config), sample_config,
		spare, ports_end, objects);
	b->m.config = config_parse(text, "fw.conf", sample_sections(), err, sizeof(err));
	if (b->m.config == NULL)
		die("configuration", err);
	clock_init(&b->m.clock);
	b->m.started = management_now(&b->m);
	if (sessions > 0) {
		b->box = engine_box_create(&params);
		add_nat(b->box);
		add_things(b->box);
		drop_frames(b->box);
		b->m.engine = b->box->engine;
		b->m.rcu_reader = rcu_register(engine_rcu(b->m.engine));
		management_read_end(&b->m);
	}
	b->m.log_export = log_export_create("FW1");
	b->m.scans = calloc(1, sizeof(*b->m.scans));
	if (b->m.log_export == NULL || b->m.scans == NULL)
		die("log export", strerror(ENOMEM));
	b->m.scans->last[b->m.scans->seen++] = (struct scan_seen){
		.event = { .source = ip_addr_v4(RTE_BE32(BOX_IPV4(203, 0, 113, 9))),
			.len = 32,
			.zone = BOX_ZONE_UNTRUST },
		.when = management_now(&b->m),
	};
	b->m.self_test = (struct self_test){ .count = 1,
		.results = { { .name = "cpu", .passed = true, .text = "computes right" } } };
	b->epfd = epoll_create1(EPOLL_CLOEXEC);
	b->console = console_create(
		&b->m, b->epfd, console_path != NULL ? console_path : "", err, sizeof(err));
	if (b->console == NULL)
		die("console", err);
	b->json = json_server_create(
		&b->m, b->epfd, json_path != NULL ? json_path : "", err, sizeof(err));
	if (b->json == NULL)
		die("json", err);
	return b;
}

void
management_box_destroy(struct management_box *b)
{
	json_server_destroy(b->json);
	console_destroy(b->console);
	close(b->epfd);
	log_export_destroy(b->m.log_export);
	free(b->m.scans);
	policy_usage_free(&b->m);
	/* Closing waits for the workers, which are this thread too. */
	for (uint16_t w = 0; b->box != NULL && w < b->box->workers; w++)
		worker_sleep_begin(engine_worker(b->m.engine, w));
	tracing_close(&b->m);
	capturing_close(&b->m);
	for (uint16_t w = 0; b->box != NULL && w < b->box->workers; w++)
		worker_sleep_end(engine_worker(b->m.engine, w));
	if (b->m.rcu_reader >= 0)
		rcu_unregister(engine_rcu(b->m.engine), b->m.rcu_reader);
	engine_box_destroy(b->box);
	config_free(b->m.config);
	free(b);
}

void
management_box_sessions(struct management_box *b, uint32_t count)
{
	struct session_table *t = engine_sessions(b->m.engine);

	for (uint32_t i = 0; i < count; i++) {
		struct session *s = session_table_alloc(t);
		struct session_key4 key;
		bool existed;

		if (s == NULL)
			die("session", "table full");
		const uint8_t swap = session_key4_make(&key,
			rte_cpu_to_be_32(RTE_IPV4(10, 1, 0, 0) + i),
			RTE_BE32(RTE_IPV4(200u, 1, 1, 10)), RTE_BE16(1024), RTE_BE16(80), 6);
		s->zone[0] = BOX_ZONE_TRUST;
		s->zone[1] = BOX_ZONE_UNTRUST;
		s->policy = policy_rule_id("out");
		s->dir[0].neigh = s->dir[1].neigh = NEIGH_NONE;
		s->dir[0].packets = i;
		s->last_seen = mono_seconds(b->box->now);
		s->created = s->last_seen;
		s->ctl = session_kind(4, 6, swap) | SESSION_TCP_ESTABLISHED |
			 (i % 4 == 3 ? SESSION_F_REMOTE : 0);
		session_table_insert4(t, s, &key, UINT16_MAX, b->box->now, &existed);
		if (i % 64 == 0)
			engine_box_poll(b->box); /* the inboxes hold only so many */
	}
	engine_box_poll(b->box);
}

int
management_box_turn(struct management_box *b)
{
	struct epoll_event events[16];
	const int n = epoll_wait(b->epfd, events, 16, 0);

	for (int i = 0; i < n; i++) {
		struct loop_source *source = events[i].data.ptr;

		source->ready(source, events[i].events);
	}
	return n;
}

void
management_box_jump(struct management_box *b, uint64_t ms)
{
	b->m.clock.start -= ms * rte_get_tsc_hz() / 1000;
	console_tick(b->console);
	json_server_tick(b->json);
}

static void
pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) != 0)
		die("socketpair", strerror(errno));
}

int
management_box_console(struct management_box *b)
{
	int fd[2];

	pair(fd);
	(void)console_attach(b->console, fd[1], fd[1], false);
	return fd[0];
}

int
management_box_json(struct management_box *b)
{
	int fd[2];

	pair(fd);
	(void)json_server_attach(b->json, fd[1]);
	return fd[0];
}

bool
management_box_send(struct management_box *b, int fd, const char *data, size_t n)
{
	for (uint32_t idle = 0; n > 0 && idle < IDLE_TURNS; idle++) {
		const ssize_t w = write(fd, data, n);

		if (w < 0 && errno != EAGAIN)
			return false;
		if (w > 0) {
			data += w;
			n -= (size_t)w;
			idle = 0;
		}
		if (management_box_turn(b) > 0)
			idle = 0;
	}
	return n == 0;
}

char *
management_box_receive(struct management_box *b, int fd, const char *until, size_t *len)
{
	size_t used = 0, cap = 1 << 16;
	char *text = malloc(cap);

	for (uint32_t idle = 0; idle < IDLE_TURNS; idle++) {
		ssize_t n;

		if (management_box_turn(b) > 0)
			idle = 0;
		if (cap - used < 65536)
			text = realloc(text, cap *= 2);
		if (text == NULL)
			die("receive", strerror(ENOMEM));
		n = read(fd, text + used, cap - used - 1);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0) {
			const size_t from = used > 64 ? used - 64 : 0;

			used += (size_t)n;
			idle = 0;
			if (until != NULL && memmem(text + from, used - from, until, strlen(until)))
				break;
		}
	}
	text[used] = '\0';
	if (len != NULL)
		*len = used;
	return text;
}

char *
management_box_ask(struct management_box *b, int fd, const char *line, const char *until)
{
	management_box_send(b, fd, line, strlen(line));
	management_box_send(b, fd, "\n", 1);
	return management_box_receive(b, fd, until, NULL);
}

bool
management_box_closed(struct management_box *b, int fd)
{
	char buf[1024];
	ssize_t n;

	while (management_box_turn(b) > 0)
		;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}
