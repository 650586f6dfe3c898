/*
 * What the sections `vrrp` and `hrp` compile to.
 */
#pragma once

#include "config.h"
#include "nat_pool.h"
#include "script_run.h"
#include "vrrp_hmac.h"

#define HRP_MAX_LINKS	8  /* heartbeat interfaces */
#define HRP_MAX_TRACK	64 /* tracked interfaces, ways and scripts */
#define HRP_MAX_DEFER	64 /* pairs of zones whose first packets wait */
#define VRRP_MAX_GROUPS 255
#define SCRIPTS_MAX	64
#define SCRIPT_NAME	32 /* with its end, as the next */
#define SCRIPT_ARGUMENT 128

#define VRRP_MAX_ADDRESSES 512 /* of all groups */
#define VRRP_ADDRESSES	   16  /* virtual addresses of a group, both families */
#define VRRP_PEERS	   8   /* unicast */
#define VRRP_TRACKS	   8   /* of a group */
#define VRRP_SECRET	   133 /* "hex:" and 64 octets, with its end */

enum vgmp_group_id { VGMP_GROUP_NONE = 0, VGMP_GROUP_ACTIVE = 1, VGMP_GROUP_STANDBY = 2 };

/* The peer's group that is paired with this one of ours. */
static inline uint8_t
vgmp_paired(uint8_t group)
{
	return (uint8_t)(VGMP_GROUP_ACTIVE + VGMP_GROUP_STANDBY - group);
}

/* What an advert of version 3 over IPv4 is summed over; auto: as the last one that was heard. */
enum vrrp_checksum { VRRP_CHECKSUM_AUTO, VRRP_CHECKSUM_PSEUDO, VRRP_CHECKSUM_PLAIN };

/* What lowers or raises a plain group's priority: one of an interface, the way to a host, a script.
 */
struct config_vrrp_track {
	struct config_origin origin;
	char interface[48];	    /* "" = another one is set */
	struct ip_addr destination; /* family 0 = another one is set */
	char script[SCRIPT_NAME];   /* "" = another one is set */
	int64_t weight;
	bool reverse;
};

struct config_vrrp_key {
	struct config_origin origin;
	int64_t id;
	char secret[VRRP_SECRET];
};

struct config_vrrp_auth {
	int type;		 /* 0 none, 1 HMAC */
	int mode;		 /* enum vrrp_hmac_mode */
	int replay;		 /* enum vrrp_hmac_replay */
	int64_t window_s;	 /* 0 = by advert_ms */
	int64_t send_key;	 /* 0 = the first */
	struct config_list keys; /* struct config_vrrp_key */
};

struct config_vrrp {
	struct config_origin origin;
	int64_t vrid;
	char interface[48];
	struct config_prefix virtual_ip; /* address 0: none; len: as written, or the interface's */
	struct ip_addr virtual_ip6;	 /* family 0: none */
	struct config_list more;	 /* struct config_span of one address each */
	int group;			 /* 0 none (plain VRRP), 1 active, 2 standby */
	int64_t version;		 /* over IPv4 */
	int64_t priority;		 /* plain VRRP only, as the next two */
	bool preempt;
	int64_t preempt_delay_s;
	int64_t advert_ms;
	int checksum;	  /* enum vrrp_checksum */
	char password[9]; /* "" = none */
	struct config_vrrp_auth auth;
	bool accept;
	struct config_list peers; /* struct config_span of one address each */
	bool ttl_check;
	char sync[32];		  /* "" = none */
	struct config_list track; /* struct config_vrrp_track */
	int64_t garp_count, garp_delay_ms, garp_refresh_s;
	char notify[SCRIPT_PATH_MAX], notify_user[SCRIPT_NAME];
	int64_t notify_timeout_s;
};

/* The addresses of a group: virtual_ip first, then other IPv4, link-local, other IPv6 ones.
 * => How many. */
