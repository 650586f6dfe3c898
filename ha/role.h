/*
 * Roles: the part of the HA brain that runs on the control core.  Turns ticks, carriers, adverts
 * and HA messages into VGMP events, carries out the actions (lease, virtual addresses, adverts,
 * messages), and publishes what shows need.  docs/ha.md tells the story.
 *
 * Everything outside is reached through struct role_ops, so that tests run two of these over a fake
 * bus with a fake clock.  Life-cycle: role_create() -> the control core's loop -> role_destroy().
 */
#pragma once

#include "clock.h"
#include "events.h"
#include "ha_bus.h"
#include "ha_config.h"
#include "mon.h"
#include "vgmp.h"
#include "vrrp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hrp_hello;
struct role;

/* All called on the control core; none may block. */
struct role_ops {
	void *ctx;
	void (*lease)(void *ctx, mono_t until);
	/* Virtual addresses of a group; those of one family, or (0) all. */
	void (*own)(
		void *ctx, uint16_t interface, uint8_t vrid, uint8_t family, bool own, mono_t now);
	bool (*link_up)(void *ctx, uint16_t interface);
	rte_be32_t (*address)(void *ctx, uint16_t interface); /* 0 = none */
	/* Its link-local IPv6 address; NULL = none that may be used now. */
	const uint8_t *(*link_local)(void *ctx, uint16_t interface);
	/* Is there a way to the host?  > 0 yes, 0 no, < 0 not known yet. */
	int (*reaches)(void *ctx, const struct ip_addr *host);
	/* Is the script up, by its place in the section?  The same.  NULL: there are none. */
	int (*script)(void *ctx, uint16_t script);
	void (*send)(void *ctx, uint16_t interface, const uint8_t *frame, uint16_t len);
	/* The same to a host of the link; fills in its MAC, once that is known. */
	void (*send_to)(void *ctx, uint16_t interface, const struct ip_addr *host, uint8_t *frame,
		uint16_t len);
	/* Keep forwarding for virtual addresses, but neither announce nor answer for them. */
	void (*quiet)(void *ctx, bool);
	bool (*put)(void *ctx, const struct ha_msg *); /* to the HRP core; false = ring full */
	bool (*get)(void *ctx, struct ha_msg *);       /* from the HRP core; false = empty */
	uint64_t (*hrp_turns)(void *ctx);	       /* liveness, as the next */
	uint64_t (*worker_turns)(void *ctx, uint16_t worker);
	uint32_t (*sessions)(void *ctx);
	uint64_t (*wall_ns)(void *ctx); /* since 1970; wanted by groups with keys */
	/* Split brain; NULL: none of it can be seen or told.  ask: who speaks for that group's
	 * address?  The answer is role_claim().  deaf: what has become of the heartbeat links.
	 * relearn: TCP windows of sessions are old.  announce: addresses of ours once more. */
	void (*ask)(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family);
	void (*deaf)(void *ctx, char *text, size_t size);
	void (*relearn)(void *ctx);
	void (*announce)(void *ctx, uint16_t interface, uint8_t vrid);
	/* What a hello says of the configuration; NULL: there is no backup of it. */
	void (*config)(void *ctx, struct hrp_hello *);
};

struct role_params {
	bool paired; /* hrp.enable: VGMP and lease; false = plain VRRP, the lease never ends */
	uint32_t hello_ms, misses;
	bool preempt;
	bool quick, automatic; /* methods of mirroring, for the hellos */
	bool split_yield;      /* hrp.split_brain = "yield"; needs ops.ask */
	uint32_t preempt_delay_s;
	bool held_back; /* the self-test has failed: priority 0 (R216) */
	uint16_t workers;
	uint32_t seed;
	const struct vrrp *vrrps; /* initialised; copied */
	uint16_t vrrp_count;
	const struct mon *members; /* copied */
	struct events *events;	   /* what happens is told there; NULL = nobody wants to know */
	struct role_ops ops;
};

struct role *role_create(const struct role_params *); /* => NULL: out of memory */
void role_destroy(struct role *);

/* ---- control core ---- */
void role_tick(struct role *, mono_t now);
void role_link(struct role *, uint16_t interface, bool up, mono_t now);
/* A protocol-112 packet from a service interface: IP header first, `len` bytes readable. */
void role_vrrp(struct role *, uint16_t interface, const uint8_t *data, uint16_t len, mono_t now);
/* Another box speaks for the address of that virtual router. */
void role_claim(struct role *, uint16_t interface, uint8_t vrid, uint8_t family, mono_t now);

/* Operator's orders (role_switch.c): ROLE_DONE or why not; nothing has changed then. */
enum role_order {
	ROLE_DONE,
	ROLE_REFUSED_UNPAIRED,
	ROLE_REFUSED_LEAVING,
	ROLE_REFUSED_UNDER_WAY,
	ROLE_REFUSED_NOT_ACTIVE,
	ROLE_REFUSED_NO_PEER,
	ROLE_REFUSED_PEER_STATE,
	ROLE_REFUSED_PEER_UNFIT,
	ROLE_REFUSED_PEER_FAULTS,
	ROLE_REFUSED_NOT_SYNCHRONISED,
	ROLE_ORDERS
};
extern const char *const role_order_texts[ROLE_ORDERS];
/* What became of the last switch-over (role_status.switch_over). */
enum role_switch_state {
	ROLE_SWITCH_NONE,
	ROLE_SWITCH_UNDER_WAY,
	ROLE_SWITCH_DONE,
	ROLE_SWITCH_FAILED
};

