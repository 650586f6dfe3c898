/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: events, actions and timers of the VGMP groups of one box.  Control core only, but for
 * creation and the calls that role.h marks.
 *
 * Every entry first asks whether the box has been silent (role_enter): a lease that ran out or a
 * long pause voids what was known of the peer, before anything old is acted on.
 */
#include "role_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A bulk of the largest table takes a minute or two. */
#define UNFILLED_NS (180 * NS_PER_SEC)

const char *const role_group_names[VGMP_GROUP_STANDBY + 1] = { "none", "active", "standby" };

static bool
some_group_enabled(const struct role *r)
{
	return r->group[VGMP_GROUP_ACTIVE].enabled || r->group[VGMP_GROUP_STANDBY].enabled;
}

/* Does it use its addresses now?  One that has asked a living peer to take over does not. */
static bool
group_owns(const struct role_group *g)
{
	return (vgmp_owns(g->state) && !g->yielded) || g->draining;
}

static bool
some_group_owns(const struct role *r)
{
	return group_owns(&r->group[VGMP_GROUP_ACTIVE]) ||
	       group_owns(&r->group[VGMP_GROUP_STANDBY]);
}

/* The peer cannot have begun to count our silence before its last sign of us, one hello ago. */
mono_t
role_usual_base(const struct role *r, mono_t now)
{
	return (mono_t){ .ns = now.ns > r->hello_ns ? now.ns - r->hello_ns : 0 };
}

/* ---- lease ---- */

/* The VRRP groups of a VGMP group follow its state (R48). */
static void
drive(struct role *r, const struct role_group *g, mono_t now)
{
	role_vrrp_drive(r, g->id, group_owns(g), role_group_quiet(g), now);
}

void
role_tell_lease(struct role *r)
{
	if (r->lease.until.ns == r->lease_told.ns)
		return;
	r->lease_told = r->lease.until;
	r->ops.lease(r->ops.ctx, r->lease.until);
}

/* ---- events ---- */

static void
change_log(struct role *r, struct role_group *g, enum vgmp_state old, const char *cause, mono_t now)
{
	static const char *const words[VGMP_STATES] = {
		[VGMP_INITIALIZE] = "INIT",
		[VGMP_ACTIVE] = "MASTER",
		[VGMP_STANDBY] = "BACKUP",
	};
	const enum vgmp_state from = vgmp_shown(old), to = vgmp_shown(g->state);

	r->dirty = true;
	if (from == to) {
		LOG(DEBUG, "group %s: %s -> %s, cause %s", role_group_names[g->id],
			vgmp_state_names[old], vgmp_state_names[g->state], cause);
		return;
	}
	g->from = from;
	g->changed = now;
	g->changed_priority = role_priority(r, g);
	g->changed_peer_priority = g->peer_priority;
	snprintf(g->cause, sizeof(g->cause), "%s", cause);
	role_status_changed(r, g, to);
	/* The end is what other programs' logs are searched for (R246). */
	LOG(NOTICE,
		"group %s: %s -> %s, cause %s, priority %u, peer %u, epoch %u: Entering %s STATE",
		role_group_names[g->id], vgmp_state_names[from], vgmp_state_names[to], cause,
		g->changed_priority, g->peer_priority, g->epoch, words[to]);
}

static void
listen_start(struct role_group *g, mono_t now)
{
	g->listening = true;
	g->listen_id = 0;
	g->listen_since = now;
	g->listen_asked.ns = 0;
	g->asking = HA_OP_HELLO;
	g->silent_since = now;
	g->preempt_since.ns = 0;
	g->averted = false;
}

static uint16_t
new_id(struct role *r)
{
	if (++r->next_id == 0)
		r->next_id = 1;
	return r->next_id;
}

/* May the request leave?  A peer that is held for dead may wake in this moment, agree and own the
 * addresses that we, without a living peer, have kept: it is asked once it is heard (timer_ask). */
static bool
may_ask(const struct role_group *g)
{
	return g->asking != HA_OP_LET_ME_STANDBY || g->yielded || g->draining;
}

