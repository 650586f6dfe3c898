/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mirror; see hrp_mirror.h.  Run by the HRP core.
 */
#include "hrp_mirror.h"

#include "check.h"
#include "defer.h"
#include "ha_config.h"
#include "hrp_check.h"
#include "vgmp.h"

#include <rte_common.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDOVER_MS	  200  /* after stepping down: what was on its way still goes out */
#define LATE_MS		  300  /* so long an active box hears one that has handed over to it */
#define RESULT_MS	  500  /* without a result, END is sent again */
#define BULK_AGAIN_MS	  1000 /* after a bulk that did not agree; doubles */
#define BULK_AGAIN_MAX_MS 32000
#define LACKS_MS	  500  /* a box that could not take all says so again, */
#define LACKS_KEPT_MS	  2000 /* and its peer keeps that in mind */

const char *const hrp_bulk_state_names[HRP_BULK_STATES] = {
	[HRP_BULK_NONE] = "none",
	[HRP_BULK_RUNNING] = "running",
	[HRP_BULK_WAITING] = "waiting",
	[HRP_BULK_EQUAL] = "equal",
	[HRP_BULK_DIFFERS] = "differs",
	[HRP_BULK_UNTAKEN] = "untaken",
	[HRP_BULK_LACKING] = "lacking",
};

struct bulk_out {
	enum hrp_bulk_state state;
	bool begun; /* BEGIN is in the stream: records may follow */
	bool walked;
	uint32_t round, capacity;
	mono_t due; /* WAITING: END again; DIFFERS: next bulk */
	uint64_t again_ms;
	struct hrp_bulk end;
	uint32_t there;	      /* entries that the peer has counted */
	mono_t lacking_until; /* EQUAL, but it could not take all it was told since; 0 = it could */
};

struct bulk_in {
	enum hrp_bulk_state state;
	uint32_t round, capacity;
	struct hrp_held held; /* as compared since */
	mono_t lacks_due;     /* when the peer is told so again */
	struct hrp_bulk result;
	bool answered; /* `result` belongs to `round` */
};

struct mirrored {
	const struct repl_table *ops;
	void *t;
	struct hrp_mirror *mirror;
	struct bulk_out out;
	struct bulk_in in;
	struct hrp_check check;
	bool to_adopt; /* what the peer has left behind is still looked for */
	mono_t proved; /* when the last bulk, of either direction, was */
	uint64_t bulks_out, bulks_in, bulk_out_count, bulk_in_count;
};

struct hrp_mirror {
	struct hrp_mirror_params p;
	struct hrp_stream *stream;
	struct mirrored table[HRP_TABLES_MAX];
	uint32_t count;
	uint32_t round;
	uint16_t tables, peer_tables; /* HRP_TABLE(): ours; those that the peer takes */
	uint16_t told_tables;	      /* those that the peer's stream carries */
	uint8_t peer_half;	      /* NAT_HALF_* of its ports; 0: all, or not known */
	bool peer_parts;	      /* it answers CHECK of sessions, */
	bool peer_all_parts;	      /* and of the other tables */

	bool active, peer_alive, running, sending, mirroring, adopting;
	uint8_t peer_state[3]; /* by group; enum vgmp_state */
	mono_t handover_until;
	uint8_t groups;	  /* bit per group that is active here */
	uint32_t epoch;	  /* theirs */
	mono_t taken;	  /* when the last of them was handed over; 0 = it was not */
	mono_t peer_left; /* when the peer has said that it owns nothing any more; 0 = never */

	/* A frame that is delivered in pieces. */
	struct {
		uint32_t stream, sequence;
		uint16_t offset;
	} held;

	/* First packets that wait for the peer (defer.h), by worker: which frame has their session.
	 */
	struct waiting {
		uint16_t first, count;
		struct {
			uint32_t frame, ticket;
		} of[DEFER_MAX];
	} waiting[MAX_WORKERS];

	uint64_t refused[HA_REFUSAL_COUNT];
};

static bool
holds(const struct hrp_mirror *m, int group)
{
	return (m->groups >> group & 1) != 0;
}

static bool
says_active(const struct hrp_mirror *m, int group)
{
	return m->peer_state[group] == VGMP_ACTIVE ||
	       m->peer_state[group] == VGMP_ACTIVE_TO_STANDBY;
}

