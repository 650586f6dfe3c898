/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A description is lines <letter>=<value>: those of the session, then for each stream an m= line
 * and what belongs to it.  The address of a stream is in a c= line behind its m=, or in that of
 * the session.
 */
#include "alg_sdp.h"

#include <netinet/in.h>

struct sdp {
	const char *text;
	struct alg_findings *found;
	struct ip_addr session; /* of the session's c= line */
	bool media;		/* behind an m= line */
	uint32_t first;		/* findings of this stream begin here */
	uint32_t pairs;		/* ports of RTP of this stream; 0: it is not RTP, or not taken */
};

/* "IN IP4 10.0.0.1"; to a group it has /127 behind it. */
static bool
connection(struct alg_text *t, struct ip_addr *addr, struct alg_text *where)
{
	uint32_t family;

	if (!alg_text_word(t, "in ip") || !alg_text_number(t, 6, &family) || !alg_text_char(t, ' '))
		return false;
	where->at = t->at;
	if (family == 4 ? !alg_text_v4(t, addr) : family != 6 || !alg_text_v6(t, addr))
		return false;
	where->end = t->at;
	return t->at == t->end || *t->at == ' ';
}

static bool
mention(struct sdp *s, struct alg_text *t, struct ip_addr *addr)
{
	struct alg_text where;
	struct alg_finding *f;

	if (!connection(t, addr, &where))
		return false;
	f = alg_text_add(s->found, s->text, &where);
	if (f == NULL)
		return false;
	f->what = ALG_ADDRESS;
	f->form = ALG_FORM_HOST;
	f->addr = *addr;
	return true;
}

static void
expect(struct sdp *s, const struct alg_text *where, const struct ip_addr *addr, uint32_t port,
	uint32_t count)
{
	struct alg_finding *f = alg_text_add(s->found, s->text, where);

	if (f == NULL)
		return;
	f->what = ALG_EXPECT;
	f->form = ALG_FORM_PORT;
	f->proto = IPPROTO_UDP;
	f->anyone = true; /* the other phone, whose address the proxy does not have */
	f->addr = *addr;
	f->port = rte_cpu_to_be_16((uint16_t)port);
	f->count = (uint8_t)count;
}

/* o=<name> <id> <version> IN IP4 10.0.0.1 */
static void
origin(struct sdp *s, struct alg_text line)
{
	struct ip_addr addr;

	for (unsigned int i = 0; i < 3; i++) {
		alg_text_until(&line, " ");
		if (!alg_text_char(&line, ' '))
			return;
	}
	mention(s, &line, &addr);
}

static void
contact(struct sdp *s, struct alg_text line)
{
	struct ip_addr addr;

	if (!mention(s, &line, &addr))
		addr = (struct ip_addr){ .family = 0 }; /* on hold, a name, or a group */
	if (!s->media) {
		s->session = addr;
		return;
	}
	for (uint32_t i = s->first; i < s->found->count; i++) {
		if (s->found->list[i].what == ALG_EXPECT)
			s->found->list[i].addr = addr;
	}
}

static bool
is_rtp(struct alg_text proto)
{
	while (proto.at < proto.end) {
		if (alg_text_word(&proto, "rtp/"))
			return true;
		proto.at++;
	}
	return false;
}

/* m=audio 49170[/2] RTP/AVP 0 8 */
static void
media(struct sdp *s, struct alg_text line)
{
	uint32_t port, pairs = 1;
	struct alg_text kind, where, proto;
	bool rtp;

	s->media = true;
	s->first = s->found->count;
	s->pairs = 0;
	kind = alg_text_until(&line, " ");
	if (!alg_text_char(&line, ' '))
		return;
	where.at = line.at;
	if (!alg_text_number(&line, UINT16_MAX, &port) || port == 0)
		return; /* refused, or broken */
	where.end = line.at;
	if (alg_text_char(&line, '/') &&
		(!alg_text_number(&line, ALG_PORTS_MAX / 2, &pairs) || pairs == 0))
		return;
	if (!alg_text_char(&line, ' '))
		return;
	proto = alg_text_until(&line, " ");
	rtp = is_rtp(proto) && (alg_text_is(&kind, "audio") || alg_text_is(&kind, "video") ||
				       alg_text_is(&kind, "text"));
	if (!rtp && !(alg_text_is(&kind, "image") && alg_text_is(&proto, "udptl")))
		return;
	s->pairs = rtp ? pairs : 0;
	expect(s, &where, &s->session, port, rtp ? 2 * pairs : pairs);
}

/* a=rtcp:53020 [IN IP4 10.0.0.1]: RTCP is there, not next to RTP */
static void
attribute(struct sdp *s, struct alg_text line)
{
	struct alg_finding *stream;
	struct alg_text where;
	struct ip_addr addr;
	uint32_t port;

	if (!s->media || s->pairs == 0 || s->first >= s->found->count)
		return;
	if (!alg_text_word(&line, "rtcp:"))
		return;
	where.at = line.at;
	if (!alg_text_number(&line, UINT16_MAX, &port) || port == 0)
		return;
	where.end = line.at;
	stream = &s->found->list[s->first]; /* its m= line comes first */
	addr = stream->addr;
	if (alg_text_char(&line, ' ')) {
		if (!mention(s, &line, &addr))
			return;
	} else if (line.at != line.end) {
		return;
	}
	stream->count = (uint8_t)s->pairs;
	s->pairs = 0; /* once */
	expect(s, &where, &addr, port, 1);
}

/* Streams that have no address. */
static void
drop_unaddressed(struct alg_findings *found, uint32_t first)
{
	uint32_t n = first;

	for (uint32_t i = first; i < found->count; i++) {
		if (found->list[i].what != ALG_EXPECT || found->list[i].addr.family != 0)
			found->list[n++] = found->list[i];
	}
	found->count = n;
}

void
alg_sdp_scan(const char *text, struct alg_text body, struct alg_findings *found)
{
	struct sdp s = { .text = text, .found = found };
	const uint32_t first = found->count;

	while (body.at < body.end && !found->many) {
		struct alg_text line = body;
		char kind;

		if (!alg_text_line(&body, &line))
			body.at = body.end; /* the last one */
		if (alg_text_len(&line) < 2 || line.at[1] != '=')
			continue;
		kind = line.at[0];
		line.at += 2;
		switch (kind) {
		case 'o':
			origin(&s, line);
			break;
		case 'c':
			contact(&s, line);
			break;
		case 'm':
			media(&s, line);
			break;
		case 'a':
			attribute(&s, line);
			break;
		}
	}
	if (!found->many)
		drop_unaddressed(found, first);
}
