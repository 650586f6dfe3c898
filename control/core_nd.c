/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbour discovery: what received messages mean to us, and our own addresses.
 *
 *	DOWN	    the link is down, or the address is new
 *	TENTATIVE   asked whether anybody has it, for 1 s (RFC 4862 5.4): neither answered nor used
 *	VALID	    ours: announced once, answered, defended
 *	DUPLICATE   somebody else has it: not used until the link comes up again or it is changed
 *
 * Learned as from ARP: senders of solicitations to us; anybody else only if there is an entry
 * already.  Virtual addresses (core_virtual.c) have no state here: while the group is active they
 * are answered, with the virtual MAC, and never asked for.  Router messages and redirects are
 * counted and ignored: a firewall is told its routes by its operator, and it sends no router
 * adverts.
 */
#include "config_address.h"
#include "core_state.h"
#include "nd.h"

#define DETECT_MS 1000 /* RetransTimer; DupAddrDetectTransmits is 1 */

enum { DOWN, TENTATIVE, VALID, DUPLICATE };

static const uint8_t unspecified[IP6_LEN];

/* The address at a place of an interface, NULL = none. */
static const uint8_t *
address_at(const struct snapshot_interface *in, unsigned int place)
{
	if (in->address6_count == 0)
		return NULL;
	if (place == CORE_LINK_LOCAL)
		return in->link_local;
	return place < in->address6_count ? in->addresses6[place].address : NULL;
}

static struct core_own6 *
own_find(struct core *c, uint16_t interface, const uint8_t address[IP6_LEN])
{
	for (unsigned int i = 0; i < CORE_OWN6; i++) {
		struct core_own6 *o = &c->own6[interface][i];

		if (o->used && ip6_equal(o->address, address))
			return o;
	}
	return NULL;
}

static uint8_t
state_of(const struct core_own6 *o)
{
	return atomic_load_explicit(&o->state, memory_order_relaxed);
}

static void
set_state(struct core_own6 *o, uint8_t state)
{
	atomic_store_explicit(&o->state, state, memory_order_relaxed);
}

const char *
core_address6_state(const struct core *c, uint16_t interface, unsigned int place)
{
	static const char *const names[] = { [DOWN] = "down",
		[TENTATIVE] = "tentative",
		[VALID] = "valid",
		[DUPLICATE] = "duplicate" };

	if (interface >= MAX_INTERFACES || place >= CORE_OWN6)
		return names[DOWN];
	return names[state_of(&c->own6[interface][place])];
}

static bool
send_frame(struct core *c, uint16_t interface, const uint8_t frame[ND_FRAME_LEN])
{
	return core_send_bytes(c, interface, frame, (uint16_t)nd_frame_len(frame));
}

/* ---- own addresses ---- */

static void
own_restart(struct core *c, uint16_t interface)
{
	for (unsigned int i = 0; i < CORE_OWN6; i++)
		set_state(&c->own6[interface][i], DOWN);
	c->own6_due = true;
}

void
core_nd_link_changed(struct core *c, uint16_t interface)
{
	own_restart(c, interface);
}

void
core_nd_published(struct core *c)
{
	for (uint16_t i = 0; i < MAX_INTERFACES; i++) {
		const struct snapshot_interface *in = core_interface(c, i);

		for (unsigned int place = 0; place < CORE_OWN6; place++) {
			const uint8_t *address = in != NULL ? address_at(in, place) : NULL;
			struct core_own6 *o = &c->own6[i][place];

			if (address != NULL && o->used && ip6_equal(o->address, address))
				continue;
			o->used = address != NULL;
			if (o->used)
				memcpy(o->address, address, IP6_LEN);
			set_state(o, DOWN);
		}
	}
	c->own6_due = true;
}

bool
core_nd_tell(struct core *c, uint16_t interface, const struct rte_ether_addr *mac,
	const uint8_t address[IP6_LEN])
{
	uint8_t frame[ND_FRAME_LEN];

	nd_advert(frame, NULL, NULL, mac, address);
	if (!send_frame(c, interface, frame))
		return false;
	c->stats.nd_adverts_out++;
	return true;
}

static void
announce(struct core *c, uint16_t interface, const struct core_own6 *o)
{
	core_nd_tell(c, interface, &core_interface(c, interface)->mac, o->address);
}

void
core_nd_announce(struct core *c, uint16_t interface)
{
	for (unsigned int i = 0; core_interface(c, interface) != NULL && i < CORE_OWN6; i++) {
		const struct core_own6 *o = &c->own6[interface][i];

		if (o->used && state_of(o) == VALID)
			announce(c, interface, o);
	}
}

