/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Wrong rules.  The linker leads calls of vgmp_step() and others here (--wrap), so that a search
 * can be seen to find what it looks for.  Mutant 0 is the real code.
 */
#include "lease.h"
#include "vgmp.h"
#include "world.h"

#include <stddef.h>

unsigned int world_mutant;

static const struct mutant {
	const char *name;
	enum vgmp_state state;
	enum vgmp_event event;
	struct vgmp_row row;
} mutants[] = {
	{ "the real code", VGMP_STATES, VGMP_EVENTS, { 0 } },
	{ "an Active group takes over without listening", VGMP_INITIALIZE, VGMP_ENABLE_ACTIVE,
		{ .action = VGMP_DO_TAKE_OVER, .next = VGMP_ACTIVE } },
	{ "a standby does not notice a dead peer", VGMP_STANDBY, VGMP_PEER_GONE,
		{ .next = VGMP_STANDBY } },
	{ "of two active ones none yields", VGMP_ACTIVE, VGMP_PEER_WINS, { .next = VGMP_ACTIVE } },
	{ "agrees to a preempting peer and stays", VGMP_ACTIVE, VGMP_ASKED_ACTIVE_LOWER,
		{ .action = VGMP_DO_SAY_SWITCH, .next = VGMP_ACTIVE } },
	{ "a hand-over that is not answered never ends", VGMP_ACTIVE_TO_STANDBY, VGMP_NO_ANSWER,
		{ .next = VGMP_ACTIVE_TO_STANDBY } },
	{ "a box that has been silent goes on", VGMP_ACTIVE, VGMP_FENCED, { .next = VGMP_ACTIVE } },
	{ "the lease is an interval too long", VGMP_STATES, VGMP_EVENTS, { 0 } },
	{ "of two active ones the wrong one yields", VGMP_STATES, VGMP_EVENTS, { 0 } },
	{ "what comes late counts", VGMP_STATES, VGMP_EVENTS, { 0 } },
};
#define MUTANT_LONG_LEASE 7
#define MUTANT_WRONG_WINS 8
#define MUTANT_LATE	  9

bool
world_takes_late(void)
{
	return world_mutant == MUTANT_LATE;
}

unsigned int
world_mutants(void)
{
	return sizeof(mutants) / sizeof(mutants[0]);
}

const char *
world_mutant_name(unsigned int mutant)
{
	return mutants[mutant].name;
}

const struct vgmp_row *__real_vgmp_step(enum vgmp_state, enum vgmp_event, enum vgmp_state *);
const struct vgmp_row *__wrap_vgmp_step(enum vgmp_state, enum vgmp_event, enum vgmp_state *);
bool __real_vgmp_peer_wins(bool, uint32_t, uint32_t, uint32_t, uint32_t);
bool __wrap_vgmp_peer_wins(bool, uint32_t, uint32_t, uint32_t, uint32_t);
void __real_lease_turns(struct lease *, mono_t, uint64_t);
void __wrap_lease_turns(struct lease *, mono_t, uint64_t);

const struct vgmp_row *
__wrap_vgmp_step(enum vgmp_state state, enum vgmp_event event, enum vgmp_state *next)
{
	const struct mutant *const m = &mutants[world_mutant];

	if (m->state == state && m->event == event) {
		*next = (enum vgmp_state)m->row.next;
		return &m->row;
	}
	return __real_vgmp_step(state, event, next);
}

bool
__wrap_vgmp_peer_wins(
	bool second, uint32_t epoch, uint32_t priority, uint32_t peer_epoch, uint32_t peer_priority)
{
	const bool wins = __real_vgmp_peer_wins(second, epoch, priority, peer_epoch, peer_priority);

	return world_mutant == MUTANT_WRONG_WINS ? !wins : wins;
}

void
__wrap_lease_turns(struct lease *l, mono_t now, uint64_t turns)
{
	const uint64_t until = l->until.ns;

	__real_lease_turns(l, now, turns);
	if (world_mutant == MUTANT_LONG_LEASE && l->until.ns != until)
		l->until.ns += l->hello_ns;
}
