/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_edit.h"

#include "check.h"
#include "nat_rewrite.h"

#include <netinet/in.h>

static uint16_t
header_of(const struct pkt *p)
{
	const struct rte_tcp_hdr *tcp = pkt_l4(p);

	return p->proto == IPPROTO_TCP ? (uint16_t)(tcp->data_off >> 4 << 2)
				       : (uint16_t)sizeof(struct rte_udp_hdr);
}

char *
alg_edit_payload(struct pkt *p, uint32_t *len)
{
	const uint16_t header = header_of(p);
	const struct rte_udp_hdr *udp;
	uint32_t l3;

	if (p->fragments || pkt_l4_len(p) < header)
		return NULL;
	l3 = (uint32_t)((const char *)p->l3 - rte_pktmbuf_mtod(p->m, const char *));
	if (p->m->nb_segs > 1) {
		if (rte_pktmbuf_linearize(p->m) != 0)
			return NULL;
		p->l3 = rte_pktmbuf_mtod_offset(p->m, void *, l3);
	}
	udp = pkt_l4(p);
	if (p->proto == IPPROTO_UDP && rte_be_to_cpu_16(udp->dgram_len) != pkt_l4_len(p))
		return NULL;
	/* What Ethernet has filled up short frames with. */
	if (p->m->data_len > l3 + p->ip_len)
		rte_pktmbuf_trim(p->m, (uint16_t)(p->m->data_len - (l3 + p->ip_len)));
	*len = (uint32_t)pkt_l4_len(p) - header;
	return (char *)pkt_l4(p) + header;
}

/* The words of the checksum that edits change: payload and length. */
static uint16_t
payload_sum(const struct alg_edit *e)
{
	const uint16_t len = pkt_l4_len(e->p);

	return nat_sum_join(
		rte_raw_cksum((const char *)pkt_l4(e->p) + e->header, (size_t)(len - e->header)),
		rte_cpu_to_be_16(len));
}

void
alg_edit_begin(struct alg_edit *e, struct pkt *p)
{
	e->p = p;
	e->header = header_of(p);
	e->sum = payload_sum(e);
}

bool
alg_edit_replace(struct alg_edit *e, uint32_t at, uint32_t was, const char *text, uint32_t is)
{
	struct pkt *p = e->p;
	struct rte_mbuf *m = p->m;
	char *payload = (char *)pkt_l4(p) + e->header;
	const uint32_t len = (uint32_t)pkt_l4_len(p) - e->header;
	const uint32_t more = is > was ? is - was : 0;

	FW_ASSERT(at + was <= len && m->nb_segs == 1);
	if (is <= was || more <= rte_pktmbuf_tailroom(m)) {
		memmove(payload + at + is, payload + at + was, len - (at + was));
		m->data_len = (uint16_t)(m->data_len + is - was);
		m->pkt_len = m->data_len;
	} else if (more <= rte_pktmbuf_headroom(m)) {
		char *front = rte_pktmbuf_mtod(m, char *);

		memmove(front - more, front, (size_t)(payload + at - front));
		rte_pktmbuf_prepend(m, (uint16_t)more);
		p->l3 = (char *)p->l3 - more;
		payload -= more;
	} else {
		return false;
	}
	memcpy(payload + at, text, is);
	p->ip_len += is - was;
	return true;
}

static void
set_ip_length(struct pkt *p)
{
	const rte_be16_t len = rte_cpu_to_be_16((uint16_t)p->ip_len);

	if (p->family == 6) {
		p->ip6->payload_len =
			rte_cpu_to_be_16((uint16_t)(p->ip_len - sizeof(struct rte_ipv6_hdr)));
		return;
	}
	p->ip->hdr_checksum = nat_sum_replace(p->ip->hdr_checksum, p->ip->total_length, len);
	p->ip->total_length = len;
}

void
alg_edit_end(struct alg_edit *e)
{
	const uint16_t sum = payload_sum(e);
	const rte_be16_t len = rte_cpu_to_be_16(pkt_l4_len(e->p));
	struct rte_udp_hdr *udp = pkt_l4(e->p);
	struct rte_tcp_hdr *tcp = pkt_l4(e->p);

	set_ip_length(e->p);
	if (e->p->proto == IPPROTO_TCP) {
		tcp->cksum = nat_sum_replace(tcp->cksum, e->sum, sum);
		return;
	}
	/* The length is in the header as well as in the pseudo header. */
	if (udp->dgram_cksum != 0) {
		udp->dgram_cksum = nat_sum_replace(udp->dgram_cksum, e->sum, sum);
		udp->dgram_cksum = nat_sum_replace(udp->dgram_cksum, udp->dgram_len, len);
		if (udp->dgram_cksum == 0)
			udp->dgram_cksum = 0xffff;
	}
	udp->dgram_len = len;
}