static bool
peer_says_active(const struct hrp_mirror *m)
{
	return m->peer_alive && (says_active(m, 1) || says_active(m, 2));
}

/* What a peer hands over is its own until it is taken (T5).  From then on it is ours, though the
 * peer's "I am standby" may be late or lost: a bulk that left its sessions out would end them. */
bool
hrp_mirror_peer_active(const struct hrp_mirror *m)
{
	if (!m->peer_alive)
		return false;
	for (uint8_t g = 1; g <= 2; g++)
		if (m->peer_state[g] == VGMP_ACTIVE ||
			(m->peer_state[g] == VGMP_ACTIVE_TO_STANDBY && !holds(m, vgmp_paired(g))))
			return true;
	return false;
}

/* Has the peer handed its role over just now?  What it has sent before is on its way still, and may
 * come sooner than the hello that says it is standby. */
static bool
just_handed_over(const struct hrp_mirror *m, mono_t now)
{
	return m->taken.ns != 0 && mono_before(now, mono_add_ms(m->taken, LATE_MS));
}

/* Are records of a sender with this role epoch stale?  Those of a box that fell silent are, however
 * long it goes on without knowing.  With load sharing each box has a role of its own, whatever the
 * epochs; where both claim the same one the older epoch has lost it. */
static bool
fenced(const struct hrp_mirror *m, uint32_t epoch, mono_t now)
{
	if (!m->active || just_handed_over(m, now))
		return false;
	if (!hrp_mirror_peer_active(m))
		return true;
	for (uint8_t g = 1; g <= 2; g++)
		if (says_active(m, g) && !holds(m, vgmp_paired(g)))
			return false;
	return (int32_t)(epoch - m->epoch) < 0;
}

static struct mirrored *
table_of(struct hrp_mirror *m, uint16_t module)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->table[i].ops->module == module)
			return &m->table[i];
	return NULL;
}

static uint8_t
half_in(uint16_t tables)
{
	return (uint8_t)((tables & HRP_NAT_HALF_MASK) >> HRP_NAT_HALF_SHIFT);
}

static uint16_t
own_half(const struct hrp_mirror *m)
{
	return (uint16_t)(m->p.nat_half << HRP_NAT_HALF_SHIFT & HRP_NAT_HALF_MASK);
}

/* ---- inbound ---- */

static void
answer(struct hrp_mirror *m, const struct mirrored *t)
{
	hrp_stream_result(m->stream, t->ops->module, &t->in.result);
}

/* What the bulk had proved does not hold any more.  The message may be lost. */
static void
tell_lacking(struct hrp_mirror *m, struct mirrored *t, mono_t now)
{
	struct hrp_bulk lacks = t->in.result;

	if (t->in.state != HRP_BULK_EQUAL || !t->in.held.lacking ||
		mono_before(now, t->in.lacks_due))
		return;
	lacks.digest = ~lacks.digest;
	hrp_stream_result(m->stream, t->ops->module, &lacks);
	t->in.lacks_due = mono_add_ms(now, LACKS_MS);
}

static bool
bulk_begin(struct hrp_mirror *m, struct mirrored *t, const struct hrp_bulk *b)
{
	t->in.round = rte_be_to_cpu_32(b->round);
	t->in.capacity = rte_be_to_cpu_32(b->capacity);
	t->in.held = (struct hrp_held){ 0 };
	if (!t->ops->round(t->t, rte_be_to_cpu_32(b->capacity))) {
		/* Its end is answered by what no table is, so that another bulk follows. */
		m->refused[HA_REFUSED_record]++;
		t->in.state = HRP_BULK_DIFFERS;
		t->in.result = (struct hrp_bulk){ .round = b->round, .digest = RTE_BE64(1) };
		t->in.answered = true;
		return true;
	}
	if (t == &m->table[0]) {
		m->told_tables = rte_be_to_cpu_16(b->tables);
		m->peer_half = half_in(m->told_tables);
	}
	t->in.state = HRP_BULK_RUNNING;
	t->in.answered = false;
	t->bulks_in++;
	return true;
}

