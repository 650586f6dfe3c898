/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display security-policy match: what the running policy would do with a first packet, and why.
 * The same compiled policy answers that workers ask.
 */
#include "command.h"
#include "config_address.h"
#include "filter_word.h"
#include "management.h"
#include "nat.h"
#include "nat64.h"
#include "nat_walk.h"
#include "policy_row.h"
#include "publish_policy.h"
#include "row.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define SKIPPED_MAX 16
#define SOURCE_PORT 49152 /* the first dynamic one (RFC 6335), when none is given */

struct match_filter {
	struct config_net source, destination;	     /* family 0 = not given */
	int source_port, destination_port, protocol; /* -1 = not given */
	uint8_t source_zone, destination_zone;	     /* ZONE_NONE = not given */
};

#define AT(member) offsetof(struct match_filter, member)

static const struct filter_word match_words[] = {
	{ "source", "source", FILTER_NET, AT(source), 0, 0, NULL },
	{ "destination", "destination", FILTER_NET, AT(destination), 0, 0, NULL },
	{ "source-port", "source_port", FILTER_PORT, AT(source_port), 0, 0, NULL },
	{ "destination-port", "destination_port", FILTER_PORT, AT(destination_port), 0, 0, NULL },
	{ "protocol", "protocol", FILTER_PROTOCOL, AT(protocol), 0, 0, NULL },
	{ "source-zone", "source_zone", FILTER_ZONE, AT(source_zone), 0, 0, NULL },
	{ "destination-zone", "destination_zone", FILTER_ZONE, AT(destination_zone), 0, 0, NULL },
	{ NULL, NULL, FILTER_TRUE, 0, 0, 0, NULL },
};

struct question {
	struct ip_addr src, dst;
	uint8_t proto;
	uint16_t sport, dport;	     /* as the policy has them: of ICMP type and code in dport */
	struct ip_addr way;	     /* the destination as routes see it: dst, but for NAT64 */
	bool translated;	     /* dst (NAT64: way) and dport are what NAT made of it */
	bool nowhere;		     /* NAT64 to what is no destination */
	uint8_t from, to;	     /* zones, ZONE_NONE = not known */
	char from_by[96], to_by[96]; /* how they are known */
};

static bool
has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* An echo request, if nothing else is said. */
static int
port_when_none(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_ICMP:
		return 8 << 8;
	case IPPROTO_ICMPV6:
		return 128 << 8;
	default:
		return has_ports(proto) ? -1 : 0;
	}
}

static bool
is_host(const struct config_net *n)
{
	return n->len == (n->address.family == 6 ? IP6_BITS : 32);
}

static bool
compile(struct match_filter *f, const json_t *filter, const struct snapshot *s, char *err,
	size_t err_size)
{
	*f = (struct match_filter){ .source_port = -1, .destination_port = -1, .protocol = -1 };
	return filter_compile(match_words, f, filter, s, err, err_size);
}

static bool
check(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	struct match_filter f;

	if (!compile(&f, filter, engine_snapshot(m->engine), err, err_size))
		return false;
	if (f.source.address.family == 0 || f.destination.address.family == 0 || f.protocol < 0)
		snprintf(err, err_size,
			"source, destination and protocol are needed, for example "
			"source 10.1.1.1 destination 200.1.1.1 protocol tcp destination-port 443");
	else if (!is_host(&f.source) || !is_host(&f.destination) ||
		 f.source.address.family != f.destination.address.family)
		snprintf(err, err_size,
			"source and destination: expected two addresses of one family");
	else if (f.destination_port < 0 && port_when_none((uint8_t)f.protocol) < 0)
		snprintf(err, err_size, "destination_port: is needed for tcp, udp and sctp");
	else
		return true;
	return false;
}

/* ---- zones ---- */

static uint16_t
own_interface(const struct snapshot *s, const struct ip_addr *a)
{
	if (a->family == 6) {
		const struct snapshot_address6 *own =
			snapshot_own_address6(s, INTERFACE_NONE, a->v6);

		return own != NULL ? own->interface : INTERFACE_NONE;
	}
	const struct snapshot_address *own = snapshot_own_address(s, a->v4);

	return own != NULL ? own->interface : INTERFACE_NONE;
}

