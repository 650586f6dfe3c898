/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy_usage.h"

#include "management.h"
#include "session_walk.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_PER_STEP 16384

struct policy_usage {
	uint32_t begun, ended; /* walks */
	bool walking;
	uint32_t next;			   /* slot */
	uint32_t version, counted_version; /* snapshots of `counting`, of `counted` */
	uint32_t size, counted_size;	   /* entries */
	struct policy_usage_of *counting;  /* [size] */
	struct policy_usage_of *counted;   /* [counted_size]: of the last whole walk */
};

static struct policy_usage *
usage(struct management *m)
{
	if (m->policy_usage == NULL)
		m->policy_usage = calloc(1, sizeof(*m->policy_usage));
	return m->policy_usage;
}

static uint32_t
ask(struct management *m)
{
	const struct policy_usage *u = usage(m);

	return u != NULL ? u->begun + 1 : 1;
}

/* => false: out of memory */
static bool
begin(struct policy_usage *u, const struct snapshot *s)
{
	free(u->counting);
	u->size = POLICY_PAIRS + policy_rule_count(s->policy);
	u->counting = calloc(u->size, sizeof(*u->counting));
	u->version = s->version;
	u->next = 0;
	u->walking = u->counting != NULL;
	return u->walking;
}

static void
end(struct policy_usage *u)
{
	free(u->counted);
	u->counted = u->counting;
	u->counted_size = u->size;
	u->counted_version = u->version;
	u->counting = NULL;
	u->ended = u->begun;
	u->walking = false;
}

static uint64_t
load(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static void
add(struct policy_usage *u, const struct policy *p, const struct session *s)
{
	const uint32_t id = atomic_load_explicit(&s->policy, memory_order_relaxed);
	const uint16_t slot = policy_slot_of(p, id);
	struct policy_usage_of *of =
		&u->counting[policy_counter_index(slot, s->zone[0], s->zone[1])];

	if (!session_counts(s) || (slot == 0 && id != 0))
		return;
	of->sessions++;
	for (unsigned int i = 0; i < 2; i++) {
		of->packets += load(&s->dir[i].packets);
		of->bytes += load(&s->dir[i].bytes);
	}
}

static bool
step(struct management *m, uint32_t ticket)
{
	const struct session_table *t = engine_sessions(m->engine);
	const struct snapshot *snap = engine_snapshot(m->engine);
	struct session_walk w = { .slots = SLOTS_PER_STEP };
	struct policy_usage *u = usage(m);
	const struct session *s;

	if (u == NULL || snap == NULL)
		return true; /* nothing to wait for: it shows none */
	/* A ticket from a program's cursor may be of another life: wait for one walk at most. */
	if (ticket > u->begun + 1)
		ticket = u->begun + 1;
	if (u->ended >= ticket && u->counted_version == snap->version)
		return true;
	if (!u->walking)
		u->begun++;
	if ((!u->walking || u->version != snap->version) && !begin(u, snap))
		return true;
	w.next = u->next;
	while ((s = session_walk_next(t, &w)) != NULL)
		add(u, snap->policy, s);
	u->next = w.next;
	if (w.next < session_table_capacity(t))
		return false;
	end(u);
	return u->ended >= ticket;
}

bool
policy_usage_ready(struct management *m, uint64_t *cursor)
{
	if (*cursor >> 32 == 0)
		*cursor |= (uint64_t)ask(m) << 32;
	return step(m, (uint32_t)(*cursor >> 32));
}

struct policy_usage_of
policy_usage_get(const struct management *m, uint32_t index)
{
	const struct policy_usage *u = m->policy_usage;
	const struct snapshot *s = engine_snapshot(m->engine);

	if (u == NULL || s == NULL || u->counted_version != s->version || index >= u->counted_size)
		return (struct policy_usage_of){ 0 };
	return u->counted[index];
}

void
policy_usage_free(struct management *m)
{
	if (m->policy_usage == NULL)
		return;
	free(m->policy_usage->counting);
	free(m->policy_usage->counted);
	free(m->policy_usage);
	m->policy_usage = NULL;
}
