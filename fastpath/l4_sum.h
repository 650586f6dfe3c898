/*
 * Checksums of TCP, UDP and ICMP on the way in.
 *
 * What the NIC has found counts for every packet.  Where it says nothing, or only that
 * the sum in the packet is not the real one (NONE), software sums packets
 * that decide something: those that open a session, TCP segments with SYN, FIN or RST or outside of
 * ESTABLISHED, the first answer of UDP, all of ICMP.  The rest is payload: to sum it costs a read
 * of every byte, and its receiver does so anyway; `verify_checksums = "all"` asks for it.
 */
#pragma once

#include "worker.h"

/* l4_sum_good: sum the packet in software.  => true also for protocols without such a checksum. */
bool l4_sum_good(const struct pkt *);

/* l4_sum_payload: the sum, not yet a checksum, of `len` bytes from the L4 header on, which parse
 * has found to be there; of all fragments of a datagram. */
uint16_t l4_sum_payload(const struct pkt *, uint32_t len);

/* l4_sum_wrong: is the packet damaged?  `decides` = it must be summed if nobody has. */
static inline bool
l4_sum_wrong(const struct worker *w, const struct pkt *p, bool decides)
{
	const uint64_t known = p->m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (known == RTE_MBUF_F_RX_L4_CKSUM_GOOD || known == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		return known == RTE_MBUF_F_RX_L4_CKSUM_BAD;
	return (decides || unlikely(w->snap->tracking.verify_all)) && !l4_sum_good(p);
}
