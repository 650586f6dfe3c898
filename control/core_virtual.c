/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtual addresses of both families and gratuitous ARP; for IPv6 an unsolicited neighbour advert
 * stands for it.
 *
 * An activation leaves two gratuitous ARPs to be sent, the first in the same turn, after the
 * clients have run.  None leaves without the lease or the link: it waits, and is forgotten when the
 * address is given up.
 */
#include "core_state.h"

#include <errno.h>

#define GARP_COUNT     2 /* per activation (R236) */
#define GARP_REPEAT_MS 1000
/* At most so many in that time: the inject ring is shared with adverts and answers, and neighbours
 * have to take them all. */
#define GARP_BURST     64
#define DEFEND_MS      10000 /* between two answers to another host's claim: no war (RFC 5227 2.4) */
#define GARP_WINDOW_MS 5

static int
add(struct core *c, uint16_t interface, uint8_t vrid, const struct ip_addr *address)
{
	if (interface >= MAX_INTERFACES || vrid == 0)
		return -EINVAL;
	if (core_virtual_find(c, interface, address) != NULL)
		return -EEXIST;
	if (c->virtual_count == CORE_VIRTUALS)
		return -ENOSPC;
	c->virtuals[c->virtual_count++] = (struct core_virtual){ .address = *address,
		.interface = interface,
		.vrid = vrid,
		.due = MONO_NEVER,
		.garp = { .count = GARP_COUNT, .repeat_ms = GARP_REPEAT_MS } };
	return 0;
}

int
core_virtual_add(struct core *c, uint16_t interface, uint8_t vrid, rte_be32_t address)
{
	const struct ip_addr a = ip_addr_v4(address);

	return address != 0 ? add(c, interface, vrid, &a) : -EINVAL;
}

int
core_virtual_add6(struct core *c, uint16_t interface, uint8_t vrid, const uint8_t address[IP6_LEN])
{
	const struct ip_addr a = ip_addr_v6(address);

	return ip6_is_host(address) ? add(c, interface, vrid, &a) : -EINVAL;
}

/* Of (interface, vrid) and, unless 0, of that family. */
static bool
is_of(const struct core_virtual *v, uint16_t interface, uint8_t vrid, uint8_t family)
{
	return v->interface == interface && v->vrid == vrid &&
	       (family == 0 || v->address.family == family);
}

void
core_virtual_garp(struct core *c, uint16_t interface, uint8_t vrid, uint8_t family,
	const struct core_garp *garp)
{
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		if (is_of(&c->virtuals[i], interface, vrid, family))
			c->virtuals[i].garp = *garp;
	}
}

static void
announce_start(struct core_virtual *v, mono_t now)
{
	v->garps = v->garp.count;
	v->due = now;
}

void
core_virtual_set_family(
	struct core *c, uint16_t interface, uint8_t vrid, uint8_t family, bool active, mono_t now)
{
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		struct core_virtual *v = &c->virtuals[i];

		if (!is_of(v, interface, vrid, family) ||
			atomic_load_explicit(&v->active, memory_order_relaxed) == active)
			continue;
		atomic_store_explicit(&v->active, active, memory_order_relaxed);
		engine_set_vmac(c->engine, interface,
			v->address.family == 6 ? VMAC_IPV6 | vrid : vrid, active);
		v->due = MONO_NEVER;
		if (!active)
			continue;
		announce_start(v, now);
		core_claim_announce(c, interface);
	}
}

void
core_virtual_set(struct core *c, uint16_t interface, uint8_t vrid, bool active, mono_t now)
{
	core_virtual_set_family(c, interface, vrid, 0, active, now);
}

void
core_virtual_quiet(struct core *c, bool quiet)
{
	c->quiet = quiet;
}

bool
core_virtual_active(const struct core *c, uint16_t interface, uint8_t vrid, uint8_t family)
{
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		const struct core_virtual *v = &c->virtuals[i];

		if (is_of(v, interface, vrid, family))
			return atomic_load_explicit(&v->active, memory_order_relaxed);
	}
	return false;
}

const struct core_virtual *
core_virtual_find(const struct core *c, uint16_t interface, const struct ip_addr *address)
{
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		if (c->virtuals[i].interface == interface &&
			ip_addr_equal(&c->virtuals[i].address, address))
			return &c->virtuals[i];
	}
	return NULL;
}

void
core_virtual_defend(struct core *c, uint16_t interface, const struct ip_addr *address)
{
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		struct core_virtual *v = &c->virtuals[i];

		if (v->interface != interface || !ip_addr_equal(&v->address, address) ||
			!atomic_load_explicit(&v->active, memory_order_relaxed) ||
			(v->defended.ns != 0 &&
				mono_before(c->now, mono_add_ms(v->defended, DEFEND_MS))))
			continue;
		v->defended = c->now;
		v->due = c->now;
	}
}

void
core_virtual_announce(struct core *c, uint16_t interface, uint8_t vrid)
{
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		struct core_virtual *v = &c->virtuals[i];

		if (is_of(v, interface, vrid, 0) &&
			atomic_load_explicit(&v->active, memory_order_relaxed))
			announce_start(v, c->now);
	}
}

