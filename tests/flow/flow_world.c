/* SPDX-License-Identifier: BSD-3-Clause */
/* What is around the engine: time, roles, configuration, neighbours. */
#include "flow.h"

/* wait SECONDS | Nms */
static void
do_wait(struct flow *f, struct words *w)
{
	char *end;
	const char *t = flow_word(w);
	uint64_t ms = strtoul(t, &end, 0);

	if (!flow_is(end, "ms"))
		ms *= 1000;
	flow_box(f);
	flow_settle(f);
	engine_box_wait(f->box, ms);
}

bool
flow_on(struct flow *f, const char *w)
{
	if (!flow_is(w, "on") && !flow_is(w, "off") && !flow_is(w, "up") && !flow_is(w, "down"))
		flow_fail(f, "'%s'? on or off", w);
	return flow_is(w, "on") || flow_is(w, "up");
}

static void
do_loose(struct flow *f, struct words *w)
{
	flow_box(f)->tracking.tcp_loose = flow_on(f, flow_word(w));
	engine_box_publish(f->box);
}

static void
do_window_check(struct flow *f, struct words *w)
{
	flow_box(f)->tracking.tcp_window_check = flow_on(f, flow_word(w));
	engine_box_publish(f->box);
}

/* evict on|off: what a full table does */
static void
do_evict(struct flow *f, struct words *w)
{
	flow_box(f)->tracking.evict = flow_on(f, flow_word(w));
	engine_box_publish(f->box);
}

/* verify deciding|all: whose checksums software verifies */
static void
do_verify(struct flow *f, struct words *w)
{
	flow_box(f)->tracking.verify_all = flow_is(flow_word(w), "all");
	engine_box_publish(f->box);
}

static void
do_steered(struct flow *f, struct words *w)
{
	(void)w;
	f->steered = true;
}

/* verbatim: both families in one case: its IPv4 addresses are not mapped */
static void
do_verbatim(struct flow *f, struct words *w)
{
	(void)w;
	f->verbatim = true;
}

/* only one|steered|dealt|IPv4|IPv6|untagged: the case makes sense in that way alone */
static void
do_only(struct flow *f, struct words *w)
{
	static const char *const names[SPREADS] = { "one", "steered", "dealt" };
	const char *what = flow_word(w);
	const int spread = flow_find(what, names, SPREADS);

	if (spread >= 0)
		f->skip |= spread != (int)f->spread;
	else if (flow_is(what, "IPv4") || flow_is(what, "IPv6"))
		f->skip |= f->six != flow_is(what, "IPv6");
	else if (flow_is(what, "untagged"))
		f->skip |= f->tagged;
	else
		flow_fail(f, "one, steered, dealt, IPv4, IPv6 or untagged");
}

static void
do_table(struct flow *f, struct words *w)
{
	f->table = (uint32_t)strtoul(flow_word(w), NULL, 0);
}

static void
do_event_ring(struct flow *f, struct words *w)
{
	f->event_ring = (uint32_t)strtoul(flow_word(w), NULL, 0);
}

/* max_fragments DATAGRAMS BUFFERS */
static void
do_max_fragments(struct flow *f, struct words *w)
{
	f->max_datagrams = (uint32_t)strtoul(flow_word(w), NULL, 0);
	f->max_fragments = (uint32_t)strtoul(flow_word(w), NULL, 0);
}

/* fragments on|off | timeout=SECONDS | most=N */
static void
do_fragments(struct flow *f, struct words *w)
{
	struct snapshot_fragments *set = &flow_box(f)->fragments;
	const char *word = flow_word(w), *v;

	if ((v = flow_value(word, "timeout")) != NULL)
		set->timeout = (uint16_t)strtoul(v, NULL, 0);
	else if ((v = flow_value(word, "most")) != NULL)
		set->most = (uint32_t)strtoul(v, NULL, 0);
	else
		set->drop = !flow_on(f, word);
	engine_box_publish(f->box);
}

/* vlan ZONE N [on ZONE]: the interface has tag N, on its own port or on another one's */
static void
do_vlan(struct flow *f, struct words *w)
{
	struct box_place *p = &f->places[flow_port(f, flow_word(w))];

	p->vlan = (uint16_t)strtoul(flow_word(w), NULL, 0);
	if (w->at < w->count && flow_is(flow_word(w), "on"))
		p->port = flow_port(f, flow_word(w));
	f->skip |= f->tagged; /* the case has its own ideas */
}

