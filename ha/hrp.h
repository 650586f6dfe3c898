/*
 * The HRP core of one box: heartbeat ports, links, the mirror out and in.  One lcore runs it and
 * never blocks; ha.c creates it (struct hrp_params is filled from the configuration) and wraps
 * these functions as ha.h's hrp_bind(), hrp_poll(), ...  Tests drive it directly with a fake clock.
 *
 * Roles come in and hellos go both ways through struct ha_bus (ha_bus.h).
 */
#pragma once

#include "config_bus.h"
#include "engine.h"
#include "ha_bus.h"
#include "hrp_link.h"
#include "hrp_trailer.h"
#include "hrp_wire.h"
#include "repl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hrp;

/* One heartbeat interface, in order of preference. */
struct hrp_heartbeat {
	const char *name; /* interface name; its CRC is on the wire */
	uint16_t ethdev;
	uint16_t interface; /* interface index: what hrp_core_link() is told */
	uint16_t mtu;	    /* 0 = 1500 */
	uint8_t prefix_len;
	rte_be32_t address;  /* 0: the link is `invalid` (R163) */
	rte_be32_t remote;   /* 0 = multicast */
	rte_be32_t gateway;  /* UDP: router on the way to a remote outside the subnet, 0 = none */
	bool heartbeat_only; /* UDP, without the mirror: the control core sends and receives it, by
				an interface that carries service traffic as well */
	struct rte_ether_addr mac;
};

struct hrp_params {
	const char *name; /* prefix of DPDK object names */
	struct engine *engine;
	struct rte_mempool *pool;
	struct ha_bus *bus;	   /* the caller's, outlives us, as the next */
	struct config_bus *config; /* NULL = no backup of the configuration */
	const struct hrp_heartbeat *heartbeats;
	uint16_t heartbeat_count; /* 1..HRP_LINKS_MAX */
	uint32_t hello_ms;
	int socket;
	uint32_t seed;
	uint8_t nat_half; /* NAT_HALF_*; 0 = the whole */
	uint32_t nat_reclaim_s;
	uint64_t life;			     /* random, not 0 (hrp_order.h) */
	uint32_t boot;			     /* s of the wall clock */
	const struct hrp_security *security; /* copied; NULL = no keys */
	struct repl_methods methods;
};

/* => NULL with a one-line reason in err. */
struct hrp *hrp_create(const struct hrp_params *, char *err, size_t err_size);
void hrp_destroy(struct hrp *);

int hrp_core_bind(struct hrp *);
void hrp_core_unbind(struct hrp *);
uint32_t hrp_core_poll(struct hrp *, mono_t now); /* => work done; 0 lets the caller sleep */
void hrp_core_sleep_begin(struct hrp *);
void hrp_core_sleep_end(struct hrp *);
uint64_t hrp_core_beats(const struct hrp *);
/* hrp_core_sync: mirror everything once more, beginning at the next turn (R197); what has not
 * changed stays as it is at the peer, what differs there is repaired.
 * => any thread; false: this box mirrors nothing now. */
bool hrp_core_sync(struct hrp *);
/* Carrier of a heartbeat interface, from any thread.  Until told, a link is down. */
void hrp_core_link(struct hrp *, uint16_t interface, bool up);

/* ---- status for shows: a consistent copy, made by the HRP core every 50 ms ---- */

enum hrp_bulk_state {
	HRP_BULK_NONE,	  /* no peer, or not our turn */
	HRP_BULK_RUNNING, /* records are on their way */
	HRP_BULK_WAITING, /* sent or received, result outstanding */
	HRP_BULK_EQUAL,	  /* digests agree */
	HRP_BULK_DIFFERS, /* they do not: another bulk follows */
	HRP_BULK_UNTAKEN, /* the peer is of a version that does not know this table */
	HRP_BULK_LACKING, /* they did agree; something told since could not be taken */
	HRP_BULK_STATES
};
extern const char *const hrp_bulk_state_names[HRP_BULK_STATES];

/* Where the cable of a link ends. */
enum hrp_wiring {
	HRP_WIRING_STRAIGHT,
	HRP_WIRING_CROSSED, /* at an interface of another name (R159, C25) */
	HRP_WIRING_SERVICE, /* in the service network: adverts are heard */
	HRP_WIRINGS
};
extern const char *const hrp_wiring_names[HRP_WIRINGS];

