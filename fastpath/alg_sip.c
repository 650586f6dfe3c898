/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SIP (RFC 3261) over UDP and TCP.  A message is its headers and a body of Content-Length bytes; a
 * session description in it says where media is expected.
 *
 * What names an endpoint by its address is mentioned: where a request goes to (Request-URI, Route),
 * the way its answer takes (Via, with what a server has noted there: received, rport), where the
 * caller can be found (Contact, Record-Route).  From and To are names and stay.  Who registers
 * takes calls at its Contact.
 */
#include "alg_sdp.h"
#include "alg_text.h"

#include <netinet/in.h>
#include <string.h>

#define VERSION	     "SIP/2.0 "
#define PORT	     5060
#define PORT_TLS     5061
#define REGISTER_S   3600 /* how long a registration lasts that does not say it (RFC 3261 10.2) */
#define FAILED	     300  /* replies from here on refuse */
#define NO_TIME	     UINT16_MAX
#define LONGEST	     (UINT16_MAX - 1)
#define NUMBER_LIMIT UINT32_C(0xfffffffe)

enum sip_header {
	SIP_OTHER,
	SIP_CALL_ID,
	SIP_CONTACT,
	SIP_CSEQ,
	SIP_EXPIRES,
	SIP_LENGTH,
	SIP_ROUTE,
	SIP_TYPE,
	SIP_VIA
};

static const struct {
	const char *name;
	enum sip_header header;
} headers[] = {
	{ "via", SIP_VIA },
	{ "v", SIP_VIA },
	{ "contact", SIP_CONTACT },
	{ "m", SIP_CONTACT },
	{ "record-route", SIP_ROUTE },
	{ "route", SIP_ROUTE },
	{ "call-id", SIP_CALL_ID },
	{ "i", SIP_CALL_ID },
	{ "content-length", SIP_LENGTH },
	{ "l", SIP_LENGTH },
	{ "content-type", SIP_TYPE },
	{ "c", SIP_TYPE },
	{ "cseq", SIP_CSEQ },
	{ "expires", SIP_EXPIRES },
};

struct sip {
	const char *text;
	struct alg_findings *found;
	uint8_t proto;
	bool registers, ends, has_length, is_sdp;
	uint32_t status; /* of a reply; 0: a request */
	uint32_t length;
	uint16_t expires;
	uint32_t call;
	struct alg_text length_text;
};

struct sip_uri {
	struct alg_text where; /* host and port */
	struct ip_addr addr;
	uint16_t port;
	uint8_t proto; /* 0: one that we do not look into */
};

static struct alg_finding *
mention(struct sip *s, const struct alg_text *where, uint8_t form, const struct ip_addr *addr,
	uint16_t port)
{
	struct alg_finding *f = alg_text_add(s->found, s->text, where);

	if (f == NULL)
		return NULL;
	f->what = ALG_ADDRESS;
	f->form = form;
	f->addr = *addr;
	f->port = rte_cpu_to_be_16(port);
	return f;
}

/* An address, or [address] of IPv6; nothing that is part of a name may stand behind it. */
static bool
host(struct alg_text *t, struct ip_addr *addr)
{
	struct alg_text rest = *t;

	if (alg_text_char(&rest, '[') ? !alg_text_v6(&rest, addr) || !alg_text_char(&rest, ']')
				      : !alg_text_v4(&rest, addr))
		return false;
	if (rest.at < rest.end && (alg_text_is_letter(*rest.at) || *rest.at == '-'))
		return false;
	*t = rest;
	return true;
}

static bool
host_port(struct alg_text *t, struct sip_uri *uri, uint16_t port)
{
	uint32_t v = port;

	uri->where.at = t->at;
	if (!host(t, &uri->addr))
		return false;
	if (alg_text_char(t, ':') && (!alg_text_number(t, UINT16_MAX, &v) || v == 0))
		return false;
	uri->port = (uint16_t)v;
	uri->where.end = t->at;
	return t->at == t->end || strchr(";?>, \t\r\n", *t->at) != NULL;
}

/* The next of ;name=value;name, `value` empty without one. */
static bool
parameter(struct alg_text *t, struct alg_text *name, struct alg_text *value)
{
	struct alg_text item;

	if (!alg_text_char(t, ';'))
		return false;
	item = alg_text_until(t, ";");
	*name = alg_text_until(&item, "=");
	alg_text_char(&item, '=');
	*value = item;
	alg_text_trim(name);
	alg_text_trim(value);
	return true;
}

