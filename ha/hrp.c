/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The HRP core's loop: heartbeat ports, links, bus to the control core, mirror.  One lcore runs it
 * between hrp_core_bind() and hrp_core_unbind(); it never blocks.
 *
 * One turn: receive, news from the control core, links and probes, mirror, transmit.
 */
#include "hrp.h"

#include "check.h"
#include "ha_config.h"
#include "ha_constants.h"
#include "hrp_mirror.h"
#include "hrp_port.h"
#include "hrp_recent.h"
#include "nat_share.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RX_BURST      32
#define RX_BURSTS     2	    /* per link and turn: some 1500 records, a millisecond or two */
#define BUS_MESSAGES  32    /* per turn */
#define CONFIG_FRAMES 8	    /* likewise */
#define LATELY_MS     10000 /* what is heard says for so long that a cable, or a version, is wrong */
#define STATUS_MS     50
#define STATUS_WORDS  (sizeof(struct hrp_status) / sizeof(uint64_t))

static_assert(sizeof(struct hrp_status) % sizeof(uint64_t) == 0, "copied by words");
static_assert(HRP_LINKS_MAX <= 32, "carrier bits");

struct hrp {
	struct hrp_params p;
	int reader;
	struct hrp_links links;
	struct hrp_port io[HRP_LINKS_MAX];
	struct hrp_mirror *mirror;
	struct nat_share nat;
	bool peer_there; /* alive, or perhaps */
	bool active, peer_alive;
	struct hrp_hello peer; /* the newest of an active peer that tells its configuration */
	struct hrp_recent recent;
	struct hrp_trailer *trailer;
	struct hrp_order order;
	uint8_t *sealed, *opened; /* the message at hand, `room` bytes each */
	uint16_t room;
	uint32_t epoch; /* newest role epoch that the control core knows */
	enum ha_algorithm algorithm;
	enum hrp_rollout rollout;
	uint16_t key_id;
	uint32_t ways; /* bit per slot the last message went out by */
	mono_t now;    /* of this turn, as the next */
	const struct snapshot *snap;

	struct {
		uint8_t state, wiring;
	} told[HRP_LINKS_MAX];	  /* of each link, to the control core */
	bool links_due, sync_due; /* the control core has not been told yet */
	bool synchronised;
	mono_t status_due, rate_due;
	uint64_t stale_dropped, bus_full, no_link, repeated, unsealed;
	uint64_t refused[HA_REFUSAL_COUNT];
	mono_t other_version_at; /* last message of one; 0 = never */

	_Atomic(uint64_t) beats;		/* H writes, C reads */
	_Atomic(bool) sync_asked;		/* any thread sets, H clears */
	_Atomic(uint32_t) carrier;		/* any thread writes, H reads: bit per slot */
	_Atomic(uint32_t) version;		/* H writes: odd while the words below change */
	_Atomic(uint64_t) status[STATUS_WORDS]; /* H writes, M reads */
};

/* ---- transmit ---- */

/* By way of the control core, which owns the interface. */
static bool
hand_over(struct hrp *h, uint16_t slot, const uint8_t *message, uint16_t len)
{
	struct hrp_port *io = &h->io[slot];
	struct ha_msg msg = { .type = HA_MSG_TRANSMIT,
		.len = (uint8_t)len,
		.slot = (uint8_t)slot,
		.value = (uint32_t)(h->now.ns / NS_PER_MS) };

	if (len > sizeof(msg.data)) /* no data goes this way */
		return false;
	memcpy(msg.data, message, len);
	if (!ha_bus_put(h->p.bus->to_core, &msg)) {
		h->bus_full++;
		io->tx_failed++;
		return false;
	}
	io->packets_out++;
	io->bytes_out += HRP_FRAME_OVERHEAD_UDP + len;
	return true;
}

/* A sealed message. => false: not sent. */
static bool
send_sealed(struct hrp *h, uint16_t slot, const uint8_t *sealed, uint16_t len, bool urgent)
{
	return h->io[slot].hb.heartbeat_only
		       ? hand_over(h, slot, sealed, len)
		       : hrp_port_send(&h->io[slot], h->snap, h->p.pool, sealed, len, urgent);
}

static void
send_ways(struct hrp *h, uint32_t ways, const uint8_t *sealed, uint16_t len)
{
	for (uint16_t i = 0; i < h->links.count; i++)
		if ((ways >> i & 1) != 0)
			send_sealed(h, i, sealed, len, true);
}