/* lease on|off|Nms: for ever, not held, held for so long */
static void
do_lease(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	const char *t = flow_word(w);

	if (flow_is(t, "on"))
		engine_set_lease(b->engine, MONO_NEVER);
	else if (flow_is(t, "off"))
		engine_set_lease(b->engine, (mono_t){ .ns = 0 });
	else
		engine_set_lease(b->engine, mono_add_ms(b->now, strtoul(t, NULL, 0)));
}

/* overslept on|off: between poll and transmit the process was stopped for long (SIGSTOP) */
static void
do_overslept(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	const bool late = flow_on(f, flow_word(w));

	f->late = (struct clock){ .start = 0, .mult = UINT64_C(1) << 44 };
	for (uint16_t i = 0; i < b->workers; i++)
		worker_set_clock(engine_worker(b->engine, i), late ? &f->late : NULL);
}

static void
do_vmac(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));

	const bool on = flow_on(f, flow_word(w));

	engine_set_vmac(flow_box(f)->engine, port, BOX_VRID(port), on);
	engine_set_vmac(flow_box(f)->engine, port, VMAC_IPV6 | BOX_VRID(port), on);
}

static void
do_mirror(struct flow *f, struct words *w)
{
	engine_set_mirror(flow_box(f)->engine, flow_on(f, flow_word(w)));
}

static void
do_ping(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));

	flow_box(f)->ping[port] = flow_on(f, flow_word(w));
	engine_box_publish(f->box);
}

static void
do_accept(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));

	flow_box(f)->silent[port] = !flow_on(f, flow_word(w));
	engine_box_publish(f->box);
}

static void
do_interface(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));

	flow_box(f)->up[port] = flow_on(f, flow_word(w));
	engine_box_publish(f->box);
}

static void
do_mtu(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));

	flow_box(f)->mtu[port] = (uint16_t)strtoul(flow_word(w), NULL, 0);
	engine_box_publish(f->box);
}

/* rezone ZONE OTHER: the interface of the first is in the other zone from now on */
static void
do_rezone(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));
	const uint16_t other = flow_port(f, flow_word(w));

	flow_box(f)->zones[port] = flow_box(f)->zones[other];
	flow_box(f)->rezoned |= UINT64_C(1) << port;
	engine_box_publish(f->box);
}

/* icmp time_exceeded|too_big|unreachable|reject on|off; icmp rate N BURST */
static void
do_icmp(struct flow *f, struct words *w)
{
	static const char *const names[] = { "time_exceeded", "too_big", "unreachable", "reject" };
	static const enum notice kinds[] = { NOTICE_time_exceeded, NOTICE_too_big,
		NOTICE_unreachable, NOTICE_prohibited };
	struct notice_settings *s = &flow_box(f)->notices;
	const char *what = flow_word(w);
	const int kind = flow_find(what, names, RTE_DIM(names));

	if (kind >= 0) {
		s->wanted &= ~(UINT32_C(1) << kinds[kind]);
		s->wanted |= (uint32_t)flow_on(f, flow_word(w)) << kinds[kind];
	} else if (flow_is(what, "rate")) {
		const uint32_t rate = (uint32_t)strtoul(flow_word(w), NULL, 0);

		notice_settings_rate(s, rate, (uint32_t)strtoul(flow_word(w), NULL, 0));
	} else {
		flow_fail(f, "'%s'? a kind of notice, or rate", what);
	}
	engine_box_publish(f->box);
}

/* log SESSIONS DENIED: each off, rules or all */
static void
do_log(struct flow *f, struct words *w)
{
	static const char *const scopes[] = { "off", "rules", "all" };
	const int sessions = flow_find(flow_word(w), scopes, 3);
	const int denied = flow_find(flow_word(w), scopes, 3);

	if (sessions < 0 || denied < 0) {
		flow_fail(f, "log: off, rules or all, twice");
		return;
	}
	flow_box(f)->log_sessions = (enum traffic_log_scope)sessions;
	f->box->log_denied = (enum traffic_log_scope)denied;
	engine_box_publish(f->box);
}

/* ageing STATE SECONDS */
static void
do_ageing(struct flow *f, struct words *w)
{
	struct session_table *t = engine_sessions(flow_box(f)->engine);
	const int state = flow_find(flow_word(w), session_state_names, SESSION_STATES);
	uint32_t seconds[SESSION_STATES];

	for (unsigned int i = 0; i < SESSION_STATES; i++)
		seconds[i] = session_table_state_timeout(t, (enum session_state)i);
	if (state < 0)
		flow_fail(f, "no such state");
	else
		seconds[state] = (uint32_t)strtoul(flow_word(w), NULL, 0);
	session_table_set_timeouts(t, seconds);
	engine_box_poll(f->box);
}

