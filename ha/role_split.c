/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: split brain (R174).  No heartbeat path works and both boxes live; what each can still see
 * of the other is the service network: who speaks there for the virtual addresses.  Control core
 * only.
 *
 * hrp.split_brain = "alarm": a Standby that hears nothing takes over, as from a dead peer.  Both
 * are Active then, each hears the other's adverts, and that is told, with what has become of the
 * heartbeat.
 *
 * "yield", and on a box that the operator holds: whoever would take over for silence asks the
 * service network first who speaks for the addresses.  An answer is a sign of life, as a hello is,
 * and no takeover follows.  It asks when the silence has lasted N x H - H/4, not before: a lease
 * that rests on the last hello heard is over then (lease.h), so who still answers has sent newer
 * ones that did not arrive.  From then on it asks each half interval, and takes over after N x H +
 * H without an answer; the one more is because the peer's last hello may have left later than its
 * last answer.  Where questions are never answered but adverts heard, N x H and two of
 * their intervals take its place, for the same reason.
 *
 * Should both be Active all the same (question or answer lost), the Active group stays and says so
 * at once by an advert, at which the Standby group steps down.  To an owner ARP proves nothing,
 * since a network may send its own frames back; an advert has its sender's address.
 */
#include "config_address.h"
#include "role_state.h"

#include <stdio.h>

#define ASK_ROUTERS    4  /* virtual routers a question is about, one after the other */
#define LAST_ASKS      4  /* questions in the last quarter of an interval */
#define ANSWER_MS      10 /* between two adverts that answer the other box */
#define SILENT	       3  /* adverts missed: the other box is no longer heard */
#define RELEARN_MS     1000
#define HEARTBEAT_TEXT 160

static const char held[] = "held in standby by order";

const char *const role_split_names[ROLE_SPLITS] = {
	[ROLE_SPLIT_NONE] = "none",
	[ROLE_SPLIT_BOTH] = "both-active",
	[ROLE_SPLIT_AVERTED] = "averted",
};

/* ---- what is told ---- */

/* It is known from an advert, or (NULL) from an answer to ARP or a solicitation. */
static void
tell(struct role *r, enum role_split split, const struct vrrp *v, const struct vrrp_advert *advert,
	mono_t now)
{
	const uint8_t was = r->split;
	char heartbeat[HEARTBEAT_TEXT] = "", text[CONFIG_IP_TEXT];

	r->split = split;
	r->dirty = true;
	if (r->ops.deaf != NULL)
		r->ops.deaf(r->ops.ctx, heartbeat, sizeof(heartbeat));
	snprintf(r->split_cause, sizeof(r->split_cause), "peer: %s%s, %s; heartbeat: %s",
		advert != NULL ? "adverts of " : "answers for its addresses",
		advert != NULL ? config_address_ip_text(&advert->source, text) : "", v->set.name,
		heartbeat);
	role_event_split(r, was, r->split_cause, now);
	if (split == ROLE_SPLIT_AVERTED) {
		r->splits_averted++;
		LOG(ERROR,
			"split brain averted: the peer is active, this box waits, sessions are not "
			"mirrored: %s",
			r->split_cause);
		return;
	}
	r->splits++;
	LOG(ERROR, "split brain: both boxes are active: %s: %s", r->split_cause,
		r->params.split_yield ? "the standby group yields"
				      : "repair the heartbeat, or hrp standby-device on one box");
}

/* What is left of it. */
static void
settle(struct role *r, mono_t now)
{
	const uint8_t was = r->split;
	enum role_split split = ROLE_SPLIT_NONE;

	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		const struct role_group *const g = &r->group[id];

		if (g->rival_until.ns != 0)
			split = ROLE_SPLIT_BOTH;
		else if (g->averted && split == ROLE_SPLIT_NONE)
			split = ROLE_SPLIT_AVERTED;
	}
	if (r->split == ROLE_SPLIT_NONE || split == r->split)
		return;
	r->dirty = true;
	r->split = split;
	if (split != ROLE_SPLIT_NONE) {
		role_event_split(r, was, r->split_cause, now);
		return;
	}
	if (r->split_end == NULL)
		r->split_end = "this box has been silent";
	r->split_cause[0] = '\0';
	LOG(NOTICE, "split brain is over: %s", r->split_end);
	role_event_split(r, was, r->split_end, now);
	r->split_end = NULL;
}

/* ---- sessions ---- */

/* Another box may have forwarded connections that are in our table. */
void
role_split_relearn(struct role *r)
{
	if (r->ops.relearn != NULL)
		r->ops.relearn(r->ops.ctx);
}

/* While two boxes forward, and the switches send one way by this and the other by that, no window
 * is known for long. */
static void
relearn_often(struct role *r, struct role_group *g, mono_t now)
{
	if (role_since(now, g->relearned) < RELEARN_MS * NS_PER_MS)
		return;
	g->relearned = now;
	role_split_relearn(r);
}

