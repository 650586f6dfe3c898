/*
 * Programs of the operator that are told of each change of role (R223, R235): `hrp.notify` of the
 * VGMP groups, `vrrp[].notify` of a VRRP group.
 *
 * A reader of the events, on the management thread: the control core does not know of it.  Of each
 * group one program runs at a time, and what happens meanwhile is told when it has ended: the
 * newest state, once.  docs/ha.md has its arguments and environment.
 */
#pragma once

#include "clock.h"
#include "config.h"
#include "events.h"
#include "management.h"

#include <jansson.h>

#include <stdint.h>

struct notify;

/* notify_create: the journal is the caller's and outlives it. => NULL: out of memory */
struct notify *notify_create(const struct events *);
/* notify_destroy: programs that run are killed. */
void notify_destroy(struct notify *);
/* notify_poll: take new events, start programs, see to those that run; never waits.  The
 * configuration says what to run from this event on.
 * => IDLE: nothing is configured; BUSY: a program runs, or will. */
enum management_ha_state notify_poll(struct notify *, const struct config *, mono_t now);
/* notify_rows: one for each group that has a program, or of which one has run. */
void notify_rows(const struct notify *, const struct config *, json_t *rows);
