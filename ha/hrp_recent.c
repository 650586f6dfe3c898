/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages worth repeating by another link.  Pure; run by the HRP core.
 */
#include "hrp_recent.h"

#include <stdbool.h>
#include <string.h>

void
hrp_recent_put(struct hrp_recent *r, const struct ha_vgmp *g, const uint8_t *sealed, uint16_t len,
	mono_t now)
{
	struct hrp_recent_message *m = &r->list[r->next % HRP_RECENT];

	if (len > sizeof(m->data))
		return;
	m->at = now;
	m->group = g->group;
	m->state = g->state;
	m->len = (uint8_t)len;
	memcpy(m->data, sealed, len);
	r->next++;
}

uint32_t
hrp_recent_list(const struct hrp_recent *r, mono_t now, uint32_t age_ms,
	const struct hrp_recent_message *out[HRP_RECENT])
{
	uint8_t newest[UINT8_MAX + 1] = { 0 }; /* state, by group */
	bool known[UINT8_MAX + 1] = { false };
	uint32_t n = 0;

	for (uint32_t back = 1; back <= HRP_RECENT; back++) {
		const struct hrp_recent_message *m = &r->list[(r->next - back) % HRP_RECENT];

		if (m->at.ns == 0 || now.ns > m->at.ns + (uint64_t)age_ms * NS_PER_MS)
			break;
		if (!known[m->group])
			newest[m->group] = m->state;
		known[m->group] = true;
		if (m->state == newest[m->group])
			out[n++] = m;
	}
	/* Newest first until here. */
	for (uint32_t i = 0; i < n / 2; i++) {
		const struct hrp_recent_message *m = out[i];

		out[i] = out[n - 1 - i];
		out[n - 1 - i] = m;
	}
	return n;
}
