/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world as few bytes, and back.  What is not listed here is constant (parameters), or nothing
 * that decides a role depends on it: counters, texts and times for shows, the timer of adverts.
 */
#include "world_state.h"

#include <stddef.h>
#include <string.h>

#define AGE_FROZEN 60 /* a box that does not run still counts */
#define NUMBER	   30000
#define NEWEST	   1000 /* number of the last message that counted */

enum kind { FLAG, BYTE, EPOCH, PRIORITY, AGE, DUE, TURNS, REQUEST, PEER_REQUEST };

static const struct field {
	uint32_t offset;
	uint8_t kind;
	bool of_group;
} fields[] = {
#define ROLE(name, kind)                                                                           \
	{                                                                                          \
		offsetof(struct role, name), kind, false                                           \
	}
#define GROUP(name, kind)                                                                          \
	{                                                                                          \
		offsetof(struct role_group, name), kind, true                                      \
	}
	ROLE(started, FLAG),
	ROLE(last, AGE),
	ROLE(lease.until, DUE),
	ROLE(lease.pending, FLAG),
	ROLE(lease.given, AGE),
	ROLE(lease.turns, TURNS),
	ROLE(hrp_turns, TURNS),
	ROLE(hrp_seen, AGE),
	ROLE(hrp_alive, FLAG),
	ROLE(hello_due, DUE),
	ROLE(hello_now, FLAG),
	ROLE(synchronised, FLAG),
	ROLE(peer_epoch, EPOCH),
	ROLE(resigning, FLAG),
	ROLE(left, FLAG),
	ROLE(resign_due, DUE),
	ROLE(flushed_due, DUE),
	ROLE(flushed_turns, TURNS),
	ROLE(resign_wanted, FLAG),
	ROLE(resigned, FLAG),
	ROLE(vrrps[0].state, BYTE),
	ROLE(vrrps[0].link, FLAG),
	ROLE(carrier[0], FLAG),
	ROLE(vrrps[1].state, BYTE),
	ROLE(vrrps[1].link, FLAG),
	ROLE(carrier[1], FLAG),
	GROUP(enabled, FLAG),
	GROUP(state, BYTE),
	GROUP(epoch, EPOCH),
	GROUP(listening, FLAG),
	GROUP(listen_id, REQUEST),
	GROUP(listen_since, AGE),
	GROUP(listen_asked, AGE),
	GROUP(asking, BYTE),
	GROUP(tries, BYTE),
	GROUP(ask_id, REQUEST),
	GROUP(ask_priority, PRIORITY),
	GROUP(declined_id, PEER_REQUEST),
	GROUP(ask_first, AGE),
	GROUP(ask_last, AGE),
	GROUP(yielded, FLAG),
	GROUP(peer_known, FLAG),
	GROUP(peer_state, BYTE),
	GROUP(peer_priority, PRIORITY),
	GROUP(peer_epoch, EPOCH),
	GROUP(peer_heard, AGE),
	GROUP(silent_since, AGE),
	GROUP(peer_was_active, FLAG),
	GROUP(copy_held, FLAG),
	GROUP(alone, FLAG),
	GROUP(reassert, FLAG),
	GROUP(preempt_since, AGE),
	GROUP(asked_away, AGE),
	GROUP(twin, FLAG),
	GROUP(second, FLAG),
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct bytes {
	uint8_t *at;
};

static void
put(struct bytes *b, int64_t value)
{
	*b->at++ = (uint8_t)value;
}

static int64_t
clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* ---- one field ---- */

static void
pack_field(struct bytes *out, const struct world_box *b, const struct field *f, const void *at)
{
	const int64_t limit = b->control_frozen || b->hrp_frozen ? AGE_FROZEN : WORLD_AGE;
	const int64_t now = (int64_t)world.now.ns, step = (int64_t)WORLD_STEP;
	const struct role *asker = b->role;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (f->kind) {
	case EPOCH:
		memcpy(&u32, at, sizeof(u32));
		put(out, u32);
		return;
	case PRIORITY:
		memcpy(&u32, at, sizeof(u32));
		put(out, u32 >> 8);
		put(out, u32);
		return;
	case AGE:
		memcpy(&u64, at, sizeof(u64));
		put(out, u64 == 0 ? 0 : 1 + clamp((now - (int64_t)u64) / step, 0, limit));
		return;
	case DUE:
		memcpy(&u64, at, sizeof(u64));
		put(out, u64 == 0 ? 0 : 20 + clamp(((int64_t)u64 - now) / step, -17, 24));
		return;
	case TURNS:
		memcpy(&u64, at, sizeof(u64));
		put(out, 8 + clamp((int64_t)(u64 - b->turns), -8, 8));
		return;
	case REQUEST:
	case PEER_REQUEST:
		if (f->kind == PEER_REQUEST)
			asker = world.box[b == &world.box[0]].role;
		memcpy(&u16, at, sizeof(u16));
		put(out, u16 == 0 ? 255 : clamp((int16_t)(asker->next_id - u16), 0, 30));
		return;
	default:
		put(out, *(const uint8_t *)at);
	}
}

static void
unpack_field(struct bytes *in, const struct world_box *b, const struct field *f, void *at)
{
	const uint8_t byte = *in->at++;
	uint64_t u64 = 0;
	uint32_t u32 = byte;
	uint16_t u16;

	switch (f->kind) {
	case EPOCH:
		memcpy(at, &u32, sizeof(u32));
		return;
	case PRIORITY:
		u32 = u32 << 8 | *in->at++;
		memcpy(at, &u32, sizeof(u32));
		return;
	case AGE:
		if (byte != 0)
			u64 = world.now.ns - (byte - 1u) * WORLD_STEP;
		memcpy(at, &u64, sizeof(u64));
		return;
	case DUE:
		if (byte != 0)
			u64 = world.now.ns + byte * WORLD_STEP - 20 * WORLD_STEP;
		memcpy(at, &u64, sizeof(u64));
		return;
	case TURNS:
		u64 = b->turns + byte - 8;
		memcpy(at, &u64, sizeof(u64));
		return;
	case REQUEST:
	case PEER_REQUEST:
		u16 = byte == 255 ? 0 : (uint16_t)(NUMBER - byte);
		memcpy(at, &u16, sizeof(u16));
		return;
	default:
		*(uint8_t *)at = byte;
	}
}

static void *
field_at(const struct world_box *b, int which, const struct field *f)
{
	uint8_t *const base =
		f->of_group ? (uint8_t *)&b->role->group[world_group(which)] : (uint8_t *)b->role;

	return base + f->offset;
}

/* ---- queues ---- */

/* How many numbers are newer than what has counted, and older than this? */
static uint8_t
rank(int from, uint64_t number)
{
	const struct world_queue *const queues[] = { &world.path[from].held,
		&world.box[1 - from].nic };
	const uint64_t newest = world.box[1 - from].newest;
	uint8_t older = 1;

	if (number <= newest)
		return 0;
	for (unsigned int i = 0; i < 2; i++) {
		for (uint32_t k = 0; k < queues[i]->count; k++) {
			const uint64_t other = queues[i]->list[k].number;

			older = (uint8_t)(older + (other > newest && other < number));
		}
	}
	return older;
}

static void
pack_queue(struct bytes *out, const struct world_queue *q, int from)
{
	put(out, q->count);
	for (uint32_t i = 0; i < q->count; i++) {
		const struct world_msg *const m = &q->list[i];
		const struct role *const asker =
			world.box[m->mode == HA_REPLY ? 1 - from : from].role;

		put(out, m->hello | m->mode << 1 | m->op << 3 | m->result << 5);
		put(out, m->state);
		put(out, m->id == 0 ? 255 : clamp((int16_t)(asker->next_id - m->id), 0, 31));
		put(out, m->priority >> 8);
		put(out, m->priority);
		put(out, m->epoch);
		put(out, m->known);
		put(out, rank(from, m->number));
		put(out, clamp((int64_t)((world.now.ns - m->at.ns) / WORLD_STEP), 0, WORLD_AGE));
	}
}

static void
unpack_queue(struct bytes *in, struct world_queue *q)
{
	q->count = *in->at++;
	for (uint32_t i = 0; i < q->count; i++) {
		struct world_msg *const m = &q->list[i];
		const uint8_t *const x = in->at;

		*m = (struct world_msg){ .hello = x[0] & 1,
			.mode = x[0] >> 1 & 3,
			.op = x[0] >> 3 & 3,
			.result = x[0] >> 5 & 3,
			.state = x[1],
			.id = x[2] == 255 ? 0 : (uint16_t)(NUMBER - x[2]),
			.priority = (uint16_t)(x[3] << 8 | x[4]),
			.epoch = x[5],
			.known = x[6],
			.number = NEWEST + x[7],
			.at = { .ns = world.now.ns - x[8] * WORLD_STEP } };
		in->at += 9;
	}
}

/* ---- all ---- */

static void
pack_box(struct bytes *out, int which)
{
	const struct world_box *const b = &world.box[which];

	put(out, b->dead | b->control_frozen << 1 | b->hrp_frozen << 2 | b->sync << 3 |
			 b->link[0] << 4 | b->link[1] << 5);
	if (b->dead)
		return;
	put(out, b->frozen_for);
	put(out, b->told);
	put(out, b->carrier_news | b->own[0] << 2 | b->own[1] << 3 |
			 b->role->members.list[0].failed << 4 |
			 b->role->members.list[1].failed << 5);
	for (unsigned int i = 0; i < FIELDS; i++)
		pack_field(out, b, &fields[i], field_at(b, which, &fields[i]));
	pack_queue(out, &b->out, which);
	pack_queue(out, &b->nic, 1 - which);
	pack_queue(out, &b->in, 1 - which);
}

static void
unpack_box(struct bytes *in, int which)
{
	struct world_box *const b = &world.box[which];
	const uint8_t x = *in->at++;

	world_forget(b);
	b->dead = x & 1;
	b->control_frozen = x >> 1 & 1;
	b->hrp_frozen = x >> 2 & 1;
	b->sync = x >> 3 & 1;
	b->link[0] = x >> 4 & 1;
	b->link[1] = x >> 5 & 1;
	b->role->next_id = NUMBER;
	b->newest = NEWEST;
	b->sent = NEWEST + 100;
	b->carrier_news = b->frozen_for = b->told = 0;
	b->own[0] = b->own[1] = false;
	b->out.count = b->nic.count = b->in.count = 0;
	b->lease.ns = 0;
	if (b->dead)
		return;
	b->frozen_for = *in->at++;
	b->told = *in->at++;
	const uint8_t y = *in->at++;

	b->carrier_news = y & 3;
	b->own[0] = y >> 2 & 1;
	b->own[1] = y >> 3 & 1;
	mon_set(&b->role->members, 0, y >> 4 & 1);
	mon_set(&b->role->members, 1, y >> 5 & 1);
	for (unsigned int i = 0; i < FIELDS; i++)
		unpack_field(in, b, &fields[i], field_at(b, which, &fields[i]));
	b->lease = b->role->lease_told = b->role->lease.until; /* as after every tick */
	unpack_queue(in, &b->out);
	unpack_queue(in, &b->nic);
	unpack_queue(in, &b->in);
}

void
world_pack(struct world_packed *p)
{
	struct bytes out = { p->data };

	for (int i = 0; i < 2; i++) {
		const struct world_path *const w = &world.path[i];

		pack_box(&out, i);
		put(&out, w->cut);
		put(&out, w->lost);
		put(&out, w->silent);
		put(&out, w->held_for);
		pack_queue(&out, &w->held, i);
	}
	put(&out, world.cut);
	put(&out, world.whole);
	put(&out, world.synced);
	p->len = (uint16_t)(out.at - p->data);
}

void
world_unpack(const struct world_packed *p)
{
	uint8_t data[WORLD_BYTES];
	struct bytes in = { data };

	memcpy(data, p->data, p->len);
	world.now.ns = WORLD_NOW;
	for (int i = 0; i < 2; i++) {
		struct world_path *const w = &world.path[i];

		unpack_box(&in, i);
		w->cut = *in.at++;
		w->lost = *in.at++;
		w->silent = *in.at++;
		w->held_for = *in.at++;
		unpack_queue(&in, &w->held);
	}
	world.cut = *in.at++;
	world.whole = *in.at++;
	world.synced = *in.at++;
}

void
world_forget(struct world_box *b)
{
	struct role *const r = b->role;
	struct role_group *g;

	for (int i = 0; i < 2; i++) {
		for (unsigned int k = 0; k < FIELDS; k++) {
			static const uint8_t sizes[] = { [FLAG] = 1,
				[BYTE] = 1,
				[EPOCH] = 4,
				[PRIORITY] = 4,
				[AGE] = 8,
				[DUE] = 8,
				[TURNS] = 8,
				[REQUEST] = 2,
				[PEER_REQUEST] = 2 };

			memset(field_at(b, i, &fields[k]), 0, sizes[fields[k].kind]);
		}
	}
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		g = &r->group[id];
		g->enabled = r->members.members[id] > 0;
		g->second = id == VGMP_GROUP_STANDBY;
	}
	/* Started again it begins with another number, so that no old answer fits. */
	r->next_id += 64;
	r->lease_told.ns = 0;
	r->told_any = false; /* tells the HRP core again */
	b->told = 0;
	b->turns = 100;
	for (uint16_t i = 0; i < WORLD_LINKS; i++)
		mon_set(&r->members, i, true);
}
