/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two workers on two cores, each with its own queues, against one: the same table, the same kind of
 * packets, both measured alike.  Workers take batches of packets that wait in their rings and start
 * each batch at the same moment, so that they really run side by side.
 */
#include "bench.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH	  512 /* per worker; half of it waits on either port */
#define RULES	  10000
#define MANY	  200000U
#define SCALING	  1.8
#define AGE_TURNS 20000000

/* What both threads share while one task runs. */
struct task {
	struct bench_rig *rig;
	const uint32_t *lists[BENCH_WORKERS]; /* sessions that are at home at each worker */
	uint32_t per_worker;		      /* sessions in each list */
	uint32_t batches;
	bool fresh; /* in order of the list, one direction; else random, both directions */
	bool age;   /* instead of packets: let the sessions age away */
	alignas(64) _Atomic(uint32_t) arrived;
	alignas(64) struct {
		alignas(64) uint64_t cycles;
		uint64_t seed;
	} of[BENCH_WORKERS];
};

/* Wait until every worker is at its n-th meeting. */
static void
meet(struct task *t, uint32_t n)
{
	atomic_fetch_add(&t->arrived, 1);
	while (atomic_load(&t->arrived) < n * t->rig->workers)
		rte_pause();
}

static void
send_batch(struct task *t, uint16_t id, uint32_t batch)
{
	struct rte_mbuf *m[BENCH_BURST];

	for (uint32_t i = 0; i < BATCH; i += BENCH_BURST) {
		const unsigned int dir = t->fresh ? 0 : i / BENCH_BURST & 1;

		for (uint32_t j = 0; j < BENCH_BURST; j++) {
			const uint32_t at =
				t->fresh
					? batch * BATCH + i + j
					: (uint32_t)(bench_random(&t->of[id].seed) % t->per_worker);

			m[j] = bench_packet(t->rig, &bench_udp, t->lists[id][at], dir);
		}
		if (rte_ring_enqueue_bulk(
			    t->rig->rx[dir][id], (void *const *)m, BENCH_BURST, NULL) == 0)
			bench_fatal("packets queued", 0, BENCH_BURST);
	}
}

static void
collect(struct task *t, uint16_t id)
{
	struct rte_mbuf *m[BENCH_BURST];
	uint32_t out = 0, n;

	for (unsigned int p = 0; p < 2; p++) {
		while ((n = rte_ring_dequeue_burst(
				t->rig->tx[p][id], (void **)m, BENCH_BURST, NULL)) > 0) {
			rte_pktmbuf_free_bulk(m, n);
			out += n;
		}
	}
	if (out != BATCH)
		bench_fatal("packets of a batch that came through", out, BATCH);
}

static void
send(struct task *t, uint16_t id)
{
	uint64_t cycles = 0;

	for (uint32_t b = 0; b < t->batches; b++) {
		uint32_t handled = 0;
		uint64_t start;

		send_batch(t, id, b);
		meet(t, b + 1);
		start = rte_rdtsc_precise();
		while (handled < BATCH)
			handled += worker_poll(t->rig->worker[id], t->rig->now);
		cycles += rte_rdtsc_precise() - start;
		collect(t, id);
	}
	t->of[id].cycles = cycles;
}

/* Each worker's cycles until its own last session has gone; it goes on turning for the others'
 * grace periods. */
static void
age(struct task *t, uint16_t id)
{
	struct worker *w = t->rig->worker[id];
	struct worker_stats stats;
	mono_t now = t->rig->now;
	uint64_t target, cycles = 0, start;

	worker_stats(w, &stats);
	target = stats.sessions_aged + t->per_worker;
	meet(t, 1);
	for (uint32_t turn = 0; session_table_count(engine_sessions(t->rig->engine)) > 0; turn++) {
		now = mono_add_ms(now, 10);
		start = rte_rdtsc_precise();
		worker_poll(w, now);
		if (stats.sessions_aged < target) {
			cycles += rte_rdtsc_precise() - start;
			worker_stats(w, &stats);
		}
		if (turn > AGE_TURNS)
			bench_fatal("sessions left after ageing", 1, 0);
	}
	t->of[id].cycles = cycles;
	meet(t, 2);
}

static int
work(void *arg)
{
	struct task *t = arg;
	const uint16_t id = (uint16_t)rte_lcore_id();

	if (t->age)
		age(t, id);
	else
		send(t, id);
	return 0;
}

/* => Packets (or sessions) a second, the workers' rates added. */
static double
run(struct task *t)
{
	const double items = t->age ? t->per_worker : (double)t->batches * BATCH;
	double rate = 0;

	atomic_store(&t->arrived, 0);
	if (t->rig->workers > 1)
		rte_eal_remote_launch(work, t, 1);
	work(t);
	rte_eal_mp_wait_lcore();
	for (uint16_t i = 0; i < t->rig->workers; i++)
		rate += (double)rte_get_tsc_hz() * items / (double)t->of[i].cycles;
	if (t->age)
		t->rig->now = mono_add_ms(t->rig->now, 3600 * 1000);
	return rate;
}