/* seal: into h->sealed. => Its length, 0 = it cannot be sent. */
static uint16_t
seal(struct hrp *h, const uint8_t *message, uint16_t len, bool data)
{
	const uint16_t whole =
		hrp_trailer_seal(h->trailer, message, len, data, h->epoch, h->sealed);

	h->unsealed += whole == 0;
	return whole;
}

/* A hello or request of the control core. */
static void
send_control(struct hrp *h, const uint8_t *message, uint16_t len)
{
	const uint16_t whole = seal(h, message, len, false);
	struct ha_vgmp g;

	if (h->ways == 0)
		h->no_link++;
	if (whole == 0)
		return;
	memcpy(&g, message + sizeof(struct ha_vrrp), sizeof(g));
	hrp_recent_put(&h->recent, &g, h->sealed, whole, h->now);
	send_ways(h, h->ways, h->sealed, whole);
}

/* find_ways: other links carry the messages from now on.  What went out by one that has failed may
 * be lost, and goes out again. */
static void
find_ways(struct hrp *h)
{
	const struct hrp_recent_message *list[HRP_RECENT];
	const uint32_t ways = hrp_link_ways(&h->links, h->now), fresh = ways & ~h->ways;
	bool sure = false;

	for (uint16_t i = 0; i < h->links.count; i++)
		sure = sure || ((h->ways >> i & 1) != 0 && hrp_link_sure(&h->links, i, h->now));
	h->ways = ways;
	if (fresh == 0 || sure)
		return;
	const uint32_t n = hrp_recent_list(&h->recent, h->now, h->p.hello_ms, list);

	for (uint32_t i = 0; i < n; i++)
		send_ways(h, fresh, list[i]->data, list[i]->len);
	h->repeated += n;
}

/* For the mirror: by one link, which acknowledges what has arrived. */
static bool
send_data(void *ctx, const uint8_t *message, uint16_t len)
{
	struct hrp *h = ctx;
	const int slot = hrp_link_data(&h->links, h->now);

	if (slot < 0)
		return false;
	const uint16_t whole = seal(h, message, len, true);

	return whole != 0 && send_sealed(h, (uint16_t)slot, h->sealed, whole, false);
}

static void
send_probes(struct hrp *h, mono_t now)
{
	uint8_t message[sizeof(struct ha_vrrp) + sizeof(struct ha_probe)];
	struct ha_probe probe;

	for (uint16_t i = 0; i < h->links.count; i++) {
		while (hrp_link_due(&h->links, i, now, &probe)) {
			if (h->io[i].hb.remote != 0)
				probe.flags |= HA_PROBE_UDP;
			memcpy(message + sizeof(struct ha_vrrp), &probe, sizeof(probe));
			ha_finish(message, sizeof(message), HA_PROBE, h->p.hello_ms);
			const uint16_t whole = seal(h, message, sizeof(message), false);

			if (whole != 0)
				send_sealed(h, i, h->sealed, whole, true);
		}
	}
}

/* Chunks and answers of the management thread, a few at a time: they wait behind nothing and
 * nothing that is in a hurry waits behind them. */
static uint32_t
send_config(struct hrp *h)
{
	struct {
		struct ha_vrrp v;
		struct ha_vgmp g;
		struct hrp_header h;
		struct hrp_config c;
		uint8_t text[HRP_CONFIG_CHUNK_MAX];
	} m;
	static_assert(offsetof(__typeof__(m), text) == HRP_CONFIG_OVERHEAD, "wire size");
	struct config_frame f;
	uint32_t n = 0;

	while (n < CONFIG_FRAMES && config_bus_get(h->p.config->to_hrp, &f)) {
		const uint32_t body = (uint32_t)sizeof(m.c) + f.len;
		const uint16_t len = (uint16_t)(HRP_CONFIG_OVERHEAD + f.len);

		m.g = (struct ha_vgmp){ .vtype = HA_HRP_DATA, .group = VGMP_GROUP_ACTIVE };
		m.h = (struct hrp_header){ .source_module = RTE_BE16(HRP_MODULE_CONFIG),
			.dest_module = RTE_BE16(HRP_MODULE_CONFIG),
			.op = HRP_OP_COMMAND,
			.fragments = RTE_BE16(1),
			.length = rte_cpu_to_be_32(body) };
		m.c = f.head;
		memcpy(m.text, f.text, f.len);
		ha_finish((uint8_t *)&m, len, HA_VGMP, h->p.hello_ms);
		(void)send_data(h, (const uint8_t *)&m, len); /* lost: it is sent again */
		n++;
	}
	return n;
}

