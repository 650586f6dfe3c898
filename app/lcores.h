/*
 * The lcores' loops: what each thread polls, and how it sleeps when there is nothing to do.
 */
#pragma once

#include "clock.h"
#include "config.h"
#include "core.h"
#include "engine.h"
#include "ha.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* EAL lcore ids by role; the configuration maps each to a CPU. */
enum lcore_role {
	LCORE_MANAGEMENT = 0, /* the EAL main lcore */
	LCORE_CONTROL = 1,
	LCORE_HRP = 2,
	LCORE_WORKER = 3 /* and following */
};

struct lcores {
	struct clock clock;
	enum idle_mode idle;
	uint32_t idle_sleep_us;
	bool realtime; /* only with IDLE_SLEEP: who polls without a pause must not */
	struct engine *engine;
	struct core *core;
	struct ha *ha;
	bool paired;	   /* there is an HRP core to run */
	atomic_bool stop;  /* management sets, every loop reads */
	atomic_int failed; /* loops that could not start */
};

/* lcores_map: the --lcores argument for a configuration. */
void lcores_map(const struct config_system *, char *out, size_t size);

/* lcores_shared_cpu: a CPU that has two workers.  => CPU, or -1 for none. */
int lcores_shared_cpu(const struct config_system *);

/* lcores_start: launch every loop.  => 0, or -EIO when one could not register for grace periods. */
int lcores_start(struct lcores *);
/* lcores_stop: end every loop and wait for it. */
void lcores_stop(struct lcores *);