struct hrp_link_status {
	uint32_t interface;    /* index */
	uint32_t state;	       /* enum hrp_link_state */
	uint32_t peer_address; /* rte_be32_t, 0 = never heard */
	uint32_t peer_hello_ms;
	uint32_t rtt_us;
	uint32_t wiring;     /* enum hrp_wiring */
	uint32_t crossed_to; /* interface index, UINT32_MAX = of no name that we know */
	uint32_t pad;
	uint64_t probes_out, probes_in, packets_out, packets_in, bytes_out, bytes_in;
	uint64_t other_in, tx_failed, changes;
	uint64_t bytes_out_rate, bytes_in_rate;	    /* per second, last whole second (R161) */
	uint64_t denied_out, denied_in, unresolved; /* UDP; see struct hrp_port */
	uint32_t remote, heartbeat_only;
};

struct hrp_stream_status {
	uint64_t open; /* a stream is running */
	uint64_t frames_out, frames_in, resent, timeouts, acks_out, acks_in, nacks_out, nacks_in;
	uint64_t duplicates, reordered, refused, opened, window_full;
	uint64_t unacked, rtt_us, lag_us; /* frames in the window; age of the oldest */
};

struct hrp_session_status {
	uint64_t sent, deleted, skipped;	    /* records out; events not worth one */
	uint64_t installed, updated, removed;	    /* records in */
	uint64_t unclaimed;			    /* copies whose outside port is in use here */
	uint64_t untranslatable;		    /* no such address group, or no NAT, here */
	uint64_t conflicts, full, unknown, retries; /* kept ours; table full; delete of unknown */
	uint64_t adopted, swept;		    /* copies made ours; dropped after a bulk */
	uint64_t discarded;			    /* events of a standby */
	uint64_t unread; /* records of ALGs that cannot go on here: no place, or no sense */
};

/* One replicated table. */
#define HRP_TABLES_MAX 8
struct hrp_table_status {
	const char *name;
	uint64_t entries;	    /* here, ours and copies */
	uint64_t told;		    /* what the peer must hold of ours by now */
	uint64_t there;		    /* what it has said that it holds, after the last bulk */
	uint64_t copies;	    /* of the peer's, after the last bulk */
	uint64_t bulk_out, bulk_in; /* enum hrp_bulk_state */
	uint64_t bulks_out, bulks_in;
	uint64_t bulk_ns;  /* when the last one, out or in, was proved or not; 0: none */
	uint64_t check_ns; /* end of the last round of checks that found all equal; 0: none */
	uint64_t checked, differing, unrepaired; /* parts of ours that the peer was asked of */
	uint64_t repaired;			 /* copies of the peer's, here */
	uint64_t lag_median_us, lag_max_us, unacked, resent;
	uint64_t dirty, sent, deleted, installed, removed, refused, unclaimed, unknown, adopted,
		swept;
};

struct hrp_status {
	uint64_t tables_count;
	struct hrp_table_status tables[HRP_TABLES_MAX];
	uint64_t links_count, running; /* running: slot, UINT64_MAX = none */
	struct hrp_link_status links[HRP_LINKS_MAX];
	struct hrp_stream_status stream;
	struct hrp_session_status sessions;
	uint64_t active, peer_alive, peer_active, mirroring, synchronised;
	uint64_t quick, period_s;   /* struct repl_methods */
	uint64_t bulk_out, bulk_in; /* enum hrp_bulk_state */
	uint64_t bulks_out, bulks_in;
	uint64_t bulk_out_count, bulk_in_count; /* records of the last one */
	uint64_t stale_dropped, bus_full, no_mbuf, no_link;
	uint64_t repeated;	/* messages sent again by another link */
	uint64_t unsealed;	/* messages that the library could not sign */
	uint64_t same_half;	/* both boxes hand out the same half of the ports */
	uint64_t other_version; /* a message of another version came in the last seconds (HAC-04) */
	uint64_t algorithm, rollout, key_id; /* enum ha_algorithm, enum hrp_rollout; 0 = no keys */
	uint64_t refused[HA_REFUSAL_COUNT];
};
void hrp_status(const struct hrp *, struct hrp_status *);
bool hrp_same_half(const struct hrp *); /* of that status */
