/*
 * Monitored members: what lowers a VGMP group's priority.  Each failed member costs
 * VGMP_MEMBER_COST (R62, C7); the loss is counted per member, so recovery restores the exact value
 * (R66).  The HA brain never learns what a member is: a member type is one file mon_<x>.c and one
 * word in meson.build.
 *
 * Filled at start from the configuration, then control core only.
 */
#pragma once

#include "config.h"
#include "ha_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MON_MEMBERS_MAX (VRRP_MAX_GROUPS + HRP_MAX_TRACK)

struct mon;
struct role_ops;

struct mon_member {
	const struct mon_type *type;
	uint8_t group; /* enum vgmp_group_id */
	bool failed;
	uint8_t vrid;		    /* mon_vrrp */
	uint16_t interface;	    /* mon_vrrp, mon_interface: interface index */
	struct ip_addr destination; /* mon_route */
	uint16_t script;	    /* mon_script: place in the section `scripts` */
	char name[64];		    /* for shows: "GigabitEthernet1/0/1 vrid 1" */
};

struct mon_type {
	const char *name;
	const char *down, *up; /* for the log, why it has failed and no longer has */
	/* Add this type's members of a configuration. => 0, or -errno with a reason in err. */
	int (*collect)(struct mon *, const struct config *, char *err, size_t err_size);
	/* One of the two.  link: the carrier of `interface` changed: is this member failed now?
	 * ask: does it work?  > 0 yes, 0 no, < 0 not known now: as before. */
	bool (*link)(const struct mon_member *, uint16_t interface, bool up);
	int (*ask)(const struct mon_member *, const struct role_ops *);
};

struct mon {
	uint16_t boards; /* of a chassis, 0 = a box (R58); set before use */
	uint16_t count;
	uint16_t members[VGMP_GROUP_STANDBY + 1], failed[VGMP_GROUP_STANDBY + 1]; /* per group */
	struct mon_member list[MON_MEMBERS_MAX];
};

void mon_init(struct mon *);
/* mon_collect: every registered type's members. */
int mon_collect(struct mon *, const struct config *, char *err, size_t err_size);

/* mon_add: a member starts failed or not (R119). => 0, -ENOSPC with a reason. */
int mon_add(struct mon *, const struct mon_member *, char *err, size_t err_size);
/* mon_remove: gives back what it cost (R119). */
void mon_remove(struct mon *, uint16_t index);
void mon_set(struct mon *, uint16_t index, bool failed);

/* mon_link: tell every member of a carrier. => bit per group whose count of failed members rose. */
uint32_t mon_link(struct mon *, uint16_t interface, bool up);

/* mon_ask: ask about every member that has to be asked. => the same. */
uint32_t mon_ask(struct mon *, const struct role_ops *);

/* mon_priority: of a group with `base`; never below 0 (R66). */
uint32_t mon_priority(const struct mon *, uint8_t group, uint32_t base);
/* Base priority of a group (R57, R58). */
uint32_t mon_base(const struct mon *, uint8_t group);
