/*
 * Scripts of the section `scripts`: run every so often, each is up or down by how it ends (R224).
 * What depends on one (groups of plain VRRP, VGMP members) asks for its number.
 *
 * Life-cycle: script_watch_create() -> script_watch_tick() -> script_watch_destroy(), which kills
 * what still runs.  Management thread, but for script_watch_up(): no script ever stops the control
 * core.
 */
#pragma once

#include "config.h"
#include "script_run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script_watch;

/* => NULL with a reason.  Without scripts it does nothing. */
struct script_watch *script_watch_create(const struct config *, char *err, size_t err_size);
void script_watch_destroy(struct script_watch *);
/* Start what is due, see what has ended; what it finds counts at once. */
void script_watch_tick(struct script_watch *, mono_t now);

/* script_watch_up: of a script by its place in the section: 1 up, 0 down, -1 it has not ended yet.
 * => Any thread. */
int script_watch_up(const struct script_watch *, uint16_t script);

struct script_status {
	const char *name, *path, *user;
	int up; /* as script_watch_up() */
	bool running;
	uint64_t runs, failures; /* of those that have ended */
	uint64_t timeouts;	 /* of the failures: killed after timeout_ms */
	uint64_t refused;	 /* of the failures: could not be started */
	uint64_t changes;
	uint32_t last_ms; /* duration of the last run */
	char last[200];	  /* how it ended: "exit status 0", or why it could not be started */
};
uint16_t script_watch_count(const struct script_watch *);
void script_watch_status(const struct script_watch *, uint16_t script, struct script_status *);