/* => false: the sweep goes on at the next turn, and the stream waits for it. */
static bool
bulk_end(struct hrp_mirror *m, struct mirrored *t, const struct hrp_bulk *b, mono_t now)
{
	struct repl_digest have;

	if (rte_be_to_cpu_32(b->round) != t->in.round)
		return true;
	if (t->in.answered) {
		answer(m, t); /* asked again: the first answer was lost */
		return true;
	}
	if (t->in.state != HRP_BULK_RUNNING && t->in.state != HRP_BULK_WAITING)
		return true;
	t->in.state = HRP_BULK_WAITING;
	if (t->ops->sweep(t->t, &have) != REPL_DONE)
		return false;
	t->in.result = (struct hrp_bulk){ .round = b->round,
		.count = rte_cpu_to_be_32(have.count),
		.digest = rte_cpu_to_be_64(have.sum) };
	t->in.answered = true;
	t->in.state = t->in.result.count == b->count && t->in.result.digest == b->digest
			      ? HRP_BULK_EQUAL
			      : HRP_BULK_DIFFERS;
	t->proved = now;
	t->bulk_in_count = have.count;
	answer(m, t);
	return true;
}

/* => bytes of the records taken; less than `len`: the rest at the next turn. */
static uint16_t
install(struct hrp_mirror *m, struct mirrored *t, const uint8_t *records, uint16_t len, uint16_t at,
	mono_t now)
{
	struct hrp_record head;

	while (at < len) {
		const uint16_t left = (uint16_t)(len - at);
		if (left < sizeof(head)) {
			m->refused[HA_REFUSED_record]++;
			return len;
		}
		memcpy(&head, records + at, sizeof(head));
		if (head.length < sizeof(head) || head.length > left) {
			m->refused[HA_REFUSED_record]++; /* where the next one begins is unknown */
			return len;
		}
		switch (t->ops->install(t->t, records + at, head.length, now)) {
		case REPL_DONE:
			break;
		case REPL_REFUSED:
			m->refused[HA_REFUSED_record]++;
			hrp_check_lacking(&t->in.held);
			break;
		case REPL_RETRY:
			return at;
		}
		at = (uint16_t)(at + head.length);
	}
	return at;
}

static bool
deliver(void *ctx, const uint8_t *message, uint16_t len, mono_t now)
{
	const uint8_t *body = message + HRP_STREAM_OVERHEAD - sizeof(struct hrp_stream_head);
	struct hrp_mirror *m = ctx;
	struct hrp_stream_head head;
	struct hrp_header h;
	struct hrp_bulk bulk;
	struct hrp_part part;

	memcpy(&h, message + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
	memcpy(&head, body, sizeof(head));
	struct mirrored *t = table_of(m, rte_be_to_cpu_16(h.dest_module));
	if (t == NULL) {
		m->refused[HA_REFUSED_module]++;
		return true;
	}
	if (h.op == HRP_OP_CHECK || h.op == HRP_OP_PART_BEGIN || h.op == HRP_OP_PART_END) {
		const struct hrp_checked k = { .ops = t->ops, .t = t->t, .stream = m->stream };

		memcpy(&part, body, sizeof(part));
		return t->in.state == HRP_BULK_NONE ||
		       hrp_check_receive(&k, &t->in.held, t->in.capacity, h.op, &part);
	}
	if (h.op != HRP_OP_ADD) {
		memcpy(&bulk, body, sizeof(bulk)); /* ha_check() has seen to its length */
		return h.op == HRP_OP_BULK_BEGIN ? bulk_begin(m, t, &bulk)
						 : bulk_end(m, t, &bulk, now);
	}
	if (t->in.state == HRP_BULK_NONE) {
		m->refused[HA_REFUSED_record]++; /* a stream begins with a bulk */
		return true;
	}
	const uint16_t total = (uint16_t)(len - HRP_STREAM_OVERHEAD);
	uint16_t at = 0;
	if (m->held.stream == head.stream && m->held.sequence == h.sequence)
		at = RTE_MIN(m->held.offset, total);
	at = install(m, t, body + sizeof(head), total, at, now);
	m->held.stream = head.stream;
	m->held.sequence = h.sequence;
	m->held.offset = at;
	return at == total;
}

/* ---- outbound ---- */

/* Sessions are no choice. */
static bool
is_in(const struct hrp_mirror *m, uint32_t i, uint16_t tables)
{
	return i == 0 || (tables & HRP_TABLE(m->table[i].ops->module)) != 0;
}

static void
stop_bulks(struct hrp_mirror *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		m->table[i].out = (struct bulk_out){ 0 };
		hrp_check_stop(&m->table[i].check);
	}
}

