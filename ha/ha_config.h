/*
 * What the sections `vrrp` and `hrp` compile to.
 */
#pragma once

#include "config.h"

#define HRP_MAX_LINKS	8  /* heartbeat interfaces */
#define HRP_MAX_TRACK	64 /* tracked interfaces */
#define VRRP_MAX_GROUPS 255

enum vgmp_group_id { VGMP_GROUP_NONE = 0, VGMP_GROUP_ACTIVE = 1, VGMP_GROUP_STANDBY = 2 };

struct config_vrrp {
	struct config_origin origin;
	int64_t vrid;
	char interface[48];
	struct config_prefix virtual_ip; /* len: as written, or the interface's (R50) */
	struct ip_addr virtual_ip6;	 /* family 0: none */
	int group;			 /* 0 none (plain VRRP), 1 active, 2 standby */
	int64_t priority;		 /* plain VRRP only */
	int64_t advert_ms;
	bool preempt; /* plain VRRP only */
};

struct config_heartbeat {
	struct config_origin origin;
	char interface[48];
	rte_be32_t remote; /* 0 = multicast */
};

struct config_track {
	struct config_origin origin;
	char interface[48];
	int group; /* 1 active, 2 standby */
};

struct config_hrp {
	struct config_origin origin;
	bool enable;
	int64_t boards;		       /* of a chassis, 0 = a box (R58) */
	struct config_list interfaces; /* struct config_heartbeat, in order of preference */
	int64_t hello_ms, misses;
	bool preempt;
	int64_t preempt_delay_s;
	struct config_list track; /* struct config_track */
};

extern const struct config_section config_section_vrrp, config_section_hrp;
