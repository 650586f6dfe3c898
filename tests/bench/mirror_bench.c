/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mirror: two boxes' HRP cores on one wire of rings.  Sessions are made by the first box's
 * worker, whose events the first HRP core packs and sends; the second installs them.  Each core's
 * own turns are timed.  And what the mirror costs the worker that feeds it, or that forwards beside
 * a bulk.
 */
#include "bench.h"
#include "ha_bus.h"
#include "hrp.h"

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH	   8192
#define STEP_US	   20
#define SETTLE_MS  5000
#define LOOK_EVERY 64 /* turns of the HRP cores between two looks at how far a bulk is */

struct side {
	struct bench_rig rig;
	struct ha_bus bus;
	struct hrp *hrp;
	struct port port;
	uint64_t cycles;
};

static struct rte_ring *wires[2];

static void
fatal(const char *what)
{
	fprintf(stderr, "bench: mirror: %s\n", what);
	exit(EXIT_FAILURE);
}

static void
make_side(struct side *s, unsigned int i, uint32_t sessions)
{
	static const char *const names[] = { "benchA", "benchB" };
	struct port_params port = { .queues = 1, .mtu = RTE_ETHER_MTU };
	char err[256] = "";
	int id;

	if (!bench_rig_create(&s->rig,
		    &(struct bench_spec){
			    .sessions = sessions, .workers = 1, .rules = 10, .event_ring = 65536 }))
		fatal("no memory");
	id = rte_eth_from_rings(names[i], &wires[!i], 1, &wires[i], 1, 0);
	port.ethdev = (uint16_t)id;
	port.pool = s->rig.pool;
	if (id < 0 || port_start(&s->port, &port, err, sizeof(err)) < 0)
		fatal("heartbeat port");
}

/* start_hrp: the HRP core begins a life, with or without a key. */
static void
start_hrp(struct side *s, unsigned int i, const struct hrp_security *security)
{
	static uint32_t lives;
	struct hrp_heartbeat heartbeat = { .name = "GigabitEthernet1/0/2",
		.interface = 2,
		.prefix_len = 24,
		.ethdev = s->port.ethdev,
		.mac = s->port.mac,
		.address = rte_cpu_to_be_32(0x0a0a0001 + i) };
	char err[256] = "", name[32];

	snprintf(name, sizeof(name), "bench%u", ++lives);
	if (ha_bus_create(&s->bus, name, SOCKET_ID_ANY) < 0)
		fatal("bus");
	s->hrp = hrp_create(&(struct hrp_params){ .name = name,
				    .methods = { .quick = true },
				    .engine = s->rig.engine,
				    .pool = s->rig.pool,
				    .bus = &s->bus,
				    .heartbeats = &heartbeat,
				    .heartbeat_count = 1,
				    .hello_ms = 1000,
				    .socket = SOCKET_ID_ANY,
				    .seed = 17 + i,
				    .life = lives,
				    .security = security },
		err, sizeof(err));
	if (s->hrp == NULL)
		fatal(err);
	if (hrp_core_bind(s->hrp) < 0)
		fatal("bind");
	hrp_core_link(s->hrp, 2, true);
}

static void
stop_hrp(struct side *s)
{
	hrp_core_unbind(s->hrp);
	hrp_destroy(s->hrp);
	ha_bus_destroy(&s->bus);
}

static void
turn(struct side *s, mono_t now)
{
	const uint64_t start = rte_rdtsc_precise();

	if (hrp_core_poll(s->hrp, now) > 0)
		s->cycles += rte_rdtsc_precise() - start;
	for (struct ha_msg m; ha_bus_get(s->bus.to_core, &m);)
		;
	s->rig.now = now;
}

static mono_t
run(struct side *s, mono_t now, uint32_t us)
{
	for (uint32_t t = 0; t < us; t += STEP_US) {
		now = mono_add_us(now, STEP_US);
		turn(&s[0], now);
		turn(&s[1], now);
		worker_poll(s[1].rig.worker[0], now); /* its inbox arms the copies' timers */
	}
	return now;
}

static mono_t
roles(struct side *s, mono_t now)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct ha_msg m = { .type = HA_MSG_ROLE, .flag = i == 0, .value = 1, .len = 1 };

		m.data[0] = 1;
		if (!ha_bus_put(s[i].bus.to_hrp, &m))
			fatal("bus");
	}
	return now;
}