static void
start_bulks(struct hrp_mirror *m)
{
	stop_bulks(m);
	for (uint32_t i = 0; i < m->count; i++)
		m->table[i].out =
			(struct bulk_out){ .state = is_in(m, i, m->peer_tables) ? HRP_BULK_RUNNING
										: HRP_BULK_UNTAKEN,
				.again_ms = BULK_AGAIN_MS };
}

static void
opened(void *ctx, uint16_t tables, mono_t now)
{
	struct hrp_mirror *m = ctx;

	(void)now;
	/* Of frames of the stream before nothing more will be heard. */
	for (uint32_t w = 0; w < MAX_WORKERS; w++)
		m->waiting[w].count = 0;
	m->peer_half = half_in(tables);
	m->peer_tables =
		(uint16_t)(tables & ~(HRP_TAKES_PARTS | HRP_TAKES_ALL_PARTS | HRP_NAT_HALF_MASK));
	m->peer_parts = (tables & HRP_TAKES_PARTS) != 0;
	m->peer_all_parts = (tables & HRP_TAKES_ALL_PARTS) != 0;
	start_bulks(m);
}

static void
result(void *ctx, const struct hrp_bulk *b, mono_t now)
{
	struct hrp_mirror *m = ctx;

	for (uint32_t i = 0; i < m->count; i++) {
		struct bulk_out *o = &m->table[i].out;
		const bool equal = b->count == o->end.count && b->digest == o->end.digest;

		if (b->round != o->end.round)
			continue;
		if (o->state == HRP_BULK_EQUAL && !equal)
			o->lacking_until = mono_add_ms(now, LACKS_KEPT_MS);
		if (o->state != HRP_BULK_WAITING)
			continue;
		o->there = rte_be_to_cpu_32(b->count);
		m->table[i].proved = now;
		if (equal) {
			o->state = HRP_BULK_EQUAL;
			o->again_ms = BULK_AGAIN_MS;
			if (i == 0 ? m->peer_parts : m->peer_all_parts)
				hrp_check_begin(&m->table[i].check, o->capacity, now);
			continue;
		}
		o->state = HRP_BULK_DIFFERS;
		o->due = mono_add_ms(now, o->again_ms);
		o->again_ms = RTE_MIN(o->again_ms * 2, (uint64_t)BULK_AGAIN_MAX_MS);
	}
}

/* What the peer holds of a part. */
static void
checked(void *ctx, uint16_t module, const struct hrp_part *p, mono_t now)
{
	struct mirrored *t = table_of(ctx, module);

	if (t != NULL && t->out.state == HRP_BULK_EQUAL)
		hrp_check_answer(&t->check, p, now);
}

static uint8_t *
reserve(void *ctx, uint16_t len, mono_t now)
{
	const struct mirrored *t = ctx;

	return hrp_stream_reserve(t->mirror->stream, t->ops->module, len, now);
}

static void
commit(void *ctx, uint16_t len)
{
	hrp_stream_commit(((const struct mirrored *)ctx)->mirror->stream, len);
}

/* More than a worker can hold: those of its packets that went without. */
static void
waits(void *ctx, uint16_t worker, uint32_t ticket)
{
	struct hrp_mirror *m = ((const struct mirrored *)ctx)->mirror;
	struct waiting *q = &m->waiting[worker];
	const uint32_t at = (q->first + q->count) % DEFER_MAX;

	q->of[at].frame = hrp_stream_filling(m->stream);
	q->of[at].ticket = ticket;
	if (q->count < DEFER_MAX)
		q->count++;
	else
		q->first = (q->first + 1) % DEFER_MAX;
}