/* sip:user@host:port;transport=udp?header */
static bool
read_uri(const struct sip *s, struct alg_text t, struct sip_uri *uri)
{
	struct alg_text name, value, plain = t;
	const char *user;
	bool tls;

	tls = alg_text_word(&t, "sips:");
	if (!tls && !alg_text_word(&t, "sip:"))
		return false;
	plain.at = t.at;
	plain = alg_text_until(&plain, "?");
	user = memrchr(plain.at, '@', alg_text_len(&plain));
	if (user != NULL)
		plain.at = user + 1;
	if (!host_port(&plain, uri, tls ? PORT_TLS : PORT))
		return false;
	uri->proto = tls ? 0 : s->proto;
	while (parameter(&plain, &name, &value)) {
		if (tls || !alg_text_is(&name, "transport"))
			continue;
		uri->proto = alg_text_is(&value, "udp")	  ? IPPROTO_UDP
			     : alg_text_is(&value, "tcp") ? IPPROTO_TCP
							  : 0;
	}
	return true;
}

/* "Name" <uri>;parameters, or uri;parameters. */
static struct alg_text
split_name(struct alg_text *item)
{
	struct alg_text uri;

	if (item->at < item->end && *item->at == '"') {
		item->at++;
		while (item->at < item->end && *item->at != '"')
			item->at += *item->at == '\\' && item->end - item->at > 1 ? 2 : 1;
	}
	uri = alg_text_until(item, "<");
	if (!alg_text_char(item, '<')) { /* without brackets all parameters are the header's */
		*item = uri;
		return alg_text_until(item, ";");
	}
	uri = alg_text_until(item, ">");
	alg_text_char(item, '>');
	alg_text_blanks(item);
	return uri;
}

static uint16_t
seconds(struct alg_text value)
{
	uint32_t s;

	if (!alg_text_number(&value, NUMBER_LIMIT, &s) || value.at != value.end)
		return REGISTER_S;
	return s > LONGEST ? LONGEST : (uint16_t)s;
}

/* Contact, Route, Record-Route: a list of names. */
static void
read_names(struct sip *s, struct alg_text list, bool contact)
{
	struct alg_text item;

	while (alg_text_list(&list, &item)) {
		const struct alg_text target = split_name(&item);
		struct alg_text name, value;
		struct alg_finding *f;
		struct sip_uri uri;

		if (!read_uri(s, target, &uri))
			continue;
		f = mention(s, &uri.where, ALG_FORM_HOST_PORT, &uri.addr, uri.port);
		if (f == NULL)
			return;
		if (!contact || !s->registers || uri.proto == 0)
			continue;
		f->what = ALG_EXPECT;
		f->proto = uri.proto;
		f->child = ALG_SIP;
		f->seconds = NO_TIME;
		while (parameter(&item, &name, &value)) {
			if (alg_text_is(&name, "expires"))
				f->seconds = seconds(value);
		}
	}
}

/* SIP/2.0/UDP host:port;received=address;rport=port: received and rport are what a server has seen
 * of who sent it. */
static void
read_via(struct sip *s, struct alg_text list)
{
	struct alg_text item;

	while (alg_text_list(&list, &item)) {
		struct alg_text name, value, received = { NULL, NULL }, rport = { NULL, NULL };
		struct ip_addr seen;
		struct sip_uri sent;
		uint32_t port;

		alg_text_until(&item, " \t\r\n");
		alg_text_blanks(&item);
		if (!host_port(&item, &sent, PORT)) {
			sent.addr.family = 0;
			alg_text_until(&item, ";");
		} else if (mention(s, &sent.where, ALG_FORM_HOST_PORT, &sent.addr, sent.port) ==
			   NULL) {
			return;
		}
		alg_text_blanks(&item);
		seen = sent.addr;
		port = sent.addr.family != 0 ? sent.port : PORT;
		while (parameter(&item, &name, &value)) {
			if (alg_text_is(&name, "received"))
				received = value;
			else if (alg_text_is(&name, "rport"))
				rport = value;
		}
		value = rport;
		if (rport.at == NULL || !alg_text_number(&value, UINT16_MAX, &port) ||
			value.at != value.end)
			rport.at = NULL;
		value = received;
		if (received.at != NULL &&
			(alg_text_v4(&value, &seen) || alg_text_v6(&value, &seen) ||
				host(&value, &seen)) &&
			value.at == value.end)
			mention(s, &received, ALG_FORM_HOST, &seen, (uint16_t)port);
		if (rport.at != NULL && seen.family != 0)
			mention(s, &rport, ALG_FORM_PORT, &seen, (uint16_t)port);
	}
}

/* The method of a reply's request: one that failed to begin a call ends it. */
static void
read_cseq(struct sip *s, struct alg_text value)
{
	uint32_t number;

	if (s->status < FAILED || !alg_text_number(&value, UINT32_MAX - 1, &number))
		return;
	alg_text_blanks(&value);
	s->ends = alg_text_is(&value, "invite");
}

