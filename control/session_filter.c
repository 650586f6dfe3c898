/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Session filters.  Management thread only.
 */
#include "session_filter.h"

#include "config_address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 128

enum value_kind { KIND_PREFIX, KIND_PORT, KIND_PROTOCOL, KIND_ZONE, KIND_REMOTE, KIND_LOCAL };

/* The console's words, and the member each sets. */
static const struct filter_word {
	const char *word, *key;
	enum value_kind kind;
} filter_words[] = {
	{ "address", "address", KIND_PREFIX },
	{ "port", "port", KIND_PORT },
	{ "zone", "zone", KIND_ZONE },
	{ "source", "source", KIND_PREFIX },
	{ "destination", "destination", KIND_PREFIX },
	{ "source-port", "source_port", KIND_PORT },
	{ "destination-port", "destination_port", KIND_PORT },
	{ "protocol", "protocol", KIND_PROTOCOL },
	{ "source-zone", "source_zone", KIND_ZONE },
	{ "destination-zone", "destination_zone", KIND_ZONE },
	{ "local", "remote", KIND_LOCAL },
	{ "remote", "remote", KIND_REMOTE },
};
#define FILTER_WORDS (int)(sizeof(filter_words) / sizeof(filter_words[0]))

const char *const session_filter_keys[] = { "address", "port", "zone", "source", "destination",
	"source_port", "destination_port", "protocol", "source_zone", "destination_zone", "remote",
	NULL };

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "sctp", IPPROTO_SCTP },
	{ "ospf", 89 },
	{ "vrrp", 112 },
};
#define PROTOCOLS (int)(sizeof(protocols) / sizeof(protocols[0]))

const char *
session_filter_protocol(uint8_t proto, char buf[8])
{
	for (int i = 0; i < PROTOCOLS; i++)
		if (protocols[i].number == proto)
			return protocols[i].name;
	snprintf(buf, 8, "%u", proto);
	return buf;
}

/* next_word: => false at the end; *text moves on. Words longer than WORD_MAX are cut and so
 * unknown. */
static bool
next_word(const char **text, char word[WORD_MAX])
{
	const char *start = *text + strspn(*text, " \t\r\n");
	const size_t len = strcspn(start, " \t\r\n");

	*text = start + len;
	snprintf(word, WORD_MAX, "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX), start);
	return len > 0;
}

static const struct filter_word *
find_word(const char *word)
{
	for (int i = 0; i < FILTER_WORDS; i++)
		if (strcmp(filter_words[i].word, word) == 0)
			return &filter_words[i];
	return NULL;
}

/* number: the whole text as a decimal number up to `max`. */
static bool
number(const char *text, long max, long *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*out = strtol(text, &end, 10);
	return *end == '\0' && *out <= max;
}

json_t *
session_filter_words(const char *words, bool *verbose, char *err, size_t err_size)
{
	json_t *filter = json_object();
	char word[WORD_MAX], value[WORD_MAX];
	long n;

	if (verbose != NULL)
		*verbose = false;
	while (filter != NULL && next_word(&words, word)) {
		const struct filter_word *w = find_word(word);
		json_t *item;

		if (w == NULL && verbose != NULL && strcmp(word, "verbose") == 0) {
			*verbose = true;
			continue;
		}
		if (w == NULL) {
			snprintf(err, err_size,
				"unknown filter \"%.40s\", expected address, port, zone, source, "
				"destination, source-port, destination-port, protocol, "
				"source-zone, "
				"destination-zone, local or remote%s",
				word, verbose != NULL ? ", or verbose" : "");
			goto err_filter;
		}
		if (json_object_get(filter, w->key) != NULL) {
			snprintf(err, err_size, "%s is given twice", word);
			goto err_filter;
		}
		if (w->kind == KIND_REMOTE || w->kind == KIND_LOCAL) {
			item = json_boolean(w->kind == KIND_REMOTE);
		} else if (!next_word(&words, value)) {
			snprintf(err, err_size, "%s needs a value", word);
			goto err_filter;
		} else if ((w->kind == KIND_PORT || w->kind == KIND_PROTOCOL) &&
			   number(value, UINT16_MAX, &n)) {
			item = json_integer(n);
		} else {
			item = json_string(value);
		}
		if (item == NULL || json_object_set_new(filter, w->key, item) != 0) {
			snprintf(err, err_size, "%s: not valid text", word);
			goto err_filter;
		}
	}
	return filter;
err_filter:
	json_decref(filter);
	return NULL;
}

static bool
compile_protocol(const json_t *value, int *out)
{
	if (json_is_integer(value)) {
		*out = (int)json_integer_value(value);
		return json_integer_value(value) >= 0 && json_integer_value(value) <= UINT8_MAX;
	}
	for (int i = 0; json_is_string(value) && i < PROTOCOLS; i++) {
		if (strcmp(protocols[i].name, json_string_value(value)) == 0) {
			*out = protocols[i].number;
			return true;
		}
	}
	return false;
}

static bool
compile_port(const json_t *value, int *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > UINT16_MAX)
		return false;
	*out = (int)json_integer_value(value);
	return true;
}

