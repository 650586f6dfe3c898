/*
 * Addresses of either family, and what an IPv6 address is.  IPv6 addresses are 16 bytes in network
 * order everywhere; the packet path of IPv4 uses plain rte_be32_t.  Pure, any thread.
 */
#pragma once

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define IP6_LEN	    16
#define IP6_BITS    128
#define IP6_MTU_MIN 1280 /* RFC 8200 5 */

struct ip_addr {
	uint8_t family; /* 4, 6; 0 = none */
	uint8_t pad[3];
	union {
		rte_be32_t v4;
		uint8_t v6[IP6_LEN];
	};
};

static inline struct ip_addr
ip_addr_v4(rte_be32_t address)
{
	struct ip_addr a = { .family = 4 };

	a.v4 = address;
	return a;
}

static inline struct ip_addr
ip_addr_v6(const uint8_t address[IP6_LEN])
{
	struct ip_addr a = { .family = 6 };

	memcpy(a.v6, address, IP6_LEN);
	return a;
}

/* The two halves as numbers, to compare and mask by words. */
static inline void
ip6_halves(const uint8_t address[IP6_LEN], uint64_t *high, uint64_t *low)
{
	rte_be64_t word[2];

	memcpy(word, address, sizeof(word));
	*high = rte_be_to_cpu_64(word[0]);
	*low = rte_be_to_cpu_64(word[1]);
}

static inline bool
ip6_equal(const uint8_t a[IP6_LEN], const uint8_t b[IP6_LEN])
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* Order of the numbers: < 0, 0, > 0. */
static inline int
ip6_compare(const uint8_t a[IP6_LEN], const uint8_t b[IP6_LEN])
{
	return memcmp(a, b, IP6_LEN);
}

static inline bool
ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return false;
	return a->family == 6 ? ip6_equal(a->v6, b->v6) : a->v4 == b->v4;
}

/* Is the address in prefix/len?  len 0..128; host bits of the prefix do not matter. */
static inline bool
ip6_in_prefix(const uint8_t address[IP6_LEN], const uint8_t prefix[IP6_LEN], uint8_t len)
{
	uint64_t ah, al, ph, pl;

	ip6_halves(address, &ah, &al);
	ip6_halves(prefix, &ph, &pl);
	if (len == 0)
		return true;
	if (len <= 64)
		return (ah ^ ph) >> (64 - len) == 0;
	return ah == ph && (al ^ pl) >> (IP6_BITS - len) == 0;
}

/* Clear the host bits behind the first `len`. */
static inline void
ip6_mask(uint8_t address[IP6_LEN], uint8_t len)
{
	for (unsigned int i = 0; i < IP6_LEN; i++) {
		const unsigned int bits = len > 8 * i ? len - 8 * i : 0;

		if (bits < 8)
			address[i] &= (uint8_t)(0xff00 >> bits);
	}
}

static inline bool
ip6_is_unspecified(const uint8_t a[IP6_LEN])
{
	static const uint8_t none[IP6_LEN];

	return ip6_equal(a, none);
}

static inline bool
ip6_is_loopback(const uint8_t a[IP6_LEN])
{
	static const uint8_t loopback[IP6_LEN] = { [15] = 1 };

	return ip6_equal(a, loopback);
}

static inline bool
ip6_is_multicast(const uint8_t a[IP6_LEN])
{
	return a[0] == 0xff;
}

/* fe80::/10 */
static inline bool
ip6_is_link_local(const uint8_t a[IP6_LEN])
{
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

/* May a host on a wire have it?  Not 0/8, not loopback, not multicast and what is above it (RFC
 * 1122 3.2.1.3). */
static inline bool
ip4_is_host(rte_be32_t address)
{
	const uint32_t a = rte_be_to_cpu_32(address);

	return a >> 24 != 0 && a >> 24 != 127 && a < UINT32_C(0xe0000000);
}

/* The same of IPv6.  Not ::/96 (unspecified, loopback, IPv4-compatible), not
 * ::ffff:0:0/96 (IPv4-mapped), not multicast. */
static inline bool
ip6_is_host(const uint8_t a[IP6_LEN])
{
	uint64_t high, low;

	if (ip6_is_multicast(a))
		return false;
	ip6_halves(a, &high, &low);
	return high != 0 || (low >> 32 != 0 && low >> 32 != 0xffff);
}

/* ip6_solicited_node: ff02::1:ffXX:XXXX, the group in which `address` is asked for (RFC 4291
 * 2.7.1). */
static inline void
ip6_solicited_node(uint8_t group[IP6_LEN], const uint8_t address[IP6_LEN])
{
	static const uint8_t prefix[13] = { 0xff, 0x02, [11] = 0x01, [12] = 0xff };

	memcpy(group, prefix, sizeof(prefix));
	memcpy(group + 13, address + 13, 3);
}

/* ip6_multicast_mac: 33-33 and the last four bytes of the group (RFC 2464 7). */
static inline void
ip6_multicast_mac(struct rte_ether_addr *mac, const uint8_t group[IP6_LEN])
{
	mac->addr_bytes[0] = mac->addr_bytes[1] = 0x33;
	memcpy(&mac->addr_bytes[2], group + 12, 4);
}

/* ip6_link_local: fe80:: with the modified EUI-64 of the MAC (RFC 4291 appendix A). */
static inline void
ip6_link_local(uint8_t address[IP6_LEN], const struct rte_ether_addr *mac)
{
	memset(address, 0, IP6_LEN);
	address[0] = 0xfe;
	address[1] = 0x80;
	memcpy(address + 8, mac->addr_bytes, 3);
	address[8] ^= 0x02;
	address[11] = 0xff;
	address[12] = 0xfe;
	memcpy(address + 13, mac->addr_bytes + 3, 3);
}
