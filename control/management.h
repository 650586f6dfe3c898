/*
 * The management thread: one epoll loop for console, JSON socket, netlink and signals.
 *
 * Life-cycle: app/ fills struct management -> management_open() (sockets) -> management_run() until
 * m->stop -> management_close().  Only the management thread uses it.
 */
#pragma once

#include "capturing.h"
#include "command.h"
#include "config.h"
#include "core.h"
#include "engine.h"
#include "events.h"
#include "link_watch.h"
#include "log_export.h"
#include "publish.h"
#include "self_test.h"
#include "tracing.h"

#include <stdbool.h>
#include <stdint.h>

struct management;
struct management_loop;

/* What ha/ has to do on the management thread. */
enum management_ha_state {
	MANAGEMENT_HA_IDLE,
	MANAGEMENT_HA_WAITING, /* for something that may happen at any time */
	MANAGEMENT_HA_BUSY     /* it will have ended soon */
};

/* What ha/ hands to the management side (status for shows and the prompt); NULL without ha/. */
struct management_ha {
	void *ctx;
	/* "HRP_A", "HRP_S" or "" for the prompt (R189). */
	const char *(*prompt)(void *ctx);
	void (*collect_extra)(void *ctx, const struct config *, struct publish_extra *);
	/* Counters of a heartbeat interface, which no worker polls.  => false: none of ha/'s. */
	bool (*interface_stats)(void *ctx, uint16_t interface, struct interface_stats *);
	/* May this box be reloaded so?  => 0, or -errno with a one-line reason.  NULL = always. */
	int (*check_reload)(void *ctx, const struct config *running, const struct config *next,
		char *err, size_t err_size);
	/* Every turn of the loop; never waits. */
	enum management_ha_state (*poll)(void *ctx, struct management *, mono_t now);
	/* Turns of the HRP core; NULL = there is none. */
	uint64_t (*beats)(void *ctx);
	/* Ten times a second; must not block.  NULL = nothing to do. */
	void (*tick)(void *ctx, mono_t now);
};

struct scan_watch;

struct management {
	const char *config_path;
	struct config *config;	/* running; management_replace() replaces it */
	uint64_t config_number; /* how often it has been */
	const struct config_section *const *sections;
	struct engine *engine;
	struct core *core;
	struct link_watch *links;
	struct events *events;		   /* the journal; NULL = none */
	struct log_export *log_export;	   /* management_open() makes it */
	struct policy_usage *policy_usage; /* policy_usage.c */
	struct self_test self_test;	   /* at the start; app/ */
	struct tracing tracing;
	struct scan_watch *scans; /* likewise; NULL before */
	struct capturing capturing;
	const struct command *const *commands; /* all folders', NULL-terminated */
	struct management_ha ha;
	void *ha_state; /* struct ha *, for ha/'s own commands */
	mono_t started;
	struct clock clock;
	int rcu_reader; /* the thread's rcu_register(); it is offline but inside collect(); -1 =
			   none */
	int stop;	/* set by SIGTERM and SIGINT; the loop ends */
	struct management_loop *loop; /* management.c's own; NULL before management_open() */
};

/* management_block_signals: SIGTERM, SIGINT and SIGHUP will be read from a signalfd.
 * => Call it before rte_eal_init(), so that the lcores inherit the mask. */
void management_block_signals(void);

/* management_open: signals, console and JSON sockets of the running configuration, as listeners.
 * => 0 or -errno with a reason: a socket is in use by a live daemon, cannot be made, ...  From here
 *    on the thread is an offline rcu reader (m->rcu_reader). */
int management_open(struct management *, char *err, size_t err_size);
/* management_run: until m->stop.  `interactive`: a console on the terminal as well. */
int management_run(struct management *, bool interactive);
/* management_alive: a sign of life to who waits for one, if it is due; for commands that wait. */
void management_alive(struct management *);
/* management_last_words: when the box has resigned: who follows the events is told of it, and
 * programs that are told of it may end.  Blocks for a second at most. */
void management_last_words(struct management *);
void management_close(struct management *);

/* management_reload: the file again; check, compile, publish. => 0 or -errno, nothing changed.
 * The configuration that ran at management_open() stays allocated until management_close(), since
 * other threads may hold parts of it; the later ones are freed when they are replaced. */
int management_reload(struct management *, char *err, size_t err_size);

/* management_replace: the same with a configuration that has been checked already, which is
 * management's from now on, freed if it is refused. */
int management_replace(struct management *, struct config *next, char *err, size_t err_size);

/* management_now: the monotonic time of the loop. */
mono_t management_now(const struct management *);
/* management_wall: ns since 1970 at 0 of that clock, which is the engine's. */
uint64_t management_wall(const struct management *);

/* Around reads of tables that need a grace-period reader (the session table). */
void management_read_begin(struct management *);
void management_read_end(struct management *);
