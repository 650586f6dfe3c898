/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat64.h"
#include "watch.h"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>

#include <stdio.h>
#include <string.h>

/* Records of packets that have not ended yet; more than that many at once are not followed.  The id
 * of a record, the mark's value: a number that counts up, the worker, its place in `open`. */
#define OPEN_MAX      256
#define ID_OPEN(id)   ((id)&0xff)
#define ID_WORKER(id) ((id) >> 8 & 0x1f)
#define ID_NUMBER     13 /* shift */
static_assert(MAX_WORKERS <= 32, "a worker's number fits into an id");

struct trace_worker {
	alignas(64) uint32_t left; /* records that may still be written */
	uint32_t number;	   /* of the next id */
	uint32_t next;		   /* place in `open` to try first */
	uint64_t matched, missed;
	_Atomic(uint32_t) written; /* W raises, M reads */
	struct pkt packet;	   /* of w->traced, as parsed */
	/* Opened by this worker, closed by whoever ends the packet: fragments may change workers.
	 */
	_Atomic(bool) used[OPEN_MAX];
	struct trace_record open[OPEN_MAX];
	struct trace_record log[]; /* [count] */
};

struct trace {
	struct trace_params params;
	uint64_t mark; /* bit of ol_flags */
	uint16_t worker_count;
	struct trace_worker *workers[MAX_WORKERS];
};

/* ---- M ---- */

struct trace *
trace_create(struct engine *e, const struct trace_params *params, char *err, size_t err_size)
{
	static const struct rte_mbuf_dynflag flag = { .name = "twinwall_trace" };
	const int bit = rte_mbuf_dynflag_register(&flag);
	const size_t size =
		sizeof(struct trace_worker) + params->count * sizeof(struct trace_record);
	struct trace *t;

	FW_ASSERT(params->count > 0 && params->count <= TRACE_COUNT_MAX);
	if (bit < 0) {
		snprintf(err, err_size, "no bit of a packet buffer is free: %s",
			rte_strerror(rte_errno));
		return NULL;
	}
	t = rte_zmalloc("trace", sizeof(*t), 0);
	if (t == NULL)
		goto no_memory;
	e->watches++; /* ids of different traces differ */
	t->params = *params;
	t->mark = UINT64_C(1) << bit;
	t->worker_count = e->worker_count;
	for (uint16_t i = 0; i < t->worker_count; i++) {
		struct trace_worker *tw = rte_zmalloc("trace", size, alignof(struct trace_worker));

		t->workers[i] = tw;
		if (tw == NULL)
			goto no_memory;
		tw->left = params->count;
		tw->number = e->watches << 12;
	}
	return t;
no_memory:
	trace_destroy(t);
	snprintf(err, err_size, "too little memory for a trace");
	return NULL;
}

void
trace_destroy(struct trace *t)
{
	for (uint16_t i = 0; t != NULL && i < t->worker_count; i++)
		rte_free(t->workers[i]);
	rte_free(t);
}

const struct trace_record *
trace_at(const struct trace *t, uint16_t worker, uint32_t n)
{
	const struct trace_worker *tw = worker < t->worker_count ? t->workers[worker] : NULL;

	if (tw == NULL || n >= atomic_load_explicit(&tw->written, memory_order_acquire))
		return NULL;
	return &tw->log[n];
}

void
trace_counts(const struct trace *t, struct trace_counts *c)
{
	*c = (struct trace_counts){ 0 };
	for (uint16_t i = 0; i < t->worker_count; i++) {
		const struct trace_worker *tw = t->workers[i];

		c->matched += __atomic_load_n(&tw->matched, __ATOMIC_RELAXED);
		c->missed += __atomic_load_n(&tw->missed, __ATOMIC_RELAXED);
		c->records += atomic_load_explicit(&tw->written, memory_order_acquire);
		for (unsigned int n = 0; n < OPEN_MAX; n++)
			c->open += atomic_load_explicit(&tw->used[n], memory_order_relaxed);
	}
}

/* ---- W: the record of a packet ---- */