/* ---- receive ---- */

static bool
lately(mono_t heard, mono_t now)
{
	return heard.ns != 0 && mono_before(now, mono_add_ms(heard, LATELY_MS));
}

/* What an active peer's hello says of its configuration, as if by a message of its own. */
static void
note_config(struct hrp *h, const uint8_t *body)
{
	struct config_frame f = { .head = { .kind = HRP_CONFIG_STATE } };

	memcpy(&h->peer, body, sizeof(h->peer));
	f.head.role = h->peer.config_role;
	f.head.flags = h->peer.flags & (HRP_HELLO_AUTO_CONFIG | HRP_HELLO_CONFIG_NEWER);
	f.head.generation = h->peer.config_generation;
	memcpy(f.head.digest, h->peer.config_digest, sizeof(f.head.digest));
	if (h->p.config != NULL && h->peer.config_generation != 0)
		(void)config_bus_put(h->p.config->to_management, &f); /* another hello follows */
}

static enum ha_refusal
take_config(struct hrp *h, const uint8_t *message, uint16_t len)
{
	struct config_frame f = { .len = (uint16_t)(len - HRP_CONFIG_OVERHEAD) };

	if (h->p.config == NULL)
		return HA_REFUSED_module;
	memcpy(&f.head, message + HRP_CONFIG_OVERHEAD - sizeof(f.head), sizeof(f.head));
	memcpy(f.text, message + HRP_CONFIG_OVERHEAD, f.len);
	(void)config_bus_put(h->p.config->to_management, &f); /* lost: it is sent again */
	return HA_OK;
}

/* Is this box, or the peer, about to get another configuration?  Then no role is handed over: the
 * box that takes it would be the config master, with the older one. */
static bool
config_pending(const struct hrp *h)
{
	const struct config_bus *const c = h->p.config;
	uint64_t digest;

	if (c == NULL || !h->peer_alive)
		return false;
	if (atomic_load_explicit(&c->pending, memory_order_relaxed))
		return true;
	memcpy(&digest, h->peer.config_digest, sizeof(digest));
	return !h->active && h->peer.config_role == HRP_CONFIG_MASTER &&
	       h->peer.config_generation != 0 &&
	       (h->peer.flags & atomic_load_explicit(&c->flags, memory_order_relaxed) &
		       HRP_HELLO_AUTO_CONFIG) != 0 &&
	       digest != atomic_load_explicit(&c->digest, memory_order_relaxed) &&
	       digest != atomic_load_explicit(&c->refused, memory_order_relaxed);
}

static void
tell_standing(struct hrp *h)
{
	if (h->p.config == NULL)
		return;
	atomic_store_explicit(&h->p.config->standing,
		(h->active ? CONFIG_STANDING_ACTIVE : 0u) |
			(h->peer_alive ? CONFIG_STANDING_ALIVE : 0u) |
			(hrp_mirror_peer_active(h->mirror) ? CONFIG_STANDING_PEER_ACTIVE : 0u) |
			(h->order.own > h->order.peer ? CONFIG_STANDING_FIRST : 0u),
		memory_order_relaxed);
}

static enum ha_refusal
dispatch_hello(struct hrp *h, uint16_t slot, const struct hrp_opened *in)
{
	const uint8_t *const message = in->data;
	const uint16_t len = in->len;
	struct ha_msg msg = { .type = HA_MSG_RECEIVED,
		.len = (uint8_t)len,
		.slot = (uint8_t)slot,
		.value = in->epoch };
	struct ha_vgmp g;

	FW_ASSERT(len <= sizeof(msg.data)); /* ha_check_body() knows the exact lengths */
	if (!hrp_order_newest(&h->order.newest, in->number.sequence))
		return HA_REFUSED_late;
	memcpy(&g, message + sizeof(struct ha_vrrp), sizeof(g));
	hrp_mirror_peer(h->mirror, g.group, g.state, h->now);
	if (g.vtype == HA_HRP_HELLO)
		note_config(h, message + sizeof(struct ha_vrrp) + sizeof(g));
	memcpy(msg.data, message, len);
	if (h->order.own > in->number.life)
		msg.flag |= HA_RECEIVED_FIRST;
	if (in->version != HA_VERSION)
		msg.flag |= HA_RECEIVED_OTHER_VERSION;
	if (!ha_bus_put(h->p.bus->to_core, &msg))
		h->bus_full++;
	return HA_OK;
}

