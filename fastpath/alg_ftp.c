/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FTP (RFC 959, 2428).  A message is a line of the control connection.  The client announces where
 * it listens by PORT and EPRT, the server by its replies 227 and 229.
 *
 * What is not exactly as the RFCs have it opens nothing.  A line of the client that is not a
 * command ends the looking: so a browser that was made to send a form to this port (its headers
 * come first) or a session that has gone over to TLS.
 */
#include "alg_text.h"

#include <netinet/in.h>
#include <string.h>

#define IAC	  '\xff' /* TELNET: begins an instruction, which is not part of the line */
#define VERB_MIN  3
#define VERB_MAX  4
#define AF_IPV4	  1 /* address family numbers of RFC 2428 */
#define AF_IPV6	  2
#define DELIM_MIN 33 /* what may stand between its fields */
#define DELIM_MAX 126

/* Form of a finding; that of EPRT is its delimiter. */
enum ftp_form { FTP_COMMAS, FTP_PORT };

static void
expect(struct alg_findings *found, const char *text, const struct alg_text *what, uint8_t form,
	const struct ip_addr *addr, uint16_t port)
{
	struct alg_finding *f;

	if (port == 0)
		return;
	f = alg_text_add(found, text, what);
	if (f == NULL)
		return;
	f->what = ALG_EXPECT;
	f->form = form;
	f->proto = IPPROTO_TCP;
	f->addr = *addr;
	f->port = rte_cpu_to_be_16(port);
}

/* h1,h2,h3,h4,p1,p2 */
static bool
commas(struct alg_text *t, struct ip_addr *addr, uint16_t *port)
{
	uint32_t n[6], v4;

	for (unsigned int i = 0; i < 6; i++) {
		if ((i > 0 && !alg_text_char(t, ',')) || !alg_text_number(t, 255, &n[i]))
			return false;
	}
	v4 = n[0] << 24 | n[1] << 16 | n[2] << 8 | n[3];
	*addr = ip_addr_v4(rte_cpu_to_be_32(v4));
	*port = (uint16_t)(n[4] << 8 | n[5]);
	return ip4_is_host(addr->v4);
}

static bool
delimiter(struct alg_text *t, char *d)
{
	if (t->at == t->end || *t->at < DELIM_MIN || *t->at > DELIM_MAX ||
		alg_text_is_digit(*t->at))
		return false;
	*d = *t->at++;
	return true;
}

static void
command_port(const char *text, struct alg_text line, struct alg_findings *found)
{
	struct alg_text what = line;
	struct ip_addr addr;
	uint16_t port;

	if (!commas(&line, &addr, &port) || line.at != line.end)
		return;
	expect(found, text, &what, FTP_COMMAS, &addr, port);
}

/* |1|10.0.0.1|2000| or |2|2001:db8::1|2000|; another byte may stand for each of the bars. */
static void
command_eprt(const char *text, struct alg_text line, struct alg_findings *found)
{
	uint32_t family, port;
	struct alg_text what;
	struct ip_addr addr;
	char d;

	if (!delimiter(&line, &d))
		return;
	what = line;
	if (!alg_text_number(&line, AF_IPV6, &family) || !alg_text_char(&line, d))
		return;
	if (family == AF_IPV4 ? !alg_text_v4(&line, &addr)
			      : family != AF_IPV6 || !alg_text_v6(&line, &addr))
		return;
	if (!alg_text_char(&line, d) || !alg_text_number(&line, UINT16_MAX, &port))
		return;
	what.end = line.at;
	if (!alg_text_char(&line, d) || line.at != line.end)
		return;
	expect(found, text, &what, (uint8_t)d, &addr, (uint16_t)port);
}

/* Six numbers, in parentheses or not; words before them have no digits (RFC 1123 4.1.2.6). */
static void
reply_227(const char *text, struct alg_text line, struct alg_findings *found)
{
	struct alg_text what;
	struct ip_addr addr;
	uint16_t port;
	bool open;

	alg_text_until(&line, "0123456789");
	open = line.at[-1] == '('; /* at least the code is in front of it */
	what = line;
	if (!commas(&line, &addr, &port))
		return;
	what.end = line.at;
	if (open != alg_text_char(&line, ')'))
		return;
	if (line.at < line.end && (*line.at == ',' || alg_text_is_letter(*line.at)))
		return;
	expect(found, text, &what, FTP_COMMAS, &addr, port);
}