static void
ask_send(struct role *r, struct role_group *g, mono_t now)
{
	const uint32_t priority = role_priority(r, g);

	g->tries += g->tries < UINT8_MAX;
	g->ask_last = now;
	if (!may_ask(g))
		return;
	/* The peer has decided about the request that it knows (R81, R82). */
	if (g->ask_id == 0 || g->ask_priority != priority)
		g->ask_id = new_id(r);
	g->ask_priority = priority;
	role_send_vgmp(r, g, HA_REQUEST, (enum ha_op)g->asking, HA_RESULT_NONE, g->ask_id, now);
}

static void
ask_start(struct role *r, struct role_group *g, enum ha_op op, const char *cause, mono_t now)
{
	g->asking = (uint8_t)op;
	snprintf(g->ask_cause, sizeof(g->ask_cause), "%s", cause);
	g->ask_id = 0;
	g->tries = 0;
	g->ask_first = now;
	ask_send(r, g, now);
}

static void
lease_take(struct role *r, mono_t base)
{
	struct lease first = r->lease;

	lease_begin(&first, base);
	/* With the other group Active already the shorter one holds until the next hello. */
	if (r->lease.until.ns == 0 || mono_before(first.until, r->lease.until))
		r->lease = first;
	role_tell_lease(r);
}

static void
take_over(struct role *r, struct role_group *g, const struct role_event *e, mono_t now)
{
	r->takeovers++;
	g->epoch = role_newest_epoch(r, g) + 1; /* above all that is known */
	g->alone = !role_peer_alive(r, g, now); /* then this epoch already says so */
	g->reassert = vgmp_owns(g->peer_state);
	g->listening = false;
	lease_take(r, e->base);
	role_split_relearn(r); /* what it still holds of an earlier time as owner */
	drive(r, g, now);
}

/* role_give_up: addresses, and the lease with the last of them. */
void
role_give_up(struct role *r, struct role_group *g, mono_t now)
{
	if (!some_group_owns(r)) {
		lease_end(&r->lease);
		role_tell_lease(r);
	}
	drive(r, g, now);
}

static void
step_down(struct role *r, struct role_group *g, mono_t now)
{
	g->silent_since = now;
	role_give_up(r, g, now);
}

/* yield: between our request to be Standby and the answer nobody owns the addresses (half a round
 * trip), so that never both do: the peer owns them from the moment it has read the request. Without
 * a living peer we keep them.  A planned switch loses no packet: role_drain_begin(). */
static void
yield(struct role *r, struct role_group *g, mono_t now)
{
	if (!role_peer_alive(r, g, now) || role_drain_begin(r, g, now))
		return;
	g->yielded = true;
	role_give_up(r, g, now);
}

/* The hand-over came to nothing. */
static void
resume(struct role *r, struct role_group *g, mono_t now)
{
	if (!g->yielded && !g->draining)
		return;
	g->yielded = false;
	role_drain_stop(r, g);
	lease_take(r, role_usual_base(r, now));
}

