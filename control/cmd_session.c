/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display / reset firewall session table: the slab is walked by index in small steps, so that ten
 * million sessions neither fill memory nor hold the management thread.
 *
 * Rows are read while workers change them: a row may mix two moments of its session, never two
 * sessions, because the generation is checked again at the end.
 */
#include "command.h"
#include "management.h"
#include "policy.h"
#include "row.h"
#include "session_filter.h"
#include "session_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SLOTS_PER_STEP 16384
#define ENDPOINT_TEXT  128

struct wanted {
	struct session_filter filter;
	const struct session_table *table;
};

static bool
match(void *ctx, const struct session *s, const union session_walk_key *key)
{
	const struct wanted *w = ctx;

	return session_filter_match(&w->filter, w->table, s, key);
}

/* One end of a translated session as it is outside, where that is another one. */
static void
put_outside(json_t *row, const char *const keys[2], bool translated, const struct ip_addr *address,
	rte_be16_t port)
{
	if (translated) {
		row_ip(row, keys[0], address);
		row_number(row, keys[1], rte_be_to_cpu_16(port));
	} else {
		json_object_set_new(row, keys[0], json_null());
		json_object_set_new(row, keys[1], json_null());
	}
}

static void
put_translation(json_t *row, const struct session_table *t, const struct session *s,
	const struct session_filter_tuple *in)
{
	static const char *const source[] = { "nat_source", "nat_source_port" };
	static const char *const destination[] = { "nat_destination", "nat_destination_port" };
	struct session_filter_tuple out = *in;

	if (!session_filter_outside(t, s, &out))
		out = *in;
	put_outside(row, source, !ip_addr_equal(&in->src, &out.src) || in->sport != out.sport,
		&out.src, out.sport);
	put_outside(row, destination, !ip_addr_equal(&in->dst, &out.dst) || in->dport != out.dport,
		&out.dst, out.dport);
}

static void
put_way_out(json_t *row, struct management *m, const struct snapshot *snapshot, uint32_t index)
{
	const struct neigh_table *t = engine_neighbours(m->engine);
	const struct neigh *n;
	struct rte_ether_addr mac;
	struct ip_addr next_hop;
	uint64_t word;

	if (index >= neigh_capacity(t)) { /* NEIGH_NONE included: not resolved yet */
		json_object_set_new(row, "out_interface", json_null());
		json_object_set_new(row, "next_hop", json_null());
		json_object_set_new(row, "next_hop_mac", json_null());
		return;
	}
	n = neigh_at(t, index);
	word = atomic_load_explicit(&n->word, memory_order_acquire);
	neigh_word_mac(word, &mac);
	row_text(row, "out_interface", row_interface(snapshot, n->interface));
	next_hop = neigh_address(n);
	row_ip(row, "next_hop", &next_hop);
	row_mac(row, "next_hop_mac", &mac);
}

static uint64_t
load64(const uint64_t *value)
{
	return __atomic_load_n(value, __ATOMIC_RELAXED);
}

static json_t *
session_row(struct management *m, const struct snapshot *snapshot, const struct session_table *t,
	const struct session *s, const union session_walk_key *key)
{
	const struct session_filter_tuple tuple = session_filter_tuple(s, key);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);
	const uint32_t now = mono_seconds(management_now(m));
	const uint32_t seen = atomic_load_explicit(&s->last_seen, memory_order_relaxed);
	const uint32_t ttl = session_table_timeout(t, s);
	const uint32_t idle = now > seen ? now - seen : 0;
	const struct policy *policy = snapshot != NULL ? snapshot->policy : NULL;
	const uint16_t slot = policy != NULL ? policy_slot_of(policy, s->policy) : 0;
	const char *rule = slot > 0 ? policy_rule_name(policy, slot) : NULL;
	json_t *row = json_object();
	char text[24], proto[8];

	snprintf(text, sizeof(text), "%08" PRIx32 "%04x", session_table_index(t, s),
		atomic_load_explicit(&s->generation, memory_order_relaxed));
	row_text(row, "id", text);
	row_text(row, "protocol", filter_protocol(tuple.proto, proto));
	row_ip(row, "source", &tuple.src);
	row_number(row, "source_port", rte_be_to_cpu_16(tuple.sport));
	row_ip(row, "destination", &tuple.dst);
	row_number(row, "destination_port", rte_be_to_cpu_16(tuple.dport));
	put_translation(row, t, s, &tuple);
	row_text(row, "source_zone", row_zone(snapshot, s->zone[0]));
	row_text(row, "destination_zone", row_zone(snapshot, s->zone[1]));
	row_text(row, "state",
		session_state_of(ctl) < SESSION_STATES ? session_state_names[session_state_of(ctl)]
						       : "");
	row_bool(row, "remote", (ctl & SESSION_F_REMOTE) != 0);
	row_bool(row, "shared", (ctl & SESSION_F_SHARED) != 0);
	row_bool(row, "host", (ctl & SESSION_F_LOCAL) != 0);
	row_number(row, "ttl_s", ttl);
	row_number(row, "left_s", ttl > idle ? ttl - idle : 0);
	row_number(row, "age_s", now > s->created ? now - s->created : 0);
	put_way_out(row, m, snapshot, s->dir[0].neigh);
	row_number(row, "packets_out", load64(&s->dir[0].packets));
	row_number(row, "bytes_out", load64(&s->dir[0].bytes));
	row_number(row, "packets_back", load64(&s->dir[1].packets));
	row_number(row, "bytes_back", load64(&s->dir[1].bytes));
	if (rule != NULL)
		row_text(row, "policy", rule);
	else
		json_object_set_new(row, "policy", json_null());
	return row;
}

