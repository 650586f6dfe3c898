/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages from the roles to the peer: built whole here, sent by the HRP core.  Control core only.
 */
#include "role_state.h"

#include <string.h>

uint32_t
role_priority(const struct role *r, const struct role_group *g)
{
	/* A box that leaves, is held or cannot forward has nothing to offer: any peer is better. */
	if (r->resigning || r->unfit || r->held || r->params.held_back || g->planned)
		return 0;
	return mon_priority(&r->members, g->id, mon_base(&r->members, g->id));
}

uint32_t
role_newest_epoch(const struct role *r, const struct role_group *g)
{
	return vgmp_newest_epoch(vgmp_newest_epoch(g->epoch, g->peer_epoch), r->peer_epoch);
}

bool
role_peer_alive(const struct role *r, const struct role_group *g, mono_t now)
{
	return g->peer_known && now.ns - g->peer_heard.ns <= r->silence_ns;
}

static bool
put(struct role *r, uint8_t *message, uint16_t len, mono_t now)
{
	/* The stamp lets the HRP core drop what a pause has made old. */
	struct ha_msg m = {
		.type = HA_MSG_SEND,
		.len = (uint8_t)len,
		.value = (uint32_t)(now.ns / NS_PER_MS),
	};

	ha_finish(message, len, HA_VGMP, r->params.hello_ms);
	memcpy(m.data, message, len);
	if (r->ops.put(r->ops.ctx, &m))
		return true;
	if (log_allowed(&r->limit_bus, now.ns))
		LOG(WARNING, "roles: the HRP core takes no messages");
	return false;
}

static void
fill_vgmp(const struct role *r, const struct role_group *g, struct ha_vgmp *v)
{
	*v = (struct ha_vgmp){
		.vtype = HA_VGMP_HELLO,
		.group = g->id,
		.state = (uint8_t)g->state,
		.priority = rte_cpu_to_be_32(role_priority(r, g)),
		.members = rte_cpu_to_be_16(r->members.members[g->id]),
		.failed = rte_cpu_to_be_16(r->members.failed[g->id]),
	};
}

bool
role_send_vgmp(struct role *r, const struct role_group *g, enum ha_mode mode, enum ha_op op,
	enum ha_result result, uint16_t id, mono_t now)
{
	uint8_t message[sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp)] = { 0 };
	struct ha_vgmp v;

	fill_vgmp(r, g, &v);
	v.mode = (uint8_t)mode;
	v.op = (uint8_t)op;
	v.result = (uint8_t)result;
	v.request_id = rte_cpu_to_be_16(id);
	memcpy(message + sizeof(struct ha_vrrp), &v, sizeof(v));
	return put(r, message, sizeof(message), now);
}

static bool
send_hrp_hello(struct role *r, const struct role_group *g, mono_t now)
{
	uint8_t message[sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp) +
			sizeof(struct hrp_hello)] = { 0 };
	struct ha_vgmp v;
	struct hrp_hello h = {
		.epoch = rte_cpu_to_be_32(g->epoch),
		.flags = (uint8_t)((r->params.preempt ? HRP_HELLO_PREEMPT : 0) |
				   (r->synchronised ? HRP_HELLO_BULK_COMPLETE : 0) |
				   (r->params.held_back ? HRP_HELLO_SELF_TEST : 0) |
				   (r->resigning ? HRP_HELLO_LEAVING : 0) |
				   (r->params.quick ? HRP_HELLO_QUICK : 0) |
				   (r->params.automatic ? HRP_HELLO_AUTO_STATE : 0)),
		.hello_ms = rte_cpu_to_be_16((uint16_t)r->params.hello_ms),
		.sessions = rte_cpu_to_be_32(r->ops.sessions(r->ops.ctx)),
	};

	if (r->ops.config != NULL)
		r->ops.config(r->ops.ctx, &h);
	fill_vgmp(r, g, &v);
	v.vtype = HA_HRP_HELLO;
	v.request_id = rte_cpu_to_be_16(g->mark);
	memcpy(message + sizeof(struct ha_vrrp), &v, sizeof(v));
	memcpy(message + sizeof(struct ha_vrrp) + sizeof(v), &h, sizeof(h));
	return put(r, message, sizeof(message), now);
}

/* What an announcement has in place of a request id. */
static uint16_t
patience_of(const struct role *r)
{
	return (uint16_t)(r->patience_ns / (HA_PATIENCE_MS * NS_PER_MS));
}

void
role_send_hellos(struct role *r, mono_t now)
{
	bool all = true, some = false;

	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = &r->group[id];

		if (!g->enabled)
			continue;
		role_send_vgmp(r, g, HA_ANNOUNCE, HA_OP_HELLO, HA_RESULT_NONE, patience_of(r), now);
		if (!vgmp_owns(g->state)) /* HRP hellos are the Active's (R89, C11) */
			continue;
		some = true;
		all = send_hrp_hello(r, g, now) && all;
	}
	if (some && all && !r->group[VGMP_GROUP_ACTIVE].draining &&
		!r->group[VGMP_GROUP_STANDBY].draining)
		lease_hello(&r->lease, now, r->ops.hrp_turns(r->ops.ctx));
}

void
role_tell_hrp(struct role *r, mono_t now)
{
	struct ha_msg m = { .type = HA_MSG_ROLE };
	const bool split = r->split != ROLE_SPLIT_NONE;
	bool active = false, alive = false;
	uint32_t epoch = 0;
	uint8_t groups = 0;

	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		const struct role_group *const g = &r->group[id];

		alive = alive || (g->enabled && role_peer_alive(r, g, now));
		/* As what the peer's group is paired with, where both boxes use the same one. */
		if (vgmp_owns(g->state)) {
			active = true;
			groups |= (uint8_t)(1 << (g->twin ? vgmp_paired(id) : id));
		}
		/* A Standby too: a peer that starts again must not begin behind it. */
		epoch = vgmp_newest_epoch(epoch, role_newest_epoch(r, g));
	}
	if (r->told_any && groups == r->told_groups && alive == r->told_alive &&
		epoch == r->told_epoch && split == r->told_split)
		return;
	m.len = 3;
	m.flag = active;
	m.value = epoch;
	m.data[0] = alive;
	m.data[1] = groups;
	m.data[2] = split;
	if (!r->ops.put(r->ops.ctx, &m))
		return; /* again next tick */
	r->told_any = true;
	r->told_active = active;
	r->told_groups = groups;
	r->told_alive = alive;
	r->told_split = split;
	r->told_epoch = epoch;
	r->dirty = true;
	atomic_store_explicit(&r->owning, active, memory_order_relaxed);
}
