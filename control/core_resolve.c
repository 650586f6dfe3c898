/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours: asking for MACs, keeping the packets that wait for one, ageing.
 *
 *	INCOMPLETE  asked at 0, 1 and 2 s -> answer: REACHABLE; none by 3 s: FAILED
 *	REACHABLE   after 60 s: in use -> STALE; unused for 20 min -> removed
 *	STALE	    traffic goes on; that host alone is asked at 0, 1 and 2 s; none by 3 s:
 *INCOMPLETE FAILED	    packets are dropped by the workers for 5 s -> removed
 *
 * Waiting packets stand in two queues at once: that of their neighbour and that of all, oldest
 * first.  The oldest of all is always the oldest of its neighbour too.
 */
#include "config_address.h"
#include "core_state.h"

#include <stdlib.h>
#include <string.h>

#define WAITING_MAX	  1024
#define WAITING_PER_ENTRY 64

#define ASK_MS	       1000
#define ASK_TRIES      3
#define FAILED_MS      5000
#define REACHABLE_MS   60000
#define UNUSED_LOOK_MS 1000 /* an old, unused entry: is it in use again? */
#define UNUSED_MS      (20 * 60 * 1000)

#define SWEEP_MS   10 /* between two looks at every timer */
#define SWEEP_STEP 64 /* timers per turn */

#define NOBODY	 UINT16_MAX
#define NO_PLACE UINT32_MAX

struct waiting {
	struct rte_mbuf *m;
	uint32_t entry;
	uint16_t next; /* of the same entry; of the free list */
	uint16_t older, newer;
};

/* Beside each entry of the neighbour table. */
struct entry {
	uint64_t seen_ns;     /* traffic or a sign of life */
	uint32_t place;	      /* in `tracked`, NO_PLACE = not known here */
	uint16_t first, last; /* waiting packets */
	uint16_t count;
	bool answered; /* somebody is there, or was */
};

struct resolve {
	struct waiting waiting[WAITING_MAX];
	uint16_t free, oldest, newest, count;
	uint32_t *tracked; /* indexes of the entries with timers */
	uint32_t tracked_count;
	uint32_t unanswered; /* of those: nobody has ever answered */
	uint32_t cursor;     /* of the sweep that is going on */
	mono_t next_sweep;
	struct entry *entries;
};

struct resolve *
core_resolve_create(const struct core *c)
{
	const uint32_t capacity = neigh_capacity(engine_neighbours(c->engine));
	struct resolve *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->tracked = calloc(capacity, sizeof(*r->tracked));
	r->entries = calloc(capacity, sizeof(*r->entries));
	if (r->tracked == NULL || r->entries == NULL) {
		core_resolve_destroy(r);
		return NULL;
	}
	for (uint32_t i = 0; i < capacity; i++)
		r->entries[i] =
			(struct entry){ .place = NO_PLACE, .first = NOBODY, .last = NOBODY };
	for (uint16_t i = 0; i < WAITING_MAX; i++)
		r->waiting[i].next = i + 1 < WAITING_MAX ? (uint16_t)(i + 1) : NOBODY;
	r->oldest = r->newest = NOBODY;
	return r;
}

void
core_resolve_destroy(struct resolve *r)
{
	if (r == NULL)
		return;
	for (uint16_t i = r->oldest; r->count > 0 && i != NOBODY; i = r->waiting[i].newer)
		rte_pktmbuf_free(r->waiting[i].m);
	free(r->tracked);
	free(r->entries);
	free(r);
}

/* ---- waiting packets ---- */

/* Take the oldest packet of an entry out of both queues. */
static struct rte_mbuf *
waiting_pop(struct resolve *r, uint32_t index)
{
	struct entry *e = &r->entries[index];
	const uint16_t slot = e->first;
	struct waiting *w;

	if (slot == NOBODY)
		return NULL;
	w = &r->waiting[slot];
	FW_ASSERT(w->entry == index && e->count > 0 && r->count > 0);
	e->first = w->next;
	if (e->first == NOBODY)
		e->last = NOBODY;
	e->count--;
	if (w->older != NOBODY)
		r->waiting[w->older].newer = w->newer;
	else
		r->oldest = w->newer;
	if (w->newer != NOBODY)
		r->waiting[w->newer].older = w->older;
	else
		r->newest = w->older;
	r->count--;
	w->next = r->free;
	r->free = slot;
	return w->m;
}

