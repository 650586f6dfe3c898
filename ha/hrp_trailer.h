/*
 * The trailer of HA messages (requirements.md 3.9): numbers every message, and signs or encrypts it
 * when there is a key.  HRP core only, but for creation.
 *
 * Keys: HKDF-SHA-256 of the secret, with the sender's life and boot time as information, so that
 * neither the two directions nor two starts of a box share one.  HMAC covers all bytes, checksum
 * and tag as 0.  GCM encrypts what is between the VRRP header and the trailer; both of these are
 * its additional data, checksum as 0 and without the tag; the nonce is boot time and sequence.
 *
 * A message is looked at in this order: length, type, checksum, algorithm, key, tag.  Whether it is
 * new is the next question: hrp_order.h.
 */
#pragma once

#include "hrp_order.h"
#include "hrp_wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HRP_KEYS_MAX   2 /* the old and the new one */
#define HRP_SECRET_MIN 16
#define HRP_SECRET_MAX 64

/* How a pair comes from no keys to keys without a gap: one step on both boxes, then the next. */
enum hrp_rollout {
	HRP_ENFORCE,	  /* sign, and take what is signed */
	HRP_PERMISSIVE,	  /* sign, and take what is not signed too */
	HRP_RECEIVE_ONLY, /* do not sign yet, take both */
	HRP_ROLLOUTS
};

struct hrp_key {
	uint16_t id; /* not 0 */
	uint16_t len;
	uint8_t secret[HRP_SECRET_MAX];
};

struct hrp_security {
	enum ha_algorithm algorithm; /* HA_ALGORITHM_NONE: no keys */
	enum hrp_rollout rollout;
	uint16_t key_count;
	struct hrp_key keys[HRP_KEYS_MAX]; /* the first one signs */
};

extern const char *const hrp_algorithm_names[HA_ALGORITHMS], *const hrp_rollout_names[HRP_ROLLOUTS];

struct hrp_trailer;

/* => NULL with a one-line reason in err. */
struct hrp_trailer *hrp_trailer_create(
	const struct hrp_security *, uint64_t life, uint32_t boot, char *err, size_t err_size);
void hrp_trailer_destroy(struct hrp_trailer *);

/* hrp_trailer_seal: a finished message without trailer (ha_finish()) becomes one for the wire, in
 * `out`, which has room for len + sizeof(struct ha_trailer).
 * => Its length; 0 = the library failed. */
uint16_t hrp_trailer_seal(struct hrp_trailer *, const uint8_t *message, uint16_t len, bool data,
	uint32_t epoch, uint8_t *out);

struct hrp_opened {
	const uint8_t *data; /* the message without its trailer: passes ha_check_body() or not */
	uint16_t len;
	uint32_t epoch;
	uint8_t version; /* HA_VERSION, or of another one: ha_known() */
	struct hrp_number number;
};
/* hrp_trailer_open: `room` has space for len, and may be where data points to. => HA_OK or why. */
enum ha_refusal hrp_trailer_open(struct hrp_trailer *, const uint8_t *message, uint16_t len,
	uint8_t *room, struct hrp_opened *);
/* hrp_trailer_trust: this life of the peer is the current one: of others only probes are opened. */
void hrp_trailer_trust(struct hrp_trailer *, uint64_t life);
