/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blacklist add, blacklist delete, display / reset firewall blacklist.
 */
#include "blacklist.h"
#include "command.h"
#include "config_address.h"
#include "log.h"
#include "management.h"
#include "row.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX (30 * 24 * 3600)

static const char *const side_names[] = {
	[BLACKLIST_SOURCE] = "source",
	[BLACKLIST_DESTINATION] = "destination",
};
static const char *const origin_names[] = {
	[BLACKLIST_FREE] = "",
	[BLACKLIST_STATIC] = "configuration",
	[BLACKLIST_MANUAL] = "command",
	[BLACKLIST_SCAN] = "scan",
};

/* ---- display ---- */

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct blacklist *b = engine_blacklist(m->engine);
	const mono_t now = management_now(m);
	uint32_t slot = (uint32_t)*cursor;
	struct blacklist_entry e;
	json_t *row;
	bool found;

	(void)filter;
	while ((found = blacklist_next(b, &slot, &e)) && !mono_before(now, e.until))
		slot++;
	if (!found)
		return false;
	*cursor = (uint64_t)slot + 1;
	row = json_object();
	row_net(row, "address", &e.prefix, e.len);
	row_text(row, "direction", side_names[e.side]);
	row_text(row, "origin", origin_names[e.origin]);
	row_text(row, "owner", e.copy ? "peer" : "here");
	if (e.until.ns == MONO_NEVER.ns)
		json_object_set_new(row, "left_s", json_null());
	else
		row_number(row, "left_s", (mono_since_ms(e.until, now) + 999) / 1000);
	row_number(row, "hits", blacklist_hits(b, slot));
	row_number(row, "sessions_ended", e.ended);
	json_array_append_new(rows, row);
	return true;
}

static void
head(struct management *m, const json_t *filter, char *out, size_t size)
{
	struct blacklist *b = engine_blacklist(m->engine);
	const struct blacklist_counts c = blacklist_count(b);

	(void)filter;
	snprintf(out, size, " Entries : %u, of the configuration %u, of the peer %u%s\n", c.entries,
		c.fixed, c.copies, blacklist_sweeping(b) ? "; sessions are being ended" : "");
}

static const struct view_column columns[] = {
	{ "address", "Address" },
	{ "direction", "Direction" },
	{ "origin", "Origin" },
	{ "owner", "Owner" },
	{ "left_s", "Left (s)" },
	{ "hits", "Hits" },
	{ "sessions_ended", "Sessions ended" },
	{ NULL, NULL },
};

static const struct view view_blacklist = {
	.name = "blacklist",
	.help = "prefixes from or to which no session may begin",
	.columns = columns,
	.collect = collect,
	.head = head,
};

/* ---- changes ---- */

static const char standby[] = "this box is standby: the blacklist is changed on the active box, "
			      "which tells this one";

/* What a line says. */
struct wish {
	struct config_net net;
	bool sides[BLACKLIST_SIDES];
	uint32_t timeout; /* seconds, 0 = none */
};

static bool
read_prefix(const char *word, struct config_net *net, char *err, size_t err_size)
{
	struct config_net whole;
	char text[CONFIG_IP_TEXT];

	*net = (struct config_net){ 0 };
	if (config_address_parse_ip(word, &net->address)) {
		net->len = net->address.family == 6 ? IP6_BITS : 32;
	} else if (!config_address_parse_net(word, net)) {
		snprintf(err, err_size, "'%.60s' is no address and no prefix", word);
		return false;
	}
	if (net->len == 0) {
		snprintf(err, err_size, "expected a prefix length of at least 1");
		return false;
	}
	whole = config_address_network(net);
	if (!ip_addr_equal(&whole.address, &net->address)) {
		snprintf(err, err_size, "'%.60s' has host bits, expected %s", word,
			config_address_net_text(&whole, text));
		return false;
	}
	return true;
}

