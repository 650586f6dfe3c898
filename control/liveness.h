/*
 * Does every core turn?  The rule by which a service manager and a hardware watchdog are told that
 * we live (R215), each at its own pace.  Management thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LIVENESS_CORES 34 /* control core, HRP core, workers */

struct liveness {
	bool told; /* a core that hangs has been logged */
	uint64_t turns[LIVENESS_CORES];
};

/* liveness_look: turns[i] counts the turns of core i, in that order; who has no HRP core says what
 * turns in its place.  `who` = who will hear nothing, for the log.
 * => the first core that has not turned since the last look, or -1. */
int liveness_look(struct liveness *, const uint64_t *turns, uint32_t count, const char *who);