static void
waiting_drop(struct core *c, uint32_t index)
{
	struct rte_mbuf *m = waiting_pop(c->resolve, index);

	if (m == NULL)
		return;
	rte_pktmbuf_free(m);
	c->stats.pending_dropped++;
}

static void
waiting_push(struct core *c, uint32_t index, struct rte_mbuf *m)
{
	struct resolve *r = c->resolve;
	struct entry *e = &r->entries[index];
	struct waiting *w;
	uint16_t slot;

	if (e->count == WAITING_PER_ENTRY)
		waiting_drop(c, index);
	else if (r->count == WAITING_MAX)
		waiting_drop(c, r->waiting[r->oldest].entry);
	slot = r->free;
	w = &r->waiting[slot];
	r->free = w->next;
	*w = (struct waiting){
		.m = m, .entry = index, .next = NOBODY, .older = r->newest, .newer = NOBODY
	};
	if (r->newest != NOBODY)
		r->waiting[r->newest].newer = slot;
	else
		r->oldest = slot;
	r->newest = slot;
	r->count++;
	if (e->last != NOBODY)
		r->waiting[e->last].next = slot;
	else
		e->first = slot;
	e->last = slot;
	e->count++;
	c->stats.pending_queued++;
}

/* ---- entries ---- */

static void
track(struct core *c, uint32_t index)
{
	struct resolve *r = c->resolve;
	struct entry *e = &r->entries[index];

	if (e->place != NO_PLACE)
		return;
	*e = (struct entry){
		.seen_ns = c->now.ns, .place = r->tracked_count, .first = NOBODY, .last = NOBODY
	};
	r->tracked[r->tracked_count++] = index;
	r->unanswered++;
}

static void
answered(struct resolve *r, uint32_t index)
{
	struct entry *e = &r->entries[index];

	r->unanswered -= !e->answered;
	e->answered = true;
}

/* => The sweep must look at the same place again. */
static void
entry_remove(struct core *c, uint32_t index)
{
	struct resolve *r = c->resolve;
	struct entry *e = &r->entries[index];
	const uint32_t last = r->tracked[r->tracked_count - 1];

	FW_ASSERT(e->place != NO_PLACE);
	while (e->count > 0)
		waiting_drop(c, index);
	answered(r, index);
	r->tracked[e->place] = last;
	r->entries[last].place = e->place;
	e->place = NO_PLACE;
	r->tracked_count--;
	neigh_remove(engine_neighbours(c->engine), index);
}

static uint32_t
entry_find(const struct core *c, uint16_t interface, const struct ip_addr *a)
{
	const struct neigh_table *t = engine_neighbours(c->engine);

	return a->family == 6 ? neigh_find6(t, interface, a->v6) : neigh_find(t, interface, a->v4);
}

/* Hosts that speak to us and addresses that somebody scans from afar: neither may take the last
 * quarter of the table from the other. */
static bool
has_room(const struct core *c, bool asking)
{
	const struct resolve *r = c->resolve;
	const uint32_t capacity = neigh_capacity(engine_neighbours(c->engine));

	return (asking ? r->unanswered : r->tracked_count - r->unanswered) <
	       capacity - capacity / 4;
}

/* `asking`: nobody there has spoken yet.  => NEIGH_NONE: table full, counted. */
static uint32_t
entry_add(struct core *c, uint16_t interface, const struct ip_addr *a, bool asking)
{
	const struct snapshot_interface *in = &c->snap->interfaces[interface];
	struct neigh_table *t = engine_neighbours(c->engine);
	uint32_t index = NEIGH_NONE;

	if (has_room(c, asking))
		index = a->family == 6 ? neigh_add6(t, interface, a->v6, in->port, &in->mac)
				       : neigh_add(t, interface, a->v4, in->port, &in->mac);
	if (index == NEIGH_NONE) {
		c->stats.neigh_full++;
		if (log_allowed(&c->full_log, c->now.ns))
			LOG(WARNING, "%s: neighbour table full (%llu refused so far)", in->name,
				(unsigned long long)c->stats.neigh_full);
		return index;
	}
	track(c, index);
	return index;
}

static void
ask(struct core *c, const struct neigh *n, const struct rte_ether_addr *whom)
{
	if (n->family == 6)
		core_nd_ask(c, n->interface, n->address6, whom);
	else
		core_arp_ask(c, n->interface, n->address, whom);
}

/* Ask everybody, from the first try on. */
static void
entry_incomplete(struct core *c, uint32_t index)
{
	static const struct rte_ether_addr none;
	struct neigh_table *t = engine_neighbours(c->engine);
	struct neigh *n = neigh_at(t, index);

	neigh_set(t, index, NEIGH_INCOMPLETE, &none);
	n->tries = 1;
	n->expires_ns = mono_add_ms(c->now, ASK_MS).ns;
	ask(c, n, NULL);
}

