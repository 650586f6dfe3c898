/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat_walk.h"

#include "frag.h"
#include "nat.h"
#include "nat_map.h"
#include "nat_rewrite.h"
#include "parse_l4.h"
#include "policy_count.h"
#include "servermap.h"

#define CLASHES 4 /* ports tried when the outside key is another session's */

static void
give(const struct worker *w, uint8_t proto, uint32_t note, rte_be32_t addr, rte_be16_t port)
{
	const struct nat_got got = { .addr = addr, .port = port };

	if (note != 0)
		nat_groups_give(w->engine->nat_groups, nat_note_group(note), proto, &got);
}

/* One of a server's hosts: always the same for one client. */
static rte_be32_t
inside_host(const struct nat_server *s, rte_be32_t client)
{
	const uint32_t hash = client * UINT32_C(0x9e3779b1);

	return s->inside[(uint64_t)hash * s->inside_count >> 32];
}

static rte_be16_t
inside_port(const struct nat_server *s, rte_be16_t port)
{
	if (s->proto == 0)
		return port;
	return rte_cpu_to_be_16((uint16_t)(s->inside_port + (rte_be_to_cpu_16(port) - s->port)));
}

void
nat_lead_find(
	const struct nat *nat, uint8_t zone, const struct session_tuple4 *t, struct nat_lead *lead)
{
	const struct nat_server *server = nat_server_find(nat, zone, t->dst, t->proto, t->dport);

	*lead = (struct nat_lead){ .dst = t->dst, .dport = t->dport };
	if (server != NULL) {
		lead->dst = inside_host(server, t->src);
		lead->dport = inside_port(server, t->dport);
		lead->translated = true;
	} else {
		lead->translated = nat_static_public(nat, t->dst, &lead->dst);
	}
}

bool
nat_walk_destination(const struct worker *w, const struct pkt *p, struct nat_lead *lead)
{
	const struct session_tuple4 t = session_key4_tuple(&p->key, p->swap);

	nat_lead_find(w->snap->nat, p->zone, &t, lead);
	return lead->translated;
}

/* Of a group; one session more holds it.  => its note, 0: there is no such mapping. */
static uint32_t
hold_behind(const struct worker *w, const struct pkt *p, struct nat_map_entry *e)
{
	const struct nat *nat = w->snap->nat;
	const struct nat_got out = { .addr = p->ip->dst_addr, .port = parse_key_ports(p).dst };

	/* An identifier names who has asked: there is none in what another host asks. */
	if (p->proto == IPPROTO_ICMP)
		return 0;
	for (uint32_t i = 0; i < nat->group_count; i++) {
		if (nat_groups_behind(nat->groups, nat->group_ids[i], p->proto, &out, e))
			return nat_note(nat->group_ids[i]);
	}
	return 0;
}

bool
nat_walk_behind(const struct worker *w, const struct pkt *p, struct nat_lead *lead)
{
	struct nat_map_entry e;
	const uint32_t note = hold_behind(w, p, &e);

	if (note == 0)
		return false;
	/* What it is denied later must not keep the mapping alive. */
	give(w, p->proto, note, p->ip->dst_addr, parse_key_ports(p).dst);
	*lead = (struct nat_lead){
		.dst = e.host, .dport = e.port, .translated = true, .behind = true
	};
	return true;
}

bool
nat_walk_hold(const struct worker *w, const struct pkt *p, struct nat_plan *plan)
{
	struct nat_map_entry e;

	plan->inbound = hold_behind(w, p, &e);
	return plan->inbound != 0 && e.host == plan->lead.dst && e.port == plan->lead.dport;
}

/* What the first source NAT rule that matches says; its hit is counted. */
static const struct nat_source *
source_rule(const struct worker *w, const struct pkt *p, uint8_t zone, const struct nat_plan *plan)
{
	const struct nat *nat = w->snap->nat;
	const struct parse_ports ports = parse_key_ports(p);
	const bool has_ports = p->proto != IPPROTO_ICMP;
	const struct policy_key key = { .source_zone = p->zone,
		.destination_zone = zone,
		.proto = p->proto,
		.src = p->ip->src_addr,
		.dst = plan->lead.dst,
		.sport = has_ports ? ports.src : 0,
		.dport = plan->lead.dport };
	struct policy_verdict v;

	if (nat->rules == NULL)
		return &nat->sources[0];
	policy_classify(nat->rules, &key, 1, &v);
	if (v.slot != 0)
		policy_counter_hit(
			policy_counters(nat->rules, w->id), v.slot, p->zone, zone, w->now_s);
	return &nat->sources[v.slot];
}

static enum drop_reason
reason_of(enum nat_refusal refusal)
{
	return refusal == NAT_NO_PORTS_IN_PROTOCOL ? DROP_nat_protocol : DROP_nat_exhausted;
}