static bool
read_timeout(const char *word, uint32_t *seconds, char *err, size_t err_size)
{
	char *end;
	const long n = word != NULL ? strtol(word, &end, 10) : 0;

	if (word == NULL || *end != '\0' || n < 1 || n > TIMEOUT_MAX) {
		snprintf(err, err_size, "expected timeout and 1 to %d seconds", TIMEOUT_MAX);
		return false;
	}
	*seconds = (uint32_t)n;
	return true;
}

/* ADDRESS[/LENGTH] [source|destination|both] [timeout SECONDS] */
static bool
read_wish(const char *tail, bool adding, struct wish *w, char *err, size_t err_size)
{
	char line[256], *save = NULL;
	const char *word;

	*w = (struct wish){ .sides = { true, !adding } };
	if (snprintf(line, sizeof(line), "%s", tail) >= (int)sizeof(line)) {
		snprintf(err, err_size, "the line is too long");
		return false;
	}
	word = strtok_r(line, " \t", &save);
	if (word == NULL || !read_prefix(word, &w->net, err, err_size))
		return false;
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (strcmp(word, "timeout") == 0 && adding) {
			if (!read_timeout(strtok_r(NULL, " \t", &save), &w->timeout, err, err_size))
				return false;
			continue;
		}
		w->sides[BLACKLIST_SOURCE] = strcmp(word, "destination") != 0;
		w->sides[BLACKLIST_DESTINATION] = strcmp(word, "source") != 0;
		if (w->sides[0] && w->sides[1] && strcmp(word, "both") != 0) {
			snprintf(err, err_size, "'%.60s'? expected source, destination, both%s",
				word, adding ? " or timeout SECONDS" : "");
			return false;
		}
	}
	return true;
}

static void
add(void *parsed, struct cmdline *cl, void *client)
{
	struct management *m = console_management(client);
	const mono_t now = management_now(m);
	char err[256] = "", text[CONFIG_IP_TEXT];
	struct wish w;

	(void)cl;
	if (!read_wish(((const struct command_result *)parsed)->tail, true, &w, err, sizeof(err))) {
		console_error(client, "%s", err);
		return;
	}
	for (unsigned int side = 0; side < BLACKLIST_SIDES; side++) {
		const struct blacklist_entry e = {
			.prefix = w.net.address,
			.len = w.net.len,
			.side = (uint8_t)side,
			.origin = BLACKLIST_MANUAL,
			.until = w.timeout == 0 ? MONO_NEVER
						: mono_add_ms(now, w.timeout * UINT64_C(1000)),
		};
		int rc = 0;

		if (w.sides[side])
			rc = blacklist_add(engine_blacklist(m->engine), &e,
				session_table_capacity(engine_sessions(m->engine)));
		if (rc == -EEXIST)
			console_error(client, "%s (%s) is in the configuration already",
				config_address_net_text(&w.net, text), side_names[side]);
		else if (rc == -EREMOTE)
			console_error(client, "%s", standby);
		else if (rc != 0)
			console_error(client,
				"the blacklist is full: %u entries made by command "
				"or scan detection",
				BLACKLIST_TIMED_MAX);
		if (rc != 0)
			return;
	}
	LOG(NOTICE, "blacklist: %s added by command", config_address_net_text(&w.net, text));
}

