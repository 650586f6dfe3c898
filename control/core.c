/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control core's loop.  Read it from core_poll() at the bottom upwards.
 *
 * Life-cycle: core_create -> clients and virtual addresses are added -> core_bind, core_poll ... by
 * the loop's thread -> core_unbind -> core_destroy.
 */
#include "core_state.h"

#include <rte_ring_elem.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGE_RING	256
#define MESSAGES	16 /* per turn */
#define PUNT_BURST	32 /* per turn and worker */
#define REQUEST_POLL_MS 1
#define REQUEST_WAIT_MS 1000

enum message_type { MESSAGE_LINK, MESSAGE_MOVED, MESSAGE_PUBLISHED, MESSAGE_REQUEST };

struct message {
	uint64_t request; /* id */
	uint64_t arg;
	uint32_t what;
	uint16_t interface;
	uint8_t type; /* enum message_type */
	bool up;
};
static_assert(sizeof(struct message) == 24, "messages go through the ring by value");

enum request_state {
	REQUEST_NONE, /* never made, or given up by management */
	REQUEST_WAITING,
	REQUEST_TAKEN, /* the client is at it */
	REQUEST_DONE
};

struct core *
core_create(const struct core_params *params)
{
	struct core *c = calloc(1, sizeof(*c));
	char name[RTE_RING_NAMESIZE];

	if (c == NULL)
		return NULL;
	c->engine = params->engine;
	c->pool = params->pool;
	c->reader = -1;
	snprintf(name, sizeof(name), "%s-core", params->name);
	c->messages = rte_ring_create_elem(
		name, sizeof(struct message), MESSAGE_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	c->resolve = core_resolve_create(c);
	if (c->messages == NULL || c->resolve == NULL) {
		core_destroy(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

void
core_destroy(struct core *c)
{
	if (c == NULL)
		return;
	core_resolve_destroy(c->resolve);
	rte_ring_free(c->messages);
	free(c);
}

int
core_add_client(struct core *c, const struct core_client *client)
{
	if (c->client_count == CORE_CLIENTS)
		return -ENOSPC;
	c->clients[c->client_count++] = *client;
	return 0;
}

int
core_bind(struct core *c)
{
	FW_ASSERT(c->reader < 0);
	c->reader = rcu_register(engine_rcu(c->engine));
	if (c->reader < 0)
		return -EBUSY;
	/* Addresses are announced when their links come up; later, when they change. */
	c->snap = engine_snapshot(c->engine);
	core_virtual_published(c);
	core_claim_published(c);
	core_nd_published(c);
	c->announce = 0;
	c->snap = NULL;
	return 0;
}

void
core_unbind(struct core *c)
{
	if (c->reader >= 0)
		rcu_unregister(engine_rcu(c->engine), c->reader);
	c->reader = -1;
}

void
core_sleep_begin(struct core *c)
{
	rcu_offline(engine_rcu(c->engine), c->reader);
}

void
core_sleep_end(struct core *c)
{
	rcu_online(engine_rcu(c->engine), c->reader);
}

uint64_t
core_beats(const struct core *c)
{
	return atomic_load_explicit(&c->beats, memory_order_acquire);
}

mono_t
core_last_turn(const struct core *c)
{
	return (mono_t){ .ns = atomic_load_explicit(&c->last_turn, memory_order_acquire) };
}

void
core_stats(const struct core *c, struct core_stats *out)
{
	*out = c->stats;
}

uint32_t
core_buffers(const struct core *c, uint32_t *used)
{
	*used = rte_mempool_in_use_count(c->pool);
	return c->pool->size;
}

/* ---- from the management thread ---- */

static bool
post(struct core *c, struct message m)
{
	return rte_ring_mp_enqueue_elem(c->messages, &m, sizeof(m)) == 0;
}

bool
core_post_link(struct core *c, uint16_t interface, bool up)
{
	if (interface >= MAX_INTERFACES)
		return false;
	return post(c, (struct message){ .type = MESSAGE_LINK, .interface = interface, .up = up });
}

bool
core_post_moved(struct core *c, uint16_t interface)
{
	return interface < MAX_INTERFACES &&
	       post(c, (struct message){ .type = MESSAGE_MOVED, .interface = interface });
}

bool
core_post_published(struct core *c)
{
	return post(c, (struct message){ .type = MESSAGE_PUBLISHED });
}

static enum request_state
request_wait(struct core *c, uint64_t id, uint32_t ms)
{
	const struct timespec nap = { .tv_nsec = REQUEST_POLL_MS * 1000000L };
	uint64_t word = atomic_load_explicit(&c->request, memory_order_acquire);

	for (uint32_t waited = 0; waited < ms && word != (id << 8 | REQUEST_DONE);
		waited += REQUEST_POLL_MS) {
		nanosleep(&nap, NULL);
		word = atomic_load_explicit(&c->request, memory_order_acquire);
	}
	return (enum request_state)(word & 0xff);
}

int
core_request(struct core *c, uint32_t what, uint64_t arg)
{
	const uint64_t id = ++c->request_id;
	uint64_t waiting = id << 8 | REQUEST_WAITING;
	const struct message m = {
		.type = MESSAGE_REQUEST, .request = id, .what = what, .arg = arg
	};

	if (c->client_count == 0 || c->clients[0].request == NULL)
		return -ENOTSUP;
	atomic_store_explicit(&c->request, waiting, memory_order_release);
	if (!post(c, m))
		return -ETIMEDOUT; /* full: the core has not turned for long */
	if (request_wait(c, id, REQUEST_WAIT_MS) != REQUEST_DONE) {
		/* Take it back, so that it does not happen long after the operator was told. */
		if (atomic_compare_exchange_strong(&c->request, &waiting, REQUEST_NONE))
			return -ETIMEDOUT;
		if (request_wait(c, id, REQUEST_WAIT_MS) != REQUEST_DONE)
			return -ETIMEDOUT; /* begun, and stuck in the client */
	}
	return atomic_load_explicit(&c->result, memory_order_relaxed);
}

/* ---- for clients and the other parts ---- */

bool
core_link_up(const struct core *c, uint16_t interface)
{
	return interface < MAX_INTERFACES &&
	       (atomic_load_explicit(&c->links, memory_order_relaxed) >> interface & 1) != 0;
}

const struct snapshot_interface *
core_interface(const struct core *c, uint16_t interface)
{
	const struct snapshot_interface *in;

	if (c->snap == NULL || interface >= c->snap->interface_count)
		return NULL;
	in = &c->snap->interfaces[interface];
	return in->up && !in->heartbeat ? in : NULL;
}

struct rte_mbuf *
core_frame(struct core *c)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(c->pool);

	if (m == NULL)
		c->stats.send_failed++;
	else
		*pkt_meta(m) =
			(struct pkt_meta){ .interface = INTERFACE_NONE, .neigh = NEIGH_NONE };
	return m;
}

/* Is the source an active virtual MAC of ours?  Such a frame must not leave after a stop of the
 * whole process, however long it lay in the inject ring.  A resignation, sent after the address was
 * given up, may. */
static bool
from_virtual(const struct core *c, uint16_t interface, const struct rte_ether_hdr *eth)
{
	const uint8_t vrid = eth->src_addr.addr_bytes[5];
	const struct rte_ether_addr mac = core_virtual_mac(vrid), mac6 = core_virtual_mac6(vrid);

	if (rte_is_same_ether_addr(&eth->src_addr, &mac))
		return core_virtual_active(c, interface, vrid, 4);
	return rte_is_same_ether_addr(&eth->src_addr, &mac6) &&
	       core_virtual_active(c, interface, vrid, 6);
}

bool
core_send(struct core *c, uint16_t interface, struct rte_mbuf *m)
{
	const struct snapshot_interface *in = core_interface(c, interface);
	const uint32_t len = rte_pktmbuf_pkt_len(m);

	if (in == NULL || len < sizeof(struct rte_ether_hdr))
		goto drop;
	if (len < ARP_FRAME_LEN) {
		char *pad = rte_pktmbuf_append(m, (uint16_t)(ARP_FRAME_LEN - len));

		if (pad == NULL)
			goto drop;
		memset(pad, 0, ARP_FRAME_LEN - len);
	}
	pkt_meta(m)->interface = interface;
	pkt_meta(m)->fenced = from_virtual(c, interface, rte_pktmbuf_mtod(m, const void *));
	if (!engine_inject(c->engine, m))
		goto drop;
	c->stats.sent++;
	return true;

drop:
	c->stats.send_failed++;
	rte_pktmbuf_free(m);
	return false;
}

bool
core_send_bytes(struct core *c, uint16_t interface, const uint8_t *frame, uint16_t len)
{
	struct rte_mbuf *m = core_frame(c);
	char *data;

	if (m == NULL)
		return false;
	data = rte_pktmbuf_append(m, len);
	if (data != NULL)
		memcpy(data, frame, len);
	return core_send(c, interface, m);
}

/* ---- one turn ---- */

static void
link_message(struct core *c, uint16_t interface, bool up)
{
	const uint64_t bit = UINT64_C(1) << interface;

	if ((c->links_known & bit) != 0 && core_link_up(c, interface) == up)
		return;
	c->links_known |= bit;
	if (up) {
		atomic_fetch_or_explicit(&c->links, bit, memory_order_relaxed);
		core_virtual_link_up(c, interface);
	} else {
		atomic_fetch_and_explicit(&c->links, ~bit, memory_order_relaxed);
		core_resolve_flush(c, interface);
	}
	core_nd_link_changed(c, interface);
	for (uint16_t i = 0; i < c->client_count; i++) {
		if (c->clients[i].link != NULL)
			c->clients[i].link(c->clients[i].ctx, interface, up, c->now);
	}
}

static void
request_message(struct core *c, const struct message *m)
{
	uint64_t waiting = m->request << 8 | REQUEST_WAITING;
	const struct core_client *client = &c->clients[0];

	/* Management may have given up meanwhile. */
	if (!atomic_compare_exchange_strong(&c->request, &waiting, m->request << 8 | REQUEST_TAKEN))
		return;
	atomic_store_explicit(&c->result, client->request(client->ctx, m->what, m->arg, c->now),
		memory_order_relaxed);
	atomic_store_explicit(&c->request, m->request << 8 | REQUEST_DONE, memory_order_release);
}

static uint32_t
messages(struct core *c)
{
	struct message m;
	uint32_t n = 0;

	while (n < MESSAGES && rte_ring_sc_dequeue_elem(c->messages, &m, sizeof(m)) == 0) {
		n++;
		switch ((enum message_type)m.type) {
		case MESSAGE_LINK:
			link_message(c, m.interface, m.up);
			break;
		case MESSAGE_MOVED:
			core_virtual_link_up(c, m.interface);
			core_nd_announce(c, m.interface);
			break;
		case MESSAGE_PUBLISHED:
			core_resolve_published(c);
			core_virtual_published(c);
			core_claim_published(c);
			core_nd_published(c);
			break;
		case MESSAGE_REQUEST:
			request_message(c, &m);
			break;
		}
	}
	return n;
}

/* For the clients: from the IP header on. */
static void
client_input(struct core *c, uint16_t interface, const struct rte_mbuf *m, enum punt_why why)
{
	const uint8_t *data =
		rte_pktmbuf_mtod_offset(m, const uint8_t *, sizeof(struct rte_ether_hdr));
	const uint16_t frame = rte_pktmbuf_data_len(m);

	if (core_interface(c, interface) == NULL || frame <= sizeof(struct rte_ether_hdr)) {
		c->stats.punt_ignored++;
		return;
	}
	const uint16_t len = (uint16_t)(frame - sizeof(struct rte_ether_hdr));

	if (why == PUNT_VRRP)
		c->stats.vrrp_in++;
	for (uint16_t i = 0; i < c->client_count; i++) {
		const struct core_client *client = &c->clients[i];

		if (why == PUNT_VRRP && client->vrrp != NULL)
			client->vrrp(client->ctx, interface, data, len, c->now);
		if (why == PUNT_HEARTBEAT && client->heartbeat != NULL)
			client->heartbeat(client->ctx, interface, data, len, c->now);
	}
}

/* Every mbuf is freed here, but for transit packets: core_resolve_packet() takes those. */
static void
punted(struct core *c, struct rte_mbuf *m)
{
	const uint16_t interface = pkt_meta(m)->interface;

	switch ((enum punt_why)pkt_meta(m)->why) {
	case PUNT_UNRESOLVED:
		core_resolve_packet(c, m);
		return;
	case PUNT_ARP:
		core_arp_input(c, interface, m);
		break;
	case PUNT_ND:
		core_nd_input(c, interface, m);
		break;
	case PUNT_VRRP:
	case PUNT_HEARTBEAT:
		client_input(c, interface, m, (enum punt_why)pkt_meta(m)->why);
		break;
	default:
		c->stats.punt_ignored++;
		break;
	}
	rte_pktmbuf_free(m);
}

static uint32_t
punts(struct core *c)
{
	struct rte_mbuf *burst[PUNT_BURST];
	uint32_t handled = 0;

	for (uint16_t w = 0; w < engine_worker_count(c->engine); w++) {
		const uint32_t n = engine_punt_dequeue(c->engine, w, burst, PUNT_BURST);

		for (uint32_t i = 0; i < n; i++)
			punted(c, burst[i]);
		handled += n;
	}
	return handled;
}

static void
note_stall(struct core *c, mono_t last)
{
	const uint64_t late = mono_since_ms(c->now, last);

	if (last.ns == 0 || late <= CORE_STALL_MS)
		return;
	c->stats.stalls++;
	if (log_allowed(&c->stall_log, c->now.ns))
		LOG(WARNING, "control core: %llu ms between two turns (%llu stalls so far)",
			(unsigned long long)late, (unsigned long long)c->stats.stalls);
}

uint32_t
core_poll(struct core *c, mono_t now)
{
	uint32_t done;

	FW_ASSERT(c->reader >= 0);
	c->now = now;
	c->snap = engine_snapshot(c->engine);
	note_stall(c, core_last_turn(c));

	/* The clients come first: a box that wakes from a stop must fence itself before it answers
	 * the ARP requests that have piled up, or sends a gratuitous ARP that became due meanwhile.
	 */
	for (uint16_t i = 0; i < c->client_count; i++) {
		if (c->clients[i].tick != NULL)
			c->clients[i].tick(c->clients[i].ctx, now);
	}
	done = messages(c);
	done += punts(c);
	done += core_resolve_tick(c);
	done += core_virtual_tick(c);
	done += core_claim_tick(c);
	done += core_nd_tick(c);
	neigh_poll(engine_neighbours(c->engine));

	c->snap = NULL;
	rcu_quiescent(engine_rcu(c->engine), c->reader);
	atomic_store_explicit(&c->last_turn, now.ns, memory_order_release);
	atomic_fetch_add_explicit(&c->beats, 1, memory_order_release);
	return done;
}
