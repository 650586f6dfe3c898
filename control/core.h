/*
 * The control core: one lcore that never blocks.  Owns the neighbour table, ARP, virtual addresses
 * and carrier states; runs the clients (VGMP, VRRP) that ha/ registers.
 *
 * core_poll() is one turn of the loop: the clients' ticks, messages from the management thread,
 * punted packets, timers.  Tests call it with a fake clock.
 */
#pragma once

#include "engine.h"

#include <rte_ether.h>
#include <rte_mbuf.h>

#include <stdbool.h>
#include <stdint.h>

struct core;

/* What an upper layer hands down. All callbacks run on the control core; NULL = not wanted. */
struct core_client {
	void *ctx;
	/* Every turn, and first in it: nothing is sent or answered in a turn before all ticks ran.
	 */
	void (*tick)(void *ctx, mono_t now);
	void (*link)(void *ctx, uint16_t interface, bool up, mono_t now); /* carrier changed */
	/* A protocol-112 packet from a service interface; data = IP header, len bytes readable.
	 */
	void (*vrrp)(void *ctx, uint16_t interface, const uint8_t *data, uint16_t len, mono_t now);
	/* A packet to the UDP port of the heartbeat, as permitted by the policy; the same. */
	void (*heartbeat)(
		void *ctx, uint16_t interface, const uint8_t *data, uint16_t len, mono_t now);
	/* The virtual MAC of that group speaks for its address, in ARP or a neighbour advert, and
	 * it was not we who said so (unless the network sends our own frames back). */
	void (*claim)(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family, mono_t now);
	/* A console command for this client (core_request). => 0 or -errno. */
	int (*request)(void *ctx, uint32_t what, uint64_t arg, mono_t now);
};

struct core_params {
	struct engine *engine;
	struct rte_mempool *pool;
	const char *name;
};

struct core *core_create(const struct core_params *);
void core_destroy(struct core *);
int core_add_client(struct core *, const struct core_client *); /* before the loop runs */

/* core_bind / core_unbind: by the control core's thread, around its loop (grace periods). */
int core_bind(struct core *);
void core_unbind(struct core *);
uint32_t core_poll(struct core *, mono_t now); /* => work done; 0 lets the caller sleep */
void core_sleep_begin(struct core *);
void core_sleep_end(struct core *);
uint64_t core_beats(const struct core *);
/* core_last_turn: when the last finished turn began; 0 = none yet.  Inside a turn: the one before,
 * so that a client's tick sees by how much the core was late. => Any thread. */
mono_t core_last_turn(const struct core *);

/* ---- from the management thread: posted through a ring ---- */
bool core_post_link(struct core *, uint16_t interface, bool up);
/* The same link by another cable: our addresses are announced, nothing else. */
bool core_post_moved(struct core *, uint16_t interface);
/* Ask client 0 (ha) for something; => its result; -ETIMEDOUT when it was not begun within 1 s (it
 * never will be then) or not done within 2 s; -ENOTSUP without such a client.
 * Blocks: one thread only. */
int core_request(struct core *, uint32_t what, uint64_t arg);
/* A new snapshot was published: interfaces' addresses may have changed. */
bool core_post_published(struct core *);

/* ---- for clients, on the control core ---- */
bool core_link_up(const struct core *, uint16_t interface);
/* core_frame: an empty frame to fill, NULL when buffers are short (counted); core_send: transmit it
 * on the interface's port (worker 0 sends it), padded to 60 bytes.  core_send always takes the
 * mbuf;
 * => false: dropped and counted. */
struct rte_mbuf *core_frame(struct core *);
bool core_send(struct core *, uint16_t interface, struct rte_mbuf *);

/* core_send_to: a frame of ours to a host of the link, whose MAC is filled in.
 * => false: it is not known yet and is being asked for, or the frame was dropped and counted. */
bool core_send_to(struct core *, uint16_t interface, const struct ip_addr *host, uint8_t *frame,
	uint16_t len);

/* core_reaches: does a route lead to the host, by an interface that is up, to a next hop that
 * answers (or to the host itself)?  Each call keeps the question alive.
 * => 1 yes, 0 no, -1 not known yet. */
int core_reaches(struct core *, const struct ip_addr *host);

/* Virtual addresses: while active we answer ARP for it with the virtual MAC, workers accept that
 * MAC, and each activation sends gratuitous ARP in the same turn and again after 1 s (R32, R33,
 * R37, R236).  Answers and gratuitous ARP also need the lease and, gratuitous ARP, the link: it
 * waits for them.  A group (interface, vrid) may have several addresses.
 * => core_virtual_add: before the loop runs; 0, -EINVAL, -EEXIST, -ENOSPC.
 *    core_virtual_active: any thread. */
