/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define METHOD_MIN 3
#define METHOD_MAX 16
#define LENGTH_MAX (1u << 24) /* of a body; nobody sends more by these protocols */
#define FNV_BASIS  UINT32_C(2166136261)
#define FNV_PRIME  UINT32_C(16777619)

bool
alg_text_word(struct alg_text *t, const char *word)
{
	const char *at = t->at;

	for (; *word != '\0'; word++, at++) {
		if (at == t->end || alg_text_lower(*at) != *word)
			return false;
	}
	t->at = at;
	return true;
}

bool
alg_text_is(const struct alg_text *t, const char *word)
{
	struct alg_text rest = *t;

	return alg_text_word(&rest, word) && rest.at == rest.end;
}

bool
alg_text_number(struct alg_text *t, uint32_t max, uint32_t *value)
{
	const char *at = t->at;
	uint64_t v = 0;

	while (at < t->end && alg_text_is_digit(*at) && v <= max)
		v = v * 10 + (uint64_t)(*at++ - '0');
	if (at == t->at || v > max || (*t->at == '0' && at - t->at > 1))
		return false;
	t->at = at;
	*value = (uint32_t)v;
	return true;
}

/* Text of these letters as an address of that family. */
static bool
address(struct alg_text *t, const char *letters, int family, void *out)
{
	char copy[INET6_ADDRSTRLEN];
	uint32_t n = 0;

	while (n < alg_text_len(t) && t->at[n] != '\0' &&
		strchr(letters, alg_text_lower(t->at[n])) != NULL)
		n++;
	if (n == 0 || n >= sizeof(copy))
		return false;
	memcpy(copy, t->at, n);
	copy[n] = '\0';
	if (inet_pton(family, copy, out) != 1)
		return false;
	t->at += n;
	return true;
}

bool
alg_text_v4(struct alg_text *t, struct ip_addr *addr)
{
	struct alg_text rest = *t;
	rte_be32_t v4;

	if (!address(&rest, "0123456789.", AF_INET, &v4) || !ip4_is_host(v4))
		return false;
	*addr = ip_addr_v4(v4);
	*t = rest;
	return true;
}

bool
alg_text_v6(struct alg_text *t, struct ip_addr *addr)
{
	struct alg_text rest = *t;
	uint8_t v6[IP6_LEN];

	if (!address(&rest, "0123456789abcdef:.", AF_INET6, v6) || !ip6_is_host(v6))
		return false;
	*addr = ip_addr_v6(v6);
	*t = rest;
	return true;
}

bool
alg_text_line(struct alg_text *t, struct alg_text *line)
{
	const char *lf = memchr(t->at, '\n', alg_text_len(t));

	if (lf == NULL)
		return false;
	line->at = t->at;
	line->end = lf > t->at && lf[-1] == '\r' ? lf - 1 : lf;
	t->at = lf + 1;
	return true;
}

struct alg_text
alg_text_until(struct alg_text *t, const char *bytes)
{
	struct alg_text part = { t->at, t->at };

	while (part.end < t->end && (*part.end == '\0' || strchr(bytes, *part.end) == NULL))
		part.end++;
	t->at = part.end;
	return part;
}

static bool
is_method(const struct alg_text *t)
{
	for (const char *at = t->at; at < t->end; at++) {
		if ((*at < 'A' || *at > 'Z') && *at != '_')
			return false;
	}
	return alg_text_len(t) <= METHOD_MAX;
}

/* `version` without its last `less` bytes, exactly so written. */
static bool
starts_with(struct alg_text *t, const char *version, size_t less)
{
	const size_t n = strlen(version) - less;

	if (alg_text_len(t) < n || memcmp(t->at, version, n) != 0)
		return false;
	t->at += n;
	return true;
}

enum alg_start
alg_text_start(struct alg_text *t, const char *version, struct alg_text *method,
	struct alg_text *target, uint32_t *status)
{
	const size_t n = strlen(version);
	struct alg_text line = *t;
	const bool whole = alg_text_line(t, &line);
	bool reply;

	if (!whole && alg_text_len(&line) < n && memcmp(line.at, version, alg_text_len(&line)) == 0)
		return ALG_START_PART;
	reply = starts_with(&line, version, 0);
	if (reply) {
		if (!whole)
			return ALG_START_PART;
		if (!alg_text_number(&line, 699, status) || *status < 100)
			return ALG_START_ALIEN;
		return ALG_START_REPLY;
	}
	*method = alg_text_until(&line, " ");
	if (!is_method(method) || (whole && alg_text_len(method) < METHOD_MIN))
		return ALG_START_ALIEN;
	if (!whole)
		return ALG_START_PART;
	if (!alg_text_char(&line, ' '))
		return ALG_START_ALIEN;
	*target = alg_text_until(&line, " ");
	if (!alg_text_char(&line, ' ') || !starts_with(&line, version, 1) || line.at != line.end)
		return ALG_START_ALIEN;
	return ALG_START_REQUEST;
}