static void delete (void *parsed, struct cmdline *cl, void *client)
{
	struct management *m = console_management(client);
	char err[256] = "", text[CONFIG_IP_TEXT];
	bool deleted = false, fixed = false, remote = false;
	struct wish w;

	(void)cl;
	if (!read_wish(
		    ((const struct command_result *)parsed)->tail, false, &w, err, sizeof(err))) {
		console_error(client, "%s", err);
		return;
	}
	for (unsigned int side = 0; side < BLACKLIST_SIDES; side++) {
		const int rc = !w.sides[side] ? -ENOENT
					      : blacklist_delete(engine_blacklist(m->engine),
							&w.net.address, w.net.len,
							(enum blacklist_side)side);

		deleted |= rc == 0;
		fixed |= rc == -EPERM;
		remote |= rc == -EREMOTE;
	}
	config_address_net_text(&w.net, text);
	if (fixed)
		console_error(client,
			"%s is in the configuration: change the section blacklist and reload",
			text);
	else if (remote && blacklist_follows(engine_blacklist(m->engine)))
		console_error(client, "%s", standby);
	else if (remote)
		console_error(client, "%s is the peer's: delete it there", text);
	else if (!deleted)
		console_error(client, "%s is not in the blacklist", text);
	if (deleted)
		LOG(NOTICE, "blacklist: %s deleted by command", text);
}

static void
reset(void *parsed, struct cmdline *cl, void *client)
{
	struct blacklist *b = engine_blacklist(console_management(client)->engine);
	uint32_t n;

	(void)parsed;
	(void)cl;
	if (blacklist_follows(b)) {
		console_error(client, "%s", standby);
		return;
	}
	n = blacklist_clear(b);
	console_print(client, " Entries removed : %u\n", n);
	LOG(NOTICE, "blacklist: %u entries removed by command", n);
}

static void
reset_counters(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	blacklist_reset_hits(engine_blacklist(console_management(client)->engine));
}

static int
complete(struct management *m, const char *line, const char *words[COMMAND_WORDS_MAX])
{
	static const char *const options[] = { "source", "destination", "both", "timeout" };
	static const char add_words[] = "blacklist add ", delete_words[] = "blacklist delete ";
	const bool adding = strncmp(line, add_words, strlen(add_words)) == 0;
	const char *tail = line + strlen(adding ? add_words : delete_words);
	int n = 0;

	(void)m;
	if (!adding && strncmp(line, delete_words, strlen(delete_words)) != 0)
		return -1;
	/* Behind the address. */
	while (strchr(tail, ' ') != NULL && n < (adding ? 4 : 3)) {
		words[n] = options[n];
		n++;
	}
	return n;
}

COMMAND_SHOW(show, view_blacklist, false,
	"display firewall blacklist: prefixes from or to which no session may begin",
	COMMAND_WORD("display"), COMMAND_WORD("firewall"), COMMAND_WORD("blacklist"));

static cmdline_parse_inst_t inst_add = {
	.f = add,
	.help_str =
		"blacklist add ADDRESS[/LENGTH] [source|destination|both] [timeout SECONDS]: no "
		"session may begin from it (or to it) any more, and those that exist end",
	.tokens = { COMMAND_WORD("blacklist"), COMMAND_WORD("add"), COMMAND_TAIL, NULL },
};
static cmdline_parse_inst_t inst_delete = {
	.f = delete,
	.help_str =
		"blacklist delete ADDRESS[/LENGTH] [source|destination|both]: take it off again",
	.tokens = { COMMAND_WORD("blacklist"), COMMAND_WORD("delete"), COMMAND_TAIL, NULL },
};
static cmdline_parse_inst_t inst_reset = {
	.f = reset,
	.help_str = "reset firewall blacklist: remove all entries but those of the configuration "
		    "and of the peer",
	.tokens = { COMMAND_WORD("reset"), COMMAND_WORD("firewall"), COMMAND_WORD("blacklist"),
		NULL },
};
static cmdline_parse_inst_t inst_reset_counters = {
	.f = reset_counters,
	.help_str = "reset firewall blacklist counters: hits and sessions from 0 again",
	.tokens = { COMMAND_WORD("reset"), COMMAND_WORD("firewall"), COMMAND_WORD("blacklist"),
		COMMAND_WORD("counters"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_add, &inst_delete, &inst_reset,
	&inst_reset_counters, NULL };
static const struct view *const views[] = { &view_blacklist, NULL };

const struct command command_blacklist = { .insts = insts, .views = views, .complete = complete };