/* New sessions on box A: their events wait in the worker's ring. */
static void
make_sessions(struct side *a, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += BENCH_BURST) {
		struct rte_mbuf *m[BENCH_BURST];
		uint32_t out;

		for (uint32_t j = 0; j < BENCH_BURST; j++)
			m[j] = bench_packet(&a->rig, &bench_udp, first + i + j, 0);
		bench_turn(&a->rig, 0, m, BENCH_BURST, &out);
		if (out != BENCH_BURST)
			fatal("sessions are not made");
	}
}

static uint32_t
copies(const struct side *s)
{
	return session_table_count(engine_sessions(s->rig.engine));
}

/* ---- forwarding beside a bulk ---- */

/* What the other CPU does meanwhile. */
enum beside { BESIDE_NOTHING, BESIDE_QUIET, BESIDE_BULK, BESIDE_STATES };

/* Shared with the thread on the other CPU. */
struct beside_task {
	struct side *s;
	uint64_t begin_ns;
	_Atomic(uint32_t) wanted; /* enum beside; BESIDE_STATES: the end */
	_Atomic(uint32_t) is;
	_Atomic(uint32_t) bulks; /* that were ordered and have ended */
};

/* Both boxes' HRP cores at the speed of a real clock: if bulks are wanted, the next one is ordered
 * as soon as one ends. */
static int
beside(void *arg)
{
	struct beside_task *t = arg;
	uint32_t wanted, is = BESIDE_NOTHING;
	uint64_t ordered = UINT64_MAX;
	struct hrp_status st;
	struct clock clock;

	clock_init(&clock);
	for (uint32_t turns = 0; (wanted = atomic_load(&t->wanted)) != BESIDE_STATES; turns++) {
		const mono_t now = { .ns = t->begin_ns + clock_now(&clock).ns };

		if (wanted == BESIDE_NOTHING && is != BESIDE_BULK) {
			is = BESIDE_NOTHING;
			atomic_store(&t->is, is);
			rte_pause();
			continue;
		}
		for (unsigned int i = 0; i < 2; i++) {
			hrp_core_poll(t->s[i].hrp, now);
			for (struct ha_msg m; ha_bus_get(t->s[i].bus.to_core, &m);)
				;
		}
		worker_poll(t->s[1].rig.worker[0], now); /* its inbox arms the copies' timers */
		if (turns % LOOK_EVERY != 0)
			continue;
		hrp_status(t->s[0].hrp, &st);
		if (st.bulk_out != HRP_BULK_EQUAL || st.bulks_out == ordered)
			continue; /* it is under way */
		if (is == BESIDE_BULK)
			atomic_fetch_add(&t->bulks, 1);
		is = wanted == BESIDE_BULK && hrp_core_sync(t->s[0].hrp) ? BESIDE_BULK
									 : BESIDE_QUIET;
		ordered = is == BESIDE_BULK ? st.bulks_out : UINT64_MAX;
		atomic_store(&t->is, is);
	}
	return 0;
}

static void
wait_beside(struct beside_task *t, enum beside state)
{
	uint64_t patience = 0;

	atomic_store(&t->wanted, state);
	while (atomic_load(&t->is) != state) {
		rte_pause();
		if (++patience > UINT64_C(10000000000))
			fatal("the other CPU does not do what it shall");
	}
}

/* The worker of box A forwards packets of its n sessions while its HRP core fills box B's table, on
 * the other CPU: cycles a packet with and without, in turn.  That CPU plays box B as well, so what
 * is measured is a worker that shares caches and memory with both ends of a bulk, but no CPU.  The
 * worker's own time stays where it `made` its sessions: none ages. */
static void
forwarding(struct side *s, const struct bench_options *o, uint32_t n, mono_t made, mono_t now)
{
	static const char *const names[BESIDE_STATES] = { "established UDP, no mirror at work",
		"established UDP, peer joined, no bulk", "established UDP, during a bulk" };
	struct beside_task t = { .s = s, .begin_ns = now.ns };
	uint64_t seed = 6364136223846793005ULL;
	struct bench_result rows[BESIDE_STATES];
	struct bench_result ratio = { .name = "established UDP, during a bulk / no bulk",
		.unit = "x",
		.sessions = n,
		.rules = 10,
		.runs = o->runs,
		.limit = 1.05,
		.wanted = WANTED_AT_MOST };

	if (!o->two_cpus) {
		fprintf(stderr, "bench: forwarding during a bulk left out: one CPU\n");
		return;
	}
	for (uint32_t k = 0; k < BESIDE_STATES; k++)
		rows[k] = (struct bench_result){ .name = names[k],
			.unit = "cycles/packet",
			.sessions = n,
			.rules = 10,
			.runs = o->runs };
	s[0].rig.now = made;
	bench_pass(&s[0].rig, &bench_udp, 0, n, 1);
	rte_eal_remote_launch(beside, &t, 1);
	for (uint32_t i = 0; i < BESIDE_STATES * o->runs; i++) {
		const uint32_t state = i % BESIDE_STATES;

		wait_beside(&t, (enum beside)state);
		rows[state].values[i / BESIDE_STATES] =
			bench_random_order(&s[0].rig, &bench_udp, n, o->packets, &seed);
	}
	wait_beside(&t, BESIDE_QUIET);
	if (atomic_load(&t.bulks) < o->runs)
		bench_fatal("bulks", atomic_load(&t.bulks), o->runs);
	atomic_store(&t.wanted, BESIDE_STATES);
	rte_eal_mp_wait_lcore();
	if (copies(&s[1]) != n)
		bench_fatal("copies after bulks", copies(&s[1]), n);
	for (uint32_t i = 0; i < o->runs; i++)
		ratio.values[i] = rows[BESIDE_BULK].values[i] / rows[BESIDE_QUIET].values[i];
	rows[0].floor = rows[1].floor = rows[2].floor = bench_floor(&s[0].rig, &bench_udp, n, o);
	for (uint32_t k = 0; k < BESIDE_STATES; k++)
		bench_report(&rows[k]);
	bench_report(&ratio);
}

