/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat64_prefix.h"

#include <rte_common.h>

#define WELL_KNOWN_LEN 96
#define U	       8 /* this byte is 0, whatever the prefix */

static const uint8_t well_known[IP6_LEN] = { 0, 0x64, 0xff, 0x9b };

/* Not the address of one host on the Internet (IANA's special-purpose registry; RFC 6052 3.1). */
static const struct {
	uint32_t address; /* host byte order */
	uint8_t len;
} special[] = {
	{ 0x00000000, 8 },  /* this network */
	{ 0x0a000000, 8 },  /* private */
	{ 0x64400000, 10 }, /* 100.64: shared */
	{ 0x7f000000, 8 },  /* loopback */
	{ 0xa9fe0000, 16 }, /* 169.254: link-local */
	{ 0xac100000, 12 }, /* 172.16: private */
	{ 0xc0000000, 24 }, /* 192.0.0: protocol assignments */
	{ 0xc0000200, 24 }, /* 192.0.2: documentation */
	{ 0xc0a80000, 16 }, /* 192.168: private */
	{ 0xc6120000, 15 }, /* 198.18: benchmarks */
	{ 0xc6336400, 24 }, /* 198.51.100: documentation */
	{ 0xcb007100, 24 }, /* 203.0.113: documentation */
	{ 0xe0000000, 3 },  /* multicast and above */
};

static bool
is_global(rte_be32_t address)
{
	const uint32_t a = rte_be_to_cpu_32(address);

	for (unsigned int i = 0; i < RTE_DIM(special); i++) {
		if ((a ^ special[i].address) >> (32 - special[i].len) == 0)
			return false;
	}
	return true;
}

const char *
nat64_prefix_wrong(const uint8_t address[IP6_LEN], uint8_t len)
{
	uint8_t masked[IP6_LEN];

	if (len != 96 && (len < 32 || len > 64 || len % 8 != 0))
		return "the length must be 32, 40, 48, 56, 64 or 96";
	memcpy(masked, address, IP6_LEN);
	ip6_mask(masked, len);
	if (!ip6_equal(masked, address))
		return "bits behind the prefix must be 0";
	if (address[U] != 0)
		return "bits 64 to 71 must be 0";
	if (!ip6_is_host(address) || ip6_is_link_local(address))
		return "no host has such addresses";
	return NULL;
}

/* Where the bytes of the IPv4 address are: behind the prefix, but not in byte U. */
static unsigned int
place(uint8_t len, unsigned int byte)
{
	const unsigned int at = len / 8u + byte;

	return at + (len < 96 && at >= U);
}

void
nat64_embed(const struct nat64_prefix *p, rte_be32_t address, uint8_t out[IP6_LEN])
{
	uint8_t bytes[4];

	memcpy(bytes, &address, sizeof(bytes));
	memcpy(out, p->address, IP6_LEN);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		out[place(p->len, i)] = bytes[i];
}

bool
nat64_extract(const struct nat64_prefix *p, const uint8_t address[IP6_LEN], rte_be32_t *out)
{
	uint8_t bytes[4];

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = address[place(p->len, i)];
	memcpy(out, bytes, sizeof(*out));
	if (address[U] != 0)
		return false;
	return p->len != WELL_KNOWN_LEN || !ip6_equal(p->address, well_known) || is_global(*out);
}

rte_be32_t
nat64_host(const uint8_t address[IP6_LEN])
{
	uint64_t high, low;

	ip6_halves(address, &high, &low);
	high = (high ^ low * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
	high ^= high >> 29;
	return rte_cpu_to_be_32(UINT32_C(0xf0000000) | (uint32_t)(high >> 36));
}
