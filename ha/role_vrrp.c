/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: the VRRP groups of one box: adverts in and out, addresses taken and given up.  Control
 * core only.
 */
#include "config_address.h"
#include "role_state.h"

#include <stdio.h>
#include <string.h>

#define REFUSED_MS 60000 /* between two lines for one reason */

/* What a group sends from; family 0 = nothing that may be used now. */
static struct ip_addr
source_of(const struct role *r, const struct vrrp *v, uint8_t family)
{
	const uint8_t *link_local;

	if (family == 4) {
		const rte_be32_t own = r->ops.address(r->ops.ctx, v->set.interface);

		return own != 0 ? ip_addr_v4(own) : (struct ip_addr){ .family = 0 };
	}
	link_local = r->ops.link_local(r->ops.ctx, v->set.interface);
	if (link_local == NULL)
		return (struct ip_addr){ .family = 0 };
	return v->set.source6.family != 0 ? v->set.source6 : ip_addr_v6(link_local);
}

static void
send_family(struct role *r, const struct vrrp *v, uint8_t family, uint8_t priority)
{
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	struct vrrp_advert a;

	if (!vrrp_advert_of(v, family, priority, &a))
		return;
	a.source = source_of(r, v, family);
	if (a.source.family == 0)
		return;
	if (v->set.hmac != NULL)
		vrrp_hmac_sign(v->set.hmac, &a, r->ops.wall_ns(r->ops.ctx));
	if (v->set.peer_count == 0)
		r->ops.send(r->ops.ctx, v->set.interface, frame, vrrp_wire_build(frame, &a));
	for (uint8_t i = 0; i < v->set.peer_count; i++) {
		a.destination = v->set.peers[i];
		r->ops.send_to(r->ops.ctx, v->set.interface, &a.destination, frame,
			vrrp_wire_build(frame, &a));
	}
}

static void
send_advert(struct role *r, const struct vrrp *v, uint8_t priority)
{
	send_family(r, v, 6, priority);
	send_family(r, v, 4, priority);
}

static void
own(struct role *r, const struct vrrp *v, bool own, mono_t now)
{
	/* The same vrid of the other family is another virtual router (RFC 9568 5.2.3). */
	const uint8_t family = !vrrp_has(&v->set, 4) ? 6 : !vrrp_has(&v->set, 6) ? 4 : 0;

	r->ops.own(r->ops.ctx, v->set.interface, v->set.vrid, family, own, now);
}

static void
act(struct role *r, const struct vrrp *v, uint32_t action, mono_t now)
{
	if (action == 0)
		return;
	if (action & VRRP_DO_RELEASE)
		own(r, v, false, now);
	if (action & VRRP_DO_RESIGN)
		send_advert(r, v, VRRP_PRIORITY_RESIGN);
	if (action & VRRP_DO_OWN)
		own(r, v, true, now);
	if (action & VRRP_DO_ADVERT)
		send_advert(r, v, v->priority);
	r->dirty = true;
}

/* An event for each change of a group; of a plain one a line as well (R241-R246). */
static void
note(struct role *r, const struct vrrp *v, enum vrrp_state old, const char *cause, mono_t now)
{
	static const char *const states[VRRP_STATES] = { "FAULT", "BACKUP", "MASTER" };

	if (v->state == old)
		return;
	role_event_vrrp(r, v, old, cause, now);
	if (v->set.group == VGMP_GROUP_NONE)
		LOG(NOTICE, "(%s) Entering %s STATE (%s)", v->set.name, states[v->state], cause);
}

void
role_vrrp_drive(struct role *r, uint8_t group, bool own, bool quiet, mono_t now)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		struct vrrp *const v = &r->vrrps[i];
		const enum vrrp_state old = v->state;

		if (v->set.group != group)
			continue;
		act(r, v, vrrp_drive(v, own, quiet, now), now);
		note(r, v, old, own ? "its VGMP group is active" : "its VGMP group yields", now);
	}
}

