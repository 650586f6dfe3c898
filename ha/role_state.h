/*
 * Private to role*.c: the state of struct role.
 *
 * C = control core, any = every thread.  Everything without a note is the control core's own.
 */
#pragma once

#include "check.h"
#include "ha_constants.h"
#include "hrp_wire.h"
#include "lease.h"
#include "log.h"
#include "role.h"

#include <assert.h>
#include <stdatomic.h>

#define ROLE_WORKERS_MAX     32
#define ROLE_MESSAGES	     64	  /* taken from the HRP core per tick */
#define ROLE_WORKER_STUCK_MS 1000 /* least time without a turn that counts as a fault */
#define ROLE_RESIGN_MS	     500  /* for the peer's answer */
#define ROLE_FLUSH_MS	     100  /* for the last messages to leave */
#define ROLE_PUBLISH_MS	     10	  /* least time between two copies for shows */

/* One VGMP group and what is known of the paired group of the peer. */
struct role_group {
	uint8_t id; /* enum vgmp_group_id; the paired group of the peer is the other one */
	bool enabled;
	enum vgmp_state state;
	uint32_t epoch;

	/* Listening: after start or fence nothing the peer said counts as current until it has
	 * answered a question asked since. */
	bool listening;
	uint16_t listen_id; /* of the last question */
	mono_t listen_since, listen_asked;

	/* A request of ours that waits for its answer. */
	uint8_t asking; /* enum ha_op; HA_OP_HELLO = none */
	uint8_t tries;
	uint16_t ask_id;
	uint32_t ask_priority; /* it was made with; with another one it is another request */
	uint16_t declined_id;  /* the peer's request that we have declined: so are its retries */
	mono_t ask_first, ask_last;
	char ask_cause[ROLE_CAUSE];
	bool yielded; /* in ACTIVE_TO_STANDBY: the addresses are given up already */

	/* A planned switch (role_switch.c): asked for by the operator, and what is on its way to us
	 * is still forwarded until then. */
	bool planned, draining;
	mono_t drain_due;

	bool peer_known;
	enum vgmp_state peer_state;
	uint32_t peer_priority, peer_epoch;
	uint16_t peer_failed; /* of its members */
	mono_t peer_heard;    /* any message */
	mono_t silent_since;  /* last sign of an Active peer, or when we began to wait for one */
	bool peer_was_active; /* in this life of ours */
	bool copy_held;	      /* synchronised at some time while the peer was Active */
	bool alone;	      /* Active and the peer is silent: noted in the epoch */
	bool reassert;	      /* announce ourselves again once the peer is no longer Active */

	/* Both boxes have put their members into this group (wrong pairing): the peer's same group
	 * takes the place of the paired one. */
	bool twin;
	bool second; /* of two alike it is the other that becomes or stays Active */

	/* VRRP groups of ours, and what the peer says of its own (role_vrids.c) */
	uint8_t vrids_state;		 /* enum role_vrids, as told */
	uint16_t vrids, mark;		 /* number; mark: never 0 */
	uint16_t peer_members;		 /* VRRP groups, and what it tracks */
	uint16_t peer_mark;		 /* of an Active group; 0: not said, an earlier version */
	mono_t mark_heard, differ_since; /* 0: they do not differ */
	bool differ_told;		 /* and not yet that they are alike */

	/* Split brain (role_split.c) */
	bool averted;  /* the peer is Active, as the service network says: not to take over */
	bool disputed; /* both Active, and the heartbeat works */
	uint64_t dual_active; /* role.dual_active at the last look */
	mono_t rival_until;   /* both Active without a heartbeat, told until then; 0 = not so */
	mono_t rival_heard;   /* both Active, and the peer's hellos not missed yet */
	uint32_t rival_advert_ms;
	mono_t seen_there;    /* last sign of the peer on the service network */
	mono_t answered;      /* last one that was an answer */
	uint64_t patience_ns; /* averted: the silence there after which it takes over */
	mono_t first_asked;   /* who speaks for the addresses, in this silence */
	mono_t asked_there;   /* the same, last */
	mono_t relearned;

	mono_t preempt_since; /* 0 = no delay is running */
	mono_t better_since;  /* a better peer could take over, sessions or not; 0 = none could */
	mono_t asked_away;    /* last attempt to hand over to it */

	enum vgmp_state from; /* last change */
	mono_t changed;
	uint32_t changed_priority, changed_peer_priority;
	char cause[ROLE_CAUSE];
};

/* What a plain VRRP group tracks. */
struct role_track {
	uint8_t failed; /* bit per vrrp_setup.tracks */
	bool fault;	/* one of them with weight 0 */
};

