/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: interfaces, ways and scripts that plain VRRP groups track (R42, R43, R224, R233).  Control
 * core only.
 */
#include "role_state.h"

#define LOOK_MS 10
#define WAYS_MS 1000 /* a way is asked for each time */

static bool
failed(const struct role *r, const struct vrrp_track *t, bool before)
{
	int works;

	if (t->script != 0)
		works = r->ops.script(r->ops.ctx, (uint16_t)(t->script - 1));
	else if (t->destination.family != 0)
		works = r->ops.reaches(r->ops.ctx, &t->destination);
	else
		works = r->ops.link_up(r->ops.ctx, t->interface);
	return works < 0 ? before : (works == 0) != t->reverse;
}

static void
look(struct role *r, uint16_t group, bool ways)
{
	const struct vrrp_setup *const s = &r->vrrps[group].set;
	struct role_track *const now = &r->track[group];
	const uint8_t before = now->failed;

	now->fault = false;
	for (uint8_t i = 0; i < s->track_count; i++) {
		const struct vrrp_track *const t = &s->tracks[i];
		const bool old = (before >> i & 1) != 0;
		const bool bad = t->destination.family != 0 && !ways ? old : failed(r, t, old);

		now->failed = (uint8_t)((now->failed & ~(1u << i)) | (unsigned int)bad << i);
		now->fault = now->fault || (bad && t->weight == 0);
		if (bad == old)
			continue;
		r->dirty = true;
		LOG(NOTICE, "(%s) tracked %s is %s", s->name, t->name, bad ? "down" : "up");
	}
}

/* A script counts as failed until it has ended once, so that the group does not begin with a
 * priority which it then loses. */
void
role_track_init(struct role *r)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		const struct vrrp_setup *const s = &r->vrrps[i].set;

		for (uint8_t k = 0; k < s->track_count; k++) {
			const bool bad = s->tracks[k].script != 0;

			r->track[i].failed |= (uint8_t)(bad << k);
			r->track[i].fault = r->track[i].fault || (bad && s->tracks[k].weight == 0);
		}
	}
}

void
role_track_tick(struct role *r, mono_t now)
{
	const bool ways = !mono_before(now, r->ways_due);

	if (mono_before(now, r->track_due))
		return;
	r->track_due = mono_add_ms(now, LOOK_MS);
	if (ways)
		r->ways_due = mono_add_ms(now, WAYS_MS);
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		if (r->vrrps[i].set.track_count > 0)
			look(r, i, ways);
	}
}

uint32_t
role_track_apply(struct role *r, uint16_t group, mono_t now)
{
	struct vrrp *const v = &r->vrrps[group];
	int32_t weight = 0;

	if (v->set.track_count == 0)
		return 0;
	for (uint8_t i = 0; i < v->set.track_count; i++) {
		const bool bad = (r->track[group].failed >> i & 1) != 0;

		if (bad == (v->set.tracks[i].weight < 0))
			weight += v->set.tracks[i].weight;
	}
	return vrrp_weigh(v, weight, now);
}
