/*
 * VGMP: the state machine of one group, as a pure table {states, event, action, next}
 * (requirements.md 1.6: T1..T12).  No clock, no packets: the caller (role.c) turns time and
 * messages into events and carries out the actions.  The same code is driven by unit rows, by the
 * pair simulator and by the daemon.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Values are on the wire (struct ha_vgmp.state). */
enum vgmp_state {
	VGMP_INITIALIZE = 0,
	VGMP_ACTIVE = 1,
	VGMP_STANDBY = 2,
	VGMP_ACTIVE_TO_STANDBY = 3,
	VGMP_STANDBY_TO_ACTIVE = 4,
	VGMP_STATES
};
extern const char *const vgmp_state_names[VGMP_STATES]; /* users see only the first three (R67) */
