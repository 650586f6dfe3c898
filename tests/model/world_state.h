/*
 * Private to world*.c: the world itself.
 */
#pragma once

#include "hrp_order.h"
#include "role_state.h"
#include "world.h"

#define WORLD_LINKS    2
#define WORLD_QUEUE    16
#define WORLD_HELLO_MS 100
#define WORLD_STEP     (WORLD_HELLO_MS * NS_PER_MS / WORLD_HELLO)
#define WORLD_NOW      (1000 * NS_PER_SEC) /* of every unpacked state */
#define WORLD_FREEZE   20		   /* steps after which a frozen thread goes on */
#define WORLD_AGE      16 /* steps: longer than every limit of the code (3 H at most) */

extern const struct mon_type mon_type_vrrp;

struct world_msg {
	bool hello; /* of HRP, with an epoch */
	uint8_t mode, op, result, state, epoch;
	uint8_t known; /* newest epoch that its sender knows: the HRP core puts it into every frame
			*/
	uint16_t id;
	uint16_t priority;
	uint64_t number; /* as hrp_order.h's sequence, but it goes on over restarts, as lives do */
	mono_t at;
};

struct world_queue {
	uint32_t count;
	struct world_msg list[WORLD_QUEUE];
};

struct world_box {
	struct role *role;
	bool dead, control_frozen, hrp_frozen, sync;
	uint8_t frozen_for, carrier_news;
	uint8_t told; /* the HRP core: newest epoch */
	bool link[WORLD_LINKS], own[WORLD_LINKS];
	uint64_t turns;
	uint64_t sent, newest; /* numbers: our last, and the peer's last that counted */
	mono_t lease;
	struct world_queue out, nic, in;
};

/* From one box to the other. */
struct world_path {
	bool cut;
	uint8_t silent, lost; /* steps since the newest that arrived, that got lost, was sent */
	uint8_t held_for;
	struct world_queue held;
};

struct world {
	mono_t now;
	uint32_t misses;
	struct world_box box[2];
	struct world_path path[2];
	bool cut;
	uint8_t whole, synced;
};
extern struct world world;

/* world.c */
void world_push(struct world_queue *, const struct world_msg *);
uint8_t world_group(int which);
bool world_owns(int which);
enum vgmp_state world_state(int which);

/* world_pack.c */
void world_forget(struct world_box *); /* its role is as after role_create() */

/* world_sends: will it send a message in the next step?  (What is lost must exist.) */
static inline bool
world_sends(const struct world_box *b)
{
	return b->out.count > 0 || (!b->control_frozen && !b->hrp_frozen);
}