/* A port of a group for the plan, which has none. */
static enum drop_reason
take(struct worker *w, const struct pkt *p, uint16_t group, struct nat_plan *plan)
{
	const struct nat_want want = { .worker = w->id,
		.proto = p->proto,
		.host = p->ip->src_addr,
		.port = parse_key_ports(p).src,
		.remote = plan->lead.dst,
		.remote_port = plan->lead.dport,
		.at = plan->at };
	struct nat_got got;
	const enum nat_refusal refusal = nat_groups_take(w->engine->nat_groups, group, &want, &got);

	if (refusal != NAT_OK)
		return reason_of(refusal);
	plan->src = got.addr;
	plan->sport = got.port;
	plan->note = nat_note(group);
	plan->source = true;
	return DROP_NONE;
}

enum drop_reason
nat_walk_source(struct worker *w, const struct pkt *p, uint8_t zone, uint16_t interface,
	struct nat_plan *plan)
{
	const struct nat *nat = w->snap->nat;
	const struct nat_source *rule;
	uint16_t group;

	plan->src = p->ip->src_addr;
	plan->sport = parse_key_ports(p).src;
	plan->lead.dport = plan->lead.translated ? plan->lead.dport : parse_key_ports(p).dst;
	if (nat == NULL)
		return DROP_NONE;
	if (nat_static_inside(nat, p->ip->src_addr, &plan->src)) {
		plan->source = true;
		return DROP_NONE;
	}
	rule = source_rule(w, p, zone, plan);
	plan->no_alg = rule->no_alg;
	if (rule->action == NAT_KEEP && plan->at == 0)
		return DROP_NONE;
	group = rule->action == NAT_EASY_IP ? nat->easy_ip[interface] : rule->group;
	/* Expected from an address that no rule gives: a NAT server's own. */
	if (plan->at != 0 &&
		(rule->action == NAT_KEEP || group == NAT_GROUP_NONE ||
			!nat_pool_has(nat_groups_pool(nat->groups, group), plan->at))) {
		plan->src = plan->at;
		plan->source = true;
		return DROP_NONE;
	}
	return group == NAT_GROUP_NONE ? DROP_nat_exhausted : take(w, p, group, plan);
}

void
nat_walk_release(struct worker *w, const struct pkt *p, struct nat_plan *plan)
{
	give(w, p->proto, plan->note, plan->src, plan->sport);
	give(w, p->proto, plan->inbound, p->ip->dst_addr, parse_key_ports(p).dst);
	plan->note = plan->inbound = 0;
	plan->source = false;
}

/* The plan's outside key.  => false: the packet stays as it is, which is no translation. */
static bool
outside_of(const struct pkt *p, const struct nat_plan *plan, struct session_outside *o)
{
	o->swap = session_key4_make(
		&o->key, plan->src, plan->lead.dst, plan->sport, plan->lead.dport, p->proto);
	o->note = plan->note;
	o->inbound = plan->inbound;
	return memcmp(&o->key, &p->key, sizeof(o->key)) != 0;
}

/* Another port than the plan has, which is given back when the new one is there. */
static bool
another(struct worker *w, const struct pkt *p, struct nat_plan *plan)
{
	const struct nat_plan was = *plan;

	if (plan->note == 0 || take(w, p, nat_note_group(plan->note), plan) != DROP_NONE)
		return false;
	give(w, p->proto, was.note, was.src, was.sport);
	return plan->src != was.src || plan->sport != was.sport;
}

uint32_t
nat_walk_insert(struct worker *w, const struct pkt *p, struct session *s, struct nat_plan *plan,
	uint32_t old, bool *existed, enum drop_reason *reason)
{
	struct session_outside o;

	for (unsigned int i = 0; i < CLASHES; i++) {
		enum session_clash clash;
		uint32_t index;

		if (!outside_of(p, plan, &o)) {
			nat_walk_release(w, p, plan);
			*reason = DROP_table_full;
			return old == SESSION_NONE ? session_table_insert4(w->sessions, s, &p->key,
							     w->id, w->now, existed)
						   : session_table_replace4(w->sessions, s, &p->key,
							     old, w->id, w->now);
		}
		index = session_table_insert4_nat(
			w->sessions, s, &p->key, &o, old, w->id, w->now, &clash);
		if (clash == SESSION_CLASH_NONE) {
			*reason = DROP_table_full;
			return index;
		}
		if (clash == SESSION_CLASH_KEY) {
			*existed = true;
			return index;
		}
		if (!another(w, p, plan))
			break;
	}
	*reason = DROP_nat_clash;
	return SESSION_NONE;
}

void
nat_expected_gone(void *ctx, const struct servermap_entry *e)
{
	give(ctx, e->key.proto, e->note, e->key.dst.v4, e->key.dport);
}

void
nat_session_gone(struct worker *w, const struct session *s)
{
	struct session_outside o;
	struct session_tuple4 t;
	struct session_key4 key;

	if (!session_table_outside(w->sessions, s, &o))
		return;
	t = session_key4_tuple(&o.key, o.swap);
	give(w, t.proto, o.note, t.src, t.sport);
	if (o.inbound == 0 || !session_table_key4(w->sessions, s, &key))
		return;
	t = session_key4_tuple(&key, session_swap(s));
	give(w, t.proto, o.inbound, t.dst, t.dport);
}