uint32_t config_vrrp_addresses(const struct config_vrrp *, struct ip_addr out[VRRP_ADDRESSES]);
/* R39: is one of them the interface's own? */
bool config_vrrp_is_owner(const struct config_interface *, const struct config_vrrp *);
/* What adverts to that peer come from; family 0 = the link-local address. */
struct ip_addr config_vrrp_source6(const struct config_interface *, const struct ip_addr *peer);

/* config_vrrp_secret: the octets of a secret as written. => how many, -1: not 32 to 64. */
int config_vrrp_secret(const char *text, uint8_t out[VRRP_HMAC_KEY_MAX]);
/* config_vrrp_hmac: what `auth` says. => false: no HMAC. */
bool config_vrrp_hmac(const struct config_vrrp *, struct vrrp_hmac_setup *out);

struct config_heartbeat {
	struct config_origin origin;
	char interface[48];
	rte_be32_t remote;   /* 0 = multicast */
	rte_be32_t gateway;  /* UDP: router to a remote outside the subnet, 0 = none */
	bool heartbeat_only; /* by a service interface, without the mirror */
};

/* A member of a VGMP group: one of an interface, the way to a host, a script. */
struct config_track {
	struct config_origin origin;
	char interface[48];	    /* "" = another one is set */
	struct ip_addr destination; /* family 0 = another one is set */
	char script[SCRIPT_NAME];   /* "" = another one is set */
	int group;		    /* 1 active, 2 standby */
};

struct config_script {
	struct config_origin origin;
	char name[SCRIPT_NAME];
	char path[SCRIPT_PATH_MAX];
	struct config_list arguments; /* char[SCRIPT_ARGUMENT] */
	char user[SCRIPT_NAME];
	int64_t interval_ms, timeout_ms;
	int64_t rise, fall;
};

/* => its place in the section `scripts`, -1 unknown. */
int config_script_index(const struct config *, const char *name);
/* config_track_check: exactly one of the three names something that exists. => 0 or -EINVAL */
int config_track_check(struct config *, const struct config_origin *, const char *interface,
	const struct ip_addr *destination, const char *script);

/* config_notify_check: may that user run that program?  "" = none. => 0 or -EINVAL */
int config_notify_check(
	struct config *, const struct config_origin *, const char *path, const char *user);

/* Zones between which first packets wait for the peer. */
struct config_defer {
	struct config_origin origin;
	char source_zone[CONFIG_ZONE_NAME], destination_zone[CONFIG_ZONE_NAME];
};

struct config_hrp {
	struct config_origin origin;
	bool enable;
	int64_t boards;		       /* of a chassis, 0 = a box (R58) */
	struct config_list interfaces; /* struct config_heartbeat, in order of preference */
	int64_t hello_ms, misses;
	bool preempt;
	int64_t preempt_delay_s;
	int split_brain;  /* enum hrp_split_brain */
	int nat_resource; /* enum hrp_nat_resource */
	int64_t nat_reclaim_s;
	bool auto_sync;
	int64_t auto_sync_period_s;
	bool auto_sync_config;
	bool mirror_session;
	struct config_list defer; /* struct config_defer */
	int64_t defer_ms;
	struct config_list track; /* struct config_track */
	char notify[SCRIPT_PATH_MAX], notify_user[SCRIPT_NAME];
	int64_t notify_timeout_s;
};

/* What a box does that no longer hears its peer by any heartbeat (R174). */
enum hrp_split_brain { HRP_SPLIT_ALARM, HRP_SPLIT_YIELD };

/* Which ports of address groups a box hands out (P24); but for the first one NAT_HALF_*. */
enum hrp_nat_resource {
	HRP_NAT_WHOLE,
	HRP_NAT_PRIMARY = NAT_HALF_PRIMARY,
	HRP_NAT_SECONDARY = NAT_HALF_SECONDARY
};
extern const char *const hrp_nat_resources[]; /* NULL at the end */

extern const struct config_section config_section_vrrp, config_section_hrp, config_section_scripts;
