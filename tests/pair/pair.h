/*
 * Two whole boxes (engine, control core, HA) in one process, joined by two LANs and a heartbeat
 *wire that loses, doubles, delays and reorders, on one fake clock.  A case is a handful of calls:
 *
 *	struct pair *p = pair_create(&(struct pair_options){ .hello_ms = 100 });
 *	pair_form(p);
 *	pair_kill(p, 0);
 *	pair_run(p, 1000);
 *	... assert on p->traffic, pair_owner(), pair_figures() ...
 *	pair_destroy(p);
 *
 * At every step the harness checks the promise of the role lease: never two boxes that may forward
 * and own the same virtual MAC, while both hear each other (violations are counted).
 */
#pragma once

#include "blacklist.h"
#include "core.h"
#include "engine.h"
#include "ha.h"
#include "lan.h"
#include "traffic.h"

#include <stdbool.h>
#include <stdint.h>

#define PAIR_STEP_US	250
#define PAIR_HEARTBEATS 2

struct pair_options {
	uint32_t hello_ms, misses; /* misses: 0 = 3 */
	bool preempt;
	uint32_t preempt_delay_s;
	uint16_t workers[2]; /* 0 = 2 */
	uint16_t tcp_count;
	uint32_t max_sessions; /* 0 = 4096 */
	uint32_t sessions_1;   /* of box 1; 0 = as many */
	uint32_t event_ring;   /* of a worker, for the mirror; 0 = 1024 */
	uint32_t seed;
	const char *nat;  /* sections that translate, NULL: none */
	bool other_order; /* box 1 lists its heartbeat links the other way round */
	enum pair_heartbeat_mode {
		PAIR_MULTICAST,
		PAIR_UDP,   /* the wires are cables still */
		PAIR_ROUTED /* and now a router is on each */
	} mode;
	bool split_yield;
	bool service_heartbeat; /* one more, heartbeat_only, by the inside network */
	/* Load sharing: either box owns addresses of its own.  The client's gateway is of the first
	 * group, which box 0 has, the server's of the second: answers come by the other box. */
	bool sharing;
	bool defer;	 /* first packets from inside wait for the peer */
	bool nat_halves; /* each hands out its half of the ports, the dead peer's after 2 s */
	const char *more_rules; /* rules behind the usual ones, NULL: none */
	const char *group;	/* of both boxes, which is wrong; NULL: opposite ones */
	int version_ahead;	/* each box hears the other speak a version so much higher */
	uint8_t heartbeats;	/* links, at most PAIR_HEARTBEATS; 0 = 1 */
	const char *hrp;	/* further settings of the section hrp, NULL: none */
	const char *vrrp[2];	/* VRRP groups of a box before the usual ones, NULL: none */
	bool held_back[2];	/* its self-test has failed */
};

/* Cores of a box, which can be stopped one by one as a debugger would. */
enum pair_core {
	PAIR_CONTROL = 1,
	PAIR_HRP = 2,
	PAIR_WORKERS = 4,
	PAIR_ALL = PAIR_CONTROL | PAIR_HRP | PAIR_WORKERS
};

struct pair_box {
	struct config *config;
	struct engine *engine;
	struct core *core;
	struct ha *ha;
	bool dead;
	bool other_mac;
	uint8_t frozen; /* bits of enum pair_core */
	uint16_t workers;
	unsigned int incarnation;
};

struct pair_wire {
	bool cut;
	bool cut_from[2];		  /* what this box sends */
	uint8_t loss, duplicate, reorder; /* per cent */
	uint8_t flip;			  /* per cent that get a wrong bit behind the MACs */
	bool loop;			  /* what a box sends comes back to it, too */
	uint32_t delay_us, jitter_us;
	uint32_t frames_ms; /* at most so many a millisecond, the rest is lost; 0 = all */
	uint64_t carried, lost, flipped;
};

struct pair_figures {
	uint64_t two_owner_steps; /* harness steps with two owners: must be 0 */
	uint64_t none_owner_us;	  /* time without an owner since the last reset */
	uint64_t after_thaw[2];	  /* frames a thawed box sent from a virtual MAC before it stepped
				     down */
};

struct pair;

/* => never NULL: fails the test with the reason instead. */
struct pair *pair_create(const struct pair_options *);
void pair_destroy(struct pair *);
int pair_teardown(void **state); /* of a cmocka row: the pair made last, if it is there still */

mono_t pair_now(const struct pair *);
struct pair_box *pair_box(struct pair *, unsigned int box);
/* Packet buffers of the boxes' ports; heartbeats and hosts have others. */
struct rte_mempool *pair_pool(struct pair *);
struct traffic *pair_traffic(struct pair *);
struct pair_wire *pair_heartbeat(struct pair *); /* the first of them */
struct pair_wire *pair_heartbeat_of(struct pair *, unsigned int link);
/* What a box sends by a heartbeat link is shown to `tap` first; NULL ends that. */
void pair_tap(struct pair *, void (*tap)(void *ctx, unsigned int from, const struct rte_mbuf *),
	void *ctx);
/* A frame of a stranger comes to a box by a heartbeat link. */
void pair_inject(
	struct pair *, unsigned int to, unsigned int link, const uint8_t *frame, uint16_t len);
/* The box is another one from now on: it restarts with other MACs on its heartbeat ports. */
void pair_other_mac(struct pair *, unsigned int box);
/* Carrier of a heartbeat port of a box; the wire itself stays as it is. */
void pair_heartbeat_carrier(struct pair *, unsigned int box, unsigned int link, bool up);
struct pair_figures *pair_figures(struct pair *);
struct lan *pair_lan(struct pair *, bool outside);

void pair_run(struct pair *, uint32_t ms);
void pair_step(struct pair *); /* PAIR_STEP_US */
/* Run until `done` says so or `ms` have passed. => whether it did. */
bool pair_run_until(struct pair *, bool (*done)(struct pair *), uint32_t ms);
/* Run until box 0 is active, the peer standby and synchronised, traffic flows.  Fails the test if
 * that takes more than 20 s of fake time. */
void pair_form(struct pair *);

void pair_kill(struct pair *, unsigned int box);
void pair_restart(struct pair *, unsigned int box); /* empty, as after a reboot */
/* cores: bits of enum pair_core that stand still; 0 lets all of them run again. */
void pair_freeze(struct pair *, unsigned int box, uint8_t cores);
void pair_link(struct pair *, unsigned int box, bool outside, bool up);
/* Other rules for a box, as in the configuration; its sessions are looked at anew while time
 * passes. */
void pair_policy(struct pair *, unsigned int box, const char *rules);
/* An entry of the blacklist by command, made or deleted.  => as blacklist_add(), blacklist_delete()
 */
int pair_blacklist(struct pair *, unsigned int box, const struct blacklist_entry *, bool on);

/* The box that may forward and own virtual MACs now, -1 none, 2 both. */
int pair_owner(const struct pair *);
uint32_t pair_sessions(const struct pair *, unsigned int box);
bool pair_synchronised(struct pair *);
/* How a box stands with a mirrored table, until the next call.  Fails the test when there is none.
 */
const struct hrp_table_status *pair_table(struct pair *, unsigned int box, const char *name);
/* Sessions the owner holds in a lasting state that the other box lacks or holds in another state;
 * the first of them is printed. */
uint32_t pair_differences(const struct pair *);