bool
alg_text_header(struct alg_text *t, struct alg_text *name, struct alg_text *value, bool *whole)
{
	struct alg_text line;

	*whole = alg_text_line(t, &line);
	if (!*whole || line.at == line.end)
		return false;
	/* Folded: the next line begins with a blank.  At the end of the text that is not known. */
	while (t->at < t->end && (*t->at == ' ' || *t->at == '\t')) {
		struct alg_text more;

		*whole = alg_text_line(t, &more);
		if (!*whole)
			return false;
		line.end = more.end;
	}
	*whole = t->at < t->end;
	if (!*whole)
		return false;
	*value = line;
	*name = alg_text_until(value, ":");
	if (!alg_text_char(value, ':'))
		name->end = name->at;
	alg_text_trim(name);
	alg_text_trim(value);
	return true;
}

/* => behind the closing quote; the end when there is none */
static const char *
behind_quotes(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\' && end - at > 1)
			at++;
	}
	return at < end ? at + 1 : end;
}

bool
alg_text_list(struct alg_text *t, struct alg_text *item)
{
	const char *at;

	while (alg_text_char(t, ','))
		;
	if (t->at == t->end)
		return false;
	at = t->at;
	while (at < t->end && *at != ',') {
		if (*at == '"')
			at = behind_quotes(at, t->end);
		else if (*at == '<')
			while (at < t->end && *at != '>')
				at++;
		else
			at++;
	}
	item->at = t->at;
	item->end = at;
	t->at = at;
	alg_text_trim(item);
	return true;
}

bool
alg_text_length(const struct alg_text *value, bool *seen, uint32_t *length)
{
	struct alg_text rest = *value;
	const bool first = !*seen;

	*seen = true;
	return first && alg_text_number(&rest, LENGTH_MAX, length) && rest.at == rest.end;
}

struct alg_finding *
alg_text_add(struct alg_findings *found, const char *text, const struct alg_text *what)
{
	const uint16_t at = what != NULL ? (uint16_t)(what->at - text) : 0;
	uint32_t i = found->count;

	if (found->many || i == ALG_FINDINGS_MAX) {
		found->many = true;
		found->count = 0;
		return NULL;
	}
	for (; i > 0 && found->list[i - 1].at > at; i--)
		found->list[i] = found->list[i - 1];
	found->count++;
	found->list[i] = (struct alg_finding){
		.at = at, .len = what != NULL ? (uint16_t)alg_text_len(what) : 0, .count = 1
	};
	return &found->list[i];
}

uint32_t
alg_text_hash(const struct alg_text *t)
{
	uint32_t hash = FNV_BASIS;

	for (const char *at = t->at; at < t->end; at++)
		hash = (hash ^ (uint8_t)*at) * FNV_PRIME;
	return hash != 0 ? hash : 1;
}

uint32_t
alg_text_put(char *buf, uint32_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(buf, size, format, args);
	va_end(args);
	return n > 0 && (uint32_t)n < size ? (uint32_t)n : 0;
}

uint32_t
alg_text_print(const struct alg_finding *f, const struct alg_endpoint *to, char *buf, uint32_t size)
{
	const bool v6 = to->addr.family == 6;
	const unsigned int port = rte_be_to_cpu_16(to->port);
	char addr[INET6_ADDRSTRLEN];

	switch ((enum alg_form)f->form) {
	case ALG_FORM_PORT:
		return alg_text_put(buf, size, "%u", port);
	case ALG_FORM_PORTS:
		return alg_text_put(buf, size, "%u-%u", port, port + f->count - 1);
	case ALG_FORM_HOST:
	case ALG_FORM_HOST_PORT:
		break;
	}
	if (to->addr.family == 0)
		return 0;
	if (inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? (const void *)to->addr.v6 : &to->addr.v4, addr,
		    sizeof(addr)) == NULL)
		return 0;
	if (f->form == ALG_FORM_HOST)
		return alg_text_put(buf, size, "%s", addr);
	return alg_text_put(buf, size, v6 ? "[%s]:%u" : "%s:%u", addr, port);
}
