/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan.h"

#include "worker.h"

#include <rte_ring_elem.h>

uint32_t
scan_bits(uint32_t size, uint32_t n)
{
	double unset = 1;

	for (uint32_t i = 0; i < n; i++)
		unset *= 1 - 1.0 / size;
	return (uint32_t)(size * (1 - unset) + 0.5);
}

/* Set a bit of a map.  => bits set, 0 when this one was set before. */
static uint32_t
mark(_Atomic(uint64_t) *map, uint32_t size, uint64_t hash)
{
	const uint32_t bit = (uint32_t)hash & (size - 1);
	const uint64_t mask = UINT64_C(1) << (bit & 63);
	uint32_t n = 0;

	if (atomic_load_explicit(&map[bit / 64], memory_order_relaxed) & mask)
		return 0;
	if (atomic_fetch_or_explicit(&map[bit / 64], mask, memory_order_relaxed) & mask)
		return 0;
	for (uint32_t i = 0; i < size / 64; i++)
		n += (uint32_t)__builtin_popcountll(
			atomic_load_explicit(&map[i], memory_order_relaxed));
	return n;
}

/* A new interval begins with empty maps.  Two workers may see it at once: one of them empties. */
static void
begin_interval(struct source *s, uint32_t now_s, uint32_t interval_s)
{
	uint32_t window = atomic_load_explicit(&s->window, memory_order_relaxed);

	if (window != 0 && now_s - window < interval_s)
		return;
	if (!atomic_compare_exchange_strong(&s->window, &window, now_s))
		return;
	for (unsigned int i = 0; i < RTE_DIM(s->ports); i++)
		atomic_store_explicit(&s->ports[i], 0, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(s->hosts); i++)
		atomic_store_explicit(&s->hosts[i], 0, memory_order_relaxed);
	atomic_store_explicit(&s->alarmed, 0, memory_order_relaxed);
}

static void
tell(struct worker *w, struct source *s, const struct pkt *p, enum scan_kind kind)
{
	const uint32_t bit = UINT32_C(1) << kind;
	struct scan_event e = {
		.source = source_address(s), .len = s->len, .zone = p->zone, .kind = (uint8_t)kind
	};

	if (atomic_fetch_or_explicit(&s->alarmed, bit, memory_order_relaxed) & bit)
		return;
	w->stats.scans++;
	if (rte_ring_enqueue_elem(w->engine->scans, &e, sizeof(e)) != 0)
		w->stats.scans_lost++;
}

static rte_be16_t
destination_port(const struct pkt *p)
{
	rte_be16_t ports[2] = { 0 };

	if (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP || p->proto == IPPROTO_SCTP)
		memcpy(ports, pkt_l4(p), sizeof(ports));
	return ports[1];
}

void
scan_note(struct worker *w, const struct pkt *p)
{
	const struct scan_limits *limits = &w->snap->scan;
	struct source_table *t = &w->limits->sources;
	const bool six = p->family == 6;
	const void *src = six ? (const void *)p->ip6->src_addr : &p->ip->src_addr;
	const void *dst = six ? (const void *)p->ip6->dst_addr : &p->ip->dst_addr;
	uint64_t host[2], port[2] = { destination_port(p), p->proto };
	struct source *s;
	uint32_t slot, tag, n;

	slot = source_find(t, p->zone, p->family, six ? SCAN_LEN6 : SCAN_LEN4, src, w->now_s, &tag);
	if (slot == SOURCE_NONE)
		return;
	s = &t->entries[slot];
	begin_interval(s, w->now_s, limits->interval_s);
	keyed_hash_key(host, p->family, dst, six ? IP6_BITS : 32);
	n = mark(s->ports, SOURCE_PORT_BITS, keyed_hash(&t->hash, port, 0));
	if (unlikely(n >= limits->bits[SCAN_PORTS] && n > 0 && limits->bits[SCAN_PORTS] > 0))
		tell(w, s, p, SCAN_PORTS);
	n = mark(s->hosts, SOURCE_HOST_BITS, keyed_hash(&t->hash, host, 0));
	if (unlikely(n >= limits->bits[SCAN_HOSTS] && n > 0 && limits->bits[SCAN_HOSTS] > 0))
		tell(w, s, p, SCAN_HOSTS);
}