static bool
compile_prefix(const json_t *value, struct config_net *out)
{
	const char *text = json_string_value(value); /* NULL: not a string */

	if (text == NULL)
		return false;
	if (strchr(text, '/') != NULL)
		return config_address_parse_net(text, out);
	if (!config_address_parse_ip(text, &out->address))
		return false;
	out->len = out->address.family == 6 ? IP6_BITS : 32;
	return true;
}

static bool
compile_zone(const json_t *value, const struct snapshot *snapshot, uint8_t *out)
{
	for (int i = 1; json_is_string(value) && snapshot != NULL && i < MAX_ZONES; i++) {
		if (snapshot->zones[i].priority != 0 &&
			strcmp(snapshot->zones[i].name, json_string_value(value)) == 0) {
			*out = (uint8_t)i;
			return true;
		}
	}
	return false;
}

bool
session_filter_compile(struct session_filter *f, const json_t *filter,
	const struct snapshot *snapshot, char *err, size_t err_size)
{
	static const char address[] =
		"expected an address or prefix such as 10.1.1.0/24 or 2001:db8::/32";
	static const char port[] = "expected 0-65535";
	static const char zone[] = "expected the name of a zone";
	const struct {
		const char *key, *expected;
		enum value_kind kind;
		void *out;
	} rows[] = {
		{ "address", address, KIND_PREFIX, &f->address },
		{ "port", port, KIND_PORT, &f->port },
		{ "zone", zone, KIND_ZONE, &f->zone },
		{ "source", address, KIND_PREFIX, &f->source },
		{ "destination", address, KIND_PREFIX, &f->destination },
		{ "source_port", port, KIND_PORT, &f->source_port },
		{ "destination_port", port, KIND_PORT, &f->destination_port },
		{ "protocol", "expected tcp, udp, icmp, ... or 0-255", KIND_PROTOCOL,
			&f->protocol },
		{ "source_zone", zone, KIND_ZONE, &f->source_zone },
		{ "destination_zone", zone, KIND_ZONE, &f->destination_zone },
		{ "remote", "expected true or false", KIND_REMOTE, &f->remote },
	};

	*f = (struct session_filter){
		.port = -1, .source_port = -1, .destination_port = -1, .protocol = -1, .remote = -1
	};
	for (size_t i = 0; filter != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *value = json_object_get(filter, rows[i].key);
		bool good = true;

		if (value == NULL)
			continue;
		switch (rows[i].kind) {
		case KIND_PREFIX:
			good = compile_prefix(value, rows[i].out);
			break;
		case KIND_PORT:
			good = compile_port(value, rows[i].out);
			break;
		case KIND_PROTOCOL:
			good = compile_protocol(value, rows[i].out);
			break;
		case KIND_ZONE:
			good = compile_zone(value, snapshot, rows[i].out);
			break;
		case KIND_LOCAL:
		case KIND_REMOTE:
			good = json_is_boolean(value);
			f->remote = json_is_true(value);
			break;
		}
		if (!good) {
			snprintf(err, err_size, "%s: %s", rows[i].key, rows[i].expected);
			return false;
		}
	}
	return true;
}

