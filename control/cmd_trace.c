/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace start, trace stop, display trace: what happened to packets, stage by stage.
 */
#include "command.h"
#include "management.h"
#include "packet_words.h"
#include "policy.h"
#include "row.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- rows ---- */

static const char *const ends[] = { [TRACE_FORWARDED] = "forwarded",
	[TRACE_ANSWERED] = "answered",
	[TRACE_PUNTED] = "punted",
	[TRACE_DROPPED] = "dropped" };
static const char *const whys[] = { [PUNT_ARP] = "arp",
	[PUNT_VRRP] = "vrrp",
	[PUNT_UNRESOLVED] = "unresolved",
	[PUNT_ND] = "nd",
	[PUNT_HEARTBEAT] = "heartbeat" };
static const char *const neigh_states[] = { [NEIGH_FREE] = "unknown",
	[NEIGH_INCOMPLETE] = "incomplete",
	[NEIGH_REACHABLE] = "reachable",
	[NEIGH_STALE] = "stale",
	[NEIGH_FAILED] = "failed" };
static const char *const actions[] = {
	[POLICY_DENY] = "deny", [POLICY_PERMIT] = "permit", [POLICY_REJECT] = "reject"
};

static const char *
port_name(const struct management *m, uint16_t port)
{
	const struct port *p = engine_port(m->engine, port);

	return p != NULL ? p->name : "";
}

static const char *
rule_name(const struct snapshot *s, const struct trace_record *r)
{
	const uint16_t slot = r->policy != 0 ? policy_slot_of(s->policy, r->policy) : 0;

	if (r->policy != 0)
		return slot != 0 ? policy_rule_name(s->policy, slot) : "gone";
	return "default";
}

static const char *
state_name(uint8_t state)
{
	return state < SESSION_STATES && session_state_names[state] != NULL
		       ? session_state_names[state]
		       : "";
}

static void
session_members(json_t *row, const struct trace_record *r)
{
	char id[24];

	if ((r->stages & (TRACE_SESSION | TRACE_CREATED)) == 0) {
		json_object_set_new(row, "session", json_null());
		return;
	}
	snprintf(id, sizeof(id), "%08" PRIx32 "%04x", r->session, r->generation);
	row_text(row, "session", id);
	row_bool(row, "created", (r->stages & TRACE_CREATED) != 0);
	row_text(row, "direction", r->direction == 0 ? "initiator" : "responder");
	row_text(row, "state", state_name(r->state_before));
	row_text(row, "state_after", state_name(r->state_after));
}

static void
way_out_members(json_t *row, const struct trace_record *r, const struct snapshot *s)
{
	if (r->stages & (TRACE_WAY_OUT | TRACE_OWN))
		row_text(row, "out_zone", row_zone(s, r->out_zone));
	if ((r->stages & TRACE_WAY_OUT) == 0)
		return;
	row_text(row, "out_interface", row_interface(s, r->out_interface));
	row_ip(row, "next_hop", &r->next_hop);
	row_text(row, "neighbour", neigh_states[r->neigh_state]);
}

static void
end_members(json_t *row, const struct trace_record *r, const struct management *m)
{
	row_text(row, "verdict", ends[r->end]);
	if (r->end == TRACE_FORWARDED || r->end == TRACE_ANSWERED)
		row_text(row, "tx_interface",
			row_interface(engine_snapshot(m->engine), r->end_place));
	if (r->end == TRACE_PUNTED)
		row_text(row, "punt", whys[r->why]);
	if (r->end == TRACE_DROPPED) {
		row_text(row, "reason", drop_names[r->reason]);
		row_text(row, "text", drop_texts[r->reason]);
	}
}

static json_t *
trace_row(const struct management *m, const struct snapshot *s, uint32_t n)
{
	const struct trace_record *r = &m->tracing.record[n];
	json_t *row = json_object();

	row_number(row, "number", n + 1);
	row_time(row, "time", m->tracing.wall + r->at);
	row_number(row, "worker", r->worker);
	row_text(row, "port", port_name(m, r->port));
	row_text(row, "interface", row_interface(s, r->interface));
	row_text(row, "zone", row_zone(s, r->zone));
	row_number(row, "bytes", r->len);
	packet_words_row(row, &r->packet);
	row_bool(row, "parsed", (r->stages & TRACE_PARSED) != 0);
	session_members(row, r);
	if (r->stages & TRACE_POLICY) {
		row_text(row, "action", actions[r->policy_action]);
		row_text(row, "policy", s != NULL ? rule_name(s, r) : "");
	}
	way_out_members(row, r, s);
	end_members(row, r, m);
	return row;
}