void
role_raise(struct role *r, struct role_group *g, enum vgmp_event event, const struct role_event *e,
	mono_t now)
{
	const enum vgmp_state old = g->state;
	enum vgmp_state next;
	const struct vgmp_row *const row = vgmp_step(old, event, &next);

	if (next != old && old != VGMP_ACTIVE_TO_STANDBY && g->draining) {
		role_drain_stop(r, g); /* in Standby: the peer has it all */
		role_give_up(r, g, now);
	}
	g->state = next;
	if (next != old) {
		g->asking = HA_OP_HELLO;
		g->preempt_since.ns = 0;
		/* The peer must hear of it now: it may wait for it. */
		r->hello_now = true;
	}
	if (next == VGMP_ACTIVE)
		resume(r, g, now);
	else if (next != VGMP_ACTIVE_TO_STANDBY)
		g->yielded = false;
	if (next == VGMP_INITIALIZE)
		role_drain_stop(r, g);
	if (next != VGMP_ACTIVE_TO_STANDBY && g->planned)
		role_switch_ended(r, g, now);
	if (row->action & VGMP_DO_STEP_DOWN)
		step_down(r, g, now);
	if (row->action & VGMP_DO_ASK_STANDBY)
		yield(r, g, now);
	if (row->action & VGMP_DO_ASK_STANDBY)
		ask_start(r, g, HA_OP_LET_ME_STANDBY, e->text, now);
	if (row->action & VGMP_DO_ASK_ACTIVE)
		ask_start(r, g, HA_OP_LET_ME_ACTIVE, e->text, now);
	if (row->action & VGMP_DO_SAY_NO)
		g->declined_id = e->id;
	if (row->action & (VGMP_DO_SAY_SWITCH | VGMP_DO_SAY_NO))
		role_send_vgmp(r, g, HA_REPLY, (enum ha_op)e->op,
			row->action & VGMP_DO_SAY_SWITCH ? HA_RESULT_SWITCH : HA_RESULT_NO_SWITCH,
			e->id, now);
	if (row->action & VGMP_DO_TAKE_OVER)
		take_over(r, g, e, now);
	if (row->action & VGMP_DO_LISTEN)
		listen_start(g, now);
	if (next == old)
		return;
	if (next == VGMP_STANDBY || next == VGMP_INITIALIZE)
		g->silent_since = now;
	if (vgmp_owns(next))
		drive(r, g, now); /* adverts again after a hand-over that failed */
	if (vgmp_owns(old) && !vgmp_owns(next))
		g->copy_held = false;
	change_log(r, g, old, e->text, now);
}

void
role_raise_text(
	struct role *r, struct role_group *g, enum vgmp_event event, const char *text, mono_t now)
{
	const struct role_event e = { .text = text, .base = role_usual_base(r, now) };

	role_raise(r, g, event, &e, now);
}

/* ---- silence of our own ---- */

static void
fence(struct role *r, const char *text, mono_t now)
{
	r->fences++;
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (!g->enabled)
			continue;
		role_raise_text(r, g, VGMP_FENCED, text, now);
		/* Only the Active group waits in Initialize; so two boxes that wake at the same
		 * time do not both think the other has nothing. */
		if (g->id == VGMP_GROUP_STANDBY)
			role_raise_text(r, g, VGMP_ENABLE_STANDBY, text, now);
	}
	r->dirty = true;
}

/* hold: time in which we could not have heard the peer does not count as its silence, nor as its
 * failing to answer: it may have agreed and own what we would take back. */
static void
hold(struct role *r, uint64_t ns)
{
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		g->silent_since.ns += ns;
		g->listen_since.ns += ns;
		g->peer_heard.ns += ns;
		g->ask_last.ns += ns;
	}
}

static void
hold_workers(struct role *r, uint64_t ns)
{
	for (uint16_t i = 0; i < r->params.workers; i++)
		r->workers[i].seen.ns += ns;
}

/* watch_hrp: liveness of the HRP core. => for how long it had not run. */
static uint64_t
watch_hrp(struct role *r, mono_t now, bool *ran)
{
	const uint64_t turns = r->ops.hrp_turns(r->ops.ctx);
	const uint64_t deaf = role_since(now, r->hrp_seen);

	*ran = turns != r->hrp_turns;
	if (*ran) {
		r->hrp_turns = turns;
		r->hrp_seen = now;
		r->hrp_stuck = false;
	} else if (deaf > r->silence_ns + NS_PER_SEC && !r->hrp_stuck) {
		r->hrp_stuck = true;
		LOG(ERROR, "roles: the HRP core has not run for %u ms",
			(uint32_t)(deaf / NS_PER_MS));
	}
	return deaf;
}

/* role_enter: detects our own pauses. */
void
role_enter(struct role *r, mono_t now)
{
	const uint64_t gap = role_since(now, r->last);
	char text[ROLE_CAUSE];
	bool ran;

	if (!r->started || gap == 0)
		return;
	r->last = now;
	for (uint16_t i = 0; i < r->vrrp_count; i++)
		vrrp_hold(&r->vrrps[i], gap);
	if (!r->params.paired)
		return;

	if (gap > r->hello_ns / 2)
		hold_workers(r, gap);

	const uint64_t deaf = watch_hrp(r, now, &ran);
	const uint64_t pause = gap > deaf ? gap : deaf;

	if (!r->hrp_alive || pause > r->hello_ns / 2)
		hold(r, gap);
	if (lease_lapsed(&r->lease, now)) {
		snprintf(text, sizeof(text), "lease ran out after a pause of %u ms",
			(uint32_t)(pause / NS_PER_MS));
		fence(r, text, now);
	} else if (!some_group_owns(r) &&
		   (gap > r->hello_ns || (ran && r->hrp_alive && deaf > r->hello_ns))) {
		snprintf(text, sizeof(text), "pause of %u ms", (uint32_t)(pause / NS_PER_MS));
		fence(r, text, now);
	}
	r->hrp_alive = r->hrp_alive || ran;
	if (ran)
		lease_turns(&r->lease, now, r->hrp_turns);
}

