/*
 * Tells the operator once that an address group has no port, or no address, left for new
 * connections, and once that this is over.
 *
 * Management thread only.
 */
#pragma once

#include "clock.h"
#include "nat_group.h"

#include <stdbool.h>
#include <stdint.h>

struct nat;

#define NAT_ALARM_QUIET_MS 10000 /* so long nobody is refused until it is over */

struct nat_alarm {
	struct nat_alarm_group {
		uint32_t name; /* nat_groups_name(): whose all this is */
		bool raised;
		uint64_t exhausted; /* at the last look, and when the alarm was raised */
		uint64_t before;
		mono_t until; /* of the alarm, unless somebody is refused */
	} groups[NAT_GROUPS_MAX];
};

/* A group that has just been exhausted. */
struct nat_alarm_event {
	const char *group;
	uint32_t id;	  /* nat_groups_name() */
	bool no_pat;	  /* addresses are missing, else ports */
	uint64_t refused; /* connections, since the last look */
};

enum nat_alarm_change { NAT_ALARM_SAME, NAT_ALARM_RAISED, NAT_ALARM_CLEARED };

/* nat_alarm_step: one group, with its counter. => what has changed; nothing is logged. */
enum nat_alarm_change nat_alarm_step(
	struct nat_alarm_group *, uint32_t name, uint64_t exhausted, mono_t now);

/* nat_alarm_look: every group of the configuration; what has changed is logged, and of what is
 * raised `tell` hears, which may be NULL. */
void nat_alarm_look(struct nat_alarm *, const struct nat *, mono_t now,
	void (*tell)(void *ctx, const struct nat_alarm_event *), void *ctx);
