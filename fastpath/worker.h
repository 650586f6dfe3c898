/*
 * Private to the engine: struct engine, struct worker, and what the stages of the packet walk
 * (parse, worker, first, icmp_error) share.
 *
 * A worker's memory is written by its own lcore only; others read its counters.
 */
#pragma once

#include "check.h"
#include "engine.h"
#include "pkt.h"

#include <rte_branch_prediction.h>

#include <stdalign.h>

#define TX_QUEUE 64
#define DROPPED	 64

/* Which counter a frame in a TX queue ends in once the driver has taken it. */
enum tx_kind { TX_FORWARDED, TX_ANSWERED, TX_INJECTED, TX_NOTICE, TX_FRAGMENT, TX_KINDS };

struct tx_queue {
	uint16_t n;
	uint8_t kind[TX_QUEUE];
	struct rte_mbuf *m[TX_QUEUE];
};

struct worker {
	/* Set at creation */
	struct engine *engine;
	struct session_table *sessions;
	struct neigh_table *neighbours;
	struct route_table *routes;
	struct route6_table *routes6;
	struct blacklist *blacklist;
	struct limit_table *limits;
	struct servermap *servermap;
	struct rte_ring *punt;	 /* SP: this worker, SC: control core */
	struct rte_ring *events; /* SP: this worker, SC: HRP core */
	struct rte_ring *log;	 /* SP: this worker, SC: management */
	const struct clock *clock;
	uint16_t id;
	bool several; /* more than one worker: keys have homes */
	int reader;   /* grace period slot, -1 before worker_bind */

	/* This turn: read once per poll, so that one burst sees one world */
	const struct snapshot *snap;
	mono_t now;
	uint32_t now_s;
	uint32_t route_gen;
	bool owner;    /* now < lease */
	bool mirror;   /* mirror events wanted */
	bool watching; /* somebody looks at packets: a trace or a capture is on */
	struct capture *capture;
	struct trace *trace;
	struct trace_record *traced; /* of the packet in work, NULL: it is not followed */
	bool crowded;		     /* the session table is nearly full */

	_Atomic(uint64_t) beats; /* control core reads */

	alignas(64) struct worker_stats stats;
	struct interface_stats interfaces[MAX_INTERFACES];
	uint64_t drops[DROP_PLACES][DROP_REASON_COUNT]; /* the only count of them */

	uint16_t ip_id; /* of the next IPv4 packet that NAT64 makes */

	uint64_t notice_from[NOTICE_KINDS]; /* ns: when the rate of a kind allows the next one */

	uint16_t dropped_count;
	struct rte_mbuf *dropped[DROPPED]; /* freed together: a flood must not cost much */
	uint16_t dropped_as[DROPPED];	   /* reason << 8 | place, for who watches */

	struct pkt pkts[WORKER_BURST];	    /* this burst's IPv4 */
	struct pkt pkts6[WORKER_BURST];	    /* and its IPv6 */
	struct pkt datagrams[WORKER_BURST]; /* of both, that a fragment has made complete */
	struct defer *deferred;		    /* first packets that wait */
	uint32_t servermap_cursor;	    /* worker 0: where to look next for what is over */
	uint32_t fragments_cursor;	    /* whose time is over: where to look next */
	/* TX queues by interface */
	uint64_t queued;			/* bit per interface that may have something */
	struct tx_queue fenced[MAX_INTERFACES]; /* transit, virtual addresses: under the lease */
	struct tx_queue own[MAX_INTERFACES];	/* injected, our interfaces' own answers */
};

struct engine {
	char name[16];
	uint16_t worker_count;
	uint16_t port_count;
	uint64_t tcp_flags_valid; /* bit per combination of the six flags */
	struct port ports[MAX_PORTS];
	uint64_t port_mac[MAX_PORTS]; /* as pkt_mac() reads it from a frame */
	bool unpolled[MAX_PORTS];
	uint32_t lacp; /* bit per port that must be served */
	struct rcu *rcu;
	struct session_table *sessions;
	struct route_table *routes;
	struct route6_table *routes6;
	struct neigh_table *neighbours;
	struct blacklist *blacklist;
	struct limit_table *limits;
	struct servermap *servermap;
	struct alg_table *algs;
	struct nat_groups *nat_groups; /* NULL: nothing is translated */
	struct frag_table *fragments;  /* NULL: fragments are dropped */
	struct rte_ring *scans;	       /* MP: workers, SC: M */
	struct rte_ring *inject;       /* MP, SC: worker 0 */
	struct worker *workers[MAX_WORKERS];

	alignas(64) _Atomic(struct snapshot *) snapshot;    /* M writes, all read */
	_Atomic(uint64_t) lease;			    /* C writes, W reads: ns */
	_Atomic(uint32_t) route_gen;			    /* M, C raise, W reads; never 0 */
	_Atomic(bool) mirror;				    /* H writes, W reads */
	_Atomic(bool) sharing;				    /* the same: both boxes are active */
	_Atomic(uint32_t) mirrored[MAX_WORKERS];	    /* the same: tickets of defer.h */
	uint32_t tickets[MAX_WORKERS];			    /* H: those whose events it has taken */
	_Atomic(struct trace *) trace;			    /* M writes, W reads; NULL = off */
	_Atomic(struct capture *) capture;		    /* likewise */
	uint32_t watches;				    /* M: traces and captures so far */
	_Atomic(uint64_t) vmac[MAX_INTERFACES][VMACS / 64]; /* C writes, W reads: a bit each */
};

