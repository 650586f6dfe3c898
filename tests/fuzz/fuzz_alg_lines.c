/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text of a stream in any segments.  Input: which ALG and whether text is edited, then segments:
 * two bytes of place (back from what has come, or in front of it), one of length, and the text they
 * lie in is the input itself, so that what is sent again is mostly the same.
 *
 * What must hold: messages follow each other without gap or overlap, but for what is passed over;
 * nothing of a message that can be edited has been let pass before it was whole.
 */
#include "alg_lines.h"
#include "fuzz_check.h"

#include <stdint.h>
#include <string.h>

#define BASE	 UINT32_C(0xfffffe00) /* numbers wrap soon */
#define SEGMENT	 3
#define SEGMENTS 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the receiver has of the stream. */
struct passed {
	const uint8_t *data;
	size_t size;
	uint32_t read; /* messages so far end here */
	bool has[UINT16_MAX];
};

static void
check_message(struct passed *p, const struct alg_message *m, bool edits)
{
	const uint32_t at = m->seq - BASE;

	FUZZ_CHECK(at >= p->read && m->len > 0 && m->len <= ALG_LINE_MAX,
		"a message at %u, %u long, behind %u", at, m->len, p->read);
	for (uint32_t i = 0; i < m->len; i++) {
		FUZZ_CHECK((uint8_t)m->text[i] == p->data[(at + i) % p->size], "byte %u", at + i);
		FUZZ_CHECK(!edits || !m->editable || !p->has[at + i], "byte %u has gone", at + i);
	}
	p->read = at + m->len;
}

static void
feed(struct alg_lines *l, const struct alg *alg, unsigned int dir, bool edits, struct passed *p,
	uint32_t at, uint32_t len, uint8_t choice)
{
	char *block = malloc(len != 0 ? len : 1);
	struct alg_lines_segment s = {
		.seq = BASE + at, .len = len, .data = block, .edits = edits
	};
	struct alg_message m;

	FUZZ_CHECK(block != NULL, "out of memory");
	for (uint32_t i = 0; i < len; i++)
		block[i] = (char)p->data[(at + i) % p->size];
	alg_lines_enter(l, &s);
	while (alg_lines_next(l, alg, dir, &s, &m)) {
		if (m.editable && choice == 0) {
			alg_lines_refuse(l, &s, &m);
			break;
		}
		check_message(p, &m, edits);
	}
	FUZZ_CHECK(s.keep <= s.len && l->held < ALG_LINE_MAX, "%u of %u go", s.keep, s.len);
	for (uint32_t i = 0; i < s.keep; i++)
		p->has[at + i] = true;
	free(block);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct alg_lines lines;
	static struct passed p;
	static const enum alg_id ids[] = { ALG_FTP, ALG_SIP, ALG_RTSP, ALG_PPTP };
	uint32_t next = 0, segments = 0;

	if (size < 1 + SEGMENT)
		return 0;
	memset(&p, 0, sizeof(p));
	p.data = data + 1;
	p.size = size - 1;
	alg_lines_start(&lines, BASE);
	for (size_t i = 0; segments++ < SEGMENTS; i = (i + SEGMENT) % (p.size - SEGMENT + 1)) {
		const uint8_t *r = p.data + i;
		/* mostly what comes next */
		const int32_t place =
			(int32_t)next + (r[0] < 128 ? 0 : (int8_t)r[0] / 2 + r[1] % 32);
		const uint32_t at = place > 0 ? (uint32_t)place : 0;
		const uint32_t len = r[2] + (r[0] % 16 == 7 ? 3000U : 0);

		if (at + len >= UINT16_MAX)
			break;
		feed(&lines, alg_of(ids[data[0] & 3]), data[0] >> 2 & 1, data[0] >> 3 & 1, &p, at,
			len, r[0] % 32);
		if (lines.on)
			next = lines.next - BASE;
	}
	return 0;
}
