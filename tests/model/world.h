/*
 * Two boxes of the real code (ha/role*.c, vgmp.c, lease.c, vrrp.c, mon.c) and the wire between them
 * as one state that can be packed into few bytes and put back: what an explicit-state search needs.
 *
 *	box 0	Active group, box 1: Standby group (or both the same); each with a member on two
 *service links step	an action of the world (a fault, a repair), then H / 4 of time: each thread
 *that runs has a turn, what was sent arrives
 *
 * Packed, times are relative to now in steps and saturate above every limit that the code compares
 * them with; request numbers are relative to the sender's newest one.  Single-threaded; one world
 * in a process.
 */
#pragma once

#include "clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define WORLD_BYTES  1400 /* of a packed state, at most */
#define WORLD_HELLO  4	  /* steps of a hello interval */
#define WORLD_QUIET  48	  /* steps in which an untouched pair has come to rest */
#define WORLD_REASON 160

struct world_options {
	uint32_t misses;
	bool preempt;
	uint8_t same; /* both boxes are in this group, which is wrong; 0: opposite ones */
};

struct world_packed {
	uint16_t len;
	uint8_t data[WORLD_BYTES];
};

/* Actions: numbers below world_actions(); 0 does nothing. */
void world_open(const struct world_options *);
void world_close(void);
unsigned int world_actions(void);
const char *world_action_name(unsigned int action);
bool world_can(unsigned int action); /* is it possible now? */

/* world_start: boxes that were never up, everything whole. */
void world_start(void);
/* world_step: => false: a claim does not hold, world_reason() says which. */
bool world_step(unsigned int action);
const char *world_reason(void);
/* world_settle: leave it alone, with everything `repaired` before or as it is, and see whether it
 * comes to rest with exactly one owner.  Changes the world. => as world_step(). */
bool world_settle(bool repaired);

void world_pack(struct world_packed *);
void world_unpack(const struct world_packed *);
void world_print(FILE *);

/* Wrong rules, for the test of the search itself: 0 = none. */
extern unsigned int world_mutant;
bool world_takes_late(void); /* one of them: order does not matter */
unsigned int world_mutants(void);
const char *world_mutant_name(unsigned int mutant);
