/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: what the peer's messages mean.  They have passed ha_check(); control core only.
 */
#include "role_state.h"

#include <string.h>

/* The peer was Active and is in Initialize: it left, or has lost its sessions, or has been silent.
 * We hold the copies, so we take over now and do not wait for the silence to be complete.  It goes
 * on only after we have answered its question, and the answer will be "Active". */
static void
peer_lost_role(struct role *r, struct role_group *g, mono_t now)
{
	if (g->state == VGMP_STANDBY && !g->listening && g->copy_held && g->peer_was_active &&
		g->peer_state == VGMP_INITIALIZE)
		role_raise_text(r, g, VGMP_PEER_GONE, "peer gave up its role", now);
}

/* We say that we are not Active: the peer gets a whole silence time to begin, whatever it says it
 * is until then. */
static void
promise(struct role_group *g, mono_t now)
{
	g->silent_since = now;
	g->copy_held = false;
}

static void
on_request(struct role *r, struct role_group *g, const struct ha_vgmp *v, mono_t now)
{
	const uint32_t ours = role_priority(r, g), theirs = g->peer_priority;
	struct role_event e = {
		.base = role_usual_base(r, now), .id = rte_be_to_cpu_16(v->request_id), .op = v->op
	};
	/* The peer may have acted on our no, so a retry of the same request gets no other answer.
	 */
	const bool declined = e.id != 0 && e.id == g->declined_id;
	const bool lower = ours < theirs || (g->twin && ours == theirs && g->second);

	switch (v->op) {
	case HA_OP_LET_ME_STANDBY:
		/* It may be a request from before our pause: who asks will ask again. */
		if (g->listening)
			return;
		e.text = "request of peer";
		role_raise(r, g,
			ours > theirs && !declined ? VGMP_ASKED_STANDBY_HIGHER
						   : VGMP_ASKED_STANDBY_LOWER,
			&e, now);
		return;
	case HA_OP_LET_ME_ACTIVE:
		e.text = "peer preempts";
		role_raise(r, g,
			lower && !declined ? VGMP_ASKED_ACTIVE_LOWER : VGMP_ASKED_ACTIVE_HIGHER, &e,
			now);
		promise(g, now);
		return;
	default:
		promise(g, now); /* a listening peer asks what we are */
		role_send_vgmp(r, g, HA_REPLY, HA_OP_HELLO, HA_RESULT_NONE, e.id, now);
	}
}

static void
on_reply(struct role *r, struct role_group *g, const struct ha_vgmp *v, mono_t now)
{
	const uint16_t id = rte_be_to_cpu_16(v->request_id);
	struct role_event e = { .base = g->ask_first };

	if (v->op == HA_OP_HELLO) {
		/* Only the newest question, and only in time: the answer is a promise that ages. */
		if (!g->listening || id != g->listen_id ||
			role_since(now, g->listen_asked) > r->hello_ns)
			return;
		g->listening = false;
		r->dirty = true;
		e.base = g->listen_asked;
		e.text = vgmp_owns(g->peer_state) ? "peer is active" : "peer is not active";
		role_raise(r, g, vgmp_owns(g->peer_state) ? VGMP_PEER_ACTIVE : VGMP_PEER_IDLE, &e,
			now);
		return;
	}
	if (g->asking != v->op || id != g->ask_id)
		return;
	if (v->result == HA_RESULT_SWITCH) {
		/* Too late to be Active on this answer: the peer may be about to take over. */
		const bool late =
			v->op == HA_OP_LET_ME_ACTIVE &&
			role_since(now, g->ask_first) + r->hello_ns / 2 > r->lease.reach_ns;

		e.text = v->op == HA_OP_LET_ME_ACTIVE ? "preempt" : g->ask_cause;
		role_raise(r, g, late ? VGMP_ANSWER_NO : VGMP_ANSWER_SWITCH, &e, now);
	} else if (v->result == HA_RESULT_NO_SWITCH) {
		e.text = "peer declines";
		role_raise(r, g, VGMP_ANSWER_NO, &e, now);
	}
}

