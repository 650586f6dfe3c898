/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions on the wire; docs/wire.md has the drawing.
 */
#include "session_record.h"

#include "icmp6_rules.h"
#include "ip_addr.h"
#include "relaxed.h"
#include "session_other.h"

#include <rte_common.h>

#include <netinet/in.h>
#include <string.h>

static_assert(
	offsetof(struct hrp_record_session4, what) == offsetof(struct hrp_record_session6, what),
	"session_record_what() serves both");

uint64_t
session_record_mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t
rest_of_key(const rte_be16_t port[2], uint8_t proto, const uint8_t zone[2])
{
	return (uint64_t)rte_be_to_cpu_16(port[0]) << 48 |
	       (uint64_t)rte_be_to_cpu_16(port[1]) << 32 | (uint64_t)proto << 16 |
	       (uint64_t)zone[0] << 8 | zone[1];
}

static uint64_t
addresses4(const struct session_key4 *k)
{
	return (uint64_t)rte_be_to_cpu_32(k->addr[0]) << 32 | rte_be_to_cpu_32(k->addr[1]);
}

uint32_t
session_record_key_hash(const union session_walk_key *key, uint8_t family,
	const struct session_outside *outside, const uint8_t zone[2])
{
	uint64_t hash = 0;

	if (outside != NULL) {
		const uint8_t swap[2] = { outside->swap, 0 };

		hash = session_record_mix(session_record_mix(addresses4(&outside->key)) +
					  rest_of_key(outside->key.port, outside->key.proto, swap));
	}
	if (family == 4) {
		const struct session_key4 *k = &key->v4;

		hash = session_record_mix(hash + addresses4(k));
		return (uint32_t)session_record_mix(hash + rest_of_key(k->port, k->proto, zone));
	}
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t high, low;

		ip6_halves(key->v6.addr[i], &high, &low);
		hash = session_record_mix(session_record_mix(hash + high) + low);
	}
	return (uint32_t)session_record_mix(hash + rest_of_key(key->v6.port, key->v6.proto, zone));
}

uint64_t
session_record_hash(uint32_t key_hash, uint32_t index, uint16_t generation)
{
	return session_record_mix(((uint64_t)key_hash << 32 | index) +
				  (uint64_t)generation * UINT64_C(0x9e3779b97f4a7c15));
}

static const struct flag_pair {
	uint32_t ctl;
	uint16_t wire;
} flag_pairs[] = {
	{ SESSION_F_LOCAL, HRP_SESSION_LOCAL },
	{ SESSION_F_FIN0, HRP_SESSION_FIN0 },
	{ SESSION_F_FIN1, HRP_SESSION_FIN1 },
	{ SESSION_F_FINACK0, HRP_SESSION_FINACK0 },
	{ SESSION_F_FINACK1, HRP_SESSION_FINACK1 },
	{ SESSION_F_EXPECTED, HRP_SESSION_EXPECTED },
};

static uint16_t
seconds16(uint32_t now_s, uint32_t then_s)
{
	if (now_s <= then_s)
		return 0;
	return now_s - then_s < UINT16_MAX ? (uint16_t)(now_s - then_s) : UINT16_MAX;
}

static void
pack_what(const struct session *s, uint8_t proto, uint32_t ctl, struct hrp_session_what *what)
{
	uint16_t flags = 0;

	for (size_t i = 0; i < RTE_DIM(flag_pairs); i++)
		if ((ctl & flag_pairs[i].ctl) != 0)
			flags |= flag_pairs[i].wire;
	*what = (struct hrp_session_what){
		.proto = proto,
		.state = (uint8_t)session_state_of(ctl),
		.flags = rte_cpu_to_be_16(flags),
		.zone = { s->zone[0], s->zone[1] },
		.wscale = { relaxed_get8(&s->dir[0].tcp_wscale),
			relaxed_get8(&s->dir[1].tcp_wscale) },
	};
}