/* It is new, and the peer's own: only now it says something about the peer. */
static enum ha_refusal
take(struct hrp *h, const struct hrp_opened *in, mono_t now)
{
	const enum ha_refusal why = hrp_order_take(&h->order, &in->number, now);

	if (why == HA_OK && in->version != HA_VERSION)
		h->other_version_at = now;
	return why;
}

static enum ha_refusal
dispatch_probe(
	struct hrp *h, uint16_t slot, const struct hrp_opened *in, rte_be32_t source, mono_t now)
{
	struct ha_probe probe;
	enum ha_refusal why;

	memcpy(&probe, in->data + sizeof(struct ha_vrrp), sizeof(probe));
	if (in->number.life != h->order.peer && hrp_link_fresh(&h->links, slot, &probe) &&
		hrp_order_trust(&h->order, in->number.life,
			source == h->links.link[slot].peer_address, h->p.hello_ms, now)) {
		hrp_trailer_trust(h->trailer, in->number.life);
		hrp_link_trusted(&h->links);
	}
	why = take(h, in, now);
	if (why == HA_REFUSED_life)
		hrp_link_challenge(&h->links, slot, &probe, now);
	return why != HA_OK ? why : hrp_link_probe(&h->links, slot, &probe, source, now);
}

/* Frames of streams answer a number of ours, so that nobody can have recorded them for an earlier
 * life.  Those of the configuration do not: they count once such a one has shown where the peer's
 * sequence stands, and it sends them again. */
static enum ha_refusal
dispatch_data(struct hrp *h, const struct hrp_opened *in, mono_t now)
{
	const uint64_t before = h->order.answered ? 0 : hrp_mirror_answers(h->mirror);
	struct hrp_header head;
	enum ha_refusal why;

	memcpy(&head, in->data + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(head));
	if (head.op == HRP_OP_COMMAND)
		return h->order.answered ? take_config(h, in->data, in->len) : HA_REFUSED_replayed;
	why = hrp_mirror_receive(h->mirror, in->data, in->len, in->epoch, now);
	if (!h->order.answered && hrp_mirror_answers(h->mirror) != before)
		hrp_order_answered(&h->order, in->number.sequence);
	return why;
}

static enum ha_refusal
dispatch_vgmp(struct hrp *h, uint16_t slot, const struct hrp_opened *in, mono_t now)
{
	const bool data = (in->number.sequence & HA_SEQUENCE_DATA) != 0;
	enum ha_refusal why;
	struct ha_vgmp g;

	memcpy(&g, in->data + sizeof(struct ha_vrrp), sizeof(g));
	if (data != (g.vtype == HA_HRP_DATA))
		return HA_REFUSED_field;
	why = take(h, in, now);
	if (why != HA_OK)
		return why;
	if (!data)
		return dispatch_hello(h, slot, in);
	return dispatch_data(h, in, now);
}

static enum ha_refusal
dispatch(struct hrp *h, uint16_t slot, const uint8_t *message, uint16_t len, rte_be32_t source,
	mono_t now)
{
	struct hrp_opened in;
	struct ha_vrrp v;
	enum ha_refusal why;

	if (len > h->room)
		return HA_REFUSED_field;
	why = hrp_trailer_open(h->trailer, message, len, h->opened, &in);
	if (why != HA_OK)
		return why;
	/* The roles go on as ever with a peer of another version; its sessions it keeps to itself.
	 */
	if (in.version != HA_VERSION && !ha_known(in.data, &in.len))
		return HA_REFUSED_version;
	why = ha_check_body(in.data, in.len);
	if (why != HA_OK)
		return why;
	memcpy(&v, in.data, sizeof(v));
	if (v.type2 == HA_PROBE)
		return dispatch_probe(h, slot, &in, source, now);
	if (v.type2 != HA_VGMP)
		return HA_REFUSED_type2; /* consistency checks have no taker yet */
	return dispatch_vgmp(h, slot, &in, now);
}

const char *const hrp_wiring_names[HRP_WIRINGS] = { [HRP_WIRING_STRAIGHT] = "straight",
	[HRP_WIRING_CROSSED] = "crossed",
	[HRP_WIRING_SERVICE] = "service" };

/* A VRRP advert (type 1) has no business on a heartbeat cable. */
static bool
is_advert(const struct hrp_frame_message *m)
{
	return m->len > 0 && (m->data[0] & 0x0f) == 1;
}

static enum hrp_wiring
wiring_of(const struct hrp *h, uint16_t slot, mono_t now)
{
	const struct hrp_port *const io = &h->io[slot];

	if (lately(io->advert_at, now))
		return HRP_WIRING_SERVICE;
	return h->links.link[slot].crossed || lately(io->foreign_at, now) ? HRP_WIRING_CROSSED
									  : HRP_WIRING_STRAIGHT;
}

