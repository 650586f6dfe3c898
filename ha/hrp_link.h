/*
 * Heartbeat links: each hb interface is one link with its own state (R163-R167), found out by
 * probes (requirements.md 3.3).  Pure: no I/O, the clock is an argument.  HRP core only.
 *
 * down/invalid -> peerdown (carrier) -> ready (a probe that has heard us and echoes one of our last
 * eight) -> peerdown after three silent intervals.  running = the first configured among the ready,
 * but for those that carry the heartbeat only.
 *
 * Three intervals are as long as a Standby waits for its peer.  So that the loss of one link costs
 * no role (R173, R177), a link is in doubt much earlier: when no probe of ours of the last one and
 * a half intervals is known to have been heard, and for eight intervals from then on, since a link
 * that loses one frame will lose others.  While the running one is in doubt, messages leave by
 * every ready link.
 */
#pragma once

#include "clock.h"
#include "hrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

#define HRP_LINKS_MAX	  8
#define HRP_LINK_SILENT	  3 /* intervals without a good probe until peerdown */
#define HRP_LINK_STEADY	  8 /* intervals that a doubt lasts */
#define HRP_LINK_REMEMBER 8 /* own probe sequences an echo may match */

enum hrp_link_state {
	HRP_LINK_INVALID,  /* no address: cannot work (R163) */
	HRP_LINK_DOWN,	   /* no carrier (R164) */
	HRP_LINK_PEERDOWN, /* probing, no answer (R165) */
	HRP_LINK_READY,	   /* the peer answers (R166) */
	HRP_LINK_RUNNING,  /* ready and chosen (R167) */
	HRP_LINK_STATES
};
extern const char *const hrp_link_state_names[HRP_LINK_STATES];

struct hrp_link {
	enum hrp_link_state state;
	bool carrier;
	bool heartbeat_only; /* never `running`: it does not carry the mirror */
	rte_be32_t address;
	uint32_t name_crc;

	uint32_t sequence; /* of the last probe sent */
	mono_t sent[HRP_LINK_REMEMBER];
	mono_t due;	    /* next probe */
	mono_t heard_at;    /* last valid probe */
	mono_t good_at;	    /* last one that proves both directions */
	uint32_t proved;    /* newest probe of ours that the peer is known to have heard */
	mono_t proved_sent; /* when that was sent; 0 = none */
	mono_t doubt;	    /* until then, or 0 */
	uint32_t peer_sequence;
	bool answer;	    /* the peer's last probe is still to be answered */
	uint32_t challenge; /* probe to be echoed to one who has still to show that it is current */
	uint32_t old;	    /* what we sent up to here an earlier life of the peer may know... */
	bool some_old;	    /* ...if there was one */

	rte_be32_t peer_address;
	uint32_t peer_hello_ms;
	uint32_t rtt_us;		/* last round trip measured, 0 = none yet */
	uint32_t rtt_sequence;		/* the probe it was measured with */
	bool crossed;			/* the peer's interface has another name (R159) */
	int8_t crossed_to;		/* slot of ours that has that name, -1 none */
	uint64_t probes_out, probes_in; /* without answers */
	uint64_t changes;
};

struct hrp_links {
	bool changed; /* since the last hrp_link_poll() */
	uint32_t hello_ms;
	uint16_t count;
	int running; /* slot, -1 = none */
	struct hrp_link link[HRP_LINKS_MAX];
};

void hrp_link_init(struct hrp_links *, uint32_t hello_ms, uint32_t seed);
/* => slot.  address 0 = invalid. */
int hrp_link_add(
	struct hrp_links *, rte_be32_t address, const char *interface_name, bool heartbeat_only);

void hrp_link_carrier(struct hrp_links *, uint16_t slot, bool up, mono_t now);
/* hrp_link_due: is it time for a probe on this link, or has one of the peer to be answered?  Then
 * `probe` is filled, without ha_vrrp.
 * => Ask again until it says false: both may be true at once. */
bool hrp_link_due(struct hrp_links *, uint16_t slot, mono_t now, struct ha_probe *probe);
/* hrp_link_probe: a checked probe came in by this link from `source`.
 * => HA_OK, or why it is refused. */
enum ha_refusal hrp_link_probe(
	struct hrp_links *, uint16_t slot, const struct ha_probe *, rte_be32_t source, mono_t now);
/* hrp_link_fresh: does a probe that came in by this link echo one of our last, sent since
 * hrp_link_trusted()?  Then it was made just now, and by no life before (hrp_order.h). */
bool hrp_link_fresh(const struct hrp_links *, uint16_t slot, const struct ha_probe *);
/* hrp_link_trusted: another life of the peer is trusted from now on. */
void hrp_link_trusted(struct hrp_links *);
/* hrp_link_challenge: a probe came in of a life that is not trusted yet: echo it, so that its
 * sender can show that it is current.  Changes nothing else. */
void hrp_link_challenge(struct hrp_links *, uint16_t slot, const struct ha_probe *, mono_t now);
/* hrp_link_poll: timeouts and choice.  => true when a state or the choice has changed since the
 * last call. */
bool hrp_link_poll(struct hrp_links *, mono_t now);

/* hrp_link_sure: ready and not in doubt: a probe sent within the last one and a half intervals (and
 * a round trip) is known to have arrived, and so it has been for a while. */
bool hrp_link_sure(const struct hrp_links *, uint16_t slot, mono_t now);
/* => Bit per slot a message goes out by: the running link; while that is in doubt every ready one;
 * while none is ready every one with carrier. */
uint32_t hrp_link_ways(const struct hrp_links *, mono_t now);
/* => The slot data goes out by: the first ready one that is not in doubt, else the running one, -1
 * without. */
int hrp_link_data(const struct hrp_links *, mono_t now);
