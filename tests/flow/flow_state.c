/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine remembers: sessions, mirror events, counters. */
#include "flow.h"
#include "policy_count.h"
#include "session_recheck.h"
#include "session_walk.h"

#include <arpa/inet.h>

static struct session *
find_session(struct flow *f, struct words *w)
{
	struct session_table *t = engine_sessions(flow_box(f)->engine);
	struct frame_spec s = { 0 };
	rte_be16_t sport, dport;
	uint32_t index = SESSION_NONE;
	uint8_t dir;

	if (!flow_frame(f, w, &s, false)) {
		frame_spec_free(&s);
		return NULL;
	}
	flow_key_ports(&s, &sport, &dport);
	if (s.src.family == 6) {
		struct session_key6 key;
		const struct session_key6 *keys = &key;

		dir = session_key6_make(&key, s.src.v6, s.dst.v6, sport, dport, s.proto);
		session_table_lookup6(t, &keys, 1, &index, &dir);
	} else {
		struct session_key4 key;
		const struct session_key4 *keys = &key;

		dir = session_key4_make(&key, s.src.v4, s.dst.v4, sport, dport, s.proto);
		session_table_lookup4(t, &keys, 1, &index, &dir);
	}
	frame_spec_free(&s);
	if (index == SESSION_NONE)
		return NULL;
	if (dir != 0)
		flow_fail(f, "the session's initiator is the other side");
	return session_table_at(t, index);
}

static void
check_zones(struct flow *f, const struct session *s, const char *want)
{
	static const char *const names[BOX_ZONES] = { "none", "local", "trust", "dmz", "untrust" };
	char have[32];

	snprintf(have, sizeof(have), "%s>%s", s->zone[0] < BOX_ZONES ? names[s->zone[0]] : "?",
		s->zone[1] < BOX_ZONES ? names[s->zone[1]] : "?");
	if (!flow_is(have, want))
		flow_fail(f, "zones are %s", have);
}

static void
check_flags(struct flow *f, uint32_t ctl, const char *want)
{
	const bool local = strstr(want, "local") != NULL, remote = strstr(want, "remote") != NULL;

	if (!!(ctl & SESSION_F_LOCAL) != local || !!(ctl & SESSION_F_REMOTE) != remote)
		flow_fail(f, "flags are 0x%x", ctl & ~(SESSION_STATE_MASK | SESSION_KIND_MASK));
}

static void
check_pair(struct flow *f, const char *what, uint64_t a, uint64_t b, const char *want)
{
	char have[64];

	snprintf(have, sizeof(have), "%lu/%lu", a, b);
	if (!flow_is(have, want))
		flow_fail(f, "%s are %s", what, have);
}

/* Bytes as a case counts them that was written for IPv4, whose header is 20 bytes shorter. */
static uint64_t
bytes_as_said(const struct flow *f, const struct session_dir *d)
{
	return f->six && !f->verbatim ? d->bytes - 20 * d->packets : d->bytes;
}

/* session PACKET [state=] [flags=] [zones=A>B] [policy=] [packets=A/B] [bytes=A/B] */
static void
do_session(struct flow *f, struct words *w)
{
	const struct session *s = find_session(f, w);
	uint32_t ctl;

	if (s == NULL) {
		flow_fail(f, "no such session");
		return;
	}
	ctl = atomic_load(&s->ctl);
	while (w->at < w->count) {
		const char *t = flow_word(w), *v;

		if ((v = flow_value(t, "state")) != NULL) {
			if (!flow_is(v, session_state_names[session_state_of(ctl)]))
				flow_fail(f, "state is %s",
					session_state_names[session_state_of(ctl)]);
		} else if ((v = flow_value(t, "flags")) != NULL) {
			check_flags(f, ctl, v);
		} else if ((v = flow_value(t, "zones")) != NULL) {
			check_zones(f, s, v);
		} else if ((v = flow_value(t, "policy")) != NULL) {
			if (s->policy != (flow_is(v, "none") ? 0 : policy_rule_id(v)))
				flow_fail(f, "permitted by another rule");
		} else if ((v = flow_value(t, "packets")) != NULL) {
			check_pair(f, "packets", s->dir[0].packets, s->dir[1].packets, v);
		} else if ((v = flow_value(t, "bytes")) != NULL) {
			check_pair(f, "bytes", bytes_as_said(f, &s->dir[0]),
				bytes_as_said(f, &s->dir[1]), v);
		} else {
			flow_fail(f, "'%s'?", t);
		}
	}
}

static void
do_nosession(struct flow *f, struct words *w)
{
	const struct session *s = find_session(f, w);

	if (s != NULL)
		flow_fail(f, "there is a session, in state %s",
			session_state_names[session_state_of(atomic_load(&s->ctl))]);
}