struct role_worker {
	uint64_t turns;
	mono_t seen; /* when they last changed */
};

/* Writer: C.  Readers: any, through role_status_read(). */
#define ROLE_STATUS_WORDS (sizeof(struct role_status) / sizeof(uint64_t))
static_assert(sizeof(struct role_status) % sizeof(uint64_t) == 0, "copied in words");

struct role_published {
	_Atomic(uint32_t) sequence; // odd while being written
	_Atomic(uint64_t) words[ROLE_STATUS_WORDS];
};

struct role {
	struct role_params params;
	struct role_ops ops;
	uint64_t hello_ns, patience_ns; /* H and N x H */
	uint64_t silence_ns;		/* N x H, of the box where it is longer */
	struct lease lease;
	mono_t lease_told; /* what ops.lease was last told */

	bool started;
	mono_t last; /* tick before this one */
	uint64_t hrp_turns;
	mono_t hrp_seen; /* when they last changed, or the start */
	bool hrp_alive;	 /* it has run */
	bool hrp_stuck;	 /* logged */
	bool unfit;	 /* a worker does not run */
	struct role_worker workers[ROLE_WORKERS_MAX];

	uint16_t next_id;
	mono_t hello_due;
	bool hello_now;
	bool synchronised, links, mispaired;
	mono_t same_group[VGMP_GROUP_STANDBY + 1]; /* by the peer's: last heard without its pair */
	bool other_version;			   /* the peer's messages are of one */
	uint32_t peer_epoch;			   /* newest that the peer has shown to know */
	bool told_active, told_alive, told_split;
	uint8_t told_groups;
	uint32_t told_epoch;
	bool told_any;

	bool held;	     /* standby by order: no preemption, priority 0 */
	uint8_t switch_over; /* enum role_switch_state: of the last planned switch */
	bool resigning, left;
	mono_t resign_due, flushed_due;
	uint64_t flushed_turns;
	_Atomic(bool) resign_wanted; // any writes, C reads
	_Atomic(bool) resigned;	     // C writes, any reads
	_Atomic(bool) owning;	     // C writes, any reads

	struct role_group group[VGMP_GROUP_STANDBY + 1]; /* by id; 0 is unused */
	struct mon members;
	uint16_t vrrp_count;
	struct vrrp vrrps[VRRP_MAX_GROUPS];
	bool carrier[VRRP_MAX_GROUPS]; /* of their interfaces */
	struct role_track track[VRRP_MAX_GROUPS];
	mono_t track_due, ways_due; /* next look at what they track */
	mono_t members_due;	    /* next questions about members */
	mono_t settle_since;	    /* first look at them */
	mono_t sync_logged;

	uint8_t split;	     /* enum role_split */
	uint16_t next_asked; /* of vrrps */
	char split_cause[ROLE_SPLIT_CAUSE];
	const char *split_end; /* why it is over */

	uint64_t fences, takeovers, dual_active, hello_mismatch, splits, splits_averted;
	uint64_t adverts_refused[VRRP_REFUSAL_COUNT];
	struct log_limit limit_dual, limit_conflict, limit_differ, limit_authentic, limit_clock,
		limit_pairing, limit_hello, limit_patience, limit_bus;

	mono_t refusal_told[VRRP_REFUSAL_COUNT]; /* 0 = never */

	/* What programs were last told of the peer and of the members. */
	bool told_heard, told_failed[MON_MEMBERS_MAX];
	bool dirty;
	mono_t published_at;
	struct role_status status; /* being built */
	struct role_published published;
};

extern const char *const role_group_names[VGMP_GROUP_STANDBY + 1];

static inline struct role_group *
role_group_of(struct role *r, uint8_t id)
{
	FW_ASSERT(id >= VGMP_GROUP_ACTIVE && id <= VGMP_GROUP_STANDBY);
	return &r->group[id];
}

static inline uint64_t
role_since(mono_t now, mono_t then)
{
	return now.ns > then.ns ? now.ns - then.ns : 0;
}

/* On the way out nothing is announced: it would draw traffic back from the peer. */
static inline bool
role_group_quiet(const struct role_group *g)
{
	return g->state == VGMP_ACTIVE_TO_STANDBY || g->draining;
}

/* Why an event is raised, and what its actions need. */
struct role_event {
	const char *text;
	mono_t base; /* earliest moment the peer's silence timer can have started (lease.h) */
	uint16_t id; /* request to be answered */
	uint8_t op;
};