/* ---- text ---- */

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

static long long
number_of(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static bool
has(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	return value != NULL && !json_is_null(value);
}

/* "10.1.1.10:80", "[2001:db8::1]:80", or without the port */
static void
endpoint(const json_t *row, const char *address, const char *port, char *out, size_t size)
{
	const char *text = text_of(row, address);
	const bool six = strchr(text, ':') != NULL;

	if (has(row, port))
		snprintf(out, size, "%s%s%s:%lld", six ? "[" : "", text, six ? "]" : "",
			number_of(row, port));
	else
		snprintf(out, size, "%s", text);
}

static void
packet_text(const json_t *row, char *out, size_t size)
{
	char from[64], to[64], more[48] = "";

	if (!has(row, "protocol")) {
		snprintf(out, size, "EtherType %s", text_of(row, "ether_type"));
		return;
	}
	endpoint(row, "source", "source_port", from, sizeof(from));
	endpoint(row, "destination", "destination_port", to, sizeof(to));
	if (has(row, "tcp_flags"))
		snprintf(more, sizeof(more), " %s", text_of(row, "tcp_flags"));
	else if (has(row, "icmp_type"))
		snprintf(more, sizeof(more), " type %lld code %lld", number_of(row, "icmp_type"),
			number_of(row, "icmp_code"));
	snprintf(out, size, "%s %s > %s%s%s", text_of(row, "protocol"), from, to, more,
		json_is_true(json_object_get(row, "fragment")) ? " fragment" : "");
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	const bool created = json_is_true(json_object_get(row, "created"));
	char packet[192];
	size_t used = 0;

	(void)verbose;
#define PUT(...) row_put(out, size, &used, __VA_ARGS__)
	packet_text(row, packet, sizeof(packet));
	PUT(" %lld  %s  %s\n", number_of(row, "number"), text_of(row, "time"), packet);
	PUT("   received  %s, zone %s, port %s, worker %lld, %lld bytes\n",
		has(row, "interface") && text_of(row, "interface")[0] != '\0'
			? text_of(row, "interface")
			: "no interface",
		text_of(row, "zone")[0] != '\0' ? text_of(row, "zone") : "-", text_of(row, "port"),
		number_of(row, "worker"), number_of(row, "bytes"));
	if (has(row, "session") && !created)
		PUT("   session   %s, from the %s, %s%s%s\n", text_of(row, "session"),
			text_of(row, "direction"), text_of(row, "state"),
			strcmp(text_of(row, "state"), text_of(row, "state_after")) != 0 ? " -> "
											: "",
			strcmp(text_of(row, "state"), text_of(row, "state_after")) != 0
				? text_of(row, "state_after")
				: "");
	else if (json_is_true(json_object_get(row, "parsed")))
		PUT("   session   none%s%s%s%s\n", created ? ", created " : "",
			created ? text_of(row, "session") : "", created ? ", " : "",
			created ? text_of(row, "state_after") : "");
	if (has(row, "out_interface"))
		PUT("   way out   %s, zone %s, next hop %s %s\n", text_of(row, "out_interface"),
			text_of(row, "out_zone"), text_of(row, "next_hop"),
			text_of(row, "neighbour"));
	else if (has(row, "out_zone"))
		PUT("   way out   the firewall itself\n");
	if (has(row, "action"))
		PUT("   policy    %s, rule %s\n", text_of(row, "action"), text_of(row, "policy"));
	if (has(row, "reason"))
		PUT("   end       dropped, %s: %s\n", text_of(row, "reason"), text_of(row, "text"));
	else
		PUT("   end       %s%s%s\n", text_of(row, "verdict"),
			has(row, "tx_interface") ? " by "
			: has(row, "punt")	 ? " to the control core, "
						 : "",
			has(row, "tx_interface") ? text_of(row, "tx_interface")
						 : text_of(row, "punt"));
#undef PUT
}

/* ---- views ---- */

static const char *const states[] = { [TRACING_NONE] = "none",
	[TRACING_ON] = "on",
	[TRACING_COUNT] = "ended: count reached",
	[TRACING_TIME] = "ended: time over",
	[TRACING_STOPPED] = "ended: stopped" };

static uint64_t
seconds_left(const struct management *m)
{
	return m->tracing.state == TRACING_ON
		       ? mono_since_ms(m->tracing.until, management_now(m)) / 1000
		       : 0;
}

static void
head(struct management *m, const json_t *filter, char *out, size_t size)
{
	const struct tracing *t = &m->tracing;

	(void)filter;
	tracing_poll(m);
	if (t->state == TRACING_NONE)
		snprintf(out, size, " Trace : none\n");
	else
		snprintf(out, size,
			" Trace : %s, filter: %s\n Packets : %u of %u, matched %" PRIu64
			", missed %" PRIu64 ", seconds left %" PRIu64 "\n",
			states[t->state], t->words[0] != '\0' ? t->words : "any", t->records,
			t->count, t->counts.matched, t->counts.missed, seconds_left(m));
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	if (*cursor == 0)
		tracing_poll(m);
	if (*cursor < m->tracing.records)
		json_array_append_new(
			rows, trace_row(m, engine_snapshot(m->engine), (uint32_t)(*cursor)++));
	return *cursor < m->tracing.records;
}

static const struct view view_trace = {
	.name = "trace",
	.help = "packets of the trace, and what happened to each",
	.collect = collect,
	.print = print,
	.head = head,
};

static bool
collect_state(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct tracing *t = &m->tracing;
	json_t *row = json_object();

	(void)filter;
	(void)cursor;
	tracing_poll(m);
	row_text(row, "state", states[t->state]);
	row_bool(row, "on", t->state == TRACING_ON);
	row_text(row, "filter", t->words);
	row_number(row, "packets", t->records);
	row_number(row, "count", t->count);
	row_number(row, "matched", t->counts.matched);
	row_number(row, "missed", t->counts.missed);
	row_number(row, "left_s", seconds_left(m));
	json_array_append_new(rows, row);
	return false;
}

static const struct view view_state = {
	.name = "trace-state",
	.help = "the trace that is on, or the last one",
	.collect = collect_state,
};

/* ---- commands ---- */

static void
start(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	char err[512];

	(void)cl;
	if (tracing_start(console_management(client), r->tail, err, sizeof(err)))
		console_print(client, " Trace started; display trace shows it\n");
	else
		console_error(client, "%s", err);
}

static void
stop(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	if (!tracing_stop(console_management(client)))
		console_error(client, "no trace is on");
}

static int
complete(struct management *m, const char *line, const char *words[COMMAND_WORDS_MAX])
{
	static const char begin[] = "trace start ";

	if (strncmp(line, begin, sizeof(begin) - 1) != 0)
		return -1;
	return tracing_complete(m, line + sizeof(begin) - 1, words, COMMAND_WORDS_MAX);
}

COMMAND_SHOW(show, view_trace, false, "display trace: the packets of the trace, stage by stage",
	COMMAND_WORD("display"), COMMAND_WORD("trace"));

static cmdline_parse_inst_t inst_start = {
	.f = start,
	.help_str = "trace start: follow the next 100 packets, whichever they are",
	.tokens = { COMMAND_WORD("trace"), COMMAND_WORD("start"), NULL },
};
static cmdline_parse_inst_t inst_start_filter = {
	.f = start,
	.help_str = "trace start [FILTER...]: follow packets by " PACKET_WORDS_HELP
		    ", dropped, reason DROP-REASON; until count N (100), seconds N (60)",
	.tokens = { COMMAND_WORD("trace"), COMMAND_WORD("start"), COMMAND_TAIL, NULL },
};
static cmdline_parse_inst_t inst_stop = {
	.f = stop,
	.help_str = "trace stop: end the trace; what it has is kept until the next one",
	.tokens = { COMMAND_WORD("trace"), COMMAND_WORD("stop"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_start, &inst_start_filter,
	&inst_stop, NULL };
static const struct view *const views[] = { &view_trace, &view_state, NULL };

const struct command command_trace = { .insts = insts, .views = views, .complete = complete };
