/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_fragment.h"

#include "egress.h"
#include "watch.h"

#include <rte_ip_frag.h>

#include <errno.h>

#define PIECES_MAX 128 /* 64 KiB in the smallest MTU an interface may have, with all options */

/* A piece refers to the packet's buffers: copied, where it has room, since not every driver sends a
 * frame of several buffers.  => it is a frame that lacks its MACs only */
static bool
finish(struct rte_mbuf *piece, const struct rte_ether_hdr *eth)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(piece, struct rte_ipv4_hdr *);
	char *head = rte_pktmbuf_prepend(piece, sizeof(*eth));

	(void)rte_pktmbuf_linearize(piece);
	if (head == NULL)
		return false;
	memcpy(head, eth, sizeof(*eth));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return true;
}

/* The first piece stands for the packet in the counters. */
static void
send_piece(struct worker *w, const struct pkt *p, struct rte_mbuf *m, const struct egress *e,
	unsigned int family, bool first)
{
	const enum neigh_state state = egress_state(e);

	if (state == NEIGH_REACHABLE || state == NEIGH_STALE) {
		egress_frame(w, m, e, first ? TX_FORWARDED : TX_FRAGMENT);
	} else if (egress_hold(w, m, family, e)) {
		w->stats.punted += first;
	} else if (first) {
		worker_drop_mbuf(w, m, p->interface, DROP_punt_full);
	} else {
		w->stats.fragments_lost++;
		rte_pktmbuf_free(m);
	}
}

void
ip_fragment_send_as(
	struct worker *w, struct pkt *p, const struct egress *e, const struct ip_fragment_as *as)
{
	const struct rte_ether_hdr eth = *pkt_ether(p);
	struct rte_mbuf *pieces[PIECES_MAX];
	bool whole = true;
	int n;

	rte_pktmbuf_adj(p->m, sizeof(eth));
	n = rte_ipv4_fragment_packet(p->m, pieces, PIECES_MAX, as->mtu, p->m->pool, p->m->pool);
	for (int i = 0; i < n; i++)
		whole &= finish(pieces[i], &eth) &&
			 (as->convert == NULL || as->convert(pieces[i], as->ctx));
	if (n <= 0 || !whole) {
		for (int i = 0; i < n; i++)
			rte_pktmbuf_free(pieces[i]);
		worker_drop(w, p, n == -ENOMEM ? DROP_no_mbuf : DROP_mtu);
		return;
	}
	w->stats.fragmented++;
	if (unlikely(w->watching)) {
		const struct trace_record *r = trace_take(w, p->m);

		if (r != NULL)
			trace_mark(w, pieces[0], r);
	}
	for (int i = 0; i < n; i++)
		send_piece(w, p, pieces[i], e, as->family, i == 0);
	rte_pktmbuf_free(p->m);
}

void
ip_fragment_send(struct worker *w, struct pkt *p, const struct egress *e)
{
	ip_fragment_send_as(w, p, e,
		&(struct ip_fragment_as){
			.mtu = w->snap->interfaces[e->interface].mtu, .family = 4 });
}