/* ---- workers ---- */

static void
watch_workers(struct role *r, mono_t now)
{
	uint64_t limit = r->silence_ns;
	uint64_t stood = 0;
	uint16_t stuck = UINT16_MAX;
	char text[ROLE_CAUSE];

	if (limit < ROLE_WORKER_STUCK_MS * NS_PER_MS)
		limit = ROLE_WORKER_STUCK_MS * NS_PER_MS;
	for (uint16_t i = 0; i < r->params.workers; i++) {
		struct role_worker *const w = &r->workers[i];
		const uint64_t turns = r->ops.worker_turns(r->ops.ctx, i);

		if (turns != w->turns) {
			w->turns = turns;
			w->seen = now;
		} else if (role_since(now, w->seen) > limit) {
			stuck = i;
			stood = role_since(now, w->seen);
		}
	}
	const bool unfit = stuck != UINT16_MAX;

	if (unfit == r->unfit)
		return;
	r->unfit = unfit;
	r->dirty = true;
	r->hello_now = true;
	if (!unfit) {
		LOG(NOTICE, "roles: all workers run again");
		return;
	}
	LOG(ERROR, "roles: worker %u has not run for %u ms, handing over", stuck,
		(uint32_t)(stood / NS_PER_MS));
	snprintf(text, sizeof(text), "worker %u does not run", stuck);
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++)
		role_raise_text(r, role_group_of(r, id), VGMP_MEMBER_FAILED, text, now);
}

/* ---- timers of a group ---- */

/* An Active group that hears its peer, but no answer, lets it go first: a Standby takes over now,
 * and will be heard to have done so; both would else begin in the same moment. */
static uint64_t
listens_for(const struct role *r, const struct role_group *g, mono_t now)
{
	return g->state == VGMP_INITIALIZE && role_peer_alive(r, g, now) ? 2 * r->silence_ns
									 : r->silence_ns;
}

static void
timer_listen(struct role *r, struct role_group *g, mono_t now)
{
	if (!g->listening || !r->hrp_alive) /* deaf: the HRP core does not run yet */
		return;
	/* A peer that was told "not Active" has this long to begin: promise(). */
	if (role_since(now, g->listen_since) > listens_for(r, g, now) &&
		(g->state != VGMP_INITIALIZE || (role_since(now, g->silent_since) > r->silence_ns &&
							!role_split_holds(r, g, now)))) {
		g->listening = false;
		r->dirty = true;
		if (g->state == VGMP_INITIALIZE)
			role_raise_text(r, g, VGMP_PEER_GONE, "peer silent", now);
		return;
	}
	if (g->listen_id != 0 && role_since(now, g->listen_asked) < r->hello_ns)
		return;
	g->listen_id = new_id(r);
	g->listen_asked = now;
	role_send_vgmp(r, g, HA_REQUEST, HA_OP_HELLO, HA_RESULT_NONE, g->listen_id, now);
}

static void
timer_ask(struct role *r, struct role_group *g, mono_t now)
{
	if (g->asking == HA_OP_HELLO || role_since(now, g->ask_last) < r->hello_ns)
		return;
	/* A living peer that was asked to take what we have given up may have done so, and its
	 * answer be on its way: then only an answer, or its silence, ends the asking. */
	const bool given = (g->yielded || g->draining) && role_peer_alive(r, g, now);

	if (g->tries < VGMP_REQUEST_TRIES || given) {
		if (g->asking == HA_OP_LET_ME_STANDBY && !g->yielded)
			yield(r, g, now); /* the peer may have come to life meanwhile */
		ask_send(r, g, now);
	} else {
		role_raise_text(r, g, VGMP_NO_ANSWER, "no answer from peer", now);
	}
}

