/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Monitored members: counting.
 */
#include "mon.h"

#include "check.h"
#include "ha_constants.h"
#include "ha_members.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
mon_init(struct mon *m)
{
	memset(m, 0, sizeof(*m));
}

int
mon_collect(struct mon *m, const struct config *config, char *err, size_t err_size)
{
	for (unsigned int i = 0; ha_members[i] != NULL; i++) {
		const int rc = ha_members[i]->collect(m, config, err, err_size);

		if (rc != 0)
			return rc;
	}
	return 0;
}

int
mon_add(struct mon *m, const struct mon_member *member, char *err, size_t err_size)
{
	FW_ASSERT(member->group >= VGMP_GROUP_ACTIVE && member->group <= VGMP_GROUP_STANDBY);
	if (m->count == MON_MEMBERS_MAX) {
		snprintf(err, err_size, "more than %u monitored members", MON_MEMBERS_MAX);
		return -ENOSPC;
	}
	m->list[m->count++] = *member;
	m->members[member->group]++;
	m->failed[member->group] += member->failed;
	return 0;
}

void
mon_remove(struct mon *m, uint16_t index)
{
	FW_ASSERT(index < m->count);
	mon_set(m, index, false);
	m->members[m->list[index].group]--;
	m->count--;
	memmove(&m->list[index], &m->list[index + 1],
		(size_t)(m->count - index) * sizeof(m->list[0]));
}

void
mon_set(struct mon *m, uint16_t index, bool failed)
{
	struct mon_member *const x = &m->list[index];

	if (failed && !x->failed)
		m->failed[x->group]++;
	else if (!failed && x->failed)
		m->failed[x->group]--;
	x->failed = failed;
}

/* => bit of its group if it has failed now. */
static uint32_t
found(struct mon *m, uint16_t index, bool failed)
{
	const struct mon_member *const x = &m->list[index];
	const uint32_t risen = failed && !x->failed ? 1u << x->group : 0;

	mon_set(m, index, failed);
	return risen;
}

uint32_t
mon_link(struct mon *m, uint16_t interface, bool up)
{
	uint32_t risen = 0;

	for (uint16_t i = 0; i < m->count; i++) {
		const struct mon_member *const x = &m->list[i];

		if (x->type->link != NULL)
			risen |= found(m, i, x->type->link(x, interface, up));
	}
	return risen;
}

uint32_t
mon_ask(struct mon *m, const struct role_ops *ops)
{
	uint32_t risen = 0;

	for (uint16_t i = 0; i < m->count; i++) {
		const struct mon_member *const x = &m->list[i];
		const int works = x->type->ask != NULL ? x->type->ask(x, ops) : -1;

		if (works >= 0)
			risen |= found(m, i, works == 0);
	}
	return risen;
}

uint32_t
mon_priority(const struct mon *m, uint8_t group, uint32_t base)
{
	const uint32_t loss = (uint32_t)m->failed[group] * VGMP_MEMBER_COST;

	return loss < base ? base - loss : 0;
}

uint32_t
mon_base(const struct mon *m, uint8_t group)
{
	const uint32_t standby =
		m->boards == 0 ? VGMP_PRIORITY_STANDBY
			       : VGMP_PRIORITY_CHASSIS + VGMP_PRIORITY_BOARD * (uint32_t)m->boards;

	return group == VGMP_GROUP_ACTIVE ? standby + 1 : standby;
}