void
role_vrrp_reassert(struct role *r, uint8_t group, mono_t now)
{
	/* Switches, and hosts of IPv6, may have learned the other box last. */
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		const struct vrrp *const v = &r->vrrps[i];

		if (v->set.group != group || v->state != VRRP_MASTER)
			continue;
		act(r, v, VRRP_DO_ADVERT, now); /* from the virtual MAC */
		if (r->ops.announce != NULL)
			r->ops.announce(r->ops.ctx, v->set.interface, v->set.vrid);
	}
}

static void
link_changed(struct role *r, uint16_t i, bool up, const char *cause, mono_t now)
{
	struct vrrp *const v = &r->vrrps[i];
	const enum vrrp_state old = v->state;
	uint32_t action = vrrp_link(v, up, now);

	/* Not its own interface failed: the others need not wait (R36). */
	if (old == VRRP_MASTER && !up && r->carrier[i])
		action |= VRRP_DO_RESIGN;
	act(r, v, action, now);
	r->dirty = true;
	note(r, v, old, cause, now);
}

/* May it take part?  NULL, or why not.  Of a plain group: without an address to send from it would
 * be a Master that nobody hears. */
static const char *
unfit(const struct role *r, uint16_t i)
{
	const struct vrrp *const v = &r->vrrps[i];

	if (!r->carrier[i])
		return "interface down";
	if (v->set.group != VGMP_GROUP_NONE)
		return NULL;
	if (source_of(r, v, vrrp_has(&v->set, 4) ? 4 : 6).family == 0)
		return "no address";
	return r->track[i].fault ? "tracked interface, way or script down" : NULL;
}

/* With a peer nothing is forwarded, and nothing leaves from a virtual MAC, without the lease: a
 * plain group that were Master would be so in its own eyes alone. */
static bool
lacks_lease(const struct role *r, const struct vrrp *v)
{
	return v->set.group == VGMP_GROUP_NONE && r->params.paired && r->lease.until.ns == 0 &&
	       (r->group[VGMP_GROUP_ACTIVE].enabled || r->group[VGMP_GROUP_STANDBY].enabled);
}

static void
follow_lease(struct role *r, mono_t now)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		struct vrrp *const v = &r->vrrps[i];
		const enum vrrp_state old = v->state;

		act(r, v, vrrp_bar(v, lacks_lease(r, v), now), now);
		note(r, v, old, v->barred ? "this box is not active" : "this box is active", now);
	}
}

/* The groups of a sync group (R234), by number: may they all take part, do they all want to be
 * Master?  So none is Master while another hears one. */
struct sync {
	bool unfit[VRRP_MAX_GROUPS + 1], waits[VRRP_MAX_GROUPS + 1];
};

static void
look_at_syncs(const struct role *r, struct sync *s, mono_t now)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		const struct vrrp *const v = &r->vrrps[i];

		s->unfit[v->set.sync] = s->unfit[v->set.sync] || unfit(r, i) != NULL;
		s->waits[v->set.sync] = s->waits[v->set.sync] || !vrrp_wants(v, now);
	}
}

/* Links, addresses, tracked things, and those of its sync group. */
static void
follow_links(struct role *r, const struct sync *s, mono_t now)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		const struct vrrp *const v = &r->vrrps[i];
		const char *why = unfit(r, i);

		if (why == NULL && v->set.sync != 0 && s->unfit[v->set.sync])
			why = "fault in its sync group";
		if (v->link != (why == NULL))
			link_changed(r, i, why == NULL, why == NULL ? "init" : why, now);
	}
}

void
role_vrrp_link(struct role *r, uint16_t interface, bool up, mono_t now)
{
	struct sync s = { 0 };

	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		if (r->vrrps[i].set.interface == interface)
			r->carrier[i] = up;
	}
	follow_lease(r, now);
	r->track_due = now;
	role_track_tick(r, now);
	look_at_syncs(r, &s, now);
	follow_links(r, &s, now);
}

