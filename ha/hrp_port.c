/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Heartbeat ports.
 */
#include "hrp_port.h"

#include "arp.h"
#include "hrp_policy.h"

#include <rte_ethdev.h>

#include <string.h>

void
hrp_port_init(struct hrp_port *p, const struct hrp_heartbeat *hb)
{
	*p = (struct hrp_port){ .hb = *hb,
		.self = { .address = hb->address,
			.remote = hb->remote,
			.prefix_len = hb->prefix_len,
			.mac = hb->mac } };
}

void
hrp_port_flush(struct hrp_port *p)
{
	uint16_t sent;

	if (p->waiting == 0)
		return;
	sent = rte_eth_tx_burst(p->hb.ethdev, 0, p->tx, p->waiting);
	p->waiting = (uint16_t)(p->waiting - sent);
	if (sent != 0 && p->waiting != 0)
		memmove(p->tx, p->tx + sent, p->waiting * sizeof(p->tx[0]));
}

static bool
queue(struct hrp_port *p, struct rte_mbuf *m, bool urgent)
{
	const uint16_t room = urgent ? HRP_PORT_TX : HRP_PORT_TX - HRP_PORT_RESERVED;

	if (p->waiting >= room)
		hrp_port_flush(p);
	if (p->waiting >= room) {
		p->tx_failed++;
		rte_pktmbuf_free(m);
		return false;
	}
	p->packets_out++;
	p->bytes_out += m->pkt_len;
	p->tx[p->waiting++] = m;
	return true;
}

/* An empty frame of `len` bytes, NULL: counted. */
static struct rte_mbuf *
frame_of(struct hrp_port *p, struct rte_mempool *pool, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (m == NULL) {
		p->no_mbuf++;
		return NULL;
	}
	if (rte_pktmbuf_append(m, len) != NULL)
		return m;
	rte_pktmbuf_free(m);
	p->tx_failed++;
	return NULL;
}

/* UDP: may it leave, and where to? */
static bool
may_send(struct hrp_port *p, const struct snapshot *s, const uint8_t *message, uint16_t len)
{
	if (!hrp_policy_permits(s, p->hb.interface, true, p->self.address, p->self.remote,
		    hrp_frame_source_port(message, len))) {
		p->denied_out++;
		return false;
	}
	p->unresolved += !p->resolved;
	return p->resolved;
}

bool
hrp_port_send(struct hrp_port *p, const struct snapshot *s, struct rte_mempool *pool,
	const uint8_t *message, uint16_t len, bool urgent)
{
	const uint16_t head = hrp_frame_overhead(&p->self);
	struct rte_mbuf *m;

	if (p->self.remote != 0 && !may_send(p, s, message, len))
		return false;
	m = frame_of(p, pool, (uint16_t)(head + len));
	if (m == NULL)
		return false;
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, head), message, len);
	hrp_frame_write(rte_pktmbuf_mtod(m, uint8_t *), len, &p->self, p->ip_id++);
	return queue(p, m, urgent);
}

/* ---- the next hop ---- */

static rte_be32_t
next_hop(const struct hrp_port *p)
{
	return p->hb.gateway != 0 ? p->hb.gateway : p->self.remote;
}

static void
learn(struct hrp_port *p, const uint8_t *frame)
{
	struct rte_ether_addr mac;
	rte_be32_t address;

	hrp_frame_arp_sender(frame, &address, &mac);
	if (p->self.remote == 0 || address != next_hop(p))
		return;
	p->self.next_hop = mac;
	p->resolved = true;
}

void
hrp_port_resolve(
	struct hrp_port *p, struct rte_mempool *pool, bool works, uint32_t hello_ms, mono_t now)
{
	struct rte_mbuf *m;

	if (p->self.remote == 0 || (p->resolved && works) || mono_before(now, p->ask_due))
		return;
	p->ask_due = mono_add_ms(now, hello_ms);
	m = frame_of(p, pool, ARP_FRAME_LEN);
	if (m == NULL)
		return;
	arp_request(
		rte_pktmbuf_mtod(m, uint8_t *), &p->self.mac, p->self.address, next_hop(p), NULL);
	queue(p, m, true);
}

/* ---- receive ---- */

enum hrp_frame_kind
hrp_port_receive(struct hrp_port *p, const struct snapshot *s, struct rte_mbuf *m,
	struct hrp_frame_message *message, enum ha_refusal *why)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	enum hrp_frame_kind kind;

	p->packets_in++;
	p->bytes_in += m->pkt_len;
	*why = HA_OK;
	kind = hrp_frame_parse(frame, rte_pktmbuf_data_len(m), &p->self, message, why);
	if (kind == HRP_FRAME_HA && p->self.remote != 0 &&
		!hrp_policy_permits(s, p->hb.interface, false, message->source, p->self.address,
			message->port)) {
		p->denied_in++;
		*why = HA_REFUSED_policy;
		kind = HRP_FRAME_REFUSED;
	}
	switch (kind) {
	case HRP_FRAME_HA:
		return kind;
	case HRP_FRAME_ARP_REQUEST:
		learn(p, frame);
		hrp_frame_arp_reply(frame, &p->self);
		queue(p, m, false);
		return kind;
	case HRP_FRAME_ARP_ANSWER:
		learn(p, frame);
		break;
	case HRP_FRAME_OTHER:
		p->other_in++;
		break;
	case HRP_FRAME_REFUSED:
		break;
	}
	rte_pktmbuf_free(m);
	return kind;
}

void
hrp_port_second(struct hrp_port *p)
{
	p->rate_out = p->bytes_out - p->out_then;
	p->rate_in = p->bytes_in - p->in_then;
	p->out_then = p->bytes_out;
	p->in_then = p->bytes_in;
}
