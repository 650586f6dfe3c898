/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Heartbeat links: states and probes.  Pure; run by the HRP core.
 */
#include "hrp_link.h"

#include <string.h>

#define NEVER ((mono_t){ .ns = 0 })

const char *const hrp_link_state_names[HRP_LINK_STATES] = {
	[HRP_LINK_INVALID] = "invalid",
	[HRP_LINK_DOWN] = "down",
	[HRP_LINK_PEERDOWN] = "peerdown",
	[HRP_LINK_READY] = "ready",
	[HRP_LINK_RUNNING] = "running",
};

/* CRC-32 (IEEE 802.3), as the wire format says; a name is hashed once, so no table. */
static uint32_t
name_crc(const char *name)
{
	uint32_t crc = UINT32_MAX;

	for (; *name != '\0'; name++) {
		crc ^= (uint8_t)*name;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static void
set_state(struct hrp_links *ls, struct hrp_link *l, enum hrp_link_state state)
{
	if (l->state == state)
		return;
	/* ready <-> running is the choice, not the link's own doing. */
	if (!(l->state >= HRP_LINK_READY && state >= HRP_LINK_READY))
		l->changes++;
	l->state = state;
	if (state < HRP_LINK_READY) {
		l->rtt_us = 0;
		l->proved_sent = NEVER;
	}
	ls->changed = true;
}

static bool
within(const struct hrp_links *ls, mono_t then, mono_t now)
{
	return then.ns != 0 &&
	       now.ns < then.ns + HRP_LINK_SILENT * (uint64_t)ls->hello_ms * NS_PER_MS;
}

void
hrp_link_init(struct hrp_links *ls, uint32_t hello_ms, uint32_t seed)
{
	*ls = (struct hrp_links){ .hello_ms = hello_ms, .running = -1 };
	for (uint32_t i = 0; i < HRP_LINKS_MAX; i++) {
		seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
		ls->link[i].sequence = seed;
	}
}

int
hrp_link_add(
	struct hrp_links *ls, rte_be32_t address, const char *interface_name, bool heartbeat_only)
{
	if (ls->count == HRP_LINKS_MAX)
		return -1;
	struct hrp_link *l = &ls->link[ls->count];
	l->address = address;
	l->heartbeat_only = heartbeat_only;
	l->name_crc = name_crc(interface_name);
	l->state = address == 0 ? HRP_LINK_INVALID : HRP_LINK_DOWN;
	ls->changed = true;
	return ls->count++;
}

void
hrp_link_carrier(struct hrp_links *ls, uint16_t slot, bool up, mono_t now)
{
	struct hrp_link *l = &ls->link[slot];

	if (l->carrier == up)
		return;
	l->carrier = up;
	if (l->state == HRP_LINK_INVALID)
		return;
	l->heard_at = l->good_at = NEVER;
	l->answer = false;
	l->challenge = 0;
	l->due = now;
	set_state(ls, l, up ? HRP_LINK_PEERDOWN : HRP_LINK_DOWN);
}

static void
next_beat(const struct hrp_links *ls, struct hrp_link *l, mono_t now)
{
	/* Keep the beat, but never send a burst to catch up after a stall. */
	l->due = mono_add_ms(l->due, ls->hello_ms);
	if (!mono_before(now, l->due))
		l->due = mono_add_ms(now, ls->hello_ms);
	if (++l->sequence == 0)
		l->sequence = 1; /* 0 in echo means "none seen" */
	l->sent[l->sequence % HRP_LINK_REMEMBER] = now;
	l->probes_out++;
}

static void
prove(struct hrp_link *l, uint32_t echo)
{
	/* A late copy of an older probe says nothing new. */
	if (l->proved_sent.ns != 0 && (int32_t)(echo - l->proved) <= 0)
		return;
	l->proved = echo;
	l->proved_sent = l->sent[echo % HRP_LINK_REMEMBER];
}

/* Only an answer tells the round trip: any other probe waits for its sender's beat first. */
static void
measure(struct hrp_link *l, uint32_t echo, mono_t now)
{
	if (echo == l->rtt_sequence)
		return; /* a copy of an answer that has been taken */
	l->rtt_sequence = echo;
	l->rtt_us = (uint32_t)((now.ns - l->sent[echo % HRP_LINK_REMEMBER].ns) / NS_PER_US);
}

bool
hrp_link_due(struct hrp_links *ls, uint16_t slot, mono_t now, struct ha_probe *probe)
{
	struct hrp_link *l = &ls->link[slot];
	/* An answer has the number of our last probe, so there must have been one. */
	const bool challenge = l->challenge != 0 && l->probes_out > 0;
	const bool answer = challenge || (l->answer && l->probes_out > 0);
	uint32_t echo = l->peer_sequence;

	if (l->state < HRP_LINK_PEERDOWN || (!answer && mono_before(now, l->due)))
		return false;
	if (challenge) {
		echo = l->challenge;
		l->challenge = 0;
	} else if (answer) {
		l->answer = false;
	} else {
		next_beat(ls, l, now);
	}
	*probe = (struct ha_probe){
		.flags = (uint8_t)((within(ls, l->heard_at, now) ? HA_PROBE_HEARD : 0) |
				   (answer ? HA_PROBE_ANSWER : 0)),
		.slot = (uint8_t)slot,
		.hello_ms = rte_cpu_to_be_16((uint16_t)ls->hello_ms),
		.address = l->address,
		.sequence = rte_cpu_to_be_32(l->sequence),
		.echo = rte_cpu_to_be_32(echo),
		.clock_ms = rte_cpu_to_be_32((uint32_t)(now.ns / NS_PER_MS)),
		.name_crc = rte_cpu_to_be_32(l->name_crc),
	};
	return true;
}

static void
note_name(const struct hrp_links *ls, struct hrp_link *l, uint32_t crc)
{
	l->crossed = crc != l->name_crc;
	l->crossed_to = -1;
	for (uint16_t i = 0; l->crossed && i < ls->count; i++)
		if (ls->link[i].name_crc == crc)
			l->crossed_to = (int8_t)i;
}

static bool
echo_fresh(const struct hrp_link *l, uint32_t echo)
{
	const uint32_t age = l->sequence - echo;

	return echo != 0 && age < HRP_LINK_REMEMBER && age < l->probes_out;
}

bool
hrp_link_fresh(const struct hrp_links *ls, uint16_t slot, const struct ha_probe *p)
{
	const struct hrp_link *l = &ls->link[slot];
	const uint32_t echo = rte_be_to_cpu_32(p->echo);

	return echo_fresh(l, echo) && (!l->some_old || (int32_t)(echo - l->old) > 0);
}

void
hrp_link_trusted(struct hrp_links *ls)
{
	for (uint16_t i = 0; i < ls->count; i++) {
		ls->link[i].some_old = true;
		ls->link[i].old = ls->link[i].sequence;
	}
}

void
hrp_link_challenge(struct hrp_links *ls, uint16_t slot, const struct ha_probe *p, mono_t now)
{
	struct hrp_link *l = &ls->link[slot];

	if (l->state < HRP_LINK_PEERDOWN)
		return;
	l->challenge = rte_be_to_cpu_32(p->sequence);
	if (l->probes_out == 0)
		l->due = now;
}

enum ha_refusal
hrp_link_probe(struct hrp_links *ls, uint16_t slot, const struct ha_probe *p, rte_be32_t source,
	mono_t now)
{
	struct hrp_link *l = &ls->link[slot];
	const uint32_t echo = rte_be_to_cpu_32(p->echo);

	if (p->address != source || p->hello_ms == 0 || p->sequence == 0 ||
		p->slot >= HRP_LINKS_MAX)
		return HA_REFUSED_field;
	if (l->state < HRP_LINK_PEERDOWN)
		return HA_OK; /* carrier news may be later than the packet */
	/* The first one is answered at once: formation need not wait for our beat. */
	if (!within(ls, l->heard_at, now))
		l->due = now;
	if ((p->flags & HA_PROBE_ANSWER) == 0) {
		l->probes_in++;
		l->answer = true;
	}
	l->heard_at = now;
	l->peer_sequence = rte_be_to_cpu_32(p->sequence);
	l->peer_address = source;
	l->peer_hello_ms = rte_be_to_cpu_16(p->hello_ms);
	note_name(ls, l, rte_be_to_cpu_32(p->name_crc));

	if ((p->flags & HA_PROBE_HEARD) == 0 || !echo_fresh(l, echo))
		return HA_OK;
	l->good_at = now;
	prove(l, echo);
	if ((p->flags & HA_PROBE_ANSWER) != 0)
		measure(l, echo, now);
	if (l->state == HRP_LINK_PEERDOWN)
		set_state(ls, l, HRP_LINK_READY);
	return HA_OK;
}

/* Has a probe of the last one and a half intervals, and a round trip, arrived there? */
static bool
proved(const struct hrp_links *ls, const struct hrp_link *l, mono_t now)
{
	const uint64_t limit = (uint64_t)ls->hello_ms * NS_PER_MS * 3 / 2 + l->rtt_us * NS_PER_US;

	return l->proved_sent.ns != 0 && now.ns <= l->proved_sent.ns + limit;
}

bool
hrp_link_poll(struct hrp_links *ls, mono_t now)
{
	int running = -1;

	for (uint16_t i = 0; i < ls->count; i++) {
		struct hrp_link *l = &ls->link[i];
		if (l->state < HRP_LINK_READY)
			continue;
		if (!proved(ls, l, now))
			l->doubt = mono_add_ms(now, HRP_LINK_STEADY * (uint64_t)ls->hello_ms);
		if (!within(ls, l->good_at, now))
			set_state(ls, l, HRP_LINK_PEERDOWN);
		else if (running < 0 && !l->heartbeat_only)
			running = i;
	}
	for (uint16_t i = 0; i < ls->count; i++)
		if (ls->link[i].state >= HRP_LINK_READY)
			set_state(
				ls, &ls->link[i], i == running ? HRP_LINK_RUNNING : HRP_LINK_READY);
	if (ls->running != running) {
		ls->running = running;
		ls->changed = true;
	}
	const bool changed = ls->changed;
	ls->changed = false;
	return changed;
}

bool
hrp_link_sure(const struct hrp_links *ls, uint16_t slot, mono_t now)
{
	const struct hrp_link *l = &ls->link[slot];

	return l->state >= HRP_LINK_READY && proved(ls, l, now) && !mono_before(now, l->doubt);
}

uint32_t
hrp_link_ways(const struct hrp_links *ls, mono_t now)
{
	const enum hrp_link_state least = ls->running >= 0 ? HRP_LINK_READY : HRP_LINK_PEERDOWN;
	uint32_t ways = 0;

	if (ls->running >= 0 && hrp_link_sure(ls, (uint16_t)ls->running, now))
		return UINT32_C(1) << ls->running;
	for (uint16_t i = 0; i < ls->count; i++)
		if (ls->link[i].state >= least)
			ways |= UINT32_C(1) << i;
	return ways;
}

int
hrp_link_data(const struct hrp_links *ls, mono_t now)
{
	for (uint16_t i = 0; i < ls->count; i++)
		if (!ls->link[i].heartbeat_only && hrp_link_sure(ls, i, now))
			return i;
	return ls->running;
}
