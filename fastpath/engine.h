/*
 * The engine: the whole fast path of one box.  Everything hangs off this object, so that tests run
 * two boxes in one process.  See docs/packet-walk.md.
 *
 * Threads: M management, C control core, H HRP core, W worker.
 */
#pragma once

#include "blacklist.h"
#include "capture.h"
#include "clock.h"
#include "drop.h"
#include "mirror.h"
#include "neigh.h"
#include "notice.h"
#include "port.h"
#include "punt.h"
#include "rcu.h"
#include "route.h"
#include "route6.h"
#include "session_table.h"
#include "snapshot.h"
#include "trace.h"
#include "traffic_log.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_WORKERS  32
#define WORKER_BURST 32

struct engine;
struct frag_table;
struct alg_table;
struct nat_groups;
struct servermap;
struct worker;

struct engine_params {
	const char *name; /* unique in the process, at most 12 characters: prefix of DPDK names */
	uint16_t workers;
	uint32_t max_sessions;
	uint32_t max_neighbours;
	uint32_t max_routes;	/* of each family */
	uint32_t event_ring;	/* mirror events per worker, power of two */
	uint32_t max_datagrams; /* in fragments, at a time; 0: fragments are dropped */
	uint32_t max_fragments; /* buffers they may take together */
	uint32_t alg_sessions;	/* TCP sessions whose text is read, at a time; 0: by max_sessions */
	bool nat;		/* sessions may be translated: 20 bytes a session more */
	int socket;
	const uint32_t *timeouts; /* [SESSION_STATES] or NULL */
};

/* engine_alg_sessions: how many TCP sessions can be read at a time, some 20 KB each. */
uint32_t engine_alg_sessions(uint32_t alg_sessions, uint32_t max_sessions);

/* => NULL with a one-line reason in err. */
struct engine *engine_create(const struct engine_params *, char *err, size_t err_size);
void engine_destroy(struct engine *); /* no thread may use it any more */

/* Ports are added before any worker runs.  => port index, -1 when full or when a service port has
 * fewer queues than there are workers.  Workers poll queue `worker id` of each port, but
 * for `unpolled` ones: heartbeat ports and members of trunks. */
int engine_add_port(struct engine *, const struct port *, bool unpolled);
/* engine_update_port: describe a port anew that is not polled. => Before any worker runs. */
void engine_update_port(struct engine *, uint16_t port, const struct port *);
const struct port *engine_port(const struct engine *, uint16_t port);
uint16_t engine_port_count(const struct engine *);

/* engine_publish: make `s` the snapshot, destroy the old one after a grace period (blocks).
 * => M only. */
void engine_publish(struct engine *, struct snapshot *s);
/* => M always; other lcores between two quiescent reports. */
const struct snapshot *engine_snapshot(const struct engine *);
/* After routes, neighbours' indexes or interfaces changed: sessions resolve their way out again. */
void engine_bump_routes(struct engine *);

struct session_table *engine_sessions(const struct engine *);
struct route_table *engine_routes(const struct engine *);
struct route6_table *engine_routes6(const struct engine *);
struct neigh_table *engine_neighbours(const struct engine *);
struct frag_table *engine_fragments(const struct engine *); /* NULL: there is none */
struct rcu *engine_rcu(const struct engine *);
struct limit_table *engine_limits(const struct engine *);
struct blacklist *engine_blacklist(const struct engine *);
struct alg_table *engine_algs(const struct engine *);
struct servermap *engine_servermap(const struct engine *);
struct nat_groups *engine_nat_groups(const struct engine *); /* NULL: without `nat` */

/* Role lease.  Transit packets are transmitted and virtual MACs owned only while now < lease.
 * C writes, W reads once per burst and again before transmitting.  MONO_NEVER = standalone box;
 * the initial value is 0: nothing is forwarded until somebody grants a lease. */
void engine_set_lease(struct engine *, mono_t until);
mono_t engine_lease(const struct engine *);
/* Virtual MACs of an interface, 00-00-5e-00-01-<vrid>, and of IPv6 00-00-5e-00-02-<vrid>: two
 * virtual routers, even with the same vrid (RFC 9568 7.3).  `vmac`: vrid, for IPv6 with VMAC_IPV6.
 * C writes, W reads. */
#define VMAC_IPV6 0x100
#define VMACS	  0x200
void engine_set_vmac(struct engine *, uint16_t interface, uint16_t vmac, bool active);
bool engine_vmac(const struct engine *, uint16_t interface, uint16_t vmac);

/* Control core side of punt and inject. */
uint32_t engine_punt_dequeue(struct engine *, uint16_t worker, struct rte_mbuf **, uint32_t n);
/* => false: ring full, the caller still owns the mbuf. */
bool engine_inject(struct engine *, struct rte_mbuf *);