/* A box with n sessions meets an empty one: both HRP cores' time until the other has them all, with
 * AES-256-GCM.  They run side by side, so the slower one counts. */
static void
bulk(struct side *s, const struct bench_options *o, const struct hrp_security *security, uint32_t n)
{
	struct bench_result joined = {
		.name = "mirror: bulk to an empty peer, 1 M sessions, AES-256-GCM",
		.unit = "s",
		.sessions = n,
		.runs = 1,
		.limit = 3,
		.wanted = WANTED_AT_MOST
	};
	const mono_t made = s[0].rig.now;
	mono_t now = { .ns = 900 * NS_PER_SEC };

	make_sessions(&s[0], 0, n);
	for (unsigned int i = 0; i < 2; i++)
		start_hrp(&s[i], i, security);
	now = run(s, now, 4000000);
	s[0].cycles = s[1].cycles = 0;
	now = roles(s, now);
	for (uint32_t patience = 0; copies(&s[1]) < n; patience++) {
		now = run(s, now, STEP_US);
		if (patience > 4000000)
			fatal("the peer does not get the bulk");
	}
	joined.values[0] =
		(double)RTE_MAX(s[0].cycles, s[1].cycles) / (double)rte_get_tsc_hz() * 1e6 / n;
	bench_report(&joined);
	forwarding(s, o, n, made, now);
	for (unsigned int i = 0; i < 2; i++)
		stop_hrp(&s[i]);
}

/* What the worker pays: its turns with and without the mirror, in turn on one rig. */
static void
feeding(const struct bench_options *o)
{
	static const char *const names[2][2] = { { "established UDP, mirror off",
							 "established UDP, mirror on" },
		{ "new UDP sessions (creation), mirror off",
			"new UDP sessions (creation), mirror on" } };
	const uint32_t count = RTE_MIN(100000U, o->max_sessions);
	/* On an established packet it is to cost nothing: what noise leaves of a ratio. */
	struct bench_result ratios[2] = { { .name = "established UDP, mirror on / off" },
		{ .name = "new UDP sessions (creation), mirror on / off",
			.limit = 1.05,
			.wanted = WANTED_AT_MOST } };
	struct bench_result rows[2][2];
	uint64_t seed = 6364136223846793005ULL;
	struct mirror_event events[256];
	struct bench_rig rig;

	for (unsigned int k = 0; k < 2; k++) {
		for (unsigned int on = 0; on < 2; on++)
			rows[k][on] = (struct bench_result){ .name = names[k][on],
				.unit = k == 0 ? "cycles/packet" : "cycles/session",
				.sessions = count,
				.rules = 10,
				.runs = o->runs };
	}
	if (!bench_rig_create(&rig, &(struct bench_spec){ .sessions = count + count / 8 + 1024,
					    .workers = 1,
					    .rules = 10,
					    .event_ring = 1 << 20 })) {
		bench_rig_destroy(&rig);
		return;
	}
	for (unsigned int i = 0; i < 2 * o->runs; i++) {
		const bool on = i % 2 != 0;
		const uint32_t n = count;
		uint64_t cycles;

		engine_set_mirror(rig.engine, on);
		cycles = bench_pass(&rig, &bench_udp, 0, n, 0);
		rows[1][on].values[i / 2] = (double)cycles / n;
		bench_pass(&rig, &bench_udp, 0, n, 1);
		rows[0][on].values[i / 2] =
			bench_random_order(&rig, &bench_udp, n, o->packets / 2 & ~31U, &seed);
		bench_age(&rig);
		while (engine_event_dequeue(rig.engine, 0, events, RTE_DIM(events)) > 0)
			;
	}
	rows[0][0].floor = rows[0][1].floor = bench_floor(&rig, &bench_udp, count, o);
	for (unsigned int k = 0; k < 2; k++) {
		ratios[k].unit = "x";
		ratios[k].sessions = count;
		ratios[k].rules = 10;
		ratios[k].runs = o->runs;
		for (unsigned int i = 0; i < o->runs; i++)
			ratios[k].values[i] = rows[k][1].values[i] / rows[k][0].values[i];
		for (unsigned int on = 0; on < 2; on++)
			bench_report(&rows[k][on]);
		bench_report(&ratios[k]);
	}
	bench_rig_destroy(&rig);
}