void
core_virtual_ask(struct core *c, uint16_t interface, uint8_t vrid, uint8_t family)
{
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		const struct core_virtual *v = &c->virtuals[i];

		if (!is_of(v, interface, vrid, family))
			continue;
		if (family == 6)
			core_nd_ask(c, interface, v->address.v6, NULL);
		else
			core_arp_ask(c, interface, v->address.v4, NULL);
		return;
	}
}

void
core_virtual_claimed(struct core *c, uint16_t interface, const struct ip_addr *address,
	const struct rte_ether_addr *mac)
{
	const struct core_virtual *v = core_virtual_find(c, interface, address);
	struct rte_ether_addr own;

	if (v == NULL)
		return;
	own = address->family == 6 ? core_virtual_mac6(v->vrid) : core_virtual_mac(v->vrid);
	if (!rte_is_same_ether_addr(mac, &own))
		return;
	for (uint16_t i = 0; i < c->client_count; i++) {
		const struct core_client *client = &c->clients[i];

		if (client->claim != NULL)
			client->claim(client->ctx, interface, v->vrid, address->family, c->now);
	}
}

bool
core_virtual_owned(const struct core *c, const struct core_virtual *v)
{
	return atomic_load_explicit(&v->active, memory_order_relaxed) && core_speaks(c);
}

bool
core_send_garp(
	struct core *c, uint16_t interface, const struct rte_ether_addr *mac, rte_be32_t address)
{
	uint8_t frame[ARP_FRAME_LEN];

	arp_gratuitous(frame, mac, address);
	if (!core_send_bytes(c, interface, frame, sizeof(frame)))
		return false;
	c->stats.garp_out++;
	return true;
}

static bool
announce_virtual(struct core *c, const struct core_virtual *v)
{
	struct rte_ether_addr mac;

	if (v->address.family == 6) {
		mac = core_virtual_mac6(v->vrid);
		return core_nd_tell(c, v->interface, &mac, v->address.v6);
	}
	mac = core_virtual_mac(v->vrid);
	return core_send_garp(c, v->interface, &mac, v->address.v4);
}

/* Interfaces' own addresses, with or without the lease. */
static uint32_t
announce_own(struct core *c)
{
	uint64_t left = c->announce;
	uint32_t sent = 0;

	while (left != 0) {
		const uint16_t i = (uint16_t)__builtin_ctzll(left);
		const struct snapshot_interface *in = core_interface(c, i);
		const struct ip_addr own = ip_addr_v4(in != NULL ? in->address : 0);

		left &= left - 1;
		if (in != NULL && in->address != 0 && core_link_up(c, i) &&
			core_virtual_find(c, i, &own) == NULL)
			sent += core_send_garp(c, i, &in->mac, in->address);
		c->announce &= ~(UINT64_C(1) << i);
	}
	return sent;
}

static void
announced(struct core_virtual *v, mono_t now)
{
	if (v->garps > 0)
		v->garps--;
	if (v->garps > 0)
		v->due = mono_add_ms(now, v->garp.repeat_ms);
	else if (v->garp.refresh_ms != 0)
		v->due = mono_add_ms(now, v->garp.refresh_ms);
	else
		v->due = MONO_NEVER;
}

uint32_t
core_virtual_tick(struct core *c)
{
	uint32_t sent = c->announce != 0 ? announce_own(c) : 0;

	if (!mono_before(c->now, mono_add_ms(c->garp_window, GARP_WINDOW_MS))) {
		c->garp_window = c->now;
		c->garp_sent = 0;
	}
	for (uint16_t i = 0; i < c->virtual_count && c->garp_sent < GARP_BURST; i++) {
		struct core_virtual *v = &c->virtuals[i];

		if (mono_before(c->now, v->due) || core_interface(c, v->interface) == NULL ||
			!core_link_up(c, v->interface) || !core_speaks(c))
			continue;
		if (!announce_virtual(c, v))
			break; /* no room now: next turn */
		sent++;
		c->garp_sent++;
		announced(v, c->now);
	}
	return sent;
}

void
core_virtual_link_up(struct core *c, uint16_t interface)
{
	c->announce |= UINT64_C(1) << interface;
	core_claim_announce(c, interface);
	for (uint16_t i = 0; i < c->virtual_count; i++) {
		struct core_virtual *v = &c->virtuals[i];

		if (v->interface == interface &&
			atomic_load_explicit(&v->active, memory_order_relaxed))
			announce_start(v, c->now);
	}
}

void
core_virtual_published(struct core *c)
{
	for (uint16_t i = 0; i < MAX_INTERFACES; i++) {
		const struct snapshot_interface *in = core_interface(c, i);
		const rte_be32_t address = in != NULL ? in->address : 0;

		if (address != 0 && address != c->addresses[i])
			c->announce |= UINT64_C(1) << i;
		c->addresses[i] = address;
	}
}