/* Was the other box Active too, by what the heartbeat says or by adverts just before it fell
 * silent? */
static void
watch_rival(struct role *r, struct role_group *g, mono_t now)
{
	const bool alive = role_peer_alive(r, g, now);
	const bool both = g->state == VGMP_ACTIVE && g->peer_state == VGMP_ACTIVE && alive;
	const bool late = g->rival_heard.ns != 0 && !alive;

	/* They may have been so only between two turns. */
	g->disputed = g->disputed || g->dual_active != r->dual_active;
	g->dual_active = r->dual_active;
	if ((g->disputed && !both) || (late && role_since(now, g->rival_heard) < r->silence_ns))
		role_split_relearn(r);
	if (late)
		g->rival_heard.ns = 0;
	g->disputed = both;
	if (g->rival_until.ns != 0)
		relearn_often(r, g, now);
}

/* ---- who is heard ---- */

/* Does it take over only when nobody answers? */
static bool
careful(const struct role *r, const struct role_group *g)
{
	return (r->params.split_yield || r->held) && r->ops.ask != NULL &&
	       (g->state == VGMP_STANDBY || g->state == VGMP_STANDBY_TO_ACTIVE ||
		       (g->state == VGMP_INITIALIZE && g->listening));
}

/* Since when it has been waiting for a sign of an Active peer. */
static mono_t
base_of(const struct role_group *g)
{
	return g->state == VGMP_INITIALIZE ? g->listen_since : g->silent_since;
}

/* The silence after which it takes over. */
static uint64_t
limit_of(const struct role *r, const struct role_group *g)
{
	return g->averted ? g->patience_ns : r->silence_ns;
}

/* In the last part of it an answer proves a lease that is newer than the last hello heard. */
static bool
nearly_over(const struct role *r, const struct role_group *g, mono_t now)
{
	return role_since(now, base_of(g)) + r->hello_ns / 4 > limit_of(r, g);
}

/* A sign of the peer: an answer, or an advert.  Adverts are more seldom, but count only where
 * answers do not come. */
static void
note_sign(struct role *r, struct role_group *g, uint32_t advert_ms, mono_t now)
{
	const uint64_t answers = r->silence_ns + r->hello_ns;
	const uint64_t adverts = r->silence_ns + 2 * (uint64_t)advert_ms * NS_PER_MS;

	if (advert_ms == 0)
		g->answered = now;
	g->patience_ns = answers;
	if (role_since(now, g->answered) > answers && adverts > answers)
		g->patience_ns = adverts;
	g->silent_since = g->seen_there = now;
	g->averted = true;
}

/* The peer speaks for the addresses of a group that is not Active here. */
static void
alive_there(struct role *r, struct role_group *g, const struct vrrp *v,
	const struct vrrp_advert *advert, mono_t now)
{
	if (!g->enabled || !careful(r, g) || (!g->averted && !nearly_over(r, g, now)))
		return;
	if (g->state == VGMP_INITIALIZE) {
		g->listening = false;
		role_raise_text(
			r, g, VGMP_PEER_ACTIVE, "peer is active on the service network", now);
	}
	note_sign(r, g, advert != NULL ? advert->interval_ms : 0, now);
	/* It is no more than late while it is not missed. */
	if (r->split == ROLE_SPLIT_NONE && !role_peer_alive(r, g, now))
		tell(r, ROLE_SPLIT_AVERTED, v, advert, now);
}

/* The peer says that it no longer speaks for them: ask whether that is so. */
static void
gone_there(struct role *r, struct role_group *g, mono_t now)
{
	if (g->rival_until.ns != 0)
		g->rival_until = now;
	if (!g->averted)
		return;
	g->averted = false;
	g->silent_since.ns = g->first_asked.ns = 0;
	r->split_end = "the peer gives up its role";
}

/* One of two that are Active steps down, and waits. */
static void
give_way(struct role *r, struct role_group *g, const char *cause, mono_t now)
{
	g->rival_until.ns = 0;
	role_raise_text(r, g, VGMP_PEER_WINS, cause, now);
	note_sign(r, g, g->rival_advert_ms, now);
	settle(r, now);
}

/* The other box is Active too, and no heartbeat says so. */
static void
both_active(struct role *r, struct role_group *g, const struct vrrp *v, const struct vrrp_advert *a,
	mono_t now)
{
	const uint32_t interval =
		a->interval_ms > v->set.advert_ms ? a->interval_ms : v->set.advert_ms;

	relearn_often(r, g, now);
	g->rival_advert_ms = interval;
	g->rival_until = mono_add_ms(now, SILENT * (uint64_t)interval);
	g->seen_there = now;
	if (r->split != ROLE_SPLIT_BOTH)
		tell(r, ROLE_SPLIT_BOTH, v, a, now);
	if (r->held || (r->params.split_yield && g->second))
		give_way(r, g, r->held ? held : "split brain, the active group stays", now);
}