/* Active and nobody to hear us.  If a split brain is behind it, the peer takes over and raises its
 * epoch now; so do we, and later the priority decides (vgmp_peer_wins). */
static void
timer_alone(struct role *r, struct role_group *g, mono_t now)
{
	if (!vgmp_owns(g->state) || g->alone || role_peer_alive(r, g, now))
		return;
	g->alone = true;
	if (!g->peer_known)
		return;
	r->dirty = true;
	g->epoch = role_newest_epoch(r, g) + 1; /* above all that is known */
	LOG(WARNING, "roles: peer is silent, this box stays active, epoch %u", g->epoch);
}

/* The Standby's detection (T12). */
static void
timer_silence(struct role *r, struct role_group *g, mono_t now)
{
	const uint64_t silence = role_since(now, g->silent_since);
	const uint32_t ours = role_priority(r, g);
	const bool equal = ours == g->peer_priority;

	if ((g->state != VGMP_STANDBY && g->state != VGMP_STANDBY_TO_ACTIVE) || !r->hrp_alive)
		return;
	/* Both Standby and both alive: nothing is known of when the peer will lose patience, so the
	 * higher one asks, and the lower one waits to be asked. */
	if (vgmp_shown(g->peer_state) == VGMP_STANDBY && role_peer_alive(r, g, now) &&
		(!equal || g->twin)) {
		if ((equal ? !g->second : ours > g->peer_priority) && !g->listening &&
			silence > r->hello_ns + r->hello_ns / 2)
			role_raise_text(r, g, VGMP_PREEMPT, "nobody is active", now);
		return;
	}
	if (silence <= r->silence_ns || role_split_holds(r, g, now))
		return;
	g->listening = false;
	role_raise_text(r, g, VGMP_PEER_GONE, "peer silent", now);
}

/* A repaired box wants its role back (T8, R97-R102). */
static void
timer_preempt(struct role *r, struct role_group *g, mono_t now)
{
	const bool wants = r->params.preempt && g->state == VGMP_STANDBY && !g->listening &&
			   vgmp_owns(g->peer_state) && role_peer_alive(r, g, now) &&
			   role_priority(r, g) > g->peer_priority;

	if (!wants) {
		g->preempt_since.ns = 0;
		return;
	}
	if (g->preempt_since.ns == 0) {
		g->preempt_since = now;
		LOG(NOTICE, "group %s: preempts in %u s, when synchronised",
			role_group_names[g->id], r->params.preempt_delay_s);
	}
	if (r->synchronised &&
		role_since(now, g->preempt_since) >= r->params.preempt_delay_s * NS_PER_SEC)
		role_raise_text(r, g, VGMP_PREEMPT, "preempt", now);
}

/* A whole box stays (R96). */
static bool
is_better(const struct role *r, const struct role_group *g, mono_t now)
{
	const uint32_t ours = role_priority(r, g);

	return ours != mon_base(&r->members, g->id) && ours < g->peer_priority &&
	       g->state == VGMP_ACTIVE && g->peer_state == VGMP_STANDBY &&
	       role_peer_alive(r, g, now);
}

/* Active with a fault that nobody could take over then: has a better peer come up since (R61)?  One
 * that cannot be filled (its tables are too small, it is of another version) is better than none.
 */
static void
timer_better_peer(struct role *r, struct role_group *g, mono_t now)
{
	if (!is_better(r, g, now)) {
		g->better_since.ns = 0;
		return;
	}
	if (g->better_since.ns == 0)
		g->better_since = now;
	if ((!r->synchronised && role_since(now, g->better_since) < UNFILLED_NS) ||
		role_since(now, g->asked_away) < VGMP_REQUEST_TRIES * r->hello_ns)
		return;
	g->asked_away = now;
	role_raise_text(r, g, VGMP_MEMBER_FAILED,
		r->synchronised ? "peer has the higher priority"
				: "peer has the higher priority, but not all sessions",
		now);
}