static_assert(DROP_PLACES <= 256 && DROP_REASON_COUNT <= 256, "both fit into dropped_as");

struct worker *worker_create(
	struct engine *, uint16_t id, uint32_t event_ring, int socket, char *err, size_t err_size);
void worker_destroy(struct worker *);

/* worker_drop_place: where a port's drops are counted.  interface may be INTERFACE_NONE. */
static inline uint16_t
worker_drop_place(uint16_t interface, uint16_t port)
{
	return likely(interface < MAX_INTERFACES) ? interface : (uint16_t)DROP_PLACE_PORT(port);
}

/* worker_show_dropped: to who watches. */
void worker_show_dropped(struct worker *);

/* worker_free_dropped: give the buffers of dropped frames back, at the end of a turn. */
static inline void
worker_free_dropped(struct worker *w)
{
	if (unlikely(w->watching))
		worker_show_dropped(w);
	rte_pktmbuf_free_bulk(w->dropped, w->dropped_count);
	w->dropped_count = 0;
}

/* worker_drop_mbuf: end a frame with a reason.  place: interface, or DROP_PLACE_PORT() of a port
 * that has none.
 * => Within worker_poll() only, which frees the frame. */
static inline void
worker_drop_mbuf(struct worker *w, struct rte_mbuf *m, uint16_t place, enum drop_reason reason)
{
	FW_ASSERT(reason > DROP_NONE && reason < DROP_REASON_COUNT && place < DROP_PLACES);
	w->drops[place][reason]++;
	w->dropped_as[w->dropped_count] = (uint16_t)(reason << 8 | place);
	w->dropped[w->dropped_count++] = m;
	if (unlikely(w->dropped_count == DROPPED))
		worker_free_dropped(w);
}

/* frag_drop: every fragment of a datagram (fastpath/frag.c). */
void frag_drop(struct worker *, const struct pkt *, enum drop_reason);

static inline void
worker_drop(struct worker *w, struct pkt *p, enum drop_reason reason)
{
	if (unlikely(p->fragments))
		frag_drop(w, p, reason);
	else
		worker_drop_mbuf(w, p->m, p->interface, reason);
}

/* worker_punt: hand a received frame to the control core, which takes no fragments. */
void worker_punt(struct worker *, struct pkt *, enum punt_why);

/* worker_event: tell the HRP core about a session, unless it is the peer's. */
void worker_event(struct worker *, struct session *, uint32_t index, enum mirror_event_type);
/* worker_event_held: MIRROR_CREATE_HELD.  => false: no room, nothing was said */
bool worker_event_held(struct worker *, struct session *, uint32_t index, uint8_t ticket);

/* traffic_log_session: a session begins or ends (fastpath/traffic_log.c); the caller's key is still
 * in the table.  `end`: why it ends. */
void traffic_log_session(struct worker *, const struct session *, uint32_t index,
	enum traffic_log_event, enum session_end end);
/* traffic_log_denied: a first packet that leads to `zone` was refused by the rule with this id. */
void traffic_log_denied(struct worker *, const struct pkt *, uint8_t zone, uint32_t rule);

/* worker_hit: take a packet through its session.
 * => true: done (forwarded, answered, punted or dropped).  false: a first packet: it has no
 * session, or is a SYN that may take the place of one that has ended. */
bool worker_hit(struct worker *, struct pkt *);

/* worker_flush: hand the TX queue of an interface to the driver; what it refuses twice is dropped.
 */
void worker_flush(struct worker *, uint16_t interface, struct tx_queue *, bool fenced);

/* worker_send: a frame, without a tag, leaves by an interface of the snapshot at the end of the
 * turn. */
static inline void
worker_send(
	struct worker *w, struct rte_mbuf *m, uint16_t interface, enum tx_kind kind, bool fenced)
{
	struct tx_queue *q = fenced ? &w->fenced[interface] : &w->own[interface];

	static_assert(MAX_INTERFACES <= 64, "an interface is a bit of `queued`");
	FW_ASSERT(
		interface < w->snap->interface_count && !w->snap->interfaces[interface].heartbeat);
	w->queued |= UINT64_C(1) << interface;
	q->kind[q->n] = (uint8_t)kind;
	q->m[q->n++] = m;
	if (unlikely(q->n == TX_QUEUE))
		worker_flush(w, interface, q, fenced);
}

/* worker_touch: a packet of direction `dir` was accepted. */
static inline void
worker_touch(const struct worker *w, struct session *s, unsigned int dir, uint32_t ip_len)
{
	struct session_dir *d = &s->dir[dir];

	d->packets++;
	d->bytes += ip_len;
	if (atomic_load_explicit(&s->last_seen, memory_order_relaxed) != w->now_s)
		atomic_store_explicit(&s->last_seen, w->now_s, memory_order_relaxed);
}