static uint16_t
route_interface(const struct management *m, const struct ip_addr *a)
{
	uint16_t interface = INTERFACE_NONE;
	const uint8_t *next_hop6;
	rte_be32_t next_hop;
	bool found;

	found = a->family == 6
			? route6_lookup(engine_routes6(m->engine), a->v6, &interface, &next_hop6)
			: route_lookup(engine_routes(m->engine), a->v4, &interface, &next_hop);
	return found ? interface : INTERFACE_NONE;
}

/* => the zone of an address, or ZONE_NONE; `by` says how it is known, or why not. */
static uint8_t
zone_of(const struct management *m, const struct snapshot *s, const struct ip_addr *a,
	uint8_t given, char *by, size_t size)
{
	uint16_t interface;

	if (given != ZONE_NONE) {
		snprintf(by, size, "given");
		return given;
	}
	interface = own_interface(s, a);
	if (interface != INTERFACE_NONE) {
		snprintf(by, size, "address of the box");
		return ZONE_LOCAL;
	}
	interface = route_interface(m, a);
	if (interface >= s->interface_count) {
		snprintf(by, size, "no route");
		return ZONE_NONE;
	}
	snprintf(by, size, "route by %s", s->interfaces[interface].name);
	return s->interfaces[interface].zone;
}

/* A NAT server, a static mapping or NAT64 comes before the route and the policy. */
static void
translate(const struct snapshot *s, struct question *q)
{
	const struct session_tuple4 t = { .src = q->src.v4,
		.dst = q->dst.v4,
		.sport = rte_cpu_to_be_16(q->sport),
		.dport = rte_cpu_to_be_16(q->dport),
		.proto = q->proto };
	struct nat_lead lead;
	struct nat64_lead lead64;

	q->way = q->dst;
	if (s->nat == NULL)
		return;
	if (q->dst.family == 6) {
		q->nowhere = nat64_lead_find(s, q->from, q->dst.v6, &lead64) != DROP_NONE;
		q->translated = !q->nowhere && lead64.group != NAT_GROUP_NONE;
		if (q->translated)
			q->way = ip_addr_v4(lead64.dst);
		return;
	}
	nat_lead_find(s->nat, q->from, &t, &lead);
	q->translated = lead.translated;
	q->way = q->dst = ip_addr_v4(lead.dst);
	q->dport = rte_be_to_cpu_16(lead.dport);
}

static void
ask(const struct management *m, const struct snapshot *s, const struct match_filter *f,
	struct question *q)
{
	*q = (struct question){ .src = f->source.address,
		.dst = f->destination.address,
		.proto = (uint8_t)f->protocol };
	if (has_ports(q->proto))
		q->sport = (uint16_t)(f->source_port >= 0 ? f->source_port : SOURCE_PORT);
	q->dport = (uint16_t)(f->destination_port >= 0 ? f->destination_port
						       : port_when_none(q->proto));
	q->from = zone_of(m, s, &q->src, f->source_zone, q->from_by, sizeof(q->from_by));
	translate(s, q);
	q->to = zone_of(m, s, &q->way, f->destination_zone, q->to_by, sizeof(q->to_by));
}

static struct policy_verdict
classify(const struct policy *p, const struct question *q)
{
	struct policy_verdict v;

	if (q->src.family == 6) {
		struct policy_key6 k = { .source_zone = q->from,
			.destination_zone = q->to,
			.proto = q->proto,
			.sport = rte_cpu_to_be_16(q->sport),
			.dport = rte_cpu_to_be_16(q->dport) };

		memcpy(k.src, q->src.v6, sizeof(k.src));
		memcpy(k.dst, q->dst.v6, sizeof(k.dst));
		policy_classify6(p, &k, 1, &v);
	} else {
		const struct policy_key k = { .source_zone = q->from,
			.destination_zone = q->to,
			.proto = q->proto,
			.src = q->src.v4,
			.dst = q->dst.v4,
			.sport = rte_cpu_to_be_16(q->sport),
			.dport = rte_cpu_to_be_16(q->dport) };

		policy_classify(p, &k, 1, &v);
	}
	return v;
}

/* ---- why ---- */

static int
compare(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family == 6)
		return ip6_compare(a->v6, b->v6);
	const uint32_t na = rte_be_to_cpu_32(a->v4), nb = rte_be_to_cpu_32(b->v4);

	return na < nb ? -1 : na > nb;
}