static uint32_t
content(const struct hrp_session_what *what, uint32_t policy)
{
	uint64_t z = (uint64_t)what->proto << 56 | (uint64_t)what->state << 48 |
		     (uint64_t)rte_be_to_cpu_16(what->flags) << 32 | policy;

	if (what->proto == IPPROTO_TCP)
		z = session_record_mix(z) + what->wscale[0] * 256u + what->wscale[1];
	return (uint32_t)session_record_mix(z);
}

uint32_t
session_record_content_of(const struct session *s, uint32_t ctl)
{
	struct hrp_session_what what;

	pack_what(s, (uint8_t)(ctl >> SESSION_PROTO_SHIFT), ctl, &what);
	return content(&what, atomic_load_explicit(&s->policy, memory_order_relaxed));
}

static void
pack_how(const struct session *s, rte_be16_t sport, rte_be16_t dport, uint32_t now_s,
	struct hrp_session_how *how)
{
	*how = (struct hrp_session_how){
		.sport = sport,
		.dport = dport,
		.policy = rte_cpu_to_be_32(s->policy),
		.idle_s = rte_cpu_to_be_16(seconds16(
			now_s, atomic_load_explicit(&s->last_seen, memory_order_relaxed))),
		.age_s = rte_cpu_to_be_16(seconds16(now_s, s->created)),
	};
	for (int d = 0; d < 2; d++)
		how->dir[d] = (struct hrp_record_dir){
			.tcp_end = rte_cpu_to_be_32(relaxed_get(&s->dir[d].tcp_end)),
			.tcp_max_end = rte_cpu_to_be_32(relaxed_get(&s->dir[d].tcp_max_end)),
			.tcp_max_win = rte_cpu_to_be_32(relaxed_get(&s->dir[d].tcp_max_win)),
		};
}

static void
pack_outside(const struct session_outside *o, struct hrp_session_outside *out)
{
	const struct session_tuple4 t = session_key4_tuple(&o->key, o->swap);

	*out = (struct hrp_session_outside){ .src = t.src,
		.dst = t.dst,
		.sport = t.sport,
		.dport = t.dport,
		.group = rte_cpu_to_be_32(o->note),
		.inbound = rte_cpu_to_be_32(o->inbound) };
}

uint8_t
session_record_pack(const struct session *s, const union session_walk_key *key,
	const struct session_outside *outside, uint32_t index, uint16_t generation, uint32_t ctl,
	uint32_t now_s, union hrp_record_session *r)
{
	const bool six = session_family(s) == 6;
	const uint8_t type = outside == NULL ? (six ? HRP_RECORD_SESSION6 : HRP_RECORD_SESSION4)
			     : six	     ? HRP_RECORD_SESSION6_NAT
					     : HRP_RECORD_SESSION4_NAT;
	const uint8_t swap = session_swap(s);

	r->head = (struct hrp_record){ .type = type,
		.length = session_record_size(type),
		.generation = rte_cpu_to_be_16(generation),
		.index = rte_cpu_to_be_32(index) };
	if (six) {
		const struct session_key6 *k = &key->v6;

		pack_what(s, k->proto, ctl, &r->v6.what);
		memcpy(r->v6.src, k->addr[swap], sizeof(r->v6.src));
		memcpy(r->v6.dst, k->addr[!swap], sizeof(r->v6.dst));
		pack_how(s, k->port[swap], k->port[!swap], now_s, &r->v6.how);
	} else {
		const struct session_key4 *k = &key->v4;

		pack_what(s, k->proto, ctl, &r->v4.what);
		r->v4.src = k->addr[swap];
		r->v4.dst = k->addr[!swap];
		pack_how(s, k->port[swap], k->port[!swap], now_s, &r->v4.how);
	}
	if (outside != NULL)
		pack_outside(outside, six ? &r->v6_nat.outside : &r->v4_nat.outside);
	return r->head.length;
}

/* A host's, and one that is routed. */
static bool
host_address6(const uint8_t a[IP6_LEN])
{
	return ip6_is_host(a) && !ip6_is_link_local(a);
}