/* HRP core side of the mirror.  Events are posted only while the mirror is on (H sets). */
void engine_set_mirror(struct engine *, bool on);
/* Both boxes are active: a session whose packets pass both is owned by both (SESSION_F_SHARED). */
void engine_set_sharing(struct engine *, bool on);
/* The peer has acknowledged what a worker waits for, up to this ticket. */
void engine_set_mirrored(struct engine *, uint16_t worker, uint32_t ticket);
uint32_t engine_event_dequeue(struct engine *, uint16_t worker, struct mirror_event *, uint32_t n);
/* engine_ticket: the whole of the ticket that an event of the worker's last batch has a part of. */
uint32_t engine_ticket(const struct engine *, uint16_t worker, const struct mirror_event *);

/* Management's side of scan detection.  => scans taken, oldest first. */
uint32_t engine_scan_dequeue(struct engine *, struct scan_event *, uint32_t n);

/* Management's side of the traffic log.  => records taken from a worker's ring, oldest first. */
uint32_t engine_log_dequeue(
	struct engine *, uint16_t worker, struct traffic_log_record *, uint32_t n);

/* engine_set_trace: packets are followed from now on (fastpath/trace.h).  engine_set_capture:
 * frames are copied (fastpath/capture.h).  NULL: none.  What was on before may be destroyed after a
 * grace period.
 * => M only. */
void engine_set_capture(struct engine *, struct capture *);
void engine_set_trace(struct engine *, struct trace *);

/* Workers.  worker_poll is one turn of the loop: every RX queue, inject (worker 0), housekeeping.
 * => Number of packets handled; 0 lets the caller sleep.  The caller is the worker's only thread;
 *    worker_bind registers it for grace periods first, worker_unbind when it leaves. */
struct worker *engine_worker(struct engine *, uint16_t id);
uint16_t engine_worker_count(const struct engine *);
int worker_bind(struct worker *);
void worker_unbind(struct worker *);
uint32_t worker_poll(struct worker *, mono_t now);
void worker_sleep_begin(struct worker *); /* around a sleep: rcu offline / online */
void worker_sleep_end(struct worker *);
/* The clock with which the worker checks the lease again right before transmitting; NULL (as at
 * first): `now` of the poll is used.  => Before worker_bind. */
void worker_set_clock(struct worker *, const struct clock *);
/* Loops made so far: liveness for the control core. */
uint64_t worker_beats(const struct worker *);

/* Where drops are counted: by the interface the packet came in by, or was to leave by once it had
 * been queued; of ports without an interface by port. */
#define DROP_PLACES	      (MAX_INTERFACES + MAX_PORTS)
#define DROP_PLACE_PORT(port) (MAX_INTERFACES + (port))

/* Counters: written by their worker, read by anybody, summed by the reader.  Between two polls
 * rx = forwarded + answered + punted + held + sum of drops.  Injected frames are none of these.
 * held is the number of fragments taken less those that left the table: of one worker it can be
 * negative (as int64_t), where it finished what another began.
 * tx = forwarded + answered + injected + notices + fragments. */
struct worker_stats {
	uint64_t rx, forwarded, answered, punted, held, tx, injected;
	uint64_t inject_dropped;	   /* wrong port or transmit queue full */
	uint64_t drops[DROP_REASON_COUNT]; /* sums over all places, made by the reader */
	uint64_t sessions_created, sessions_closed, sessions_aged;
	uint64_t sessions_denied;   /* ended by a change of the policy */
	uint64_t sessions_evicted;  /* to make room for others */
	uint64_t scans, scans_lost; /* seen; not told, since the ring was full */
	uint64_t events_lost_to_sweep;
	/* First packets that had to wait for the peer (defer.h); of them: it has acknowledged, the
	 * time was over, the peer is not active any more.  Not held: no room. */
	uint64_t deferred, deferred_acked, deferred_late, deferred_off, deferred_full;
	uint64_t log_lost;	  /* traffic log records that found the ring full */
	uint64_t foreign_lookups; /* packets whose home shard is another worker's */
	uint64_t notices;	  /* transmitted */
	uint64_t notices_made[NOTICE_KINDS];
	uint64_t notices_limited; /* not said: too many */
	uint64_t notices_lost;	  /* no buffer, no address of ours, or not transmitted */
	uint64_t fragmented;	  /* packets that were cut for a smaller MTU */
	uint64_t fragments;	  /* pieces transmitted beyond the first of each */
	uint64_t fragments_lost;  /* pieces, but for the first, that could not be sent or punted */
};

struct interface_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t drops; /* the sum over all reasons, made by the reader */
};

void engine_stats(const struct engine *, struct worker_stats *sum);
void worker_stats(const struct worker *, struct worker_stats *);
void engine_interface_stats(const struct engine *, uint16_t interface, struct interface_stats *);
/* Drops at one of DROP_PLACES, by reason, all workers. */
void engine_drops(const struct engine *, uint16_t place, uint64_t drops[DROP_REASON_COUNT]);