static enum sip_header
header_of(const struct alg_text *name)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (alg_text_is(name, headers[i].name))
			return headers[i].header;
	}
	return SIP_OTHER;
}

/* => false: the message cannot be told from what is behind it */
static bool
read_header(struct sip *s, const struct alg_text *name, struct alg_text value)
{
	switch (header_of(name)) {
	case SIP_VIA:
		read_via(s, value);
		break;
	case SIP_CONTACT:
		read_names(s, value, true);
		break;
	case SIP_ROUTE:
		read_names(s, value, false);
		break;
	case SIP_CALL_ID:
		s->call = alg_text_hash(&value);
		break;
	case SIP_LENGTH:
		s->length_text = value;
		return alg_text_length(&value, &s->has_length, &s->length);
	case SIP_TYPE:
		s->is_sdp = alg_text_word(&value, "application/sdp") &&
			    (value.at == value.end || strchr("; \t", *value.at) != NULL);
		break;
	case SIP_CSEQ:
		read_cseq(s, value);
		break;
	case SIP_EXPIRES:
		s->expires = seconds(value);
		break;
	case SIP_OTHER:
		break;
	}
	return true;
}

/* What is known of all findings only now. */
static void
finish(struct sip *s, struct alg_text body)
{
	struct alg_findings *found = s->found;
	struct alg_finding *f;

	for (uint32_t i = 0; i < found->count; i++) {
		f = &found->list[i];
		if (f->what != ALG_EXPECT)
			continue;
		if (f->seconds == NO_TIME)
			f->seconds = s->expires;
		if (f->seconds == 0)
			f->what = ALG_ADDRESS; /* it ends a registration */
	}
	if (s->is_sdp && body.at < body.end) {
		if (s->has_length) {
			f = alg_text_add(found, s->text, &s->length_text);
			if (f != NULL) {
				f->what = ALG_LENGTH;
				f->number = (uint16_t)s->length;
			}
		}
		alg_sdp_scan(s->text, body, found);
	}
	if (s->ends) {
		f = alg_text_add(found, s->text, NULL);
		if (f != NULL)
			f->what = ALG_END;
	}
	for (uint32_t i = 0; i < found->count; i++)
		found->list[i].call = s->call;
}

static uint32_t
scan(unsigned int dir, uint8_t proto, const char *text, uint32_t len, struct alg_findings *found)
{
	struct sip s = { .text = text, .found = found, .proto = proto, .expires = REGISTER_S };
	struct alg_text rest = { text, text + len }, method, target, name, value, body;
	const bool stream = proto == IPPROTO_TCP;
	const uint32_t unfinished = stream ? 0 : ALG_ALIEN;
	enum alg_start start;
	struct sip_uri uri;
	uint32_t n;
	bool whole;

	(void)dir;
	found->count = 0;
	found->many = false;
	if (len == 0)
		return unfinished;
	/* Blank lines between messages of a stream keep it alive (RFC 5626 3.5.1). */
	if (*text == '\r' || *text == '\n')
		return stream ? 1 : ALG_ALIEN;
	start = alg_text_start(&rest, VERSION, &method, &target, &s.status);
	if (start == ALG_START_ALIEN || start == ALG_START_PART)
		return start == ALG_START_PART ? unfinished : ALG_ALIEN;
	if (start == ALG_START_REQUEST) {
		s.registers = alg_text_is(&method, "register");
		s.ends = alg_text_is(&method, "bye") || alg_text_is(&method, "cancel");
		if (read_uri(&s, target, &uri))
			mention(&s, &uri.where, ALG_FORM_HOST_PORT, &uri.addr, uri.port);
	}
	while (alg_text_header(&rest, &name, &value, &whole)) {
		if (!read_header(&s, &name, value)) {
			found->count = 0;
			return ALG_ALIEN;
		}
	}
	n = alg_text_len(&rest); /* bytes behind the headers */
	if (whole && !stream && !s.has_length)
		s.length = n;
	if (!whole || s.length > n) {
		found->count = 0;
		return !whole || !stream ? unfinished : (uint32_t)(rest.at - text) + s.length;
	}
	body.at = rest.at;
	body.end = rest.at + s.length;
	finish(&s, body);
	return (uint32_t)(body.end - text);
}

const struct alg alg_sip = {
	.name = "sip",
	.text = "sip-media",
	.id = ALG_SIP,
	.proto = { IPPROTO_UDP, IPPROTO_TCP },
	.port = PORT,
	.expect_s = 180,
	.expect_max = 512,
	.scan = scan,
	.print = alg_text_print,
};
