/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blacklist on the wire; docs/wire.md has the drawing.
 */
#include "blacklist_record.h"

#include "keyed_hash.h"
#include "record_parts.h"
#include "session_record.h"

void
blacklist_record_pack(
	const struct blacklist_entry *e, uint32_t slot, mono_t now, struct hrp_record_blacklist *r)
{
	*r = (struct hrp_record_blacklist){ .head = { .type = HRP_RECORD_BLACKLIST,
						    .length = sizeof(*r),
						    .generation = rte_cpu_to_be_16(e->generation),
						    .index = rte_cpu_to_be_32(slot) },
		.side = e->side,
		.origin = e->origin,
		.family = e->prefix.family,
		.len = e->len,
		.left_ms = rte_cpu_to_be_32(record_ms_left(e->until, now)) };
	record_put_address(&e->prefix, r->prefix);
}

static bool
has_host_bits(const struct ip_addr *a, uint8_t len, uint8_t bits)
{
	uint64_t masked[2], whole[2];

	keyed_hash_key(masked, a->family, a->v6, len);
	keyed_hash_key(whole, a->family, a->v6, bits);
	return masked[0] != whole[0] || masked[1] != whole[1];
}

bool
blacklist_record_unpack(const struct hrp_record_blacklist *r, mono_t now, struct blacklist_entry *e)
{
	const uint8_t bits = r->family == 6 ? IP6_BITS : 32;
	const uint32_t left = rte_be_to_cpu_32(r->left_ms);

	if ((r->family != 4 && r->family != 6) || r->side >= BLACKLIST_SIDES ||
		(r->origin != BLACKLIST_MANUAL && r->origin != BLACKLIST_SCAN) || r->len == 0 ||
		r->len > bits || left == 0)
		return false;
	*e = (struct blacklist_entry){ .prefix = record_get_address(r->prefix, r->family),
		.len = r->len,
		.side = r->side,
		.origin = r->origin,
		.copy = true,
		.until = record_until(left, now) };
	return !has_host_bits(&e->prefix, e->len, bits);
}

uint32_t
blacklist_record_name(const struct blacklist_entry *e)
{
	return (uint32_t)record_mix_address((uint64_t)e->side << 8 | e->len, &e->prefix);
}

uint32_t
blacklist_record_content(const struct blacklist_entry *e)
{
	return (uint32_t)e->origin << 1 | (e->until.ns == MONO_NEVER.ns);
}