static void
do_mss(struct flow *f, struct words *w)
{
	const uint16_t port = flow_port(f, flow_word(w));

	flow_box(f)->tcp_mss[port] = (uint16_t)strtoul(flow_word(w), NULL, 0);
	engine_box_publish(f->box);
}

/* neighbour ZONE ADDRESS absent|incomplete|reachable|stale|failed */
static void
do_neighbour(struct flow *f, struct words *w)
{
	static const char *const states[] = { "absent", "incomplete", "reachable", "stale",
		"failed" };
	const uint16_t port = flow_port(f, flow_word(w));
	struct rte_ether_addr mac;
	struct ip_addr address;
	int state;

	if (!flow_address(f, flow_word(w), &address))
		return;
	state = flow_find(flow_word(w), states, RTE_DIM(states));
	if (state < 0) {
		flow_fail(f, "absent, incomplete, reachable, stale or failed");
		return;
	}
	mac = engine_box_host_mac_of(&address);
	engine_box_neighbour_of(flow_box(f), port, &address, (enum neigh_state)state,
		state == NEIGH_INCOMPLETE ? NULL : &mac);
}

bool
flow_prefix(struct flow *f, const char *text, struct ip_addr *address, uint8_t *len)
{
	char copy[64], *slash;
	unsigned long written;

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (!flow_address(f, copy, address))
		return false;
	written = slash != NULL ? strtoul(slash + 1, NULL, 10)
				: (strchr(copy, ':') != NULL ? IP6_BITS : 32);
	*len = (uint8_t)written;
	if (address->family == 4 || strchr(copy, ':') != NULL)
		return true;
	/* Mapped: the box's networks are /64, others keep their bits (frame_address_to6). */
	if (written == 0)
		*address = (struct ip_addr){ .family = 6 };
	else if (address->v6[4] == 0xff)
		*len = (uint8_t)(96 + written);
	else if (written == 32 || written == 24)
		*len = written == 32 ? IP6_BITS : 64;
	else
		flow_fail(f, "/%lu has no counterpart in IPv6", written);
	return true;
}

/* route PREFIX ZONE [GATEWAY] | route PREFIX none */
static void
do_route(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	struct box_route r = { 0 };
	const char *zone;
	uint32_t i;

	if (!flow_prefix(f, flow_word(w), &r.prefix, &r.len))
		return;
	zone = flow_word(w);
	if (w->at < w->count && !flow_address(f, flow_word(w), &r.gateway))
		return;
	for (i = 0; i < b->route_count; i++) {
		if (b->routes[i].len == r.len && ip_addr_equal(&b->routes[i].prefix, &r.prefix))
			break;
	}
	if (flow_is(zone, "none")) {
		if (i < b->route_count)
			b->routes[i] = b->routes[--b->route_count];
	} else {
		r.interface = flow_port(f, zone);
		if (i == BOX_ROUTES) {
			flow_fail(f, "too many routes");
			return;
		}
		b->routes[i] = r;
		b->route_count = RTE_MAX(b->route_count, i + 1);
	}
	engine_box_publish(b);
}

/* => permit, deny or reject */
static enum policy_action
action(struct flow *f, const char *word)
{
	static const char *const names[] = {
		[POLICY_DENY] = "deny", [POLICY_PERMIT] = "permit", [POLICY_REJECT] = "reject"
	};
	const int found = flow_find(word, names, RTE_DIM(names));

	if (found < 0)
		flow_fail(f, "'%s'? permit, deny or reject", word);
	return found < 0 ? POLICY_DENY : (enum policy_action)found;
}

static void
do_default(struct flow *f, struct words *w)
{
	flow_box(f)->default_action = action(f, flow_word(w));
	engine_box_publish(f->box);
}

uint64_t
flow_zone_bit(struct flow *f, const char *w)
{
	static const char *const names[BOX_ZONES] = { NULL, "local", "trust", "dmz", "untrust" };
	const int zone = flow_find(w, names, BOX_ZONES);

	if (flow_is(w, "any"))
		return 0;
	if (zone < 0)
		flow_fail(f, "zone '%s'?", w);
	return zone < 0 ? 0 : UINT64_C(1) << zone;
}

static const struct policy_range *
rule_addresses(struct flow *f, unsigned int n, const char *text)
{
	struct ip_addr address;
	uint8_t len;

	if (flow_prefix(f, text, &address, &len))
		f->ranges[n] = address.family == 6
				       ? policy_prefix6(address.v6, len)
				       : policy_prefix4(rte_be_to_cpu_32(address.v4), len);
	return &f->ranges[n];
}

