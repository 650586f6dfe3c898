/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include "watch.h"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include <stdio.h>
#include <string.h>

/* Elements of all workers' rings together, and of one at the least: 4 MiB, 1 MiB. */
#define RING_TOTAL 65536
#define RING_MIN   16384

struct capture_worker {
	alignas(64) struct rte_ring *ring; /* SP: the worker, SC: the writer */
	uint64_t matched;
	uint64_t missed[DROP_PLACES];
	struct capture_head head; /* and the frame behind it: what goes into the ring */
	uint8_t bytes[CAPTURE_SNAPLEN_MAX + 1];
};
static_assert(offsetof(struct capture_worker, bytes) ==
		      offsetof(struct capture_worker, head) + CAPTURE_ELEMENT,
	"head and frame are one piece");

struct capture {
	struct capture_params params;
	uint16_t worker_count;
	struct capture_worker *workers[MAX_WORKERS];
};

/* ---- M and the writer ---- */

struct capture *
capture_create(struct engine *e, const struct capture_params *params, char *err, size_t err_size)
{
	const uint32_t share = rte_align32prevpow2(RING_TOTAL / e->worker_count);
	struct capture *c = rte_zmalloc("capture", sizeof(*c), 0);
	char name[RTE_RING_NAMESIZE];

	FW_ASSERT(params->snaplen > 0 && params->snaplen <= CAPTURE_SNAPLEN_MAX);
	if (c == NULL)
		goto no_memory;
	c->params = *params;
	c->worker_count = e->worker_count;
	e->watches++; /* ring names differ */
	for (uint16_t i = 0; i < c->worker_count; i++) {
		struct capture_worker *cw =
			rte_zmalloc("capture", sizeof(*cw), alignof(struct capture_worker));

		c->workers[i] = cw;
		if (cw == NULL)
			goto no_memory;
		snprintf(name, sizeof(name), "%.12s-c%u.%u", e->name, e->watches % 10000, i);
		cw->ring = rte_ring_create_elem(name, CAPTURE_ELEMENT, RTE_MAX(share, RING_MIN),
			SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (cw->ring == NULL)
			goto no_memory;
	}
	return c;
no_memory:
	capture_destroy(c);
	snprintf(err, err_size, "too little memory for a capture");
	return NULL;
}

void
capture_destroy(struct capture *c)
{
	for (uint16_t i = 0; c != NULL && i < c->worker_count; i++) {
		if (c->workers[i] != NULL)
			rte_ring_free(c->workers[i]->ring);
		rte_free(c->workers[i]);
	}
	rte_free(c);
}

bool
capture_take(struct capture *c, uint16_t worker, struct capture_head *head, uint8_t *data)
{
	struct rte_ring *ring = c->workers[worker]->ring;

	if (rte_ring_sc_dequeue_elem(ring, head, CAPTURE_ELEMENT) != 0)
		return false;
	/* They came in one piece with their head. */
	(void)rte_ring_sc_dequeue_bulk_elem(ring, data, CAPTURE_ELEMENT, head->elements - 1, NULL);
	return true;
}

uint64_t
capture_matched(const struct capture *c)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < c->worker_count; i++)
		sum += __atomic_load_n(&c->workers[i]->matched, __ATOMIC_RELAXED);
	return sum;
}

uint64_t
capture_missed(const struct capture *c, uint16_t place)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < c->worker_count; i++)
		sum += __atomic_load_n(&c->workers[i]->missed[place], __ATOMIC_RELAXED);
	return sum;
}

/* ---- W ---- */

static void
offer(struct worker *w, const struct rte_mbuf *m, const struct packet_fields *packet, uint8_t where,
	uint16_t place, enum drop_reason reason)
{
	const struct capture_params *p = &w->capture->params;
	struct capture_worker *cw = w->capture->workers[w->id];
	const uint32_t kept = RTE_MIN(m->pkt_len, p->snaplen);
	const void *data;

	if ((p->where & where) == 0 || (p->reason != DROP_NONE && p->reason != reason) ||
		!watch_wanted(
			w, &p->filter, place < MAX_INTERFACES ? place : INTERFACE_NONE, packet))
		return;
	__atomic_store_n(&cw->matched, cw->matched + 1, __ATOMIC_RELAXED);
	cw->head = (struct capture_head){
		.at = w->now.ns,
		.len = m->pkt_len,
		.kept = kept,
		.place = place,
		.where = where,
		.reason = (uint8_t)reason,
		.elements = 1 + (kept + CAPTURE_ELEMENT - 1) / CAPTURE_ELEMENT,
	};
	data = rte_pktmbuf_read(m, 0, kept, cw->bytes);
	if (data != NULL && data != cw->bytes)
		memcpy(cw->bytes, data, kept);
	if (data == NULL || rte_ring_sp_enqueue_bulk_elem(cw->ring, &cw->head, CAPTURE_ELEMENT,
				    cw->head.elements, NULL) == 0)
		__atomic_store_n(&cw->missed[place], cw->missed[place] + 1, __ATOMIC_RELAXED);
}

void
capture_received(struct worker *w, const struct rte_mbuf *m, uint16_t port)
{
	struct packet_fields packet;

	packet_read(m, &packet);
	offer(w, m, &packet, CAPTURE_IN,
		worker_drop_place(watch_interface(w, port, packet.vlan), port), DROP_NONE);
}

void
capture_frame(struct worker *w, const struct rte_mbuf *m, uint8_t where, uint16_t place,
	enum drop_reason reason)
{
	struct packet_fields packet;

	packet_read(m, &packet);
	offer(w, m, &packet, where, place, reason);
}
