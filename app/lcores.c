/* SPDX-License-Identifier: BSD-3-Clause */
#include "lcores.h"

#include "log.h"

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

/* Empty turns before an lcore goes to sleep.  A turn costs about 1 us and a sleep 50: with more
 * than a few, eight idle threads of a lab pair would keep two CPUs busy. */
#define IDLE_TURNS 2

/* Without a peer nobody waits for the control core's next turn but those who ask for a MAC: it
 * sleeps this many times longer, which leaves the CPU to what it shares it with (measured: 22 % of
 * a CPU to wake 20,000 times a second). */
#define ALONE_NAPS 20

/* Busy turns after which an lcore that sleeps when idle lets others run all the same.  The HRP core
 * may be busy waiting for a worker of the same CPU, and at real-time priority it would wait for
 * ever (measured: 300 ms, until the kernel took the CPU away). */
#define BUSY_TURNS 16

/* SCHED_FIFO priorities: deciding who is active comes before mirroring.  Workers can be busy
 * without end, so they only get more weight: at real-time priority a flood would starve the
 * machine. */
#define PRIORITY_CONTROL 3
#define PRIORITY_HRP	 2
#define PRIORITY_WORKER	 0
#define WORKER_NICE	 (-10)

/* A loop is these five calls on one object. */
struct loop {
	void *object;
	int priority;
	int (*bind)(void *);
	void (*unbind)(void *);
	uint32_t (*poll)(void *, mono_t now);
	void (*sleep_begin)(void *);
	void (*sleep_end)(void *);
};

static int
bind_worker(void *o)
{
	return worker_bind(o);
}

static void
unbind_worker(void *o)
{
	worker_unbind(o);
}

static uint32_t
poll_worker(void *o, mono_t now)
{
	return worker_poll(o, now);
}

static void
sleep_worker(void *o)
{
	worker_sleep_begin(o);
}

static void
wake_worker(void *o)
{
	worker_sleep_end(o);
}

static int
bind_core(void *o)
{
	return core_bind(o);
}

static void
unbind_core(void *o)
{
	core_unbind(o);
}

static uint32_t
poll_core(void *o, mono_t now)
{
	return core_poll(o, now);
}

static void
sleep_core(void *o)
{
	core_sleep_begin(o);
}

static void
wake_core(void *o)
{
	core_sleep_end(o);
}

static int
bind_hrp(void *o)
{
	return hrp_bind(o);
}

static void
unbind_hrp(void *o)
{
	hrp_unbind(o);
}

static uint32_t
poll_hrp(void *o, mono_t now)
{
	return hrp_poll(o, now);
}

static void
sleep_hrp(void *o)
{
	hrp_sleep_begin(o);
}

static void
wake_hrp(void *o)
{
	hrp_sleep_end(o);
}

/* A thread that waits for its turn among ordinary programs is late by whole time slices, and a late
 * control core costs a switch. */
static void
schedule(const struct lcores *l, const struct loop *loop)
{
	const struct sched_param param = { .sched_priority = loop->priority };

	/* The kernel rounds a thread's sleeps up by its timer slack, 50 us unless told otherwise.
	 */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	if (l->realtime && l->idle == IDLE_SLEEP) {
		int rc;

		if (loop->priority > 0)
			rc = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
		else
			rc = setpriority(PRIO_PROCESS, (id_t)rte_sys_gettid(), WORKER_NICE) == 0
				     ? 0
				     : errno;
		if (rc != 0)
			LOG(WARNING, "lcore %u: no higher priority: %s", rte_lcore_id(),
				strerror(rc));
	}
}

static int
run(struct lcores *l, const struct loop *loop)
{
	const uint32_t naps = loop->object == l->core && !l->paired ? ALONE_NAPS : 1;
	const struct timespec nap = { .tv_nsec = (long)(l->idle_sleep_us * naps) * 1000 };
	uint32_t empty = 0, busy = 0;

	if (loop->bind(loop->object) < 0) {
		atomic_fetch_add(&l->failed, 1);
		return -1;
	}
	schedule(l, loop);
	while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
		if (loop->poll(loop->object, clock_now(&l->clock)) > 0) {
			empty = 0;
			if (++busy < BUSY_TURNS || loop->priority == 0 || l->idle == IDLE_POLL)
				continue;
		} else if (++empty < IDLE_TURNS || l->idle == IDLE_POLL) {
			rte_pause();
			continue;
		}
		busy = 0;
		loop->sleep_begin(loop->object);
		nanosleep(&nap, NULL);
		loop->sleep_end(loop->object);
	}
	loop->unbind(loop->object);
	return 0;
}

static int
worker_main(void *arg)
{
	struct lcores *l = arg;
	const uint16_t id = (uint16_t)(rte_lcore_id() - LCORE_WORKER);

	/* So that the lease is looked at again right before packets leave. */
	worker_set_clock(engine_worker(l->engine, id), &l->clock);
	return run(l, &(struct loop){ engine_worker(l->engine, id), PRIORITY_WORKER, bind_worker,
			      unbind_worker, poll_worker, sleep_worker, wake_worker });
}

static int
control_main(void *arg)
{
	struct lcores *l = arg;

	return run(l, &(struct loop){ l->core, PRIORITY_CONTROL, bind_core, unbind_core, poll_core,
			      sleep_core, wake_core });
}

static int
hrp_main(void *arg)
{
	struct lcores *l = arg;

	return run(l, &(struct loop){ l->ha, PRIORITY_HRP, bind_hrp, unbind_hrp, poll_hrp,
			      sleep_hrp, wake_hrp });
}

void
lcores_map(const struct config_system *s, char *out, size_t size)
{
	const int64_t *workers = s->worker_cpus.items;
	int n = snprintf(out, size, "%d@%d,%d@%d,%d@%d", LCORE_MANAGEMENT, (int)s->management_cpu,
		LCORE_CONTROL, (int)s->control_cpu, LCORE_HRP, (int)s->hrp_cpu);

	for (uint32_t i = 0; i < s->worker_cpus.count && n > 0 && (size_t)n < size; i++)
		n += snprintf(
			out + n, size - (size_t)n, ",%u@%d", LCORE_WORKER + i, (int)workers[i]);
}

int
lcores_shared_cpu(const struct config_system *s)
{
	const int64_t *cpu = s->worker_cpus.items;

	for (uint32_t i = 1; i < s->worker_cpus.count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (cpu[i] == cpu[j])
				return (int)cpu[i];
	return -1;
}

int
lcores_start(struct lcores *l)
{
	int rc = 0;

	for (uint16_t i = 0; i < engine_worker_count(l->engine); i++)
		rc |= rte_eal_remote_launch(worker_main, l, LCORE_WORKER + i);
	if (l->paired)
		rc |= rte_eal_remote_launch(hrp_main, l, LCORE_HRP);
	rc |= rte_eal_remote_launch(control_main, l, LCORE_CONTROL);
	return rc == 0 ? 0 : -EIO;
}

void
lcores_stop(struct lcores *l)
{
	atomic_store(&l->stop, true);
	rte_eal_mp_wait_lcore();
}
