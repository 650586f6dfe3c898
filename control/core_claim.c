/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Public addresses of translation (P34): who answers for them, and gratuitous ARP.
 *
 * They are ranges, with thousands of addresses, so there is no state for each.  Whatever makes some
 * of an interface ours (its VRRP group becomes active, the lease comes, the link, a new snapshot)
 * begins two rounds over all ranges of such interfaces, a burst at a time.
 */
#include "core_state.h"

#include <string.h>

#define ROUNDS	 2 /* R236, as for virtual addresses */
#define ROUND_MS 1000
#define BURST	 32   /* frames in PACE_MS */
#define LOOKS	 1024 /* at addresses and at ranges that are not ours, likewise */
#define PACE_MS	 10
#define MOST	 4096 /* addresses of a range that are announced */

bool
core_claim_active(
	const struct core *c, const struct snapshot_claim *claim, struct rte_ether_addr *mac)
{
	*mac = claim->vrid != 0 ? core_virtual_mac(claim->vrid)
				: c->snap->interfaces[claim->interface].mac;
	return core_speaks(c) &&
	       (claim->vrid == 0 || core_virtual_active(c, claim->interface, claim->vrid, 4));
}

static void
announce(struct core *c, uint64_t interfaces)
{
	struct core_claims *k = &c->claims;

	k->interfaces |= interfaces;
	k->claim = k->address = 0;
	k->rounds = ROUNDS;
	k->due = c->now;
}

void
core_claim_announce(struct core *c, uint16_t interface)
{
	announce(c, UINT64_C(1) << interface);
}

/* FNV-1a, of what says which addresses and whose. */
static uint64_t
mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

void
core_claim_published(struct core *c)
{
	uint64_t marks[MAX_INTERFACES] = { 0 }, changed = 0;

	for (uint32_t i = 0; c->snap != NULL && i < c->snap->claim_count; i++) {
		const struct snapshot_claim *claim = &c->snap->claims[i];
		uint64_t *mark = &marks[claim->interface];

		*mark = mix(mix(mix(*mark + 1, claim->from), claim->to), claim->vrid);
	}
	for (unsigned int i = 0; i < MAX_INTERFACES; i++)
		changed |= (uint64_t)(marks[i] != c->claims.marks[i]) << i;
	memcpy(c->claims.marks, marks, sizeof(marks));
	if (changed != 0)
		announce(c, changed);
}

/* One address or range further. => frames sent; -1: no room now, the same one again */
static int
step(struct core *c, const struct snapshot_claim *claim)
{
	struct core_claims *k = &c->claims;
	const uint32_t count = RTE_MIN(claim->to - claim->from, MOST - 1U) + 1;
	struct rte_ether_addr mac;

	if (k->address >= count || (k->interfaces >> claim->interface & 1) == 0 ||
		core_interface(c, claim->interface) == NULL || !core_link_up(c, claim->interface) ||
		!core_claim_active(c, claim, &mac)) {
		k->claim++;
		k->address = 0;
		return 0;
	}
	if (!core_send_garp(c, claim->interface, &mac, rte_cpu_to_be_32(claim->from + k->address)))
		return -1;
	k->address++;
	return 1;
}

uint32_t
core_claim_tick(struct core *c)
{
	struct core_claims *k = &c->claims;
	const bool owner = core_speaks(c);
	uint32_t sent = 0;

	if (owner && !k->owner)
		announce(c, UINT64_MAX);
	k->owner = owner;
	if (k->rounds == 0 || !owner || mono_before(c->now, k->due))
		return 0;
	for (unsigned int i = 0; i < LOOKS && sent < BURST && k->claim < c->snap->claim_count;
		i++) {
		const int n = step(c, &c->snap->claims[k->claim]);

		if (n < 0)
			break;
		sent += (uint32_t)n;
	}
	k->due = mono_add_ms(c->now, PACE_MS);
	if (k->claim < c->snap->claim_count)
		return sent;
	k->claim = k->address = 0;
	k->rounds--;
	k->due = mono_add_ms(c->now, ROUND_MS);
	if (k->rounds == 0)
		k->interfaces = 0;
	return sent;
}
