/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall server-map: what a first packet may be led by, wherever it is kept: NAT servers
 * and static mappings (snapshot), hosts with an address to themselves and mappings that anybody
 * may send to (address groups), and what ALGs expect (server-map).
 *
 * The cursor is the source in its highest byte, below it a place there and which of its entries.
 * What changes while it is read may be there or not.
 */
#include "alg.h"
#include "command.h"
#include "config_address.h"
#include "filter_word.h"
#include "management.h"
#include "nat.h"
#include "nat_map.h"
#include "row.h"
#include "servermap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOKS_PER_STEP 4096 /* places */
#define ENDPOINT_TEXT  128

enum type {
	TYPE_ASPF,
	TYPE_NAT_SERVER,
	TYPE_NO_PAT,
	TYPE_FULL_CONE_SRC,
	TYPE_FULL_CONE_DST,
	TYPE_STATIC,
	TYPE_STATIC_REVERSE
};

static const char *const types[] = { "aspf", "nat-server", "no-pat", "full-cone-src",
	"full-cone-dst", "static", "static-reverse", NULL };
static const char *const titles[] = { "ASPF", "Nat Server", "No-Pat", "FullCone Src",
	"FullCone Dst", "Static", "Static Reverse" };
static_assert(RTE_DIM(types) == RTE_DIM(titles) + 1, "");

/* An address, or a network, and ports. */
struct place {
	struct config_net net; /* family 0: any */
	uint16_t port[2];      /* both included; 0: any */
};

struct end {
	struct place seen, real; /* as the first packet has it, and as it leaves; family 0: stays */
};

struct entry {
	enum type type;
	struct end src, dst;
	uint8_t proto;	 /* 0: any */
	uint64_t zones;	 /* 0: any */
	const char *alg; /* NULL: none */
	const char *owner;
	uint32_t parent; /* session, SERVERMAP_NONE */
	uint16_t parent_generation;
	int64_t left_s, uses, sessions; /* -1: no end; no end; not counted */
};

/* ---- filter ---- */

struct filter {
	int type, protocol, port; /* -1 = any */
	struct config_net address;
};

#define AT(member) offsetof(struct filter, member)

static const struct filter_word words[] = {
	{ "type", "type", FILTER_CHOICE, AT(type), 0, 0, types },
	{ "protocol", "protocol", FILTER_PROTOCOL, AT(protocol), 0, 0, NULL },
	{ "address", "address", FILTER_NET, AT(address), 0, 0, NULL },
	{ "port", "port", FILTER_PORT, AT(port), 0, 0, NULL },
	{ NULL, NULL, FILTER_TRUE, 0, 0, 0, NULL },
};
static const char *const filters[] = { "type", "protocol", "address", "port", NULL };

static bool
compile(const struct management *m, struct filter *f, const json_t *filter, char *err, size_t size)
{
	*f = (struct filter){ .type = -1, .protocol = -1, .port = -1 };
	return filter_compile(
		words, f, filter, m->engine != NULL ? engine_snapshot(m->engine) : NULL, err, size);
}

static bool
check(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	struct filter f;

	return compile(m, &f, filter, err, err_size);
}

static bool
lies_in(const struct filter *f, const struct place *p)
{
	return (f->address.address.family == 0 ||
		       (p->net.address.family != 0 &&
			       config_address_net_overlap(&f->address, &p->net))) &&
	       (f->port < 0 || (f->port >= p->port[0] && f->port <= p->port[1]));
}

static bool
passes(const struct filter *f, const struct entry *e)
{
	return (f->type < 0 || (int)e->type == f->type) &&
	       (f->protocol < 0 || e->proto == f->protocol || e->proto == 0) &&
	       (lies_in(f, &e->src.seen) || lies_in(f, &e->src.real) || lies_in(f, &e->dst.seen) ||
		       lies_in(f, &e->dst.real));
}

/* ---- where entries come from: each has places, and `one` says what is in a place ---- */

