/*
 * Authentication of adverts by a trailer behind the message, as keepalived's `auth_hmac` does it
 * from 2.4 on (draft-cassen-vrrp-auth-hmac): HMAC-SHA256 cut to 128 bits, with a time and a count
 * that grow from one advert to the next.
 *
 *	type 1 | key id | reserved 0 (2) | seconds since 1970 (4) | 1/65536 s (2) | count (2) |
 *	HMAC (16)
 *
 * The HMAC is over 20 octets {family 4 or 6, version, vrid, 0, source, padded to 16}, the message
 * with a checksum of 0, and the trailer with an HMAC of 0.
 *
 * Pure: no I/O, the wall clock is an argument.  One object for each group; control core only, but
 * for creation and end.
 */
#pragma once

#include "vrrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

#define VRRP_HMAC_KEYS	     8
#define VRRP_HMAC_KEY_MIN    32 /* octets, as the next */
#define VRRP_HMAC_KEY_MAX    64
#define VRRP_HMAC_WINDOW_MIN 5 /* s; least default, as keepalived's */
#define VRRP_HMAC_WINDOW_MAX 300

/* In this order a group of routers begins with it. */
enum vrrp_hmac_mode {
	VRRP_HMAC_RECEIVE_ONLY, /* sends none; those that come are checked, none need come */
	VRRP_HMAC_PERMISSIVE,	/* sends them; none need come */
	VRRP_HMAC_ENFORCE	/* adverts without one are refused */
};
/* Against adverts that somebody has recorded: what is new? */
enum vrrp_hmac_replay {
	VRRP_HMAC_TIME,	    /* its time is near ours, and it is later than the sender's last */
	VRRP_HMAC_MONOTONIC /* it is later than the sender's last */
};

struct vrrp_hmac_key {
	uint8_t id, len;
	uint8_t secret[VRRP_HMAC_KEY_MAX];
};

struct vrrp_hmac_setup {
	enum vrrp_hmac_mode mode;
	enum vrrp_hmac_replay replay;
	uint32_t window_s;
	uint8_t send_key; /* id of one of the keys */
	uint8_t key_count;
	struct vrrp_hmac_key keys[VRRP_HMAC_KEYS]; /* ids differ */
};

struct vrrp_hmac;

/* => NULL: out of memory, or the library has no HMAC-SHA256. */
struct vrrp_hmac *vrrp_hmac_create(const struct vrrp_hmac_setup *);
void vrrp_hmac_destroy(struct vrrp_hmac *);
/* What never changes, without the secrets. */
const struct vrrp_hmac_setup *vrrp_hmac_setup(const struct vrrp_hmac *);

/* vrrp_hmac_sign: the trailer of an advert that is to be sent, the same for all destinations.
 * Nothing without mode permissive or enforce.  `wall_ns`: since 1970. */
void vrrp_hmac_sign(struct vrrp_hmac *, struct vrrp_advert *, uint64_t wall_ns);

/* vrrp_hmac_check: of a received advert, by its `wall_ns`.  Only one that is authentic changes what
 * is known of its sender. */
enum vrrp_refusal vrrp_hmac_check(struct vrrp_hmac *, const struct vrrp_advert *);

/* vrrp_hmac_skew: seconds that the sender's clock is behind ours. */
int32_t vrrp_hmac_skew(const struct vrrp_advert *);
