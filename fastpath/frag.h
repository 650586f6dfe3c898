/*
 * Fragments: virtual reassembly.  The fragments of a datagram are held until all have come.  Then
 * the datagram goes through the walk once, as one packet (struct pkt with `fragments`), and what
 * is forwarded are the fragments as they came in, each with its own TTL.
 *
 * To forward early, behind the first fragment, would cost less room and time; but overlap, a gap,
 * the length that TCP's window and UDP's header speak of, and the checksum are known only when the
 * datagram is complete, and what has been forwarded cannot be taken back.
 */
#pragma once

#include "worker.h"

struct egress;

/* frag_take: a fragment whose IP header, and extension headers, parse has found good (l4_off and
 * proto as it has found them).
 * => true: its datagram is complete and *datagram is set up to its family, without L4: parse goes
 * on.  false: the fragment is held or dropped. */
bool frag_take(struct worker *, struct pkt *, struct pkt *datagram);

/* frag_fits: is no fragment of a datagram longer than `mtu`?  => false also of a packet that is not
 * in fragments. */
bool frag_fits(const struct pkt *, uint16_t mtu);

/* frag_translate: addresses of all fragments but the first. */
void frag_translate(const struct pkt *, const struct session_leaving *);

/* frag_send: egress_send() of each fragment. */
void frag_send(struct worker *, const struct pkt *, const struct egress *);

/* frag_answer: send the fragments of a good echo request back as those of its reply. */
void frag_answer(struct worker *, const struct pkt *, bool fenced);

/* frag_age: drop some of what has been held for too long. => In housekeeping. */
void frag_age(struct worker *);
