/*
 * A hardware watchdog (/dev/watchdog, R215): it resets the machine unless it is fed.  Fed as long
 * as every core turns; a crash, a hang of the management thread or of a core, and the machine
 * starts anew.  A regular end disarms it ("magic close").
 *
 * Management thread only.
 */
#pragma once

#include "clock.h"
#include "liveness.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watchdog {
	int fd; /* -1: none */
	uint64_t period_ns;
	mono_t due;
	struct liveness cores;
	uint64_t fed, failed;
};

/* watchdog_check: is there such a device, which nobody uses now?  Does not start it.
 * => 0 or -errno with a reason. */
int watchdog_check(const char *path, char *err, size_t err_size);
/* watchdog_open: start it: from now on it must be fed; asks for `timeout_s` and takes what the
 * device gives.  => 0, or -errno with a reason and nothing is started. */
int watchdog_open(struct watchdog *, const char *path, uint32_t timeout_s, mono_t now, char *err,
	size_t err_size);
/* watchdog_attach: the same with a descriptor, which it takes, of something that is fed by writing
 * to it at least each timeout_s. */
void watchdog_attach(struct watchdog *, int fd, uint32_t timeout_s, mono_t now);
bool watchdog_due(const struct watchdog *, mono_t now);
/* watchdog_feed: if all cores have turned since the last call. => the first that has not, or -1. */
int watchdog_feed(struct watchdog *, const uint64_t *turns, uint32_t count, mono_t now);
/* watchdog_close: a regular end: it stops, unless its driver was told never to. */
void watchdog_close(struct watchdog *);
