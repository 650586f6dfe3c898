/* SPDX-License-Identifier: BSD-3-Clause */
/* The trace: what it says of packets. */
#include "flow.h"

void
flow_trace(struct flow *f, const struct trace_params *params)
{
	char err[128];

	/* This thread is the workers: none of them is between two polls. */
	engine_set_trace(f->box->engine, NULL);
	for (uint16_t i = 0; i < f->box->workers; i++)
		worker_poll(engine_worker(f->box->engine, i), f->box->now);
	trace_destroy(f->trace);
	f->trace = NULL;
	memset(f->trace_taken, 0, sizeof(f->trace_taken));
	if (params == NULL)
		return;
	f->trace = trace_create(f->box->engine, params, err, sizeof(err));
	if (f->trace == NULL)
		flow_fail(f, "%s", err);
	engine_set_trace(f->box->engine, f->trace);
}

void
flow_trace_check(struct flow *f)
{
	const struct worker_stats s = flow_stats(f);
	uint64_t ends[TRACE_DROPPED + 1] = { 0 }, drops[DROP_REASON_COUNT] = { 0 };
	const struct trace_record *r;
	struct trace_counts c;

	if (f->trace == NULL)
		return;
	trace_counts(f->trace, &c);
	if (c.missed != 0 || (f->tracing ? c.open != s.held : c.open > s.held))
		flow_fail(f, "%u traced packets have not ended, %lu are held, %lu missed", c.open,
			s.held, c.missed);
	if (!f->tracing)
		return;
	for (uint16_t w = 0; w < f->box->workers; w++) {
		if (trace_at(f->trace, w, TRACE_COUNT_MAX - 1) != NULL)
			return; /* it has ended before the case */
	}
	for (uint16_t w = 0; w < f->box->workers; w++) {
		for (uint32_t n = 0; (r = trace_at(f->trace, w, n)) != NULL; n++) {
			ends[r->end]++;
			drops[r->reason] += r->end == TRACE_DROPPED;
		}
	}
	if (s.rx != c.records + s.held || ends[TRACE_FORWARDED] != s.forwarded ||
		ends[TRACE_ANSWERED] != s.answered || ends[TRACE_PUNTED] != s.punted)
		flow_fail(f, "of %lu packets %u are in the trace, or with other ends", s.rx,
			c.records);
	for (unsigned int i = 1; i < DROP_REASON_COUNT; i++) {
		if (drops[i] != s.drops[i])
			flow_fail(f, "%lu of %lu drops with reason %s are in the trace", drops[i],
				s.drops[i], drop_names[i]);
	}
}

/* trace off | trace [dropped] [both] [count=] [reason=] [zone=] [interface=ZONE] [src=] [dst=]
 * [port=] [sport=] [dport=] [proto=] */
static void
do_trace(struct flow *f, struct words *w)
{
	struct trace_params p = { .filter = FLOW_TRACE_ANY, .count = 100 };
	static const struct {
		const char *word;
		size_t offset;
	} numbers[] = {
		{ "port", offsetof(struct packet_filter, port) },
		{ "sport", offsetof(struct packet_filter, source_port) },
		{ "dport", offsetof(struct packet_filter, destination_port) },
		{ "proto", offsetof(struct packet_filter, protocol) },
	};
	bool off = false;
	int number;

	flow_box(f);
	while (w->at < w->count) {
		const char *t = flow_word(w), *v;
		bool known = true;

		if (flow_is(t, "off"))
			off = true;
		else if (flow_is(t, "dropped"))
			p.dropped = true;
		else if (flow_is(t, "both"))
			p.filter.both = true;
		else if ((v = flow_value(t, "count")) != NULL)
			p.count = (uint32_t)strtoul(v, NULL, 0);
		else if ((v = flow_value(t, "reason")) != NULL)
			p.reason = (uint8_t)flow_find(v, drop_names, DROP_REASON_COUNT);
		else if ((v = flow_value(t, "zone")) != NULL)
			p.filter.zone = (uint8_t)(flow_port(f, v) + BOX_ZONE_TRUST);
		else if ((v = flow_value(t, "interface")) != NULL)
			p.filter.interface = flow_port(f, v);
		else if ((v = flow_value(t, "src")) != NULL &&
			 flow_address(f, v, &p.filter.source.address))
			p.filter.source.len = p.filter.source.address.family == 6 ? 128 : 32;
		else if ((v = flow_value(t, "dst")) != NULL &&
			 flow_address(f, v, &p.filter.destination.address))
			p.filter.destination.len =
				p.filter.destination.address.family == 6 ? 128 : 32;
		else
			known = false;
		for (unsigned int i = 0; i < RTE_DIM(numbers); i++) {
			if ((v = flow_value(t, numbers[i].word)) == NULL)
				continue;
			number = atoi(v);
			memcpy((char *)&p.filter + numbers[i].offset, &number, sizeof(number));
			known = true;
		}
		if (!known)
			flow_fail(f, "'%s'?", t);
	}
	flow_trace(f, off ? NULL : &p);
}

