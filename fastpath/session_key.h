/*
 * Session keys.  A key is canonical: the endpoint with the lower (address, port) comes first, so
 * that both directions of a connection give the same key; the swap bit says which endpoint sent the
 * packet.  All multi-byte fields are in network byte order except vsys.
 *
 * ICMP echo: the sender of the request has port = identifier, its target has port 2048 (type 8,
 * code 0), in requests and replies alike; an echo reply in the request's direction thus never
 * matches (ICU-04).  ICMPv6 queries likewise: the target has port type * 256, 32768 for echo.
 * Protocols without ports have ports 0.
 */
#pragma once

#include <rte_byteorder.h>

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SESSION_ICMP_ECHO_PORT	RTE_BE16(2048)
#define SESSION_ICMP6_ECHO_PORT RTE_BE16(128 << 8)

struct session_key4 {
	rte_be32_t addr[2];
	rte_be16_t port[2];
	uint16_t vsys; /* virtual system, 0 until there are several */
	uint8_t proto;
	uint8_t pad; /* 0 */
};
static_assert(sizeof(struct session_key4) == 16, "hashed as two words");

struct session_key6 {
	uint8_t addr[2][16];
	rte_be16_t port[2];
	uint16_t vsys;
	uint8_t proto;
	uint8_t pad[9]; /* 0 */
};
static_assert(sizeof(struct session_key6) == 48, "hashed as words");

/* The tuple of one packet or of a session's direction 0, for people and for the wire. */
struct session_tuple4 {
	rte_be32_t src, dst;
	rte_be16_t sport, dport;
	uint8_t proto;
};

struct session_tuple6 {
	uint8_t src[16], dst[16];
	rte_be16_t sport, dport;
	uint8_t proto;
};

/* session_key4_make: canonical key of a tuple.
 * => Returns 1 when the source became endpoint 1 (swapped), else 0. */
static inline uint8_t
session_key4_make(struct session_key4 *k, rte_be32_t src, rte_be32_t dst, rte_be16_t sport,
	rte_be16_t dport, uint8_t proto)
{
	const uint64_t s = (uint64_t)rte_be_to_cpu_32(src) << 16 | rte_be_to_cpu_16(sport);
	const uint64_t d = (uint64_t)rte_be_to_cpu_32(dst) << 16 | rte_be_to_cpu_16(dport);
	const uint8_t swap = s > d;

	k->addr[swap] = src;
	k->addr[!swap] = dst;
	k->port[swap] = sport;
	k->port[!swap] = dport;
	k->vsys = 0;
	k->proto = proto;
	k->pad = 0;
	return swap;
}

/* session_key4_tuple: the tuple as endpoint `swap` sees it (the inverse of session_key4_make). */
static inline struct session_tuple4
session_key4_tuple(const struct session_key4 *k, uint8_t swap)
{
	return (struct session_tuple4){ .src = k->addr[swap],
		.dst = k->addr[!swap],
		.sport = k->port[swap],
		.dport = k->port[!swap],
		.proto = k->proto };
}

/* session_key6_make: canonical key of a tuple; addresses in network byte order, at any alignment.
 * => Returns 1 when the source became endpoint 1 (swapped), else 0. */
static inline uint8_t
session_key6_make(struct session_key6 *k, const uint8_t src[16], const uint8_t dst[16],
	rte_be16_t sport, rte_be16_t dport, uint8_t proto)
{
	uint64_t s[2], d[2];
	uint8_t swap;

	memcpy(s, src, sizeof(s));
	memcpy(d, dst, sizeof(d));
	if (s[0] != d[0])
		swap = rte_be_to_cpu_64(s[0]) > rte_be_to_cpu_64(d[0]);
	else if (s[1] != d[1])
		swap = rte_be_to_cpu_64(s[1]) > rte_be_to_cpu_64(d[1]);
	else
		swap = rte_be_to_cpu_16(sport) > rte_be_to_cpu_16(dport);
	memcpy(k->addr[swap], s, sizeof(s));
	memcpy(k->addr[!swap], d, sizeof(d));
	k->port[swap] = sport;
	k->port[!swap] = dport;
	k->vsys = 0;
	k->proto = proto;
	memset(k->pad, 0, sizeof(k->pad));
	return swap;
}

/* session_key6_tuple: the tuple as endpoint `swap` sees it. */
static inline struct session_tuple6
session_key6_tuple(const struct session_key6 *k, uint8_t swap)
{
	struct session_tuple6 t = {
		.sport = k->port[swap], .dport = k->port[!swap], .proto = k->proto
	};

	memcpy(t.src, k->addr[swap], sizeof(t.src));
	memcpy(t.dst, k->addr[!swap], sizeof(t.dst));
	return t;
}
