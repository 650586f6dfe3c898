/* SPDX-License-Identifier: BSD-3-Clause */
#include "hrp_policy.h"

#include "ha_constants.h"
#include "policy.h"

#include <netinet/in.h>

bool
hrp_policy_permits(const struct snapshot *s, uint16_t interface, bool out, rte_be32_t src,
	rte_be32_t dst, rte_be16_t sport)
{
	struct policy_verdict v;

	if (s == NULL || interface >= s->interface_count)
		return false;
	const uint8_t zone = s->interfaces[interface].zone;
	const struct policy_key key = { .source_zone = out ? ZONE_LOCAL : zone,
		.destination_zone = out ? zone : ZONE_LOCAL,
		.proto = IPPROTO_UDP,
		.src = src,
		.dst = dst,
		.sport = sport,
		.dport = RTE_BE16(HRP_UDP_PORT) };

	policy_classify(s->policy, &key, 1, &v);
	return v.action == POLICY_PERMIT;
}
