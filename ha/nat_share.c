/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat_share.h"

void
nat_share_init(struct nat_share *s, uint8_t half, uint32_t reclaim_s)
{
	*s = (struct nat_share){ .own = half != 0 ? half : NAT_WHOLE,
		.reclaim_ns = reclaim_s * NS_PER_SEC };
}

static uint8_t
halves(struct nat_share *s, bool peer_there, mono_t now)
{
	if (peer_there) {
		s->alone.ns = 0;
		return s->own;
	}
	if (s->alone.ns == 0)
		s->alone = now;
	return now.ns - s->alone.ns >= s->reclaim_ns ? NAT_WHOLE : s->own;
}

void
nat_share_poll(struct nat_share *s, struct nat_groups *groups, bool peer_there, mono_t now)
{
	const uint8_t use = halves(s, peer_there, now);

	if (groups != NULL && nat_groups_halves(groups) != use)
		nat_groups_divide(groups, use);
}
