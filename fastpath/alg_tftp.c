/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TFTP (RFC 1350, 2347).  The server answers a request from a port of its choice, to the port the
 * request has come from.
 */
#include "alg_text.h"

#include <netinet/in.h>
#include <string.h>

enum tftp_opcode { TFTP_RRQ = 1, TFTP_WRQ = 2 };

/* A string with its zero behind it, of bytes that print (UTF-8 is let pass). */
static bool
string(struct alg_text *t, struct alg_text *s)
{
	const char *zero = memchr(t->at, '\0', alg_text_len(t));

	if (zero == NULL || zero == t->at)
		return false;
	s->at = t->at;
	s->end = zero;
	t->at = zero + 1;
	for (const char *at = s->at; at < s->end; at++) {
		if ((uint8_t)*at < ' ' || *at == '\x7f')
			return false;
	}
	return true;
}

/* RRQ or WRQ, file, mode, then options in pairs. */
static bool
is_request(struct alg_text t)
{
	struct alg_text file, mode, option;

	if (!alg_text_char(&t, '\0') ||
		(!alg_text_char(&t, TFTP_RRQ) && !alg_text_char(&t, TFTP_WRQ)))
		return false;
	if (!string(&t, &file) || !string(&t, &mode))
		return false;
	if (!alg_text_is(&mode, "octet") && !alg_text_is(&mode, "netascii") &&
		!alg_text_is(&mode, "mail"))
		return false;
	while (t.at < t.end) {
		if (!string(&t, &option) || !string(&t, &option))
			return false;
	}
	return true;
}

static uint32_t
scan(unsigned int dir, uint8_t proto, const char *text, uint32_t len, struct alg_findings *found)
{
	struct alg_finding *f;

	(void)proto;
	found->count = 0;
	found->many = false;
	if (dir != 0 || !is_request((struct alg_text){ text, text + len }))
		return ALG_ALIEN;
	f = alg_text_add(found, text, NULL);
	f->what = ALG_EXPECT;
	f->proto = IPPROTO_UDP;
	return len;
}

const struct alg alg_tftp = {
	.name = "tftp",
	.text = "tftp-data",
	.id = ALG_TFTP,
	.proto = { IPPROTO_UDP },
	.port = 69,
	.expect_s = 30,
	.expect_max = 4,
	.scan = scan,
	.print = alg_text_print,
};
