/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_lines.h"

#include "check.h"

#include <rte_common.h>

#include <netinet/in.h>
#include <string.h>

void
alg_lines_start(struct alg_lines *l, uint32_t seq)
{
	l->next = seq;
	l->skip = 0;
	l->held = 0;
	l->withheld = 0;
	l->need = 0;
	l->on = true;
	l->skip_line = false;
	l->learn = false;
}

void
alg_lines_stop(struct alg_lines *l)
{
	l->on = false;
	l->held = 0;
	l->withheld = 0;
}

struct alg_lines_place
alg_lines_place(const struct alg_lines *l)
{
	return (struct alg_lines_place){
		.next = l->next - l->held, .on = l->on, .known = l->skip == 0 && !l->skip_line
	};
}

void
alg_lines_resume(struct alg_lines *l, const struct alg *alg, const struct alg_lines_place *place)
{
	alg_lines_start(l, place->next);
	l->on = place->on && (place->known || alg->lines);
	l->skip_line = !place->known;
	l->learn = true;
	l->by_line = alg->lines;
}

/* The first text since the session was taken over. */
static void
learn(struct alg_lines *l, uint32_t seq)
{
	l->learn = false;
	if (!l->skip_line && (int32_t)(seq - l->next) <= 0)
		return;
	l->next = seq;
	l->skip_line = l->by_line;
	if (!l->by_line)
		alg_lines_stop(l);
}

void
alg_lines_enter(struct alg_lines *l, struct alg_lines_segment *s)
{
	const uint32_t end = s->seq + s->len;

	s->keep = s->len;
	s->at = s->len;
	if (l->on && s->len > 0 && l->learn)
		learn(l, s->seq);
	if (!l->on || s->len == 0)
		return;
	if ((int32_t)(s->seq - l->next) > 0) {
		s->keep = 0;
		return;
	}
	if ((int32_t)(end - l->next) > 0) {
		s->at = l->next - s->seq;
		return;
	}
	/* Sent again: is it what waits for its rest? */
	if (l->withheld != 0 && (int32_t)(end - (l->next - l->held)) > 0 && --l->withheld != 0) {
		const uint32_t begin = l->next - l->held;

		s->keep = (int32_t)(begin - s->seq) > 0 ? begin - s->seq : 0;
	}
}

/* Pass over what belongs to a message that is too long. */
static void
pass_over(struct alg_lines *l, struct alg_lines_segment *s)
{
	const uint32_t left = s->len - s->at;
	uint32_t n = RTE_MIN(l->skip, left);
	const char *lf;

	l->skip -= n;
	if (l->skip_line && n < left) {
		lf = memchr(s->data + s->at + n, '\n', left - n);
		l->skip_line = lf == NULL;
		n = lf == NULL ? left : (uint32_t)(lf - (s->data + s->at)) + 1;
	}
	s->at += n;
	l->next += n;
}

/* A message of `n` bytes, or without a known end, is longer than what is looked at: from its
 * `known` bytes on. */
static void
too_long(struct alg_lines *l, const struct alg *alg, struct alg_lines_segment *s, uint32_t n,
	uint32_t known)
{
	const uint32_t taken = known - l->held;

	if (n == 0 && !alg->lines) {
		alg_lines_stop(l); /* where it ends cannot be known */
		s->at = s->len;
		return;
	}
	s->at += taken;
	l->next += taken;
	l->skip = n != 0 ? n - known : 0;
	l->skip_line = n == 0;
	l->held = 0;
	l->withheld = 0;
}

/* The rest of the segment waits for more of its message. */
static void
hold(struct alg_lines *l, const struct alg *alg, unsigned int dir, struct alg_lines_segment *s)
{
	const uint32_t left = s->len - s->at;
	const uint32_t begin = s->at >= l->held ? s->at - l->held : 0;

	if (l->held == 0) {
		const bool passes =
			!s->edits || (alg->dull != NULL && alg->dull(dir, s->data + s->at, left));

		l->withheld = passes ? 0 : ALG_LINES_TRIES;
	}
	FW_ASSERT(l->held + left < ALG_LINE_MAX);
	memcpy(l->text + l->held, s->data + s->at, left);
	if (l->withheld != 0)
		s->keep = begin;
	l->held = (uint16_t)(l->held + left);
	l->next += left;
	s->at = s->len;
}

/* Can a message of which a part is held be whole with what has come?  Its text is not read again
 * for each byte of a sender that sends single ones. */
static bool
may_be_whole(const struct alg_lines *l, const struct alg_lines_segment *s, uint32_t known)
{
	if (known == ALG_LINE_MAX || l->held == 0)
		return true;
	if (l->need != 0)
		return known >= l->need;
	return memchr(s->data + s->at, '\n', known - l->held) != NULL;
}

bool
alg_lines_next(struct alg_lines *l, const struct alg *alg, unsigned int dir,
	struct alg_lines_segment *s, struct alg_message *m)
{
	while (l->on && s->at < s->len) {
		uint32_t known = RTE_MIN(l->held + s->len - s->at, (uint32_t)ALG_LINE_MAX), n;

		if (l->skip != 0 || l->skip_line) {
			pass_over(l, s);
			continue;
		}
		if (!may_be_whole(l, s, known)) {
			hold(l, alg, dir, s);
			continue;
		}
		m->text = s->data + s->at;
		if (l->held != 0) {
			memcpy(l->text + l->held, s->data + s->at, known - l->held);
			m->text = l->text;
		}
		n = alg->scan(dir, IPPROTO_TCP, m->text, known, &m->found);
		if (n == ALG_ALIEN || (n > 0 && n <= l->held)) {
			alg_lines_stop(l); /* a whole message would have been one before */
			return false;
		}
		if (n > 0 && n <= known) {
			m->len = n;
			m->seq = l->next - l->held;
			m->editable = l->held == 0 || l->withheld != 0;
			s->at += n - l->held;
			l->next += n - l->held;
			l->held = 0;
			l->withheld = 0;
			return true;
		}
		if (n > ALG_LINE_MAX || known == ALG_LINE_MAX) {
			too_long(l, alg, s, n, known);
			continue;
		}
		l->need = (uint16_t)n;
		hold(l, alg, dir, s);
	}
	return false;
}

void
alg_lines_refuse(struct alg_lines *l, struct alg_lines_segment *s, const struct alg_message *m)
{
	s->at = s->len;
	s->keep = (int32_t)(m->seq - s->seq) > 0 ? m->seq - s->seq : 0;
	l->next = m->seq;
}

bool
alg_lines_acked(struct alg_lines *l, uint32_t ack)
{
	if (!l->on || l->learn)
		return true;
	if ((int32_t)(ack - l->next) > 1) { /* 1: a FIN */
		alg_lines_stop(l);
		return false;
	}
	if ((int32_t)(ack - (l->next - l->held)) > 0)
		l->withheld = 0;
	return true;
}