static void
sync_log(const struct vrrp *v, mono_t now, mono_t *last, const char *state)
{
	if (v->set.sync == 0 || last->ns == now.ns)
		return;
	*last = now;
	LOG(NOTICE, "VRRP_Group(%s) Syncing instances to %s state", v->set.sync_name, state);
}

void
role_vrrp_tick(struct role *r, mono_t now)
{
	struct sync s = { 0 };

	follow_lease(r, now);
	role_track_tick(r, now);
	look_at_syncs(r, &s, now);
	follow_links(r, &s, now);
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		struct vrrp *const v = &r->vrrps[i];
		const enum vrrp_state old = v->state;

		if (v->set.group != VGMP_GROUP_NONE && role_group_quiet(&r->group[v->set.group]))
			continue;
		act(r, v, role_track_apply(r, i, now), now);
		if (v->set.sync != 0 && v->state == VRRP_BACKUP && s.waits[v->set.sync])
			continue;
		act(r, v, vrrp_tick(v, now), now);
		if (v->state == VRRP_MASTER && old != VRRP_MASTER)
			sync_log(v, now, &r->sync_logged, "MASTER");
		note(r, v, old, "no master is heard", now);
	}
}

/* One of a sync group has yielded: the others do. */
static void
yield_all(struct role *r, const struct vrrp *first, mono_t now)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		struct vrrp *const v = &r->vrrps[i];
		const enum vrrp_state old = v->state;

		if (v->set.sync != first->set.sync || v == first)
			continue;
		act(r, v, vrrp_yield(v, now), now);
		note(r, v, old, "its sync group yields", now);
	}
	LOG(NOTICE, "VRRP_Group(%s) Syncing instances to BACKUP state", first->set.sync_name);
}

void
role_vrrp_leave(struct role *r, mono_t now)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		struct vrrp *const v = &r->vrrps[i];
		const bool yielded = r->group[v->set.group].yielded && v->link;
		const enum vrrp_state old = v->state;

		act(r, v, vrrp_stop(v, now), now);
		note(r, v, old, "resign", now);
		if (yielded) /* given up already, but not yet said so (R36) */
			send_advert(r, v, VRRP_PRIORITY_RESIGN);
	}
}

/* ---- receiving ---- */

struct vrrp *
role_vrrp_find(struct role *r, uint16_t interface, uint8_t family, uint8_t vrid)
{
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		struct vrrp *const v = &r->vrrps[i];

		if (v->set.vrid == vrid && v->set.interface == interface &&
			vrrp_has(&v->set, family))
			return v;
	}
	return NULL;
}

/* A line for each reason, at once and then once a minute (RFC 9568 7.1): who refuses its only other
 * router is Master beside it.  v NULL: none of our groups, or it is not known of which. */
static void
tell_refused(struct role *r, const struct vrrp *v, const struct vrrp_advert *a,
	enum vrrp_refusal why, mono_t now)
{
	const mono_t last = r->refusal_told[why];
	char text[CONFIG_IP_TEXT];

	if (last.ns != 0 && role_since(now, last) < REFUSED_MS * NS_PER_MS)
		return;
	r->refusal_told[why] = now;
	config_address_ip_text(&a->source, text);
	if (v != NULL)
		LOG(WARNING, "(%s) advert of %s refused: %s", v->set.name, text,
			vrrp_refusal_texts[why]);
	else
		LOG(WARNING, "VRRP advert of %s refused: %s", text, vrrp_refusal_texts[why]);
}

/* Damaged, or forged from afar; not what is no VRRP, or none for this link. */
static bool
is_advert(enum vrrp_refusal why)
{
	return why == VRRP_REFUSED_ttl || why == VRRP_REFUSED_version ||
	       why == VRRP_REFUSED_count || why == VRRP_REFUSED_length ||
	       why == VRRP_REFUSED_checksum;
}