static struct place
place_of(const struct ip_addr *a, rte_be16_t port)
{
	const uint16_t number = rte_be_to_cpu_16(port);

	return (struct place){ .net = { .address = *a, .len = a->family == 6 ? 128 : 32 },
		.port = { number, number } };
}

static struct place
place4(rte_be32_t address, rte_be16_t port)
{
	const struct ip_addr a = ip_addr_v4(address);

	return place_of(&a, port);
}

static const struct nat *
nat_of(const struct management *m)
{
	const struct snapshot *s = engine_snapshot(m->engine);

	return s != NULL ? s->nat : NULL;
}

static uint64_t
server_places(const struct management *m)
{
	const struct nat *nat = nat_of(m);

	return nat != NULL ? (uint64_t)nat->server_count * NAT_SERVER_INSIDE : 0;
}

static bool
server_at(struct management *m, uint64_t place, struct entry *e)
{
	const struct nat *nat = nat_of(m);
	const uint16_t host = place % NAT_SERVER_INSIDE;
	const struct nat_server *s;

	if (nat == NULL || place / NAT_SERVER_INSIDE >= nat->server_count)
		return false;
	s = &nat->servers[place / NAT_SERVER_INSIDE];
	if (host >= s->inside_count)
		return false;
	e->type = TYPE_NAT_SERVER;
	e->dst.seen = place4(s->address, rte_cpu_to_be_16(s->port));
	e->dst.seen.port[1] = s->port_last;
	e->dst.real = place4(s->inside[host], rte_cpu_to_be_16(s->inside_port));
	e->dst.real.port[1] = (uint16_t)(s->inside_port + (s->port_last - s->port));
	e->proto = s->proto;
	e->zones = s->zones;
	e->owner = s->name;
	return true;
}

static uint64_t
static_places(const struct management *m)
{
	const struct nat *nat = nat_of(m);

	return nat != NULL ? (uint64_t)nat->static_count * 2 : 0;
}

static bool
static_at(struct management *m, uint64_t place, struct entry *e)
{
	const struct nat *nat = nat_of(m);
	const bool reverse = place % 2 != 0;
	struct end *end = reverse ? &e->src : &e->dst;
	const struct nat_static *s;

	if (nat == NULL || place / 2 >= nat->static_count)
		return false;
	s = &nat->statics[place / 2];
	e->type = reverse ? TYPE_STATIC_REVERSE : TYPE_STATIC;
	end->seen = place4(reverse ? s->inside : s->address, 0);
	end->real = place4(reverse ? s->address : s->inside, 0);
	end->seen.net.len = end->real.net.len = s->len;
	e->owner = s->name;
	return true;
}

/* Places of all groups that are in use, or still have sessions, one group behind the other. */
static uint64_t
group_size(const struct nat_groups *groups, uint16_t id)
{
	const struct nat_group_params *p = nat_groups_params(groups, id);

	if (p->mode == NAT_POOL_NO_PAT)
		return nat_pool_addresses(nat_groups_pool(groups, id));
	return p->full_cone ? (uint64_t)nat_map_capacity(nat_groups_map(groups, id)) * 2 : 0;
}

/* => the n-th of them, SERVERMAP_NONE: there are fewer. */
static uint32_t
nth_group(const struct management *m, uint32_t n)
{
	const struct nat *nat = nat_of(m);

	return nat != NULL && n < nat->group_count ? nat->group_ids[n] : SERVERMAP_NONE;
}

#define GROUP_SHIFT 32 /* of the place: above, which group; a map has 2^31 entries at most */

static uint64_t
group_places(const struct management *m)
{
	const struct nat *nat = nat_of(m);

	return nat != NULL ? (uint64_t)nat->group_count << GROUP_SHIFT : 0;
}

static bool
host_at(const struct nat_groups *groups, uint16_t id, uint32_t place, struct entry *e)
{
	const struct nat_pool_section *s = nat_groups_params(groups, id)->sections;
	rte_be32_t address, host;
	uint32_t sessions;

	for (; place > s->to - s->from; s++)
		place -= s->to - s->from + 1;
	address = rte_cpu_to_be_32(s->from + place);
	if (!nat_pool_host(nat_groups_pool(groups, id), address, &host, &sessions))
		return false;
	e->type = TYPE_NO_PAT;
	e->src.seen = place4(host, 0);
	e->src.real = place4(address, 0);
	e->sessions = sessions;
	return true;
}