static const struct trace_record *
next_record(struct flow *f)
{
	for (uint16_t w = 0; f->trace != NULL && w < f->box->workers; w++) {
		const struct trace_record *r = trace_at(f->trace, w, f->trace_taken[w]);

		if (r != NULL) {
			f->trace_taken[w]++;
			return r;
		}
	}
	return NULL;
}

static const char *
zone_name(uint8_t zone)
{
	static const char *const names[BOX_ZONES] = { "none", "local", "trust", "dmz", "untrust" };

	return zone < BOX_ZONES ? names[zone] : "?";
}

/* The value of `key` as a line writes it. */
static const char *
value_of(struct flow *f, const struct trace_record *r, const char *key, char *buf, size_t size)
{
	static const char *const neigh_states[] = { "unknown", "incomplete", "reachable", "stale",
		"failed" };
	static const char *const whys[] = { "arp", "vrrp", "unresolved", "nd", "heartbeat" };
	static const char *const actions[] = { "deny", "permit", "reject" };
	const struct policy *p = engine_snapshot(f->box->engine)->policy;
	const bool session = r->stages & (TRACE_SESSION | TRACE_CREATED);

	if (flow_is(key, "reason"))
		return drop_names[r->reason];
	if (flow_is(key, "why"))
		return whys[r->why];
	if (flow_is(key, "session"))
		return r->stages & TRACE_CREATED ? "created" : session ? "found" : "none";
	if (flow_is(key, "dir"))
		return r->direction == 0 ? "initiator" : "responder";
	if (flow_is(key, "state")) {
		snprintf(buf, size, "%s>%s", session_state_names[r->state_before],
			session_state_names[r->state_after]);
		return buf;
	}
	if (flow_is(key, "policy"))
		return (r->stages & TRACE_POLICY) == 0 ? "none"
		       : r->policy == 0		       ? "default"
					: policy_rule_name(p, policy_slot_of(p, r->policy));
	if (flow_is(key, "action"))
		return actions[r->policy_action];
	if (flow_is(key, "in"))
		return zone_name(r->zone);
	if (flow_is(key, "way"))
		return r->stages & (TRACE_WAY_OUT | TRACE_OWN) ? zone_name(r->out_zone) : "none";
	if (flow_is(key, "neigh"))
		return r->stages & TRACE_WAY_OUT ? neigh_states[r->neigh_state] : "none";
	if (flow_is(key, "tx"))
		return r->end_place < BOX_PORTS ? flow_zone_names[r->end_place] : "?";
	if (flow_is(key, "parsed"))
		return r->stages & TRACE_PARSED ? "yes" : "no";
	return NULL;
}

/* traced none | traced END [key=value]...: the next record says so */
static void
do_traced(struct flow *f, struct words *w)
{
	static const char *const ends[] = { "?", "forwarded", "answered", "punted", "dropped" };
	const char *want = flow_word(w);
	const struct trace_record *r = next_record(f);

	if (r == NULL || flow_is(want, "none")) {
		if ((r == NULL) != flow_is(want, "none"))
			flow_fail(
				f, r == NULL ? "no packet in the trace" : "a packet in the trace");
		return;
	}
	if (!flow_is(want, ends[r->end]))
		flow_fail(f, "%s, %s", ends[r->end], drop_names[r->reason]);
	while (w->at < w->count) {
		const char *t = flow_word(w), *v = strchr(t, '=');
		char key[16], buf[64];
		const char *have;

		snprintf(key, sizeof(key), "%.*s", v != NULL ? (int)(v - t) : 0, t);
		have = value_of(f, r, key, buf, sizeof(buf));
		if (have == NULL)
			flow_fail(f, "'%s'?", t);
		else if (!flow_is(have, v + 1))
			flow_fail(f, "%s is %s", key, have);
	}
}

const struct flow_statement flow_trace_statements[] = {
	{ "trace", do_trace },
	{ "traced", do_traced },
	{ NULL, NULL },
};