static void
do_count(struct flow *f, struct words *w)
{
	const uint32_t want = (uint32_t)strtoul(flow_word(w), NULL, 0);
	const uint32_t have = session_table_count(engine_sessions(flow_box(f)->engine));

	if (have != want)
		flow_fail(f, "%u sessions", have);
}

/* remote PACKET: make a session look like a copy of the peer's */
static void
do_remote(struct flow *f, struct words *w)
{
	struct session *s = find_session(f, w);

	if (s == NULL)
		flow_fail(f, "no such session");
	else
		atomic_fetch_or(&s->ctl, SESSION_F_REMOTE);
}

/* reset: remove all sessions as the operator does */
static void
do_reset(struct flow *f, struct words *w)
{
	struct session_walk walk = { .slots = UINT32_MAX };

	(void)w;
	session_walk_reset(engine_sessions(flow_box(f)->engine), &walk);
	if (walk.next < session_table_capacity(engine_sessions(flow_box(f)->engine)))
		flow_fail(f, "inbox full");
	engine_box_poll(f->box);
}

/* events [create|update|delete|refresh]...: exactly these since the last time */
static void
do_events(struct flow *f, struct words *w)
{
	static const char *const names[8] = { "?", "create", "update", "delete", "create",
		"refresh", "?", "?" };
	struct mirror_event e;
	char have[256] = "", want[256] = "";

	while (w->at < w->count) {
		snprintf(want + strlen(want), sizeof(want) - strlen(want), " %s", flow_word(w));
	}
	for (uint16_t i = 0; i < flow_box(f)->workers; i++) {
		while (engine_event_dequeue(f->box->engine, i, &e, 1) == 1)
			snprintf(have + strlen(have), sizeof(have) - strlen(have), " %s",
				names[e.type & 7]);
	}
	if (!flow_is(have, want))
		flow_fail(f, "events are:%s", have);
}

/* An address as the case writes it. */
static const char *
address_words(const struct flow *f, struct ip_addr a, char out[INET6_ADDRSTRLEN])
{
	if (f->six && !f->verbatim)
		frame_address_from6(&a);
	return inet_ntop(a.family == 6 ? AF_INET6 : AF_INET, a.v6, out, INET6_ADDRSTRLEN);
}

static void
log_words(const struct flow *f, const struct traffic_log_record *r, char *out, size_t size)
{
	static const char *const events[] = { "?", "create", "delete", "deny" };
	static const char *const ends[] = { "", "-idle", "-closed", "-forced", "-policy" };
	const bool six = r->family == 6;
	const struct ip_addr src = six ? ip_addr_v6(r->src.v6) : ip_addr_v4(r->src.v4);
	const struct ip_addr dst = six ? ip_addr_v6(r->dst.v6) : ip_addr_v4(r->dst.v4);
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN], outside[64] = "";

	if (r->nat_src != 0)
		snprintf(outside, sizeof(outside), "=%s:%u>%s:%u",
			inet_ntop(AF_INET, &r->nat_src, a, sizeof(a)),
			rte_be_to_cpu_16(r->nat_sport),
			inet_ntop(AF_INET, &r->nat_dst, b, sizeof(b)),
			rte_be_to_cpu_16(r->nat_dport));
	snprintf(out, size, " %s%s:%u:%s:%u>%s:%u%s:%llu/%llu", events[r->event & 3],
		ends[r->end % RTE_DIM(ends)], r->proto, address_words(f, src, a),
		rte_be_to_cpu_16(r->sport), address_words(f, dst, b), rte_be_to_cpu_16(r->dport),
		outside, (unsigned long long)r->packets[0], (unsigned long long)r->packets[1]);
}

/* logged [EVENT[-END]:PROTO:SRC:PORT>DST:PORT[=SRC:PORT>DST:PORT]:SENT/RECEIVED]...: exactly these
 * records of the traffic log since the last time; `=` what a translated session is outside */
static void
do_logged(struct flow *f, struct words *w)
{
	struct traffic_log_record r;
	char have[512] = "", want[512] = "";

	flow_variables(f, w);
	while (w->at < w->count)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), " %s", flow_word(w));
	for (uint16_t i = 0; i < flow_box(f)->workers; i++) {
		while (engine_log_dequeue(f->box->engine, i, &r, 1) == 1)
			log_words(f, &r, have + strlen(have), sizeof(have) - strlen(have));
	}
	if (!flow_is(have, want))
		flow_fail(f, "logged is:%s", have);
}

/* dirty N: so many sessions wait for the mirror's sweep */
static void
do_dirty(struct flow *f, struct words *w)
{
	const uint32_t want = (uint32_t)strtoul(flow_word(w), NULL, 0);
	uint32_t cursor = 0, have = 0;

	while (session_table_take_dirty(engine_sessions(flow_box(f)->engine), &cursor) !=
		SESSION_NONE)
		have++;
	if (have != want)
		flow_fail(f, "%u dirty sessions", have);
}