static bool
cone_at(const struct nat_groups *groups, uint16_t id, uint32_t place, struct entry *e)
{
	struct nat_map_entry map;
	struct place in, out;

	if (!nat_map_at(nat_groups_map(groups, id), place / 2, &map))
		return false;
	in = place4(map.host, map.port);
	out = place4(map.out.addr, map.out.port);
	e->type = place % 2 == 0 ? TYPE_FULL_CONE_SRC : TYPE_FULL_CONE_DST;
	if (place % 2 == 0)
		e->src = (struct end){ in, out };
	else
		e->dst = (struct end){ out, in };
	e->proto = map.proto;
	e->sessions = map.sessions;
	return true;
}

static bool
group_at(struct management *m, uint64_t place, struct entry *e)
{
	const struct nat_groups *groups = engine_nat_groups(m->engine);
	const uint16_t id = (uint16_t)nth_group(m, (uint32_t)(place >> GROUP_SHIFT));
	const struct nat_group_params *p = nat_groups_params(groups, id);

	e->owner = p->name;
	return p->mode == NAT_POOL_NO_PAT ? host_at(groups, id, (uint32_t)place, e)
					  : cone_at(groups, id, (uint32_t)place, e);
}

/* Behind the last place of a group comes the first of the next. */
static uint64_t
group_next(const struct management *m, uint64_t place)
{
	const struct nat_groups *groups = engine_nat_groups(m->engine);

	while (nth_group(m, (uint32_t)(place >> GROUP_SHIFT)) != SERVERMAP_NONE &&
		(uint32_t)place >= group_size(groups, (uint16_t)nth_group(
							      m, (uint32_t)(place >> GROUP_SHIFT))))
		place = ((place >> GROUP_SHIFT) + 1) << GROUP_SHIFT;
	return place;
}

/* What a show calls it: "ftp-data". */
static const char *
alg_text(uint8_t id)
{
	const struct alg *a = id > ALG_NONE && id < ALG_COUNT ? alg_of((enum alg_id)id) : NULL;

	return a != NULL ? a->text : NULL;
}

static uint64_t
expected_places(const struct management *m)
{
	const struct servermap *map = engine_servermap(m->engine);

	/* Nothing to look through most of the time. */
	return map != NULL && servermap_count(map) > 0 ? servermap_capacity(map) : 0;
}

static bool
expected_at(struct management *m, uint64_t place, struct entry *e)
{
	const mono_t now = management_now(m);
	struct servermap_entry s;

	if (!servermap_at(engine_servermap(m->engine), (uint32_t)place, &s) ||
		!mono_before(now, s.until))
		return false;
	e->type = s.type == SERVERMAP_ASPF ? TYPE_ASPF : TYPE_FULL_CONE_DST;
	e->src = (struct end){ place_of(&s.src, 0), place_of(&s.from, 0) };
	e->dst = (struct end){ place_of(&s.key.dst, s.key.dport), place_of(&s.to, s.to_port) };
	e->proto = s.key.proto;
	e->zones = s.zone != ZONE_NONE ? UINT64_C(1) << s.zone : 0;
	e->alg = alg_text(s.alg);
	e->parent = s.parent;
	e->parent_generation = s.parent_generation;
	if (s.until.ns != MONO_NEVER.ns)
		e->left_s = (int64_t)(mono_since_ms(s.until, now) + 999) / 1000;
	e->uses = s.uses != UINT16_MAX ? s.uses : -1;
	return true;
}

/* Of each source: how many places it has, what is in one, and where to go on from one that it has
 * not, which may be another or none. */