static bool
check(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	struct session_filter f;

	return session_filter_compile(
		&f, filter, m->engine != NULL ? engine_snapshot(m->engine) : NULL, err, err_size);
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *snapshot = engine_snapshot(m->engine);
	struct session_table *t = engine_sessions(m->engine);
	struct wanted wanted = { .table = t };
	struct session_walk w = {
		.match = match, .ctx = &wanted, .next = (uint32_t)*cursor, .slots = SLOTS_PER_STEP
	};
	const struct session *s;
	char err[128];
	json_t *row;

	/* A zone may have gone with a reload since the filter was checked: nothing is in it. */
	if (!session_filter_compile(&wanted.filter, filter, snapshot, err, sizeof(err)))
		return false;
	s = session_walk_next(t, &w);
	*cursor = w.next;
	if (s != NULL) {
		row = session_row(m, snapshot, t, s, &w.key);
		if (session_walk_still(t, s, &w))
			json_array_append_new(rows, row);
		else
			json_decref(row);
	}
	return *cursor < session_table_capacity(t);
}

static void
head(struct management *m, const json_t *filter, char *out, size_t size)
{
	(void)filter;
	snprintf(out, size, " Current Total Sessions : %u\n",
		session_table_count(engine_sessions(m->engine)));
}

/* ---- text of one session (P40, P41) ---- */

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL && text[0] != '\0' ? text : "-";
}

static unsigned long long
number_of(const json_t *row, const char *key)
{
	return (unsigned long long)json_integer_value(json_object_get(row, key));
}

static const char *
clock_text(unsigned long long seconds, char buf[16])
{
	snprintf(buf, 16, "%02llu:%02llu:%02llu", seconds / 3600 % 10000, seconds / 60 % 60,
		seconds % 60);
	return buf;
}

/* "10.1.1.10:80", "[2001:db8::1]:80"; of a translated end "10.1.1.10:80[198.51.100.1:4096]". */
static const char *
endpoint(const json_t *row, const char *const keys[4], char buf[ENDPOINT_TEXT])
{
	const char *text = text_of(row, keys[0]);
	const bool six = strchr(text, ':') != NULL;
	size_t used = 0;

	row_put(buf, ENDPOINT_TEXT, &used, "%s%s%s:%llu", six ? "[" : "", text, six ? "]" : "",
		number_of(row, keys[1]));
	if (json_is_string(json_object_get(row, keys[2])))
		row_put(buf, ENDPOINT_TEXT, &used, "[%s:%llu]", text_of(row, keys[2]),
			number_of(row, keys[3]));
	return buf;
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	static const char *const source[] = { "source", "source_port", "nat_source",
		"nat_source_port" };
	static const char *const destination[] = { "destination", "destination_port",
		"nat_destination", "nat_destination_port" };
	char from[ENDPOINT_TEXT], to[ENDPOINT_TEXT];
	const char *remote = json_is_true(json_object_get(row, "remote")) ? "  Remote" : "";
	char ttl[16], left[16];

	endpoint(row, source, from);
	endpoint(row, destination, to);
	if (!verbose) {
		snprintf(out, size, " %s  VPN: public --> public%s %s --> %s\n",
			text_of(row, "protocol"), remote, from, to);
		return;
	}
	snprintf(out, size,
		" %s  VPN: public --> public  ID: %s%s\n"
		" Zone: %s --> %s  TTL: %s  Left: %s  State: %s\n"
		" Interface: %s  NextHop: %s  MAC: %s\n"
		" <--packets: %llu bytes: %llu --> packets: %llu bytes: %llu\n"
		" %s --> %s  PolicyName: %s\n\n",
		text_of(row, "protocol"), text_of(row, "id"), remote, text_of(row, "source_zone"),
		text_of(row, "destination_zone"), clock_text(number_of(row, "ttl_s"), ttl),
		clock_text(number_of(row, "left_s"), left), text_of(row, "state"),
		text_of(row, "out_interface"), text_of(row, "next_hop"),
		text_of(row, "next_hop_mac"), number_of(row, "packets_back"),
		number_of(row, "bytes_back"), number_of(row, "packets_out"),
		number_of(row, "bytes_out"), from, to, text_of(row, "policy"));
}

