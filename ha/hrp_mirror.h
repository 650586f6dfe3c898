/*
 * The mirror: decides what goes through the streams and when.  Out: a bulk, then live changes,
 * while this box is active and the peer alive.  In: records into the tables, proof at the end of
 * each bulk.  Pure but for the tables it works on; frames leave through a callback.  HRP core only.
 *
 * A bulk proves itself: END carries count and digest of all that the peer must hold at this point
 * of the stream; the peer drops what was not confirmed, counts what it really holds and answers.
 * "Synchronised" is when both agree; otherwise another bulk follows, later each time.
 */
#pragma once

#include "engine.h"
#include "hrp.h"
#include "hrp_stream.h"
#include "repl.h"

#include <stdbool.h>
#include <stdint.h>

struct hrp_mirror;

struct hrp_mirror_params {
	struct engine *engine;
	uint16_t frame_max;
	uint32_t hello_ms;
	uint32_t seed;
	struct repl_methods methods;
	uint8_t nat_half; /* NAT_HALF_*: of the ports that this box hands out; 0 = all */
	void *ctx;
	bool (*send)(void *ctx, const uint8_t *message, uint16_t len);
};

/* => NULL with a one-line reason in err. */
struct hrp_mirror *hrp_mirror_create(const struct hrp_mirror_params *, char *err, size_t err_size);
void hrp_mirror_destroy(struct hrp_mirror *);

/* What the control core says (HA_MSG_ROLE), what the peer's hellos say, what the links say. */
/* hrp_mirror_groups: bit per group that is active here, and their role epoch: before the role. */
void hrp_mirror_groups(
	struct hrp_mirror *, uint8_t groups, uint32_t epoch, bool peer_alive, mono_t now);
void hrp_mirror_role(struct hrp_mirror *, bool active, bool peer_alive, mono_t now);
void hrp_mirror_peer(struct hrp_mirror *, uint8_t group, uint8_t state, mono_t now);
void hrp_mirror_link(struct hrp_mirror *, bool running);
bool hrp_mirror_peer_active(const struct hrp_mirror *); /* is it alive, and some group of it? */

/* `epoch`: the sender's, from the trailer. */
enum ha_refusal hrp_mirror_receive(
	struct hrp_mirror *, const uint8_t *message, uint16_t len, uint32_t epoch, mono_t now);
uint64_t hrp_mirror_answers(const struct hrp_mirror *);	   /* struct hrp_stream_stats */
uint32_t hrp_mirror_poll(struct hrp_mirror *, mono_t now); /* => work done */

/* Everything once more, if this box mirrors: what differs at the peer is repaired. */
void hrp_mirror_sync(struct hrp_mirror *);
bool hrp_mirror_synchronised(const struct hrp_mirror *);
/* Fills stream, sessions, roles and bulks of `st`; `refused` gets the records' refusals added. */
void hrp_mirror_status(const struct hrp_mirror *, struct hrp_status *st, mono_t now);
