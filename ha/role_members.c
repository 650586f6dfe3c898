/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: members of the VGMP groups: what became of them, and what that changes.  Control core
 * only.
 */
#include "role_state.h"

#define ASK_MS	  100  /* between two questions about scripts and ways */
#define SETTLE_MS 1000 /* at the start: for links to come up and next hops to answer */

struct before {
	bool failed[MON_MEMBERS_MAX];
};

static void
remember(const struct role *r, struct before *b)
{
	for (uint16_t i = 0; i < r->members.count; i++)
		b->failed[i] = r->members.list[i].failed;
}

/* One line for each member that failed or works again (R241), but for those that come up at the
 * start.  => the type of one that has changed; NULL: none has */
static const struct mon_type *
tell(const struct role *r, const struct before *b)
{
	const struct mon_type *type = NULL;

	for (uint16_t i = 0; i < r->members.count; i++) {
		const struct mon_member *const m = &r->members.list[i];

		if (m->failed == b->failed[i])
			continue;
		type = m->type;
		if (m->failed)
			LOG(NOTICE, "(%s): entering FAULT state (%s)", m->name, type->down);
		else if (r->group[m->group].state != VGMP_INITIALIZE)
			LOG(NOTICE, "(%s): leaving FAULT state (%s)", m->name, type->up);
	}
	return type;
}

void
role_members_link(struct role *r, uint16_t interface, bool up, mono_t now)
{
	struct before before;
	uint32_t risen;

	remember(r, &before);
	risen = mon_link(&r->members, interface, up);
	tell(r, &before);
	role_members_changed(r, "interface", risen, now);
}

bool
role_members_settled(struct role *r, mono_t now)
{
	bool all = true;

	if (r->settle_since.ns == 0)
		r->settle_since = now;
	for (uint16_t i = 0; i < r->members.count; i++) {
		const struct mon_member *const m = &r->members.list[i];
		const int works = m->type->ask != NULL ? m->type->ask(m, &r->ops) : 1;

		if (works < 0)
			return false;
		all = all && works > 0;
	}
	if (!all && role_since(now, r->settle_since) < SETTLE_MS * NS_PER_MS)
		return false;
	mon_ask(&r->members, &r->ops);
	return true;
}

void
role_members_ask(struct role *r, mono_t now)
{
	const struct mon_type *type;
	struct before before;
	uint32_t risen;

	if (mono_before(now, r->members_due) || r->left)
		return;
	r->members_due = mono_add_ms(now, ASK_MS);
	remember(r, &before);
	risen = mon_ask(&r->members, &r->ops);
	type = tell(r, &before);
	if (type == NULL)
		return;
	r->dirty = true;
	role_members_changed(r, type->name, risen, now);
}