static void
rule_attribute(struct flow *f, struct policy_rule *r, uint16_t n, const char *t)
{
	static const char *const protocols[] = { "any", "icmp", "tcp", "udp" };
	static const uint8_t numbers[] = { 0, 1, 6, 17 };
	struct policy_service *s = &f->services[n];
	const char *v;

	if ((v = flow_value(t, "src")) != NULL) {
		r->sources = rule_addresses(f, 2 * n, v);
		r->source_count = 1;
	} else if ((v = flow_value(t, "dst")) != NULL) {
		r->destinations = rule_addresses(f, 2 * n + 1, v);
		r->destination_count = 1;
	} else if ((v = flow_value(t, "proto")) != NULL) {
		const int p = flow_find(v, protocols, RTE_DIM(protocols));

		s->proto = p >= 0 ? numbers[p] : (uint8_t)strtoul(v, NULL, 0);
		if (s->proto == 1 && f->six && !f->verbatim)
			s->proto = 58;
		r->service_count = 1;
	} else if ((v = flow_value(t, "dport")) != NULL) {
		char *end;

		s->dport_min = (uint16_t)strtoul(v, &end, 0);
		s->dport_max = *end == '-' ? (uint16_t)strtoul(end + 1, NULL, 0) : s->dport_min;
		r->service_count = 1;
	} else if (flow_is(t, "log")) {
		r->log = true;
	} else {
		flow_fail(f, "'%s'?", t);
	}
}

/* rule NAME permit|deny|reject ZONE > ZONE [src=] [dst=] [proto=] [dport=] [log] [front]
 * rule none: remove them all */
static void
do_rule(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	const uint16_t n = b->rule_count;
	struct policy_rule *r = &b->rules[n], last;
	const char *name = flow_word(w);

	if (flow_is(name, "none")) {
		b->rule_count = 0;
		engine_box_publish(b);
		return;
	}
	if (n == BOX_RULES) {
		flow_fail(f, "too many rules");
		return;
	}
	*r = (struct policy_rule){ 0 };
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->action = action(f, flow_word(w));
	r->source_zones = flow_zone_bit(f, flow_word(w));
	if (!flow_is(flow_word(w), ">"))
		flow_fail(f, "expected: rule NAME permit|deny ZONE > ZONE ...");
	r->destination_zones = flow_zone_bit(f, flow_word(w));
	f->services[n] = (struct policy_service){ .sport_max = 65535, .dport_max = 65535 };
	r->services = &f->services[n];
	while (w->at < w->count && !flow_is(w->word[w->at], "front"))
		rule_attribute(f, r, n, flow_word(w));
	b->rule_count++;
	if (flow_is(flow_word(w), "front")) {
		last = *r;
		memmove(&b->rules[1], &b->rules[0], n * sizeof(b->rules[0]));
		b->rules[0] = last;
	}
	engine_box_publish(b);
}

/* rules N: so many others before the case's own, which match nothing that a case sends */
static void
do_rules(struct flow *f, struct words *w)
{
	flow_box(f)->other_rules = (uint32_t)strtoul(flow_word(w), NULL, 0);
	f->box->other_rules_seed++;
	engine_box_publish(f->box);
}

const struct flow_statement flow_world_statements[] = {
	{ "wait", do_wait },
	{ "only", do_only },
	{ "verbatim", do_verbatim },
	{ "table", do_table },
	{ "event_ring", do_event_ring },
	{ "max_fragments", do_max_fragments },
	{ "fragments", do_fragments },
	{ "vlan", do_vlan },
	{ "loose", do_loose },
	{ "window_check", do_window_check },
	{ "verify", do_verify },
	{ "evict", do_evict },
	{ "mss", do_mss },
	{ "ageing", do_ageing },
	{ "steered", do_steered },
	{ "lease", do_lease },
	{ "overslept", do_overslept },
	{ "vmac", do_vmac },
	{ "mirror", do_mirror },
	{ "ping", do_ping },
	{ "accept", do_accept },
	{ "interface", do_interface },
	{ "icmp", do_icmp },
	{ "log", do_log },
	{ "mtu", do_mtu },
	{ "rezone", do_rezone },
	{ "neighbour", do_neighbour },
	{ "route", do_route },
	{ "rule", do_rule },
	{ "rules", do_rules },
	{ "default", do_default },
	{ NULL, NULL },
};