uint32_t
session_record_content(const union hrp_record_session *r)
{
	return content(session_record_what(r), rte_be_to_cpu_32(session_record_how(r)->policy));
}

bool
session_record_carries(const union session_walk_key *key, uint8_t family)
{
	return family != 6 || (host_address6(key->v6.addr[0]) && host_address6(key->v6.addr[1]));
}

bool
session_record_zone(const struct snapshot *snap, uint8_t zone)
{
	return snap != NULL && zone != ZONE_NONE && zone < MAX_ZONES &&
	       (zone == ZONE_LOCAL || snap->zones[zone].priority != 0);
}

/* The responder's port of an ICMPv6 query: type and code 0. */
static bool
query6(rte_be16_t dport)
{
	const uint16_t port = rte_be_to_cpu_16(dport);

	return (port & 0xff) == 0 && icmp6_actions[port >> 8] == ICMP6_POLICY;
}

/* What a worker lets begin (parse.c, parse6.c), and no more: of ports all, of IPv4 every protocol.
 */
static bool
state_fits(uint8_t family, const struct hrp_session_what *what, const struct hrp_session_how *how)
{
	const uint8_t state = what->state;
	uint8_t first;

	switch (what->proto) {
	case IPPROTO_TCP:
		return state >= SESSION_TCP_SYN_SENT && state <= SESSION_TCP_CLOSED;
	case IPPROTO_UDP:
		return state == SESSION_UDP_FIRST || state == SESSION_UDP_REPLIED ||
		       state == SESSION_DNS_FIRST || state == SESSION_DNS_REPLIED;
	case IPPROTO_ICMP:
		return family == 4 &&
		       (state == SESSION_ICMP_FIRST || state == SESSION_ICMP_REPLIED) &&
		       how->dport == SESSION_ICMP_ECHO_PORT;
	case IPPROTO_ICMPV6:
		if (family == 4)
			break; /* one like any other there */
		return (state == SESSION_ICMP_FIRST || state == SESSION_ICMP_REPLIED) &&
		       query6(how->dport);
	case IPPROTO_SCTP:
		return state >= SESSION_SCTP_FIRST && state <= SESSION_SCTP_CLOSED;
	case IPPROTO_HOPOPTS:
		if (family == 6)
			return false; /* a header in front of a protocol */
		break;
	default:
		break;
	}
	first = session_other_first(what->proto, 0);
	return (state == first || state == first + 1) && how->sport == 0 && how->dport == 0;
}

/* Ports of the protocol, of the same kind as the key's, and another tuple than that. */
static bool
outside_fits(const struct hrp_record_session4_nat *r)
{
	const struct hrp_session_outside *o = &r->outside;
	const struct hrp_session_how *how = &r->inside.how;

	if (!ip4_is_host(o->src) || !ip4_is_host(o->dst))
		return false;
	if ((o->sport == 0 && how->sport != 0 && r->inside.what.proto != IPPROTO_ICMP) ||
		(o->dport == 0) != (how->dport == 0) ||
		(how->dport == SESSION_ICMP_ECHO_PORT && r->inside.what.proto == IPPROTO_ICMP &&
			o->dport != how->dport))
		return false;
	return o->src != r->inside.src || o->dst != r->inside.dst || o->sport != how->sport ||
	       o->dport != how->dport;
}

/* NAT64: what an address group gives ports for; echo is the only query. */
static bool
outside6_fits(const struct hrp_record_session6_nat *r)
{
	const struct hrp_session_outside *o = &r->outside;
	const struct hrp_session_how *how = &r->inside.how;

	if (!ip4_is_host(o->src) || !ip4_is_host(o->dst) || o->group == 0 || o->inbound != 0)
		return false;
	switch (r->inside.what.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return o->sport != 0 && o->dport == how->dport;
	case IPPROTO_ICMPV6:
		return how->dport == SESSION_ICMP6_ECHO_PORT && o->dport == SESSION_ICMP_ECHO_PORT;
	default:
		return false;
	}
}

