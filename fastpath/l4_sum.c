/* SPDX-License-Identifier: BSD-3-Clause */
#include "l4_sum.h"

static uint32_t
fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* The sum of up to `len` bytes of a frame's buffers from `at` in the first on.  Not by
 * rte_raw_cksum_mbuf(): DPDK 22.11 loses carries when a segment begins at an odd place. */
static uint32_t
buffer_sum(const struct rte_mbuf *m, const uint8_t *at, uint32_t len)
{
	uint32_t room = m->data_len - (uint32_t)(at - rte_pktmbuf_mtod(m, const uint8_t *));
	uint32_t sum = 0;
	bool odd = false;

	for (;;) {
		const uint32_t n = RTE_MIN(len, room);
		const uint16_t part = rte_raw_cksum(at, n);

		sum += odd ? rte_bswap16(part) : part;
		odd ^= n & 1;
		len -= n;
		m = m->next;
		if (len == 0 || m == NULL)
			return fold(sum);
		at = rte_pktmbuf_mtod(m, const uint8_t *);
		room = m->data_len;
	}
}

/* The same over the fragments of a datagram; all but the last are of even length. */
static uint32_t
fragments_sum(const struct pkt *p, uint32_t len)
{
	const uint8_t *at = pkt_l4(p);
	uint32_t part_len = pkt_part(p->m)->len - (p->l4_off - (uint32_t)pkt_part(p->m)->data);
	uint32_t sum = 0;

	for (struct rte_mbuf *m = p->m; m != NULL && len > 0; m = pkt_part(m)->next) {
		const struct pkt_part *part = pkt_part(m);

		if (m != p->m) {
			at = rte_pktmbuf_mtod_offset(m, const uint8_t *, part->l3 + part->data);
			part_len = part->len;
		}
		part_len = RTE_MIN(part_len, len);
		sum += buffer_sum(m, at, part_len);
		len -= part_len;
	}
	return fold(sum);
}

uint16_t
l4_sum_payload(const struct pkt *p, uint32_t len)
{
	return (uint16_t)(p->fragments ? fragments_sum(p, len) : buffer_sum(p->m, pkt_l4(p), len));
}

/* Headers of mobile IPv6 change what is summed (RFC 6275 6.3, 6.4); a fragment header does not. */
static bool
chain_changes_sum(const struct pkt *p)
{
	const uint16_t fragment_only = sizeof(struct rte_ipv6_hdr) + 8;

	return p->l4_off != sizeof(struct rte_ipv6_hdr) &&
	       (p->l4_off != fragment_only || p->ip6->proto != IPPROTO_FRAGMENT);
}

/* The two addresses, which lie side by side, the protocol and the length. */
static uint32_t
pseudo_sum(const struct pkt *p, uint16_t len)
{
	const uint8_t *header = p->l3;
	const uint32_t addresses =
		p->family == 6 ? rte_raw_cksum(header + offsetof(struct rte_ipv6_hdr, src_addr), 32)
			       : rte_raw_cksum(header + offsetof(struct rte_ipv4_hdr, src_addr), 8);

	return addresses + rte_cpu_to_be_16(p->proto) + rte_cpu_to_be_16(len);
}

bool
l4_sum_good(const struct pkt *p)
{
	const struct rte_udp_hdr *udp = pkt_l4(p);
	uint16_t len = pkt_l4_len(p);

	if (p->family == 6 && chain_changes_sum(p))
		return true; /* left to the receiver */
	switch (p->proto) {
	case IPPROTO_ICMP:
		return fold(l4_sum_payload(p, len)) == 0xffff;
	case IPPROTO_ICMPV6:
		if (p->family == 4)
			return true;
		break;
	case IPPROTO_UDP:
		if (udp->dgram_cksum == 0)
			return true; /* RFC 768: the sender made none */
		len = rte_be_to_cpu_16(udp->dgram_len);
		break;
	case IPPROTO_TCP:
		break;
	default:
		return true;
	}
	return fold(pseudo_sum(p, len) + l4_sum_payload(p, len)) == 0xffff;
}
