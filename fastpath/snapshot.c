/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include "policy.h"

#include <stdlib.h>

struct snapshot *
snapshot_create(uint16_t address_count)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->addresses = calloc(address_count > 0 ? address_count : 1, sizeof(*s->addresses));
	if (s->addresses == NULL) {
		free(s);
		return NULL;
	}
	s->address_count = address_count;
	for (unsigned int i = 0; i < MAX_PORTS; i++)
		s->port_interface[i] = INTERFACE_NONE;
	return s;
}

void
snapshot_destroy(struct snapshot *s)
{
	if (s == NULL)
		return;
	policy_destroy(s->policy);
	free(s->addresses);
	free(s);
}

const struct snapshot_address *
snapshot_own_address(const struct snapshot *s, rte_be32_t addr)
{
	const uint32_t want = rte_be_to_cpu_32(addr);
	uint32_t low = 0, high = s->address_count;

	while (low < high) {
		const uint32_t mid = (low + high) >> 1;
		const uint32_t here = rte_be_to_cpu_32(s->addresses[mid].address);

		if (here == want)
			return &s->addresses[mid];
		if (here < want)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
