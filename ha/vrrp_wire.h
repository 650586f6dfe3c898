/*
 * Standard VRRP advertisements (type 1) on service interfaces, version 2 over IPv4 (RFC 3768) and
 * version 3 over IPv6 (RFC 9568): building the frame, and the checks of a received one.  Pure
 * functions, any thread.  Version 3 over IPv4 is refused.
 */
#pragma once

#include "ip_addr.h"

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stdint.h>

#define VRRP_WIRE_FRAME	    60 /* one address: 14 + 20 + 20, padded to the Ethernet minimum */
#define VRRP_WIRE_FRAME6    78 /* one address: 14 + 40 + 24 */
#define VRRP_WIRE_ADDRESSES 20

/* Why a received one was refused; one counter each. */
#define VRRP_REFUSALS(X)                                                                           \
	X(ip, "bad IP header, source or destination, or not protocol 112")                         \
	X(ttl, "TTL or hop limit is not 255")                                                      \
	X(short, "shorter than its header")                                                        \
	X(version, "VRRP version is not 2, of IPv6 not 3")                                         \
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

struct vrrp_advert6 {
	uint8_t vrid;
	uint8_t priority;
	uint8_t count;
	uint16_t interval_cs;
	uint8_t source[IP6_LEN];  /* of the IP packet, link-local */
	uint8_t address[IP6_LEN]; /* the first one */
};

/* vrrp_wire_frame: the whole Ethernet frame of an advert with one address: source MAC = virtual
 * MAC, IP TOS 0xc0, TTL 255. */
void vrrp_wire_frame(uint8_t frame[VRRP_WIRE_FRAME], rte_be32_t source, uint8_t vrid,
	uint8_t priority, uint8_t interval_s, rte_be32_t address);

/* vrrp_wire_frame6: the same over IPv6: version 3 from our link-local address; interval in
 * hundredths of a second, at most 4095. */
void vrrp_wire_frame6(uint8_t frame[VRRP_WIRE_FRAME6], const uint8_t source[IP6_LEN], uint8_t vrid,
	uint8_t priority, uint16_t interval_cs, const uint8_t address[IP6_LEN]);

/* vrrp_wire_decode: the VRRP part alone: length, version, type, count, checksum. */
enum vrrp_refusal vrrp_wire_decode(const uint8_t *message, uint16_t len, struct vrrp_advert *);

/* vrrp_wire_check: an IPv4 packet, `len` bytes readable (frames are padded: the length comes from
 * the IP header).  Everything that does not depend on our configuration. */
enum vrrp_refusal vrrp_wire_check(const uint8_t *ip, uint16_t len, struct vrrp_advert *);

/* vrrp_wire_check6: the same of an IPv6 packet; the VRRP header must follow the IPv6 header. */
enum vrrp_refusal vrrp_wire_check6(const uint8_t *ip, uint16_t len, struct vrrp_advert6 *);