/* Counts it, if it is a refusal. */
static void
refuse(struct hrp *h, enum ha_refusal why)
{
	if (why != HA_OK)
		h->refused[why]++;
}

static void
receive(struct hrp *h, uint16_t slot, struct rte_mbuf *m, mono_t now)
{
	struct hrp_frame_message message;
	enum ha_refusal why;

	if (hrp_port_receive(&h->io[slot], h->snap, m, &message, &why) == HRP_FRAME_HA) {
		why = dispatch(h, slot, message.data, message.len, message.source, now);
		if (why == HA_REFUSED_type && is_advert(&message))
			h->io[slot].advert_at = now;
		rte_pktmbuf_free(m);
	}
	/* Where each link has a subnet of its own, a crossed one is heard by that alone. */
	if (why == HA_REFUSED_subnet)
		h->io[slot].foreign_at = now;
	refuse(h, why);
}

static uint32_t
receive_all(struct hrp *h, mono_t now)
{
	struct rte_mbuf *m[RX_BURST];
	uint32_t work = 0;

	for (uint16_t slot = 0; slot < h->links.count; slot++) {
		for (int burst = 0; burst < RX_BURSTS && !h->io[slot].hb.heartbeat_only; burst++) {
			const uint16_t n = rte_eth_rx_burst(h->io[slot].hb.ethdev, 0, m, RX_BURST);
			for (uint16_t i = 0; i < n; i++)
				receive(h, slot, m[i], now);
			work += n;
			if (n < RX_BURST)
				break;
		}
	}
	return work;
}

/* ---- control core ---- */

/* The control core has taken a message from a service interface. */
static void
arrived(struct hrp *h, const struct ha_msg *msg, mono_t now)
{
	enum ha_refusal why = (enum ha_refusal)msg->flag;

	if (msg->slot >= h->links.count || msg->len > sizeof(msg->data))
		return;
	struct hrp_port *io = &h->io[msg->slot];

	io->packets_in++;
	io->bytes_in += HRP_FRAME_OVERHEAD_UDP + msg->len;
	if (why == HA_OK)
		why = dispatch(h, msg->slot, msg->data, msg->len, io->hb.remote, now);
	refuse(h, why);
}

/* What we thought to have sent by a service interface was not. */
static void
unsent(struct hrp *h, const struct ha_msg *msg)
{
	if (msg->slot >= h->links.count)
		return;
	struct hrp_port *io = &h->io[msg->slot];

	if (msg->flag == HA_REFUSED_policy)
		io->denied_out++;
	else
		io->unresolved++;
}

static void
from_core(struct hrp *h, const struct ha_msg *msg, mono_t now)
{
	const uint32_t now_ms = (uint32_t)(now.ns / NS_PER_MS);
	bool alive;

	switch (msg->type) {
	case HA_MSG_SEND:
		/* The process was stopped in between: what it wanted to say may be wrong by now. */
		if (now_ms - msg->value > h->p.hello_ms && (int32_t)(now_ms - msg->value) > 0) {
			h->stale_dropped++;
			return;
		}
		if (msg->len >= sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp) &&
			msg->len <= sizeof(msg->data))
			send_control(h, msg->data, msg->len);
		return;
	case HA_MSG_ARRIVED:
		arrived(h, msg, now);
		return;
	case HA_MSG_UNSENT:
		unsent(h, msg);
		return;
	case HA_MSG_ROLE:
		h->epoch = msg->value;
		alive = msg->len > 0 && msg->data[0] != 0;
		hrp_mirror_groups(h->mirror, msg->len > 1 ? msg->data[1] : 0, h->epoch, alive, now);
		hrp_mirror_role(h->mirror, msg->flag != 0, alive, now);
		h->peer_there = alive || (msg->len > 2 && msg->data[2] != 0);
		h->active = msg->flag != 0;
		h->peer_alive = alive;
		if (!alive)
			memset(&h->peer, 0, sizeof(h->peer));
		return;
	default:
		return;
	}
}

static uint32_t
read_bus(struct hrp *h, mono_t now)
{
	struct ha_msg msg;
	uint32_t n = 0;

	while (n < BUS_MESSAGES && ha_bus_get(h->p.bus->to_hrp, &msg)) {
		from_core(h, &msg, now);
		n++;
	}
	return n;
}