/* An Active group hears an advert of another box.  It need not have missed that one's hellos yet,
 * which it may have heard up to an interval longer than the other way round. */
static void
rival(struct role *r, struct role_group *g, struct vrrp *v, const struct vrrp_advert *a, mono_t now)
{
	const mono_t answer = mono_add_ms(v->sent, ANSWER_MS);

	if (r->params.split_yield && !g->second && mono_before(answer, v->due))
		v->due = answer;
	if (role_peer_alive(r, g, now))
		g->rival_heard = now;
	else
		both_active(r, g, v, a, now);
}

void
role_split_advert(struct role *r, struct vrrp *v, const struct vrrp_advert *a, mono_t now)
{
	struct role_group *g;

	if (v->set.group == VGMP_GROUP_NONE)
		return;
	g = role_group_of(r, v->set.group);
	if (a->priority == VRRP_PRIORITY_RESIGN)
		gone_there(r, g, now);
	else if (a->priority != VRRP_PRIORITY_VGMP)
		return; /* not of a box of this kind */
	else if (!vgmp_owns(g->state))
		alive_there(r, g, v, a, now);
	else if (g->state == VGMP_ACTIVE) /* else the advert is of a hand-over */
		rival(r, g, v, a, now);
}

void
role_claim(struct role *r, uint16_t interface, uint8_t vrid, uint8_t family, mono_t now)
{
	const struct vrrp *const v = role_vrrp_find(r, interface, family, vrid);

	if (!r->started || r->left || v == NULL || v->set.group == VGMP_GROUP_NONE)
		return;
	role_enter(r, now);
	alive_there(r, role_group_of(r, v->set.group), v, NULL, now);
}

bool
role_split_give_way(struct role *r, mono_t now)
{
	bool some = false;

	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (g->rival_until.ns == 0)
			continue;
		give_way(r, g, held, now);
		some = true;
	}
	return some;
}

/* ---- asking ---- */

static void
ask(struct role *r, uint8_t group)
{
	uint16_t asked = 0;

	for (uint16_t n = 0; n < r->vrrp_count && asked < ASK_ROUTERS; n++) {
		r->next_asked = (uint16_t)((r->next_asked + 1) % r->vrrp_count);
		const struct vrrp_setup *const s = &r->vrrps[r->next_asked].set;

		if (s->group != group || !r->carrier[r->next_asked])
			continue;
		for (uint8_t family = 4; family <= 6; family += 2) {
			if (vrrp_has(s, family))
				r->ops.ask(r->ops.ctx, s->interface, s->vrid, family);
		}
		asked++;
	}
}

static void
timer_asks(struct role *r, struct role_group *g, mono_t now)
{
	const bool last = nearly_over(r, g, now);
	const uint64_t every = last ? r->hello_ns / 4 / LAST_ASKS : r->hello_ns / 2;

	if (!careful(r, g) || !r->hrp_alive || (!last && !g->averted))
		return;
	if (last && !mono_before(base_of(g), g->first_asked))
		g->first_asked = now;
	else if (role_since(now, g->asked_there) < every)
		return;
	g->asked_there = now;
	ask(r, g->id);
}

bool
role_split_holds(const struct role *r, const struct role_group *g, mono_t now)
{
	const mono_t base = base_of(g);

	if (!careful(r, g))
		return false;
	/* The answer to its first question may be on its way. */
	return role_since(now, base) <= limit_of(r, g) || !mono_before(base, g->first_asked) ||
	       role_since(now, g->first_asked) < r->hello_ns / 4;
}

static void
timer_end(struct role *r, struct role_group *g, mono_t now)
{
	const bool rivals = g->rival_until.ns != 0;

	if (!g->averted && g->rival_until.ns == 0)
		return;
	if (mono_before(g->seen_there, g->peer_heard)) {
		g->averted = false;
		g->rival_until.ns = 0;
		r->split_end = "the heartbeat works again";
	} else if (g->averted && vgmp_owns(g->state)) {
		g->averted = false;
		r->split_end = "the peer is silent, this box has taken over";
	} else if (g->rival_until.ns != 0 &&
		   (!vgmp_owns(g->state) || !mono_before(now, g->rival_until))) {
		g->rival_until.ns = 0;
		r->split_end = "the peer is no longer active";
		role_vrrp_reassert(r, g->id, now);
	}
	if (rivals && g->rival_until.ns == 0)
		role_split_relearn(r);
}

void
role_split_tick(struct role *r, mono_t now)
{
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (!g->enabled)
			continue;
		watch_rival(r, g, now);
		timer_asks(r, g, now);
		timer_end(r, g, now);
	}
	settle(r, now);
}