/* role_switch_over: hand every role to the peer, which holds all sessions, without losing a packet;
 * begun, not done: see role_status.switch_over. */
enum role_order role_switch_over(struct role *, mono_t now);
/* role_hold: on: standby from now on, as long as the peer lives; an active box hands over first,
 * and an order that cannot do so changes nothing.  Off: as configured again. */
enum role_order role_hold(struct role *, bool on, mono_t now);

/* ---- any thread ---- */
/* role_resign: hand over to the peer, or resign, and stay out from now on. */
void role_resign(struct role *);
bool role_resigned(const struct role *); /* done, and the last messages have left */

/* ---- status: a consistent copy, any thread ---- */
#define ROLE_CAUSE	 64
#define ROLE_SPLIT_CAUSE 320

/* No heartbeat path works, and the service network shows that the peer lives. */
enum role_split {
	ROLE_SPLIT_NONE,
	ROLE_SPLIT_BOTH,    /* both boxes are active */
	ROLE_SPLIT_AVERTED, /* the peer is active, this box waits */
	ROLE_SPLITS
};
extern const char *const role_split_names[ROLE_SPLITS];

/* Has the peer's group the VRRP groups, vrids and virtual addresses, of ours? */
enum role_vrids { ROLE_VRIDS_UNKNOWN, ROLE_VRIDS_ALIKE, ROLE_VRIDS_DIFFER };

struct role_group_status {
	uint8_t enabled;
	uint8_t state;	    /* enum vgmp_state as users see it (R67) */
	uint8_t peer_known; /* heard of since start */
	uint8_t peer_state;
	uint8_t listening;
	uint8_t from;  /* last change: shown states */
	uint8_t vrids; /* enum role_vrids; DIFFER: for some seconds */
	uint16_t members, failed, peer_members;
	uint32_t priority, peer_priority;
	uint32_t epoch, peer_epoch;
	uint32_t changed_priority, changed_peer_priority; /* at the last change */
	uint64_t changed_ns;				  /* 0 = never */
	char cause[ROLE_CAUSE];
};

struct role_vrrp_status {
	uint8_t state, priority, master_priority;
	uint8_t tracks_failed; /* bit per vrrp_setup.tracks */
	uint32_t master_advert_ms;
	struct ip_addr master; /* family 0 = nobody, or we */
	uint64_t adverts_out, adverts_in, adverts6_in, resigns_in, plain_sums_in, differ_in,
		authentic_in, conflicts, conflict_ns, changed_ns;
};

/* A change of role as users see it. */
#define ROLE_CHANGES 32
struct role_change {
	uint64_t at_ns;
	uint32_t priority, peer_priority, epoch; /* then */
	uint8_t group, from, to, unused;
	char cause[ROLE_CAUSE];
};

struct role_status {
	uint8_t paired, peer_alive, synchronised, links, mispaired, unfit, preempt, owning;
	uint8_t held, switch_over;  /* enum role_switch_state */
	uint8_t split, split_yield; /* enum role_split */
	uint8_t unused[4];
	uint32_t hello_ms, misses, preempt_delay_s;
	uint32_t vrrp_count, member_count;
	uint64_t fences, takeovers, dual_active, hello_mismatch, splits, splits_averted;
	char split_cause[ROLE_SPLIT_CAUSE]; /* "" without one */
	uint64_t adverts_refused[VRRP_REFUSAL_COUNT];
	struct role_group_status group[VGMP_GROUP_STANDBY + 1]; /* by enum vgmp_group_id */
	uint8_t member_failed[MON_MEMBERS_MAX + 1];
	struct role_vrrp_status vrrp[VRRP_MAX_GROUPS];
	/* Number n, from 1 on, is changes[(n - 1) % ROLE_CHANGES]; the last has change_count. */
	uint64_t change_count;
	struct role_change changes[ROLE_CHANGES];
};

/* Of group i of role_status.vrrp; never changes. */
const struct vrrp_setup *role_vrrp_setup(const struct role *, uint32_t i);
/* Members in the order of member_failed; their names never change. */
const struct mon *role_members(const struct role *);
/* role_rival: has group i of `s`, Master because its box is active, heard another Master in the
 * last ROLE_RIVAL_ADVERTS intervals of its adverts? */
#define ROLE_RIVAL_ADVERTS 10
bool role_rival(const struct role *, const struct role_status *, uint32_t i, mono_t now);
/* role_status_read: large; allocate it. */
void role_status_read(const struct role *, struct role_status *);
/* Does some VGMP group own its addresses?  Cheap. */
bool role_owning(const struct role *);