static const struct {
	uint64_t (*places)(const struct management *);
	bool (*at)(struct management *, uint64_t place, struct entry *);
	uint64_t (*next)(const struct management *, uint64_t place);
} sources[] = {
	{ server_places, server_at, NULL },
	{ static_places, static_at, NULL },
	{ group_places, group_at, group_next },
	{ expected_places, expected_at, NULL },
};

#define SOURCE_SHIFT 56

/* ---- rows ---- */

/* "80", "80-89"; null: any, or it stays. */
static void
put_ports(json_t *row, const char *key, const uint16_t port[2])
{
	if (port[0] == 0)
		json_object_set_new(row, key, json_null());
	else if (port[0] == port[1])
		json_object_set_new(row, key, json_sprintf("%u", port[0]));
	else
		json_object_set_new(row, key, json_sprintf("%u-%u", port[0], port[1]));
}

static void
put_place(json_t *row, const char *const keys[2], const struct place *p)
{
	char text[CONFIG_IP_TEXT];

	if (p->net.address.family == 0)
		json_object_set_new(row, keys[0], json_null());
	else if (p->net.len == (p->net.address.family == 6 ? 128 : 32))
		row_text(row, keys[0], config_address_ip_text(&p->net.address, text));
	else
		row_text(row, keys[0], config_address_net_text(&p->net, text));
	put_ports(row, keys[1], p->port);
}

/* -1: null */
static void
put_count(json_t *row, const char *key, int64_t n)
{
	json_object_set_new(row, key, n >= 0 ? json_integer(n) : json_null());
}

static const char *const ends[4][2] = { { "source", "source_port" },
	{ "nat_source", "nat_source_port" }, { "destination", "destination_port" },
	{ "nat_destination", "nat_destination_port" } };

static json_t *
row_of(const struct management *m, const struct entry *e)
{
	json_t *row = json_object(), *zones = json_array();
	char text[24];

	row_text(row, "type", types[e->type]);
	put_place(row, ends[0], &e->src.seen);
	put_place(row, ends[1], &e->src.real);
	put_place(row, ends[2], &e->dst.seen);
	put_place(row, ends[3], &e->dst.real);
	row_text(row, "protocol", e->proto != 0 ? filter_protocol(e->proto, text) : "any");
	for (uint8_t zone = 1; zone < 64; zone++) {
		if ((e->zones >> zone & 1) != 0)
			json_array_append_new(
				zones, json_string(row_zone(engine_snapshot(m->engine), zone)));
	}
	json_object_set_new(row, "zones", zones);
	json_object_set_new(row, "alg", e->alg != NULL ? json_string(e->alg) : json_null());
	put_count(row, "left_s", e->left_s);
	put_count(row, "uses", e->uses);
	put_count(row, "sessions", e->sessions);
	json_object_set_new(row, "owner", e->owner != NULL ? json_string(e->owner) : json_null());
	if (e->parent != SERVERMAP_NONE) {
		snprintf(text, sizeof(text), "%08" PRIx32 "%04x", e->parent, e->parent_generation);
		row_text(row, "parent", text);
	} else {
		json_object_set_new(row, "parent", json_null());
	}
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	uint64_t source = *cursor >> SOURCE_SHIFT;
	uint64_t place = *cursor & ((UINT64_C(1) << SOURCE_SHIFT) - 1);
	struct filter f;
	char err[128];

	if (!compile(m, &f, filter, err, sizeof(err)))
		return false;
	for (unsigned int looks = 0; source < RTE_DIM(sources) && looks < LOOKS_PER_STEP; looks++) {
		struct entry e = {
			.parent = SERVERMAP_NONE, .left_s = -1, .uses = -1, .sessions = -1
		};

		if (sources[source].next != NULL)
			place = sources[source].next(m, place);
		if (place >= sources[source].places(m)) {
			source++;
			place = 0;
		} else if (sources[source].at(m, place++, &e) && passes(&f, &e)) {
			json_array_append_new(rows, row_of(m, &e));
			break;
		}
	}
	*cursor = source << SOURCE_SHIFT | place;
	return source < RTE_DIM(sources);
}