int core_virtual_add(struct core *, uint16_t interface, uint8_t vrid, rte_be32_t address);
void core_virtual_set(struct core *, uint16_t interface, uint8_t vrid, bool active, mono_t now);
/* core_virtual_quiet: workers go on forwarding for virtual addresses, but nothing is answered or
 * announced for them: the peer is taking them. */
void core_virtual_quiet(struct core *, bool quiet);
/* The same for the addresses of one family, 4 or 6; 0 = both. */
void core_virtual_set_family(
	struct core *, uint16_t interface, uint8_t vrid, uint8_t family, bool active, mono_t now);
bool core_virtual_active(const struct core *, uint16_t interface, uint8_t vrid, uint8_t family);

/* core_virtual_ask: who speaks for the group's first address of that family now?  Asked by ARP or a
 * neighbour solicitation from our own address; `claim` hears the answer. */
void core_virtual_ask(struct core *, uint16_t interface, uint8_t vrid, uint8_t family);

/* core_virtual_announce: an active group announces its addresses as if they were new. */
void core_virtual_announce(struct core *, uint16_t interface, uint8_t vrid);

/* How a group announces itself; without it twice, 1 s apart. */
struct core_garp {
	uint8_t count;	     /* gratuitous ARPs of each address and activation, from 1 on */
	uint32_t repeat_ms;  /* between them */
	uint32_t refresh_ms; /* one more each, as long as it is active; 0 = none */
};
void core_virtual_garp(
	struct core *, uint16_t interface, uint8_t vrid, uint8_t family, const struct core_garp *);

/* core_address6_state: of an own IPv6 address, by its place in the snapshot's interface
 * (MAX_ADDRESSES6: the link-local one): "down", "tentative", "valid", "duplicate" (RFC 4862).
 * => Any thread. */
const char *core_address6_state(const struct core *, uint16_t interface, unsigned int place);

/* core_virtual_add6: the same for IPv6: neighbour solicitations are answered, and adverts sent to
 * all nodes, with the virtual MAC of IPv6.  No duplicate address detection: the peer has it too. */
int core_virtual_add6(
	struct core *, uint16_t interface, uint8_t vrid, const uint8_t address[IP6_LEN]);
/* core_link_local: the interface's link-local address once it is known to be ours alone, or NULL.
 */
const uint8_t *core_link_local(const struct core *, uint16_t interface);

static inline struct rte_ether_addr
core_virtual_mac6(uint8_t vrid)
{
	return (struct rte_ether_addr){ { 0x00, 0x00, 0x5e, 0x00, 0x02, vrid } };
}

static inline struct rte_ether_addr
core_virtual_mac(uint8_t vrid)
{
	return (struct rte_ether_addr){ { 0x00, 0x00, 0x5e, 0x00, 0x01, vrid } };
}

/* Control core writes, anybody reads. */
struct core_stats {
	uint64_t arp_requests_in, arp_replies_in, arp_requests_out, arp_replies_out, garp_out;
	uint64_t arp_probes, garp_in; /* of those in */
	uint64_t arp_ignored; /* requests for somebody else, also for an address not ours now */
	uint64_t arp_own;     /* our own frames, sent back by a loop */
	/* arp_bad = the six after it */
	uint64_t arp_bad, arp_short, arp_format, arp_opcode, arp_sender_mac, arp_sender_address;
	uint64_t arp_off_subnet;
	uint64_t arp_conflict; /* somebody else claims an address of ours */
	uint64_t nd_solicits_in, nd_solicits_out, nd_adverts_in, nd_adverts_out;
	uint64_t nd_router;  /* router messages and redirects: ignored */
	uint64_t nd_ignored; /* for somebody else, or from nobody we know */
	uint64_t nd_own;     /* our own frames, sent back by a loop */
	/* nd_bad contains the three after it */
	uint64_t nd_bad, nd_hop_limit, nd_checksum, nd_off_link;
	uint64_t nd_conflict;	/* somebody else claims an address of ours */
	uint64_t nd_duplicates; /* own addresses given up for that, when they were new */
	uint64_t vrrp_in, sent, send_failed;
	uint64_t punt_ignored; /* punted packets nobody wanted */
	/* Transit packets without a MAC: queued to wait for one; in the end sent, fenced (no lease
	 * at that moment) or dropped (queue full, no answer, link down, not a host's address). */
	uint64_t pending_queued, pending_sent, pending_fenced, pending_dropped;
	uint64_t neigh_failed, neigh_moved, neigh_full;
	uint64_t stalls; /* own turns that came later than the stall limit */
};
#define CORE_STALL_MS 50
void core_stats(const struct core *, struct core_stats *);
/* core_buffers: packet buffers there are; *used = those not free now. => Any thread; what other
 * threads take and give meanwhile may be missed. */
uint32_t core_buffers(const struct core *, uint32_t *used);