static void
on_hrp_hello(struct role *r, struct role_group *g, const uint8_t *body, mono_t now)
{
	struct hrp_hello h;

	memcpy(&h, body, sizeof(h));
	g->peer_epoch = rte_be_to_cpu_32(h.epoch);
	if (rte_be_to_cpu_16(h.hello_ms) != r->params.hello_ms) {
		r->hello_mismatch++;
		if (log_allowed(&r->limit_hello, now.ns))
			LOG(WARNING, "roles: hello interval is %u ms here and %u ms at the peer",
				r->params.hello_ms, rte_be_to_cpu_16(h.hello_ms));
	}
	if (!vgmp_owns(g->state) || !vgmp_owns(g->peer_state))
		return;

	const uint32_t ours = role_priority(r, g);
	const bool peer_wins =
		vgmp_peer_wins(g->second, g->epoch, ours, g->peer_epoch, g->peer_priority);

	/* During a hand-over both are Active for a moment, by design. */
	if (g->state == VGMP_ACTIVE && g->peer_state == VGMP_ACTIVE) {
		r->dual_active++;
		if (log_allowed(&r->limit_dual, now.ns))
			LOG(ERROR, "roles: both active: epochs %u/%u, priorities %u/%u, %s yields",
				g->epoch, g->peer_epoch, ours, g->peer_priority,
				peer_wins ? "this box" : "the peer");
		r->hello_now = true;
		g->reassert = !peer_wins;
	}
	if (peer_wins)
		role_raise_text(r, g, VGMP_PEER_WINS, "both active", now);
}

/* The lease of the other box is over after its own N x H, and its hellos come as often as it says:
 * a box that is less patient would take over from a peer that lives, or has not ended yet. */
static void
note_patience(struct role *r, uint16_t patience, mono_t now)
{
	const uint64_t theirs = patience * (HA_PATIENCE_MS * NS_PER_MS);

	if (patience == 0) /* an earlier version */
		return;
	r->silence_ns = theirs > r->patience_ns ? theirs : r->patience_ns;
	if (theirs == r->patience_ns)
		return;
	r->hello_mismatch++;
	if (log_allowed(&r->limit_patience, now.ns))
		LOG(WARNING,
			"roles: hello_ms x misses is %u ms here and %u ms at the peer: the longer "
			"counts",
			(uint32_t)(r->patience_ns / NS_PER_MS), (uint32_t)(theirs / NS_PER_MS));
}

/* What a message says of its sender, whatever the group. */
static void
note_sender(struct role *r, const struct ha_msg *m)
{
	const bool other = (m->flag & HA_RECEIVED_OTHER_VERSION) != 0;

	r->peer_epoch = vgmp_newest_epoch(r->peer_epoch, m->value);
	if (other == r->other_version)
		return;
	r->other_version = other;
	if (other)
		LOG(WARNING, "roles: version mismatch: the roles work, sessions are not mirrored");
	else
		LOG(NOTICE, "roles: the peer is of this version again");
}

/* A peer that was silent has given up before it was heard; by its epoch it may have been Active:
 * then connections have gone by it, and switches know it as the owner. */
static void
after_silence(struct role *r, const struct role_group *g, uint32_t peer_epoch, mono_t now)
{
	if (!g->alone || g->state != VGMP_ACTIVE || vgmp_owns(g->peer_state) ||
		vgmp_newest_epoch(peer_epoch, g->epoch) != peer_epoch)
		return;
	role_split_relearn(r);
	role_vrrp_reassert(r, g->id, now);
}

/* The group here that the peer's one is paired with: the opposite one; or, where both boxes use the
 * same one alone, that. => NULL: none. */
static struct role_group *
counterpart(struct role *r, const struct ha_msg *m, uint8_t theirs, mono_t now)
{
	struct role_group *g = role_group_of(r, vgmp_paired(theirs));

	if (g->enabled) {
		g->twin = false;
		r->same_group[theirs].ns = 0;
		g->second = g->id == VGMP_GROUP_STANDBY;
		return g;
	}
	g = role_group_of(r, theirs);
	r->same_group[theirs].ns = 0;
	if (!g->enabled)
		return NULL;
	r->same_group[theirs] = now;
	if (!r->left && log_allowed(&r->limit_pairing, now.ns))
		LOG(ERROR, "roles: both boxes use the %s group, expected opposite groups",
			role_group_names[theirs]);
	if (!g->twin && g->peer_known && role_since(now, g->peer_heard) <= 2 * r->hello_ns)
		return NULL; /* its own pair is there */
	g->twin = true;
	g->second = (m->flag & HA_RECEIVED_FIRST) == 0;
	return g;
}