bool
session_record_check(const union hrp_record_session *r, const struct snapshot *snap)
{
	const uint16_t fins =
		HRP_SESSION_FIN0 | HRP_SESSION_FIN1 | HRP_SESSION_FINACK0 | HRP_SESSION_FINACK1;
	const struct hrp_session_what *what = session_record_what(r);
	const uint8_t family = session_record_family(r);

	if (!session_record_zone(snap, what->zone[0]) || !session_record_zone(snap, what->zone[1]))
		return false;
	if (family == 6 ? !host_address6(r->v6.src) || !host_address6(r->v6.dst)
			: !ip4_is_host(r->v4.src) || !ip4_is_host(r->v4.dst))
		return false;
	if (!state_fits(family, what, session_record_how(r)) ||
		(r->head.type == HRP_RECORD_SESSION4_NAT && !outside_fits(&r->v4_nat)) ||
		(r->head.type == HRP_RECORD_SESSION6_NAT && !outside6_fits(&r->v6_nat)))
		return false;
	if (what->proto != IPPROTO_TCP && (rte_be_to_cpu_16(what->flags) & fins) != 0)
		return false;
	for (int d = 0; d < 2; d++)
		if (what->wscale[d] > 14 && what->wscale[d] != UINT8_MAX)
			return false;
	return true;
}

void
session_record_key(const union hrp_record_session *r, struct session_record_key *k)
{
	const uint8_t proto = session_record_what(r)->proto;
	const struct hrp_session_how *how = session_record_how(r);
	const struct hrp_session_outside *o = session_record_outside(r);

	k->family = session_record_family(r);
	k->translated = o != NULL;
	if (o != NULL) {
		k->outside.swap = session_key4_make(&k->outside.key, o->src, o->dst, o->sport,
			o->dport, proto == IPPROTO_ICMPV6 ? IPPROTO_ICMP : proto);
		k->outside.note = k->outside.inbound = 0;
		k->group = rte_be_to_cpu_32(o->group);
		k->inbound = rte_be_to_cpu_32(o->inbound);
	}
	if (k->family == 6) {
		k->swap = session_key6_make(
			&k->key.v6, r->v6.src, r->v6.dst, how->sport, how->dport, proto);
	} else {
		k->swap = session_key4_make(
			&k->key.v4, r->v4.src, r->v4.dst, how->sport, how->dport, proto);
	}
}

uint32_t
session_record_unpack(const union hrp_record_session *r, uint32_t now_s, struct session *s)
{
	const struct hrp_session_what *what = session_record_what(r);
	const struct hrp_session_how *how = session_record_how(r);
	const uint32_t idle = rte_be_to_cpu_16(how->idle_s), age = rte_be_to_cpu_16(how->age_s);
	const uint16_t flags = rte_be_to_cpu_16(what->flags);
	uint32_t ctl = what->state | SESSION_F_REMOTE;

	for (size_t i = 0; i < RTE_DIM(flag_pairs); i++)
		if ((flags & flag_pairs[i].wire) != 0)
			ctl |= flag_pairs[i].ctl;
	s->policy = rte_be_to_cpu_32(how->policy);
	s->created = now_s > age ? now_s - age : 0;
	atomic_store_explicit(&s->last_seen, now_s > idle ? now_s - idle : 0, memory_order_relaxed);
	if (what->proto != IPPROTO_TCP)
		return ctl;
	for (int d = 0; d < 2; d++) { /* a copy may have packets here already */
		struct session_dir *const to = &s->dir[d];

		relaxed_put(&to->tcp_end, rte_be_to_cpu_32(how->dir[d].tcp_end));
		relaxed_put(&to->tcp_max_end, rte_be_to_cpu_32(how->dir[d].tcp_max_end));
		relaxed_put(&to->tcp_max_win, rte_be_to_cpu_32(how->dir[d].tcp_max_win));
		relaxed_put8(&to->tcp_wscale, what->wscale[d]);
		relaxed_put8(&to->learn, 0); /* nothing learnt yet */
	}
	return ctl | SESSION_F_LEARN0 | SESSION_F_LEARN1;
}