/* With that key, `first` sessions made before. => Sessions made in all. */
static uint32_t
measure(const struct bench_options *o, struct side *s, const struct hrp_security *security,
	const char *const names[2], uint32_t per_run, unsigned int runs, uint32_t first)
{
	const bool plain = security == NULL;
	struct bench_result sent = { .name = names[0],
		.unit = "records/s",
		.sessions = per_run,
		.runs = RTE_MIN(o->runs, runs),
		.limit = plain ? 500000 : 2000000,
		.wanted = WANTED_AT_LEAST };
	struct bench_result installed = { .name = names[1],
		.unit = "records/s",
		.sessions = per_run,
		.runs = sent.runs,
		.limit = 1500000,
		.wanted = WANTED_AT_LEAST };
	static mono_t now = { .ns = 1000 * NS_PER_SEC };

	for (unsigned int i = 0; i < 2; i++)
		start_hrp(&s[i], i, security);
	now = run(s, now, 4000000);
	now = roles(s, now);
	now = run(s, now, SETTLE_MS * 1000);
	for (unsigned int r = 0; r < sent.runs; r++, first += per_run) {
		s[0].cycles = s[1].cycles = 0;
		for (uint32_t i = 0; i < per_run; i += BATCH) {
			uint32_t patience = 0;

			make_sessions(&s[0], first + i, BATCH);
			while (copies(&s[1]) < first + i + BATCH) {
				now = run(s, now, STEP_US);
				if (++patience > 2000000)
					fatal("the peer does not get its copies");
			}
		}
		sent.values[r] = (double)rte_get_tsc_hz() * per_run / (double)s[0].cycles;
		installed.values[r] = (double)rte_get_tsc_hz() * per_run / (double)s[1].cycles;
	}
	bench_report(&sent);
	bench_report(&installed);
	stop_hrp(&s[0]);
	stop_hrp(&s[1]);
	return first;
}

void
bench_mirror(const struct bench_options *o)
{
	static const struct {
		enum ha_algorithm algorithm;
		unsigned int runs;
		const char *names[2];
	} rows[] = {
		{ HA_ALGORITHM_NONE, 7,
			{ "mirror: records packed and sent by the HRP core",
				"mirror: records installed by the peer's HRP core" } },
		{ HA_ALGORITHM_HMAC, 3,
			{ "mirror: records sent, HMAC-SHA-256",
				"mirror: records installed, HMAC-SHA-256" } },
		{ HA_ALGORITHM_GCM, 3,
			{ "mirror: records sent, AES-256-GCM",
				"mirror: records installed, AES-256-GCM" } },
	};
	static struct side s[2];
	const uint32_t per_run = RTE_MIN(131072U, o->max_sessions / 8 / BATCH * BATCH);
	struct hrp_security security = { .key_count = 1,
		.keys = { { .id = 1, .len = 16, .secret = "0123456789abcdef" } } };
	const uint32_t joining = RTE_MIN(1000000U, o->max_sessions) / BATCH * BATCH;
	uint32_t first = joining, capacity = 4096 + joining;

	feeding(o);
	if (per_run == 0)
		return;
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		capacity += per_run * RTE_MIN(o->runs, rows[i].runs);
	wires[0] = rte_ring_create("bench-wire0", 4096, SOCKET_ID_ANY, 0);
	wires[1] = rte_ring_create("bench-wire1", 4096, SOCKET_ID_ANY, 0);
	for (unsigned int i = 0; i < 2; i++)
		make_side(&s[i], i, capacity);
	security.algorithm = HA_ALGORITHM_GCM;
	bulk(s, o, &security, joining);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		security.algorithm = rows[i].algorithm;
		first = measure(o, s, i == 0 ? NULL : &security, rows[i].names, per_run,
			rows[i].runs, first);
	}
}
