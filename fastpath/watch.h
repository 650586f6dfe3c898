/*
 * Private to the engine: where the packet walk meets trace and capture.  Everything here is called
 * only while w->watching, which a worker looks at once per burst, once per flush of a TX queue, and
 * once per batch of dropped buffers.
 */
#pragma once

#include "capture.h"
#include "egress.h"
#include "policy.h"
#include "trace.h"
#include "worker.h"

/* watch_interface: of a frame of a port.  => INTERFACE_NONE: it belongs to none. */
uint16_t watch_interface(const struct worker *, uint16_t port, uint16_t vlan);
/* watch_wanted: does a filter take a packet of this interface, which may be INTERFACE_NONE? */
bool watch_wanted(const struct worker *, const struct packet_filter *, uint16_t interface,
	const struct packet_fields *);

/* capture_received: a frame of a port, before anything has looked at it. */
void capture_received(struct worker *, const struct rte_mbuf *, uint16_t port);
/* capture_frame: copy a frame if the capture, which is on, wants it.  place: DROP_PLACES. */
void capture_frame(
	struct worker *, const struct rte_mbuf *, uint8_t where, uint16_t place, enum drop_reason);

/* trace_begin: open a record for a frame if the filter takes it, and mark the frame.  => or NULL */
struct trace_record *trace_begin(struct worker *, struct rte_mbuf *, uint16_t port);

/* Stages, in order; they fill w->traced. */
/* trace_parsed: a packet with a key; looks its session up, as the walk is about to. */
void trace_parsed(struct worker *, const struct pkt *);
/* trace_datagram: the same for fragments, if one of them is followed: it speaks for all. => is it?
 */
bool trace_datagram(struct worker *, const struct pkt *);
/* trace_first: a first packet, before it is concluded.  egress, of `family`, verdict: NULL if not
 * asked.
 */
void trace_first(struct worker *, const struct egress *, unsigned int family, bool own,
	const struct policy_verdict *);
/* trace_walked: what became of the session; no packet is followed any more. */
void trace_walked(struct worker *);

/* trace_of: => the record of a frame, NULL if it has none. */
struct trace_record *trace_of(const struct worker *, struct rte_mbuf *);
/* trace_take: the same, and the mark is taken off. */
struct trace_record *trace_take(struct worker *, struct rte_mbuf *);
/* trace_mark: put the mark on again. */
void trace_mark(struct worker *, struct rte_mbuf *, const struct trace_record *);
/* trace_close: the packet's end; appends the record if it is wanted. */
void trace_close(struct worker *, struct trace_record *, enum trace_end, uint8_t why_or_reason,
	uint16_t place);

/* watch_sending: n frames of a queue are about to be handed to the driver: their records, or NULL.
 * watch_sent: it has taken the first `sent` of them; the rest is still ours. */
void watch_sending(
	struct worker *, struct tx_queue *, uint16_t n, uint16_t interface, struct trace_record **);
void watch_sent(struct worker *, struct tx_queue *, uint16_t n, uint16_t sent, uint16_t interface,
	struct trace_record **);