/* => the element of the list that holds the address, `list` + count when none does. */
static const struct policy_range *
range_of(const struct policy_range *list, uint32_t count, const struct ip_addr *a)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (list[i].first.family == a->family && compare(&list[i].first, a) <= 0 &&
			compare(a, &list[i].last) <= 0)
			break;
	}
	return &list[i];
}

static const struct policy_service *
service_of(const struct policy_rule *r, const struct question *q)
{
	uint32_t i;

	for (i = 0; i < r->service_count; i++) {
		const struct policy_service *s = &r->services[i];

		if ((s->proto == 0 || s->proto == q->proto) && s->sport_min <= q->sport &&
			q->sport <= s->sport_max && s->dport_min <= q->dport &&
			q->dport <= s->dport_max)
			break;
	}
	return &r->services[i];
}

static bool
accepts(const struct policy_rule *r, const struct question *q)
{
	return (r->source_zones == 0 || (r->source_zones >> q->from & 1) != 0) &&
	       (r->destination_zones == 0 || (r->destination_zones >> q->to & 1) != 0) &&
	       (r->source_count == 0 || range_of(r->sources, r->source_count, &q->src) !=
						&r->sources[r->source_count]) &&
	       (r->destination_count == 0 ||
		       range_of(r->destinations, r->destination_count, &q->dst) !=
			       &r->destinations[r->destination_count]) &&
	       (r->service_count == 0 || service_of(r, q) != &r->services[r->service_count]);
}

/* What of the rule has matched: one element of each list, null = any. */
static void
put_elements(json_t *row, const struct config *c, uint16_t slot, const struct question *q)
{
	struct publish_rule *resolved = slot > 0 ? publish_rule_resolve(c, slot - 1U) : NULL;
	json_t *source = NULL, *destination = NULL, *service = NULL;

	if (resolved != NULL) {
		const struct policy_rule *r = publish_rule_of(resolved);

		if (r->source_count > 0)
			source = policy_row_range(range_of(r->sources, r->source_count, &q->src));
		if (r->destination_count > 0)
			destination = policy_row_range(
				range_of(r->destinations, r->destination_count, &q->dst));
		if (r->service_count > 0)
			service = policy_row_service(service_of(r, q));
		publish_rule_free(resolved);
	}
	json_object_set_new(row, "matched_source", source != NULL ? source : json_null());
	json_object_set_new(
		row, "matched_destination", destination != NULL ? destination : json_null());
	json_object_set_new(row, "matched_service", service != NULL ? service : json_null());
}

/* Rules before the one that decides which would match, but are disabled or outside their schedule.
 */
static json_t *
skipped(const struct config *c, const struct policy *p, uint16_t slot, const struct question *q)
{
	const uint16_t end = slot > 0 ? slot : (uint16_t)(policy_rule_count(p) + 1);
	json_t *list = json_array();

	for (uint16_t i = 1; i < end && json_array_size(list) < SKIPPED_MAX; i++) {
		struct publish_rule *r;

		if (policy_active(p, i))
			continue;
		r = publish_rule_resolve(c, i - 1U);
		if (r != NULL && accepts(publish_rule_of(r), q))
			json_array_append_new(list, json_string(policy_rule_name(p, i)));
		publish_rule_free(r);
	}
	return list;
}

/* What comes before the policy, or instead of it. */
static const char *
before(const struct snapshot *s, const struct question *q)
{
	const uint16_t own = own_interface(s, &q->dst);
	const bool public = s->nat != NULL && q->dst.family == 4 && !q->translated &&
			    nat_has_address(s->nat, q->dst.v4);
	const bool echo = (q->proto == IPPROTO_ICMP && q->dport >> 8 == 8) ||
			  (q->proto == IPPROTO_ICMPV6 && q->dport >> 8 == 128);

	if (own_interface(s, &q->src) != INTERFACE_NONE &&
		(s->defences & DEFENCE_BIT(own_source)) != 0)
		return "its source is an address of the box: dropped, own_source";
	if (q->nowhere)
		return "NAT64 to an IPv4 address that is ours, of translation, or none of the "
		       "prefix: dropped, nat64_destination";
	if (public && own == INTERFACE_NONE)
		return "to a public address, where no server or mapping takes it: dropped, "
		       "nat_no_mapping, unless it belongs to a connection";
	if (q->from == ZONE_NONE)
		return "no route to the source: give source-zone";
	if (q->to == ZONE_NONE)
		return "no route to the destination: dropped, no_route";
	if (own == INTERFACE_NONE)
		return NULL;
	if (q->proto == IPPROTO_UDP && s->interfaces[own].heartbeat_udp != 0 &&
		q->dport == rte_be_to_cpu_16(s->interfaces[own].heartbeat_udp))
		return "the peer's heartbeat, if it comes in by that interface and a rule permits "
		       "it";
	if (!echo)
		return "to the box itself, which offers no service: dropped, no_service, also when "
		       "a rule permits it";
	if (s->interfaces[own].ping && s->interfaces[own].zone == q->from)
		return "answered without a rule (setting ping), if it comes in by that interface";
	return NULL;
}