static void
send_transit(struct core *c, const struct neigh *n, struct rte_mbuf *m)
{
	const uint64_t word = atomic_load_explicit(&n->word, memory_order_relaxed);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	/* It may have waited for seconds: is it still ours to forward? */
	if (!core_owner(c)) {
		c->stats.pending_fenced++;
		rte_pktmbuf_free(m);
		return;
	}
	neigh_word_mac(word, &eth->dst_addr);
	eth->src_addr = n->source;
	pkt_meta(m)->interface = n->interface;
	pkt_meta(m)->fenced = true;
	if (engine_inject(c->engine, m)) {
		c->stats.pending_sent++;
		return;
	}
	c->stats.send_failed++;
	rte_pktmbuf_free(m);
}

bool
core_resolve_on_link(const struct core *c, uint16_t interface, const struct ip_addr *ip)
{
	const struct snapshot_interface *in = &c->snap->interfaces[interface];
	const rte_be32_t address = ip->v4;
	const uint32_t a = rte_be_to_cpu_32(address);
	uint16_t by_route;
	rte_be32_t next_hop;

	if (ip->family == 6)
		return ip6_is_host(ip->v6) && snapshot_on_link6(in, ip->v6);
	if (in->address != 0 && in->prefix_len > 0 && in->prefix_len <= 32) {
		const uint32_t host = in->prefix_len == 32 ? 0 : UINT32_MAX >> in->prefix_len;

		if (((a ^ rte_be_to_cpu_32(in->address)) & ~host) == 0)
			return in->prefix_len >= 31 || ((a & host) != 0 && (a & host) != host);
	}
	/* A virtual address may bring a subnet of its own (R50). */
	return route_lookup(engine_routes(c->engine), address, &by_route, &next_hop) &&
	       by_route == interface && next_hop == address;
}

static bool
is_ours(const struct core *c, uint16_t interface, const struct ip_addr *a)
{
	if (a->family == 6)
		return snapshot_own_address6(c->snap, interface, a->v6) != NULL;
	return a->v4 == c->snap->interfaces[interface].address ||
	       core_virtual_find(c, interface, a) != NULL;
}

static void
refuse(struct core *c, struct rte_mbuf *m)
{
	c->stats.pending_dropped++;
	rte_pktmbuf_free(m);
}

void
core_resolve_packet(struct core *c, struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta(m);
	struct neigh_table *t = engine_neighbours(c->engine);
	const struct snapshot_interface *in = core_interface(c, meta->interface);
	const struct ip_addr next_hop =
		meta->family == 6 ? ip_addr_v6(meta->next_hop6) : ip_addr_v4(meta->next_hop);
	struct neigh *n;
	uint32_t index;

	/* The snapshot may have changed since the worker looked. */
	if (in == NULL || rte_pktmbuf_data_len(m) < sizeof(struct rte_ether_hdr) ||
		is_ours(c, meta->interface, &next_hop) ||
		!core_resolve_on_link(c, meta->interface, &next_hop)) {
		refuse(c, m);
		return;
	}
	/* meta->neigh is not used: its slot may be another neighbour's by now. */
	index = entry_find(c, meta->interface, &next_hop);
	if (index == NEIGH_NONE) {
		index = entry_add(c, meta->interface, &next_hop, true);
		if (index == NEIGH_NONE) {
			refuse(c, m);
			return;
		}
		entry_incomplete(c, index);
	}
	track(c, index);
	n = neigh_at(t, index);
	switch (neigh_word_state(atomic_load_explicit(&n->word, memory_order_relaxed))) {
	case NEIGH_REACHABLE:
	case NEIGH_STALE:
		send_transit(c, n, m);
		break;
	case NEIGH_INCOMPLETE:
		waiting_push(c, index, m);
		break;
	case NEIGH_FAILED:
	case NEIGH_FREE:
		refuse(c, m);
		break;
	}
}

/* The neighbour a frame of ours goes to; asked for when it is new.  => NEIGH_NONE: cannot be one */
static uint32_t
find_or_ask(struct core *c, uint16_t interface, const struct ip_addr *host)
{
	uint32_t index;

	if (core_interface(c, interface) == NULL || is_ours(c, interface, host) ||
		!core_resolve_on_link(c, interface, host))
		return NEIGH_NONE;
	index = entry_find(c, interface, host);
	if (index == NEIGH_NONE) {
		index = entry_add(c, interface, host, true);
		if (index == NEIGH_NONE)
			return index;
		entry_incomplete(c, index);
	}
	track(c, index);
	return index;
}

