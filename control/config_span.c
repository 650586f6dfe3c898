/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsing and printing spans of addresses.  Both families are handled as 16 bytes; an IPv4 address
 * is the last four of them.
 */
#include "config_span.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_TEXT 48

static bool
parse_address(const char *text, struct ip_addr *out)
{
	*out = (struct ip_addr){ 0 };
	if (inet_pton(AF_INET, text, &out->v4) == 1)
		out->family = 4;
	else if (inet_pton(AF_INET6, text, out->v6) == 1)
		out->family = 6;
	return out->family != 0;
}

static uint8_t
bits_of(const struct ip_addr *a)
{
	return a->family == 4 ? 32 : IP6_BITS;
}

static uint8_t *
bytes_of(struct ip_addr *a)
{
	return a->family == 4 ? (uint8_t *)&a->v4 : a->v6;
}

static int
compare(const struct ip_addr *a, const struct ip_addr *b)
{
	struct ip_addr x = *a, y = *b;

	return memcmp(bytes_of(&x), bytes_of(&y), bits_of(a) / 8);
}

/* The last address of the prefix that begins at `first`; false when host bits are set. */
static bool
prefix_end(const struct ip_addr *first, uint8_t len, struct ip_addr *last)
{
	uint8_t *b = bytes_of(last);

	*last = *first;
	for (unsigned int i = 0; i < bits_of(first) / 8U; i++) {
		const unsigned int kept = len > 8 * i ? len - 8 * i : 0;
		const uint8_t host = kept >= 8 ? 0 : (uint8_t)(0xff >> kept);

		if (b[i] & host)
			return false;
		b[i] |= host;
	}
	return true;
}

static bool
parse_prefix(const char *len_text, struct config_span *out, const char **why)
{
	char *end;
	const unsigned long len = strtoul(len_text, &end, 10);

	*why = "has no prefix length in range";
	if (*len_text < '0' || *len_text > '9' || *end != '\0' || len > bits_of(&out->first))
		return false;
	*why = "has host bits set";
	return prefix_end(&out->first, (uint8_t)len, &out->last);
}

bool
config_span_parse(const char *text, struct config_span *out, const char **why)
{
	const size_t n = strcspn(text, "/-");
	char first[ADDRESS_TEXT];

	*why = "is no address, prefix or range";
	if (n >= sizeof(first))
		return false;
	memcpy(first, text, n);
	first[n] = '\0';
	if (!parse_address(first, &out->first))
		return false;
	out->last = out->first;
	if (text[n] == '\0')
		return true;
	if (text[n] == '/')
		return parse_prefix(text + n + 1, out, why);
	if (!parse_address(text + n + 1, &out->last))
		return false;
	*why = "has a last address of another family";
	if (out->last.family != out->first.family)
		return false;
	*why = "ends before it begins";
	return compare(&out->first, &out->last) <= 0;
}

static const char *
address_text(const struct ip_addr *a, char *buf, size_t size)
{
	return a->family == 4 ? inet_ntop(AF_INET, &a->v4, buf, (socklen_t)size)
			      : inet_ntop(AF_INET6, a->v6, buf, (socklen_t)size);
}

const char *
config_span_text(const struct config_span *s, char buf[CONFIG_SPAN_TEXT])
{
	char first[ADDRESS_TEXT], last[ADDRESS_TEXT];
	struct ip_addr end;

	address_text(&s->first, first, sizeof(first));
	if (compare(&s->first, &s->last) == 0) {
		snprintf(buf, CONFIG_SPAN_TEXT, "%s", first);
		return buf;
	}
	for (uint8_t len = 0; len < bits_of(&s->first); len++) {
		if (!prefix_end(&s->first, len, &end) || compare(&end, &s->last) != 0)
			continue;
		snprintf(buf, CONFIG_SPAN_TEXT, "%s/%u", first, len);
		return buf;
	}
	snprintf(buf, CONFIG_SPAN_TEXT, "%s-%s", first, address_text(&s->last, last, sizeof(last)));
	return buf;
}