/* ---- leaving ---- */

static void
leave(struct role *r, mono_t now)
{
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++)
		role_drain_stop(r, role_group_of(r, id));
	lease_end(&r->lease);
	r->lease_told = r->lease.until;
	r->ops.lease(r->ops.ctx, r->lease.until);
	role_vrrp_leave(r, now);
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++)
		role_raise_text(r, role_group_of(r, id), VGMP_DISABLE, "resign", now);
	if (r->params.paired)
		role_send_hellos(r, now); /* Initialize: who is Standby takes over at once */
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++)
		role_group_of(r, id)->enabled = false;
	r->left = true;
	r->hello_now = false;
	r->flushed_due = mono_add_ms(now, ROLE_FLUSH_MS);
	r->flushed_turns = r->ops.hrp_turns(r->ops.ctx) + 2;
}

static void
timer_resign(struct role *r, mono_t now)
{
	if (!atomic_load_explicit(&r->resign_wanted, memory_order_relaxed))
		return;
	if (r->left) {
		if (!r->params.paired || !mono_before(now, r->flushed_due) ||
			r->ops.hrp_turns(r->ops.ctx) >= r->flushed_turns)
			atomic_store_explicit(&r->resigned, true, memory_order_release);
		return;
	}
	if (!r->resigning) {
		r->resigning = true;
		r->dirty = true; /* the priority is shown */
		r->resign_due = mono_add_ms(now, ROLE_RESIGN_MS);
		for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
			struct role_group *const g = role_group_of(r, id);

			if (role_peer_alive(r, g, now))
				role_raise_text(r, g, VGMP_MEMBER_FAILED, "resign", now);
			else
				role_raise_text(r, g, VGMP_NO_ANSWER, "resign", now);
		}
	}
	/* A hand-over under way is worth waiting for; everything else is not. */
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		if (r->group[id].state == VGMP_ACTIVE_TO_STANDBY && mono_before(now, r->resign_due))
			return;
	}
	leave(r, now);
}

/* ---- the loop ---- */

static void
start(struct role *r, mono_t now)
{
	uint64_t seen[4] = { 0 }; /* bit per interface */

	r->started = true;
	r->last = now;
	r->hello_due = now;
	r->hrp_turns = r->ops.hrp_turns(r->ops.ctx);
	r->hrp_seen = now;
	for (uint16_t i = 0; i < r->params.workers; i++)
		r->workers[i].seen = now;
	if (!some_group_enabled(r)) { /* nothing is shared with a peer */
		if (r->params.paired)
			LOG(WARNING, "roles: hrp is on but no group has a member");
		r->ops.lease(r->ops.ctx, MONO_NEVER);
	}
	for (uint16_t i = 0; i < r->vrrp_count; i++)
		seen[r->vrrps[i].set.interface / 64 % 4] |= UINT64_C(1)
							    << (r->vrrps[i].set.interface % 64);
	for (uint16_t i = 0; i < r->members.count; i++) {
		const struct mon_member *const m = &r->members.list[i];

		if (m->type->link != NULL)
			seen[m->interface / 64 % 4] |= UINT64_C(1) << (m->interface % 64);
	}
	for (uint16_t i = 0; i < 256; i++) {
		if (seen[i / 64] & (UINT64_C(1) << (i % 64)))
			role_link(r, i, r->ops.link_up(r->ops.ctx, i), now);
	}
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (g->enabled)
			role_raise_text(r, g,
				id == VGMP_GROUP_ACTIVE ? VGMP_ENABLE_ACTIVE : VGMP_ENABLE_STANDBY,
				"enabled", now);
	}
	r->dirty = true;
}

static void
tick_groups(struct role *r, mono_t now)
{
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (!g->enabled)
			continue;
		timer_listen(r, g, now);
		timer_ask(r, g, now);
		timer_alone(r, g, now);
		timer_silence(r, g, now);
		timer_preempt(r, g, now);
		timer_better_peer(r, g, now);
	}
}