int
core_reaches(struct core *c, const struct ip_addr *host)
{
	struct ip_addr hop = *host;
	const uint8_t *hop6;
	uint16_t interface;
	uint32_t index;
	bool found;

	if (c->snap == NULL)
		return -1;
	if (host->family == 6) {
		found = route6_lookup(engine_routes6(c->engine), host->v6, &interface, &hop6);
		if (found)
			hop = ip_addr_v6(hop6);
	} else {
		found = route_lookup(engine_routes(c->engine), host->v4, &interface, &hop.v4);
	}
	if (!found || core_interface(c, interface) == NULL || !core_link_up(c, interface))
		return 0;
	index = find_or_ask(c, interface, &hop);
	if (index == NEIGH_NONE)
		return 0;
	struct neigh *const n = neigh_at(engine_neighbours(c->engine), index);

	switch (neigh_word_state(atomic_load_explicit(&n->word, memory_order_relaxed))) {
	case NEIGH_REACHABLE:
	case NEIGH_STALE:
		atomic_store_explicit(&n->used, 1, memory_order_relaxed);
		return 1;
	case NEIGH_FAILED:
		return 0;
	case NEIGH_FREE:
	case NEIGH_INCOMPLETE:
		break;
	}
	return -1;
}

bool
core_send_to(struct core *c, uint16_t interface, const struct ip_addr *host, uint8_t *frame,
	uint16_t len)
{
	const uint32_t index = find_or_ask(c, interface, host);
	struct rte_ether_addr mac;
	struct neigh *n;

	if (index == NEIGH_NONE)
		return false;
	n = neigh_at(engine_neighbours(c->engine), index);
	const uint64_t word = atomic_load_explicit(&n->word, memory_order_relaxed);

	if (neigh_word_state(word) != NEIGH_REACHABLE && neigh_word_state(word) != NEIGH_STALE)
		return false;
	atomic_store_explicit(&n->used, 1, memory_order_relaxed);
	neigh_word_mac(word, &mac);
	memcpy(frame, &mac, sizeof(mac));
	return core_send_bytes(c, interface, frame, len);
}

static void
note_moved(struct core *c, const struct neigh *n, const struct rte_ether_addr *mac)
{
	const struct ip_addr address = neigh_address(n);
	char text[CONFIG_IP_TEXT];

	c->stats.neigh_moved++;
	if (log_allowed(&c->moved_log, c->now.ns))
		LOG(NOTICE, "%s: %s is at " RTE_ETHER_ADDR_PRT_FMT " now",
			c->snap->interfaces[n->interface].name,
			config_address_ip_text(&address, text), RTE_ETHER_ADDR_BYTES(mac));
}

void
core_resolve_learn(struct core *c, uint16_t interface, const struct ip_addr *address,
	const struct rte_ether_addr *mac, bool create)
{
	struct neigh_table *t = engine_neighbours(c->engine);
	uint32_t index = entry_find(c, interface, address);
	struct rte_ether_addr known;
	enum neigh_state state;
	struct rte_mbuf *m;
	struct neigh *n;
	uint64_t word;

	if (index == NEIGH_NONE) {
		if (!create || !has_room(c, false))
			return;
		index = entry_add(c, interface, address, false);
		if (index == NEIGH_NONE)
			return;
	}
	track(c, index);
	answered(c->resolve, index);
	n = neigh_at(t, index);
	word = atomic_load_explicit(&n->word, memory_order_relaxed);
	state = neigh_word_state(word);
	neigh_word_mac(word, &known);
	if (!rte_is_same_ether_addr(&known, mac)) {
		if (state == NEIGH_REACHABLE || state == NEIGH_STALE)
			note_moved(c, n, mac);
		neigh_set(t, index, NEIGH_REACHABLE, mac);
	} else if (state != NEIGH_REACHABLE) {
		neigh_set(t, index, NEIGH_REACHABLE, NULL);
	}
	n->tries = 0;
	n->expires_ns = mono_add_ms(c->now, REACHABLE_MS).ns;
	c->resolve->entries[index].seen_ns = c->now.ns;
	while ((m = waiting_pop(c->resolve, index)) != NULL)
		send_transit(c, n, m);
}

/* ---- timers ---- */

