/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTSP (RFC 2326).  The client says in SETUP which ports it takes media at, the server repeats them
 * in its reply and adds its own.  Media in the control connection itself (interleaved) is passed
 * over.
 */
#include "alg_text.h"

#include <netinet/in.h>
#include <string.h>

#define VERSION	    "RTSP/1.0 "
#define INTERLEAVED '$'
#define FRAME_HEAD  4 /* $, channel, length */
#define OK_FIRST    200
#define OK_LAST	    299

struct rtsp {
	const char *text;
	struct alg_findings *found;
	unsigned int dir;
	bool setup; /* a SETUP request of the client, or a reply of the server */
	bool has_length;
	uint32_t length;
};

/* "client_port=4588-4589" in either direction, "server_port=" from the server. */
static void
read_ports(struct rtsp *r, struct alg_text value, bool client)
{
	const struct alg_text where = value;
	uint32_t first, last;
	struct alg_finding *f;

	if (!alg_text_number(&value, UINT16_MAX, &first) || first == 0)
		return;
	last = first;
	if (alg_text_char(&value, '-') && !alg_text_number(&value, UINT16_MAX, &last))
		return;
	if (value.at != value.end || last < first || last - first >= ALG_PORTS_MAX)
		return;
	if (!client && r->dir == 0)
		return;
	f = alg_text_add(r->found, r->text, &where);
	if (f == NULL)
		return;
	f->hearer = client && r->dir == 1;
	f->what = f->hearer ? ALG_ADDRESS : ALG_EXPECT;
	f->form = last == first ? ALG_FORM_PORT : ALG_FORM_PORTS;
	f->proto = IPPROTO_UDP;
	f->port = rte_cpu_to_be_16((uint16_t)first);
	f->count = (uint8_t)(last - first + 1);
}

/* "destination=", "source=": an address; a name stays. */
static void
read_host(struct rtsp *r, struct alg_text value, bool client)
{
	const struct alg_text where = value;
	struct alg_finding *f;
	struct ip_addr addr;

	if ((!alg_text_v4(&value, &addr) && !alg_text_v6(&value, &addr)) || value.at != value.end)
		return;
	f = alg_text_add(r->found, r->text, &where);
	if (f == NULL)
		return;
	f->what = ALG_ADDRESS;
	f->form = ALG_FORM_HOST;
	f->addr = addr;
	f->hearer = client == (r->dir == 1);
}

static const struct {
	const char *name;
	bool client; /* it is about the client's end */
	void (*read)(struct rtsp *, struct alg_text value, bool client);
} parameters[] = {
	{ "client_port", true, read_ports },
	{ "server_port", false, read_ports },
	{ "destination", true, read_host },
	{ "source", false, read_host },
};

/* A destination that is not where the client is takes the ports with it: whose they are is then
 * said by its address. */
static void
give_address(struct alg_findings *found, uint32_t first)
{
	for (uint32_t i = first; i < found->count; i++) {
		const struct alg_finding *host = &found->list[i];

		if (host->form != ALG_FORM_HOST)
			continue;
		for (uint32_t k = first; k < found->count; k++) {
			struct alg_finding *f = &found->list[k];

			if (f->form != ALG_FORM_HOST && f->hearer == host->hearer)
				f->addr = host->addr;
		}
	}
}

/* Transport: RTP/AVP;unicast;client_port=4588-4589, RTP/AVP/TCP;interleaved=0-1 */
static void
read_transport(struct rtsp *r, struct alg_text list)
{
	struct alg_text item;

	while (!r->found->many && alg_text_list(&list, &item)) {
		const uint32_t first = r->found->count;
		struct alg_text word = alg_text_until(&item, ";");

		if (!alg_text_is(&word, "rtp/avp") && !alg_text_is(&word, "rtp/avp/udp"))
			continue;
		while (alg_text_char(&item, ';')) {
			struct alg_text value = alg_text_until(&item, ";"), name;

			name = alg_text_until(&value, "=");
			alg_text_char(&value, '=');
			alg_text_trim(&name);
			alg_text_trim(&value);
			for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
				if (alg_text_is(&name, parameters[i].name))
					parameters[i].read(r, value, parameters[i].client);
			}
		}
		give_address(r->found, first);
	}
}

/* A frame of media: => its length, that of its head while this is not whole */
static uint32_t
frame(const char *text, uint32_t len)
{
	if (len < FRAME_HEAD)
		return FRAME_HEAD;
	return FRAME_HEAD + ((uint32_t)(uint8_t)text[2] << 8 | (uint8_t)text[3]);
}

static uint32_t
scan(unsigned int dir, uint8_t proto, const char *text, uint32_t len, struct alg_findings *found)
{
	struct rtsp r = { .text = text, .found = found, .dir = dir };
	struct alg_text rest = { text, text + len }, method = rest, target, name, value;
	enum alg_start start;
	bool whole, ends;
	uint32_t status = 0;

	(void)proto;
	found->count = 0;
	found->many = false;
	if (len == 0)
		return 0;
	if (*text == INTERLEAVED)
		return frame(text, len);
	if (*text == '\r' || *text == '\n')
		return 1;
	start = alg_text_start(&rest, VERSION, &method, &target, &status);
	if (start == ALG_START_ALIEN || start == ALG_START_PART)
		return start == ALG_START_PART ? 0 : ALG_ALIEN;
	r.setup = start == ALG_START_REQUEST ? dir == 0 && alg_text_is(&method, "setup")
					     : dir == 1 && status >= OK_FIRST && status <= OK_LAST;
	ends = start == ALG_START_REQUEST && alg_text_is(&method, "teardown");
	while (alg_text_header(&rest, &name, &value, &whole)) {
		if (alg_text_is(&name, "content-length") &&
			!alg_text_length(&value, &r.has_length, &r.length)) {
			found->count = 0;
			return ALG_ALIEN;
		}
		if (r.setup && alg_text_is(&name, "transport"))
			read_transport(&r, value);
	}
	if (!whole || r.length > alg_text_len(&rest)) {
		found->count = 0;
		return whole ? (uint32_t)(rest.at - text) + r.length : 0;
	}
	if (ends) {
		struct alg_finding *f = alg_text_add(found, text, NULL);

		if (f != NULL)
			f->what = ALG_END;
	}
	return (uint32_t)(rest.at - text) + r.length;
}

const struct alg alg_rtsp = {
	.name = "rtsp",
	.text = "rtsp-media",
	.id = ALG_RTSP,
	.proto = { IPPROTO_TCP },
	.port = 554,
	.expect_s = 60,
	.expect_max = 32,
	.scan = scan,
	.print = alg_text_print,
};