/* What has become of the links, one by one: for the log. */
static void
tell_links(struct hrp *h, mono_t now)
{
	for (uint16_t i = 0; i < h->links.count; i++) {
		const struct hrp_link *l = &h->links.link[i];
		const struct ha_msg msg = { .type = HA_MSG_LINK,
			.slot = (uint8_t)i,
			.flag = (uint8_t)l->state,
			.value = wiring_of(h, i, now),
			.len = 1,
			.data = { (uint8_t)l->crossed_to } };

		if (msg.flag == h->told[i].state && msg.value == h->told[i].wiring)
			continue;
		if (!ha_bus_put(h->p.bus->to_core, &msg))
			return; /* again next turn */
		h->told[i].state = msg.flag;
		h->told[i].wiring = (uint8_t)msg.value;
	}
}

/* News that must arrive: kept until the ring has room. */
static void
tell_core(struct hrp *h, mono_t now)
{
	/* The peer may have been of our version when it was. */
	const bool synchronised = hrp_mirror_synchronised(h->mirror) &&
				  !lately(h->other_version_at, now) && !config_pending(h);
	struct ha_msg msg = { .value = (uint32_t)h->links.running };

	if (h->links_due) {
		msg.type = HA_MSG_LINKS;
		msg.flag = h->links.running >= 0;
		h->links_due = !ha_bus_put(h->p.bus->to_core, &msg);
	}
	if (synchronised != h->synchronised) {
		h->synchronised = synchronised;
		h->sync_due = true;
	}
	if (h->sync_due) {
		msg.type = HA_MSG_SYNC;
		msg.flag = synchronised;
		msg.value = (uint32_t)(now.ns / NS_PER_MS);
		h->sync_due = !ha_bus_put(h->p.bus->to_core, &msg);
	}
	tell_links(h, now);
}

/* ---- status ---- */

static void
fill_link(const struct hrp *h, uint16_t slot, mono_t now, struct hrp_link_status *s)
{
	const struct hrp_link *l = &h->links.link[slot];
	const bool known = l->crossed && l->crossed_to >= 0;
	const struct hrp_port *io = &h->io[slot];

	*s = (struct hrp_link_status){
		.interface = io->hb.interface,
		.state = l->state,
		.peer_address = l->peer_address,
		.peer_hello_ms = l->peer_hello_ms,
		.rtt_us = l->rtt_us,
		.wiring = wiring_of(h, slot, now),
		.crossed_to = known ? h->io[l->crossed_to].hb.interface : UINT32_MAX,
		.probes_out = l->probes_out,
		.probes_in = l->probes_in,
		.packets_out = io->packets_out,
		.packets_in = io->packets_in,
		.bytes_out = io->bytes_out,
		.bytes_in = io->bytes_in,
		.other_in = io->other_in,
		.tx_failed = io->tx_failed,
		.changes = l->changes,
		.bytes_out_rate = io->rate_out,
		.bytes_in_rate = io->rate_in,
		.denied_out = io->denied_out,
		.denied_in = io->denied_in,
		.unresolved = io->unresolved,
		.remote = io->hb.remote,
		.heartbeat_only = io->hb.heartbeat_only,
	};
}

static void
publish_status(struct hrp *h, mono_t now)
{
	struct hrp_status st = { .links_count = h->links.count,
		.running = h->links.running < 0 ? UINT64_MAX : (uint64_t)h->links.running,
		.stale_dropped = h->stale_dropped,
		.bus_full = h->bus_full,
		.no_link = h->no_link,
		.repeated = h->repeated,
		.unsealed = h->unsealed,
		.algorithm = h->algorithm,
		.rollout = h->rollout,
		.key_id = h->key_id,
		.other_version = lately(h->other_version_at, now) };

	if (!mono_before(now, h->rate_due)) {
		h->rate_due.ns = now.ns + NS_PER_SEC;
		for (uint16_t i = 0; i < h->links.count; i++)
			hrp_port_second(&h->io[i]);
	}
	for (uint16_t i = 0; i < h->links.count; i++) {
		fill_link(h, i, now, &st.links[i]);
		st.no_mbuf += h->io[i].no_mbuf;
	}
	memcpy(st.refused, h->refused, sizeof(st.refused));
	hrp_mirror_status(h->mirror, &st, now);

	const uint32_t version = atomic_load_explicit(&h->version, memory_order_relaxed);
	atomic_store_explicit(&h->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < STATUS_WORDS; i++) {
		uint64_t word;

		memcpy(&word, (const char *)&st + i * sizeof(word), sizeof(word));
		atomic_store_explicit(&h->status[i], word, memory_order_relaxed);
	}
	atomic_store_explicit(&h->version, version + 2, memory_order_release);
	h->status_due = mono_add_ms(now, STATUS_MS);
}