/* All of them, whatever the filter. */
static uint64_t
total(const struct management *m)
{
	const struct nat_groups *groups = engine_nat_groups(m->engine);
	const struct servermap *map = engine_servermap(m->engine);
	const struct nat *nat = nat_of(m);
	uint64_t n = map != NULL ? servermap_count(map) : 0;

	for (uint32_t i = 0; nat != NULL && i < nat->server_count; i++)
		n += nat->servers[i].inside_count;
	for (uint32_t i = 0; nat != NULL && i < nat->group_count; i++) {
		const uint16_t id = nat->group_ids[i];

		n += nat_pool_usage(nat_groups_pool(groups, id), NAT_POOL_UNOWNED).hosts;
		if (nat_groups_params(groups, id)->full_cone)
			n += 2 * (uint64_t)nat_map_count(nat_groups_map(groups, id));
	}
	return n + static_places(m);
}

static void
head(struct management *m, const json_t *filter, char *out, size_t size)
{
	(void)filter;
	snprintf(out, size, " Current Total Server-map : %" PRIu64 "\n", total(m));
}

/* ---- text of one entry (P42) ---- */

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "---";
}

/* "10.1.1.10:80", "[2001:db8::1]:80", "ANY" */
static void
put_text(char *buf, size_t *used, const json_t *row, const char *const keys[2])
{
	const char *address = json_string_value(json_object_get(row, keys[0]));
	const char *port = json_string_value(json_object_get(row, keys[1]));
	const bool bracket = address != NULL && port != NULL && strchr(address, ':') != NULL;

	row_put(buf, ENDPOINT_TEXT, used, "%s%s%s%s%s", bracket ? "[" : "",
		address != NULL ? address : "ANY", bracket ? "]" : "", port != NULL ? ":" : "",
		port != NULL ? port : "");
}

/* ... and what it is on the other side in brackets. */
static const char *
end_text(const json_t *row, const char *const seen[2], const char *const real[2],
	char buf[ENDPOINT_TEXT])
{
	size_t used = 0;

	buf[0] = '\0';
	put_text(buf, &used, row, seen);
	if (json_is_string(json_object_get(row, real[0]))) {
		row_put(buf, ENDPOINT_TEXT, &used, "[");
		put_text(buf, &used, row, real);
		row_put(buf, ENDPOINT_TEXT, &used, "]");
	}
	return buf;
}

static const char *
left_text(const json_t *row, char buf[16])
{
	const json_t *left = json_object_get(row, "left_s");
	const long long s = (long long)json_integer_value(left);

	if (json_is_null(left))
		return "---";
	snprintf(buf, 16, "%02lld:%02lld:%02lld", s / 3600 % 10000, s / 60 % 60, s % 60);
	return buf;
}

static const char *
title_of(const char *type)
{
	for (unsigned int i = 0; i < RTE_DIM(titles); i++) {
		if (strcmp(types[i], type) == 0)
			return titles[i];
	}
	return "";
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	const json_t *zones = json_object_get(row, "zones");
	const json_t *alg = json_object_get(row, "alg");
	char src[ENDPOINT_TEXT], dst[ENDPOINT_TEXT], zone[256], left[16], uses[32], sessions[32];
	size_t used = 0;

	if (json_array_size(zones) == 0)
		snprintf(zone, sizeof(zone), "---");
	else
		view_cell(zones, zone, sizeof(zone));
	row_put(out, size, &used, " Type: %s,  %s -> %s,  Zone:%s\n",
		title_of(text_of(row, "type")), end_text(row, ends[0], ends[1], src),
		end_text(row, ends[2], ends[3], dst), zone);
	row_put(out, size, &used, " Protocol: %s%s%s%s,  Left-Time:%s\n", text_of(row, "protocol"),
		json_is_string(alg) ? "(Appro: " : "",
		json_is_string(alg) ? json_string_value(alg) : "", json_is_string(alg) ? ")" : "",
		left_text(row, left));
	if (verbose)
		row_put(out, size, &used, " Owner: %s,  Parent: %s,  Uses: %s,  Sessions: %s\n",
			text_of(row, "owner"), text_of(row, "parent"),
			view_cell(json_object_get(row, "uses"), uses, sizeof(uses)),
			view_cell(json_object_get(row, "sessions"), sessions, sizeof(sessions)));
	row_put(out, size, &used, " Vpn: public -> public\n\n");
}

