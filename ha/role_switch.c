/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: what the operator orders: a planned switch, and a box held in standby for maintenance.
 * Control core only.
 *
 * A planned switch loses no packet.  The peer takes over when it reads our request, and the
 * switches learn that a moment later; what they have sent to us until then is on its way, or lies
 * in our ports.  So from the request on we are silent about the virtual addresses (no answer, no
 * announcement, no advert), but forward what still comes for them, also after the peer's answer,
 * until the drain is over.  The lease is cut to that time at once, and no hello makes it longer:
 * should this box stop in the middle, the workers end with it.
 */
#include "role_state.h"

#define DRAIN_MS 100 /* at most; not more than a hello interval */

const char *const role_order_texts[ROLE_ORDERS] = {
	[ROLE_DONE] = "done",
	[ROLE_REFUSED_UNPAIRED] = "hot standby is not enabled",
	[ROLE_REFUSED_LEAVING] = "this box is stopping",
	[ROLE_REFUSED_UNDER_WAY] = "a hand-over is under way",
	[ROLE_REFUSED_NOT_ACTIVE] = "this box is not active; the order is for the active box",
	[ROLE_REFUSED_NO_PEER] = "the peer is not heard",
	[ROLE_REFUSED_PEER_STATE] = "the peer is not standby",
	[ROLE_REFUSED_PEER_UNFIT] =
		"the peer cannot take over: it is stopping, held in standby, or a worker is stuck",
	[ROLE_REFUSED_PEER_FAULTS] = "more members have failed at the peer than here",
	[ROLE_REFUSED_NOT_SYNCHRONISED] = "the peer does not hold all sessions yet",
};

/* ---- drain ---- */

bool
role_drain_begin(struct role *r, struct role_group *g, mono_t now)
{
	const struct role_group *const other = role_group_of(r, vgmp_paired(g->id));
	uint64_t drain = DRAIN_MS * NS_PER_MS;

	/* With load sharing the lease is the other group's as well, and cannot be cut. */
	if (!g->planned || other->enabled)
		return false;
	if (drain > r->hello_ns)
		drain = r->hello_ns;
	g->draining = true;
	g->drain_due.ns = now.ns + drain;
	lease_shorten(&r->lease, (mono_t){ .ns = g->drain_due.ns + r->hello_ns / 4 });
	role_tell_lease(r);
	r->ops.quiet(r->ops.ctx, true);
	return true;
}

void
role_drain_stop(struct role *r, struct role_group *g)
{
	if (!g->draining)
		return;
	g->draining = false;
	r->ops.quiet(r->ops.ctx, false);
}

void
role_drain_tick(struct role *r, mono_t now)
{
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (!g->draining || mono_before(now, g->drain_due))
			continue;
		role_drain_stop(r, g);
		/* No answer so far: from now on as in any other hand-over. */
		g->yielded = vgmp_owns(g->state);
		role_give_up(r, g, now);
	}
}

/* ---- orders ---- */

void
role_switch_ended(struct role *r, struct role_group *g, mono_t now)
{
	const bool failed = vgmp_owns(g->state);

	g->planned = false;
	r->switch_over = failed ? ROLE_SWITCH_FAILED : ROLE_SWITCH_DONE;
	r->dirty = true;
	role_event_switch(r, "begun", failed ? "failed" : "done",
		failed ? "the peer did not take over" : "the peer has taken over", now);
}

/* May the peer take this group, which is ours? */
static enum role_order
may_hand_over(const struct role *r, const struct role_group *g, mono_t now)
{
	if (g->state != VGMP_ACTIVE)
		return ROLE_REFUSED_UNDER_WAY;
	if (!role_peer_alive(r, g, now))
		return ROLE_REFUSED_NO_PEER;
	if (g->peer_state != VGMP_STANDBY)
		return ROLE_REFUSED_PEER_STATE;
	if (g->peer_priority == 0)
		return ROLE_REFUSED_PEER_UNFIT;
	if (g->peer_failed > r->members.failed[g->id])
		return ROLE_REFUSED_PEER_FAULTS;
	return r->synchronised ? ROLE_DONE : ROLE_REFUSED_NOT_SYNCHRONISED;
}

static enum role_order
check(const struct role *r, mono_t now)
{
	enum role_order rc = ROLE_REFUSED_NOT_ACTIVE;

	if (!r->params.paired)
		return ROLE_REFUSED_UNPAIRED;
	if (!r->started || r->resigning)
		return ROLE_REFUSED_LEAVING;
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		if (!vgmp_owns(r->group[id].state))
			continue;
		rc = may_hand_over(r, &r->group[id], now);
		if (rc != ROLE_DONE)
			return rc;
	}
	return rc;
}

static void
hand_over(struct role *r, const char *cause, mono_t now)
{
	r->switch_over = ROLE_SWITCH_UNDER_WAY;
	r->dirty = true;
	role_event_switch(r, "none", "begun", cause, now);
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (!vgmp_owns(g->state))
			continue;
		g->planned = true;
		role_raise_text(r, g, VGMP_MEMBER_FAILED, cause, now);
	}
}

enum role_order
role_switch_over(struct role *r, mono_t now)
{
	const enum role_order rc = check(r, now);

	if (rc != ROLE_DONE)
		return rc;
	LOG(NOTICE, "roles: switch-over by order");
	hand_over(r, "switch-over by order", now);
	return ROLE_DONE;
}

enum role_order
role_hold(struct role *r, bool on, mono_t now)
{
	const enum role_order rc = check(r, now);

	if (rc == ROLE_REFUSED_UNPAIRED || rc == ROLE_REFUSED_LEAVING)
		return rc;
	if (on == r->held)
		return ROLE_DONE;
	/* In a split brain this is the way out by hand: no hand-over, the peer is active as well.
	 */
	const bool split = on && rc == ROLE_REFUSED_NO_PEER && role_split_give_way(r, now);

	if (on && rc != ROLE_DONE && rc != ROLE_REFUSED_NOT_ACTIVE && !split)
		return rc;
	r->held = on;
	r->hello_now = true; /* the new priority */
	r->dirty = true;
	LOG(NOTICE, "roles: %s", on ? "held in standby by order" : "no longer held in standby");
	role_event_hold(r, on, now);
	r->switch_over = ROLE_SWITCH_NONE;
	if (on && rc == ROLE_DONE)
		hand_over(r, "held in standby by order", now);
	return ROLE_DONE;
}