static void
tick_hellos(struct role *r, mono_t now)
{
	const bool due = !mono_before(now, r->hello_due);

	if (r->left || (!due && !r->hello_now))
		return;
	r->hello_now = false;
	if (due) { /* own rhythm, no drift; after a pause no burst */
		r->hello_due.ns += r->hello_ns;
		if (!mono_before(now, r->hello_due))
			r->hello_due.ns = now.ns + r->hello_ns;
	}
	role_send_hellos(r, now);
}

/* Not before it knows what it has.  What the peer says meanwhile is not heard, as before a start.
 */
static bool
may_start(struct role *r, mono_t now)
{
	if (r->params.paired && !role_members_settled(r, now)) {
		role_take_messages(r, now);
		if (!atomic_load_explicit(&r->resign_wanted, memory_order_relaxed))
			return false;
	}
	start(r, now);
	return true;
}

void
role_tick(struct role *r, mono_t now)
{
	if (!r->started && !may_start(r, now))
		return;
	role_enter(r, now);
	if (r->params.paired) {
		role_drain_tick(r, now);
		role_take_messages(r, now);
		watch_workers(r, now);
		role_split_tick(r, now);
		role_members_ask(r, now);
		role_vrids_tick(r, now);
		tick_groups(r, now);
	}
	timer_resign(r, now);
	if (!r->left)
		role_vrrp_tick(r, now);
	if (r->params.paired) {
		tick_hellos(r, now);
		role_tell_hrp(r, now);
		role_tell_lease(r);
	}
	if (role_since(now, r->published_at) >= ROLE_PUBLISH_MS * NS_PER_MS && r->dirty) {
		r->published_at = now;
		role_status_publish(r, now);
	}
}

void
role_link(struct role *r, uint16_t interface, bool up, mono_t now)
{
	if (!r->started || r->left)
		return;
	role_enter(r, now);
	r->dirty = true;

	/* The VRRP group first (R54, R90): what cannot carry traffic stops attracting it. */
	role_vrrp_link(r, interface, up, now);
	role_members_link(r, interface, up, now);
}

void
role_members_changed(struct role *r, const char *what, uint32_t risen, mono_t now)
{
	char text[ROLE_CAUSE];

	role_event_members(r, now);
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (!g->enabled)
			continue;
		if (risen & (1u << id)) {
			g->preempt_since.ns = 0; /* R99 */
			snprintf(text, sizeof(text), "%s fault, %u of %u members failed", what,
				r->members.failed[id], r->members.members[id]);
			role_raise_text(r, g, VGMP_MEMBER_FAILED, text, now);
		}
		r->hello_now = true; /* the new priority */
		drive(r, g, now);
	}
}

/* ---- life-cycle ---- */

struct role *
role_create(const struct role_params *p)
{
	struct role *const r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	FW_ASSERT(p->vrrp_count <= VRRP_MAX_GROUPS && p->workers <= ROLE_WORKERS_MAX);
	r->params = *p;
	r->ops = p->ops;
	r->members = *p->members;
	r->vrrp_count = p->vrrp_count;
	if (p->vrrp_count > 0)
		memcpy(r->vrrps, p->vrrps, p->vrrp_count * sizeof(r->vrrps[0]));
	r->hello_ns = p->hello_ms * NS_PER_MS;
	r->patience_ns = r->silence_ns = p->misses * r->hello_ns;
	r->next_id = (uint16_t)p->seed;
	lease_init(&r->lease, p->hello_ms, p->misses);
	role_track_init(r);
	role_vrids_init(r);
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		r->group[id].id = id;
		r->group[id].second = id == VGMP_GROUP_STANDBY;
		r->group[id].enabled = p->paired && r->members.members[id] > 0; /* R65 */
	}
	r->params.vrrps = NULL; /* not ours */
	r->params.members = NULL;
	for (uint16_t i = 0; i < r->members.count; i++)
		r->told_failed[i] = r->members.list[i].failed;
	r->dirty = true;
	role_status_publish(r, (mono_t){ .ns = 0 });
	return r;
}

void
role_destroy(struct role *r)
{
	free(r);
}

void
role_resign(struct role *r)
{
	atomic_store_explicit(&r->resign_wanted, true, memory_order_relaxed);
}

bool
role_resigned(const struct role *r)
{
	return atomic_load_explicit(&r->resigned, memory_order_acquire);
}
