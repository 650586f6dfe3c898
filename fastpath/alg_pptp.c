/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PPTP (RFC 2637).  A message of the control connection is a record of fixed length.  Each side
 * names a call by an id of its own, which the other puts into the GRE packets it sends; so a call
 * id is an endpoint as a port is, and `port` of the findings is one.
 */
#include "alg_text.h"

#include <netinet/in.h>
#include <string.h>

#define HEAD	  12
#define MAGIC	  UINT32_C(0x1a2b3c4d)
#define CONTROL	  1 /* kind of message; there is no other */
#define OWN_ID	  12
#define PEER_ID	  14
#define RESULT	  16
#define CONNECTED 1
#define ANY_DIR	  2

enum { OWN = 1, PEER = 2, ANSWER = 4, END = 8, PEER_FIRST = 16 };

/* Type of message (index), length, who may send it, what is in it. */
static const struct {
	uint16_t len;
	uint8_t dir, has;
} messages[] = {
	[1] = { 156, ANY_DIR, 0 }, /* start */
	[2] = { 156, ANY_DIR, 0 },
	[3] = { 16, ANY_DIR, END }, /* stop */
	[4] = { 16, ANY_DIR, 0 },
	[5] = { 16, ANY_DIR, 0 }, /* echo */
	[6] = { 20, ANY_DIR, 0 },
	[7] = { 168, 0, OWN }, /* outgoing call */
	[8] = { 32, 1, OWN | PEER | ANSWER },
	[9] = { 220, 1, OWN }, /* incoming call */
	[10] = { 24, 0, OWN | PEER | ANSWER },
	[11] = { 28, 1, PEER_FIRST }, /* it is connected */
	[12] = { 16, 0, END },	      /* clear */
	[13] = { 148, 1, END },	      /* disconnected */
	[14] = { 40, 1, PEER_FIRST }, /* errors of the line */
	[15] = { 24, 0, PEER_FIRST }, /* settings of the line */
};

static uint32_t
number(const char *at, unsigned int bytes)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < bytes; i++)
		v = v << 8 | (uint8_t)at[i];
	return v;
}

static void
call_id(struct alg_findings *found, const char *text, uint32_t at, bool hearer)
{
	const struct alg_text where = { text + at, text + at + 2 };
	struct alg_finding *f = alg_text_add(found, text, &where);

	f->what = hearer ? ALG_ADDRESS : ALG_EXPECT;
	f->hearer = hearer;
	f->proto = IPPROTO_GRE;
	memcpy(&f->port, where.at, sizeof(f->port));
	f->call = 1 + number(where.at, 2);
}

static uint32_t
scan(unsigned int dir, uint8_t proto, const char *text, uint32_t len, struct alg_findings *found)
{
	uint32_t type, has;

	(void)proto;
	found->count = 0;
	found->many = false;
	if (len < HEAD)
		return HEAD;
	type = number(text + 8, 2);
	if (number(text + 2, 2) != CONTROL || number(text + 4, 4) != MAGIC || type == 0 ||
		type >= sizeof(messages) / sizeof(messages[0]) ||
		number(text, 2) != messages[type].len)
		return ALG_ALIEN;
	if (len < messages[type].len)
		return messages[type].len;
	has = messages[type].has;
	if (messages[type].dir != ANY_DIR && messages[type].dir != dir)
		return messages[type].len;
	if (has & PEER_FIRST)
		call_id(found, text, OWN_ID, true);
	/* An answer that refuses the call has the id of the question, but none of its own. */
	if (has & OWN && (!(has & ANSWER) || text[RESULT] == CONNECTED))
		call_id(found, text, OWN_ID, false);
	if (has & PEER)
		call_id(found, text, PEER_ID, true);
	if (has & END) {
		struct alg_finding *f = alg_text_add(found, text, NULL);

		f->what = ALG_END;
	}
	return messages[type].len;
}

static uint32_t
print(const struct alg_finding *f, const struct alg_endpoint *to, char *buf, uint32_t size)
{
	(void)f;
	if (size < sizeof(to->port))
		return 0;
	memcpy(buf, &to->port, sizeof(to->port));
	return sizeof(to->port);
}

const struct alg alg_pptp = {
	.name = "pptp",
	.text = "pptp-data",
	.id = ALG_PPTP,
	.proto = { IPPROTO_TCP },
	.port = 1723,
	.expect_s = 60,
	.expect_max = 32,
	.scan = scan,
	.print = print,
};