static void
on_message(struct role *r, const struct ha_msg *m, mono_t now)
{
	const size_t body = sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp);
	struct role_group *g;
	struct ha_vgmp v;

	if (m->len < body || m->len > sizeof(m->data))
		return;
	memcpy(&v, m->data + sizeof(struct ha_vrrp), sizeof(v));
	if (v.group < VGMP_GROUP_ACTIVE || v.group > VGMP_GROUP_STANDBY || v.state >= VGMP_STATES)
		return;
	note_sender(r, m);
	if (v.mode == HA_ANNOUNCE && v.vtype == HA_VGMP_HELLO)
		note_patience(r, rte_be_to_cpu_16(v.request_id), now);
	g = counterpart(r, m, v.group, now);
	if (g == NULL)
		return;
	const enum vgmp_state was = g->peer_state;
	const uint32_t priority = rte_be_to_cpu_32(v.priority);

	if (!g->peer_known || was != v.state || g->peer_priority != priority)
		r->dirty = true;
	if (!role_peer_alive(r, g, now))
		LOG(NOTICE, "roles: peer is heard, its %s group is %s", role_group_names[v.group],
			vgmp_state_names[vgmp_shown((enum vgmp_state)v.state)]);
	g->peer_known = true;
	g->peer_state = (enum vgmp_state)v.state;
	g->peer_priority = priority;
	g->peer_failed = rte_be_to_cpu_16(v.failed);
	g->peer_heard = now;
	role_vrids_heard(g, &v, now);
	after_silence(r, g, m->value, now);
	g->alone = false;
	if (g->reassert && !vgmp_owns(g->peer_state)) {
		g->reassert = false;
		role_vrrp_reassert(r, g->id, now);
	}
	if (vgmp_owns(g->peer_state)) {
		g->silent_since = now;
		if (!g->peer_was_active || !vgmp_owns(was))
			g->copy_held = false;
		g->peer_was_active = true;
		g->copy_held = g->copy_held || r->synchronised;
	}

	/* It was to be Active and finds another that is, too: the Standby's part is left. */
	if (g->twin && g->second && g->state == VGMP_INITIALIZE)
		role_raise_text(r, g, VGMP_ENABLE_STANDBY, "peer is in the same group", now);
	peer_lost_role(r, g, now);
	if (v.mode == HA_REQUEST)
		on_request(r, g, &v, now);
	else if (v.mode == HA_REPLY)
		on_reply(r, g, &v, now);
	else if (v.vtype == HA_HRP_HELLO && m->len >= body + sizeof(struct hrp_hello))
		on_hrp_hello(r, g, m->data + body, now);
	if (g->peer_state == VGMP_ACTIVE)
		role_raise_text(r, g, VGMP_PEER_ACTIVE, "peer is active", now);
}

/* Does any group of the peer have its members in ours of the same name? */
static void
watch_pairing(struct role *r, mono_t now)
{
	bool wrong = false;

	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++)
		wrong = wrong || (r->same_group[id].ns != 0 &&
					 role_since(now, r->same_group[id]) <= r->silence_ns);
	r->dirty = r->dirty || wrong != r->mispaired;
	r->mispaired = wrong;
}

void
role_take_messages(struct role *r, mono_t now)
{
	struct ha_msg m;

	for (unsigned int i = 0; i < ROLE_MESSAGES && r->ops.get(r->ops.ctx, &m); i++) {
		switch (m.type) {
		case HA_MSG_RECEIVED:
			if (r->started)
				on_message(r, &m, now);
			break;
		case HA_MSG_LINKS:
			r->dirty = r->dirty || r->links != (m.flag != 0);
			r->links = m.flag != 0;
			break;
		case HA_MSG_SYNC:
			r->dirty = r->dirty || r->synchronised != (m.flag != 0);
			r->synchronised = m.flag != 0;
			break;
		default:
			break;
		}
	}
	watch_pairing(r, now);
}