/* => a free place in `open`, -1: there is none. */
static int
take_place(struct trace_worker *tw)
{
	for (uint32_t i = 0; i < OPEN_MAX; i++) {
		const uint32_t n = (tw->next + i) % OPEN_MAX;

		if (atomic_load_explicit(&tw->used[n], memory_order_acquire))
			continue;
		atomic_store_explicit(&tw->used[n], true, memory_order_relaxed);
		tw->next = n + 1;
		return (int)n;
	}
	return -1;
}

struct trace_record *
trace_begin(struct worker *w, struct rte_mbuf *m, uint16_t port)
{
	const struct packet_filter *f = &w->trace->params.filter;
	struct trace_worker *tw = w->trace->workers[w->id];
	struct packet_fields packet;
	struct trace_record *r;
	uint16_t interface;
	int place;

	if (tw->left == 0)
		return NULL;
	packet_read(m, &packet);
	interface = watch_interface(w, port, packet.vlan);
	if (!watch_wanted(w, f, interface, &packet))
		return NULL;
	__atomic_store_n(&tw->matched, tw->matched + 1, __ATOMIC_RELAXED);
	place = take_place(tw);
	if (place < 0) {
		__atomic_store_n(&tw->missed, tw->missed + 1, __ATOMIC_RELAXED);
		return NULL;
	}
	r = &tw->open[place];
	*r = (struct trace_record){
		.at = w->now.ns,
		.packet = packet,
		.len = (uint16_t)RTE_MIN(m->pkt_len, (uint32_t)UINT16_MAX),
		.worker = w->id,
		.port = port,
		.interface = interface,
		.zone = interface < MAX_INTERFACES ? w->snap->interfaces[interface].zone
						   : ZONE_NONE,
		.out_interface = INTERFACE_NONE,
		.session = SESSION_NONE,
		.id = tw->number++ << ID_NUMBER | (uint32_t)w->id << 8 | (uint32_t)place,
	};
	trace_mark(w, m, r);
	return r;
}

void
trace_mark(struct worker *w, struct rte_mbuf *m, const struct trace_record *r)
{
	m->ol_flags |= w->trace->mark;
	pkt_meta(m)->trace = r->id;
}

struct trace_record *
trace_of(const struct worker *w, struct rte_mbuf *m)
{
	const struct trace *t = w->trace;
	struct trace_record *r;
	uint32_t id;

	if (t == NULL || (m->ol_flags & t->mark) == 0)
		return NULL;
	id = pkt_meta(m)->trace;
	if (ID_WORKER(id) >= t->worker_count)
		return NULL;
	r = &t->workers[ID_WORKER(id)]->open[ID_OPEN(id)];
	/* Not one of an earlier trace, whose packet was held. */
	return r->id == id && r->end == 0 ? r : NULL;
}

struct trace_record *
trace_take(struct worker *w, struct rte_mbuf *m)
{
	struct trace_record *r = trace_of(w, m);

	if (r != NULL)
		m->ol_flags &= ~w->trace->mark;
	return r;
}

void
trace_close(struct worker *w, struct trace_record *r, enum trace_end end, uint8_t why_or_reason,
	uint16_t place)
{
	const struct trace_params *p = &w->trace->params;
	struct trace_worker *tw = w->trace->workers[w->id];
	const uint32_t n = atomic_load_explicit(&tw->written, memory_order_relaxed);

	r->end = (uint8_t)end;
	r->why = end == TRACE_PUNTED ? why_or_reason : 0;
	r->reason = end == TRACE_DROPPED ? why_or_reason : DROP_NONE;
	r->end_place = place;
	if (w->traced == r) /* it ends within its walk */
		trace_walked(w);
	if (tw->left > 0 && (!p->dropped || end == TRACE_DROPPED) &&
		(p->reason == DROP_NONE || p->reason == r->reason)) {
		tw->log[n] = *r;
		tw->left--;
		atomic_store_explicit(&tw->written, n + 1, memory_order_release);
	}
	atomic_store_explicit(&w->trace->workers[ID_WORKER(r->id)]->used[ID_OPEN(r->id)], false,
		memory_order_release);
}

/* ---- W: stages ---- */