static void
release_waiting(struct hrp_mirror *m)
{
	const uint16_t workers = engine_worker_count(m->p.engine);

	for (uint16_t w = 0; w < workers; w++) {
		struct waiting *q = &m->waiting[w];

		if (!hrp_stream_is_open(m->stream))
			q->count = 0; /* the workers will not wait for ever */
		while (q->count > 0 && hrp_stream_has(m->stream, q->of[q->first].frame)) {
			engine_set_mirrored(m->p.engine, w, q->of[q->first].ticket);
			q->first = (q->first + 1) % DEFER_MAX;
			q->count--;
		}
	}
}

static bool
begin_walk(struct hrp_mirror *m, struct mirrored *t, mono_t now)
{
	struct bulk_out *o = &t->out;
	struct hrp_bulk b = { .round = rte_cpu_to_be_32(m->round + 1) };
	uint32_t estimate;

	o->capacity = t->ops->walk_begin(t->t, &estimate);
	b.capacity = rte_cpu_to_be_32(o->capacity);
	b.count = rte_cpu_to_be_32(estimate);
	if (t == &m->table[0])
		b.tables = rte_cpu_to_be_16((uint16_t)((m->tables & m->peer_tables) | own_half(m)));
	if (!hrp_stream_bulk(m->stream, t->ops->module, HRP_OP_BULK_BEGIN, &b, now))
		return false;
	m->round++;
	t->bulks_out++;
	o->begun = true;
	o->walked = false;
	o->round = m->round;
	return true;
}

static bool
end_walk(struct hrp_mirror *m, struct mirrored *t, mono_t now)
{
	struct bulk_out *o = &t->out;
	struct repl_digest d;

	t->ops->sent(t->t, &d);
	o->end = (struct hrp_bulk){ .round = rte_cpu_to_be_32(o->round),
		.count = rte_cpu_to_be_32(d.count),
		.digest = rte_cpu_to_be_64(d.sum) };
	if (!hrp_stream_bulk(m->stream, t->ops->module, HRP_OP_BULK_END, &o->end, now))
		return false;
	t->bulk_out_count = d.count;
	o->state = HRP_BULK_WAITING;
	o->due = mono_add_ms(now, RESULT_MS);
	return true;
}

/* What others name comes first: the sessions. */
static bool
in_turn(const struct hrp_mirror *m, const struct mirrored *t)
{
	return t == &m->table[0] || m->table[0].out.walked;
}

/* Live changes first; what room is left goes to the bulk. */
static uint32_t
feed_table(struct hrp_mirror *m, struct mirrored *t, mono_t now)
{
	const struct repl_out out = {
		.ctx = t, .reserve = reserve, .commit = commit, .waits = waits
	};
	const struct hrp_checked k = { .ops = t->ops, .t = t->t, .stream = m->stream, .out = &out };
	struct bulk_out *o = &t->out;
	uint32_t work = 0;

	if (o->begun)
		work = t->ops->drain(t->t, &out, now);
	else
		t->ops->discard(t->t); /* the bulk that is about to begin covers it */

	switch (o->state) {
	case HRP_BULK_RUNNING:
		if (m->adopting || (!o->begun && (!in_turn(m, t) || !begin_walk(m, t, now))))
			return work;
		if (!o->walked)
			o->walked = t->ops->walk(t->t, &out, now);
		/* What the peer has handed over and not told of yet would end on both boxes. */
		if (o->walked && !just_handed_over(m, now))
			end_walk(m, t, now);
		return work + 1;
	case HRP_BULK_WAITING:
		if (!mono_before(now, o->due)) {
			hrp_stream_bulk(m->stream, t->ops->module, HRP_OP_BULK_END, &o->end, now);
			o->due = mono_add_ms(now, RESULT_MS);
		}
		return work;
	case HRP_BULK_DIFFERS:
		/* Records go on under the old round until the new BEGIN is in the stream. */
		if (!mono_before(now, o->due)) {
			o->state = HRP_BULK_RUNNING;
			o->begun = false;
		}
		return work;
	case HRP_BULK_EQUAL:
		if (!mono_before(now, o->lacking_until))
			o->lacking_until.ns = 0;
		return work + hrp_check_poll(&t->check, &k, now);
	case HRP_BULK_NONE:
	case HRP_BULK_UNTAKEN:
	case HRP_BULK_LACKING:
	case HRP_BULK_STATES:
		return work;
	}
	return work;
}

