/*
 * The mirror's transport: one numbered, acknowledged, resent stream of frames in each direction.
 * Pure: frames leave and arrive through callbacks, the clock is an argument.  HRP core only.
 *
 * The receiver opens a stream: it asks (NACK, RESYNC) for a random stream number, again and again
 * until the first frame comes; frames of any other number are refused.  So nothing of an older
 * stream, an older boot or a replay can ever go backwards.  The sender answers by a new stream
 * whose first frame carries the start of a bulk.  A sender that lost its state says so (NACK,
 * UNKNOWN) when it sees an acknowledgement, and the receiver asks anew.
 *
 * Inside a stream: at most HRP_STREAM_WINDOW frames are unacknowledged and kept for resending;
 * window full means no room, and the caller leaves its events where they are.  The receiver keeps
 * frames that came too early, delivers in order, each exactly once, and acknowledges by the next
 * expected number and a bitmap of what it has beyond.
 */
#pragma once

#include "clock.h"
#include "hrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

struct hrp_stream;

/* Bytes of a numbered message before its first record. */
#define HRP_STREAM_OVERHEAD                                                                        \
	(sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp) + sizeof(struct hrp_header) +             \
		sizeof(struct hrp_stream_head))

struct hrp_stream_params {
	uint16_t frame_max; /* longest HA message that fits a frame */
	uint32_t hello_ms;
	uint32_t seed;
	uint32_t first;	 /* number of a stream's first frame; 0 = random */
	uint16_t tables; /* HRP_TABLE(): those we take beside sessions */
	/* Transmit a whole HA message. => false: no link or no room; it is tried again. */
	void *send_ctx;
	bool (*send)(void *send_ctx, const uint8_t *message, uint16_t len);
	void *ctx; /* of the rest */
	/* The next numbered message, in order. => false: not now; the same one comes again at the
	 * next poll, and nothing behind it until then. */
	bool (*deliver)(void *ctx, const uint8_t *message, uint16_t len, mono_t now);
	/* Our outbound stream has just begun: everything must be sent again.  `tables`: those that
	 * the peer takes beside sessions. */
	void (*opened)(void *ctx, uint16_t tables, mono_t now);
	/* A result for a bulk of the current outbound stream. */
	void (*result)(void *ctx, const struct hrp_bulk *, mono_t now);
	/* Likewise an answer to HRP_OP_CHECK. */
	void (*checked)(void *ctx, uint16_t module, const struct hrp_part *, mono_t now);
};

struct hrp_stream_stats {
	uint64_t frames_out, frames_in, resent, timeouts, acks_out, acks_in, nacks_out, nacks_in;
	uint64_t duplicates, reordered, refused, opened, window_full;
	uint64_t answers; /* messages that name a number which we have chosen: they are of now */
};

/* Is it delivered, in order?  The others are about a stream. */
bool hrp_stream_numbered(uint8_t op);

/* => NULL when out of memory. */
struct hrp_stream *hrp_stream_create(const struct hrp_stream_params *);
void hrp_stream_destroy(struct hrp_stream *);

/* A message of type HRP data that passed ha_check(). => HA_OK or why it was refused. */
enum ha_refusal hrp_stream_receive(
	struct hrp_stream *, const uint8_t *message, uint16_t len, mono_t now);
/* Timers, resends, acknowledgements, held deliveries. => work done. */
uint32_t hrp_stream_poll(struct hrp_stream *, mono_t now);

/* ---- outbound ---- */

/* Do we answer a peer that asks?  Off: an open stream goes on until its window is empty. */
void hrp_stream_offer(struct hrp_stream *, bool on, mono_t now);
/* The peer is gone: drop the window. */
void hrp_stream_close(struct hrp_stream *);
bool hrp_stream_is_open(const struct hrp_stream *);
/* hrp_stream_reserve: room for a record of at most `len` bytes in the frame being filled.
 * => NULL: no stream or window full.  Valid until the next call; commit says how much was used. */
uint8_t *hrp_stream_reserve(struct hrp_stream *, uint16_t module, uint16_t len, mono_t now);
void hrp_stream_commit(struct hrp_stream *, uint16_t len);
/* hrp_stream_filling: number of the frame that the last record is in, until the next reserve.
 * hrp_stream_has: has the peer installed everything up to that frame? */
uint32_t hrp_stream_filling(const struct hrp_stream *);
bool hrp_stream_has(const struct hrp_stream *, uint32_t frame);
/* A frame of its own: BULK_BEGIN, BULK_END; head is filled here. => false: window full. */
bool hrp_stream_bulk(
	struct hrp_stream *, uint16_t module, enum hrp_op, const struct hrp_bulk *, mono_t now);
/* Likewise CHECK, PART_BEGIN and PART_END. */
bool hrp_stream_part(
	struct hrp_stream *, uint16_t module, enum hrp_op, const struct hrp_part *, mono_t now);
/* Close the frame being filled and send it; poll does so 1 ms after its first record. */
void hrp_stream_flush(struct hrp_stream *, mono_t now);
/* Written into messages: is this box active? */
void hrp_stream_role(struct hrp_stream *, bool active);

/* ---- inbound ---- */

/* Is there a peer to hear from?  Off: the inbound stream is forgotten; a new one gets a new number.
 */
void hrp_stream_listen(struct hrp_stream *, bool on, mono_t now);
bool hrp_stream_hears(const struct hrp_stream *); /* an inbound stream has begun */
void hrp_stream_result(struct hrp_stream *, uint16_t module, const struct hrp_bulk *);
void hrp_stream_checked(struct hrp_stream *, uint16_t module, const struct hrp_part *);

/* Of one module's frames with records, since the stream has begun: from the first of them to the
 * frame's acknowledgement. */
struct hrp_stream_lag {
	uint64_t median_us, max_us; /* the median within a fifth */
	uint64_t unacked, resent;
};
void hrp_stream_lag(const struct hrp_stream *, uint16_t module, struct hrp_stream_lag *);
uint32_t hrp_stream_unacked(const struct hrp_stream *);
uint64_t hrp_stream_lag_ns(const struct hrp_stream *, mono_t now);
uint64_t hrp_stream_rtt_ns(const struct hrp_stream *);
void hrp_stream_stats(const struct hrp_stream *, struct hrp_stream_stats *);