static void
duplicate(struct core *c, uint16_t interface, struct core_own6 *o, const struct rte_ether_addr *who)
{
	const struct ip_addr address = ip_addr_v6(o->address);
	char text[CONFIG_IP_TEXT];

	set_state(o, DUPLICATE);
	c->stats.nd_duplicates++;
	LOG(ERROR,
		"%s: " RTE_ETHER_ADDR_PRT_FMT
		" has our address %s: not used until the link is up anew",
		c->snap->interfaces[interface].name, RTE_ETHER_ADDR_BYTES(who),
		config_address_ip_text(&address, text));
}

/* => Frames sent; *later = there is more to wait for. */
static uint32_t
own_tick(struct core *c, uint16_t interface, struct core_own6 *o, bool *later)
{
	const struct snapshot_interface *in = core_interface(c, interface);
	uint8_t frame[ND_FRAME_LEN];

	if (!o->used || in == NULL || !core_link_up(c, interface))
		return 0;
	switch (state_of(o)) {
	case DOWN:
		*later = true;
		nd_solicit(frame, &in->mac, unspecified, o->address, NULL);
		if (!send_frame(c, interface, frame))
			return 0; /* no room now: next turn */
		c->stats.nd_solicits_out++;
		o->due = mono_add_ms(c->now, DETECT_MS);
		set_state(o, TENTATIVE);
		return 1;
	case TENTATIVE:
		*later = true;
		if (mono_before(c->now, o->due))
			return 0;
		set_state(o, VALID);
		announce(c, interface, o);
		return 1;
	default:
		return 0;
	}
}

uint32_t
core_nd_tick(struct core *c)
{
	uint32_t sent = 0;
	bool later = false;

	if (!c->own6_due || c->snap == NULL)
		return 0;
	for (uint16_t i = 0; i < c->snap->interface_count; i++) {
		for (unsigned int place = 0; place < CORE_OWN6; place++)
			sent += own_tick(c, i, &c->own6[i][place], &later);
	}
	c->own6_due = later;
	return sent;
}

/* ---- asking ---- */

/* Our address to speak from: link-local, else a global one that is valid. */
static const uint8_t *
speaker(const struct core *c, uint16_t interface)
{
	for (unsigned int i = CORE_OWN6; i-- > 0;) {
		const struct core_own6 *o = &c->own6[interface][i];

		if (o->used && state_of(o) == VALID)
			return o->address;
	}
	return NULL;
}

const uint8_t *
core_link_local(const struct core *c, uint16_t interface)
{
	const struct core_own6 *o;

	if (interface >= MAX_INTERFACES)
		return NULL;
	o = &c->own6[interface][CORE_LINK_LOCAL];
	return o->used && state_of(o) == VALID ? o->address : NULL;
}

void
core_nd_ask(struct core *c, uint16_t interface, const uint8_t address[IP6_LEN],
	const struct rte_ether_addr *whom)
{
	const struct snapshot_interface *in = core_interface(c, interface);
	const uint8_t *source = in != NULL ? speaker(c, interface) : NULL;
	uint8_t frame[ND_FRAME_LEN];

	if (source == NULL)
		return;
	nd_solicit(frame, &in->mac, source, address, whom);
	if (send_frame(c, interface, frame))
		c->stats.nd_solicits_out++;
}

/* ---- received ---- */

static void
conflict(struct core *c, const struct snapshot_interface *in, const struct nd *n,
	const struct rte_ether_addr *who)
{
	const struct ip_addr address = ip_addr_v6(n->target);
	char text[CONFIG_IP_TEXT];

	c->stats.nd_conflict++;
	if (log_allowed(&c->conflict_log, c->now.ns))
		LOG(WARNING, "%s: " RTE_ETHER_ADDR_PRT_FMT " claims our address %s (%llu so far)",
			in->name, RTE_ETHER_ADDR_BYTES(who), config_address_ip_text(&address, text),
			(unsigned long long)c->stats.nd_conflict);
}

/* Is it ours to answer for, and with which MAC? */
static bool
answers_for(const struct core *c, uint16_t interface, const struct core_own6 *o,
	const uint8_t target[IP6_LEN], struct rte_ether_addr *mac)
{
	const struct ip_addr wanted = ip_addr_v6(target);
	const struct core_virtual *v = core_virtual_find(c, interface, &wanted);

	if (v != NULL) {
		*mac = core_virtual_mac6(v->vrid);
		return core_virtual_owned(c, v);
	}
	*mac = c->snap->interfaces[interface].mac;
	return o != NULL && state_of(o) == VALID;
}

static bool
virtual_ours(const struct core *c, uint16_t interface, const uint8_t address[IP6_LEN])
{
	const struct ip_addr a = ip_addr_v6(address);
	const struct core_virtual *v = core_virtual_find(c, interface, &a);

	return v != NULL && atomic_load_explicit(&v->active, memory_order_relaxed);
}