static void
entry_failed(struct core *c, uint32_t index)
{
	struct neigh_table *t = engine_neighbours(c->engine);

	c->stats.neigh_failed++;
	while (c->resolve->entries[index].count > 0)
		waiting_drop(c, index);
	neigh_set(t, index, NEIGH_FAILED, NULL);
	neigh_at(t, index)->expires_ns = mono_add_ms(c->now, FAILED_MS).ns;
}

static void
ask_again(struct core *c, struct neigh *n, const struct rte_ether_addr *whom)
{
	n->tries++;
	n->expires_ns = mono_add_ms(c->now, ASK_MS).ns;
	ask(c, n, whom);
}

/* => false: the entry is to be removed. */
static bool
reachable_due(struct core *c, uint32_t index, const struct rte_ether_addr *mac)
{
	struct neigh_table *t = engine_neighbours(c->engine);
	struct entry *e = &c->resolve->entries[index];
	struct neigh *n = neigh_at(t, index);

	if (atomic_load_explicit(&n->used, memory_order_relaxed) == 0) {
		n->expires_ns = mono_add_ms(c->now, UNUSED_LOOK_MS).ns;
		return mono_since_ms(c->now, (mono_t){ .ns = e->seen_ns }) < UNUSED_MS;
	}
	atomic_store_explicit(&n->used, 0, memory_order_relaxed);
	e->seen_ns = c->now.ns;
	neigh_set(t, index, NEIGH_STALE, NULL);
	n->tries = 0;
	ask_again(c, n, mac);
	return true;
}

/* A timer has run out. => false: the entry is to be removed. */
static bool
entry_due(struct core *c, uint32_t index)
{
	struct neigh *n = neigh_at(engine_neighbours(c->engine), index);
	const uint64_t word = atomic_load_explicit(&n->word, memory_order_relaxed);
	struct rte_ether_addr mac;

	switch (neigh_word_state(word)) {
	case NEIGH_INCOMPLETE:
		if (n->tries < ASK_TRIES)
			ask_again(c, n, NULL);
		else
			entry_failed(c, index);
		return true;
	case NEIGH_REACHABLE:
		neigh_word_mac(word, &mac);
		return reachable_due(c, index, &mac);
	case NEIGH_STALE:
		neigh_word_mac(word, &mac);
		if (n->tries < ASK_TRIES)
			ask_again(c, n, &mac);
		else
			entry_incomplete(c, index);
		return true;
	case NEIGH_FAILED:
	case NEIGH_FREE:
		break;
	}
	return false;
}

uint32_t
core_resolve_tick(struct core *c)
{
	struct resolve *r = c->resolve;
	uint32_t due = 0, removed = 0;

	if (mono_before(c->now, r->next_sweep))
		return 0;
	for (uint32_t step = 0; step < SWEEP_STEP && r->cursor < r->tracked_count; step++) {
		const uint32_t index = r->tracked[r->cursor];

		if (c->now.ns < neigh_at(engine_neighbours(c->engine), index)->expires_ns) {
			r->cursor++;
			continue;
		}
		due++;
		if (entry_due(c, index)) {
			r->cursor++;
		} else {
			entry_remove(c, index);
			removed++;
		}
	}
	if (r->cursor >= r->tracked_count) {
		r->cursor = 0;
		r->next_sweep = mono_add_ms(c->now, SWEEP_MS);
	}
	if (removed > 0)
		engine_bump_routes(c->engine);
	return due;
}

/* Remove the entries of an interface; all = also those whose network is still there. */
static void
remove_of(struct core *c, uint16_t interface, bool all)
{
	struct resolve *r = c->resolve;
	uint32_t removed = 0;

	for (uint32_t i = r->tracked_count; i-- > 0;) {
		const struct neigh *n = neigh_at(engine_neighbours(c->engine), r->tracked[i]);
		const struct snapshot_interface *in = core_interface(c, n->interface);
		const struct ip_addr address = neigh_address(n);

		if (n->interface != interface && interface != INTERFACE_NONE)
			continue;
		if (!all && in != NULL && in->port == n->port &&
			rte_is_same_ether_addr(&in->mac, &n->source) &&
			core_resolve_on_link(c, n->interface, &address))
			continue;
		entry_remove(c, r->tracked[i]);
		removed++;
	}
	if (removed > 0)
		engine_bump_routes(c->engine);
}

void
core_resolve_flush(struct core *c, uint16_t interface)
{
	remove_of(c, interface, true);
}

void
core_resolve_published(struct core *c)
{
	remove_of(c, INTERFACE_NONE, false);
}
