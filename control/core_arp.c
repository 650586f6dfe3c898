/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a received ARP frame means to us.
 *
 * Answered: requests for the interface's own address, with its MAC; requests for a virtual address
 * that is ours at this moment, with the virtual MAC (R33); requests for a public address of
 * translation, with either (P34).  Learned: senders of requests to us;
 * anybody else only if there is an entry already (a host that moved), so that strangers cannot fill
 * the table.  Whoever claims an address of ours is counted and logged, and not answered, so that no
 * war of replies begins.
 */
#include "core_state.h"

/* Is it one of ours on this interface, and with which MAC do we answer for it? */
static bool
answers_for(
	const struct core *c, uint16_t interface, rte_be32_t address, struct rte_ether_addr *mac)
{
	const struct ip_addr wanted = ip_addr_v4(address);
	const struct core_virtual *v = core_virtual_find(c, interface, &wanted);
	const struct snapshot_interface *in = &c->snap->interfaces[interface];
	const struct snapshot_claim *claim;

	/* Virtual first: an inactive virtual address is never answered with the real MAC. */
	if (v != NULL) {
		*mac = core_virtual_mac(v->vrid);
		return core_virtual_owned(c, v);
	}
	*mac = in->mac;
	if (address != 0 && address == in->address)
		return true;
	claim = snapshot_claim_of(c->snap, interface, address);
	return claim != NULL && core_claim_active(c, claim, mac);
}

static bool
claims_ours(const struct core *c, uint16_t interface, rte_be32_t sender)
{
	const struct ip_addr claimed = ip_addr_v4(sender);
	const struct core_virtual *v = core_virtual_find(c, interface, &claimed);
	const struct snapshot_claim *claim;
	struct rte_ether_addr mac;

	if (v != NULL) /* quiet: the peer is taking it over */
		return atomic_load_explicit(&v->active, memory_order_relaxed) && !c->quiet;
	if (sender != 0 && sender == c->snap->interfaces[interface].address)
		return true;
	claim = snapshot_claim_of(c->snap, interface, sender);
	return claim != NULL && core_claim_active(c, claim, &mac);
}

static void
conflict(struct core *c, const struct snapshot_interface *in, const struct arp *a)
{
	const uint32_t ip = rte_be_to_cpu_32(a->sender);

	c->stats.arp_conflict++;
	if (log_allowed(&c->conflict_log, c->now.ns))
		LOG(WARNING,
			"%s: " RTE_ETHER_ADDR_PRT_FMT
			" claims our address %u.%u.%u.%u (%llu so far)",
			in->name, RTE_ETHER_ADDR_BYTES(&a->sender_mac), ip >> 24, ip >> 16 & 0xff,
			ip >> 8 & 0xff, ip & 0xff, (unsigned long long)c->stats.arp_conflict);
}

static void
count_bad(struct core_stats *stats, enum arp_verdict verdict)
{
	stats->arp_bad++;
	switch (verdict) {
	case ARP_SHORT:
		stats->arp_short++;
		break;
	case ARP_FORMAT:
		stats->arp_format++;
		break;
	case ARP_OPCODE:
		stats->arp_opcode++;
		break;
	case ARP_SENDER_MAC:
		stats->arp_sender_mac++;
		break;
	case ARP_SENDER_ADDRESS:
		stats->arp_sender_address++;
		break;
	case ARP_OK:
		break;
	}
}

static void
answer(struct core *c, uint16_t interface, const struct arp *a, const struct rte_ether_addr *mac)
{
	uint8_t frame[ARP_FRAME_LEN];

	arp_reply(frame, a, mac);
	if (core_send_bytes(c, interface, frame, sizeof(frame)))
		c->stats.arp_replies_out++;
}

/* The address of an interface may be a virtual one, too (R39).  While that is another router's, a
 * question that named it would take it from there: nobody asks then, as in RFC 5227. */
static rte_be32_t
asker(const struct core *c, uint16_t interface)
{
	const rte_be32_t own = c->snap->interfaces[interface].address;
	const struct ip_addr address = ip_addr_v4(own);
	const struct core_virtual *const v = core_virtual_find(c, interface, &address);

	return v == NULL || atomic_load_explicit(&v->active, memory_order_relaxed) ? own : 0;
}

void
core_arp_ask(
	struct core *c, uint16_t interface, rte_be32_t address, const struct rte_ether_addr *whom)
{
	const struct snapshot_interface *in = core_interface(c, interface);
	uint8_t frame[ARP_FRAME_LEN];

	if (in == NULL || in->address == 0)
		return;
	arp_request(frame, &in->mac, asker(c, interface), address, whom);
	if (core_send_bytes(c, interface, frame, sizeof(frame)))
		c->stats.arp_requests_out++;
}

/* A valid request whose sender is not one of us. */
static void
request(struct core *c, uint16_t interface, const struct arp *a)
{
	struct rte_ether_addr mac;
	const bool ours = answers_for(c, interface, a->target, &mac);
	const struct ip_addr sender = ip_addr_v4(a->sender);

	c->stats.arp_requests_in++;
	if (a->sender == 0)
		c->stats.arp_probes++;
	else if (a->sender == a->target)
		c->stats.garp_in++;
	if (a->sender != 0)
		core_resolve_learn(c, interface, &sender, &a->sender_mac, ours);
	if (ours)
		answer(c, interface, a, &mac);
	else
		c->stats.arp_ignored++;
}

void
core_arp_input(struct core *c, uint16_t interface, const struct rte_mbuf *m)
{
	const struct snapshot_interface *in = core_interface(c, interface);
	struct arp a;
	enum arp_verdict verdict;
	struct ip_addr sender;

	if (in == NULL) {
		c->stats.arp_ignored++;
		return;
	}
	verdict = arp_parse(rte_pktmbuf_mtod(m, const void *), rte_pktmbuf_data_len(m), &a);
	if (verdict != ARP_OK) {
		count_bad(&c->stats, verdict);
		return;
	}
	if (rte_is_same_ether_addr(&a.sender_mac, &in->mac)) {
		c->stats.arp_own++; /* a loop in the network sends our frames back */
		return;
	}
	sender = ip_addr_v4(a.sender);
	core_virtual_claimed(c, interface, &sender, &a.sender_mac);
	if (claims_ours(c, interface, a.sender)) {
		conflict(c, in, &a);
		core_virtual_defend(c, interface, &sender);
		return;
	}
	if (a.sender != 0 && !core_resolve_on_link(c, interface, &sender)) {
		c->stats.arp_bad++;
		c->stats.arp_off_subnet++;
		return;
	}
	if (a.op == ARP_REQUEST) {
		request(c, interface, &a);
		return;
	}
	c->stats.arp_replies_in++;
	if (a.sender == a.target)
		c->stats.garp_in++;
	core_resolve_learn(c, interface, &sender, &a.sender_mac, false);
}
