/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Status of the roles for shows: built by the control core when something changed, copied out word
 * by word under a sequence count, so that readers never stop it and never see half a change.
 */
#include "role_state.h"

#include <string.h>

static void
build_group(struct role *r, uint8_t id)
{
	const struct role_group *const g = &r->group[id];
	struct role_group_status *const s = &r->status.group[id];

	s->enabled = g->enabled;
	s->state = (uint8_t)vgmp_shown(g->state);
	s->peer_known = g->peer_known;
	s->peer_state = (uint8_t)vgmp_shown(g->peer_state);
	s->listening = g->listening;
	s->from = (uint8_t)g->from;
	s->members = r->members.members[id];
	s->failed = r->members.failed[id];
	s->peer_members = g->peer_members;
	s->vrids = g->vrids_state;
	s->priority = role_priority(r, g);
	s->peer_priority = g->peer_priority;
	s->epoch = g->epoch;
	s->peer_epoch = g->peer_epoch;
	s->changed_priority = g->changed_priority;
	s->changed_peer_priority = g->changed_peer_priority;
	s->changed_ns = g->changed.ns;
	memcpy(s->cause, g->cause, sizeof(s->cause));
}

static void
build_vrrp(struct role *r, uint16_t i)
{
	const struct vrrp *const v = &r->vrrps[i];

	r->status.vrrp[i] = (struct role_vrrp_status){
		.state = (uint8_t)v->state,
		.priority = v->priority,
		.master_priority = v->master_priority,
		.tracks_failed = r->track[i].failed,
		.master_advert_ms = v->master_advert_ms,
		.master = v->master,
		.adverts_out = v->adverts_out,
		.adverts_in = v->adverts_in,
		.adverts6_in = v->adverts6_in,
		.resigns_in = v->resigns_in,
		.plain_sums_in = v->plain_sums_in,
		.differ_in = v->differ_in,
		.authentic_in = v->authentic_in,
		.conflicts = v->conflicts,
		.conflict_ns = v->conflict.ns,
		.changed_ns = v->changed.ns,
	};
}

void
role_status_changed(struct role *r, const struct role_group *g, enum vgmp_state to)
{
	struct role_change *const c = &r->status.changes[r->status.change_count++ % ROLE_CHANGES];

	*c = (struct role_change){ .at_ns = g->changed.ns,
		.priority = g->changed_priority,
		.peer_priority = g->changed_peer_priority,
		.epoch = g->epoch,
		.group = g->id,
		.from = (uint8_t)g->from,
		.to = (uint8_t)to };
	memcpy(c->cause, g->cause, sizeof(c->cause));
	role_event_change(r, c, r->status.change_count);
}

void
role_status_publish(struct role *r, mono_t now)
{
	struct role_status *const s = &r->status;
	struct role_published *const p = &r->published;
	uint64_t word;

	if (!r->dirty)
		return;
	r->dirty = false;
	role_event_members(r, now);
	role_event_peer(r, now);

	s->paired = r->params.paired;
	s->peer_alive = r->told_alive;
	s->synchronised = r->synchronised;
	s->links = r->links;
	s->mispaired = r->mispaired;
	s->unfit = r->unfit;
	s->preempt = r->params.preempt;
	s->owning = r->told_active;
	s->held = r->held;
	s->switch_over = r->switch_over;
	s->hello_ms = r->params.hello_ms;
	s->misses = r->params.misses;
	s->preempt_delay_s = r->params.preempt_delay_s;
	s->vrrp_count = r->vrrp_count;
	s->member_count = r->members.count;
	s->fences = r->fences;
	s->takeovers = r->takeovers;
	s->dual_active = r->dual_active;
	s->hello_mismatch = r->hello_mismatch;
	s->split = r->split;
	s->split_yield = r->params.split_yield;
	s->splits = r->splits;
	s->splits_averted = r->splits_averted;
	memcpy(s->split_cause, r->split_cause, sizeof(s->split_cause));
	memcpy(s->adverts_refused, r->adverts_refused, sizeof(s->adverts_refused));
	build_group(r, VGMP_GROUP_ACTIVE);
	build_group(r, VGMP_GROUP_STANDBY);
	for (uint16_t i = 0; i < r->members.count; i++)
		s->member_failed[i] = r->members.list[i].failed;
	for (uint16_t i = 0; i < r->vrrp_count; i++)
		build_vrrp(r, i);

	const uint32_t sequence = atomic_load_explicit(&p->sequence, memory_order_relaxed);

	atomic_store_explicit(&p->sequence, sequence + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < ROLE_STATUS_WORDS; i++) {
		memcpy(&word, (const uint8_t *)s + i * sizeof(word), sizeof(word));
		atomic_store_explicit(&p->words[i], word, memory_order_relaxed);
	}
	atomic_store_explicit(&p->sequence, sequence + 2, memory_order_release);
}

void
role_status_read(const struct role *r, struct role_status *out)
{
	const struct role_published *const p = &r->published;
	uint32_t before, after;
	uint64_t word;

	do {
		before = atomic_load_explicit(&p->sequence, memory_order_acquire);
		for (size_t i = 0; i < ROLE_STATUS_WORDS; i++) {
			word = atomic_load_explicit(&p->words[i], memory_order_relaxed);
			memcpy((uint8_t *)out + i * sizeof(word), &word, sizeof(word));
		}
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&p->sequence, memory_order_relaxed);
	} while (before != after || (before & 1) != 0);
}

const struct vrrp_setup *
role_vrrp_setup(const struct role *r, uint32_t i)
{
	FW_ASSERT(i < r->vrrp_count);
	return &r->vrrps[i].set;
}

const struct mon *
role_members(const struct role *r)
{
	return &r->members;
}

bool
role_rival(const struct role *r, const struct role_status *s, uint32_t i, mono_t now)
{
	const mono_t last = { .ns = s->vrrp[i].conflict_ns };
	const uint64_t window = ROLE_RIVAL_ADVERTS * role_vrrp_setup(r, i)->advert_ms * NS_PER_MS;

	return last.ns != 0 && role_since(now, last) <= window;
}

bool
role_owning(const struct role *r)
{
	return atomic_load_explicit(&r->owning, memory_order_relaxed);
}