/* ---- roles ---- */

static void
tell_tables(struct hrp_mirror *m)
{
	const struct repl_role r = { .active = m->active,
		.peer_active = hrp_mirror_peer_active(m),
		.sending = m->mirroring };

	engine_set_sharing(m->p.engine, r.active && r.peer_active);
	/* Sessions the peer has left behind are ours. */
	m->adopting = m->active && !r.peer_active;
	for (uint32_t i = 0; i < m->count; i++) {
		m->table[i].ops->role(m->table[i].t, &r);
		m->table[i].to_adopt = m->adopting;
	}
}

static void
set_sending(struct hrp_mirror *m, bool on, mono_t now)
{
	if (m->sending == on)
		return;
	m->sending = on;
	if (m->mirroring != on) {
		m->mirroring = on;
		engine_set_mirror(m->p.engine, on);
	}
	/* Before the stream: opening it starts the bulks itself. */
	if (on && hrp_stream_is_open(m->stream))
		start_bulks(m);
	if (!on)
		stop_bulks(m);
	hrp_stream_offer(m->stream, on, now);
}

void
hrp_mirror_role(struct hrp_mirror *m, bool active, bool alive, mono_t now)
{
	if (m->active && !active)
		m->handover_until = mono_add_ms(now, HANDOVER_MS);
	const bool changed = m->active != active || m->peer_alive != alive;
	m->active = active;
	m->peer_alive = alive;
	if (!alive) {
		memset(m->peer_state, 0, sizeof(m->peer_state));
		m->peer_half = 0;
		m->peer_left.ns = 0;
		hrp_stream_close(m->stream);
		stop_bulks(m);
	}
	hrp_stream_role(m->stream, active);
	if (active && m->sending && m->handover_until.ns != 0)
		set_sending(m, false, now); /* back before the hand-over was over: begin anew */
	if (active) {
		m->handover_until.ns = 0;
		set_sending(m, alive, now);
	} else if (!alive) {
		set_sending(m, false, now);
	}
	if (changed)
		tell_tables(m);
}

void
hrp_mirror_peer(struct hrp_mirror *m, uint8_t group, uint8_t state, mono_t now)
{
	const bool said = peer_says_active(m), owned = hrp_mirror_peer_active(m);

	if (group < 1 || group > 2)
		return;
	m->peer_state[group] = state;
	if (hrp_mirror_peer_active(m) != owned)
		tell_tables(m);
	if (!said || peer_says_active(m))
		return;
	/* Of two that were active the other has handed over: what is left there is what a bulk
	 * says. */
	m->peer_left = now;
	if (m->active)
		hrp_mirror_sync(m);
}

void
hrp_mirror_link(struct hrp_mirror *m, bool running)
{
	m->running = running;
}

/* ---- life-cycle ---- */

struct hrp_mirror *
hrp_mirror_create(const struct hrp_mirror_params *p, char *err, size_t err_size)
{
	const struct repl_table *const *list = repl_tables_get();
	struct hrp_mirror *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		snprintf(err, err_size, "mirror: out of memory");
		return NULL;
	}
	m->p = *p;
	for (; list[m->count] != NULL && m->count < HRP_TABLES_MAX; m->count++) {
		struct mirrored *t = &m->table[m->count];
		t->ops = list[m->count];
		t->mirror = m;
		t->t = t->ops->create(&(struct repl_params){ .engine = p->engine,
					      .methods = p->methods,
					      .sessions = m->table[0].t },
			err, err_size);
		m->tables |= m->count > 0 ? HRP_TABLE(t->ops->module) : 0;
		if (t->t == NULL) {
			hrp_mirror_destroy(m);
			return NULL;
		}
	}
	m->stream = hrp_stream_create(&(struct hrp_stream_params){ .frame_max = p->frame_max,
		.hello_ms = p->hello_ms,
		.seed = p->seed,
		.tables = m->tables | HRP_TAKES_PARTS | HRP_TAKES_ALL_PARTS | own_half(m),
		.ctx = m,
		.deliver = deliver,
		.opened = opened,
		.result = result,
		.checked = checked,
		.send_ctx = p->ctx,
		.send = p->send });
	if (m->stream == NULL) {
		snprintf(err, err_size, "mirror: out of memory for the stream's window");
		hrp_mirror_destroy(m);
		return NULL;
	}
	return m;
}

