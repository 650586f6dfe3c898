/* SPDX-License-Identifier: BSD-3-Clause */
#include "hrp_check.h"

#include <rte_common.h>

#include <string.h>

#define PARTS	   1024 /* of a table, if they are neither smaller nor larger than these */
#define PLACES_MIN 256
#define PLACES_MAX 4096
#define ANSWER_MS  500 /* without an answer the question is put again */
#define HOLD	   2   /* rounds after a repair that did not help; doubles */
#define HOLD_MAX   16

static_assert(HRP_CAPACITY_MAX / PLACES_MAX <= HRP_CHECK_PARTS, "a hold for each part");

/* ---- the box that asks ---- */

void
hrp_check_begin(struct hrp_check *c, uint32_t capacity, mono_t now)
{
	const uint32_t wanted = rte_align32pow2(RTE_MAX(capacity / PARTS, 1u));

	c->step = CHECK_IDLE;
	c->capacity = capacity;
	c->first = 0;
	c->places = RTE_MIN(RTE_MAX(wanted, (uint32_t)PLACES_MIN), (uint32_t)PLACES_MAX);
	c->again = c->unproved = false;
	c->due = now;
	memset(c->hold, 0, sizeof(c->hold));
}

void
hrp_check_stop(struct hrp_check *c)
{
	c->step = CHECK_OFF;
}

static uint32_t
places_of(const struct hrp_check *c)
{
	return RTE_MIN(c->places, c->capacity - c->first);
}

static bool
put(struct hrp_check *c, const struct hrp_checked *k, enum hrp_op op, const struct repl_digest *d,
	mono_t now)
{
	c->asked = (struct hrp_part){ .first = rte_cpu_to_be_32(c->first),
		.places = rte_cpu_to_be_32(places_of(c)),
		.number = rte_cpu_to_be_32(c->number + 1),
		.count = rte_cpu_to_be_32(d->count),
		.digest = rte_cpu_to_be_64(d->sum),
		.content = rte_cpu_to_be_64(d->content) };
	if (!hrp_stream_part(k->stream, k->ops->module, op, &c->asked, now))
		return false;
	c->number++;
	return true;
}

static void
ask(struct hrp_check *c, const struct hrp_checked *k, mono_t now)
{
	struct repl_digest d;

	if (!k->ops->part_told(k->t, c->first, places_of(c), k->out, now, &d) ||
		!put(c, k, HRP_OP_CHECK, &d, now))
		return;
	c->step = CHECK_ASKED;
	c->due = mono_add_ms(now, ANSWER_MS);
}

uint32_t
hrp_check_poll(struct hrp_check *c, const struct hrp_checked *k, mono_t now)
{
	static const struct repl_digest none;

	switch (c->step) {
	case CHECK_OFF:
		return 0;
	case CHECK_IDLE:
	case CHECK_ASKED:
		/* Live changes go first. */
		if (mono_before(now, c->due) ||
			hrp_stream_unacked(k->stream) >= HRP_STREAM_WINDOW / 2)
			return 0;
		ask(c, k, now);
		return 1;
	case CHECK_BEGIN:
		if (!put(c, k, HRP_OP_PART_BEGIN, &none, now))
			return 0;
		c->at = c->first;
		c->step = CHECK_WALK;
		return 1;
	case CHECK_WALK:
		if (k->ops->part_walk(k->t, &c->at, c->first + places_of(c), k->out, now))
			c->step = CHECK_END;
		return 1;
	case CHECK_END:
		if (!put(c, k, HRP_OP_PART_END, &none, now))
			return 0;
		c->again = true;
		c->step = CHECK_IDLE;
		c->due = now;
		return 1;
	}
	return 0;
}

static void
end_round(struct hrp_check *c, mono_t now)
{
	c->first = 0;
	if (!c->unproved)
		c->round_at = now;
	c->unproved = false;
}

static void
next_part(struct hrp_check *c, mono_t now)
{
	const uint32_t parts = (c->capacity + c->places - 1) / c->places;

	c->checked++;
	c->again = false;
	c->first += c->places;
	if (c->first >= c->capacity)
		end_round(c, now);
	c->step = CHECK_IDLE;
	c->due.ns = now.ns + HRP_CHECK_ROUND_MS * NS_PER_MS / parts;
}

void
hrp_check_answer(struct hrp_check *c, const struct hrp_part *p, mono_t now)
{
	if (c->step != CHECK_ASKED || p->number != c->asked.number)
		return; /* a question that has been put again, or given up */
	struct hrp_check_hold *const hold = &c->hold[c->first / c->places];

	if (p->count == c->asked.count && p->digest == c->asked.digest &&
		p->content == c->asked.content) {
		*hold = (struct hrp_check_hold){ 0 };
		next_part(c, now);
		return;
	}
	c->differing += !c->again;
	c->unrepaired += c->again;
	if (!c->again && hold->left == 0) {
		c->step = CHECK_BEGIN;
		return;
	}
	if (c->again) {
		hold->rounds =
			(uint8_t)(hold->rounds == 0 ? HOLD : RTE_MIN(2 * hold->rounds, HOLD_MAX));
		hold->left = hold->rounds;
	} else {
		hold->left--;
	}
	c->unproved = true;
	next_part(c, now);
}

/* ---- the box that is asked ---- */

/* A round is equal when the first answer for each part was. */
static void
note(struct hrp_held *h, uint32_t capacity, const struct hrp_part *asked,
	const struct hrp_part *answered)
{
	const uint64_t first = rte_be_to_cpu_32(asked->first);

	if (first == 0)
		h->differs = false;
	h->differs |= asked->count != answered->count || asked->digest != answered->digest ||
		      asked->content != answered->content;
	if (first + rte_be_to_cpu_32(asked->places) >= capacity && !h->differs)
		h->lacking = false;
}

void
hrp_check_lacking(struct hrp_held *h)
{
	h->lacking = h->differs = true; /* the part may have been asked of in this round */
}

static bool
answer(const struct hrp_checked *k, struct hrp_held *h, uint32_t capacity, const struct hrp_part *p)
{
	struct repl_digest have;
	struct hrp_part out = *p;

	/* Of a whole table earlier versions ask: it is not compared. */
	if (p->places != 0) {
		if (!k->ops->part_held(
			    k->t, rte_be_to_cpu_32(p->first), rte_be_to_cpu_32(p->places), &have))
			return false;
		out.count = rte_cpu_to_be_32(have.count);
		out.digest = rte_cpu_to_be_64(have.sum);
		if (!have.names_only)
			out.content = rte_cpu_to_be_64(have.content);
		note(h, capacity, p, &out);
	}
	hrp_stream_checked(k->stream, k->ops->module, &out);
	return true;
}

bool
hrp_check_receive(const struct hrp_checked *k, struct hrp_held *h, uint32_t capacity, uint8_t op,
	const struct hrp_part *p)
{
	const uint32_t first = rte_be_to_cpu_32(p->first), places = rte_be_to_cpu_32(p->places);

	if (op == HRP_OP_CHECK)
		return answer(k, h, capacity, p);
	if (op == HRP_OP_PART_END)
		return k->ops->part_end(k->t, first, places) != REPL_RETRY;
	k->ops->part_begin(k->t, first, places);
	return true;
}
