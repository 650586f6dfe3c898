/*
 * Standard VRRP advertisements (type 1) on service interfaces: version 2 over IPv4 (RFC 3768) and
 * version 3 over IPv4 and IPv6 (RFC 9568): building the frame, and the checks of a received one.
 * Pure functions, any thread.
 *
 * Version 3 over IPv4 is spoken with two checksums: RFC 9568 5.2.8 takes the message alone, most
 * routers put a pseudo-header before it as over IPv6.  Received adverts may have either.
 */
#pragma once

#include "ip_addr.h"

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <stdbool.h>
#include <stdint.h>

#define VRRP_WIRE_ADDRESSES 20	  /* of one that we send; of one received no more are kept */
#define VRRP_WIRE_AUTH	    8	  /* octets of authentication data, version 2 */
#define VRRP_WIRE_CS_MAX    0xfff /* interval of version 3, in 1/100 s */
#define VRRP_WIRE_TRAILER   28	  /* of authentication, behind the message: vrrp_hmac.h */
/* The longest message: header, addresses, authentication data. */
#define VRRP_WIRE_MESSAGE_MAX (8 + VRRP_WIRE_ADDRESSES * IP6_LEN + VRRP_WIRE_AUTH)
/* The longest frame: Ethernet, IPv6, message, trailer. */
#define VRRP_WIRE_FRAME_MAX (14 + 40 + VRRP_WIRE_MESSAGE_MAX + VRRP_WIRE_TRAILER)
#define VRRP_WIRE_FRAME_MIN 60 /* shorter ones are padded */

enum vrrp_auth { VRRP_AUTH_NONE, VRRP_AUTH_PASSWORD, VRRP_AUTH_HEADER };

/* Why a received one was refused; one counter each.  Those from `source` on depend on our
 * configuration. */
#define VRRP_REFUSALS(X)                                                                           \
	X(ip, "bad IP header, source or destination, or not protocol 112")                         \
	X(ttl, "TTL or hop limit is not 255")                                                      \
	X(short, "shorter than its header")                                                        \
	X(version, "VRRP version is not 2 or 3, of IPv6 not 3")                                    \
	X(type, "VRRP type is not 1")                                                              \
	X(count, "no address")                                                                     \
	X(carp, "authentication type above 2: not VRRP, but CARP perhaps")                         \
	X(length, "length does not fit the number of addresses")                                   \
	X(checksum, "bad checksum")                                                                \
	X(source, "from our own address")                                                          \
	X(vrid, "virtual router id is not ours")                                                   \
	X(other_version, "VRRP version is not that of our group")                                  \
	X(multicast, "to all routers, but the group has unicast peers")                            \
	X(unicast, "to our address, but the group has no unicast peers")                           \
	X(peer, "not from one of the group's unicast peers")                                       \
	X(auth, "authentication type is not that of our group")                                    \
	X(password, "password is not that of our group")                                           \
	X(trailer, "has an authentication trailer, but our group has no keys")                     \
	X(no_trailer, "has no authentication trailer, which our group asks for")                   \
	X(trailer_form, "authentication trailer is not of type 1, or its reserved bits are set")   \
	X(stale, "time in its authentication trailer is too far from ours")                        \
	X(unknown_key, "key of its authentication trailer is not one of ours")                     \
	X(bad_hmac, "HMAC is wrong: another secret, or the advert was changed")                    \
	X(replayed, "authentic, but not later than the last one of its sender")                    \
	X(interval, "advertisement interval is 0, or (version 2) not ours")                        \
	X(owner, "we own the address")
enum vrrp_refusal {
	VRRP_OK = 0,
#define X(name, text) VRRP_REFUSED_##name,
	VRRP_REFUSALS(X)
#undef X
		VRRP_REFUSAL_COUNT
};
extern const char *const vrrp_refusal_names[VRRP_REFUSAL_COUNT];
extern const char *const vrrp_refusal_texts[VRRP_REFUSAL_COUNT];

struct vrrp_advert {
	uint8_t version;
	uint8_t vrid;
	uint8_t priority;
	uint8_t ttl;	   /* received; what is built has 255 */
	uint8_t auth_type; /* version 2: enum vrrp_auth, or what it says */
	uint8_t auth[VRRP_WIRE_AUTH];
	bool plain_sum;	      /* version 3 over IPv4: checksum without pseudo-header */
	uint32_t interval_ms; /* version 2: whole seconds, below 256; version 3: 10 to 40950 */
	struct ip_addr source;
	struct ip_addr destination; /* to be sent: family 0 = the group of all VRRP routers */
	uint8_t count;
	struct ip_addr addresses[VRRP_WIRE_ADDRESSES]; /* of the family of `source` */
	bool has_trailer;
	uint8_t trailer[VRRP_WIRE_TRAILER];
	/* Received, for the trailer's check: the message as it came, inside the packet, and (by who
	 * received it) when, in ns since 1970. */
	const uint8_t *message;
	uint16_t message_len;
	uint64_t wall_ns;
};

/* vrrp_wire_build: the whole Ethernet frame: source MAC = virtual MAC, IP TOS 0xc0, TTL 255.  A
 * unicast one has no destination MAC yet.
 * => Its length, padding included. */
uint16_t vrrp_wire_build(uint8_t frame[VRRP_WIRE_FRAME_MAX], const struct vrrp_advert *);

/* vrrp_wire_message: the VRRP message alone, without checksum and trailer. => its length */
uint16_t vrrp_wire_message(uint8_t message[VRRP_WIRE_MESSAGE_MAX], const struct vrrp_advert *);

/* vrrp_wire_check: an IPv4 or IPv6 packet, `len` bytes readable (frames are padded: the length
 * comes from the IP header).  Everything that does not depend on our configuration; the TTL of a
 * unicast one does. */
enum vrrp_refusal vrrp_wire_check(const uint8_t *ip, uint16_t len, struct vrrp_advert *);

/* Was it sent to all VRRP routers of the link? */
bool vrrp_wire_is_group(const struct ip_addr *destination);
