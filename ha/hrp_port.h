/*
 * A heartbeat interface of our own: its ethdev, frames out and in, the MAC of the peer or of the
 * router on the way to it (UDP mode), what the security policy says.  HRP core only.
 */
#pragma once

#include "hrp.h"
#include "hrp_frame.h"
#include "snapshot.h"

#include <rte_mbuf.h>

#define HRP_PORT_TX	  64
#define HRP_PORT_RESERVED 8 /* of it, for hellos and probes: data must not delay them */

struct hrp_port {
	struct hrp_heartbeat hb;
	struct hrp_frame_end self;
	bool resolved;	/* UDP: self.next_hop is known */
	mono_t ask_due; /* UDP: who has it? */
	uint16_t ip_id;
	uint16_t waiting;
	struct rte_mbuf *tx[HRP_PORT_TX];
	uint64_t packets_out, packets_in, bytes_out, bytes_in, other_in, tx_failed;
	uint64_t denied_out, denied_in; /* by the security policy */
	uint64_t unresolved;		/* messages not sent: no MAC of the next hop yet */
	uint64_t no_mbuf;
	mono_t advert_at;  /* a service network's advert was heard; 0 = never */
	mono_t foreign_at; /* a message of another subnet was: of another interface's cable */
	uint64_t out_then, in_then, rate_out,
		rate_in; /* bytes at the last full second, and of it */
};

void hrp_port_init(struct hrp_port *, const struct hrp_heartbeat *);
void hrp_port_flush(struct hrp_port *);
/* hrp_port_send: a message, soon.  urgent: it may take the reserved room.  => false: not sent. */
bool hrp_port_send(struct hrp_port *, const struct snapshot *, struct rte_mempool *,
	const uint8_t *message, uint16_t len, bool urgent);
/* hrp_port_receive: a frame came in.  ARP is answered and heeded here.
 * => the kind; the message lies in the mbuf, which stays the caller's if it is HRP_FRAME_HA and is
 * taken otherwise. */
enum hrp_frame_kind hrp_port_receive(struct hrp_port *, const struct snapshot *, struct rte_mbuf *,
	struct hrp_frame_message *, enum ha_refusal *why);
/* hrp_port_resolve: ask for the next hop's MAC, if it is not known or the link does not work. */
void hrp_port_resolve(
	struct hrp_port *, struct rte_mempool *, bool works, uint32_t hello_ms, mono_t now);
/* hrp_port_second: a second has passed: rates. */
void hrp_port_second(struct hrp_port *);