/* role.c */
void role_raise(
	struct role *, struct role_group *, enum vgmp_event, const struct role_event *, mono_t now);
void role_raise_text(
	struct role *, struct role_group *, enum vgmp_event, const char *text, mono_t now);
mono_t role_usual_base(const struct role *, mono_t now);

void role_enter(struct role *, mono_t now); /* before anything is acted on */
/* Members of these groups (bits) have failed, or others work again. */
void role_members_changed(struct role *, const char *what, uint32_t risen, mono_t now);

/* role_members.c */
void role_members_link(struct role *, uint16_t interface, bool up, mono_t now);
void role_members_ask(struct role *, mono_t now);
/* role_members_settled: at the start: is it known of all scripts and ways whether they work?  Else
 * a box would take a role, lose it for what it does not know yet, and want it back. */
bool role_members_settled(struct role *, mono_t now);

/* role_vrids.c */
void role_vrids_init(struct role *);
void role_vrids_heard(struct role_group *, const struct ha_vgmp *, mono_t now);
void role_vrids_tick(struct role *, mono_t now);

/* role_vrrp.c */
/* All groups of a VGMP group together; `quiet`: no adverts. */
void role_vrrp_drive(struct role *, uint8_t group, bool own, bool quiet, mono_t now);
/* Those of a VGMP group that are Master announce themselves again. */
void role_vrrp_reassert(struct role *, uint8_t group, mono_t now);
void role_vrrp_link(struct role *, uint16_t interface, bool up, mono_t now);
void role_vrrp_tick(struct role *, mono_t now);
void role_vrrp_leave(struct role *, mono_t now);
/* => NULL: none of that number and family there. */
struct vrrp *role_vrrp_find(struct role *, uint16_t interface, uint8_t family, uint8_t vrid);

void role_give_up(struct role *, struct role_group *, mono_t now);
void role_tell_lease(struct role *);

/* role_switch.c */
bool role_drain_begin(struct role *, struct role_group *, mono_t now);
void role_drain_stop(struct role *, struct role_group *);
void role_drain_tick(struct role *, mono_t now);
/* A group with a planned switch is no longer on its way. */
void role_switch_ended(struct role *, struct role_group *, mono_t now);

/* role_track.c */
void role_track_init(struct role *);
/* Look at what the groups track; what a look finds counts until the next. */
void role_track_tick(struct role *, mono_t now);
/* => VRRP_DO_* for the group, whose priority may have changed. */
uint32_t role_track_apply(struct role *, uint16_t group, mono_t now);

/* role_split.c */
void role_split_tick(struct role *, mono_t now);
/* A good advert of another router, with the addresses of ours. */
void role_split_advert(struct role *, struct vrrp *, const struct vrrp_advert *, mono_t now);
/* role_split_holds: not to take over for silence, or not yet. */
bool role_split_holds(const struct role *, const struct role_group *, mono_t now);
void role_split_relearn(struct role *);
/* role_split_give_way: the groups that are Active on both boxes step down here.  => Were there any?
 */
bool role_split_give_way(struct role *, mono_t now);

/* role_receive.c */
void role_take_messages(struct role *, mono_t now);

/* role_status.c */
void role_status_publish(struct role *, mono_t now);
/* A group has come to `to`, as users see it; its last change is filled in. */
void role_status_changed(struct role *, const struct role_group *, enum vgmp_state to);

/* role_events.c: what programs are told */
void role_event_change(struct role *, const struct role_change *, uint64_t number);
/* Members and peer: what is new since the last call. */
void role_event_members(struct role *, mono_t now);
void role_event_peer(struct role *, mono_t now);
void role_event_switch(
	struct role *, const char *from, const char *to, const char *cause, mono_t now);
/* r->split has changed. */
void role_event_split(struct role *, uint8_t from, const char *cause, mono_t now);
void role_event_hold(struct role *, bool on, mono_t now);
void role_event_vrrp(
	struct role *, const struct vrrp *, enum vrrp_state old, const char *cause, mono_t now);

/* role_send.c: messages to the peer */
uint32_t role_priority(const struct role *, const struct role_group *);
bool role_send_vgmp(struct role *, const struct role_group *, enum ha_mode, enum ha_op,
	enum ha_result, uint16_t id, mono_t now);
void role_send_hellos(struct role *, mono_t now);
void role_tell_hrp(struct role *, mono_t now);
/* Newest role epoch of that group, of its pair and of all that the peer knows. */
uint32_t role_newest_epoch(const struct role *, const struct role_group *);
bool role_peer_alive(const struct role *, const struct role_group *, mono_t now);
