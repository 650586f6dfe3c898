/*
 * Standard VRRP version 2 advertisements (RFC 3768; type 1) on service interfaces: building the
 * frame, and the checks of a received one.  Pure functions, any thread.  Version 3 is refused.
 */
#pragma once

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stdint.h>

#define VRRP_WIRE_FRAME	    60 /* one address: 14 + 20 + 20, padded to the Ethernet minimum */
#define VRRP_WIRE_ADDRESSES 20

/* Why a received one was refused; one counter each. */
#define VRRP_REFUSALS(X)                                                                           \
	X(ip, "bad IPv4 header, or not protocol 112 to 224.0.0.18")                                \
	X(ttl, "TTL is not 255")                                                                   \
	X(short, "shorter than its header")                                                        \
	X(version, "VRRP version is not 2")                                                        \
	X(type, "VRRP type is not 1")                                                              \
	X(count, "no address, or too many")                                                        \
	X(length, "length does not fit the number of addresses")                                   \
	X(checksum, "bad checksum")                                                                \
	X(auth, "authentication type is not 0")                                                    \
	X(source, "from our own address")                                                          \
	X(vrid, "virtual router id is not ours")                                                   \
	X(interval, "advertisement interval is not ours")                                          \
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
	uint8_t vrid;
	uint8_t priority;
	uint8_t interval_s;
	uint8_t auth_type;
	uint8_t count;
	rte_be32_t source; /* of the IP packet */
	rte_be32_t addresses[VRRP_WIRE_ADDRESSES];
};

/* vrrp_wire_frame: the whole Ethernet frame of an advert with one address: source MAC = virtual
 * MAC, IP TOS 0xc0, TTL 255. */
void vrrp_wire_frame(uint8_t frame[VRRP_WIRE_FRAME], rte_be32_t source, uint8_t vrid,
	uint8_t priority, uint8_t interval_s, rte_be32_t address);

/* vrrp_wire_decode: the VRRP part alone: length, version, type, count, checksum. */
enum vrrp_refusal vrrp_wire_decode(const uint8_t *message, uint16_t len, struct vrrp_advert *);

/* vrrp_wire_check: an IPv4 packet, `len` bytes readable (frames are padded: the length comes from
 * the IP header).  Everything that does not depend on our configuration. */
enum vrrp_refusal vrrp_wire_check(const uint8_t *ip, uint16_t len, struct vrrp_advert *);
