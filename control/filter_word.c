/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter_word.h"

#include "config_address.h"
#include "drop.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 128

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
filter_protocol(uint8_t proto, char buf[8])
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
find_word(const struct filter_word *table, const char *word)
{
	for (; table->word != NULL; table++)
		if (strcmp(table->word, word) == 0)
			return table;
	return NULL;
}

static bool
takes_value(const struct filter_word *w)
{
	return w->kind != FILTER_TRUE && w->kind != FILTER_FALSE;
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

static void
say_unknown(const struct filter_word *table, const char *word, bool verbose, char *err, size_t size)
{
	int n = snprintf(err, size, "unknown filter \"%.40s\", expected ", word);

	for (const struct filter_word *w = table; w->word != NULL; w++) {
		const char *between = w[1].word == NULL ? "" : w[2].word == NULL ? " or " : ", ";

		if (n < 0 || (size_t)n >= size)
			return;
		n += snprintf(err + n, size - (size_t)n, "%s%s", w->word, between);
	}
	if (verbose && n > 0 && (size_t)n < size)
		snprintf(err + n, size - (size_t)n, ", or verbose");
}

static json_t *
value_of(const struct filter_word *w, const char *text)
{
	const bool numeric =
		w->kind == FILTER_PORT || w->kind == FILTER_PROTOCOL || w->kind == FILTER_NUMBER;
	const long most = w->kind == FILTER_NUMBER ? INT32_MAX : UINT16_MAX;
	long n;

	return numeric && number(text, most, &n) ? json_integer(n) : json_string(text);
}

json_t *
filter_words(const struct filter_word *table, const char *words, bool *verbose, char *err,
	size_t err_size)
{
	json_t *filter = json_object();
	char word[WORD_MAX], value[WORD_MAX];

	if (verbose != NULL)
		*verbose = false;
	while (filter != NULL && next_word(&words, word)) {
		const struct filter_word *w = find_word(table, word);
		json_t *item;

		if (w == NULL && verbose != NULL && strcmp(word, "verbose") == 0) {
			*verbose = true;
			continue;
		}
		if (w == NULL) {
			say_unknown(table, word, verbose != NULL, err, err_size);
			goto err_filter;
		}
		if (json_object_get(filter, w->key) != NULL) {
			snprintf(err, err_size, "%s is given twice", word);
			goto err_filter;
		}
		if (!takes_value(w)) {
			item = json_boolean(w->kind == FILTER_TRUE);
		} else if (!next_word(&words, value)) {
			snprintf(err, err_size, "%s needs a value", word);
			goto err_filter;
		} else {
			item = value_of(w, value);
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

/* ---- values; each => false when it is not one ---- */

static bool
compile_integer(const json_t *value, int min, int max, int *out)
{
	const json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < min || n > max)
		return false;
	*out = (int)n;
	return true;
}

static bool
compile_protocol(const json_t *value, int *out)
{
	for (int i = 0; json_is_string(value) && i < PROTOCOLS; i++) {
		if (strcmp(protocols[i].name, json_string_value(value)) == 0) {
			*out = protocols[i].number;
			return true;
		}
	}
	return compile_integer(value, 0, UINT8_MAX, out);
}

static bool
compile_net(const json_t *value, struct config_net *out)
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

static bool
compile_interface(const json_t *value, const struct snapshot *snapshot, uint16_t *out)
{
	for (uint16_t i = 0;
		json_is_string(value) && snapshot != NULL && i < snapshot->interface_count; i++) {
		if (strcmp(snapshot->interfaces[i].name, json_string_value(value)) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* A word of a list; entries before `from` do not count. */
static bool
compile_choice(const json_t *value, const char *const *list, int from, int count, int *out)
{
	for (int i = from; json_is_string(value) && i < count && list[i] != NULL; i++) {
		if (strcmp(list[i], json_string_value(value)) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool
compile_name(const json_t *value, char *out, size_t size)
{
	if (!json_is_string(value) || json_string_length(value) == 0 ||
		json_string_length(value) >= size)
		return false;
	snprintf(out, size, "%s", json_string_value(value));
	return true;
}

static bool
compile_value(const struct filter_word *w, void *at, const json_t *value, const struct snapshot *s)
{
	switch (w->kind) {
	case FILTER_NET:
		return compile_net(value, at);
	case FILTER_PORT:
		return compile_integer(value, 0, UINT16_MAX, at);
	case FILTER_PROTOCOL:
		return compile_protocol(value, at);
	case FILTER_ZONE:
		return compile_zone(value, s, at);
	case FILTER_INTERFACE:
		return compile_interface(value, s, at);
	case FILTER_REASON:
		return compile_choice(value, drop_names, 1, DROP_REASON_COUNT, at);
	case FILTER_NUMBER:
		return compile_integer(value, w->min, w->max, at);
	case FILTER_CHOICE:
		return compile_choice(value, w->choices, 0, INT32_MAX, at);
	case FILTER_NAME:
		return compile_name(value, at, (size_t)w->max);
	case FILTER_TRUE:
	case FILTER_FALSE:
		*(int *)at = json_is_true(value);
		return json_is_boolean(value);
	}
	return false;
}

static void
say_expected(const struct filter_word *w, char *err, size_t size)
{
	static const char *const expected[] = {
		[FILTER_NET] = "expected an address or prefix such as 10.1.1.0/24 or 2001:db8::/32",
		[FILTER_PORT] = "expected 0-65535",
		[FILTER_PROTOCOL] = "expected tcp, udp, icmp, ... or 0-255",
		[FILTER_ZONE] = "expected the name of a zone",
		[FILTER_INTERFACE] = "expected the name of an interface",
		[FILTER_REASON] = "expected a drop reason such as policy or no_route",
		[FILTER_TRUE] = "expected true or false",
		[FILTER_FALSE] = "expected true or false",
	};
	int n;

	switch (w->kind) {
	case FILTER_NUMBER:
		snprintf(err, size, "%s: expected %d-%d", w->key, w->min, w->max);
		break;
	case FILTER_NAME:
		snprintf(err, size, "%s: expected at most %d characters", w->key, w->max - 1);
		break;
	case FILTER_CHOICE:
		n = snprintf(err, size, "%s: expected", w->key);
		for (const char *const *c = w->choices; *c != NULL && n > 0 && (size_t)n < size;
			c++)
			n += snprintf(err + n, size - (size_t)n, "%s %s",
				c == w->choices ? ""
				: c[1] == NULL	? " or"
						: ",",
				*c);
		break;
	default:
		snprintf(err, size, "%s: %s", w->key, expected[w->kind]);
		break;
	}
}

bool
filter_compile(const struct filter_word *table, void *out, const json_t *filter,
	const struct snapshot *snapshot, char *err, size_t err_size)
{
	for (const struct filter_word *w = table; filter != NULL && w->word != NULL; w++) {
		const json_t *value = json_object_get(filter, w->key);

		if (value != NULL && !compile_value(w, (char *)out + w->offset, value, snapshot)) {
			say_expected(w, err, err_size);
			return false;
		}
	}
	return true;
}

/* ---- completion ---- */

static int
add_values(const struct filter_word *w, const struct snapshot *s, const char **words, int max)
{
	int n = 0;

	if (w->kind == FILTER_PROTOCOL)
		for (int i = 0; i < PROTOCOLS && n < max; i++)
			words[n++] = protocols[i].name;
	if (w->kind == FILTER_ZONE)
		for (int i = 1; s != NULL && i < MAX_ZONES && n < max; i++)
			if (s->zones[i].priority != 0)
				words[n++] = s->zones[i].name;
	if (w->kind == FILTER_INTERFACE)
		for (uint16_t i = 0; s != NULL && i < s->interface_count && n < max; i++)
			words[n++] = s->interfaces[i].name;
	if (w->kind == FILTER_REASON)
		for (int i = 1; i < DROP_REASON_COUNT && n < max; i++)
			words[n++] = drop_names[i];
	if (w->kind == FILTER_CHOICE)
		for (int i = 0; w->choices[i] != NULL && n < max; i++)
			words[n++] = w->choices[i];
	return n;
}

int
filter_complete(const struct filter_word *table, const char *tail, const struct snapshot *snapshot,
	const char **words, int max)
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
		last = find_word(table, word);
		snprintf(used + strlen(used), sizeof(used) - strlen(used), "%s ", word);
		if (last != NULL && !takes_value(last))
			last = NULL;
	}
	if (last != NULL)
		return add_values(last, snapshot, words, max);
	for (; table->word != NULL && n < max; table++) {
		snprintf(word, sizeof(word), " %s ", table->word);
		if (strstr(used, word) == NULL)
			words[n++] = table->word;
	}
	return n;
}