static const struct view view_entries = {
	.name = "server_map",
	.help = "what first packets may be led by: expected connections and translations",
	.collect = collect,
	.filters = filters,
	.print = print,
	.head = head,
	.check = check,
	.count_shown = true,
};

/* ---- counters ---- */

struct counters {
	uint64_t entries, capacity;
	struct servermap_stats s;
};

#define COUNTER(name, member, words)                                                               \
	{                                                                                          \
		name, offsetof(struct counters, member), words                                     \
	}

static const struct row_counter counters[] = {
	COUNTER("entries", entries, "expected connections now"),
	COUNTER("capacity", capacity, "of them, at most"),
	COUNTER("added", s.added, "expected so far"),
	COUNTER("used", s.used, "first packets that were expected"),
	COUNTER("expired", s.expired, "over before anything came"),
	COUNTER("orphaned", s.orphaned, "over with the session that spoke of them"),
	COUNTER("refused_full", s.refused_full, "not entered: the table is full"),
	COUNTER("refused_share", s.refused_share, "not entered: their session has its share"),
	COUNTER("refused_same", s.refused_same,
		"not entered: too many sessions expect the same from the same source"),
	{ NULL, 0, NULL },
};

static bool
collect_statistics(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct servermap *map = engine_servermap(m->engine);
	struct counters c = { 0 };

	(void)filter;
	(void)cursor;
	if (map != NULL)
		c = (struct counters){ .entries = servermap_count(map),
			.capacity = servermap_capacity(map),
			.s = servermap_stats(map) };
	row_counters(rows, "server-map", &c, counters);
	return false;
}

static const struct view view_statistics = {
	.name = "server_map_statistics",
	.help = "what became of expected connections",
	.columns = row_counter_columns,
	.collect = collect_statistics,
};

/* ---- commands ---- */

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	char err[320];
	bool verbose;
	json_t *filter;

	(void)cl;
	/* A command of its own would be ambiguous: the tail takes any word. */
	if (strcmp(r->tail, "statistics") == 0) {
		console_view(client, &view_statistics, NULL, false);
		return;
	}
	filter = filter_words(words, r->tail, &verbose, err, sizeof(err));
	if (filter == NULL)
		console_error(client, "%s", err);
	else
		console_view(client, &view_entries, filter, verbose);
}

#define SERVER_MAP COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("server-map")

static int
complete(struct management *m, const char *line, const char *candidates[COMMAND_WORDS_MAX])
{
	static const char start[] = "display firewall server-map ";
	const char *tail = line + strlen(start);
	int n;

	if (strncmp(line, start, strlen(start)) != 0)
		return -1;
	n = filter_complete(words, tail, m->engine != NULL ? engine_snapshot(m->engine) : NULL,
		candidates, COMMAND_WORDS_MAX - 2);
	if (strstr(tail, "verbose ") == NULL)
		candidates[n++] = "verbose";
	if (strchr(tail, ' ') == NULL)
		candidates[n++] = "statistics";
	return n;
}

COMMAND_SHOW(all, view_entries, false,
	"display firewall server-map: expected connections, servers, mappings", SERVER_MAP);

static cmdline_parse_inst_t inst_filter = {
	.f = show,
	.help_str = "display firewall server-map [verbose] [FILTER...]: entries by type "
		    "aspf|nat-server|no-pat|full-cone-src|full-cone-dst|static|static-reverse, "
		    "protocol NAME|N, address ADDRESS[/LENGTH], port N; with the word statistics "
		    "alone: counters",
	.tokens = { SERVER_MAP, COMMAND_TAIL, NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_all, &inst_filter, NULL };
static const struct view *const views[] = { &view_entries, &view_statistics, NULL };

const struct command command_server_map = { .insts = insts, .views = views, .complete = complete };