/* b - a in ones' complement. */
static uint16_t
difference_of(rte_be32_t a, rte_be32_t b)
{
	return nat_sum_join(nat_sum_join((uint16_t) ~(a & 0xffff), (uint16_t)(b & 0xffff)),
		nat_sum_join((uint16_t) ~(a >> 16), (uint16_t)(b >> 16)));
}

/* One word of a quoted packet, which an ICMP message sums. */
static void
put16(struct rte_icmp_hdr *icmp, void *place, rte_be16_t is)
{
	rte_be16_t was;

	memcpy(&was, place, sizeof(was));
	memcpy(place, &is, sizeof(is));
	icmp->icmp_cksum = nat_sum_replace(icmp->icmp_cksum, was, is);
}

static void
put32(struct rte_icmp_hdr *icmp, uint8_t *place, rte_be32_t is)
{
	rte_be16_t half[2];

	memcpy(half, &is, sizeof(half));
	put16(icmp, place, half[0]);
	put16(icmp, place + 2, half[1]);
}

static rte_be16_t
get16(const uint8_t *place)
{
	rte_be16_t v;

	memcpy(&v, place, sizeof(v));
	return v;
}

/* Ports, or identifier, of the quoted packet, which came from l->dst and went to l->src; `room`
 * bytes of it are there.  `seq`: of TCP, as its sender counts. */
static void
translate_quoted_l4(struct rte_icmp_hdr *icmp, uint8_t *l4, uint8_t proto, uint32_t room,
	rte_be32_t seq, const struct session_leaving *l)
{
	const uint16_t difference = nat_sum_join(l->address_sum, l->port_sum);
	rte_be32_t was;
	uint8_t *sum;

	switch (proto) {
	case IPPROTO_TCP:
		sum = l4 + offsetof(struct rte_tcp_hdr, cksum);
		put16(icmp, l4, l->dport);
		put16(icmp, l4 + 2, l->sport);
		l4 += offsetof(struct rte_tcp_hdr, sent_seq);
		memcpy(&was, l4, sizeof(was));
		put32(icmp, l4, seq);
		if (room >= offsetof(struct rte_tcp_hdr, tcp_urp))
			put16(icmp, sum,
				nat_sum_add(get16(sum),
					nat_sum_join(difference, difference_of(was, seq))));
		break;
	case IPPROTO_UDP:
		sum = l4 + offsetof(struct rte_udp_hdr, dgram_cksum);
		put16(icmp, l4, l->dport);
		put16(icmp, l4 + 2, l->sport);
		if (get16(sum) != 0)
			put16(icmp, sum, nat_sum_add(get16(sum), difference));
		break;
	case IPPROTO_ICMP:
		sum = l4 + offsetof(struct rte_icmp_hdr, icmp_cksum);
		put16(icmp, l4 + offsetof(struct rte_icmp_hdr, icmp_ident),
			l->dport == SESSION_ICMP_ECHO_PORT ? l->sport : l->dport);
		put16(icmp, sum, nat_sum_add(get16(sum), l->port_sum));
		break;
	default:
		break;
	}
}

void
nat_translate_error(const struct pkt *p, const struct session *s, unsigned int dir)
{
	struct rte_icmp_hdr *icmp = pkt_l4(p);
	uint8_t *quote = (uint8_t *)(icmp + 1);
	const uint32_t readable =
		rte_pktmbuf_data_len(p->m) - (uint32_t)(quote - rte_pktmbuf_mtod(p->m, uint8_t *));
	const uint32_t quoted = p->ip_len - (uint32_t)(quote - (uint8_t *)p->l3);
	struct rte_ipv4_hdr *ip = p->ip;
	struct rte_ipv4_hdr inner;
	struct session_leaving l;
	uint32_t header;

	session_leaving(s, dir, &l);
	memcpy(&inner, quote, sizeof(inner));
	header = (uint32_t)(inner.version_ihl & 0x0f) * 4;

	ip->hdr_checksum = nat_sum_add(ip->hdr_checksum, difference_of(ip->dst_addr, l.dst));
	ip->dst_addr = l.dst;
	/* Where the side it comes from is hidden its author is, be it the quoted packet's receiver
	 * or a router before it. */
	if (inner.dst_addr != l.src) {
		ip->hdr_checksum =
			nat_sum_add(ip->hdr_checksum, difference_of(ip->src_addr, l.src));
		ip->src_addr = l.src;
	}
	put32(icmp, quote + offsetof(struct rte_ipv4_hdr, src_addr), l.dst);
	put32(icmp, quote + offsetof(struct rte_ipv4_hdr, dst_addr), l.src);
	put16(icmp, quote + offsetof(struct rte_ipv4_hdr, hdr_checksum),
		nat_sum_add(inner.hdr_checksum, l.address_sum));
	translate_quoted_l4(icmp, quote + header, inner.next_proto_id,
		RTE_MIN(readable, quoted) - header, rte_cpu_to_be_32(p->quoted_seq), &l);
}
