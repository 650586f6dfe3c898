/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DOS-05, DOS-06: a flood of SYNs at 1, 2 and 4 times the rate that fills the table, with clients
 * that connect and connections that are open meanwhile.  Rates are of the fake clock: what is
 * tested is who gets room in the table, not speed.
 */
#include "engine_box.h"
#include "frame.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SESSIONS    8192
#define SYN_SECONDS 5			     /* idle time of half-open sessions */
#define FILLING	    (SESSIONS / SYN_SECONDS) /* SYNs a second that just fill it */
#define SECONDS	    20			     /* of flood */
#define CLIENTS	    100			     /* that connect, a second */
#define ONE_WAY_MS  40			     /* between a packet and its answer */
#define OPEN	    200			     /* connections from before */
#define STEPS	    5			     /* packets of a connection */
#define CONNECTIONS (SECONDS * CLIENTS)

struct world {
	struct engine_box *box;
	unsigned int boxes;
	bool six;
	uint32_t random;
	uint64_t lost_of_open, sent_of_open;
	uint8_t step[CONNECTIONS]; /* the next packet; beyond STEPS: one was lost */
};

static struct world world;

static uint32_t
below(uint32_t n)
{
	world.random = world.random * 1664525 + 1013904223;
	return (world.random >> 8) % n;
}

static struct ip_addr
address(bool server, uint32_t host)
{
	struct ip_addr a = ip_addr_v4(
		rte_cpu_to_be_32((server ? BOX_IPV4(200, 1, 1, 0) : BOX_IPV4(10, 1, 1, 0)) + host));

	if (world.six)
		frame_address_to6(&a);
	return a;
}

/* A TCP packet between a client and the server. */
static struct frame_spec
tcp(bool reply, uint32_t host, uint16_t port, uint8_t flags)
{
	const struct ip_addr client = address(false, host), server = address(true, 10);

	return (struct frame_spec){ .kind = FRAME_TCP,
		.proto = 6,
		.src = reply ? server : client,
		.dst = reply ? client : server,
		.sport = reply ? 80 : port,
		.dport = reply ? port : 80,
		.flags = flags,
		.ttl = 64,
		.wscale = 0xff,
		.window = 60000,
		.udp_len = -1,
		.ip_len = -1 };
}

static void
feed(bool reply, const struct frame_spec *spec)
{
	struct engine_box *b = world.box;
	const uint16_t port = reply ? BOX_UNTRUST : BOX_TRUST;
	const struct rte_ether_addr peer = engine_box_host_mac_of(&spec->src);
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);
	uint8_t bytes[FRAME_MAX];
	const size_t len = frame_build(spec, &b->ports[port].mac, &peer, bytes);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	assert_true(engine_box_feed(b, port, (uint16_t)below(b->workers), m));
}

/* Run the workers.  => frames forwarded. */
static unsigned int
forwarded(void)
{
	struct rte_mbuf *m;
	unsigned int n = 0;

	engine_box_poll(world.box);
	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		while ((m = engine_box_collect(world.box, port)) != NULL) {
			rte_pktmbuf_free(m);
			n++;
		}
	}
	return n;
}

/* One packet of a connection: handshake, then a byte each way.  => it arrived. */
static bool
packet(uint32_t host, uint16_t port, unsigned int step)
{
	static const struct {
		bool reply;
		uint8_t flags;
		uint32_t seq, ack;
		uint16_t len;
	} steps[STEPS] = { { false, 0x02, 100, 0, 0 }, { true, 0x12, 500, 101, 0 },
		{ false, 0x10, 101, 501, 0 }, { false, 0x18, 101, 501, 1 },
		{ true, 0x18, 501, 102, 1 } };
	struct frame_spec s = tcp(steps[step].reply, host, port, steps[step].flags);

	s.seq = steps[step].seq;
	s.ack = steps[step].ack;
	s.len = steps[step].len;
	feed(steps[step].reply, &s);
	return forwarded() == 1;
}

static void
flood(unsigned int syns)
{
	while (syns > 0) {
		const unsigned int now = RTE_MIN(syns, 32u);

		for (unsigned int i = 0; i < now; i++) {
			const struct frame_spec s =
				tcp(false, 20 + below(200), (uint16_t)(1024 + below(60000)), 0x02);

			feed(false, &s);
		}
		forwarded();
		syns -= now;
	}
}

/* Packets of the connections whose turn it is in this millisecond. */
static void
connect_clients(unsigned int ms)
{
	for (unsigned int step = 0; step < STEPS; step++) {
		const unsigned int begun = ms - step * ONE_WAY_MS;
		const unsigned int i = begun / (1000 / CLIENTS);

		if (ms < step * ONE_WAY_MS || begun % (1000 / CLIENTS) != 0 || i >= CONNECTIONS ||
			world.step[i] != step)
			continue;
		world.step[i] = packet(11, (uint16_t)(20000 + i), step) ? step + 1 : STEPS + 1;
	}
}