static const struct view view_sessions = {
	.name = "sessions",
	.help = "the session table; filters apply to the initiator's tuple",
	.collect = collect,
	.filters = session_filter_keys,
	.print = print,
	.head = head,
	.check = check,
	.count_shown = true,
};

/* ---- reset: a walk that hands sessions to their workers, resumed where an inbox was full ---- */

static bool
collect_reset(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	/* The cursor is the slab index, and above it the number of sessions so far. */
	uint64_t done = *cursor >> 32;
	struct session_table *t = engine_sessions(m->engine);
	struct wanted wanted = { .table = t };
	struct session_walk w = {
		.match = match, .ctx = &wanted, .next = (uint32_t)*cursor, .slots = SLOTS_PER_STEP
	};
	char err[128];
	bool more;

	if (!session_filter_compile(
		    &wanted.filter, filter, engine_snapshot(m->engine), err, sizeof(err)))
		return false;
	done += session_walk_reset(t, &w);
	more = w.next < session_table_capacity(t);
	*cursor = done << 32 | w.next;
	if (!more)
		json_array_append_new(rows, json_pack("{s:I}", "reset", (json_int_t)done));
	return more;
}

static void
print_reset(const json_t *row, bool verbose, char *out, size_t size)
{
	(void)verbose;
	snprintf(out, size, " Sessions reset : %llu\n", number_of(row, "reset"));
}

static const struct view view_reset = {
	.name = "reset",
	.collect = collect_reset,
	.filters = session_filter_keys,
	.print = print_reset,
	.check = check,
};

/* ---- commands ---- */

static void
show(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	char err[320];
	bool verbose;
	json_t *filter = filter_words(session_filter_table, r->tail, &verbose, err, sizeof(err));

	(void)cl;
	if (filter == NULL)
		console_error(client, "%s", err);
	else
		console_view(client, &view_sessions, filter, verbose);
}

static void
reset(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	char err[320];
	json_t *filter = filter_words(session_filter_table, r->tail, NULL, err, sizeof(err));

	(void)cl;
	if (filter == NULL)
		console_error(client, "%s", err);
	else
		console_view(client, &view_reset, filter, false);
}

static int
complete(struct management *m, const char *line, const char *words[COMMAND_WORDS_MAX])
{
	static const char *const starts[] = { "display firewall session table ",
		"reset firewall session table " };
	const struct snapshot *s = m->engine != NULL ? engine_snapshot(m->engine) : NULL;

	for (int i = 0; i < 2; i++) {
		const char *tail = line + strlen(starts[i]);
		int n;

		if (strncmp(line, starts[i], strlen(starts[i])) != 0)
			continue;
		n = filter_complete(session_filter_table, tail, s, words, COMMAND_WORDS_MAX - 1);
		if (i == 0 && strstr(tail, "verbose ") == NULL)
			words[n++] = "verbose";
		return n;
	}
	return -1;
}

#define FILTERS                                                                                    \
	"address ADDRESS[/LENGTH], port N, zone ZONE (of either side), source ADDRESS[/LENGTH], "  \
	"destination ADDRESS[/LENGTH], source-port N, destination-port N, protocol NAME|N, "       \
	"source-zone ZONE, destination-zone ZONE, local, remote, nat, nat-source "                 \
	"ADDRESS[/LENGTH], nat-source-port N, nat-destination ADDRESS[/LENGTH]"
#define SESSION_TABLE COMMAND_WORD("firewall"), COMMAND_WORD("session"), COMMAND_WORD("table")

static cmdline_parse_inst_t inst_show = {
	.f = show,
	.help_str = "display firewall session table: all sessions",
	.tokens = { COMMAND_WORD("display"), SESSION_TABLE, NULL },
};
static cmdline_parse_inst_t inst_show_filter = {
	.f = show,
	.help_str = "display firewall session table [verbose] [FILTER...]: sessions by " FILTERS,
	.tokens = { COMMAND_WORD("display"), SESSION_TABLE, COMMAND_TAIL, NULL },
};
static cmdline_parse_inst_t inst_reset = {
	.f = reset,
	.help_str = "reset firewall session table: remove all sessions",
	.tokens = { COMMAND_WORD("reset"), SESSION_TABLE, NULL },
};
static cmdline_parse_inst_t inst_reset_filter = {
	.f = reset,
	.help_str = "reset firewall session table FILTER...: remove sessions by " FILTERS,
	.tokens = { COMMAND_WORD("reset"), SESSION_TABLE, COMMAND_TAIL, NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_show_filter, &inst_reset,
	&inst_reset_filter, NULL };
static const struct view *const views[] = { &view_sessions, NULL };

const struct command command_session = { .insts = insts, .views = views, .complete = complete };