/* Sessions from..: `n` for each worker.  => false without memory. */
static bool
make_lists(struct task *t, uint32_t from, uint32_t n)
{
	uint32_t have[BENCH_WORKERS] = { 0 };

	for (uint16_t i = 0; i < t->rig->workers; i++) {
		uint32_t *list = malloc(n * sizeof(*list));

		if (list == NULL)
			return false;
		for (uint32_t s = from; have[i] < n; s++) {
			if (bench_home(t->rig, &bench_udp, s) == i)
				list[have[i]++] = s;
		}
		free((void *)(uintptr_t)t->lists[i]);
		t->lists[i] = list;
		t->of[i].seed = 88172645463325252ULL + i;
	}
	t->per_worker = n;
	return true;
}

/* Both directions of every session once, so that they are established. */
static void
settle(struct task *t)
{
	for (uint16_t i = 0; i < t->rig->workers; i++)
		t->of[i].seed = 1;
	t->fresh = true;
	t->batches = t->per_worker / BATCH;
	run(t);
	t->fresh = false;
	t->batches = 4 * t->per_worker / BATCH;
	run(t);
}

static double
established_rate(struct task *t, const struct bench_options *o)
{
	t->batches = RTE_MAX(16U, o->packets / BATCH);
	return run(t);
}

/* New sessions and their removal. */
static double
new_rate(struct task *t, uint32_t from)
{
	double made, removed;

	if (!make_lists(t, from, t->per_worker))
		return 0;
	t->fresh = true;
	t->batches = t->per_worker / BATCH;
	made = run(t);
	t->age = true;
	removed = run(t);
	t->age = false;
	return 1 / (1 / made + 1 / removed);
}

static void
report(struct bench_result *one, struct bench_result *two, struct bench_result *ratio)
{
	for (unsigned int i = 0; i < one->runs; i++)
		ratio->values[i] = two->values[i] / one->values[i];
	bench_report(one);
	bench_report(two);
	bench_report(ratio);
}

void
bench_workers(const struct bench_options *o)
{
	static struct bench_rig rigs[BENCH_WORKERS];
	static struct task tasks[BENCH_WORKERS];
	const uint32_t sessions = RTE_MIN(MANY, o->max_sessions) / (2 * BATCH) * (2 * BATCH);
	static const char *const names[2][3] = { { "established UDP, one worker",
							 "established UDP, two workers",
							 "established UDP, two workers / one" },
		{ "new UDP sessions, one worker", "new UDP sessions, two workers",
			"new UDP sessions, two workers / one" } };
	struct bench_result rows[2][3];

	if (!o->two_cpus || sessions == 0) {
		fprintf(stderr, "bench: two workers left out: one CPU\n");
		return;
	}
	for (uint16_t i = 0; i < BENCH_WORKERS; i++) {
		const struct bench_spec spec = { .sessions = 2 * sessions,
			.workers = (uint16_t)(i + 1),
			.rules = RULES,
			.event_ring = 1024 };

		tasks[i].rig = &rigs[i];
		if (!bench_rig_create(&rigs[i], &spec) ||
			!make_lists(&tasks[i], 0, sessions / spec.workers))
			goto out;
	}
	for (unsigned int k = 0; k < 2; k++) {
		for (unsigned int j = 0; j < 3; j++)
			rows[k][j] = (struct bench_result){ .name = names[k][j],
				.unit = j == 2	 ? "x"
					: k == 0 ? "packets/s"
						 : "sessions/s",
				.sessions = sessions,
				.rules = RULES,
				.runs = o->runs,
				.limit = SCALING,
				.wanted = j == 2 ? WANTED_AT_LEAST : WANTED_NOTHING };
	}
	for (uint16_t w = 0; w < BENCH_WORKERS; w++)
		settle(&tasks[w]);
	for (unsigned int i = 0; i < o->runs; i++) {
		for (uint16_t w = 0; w < BENCH_WORKERS; w++)
			rows[0][w].values[i] = established_rate(&tasks[w], o);
	}
	for (uint16_t w = 0; w < BENCH_WORKERS; w++) {
		tasks[w].age = true;
		run(&tasks[w]);
		tasks[w].age = false;
	}
	for (unsigned int i = 0; i < o->runs; i++) {
		for (uint16_t w = 0; w < BENCH_WORKERS; w++)
			rows[1][w].values[i] = new_rate(&tasks[w], (i + 1) * 2 * sessions);
	}
	for (unsigned int k = 0; k < 2; k++)
		report(&rows[k][0], &rows[k][1], &rows[k][2]);
out:
	for (uint16_t i = 0; i < BENCH_WORKERS; i++) {
		for (uint16_t j = 0; j < BENCH_WORKERS; j++)
			free((void *)(uintptr_t)tasks[i].lists[j]);
		bench_rig_destroy(&rigs[i]);
	}
}
