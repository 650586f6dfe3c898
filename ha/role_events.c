/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: what programs are told of them (events.h).  Control core only.
 */
#include "role_state.h"

#include <stdio.h>
#include <string.h>

static struct event
event_of(enum event_kind kind, const char *from, const char *to, const char *cause, mono_t now)
{
	struct event e = { .kind = (uint8_t)kind, .interface = EVENT_NONE, .at_ns = now.ns };

	snprintf(e.from, sizeof(e.from), "%s", from);
	snprintf(e.to, sizeof(e.to), "%s", to);
	snprintf(e.cause, sizeof(e.cause), "%.95s", cause);
	return e;
}

static void
set_group(struct event *e, uint8_t group)
{
	snprintf(e->group, sizeof(e->group), "%s", role_group_names[group]);
}

void
role_event_change(struct role *r, const struct role_change *c, uint64_t number)
{
	struct event e = event_of(EVENT_ROLE, vgmp_state_names[c->from], vgmp_state_names[c->to],
		c->cause, (mono_t){ .ns = c->at_ns });

	set_group(&e, c->group);
	e.priority = c->priority;
	e.peer_priority = c->peer_priority;
	e.epoch = c->epoch;
	e.change = number;
	e.leaving = r->resigning;
	events_post(r->params.events, &e);
}

void
role_event_members(struct role *r, mono_t now)
{
	if (r->params.events == NULL)
		return;
	for (uint16_t i = 0; i < r->members.count; i++) {
		const struct mon_member *const m = &r->members.list[i];
		char cause[ROLE_CAUSE];
		struct event e;

		if (m->failed == r->told_failed[i])
			continue;
		r->told_failed[i] = m->failed;
		snprintf(cause, sizeof(cause), "%u of %u members failed",
			r->members.failed[m->group], r->members.members[m->group]);
		e = event_of(EVENT_MEMBER, m->failed ? "up" : "down", m->failed ? "down" : "up",
			cause, now);
		set_group(&e, m->group);
		snprintf(e.member, sizeof(e.member), "%s", m->name);
		snprintf(e.type, sizeof(e.type), "%s", m->type->name);
		events_post(r->params.events, &e);
	}
}

void
role_event_peer(struct role *r, mono_t now)
{
	static const char *const words[] = { "silent", "heard" };
	const bool alive = r->told_alive;
	struct event e;

	if (r->params.events == NULL || alive == r->told_heard)
		return;
	r->told_heard = alive;
	e = event_of(EVENT_PEER, words[!alive], words[alive],
		alive ? "hellos arrive" : "no hello in time", now);
	events_post(r->params.events, &e);
}

void
role_event_switch(struct role *r, const char *from, const char *to, const char *cause, mono_t now)
{
	const struct event e = event_of(EVENT_SWITCH_OVER, from, to, cause, now);

	events_post(r->params.events, &e);
}

void
role_event_hold(struct role *r, bool on, mono_t now)
{
	static const char *const words[] = { "off", "on" };
	const struct event e = event_of(EVENT_HOLD, words[!on], words[on], "order", now);

	events_post(r->params.events, &e);
}

void
role_event_split(struct role *r, uint8_t from, const char *cause, mono_t now)
{
	const struct event e = event_of(
		EVENT_SPLIT_BRAIN, role_split_names[from], role_split_names[r->split], cause, now);

	events_post(r->params.events, &e);
}

void
role_event_vrrp(
	struct role *r, const struct vrrp *v, enum vrrp_state old, const char *cause, mono_t now)
{
	struct event e;

	if (r->params.events == NULL)
		return;
	e = event_of(EVENT_VRRP, vrrp_state_names[old], vrrp_state_names[v->state], cause, now);

	e.interface = v->set.interface;
	e.place = (uint16_t)(v - r->vrrps);
	e.vrid = v->set.vrid;
	e.leaving = r->resigning;
	e.priority = v->priority;
	events_post(r->params.events, &e);
}
