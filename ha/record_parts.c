/* SPDX-License-Identifier: BSD-3-Clause */
#include "record_parts.h"

#include "session_record.h"

#include <rte_common.h>

#include <string.h>

void
record_put_address(const struct ip_addr *a, uint8_t out[IP6_LEN])
{
	memset(out, 0, IP6_LEN);
	if (a->family != 0)
		memcpy(out, a->v6, a->family == 6 ? IP6_LEN : sizeof(a->v4));
}

struct ip_addr
record_get_address(const uint8_t in[IP6_LEN], uint8_t family)
{
	rte_be32_t v4;

	if (family == 6)
		return ip_addr_v6(in);
	memcpy(&v4, in, sizeof(v4));
	return ip_addr_v4(v4);
}

uint64_t
record_mix_address(uint64_t hash, const struct ip_addr *a)
{
	uint8_t bytes[IP6_LEN];
	uint64_t high, low;

	record_put_address(a, bytes);
	ip6_halves(bytes, &high, &low);
	return session_record_mix(session_record_mix(hash + high + a->family) + low);
}

uint32_t
record_ms_left(mono_t until, mono_t now)
{
	uint64_t ms;

	if (until.ns == MONO_NEVER.ns)
		return RECORD_NEVER;
	ms = until.ns > now.ns ? (until.ns - now.ns) / NS_PER_MS : 0;
	return (uint32_t)RTE_MAX(RTE_MIN(ms, (uint64_t)RECORD_NEVER - 1), UINT64_C(1));
}

mono_t
record_until(uint32_t ms_left, mono_t now)
{
	return ms_left == RECORD_NEVER ? MONO_NEVER : mono_add_ms(now, ms_left);
}
