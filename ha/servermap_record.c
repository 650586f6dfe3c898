/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server-map on the wire; docs/wire.md has the drawing.
 */
#include "servermap_record.h"

#include "alg.h"
#include "record_parts.h"
#include "session_record.h"

#include <netinet/in.h>

void
servermap_record_pack(const struct servermap_entry *e, uint32_t place, uint16_t generation,
	uint32_t group, mono_t now, struct hrp_record_servermap *r)
{
	*r = (struct hrp_record_servermap){ .head = { .type = HRP_RECORD_SERVERMAP,
						    .length = sizeof(*r),
						    .generation = rte_cpu_to_be_16(generation),
						    .index = rte_cpu_to_be_32(place) },
		.kind = e->type,
		.alg = e->alg,
		.child_alg = e->child_alg,
		.zone = e->zone,
		.proto = e->key.proto,
		.family = e->key.dst.family,
		.given = (uint8_t)((e->src.family != 0 ? HRP_SERVERMAP_SRC : 0) |
				   (e->to.family != 0 ? HRP_SERVERMAP_TO : 0) |
				   (e->from.family != 0 ? HRP_SERVERMAP_FROM : 0)),
		.uses = rte_cpu_to_be_16(e->uses),
		.parent_generation = rte_cpu_to_be_16(e->parent_generation),
		.dport = e->key.dport,
		.to_port = e->to_port,
		.left_ms = rte_cpu_to_be_32(record_ms_left(e->until, now)),
		.policy = rte_cpu_to_be_32(e->policy),
		.group = rte_cpu_to_be_32(group),
		.parent = rte_cpu_to_be_32(e->parent),
		.call = rte_cpu_to_be_32(e->call) };
	record_put_address(&e->key.dst, r->dst);
	record_put_address(&e->src, r->src);
	record_put_address(&e->to, r->to);
	record_put_address(&e->from, r->from);
}

/* => false: no host's address */
static bool
unpack_address(const uint8_t in[IP6_LEN], uint8_t family, bool given, struct ip_addr *a)
{
	*a = (struct ip_addr){ 0 };
	if (!given)
		return true;
	*a = record_get_address(in, family);
	return family == 6 ? ip6_is_host(in) : ip4_is_host(a->v4);
}

bool
servermap_record_unpack(const struct hrp_record_servermap *r, const struct snapshot *snap,
	mono_t now, struct servermap_entry *e, struct servermap_names *names)
{
	const uint32_t left = rte_be_to_cpu_32(r->left_ms);
	const uint8_t family = r->family;

	*e = (struct servermap_entry){
		.key = { .dport = r->dport, .proto = r->proto },
		.type = r->kind,
		.alg = r->alg,
		.child_alg = r->child_alg,
		.zone = r->zone,
		.uses = rte_be_to_cpu_16(r->uses),
		.to_port = r->to_port,
		.policy = rte_be_to_cpu_32(r->policy),
		.parent = SERVERMAP_NONE,
		.call = rte_be_to_cpu_32(r->call),
		.until = record_until(left, now),
		.copy = true,
	};
	*names = (struct servermap_names){ .group = rte_be_to_cpu_32(r->group),
		.parent = rte_be_to_cpu_32(r->parent),
		.parent_generation = rte_be_to_cpu_16(r->parent_generation) };
	if (r->kind > SERVERMAP_FULL_CONE || r->alg >= ALG_COUNT || r->child_alg >= ALG_COUNT ||
		e->uses == 0 || left == 0 || r->proto == 0 || (family != 4 && family != 6) ||
		(r->zone != ZONE_NONE && !session_record_zone(snap, r->zone)))
		return false;
	if ((r->proto == IPPROTO_TCP || r->proto == IPPROTO_UDP) && r->dport == 0)
		return false;
	/* What is translated, or holds a port, is IPv4. */
	if (family == 6 &&
		((r->given & (HRP_SERVERMAP_TO | HRP_SERVERMAP_FROM)) != 0 || names->group != 0))
		return false;
	if (names->group != 0 && (r->given & HRP_SERVERMAP_TO) == 0)
		return false;
	return unpack_address(r->dst, family, true, &e->key.dst) &&
	       unpack_address(r->src, family, (r->given & HRP_SERVERMAP_SRC) != 0, &e->src) &&
	       unpack_address(r->to, family, (r->given & HRP_SERVERMAP_TO) != 0, &e->to) &&
	       unpack_address(r->from, family, (r->given & HRP_SERVERMAP_FROM) != 0, &e->from);
}

uint32_t
servermap_record_name(const struct servermap_entry *e)
{
	uint64_t hash = record_mix_address(0, &e->key.dst);

	hash = record_mix_address(hash, &e->src);
	hash = record_mix_address(hash, &e->to);
	hash = record_mix_address(hash, &e->from);
	return (uint32_t)session_record_mix(
		hash + ((uint64_t)rte_be_to_cpu_16(e->key.dport) << 48 |
			       (uint64_t)rte_be_to_cpu_16(e->to_port) << 32 |
			       (uint64_t)e->key.proto << 16 | (uint64_t)e->zone << 8 |
			       e->child_alg));
}

uint32_t
servermap_record_content(const struct servermap_entry *e)
{
	const uint64_t hash = session_record_mix((uint64_t)e->uses << 48 | (uint64_t)e->type << 40 |
						 (uint64_t)e->alg << 32 | e->policy);

	return (uint32_t)session_record_mix(
		hash + ((uint64_t)e->call << 1 | (e->until.ns == MONO_NEVER.ns)));
}