void
hrp_mirror_destroy(struct hrp_mirror *m)
{
	if (m == NULL)
		return;
	if (m->mirroring)
		engine_set_mirror(m->p.engine, false);
	for (uint32_t i = 0; i < m->count; i++)
		m->table[i].ops->destroy(m->table[i].t);
	hrp_stream_destroy(m->stream);
	free(m);
}

/* Is it the peer that hands its role over, or has just said that it has? */
static bool
gives(const struct hrp_mirror *m, mono_t now)
{
	return peer_says_active(m) ||
	       (m->peer_left.ns != 0 && mono_before(now, mono_add_ms(m->peer_left, LATE_MS)));
}

void
hrp_mirror_groups(struct hrp_mirror *m, uint8_t groups, uint32_t epoch, bool alive, mono_t now)
{
	const bool owned = hrp_mirror_peer_active(m);

	if ((groups & ~m->groups) != 0)
		m->taken = alive && gives(m, now) ? now : (mono_t){ .ns = 0 };
	m->groups = groups;
	m->epoch = epoch;
	if (hrp_mirror_peer_active(m) != owned)
		tell_tables(m);
}

enum ha_refusal
hrp_mirror_receive(
	struct hrp_mirror *m, const uint8_t *message, uint16_t len, uint32_t epoch, mono_t now)
{
	struct hrp_header h;

