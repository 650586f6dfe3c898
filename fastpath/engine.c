/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine: creation, publication of snapshots, and the small atomic words other threads steer
 * the workers with.
 */
#include "alg_session.h"
#include "frag_table.h"
#include "nat.h"
#include "policy_count.h"
#include "servermap.h"
#include "worker.h"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_random.h>
#include <rte_ring_elem.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INJECT_RING 1024
#define SCAN_RING   256

/* Room of the server-map: control connections are few among sessions. */
static uint32_t
expected(uint32_t max_sessions)
{
	return RTE_MIN(RTE_MAX(max_sessions / 64, UINT32_C(1024)), UINT32_C(1) << 18);
}

uint32_t
engine_alg_sessions(uint32_t alg_sessions, uint32_t max_sessions)
{
	if (alg_sessions > 0)
		return alg_sessions;
	return RTE_MIN(RTE_MAX(max_sessions / 4096, UINT32_C(32)), UINT32_C(2048));
}

static int
create_tables(struct engine *e, const struct engine_params *params, char *err, size_t err_size)
{
	struct session_table_params sessions = {
		.name = e->name,
		.max_sessions = params->max_sessions,
		.shards = params->workers,
		.hash_seed = rte_rand(),
		.socket = params->socket,
		.timeouts = params->timeouts,
		.nat = params->nat,
	};
	char name[RTE_RING_NAMESIZE];

	e->rcu = rcu_create(params->socket);
	if (e->rcu == NULL) {
		snprintf(err, err_size, "too little memory for grace periods");
		return -1;
	}
	sessions.rcu = e->rcu;
	e->sessions = session_table_create(&sessions);
	if (e->sessions == NULL) {
		snprintf(err, err_size, "session table of %u sessions: %s", params->max_sessions,
			strerror(errno));
		return -1;
	}
	e->routes = route_table_create(e->name, params->max_routes, e->rcu, params->socket);
	e->routes6 = route6_table_create(e->name, params->max_routes, e->rcu, params->socket);
	if (e->routes == NULL || e->routes6 == NULL) {
		snprintf(err, err_size, "route table of %u routes: too little memory",
			params->max_routes);
		return -1;
	}
	e->neighbours = neigh_table_create(e->name, params->max_neighbours, e->rcu, params->socket);
	if (e->neighbours == NULL) {
		snprintf(err, err_size, "neighbour table of %u entries: too little memory",
			params->max_neighbours);
		return -1;
	}
	if (params->max_datagrams > 0 && params->max_fragments > 0) {
		e->fragments = frag_table_create(
			params->max_datagrams, params->max_fragments, params->socket);
		if (e->fragments == NULL) {
			snprintf(err, err_size, "fragment table of %u datagrams: too little memory",
				params->max_datagrams);
			return -1;
		}
	}
	e->blacklist = blacklist_create(params->workers, e->rcu);
	e->limits = limit_table_create(params->max_sessions);
	if (e->blacklist == NULL || e->limits == NULL) {
		snprintf(err, err_size, "too little memory for the blacklist and limits");
		return -1;
	}
	e->servermap = servermap_create(expected(params->max_sessions), rte_rand(), params->socket);
	if (e->servermap == NULL) {
		snprintf(err, err_size, "too little memory for the server-map");
		return -1;
	}
	e->algs = alg_table_create(params->max_sessions,
		engine_alg_sessions(params->alg_sessions, params->max_sessions), params->workers,
		params->socket);
	if (e->algs == NULL) {
		snprintf(err, err_size, "too little memory for control connections");
		return -1;
	}
	if (params->nat) {
		e->nat_groups = nat_groups_create(&(struct nat_groups_params){
			.workers = params->workers,
			.max_sessions = params->max_sessions,
			.homes = e->sessions,
			.rcu = e->rcu,
			.seed = rte_rand(),
			.socket = params->socket,
		});
		if (e->nat_groups == NULL) {
			snprintf(err, err_size, "too little memory for address groups");
			return -1;
		}
	}
	snprintf(name, sizeof(name), "%s-scans", e->name);
	e->scans = rte_ring_create_elem(name, sizeof(struct scan_event), SCAN_RING, params->socket,
		RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (e->scans == NULL) {
		snprintf(err, err_size, "scan ring: %s", rte_strerror(rte_errno));
		return -1;
	}
	snprintf(name, sizeof(name), "%s-inject", e->name);
	e->inject = rte_ring_create(name, INJECT_RING, params->socket, RING_F_SC_DEQ);
	if (e->inject == NULL) {
		snprintf(err, err_size, "inject ring: %s", rte_strerror(rte_errno));
		return -1;
	}
	return 0;
}

struct engine *
engine_create(const struct engine_params *params, char *err, size_t err_size)
{
	struct engine *e;

	if (params->workers == 0 || params->workers > MAX_WORKERS) {
		snprintf(err, err_size, "%u workers: 1 to %d are possible", params->workers,
			MAX_WORKERS);
		return NULL;
	}
	if (strlen(params->name) > 12 || (params->event_ring & (params->event_ring - 1)) != 0 ||
		params->event_ring == 0) {
		snprintf(err, err_size, "engine name too long or event ring no power of two");
		return NULL;
	}
	e = rte_zmalloc_socket("engine", sizeof(*e), alignof(struct engine), params->socket);
	if (e == NULL) {
		snprintf(err, err_size, "too little memory for the engine");
		return NULL;
	}
	snprintf(e->name, sizeof(e->name), "%s", params->name);
	for (unsigned int flags = 0; flags < 64; flags++) {
		if (session_tcp_flags_valid((uint8_t)flags))
			e->tcp_flags_valid |= UINT64_C(1) << flags;
	}
	atomic_store(&e->route_gen, 1);
	if (create_tables(e, params, err, err_size) < 0)
		goto err_destroy;
	e->worker_count = params->workers;
	for (uint16_t i = 0; i < params->workers; i++) {
		e->workers[i] =
			worker_create(e, i, params->event_ring, params->socket, err, err_size);
		if (e->workers[i] == NULL) {
			e->worker_count = i;
			goto err_destroy;
		}
	}
	return e;

err_destroy:
	engine_destroy(e);
	return NULL;
}

void
engine_destroy(struct engine *e)
{
	struct rte_mbuf *m;

	if (e == NULL)
		return;
	for (uint16_t i = 0; i < e->worker_count; i++)
		worker_destroy(e->workers[i]);
	while (e->inject != NULL && rte_ring_dequeue(e->inject, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(e->inject);
	rte_ring_free(e->scans);
	frag_table_destroy(e->fragments);
	snapshot_destroy(atomic_load(&e->snapshot));
	nat_groups_destroy(e->nat_groups);
	servermap_destroy(e->servermap);
	alg_table_destroy(e->algs);
	if (e->neighbours != NULL)
		neigh_table_destroy(e->neighbours);
	if (e->routes != NULL)
		route_table_destroy(e->routes);
	route6_table_destroy(e->routes6);
	blacklist_destroy(e->blacklist);
	limit_table_destroy(e->limits);
	if (e->sessions != NULL)
		session_table_destroy(e->sessions);
	if (e->rcu != NULL)
		rcu_destroy(e->rcu);
	rte_free(e);
}

int
engine_add_port(struct engine *e, const struct port *p, bool unpolled)
{
	uint8_t mac[8] = { 0 };

	if (e->port_count == MAX_PORTS || (!unpolled && p->queues < e->worker_count))
		return -1;
	memcpy(mac, &p->mac, sizeof(p->mac));
	e->ports[e->port_count] = *p;
	e->port_mac[e->port_count] = pkt_mac(mac);
	e->unpolled[e->port_count] = unpolled;
	e->lacp |= (uint32_t)p->lacp << e->port_count;
	return e->port_count++;
}

void
engine_update_port(struct engine *e, uint16_t port, const struct port *p)
{
	FW_ASSERT(port < e->port_count && e->unpolled[port]);
	e->ports[port] = *p;
}

const struct port *
engine_port(const struct engine *e, uint16_t port)
{
	return port < e->port_count ? &e->ports[port] : NULL;
}

uint16_t
engine_port_count(const struct engine *e)
{
	return e->port_count;
}

/* Which zone had the name of each zone before. */
static void
former_zones(
	const struct snapshot *before, const struct snapshot *after, uint8_t zone_was[MAX_ZONES])
{
	memset(zone_was, ZONE_NONE, MAX_ZONES);
	for (unsigned int now = 1; now < MAX_ZONES; now++) {
		for (uint8_t was = 1; was < MAX_ZONES; was++) {
			if (before->zones[was].priority != 0 && after->zones[now].priority != 0 &&
				strcmp(before->zones[was].name, after->zones[now].name) == 0)
				zone_was[now] = was;
		}
	}
}

void
engine_publish(struct engine *e, struct snapshot *s)
{
	uint8_t zone_was[MAX_ZONES];
	struct snapshot *old;

	/* A policy without rules denies everything; a snapshot without one is a mistake. */
	FW_ASSERT(s == NULL || s->policy != NULL);
	if (s != NULL) {
		policy_counter_workers(s->policy, e->worker_count);
		if (s->nat != NULL && s->nat->rules != NULL)
			policy_counter_workers(s->nat->rules, e->worker_count);
		snapshot_seal(s);
	}
	old = atomic_exchange_explicit(&e->snapshot, s, memory_order_acq_rel);
	rcu_wait(e->rcu);
	/* Nobody counts in the old policy any more. */
	if (old != NULL && s != NULL) {
		former_zones(old, s, zone_was);
		policy_counter_carry(s->policy, old->policy, zone_was);
		if (old->nat != NULL && old->nat->rules != NULL && s->nat != NULL &&
			s->nat->rules != NULL)
			policy_counter_carry(s->nat->rules, old->nat->rules, zone_was);
	}
	snapshot_destroy(old);
}

const struct snapshot *
engine_snapshot(const struct engine *e)
{
	return atomic_load_explicit(&e->snapshot, memory_order_acquire);
}

void
engine_bump_routes(struct engine *e)
{
	/* 0 means "never resolved" in a session. */
	if (atomic_fetch_add_explicit(&e->route_gen, 1, memory_order_acq_rel) == UINT32_MAX)
		atomic_fetch_add_explicit(&e->route_gen, 1, memory_order_acq_rel);
}

struct session_table *
engine_sessions(const struct engine *e)
{
	return e->sessions;
}

struct route_table *
engine_routes(const struct engine *e)
{
	return e->routes;
}

struct route6_table *
engine_routes6(const struct engine *e)
{
	return e->routes6;
}

struct neigh_table *
engine_neighbours(const struct engine *e)
{
	return e->neighbours;
}

struct frag_table *
engine_fragments(const struct engine *e)
{
	return e->fragments;
}

uint32_t
engine_scan_dequeue(struct engine *e, struct scan_event *events, uint32_t n)
{
	return rte_ring_dequeue_burst_elem(e->scans, events, sizeof(*events), n, NULL);
}

struct limit_table *
engine_limits(const struct engine *e)
{
	return e->limits;
}

struct blacklist *
engine_blacklist(const struct engine *e)
{
	return e->blacklist;
}

struct alg_table *
engine_algs(const struct engine *e)
{
	return e->algs;
}

struct servermap *
engine_servermap(const struct engine *e)
{
	return e->servermap;
}

struct nat_groups *
engine_nat_groups(const struct engine *e)
{
	return e->nat_groups;
}

struct rcu *
engine_rcu(const struct engine *e)
{
	return e->rcu;
}

void
engine_set_lease(struct engine *e, mono_t until)
{
	atomic_store_explicit(&e->lease, until.ns, memory_order_release);
}

mono_t
engine_lease(const struct engine *e)
{
	return (mono_t){ .ns = atomic_load_explicit(&e->lease, memory_order_acquire) };
}

void
engine_set_vmac(struct engine *e, uint16_t interface, uint16_t vmac, bool active)
{
	const uint64_t bit = UINT64_C(1) << (vmac & 63);

	if (interface >= MAX_INTERFACES || vmac >= VMACS)
		return;
	if (active)
		atomic_fetch_or_explicit(&e->vmac[interface][vmac >> 6], bit, memory_order_release);
	else
		atomic_fetch_and_explicit(
			&e->vmac[interface][vmac >> 6], ~bit, memory_order_release);
}

bool
engine_vmac(const struct engine *e, uint16_t interface, uint16_t vmac)
{
	if (interface >= MAX_INTERFACES || vmac >= VMACS)
		return false;
	return atomic_load_explicit(&e->vmac[interface][vmac >> 6], memory_order_acquire) >>
		       (vmac & 63) &
	       1;
}

uint32_t
engine_punt_dequeue(struct engine *e, uint16_t worker, struct rte_mbuf **m, uint32_t n)
{
	if (worker >= e->worker_count)
		return 0;
	return rte_ring_sc_dequeue_burst(e->workers[worker]->punt, (void **)m, n, NULL);
}

bool
engine_inject(struct engine *e, struct rte_mbuf *m)
{
	return rte_ring_mp_enqueue(e->inject, m) == 0;
}

void
engine_set_mirror(struct engine *e, bool on)
{
	atomic_store_explicit(&e->mirror, on, memory_order_release);
}

void
engine_set_sharing(struct engine *e, bool on)
{
	atomic_store_explicit(&e->sharing, on, memory_order_release);
}

void
engine_set_mirrored(struct engine *e, uint16_t worker, uint32_t ticket)
{
	if (worker < e->worker_count)
		atomic_store_explicit(&e->mirrored[worker], ticket, memory_order_release);
}

uint32_t
engine_event_dequeue(struct engine *e, uint16_t worker, struct mirror_event *events, uint32_t n)
{
	if (worker >= e->worker_count)
		return 0;
	n = rte_ring_sc_dequeue_burst_elem(
		e->workers[worker]->events, events, sizeof(*events), n, NULL);
	/* Each ticket has its event, and they come in order: to count is to know them. */
	for (uint32_t i = 0; i < n; i++)
		e->tickets[worker] += events[i].type == MIRROR_CREATE_HELD;
	return n;
}

uint32_t
engine_ticket(const struct engine *e, uint16_t worker, const struct mirror_event *ev)
{
	const uint32_t last = e->tickets[worker];

	return last - (uint8_t)(last - ev->ticket);
}

void
engine_set_capture(struct engine *e, struct capture *c)
{
	atomic_store_explicit(&e->capture, c, memory_order_release);
}

void
engine_set_trace(struct engine *e, struct trace *t)
{
	atomic_store_explicit(&e->trace, t, memory_order_release);
}

uint32_t
engine_log_dequeue(
	struct engine *e, uint16_t worker, struct traffic_log_record *records, uint32_t n)
{
	if (worker >= e->worker_count)
		return 0;
	return rte_ring_sc_dequeue_burst_elem(
		e->workers[worker]->log, records, sizeof(*records), n, NULL);
}

struct worker *
engine_worker(struct engine *e, uint16_t id)
{
	return id < e->worker_count ? e->workers[id] : NULL;
}

uint16_t
engine_worker_count(const struct engine *e)
{
	return e->worker_count;
}