static void
solicited(struct core *c, uint16_t interface, const struct nd *n, const struct rte_ether_addr *who)
{
	struct core_own6 *o = own_find(c, interface, n->target);
	struct rte_ether_addr mac;
	const bool detection = ip6_is_unspecified(n->source);
	const bool ours = answers_for(c, interface, o, n->target, &mac);
	const struct ip_addr source = ip_addr_v6(n->source);
	uint8_t frame[ND_FRAME_LEN];

	c->stats.nd_solicits_in++;
	if (o != NULL && state_of(o) == TENTATIVE && detection) {
		duplicate(c, interface, o, who); /* both want it: nobody gets it */
		return;
	}
	if (!detection && n->has_mac)
		core_resolve_learn(c, interface, &source, &n->mac, ours);
	if (!ours) {
		c->stats.nd_ignored++;
		return;
	}
	nd_advert(frame, n, n->has_mac ? &n->mac : who, &mac, n->target);
	if (send_frame(c, interface, frame))
		c->stats.nd_adverts_out++;
}

/* RFC 4861 7.2.5: an advert without "override" does not move a neighbour that is known. */
static void
advertised(struct core *c, uint16_t interface, const struct nd *n, const struct rte_ether_addr *who)
{
	const struct neigh_table *t = engine_neighbours(c->engine);
	const uint32_t index = neigh_find6(t, interface, n->target);
	struct core_own6 *o = own_find(c, interface, n->target);
	const struct ip_addr target = ip_addr_v6(n->target);
	struct rte_ether_addr known;
	enum neigh_state state;
	uint64_t word;

	c->stats.nd_adverts_in++;
	if (n->has_mac)
		core_virtual_claimed(c, interface, &target, &n->mac);
	if (virtual_ours(c, interface, n->target)) {
		conflict(c, &c->snap->interfaces[interface], n, who);
		core_virtual_defend(c, interface, &target);
		return;
	}
	if (o != NULL) {
		if (state_of(o) == TENTATIVE)
			duplicate(c, interface, o, who);
		else if (state_of(o) == VALID)
			conflict(c, &c->snap->interfaces[interface], n, who);
		return;
	}
	if (index == NEIGH_NONE) {
		c->stats.nd_ignored++;
		return;
	}
	word = atomic_load_explicit(&neigh_at(t, index)->word, memory_order_relaxed);
	state = neigh_word_state(word);
	neigh_word_mac(word, &known);
	if (state == NEIGH_REACHABLE || state == NEIGH_STALE) {
		if (!n->has_mac || rte_is_same_ether_addr(&known, &n->mac))
			core_resolve_learn(c, interface, &target, &known, false);
		else if ((n->flags & ND_NA_OVERRIDE) != 0)
			core_resolve_learn(c, interface, &target, &n->mac, false);
		else
			c->stats.nd_ignored++;
	} else if (n->has_mac) {
		core_resolve_learn(c, interface, &target, &n->mac, false);
	} else {
		c->stats.nd_ignored++;
	}
}

static void
count_bad(struct core_stats *stats, enum nd_verdict verdict)
{
	stats->nd_bad++;
	if (verdict == ND_HOP_LIMIT)
		stats->nd_hop_limit++;
	else if (verdict == ND_CHECKSUM)
		stats->nd_checksum++;
}

void
core_nd_input(struct core *c, uint16_t interface, const struct rte_mbuf *m)
{
	const struct snapshot_interface *in = core_interface(c, interface);
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const uint8_t *sender;
	enum nd_verdict verdict;
	struct nd n;

	if (in == NULL || in->address6_count == 0) {
		c->stats.nd_ignored++;
		return;
	}
	verdict = nd_parse(eth, rte_pktmbuf_data_len(m), &n);
	if (verdict == ND_OTHER) {
		c->stats.nd_router++;
		return;
	}
	if (verdict != ND_OK || !rte_is_valid_assigned_ether_addr(&eth->src_addr)) {
		count_bad(&c->stats, verdict);
		return;
	}
	if (rte_is_same_ether_addr(&eth->src_addr, &in->mac)) {
		c->stats.nd_own++; /* a loop in the network sends our frames back */
		return;
	}
	/* Whoever speaks, and what is said to be somewhere, must be on this link. */
	sender = n.type == ND_NEIGHBOR_SOLICIT && !ip6_is_unspecified(n.source) ? n.source
										: n.target;
	if (!snapshot_on_link6(in, sender) || !snapshot_on_link6(in, n.target)) {
		c->stats.nd_bad++;
		c->stats.nd_off_link++;
		return;
	}
	if (n.type == ND_NEIGHBOR_ADVERT) {
		advertised(c, interface, &n, &eth->src_addr);
		return;
	}
	if (own_find(c, interface, n.source) != NULL || virtual_ours(c, interface, n.source)) {
		c->stats.nd_conflict++; /* asks with our address: no answer, no war */
		return;
	}
	solicited(c, interface, &n, &eth->src_addr);
}
