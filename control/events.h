/*
 * What happened to this box, for programs: a journal of the last events, with a running number.
 *
 * The control core writes and never waits; readers, each with a place of its own, copy what is
 * still there.  Who is slower than the journal is long sees a gap in the numbers.
 */
#pragma once

#include "clock.h"

#include <stdbool.h>
#include <stdint.h>

/* Kinds, with their names in JSON: event_row.c says what each of them has. */
#define EVENT_LIST(X)                                                                              \
	X(ROLE, "role")		      /* a VGMP group */                                           \
	X(LINK, "link")		      /* a heartbeat link */                                       \
	X(PEER, "peer")		      /* the peer is heard, or not */                              \
	X(MEMBER, "member")	      /* of a VGMP group */                                        \
	X(SWITCH_OVER, "switch_over") /* a planned switch */                                       \
	X(HOLD, "hold")		      /* this box held in standby by order */                      \
	X(SPLIT_BRAIN, "split_brain") /* no heartbeat works, and the peer is seen alive */         \
	X(VRRP, "vrrp")		      /* a VRRP group */                                           \
	X(CONFIG, "config")	      /* a transfer of the configuration has ended */

enum event_kind {
#define X(kind, name) EVENT_##kind,
	EVENT_LIST(X)
#undef X
		EVENT_KINDS
};

extern const char *const event_kind_names[EVENT_KINDS];

#define EVENT_NONE UINT16_MAX /* struct event's interface */

struct event {
	uint64_t number;  /* from 1 on; events_post() sets it, as the next */
	uint64_t wall_ns; /* since 1970 */
	uint64_t at_ns;	  /* of the monotonic clock */
	uint64_t change;  /* role: its number in the history of roles; config: generation */
	uint32_t priority, peer_priority, epoch;
	uint16_t interface; /* index; EVENT_NONE */
	uint16_t place;	    /* vrrp: in the configuration's list, from 0 on */
	uint8_t kind;	    /* enum event_kind */
	uint8_t vrid;
	bool leaving;  /* role, vrrp: since this box ends */
	char group[9]; /* role, member: "active", "standby" */
	char from[16], to[16];
	char member[64], type[16]; /* member: name, kind of member */
	char cause[96];
};

#define EVENTS_KEPT 1024 /* power of two */

struct events;

struct events *events_create(void); /* => NULL: out of memory */
void events_destroy(struct events *);
/* events_instance: of this start of the daemon: numbers of another one mean something else. */
const char *events_instance(const struct events *);

/* events_post: control core only; NULL: nobody wants to know. */
void events_post(struct events *, const struct event *);

/* ---- any thread ---- */
/* events_next: the number that the next event will have. */
uint64_t events_next(const struct events *);
/* events_oldest: the oldest that can be had now; events_next() when there is none. */
uint64_t events_oldest(const struct events *);
/* => false: it is no longer there, or not yet. */
bool events_get(const struct events *, uint64_t number, struct event *);
