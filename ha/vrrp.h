/*
 * VRRP groups.  One struct vrrp is one virtual router on one interface.
 *
 *	plain	the election of RFC 3768 (version 2) or RFC 9568 (version 3): adverts, timers,
 *		priorities; of one family (no VGMP group)
 *	driven	the state follows the VGMP group and the interface's link (R47-R55); adverts only
 *		announce, with a fixed priority (R52); addresses of both families
 *
 * Pure: no I/O, the clock is an argument; the caller (role_vrrp.c) carries out VRRP_DO_*.
 * Control core only.
 */
#pragma once

#include "clock.h"
#include "ha_config.h"
#include "vrrp_hmac.h"
#include "vrrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

enum vrrp_state { VRRP_INITIALIZE, VRRP_BACKUP, VRRP_MASTER, VRRP_STATES };
extern const char *const vrrp_state_names[VRRP_STATES];

/* What the caller does, in this order. */
#define VRRP_DO_RELEASE 0x01 /* the virtual address is no longer ours */
#define VRRP_DO_RESIGN	0x02 /* send an advert with priority 0 */
#define VRRP_DO_OWN	0x04 /* the virtual address is ours: gratuitous ARP */
#define VRRP_DO_ADVERT	0x08 /* send an advert */

/* What a plain group's priority depends on (R42, R43, R224). */
struct vrrp_track {
	char name[64];		    /* interface, address, or script */
	uint16_t script;	    /* place in the section `scripts` + 1; 0: one of the next two */
	struct ip_addr destination; /* family 0: the interface */
	uint16_t interface;
	int16_t weight; /* 0: without it the group is in Initialize */
	bool reverse;	/* failed while it works */
};

/* What the configuration says of a group; never changes. */
struct vrrp_setup {
	char name[64]; /* for the log: "GigabitEthernet1/0/1 vrid 7" */
	uint8_t vrid;
	uint8_t group;	  /* enum vgmp_group_id; VGMP_GROUP_NONE = plain */
	uint8_t version;  /* of its IPv4 adverts, 2 or 3; those of IPv6 are always version 3 */
	uint8_t priority; /* plain; VRRP_PRIORITY_OWNER: the address is the interface's own (R39) */
	bool preempt;
	bool held;	  /* plain; the self-test has failed (R216): nothing raises the priority */
	bool any_ttl;	  /* of unicast adverts */
	bool accept;	  /* for shows */
	uint8_t checksum; /* enum vrrp_checksum */
	uint16_t interface;
	uint32_t advert_ms, preempt_delay_ms;
	bool authenticated; /* version 2, by the password */
	uint8_t password[VRRP_WIRE_AUTH];
	struct vrrp_hmac *hmac; /* any version, by a trailer; the caller's; NULL = none */
	uint8_t address_count, peer_count;
	struct ip_addr addresses[VRRP_ADDRESSES]; /* IPv4, then link-local, then other IPv6 */
	struct ip_addr peers[VRRP_PEERS];	  /* unicast; none = multicast */
	struct ip_addr source6; /* of unicast adverts to global addresses; family 0: link-local */
	uint8_t sync;		/* groups of this number change together (R234); 0 = none */
	char sync_name[32];
	uint8_t track_count;
	struct vrrp_track tracks[VRRP_TRACKS];
};

struct vrrp {
	struct vrrp_setup set;
	uint8_t priority; /* in use */
	enum vrrp_state state;
	bool link;
	bool barred; /* plain: its box may own nothing now */
	mono_t due;  /* Master: next advert; Backup (plain): when the Master is down */
	uint32_t master_advert_ms; /* learned, version 3 (RFC 9568 6.1) */
	struct ip_addr master;	   /* who advertised last; family 0 = nobody */
	uint8_t master_priority;
	bool plain_sum;	      /* the last advert of version 3 over IPv4 had no pseudo-header */
	mono_t preempt_since; /* a lower Master is heard since; 0 = none */
	mono_t sent;	      /* last advert */
	mono_t changed;
	uint64_t adverts_out; /* of both families one each time */
	uint64_t adverts_in, adverts6_in, resigns_in;
	uint64_t plain_sums_in; /* of adverts_in */
	uint64_t authentic_in;	/* with a trailer that was checked */
	uint64_t differ_in; /* other addresses than ours (RFC 9568 7.1: processed all the same) */
	uint64_t conflicts; /* driven Master heard another Master */
	mono_t conflict;    /* the last of them */
};

void vrrp_init(struct vrrp *, const struct vrrp_setup *);

/* => VRRP_DO_* each. */
uint32_t vrrp_link(struct vrrp *, bool up, mono_t now);
/* vrrp_bar: while it is on, a plain group listens at most, and is no Master; at the end of that the
 * owner of the address (R39), who until then hears other Masters, is Master at once. */
uint32_t vrrp_bar(struct vrrp *, bool on, mono_t now);
/* vrrp_drive: the VGMP group owns its addresses, or not.  `quiet`: it is handing over and must not
 * draw traffic to itself: no adverts. */
uint32_t vrrp_drive(struct vrrp *, bool own, bool quiet, mono_t now);
uint32_t vrrp_tick(struct vrrp *, mono_t now);
uint32_t vrrp_stop(struct vrrp *, mono_t now); /* leave for good (R36) */
/* vrrp_yield: a Master of a sync group of which another has yielded. */
uint32_t vrrp_yield(struct vrrp *, mono_t now);
/* vrrp_weigh: the priority, as configured plus `weight`, from 1 to 254; an owner's, and that of one
 * that is held, never changes. */
uint32_t vrrp_weigh(struct vrrp *, int32_t weight, mono_t now);
/* vrrp_wants: is it Master, or would its next tick make it so? */
bool vrrp_wants(const struct vrrp *, mono_t now);
/* vrrp_hold: for `ns` nothing could be heard; that is not the Master's silence. */
void vrrp_hold(struct vrrp *, uint64_t ns);

/* vrrp_receive: an advert that passed vrrp_wire_check(), of our vrid and one of our families;
 * `own` = what we send from, family 0 = none yet.  *refusal says why it changed nothing, VRRP_OK
 * otherwise. */
uint32_t vrrp_receive(struct vrrp *, const struct vrrp_advert *, const struct ip_addr *own,
	mono_t now, enum vrrp_refusal *refusal);

/* vrrp_advert_of: what it says to the routers of one family; without source and destination.
 * => false: it has no address of that family. */
bool vrrp_advert_of(const struct vrrp *, uint8_t family, uint8_t priority, struct vrrp_advert *);

/* Has it addresses of that family?  Those of a plain group are of one. */
bool vrrp_has(const struct vrrp_setup *, uint8_t family);
/* The first address of the family; family 0 = none. */
struct ip_addr vrrp_first(const struct vrrp_setup *, uint8_t family);
/* The version of its adverts of that family. */
uint8_t vrrp_version(const struct vrrp_setup *, uint8_t family);

/* Timers of RFC 3768 6.1 and RFC 9568 6.1, in microseconds. */
uint32_t vrrp_skew_us(const struct vrrp *);
uint32_t vrrp_master_down_us(const struct vrrp *);