/* Counters */

static uint8_t
zone_of(struct flow *f, const char *name)
{
	return flow_is(name, "local") ? ZONE_LOCAL : (uint8_t)(BOX_ZONE_TRUST + flow_port(f, name));
}

/* A rule, "default", or "default ZONE > ZONE": its counters. */
static struct policy_counter
counter(struct flow *f, struct words *w)
{
	const char *rule = flow_word(w);
	const struct policy *p = engine_snapshot(flow_box(f)->engine)->policy;
	struct policy_counter c;
	uint16_t slot = 0;

	if (!flow_is(rule, "default")) {
		slot = policy_slot_of(p, policy_rule_id(rule));
		if (slot == 0)
			flow_fail(f, "no rule '%s'", rule);
	} else if (w->at + 2 < w->count && flow_is(w->word[w->at + 1], ">")) {
		const uint8_t from = zone_of(f, flow_word(w));

		(void)flow_word(w);
		policy_counter_read_pair(p, from, zone_of(f, flow_word(w)), &c);
		return c;
	}
	policy_counter_read(p, slot, &c);
	return c;
}

/* hits RULE N | hits default [ZONE > ZONE] N */
static void
do_hits(struct flow *f, struct words *w)
{
	const struct policy_counter c = counter(f, w);

	if (c.hits != strtoul(flow_word(w), NULL, 0))
		flow_fail(f, "%lu hits", c.hits);
}

/* counted RULE PACKETS/BYTES: of refused packets and of sessions that have ended */
static void
do_counted(struct flow *f, struct words *w)
{
	const struct policy_counter c = counter(f, w);

	check_pair(f, "counted", c.packets, c.bytes - (f->six && !f->verbatim ? 20 * c.packets : 0),
		flow_word(w));
}

/* recheck: look at every session again, as after a reload with on_change = "re-evaluate" */
static void
do_recheck(struct flow *f, struct words *w)
{
	struct engine *e = flow_box(f)->engine;
	struct session_recheck r = { .rezoned = f->box->rezoned };

	(void)w;
	while (session_recheck(e, 100, &r))
		engine_box_poll(f->box);
	engine_box_poll(f->box);
}

/* stat NAME N */
static void
do_stat(struct flow *f, struct words *w)
{
	static const struct {
		const char *name;
		size_t at;
	} names[] = {
#define STAT(n) { #n, offsetof(struct worker_stats, n) }
		STAT(rx),
		STAT(forwarded),
		STAT(answered),
		STAT(punted),
		STAT(held),
		STAT(tx),
		STAT(injected),
		STAT(sessions_created),
		STAT(sessions_closed),
		STAT(sessions_aged),
		STAT(sessions_denied),
		STAT(sessions_evicted),
		STAT(scans),
		STAT(events_lost_to_sweep),
		STAT(notices),
		STAT(notices_limited),
		STAT(notices_lost),
		STAT(fragmented),
		STAT(fragments),
		STAT(fragments_lost),
#undef STAT
	};
	const struct worker_stats s = (flow_box(f), flow_stats(f));
	const char *name = flow_word(w);
	const uint64_t want = strtoul(flow_word(w), NULL, 0);

	for (unsigned int i = 0; i < RTE_DIM(names); i++) {
		uint64_t have;

		if (!flow_is(name, names[i].name))
			continue;
		memcpy(&have, (const char *)&s + names[i].at, sizeof(have));
		if (have != want)
			flow_fail(f, "%s is %lu", name, have);
		return;
	}
	flow_fail(f, "no counter '%s'", name);
}

/* drops ZONE REASON N: so many, counted at the zone's interface */
static void
do_drops(struct flow *f, struct words *w)
{
	const uint16_t interface = flow_port(f, flow_word(w)); /* they have the same numbers */
	const int reason = flow_find(flow_word(w), drop_names, DROP_REASON_COUNT);
	const uint64_t want = strtoul(flow_word(w), NULL, 0);
	uint64_t drops[DROP_REASON_COUNT];

	engine_drops(flow_box(f)->engine, interface, drops);
	if (reason < 0)
		flow_fail(f, "no such drop reason");
	else if (drops[reason] != want)
		flow_fail(f, "%lu drops", drops[reason]);
}

const struct flow_statement flow_state_statements[] = {
	{ "session", do_session },
	{ "nosession", do_nosession },
	{ "count", do_count },
	{ "remote", do_remote },
	{ "reset", do_reset },
	{ "events", do_events },
	{ "logged", do_logged },
	{ "dirty", do_dirty },
	{ "hits", do_hits },
	{ "counted", do_counted },
	{ "recheck", do_recheck },
	{ "stat", do_stat },
	{ "drops", do_drops },
	{ NULL, NULL },
};