struct session_filter_tuple
session_filter_tuple(const struct session *s, const union session_walk_key *key)
{
	const uint8_t swap = session_swap(s);

	if (session_family(s) == 6) {
		const struct session_tuple6 t = session_key6_tuple(&key->v6, swap);

		return (struct session_filter_tuple){ .src = ip_addr_v6(t.src),
			.dst = ip_addr_v6(t.dst),
			.sport = t.sport,
			.dport = t.dport,
			.proto = t.proto };
	}
	const struct session_tuple4 t = session_key4_tuple(&key->v4, swap);

	return (struct session_filter_tuple){ .src = ip_addr_v4(t.src),
		.dst = ip_addr_v4(t.dst),
		.sport = t.sport,
		.dport = t.dport,
		.proto = t.proto };
}

static bool
inside(const struct config_net *net, const struct ip_addr *a)
{
	return net->address.family == 0 || config_address_net_in(net, a);
}

bool
session_filter_match(
	const struct session_filter *f, const struct session *s, const union session_walk_key *key)
{
	const struct session_filter_tuple t = session_filter_tuple(s, key);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);

	return (f->protocol < 0 || t.proto == f->protocol) &&
	       (inside(&f->address, &t.src) || inside(&f->address, &t.dst)) &&
	       (f->port < 0 || rte_be_to_cpu_16(t.sport) == f->port ||
		       rte_be_to_cpu_16(t.dport) == f->port) &&
	       (f->zone == 0 || s->zone[0] == f->zone || s->zone[1] == f->zone) &&
	       inside(&f->source, &t.src) && inside(&f->destination, &t.dst) &&
	       (f->source_port < 0 || rte_be_to_cpu_16(t.sport) == f->source_port) &&
	       (f->destination_port < 0 || rte_be_to_cpu_16(t.dport) == f->destination_port) &&
	       (f->source_zone == 0 || s->zone[0] == f->source_zone) &&
	       (f->destination_zone == 0 || s->zone[1] == f->destination_zone) &&
	       (f->remote < 0 || ((ctl & SESSION_F_REMOTE) != 0) == f->remote);
}

int
session_filter_complete(
	const char *tail, const struct snapshot *snapshot, const char **words, int max)
{
	char used[WORD_MAX * 4] = " ", word[WORD_MAX];
	const struct filter_word *last = NULL;
	const bool partial = tail[0] != '\0' && strchr(" \t", tail[strlen(tail) - 1]) == NULL;
	const char *at = tail;
	int n = 0;

	/* Walk the finished words; `last` stays set while a value is missing. */
	while (next_word(&at, word) && !(partial && *at == '\0')) {
		if (last != NULL) {
			last = NULL;
			continue;
		}
		last = find_word(word);
		snprintf(used + strlen(used), sizeof(used) - strlen(used), "%s ", word);
		if (last != NULL && (last->kind == KIND_LOCAL || last->kind == KIND_REMOTE))
			last = NULL;
	}
	if (last != NULL && last->kind == KIND_PROTOCOL)
		for (int i = 0; i < PROTOCOLS && n < max; i++)
			words[n++] = protocols[i].name;
	if (last != NULL && last->kind == KIND_ZONE)
		for (int i = 1; snapshot != NULL && i < MAX_ZONES && n < max; i++)
			if (snapshot->zones[i].priority != 0)
				words[n++] = snapshot->zones[i].name;
	for (int i = 0; last == NULL && i < FILTER_WORDS && n < max; i++) {
		snprintf(word, sizeof(word), " %s ", filter_words[i].word);
		if (strstr(used, word) == NULL)
			words[n++] = filter_words[i].word;
	}
	return n;
}
