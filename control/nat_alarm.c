/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat_alarm.h"

#include "log.h"
#include "nat.h"

#include <inttypes.h>

enum nat_alarm_change
nat_alarm_step(struct nat_alarm_group *g, uint32_t name, uint64_t exhausted, mono_t now)
{
	bool more;

	/* Another group has the place now, or this one has come back with new counters. */
	if (g->name != name || exhausted < g->exhausted)
		*g = (struct nat_alarm_group){ .name = name };
	more = exhausted > g->exhausted;
	if (more && !g->raised)
		g->before = g->exhausted;
	g->exhausted = exhausted;
	if (more) {
		const bool news = !g->raised;

		g->raised = true;
		g->until = mono_add_ms(now, NAT_ALARM_QUIET_MS);
		return news ? NAT_ALARM_RAISED : NAT_ALARM_SAME;
	}
	if (!g->raised || mono_before(now, g->until))
		return NAT_ALARM_SAME;
	g->raised = false;
	return NAT_ALARM_CLEARED;
}

static void
look(struct nat_alarm_group *g, const struct nat_groups *groups, uint16_t id, mono_t now,
	void (*tell)(void *ctx, const struct nat_alarm_event *), void *ctx)
{
	const struct nat_group_params *p = nat_groups_params(groups, id);
	const char *what = p->mode == NAT_POOL_NO_PAT ? "address" : "port";
	const uint64_t exhausted = nat_groups_stats(groups, id).exhausted;
	struct nat_alarm_event e = {
		.group = p->name,
		.id = nat_groups_name(groups, id),
		.no_pat = p->mode == NAT_POOL_NO_PAT,
	};

	switch (nat_alarm_step(g, e.id, exhausted, now)) {
	case NAT_ALARM_RAISED:
		e.refused = exhausted - g->before;
		LOG(WARNING,
			"address group %s: available -> exhausted: %" PRIu64
			" connections refused, no %s left",
			p->name, e.refused, what);
		if (tell != NULL)
			tell(ctx, &e);
		break;
	case NAT_ALARM_CLEARED:
		LOG(NOTICE,
			"address group %s: exhausted -> available: none refused for %d s, %" PRIu64
			" in all",
			p->name, NAT_ALARM_QUIET_MS / 1000, exhausted - g->before);
		break;
	case NAT_ALARM_SAME:
		break;
	}
}

void
nat_alarm_look(struct nat_alarm *a, const struct nat *nat, mono_t now,
	void (*tell)(void *ctx, const struct nat_alarm_event *), void *ctx)
{
	for (uint32_t i = 0; nat != NULL && i < nat->group_count; i++) {
		const uint16_t id = nat->group_ids[i];

		look(&a->groups[id], nat->groups, id, now, tell, ctx);
	}
}