/* (|||port|): the address is the one of the control connection. */
static void
reply_229(const char *text, struct alg_text line, struct alg_findings *found)
{
	const struct ip_addr none = { .family = 0 };
	struct alg_text what;
	uint32_t port;
	char d;

	alg_text_until(&line, "(");
	if (!alg_text_char(&line, '(') || !delimiter(&line, &d) || !alg_text_char(&line, d) ||
		!alg_text_char(&line, d))
		return;
	what = line;
	if (!alg_text_number(&line, UINT16_MAX, &port))
		return;
	what.end = line.at;
	if (!alg_text_char(&line, d) || !alg_text_char(&line, ')'))
		return;
	expect(found, text, &what, FTP_PORT, &none, (uint16_t)port);
}

static const struct {
	unsigned int dir;
	const char *word;
	void (*read)(const char *text, struct alg_text line, struct alg_findings *);
} readers[] = {
	{ 0, "port ", command_port },
	{ 0, "eprt ", command_eprt },
	{ 1, "227 ", reply_227 },
	{ 1, "229 ", reply_229 },
};

/* A verb, alone or with a space behind it.  A line that is not whole: can it become one? */
static bool
is_command(const struct alg_text *line, bool whole)
{
	uint32_t n = 0;

	while (n < alg_text_len(line) && alg_text_is_letter(line->at[n]))
		n++;
	if (n > VERB_MAX)
		return false;
	if (n == 0 && !whole && alg_text_is(line, "\r"))
		return true;
	if (n == alg_text_len(line))
		return n >= VERB_MIN || !whole;
	return n >= VERB_MIN && (line->at[n] == ' ' || line->at[n] == '\r');
}

/* A line that is not even the begin of one that announces: long replies, mostly. */
static bool
dull(unsigned int dir, const char *text, uint32_t len)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		const char *word = readers[i].word;
		uint32_t n = 0;

		if (readers[i].dir != dir)
			continue;
		while (n < len && word[n] != '\0' && alg_text_lower(text[n]) == word[n])
			n++;
		if (n == len || word[n] == '\0')
			return false;
	}
	return true;
}

static uint32_t
scan(unsigned int dir, uint8_t proto, const char *text, uint32_t len, struct alg_findings *found)
{
	struct alg_text rest = { text, text + len }, line = rest;
	const bool whole = alg_text_line(&rest, &line);
	const uint32_t n = alg_text_len(&line);

	(void)proto;
	found->count = 0;
	found->many = false;
	/* An interrupt comes in front of its command. */
	if (dir == 0 && n > 0 && *line.at != IAC && !is_command(&line, whole))
		return ALG_ALIEN;
	if (!whole)
		return 0;
	if (memchr(text, IAC, n) != NULL || memchr(text, '\0', n) != NULL ||
		memchr(text, '\r', n) != NULL)
		return (uint32_t)(rest.at - text);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (readers[i].dir == dir && alg_text_word(&line, readers[i].word)) {
			if (dir == 0)
				alg_text_trim(&line);
			readers[i].read(text, line, found);
			break;
		}
	}
	return (uint32_t)(rest.at - text);
}

static uint32_t
print(const struct alg_finding *f, const struct alg_endpoint *to, char *buf, uint32_t size)
{
	const unsigned int port = rte_be_to_cpu_16(to->port);
	const uint32_t v4 = rte_be_to_cpu_32(to->addr.v4);
	const struct alg_finding host = { .form = ALG_FORM_HOST };
	char addr[ALG_PRINT_MAX];

	if (f->form == FTP_PORT)
		return alg_text_put(buf, size, "%u", port);
	if (f->form == FTP_COMMAS)
		return to->addr.family != 4 ? 0
					    : alg_text_put(buf, size, "%u,%u,%u,%u,%u,%u", v4 >> 24,
						      v4 >> 16 & 255, v4 >> 8 & 255, v4 & 255,
						      port >> 8, port & 255);
	if (alg_text_print(&host, to, addr, sizeof(addr)) == 0)
		return 0;
	return alg_text_put(buf, size, "%u%c%s%c%u", to->addr.family == 6 ? AF_IPV6 : AF_IPV4,
		f->form, addr, f->form, port);
}

const struct alg alg_ftp = {
	.name = "ftp",
	.text = "ftp-data",
	.id = ALG_FTP,
	.proto = { IPPROTO_TCP },
	.port = 21,
	.expect_s = 30,
	.expect_max = 4,
	.lines = true,
	.scan = scan,
	.dull = dull,
	.print = print,
};
