/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: has the peer's group the VRRP groups of ours?  What only one of the two boxes has is lost,
 * or found, with the next switch (R210).  An active box says a mark of its groups in its HRP
 * hellos, so that the standby box knows; the active one knows what is sure by the number of the
 * peer's members, which may be more than VRRP groups (hrp.track need not be the same on both
 * boxes). Decides nothing.  Control core only.
 */
#include "role_state.h"

#include <stdio.h>
#include <string.h>

/* So long, and not less than a peer may be silent, since a hello may be lost: boxes are configured,
 * and start, one after the other. */
#define DIFFER_MS 5000

static const char *const words[] = {
	[ROLE_VRIDS_UNKNOWN] = "not known",
	[ROLE_VRIDS_ALIKE] = "alike",
	[ROLE_VRIDS_DIFFER] = "differ",
};

/* FNV-1a */
static uint32_t
add(uint32_t hash, const void *data, size_t len)
{
	for (const uint8_t *p = data; len > 0; p++, len--)
		hash = (hash ^ *p) * UINT32_C(16777619);
	return hash;
}

/* A sum of FNV-1a alone is the same for many addresses that two vrids have swapped: its last octet
 * is added, nearly, not mixed. */
static uint32_t
mixed(uint32_t hash)
{
	hash = (hash ^ hash >> 16) * UINT32_C(0x85ebca6b);
	hash = (hash ^ hash >> 13) * UINT32_C(0xc2b2ae35);
	return hash ^ hash >> 16;
}

/* A sum, so that nothing depends on the order in which they are configured. */
static uint32_t
sum_of(const struct vrrp_setup *s)
{
	uint32_t sum = 0;

	for (uint8_t i = 0; i < s->address_count; i++) {
		const struct ip_addr *const a = &s->addresses[i];
		uint32_t hash = add(UINT32_C(2166136261), &s->vrid, sizeof(s->vrid));

		hash = add(hash, &a->family, sizeof(a->family));
		sum += mixed(a->family == 6 ? add(hash, a->v6, sizeof(a->v6))
					    : add(hash, &a->v4, sizeof(a->v4)));
	}
	return sum;
}

void
role_vrids_init(struct role *r)
{
	uint32_t sum[VGMP_GROUP_STANDBY + 1] = { 0 };

	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		const struct vrrp_setup *const s = &r->vrrps[i].set;

		if (s->group == VGMP_GROUP_NONE)
			continue;
		r->group[s->group].vrids++;
		sum[s->group] += sum_of(s);
	}
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		r->group[id].mark = (uint16_t)(sum[id] >> 16 ^ sum[id]);
		if (r->group[id].mark == 0) /* that says nothing */
			r->group[id].mark = 1;
	}
}

void
role_vrids_heard(struct role_group *g, const struct ha_vgmp *v, mono_t now)
{
	g->peer_members = rte_be_to_cpu_16(v->members);
	if (v->mode != HA_ANNOUNCE || v->vtype != HA_HRP_HELLO)
		return;
	g->peer_mark = rte_be_to_cpu_16(v->request_id);
	g->mark_heard = now;
}

struct cause {
	char text[96];
};

static enum role_vrids
look(const struct role *r, const struct role_group *g, struct cause *why, mono_t now)
{
	const struct role_group *const other = &r->group[vgmp_paired(g->id)];

	if (!role_peer_alive(r, g, now)) {
		/* It says hello for each group that it has. */
		if (g->vrids > 0 && other->enabled && role_peer_alive(r, other, now)) {
			snprintf(why->text, sizeof(why->text),
				"the peer, which is heard, has no group for our %u VRRP groups",
				g->vrids);
			return ROLE_VRIDS_DIFFER;
		}
		snprintf(why->text, sizeof(why->text), "the peer is silent");
		return ROLE_VRIDS_UNKNOWN;
	}
	if (g->peer_mark != 0 && role_since(now, g->mark_heard) <= r->silence_ns) {
		const bool same = g->peer_mark == g->mark;

		snprintf(why->text, sizeof(why->text), "the peer has %s vrids and addresses",
			same ? "the same" : "other");
		return same ? ROLE_VRIDS_ALIKE : ROLE_VRIDS_DIFFER;
	}
	snprintf(why->text, sizeof(why->text), "the peer, %s, has %u members, we %u VRRP groups",
		vgmp_owns(g->peer_state) ? "which says no vrids" : "not active", g->peer_members,
		g->vrids);
	return g->peer_members < g->vrids ? ROLE_VRIDS_DIFFER : ROLE_VRIDS_UNKNOWN;
}

static void
watch(struct role *r, struct role_group *g, mono_t now)
{
	const enum role_vrids old = (enum role_vrids)g->vrids_state;
	struct cause why;
	const enum role_vrids found = look(r, g, &why, now);
	const uint64_t lasts = RTE_MAX(DIFFER_MS * NS_PER_MS, r->silence_ns);

	if (found != ROLE_VRIDS_DIFFER)
		g->differ_since.ns = 0;
	else if (g->differ_since.ns == 0)
		g->differ_since = now;
	if (found == old ||
		(found == ROLE_VRIDS_DIFFER && role_since(now, g->differ_since) < lasts))
		return;
	g->vrids_state = (uint8_t)found;
	r->dirty = true;
	if (found == ROLE_VRIDS_DIFFER)
		LOG(WARNING, "group %s: VRRP groups %s -> %s, cause %s", role_group_names[g->id],
			words[old], words[found], why.text);
	else if (g->differ_told)
		LOG(NOTICE, "group %s: VRRP groups %s -> %s, cause %s", role_group_names[g->id],
			words[old], words[found], why.text);
	g->differ_told =
		found == ROLE_VRIDS_DIFFER || (found == ROLE_VRIDS_UNKNOWN && g->differ_told);
}

void
role_vrids_tick(struct role *r, mono_t now)
{
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		struct role_group *const g = role_group_of(r, id);

		if (g->enabled)
			watch(r, g, now);
	}
}
