/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_says.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SAYS_MAX 4096

static const char *const whats[] = {
	[ALG_EXPECT] = "expect",
	[ALG_ADDRESS] = "address",
	[ALG_LENGTH] = "length",
	[ALG_END] = "end",
};

struct writer {
	char *at, *end;
};

static void __attribute__((format(printf, 2, 3))) put(struct writer *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->at, (size_t)(w->end - w->at), format, args);
	va_end(args);
	assert_true(n >= 0 && n < w->end - w->at);
	w->at += n;
}

static void
put_endpoint(struct writer *w, const struct alg_finding *f)
{
	char addr[INET6_ADDRSTRLEN] = "";

	if (f->proto != 0)
		put(w, " %s",
			f->proto == IPPROTO_TCP	  ? "tcp"
			: f->proto == IPPROTO_UDP ? "udp"
						  : "gre");
	if (f->addr.family != 0)
		inet_ntop(f->addr.family == 6 ? AF_INET6 : AF_INET, f->addr.v6, addr, sizeof(addr));
	else
		strcpy(addr, f->hearer ? "hearer" : "speaker");
	put(w, f->addr.family == 6 ? " [%s]" : " %s", addr);
	if (f->port != 0)
		put(w, ":%u", rte_be_to_cpu_16(f->port));
	else
		put(w, ":*");
	if (f->count != 1)
		put(w, " x%u", f->count);
	if (f->child != 0)
		put(w, " child %u", f->child);
	if (f->anyone)
		put(w, " anyone");
	if (f->seconds != 0)
		put(w, " %us", f->seconds);
}

static void
put_finding(struct writer *w, const struct alg_finding *f, const char *text, uint32_t n)
{
	put(w, "%s", whats[f->what]);
	if (f->what == ALG_LENGTH)
		put(w, " %u", f->number);
	else if (f->what != ALG_END)
		put_endpoint(w, f);
	assert_true(f->at + f->len <= n);
	if (f->len == 0)
		return;
	put(w, " <");
	for (uint32_t i = f->at; i < f->at + f->len; i++)
		put(w, (uint8_t)text[i] < ' ' || text[i] == '\x7f' ? "\\%02x" : "%c",
			(uint8_t)text[i]);
	put(w, ">");
}

const char *
alg_says(const struct alg *alg, unsigned int dir, uint8_t proto, const char *text, size_t len,
	char *buf, size_t size)
{
	struct writer w = { buf, buf + size };
	struct alg_findings found;
	char *block = malloc(len > 0 ? len : 1);
	uint32_t n, at = 0;

	assert_non_null(block);
	memcpy(block, text, len);
	memset(&found, 0xee, sizeof(found));
	n = alg->scan(dir, proto, block, (uint32_t)len, &found);
	if (n == ALG_ALIEN)
		put(&w, "alien");
	else if (n == 0)
		put(&w, "part");
	else if (n > len)
		put(&w, "part of %u", n);
	else
		put(&w, "%u", n);
	if (found.many)
		put(&w, ": many");
	for (uint32_t i = 0; i < found.count; i++) {
		put(&w, i == 0 ? ": " : "; ");
		put_finding(&w, &found.list[i], block, n);
		assert_true(found.list[i].at >= at); /* in order, none over another */
		at = found.list[i].at + found.list[i].len;
	}
	free(block);
	return buf;
}

void
alg_says_row(const struct alg *alg, unsigned int dir, uint8_t proto, const char *text, size_t len,
	const char *want)
{
	char says[SAYS_MAX], twice[2 * SAYS_MAX], counted[SAYS_MAX];
	size_t n;

	if (*want == '=') {
		snprintf(counted, sizeof(counted), "%zu%s", len, want + 1);
		want = counted;
	}
	assert_string_equal(alg_says(alg, dir, proto, text, len, says, sizeof(says)), want);
	n = strtoul(says, NULL, 10);
	if (proto != IPPROTO_TCP || n == 0)
		return;
	for (size_t part = 0; part < n; part++) {
		alg_says(alg, dir, proto, text, part, says, sizeof(says));
		if (strncmp(says, "part", 4) != 0 || strchr(says, ':') != NULL)
			fail_msg("%zu bytes of <%s>: %s", part, text, says);
	}
	assert_true(n + len <= sizeof(twice));
	memcpy(twice, text, n);
	memcpy(twice + n, text, len);
	assert_string_equal(alg_says(alg, dir, proto, twice, n + len, says, sizeof(says)), want);
}

void
alg_says_edited(const struct alg *alg, unsigned int dir, uint8_t proto, const char *text,
	const struct alg_endpoint *to, const char *want)
{
	struct alg_findings found;
	char out[SAYS_MAX], *block;
	const uint32_t len = alg->scan(dir, proto, text, (uint32_t)strlen(text), &found);
	uint32_t n;

	assert_true(len > 0 && len <= strlen(text));
	n = alg_rewrite(alg, text, len, &found, to, out, sizeof(out) - 1);
	if (want == NULL) {
		assert_int_equal(n, 0);
		return;
	}
	out[n] = '\0';
	assert_string_equal(out, want);
	/* A room that is exact is enough, and one byte less is not. */
	block = malloc(n);
	assert_non_null(block);
	assert_int_equal(alg_rewrite(alg, text, len, &found, to, block, n), n);
	assert_memory_equal(block, want, n);
	assert_int_equal(alg_rewrite(alg, text, len, &found, to, block, n - 1), 0);
	free(block);
}

struct alg_endpoint
alg_says_endpoint(const char *addr, uint16_t port)
{
	struct alg_endpoint e = { .port = rte_cpu_to_be_16(port), .given = true };

	e.addr.family = strchr(addr, ':') != NULL ? 6 : 4;
	assert_int_equal(inet_pton(e.addr.family == 6 ? AF_INET6 : AF_INET, addr, e.addr.v6), 1);
	return e;
}