	memcpy(&h, message + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
	if (hrp_stream_numbered(h.op) && fenced(m, epoch, now))
		return HA_REFUSED_epoch;
	return hrp_stream_receive(m->stream, message, len, now);
}

uint64_t
hrp_mirror_answers(const struct hrp_mirror *m)
{
	struct hrp_stream_stats s;

	hrp_stream_stats(m->stream, &s);
	return s.answers;
}

/* Tables are of different sizes, and one may be held by somebody else for a turn: each is done when
 * it is done. */
static uint32_t
poll_adoption(struct hrp_mirror *m, mono_t now)
{
	if (!m->adopting && m->active && !hrp_mirror_peer_active(m))
		for (uint32_t i = 0; i < m->count; i++) {
			m->table[i].to_adopt = m->table[i].ops->orphans(m->table[i].t);
			m->adopting |= m->table[i].to_adopt;
		}
	if (!m->adopting)
		return 0;
	m->adopting = false;
	for (uint32_t i = 0; i < m->count; i++) {
		struct mirrored *t = &m->table[i];

		t->to_adopt = t->to_adopt && !t->ops->adopt(t->t, now);
		m->adopting |= t->to_adopt;
	}
	return 1;
}

uint32_t
hrp_mirror_poll(struct hrp_mirror *m, mono_t now)
{
	uint32_t work = 0;

	hrp_stream_listen(m->stream, m->peer_alive || (m->running && !m->active), now);
	if (!hrp_stream_hears(m->stream))
		for (uint32_t i = 0; i < m->count; i++)
			m->table[i].in.state = HRP_BULK_NONE;
	if (m->sending && !m->active && !mono_before(now, m->handover_until))
		set_sending(m, false, now);

	work += poll_adoption(m, now);
	for (uint32_t i = 0; i < m->count; i++) {
		struct mirrored *t = &m->table[i];
		if (m->sending && hrp_stream_is_open(m->stream))
			work += feed_table(m, t, now);
		else
			t->ops->discard(t->t);
		tell_lacking(m, t, now);
	}
	release_waiting(m);
	return work + hrp_stream_poll(m->stream, now);
}

void
hrp_mirror_sync(struct hrp_mirror *m)
{
	if (m->sending && hrp_stream_is_open(m->stream))
		start_bulks(m);
}

bool
hrp_mirror_synchronised(const struct hrp_mirror *m)
{
	const bool hears = !m->active || hrp_mirror_peer_active(m);

	for (uint32_t i = 0; i < m->count; i++) {
		const struct mirrored *t = &m->table[i];
		const enum hrp_bulk_state state = m->active ? t->out.state : t->in.state;
		const bool told = is_in(m, i, m->told_tables);
		const bool carried = m->active ? state != HRP_BULK_UNTAKEN : told;

		if ((carried && state != HRP_BULK_EQUAL) || t->out.lacking_until.ns != 0 ||
			(hears && told && t->in.held.lacking))
			return false;
	}
	return m->peer_alive;
}

static void
table_status(const struct hrp_mirror *m, const struct mirrored *t, struct hrp_table_status *st)
{
	struct hrp_stream_lag lag;
	struct repl_digest sent;
	struct repl_counts c;

	t->ops->counts(t->t, &c);
	t->ops->sent(t->t, &sent);
	hrp_stream_lag(m->stream, t->ops->module, &lag);
	*st = (struct hrp_table_status){ .name = t->ops->name,
		.entries = c.entries,
		.told = t->out.begun ? sent.count : 0,
		.there = t->out.there,
		.copies = t->in.answered ? rte_be_to_cpu_32(t->in.result.count) : 0,
		.bulk_out = t->out.lacking_until.ns != 0 ? HRP_BULK_LACKING : t->out.state,
		.bulk_in = t->in.state == HRP_BULK_EQUAL && t->in.held.lacking ? HRP_BULK_LACKING
									       : t->in.state,
		.bulk_ns = t->proved.ns,
		.bulks_out = t->bulks_out,
		.bulks_in = t->bulks_in,
		.lag_median_us = lag.median_us,
		.lag_max_us = lag.max_us,
		.unacked = lag.unacked,
		.resent = lag.resent,
		.dirty = c.dirty,
		.sent = c.sent,
		.deleted = c.deleted,
		.installed = c.installed,
		.removed = c.removed,
		.refused = c.conflicts + c.full,
		.unclaimed = c.unclaimed,
		.unknown = c.unknown,
		.adopted = c.adopted,
		.swept = c.swept,
		.checked = t->check.checked,
		.differing = t->check.differing,
		.unrepaired = t->check.unrepaired,
		.repaired = c.repaired,
		.check_ns = t->check.round_at.ns };
}

void
hrp_mirror_status(const struct hrp_mirror *m, struct hrp_status *st, mono_t now)
{
	struct hrp_stream_stats s;

	hrp_stream_stats(m->stream, &s);
	st->stream = (struct hrp_stream_status){
		.open = hrp_stream_is_open(m->stream),
		.frames_out = s.frames_out,
		.frames_in = s.frames_in,
		.resent = s.resent,
		.timeouts = s.timeouts,
		.acks_out = s.acks_out,
		.acks_in = s.acks_in,
		.nacks_out = s.nacks_out,
		.nacks_in = s.nacks_in,
		.duplicates = s.duplicates,
		.reordered = s.reordered,
		.refused = s.refused,
		.opened = s.opened,
		.window_full = s.window_full,
		.unacked = hrp_stream_unacked(m->stream),
		.rtt_us = hrp_stream_rtt_ns(m->stream) / NS_PER_US,
		.lag_us = hrp_stream_lag_ns(m->stream, now) / NS_PER_US,
	};
	m->table[0].ops->status(m->table[0].t, &st->sessions);
	st->tables_count = m->count;
	for (uint32_t i = 0; i < m->count; i++)
		table_status(m, &m->table[i], &st->tables[i]);
	st->active = m->active;
	st->peer_alive = m->peer_alive;
	st->peer_active = hrp_mirror_peer_active(m);
	st->mirroring = m->mirroring;
	st->same_half = m->p.nat_half != 0 && m->p.nat_half == m->peer_half;
	st->quick = m->p.methods.quick;
	st->period_s = m->p.methods.period_s;
	st->synchronised = hrp_mirror_synchronised(m);
	st->bulk_out = m->table[0].out.state;
	st->bulk_in = m->table[0].in.state;
	st->bulks_out = m->table[0].bulks_out;
	st->bulks_in = m->table[0].bulks_in;
	st->bulk_out_count = m->table[0].bulk_out_count;
	st->bulk_in_count = m->table[0].bulk_in_count;
	for (int i = 0; i < HA_REFUSAL_COUNT; i++)
		st->refused[i] += m->refused[i];
}