/* "10.1.2.80:8080"; of protocols without ports the address. */
static void
put_translation(json_t *row, const struct question *q)
{
	char text[CONFIG_IP_TEXT];

	config_address_ip_text(&q->way, text);
	if (!q->translated)
		json_object_set_new(row, "translated_to", json_null());
	else if (has_ports(q->proto))
		json_object_set_new(row, "translated_to", json_sprintf("%s:%u", text, q->dport));
	else
		row_text(row, "translated_to", text);
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_policy *config = config_section_data(m->config, "security_policy");
	const struct snapshot *s = engine_snapshot(m->engine);
	const char *first, *name = CONFIG_DEFAULT_RULE;
	struct match_filter f;
	struct policy_verdict v = { 0 };
	struct question q;
	char err[256];
	json_t *row;

	(void)cursor;
	if (!check(m, filter, err, sizeof(err)) || !compile(&f, filter, s, err, sizeof(err)))
		return false;
	ask(m, s, &f, &q);
	first = before(s, &q);
	row = json_object();
	row_text(row, "source_zone", row_zone(s, q.from));
	row_text(row, "source_zone_by", q.from_by);
	put_translation(row, &q);
	row_text(row, "destination_zone", row_zone(s, q.to));
	row_text(row, "destination_zone_by", q.to_by);
	if (q.from == ZONE_NONE || q.to == ZONE_NONE) {
		json_object_set_new(row, "rule", json_null());
		json_object_set_new(row, "action", json_null());
	} else {
		v = classify(s->policy, &q);
		if (v.slot > 0)
			name = policy_rule_name(s->policy, v.slot);
		row_text(row, "rule", name);
		row_number(row, "order", v.slot);
		row_text(row, "action", config_policy_actions[v.action]);
		if (config->rules.count == policy_rule_count(s->policy)) {
			put_elements(row, m->config, v.slot, &q);
			json_object_set_new(
				row, "skipped", skipped(m->config, s->policy, v.slot, &q));
		}
	}
	json_object_set_new(row, "note", first != NULL ? json_string(first) : json_null());
	json_array_append_new(rows, row);
	return false;
}

static const char *const filters[] = { "source", "destination", "protocol", "source_port",
	"destination_port", "source_zone", "destination_zone", NULL };

static const struct view view_match = {
	.name = "security_policy_match",
	.help = "which rule a first packet would hit; source, destination and protocol are needed",
	.collect = collect,
	.filters = filters,
	.check = check,
};

#define START "display security-policy match "

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	char err[256];
	json_t *filter = filter_words(match_words, r->tail, NULL, err, sizeof(err));

	(void)cl;
	if (filter == NULL)
		console_error(client, "%s", err);
	else
		console_view(client, &view_match, filter, false);
}

static int
complete(struct management *m, const char *line, const char *words[COMMAND_WORDS_MAX])
{
	const struct snapshot *s = m->engine != NULL ? engine_snapshot(m->engine) : NULL;

	if (strncmp(line, START, strlen(START)) != 0)
		return -1;
	return filter_complete(match_words, line + strlen(START), s, words, COMMAND_WORDS_MAX);
}

static cmdline_parse_inst_t inst_show = {
	.f = show,
	.help_str = START "source ADDRESS destination ADDRESS protocol NAME|N [source-port N] "
			  "[destination-port N] [source-zone ZONE] [destination-zone ZONE]: which "
			  "rule such a first packet would hit",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("security-policy"), COMMAND_WORD("match"),
		COMMAND_TAIL, NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_match, NULL };

const struct command command_policy_match = {
	.insts = insts, .views = views, .complete = complete
};