/* What a group with keys refuses, and clocks that will make it do so. */
static void
note_authenticity(struct role *r, const struct vrrp *v, const struct vrrp_advert *a,
	enum vrrp_refusal why, mono_t now)
{
	const struct vrrp_hmac_setup *const set = vrrp_hmac_setup(v->set.hmac);
	const int32_t skew = a->has_trailer ? vrrp_hmac_skew(a) : 0;
	const uint32_t by = skew < 0 ? 0 - (uint32_t)skew : (uint32_t)skew;
	char text[CONFIG_IP_TEXT];

	config_address_ip_text(&a->source, text);
	if (why >= VRRP_REFUSED_no_trailer && why <= VRRP_REFUSED_replayed) {
		if (log_allowed(&r->limit_authentic, now.ns))
			LOG(WARNING, "(%s) advert of %s refused: %s", v->set.name, text,
				vrrp_refusal_texts[why]);
	}
	if (a->has_trailer && set->replay == VRRP_HMAC_TIME && by > set->window_s / 2 &&
		(why == VRRP_OK || why == VRRP_REFUSED_stale) &&
		log_allowed(&r->limit_clock, now.ns))
		LOG(WARNING, "(%s) clock of %s is %u s %s ours, at most %u are permitted",
			v->set.name, text, by, skew < 0 ? "before" : "behind", set->window_s);
}

static void
received(struct role *r, struct vrrp *v, const struct vrrp_advert *a, mono_t now)
{
	const uint64_t conflicts = v->conflicts, differ = v->differ_in;
	const enum vrrp_state old = v->state;
	const struct ip_addr from = source_of(r, v, a->source.family);
	char text[CONFIG_IP_TEXT], cause[96];
	enum vrrp_refusal why;
	const uint32_t action = vrrp_receive(v, a, &from, now, &why);

	if (v->set.hmac != NULL)
		note_authenticity(r, v, a, why, now);
	if (why != VRRP_OK) {
		r->adverts_refused[why]++;
		if (why < VRRP_REFUSED_no_trailer || why > VRRP_REFUSED_replayed)
			tell_refused(r, v, a, why, now);
		return;
	}
	if (v->conflicts != conflicts && log_allowed(&r->limit_conflict, now.ns))
		LOG(WARNING, "vrid %u: another master, %s: heartbeat cut, or vrid used twice",
			v->set.vrid, config_address_ip_text(&a->source, text));
	if (v->differ_in != differ && log_allowed(&r->limit_differ, now.ns))
		LOG(WARNING, "(%s) advert of %s has other addresses than ours", v->set.name,
			config_address_ip_text(&a->source, text));
	act(r, v, action, now);
	if (v->differ_in == differ)
		role_split_advert(r, v, a, now);
	if (v->state == old || v->set.group != VGMP_GROUP_NONE)
		return;
	snprintf(cause, sizeof(cause), "advert from %s with priority %u, ours %u",
		config_address_ip_text(&a->source, text), a->priority, v->priority);
	note(r, v, old, cause, now);
	if (v->set.sync != 0 && old == VRRP_MASTER)
		yield_all(r, v, now);
}

void
role_vrrp(struct role *r, uint16_t interface, const uint8_t *data, uint16_t len, mono_t now)
{
	struct vrrp_advert a;
	struct vrrp *v;
	enum vrrp_refusal why;

	if (!r->started || r->left)
		return;
	role_enter(r, now);
	follow_lease(r, now);
	r->dirty = true;
	why = vrrp_wire_check(data, len, &a);
	if (why != VRRP_OK) {
		r->adverts_refused[why]++;
		if (is_advert(why))
			tell_refused(r, NULL, &a, why, now);
		return;
	}
	v = role_vrrp_find(r, interface, a.source.family, a.vrid);
	if (v != NULL && v->set.hmac != NULL)
		a.wall_ns = r->ops.wall_ns(r->ops.ctx);
	if (v == NULL) /* another router's business (R252) */
		r->adverts_refused[VRRP_REFUSED_vrid]++;
	else if (!r->group[v->set.group].draining) /* else the peer has taken over: no conflict */
		received(r, v, &a, now);
}
