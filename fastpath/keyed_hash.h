/*
 * A hash of an address or prefix of either family and a small number beside it, keyed with random
 * numbers: NH (RFC 4418 5.2), whose collisions nobody can choose who does not know them.
 */
#pragma once

#include "ip_addr.h"

#include <rte_random.h>

#include <stdint.h>

struct keyed_hash {
	uint64_t secret[5];
};

static inline void
keyed_hash_init(struct keyed_hash *h)
{
	for (unsigned int i = 0; i < sizeof(h->secret) / sizeof(h->secret[0]); i++)
		h->secret[i] = rte_rand() | 1;
}

/* The same from one random number (splitmix64). */
static inline void
keyed_hash_init_seed(struct keyed_hash *h, uint64_t seed)
{
	for (unsigned int i = 0; i < sizeof(h->secret) / sizeof(h->secret[0]); i++) {
		uint64_t x = seed += UINT64_C(0x9e3779b97f4a7c15);

		x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
		h->secret[i] = (x ^ x >> 31) | 1;
	}
}

static inline uint64_t
keyed_hash(const struct keyed_hash *h, const uint64_t key[2], uint64_t kind)
{
	const unsigned __int128 nh =
		(unsigned __int128)(key[0] + h->secret[0]) * (key[1] + h->secret[1]) +
		(unsigned __int128)(kind + h->secret[2]) * h->secret[3];
	const uint64_t x = ((uint64_t)nh ^ (uint64_t)(nh >> 64)) * h->secret[4];

	return x ^ x >> 32;
}

/* keyed_hash_key: the first `len` bits of an address (network byte order, family 4 or 6) as two
 * numbers; IPv4 in the upper half of the first. */
static inline void
keyed_hash_key(uint64_t key[2], unsigned int family, const void *address, unsigned int len)
{
	rte_be32_t four;

	if (family == 6) {
		ip6_halves(address, &key[0], &key[1]);
		key[1] &= len > 64 ? UINT64_MAX << (128 - len) : 0;
	} else {
		memcpy(&four, address, sizeof(four));
		key[0] = (uint64_t)rte_be_to_cpu_32(four) << 32;
		key[1] = 0;
	}
	key[0] &= len == 0 ? 0 : len < 64 ? UINT64_MAX << (64 - len) : UINT64_MAX;
}