static void
open_ones(unsigned int step)
{
	for (uint16_t i = 0; i < OPEN; i++) {
		world.sent_of_open++;
		world.lost_of_open += !packet(10, (uint16_t)(10000 + i), step);
	}
}

/* => connections in a thousand that succeeded. */
static unsigned int
run(unsigned int multiple, bool evict)
{
	unsigned int succeeded = 0, owed = 0;

	world.box->tracking.evict = evict;
	engine_box_publish(world.box);
	for (unsigned int step = 0; step < STEPS; step++)
		open_ones(step);
	for (unsigned int ms = 0; ms < SECONDS * 1000 + STEPS * ONE_WAY_MS; ms++) {
		owed += multiple * FILLING;
		flood(owed / 1000);
		owed %= 1000;
		connect_clients(ms);
		if (ms % 1000 == 999)
			open_ones(STEPS - 1);
		engine_box_wait(world.box, 1);
	}
	for (unsigned int i = 0; i < CONNECTIONS; i++)
		succeeded += world.step[i] == STEPS;
	return succeeded * 1000 / CONNECTIONS;
}

static void
begin(unsigned int workers, bool six)
{
	char name[12];
	const unsigned int boxes = world.boxes + 1;

	world = (struct world){ .six = six, .random = 1, .boxes = boxes };
	snprintf(name, sizeof(name), "fl%u", boxes);
	world.box = engine_box_create(&(struct engine_box_params){ .name = name,
		.number = 1,
		.workers = (uint16_t)workers,
		.sessions = SESSIONS,
		.buffers = 1023,
		.ring = 256,
		.event_ring = 256,
		.ipv6 = six });
	for (uint32_t host = 11; host <= 12; host++) {
		const struct ip_addr a = address(false, host);
		const struct rte_ether_addr mac = engine_box_host_mac_of(&a);

		engine_box_neighbour_of(world.box, BOX_TRUST, &a, NEIGH_REACHABLE, &mac);
	}
}

static void
end(void)
{
	engine_box_destroy(world.box);
}

static uint32_t
live(void)
{
	return session_table_count(engine_sessions(world.box->engine));
}

static void
DOS_05_clients_connect_during_a_flood(void **state)
{
	static const struct {
		unsigned int multiple, workers;
		bool six;
	} rows[] = { { 1, 1, false }, { 2, 1, false }, { 4, 1, false }, { 4, 2, false },
		{ 1, 1, true }, { 2, 1, true }, { 4, 1, true }, { 4, 2, true } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		struct worker_stats stats;
		unsigned int permille;

		begin(rows[i].workers, rows[i].six);
		permille = run(rows[i].multiple, true);
		engine_stats(world.box->engine, &stats);
		print_message(
			"DOS-05 on:  IPv%d, %u worker(s), flood %u x: %u.%u %% of %u connect\n",
			rows[i].six ? 6 : 4, rows[i].workers, rows[i].multiple, permille / 10,
			permille % 10, CONNECTIONS);
		assert_in_range(permille, 990, 1000);
		assert_int_equal(world.lost_of_open, 0);
		assert_in_range(world.sent_of_open, OPEN * STEPS, UINT32_MAX);
		assert_in_range(stats.sessions_evicted, 1, stats.sessions_created);
		/* It recovers alone: what is open stays, the half-open ones end by their time. */
		for (unsigned int turn = 0; turn < 200 * SYN_SECONDS; turn++)
			engine_box_wait(world.box, 10); /* a worker ends so many in a turn */
		assert_int_equal(live(), OPEN + permille * CONNECTIONS / 1000);
		assert_true(packet(12, 9999, 0));
		end();
	}
}

static void
DOS_05_without_protection_the_figure_is_reported(void **state)
{
	static const unsigned int multiples[] = { 1, 2, 4 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(multiples); i++) {
		unsigned int permille;

		begin(1, false);
		permille = run(multiples[i], false);
		print_message("DOS-05 off: IPv4, 1 worker(s), flood %u x: %u.%u %% of %u connect\n",
			multiples[i], permille / 10, permille % 10, CONNECTIONS);
		/* What is open is never hurt, with protection or without (DOS-06). */
		assert_int_equal(world.lost_of_open, 0);
		end();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(DOS_05_clients_connect_during_a_flood),
		cmocka_unit_test(DOS_05_without_protection_the_figure_is_reported),
	};

	test_eal_start(512, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