static void
way_out(const struct worker *w, struct trace_record *r, unsigned int family, struct egress e)
{
	if (e.interface >= w->snap->interface_count)
		return;
	if (e.neigh == NULL)
		egress_neighbour(w, family, &e);
	r->stages |= TRACE_WAY_OUT;
	r->out_interface = e.interface;
	r->out_zone = w->snap->interfaces[e.interface].zone;
	r->next_hop = family == 6 ? ip_addr_v6(e.next_hop6) : ip_addr_v4(e.next_hop);
	r->neigh_state = (uint8_t)neigh_word_state(e.word);
}

/* `dir`: the packet's direction, of an ICMP error that of the packet it quotes. */
static uint32_t
session_of(const struct worker *w, const struct pkt *p, uint8_t *dir)
{
	const struct session_key4 *key4 = &p->key;
	const struct session_key6 *key6 = &p->key6;
	uint32_t index;

	*dir = p->swap;
	if (p->family == 6)
		session_table_lookup6(w->sessions, &key6, 1, &index, dir);
	else
		session_table_lookup4(w->sessions, &key4, 1, &index, dir);
	*dir &= 1;
	return index;
}

static void
note_session(struct trace_record *r, const struct session *s, uint32_t index, const struct pkt *p,
	uint8_t dir)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	r->session = index;
	r->generation = atomic_load_explicit(&s->generation, memory_order_relaxed);
	/* An ICMP error travels against the packet it quotes. */
	r->direction = p->icmp == PKT_ICMP_ERROR ? !dir : dir;
	r->state_before = r->state_after = (uint8_t)session_state_of(ctl);
}

void
trace_parsed(struct worker *w, const struct pkt *p)
{
	struct trace_record *r = w->traced;
	uint8_t dir;
	const uint32_t index = session_of(w, p, &dir);
	struct session *s;
	unsigned int family;
	uint32_t ctl;
	struct egress e;

	w->trace->workers[w->id]->packet = *p;
	r->stages |= TRACE_PARSED;
	r->interface = p->interface;
	r->zone = p->zone;
	if (index == SESSION_NONE)
		return;
	s = session_table_at(w->sessions, index);
	ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	family = nat64_session(s) ? 10 - p->family : p->family; /* that it leaves as */
	note_session(r, s, index, p, dir);
	r->stages |= TRACE_SESSION | TRACE_POLICY;
	r->policy = s->policy;
	r->policy_action = POLICY_PERMIT;
	if (ctl & SESSION_F_LOCAL)
		trace_first(w, NULL, 0, true, NULL);
	else if (w->owner && (ctl & SESSION_F_DEAD) == 0 &&
		 egress_of(w, p, family, s, r->direction, &e) == DROP_NONE)
		way_out(w, r, family, e);
}

void
trace_first(struct worker *w, const struct egress *e, unsigned int family, bool own,
	const struct policy_verdict *v)
{
	struct trace_record *r = w->traced;

	if (own) {
		r->stages |= TRACE_OWN;
		r->out_zone = ZONE_LOCAL;
	} else if (e != NULL) {
		way_out(w, r, family, *e);
	}
	if (v != NULL) {
		r->stages |= TRACE_POLICY;
		r->policy = v->id;
		r->policy_action = (uint8_t)v->action;
	}
}

bool
trace_datagram(struct worker *w, const struct pkt *p)
{
	for (struct rte_mbuf *m = p->m; m != NULL; m = pkt_part(m)->next) {
		w->traced = trace_of(w, m);
		if (w->traced != NULL) {
			trace_parsed(w, p);
			return true;
		}
	}
	return false;
}

void
trace_walked(struct worker *w)
{
	const struct pkt *p = &w->trace->workers[w->id]->packet;
	struct trace_record *r = w->traced;
	const struct session *s;
	uint32_t index;
	uint8_t dir;

	w->traced = NULL;
	if ((r->stages & TRACE_PARSED) == 0)
		return;
	index = session_of(w, p, &dir);
	if (index == SESSION_NONE)
		return;
	s = session_table_at(w->sessions, index);
	if (index == r->session) {
		r->state_after = (uint8_t)session_state_of(
			atomic_load_explicit(&s->ctl, memory_order_acquire));
	} else {
		note_session(r, s, index, p, dir);
		r->stages |= TRACE_CREATED;
	}
}