void
hrp_status(const struct hrp *h, struct hrp_status *st)
{
	uint64_t words[STATUS_WORDS];
	uint32_t before;

	do {
		before = atomic_load_explicit(&h->version, memory_order_acquire);
		for (size_t i = 0; i < STATUS_WORDS; i++)
			words[i] = atomic_load_explicit(&h->status[i], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
	} while ((before & 1) != 0 ||
		 atomic_load_explicit(&h->version, memory_order_relaxed) != before);
	memcpy(st, words, sizeof(*st));
}

bool
hrp_same_half(const struct hrp *h)
{
	const size_t word = offsetof(struct hrp_status, same_half) / sizeof(uint64_t);

	return atomic_load_explicit(&h->status[word], memory_order_relaxed) != 0;
}

/* ---- life-cycle ---- */

static int
check_params(const struct hrp_params *p, char *err, size_t err_size)
{
	if (p->heartbeat_count == 0 || p->heartbeat_count > HRP_LINKS_MAX) {
		snprintf(err, err_size, "hrp.interfaces: %u given, expected 1 to %u",
			p->heartbeat_count, HRP_LINKS_MAX);
		return -1;
	}
	for (uint16_t i = 0; i < p->heartbeat_count; i++) {
		if (p->heartbeats[i].prefix_len > 32) {
			snprintf(err, err_size, "hrp.interfaces[%u]: bad prefix length", i);
			return -1;
		}
	}
	return 0;
}

/* Longest message that fits every link and one packet buffer. */
static uint16_t
frame_max(const struct hrp_params *p)
{
	uint16_t mtu = rte_pktmbuf_data_room_size(p->pool);
	bool udp = false;

	mtu = (uint16_t)(mtu - RTE_PKTMBUF_HEADROOM - sizeof(struct rte_ether_hdr));
	for (uint16_t i = 0; i < p->heartbeat_count; i++) {
		const struct hrp_heartbeat *hb = &p->heartbeats[i];

		if (hb->heartbeat_only)
			continue;
		mtu = RTE_MIN(mtu, hb->mtu == 0 ? RTE_ETHER_MTU : hb->mtu);
		udp = udp || hb->remote != 0;
	}
	return ha_message_max(mtu, udp);
}

/* => false: why, in err. */
static bool
prepare_messages(struct hrp *h, char *err, size_t err_size)
{
	static const struct hrp_security none = { .algorithm = HA_ALGORITHM_NONE };
	const struct hrp_params *const p = &h->p;
	const struct hrp_security *const security = p->security != NULL ? p->security : &none;

	h->room = rte_pktmbuf_data_room_size(p->pool);
	h->sealed = calloc(1, h->room);
	h->opened = calloc(1, h->room);
	if (h->sealed == NULL || h->opened == NULL) {
		snprintf(err, err_size, "hrp: out of memory");
		return false;
	}
	h->trailer = hrp_trailer_create(security, p->life, p->boot, err, err_size);
	hrp_order_init(&h->order, p->life);
	h->algorithm = security->algorithm;
	h->rollout = security->rollout;
	h->key_id = security->keys[0].id;
	h->p.security = NULL; /* the caller wipes it */
	return h->trailer != NULL;
}

struct hrp *
hrp_create(const struct hrp_params *p, char *err, size_t err_size)
{
	struct hrp *h;

	if (check_params(p, err, err_size) != 0)
		return NULL;
	h = calloc(1, sizeof(*h));
	if (h == NULL) {
		snprintf(err, err_size, "hrp: out of memory");
		return NULL;
	}
	h->p = *p;
	h->reader = -1;
	h->links_due = h->sync_due = true;
	nat_share_init(&h->nat, p->nat_half, p->nat_reclaim_s);
	hrp_link_init(&h->links, p->hello_ms, p->seed);
	for (uint16_t i = 0; i < p->heartbeat_count; i++) {
		const struct hrp_heartbeat *hb = &p->heartbeats[i];
		hrp_port_init(&h->io[i], hb);
		hrp_link_add(&h->links, hb->address, hb->name != NULL ? hb->name : "",
			hb->heartbeat_only);
	}
	h->mirror = hrp_mirror_create(&(struct hrp_mirror_params){ .engine = p->engine,
					      .frame_max = frame_max(p),
					      .hello_ms = p->hello_ms,
					      .seed = p->seed ^ UINT32_C(0x5bd1e995),
					      .methods = p->methods,
					      .nat_half = p->nat_half,
					      .ctx = h,
					      .send = send_data },
		err, err_size);
	if (h->mirror == NULL || !prepare_messages(h, err, err_size)) {
		hrp_destroy(h);
		return NULL;
	}
	publish_status(h, (mono_t){ .ns = 0 });
	return h;
}

void
hrp_destroy(struct hrp *h)
{
	if (h == NULL)
		return;
	for (uint16_t i = 0; i < h->links.count; i++)
		rte_pktmbuf_free_bulk(h->io[i].tx, h->io[i].waiting);
	hrp_mirror_destroy(h->mirror);
	hrp_trailer_destroy(h->trailer);
	free(h->sealed);
	free(h->opened);
	free(h);
}

int
hrp_core_bind(struct hrp *h)
{
	h->reader = rcu_register(engine_rcu(h->p.engine));
	return h->reader < 0 ? -1 : 0;
}

void
hrp_core_unbind(struct hrp *h)
{
	rcu_unregister(engine_rcu(h->p.engine), h->reader);
	h->reader = -1;
}

void
hrp_core_link(struct hrp *h, uint16_t interface, bool up)
{
	for (uint16_t i = 0; i < h->links.count; i++) {
		if (h->io[i].hb.interface != interface)
			continue;
		if (up)
			atomic_fetch_or(&h->carrier, UINT32_C(1) << i);
		else
			atomic_fetch_and(&h->carrier, ~(UINT32_C(1) << i));
	}
}

static void
poll_links(struct hrp *h, mono_t now)
{
	const uint32_t carrier = atomic_load_explicit(&h->carrier, memory_order_relaxed);

	for (uint16_t i = 0; i < h->links.count; i++)
		hrp_link_carrier(&h->links, i, (carrier >> i & 1) != 0, now);
	if (hrp_link_poll(&h->links, now))
		h->links_due = true;
	for (uint16_t i = 0; i < h->links.count; i++) {
		const enum hrp_link_state state = h->links.link[i].state;

		if (state >= HRP_LINK_PEERDOWN && !h->io[i].hb.heartbeat_only)
			hrp_port_resolve(
				&h->io[i], h->p.pool, state >= HRP_LINK_READY, h->p.hello_ms, now);
	}
	hrp_mirror_link(h->mirror, h->links.running >= 0);
	find_ways(h);
	send_probes(h, now);
}

bool
hrp_core_sync(struct hrp *h)
{
	struct hrp_status *const st = malloc(sizeof(*st));
	bool mirrors;

	if (st == NULL)
		return false;
	hrp_status(h, st);
	mirrors = st->mirroring && st->stream.open;
	free(st);
	if (mirrors)
		atomic_store_explicit(&h->sync_asked, true, memory_order_release);
	return mirrors;
}

uint32_t
hrp_core_poll(struct hrp *h, mono_t now)
{
	const uint64_t beat = atomic_load_explicit(&h->beats, memory_order_relaxed);
	uint32_t work;

	FW_ASSERT(h->reader >= 0);
	h->now = now;
	h->snap = engine_snapshot(h->p.engine);
	work = receive_all(h, now);
	work += read_bus(h, now);
	poll_links(h, now);
	if (atomic_exchange_explicit(&h->sync_asked, false, memory_order_acquire))
		hrp_mirror_sync(h->mirror);
	nat_share_poll(&h->nat, engine_nat_groups(h->p.engine), h->peer_there, now);
	work += hrp_mirror_poll(h->mirror, now);
	if (h->p.config != NULL)
		work += send_config(h);
	tell_core(h, now);
	tell_standing(h);
	for (uint16_t i = 0; i < h->links.count; i++)
		hrp_port_flush(&h->io[i]);
	if (!mono_before(now, h->status_due))
		publish_status(h, now);
	h->snap = NULL;
	rcu_quiescent(engine_rcu(h->p.engine), h->reader);
	atomic_store_explicit(&h->beats, beat + 1, memory_order_relaxed);
	return work;
}

void
hrp_core_sleep_begin(struct hrp *h)
{
	rcu_offline(engine_rcu(h->p.engine), h->reader);
}

void
hrp_core_sleep_end(struct hrp *h)
{
	rcu_online(engine_rcu(h->p.engine), h->reader);
}

uint64_t
hrp_core_beats(const struct hrp *h)
{
	return atomic_load_explicit(&h->beats, memory_order_relaxed);
}
